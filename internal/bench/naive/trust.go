package naive

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/beevik/etree"

	"tolem/internal/pki"
)

// Trust is what a certificate is checked against, anew for every message: the
// chain with crypto/x509, then the revocation list of each issuer.
type Trust struct {
	Chains
	Lists []*x509.RevocationList

	all *x509.CertPool
}

// Authorities returns everybody who may have issued the certificate of a
// channel.
func (t *Trust) Authorities() *x509.CertPool { return t.all }

// ReadTrust reads the folder of a test authority.
func ReadTrust(dir string) (*Trust, error) {
	t := &Trust{Chains: Chains{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}, all: x509.NewCertPool()}
	for folder, pool := range map[string]*x509.CertPool{pki.AnchorsDir: t.Roots, pki.IntermediatesDir: t.Intermediates} {
		err := eachFile(filepath.Join(dir, folder), func(content []byte) error {
			if !pool.AppendCertsFromPEM(content) || !t.all.AppendCertsFromPEM(content) {
				return errors.New("no certificate")
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return t, eachFile(filepath.Join(dir, pki.CRLsDir), func(content []byte) error {
		if block, _ := pem.Decode(content); block != nil {
			content = block.Bytes
		}
		list, err := x509.ParseRevocationList(content)
		t.Lists = append(t.Lists, list)
		return err
	})
}

func eachFile(dir string, do func(content []byte) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err == nil {
			err = do(content)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	return nil
}

// Verify verifies a message, its signer's chain and that nothing of it is
// revoked.
func (t *Trust) Verify(raw []byte, now time.Time) (*etree.Element, *x509.Certificate, error) {
	return verify(raw, now, func(cert *x509.Certificate) error { return t.check(cert, now) })
}

func (t *Trust) check(cert *x509.Certificate, now time.Time) error {
	chains, err := t.of(cert, now)
	if err != nil {
		return err
	}
	chain := chains[0]
	for i := range len(chain) - 1 {
		if err := t.checkRevocation(chain[i], chain[i+1], now); err != nil {
			return err
		}
	}
	return nil
}

func (t *Trust) checkRevocation(cert, issuer *x509.Certificate, now time.Time) error {
	for _, list := range t.Lists {
		if list.Issuer.String() != issuer.Subject.String() {
			continue
		}
		if now.After(list.NextUpdate) {
			return refused("revocation list is old")
		}
		for _, entry := range list.RevokedCertificateEntries {
			if entry.SerialNumber.Cmp(cert.SerialNumber) == 0 {
				return refused("certificate is revoked")
			}
		}
		return nil
	}
	return refused("no revocation list")
}
