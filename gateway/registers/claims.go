package registers

import (
	"context"
	"time"

	"tolem"
	"tolem/gateway"
	"tolem/store"
)

// ClaimQuery says which claims are listed. Zero fields do not narrow.
type ClaimQuery struct {
	From, To tolem.Day // both included
	After    tolem.ClaimNumber
}

// Claim is a claim as it stands now, with its signed document.
type Claim struct {
	store.StoredClaim
	tolem.ClaimStanding
}

// ClaimsResult lists claims by number.
type ClaimsResult struct {
	gateway.Outcome
	Claims []Claim
	Next   tolem.ClaimNumber // to be sent as After; empty: there are no more
}

// endOfDays lies behind every day that can be asked for.
const endOfDays tolem.Day = 1 << 20

// Claims lists the operator's claims to the bank that asks (GW-P40).
func (d *Desk) Claims(ctx context.Context, m gateway.Message, in ClaimQuery, render gateway.Render[ClaimsResult]) (gateway.Reply, error) {
	sender, err := m.Alone()
	if err != nil {
		return gateway.Reply{}, err
	}
	switch {
	case in.To == 0:
		in.To = endOfDays
	case in.To < in.From:
		return gateway.Reply{}, badForm("to lies before from")
	}
	return gateway.Perform(ctx, d.gateway, m, gateway.NoCode, render, func(tx *store.Tx) (ClaimsResult, error) {
		if sender.Kind != tolem.KindBank {
			return ClaimsResult{Outcome: gateway.Outcome{Result: tolem.NotOwner}}, nil
		}
		return listClaims(tx, sender.ID, in)
	})
}

func listClaims(tx *store.Tx, bank tolem.ParticipantID, in ClaimQuery) (ClaimsResult, error) {
	r := ClaimsResult{Outcome: gateway.Outcome{Result: tolem.OK}}
	found, err := tx.Claims(bank, in.From, in.To, in.After, MaxClaims+1)
	if err != nil {
		return r, err
	}
	if len(found) > MaxClaims {
		found = found[:MaxClaims]
		r.Next = found[MaxClaims-1].Number
	}
	for _, c := range found {
		steps, err := tx.ClaimSteps(c.Number)
		if err != nil {
			return r, err
		}
		r.Claims = append(r.Claims, Claim{StoredClaim: c, ClaimStanding: tolem.StandingOf(steps)})
	}
	return r, nil
}

// ClaimAnswer is a bank's word on a claim.
type ClaimAnswer struct {
	Number tolem.ClaimNumber
	State  tolem.ClaimState // ACKNOWLEDGED or DISPUTED
	Note   string
}

// ClaimResult says how the claim stands after it.
type ClaimResult struct {
	gateway.Outcome
	Number tolem.ClaimNumber
	State  tolem.ClaimState
	At     time.Time
}

// AnswerClaim records that a bank acknowledges a claim, or disputes it.
func (d *Desk) AnswerClaim(ctx context.Context, m gateway.Message, in ClaimAnswer, render gateway.Render[ClaimResult]) (gateway.Reply, error) {
	sender, err := m.Alone()
	if err != nil {
		return gateway.Reply{}, err
	}
	if in.State == tolem.ClaimDisputed && in.Note == "" {
		return gateway.Reply{}, badForm("a dispute says why")
	}
	return gateway.Perform(ctx, d.gateway, m, gateway.NoCode, render, func(tx *store.Tx) (ClaimResult, error) {
		if sender.Kind != tolem.KindBank || in.Number.Bank() != sender.ID { // whether it is there or not
			return ClaimResult{Outcome: gateway.Outcome{Result: tolem.NotOwner}}, nil
		}
		standing, err := d.registry.AnswerClaim(tx, sender, in.Number, in.State, in.Note)
		result, ok := refusal(err, tolem.UnknownClaim)
		switch {
		case !ok:
			return ClaimResult{}, err
		case result != tolem.OK:
			return ClaimResult{Outcome: gateway.Outcome{Result: result}}, nil
		}
		return ClaimResult{Outcome: gateway.Outcome{Result: tolem.OK}, Number: in.Number, State: standing.State, At: tx.Now()}, nil
	})
}
