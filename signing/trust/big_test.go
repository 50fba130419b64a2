package trust

import (
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tolem/internal/pki"
)

// Limits on what a list of a million entries may take.
const (
	bigEntries   = 1_000_000
	bigPeakBytes = 100 << 20 // of the whole process, list included
	bigKeptBytes = 26 << 20
)

// bigList writes a world whose intermediate's list has n entries, in DER and
// in PEM, and returns a serial number that is listed.
func bigList(t *testing.T, w *world, n int) (listed *big.Int) {
	t.Helper()
	entries, serial := manyEntries(n, begin)
	list := craft{this: begin, next: begin.Add(time.Hour), entries: entries, extensions: numberExtension(9)}.
		sign(t, w.pki.Intermediate.Cert, w.pki.Intermediate.Key)
	writeFile(t, filepath.Join(w.dir, "big.crl"), list)
	writeFile(t, filepath.Join(w.dir, "big.pem"), pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list}))
	return serial(n / 3)
}

const bigChild = "TOLEM_TEST_BIG_LIST"

// A list of a million entries must fit beside everything else, also while it
// is being loaded. A process of its own loads it, so that its peak is that of
// the loading alone.
func TestBigListFits(t *testing.T) {
	if os.Getenv(bigChild) != "" {
		loadBigList(t)
		return
	}
	if testing.Short() {
		t.Skip("SKIPPED: a list of a million entries takes a few seconds")
	}
	if raceEnabled {
		t.Skip("NOT TESTED with the race detector, which takes many times the memory and the time of what it watches")
	}
	w := newWorld(t)
	bigList(t, w, bigEntries)
	for _, name := range []string{"big.crl", "big.pem"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestBigListFits$", "-test.v")
		cmd.Env = append(os.Environ(), bigChild+"="+filepath.Join(w.dir, name))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if _, figures, ok := strings.Cut(line, "loaded: "); ok {
				t.Logf("%s: %s", name, strings.TrimSpace(figures))
			}
		}
	}
}

// loadBigList is what the process of its own does.
func loadBigList(t *testing.T) {
	path := os.Getenv(bigChild)
	dir := filepath.Dir(path)
	start := time.Now()
	s, err := Open(t.Context(), Config{
		Anchors: []string{filepath.Join(dir, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(dir, pki.IntermediatesDir)},
		CRLs: []string{path}, Now: func() time.Time { return begin }, Transport: noNetwork{},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for _, l := range s.Lists(begin) {
		if l.Source == path && l.Entries == bigEntries {
			peak := peakMemory(t)
			t.Logf("loaded: %d entries in %v, %.1f MiB kept, process peaked at %.1f MiB",
				l.Entries, took.Round(time.Millisecond), float64(m.HeapAlloc)/(1<<20), float64(peak)/(1<<20))
			if peak > bigPeakBytes {
				t.Errorf("process peaked at %d bytes, limit %d", peak, bigPeakBytes)
			}
			if m.HeapAlloc > bigKeptBytes {
				t.Errorf("%d bytes kept, limit %d", m.HeapAlloc, bigKeptBytes)
			}
			return
		}
	}
	t.Errorf("lists %+v\nsources %+v", s.Lists(begin), s.Sources())
}

// peakMemory is the most the process has had resident, as the kernel counts it.
func peakMemory(t *testing.T) (bytes int64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("SKIPPED: the peak of a process is known on Linux only")
	}
	for line := range strings.Lines(string(status)) {
		if kilobytes, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if _, err := fmt.Sscan(kilobytes, &bytes); err != nil {
				t.Fatal(err)
			}
		}
	}
	return bytes << 10
}

// Every entry is found, whatever the order and the lengths.
func TestSerials(t *testing.T) {
	when := time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, n := range []int{0, 1, 2, 3, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			entries, serial := manyEntries(n, when)
			for i := range n {
				entries = append(entries, listEntry(big.NewInt(int64(i*7)), when)...)
			}
			s, err := newSerials(entries)
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				at, reason, ok := s.find(serial(i))
				if !ok || reason != 1 || !at.Equal(when) {
					t.Fatalf("entry %d: %v %d %v", i, at, reason, ok)
				}
				if _, reason, ok := s.find(big.NewInt(int64(i * 7))); !ok || reason != 0 {
					t.Fatalf("short entry %d", i)
				}
				if _, _, ok := s.find(big.NewInt(int64(i*7 + 3))); ok {
					t.Fatalf("%d is not listed", i*7+3)
				}
			}
			for _, none := range []*big.Int{minus1, huge, new(big.Int).Lsh(huge, 100)} {
				if _, _, ok := s.find(none); ok {
					t.Errorf("%v is not listed", none)
				}
			}
		})
	}
}
