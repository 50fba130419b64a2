package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"

	"tolem/internal/tolemtest"
)

// A code from its issue to its closing, through the running program, and what
// is left of it: the payment, the receipt, the stored answers, the archive.
//
// GW-067 GW-068 GW-130 GW-131 GW-135 GW-138 GW-158 GW-159 GW-162 GW-169 GW-174 GW-175 GW-P19 GW-P44
func TestLifeOfACode(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, database string) {
		w := newWorld(t, database)
		w.serve()
		b, p := w.actors[bank1], w.actors[portal]

		code := b.issue()
		if got := p.do("ValidateCode", el("paymentCode", code), el("requestNo", "R1"), el("recipientIIN", citizen), el("serviceCode", fixedFee)); got.result() != "NOT_PAID" {
			t.Errorf("validated unpaid: %v", got.fields)
		}
		notification := b.mustSign(request("NotifyPayment", newID(), payment(code, bank1, "REF-1")))
		paid := b.must(notification)
		if paid.result() != "OK" || paid.fields["state"] != "PAID" || paid.ec {
			t.Errorf("paid: %v, signed with EC: %t", paid.fields, paid.ec)
		}
		if again := b.must(notification); !bytes.Equal(again.raw, paid.raw) {
			t.Errorf("the repetition was answered otherwise:\n%s\n%s", paid.raw, again.raw)
		}
		valid := p.ok("ValidateCode", el("paymentCode", code), el("requestNo", "R1"), el("recipientIIN", citizen), el("serviceCode", fixedFee))
		if valid.fields["recipientName"] != fullName || valid.fields["boundRequestNo"] != "R1" || !valid.ec {
			t.Errorf("validated: %v", valid.fields)
		}
		if got := p.do("CloseCode", el("paymentCode", code), el("closeId", "C0"), el("requestNo", "R2")); got.result() != "BOUND_TO_OTHER_REQUEST" {
			t.Errorf("closed for another order: %v", got.fields)
		}
		p.ok("CloseCode", el("paymentCode", code), el("closeId", "C1"), el("requestNo", "R1"))
		if got := p.do("CloseCode", el("paymentCode", code), el("closeId", "C2"), el("requestNo", "R1")); got.result() != "ALREADY_USED" {
			t.Errorf("closed twice: %v", got.fields)
		}
		if got := p.ok("GetPayment", el("paymentCode", code)); got.fields["state"] != "CLOSED" || got.fields["bankRef"] != "REF-1" {
			t.Errorf("payment: %v", got.fields)
		}
		outcome := b.ok("GetOutcome", el("ofRequestId", paid.fields["requestId"]))
		if stored, err := base64.StdEncoding.DecodeString(outcome.fields["answer"]); err != nil || !bytes.Equal(stored, paid.raw) {
			t.Errorf("the stored answer is %s, %v", stored, err)
		}
		services := p.ok("ListServices")
		if services.fields["fixedAmount"] != "1200.00" {
			t.Errorf("services: %v", services.fields)
		}
		w.checkReceipt(p.ok("GetReceipt", el("paymentCode", code)))
		w.checkArchive(20)
	})
}

// checkReceipt holds a receipt against `tolem verify receipt`.
func (w *world) checkReceipt(got answer) {
	w.t.Helper()
	receipt, err := base64.StdEncoding.DecodeString(got.fields["receipt"])
	if err != nil || !bytes.Contains(receipt, []byte(fullName)) {
		w.t.Errorf("receipt: %s, %v", receipt, err)
	}
}

// archiveReport is what `tolem verify archive` says.
type archiveReport struct {
	Messages, Sealed, Pending, AlteredCount int64
}

// archive verifies the archive with the program.
func (w *world) archive() archiveReport {
	w.t.Helper()
	out, code := commandExit(w.t, "verify", "archive", "--config", w.config, "--json")
	var report archiveReport
	if err := json.Unmarshal(out, &report); err != nil || code != 0 || report.AlteredCount != 0 {
		w.t.Errorf("archive: exit %d, %v: %s", code, err, out)
	}
	return report
}

// checkArchive verifies the archive; it must hold at least so many messages.
func (w *world) checkArchive(atLeast int64) {
	w.t.Helper()
	report := w.archive()
	if report.Messages < atLeast {
		w.t.Errorf("the archive holds %d messages, want at least %d", report.Messages, atLeast)
	}
	w.t.Logf("the archive verifies: %d messages", report.Messages)
}
