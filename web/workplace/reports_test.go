package workplace_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/store"
	pages "tolem/web/workplace"
)

// taken is a day at a till: two payments of Azərsu, a tax, and one of
// electricity that was not written to its card.
func taken(t *testing.T, dsn string, role tolem.Role) (*world, *cashier) {
	t.Helper()
	w := newTill(t, dsn)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.log.String())
		}
	})
	c := w.cashier("l.aliyeva", role)
	asan := func() {
		if role == tolem.RoleAsanOperator {
			for _, line := range c.page.lines() {
				c.send("/payments/view", "view", "units-"+line).send("/payments/unit", "asan-unit", "A1-1", "choosing", line)
			}
		}
	}
	c.account(water, "1001").account(water, "1002", "SUPPLY")
	asan()
	c.send("/payments/calculate", "amount-2", "1234,56").send("/payments/pay").send("/payments/confirm").says(200, "0000000002")
	c.account(taxes, "500").send("/payments/unit", "unit", "01")
	asan()
	c.send("/payments/calculate").send("/payments/pay").send("/payments/confirm").says(200, "0000000003")
	c.account(electro, "7001")
	asan()
	c.send("/payments/calculate", "amount-1", "5").send("/payments/pay").send("/payments/confirm").send("/payments/confirm").says(200, "0000000004")
	return w, c
}

var lineField = regexp.MustCompile(`name="amount-([0-9]+)"`)

// lines are those of the basket on the page.
func (a answer) lines() (lines []string) {
	for _, m := range lineField.FindAllStringSubmatch(a.main(), -1) {
		lines = append(lines, m[1])
	}
	return lines
}

// tool runs a program on a file and returns what it prints.
func (w *world) tool(content, name, program string, args ...string) string {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), name)
	w.must(os.WriteFile(file, []byte(content), 0o600))
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "FILE", file)
	}
	out, err := exec.Command(tolemtest.RequireTool(w.t, program), args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return string(out)
}

// pdf is the text of a PDF, page by page, if it is one with its fonts in it.
func (a answer) pdf(w *world) []string {
	a.t.Helper()
	a.says(http.StatusOK)
	if !strings.HasPrefix(a.body, "%PDF-") || a.header.Get("Content-Type") != "application/pdf" {
		a.t.Fatalf("%s is no PDF: %.80s", a.asked, a.body)
	}
	fonts := strings.Split(strings.TrimSpace(w.tool(a.body, "a.pdf", "pdffonts", "FILE")), "\n")
	for _, line := range fonts[2:] {
		if f := strings.Fields(line); len(f) < 6 || f[len(f)-5] != "yes" {
			a.t.Errorf("%s: not embedded: %s", a.asked, line)
		}
	}
	text := w.tool(a.body, "a.pdf", "pdftotext", "-layout", "FILE", "-")
	text = strings.ReplaceAll(text, "\u00a0", " ")
	if strings.Contains(text, "\ufffd") {
		a.t.Errorf("%s: a letter has no glyph", a.asked)
	}
	return strings.Split(strings.TrimSuffix(text, "\f"), "\f")
}

// tables are the rows of the tables of a page, cell by cell.
func (a answer) tables() (rows [][]string) {
	for _, row := range regexp.MustCompile(`(?s)<tr[^>]*>(.*?)</tr>`).FindAllStringSubmatch(a.main(), -1) {
		var cells []string
		for _, c := range regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`).FindAllStringSubmatch(row[1], -1) {
			cells = append(cells, strings.TrimSpace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(c[1], "")))
		}
		rows = append(rows, cells)
	}
	return rows
}

// The register in every form has the rows and the sums of the screen.
// WP-134 to WP-139, WP-141, WP-142, WP-579, WP-580, WP-582 to WP-585
func TestRegisterInEveryForm(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w, c := taken(t, dsn, tolem.RoleOperator)
		for filter, want := range map[string]struct {
			rows []string
			sum  string
		}{
			"":                      {[]string{"0000000001", "0000000002", "0000000003", "0000000004"}, "1.364,45"},
			"&organisation=AZERSU":  {[]string{"0000000001", "0000000002"}, "1.259,45"},
			"&status=planned":       {[]string{"0000000001", "0000000002", "0000000003", "0000000004"}, "1.364,45"},
			"&organisation=UNKNOWN": {nil, "0,00"},
		} {
			query := "day=2026-11-02" + filter
			screen, paper := c.get("/register?"+query).says(200), c.get("/print/register?"+query).says(200, "data-paper", "Kapital Bank", "Gəncə filialı", "Lalə Əliyeva")
			window := c.get("/register/report?"+query).says(200, "data-print", "Lalə Əliyeva")
			pdf := strings.Join(c.get("/print/register?"+query+"&form=pdf").pdf(w), "")
			cells := c.get("/print/register?" + query + "&form=xlsx").cells()
			if len(want.rows) == 0 {
				screen.says(200, "Seçilmiş tarix üzrə ödəniş yoxdur")
			}
			for _, n := range []string{"0000000001", "0000000002", "0000000003", "0000000004"} {
				has := strings.Contains(strings.Join(want.rows, " "), n)
				for name, text := range map[string]string{
					"screen": fmt.Sprint(screen.tables()), "paper": fmt.Sprint(paper.tables()), "window": fmt.Sprint(window.tables()), "PDF": pdf, "Excel": fmt.Sprint(cells),
				} {
					if strings.Contains(text, n) != has {
						t.Errorf("%q: %s has %s: %v", filter, name, n, !has)
					}
					if len(want.rows) > 0 && name != "Excel" && !strings.Contains(text, want.sum) {
						t.Errorf("%q: %s lacks the sum %s:\n%s", filter, name, want.sum, text)
					}
				}
			}
			compare(t, filter, paper.tables(), cells, len(want.rows))
			if filter == "" {
				compare(t, "LibreOffice", paper.tables(), c.get("/print/register?"+query+"&form=xlsx").sheet(paper.tables()[0][0]), len(want.rows))
			}
		}
	})
}

// compare checks that a workbook has the rows of the page, and amounts as
// numbers.
func compare(t *testing.T, name string, page [][]string, cells [][]string, rows int) {
	t.Helper()
	amount := strings.NewReplacer(".", "", ",", ".")
	for i := range rows {
		shown, kept := page[i+1], cells[i+1]
		for j := range shown {
			want := shown[j]
			if j >= 6 && j <= 8 {
				want = strings.TrimSuffix(strings.TrimSuffix(amount.Replace(want), "0"), ".0")
				want = strings.TrimSuffix(want, "0")
			}
			got := ""
			if j < len(kept) {
				got = strings.TrimSuffix(kept[j], "0")
				if j < 6 || j > 8 {
					got = kept[j]
				}
			}
			if strings.TrimSuffix(got, ".") != strings.TrimSuffix(want, ".") {
				t.Errorf("%q, row %d, column %d: %q on the page, %q in Excel", name, i, j, shown[j], got)
			}
		}
	}
}

// sheet is the sheet of a workbook whose table begins with a heading, as
// LibreOffice shows it.
func (a answer) sheet(heading string) [][]string {
	a.t.Helper()
	for _, rows := range tolemtest.Sheets(a.t, []byte(a.body)) {
		if rows[0][0] == heading {
			return rows
		}
	}
	a.t.Fatalf("%s: LibreOffice sees no table that begins with %q", a.asked, heading)
	return nil
}

// cells are the rows of a workbook's table as they are stored.
func (a answer) cells() [][]string {
	a.t.Helper()
	a.says(http.StatusOK)
	book, err := excelize.OpenReader(bytes.NewReader([]byte(a.body)))
	if err != nil {
		a.t.Fatalf("%s: %v", a.asked, err)
	}
	defer book.Close()
	rows, err := book.GetRows(book.GetSheetList()[1], excelize.Options{RawCellValue: true})
	if err != nil {
		a.t.Fatal(err)
	}
	return rows
}

// The register begins with today and what the operator is; rows print their
// receipt, and what failed to be written can be written.
// WP-100, WP-101, WP-129 to WP-133, WP-138, WP-151, WP-152, WP-581, WP-586
func TestRegisterScreen(t *testing.T) {
	w, c := taken(t, tolemtest.SQLite(t), tolem.RoleOperator)
	c.open("/register").says(200, `value="2026-11-02"`, `href="/print/receipts/0000000001?copies=1"`, `href="/print/receipts/0000000001?copies=3"`,
		"data-print", "Yazılmadan ödənilib", "Hamısı", "planlaşdırılıb", "Kassa mədaxil orderi", `href="/register/report?day=2026-11-02"`).lacks("İcmal hesabat", "Karta yaz", `id="asan" name="asan" value="yes" checked`)
	c.open("/register?day=2026-11-01").says(200, "Seçilmiş tarix üzrə ödəniş yoxdur").lacks("form=pdf")
	c.open("/register?day=2026-11-02&asan=yes").says(200, "Seçilmiş tarix üzrə ödəniş yoxdur", "ASAN-əməliyyatçının reyestri", `value="yes" checked`)
	w.cashier("o.quliyev", tolem.RoleOperator).open("/register").says(200, "Seçilmiş tarix üzrə ödəniş yoxdur")
	w.clock.Advance(3 * time.Hour)
	c.works()
	for _, path := range []string{"/register?day=nonsense&status=nonsense", "/register?day="} {
		c.open(path).says(200, `value="2026-11-02"`, "0000000001")
	}
}

// An ASAN operator has forms of the own, and the summary.
// WP-133, WP-135, WP-140, WP-143 to WP-147, WP-150, WP-581, WP-587
func TestReportsOfAsanOperators(t *testing.T) {
	w, c := taken(t, tolemtest.SQLite(t), tolem.RoleAsanOperator)
	c.open("/register").says(200, `id="asan" name="asan" value="yes" checked`, "ASAN-əməliyyatçının reyestri", "ASAN bölmə 1", "İcmal hesabat", "ASAN struktur bölməsi")
	c.open("/summary?day=2026-11-02").says(200, "İcmal hesabat", "ASAN bölmə 1", "Azərsu ASC", "1.259,45", "1.364,45", "Min üç yüz altmış dörd manat 45 qəpik")
	pdf := strings.Join(c.get("/print/summary?day=2026-11-02&form=pdf").pdf(w), "")
	cells := fmt.Sprint(c.get("/print/summary?day=2026-11-02&form=xlsx").cells())
	paper := c.get("/print/summary?day=2026-11-02").says(200, "data-paper")
	for _, text := range []string{"ASAN bölmə 1", "Vergilər Nazirliyi", "Azərişıq ASC"} {
		if !strings.Contains(pdf, text) || !strings.Contains(cells, text) || !strings.Contains(paper.body, text) {
			t.Errorf("%q is missing:\n%s\n%s", text, pdf, cells)
		}
	}
	if !strings.Contains(cells, "1259.45") || !strings.Contains(pdf, "1.259,45") {
		t.Errorf("%s\n%s", cells, pdf)
	}
	c.open("/cash-order?day=2026-11-02&asan=yes").says(200, "ASAN-əməliyyatçı", "1.364,45")
	c.open("/cash-order?day=2026-11-02").says(200, "Seçilmiş tarix üzrə ödəniş yoxdur")
	plain := w.cashier("o.quliyev", tolem.RoleOperator)
	for _, path := range []string{"/summary?day=2026-11-02", "/print/summary?day=2026-11-02", "/print/summary?day=2026-11-02&form=pdf"} {
		plain.get(path).says(http.StatusForbidden)
	}
}

// The cash order counts what was taken and keeps apart what awaits its
// cancellation. WP-148, WP-149, WP-588
func TestCashOrder(t *testing.T) {
	w, c := taken(t, tolemtest.SQLite(t), tolem.RoleOperator)
	c.open("/cancellations?number=2&ask").send("/cancellations/0000000002").says(200, "Ləğvi gözləyir")
	for _, a := range []answer{c.get("/cash-order?day=2026-11-02"), c.get("/print/cash-order?day=2026-11-02")} {
		a.says(200, "Kassa mədaxil orderi", "GNC01-20261102-", "0000000001 – 0000000004", "117,54", "Yüz on yeddi manat 54 qəpik", "Kassir", "Mühasib",
			"Ləğvi gözləyir, yekuna daxil deyil", "1.246,91")
	}
	pdf := c.get("/print/cash-order?day=2026-11-02&form=pdf").pdf(w)
	if len(pdf) != 1 {
		t.Errorf("%d pages", len(pdf))
	}
	for _, text := range []string{"117,54", "on yeddi manat 54 qəpik", "Kassir", "Mühasib", "Lalə Əliyeva", "yekuna daxil deyil", "1.246,91"} {
		if !strings.Contains(pdf[0], text) {
			t.Errorf("%q is missing:\n%s", text, pdf[0])
		}
	}
	c.open("/register?day=2026-11-02").says(200, "Ləğvi gözləyir (1)", "planlaşdırılıb (3)", "Cəmi (4)")
}

// A receipt says what was paid; it prints in one copy or three, a basket in
// three each. WP-063 to WP-069, WP-085, WP-086, WP-160 to WP-165, WP-589, WP-590
func TestReceipts(t *testing.T) {
	w, c := taken(t, tolemtest.SQLite(t), tolem.RoleOperator)
	all := []string{"Mədaxil qəbzi", "№ 0000000001", "02.11.2026 ", "Kapital Bank", "Gəncə filialı", "Lalə Əliyeva", "Azərsu ASC", "21 – Su", "1001", "Əli Vəliyev", "2026-10",
		"INV-1", "12,34 ₼", "0,20 ₼", "12,54 ₼", "SINAQ: real ödəniş deyil"}
	code := w.payments()[0].Code.Printed()
	for copies, n := range map[string]int{"1": 1, "3": 3, "7": 1} {
		path := "/print/receipts/0000000001?copies=" + copies
		page := c.get(path).says(200, append(all, code)...).lacks("SMART karta yazıldı")
		if got := strings.Count(page.body, `<section class="slip">`); got != n {
			t.Errorf("%s: %d slips", path, got)
		}
		if l := page.header.Get("Content-Security-Policy"); !strings.Contains(l, "frame-ancestors 'self'") {
			t.Error(l)
		}
		pdf := c.get(path + "&form=pdf").pdf(w)
		if len(pdf) != 1 || strings.Count(pdf[0], code) != n {
			t.Errorf("%s: %d pages:\n%s", path, len(pdf), pdf[0])
		}
		for _, text := range append(all, code) {
			if !strings.Contains(pdf[0], text) {
				t.Errorf("the PDF lacks %q:\n%s", text, pdf[0])
			}
		}
	}
	basket := string(w.payments()[0].Basket)
	if got := strings.Count(c.get("/print/baskets/"+basket+"?copies=3").says(200, "0000000001", "0000000002").body, `<section class="slip">`); got != 6 {
		t.Errorf("%d slips of a basket", got)
	}
	c.open("/receipts").says(200, "Mədaxil qəbzinin nömrəsini daxil edin").lacks("1 nüsxə")
	c.open("/receipts?number=1").says(200, "Azərsu ASC", "1 nüsxə", "3 nüsxə", "planlaşdırılıb")
	for _, typed := range []string{"999", "abc", "0"} {
		c.open("/receipts?number="+typed).says(422, "Mədaxil qəbzi tapılmadı", `value="`+typed+`"`).lacks("1 nüsxə") // WP-164, WP-165
	}
	c.get("/print/receipts/999").says(404, "Mədaxil qəbzi tapılmadı")
	stranger := &cashier{staff: w.employ("RABITA", "r.rzayev", tolem.RoleOperator).works()}
	for _, path := range []string{"/receipts?number=1", "/cancellations?number=1"} { // WP-589
		stranger.open(path).says(422, "Mədaxil qəbzi tapılmadı")
	}
	stranger.get("/print/receipts/1").says(404)
	stranger.get("/print/cancellations/1").says(404)
	stranger.get("/print/baskets/" + basket).says(404)
}

// Every print and every file is recorded. WP-521
func TestPrintsAreRecorded(t *testing.T) {
	w, c := taken(t, tolemtest.SQLite(t), tolem.RoleOperator)
	before := len(w.recorded(tolem.ActPrint)) + len(w.recorded(tolem.ActExport))
	for _, path := range []string{"/print/receipts/1?copies=3", "/print/register?day=2026-11-02", "/print/cash-order?day=2026-11-02"} {
		c.get(path).says(200)
		c.get(path + "&form=pdf").says(200)
	}
	c.get("/print/register?day=2026-11-02&form=xlsx").says(200)
	prints, exports := w.recorded(tolem.ActPrint), w.recorded(tolem.ActExport)
	if len(prints)+len(exports)-before != 7 || fmt.Sprint(prints) != "[0000000001 register-2026-11-02 cash-order-2026-11-02]" || len(exports) != 4 {
		t.Errorf("%q, %q", prints, exports)
	}
}

// recorded are the subjects of an action in the audit.
func (w *world) recorded(action tolem.Action) (subjects []string) {
	w.t.Helper()
	w.must(w.db.View(w.t.Context(), func(tx *store.Tx) error {
		subjects = nil
		list, err := tx.AuditOfBank("KAPITAL", w.day(), "", 0, 1000)
		for _, r := range list {
			if r.Action == action {
				subjects = append(subjects, r.Subject)
			}
		}
		return err
	}))
	return subjects
}

// day is today.
func (w *world) day() tolem.Day {
	day, err := w.core.Today(w.t.Context())
	w.must(err)
	return day
}

// Papers and pages about a payment have all their texts in every language. WP-592
func TestPapersInEveryLanguage(t *testing.T) {
	w, c := taken(t, tolemtest.SQLite(t), tolem.RoleAsanOperator)
	c.open("/cancellations?number=1&ask").send("/cancellations/0000000001")
	chief := w.employ("KAPITAL", "b.admin", tolem.RoleBankAdmin).works()
	site, err := url.Parse(w.URL)
	w.must(err)
	for _, l := range pages.Languages {
		own := texts(t, l)
		for _, s := range []*staff{c.staff, chief} {
			s.browser.Jar.SetCookies(site, []*http.Cookie{{Name: "__Host-language", Value: string(l), Path: "/", Secure: true}})
		}
		for _, path := range []string{
			"/print/receipts/1?copies=3", "/print/cancellations/1", "/print/register?day=2026-11-02", "/print/summary?day=2026-11-02",
			"/print/cash-order?day=2026-11-02&asan=yes",
		} {
			c.get(path).says(200, `<html lang="`+string(l)+`">`, own["paper.sandbox"])
			c.get(path + map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + "form=pdf").pdf(w)
		}
		for _, path := range []string{"/cancellations?number=2&ask", "/cancellations/1", "/register", "/register/report", "/summary", "/cash-order", "/receipts?number=1", "/cards/4"} {
			c.get(path).says(200, own["app.title"])
		}
		for _, path := range []string{"/approvals", "/approvals/1", "/approvals/1?reject"} {
			chief.get(path).says(200, own["app.title"], own["admin.reject"])
		}
	}
}
