package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rs/zerolog"

	"tolem"
	"tolem/web"
)

var began = time.Date(2026, 11, 22, 5, 30, 0, 0, time.UTC)

// errTeapot is an error of the module of these tests.
var errTeapot = errors.New("no coffee")

// module has one page and the texts of the shell.
func module() web.Module {
	files := fstest.MapFS{"templates/plain.html": {Data: []byte(`{{define "title"}}t{{end}}{{define "main"}}<p>{{.Data}}</p>{{end}}`)}}
	for _, l := range web.Languages {
		files["i18n/"+string(l)+".json"] = &fstest.MapFile{Data: []byte(`{"problem.teapot.title": "A teapot", "problem.teapot.text": "Short and stout"}`)}
	}
	return web.Module{Files: files, Home: "/home", Problems: []web.Problem{{Err: errTeapot, Status: http.StatusTeapot, Key: "teapot"}}}
}

// site is a shell with a log and a clock.
type site struct {
	*web.Shell
	*web.Mounted
	mu     sync.Mutex
	log    strings.Builder
	now    time.Time
	events []web.Event
}

func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func open(t *testing.T, limits web.Limits) *site {
	t.Helper()
	s := &site{now: began}
	var err error
	s.Shell, err = web.New(web.Config{
		Languages: web.Languages, Location: time.UTC, Clock: func() time.Time { return s.now }, Limits: limits, Timeout: time.Second,
		Log: zerolog.New(s), Observe: func(e web.Event) { s.events = append(s.events, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Mounted, err = s.Mount(module()); err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends a request through the shell.
func (s *site) ask(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// Each error has its page and status; what is not in the table is ours and
// tells nothing.
func TestErrorsArePages(t *testing.T) {
	s := open(t, web.DefaultLimits)
	var fail error
	s.Handle("GET /fail", func(*web.Exchange) error { return fail })
	for _, c := range []struct {
		err    error
		status int
		says   string
	}{
		{fmt.Errorf("deep: %w", errTeapot), http.StatusTeapot, "Short and stout"},
		{web.ErrNotFound, http.StatusNotFound, "Page not found"},
		{web.ErrNoSession, http.StatusForbidden, "timed out"},
		{fmt.Errorf("%w", context.DeadlineExceeded), http.StatusServiceUnavailable, "cannot answer now"},
		{errors.New("password of the database"), http.StatusInternalServerError, "on our side"},
	} {
		fail = c.err
		w := s.ask("GET", "/fail", "", "Accept-Language", "en")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || !strings.Contains(w.Body.String(), w.Header().Get("X-Request-Id")) {
			t.Errorf("%v: %d %s", c.err, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "password") {
			t.Error("the page tells what is inside")
		}
	}
	if n := len(s.events); n != 5 || s.events[0].Route != "GET /fail" || s.events[0].Status != http.StatusTeapot {
		t.Errorf("%d events: %+v", n, s.events)
	}
}

// A browser that leaves before its answer is ready is no failure of ours; what
// is cancelled while it waits is one.
func TestBrowserLeaves(t *testing.T) {
	s := open(t, web.DefaultLimits)
	s.Handle("GET /slow", func(*web.Exchange) error { return fmt.Errorf("database: %w", context.Canceled) })
	if w := s.ask("GET", "/slow", ""); w.Code != http.StatusInternalServerError {
		t.Errorf("a browser that waits: %d", w.Code)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	s.log.Reset()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, "GET", "/slow", nil))
	if l := s.log.String(); !strings.Contains(l, `"level":"info"`) || !strings.Contains(l, "the browser has left") || s.events[1].Status != 499 {
		t.Errorf("%s %+v", l, s.events)
	}
}

// A mistake of ours ends one request. What a panic holds may be what was typed.
func TestPanicIsAPage(t *testing.T) {
	s := open(t, web.DefaultLimits)
	s.Handle("GET /typed", func(*web.Exchange) error { panic("4111111111111111") })
	s.Handle("GET /index", func(x *web.Exchange) error { return x.Render(200, "plain", []int{}[len(x.ID)]) })
	s.Handle("GET /late", func(x *web.Exchange) error { _, _ = x.Write([]byte("begun")); return errTeapot })
	for _, path := range []string{"/typed", "/index"} {
		if w := s.ask("GET", path, ""); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "goroutine") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := s.ask("GET", "/late", ""); w.Body.String() != "begun" {
		t.Errorf("after the answer had begun: %s", w.Body)
	}
	if l := s.log.String(); strings.Contains(l, "4111") || !strings.Contains(l, "panic") || !strings.Contains(l, "web_test.go") || !strings.Contains(l, "index out of range") {
		t.Error(l)
	}
}

// Neither a path nor a query nor a method comes into the log.
func TestLogKnowsTheRouteOnly(t *testing.T) {
	s := open(t, web.DefaultLimits)
	s.Handle("GET /a/{secret}", func(x *web.Exchange) error { return x.Render(200, "plain", "") })
	s.ask("GET", "/a/hush?x=hush", "")
	s.ask("GET", "/hush", "")
	s.ask("HUSH", "/a/b", "")
	if l := s.log.String(); strings.Contains(strings.ToLower(l), "hush") || !strings.Contains(l, `"route":"GET /a/{secret}"`) {
		t.Error(l)
	}
}

func TestMethodsAndForms(t *testing.T) {
	s := open(t, web.DefaultLimits)
	var got web.Form
	s.Handle("POST /form", func(x *web.Exchange) (err error) {
		if got, err = x.Form(); err != nil {
			return err
		}
		return x.See("/home")
	})
	if w := s.ask("GET", "/form", ""); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	many := make(url.Values)
	for i := range 40 {
		many.Set(fmt.Sprint("f", i), "x")
	}
	for body, want := range map[string]int{
		"a=1&b=+two+":                      http.StatusSeeOther,
		"":                                 http.StatusSeeOther,
		"a=1&a=2":                          http.StatusBadRequest,
		"a=%zz":                            http.StatusBadRequest,
		"a=%ff":                            http.StatusBadRequest,
		"a=x%00y":                          http.StatusBadRequest,
		"a=" + strings.Repeat("x", 600):    http.StatusRequestEntityTooLarge,
		"a=" + strings.Repeat("x", 20_000): http.StatusRequestEntityTooLarge,
		strings.Repeat("x", 600) + "=1":    http.StatusRequestEntityTooLarge,
		many.Encode():                      http.StatusRequestEntityTooLarge,
	} {
		if w := s.ask("POST", "/form?a=query", body); w.Code != want {
			t.Errorf("%.40s: %d, want %d", body, w.Code, want)
		}
	}
	if s.ask("POST", "/form?a=query", "b=+two+"); got.Get("a") != "" || got.Get("b") != "two" {
		t.Errorf("a is %q, b is %q", got.Get("a"), got.Get("b"))
	}
	if w := s.ask("POST", "/form", "{}", "Content-Type", "application/json"); w.Code != http.StatusBadRequest {
		t.Errorf("JSON: %d", w.Code)
	}
}

// An address that is no text leads nowhere.
func TestAddressesAreText(t *testing.T) {
	s := open(t, web.DefaultLimits)
	s.Handle("GET /things/{id}", func(x *web.Exchange) error { return x.Render(http.StatusOK, "plain", "") })
	for target, want := range map[string]int{
		"/things/%C9%99?name=%C4%B0&bad=%zz": http.StatusOK,
		"/things/%00":                        http.StatusNotFound,
		"/things/%ff":                        http.StatusNotFound,
		"/things/1?name=x%00y":               http.StatusNotFound,
		"/things/1?bad=%zz&name=%ff":         http.StatusNotFound,
		"/things/1?%00=1":                    http.StatusNotFound,
	} {
		if w := s.ask("GET", target, ""); w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
}

// One address cannot take the page from the others; IPv6 addresses of one
// customer are one.
func TestRateLimit(t *testing.T) {
	limits := web.DefaultLimits
	limits.PerSecond, limits.Burst, limits.Callers = 1, 3, 4
	s := open(t, limits)
	s.Handle("GET /ok", func(x *web.Exchange) error { return x.Render(200, "plain", "") })
	from := func(address string) int {
		r := httptest.NewRequest("GET", "/ok", nil)
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		return w.Code
	}
	for i, want := range []int{200, 200, 200, 429, 429} {
		if got := from(fmt.Sprintf("[2001:db8::%d]:99", i)); got != want {
			t.Errorf("request %d: %d", i, got)
		}
	}
	if got := from("192.0.2.1:80"); got != 200 {
		t.Errorf("another address: %d", got)
	}
	s.now = s.now.Add(time.Second)
	if got := from("[2001:db8::77]:99"); got != 200 {
		t.Errorf("a second later: %d", got)
	}
	for i := range 50 { // more addresses than are remembered
		if got := from(fmt.Sprintf("198.51.100.%d:1", i)); got != 200 {
			t.Errorf("newcomer %d: %d", i, got)
		}
	}
}

func TestStaticFilesMayBeKeptForEver(t *testing.T) {
	s := open(t, web.DefaultLimits)
	s.Handle("GET /page", func(x *web.Exchange) error { return x.Render(200, "plain", "") })
	_, rest, _ := strings.Cut(s.ask("GET", "/page", "").Body.String(), `href="/static/app.`)
	name, _, _ := strings.Cut(rest, `"`)
	w := s.ask("GET", "/static/app."+name, "", "Accept-Encoding", "br, gzip")
	if w.Code != 200 || w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || w.Header().Get("Content-Encoding") != "gzip" ||
		!strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	plain, err := os.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	if w := s.ask("GET", "/static/app."+name, "", "Accept-Encoding", "gzip;q=0"); w.Body.String() != string(plain) {
		t.Error("not the file")
	}
	for _, wrong := range []string{"app.css", "app.000000000000.css", "..%2fweb.go"} {
		if w := s.ask("GET", "/static/"+wrong, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", wrong, w.Code)
		}
	}
}

func TestLanguageIsFound(t *testing.T) {
	s := open(t, web.DefaultLimits)
	s.Handle("GET /page", func(x *web.Exchange) error { return x.Render(200, "plain", "") })
	for header, want := range map[string]string{
		"": "kk", "ru": "ru", "de-DE,de;q=0.9": "kk", "en-GB;q=0.5, uz;q=0.8": "uz", "az-Latn-AZ": "az", "kk;q=0,ru;q=0.1": "ru",
		strings.Repeat("x,", 3000) + "ru": "kk",
	} {
		if w := s.ask("GET", "/page", "", "Accept-Language", header); w.Header().Get("Content-Language") != want {
			t.Errorf("%.40s: %s, want %s", header, w.Header().Get("Content-Language"), want)
		}
	}
	if w := s.ask("GET", "/page", "", "Accept-Language", "ru", "Cookie", "__Host-language=en"); w.Header().Get("Content-Language") != "en" {
		t.Error("the choice does not count")
	}
}

// memory keeps sessions for the length of a test.
type memory map[web.SessionHash]web.Session

func (m memory) Create(_ context.Context, h web.SessionHash, s web.Session, _ time.Time) error {
	m[h] = s
	return nil
}

func (m memory) Find(_ context.Context, h web.SessionHash) (web.Session, error) {
	if s, ok := m[h]; ok {
		return s, nil
	}
	return web.Session{}, web.ErrNoSession
}

func (m memory) Touch(_ context.Context, h web.SessionHash, seen time.Time) error {
	s := m[h]
	s.Seen = seen
	m[h] = s
	return nil
}

func (m memory) Remove(_ context.Context, h web.SessionHash) error { delete(m, h); return nil }

func TestSessions(t *testing.T) {
	s, kept := open(t, web.DefaultLimits), memory{}
	sessions := web.Sessions{Store: kept, Cookie: "__Host-test", Idle: 10 * time.Minute, Absolute: 25 * time.Minute}
	if err := sessions.Check(); err != nil {
		t.Fatal(err)
	}
	s.Handle("POST /in", func(x *web.Exchange) error { return errors.Join(sessions.Start(x, "somebody"), x.See("/who")) })
	s.Handle("POST /out", func(x *web.Exchange) error { return errors.Join(sessions.End(x), x.See("/who")) })
	s.Handle("GET /who", func(x *web.Exchange) error {
		found, err := sessions.Find(x)
		if err != nil {
			return err
		}
		return x.Render(200, "plain", found.Subject)
	})
	in := func(old string) string {
		c := s.ask("POST", "/in", "", "Cookie", old).Header().Values("Set-Cookie")
		if len(c) != 1 {
			t.Fatalf("cookies: %q", c)
		}
		value, attributes, _ := strings.Cut(c[0], ";")
		if attributes != " Path=/; HttpOnly; Secure; SameSite=Lax" {
			t.Errorf("cookie: %s", c[0])
		}
		return value
	}
	who := func(cookie string) int { return s.ask("GET", "/who", "", "Cookie", cookie).Code }

	first := in("")
	if who(first) != 200 || who("") != 403 || who("__Host-test=AAAA") != 403 || who("__Host-test="+strings.Repeat("A", 26)) != 403 {
		t.Error("who is in is not told")
	}
	for h := range kept {
		if strings.Contains(first, string(h[:])) {
			t.Error("the token is kept")
		}
	}
	second := in(first)
	if second == first || who(first) != 403 || who(second) != 200 {
		t.Error("a new session does not end the old one")
	}
	for range 2 {
		if s.now = s.now.Add(9 * time.Minute); who(second) != 200 {
			t.Error("a session that is used is over")
		}
	}
	if s.now = s.now.Add(8 * time.Minute); who(second) != 403 || len(kept) != 0 {
		t.Error("a session outlives its absolute end")
	}
	third := in("")
	if s.now = s.now.Add(11 * time.Minute); who(third) != 403 {
		t.Error("a session that nobody uses goes on")
	}
	fourth := in("")
	if s.ask("POST", "/out", "", "Cookie", fourth); who(fourth) != 403 || len(kept) != 0 {
		t.Error("a session does not end")
	}
	for _, wrong := range []web.Sessions{{}, {Store: kept, Cookie: "pay", Idle: 1, Absolute: 1}, {Store: kept, Cookie: "__Host-a", Idle: 2, Absolute: 1}} {
		if wrong.Check() == nil {
			t.Errorf("accepted: %+v", wrong)
		}
	}
}

// What a browser stopped comes into the log, without the address of the page.
func TestPolicyReports(t *testing.T) {
	s := open(t, web.DefaultLimits)
	w := s.ask("POST", "/csp-report", `{"csp-report": {"document-uri": "https://pay/pay/TOKEN", "effective-directive": "script-src", "blocked-uri": "https://evil.example/x.js"}}`,
		"Content-Type", "application/csp-report", "Sec-Fetch-Site", "same-origin")
	if l := s.log.String(); w.Code != http.StatusNoContent || !strings.Contains(l, "evil.example") || strings.Contains(l, "TOKEN") {
		t.Errorf("%d %s", w.Code, l)
	}
	if w := s.ask("POST", "/csp-report", strings.Repeat("[", 50_000)); w.Code != http.StatusBadRequest {
		t.Errorf("nonsense: %d", w.Code)
	}
}

func TestAmounts(t *testing.T) {
	for minor, want := range map[int64]string{5: "0,05", 120_000: "1 200,00", 99_999: "999,99", 123_456_789_01: "123 456 789,01", -120_000: "−1 200,00"} {
		want = strings.ReplaceAll(want, " ", "\u00a0")
		if got := web.FormatAmount(web.Russian, tolem.Money{Minor: minor, Currency: tolem.KZT}); got != want {
			t.Errorf("%d is %q", minor, got)
		}
	}
	if got := web.FormatAmount(web.Azerbaijani, tolem.Money{Minor: 123_456_789, Currency: tolem.AZN}); got != "1.234.567,89" {
		t.Error(got)
	}
}

// A module that is not whole is refused when it is mounted.
func TestModulesAreWhole(t *testing.T) {
	s := open(t, web.DefaultLimits)
	if _, err := s.Mount(web.Module{}); err == nil {
		t.Error("a module without files")
	}
	m := module()
	m.Files.(fstest.MapFS)["i18n/uz.json"] = &fstest.MapFile{Data: []byte(`{}`)}
	if _, err := s.Mount(m); err == nil || !strings.Contains(err.Error(), "uz has no text for problem.teapot.title") {
		t.Error(err)
	}
	m = module()
	m.Files.(fstest.MapFS)["templates/bad.html"] = &fstest.MapFile{Data: []byte(`{{define`)}
	if _, err := s.Mount(m); err == nil {
		t.Error("a template that cannot be read")
	}
	s.Handle("GET /lost", func(x *web.Exchange) error { return x.Render(200, "nowhere", nil) })
	if w := s.ask("GET", "/lost", ""); w.Code != http.StatusInternalServerError {
		t.Errorf("a page that is not there: %d", w.Code)
	}
}

// However a browser reads it, a local path stays here.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/pay", "//evil", "/\\evil", "/\t/evil", "https:evil", "/%2f/evil", "/a?b=//c"} {
		f.Add(seed)
	}
	base := &url.URL{Scheme: "https", Host: "pay.example"}
	f.Fuzz(func(t *testing.T, path string) {
		if !web.LocalPath(path) {
			return
		}
		u, err := url.Parse(strings.ReplaceAll(path, "\\", "/"))
		if err == nil && base.ResolveReference(u).Host != base.Host {
			t.Errorf("%q leaves the origin", path)
		}
	})
}

// A route with script is told; its error pages have none.
func TestScriptedRoutes(t *testing.T) {
	s := open(t, web.DefaultLimits)
	fail := false
	s.HandleScripted("GET /scripted", func(x *web.Exchange) error {
		if fail {
			return errTeapot
		}
		return x.Render(200, "plain", "")
	})
	s.Handle("GET /plain", func(x *web.Exchange) error { return x.Render(200, "plain", "") })
	runs := func(path string) bool {
		return strings.Contains(s.ask("GET", path, "").Header().Get("Content-Security-Policy"), "; script-src 'self'")
	}
	if got := fmt.Sprint(s.Scripted()); got != "[GET /scripted]" || !runs("/scripted") || runs("/plain") {
		t.Errorf("scripted are %s", got)
	}
	if fail = true; runs("/scripted") {
		t.Error("script may run on an error page")
	}
}

// A route may take longer fields than the others.
func TestLongerFields(t *testing.T) {
	s := open(t, web.DefaultLimits)
	s.Handle("POST /long", func(x *web.Exchange) error {
		if _, err := x.FormOf(4000); err != nil {
			return err
		}
		return x.See("/home")
	})
	for size, want := range map[int]int{600: http.StatusSeeOther, 4000: http.StatusSeeOther, 4001: http.StatusRequestEntityTooLarge, 20_000: http.StatusRequestEntityTooLarge} {
		if w := s.ask("POST", "/long", "a="+strings.Repeat("x", size)); w.Code != want {
			t.Errorf("%d bytes: %d", size, w.Code)
		}
	}
}

// What a page may do besides is its route's leave, and its error pages have none.
func TestLeave(t *testing.T) {
	s := open(t, web.DefaultLimits)
	fail := false
	for path, leave := range map[string]web.Leave{
		"/none":   {},
		"/cards":  {Script: true, Connect: []string{"'self'", "http://127.0.0.1:47123"}},
		"/frames": {Script: true, Frames: true},
		"/framed": {Framed: true},
	} {
		s.HandleWith("GET "+path, leave, func(x *web.Exchange) error {
			if fail {
				return errTeapot
			}
			return x.Render(200, "plain", "")
		})
	}
	policy := func(path string) string { return s.ask("GET", path, "").Header().Get("Content-Security-Policy") }
	none := policy("/none")
	for path, want := range map[string]string{
		"/cards":  none + "; script-src 'self'; connect-src 'self' http://127.0.0.1:47123",
		"/frames": none + "; script-src 'self'; frame-src 'self'",
		"/framed": strings.Replace(none, "frame-ancestors 'none'", "frame-ancestors 'self'", 1),
	} {
		if got := policy(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := s.ask("GET", "/framed", "").Header().Get("X-Frame-Options"); got != "SAMEORIGIN" {
		t.Errorf("framed: %s", got)
	}
	fail = true
	for _, path := range []string{"/cards", "/framed"} {
		if h := s.ask("GET", path, "").Header(); h.Get("Content-Security-Policy") != none || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("an error on %s: %v", path, h)
		}
	}
}

// A module's parts take the place of the shell's on every page, error pages too,
// and are called with names.
func TestPartsOfModules(t *testing.T) {
	s := open(t, web.DefaultLimits)
	m := module()
	m.Look = "own"
	m.Files.(fstest.MapFS)["templates/_parts.html"] = &fstest.MapFile{Data: []byte(`{{define "nav"}}{{with .Nav}}<nav>{{.}}</nav>{{end}}{{end}}` +
		`{{define "part"}}<i>{{.With.who}}, {{.Language}}, {{.With.nothing}}</i>{{end}}`)}
	m.Files.(fstest.MapFS)["templates/parts.html"] = &fstest.MapFile{Data: []byte(`{{define "title"}}t{{end}}{{define "main"}}{{template "part" (.With "who" "me")}}{{.Say "problem.teapot.title" nil}}{{end}}`)}
	mounted, err := s.Mount(m)
	if err != nil {
		t.Fatal(err)
	}
	mounted.Handle("GET /parts", func(x *web.Exchange) error {
		x.Nav, x.Back = "menu", "/parts?q=1"
		return x.Render(200, "parts", nil)
	})
	mounted.Handle("GET /wrong", func(x *web.Exchange) error { x.Nav = "menu"; return errTeapot })
	w := s.ask("GET", "/parts", "", "Accept-Language", "en").Body.String()
	for _, want := range []string{`<body class="own">`, "<nav>menu</nav>", "<i>me, en, </i>", "A teapot", `name="back" value="/parts?q=1"`} {
		if !strings.Contains(w, want) {
			t.Errorf("no %s in %s", want, w)
		}
	}
	if w := s.ask("GET", "/wrong", "").Body.String(); !strings.Contains(w, "<nav>menu</nav>") {
		t.Error("an error page without the menu")
	}
	if w := s.ask("GET", "/home", "").Body.String(); strings.Contains(w, "<nav>") {
		t.Error("another module's page has the menu")
	}
}

// Sessions may be exact: they are over as long after the last request as they
// should be. WP-519
func TestExactSessions(t *testing.T) {
	s, kept := open(t, web.DefaultLimits), memory{}
	sessions := web.Sessions{Store: kept, Cookie: "__Host-test", Idle: 10 * time.Minute, Absolute: time.Hour, Exact: time.Second}
	s.Handle("POST /in", func(x *web.Exchange) error { return errors.Join(sessions.Start(x, "somebody"), x.See("/who")) })
	s.Handle("GET /who", func(x *web.Exchange) error {
		_, err := sessions.Find(x)
		return errors.Join(err, x.Render(200, "plain", ""))
	})
	cookie, _, _ := strings.Cut(s.ask("POST", "/in", "").Header().Get("Set-Cookie"), ";")
	last := s.now
	for _, after := range []time.Duration{30 * time.Second, 59 * time.Second, time.Second} {
		s.now = s.now.Add(after)
		s.ask("GET", "/who", "", "Cookie", cookie)
		last = s.now
	}
	for _, session := range kept {
		if !session.Seen.Equal(last) {
			t.Errorf("seen at %s, not %s", session.Seen, last)
		}
	}
}

// Where browsers are not asked the first language holds until somebody chooses.
func TestUnaskedLanguage(t *testing.T) {
	shell, err := web.New(web.Config{
		Languages: []web.Language{web.Azerbaijani, web.Russian}, Unasked: true, Location: time.UTC, Clock: time.Now, Limits: web.DefaultLimits, Timeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	for cookie, want := range map[string]string{"": "az", "__Host-language=ru": "ru", "__Host-language=kk": "az"} {
		r := httptest.NewRequest("GET", "/nowhere", nil)
		r.Header.Set("Accept-Language", "ru")
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		shell.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Language"); got != want {
			t.Errorf("%q: %s", cookie, got)
		}
	}
}
