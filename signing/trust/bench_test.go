package trust

import (
	"math/big"
	"testing"
	"time"

	"tolem/internal/pki"
)

// Check on the path of every message: the certificate was seen before.
func BenchmarkCheck(b *testing.B) {
	w := newWorld(b)
	s := w.open(w.config(), nil)
	cert := w.issue(pki.Spec{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Check(cert, begin); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// Check of a certificate that was not seen since the lists changed.
func BenchmarkCheckFirst(b *testing.B) {
	w := newWorld(b)
	s := w.open(w.config(), nil)
	cert := w.issue(pki.Spec{})
	b.ReportAllocs()
	for b.Loop() {
		s.current.Store(s.current.Load().under(s.current.Load().authorities))
		if _, err := s.Check(cert, begin); err != nil {
			b.Fatal(err)
		}
	}
}

// What a list costs to walk and sort, and then to ask.
func BenchmarkSerials(b *testing.B) {
	entries, serial := manyEntries(100_000, begin)
	b.Run("load-100k", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := newSerials(entries); err != nil {
				b.Fatal(err)
			}
		}
	})
	s, err := newSerials(entries)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		wanted := [...]*big.Int{serial(7), serial(50_000), big.NewInt(5)}
		for i := 0; b.Loop(); i++ {
			s.find(wanted[i%len(wanted)])
		}
	})
}

// BenchmarkParseList is the outside alone: what an unsigned flood costs.
func BenchmarkParseList(b *testing.B) {
	w := newWorld(b)
	raw := w.publish(w.pki.Root, time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseList(raw); err != nil {
			b.Fatal(err)
		}
	}
}
