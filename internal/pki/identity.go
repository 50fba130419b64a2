package pki

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"
)

// Usage says what an identity is for.
type Usage int

// The usages. A signing certificate has digitalSignature and nonRepudiation
// and no extended usage; TLS certificates have the one their side needs.
const (
	Signing Usage = iota
	TLSClient
	TLSServer
)

func (u Usage) keyUsage(key KeyKind) x509.KeyUsage {
	switch {
	case u == Signing:
		return x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	case key.isRSA():
		return x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	}
	return x509.KeyUsageDigitalSignature
}

func (u Usage) extKeyUsage() []x509.ExtKeyUsage {
	switch u {
	case TLSClient:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case TLSServer:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	return nil
}

// Reason says why a certificate is revoked (RFC 5280, 5.3.1).
type Reason int

// The reasons in use. HoldReleased takes a certificate that is on Hold off the
// list again.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	Hold                 Reason = 6
	HoldReleased         Reason = 8
)

// Identity is a key with its certificate.
type Identity struct {
	Cert  *x509.Certificate
	Key   crypto.Signer
	Usage Usage
	Chain []*x509.Certificate // intermediates, nearest first, without the root
}

// CertPEM returns the certificate alone.
func (id *Identity) CertPEM() []byte { return certPEM(id.Cert) }

// ChainPEM returns the certificate followed by its intermediates, as TLS
// servers and clients present it.
func (id *Identity) ChainPEM() []byte {
	return certPEM(append([]*x509.Certificate{id.Cert}, id.Chain...)...)
}

// KeyPEM returns the private key as PKCS#8.
func (id *Identity) KeyPEM() ([]byte, error) { return keyPEM(id.Key) }

// TLS returns the identity as crypto/tls wants it, chain included.
func (id *Identity) TLS() tls.Certificate {
	c := tls.Certificate{Certificate: [][]byte{id.Cert.Raw}, PrivateKey: id.Key, Leaf: id.Cert}
	for _, cert := range id.Chain {
		c.Certificate = append(c.Certificate, cert.Raw)
	}
	return c
}

// WriteTo writes dir/name.pem and dir/name.key (the latter readable by its
// owner alone) and returns both paths. The certificate file of a TLS identity
// holds the chain too.
func (id *Identity) WriteTo(dir, name string) (certFile, keyFile string, err error) {
	cert := id.CertPEM()
	if id.Usage != Signing {
		cert = id.ChainPEM()
	}
	key, err := id.KeyPEM()
	if err != nil {
		return "", "", err
	}
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	if err := writeFile(keyFile, key, 0o600); err != nil {
		return "", "", err
	}
	return certFile, keyFile, writeFile(certFile, cert, 0o644)
}

func certPEM(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.Bytes()
}

func keyPEM(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
