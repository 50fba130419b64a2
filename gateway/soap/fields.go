package soap

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	case f.rest[0].Fields != nil:
		f.err = contractError("%s holds text", name)
		return ""
	}
	text := f.rest[0].Value
	f.rest = f.rest[1:]
	return text
}

// list takes all next elements of the given name and reads what is inside each
// of them, at most so many.
func (f *fields) list(name string, most int, read func(*fields)) {
	for n := 0; f.has(name); n++ {
		inside := &fields{rest: f.rest[0].Fields}
		if read(inside); inside.end() != nil {
			f.err = fmt.Errorf("%w (in %s %d)", inside.err, name, n+1)
			return
		}
		f.rest = f.rest[1:]
		f.check(name, n < most, "there "+itoa(most)+" times at most")
	}
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
	return f.parseMoney("amount", text, c)
}

// money takes an amount in a currency that stands elsewhere.
func (f *fields) money(name string, c tolem.Currency) tolem.Money {
	return f.parseMoney(name, f.token(name), c)
}

func (f *fields) parseMoney(name, text string, c tolem.Currency) tolem.Money {
	m, err := tolem.ParseMoney(text, c)
	f.check(name, err == nil, "positive, with two decimals, like 1200.00")
	return m
}

// channel takes a channel that participants may name in what they ask for.
func (f *fields) channel() tolem.Channel {
	c := f.anyChannel()
	f.check("channel", c.Offered(), "one of the channels of the contract")
	return c
}

// anyChannel takes one that payments may have come by.
func (f *fields) anyChannel() tolem.Channel {
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

// optionalDay takes a day as day does; zero if there is none.
func (f *fields) optionalDay(name string) tolem.Day {
	if !f.has(name) {
		return 0
	}
	return f.day(name)
}

// day takes a day without a zone.
func (f *fields) day(name string) tolem.Day {
	d, err := tolem.ParseDay(f.token(name))
	f.check(name, err == nil && d >= firstDay && d <= lastDay, "a day like 2026-01-31")
	return d
}

// The days that a request may name.
var (
	firstDay = tolem.DayOf(2000, time.January, 1)
	lastDay  = tolem.DayOf(2199, time.December, 31)
)

// optionalNumber takes a whole number from 1 on; zero if there is none.
func (f *fields) optionalNumber(name string, most int) int {
	if !f.has(name) {
		return 0
	}
	return f.number(name, most)
}

func (f *fields) number(name string, most int) int {
	n, err := strconv.Atoi(f.token(name))
	f.check(name, err == nil && n >= 1 && n <= most, "a whole number from 1 to "+itoa(most))
	return n
}

// registerNumber takes the number of a register.
func (f *fields) registerNumber(name string) tolem.RegisterNumber {
	n, err := tolem.ParseRegisterNumber(f.token(name))
	f.check(name, err == nil, "a number like B-20261121-HALYK-1")
	return n
}

func (f *fields) optionalRegisterNumber(name string) tolem.RegisterNumber {
	if !f.has(name) {
		return ""
	}
	return f.registerNumber(name)
}

func (f *fields) optionalRegisterKind(name string) tolem.RegisterKind {
	if !f.has(name) {
		return ""
	}
	return oneOf(f, name, tolem.RegisterKinds)
}

// content takes binary content that stands in one or more elements of a name,
// at most so many bytes of it.
func (f *fields) content(name string, most int) (content []byte) {
	f.check(name, f.has(name), "there")
	for f.has(name) {
		text := strings.Join(strings.Fields(f.required(name)), "")
		var err error
		content, err = base64.StdEncoding.AppendDecode(content, []byte(text))
		f.check(name, err == nil, "base64")
		f.check(name, len(content) <= most, "at most "+itoa(most)+" bytes")
	}
	return content
}

// oneOf takes a word of a list.
func oneOf[T ~string](f *fields, name string, list []T) T {
	s := T(f.token(name))
	f.check(name, slices.Contains(list, s), "one of the words of the contract")
	return s
}

// boolean takes an xs:boolean.
func (f *fields) boolean(name string) bool {
	s := f.token(name)
	f.check(name, s == "true" || s == "false" || s == "1" || s == "0", "true or false")
	return s == "true" || s == "1"
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
