package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tolem"
	"tolem/store"
)

// Notification is a bank's word that a code was paid (GW-130 to GW-134).
type Notification struct {
	Code          tolem.CodeNumber
	Bank          tolem.ParticipantID
	BankRef       tolem.BankRef
	Amount        tolem.Money
	PaidAt        time.Time
	Channel       tolem.Channel
	Recipient     string // IIN or BIN as sent
	RecipientName string
	Service       tolem.ServiceCode
	Provider      tolem.ProviderID
	Account       string
	Branch        tolem.ParticipantID // optional: of the bank, where the money was taken
	Fee           tolem.Money         // optional: the bank's commission
}

// NotifyResult tells the bank what became of its notification (GW-138).
type NotifyResult struct {
	Outcome
	ReceivedAt time.Time // of the accepted notification
	State      tolem.State
	Late       bool                // the code had expired or was cancelled (GW-P17)
	Branch     tolem.ParticipantID // in whose register it will stand, refused or not; empty: in none
}

// NotifyPayment records a payment and makes the code PAID. What does not fit
// is kept as a discrepancy and refused (GW-135, GW-P14 to GW-P17).
func (g *Gateway) NotifyPayment(ctx context.Context, m Message, in Notification, render Render[NotifyResult]) (Reply, error) {
	bank, err := m.bank()
	if err != nil {
		return Reply{}, err
	}
	if bank != in.Bank {
		return Reply{}, fmt.Errorf("%w: notification of %s sent for %s", ErrForbidden, in.Bank, bank)
	}
	return Perform(ctx, g, m, in.Code, render, func(tx *store.Tx) (NotifyResult, error) {
		recipient, err := tolem.ParseIIN(in.Recipient)
		if err != nil {
			return NotifyResult{Outcome: Outcome{Result: tolem.InvalidIIN}}, nil
		}
		return g.notify(tx, tolem.Payment{
			Code: in.Code, Bank: in.Bank, BankRef: in.BankRef, Amount: in.Amount,
			PaidAt: in.PaidAt, ReceivedAt: m.Record.At, Channel: in.Channel,
			Recipient: recipient, RecipientName: in.RecipientName,
			Service: in.Service, Provider: in.Provider, Account: in.Account, NotifiedBy: m.Sender.ID,
			Branch: g.branch(in.Bank, in.Branch), Fee: in.Fee,
		}, m.Record.ID)
	})
}

// branch returns the branch that a notification names if it is one that is
// registered for the bank. Money has moved, so a payment is recorded whatever
// branch it names; one that is not the bank's gets no part in it.
func (g *Gateway) branch(bank, id tolem.ParticipantID) tolem.ParticipantID {
	p, ok := g.directory.Participant(id)
	if !ok || p.Kind != tolem.KindBranch || !slices.Contains(p.ActsFor, bank) {
		return ""
	}
	return id
}

func (g *Gateway) notify(tx *store.Tx, p tolem.Payment, message store.MessageID) (NotifyResult, error) {
	before, err := code(tx, p.Code)
	if err != nil {
		return NotifyResult{}, err
	}
	accepted, err := acceptedPayment(tx, before)
	if err != nil {
		return NotifyResult{}, err
	}
	d := before.Notify(p, accepted, tx.Now())
	switch {
	case d.Changed():
		if err := tx.InsertPayment(p); err != nil {
			return NotifyResult{}, err
		}
		accepted = &p
	case d.Discrepancy:
		if err := tx.InsertDiscrepancy(tolem.Discrepancy{Reason: d.Result, Payment: p}, message); err != nil {
			return NotifyResult{}, err
		}
	}
	if err := apply(tx, before, d); err != nil {
		return NotifyResult{}, err
	}
	if err := g.settled(tx, d, accepted); err != nil {
		return NotifyResult{}, err
	}
	r := NotifyResult{Outcome: Outcome{Result: d.Result, Code: before.Number}}
	switch {
	case d.Result == tolem.OK:
		r.ReceivedAt, r.State, r.Late, r.Branch = accepted.ReceivedAt, d.Code.State, d.Code.Late, accepted.Branch
	case d.Discrepancy:
		r.Branch = p.Branch
	}
	return r, nil
}

// acceptedPayment returns the payment that made the code PAID, nil if none did.
func acceptedPayment(tx *store.Tx, c tolem.Code) (*tolem.Payment, error) {
	if c.PaidAt.IsZero() {
		return nil, nil
	}
	p, err := tx.Payment(c.Number)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("code %s is %s without a payment", c.Number, c.State)
	}
	return &p, err
}
