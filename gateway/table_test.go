package gateway_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"tolem"
	"tolem/gateway"
)

// event is a row of section 6: something asked of a code, and for each state
// the result, with > and the state it leads to, and ! if it is listed as a
// discrepancy.
type event struct {
	name string
	ask  func(w *world, n tolem.CodeNumber) call

	unknown, issued, paid, closed, expired, cancelled, refunded string
}

func events() []event {
	notify := func(change func(*gateway.Notification)) func(*world, tolem.CodeNumber) call {
		return func(w *world, n tolem.CodeNumber) call {
			p := w.payment(n, "REF")
			change(&p)
			return call{tolem.OpNotifyPayment, p.Bank, p}
		}
	}
	validate := func(v gateway.Validation) func(*world, tolem.CodeNumber) call {
		return func(_ *world, n tolem.CodeNumber) call {
			v.Code = n
			return call{tolem.OpValidateCode, portalID, v}
		}
	}
	closing := func(c gateway.Closing) func(*world, tolem.CodeNumber) call {
		return func(_ *world, n tolem.CodeNumber) call {
			c.Code = n
			return call{tolem.OpCloseCode, portalID, c}
		}
	}
	number := func(op tolem.Operation, by tolem.ParticipantID) func(*world, tolem.CodeNumber) call {
		return func(_ *world, n tolem.CodeNumber) call { return call{op, by, n} }
	}
	const dup, diff, foreign = "DUPLICATE_PAYMENT!", "MISMATCH!", "WRONG_BANK!"
	differing := func(name string, change func(*gateway.Notification)) event {
		return event{"notification of another " + name, notify(change), "UNKNOWN_CODE!", diff, dup, dup, diff, diff, dup}
	}
	return []event{
		{"notification", notify(func(*gateway.Notification) {}), "UNKNOWN_CODE!", "OK>PAID", "OK", "OK", "OK>PAID", "OK>PAID", "OK"},
		{"another payment", notify(func(p *gateway.Notification) { p.BankRef = "REF2" }), "UNKNOWN_CODE!", "OK>PAID", dup, dup, "OK>PAID", "OK>PAID", dup},
		differing("amount", func(p *gateway.Notification) { p.Amount.Minor++ }),
		differing("recipient", func(p *gateway.Notification) { p.Recipient = neighbour }),
		differing("service", func(p *gateway.Notification) { p.Service = "FEE" }),
		differing("provider", func(p *gateway.Notification) { p.Provider = "CLOSED" }),
		differing("channel", func(p *gateway.Notification) { p.Channel = tolem.ChannelInfokiosk }),
		{"notification of another bank", notify(func(p *gateway.Notification) { p.Bank = rivalID }), "UNKNOWN_CODE!", foreign, foreign, foreign, foreign, foreign, foreign},

		{"validation", validate(shown(0, "R")), "UNKNOWN_CODE", "NOT_PAID", "OK", "ALREADY_USED", "EXPIRED", "CANCELLED", "REFUNDED"},
		{"validation for another order", validate(shown(0, "R2")), "UNKNOWN_CODE", "NOT_PAID", "OK", "ALREADY_USED", "EXPIRED", "CANCELLED", "REFUNDED"},
		{"validation for another recipient", validate(gateway.Validation{RequestNo: "R", Recipient: neighbour, Service: "BIRTH"}), "UNKNOWN_CODE", "NOT_PAID", "IIN_MISMATCH", "ALREADY_USED", "EXPIRED", "CANCELLED", "REFUNDED"},
		{"validation for another service", validate(gateway.Validation{RequestNo: "R", Recipient: citizen, Service: "FEE"}), "UNKNOWN_CODE", "NOT_PAID", "SERVICE_MISMATCH", "ALREADY_USED", "EXPIRED", "CANCELLED", "REFUNDED"},
		{"validation at a centre", validate(gateway.Validation{Centre: "7", Operator: "op"}), "UNKNOWN_CODE", "NOT_PAID", "OK", "ALREADY_USED", "EXPIRED", "CANCELLED", "REFUNDED"},

		{"closing", closing(gateway.Closing{ID: "C2", RequestNo: "R"}), "UNKNOWN_CODE", "NOT_PAID", "OK>CLOSED", "ALREADY_USED", "EXPIRED", "CANCELLED", "REFUNDED"},
		{"the same closing", closing(gateway.Closing{ID: "C", RequestNo: "R"}), "UNKNOWN_CODE", "NOT_PAID", "OK>CLOSED", "OK", "EXPIRED", "CANCELLED", "REFUNDED"},
		{"closing for another order", closing(gateway.Closing{ID: "C2", RequestNo: "R2"}), "UNKNOWN_CODE", "NOT_PAID", "BOUND_TO_OTHER_REQUEST", "ALREADY_USED", "EXPIRED", "CANCELLED", "REFUNDED"},
		{"closing at a centre", closing(gateway.Closing{ID: "C2", Centre: "7", Operator: "op"}), "UNKNOWN_CODE", "NOT_PAID", "OK>CLOSED", "ALREADY_USED", "EXPIRED", "CANCELLED", "REFUNDED"},

		{"cancellation", number(tolem.OpCancelCode, bankID), "UNKNOWN_CODE", "OK>CANCELLED", "ALREADY_PAID", "ALREADY_USED", "OK", "OK", "REFUNDED"},
		{"cancellation by another", number(tolem.OpCancelCode, portalID), "UNKNOWN_CODE", "NOT_OWNER", "NOT_OWNER", "NOT_OWNER", "NOT_OWNER", "NOT_OWNER", "NOT_OWNER"},
		{"refund", func(_ *world, n tolem.CodeNumber) call { return refunding(n) }, "UNKNOWN_CODE", "NOT_PAID", "OK>REFUNDED", "ALREADY_USED", "EXPIRED", "CANCELLED", "OK"},
		{"question", number(tolem.OpGetPayment, portalID), "UNKNOWN_CODE", "OK", "OK", "OK", "OK", "OK", "OK"},
		{"receipt", number(tolem.OpGetReceipt, portalID), "UNKNOWN_CODE", "NOT_PAID", "OK", "OK", "EXPIRED", "CANCELLED", "REFUNDED"},
	}
}

func (e event) want(s tolem.State) string {
	return [...]string{e.unknown, e.issued, e.paid, e.closed, e.expired, e.cancelled, e.refunded}[s]
}

// The whole table of section 6 through the operations, on both databases: the
// answer, the state afterwards, the history, the payment, the list of
// discrepancies, and what a refusal says about the payer.
//
// GW-131 GW-133 GW-134 GW-135 GW-158 GW-159 GW-160 GW-162 GW-169 GW-174 GW-175
// GW-P11 GW-P13 GW-P14 GW-P15 GW-P16 GW-P17 GW-P18 GW-P19 GW-P20 GW-P21 GW-P28 GW-P39
func TestEveryEventInEveryState(t *testing.T) {
	states := []tolem.State{
		tolem.StateUnknown, tolem.StateIssued, tolem.StatePaid, tolem.StateClosed, tolem.StateExpired, tolem.StateCancelled, tolem.StateRefunded,
	}
	worlds(t, func(t *testing.T, w *world) {
		for _, e := range events() {
			for _, state := range states {
				t.Run(fmt.Sprintf("%s, %s", e.name, state), func(t *testing.T) {
					w.t = t
					w.checkCell(e, state)
				})
			}
		}
	})
}

func (w *world) checkCell(e event, state tolem.State) {
	n := w.bring(state)
	before := w.kept(n)
	got := w.do(e.ask(w, n))
	after := w.kept(n)
	want, listed := strings.CutSuffix(e.want(state), "!")
	result, to, moves := strings.Cut(want, ">")
	if string(got.Outcome.Result) != result {
		w.t.Fatalf("%s, want %s", got.Outcome.Result, result)
	}
	if !moves {
		to = state.String()
	}
	if now := after.code.At(w.clock.Now()).State; now.String() != to {
		w.t.Errorf("the code is %s, want %s", now, to)
	}
	if n := len(after.discrepancies) - len(before.discrepancies); n != map[bool]int{true: 1}[listed] {
		w.t.Errorf("%d discrepancies more", n)
	}
	if listed && string(after.discrepancies[len(after.discrepancies)-1].Reason) != result {
		w.t.Errorf("listed as %v", after.discrepancies)
	}
	w.checkHistory(e, before, after, moves)
	w.checkPayment(before, after, state, moves && to == "PAID")
	checkSilence(w, got)
}

// checkHistory: a history is a chain, it grows exactly when something changed,
// and nothing that was written is rewritten.
func (w *world) checkHistory(e event, before, after kept, moves bool) {
	w.t.Helper()
	rebinds := after.code.Bound != before.code.Bound
	if changed := len(after.steps) > len(before.steps); changed != (moves || rebinds) {
		w.t.Errorf("%d steps became %d", len(before.steps), len(after.steps))
	}
	if len(before.steps) > 0 && !reflect.DeepEqual(after.steps[:len(before.steps)], before.steps) {
		w.t.Errorf("history was rewritten: %v, before %v", after.steps, before.steps)
	}
	for i, s := range after.steps {
		if i > 0 && s.From != after.steps[i-1].To {
			w.t.Errorf("%v does not follow %v", s, after.steps[i-1])
		}
	}
	if !moves && !rebinds && after.code.Version != before.code.Version {
		w.t.Error("the code was written without a change")
	}
}

// checkPayment: the accepted payment comes with the state PAID and never
// changes.
func (w *world) checkPayment(before, after kept, state tolem.State, paid bool) {
	w.t.Helper()
	switch {
	case paid:
		late := state != tolem.StateIssued
		if after.payment == nil || after.code.Late != late || !after.code.PaidAt.Equal(after.payment.PaidAt) {
			w.t.Errorf("late %t, payment %v", after.code.Late, after.payment)
		}
	case !reflect.DeepEqual(before.payment, after.payment):
		w.t.Errorf("the payment %v became %v", before.payment, after.payment)
	}
}

// checkSilence: a refusal names nobody and says nothing of the payment.
func checkSilence(w *world, got done) {
	w.t.Helper()
	r, ok := got.result.(gateway.ValidateResult)
	if !ok || r.Result == tolem.OK {
		return
	}
	if !reflect.DeepEqual(r, gateway.ValidateResult{Outcome: r.Outcome}) {
		w.t.Errorf("the refusal tells %+v", r)
	}
}
