package match_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
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

// Nothing a submitter can write makes the comparison slow: one code, one
// reference, refused again and again. It is measured against an honest list in
// the same run; something quadratic would take thousands of times as long.
func TestHostileLists(t *testing.T) {
	const rows, limit = 50_000, 100
	w := newWorld(rand.New(rand.NewPCG(1, 2)), 0)
	var honest time.Duration
	for _, c := range []struct {
		name   string
		change func(i int, r *tolem.RegisterRow, e *match.Entry)
	}{
		{"honest", func(int, *tolem.RegisterRow, *match.Entry) {}},
		{"one code", func(_ int, r *tolem.RegisterRow, e *match.Entry) { r.Code, e.Code = anyCode, anyCode }},
		{"one code, no references", func(_ int, r *tolem.RegisterRow, e *match.Entry) { r.Code, e.Code, e.BankRef = anyCode, anyCode, "" }},
		{"one reference", func(_ int, r *tolem.RegisterRow, e *match.Entry) { e.Code, e.BankRef = 0, "R" }},
		{"one reference here too", func(_ int, r *tolem.RegisterRow, e *match.Entry) {
			r.BankRef, e.Code, e.BankRef = "R", 0, "R"
		}},
		{"refused", func(_ int, r *tolem.RegisterRow, e *match.Entry) {
			r.Kind, r.Discrepancy, r.Code, e.Code, r.BankRef, e.BankRef = tolem.RowDiscrepancy, "MISMATCH", anyCode, anyCode, "R", "R"
		}},
		{"refused, other codes", func(i int, r *tolem.RegisterRow, e *match.Entry) {
			r.Kind, r.Discrepancy, r.BankRef, e.Code, e.BankRef = tolem.RowDiscrepancy, "MISMATCH", "R", r.Code+97*2, "R"
		}},
		{"another bank's", func(_ int, r *tolem.RegisterRow, e *match.Entry) {
			r.Kind, r.Discrepancy, r.BankRef, e.Code, e.BankRef, e.Bank = tolem.RowDiscrepancy, "MISMATCH", "R", 0, "R", "KASPI"
		}},
	} {
		rowsThere, list := make([]tolem.RegisterRow, rows), match.List{Entries: make([]match.Entry, rows)}
		for i := range rows {
			r := w.row(tolem.RowPayment, "")
			e := entryOf(r)
			c.change(i, r, e)
			rowsThere[i], list.Entries[i] = *r, *e
			list.Entries[i].Kind = tolem.RowPayment
		}
		book := w.book
		book.Rows = match.Rows(rowsThere)
		before := time.Now()
		if _, err := match.Match(book, list, w); err != nil {
			t.Fatal(err)
		}
		took := time.Since(before)
		if honest == 0 {
			honest = took
		}
		if t.Logf("%s: %v", c.name, took.Round(time.Millisecond)); took > limit*honest {
			t.Errorf("%s: took %v, an honest list %v", c.name, took, honest)
		}
	}
}
