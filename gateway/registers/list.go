package registers

import (
	"context"
	"fmt"
	"slices"

	"tolem"
	"tolem/gateway"
	"tolem/store"
)

// Query says which registers are listed. Zero fields do not narrow.
type Query struct {
	From, To tolem.Day // both included
	Kind     tolem.RegisterKind
	Branch   string
	After    tolem.RegisterNumber
}

// ListResult lists registers by number.
type ListResult struct {
	gateway.Outcome
	Registers []Register
	Next      tolem.RegisterNumber // to be sent as After; empty: there are no more
}

// List lists the registers that the sender may see: a provider its own, a
// branch its own, a bank its own and those of its branches.
func (d *Desk) List(ctx context.Context, m gateway.Message, in Query, render gateway.Render[ListResult]) (gateway.Reply, error) {
	sender, err := m.Alone()
	if err != nil {
		return gateway.Reply{}, err
	}
	if in.To != 0 && in.To < in.From {
		return gateway.Reply{}, badForm("to lies before from")
	}
	if in.Branch != "" && in.Kind != "" && in.Kind != tolem.BranchRegister {
		return gateway.Reply{}, badForm("branchId goes with kind branch")
	}
	return gateway.Perform(ctx, d.gateway, m, gateway.NoCode, render, func(tx *store.Tx) (ListResult, error) {
		owners := slices.DeleteFunc(d.registry.OwnersOf(sender), func(o tolem.Owner) bool {
			return in.Kind != "" && o.Kind != in.Kind || in.Branch != "" && (o.Kind != tolem.BranchRegister || o.ID != in.Branch)
		})
		if len(owners) == 0 {
			return ListResult{Outcome: gateway.Outcome{Result: d.ofNobody(sender, in)}}, nil
		}
		return d.list(tx, owners, in)
	})
}

// ofNobody is the result of a list that names no owner: a bank without branches
// asked for theirs, or somebody asked for what belongs to others.
func (d *Desk) ofNobody(sender tolem.Participant, in Query) tolem.ResultCode {
	if sender.Kind == tolem.KindBank && in.Kind == tolem.BranchRegister && in.Branch == "" {
		return tolem.OK
	}
	return tolem.NotOwner
}

func (d *Desk) list(tx *store.Tx, owners []tolem.Owner, in Query) (ListResult, error) {
	r := ListResult{Outcome: gateway.Outcome{Result: tolem.OK}}
	found, err := tx.Registers(store.RegisterFilter{Owners: owners, From: in.From, To: in.To, After: in.After}, MaxRegisters+1)
	if err != nil {
		return r, err
	}
	if len(found) > MaxRegisters {
		found = found[:MaxRegisters]
		r.Next = found[MaxRegisters-1].Number
	}
	for _, reg := range found {
		listed, err := d.standing(tx, reg)
		if err != nil {
			return r, err
		}
		r.Registers = append(r.Registers, listed)
	}
	return r, nil
}

func (d *Desk) standing(tx *store.Tx, reg store.StoredRegister) (Register, error) {
	s, err := d.registry.Standing(tx, reg)
	if err != nil {
		return Register{}, fmt.Errorf("standing of %s: %w", reg.Number, err)
	}
	return Register{Register: d.registry.Complete(reg).Register, Standing: s}, nil
}
