package archive_test

import (
	"testing"

	"tolem/archive"
)

// BenchmarkPack packs a request with its answer.
func BenchmarkPack(b *testing.B) {
	w := newWorld(b, nil)
	_, records := w.life(b)
	pack := archive.NewPacker(b)
	raw, packed := 0, 0
	for i := 0; i < len(records); i += 2 {
		raw += len(records[i].Raw) + len(records[i+1].Raw)
		packed += pack(records[i : i+2]...)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i += 2 {
		at := i % len(records)
		pack(records[at : at+2]...)
	}
	b.ReportMetric(float64(raw)/float64(len(records)), "raw-B/message")
	b.ReportMetric(float64(packed)/float64(len(records)), "packed-B/message")
}
