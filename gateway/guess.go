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

// count notes one more unknown code.
func (l *guessLimit) count(p tolem.ParticipantID, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.left(p, now)
	g.count++
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
