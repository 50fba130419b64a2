package gateway_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/gateway"
	"tolem/store"
)

// crowd is how many call at once.
const crowd = 100

// together performs calls at the same moment and counts how they ended.
func (w *world) together(calls ...func() (done, error)) ([]done, map[tolem.ResultCode]int) {
	w.t.Helper()
	all := make([]done, len(calls))
	gate := make(chan struct{})
	var group sync.WaitGroup
	for i, c := range calls {
		group.Go(func() {
			<-gate
			d, err := c()
			if err != nil {
				w.t.Error(err)
			}
			all[i] = d
		})
	}
	close(gate)
	group.Wait()
	counts := make(map[tolem.ResultCode]int)
	for _, d := range all {
		counts[d.Outcome.Result]++
	}
	return all, counts
}

// each makes a crowd of calls.
func each(n int, make func(i int) func() (done, error)) (calls []func() (done, error)) {
	for i := range n {
		calls = append(calls, make(i))
	}
	return calls
}

func (w *world) asking(c call) func() (done, error) {
	m := w.message(c.op, c.by, c.in)
	return func() (done, error) { return w.send(c, m) }
}

// The same request a hundred times at once, of every operation: one effect, a
// hundred times the same answer, every arrival kept.
//
// GW-135 GW-P08 GW-P20 GW-P36
func TestSameRequestAtOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		paid, issued := w.bring(tolem.StatePaid), w.bring(tolem.StateIssued)
		earlier := w.message(tolem.OpIssueCode, bankID, "earlier")
		_, err := w.send(call{tolem.OpIssueCode, bankID, order()}, earlier)
		must(t, err)
		for _, c := range []call{
			{tolem.OpIssueCode, bankID, order()},
			{tolem.OpNotifyPayment, bankID, w.payment(issued, "REF")},
			{tolem.OpValidateCode, portalID, shown(paid, "R9")},
			{tolem.OpGetPayment, portalID, paid},
			{tolem.OpGetReceipt, portalID, paid},
			{tolem.OpCloseCode, portalID, gateway.Closing{Code: paid, ID: "C9", RequestNo: "R9"}},
			{tolem.OpCancelCode, bankID, w.bring(tolem.StateIssued)},
			{tolem.OpListServices, portalID, tolem.ProviderID("")},
			{tolem.OpGetOutcome, bankID, earlier.RequestID},
		} {
			t.Run(string(c.op), func(t *testing.T) {
				w.t = t
				w.checkSameRequest(c)
			})
		}
	})
}

func (w *world) checkSameRequest(c call) {
	m := w.message(c.op, c.by, c.in)
	all, counts := w.together(each(crowd, func(int) func() (done, error) {
		return func() (done, error) { return w.send(c, w.again(m)) }
	})...)
	if counts[tolem.OK] != crowd {
		w.t.Fatalf("results: %v", counts)
	}
	first, number := 0, all[0].Outcome.Code
	for _, d := range all {
		if !d.Repeated {
			first++
		}
		if string(d.Signed) != string(all[0].Signed) || d.Outcome != all[0].Outcome {
			w.t.Fatalf("answered %s and %s", d.Signed, all[0].Signed)
		}
	}
	if first != 1 {
		w.t.Errorf("%d of the answers were new", first)
	}
	if number != 0 {
		changes := map[tolem.Operation]tolem.Event{
			tolem.OpIssueCode: tolem.EventIssue, tolem.OpNotifyPayment: tolem.EventNotify, tolem.OpValidateCode: tolem.EventValidate,
			tolem.OpCloseCode: tolem.EventClose, tolem.OpCancelCode: tolem.EventCancel,
		}
		k, n := w.kept(number), 0
		for _, s := range k.steps {
			if e, ok := changes[c.op]; ok && s.Event == e && s.By == c.by && !s.At.Before(m.Record.At) {
				n++
			}
		}
		if _, ok := changes[c.op]; ok && n == 0 {
			w.t.Errorf("no step of %s: %v", c.op, k.steps)
		}
		if c.op != tolem.OpValidateCode && n > 1 {
			w.t.Errorf("%d steps of %s: %v", n, c.op, k.steps)
		}
		if len(k.discrepancies) > 0 {
			w.t.Errorf("discrepancies: %v", k.discrepancies)
		}
	}
	if c.op == tolem.OpIssueCode {
		if n := w.messages(number); n != crowd+1 {
			w.t.Errorf("%d messages are kept, want every arrival and one answer", n)
		}
	}
}

// Of a hundred that close a code at once, each for itself, one succeeds.
//
// GW-175 GW-P20
func TestManyCloseOneCode(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		n := w.bring(tolem.StatePaid)
		all, counts := w.together(each(crowd, func(i int) func() (done, error) {
			id := tolem.CloseID(fmt.Sprint("C", i))
			if i%2 == 0 {
				return w.asking(call{tolem.OpCloseCode, portalID, gateway.Closing{Code: n, ID: id, RequestNo: "R"}})
			}
			return w.asking(call{tolem.OpCloseCode, portalID, gateway.Closing{Code: n, ID: id, Centre: "7", Operator: "op"}})
		})...)
		if !maps.Equal(counts, map[tolem.ResultCode]int{tolem.OK: 1, tolem.AlreadyUsed: crowd - 1}) {
			t.Errorf("results: %v", counts)
		}
		k := w.kept(n)
		for i, d := range all {
			if d.Outcome.Result == tolem.OK && k.code.CloseID != tolem.CloseID(fmt.Sprint("C", i)) {
				t.Errorf("closed as %s, told so as C%d", k.code.CloseID, i)
			}
		}
	})
}

// Of many different payments for one code at once one is accepted; the others
// are refused and listed. A foreign bank is refused whenever it comes.
//
// GW-P14 GW-P16
func TestManyPayOneCode(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		n := w.issue()
		_, counts := w.together(each(crowd, func(i int) func() (done, error) {
			p := w.payment(n, tolem.BankRef(fmt.Sprint("REF", i)))
			if i%4 == 0 {
				p.Bank = rivalID
			}
			return w.asking(call{tolem.OpNotifyPayment, p.Bank, p})
		})...)
		if !maps.Equal(counts, map[tolem.ResultCode]int{tolem.OK: 1, tolem.DuplicatePayment: crowd*3/4 - 1, tolem.WrongBank: crowd / 4}) {
			t.Errorf("results: %v", counts)
		}
		if k := w.kept(n); len(k.discrepancies) != crowd-1 || k.code.State != tolem.StatePaid || len(k.steps) != 2 {
			t.Errorf("%d discrepancies, %v", len(k.discrepancies), k.steps)
		}
	})
}

// Whoever comes first, a paid code is paid: a cancellation that won makes the
// payment late, one that lost is refused. The same with the clock.
//
// GW-P12 GW-P13 GW-P17
func TestCancelAndPayAtOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for range 20 {
			n := w.issue()
			all, _ := w.together(
				w.asking(call{tolem.OpCancelCode, bankID, n}),
				w.asking(call{tolem.OpNotifyPayment, bankID, w.payment(n, "REF")}))
			cancelled, k := all[0].Outcome.Result, w.kept(n)
			if all[1].Outcome.Result != tolem.OK || k.code.State != tolem.StatePaid {
				t.Fatalf("the payment: %s, the code is %s", all[1].Outcome.Result, k.code.State)
			}
			if cancelled != tolem.OK && cancelled != tolem.AlreadyPaid || k.code.Late != (cancelled == tolem.OK) {
				t.Errorf("the cancellation: %s, late: %t", cancelled, k.code.Late)
			}
		}
	})
}

func TestExpireAndPayAtOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		var calls []func() (done, error)
		var codes []tolem.CodeNumber
		for range 20 {
			codes = append(codes, w.issue())
		}
		w.clock.Advance(ttl)
		for _, n := range codes {
			calls = append(calls, w.asking(call{tolem.OpNotifyPayment, bankID, w.payment(n, "REF")}), func() (done, error) {
				_, err := w.db.ExpireDue(t.Context(), 100)
				return done{}, err
			})
		}
		_, counts := w.together(calls...)
		if counts[tolem.OK] != len(codes) {
			t.Errorf("results: %v", counts)
		}
		for _, n := range codes {
			k := w.kept(n)
			if k.code.State != tolem.StatePaid || !k.code.Late || len(k.steps) != 3 || k.steps[1].To != tolem.StateExpired {
				t.Errorf("%s, late %t, %v", k.code.State, k.code.Late, k.steps)
			}
		}
	})
}

// A validation for another order and a closing for the first: whoever comes
// first decides, and the other is told.
//
// GW-P18 GW-P19
func TestValidateAndCloseAtOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for range 20 {
			n := w.bring(tolem.StatePaid)
			all, _ := w.together(
				w.asking(call{tolem.OpValidateCode, portalID, shown(n, "R2")}),
				w.asking(call{tolem.OpCloseCode, portalID, gateway.Closing{Code: n, ID: "C", RequestNo: "R"}}))
			k := w.kept(n)
			switch got := [2]tolem.ResultCode{all[0].Outcome.Result, all[1].Outcome.Result}; got {
			case [2]tolem.ResultCode{tolem.OK, tolem.BoundToOtherRequest}:
				if k.code.State != tolem.StatePaid || k.code.Bound != "R2" {
					t.Errorf("%v: %s, bound to %s", got, k.code.State, k.code.Bound)
				}
			case [2]tolem.ResultCode{tolem.AlreadyUsed, tolem.OK}:
				if k.code.State != tolem.StateClosed || k.code.Bound != "R" {
					t.Errorf("%v: %s, bound to %s", got, k.code.State, k.code.Bound)
				}
			default:
				t.Errorf("the validation: %s, the closing: %s", got[0], got[1])
			}
		}
	})
}

// A refund and a closing: either the money or the service, never both.
//
// GW-175 GW-P39
func TestRefundAndCloseAtOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for range 20 {
			n := w.bring(tolem.StatePaid)
			all, _ := w.together(
				w.asking(refunding(n)),
				w.asking(call{tolem.OpCloseCode, portalID, gateway.Closing{Code: n, ID: "C", RequestNo: "R"}}))
			k := w.kept(n)
			want := map[[2]tolem.ResultCode]tolem.State{
				{tolem.OK, tolem.Refunded}: tolem.StateRefunded, {tolem.AlreadyUsed, tolem.OK}: tolem.StateClosed,
			}
			got := [2]tolem.ResultCode{all[0].Outcome.Result, all[1].Outcome.Result}
			if state, ok := want[got]; !ok || k.code.State != state || len(k.steps) != 4 {
				t.Errorf("the refund: %s, the closing: %s, the code is %s: %v", got[0], got[1], k.code.State, k.steps)
			}
		}
	})
}

// A hundred codes issued at once are a hundred codes; one whose number is taken
// is drawn again.
//
// GW-001 GW-P09
func TestManyIssueAtOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		all, _ := w.together(each(crowd, func(int) func() (done, error) { return w.asking(call{tolem.OpIssueCode, bankID, order()}) })...)
		seen := make(map[tolem.CodeNumber]bool)
		for _, d := range all {
			if seen[d.Outcome.Code] || !d.Outcome.Code.Valid() {
				t.Errorf("%s was issued twice, or is none", d.Outcome.Code)
			}
			seen[d.Outcome.Code] = true
		}
		taken := all[0].Outcome.Code
		draws := []tolem.CodeNumber{taken, taken, w.unissued()}
		var drawn tolem.CodeNumber
		must(t, w.db.Update(t.Context(), func(tx *store.Tx) error {
			drawn, draws = draws[0], draws[1:]
			return tx.InsertCode(tolem.Issued(tolem.Code{
				Number: drawn, Service: "BIRTH", Provider: "JUSTICE", Amount: tenge(1), Channel: tolem.ChannelATM,
				Recipient: citizen, Requester: bankID, ExpiresAt: tx.Now().Add(time.Hour),
			}, tx.Now()))
		}))
		if drawn == taken || w.kept(taken).code.Amount != tenge(120_000) {
			t.Errorf("the number %s was given twice", taken)
		}
	})
}
