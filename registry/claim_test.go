package registry

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"tolem"
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
