package form_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem/internal/tolemtest"
	"tolem/registry/form"
)

// manyFields is a paper whose fields fit in the smallest letters only.
func manyFields() form.Paper {
	p := form.Paper{
		Language: form.Russian, Brand: "Төлем", About: "шлюз", Operator: form.Field{Label: "Оператор", Value: strings.Repeat("Очень длинное имя ", 20)},
		Warning: "Тестовая система", Title: "Квитанция", Number: "7", Mark: "Копия", Sum: form.Field{Label: "Оплачено", Value: "1 200,00 ₸"},
		QR: [][]bool{{true, false}, {false, true}}, QRTitle: "Проверка", QRTexts: []string{strings.Repeat("слово ", 60)},
		QRFields: []form.Field{{Label: "Ключ", Value: strings.Repeat("f", 200)}}, Notes: []string{strings.Repeat("примечание ", 60), "конец"},
		Printed: time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC),
	}
	for range 13 {
		p.Fields = append(p.Fields, form.Field{Label: "Поле с длинным названием", Value: strings.Repeat("значение ", 20)})
	}
	return p
}

// A paper is one page whatever it says, and the same bytes every time.
func TestPaperIsOnePage(t *testing.T) {
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := form.WritePaper(b, manyFields()); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same paper has other bytes")
	}
	file := filepath.Join(t.TempDir(), "paper.pdf")
	if err := os.WriteFile(file, first.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(tolemtest.RequireTool(t, "pdftotext"), "-layout", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	if pages := strings.Count(string(text), "\f"); pages != 1 || strings.Count(string(text), "Поле с") != 13 || !strings.Contains(string(text), "конец") {
		t.Errorf("%d pages:\n%s", pages, text)
	}
}

// What does not fit is not written.
func TestPaperThatDoesNotFit(t *testing.T) {
	p := manyFields()
	p.Fields = append(p.Fields, p.Fields...)
	var b bytes.Buffer
	if err := form.WritePaper(&b, p); !errors.Is(err, form.ErrPaper) || b.Len() > 0 {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}
}
