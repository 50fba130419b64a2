package form_test

import (
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/registry/form"
)

// fact is a row as each form tells it.
type fact struct{ line, kind, code, channel, amount, received string }

// total is a total as each form tells it.
type total struct{ label, count, amount string }

// GW-P25, GW-P26: the same rows and the same totals stand in CSV, in XLSX as
// LibreOffice reads it, and in PDF as pdftotext reads it.
func TestSameRowsAndTotalsInEveryForm(t *testing.T) {
	s := sample(form.Russian, 200)
	facts, totals := fromCSV(t, s)
	if len(facts) != 200 || len(totals) != 3 {
		t.Fatalf("%d rows, %d totals in CSV", len(facts), len(totals))
	}
	t.Run("PDF", func(t *testing.T) {
		got, sums := fromPDF(t, s)
		equal(t, got, facts)
		equal(t, sums, totals)
	})
	t.Run("XLSX", func(t *testing.T) {
		got, sums := fromXLSX(t, s)
		equal(t, got, facts)
		equal(t, sums, totals)
	})
}

func equal[T comparable](t *testing.T, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d of %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%d is %+v, want %+v", i+1, got[i], want[i])
		}
	}
}

// fromCSV reads the CSV; its times are brought to what people read.
func fromCSV(t *testing.T, s form.Sheet) (facts []fact, totals []total) {
	t.Helper()
	lines := readCSV(t, render(t, form.WriteCSV, s))
	for _, l := range lines[1:] {
		if l[0] == "TOTAL" {
			label := s.Totals[len(totals)].Label
			totals = append(totals, total{label, l[len(l)-1], l[6]})
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, l[8])
		if err != nil {
			t.Fatal(err)
		}
		facts = append(facts, fact{l[1], l[2], l[3], l[5], l[6], at.In(almaty).Format("02.01.2006 15:04:05")})
	}
	return facts, totals
}

// plain turns a figure as people read it into the machine's.
func plain(t *testing.T, text string) string {
	t.Helper()
	return tolem.Money{Minor: decimal(t, strings.TrimSuffix(text, "*"))}.Decimal()
}

func fromPDF(t *testing.T, s form.Sheet) (facts []fact, totals []total) {
	t.Helper()
	text := strings.Join(pages(t, render(t, form.WritePDF, s)), "\n")
	for _, m := range rowPattern.FindAllStringSubmatch(text, -1) {
		facts = append(facts, fact{m[1], m[2], m[3], m[4], plain(t, m[5]), m[7]})
	}
	for _, want := range s.Totals {
		for l := range strings.Lines(text) {
			if rest, found := strings.CutPrefix(strings.TrimSpace(l), want.Label+" "); found {
				count, amount, _ := strings.Cut(strings.TrimSpace(rest), " ")
				totals = append(totals, total{want.Label, count, plain(t, strings.TrimSuffix(strings.TrimSpace(amount), " KZT"))})
			}
		}
	}
	return facts, totals
}

func fromXLSX(t *testing.T, s form.Sheet) (facts []fact, totals []total) {
	t.Helper()
	sheets := tolemtest.Sheets(t, render(t, form.WriteXLSX, s))
	for _, l := range sheets["Строки"][1:] {
		facts = append(facts, fact{l[0], l[1], l[2], l[4], shown(t, l[5]), stamp(t, l[6])})
	}
	for _, l := range sheets["Сводка"] {
		for _, want := range s.Totals {
			if l[0] == want.Label && l[3] == "KZT" {
				totals = append(totals, total{l[0], l[1], shown(t, l[2])})
			}
		}
	}
	return facts, totals
}

// shown reads an amount: a number without the zeros at its end, or the text of
// one that counts in no total.
func shown(t *testing.T, text string) string {
	t.Helper()
	if before, aside := strings.CutSuffix(text, "\u00a0*"); aside {
		return plain(t, before)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	return whole + "." + (fraction + "00")[:max(2, len(fraction))]
}

// stamp reads a time as LibreOffice writes it without a language: month first.
func stamp(t *testing.T, text string) string {
	t.Helper()
	at, err := time.Parse("01/02/2006 15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return at.Format("02.01.2006 15:04:05")
}
