package workplace_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/access"
	"tolem/archive"
	"tolem/internal/tolemtest"
	"tolem/store"
	"tolem/workplace"
)

func sqlite(t testing.TB) string { return tolemtest.SQLite(t) }

// deskDocuments returns the evidence of payments at desks.
func (w *world) deskDocuments() (list []tolem.Payment) {
	w.t.Helper()
	w.must(w.evidence.Walk(w.t.Context(), func(time.Time, bool) bool { return true }, func(entry []archive.Record) error {
		for _, r := range entry {
			if bytes.HasPrefix(r.Raw, []byte(archive.DeskPrefix)) {
				p, err := archive.ReadDesk(r.Raw)
				if err != nil {
					return err
				}
				list = append(list, p)
			}
		}
		return nil
	}))
	return list
}

// Each line becomes a payment of the gateway with all that belongs to it: code,
// bill, evidence, record, receipt number.
//
// WP-057 to WP-060, WP-530, WP-538, WP-541, WP-594, WP-595
func TestPay(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(water, "A1")
		w.feed(taxes, "T1")
		w.feed(electro, "E1", owed(fine, "F-7", 5_00))
		p := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator))
		p.add(water, "A1", supply)
		p.add(electro, "E1")
		w.must(p.calculate("12.50", "4"))
		basket := p.basket.ID
		done, err := p.confirm()
		w.must(err)
		if len(done.Payments) != 2 || len(done.Left) != 0 || len(done.Tickets) != 0 || done.Basket != basket {
			t.Fatalf("%+v", done)
		}
		documents := w.deskDocuments()
		for i, d := range done.Payments {
			if d.Receipt != tolem.ReceiptNo(i+1) || d.Status != tolem.DeskPlanned || d.CardWrite != tolem.CardWriteNone || d.By != p.Person.ID ||
				d.Branch != branches[kapital] || d.Shown.Operator != "Lalə Əliyeva" || d.Shown.Bank != "Bank KAPITAL" || d.Shown.Holder != "Əli Vəliyev" ||
				d.Day != tolem.DayOf(2026, time.November, 22) {
				t.Errorf("payment %d: %+v", i, d)
			}
			w.view(func(tx *store.Tx) error {
				c, err := tx.Code(d.Code)
				paid, err2 := tx.Payment(d.Code)
				s, err3 := tx.Settlement(d.Code)
				if c.State != tolem.StatePaid || c.Channel != tolem.ChannelDesk || c.Bank != kapital || paid.BankRef != tolem.BankRef(d.Receipt.String()) ||
					paid.Branch != d.Branch || paid.Fee.Minor != d.Fee.Minor || !paid.Fits(c) || s.Invoice != d.Invoice || s.Amount != d.Amount {
					t.Errorf("code %+v, payment %+v, bill %+v", c, paid, s)
				}
				if !slices.Contains(documents, paid) {
					t.Errorf("the evidence has %+v, not %+v", documents, paid)
				}
				return errors.Join(err, err2, err3)
			})
			got, err := p.at.Receipt(t.Context(), p.Actor, d.Receipt)
			if err != nil || got != d {
				t.Errorf("receipt %s: %+v, %v", d.Receipt, got, err)
			}
		}
		if d := done.Payments[0]; d.Amount != azn(12_50) || d.Fee != azn(20) || d.Total() != azn(12_70) {
			t.Errorf("%s and %s", d.Amount, d.Fee)
		}
		if found, err := w.Bills.Lookup(t.Context(), kapital, electro, "E1"); err != nil || found.Debts[0].Open != 1_00 {
			t.Errorf("owed after it: %+v, %v", found, err)
		}
		if p.reload(); len(p.basket.Lines) != 0 || p.basket.ID == basket {
			t.Errorf("the next customer's basket: %+v", p.basket)
		}
		if n := w.audited(p.Person.Bank, p.Person.ID, tolem.ActPay); n != 2 {
			t.Errorf("%d records", n)
		}
		again, err := p.at.Completed(t.Context(), p.Actor, basket)
		if err != nil || len(again.Payments) != 2 {
			t.Errorf("after a reload: %+v, %v", again, err)
		}
	})
}

// audited counts what is recorded of a person's action today.
func (w *world) audited(bank tolem.ParticipantID, id tolem.PersonID, action tolem.Action) (n int) {
	w.t.Helper()
	w.view(func(tx *store.Tx) error {
		list, err := tx.Audit(bank, w.calendar.DayOf(w.clock.Now()), string(id), 0, 10_000)
		for _, r := range list {
			if r.Action == action {
				n++
			}
		}
		return err
	})
	return n
}

// WP-539, WP-564: of one calculation there is one payment of each line, however
// often and however concurrently it is confirmed, on two nodes too.
func TestConfirmedTwice(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(water, "A1")
		w.feed(gas, "G1")
		first := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator))
		first.add(water, "A1", supply, drain)
		first.add(gas, "G1")
		w.must(first.calculate("1", "2", "3"))
		second := *first
		second.at = w.open()
		var wait sync.WaitGroup
		results := make([]workplace.Completion, 8)
		for i := range results {
			wait.Go(func() {
				p := []*till{first, &second}[i%2]
				done, err := p.confirm()
				if err != nil {
					t.Error(err)
				}
				results[i] = done
			})
		}
		wait.Wait()
		for _, done := range append(results, must(first.confirm())) {
			if len(done.Payments) != 3 || len(done.Left) != 0 {
				t.Errorf("%d paid, %d left", len(done.Payments), len(done.Left))
			}
		}
		if n := len(w.deskDocuments()); n != 3 {
			t.Errorf("%d payments in the evidence", n)
		}
		_, err := first.confirm(func(c *workplace.Confirmation) { c.Basket = "ANOTHER" })
		refused(t, err, workplace.ErrStale, 0)
		first.reload()
		_, err = first.confirm() // nothing is calculated
		refused(t, err, workplace.ErrStale, 0)
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// WP-537: what was changed in another window is not paid.
func TestStaleConfirmation(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.feed(water, "A1")
	first := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator))
	first.add(water, "A1", supply)
	w.must(first.calculate("1"))
	second := *first
	w.must(second.calculate("100"))
	_, err := first.confirm()
	refused(t, err, workplace.ErrStale, 0)
	if n := len(w.deskDocuments()); n != 0 {
		t.Errorf("%d payments", n)
	}
	done, err := second.confirm()
	if err != nil || done.Payments[0].Amount != azn(100_00) {
		t.Errorf("%+v, %v", done, err)
	}
}

// A line that cannot be paid stays, the others are paid; calculated again it is
// paid with what is owed then.
//
// WP-540
func TestLineFails(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.feed(water, "A1")
	w.feed(electro, "E1", owed(fine, "F-7", 5_00))
	first, second := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator)), w.till(w.signedIn(rabita, "veli", tolem.RoleOperator))
	first.add(electro, "E1")
	first.add(water, "A1", supply)
	w.must(first.calculate("5.00", "1"))
	w.clock.Advance(time.Minute)
	second.pays(electro, "E1", "2")
	done, err := first.confirm()
	w.must(err)
	if len(done.Payments) != 1 || len(done.Left) != 1 || done.Left[0].Failed != workplace.ErrDebtChanged.Key() || done.Payments[0].Receipt != 1 {
		t.Fatalf("%+v", done)
	}
	again, err := first.confirm()
	if err != nil || len(again.Payments) != 1 || len(again.Left) != 1 {
		t.Errorf("confirmed again: %+v, %v", again, err)
	}
	if first.reload(); first.basket.Calculated() || first.basket.ID != done.Basket {
		t.Errorf("%+v", first.basket)
	}
	w.must(first.calculate("5.00"))
	if l := first.basket.Lines[0]; l.Amount != 3_00 || l.Typed != "3,00" {
		t.Errorf("calculated again: %+v", l)
	}
	done, err = first.confirm()
	if err != nil || len(done.Payments) != 2 || done.Payments[1].Receipt != 2 || done.Payments[1].Amount != azn(3_00) {
		t.Errorf("%+v, %v", done, err)
	}
	if n := w.audited(kapital, first.Person.ID, tolem.ActPay); n != 3 {
		t.Errorf("%d records", n)
	}
}

// atWork is somebody of many whom nobody needs to hire: the actor that a session
// comes to.
func (w *world) atWork(bank tolem.ParticipantID, i int) access.Actor {
	return access.Actor{Workstation: "10.1.2.3", Person: tolem.Person{
		ID: tolem.PersonID(fmt.Sprintf("person-%d", i)), Bank: bank, Profile: tolem.Profile{Role: tolem.RoleOperator, Branch: branches[bank]},
	}}
}

// Fifty pay at once at the desks of one bank, on two nodes, and some at
// another's: no number is missing and none is there twice.
//
// WP-538
func TestReceiptNumbers(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		const payers, others = 50, 5
		nodes := []*workplace.Workplace{w.Workplace, w.open()}
		w.feed(water, "A1")
		var tills []*till
		for i := range payers + others {
			bank := kapital
			if i >= payers {
				bank = rabita
			}
			p := w.till(w.atWork(bank, i))
			p.at = nodes[i%2]
			p.add(water, "A1", supply)
			w.must(p.calculate("1"))
			tills = append(tills, p)
		}
		numbers := make([][]tolem.ReceiptNo, len(tills))
		began := time.Now()
		var wait sync.WaitGroup
		for i, p := range tills {
			wait.Go(func() {
				done, err := p.confirm()
				if err != nil || len(done.Left) > 0 {
					t.Error(err, done.Left)
				}
				for _, d := range done.Payments {
					numbers[i] = append(numbers[i], d.Receipt)
				}
			})
		}
		wait.Wait()
		t.Logf("%d payments of one bank in %s", payers, time.Since(began).Round(time.Millisecond))
		for _, list := range [][]tolem.ReceiptNo{slices.Concat(numbers[:payers]...), slices.Concat(numbers[payers:]...)} {
			slices.Sort(list)
			for i, n := range list {
				if n != tolem.ReceiptNo(i+1) {
					t.Fatalf("%d numbers: %v", len(list), list)
				}
			}
		}
		if len(slices.Concat(numbers...)) != payers+others {
			t.Errorf("%v", numbers)
		}
		p := tills[0]
		_, err := p.at.Receipt(t.Context(), p.Actor, payers+1)
		refused(t, err, workplace.ErrReceiptNotFound, 0)
		elsewhere := tills[payers]
		_, err = elsewhere.at.Receipt(t.Context(), elsewhere.Actor, others+1) // WP-589
		refused(t, err, workplace.ErrReceiptNotFound, 0)
		w.must(p.at.Print(t.Context(), p.Actor, tolem.ActPrint, "0000000001"))
		if n := w.audited(kapital, p.Person.ID, tolem.ActPrint); n != 1 {
			t.Errorf("%d records of prints", n)
		}
	})
}
