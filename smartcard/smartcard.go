// Package smartcard is what the gateway and the card bridges of banks' desks
// say to each other about the SMART cards of meters (operator-workplace.md,
// 8.2): tickets, which the gateway signs; answers, which a bridge signs;
// pairing, by which each learns the other's key; and the codes of errors with
// the messages they become. The page between them carries documents that it
// can neither make nor change.
//
// It is pure: no clock, no file, no network, no database. smartcard/bridge is
// the bridge, smartcard/desk the gateway's side.
//
// # Documents
//
// Every document is a JWS in compact form, ES256 alone, with a type of its own
// in its header, so that none can be taken for another. What is opened is
// returned as a value whose every field has been checked, or not at all.
package smartcard

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tolem"
)

// Limits of documents.
const (
	MaxDocument = 16 << 10 // bytes, signed
	maxID       = 64       // of identifiers
	maxText     = 200      // characters, of what is shown
	maxDetails  = 64       // lines of a card
	maxBalance  = tolem.MaxAmountMinor
)

// Timings of the protocol.
const (
	// AnswerWithin is how long a page waits for a bridge; after that the result
	// is unknown (WP-551).
	AnswerWithin = 15 * time.Second
	// MaxTicketLife is the longest life a bridge accepts of a ticket.
	MaxTicketLife = 10 * time.Minute
	// MaxSkew is how far ahead of the bridge's clock a ticket may have been made.
	MaxSkew = 2 * time.Minute
)

// Errors of this package.
var (
	// ErrDocument: it is not a document of this protocol, or not of that type.
	ErrDocument = errors.New("not such a document")
	// ErrSignature: no trusted key has signed it.
	ErrSignature = errors.New("not signed by a key that counts")
)

// Types of documents, as they stand in the header.
const (
	typeTicket    = "tolem-card-ticket+jws"
	typeRead      = "tolem-card-read+jws"
	typeResult    = "tolem-card-result+jws"
	typeEnrolment = "tolem-card-enrolment+jws"
	typeGrant     = "tolem-card-grant+jws"
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDocument, fmt.Sprintf(format, args...))
}

// identifier checks letters, digits and what joins them.
func identifier(name, s string, required bool) error {
	switch {
	case s == "" && !required:
		return nil
	case s == "" || len(s) > maxID:
		return malformed("%s must have 1 to %d characters", name, maxID)
	}
	for _, r := range s {
		if !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("-_./:", r)) {
			return malformed("%s holds a character that identifiers do not have", name)
		}
	}
	return nil
}

// shown checks a text that people read.
func shown(name, s string) error {
	switch {
	case !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxText:
		return malformed("%s must be at most %d characters of UTF-8", name, maxText)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return malformed("%s holds a character that cannot be shown", name)
	}
	return nil
}

// instant checks a time in seconds since 1970: it lies within this era.
func instant(name string, s int64) error {
	const from, until = 1_500_000_000, 10_000_000_000
	if s < from || s > until {
		return malformed("%s is no time", name)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
