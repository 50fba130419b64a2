package payments_test

import (
	"testing"

	"tolem"
	"tolem/banks"
)

// The bank is asked for what the payer was shown, to the last tiyn: nothing is
// added for the page. How much and how often somebody may pay is the bank's
// affair: whatever it refuses is asked of it again as often as the payer tries,
// and what it approves then is approved.
//
// ACQ-027, ACQ-P06, ACQ-P13, GW-P43
func TestLimitsAndChargesAreTheBanks(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for _, visit := range []func() (tolem.PaymentID, tolem.Method){
			func() (tolem.PaymentID, tolem.Method) { id, _ := w.atCard(); return id, tolem.MethodCard },
			func() (tolem.PaymentID, tolem.Method) { return w.atAccount(), tolem.MethodAccount },
		} {
			id, method := visit()
			shown := w.view(id).Checkout.Amount
			w.bank.set(whim{outcome: banks.Refused, reason: tolem.RefusedLimit})
			before := len(w.bank.calls)
			const tries = 25
			for range tries {
				must(t, w.pay(id, method))
				if v := w.stage(id, tolem.StageRefused); v.Last.Reason != tolem.RefusedLimit {
					t.Fatalf("refused for %s", v.Last.Reason)
				}
			}
			if asked := len(w.bank.calls) - before; asked != tries {
				t.Errorf("the bank was asked %d times, not %d", asked, tries)
			}
			w.bank.set(whim{books: true, outcome: banks.Approved})
			must(t, w.pay(id, method))
			v := w.view(id)
			if v.Last.State != tolem.AttemptApproved || v.Last.Amount != shown || w.bank.entry(v.Last.ID).amount != shown || shown != tenge(120_000) {
				t.Errorf("shown %s, taken %s: %+v", shown, w.bank.entry(v.Last.ID).amount, v.Last)
			}
		}
	})
}
