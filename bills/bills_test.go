package bills_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tolem"
	"tolem/bills"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// What a lookup comes to, and what people are told.
//
// WP-033, WP-034, WP-036, WP-524, WP-525, WP-526
func TestLookup(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(electro,
			tolem.Snapshot{Account: tolem.AccountID{Number: "A-100"}, Particulars: tolem.Particulars{
				Holder: "Əliyev İlham", Address: "Bakı, Nizami 1", Details: []tolem.Detail{{Label: "Sayğac", Value: "77"}},
			}, Bills: []tolem.Bill{bill(light, "1", 1250), bill(fine, "2", 300)}},
			account("A-200"),
			tolem.Snapshot{Account: tolem.AccountID{Number: "A-300"}, Closed: true})
		w.feed(water, account("W1"))
		w.feed(taxes, account("T1"), account("T2", bill(taxOnly, "", 1)))
		for _, c := range []struct {
			o       tolem.ProviderID
			typed   string
			outcome bills.Outcome
			message string
			advance int
		}{
			{electro, "A-100", bills.FoundDebts, "", 1},
			{electro, " a-1 00 ", bills.FoundDebts, "", 1},
			{electro, "A-200", bills.FoundService, "", 1},
			{electro, "A-300", bills.NotFound, "account.not_found", 0},
			{electro, "A-400", bills.NotFound, "account.not_found", 0},
			{electro, "", bills.NotFound, "account.not_found", 0},
			{electro, "Ə'; DROP TABLE", bills.NotFound, "account.not_found", 0},
			{water, "W1", bills.FoundServices, "", 2},
			{taxes, "T1", bills.NothingToPay, "account.nothing_to_pay", 0},
			{taxes, "T2", bills.FoundDebts, "", 0},
		} {
			f := w.find(c.o, c.typed)
			if f.Outcome != c.outcome || f.Outcome.Message() != c.message || len(f.Advance) != c.advance {
				t.Errorf("%s %q: %s %q, %d services; want %s", c.o, c.typed, f.Outcome, f.Outcome.Message(), len(f.Advance), c.outcome)
			}
		}
		f := w.find(electro, "A-100")
		if p := f.Account.Particulars; p.Holder != "Əliyev İlham" || p.Address != "Bakı, Nizami 1" || !slices.Equal(p.Details, []tolem.Detail{{Label: "Sayğac", Value: "77"}}) {
			t.Errorf("particulars %+v", p)
		}
		if len(f.Debts) != 2 || f.Debts[0].Key() != (tolem.BillKey{Service: fine, Invoice: "2"}) || f.Debts[1].Open != 1250 {
			t.Errorf("debts %+v", f.Debts)
		}
		if _, err := w.Lookup(t.Context(), rival, taxes, "T2"); !errors.Is(err, bills.ErrOrganisation) {
			t.Errorf("another bank: %v", err)
		}
	})
}

// A service that is not offered any more cannot be paid, even if it is owed.
func TestDebtOfInactiveService(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(electro, account("1", bill(oldOne, "1", 100), bill(light, "1", 200)))
		if f := w.find(electro, "1"); len(f.Debts) != 1 || f.Debts[0].Service != light {
			t.Errorf("%+v", f.Debts)
		}
	})
}

// Organisations are found by any part of their names; a bank sees those that it
// takes payments for.
//
// WP-030, WP-031, WP-044, WP-048, WP-523
func TestOrganisations(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		names := func(bank tolem.ParticipantID, typed string) string {
			list, err := w.Search(t.Context(), bank, typed, 0)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, o := range list {
				ids = append(ids, string(o.ID))
			}
			return strings.Join(ids, " ")
		}
		for _, c := range []struct {
			bank        tolem.ParticipantID
			typed, want string
		}{
			{kapital, "", "AZERISHIQ AZERSU TAXES"},
			{rival, "", "AZERISHIQ AZERSU"},
			{kapital, "AZƏRİŞIQ", "AZERISHIQ"},
			{kapital, "azərişıq", "AZERISHIQ"},
			{kapital, "işıq", "AZERISHIQ"},
			{kapital, "isiq", "AZERISHIQ"},
			{kapital, "IDARESI", "AZERSU"},
			{kapital, "nazir", "TAXES"},
			{rival, "nazir", ""},
			{kapital, "taxes", "TAXES"},
			{kapital, "asc azərişıq", "AZERISHIQ"},
			{kapital, "yoxdur", ""},
			{kapital, strings.Repeat("a", 10_000), ""},
		} {
			if got := names(c.bank, c.typed); got != c.want {
				t.Errorf("%s types %.40q: %q, want %q", c.bank, c.typed, got, c.want)
			}
		}
		o, err := w.Organisation(t.Context(), kapital, taxes)
		if err != nil || !o.ReceiverRequired || len(o.Units) != 1 || o.Units[0].Name != "Bakı" {
			t.Errorf("%+v, %v", o, err)
		}
		if _, ok := o.Unit("02"); ok {
			t.Error("a unit that is not in use can be chosen")
		}
		points, _ := w.AsanPoints(t.Context())
		units, err := w.AsanUnits(t.Context(), "ASAN1")
		if err != nil || len(points) != 1 || len(units) != 1 || units[0].Code != "A1-1" {
			t.Errorf("%+v %+v, %v", points, units, err)
		}
		// A change is seen at once.
		w.update(func(tx *store.Tx) error {
			return tx.PutAsanPoint(tolem.AsanPoint{ID: "ASAN2", Name: "ASAN xidmət 2", Active: true})
		})
		if points, _ = w.AsanPoints(t.Context()); len(points) != 2 {
			t.Errorf("%+v", points)
		}
	})
}

// WP-057, WP-535
func TestTariffOfAService(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		day := tolem.DayOf(2026, time.November, 22)
		w.update(func(tx *store.Tx) error {
			return tx.PutTariff(tolem.Tariff{Organisation: electro, Service: fine, From: day, Fixed: 50})
		})
		for _, c := range []struct {
			s    tolem.ServiceCode
			at   time.Time
			want int64
		}{
			{light, w.clock.Now(), 100},
			{fine, w.clock.Now(), 100},
			{fine, time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC), 50}, // midnight in Baku
			{supply, w.clock.Now(), 100},
		} {
			tariff, err := w.Tariff(t.Context(), electro, c.s, c.at)
			if err != nil || tariff.Fee(100_00) != c.want {
				t.Errorf("%s: %d, %v; want %d", c.s, tariff.Fee(100_00), err, c.want)
			}
		}
		if tariff, err := w.Tariff(t.Context(), water, supply, w.clock.Now()); err != nil || tariff.Fee(100_00) != 0 {
			t.Errorf("without a tariff: %+v, %v", tariff, err)
		}
		err := w.db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.PutTariff(tolem.Tariff{Organisation: electro, Service: fine, From: day, Fixed: 70})
		})
		if !errors.Is(err, store.ErrExists) {
			t.Errorf("a tariff was changed: %v", err)
		}
	})
}

func TestAccountsByNumber(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(electro, account("12"), account("120"), account("121"), account("13"), account("1-2"))
		w.feed(water, account("129"))
		for typed, want := range map[string]string{"12": "12 120 121", "": "1-2 12 120 121 13", "9": "", "ə": "", " 1 2 1": "121"} {
			list, err := w.Accounts(t.Context(), kapital, electro, typed, "", 0)
			var got []string
			for _, a := range list {
				got = append(got, string(a.Account.Number))
			}
			if err != nil || strings.Join(got, " ") != want {
				t.Errorf("%q: %q, %v; want %q", typed, got, err, want)
			}
		}
		list, err := w.Accounts(t.Context(), kapital, electro, "12", "120", 1)
		if err != nil || len(list) != 1 || list[0].Account.Number != "121" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// distant is an organisation's system that may hang.
type distant struct {
	answer atomic.Pointer[func() (tolem.Snapshot, error)]
}

func (d *distant) Account(context.Context, tolem.AccountNumber) (tolem.Snapshot, error) {
	return (*d.answer.Load())()
}

func (d *distant) will(answer func() (tolem.Snapshot, error)) { d.answer.Store(&answer) }

// An organisation that is down, hangs or babbles is told as such, soon is not
// asked any more, and does not hold up others.
//
// WP-527
func TestOnlineLookup(t *testing.T) {
	clock := tolemtest.NewClock(time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC))
	tolemtest.Stores(t, store.Options{Clock: clock.Now}, func(t *testing.T, db *store.DB) {
		far := &distant{}
		w := newWorld(t, clock, db, map[tolem.ProviderID]bills.Source{electro: far})
		w.LookupTimeout = 50 * time.Millisecond
		asked := 0
		says := func(s tolem.Snapshot, err error) {
			far.will(func() (tolem.Snapshot, error) { asked++; return s, err })
		}
		says(account("1", bill(light, "9", 500)), nil)
		if f := w.find(electro, "1"); f.Outcome != bills.FoundDebts || f.Debts[0].Open != 500 {
			t.Errorf("%+v", f)
		}
		says(tolem.Snapshot{}, bills.ErrNoAccount)
		if f := w.find(electro, "1"); f.Outcome != bills.NotFound {
			t.Errorf("%+v", f)
		}
		says(account("1", bill(supply, "9", 500)), nil) // another's service
		if f := w.find(electro, "1"); f.Outcome != bills.Failed || f.Outcome.Message() != "lookup.failed" || f.Cause == nil {
			t.Errorf("%+v", f)
		}
		far.will(func() (tolem.Snapshot, error) { panic("bug") })
		if f := w.find(electro, "1"); f.Outcome != bills.Failed {
			t.Errorf("%+v", f)
		}
		release := make(chan struct{})
		defer close(release)
		far.will(func() (tolem.Snapshot, error) { <-release; return tolem.Snapshot{}, nil }) // deaf to its context
		began := time.Now()
		for range 4 {
			if f := w.find(electro, "1"); f.Outcome != bills.Failed {
				t.Errorf("%+v", f)
			}
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("four lookups took %s", took)
		}
		asked = 0
		says(account("1", bill(light, "9", 500)), nil)
		if f := w.find(electro, "1"); f.Outcome != bills.Failed || asked != 0 {
			t.Errorf("asked %d times while it rests: %+v", asked, f)
		}
		w.feed(water, account("W1"))
		if f := w.find(water, "W1"); f.Outcome != bills.FoundServices {
			t.Errorf("another organisation: %+v", f)
		}
		clock.Advance(time.Minute)
		if f := w.find(electro, "1"); f.Outcome != bills.FoundDebts || asked != 1 {
			t.Errorf("after its rest, asked %d times: %+v", asked, f)
		}
		// What is paid here is taken off its answers that have not counted it.
		s := account("1", bill(light, "9", 500))
		s.AsOf, s.PaidUntil = clock.Now(), clock.Now()
		line := bills.Line{Code: w.code(), Account: tolem.AccountID{Organisation: electro, Number: "1"}, Service: light, Invoice: "9", Amount: azn(200), Shown: 500, ShownAt: clock.Now()}
		w.update(func(tx *store.Tx) error { return bills.Settle(tx, line) })
		says(s, nil)
		if open := w.open(electro, "1", "9"); open != 300 {
			t.Errorf("%d open", open)
		}
		line.Code = w.code()
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return bills.Settle(tx, line) }); !errors.Is(err, bills.ErrDebtChanged) {
			t.Errorf("paid by two: %v", err)
		}
	})
}

// An answer dated ahead, or that counts payments it cannot know, is none.
//
// WP-033 WP-527
func TestMomentOfAnOnlineAnswer(t *testing.T) {
	clock := tolemtest.NewClock(time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC))
	far := &distant{}
	w := newWorld(t, clock, tolemtest.Store(t, tolemtest.SQLite(t), store.Options{Clock: clock.Now}), map[tolem.ProviderID]bills.Source{electro: far})
	now := clock.Now()
	for _, c := range []struct {
		name            string
		asOf, paidUntil time.Time
		want            bills.Outcome
	}{
		{"now", now, now, bills.FoundDebts},
		{"no moment", time.Time{}, time.Time{}, bills.FoundDebts},
		{"books of yesterday", now.AddDate(0, 0, -1), time.Time{}, bills.FoundDebts},
		{"a clock a little ahead", now.Add(5 * time.Minute), now, bills.FoundDebts},
		{"ahead", now.Add(5*time.Minute + time.Second), now, bills.Failed},
		{"counts payments of tomorrow", now, now.Add(time.Second), bills.Failed},
	} {
		s := account("1", bill(light, "9", 500))
		s.AsOf, s.PaidUntil = c.asOf, c.paidUntil
		far.will(func() (tolem.Snapshot, error) { return s, nil })
		if f := w.find(electro, "1"); f.Outcome != c.want || f.Online != (c.want == bills.FoundDebts) || f.Online == errors.Is(f.Cause, bills.ErrMoment) {
			t.Errorf("%s: %s, %v", c.name, f.Outcome, f.Cause)
		}
	}
}

// An organisation that fed its accounts before it was asked itself is believed
// as it answers now: what was fed does not keep its customers from paying.
//
// WP-033
func TestOnlineAfterFeeding(t *testing.T) {
	clock := tolemtest.NewClock(time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC))
	far := &distant{}
	w := newWorld(t, clock, tolemtest.Store(t, tolemtest.SQLite(t), store.Options{Clock: clock.Now}), map[tolem.ProviderID]bills.Source{electro: far})
	w.feed(electro, account("1", bill(light, "8", 700)))
	clock.Advance(time.Hour)
	far.will(func() (tolem.Snapshot, error) { return account("1", bill(light, "9", 500)), nil })
	f := w.find(electro, "1")
	if len(f.Debts) != 1 || f.Debts[0].Invoice != "9" || !f.Online {
		t.Fatalf("%+v", f)
	}
	line := bills.Line{
		Code: w.code(), Account: tolem.AccountID{Organisation: electro, Number: "1"}, Service: light, Invoice: "9", Amount: azn(500), Shown: 500, ShownAt: f.At, Online: true,
	}
	w.update(func(tx *store.Tx) error { return bills.Settle(tx, line) })
}
