package gateway

import (
	"context"
	"time"

	"tolem"
	"tolem/store"
)

// CancelResult is the answer to a cancellation.
type CancelResult struct {
	Outcome
	State       tolem.State
	CancelledAt time.Time // zero: the code had expired before
}

// CancelCode cancels an unpaid code for the participant that requested it, for
// example after a refused authorisation (GW-P13).
func (g *Gateway) CancelCode(ctx context.Context, m Message, number tolem.CodeNumber, render Render[CancelResult]) (Reply, error) {
	return Perform(ctx, g, m, number, render, func(tx *store.Tx) (CancelResult, error) {
		before, err := code(tx, number)
		if err != nil {
			return CancelResult{}, err
		}
		d := before.Cancel(m.Sender.ID, tx.Now())
		if err := apply(tx, before, d); err != nil {
			return CancelResult{}, err
		}
		r := CancelResult{Outcome: Outcome{Result: d.Result, Code: before.Number}}
		if d.Result == tolem.OK {
			r.State, r.CancelledAt = d.Code.State, d.Code.CancelledAt
		}
		return r, nil
	})
}
