package redirect_test

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

// After a refusal or a change of mind a buyer may come again, for the same code;
// after the bank's agreement never. ACQ-P06
func TestOrderIsPaidOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := w.order("A-1")
		first := w.mustCome(o)
		number := w.view(first).Code.Number
		w.bank.set(banks.Refused, nil)
		must(t, w.pay(first))
		if v := w.view(first); v.Stage != tolem.StageRefused {
			t.Fatal(v.Stage)
		}
		second := w.mustCome(o)
		must(t, w.Cancel(t.Context(), second))
		third := w.mustCome(o)
		if v := w.view(third); v.Stage != tolem.StageForm || v.Code.Number != number || third == first || third == second {
			t.Fatalf("%s, code %s", v.Stage, v.Code.Number)
		}

		// The bank does not answer: whoever comes is shown that, and cannot pay.
		w.bank.set("", banks.ErrNoAnswer)
		must(t, w.pay(third))
		fourth := w.mustCome(o)
		if v := w.view(fourth); v.Stage != tolem.StageUnknown || v.Code.Number != number {
			t.Fatal(v.Stage)
		}
		if err := w.pay(fourth); !errors.Is(err, payments.ErrNotNow) {
			t.Errorf("a second attempt beside an open one: %v", err)
		}

		w.bank.set(banks.Approved, nil)
		w.clock.Advance(6 * time.Minute)
		must(t, w.AskDue(t.Context()))
		must(t, w.Wait(t.Context()))
		for _, what := range []string{"approved", "paid", "refunded"} {
			if _, err := w.come(o); !errors.Is(err, gateway.ErrOrderPaid) {
				t.Errorf("%s: %v", what, err)
			}
			switch what {
			case "approved":
				w.notify(third)
			case "paid":
				if r, err := w.gateway.RefundCode(t.Context(), gateway.Refund{Code: number, By: "a", Reason: "b"}); err != nil || r.Result != tolem.OK {
					t.Fatal(r, err)
				}
			}
		}
		if v := w.view(fourth); v.Stage != tolem.StageRefunded {
			t.Error(v.Stage)
		}
		refused := 0
		for _, r := range w.kept("A-1") {
			if r.Class == "ORDER_PAID" {
				refused++
			}
		}
		if refused != 3 {
			t.Errorf("%d refusals are kept", refused)
		}
	})
}

// ACQ-P07
func TestOrderComesWithAnotherAmount(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := w.order("A-1")
		w.mustCome(o)
		for _, change := range []func(*tolem.OrderRedirect){
			func(o *tolem.OrderRedirect) { o.Amount.Minor++ },
			func(o *tolem.OrderRedirect) { o.Amount.Minor, o.Service = 500_000, "CARDS" },
		} {
			other := o
			change(&other)
			if _, err := w.come(other); !errors.Is(err, gateway.ErrOrderDiffers) {
				t.Error(err)
			}
		}
		same := o
		same.Service, same.Language, same.Return = "BOOKS", "kk", back
		w.mustCome(same)
		// Another merchant's order of that number is another order.
		foreign := o
		foreign.Merchant, foreign.Amount.Minor, foreign.Issued = otherID, 777_00, w.clock.Now()
		_, err := w.gate.Open(t.Context(), w.sign(foreign, w.other))
		must(t, err)
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			kept, err := tx.Order(shopID, "A-1")
			if kept.Amount != o.Amount || kept.Service != "BOOKS" {
				t.Errorf("order %+v", kept)
			}
			return err
		}))
	})
}

// An order whose code ran out unpaid gets another; not while an attempt for the
// old one is open, for money may have moved.
func TestOrderOutlivesItsCode(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := w.order("A-1")
		old := w.view(w.mustCome(o)).Code.Number
		w.clock.Advance(25 * time.Hour)
		id := w.mustCome(o)
		v := w.view(id)
		if v.Code.Number == old || v.Stage != tolem.StageForm {
			t.Fatalf("%s, the old code: %v", v.Stage, v.Code.Number == old)
		}
		w.bank.set("", banks.ErrNoAnswer)
		must(t, w.pay(id))
		w.clock.Advance(25 * time.Hour)
		again := w.view(w.mustCome(o))
		if again.Code.Number != v.Code.Number || again.Stage != tolem.StageUnknown {
			t.Fatalf("%s, the same code: %v", again.Stage, again.Code.Number == v.Code.Number)
		}
		w.notify(id)
		if _, err := w.come(o); !errors.Is(err, gateway.ErrOrderPaid) {
			t.Errorf("paid late: %v", err)
		}
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			codes, err := tx.OrderCodes(shopID, "A-1")
			if len(codes) != 2 {
				t.Errorf("codes %v", codes)
			}
			return err
		}))
	})
}

// However many redirects of an order come at once, it is one order with one
// code, and the same redirect leads to one visit. ACQ-P06
func TestOrderRace(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		const rounds, each = 5, 4
		for round := range rounds {
			o := w.order("R-" + string(rune('a'+round)))
			var group sync.WaitGroup
			var mu sync.Mutex
			visits, opened := make(map[tolem.PaymentID]bool), 0
			for i := range each {
				o.Issued = w.clock.Now().Add(-time.Duration(i) * time.Second)
				query := w.sign(o, w.shop)
				for range 3 {
					group.Go(func() {
						id, err := w.gate.Open(t.Context(), query)
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							opened++
						} else if !errors.Is(err, gateway.ErrTokenUsed) {
							t.Error(err)
						}
						visits[id] = true
					})
				}
			}
			group.Wait()
			codes := make(map[tolem.CodeNumber]bool)
			for id := range visits {
				codes[w.view(id).Code.Number] = true
			}
			if opened != each || len(visits) != each || len(codes) != 1 {
				t.Errorf("%d opened, %d visits, %d codes", opened, len(visits), len(codes))
			}
			if n := len(w.kept(string(o.OrderNo))); n != each {
				t.Errorf("%d redirects are kept", n)
			}
		}
	})
}
