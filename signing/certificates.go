package signing

import (
	"crypto/rsa"
	"crypto/x509"
	"sync"
	"time"

	"tolem"
	"tolem/signing/trust"
)

// certificate is a parsed certificate with what does not change about it.
type certificate struct {
	x509        *x509.Certificate
	fingerprint tolem.Fingerprint
	family      keyFamily
	key         string // under which it is kept: the token's text
	kept        bool
	rsa         *rsaKeyKept // of a kept certificate with an RSA key
}

func parseCertificate(der []byte) (*certificate, *Error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &Error{Class: ClassToken, Detail: "not an X.509 certificate", Err: err}
	}
	return &certificate{x509: cert, fingerprint: tolem.FingerprintOf(cert.Raw), family: familyOf(cert)}, nil
}

// certificates keeps parsed certificates under the text they came as, so that
// a sender's certificate is decoded and parsed once. Whether it is trusted is
// asked for every message. Only certificates that were trusted at least once
// come in, so strangers cannot push participants out.
//
// Two generations bound it without bookkeeping on the read path: when the
// younger is full it becomes the older, and the older is dropped.
type certificates struct {
	mu           sync.RWMutex
	young, older map[string]*certificate
}

func (c *certificates) find(text []byte) *certificate {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if cert := c.young[string(text)]; cert != nil {
		return cert
	}
	return c.older[string(text)]
}

func (c *certificates) keep(cert *certificate) {
	if cert.kept || cert.key == "" {
		return
	}
	kept := *cert
	kept.kept = true
	if pub, ok := cert.x509.PublicKey.(*rsa.PublicKey); ok {
		kept.rsa = keepRSA(pub)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= MaxCertificates/2 {
		c.older, c.young = c.young, map[string]*certificate{}
	}
	c.young[cert.key] = &kept
}

// checkCertificate asks whether the signer may sign and is trusted now. That a
// certificate must be for signing does not depend on who is trusted, so it does
// not depend on the Truster either.
func (v *Verifier) checkCertificate(cert *certificate, now time.Time) (trust.Proof, *Error) {
	const signs = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	if cert.x509.KeyUsage&signs == 0 {
		return trust.Proof{}, fromTrust(trust.ErrUsage)
	}
	proof, err := v.trust.Check(cert.x509, now)
	if err != nil {
		return trust.Proof{}, fromTrust(err)
	}
	return proof, nil
}
