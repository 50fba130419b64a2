package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// Refund is the operator's word that the money of a code was returned. No
// participant sends it, so no message proves it: the record of it does.
type Refund struct {
	Code   tolem.CodeNumber
	By     string // who at the gateway operator
	Reason string
}

// RefundResult tells what became of the mark.
type RefundResult struct {
	Outcome
	State tolem.State
}

// refundRecord is what is kept of a refund as evidence.
type refundRecord struct {
	Event  string    `json:"event"`
	Code   string    `json:"code"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	Result string    `json:"result"`
	At     time.Time `json:"at"`
}

// RefundCode marks a paid, unclosed code REFUNDED; such a code is no longer
// valid (GW-P39). Refused or not, who tried it and why is kept as evidence.
func (g *Gateway) RefundCode(ctx context.Context, in Refund) (result RefundResult, err error) {
	err = g.db.Update(ctx, func(tx *store.Tx) error {
		result, err = g.Refund(tx, in)
		return err
	})
	return result, err
}

// Refund is RefundCode as a part of a transaction.
func (g *Gateway) Refund(tx *store.Tx, in Refund) (result RefundResult, err error) {
	before, err := code(tx, in.Code)
	if err != nil {
		return result, err
	}
	paid, err := acceptedPayment(tx, before)
	if err != nil {
		return result, err
	}
	d := before.Refund(tx.Now())
	result = RefundResult{Outcome: Outcome{Result: d.Result, Code: before.Number}, State: d.Code.State}
	raw, err := json.Marshal(refundRecord{
		Event: tolem.EventRefund.String(), Code: in.Code.String(), By: in.By, Reason: in.Reason,
		Result: string(d.Result), At: tx.Now(),
	})
	if err != nil {
		return result, fmt.Errorf("record of the refund: %w", err)
	}
	if err := apply(tx, before, d); err != nil {
		return result, err
	}
	if err := g.settled(tx, d, paid); err != nil {
		return result, err
	}
	return result, g.evidence.Add(tx, archive.Record{
		ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Code: before.Number, Raw: raw,
	})
}
