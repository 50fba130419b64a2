package workplace

import (
	"context"

	"tolem"
	"tolem/access"
)

// Cancelled is what a request to cancel came to.
type Cancelled struct {
	Payment      tolem.DeskPayment
	Cancellation tolem.DeskCancellation // zero while Ticket is open
	// Ticket takes the payment off the card first (WP-565): the page hands it to
	// the bridge, and the answer to Written, which cancels. Nil: no card.
	Ticket *tolem.CardTicket
}

// ToCancel finds a payment of the actor's branch by its receipt number
// (WP-105, WP-560, WP-561), or ErrReceiptNotFound.
func (w *Workplace) ToCancel(ctx context.Context, by access.Actor, n tolem.ReceiptNo) (tolem.DeskPayment, error) {
	panic("not built")
}

// Cancel asks for the cancellation of a payment (WP-107, WP-119 to WP-128). One
// that is on a SMART card needs the bridge's answer to a challenge in read.
func (w *Workplace) Cancel(ctx context.Context, by access.Actor, n tolem.ReceiptNo, read []byte) (Cancelled, error) {
	panic("not built")
}

// Pending is a cancellation that awaits the bank administrator.
type Pending struct {
	Payment      tolem.DeskPayment
	Cancellation tolem.DeskCancellation
	RequestedBy  string // full name
}

// Awaiting lists the cancellations of the actor's bank that await a decision,
// the oldest first (WP-568, WP-573).
func (w *Workplace) Awaiting(ctx context.Context, by access.Actor) ([]Pending, error) {
	panic("not built")
}

// Decide approves or rejects a cancellation (WP-570 to WP-574). Seq is that of
// the request which the page showed. A rejection has a reason. ErrNotPlanned is
// returned for one that is decided, ErrOwn for the own request.
func (w *Workplace) Decide(ctx context.Context, by access.Actor, n tolem.ReceiptNo, seq int, approve bool, reason string) (tolem.DeskPayment, error) {
	panic("not built")
}

// Cancellation returns the last request to cancel a payment, for its receipt
// (WP-127, WP-578).
func (w *Workplace) Cancellation(ctx context.Context, by access.Actor, n tolem.ReceiptNo) (Cancelled, error) {
	panic("not built")
}
