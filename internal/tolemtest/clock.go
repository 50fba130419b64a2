package tolemtest

import (
	"sync"
	"testing"
	"time"
)

// Clock stands still until it is moved. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows the given time.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// WithinOneDay is for tests that speak of today: where a day of the zone ends
// before they are likely to, it waits until that day is over.
func WithinOneDay(t testing.TB, zone *time.Location, longest time.Duration) {
	t.Helper()
	now := time.Now().In(zone)
	midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, zone)
	if left := midnight.Sub(now); left < longest {
		t.Logf("waiting %v for a new day in %v", left.Round(time.Second), zone)
		time.Sleep(left + time.Second)
	}
}

// Now returns the time it shows; it fits wherever a func() time.Time is asked.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock, backwards if d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set moves the clock to a time.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}
