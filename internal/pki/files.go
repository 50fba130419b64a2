package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Where things lie below the folder of a PKI. Anchors, Intermediates and CRLs
// are what a gateway's trust configuration points to.
const (
	AnchorsDir       = "anchors"       // root.pem
	IntermediatesDir = "intermediates" // intermediate.pem
	CRLsDir          = "crls"          // root.crl, intermediate.crl
	authorityDir     = "ca"            // root.key, intermediate.key
)

// WriteTo writes the certificates, keys and fresh revocation lists of both
// authorities below dir, which Open reads again.
func (p *PKI) WriteTo(dir string) error {
	for _, a := range []*Authority{p.Root, p.Intermediate} {
		key, err := keyPEM(a.Key)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, authorityDir, a.Name+".key"), key, 0o600); err != nil {
			return err
		}
		if err := writeFile(a.certFile(dir), certPEM(a.Cert), 0o644); err != nil {
			return err
		}
	}
	return p.WriteCRLs(dir, time.Time{})
}

// WriteCRLs issues new lists of both authorities and replaces the ones below
// dir. A zero nextUpdate means CRLLifetime from now.
func (p *PKI) WriteCRLs(dir string, nextUpdate time.Time) error {
	for _, a := range []*Authority{p.Root, p.Intermediate} {
		der, err := a.CRL(nextUpdate)
		if err != nil {
			return err
		}
		list := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
		if err := writeFile(a.crlFile(dir), list, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Open reads a PKI that WriteTo wrote, with the numbers and entries of its
// revocation lists, so that certificates can be issued and revoked later.
func Open(dir string, options Options) (*PKI, error) {
	p := &PKI{options: options.withDefaults()}
	p.Root = &Authority{Name: "root", pki: p}
	p.Intermediate = &Authority{Name: "intermediate", Issuer: p.Root, pki: p}
	for _, a := range []*Authority{p.Root, p.Intermediate} {
		if err := a.read(dir); err != nil {
			return nil, fmt.Errorf("%s authority: %w", a.Name, err)
		}
	}
	return p, nil
}

func (a *Authority) read(dir string) error {
	der, err := readPEM(a.certFile(dir))
	if err != nil {
		return err
	}
	if a.Cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	if der, err = readPEM(filepath.Join(dir, authorityDir, a.Name+".key")); err != nil {
		return err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return errors.New("key cannot sign")
	}
	a.Key = signer
	if der, err = readPEM(a.crlFile(dir)); err != nil {
		return err
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return err
	}
	for _, e := range list.RevokedCertificateEntries {
		a.revoked = append(a.revoked, x509.RevocationListEntry{
			SerialNumber: e.SerialNumber, RevocationTime: e.RevocationTime, ReasonCode: e.ReasonCode,
		})
	}
	a.number = list.Number.Int64()
	return nil
}

func (a *Authority) certFile(dir string) string {
	if a.Issuer == nil {
		return filepath.Join(dir, AnchorsDir, a.Name+".pem")
	}
	return filepath.Join(dir, IntermediatesDir, a.Name+".pem")
}

func (a *Authority) crlFile(dir string) string { return filepath.Join(dir, CRLsDir, a.Name+".crl") }

func readPEM(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM block", path)
	}
	return block.Bytes, nil
}

// writeFile replaces a file as a whole: a gateway that watches the folder sees
// the old content or the new, never half of it. The name of the new file while
// it grows begins with a dot, which watchers leave alone.
func writeFile(path string, content []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(content); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
