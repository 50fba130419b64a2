package bankv1_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/banks/bankv1"
	"tolem/banks/sandbox"
)

// want is what a scripted behaviour must come to: at the call, and when the bank
// is asked how the attempt stands.
type want struct {
	call   banks.Outcome // "" for no answer
	status banks.Outcome
	reason tolem.RefusalReason
	taken  bool // the money
}

var refusedFor = func(r tolem.RefusalReason) want { return want{call: banks.Refused, status: banks.Refused, reason: r} }

var lost = want{status: banks.Approved, taken: true}

var wants = map[string]want{
	"insufficient funds":                     refusedFor(tolem.RefusedInsufficient),
	"limit exceeded":                         refusedFor(tolem.RefusedLimit),
	"card not accepted":                      refusedFor(tolem.RefusedCard),
	"card expired":                           refusedFor(tolem.RefusedExpiredCard),
	"wrong security code":                    refusedFor(tolem.RefusedCVC),
	"wrong account":                          refusedFor(tolem.RefusedAccount),
	"wrong holder":                           refusedFor(tolem.RefusedHolder),
	"not permitted":                          refusedFor(tolem.RefusedByRules),
	"problem of the bank":                    refusedFor(tolem.RefusedTechnical),
	"error code with description":            refusedFor(tolem.RefusedTechnical),
	"time-out, nothing done":                 {status: banks.UnknownAttempt},
	"done, answer lost":                      lost,
	"not done, connection lost":              {status: banks.UnknownAttempt},
	"late answer":                            lost,
	"duplicate answer":                       lost,
	"wrong amount in the answer":             lost,
	"bad signature":                          lost,
	"signed with a revoked certificate":      lost,
	"signed by another participant":          lost,
	"answer to another request":              lost,
	"page for people in place of an answer":  lost,
	"pending, then approved":                 {call: banks.Pending, status: banks.Approved, taken: true},
	"pending, then refused":                  {call: banks.Pending, status: banks.Refused, reason: tolem.RefusedInsufficient},
	"refused, answer lost":                   {status: banks.Refused, reason: tolem.RefusedInsufficient},
	"done, time-out":                         lost,
	"approved, cannot be reversed":           {call: banks.Approved, status: banks.Approved, taken: true},
	"approved, never notified":               {call: banks.Approved, status: banks.Approved, taken: true},
	"approved, notified late":                {call: banks.Approved, status: banks.Approved, taken: true},
	"approved, notified twice":               {call: banks.Approved, status: banks.Approved, taken: true},
	"approved, notified with another amount": {call: banks.Approved, status: banks.Approved, taken: true},
	"answer lost, never notified":            lost,
}

// GW-083 GW-086 GW-099 GW-101 GW-102 GW-P34: whatever the bank does, by card and
// from an account, asked for by the card, the account or the amount: the call
// says what is certain and no more, and the bank's word on the attempt decides
// it. ACQ-014 ACQ-018 ACQ-022 ACQ-P08 ACQ-P09
func TestEveryBehaviour(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	b := w.connector(o, nil)
	if len(wants) != len(sandbox.Table) {
		t.Errorf("%d expectations for %d behaviours", len(wants), len(sandbox.Table))
	}
	for _, c := range sandbox.Table {
		for _, kind := range []sandbox.Kind{sandbox.KindCard, sandbox.KindAccount} {
			for _, by := range []string{"number", "amount"} {
				t.Run(fmt.Sprintf("%s/%s/by %s", c.Name, kind, by), func(t *testing.T) {
					t.Parallel()
					number, account, m := c.Card(), c.Account(), amount
					if by == "amount" {
						number, account, m = goodCard, payer, c.Amount(amount)
					}
					check(t, o, b, kind, number, account, m, wants[c.Name])
				})
			}
		}
	}
}

func check(t *testing.T, o *office, b *bankv1.Connector, kind sandbox.Kind, number, account string, m tolem.Money, want want) {
	id := attempts()
	a, err := pay(t, b, kind, id, number, account, m)
	switch {
	case want.call == "":
		if !errors.Is(err, banks.ErrNoAnswer) || errors.Is(err, banks.ErrNotSent) {
			t.Errorf("the call says %v, want no answer", err)
		}
		if a.Outcome != "" || a.Evidence.Request == nil {
			t.Errorf("with no answer came %q; %d bytes of the request kept", a.Outcome, len(a.Evidence.Request))
		}
	case err != nil || a.Outcome != want.call:
		t.Fatalf("the call says %s, %v, want %s", a.Outcome, err, want.call)
	default:
		complete(t, a, want, m)
	}
	a, err = b.Status(t.Context(), id)
	if err != nil || a.Outcome != want.status {
		t.Fatalf("asked, the bank says %s, %v, want %s", a.Outcome, err, want.status)
	}
	complete(t, a, want, m)
	if err := a.Check(m); err != nil {
		t.Error(err)
	}
	e, _ := o.Entry(id)
	if taken := e.State == sandbox.Approved; taken != want.taken || taken && e.Amount() != m {
		t.Errorf("the book says %s %s", e.State, e.Amount())
	}
	// A bank that was asked about what it did not know does not do it later.
	if want.status == banks.UnknownAttempt {
		a, err = pay(t, b, kind, id, number, account, m)
		if err != nil || a.Outcome != banks.Refused {
			t.Errorf("coming late it is %s, %v", a.Outcome, err)
		}
	}
}

// complete looks for the fields that go with an outcome.
func complete(t *testing.T, a banks.Authorization, want want, m tolem.Money) {
	t.Helper()
	e := a.Evidence
	if e.Request == nil || e.Answer == nil || e.Certificate == nil || e.Certificate.Subject.CommonName != string(bank) || len(e.Trust.Path) == 0 ||
		e.SentAt.IsZero() || e.AnsweredAt.IsZero() || e.RequestID == "" {
		t.Errorf("evidence is not whole: %v", e.Operation)
	}
	switch a.Outcome {
	case banks.Approved:
		if a.BankRef == "" || a.AuthCode == "" || a.PaidAt.IsZero() || time.Since(a.PaidAt) > time.Minute || a.Amount != m {
			t.Errorf("approval lacks something: %s %s %s %s", a.BankRef, a.AuthCode, a.PaidAt, a.Amount)
		}
	case banks.Refused:
		if a.Reason != want.reason || a.BankCode == "" || a.BankText == "" {
			t.Errorf("refused for %s (%s, %s), want %s", a.Reason, a.BankCode, a.BankText, want.reason)
		}
	}
}

// GW-101: the bank's own code and words come through.
func TestErrorCodeAndDescription(t *testing.T) {
	w, offices := newWorld(t)
	b := w.connector(offices[bank], nil)
	c := sandbox.CaseNamed("error code with description")
	a, err := pay(t, b, sandbox.KindAccount, attempts(), "", c.Account(), amount)
	if err != nil || a.BankCode != "E-4711" || a.BankText != "core system is closed for the day" || a.Reason != tolem.RefusedTechnical {
		t.Errorf("%s %q %s, %v", a.BankCode, a.BankText, a.Reason, err)
	}
}

// What was approved goes back once; what is pending or unknown never happens;
// what the bank will not undo stays.
func TestReversal(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	b := w.connector(o, nil)
	for _, c := range []struct {
		name string
		card string
		want banks.Outcome
	}{
		{"approved", goodCard, banks.Reversed},
		{"pending", sandbox.CaseNamed("pending, then approved").Card(), banks.Refused},
		{"refused", sandbox.CaseNamed("card expired").Card(), banks.Refused},
		{"final", sandbox.CaseNamed("approved, cannot be reversed").Card(), banks.Approved},
		{"answer lost", sandbox.CaseNamed("done, answer lost").Card(), banks.Reversed},
		{"unknown", "", banks.UnknownAttempt},
	} {
		id := attempts()
		if c.card != "" {
			_, _ = pay(t, b, sandbox.KindCard, id, c.card, "", amount) // what it says is tested above
		}
		for range 2 {
			a, err := b.Reverse(t.Context(), id, "the payer changed his mind")
			if err != nil || a.Outcome != c.want {
				t.Errorf("%s: %s, %v, want %s", c.name, a.Outcome, err, c.want)
			}
		}
		if a, err := b.Status(t.Context(), id); err != nil || a.Outcome != c.want {
			t.Errorf("%s, asked: %s, %v", c.name, a.Outcome, err)
		}
		if c.want == banks.UnknownAttempt {
			if a, err := pay(t, b, sandbox.KindCard, id, goodCard, "", amount); err != nil || a.Outcome != banks.Refused {
				t.Errorf("after its reversal it is %s, %v", a.Outcome, err)
			}
		}
	}
	sums := sandbox.Sums(o.Entries())
	if got := sums[sandbox.Reversed][tolem.KZT]; got.Count != 2 || got.Minor != 2*amount.Minor {
		t.Errorf("reversed %+v", got)
	}
	if got := sums[sandbox.Approved][tolem.KZT]; got.Count != 1 {
		t.Errorf("approved %+v", got)
	}
}

// An attempt is one thing: with another content it is neither done nor believed.
func TestOtherContent(t *testing.T) {
	w, offices := newWorld(t)
	b := w.connector(offices[bank], nil)
	id := attempts()
	if _, err := pay(t, b, sandbox.KindCard, id, goodCard, "", amount); err != nil {
		t.Fatal(err)
	}
	other := amount
	other.Minor++
	if _, err := pay(t, b, sandbox.KindCard, id, goodCard, "", other); !errors.Is(err, banks.ErrOtherContent) || !errors.Is(err, banks.ErrNoAnswer) {
		t.Errorf("other amount: %v", err)
	}
	if e, _ := offices[bank].Entry(id); e.Amount() != amount {
		t.Errorf("the book says %s", e.Amount())
	}
}

// A balance is not overdrawn, and what goes back can be spent again.
func TestBalance(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	w.open(o, offices["STRANGER"], func(c *sandbox.Config) { c.Balances = map[string]int64{payer: 3000_00} })
	b := w.connector(o, nil)
	var ids []tolem.AttemptID
	for i, want := range []banks.Outcome{banks.Approved, banks.Approved, banks.Refused} {
		ids = append(ids, attempts())
		a, err := pay(t, b, sandbox.KindAccount, ids[i], "", payer, amount)
		if err != nil || a.Outcome != want || want == banks.Refused && a.Reason != tolem.RefusedInsufficient {
			t.Errorf("debit %d: %s %s, %v", i, a.Outcome, a.Reason, err)
		}
	}
	if _, err := b.Reverse(t.Context(), ids[0], ""); err != nil {
		t.Fatal(err)
	}
	if a, err := pay(t, b, sandbox.KindAccount, attempts(), "", payer, amount); err != nil || a.Outcome != banks.Approved {
		t.Errorf("after the reversal: %s, %v", a.Outcome, err)
	}
}
