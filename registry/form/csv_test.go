package form_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/registry/form"
)

// mixed is a table with every kind of cell, amounts in two currencies, and text
// that means harm.
func mixed() form.Sheet {
	rows := [][]form.Cell{
		{form.Int(1), form.String("=1+1"), form.String("0012"), form.Amount(tolem.Money{Minor: 123456789, Currency: tolem.KZT}), form.At(time.Date(2026, 11, 21, 5, 0, 0, 120000000, almaty)), form.On(tolem.DayOf(2026, 11, 21))},
		{form.Int(-2), form.String("-5"), form.String("+7 701"), form.Amount(tolem.Money{Minor: -5, Currency: tolem.UZS}), form.At(time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC)), {}},
		{form.Int(3), form.String("@cmd|' /C calc'!A0"), form.String("'quoted"), {}, {}, {}},
		{{}, form.String("\tтабуляция, \"кавычки\"\r\nи строка"), {}, form.Amount(tolem.Money{Minor: 1, Currency: tolem.KZT}).Aside(), {}, {}},
		{{}, form.String("＝1+1"), form.String(" с пробелом "), {}, {}, {}},
	}
	return form.Sheet{
		Language: form.Russian, Title: "Сверка",
		Columns: []form.Column{
			{Name: "line", Label: "№", Kind: form.Integer}, {Name: "text", Label: "Текст"}, {Name: "code", Label: "Код", Kind: form.Code},
			{Name: "amount", Label: "Сумма", Kind: form.Money, Sum: true}, {Name: "at", Label: "Время", Kind: form.Time}, {Name: "day", Label: "День", Kind: form.Date},
		},
		Rows: func(yield func([]form.Cell, error) bool) {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		},
		RowCount: int64(len(rows)),
		Totals: []form.TotalRow{
			{Name: "KZT", Label: "Всего, KZT", Count: 1, Sums: []form.Sum{{Column: 3, Amount: tolem.Money{Minor: 123456789, Currency: tolem.KZT}}}, All: true},
			{Name: "UZS", Label: "Всего, UZS", Count: 1, Sums: []form.Sum{{Column: 3, Amount: tolem.Money{Minor: -5, Currency: tolem.UZS}}}, All: true},
		},
		Zone: almaty, Printed: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
	}
}

// GW-P25
func TestCSV(t *testing.T) {
	got := render(t, form.WriteCSV, mixed())
	tolemtest.Golden(t, "mixed.csv", got)
	if !bytes.HasPrefix(got, []byte("\ufeffrecord,")) {
		t.Error("no byte order mark")
	}
}

// readCSV reads a CSV form by RFC 4180.
func readCSV(t interface{ Fatal(...any) }, text []byte) [][]string {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// Nothing in a CSV is taken for a formula, and a reader that removes one
// apostrophe gets the text back. Only a CR before an LF is lost, as RFC 4180
// readers lose it.
func checkCSVText(t *rapid.T, s form.Sheet, text string) {
	var b bytes.Buffer
	if err := form.WriteCSV(&b, s); err != nil {
		t.Fatal(err)
	}
	got := readCSV(t, b.Bytes())[1][1]
	if got != "" && strings.ContainsRune("=+-@\t\r\n", rune(got[0])) {
		t.Fatalf("%q would be a formula", got)
	}
	want := strings.ReplaceAll(strings.ToValidUTF8(text, string(utf8.RuneError)), "\r\n", "\n")
	if back := strings.TrimPrefix(got, "'"); back != want {
		t.Fatalf("%q reads back as %q", want, back)
	}
}

// Totals stand below the rows, by their names, and the rows add up to the last.
func TestTotalsInCSV(t *testing.T) {
	s := sample(form.Kazakh, 50)
	lines := readCSV(t, render(t, form.WriteCSV, s))
	header := lines[0]
	kind, amount, name, count := slices.Index(header, "kind"), slices.Index(header, "amount"), slices.Index(header, "total"), slices.Index(header, "count")
	var net int64
	for i, l := range lines[1:51] {
		if l[0] != "ROW" || l[name] != "" || l[count] != "" {
			t.Errorf("row %d: %q", i+1, l)
		}
		if l[kind] != "DISCREPANCY" {
			net += decimal(t, strings.Replace(l[amount], ".", ",", 1))
		}
	}
	for i, l := range lines[51:] {
		want := s.Totals[i]
		if l[0] != "TOTAL" || l[name] != want.Name || l[count] != fmt.Sprint(want.Count) || l[amount]+" "+l[amount+1] != want.Sums[0].Amount.String() {
			t.Errorf("total %q, want %+v", l, want)
		}
	}
	if len(lines) != 54 || lines[53][amount] != (tolem.Money{Minor: net}).Decimal() {
		t.Errorf("%d lines, the rows add up to %d, the total is %s", len(lines), net, lines[53][amount])
	}
}
