package trust

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"tolem"
)

// ListStatus tells about the revocation list of one authority.
type ListStatus struct {
	Issuer     string
	Number     string // CRL number in decimal
	ThisUpdate time.Time
	NextUpdate time.Time
	Entries    int
	Age        time.Duration // since ThisUpdate
	Source     string        // where it was read
	FetchedAt  time.Time
	Hash       [32]byte

	// Usable says whether certificates of the issuer can be accepted by it.
	// An authority without a list is listed too, not usable.
	Usable    bool
	LastError string // the last trouble with its source, or what is missing
}

// Lists tells about the list of every authority at the given time, for
// metrics, the readiness line and people.
func (s *Store) Lists(now time.Time) []ListStatus {
	snap := s.current.Load()
	var all []ListStatus
	told := map[issuerID]bool{}
	for _, a := range snap.authorities.all {
		if told[a.issuer] {
			continue // another certificate of the same key
		}
		told[a.issuer] = true
		if len(snap.lists[a.issuer]) == 0 {
			all = append(all, ListStatus{Issuer: a.cert.Subject.String(), LastError: "no list was taken"})
		}
		for _, l := range snap.lists[a.issuer] {
			all = append(all, s.describeList(l, now))
		}
	}
	return all
}

func (s *Store) describeList(l *list, now time.Time) ListStatus {
	return ListStatus{
		Issuer: l.ref.Issuer, Number: l.ref.Number, ThisUpdate: l.ref.ThisUpdate, NextUpdate: l.ref.NextUpdate,
		Entries: l.entries.n, Age: now.Sub(l.ref.ThisUpdate), Source: l.source, FetchedAt: l.fetched,
		Hash: l.ref.Hash, Usable: l.usable(now), LastError: s.sources.lastError(l.source),
	}
}

// Sources tells how every source of lists fares, lists that were refused and
// the reason included.
func (s *Store) Sources() []SourceStatus { return s.sources.list() }

// Ready returns nil when every authority whose certificate is valid has a
// usable list, and else says which has not.
func (s *Store) Ready(now time.Time) error {
	snap := s.current.Load()
	var errs []error
	told := map[issuerID]bool{}
	for _, a := range snap.authorities.all {
		if told[a.issuer] || now.After(a.cert.NotAfter) {
			continue
		}
		told[a.issuer] = true
		if !slices.ContainsFunc(snap.lists[a.issuer], func(l *list) bool { return l.usable(now) }) {
			errs = append(errs, fmt.Errorf("%w of %v", ErrCRLUnavailable, a.cert.Subject))
		}
	}
	return errors.Join(errs...)
}

// Expiry tells about a certificate whose time is running out.
type Expiry struct {
	Subject     string
	Fingerprint tolem.Fingerprint
	Anchor      bool
	NotAfter    time.Time
}

// Expiring returns the anchors and intermediates that are no longer valid
// within the given time from now, soonest first, for alerts.
func (s *Store) Expiring(now time.Time, within time.Duration) []Expiry {
	var soon []Expiry
	for _, a := range s.current.Load().authorities.all {
		if a.cert.NotAfter.Before(now.Add(within)) {
			soon = append(soon, Expiry{a.cert.Subject.String(), a.print, a.anchor, a.cert.NotAfter})
		}
	}
	slices.SortStableFunc(soon, func(a, b Expiry) int { return cmp.Compare(a.NotAfter.Unix(), b.NotAfter.Unix()) })
	return soon
}
