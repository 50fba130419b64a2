package workplace_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tolem"
	"tolem/access"
	"tolem/store"
	"tolem/workplace"
)

// anyDay stores a day of payments that somebody has taken at random, and others
// that do not belong to it, and returns the former.
func (w *world) anyDay(random *rand.Rand, by access.Actor, day tolem.Day, next *tolem.ReceiptNo) (taken []tolem.DeskPayment) {
	w.t.Helper()
	organisations := map[tolem.ProviderID]string{electro: "Azərişıq ASC", gas: "ARDNŞ-in Azəriqaz İB", water: "Azərsu İdarəsi"}
	ids := []tolem.ProviderID{electro, gas, water}
	w.update(func(tx *store.Tx) error {
		taken = nil
		first := *next
		for range random.IntN(40) {
			first++
			p := tolem.DeskPayment{
				ID: tolem.PaymentID(fmt.Sprint("id-", first)), Bank: kapital, Receipt: first, Code: tolem.CodeNumber(first), Basket: tolem.BasketID(fmt.Sprint(first)), Line: 1,
				Branch: branches[kapital], By: by.Person.ID, Asan: random.IntN(2) == 0, Amount: azn(random.Int64N(100_000) + 1), Fee: azn(random.Int64N(500)),
				At: w.calendar.Start(day).Add(time.Duration(first) * time.Second), Day: day, Status: tolem.DeskStatuses[random.IntN(len(tolem.DeskStatuses))],
				CardWrite: tolem.CardWriteNone, Version: 1,
			}
			p.Account = tolem.AccountID{Organisation: ids[random.IntN(len(ids))], Number: "1"}
			p.Shown = tolem.Shown{Bank: "Bank", Branch: "Filial", Operator: "Lalə Əliyeva", Organisation: organisations[p.Account.Organisation]}
			if p.Asan {
				p.AsanUnit = tolem.UnitCode(fmt.Sprint("A1-", random.IntN(3)))
				p.Shown.AsanUnit = "Bölmə " + string(p.AsanUnit)
			}
			other := p
			switch random.IntN(6) { // belongs to somebody, or some day, else
			case 0:
				other.By = "somebody-else"
			case 1:
				other.Day++ // days are two apart
			default:
				taken = append(taken, p)
			}
			if err := tx.InsertDeskPayment(other); err != nil {
				return err
			}
		}
		*next = first
		return nil
	})
	return taken
}

// total adds payments up the plain way.
func total(list []tolem.DeskPayment, which func(tolem.DeskPayment) bool) workplace.Sum {
	s := workplace.Sum{Amount: azn(0), Fee: azn(0), Total: azn(0)}
	for _, p := range list {
		if which(p) {
			s.Count++
			s.Amount.Minor += p.Amount.Minor
			s.Fee.Minor += p.Fee.Minor
			s.Total.Minor += p.Amount.Minor + p.Fee.Minor
		}
	}
	return s
}

// plus adds sums up.
func plus(sums ...workplace.Sum) workplace.Sum {
	s := total(nil, nil)
	for _, o := range sums {
		s.Count += o.Count
		s.Amount.Minor += o.Amount.Minor
		s.Fee.Minor += o.Fee.Minor
		s.Total.Minor += o.Total.Minor
	}
	return s
}

func sumsOf[T any](rows []T, of func(T) workplace.Sum) (list []workplace.Sum) {
	for _, row := range rows {
		list = append(list, of(row))
	}
	return list
}

// Whatever an operator has taken on a day: the register, filtered in every way,
// the cash order and the summary come to the same, to the last qəpik.
//
// WP-134 to WP-137, WP-143, WP-148, WP-579, WP-581, WP-582, WP-586 to WP-588, WP-593
func TestReportsAgree(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		const days = 20
		random := rand.New(rand.NewPCG(5, 588))
		operator, asan := w.signedIn(kapital, "ali", tolem.RoleOperator), w.signedIn(kapital, "leyla", tolem.RoleAsanOperator)
		today := must(w.Today(t.Context()))
		if today != tolem.DayOf(2026, time.November, 22) {
			t.Errorf("today is %s", today)
		}
		next, orders := tolem.ReceiptNo(0), make(map[string]bool)
		for i := range days {
			by := operator
			if i%2 == 1 {
				by = asan
			}
			day := today - tolem.Day(2*i)
			w.agrees(by, day, w.anyDay(random, by, day, &next), orders)
		}
	})
}

// agrees compares the reports of a day with what was taken. Orders are the numbers
// of cash orders so far.
func (w *world) agrees(by access.Actor, day tolem.Day, taken []tolem.DeskPayment, orders map[string]bool) {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	for _, asan := range []bool{false, true} {
		mine := slices.DeleteFunc(slices.Clone(taken), func(p tolem.DeskPayment) bool { return p.Asan != asan })
		all := total(mine, func(tolem.DeskPayment) bool { return true })
		whole := must(w.Register(ctx, by, workplace.RegisterQuery{Day: day, Asan: asan}))
		if !slices.Equal(whole.Rows, mine) || whole.Sum != all {
			t.Errorf("register of %s: %d rows, %+v; want %d, %+v", day, len(whole.Rows), whole.Sum, len(mine), all)
		}
		var byStatus, byOrganisation []workplace.Sum
		for _, status := range tolem.DeskStatuses {
			r := must(w.Register(ctx, by, workplace.RegisterQuery{Day: day, Asan: asan, Status: status}))
			want := total(mine, func(p tolem.DeskPayment) bool { return p.Status == status })
			if r.Sum != want || len(r.Rows) != want.Count || !slices.Equal(r.Organisations, whole.Organisations) {
				t.Errorf("register of %s, %s: %+v, want %+v", day, status, r.Sum, want)
			}
			byStatus = append(byStatus, r.Sum)
		}
		for _, o := range whole.Organisations {
			byOrganisation = append(byOrganisation, must(w.Register(ctx, by, workplace.RegisterQuery{Day: day, Asan: asan, Organisation: o.ID})).Sum)
		}
		order := must(w.CashOrder(ctx, by, day, asan))
		in := total(mine, func(p tolem.DeskPayment) bool { return p.Status == tolem.DeskPlanned || p.Status == tolem.DeskSettled })
		others := plus(sumsOf(order.Others, func(s workplace.CashStatus) workplace.Sum { return s.Sum })...)
		for what, got := range map[string]workplace.Sum{
			"statuses": plus(byStatus...), "organisations": plus(byOrganisation...), "cash order and others": plus(order.Sum, others),
		} {
			if got != all {
				t.Errorf("%s: %s come to %+v, the register to %+v", day, what, got, all)
			}
		}
		if rows := plus(sumsOf(order.Rows, func(r workplace.CashRow) workplace.Sum { return r.Sum })...); order.Sum != in || rows != in {
			t.Errorf("cash order of %s: %+v, rows %+v, want %+v", day, order.Sum, rows, in)
		}
		if orders[order.Number] || must(w.CashOrder(ctx, by, day, asan)).Number != order.Number {
			t.Errorf("number %s of the order of %s is another's, or changes", order.Number, day)
		}
		orders[order.Number] = true
		if (order.First == 0) != (in.Count == 0) || order.First > order.Last {
			t.Errorf("order from %s to %s", order.First, order.Last)
		}
		if !asan {
			continue
		}
		summary, err := w.Summary(ctx, by, day)
		if !by.Person.IsAsan() {
			if !errors.Is(err, access.ErrForbidden) {
				t.Errorf("summary for an operator: %v", err)
			}
			continue
		}
		w.must(err)
		if rows := plus(sumsOf(summary.Rows, func(r workplace.SummaryRow) workplace.Sum { return r.Sum })...); summary.Sum != in || rows != in {
			t.Errorf("summary of %s: %+v, rows %+v, want %+v", day, summary.Sum, rows, in)
		}
		for _, row := range summary.Rows {
			want := total(mine, func(p tolem.DeskPayment) bool {
				return p.Status.Counts() && p.Shown.AsanUnit == row.AsanUnit && p.Shown.Organisation == row.Organisation
			})
			if row.Sum != want {
				t.Errorf("summary of %s, %s: %+v, want %+v", row.AsanUnit, row.Organisation, row.Sum, want)
			}
		}
	}
}

// What was really taken, cancelled and printed: the order of a day counts what
// is planned, and lists the rest apart; a receipt is found in its bank alone.
//
// WP-161, WP-164, WP-521, WP-588, WP-589
func TestCashOrderAndReceipts(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.feed(water, "A1")
	operator, foreign := w.signedIn(kapital, "ali", tolem.RoleOperator), w.signedIn(rabita, "veli", tolem.RoleOperator)
	admin := w.signedIn(kapital, "nigar", tolem.RoleBankAdmin)
	p := w.till(operator)
	var list []tolem.DeskPayment
	for range 3 {
		list = append(list, p.pays(water, "A1", "10", supply))
	}
	for _, d := range list[:2] {
		must(w.Cancel(t.Context(), operator, d.Receipt, nil))
	}
	must(w.Decide(t.Context(), admin, list[0].Receipt, 1, true, ""))
	day := must(w.Today(t.Context()))
	o := must(w.CashOrder(t.Context(), operator, day, false))
	if o.Sum.Count != 1 || o.First != list[2].Receipt || o.Last != list[2].Receipt || len(o.Others) != 2 || o.Others[0].Status != tolem.DeskAwaiting ||
		o.Others[1].Status != tolem.DeskCancelled || o.Others[0].Sum != o.Sum || o.Sum.Amount != azn(10_00) || o.Sum.Fee != list[2].Fee || o.Bank != "Bank KAPITAL" ||
		o.Branch != "Filial GNC01" || o.Operator != "Lalə Əliyeva" || o.Number != "GNC01-20261122-"+string(operator.Person.ID) || !o.MadeAt.Equal(w.clock.Now()) {
		t.Errorf("%+v", o)
	}
	empty := must(w.CashOrder(t.Context(), operator, day-1, false))
	if empty.Sum.Count != 0 || empty.Sum.Total != azn(0) || len(empty.Rows)+len(empty.Others) != 0 || empty.Branch != o.Branch || empty.Bank != o.Bank {
		t.Errorf("%+v", empty)
	}
	if d := must(w.Receipt(t.Context(), operator, list[2].Receipt)); d != list[2] {
		t.Errorf("%+v", d)
	}
	for n, by := range map[tolem.ReceiptNo]access.Actor{list[2].Receipt: foreign, 999: operator} {
		if _, err := w.Receipt(t.Context(), by, n); !errors.Is(err, workplace.ErrReceiptNotFound) {
			t.Errorf("receipt %s: %v", n, err)
		}
	}
	w.must(w.Print(t.Context(), operator, tolem.ActPrint, o.Number))
	w.must(w.Print(t.Context(), operator, tolem.ActExport, "register 2026-11-22"))
	if err := w.Print(t.Context(), operator, tolem.ActPay, "1"); err == nil {
		t.Error("a payment was recorded as a print")
	}
	if err := w.Print(t.Context(), admin, tolem.ActExport, "1"); !errors.Is(err, access.ErrForbidden) {
		t.Errorf("an administrator prints: %v", err)
	}
	if n := w.audited(kapital, operator.Person.ID, tolem.ActPrint) + w.audited(kapital, operator.Person.ID, tolem.ActExport); n != 2 {
		t.Errorf("%d records", n)
	}
}
