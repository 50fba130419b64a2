package soap

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tolem"
	"tolem/signing"
)

// Limits of the texts in a request, in characters, as the schema has them.
const (
	maxLabel   = 64  // bankRef, requestNo, closeId, centreId, operatorId
	maxName    = 200 // recipientName
	maxAccount = 34  // accountNo, as long as the longest IBAN
	maxReason  = 200
)

// errContract reports a Body that does not have the form of the contract.
var errContract = errors.New("request does not follow the contract")

func contractError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errContract, fmt.Sprintf(format, args...))
}

// clip shortens what a sender wrote before it is shown to anyone.
func clip(s string) string {
	const most = 160
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// fields walks the children of a request in the order of the contract. The
// first thing that is out of order, missing or malformed is kept; everything
// read after it is the zero value.
type fields struct {
	rest []signing.Field
	err  error
}

// has reports whether the next element has the given name.
func (f *fields) has(name string) bool {
	return f.err == nil && len(f.rest) > 0 && f.rest[0].Name == name
}

// required takes the next element, which must have the given name.
func (f *fields) required(name string) string {
	switch {
	case f.err != nil:
		return ""
	case len(f.rest) == 0:
		f.err = contractError("%s is missing", name)
		return ""
	case f.rest[0].Name != name:
		f.err = contractError("%s is missing, or %s stands in its place", name, clip(f.rest[0].Name))
		return ""
	}
	text := f.rest[0].Value
	f.rest = f.rest[1:]
	return text
}

// end returns the first error, or one about an element too many.
func (f *fields) end() error {
	if f.err == nil && len(f.rest) > 0 {
		f.err = contractError("%s is not expected here", clip(f.rest[0].Name))
	}
	return f.err
}

// check keeps an error about the element unless what was read is in order.
func (f *fields) check(name string, ok bool, want string) {
	if f.err == nil && !ok {
		f.err = contractError("%s must be %s", name, want)
	}
}

// token is text with white space at its ends removed, as xs:token has it.
func (f *fields) token(name string) string { return trim(f.required(name)) }

func trim(s string) string { return strings.Trim(s, " \t\r\n") }

func (f *fields) identifier(name string) string {
	s := f.token(name)
	f.check(name, tolem.CheckIdentifier(s) == nil, "an identifier of 1 to 32 letters, digits, '.', '_' and '-'")
	return s
}

func (f *fields) text(name string, most int) string {
	s := f.token(name)
	f.check(name, s != "" && utf8.RuneCountInString(s) <= most && printable(s), "1 to "+itoa(most)+" printable characters")
	return s
}

func (f *fields) optionalIdentifier(name string) string {
	if !f.has(name) {
		return ""
	}
	return f.identifier(name)
}

func (f *fields) optionalText(name string, most int) string {
	if !f.has(name) {
		return ""
	}
	return f.text(name, most)
}

// iin takes an IIN or BIN as it was sent. Whether its check digit fits is a
// question of content, which the operation answers with INVALID_IIN.
func (f *fields) iin(name string) string {
	s := f.token(name)
	f.check(name, s != "" && len(s) <= maxLabel && printable(s), "an IIN or BIN of 12 digits")
	return s
}

func (f *fields) optionalIIN(name string) string {
	if !f.has(name) {
		return ""
	}
	return f.iin(name)
}

// code takes a payment code. Its check digits are the operation's to judge: a
// code with a slip of the pen is one that does not exist.
func (f *fields) code() tolem.CodeNumber {
	n, err := tolem.ReadCodeNumber(f.token("paymentCode"))
	f.check("paymentCode", err == nil, "16 digits, with spaces or dashes between them if any")
	return n
}

func (f *fields) amount() tolem.Money {
	text, currency := f.token("amount"), f.token("currency")
	if f.err != nil {
		return tolem.Money{}
	}
	c, err := tolem.ParseCurrency(currency)
	f.check("currency", err == nil, "KZT, AZN or UZS")
	m, err := tolem.ParseMoney(text, c)
	f.check("amount", err == nil, "positive, with two decimals, like 1200.00")
	return m
}

func (f *fields) channel() tolem.Channel {
	c, err := tolem.ParseChannel(f.token("channel"))
	f.check("channel", err == nil, "one of the channels of the contract")
	return c
}

// time takes an xs:dateTime, whose zone the contract requires, and keeps it to
// the microsecond.
func (f *fields) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, f.token(name))
	f.check(name, err == nil && t.Year() >= 2000 && t.Year() < 2200, "a date and time with its zone, like 2026-01-31T09:30:00+05:00")
	if err != nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// requestID takes a UUID. What is none goes no further: the id stands in the
// fault, in the log and with the evidence.
func (f *fields) requestID(name string) tolem.RequestID {
	s := f.token(name)
	if !tolem.CheckRequestID(s) {
		f.check(name, false, "a UUID")
		return ""
	}
	return tolem.RequestID(s)
}

// printable refuses control characters, which no field has a use for.
func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0xfffe || r == 0xffff {
			return false
		}
	}
	return true
}
