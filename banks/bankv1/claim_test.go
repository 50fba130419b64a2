package bankv1_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/banks/bankv1"
	"tolem/banks/sandbox"
	"tolem/wsdl"
)

// claims returns the order to pay a claim of a day of its own.
var claims = func() func() banks.ClaimOrder {
	day := must(tolem.ParseDay("2026-01-01"))
	return func() banks.ClaimOrder {
		day++
		return banks.ClaimOrder{Account: payer, Claim: tolem.Claim{
			Number: tolem.NewClaimNumber(bank, day, tolem.KZT), Day: day, Bank: bank, Register: "B-20260102-HALYK-1", Count: 2, Amount: amount,
			DueAt: time.Date(2026, 11, 25, 19, 0, 0, 0, time.UTC),
		}}
	}
}()

// Whatever happens to an answer, a claim is paid once, and what the gateway
// believes is what the bank has signed for this claim and amount.
//
// GW-185, GW-186
func TestPayClaim(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	b := w.connector(o, nil)
	for _, c := range []struct {
		how   string
		first banks.Outcome // "": no answer
		err   error
		then  banks.Outcome
	}{
		{"approve", banks.Paid, nil, banks.Paid},
		{"accept", banks.Accepted, nil, banks.Paid},
		{"pending", banks.Pending, nil, banks.Paid},
		{"pending-refuse:NOT_PERMITTED", banks.Pending, nil, banks.Refused},
		{"error:E-1:no contract", banks.Refused, nil, banks.Refused},
		{"approve; lost", "", banks.ErrNoAnswer, banks.Paid},
		{"nothing; lost", "", banks.ErrNoAnswer, banks.Paid},
		{"approve; time-out", "", banks.ErrNoAnswer, banks.Paid},
		{"approve; wrong-amount", "", banks.ErrAmount, banks.Paid},
		{"approve; bad-signature", "", banks.ErrNoAnswer, banks.Paid},
		{"approve; revoked", "", banks.ErrNoAnswer, banks.Paid},
		{"approve; stranger", "", banks.ErrSigner, banks.Paid},
		{"approve; other-request", "", banks.ErrNoAnswer, banks.Paid},
		{"approve; duplicate", "", banks.ErrNoAnswer, banks.Paid},
	} {
		t.Run(c.how, func(t *testing.T) {
			order := claims()
			o.Next(wsdl.BankPayClaim, must(sandbox.ParseBehaviour(c.how)))
			a, err := b.PayClaim(t.Context(), order)
			if a.Outcome != c.first || !errors.Is(err, c.err) {
				t.Fatalf("first: %s, %v", a.Outcome, err)
			}
			if e := a.Evidence; e.Redacted || !bytes.Contains(e.Request, []byte(order.Number)) || c.err == nil && !bytes.Contains(e.Answer, []byte(c.first)) {
				t.Errorf("evidence: %s, %s", e.Request, e.Answer)
			}
			first, known := o.Claim(order.Number)
			if a, err = b.PayClaim(t.Context(), order); err != nil || a.Outcome != c.then {
				t.Fatalf("then: %s, %v", a.Outcome, err)
			}
			now, _ := o.Claim(order.Number)
			if a.Outcome == banks.Paid && (a.BankRef != now.BankRef || !a.PaidAt.Equal(now.PaidAt) || a.Amount != amount) {
				t.Errorf("%+v, the book has %+v", a, now)
			}
			if a.Outcome == banks.Refused && a.BankText == "" {
				t.Error("refused without a word")
			}
			if known && first.State == sandbox.Paid && !now.PaidAt.Equal(first.PaidAt) {
				t.Error("paid twice")
			}
			order.Amount.Minor++
			if _, err = b.PayClaim(t.Context(), order); !errors.Is(err, banks.ErrOtherContent) {
				t.Errorf("another amount under the same number: %v", err)
			}
		})
	}
	if entries := o.Entries(); len(entries) != 0 {
		t.Errorf("claims stand among attempts: %+v", entries)
	}
}

// What a claim of a refund names goes to the bank; what is no claim of this bank
// is not sent.
//
// GW-186
func TestClaimOfRefund(t *testing.T) {
	w, offices := newWorld(t)
	b := w.connector(offices[bank], nil)
	order := claims()
	order.Number, order.Register, order.BankRef = tolem.NewRefundClaimNumber(bank, code, tolem.KZT), "", "S1"
	a, err := b.PayClaim(t.Context(), order)
	if err != nil || a.Outcome != banks.Paid {
		t.Fatalf("%+v, %v", a, err)
	}
	for _, want := range []string{"<kind>REFUND</kind>", "<paymentCode>0000000000000195</paymentCode>", "<bankRef>S1</bankRef>"} {
		if !bytes.Contains(a.Evidence.Request, []byte(want)) {
			t.Errorf("no %s in %s", want, a.Evidence.Request)
		}
	}
	for name, spoil := range map[string]func(*banks.ClaimOrder){
		"another's":  func(o *banks.ClaimOrder) { o.Number = tolem.NewClaimNumber("KASPI", o.Day, tolem.KZT) },
		"no number":  func(o *banks.ClaimOrder) { o.Number = "C-1" },
		"nothing":    func(o *banks.ClaimOrder) { o.Amount.Minor = 0 },
		"due never":  func(o *banks.ClaimOrder) { o.DueAt = time.Time{} },
		"no account": func(o *banks.ClaimOrder) { o.Account = "KZ\n1" },
	} {
		o := claims()
		spoil(&o)
		if a, err := b.PayClaim(t.Context(), o); !errors.Is(err, banks.ErrNotSent) || !errors.Is(err, banks.ErrOrder) || a.Evidence.Request != nil {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	if last := w.calls[len(w.calls)-1]; last.Operation != wsdl.BankPayClaim || last.Claim == "" {
		t.Errorf("reported: %+v", last)
	}
	down := w.connector(offices[bank], func(c *bankv1.Config) { c.Address = "https://127.0.0.1:1/bank/v1" })
	if _, err := down.PayClaim(t.Context(), claims()); !errors.Is(err, banks.ErrNotSent) {
		t.Errorf("nobody there: %v", err)
	}
}
