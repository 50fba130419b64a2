package redirect_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/gateway"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/store"
	"tolem/wsdl"
	"tolem/wsdl/client/merchant"
)

// told returns what the merchant was told of an order, as it is kept.
func (w *world) told(no tolem.RequestNo) (list []store.MerchantResult) {
	w.t.Helper()
	must(w.t, w.db.View(w.t.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.Results(shopID, no)
		return err
	}))
	return list
}

// The merchant learns the refusal with its reason and the order number, and then
// the positive result, the payment, and that it was taken back: each once, in
// order, signed. ACQ-020, ACQ-024, ACQ-P10, ACQ-P12, ACQ-P14
func TestMerchantIsTold(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := w.order("INV/1")
		id := w.mustCome(o)
		w.bank.set(banks.Refused, nil)
		must(t, w.pay(id))
		if got := w.carry(); got != "REFUSED" {
			t.Fatalf("told %q", got)
		}
		r := w.taken[0]
		if r.OrderNo != o.OrderNo || r.Reason != tolem.RefusedInsufficient || r.Authorisation != "REFUSED" || r.BankCode != "51" || r.Amount != o.Amount ||
			r.Card != "492912******1236" || r.Bank != bankID || r.Sequence != 1 || r.BankRef != "" || !r.PaidAt.IsZero() {
			t.Errorf("refusal %+v", r)
		}
		if strings.Contains(string(r.Document), "4929123456781236") || !strings.Contains(r.BankText, "no <funds>") {
			t.Errorf("the bank's words: %q", r.BankText)
		}

		id = w.mustCome(o)
		w.bank.set(banks.Approved, nil)
		must(t, w.pay(id))
		if got := w.carry(); got != "REFUSED AUTHORISED" {
			t.Fatalf("told %q", got)
		}
		w.notify(id)
		if got := w.carry(); got != "REFUSED AUTHORISED PAID" {
			t.Fatalf("told %q", got)
		}
		r = w.taken[2]
		if r.Authorisation != "APPROVED" || r.Reason != "" || r.BankRef != "RRN-1" || r.PaidAt.IsZero() || r.Sequence != 3 || r.Code != w.view(id).Code.Number {
			t.Errorf("payment %+v", r)
		}

		refund := gateway.Refund{Code: r.Code, By: "a.ospanova", Reason: "returned"}
		w.bank.set(banks.Reversed, nil)
		if result, err := w.Refund(t.Context(), refund); err != nil || result.Result != tolem.OK {
			t.Fatal(result, err)
		}
		if _, err := w.gateway.RefundCode(t.Context(), refund); err != nil { // changes nothing any more
			t.Fatal(err)
		}
		w.clock.Advance(time.Second)
		must(t, w.AskDue(t.Context()))
		must(t, w.Wait(t.Context()))
		if got := w.carry(); got != "REFUSED AUTHORISED PAID REFUNDED REVERSED" {
			t.Fatalf("told %q", got)
		}
		for i, r := range w.taken {
			if r.Sequence != i+1 || r.Number != tolem.ResultNumber(r.Attempt, r.State) {
				t.Errorf("result %d: %s, sequence %d", i+1, r.Number, r.Sequence)
			}
			w.readByOthers(r.Document)
		}
		w.evidenceOfResults(r.Code, len(w.taken))
	})
}

// readByOthers has programs that are not ours judge a result.
func (w *world) readByOthers(document []byte) {
	w.t.Helper()
	dir := w.t.TempDir()
	file, schema := filepath.Join(dir, "result.xml"), filepath.Join(dir, "result.xsd")
	must(w.t, os.WriteFile(file, document, 0o600))
	must(w.t, os.WriteFile(schema, wsdl.ResultSchema(), 0o600))
	if out, err := exec.Command(tolemtest.RequireTool(w.t, "xmllint"), "--noout", "--nonet", "--schema", schema, file).CombinedOutput(); err != nil {
		w.t.Errorf("xmllint: %v\n%s\n%s", err, out, document)
	}
	if out, err := exec.Command(tolemtest.RequireTool(w.t, "xmlsec1"), "--verify",
		"--trusted-pem", filepath.Join(w.pki.Dir, pki.AnchorsDir, "root.pem"), "--untrusted-pem", filepath.Join(w.pki.Dir, pki.IntermediatesDir, "intermediate.pem"), file).CombinedOutput(); err != nil {
		w.t.Errorf("xmlsec1: %v\n%s", err, out)
	}
}

// evidenceOfResults looks for each result and each answer to it in the archive.
func (w *world) evidenceOfResults(code tolem.CodeNumber, want int) {
	w.t.Helper()
	documents, answers := 0, 0
	must(w.t, w.evidence.Walk(w.t.Context(), func(time.Time, bool) bool { return true }, func(records []archive.Record) error {
		for _, r := range records {
			switch {
			case r.Direction == archive.Out && r.Code == code && bytes.HasPrefix(r.Raw, []byte("<result ")):
				documents++
			case r.Operation == "PostDocument" && bytes.Contains(r.Raw, []byte(`"status":200`)):
				answers++
			}
		}
		return nil
	}))
	reports, err := w.evidence.VerifyCode(w.t.Context(), code, archive.Check{})
	must(w.t, err)
	verified := 0
	for _, r := range reports {
		// The messages of the bank of these tests are no messages.
		if r.Operation == gateway.OpOpenOrder || r.Operation == "" && r.Direction == "out" {
			if verified++; !r.OK() || r.Signer == "" {
				w.t.Errorf("%s %s: %v", r.Direction, r.Operation, r.Findings)
			}
		}
	}
	if redirects := 2; verified != want+redirects {
		w.t.Errorf("%d signatures are verified as of then", verified)
	}
	if documents != want || answers != want {
		w.t.Errorf("%d documents and %d answers are kept of %d", documents, answers, want)
	}
}

// Until the shop has taken a result it comes again, the same bytes; the deliveries
// are on the list. One that had to wait may be overtaken: its sequence tells that.
// ACQ-P12
func TestResultComesUntilItIsTaken(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		id := w.mustCome(w.order("A-1"))
		w.away = true
		w.bank.set(banks.Approved, nil)
		must(t, w.pay(id))
		if got := w.carry() + w.carry(); got != "" {
			t.Fatalf("taken %q", got)
		}
		w.notify(id)
		w.mu.Lock()
		w.away = false
		w.mu.Unlock()
		if got := w.carry(); got != "PAID AUTHORISED" || w.taken[0].Sequence != 2 || w.taken[1].Sequence != 1 {
			t.Fatalf("taken %q", got)
		}
		told := w.told("A-1")
		if len(told) != 2 || !bytes.Equal(told[0].Document, w.taken[1].Document) {
			t.Errorf("told %d results, or other bytes than were kept", len(told))
		}
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			sent, err := tx.DeliveriesOf(told[0].Number)
			if err != nil || len(sent) != 1 || sent[0].State != tolem.DeliveryDelivered || sent[0].Kind != tolem.DeliverResult || sent[0].Attempts != 3 {
				t.Errorf("deliveries %+v, %v", sent, err)
			}
			return nil
		}))
		// Resent, it is recognised and acknowledged once more.
		must(t, w.db.Update(t.Context(), func(tx *store.Tx) error {
			sent, err := tx.DeliveriesOf(told[0].Number)
			return errors.Join(err, tx.ResendDelivery(sent[0], "a.ospanova"))
		}))
		if got := w.carry(); got != "PAID AUTHORISED" {
			t.Errorf("taken %q after a resend", got)
		}
	})
}

// A notification that overtakes the answer to the attempt: the merchant is told
// of the payment once, and nothing of it is taken back by what comes later.
func TestNotificationOvertakesTheAnswer(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for i, late := range []banks.Outcome{banks.Approved, banks.Refused} {
			o := w.order("A-" + string(rune('1'+i)))
			id := w.mustCome(o)
			w.bank.set("", banks.ErrNoAnswer)
			must(t, w.pay(id))
			w.notify(id)
			w.bank.set(late, nil)
			w.clock.Advance(6 * time.Minute)
			must(t, w.AskDue(t.Context()))
			must(t, w.Wait(t.Context()))
			told := w.told(o.OrderNo)
			if len(told) != 1 || told[0].State != tolem.OrderPaid {
				t.Fatalf("%s: told %+v", late, told)
			}
			r, err := merchant.ReadResult(told[0].Document, merchant.Trust{w.signer.Certificate()}, w.clock.Now())
			if err != nil || r.BankRef != "RRN-1" || r.PaidAt.IsZero() {
				t.Errorf("%s: %+v, %v", late, r, err)
			}
		}
	})
}

// What nobody decided is not told: a payer who leaves, silence of the bank.
func TestNothingIsToldOfWhatIsOpen(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		must(t, w.Cancel(t.Context(), w.mustCome(w.order("A-1"))))
		w.bank.set("", banks.ErrNoAnswer)
		must(t, w.pay(w.mustCome(w.order("A-2"))))
		if told := append(w.told("A-1"), w.told("A-2")...); len(told) != 0 {
			t.Errorf("told %+v", told)
		}
	})
}

// The bank's notification and its answer to the attempt come at once: whichever
// is first, the merchant is told of the payment once, and in order.
func TestResultRace(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.bank.set(banks.Approved, nil)
		for i := range 12 {
			o := w.order("A-" + string(rune('a'+i)))
			id := w.mustCome(o)
			must(t, w.PayCard(t.Context(), id, w.card()))
			w.notify(id)
			must(t, w.Wait(t.Context()))
			var states []string
			for j, r := range w.told(o.OrderNo) {
				if states = append(states, string(r.State)); r.Sequence != int64(j+1) {
					t.Errorf("sequence %d at place %d", r.Sequence, j+1)
				}
			}
			if got := strings.Join(states, " "); got != "PAID" && got != "AUTHORISED PAID" {
				t.Errorf("told %q", got)
			}
		}
	})
}
