package bankv1

import (
	"sync"
	"time"

	"tolem/banks"
)

// breaker keeps a bank that fails from costing every payer a timeout, and one
// that is slow from holding any number of calls. It is one bank's: what happens
// there is nothing to others.
type breaker struct {
	most, after int
	rest        time.Duration

	mu       sync.Mutex
	inFlight int
	failures int  // in a row
	probing  bool // one call finds out whether the bank is back
	probes   int  // that failed since the bank is left alone
	until    time.Time
}

// health is what a call said about the bank.
type health int

const (
	notSpoken health = iota // nothing
	well
	failing
)

// enter takes a place for a call. Once its rest is over the bank gets one call,
// and others when that has come back.
func (b *breaker) enter(now time.Time) (probe bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures >= b.after && (b.probing || now.Before(b.until)):
		return false, banks.ErrResting
	case b.inFlight >= b.most:
		return false, banks.ErrBusy
	}
	b.inFlight++
	b.probing = b.failures >= b.after
	return b.probing, nil
}

// leave gives the place back.
func (b *breaker) leave(probe bool, h health, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	if probe {
		b.probing = false
	}
	switch h {
	case well:
		b.failures, b.probes, b.until = 0, 0, time.Time{}
	case failing:
		b.failures++
		if probe {
			b.probes++
		}
		// Calls that were under way when it broke say nothing new.
		if probe || b.failures == b.after {
			b.until = now.Add(min(b.rest<<min(b.probes, 10), max(b.rest, MaxRest)))
		}
	}
}

func (b *breaker) resting(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures >= b.after && (b.probing || now.Before(b.until))
}
