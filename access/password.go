package access

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Password is what somebody types. It lives in the memory of one call; every
// way to print it shows a mask.
//
// The text stands behind a function. When a verb does not fit, fmt prints
// fields and what they point to, past all methods; it cannot look into a
// function.
type Password struct{ text func() string }

// Limits of a password, in characters.
const (
	minPassword = 8   // WP-513
	maxPassword = 128 // what is longer is no password but a burden
)

// passwordMask is how passwords are printed.
const passwordMask = "********"

// NewPassword takes what was typed. Letters that keyboards compose in different
// ways are made the same.
func NewPassword(typed string) Password {
	text := typed
	if len(typed) <= maxPassword*utf8.UTFMax {
		text = norm.NFC.String(typed)
	}
	return Password{func() string { return text }}
}

// Reveal returns the text: for the page or terminal that shows a temporary
// password once.
func (p Password) Reveal() string {
	if p.text == nil {
		return ""
	}
	return p.text()
}

// String returns a mask.
func (Password) String() string { return passwordMask }

// GoString returns a mask.
func (Password) GoString() string { return passwordMask }

// Format prints a mask, whatever the verb.
func (Password) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(passwordMask)) }

// MarshalText returns a mask.
func (Password) MarshalText() ([]byte, error) { return []byte(passwordMask), nil }

// LogValue returns a mask.
func (Password) LogValue() slog.Value { return slog.StringValue(passwordMask) }

// same compares in a time that depends on nothing but the lengths.
func (p Password) same(other Password) bool {
	return subtle.ConstantTimeCompare([]byte(p.Reveal()), []byte(other.Reveal())) == 1
}

// tooLong reports what is not even looked at.
func (p Password) tooLong() bool {
	return len(p.Reveal()) > maxPassword*utf8.UTFMax || utf8.RuneCountInString(p.Reveal()) > maxPassword
}

// check returns why a password cannot be taken (WP-513).
func (p Password) check() error {
	text := p.Reveal()
	switch {
	case p.tooLong():
		return ErrTooLong
	case utf8.RuneCountInString(text) < minPassword, !utf8.ValidString(text),
		!strings.ContainsFunc(text, unicode.IsLetter), !strings.ContainsFunc(text, unicode.IsDigit):
		return ErrWeak
	}
	return nil
}

// Temporary passwords are read out and typed once: no letters that look alike,
// in groups.
const (
	temporaryLetters = "abcdefghjkmnpqrstuvwxyz"
	temporaryDigits  = "23456789"
	temporaryGroups  = 3
	temporaryGroup   = 4 // characters
)

// temporaryPassword draws a password with at least one letter and one digit, of
// some 59 bits.
func temporaryPassword() Password {
	for {
		groups := make([]string, temporaryGroups)
		for i := range groups {
			group := make([]byte, temporaryGroup)
			for j := range group {
				group[j] = drawn(temporaryLetters + temporaryDigits)
			}
			groups[i] = string(group)
		}
		p := NewPassword(strings.Join(groups, "-"))
		if p.check() == nil {
			return p
		}
	}
}

// drawn is one of the characters, each as likely.
func drawn(from string) byte {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(from))))
	if err != nil {
		panic(err) // the source of randomness never fails
	}
	return from[n.Int64()]
}
