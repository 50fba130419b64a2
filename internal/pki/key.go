package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
)

// KeyKind says what kind of key to make.
type KeyKind int

// The kinds of keys. RSA keys take a second or so to make; P-256 none.
const (
	P256 KeyKind = iota
	P384
	RSA2048
	RSA3072
)

// String returns the usual name of the kind.
func (k KeyKind) String() string {
	switch k {
	case P256:
		return "EC P-256"
	case P384:
		return "EC P-384"
	case RSA2048:
		return "RSA-2048"
	case RSA3072:
		return "RSA-3072"
	}
	return fmt.Sprintf("KeyKind(%d)", int(k))
}

// NewKey makes a key of the kind.
func (k KeyKind) NewKey() (crypto.Signer, error) {
	switch k {
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	}
	return nil, fmt.Errorf("unknown kind of key %v", k)
}

// isRSA reports whether keys of the kind can also encipher.
func (k KeyKind) isRSA() bool { return k == RSA2048 || k == RSA3072 }
