package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// Authority is a certification authority: it issues certificates and the list
// of those it has revoked. It may be used by several goroutines.
type Authority struct {
	Name   string // of its files: "root", "intermediate"
	Cert   *x509.Certificate
	Key    crypto.Signer
	Issuer *Authority // nil for a root

	pki     *PKI
	mu      sync.Mutex
	revoked []x509.RevocationListEntry
	number  int64 // of the last list issued
}

func (p *PKI) newRoot() (*Authority, error) {
	key, err := p.options.CAKey.NewKey()
	if err != nil {
		return nil, err
	}
	tmpl, err := p.caTemplate("root", RootLifetime)
	if err != nil {
		return nil, err
	}
	cert, err := sign(tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &Authority{Name: "root", Cert: cert, Key: key, pki: p}, nil
}

// NewAuthority makes an authority whose certificate the issuer signs. New has
// made the usual intermediate; tests want further ones.
func (p *PKI) NewAuthority(issuer *Authority, name string) (*Authority, error) {
	key, err := p.options.CAKey.NewKey()
	if err != nil {
		return nil, err
	}
	tmpl, err := p.caTemplate(name, IntermediateLifetime)
	if err != nil {
		return nil, err
	}
	tmpl.CRLDistributionPoints = p.distributionPoints(issuer.Name)
	cert, err := sign(tmpl, issuer.Cert, key.Public(), issuer.Key)
	if err != nil {
		return nil, err
	}
	return &Authority{Name: name, Cert: cert, Key: key, Issuer: issuer, pki: p}, nil
}

func (p *PKI) caTemplate(name string, lifetime time.Duration) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := p.now()
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               p.name(p.options.Organization+" "+name+" CA", ""),
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(lifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, nil
}

// Issue makes a key and certifies it.
func (a *Authority) Issue(spec Spec) (*Identity, error) {
	key, err := spec.Key.NewKey()
	if err != nil {
		return nil, err
	}
	return a.Certify(key, spec)
}

// Certify issues a certificate for a key that exists, as at a rollover that
// keeps the key.
func (a *Authority) Certify(key crypto.Signer, spec Spec) (*Identity, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := a.pki.now()
	tmpl := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               a.pki.name(spec.CommonName, spec.Org),
		NotBefore:             spec.NotBefore,
		NotAfter:              spec.NotAfter,
		KeyUsage:              spec.Usage.keyUsage(spec.Key),
		ExtKeyUsage:           spec.Usage.extKeyUsage(),
		BasicConstraintsValid: true,
		CRLDistributionPoints: a.pki.distributionPoints(a.Name),
	}
	if tmpl.NotBefore.IsZero() {
		tmpl.NotBefore = now.Add(-backdate)
	}
	if tmpl.NotAfter.IsZero() {
		tmpl.NotAfter = now.Add(IdentityLifetime)
	}
	if spec.Usage == TLSServer {
		addHosts(tmpl, spec.Hosts)
	}
	cert, err := sign(tmpl, a.Cert, key.Public(), a.Key)
	if err != nil {
		return nil, fmt.Errorf("certify %s: %w", spec.CommonName, err)
	}
	return &Identity{Cert: cert, Key: key, Usage: spec.Usage, Chain: a.chain()}, nil
}

// addHosts names a server; without names it is one on loopback.
func addHosts(tmpl *x509.Certificate, hosts []string) {
	if len(hosts) == 0 {
		hosts = []string{"localhost", "127.0.0.1", "::1"}
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, h)
		}
	}
}

// chain returns the certificates a peer needs beside its own to reach the root.
func (a *Authority) chain() []*x509.Certificate {
	var chain []*x509.Certificate
	for ; a.Issuer != nil; a = a.Issuer {
		chain = append(chain, a.Cert)
	}
	return chain
}

func sign(tmpl, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Revoke puts a certificate on the next list. The reason HoldReleased takes a
// certificate off that was on hold.
func (a *Authority) Revoke(cert *x509.Certificate, reason Reason) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, e := range a.revoked {
		if e.SerialNumber.Cmp(cert.SerialNumber) != 0 {
			continue
		}
		if Reason(e.ReasonCode) != Hold {
			return fmt.Errorf("certificate %x is revoked for good", cert.SerialNumber)
		}
		if reason == HoldReleased {
			a.revoked = append(a.revoked[:i], a.revoked[i+1:]...)
			return nil
		}
		a.revoked[i].ReasonCode = int(reason)
		return nil
	}
	if reason == HoldReleased {
		return fmt.Errorf("certificate %x is not on hold", cert.SerialNumber)
	}
	a.revoked = append(a.revoked, x509.RevocationListEntry{
		SerialNumber: cert.SerialNumber, RevocationTime: a.pki.now(), ReasonCode: int(reason),
	})
	return nil
}

// CRL issues the authority's next revocation list in DER. Each list has a
// higher number than the one before. A zero nextUpdate means CRLLifetime from
// now.
func (a *Authority) CRL(nextUpdate time.Time) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.pki.now()
	if nextUpdate.IsZero() {
		nextUpdate = now.Add(CRLLifetime)
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:                    big.NewInt(a.number + 1),
		ThisUpdate:                now,
		NextUpdate:                nextUpdate,
		RevokedCertificateEntries: a.revoked,
	}, a.Cert, a.Key)
	if err != nil {
		return nil, fmt.Errorf("revocation list of %s: %w", a.Name, err)
	}
	a.number++
	return der, nil
}
