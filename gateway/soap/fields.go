package soap

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tolem"
	"tolem/wsdl/contract"
)

// Limits of the texts in a request, in characters, as the schema has them.
const (
	maxLabel   = 64  // bankRef, requestNo, closeId, centreId, operatorId
	maxName    = 200 // recipientName
	maxAccount = 34  // accountNo, as long as the longest IBAN
	maxReason  = 200
)

// fields are those of a request, with what only requests hold.
type fields struct{ *contract.Fields }

// ofRequest says of what is out of order that it is the request.
func ofRequest(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("request %w", err)
}

// list takes all next elements of a name, as List does.
func (f *fields) list(name string, most int, read func(*fields)) {
	f.List(name, most, func(inside *contract.Fields) { read(&fields{inside}) })
}

// iin takes an IIN or BIN as it was sent. Whether its check digit fits is a
// question of content, which the operation answers with INVALID_IIN.
func (f *fields) iin(name string) string {
	s := f.Token(name)
	f.Check(name, s != "" && len(s) <= maxLabel && contract.Printable(s), "an IIN or BIN of 12 digits")
	return s
}

func (f *fields) optionalIIN(name string) string {
	if !f.Has(name) {
		return ""
	}
	return f.iin(name)
}

// code takes a payment code. Its check digits are the operation's to judge: a
// code with a slip of the pen is one that does not exist.
func (f *fields) code() tolem.CodeNumber {
	n, err := tolem.ReadCodeNumber(f.Token("paymentCode"))
	f.Check("paymentCode", err == nil, "16 digits, with spaces or dashes between them if any")
	return n
}

func (f *fields) amount() tolem.Money {
	text, currency := f.Token("amount"), f.Token("currency")
	if f.Err() != nil {
		return tolem.Money{}
	}
	c, err := tolem.ParseCurrency(currency)
	f.Check("currency", err == nil, "KZT, AZN or UZS")
	return f.ParseMoney("amount", text, c)
}

// channel takes a channel that participants may name in what they ask for.
func (f *fields) channel() tolem.Channel {
	c := f.anyChannel()
	f.Check("channel", c.Offered(), "one of the channels of the contract")
	return c
}

// anyChannel takes one that payments may have come by.
func (f *fields) anyChannel() tolem.Channel {
	c, err := tolem.ParseChannel(f.Token("channel"))
	f.Check("channel", err == nil, "one of the channels of the contract")
	return c
}

// optionalDay takes a day as day does; zero if there is none.
func (f *fields) optionalDay(name string) tolem.Day {
	if !f.Has(name) {
		return 0
	}
	return f.day(name)
}

// day takes a day without a zone.
func (f *fields) day(name string) tolem.Day {
	d, err := tolem.ParseDay(f.Token(name))
	f.Check(name, err == nil && d >= firstDay && d <= lastDay, "a day like 2026-01-31")
	return d
}

// The days that a request may name.
var (
	firstDay = tolem.DayOf(2000, time.January, 1)
	lastDay  = tolem.DayOf(2199, time.December, 31)
)

// optionalNumber takes a whole number from 1 on; zero if there is none.
func (f *fields) optionalNumber(name string, most int) int {
	if !f.Has(name) {
		return 0
	}
	return f.number(name, most)
}

func (f *fields) number(name string, most int) int {
	n, err := strconv.Atoi(f.Token(name))
	f.Check(name, err == nil && n >= 1 && n <= most, "a whole number from 1 to "+itoa(most))
	return n
}

// registerNumber takes the number of a register.
func (f *fields) registerNumber(name string) tolem.RegisterNumber {
	n, err := tolem.ParseRegisterNumber(f.Token(name))
	f.Check(name, err == nil, "a number like B-20261121-HALYK-1")
	return n
}

func (f *fields) optionalRegisterNumber(name string) tolem.RegisterNumber {
	if !f.Has(name) {
		return ""
	}
	return f.registerNumber(name)
}

func (f *fields) optionalRegisterKind(name string) tolem.RegisterKind {
	if !f.Has(name) {
		return ""
	}
	return oneOf(f, name, tolem.RegisterKinds)
}

// content takes binary content that stands in one or more elements of a name,
// at most so many bytes of it.
func (f *fields) content(name string, most int) (content []byte) {
	f.Check(name, f.Has(name), "there")
	for f.Has(name) {
		text := strings.Join(strings.Fields(f.Required(name)), "")
		var err error
		content, err = base64.StdEncoding.AppendDecode(content, []byte(text))
		f.Check(name, err == nil, "base64")
		f.Check(name, len(content) <= most, "at most "+itoa(most)+" bytes")
	}
	return content
}

// oneOf takes a word of a list.
func oneOf[T ~string](f *fields, name string, list []T) T {
	s := T(f.Token(name))
	f.Check(name, slices.Contains(list, s), "one of the words of the contract")
	return s
}
