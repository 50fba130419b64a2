package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/store"
)

// EarlierOutcome is the stored answer of an earlier request.
type EarlierOutcome struct {
	Outcome
	Operation  tolem.Operation
	Earlier    tolem.ResultCode // of that request
	AnsweredAt time.Time
	Answer     []byte // the signed answer, byte for byte
}

// GetOutcome tells a caller that lost an answer what became of its request. It
// sees its own requests only.
func (g *Gateway) GetOutcome(ctx context.Context, m Message, of tolem.RequestID, render Render[EarlierOutcome]) (Reply, error) {
	return Perform(ctx, g, m, NoCode, render, func(tx *store.Tx) (EarlierOutcome, error) {
		earlier, err := tx.Request(m.Sender.ID, of)
		if errors.Is(err, store.ErrNotFound) {
			return EarlierOutcome{Outcome: Outcome{Result: tolem.UnknownRequest}}, nil
		}
		if err != nil {
			return EarlierOutcome{}, err
		}
		stored, err := g.evidence.Load(tx, earlier.Code, earlier.Answer)
		if err != nil {
			return EarlierOutcome{}, fmt.Errorf("stored answer of %s: %w", of, err)
		}
		return EarlierOutcome{
			Outcome:   Outcome{Result: tolem.OK, Code: earlier.Code},
			Operation: earlier.Operation, Earlier: earlier.Result, AnsweredAt: stored.At, Answer: stored.Raw,
		}, nil
	})
}
