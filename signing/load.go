package signing

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxKeyFile bounds a certificate or key file, in bytes.
const maxKeyFile = 1 << 20

// ErrKeyFile reports a certificate or key file that cannot be used.
var ErrKeyFile = errors.New("unusable key file")

// LoadSigner reads a certificate and its private key from PEM files. The first
// certificate of the file counts. The key may be PKCS #8, PKCS #1 or SEC 1 and
// must not be encrypted; the file must be closed to everyone but its owner.
func LoadSigner(certPath, keyPath string) (*Signer, error) {
	cert, err := loadCertificate(certPath)
	if err != nil {
		return nil, err
	}
	key, err := LoadKey(keyPath)
	if err != nil {
		return nil, err
	}
	s, err := NewSigner(key, cert)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", certPath, keyPath, err)
	}
	return s, nil
}

func loadCertificate(path string) (*x509.Certificate, error) {
	data, _, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	block := findBlock(data, "CERTIFICATE")
	if block == nil {
		return nil, fmt.Errorf("%s: %w: no certificate in PEM", path, ErrKeyFile)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrKeyFile, err)
	}
	return cert, nil
}

// LoadKey reads a private key: PKCS #8, PKCS #1 or SEC 1 in PEM, not encrypted,
// in a file that is closed to everyone but its owner.
func LoadKey(path string) (crypto.Signer, error) {
	data, err := ReadSecret(path)
	if err != nil {
		return nil, err
	}
	block := findBlock(data, "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
	if block == nil {
		return nil, fmt.Errorf("%s: %w: no unencrypted private key in PEM", path, ErrKeyFile)
	}
	var key any
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: malformed private key", path, ErrKeyFile)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s: %w: the key cannot sign", path, ErrKeyFile)
	}
	return signer, nil
}

// ReadSecret reads a small file that must be closed to everyone but its owner.
func ReadSecret(path string) ([]byte, error) {
	data, mode, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	if mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s: %w: others can read it; run chmod 600", path, ErrKeyFile)
	}
	return data, nil
}

// findBlock returns the first PEM block of one of the types.
func findBlock(data []byte, types ...string) *pem.Block {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil
		}
		for _, t := range types {
			if block.Type == t && len(block.Headers) == 0 {
				return block
			}
		}
	}
}

// readSmall reads a file and returns the mode it had when it was open, so that
// what was checked is what was read.
func readSmall(path string) ([]byte, os.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, 0, err
	}
	if len(data) > maxKeyFile {
		return nil, 0, fmt.Errorf("%s: %w: too large", path, ErrKeyFile)
	}
	return data, info.Mode(), nil
}
