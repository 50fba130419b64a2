package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"tolem"
)

// maxAuthorities bounds the configured anchors and intermediates together.
const maxAuthorities = 1000

// issuerID stands for a name and a key: the certificates and lists of one
// issuer. An authority with two certificates for one key is one issuer; after
// a change of its key it is another.
type issuerID [sha256.Size]byte

// authority is a configured certificate of a certification authority.
type authority struct {
	cert   *x509.Certificate
	print  tolem.Fingerprint
	issuer issuerID
	anchor bool
}

func newAuthority(cert *x509.Certificate, anchor bool) (*authority, error) {
	if !cert.BasicConstraintsValid || !cert.IsCA {
		return nil, fmt.Errorf("%v is not the certificate of a certification authority", cert.Subject)
	}
	if cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0 {
		return nil, fmt.Errorf("%v may not sign certificates", cert.Subject)
	}
	if !strongKey(cert) {
		return nil, fmt.Errorf("%v has an RSA key shorter than %d bits", cert.Subject, minRSABits)
	}
	return &authority{
		cert:   cert,
		print:  tolem.FingerprintOf(cert.Raw),
		issuer: sha256.Sum256(slices.Concat(cert.RawSubject, cert.RawSubjectPublicKeyInfo)),
		anchor: anchor,
	}, nil
}

// selfIssued reports whether the authority's own certificate stands under its
// own name, as that of a root does.
func (a *authority) selfIssued() bool { return bytes.Equal(a.cert.RawIssuer, a.cert.RawSubject) }

// authorities are all that are configured, in that order, each once.
type authorities struct {
	all  []*authority
	pool *x509.CertPool
}

// newAuthorities joins anchors and intermediates. A certificate that is both
// is an anchor.
func newAuthorities(anchors, intermediates []*x509.Certificate) (*authorities, error) {
	as := &authorities{pool: x509.NewCertPool()}
	seen := map[tolem.Fingerprint]bool{}
	add := func(certs []*x509.Certificate, anchor bool) error {
		for _, cert := range certs {
			a, err := newAuthority(cert, anchor)
			if err != nil {
				return err
			}
			if !seen[a.print] {
				seen[a.print] = true
				as.all = append(as.all, a)
				as.pool.AddCert(cert)
			}
		}
		return nil
	}
	if err := errors.Join(add(anchors, true), add(intermediates, false)); err != nil {
		return nil, err
	}
	if len(anchors) == 0 {
		return nil, errors.New("no trust anchor found")
	}
	if len(as.all) > maxAuthorities {
		return nil, fmt.Errorf("more than %d authorities", maxAuthorities)
	}
	return as, nil
}

// named returns the authorities with exactly this distinguished name.
func (as *authorities) named(subject []byte) []*authority {
	var found []*authority
	for _, a := range as.all {
		if bytes.Equal(a.cert.RawSubject, subject) {
			found = append(found, a)
		}
	}
	return found
}

// distributionPoints returns the http addresses at which the authorities'
// certificates say the lists of their issuers are.
func (as *authorities) distributionPoints() []string {
	var points []string
	for _, a := range as.all {
		for _, p := range a.cert.CRLDistributionPoints {
			if isHTTP(p) && !slices.Contains(points, p) {
				points = append(points, p)
			}
		}
	}
	return points
}

// parseCertificates reads a file of certificates, PEM or DER.
func parseCertificates(content []byte) ([]*x509.Certificate, error) {
	if !bytes.Contains(content, []byte("-----BEGIN ")) {
		return x509.ParseCertificates(content)
	}
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			return certs, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
	}
}
