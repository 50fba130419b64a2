package archive

import (
	"context"
	"fmt"
	"math"
	"time"

	"tolem"
	"tolem/store"
)

// Walk goes through the evidence in the order of the log, and what waits for
// it behind, over one state of the database. Wanted chooses entries by their
// time and by whether they concern a code; fn gets the records of each. What
// does not open is an error: nothing is to be concluded from altered evidence.
func (a *Archive) Walk(ctx context.Context, wanted func(at time.Time, concernsCode bool) bool, fn func([]Record) error) error {
	err := a.db.Snapshot(ctx, func(s *store.Snapshot) error {
		w := walk{verification: verification{a: a, s: s}, wanted: wanted, fn: fn}
		for from := int64(0); ; {
			batch, found, err := s.NextBatch(ctx, from)
			if err != nil {
				return err
			}
			if !found {
				return w.waiting(ctx)
			}
			leaves, err := batch.Leaves()
			if err != nil {
				return fmt.Errorf("log batch at leaf %d: %w: %w", batch.First, errAltered, err)
			}
			if err := w.page(ctx, leaves); err != nil {
				return err
			}
			from = batch.First + int64(max(1, len(leaves)))
		}
	})
	if err != nil {
		return fmt.Errorf("walk through the archive: %w", err)
	}
	return nil
}

// walk is one way through the evidence.
type walk struct {
	verification // for the documents that messages share
	wanted       func(at time.Time, concernsCode bool) bool
	fn           func([]Record) error
}

// waiting goes through what is not in the log yet.
func (w *walk) waiting(ctx context.Context) error {
	after := store.MessageKey{Key: math.MinInt64}
	for {
		page, err := w.s.Pending(ctx, after, verifyPage)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := w.page(ctx, page); err != nil {
			return err
		}
		last := page[len(page)-1]
		after = store.MessageKey{Key: last.Key, ID: last.ID}
	}
}

func (w *walk) page(ctx context.Context, leaves []store.Leaf) error {
	hashes := make(map[store.MessageKey][32]byte)
	var keys []store.MessageKey
	for _, l := range leaves {
		if l.Key != store.DocumentKey && w.wanted(idTime(l.ID), l.Key > 0) {
			k := store.MessageKey{Key: l.Key, ID: l.ID}
			keys, hashes[k] = append(keys, k), l.Hash
		}
	}
	// A page is read whole before any of it is opened: opening may ask for
	// documents, and the snapshot answers one question at a time.
	stored := make([]store.Message, 0, len(keys))
	err := w.s.Messages(ctx, keys, func(m store.Message) error {
		stored = append(stored, m)
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range stored {
		records, err := w.a.open(m, snapshotDocuments{&w.verification, ctx})
		if err != nil {
			return err
		}
		var leaf [32]byte
		if leaf, w.scratch = entryLeaf(w.scratch, records); leaf != hashes[m.Key()] {
			return fmt.Errorf("%s: %w", nameOf(m.Key().Key, m.ID), errAltered)
		}
		delete(hashes, m.Key())
		if err := w.fn(records); err != nil {
			return err
		}
	}
	if len(hashes) > 0 {
		return fmt.Errorf("%d messages of the log are missing: %w", len(hashes), errAltered)
	}
	return nil
}

// CodeRecords returns the messages of a code in the order they came, in a
// transaction of their own.
func (a *Archive) CodeRecords(ctx context.Context, code tolem.CodeNumber) (records []Record, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		records, err = a.LoadCode(tx, code)
		return err
	})
	return records, err
}
