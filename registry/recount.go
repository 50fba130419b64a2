package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"tolem"
	"tolem/store"
)

// Miscount is a difference between the totals of a day and what its facts and
// steps come to now.
type Miscount struct {
	Day tolem.Day
	store.HourTotal
	Should tolem.Measures
	Whole  bool // a total of the day, which is not the sum of its hours
}

// Recount counts a day again and returns what differs from its totals; nothing,
// if all is well. What the next day has counted for this one is taken in; what
// came too late for this one while the next is not counted yet shows as a
// difference.
func (r *Registry) Recount(ctx context.Context, day tolem.Day) ([]Miscount, error) {
	if counted, err := r.counted(ctx, day); err != nil || !counted {
		return nil, cmp.Or(err, fmt.Errorf("totals of %s: %w", day, store.ErrNotFound))
	}
	c, next := newCount(r.Calendar, day), newCount(r.Calendar, day+1)
	if err := r.fill(ctx, c); err != nil {
		return nil, fmt.Errorf("recount %s: %w", day, err)
	}
	var kept []store.DayTotal
	err := r.view(ctx, func(tx *store.Tx) (err error) {
		kept, err = tx.SumTotals(store.TotalFilter{From: day, To: day + 1}, everything, 2*maxTotals)
		return err
	})
	if err != nil {
		return nil, err
	}
	has := &count{totals: make(map[totalKey]*tolem.Measures)}
	for _, t := range kept {
		switch {
		case t.Day == day:
			has.add(t.HourTotal)
		case t.Carried && slices.Contains(next.tail, t.Hour):
			t.Carried, t.Measures = false, stepsOf(t.Measures)
			has.add(t.HourTotal)
		}
	}
	list := compareCounts(day, c.totals, has.totals)
	whole, err := r.recountDay(ctx, day)
	return append(list, whole...), err
}

// recountDay compares the totals of a whole day with those of its hours.
func (r *Registry) recountDay(ctx context.Context, day tolem.Day) ([]Miscount, error) {
	hours, whole := &count{totals: make(map[totalKey]*tolem.Measures)}, &count{totals: make(map[totalKey]*tolem.Measures)}
	byDay := everything
	byDay.Hour, byDay.Carried = false, false
	err := r.view(ctx, func(tx *store.Tx) error {
		for _, sum := range []struct {
			by store.Grouping
			to *count
		}{{everything, hours}, {byDay, whole}} {
			list, err := tx.SumTotals(store.TotalFilter{From: day, To: day}, sum.by, maxTotals)
			if err != nil {
				return err
			}
			for _, t := range list {
				t.Hour, t.Carried = 0, false
				sum.to.add(t.HourTotal)
			}
		}
		return nil
	})
	list := compareCounts(day, hours.totals, whole.totals)
	for i := range list {
		list[i].Whole = true
	}
	return list, err
}

// compareCounts returns where two counts differ, in order.
func compareCounts(day tolem.Day, should, has map[totalKey]*tolem.Measures) []Miscount {
	var list []Miscount
	compare := func(k totalKey) {
		is, ought := measuresAt(has, k), measuresAt(should, k)
		if is != ought {
			list = append(list, Miscount{
				Day: day, HourTotal: store.HourTotal{Hour: k.hour, Carried: k.carried, Direction: k.Direction, Measures: is}, Should: ought,
			})
		}
	}
	for k := range should {
		compare(k)
	}
	for k := range has {
		if should[k] == nil {
			compare(k)
		}
	}
	slices.SortFunc(list, func(a, b Miscount) int { return compareTotals(a.HourTotal, b.HourTotal) })
	return list
}

func measuresAt(totals map[totalKey]*tolem.Measures, k totalKey) tolem.Measures {
	if m := totals[k]; m != nil {
		return *m
	}
	return tolem.Measures{}
}

// checkTotals counts a day again, if it is counted: of others reports say
// themselves that they lack them.
func (r *Registry) checkTotals(ctx context.Context, d store.SealedDay, c *Checkup) error {
	wrong, err := r.Recount(ctx, d.Day)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	for _, w := range wrong {
		when := fmt.Sprintf("%02d:00", w.Hour)
		if w.Whole {
			when = "day"
		}
		record := fmt.Sprintf("%s %s %s %s %s %s", when, w.Bank, w.Provider, w.Service, w.Channel, w.Currency)
		c.find(d.Day, CheckTotals, record, "counted %s, should be %s", describe(w.Measures), describe(w.Should))
	}
	return err
}

// describe writes the counters that people compare.
func describe(m tolem.Measures) string {
	return fmt.Sprintf("%d issued, %d paid (%d), fees %d, %d refunds (%d), %d refused, %d expired, %d cancelled, %d closed", m.Issued, m.Paid, m.PaidMinor,
		m.FeesMinor, m.Refunds, m.RefundsMinor, m.Refused, m.Expired, m.Cancelled, m.Closed)
}
