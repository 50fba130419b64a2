package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"
	"time"

	"tolem/internal/bench/naive"
)

// The benchmarks measure two ways of doing a thing in turns, in one run, so
// that the ratio holds on a busy machine too. "of-raw" is the rate of whole
// messages over the rate of the bare RSA or ECDSA operation; "of-naive" is the
// rate of whole messages over that of the straightforward way.

// benchSize is the size of the request, in bytes.
const benchSize = 5200

// turns is how many operations are measured before it is the other's turn.
const turns = 20

// compare runs ours b.N times and theirs as often, in turns, and reports how
// many times faster ours is.
func compare(b *testing.B, metric string, ours, theirs func()) {
	b.Helper()
	var fast, slow time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += turns {
		n := min(turns, b.N-done)
		start := time.Now()
		for range n {
			ours()
		}
		fast += time.Since(start)
		b.StopTimer()
		start = time.Now()
		for range n {
			theirs()
		}
		slow += time.Since(start)
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(float64(slow)/float64(fast), metric)
}

// request returns a signed request of about benchSize bytes.
func request(tb testing.TB, id *identity) []byte {
	tb.Helper()
	raw, err := testSigner(tb, id).Sign(SOAP11, paddedPayload(benchSize), testTime)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func verifying(tb testing.TB, id *identity, t Truster) func() {
	tb.Helper()
	v, raw := NewVerifier(t, nil), request(tb, id)
	return func() {
		if _, err := v.Verify(raw, testTime); err != nil {
			tb.Fatal(err)
		}
	}
}

// rawVerifying returns the bare operation with the same key.
func rawVerifying(tb testing.TB, id *identity) func() {
	tb.Helper()
	digest := sha256.Sum256([]byte(paymentPayload))
	sig, err := id.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	return func() {
		ok := false
		switch key := id.cert.PublicKey.(type) {
		case *rsa.PublicKey:
			ok = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig) == nil
		case *ecdsa.PublicKey:
			ok = ecdsa.VerifyASN1(key, digest[:], sig)
		}
		if !ok {
			tb.Fatal("raw signature does not verify")
		}
	}
}

func naiveVerifying(tb testing.TB, id *identity, chains naive.Chains) func() {
	tb.Helper()
	raw := request(tb, id)
	return func() {
		if _, _, err := naive.Verify(raw, chains, testTime); err != nil {
			tb.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, kind := range []string{"rsa", "p256"} {
		store, id, chains := realTrust(b, kind)
		b.Run(kind+"/raw", func(b *testing.B) { compare(b, "of-raw", verifying(b, id, store), rawVerifying(b, id)) })
		b.Run(kind+"/naive", func(b *testing.B) { compare(b, "of-naive", verifying(b, id, store), naiveVerifying(b, id, chains)) })
	}
}

func BenchmarkSign(b *testing.B) {
	payload := []byte(paymentPayload)
	digest := sha256.Sum256(payload)
	for _, kind := range []string{"p256", "rsa"} {
		id := testIdentity(b, kind)
		s := testSigner(b, id)
		ours := func() {
			if _, err := s.Sign(SOAP11, payload, testTime); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(kind+"/raw", func(b *testing.B) {
			compare(b, "of-raw", ours, func() {
				if _, err := id.key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			})
		})
		b.Run(kind+"/naive", func(b *testing.B) {
			compare(b, "of-naive", ours, func() {
				if _, err := naive.Sign(payload, id.key, id.cert, testTime); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkScan is the part of a verification that is not cryptography.
func BenchmarkScan(b *testing.B) {
	_, id, _ := realTrust(b, "rsa")
	raw := request(b, id)
	d := newDocument()
	var canon []byte
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Parse(raw); err != nil {
			b.Fatal(err)
		}
		canon = d.AppendExclusive(canon[:0], d.Root(), nil)
	}
}

// maxAllocations bounds a verification, those inside the RSA or ECDSA
// operation included.
const maxAllocations = 16

func TestVerificationAllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("NOT TESTED with the race detector, which allocates too")
	}
	for _, kind := range []string{"rsa", "p256"} {
		store, id, _ := realTrust(t, kind)
		verify, bare := verifying(t, id, store), rawVerifying(t, id)
		got := testing.AllocsPerRun(200, verify)
		t.Logf("%s: %.0f allocations, %.0f of them in the bare operation", kind, got, testing.AllocsPerRun(200, bare))
		if got > maxAllocations {
			t.Errorf("%s: %.0f allocations, want at most %d", kind, got, maxAllocations)
		}
	}
}
