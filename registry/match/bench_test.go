package match_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"tolem"
	"tolem/registry/match"
)

// rowsPerSecond tells what a benchmark comes to.
func rowsPerSecond(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func seededWorld(rows, faults int) *world {
	w := newWorld(rand.New(rand.NewPCG(1, 2)), rows)
	var kinds []func(*world)
	for _, defect := range defects {
		kinds = append(kinds, defect)
	}
	for i := range faults {
		kinds[i%len(kinds)](w)
	}
	w.shuffle()
	return w
}

func BenchmarkMatch(b *testing.B) {
	for _, size := range []struct{ rows, faults int }{{100_000, 1_000}, {100_000, 30_000}, {400_000, 1_000}} {
		b.Run(fmt.Sprintf("%dx%d-%d-defects", size.rows, size.rows, size.faults), func(b *testing.B) {
			w := seededWorld(size.rows, size.faults)
			book, list := w.sides()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := match.Match(book, list, w); err != nil {
					b.Fatal(err)
				}
			}
			rowsPerSecond(b, size.rows)
		})
	}
}

// A list without a single code is matched by references.
func BenchmarkMatchByReference(b *testing.B) {
	const rows = 100_000
	w := newWorld(rand.New(rand.NewPCG(1, 2)), rows)
	w.shuffle()
	book, list := w.sides()
	for i := range list.Entries {
		list.Entries[i].Code = 0
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := match.Match(book, list, w); err != nil {
			b.Fatal(err)
		}
	}
	rowsPerSecond(b, rows)
}

// listText writes a list as a bank would.
func listText(w *world) []byte {
	var text bytes.Buffer
	text.WriteString("code;bankRef;amount;currency;paidAt;service;provider;kind\r\n")
	for _, e := range w.list {
		fmt.Fprintf(&text, "%s;%s;%s;%s;%s;%s;%s;%s\r\n", e.Code, e.BankRef, e.Amount.Decimal(), e.Amount.Currency,
			e.PaidAt.Format(time.RFC3339), e.Service, e.Provider, e.Kind)
	}
	return text.Bytes()
}

func BenchmarkParseCSV(b *testing.B) {
	const rows = 100_000
	text := listText(newWorld(rand.New(rand.NewPCG(1, 2)), rows))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := match.ParseCSV(bytes.NewReader(text), match.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	rowsPerSecond(b, rows)
}

// The limit of the requirements: 100,000 rows against 100,000, text and all, in
// under ten seconds on two cores.
func TestOneHundredThousandRowsInTime(t *testing.T) {
	const rows, limit = 100_000, 10 * time.Second
	w := seededWorld(rows, 1_000)
	text := listText(w)
	book, _ := w.sides()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	list, err := match.ParseCSV(io.Reader(bytes.NewReader(text)), match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := match.Match(book, list, w)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	t.Logf("%d × %d rows, %d anomalies: %v, %d MB allocated", len(w.rows), len(w.list), len(r.Anomalies),
		took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20)
	if took > limit {
		t.Errorf("took %v, allowed are %v", took, limit)
	}
}

// Nothing a submitter can write makes the comparison slow: one code, one
// reference, refused again and again.
func TestHostileListsInTime(t *testing.T) {
	const rows, limit = 100_000, 10 * time.Second
	w := newWorld(rand.New(rand.NewPCG(1, 2)), 0)
	start := time.Now()
	for name, change := range map[string]func(i int, r *tolem.RegisterRow, e *match.Entry){
		"one code":                func(_ int, r *tolem.RegisterRow, e *match.Entry) { r.Code, e.Code = anyCode, anyCode },
		"one code, no references": func(_ int, r *tolem.RegisterRow, e *match.Entry) { r.Code, e.Code, e.BankRef = anyCode, anyCode, "" },
		"one reference":           func(_ int, r *tolem.RegisterRow, e *match.Entry) { e.Code, e.BankRef = 0, "R" },
		"one reference here too": func(_ int, r *tolem.RegisterRow, e *match.Entry) {
			r.BankRef, e.Code, e.BankRef = "R", 0, "R"
		},
		"refused": func(_ int, r *tolem.RegisterRow, e *match.Entry) {
			r.Kind, r.Discrepancy, r.Code, e.Code, r.BankRef, e.BankRef = tolem.RowDiscrepancy, "MISMATCH", anyCode, anyCode, "R", "R"
		},
		"refused, other codes": func(i int, r *tolem.RegisterRow, e *match.Entry) {
			r.Kind, r.Discrepancy, r.BankRef, e.Code, e.BankRef = tolem.RowDiscrepancy, "MISMATCH", "R", r.Code+97*2, "R"
		},
		"another bank's": func(_ int, r *tolem.RegisterRow, e *match.Entry) {
			r.Kind, r.Discrepancy, r.BankRef, e.Code, e.BankRef, e.Bank = tolem.RowDiscrepancy, "MISMATCH", "R", 0, "R", "KASPI"
		},
	} {
		rowsThere, list := make([]tolem.RegisterRow, rows), match.List{Entries: make([]match.Entry, rows)}
		for i := range rows {
			r := w.row(tolem.RowPayment, "")
			e := entryOf(r)
			change(i, r, e)
			rowsThere[i], list.Entries[i] = *r, *e
			list.Entries[i].Kind = tolem.RowPayment
		}
		book := w.book
		book.Rows = match.Rows(rowsThere)
		before := time.Now()
		if _, err := match.Match(book, list, w); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %v", name, time.Since(before).Round(time.Millisecond))
	}
	if took := time.Since(start); took > limit {
		t.Errorf("took %v, allowed are %v", took, limit)
	}
}
