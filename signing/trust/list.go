package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// list is a revocation list that was taken: everything about it was checked,
// and only what is needed to ask it is kept.
type list struct {
	issuer  issuerID
	scope   scopeID
	points  []string // when not empty, the list is about certificates that name one of these
	number  *big.Int // nil when it has none
	entries *serials
	ref     CRLRef

	source  string // where it was read
	fetched time.Time
}

// scopeID stands for an issuer and the part of its certificates a list is
// about: lists with the same scopeID replace each other.
type scopeID [sha256.Size]byte

// usable reports whether the list may be relied upon at the given time.
func (l *list) usable(now time.Time) bool {
	return now.Before(l.ref.NextUpdate) && !now.Add(MaxSkew).Before(l.ref.ThisUpdate)
}

// covers reports whether the list is about a certificate of its issuer.
func (l *list) covers(cert *x509.Certificate) bool {
	return len(l.points) == 0 || slices.ContainsFunc(l.points, func(p string) bool {
		return slices.Contains(cert.CRLDistributionPoints, p)
	})
}

// accept makes a list of what was parsed, or says why not. Whether it is older
// than one seen before is for the caller, who knows those.
func (as *authorities) accept(p *parsedList, hash [32]byte, now time.Time) (*list, error) {
	if p.extensions.delta {
		return nil, ErrListDelta
	}
	if p.extensions.scope.partial {
		return nil, ErrListScope
	}
	signer, err := as.signer(p)
	if err != nil {
		return nil, err
	}
	if err := inForce(p, now); err != nil {
		return nil, err
	}
	entries, err := newSerials(p.entries)
	if err != nil {
		return nil, err
	}
	l := &list{
		issuer: signer.issuer, scope: scopeOf(signer, p), entries: entries,
		points: p.extensions.scope.points, number: p.extensions.number, fetched: now,
		ref: CRLRef{Issuer: signer.cert.Subject.String(), ThisUpdate: p.thisUpdate, NextUpdate: p.nextUpdate, Hash: hash},
	}
	if l.number != nil {
		l.ref.Number = l.number.String()
	}
	return l, nil
}

// scopeOf tells lists for distribution points apart. All lists about the whole
// of an issuer's certificates are of one scope, however they say so.
func scopeOf(signer *authority, p *parsedList) scopeID {
	var part []byte
	if len(p.extensions.scope.points) > 0 {
		part = p.extensions.scope.raw
	}
	return sha256.Sum256(slices.Concat(signer.issuer[:], part))
}

// signer finds the authority that made the list: of exactly the issuer's name,
// with the key the list names, allowed to sign lists, and whose key verifies.
func (as *authorities) signer(p *parsedList) (*authority, error) {
	candidates := as.named(p.issuer)
	if len(candidates) == 0 {
		return nil, ErrListIssuer
	}
	algorithm, err := signatureAlgorithm(p.algorithm)
	if err != nil {
		return nil, err
	}
	refusal := ErrListKeyID
	for _, a := range candidates {
		if !p.extensions.keyID.fits(a.cert) {
			continue
		}
		if a.cert.KeyUsage != 0 && a.cert.KeyUsage&x509.KeyUsageCRLSign == 0 {
			refusal = fmt.Errorf("%w: the authority may not sign lists", ErrListSignature)
			continue
		}
		if err := a.cert.CheckSignature(algorithm, p.tbs, p.signature); err != nil {
			refusal = fmt.Errorf("%w: %w", ErrListSignature, err)
			continue
		}
		return a, nil
	}
	return nil, refusal
}

// fits reports whether nothing the identifier says is against this certificate
// being the signer's. What is not said, the signature decides.
func (k *authorityKeyID) fits(cert *x509.Certificate) bool {
	if k.key != nil && len(cert.SubjectKeyId) > 0 && !bytes.Equal(k.key, cert.SubjectKeyId) {
		return false
	}
	if k.serial != nil && new(big.Int).SetBytes(k.serial).Cmp(cert.SerialNumber) != 0 {
		return false
	}
	return k.issuer == nil || hasDirectoryName(k.issuer, cert.RawIssuer)
}

func hasDirectoryName(names der, want []byte) bool {
	const tagDirectoryName = 0xa4
	for len(names) > 0 {
		tag, name, _, ok := names.element()
		if !ok {
			return false
		}
		if tag == tagDirectoryName && bytes.Equal(name, want) {
			return true
		}
	}
	return false
}

// stillInForce checks the end of a list that was in force when it was taken.
func (l *list) stillInForce(now time.Time) error {
	if now.Before(l.ref.NextUpdate) {
		return nil
	}
	return ranOut(l.ref.NextUpdate)
}

func ranOut(nextUpdate time.Time) error {
	return fmt.Errorf("%w: nextUpdate was %s", ErrListExpired, nextUpdate.Format(time.RFC3339))
}

// inForce checks the times of a list.
func inForce(p *parsedList, now time.Time) error {
	switch {
	case p.nextUpdate.IsZero():
		return ErrListNoNextUpdate
	case now.Add(MaxSkew).Before(p.thisUpdate):
		return fmt.Errorf("%w: thisUpdate is %s", ErrListNotYetValid, p.thisUpdate.Format(time.RFC3339))
	case !now.Before(p.nextUpdate):
		return ranOut(p.nextUpdate)
	}
	return nil
}

// mark remembers the newest list of a scope, also when it has run out since:
// an older one is never taken again.
type mark struct {
	number     *big.Int // nil when the lists have none
	thisUpdate time.Time
}

// allows reports whether a list may follow what the mark remembers. The number
// decides; between lists of one number or of none the time does.
func (m mark) allows(l *list) error {
	switch {
	case m.number != nil && l.number == nil:
		return fmt.Errorf("%w: it has no number, number %v was seen", ErrListRollback, m.number)
	case m.number != nil && l.number.Cmp(m.number) < 0:
		return fmt.Errorf("%w: number %v, number %v was seen", ErrListRollback, l.number, m.number)
	case m.number != nil && l.number.Cmp(m.number) > 0:
		return nil
	case l.ref.ThisUpdate.Before(m.thisUpdate):
		return fmt.Errorf("%w: of %s, one of %s was seen", ErrListRollback,
			l.ref.ThisUpdate.Format(time.RFC3339), m.thisUpdate.Format(time.RFC3339))
	}
	return nil
}
