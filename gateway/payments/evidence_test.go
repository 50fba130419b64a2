package payments_test

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"tolem/archive"
)

// records are all entries of the archive.
func (w *world) records() (all []archive.Record) {
	w.t.Helper()
	must(w.t, w.evidence.Walk(w.t.Context(), func(time.Time, bool) bool { return true }, func(entry []archive.Record) error {
		for _, r := range entry {
			r.Raw = bytes.Clone(r.Raw)
			all = append(all, r)
		}
		return nil
	}))
	return all
}

// noCardInEvidence opens every sealed record and what was told to observers: what
// is encrypted in the files is looked into here.
func (w *world) noCardInEvidence() {
	w.t.Helper()
	var texts []string
	for _, r := range w.records() {
		texts = append(texts, string(r.Raw))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		texts = append(texts, fmt.Sprintf("%+v %v", e, e.Err))
	}
	for _, text := range texts {
		for _, secret := range []string{pan, pan[6:], "SERIKOVA", account} {
			if strings.Contains(text, secret) {
				w.t.Errorf("%q stands in %q", secret, text)
			}
		}
		if cvcAlone.MatchString(text) {
			w.t.Errorf("the security code stands in %q", text)
		}
	}
}
