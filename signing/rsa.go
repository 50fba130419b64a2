package signing

import (
	"crypto"
	"crypto/rsa"
	"crypto/subtle"

	"filippo.io/bigmod"
)

// rsaKeyKept is an RSA public key together with what Montgomery multiplication
// needs of its modulus. Package crypto/rsa computes that anew for every
// signature, which is a third of a verification; a participant signs many
// messages with one key. Verification handles nothing secret.
type rsaKeyKept struct {
	modulus  *bigmod.Modulus
	exponent uint
	size     int // of the modulus and of every signature, in bytes
}

// keepRSA prepares a key. It returns nil for a key that crypto/rsa would not
// verify with; such a key is left to crypto/rsa to refuse.
func keepRSA(pub *rsa.PublicKey) *rsaKeyKept {
	if pub.E < 3 || pub.E&1 == 0 || pub.E > 1<<31-1 || pub.N.Bit(0) == 0 {
		return nil
	}
	modulus, err := bigmod.NewModulus(pub.N.Bytes())
	if err != nil {
		return nil
	}
	return &rsaKeyKept{modulus: modulus, exponent: uint(pub.E), size: pub.Size()}
}

// verify checks an RSASSA-PKCS1-v1_5 signature (RFC 8017, section 8.2.2) by
// encoding what must have been signed and comparing the whole: nothing of what
// comes out of the signature is parsed.
func (k *rsaKeyKept) verify(hash crypto.Hash, digest, signature []byte) bool {
	if len(signature) != k.size {
		return false
	}
	s, err := bigmod.NewNat().SetBytes(signature, k.modulus) // refuses what is not below the modulus
	if err != nil {
		return false
	}
	var buf [MaxRSABits / 8]byte
	want, ok := encodePKCS1(buf[:k.size], hash, digest)
	got := bigmod.NewNat().ExpShortVarTime(s, k.exponent, k.modulus).Bytes(k.modulus)
	return ok && subtle.ConstantTimeCompare(got, want) == 1
}

// digestInfos are the DER encodings that stand before a digest (RFC 8017,
// section 9.2, note 1).
var digestInfos = map[crypto.Hash]string{
	crypto.SHA256: "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
	crypto.SHA384: "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
	crypto.SHA512: "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
}

// minPadding is how many bytes of ones an encoding has at least.
const minPadding = 8

// encodePKCS1 fills em with the encoding EMSA-PKCS1-v1_5 of a digest:
// 00 01 ff … ff 00 DigestInfo.
func encodePKCS1(em []byte, hash crypto.Hash, digest []byte) ([]byte, bool) {
	info, ok := digestInfos[hash]
	padding := len(em) - 3 - len(info) - len(digest)
	if !ok || len(digest) != hash.Size() || padding < minPadding {
		return nil, false
	}
	em[0], em[1] = 0, 1
	for i := 2; i < 2+padding; i++ {
		em[i] = 0xff
	}
	em[2+padding] = 0
	copy(em[3+padding:], info)
	copy(em[3+padding+len(info):], digest)
	return em, true
}
