// Package simulator plays a card reader with an operator card and customers'
// cards, and everything that can go wrong with them, as a scene that is set over
// HTTP (operator-workplace.md, 8.2). Its cards live in a file, so that a killed
// bridge finds them as they were left, like real ones.
//
// It is for tests, trying out and the sandbox. It signs nothing; the bridge in
// front of it marks every answer as simulated, and a gateway that is no sandbox
// believes none of them.
package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tolem"
	"tolem/smartcard"
)

// Faults of a scene.
const (
	FailNothing = ""
	FailWrite   = "write"   // writes are refused, the card stays as it is
	FailReverse = "reverse" // and so are reversals
	HoldNothing = ""
	HoldBefore  = "before" // a change does not begin until the scene lets it
	HoldAfter   = "after"  // the card is changed, but nobody is told
)

// Card is a card with what tests want to know of it.
type Card struct {
	smartcard.Card
	Changes int              `json:"changes"` // how often it was changed by tickets
	Tickets []tolem.TicketID `json:"tickets"` // which did
}

// Scene is the whole state.
type Scene struct {
	smartcard.Presence
	Inserted tolem.SmartCardNo          `json:"inserted"` // the customer's card in the reader
	Damaged  bool                       `json:"damaged"`  // it cannot be read
	Fail     string                     `json:"fail"`
	Hold     string                     `json:"hold"`
	Cards    map[tolem.SmartCardNo]Card `json:"cards"`
}

// Change is what a PUT says: what it does not name stays.
type Change struct {
	Reader       *bool              `json:"reader"`
	OperatorCard *bool              `json:"operator_card"`
	CustomerCard *bool              `json:"customer_card"`
	Inserted     *tolem.SmartCardNo `json:"inserted"`
	Damaged      *bool              `json:"damaged"`
	Fail         *string            `json:"fail"`
	Hold         *string            `json:"hold"`
	// Load lets the customer load the inserted card into the meter.
	Load bool `json:"load"`
	// Cards are made, or made anew.
	Cards []smartcard.Card `json:"cards"`
}

// ErrScene reports a change that makes no scene.
var ErrScene = errors.New("that makes no scene")

const (
	maxCards   = 1000
	maxTickets = 100 // kept of a card
	holdLook   = 5 * time.Millisecond
)

// Simulator is a bridge's Reader. It is safe for concurrent use.
type Simulator struct {
	name string

	mu    sync.Mutex
	scene Scene
}

// FirstCard is in the reader when a simulator is made.
const FirstCard = tolem.SmartCardNo("AZ-1001")

// Open opens the simulator that is kept in a folder, or makes one with all ready.
func Open(dir string) (*Simulator, error) {
	s := &Simulator{name: filepath.Join(dir, "simulator.json")}
	text, err := os.ReadFile(s.name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		s.scene = Scene{
			Presence: smartcard.Presence{Reader: true, OperatorCard: true, CustomerCard: true}, Inserted: FirstCard,
			Cards: map[tolem.SmartCardNo]Card{
				FirstCard: {Card: smartcard.Card{No: FirstCard, Organisation: "AZERIQAZ", Account: "400123", LastLoaded: true, Details: []smartcard.Detail{}}},
			},
		}
		return s, errors.Join(os.MkdirAll(dir, 0o700), s.keep())
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(text, &s.scene); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return s, nil
}

// keep writes the scene so that it is there after whatever happens next.
func (s *Simulator) keep() error {
	text, err := json.MarshalIndent(s.scene, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(s.name), ".scene-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), s.name)
}

// Scene returns a copy of the scene.
func (s *Simulator) Scene() Scene {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copy()
}

func (s *Simulator) copy() Scene {
	c := s.scene
	c.Cards = make(map[tolem.SmartCardNo]Card, len(s.scene.Cards))
	for no, card := range s.scene.Cards {
		c.Cards[no] = card
	}
	return c
}

// Set changes the scene.
func (s *Simulator) Set(c Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.copy()
	for to, from := range map[*bool]*bool{
		&next.Reader: c.Reader, &next.OperatorCard: c.OperatorCard, &next.CustomerCard: c.CustomerCard, &next.Damaged: c.Damaged,
	} {
		if from != nil {
			*to = *from
		}
	}
	if c.Fail != nil {
		next.Fail = *c.Fail
	}
	if c.Hold != nil {
		next.Hold = *c.Hold
	}
	if err := next.take(c); err != nil {
		return err
	}
	s.scene = next
	return s.keep()
}

// take puts the cards of a change in their place.
func (s *Scene) take(c Change) error {
	for _, card := range c.Cards {
		if err := card.Check(); err != nil {
			return fmt.Errorf("%w: card %s: %w", ErrScene, card.No, err)
		}
		if card.Details == nil {
			card.Details = []smartcard.Detail{}
		}
		s.Cards[card.No] = Card{Card: card, Changes: s.Cards[card.No].Changes, Tickets: s.Cards[card.No].Tickets}
	}
	if c.Inserted != nil {
		s.Inserted = *c.Inserted
	}
	card, ok := s.Cards[s.Inserted]
	switch {
	case !ok:
		return fmt.Errorf("%w: there is no card %q", ErrScene, s.Inserted)
	case len(s.Cards) > maxCards:
		return fmt.Errorf("%w: more than %d cards", ErrScene, maxCards)
	case s.Fail != FailNothing && s.Fail != FailWrite && s.Fail != FailReverse:
		return fmt.Errorf("%w: fail is write, reverse or empty", ErrScene)
	case s.Hold != HoldNothing && s.Hold != HoldBefore && s.Hold != HoldAfter:
		return fmt.Errorf("%w: hold is before, after or empty", ErrScene)
	}
	if c.Load {
		card.LastLoaded = true
		s.Cards[s.Inserted] = card
	}
	return nil
}

// Status says what the scene says.
func (s *Simulator) Status(context.Context) (smartcard.Presence, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scene.Presence, nil
}

// Read returns the inserted card.
func (s *Simulator) Read(context.Context) (smartcard.Card, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	card, err := s.scene.reachable()
	return card.Card, err
}

// reachable returns the inserted card, if the reader reaches it.
func (s *Scene) reachable() (Card, error) {
	if code := s.Presence.Code(); code != "" {
		return Card{}, &smartcard.Failure{Code: code}
	}
	if s.Damaged {
		return Card{}, &smartcard.Failure{Code: smartcard.CardUnreadable}
	}
	return s.Cards[s.Inserted], nil
}

// Change writes to the inserted card, or takes off it.
func (s *Simulator) Change(ctx context.Context, t smartcard.Ticket) error {
	if err := s.hold(ctx, HoldBefore); err != nil {
		return err
	}
	if err := s.change(t); err != nil {
		return err
	}
	return s.hold(ctx, HoldAfter)
}

func (s *Simulator) change(t smartcard.Ticket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	card, err := s.scene.reachable()
	switch {
	case err != nil:
		return err
	case s.scene.Fail == string(t.Operation):
		return &smartcard.Failure{Code: smartcard.WriteFailed}
	}
	amount := t.Amount
	if t.Operation == tolem.TicketReverse {
		amount = -amount
	}
	card.Balance += amount
	card.LastTicket, card.LastLoaded = t.ID, false
	card.Changes++
	card.Tickets = append(card.Tickets[max(0, len(card.Tickets)-maxTickets+1):len(card.Tickets):len(card.Tickets)], t.ID)
	s.scene.Cards[card.No] = card
	return s.keep()
}

// hold waits as long as the scene says so.
func (s *Simulator) hold(ctx context.Context, where string) error {
	tick := time.NewTicker(holdLook)
	defer tick.Stop()
	for s.Scene().Hold == where {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
