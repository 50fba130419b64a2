package registry

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/store"
)

// GW-185 GW-P40: the claim of a bank and day names list, count and sum of the
// paid operations; it is signed, answered by its bank and followed to paid.
func TestClaim(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.paid(pay{amount: 1000_00})
		w.refund(w.paid(pay{amount: 300_00}).Number)
		w.sealed(testDay)
		claims, err := w.registry.Claim(t.Context(), "BANK-A", testDay)
		if err != nil || len(claims) != 1 {
			t.Fatalf("%+v, %v", claims, err)
		}
		c := claims[0]
		if c.Number != "C-20261120-BANK-A-KZT" || c.Amount.Minor != 1000_00 || c.Count != 2 || c.Register != "B-20261120-BANK-A-1" {
			t.Errorf("%+v", c.Claim)
		}
		if got := w.registry.Calendar.DayOf(c.DueAt.Add(-time.Second)); got != testDay+4 { // Tuesday
			t.Errorf("due %s", got)
		}
		signed, err := signing.VerifyEnveloped(c.Document, anyTrust{}, w.clock.Now())
		if err != nil || !bytes.Contains(signed.Content, []byte("<amount>1000.00</amount>")) {
			t.Fatalf("%v\n%s", err, c.Document)
		}
		again, err := w.registry.Claim(t.Context(), "BANK-A", testDay)
		if err != nil || !bytes.Equal(again[0].Document, c.Document) {
			t.Errorf("made twice: %v", err)
		}
		if none, err := w.registry.Claim(t.Context(), "BANK-B", testDay); err != nil || len(none) != 0 {
			t.Errorf("claim for nothing: %+v, %v", none, err)
		}

		answer := func(who tolem.ParticipantID, state tolem.ClaimState) error {
			p, _ := w.names.Participant(who)
			return w.db.Update(t.Context(), func(tx *store.Tx) error {
				_, err := w.registry.AnswerClaim(tx, p, c.Number, state, "note")
				return err
			})
		}
		money := func(minor int64) error {
			_, err := w.registry.Paid(t.Context(), c.Number, tolem.Money{Minor: minor, Currency: tolem.KZT}, "MT103", "cashier")
			return err
		}
		for i, s := range []struct {
			got  error
			want error
		}{
			{answer("BANK-B", tolem.ClaimAcknowledged), ErrForeign},
			{answer("BANK-A", tolem.ClaimPaid), ErrClaimState}, // the operator says that
			{answer("BANK-A", tolem.ClaimDisputed), nil},
			{answer("BANK-A", tolem.ClaimAcknowledged), nil},
			{money(1000_01), ErrOverpaid},
			{money(400_00), nil},
			{money(600_00), nil},
			{money(1), ErrOverpaid},
			{answer("BANK-A", tolem.ClaimDisputed), ErrClaimState},
		} {
			if !errors.Is(s.got, s.want) {
				t.Errorf("step %d: %v, want %v", i, s.got, s.want)
			}
		}
		err = w.db.View(t.Context(), func(tx *store.Tx) error {
			steps, err := tx.ClaimSteps(c.Number)
			if got := tolem.StandingOf(steps); got.State != tolem.ClaimPaid || got.Paid != 1000_00 || len(steps) != 5 {
				t.Errorf("%+v", steps)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.registry.Withdraw(t.Context(), c.Number, "no", "operator"); !errors.Is(err, ErrClaimState) {
			t.Errorf("a paid claim was withdrawn: %v", err)
		}
	})
}

// GW-P40: a claim that several people work on at once counts every payment once.
func TestClaimRace(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.paid(pay{amount: 64_00})
		w.sealed(testDay)
		claims, err := w.registry.Claim(t.Context(), "BANK-A", testDay)
		if err != nil {
			t.Fatal(err)
		}
		errs := make(chan error)
		for range 8 {
			go func() {
				_, err := w.registry.Paid(t.Context(), claims[0].Number, tolem.Money{Minor: 16_00, Currency: tolem.KZT}, "part", "x")
				errs <- err
			}()
		}
		good := 0
		for range 8 {
			if err := <-errs; err == nil {
				good++
			} else if !errors.Is(err, ErrOverpaid) {
				t.Error(err)
			}
		}
		if good != 4 {
			t.Errorf("%d parts of a quarter were taken", good)
		}
	})
}

// GW-186 GW-P39 GW-P40: the day of a refund has it subtracted; what the bank keeps
// of it all the same is claimed by itself, signed, with the bank's number of the
// payment. The bank's answers stand among its steps, and doctor compares all of
// it with the evidence.
func TestClaimOfRefund(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		zone := almaty(t)
		w := newWorld(t, dsn, zone, time.Date(2026, time.November, 20, 10, 0, 0, 0, zone))
		kept, back := w.paid(pay{amount: 1000_00}), w.paid(pay{amount: 300_00})
		if _, err := w.registry.KeptByBank(t.Context(), kept.Number); !errors.Is(err, ErrNotRefunded) {
			t.Errorf("of a payment that stands: %v", err)
		}
		w.refund(back.Number)
		u, err := w.registry.KeptByBank(t.Context(), back.Number)
		if err != nil {
			t.Fatal(err)
		}
		if open, err := w.registry.Unclaimed(t.Context()); err != nil || len(open) != 1 || open[0].Code != back.Number {
			t.Errorf("unclaimed: %+v, %v", open, err)
		}
		c, err := w.registry.ClaimRefund(t.Context(), u)
		if err != nil || c.Number.Code() != back.Number || c.Amount.Minor != 300_00 || c.Day != testDay || c.Register != "" {
			t.Fatalf("%+v, %v", c.Claim, err)
		}
		w.update(func(tx *store.Tx) error { return tx.SetClaimed(back.Number, c.Number) })
		w.update(func(tx *store.Tx) error { return tx.SetClaimed(back.Number, c.Number) })
		if open, err := w.registry.Unclaimed(t.Context()); err != nil || len(open) != 0 {
			t.Errorf("still unclaimed: %+v, %v", open, err)
		}
		signed, err := signing.VerifyEnveloped(c.Document, anyTrust{}, w.clock.Now())
		want := "<paymentCode>" + back.Number.String() + "</paymentCode><bankRef>" + string(u.BankRef) + "</bankRef>"
		if err != nil || !bytes.Contains(signed.Content, []byte(want)) {
			t.Fatalf("%v\n%s", err, c.Document)
		}
		var csv bytes.Buffer
		if err := w.registry.RenderClaim(t.Context(), &csv, c, tolem.FormCSV, "ru"); err != nil || !strings.Contains(csv.String(), back.Number.Printed()) {
			t.Errorf("%v\n%s", err, csv.String())
		}
		for i, said := range []struct {
			state tolem.ClaimState
			note  string
			steps int
		}{
			{tolem.ClaimDisputed, "no such payment", 2}, {tolem.ClaimDisputed, "no such payment", 2}, {tolem.ClaimAcknowledged, "", 3},
			{tolem.ClaimAcknowledged, "", 3}, {tolem.ClaimAcknowledged, "paid by the bank: T1", 4}, {tolem.ClaimAcknowledged, "paid by the bank: T1", 4},
		} {
			w.update(func(tx *store.Tx) error {
				_, err := w.registry.Answered(tx, c.Claim, said.state, said.note)
				return err
			})
			w.update(func(tx *store.Tx) error {
				steps, err := tx.ClaimSteps(c.Number)
				if len(steps) != said.steps {
					t.Errorf("answer %d: %+v", i, steps)
				}
				return err
			})
			w.clock.Advance(time.Second)
		}
		w.sealed(testDay)
		if err := w.registry.Count(t.Context(), testDay); err != nil {
			t.Fatal(err)
		}
		owners, err := w.registry.Owners(t.Context(), testDay)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range owners {
			w.built(o.Kind, o.ID, testDay)
		}
		day, err := w.registry.Claim(t.Context(), "BANK-A", testDay)
		if err != nil || len(day) != 1 || day[0].Amount.Minor != 1000_00 {
			t.Fatalf("claim of the day: %+v, %v", day, err)
		}
		check := func() []Finding {
			found, err := w.registry.Check(t.Context(), testDay, testDay, nil)
			if err != nil {
				t.Fatal(err)
			}
			return found.Findings
		}
		if found := check(); len(found) > 0 {
			t.Fatalf("an untouched database: %+v", found)
		}
		raw := rawDatabase(t, dsn)
		for _, statement := range []string{
			"UPDATE claim SET amount = amount + 1 WHERE number = $1", "UPDATE claim_step SET note = 'x' WHERE number = $1 AND line = 3",
			"DELETE FROM claim WHERE number = $1",
		} {
			if _, err := raw.Exec(statement, string(c.Number)); err != nil {
				t.Fatal(err)
			}
			if found := check(); !slices.ContainsFunc(found, func(f Finding) bool { return f.Record == string(c.Number) }) {
				t.Errorf("%s: %+v", statement, found)
			}
			if strings.HasPrefix(statement, "UPDATE claim SET") {
				if _, err := raw.Exec("UPDATE claim SET amount = amount - 1 WHERE number = $1", string(c.Number)); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
