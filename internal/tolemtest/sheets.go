package tolemtest

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// everySheet makes LibreOffice write each sheet of a workbook: commas, UTF-8,
// text in quotes, cells as they are shown.
const everySheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false,false,-1"

// Sheets returns the rows of each sheet of an XLSX workbook, by the sheet's name,
// as LibreOffice shows them to a reader of no language in particular.
func Sheets(t testing.TB, workbook []byte) map[string][][]string {
	t.Helper()
	office := RequireTool(t, "soffice")
	folder := t.TempDir()
	file := filepath.Join(folder, "book.xlsx")
	if err := os.WriteFile(file, workbook, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(office, "-env:UserInstallation=file://"+filepath.Join(folder, "profile"), "--headless", "--convert-to", everySheet, "--outdir", folder, file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(folder, "book-*.csv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("LibreOffice has written no sheet: %v", err)
	}
	sheets := make(map[string][][]string, len(files))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		sheets[strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "book-"), ".csv")] = rows
	}
	return sheets
}
