package signing

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	mathrand "math/rand/v2"
	"testing"
)

// TestKeptRSAIsCryptoRSA compares with crypto/rsa on good signatures and on
// everything that is nearly one: both accept, or both refuse.
func TestKeptRSAIsCryptoRSA(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	for _, bits := range []int{2048, 3072} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		kept := keepRSA(&key.PublicKey)
		if kept == nil {
			t.Fatal("a usual key is not kept")
		}
		signatures := map[crypto.Hash][]byte{}
		digests := map[crypto.Hash][]byte{}
		for _, m := range digestMethods {
			digests[m.hash] = m.sum(nil, []byte("message"))
			if signatures[m.hash], err = rsa.SignPKCS1v15(rand.Reader, key, m.hash, digests[m.hash]); err != nil {
				t.Fatal(err)
			}
		}
		for i := range rounds {
			signed, asked := digestMethods[i%3].hash, digestMethods[i/3%3].hash
			digest, signature := digests[asked], vary(signatures[signed], key.N, i)
			want := rsa.VerifyPKCS1v15(&key.PublicKey, asked, digest, signature) == nil
			if got := kept.verify(asked, digest, signature); got != want {
				t.Fatalf("%d bits, variation %d: %v, crypto/rsa says %v", bits, i, got, want)
			}
		}
		if sum := sha256.Sum256(nil); kept.verify(crypto.SHA512, sum[:], signatures[crypto.SHA512]) {
			t.Error("a digest of the wrong length was accepted")
		}
	}
}

// vary returns the signature itself at first, then changed in many ways.
func vary(signature []byte, modulus *big.Int, i int) []byte {
	s := append([]byte(nil), signature...)
	switch i / 9 {
	case 0:
		return s
	case 1:
		return s[:len(s)-1]
	case 2:
		return append([]byte{0}, s...)
	case 3: // not reduced: the same number modulo n
		sum := new(big.Int).Add(new(big.Int).SetBytes(s), modulus)
		if b := sum.Bytes(); len(b) == len(s) {
			return b
		}
		return sum.Bytes()
	case 4:
		return make([]byte, len(s))
	case 5:
		return modulus.Bytes()
	case 6:
		return nil
	}
	s[mathrand.IntN(len(s))] ^= 1 << mathrand.IntN(8)
	return s
}

// TestKeptRSAParsesNoPadding signs encodings that lenient verifiers have taken
// for genuine: bytes after the digest, short padding, other parameters.
func TestKeptRSAParsesNoPadding(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	kept := keepRSA(&key.PublicKey)
	sum := sha256.Sum256([]byte("message"))
	raw := func(em []byte) []byte { // the private operation on any encoding
		c := new(big.Int).Exp(new(big.Int).SetBytes(em), key.D, key.N)
		return c.FillBytes(make([]byte, key.Size()))
	}
	good, _ := encodePKCS1(make([]byte, key.Size()), crypto.SHA256, sum[:])
	if !kept.verify(crypto.SHA256, sum[:], raw(good)) {
		t.Fatal("the encoding itself is refused")
	}
	info := digestInfos[crypto.SHA256]
	short := append([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, info...)
	short = append(append(short, sum[:]...), make([]byte, key.Size()-len(short)-len(sum))...)
	for name, em := range map[string][]byte{
		"garbage after the digest":  short,
		"no parameters":             withInfo(key.Size(), "\x30\x2f\x30\x0b"+info[4:15]+"\x04\x20", sum[:]),
		"block type 2":              append([]byte{0, 2}, good[2:]...),
		"one byte of padding wrong": append([]byte{0, 1, 0xfe}, good[3:]...),
	} {
		if kept.verify(crypto.SHA256, sum[:], raw(em)) {
			t.Errorf("%s: accepted", name)
		}
		if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], raw(em)) == nil {
			t.Errorf("%s: crypto/rsa accepts it too; the test is wrong", name)
		}
	}
}

func withInfo(size int, info string, digest []byte) []byte {
	em := []byte{0, 1}
	for len(em) < size-1-len(info)-len(digest) {
		em = append(em, 0xff)
	}
	return append(append(append(em, 0), info...), digest...)
}

func TestUnusualRSAKeysAreNotKept(t *testing.T) {
	n := new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 2047), 0, 1)
	for _, pub := range []*rsa.PublicKey{{N: n, E: 1}, {N: n, E: 2}, {N: n, E: 65536}, {N: new(big.Int).Lsh(n, 1), E: 65537}} {
		if keepRSA(pub) != nil {
			t.Errorf("a key with exponent %d and %d bits is kept", pub.E, pub.N.BitLen())
		}
	}
}

func BenchmarkKeptRSA(b *testing.B) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	sum := sha512.Sum512([]byte("message"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA512, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	kept := keepRSA(&key.PublicKey)
	b.Run("kept", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			kept.verify(crypto.SHA512, sum[:], signature)
		}
	})
	b.Run("crypto", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA512, sum[:], signature) != nil {
				b.Fatal("refused")
			}
		}
	})
}
