package soap

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tolem"
)

// Limits bound what one participant may ask of a node.
type Limits struct {
	PerSecond  float64 // requests a second, on average
	Burst      int     // requests at once above the average
	Concurrent int     // requests being worked on
}

// limiter keeps the limits of every participant that has called. Participants
// are registered by the operator, so their number is bounded.
type limiter struct {
	limits Limits

	mu      sync.Mutex
	callers map[tolem.ParticipantID]*caller
}

type caller struct {
	rate *rate.Limiter
	busy int
}

func newLimiter(l Limits) *limiter {
	return &limiter{limits: l, callers: make(map[tolem.ParticipantID]*caller)}
}

// admit lets a request in unless its participant is over a limit. The returned
// function is called when the request is done.
func (l *limiter) admit(p tolem.ParticipantID, now time.Time) (release func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.callers[p]
	if c == nil {
		c = &caller{rate: rate.NewLimiter(rate.Limit(l.limits.PerSecond), l.limits.Burst)}
		l.callers[p] = c
	}
	if c.busy >= l.limits.Concurrent || !c.rate.AllowN(now, 1) {
		return nil, false
	}
	c.busy++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		c.busy--
	}, true
}
