package workplace_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/internal/tolemtest/browser"
	"tolem/smartcard/bridge/simulator"
)

// screen is a tab of a real browser whose connections are opened with the
// certificate of somebody's e-token.
type screen struct {
	*browser.Tab
	t    *testing.T
	w    *world
	keys int // pressed since the count began
}

// counter is where people sit: a world, a bridge with cards, and a browser.
type counter struct {
	w      *world
	r      *reader
	token  *httptest.Server // carries the certificate
	active *staff
}

// newCounter opens a world for a browser. A browser without a screen shows no
// list of certificates to choose from, so the connections go through a program
// that has one, as the e-token's simulator does (operator-workplace.md, 8.1).
func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{token: httptest.NewUnstartedServer(nil)}
	cards := httptest.NewUnstartedServer(nil)
	origin := "https://" + c.token.Listener.Addr().String()
	c.w = newTill(t, tolemtest.SQLite(t), func(w *world) { w.bridge = cards.Listener.Addr().String() })
	c.r = newReader(t, c.w, cards, origin)
	c.token.Config.Handler = http.HandlerFunc(c.forward)
	c.token.Config.ErrorLog = log.New(io.Discard, "", 0)
	c.token.StartTLS()
	t.Cleanup(c.token.Close)
	return c
}

func (c *counter) forward(w http.ResponseWriter, r *http.Request) {
	roots := x509.NewCertPool()
	roots.AddCert(c.w.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{c.active.token.TLS()}}}
	defer transport.CloseIdleConnections()
	target, err := url.Parse(c.w.URL)
	c.w.must(err)
	(&httputil.ReverseProxy{Transport: transport, ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.Host = p.In.Host
	}}).ServeHTTP(w, r)
}

// sits signs somebody in at the browser.
func (c *counter) sits(t *testing.T, chromium context.Context, s *staff) *screen {
	t.Helper()
	c.active = s
	b := &screen{Tab: browser.Open(t, chromium, c.token.URL), t: t, w: c.w}
	b.size(1366, 768)
	b.Run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument("window.print = function () { top.printed = (top.printed || []).concat(location.pathname + location.search); }").Do(ctx)
		return err
	}))
	b.Go("/login")
	b.types(string(s.person.UserName), kb.Tab, s.password, kb.Enter)
	b.shows("#organisation")
	return b
}

func (b *screen) size(width, height int64) {
	b.t.Helper()
	b.Run(emulation.SetDeviceMetricsOverride(width, height, 1, false))
}

// types types texts and presses keys; each counts.
func (b *screen) types(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.Run(chromedp.KeyEvent(text))
		b.keys += len([]rune(text))
	}
}

// with presses a key with others held down.
func (b *screen) with(m input.Modifier, key string) {
	b.t.Helper()
	b.Run(chromedp.KeyEvent(key, chromedp.KeyModifiers(m)))
	b.keys++
}

// shows waits for an element.
func (b *screen) shows(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Context, 40*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.WaitVisible(selector, chromedp.ByQuery)); err != nil {
		b.Picture("stuck")
		b.t.Fatalf("%s is never seen: %v\n%s", selector, err, b.Text())
	}
	for range 250 { // a key counts when the page's script runs
		var state string
		if b.Run(chromedp.Evaluate("document.readyState", &state)); state == "complete" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// focus waits until the next key goes to the element whose id begins so.
func (b *screen) focus(id string) {
	b.t.Helper()
	b.shows("[id^=" + id + "]")
	for range 250 {
		if strings.HasPrefix(b.Focus(), id) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.Picture("stuck")
	b.t.Fatalf("the focus is on %q, want %q", b.Focus(), id)
}

// looks takes a picture and looks for barriers.
func (b *screen) looks(name string) {
	b.t.Helper()
	b.Picture(name + "-1366")
	b.Barriers(name)
}

// narrow looks at the page on a small telephone too.
func (b *screen) narrow(name string) {
	b.t.Helper()
	b.looks(name)
	b.size(320, 640)
	b.Picture(name + "-320")
	b.Barriers(name + "-320")
	b.size(1366, 768)
}

// printed are the papers that were sent to the printer since the page came.
func (b *screen) printed(path string) {
	b.t.Helper()
	for range 250 {
		var list []string
		b.Run(chromedp.Evaluate("window.printed || []", &list))
		if slices.Contains(list, path) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.t.Errorf("%s was not printed", path)
}

// Whole payments with the keyboard alone, and every screen of a payment looked
// at: nobody is kept out, nothing is stopped by the policy, and papers go to the
// printer from where one stands. WP-003, WP-030, WP-045, WP-049, WP-063 to WP-067, WP-070 to WP-075, WP-088 to WP-099, WP-537
func TestPaymentsInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	c := newCounter(t)
	lale, asan := c.w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator), c.w.employ("KAPITAL", "a.asan", tolem.RoleAsanOperator)
	chromium := browser.Start(t)
	t.Run("keyboard", func(t *testing.T) { c.keyboard(t, c.sits(t, chromium, lale)) })
	t.Run("several", func(t *testing.T) { c.several(t, c.sits(t, chromium, lale)) })
	t.Run("cards", func(t *testing.T) { c.cards(t, c.sits(t, chromium, lale)) })
	t.Run("without script", func(t *testing.T) { c.plain(t, c.sits(t, chromium, lale)) })
	t.Run("asan", func(t *testing.T) { c.units(t, c.sits(t, chromium, asan)) })
}

// keyboard pays a debt as a cashier with a queue does. WP-030, WP-031, WP-033, WP-051, WP-053, WP-055, WP-064 to WP-067, WP-537
func (c *counter) keyboard(t *testing.T, b *screen) {
	b.focus("organisation")
	b.looks("s11-payments")
	b.types("su")
	b.shows("#hit-0")
	b.looks("s11-typing")
	b.Run(chromedp.Evaluate(`document.getElementById("organisation").value = ""`, nil))
	b.keys = 0
	b.types("azərsu", kb.Enter) // faster than any answer
	b.focus("account")
	b.looks("s13-account")
	b.types("1001", kb.Enter)
	b.focus("amount-1")
	b.narrow("s14-basket")
	b.types(kb.Enter)
	b.focus("pay")
	b.looks("s18-calculated")
	b.types(kb.Enter)
	b.shows("#confirm")
	b.narrow("s19-confirm")
	b.types(kb.Enter)
	b.shows("details.copies")
	t.Logf("%d keys from the organisation to the completion, 11 of them its name and the account", b.keys)
	b.narrow("s20-completed")
	if got := b.Focus(); !strings.HasPrefix(got, "1 nüsxə") {
		t.Errorf("the focus is on %q", got)
	}
	b.types("3")
	b.printed("/print/receipts/0000000001?copies=3")
	b.types(kb.F2)
	b.focus("organisation")

	// several lines: list, codes, rows
	b.types(kb.F4)
	b.shows("dialog:modal")
	b.narrow("s12-list")
	b.types("v") // Vergilər
	if got := b.Focus(); got != "Vergilər Nazirliyi" {
		t.Errorf("the letter leads to %q", got)
	}
	b.types(kb.Escape)
	b.focus("organisation")
	b.types(kb.F4)
	b.shows("dialog:modal")
	b.types(kb.ArrowDown, kb.ArrowDown, kb.Enter)
	b.shows("#account")
	b.types(kb.F2)
	b.focus("organisation")
	b.types("azərsu", kb.Enter)
	b.focus("account")
	b.types("1002", kb.Enter)
	b.shows("dialog:modal")
	b.narrow("s15-codes")
	b.types("1", "2", kb.Enter)
	b.focus("amount-1")
	b.types("7,5", kb.ArrowDown, "x", kb.Enter)
	b.shows("#wrong-2")
	b.focus("amount-2")
	b.looks("s14-mistake")
	b.types("8", kb.F9)
	b.focus("pay")
	b.types(kb.Shift) // nothing
	b.Run(chromedp.Focus("#amount-2"))
	b.types("9")
	var disabled bool
	b.Run(chromedp.Evaluate(`document.getElementById("pay").disabled`, &disabled))
	if !disabled {
		t.Error("“Ödə” is enabled after a change")
	}
	b.types(kb.F7)
	b.shows("dialog:modal")
	b.looks("s17-details")
	b.with(input.ModifierCtrl, "p")
	b.printed("/print/accounts/2")
	b.types(kb.Escape)
	b.shows("main:not(:has(dialog)) #account")
	b.Run(chromedp.Focus("#amount-2"))
	b.with(input.ModifierCtrl, kb.Delete)
	b.shows("main:not(:has(#amount-2)) #amount-1")
	if text := b.Text(); strings.Contains(text, "Kanalizasiya") {
		t.Error("the line was not deleted")
	}
	b.types(kb.F9)
	b.focus("pay")
	b.with(input.ModifierCtrl, kb.Enter)
	b.shows("#confirm")
	b.types(kb.Escape)
	b.focus("pay")
	b.with(input.ModifierAlt, kb.Delete)
	b.shows(".empty")
	b.Clean()
}

// cards pays for gas and electricity with cards in the reader. WP-070 to WP-075, WP-088 to WP-099, WP-551
func (c *counter) cards(t *testing.T, b *screen) {
	c.r.insert("AZ-2", gas, "400123")
	b.types("qaz", kb.Enter)
	b.focus("account")
	b.looks("s13-gas")
	b.types(kb.F8)
	b.shows("form[data-card-read]")
	b.looks("s24-card")
	c.r.scene(simulator.Change{CustomerCard: is(false)})
	b.types(kb.Enter)
	b.shows(".notice.bad")
	b.looks("s26-unreadable")
	b.Says("SMART kart oxuna bilmədi", "Müştəri kartı qurğuya daxil edilməmişdir")
	c.r.scene(simulator.Change{CustomerCard: is(true)})
	b.types(kb.F8)
	b.focus("amount-")
	b.narrow("s25-amount")
	b.types("20", kb.Enter)
	b.focus("pay")
	b.types(kb.Enter)
	b.shows("#confirm")
	b.looks("s19-card")
	b.types(kb.Enter)
	b.shows(".notice.good")
	b.Says("SMART karta 20,00 AZN yazılmışdır")
	b.looks("s21-written")

	// nobody answers while the card is written: the page asks again
	b.types(kb.F2)
	b.focus("organisation")
	c.r.insert("AZ-7", electro, "7001")
	c.r.scene(simulator.Change{Hold: is(simulator.HoldAfter)})
	b.types("azərişıq", kb.Enter)
	b.focus("account")
	b.types("7001", kb.Enter)
	b.focus("amount-")
	b.types("9", kb.Enter)
	b.focus("pay")
	b.types(kb.Enter)
	b.shows("#confirm")
	b.types(kb.Enter)
	b.shows("[data-ticket]")
	b.Picture("s20-writing-1366")
	c.r.scene(simulator.Change{Hold: is(simulator.HoldNothing)})
	b.shows(".notice.good")
	b.Says("SMART karta 9,00 AZN yazılmışdır")
	if got := c.r.sim.Scene().Cards["AZ-7"].Changes; got != 1 {
		t.Errorf("the card was changed %d times", got)
	}

	// no reader: without writing
	b.types(kb.F2)
	b.focus("organisation")
	c.r.scene(simulator.Change{Reader: is(false)})
	b.types("azərişıq", kb.Enter)
	b.focus("account")
	b.types("7001", kb.Enter)
	b.focus("amount-")
	b.types("4", kb.Enter)
	b.focus("pay")
	b.types(kb.Enter)
	b.shows("#confirm")
	b.types(kb.Enter)
	b.shows("form:has([name=without])")
	b.looks("s22-without")
	b.types(kb.F9)
	b.shows("details.copies")
	b.looks("s23-completed")
	c.r.scene(simulator.Change{Reader: is(true), Fail: is(simulator.FailWrite), Load: true})

	// the write fails
	b.types(kb.F2)
	b.focus("organisation")
	b.types("azərişıq", kb.Enter)
	b.focus("account")
	b.types("7001", kb.Enter)
	b.focus("amount-")
	b.types("3", kb.Enter)
	b.focus("pay")
	b.types(kb.Enter)
	b.shows("#confirm")
	b.types(kb.Enter)
	b.shows(".notice.bad")
	b.Says("Ödəniş SMART karta yazıla bilmədi")
	b.looks("s27-failed")
}

// several pays two lines at once: each is printed from its row, or all together.
// WP-043, WP-063 to WP-066
func (c *counter) several(t *testing.T, b *screen) {
	b.types("azərsu", kb.Enter)
	b.focus("account")
	b.types("1002", kb.Enter)
	b.shows("dialog:modal")
	b.types("1", "2", kb.Enter)
	b.focus("amount-")
	b.types("1", kb.ArrowDown, "2", kb.F9)
	b.focus("pay")
	b.types(kb.Enter)
	b.shows("#confirm")
	b.types(kb.F9)
	b.shows("details.copies")
	b.narrow("s20-several")
	var address string
	b.Run(chromedp.Evaluate("location.pathname", &address))
	b.with(input.ModifierCtrl, "p")
	b.printed(strings.Replace(address, "/payments/completed/", "/print/baskets/", 1) + "?copies=3")
	b.Run(chromedp.Focus("tbody tr:nth-child(2) summary", chromedp.ByQuery))
	b.types("1")
	b.printed("/print/receipts/0000000003?copies=1")
	b.types(kb.F2)
	b.focus("organisation")
	b.Clean()
}

// plain pays in a browser that runs no script: windows stand in the page, Enter
// goes on.
func (c *counter) plain(t *testing.T, b *screen) {
	b.Run(emulation.SetScriptExecutionDisabled(true))
	b.Go("/payments")
	b.shows("#organisation")
	b.types("azərsu", kb.Enter)
	b.shows("#account")
	b.types("1002", kb.Enter)
	b.shows("dialog[open]")
	b.Picture("plain-codes-1366")
	b.types(" ", kb.Enter)
	b.shows("input.amount")
	b.types("6", kb.Enter)
	b.shows("#pay:enabled")
	b.types(kb.Enter)
	b.shows("#confirm")
	b.types(kb.Enter)
	b.shows("details.copies")
	b.Picture("plain-completed-1366")
}

// units chooses receiver and ASAN unit in the row. WP-044 to WP-050
func (c *counter) units(t *testing.T, b *screen) {
	b.types("vergi", kb.Enter)
	b.focus("account")
	b.types("500", kb.Enter)
	b.focus("unit")
	b.narrow("s16-units")
	b.types("G", kb.Tab, "A", kb.Enter) // Gəncə, ASAN
	b.focus("amount-")
	b.looks("s16-chosen")
	b.Says("Gəncə Vergi İdarəsi", "ASAN bölmə 1")
	b.types(kb.F6)
	b.focus("unit")
	b.types(kb.Enter)
	b.focus("amount-")
	b.Run(chromedp.Click(`tr.line th`, chromedp.ByQuery)) // a click on the row, too
	b.focus("unit")
	b.Clean()
}
