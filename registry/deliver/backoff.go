package deliver

import (
	"sync"
	"time"

	"tolem/store"
)

// Backoff says how long to wait after a failure: First, twice as long after
// each further one, at most Cap.
type Backoff struct{ First, Cap time.Duration }

// DefaultBackoff reaches its cap after eight failures.
var DefaultBackoff = Backoff{First: 10 * time.Second, Cap: 30 * time.Minute}

// after returns the wait after so many failures in a row, shortened by up to a
// quarter, so that what failed together is not repeated together.
func (b Backoff) after(failures int64, random func(int64) int64) time.Duration {
	wait := b.First
	for ; failures > 1 && wait < b.Cap; failures-- {
		wait *= 2
	}
	wait = min(wait, b.Cap)
	return wait - time.Duration(random(int64(wait/4)+1))
}

// breakers keep a target that fails from being hammered, and each target from
// being served twice at once. They last as long as the courier: a new one finds
// out again.
type breakers struct {
	mu      sync.Mutex
	targets map[store.DueTarget]*breaker
}

type breaker struct {
	busy     bool
	failures int64     // in a row
	until    time.Time // it is left alone
}

// enter reserves a target unless it is being served or left alone.
func (b *breakers) enter(t store.DueTarget, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.targets[t]
	if k == nil {
		k = &breaker{}
		b.targets[t] = k
	}
	if k.busy || now.Before(k.until) {
		return false
	}
	k.busy = true
	return true
}

// leave gives a target free. One that does not fail is forgotten.
func (b *breakers) leave(t store.DueTarget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.targets[t]
	k.busy = false
	if k.failures == 0 {
		delete(b.targets, t)
	}
}

// health is what an attempt says about its target.
type health int

const (
	notSeen health = iota // it was not spoken to
	well
	failing
)

// note tells what an attempt said about its target. It reports whether to go on
// with it, and whether it is back after it was left alone.
func (b *breakers) note(t store.DueTarget, h health, now time.Time, pause func(failures int64) time.Duration) (goOn, back bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.targets[t]
	switch {
	case h == notSeen:
		return true, false
	case h == well:
		back = k.failures >= breakAfter
		k.failures, k.until = 0, time.Time{}
		return true, back
	}
	if k.failures++; k.failures < breakAfter {
		return true, false
	}
	k.until = now.Add(pause(k.failures - breakAfter + 1))
	return false, false
}
