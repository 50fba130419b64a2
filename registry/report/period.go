package report

import (
	"fmt"
	"time"

	"tolem"
)

// stretch is a number of days, both ends included.
type stretch struct{ from, to tolem.Day }

// stretchOf returns the days of the period that a day is in, as far as they are
// in the report.
func (q Query) stretchOf(d tolem.Day) stretch {
	p := stretch{q.From, q.To}
	switch q.Period {
	case Daily:
		p = stretch{d, d}
	case Weekly:
		p = stretch{d.Monday(), d.Monday() + 6}
	case Monthly:
		p = stretch{d.FirstOfMonth(), d.NextMonth() - 1}
	}
	return stretch{max(p.from, q.From), min(p.to, q.To)}
}

// stretches returns the periods of the report in their order.
func (q Query) stretches() []stretch {
	var list []stretch
	for d := q.From; d <= q.To; {
		p := q.stretchOf(d)
		list = append(list, p)
		d = p.to + 1
	}
	return list
}

// label names a period. A week has the number that ISO 8601 gives it.
func (q Query) label(p stretch) string {
	switch q.Period {
	case Daily:
		return p.from.String()
	case Weekly:
		y, m, d := p.from.Date()
		year, week := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	case Monthly:
		return p.from.String()[:len("2026-11")]
	}
	return p.from.String() + "/" + p.to.String()
}
