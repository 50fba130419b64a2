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
	var key [vaultKeySize]byte
	_, _ = rand.Read(key[:]) // never fails
	wrapped, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, key[:], []byte(wrapLabel))
	if err != nil {
		return nil, fmt.Errorf("wrap vault key: %w", err)
	}
	return wrapped, nil
}

// aesVault is the default Vault: AES-256-GCM with random nonces. A key serves
// 2^32 rows; add one before that, and by the rules of the house.
type aesVault struct {
	keys  []cipher.AEAD // by id; the last one seals
	index []byte        // derived from the first key, so that rotation keeps the index
}

// OpenVault unwraps the data keys, oldest first, with the private key that
// belongs to the certificate; it may live in a hardware module. New data is
// sealed under the last key. All keys must stay in their order: the place of a
// key is its id in what is sealed under it, and the blind index hangs on the
// first.
func OpenVault(private crypto.Decrypter, wrapped ...[]byte) (Vault, error) {
	if len(wrapped) == 0 || len(wrapped) > maxVaultKeys {
		return nil, fmt.Errorf("%w: it needs 1 to %d keys", ErrVault, maxVaultKeys)
	}
	v := &aesVault{keys: make([]cipher.AEAD, 1, 1+len(wrapped))} // ids count from 1
	for i, w := range wrapped {
		plain, err := private.Decrypt(rand.Reader, w, &rsa.OAEPOptions{Hash: crypto.SHA256, Label: []byte(wrapLabel)})
		if err != nil || len(plain) != vaultKeySize {
			return nil, fmt.Errorf("%w: key %d cannot be unwrapped: %w", ErrVault, i+1, err)
		}
		aead, err := newGCM(plain)
		if err != nil {
			return nil, err
		}
		v.keys = append(v.keys, aead)
		if i == 0 {
			if v.index, err = hkdf.Expand(sha256.New, plain, "tolem blind index", sha256.Size); err != nil {
				return nil, fmt.Errorf("derive index key: %w", err)
			}
		}
	}
	return v, nil
}

// Limits of the vault.
const (
	maxVaultKeys = 255
	vaultKeySize = 32
)

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
	b[0] = byte(len(v.keys) - 1)
	_, _ = rand.Read(b[1:]) // never fails
	return v.keys[b[0]].Seal(b, b[1:1+vaultNonce], plain, v.bound(b[0], context)), nil
}

// Open reverses Seal.
func (v *aesVault) Open(sealed, context []byte) ([]byte, error) {
	if len(sealed) < vaultOverhead || sealed[0] == 0 || int(sealed[0]) >= len(v.keys) {
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
