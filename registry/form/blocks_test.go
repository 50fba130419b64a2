package form_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem/registry/form"
)

func slipOf(mark string) form.Block {
	return form.Block{
		Brand: "Kapital Bank", Office: "Gəncə filialı", Title: "Mədaxil qəbzi", Number: "№ 0000000123", Bars: "0000000123", Mark: mark,
		Fields: []form.Field{
			{Label: "Təşkilat", Value: strings.Repeat("Azərişıq Açıq Səhmdar Cəmiyyəti ", 3)}, {Label: "Hesab nömrəsi", Value: "1234567"}, {Label: "Ləğv tarixi"},
			{Label: "Hesabın sahibi", Value: "Əliyeva Lalə Şıxəli qızı ĞğİıÖöŞşÜüÇçXxQq"}, {Label: "Тіркеу әғқңөұүһі", Value: "oʻzbekcha gʻisht"},
		},
		Sums:   []form.Field{{Label: "Məbləğ", Value: "1.234,56 ₼"}, {Label: "Xidmət haqqı", Value: "0,50 ₼"}, {Label: "Yekun", Value: "1.235,06 ₼"}},
		Remark: "SMART karta yazıldı", Hands: []form.Field{{Label: "Kassir", Value: "Əliyeva Lalə"}, {Label: "Ödəyici"}},
	}
}

func blocks(t *testing.T, pages ...[]form.Block) []byte {
	t.Helper()
	var b bytes.Buffer
	err := form.WriteBlocks(&b, form.Blocks{Language: form.Azerbaijani, Title: "Mədaxil qəbzi", Pages: pages, Printed: time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A page has one slip or three, with all letters and in embedded fonts. WP-068, WP-069, WP-584
func TestBlocks(t *testing.T) {
	three := []form.Block{slipOf("1 / 3"), slipOf("2 / 3"), slipOf("3 / 3")}
	pdf := blocks(t, []form.Block{slipOf("")}, three)
	if !bytes.Equal(pdf, blocks(t, []form.Block{slipOf("")}, three)) {
		t.Error("the same slips have other bytes")
	}
	got := pages(t, pdf)
	if len(got) != 2 {
		t.Fatalf("%d pages", len(got))
	}
	for i, copies := range []int{1, 3} {
		for _, text := range []string{"1.235,06 ₼", "ĞğİıÖöŞşÜüÇç", "әғқңөұүһі", "gʻisht", "SMART karta yazıldı", "№ 0000000123"} {
			if n := strings.Count(got[i], text); n != copies {
				t.Errorf("page %d has %q %d times:\n%s", i+1, text, n, got[i])
			}
		}
	}
	if strings.Contains(strings.Join(got, ""), "\ufffd") {
		t.Error("a letter is missing")
	}
	list := run(t, pdf, "form.pdf", "pdffonts", "FILE")
	for _, line := range strings.Split(strings.TrimSpace(list), "\n")[2:] {
		if f := strings.Fields(line); len(f) < 6 || f[len(f)-5] != "yes" || f[len(f)-3] != "yes" {
			t.Errorf("not embedded or without Unicode: %s", line)
		}
	}
}

// What does not fit is not written.
func TestBlocksThatDoNotFit(t *testing.T) {
	long, odd := slipOf(""), slipOf("")
	for range 60 {
		long.Fields = append(long.Fields, form.Field{Label: "Ad", Value: "Soyad"})
	}
	odd.Bars = "12345"
	one := slipOf("")
	for name, page := range map[string][]form.Block{"too many fields": {long}, "four": {one, one, one, one}, "none": {}, "bar code": {odd}} {
		var b bytes.Buffer
		err := form.WriteBlocks(&b, form.Blocks{Language: form.Azerbaijani, Pages: [][]form.Block{page}})
		if !errors.Is(err, form.ErrBlocks) && !errors.Is(err, form.ErrBars) || b.Len() > 0 {
			t.Errorf("%s: %d bytes, %v", name, b.Len(), err)
		}
	}
}

// Scanners read what is on the slip: every pair of digits.
func TestBarCode(t *testing.T) {
	var all []string
	for i := 0; i < 100; i += 5 {
		all = append(all, fmt.Sprintf("%02d%02d%02d%02d%02d", i, i+1, i+2, i+3, i+4))
	}
	const module, height, quiet = 3, 60, 10
	picture := image.NewGray(image.Rect(0, 0, 500, len(all)*2*height))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for i, text := range all {
		bars, width, err := form.BarCode(text)
		if err != nil || width != 90 {
			t.Fatal(width, err)
		}
		for _, b := range bars {
			for x := (quiet + b.At) * module; x < (quiet+b.At+b.Width)*module; x++ {
				for y := range height {
					picture.SetGray(x, i*2*height+y, color.Gray{})
				}
			}
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	read := strings.Fields(run(t, file.Bytes(), "bars.png", "zbarimg", "-q", "--raw", "-Sdisable", "-Scode128.enable", "FILE"))
	slices.Sort(read)
	slices.Sort(all)
	if !slices.Equal(read, all) {
		t.Errorf("read %q", read)
	}
}
