package report

import (
	"fmt"
	"time"

	"tolem"
	"tolem/registry/form"
)

// column is a column of the table. One of the functions says what stands in it.
type column struct {
	name  string
	label word
	kind  form.Kind

	word  func(Row) string
	day   func(Row) tolem.Day
	value func(*tolem.Measures) int64 // counts and amounts, which can be summed up and drawn
	timed func(*tolem.Measures) (d tolem.Durations, times int64)
}

func text(name string, label word, of func(Row) string) column {
	return column{name: name, label: label, kind: form.Code, word: of}
}

func date(name string, label word, of func(Row) tolem.Day) column {
	return column{name: name, label: label, kind: form.Date, day: of}
}

func count(name string, label word, of func(*tolem.Measures) int64) column {
	return column{name: name, label: label, kind: form.Integer, value: of}
}

func amount(name string, label word, of func(*tolem.Measures) int64) column {
	return column{name: name, label: label, kind: form.Money, value: of}
}

// mean shows whole seconds, and nothing where nothing was timed.
func mean(name string, label word, of func(*tolem.Measures) (tolem.Durations, int64)) column {
	return column{name: name, label: label, kind: form.Integer, timed: of}
}

// measured reports whether the column is one of measures.
func (c column) measured() bool { return c.value != nil || c.timed != nil }

// cell returns what stands in the column.
func (c column) cell(r Row) form.Cell {
	switch {
	case c.word != nil:
		return form.String(c.word(r))
	case c.day != nil:
		return form.On(c.day(r))
	case c.kind == form.Money:
		return form.Amount(tolem.Money{Minor: c.value(&r.Measures), Currency: r.Currency})
	case c.value != nil:
		return form.Int(c.value(&r.Measures))
	}
	d, times := c.timed(&r.Measures)
	if times == 0 {
		return form.Cell{}
	}
	return form.Int(int64(d.Mean(times) / time.Second))
}

// measures are the columns of tolem.Measures.
var measures = []column{
	count("issued", wordIssued, func(m *tolem.Measures) int64 { return m.Issued }),
	count("paid", wordPaid, func(m *tolem.Measures) int64 { return m.Paid }),
	amount("paid_amount", wordPaidAmount, func(m *tolem.Measures) int64 { return m.PaidMinor }),
	count("late", wordLate, func(m *tolem.Measures) int64 { return m.Late }),
	amount("fees", wordFees, func(m *tolem.Measures) int64 { return m.FeesMinor }),
	count("refunds", wordRefunds, func(m *tolem.Measures) int64 { return m.Refunds }),
	amount("refund_amount", wordRefundAmount, func(m *tolem.Measures) int64 { return m.RefundsMinor }),
	amount("net_amount", wordNetAmount, func(m *tolem.Measures) int64 { return m.Net() }),
	count("refused", wordRefused, func(m *tolem.Measures) int64 { return m.Refused }),
	count("expired", wordExpired, func(m *tolem.Measures) int64 { return m.Expired }),
	count("cancelled", wordCancelled, func(m *tolem.Measures) int64 { return m.Cancelled }),
	count("closed", wordClosed, func(m *tolem.Measures) int64 { return m.Closed }),
	mean("issue_to_payment_s", wordToPay, func(m *tolem.Measures) (tolem.Durations, int64) { return m.ToPay, m.Paid }),
	mean("payment_to_closing_s", wordToClose, func(m *tolem.Measures) (tolem.Durations, int64) { return m.ToClose, m.Closed }),
}

// columns returns the columns of the report: time, directions, measures.
func (r *Report) columns(say speaker) []column {
	list := []column{text("period", wordPeriod, func(row Row) string { return row.Label })}
	if p := r.Query.Period; p == Weekly || p == Monthly {
		list = append(list,
			date("from", wordFrom, func(row Row) tolem.Day { return row.From }),
			date("to", wordTo, func(row Row) tolem.Day { return row.To }))
	}
	for _, d := range r.Query.By {
		list = append(list, text(string(d), dimensionWords[d], func(row Row) string { return row.in(d, say) }))
	}
	list = append(list, text("currency", wordCurrency, func(row Row) string { return string(row.Currency) }))
	for _, c := range measures {
		if c.name != "refused" || !r.Query.provider {
			list = append(list, c)
		}
	}
	return list
}

var dimensionWords = map[Dimension]word{
	ByChannel: wordChannel, ByBank: wordBank, ByProvider: wordProvider, ByService: wordService, ByHour: wordHour, ByWeekday: wordWeekday,
}

// in names where a row stands in a dimension.
func (r Row) in(d Dimension, say speaker) string {
	switch d {
	case ByChannel:
		return string(r.Channel)
	case ByBank:
		return string(r.Bank)
	case ByProvider:
		return string(r.Provider)
	case ByService:
		return string(r.Service)
	case ByHour:
		return hourLabel(r.Hour)
	}
	return say[weekday(r.Weekday)]
}

// hourLabel says which hour of the clock it is: 09:00–10:00.
func hourLabel(hour int) string { return fmt.Sprintf("%02d:00–%02d:00", hour, hour+1) }

func weekday(d time.Weekday) word { return wordMonday + word(weekdayNumber(d)-1) }

// width is the relative width of a column on paper. There are many, and their
// headers need more room than most of their figures.
func width(k form.Kind) float64 {
	if k == form.Money {
		return 17
	}
	return 14
}

// Sheet returns the report as a table that package form renders, with a chart
// if one is given. Printed is when it is made.
func (r *Report) Sheet(l form.Language, zone *time.Location, printed time.Time, chart *form.Chart) (form.Sheet, error) {
	say, err := speakerOf(l)
	if err != nil {
		return form.Sheet{}, err
	}
	columns := r.columns(say)
	s := form.Sheet{
		Language: l, Title: say[wordTitle], Head: r.head(say), RowCount: int64(len(r.Rows)), Chart: chart, Zone: zone, Printed: printed,
		Rows: func(yield func([]form.Cell, error) bool) {
			for _, row := range r.Rows {
				cells := make([]form.Cell, len(columns))
				for i, c := range columns {
					cells[i] = c.cell(row)
				}
				if !yield(cells, nil) {
					return
				}
			}
		},
	}
	for _, c := range columns {
		s.Columns = append(s.Columns, form.Column{Name: c.name, Label: say[c.label], Kind: c.kind, Width: width(c.kind), Sum: c.kind == form.Money})
	}
	for _, total := range r.Totals {
		t := form.TotalRow{
			Name: string(total.Currency), Label: say[wordTotal] + ", " + string(total.Currency), Count: total.Paid, All: true, Strong: len(r.Totals) == 1,
		}
		for i, c := range columns {
			if c.kind == form.Money {
				t.Sums = append(t.Sums, form.Sum{Column: i, Amount: tolem.Money{Minor: c.value(&total.Measures), Currency: total.Currency}})
			}
		}
		s.Totals = append(s.Totals, t)
	}
	return s, nil
}

// head says what the report is about, whether it is complete, and what it comes
// to in numbers; the sums stand below the table.
func (r *Report) head(say speaker) []form.Field {
	q := r.Query
	head := q.head(say)
	add := func(label word, value string) {
		if value != "" {
			head = append(head, form.Field{Label: say[label], Value: value})
		}
	}
	add(wordBank, string(q.Bank))
	add(wordProvider, string(q.Provider))
	add(wordService, string(q.Service))
	add(wordChannel, string(q.Channel))
	head = append(head, r.lacking(say)...)
	for _, c := range measures {
		if c.kind != form.Integer || c.value == nil || c.name == "refused" && q.provider {
			continue
		}
		sum := int64(0)
		for _, t := range r.Totals {
			sum += c.value(&t.Measures)
		}
		add(c.label, fmt.Sprint(sum))
	}
	return head
}

// head says which time a report is about.
func (q Query) head(say speaker) []form.Field {
	kinds := map[Period]word{Daily: wordDaily, Weekly: wordWeekly, Monthly: wordMonthly, Whole: wordWhole}
	return []form.Field{{Label: say[wordTime], Value: q.From.String() + " – " + q.To.String() + ", " + say[kinds[q.Period]]}}
}

// lacking says which days a report lacks.
func (s *Span) lacking(say speaker) []form.Field {
	if s.Complete {
		return nil
	}
	return []form.Field{{Label: "!", Value: fmt.Sprintf(say[wordIncomplete], s.Open)}}
}
