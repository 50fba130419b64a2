package registers

import (
	"context"
	"time"

	"tolem"
	"tolem/gateway"
	"tolem/registry"
	"tolem/store"
)

// Opinion is an owner's word on its register.
type Opinion struct {
	Number     tolem.RegisterNumber
	Verdict    tolem.Verdict
	Objections []tolem.Objection // of a rejection, at least one
}

// AcknowledgeResult says how the register stands after it.
type AcknowledgeResult struct {
	gateway.Outcome
	Number   tolem.RegisterNumber
	Standing registry.Standing
	At       time.Time
}

// Acknowledge records that the owner of a register agrees with it, or why not.
// A bank does not speak for its branches.
func (d *Desk) Acknowledge(ctx context.Context, m gateway.Message, in Opinion, render gateway.Render[AcknowledgeResult]) (gateway.Reply, error) {
	sender, err := m.Alone()
	if err != nil {
		return gateway.Reply{}, err
	}
	switch n := len(in.Objections); {
	case in.Verdict == tolem.Rejected && n == 0:
		return gateway.Reply{}, badForm("a rejection names at least one objection")
	case in.Verdict == tolem.Acknowledged && n > 0:
		return gateway.Reply{}, badForm("objections go with the verdict REJECT")
	case n > registry.MaxObjections:
		return gateway.Reply{}, badForm("more than %d objections", registry.MaxObjections)
	}
	return gateway.Perform(ctx, d.gateway, m, gateway.NoCode, render, func(tx *store.Tx) (AcknowledgeResult, error) {
		standing, err := d.registry.Acknowledge(tx, sender, tolem.Acknowledgement{
			Number: in.Number, Verdict: in.Verdict, Objections: in.Objections,
		}, m.Record.ID)
		result, ok := refusal(err, tolem.UnknownRegister)
		switch {
		case !ok:
			return AcknowledgeResult{}, err
		case result != tolem.OK:
			return AcknowledgeResult{Outcome: gateway.Outcome{Result: result}}, nil
		}
		return AcknowledgeResult{Outcome: gateway.Outcome{Result: tolem.OK}, Number: in.Number, Standing: standing, At: tx.Now()}, nil
	})
}
