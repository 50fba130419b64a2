package gateway

import (
	"context"

	"tolem"
	"tolem/store"
)

// PaymentResult is what the gateway knows of a code and its payment.
type PaymentResult struct {
	Outcome
	Issued  tolem.Code
	Payment *tolem.Payment // nil: not paid
}

// GetPayment tells the portal the state of a code and of its payment
// (GW-019, GW-020, GW-059).
func (g *Gateway) GetPayment(ctx context.Context, m Message, number tolem.CodeNumber, render Render[PaymentResult]) (Reply, error) {
	return Perform(ctx, g, m, number, render, func(tx *store.Tx) (PaymentResult, error) {
		return lookUp(tx, number)
	})
}

// GetReceipt looks up what stands in the e-receipt of a paid code (GW-139,
// GW-P44). Codes that hold no valid payment have no receipt.
func (g *Gateway) GetReceipt(ctx context.Context, m Message, number tolem.CodeNumber, render Render[PaymentResult]) (Reply, error) {
	return Perform(ctx, g, m, number, render, func(tx *store.Tx) (PaymentResult, error) {
		r, err := lookUp(tx, number)
		if err != nil || r.Result != tolem.OK {
			return r, err
		}
		switch r.Issued.State {
		case tolem.StatePaid, tolem.StateClosed:
			return r, nil
		}
		// Validation refuses in these states too, and for the same reasons.
		refusal := tolem.CellOf(tolem.EventValidate, r.Issued.State).Result
		return PaymentResult{Outcome: Outcome{Result: refusal, Code: number}}, nil
	})
}

func lookUp(tx *store.Tx, number tolem.CodeNumber) (PaymentResult, error) {
	c, err := code(tx, number)
	if err != nil {
		return PaymentResult{}, err
	}
	if c.State == tolem.StateUnknown {
		return PaymentResult{Outcome: Outcome{Result: tolem.UnknownCode}}, nil
	}
	payment, err := acceptedPayment(tx, c)
	if err != nil {
		return PaymentResult{}, err
	}
	return PaymentResult{
		Outcome: Outcome{Result: tolem.OK, Code: c.Number}, Issued: c.At(tx.Now()), Payment: payment,
	}, nil
}
