package form_test

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"tolem/registry/form"
)

// Memory must not grow with the rows: compare heap-MB of 100,000 and of
// 1,000,000 (go test -run - -bench . -benchtime 1x ./registry/form). A PDF is
// measured at its limit.
func BenchmarkForms(b *testing.B) {
	for _, n := range []int64{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("CSV/%d", n), func(b *testing.B) { measure(b, n, form.WriteCSV) })
		b.Run(fmt.Sprintf("XLSX/%d", n), func(b *testing.B) { measure(b, n, form.WriteXLSX) })
	}
	b.Run("PDF", func(b *testing.B) { measure(b, form.MaxPDFRows, form.WritePDF) })
	b.Run("PDFParts", func(b *testing.B) {
		measure(b, 3*form.MaxPDFRows, func(w io.Writer, s form.Sheet) error { return form.WritePDFZip(w, s, "register") })
	})
}

// measure writes and reports the size of the file and the most heap in use.
func measure(b *testing.B, n int64, write func(io.Writer, form.Sheet) error) {
	s := sample(form.Russian, n)
	var size counter
	debug.FreeOSMemory()
	most, stop := watchHeap()
	for b.Loop() {
		size = 0
		if err := write(&size, s); err != nil {
			b.Fatal(err)
		}
	}
	stop()
	b.ReportMetric(float64(most.Load())/(1<<20), "heap-MB")
	b.ReportMetric(float64(size)/(1<<20), "file-MB")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/float64(n)*1e6, "µs/row")
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// watchHeap looks at the heap every few milliseconds until it is stopped.
func watchHeap() (most *atomic.Uint64, stop func()) {
	most = new(atomic.Uint64)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var m runtime.MemStats
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapInuse))
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	}()
	return most, func() { close(done); <-ended }
}
