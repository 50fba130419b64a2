package receiptcheck_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
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

	"tolem"
	"tolem/internal/tolemtest"
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
}

func browse(t *testing.T, s *site) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(tolemtest.RequireTool(t, "chromium")), chromedp.NoSandbox,
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("ignore-certificate-errors", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	b := &browser{Context: ctx, t: t, site: s}
	chromedp.ListenTarget(ctx, b.notice)
	b.run(network.Enable(), log.Enable(), security.SetIgnoreCertificateErrors(true))
	return b
}

func (b *browser) notice(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
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

func (b *browser) speak(language string) {
	b.t.Helper()
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return network.SetCookie("__Host-language", language).WithURL(b.site.URL).WithPath("/").WithSecure(true).Do(ctx)
	}))
}

func (b *browser) says(texts ...string) {
	b.t.Helper()
	var got string
	b.run(chromedp.Evaluate(`document.body.innerText`, &got))
	for _, text := range texts {
		if !strings.Contains(got, text) {
			b.t.Errorf("the page does not say %q:\n%s", text, got)
		}
	}
}

// history returns every address that Back can lead to.
func (b *browser) history() (all []string) {
	b.t.Helper()
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, entries, err := page.GetNavigationHistory().Do(ctx)
		for _, e := range entries {
			all = append(all, e.URL)
		}
		return err
	}))
	return all
}

// clean checks that nothing left the origin, that the policy stopped nothing,
// and that no request had the receipt in its address.
func (b *browser) clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if !strings.HasPrefix(r, b.site.URL+"/") || strings.Contains(r, "TOLEM1") {
			b.t.Errorf("a request to %s", r)
		}
	}
	for _, s := range b.stopped {
		b.t.Errorf("the browser complains: %s", s)
	}
}

// A phone that reads the code opens its address: the receipt is checked with no
// touch, and stands neither in the bar nor in the history nor in any request's
// address. GW-149
func TestCodeOpensTheVerdict(t *testing.T) {
	s := open(t, lax())
	b := browse(t, s)
	b.speak("en")
	b.run(chromedp.Navigate(s.qr(t, typical())), chromedp.WaitVisible(".outcome.good"))
	b.says("The receipt is genuine", "1234-5678-9012-3428", "•••• 0011")
	for _, address := range b.history() {
		if strings.Contains(address, "TOLEM1") {
			t.Errorf("in the history: %s", address)
		}
	}
	b.run(chromedp.Click(`nav button[value="ru"]`), chromedp.WaitVisible(`html[lang="ru"] .outcome.good`))
	b.says("Квитанция подлинная", "1234-5678-9012-3428")
	b.run(chromedp.Click(`a.button`), chromedp.WaitVisible(`#receipt`)) // and another one
	refunded := typical()
	refunded.Code = 9876543210987606
	s.state = tolem.StateRefunded
	_, text, _ := strings.Cut(s.qr(t, refunded), "#")
	b.run(chromedp.Evaluate(`location.hash = "`+text+`"; 0`, nil), chromedp.WaitVisible(".outcome.bad"))
	b.says("деньги потом возвращены", "9876-5432-1098-7606")
	b.clean()
}

// Without script the text is pasted.
func TestWithoutScript(t *testing.T) {
	s := open(t, lax())
	b := browse(t, s)
	b.speak("en")
	content := s.qr(t, typical())
	b.run(emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(content), chromedp.WaitVisible("#receipt"),
		chromedp.SendKeys("#receipt", content), chromedp.Click("#check .button"), chromedp.WaitVisible(".outcome.good"))
	b.run(chromedp.Click(`a.button`), chromedp.WaitVisible(`#receipt`), chromedp.Click("#check .button"), chromedp.WaitVisible(".problem"))
	b.clean()
}

// Every page of the check in every language, light and dark, on a small
// telephone and on a desk: axe finds nothing and nothing is wider than the screen.
func TestPagesInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	source := axe(t)
	s := open(t, lax())
	b := browse(t, s)
	genuine := s.qr(t, typical())
	for _, v := range []struct {
		name, address string
		state         tolem.State
	}{
		{"form", "/receipt", 0},
		{"mistake", "mistake", 0},
		{"genuine", genuine, tolem.StatePaid},
		{"refunded", genuine, tolem.StateRefunded},
		{"altered", genuine[:len(genuine)-9] + "AAAAAAAAA", tolem.StatePaid},
	} {
		s.mu.Lock()
		s.state = v.state
		s.mu.Unlock()
		for _, language := range []string{"kk", "ru", "en", "az", "uz"} {
			b.speak(language)
			b.run(chromedp.Navigate("about:blank"))
			switch {
			case v.name == "mistake":
				b.run(chromedp.Navigate(s.URL+"/receipt"), chromedp.Click("#check .button"), chromedp.WaitVisible(".problem"))
			case v.state == 0:
				b.run(chromedp.Navigate(s.URL+v.address), chromedp.WaitVisible("#receipt"))
			default:
				b.run(chromedp.Navigate(v.address), chromedp.WaitVisible(".outcome"))
			}
			b.run(chromedp.Evaluate(source+";0", nil))
			for _, width := range []int64{320, 1280} {
				for _, scheme := range []string{"light", "dark"} {
					b.barriers(v.name+"-"+language+"-"+strconv.FormatInt(width, 10)+"-"+scheme, width, scheme)
				}
			}
		}
	}
	b.mu.Lock()
	b.requests = nil // of axe's pages nothing but about:blank was asked
	b.mu.Unlock()
	b.clean()
}

// barriers looks at the page as it is on a screen.
func (b *browser) barriers(where string, width int64, scheme string) {
	b.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	b.run(emulation.SetDeviceMetricsOverride(width, 900, 1, width < 600), emulation.SetEmulatedMedia().WithFeatures(features))
	var found string
	var wide float64
	b.run(chromedp.Evaluate(`axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}).then(r => JSON.stringify(
		r.violations.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; "))))`, &found,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
		chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &wide))
	var violations []string
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		b.t.Errorf("%s: %s", where, v)
	}
	if wide > 0 {
		b.t.Errorf("%s: %v pixels too wide", where, wide)
	}
	b.picture(where)
}

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
	if err := os.WriteFile(filepath.Join(folder, "receipt-"+name+".png"), image, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// axe returns the program that looks for barriers.
func axe(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../checkout/testdata/axe-4.14.1.min.js.gz")
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
