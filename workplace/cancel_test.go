package workplace_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/access"
	"tolem/archive"
	"tolem/smartcard"
	"tolem/smartcard/bridge/simulator"
	"tolem/store"
	"tolem/workplace"
)

// stand brings a payment into a state, with an open request if it awaits one.
func (w *world) stand(n tolem.ReceiptNo, status tolem.DeskStatus, write tolem.CardWrite) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		p, err := tx.DeskPayment(kapital, n)
		if err != nil {
			return err
		}
		p.Status, p.CardWrite = status, write
		if _, err := tx.ChangeDeskPayment(p); err != nil || status != tolem.DeskAwaiting {
			return err
		}
		last, err := tx.LastCancellation(kapital, n)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.InsertCancellation(tolem.DeskCancellation{
			Bank: kapital, Receipt: n, Seq: last.Seq + 1, Code: p.Code, RequestedBy: "somebody", RequestedAt: tx.Now(),
		})
	})
}

func (w *world) payment(n tolem.ReceiptNo) (p tolem.DeskPayment) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) {
		p, err = tx.DeskPayment(kapital, n)
		return err
	})
	return p
}

func (w *world) lastSeq(n tolem.ReceiptNo) int {
	w.t.Helper()
	var c tolem.DeskCancellation
	w.view(func(tx *store.Tx) (err error) {
		if c, err = tx.LastCancellation(kapital, n); errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return err
	})
	return c.Seq
}

// closed has the code of a payment closed: its service was used.
func (w *world) closed(n tolem.CodeNumber) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		c, err := tx.Code(n)
		if err != nil {
			return err
		}
		return tx.ChangeCode(c, c.Close(tolem.Closing{ID: "1", Centre: "27", By: "PORTAL"}, tx.Now()))
	})
}

// Every state of a payment against everything that people do about its
// cancellation (7.1 and 7.2).
//
// WP-107, WP-111, WP-119, WP-120, WP-125, WP-126, WP-563, WP-569 to WP-571
func TestStatesOfCancellation(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(water, "A1")
		operator, admin := w.signedIn(kapital, "ali", tolem.RoleOperator), w.signedIn(kapital, "nigar", tolem.RoleBankAdmin)
		n := w.till(operator).pays(water, "A1", "10", supply).Receipt
		for _, status := range tolem.DeskStatuses {
			for _, write := range tolem.CardWrites {
				want := error(workplace.ErrNotPlanned)
				if status == tolem.DeskPlanned {
					switch want = nil; write {
					case tolem.CardWritePending:
						want = workplace.ErrNotAllowed
					case tolem.CardWriteWritten:
						want = workplace.CardRefusal(smartcard.CustomerCardMissing)
					}
				}
				w.stand(n, status, write)
				done, err := w.Cancel(t.Context(), operator, n, nil)
				after := w.payment(n)
				switch {
				case !errors.Is(err, want):
					t.Errorf("cancel of %s, %s: %v, want %v", status, write, err, want)
				case want == nil && (after.Status != tolem.DeskAwaiting || done.Payment != after || !done.Payment.CancelledAt.IsZero() || done.Ticket != nil):
					t.Errorf("cancel of %s, %s: %+v", status, write, done)
				case want != nil && (after.Status != status || after.CardWrite != write):
					t.Errorf("cancel of %s, %s left %s, %s", status, write, after.Status, after.CardWrite)
				}

				// An approval is final; it comes last.
				w.stand(n, status, write)
				want = workplace.ErrNotPlanned
				if status == tolem.DeskAwaiting && write != tolem.CardWriteWritten {
					want = nil
				}
				if _, err := w.Decide(t.Context(), operator, n, w.lastSeq(n), false, "Səhv"); !errors.Is(err, access.ErrForbidden) {
					t.Errorf("rejection by an operator: %v", err)
				}
				after, err = w.Decide(t.Context(), admin, n, w.lastSeq(n), false, " Səhv \n")
				if !errors.Is(err, want) || want == nil && (after != w.payment(n) || after.Status != tolem.DeskPlanned) {
					t.Errorf("rejection of %s, %s: %+v, %v", status, write, after, err)
				}
				w.stand(n, status, write)
				if want == nil {
					continue
				}
				if _, err := w.Decide(t.Context(), admin, n, w.lastSeq(n), true, ""); !errors.Is(err, want) {
					t.Errorf("approval of %s, %s: %v", status, write, err)
				}
			}
		}
		w.stand(n, tolem.DeskAwaiting, tolem.CardWriteSkipped)
		if _, err := w.Decide(t.Context(), operator, n, w.lastSeq(n), true, ""); !errors.Is(err, access.ErrForbidden) {
			t.Errorf("approval by an operator: %v", err)
		}
		after, err := w.Decide(t.Context(), admin, n, w.lastSeq(n), true, "")
		if err != nil || after != w.payment(n) || after.Status != tolem.DeskCancelled || !after.CancelledAt.Equal(w.clock.Now()) {
			t.Errorf("approval: %+v, %v", after, err)
		}
	})
}

// WP-119 to WP-122, WP-560 to WP-562: what stands against it, the first that
// holds, recorded.
func TestRefusedCancellations(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.feed(water, "A1")
	w.feed(taxes, "T1", owed(taxOnly, "1", 1_00))
	operator, admin := w.signedIn(kapital, "ali", tolem.RoleOperator), w.signedIn(kapital, "nigar", tolem.RoleBankAdmin)
	foreign, elsewhere := w.signedIn(rabita, "veli", tolem.RoleOperator), operator
	elsewhere.Person.Branch = "GNC02"
	n := w.till(operator).pays(water, "A1", "10", supply)
	tax := func() tolem.DeskPayment {
		p := w.till(operator)
		p.reload()
		p.add(taxes, "T1")
		unit := tolem.UnitCode("01")
		b, err := w.Choose(t.Context(), operator, p.edit(), p.basket.Lines[0].No, &unit, nil)
		w.must(err)
		p.basket = b
		w.must(p.calculate("1"))
		done, err := p.confirm()
		w.must(err)
		return done.Payments[0]
	}()
	for _, c := range []struct {
		by   access.Actor
		n    tolem.ReceiptNo
		want error
	}{
		{operator, 999, workplace.ErrReceiptNotFound},
		{foreign, n.Receipt, workplace.ErrReceiptNotFound},
		{elsewhere, n.Receipt, workplace.ErrReceiptNotFound},
		{admin, n.Receipt, access.ErrForbidden},
		{operator, tax.Receipt, workplace.ErrNotAllowed},
	} {
		if _, err := w.Cancel(t.Context(), c.by, c.n, nil); !errors.Is(err, c.want) {
			t.Errorf("receipt %s: %v, want %v", c.n, err, c.want)
		}
		if _, err := w.ToCancel(t.Context(), c.by, c.n); !errors.Is(err, c.want) && c.want != workplace.ErrNotAllowed {
			t.Errorf("look for %s: %v, want %v", c.n, err, c.want)
		}
	}
	w.closed(tax.Code)
	if _, err := w.Cancel(t.Context(), operator, tax.Receipt, nil); !errors.Is(err, workplace.ErrNotAllowed) {
		t.Errorf("not permitted and used: %v", err)
	}
	w.stand(tax.Receipt, tolem.DeskSettled, tolem.CardWriteNone)
	if _, err := w.Cancel(t.Context(), operator, tax.Receipt, nil); !errors.Is(err, workplace.ErrNotPlanned) {
		t.Errorf("settled, not permitted and used: %v", err)
	}

	// Used between request and approval; then only a rejection is left.
	must(w.Cancel(t.Context(), operator, n.Receipt, nil))
	w.closed(n.Code)
	if p, err := w.Decide(t.Context(), admin, n.Receipt, 1, true, ""); !errors.Is(err, workplace.ErrServiceUsed) || w.payment(n.Receipt).Status != tolem.DeskAwaiting {
		t.Errorf("approval of what is used: %+v, %v", p, err)
	}
	must(w.Decide(t.Context(), admin, n.Receipt, 1, false, "Xidmət göstərilib"))
	if _, err := w.Cancel(t.Context(), operator, n.Receipt, nil); !errors.Is(err, workplace.ErrServiceUsed) {
		t.Errorf("used: %v", err)
	}
	if got := w.audited(kapital, operator.Person.ID, tolem.ActRequestCancellation); got != 7 {
		t.Errorf("%d records of requests, want 7", got) // the other branch's actor is the same person
	}
	if got := w.audited(kapital, admin.Person.ID, tolem.ActApproveCancellation) + w.audited(kapital, admin.Person.ID, tolem.ActRejectCancellation); got != 2 {
		t.Errorf("%d records of decisions, want 2", got)
	}
}

// From the request to the decision, which comes after the day.
//
// WP-105 to WP-108, WP-127, WP-128, WP-568, WP-570 to WP-574, WP-578
func TestCancellationIsDecided(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(water, "A1", owed(drain, "W-1", 5_00))
		operator, admin, foreign := w.signedIn(kapital, "ali", tolem.RoleOperator), w.signedIn(kapital, "nigar", tolem.RoleBankAdmin), w.signedIn(rabita, "sona", tolem.RoleBankAdmin)
		d := w.till(operator).pays(water, "A1", "5")
		n := d.Receipt
		if p := must(w.ToCancel(t.Context(), operator, n)); p != d {
			t.Errorf("%+v, want %+v", p, d)
		}
		if _, err := w.Cancellation(t.Context(), operator, n); !errors.Is(err, workplace.ErrReceiptNotFound) {
			t.Errorf("receipt of no cancellation: %v", err)
		}
		done := must(w.Cancel(t.Context(), operator, n, nil))
		if done.Cancellation.Seq != 1 || done.Cancellation.RequestedBy != operator.Person.ID || !done.Cancellation.DecidedAt.IsZero() {
			t.Errorf("%+v", done)
		}
		if c := must(w.Cancellation(t.Context(), operator, n)); c != done || !c.Payment.CancelledAt.IsZero() {
			t.Errorf("receipt: %+v, want %+v", c, done)
		}
		list := must(w.Awaiting(t.Context(), admin))
		if len(list) != 1 || list[0].Payment != done.Payment || list[0].Cancellation != done.Cancellation || list[0].RequestedBy != "Lalə Əliyeva" {
			t.Errorf("awaiting: %+v", list)
		}
		if list := must(w.Awaiting(t.Context(), foreign)); len(list) != 0 {
			t.Errorf("another bank sees %+v", list)
		}
		if _, err := w.Awaiting(t.Context(), operator); !errors.Is(err, access.ErrForbidden) {
			t.Errorf("an operator sees the list: %v", err)
		}
		own := admin
		own.Person.ID = operator.Person.ID
		for _, c := range []struct {
			by     access.Actor
			seq    int
			reason string
			want   error
		}{
			{foreign, 1, "Səhv", workplace.ErrReceiptNotFound},
			{own, 1, "Səhv", workplace.ErrOwn},
			{admin, 2, "Səhv", workplace.ErrNotPlanned},
		} {
			for _, approve := range []bool{true, false} {
				if _, err := w.Decide(t.Context(), c.by, n, c.seq, approve, c.reason); !errors.Is(err, c.want) {
					t.Errorf("decision: %v, want %v", err, c.want)
				}
			}
		}
		for _, reason := range []string{"", " \t", strings.Repeat("ə", workplace.MaxReason+1), "a\x00b"} {
			if _, err := w.Decide(t.Context(), admin, n, 1, false, reason); !errors.Is(err, workplace.ErrReasonRequired) {
				t.Errorf("rejection for %q: %v", reason, err)
			}
		}
		must(w.Decide(t.Context(), admin, n, 1, false, "  Müştəri fikrini dəyişdi "))
		if c := must(w.Cancellation(t.Context(), operator, n)).Cancellation; c.Approved || c.Reason != "Müştəri fikrini dəyişdi" || c.DecidedBy != admin.Person.ID {
			t.Errorf("rejection: %+v", c)
		}

		must(w.Cancel(t.Context(), operator, n, nil))
		w.clock.Advance(48 * time.Hour)
		w.update(func(tx *store.Tx) error { return tx.SettleDeskPayments(w.calendar.DayOf(tx.Now()), 100) })
		p := must(w.Decide(t.Context(), admin, n, 2, true, "is not kept"))
		if p != w.payment(n) || p.Status != tolem.DeskCancelled || !p.CancelledAt.Equal(w.clock.Now()) {
			t.Errorf("approved: %+v", p)
		}
		c := must(w.Cancellation(t.Context(), operator, n))
		if !c.Cancellation.Approved || c.Cancellation.Seq != 2 || c.Cancellation.Reason != "" || c.Payment.CancelledAt.IsZero() {
			t.Errorf("receipt afterwards: %+v", c)
		}
		w.view(func(tx *store.Tx) error {
			code, err := tx.Code(d.Code)
			s, err2 := tx.Settlement(d.Code)
			if code.State != tolem.StateRefunded || s.UndoneAt.IsZero() {
				t.Errorf("code %s, bill %+v", code.State, s)
			}
			return errors.Join(err, err2)
		})
		for _, approve := range []bool{true, false} {
			if _, err := w.Decide(t.Context(), admin, n, 2, approve, "Səhv"); !errors.Is(err, workplace.ErrNotPlanned) {
				t.Errorf("decided once more: %v", err)
			}
		}
		if n := w.cancellationDocuments(); n != 4 {
			t.Errorf("%d documents in the evidence, want 4", n)
		}
		if list := must(w.Awaiting(t.Context(), admin)); len(list) != 0 {
			t.Errorf("still awaiting: %+v", list)
		}
	})
}

func (w *world) cancellationDocuments() (n int) {
	w.t.Helper()
	w.must(w.evidence.Walk(w.t.Context(), func(time.Time, bool) bool { return true }, func(entry []archive.Record) error {
		for _, r := range entry {
			if bytes.HasPrefix(r.Raw, []byte("<deskCancellation>")) {
				n++
			}
		}
		return nil
	}))
	return n
}

// at once runs them together and returns their errors.
func atOnce(do ...func() error) []error {
	errs := make([]error, len(do))
	var wait sync.WaitGroup
	for i, f := range do {
		wait.Go(func() { errs[i] = f() })
	}
	wait.Wait()
	return errs
}

// WP-564: of simultaneous cancellations one succeeds; the same holds for
// decisions, and for a cancellation against the settlement of the day.
func TestSimultaneousCancellations(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(water, "A1")
		operator, admin := w.signedIn(kapital, "ali", tolem.RoleOperator), w.signedIn(kapital, "nigar", tolem.RoleBankAdmin)
		colleague := operator
		colleague.Person.ID = w.signedIn(kapital, "leyla", tolem.RoleOperator).Person.ID
		n := w.till(operator).pays(water, "A1", "10", supply).Receipt
		cancel := func(by access.Actor) func() error {
			return func() error {
				_, err := w.Cancel(t.Context(), by, n, nil)
				return err
			}
		}
		one := func(what string, errs []error) {
			t.Helper()
			done := 0
			for _, err := range errs {
				switch {
				case err == nil:
					done++
				case !errors.Is(err, workplace.ErrNotPlanned):
					t.Errorf("%s: %v", what, err)
				}
			}
			if done != 1 {
				t.Errorf("%s: %d succeeded", what, done)
			}
		}
		one("cancellations", atOnce(cancel(operator), cancel(colleague), cancel(operator), cancel(colleague)))
		decide := func(approve bool) func() error {
			return func() error {
				_, err := w.Decide(t.Context(), admin, n, 1, approve, "Səhv")
				return err
			}
		}
		one("decisions", atOnce(decide(true), decide(false), decide(true), decide(false)))
		for range 5 {
			n = w.till(operator).pays(water, "A1", "10", supply).Receipt
			settle := func() error {
				return w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.SettleDeskPayments(w.calendar.DayOf(tx.Now()), 100) })
			}
			errs := atOnce(cancel(operator), settle)
			w.must(errs[1])
			want := tolem.DeskAwaiting
			if errs[0] != nil {
				want = tolem.DeskSettled
			}
			if got := w.payment(n).Status; got != want || errs[0] != nil && !errors.Is(errs[0], workplace.ErrNotPlanned) {
				t.Errorf("it is %s; the request came to %v", got, errs[0])
			}
		}
	})
}

// writes pays for the electricity card in the reader, and has it written.
func (p *till) writes(r *reader) tolem.DeskPayment {
	p.t.Helper()
	p.reload()
	p.add(electro, "E1")
	p.must(p.calculate("5"))
	done, err := p.confirm(r.with(p.Actor))
	p.must(err)
	d, err := p.at.Written(p.t.Context(), p.Actor, r.carryOut(done.Tickets[0]))
	p.must(err)
	if d.CardWrite != tolem.CardWriteWritten {
		p.t.Fatalf("%+v", d)
	}
	return d
}

// What is on a card is cancelled when it is off it, and not before.
//
// WP-112 to WP-116, WP-123, WP-124, WP-551, WP-565 to WP-567
func TestCancellationOfCardPayment(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		operator, admin := w.signedIn(kapital, "ali", tolem.RoleOperator), w.signedIn(kapital, "nigar", tolem.RoleBankAdmin)
		colleague := w.signedIn(kapital, "leyla", tolem.RoleOperator)
		p, r := w.till(operator), w.reader(kapital)
		w.feed(electro, "E1")
		r.insert("E-2", electro, "E2")
		r.insert("E-1", electro, "E1")
		d := p.writes(r)
		n := d.Receipt
		read := func(by access.Actor) []byte {
			t.Helper()
			answer, code := r.read(by)
			if code != "" {
				t.Fatal(code)
			}
			return answer
		}

		r.insert("E-2", electro, "E2")
		if _, err := w.Cancel(t.Context(), operator, n, read(operator)); !errors.Is(err, workplace.ErrOtherCard) {
			t.Errorf("another card: %v", err)
		}
		r.insert("E-1", electro, "E1")
		if _, err := w.Cancel(t.Context(), colleague, n, read(operator)); !errors.Is(err, workplace.CardRefusal(smartcard.ChallengeInvalid)) {
			t.Errorf("read in another session: %v", err)
		}

		// The reversal fails.
		r.scene(simulator.Change{Fail: is(simulator.FailReverse)})
		answer := read(operator)
		done := must(w.Cancel(t.Context(), operator, n, answer))
		if done.Ticket == nil || done.Ticket.Op != tolem.TicketReverse || done.Ticket.Card != "E-1" || !done.Payment.CancelledAt.IsZero() {
			t.Fatalf("%+v", done)
		}
		for _, read := range [][]byte{nil, answer} {
			again := must(w.Cancel(t.Context(), operator, n, read))
			if again.Ticket == nil || again.Ticket.ID != done.Ticket.ID {
				t.Errorf("asked again: %+v", again)
			}
		}
		if _, err := w.Cancel(t.Context(), colleague, n, nil); !errors.Is(err, workplace.ErrNotPlanned) {
			t.Errorf("asked by a colleague: %v", err)
		}
		if list := must(w.Awaiting(t.Context(), admin)); len(list) != 0 {
			t.Errorf("the administrator is shown %+v", list)
		}
		if _, err := w.Decide(t.Context(), admin, n, 1, true, ""); !errors.Is(err, workplace.ErrNotPlanned) {
			t.Errorf("the administrator decides: %v", err)
		}
		// Settlement leaves it out while nobody knows.
		w.update(func(tx *store.Tx) error { return tx.SettleDeskPayments(w.calendar.DayOf(tx.Now()), 100) })
		after, err := p.at.Written(t.Context(), operator, r.carryOut(*done.Ticket))
		refused(t, err, workplace.ErrCancelFault, 0)
		if after.Status != tolem.DeskPlanned || after.CardWrite != tolem.CardWriteWritten || !after.CancelledAt.IsZero() {
			t.Errorf("after a reversal that failed: %+v", after)
		}
		if c := must(w.Cancellation(t.Context(), operator, n)).Cancellation; c.DecidedAt.IsZero() || c.Approved || c.Reason == "" {
			t.Errorf("%+v", c)
		}

		// It succeeds, and the answer is lost: the card says so.
		r.scene(simulator.Change{Fail: is(simulator.FailNothing)})
		done = must(w.Cancel(t.Context(), operator, n, read(operator)))
		r.carryOut(*done.Ticket)
		done = must(w.Cancel(t.Context(), operator, n, read(operator)))
		if done.Payment != w.payment(n) || done.Payment.Status != tolem.DeskCancelled || done.Payment.CardWrite != tolem.CardWriteReversed ||
			!done.Payment.CancelledAt.Equal(w.clock.Now()) || !done.Cancellation.Approved || done.Cancellation.Seq != 2 || done.Ticket != nil {
			t.Errorf("%+v", done)
		}
		if _, err := w.Cancel(t.Context(), operator, n, nil); !errors.Is(err, workplace.ErrNotPlanned) {
			t.Errorf("cancelled once more: %v", err)
		}

		// Loaded into the meter; then covered by another payment.
		first := p.writes(r)
		r.scene(simulator.Change{Load: true})
		if _, err := w.Cancel(t.Context(), operator, first.Receipt, read(operator)); !errors.Is(err, workplace.ErrNotAllowed) {
			t.Errorf("loaded: %v", err)
		}
		second := p.writes(r)
		if _, err := w.Cancel(t.Context(), operator, first.Receipt, read(operator)); !errors.Is(err, workplace.ErrNotAllowed) {
			t.Errorf("covered: %v", err)
		}
		done = must(w.Cancel(t.Context(), operator, second.Receipt, read(operator)))
		after, err = p.at.Written(t.Context(), operator, r.carryOut(*done.Ticket))
		if err != nil || after.Status != tolem.DeskCancelled {
			t.Errorf("%+v, %v", after, err)
		}
	})
}

// What was used while its card was in the reader is off the card and not
// cancelled: somebody has to look into it.
//
// WP-122, WP-595
func TestUsedWhileTakenOffTheCard(t *testing.T) {
	w := newWorld(t, sqlite(t))
	operator := w.signedIn(kapital, "ali", tolem.RoleOperator)
	p, r := w.till(operator), w.reader(kapital)
	w.feed(electro, "E1")
	r.insert("E-1", electro, "E1")
	d := p.writes(r)
	answer, _ := r.read(operator)
	done := must(w.Cancel(t.Context(), operator, d.Receipt, answer))
	w.closed(d.Code)
	after, err := p.at.Written(t.Context(), operator, r.carryOut(*done.Ticket))
	refused(t, err, workplace.ErrCancelFault, 0)
	if after.Status != tolem.DeskPlanned || after.CardWrite != tolem.CardWriteReversed {
		t.Errorf("%+v", after)
	}
	if _, err := w.Cancel(t.Context(), operator, d.Receipt, nil); !errors.Is(err, workplace.ErrServiceUsed) {
		t.Errorf("cancelled again: %v", err)
	}
}
