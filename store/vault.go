package store

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
)

// Vault keeps confidential data: recipients, names, accounts, and the evidence
// in which they stand (GW-P37). National algorithms or a hardware module plug
// in here.
type Vault interface {
	// Seal encrypts plain. The context is authenticated, not stored: Open needs
	// the same. It binds what is sealed to its place.
	Seal(plain, context []byte) ([]byte, error)
	// Open reverses Seal. It fails if a bit of the sealed bytes or of the
	// context differs.
	Open(sealed, context []byte) ([]byte, error)
	// Index returns a keyed digest of at least 8 bytes by which an exact value
	// can be looked up without being stored. It does not change when keys are
	// rotated.
	Index(purpose string, value []byte) []byte
}

// ErrVault reports data that no key of the vault opens.
var ErrVault = errors.New("vault cannot open this")

// WrappedKey is a data key of the vault, wrapped to a certificate.
type WrappedKey struct {
	ID      byte // 1 to 255; stands in front of everything sealed under the key
	Wrapped []byte
}

// wrapLabel is the OAEP label of wrapped keys.
const wrapLabel = "tolem vault key"

// minWrapBits is the smallest RSA key a data key may be wrapped to.
const minWrapBits = 2048

// CreateVaultKey draws a data key and wraps it to the RSA key of a certificate
// by RSA-OAEP with SHA-256 (GW-050).
func CreateVaultKey(cert *x509.Certificate) (wrapped []byte, err error) {
	pub, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || pub.N.BitLen() < minWrapBits {
		return nil, fmt.Errorf("vault key: the certificate needs an RSA key of at least %d bits", minWrapBits)
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	wrapped, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, key[:], []byte(wrapLabel))
	if err != nil {
		return nil, fmt.Errorf("wrap vault key: %w", err)
	}
	return wrapped, nil
}

// aesVault is the default Vault: AES-256-GCM with random nonces. A key serves
// 2^32 rows; add one (a higher id) before that, and by the rules of the house.
type aesVault struct {
	keys    [256]cipher.AEAD
	current byte   // the highest id: seals
	index   []byte // derived from the first key, so that rotation keeps the index
}

// OpenVault unwraps the data keys with the private key that belongs to the
// certificate; it may live in a hardware module. New data is sealed under the
// key with the highest id, the index hangs on the one with the lowest, which
// must therefore stay.
func OpenVault(keys []WrappedKey, private crypto.Decrypter) (Vault, error) {
	v := &aesVault{}
	lowest := byte(255)
	for _, k := range keys {
		plain, err := private.Decrypt(rand.Reader, k.Wrapped, &rsa.OAEPOptions{Hash: crypto.SHA256, Label: []byte(wrapLabel)})
		if err != nil || len(plain) != 32 || k.ID == 0 || v.keys[k.ID] != nil {
			return nil, fmt.Errorf("vault key %d cannot be unwrapped: %w", k.ID, errors.Join(ErrVault, err))
		}
		if v.keys[k.ID], err = newGCM(plain); err != nil {
			return nil, err
		}
		v.current = max(v.current, k.ID)
		if lowest = min(lowest, k.ID); lowest == k.ID {
			if v.index, err = hkdf.Expand(sha256.New, plain, "tolem blind index", sha256.Size); err != nil {
				return nil, fmt.Errorf("derive index key: %w", err)
			}
		}
	}
	if v.current == 0 {
		return nil, fmt.Errorf("vault without keys: %w", ErrVault)
	}
	return v, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("vault key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("vault key: %w", err)
	}
	return aead, nil
}

const (
	vaultNonce    = 12
	vaultOverhead = 1 + vaultNonce + 16 // key id, nonce, tag
)

// Seal returns key id, nonce, ciphertext and tag.
func (v *aesVault) Seal(plain, context []byte) ([]byte, error) {
	b := make([]byte, 1+vaultNonce, len(plain)+vaultOverhead)
	b[0] = v.current
	_, _ = rand.Read(b[1:]) // never fails
	return v.keys[v.current].Seal(b, b[1:1+vaultNonce], plain, v.bound(b[0], context)), nil
}

// Open reverses Seal.
func (v *aesVault) Open(sealed, context []byte) ([]byte, error) {
	if len(sealed) < vaultOverhead || v.keys[sealed[0]] == nil {
		return nil, ErrVault
	}
	plain, err := v.keys[sealed[0]].Open(nil, sealed[1:1+vaultNonce], sealed[1+vaultNonce:], v.bound(sealed[0], context))
	if err != nil {
		return nil, ErrVault
	}
	return plain, nil
}

// bound makes the key id part of what is authenticated.
func (v *aesVault) bound(id byte, context []byte) []byte {
	return append(append(make([]byte, 0, 1+len(context)), id), context...)
}

// Index returns HMAC-SHA256 of the value under a key derived for indexes.
func (v *aesVault) Index(purpose string, value []byte) []byte {
	mac := hmac.New(sha256.New, v.index)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write(value)
	return mac.Sum(nil)
}

// noVault stands in where a store was opened without a vault.
type noVault struct{}

var errNoVault = errors.New("the store was opened without a vault")

func (noVault) Seal(_, _ []byte) ([]byte, error) { return nil, errNoVault }
func (noVault) Open(_, _ []byte) ([]byte, error) { return nil, errNoVault }
func (noVault) Index(string, []byte) []byte      { return make([]byte, sha256.Size) }
