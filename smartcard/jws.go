package smartcard

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"tolem"
)

// A compact JWS (RFC 7515) with ES256 (RFC 7518, 3.4) and nothing else: no
// negotiation, no key from the header, no critical extension, no other
// serialization. That is little enough to be our own; go-jose is the second
// opinion in the tests.

// encoding refuses bits behind the end, so that a document has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// PublicKey is a P-256 key with its name.
type PublicKey struct {
	ID  tolem.KeyID
	key *ecdsa.PublicKey
}

// ErrKey reports a key that is not on P-256.
var ErrKey = errors.New("the key must be an EC key on P-256")

// NewPublicKey names a key.
func NewPublicKey(key crypto.PublicKey) (PublicKey, error) {
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok || ec.Curve != elliptic.P256() {
		return PublicKey{}, ErrKey
	}
	raw, err := ec.Bytes()
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return publicKey(ec, raw), nil
}

// ParsePublicKey reads what Bytes wrote.
func ParsePublicKey(raw []byte) (PublicKey, error) {
	ec, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return publicKey(ec, raw), nil
}

// publicKey computes the thumbprint of RFC 7638.
func publicKey(ec *ecdsa.PublicKey, raw []byte) PublicKey {
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + encoding.EncodeToString(raw[1:33]) + `","y":"` + encoding.EncodeToString(raw[33:]) + `"}`))
	return PublicKey{ID: tolem.KeyID(encoding.EncodeToString(sum[:])), key: ec}
}

// Bytes returns the point, uncompressed, in 65 bytes.
func (k PublicKey) Bytes() []byte {
	raw, _ := k.key.Bytes() // it was a point when it was named
	return raw
}

// jwk is a public key on the wire.
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// MarshalJSON writes the key as a JWK (RFC 7517).
func (k PublicKey) MarshalJSON() ([]byte, error) {
	raw := k.Bytes()
	return json.Marshal(jwk{Kty: "EC", Crv: "P-256", X: encoding.EncodeToString(raw[1:33]), Y: encoding.EncodeToString(raw[33:])})
}

// UnmarshalJSON reads a JWK.
func (k *PublicKey) UnmarshalJSON(text []byte) error {
	var j jwk
	if err := decode(text, &j); err != nil {
		return err
	}
	x, errX := encoding.DecodeString(j.X)
	y, errY := encoding.DecodeString(j.Y)
	if j.Kty != "EC" || j.Crv != "P-256" || errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return malformed("a key must be EC on P-256")
	}
	parsed, err := ParsePublicKey(append(append([]byte{4}, x...), y...))
	if err != nil {
		return malformed("a key is no point of P-256")
	}
	*k = parsed
	return nil
}

// Signer signs documents; its key may live in a hardware module.
type Signer struct {
	Public  PublicKey
	private crypto.Signer
}

// NewSigner returns the signer of a P-256 key.
func NewSigner(private crypto.Signer) (*Signer, error) {
	public, err := NewPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	return &Signer{Public: public, private: private}, nil
}

// header is what the first part of a document says, all of it.
type header struct {
	Alg  string `json:"alg"`
	Kid  string `json:"kid"`
	Type string `json:"typ"`
}

const algorithm = "ES256"

// sign makes a document.
func (s *Signer) sign(kind string, payload any) (string, error) {
	head, err := json.Marshal(header{Alg: algorithm, Kid: string(s.Public.ID), Type: kind})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	signed := encoding.EncodeToString(head) + "." + encoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	der, err := s.private.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &rs); err != nil || len(rest) > 0 {
		return "", fmt.Errorf("sign: the signer did not make an ECDSA signature")
	}
	var fixed [signatureSize]byte
	rs.R.FillBytes(fixed[:signatureSize/2])
	rs.S.FillBytes(fixed[signatureSize/2:])
	document := signed + "." + encoding.EncodeToString(fixed[:])
	if len(document) > MaxDocument {
		return "", malformed("it would have %d bytes, at most %d are read", len(document), MaxDocument)
	}
	return document, nil
}

const signatureSize = 64

// Keys are the keys that count, by their name.
type Keys map[tolem.KeyID]PublicKey

// KeysOf makes Keys.
func KeysOf(list ...PublicKey) Keys {
	keys := make(Keys, len(list))
	for _, k := range list {
		keys[k.ID] = k
	}
	return keys
}

// parts is a document taken apart, not yet verified.
type parts struct {
	header  header
	payload []byte
	signed  string // what the signature is over
	r, s    *big.Int
}

// split takes a document apart without believing it.
func split(kind, document string) (p parts, err error) {
	if len(document) > MaxDocument {
		return p, malformed("more than %d bytes", MaxDocument)
	}
	pieces := strings.Split(document, ".")
	if len(pieces) != 3 {
		return p, malformed("not three parts")
	}
	var raw [3][]byte
	for i, piece := range pieces {
		// The decoder would skip line ends.
		if raw[i], err = encoding.DecodeString(piece); err != nil || strings.ContainsAny(piece, "\r\n") {
			return p, malformed("part %d is not base64url", i+1)
		}
	}
	if err := decode(raw[0], &p.header); err != nil {
		return p, err
	}
	switch {
	case p.header.Alg != algorithm:
		return p, malformed("algorithm must be %s", algorithm)
	case p.header.Type != kind:
		return p, malformed("type must be %s", kind)
	case len(raw[2]) != signatureSize:
		return p, malformed("a signature has %d bytes", signatureSize)
	}
	p.payload, p.signed = raw[1], pieces[0]+"."+pieces[1]
	p.r, p.s = new(big.Int).SetBytes(raw[2][:signatureSize/2]), new(big.Int).SetBytes(raw[2][signatureSize/2:])
	return p, nil
}

// open verifies a document and reads its payload. It returns the key that
// signed it.
func open(keys Keys, kind, document string, payload any) (PublicKey, error) {
	p, err := split(kind, document)
	if err != nil {
		return PublicKey{}, err
	}
	key, ok := keys[tolem.KeyID(p.header.Kid)]
	if !ok {
		return PublicKey{}, fmt.Errorf("key %.50q: %w", p.header.Kid, ErrSignature)
	}
	sum := sha256.Sum256([]byte(p.signed))
	if !ecdsa.Verify(key.key, sum[:], p.r, p.s) {
		return PublicKey{}, ErrSignature
	}
	return key, decode(p.payload, payload)
}

// SignedBy returns which key a document says it is signed with, so that the key
// can be looked up. Nothing about it is verified.
func SignedBy(document string) (tolem.KeyID, error) {
	head, _, _ := strings.Cut(document, ".")
	raw, err := encoding.DecodeString(head)
	if err != nil || len(raw) > 1<<10 {
		return "", malformed("part 1 is not base64url")
	}
	var h header
	if err := decode(raw, &h); err != nil {
		return "", err
	}
	return tolem.KeyID(h.Kid), identifier("kid", h.Kid, true)
}
