package form_test

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"tolem"
	"tolem/registry/form"
)

// openXLSX reads a workbook.
func openXLSX(t interface{ Fatal(...any) }, text []byte) *excelize.File {
	book, err := excelize.OpenReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// cells reads a sheet as it is stored.
func cells(t interface{ Fatal(...any) }, book *excelize.File, sheet string) [][]string {
	lines, err := book.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// GW-P25
func TestXLSXCellsAreTyped(t *testing.T) {
	book := openXLSX(t, render(t, form.WriteXLSX, mixed()))
	defer book.Close()
	for cell, want := range map[string]struct {
		kind excelize.CellType
		raw  string
		read string
	}{
		"A2": {excelize.CellTypeUnset, "1", "1"},
		"B2": {excelize.CellTypeInlineString, "=1+1", "=1+1"},
		"C2": {excelize.CellTypeInlineString, "0012", "0012"},
		"D2": {excelize.CellTypeUnset, "1234567.89", "1,234,567.89"},
		"E2": {excelize.CellTypeInlineString, "KZT", "KZT"},
		"F2": {excelize.CellTypeUnset, "46347.208333333336", "21.11.2026 05:00:00"},
		"G2": {excelize.CellTypeUnset, "46347", "21.11.2026"},
		"A3": {excelize.CellTypeUnset, "-2", "-2"},
		"D3": {excelize.CellTypeUnset, "-0.05", "-0.05"},
		"F3": {excelize.CellTypeUnset, "45352.20832175926", "01.03.2024 04:59:59"},
		"D4": {excelize.CellTypeUnset, "", ""},
		"D5": {excelize.CellTypeInlineString, "0,01\u00a0*", "0,01\u00a0*"},
	} {
		kind, _ := book.GetCellType("Строки", cell)
		raw, _ := book.GetCellValue("Строки", cell, excelize.Options{RawCellValue: true})
		read, err := book.GetCellValue("Строки", cell)
		if err != nil || kind != want.kind || raw != want.raw || read != want.read {
			t.Errorf("%s is of type %d, %q, read as %q (%v), want %+v", cell, kind, raw, read, err, want)
		}
	}
}

// parts returns the files inside a workbook.
func parts(t *testing.T, text []byte) map[string]string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		found[f.Name] = string(content)
	}
	return found
}

// The table has a frozen header and a filter, and there is no formula anywhere.
func TestXLSXTable(t *testing.T) {
	files := parts(t, render(t, form.WriteXLSX, sample(form.Russian, 30)))
	for name, content := range files {
		if strings.Contains(content, "<f>") || strings.Contains(content, "<f ") {
			t.Errorf("%s has a formula", name)
		}
	}
	table := files["xl/worksheets/sheet2.xml"]
	for _, wanted := range []string{`state="frozen"`, `ySplit="1"`, `<autoFilter ref="$A$1:$H$31">`, `orientation="landscape"`, `fitToPage="true"`, `fitToHeight="0"`} {
		if !strings.Contains(table, wanted) {
			t.Errorf("the table lacks %s: %.700s … %s", wanted, table, table[len(table)-700:])
		}
	}
	if book := files["xl/workbook.xml"]; !strings.Contains(book, "_xlnm.Print_Titles") || !strings.Contains(book, "_xlnm._FilterDatabase") {
		t.Errorf("workbook: %s", book)
	}
}

// The header is as high as its longest label needs in a narrow column.
func TestXLSXHeaderShowsItsLabels(t *testing.T) {
	for label, height := range map[string]string{"№": "32", "Mədaxil qəbzi": "32", "Mədaxil qəbzinin nömrəsi": "48", "Номер приходной квитанции отделения": "64"} {
		s := sample(form.English, 1)
		i := slices.IndexFunc(s.Columns, func(c form.Column) bool { return c.Kind == form.Code })
		s.Columns[i].Label, s.Columns[i].Width = label, 15
		table := parts(t, render(t, form.WriteXLSX, s))["xl/worksheets/sheet2.xml"]
		if wanted := `<row r="1" ht="` + height + `" customHeight="1">`; !strings.Contains(table, wanted) {
			t.Errorf("%q: no %s", label, wanted)
		}
	}
}

// A table that is longer than a sheet goes on in the next, each with its header,
// and no row is lost.
func TestXLSXGoesOnInFurtherSheets(t *testing.T) {
	for n, sheets := range map[int64]int{0: 1, 10: 1, 11: 2, 25: 3} {
		var b bytes.Buffer
		if err := form.WriteXLSXOf(&b, sample(form.English, n), 10); err != nil {
			t.Fatal(err)
		}
		book := openXLSX(t, b.Bytes())
		names := book.GetSheetList()[1:]
		if len(names) != sheets {
			t.Errorf("%d rows on %q", n, names)
		}
		next := int64(1)
		for _, name := range names {
			lines := cells(t, book, name)
			if lines[0][2] != "Payment code" {
				t.Errorf("%s begins with %q", name, lines[0])
			}
			for _, got := range lines[1:] {
				if want := form.English.Integer(next); got[0] != want {
					t.Errorf("row %s, want %s", got[0], want)
				}
				next++
			}
		}
		if next != n+1 {
			t.Errorf("%d rows of %d", next-1, n)
		}
		book.Close()
	}
}

// Every amount stands in the file to the last unit: as a number while a
// spreadsheet keeps all its digits, as text beyond.
func TestXLSXAmountsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const edge = 1_000_000_000_000_000 // minor units of 15 digits
		amounts := rapid.SliceOfN(rapid.OneOf(
			rapid.Int64Range(-edge-2, edge+2), rapid.Int64Range(-tolem.MaxAmountMinor, tolem.MaxAmountMinor),
			rapid.SampledFrom([]int64{edge - 1, edge, 1 - edge, -edge, 99_999_999_999_999, 29, 57, 58, 115}),
		), 1, 50).Draw(t, "amounts")
		s := form.Sheet{
			Language: form.English, Columns: []form.Column{{Name: "n", Kind: form.Money, Currency: tolem.UZS}}, RowCount: int64(len(amounts)),
			Rows: func(yield func([]form.Cell, error) bool) {
				for _, minor := range amounts {
					if !yield([]form.Cell{form.Amount(tolem.Money{Minor: minor, Currency: tolem.UZS})}, nil) {
						return
					}
				}
			},
		}
		var b bytes.Buffer
		if err := form.WriteXLSX(&b, s); err != nil {
			t.Fatal(err)
		}
		book := openXLSX(t, b.Bytes())
		defer book.Close()
		for i, got := range cells(t, book, "Rows")[1:] {
			m := tolem.Money{Minor: amounts[i]}
			want := strings.TrimSuffix(strings.TrimRight(m.Decimal(), "0"), ".")
			if m.Minor <= -edge || m.Minor >= edge {
				want = form.English.Decimal(m)
			}
			if got[0] != want {
				t.Fatalf("%d stands as %s, want %s", m.Minor, got[0], want)
			}
		}
	})
}

// checkXLSXText compares text with what a reader of the workbook gets: what is
// no text in XML has become spaces.
func checkXLSXText(t *rapid.T, s form.Sheet, text string) {
	var b bytes.Buffer
	if err := form.WriteXLSX(&b, s); err != nil {
		t.Fatal(err)
	}
	book := openXLSX(t, b.Bytes())
	defer book.Close()
	got, err := book.GetCellValue(book.GetSheetName(1), "A2")
	if err != nil {
		t.Fatal(err)
	}
	if want := onlyText(text); got != want {
		t.Fatalf("%q reads back as %q, want %q", text, got, want)
	}
}

// onlyText is text without what XML cannot hold.
func onlyText(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029:
			return ' '
		case r == 0xfffe || r == 0xffff:
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}
