package workplace

import (
	"context"
	"hash/maphash"
	"sync"

	"tolem/access"
)

// lanes is how many may be waited for apart.
const lanes = 256

// turns lets what would overtake each other come one after the other: what
// one person presses twice, and the payments of one bank, all of which take
// its next receipt number. It orders those of this process only; the guards of
// the store stay what keeps the data right.
//
// A lane may be shared by several names. Who holds a person's waits for a bank's
// and never the other way round, so the two kinds have lanes of their own.
type turns struct {
	once  sync.Once
	seed  maphash.Seed
	lanes map[string]*[lanes]chan struct{} // each holds one token
}

// Kinds of turns.
const (
	turnPerson = "person"
	turnBank   = "bank"
)

// wait returns when it is the caller's turn, and how to end it.
func (t *turns) wait(ctx context.Context, kind, name string) (end func(), err error) {
	t.once.Do(func() {
		t.seed, t.lanes = maphash.MakeSeed(), map[string]*[lanes]chan struct{}{turnPerson: {}, turnBank: {}}
		for _, all := range t.lanes {
			for i := range all {
				all[i] = make(chan struct{}, 1)
			}
		}
	})
	lane := t.lanes[kind][maphash.String(t.seed, name)%lanes]
	select {
	case lane <- struct{}{}:
		return func() { <-lane }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inTurn is for what one person may press twice at once: who comes second waits
// for what the first comes to, and finds it. It bounds how long that takes,
// whether or not the browser waits for it.
func (w *Workplace) inTurn(ctx context.Context, by access.Actor) (_ context.Context, end func(), err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), payTimeout)
	done, err := w.turns.wait(ctx, turnPerson, string(by.Person.ID))
	if err != nil {
		cancel()
		return ctx, nil, err
	}
	return ctx, func() { done(); cancel() }, nil
}
