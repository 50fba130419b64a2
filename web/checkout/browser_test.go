package checkout_test

import (
	"context"
	"io"
	"math"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/internal/tolemtest/browser"
	"tolem/web"
	"tolem/web/checkout"
)

// visit is a tab of a real browser on a site.
type visit struct {
	*browser.Tab
	t    *testing.T
	site *site
}

// tab opens a tab.
func (s *site) tab(t *testing.T, chromium context.Context) *visit {
	t.Helper()
	return &visit{Tab: browser.Open(t, chromium, s.URL), t: t, site: s}
}

// views are every page: what the payment is, and what is done to get there.
type view struct {
	name    string
	payment checkout.View
	do      func(*visit)
	options options
}

func everyPage() []view {
	var all []view
	for name, c := range stages() {
		all = append(all, view{name: name, payment: c.view})
	}
	link := func(path string) func(*visit) { return func(b *visit) { b.Go(path) } }
	account := due()
	account.State, account.Receipt = tolem.AttemptApproved, receipt(tolem.MethodAccount)
	return append(all,
		view{name: "paid-account", payment: account},
		view{name: "sandbox", payment: due(), options: options{sandbox: true, languages: web.Languages}},
		view{name: "mistakes", payment: due(), do: func(b *visit) {
			b.Run(chromedp.Click("form#pay .button.wide", chromedp.NodeVisible), chromedp.WaitVisible(".errors"))
		}},
		view{name: "mistakes-account", payment: stages()["form-account"].view, do: func(b *visit) {
			b.Run(chromedp.Click("form#pay .button.wide", chromedp.NodeVisible), chromedp.WaitVisible(".errors"))
		}},
		view{name: "link-unknown", payment: due(), do: link("/pay/nonsense")},
		view{name: "link-expired", payment: due(), do: link("/pay/expired")},
		view{name: "link-used", payment: due(), do: func(b *visit) { b.Run(network.ClearBrowserCookies()); b.Go("/pay/" + token) }},
		view{name: "no-session", payment: due(), do: func(b *visit) { b.Run(network.ClearBrowserCookies()); b.Go("/pay") }},
		view{name: "not-found", payment: due(), do: link("/nowhere")},
		view{name: "failure", payment: due(), do: func(b *visit) {
			b.site.core.change(func(*checkout.View) { b.site.core.fail = io.ErrUnexpectedEOF })
			b.Go("/pay")
		}},
	)
}

// Every page in three languages on a small telephone and on a desk, in Kazakh by
// night too: axe finds nothing, nothing is wider than the screen, nothing leaves the
// origin, nothing is stopped by the policy, and no page weighs more than 60 KB.
func TestPagesInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	chromium := browser.Start(t)
	heaviest, runs := 0.0, 0
	for _, v := range everyPage() {
		t.Run(v.name, func(t *testing.T) {
			for _, language := range []string{"kk", "ru", "en"} {
				b := openWith(t, v.payment, v.options).tab(t, chromium)
				heaviest = math.Max(heaviest, b.arrive(language))
				if v.do != nil {
					v.do(b)
					if b.Speak(language); v.name == "link-used" || v.name == "no-session" {
						b.Run(chromedp.Reload())
					}
				}
				if name := v.name + "-" + language; language == "kk" {
					runs += b.EveryLook(name)
				} else {
					runs += b.Looks(name, "light")
				}
				if strings.HasPrefix(v.name, "paid") {
					b.codeIsRead(v.payment.Receipt.QR)
					b.Look(0, "light")
					b.Picture(v.name + "-" + language + "-print")
					b.oneSheet()
				}
				b.Clean()
			}
		})
	}
	t.Logf("axe ran %d times; the heaviest page weighs %.1f KB on the wire", runs, heaviest/1024)
	if heaviest > 60*1024 {
		t.Errorf("a page weighs %.0f bytes", heaviest)
	}
}

// arrive follows the link and returns what the page of the payment weighs.
func (b *visit) arrive(language string) (bytes float64) {
	b.t.Helper()
	b.Look(1280, "light")
	b.Go("/pay/" + token)
	b.Speak(language)
	b.Weigh()
	b.Go("/pay")
	return b.Weight()
}

// codeIsRead takes a picture of a small telephone, a dark one, and reads the QR
// code in it. GW-149
func (b *visit) codeIsRead(want string) {
	b.t.Helper()
	b.Look(320, "dark")
	file := filepath.Join(b.t.TempDir(), "screen.png")
	b.Photograph(file)
	read, err := exec.Command(tolemtest.RequireTool(b.t, "zbarimg"), "-q", "--raw", file).Output()
	if strings.TrimSpace(string(read)) != want {
		b.t.Errorf("the code is read as %q, %v", read, err)
	}
}

// oneSheet checks that the page prints on one sheet of paper. GW-151
func (b *visit) oneSheet() {
	b.t.Helper()
	var sheet []byte
	b.Run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		sheet, _, err = page.PrintToPDF().WithPaperWidth(8.27).WithPaperHeight(11.69).Do(ctx)
		return err
	}))
	if n := len(sheetPattern.FindAll(sheet, -1)); n != 1 {
		b.t.Errorf("the receipt prints on %d sheets", n)
	}
}

var sheetPattern = regexp.MustCompile(`/Type\s*/Page\b`)

// What finds nothing on our pages finds what is wrong on a bad one.
func TestAxeFindsBarriers(t *testing.T) {
	s := open(t, due())
	b := s.tab(t, browser.Start(t))
	b.Go("/pay/" + token)
	b.Run(chromedp.Evaluate(`document.querySelector("label").remove(); document.querySelector("h1").style.color = "#ddd"; 0`, nil))
	found := strings.Join(b.Violations(), "\n")
	for _, rule := range []string{"label", "color-contrast"} {
		if !strings.Contains(found, rule+":") {
			t.Errorf("axe does not see %s in\n%s", rule, found)
		}
	}
}

// From the link to the receipt and away with the keyboard alone; Enter in a
// field confirms and never switches the language.
func TestKeyboardAlone(t *testing.T) {
	s := open(t, due())
	b := s.tab(t, browser.Start(t))
	b.Go("/pay/" + token)
	b.Speak("en")
	b.Go("/pay")
	b.Press(kb.Tab)
	if b.Focus() != "Skip to main content" {
		t.Errorf("the first stop is %q", b.Focus())
	}
	b.TabTo("method-card")
	b.Press(kb.ArrowDown) // to the account and back
	b.Says("Account number")
	b.Press(kb.ArrowUp)
	b.TabTo("card-number")
	b.Press(strings.Split(goodPAN, "")...)
	b.Press(kb.Enter) // too early: mistakes are told, the focus can go to them
	b.Run(chromedp.WaitVisible(".errors"))
	b.Says("There is a problem", "Enter the security code")
	b.TabTo("Enter month and year")
	b.Press(kb.Enter)
	b.Run(chromedp.Sleep(200 * time.Millisecond))
	for _, field := range [][2]string{{"card-expiry", "0829"}, {"card-cvc", "737"}, {"card-holder", "AIGERIM S"}} {
		if b.Focus() != field[0] {
			b.TabTo(field[0])
		}
		b.Press(strings.Split(field[1], "")...)
	}
	b.Run(chromedp.Focus("#card-number"))
	b.Press(strings.Split(goodPAN, "")...)
	b.Press(kb.Enter)
	b.Run(chromedp.WaitVisible(".progress"))
	b.Says("Do not pay again")

	s.core.change(func(v *checkout.View) { v.State, v.Receipt = tolem.AttemptApproved, receipt(tolem.MethodCard) })
	b.TabTo("Check now")
	b.Press(kb.Enter)
	b.Run(chromedp.WaitVisible("#receipt-title"))
	b.Says("Payment complete", "860412300136")
	b.TabTo("Return to the eGov.kz portal")
	if len(s.core.cards) != 1 {
		t.Errorf("%d attempts", len(s.core.cards))
	}
	b.Clean()
}

// The switch of the language keeps what was typed, in a real browser too, and
// card data only until then.
func TestSwitchInChromium(t *testing.T) {
	s := open(t, due())
	b := s.tab(t, browser.Start(t))
	b.Go("/pay/" + token)
	var holder, number, language string
	b.Run(
		chromedp.SendKeys("#card-number", goodPAN), chromedp.SendKeys("#card-holder", "AIGERIM S"),
		chromedp.Click(`nav button[value="ru"]`), chromedp.WaitVisible(`html[lang="ru"] #card-holder`),
		chromedp.Value("#card-holder", &holder), chromedp.Value("#card-number", &number), chromedp.Evaluate(`document.title`, &language),
	)
	if holder != "AIGERIM S" || number != "" || !strings.HasPrefix(language, "Оплата") {
		t.Errorf("holder %q, number %q, title %q", holder, number, language)
	}
	b.Clean()
}

// With script switched off everything works, and waiting ends by itself.
func TestWithoutScript(t *testing.T) {
	s := open(t, due())
	b := s.tab(t, browser.Start(t))
	b.Run(emulation.SetScriptExecutionDisabled(true))
	b.Go("/pay/" + token)
	b.Run(
		chromedp.SendKeys("#card-number", goodPAN), chromedp.SendKeys("#card-expiry", "08/29"), chromedp.SendKeys("#card-cvc", "737"),
		chromedp.SendKeys("#card-holder", "Aigerim S"), chromedp.Click("form#pay .button.wide"), chromedp.WaitVisible(".progress"),
	)
	for _, address := range b.History() {
		u, err := url.Parse(address)
		if err != nil || u.RawQuery != "" || strings.Contains(address, token) && u.Path != "/pay/"+token {
			t.Errorf("in the history: %s", address)
		}
	}
	b.Run(chromedp.NavigateBack(), chromedp.WaitVisible(".progress")) // back shows what stands, not the form
	b.Run(chromedp.Reload(), chromedp.WaitVisible(".progress"))
	if len(s.core.cards) != 1 {
		t.Errorf("%d attempts", len(s.core.cards))
	}
	b.Clean()
}

// A page that waits finds the result without anybody touching it.
func TestWaitingEndsByItself(t *testing.T) {
	v := due()
	v.State = tolem.AttemptSent
	s := openWith(t, v, options{refresh: checkout.DefaultRefresh})
	b := s.tab(t, browser.Start(t))
	b.Go("/pay/" + token)
	b.Run(chromedp.WaitVisible(".progress"))
	s.core.change(func(v *checkout.View) { v.State, v.Reason = tolem.AttemptRefused, tolem.RefusedInsufficient })
	b.Run(chromedp.WaitVisible(".outcome.bad"))
}
