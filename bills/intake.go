package bills

import (
	"context"
	"errors"
	"fmt"

	"tolem"
	"tolem/gateway"
	"tolem/store"
)

// Intake is the operation by which organisations feed their accounts over the
// wire: idempotent, decided, answered and kept as evidence in one transaction.
type Intake struct {
	gateway *gateway.Gateway
	desk    *Desk
}

// NewIntake returns the operation over a gateway and a desk.
func NewIntake(g *gateway.Gateway, d *Desk) *Intake { return &Intake{gateway: g, desk: d} }

// SubmitResult says what became of a batch.
type SubmitResult struct {
	gateway.Outcome
	Taken
}

// Submit takes a batch of the sender, who speaks for the provider of its own id.
// What is not in order is a refusal that names the accounts; of what the batch
// calls itself only its times and snapshots count.
func (i *Intake) Submit(ctx context.Context, m gateway.Message, in Batch, render gateway.Render[SubmitResult]) (gateway.Reply, error) {
	sender, err := m.Alone()
	if err != nil {
		return gateway.Reply{}, err
	}
	in.Organisation, in.Source, in.Name = tolem.ProviderID(sender.ID), SourceSOAP, string(m.RequestID)
	return gateway.Perform(ctx, i.gateway, m, gateway.NoCode, render, func(tx *store.Tx) (SubmitResult, error) {
		taken, err := i.desk.feed(tx, in, false)
		switch {
		case errors.Is(err, ErrOrganisation):
			return SubmitResult{Outcome: gateway.Outcome{Result: tolem.NotOwner}}, nil
		case errors.Is(err, ErrMoment):
			return SubmitResult{}, fmt.Errorf("%w: %w", gateway.ErrForm, err)
		case err != nil:
			return SubmitResult{}, err
		case len(taken.Rejected) > 0:
			return SubmitResult{Outcome: gateway.Outcome{Result: tolem.BillsRefused}, Taken: taken}, nil
		}
		return SubmitResult{Outcome: gateway.Outcome{Result: tolem.OK}, Taken: taken}, nil
	})
}
