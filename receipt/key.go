package receipt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
)

// KeyID names a key: the first bytes of the SHA-256 of its certificate's
// SubjectPublicKeyInfo. It finds a certificate and proves nothing.
type KeyID [keySize]byte

const (
	keySize       = 8
	scalarSize    = 32 // of P-256
	signatureSize = 2 * scalarSize
)

// String returns the name as people compare it.
func (k KeyID) String() string { return hex.EncodeToString(k[:]) }

// KeyOf returns the name of a certificate's key.
func KeyOf(cert *x509.Certificate) KeyID {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return KeyID(sum[:keySize])
}

func keyOf(cert *x509.Certificate) (KeyID, error) {
	if key, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		return KeyID{}, fmt.Errorf("receipts are signed with a key of curve P-256, not with that of %s", cert.Subject)
	}
	return KeyOf(cert), nil
}

// alphabet has no character that means anything in an address, and one spelling
// for each value.
var alphabet = base64.RawURLEncoding.Strict()

// decode reads the letters behind the mark. The decoder itself would skip line
// ends.
func decode(text string) ([]byte, error) {
	for i := range len(text) {
		if text[i] <= ' ' {
			return nil, fmt.Errorf("%w: a space or line end within it", ErrText)
		}
	}
	raw, err := alphabet.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: characters that do not belong there, or some are missing", ErrText)
	}
	if len(raw) <= keySize+signatureSize {
		return nil, fmt.Errorf("%w: too short", ErrText)
	}
	return raw, nil
}

// verify finds the certificate whose key has signed.
func verify(key KeyID, signed, value []byte, certs []*x509.Certificate) (*x509.Certificate, error) {
	r, s := new(big.Int).SetBytes(value[:scalarSize]), new(big.Int).SetBytes(value[scalarSize:])
	if !isLow(s) {
		return nil, fmt.Errorf("%w: it is not in its one form", ErrSignature)
	}
	digest := sha256.Sum256(append(append([]byte(context), 0), signed...))
	err := fmt.Errorf("%w: %s", ErrKey, key)
	for _, cert := range certs {
		if id, wrong := keyOf(cert); wrong != nil || id != key {
			continue
		}
		if ecdsa.Verify(cert.PublicKey.(*ecdsa.PublicKey), digest[:], r, s) {
			return cert, nil
		}
		err = ErrSignature
	}
	return nil, err
}

// Of the two values of s that fit a signature only the lower one is written and
// read: a receipt has no second spelling that somebody else could make.
var half = new(big.Int).Rsh(elliptic.P256().Params().N, 1)

func isLow(s *big.Int) bool { return s.Cmp(half) <= 0 }

// lowForm returns the signature r‖s with the lower s.
func lowForm(value []byte) ([]byte, error) {
	if len(value) != signatureSize {
		return nil, fmt.Errorf("the signature has %d bytes, want %d", len(value), signatureSize)
	}
	if s := new(big.Int).SetBytes(value[scalarSize:]); !isLow(s) {
		s.Sub(elliptic.P256().Params().N, s).FillBytes(value[scalarSize:])
	}
	return value, nil
}
