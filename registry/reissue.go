package registry

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"tolem"
	"tolem/store"
)

// Reissue forms the next revision of an owner's register of a day, with every
// correction made so far. Earlier revisions stay as they are and can be read.
func (r *Registry) Reissue(ctx context.Context, owner tolem.Owner, day tolem.Day, reason string, progress Progress) (store.StoredRegister, error) {
	if reason == "" {
		return store.StoredRegister{}, errors.New("a register is issued anew for a reason")
	}
	var latest store.StoredRegister
	err := r.view(ctx, func(tx *store.Tx) (err error) {
		latest, err = tx.LatestRegister(owner, day)
		return err
	})
	if err != nil {
		return latest, err
	}
	return r.form(ctx, owner, day, latest.Revision+1, reason, progress)
}

// Change is one difference between two revisions.
type Change struct {
	What string // ADDED, REMOVED or CHANGED
	Old  tolem.RegisterRow
	New  tolem.RegisterRow
}

// The kinds of changes.
const (
	Added   = "ADDED"
	Removed = "REMOVED"
	Changed = "CHANGED"
)

// Diff goes through what a revision changed against an earlier one of the same
// register, in the order of rows. Line numbers are no difference.
func (r *Registry) Diff(ctx context.Context, older, newer store.StoredRegister) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		if older.Owner != newer.Owner || older.Day != newer.Day {
			yield(Change{}, fmt.Errorf("%s and %s are not revisions of one register", older.Number, newer.Number))
			return
		}
		next, stop := iter.Pull2(r.Rows(ctx, newer))
		defer stop()
		b, err, more := next()
		for a, errA := range r.Rows(ctx, older) {
			if errA != nil || err != nil {
				yield(Change{}, errors.Join(errA, err))
				return
			}
			for more && b.Compare(a) < 0 {
				if !yield(Change{What: Added, New: b}, nil) {
					return
				}
				if b, err, more = next(); err != nil {
					yield(Change{}, err)
					return
				}
			}
			switch {
			case !more || b.Compare(a) > 0:
				if !yield(Change{What: Removed, Old: a}, nil) {
					return
				}
				continue
			case !sameRow(a, b) && !yield(Change{What: Changed, Old: a, New: b}, nil):
				return
			}
			if b, err, more = next(); err != nil {
				yield(Change{}, err)
				return
			}
		}
		for more {
			if err != nil {
				yield(Change{}, err)
				return
			}
			if !yield(Change{What: Added, New: b}, nil) {
				return
			}
			b, err, more = next()
		}
	}
}

func sameRow(a, b tolem.RegisterRow) bool {
	a.Line, b.Line = 0, 0
	return a == b
}
