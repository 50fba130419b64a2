package config

import (
	"bytes"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// masked stands where a secret was.
const masked = "xxxxx"

// Print returns every setting as it holds, one a line, secrets masked: what a
// support request may contain.
func (c *Config) Print() []byte {
	var b bytes.Buffer
	root := reflect.ValueOf(*c)
	for _, k := range settings() {
		value := root.FieldByIndex(k.index).Interface()
		if k.secret {
			value = maskPassword(fmt.Sprint(value))
		}
		fmt.Fprintf(&b, "%s: %s\n", k.name, scalar(value))
	}
	return b.Bytes()
}

// maskPassword hides the password of a database address, and all of an address
// it cannot read.
func maskPassword(address string) string {
	if strings.HasPrefix(address, sqliteScheme) || address == "" {
		return address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return masked
	}
	query := u.Query()
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, masked)
		}
	}
	u.RawQuery = query.Encode()
	return u.Redacted()
}

// scalar writes a value the way YAML reads it back.
func scalar(value any) string {
	switch v := value.(type) {
	case time.Duration:
		return shortDuration(v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case int:
		return fmt.Sprint(v)
	}
	return quote(fmt.Sprint(value))
}

// shortDuration leaves out the zero minutes and seconds that
// time.Duration.String adds: 24h, not 24h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// quote puts text in YAML's double quotes unless it is a plain word.
func quote(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '/' || r == '-' || r == '_' || r == '.')
	}) < 0
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n", "-", ".":
		plain = false
	}
	if plain && s[0] != '-' && s[0] != '.' {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case !strconv.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
