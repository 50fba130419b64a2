package match

import (
	"strings"
	"time"
)

// spaces are those that stand between thousands.
var spaces = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2009", " ", "\u2212", "-")

// decimal reads an amount in minor units without ever holding it as a float:
// digits, or groups of three between spaces; a point or comma and one or two
// digits; a minus. Anything else is none, and so is what MaxTotal exceeds.
func decimal(s string) (minor int64, ok bool) {
	s = spaces.Replace(s)
	s, negative := strings.CutPrefix(s, "-")
	whole, fraction := s, ""
	if at := strings.IndexAny(s, ".,"); at >= 0 {
		whole, fraction = s[:at], s[at+1:]
		if fraction == "" || len(fraction) > 2 {
			return 0, false
		}
	}
	groups := strings.Split(whole, " ")
	for i, group := range groups {
		if len(groups) > 1 && (len(group) != 3 && i > 0 || len(group) > 3) {
			return 0, false
		}
		if minor, ok = digits(minor, group); !ok {
			return 0, false
		}
	}
	if fraction != "" {
		if minor, ok = digits(minor, fraction); !ok {
			return 0, false
		}
	}
	for range 2 - len(fraction) {
		minor *= 10
	}
	if minor > MaxTotal {
		return 0, false
	}
	if negative {
		minor = -minor
	}
	return minor, true
}

// digits appends digits to a number while it stays below ten times MaxTotal.
func digits(n int64, s string) (int64, bool) {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' || n > MaxTotal/10 {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, s != ""
}

// moments are the forms of time besides RFC 3339; they are local.
var moments = []string{"02.01.2006 15:04:05", "02.01.2006 15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"}

// moment reads a time.
func moment(s string, zone *time.Location) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	for i := 0; err != nil && i < len(moments); i++ {
		t, err = time.ParseInLocation(moments[i], s, zone)
	}
	return t.UTC(), err == nil
}
