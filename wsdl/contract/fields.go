// Package contract reads what stands in a signed Body strictly as a contract's
// schema has it: every element in its place, as often as it may stand there, and
// of its form. What is out of order is said with the element's name and what it
// must be, never with its value.
//
// It verifies nothing and decides nothing: signing hands it the fields of a Body
// that was verified. gateway/soap calls it to read requests, bills/billsv1 to
// read what organisations answer.
package contract

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tolem"
	"tolem/signing"
)

// ErrForm reports a Body that does not have the form of the contract.
var ErrForm = errors.New("does not follow the contract")

func formError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrForm, fmt.Sprintf(format, args...))
}

// Clip shortens what a sender wrote before it is shown to anyone.
func Clip(s string) string {
	const most = 160
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// Fields walks the children of a message in the order of the contract. The
// first thing that is out of order, missing or malformed is kept; everything
// read after it is the zero value.
type Fields struct {
	rest []signing.Field
	err  error
}

// NewFields returns a walk over the children of a message.
func NewFields(list []signing.Field) *Fields { return &Fields{rest: list} }

// Err returns what was out of order so far.
func (f *Fields) Err() error { return f.err }

// Has reports whether the next element has the given name.
func (f *Fields) Has(name string) bool {
	return f.err == nil && len(f.rest) > 0 && f.rest[0].Name == name
}

// Required takes the next element, which must have the given name.
func (f *Fields) Required(name string) string {
	switch {
	case f.err != nil:
		return ""
	case len(f.rest) == 0:
		f.err = formError("%s is missing", name)
		return ""
	case f.rest[0].Name != name:
		f.err = formError("%s is missing, or %s stands in its place", name, Clip(f.rest[0].Name))
		return ""
	case f.rest[0].Fields != nil:
		f.err = formError("%s holds text", name)
		return ""
	}
	text := f.rest[0].Value
	f.rest = f.rest[1:]
	return text
}

// List takes all next elements of the given name and reads what is inside each
// of them, at most so many.
func (f *Fields) List(name string, most int, read func(*Fields)) {
	for n := 0; f.Has(name); n++ {
		inside := NewFields(f.rest[0].Fields)
		if read(inside); inside.End() != nil {
			f.err = fmt.Errorf("%w (in %s %d)", inside.err, name, n+1)
			return
		}
		f.rest = f.rest[1:]
		f.Check(name, n < most, "there "+strconv.Itoa(most)+" times at most")
	}
}

// End returns the first error, or one about an element too many.
func (f *Fields) End() error {
	if f.err == nil && len(f.rest) > 0 {
		f.err = formError("%s is not expected here", Clip(f.rest[0].Name))
	}
	return f.err
}

// Check keeps an error about the element unless what was read is in order.
func (f *Fields) Check(name string, ok bool, want string) {
	if f.err == nil && !ok {
		f.err = formError("%s must be %s", name, want)
	}
}

// Token is text with white space at its ends removed, as xs:token has it.
func (f *Fields) Token(name string) string { return Trim(f.Required(name)) }

// Trim removes what XML takes for white space from the ends of a text.
func Trim(s string) string { return strings.Trim(s, " \t\r\n") }

// Identifier takes the name of a participant, a provider or a service.
func (f *Fields) Identifier(name string) string {
	s := f.Token(name)
	f.Check(name, tolem.CheckIdentifier(s) == nil, "an identifier of 1 to 32 letters, digits, '.', '_' and '-'")
	return s
}

// OptionalIdentifier takes an identifier; empty if there is none.
func (f *Fields) OptionalIdentifier(name string) string {
	if !f.Has(name) {
		return ""
	}
	return f.Identifier(name)
}

// Text takes a text of at most so many characters, all of them printable.
func (f *Fields) Text(name string, most int) string {
	s := f.Token(name)
	f.Check(name, s != "" && utf8.RuneCountInString(s) <= most && Printable(s), "1 to "+strconv.Itoa(most)+" printable characters")
	return s
}

// OptionalText takes a text; empty if there is none.
func (f *Fields) OptionalText(name string, most int) string {
	if !f.Has(name) {
		return ""
	}
	return f.Text(name, most)
}

// Currency takes a currency.
func (f *Fields) Currency(name string) tolem.Currency {
	c, err := tolem.ParseCurrency(f.Token(name))
	f.Check(name, err == nil, "KZT, AZN or UZS")
	return c
}

// Money takes an amount in a currency that stands elsewhere.
func (f *Fields) Money(name string, c tolem.Currency) tolem.Money {
	return f.ParseMoney(name, f.Token(name), c)
}

// ParseMoney reads an amount that was taken before its currency was known.
func (f *Fields) ParseMoney(name, text string, c tolem.Currency) tolem.Money {
	m, err := tolem.ParseMoney(text, c)
	f.Check(name, err == nil, "positive, with two decimals, like 1200.00")
	return m
}

// Time takes an xs:dateTime, whose zone the contract requires, and keeps it to
// the microsecond.
func (f *Fields) Time(name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, f.Token(name))
	f.Check(name, err == nil && t.Year() >= 2000 && t.Year() < 2200, "a date and time with its zone, like 2026-01-31T09:30:00+05:00")
	if err != nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// OptionalTime takes a moment; zero if there is none.
func (f *Fields) OptionalTime(name string) time.Time {
	if !f.Has(name) {
		return time.Time{}
	}
	return f.Time(name)
}

// Boolean takes an xs:boolean.
func (f *Fields) Boolean(name string) bool {
	s := f.Token(name)
	f.Check(name, s == "true" || s == "false" || s == "1" || s == "0", "true or false")
	return s == "true" || s == "1"
}

// RequestID takes a UUID. What is none goes no further: the id stands in
// faults, in the log and with the evidence.
func (f *Fields) RequestID(name string) tolem.RequestID {
	s := f.Token(name)
	if !tolem.CheckRequestID(s) {
		f.Check(name, false, "a UUID")
		return ""
	}
	return tolem.RequestID(s)
}

// AccountNumber takes the number of an account within its organisation. Small
// letters count as capitals.
func (f *Fields) AccountNumber(name string) tolem.AccountNumber {
	text := f.Token(name)
	number, err := tolem.ParseAccountNumber(text)
	f.Check(name, err == nil && len(number) == len(text), "1 to 34 letters A to Z, digits and signs -./_")
	return number
}

// Account takes what is inside a BillAccount: all that its organisation says of
// an account. Organisation and times stand elsewhere.
func (f *Fields) Account(currency tolem.Currency) (s tolem.Snapshot) {
	s.Account.Number = f.AccountNumber("number")
	if f.Has("closed") {
		s.Closed = f.Boolean("closed")
	}
	s.Particulars.Holder = f.OptionalText("holder", tolem.MaxHolder)
	s.Particulars.Address = f.OptionalText("address", tolem.MaxAddress)
	f.List("detail", tolem.MaxDetails, func(f *Fields) {
		s.Particulars.Details = append(s.Particulars.Details, tolem.Detail{Label: f.Text("label", tolem.MaxLabel), Value: f.OptionalText("value", tolem.MaxValue)})
	})
	f.List("bill", tolem.MaxBills, func(f *Fields) {
		s.Bills = append(s.Bills, tolem.Bill{
			Service: tolem.ServiceCode(f.Identifier("serviceCode")), Amount: f.Money("amount", currency),
			Invoice: f.OptionalText("invoiceNo", tolem.MaxInvoice), Period: f.OptionalText("period", tolem.MaxPeriod),
		})
	})
	return s
}

// Printable refuses control characters, which no field has a use for.
func Printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0xfffe || r == 0xffff {
			return false
		}
	}
	return true
}
