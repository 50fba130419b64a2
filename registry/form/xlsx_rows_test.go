package form

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"tolem"
)

// sheetData is what stands between the header and the end of a sheet's rows.
func sheetData(t *testing.T, file []byte, name string) string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := archive.Open("xl/worksheets/" + name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(text), "<sheetData>")
	rows, _, ok := strings.Cut(rows, sheetDataEnd)
	if !ok {
		t.Fatalf("%s has no rows", name)
	}
	return rows
}

// Rows are byte for byte what the library would have written.
func TestRowsAreThoseOfTheLibrary(t *testing.T) {
	zone := time.FixedZone("", 5*60*60)
	texts := []string{
		"", "plain", "Нұрлан", " led", "trailing ", "a & b < c > \"d\" 'e'", "=SUM(A1)", "a_b", "_x", "\uFFFD", "_xzzzz_", "x0041_", "😀",
		"_x0041_", "_x005F_", "_x005F_x0041_",
	}
	numbers := []int64{0, 1, -1, 42, 999_999_999_999_999, -999_999_999_999_999}
	times := []time.Time{
		time.Date(2026, 11, 21, 9, 30, 15, 0, zone), time.Date(2024, 2, 29, 23, 59, 59, 0, zone), time.Date(1900, 2, 28, 12, 0, 0, 0, time.UTC),
		time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(1850, 1, 1, 6, 0, 0, 0, time.UTC),
	}
	book := excelize.NewFile()
	defer book.Close()
	stream, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	var row rowText
	var ours bytes.Buffer
	line := 0
	compare := func(value any, write func()) {
		line++
		row.begin(line)
		row.skip()
		write()
		row.end()
		ours.Write(row.Bytes())
		name, _ := excelize.CoordinatesToCellName(1, line)
		if err := stream.SetRow(name, []any{nil, value}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range texts {
		var value any
		if s != "" {
			value = excelize.Cell{StyleID: 3, Value: s}
		}
		compare(value, func() { row.text(s, 3) })
	}
	for _, n := range numbers {
		compare(excelize.Cell{Value: n}, func() { row.whole(n, 0) })
		compare(excelize.Cell{StyleID: 7, Value: float64(n) / 100}, func() { row.float(float64(n)/100, 7) })
	}
	for _, at := range times {
		compare(excelize.Cell{StyleID: 12, Value: at}, func() { row.time(at, 12) })
	}
	if err := stream.Flush(); err != nil {
		t.Fatal(err)
	}
	file, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	theirs := sheetData(t, file.Bytes(), "sheet1.xml")
	for i, want := range strings.SplitAfter(theirs, "</row>") {
		if got := strings.SplitAfter(ours.String(), "</row>")[i]; got != want {
			t.Errorf("row %d:\n got %s\nwant %s", i+1, got, want)
		}
	}
}

// What looks like an escaped character is read as it was written.
func TestTextThatLooksEscapedIsReadBack(t *testing.T) {
	for _, text := range []string{"_x0041_", "_x005F_x0041_", "_x0041_x0042_", "__x0041__", "_x00", "_x00410_", "a_x000A_b"} {
		s := Sheet{
			Language: English, Title: "T", Columns: []Column{{Name: "a", Kind: Text}}, RowCount: 1, Printed: time.Unix(0, 0),
			Rows: func(yield func([]Cell, error) bool) { yield([]Cell{String(text)}, nil) },
		}
		var file bytes.Buffer
		if err := WriteXLSX(&file, s); err != nil {
			t.Fatal(err)
		}
		book, err := excelize.OpenReader(&file)
		if err != nil {
			t.Fatal(err)
		}
		sheets := book.GetSheetList()
		if got, err := book.GetCellValue(sheets[1], "A2"); err != nil || got != text {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
		_ = book.Close()
	}
}

// Where no file can be made, rows stay in memory.
func TestXLSXWithoutTemporaryFolder(t *testing.T) {
	s := Sheet{
		Language: English, Title: "T", Columns: []Column{{Name: "a", Kind: Money, Currency: tolem.KZT}}, RowCount: 2, Printed: time.Unix(0, 0),
		Rows: func(yield func([]Cell, error) bool) {
			_ = yield([]Cell{Amount(tolem.Money{Minor: 1, Currency: tolem.KZT})}, nil) && yield([]Cell{{}}, nil)
		},
	}
	var with, without bytes.Buffer
	if err := WriteXLSX(&with, s); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir()+"/missing")
	if err := WriteXLSX(&without, s); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(with.Bytes(), without.Bytes()) {
		t.Error("another file")
	}
}
