package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"
	"time"
)

func benchMessage(b testing.TB, kind string) (*Verifier, []byte, *identity) {
	id := testIdentity(b, kind)
	raw, err := testSigner(b, id).Sign(SOAP11, paddedPayload(5200), testTime)
	if err != nil {
		b.Fatal(err)
	}
	return NewVerifier(rosterOf(id), nil), raw, id
}

func BenchmarkVerify(b *testing.B) {
	for _, kind := range []string{"rsa", "p256"} {
		b.Run(kind, func(b *testing.B) {
			v, raw, id := benchMessage(b, kind)
			digest := sha256.Sum256(raw)
			sig, err := id.key.Sign(rand.Reader, digest[:], crypto.SHA256)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if _, err := v.Verify(raw, testTime); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			ours := b.Elapsed()
			start := time.Now()
			for range b.N {
				switch key := id.cert.PublicKey.(type) {
				case *rsa.PublicKey:
					err = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig)
				case *ecdsa.PublicKey:
					if !ecdsa.VerifyASN1(key, digest[:], sig) {
						b.Fatal("raw signature")
					}
				}
			}
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(time.Since(start))/float64(ours), "of-raw")
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for _, kind := range []string{"p256", "rsa"} {
		b.Run(kind, func(b *testing.B) {
			id := testIdentity(b, kind)
			s := testSigner(b, id)
			payload := []byte(paymentPayload)
			digest := sha256.Sum256(payload)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if _, err := s.Sign(SOAP11, payload, testTime); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			ours := b.Elapsed()
			start := time.Now()
			for range b.N {
				if _, err := id.key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(time.Since(start))/float64(ours), "of-raw")
		})
	}
}
