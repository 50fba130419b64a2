package form

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tolem"
)

// How people read times and days, in all the languages.
const (
	timeForm = "02.01.2006 15:04:05"
	dateForm = "02.01.2006"
)

const noBreak = "\u00a0"

// asideMark follows an amount that counts in no total.
const asideMark = noBreak + "*"

// separators returns what stands between thousands and before the fraction.
func (l Language) separators() (group, point string) {
	switch l {
	case English:
		return ",", "."
	case Azerbaijani:
		return ".", ","
	}
	return noBreak, ","
}

// Integer returns a number as people read it: 1 234 567.
func (l Language) Integer(n int64) string {
	group, _ := l.separators()
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// Decimal returns an amount as people read it, without its currency:
// 1 234 567,89.
func (l Language) Decimal(m tolem.Money) string {
	_, point := l.separators()
	whole, fraction := m.Minor/100, m.Minor%100
	sign := ""
	if m.Minor < 0 {
		sign, whole, fraction = "-", -whole, -fraction
	}
	return sign + l.Integer(whole) + point + strconv.FormatInt(100+fraction, 10)[1:]
}

// Money returns an amount with its currency.
func (l Language) Money(m tolem.Money) string {
	return l.Decimal(m) + noBreak + string(m.Currency)
}

// Text returns a cell of a column as people read it, on paper and on screens.
func (s *Sheet) Text(c Cell, column int) string { return s.show(c, s.Columns[column]) }

// Header returns the label of a column as people read it, with its currency if
// it has one.
func (s *Sheet) Header(column int) string { return s.Columns[column].label() }

// show returns a cell as people read it.
func (s *Sheet) show(c Cell, column Column) string {
	switch c.holds {
	case aText:
		return c.text
	case aNumber:
		return s.Language.Integer(c.number)
	case anAmount:
		text := s.Language.Decimal(c.money())
		if column.Currency == "" {
			text = s.Language.Money(c.money())
		}
		if c.aside {
			text += asideMark
		}
		return text
	case aTime:
		return s.moment(c.at)
	case aDay:
		return day(c.day())
	}
	return ""
}

// label returns the label of a column, with its currency if it has one.
func (c Column) label() string {
	if c.Currency != "" {
		return c.Label + "," + noBreak + string(c.Currency)
	}
	return c.Label
}

func (s *Sheet) moment(t time.Time) string { return t.In(s.zone()).Format(timeForm) }

func day(d tolem.Day) string {
	y, m, n := d.Date()
	return time.Date(y, m, n, 0, 0, 0, 0, time.UTC).Format(dateForm)
}

// printedAt says when the document was formed and in which zone its times are.
func (s *Sheet) printedAt() string {
	at := s.Printed.In(s.zone())
	return s.Language.say(wordPrinted) + ": " + at.Format(timeForm) + ", " + s.Language.say(wordZone) + " UTC" + at.Format("-07:00")
}

// signatureFields returns what is known of the signature.
func (s *Sheet) signatureFields() []Field {
	sig, say := s.Signature, s.Language.say
	var fields []Field
	for _, f := range []Field{{say(wordSigner), sig.Signer}, {say(wordSerial), sig.Serial}, {say(wordSignedAt), ""}, {say(wordHash), sig.Hash}} {
		if f.Label == say(wordSignedAt) && !sig.At.IsZero() {
			f.Value = s.moment(sig.At)
		}
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// ellipsis shows that text was cut.
const ellipsis = "…"

// clean makes text fit for XML and print: what is no text becomes a space, and
// what is longer than MaxCellText is cut visibly.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029':
			return ' '
		case r == 0xfffe || r == 0xffff:
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
	if len(text) <= MaxCellText || utf8.RuneCountInString(text) <= MaxCellText {
		return text
	}
	return string([]rune(text)[:MaxCellText-1]) + ellipsis
}
