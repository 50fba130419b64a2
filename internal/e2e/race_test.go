package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"sync"
	"testing"

	"tolem/internal/tolemtest"
)

// crowd is how many call at once.
const crowd = 100

// sending is a signed message on its way.
type sending struct {
	by      *actor
	message []byte
}

// asking signs a new request.
func (a *actor) asking(operation string, fields ...string) sending {
	a.world.t.Helper()
	return sending{a, a.mustSign(request(operation, newID(), fields...))}
}

// together sends messages at the same moment and counts the results.
func (w *world) together(messages ...sending) ([]answer, map[string]int) {
	w.t.Helper()
	answers, counts := make([]answer, len(messages)), make(map[string]int)
	gate := make(chan struct{})
	var group sync.WaitGroup
	for i, m := range messages {
		group.Go(func() {
			<-gate
			got, err := m.by.send(m.message, nil)
			if err != nil {
				w.t.Error(err)
			}
			answers[i] = got
		})
	}
	close(gate)
	group.Wait()
	for _, a := range answers {
		counts[a.result()]++
	}
	return answers, counts
}

// paid returns a code that is paid and bound to the order R.
func (w *world) paid() string {
	w.t.Helper()
	code := w.actors[bank2].issue()
	w.actors[bank2].ok("NotifyPayment", payment(code, bank2, "REF"))
	w.actors[portal].ok("ValidateCode", portalForm(code, "R"))
	return code
}

func portalForm(code, order string) string {
	return el("paymentCode", code) + el("requestNo", order) + el("recipientIIN", citizen) + el("serviceCode", fixedFee)
}

// The same signed message a hundred times at once, of every operation: one
// effect, a hundred answers that are the same to the byte.
//
// GW-135 GW-P08 GW-P20 GW-P36
func TestSameMessageAtOnce(t *testing.T) {
	t.Parallel()
	tolemtest.Databases(t, func(t *testing.T, database string) {
		w := newWorld(t, database)
		w.serve()
		b1, b2, p := w.actors[bank1], w.actors[bank2], w.actors[portal]
		paid, issued, other := w.paid(), b1.issue(), b2.issue()
		earlier := b2.ok("IssueCode", order())
		before := w.messages()
		for _, m := range []struct {
			operation string
			sending
		}{
			{"IssueCode", b2.asking("IssueCode", order())},
			{"NotifyPayment", b1.asking("NotifyPayment", payment(issued, bank1, "REF"))},
			{"ValidateCode", p.asking("ValidateCode", portalForm(paid, "R2"))},
			{"GetPayment", p.asking("GetPayment", el("paymentCode", paid))},
			{"GetReceipt", p.asking("GetReceipt", el("paymentCode", paid))},
			{"CloseCode", p.asking("CloseCode", el("paymentCode", paid), el("closeId", "C"), el("requestNo", "R2"))},
			{"CancelCode", b2.asking("CancelCode", el("paymentCode", other))},
			{"ListServices", b1.asking("ListServices")},
			{"GetOutcome", b2.asking("GetOutcome", el("ofRequestId", earlier.fields["requestId"]))},
		} {
			crew := make([]sending, crowd)
			for i := range crew {
				crew[i] = m.sending
			}
			answers, counts := w.together(crew...)
			if counts["OK"] != crowd {
				t.Errorf("%s: %v", m.operation, counts)
			}
			for _, a := range answers {
				if !bytes.Equal(a.raw, answers[0].raw) {
					t.Fatalf("%s: answered\n%s\nand\n%s", m.operation, a.raw, answers[0].raw)
				}
			}
			if after := w.messages(); after-before != crowd+1 {
				t.Errorf("%s: %d messages are kept, want every arrival and one answer", m.operation, after-before)
			} else {
				before = after
			}
		}
		if repeated := w.metric("tolem_repeated_requests_total"); repeated != 9*(crowd-1) {
			t.Errorf("%v answers were repetitions", repeated)
		}
	})
}

// Different requests about one code at once: one wins, the others are told.
//
// GW-175 GW-P13 GW-P14 GW-P16 GW-P17 GW-P18 GW-P19 GW-P20
func TestRivalsAtOnce(t *testing.T) {
	t.Parallel()
	tolemtest.Databases(t, func(t *testing.T, database string) {
		w := newWorld(t, database)
		w.serve()
		t.Run("closers", func(t *testing.T) { w.t = t; w.closers() })
		t.Run("payers", func(t *testing.T) { w.t = t; w.payers() })
		t.Run("cancel and pay", func(t *testing.T) { w.t = t; w.cancelAndPay() })
		t.Run("validate and close", func(t *testing.T) { w.t = t; w.validateAndClose() })
		w.t = t
		w.checkArchive(4 * crowd)
	})
}

func (w *world) closers() {
	code, crew := w.paid(), make([]sending, crowd)
	for i := range crew {
		how := el("requestNo", "R")
		if i%2 == 0 {
			how = el("centreId", "7") + el("operatorId", fmt.Sprint(i))
		}
		crew[i] = w.actors[portal].asking("CloseCode", el("paymentCode", code), el("closeId", fmt.Sprint("C", i)), how)
	}
	if _, counts := w.together(crew...); !maps.Equal(counts, map[string]int{"OK": 1, "ALREADY_USED": crowd - 1}) {
		w.t.Errorf("results: %v", counts)
	}
}

func (w *world) payers() {
	code, crew := w.actors[bank1].issue(), make([]sending, crowd)
	for i := range crew {
		by := w.actors[[]string{bank1, bank2}[i%2]]
		crew[i] = by.asking("NotifyPayment", payment(code, by.id, fmt.Sprint("REF", i)))
	}
	if _, counts := w.together(crew...); !maps.Equal(counts, map[string]int{"OK": 1, "DUPLICATE_PAYMENT": crowd/2 - 1, "WRONG_BANK": crowd / 2}) {
		w.t.Errorf("results: %v", counts)
	}
}

func (w *world) cancelAndPay() {
	b := w.actors[bank2]
	for i := range 10 {
		code := b.issue()
		answers, _ := w.together(b.asking("CancelCode", el("paymentCode", code)), b.asking("NotifyPayment", payment(code, bank2, fmt.Sprint("REF", i))))
		late := answers[1].fields["late"] == "true"
		cancelled, paid := answers[0].result(), answers[1].result()
		if paid != "OK" || cancelled != "OK" && cancelled != "ALREADY_PAID" || late != (cancelled == "OK") {
			w.t.Errorf("cancelled: %s, paid: %s, late: %t", cancelled, paid, late)
		}
		if got := w.actors[portal].ok("GetPayment", el("paymentCode", code)); got.fields["state"] != "PAID" {
			w.t.Errorf("the code is %s", got.fields["state"])
		}
	}
}

func (w *world) validateAndClose() {
	p := w.actors[portal]
	for range 10 {
		code := w.paid()
		answers, _ := w.together(p.asking("ValidateCode", portalForm(code, "R2")), p.asking("CloseCode", el("paymentCode", code), el("closeId", "C"), el("requestNo", "R")))
		got := answers[0].result() + " " + answers[1].result()
		state := p.ok("GetPayment", el("paymentCode", code)).fields["state"]
		if want := map[string]string{"OK BOUND_TO_OTHER_REQUEST": "PAID", "ALREADY_USED OK": "CLOSED"}[got]; state != want {
			w.t.Errorf("%s: the code is %s", got, state)
		}
	}
}
