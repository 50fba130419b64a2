package desk

import (
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/smartcard"
	"tolem/store"
)

// Order is what a ticket is wanted for. Card, organisation and amount of a
// reversal are those of the write that it takes back.
type Order struct {
	Op           tolem.TicketOp
	Payment      tolem.PaymentID
	Bank         tolem.ParticipantID
	Workstation  tolem.WorkstationID // whose reader holds the card: CardState has it
	Card         tolem.SmartCardNo
	Organisation tolem.ProviderID
	Amount       tolem.Money
}

// IssueTicket stores a ticket and returns it, with the document that the page
// hands to the bridge once the transaction is through. The errors are
// ErrWorkstation, ErrDone, ErrNotWritten, ErrOpen; that another ticket for the
// payment or the card came at the same time is known when the transaction ends:
// store.ErrHeld, which Held tells.
func (d *Desk) IssueTicket(tx *store.Tx, o Order) (tolem.CardTicket, error) {
	w, err := d.usable(tx, o.Bank, o.Workstation)
	if err != nil {
		return tolem.CardTicket{}, err
	}
	if w.Simulated && !d.config.Sandbox {
		return tolem.CardTicket{}, ErrSimulated
	}
	t, err := d.fill(tx, o)
	if err != nil {
		return tolem.CardTicket{}, err
	}
	switch _, err := tx.OpenTicketOfCard(t.Card); {
	case err == nil:
		return tolem.CardTicket{}, ErrOpen
	case !errors.Is(err, store.ErrNotFound):
		return tolem.CardTicket{}, err
	}
	// Tickets count seconds; so that both sides mean the same moment, neither
	// keeps more.
	now := tx.Now().Truncate(time.Second)
	t.ID, t.Bank, t.Workstation, t.Key = tolem.TicketID(archive.NewMessageID(tx.Now()).String()), o.Bank, w.ID, w.Key
	t.State, t.Version, t.IssuedAt, t.ExpiresAt = tolem.TicketOpen, 1, now, now.Add(d.config.TicketLife)
	document, err := d.signer.SignTicket(smartcard.Ticket{
		ID: t.ID, Operation: t.Op, Workstation: t.Workstation, Bridge: t.Key, Payment: t.Payment, Card: t.Card,
		Organisation: t.Organisation, Amount: t.Amount.Minor, Reverses: t.Reverses, IssuedAt: t.IssuedAt.Unix(), ExpiresAt: t.ExpiresAt.Unix(),
	})
	if err != nil {
		return tolem.CardTicket{}, err
	}
	t.Signed = []byte(document)
	message, err := d.keep(tx, archive.Out, opTicket, t.Bank, string(t.ID), "", document)
	if err != nil {
		return tolem.CardTicket{}, err
	}
	return t, tx.InsertCardTicket(t, BasisIssued, message)
}

// Held reports whether a transaction failed because a ticket is open for the
// payment or the card.
func Held(err error) bool { return errors.Is(err, ErrOpen) || errors.Is(err, store.ErrHeld) }

// fill says what the ticket is to do, from the order and what became of the
// payment's tickets so far.
func (d *Desk) fill(tx *store.Tx, o Order) (tolem.CardTicket, error) {
	before, err := tx.CardTicketsOfPayment(o.Bank, o.Payment)
	if err != nil {
		return tolem.CardTicket{}, err
	}
	var written *tolem.CardTicket
	for i, t := range before {
		switch t.State {
		case tolem.TicketOpen:
			return tolem.CardTicket{}, ErrOpen
		case tolem.TicketWritten:
			written = &before[i]
		case tolem.TicketReversed:
			return tolem.CardTicket{}, fmt.Errorf("payment %s: %w", o.Payment, ErrDone)
		}
	}
	switch {
	case o.Op == tolem.TicketWrite && written != nil:
		return tolem.CardTicket{}, fmt.Errorf("payment %s: %w", o.Payment, ErrDone)
	case o.Op == tolem.TicketWrite:
		return tolem.CardTicket{Op: o.Op, Payment: o.Payment, Card: o.Card, Organisation: o.Organisation, Amount: o.Amount}, nil
	case written == nil:
		return tolem.CardTicket{}, fmt.Errorf("payment %s: %w", o.Payment, ErrNotWritten)
	}
	return tolem.CardTicket{
		Op: o.Op, Payment: o.Payment, Card: written.Card, Organisation: written.Organisation, Amount: written.Amount, Reverses: written.ID,
	}, nil
}

// CardResult is what an answer about a ticket comes to.
type CardResult struct {
	Ticket tolem.CardTicket // as it is now; open: the answer decides nothing
	Code   smartcard.Code   // why it failed
	// First says that this answer decided the ticket: Ticket.Event is to be
	// applied to the payment in this transaction. Later answers only repeat.
	First bool
	// Contradicts says that the answer says otherwise than what is decided. It is
	// kept, changes nothing, and somebody has to look into it.
	Contradicts bool
}

// VerifyResult verifies what a bridge says of a ticket of the bank, keeps it, and
// decides the ticket by it. Answers of POST and of GET are the same to it. A
// result that comes after the ticket has expired counts: what is on the card is
// on the card.
func (d *Desk) VerifyResult(tx *store.Tx, bank tolem.ParticipantID, answer []byte) (CardResult, error) {
	document, err := smartcard.Signature(answer)
	if err != nil {
		return CardResult{}, err
	}
	id, err := smartcard.PeekResult(document)
	if err != nil {
		return CardResult{}, err
	}
	t, err := tx.CardTicket(id)
	if err == nil && t.Bank != bank {
		err = fmt.Errorf("ticket %s: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return CardResult{}, err
	}
	w, keys, err := d.keyOf(tx, t)
	if err != nil {
		return CardResult{}, err
	}
	r, _, err := smartcard.OpenResult(keys, document)
	if err != nil {
		return CardResult{}, err
	}
	if err := d.comesFrom(w, r.Workstation, r.Simulated); err != nil {
		return CardResult{}, err
	}
	state, reason := wordOf(t, r)
	return d.settle(tx, t, state, reason, document)
}

// keyOf returns the one key whose answers about a ticket count: the one the
// workstation's bridge had when the ticket was made. A workstation that was
// withdrawn says nothing any more.
func (d *Desk) keyOf(tx *store.Tx, t tolem.CardTicket) (tolem.Workstation, smartcard.Keys, error) {
	w, err := d.usable(tx, t.Bank, t.Workstation)
	if err != nil {
		return w, nil, err
	}
	stored, err := tx.BridgeKey(t.Key)
	if err != nil {
		return w, nil, err
	}
	key, err := smartcard.ParsePublicKey(stored.Point)
	return w, smartcard.KeysOf(key), err
}

// wordOf returns the state that a bridge's word makes of a ticket; open if it
// decides nothing.
func wordOf(t tolem.CardTicket, r smartcard.Result) (tolem.TicketState, smartcard.Code) {
	switch r.Outcome {
	case smartcard.Written:
		return tolem.TicketWritten, ""
	case smartcard.Reversed:
		return tolem.TicketReversed, ""
	case smartcard.Failed:
		return tolem.TicketFailed, r.Code
	}
	// The bridge has never begun with it and, by its own clock, never will.
	if !r.Begun && !r.AtTime().Before(t.ExpiresAt) {
		return tolem.TicketFailed, smartcard.TicketExpired
	}
	return tolem.TicketOpen, ""
}

// settle stores what an answer comes to.
func (d *Desk) settle(tx *store.Tx, t tolem.CardTicket, state tolem.TicketState, reason smartcard.Code, document string) (CardResult, error) {
	class := ""
	r := CardResult{Ticket: t, Code: smartcard.Code(t.Reason)}
	switch {
	case state == tolem.TicketOpen || t.State == state:
		return r, nil // nothing new, and what is not new is not kept twice
	case t.State != tolem.TicketOpen || state != tolem.TicketFailed && state != t.Op.Done():
		class, r.Contradicts = Contradiction, true
	}
	message, err := d.keep(tx, archive.In, opResult, t.Bank, string(t.ID), class, document)
	if err != nil || r.Contradicts {
		return r, err
	}
	if r.Ticket, err = t.Decide(state, string(reason), tx.Now()); err != nil {
		return CardResult{}, err
	}
	r.Code, r.First = reason, true
	return r, tx.DecideCardTicket(r.Ticket, BasisAnswer, message)
}

// decideByReading decides the ticket that is open for a card that was read. A
// card of another organisation may have the same number; it decides nothing.
func (d *Desk) decideByReading(tx *store.Tx, s *CardState, key tolem.KeyID, message archive.MessageID) error {
	t, err := tx.OpenTicketOfCard(s.No)
	if errors.Is(err, store.ErrNotFound) || err == nil && t.Organisation != s.Organisation {
		return nil
	}
	if err != nil {
		return err
	}
	var state tolem.TicketState
	reason := ""
	switch {
	case s.LastTicket == t.ID:
		state = t.Op.Done()
	case d.over(t, s.Workstation.Bank, key, s.ReadAt, tx.Now()):
		state, reason = tolem.TicketFailed, string(smartcard.WriteFailed)
	default:
		return nil
	}
	decided, err := t.Decide(state, reason, tx.Now())
	if err != nil {
		return err
	}
	s.Decided = append(s.Decided, decided)
	return tx.DecideCardTicket(decided, BasisRead, message)
}

// over reports whether no bridge can carry a ticket out any more that is not on
// the card which was read.
func (d *Desk) over(t tolem.CardTicket, bank tolem.ParticipantID, key tolem.KeyID, readAt, now time.Time) bool {
	switch {
	case bank != t.Bank:
		return false
	case key == t.Key:
		return !readAt.Before(t.ExpiresAt)
	}
	return now.Sub(t.ExpiresAt) >= longExpired
}

// Open returns a bank's tickets that have been open for longer than a ticket
// lives: their bridges are to be asked, or the cards read. At most limit.
func (d *Desk) Open(tx *store.Tx, bank tolem.ParticipantID, limit int) ([]tolem.CardTicket, error) {
	return tx.OpenCardTickets(bank, tx.Now().Add(-d.config.TicketLife), limit)
}

// OpenOf returns the open ticket of a payment, so that a page that was reloaded
// can hand it to the bridge again, or ask for it. Without one it returns
// store.ErrNotFound.
func (d *Desk) OpenOf(tx *store.Tx, bank tolem.ParticipantID, p tolem.PaymentID) (tolem.CardTicket, error) {
	list, err := tx.CardTicketsOfPayment(bank, p)
	if err != nil {
		return tolem.CardTicket{}, err
	}
	for _, t := range list {
		if t.State == tolem.TicketOpen {
			return t, nil
		}
	}
	return tolem.CardTicket{}, fmt.Errorf("open ticket of payment %s: %w", p, store.ErrNotFound)
}
