package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tolem"
	"tolem/store"
)

// MaxObjections bounds what one rejection may name.
const MaxObjections = 1000

// Standing is how a register stands with its owner.
type Standing string

// How a register can stand.
const (
	Open          Standing = "OPEN"         // nobody has said anything yet
	AckedByOwner  Standing = "ACKNOWLEDGED" // its owner agrees
	RejectedByOwn Standing = "REJECTED"     // its owner disagrees
	FinalByTime   Standing = "FINAL"        // the time to disagree is over
	Superseded    Standing = "SUPERSEDED"   // there is a newer revision
)

// OwnersOf returns whose registers a participant may see: a provider its own,
// a branch its own, a bank its own and those of its branches (GW-P27).
func (r *Registry) OwnersOf(p tolem.Participant) []tolem.Owner {
	switch p.Kind {
	case tolem.KindProvider:
		return []tolem.Owner{{Kind: tolem.ProviderRegister, ID: string(p.ID)}}
	case tolem.KindBranch:
		return []tolem.Owner{branchOwner(p)}
	case tolem.KindBank:
		owners := []tolem.Owner{{Kind: tolem.BankRegister, ID: string(p.ID), Bank: p.ID}}
		for _, b := range r.names.Participants() {
			if b.Kind == tolem.KindBranch && slices.Contains(b.ActsFor, p.ID) {
				owners = append(owners, branchOwner(b))
			}
		}
		return owners
	}
	return nil
}

// MaySee reports whether a register is one that the participant may see.
func (r *Registry) MaySee(p tolem.Participant, o tolem.Owner) bool {
	return slices.Contains(r.OwnersOf(p), o) || // a branch that a payment named, registered or not, is the bank's
		o.Kind == tolem.BranchRegister && p.Kind == tolem.KindBank && o.Bank == p.ID
}

// own reports whether a participant may speak for a register: a bank does not
// acknowledge in the name of its branch.
func (r *Registry) own(p tolem.Participant, o tolem.Owner) bool {
	owners := r.OwnersOf(p)
	return len(owners) > 0 && owners[0] == o
}

// Lookup returns a register that the participant may see. Numbers can be
// guessed, so another's is ErrForeign whether it is there or not; one of the
// participant's own that is not there is store.ErrNotFound.
func (r *Registry) Lookup(tx *store.Tx, p tolem.Participant, n tolem.RegisterNumber) (store.StoredRegister, error) {
	reg, err := tx.Register(n)
	switch {
	case errors.Is(err, store.ErrNotFound) && r.named(p, n):
		return reg, err
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return reg, err
	case err != nil || !r.MaySee(p, reg.Owner):
		return store.StoredRegister{}, fmt.Errorf("%s for %s: %w", n, p.ID, ErrForeign)
	}
	return r.complete(reg), nil
}

// named reports whether a number is one that a document of the participant
// would have.
func (r *Registry) named(p tolem.Participant, n interface{ Owner() tolem.Owner }) bool {
	of := n.Owner()
	return slices.ContainsFunc(r.OwnersOf(p), func(o tolem.Owner) bool { return o.Kind == of.Kind && o.ID == of.ID })
}

// Latest returns the newest revision of an owner's register of a day, which the
// participant may see. What is not there is ErrNotSealed while the day is not
// sealed, and store.ErrNotFound afterwards.
func (r *Registry) Latest(ctx context.Context, p tolem.Participant, o tolem.Owner, day tolem.Day) (reg store.StoredRegister, err error) {
	if !r.MaySee(p, o) {
		return reg, fmt.Errorf("%s for %s: %w", o, p.ID, ErrForeign)
	}
	err = r.view(ctx, func(tx *store.Tx) error {
		reg, err = tx.LatestRegister(o, day)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		if _, err := r.sealed(ctx, day); err != nil {
			return reg, err
		}
	}
	return r.complete(reg), err
}

// See returns a register as Lookup does, outside a transaction.
func (r *Registry) See(ctx context.Context, p tolem.Participant, n tolem.RegisterNumber) (reg store.StoredRegister, err error) {
	err = r.view(ctx, func(tx *store.Tx) error {
		reg, err = r.Lookup(tx, p, n)
		return err
	})
	return reg, err
}

// Acknowledge stores an owner's word on its register: agreement, or a
// rejection with reasons and rows. Agreement may follow a rejection; nothing
// can be rejected when it is final. Id is that of the request in the archive.
func (r *Registry) Acknowledge(tx *store.Tx, p tolem.Participant, a tolem.Acknowledgement, id store.MessageID) (Standing, error) {
	reg, err := r.Lookup(tx, p, a.Number)
	if err != nil {
		return "", err
	}
	if !r.own(p, reg.Owner) {
		return "", fmt.Errorf("%s by %s: %w", a.Number, p.ID, ErrForeign)
	}
	a.By, a.At = p.ID, tx.Now()
	if a.Verdict == tolem.Rejected && !a.At.Before(reg.FinalAfter) {
		return FinalByTime, fmt.Errorf("%s since %s: %w", a.Number, reg.FinalAfter, ErrFinal)
	}
	if latest, err := tx.LatestRegister(reg.Owner, reg.Day); err != nil || latest.Revision > reg.Revision {
		return Superseded, errors.Join(err, fmt.Errorf("%s, there is revision %d: %w", a.Number, latest.Revision, ErrFinal))
	}
	for _, o := range a.Objections {
		if o.Line < 0 || int64(o.Line) > reg.Totals.Rows {
			return "", fmt.Errorf("%s, row %d: %w", a.Number, o.Line, ErrNoRow)
		}
	}
	if err := tx.InsertAcknowledgement(a, id); err != nil {
		return "", err
	}
	if a.Verdict == tolem.Rejected {
		return RejectedByOwn, nil
	}
	return AckedByOwner, nil
}

// Standing returns how a register stands now.
func (r *Registry) Standing(tx *store.Tx, reg store.StoredRegister) (Standing, error) {
	latest, err := tx.LatestRegister(reg.Owner, reg.Day)
	if err != nil {
		return "", err
	}
	if latest.Revision > reg.Revision {
		return Superseded, nil
	}
	said, err := tx.Acknowledgements(reg.Number)
	if err != nil {
		return "", err
	}
	switch {
	case len(said) > 0 && said[len(said)-1].Verdict == tolem.Acknowledged:
		return AckedByOwner, nil
	case len(said) > 0:
		return RejectedByOwn, nil
	case !tx.Now().Before(reg.FinalAfter):
		return FinalByTime, nil
	}
	return Open, nil
}
