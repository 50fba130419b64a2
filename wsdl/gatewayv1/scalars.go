// Package gatewayv1 holds the types of the contract as gowsdl generates them
// (gateway.go, never edited) and, by hand, those it cannot be trusted with:
// amounts, times and binary content.
//
// It is the wire side of wsdl/client, which is what programs should call; it
// neither signs nor verifies. The gateway itself does not use it: there names,
// order and counts are checked before anything is decoded.
package gatewayv1

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Amount is an amount in the decimal notation of the wire, "1200.00". It is
// kept as text, so that no digit is lost or made up.
type Amount string

// ErrBadAmount reports text that the contract does not take for an amount.
var ErrBadAmount = errors.New("amount must be digits with at most two after the point")

var amountPattern = regexp.MustCompile(`^[0-9]{1,13}(\.[0-9]{1,2})?$`)

// MarshalText returns the amount, or ErrBadAmount.
func (a Amount) MarshalText() ([]byte, error) {
	if !amountPattern.MatchString(string(a)) {
		return nil, fmt.Errorf("%q: %w", string(a), ErrBadAmount)
	}
	return []byte(a), nil
}

// UnmarshalText takes the amount as it stands on the wire, or returns
// ErrBadAmount.
func (a *Amount) UnmarshalText(text []byte) error {
	if !amountPattern.Match(text) {
		return fmt.Errorf("%q: %w", text, ErrBadAmount)
	}
	*a = Amount(text)
	return nil
}

// Timestamp is a moment with a zone, to the microsecond.
type Timestamp struct{ time.Time }

// ErrBadTimestamp reports text that is no moment, or has no zone.
var ErrBadTimestamp = errors.New("time must be an xs:dateTime with a zone")

var timestampPattern = regexp.MustCompile(
	`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+\-][0-9]{2}:[0-9]{2})$`)

// timestampLayout writes microseconds where there are any; no finer unit is
// kept by the gateway.
const timestampLayout = "2006-01-02T15:04:05.999999Z07:00"

// MarshalText returns the moment in UTC. The zero time and years beyond four
// digits have no form on the wire and give ErrBadTimestamp.
func (t Timestamp) MarshalText() ([]byte, error) {
	utc := t.UTC()
	if utc.IsZero() || utc.Year() < 1 || utc.Year() > 9999 {
		return nil, ErrBadTimestamp
	}
	return []byte(utc.Format(timestampLayout)), nil
}

// UnmarshalText reads a moment and refuses what is not one: a date that does
// not exist, a time without a zone.
func (t *Timestamp) UnmarshalText(text []byte) error {
	if !timestampPattern.Match(text) {
		return fmt.Errorf("%q: %w", text, ErrBadTimestamp)
	}
	parsed, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return fmt.Errorf("%q: %w", text, ErrBadTimestamp)
	}
	t.Time = parsed.UTC()
	return nil
}

// Binary is content that travels in base64.
type Binary []byte

// ErrBadBinary reports text that is not base64.
var ErrBadBinary = errors.New("content must be base64")

// MarshalText returns the content in base64.
func (b Binary) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads base64, in which line ends may stand.
func (b *Binary) UnmarshalText(text []byte) error {
	content, err := base64.StdEncoding.AppendDecode(nil, bytes.Join(bytes.Fields(text), nil))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadBinary, err)
	}
	*b = content
	return nil
}
