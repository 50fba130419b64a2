package bills_test

import (
	"errors"
	"testing"
	"time"

	"tolem"
	"tolem/bills"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// The cast.
const (
	kapital = tolem.ParticipantID("KAPITAL")
	rival   = tolem.ParticipantID("RIVAL")

	electro = tolem.ProviderID("AZERISHIQ")
	water   = tolem.ProviderID("AZERSU")
	taxes   = tolem.ProviderID("TAXES")

	light   = tolem.ServiceCode("LIGHT")
	fine    = tolem.ServiceCode("FINE")
	oldOne  = tolem.ServiceCode("OLD")
	supply  = tolem.ServiceCode("SUPPLY")
	drain   = tolem.ServiceCode("DRAIN")
	taxOnly = tolem.ServiceCode("TAX")
)

var baku = time.FixedZone("Asia/Baku", 4*3600)

// world is a desk on a real store with its clock in hand.
type world struct {
	*bills.Desk
	t     testing.TB
	clock *tolemtest.Clock
	db    *store.DB
	next  tolem.CodeNumber
}

func worlds(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	clock := tolemtest.NewClock(time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC))
	tolemtest.Stores(t, store.Options{Clock: clock.Now}, func(t *testing.T, db *store.DB) { test(t, newWorld(t, clock, db, nil)) })
}

func newWorld(t testing.TB, clock *tolemtest.Clock, db *store.DB, sources map[tolem.ProviderID]bills.Source) *world {
	t.Helper()
	w := &world{t: t, clock: clock, db: db, next: 1_000_000_000_000_000}
	w.Desk = bills.New(bills.Config{
		Currency: tolem.AZN, Calendar: tolem.NewCalendar(baku, nil, nil), Sources: sources, Clock: clock.Now,
	}, db)
	w.update(func(tx *store.Tx) error {
		var errs []error
		for _, o := range []tolem.Organisation{
			{Provider: tolem.Provider{ID: electro}, Name: "Azərişıq ASC", Smart: tolem.SmartElectro, PayWithoutCardWrite: true, Cancellable: true},
			{Provider: tolem.Provider{ID: water}, Name: "Azərsu İdarəsi", Smart: tolem.SmartNone, Cancellable: true},
			{Provider: tolem.Provider{ID: taxes}, Name: "Vergilər Nazirliyi", Smart: tolem.SmartNone, ReceiverRequired: true, Banks: []tolem.ParticipantID{kapital}},
		} {
			o.Active, o.BIN, o.Account = true, "990240001237", "AZ1"
			errs = append(errs, tx.PutProvider(o.Provider), tx.PutOrganisation(o))
		}
		for _, s := range []tolem.DeskService{
			{Service: tolem.Service{Code: light, Provider: electro, Active: true}, Shown: "01", Name: "İşıq", Advance: true},
			{Service: tolem.Service{Code: fine, Provider: electro, Active: true}, Name: "Cərimə"},
			{Service: tolem.Service{Code: oldOne, Provider: electro}, Advance: true},
			{Service: tolem.Service{Code: supply, Provider: water, Active: true}, Advance: true},
			{Service: tolem.Service{Code: drain, Provider: water, Active: true}, Advance: true},
			{Service: tolem.Service{Code: taxOnly, Provider: taxes, Active: true}},
		} {
			s.Price = tolem.Price{Currency: tolem.AZN}
			errs = append(errs, tx.PutService(s.Service), tx.PutDeskService(s))
		}
		return errors.Join(append(errs,
			tx.PutOrganisationUnit(tolem.OrganisationUnit{Organisation: taxes, Code: "01", Name: "Bakı", Active: true}),
			tx.PutOrganisationUnit(tolem.OrganisationUnit{Organisation: taxes, Code: "02", Name: "Gəncə"}),
			tx.PutTariff(tolem.Tariff{Organisation: electro, Percent: 10_000, Min: 20}),
			tx.PutAsanPoint(tolem.AsanPoint{ID: "ASAN1", Name: "ASAN xidmət 1", Active: true}),
			tx.PutAsanPoint(tolem.AsanPoint{ID: "ASAN2", Name: "ASAN xidmət 2"}),
			tx.PutAsanUnit(tolem.AsanUnit{Code: "A1-1", Point: "ASAN1", Name: "Bölmə 1", Active: true}),
			tx.PutAsanUnit(tolem.AsanUnit{Code: "A1-2", Point: "ASAN1", Name: "Bölmə 2"}),
		)...)
	})
	return w
}

func (w *world) update(do func(*store.Tx) error) {
	w.t.Helper()
	if err := w.db.Update(w.t.Context(), do); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) code() tolem.CodeNumber { w.next++; return w.next }

func azn(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.AZN} }

func bill(s tolem.ServiceCode, invoice string, minor int64) tolem.Bill {
	return tolem.Bill{Service: s, Invoice: invoice, Period: "2026-10", Amount: azn(minor)}
}

func account(number tolem.AccountNumber, list ...tolem.Bill) tolem.Snapshot {
	return tolem.Snapshot{Account: tolem.AccountID{Number: number}, Bills: list}
}

// feed feeds snapshots dated now.
func (w *world) feed(o tolem.ProviderID, list ...tolem.Snapshot) bills.Taken {
	w.t.Helper()
	return w.feedAsOf(o, w.clock.Now(), w.clock.Now(), list...)
}

func (w *world) feedAsOf(o tolem.ProviderID, asOf, paidUntil time.Time, list ...tolem.Snapshot) bills.Taken {
	w.t.Helper()
	taken, err := w.Feed(w.t.Context(), bills.Batch{
		Organisation: o, Source: bills.SourceCSV, Name: "test", AsOf: asOf, PaidUntil: paidUntil, Snapshots: list,
	}, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return taken
}

func (w *world) find(o tolem.ProviderID, typed string) bills.Found {
	w.t.Helper()
	f, err := w.Lookup(w.t.Context(), kapital, o, typed)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// open returns what is open of the bill, 0 if nothing is.
func (w *world) open(o tolem.ProviderID, number string, invoice string) int64 {
	w.t.Helper()
	for _, d := range w.find(o, number).Debts {
		if d.Invoice == invoice {
			return d.Open
		}
	}
	return 0
}

func (w *world) counts(t bills.Taken) [3]int64 { return [3]int64{t.Taken, t.Same, t.Older} }
