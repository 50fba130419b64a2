package report

import (
	"strconv"
	"time"

	"tolem"
	"tolem/registry/form"
)

// Table returns the report as text for a terminal: a line of labels, the rows,
// and one line for each currency that sums them up.
func (r *Report) Table(l form.Language) (header []string, rows [][]string, err error) {
	say, err := speakerOf(l)
	if err != nil {
		return nil, nil, err
	}
	columns := r.columns(say)
	for _, c := range columns {
		header = append(header, say[c.label])
	}
	for _, row := range r.Rows {
		line := make([]string, len(columns))
		for i, c := range columns {
			line[i] = c.text(row, l)
		}
		rows = append(rows, line)
	}
	for _, total := range r.Totals {
		line := make([]string, len(columns))
		for i, c := range columns {
			if c.measured() {
				line[i] = c.text(total, l)
			}
		}
		line[0] = say[wordTotal]
		line[r.currencyColumn(columns)] = string(total.Currency)
		rows = append(rows, line)
	}
	return header, rows, nil
}

func (r *Report) currencyColumn(columns []column) int {
	for i, c := range columns {
		if c.label == wordCurrency {
			return i
		}
	}
	return 0
}

// text writes a cell as people read it.
func (c column) text(r Row, l form.Language) string {
	switch {
	case c.timed != nil:
		d, times := c.timed(&r.Measures)
		if times == 0 {
			return ""
		}
		return strconv.FormatInt(int64(d.Mean(times)/time.Second), 10)
	case c.kind == form.Money:
		return l.Decimal(tolem.Money{Minor: c.value(&r.Measures), Currency: r.Currency})
	case c.value != nil:
		return l.Integer(c.value(&r.Measures))
	case c.day != nil:
		return c.day(r).String()
	}
	return c.word(r)
}
