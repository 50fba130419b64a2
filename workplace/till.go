package workplace

import (
	"context"
	"sync"

	"tolem"
)

// tills lets the payments of a bank come one after the other: all of them take
// its next receipt number. It orders those of this process only, and saves them
// overtaking each other; the guards of the store stay what keeps the numbers
// right.
type tills struct {
	mu    sync.Mutex
	banks map[tolem.ParticipantID]chan struct{} // each holds one token
}

// wait returns when it is the caller's turn, and how to end it.
func (t *tills) wait(ctx context.Context, bank tolem.ParticipantID) (end func(), err error) {
	t.mu.Lock()
	till, ok := t.banks[bank]
	if !ok {
		if t.banks == nil {
			t.banks = make(map[tolem.ParticipantID]chan struct{})
		}
		till = make(chan struct{}, 1)
		t.banks[bank] = till
	}
	t.mu.Unlock()
	select {
	case till <- struct{}{}:
		return func() { <-till }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
