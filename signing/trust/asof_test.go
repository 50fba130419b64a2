package trust

import (
	"bytes"
	"testing"
	"time"

	"tolem/internal/pki"
)

// evidence collects what a proof names, as an archive does.
func evidence(t *testing.T, s *Store, kept *shelf, cert []byte, proof Proof) Evidence {
	t.Helper()
	e := Evidence{Certificate: cert}
	for _, print := range proof.Path[1:] {
		for _, a := range s.Authorities() {
			if fingerprintOf(a) == print {
				e.Path = append(e.Path, a.Raw)
			}
		}
	}
	for _, ref := range proof.CRLs {
		e.CRLs = append(e.CRLs, kept.all[ref.Hash])
	}
	return e
}

// GW-P36: years later, when everything has run out or been revoked, the
// evidence still shows that the certificate was to be accepted on the day.
func TestCheckAsOf(t *testing.T) {
	w, kept := newWorld(t), newShelf()
	s := w.open(w.config(), kept)
	bank := w.issue(pki.Spec{})
	proof, err := s.Check(bank, w.clock())
	if err != nil {
		t.Fatal(err)
	}
	e := evidence(t, s, kept, bank.Raw, proof)
	again, err := CheckAsOf(e, begin)
	if err != nil || again.ID != proof.ID {
		t.Fatalf("decided again: %v, the same proof: %v", err, again.ID == proof.ID)
	}

	if err := w.pki.Revoke(bank, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	later := w.publish(w.pki.Intermediate, 24*time.Hour)
	change := func(f func(*Evidence)) Evidence {
		c := Evidence{Certificate: bytes.Clone(e.Certificate), Path: append([][]byte(nil), e.Path...), CRLs: append([][]byte(nil), e.CRLs...)}
		f(&c)
		return c
	}
	flip := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[len(b)-1] ^= 1
		return b
	}
	for _, c := range []struct {
		why  string
		e    Evidence
		at   time.Time
		want error
	}{
		{"within the lists' time", e, begin.Add(23 * time.Hour), nil},
		{"after it", e, begin.Add(25 * time.Hour), ErrCRLUnavailable},
		{"before it", e, begin.Add(-time.Hour), ErrNotYetValid},
		{"a list less", change(func(c *Evidence) { c.CRLs = c.CRLs[:1] }), begin, ErrCRLUnavailable},
		{"a list altered", change(func(c *Evidence) { c.CRLs[0] = flip(c.CRLs[0]) }), begin, ErrCRLUnavailable},
		{"a list too many, altered", change(func(c *Evidence) { c.CRLs = append(c.CRLs, flip(later)) }), begin, ErrCRLUnavailable},
		{"a list that revokes", change(func(c *Evidence) { c.CRLs[0] = later }), begin, ErrRevoked},
		{"no path", change(func(c *Evidence) { c.Path = nil }), begin, ErrUntrusted},
		{"another path", change(func(c *Evidence) { c.Path = c.Path[1:] }), begin, ErrUntrusted},
		{"an authority altered", change(func(c *Evidence) { c.Path[0] = flip(c.Path[0]) }), begin, ErrUntrusted},
		{"the certificate altered", change(func(c *Evidence) { c.Certificate = flip(c.Certificate) }), begin, ErrUntrusted},
		{"no certificate", change(func(c *Evidence) { c.Certificate = nil }), begin, ErrUntrusted},
	} {
		if _, err := CheckAsOf(c.e, c.at); !isCheckClass(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.why, err, c.want)
		}
	}
}
