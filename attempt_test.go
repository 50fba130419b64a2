package tolem_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tolem"
)

// attemptTable is section 6 of the requirements on card acquiring, every pair:
// what may follow a state. REVERSED is ours, for money that went back.
const attemptTable = `
REDIRECTED   CARD_ENTERED ABANDONED
CARD_ENTERED SENT ABANDONED
SENT         REFUSED APPROVED UNKNOWN
UNKNOWN      APPROVED REFUSED
REFUSED
APPROVED     REVERSED
ABANDONED
REVERSED`

// ACQ-P06, ACQ-P09, ACQ-P11, GW-P34
func TestAttemptStates(t *testing.T) {
	now := start()
	rows := strings.Split(strings.TrimSpace(attemptTable), "\n")
	if len(rows) != len(tolem.AttemptStates) {
		t.Fatalf("%d states in the table, %d in the program", len(rows), len(tolem.AttemptStates))
	}
	for _, row := range rows {
		names := strings.Fields(row)
		from := tolem.AttemptState(names[0])
		may := make(map[tolem.AttemptState]bool)
		for _, name := range names[1:] {
			may[tolem.AttemptState(name)] = true
		}
		for _, to := range tolem.AttemptStates {
			a := tolem.Attempt{ID: "a", State: from, Version: 4, AskAt: now}
			b, err := a.Become(to, now)
			switch {
			case from.MayBecome(to) != may[to] || (err == nil) != may[to]:
				t.Errorf("%s to %s: may %v, %v; want %v", from, to, from.MayBecome(to), err, may[to])
			case err != nil && (!errors.Is(err, tolem.ErrAttemptMove) || b != a):
				t.Errorf("%s to %s: refused with %v, and became %+v", from, to, err, b)
			case err == nil && (b.State != to || b.Version != 5):
				t.Errorf("%s to %s: became %+v", from, to, b)
			case err == nil && to.Decided() != b.DecidedAt.Equal(now), err == nil && to.Decided() != b.AskAt.IsZero():
				t.Errorf("%s to %s: decided at %s, asked at %s", from, to, b.DecidedAt, b.AskAt)
			}
		}
	}
}

// While money may move, or has, no other attempt begins.
//
// ACQ-P06, GW-P34
func TestOpenAttempts(t *testing.T) {
	for state, want := range map[tolem.AttemptState]bool{
		tolem.AttemptRedirected: false, tolem.AttemptEntered: true, tolem.AttemptSent: true, tolem.AttemptUnknown: true,
		tolem.AttemptApproved: true, tolem.AttemptRefused: false, tolem.AttemptAbandoned: false, tolem.AttemptReversed: false,
	} {
		if state.Open() != want {
			t.Errorf("%s: open %v", state, state.Open())
		}
	}
}

// GW-101, ACQ-P10: the payer is told a reason of the list, whatever the bank says.
func TestRefusalReasons(t *testing.T) {
	for _, r := range tolem.RefusalReasons {
		if tolem.ParseRefusalReason(string(r)) != r {
			t.Errorf("%s is not read as itself", r)
		}
	}
	for _, word := range []string{"", "51", "insufficient_funds", "STOLEN"} {
		if got := tolem.ParseRefusalReason(word); got != tolem.RefusedByRules {
			t.Errorf("%q: %s", word, got)
		}
	}
}

// GW-P14: the bank that the gateway calls for a code, and no other, may notify
// its payment; after a refusal it may be another.
func TestCallNamesTheBank(t *testing.T) {
	c := issued()
	c.Requester, c.Bank = portal, ""
	d := c.Call(bank, start())
	if d.Result != tolem.OK || d.Code.Bank != bank || d.Code.State != tolem.StateIssued || d.Code.Version != c.Version+1 || len(d.Steps) != 1 || d.Steps[0].By != bank {
		t.Fatalf("got %+v", d)
	}
	if again := d.Code.Call(bank, start()); again.Result != tolem.OK || again.Changed() {
		t.Errorf("the same bank again: %+v", again)
	}
	if n := d.Code.Notify(payment(), nil, start()); n.Result != tolem.OK {
		t.Errorf("its notification: %+v", n)
	}
	moved := d.Code.Call(other, start())
	if n := moved.Code.Notify(payment(), nil, start()); n.Result != tolem.WrongBank {
		t.Errorf("notified by the bank before: %+v", n)
	}
	if late := c.Call(bank, c.ExpiresAt); late.Result != tolem.Expired || late.Changed() {
		t.Errorf("after its term: %+v", late)
	}
	for _, state := range allStates()[1:] {
		in, _ := in(state)
		if d := in.Call(other, start().Add(time.Hour)); (d.Result == tolem.OK) != (state == tolem.StateIssued) || d.Changed() != (state == tolem.StateIssued) {
			t.Errorf("%s: %+v", state, d)
		}
	}
}

// GW-072, GW-P33: the code of a payment from an account is born paid.
func TestDebitMakesAPaidCode(t *testing.T) {
	c, p := issued(), payment()
	c.Bank, p.Channel, c.Channel = "", tolem.ChannelAccount, tolem.ChannelAccount
	d := tolem.Debited(c, p, start())
	if d.Code.State != tolem.StatePaid || d.Code.Version != 1 || !d.Code.PaidAt.Equal(p.PaidAt) || d.Code.Bank != p.Bank {
		t.Fatalf("got %+v", d)
	}
	if cell := tolem.CellOf(tolem.EventDebit, tolem.StateUnknown); d.Steps[0].To != cell.To || d.Steps[0].Event != tolem.EventDebit {
		t.Errorf("steps %+v, table %+v", d.Steps, cell)
	}
	if n := d.Code.Notify(p, &p, start()); n.Result != tolem.OK || n.Changed() {
		t.Errorf("the bank notifies it too: %+v", n)
	}
	if d.Code.At(start().AddDate(1, 0, 0)).State != tolem.StatePaid {
		t.Error("it expires")
	}
}
