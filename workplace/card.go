package workplace

import (
	"context"

	"tolem"
	"tolem/access"
	"tolem/smartcard"
	"tolem/smartcard/desk"
)

// NewChallenge returns what a card is to be read for, in the actor's session.
func (w *Workplace) NewChallenge(ctx context.Context, by access.Actor) (desk.Challenge, error) { panic("not built") }

// CardRefusal is the refusal that goes with a code of a bridge, wherever a card
// is written (WP-557); reading tells whether the card was to be read to make an
// account: then the message says so first (WP-558).
func CardRefusal(code smartcard.Code) *Refusal {
	return &Refusal{key: code.Message(), why: "card bridge: " + string(code)}
}

// ReadCard returns what stands on the card that was read (WP-154). Payments that
// the reading decided are decided.
func (w *Workplace) ReadCard(ctx context.Context, by access.Actor, answer []byte) (smartcard.Card, error) { panic("not built") }

// Written takes what a bridge said about a ticket, and returns the payment as it
// stands then: written, failed, cancelled after a reversal, or pending still.
func (w *Workplace) Written(ctx context.Context, by access.Actor, answer []byte) (tolem.DeskPayment, error) { panic("not built") }

// WriteAgain gives out another ticket for a payment whose write has failed
// (WP-101, WP-553). Read is the bridge's answer to a challenge.
func (w *Workplace) WriteAgain(ctx context.Context, by access.Actor, n tolem.ReceiptNo, read []byte) (tolem.CardTicket, error) { panic("not built") }

// OpenTicket returns the ticket that is open for a payment, so that a page that
// was reloaded can ask the bridge; or store.ErrNotFound.
func (w *Workplace) OpenTicket(ctx context.Context, by access.Actor, n tolem.ReceiptNo) (tolem.CardTicket, error) { panic("not built") }
