package jobs

import "time"

// Backoff says how long a job waits that failed: First after the first
// failure, twice as long after each further one, at most Max. A part of it is
// drawn, so that what failed together is not tried again together.
type Backoff struct{ First, Max time.Duration }

// DefaultBackoff waits a minute, and after the seventh failure in a row an
// hour.
var DefaultBackoff = Backoff{First: time.Minute, Max: time.Hour}

func (b Backoff) valid() bool { return b.First > 0 && b.Max >= b.First }

// Wait returns how long to wait after so many failures, counted from 1: the
// full time or down to half of it. Jitter returns a duration in [0, max).
func (b Backoff) Wait(failures int, jitter func(max time.Duration) time.Duration) time.Duration {
	wait := b.First
	for ; failures > 1 && wait < b.Max; failures-- {
		wait *= 2
	}
	wait = min(wait, b.Max)
	if half := wait / 2; half > 0 {
		return wait - jitter(half)
	}
	return wait
}
