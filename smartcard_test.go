package tolem

import (
	"errors"
	"testing"
	"time"
)

// Every state against every event of 7.2, told a second time.
//
// WP-553, WP-565
func TestCardWriteTable(t *testing.T) {
	const no = "-"
	states := append([]CardWrite{CardWriteNew}, CardWrites...)
	want := map[CardEvent][]CardWrite{
		//                        new                none      pending            written             failed             skipped  reversed
		CardEventOrdinary:       {CardWriteNone, no, no, no, no, no, no},
		CardEventBegin:          {CardWritePending, no, no, no, no, no, no},
		CardEventSkip:           {CardWriteSkipped, no, no, no, no, no, no},
		CardEventWritten:        {no, no, CardWriteWritten, no, no, no, no},
		CardEventNotWritten:     {no, no, CardWriteFailed, no, no, no, no},
		CardEventBeginAgain:     {no, no, no, no, CardWritePending, no, no},
		CardEventReversed:       {no, no, no, CardWriteReversed, no, no, no},
		CardEventReversalFailed: {no, no, no, CardWriteWritten, no, no, no},
	}
	if len(want) != len(CardEvents) {
		t.Fatalf("%d events in the table, %d exist", len(want), len(CardEvents))
	}
	for _, event := range CardEvents {
		for i, from := range states {
			got, err := from.On(event)
			switch wanted := want[event][i]; {
			case wanted == no && (!errors.Is(err, ErrCardMove) || got != from):
				t.Errorf("%s on %q gives %q, %v; want it refused", event, from, got, err)
			case wanted != no && (err != nil || got != wanted):
				t.Errorf("%s on %q gives %q, %v; want %q", event, from, got, err, wanted)
			}
		}
	}
}

// WP-553, WP-565
func TestWhatACardWriteAllows(t *testing.T) {
	for state, want := range map[CardWrite][3]bool{
		//                  on card, may cancel, may write again
		CardWriteNew:      {false, false, false},
		CardWriteNone:     {false, true, false},
		CardWritePending:  {false, false, false},
		CardWriteWritten:  {true, true, false},
		CardWriteFailed:   {false, true, true},
		CardWriteSkipped:  {false, true, false},
		CardWriteReversed: {false, true, false},
	} {
		if got := [3]bool{state.OnCard(), state.MayCancel(), state.MayWriteAgain()}; got != want {
			t.Errorf("%q: %v, want %v", state, got, want)
		}
	}
}

// WP-552: a ticket has one result.
func TestATicketIsDecidedOnce(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	states := []TicketState{TicketOpen, TicketWritten, TicketReversed, TicketFailed}
	for _, op := range []TicketOp{TicketWrite, TicketReverse} {
		for _, from := range states {
			for _, to := range states {
				before := CardTicket{ID: "T", Op: op, State: from, Version: 1}
				after, err := before.Decide(to, "why", now)
				allowed := from == TicketOpen && (to == TicketFailed || to == op.Done())
				switch {
				case allowed && (err != nil || after.State != to || after.Version != 2 || after.Reason != "why" || !after.DecidedAt.Equal(now)):
					t.Errorf("%s from %s to %s: %+v, %v", op, from, to, after, err)
				case !allowed && err == nil:
					t.Errorf("%s goes from %s to %s", op, from, to)
				case from != TicketOpen && !errors.Is(err, ErrTicketDecided):
					t.Errorf("%s from %s to %s: %v", op, from, to, err)
				}
			}
		}
	}
}

// What a ticket comes to is an event of the payment's card write.
func TestEventOfATicket(t *testing.T) {
	for _, c := range []struct {
		op    TicketOp
		state TicketState
		want  CardEvent
	}{
		{TicketWrite, TicketOpen, ""}, {TicketWrite, TicketWritten, CardEventWritten}, {TicketWrite, TicketFailed, CardEventNotWritten},
		{TicketReverse, TicketOpen, ""}, {TicketReverse, TicketReversed, CardEventReversed}, {TicketReverse, TicketFailed, CardEventReversalFailed},
	} {
		got, ok := CardTicket{Op: c.op, State: c.state}.Event()
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s %s: %q, %v", c.op, c.state, got, ok)
		}
	}
}

func TestUsableWorkstation(t *testing.T) {
	if (Workstation{}).Usable() || (Workstation{Key: "k", WithdrawnAt: time.Unix(1, 0)}).Usable() || !(Workstation{Key: "k"}).Usable() {
		t.Error("a workstation is usable when it is paired and not withdrawn")
	}
}
