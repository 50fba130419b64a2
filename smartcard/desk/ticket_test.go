package desk_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/smartcard"
	"tolem/smartcard/desk"
	"tolem/store"
)

// A payment is written, and the ticket is stored, with its evidence, before
// anybody can hand it to a bridge.
//
// WP-073, WP-097, WP-552, WP-595
func TestAWriteFromBeginningToEnd(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		s := w.look(w.bridge, smartcard.Card{LastTicket: "of-another-system", LastLoaded: true})
		if s.No != cardNo || s.Workstation.ID != w.bridge.id || s.Outstanding(false) || s.LastPayment != "" {
			t.Errorf("%+v", s)
		}
		ticket := w.issue(order(w.bridge, "P1"))
		if stored := w.state(ticket); stored != tolem.TicketOpen {
			t.Fatalf("stored as %q", stored)
		}
		if kept := w.records("CardTicket"); len(kept) != 1 || !bytes.Equal(kept[0].Raw, ticket.Signed) {
			t.Errorf("%d tickets in the evidence", len(kept))
		}
		r := w.tell(w.bridge.result(ticket, smartcard.Written, "", true))
		event, ok := r.Ticket.Event()
		if !r.First || r.Contradicts || r.Ticket.State != tolem.TicketWritten || !ok || event != tolem.CardEventWritten {
			t.Errorf("%+v", r)
		}
		// Told again it is the same and decides nothing.
		if r := w.tell(w.bridge.result(ticket, smartcard.Written, "", true)); r.First || r.Contradicts || r.Ticket.State != tolem.TicketWritten {
			t.Errorf("told again: %+v", r)
		}
		if kept := w.records("CardResult"); len(kept) != 1 || kept[0].Class != "" || string(kept[0].RequestID) != string(ticket.ID) {
			t.Errorf("results in the evidence: %+v", kept)
		}
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			steps, err := tx.CardTicketSteps(ticket.ID)
			if len(steps) != 2 || steps[0].Basis != desk.BasisIssued || steps[1].Basis != desk.BasisAnswer || steps[1].State != tolem.TicketWritten {
				t.Errorf("steps %+v", steps)
			}
			return err
		}))
		// It is done: no second ticket for the payment, but another for the card.
		if _, err := w.tryIssue(order(w.bridge, "P1")); !errors.Is(err, desk.ErrDone) {
			t.Errorf("a second ticket: %v", err)
		}
		w.issue(order(w.bridge, "P2"))
	})
}

// WP-101: what failed is tried again with a new ticket, at another workstation
// too.
func TestFailedWriteAndWriteAgain(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		second := w.pair(bank, "Kassa 2")
		ticket := w.issue(order(w.bridge, "P1"))
		r := w.tell(w.bridge.result(ticket, smartcard.Failed, smartcard.WriteFailed, true))
		if event, _ := r.Ticket.Event(); !r.First || r.Code != smartcard.WriteFailed || event != tolem.CardEventNotWritten {
			t.Fatalf("%+v", r)
		}
		again := w.issue(order(second, "P1"))
		if r := w.tell(second.result(again, smartcard.Failed, smartcard.CardMismatch, false)); r.Code.Message() != "card.other_card" || !r.First {
			t.Errorf("other card: %+v", r)
		}
		third := w.issue(order(w.bridge, "P1"))
		if r := w.tell(w.bridge.result(third, smartcard.Written, "", true)); r.Ticket.State != tolem.TicketWritten {
			t.Errorf("%+v", r)
		}
	})
}

// WP-565: a reversal takes back what was written, from the card
// it was written to.
func TestReversal(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		reverse := order(w.bridge, "P1")
		reverse.Op, reverse.Card, reverse.Amount = tolem.TicketReverse, "AZ-9999", tolem.Money{Minor: 1, Currency: tolem.AZN}
		if _, err := w.tryIssue(reverse); !errors.Is(err, desk.ErrNotWritten) {
			t.Fatalf("of nothing: %v", err)
		}
		written := w.issue(order(w.bridge, "P1"))
		if _, err := w.tryIssue(reverse); !errors.Is(err, desk.ErrOpen) {
			t.Fatalf("of an open one: %v", err)
		}
		w.tell(w.bridge.result(written, smartcard.Written, "", true))
		first := w.issue(reverse)
		if first.Card != cardNo || first.Amount.Minor != 1250 || first.Reverses != written.ID {
			t.Errorf("reverses %+v", first)
		}
		r := w.tell(w.bridge.result(first, smartcard.Failed, smartcard.WriteFailed, true))
		if event, _ := r.Ticket.Event(); event != tolem.CardEventReversalFailed {
			t.Errorf("%s", event)
		}
		second := w.issue(reverse)
		r = w.tell(w.bridge.result(second, smartcard.Reversed, "", true))
		if event, _ := r.Ticket.Event(); event != tolem.CardEventReversed || !r.First {
			t.Errorf("%+v", r)
		}
		for _, o := range []desk.Order{reverse, order(w.bridge, "P1")} {
			if _, err := w.tryIssue(o); !errors.Is(err, desk.ErrDone) {
				t.Errorf("after the reversal %s: %v", o.Op, err)
			}
		}
		// Nothing is outstanding on a card whose last ticket took something back.
		if s := w.look(w.bridge, smartcard.Card{LastTicket: second.ID}); s.Outstanding(false) || s.LastOp != tolem.TicketReverse {
			t.Errorf("%+v", s)
		}
	})
}

// WP-079, WP-544
func TestLastPaymentNotLoaded(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ticket := w.issue(order(w.bridge, "P1"))
		w.tell(w.bridge.result(ticket, smartcard.Written, "", true))
		s := w.look(w.bridge, smartcard.Card{LastTicket: ticket.ID})
		if s.LastPayment != "P1" || s.LastOp != tolem.TicketWrite || !s.Outstanding(false) || s.Outstanding(true) {
			t.Errorf("not loaded: %+v", s)
		}
		if s := w.look(w.bridge, smartcard.Card{LastTicket: ticket.ID, LastLoaded: true}); s.Outstanding(false) {
			t.Errorf("loaded: %+v", s)
		}
		if s := w.look(w.bridge, smartcard.Card{}); s.Outstanding(false) {
			t.Errorf("a new card: %+v", s)
		}
		if s := w.look(w.bridge, smartcard.Card{LastTicket: "elsewhere"}); !s.Outstanding(false) || s.LastPayment != "" {
			t.Errorf("written elsewhere, not loaded: %+v", s)
		}
		// A ticket of another card proves nothing about this one.
		if s := w.look(w.bridge, smartcard.Card{No: "AZ-2002", LastTicket: ticket.ID}); s.LastPayment != "" || !s.Outstanding(false) {
			t.Errorf("another card: %+v", s)
		}
	})
}

// WP-548, WP-550
func TestCardOfAnotherAccount(t *testing.T) {
	s := desk.CardState{Card: smartcard.Card{No: cardNo, Organisation: gas, Account: "400123"}}
	for want, c := range map[smartcard.Code][]struct{ org, account, card string }{
		"":                     {{"AZERIQAZ", "400123", "AZ-1001"}, {"AZERIQAZ", "400123", ""}},
		smartcard.CardMismatch: {{"AZERIQAZ", "400123", "AZ-2002"}, {"AZERIQAZ", "400124", ""}, {"AZERISHIQ", "400123", "AZ-1001"}},
	} {
		for _, x := range c {
			if got := s.Check(tolem.ProviderID(x.org), x.account, tolem.SmartCardNo(x.card)); got != want {
				t.Errorf("%+v: %q", x, got)
			}
		}
	}
}

// While a ticket is open there is no other for its payment, nor for its card,
// at no bank.
//
// WP-549, WP-552
func TestOneOpenTicket(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		elsewhere := w.pair(other, "Kassa 1")
		ticket := w.issue(order(w.bridge, "P1"))
		anotherCard := order(w.bridge, "P1")
		anotherCard.Card = "AZ-2002"
		anotherBank := order(elsewhere, "P7")
		anotherBank.Bank = other
		for name, o := range map[string]desk.Order{"payment": anotherCard, "card": order(w.bridge, "P2"), "card at another bank": anotherBank} {
			if _, err := w.tryIssue(o); !errors.Is(err, desk.ErrOpen) || !desk.Held(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			got, err := w.OpenOf(tx, bank, "P1")
			if got.ID != ticket.ID || !bytes.Equal(got.Signed, ticket.Signed) {
				t.Errorf("open: %+v", got)
			}
			if _, err := w.OpenOf(tx, other, "P1"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("open, to another bank: %v", err)
			}
			if list, err := w.Open(tx, bank, 10); err != nil || len(list) != 0 {
				t.Errorf("%d too early, %v", len(list), err)
			}
			return err
		}))
		w.clock.Advance(2 * time.Minute)
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			mine, err := w.Open(tx, bank, 10)
			theirs, err2 := w.Open(tx, other, 10)
			if len(mine) != 1 || len(theirs) != 0 {
				t.Errorf("open: %d of this bank, %d of the other", len(mine), len(theirs))
			}
			return errors.Join(err, err2)
		}))
		w.tell(w.bridge.result(ticket, smartcard.Failed, smartcard.WriteFailed, true))
		w.issue(anotherBank)
	})
}

// WP-551: silence decides nothing; what does.
func TestUnknownResult(t *testing.T) {
	const onCard, notOnCard = true, false
	for name, c := range map[string]struct {
		after  time.Duration // the ticket was made
		tell   func(w *world, t tolem.CardTicket)
		decide tolem.TicketState
	}{
		"the bridge never saw it, before its end": {10 * time.Second, func(w *world, t tolem.CardTicket) {
			w.tell(w.bridge.result(t, smartcard.Unknown, "", false))
		}, tolem.TicketOpen},
		"the bridge never saw it, after its end": {time.Minute, func(w *world, t tolem.CardTicket) {
			w.tell(w.bridge.result(t, smartcard.Unknown, "", false))
		}, tolem.TicketFailed},
		"the same, but the bridge's clock is behind": {2 * time.Minute, func(w *world, t tolem.CardTicket) {
			w.bridge.behind = 90 * time.Second
			w.tell(w.bridge.result(t, smartcard.Unknown, "", false))
		}, tolem.TicketOpen},
		"the bridge began and does not know": {time.Hour, func(w *world, t tolem.CardTicket) {
			w.tell(w.bridge.result(t, smartcard.Unknown, "", true))
		}, tolem.TicketOpen},
		"the card holds it": {5 * time.Second, func(w *world, t tolem.CardTicket) { w.read(w.bridge, t, onCard) }, tolem.TicketWritten},
		"the card does not hold it yet": {5 * time.Second, func(w *world, t tolem.CardTicket) {
			w.read(w.bridge, t, notOnCard)
		}, tolem.TicketOpen},
		"the card does not hold it, after its end": {time.Minute, func(w *world, t tolem.CardTicket) {
			w.read(w.bridge, t, notOnCard)
		}, tolem.TicketFailed},
		"the same, but the bridge's clock is behind it": {2 * time.Minute, func(w *world, t tolem.CardTicket) {
			w.bridge.behind = 90 * time.Second
			w.read(w.bridge, t, notOnCard)
		}, tolem.TicketOpen},
		"another desk reads that the card holds it": {5 * time.Second, func(w *world, t tolem.CardTicket) {
			w.read(w.pair(bank, "Kassa 2"), t, onCard)
		}, tolem.TicketWritten},
		"another desk reads that it does not": {5 * time.Minute, func(w *world, t tolem.CardTicket) {
			w.read(w.pair(bank, "Kassa 2"), t, notOnCard)
		}, tolem.TicketOpen},
		"another desk reads that it does not, long after": {12 * time.Minute, func(w *world, t tolem.CardTicket) {
			w.read(w.pair(bank, "Kassa 2"), t, notOnCard)
		}, tolem.TicketFailed},
		"another bank reads that the card holds it": {5 * time.Second, func(w *world, t tolem.CardTicket) {
			w.read(w.pair(other, "Kassa 2"), t, onCard)
		}, tolem.TicketWritten},
		"another bank reads that it does not": {time.Hour, func(w *world, t tolem.CardTicket) {
			w.read(w.pair(other, "Kassa 2"), t, notOnCard)
		}, tolem.TicketOpen},
	} {
		t.Run(name, func(t *testing.T) {
			worlds(t, func(t *testing.T, w *world) {
				ticket := w.issue(order(w.bridge, "P1"))
				w.clock.Advance(c.after)
				if c.tell(w, ticket); w.state(ticket) != c.decide {
					t.Errorf("it is %s, want %s", w.state(ticket), c.decide)
				}
			})
		})
	}
}

// read has a card read and checks that the ticket it decides is told.
func (w *world) read(b *bridge, t tolem.CardTicket, holds bool) {
	w.t.Helper()
	card := smartcard.Card{LastLoaded: true}
	if holds {
		card = smartcard.Card{LastTicket: t.ID}
	}
	s := w.look(b, card)
	if now := w.state(t); len(s.Decided) > 0 != (now != tolem.TicketOpen) {
		w.t.Errorf("the ticket is %s, told as decided: %+v", now, s.Decided)
	}
	for _, d := range s.Decided {
		if event, ok := d.Event(); !ok || event == "" || d.ID != t.ID {
			w.t.Errorf("decided %+v", d)
		}
	}
}

// Two organisations may number their cards alike: one's card tells nothing about
// a ticket for the other's.
//
// WP-551
func TestCardOfThatNumberElsewhere(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ticket := w.issue(order(w.bridge, "P1"))
		w.clock.Advance(time.Hour)
		s := w.look(w.bridge, smartcard.Card{Organisation: "AZERISHIQ", Account: "7", LastLoaded: true})
		if state := w.state(ticket); state != tolem.TicketOpen || len(s.Decided) > 0 {
			t.Errorf("the card of another organisation has decided it: %s, %+v", state, s.Decided)
		}
		w.read(w.bridge, ticket, true)
		if state := w.state(ticket); state != tolem.TicketWritten {
			t.Errorf("its own card: %s", state)
		}
	})
}

// A result that comes after the end of its ticket counts; one that comes after
// the ticket was decided otherwise is kept, and changes nothing.
func TestLateResults(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		late := w.issue(order(w.bridge, "P1"))
		text := w.bridge.result(late, smartcard.Written, "", true)
		w.clock.Advance(24 * time.Hour)
		if r := w.tell(text); !r.First || r.Ticket.State != tolem.TicketWritten {
			t.Errorf("after its end: %+v", r)
		}
		given := w.issue(order(w.bridge, "P2"))
		said := w.bridge.result(given, smartcard.Written, "", true)
		w.clock.Advance(time.Hour)
		w.tell(w.bridge.result(given, smartcard.Unknown, "", false))
		r := w.tell(said)
		if r.First || !r.Contradicts || r.Ticket.State != tolem.TicketFailed {
			t.Errorf("after it failed: %+v", r)
		}
		classes := make(map[string]int)
		for _, r := range w.records("CardResult") {
			classes[r.Class]++
		}
		if classes[""] != 2 || classes[desk.Contradiction] != 1 {
			t.Errorf("kept: %v", classes)
		}
		// A write that was reversed is nothing a bridge can say.
		odd := w.issue(order(w.bridge, "P3"))
		if r := w.tell(w.bridge.result(odd, smartcard.Reversed, "", true)); !r.Contradicts || w.state(odd) != tolem.TicketOpen {
			t.Errorf("a write that was reversed: %+v", r)
		}
	})
}

// Only the key counts that the workstation's bridge had when the ticket was
// made.
func TestWhoseAnswersCount(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ticket := w.issue(order(w.bridge, "P1"))
		neighbour, stranger := w.pair(bank, "Kassa 2"), &bridge{w: w, id: w.bridge.id, signer: newSigner(t)}
		renamed := *neighbour
		renamed.id = w.bridge.id
		simulator := *w.bridge
		simulator.sim = true
		elsewhere := *w.bridge
		elsewhere.id = neighbour.id
		for name, c := range map[string]struct {
			b    *bridge
			want error
		}{
			"neighbour": {neighbour, smartcard.ErrSignature}, "neighbour by this name": {&renamed, smartcard.ErrSignature},
			"stranger": {stranger, smartcard.ErrSignature}, "simulator": {&simulator, desk.ErrSimulated},
			"by another name": {&elsewhere, desk.ErrWorkstation},
		} {
			if _, err := w.tryTell(c.b.result(ticket, smartcard.Written, "", true)); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		// To another bank the ticket does not exist.
		err := w.update(func(tx *store.Tx) error {
			_, err := w.VerifyResult(tx, other, w.bridge.result(ticket, smartcard.Written, "", true))
			return err
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another bank: %v", err)
		}
		for _, text := range []string{"", "{}", `{"signature":"a.b.c"}`, "null", `{"result":"written"}`} {
			if _, err := w.tryTell([]byte(text)); !errors.Is(err, smartcard.ErrDocument) {
				t.Errorf("%q: %v", text, err)
			}
		}
		if w.state(ticket) != tolem.TicketOpen || len(w.records("CardResult")) != 0 {
			t.Error("what does not count has changed something")
		}
		// The bridge is paired anew: the old key still tells of the old ticket.
		old := *w.bridge
		var code smartcard.PairingCode
		must(t, w.update(func(tx *store.Tx) (err error) {
			_, code, err = w.NewCode(tx, bank, w.bridge.id)
			return err
		}))
		w.bridge.signer = newSigner(t)
		must(t, w.bridge.enrol(code))
		if _, err := w.tryTell(w.bridge.result(ticket, smartcard.Written, "", true)); !errors.Is(err, smartcard.ErrSignature) {
			t.Errorf("the new key about the old ticket: %v", err)
		}
		if r := w.tell(old.result(ticket, smartcard.Written, "", true)); !r.First {
			t.Errorf("the old key: %+v", r)
		}
		// But cards are read by the key it has.
		err = w.update(func(tx *store.Tx) error {
			_, err := w.VerifyRead(tx, bank, session, old.read(strings.Repeat("A", 26), smartcard.Card{}))
			return err
		})
		if !errors.Is(err, desk.ErrWorkstation) {
			t.Errorf("read by the old key: %v", err)
		}
	})
}

// Two answers, or twenty, at the same time: one decides.
//
// WP-552
func TestRaceOfResults(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for round := range 5 {
			ticket := w.issue(order(w.bridge, fmt.Sprintf("P%d", round)))
			texts := [][]byte{w.bridge.result(ticket, smartcard.Written, "", true), w.bridge.result(ticket, smartcard.Failed, smartcard.WriteFailed, true)}
			var mu sync.Mutex
			var first, contradicting []tolem.TicketState
			var wait sync.WaitGroup
			for i := range 12 {
				wait.Go(func() {
					r, err := w.tryTell(texts[i%2])
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err != nil:
						t.Error(err)
					case r.First:
						first = append(first, r.Ticket.State)
					case r.Contradicts:
						contradicting = append(contradicting, r.Ticket.State)
					}
				})
			}
			wait.Wait()
			if len(first) != 1 || len(contradicting) != 6 || w.state(ticket) != first[0] {
				t.Errorf("%d decided, %d contradict, it is %s", len(first), len(contradicting), w.state(ticket))
			}
			for _, seen := range contradicting {
				if seen != first[0] {
					t.Errorf("seen as %s and decided as %s", seen, first[0])
				}
			}
		}
	})
}

// A reading and an answer at the same time decide once.
func TestRaceOfReadingAndResult(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for round := range 5 {
			ticket := w.issue(order(w.bridge, fmt.Sprintf("P%d", round)))
			read := w.bridge.read(w.challenge(bank).Value, smartcard.Card{LastTicket: ticket.ID})
			told := w.bridge.result(ticket, smartcard.Written, "", true)
			var decided int
			var mu sync.Mutex
			var wait sync.WaitGroup
			wait.Go(func() {
				var s desk.CardState
				must(t, w.update(func(tx *store.Tx) (err error) {
					s, err = w.VerifyRead(tx, bank, session, read)
					return err
				}))
				mu.Lock()
				defer mu.Unlock()
				decided += len(s.Decided)
			})
			wait.Go(func() {
				r, err := w.tryTell(told)
				must(t, err)
				mu.Lock()
				defer mu.Unlock()
				if r.First {
					decided++
				}
			})
			wait.Wait()
			if decided != 1 || w.state(ticket) != tolem.TicketWritten {
				t.Errorf("decided %d times", decided)
			}
		}
	})
}

// Of many tickets for a payment, or for a card, at the same time one is made.
func TestRaceOfTickets(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		var made, held int
		var wait sync.WaitGroup
		for i := range 12 {
			o := order(w.bridge, fmt.Sprintf("P%d", i%3)) // one card
			wait.Go(func() {
				_, err := w.tryIssue(o)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					made++
				case desk.Held(err):
					held++
				default:
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if made != 1 || held != 11 || len(w.records("CardTicket")) != 1 {
			t.Errorf("%d made, %d held", made, held)
		}
	})
}

// The card's number is sealed where it is stored.
func TestCardNumberIsSealed(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		o := order(w.bridge, "P1")
		o.Card = "ZZ-SEALED-4711"
		w.issue(o)
		var name string
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			got, err := tx.OpenTicketOfCard(o.Card)
			name = string(got.Card)
			return err
		}))
		if name != string(o.Card) {
			t.Errorf("read as %q", name)
		}
		for _, file := range sqliteFiles(t) {
			if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte("SEALED-4711")) {
				t.Errorf("%s holds the number", file)
			}
		}
	})
}
