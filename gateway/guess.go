package gateway

import (
	"sync"
	"time"

	"tolem"
)

// guessLimit counts how often each participant has asked for codes that do not
// exist. A participant that has used up its allowance is refused before any
// code is looked up, so what it learns is bounded by the allowance and by the
// calls it has in flight. The count is kept per node.
type guessLimit struct {
	perMinute float64

	mu   sync.Mutex
	used map[tolem.ParticipantID]guesses
}

// guesses is an allowance that refills steadily.
type guesses struct {
	count float64
	at    time.Time
}

func newGuessLimit(perMinute int) *guessLimit {
	return &guessLimit{perMinute: float64(perMinute), used: make(map[tolem.ParticipantID]guesses)}
}

// exhausted reports whether the participant must wait.
func (l *guessLimit) exhausted(p tolem.ParticipantID, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left(p, now).count >= l.perMinute
}

// What an unknown code takes of the allowance. A number whose check digits do
// not fit is mostly a slip of the pen, is never looked up and teaches nobody
// anything, so many citizens may mistype before their portal has to wait.
const (
	guessWeight = 1
	slipWeight  = 0.1
)

// count notes one more unknown code.
func (l *guessLimit) count(p tolem.ParticipantID, asked tolem.CodeNumber, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.left(p, now)
	if asked.Valid() {
		g.count += guessWeight
	} else {
		g.count += slipWeight
	}
	l.used[p] = g
}

func (l *guessLimit) left(p tolem.ParticipantID, now time.Time) guesses {
	g := l.used[p]
	if passed := now.Sub(g.at); passed > 0 {
		g.count = max(0, g.count-passed.Minutes()*l.perMinute)
		g.at = now
	}
	return g
}
