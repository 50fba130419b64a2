package trust

import (
	"testing"

	"tolem/internal/pki"
)

// The path of every message allocates nothing.
func TestCheckAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("NOT TESTED with the race detector, which allocates too")
	}
	w := newWorld(t)
	s := w.open(w.config(), nil)
	cert := w.issue(pki.Spec{})
	w.wantCheck(s, cert, nil)
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Check(cert, begin) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
