package checkout_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/web"
	"tolem/web/checkout"
)

// pictures is a folder for screenshots; without it none are made.
const pictures = "TOLEM_TEST_PICTURES"

// browser is a real one, and what it noticed.
type browser struct {
	context.Context
	t    *testing.T
	site *site

	mu       sync.Mutex
	requests []string
	stopped  []string // by the policy, or failed
	bytes    float64
}

// browse starts Chromium.
func browse(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(tolemtest.RequireTool(t, "chromium")), chromedp.NoSandbox,
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("ignore-certificate-errors", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab opens a tab that watches what it loads.
func (s *site) tab(t *testing.T, chromium context.Context) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	b := &browser{Context: ctx, t: t, site: s}
	chromedp.ListenTarget(ctx, b.notice)
	b.run(network.Enable(), log.Enable(), security.SetIgnoreCertificateErrors(true), network.ClearBrowserCookies(), network.SetCacheDisabled(true))
	return b
}

func (b *browser) notice(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *network.EventLoadingFinished:
		b.bytes += e.EncodedDataLength
	case *log.EventEntryAdded:
		if e.Entry.Source == log.SourceSecurity || strings.Contains(e.Entry.Text, "Content Security Policy") {
			b.stopped = append(b.stopped, e.Entry.Text)
		}
	}
}

func (b *browser) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.Context, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) open(path string) { b.t.Helper(); b.run(chromedp.Navigate(b.site.URL + path)) }

func (b *browser) text() (text string) {
	b.t.Helper()
	b.run(chromedp.Evaluate(`document.body.innerText`, &text))
	return text
}

func (b *browser) says(texts ...string) {
	b.t.Helper()
	got := b.text()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			b.t.Errorf("the page does not say %q:\n%s", text, got)
		}
	}
}

// speak sets the language as the switch does.
func (b *browser) speak(language string) {
	b.t.Helper()
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return network.SetCookie("__Host-language", language).WithURL(b.site.URL).WithPath("/").WithSecure(true).Do(ctx)
	}))
}

// look sets width and colours; zero width is paper.
func (b *browser) look(width int64, scheme string) {
	b.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	media := ""
	if width == 0 {
		width, media = 794, "print"
	}
	b.run(emulation.SetDeviceMetricsOverride(width, 900, 1, width < 600), emulation.SetEmulatedMedia().WithMedia(media).WithFeatures(features))
}

// picture keeps what the page looks like.
func (b *browser) picture(name string) {
	b.t.Helper()
	folder := os.Getenv(pictures)
	if folder == "" {
		return
	}
	var image []byte
	b.run(chromedp.FullScreenshot(&image, 100))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), image, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// clean checks what the browser noticed since the tab was opened: nothing left
// the origin and the policy stopped nothing.
func (b *browser) clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if !strings.HasPrefix(r, b.site.URL+"/") && !strings.HasPrefix(r, "data:") {
			b.t.Errorf("a request left the origin: %s", r)
		}
	}
	for _, s := range b.stopped {
		b.t.Errorf("the browser complains: %s", s)
	}
}

// axe returns the program that looks for barriers.
func axe(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/axe-4.14.1.min.js.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	source, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// violations runs axe on the page, with every rule of WCAG 2.2 AA and the best
// practices.
func (b *browser) violations() (violations []string) {
	b.t.Helper()
	var found string
	b.run(chromedp.Evaluate(`axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}).then(r => JSON.stringify(
		r.violations.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; "))))`, &found,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.t.Fatal(err)
	}
	return violations
}

// barriers checks that nobody is kept out: axe finds nothing, and nothing is
// wider than the screen.
func (b *browser) barriers(where string) {
	b.t.Helper()
	for _, v := range b.violations() {
		b.t.Errorf("%s: %s", where, v)
	}
	var wide float64
	b.run(chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &wide))
	if wide > 0 {
		b.t.Errorf("%s: %v pixels too wide", where, wide)
	}
}

// views are every page: what the payment is, and what is done to get there.
type view struct {
	name    string
	payment checkout.View
	do      func(*browser)
	options options
}

func everyPage() []view {
	var all []view
	for name, c := range stages() {
		all = append(all, view{name: name, payment: c.view})
	}
	link := func(path string) func(*browser) { return func(b *browser) { b.open(path) } }
	account := due()
	account.State, account.Receipt = tolem.AttemptApproved, receipt(tolem.MethodAccount)
	return append(all,
		view{name: "paid-account", payment: account},
		view{name: "sandbox", payment: due(), options: options{sandbox: true, languages: web.Languages}},
		view{name: "mistakes", payment: due(), do: func(b *browser) {
			b.run(chromedp.Click("form#pay .button.wide", chromedp.NodeVisible), chromedp.WaitVisible(".errors"))
		}},
		view{name: "mistakes-account", payment: stages()["form-account"].view, do: func(b *browser) {
			b.run(chromedp.Click("form#pay .button.wide", chromedp.NodeVisible), chromedp.WaitVisible(".errors"))
		}},
		view{name: "link-unknown", payment: due(), do: link("/pay/nonsense")},
		view{name: "link-expired", payment: due(), do: link("/pay/expired")},
		view{name: "link-used", payment: due(), do: func(b *browser) { b.run(network.ClearBrowserCookies()); b.open("/pay/" + token) }},
		view{name: "no-session", payment: due(), do: func(b *browser) { b.run(network.ClearBrowserCookies()); b.open("/pay") }},
		view{name: "not-found", payment: due(), do: link("/nowhere")},
		view{name: "failure", payment: due(), do: func(b *browser) {
			b.site.core.change(func(*checkout.View) { b.site.core.fail = io.ErrUnexpectedEOF })
			b.open("/pay")
		}},
	)
}

// Every page in three languages, light and dark, on a small telephone and on a
// desk: axe finds nothing, nothing is wider than the screen, nothing leaves the
// origin, nothing is stopped by the policy, and no page weighs more than 60 KB.
func TestPagesInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	chromium, source := browse(t), axe(t)
	heaviest, runs := 0.0, 0
	for _, v := range everyPage() {
		t.Run(v.name, func(t *testing.T) {
			for _, language := range []string{"kk", "ru", "en"} {
				b := openWith(t, v.payment, v.options).tab(t, chromium)
				heaviest = math.Max(heaviest, b.arrive(language))
				if v.do != nil {
					v.do(b)
					if b.speak(language); v.name == "link-used" || v.name == "no-session" {
						b.run(chromedp.Reload())
					}
				}
				b.run(chromedp.Evaluate(source+";0", nil))
				runs += b.everyLook(v.name + "-" + language)
				if strings.HasPrefix(v.name, "paid") {
					b.codeIsRead(v.payment.Receipt.QR)
					b.look(0, "light")
					b.picture(v.name + "-" + language + "-print")
					b.oneSheet()
				}
				b.clean()
			}
		})
	}
	t.Logf("axe ran %d times; the heaviest page weighs %.1f KB on the wire", runs, heaviest/1024)
	if heaviest > 60*1024 {
		t.Errorf("a page weighs %.0f bytes", heaviest)
	}
}

// arrive follows the link and returns what the page of the payment weighs.
func (b *browser) arrive(language string) (bytes float64) {
	b.t.Helper()
	b.look(1280, "light")
	b.open("/pay/" + token)
	b.speak(language)
	b.mu.Lock()
	b.bytes = 0
	b.mu.Unlock()
	b.open("/pay")
	return b.weight()
}

// everyLook looks for barriers on a small telephone and a desk, by day and by
// night, and returns how often it has.
func (b *browser) everyLook(name string) (looks int) {
	b.t.Helper()
	for _, width := range []int64{320, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.look(width, scheme)
			where := fmt.Sprintf("%s-%d-%s", name, width, scheme)
			b.barriers(where)
			b.picture(where)
			looks++
		}
	}
	return looks
}

// codeIsRead takes a picture of a small telephone, a dark one, and reads the QR
// code in it. GW-149
func (b *browser) codeIsRead(want string) {
	b.t.Helper()
	b.look(320, "dark")
	var image []byte
	b.run(chromedp.FullScreenshot(&image, 100))
	file := filepath.Join(b.t.TempDir(), "screen.png")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		b.t.Fatal(err)
	}
	read, err := exec.Command(tolemtest.RequireTool(b.t, "zbarimg"), "-q", "--raw", file).Output()
	if strings.TrimSpace(string(read)) != want {
		b.t.Errorf("the code is read as %q, %v", read, err)
	}
}

// oneSheet checks that the page prints on one sheet of paper. GW-151
func (b *browser) oneSheet() {
	b.t.Helper()
	var sheet []byte
	b.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		sheet, _, err = page.PrintToPDF().WithPaperWidth(8.27).WithPaperHeight(11.69).Do(ctx)
		return err
	}))
	if n := len(sheetPattern.FindAll(sheet, -1)); n != 1 {
		b.t.Errorf("the receipt prints on %d sheets", n)
	}
}

var sheetPattern = regexp.MustCompile(`/Type\s*/Page\b`)

// weight is what came over the wire, headers included.
func (b *browser) weight() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// What finds nothing on our pages finds what is wrong on a bad one.
func TestAxeFindsBarriers(t *testing.T) {
	s := open(t, due())
	b := s.tab(t, browse(t))
	b.open("/pay/" + token)
	b.run(chromedp.Evaluate(axe(t)+`; document.querySelector("label").remove(); document.querySelector("h1").style.color = "#ddd"; 0`, nil))
	found := strings.Join(b.violations(), "\n")
	for _, rule := range []string{"label", "color-contrast"} {
		if !strings.Contains(found, rule+":") {
			t.Errorf("axe does not see %s in\n%s", rule, found)
		}
	}
}

// press presses keys, one after the other.
func (b *browser) press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.run(chromedp.KeyEvent(k))
	}
}

// focus returns the id or text of the element that has the focus.
func (b *browser) focus() (id string) {
	b.t.Helper()
	b.run(chromedp.Evaluate(`(document.activeElement.id || document.activeElement.innerText || "").trim()`, &id))
	return id
}

// tabTo presses Tab until the element has the focus.
func (b *browser) tabTo(id string) {
	b.t.Helper()
	for range 30 {
		if b.press(kb.Tab); strings.HasPrefix(b.focus(), id) {
			return
		}
	}
	b.t.Fatalf("Tab never comes to %s", id)
}

// From the link to the receipt and away with the keyboard alone; Enter in a
// field confirms and never switches the language.
func TestKeyboardAlone(t *testing.T) {
	s := open(t, due())
	b := s.tab(t, browse(t))
	b.open("/pay/" + token)
	b.speak("en")
	b.open("/pay")
	b.press(kb.Tab)
	if b.focus() != "Skip to main content" {
		t.Errorf("the first stop is %q", b.focus())
	}
	b.tabTo("method-card")
	b.press(kb.ArrowDown) // to the account and back
	b.says("Account number")
	b.press(kb.ArrowUp)
	b.tabTo("card-number")
	b.press(strings.Split(goodPAN, "")...)
	b.press(kb.Enter) // too early: mistakes are told, the focus can go to them
	b.run(chromedp.WaitVisible(".errors"))
	b.says("There is a problem", "Enter the security code")
	b.tabTo("Enter month and year")
	b.press(kb.Enter)
	b.run(chromedp.Sleep(200 * time.Millisecond))
	for _, field := range [][2]string{{"card-expiry", "0829"}, {"card-cvc", "737"}, {"card-holder", "AIGERIM S"}} {
		if b.focus() != field[0] {
			b.tabTo(field[0])
		}
		b.press(strings.Split(field[1], "")...)
	}
	b.run(chromedp.Focus("#card-number"))
	b.press(strings.Split(goodPAN, "")...)
	b.press(kb.Enter)
	b.run(chromedp.WaitVisible(".progress"))
	b.says("Do not close this page and do not pay again")

	s.core.change(func(v *checkout.View) { v.State, v.Receipt = tolem.AttemptApproved, receipt(tolem.MethodCard) })
	b.tabTo("Check now")
	b.press(kb.Enter)
	b.run(chromedp.WaitVisible("#receipt-title"))
	b.says("Payment complete", "860412300136")
	b.tabTo("Return to the eGov.kz portal")
	if len(s.core.cards) != 1 {
		t.Errorf("%d attempts", len(s.core.cards))
	}
	b.clean()
}

// The switch of the language keeps what was typed, in a real browser too, and
// card data only until then.
func TestSwitchInChromium(t *testing.T) {
	s := open(t, due())
	b := s.tab(t, browse(t))
	b.open("/pay/" + token)
	var holder, number, language string
	b.run(
		chromedp.SendKeys("#card-number", goodPAN), chromedp.SendKeys("#card-holder", "AIGERIM S"),
		chromedp.Click(`nav button[value="ru"]`), chromedp.WaitVisible(`html[lang="ru"] #card-holder`),
		chromedp.Value("#card-holder", &holder), chromedp.Value("#card-number", &number), chromedp.Evaluate(`document.title`, &language),
	)
	if holder != "AIGERIM S" || number != "" || !strings.HasPrefix(language, "Оплата") {
		t.Errorf("holder %q, number %q, title %q", holder, number, language)
	}
	b.clean()
}

// With script switched off everything works, and waiting ends by itself.
func TestWithoutScript(t *testing.T) {
	s := open(t, due())
	b := s.tab(t, browse(t))
	b.run(emulation.SetScriptExecutionDisabled(true))
	b.open("/pay/" + token)
	b.run(
		chromedp.SendKeys("#card-number", goodPAN), chromedp.SendKeys("#card-expiry", "08/29"), chromedp.SendKeys("#card-cvc", "737"),
		chromedp.SendKeys("#card-holder", "Aigerim S"), chromedp.Click("form#pay .button.wide"), chromedp.WaitVisible(".progress"),
	)
	var history []*page.NavigationEntry
	b.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		_, history, err = page.GetNavigationHistory().Do(ctx)
		return err
	}))
	for _, entry := range history {
		u, err := url.Parse(entry.URL)
		if err != nil || u.RawQuery != "" || strings.Contains(entry.URL, token) && u.Path != "/pay/"+token {
			t.Errorf("in the history: %s", entry.URL)
		}
	}
	b.run(chromedp.NavigateBack(), chromedp.WaitVisible(".progress")) // back shows what stands, not the form
	b.run(chromedp.Reload(), chromedp.WaitVisible(".progress"))
	if len(s.core.cards) != 1 {
		t.Errorf("%d attempts", len(s.core.cards))
	}
	b.clean()
}

// A page that waits finds the result without anybody touching it.
func TestWaitingEndsByItself(t *testing.T) {
	v := due()
	v.State = tolem.AttemptSent
	s := openWith(t, v, options{refresh: checkout.DefaultRefresh})
	b := s.tab(t, browse(t))
	b.open("/pay/" + token)
	b.run(chromedp.WaitVisible(".progress"))
	s.core.change(func(v *checkout.View) { v.State, v.Reason = tolem.AttemptRefused, tolem.RefusedInsufficient })
	b.run(chromedp.WaitVisible(".outcome.bad"))
}
