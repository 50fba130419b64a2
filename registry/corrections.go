package registry

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"tolem"
	"tolem/archive"
	"tolem/signing/c14n"
	"tolem/store"
)

// rowKey names a fact.
type rowKey struct {
	code tolem.CodeNumber
	kind tolem.RowKind
	id   [16]byte
}

func keyOf(row tolem.RegisterRow) rowKey { return rowKey{row.Code, row.Kind, row.ID} }

// moves are the rows of a day that belong to another branch than the bank had
// said.
type moves struct {
	to  map[rowKey]tolem.ParticipantID
	new []tolem.RegisterRow // rows that came to the owner, in order
}

// moved reads the corrections that a register has seen.
func (r *Registry) moved(ctx context.Context, reg store.StoredRegister) (moves, error) {
	m := moves{to: make(map[rowKey]tolem.ParticipantID)}
	if reg.Corrections == 0 {
		return m, nil
	}
	err := r.view(ctx, func(tx *store.Tx) error {
		list, err := tx.Corrections(reg.Day)
		if err != nil {
			return err
		}
		var codes []tolem.CodeNumber
		for _, c := range list[:min(reg.Corrections, len(list))] {
			m.to[rowKey{c.Code, c.Kind, c.ID}] = c.Branch
			codes = append(codes, c.Code)
		}
		if reg.Owner.Kind != tolem.BranchRegister {
			return nil
		}
		facts, err := tx.FactsOf(codes)
		for _, f := range facts {
			if to, moved := m.to[keyOf(f.RegisterRow)]; moved && f.Day == reg.Day && f.Bank == reg.Owner.Bank &&
				string(to) == reg.Owner.ID && string(f.Branch) != reg.Owner.ID {
				m.new = append(m.new, f.RegisterRow)
			}
		}
		return err
	})
	slices.SortFunc(m.new, tolem.RegisterRow.Compare)
	m.new = slices.CompactFunc(m.new, func(a, b tolem.RegisterRow) bool { return keyOf(a) == keyOf(b) })
	return m, err
}

// behind leaves out what came to the owner before a row.
func (m moves) behind(last tolem.RegisterRow) moves {
	if last.Line > 0 {
		m.new = slices.DeleteFunc(slices.Clone(m.new), func(row tolem.RegisterRow) bool { return row.Compare(last) <= 0 })
	}
	return m
}

// apply gives rows the branch they belong to, leaves out those that belong to
// another, and puts those that came from others in their place.
func (m moves) apply(owner tolem.Owner, rows iter.Seq2[tolem.RegisterRow, error]) iter.Seq2[tolem.RegisterRow, error] {
	if len(m.to) == 0 {
		return rows
	}
	return func(yield func(tolem.RegisterRow, error) bool) {
		waiting := m.new
		put := func(row tolem.RegisterRow) bool {
			if to, moved := m.to[keyOf(row)]; moved {
				row.Branch = to
			}
			return owner.Kind == tolem.BranchRegister && string(row.Branch) != owner.ID || yield(row, nil)
		}
		for row, err := range rows {
			if err != nil {
				yield(row, err)
				return
			}
			for len(waiting) > 0 && waiting[0].Compare(row) < 0 {
				if !put(waiting[0]) {
					return
				}
				waiting = waiting[1:]
			}
			if !put(row) {
				return
			}
		}
		for _, row := range waiting {
			if !put(row) {
				return
			}
		}
	}
}

// ErrNoChange: the correction would leave the row where it is.
var ErrNoChange = errors.New("the row belongs to that branch already")

// ErrNoRow: the day has no such row.
var ErrNoRow = errors.New("the day has no such row")

// Correct gives a payment of a sealed day, and its refund if it is of the same
// day, to another branch of its bank; empty: to none. The registers that show
// them are to be issued anew. Who did it and why is kept as evidence.
func (r *Registry) Correct(ctx context.Context, day tolem.Day, code tolem.CodeNumber, branch tolem.ParticipantID, who, reason string) ([]store.Correction, error) {
	var made []store.Correction
	err := r.db.Update(ctx, func(tx *store.Tx) error {
		made = nil
		facts, err := tx.FactsOf([]tolem.CodeNumber{code})
		if err != nil {
			return err
		}
		earlier, err := tx.Corrections(day)
		if err != nil {
			return err
		}
		found := false
		for _, f := range facts {
			if f.Day != day || f.Kind == tolem.RowDiscrepancy {
				continue
			}
			found = true
			if was := branchNow(f.RegisterRow, earlier); was != branch {
				made = append(made, store.Correction{
					Day: day, Seq: len(earlier) + len(made) + 1, Code: code, Kind: f.Kind, ID: f.ID, Was: was, Branch: branch,
					Who: who, Reason: reason, At: tx.Now(),
				})
			}
		}
		switch {
		case !found:
			return fmt.Errorf("%s of %s: %w", code, day, ErrNoRow)
		case len(made) == 0:
			return fmt.Errorf("%s: %w", code, ErrNoChange)
		}
		for _, c := range made {
			err = errors.Join(err, tx.InsertCorrection(c), r.evidence.Add(tx, archive.Record{
				ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Code: code, Raw: correctionDocument(c),
			}))
		}
		return err
	})
	return made, err
}

// branchNow is the branch of a row after the corrections so far.
func branchNow(row tolem.RegisterRow, earlier []store.Correction) tolem.ParticipantID {
	branch := row.Branch
	for _, e := range earlier {
		if (rowKey{e.Code, e.Kind, e.ID}) == keyOf(row) {
			branch = e.Branch
		}
	}
	return branch
}

// CorrectionNamespace is the namespace of the evidence of a correction.
const CorrectionNamespace = "urn:tolem:correction:v1"

func correctionDocument(c store.Correction) []byte {
	var b c14n.Builder
	b.Root("correction", CorrectionNamespace)
	b.Text("day", c.Day.String())
	b.Text("seq", fmt.Sprint(c.Seq))
	b.Text("kind", string(c.Kind))
	b.Text("paymentCode", c.Code.String())
	b.Text("wasBranchId", string(c.Was))
	b.Text("branchId", string(c.Branch))
	b.Text("by", c.Who)
	b.Text("reason", c.Reason)
	b.Time("at", c.At)
	b.Close("correction")
	return b.Bytes
}
