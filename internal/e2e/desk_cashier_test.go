package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	chromium "tolem/internal/tolemtest/browser"
)

// appears is how long a page of the workplace may take on a machine that others
// use too.
const appears = 45 * time.Second

// desks is `tolem sandbox --parts workplace`: a bank, its people and a card
// bridge.
type desks struct {
	t          *testing.T
	Page       string
	CardBridge string
	Dir        string
	Authority  string
	People     []deskStaff
	Trials     []struct{ Organisation, Account, Found string }
	Cards      []struct{ No, Organisation, Account string }

	stop func()
}

// deskStaff is somebody with an e-token.
type deskStaff struct {
	Bank, Branch, User, FirstName, Surname, Role, Password, Cert, Key string
}

// openDesks starts the sandbox as a person would.
func openDesks(t *testing.T) *desks {
	t.Helper()
	cmd := exec.Command(program(t), "sandbox", "--json", "--ports", "auto", "--parts", "workplace", "--accounts", "1000", "--dir", filepath.Join(t.TempDir(), "sandbox"))
	cmd.Env = append(os.Environ(), "TOLEM_WORKPLACE_LOOKUP_TIMEOUT=2s")
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &desks{t: t}
	d.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the sandbox ended: %v, %s", err, &problems)
		}
		d.explain()
	})
	t.Cleanup(d.stop)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &struct{ Workplace *desks }{d}) != nil {
		t.Fatalf("the sandbox says %q, %v", line, err)
	}
	return d
}

// explain shows what the gateway complained about, if the test has failed.
func (d *desks) explain() {
	log, err := os.ReadFile(filepath.Join(d.Dir, "gateway.log"))
	if !d.t.Failed() || err != nil {
		return
	}
	for line := range strings.Lines(string(log)) {
		if !strings.Contains(line, `"level":"info"`) {
			d.t.Log(line)
		}
	}
}

func (d *desks) staff(user string) deskStaff {
	d.t.Helper()
	for _, s := range d.People {
		if s.User == user {
			return s
		}
	}
	d.t.Fatalf("nobody is %s", user)
	return deskStaff{}
}

func (d *desks) token(s deskStaff) tls.Certificate {
	d.t.Helper()
	pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
	if err != nil {
		d.t.Fatal(err)
	}
	return pair
}

// scene changes what is in the card reader, and what becomes of it.
func (d *desks) scene(change map[string]any) {
	d.t.Helper()
	body, err := json.Marshal(change)
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPut, d.CardBridge+"/sim/state", bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		d.t.Fatalf("the simulator answers %d %s to %s", answer.StatusCode, text, body)
	}
}

// colleague is somebody who works with pages and no browser.
type colleague struct {
	d *desks
	*http.Client
}

// colleague signs somebody in.
func (d *desks) colleague(user string) *colleague {
	d.t.Helper()
	s := d.staff(user)
	authority, err := os.ReadFile(d.Authority)
	if err != nil {
		d.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{d.token(s)}}}
	d.t.Cleanup(transport.CloseIdleConnections)
	c := &colleague{d, &http.Client{Transport: transport, Jar: jar, Timeout: time.Minute}}
	if _, at := c.send(http.MethodPost, "/login", url.Values{"user": {s.User}, "password": {s.Password}}); at == "/login" {
		d.t.Fatalf("%s does not come in", user)
	}
	return c
}

// send returns the page that an address or form leads to, and its path.
func (c *colleague) send(method, path string, form url.Values) (text, at string) {
	c.d.t.Helper()
	r, err := http.NewRequestWithContext(c.d.t.Context(), method, c.d.Page+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", c.d.Page)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := c.Do(r)
	if err != nil {
		c.d.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 400 {
		c.d.t.Fatalf("%s %s: %v, %d\n%s", method, path, err, answer.StatusCode, body)
	}
	return string(body), answer.Request.URL.Path
}

var seqField = regexp.MustCompile(`name="seq" value="(\d+)"`)

// decides approves a cancellation, or rejects it for a reason.
func (c *colleague) decides(receipt, reason string) {
	c.d.t.Helper()
	path := "/approvals/" + receipt
	text, _ := c.send(http.MethodGet, path, nil)
	seq := seqField.FindStringSubmatch(text)
	if seq == nil {
		c.d.t.Fatalf("nothing to decide on %s\n%s", receipt, text)
	}
	form := url.Values{"seq": {seq[1]}}
	if reason == "" {
		c.send(http.MethodPost, path+"/approve", form)
		return
	}
	form.Set("reason", reason)
	c.send(http.MethodPost, path+"/reject", form)
}

// cashier is somebody at a real browser, with an e-token and a keyboard.
type cashier struct {
	*chromium.Tab
	t    *testing.T
	d    *desks
	who  deskStaff
	keys int // pressed since the count began
	past string
}

// prints has a page say what it sends to the printer instead of doing it.
const prints = `window.print = function () { top.printed = (top.printed || []).concat(location.pathname + location.search); }`

// cashier gives somebody a browser, and goes to the login page.
func (d *desks) cashier(t *testing.T, user string) *cashier {
	t.Helper()
	s := d.staff(user)
	b := &cashier{Tab: chromium.Open(t, chromium.StartWith(t, d.token(s)), d.Page), t: t, d: d, who: s, past: t.TempDir()}
	b.size(1366, 768)
	b.Run(network.SetCacheDisabled(false), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(prints).Do(ctx)
		return err
	}), browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(b.past))
	b.Go("/login")
	return b
}

func (b *cashier) size(width, height int64) {
	b.t.Helper()
	b.Run(emulation.SetDeviceMetricsOverride(width, height, 1, false))
}

// signsIn from the login page.
func (b *cashier) signsIn(password string) {
	b.t.Helper()
	b.until(`document.activeElement.id === "user"`)
	b.leads(`location.pathname !== "/login" || document.querySelector("#notice")`, b.who.User, tab, password, enter)
}

// Keys, as chromedp knows them.
const (
	enter = "\r"
	tab   = "\t"
)

// types presses keys, each of which counts.
func (b *cashier) types(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.Run(chromedp.KeyEvent(text))
		b.keys += len([]rune(text))
	}
}

// with presses a key with others held down: one stroke.
func (b *cashier) with(m input.Modifier, key string) {
	b.t.Helper()
	b.Run(chromedp.KeyEvent(key, chromedp.KeyModifiers(m)))
	b.keys++
}

// is evaluates an expression on the page. What is asked of a page that is just
// being left is not so.
func (b *cashier) is(js string) (so bool) {
	if chromedp.Run(b.Context, chromedp.Evaluate("!!("+js+")", &so)) != nil {
		return false
	}
	return so
}

// until waits until something is so.
func (b *cashier) until(js string) {
	b.t.Helper()
	for deadline := time.Now().Add(appears); time.Now().Before(deadline) && b.Err() == nil; time.Sleep(15 * time.Millisecond) {
		if b.is(`document.readyState === "complete" && (` + js + `)`) {
			return
		}
	}
	b.Picture("stuck-" + b.who.User)
	var at string
	_ = chromedp.Run(b.Context, chromedp.Evaluate(`location.href + " " + document.activeElement.outerHTML.slice(0, 200)`, &at))
	b.t.Fatalf("it is never so that %s, at %s\n%s", js, at, b.Text())
}

// leads types, and waits for another page of which something is so.
func (b *cashier) leads(js string, keys ...string) {
	b.t.Helper()
	b.leave(js, func() { b.types(keys...) })
}

// leave does something that leads to another page.
func (b *cashier) leave(js string, do func()) {
	b.t.Helper()
	b.Run(chromedp.Evaluate(`window.left = true`, nil))
	do()
	b.until(`!window.left && (` + js + `)`)
}

// focus is the condition that the next key goes to the element whose id begins so.
func focus(id string) string {
	return `document.activeElement.id.startsWith("` + id + `")`
}

// value is what an expression is on the page, decoded.
func value[T any](b *cashier, js string) (v T) {
	b.t.Helper()
	b.Run(chromedp.Evaluate(js, &v))
	return v
}

// focusOn moves the focus to a field, as its key does.
func focusOn(id string) chromedp.Action {
	return chromedp.Evaluate(`document.getElementById("`+id+`").select()`, nil)
}
