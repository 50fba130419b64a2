package gateway

import (
	"context"
	"fmt"
	"time"

	"tolem"
	"tolem/store"
)

// Closing confirms that the service of a code was given: on the portal for the
// order the code is bound to, or at a service centre (GW-174, GW-P19).
type Closing struct {
	Code      tolem.CodeNumber
	ID        tolem.CloseID
	RequestNo tolem.RequestNo
	Centre    string
	Operator  string
}

// CloseResult is the answer to a closing.
type CloseResult struct {
	Outcome
	State    tolem.State
	ClosedAt time.Time
}

// CloseCode records that the code has been used. Of concurrent calls exactly
// one succeeds (GW-175, GW-P20).
func (g *Gateway) CloseCode(ctx context.Context, m Message, in Closing, render Render[CloseResult]) (Reply, error) {
	portal := in.RequestNo != "" && in.Centre == "" && in.Operator == ""
	centre := in.RequestNo == "" && in.Centre != "" && in.Operator != ""
	if !portal && !centre {
		return Reply{}, fmt.Errorf("%w: send requestNo, or centreId and operatorId", ErrForm)
	}
	return Perform(ctx, g, m, in.Code, render, func(tx *store.Tx) (CloseResult, error) {
		before, err := code(tx, in.Code)
		if err != nil {
			return CloseResult{}, err
		}
		d := before.Close(tolem.Closing{
			ID: in.ID, RequestNo: in.RequestNo, Centre: in.Centre, Operator: in.Operator, By: m.Sender.ID,
		}, tx.Now())
		if err := apply(tx, before, d); err != nil {
			return CloseResult{}, err
		}
		r := CloseResult{Outcome: Outcome{Result: d.Result, Code: before.Number}}
		if d.Result == tolem.OK {
			r.State, r.ClosedAt = d.Code.State, d.Code.ClosedAt
		}
		return r, nil
	})
}
