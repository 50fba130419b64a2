package tolem

import (
	"fmt"
	"slices"
	"time"
)

// Day is a calendar day, counted from 1970-01-01. It has no zone: a Calendar
// says which moments belong to it.
type Day int32

// secondsOfDay is the length of a day in the count of Day, which knows no zone.
const secondsOfDay = 24 * 60 * 60

// DayOf returns the day of a date.
func DayOf(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay)
}

// ParseDay reads a day as it is written by String: 2026-11-21.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a day like 2026-11-21", s)
	}
	return DayOf(t.Date()), nil
}

// Date returns year, month and day of the month.
func (d Day) Date() (year int, month time.Month, day int) { return d.utc().Date() }

// Weekday returns the day of the week.
func (d Day) Weekday() time.Weekday { return d.utc().Weekday() }

// String returns the day as in 2026-11-21.
func (d Day) String() string { return d.utc().Format(time.DateOnly) }

func (d Day) utc() time.Time { return time.Unix(int64(d)*secondsOfDay, 0).UTC() }

// Monday returns the first day of the week that d is in (GW-P30).
func (d Day) Monday() Day { return d - Day((d.Weekday()+6)%7) }

// FirstOfMonth returns the first day of the month that d is in.
func (d Day) FirstOfMonth() Day {
	y, m, _ := d.Date()
	return DayOf(y, m, 1)
}

// NextMonth returns the first day of the month after the one that d is in.
func (d Day) NextMonth() Day {
	y, m, _ := d.Date()
	return DayOf(y, m+1, 1)
}

// Calendar knows which moments are a day where the gateway stands, and on
// which days people work. Its zero value is UTC without holidays.
type Calendar struct {
	zone     *time.Location
	weekend  []time.Weekday
	holidays []Day // sorted
	worked   []Day // weekend days on which people work; sorted
}

// NewCalendar returns the calendar of a zone. Worked are days on which people
// work although they fall on a weekend, as governments shift them.
func NewCalendar(zone *time.Location, holidays, worked []Day) *Calendar {
	c := &Calendar{
		zone: zone, weekend: []time.Weekday{time.Saturday, time.Sunday},
		holidays: slices.Clone(holidays), worked: slices.Clone(worked),
	}
	slices.Sort(c.holidays)
	slices.Sort(c.worked)
	return c
}

// Zone returns the zone of the calendar.
func (c *Calendar) Zone() *time.Location {
	if c == nil || c.zone == nil {
		return time.UTC
	}
	return c.zone
}

// DayOf returns the day that a moment belongs to. It follows the zone's rules
// of that moment, so that a change of them moves no payment to another day.
func (c *Calendar) DayOf(t time.Time) Day { return DayOf(t.In(c.Zone()).Date()) }

// Start returns the first moment of a day.
func (c *Calendar) Start(d Day) time.Time {
	y, m, day := d.Date()
	t := time.Date(y, m, day, 0, 0, 0, 0, c.Zone())
	// Where clocks skip midnight, Date returns a moment an hour off: the day
	// begins with the first moment that belongs to it.
	for ; c.DayOf(t) < d; t = t.Add(time.Minute) {
	}
	for before := t.Add(-time.Minute); c.DayOf(before) >= d; before = t.Add(-time.Minute) {
		t = before
	}
	return t.UTC()
}

// End returns the first moment after a day.
func (c *Calendar) End(d Day) time.Time { return c.Start(d + 1) }

// At returns the moment of a day at a time of day, given as the duration since
// midnight on the clock.
func (c *Calendar) At(d Day, clock time.Duration) time.Time {
	y, m, day := d.Date()
	return time.Date(y, m, day, 0, 0, int(clock/time.Second), 0, c.Zone()).UTC()
}

// IsWorkday reports whether people work on a day.
func (c *Calendar) IsWorkday(d Day) bool {
	if _, worked := slices.BinarySearch(c.worked, d); worked {
		return true
	}
	_, holiday := slices.BinarySearch(c.holidays, d)
	return !holiday && !slices.Contains(c.weekend, d.Weekday())
}

// maxDaysOff bounds a row of days on which nobody works.
const maxDaysOff = 366

// AddWorkdays returns the n-th workday after d.
func (c *Calendar) AddWorkdays(d Day, n int) Day {
	for off := 0; n > 0 && off < maxDaysOff; off++ {
		if d++; c.IsWorkday(d) {
			n--
			off = 0
		}
	}
	return d
}
