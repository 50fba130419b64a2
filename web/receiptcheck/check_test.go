package receiptcheck_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tolem"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/receipt"
	"tolem/signing"
	"tolem/web"
	"tolem/web/checkout"
	"tolem/web/receiptcheck"
)

var now = time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC)

// typical is a receipt as most are.
func typical() receipt.Receipt {
	return receipt.Receipt{
		Code: 1234567890123428, Recipient: "850101400011", RecipientName: "Ахметова Айгүл Серікқызы", RequestNo: "002241198317",
		Account: "KZ86125KZT5004100100", Amount: tolem.Money{Minor: 120_000, Currency: tolem.KZT},
		PaidAt: time.Date(2026, 11, 22, 5, 31, 7, 0, time.UTC), ReceivedAt: time.Date(2026, 11, 22, 5, 31, 9, 0, time.UTC),
		Method: tolem.ChannelAcquiring, Masked: "411111******1111", BankRef: "RRN632600451187", Bank: "HALYK", BankName: "Народный банк Казахстана",
		Service: "EREG-17", ServiceNames: tolem.Names{KK: "Мүлікке құқықты тіркеу"}, Provider: "GOV4C", ProviderNames: tolem.Names{KK: "Мемлекеттік корпорация"},
	}
}

// site is the page on a server with TLS, and the gateway that issues receipts
// for it.
type site struct {
	*httptest.Server
	shell  *web.Shell
	issuer *receipt.Issuer
	certs  []*x509.Certificate

	mu     sync.Mutex
	state  tolem.State
	fail   error
	asked  []tolem.CodeNumber
	logged strings.Builder
}

func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logged.Write(p)
}

func (s *site) now(_ context.Context, code tolem.CodeNumber) (tolem.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, code)
	return s.state, s.fail
}

func newIssuer(t *testing.T, address string) (*receipt.Issuer, *x509.Certificate) {
	t.Helper()
	id := tolemtest.NewPKI(t, pki.Options{}).Identity(pki.Spec{CommonName: "payment gateway", Usage: pki.Signing, Key: pki.P256})
	signer, err := signing.NewSigner(id.Key, id.Cert)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := receipt.NewIssuer(signer, address)
	if err != nil {
		t.Fatal(err)
	}
	return issuer, id.Cert
}

// open starts a site beside a payment page.
func open(t *testing.T, limits web.Limits) *site {
	t.Helper()
	s := &site{state: tolem.StatePaid}
	var err error
	s.shell, err = web.New(web.Config{
		Languages: web.Languages, Location: time.FixedZone("Almaty", 5*60*60), Clock: func() time.Time { return now },
		Limits: limits, Timeout: 10 * time.Second, Support: "1414", Log: zerolog.New(s),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewUnstartedServer(s.shell)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that a browser gave up
	s.StartTLS()
	t.Cleanup(s.Close)
	var cert *x509.Certificate
	s.issuer, cert = newIssuer(t, s.URL+receiptcheck.Home)
	s.certs = []*x509.Certificate{cert}
	if err := receiptcheck.Mount(s.shell, receiptcheck.Config{Certificates: s.certs, Published: s.certs, State: s.now}); err != nil {
		t.Fatal(err)
	}
	err = checkout.Mount(s.shell, checkout.Config{Sessions: web.Sessions{Store: nobody{}, Cookie: "__Host-pay", Idle: time.Minute, Absolute: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// nobody has a session.
type nobody struct{ web.SessionStore }

func (nobody) Find(context.Context, web.SessionHash) (web.Session, error) {
	return web.Session{}, web.ErrNoSession
}

func lax() web.Limits {
	l := web.DefaultLimits
	l.PerSecond, l.Burst = 10_000, 10_000
	return l
}

func (s *site) qr(t *testing.T, r receipt.Receipt) string {
	t.Helper()
	content, err := s.issuer.QR(r, "kk")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func (s *site) do(t *testing.T, method, path string, form url.Values, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept-Language", "en")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	c := *s.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a, string(body)
}

// check sends a text as the form does.
func (s *site) check(t *testing.T, text string) (int, string) {
	t.Helper()
	a, body := s.do(t, http.MethodPost, "/receipt", url.Values{"receipt": {text}})
	return a.StatusCode, body
}

// A genuine receipt is shown with every field, what is personal in part; broken
// lines do no harm, and a bare text is as good as one behind an address.
// GW-140 to GW-148
func TestGenuine(t *testing.T) {
	s := open(t, lax())
	content := s.qr(t, typical())
	_, bare, _ := strings.Cut(content, "#")
	for _, text := range []string{content, bare, " " + bare[:90] + "\r\n" + bare[90:] + "\n"} {
		status, body := s.check(t, text)
		for _, want := range []string{
			"The receipt is genuine", "has not been returned", "1234-5678-9012-3428", "22.11.2026 10:31:07", "22.11.2026 10:31:09", "•••• 0011", "Ахметова А. С.",
			"002241198317", "•••• 0100", "1\u00a0200,00\u00a0₸", "Payment card", "•••• 1111", "RRN632600451187", "Народный банк Казахстана (HALYK)",
			"Мүлікке құқықты тіркеу (EREG-17)", "Мемлекеттік корпорация (GOV4C)", "payment gateway", "15.01.2027 14:00",
		} {
			if status != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%d, it does not say %q:\n%s", status, want, body)
			}
		}
		for _, personal := range []string{"850101400011", "Серікқызы", "KZ86125", "411111"} {
			if strings.Contains(body, personal) {
				t.Errorf("it shows %s", personal)
			}
		}
	}
	if s.asked[0] != typical().Code {
		t.Errorf("asked about %v", s.asked)
	}
	if strings.Contains(s.logged.String(), bare[:20]) || strings.Contains(s.logged.String(), "1234") {
		t.Error("the log has what was checked")
	}
}

// What has become of the payment since is told, as far as it is known.
func TestWhatHasBecomeOfIt(t *testing.T) {
	s := open(t, lax())
	content := s.qr(t, typical())
	for _, c := range []struct {
		state tolem.State
		fail  error
		says  string
	}{
		{tolem.StatePaid, nil, "The receipt is genuine<"},
		{tolem.StateClosed, nil, "The receipt is genuine<"}, // whether the service was given is not told
		{tolem.StateRefunded, nil, "the money has been returned since"},
		{tolem.StateUnknown, nil, "no such payment was found"},
		{tolem.StateIssued, nil, "no such payment was found"},
		{tolem.StatePaid, errors.New("database"), "Check again later"},
	} {
		s.state, s.fail = c.state, c.fail
		if status, body := s.check(t, content); status != http.StatusOK || !strings.Contains(body, c.says) || !strings.Contains(body, "RRN632600451187") {
			t.Errorf("%s, %v: %d\n%s", c.state, c.fail, status, body)
		}
	}
}

// What is not genuine shows nothing, and no payment is asked about.
func TestNotGenuine(t *testing.T) {
	s := open(t, lax())
	content := s.qr(t, typical())
	other, _ := newIssuer(t, "")
	foreign, err := other.QR(typical(), "kk")
	if err != nil {
		t.Fatal(err)
	}
	start := strings.Index(content, "TOLEM1.") + len("TOLEM1.")
	for at := start; at < len(content); at++ {
		altered := []byte(content)
		altered[at] = "AB"[map[bool]int{true: 1}[altered[at] == 'A']]
		status, body := s.check(t, string(altered))
		if status != http.StatusOK && status != http.StatusUnprocessableEntity || strings.Contains(body, "The receipt is genuine") || strings.Contains(body, "RRN632600451187") {
			t.Fatalf("letter %d changed: %d\n%s", at-start, status, body)
		}
	}
	for text, want := range map[string]string{
		foreign: "not signed with a key of this gateway", content[:len(content)-1]: "not ", "": "Enter the text", "hello": "not the code of a receipt",
		"<script>alert(1)</script>": "&lt;script&gt;", content[:80]: "not ",
	} {
		if _, body := s.check(t, text); !strings.Contains(body, want) || strings.Contains(body, "RRN") || strings.Contains(body, "<script>alert") {
			t.Errorf("%.40q does not lead to %q:\n%s", text, want, body)
		}
	}
	if status, _ := s.check(t, strings.Repeat("A", 6000)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long text: %d", status)
	}
	if len(s.asked) != 0 {
		t.Errorf("asked about %d codes", len(s.asked))
	}
}

// The switch of the language keeps what was checked.
func TestLanguages(t *testing.T) {
	s := open(t, lax())
	content := s.qr(t, typical())
	for language, want := range map[string]string{"kk": "Түбіртек шынайы", "ru": "Квитанция подлинная", "az": "Qəbz həqiqidir", "uz": "Kvitansiya haqiqiy"} {
		if _, body := s.do(t, http.MethodPost, "/receipt/language", url.Values{"receipt": {content}, "language": {language}}); !strings.Contains(body, want) {
			t.Errorf("%s: %s", language, body)
		}
	}
	if a, _ := s.do(t, http.MethodPost, "/receipt/language", url.Values{"language": {"ru"}}); a.Header.Get("Location") != "/receipt" {
		t.Error("nothing to check leads nowhere")
	}
}

// Whoever wants to check offline gets the certificates here.
func TestCertificatesAreOffered(t *testing.T) {
	s := open(t, lax())
	a, body := s.do(t, http.MethodGet, "/receipt/certificates.pem", nil)
	block, rest := pem.Decode([]byte(body))
	if a.StatusCode != http.StatusOK || block == nil || string(block.Bytes) != string(s.certs[0].Raw) || len(rest) > 0 {
		t.Errorf("%d %s", a.StatusCode, body)
	}
}

// Of all routes of the shell one page runs script, a file of our own, and only
// when it is that page: every other answer forbids all script. GW-032, ACQ-011
func TestScriptRunsOnOnePage(t *testing.T) {
	const strict = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; report-uri /csp-report"
	s := open(t, lax())
	if got := s.shell.Scripted(); !slices.Equal(got, []string{"GET /receipt"}) {
		t.Errorf("script runs on %v", got)
	}
	routes := append(s.shell.Routes(), "GET /nowhere", "PUT /receipt", "POST /nowhere")
	for _, pattern := range routes {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{token}", "nonsense", "{name}", "app.css").Replace(path)
		for _, header := range [][]string{nil, {"Sec-Fetch-Site", "cross-site"}} {
			a, body := s.do(t, method, path, url.Values{"receipt": {"x"}}, header...)
			want := strict
			if slices.Contains(s.shell.Scripted(), pattern) {
				want += "; script-src 'self'"
			} else if strings.Contains(body, "<script") {
				t.Errorf("%s has script on it", pattern)
			}
			if got := a.Header.Values("Content-Security-Policy"); len(got) != 1 || got[0] != want {
				t.Errorf("%s: policy %q", pattern, got)
			}
			for name, value := range map[string]string{"X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
				if got := a.Header.Get(name); got != value {
					t.Errorf("%s: %s is %q", pattern, name, got)
				}
			}
		}
	}
	if len(routes) < 16 {
		t.Errorf("only %d routes", len(routes))
	}
	if a, _ := s.do(t, http.MethodPost, "/receipt", url.Values{"receipt": {s.qr(t, typical())}}, "Sec-Fetch-Site", "cross-site"); a.StatusCode != http.StatusForbidden {
		t.Errorf("another site may ask: %d", a.StatusCode)
	}
}

// Trying texts is limited like everything else, and then no script runs either.
func TestRateLimit(t *testing.T) {
	limits := web.DefaultLimits
	limits.PerSecond, limits.Burst = 0.001, 3
	s := open(t, limits)
	for range 3 {
		s.check(t, "TOLEM1.AAAA")
	}
	a, _ := s.do(t, http.MethodGet, "/receipt", nil)
	if a.StatusCode != http.StatusTooManyRequests || strings.Contains(a.Header.Get("Content-Security-Policy"), "script-src") {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
}

func TestMountNeedsEverything(t *testing.T) {
	s := open(t, lax())
	for _, c := range []receiptcheck.Config{{}, {Certificates: s.certs}, {State: s.now}} {
		if receiptcheck.Mount(s.shell, c) == nil {
			t.Errorf("mounted: %+v", c)
		}
	}
}
