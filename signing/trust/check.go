package trust

import (
	"crypto/x509"
	"time"
)

// Check decides whether a message signed with the certificate may be believed
// at the given time. The error wraps one of ErrUntrusted, ErrExpired,
// ErrNotYetValid, ErrRevoked, ErrCRLUnavailable and ErrUsage. The slices of the
// proof are shared: read them only.
//
// It takes no lock and does no input or output. For a certificate it has seen
// it costs a hash and a look into a map.
func (s *Store) Check(cert *x509.Certificate, now time.Time) (Proof, error) {
	return s.current.Load().check(cert, forSigning, now)
}

// Authorities returns the anchors and intermediates in use. With the
// certificate itself they are what a Proof's Path names.
func (s *Store) Authorities() []*x509.Certificate {
	all := s.current.Load().authorities.all
	certs := make([]*x509.Certificate, len(all))
	for i, a := range all {
		certs[i] = a.cert
	}
	return certs
}
