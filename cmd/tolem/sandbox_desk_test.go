package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
	"software.sslmate.com/src/go-pkcs12"

	"tolem"
	"tolem/access"
	"tolem/bills"
	"tolem/internal/tolemtest"
	"tolem/signing/trust"
	"tolem/smartcard/bridge/simulator"
	"tolem/store"
)

// The workplace of the sandbox is complete at its start: people sign in with
// what is printed, searches come to what is said, and the card bridge is paired.
// Begun again in its folder, it has everything once.
func TestSandboxEquipsAWorkplace(t *testing.T) { tolemtest.Databases(t, equipAWorkplace) }

func equipAWorkplace(t *testing.T, dsn string) {
	dir := t.TempDir()
	s := startSandbox(t, "--parts", "workplace", "--dir", dir, "--workplace-db", dsn, "--accounts", "1000", "--operators", "2")
	r := s.Workplace
	if r == nil || s.Portal != "" || len(r.People) != len(deskCast)+2 || !strings.HasPrefix(r.Page, "https://localhost:") {
		t.Fatalf("the sandbox says %+v", s.sandboxReport)
	}
	s.says(r.Ops+"/readyz", `"ok":true`)
	if !strings.Contains(s.bridge("/v1/status").body, `"paired":true`) {
		t.Errorf("the card bridge says %s", s.bridge("/v1/status").body)
	}
	scene := decode[simulator.Scene](t, s.see(r.Bridge+"/sim/state", nil).body)
	if scene.Inserted != r.Cards[0].No || len(scene.Cards) != len(r.Cards) {
		t.Errorf("the scene is %+v", scene)
	}
	newShell(t).refused(exitFailed, "another sandbox runs in "+dir, "sandbox", "--parts", "workplace", "--dir", dir, "--ports", "auto")
	s.signInAt(r, r.People[0])
	d := openSandboxDesk(t, r.Config)
	d.peopleSignIn(r)
	d.searchesComeTo(r)
	d.tellsOfLookups()
	accounts := d.accounts()
	if own := organisationNamed(deskOnline).count(1000); own == 0 || accounts != int64(1000-own) {
		t.Errorf("%d accounts were fed, %d are in a system of their own", accounts, own)
	}
	s.stop()

	again := startSandbox(t, "--parts", "workplace", "--dir", dir)
	if n := openSandboxDesk(t, again.Workplace.Config).accounts(); n != accounts {
		t.Errorf("after another start there are %d accounts", n)
	}
}

// signInAt signs somebody in at the workplace's pages. Plain pages of this
// computer stay reachable for the browser.
func (s *sandboxRun) signInAt(r *deskReport, p deskPerson) {
	s.t.Helper()
	pair, err := tls.LoadX509KeyPair(p.Cert, p.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	authority, err := os.ReadFile(r.Authority)
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}}
	defer transport.CloseIdleConnections()
	browser, err := newWebPayer(transport)
	if err != nil {
		s.t.Fatal(err)
	}
	page, err := browser.send(s.ctx, http.MethodPost, r.Page+"/login", url.Values{"user": {string(p.User)}, "password": {p.Password}})
	if err != nil || page.address.Path == "/login" {
		s.t.Fatalf("signing in leads to %v, %v\n%s", page.address, err, page.body)
	}
	if page, err = browser.get(s.ctx, r.Page+"/user"); err != nil || !strings.Contains(page.body, p.FirstName+" "+p.Surname) {
		s.t.Errorf("the user's page: %v\n%s", err, page.body)
	}
	answer, err := (&http.Client{Transport: transport}).Get(r.Page + "/login")
	if err != nil {
		s.t.Fatal(err)
	}
	answer.Body.Close()
	if answer.Header.Get("Strict-Transport-Security") != "" {
		s.t.Error("the sandbox forbids browsers its plain pages")
	}
}

// bridge asks the card bridge as a page of the workplace does.
func (s *sandboxRun) bridge(path string) webPage {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.Workplace.Bridge+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Origin", s.Workplace.Page)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	var body any
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		s.t.Fatal(err)
	}
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	return webPage{status: answer.StatusCode, body: string(text)}
}

// sandboxDesk looks into the database of a workplace, as another gateway beside it
// that waits a second for an organisation's own system.
type sandboxDesk struct {
	*node
	t   *testing.T
	ctx context.Context
	out *bytes.Buffer // its log
}

func openSandboxDesk(t *testing.T, config string) *sandboxDesk {
	t.Helper()
	c, err := loadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	c.Workplace.LookupTimeout = time.Second
	var out bytes.Buffer
	n, err := openNode(t.Context(), c, zerolog.New(&out))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.db.Close() })
	return &sandboxDesk{node: n, t: t, ctx: t.Context(), out: &out}
}

// tellsOfLookups wants the questions to the organisation's own system counted and
// logged, without the account; and a word about organisations whose answers would
// be nobody's.
//
// WP-527
func (d *sandboxDesk) tellsOfLookups() {
	d.t.Helper()
	counted := func() bool {
		scrape := httptest.NewRecorder()
		promhttp.HandlerFor(d.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		all := true
		for _, outcome := range []string{"FOUND", "NO_ANSWER"} {
			all = all && strings.Contains(scrape.Body.String(), `tolem_lookup_seconds_count{organisation="`+string(deskOnline)+`",outcome="`+outcome+`"} 1`)
		}
		return all
	}
	for end := time.Now().Add(10 * time.Second); !counted(); time.Sleep(20 * time.Millisecond) { // the desk does not wait for who gives up
		if time.Now().After(end) {
			d.t.Fatal("an answer and a silence were not counted")
		}
	}
	d.warnOfStrangers()
	said := d.out.String()
	if strings.Count(said, `"message":"account looked up"`) != 2 || !strings.Contains(said, `"level":"warn","error":"no answer`) || strings.Contains(said, "MU55") || strings.Contains(said, "cannot be asked") {
		d.t.Errorf("the log says\n%s", said)
	}
	d.config.Workplace.Organisations = []string{"NOBODY=https://localhost/v1", "AZERSU=https://localhost/v1"}
	d.warnOfStrangers()
	for _, problem := range []string{"it is no registered provider", "no participant of this id has a certificate"} {
		if !strings.Contains(d.out.String(), problem) {
			d.t.Errorf("nobody says that %s", problem)
		}
	}
}

// peopleSignIn signs everybody in with the e-token's file and the password.
func (d *sandboxDesk) peopleSignIn(r *deskReport) {
	d.t.Helper()
	authority, err := trust.Open(d.ctx, trust.Config{Anchors: d.config.Trust.Anchors, Intermediates: d.config.Trust.Intermediates, CRLs: d.config.Trust.CRLs}, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	a, err := access.New(access.Config{Trust: authority, Calendar: tolem.NewCalendar(d.zone, nil, nil), Hash: access.HashParams{Memory: 8 << 10, Time: 1, Threads: 1}}, d.db)
	if err != nil {
		d.t.Fatal(err)
	}
	roles := make(map[tolem.Role]int)
	for _, p := range r.People {
		file, err := os.ReadFile(p.Token)
		if err != nil {
			d.t.Fatal(err)
		}
		_, cert, chain, err := pkcs12.DecodeChain(file, r.PIN)
		if err != nil || len(chain) == 0 {
			d.t.Fatalf("%s: %v, a chain of %d", p.Token, err, len(chain))
		}
		if _, err := tls.LoadX509KeyPair(p.Cert, p.Key); err != nil {
			d.t.Error(err)
		}
		registered, err := a.Verify(d.ctx, tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}})
		if err != nil {
			d.t.Fatal(err)
		}
		actor, err := a.SignIn(d.ctx, access.Visitor{Certificate: registered, Workstation: "here"}, string(p.User), access.NewPassword(p.Password))
		if err != nil || actor.Person.Position() != p.Role || actor.Person.Bank != p.Bank || actor.Person.Branch != p.Branch {
			d.t.Errorf("%s signs in as %+v, %v", p.User, actor.Person.Profile, err)
		}
		roles[p.Role]++
	}
	if want := (map[tolem.Role]int{tolem.RoleOperator: 7, tolem.RoleAsanOperator: 1, tolem.RoleBankAdmin: 2, tolem.RoleBankSecurityAdmin: 2}); !reflect.DeepEqual(roles, want) {
		d.t.Errorf("roles %v", roles)
	}
}

func (d *sandboxDesk) searchesComeTo(r *deskReport) {
	d.t.Helper()
	organisations, err := d.bills.Organisations(d.ctx, deskBank)
	if err != nil || len(organisations) != 30 {
		d.t.Errorf("%d organisations, %v", len(organisations), err)
	}
	for _, trial := range r.Trials {
		found, err := d.bills.Lookup(d.ctx, deskBank, trial.Organisation, string(trial.Account))
		if err != nil || found.Outcome != trial.Found {
			d.t.Errorf("%s %s, %s: %s, %v", trial.Organisation, trial.Account, trial.Happens, found.Outcome, err)
		}
	}
	for _, card := range r.Cards {
		if found, err := d.bills.Lookup(d.ctx, deskBank, card.Organisation, string(card.Account)); err != nil || found.Outcome == bills.NotFound {
			d.t.Errorf("the account of card %s: %s, %v", card.No, found.Outcome, err)
		}
	}
}

// accounts counts them by the batches that brought them.
func (d *sandboxDesk) accounts() (n int64) {
	d.t.Helper()
	err := d.db.View(d.ctx, func(tx *store.Tx) error {
		for _, o := range deskOrganisations {
			batches, err := tx.BillBatches(o.id, 100)
			if err != nil {
				return err
			}
			for _, b := range batches {
				n += b.Taken
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

// The accounts are the same at every start, and as many as are asked for.
func TestSandboxAccountsAreTheSame(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for _, all := range []int{minDeskAccounts, deskAccounts} {
		n := 0
		for i, o := range deskOrganisations {
			n += o.count(all)
			if o.count(all) <= accountClosed {
				t.Errorf("%s has %d accounts of %d", o.id, o.count(all), all)
			}
			if all == minDeskAccounts && !reflect.DeepEqual(o.snapshots(o.count(all), uint64(i), now), o.snapshots(o.count(all), uint64(i), now)) {
				t.Errorf("%s has other accounts the second time", o.id)
			}
		}
		if n != all {
			t.Errorf("%d accounts of %d", n, all)
		}
	}
}

// On no day of the year does an account owe one invoice twice.
func TestSandboxInvoicesOfEveryDay(t *testing.T) {
	t.Parallel()
	for now := time.Date(2027, 12, 1, 9, 0, 0, 0, time.UTC); now.Year() < 2029; now = now.Add(24 * time.Hour) {
		o := organisationNamed("AZERISHIQ")
		for _, s := range o.snapshots(30, 0, now) {
			if problem, what := s.Check(func(tolem.ServiceCode) bool { return true }, deskCurrency); problem != "" {
				t.Fatalf("on %s account %s has %s: %s", now.Format(time.DateOnly), s.Account.Number, problem, what)
			}
		}
	}
}

// The people whom README.md has sign in are those of the sandbox.
func TestReadmeShowsPeopleOfTheSandbox(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range deskCast {
		if !strings.Contains(string(readme), "`"+string(p.User)+"`") {
			t.Errorf("README.md does not name %s", p.User)
		}
	}
	if !strings.Contains(string(readme), "`"+deskPassword+"`") || !strings.Contains(string(readme), "`"+tokenPIN+"`") {
		t.Error("README.md has another password or PIN")
	}
}
