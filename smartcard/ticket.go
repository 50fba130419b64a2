package smartcard

import (
	"time"

	"tolem"
)

// Ticket is the right to change one card once, at one workstation.
type Ticket struct {
	ID           tolem.TicketID      `json:"ticket_id"`
	Operation    tolem.TicketOp      `json:"operation"`
	Workstation  tolem.WorkstationID `json:"workstation"`
	Bridge       tolem.KeyID         `json:"bridge"` // the key that answers: no other bridge carries it out
	Payment      tolem.PaymentID     `json:"payment_id"`
	Card         tolem.SmartCardNo   `json:"card_no"`
	Organisation tolem.ProviderID    `json:"organisation"`
	Amount       int64               `json:"amount"`             // qəpik
	Reverses     tolem.TicketID      `json:"reverses,omitempty"` // of a reversal: the write it takes back
	IssuedAt     int64               `json:"issued_at"`          // seconds since 1970
	ExpiresAt    int64               `json:"expires_at"`
}

// Issued and Expires return the times of the ticket.
func (t Ticket) Issued() time.Time { return time.Unix(t.IssuedAt, 0).UTC() }

// Expires is the moment from which on the ticket changes no card.
func (t Ticket) Expires() time.Time { return time.Unix(t.ExpiresAt, 0).UTC() }

// check refuses what is no ticket, whoever signed it.
func (t Ticket) check() error {
	err := first(
		identifier("ticket_id", string(t.ID), true), identifier("workstation", string(t.Workstation), true),
		identifier("bridge", string(t.Bridge), true), identifier("payment_id", string(t.Payment), true),
		identifier("card_no", string(t.Card), true),
		identifier("organisation", string(t.Organisation), true), identifier("reverses", string(t.Reverses), t.Operation == tolem.TicketReverse),
		instant("issued_at", t.IssuedAt), instant("expires_at", t.ExpiresAt),
	)
	switch {
	case err != nil:
		return err
	case t.Operation != tolem.TicketWrite && t.Operation != tolem.TicketReverse:
		return malformed("operation must be write or reverse")
	case t.Operation == tolem.TicketWrite && t.Reverses != "":
		return malformed("a write takes nothing back")
	case t.Amount <= 0 || t.Amount > tolem.MaxAmountMinor:
		return malformed("amount must be positive")
	case t.ExpiresAt <= t.IssuedAt || t.ExpiresAt-t.IssuedAt > int64(MaxTicketLife/time.Second):
		return malformed("a ticket lives at most %s", MaxTicketLife)
	}
	return nil
}

// SignTicket makes the document of a ticket.
func (s *Signer) SignTicket(t Ticket) (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	return s.sign(typeTicket, t)
}

// OpenTicket verifies a ticket. Whether it has expired, and whether it is for
// this workstation, the bridge asks.
func OpenTicket(gateway Keys, document string) (Ticket, error) {
	var t Ticket
	if _, err := open(gateway, typeTicket, document, &t); err != nil {
		return Ticket{}, err
	}
	if err := t.check(); err != nil {
		return Ticket{}, err
	}
	return t, nil
}
