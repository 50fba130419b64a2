package workplace_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tolem"
	"tolem/access"
	"tolem/archive"
	"tolem/banks"
	"tolem/bills"
	"tolem/gateway"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/signing/trust"
	"tolem/smartcard/desk"
	"tolem/store"
	"tolem/web"
	pages "tolem/web/workplace"
	"tolem/workplace"
)

var begin = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

var byHand = access.Operator("root", "node-1")

// lookupTimeout is the patience with an organisation's system, for tests.
const lookupTimeout = time.Second

const password = "parol-0001"

// world is the workplace of two banks, served over TLS as cmd/tolem does.
type world struct {
	*httptest.Server
	*access.Access

	t     *testing.T
	db    *store.DB
	clock *tolemtest.Clock
	pki   *tolemtest.PKI
	trust *trust.Store
	core  *workplace.Workplace
	bills *bills.Desk
	cards *desk.Desk
	// sources answer for organisations whose accounts are kept elsewhere; bridge is
	// where pages find the card bridge.
	sources map[tolem.ProviderID]bills.Source
	bridge  string
	shell   *web.Shell
	log     safeBuilder
}

// safeBuilder is a log that several requests write.
type safeBuilder struct {
	mu sync.Mutex
	strings.Builder
}

func (b *safeBuilder) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, tolemtest.SQLite(t))
}

func newWorldOn(t *testing.T, dsn string, options ...func(*world)) *world {
	t.Helper()
	clock := tolemtest.NewClock(begin)
	w := &world{t: t, clock: clock, pki: tolemtest.NewPKI(t, pki.Options{Now: clock.Now})}
	for _, set := range options {
		set(w)
	}
	w.must(w.pki.WriteCRLs(w.pki.Dir, begin.AddDate(1, 0, 0)))
	w.db = tolemtest.Store(t, dsn, store.Options{Clock: clock.Now})
	for _, p := range []tolem.Participant{
		{ID: "KAPITAL", Kind: tolem.KindBank, Name: "Kapital Bank"}, {ID: "GNC01", Kind: tolem.KindBranch, Name: "Gəncə filialı", ActsFor: []tolem.ParticipantID{"KAPITAL"}},
		{ID: "RABITA", Kind: tolem.KindBank, Name: "Rabitəbank"}, {ID: "QBA01", Kind: tolem.KindBranch, Name: "Quba filialı", ActsFor: []tolem.ParticipantID{"RABITA"}},
	} {
		p.ContractFrom = begin.AddDate(-1, 0, 0)
		w.must(w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.PutParticipant(p) }))
	}
	w.must(w.db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.PutAsanPoint(tolem.AsanPoint{ID: "ASAN1", Name: "ASAN xidmət №1", Active: true})
	}))
	w.reopenTrust()
	w.serve()
	return w
}

func (w *world) path(folder string) string { return filepath.Join(w.pki.Dir, folder) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// reopenTrust reads the revocation lists as they are now.
func (w *world) reopenTrust() {
	var err error
	w.trust, err = trust.Open(w.t.Context(), trust.Config{
		Anchors: []string{w.path(pki.AnchorsDir)}, Intermediates: []string{w.path(pki.IntermediatesDir)}, CRLs: []string{w.path(pki.CRLsDir)}, Now: w.clock.Now,
	}, nil)
	w.must(err)
}

// VerifyConnection is the trust of the moment, for an Access that stays.
func (w *world) VerifyConnection(cs tls.ConnectionState) error { return w.trust.VerifyConnection(cs) }

func (w *world) serve() {
	w.t.Helper()
	baku, err := time.LoadLocation("Asia/Baku")
	w.must(err)
	calendar := tolem.NewCalendar(baku, nil, nil)
	evidence, err := archive.New(w.db, archive.Options{})
	w.must(err)
	w.Access, err = access.New(access.Config{
		Trust: w, Evidence: evidence, Calendar: calendar, Hash: access.HashParams{Memory: 8 << 10, Time: 1, Threads: 1},
	}, w.db)
	w.must(err)
	directory, err := banks.Open(w.t.Context(), w.db)
	w.must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	w.cards, err = desk.New(desk.Config{Signer: key, Sandbox: true}, evidence)
	w.must(err)
	w.bills = bills.New(bills.Config{Currency: tolem.AZN, Calendar: calendar, Clock: w.clock.Now, Sources: w.sources, LookupTimeout: lookupTimeout}, w.db)
	w.core = workplace.New(workplace.Config{
		Access: w.Access, Bills: w.bills, Cards: w.cards, Gateway: gateway.New(gateway.Config{}, w.db, evidence, directory), Evidence: evidence,
		Directory: directory, Calendar: calendar, Currency: tolem.AZN,
	}, w.db)
	limits := web.DefaultLimits
	limits.PerSecond, limits.Burst = 1e6, 1e6
	w.shell, err = web.New(pages.Shell(web.Config{Location: baku, Clock: w.clock.Now, Limits: limits, Timeout: time.Minute, Sandbox: true, Log: zerolog.New(&w.log)}))
	w.must(err)
	w.must(pages.Mount(w.shell, pages.Config{
		Access: w.Access, Workplace: w.core, Bills: w.bills, Calendar: calendar, Names: directory, Bridge: w.bridge,
		Sessions: pages.NewSessions(&memory{kept: make(map[web.SessionHash]web.Session)}),
	}))
	w.Server = httptest.NewUnstartedServer(w.shell)
	w.Server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert, SessionTicketsDisabled: true}
	w.Server.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.StartTLS()
	w.t.Cleanup(w.Server.Close)
}

// memory keeps sessions for the length of a test.
type memory struct {
	mu   sync.Mutex
	kept map[web.SessionHash]web.Session
}

func (m *memory) Create(_ context.Context, h web.SessionHash, s web.Session, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[h] = s
	return nil
}

func (m *memory) Find(_ context.Context, h web.SessionHash) (web.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.kept[h]; ok {
		return s, nil
	}
	return web.Session{}, web.ErrNoSession
}

func (m *memory) Touch(_ context.Context, h web.SessionHash, seen time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.kept[h]
	s.Seen = seen
	m.kept[h] = s
	return nil
}

func (m *memory) Remove(_ context.Context, h web.SessionHash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, h)
	return nil
}

// staff is somebody with an e-token at a browser.
type staff struct {
	w        *world
	person   tolem.Person
	token    *pki.Identity
	password string
	browser  *http.Client
}

// hire registers somebody with an e-token and a temporary password.
func (w *world) hire(bank tolem.ParticipantID, name tolem.UserName, role tolem.Role) *staff {
	w.t.Helper()
	in := tolem.Profile{UserName: name, FirstName: "Lalə", Surname: "Əliyeva", Role: role}
	if role == tolem.RoleOperator || role == tolem.RoleAsanOperator {
		in.Branch = map[tolem.ParticipantID]tolem.ParticipantID{"KAPITAL": "GNC01", "RABITA": "QBA01"}[bank]
	}
	if role == tolem.RoleAsanOperator {
		in.Role, in.AsanPoint = tolem.RoleOperator, "ASAN1"
	}
	p, temporary, err := w.AddPerson(w.t.Context(), byHand, bank, in)
	w.must(err)
	s := &staff{w: w, person: p, token: w.token(string(name)), password: temporary.Reveal()}
	_, err = w.RegisterToken(w.t.Context(), byHand, bank, p.ID, s.token.Cert)
	w.must(err)
	s.browser = w.browser(s.token)
	return s
}

// employ is hire, and the temporary password is renewed.
func (w *world) employ(bank tolem.ParticipantID, name tolem.UserName, role tolem.Role) *staff {
	w.t.Helper()
	s := w.hire(bank, name, role)
	s.post("/renew", "user", string(name), "password", s.password, "new", password, "again", password).leads("/login?said=password.changed")
	s.password = password
	return s
}

// token is what lies on an e-token.
func (w *world) token(name string) *pki.Identity {
	w.t.Helper()
	return w.pki.Identity(pki.Spec{CommonName: name, Usage: pki.TLSClient, Key: pki.P256})
}

// browser opens connections with a certificate; nil: with none.
func (w *world) browser(id *pki.Identity) *http.Client {
	w.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(w.Certificate())
	c := &tls.Config{RootCAs: roots}
	if id != nil {
		c.Certificates = []tls.Certificate{id.TLS()}
	}
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &http.Client{
		Jar: jar, Transport: &http.Transport{TLSClientConfig: c}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is what a browser got.
type answer struct {
	t      *testing.T
	asked  string
	status int
	header http.Header
	body   string
}

func (s *staff) get(path string) answer { s.w.t.Helper(); return s.w.ask(s.browser, "GET", path) }

func (s *staff) post(path string, fields ...string) answer {
	s.w.t.Helper()
	return s.w.ask(s.browser, "POST", path, fields...)
}

func (w *world) ask(browser *http.Client, method, path string, fields ...string) answer {
	w.t.Helper()
	form := make(url.Values)
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+path, body)
	w.must(err)
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	got, err := browser.Do(r)
	w.must(err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	w.must(err)
	if strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		text = bytes.ReplaceAll(text, []byte("\u00a0"), []byte(" ")) // of amounts
	}
	return answer{w.t, method + " " + path, got.StatusCode, got.Header, string(text)}
}

// says fails the test unless the page has the status and the texts.
func (a answer) says(status int, texts ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("%s: %d, want %d: %s", a.asked, a.status, status, a.main())
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			a.t.Errorf("%s does not say %q: %s", a.asked, text, a.main())
		}
	}
	return a
}

// leads fails the test unless the browser is sent to the path.
func (a answer) leads(path string) answer {
	a.t.Helper()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != path {
		a.t.Errorf("%s: %d to %q, want %q: %s", a.asked, a.status, a.header.Get("Location"), path, a.main())
	}
	return a
}

// lacks fails the test if the page has one of the texts.
func (a answer) lacks(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			a.t.Errorf("%s says %q", a.asked, text)
		}
	}
	return a
}

func (a answer) main() string {
	_, main, ok := strings.Cut(a.body, "<main")
	if !ok {
		return a.body
	}
	main, _, _ = strings.Cut(main, "</main>")
	return main
}

// signIn types user name and password.
func (s *staff) signIn(password string) answer {
	s.w.t.Helper()
	return s.post("/login", "user", string(s.person.UserName), "password", password)
}

// works signs in.
func (s *staff) works() *staff {
	s.w.t.Helper()
	if a := s.signIn(s.password); a.status != http.StatusSeeOther {
		a.says(http.StatusSeeOther)
	}
	return s
}

// first is where somebody begins.
var first = map[tolem.Role]string{
	tolem.RoleOperator: "/payments", tolem.RoleAsanOperator: "/payments", tolem.RoleBankAdmin: "/approvals", tolem.RoleBankSecurityAdmin: "/people",
}

// texts of a language, shell's and module's.
func texts(t *testing.T, l web.Language) map[string]string {
	t.Helper()
	c, err := web.LoadCatalogue(os.DirFS(".."), os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	return maps.Clone(c[l])
}
