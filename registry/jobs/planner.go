package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tolem"
	"tolem/store"
)

// DefaultAt is when the day before is done: one o'clock.
const DefaultAt = time.Hour

// maxPlanned bounds the days that one call of Plan plans; the next goes on.
const maxPlanned = 62

// Days says on which days a planner has work done.
type Days uint8

// Every day, or on workdays only: then the first one after a weekend or a
// holiday does all days since.
const (
	EveryDay Days = iota
	Workdays
)

// ParseDays reads every or workdays, as they stand in a configuration.
func ParseDays(s string) (Days, error) {
	switch s {
	case "every":
		return EveryDay, nil
	case "workdays":
		return Workdays, nil
	}
	return 0, fmt.Errorf("%q is neither every nor workdays", s)
}

// Planner knows when the work of a day is due: on the day after, or the first
// workday after, at a time of the clock. It plans one job a day, none left out
// and none twice, and catches up the days that passed while nobody planned.
type Planner struct {
	Calendar *tolem.Calendar
	At       time.Duration // since midnight on the clock
	First    tolem.Day     // the first day ever planned
	Days     Days
}

// DueAt returns when the work of a day is due; never before the day has ended.
func (p Planner) DueAt(d tolem.Day) time.Time {
	on := d + 1
	if p.Days == Workdays {
		on = p.Calendar.AddWorkdays(d, 1)
	}
	at := p.Calendar.At(on, p.At)
	// Where clocks skip the hour, its moments are shown as of the day before.
	if start := p.Calendar.Start(on); at.Before(start) {
		return start
	}
	return at
}

// Due returns the days from next on whose work is due, oldest first, at most
// maxPlanned.
func (p Planner) Due(next tolem.Day, now time.Time) []tolem.Day {
	var days []tolem.Day
	for d := next; len(days) < maxPlanned && !p.DueAt(d).After(now); d++ {
		days = append(days, d)
	}
	return days
}

// Plan plans the jobs of this name that are due, one a day with the day as
// slot, and returns how many. Several nodes may call it at once.
func (p Planner) Plan(ctx context.Context, db *store.DB, name string) (planned int, err error) {
	err = db.Update(ctx, func(tx *store.Tx) error {
		planned = 0
		next, err := p.next(tx, name)
		if err != nil {
			return err
		}
		for _, d := range p.Due(next, tx.Now()) {
			if err := tx.PlanJob(name, d.String(), p.DueAt(d)); err != nil {
				return err
			}
			planned++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("plan %s: %w", name, err)
	}
	return planned, nil
}

// next returns the day after the last one planned.
func (p Planner) next(tx *store.Tx, name string) (tolem.Day, error) {
	last, err := tx.LastJob(name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return p.First, nil
	case err != nil:
		return 0, err
	}
	day, _, _ := strings.Cut(last.Slot, "/")
	d, err := tolem.ParseDay(day)
	return d + 1, err
}
