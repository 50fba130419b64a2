package bankv1_test

import (
	"testing"
	"time"

	"tolem/banks"
	"tolem/banks/bankv1"
	"tolem/banks/sandbox"
)

// One authorisation with everything: signed, over mutual TLS, carried out by the
// simulated bank, verified and read.
func BenchmarkAuthorizeCard(b *testing.B) {
	w, offices := newWorld(b)
	c := w.connector(offices[bank], func(c *bankv1.Config) { c.Timeout, c.Observe = time.Minute, nil })
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if a, err := pay(b, c, sandbox.KindCard, attempts(), goodCard, "", amount); err != nil || a.Outcome != banks.Approved {
				b.Error(a.Outcome, err)
			}
		}
	})
}
