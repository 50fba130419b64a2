package payments_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/gateway"
	"tolem/gateway/payments"
	"tolem/store"
)

// A card is approved, and nothing is paid until the bank has said so over its
// signed notification.
//
// GW-078, GW-086, GW-P14, GW-P31, ACQ-P14
func TestCardPayment(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		id, code := w.atCard()
		w.stage(id, tolem.StageForm)
		if got := w.notify(code, bankID, "EARLY", w.clock.Now()); got != tolem.WrongBank {
			t.Errorf("notified before the bank was called: %s", got)
		}
		must(t, w.pay(id, tolem.MethodCard))
		v := w.stage(id, tolem.StageApproved)
		if v.Code.State != tolem.StateIssued || v.Payment != nil || v.Last.Masked != "492912******1236" || v.Last.BankRef == "" || v.Code.Bank != bankID {
			t.Fatalf("after the approval: %+v, %+v", v.Code, v.Last)
		}
		if err := w.pay(id, tolem.MethodCard); !errors.Is(err, payments.ErrNotNow) {
			t.Errorf("paid twice: %v", err)
		}
		if got := w.notifyBooked(code, v.Last.ID); got != tolem.OK {
			t.Fatalf("the notification: %s", got)
		}
		v = w.stage(id, tolem.StagePaid)
		if !v.PaidHere || v.Payment.BankRef != v.Last.BankRef || v.Service.RU == v.Provider.RU || v.Requester != "eGov" {
			t.Errorf("paid: %+v", v)
		}
		w.poll(2)
		if v = w.view(id); !v.Last.AskAt.IsZero() || w.bank.asked != 0 {
			t.Errorf("the bank is asked although it has notified: %d times, next %s", w.bank.asked, v.Last.AskAt)
		}
		if got := w.history(v.Last.ID); got != "REDIRECTED CARD_ENTERED SENT APPROVED" {
			t.Errorf("history: %s", got)
		}
		if id, _ := w.Open(t.Context(), token(w.startCard(cardOrder(w.issue())))); w.view(id).Stage != tolem.StageForm {
			t.Error("another code is not payable")
		}
	})
}

// A payment from an account has no code until the bank has taken the money; with
// its answer the code is there, paid, and the answer is kept as evidence.
//
// GW-072, GW-094, GW-099, GW-102, GW-103, GW-P33, GW-P35
func TestAccountPayment(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		id := w.atAccount()
		v := w.stage(id, tolem.StageForm)
		if v.Code.Number != 0 || len(v.Banks) != 2 || v.Banks[0].Name != "Halyk Bank" {
			t.Fatalf("before: %+v", v)
		}
		must(t, w.pay(id, tolem.MethodAccount))
		v = w.stage(id, tolem.StagePaid)
		booked := w.bank.entry(v.Last.ID)
		if !v.Code.Number.Valid() || v.Code.State != tolem.StatePaid || v.Code.Channel != tolem.ChannelAccount || v.Code.Requester != portalID ||
			v.Payment == nil || v.Payment.BankRef != booked.ref || !v.Payment.PaidAt.Equal(booked.at) || v.Payment.Account != "KZ1" ||
			v.Code.RequestNo != "R-2" || v.Checkout.Code != v.Code.Number || v.Last.Masked != "****0100" || !v.PaidHere {
			t.Fatalf("after: %+v\n%+v\n%+v", v.Code, v.Payment, v.Last)
		}
		var of, answers, debits int
		for _, r := range w.records() {
			if r.Code == v.Code.Number {
				of++
				if r.Participant == bankID && r.Direction == 2 && r.Operation == "DebitAccount" {
					answers++
				}
				if string(r.Raw[:min(len(r.Raw), 16)]) == "<accountPayment>" {
					debits++
				}
			}
		}
		if of != 4 || answers != 1 || debits != 1 {
			t.Errorf("%d records with the code, %d requests, %d documents", of, answers, debits)
		}
		// The portal learns the code, and gets the receipt by it.
		var r gateway.CheckoutResult
		_, err := w.gateway.GetCheckout(t.Context(), w.message(tolem.OpGetCheckout, portalID, tolem.KindPortal), id, render(&r))
		if err != nil || r.Result != tolem.OK || r.Code != v.Code.Number || r.Standing.Stage != tolem.StagePaid {
			t.Errorf("GetCheckout: %+v, %v", r, err)
		}
		_, err = w.gateway.GetCheckout(t.Context(), w.message(tolem.OpGetCheckout, shopID, tolem.KindPortal), id, render(&r))
		if err != nil || r.Result != tolem.UnknownCheckout {
			t.Errorf("GetCheckout by another: %+v, %v", r.Outcome, err)
		}
	})
}

// Whatever is needed for the receipts of both use cases is there by the code.
//
// GW-139 to GW-148
func TestReceiptData(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		cardID, code := w.atCard()
		must(t, w.pay(cardID, tolem.MethodCard))
		w.notifyBooked(code, w.view(cardID).Last.ID)
		accountID := w.atAccount()
		must(t, w.pay(accountID, tolem.MethodAccount))
		for id, no := range map[tolem.PaymentID]tolem.RequestNo{cardID: "R-1", accountID: "R-2"} {
			var r gateway.PaymentResult
			_, err := w.gateway.GetReceipt(t.Context(), w.message(tolem.OpGetReceipt, portalID, tolem.KindPortal), w.view(id).Code.Number, render(&r))
			must(t, err)
			c, p := r.Issued, r.Payment
			if r.Result != tolem.OK || c.Recipient != citizen || c.RecipientName == "" || c.RequestNo != no || p.Account != "KZ1" || p.Amount != tenge(120_000) ||
				p.PaidAt.IsZero() || p.ReceivedAt.IsZero() || !c.Number.Valid() || p.BankRef == "" || p.Bank != bankID || c.Service != "BIRTH" ||
				p.Channel != map[bool]tolem.Channel{true: tolem.ChannelAcquiring, false: tolem.ChannelAccount}[no == "R-1"] {
				t.Errorf("%s: %+v\n%+v", no, c, p)
			}
		}
	})
}

// Every whim of a bank, by card and from an account: the state that follows at
// once, and the one it ends in when the bank has been asked.
//
// GW-086, GW-099, GW-101, GW-102, GW-P34, ACQ-P08 to ACQ-P10
func TestBanksWhims(t *testing.T) {
	approved, refused := tolem.StageApproved, tolem.StageRefused
	whims := []struct {
		whim
		then, end tolem.Stage // of a card; an account is PAID where a card is APPROVED
		reason    tolem.RefusalReason
	}{
		{whim{name: "approves", books: true, outcome: banks.Approved}, approved, approved, ""},
		{whim{name: "refuses", outcome: banks.Refused, reason: tolem.RefusedInsufficient}, refused, refused, tolem.RefusedInsufficient},
		{whim{name: "refuses in its own words", outcome: banks.Refused, reason: "KARTE KAPUTT"}, refused, refused, tolem.RefusedByRules},
		{whim{name: "cannot be reached", err: banks.ErrNotSent}, refused, refused, tolem.RefusedTechnical},
		{whim{name: "takes the money, the answer is lost", books: true, err: banks.ErrNoAnswer}, tolem.StageUnknown, approved, ""},
		{whim{name: "never got the request", err: banks.ErrNoAnswer}, tolem.StageUnknown, refused, tolem.RefusedTechnical},
		{whim{name: "refuses, the answer is lost", outcome: banks.Refused, reason: tolem.RefusedLimit, err: banks.ErrNoAnswer}, tolem.StageUnknown, refused, tolem.RefusedLimit},
		{whim{name: "needs time", books: true, outcome: banks.Pending}, tolem.StageUnknown, approved, ""},
		{whim{name: "answers with another amount", books: true, outcome: banks.Approved, amount: tenge(1)}, tolem.StageUnknown, approved, ""},
		{whim{name: "fails inside the connector", panics: true}, tolem.StageUnknown, refused, tolem.RefusedTechnical},
		{whim{name: "approves without a booking", outcome: banks.Approved}, tolem.StageUnknown, refused, tolem.RefusedTechnical},
		{whim{name: "says what is no outcome", outcome: "MAYBE"}, tolem.StageUnknown, refused, tolem.RefusedTechnical},
		{whim{name: "does not know what it was just sent", outcome: banks.UnknownAttempt}, tolem.StageUnknown, refused, tolem.RefusedTechnical},
	}
	worlds(t, func(t *testing.T, w *world) {
		for _, method := range []tolem.Method{tolem.MethodCard, tolem.MethodAccount} {
			for _, c := range whims {
				t.Run(string(method)+" "+c.name, func(t *testing.T) {
					w.t = t
					if method == tolem.MethodAccount && c.then == approved {
						c.then = tolem.StagePaid
					}
					if method == tolem.MethodAccount && c.end == approved {
						c.end = tolem.StagePaid
					}
					var id tolem.PaymentID
					var code tolem.CodeNumber
					if method == tolem.MethodCard {
						id, code = w.atCard()
					} else {
						id = w.atAccount()
					}
					w.bank.set(c.whim)
					must(t, w.pay(id, method))
					first := w.stage(id, c.then)
					if c.then == tolem.StageUnknown {
						if err := w.pay(id, method); !errors.Is(err, payments.ErrNotNow) {
							t.Errorf("paid again while nobody knows: %v", err)
						}
						if err := w.Cancel(t.Context(), id); !errors.Is(err, payments.ErrNotNow) {
							t.Errorf("cancelled while nobody knows: %v", err)
						}
						w.clock.Advance(6 * time.Second)
						must(t, w.AskDue(t.Context()))
						must(t, w.Wait(t.Context()))
					}
					last := w.stage(id, c.end)
					if last.Last.Reason != c.reason || w.bank.calls[first.Last.ID] != 1 {
						t.Errorf("reason %s, called %d times", last.Last.Reason, w.bank.calls[first.Last.ID])
					}
					if c.end != refused {
						if code != 0 {
							w.notifyBooked(code, last.Last.ID)
							w.stage(id, tolem.StagePaid)
						}
						return
					}
					// A refusal is no end: the next attempt may succeed (ACQ-P06).
					w.bank.set(whim{books: true, outcome: banks.Approved})
					must(t, w.pay(id, method))
					if again := w.view(id); again.Last.State != tolem.AttemptApproved || again.Last.ID == last.Last.ID || again.Last.Number != 2 {
						t.Errorf("the second attempt: %+v", again.Last)
					}
				})
			}
		}
		w.t = t
	})
}

// The bank's answer is lost and its notification comes: the payment is paid,
// whatever else the bank says or does not say.
//
// GW-P34, ACQ-P14
func TestNotifiedBeforeItHasAnswered(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		id, code := w.atCard()
		w.bank.set(whim{books: true, err: banks.ErrNoAnswer})
		must(t, w.pay(id, tolem.MethodCard))
		v := w.stage(id, tolem.StageUnknown)
		if got := w.notifyBooked(code, v.Last.ID); got != tolem.OK || v.PaidHere {
			t.Fatalf("the notification: %s, %v", got, v.PaidHere)
		}
		if v = w.stage(id, tolem.StagePaid); !v.PaidHere || v.Last.State != tolem.AttemptUnknown {
			t.Errorf("after it: %v, %+v", v.PaidHere, v.Last)
		}
		w.poll(1)
		if v = w.stage(id, tolem.StagePaid); !v.PaidHere || v.Last.State != tolem.AttemptApproved {
			t.Errorf("when it has answered: %v, %+v", v.PaidHere, v.Last)
		}
	})
}

// An approval that no notification follows is asked about, and somebody is told.
//
// GW-P34, ACQ-P14
func TestNotificationDoesNotCome(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		id, code := w.atCard()
		must(t, w.pay(id, tolem.MethodCard))
		w.poll(3)
		v := w.stage(id, tolem.StageApproved)
		alarms := 0
		for _, e := range w.events {
			if e.Alarm != "" {
				alarms++
			}
		}
		if w.bank.asked != 3 || alarms != 3 || v.Last.AskAt.IsZero() {
			t.Errorf("asked %d times, %d alarms, next %s", w.bank.asked, alarms, v.Last.AskAt)
		}
		// The bank has given the money back on its own: the code is free again.
		w.bank.setStatus(whim{outcome: banks.Reversed})
		w.poll(1)
		if v = w.view(id); v.Last.State != tolem.AttemptReversed || v.Code.State != tolem.StateIssued {
			t.Fatalf("%+v", v.Last)
		}
		w.bank.setStatus(whim{})
		next, err := w.Open(t.Context(), token(w.startCard(cardOrder(code))))
		must(t, err)
		must(t, w.pay(next, tolem.MethodCard))
		w.stage(next, tolem.StageApproved)
	})
}

// The payer gives up before anything was sent, or enters nothing for a quarter
// of an hour; afterwards nothing is taken from him. The code is free at once.
//
// ACQ-P11, GW-P32
func TestAbandoned(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		id, code := w.atCard()
		must(t, w.Cancel(t.Context(), id))
		must(t, w.Cancel(t.Context(), id))
		v := w.stage(id, tolem.StageAbandoned)
		if v.Last.State != tolem.AttemptAbandoned || v.Code.State != tolem.StateIssued {
			t.Errorf("%+v", v.Last)
		}
		if err := w.pay(id, tolem.MethodCard); !errors.Is(err, payments.ErrNotNow) {
			t.Errorf("paid afterwards: %v", err)
		}
		again, err := w.Open(t.Context(), token(w.startCard(cardOrder(code))))
		must(t, err)
		w.clock.Advance(tolem.InputTTL - time.Second)
		must(t, w.Abandon(t.Context()))
		w.stage(again, tolem.StageForm)
		w.clock.Advance(time.Second)
		w.stage(again, tolem.StageAbandoned) // before any timer has come by
		if err := w.pay(again, tolem.MethodCard); !errors.Is(err, payments.ErrNotNow) {
			t.Errorf("paid too late: %v", err)
		}
		must(t, w.Abandon(t.Context()))
		if got := w.history(w.view(again).Last.ID); got != "REDIRECTED ABANDONED" {
			t.Errorf("history: %s", got)
		}
		// A refused payer who goes away leaves nothing either.
		third, err := w.Open(t.Context(), token(w.startCard(cardOrder(code))))
		must(t, err)
		w.bank.set(whim{outcome: banks.Refused, reason: tolem.RefusedCVC})
		must(t, w.pay(third, tolem.MethodCard))
		w.clock.Advance(tolem.InputTTL)
		must(t, w.Abandon(t.Context()))
		if v := w.stage(third, tolem.StageAbandoned); v.Last.State != tolem.AttemptRefused {
			t.Errorf("%+v", v.Last)
		}
		if len(w.bank.book) != 0 {
			t.Error("money moved")
		}
	})
}

// Two tabs, two visits, a hundred clicks: one attempt for a code.
//
// ACQ-P06, GW-P34
func TestOneAttemptAtATime(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		first, code := w.atCard()
		second, err := w.Open(t.Context(), token(w.startCard(cardOrder(code))))
		must(t, err)
		account := w.atAccount()
		var group sync.WaitGroup
		var mu sync.Mutex
		begun := map[tolem.PaymentID]int{}
		for i := range 100 {
			group.Go(func() {
				id, err := []tolem.PaymentID{first, second, account}[i%3], error(nil)
				if id == account {
					err = w.PayAccount(t.Context(), id, bankID, "KZ75125KZT2069100100")
				} else {
					err = w.PayCard(t.Context(), id, w.card())
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					begun[id]++
				} else if !errors.Is(err, payments.ErrNotNow) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		must(t, w.Wait(t.Context()))
		if begun[first]+begun[second] != 1 || begun[account] != 1 {
			t.Fatalf("begun: %v", begun)
		}
		if _, count := w.bank.sum(); count != 2 {
			t.Errorf("the bank took money %d times", count)
		}
		for _, id := range []tolem.PaymentID{first, second} {
			w.stage(id, tolem.StageApproved)
		}
		w.stage(account, tolem.StagePaid)
	})
}

// Refunds: nobody gets the service any more, and the bank gives the money back,
// asked until it has said so.
//
// GW-P39
func TestRefund(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		id := w.atAccount()
		must(t, w.pay(id, tolem.MethodAccount))
		v := w.stage(id, tolem.StagePaid)
		w.bank.setStatus(whim{err: banks.ErrNoAnswer})
		in := gateway.Refund{Code: v.Code.Number, By: "Ivanova", Reason: "claim 7"}
		result, err := w.Refund(t.Context(), in)
		if err != nil || result.State != tolem.StateRefunded {
			t.Fatalf("%+v, %v", result, err)
		}
		w.poll(2)
		if v = w.stage(id, tolem.StageRefunded); v.Last.State != tolem.AttemptApproved || v.Last.ReverseBy == "" {
			t.Fatalf("while the bank says nothing: %+v", v.Last)
		}
		w.restart()
		w.bank.setStatus(whim{})
		w.poll(1)
		v = w.stage(id, tolem.StageRefunded)
		if minor, _ := w.bank.sum(); v.Last.State != tolem.AttemptReversed || minor != 0 || !v.Last.AskAt.IsZero() {
			t.Errorf("%+v, the bank keeps %d", v.Last, minor)
		}
		// Once more is no second refund.
		if result, err = w.Refund(t.Context(), in); err != nil || result.Result != tolem.OK || !w.view(id).Last.AskAt.IsZero() {
			t.Errorf("again: %+v, %v", result, err)
		}
		if _, err := w.Refund(t.Context(), gateway.Refund{Code: w.issue(), By: "Ivanova", Reason: "claim"}); !errors.Is(err, payments.ErrNothingToReverse) {
			t.Errorf("of a code that nobody paid here: %v", err)
		}

		// A bank that says no: the operator is told, nobody asks for ever.
		id = w.atAccount()
		must(t, w.pay(id, tolem.MethodAccount))
		v = w.view(id)
		w.bank.setStatus(whim{outcome: banks.Approved})
		_, err = w.Refund(t.Context(), gateway.Refund{Code: v.Code.Number, By: "Ivanova", Reason: "claim 8"})
		must(t, err)
		w.poll(3)
		v = w.view(id)
		if last := w.events[len(w.events)-1]; v.Last.State != tolem.AttemptApproved || v.Last.ReverseBy != "" || !v.Last.AskAt.IsZero() || last.Alarm == "" {
			t.Errorf("%+v, %+v", v.Last, last)
		}
		// What the bank keeps is there to be claimed (GW-186).
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			kept, err := tx.Unclaimed(10)
			if len(kept) != 1 || kept[0].Code != v.Code.Number || kept[0].Bank != bankID || kept[0].BankRef != v.Last.BankRef || kept[0].Amount != tenge(120_000) {
				t.Errorf("kept by the bank: %+v", kept)
			}
			return err
		}))

		// A card that was approved and never notified is reversed by the attempt.
		w.bank.setStatus(whim{})
		card, code := w.atCard()
		must(t, w.pay(card, tolem.MethodCard))
		attempt := w.view(card).Last.ID
		must(t, w.Reverse(t.Context(), attempt, "Ivanova", "the bank sends no notification"))
		w.poll(1)
		if v = w.view(card); v.Last.State != tolem.AttemptReversed || v.Code.State != tolem.StateIssued {
			t.Errorf("%+v", v.Last)
		}
		if err := w.Reverse(t.Context(), attempt, "Ivanova", "again"); !errors.Is(err, payments.ErrNothingToReverse) {
			t.Errorf("reversed twice: %v", err)
		}
		_ = code
	})
}

// One bank that hangs holds up no other, and is asked no more than so much at
// once.
//
// GW-P34
func TestOneBankDownSlowsNoOther(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.bank.set(whim{err: banks.ErrNoAnswer})
		w.other.set(whim{books: true, err: banks.ErrNoAnswer})
		var hanging []tolem.PaymentID
		for range 20 {
			id := w.atAccount()
			must(t, w.pay(id, tolem.MethodAccount))
			hanging = append(hanging, id)
		}
		well := w.atAccount()
		must(t, w.PayAccount(t.Context(), well, otherID, account))
		must(t, w.Wait(t.Context()))
		gate := make(chan struct{})
		w.bank.setStatus(whim{})
		w.bank.mu.Lock()
		w.bank.gateStatus = gate
		w.bank.mu.Unlock()
		w.clock.Advance(10 * time.Second)
		must(t, w.AskDue(t.Context()))
		deadline := time.Now().Add(10 * time.Second)
		for w.view(well).Stage != tolem.StagePaid {
			if time.Now().After(deadline) {
				t.Fatal("the other bank is not asked")
			}
			time.Sleep(5 * time.Millisecond)
		}
		must(t, w.AskDue(t.Context())) // no room
		close(gate)
		must(t, w.Wait(t.Context()))
		if w.bank.asked > 16 {
			t.Errorf("%d questions at once", w.bank.asked)
		}
		w.poll(1)
		for _, id := range hanging {
			w.stage(id, tolem.StageRefused)
		}
	})
}

func (w *world) attempts() (all []tolem.Attempt) {
	must(w.t, w.db.View(w.t.Context(), func(tx *store.Tx) (err error) {
		all = nil
		for _, b := range []tolem.ParticipantID{bankID, otherID} {
			due, err := tx.DueAttempts(b, 10_000)
			if err != nil {
				return err
			}
			all = append(all, due...)
		}
		return nil
	}))
	return all
}

// Answers out of turn: the notification before the answer to the call, and the
// answer after the bank was asked. Neither changes what is decided.
//
// GW-086, GW-P34, ACQ-P14
func TestAnswersOutOfTurn(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		hold := func() chan struct{} {
			gate := make(chan struct{})
			w.bank.mu.Lock()
			w.bank.gate = gate
			w.bank.mu.Unlock()
			return gate
		}
		sent := func(id tolem.PaymentID) tolem.AttemptID {
			a := w.view(id).Last.ID
			for deadline := time.Now().Add(10 * time.Second); w.bank.entry(a).ref == ""; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the bank was not called")
				}
			}
			return a
		}
		// The notification is faster than the answer.
		id, code := w.atCard()
		gate := hold()
		must(t, w.PayCard(t.Context(), id, w.card()))
		if got := w.notifyBooked(code, sent(id)); got != tolem.OK {
			t.Fatalf("notification: %s", got)
		}
		w.stage(id, tolem.StagePaid)
		close(gate)
		must(t, w.Wait(t.Context()))
		if v := w.stage(id, tolem.StagePaid); v.Last.State != tolem.AttemptApproved || !v.Last.AskAt.IsZero() || !v.PaidHere {
			t.Errorf("%+v", v.Last)
		}
		// Another node asks and decides while the first still waits for its answer.
		for _, method := range []tolem.Method{tolem.MethodCard, tolem.MethodAccount} {
			id := w.visit(method)
			gate := hold()
			if method == tolem.MethodCard {
				must(t, w.PayCard(t.Context(), id, w.card()))
			} else {
				must(t, w.PayAccount(t.Context(), id, bankID, account))
			}
			first := w.Engine
			a := sent(id)
			w.restart()
			w.poll(1)
			before := w.view(id)
			close(gate)
			must(t, first.Wait(t.Context()))
			after := w.view(id)
			if before.Last.State != tolem.AttemptApproved || after.Last.State != tolem.AttemptApproved || after.Code.Number != before.Code.Number ||
				w.bank.calls[a] != 1 || w.history(a) != "REDIRECTED CARD_ENTERED SENT APPROVED" {
				t.Errorf("%s: %+v, then %+v; %s", method, before.Last, after.Last, w.history(a))
			}
		}
	})
}

// A bank that is suspended, or without a contract in force, is neither offered nor
// called; what it has begun it is asked about all the same.
//
// GW-P41, GW-097, GW-P34
func TestBanksThatTakeNoPart(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		put := func(id tolem.ParticipantID, change func(*tolem.Participant)) {
			p, _ := w.directory.Participant(id)
			change(&p)
			must(t, w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.PutParticipant(p) }))
			must(t, w.directory.Refresh(t.Context()))
		}
		w.bank.set(whim{books: true, err: banks.ErrNoAnswer})
		begun := w.atAccount()
		must(t, w.pay(begun, tolem.MethodAccount))
		w.bank.set(whim{books: true, outcome: banks.Approved})

		put(bankID, func(p *tolem.Participant) { p.Suspended = true })
		id := w.atAccount()
		if v := w.view(id); len(v.Banks) != 1 || v.Banks[0].ID != otherID {
			t.Errorf("offered: %+v", v.Banks)
		}
		if err := w.pay(id, tolem.MethodAccount); !errors.Is(err, payments.ErrBank) {
			t.Errorf("paid through a suspended bank: %v", err)
		}
		w.stage(id, tolem.StageForm)
		byCard, _ := w.atCard()
		must(t, w.pay(byCard, tolem.MethodCard))
		if v := w.stage(byCard, tolem.StageApproved); v.Last.Bank != otherID {
			t.Errorf("the card went to %s", v.Last.Bank)
		}
		if w.poll(1); w.view(begun).Stage != tolem.StagePaid {
			t.Errorf("an attempt under way is %s", w.view(begun).Stage)
		}

		// The other's contract runs out: there is nobody left.
		put(otherID, func(p *tolem.Participant) { p.ContractUntil = w.clock.Now() })
		next, _ := w.atCard()
		if v := w.view(next); v.Cards || len(w.view(id).Banks) != 0 {
			t.Errorf("offered: %v, %+v", v.Cards, w.view(id).Banks)
		}
		if err := w.pay(next, tolem.MethodCard); !errors.Is(err, payments.ErrBank) {
			t.Errorf("paid through nobody: %v", err)
		}
		put(bankID, func(p *tolem.Participant) { p.Suspended = false })
		if !w.view(next).Cards || len(w.view(id).Banks) != 1 {
			t.Error("a bank that is back is not offered")
		}
		must(t, w.pay(next, tolem.MethodCard))
	})
}
