package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"tolem"
)

// snapshot is everything a check needs, made once and never changed, but for
// the cache of what was found with it.
type snapshot struct {
	authorities *authorities
	lists       map[issuerID][]*list
	cache       cache
}

// with returns a snapshot in which l has taken the place of the list of the
// same scope.
func (s *snapshot) with(l *list) *snapshot {
	next := &snapshot{authorities: s.authorities, lists: make(map[issuerID][]*list, len(s.lists)+1)}
	for id, lists := range s.lists {
		next.lists[id] = lists
	}
	others := slices.Clone(next.lists[l.issuer])
	others = slices.DeleteFunc(others, func(o *list) bool { return o.scope == l.scope })
	next.lists[l.issuer] = append(others, l)
	return next
}

// under returns a snapshot with other authorities and those of the lists whose
// issuer is still one of them.
func (s *snapshot) under(as *authorities) *snapshot {
	next := &snapshot{authorities: as, lists: map[issuerID][]*list{}}
	for _, a := range as.all {
		if lists := s.lists[a.issuer]; lists != nil {
			next.lists[a.issuer] = lists
		}
	}
	return next
}

func (s *snapshot) byHash(hash [32]byte) *list {
	for _, lists := range s.lists {
		for _, l := range lists {
			if l.ref.Hash == hash {
				return l
			}
		}
	}
	return nil
}

// chain is what is known of one certificate under one snapshot: its paths, and
// the last acceptance with the time during which it holds. Nothing but time
// can change the answer, because the lists of a snapshot do not change.
type chain struct {
	paths []path
	last  atomic.Pointer[acceptance]
}

type acceptance struct {
	proof       Proof
	from, until time.Time // until is excluded
}

func (a *acceptance) holds(now time.Time) bool {
	return a != nil && !now.Before(a.from) && now.Before(a.until)
}

// check answers for one certificate at one time.
func (s *snapshot) check(cert *x509.Certificate, p purpose, now time.Time) (Proof, error) {
	key := cacheKey{print: sha256.Sum256(cert.Raw), purpose: p}
	c := s.cache.get(key)
	if c == nil {
		paths, err := s.authorities.paths(cert, p)
		if err != nil {
			return Proof{}, describe(cert, err)
		}
		c = &chain{paths: paths}
		s.cache.put(key, c)
	}
	if a := c.last.Load(); a.holds(now) {
		return a.proof, nil
	}
	a, err := s.judge(cert, key.print, c.paths, now)
	if err != nil {
		return Proof{}, describe(cert, err)
	}
	c.last.Store(a)
	return a.proof, nil
}

// describe says which certificate an error is about. Its subject is left out:
// it may name a person.
func describe(cert *x509.Certificate, err error) error {
	return fmt.Errorf("certificate %x of %v: %w", cert.SerialNumber, cert.Issuer, err)
}

// judge accepts the certificate if one of its paths holds now. When none does,
// the gravest reason is told: revoked, then time, then the missing list.
func (s *snapshot) judge(cert *x509.Certificate, print tolem.Fingerprint, paths []path, now time.Time) (*acceptance, error) {
	var refusals []error
	for _, pt := range paths {
		a, err := s.judgePath(cert, print, pt, now)
		if err == nil {
			return a, nil
		}
		refusals = append(refusals, err)
	}
	for _, class := range []error{ErrRevoked, ErrExpired, ErrNotYetValid} {
		for _, err := range refusals {
			if errors.Is(err, class) {
				return nil, err
			}
		}
	}
	return nil, refusals[0]
}

func (s *snapshot) judgePath(cert *x509.Certificate, print tolem.Fingerprint, pt path, now time.Time) (*acceptance, error) {
	asked, err := s.ask(cert, pt, now)
	if errors.Is(err, ErrRevoked) {
		return nil, err
	}
	if timeErr := pt.inForce(cert, now); timeErr != nil {
		return nil, timeErr
	}
	if err != nil {
		return nil, err
	}
	return accepted(cert, print, pt, asked), nil
}

// inForce checks that every certificate of the path is valid now.
func (pt path) inForce(cert *x509.Certificate, now time.Time) error {
	certs := []*x509.Certificate{cert}
	for _, a := range pt {
		certs = append(certs, a.cert)
	}
	for i, c := range certs {
		whose := "the certificate"
		if i > 0 {
			whose = "its authority " + c.Subject.String()
		}
		if now.After(c.NotAfter) {
			return fmt.Errorf("%w: %s at %s", ErrExpired, whose, c.NotAfter.UTC().Format(time.RFC3339))
		}
		if now.Before(c.NotBefore) {
			return fmt.Errorf("%w: %s before %s", ErrNotYetValid, whose, c.NotBefore.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// ask asks every list that applies to a certificate of the path, and returns
// those asked. Each certificate must be covered by one at least; a revocation
// anywhere outweighs a list that is missing elsewhere.
func (s *snapshot) ask(cert *x509.Certificate, pt path, now time.Time) (asked []*list, err error) {
	var missing error
	err = pt.links(cert, func(cert *x509.Certificate, issuer *authority) error {
		covered := false
		for _, l := range s.lists[issuer.issuer] {
			if !l.usable(now) || !l.covers(cert) {
				continue
			}
			covered = true
			if when, reason, found := l.entries.find(cert.SerialNumber); found {
				return fmt.Errorf("%w: %x by %s since %s (reason %d)", ErrRevoked, cert.SerialNumber,
					l.ref.Issuer, when.Format(time.RFC3339), reason)
			}
			if !slices.Contains(asked, l) {
				asked = append(asked, l)
			}
		}
		// An anchor is trusted without its own list saying so, unless the
		// list says otherwise.
		if !covered && missing == nil && cert != issuer.cert {
			missing = fmt.Errorf("%w of %v", ErrCRLUnavailable, issuer.cert.Subject)
		}
		return nil
	})
	if err == nil {
		err = missing
	}
	return asked, err
}

// accepted makes the proof, and the time during which it can be given again.
func accepted(cert *x509.Certificate, print tolem.Fingerprint, pt path, asked []*list) *acceptance {
	from, until := pt.validity(cert)
	a := &acceptance{from: from, until: until.Add(1)} // notAfter itself is valid
	a.proof.Path = append(a.proof.Path, print)
	for _, ca := range pt {
		a.proof.Path = append(a.proof.Path, ca.print)
	}
	for _, l := range asked {
		a.proof.CRLs = append(a.proof.CRLs, l.ref)
		if earliest := l.ref.ThisUpdate.Add(-MaxSkew); earliest.After(a.from) {
			a.from = earliest
		}
		if l.ref.NextUpdate.Before(a.until) {
			a.until = l.ref.NextUpdate
		}
	}
	a.proof.ID = a.proof.identify()
	return a
}

// identify hashes what a proof names.
func (p *Proof) identify() [16]byte {
	h := sha256.New()
	h.Write([]byte("tolem trust proof 1\x00"))
	for _, print := range p.Path {
		h.Write(print[:])
	}
	h.Write([]byte{0}) // paths end where lists begin
	for _, ref := range p.CRLs {
		h.Write(ref.Hash[:])
	}
	return [16]byte(h.Sum(nil))
}
