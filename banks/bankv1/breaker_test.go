package bankv1_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/banks/bankv1"
	"tolem/banks/sandbox"
	"tolem/internal/tolemtest"
	"tolem/wsdl"
)

// GW-P34: one attempt that comes a hundred times at once is done once, and all
// are told the same.
func TestOneEffect(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	b := w.connector(o, func(c *bankv1.Config) { c.Timeout = 30 * time.Second })
	for _, kind := range []sandbox.Kind{sandbox.KindCard, sandbox.KindAccount} {
		id := attempts()
		before := sandbox.Sums(o.Entries())[sandbox.Approved][tolem.KZT]
		refs := make([]tolem.BankRef, 100)
		var all sync.WaitGroup
		for i := range refs {
			all.Go(func() {
				a, err := pay(t, b, kind, id, goodCard, payer, amount)
				if err != nil || a.Outcome != banks.Approved {
					t.Errorf("%s, %v", a.Outcome, err)
				}
				refs[i] = a.BankRef
			})
		}
		all.Wait()
		if len(slices.Compact(refs)) != 1 {
			t.Errorf("%s: several references", kind)
		}
		after := sandbox.Sums(o.Entries())[sandbox.Approved][tolem.KZT]
		if after.Count != before.Count+1 || after.Minor != before.Minor+amount.Minor {
			t.Errorf("%s: %+v became %+v", kind, before, after)
		}
	}
}

// deadAddress is an address at which nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	return "https://" + l.Addr().String() + "/bank/v1"
}

// What did not leave the house is told apart: nothing was sent, nothing is kept.
func TestNotSent(t *testing.T) {
	w, offices := newWorld(t)
	b := w.connector(offices[bank], func(c *bankv1.Config) { c.Address = deadAddress(t) })
	for _, kind := range []sandbox.Kind{sandbox.KindCard, sandbox.KindAccount} {
		a, err := pay(t, b, kind, attempts(), goodCard, payer, amount)
		if !errors.Is(err, banks.ErrNotSent) || errors.Is(err, banks.ErrNoAnswer) || a.Evidence.Request != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	sound := banks.AccountOrder{Attempt: "A-1", Payment: "P-1", Amount: amount, From: payer, Purchase: purchase}
	for name, spoil := range map[string]func(*banks.AccountOrder){
		"attempt":   func(o *banks.AccountOrder) { o.Attempt = "" },
		"amount":    func(o *banks.AccountOrder) { o.Amount.Minor = 0 },
		"currency":  func(o *banks.AccountOrder) { o.Amount.Currency = "USD" },
		"account":   func(o *banks.AccountOrder) { o.From = "" },
		"control":   func(o *banks.AccountOrder) { o.From = "KZ\x00" },
		"no UTF-8":  func(o *banks.AccountOrder) { o.OrderNo = "\xff" },
		"recipient": func(o *banks.AccountOrder) { o.Recipient = "850101300125" },
		"service":   func(o *banks.AccountOrder) { o.Service = "a b" },
	} {
		o := sound
		spoil(&o)
		if _, err := b.DebitAccount(t.Context(), o); !errors.Is(err, banks.ErrOrder) || !errors.Is(err, banks.ErrNotSent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := b.AuthorizeCard(t.Context(), banks.CardOrder{Attempt: "A-1", Code: code, Amount: amount, Card: card(t, goodCard)})
	if !errors.Is(err, banks.ErrOrder) {
		t.Errorf("a code without its service: %v", err)
	}
	// The number of the card in another field could not be cut out of the evidence.
	p := purchase
	p.Description = "card 4111 1111-1111 1111"
	_, err = b.AuthorizeCard(t.Context(), banks.CardOrder{Attempt: "A-1", Amount: amount, Card: card(t, goodCard), Purchase: p})
	if !errors.Is(err, banks.ErrOrder) {
		t.Errorf("card number in the description: %v", err)
	}
}

// After some failures in a row a bank is left alone; then one call finds out
// whether it is back. Its refusals are no failures.
func TestBreaker(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	clock := tolemtest.NewClock(time.Now())
	b := w.connector(o, func(c *bankv1.Config) { c.BreakAfter, c.Rest, c.Clock = 3, 10*time.Second, clock.Now })
	ask := func(want error) {
		t.Helper()
		if _, err := b.Status(t.Context(), "A-1"); !errors.Is(err, want) || want == nil && err != nil {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	for range 5 {
		if a, err := pay(t, b, sandbox.KindCard, attempts(), sandbox.CaseNamed("card expired").Card(), "", amount); err != nil || a.Outcome != banks.Refused {
			t.Fatal(a.Outcome, err)
		}
	}
	o.Down(true)
	for range 3 {
		ask(banks.ErrNoAnswer)
	}
	if !b.Resting() {
		t.Error("three failures do not break")
	}
	ask(banks.ErrResting)
	ask(banks.ErrNotSent)
	clock.Advance(10 * time.Second)
	ask(banks.ErrNoAnswer) // the call that finds out
	ask(banks.ErrResting)
	clock.Advance(10 * time.Second)
	ask(banks.ErrResting) // twice as long now
	clock.Advance(10 * time.Second)
	o.Down(false)
	ask(nil)
	if b.Resting() {
		t.Error("it is back and left alone")
	}
	ask(nil)
	o.Next(wsdl.BankGetStatus, behaviour(t, "nothing; lost"))
	ask(banks.ErrNoAnswer)
	ask(nil)
}

func behaviour(t *testing.T, s string) sandbox.Behaviour {
	t.Helper()
	b, err := sandbox.ParseBehaviour(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// While one call finds out, others are not let through; a caller that gave up
// says nothing about the bank.
func TestOnlyOneCallFindsOut(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	clock := tolemtest.NewClock(time.Now())
	b := w.connector(o, func(c *bankv1.Config) {
		c.BreakAfter, c.Rest, c.Clock, c.Timeout = 1, time.Second, clock.Now, 10*time.Second
	})
	o.Down(true)
	_, _ = b.Status(t.Context(), "A-1") // breaks
	o.Down(false)
	clock.Advance(time.Second)
	late := behaviour(t, "late")
	o.Always(wsdl.BankGetStatus, &late)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := b.Status(ctx, "A-1")
		done <- err
	}()
	time.Sleep(100 * time.Millisecond)
	if _, err := b.Status(t.Context(), "A-1"); !errors.Is(err, banks.ErrResting) {
		t.Errorf("a second call: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, banks.ErrNoAnswer) || !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
	o.Always(wsdl.BankGetStatus, nil)
	if _, err := b.Status(t.Context(), "A-1"); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// A bank that hangs holds so many calls and no more, and slows no other.
func TestOneBankDownSlowsNoOther(t *testing.T) {
	w, offices := newWorld(t, "KASPI")
	slow := w.connector(offices[bank], func(c *bankv1.Config) { c.InFlight, c.Timeout = 8, 2*time.Second })
	good := w.connector(offices["KASPI"], func(c *bankv1.Config) { c.Timeout = 10 * time.Second })
	hang := behaviour(t, "nothing; time-out")
	offices[bank].Always("", &hang)
	var all sync.WaitGroup
	busy := 0
	var mu sync.Mutex
	for range 20 {
		all.Go(func() {
			_, err := slow.Status(t.Context(), "A-1")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, banks.ErrBusy) && errors.Is(err, banks.ErrNotSent):
				busy++
			case !errors.Is(err, banks.ErrNoAnswer):
				t.Error(err)
			}
		})
	}
	began := time.Now()
	for range 20 {
		if a, err := pay(t, good, sandbox.KindAccount, attempts(), "", payer, amount); err != nil || a.Outcome != banks.Approved {
			t.Errorf("%s, %v", a.Outcome, err)
		}
	}
	took := time.Since(began)
	all.Wait()
	if busy != 12 || took > 2*time.Second {
		t.Errorf("%d calls were turned away, the other bank took %s", busy, took)
	}
}
