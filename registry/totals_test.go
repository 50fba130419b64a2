package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"tolem"
	"tolem/archive"
	"tolem/internal/tolemtest"
	"tolem/registry/report"
	"tolem/store"
)

// life is a world in which things happen at random.
type life struct {
	*world
	random *mathrand.Rand
	codes  []tolem.Code
	due    tolem.Day // the next day to be counted
}

// kindsOf are what codes are issued for.
var kindsOf = []pay{
	{}, {provider: "JUSTICE", channel: tolem.ChannelInfokiosk}, {bank: "BANK-B", amount: 99_99, channel: tolem.ChannelMobileBanking},
	{bank: "BANK-B", provider: "JUSTICE", branch: "B-1", amount: 1},
}

// live lets a number of things happen one after another; days are sealed and
// counted in the night, or days later.
func (l *life) live(events int) {
	for range events {
		l.wait()
		if l.random.IntN(4) == 0 {
			p := kindsOf[l.random.IntN(len(kindsOf))]
			l.codes = append(l.codes, l.issue(p))
			continue
		}
		if len(l.codes) == 0 {
			continue
		}
		// The old ones too: late payments are of them.
		l.happen(l.codes[max(0, len(l.codes)-1-l.random.IntN(12))])
		if l.random.IntN(10) == 0 {
			if _, err := l.db.ExpireDue(l.t.Context(), 100); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

// wait lets time pass, often to about midnight, and the night's work be done.
func (l *life) wait() {
	now := l.clock.Now()
	switch l.random.IntN(6) {
	case 0:
		l.clock.Advance(time.Duration(l.random.Int64N(int64(8 * time.Hour))))
	case 1:
		if end := l.registry.Calendar.End(l.registry.Calendar.DayOf(now)); end.Sub(now) > time.Second {
			l.clock.Set(end.Add(-time.Microsecond)) // the next thing is at midnight
		}
	default:
		l.clock.Advance(time.Duration(l.random.Int64N(int64(20 * time.Minute))))
	}
	if now = l.clock.Now(); l.random.IntN(20) > 0 && now.After(l.registry.Calendar.End(l.due).Add(Settle)) {
		l.night()
	}
}

// night seals and counts what is over.
func (l *life) night() {
	for l.clock.Now().After(l.registry.Calendar.End(l.due).Add(Settle)) {
		if _, err := l.registry.Seal(l.t.Context(), l.due, nil); err != nil {
			l.t.Fatal(err)
		}
		l.due++
	}
	if _, err := l.registry.CountSealed(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// happen does something to a code, whether it is possible or not.
func (l *life) happen(c tolem.Code) {
	decide := map[int]func(tolem.Code, time.Time) tolem.Decision{
		0: func(c tolem.Code, now time.Time) tolem.Decision {
			return c.Close(tolem.Closing{ID: "1", Centre: "27", By: "PORTAL"}, now)
		},
		1: func(c tolem.Code, now time.Time) tolem.Decision { return c.Cancel(c.Requester, now) },
		2: func(c tolem.Code, now time.Time) tolem.Decision { return c.Refund(now) },
		3: func(c tolem.Code, now time.Time) tolem.Decision {
			return c.Validate(tolem.Presentation{RequestNo: "7", By: "PORTAL"}, now)
		},
	}[l.random.IntN(9)]
	if decide != nil {
		l.try(c.Number, decide)
		return
	}
	p := l.notification(c, pay{})
	if l.random.IntN(3) == 0 {
		p.Fee = tolem.Money{Minor: 1 + l.random.Int64N(500), Currency: tolem.KZT}
	}
	switch l.random.IntN(8) {
	case 0:
		p.Amount.Minor++
	case 1:
		p.Bank = "BANK-C" // not its bank
	case 2:
		p.Service = "NO-SUCH-SERVICE"
	}
	if l.random.IntN(3) == 0 {
		l.clock.Advance(time.Millisecond) // it takes a while to decide
	}
	l.notify(p)
}

func (l *life) try(n tolem.CodeNumber, decide func(tolem.Code, time.Time) tolem.Decision) {
	l.update(func(tx *store.Tx) error {
		before, err := tx.Code(n)
		if err != nil {
			return err
		}
		return tx.ChangeCode(before, decide(before, tx.Now()))
	})
	l.clock.Advance(time.Microsecond)
}

// place is where something counts.
type place struct {
	day  tolem.Day
	hour int
	tolem.Direction
}

type places map[place]*tolem.Measures

func (p places) at(c *tolem.Calendar, at time.Time, d tolem.Direction) *tolem.Measures {
	key := place{c.DayOf(at), at.In(c.Zone()).Hour(), d}
	if p[key] == nil {
		p[key] = new(tolem.Measures)
	}
	return p[key]
}

// recounted goes through everything that happened, one by one, and knows
// nothing of how it is counted otherwise.
func (l *life) recounted() places {
	l.t.Helper()
	found, calendar := make(places), l.registry.Calendar
	took := func(d *tolem.Durations, from, to time.Time) {
		d.Micros += to.Sub(from).Microseconds()
		for i, step := range tolem.DurationSteps {
			if to.Sub(from) < step {
				d.Within[i]++
				return
			}
		}
	}
	err := l.db.View(l.t.Context(), func(tx *store.Tx) error {
		for _, issued := range l.codes {
			direction := tolem.Direction{
				Bank: issued.Bank, Provider: issued.Provider, Service: issued.Service, Channel: issued.Channel, Currency: issued.Amount.Currency,
			}
			steps, err := tx.Steps(issued.Number)
			if err != nil {
				return err
			}
			for _, s := range steps {
				m := found.at(calendar, s.At, direction)
				switch {
				case s.From == s.To:
				case s.To == tolem.StateIssued:
					m.Issued++
				case s.To == tolem.StateExpired:
					m.Expired++
				case s.To == tolem.StateCancelled:
					m.Cancelled++
				case s.To == tolem.StateClosed:
					p, err := tx.Payment(issued.Number)
					if err != nil {
						return err
					}
					m.Closed++
					took(&m.ToClose, p.ReceivedAt, s.At)
				case s.To == tolem.StateRefunded:
					m.Refunds++
					m.RefundsMinor += issued.Amount.Minor
				case s.To == tolem.StatePaid:
					p, err := tx.Payment(issued.Number)
					if err != nil {
						return err
					}
					m := found.at(calendar, p.ReceivedAt, direction)
					m.Paid++
					m.PaidMinor += p.Amount.Minor
					m.FeesMinor += p.Fee.Minor
					if s.From != tolem.StateIssued {
						m.Late++
					}
					took(&m.ToPay, issued.IssuedAt, p.ReceivedAt)
				}
			}
		}
		refused, err := tx.Discrepancies(0, 100_000)
		for _, d := range refused {
			direction := tolem.Direction{Bank: d.Payment.Bank, Channel: d.Payment.Channel, Currency: d.Payment.Amount.Currency}
			if d.Payment.Bank != "BANK-C" {
				i := slices.IndexFunc(l.codes, func(c tolem.Code) bool { return c.Number == d.Payment.Code })
				direction.Provider, direction.Service = l.codes[i].Provider, l.codes[i].Service
			}
			found.at(calendar, d.Payment.ReceivedAt, direction).Refused++
		}
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	maps.DeleteFunc(found, func(k place, m *tolem.Measures) bool { return *m == tolem.Measures{} || k.day >= l.due })
	return found
}

// kept reads the totals, by hour and by day.
func (l *life) kept() (byHour, byDay places) {
	l.t.Helper()
	byHour, byDay = make(places), make(places)
	err := l.db.View(l.t.Context(), func(tx *store.Tx) error {
		for _, way := range []struct {
			into places
			by   store.Grouping
		}{{byHour, everything}, {byDay, store.Grouping{Day: true, Bank: true, Provider: true, Service: true, Channel: true}}} {
			list, err := tx.SumTotals(store.TotalFilter{To: l.due}, way.by, 100_000)
			if err != nil {
				return err
			}
			for _, t := range list {
				key := place{t.Day, t.Hour, t.Direction}
				if way.into[key] == nil {
					way.into[key] = new(tolem.Measures)
				}
				way.into[key].Add(t.Measures)
			}
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return byHour, byDay
}

func differences(want, got places) (list []string) {
	for k, m := range want {
		if g := got[k]; g == nil || *g != *m {
			list = append(list, fmt.Sprintf("%+v:\n want %+v\n have %+v", k, *m, g))
		}
	}
	for k, m := range got {
		if want[k] == nil {
			list = append(list, fmt.Sprintf("%+v:\n not expected %+v", k, *m))
		}
	}
	return list
}

// GW-057, GW-058, GW-062 to GW-066, GW-P29, GW-P30: the totals of days are what
// everything that happened comes to, one by one, in the hours of the clock; on
// days of 23 and 25 hours, a leap day, and whenever the night's work is done. Reports by day, week
// and month come to the same, and a register has the totals of its day.
func TestTotalsEqualARecount(t *testing.T) {
	for _, c := range []struct {
		zone string
		from time.Time
	}{
		{"Asia/Almaty", time.Date(2024, time.February, 22, 5, 0, 0, 0, time.UTC)}, // a leap day of 25 hours, whose last hour comes twice
		{"Europe/Berlin", time.Date(2026, time.March, 23, 5, 0, 0, 0, time.UTC)},
		{"America/New_York", time.Date(2026, time.October, 26, 5, 0, 0, 0, time.UTC)},
	} {
		t.Run(c.zone, func(t *testing.T) {
			tolemtest.Databases(t, func(t *testing.T, dsn string) {
				zone, err := time.LoadLocation(c.zone)
				if err != nil {
					t.Fatal(err)
				}
				seed := mathrand.Uint64()
				t.Logf("seed %d", seed)
				l := &life{world: newWorld(t, dsn, zone, c.from), random: mathrand.New(mathrand.NewPCG(seed, 1))}
				l.due = l.registry.Calendar.DayOf(c.from)
				l.codes = append(l.codes, l.issue(pay{}))
				l.live(120)
				l.clock.Advance(50 * time.Hour)
				l.night()
				want := l.recounted()
				byHour, byDay := l.kept()
				for _, d := range differences(want, byHour) {
					t.Error(d)
				}
				days := make(places)
				for k, m := range want {
					if k.hour = 0; days[k] == nil {
						days[k] = new(tolem.Measures)
					}
					days[k].Add(*m)
				}
				for _, d := range differences(days, byDay) {
					t.Error(d)
				}
				l.compareRegisters(byDay)
				l.compareReports(want)
			})
		})
	}
}

// compareReports asks for summaries of the whole time, by week and month too,
// and compares them with everything that happened.
func (l *life) compareReports(want places) {
	first := l.registry.Calendar.DayOf(l.codes[0].IssuedAt)
	for _, q := range []report.Query{
		{Period: report.Daily}, {Period: report.Weekly}, {Period: report.Monthly}, {Period: report.Whole},
		{Period: report.Weekly, By: []report.Dimension{report.ByBank, report.ByService}},
		{Period: report.Monthly, By: []report.Dimension{report.ByChannel, report.ByProvider}},
		{Period: report.Whole, By: []report.Dimension{report.ByHour}},
		{Period: report.Weekly, By: []report.Dimension{report.ByWeekday, report.ByBank}},
		{Period: report.Monthly, By: []report.Dimension{report.ByService}, Direction: tolem.Direction{Bank: "BANK-B"}},
	} {
		q.From, q.To = first, l.due-1
		made, err := report.NewDesk(l.db).Make(l.t.Context(), q)
		if err != nil {
			l.t.Fatal(err)
		}
		sums := make(map[string]*tolem.Measures)
		for k, m := range want {
			if q.Bank != "" && k.Bank != q.Bank {
				continue
			}
			y, month, d := k.day.Date()
			date := time.Date(y, month, d, 0, 0, 0, 0, time.UTC)
			label := map[report.Period]string{report.Daily: k.day.String(), report.Monthly: date.Format("2006-01"), report.Whole: first.String() + "/" + q.To.String()}[q.Period]
			if q.Period == report.Weekly {
				year, week := date.ISOWeek()
				label = fmt.Sprintf("%d-W%02d", year, week)
			}
			key := reportKey(label, q.By, k.Direction, k.hour, date.Weekday())
			if sums[key] == nil {
				sums[key] = new(tolem.Measures)
			}
			sums[key].Add(*m)
		}
		for _, row := range made.Rows {
			key := reportKey(row.Label, q.By, row.Direction, row.Hour, row.Weekday)
			if sum := sums[key]; sum == nil && row.Measures != (tolem.Measures{}) || sum != nil && *sum != row.Measures {
				l.t.Errorf("report %+v: %s\n has %+v\nwant %+v", q, key, row.Measures, sum)
			}
			delete(sums, key)
		}
		if len(sums) > 0 || !made.Complete {
			l.t.Errorf("report %+v lacks %v", q, sums)
		}
	}
}

func reportKey(label string, by []report.Dimension, d tolem.Direction, hour int, weekday time.Weekday) string {
	for _, dimension := range by {
		label += "|" + fmt.Sprint(map[report.Dimension]any{
			report.ByBank: d.Bank, report.ByProvider: d.Provider, report.ByService: d.Service, report.ByChannel: d.Channel,
			report.ByHour: hour, report.ByWeekday: weekday,
		}[dimension])
	}
	return label
}

// compareRegisters builds every register and compares its totals.
func (l *life) compareRegisters(byDay places) {
	var paid int64
	for day := l.registry.Calendar.DayOf(l.codes[0].IssuedAt); day < l.due; day++ {
		if wrong, err := l.registry.Recount(l.t.Context(), day); err != nil || len(wrong) > 0 {
			l.t.Errorf("%s recounted: %+v, %v", day, wrong, err)
		}
		for _, kind := range []tolem.RegisterKind{tolem.BankRegister, tolem.ProviderRegister} {
			for _, owner := range []string{"BANK-A", "BANK-B", "TAX", "JUSTICE"} {
				reg := l.built(kind, owner, day)
				var sum tolem.Sum
				var refused int64
				for k, m := range byDay {
					if k.day != day || kind == tolem.BankRegister && string(k.Bank) != owner || kind == tolem.ProviderRegister && string(k.Provider) != owner {
						continue
					}
					sum.Count, sum.Minor, sum.Back, sum.Return = sum.Count+m.Paid, sum.Minor+m.PaidMinor, sum.Back+m.Refunds, sum.Return+m.RefundsMinor
					refused += m.Refused
				}
				if got := reg.Totals.ByCurrency()[tolem.KZT]; got != sum || kind == tolem.BankRegister && reg.Totals.Discrepancies != refused {
					l.t.Errorf("%s: %+v and %d refused, the register says %+v and %d", reg.Number, sum, refused, got, reg.Totals.Discrepancies)
				}
				paid += sum.Count
			}
		}
	}
	if paid == 0 {
		l.t.Error("nothing was paid: this test proves nothing")
	}
}

// What commits after its day was counted is counted in the next day, once; a
// recount knows.
func TestStepsThatComeTooLate(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		l := &life{world: w, due: testDay}
		w.paid(pay{})
		w.clock.Set(w.registry.Calendar.End(testDay).Add(-30 * time.Minute))
		w.paid(pay{})
		refuse(w, tolem.NotPaid)
		l.clock.Set(l.registry.Calendar.End(testDay).Add(time.Hour))
		l.night()

		w.clock.Set(w.registry.Calendar.End(testDay).Add(-time.Minute)) // a node that hung
		late := w.paid(pay{})
		w.close(late.Number)
		refuse(w, tolem.NotPaid)
		l.clock.Set(l.registry.Calendar.End(testDay).Add(2 * time.Hour))
		if wrong, err := w.registry.Recount(t.Context(), testDay); err != nil || len(wrong) != 1 || wrong[0].Should.Issued-wrong[0].Issued != 1 {
			t.Errorf("before the next count: %+v, %v", wrong, err)
		}
		if c, err := w.registry.Check(t.Context(), testDay, testDay, nil); err != nil || !slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Check == CheckTotals }) {
			t.Errorf("the doctor does not see it: %+v, %v", c, err)
		}
		l.clock.Set(l.registry.Calendar.End(testDay + 1).Add(time.Hour))
		l.night()
		if c, err := w.registry.Check(t.Context(), testDay, testDay+1, nil); err != nil || slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Check == CheckTotals }) {
			t.Errorf("after the next count: %+v, %v", c, err)
		}
		for day := testDay; day <= testDay+1; day++ {
			if wrong, err := w.registry.Recount(t.Context(), day); err != nil || len(wrong) > 0 {
				t.Errorf("%s: %+v, %v", day, wrong, err)
			}
		}
		_, byDay := l.kept()
		sums := make(map[tolem.Day]tolem.Measures)
		for k, m := range byDay {
			sum := sums[k.day]
			sum.Add(*m)
			sums[k.day] = sum
		}
		if a, b := sums[testDay], sums[testDay+1]; a.Issued != 2 || a.Paid != 2 || a.Closed != 0 || b.Issued != 1 || b.Paid != 1 || b.Closed != 1 {
			t.Errorf("%+v\n%+v", a, b)
		}
		err := w.db.View(t.Context(), func(tx *store.Tx) error {
			refused, err := tx.SumRefusals(store.RefusalFilter{To: testDay + 2}, false, 100)
			if len(refused) != 2 || refused[0].Requests != 1 || refused[1].Requests != 1 || refused[1].Day != testDay+1 {
				t.Errorf("%+v", refused)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// refuse stores a request that was refused.
func refuse(w *world, result tolem.ResultCode) {
	w.update(func(tx *store.Tx) error {
		id := archive.NewMessageID(tx.Now())
		return tx.InsertRequest(store.Request{
			Participant: "PORTAL", ID: tolem.RequestID(id.String()), Operation: tolem.OpCloseCode, Result: result, Answer: id, At: tx.Now(),
		})
	})
}

// A code whose term ended in a day that was counted days later expired then.
func TestExpiryAfterADowntime(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		l := &life{world: w, due: testDay}
		w.issue(pay{})
		w.clock.Advance(5 * 24 * time.Hour) // nobody made it expire
		l.night()
		_, byDay := l.kept()
		for k, m := range byDay {
			if m.Expired != 0 && k.day != testDay+1 || m.Expired != 1 && k.day == testDay+1 {
				t.Errorf("%s: %+v", k.day, *m)
			}
		}
		if len(byDay) != 2 {
			t.Errorf("%d days have totals", len(byDay))
		}
	})
}

// Nodes that count the same day make one count of it, and a draft that was
// left behind does not count.
func TestCountedOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.paid(pay{})
		if err := w.registry.Count(t.Context(), testDay); !errors.Is(err, ErrNotSealed) {
			t.Errorf("an open day: %v", err)
		}
		w.sealed(testDay)
		w.sealed(testDay + 1)
		if err := w.registry.Count(t.Context(), testDay+1); !errors.Is(err, ErrCountOrder) {
			t.Errorf("out of order: %v", err)
		}
		left := newCount(w.registry.Calendar, testDay)
		if err := w.registry.fill(t.Context(), left); err != nil {
			t.Fatal(err)
		}
		if err := w.registry.writeDraft(t.Context(), left, 1); err != nil { // and died
			t.Fatal(err)
		}
		done := make(chan error)
		for range 4 {
			go func() {
				_, err := w.registry.CountSealed(t.Context())
				done <- err
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		err := w.db.View(t.Context(), func(tx *store.Tx) error {
			list, err := tx.SumTotals(store.TotalFilter{To: testDay + 2}, store.Grouping{Day: true}, 10)
			if len(list) != 1 || list[0].Paid != 1 {
				t.Errorf("%+v", list)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// BenchmarkCount counts a day of 50,000 payments, each issued, paid and closed.
func BenchmarkCount(b *testing.B) {
	const payments, together = 50_000, 500
	w := newWorld(b, tolemtest.SQLite(b), almaty(b), time.Date(2026, time.November, 20, 10, 0, 0, 0, almaty(b)))
	for range payments / together {
		w.clock.Advance(time.Minute)
		w.update(func(tx *store.Tx) error {
			var errs []error
			for i := range together {
				number, err := tolem.DrawCodeNumber(rand.Reader)
				d := tolem.Issued(tolem.Code{
					Number: number, Service: tolem.ServiceCode(fmt.Sprintf("TAX-%d", i%40)), Provider: "TAX", Channel: tolem.Channels[i%6], Requester: "BANK-A",
					Amount: tolem.Money{Minor: 100, Currency: tolem.KZT}, Recipient: "850101300124", Bank: "BANK-A", ExpiresAt: tx.Now().Add(24 * time.Hour),
				}, tx.Now())
				p := w.notification(d.Code, pay{})
				paid := d.Code.Notify(p, nil, tx.Now())
				closed := paid.Code.Close(tolem.Closing{ID: "1", Centre: "27", By: "PORTAL"}, tx.Now())
				closed.Steps = slices.Concat(d.Steps, paid.Steps, closed.Steps)
				errs = append(errs, err, tx.InsertCode(closed), tx.InsertPayment(p))
			}
			return errors.Join(errs...)
		})
	}
	w.sealed(testDay)
	for b.Loop() {
		c := newCount(w.registry.Calendar, testDay)
		if err := w.registry.fill(b.Context(), c); err != nil {
			b.Fatal(err)
		}
		if len(c.hourTotals()) == 0 {
			b.Fatal("nothing was counted")
		}
	}
}
