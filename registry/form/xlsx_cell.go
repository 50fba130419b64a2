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

// cell adds a cell to the row.
func (x *workbook) cell(c Cell, column Column) {
	r := &x.row
	switch c.holds {
	case aText:
		r.text(c.text, x.styles.text)
	case aNumber:
		if c.number <= -exactInteger || c.number >= exactInteger {
			r.text(x.s.Language.Integer(c.number), x.styles.right)
		} else {
			r.whole(c.number, x.styles.integer)
		}
	case anAmount:
		m := c.money()
		switch {
		case c.aside:
			r.text(x.s.Language.Decimal(m)+asideMark, x.styles.right)
		case m.Minor <= -exactMinor || m.Minor >= exactMinor:
			r.text(x.s.Language.Decimal(m), x.styles.right)
		default:
			r.float(float64(m.Minor)/100, x.styles.money)
		}
	case aTime:
		r.time(c.at.In(x.s.zone()).Truncate(time.Second), x.styles.time)
	case aDay:
		y, m, d := c.day().Date()
		r.time(time.Date(y, m, d, 0, 0, 0, 0, time.UTC), x.styles.date)
	default:
		r.skip()
	}
	if column.ownCurrency() {
		if c.holds == anAmount {
			r.text(string(c.currency), x.styles.text)
		} else {
			r.skip()
		}
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
