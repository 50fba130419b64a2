package registry

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/signing"
	"tolem/store"
)

// list writes rows as a bank would submit them.
func list(rows ...tolem.RegisterRow) string {
	var b strings.Builder
	b.WriteString("paymentCode;bankRef;amount;currency;paidAt\r\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "%s;%s;%s;%s;%s\r\n", r.Code.Printed(), r.BankRef, r.Amount.Decimal(), r.Amount.Currency, r.PaidAt.Format(time.RFC3339))
	}
	return b.String()
}

// submit hands a list in, in parts of a size, and returns its number.
func (w *world) submit(id string, who tolem.ParticipantID, day tolem.Day, text string, size int) (tolem.ReconciliationNumber, error) {
	w.t.Helper()
	p, _ := w.names.Participant(who)
	owner := w.registry.OwnersOf(p)[0]
	var number tolem.ReconciliationNumber
	of := (len(text) + size - 1) / size
	for i := range of {
		data := []byte(text[i*size : min(len(text), (i+1)*size)])
		err := w.db.Update(w.t.Context(), func(tx *store.Tx) error {
			s, _, err := w.registry.Submit(tx, p, Part{ID: id, Owner: owner, Day: day, No: i + 1, Of: of, Data: data})
			number = s.Number
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return number, nil
}

// GW-P28: a list is compared with the register; the report is signed, kept as
// evidence and names what differs.
func TestReconcile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		var rows []tolem.RegisterRow
		for range 5 {
			w.paid(pay{})
		}
		unpaid, unsealed := w.issue(pay{}), w.issue(pay{})
		w.sealed(testDay)
		w.notify(w.notification(unsealed, pay{})) // on the next day, which is open
		reg := w.built(tolem.BankRegister, "BANK-A", testDay)
		rows = w.rows(reg)
		theirs := append([]tolem.RegisterRow{}, rows[:4]...) // the fifth is missing there
		theirs[1].Amount.Minor += 5
		for _, c := range []tolem.Code{unpaid, unsealed} {
			theirs = append(theirs, tolem.RegisterRow{Code: c.Number, BankRef: "X", Amount: c.Amount, PaidAt: rows[0].PaidAt})
		}
		if _, err := w.submit("1", "BANK-A", testDay+1, list(theirs...), 100); !errors.Is(err, ErrNotSealed) {
			t.Errorf("list for an open day: %v", err)
		}
		number, err := w.submit("1", "BANK-A", testDay, list(theirs...), 100)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := w.submit("1", "BANK-A", testDay, list(theirs...), 100); err != nil || again != number {
			t.Errorf("submitted again: %s, %v", again, err)
		}
		if _, err := w.submit("1", "BANK-A", testDay, list(theirs[1:]...), 100); !errors.Is(err, ErrPart) {
			t.Errorf("other content under the same id: %v", err)
		}
		waiting, err := w.registry.Waiting(t.Context(), 10)
		if err != nil || len(waiting) != 1 || waiting[0].Number != number {
			t.Fatalf("%+v, %v", waiting, err)
		}
		rec, err := w.registry.Reconcile(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		document, err := ReportXML(rec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signing.VerifyStreamed(bytes.NewReader(document), int64(len(document)), anyTrust{}, w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"<code>AMOUNT_DIFFERS</code><registerLine>2</registerLine><listLine>2</listLine>",
			"<code>MISSING_THERE</code><registerLine>5</registerLine>",
			"<code>NOT_PAID_HERE</code><listLine>5</listLine>", "<code>OTHER_DAY</code><listLine>6</listLine>",
		} {
			if !strings.Contains(string(document), want) {
				t.Errorf("no %s in\n%s", want, document)
			}
		}
		if rec.Anomalies != 4 || rec.Matched != 4 || rec.Agreed != 3 {
			t.Errorf("%+v", rec)
		}
		again, err := w.registry.Reconcile(t.Context(), number)
		if err != nil || again.Hash != rec.Hash || !again.MadeAt.Equal(rec.MadeAt) {
			t.Errorf("compared twice: %v", err)
		}
		if waiting, err := w.registry.Waiting(t.Context(), 10); err != nil || len(waiting) != 0 {
			t.Errorf("%+v, %v", waiting, err)
		}
		w.seen("BANK-B", number, ErrForeign)
		w.seen("A-1", number, ErrForeign)
		w.seen("BANK-A", number, nil)
		w.inEvidence(string(number))
	})
}

// seen checks whether a participant may see a report.
func (w *world) seen(who tolem.ParticipantID, n tolem.ReconciliationNumber, want error) {
	w.t.Helper()
	p, _ := w.names.Participant(who)
	err := w.db.View(w.t.Context(), func(tx *store.Tx) error {
		_, _, err := w.registry.ReportOf(tx, p, n)
		return err
	})
	if !errors.Is(err, want) {
		w.t.Errorf("%s sees %s: %v, want %v", who, n, err, want)
	}
}

// inEvidence checks that a document with a text is in the archive.
func (w *world) inEvidence(text string) {
	w.t.Helper()
	found := false
	err := w.registry.evidence.Walk(w.t.Context(), func(time.Time, bool) bool { return true }, func(records []archive.Record) error {
		for _, r := range records {
			found = found || bytes.Contains(r.Raw, []byte(text))
		}
		return nil
	})
	if err != nil || !found {
		w.t.Errorf("%s is not in the evidence: %v", text, err)
	}
}

// A list that is none is refused with a code, and characters that XML cannot
// hold spoil no report.
func TestUnreadableList(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := w.paid(pay{})
		w.sealed(testDay)
		w.built(tolem.BankRegister, "BANK-A", testDay)
		for id, text := range map[string]string{
			"picture": "\x89PNG\r\n\x1a\n\x00\x00",
			"control": "paymentCode,bankRef,amount,currency\n" + c.Number.String() + ",RE\x01F\x00<&>,1200.00,KZT\n",
			"bytes":   "paymentCode,bankRef,amount,currency\n" + c.Number.String() + ",\xff\xfe,1200.00,KZT\n",
		} {
			number, err := w.submit(id, "BANK-A", testDay, text, 1000)
			if err != nil {
				t.Fatal(err)
			}
			rec, err := w.registry.Reconcile(t.Context(), number)
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			document, err := ReportXML(rec)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := signing.VerifyEnveloped(document, anyTrust{}, w.clock.Now()); err != nil {
				t.Errorf("%s: %v\n%q", id, err, document)
			}
			if rec.Refusal == "" && rec.Anomalies == 0 {
				t.Errorf("%s was taken: %+v", id, rec)
			}
		}
	})
}
