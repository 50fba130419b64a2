package bench

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"
	"time"

	"tolem/internal/pki"
)

func TestMedianAndRatio(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v: %v, want %v", c.values, got, c.want)
		}
	}
	// A round in which the machine was ten times slower changes nothing.
	if got := ratio([]float64{600, 60, 700}, []float64{100, 10, 100}); got != 6 {
		t.Errorf("ratio %v, want 6", got)
	}
}

func TestSupplyHandsOutEachThingOnce(t *testing.T) {
	s := supply[int]{things: []int{1, 2, 3}}
	s.take()
	s.refill([]int{4})
	var got []int
	for {
		x, ok := s.take()
		if !ok {
			break
		}
		got = append(got, x)
	}
	if len(got) != 3 || got[0] != 2 || got[2] != 4 || s.left() != 0 {
		t.Errorf("got %v, %d left", got, s.left())
	}
}

// Whoever verifies cannot tell the key of the load generator from another.
func TestMultiPrimeKeySignsLikeAnyRSA(t *testing.T) {
	key, err := newMultiPrimeKey()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		digest := sha256.Sum256(noise(32))
		value, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if err := rsa.VerifyPKCS1v15(key.public, crypto.SHA256, digest[:], value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := key.Sign(rand.Reader, make([]byte, 64), crypto.SHA512); err == nil {
		t.Error("signed with another hash than SHA-256")
	}
}

// Both ways accept the message that is measured, and make the same answer: else
// the comparison would be of different work.
func TestBothWaysVerify(t *testing.T) {
	w, err := newWorkbench(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.bench(pki.P256)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(b.verify[:], b.sign[:]...) {
		if err := c.op(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if w.requestBytes < messageBytes*9/10 || w.requestBytes > messageBytes*11/10 {
		t.Errorf("request of %d bytes, want about %d", w.requestBytes, messageBytes)
	}
}

func TestDrawnNumbersFit(t *testing.T) {
	for i := range 50 {
		p := newPlot(i)
		if len(p.recipient) != 12 || p.order == newPlot(i+1).order {
			t.Errorf("plot %d: %+v", i, p)
		}
	}
}

func TestSummary(t *testing.T) {
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(100-i)*time.Millisecond)
	}
	l := summary(all, 2*time.Second)
	if l.rate != 50 || l.p50 != 51 || l.p95 != 96 || l.p99 != 100 {
		t.Errorf("%+v", l)
	}
}
