package gateway_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"tolem"
	"tolem/gateway"
)

// GW-071 GW-P11 GW-P12 GW-P22 GW-P23 GW-P24 GW-P43
func TestIssue(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			name   string
			change func(*gateway.Issue)
			want   tolem.ResultCode
		}{
			{"as it should be", func(*gateway.Issue) {}, tolem.OK},
			{"for a legal entity", func(in *gateway.Issue) { in.Recipient = "990240001237" }, tolem.OK},
			{"without a name", func(in *gateway.Issue) { in.RecipientName = "" }, tolem.OK},
			{"any amount where any will do", func(in *gateway.Issue) { in.Service, in.Amount = "FEE", tenge(1) }, tolem.OK},
			{"a slip in the IIN", func(in *gateway.Issue) { in.Recipient = "850101300125" }, tolem.InvalidIIN},
			{"a short IIN", func(in *gateway.Issue) { in.Recipient = "8501013001" }, tolem.InvalidIIN},
			{"letters for an IIN", func(in *gateway.Issue) { in.Recipient = "85010130012O" }, tolem.InvalidIIN},
			{"no such service", func(in *gateway.Issue) { in.Service = "NONE" }, tolem.UnknownService},
			{"a service that is no more", func(in *gateway.Issue) { in.Service = "OLD" }, tolem.UnknownService},
			{"a service of another provider", func(in *gateway.Issue) { in.Provider = "CLOSED" }, tolem.ServiceMismatch},
			{"another price", func(in *gateway.Issue) { in.Amount = tenge(120_001) }, tolem.AmountNotAllowed},
			{"another currency", func(in *gateway.Issue) { in.Amount.Currency = tolem.AZN }, tolem.AmountNotAllowed},
		} {
			in := order()
			c.change(&in)
			got := w.do(call{tolem.OpIssueCode, bankID, in})
			if got.Outcome.Result != c.want || (got.Outcome.Code != 0) != (c.want == tolem.OK) {
				t.Errorf("%s: %+v, want %s", c.name, got.Outcome, c.want)
			}
		}
		r := w.ok(call{tolem.OpIssueCode, bankID, order()}).result.(gateway.IssueResult)
		k := w.kept(r.Code)
		if !r.ExpiresAt.Equal(r.IssuedAt.Add(ttl)) || k.code.Recipient != citizen || k.code.RecipientName != "Айгуль" ||
			k.code.Amount != tenge(120_000) || k.code.Service != "BIRTH" || k.code.Channel != tolem.ChannelATM || k.code.Bank != bankID {
			t.Errorf("%+v is bound to %+v", r, k.code)
		}
	})
}

// Nobody pays for the services of a provider that is not active.
func TestIssueForInactiveProvider(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		in := order()
		in.Service, in.Provider = "HIDDEN", "CLOSED"
		if got := w.do(call{tolem.OpIssueCode, bankID, in}); got.Outcome.Result != tolem.UnknownService {
			t.Errorf("issued: %s", got.Outcome.Result)
		}
		list := w.ok(call{tolem.OpListServices, portalID, tolem.ProviderID("")}).result.(gateway.ServicesResult)
		if len(list.Services) != 2 || list.Services[0].Service.Code != "BIRTH" || list.Services[1].Service.Code != "FEE" {
			t.Errorf("listed: %+v", list.Services)
		}
		if none := w.ok(call{tolem.OpListServices, portalID, tolem.ProviderID("CLOSED")}).result.(gateway.ServicesResult); len(none.Services) != 0 {
			t.Errorf("listed: %+v", none.Services)
		}
	})
}

// Who may act in whose name.
//
// GW-069 GW-070 GW-P14
func TestInWhoseName(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			by, name tolem.ParticipantID
			ok       bool
		}{
			{bankID, "", true}, {bankID, bankID, true}, {bankID, rivalID, false},
			{kioskID, bankID, true}, {kioskID, "", false}, {kioskID, rivalID, false}, {kioskID, kioskID, false},
			{portalID, "", true}, {portalID, bankID, false},
		} {
			ask := call{tolem.OpIssueCode, c.by, order()}
			m := w.message(ask.op, ask.by, ask.in)
			m.OnBehalfOf = c.name
			got, err := w.send(ask, m)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, gateway.ErrForbidden) {
				t.Errorf("%s for %q: %v", c.by, c.name, err)
			}
			if c.ok {
				if k := w.kept(got.Outcome.Code); k.code.Requester != c.by || c.by != portalID && k.code.Bank != bankID {
					t.Errorf("%s for %q: requested by %s, bank %s", c.by, c.name, k.code.Requester, k.code.Bank)
				}
			}
		}
		n := w.issue()
		p := w.payment(n, "REF")
		p.Bank = rivalID
		if _, err := w.send(call{tolem.OpNotifyPayment, bankID, p}, w.message(tolem.OpNotifyPayment, bankID, p)); !errors.Is(err, gateway.ErrForbidden) {
			t.Errorf("a bank notifies for another: %v", err)
		}
		through := call{tolem.OpNotifyPayment, kioskID, w.payment(n, "REF")}
		m := w.message(through.op, through.by, through.in)
		m.OnBehalfOf = bankID
		if got, err := w.send(through, m); err != nil || got.Outcome.Result != tolem.OK {
			t.Errorf("the centre notifies for its bank: %v, %v", got.Outcome, err)
		}
		if k := w.kept(n); k.payment.NotifiedBy != kioskID || k.payment.Bank != bankID {
			t.Errorf("notified by %s for %s", k.payment.NotifiedBy, k.payment.Bank)
		}
	})
}

// The same request gets the same answer whatever has happened since; the id
// with other content, or for another operation, is refused; ids of different
// participants have nothing to do with each other.
//
// GW-P08 GW-P20
func TestRepetition(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		n := w.issue()
		ask := call{tolem.OpValidateCode, portalID, shown(n, "R")}
		m := w.message(ask.op, ask.by, ask.in)
		first, err := w.send(ask, m)
		must(t, err)
		w.ok(call{tolem.OpNotifyPayment, bankID, w.payment(n, "REF")})
		again, err := w.send(ask, w.again(m))
		must(t, err)
		if !again.Repeated || first.Repeated || !bytes.Equal(again.Signed, first.Signed) || again.Outcome.Result != tolem.NotPaid {
			t.Errorf("first %+v, again %+v", first.Outcome, again.Outcome)
		}
		if k := w.kept(n); k.code.Bound != "" {
			t.Errorf("the repetition bound the code to %s", k.code.Bound)
		}
		other := w.again(m)
		other.BodyHash[0]++
		if _, err := w.send(ask, other); !errors.Is(err, gateway.ErrReplay) {
			t.Errorf("with other content: %v", err)
		}
		elsewhere := w.again(m)
		elsewhere.Operation = tolem.OpGetPayment
		if _, err := w.send(call{tolem.OpGetPayment, portalID, n}, elsewhere); !errors.Is(err, gateway.ErrReplay) {
			t.Errorf("for another operation: %v", err)
		}
		theirs := w.message(tolem.OpIssueCode, bankID, order())
		theirs.RequestID, theirs.Record.RequestID = m.RequestID, m.RequestID
		if got, err := w.send(call{tolem.OpIssueCode, bankID, order()}, theirs); err != nil || got.Repeated || got.Outcome.Result != tolem.OK {
			t.Errorf("the id of another: %+v, %v", got.Outcome, err)
		}
	})
}

// A caller that lost an answer gets it, byte for byte; nobody gets another's.
func TestOutcome(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ask := call{tolem.OpNotifyPayment, bankID, w.payment(w.issue(), "REF")}
		m := w.message(ask.op, ask.by, ask.in)
		lost, err := w.send(ask, m)
		must(t, err)
		r := w.ok(call{tolem.OpGetOutcome, bankID, m.RequestID}).result.(gateway.EarlierOutcome)
		if !bytes.Equal(r.Answer, lost.Signed) || r.Operation != tolem.OpNotifyPayment || r.Earlier != tolem.OK || !r.AnsweredAt.Equal(w.clock.Now()) {
			t.Errorf("outcome %+v", r)
		}
		for _, c := range []call{{tolem.OpGetOutcome, rivalID, m.RequestID}, {tolem.OpGetOutcome, bankID, tolem.RequestID("00000000-0000-4000-8000-000000000000")}} {
			if got := w.do(c); got.Outcome.Result != tolem.UnknownRequest {
				t.Errorf("%s: %s", c.by, got.Outcome.Result)
			}
		}
	})
}

// Forms that the contract excludes bind nothing to the request's id.
func TestForms(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		n := w.bring(tolem.StatePaid)
		for _, c := range []call{
			{tolem.OpValidateCode, portalID, gateway.Validation{Code: n}},
			{tolem.OpValidateCode, portalID, gateway.Validation{Code: n, RequestNo: "R", Recipient: citizen}},
			{tolem.OpValidateCode, portalID, gateway.Validation{Code: n, RequestNo: "R", Recipient: citizen, Service: "BIRTH", Centre: "7"}},
			{tolem.OpValidateCode, portalID, gateway.Validation{Code: n, Centre: "7"}},
			{tolem.OpCloseCode, portalID, gateway.Closing{Code: n, ID: "C"}},
			{tolem.OpCloseCode, portalID, gateway.Closing{Code: n, ID: "C", Centre: "7"}},
			{tolem.OpCloseCode, portalID, gateway.Closing{Code: n, ID: "C", RequestNo: "R", Centre: "7", Operator: "op"}},
		} {
			if got, err := w.send(c, w.message(c.op, c.by, c.in)); !errors.Is(err, gateway.ErrForm) {
				t.Errorf("%+v: %+v, %v", c.in, got.Outcome, err)
			}
		}
	})
}

// The timer moves codes that nobody paid, a batch at a time, and no other.
//
// GW-P12
func TestExpiry(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		paid := w.bring(tolem.StatePaid)
		var due []tolem.CodeNumber
		for range 7 {
			due = append(due, w.issue())
		}
		w.clock.Advance(ttl / 2)
		fresh := w.issue()
		w.clock.Advance(ttl / 2)
		for i, want := range []int{3, 3, 1, 0} {
			if n, err := w.db.ExpireDue(t.Context(), 3); err != nil || n != want {
				t.Errorf("round %d: %d expired, want %d, %v", i, n, want, err)
			}
		}
		for _, n := range due {
			if k := w.kept(n); k.code.State != tolem.StateExpired || len(k.steps) != 2 || k.steps[1].Event != tolem.EventExpire || k.steps[1].By != "" {
				t.Errorf("%s: %v", k.code.State, k.steps)
			}
		}
		if p, f := w.kept(paid).code.State, w.kept(fresh).code.State; p != tolem.StatePaid || f != tolem.StateIssued {
			t.Errorf("paid is %s, fresh is %s", p, f)
		}
		late := w.ok(call{tolem.OpNotifyPayment, bankID, w.payment(due[0], "REF")}).result.(gateway.NotifyResult)
		if !late.Late || late.State != tolem.StatePaid {
			t.Errorf("paid late: %+v", late)
		}
	})
}

// Who asks for codes that do not exist is stopped: it may ask for no code until
// time has passed, while others, and what names no code, go on.
func TestGuessing(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		n := w.issue()
		guess := func(by tolem.ParticipantID, number tolem.CodeNumber) error {
			c := call{tolem.OpGetPayment, by, number}
			_, err := w.send(c, w.message(c.op, c.by, c.in))
			return err
		}
		for range guesses * 3 {
			must(t, guess(portalID, n+1)) // a slip: the check digits do not fit
		}
		wrong := w.unissued()
		for range guesses {
			must(t, guess(portalID, wrong))
		}
		for _, number := range []tolem.CodeNumber{wrong, n} {
			if err := guess(portalID, number); !errors.Is(err, gateway.ErrTooManyUnknown) {
				t.Errorf("after %d guesses: %v", guesses, err)
			}
		}
		must(t, guess(rivalID, n))
		w.ok(call{tolem.OpListServices, portalID, tolem.ProviderID("")})
		w.clock.Advance(time.Minute / guesses)
		if err := guess(portalID, n); err != nil {
			t.Errorf("when time has passed: %v", err)
		}
		w.clock.Advance(time.Hour)
		for range guesses {
			must(t, guess(portalID, wrong))
		}
		if err := guess(portalID, wrong); !errors.Is(err, gateway.ErrTooManyUnknown) {
			t.Errorf("the allowance grew with time: %v", err)
		}
	})
}

// What was accepted, what was refused and what was repeated is all kept, with
// the code it concerns.
//
// GW-135 GW-136 GW-P36
func TestEvidence(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		n := w.bring(tolem.StateClosed)
		if got := w.messages(n); got != 8 {
			t.Errorf("a life of a code has %d messages, want 8", got)
		}
		ask := call{tolem.OpNotifyPayment, bankID, w.payment(n, "REF2")}
		m := w.message(ask.op, ask.by, ask.in)
		m.Record.At = w.clock.Now().Add(-3 * time.Second)
		for i := range 3 {
			if got, err := w.send(ask, w.again(m)); err != nil || got.Outcome.Result != tolem.DuplicatePayment {
				t.Fatalf("%d: %v %v", i, got.Outcome, err)
			}
		}
		if got := w.messages(n); got != 8+4 {
			t.Errorf("%d messages, want the three that arrived and one answer more", got-8)
		}
		if k := w.kept(n); len(k.discrepancies) != 1 {
			t.Errorf("%d discrepancies of one notification", len(k.discrepancies))
		}
		first := call{tolem.OpNotifyPayment, bankID, w.payment(w.issue(), "REF")}
		arrived := w.message(first.op, first.by, first.in)
		arrived.Record.At = w.clock.Now().Add(-3 * time.Second)
		got, err := w.send(first, arrived)
		must(t, err)
		if k := w.kept(got.Outcome.Code); !k.payment.ReceivedAt.Equal(arrived.Record.At) {
			t.Errorf("received at %v, arrived at %v", k.payment.ReceivedAt, arrived.Record.At)
		}
		r := w.ok(call{tolem.OpNotifyPayment, bankID, w.payment(n, "REF")}).result.(gateway.NotifyResult)
		if k := w.kept(n); !r.ReceivedAt.Equal(k.payment.ReceivedAt) {
			t.Errorf("received at %v, said %v", k.payment.ReceivedAt, r.ReceivedAt)
		}
	})
}
