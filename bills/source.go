package bills

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tolem"
)

// Source answers for an organisation whose accounts are not kept here: a
// connector to its system, like bills/billsv1. Account returns what it says now
// about an account, or ErrNoAccount. AsOf and PaidUntil of the answer may be zero;
// then all payments made before the call are taken as counted. It may be called by
// many at once; it should give up when the context ends, but nothing waits for it
// after that.
type Source interface {
	Account(ctx context.Context, number tolem.AccountNumber) (tolem.Snapshot, error)
}

// Errors of sources.
var (
	// ErrNoAccount: the organisation has no such account.
	ErrNoAccount = errors.New("no such account")
	// ErrNoAnswer: the organisation's system did not answer as it should.
	ErrNoAnswer = errors.New("no answer from the organisation")
	errResting  = fmt.Errorf("%w: it has failed several times and is left alone for a while", ErrNoAnswer)
	errBusy     = fmt.Errorf("%w: too many lookups wait for it", ErrNoAnswer)
)

// Limits of lookups of one organisation, so that one that is down costs nothing
// but a word, and holds up no other.
const (
	sourcePlaces   = 32 // calls under way
	sourceFailures = 5  // in a row, after which it is left alone
	sourceRest     = 5 * time.Second
	maxSourceRest  = time.Minute
)

// guarded is a source with its breaker.
type guarded struct {
	source Source

	mu       sync.Mutex
	underway int
	failures int // in a row
	rests    int // since it last answered
	until    time.Time
	probing  bool // one call finds out whether it is back
}

func newGuarded(s Source) *guarded { return &guarded{source: s} }

// account calls the source, and waits for it no longer than the context lasts. A
// call that does not come back keeps its place until it does.
func (g *guarded) account(ctx context.Context, number tolem.AccountNumber, now func() time.Time) (tolem.Snapshot, error) {
	probe, err := g.enter(now())
	if err != nil {
		return tolem.Snapshot{}, err
	}
	type answer struct {
		s   tolem.Snapshot
		err error
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a.err = fmt.Errorf("%w: panic: %v", ErrNoAnswer, p)
			}
			g.leave()
			done <- a
		}()
		a.s, a.err = g.source.Account(ctx, number)
	}()
	select {
	case a := <-done:
		g.judge(probe, a.err == nil || errors.Is(a.err, ErrNoAccount), ctx.Err(), now())
		return a.s, a.err
	case <-ctx.Done():
		g.judge(probe, false, ctx.Err(), now())
		return tolem.Snapshot{}, fmt.Errorf("%w: %w", ErrNoAnswer, ctx.Err())
	}
}

// enter takes a place for a call. Once its rest is over the organisation gets one
// call, and others when that has come back.
func (g *guarded) enter(now time.Time) (probe bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch broken := g.failures >= sourceFailures; {
	case broken && (g.probing || now.Before(g.until)):
		return false, errResting
	case g.underway >= sourcePlaces:
		return false, errBusy
	default:
		g.underway++
		g.probing = broken
		return broken, nil
	}
}

func (g *guarded) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.underway--
}

// judge notes how a call came out. A caller that hung up says nothing about the
// organisation.
func (g *guarded) judge(probe, well bool, ended error, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if probe {
		g.probing = false
	}
	switch {
	case well:
		g.failures, g.rests = 0, 0
	case errors.Is(ended, context.Canceled):
	default:
		g.failures++
		if g.failures == sourceFailures || probe {
			g.until = now.Add(min(sourceRest<<min(g.rests, 10), maxSourceRest))
			g.rests++
		}
	}
}
