package client

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"tolem/signing"
	"tolem/signing/trust"
)

// accepts reports whether the certificate an answer was signed with is one of
// the gateway's.
func (id Identity) accepts(v *signing.Verified) bool {
	if id.CommonName != "" && v.Certificate.Subject.CommonName != id.CommonName {
		return false
	}
	return len(id.Fingerprints) == 0 || slices.Contains(id.Fingerprints, v.Fingerprint)
}

// currentTrust asks whether a certificate is trusted now, whatever time a
// message is verified for: a stored answer is old, but it must be signed by a
// key that nobody has revoked since.
type currentTrust struct {
	truster signing.Truster
	now     func() time.Time
}

func (c *currentTrust) Check(cert *x509.Certificate, _ time.Time) (trust.Proof, error) {
	return c.truster.Check(cert, c.now())
}

// verify returns the Body of a message that the gateway signed just now.
func (c *Client) verify(raw []byte) (*signing.Verified, error) {
	return c.verifyAt(raw, c.config.Now())
}

// verifyStored returns the Body of a message that the gateway signed some time
// ago. Only an answer that names the id of our own request may be so old: the
// gateway answers a repeated request with the first answer, byte for byte.
func (c *Client) verifyStored(raw []byte) (*signing.Verified, error) {
	created, err := createdIn(raw)
	if err != nil {
		return nil, err
	}
	if created.After(c.config.Now()) {
		return c.verify(raw) // is refused there, unless the clocks differ by a little
	}
	return c.verifyAt(raw, created)
}

// anyCertificate believes every certificate. It serves for a stored answer
// inside a verified one: the gateway vouches for it there, and the certificate
// of that time may have been replaced since.
type anyCertificate struct{}

func (anyCertificate) Check(*x509.Certificate, time.Time) (trust.Proof, error) {
	return trust.Proof{}, nil
}

// openVouched returns the Body of a stored answer that a verified answer
// contains. Its signature must be whole; whose it is, the gateway has said.
func (c *Client) openVouched(raw []byte) (answerBody, error) {
	created, err := createdIn(raw)
	if err != nil {
		return answerBody{}, err
	}
	verified, err := c.vouched.Verify(raw, created)
	if err != nil {
		return answerBody{}, fmt.Errorf("%w: stored answer: %w", ErrAnswer, err)
	}
	return readBody(verified.Body)
}

func (c *Client) verifyAt(raw []byte, at time.Time) (*signing.Verified, error) {
	v, err := c.verifier.Verify(raw, at)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if !c.config.Gateway.accepts(v) {
		return nil, fmt.Errorf("%w: signed by %q", ErrNotGateway, v.Certificate.Subject.CommonName)
	}
	return v, nil
}
