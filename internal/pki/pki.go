// Package pki makes a throw-away public key infrastructure: a root, an
// intermediate below it, signing and TLS identities, and the revocation lists
// of both authorities. `tolem init --test-pki`, `tolem demo`, `tolem bench` and
// the tests call it.
//
// It is not a certification authority to rely on: keys lie in plain files,
// nothing is audited, and whoever has the folder can issue what he likes. In
// production the National CA takes its place.
package pki

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// How long things are valid unless told otherwise.
const (
	RootLifetime         = 10 * 365 * 24 * time.Hour
	IntermediateLifetime = 5 * 365 * 24 * time.Hour
	IdentityLifetime     = 365 * 24 * time.Hour
	CRLLifetime          = 7 * 24 * time.Hour
)

// backdate is how far before now a validity begins, so that a clock that is a
// little behind accepts what was just made.
const backdate = 5 * time.Minute

// Options shape a PKI. The zero value is good: P-256 authorities, the time of
// day, no distribution points.
type Options struct {
	Organization string           // O of every distinguished name; "Tolem test" if empty
	Country      string           // C of every distinguished name; "KZ" if empty
	CAKey        KeyKind          // keys of root and intermediate; P256 if zero
	Now          func() time.Time // clock; time.Now if nil

	// CRLBase is the http address below which the lists are published, without
	// a slash at the end. When set, certificates name CRLBase/root.crl or
	// CRLBase/intermediate.crl as their distribution point.
	CRLBase string
}

func (o Options) withDefaults() Options {
	if o.Organization == "" {
		o.Organization = "Tolem test"
	}
	if o.Country == "" {
		o.Country = "KZ"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// PKI is a root and an intermediate authority. Identities are issued by the
// intermediate.
type PKI struct {
	Root         *Authority
	Intermediate *Authority

	options Options
}

// New makes the keys and certificates of both authorities.
func New(options Options) (*PKI, error) {
	p := &PKI{options: options.withDefaults()}
	root, err := p.newRoot()
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	p.Root = root
	if p.Intermediate, err = p.NewAuthority(root, "intermediate"); err != nil {
		return nil, fmt.Errorf("intermediate: %w", err)
	}
	return p, nil
}

// Spec describes an identity to issue.
type Spec struct {
	CommonName string
	Org        string // the organisation; the PKI's own if empty
	Usage      Usage
	Key        KeyKind
	Hosts      []string // names and addresses of a server; loopback if empty

	// Validity; from now for IdentityLifetime if zero.
	NotBefore, NotAfter time.Time
}

// Issue makes a key and has the intermediate certify it.
func (p *PKI) Issue(spec Spec) (*Identity, error) { return p.Intermediate.Issue(spec) }

// Revoke puts a certificate on the next revocation list of its issuer. The
// reason HoldReleased takes a certificate that was on hold off it again.
func (p *PKI) Revoke(cert *x509.Certificate, reason Reason) error {
	for _, a := range []*Authority{p.Intermediate, p.Root} {
		if string(cert.RawIssuer) == string(a.Cert.RawSubject) {
			return a.Revoke(cert, reason)
		}
	}
	return errors.New("certificate was issued by neither authority")
}

func (p *PKI) name(commonName, org string) pkix.Name {
	if org == "" {
		org = p.options.Organization
	}
	return pkix.Name{CommonName: commonName, Organization: []string{org}, Country: []string{p.options.Country}}
}

func (p *PKI) now() time.Time { return p.options.Now().UTC().Truncate(time.Second) }

// distributionPoints says where the lists of the named authority are published.
func (p *PKI) distributionPoints(authority string) []string {
	if p.options.CRLBase == "" {
		return nil
	}
	return []string{strings.TrimSuffix(p.options.CRLBase, "/") + "/" + authority + ".crl"}
}

// newSerial draws a positive serial number of 127 bits.
func newSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return n.Add(n, big.NewInt(1)), nil
}
