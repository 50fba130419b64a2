package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Evidence is what a Proof names, in full: what an archive needs to keep to
// have the decision made again.
type Evidence struct {
	Certificate []byte   // DER of the certificate that was accepted
	Path        [][]byte // DER of its authorities, nearest first, the anchor last
	CRLs        [][]byte // DER of the lists that were asked
}

// CheckAsOf decides again, with nothing but the evidence, whether a
// certificate was to be accepted for signing at the given time. It believes
// the last certificate of the path: who calls compares that with the anchor he
// trusts, and the ID of the returned proof with the one recorded at the time.
func CheckAsOf(evidence Evidence, at time.Time) (Proof, error) {
	cert, err := x509.ParseCertificate(evidence.Certificate)
	if err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	as, err := evidence.authorities()
	if err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	snap := &snapshot{authorities: as, lists: map[issuerID][]*list{}}
	var refused error
	for _, raw := range evidence.CRLs {
		l, err := as.read(raw, at)
		if err != nil {
			refused = errors.Join(refused, err)
			continue
		}
		snap = snap.with(l)
	}
	proof, err := snap.check(cert, forSigning, at)
	if refused != nil && (err == nil || errors.Is(err, ErrCRLUnavailable)) {
		return Proof{}, fmt.Errorf("%w: %w", ErrCRLUnavailable, refused)
	}
	return proof, err
}

// read makes a list of DER under the rules for the given time.
func (as *authorities) read(raw []byte, at time.Time) (*list, error) {
	p, err := parseList(raw)
	if err != nil {
		return nil, err
	}
	return as.accept(p, sha256.Sum256(raw), at)
}

func (e Evidence) authorities() (*authorities, error) {
	var certs []*x509.Certificate
	for _, raw := range e.Path {
		cert, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 || len(certs) > maxPath {
		return nil, errors.New("evidence has no path")
	}
	last := len(certs) - 1
	return newAuthorities(certs[last:], certs[:last])
}
