package store

import (
	"sync"
	"testing"
)

// Nodes that seal at the same moment take turns: whoever comes second finds
// the log moved on and begins anew, and nobody gets an error.
func TestSealingTakesTurns(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		const sealers = 8
		var group sync.WaitGroup
		for i := range sealers {
			group.Go(func() {
				err := db.Update(t.Context(), func(tx *Tx) error {
					seen, err := tx.LogState()
					if err != nil {
						return err
					}
					leaf := Leaf{Key: int64(-i - 1), ID: MessageID{byte(i)}, Hash: [32]byte{byte(i)}}
					return tx.AppendLog(seen, LogState{Size: seen.Size + 1, Frontier: []byte{1}}, []Leaf{leaf}, []byte("head"))
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		err := db.View(t.Context(), func(tx *Tx) error {
			state, err := tx.LogState()
			if state.Size != sealers {
				t.Errorf("%d leaves", state.Size)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
