package store

import (
	"context"
	"hash/maphash"
)

// turnsAfter is how often a closure is overtaken before it waits for its turn.
const turnsAfter = 2

// turns lets closures that keep overtaking each other on one row run one after
// the other. Without it a hundred changes of one code would need a hundred
// rounds. It orders the closures of this process only; the guards stay what
// keeps the data right.
type turns struct {
	seed  maphash.Seed
	lanes [64]chan struct{} // each holds one token
}

func newTurns() *turns {
	t := &turns{seed: maphash.MakeSeed()}
	for i := range t.lanes {
		t.lanes[i] = make(chan struct{}, 1)
	}
	return t
}

// wait returns when it is the caller's turn, and how to end it.
func (t *turns) wait(ctx context.Context, keys []guardKey) (end func(), err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	key := keys[0]
	for _, k := range keys {
		if k.table == tableCode {
			key = k
		}
	}
	lane := t.lanes[maphash.Comparable(t.seed, key)%uint64(len(t.lanes))]
	select {
	case lane <- struct{}{}:
		return func() { <-lane }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
