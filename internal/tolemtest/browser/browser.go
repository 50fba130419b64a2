// Package browser drives a real Chromium in tests of pages: it opens tabs, looks
// at them as people do, on a telephone and on a desk, by day and by night, with
// keys alone, and notices what leaves the origin, what the policy stops, and
// whom a page keeps out. Tests of pages import it; no product code does.
package browser

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

	"tolem/internal/tolemtest"
)

// Pictures names the folder for screenshots; without it none are made.
const Pictures = "TOLEM_TEST_PICTURES"

// Limits of waiting.
const (
	startTimeout = time.Minute
	tabTimeout   = 10 * time.Minute
	mostStops    = 60 // of the Tab key on one page
)

// Start runs a Chromium until the test ends. It takes certificates of
// throw-away authorities.
func Start(t testing.TB) context.Context {
	t.Helper()
	return start(t, chromedp.ExecPath(tolemtest.RequireTool(t, "chromium")))
}

func start(t testing.TB, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.UserDataDir(tolemtest.Folder(t)),
		chromedp.WSURLReadTimeout(startTimeout), chromedp.Flag("ignore-certificate-errors", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(options, more...)...)
	t.Cleanup(cancel)
	ctx, _ = chromedp.NewContext(ctx)
	chromium := ctx
	t.Cleanup(func() { _ = chromedp.Cancel(chromium) }) // waits for it to end: then its folder can go
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// Tab is a tab of a browser, and what was noticed in it.
type Tab struct {
	context.Context
	t      testing.TB
	origin string

	mu       sync.Mutex
	requests []string
	stopped  []string // by the policy
	bytes    float64
}

// Open opens an empty tab for pages of an origin, without cookies.
func Open(t testing.TB, chromium context.Context, origin string) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, tabTimeout)
	t.Cleanup(cancel)
	b := &Tab{Context: ctx, t: t, origin: origin}
	chromedp.ListenTarget(ctx, b.notice)
	b.Run(network.Enable(), log.Enable(), security.SetIgnoreCertificateErrors(true), network.ClearBrowserCookies(), network.SetCacheDisabled(true))
	return b
}

func (b *Tab) notice(event any) {
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

// Run does what it is told, or ends the test.
func (b *Tab) Run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.Context, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// Go opens a page of the origin.
func (b *Tab) Go(path string) { b.t.Helper(); b.Run(chromedp.Navigate(b.origin + path)) }

// Text is what can be read on the page.
func (b *Tab) Text() (text string) {
	b.t.Helper()
	b.Run(chromedp.Evaluate(`document.body.innerText`, &text))
	return text
}

// Says checks that texts stand on the page.
func (b *Tab) Says(texts ...string) {
	b.t.Helper()
	got := b.Text()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			b.t.Errorf("the page does not say %q:\n%s", text, got)
		}
	}
}

// Speak sets the language of the pages as their switch does.
func (b *Tab) Speak(language string) {
	b.t.Helper()
	b.Run(chromedp.ActionFunc(func(ctx context.Context) error {
		return network.SetCookie("__Host-language", language).WithURL(b.origin).WithPath("/").WithSecure(true).Do(ctx)
	}))
}

// Look sets width and colours ("light", "dark"); zero width is paper.
func (b *Tab) Look(width int64, scheme string) {
	b.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	media := ""
	if width == 0 {
		width, media = 794, "print"
	}
	b.Run(emulation.SetDeviceMetricsOverride(width, 900, 1, width < 600), emulation.SetEmulatedMedia().WithMedia(media).WithFeatures(features))
}

// Picture keeps what the page looks like, if pictures are wanted.
func (b *Tab) Picture(name string) {
	b.t.Helper()
	if folder := os.Getenv(Pictures); folder != "" {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			b.t.Fatal(err)
		}
		b.Photograph(filepath.Join(folder, name+".png"))
	}
}

// Photograph writes what the page looks like to a file.
func (b *Tab) Photograph(file string) {
	b.t.Helper()
	var image []byte
	b.Run(chromedp.FullScreenshot(&image, 100))
	if err := os.WriteFile(file, image, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// Weigh forgets what was loaded so far; Weight is what came over the wire since,
// headers included, in bytes.
func (b *Tab) Weigh() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes = 0
}

// Weight is what was loaded since Weigh, in bytes.
func (b *Tab) Weight() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// Clean checks what was noticed since the tab was opened: nothing left the
// origin, the policy stopped nothing, and no request had any of the secrets in
// its address.
func (b *Tab) Clean(secrets ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if !strings.HasPrefix(r, b.origin+"/") && !strings.HasPrefix(r, "data:") && r != "about:blank" {
			b.t.Errorf("a request left the origin: %s", r)
		}
		for _, secret := range secrets {
			if strings.Contains(r, secret) {
				b.t.Errorf("a request names a secret: %s", r)
			}
		}
	}
	for _, s := range b.stopped {
		b.t.Errorf("the browser complains: %s", s)
	}
}

// History returns every address that Back can lead to.
func (b *Tab) History() (all []string) {
	b.t.Helper()
	b.Run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, entries, err := page.GetNavigationHistory().Do(ctx)
		for _, e := range entries {
			all = append(all, e.URL)
		}
		return err
	}))
	return all
}

//go:embed axe-4.14.1.min.js.gz
var packedAxe []byte

// axe is the program that looks for barriers.
var axe = sync.OnceValues(func() (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(packedAxe))
	if err != nil {
		return "", err
	}
	source, err := io.ReadAll(z)
	return string(source), err
})

// Violations runs axe on the page, with every rule of WCAG 2.2 AA and the best
// practices.
func (b *Tab) Violations() (violations []string) {
	b.t.Helper()
	source, err := axe()
	if err != nil {
		b.t.Fatal(err)
	}
	var loaded bool
	if b.Run(chromedp.Evaluate(`"axe" in window`, &loaded)); !loaded {
		b.Run(chromedp.Evaluate(source+";0", nil))
	}
	var found string
	b.Run(chromedp.Evaluate(`axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}).then(r => JSON.stringify(
		r.violations.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; "))))`, &found,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.t.Fatal(err)
	}
	return violations
}

// Barriers checks that nobody is kept out: axe finds nothing, and nothing is
// wider than the screen.
func (b *Tab) Barriers(where string) {
	b.t.Helper()
	for _, v := range b.Violations() {
		b.t.Errorf("%s: %s", where, v)
	}
	var wide float64
	b.Run(chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &wide))
	if wide > 0 {
		b.t.Errorf("%s: %v pixels too wide", where, wide)
	}
}

// EveryLook looks for barriers on a small telephone and a desk, by day and by
// night, takes pictures, and returns how often it has looked.
func (b *Tab) EveryLook(name string) (looks int) {
	b.t.Helper()
	return b.Looks(name, "light", "dark")
}

// Looks is EveryLook with some colours: no word changes them.
func (b *Tab) Looks(name string, schemes ...string) (looks int) {
	b.t.Helper()
	for _, width := range []int64{320, 1280} {
		for _, scheme := range schemes {
			b.Look(width, scheme)
			where := fmt.Sprintf("%s-%d-%s", name, width, scheme)
			b.Barriers(where)
			b.Picture(where)
			looks++
		}
	}
	return looks
}

// Press presses keys, one after the other.
func (b *Tab) Press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.Run(chromedp.KeyEvent(k))
	}
}

// Focus returns the id, or else the text, of the element that has the focus.
func (b *Tab) Focus() (id string) {
	b.t.Helper()
	b.Run(chromedp.Evaluate(`((document.activeElement || {}).id || (document.activeElement || {}).innerText || "").trim()`, &id))
	return id
}

// TabTo presses Tab until the element whose id or text begins so has the focus.
func (b *Tab) TabTo(id string) {
	b.t.Helper()
	for range mostStops {
		if b.Press(kb.Tab); strings.HasPrefix(b.Focus(), id) {
			return
		}
	}
	b.t.Fatalf("Tab never comes to %s", id)
}
