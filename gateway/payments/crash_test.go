package payments_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/gateway"
	"tolem/gateway/payments"
)

// The process dies at every step of a payment: between the intent and the call,
// after the bank has acted, while it asks, while money goes back. Whoever comes
// after it finishes the payment from the database alone; no bank is called twice
// and no attempt is left hanging.
//
// GW-P34, ACQ-P06, ACQ-P09
func TestKilledAtEveryStep(t *testing.T) {
	dies := func(books bool, outcome banks.Outcome, reason tolem.RefusalReason) whim {
		return whim{dies: true, books: books, outcome: outcome, reason: reason}
	}
	worlds(t, func(t *testing.T, w *world) {
		for _, method := range []tolem.Method{tolem.MethodCard, tolem.MethodAccount} {
			for _, c := range []struct {
				name string
				call whim
				ask  []whim // what becomes of the questions, one process each
				want tolem.AttemptState
			}{
				{"before the call", dies(false, "", ""), nil, tolem.AttemptRefused},
				{"after the bank approved", dies(true, banks.Approved, ""), nil, tolem.AttemptApproved},
				{"after the bank refused", dies(false, banks.Refused, tolem.RefusedLimit), nil, tolem.AttemptRefused},
				{"while it asks", dies(true, banks.Approved, ""), []whim{{dies: true}}, tolem.AttemptApproved},
				{"while it asks, twice", dies(false, "", ""), []whim{{dies: true}, {dies: true}}, tolem.AttemptRefused},
				{"after silence", whim{books: true, err: banks.ErrNoAnswer}, []whim{{dies: true}, {err: banks.ErrNoAnswer}, {err: banks.ErrNotSent}}, tolem.AttemptApproved},
				{"while the bank is undecided", whim{books: true, outcome: banks.Pending}, []whim{{outcome: banks.Pending}, {dies: true}}, tolem.AttemptApproved},
			} {
				t.Run(string(method)+" "+c.name, func(t *testing.T) {
					w.t = t
					id := w.visit(method)
					w.bank.set(c.call)
					must(t, w.pay(id, method))
					w.restart()
					sent := w.view(id)
					if sent.Last.State != tolem.AttemptSent && sent.Last.State != tolem.AttemptUnknown {
						t.Fatalf("left as %s", sent.Last.State)
					}
					if err := w.pay(id, method); !errors.Is(err, payments.ErrNotNow) {
						t.Errorf("another attempt while the first is open: %v", err)
					}
					for _, question := range c.ask {
						w.bank.setStatus(question)
						w.poll(1)
						w.restart()
					}
					w.bank.setStatus(whim{})
					w.poll(1)
					v := w.view(id)
					if v.Last.State != c.want || v.Last.ID != sent.Last.ID || w.bank.calls[v.Last.ID] != 1 {
						t.Errorf("%s, called %d times; want %s", v.Last.State, w.bank.calls[v.Last.ID], c.want)
					}
				})
			}
		}
		w.t = t
		// Money that goes back does so although the process died when it was asked for.
		id := w.visit(tolem.MethodAccount)
		w.bank.set(whim{books: true, outcome: banks.Approved})
		must(t, w.pay(id, tolem.MethodAccount))
		before, _ := w.bank.sum()
		_, err := w.Refund(t.Context(), gateway.Refund{Code: w.view(id).Code.Number, By: "Ivanova", Reason: "claim"})
		must(t, err)
		for _, question := range []whim{{dies: true}, {dies: true, books: true}} {
			w.restart()
			w.bank.setStatus(question)
			w.poll(1)
		}
		w.restart()
		w.bank.setStatus(whim{})
		w.poll(1)
		if after, _ := w.bank.sum(); after != before-120_000 || w.view(id).Last.State != tolem.AttemptReversed {
			t.Errorf("the bank has %d, had %d; %+v", after, before, w.view(id).Last)
		}
	})
}

// Questions whose answers died with the process do not make the payer wait
// longer for the next: the bank has answered none of them.
//
// GW-P34
func TestLostQuestionsDoNotCount(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		id := w.visit(tolem.MethodAccount)
		w.bank.set(whim{books: true, outcome: banks.Pending})
		must(t, w.pay(id, tolem.MethodAccount))
		for range 8 {
			w.bank.setStatus(whim{dies: true})
			w.poll(1)
			w.restart()
		}
		w.bank.setStatus(whim{outcome: banks.Pending})
		for i := 1; i <= 3; i++ {
			w.poll(1)
			last := w.view(id).Last
			if wait := last.AskAt.Sub(w.clock.Now()); last.Asked != i || wait > 5*time.Second<<i || wait <= 0 {
				t.Errorf("after %d questions: %d count, the next is due in %v", i, last.Asked, wait)
			}
		}
	})
}

// visit brings a payer to the page.
func (w *world) visit(method tolem.Method) tolem.PaymentID {
	w.t.Helper()
	if method == tolem.MethodAccount {
		return w.atAccount()
	}
	id, _ := w.atCard()
	return id
}

// Hundreds of payments under arbitrary whims, deaths, clicks and refusals. When
// the bank is well again nothing hangs, and what the gateway holds for paid is
// what the bank has in its book, to the tenge.
//
// GW-P34, GW-072, GW-103, ACQ-P06, ACQ-P09
func TestSumsAgreeWhateverHappens(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		random := rand.New(rand.NewPCG(4, 1122))
		whims := []whim{
			{books: true, outcome: banks.Approved}, {books: true, outcome: banks.Approved}, {outcome: banks.Refused, reason: tolem.RefusedCard},
			{books: true, err: banks.ErrNoAnswer}, {err: banks.ErrNoAnswer}, {err: banks.ErrNotSent}, {books: true, outcome: banks.Pending},
			{dies: true, books: true}, {dies: true}, {books: true, outcome: banks.Approved, amount: tenge(7)}, {panics: true, books: true}, {panics: true},
			{dies: true, outcome: banks.Refused, reason: tolem.RefusedLimit},
		}
		questions := []whim{{}, {}, {dies: true}, {err: banks.ErrNoAnswer}, {err: banks.ErrNotSent}, {outcome: banks.Pending}, {panics: true, outcome: banks.Pending}}
		var all []tolem.PaymentID
		for range 150 {
			switch method := []tolem.Method{tolem.MethodCard, tolem.MethodAccount}[random.IntN(2)]; {
			case len(all) == 0 || random.IntN(3) > 0:
				id := w.visit(method)
				all = append(all, id)
				w.try(id, whims[random.IntN(len(whims))])
			default:
				w.try(all[random.IntN(len(all))], whims[random.IntN(len(whims))])
			}
			switch random.IntN(6) {
			case 0:
				w.restart()
			case 1:
				_ = w.Cancel(t.Context(), all[random.IntN(len(all))])
			case 2:
				w.clock.Advance(time.Duration(random.IntN(120)) * time.Second)
				w.bank.setStatus(questions[random.IntN(len(questions))])
				must(t, w.AskDue(t.Context()))
				must(t, w.Wait(t.Context()))
				must(t, w.Abandon(t.Context()))
			}
		}
		w.restart()
		w.bank.setStatus(whim{})
		w.poll(20)
		must(t, w.Abandon(t.Context()))

		var paid int64
		stages := make(map[tolem.Stage]int)
		for _, id := range all {
			v := w.view(id)
			if v.Stage == tolem.StageApproved {
				if got := w.notifyBooked(v.Code.Number, v.Last.ID); got != tolem.OK {
					t.Errorf("notification: %s", got)
				}
				v = w.view(id)
			}
			stages[v.Stage]++
			switch v.Stage {
			case tolem.StagePaid:
				paid += v.Payment.Amount.Minor
				if e := w.bank.entry(v.Last.ID); e.ref != v.Payment.BankRef || e.amount != v.Payment.Amount {
					t.Errorf("paid with %s, the bank has %s", v.Payment.BankRef, e.ref)
				}
			case tolem.StageRefused, tolem.StageAbandoned:
			default:
				t.Errorf("payment hangs: %s, %+v", v.Stage, v.Last)
			}
		}
		taken, _ := w.bank.sum()
		if taken != paid || paid == 0 {
			t.Errorf("the bank has taken %d, the gateway holds %d for paid; %v", taken, paid, stages)
		}
		for a, n := range w.bank.calls {
			if n != 1 {
				t.Errorf("attempt %s was called %d times", a, n)
			}
		}
		w.poll(10) // the bank is asked about so many at once
		if open := w.attempts(); len(open) != 0 {
			t.Errorf("%d attempts are still asked about", len(open))
		}
		t.Log(fmt.Sprint(stages))
	})
}

// try pays with the bank in some mood; whether it may begin is the engine's to
// say.
func (w *world) try(id tolem.PaymentID, mood whim) {
	w.t.Helper()
	w.bank.set(mood)
	v := w.view(id)
	method := tolem.MethodCard
	if v.Checkout.Kind == tolem.CheckoutAccount {
		method = tolem.MethodAccount
	}
	err := w.pay(id, method)
	if may := v.Stage == tolem.StageForm || v.Stage == tolem.StageRefused; (err == nil) != may || err != nil && !errors.Is(err, payments.ErrNotNow) {
		w.t.Errorf("paying a payment that is %s: %v", v.Stage, err)
	}
}
