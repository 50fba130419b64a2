package e2e

import (
	"bytes"
	"maps"
	"testing"

	"tolem/internal/tolemtest"
)

// twin starts another node on the same database.
func (w *world) twin() *world {
	w.t.Helper()
	other := &world{
		t: w.t, dir: w.dir, config: w.config, authority: w.authority, trust: w.trust, verifier: w.verifier,
		actors: make(map[string]*actor), answers: make(map[string][]byte),
	}
	other.process = &process{world: other}
	for id, a := range w.actors {
		other.actors[id] = other.actor(id, a.signing, a.channel)
	}
	other.serve()
	w.t.Cleanup(other.leave)
	return other
}

// Two nodes on one database are one gateway: what one has done the other knows
// at once, the same message sent to both has one effect and one answer, and of
// those who close a code through either one wins.
//
// GW-175 GW-P08 GW-P20
func TestTwoNodes(t *testing.T) {
	one := newWorld(t, tolemtest.Postgres(t))
	one.serve()
	two := one.twin()
	b1, b2, p1, p2 := one.actors[bank1], two.actors[bank1], one.actors[portal], two.actors[portal]

	for range 5 {
		code := b1.issue()
		b2.ok("NotifyPayment", payment(code, bank1, "REF"))
		p1.ok("ValidateCode", portalForm(code, "R"))
		p2.ok("ValidateCode", portalForm(code, "R2"))
		if got := p1.do("CloseCode", el("paymentCode", code), el("closeId", "C"), el("requestNo", "R")); got.result() != "BOUND_TO_OTHER_REQUEST" {
			t.Errorf("closed for the order that is bound no more: %v", got.fields)
		}
		p1.ok("CloseCode", el("paymentCode", code), el("closeId", "C"), el("requestNo", "R2"))
		if got := p2.ok("GetPayment", el("paymentCode", code)); got.fields["state"] != "CLOSED" {
			t.Errorf("the other node says %v", got.fields)
		}
	}

	message := b1.mustSign(request("IssueCode", newID(), order()))
	crew := make([]sending, crowd)
	for i := range crew {
		crew[i] = sending{[]*actor{b1, b2}[i%2], message}
	}
	answers, _ := one.together(crew...)
	for _, a := range answers {
		if a.result() != "OK" || !bytes.Equal(a.raw, answers[0].raw) {
			t.Fatalf("answered\n%s\nand\n%s", a.raw, answers[0].raw)
		}
	}

	code := one.paid()
	for i := range crew {
		crew[i] = []*actor{p1, p2}[i%2].asking("CloseCode", el("paymentCode", code), el("closeId", newID()), el("requestNo", "R"))
	}
	if _, counts := one.together(crew...); !maps.Equal(counts, map[string]int{"OK": 1, "ALREADY_USED": crowd - 1}) {
		t.Errorf("results: %v", counts)
	}
	one.checkArchive(3 * crowd)
}
