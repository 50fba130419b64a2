package form_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/image/font/sfnt"
	"pgregory.net/rapid"

	"tolem"
	"tolem/registry/form"
)

// GW-P26: what was signed is shown alike however often it is asked for.
func TestSameSheetSameBytes(t *testing.T) {
	for name, write := range forms {
		s := sample(form.Kazakh, 200)
		s.Chart = payments(form.Kazakh, form.Bars)
		if !bytes.Equal(render(t, write, s), render(t, write, s)) {
			t.Errorf("%s differs from one time to the next", name)
		}
	}
	var first bytes.Buffer
	for range 5 {
		var again bytes.Buffer
		if err := form.WriteXLSXOf(&again, sample(form.Kazakh, 200), 30); err != nil {
			t.Fatal(err)
		}
		if first.Len() == 0 {
			first = again
		}
		if !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Error("XLSX of several sheets differs from one time to the next")
		}
	}
}

func TestSheetsThatCannotBeRendered(t *testing.T) {
	broken := errors.New("the database went away")
	usd := tolem.Money{Minor: 1, Currency: "USD"}
	for name, c := range map[string]struct {
		spoil func(*form.Sheet)
		want  error
	}{
		"unknown language":  {func(s *form.Sheet) { s.Language = "fr" }, form.ErrSheet},
		"no columns":        {func(s *form.Sheet) { s.Columns = nil }, form.ErrSheet},
		"no rows given":     {func(s *form.Sheet) { s.Rows = nil }, form.ErrSheet},
		"column twice":      {func(s *form.Sheet) { s.Columns[1].Name = "line" }, form.ErrSheet},
		"column of CSV":     {func(s *form.Sheet) { s.Columns[1].Name = "record" }, form.ErrSheet},
		"name of currency":  {func(s *form.Sheet) { s.Columns[1].Name = "amount_currency" }, form.ErrSheet},
		"name with a quote": {func(s *form.Sheet) { s.Columns[1].Name = `a"b` }, form.ErrSheet},
		"sum of text":       {func(s *form.Sheet) { s.Columns[1].Sum = true }, form.ErrSheet},
		"total of text":     {func(s *form.Sheet) { s.Totals[0].Sums[0].Column = 1 }, form.ErrSheet},
		"total elsewhere":   {func(s *form.Sheet) { s.Totals[0].Sums[0].Column = 99 }, form.ErrSheet},
		"total in dollars":  {func(s *form.Sheet) { s.Totals[0].Sums[0].Amount = usd }, form.ErrSheet},
		"total twice":       {func(s *form.Sheet) { s.Totals[0].Name = s.Totals[1].Name }, form.ErrSheet},
		"long QR":           {func(s *form.Sheet) { s.Signature.QR = strings.Repeat("q", form.MaxQR+1) }, form.ErrSheet},
		"chart of nothing":  {func(s *form.Sheet) { s.Chart = &form.Chart{} }, form.ErrSheet},
		"long head":         {func(s *form.Sheet) { s.Head = make([]form.Field, form.MaxHead+1) }, form.ErrSheet},
		"rows missing":      {func(s *form.Sheet) { s.RowCount++ }, form.ErrRows},
		"rows too many":     {func(s *form.Sheet) { s.RowCount-- }, form.ErrRows},
		"total off by one":  {func(s *form.Sheet) { s.Totals[2].Sums[0].Amount.Minor++ }, form.ErrTotals},
		"row fails":         {func(s *form.Sheet) { s.Rows = failing(broken) }, broken},
		"cell of text":      {func(s *form.Sheet) { s.Rows = spoilt(0, form.String("1")) }, form.ErrCell},
		"cell of a number":  {func(s *form.Sheet) { s.Rows = spoilt(5, form.Int(1)) }, form.ErrCell},
		"cell in dollars":   {func(s *form.Sheet) { s.Rows = spoilt(5, form.Amount(usd)) }, form.ErrCell},
		"cell too few":      {func(s *form.Sheet) { s.Columns = append(s.Columns, form.Column{Name: "more"}) }, form.ErrCell},
	} {
		for formName, write := range forms {
			s := sample(form.English, 20)
			c.spoil(&s)
			if err := write(io.Discard, s); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v, want %v", formName, name, err, c.want)
			}
		}
	}
}

// failing yields some rows and an error.
func failing(err error) func(func([]form.Cell, error) bool) {
	return func(yield func([]form.Cell, error) bool) {
		_ = yield(line(1), nil) && yield(line(2), nil) && yield(nil, err)
	}
}

// spoilt yields a row with one cell replaced.
func spoilt(column int, cell form.Cell) func(func([]form.Cell, error) bool) {
	return func(yield func([]form.Cell, error) bool) {
		row := line(1)
		row[column] = cell
		yield(row, nil)
	}
}

// A disk that is full is noticed in every form.
func TestWhatCannotBeWritten(t *testing.T) {
	full := errors.New("no space left on device")
	for name, write := range forms {
		for _, room := range []int{0, 3000} {
			if err := write(&disk{room: room, full: full}, sample(form.Russian, 2000)); !errors.Is(err, full) {
				t.Errorf("%s with room for %d bytes: %v", name, room, err)
			}
		}
	}
}

type disk struct {
	room int
	full error
}

func (d *disk) Write(p []byte) (int, error) {
	if d.room -= len(p); d.room < 0 {
		return 0, d.full
	}
	return len(p), nil
}

func TestNumbersAsPeopleReadThem(t *testing.T) {
	const space = "\u00a0"
	big := tolem.Money{Minor: -123_456_789, Currency: tolem.KZT}
	for l, want := range map[form.Language]string{
		form.Kazakh: "-1 234 567,89 KZT", form.Russian: "-1 234 567,89 KZT", form.Uzbek: "-1 234 567,89 KZT",
		form.English: "-1,234,567.89 KZT", form.Azerbaijani: "-1.234.567,89 KZT",
	} {
		if got := strings.ReplaceAll(l.Money(big), space, " "); got != want {
			t.Errorf("%s: %q, want %q", l, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 7: "7", -7: "-7", 999: "999", 1000: "1,000", -1000: "-1,000", -9223372036854775808: "-9,223,372,036,854,775,808"} {
		if got := form.English.Integer(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for minor, want := range map[int64]string{0: "0.00", 5: "0.05", -5: "-0.05", 100: "1.00", -9223372036854775808: "-92,233,720,368,547,758.08"} {
		if got := form.English.Decimal(tolem.Money{Minor: minor}); got != want {
			t.Errorf("%d: %q, want %q", minor, got, want)
		}
	}
}

func TestEveryWordInEveryLanguage(t *testing.T) {
	for _, l := range form.Languages {
		words, english := form.Words(l), form.Words(form.English)
		for i, w := range words {
			if w == "" {
				t.Errorf("%s has no word for %q", l, english[i])
			}
			if strings.Count(w, "%d") != strings.Count(english[i], "%d") {
				t.Errorf("%s says %q for %q", l, w, english[i])
			}
			for _, r := range w {
				if !unicode.Is(form.Printable, r) {
					t.Errorf("%s: %q cannot be printed: %q", l, w, r)
				}
			}
		}
	}
}

// GW-P25: names in every language of the countries are printed with the letters
// they have.
func TestFontsHaveTheLetters(t *testing.T) {
	const needed = "АаӘәБбВвГгҒғДдЕеЁёЖжЗзИиЙйКкҚқЛлМмНнҢңОоӨөПпРрСсТтУуҰұҮүФфХхҺһЦцЧчШшЩщЪъЫыІіЬьЭэЮюЯя" +
		"AaBbCcÇçDdEeƏəFfGgĞğHhXxIıİiJjKkQqLlMmNnOoÖöPpRrSsŞşTtUuÜüVvYyZz" + "OʻoʻGʻgʻʼ‘’WwÁáŃńÄäŇňÝýŽž" +
		"0123456789 \u00a0.,;:!?()[]{}/\\|@#%&*+-=_<>~^$'\"`«»“”„№—–‑…•₸₼₽€§©°±×÷\ufffd"
	for _, r := range needed {
		if !unicode.Is(form.Printable, r) {
			t.Errorf("%q is not among the printable letters", r)
		}
	}
	for i, font := range form.Fonts {
		if len(font) > 150_000 {
			t.Errorf("font %d has %d bytes", i, len(font))
		}
		f, err := sfnt.Parse(font)
		if err != nil {
			t.Fatal(err)
		}
		for r := rune(0); r <= unicode.MaxRune; r++ {
			if !unicode.Is(form.Printable, r) {
				continue
			}
			if glyph, err := f.GlyphIndex(nil, r); err != nil || glyph == 0 {
				t.Errorf("font %d lacks %q (%U): %v", i, r, r, err)
			}
		}
	}
}

// No temporary file is left, whatever happens.
func TestTemporaryFilesAreRemoved(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	used := false
	s := sample(form.Russian, 60_000)
	all := s.Rows
	s.Rows = func(yield func([]form.Cell, error) bool) {
		for row, err := range all {
			if !yield(row, err) {
				return
			}
		}
		used = len(files(t, folder)) > 0
	}
	if err := form.WriteXLSX(io.Discard, s); err != nil {
		t.Fatal(err)
	}
	if !used {
		t.Error("the rows were kept in memory")
	}
	s.RowCount++
	if err := form.WriteXLSX(io.Discard, s); !errors.Is(err, form.ErrRows) {
		t.Error(err)
	}
	if left := files(t, folder); len(left) > 0 {
		t.Errorf("%d temporary files are left", len(left))
	}
}

func files(t *testing.T, folder string) []os.DirEntry {
	t.Helper()
	found, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Whatever a text holds, every form is written and stays readable.
func TestTextOfAllSorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[=+\-@'"\x00-\x20\x{fffe}\x{1F600}\x{202E}a-zа-я]{0,300}`)).Draw(t, "text")
		s := form.Sheet{
			Language: form.Kazakh, Title: text, Number: text, Head: []form.Field{{Label: text, Value: text}},
			Columns: []form.Column{{Name: "text", Label: text}, {Name: "n", Kind: form.Integer}},
			Rows: func(yield func([]form.Cell, error) bool) {
				yield([]form.Cell{form.String(text), form.Int(1)}, nil)
			},
			RowCount: 1, Totals: []form.TotalRow{{Name: "all", Label: text, Count: 1}},
			Signature: &form.Signature{Signer: text, Note: text, At: time.Unix(0, 0)},
		}
		for name, write := range forms {
			if err := write(io.Discard, s); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		checkCSVText(t, s, text)
		checkXLSXText(t, s, text)
	})
}
