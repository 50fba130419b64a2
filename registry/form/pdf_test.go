package form_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/registry/form"
)

// run runs a program on a file of the content and returns what it prints.
func run(t *testing.T, content []byte, name string, program string, args ...string) string {
	t.Helper()
	path := tolemtest.RequireTool(t, program)
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "FILE", file)
	}
	cmd := exec.Command(path, args...)
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", program, err, &out, &trouble)
	}
	return out.String()
}

// pages returns the text of each page, with ordinary spaces.
func pages(t *testing.T, pdf []byte) []string {
	t.Helper()
	text := run(t, pdf, "form.pdf", "pdftotext", "-layout", "FILE", "-")
	text = strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(text)
	return strings.Split(strings.TrimSuffix(text, "\f"), "\f")
}

// GW-P25: what is printed can be read, searched and copied anywhere.
func TestPDFEmbedsItsFonts(t *testing.T) {
	list := run(t, render(t, form.WritePDF, sample(form.Kazakh, 40)), "form.pdf", "pdffonts", "FILE")
	lines := strings.Split(strings.TrimSpace(list), "\n")[2:]
	if len(lines) != 2 {
		t.Errorf("fonts:\n%s", list)
	}
	for _, line := range lines {
		if f := strings.Fields(line); len(f) < 6 || f[len(f)-5] != "yes" || f[len(f)-3] != "yes" {
			t.Errorf("not embedded or without Unicode: %s", line)
		}
	}
}

// Each page says what it is of, in every language; the last has the signature.
func TestPDFPages(t *testing.T) {
	for _, l := range form.Languages {
		s := sample(l, 120)
		got := pages(t, render(t, form.WritePDF, s))
		if len(got) < 4 {
			t.Fatalf("%s: %d pages", l, len(got))
		}
		for i, page := range got {
			if rowPattern.MatchString(page) && !strings.Contains(page, s.Columns[2].Label) {
				t.Errorf("%s: page %d has rows without a header", l, i+1)
			}
			place := fmt.Sprintf(form.Words(l)[0], i+1, len(got))
			for _, wanted := range []string{s.Title, s.Number, place, "UTC+05:00"} {
				if !strings.Contains(page, wanted) {
					t.Errorf("%s: page %d lacks %q", l, i+1, wanted)
				}
			}
		}
		for _, wanted := range []string{s.Head[0].Value, s.Head[3].Value} {
			if !strings.Contains(got[0], wanted) {
				t.Errorf("%s: the head lacks %q", l, wanted)
			}
		}
		for _, wanted := range []string{sampleHash, s.Signature.Signer, s.Signature.Serial, s.Signature.Note, "22.11.2026 01:00:04", s.Totals[2].Label} {
			if !strings.Contains(got[len(got)-1], wanted) {
				t.Errorf("%s: the last page lacks %q", l, wanted)
			}
		}
	}
}

// GW-P26: number and hash are read from paper.
func TestPDFQR(t *testing.T) {
	zbar := tolemtest.RequireTool(t, "zbarimg")
	image := run(t, render(t, form.WritePDF, sample(form.Russian, 3)), "form.pdf", "pdftoppm", "-r", "150", "-png", "FILE")
	file := filepath.Join(t.TempDir(), "page.png")
	if err := os.WriteFile(file, []byte(image), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(zbar, "-q", "--raw", file).Output()
	if err != nil || strings.TrimSpace(string(got)) != sampleQR {
		t.Errorf("%q, %v", got, err)
	}
}

// A cell that is too long is cut, and says so; a figure never is.
func TestPDFCutsVisibly(t *testing.T) {
	s := sample(form.Russian, 1)
	s.Columns[4].Width, s.Columns[5].Width = 3, 3
	long := strings.Repeat("бюджеттің кірістері ", 40)
	minor := int64(9_876_543_210_123_45)
	s.Rows = spoilt(3, form.String(long))
	s.Rows = func(yield func([]form.Cell, error) bool) {
		row := line(1)
		row[3], row[5] = form.String(long), form.Amount(tolem.Money{Minor: minor, Currency: tolem.KZT})
		yield(row, nil)
	}
	s.Totals = nil
	text := pages(t, render(t, form.WritePDF, s))[0]
	if !strings.Contains(text, "…") || strings.Count(text, "кірістері") > 30 {
		t.Errorf("not cut:\n%s", text)
	}
	if !strings.Contains(text, "9 876 543 210 123,45") {
		t.Errorf("the amount is not whole:\n%s", text)
	}
}

// What the fonts lack is seen to be lacking, and nobody turns text around.
func TestPDFShowsWhatItCannotPrint(t *testing.T) {
	s := mixed()
	s.Title = "A\u202e漢\U0001F600B"
	if text := pages(t, render(t, form.WritePDF, s))[0]; !strings.Contains(text, "A\ufffd\ufffd\ufffdB") {
		t.Errorf("%s", text)
	}
}

func TestPDFOfNoRows(t *testing.T) {
	text := pages(t, render(t, form.WritePDF, sample(form.Russian, 0)))[0]
	for _, wanted := range []string{"Строк нет", "Всего, KZT", "0,00 KZT", sampleHash} {
		if !strings.Contains(text, wanted) {
			t.Errorf("lacks %q:\n%s", wanted, text)
		}
	}
}

func TestPDFHasALimit(t *testing.T) {
	var b bytes.Buffer
	s := sample(form.Russian, 1)
	s.Rows, s.RowCount, s.Totals = rows(form.MaxPDFRows+1), form.MaxPDFRows+1, nil
	if err := form.WritePDF(&b, s); !errors.Is(err, form.ErrPDF) || b.Len() > 0 {
		t.Errorf("%v, %d bytes", err, b.Len())
	}
	s.RowCount = form.UnknownRows
	if err := form.WritePDF(&b, s); !errors.Is(err, form.ErrPDF) || b.Len() > 0 {
		t.Errorf("not counted beforehand: %v, %d bytes", err, b.Len())
	}
}

var (
	rowPattern     = regexp.MustCompile(`(?m)^ *(\d+) +(PAYMENT|REFUND|DISCREPANCY) +(\d{16}) .* (CASH|CARD|ACCOUNT) +(-?[\d ]+,\d\d)(\*?) +(\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d)`)
	pagePattern    = regexp.MustCompile(`Итого на странице \(строк: ([\d ]+)\), KZT +(-?[\d ]+,\d\d)`)
	runningPattern = regexp.MustCompile(`Итого с начала \(строк: ([\d ]+)\), KZT +(-?[\d ]+,\d\d)`)
)

// decimal reads a figure as people write it, in minor units.
func decimal(t *testing.T, text string) (minor int64) {
	t.Helper()
	text = strings.NewReplacer(" ", "", "\u00a0", "", ",", "").Replace(text)
	if _, err := fmt.Sscanf(text, "%d", &minor); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return minor
}

// Parts go on where the part before ended: rows, sums from the start, numbers.
// What a page says it comes to is what its rows come to.
func TestPDFParts(t *testing.T) {
	const n, most = 250, 100
	var files []*bytes.Buffer
	parts, err := form.WritePDFOf(sample(form.Russian, n), most, func(part int) (io.Writer, error) {
		files = append(files, new(bytes.Buffer))
		if part != len(files) {
			t.Errorf("part %d after %d", part, len(files)-1)
		}
		return files[len(files)-1], nil
	})
	if err != nil || parts != 3 || len(files) != 3 {
		t.Fatalf("%d parts, %d files, %v", parts, len(files), err)
	}
	var run, next int64
	for i, file := range files {
		text := pages(t, file.Bytes())
		for _, page := range text {
			before, sum := next, int64(0)
			for _, row := range rowPattern.FindAllStringSubmatch(page, -1) {
				if next++; decimal(t, row[1]) != next {
					t.Fatalf("row %s, want %d", row[1], next)
				}
				if row[6] == "" {
					sum += decimal(t, row[5])
				}
			}
			run += sum
			checkSum(t, pagePattern, page, next-before, sum)
			checkSum(t, runningPattern, page, next, run)
			if !strings.Contains(page, fmt.Sprintf("Часть %d из 3", i+1)) {
				t.Errorf("page does not say its part:\n%s", page)
			}
		}
		last := text[len(text)-1]
		if !strings.Contains(last, sampleHash) || strings.Contains(last, "Продолжение") != (i < 2) || strings.Contains(last, "Всего, KZT") != (i == 2) {
			t.Errorf("part %d ends with\n%s", i+1, last)
		}
	}
	if next != n {
		t.Errorf("%d rows", next)
	}
}

// checkSum looks for what a page says its rows come to. A page without rows says
// nothing.
func checkSum(t *testing.T, pattern *regexp.Regexp, page string, rows, sum int64) {
	t.Helper()
	m := pattern.FindStringSubmatch(page)
	if m == nil {
		if rowPattern.MatchString(page) {
			t.Errorf("no sum:\n%s", page)
		}
		return
	}
	if decimal(t, m[1]) != rows || decimal(t, m[2]) != sum {
		t.Errorf("page says %s rows and %s, has %d and %d", m[1], m[2], rows, sum)
	}
}

func TestPDFZip(t *testing.T) {
	s := sample(form.Russian, 50)
	content := render(t, forms["ZIP"], s)
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil || len(archive.File) != 1 || archive.File[0].Name != "register-1.pdf" {
		t.Fatalf("%v", err)
	}
	r, err := archive.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, render(t, form.WritePDF, s)) {
		t.Errorf("not the PDF: %v", err)
	}
	for rows, want := range map[int64]int{-1: 1, 0: 1, form.MaxPDFRows: 1, form.MaxPDFRows + 1: 2, 1_000_000: 200} {
		if got := form.PDFParts(rows); got != want {
			t.Errorf("%d rows make %d parts", rows, got)
		}
	}
}
