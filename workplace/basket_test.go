package workplace_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"tolem"
	"tolem/access"
	"tolem/bills"
	"tolem/store"
	"tolem/workplace"
)

// refused fails unless the error is the refusal, about the line.
func refused(t *testing.T, err error, want *workplace.Refusal, line tolem.LineID) {
	t.Helper()
	var r *workplace.Refusal
	if !errors.As(err, &r) || r.Key() != want.Key() || r.Line != line {
		t.Errorf("got %v, want %s about line %d", err, want.Key(), line)
	}
}

// A basket grows over organisations and accounts, stays in the database, and
// what is refused leaves it as it was but for what was typed.
//
// WP-033, WP-034, WP-036 to WP-043, WP-051, WP-052, WP-524 to WP-526, WP-528,
// WP-529, WP-533, WP-537
func TestBasketOverOrganisations(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(water, "A1")
		w.feed(electro, "E1", owed(light, "1", 12_34), owed(fine, "2", 5_00))
		w.feed(gas, "G1")
		p := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator))

		entry, err := p.search(water, "a1")
		w.must(err)
		if len(entry.Services) != 2 || len(entry.Added) != 0 || len(p.basket.Lines) != 0 {
			t.Fatalf("no debt and several services: %+v", entry)
		}
		p.add(water, "a1", supply)
		_, err = p.at.AddServices(t.Context(), p.Actor, p.edit("7.5"), water, "A1", []tolem.ServiceCode{drain, supply})
		refused(t, err, workplace.ErrDuplicate, 0)
		p.reload()
		if len(p.basket.Lines) != 1 || p.basket.Lines[0].Typed != "7.5" {
			t.Fatalf("after a refusal: %+v", p.basket.Lines)
		}
		p.add(electro, "E1")
		p.add(gas, "G1") // one service: no window
		if n := len(p.basket.Lines); n != 4 || p.basket.Lines[1].Typed != "5,00" || p.basket.Lines[2].Typed != "12,34" || !p.basket.Lines[3].Advance {
			t.Fatalf("%d lines: %+v", n, p.basket.Lines)
		}
		_, err = p.search(electro, "E1")
		refused(t, err, workplace.ErrDuplicate, 0)
		_, err = p.search(water, "nobody")
		refused(t, err, workplace.ErrAccountNotFound, 0)
		_, err = p.search(water, "Ə?")
		refused(t, err, workplace.ErrAccountNotFound, 0)
		w.feed(taxes, "T1")
		_, err = p.search(taxes, "T1")
		refused(t, err, workplace.ErrNothingToPay, 0)
		_, err = p.search("NOBODY", "1")
		refused(t, err, workplace.ErrAccountNotFound, 0)

		w.must(p.calculate("1,5", "5.00", "12.34", "3"))
		if !p.basket.Calculated() {
			t.Error("not calculated")
		}
		p.basket, err = p.at.Remove(t.Context(), p.Actor, p.edit(), p.basket.Lines[1].No)
		w.must(err)
		if p.basket.Calculated() || len(p.basket.Lines) != 3 {
			t.Errorf("a line was removed: %+v", p.basket)
		}
		p.add(electro, "E1") // what was removed comes back, and nothing twice
		p.basket, err = p.at.RemoveOrganisation(t.Context(), p.Actor, p.edit(), electro)
		w.must(err)
		p.reload()
		if len(p.basket.Lines) != 2 || p.basket.Lines[0].Typed != "1,5" || p.basket.Lines[1].Account.Organisation != gas {
			t.Errorf("after a reload: %+v", p.basket.Lines)
		}
		w.must(p.at.Empty(t.Context(), p.Actor))
		before := p.basket.ID
		if p.reload(); len(p.basket.Lines) != 0 || p.basket.ID == before {
			t.Errorf("after a logout: %+v", p.basket)
		}
	})
}

// WP-529: of two windows the one that shows an older basket changes nothing.
func TestTwoWindows(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.feed(gas, "G1")
	w.feed(gas, "G2")
	first := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator))
	second := w.till(first.Actor)
	first.add(gas, "G1")
	_, err := second.search(gas, "G2")
	refused(t, err, workplace.ErrStale, 0)
	if len(second.basket.Lines) != 1 {
		t.Errorf("the window is shown %+v", second.basket)
	}
	_, err = second.search(gas, "G2")
	w.must(err)
	refused(t, first.calculate("1"), workplace.ErrStale, 0)
	if first.reload(); len(first.basket.Lines) != 2 || first.basket.Lines[0].Typed != "" {
		t.Errorf("%+v", first.basket.Lines)
	}
}

// WP-528
func TestBasketIsFull(t *testing.T) {
	w := newWorld(t, sqlite(t))
	p := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator))
	for i := range tolem.MaxLines {
		number := fmt.Sprintf("G%d", i)
		w.feed(gas, tolem.AccountNumber(number))
		p.add(gas, number)
	}
	w.feed(gas, "ONE-MORE")
	_, err := p.search(gas, "ONE-MORE")
	refused(t, err, workplace.ErrFull, 0)
	if p.reload(); len(p.basket.Lines) != tolem.MaxLines {
		t.Errorf("%d lines", len(p.basket.Lines))
	}
}

// WP-055 to WP-058, WP-534 to WP-537, WP-593
func TestCalculation(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.feed(water, "A1")
	w.feed(gas, "G1")
	p := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator))
	p.add(water, "A1", supply)
	p.add(gas, "G1")
	for _, typed := range []string{"", "0", "0.00", "-1", "1.005", "1e3", "1.2.3", "manat", "99999999999999999", "1                                                 00"} {
		refused(t, p.calculate("1", typed), workplace.ErrAmount, p.basket.Lines[1].No)
		if kept := p.basket.Lines[1].Typed; kept != typed && len(typed) < 32 || p.basket.Calculated() {
			t.Errorf("%q: kept %q, calculated %v", typed, p.basket.Lines[1].Typed, p.basket.Calculated())
		}
	}
	for typed, minor := range map[string]int64{"1": 1_00, "1.5": 1_50, "1,05": 1_05, " 1 200,50 ": 1200_50} {
		w.must(p.calculate(typed, "30"))
		fee := max(20, (minor+50)/100) // 1 %, at least 20
		if l := p.basket.Lines[0]; l.Amount != minor || l.Fee != fee || p.basket.Total() != minor+fee+30_00 || !p.basket.Calculated() {
			t.Errorf("%q: %+v, total %d", typed, l, p.basket.Total())
		}
	}
}

// WP-044 to WP-050, WP-531, WP-532
func TestUnits(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.feed(taxes, "T1", owed(taxOnly, "1", 10_00))
	p := w.till(w.signedIn(kapital, "asan", tolem.RoleAsanOperator))
	p.add(taxes, "T1")
	line := p.basket.Lines[0].No
	choose := func(unit, asan *tolem.UnitCode) error {
		b, err := p.at.Choose(t.Context(), p.Actor, p.edit(), line, unit, asan)
		p.basket = b
		return err
	}
	refused(t, p.calculate("10"), workplace.ErrAsanRequired, line)
	refused(t, choose(nil, is(tolem.UnitCode("ELSEWHERE"))), workplace.ErrAsanRequired, line)
	w.must(choose(nil, is(tolem.UnitCode("A1-1"))))
	refused(t, p.calculate("10"), workplace.ErrReceiverRequired, line)
	refused(t, choose(is(tolem.UnitCode("99")), nil), workplace.ErrReceiverRequired, line)
	w.must(choose(is(tolem.UnitCode("01")), nil))
	w.must(p.calculate("10"))
	if l := p.basket.Lines[0]; l.UnitName != "Bakı" || l.AsanUnitName != "Bölmə 1" {
		t.Errorf("%+v", l)
	}
	done, err := p.confirm()
	w.must(err)
	if d := done.Payments[0]; !d.Asan || d.Unit != "01" || d.AsanUnit != "A1-1" || d.Shown.AsanUnit != "Bölmə 1" || d.Shown.Unit != "Bakı" {
		t.Errorf("%+v", d)
	}
}

// silent never answers.
type silent struct{}

func (silent) Account(ctx context.Context, _ tolem.AccountNumber) (tolem.Snapshot, error) {
	<-ctx.Done()
	return tolem.Snapshot{}, ctx.Err()
}

// WP-527
func TestOrganisationDoesNotAnswer(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.feed(gas, "G1")
	p := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator))
	p.add(gas, "G1")
	w.Bills = bills.New(bills.Config{
		Currency: tolem.AZN, Calendar: w.calendar, Clock: w.clock.Now, LookupTimeout: 1, Sources: map[tolem.ProviderID]bills.Source{water: silent{}},
	}, w.db)
	_, err := p.search(water, "A1")
	refused(t, err, workplace.ErrLookupFailed, 0)
	if p.reload(); len(p.basket.Lines) != 1 {
		t.Errorf("%+v", p.basket)
	}
}

// WP-595: nobody but operators takes payments.
func TestWhoTakesPayments(t *testing.T) {
	w := newWorld(t, sqlite(t))
	for _, role := range []tolem.Role{tolem.RoleBankAdmin, tolem.RoleBankSecurityAdmin} {
		p := w.till(w.signedIn(kapital, tolem.UserName(role), role))
		_, err := p.search(gas, "G1")
		_, payErr := p.confirm()
		_, receiptErr := p.at.Receipt(t.Context(), p.Actor, 1)
		_, basketErr := p.at.Basket(t.Context(), p.Actor)
		for _, err := range []error{err, payErr, receiptErr, basketErr} {
			if !errors.Is(err, access.ErrForbidden) {
				t.Errorf("%s: %v", role, err)
			}
		}
	}
}

// during is an organisation's system; while it is asked something else happens.
type during struct{ do func() }

func (d during) Account(context.Context, tolem.AccountNumber) (tolem.Snapshot, error) {
	d.do()
	return tolem.Snapshot{Bills: []tolem.Bill{owed(supply, "1", 1_00)}}, nil
}

// What comes into the basket while it is calculated is not calculated with it,
// whichever version the page names: its tariff was not looked up.
//
// WP-057, WP-537
func TestBasketChangesDuringCalculation(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.feed(gas, "G1")
	p := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator))
	other, system := w.till(p.Actor), &during{do: func() {}}
	w.Bills = bills.New(bills.Config{
		Currency: tolem.AZN, Calendar: w.calendar, Clock: w.clock.Now, Sources: map[tolem.ProviderID]bills.Source{water: system},
	}, w.db)
	p.add(water, "A1")
	w.update(func(tx *store.Tx) error { // as a payment leaves it whose debt has changed
		b, err := p.basket.Fail(1, workplace.ErrDebtChanged.Key())
		return errors.Join(err, tx.PutBasket(b))
	})
	system.do = func() {
		other.reload()
		other.add(gas, "G1")
	}
	_, err := w.Calculate(t.Context(), p.Actor, workplace.Edit{Version: p.basket.Version + 2, Amounts: map[tolem.LineID]string{1: "1", 2: "10"}})
	refused(t, err, workplace.ErrStale, 0)
	if p.reload(); p.basket.Calculated() {
		t.Errorf("without a fee: %+v", p.basket.Lines)
	}
}
