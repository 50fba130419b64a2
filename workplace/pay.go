package workplace

import (
	"context"

	"tolem"
	"tolem/access"
	"tolem/smartcard"
)

// Confirmation is “Davam et”: of which calculation, and what a card bridge said
// if there is a SMART line.
type Confirmation struct {
	Basket      tolem.BasketID
	Calculation int64

	// Read is the bridge's answer to a challenge; nil if there was none. NotReady
	// is its code then: what was missing, or NoAnswer.
	Read     []byte
	NotReady smartcard.Code
	// WithoutWrite is “Bəli”: SMART lines are paid without writing (WP-083).
	WithoutWrite bool
}

// Completion is what a confirmation came to.
type Completion struct {
	Basket   tolem.BasketID
	Payments []tolem.DeskPayment // all that were paid of this basket, by receipt number
	// Left are lines that are still in the basket: they failed (Failed has the key
	// of the message), or wait for another card to be read.
	Left []tolem.BasketLine
	// Tickets are open: the page hands each to the bridge, and the bridge's answer
	// to Written.
	Tickets []tolem.CardTicket
}

// Pay makes a payment of every line (WP-060, WP-538 to WP-541), each in one
// transaction with its receipt number, its code, its evidence and its audit
// record. A line that fails stays in the basket; the others are paid. The same
// confirmation again returns what it came to and pays nothing twice.
//
// With a SMART line the card is judged first (WP-542): ErrNotLoaded, ErrOtherCard,
// ErrWithoutWrite, or the refusal of what is missing pay nothing at all.
// ErrStale is returned for a calculation that does not stand any more.
func (w *Workplace) Pay(ctx context.Context, by access.Actor, c Confirmation) (Completion, error) { panic("not built") }

// Completed returns what was paid of a basket of the actor's, after a reload.
func (w *Workplace) Completed(ctx context.Context, by access.Actor, b tolem.BasketID) (Completion, error) { panic("not built") }
