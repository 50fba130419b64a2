package workplace_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tolem"
	"tolem/internal/tolemtest/browser"
	"tolem/smartcard/bridge/simulator"
)

// What is on paper: so many pages, of so many millimetres across.
func (b *screen) paper(name, path string, pages int, width string) {
	b.t.Helper()
	b.Go(path)
	b.paperHere(name, pages, width)
}

func (b *screen) paperHere(name string, pages int, width string) {
	b.t.Helper()
	b.looks("paper-" + name)
	var pdf []byte
	b.Run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPreferCSSPageSize(true).WithPrintBackground(false).Do(ctx)
		return err
	}))
	info := b.w.tool(string(pdf), "a.pdf", "pdfinfo", "FILE")
	if strings.Count(info, "Pages:           "+string(rune('0'+pages))+"\n") != 1 || !strings.Contains(info, width) {
		b.t.Errorf("%s:\n%s", name, info)
	}
	b.keep("print-"+name, pdf)
	var lost bool // what does not fit would be cut off
	b.Run(chromedp.Evaluate(`[...document.querySelectorAll(".slip-fields")].some(f => f.scrollWidth > f.clientWidth + 1 || f.scrollHeight > f.clientHeight + 1)`, &lost))
	if lost {
		b.t.Errorf("%s: a slip is too small", name)
	}
	if name != "receipt-1" {
		return
	}
	folder := b.t.TempDir()
	b.w.tool(string(pdf), "a.pdf", "pdftoppm", "-r", "200", "-png", "-singlefile", "FILE", filepath.Join(folder, "page"))
	image, err := os.ReadFile(filepath.Join(folder, "page.png"))
	b.w.must(err)
	if read := b.w.tool(string(image), "a.png", "zbarimg", "-q", "--raw", "FILE"); !strings.HasSuffix(strings.TrimSpace(read), "\n0000000001") && strings.TrimSpace(read) != "0000000001" {
		b.t.Errorf("a scanner reads %q", read)
	}
}

// keep draws a PDF, if pictures are wanted.
func (b *screen) keep(name string, pdf []byte) {
	b.t.Helper()
	if folder := os.Getenv(browser.Pictures); folder != "" {
		b.w.tool(string(pdf), "a.pdf", "pdftoppm", "-r", "80", "-png", "FILE", filepath.Join(folder, name))
	}
}

// A4, as pdfinfo says it.
const (
	upright = "594.96 x 841.92"
	across  = "841.92 x 594.96"
)

// Cancellations, reports and what is printed, with keys alone; every screen
// looked at. WP-067, WP-110, WP-118, WP-139, WP-152, WP-163
func TestReportsInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	c := newCounter(t)
	w, r := c.w, c.r
	lale := w.cashier("l.aliyeva", tolem.RoleAsanOperator)
	r.insert("AZ-7", electro, "7001")
	c.day(lale)
	b := c.sits(t, browser.Start(t), lale.staff)

	b.with(input.ModifierAlt, "3")
	b.shows(".scripted #day")
	b.narrow("s32-register")
	b.Run(chromedp.Focus("table[data-rows] tbody tr a"))
	b.types(kb.ArrowDown, "3")
	b.printed("/print/receipts/0000000002?copies=3")
	b.types(kb.F9)
	b.shows(".scripted .window")
	b.narrow("s33-register-report")
	b.types(kb.F9)
	b.printed("/print/register?asan=yes&day=2026-11-02")
	b.types(kb.Escape)
	b.shows(".scripted #day")
	b.types(kb.F10)
	b.shows(".scripted .window")
	b.looks("s34-summary")
	b.types(kb.Escape)
	b.shows(".scripted #day")
	b.types(kb.F4)
	b.shows(".scripted .window")
	b.narrow("s35-cash-order")
	b.types(kb.F9)
	b.printed("/print/cash-order?asan=yes&day=2026-11-02")
	b.Go("/register?day=2026-11-01")
	b.looks("s32-register-empty")

	b.with(input.ModifierAlt, "5")
	b.focus("number")
	b.types("77", kb.Enter)
	b.shows(".scripted #notice")
	b.looks("s40-not-found")
	b.types("1", kb.Enter) // a scanner types the next number over the last
	b.shows(".scripted #payment-title")
	b.narrow("s39-receipt")
	b.types(kb.F9)
	b.printed("/print/receipts/0000000001?copies=1")
	b.types(kb.F10)
	b.printed("/print/receipts/0000000001?copies=3")

	b.with(input.ModifierAlt, "2")
	b.focus("number")
	b.looks("s28-cancel")
	b.types("0000000002", kb.Enter)
	b.shows(".scripted #payment-title")
	b.narrow("s29-payment")
	b.types(kb.F9)
	b.shows(".scripted #question")
	b.looks("s29-question")
	b.types(kb.Escape)
	b.focus("number")
	b.types(kb.F9)
	b.shows(".scripted #question")
	b.types(kb.Enter)
	b.shows(".scripted .notice.wait")
	b.looks("s30-awaits")
	b.types(kb.F9)
	b.printed("/print/cancellations/0000000002")
	b.types(kb.F2)
	b.focus("number")
	b.types("3", kb.Enter)
	b.shows(".scripted #payment-title")
	b.types(kb.F9)
	b.shows(".scripted #question")
	b.types(kb.Enter)
	b.shows(".scripted .notice.bad")
	b.looks("s31-refused")

	c.offCard(b)
	b.Go("/register")
	b.looks("s32-register-mixed")
	c.papers(b)
	c.decides(b, w.employ("KAPITAL", "b.admin", tolem.RoleBankAdmin))
}

// day takes what the reports are about.
func (c *counter) day(by *cashier) {
	by.w.t.Helper()
	r := c.r
	r.origin = c.token.URL
	unit := func() {
		for _, line := range by.page.lines() {
			by.send("/payments/view", "view", "units-"+line).send("/payments/unit", "asan-unit", "A1-1", "choosing", line)
		}
	}
	by.account(water, "1001").account(water, "1002", "SUPPLY")
	unit()
	by.send("/payments/calculate", "amount-2", "1234,56").send("/payments/pay").send("/payments/confirm")
	by.account(taxes, "500").send("/payments/unit", "unit", "01")
	unit()
	by.send("/payments/calculate").send("/payments/pay").send("/payments/confirm").says(200, "0000000003")
	for i, fail := range []string{simulator.FailNothing, simulator.FailWrite} {
		r.insert([]tolem.SmartCardNo{"AZ-7", "AZ-2"}[i], []tolem.ProviderID{electro, gas}[i], []string{"7001", "400123"}[i])
		r.scene(simulator.Change{Fail: &fail})
		if i == 0 {
			by.account(electro, "7001")
		} else {
			by.open("/payments/card?organisation=AZERIQAZ").send("/payments/card", r.read(by)...)
		}
		unit()
		by.send("/payments/calculate", "amount-1", "12,50").send("/payments/pay").send("/payments/confirm", r.read(by)...)
		r.carry(by)
	}
	r.scene(simulator.Change{Fail: is(simulator.FailNothing)})
}

// offCard cancels the payment on the card, writes another one again, and shows
// what is on the card, all with the script that speaks to the bridge.
func (c *counter) offCard(b *screen) {
	b.t.Helper()
	b.Go("/cards/0000000005")
	b.narrow("rewrite")
	b.types(kb.F8)
	b.shows(".scripted .notice.good")
	b.Says("Ödəniş SMART karta yazılmışdır")
	b.looks("rewritten")
	b.Go("/card")
	b.looks("s36-card")
	b.types(kb.F9)
	b.shows(".scripted #card-title")
	b.narrow("s36-card-details")
	b.types(kb.F8)
	b.shows(".scripted .window")
	b.looks("s37-card-report")
	b.types(kb.F9)
	b.printed("/print/card")
	c.r.scene(simulator.Change{OperatorCard: is(false)})
	b.Go("/card")
	b.types(kb.F9)
	b.shows(".scripted .notice.bad")
	b.looks("s38-warning")
	c.r.scene(simulator.Change{OperatorCard: is(true)})
	c.r.insert("AZ-7", electro, "7001")
	b.Go("/cancellations?number=4&ask")
	b.looks("s29-card-question")
	b.types(kb.Enter)
	b.shows(".scripted .notice.good")
	b.Says("Ödəniş ləğv edildi", "Kartdan geri götürülüb")
	b.looks("s30-card-cancelled")
}

// papers are what comes out of the printer.
func (c *counter) papers(b *screen) {
	b.t.Helper()
	b.paper("receipt-1", "/print/receipts/1?copies=1", 1, upright)
	b.paper("receipt-3", "/print/receipts/5?copies=3", 1, upright)
	b.paper("basket", "/print/baskets/"+string(c.w.payments()[0].Basket), 2, upright)
	b.paper("cancellation", "/print/cancellations/2", 1, upright)
	b.paper("cancelled", "/print/cancellations/4", 1, upright)
	b.paper("register", "/print/register?asan=yes&day=2026-11-02", 1, across)
	b.paper("summary", "/print/summary?day=2026-11-02", 1, across)
	b.paper("cash-order", "/print/cash-order?asan=yes&day=2026-11-02", 1, upright)
	if os.Getenv(browser.Pictures) == "" {
		return
	}
	for _, name := range []string{"receipts/5?copies=3&", "cancellations/2?", "register?asan=yes&day=2026-11-02&", "summary?day=2026-11-02&", "cash-order?asan=yes&day=2026-11-02&"} {
		file := strings.NewReplacer("/", "-", "?", "", "&", "", "=", "").Replace(name)
		b.keep("pdf-"+file, []byte(c.active.get("/print/"+name+"form=pdf").body))
	}
}

// decides is the bank administrator, with keys.
func (c *counter) decides(b *screen, chief *staff) {
	b.t.Helper()
	c.active = chief
	b.Go("/login")
	b.types(string(chief.person.UserName), kb.Tab, chief.password, kb.Enter)
	b.shows(".scripted table[data-rows]")
	b.narrow("s43-approvals")
	b.types(kb.F8)
	b.shows(".scripted #reason")
	b.looks("s43-reject")
	b.types(kb.Escape)
	b.shows(".scripted table[data-rows]")
	b.types(kb.F9)
	b.shows(".scripted #question")
	b.narrow("s43-approve")
	b.types(kb.Enter)
	b.shows(".scripted .notice.good")
	b.looks("s43-decided")
	if p := c.w.payments()[1]; p.Status != tolem.DeskCancelled {
		b.t.Errorf("%s", p.Status)
	}
}
