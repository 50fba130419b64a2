package tolem_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tolem"
)

// The numbers are made up, their check digits worked out by hand.
//
// GW-P23, GW-P24, GW-002
func TestParseIIN(t *testing.T) {
	for _, c := range []struct {
		number string
		ok     bool
		why    string
	}{
		{"100000000001", true, "first row: 1"},
		{"000000000010", true, "first row: 11 mod 11 = 0"},
		{"000000000011", false, "first row: 11 mod 11 = 0"},
		{"900101300017", true, "first row: 9+4+6+21+11 = 51, 51 mod 11 = 7"},
		{"000000000101", true, "first row: 10, so the second: 1"},
		{"000000000100", false, "first row: 10, so the second: 1"},
		{"00000000001", false, "11 digits"},
		{"0000000000100", false, "13 digits"},
		{"", false, "nothing"},
		{"00000000001a", false, "a letter"},
		{"00000000 010", false, "a space"},
		{"+00000000010", false, "a sign"},
		{"٠٠٠٠٠٠", false, "12 bytes, but digits of another script"},
	} {
		n, err := tolem.ParseIIN(c.number)
		switch {
		case c.ok && (err != nil || n.Reveal() != c.number):
			t.Errorf("%q (%s): got %v", c.number, c.why, err)
		case !c.ok && !errors.Is(err, tolem.ErrBadIIN):
			t.Errorf("%q (%s): got %v, want ErrBadIIN", c.number, c.why, err)
		}
	}
}

// checkDigit is the rule as it is published: weights 1 to 11; if that gives
// ten, weights from 3 on, going round; if that gives ten too, the number is
// never assigned and -1 is returned. The row says which weights decided.
func checkDigit(eleven string) (digit, row int) {
	for row := range 2 {
		sum := 0
		for i, d := range eleven {
			sum += int(d-'0') * ((i+2*row)%11 + 1)
		}
		if sum%11 != 10 {
			return sum % 11, row
		}
	}
	return -1, 1
}

// Of the ten check digits one fits, by the first row of weights or by the
// second; numbers for which neither serves are refused with any.
//
// GW-P24
func TestIINCheckDigit(t *testing.T) {
	var first, second, never int
	for seed := range 3000 {
		eleven := fmt.Sprintf("%011d", seed*33_333_331+seed)
		want, row := checkDigit(eleven)
		switch {
		case want < 0:
			never++
		case row == 0:
			first++
		default:
			second++
		}
		for d := range 10 {
			_, err := tolem.ParseIIN(fmt.Sprint(eleven, d))
			if (err == nil) != (d == want) {
				t.Fatalf("%s with check digit %d: got %v, want digit %d", eleven, d, err, want)
			}
		}
	}
	if first == 0 || second == 0 || never == 0 {
		t.Fatalf("not every case was met: first row %d, second row %d, never assigned %d", first, second, never)
	}
}

// A wrong digit is found wherever the number is decided by the first row
// before and after: there every weight is prime to 11.
//
// GW-P24
func TestIINFindsAWrongDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		eleven := rapid.StringMatching(`[0-9]{11}`).Draw(t, "eleven")
		at := rapid.IntRange(0, 10).Draw(t, "at")
		digit := rapid.SampledFrom(strings.Split("0123456789", "")).Draw(t, "digit")
		wrong := eleven[:at] + digit + eleven[at+1:]
		check, row := checkDigit(eleven)
		_, rowWrong := checkDigit(wrong)
		if row != 0 || rowWrong != 0 || wrong == eleven || at == 10 { // the eleventh weight is 11: that digit never counts
			t.SkipNow()
		}
		if _, err := tolem.ParseIIN(fmt.Sprint(wrong, check)); err == nil {
			t.Fatalf("%s%d mistyped as %s is accepted", eleven, check, wrong)
		}
	})
}

// GW-P37
func TestIINDoesNotReachALog(t *testing.T) {
	n, err := tolem.ParseIIN("100000000001")
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%s", "%+v"} {
		if s := fmt.Sprintf(format, struct{ Recipient tolem.IIN }{n}); strings.Contains(s, "1000") {
			t.Errorf("%s shows %s", format, s)
		}
	}
	if tolem.IIN("").String() != "" {
		t.Error("an absent number is shown as one")
	}
}
