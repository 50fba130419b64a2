package workplace_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/smartcard"
	"tolem/smartcard/bridge/simulator"
	"tolem/store"
	"tolem/workplace"
)

// cardAtDesk is a desk with a reader, an electricity card in it and a basket that
// is calculated: one line to be written, one beside it.
func (w *world) cardAtDesk() (*till, *reader) {
	w.t.Helper()
	p, r := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator)), w.reader(kapital)
	w.feed(electro, "E1")
	w.feed(gas, "G1")
	w.feed(water, "A1")
	r.insert("E-1", electro, "E1")
	r.insert("G-1", gas, "G1")
	r.insert("E-1", electro, "E1")
	return p, r
}

// write hands a ticket to the bridge and tells the gateway what it said.
func (p *till) write(r *reader, t tolem.CardTicket) (tolem.DeskPayment, error) {
	p.t.Helper()
	return p.at.Written(p.t.Context(), p.Actor, r.carryOut(t))
}

// WP-070 to WP-074, WP-077, WP-097, WP-542, WP-549: all is ready and the last
// payment was loaded.
func TestCardIsWritten(t *testing.T) {
	w := newWorld(t, sqlite(t))
	p, r := w.cardAtDesk()
	p.add(water, "A1", supply)
	p.add(electro, "E1")
	w.must(p.calculate("1", "12.50"))
	if p.basket.Lines[0].Smart || !p.basket.Lines[1].Smart {
		t.Fatalf("%+v", p.basket.Lines)
	}
	answer := r.with(p.Actor)
	done, err := p.confirm(answer)
	w.must(err)
	if len(done.Payments) != 2 || len(done.Tickets) != 1 || done.Payments[0].CardWrite != tolem.CardWritePending || done.Payments[0].Card != "E-1" ||
		done.Payments[1].CardWrite != tolem.CardWriteNone {
		t.Fatalf("%+v", done)
	}
	again, err := p.confirm(answer) // the same confirmation, its challenge used
	if err != nil || len(again.Payments) != 2 || len(again.Tickets) != 1 {
		t.Errorf("%+v, %v", again, err)
	}
	said := r.carryOut(done.Tickets[0])
	for range 2 {
		d, err := p.at.Written(t.Context(), p.Actor, said)
		if err != nil || d.CardWrite != tolem.CardWriteWritten || d.Status != tolem.DeskPlanned {
			t.Errorf("%+v, %v", d, err)
		}
	}
	if c := r.sim.Scene().Cards["E-1"]; c.Changes != 1 || c.Balance != 12_50 {
		t.Errorf("on the card: %+v", c)
	}
	if n := w.audited(kapital, p.Person.ID, tolem.ActWriteCard); n != 1 {
		t.Errorf("%d records", n)
	}
}

// What is missing at “Davam et”: electricity may be paid without writing, gas
// may not.
//
// WP-082, WP-083, WP-085, WP-087, WP-545 to WP-547, WP-557
func TestCardNotReady(t *testing.T) {
	w := newWorld(t, sqlite(t))
	p, r := w.cardAtDesk()
	scenes := map[smartcard.Code]simulator.Change{
		smartcard.ReaderNotReady:      {Reader: is(false)},
		smartcard.OperatorCardMissing: {OperatorCard: is(false)},
		smartcard.CustomerCardMissing: {CustomerCard: is(false)},
	}
	ready := simulator.Change{Reader: is(true), OperatorCard: is(true), CustomerCard: is(true), Damaged: is(false)}
	paid := 0
	for code, scene := range scenes {
		p.reload()
		p.add(electro, "E1")
		w.must(p.calculate("5"))
		r.scene(scene)
		with := r.with(p.Actor)
		done, err := p.confirm(with)
		if !errors.Is(err, workplace.ErrWithoutWrite) || len(done.Payments) != 0 || len(done.Left) != 1 {
			t.Errorf("%s: %+v, %v", code, done, err)
		}
		done, err = p.confirm(with, func(c *workplace.Confirmation) { c.WithoutWrite = true })
		paid++
		if err != nil || len(done.Payments) != 1 || done.Payments[0].CardWrite != tolem.CardWriteSkipped || done.Payments[0].Card != "" || len(done.Tickets) != 0 {
			t.Errorf("%s, without writing: %+v, %v", code, done, err)
		}

		r.scene(ready)
		r.insert("G-1", gas, "G1")
		p.reload()
		p.addCard(r, "3")
		w.must(p.calculate("3"))
		r.scene(scene)
		for _, without := range []bool{false, true} {
			done, err = p.confirm(r.with(p.Actor), func(c *workplace.Confirmation) { c.WithoutWrite = without })
			refused(t, err, workplace.CardRefusal(code), p.basket.Lines[0].No)
			if len(done.Payments) != 0 {
				t.Errorf("%s: gas was paid: %+v", code, done)
			}
		}
		r.scene(ready)
		w.must(p.at.Empty(t.Context(), p.Actor))
	}
	// A damaged card is no missing one (WP-558).
	p.reload()
	p.add(electro, "E1")
	w.must(p.calculate("5"))
	r.scene(simulator.Change{Damaged: is(true)})
	_, err := p.confirm(r.with(p.Actor))
	refused(t, err, workplace.CardRefusal(smartcard.CardUnreadable), 0)
	if n := len(w.deskDocuments()); n != paid {
		t.Errorf("%d payments, want %d", n, paid)
	}
}

// addCard reads the card and adds its account.
func (p *till) addCard(r *reader, amount string) {
	p.t.Helper()
	answer, code := r.read(p.Actor)
	if code != "" {
		p.t.Fatal(code)
	}
	entry, err := p.at.AddCard(p.t.Context(), p.Actor, p.edit(), gas, answer, amount)
	p.must(err)
	p.basket = entry.Basket
}

// WP-088 to WP-096, WP-154: the account of a gas card is made by reading it.
func TestAccountFromCard(t *testing.T) {
	w := newWorld(t, sqlite(t))
	p, r := w.cardAtDesk()
	r.insert("G-1", gas, "G1")
	p.addCard(r, "3")
	if l := p.basket.Lines[0]; !l.Smart || l.Card != "G-1" || l.Account.Number != "G1" || l.Typed != "3" || l.Particulars.Holder == "" {
		t.Errorf("%+v", l)
	}
	answer, _ := r.read(p.Actor)
	_, err := p.at.AddCard(t.Context(), p.Actor, p.edit(), gas, answer, "4")
	refused(t, err, workplace.ErrDuplicate, 0)
	_, err = p.at.AddCard(t.Context(), p.Actor, p.edit(), gas, answer, "4")
	refused(t, err, workplace.CardRefusal(smartcard.ChallengeInvalid), 0) // read once, used once
	_, err = p.at.AddCard(t.Context(), p.Actor, p.edit(), gas, []byte(`{"code":"card_unreadable"}`), "4")
	refused(t, err, workplace.CardRefusal(smartcard.CardUnreadable), 0)
	r.insert("E-1", electro, "E1")
	answer, _ = r.read(p.Actor)
	_, err = p.at.AddCard(t.Context(), p.Actor, p.edit(), gas, answer, "4")
	refused(t, err, workplace.ErrOtherCard, 0)
	answer, _ = r.read(p.Actor)
	if card, err := p.at.ReadCard(t.Context(), p.Actor, answer); err != nil || card.No != "E-1" || card.Account != "E1" {
		t.Errorf("%+v, %v", card, err)
	}
	r.insert("W-1", water, "A1")
	answer, _ = r.read(p.Actor)
	_, err = p.at.AddCard(t.Context(), p.Actor, p.edit(), water, answer, "4") // no organisation with cards
	refused(t, err, workplace.ErrOtherCard, 0)
	w.must(p.calculate("3"))
	r.insert("G-1", gas, "G1")
	done, err := p.confirm(r.with(p.Actor))
	w.must(err)
	if d, err := p.write(r, done.Tickets[0]); err != nil || d.CardWrite != tolem.CardWriteWritten {
		t.Errorf("%+v, %v", d, err)
	}
}

// WP-079, WP-080, WP-543, WP-544, WP-548: the last payment was not loaded, or the
// card is another one: nothing at all is paid. Cancelled payments do not count.
func TestCardIsJudgedFirst(t *testing.T) {
	w := newWorld(t, sqlite(t))
	p, r := w.cardAtDesk()
	p.add(electro, "E1")
	w.must(p.calculate("5"))
	done, err := p.confirm(r.with(p.Actor))
	w.must(err)
	written, err := p.write(r, done.Tickets[0])
	w.must(err)

	p.reload()
	p.add(electro, "E1")
	p.add(water, "A1", supply)
	w.must(p.calculate("5", "1"))
	_, err = p.confirm(r.with(p.Actor))
	refused(t, err, workplace.ErrNotLoaded, p.basket.Lines[0].No)
	r.insert("E-2", electro, "E2")
	_, err = p.confirm(r.with(p.Actor))
	refused(t, err, workplace.ErrOtherCard, 0)
	if n := len(w.deskDocuments()); n != 1 {
		t.Errorf("%d payments", n)
	}
	w.update(func(tx *store.Tx) error { // as a cancellation leaves it whose reversal another system made
		d, err := tx.DeskPayment(kapital, written.Receipt)
		d.Status, d.CancelledAt = tolem.DeskCancelled, tx.Now()
		_, changeErr := tx.ChangeDeskPayment(d)
		return errors.Join(err, changeErr)
	})
	r.insert("E-1", electro, "E1")
	done, err = p.confirm(r.with(p.Actor))
	if err != nil || len(done.Payments) != 2 {
		t.Errorf("last payment cancelled: %+v, %v", done, err)
	}
}

// WP-549: of two cards the one that was read is written, the other line waits.
func TestTwoCards(t *testing.T) {
	w := newWorld(t, sqlite(t))
	p, r := w.cardAtDesk()
	r.insert("G-1", gas, "G1")
	p.addCard(r, "3")
	p.add(electro, "E1")
	p.add(water, "A1", supply)
	w.must(p.calculate("3", "5", "1"))
	answer := r.with(p.Actor)
	var wait sync.WaitGroup
	for range 3 { // pressed three times
		wait.Go(func() {
			done, err := p.confirm(answer)
			if err != nil || len(done.Payments) != 2 || len(done.Left) != 1 || done.Left[0].Account.Organisation != electro || len(done.Tickets) != 1 {
				t.Errorf("%+v, %v", done, err)
			}
		})
	}
	wait.Wait()
	if p.reload(); !p.basket.Calculated() {
		t.Errorf("what waits is calculated no more: %+v", p.basket)
	}
	r.insert("E-1", electro, "E1")
	done, err := p.confirm(r.with(p.Actor))
	if err != nil || len(done.Payments) != 3 || len(done.Left) != 0 || len(done.Tickets) != 2 {
		t.Errorf("%+v, %v", done, err)
	}
}

// WP-099 to WP-103, WP-550 to WP-556: a failed write is tried again, on the same
// card, until it is on it, and once.
func TestWriteAgain(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		p, r := w.cardAtDesk()
		p.add(electro, "E1")
		w.must(p.calculate("5"))
		done, err := p.confirm(r.with(p.Actor))
		w.must(err)
		n := done.Payments[0].Receipt
		again := func() (tolem.CardTicket, error) {
			answer, _ := r.read(p.Actor)
			return p.at.WriteAgain(t.Context(), p.Actor, n, answer)
		}
		_, err = again()
		refused(t, err, workplace.ErrCardPending, 0)
		r.scene(simulator.Change{Fail: is(simulator.FailWrite)})
		d, err := p.write(r, done.Tickets[0])
		refused(t, err, workplace.CardRefusal(smartcard.WriteFailed), 0)
		if d.CardWrite != tolem.CardWriteFailed || d.Status != tolem.DeskPlanned {
			t.Errorf("%+v", d)
		}
		ticket, err := again()
		w.must(err)
		if found, err := p.at.OpenTicket(t.Context(), p.Actor, n); err != nil || found.ID != ticket.ID {
			t.Errorf("%+v, %v", found, err)
		}
		_, err = p.write(r, ticket)
		refused(t, err, workplace.CardRefusal(smartcard.WriteFailed), 0)
		r.scene(simulator.Change{Fail: is(simulator.FailNothing)})
		r.insert("E-2", electro, "E1")
		_, err = again()
		refused(t, err, workplace.ErrOtherCard, 0)
		r.insert("E-1", electro, "E1")
		ticket, err = again()
		w.must(err)
		r.insert("E-2", electro, "E1") // exchanged behind our back: the bridge refuses
		_, err = p.write(r, ticket)
		refused(t, err, workplace.ErrOtherCard, 0)
		r.insert("E-1", electro, "E1")
		ticket, err = again()
		w.must(err)
		if d, err = p.write(r, ticket); err != nil || d.CardWrite != tolem.CardWriteWritten {
			t.Errorf("%+v, %v", d, err)
		}
		if ticket, err = again(); err != nil || ticket.ID != "" {
			t.Errorf("written, and another ticket: %+v, %v", ticket, err)
		}
		if c := r.sim.Scene().Cards["E-1"]; c.Changes != 1 || c.Balance != 5_00 {
			t.Errorf("on the card: %+v", c)
		}
		if _, err := p.at.OpenTicket(t.Context(), p.Actor, n); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v", err)
		}
		elsewhere := w.till(w.signedIn(rabita, "veli", tolem.RoleOperator))
		_, err = elsewhere.at.OpenTicket(t.Context(), elsewhere.Actor, n)
		refused(t, err, workplace.ErrReceiptNotFound, 0)
	})
}

// The process dies between payment and write, and the answer to the write is
// lost: another finds what was paid and the ticket, and reading the card says
// what became of it.
//
// WP-529, WP-551, WP-552
func TestDeathBetweenPaymentAndWrite(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		p, r := w.cardAtDesk()
		p.add(electro, "E1")
		w.must(p.calculate("5"))
		_, err := p.confirm(r.with(p.Actor))
		w.must(err)

		p.at = w.open()
		done, err := p.at.Completed(t.Context(), p.Actor, p.basket.ID)
		w.must(err)
		if len(done.Payments) != 1 || done.Payments[0].CardWrite != tolem.CardWritePending || len(done.Tickets) != 1 {
			t.Fatalf("%+v", done)
		}
		ticket, err := p.at.OpenTicket(t.Context(), p.Actor, done.Payments[0].Receipt)
		w.must(err)
		r.carryOut(ticket) // and nobody hears of it
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() { r.carryOut(ticket) })
		}
		wait.Wait()
		answer, _ := r.read(p.Actor)
		_, err = p.at.ReadCard(t.Context(), p.Actor, answer)
		w.must(err)
		d, err := p.at.Receipt(t.Context(), p.Actor, done.Payments[0].Receipt)
		if err != nil || d.CardWrite != tolem.CardWriteWritten {
			t.Errorf("%+v, %v", d, err)
		}
		if c := r.sim.Scene().Cards["E-1"]; c.Changes != 1 {
			t.Errorf("on the card: %+v", c)
		}

		// The other way round: it never came to the bridge. When it has expired, the
		// reading that writing again needs decides that it failed.
		r.scene(simulator.Change{Load: true})
		p.reload()
		p.add(electro, "E1")
		w.must(p.calculate("7"))
		done, err = p.confirm(r.with(p.Actor))
		w.must(err)
		w.clock.Advance(2 * time.Minute)
		answer, _ = r.read(p.Actor)
		ticket, err = p.at.WriteAgain(t.Context(), p.Actor, done.Payments[0].Receipt, answer)
		w.must(err)
		if d, err := p.write(r, ticket); err != nil || d.CardWrite != tolem.CardWriteWritten {
			t.Errorf("%+v, %v", d, err)
		}
		late, err := p.at.Written(t.Context(), p.Actor, r.carryOut(done.Tickets[0]))
		if err != nil || late.CardWrite != tolem.CardWriteWritten {
			t.Errorf("the old ticket: %+v, %v", late, err)
		}
		if c := r.sim.Scene().Cards["E-1"]; c.Changes != 2 {
			t.Errorf("on the card: %+v", c)
		}
	})
}

// A card that was written at one bank is read at another: that decides the
// payment, and the other bank's record names none of its own receipts.
//
// WP-521, WP-551
func TestAnotherBankReadsTheCard(t *testing.T) {
	w := newWorld(t, sqlite(t))
	p, r := w.cardAtDesk()
	p.add(electro, "E1")
	w.must(p.calculate("5"))
	done, err := p.confirm(r.with(p.Actor))
	w.must(err)
	r.carryOut(done.Tickets[0]) // and nobody hears of it
	elsewhere, theirs := w.signedIn(rabita, "veli", tolem.RoleOperator), w.reader(rabita)
	w.must(theirs.sim.Set(simulator.Change{Cards: []smartcard.Card{r.sim.Scene().Cards["E-1"].Card}, Inserted: is(tolem.SmartCardNo("E-1"))}))
	answer, _ := theirs.read(elsewhere)
	_, err = w.ReadCard(t.Context(), elsewhere, answer)
	w.must(err)
	if d, err := w.Receipt(t.Context(), p.Actor, done.Payments[0].Receipt); err != nil || d.CardWrite != tolem.CardWriteWritten {
		t.Errorf("%+v, %v", d, err)
	}
	w.view(func(tx *store.Tx) error {
		list, err := tx.Audit(rabita, w.calendar.DayOf(w.clock.Now()), string(elsewhere.Person.ID), 0, 100)
		for _, a := range list {
			if a.Action == tolem.ActWriteCard && a.Subject != string(done.Tickets[0].ID) {
				t.Errorf("recorded %+v", a)
			}
		}
		return err
	})
}

// WP-123, WP-124, WP-565, WP-566: a reversal that fails leaves the payment as it
// was; one that succeeds cancels it, with code and bill, once.
func TestReversal(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		p, r := w.cardAtDesk()
		p.add(electro, "E1")
		w.must(p.calculate("5"))
		done, err := p.confirm(r.with(p.Actor))
		w.must(err)
		_, err = p.write(r, done.Tickets[0])
		w.must(err)
		d := done.Payments[0]
		reverse := func() tolem.CardTicket {
			answer, _ := r.read(p.Actor)
			return *must(p.at.Cancel(t.Context(), p.Actor, d.Receipt, answer)).Ticket
		}
		r.scene(simulator.Change{Fail: is(simulator.FailReverse)})
		now, err := p.write(r, reverse())
		refused(t, err, workplace.ErrCancelFault, 0)
		if now.Status != tolem.DeskPlanned || now.CardWrite != tolem.CardWriteWritten {
			t.Errorf("%+v", now)
		}
		r.scene(simulator.Change{Fail: is(simulator.FailNothing)})
		said := r.carryOut(reverse())
		for range 2 {
			now, err = p.at.Written(t.Context(), p.Actor, said)
			if err != nil || now.Status != tolem.DeskCancelled || now.CardWrite != tolem.CardWriteReversed || !now.CancelledAt.Equal(begin) {
				t.Errorf("%+v, %v", now, err)
			}
		}
		w.view(func(tx *store.Tx) error {
			c, err := tx.Code(d.Code)
			s, err2 := tx.Settlement(d.Code)
			if c.State != tolem.StateRefunded || s.UndoneAt.IsZero() {
				t.Errorf("code %s, bill undone %s", c.State, s.UndoneAt)
			}
			return errors.Join(err, err2)
		})
		if n := w.audited(kapital, p.Person.ID, tolem.ActReverseCard); n != 2 {
			t.Errorf("%d records", n)
		}
	})
}

// Documents that are none are refused, and never say how.
func TestForgedAnswers(t *testing.T) {
	w := newWorld(t, sqlite(t))
	p, r := w.cardAtDesk()
	p.add(electro, "E1")
	w.must(p.calculate("5"))
	for _, text := range []string{"", "{}", `{"signature":"e30.e30.e30"}`, fmt.Sprintf(`{"signature":%q}`, "a.b.c")} {
		_, err := p.confirm(func(c *workplace.Confirmation) { c.Read = []byte(text) })
		refused(t, err, workplace.CardRefusal(smartcard.ChallengeInvalid), 0)
		_, err = p.at.Written(t.Context(), p.Actor, []byte(text))
		refused(t, err, workplace.CardRefusal(smartcard.TicketInvalid), 0)
	}
	// Another session's reading is not this one's.
	other := w.till(w.signedIn(kapital, "veli", tolem.RoleOperator))
	answer, _ := r.read(other.Actor)
	_, err := p.confirm(func(c *workplace.Confirmation) { c.Read = answer })
	refused(t, err, workplace.CardRefusal(smartcard.ChallengeInvalid), 0)
	// Nor is another bank's workstation.
	far := w.reader(rabita)
	far.insert("E-1", electro, "E1")
	answer, _ = far.read(p.Actor)
	_, err = p.confirm(func(c *workplace.Confirmation) { c.Read = answer })
	refused(t, err, workplace.CardRefusal(smartcard.NotPaired), 0)
	if n := len(w.deskDocuments()); n != 0 {
		t.Errorf("%d payments", n)
	}
}
