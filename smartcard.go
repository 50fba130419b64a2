package tolem

import (
	"errors"
	"fmt"
	"time"
)

// The SMART cards of meters (operator-workplace.md, 7.2 and 8.2). A payment is
// written to the card at a bank's desk, by a ticket that the gateway signs and
// the card bridge of the desk's computer carries out.

// CardWrite is how a payment stands to a SMART card. It is a second field
// beside the payment's status.
type CardWrite string

// The states of a card write.
const (
	CardWriteNew      CardWrite = ""         // not stored yet
	CardWriteNone     CardWrite = "none"     // no SMART payment
	CardWritePending  CardWrite = "pending"  // the card is being written, or nobody knows yet whether it was
	CardWriteWritten  CardWrite = "written"  //
	CardWriteFailed   CardWrite = "failed"   // certainly not written
	CardWriteSkipped  CardWrite = "skipped"  // paid without writing, on purpose
	CardWriteReversed CardWrite = "reversed" // written, and taken off the card again
)

// CardWrites lists every state that is stored.
var CardWrites = []CardWrite{CardWriteNone, CardWritePending, CardWriteWritten, CardWriteFailed, CardWriteSkipped, CardWriteReversed}

// CardEvent is what happens to a card write.
type CardEvent string

// The events.
const (
	CardEventOrdinary       CardEvent = "ordinary"        // an ordinary payment is stored
	CardEventBegin          CardEvent = "begin"           // a SMART payment is stored, its write begins
	CardEventSkip           CardEvent = "skip"            // it is stored without writing
	CardEventWritten        CardEvent = "written"         // the card holds the ticket
	CardEventNotWritten     CardEvent = "not_written"     // and never will
	CardEventBeginAgain     CardEvent = "begin_again"     // the write is tried once more, from the register
	CardEventReversed       CardEvent = "reversed"        // the amount is off the card again
	CardEventReversalFailed CardEvent = "reversal_failed" // and stays on it
)

// CardEvents lists every event.
var CardEvents = []CardEvent{
	CardEventOrdinary, CardEventBegin, CardEventSkip, CardEventWritten, CardEventNotWritten, CardEventBeginAgain, CardEventReversed,
	CardEventReversalFailed,
}

// cardWriteTable is the whole table; what does not stand in it is refused. A
// write that is tried again is pending like the first: until it is decided
// nobody may cancel the payment or try a third time.
var cardWriteTable = map[CardWrite]map[CardEvent]CardWrite{
	CardWriteNew: {
		CardEventOrdinary: CardWriteNone,
		CardEventBegin:    CardWritePending,
		CardEventSkip:     CardWriteSkipped,
	},
	CardWritePending: {
		CardEventWritten:    CardWriteWritten,
		CardEventNotWritten: CardWriteFailed,
	},
	CardWriteFailed: {
		CardEventBeginAgain: CardWritePending,
	},
	CardWriteWritten: {
		CardEventReversed:       CardWriteReversed,
		CardEventReversalFailed: CardWriteWritten,
	},
}

// ErrCardMove reports an event that cannot happen to a card write as it stands.
var ErrCardMove = errors.New("that cannot happen to the card write as it stands")

// On returns the state after an event, or ErrCardMove.
func (w CardWrite) On(e CardEvent) (CardWrite, error) {
	next, ok := cardWriteTable[w][e]
	if !ok {
		return w, fmt.Errorf("%s on %q: %w", e, w, ErrCardMove)
	}
	return next, nil
}

// OnCard reports whether the amount is on the card: the receipt says so, and a
// cancellation takes it off first (WP-077, WP-565).
func (w CardWrite) OnCard() bool { return w == CardWriteWritten }

// MayCancel reports whether the card write lets the payment be cancelled: not
// while nobody knows what is on the card.
func (w CardWrite) MayCancel() bool { return w != CardWriteNew && w != CardWritePending }

// MayWriteAgain reports whether the write may be tried again. The payment must
// be planned besides (WP-553).
func (w CardWrite) MayWriteAgain() bool { return w == CardWriteFailed }

// Names of what takes part in a card write.
type (
	// WorkstationID names a computer at a desk.
	WorkstationID string
	// SmartCardNo is the number of a meter's card. It is no bank card's number,
	// but leads to a person's account: it is sealed where it is stored.
	SmartCardNo string
	// TicketID names a ticket, for ever and for the card too.
	TicketID string
	// KeyID is the RFC 7638 thumbprint of a public key.
	KeyID string
)

// Workstation is a computer with a card bridge, at a desk of a bank.
type Workstation struct {
	ID           WorkstationID
	Bank, Branch ParticipantID
	Name         string // as the bank calls it
	Key          KeyID  // of its bridge; empty: not paired
	Simulated    bool   // its cards are simulated: a sandbox's
	Version      int64

	RegisteredBy string
	RegisteredAt time.Time
	PairBy       time.Time // its pairing code is good until then; zero: there is none
	PairedAt     time.Time
	WithdrawnBy  string // empty: in use
	WithdrawnAt  time.Time
}

// Usable reports whether cards can be written at the workstation.
func (w Workstation) Usable() bool { return w.Key != "" && w.WithdrawnAt.IsZero() }

// TicketOp is what a ticket does to the card.
type TicketOp string

// The operations of tickets.
const (
	TicketWrite   TicketOp = "write"
	TicketReverse TicketOp = "reverse"
)

// Done returns the state of a ticket that did what it is for.
func (op TicketOp) Done() TicketState {
	if op == TicketReverse {
		return TicketReversed
	}
	return TicketWritten
}

// TicketState is how a ticket stands. It is the gateway's knowledge; what is on
// the card is on the card.
type TicketState string

// The states of a ticket.
const (
	TicketOpen     TicketState = "open"     // given out, or about to be; nobody knows more
	TicketWritten  TicketState = "written"  // on the card
	TicketReversed TicketState = "reversed" // on the card
	TicketFailed   TicketState = "failed"   // not on the card, now and for ever
)

// CardTicket is the right to change one card once.
type CardTicket struct {
	ID           TicketID
	Op           TicketOp
	Payment      PaymentID
	Bank         ParticipantID
	Workstation  WorkstationID
	Key          KeyID // of the workstation's bridge: only what it signs counts
	Card         SmartCardNo
	Organisation ProviderID
	Amount       Money
	Reverses     TicketID // of a reversal: the write it takes back

	State   TicketState
	Version int64
	Reason  string // code of a failure
	Signed  []byte // the ticket as it is given out

	IssuedAt, ExpiresAt, DecidedAt time.Time
}

// ErrTicketDecided reports a second result for a ticket.
var ErrTicketDecided = errors.New("the ticket is decided")

// Decide returns the ticket with its result. A ticket has one.
func (t CardTicket) Decide(state TicketState, reason string, now time.Time) (CardTicket, error) {
	switch {
	case t.State != TicketOpen:
		return t, fmt.Errorf("%s is %s, not %s: %w", t.ID, t.State, state, ErrTicketDecided)
	case state != t.Op.Done() && state != TicketFailed:
		return t, fmt.Errorf("%s cannot become %s", t.ID, state)
	}
	t.State, t.Reason, t.DecidedAt = state, reason, now
	t.Version++
	return t, nil
}

// Event returns what the ticket's result is to the payment it is for; none while
// it is open.
func (t CardTicket) Event() (CardEvent, bool) {
	switch {
	case t.State == TicketOpen:
		return "", false
	case t.State == TicketWritten:
		return CardEventWritten, true
	case t.State == TicketReversed:
		return CardEventReversed, true
	case t.Op == TicketReverse:
		return CardEventReversalFailed, true
	}
	return CardEventNotWritten, true
}
