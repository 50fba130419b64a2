package jobs_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/registry/jobs"
	"tolem/store"
)

func day(t testing.TB, s string) tolem.Day {
	t.Helper()
	d, err := tolem.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func days(t testing.TB, list ...string) []tolem.Day {
	var d []tolem.Day
	for _, s := range list {
		d = append(d, day(t, s))
	}
	return d
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestWhenADayIsDue(t *testing.T) {
	for _, c := range []struct {
		zone string
		at   time.Duration
		days jobs.Days
		day  string
		due  string // in UTC
		why  string
	}{
		{"Asia/Almaty", time.Hour, jobs.EveryDay, "2024-01-15", "2024-01-15T19:00:00Z", "01:00 at +06"},
		{"Asia/Almaty", time.Hour, jobs.EveryDay, "2024-02-28", "2024-02-28T19:00:00Z", "the day before the leap day"},
		{"Asia/Almaty", time.Hour, jobs.EveryDay, "2024-02-29", "2024-02-29T20:00:00Z", "the leap day has 25 hours: clocks go back to +05 as it ends"},
		{"Asia/Almaty", time.Hour, jobs.EveryDay, "2024-03-01", "2024-03-01T20:00:00Z", "01:00 at +05"},
		{"Asia/Almaty", 0, jobs.EveryDay, "2024-02-29", "2024-02-29T19:00:00Z", "midnight comes twice; the day ends with the second"},
		{"Asia/Almaty", time.Hour, jobs.EveryDay, "2024-12-31", "2024-12-31T20:00:00Z", "the year ends"},
		{"Asia/Almaty", time.Hour, jobs.Workdays, "2024-03-06", "2024-03-06T20:00:00Z", "tomorrow is a workday"},
		{"Asia/Almaty", time.Hour, jobs.Workdays, "2024-03-07", "2024-03-10T20:00:00Z", "a holiday and a weekend follow"},
		{"Asia/Almaty", time.Hour, jobs.Workdays, "2024-03-08", "2024-03-10T20:00:00Z", "with the day before"},
		{"Asia/Almaty", time.Hour, jobs.Workdays, "2024-05-03", "2024-05-03T20:00:00Z", "a Saturday on which people work"},
		{"Europe/Berlin", 150 * time.Minute, jobs.EveryDay, "2024-03-30", "2024-03-31T01:30:00Z", "02:30 does not exist: an hour later"},
		{"Europe/Berlin", 150 * time.Minute, jobs.EveryDay, "2024-10-26", "2024-10-27T01:30:00Z", "02:30 comes twice: the second one"},
		{"Asia/Beirut", 30 * time.Minute, jobs.EveryDay, "2024-03-30", "2024-03-30T22:30:00Z", "midnight is skipped; not before the day has ended"},
		{"Asia/Beirut", 0, jobs.EveryDay, "2024-03-30", "2024-03-30T22:00:00Z", "midnight is skipped; the day begins at 01:00"},
		{"Pacific/Apia", time.Hour, jobs.EveryDay, "2011-12-29", "2011-12-30T10:00:00Z", "the next day does not exist"},
	} {
		calendar := tolem.NewCalendar(zone(t, c.zone), days(t, "2024-03-08"), days(t, "2024-05-04"))
		p := jobs.Planner{Calendar: calendar, At: c.at, Days: c.days}
		d := day(t, c.day)
		due := p.DueAt(d)
		if got := due.UTC().Format(time.RFC3339); got != c.due {
			t.Errorf("%s %s at %v: due %s, want %s: %s", c.zone, c.day, c.at, got, c.due, c.why)
		}
		if due.Before(calendar.End(d)) {
			t.Errorf("%s %s: due %v before its end", c.zone, c.day, due)
		}
	}
}

// Every hour of ten years in zones that change: no day is left out, none comes
// twice, and each stands alone at its hour.
func TestNoDayIsLeftOut(t *testing.T) {
	for _, name := range []string{"Asia/Almaty", "Europe/Berlin", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe", "UTC"} {
		p := jobs.Planner{Calendar: tolem.NewCalendar(zone(t, name), nil, nil), At: jobs.DefaultAt}
		next := day(t, "2019-12-31")
		for now := time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC); now.Year() < 2030; now = now.Add(time.Hour) {
			for _, d := range p.Due(next, now) {
				if d != next || p.Calendar.DayOf(now) <= d {
					t.Fatalf("%s: on %v day %v is due, %v is next", name, now, d, next)
				}
				next++
			}
			if today := p.Calendar.DayOf(now); next < today-1 {
				t.Fatalf("%s: on %v still %v", name, today, next)
			}
		}
	}
}

func TestMissedDaysAreCaughtUp(t *testing.T) {
	p := jobs.Planner{Calendar: tolem.NewCalendar(zone(t, "Asia/Almaty"), nil, nil), At: jobs.DefaultAt, First: day(t, "2024-01-01")}
	now := time.Date(2024, 1, 5, 12, 0, 0, 0, time.UTC)
	if got := p.Due(p.First, now); !slices.Equal(got, days(t, "2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04")) {
		t.Errorf("due: %v", got)
	}
	p.Days = jobs.Workdays
	friday := day(t, "2024-01-05")
	if got := p.Due(friday, time.Date(2024, 1, 7, 19, 59, 0, 0, time.UTC).Add(-time.Hour)); got != nil {
		t.Errorf("before Monday: %v", got)
	}
	if got := p.Due(friday, time.Date(2024, 1, 7, 19, 0, 0, 0, time.UTC)); !slices.Equal(got, days(t, "2024-01-05", "2024-01-06", "2024-01-07")) {
		t.Errorf("on Monday: %v", got)
	}
}

func TestTheFirstDayOnlyBegins(t *testing.T) {
	clock := tolemtest.NewClock(time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC))
	tolemtest.Stores(t, store.Options{Clock: clock.Now}, func(t *testing.T, db *store.DB) {
		p := jobs.Planner{Calendar: tolem.NewCalendar(zone(t, "Asia/Almaty"), nil, nil), At: jobs.DefaultAt, First: day(t, "2024-01-01")}
		plan := func(want int) {
			t.Helper()
			if got, err := p.Plan(t.Context(), db, "seal-day"); err != nil || got != want {
				t.Fatalf("planned %d, want %d: %v", got, want, err)
			}
		}
		for _, n := range []int{62, 62, 58, 0} { // 182 days, so many at a time
			plan(n)
		}
		p.First = day(t, "2025-01-01") // a changed configuration leaves no gap
		clock.Advance(48 * time.Hour)
		defer clock.Advance(-48 * time.Hour)
		plan(2)
		var last store.Job
		err := db.View(t.Context(), func(tx *store.Tx) (err error) { last, err = tx.LastJob("seal-day"); return err })
		if err != nil || last.Slot != "2024-07-02" || !last.DueAt.Equal(p.DueAt(day(t, "2024-07-02"))) {
			t.Errorf("last: %+v, %v", last, err)
		}
	})
}

func TestParseDays(t *testing.T) {
	for s, want := range map[string]jobs.Days{"every": jobs.EveryDay, "workdays": jobs.Workdays} {
		if got, err := jobs.ParseDays(s); err != nil || got != want {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	if _, err := jobs.ParseDays("sometimes"); err == nil {
		t.Error("sometimes is taken")
	}
}
