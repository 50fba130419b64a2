package form

import (
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"tolem"
)

// A spreadsheet keeps 15 digits of a number: what has more is written as text,
// so that no digit is lost.
const (
	exactMinor   = 1_000_000_000_000_000
	exactInteger = 1_000_000_000_000_000
)

// cell adds a cell to the line.
func (x *workbook) cell(c Cell, column Column) {
	var value any
	switch c.holds {
	case aText:
		value = x.text(c.text, x.styles.text)
	case aNumber:
		value = x.integer(c.number, x.styles.integer)
	case anAmount:
		value = x.money(c.money(), x.styles.money)
		if c.aside {
			value = x.text(x.s.Language.Decimal(c.money())+asideMark, x.styles.right)
		}
	case aTime:
		value = excelize.Cell{StyleID: x.styles.time, Value: c.at.In(x.s.zone()).Truncate(time.Second)}
	case aDay:
		y, m, d := c.day().Date()
		value = excelize.Cell{StyleID: x.styles.date, Value: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
	}
	x.line = append(x.line, value)
	if column.ownCurrency() {
		var cur any
		if c.holds == anAmount {
			cur = x.text(string(c.currency), x.styles.text)
		}
		x.line = append(x.line, cur)
	}
}

func (x *workbook) text(text string, style int) any {
	if text == "" {
		return nil
	}
	return excelize.Cell{StyleID: style, Value: strings.ToValidUTF8(clean(text), "")}
}

func (x *workbook) integer(n int64, style int) any {
	if n <= -exactInteger || n >= exactInteger {
		return x.text(x.s.Language.Integer(n), x.styles.right)
	}
	return excelize.Cell{StyleID: style, Value: n}
}

// money returns an amount as the number a spreadsheet has for it. The quotient
// of two exact numbers is the one nearest to the decimal, and below exactMinor
// the shortest text of that is the decimal again: the file says 1234567.89.
func (x *workbook) money(m tolem.Money, style int) any {
	if m.Minor <= -exactMinor || m.Minor >= exactMinor {
		return x.text(x.s.Language.Decimal(m), x.styles.right)
	}
	return excelize.Cell{StyleID: style, Value: float64(m.Minor) / 100}
}
