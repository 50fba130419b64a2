package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/registry/report"
	"tolem/store"
)

const (
	daysOfMonth    = 31
	monthKeys      = 6000 // directions of each day
	reportsOfMonth = 5    // how often each report is made
)

// month seeds the totals of a month and times reports on it: they read totals,
// however many payments stand behind them.
func (s *session) month(ctx context.Context, d *days) error {
	s.Progress("registers: " + d.kind + ", a month of totals")
	first := d.calendar.DayOf(time.Now()).FirstOfMonth() - 400
	keys := min(monthKeys, s.Rows)
	for day := range tolem.Day(daysOfMonth) {
		if err := seedTotals(ctx, d.db, first+day, keys); err != nil {
			return fmt.Errorf("seed totals: %w", err)
		}
	}
	t := Table{
		Part: PartRegisters, Title: fmt.Sprintf("Reports on a month of %d totals a day, %s", keys, d.kind),
		Note: fmt.Sprintf("medians of %d", reportsOfMonth),
	}
	for _, q := range []struct {
		name   string
		period report.Period
		by     []report.Dimension
	}{
		{"the month", report.Whole, nil}, {"the month by bank", report.Whole, []report.Dimension{report.ByBank}},
		{"each day by channel", report.Daily, []report.Dimension{report.ByChannel}},
		{"the month by bank and service", report.Whole, []report.Dimension{report.ByBank, report.ByService}},
	} {
		took, rows, err := timeReport(ctx, d.db, report.Query{From: first, To: first + daysOfMonth - 1, Period: q.period, By: q.by})
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		t.Rows = append(t.Rows, Row{Case: q.name, Values: []Value{{"rows", "", float64(rows)}, {"time", "ms", took}}})
	}
	s.table(t)
	return nil
}

// timeReport makes a report several times and returns the median in
// milliseconds.
func timeReport(ctx context.Context, db *store.DB, q report.Query) (took float64, rows int, err error) {
	var times []float64
	for range reportsOfMonth {
		began := time.Now()
		r, err := report.NewDesk(db).Make(ctx, q)
		if err != nil {
			return 0, 0, err
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
		if rows = len(r.Rows); rows == 0 || !r.Complete {
			return 0, 0, errors.New("the report is empty or not complete")
		}
	}
	return median(times), rows, nil
}

// seedTotals stores the totals of a day as counting would have.
func seedTotals(ctx context.Context, db *store.DB, day tolem.Day, keys int) error {
	const draft = 1
	totals := make([]store.HourTotal, keys)
	for i := range totals {
		t := &totals[i]
		t.Direction = tolem.Direction{
			Channel: tolem.Channels[i%6], Bank: tolem.ParticipantID(fmt.Sprintf("BANK-%02d", i/6%20)), Provider: tolem.ProviderID(fmt.Sprintf("PROVIDER-%02d", i/120%10)),
			Service: tolem.ServiceCode(fmt.Sprintf("SERVICE-%05d", i/120)), Currency: tolem.KZT,
		}
		t.Issued, t.Paid, t.PaidMinor = 120, 100, 100*benchAmount
	}
	return db.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.AddDayTotals(day, draft, totals), tx.KeepCount(store.CountedDay{Day: day, Draft: draft, CountedAt: tx.Now()}))
	})
}
