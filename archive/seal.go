package archive

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tolem/store"
)

// SealBatch bounds the leaves of one sealing, which is one transaction: small
// enough that the payments that wait behind it do not notice.
const SealBatch = 256

// Seal moves messages that wait into the Merkle log, at most SealBatch, and
// signs the new head. It returns how many it moved; fewer than SealBatch means
// that none is left. Any number of nodes may call it: the log grows against
// the end that was read, and who comes second begins again.
func (a *Archive) Seal(ctx context.Context) (int, error) {
	if a.signer == nil {
		return 0, fmt.Errorf("%w: none was given", ErrKey)
	}
	sealed := 0
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		sealed = 0
		seen, err := tx.LogState()
		if err != nil {
			return err
		}
		leaves, err := tx.PendingLeaves(SealBatch)
		if err != nil || len(leaves) == 0 {
			return err
		}
		edge, err := parseFrontier(seen.Size, seen.Frontier)
		if err != nil {
			return err
		}
		for _, l := range leaves {
			edge.append(tlog.Hash(l.Hash))
		}
		root, err := edge.root()
		if err != nil {
			return err
		}
		checkpoint, err := Head{Origin: a.origin, Size: edge.size, Root: root}.sign(a.signer)
		if err != nil {
			return err
		}
		sealed = len(leaves)
		return tx.AppendLog(seen, store.LogState{Size: edge.size, Frontier: edge.bytes()}, leaves, checkpoint)
	})
	if err != nil {
		return 0, fmt.Errorf("seal archive: %w", err)
	}
	return sealed, nil
}
