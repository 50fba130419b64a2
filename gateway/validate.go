package gateway

import (
	"context"
	"fmt"
	"time"

	"tolem"
	"tolem/store"
)

// Validation asks whether a service is prepaid: by the portal with the number
// of an order, the recipient and the service, or for a service centre with
// centre and operator (GW-158, GW-169, reading note N32).
type Validation struct {
	Code      tolem.CodeNumber
	RequestNo tolem.RequestNo
	Recipient string // IIN or BIN as sent
	Service   tolem.ServiceCode
	Centre    string
	Operator  string
}

// ValidateResult is the answer to a validation. Unless the result is OK it
// holds no data of the payment (GW-P21).
type ValidateResult struct {
	Outcome
	State         tolem.State
	Recipient     tolem.IIN
	RecipientName string
	Service       tolem.ServiceCode
	Amount        tolem.Money
	PaidAt        time.Time
	Bound         tolem.RequestNo
}

// ValidateCode checks whether this recipient has prepaid this service and
// binds the code to the order named. It never closes a code (GW-159, GW-160,
// GW-P18).
func (g *Gateway) ValidateCode(ctx context.Context, m Message, in Validation, render Render[ValidateResult]) (Reply, error) {
	portal := in.RequestNo != "" && in.Recipient != "" && in.Service != "" && in.Centre == "" && in.Operator == ""
	centre := in.RequestNo == "" && in.Centre != "" && in.Operator != ""
	if !portal && !centre {
		return Reply{}, fmt.Errorf("%w: send requestNo, recipientIIN and serviceCode, or centreId and operatorId", ErrForm)
	}
	return Perform(ctx, g, m, in.Code, render, func(tx *store.Tx) (ValidateResult, error) {
		shown := tolem.Presentation{RequestNo: in.RequestNo, Service: in.Service, By: m.Sender.ID}
		if in.Recipient != "" {
			recipient, err := tolem.ParseIIN(in.Recipient)
			if err != nil {
				return ValidateResult{Outcome: Outcome{Result: tolem.InvalidIIN}}, nil
			}
			shown.Recipient = recipient
		}
		before, err := code(tx, in.Code)
		if err != nil {
			return ValidateResult{}, err
		}
		d := before.Validate(shown, tx.Now())
		if err := apply(tx, before, d); err != nil {
			return ValidateResult{}, err
		}
		r := ValidateResult{Outcome: Outcome{Result: d.Result, Code: before.Number}}
		if c := d.Code; d.Result == tolem.OK {
			r.State, r.Recipient, r.RecipientName, r.Service = c.State, c.Recipient, c.RecipientName, c.Service
			r.Amount, r.PaidAt, r.Bound = c.Amount, c.PaidAt, c.Bound
		}
		return r, nil
	})
}
