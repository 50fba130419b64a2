package bridge_test

import (
	"testing"
	"time"

	"tolem"
	"tolem/smartcard"
)

// The scenarios of 8.2, one after another, as far as the bridge goes.

// All ready, last payment loaded.
//
// WP-073, WP-094, WP-097, WP-154
func TestAllReady(t *testing.T) {
	w := newWorld(t)
	w.scene(`{"cards":[{"card_no":"AZ-1001","organisation":"AZERIQAZ","account":"400123","balance":300,"last_ticket":"T0","last_loaded":true,
		"details":[{"label":"Sayğacın nömrəsi","value":"№ 778"}]}]}`)
	r := w.read()
	if r.No != cardA || r.Account != "400123" || r.Balance != 300 || !r.LastLoaded || r.LastTicket != "T0" || r.Details[0].Label != "Sayğacın nömrəsi" ||
		!r.AtTime().Equal(start) {
		t.Errorf("%+v", r)
	}
	ticket := w.ticket()
	if got := w.write(ticket, 200); got.Outcome != smartcard.Written || got.Ticket != ticket.ID || got.Code != "" || !got.Begun {
		t.Errorf("%+v", got)
	}
	if r := w.read(); r.LastTicket != ticket.ID || r.LastLoaded || r.Balance != 1550 {
		t.Errorf("after the write: %+v", r)
	}
	if got := w.about(ticket.ID); got.Outcome != smartcard.Written {
		t.Errorf("asked: %+v", got)
	}
	w.scene(`{"load":true}`)
	if !w.read().LastLoaded {
		t.Error("the customer has loaded it into the meter")
	}
}

// Reader absent; operator card absent; SMART card absent; card damaged: what a
// reading and a write are answered, and that no card was touched.
//
// WP-071, WP-092, WP-093, WP-157 to WP-159, WP-559
func TestNotReady(t *testing.T) {
	for name, c := range map[string]struct {
		scene, back string
		code        smartcard.Code
		message     string
	}{
		"reader":        {`{"reader":false}`, `{"reader":true}`, smartcard.ReaderNotReady, "card.reader_not_ready"},
		"operator card": {`{"operator_card":false}`, `{"operator_card":true}`, smartcard.OperatorCardMissing, "card.operator_missing"},
		"SMART card":    {`{"customer_card":false}`, `{"customer_card":true}`, smartcard.CustomerCardMissing, "card.customer_missing"},
		"damaged":       {`{"damaged":true}`, `{"damaged":false}`, smartcard.CardUnreadable, "card.read_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.scene(c.scene)
			if code, message := codeOf(t, w.post("/v1/card/read", map[string]string{"challenge": challenge}, 409)); code != c.code || message != c.message {
				t.Errorf("reading: %s %s", code, message)
			}
			ticket := w.ticket()
			if got := w.write(ticket, 409); got.Outcome != smartcard.Failed || got.Code != c.code || got.Begun {
				t.Errorf("write: %+v", got)
			}
			// Failed is failed: the ticket is not carried out when all is ready again.
			w.scene(c.back)
			if got := w.write(ticket, 409); got.Outcome != smartcard.Failed || w.card(cardA).Changes != 0 {
				t.Errorf("again: %+v, %d changes", got, w.card(cardA).Changes)
			}
			if got := w.write(w.ticket(), 200); got.Outcome != smartcard.Written {
				t.Errorf("a new ticket: %+v", got)
			}
		})
	}
}

// Last payment not loaded: the reading says so; that nothing is paid is the
// gateway's to decide, and so is that it goes on when the payment was cancelled.
//
// WP-079
func TestLastPaymentNotLoaded(t *testing.T) {
	w := newWorld(t)
	first := w.ticket()
	w.write(first, 200)
	if r := w.read(); r.LastLoaded || r.LastTicket != first.ID {
		t.Errorf("%+v", r)
	}
	// Not loaded but cancelled: the bridge carries out what the gateway signs.
	if got := w.write(w.ticket(), 200); got.Outcome != smartcard.Written || w.card(cardA).Changes != 2 {
		t.Errorf("%+v", got)
	}
}

// The write fails after the payment is stored, the re-write fails, the next
// succeeds: each with a ticket of its own.
//
// WP-099, WP-101
func TestWriteFails(t *testing.T) {
	w := newWorld(t)
	w.scene(`{"fail":"write"}`)
	for range 2 {
		if got := w.write(w.ticket(), 409); got.Outcome != smartcard.Failed || got.Code != smartcard.WriteFailed || !got.Begun {
			t.Errorf("%+v", got)
		}
	}
	if w.read().LastTicket != "" {
		t.Error("the card was changed")
	}
	w.scene(`{"fail":""}`)
	if got := w.write(w.ticket(), 200); got.Outcome != smartcard.Written || w.card(cardA).Changes != 1 {
		t.Errorf("%+v", got)
	}
}

// The bridge is lost after the write and the card holds the ticket: whoever asks
// again learns that it is written.
//
// WP-551, WP-552
func TestNoAnswerFromTheReader(t *testing.T) {
	w := newWorld(t)
	w.scene(`{"hold":"after"}`)
	ticket := w.ticket()
	// The driver does not come back in time; the bridge reads the card.
	if got := w.write(ticket, 200); got.Outcome != smartcard.Written {
		t.Errorf("held after the write: %+v", got)
	}
	w.scene(`{"hold":"before"}`)
	second := w.ticket()
	if got := w.write(second, 409); got.Outcome != smartcard.Failed || got.Code != smartcard.WriteFailed || !got.Begun {
		t.Errorf("held before the write: %+v", got)
	}
	w.scene(`{"hold":""}`)
	time.Sleep(20 * time.Millisecond)
	if got := w.card(cardA); got.Changes != 1 || got.LastTicket != ticket.ID {
		t.Errorf("the card was changed by what had failed: %+v", got)
	}
}

// The card is taken out while it is written: nobody knows, until it is in the
// reader again.
//
// WP-551
func TestCardTakenOutDuringTheWrite(t *testing.T) {
	for hold, want := range map[string]smartcard.Outcome{"after": smartcard.Written, "before": smartcard.Failed} {
		t.Run(hold, func(t *testing.T) {
			w := newWorld(t)
			w.scene(`{"hold":"` + hold + `"}`)
			ticket := w.ticket()
			go func() {
				time.Sleep(100 * time.Millisecond)
				w.scene(`{"customer_card":false}`)
			}()
			if got := w.write(ticket, 504); got.Outcome != smartcard.Unknown || !got.Begun {
				t.Fatalf("%+v", got)
			}
			if got := w.about(ticket.ID); got.Outcome != smartcard.Unknown || !got.Begun {
				t.Errorf("without the card: %+v", got)
			}
			// Another card tells nothing about it.
			w.scene(`{"hold":"","customer_card":true,"inserted":"AZ-2002","cards":[{"card_no":"AZ-2002","organisation":"AZERIQAZ","account":"7","last_loaded":true}]}`)
			if got := w.about(ticket.ID); got.Outcome != smartcard.Unknown {
				t.Errorf("with another card: %+v", got)
			}
			w.restart()
			w.scene(`{"inserted":"AZ-1001"}`)
			if got := w.about(ticket.ID); got.Outcome != want {
				t.Errorf("with the card: %+v, want %s", got, want)
			}
			// It is decided for good, and changes nothing any more.
			status := map[smartcard.Outcome]int{smartcard.Written: 200, smartcard.Failed: 409}[want]
			if got := w.write(ticket, status); got.Outcome != want {
				t.Errorf("sent again: %+v", got)
			}
			changes := map[smartcard.Outcome]int{smartcard.Written: 1, smartcard.Failed: 0}[want]
			if got := w.card(cardA).Changes; got != changes {
				t.Errorf("%d changes, want %d", got, changes)
			}
		})
	}
}

// Another organisation's card of the same number tells nothing about a ticket.
//
// WP-551
func TestCardOfThatNumberElsewhere(t *testing.T) {
	w := newWorld(t)
	w.scene(`{"hold":"after"}`)
	ticket := w.ticket()
	go func() {
		time.Sleep(100 * time.Millisecond)
		w.scene(`{"customer_card":false}`)
	}()
	if got := w.write(ticket, 504); got.Outcome != smartcard.Unknown || !got.Begun {
		t.Fatalf("%+v", got)
	}
	w.scene(`{"hold":"","customer_card":true,"cards":[{"card_no":"AZ-1001","organisation":"AZERISHIQ","account":"7","last_loaded":true}]}`)
	if got := w.about(ticket.ID); got.Outcome != smartcard.Unknown {
		t.Errorf("%+v", got)
	}
}

// Another card at payment, re-write or reversal.
//
// WP-548, WP-550
func TestAnotherCard(t *testing.T) {
	w := newWorld(t)
	first := w.ticket()
	w.write(first, 200)
	w.scene(`{"inserted":"AZ-2002","cards":[{"card_no":"AZ-2002","organisation":"AZERIQAZ","account":"7","last_loaded":true}]}`)
	for _, ticket := range []smartcard.Ticket{
		w.ticket(),
		w.ticket(func(x *smartcard.Ticket) { x.Operation, x.Reverses = tolem.TicketReverse, first.ID }),
		// The card's number belongs to another organisation's card.
		w.ticket(func(x *smartcard.Ticket) { x.Card, x.Organisation = cardB, "AZERISHIQ" }),
	} {
		if got := w.write(ticket, 409); got.Outcome != smartcard.Failed || got.Code != smartcard.CardMismatch || got.Code.Message() != "card.other_card" {
			t.Errorf("%+v", got)
		}
	}
	if w.card(cardA).Changes != 1 || w.card(cardB).Changes != 0 {
		t.Error("a card was changed")
	}
}

// The reversal succeeds; it fails; there is nothing to take back.
//
// WP-565
func TestReversal(t *testing.T) {
	w := newWorld(t)
	write := w.ticket()
	w.write(write, 200)
	reverse := func() smartcard.Ticket {
		return w.ticket(func(x *smartcard.Ticket) { x.Operation, x.Reverses = tolem.TicketReverse, write.ID })
	}
	w.scene(`{"fail":"reverse"}`)
	if got := w.write(reverse(), 409); got.Outcome != smartcard.Failed || got.Code != smartcard.WriteFailed || w.read().Balance != 1250 {
		t.Errorf("it fails: %+v", got)
	}
	w.scene(`{"fail":""}`)
	done := reverse()
	if got := w.write(done, 200); got.Outcome != smartcard.Reversed {
		t.Errorf("%+v", got)
	}
	if r := w.read(); r.Balance != 0 || r.LastTicket != done.ID {
		t.Errorf("%+v", r)
	}
	// Once more there is nothing to take back.
	if got := w.write(reverse(), 409); got.Outcome != smartcard.Failed || w.card(cardA).Changes != 2 {
		t.Errorf("again: %+v", got)
	}
}

// WP-567: what the meter has taken is not taken off the card.
func TestReversalOfWhatWasLoaded(t *testing.T) {
	w := newWorld(t)
	write := w.ticket()
	w.write(write, 200)
	w.scene(`{"load":true}`)
	got := w.write(w.ticket(func(x *smartcard.Ticket) { x.Operation, x.Reverses = tolem.TicketReverse, write.ID }), 409)
	if got.Outcome != smartcard.Failed || got.Begun || w.card(cardA).Changes != 1 {
		t.Errorf("%+v", got)
	}
}
