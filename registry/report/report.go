// Package report answers what was issued, paid, refused and closed in a time,
// by channel, bank, provider or service, by hour or weekday, in summaries of
// days, weeks and months (GW-062 to GW-066, GW-P29, GW-P30).
//
// It reads the totals that package registry keeps of each sealed day, and
// nothing else: a month is answered from a few rows a day, however many
// payments it has. What is not counted yet is said, never shown as nothing. It
// counts nothing itself, and knows neither SOAP nor who may ask: gateway/soap
// and the commands narrow a Query to its sender with Query.For.
package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tolem"
	"tolem/store"
)

// Limits of a report.
const (
	MaxDays = 5 * 366 // from the first day to the last
	MaxRows = 20_000
	// Timeout is how long a report may take.
	Timeout = time.Minute

	maxRead = 500_000 // totals read at once
)

// Errors of this package, wrapped with what was asked.
var (
	// ErrQuery: there is no such report.
	ErrQuery = errors.New("not a report that can be made")
	// ErrTooLarge: the report would have more rows than anybody reads.
	ErrTooLarge = errors.New("the report is too large: ask for less time, longer periods or fewer directions")
	// ErrForeign: the report is about others than who asks for it.
	ErrForeign = errors.New("not a report for the sender")
)

// Period is the stretch of time that a row sums up.
type Period string

// The periods. Weeks go from Monday to Sunday (GW-P30).
const (
	Daily   Period = "day"
	Weekly  Period = "week"
	Monthly Period = "month"
	Whole   Period = "whole" // all the days of the report together
)

// Periods lists every period.
var Periods = []Period{Daily, Weekly, Monthly, Whole}

// Dimension is what rows of a period are told apart by.
type Dimension string

// The dimensions.
const (
	ByChannel  Dimension = "channel"
	ByBank     Dimension = "bank"
	ByProvider Dimension = "provider"
	ByService  Dimension = "service"
	ByHour     Dimension = "hour"    // of the clock where the gateway stands
	ByWeekday  Dimension = "weekday" // Monday first
)

// Dimensions lists every dimension.
var Dimensions = []Dimension{ByChannel, ByBank, ByProvider, ByService, ByHour, ByWeekday}

// Query says what is asked. The zero values of Direction do not narrow.
type Query struct {
	From, To tolem.Day // both included
	Period   Period
	By       []Dimension // in the order in which rows are sorted
	tolem.Direction

	provider bool // a provider asks
}

// For narrows a query to what a participant may know: a bank its own payments,
// a processing centre those of one of its banks, a provider its own. It returns
// ErrForeign if the query names another's, and for everybody else.
func (q Query) For(p tolem.Participant) (Query, error) {
	foreign := fmt.Errorf("%s for %s: %w", q.describe(), p.ID, ErrForeign)
	switch p.Kind {
	case tolem.KindBank:
		if q.Bank != "" && q.Bank != p.ID {
			return Query{}, foreign
		}
		q.Bank = p.ID
	case tolem.KindProcessing:
		if !slices.Contains(p.ActsFor, q.Bank) {
			return Query{}, foreign
		}
	case tolem.KindProvider:
		if q.Provider != "" && string(q.Provider) != string(p.ID) {
			return Query{}, foreign
		}
		q.Provider, q.provider = tolem.ProviderID(p.ID), true
	default:
		return Query{}, foreign
	}
	return q, nil
}

// has reports whether rows are told apart by a dimension.
func (q Query) has(d Dimension) bool { return slices.Contains(q.By, d) }

// Check returns ErrQuery if there is no such report.
func (q Query) Check() error {
	if q.To < q.From || int(q.To-q.From) >= MaxDays {
		return fmt.Errorf("%s to %s, at most %d days: %w", q.From, q.To, MaxDays, ErrQuery)
	}
	if !slices.Contains(Periods, q.Period) {
		return fmt.Errorf("period %q: %w", q.Period, ErrQuery)
	}
	for i, d := range q.By {
		if !slices.Contains(Dimensions, d) || slices.Contains(q.By[:i], d) {
			return fmt.Errorf("by %q: %w", d, ErrQuery)
		}
	}
	return nil
}

// Row is one row of a report. What rows are not told apart by is zero.
type Row struct {
	From, To tolem.Day // the days of its period that are in the report
	Label    string    // of the period: 2026-11-21, 2026-W47, 2026-11, or both days
	Complete bool      // every day of it is counted
	Hour     int
	Weekday  time.Weekday
	tolem.Direction
	tolem.Measures
}

// Span is what a report was asked for and how far it could be answered.
type Span struct {
	Query Query

	// Complete says that every day is counted. If not, Open is the first that is
	// not, and the report ends before it.
	Complete bool
	Open     tolem.Day
}

// Report is an answer.
type Report struct {
	Span
	Rows   []Row
	Totals []Row // of the whole time, one for each currency
}

// Desk makes reports.
type Desk struct{ db *store.DB }

// NewDesk returns a Desk over an open database.
func NewDesk(db *store.DB) *Desk { return &Desk{db: db} }

// Make answers a query.
func (d *Desk) Make(ctx context.Context, q Query) (*Report, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	r := &Report{Span: Span{Query: q}}
	err := d.db.View(ctx, func(tx *store.Tx) error {
		if err := r.completeness(tx); err != nil {
			return err
		}
		return r.read(tx)
	})
	if err != nil {
		return nil, fmt.Errorf("report of %s to %s: %w", q.From, q.To, err)
	}
	r.sumUp()
	r.fillGaps()
	slices.SortFunc(r.Rows, r.compare)
	if len(r.Rows) > MaxRows {
		return nil, fmt.Errorf("%d rows, allowed are %d: %w", len(r.Rows), MaxRows, ErrTooLarge)
	}
	return r, nil
}

// completeness finds out where the counted days end. They have no gap, and
// before the first of them nothing happened.
func (s *Span) completeness(tx *store.Tx) error {
	first, err := tx.FirstCountedDay()
	if errors.Is(err, store.ErrNotFound) {
		s.Open = s.Query.From
		return nil
	}
	if err != nil {
		return err
	}
	counted, err := tx.CountedDays(s.Query.From, s.Query.To)
	if err != nil {
		return err
	}
	s.Open = max(s.Query.From, first)
	for _, day := range counted {
		if day.Day == s.Open {
			s.Open++
		}
	}
	if s.Complete = s.Open > s.Query.To; s.Complete {
		s.Open = 0
	}
	return nil
}

// last is the last day that the report knows.
func (s *Span) last() tolem.Day {
	if s.Complete {
		return s.Query.To
	}
	return s.Open - 1
}

// read reads the totals. Days that are told apart are read at once, longer
// periods one by one, so that the database adds them up.
func (r *Report) read(tx *store.Tx) error {
	q := r.Query
	by := store.Grouping{
		Day: q.Period == Daily || q.has(ByWeekday), Hour: q.has(ByHour),
		Bank: q.has(ByBank), Provider: q.has(ByProvider), Service: q.has(ByService), Channel: q.has(ByChannel),
	}
	rows := make(map[rowKey]*Row)
	for _, p := range r.readings(by.Day) {
		list, err := tx.SumTotals(store.TotalFilter{From: p.from, To: p.to, Direction: q.Direction}, by, maxRead+1)
		if err != nil {
			return err
		}
		if len(list) > maxRead {
			return ErrTooLarge
		}
		for _, t := range list {
			if !by.Day {
				t.Day = p.from
			}
			r.add(rows, t)
		}
		if len(rows) > MaxRows {
			return ErrTooLarge
		}
	}
	for _, row := range rows {
		r.Rows = append(r.Rows, *row)
	}
	return nil
}

// readings returns the stretches of time to read, up to the last counted day.
func (r *Report) readings(byDay bool) []stretch {
	if byDay {
		return []stretch{{r.Query.From, r.last()}}
	}
	var list []stretch
	for _, p := range r.Query.stretches() {
		if p.to = min(p.to, r.last()); p.from <= p.to {
			list = append(list, p)
		}
	}
	return list
}

// rowKey is what tells rows apart.
type rowKey struct {
	from    tolem.Day
	hour    int
	weekday time.Weekday
	tolem.Direction
}

func (r *Report) add(rows map[rowKey]*Row, t store.DayTotal) {
	if r.Query.provider { // they concern the bank alone
		t.Refused = 0
	}
	if t.Measures == (tolem.Measures{}) {
		return
	}
	p := r.Query.stretchOf(t.Day)
	key := rowKey{from: p.from, hour: t.Hour, Direction: t.Direction}
	if r.Query.has(ByWeekday) {
		key.weekday = t.Day.Weekday()
	}
	row := rows[key]
	if row == nil {
		row = r.row(p)
		row.Hour, row.Weekday, row.Direction = key.hour, key.weekday, t.Direction
		rows[key] = row
	}
	row.Add(t.Measures)
}

func (r *Report) row(p stretch) *Row {
	return &Row{From: p.from, To: p.to, Label: r.Query.label(p), Complete: p.to <= r.last()}
}

// sumUp adds the rows up.
func (r *Report) sumUp() {
	sums := make(map[tolem.Currency]*Row)
	for _, row := range r.Rows {
		sum := sums[row.Currency]
		if sum == nil {
			sum = &Row{From: r.Query.From, To: r.Query.To, Complete: r.Complete, Label: Query{Period: Whole}.label(stretch{r.Query.From, r.Query.To})}
			sum.Currency = row.Currency
			sums[row.Currency] = sum
		}
		sum.Add(row.Measures)
	}
	for _, sum := range sums {
		r.Totals = append(r.Totals, *sum)
	}
	slices.SortFunc(r.Totals, r.compare)
}

// fillGaps adds rows of counted periods in which nothing happened, where rows
// are told apart by time alone.
func (r *Report) fillGaps() {
	if len(r.Query.By) > 0 {
		return
	}
	there := make(map[rowKey]bool)
	for _, row := range r.Rows {
		there[rowKey{from: row.From, Direction: row.Direction}] = true
	}
	for _, p := range r.Query.stretches() {
		for _, total := range r.Totals {
			key := rowKey{from: p.from, Direction: total.Direction}
			if p.from <= r.last() && !there[key] {
				row := r.row(p)
				row.Direction = total.Direction
				r.Rows = append(r.Rows, *row)
			}
		}
	}
}

// compare orders rows by period, then by the dimensions as they were asked, then
// by currency.
func (r *Report) compare(a, b Row) int {
	if c := cmp.Compare(a.From, b.From); c != 0 {
		return c
	}
	for _, d := range r.Query.By {
		c := 0
		switch d {
		case ByChannel:
			c = cmp.Compare(slices.Index(tolem.Channels, a.Channel), slices.Index(tolem.Channels, b.Channel))
		case ByBank:
			c = cmp.Compare(a.Bank, b.Bank)
		case ByProvider:
			c = cmp.Compare(a.Provider, b.Provider)
		case ByService:
			c = cmp.Compare(a.Service, b.Service)
		case ByHour:
			c = cmp.Compare(a.Hour, b.Hour)
		case ByWeekday:
			c = cmp.Compare((a.Weekday+6)%7, (b.Weekday+6)%7)
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(a.Currency, b.Currency)
}

// describe names what the query is about, for errors.
func (q Query) describe() string {
	return fmt.Sprintf("report of bank %q, provider %q", q.Bank, q.Provider)
}
