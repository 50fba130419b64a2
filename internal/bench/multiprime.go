package bench

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"math/big"
)

// multiPrimeKey signs with RSA-2048 several times faster than crypto/rsa, by
// four primes instead of two. The load generator uses it to have enough
// requests signed before a round begins; whoever verifies sees an ordinary key.
// It resists no side channel and is for throw-away keys only.
type multiPrimeKey struct {
	public    *rsa.PublicKey
	primes    []*big.Int
	exponents []*big.Int // d modulo each prime less one
	basis     []*big.Int // of the Chinese remainder: 1 modulo its prime, 0 modulo the others
}

const (
	multiPrimes  = 4
	multiBits    = 2048
	multiPrimeE  = 65537
	sha256Prefix = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20" // DigestInfo
)

func newMultiPrimeKey() (*multiPrimeKey, error) {
	for {
		k, err := drawMultiPrimeKey()
		if err != nil {
			return nil, err
		}
		if k != nil {
			return k, nil
		}
	}
}

// drawMultiPrimeKey returns nil if the primes do not do.
func drawMultiPrimeKey() (*multiPrimeKey, error) {
	one, e := big.NewInt(1), big.NewInt(multiPrimeE)
	k := &multiPrimeKey{}
	n, phi := big.NewInt(1), big.NewInt(1)
	for range multiPrimes {
		p, err := rand.Prime(rand.Reader, multiBits/multiPrimes)
		if err != nil {
			return nil, err
		}
		k.primes = append(k.primes, p)
		n.Mul(n, p)
		phi.Mul(phi, new(big.Int).Sub(p, one))
	}
	d := new(big.Int).ModInverse(e, phi)
	if d == nil || n.BitLen() != multiBits {
		return nil, nil
	}
	for _, p := range k.primes {
		k.exponents = append(k.exponents, new(big.Int).Mod(d, new(big.Int).Sub(p, one)))
		others := new(big.Int).Div(n, p)
		inverse := new(big.Int).ModInverse(others, p)
		if inverse == nil {
			return nil, nil
		}
		k.basis = append(k.basis, others.Mul(others, inverse))
	}
	k.public = &rsa.PublicKey{N: n, E: multiPrimeE}
	return k, nil
}

// Public implements crypto.Signer.
func (k *multiPrimeKey) Public() crypto.PublicKey { return k.public }

// Sign implements crypto.Signer: RSASSA-PKCS1-v1_5 with SHA-256.
func (k *multiPrimeKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != crypto.SHA256 || len(digest) != crypto.SHA256.Size() {
		return nil, fmt.Errorf("no signature with %v", opts.HashFunc())
	}
	block := make([]byte, multiBits/8)
	tail := append([]byte(sha256Prefix), digest...)
	for i := range block {
		block[i] = 0xff
	}
	block[0], block[1], block[len(block)-len(tail)-1] = 0, 1, 0
	copy(block[len(block)-len(tail):], tail)
	m, sum, part := new(big.Int).SetBytes(block), new(big.Int), new(big.Int)
	for i, p := range k.primes {
		part.Mod(m, p)
		part.Exp(part, k.exponents[i], p)
		sum.Add(sum, part.Mul(part, k.basis[i]))
	}
	return sum.Mod(sum, k.public.N).FillBytes(block), nil
}
