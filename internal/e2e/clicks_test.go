package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tolem"
	"tolem/banks/sandbox"
	"tolem/internal/tolemtest"
)

// pictures is a folder for screenshots; without it they go with the test.
const pictures = "TOLEM_TEST_PICTURES"

// turns is how long a page may take to become another one: the longest is that
// of an answer that was lost, after which the bank is asked and the page looks
// again four times a minute.
const turns = 45 * time.Second

// playground is `tolem sandbox` with a browser in front of it.
type playground struct {
	t                       *testing.T
	Portal, Shop, Page, Dir string
	chromium                context.Context
	folder                  string
}

// openPlayground starts the sandbox as a person would, and Chromium.
func openPlayground(t *testing.T) *playground {
	t.Helper()
	chromium := tolemtest.RequireTool(t, "chromium")
	p := &playground{t: t, folder: os.Getenv(pictures)}
	if p.folder == "" {
		p.folder = t.TempDir()
	}
	cmd := exec.Command(program(t), "sandbox", "--json", "--ports", "auto", "--parts", "pay", "--dir", filepath.Join(t.TempDir(), "sandbox"))
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.explain()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the sandbox ended: %v, %s", err, &problems)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, p) != nil {
		t.Fatalf("the sandbox says %q, %v", line, err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("lang", "en-US"))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	if p.chromium, cancel = chromedp.NewContext(ctx); chromedp.Run(p.chromium) != nil {
		t.Fatal("Chromium does not start")
	}
	t.Cleanup(cancel)
	return p
}

// explain shows what the gateway complained about, if the test has failed.
func (p *playground) explain() {
	log, err := os.ReadFile(filepath.Join(p.Dir, "gateway.log"))
	if !p.t.Failed() || err != nil {
		return
	}
	for line := range strings.Lines(string(log)) {
		if !strings.Contains(line, `"level":"info"`) {
			p.t.Log(line)
		}
	}
}

// person is somebody with a browser of their own.
type person struct {
	context.Context
	*playground
	t    *testing.T
	past cdp.BrowserContextID // with the cookies

	mu    sync.Mutex
	links []string // of the payment page, with their tokens
	wrong []string // what the browser complains about
}

// person opens a browser that nobody has used before.
func (p *playground) person(t *testing.T) *person {
	t.Helper()
	var past cdp.BrowserContextID
	err := chromedp.Run(p.chromium, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		past, err = target.CreateBrowserContext().Do(cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser))
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	return p.window(t, past)
}

// window opens another window of a browser.
func (p *playground) window(t *testing.T, past cdp.BrowserContextID) *person {
	t.Helper()
	var window target.ID
	err := chromedp.Run(p.chromium, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		window, err = target.CreateTarget("about:blank").WithBrowserContextID(past).WithNewWindow(true).
			Do(cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser))
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(p.chromium, chromedp.WithTargetID(window))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &person{Context: ctx, playground: p, t: t, past: past}
	chromedp.ListenTarget(ctx, b.notice)
	b.do(network.Enable(), log.Enable(), emulation.SetDeviceMetricsOverride(1000, 900, 1, false))
	return b
}

func (b *person) notice(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if token, ok := strings.CutPrefix(e.Request.URL, b.Page+"/"); ok && len(token) > 40 {
			b.links = append(b.links, e.Request.URL)
		}
	case *log.EventEntryAdded:
		if e.Entry.Source == log.SourceSecurity || strings.Contains(e.Entry.Text, "Content Security Policy") {
			b.wrong = append(b.wrong, e.Entry.Text)
		}
	}
}

func (b *person) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.Context, actions...); err != nil {
		var text string
		_ = chromedp.Run(b.Context, chromedp.Evaluate(`location.href + "\n" + document.body.innerText`, &text))
		b.t.Fatalf("%v, on\n%s", err, text)
	}
}

func (b *person) goTo(address string) { b.t.Helper(); b.do(chromedp.Navigate(address)) }

func (b *person) click(selector string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(selector), chromedp.Click(selector))
}

func (b *person) fill(id, text string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible("#"+id), chromedp.Evaluate(`document.getElementById("`+id+`").value = ""`, nil), chromedp.SendKeys("#"+id, text))
}

// sees waits for a page with this headline, keeps a picture of it, and wants the
// words on it.
func (b *person) sees(picture, headline string, words ...string) {
	b.t.Helper()
	var text string
	for deadline := time.Now().Add(turns); ; time.Sleep(50 * time.Millisecond) {
		var title string
		err := chromedp.Run(b.Context, chromedp.Evaluate(`(document.querySelector("h1")||{innerText:""}).innerText`, &title),
			chromedp.Evaluate(`document.body.innerText`, &text))
		if err == nil && title == headline {
			break
		}
		if time.Now().After(deadline) || b.Err() != nil {
			b.shoot(picture)
			b.t.Fatalf("no page %q, %v; there is\n%s", headline, err, text)
		}
	}
	b.shoot(picture)
	text = strings.ReplaceAll(text, "\u00a0", " ")
	for _, w := range words {
		if !strings.Contains(text, w) {
			b.t.Errorf("the page %q does not say %q:\n%s", headline, w, text)
		}
	}
}

// told waits until an element of the portal's or shop's page says one of these.
func (b *person) told(picture, id string, wants ...string) {
	b.t.Helper()
	var text string
	for deadline := time.Now().Add(turns); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		err := chromedp.Run(b.Context, chromedp.Evaluate(fmt.Sprintf(`(document.getElementById(%q)||{innerText:""}).innerText`, id), &text))
		if err == nil && slices.Contains(wants, text) {
			b.shoot(picture)
			return
		}
	}
	b.shoot(picture)
	b.t.Errorf("%s is %q, want %q", id, text, wants)
}

// shoot keeps what the page looks like.
func (b *person) shoot(name string) {
	b.t.Helper()
	if name == "" {
		return
	}
	var image []byte
	if err := chromedp.Run(b.Context, chromedp.FullScreenshot(&image, 100)); err != nil {
		return // a page that is just being left
	}
	if err := os.MkdirAll(b.folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.folder, name+".png"), image, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// script says how the bank that takes the cards behaves.
func (b *person) script(text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.Dir, "banks", "ALTYN", "script.txt"), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// site is where the payment page shows what the browser is paying.
func (p *playground) site() string { return p.Page }

// link is the last address that led to the payment page.
func (b *person) link() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.links) == 0 {
		b.t.Fatal("nothing has led to the payment page")
	}
	return b.links[len(b.links)-1]
}

// caught returns the address to which a click leads, which is not opened.
func (b *person) caught(selector string) string {
	b.t.Helper()
	caught := make(chan string, 1)
	ctx, cancel := context.WithCancel(b.Context)
	defer cancel()
	chromedp.ListenTarget(ctx, func(event any) {
		if e, ok := event.(*fetch.EventRequestPaused); ok {
			go func() {
				if err := chromedp.Run(b.Context, fetch.FailRequest(e.RequestID, network.ErrorReasonAborted)); err != nil {
					return // it was not held back: there is another, or the wait ends
				}
				select {
				case caught <- e.Request.URL:
				default:
				}
			}()
		}
	})
	b.do(fetch.Enable().WithPatterns([]*fetch.RequestPattern{{URLPattern: b.Page + "*"}}), chromedp.WaitVisible(selector), chromedp.Click(selector))
	select {
	case address := <-caught:
		b.do(fetch.Disable())
		return address
	case <-time.After(turns):
		b.t.Fatal("the click does not lead to the payment page")
		return ""
	}
}

// calm is the end of every visit: the browser had nothing to complain about.
func (b *person) calm() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.wrong {
		b.t.Errorf("the browser complains: %s", w)
	}
}

const goodCard = "4111 1111 1111 1111"

func caseCard(name string) string    { return sandbox.CaseNamed(name).Card() }
func caseAccount(name string) string { return sandbox.CaseNamed(name).Account() }

// card pays the open form by card.
func (b *person) card(number string) {
	b.t.Helper()
	b.fill("card-number", number)
	b.fill("card-expiry", "12/39")
	b.fill("card-cvc", "737")
	b.fill("card-holder", "AIGUL SERIKOVA")
	b.click("form#pay .button.wide")
}

// account pays the open form from an account.
func (b *person) account(number string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible("#bank"), chromedp.Evaluate(`document.getElementById("bank").value = "ALTYN"`, nil))
	b.fill("account", number)
	b.click("form#pay .button.wide")
}

// orders a certificate at the portal and is sent to the payment page.
func (b *person) orders(method string) {
	b.t.Helper()
	b.goTo(b.Portal + "/order/BIRTH-CERT")
	b.click(`#order button[value="` + method + `"]`)
	b.sees("", "Payment")
}

// returns to whoever sent the payer.
func (b *person) returns() {
	b.t.Helper()
	b.click(`.outcome .actions a[rel=noreferrer]`)
}

// buys something at the shop, up to its page of the order.
func (b *person) buys() {
	b.t.Helper()
	b.goTo(b.Shop)
	b.click("#order")
	b.do(chromedp.WaitVisible("#pay"))
}

// rewind makes the gateway believe that the latest visit began long ago.
func (p *playground) rewind(t *testing.T) {
	t.Helper()
	db := openRaw(t, "sqlite:"+filepath.Join(p.Dir, "tolem.db"))
	defer db.Close()
	_, err := db.ExecContext(t.Context(), `UPDATE checkout SET expires_at = expires_at - $1, input_by = input_by - $1,
		redeemed_at = CASE WHEN redeemed_at > 0 THEN redeemed_at - $1 ELSE 0 END, version = version + 1 WHERE created_at = (SELECT MAX(created_at) FROM checkout)`, (tolem.InputTTL + time.Minute).Microseconds())
	if err != nil {
		t.Fatal(err)
	}
}

// A person clicks through both use cases and the purchase at a shop, to every
// end there is: the page says what is so, and the portal or the shop is told the
// same.
//
// GW-078 GW-079 GW-081 GW-086 GW-094 GW-097 GW-098 GW-102 GW-139 GW-149 GW-P32 GW-P34 ACQ-P06 ACQ-P08 ACQ-P09 ACQ-P10 ACQ-P11 ACQ-P14
func TestClickedThrough(t *testing.T) {
	t.Parallel() // most of it is waiting
	p := openPlayground(t)
	for _, way := range []struct {
		name string
		goes func(*person)
	}{
		{"card: paid", cardPaid},
		{"card: refused, then paid", cardRefusedThenPaid},
		{"card: cancelled", cardCancelled},
		{"card: left", cardLeft},
		{"card: link too old", linkTooOld},
		{"card: link opened elsewhere", linkOpenedElsewhere},
		{"card: nobody knows, then paid", cardUnknownThenPaid},
		{"card: nobody knows, then refused", cardUnknownThenRefused},
		{"card: paid in another window", paidInAnotherWindow},
		{"account: paid", accountPaid},
		{"account: refused", accountRefused},
		{"shop: paid", shopPaid},
		{"shop: refused, then paid", shopRefusedThenPaid},
		{"shop: order paid twice", shopPaidTwice},
		{"shop: redirect altered", shopAltered},
		{"without mouse and script", withoutMouseAndScript},
	} {
		t.Run(way.name, func(t *testing.T) {
			b := p.person(t)
			way.goes(b)
			b.calm()
		})
	}
}

func cardPaid(b *person) {
	b.goTo(b.Portal)
	b.sees("portal-1-services", "Services")
	b.goTo(b.Portal + "/order/BIRTH-CERT")
	b.sees("portal-2-order", "Birth certificate")
	b.click(`#order button[value=CARD]`)
	b.sees("card-1-form", "Payment", "1 200,00", "Birth certificate")
	b.click("form#pay .button.wide")
	b.do(chromedp.WaitVisible(".errors"))
	b.sees("card-2-mistakes", "Payment", "Enter")
	b.card(goodCard)
	b.sees("card-3-waiting", "Your bank is processing the payment", "Do not pay again", "411111******1111")
	b.sees("card-4-paid", "Payment complete", "1 200,00", "411111******1111")
	b.returns()
	b.told("portal-3-paid", "stage", "PAID")
	b.told("", "state", "PAID")
	b.click("#receipt")
	b.do(chromedp.WaitVisible("#verified"))
	b.shoot("portal-4-receipt")
}

func cardRefusedThenPaid(b *person) {
	b.orders("CARD")
	b.card(caseCard("insufficient funds"))
	b.sees("card-5-refused", "The payment was refused", "not enough money", "No money has been taken")
	b.click(`a[href="/pay/again"]`)
	b.card(goodCard)
	b.sees("", "Payment complete")
	b.returns()
	b.told("", "stage", "PAID")
}

func cardCancelled(b *person) {
	b.orders("CARD")
	b.click(`form[action="/pay/cancel"] button`)
	b.sees("card-6-cancelled", "You have cancelled the payment", "No money has been taken")
	b.returns()
	b.told("portal-5-abandoned", "stage", "ABANDONED")
	b.told("", "state", "ISSUED")
}

func cardLeft(b *person) {
	b.orders("CARD")
	b.rewind(b.t)
	b.card(goodCard)
	b.sees("card-7-expired", "The time to pay has run out", "No money has been taken")
	b.returns()
	b.told("", "stage", "ABANDONED")
	b.told("", "state", "ISSUED")
}

func linkTooOld(b *person) {
	b.goTo(b.Portal + "/order/BIRTH-CERT")
	link := b.caught(`#order button[value=CARD]`)
	b.rewind(b.t)
	b.goTo(link)
	b.sees("link-1-expired", "The payment link has expired", "No money has been taken")
	b.goTo(link[:len(link)-3] + "xyz")
	b.sees("link-2-unknown", "There is no such payment link")
}

func linkOpenedElsewhere(b *person) {
	b.orders("CARD")
	link := b.link()
	thief := b.person(b.t)
	thief.goTo(link)
	thief.sees("link-3-used", "This payment link was already used")
	b.goTo(link) // the same browser finds its page again
	b.card(goodCard)
	b.sees("", "Payment complete")
}

func cardUnknownThenPaid(b *person) {
	// The bank is asked in vain: what decides is that it notifies, later.
	b.script("next AuthorizeCard approve; lost; notify-late\nalways GetStatus approve; lost\n")
	defer b.script("\n")
	b.orders("CARD")
	time.Sleep(2 * time.Second) // the script is read
	b.card(goodCard)
	b.sees("card-8-unknown", "The result is not known yet", "Do not pay again")
	b.returns()
	b.told("portal-6-unknown", "stage", "UNKNOWN", "PAID") // on a slow machine the bank has notified by now
	b.goTo(b.site())
	b.sees("", "Payment complete")
	b.returns()
	b.told("", "stage", "PAID")
}

func cardUnknownThenRefused(b *person) {
	b.orders("CARD")
	b.card(caseCard("not done, connection lost"))
	b.sees("", "The result is not known yet")
	b.sees("card-9-refused-by-silence", "The payment was refused", "No money has been taken")
	b.returns()
	b.told("", "stage", "REFUSED")
	b.told("portal-7-refused", "refusal", "BANK_PROBLEM")
}

// Two windows of one browser show the same form: one of them pays, and the
// other finds it paid.
func paidInAnotherWindow(b *person) {
	b.orders("CARD")
	b.do(chromedp.WaitVisible("#card-number"))
	other := b.window(b.t, b.past)
	other.do(emulation.SetDeviceMetricsOverride(320, 640, 2, true)) // as on a telephone
	other.goTo(b.site())
	other.sees("card-10-form-telephone", "Payment")
	other.card(goodCard)
	other.sees("card-11-paid-telephone", "Payment complete")
	b.card(goodCard)
	b.sees("", "Payment complete")
	b.do(chromedp.NavigateBack())
	b.sees("", "Payment complete") // not the form
	b.returns()
	b.told("", "stage", "PAID")
}

func accountPaid(b *person) {
	b.orders("ACCOUNT")
	b.shoot("account-1-form")
	b.account("KZ86125KZT5004100100")
	b.sees("account-2-paid", "Payment complete", "1 200,00")
	b.returns()
	b.told("portal-8-account-paid", "stage", "PAID")
	b.told("", "state", "PAID")
}

func accountRefused(b *person) {
	b.orders("ACCOUNT")
	b.account(caseAccount("wrong account"))
	b.sees("account-3-refused", "The payment was refused", "No money has been taken")
	b.returns()
	b.told("", "stage", "REFUSED")
	b.told("", "code", "–")
	b.told("", "refusal", "WRONG_ACCOUNT")
}

func shopPaid(b *person) {
	b.goTo(b.Shop)
	b.sees("shop-1-goods", "Goods")
	b.click("#order")
	b.do(chromedp.WaitVisible("#pay"))
	b.shoot("shop-2-order")
	b.click("#pay")
	b.sees("shop-3-form", "Payment")
	b.card(goodCard)
	b.sees("shop-4-paid", "Payment complete")
	b.returns()
	b.told("shop-5-paid", "state", "PAID")
}

func shopRefusedThenPaid(b *person) {
	b.buys()
	b.click("#pay")
	b.card(caseCard("card expired"))
	b.sees("shop-6-refused", "The payment was refused", "No money has been taken")
	b.returns()
	b.told("shop-7-refused", "state", "REFUSED")
	b.told("", "refusal", "CARD_EXPIRED")
	b.click("#pay")
	b.card(goodCard)
	b.sees("", "Payment complete")
	b.returns()
	b.told("", "state", "PAID")
}

func shopPaidTwice(b *person) {
	b.buys()
	var order string
	b.do(chromedp.Location(&order))
	early := b.caught("#pay") // another redirect of the same order, kept for later
	b.goTo(order)
	b.click("#pay")
	b.card(goodCard)
	b.sees("", "Payment complete")
	b.returns()
	b.told("", "state", "PAID")
	other := b.person(b.t)
	other.goTo(early)
	other.sees("shop-8-already-paid", "This order is already paid", "Do not pay again")
}

func shopAltered(b *person) {
	b.buys()
	link := b.caught("#pay")
	u, err := url.Parse(link)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, values := range u.Query() {
		q := u.Query()
		q.Set(name, "1"+values[0][1:])
		if values[0][0] == '1' {
			q.Set(name, "2"+values[0][1:])
		}
		altered := *u
		altered.RawQuery = q.Encode()
		b.goTo(altered.String())
		var text string
		b.do(chromedp.Evaluate(`document.body.innerText`, &text))
		if strings.Contains(text, "Card number") || !strings.Contains(text, "No money has been taken") {
			b.t.Errorf("a redirect with another %s opens\n%s", name, text)
		}
		b.shoot("shop-9-altered-" + name)
	}
}

// withoutMouseAndScript pays with the keyboard alone, in a browser that runs no
// script.
func withoutMouseAndScript(b *person) {
	b.do(emulation.SetScriptExecutionDisabled(true))
	b.goTo(b.Portal + "/order/BIRTH-CERT")
	b.do(chromedp.Focus(`#order button[value=CARD]`), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#card-number"), chromedp.Focus("#card-number"))
	for i, text := range []string{"4111111111111111", "1239", "737", "AIGUL SERIKOVA"} {
		if i > 0 {
			b.do(chromedp.KeyEvent(kb.Tab))
		}
		b.do(chromedp.KeyEvent(text))
	}
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#receipt-title"))
	b.shoot("card-13-paid-without-script")
}
