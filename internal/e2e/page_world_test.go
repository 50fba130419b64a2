package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/banks/sandbox"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/wsdl/client"
)

// What the payers of these tests enter. The code begins with a zero, as no
// number that a program prints does, and no card of the tests ends with it: see
// traces.codes.
const (
	plainCard    = "4929 1234 5678 1236"
	plainAccount = "KZ75125KZT2069100100"
	cvc          = "0281"
	holder       = "QUORLE ZYZYX"
	expiry       = "12/39"
	returnTo     = "https://portal.example.kz/back"
)

// How fast things go around the page.
const (
	callTimeout = 2 * time.Second // of the gateway's calls to banks
	bankLatency = 150 * time.Millisecond
	bankLate    = callTimeout + 500*time.Millisecond
	bankHang    = callTimeout + time.Second
	notifyLate  = 700 * time.Millisecond
	comeBack    = 100 * time.Millisecond // after an answer was lost
)

// hall is an installation with the payment page, simulated banks that it calls
// and that notify it, and the portal that sends payers.
type hall struct {
	*world
	site    string // address of the payment page
	tellers map[tolem.ParticipantID]*teller
	portal  *client.Client
	streets *http.Transport // all browsers' connections
	titles  map[string]string

	documents []document // of the days that were closed
}

// teller is a simulated bank.
type teller struct {
	*sandbox.Bank
	id tolem.ParticipantID
}

// newHall sets everything up and starts the banks, not yet the gateway.
func newHall(t *testing.T, database string) *hall {
	t.Helper()
	w := newWorld(t, database)
	soap, page := freeAddress(t), freeAddress(t)
	h := &hall{world: w, site: "https://" + page, tellers: make(map[tolem.ParticipantID]*teller), titles: titles(t)}
	command(t, "participant", "return-address", "add", portal, returnTo, "--config", w.config)
	gateway := fmt.Sprintf("https://%s/soap/v1", soap)
	stranger := w.identity(pki.Spec{CommonName: "stranger", Usage: pki.Signing, Key: pki.P256})
	var addresses []string
	for _, id := range []string{bank1, bank2} {
		addresses = append(addresses, id+"="+h.openBank(id, gateway, stranger))
	}
	w.publishLists(time.Time{})
	h.portal = h.caller(portal, gateway)
	h.streets = &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: w.trust.Pool()}, MaxIdleConnsPerHost: 64}
	t.Cleanup(h.streets.CloseIdleConnections)
	w.env = []string{
		"TOLEM_SOAP_LISTEN=" + soap, "TOLEM_CHECKOUT_LISTEN=" + page, "TOLEM_CHECKOUT_PUBLIC_ADDRESS=" + h.site,
		"TOLEM_CHECKOUT_BANKS=" + strings.Join(addresses, ","), "TOLEM_CHECKOUT_ACQUIRERS=" + bank1 + "," + bank2,
		"TOLEM_CHECKOUT_CALL_TIMEOUT=" + callTimeout.String(), "TOLEM_CHECKOUT_SANDBOX=true",
		"TOLEM_CHECKOUT_RATE_PER_SECOND=10000", "TOLEM_CHECKOUT_BURST=10000", // all payers have one address here
	}
	return h
}

// openBank plays a bank over mutual TLS until the test ends, and returns its
// address.
func (h *hall) openBank(id, gateway string, stranger *pki.Identity) string {
	h.t.Helper()
	old := h.identity(pki.Spec{CommonName: id + " old", Usage: pki.Signing, Key: pki.P256})
	command(h.t, "participant", "cert", "add", id, h.certFile(old), "--config", h.config)
	if err := h.authority.Revoke(old.Cert, pki.KeyCompromise); err != nil {
		h.t.Fatal(err)
	}
	prints := h.gatewayPrints()
	bank, err := sandbox.New(sandbox.Config{
		Bank: tolem.ParticipantID(id), Signer: h.actors[id].signer, Verifier: signing.NewVerifier(h.trust, nil),
		Gateway: func(v *signing.Verified) bool { return slices.Contains(prints, v.Fingerprint) },
		Revoked: h.signer(old), Stranger: h.signer(stranger), Notifier: insistent{h.caller(id, gateway)},
		Latency: bankLatency, Late: bankLate, Hang: bankHang, NotifyLate: notifyLate,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.tellers[tolem.ParticipantID(id)] = &teller{bank, tolem.ParticipantID(id)}
	ctx, stop := context.WithCancel(context.Background())
	notified := make(chan struct{})
	go func() { defer close(notified); bank.Run(ctx) }()
	address, closeServer := h.host(bank)
	h.t.Cleanup(func() {
		stop()
		<-notified
		closeServer()
		if err := bank.Close(); err != nil {
			h.t.Error(err)
		}
	})
	return address
}

// host serves a bank as the contract asks for.
func (h *hall) host(bank http.Handler) (address string, stop func()) {
	h.t.Helper()
	identity := h.identity(pki.Spec{CommonName: "127.0.0.1", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"127.0.0.1"}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	server := &http.Server{
		Handler: bank, ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0), // connections break on purpose
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{identity.TLS()}, ClientAuth: tls.RequireAnyClientCert,
			VerifyConnection: h.trust.VerifyConnection,
		},
	}
	done := make(chan error, 1)
	go func() { done <- server.ServeTLS(l, "", "") }()
	return "https://" + l.Addr().String() + "/bank/v1", func() {
		_ = server.Close() // what is still answered nobody waits for
		<-done
	}
}

func (h *hall) signer(id *pki.Identity) *signing.Signer {
	h.t.Helper()
	s, err := signing.NewSigner(id.Key, id.Cert)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// gatewayPrints are the certificates with which the gateway signs.
func (h *hall) gatewayPrints() (list []tolem.Fingerprint) {
	h.t.Helper()
	for _, name := range []string{"signing-rsa", "signing-ec"} {
		s, err := signing.LoadSigner(h.path("keys", name+".pem"), h.path("keys", name+".key"))
		if err != nil {
			h.t.Fatal(err)
		}
		list = append(list, tolem.FingerprintOf(s.Certificate().Raw))
	}
	return list
}

// caller is a participant's program, written with the client of the contract.
// Who uses it repeats what was not answered.
func (h *hall) caller(id, gateway string) *client.Client {
	h.t.Helper()
	a := h.actors[id]
	c, err := client.New(client.Config{
		Address: gateway, Signer: a.signer, Trust: h.trust, Gateway: client.Identity{Fingerprints: h.gatewayPrints()}, Attempts: 1, Timeout: 5 * time.Second,
		TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: h.trust.Pool(), Certificates: []tls.Certificate{a.channel.TLS()}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(c.Close)
	return c
}

// insist makes a call until it is answered, always under the same request id.
func insist(call func(client.Option) error) error {
	id := client.WithRequestID(client.NewRequestID())
	for deadline := time.Now().Add(giveUp); ; time.Sleep(comeBack) {
		err := call(id)
		var fault *client.Fault
		if err == nil || client.RefusalOf(err) != "" || errors.As(err, &fault) && fault.Retry == client.RetryNo || time.Now().After(deadline) {
			return err
		}
	}
}

// insistent notifies until it is answered: the bank itself would wait longer
// each time, up to half a minute.
type insistent struct{ *client.Client }

func (n insistent) NotifyPayment(ctx context.Context, p client.Payment, options ...client.Option) (recorded client.RecordedPayment, err error) {
	for deadline := time.Now().Add(giveUp); ; {
		recorded, err = n.Client.NotifyPayment(ctx, p, options...)
		var fault *client.Fault
		if err == nil || client.RefusalOf(err) != "" || errors.As(err, &fault) && fault.Retry == client.RetryNo || time.Now().After(deadline) {
			return recorded, err
		}
		select {
		case <-ctx.Done():
			return recorded, ctx.Err()
		case <-time.After(comeBack):
		}
	}
}

// visit is a payment that the portal started, and what its payer saw.
type visit struct {
	payment tolem.PaymentID
	address string
	method  tolem.Method
	code    tolem.CodeNumber // of a card; of an account when it is known
	amount  tolem.Money
	browser *http.Client // that was let in
	seen    string       // the last page
}

// start has the portal send a payer, for a code that is issued first if none
// is given.
func (h *hall) start(method tolem.Method, amount tolem.Money, code tolem.CodeNumber) (*visit, error) {
	v := &visit{method: method, amount: amount, code: code}
	if method == tolem.MethodCard && code == 0 {
		err := insist(func(o client.Option) error {
			issued, err := h.portal.IssueCode(h.t.Context(), client.CodeRequest{
				Service: anyFee, Provider: provider, Recipient: citizen, RecipientName: fullName, Amount: amount, Channel: tolem.ChannelAcquiring,
				RequestNo: "R-1",
			}, o)
			v.code = issued.Code
			return err
		})
		if err != nil {
			return v, err
		}
	}
	return v, insist(func(o client.Option) (err error) {
		var started client.StartedPayment
		if method == tolem.MethodCard {
			started, err = h.portal.StartCardPayment(h.t.Context(), client.CardCheckout{
				Code: v.code, Recipient: citizen, Service: anyFee, Amount: amount, ReturnAddress: returnTo, Language: "en",
			}, o)
		} else {
			started, err = h.portal.StartAccountPayment(h.t.Context(), client.AccountCheckout{
				Service: anyFee, Provider: provider, Recipient: citizen, RecipientName: fullName, Amount: amount, RequestNo: "R-2",
				ReturnAddress: returnTo, Language: "en",
			}, o)
		}
		v.payment, v.address = started.Payment, started.Address
		return err
	})
}

// standing asks, as the portal does, how a payment stands.
func (h *hall) standing(v *visit) (c client.Checkout, err error) {
	return c, insist(func(o client.Option) error {
		c, err = h.portal.GetCheckout(h.t.Context(), v.payment, o)
		return err
	})
}

// newBrowser returns a browser without a past.
func (h *hall) newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // only its options can be wrong
	}
	return &http.Client{Transport: h.streets, Jar: jar, Timeout: 10 * time.Second}
}

// screen is a page as its payer sees it.
type screen struct {
	name string // of its title: form, paid, refused, link_used…
	mark string // of its form
	body string
}

var (
	headline = regexp.MustCompile(`(?s)<h1[^>]*>(.*?)</h1>`)
	markIn   = regexp.MustCompile(`name="payment" value="([0-9a-f]+)"`)
)

// look reads a page.
func (h *hall) look(r *http.Response, err error) (screen, error) {
	if err != nil {
		return screen{}, err
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return screen{}, err
	}
	if seen := cardTraces.in(body); len(seen) > 0 {
		h.t.Errorf("a page shows %v: %s", seen, body)
	}
	s := screen{body: string(body)}
	if m := headline.FindStringSubmatch(s.body); m != nil {
		s.name = h.titles[html.UnescapeString(m[1])]
	}
	if m := markIn.FindStringSubmatch(s.body); m != nil {
		s.mark = m[1]
	}
	if s.name == "" {
		return s, fmt.Errorf("status %d, a page that is none: %s", r.StatusCode, body)
	}
	return s, nil
}

// enter follows the address that the portal gave.
func (h *hall) enter(v *visit) (screen, error) {
	v.browser = h.newBrowser()
	return h.look(v.browser.Get(v.address))
}

func (h *hall) show(v *visit) (screen, error) { return h.look(v.browser.Get(h.site + "/pay")) }

// means is what somebody pays with.
type means struct {
	name          string
	card, account string
	bank          tolem.ParticipantID // of the account
}

// means of a row of the simulator's table.
func meansOf(c sandbox.Case, bank tolem.ParticipantID) means {
	return means{name: c.Name, card: c.Card(), account: c.Account(), bank: bank}
}

// submit confirms a form.
func (h *hall) submit(v *visit, form screen, m means) (screen, error) {
	f := url.Values{"payment": {form.mark}}
	if v.method == tolem.MethodCard {
		f.Set("card-number", m.card)
		f.Set("card-expiry", expiry)
		f.Set("card-holder", holder)
		f.Set("card-cvc", cvc)
	} else {
		f.Set("bank", string(m.bank))
		f.Set("account", m.account)
	}
	return h.look(v.browser.PostForm(h.site+"/pay", f))
}

// titles returns the names of pages by their titles.
func titles(t *testing.T) map[string]string {
	t.Helper()
	names := make(map[string]string)
	for _, file := range []string{"../../web/i18n/en.json", "../../web/checkout/i18n/en.json"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts := make(map[string]string)
		if err := json.Unmarshal(content, &texts); err != nil {
			t.Fatal(err)
		}
		for key, text := range texts {
			parts := strings.Split(key, ".")
			switch {
			case key == "form.title":
				names[text] = "form"
			case len(parts) == 3 && parts[2] == "title" && (parts[0] == "stage" || parts[0] == "problem"):
				names[text] = parts[1]
			}
		}
	}
	return names
}

// ---- what everybody's books say in the end ----

// attemptRow is an attempt as the database has it.
type attemptRow struct {
	id       tolem.AttemptID
	payment  tolem.PaymentID
	code     tolem.CodeNumber
	method   tolem.Method
	bank     tolem.ParticipantID
	minor    int64
	state    tolem.AttemptState
	ref      tolem.BankRef
	steps    string // its history
	codePaid bool
}

// paymentRow is a payment that the gateway took for true.
type paymentRow struct {
	code  tolem.CodeNumber
	bank  tolem.ParticipantID
	ref   tolem.BankRef
	minor int64
}

// ledger is what the database says, read past the program.
type ledger struct {
	attempts []attemptRow
	payments map[tolem.CodeNumber]paymentRow
	states   map[tolem.CodeNumber]tolem.State
}

func (h *hall) ledger(database string) ledger {
	h.t.Helper()
	db := openRaw(h.t, database)
	defer db.Close()
	l := ledger{payments: make(map[tolem.CodeNumber]paymentRow), states: make(map[tolem.CodeNumber]tolem.State)}
	each(h.t, db, `SELECT number, state FROM code`, func(scan func(...any) error) error {
		var n tolem.CodeNumber
		var s tolem.State
		err := scan(&n, &s)
		l.states[n] = s
		return err
	})
	each(h.t, db, `SELECT code, bank, bank_ref, amount FROM payment`, func(scan func(...any) error) error {
		var p paymentRow
		err := scan(&p.code, &p.bank, &p.ref, &p.minor)
		l.payments[p.code] = p
		return err
	})
	history := make(map[tolem.AttemptID]string)
	each(h.t, db, `SELECT attempt, state FROM attempt_step ORDER BY attempt, version`, func(scan func(...any) error) error {
		var id tolem.AttemptID
		var s string
		err := scan(&id, &s)
		history[id] += s + " "
		return err
	})
	each(h.t, db, `SELECT id, checkout, code, method, bank, amount, state, bank_ref FROM attempt`, func(scan func(...any) error) error {
		var a attemptRow
		err := scan(&a.id, &a.payment, &a.code, &a.method, &a.bank, &a.minor, &a.state, &a.ref)
		a.steps, a.codePaid = history[a.id], l.states[a.code] == tolem.StatePaid
		l.attempts = append(l.attempts, a)
		return err
	})
	return l
}

// neverNotified reports whether a bank was told by its script not to notify, or
// to notify wrongly: such an approval waits for a person.
func neverNotified(e sandbox.Entry) bool {
	how, err := sandbox.ParseBehaviour(e.Behaviour)
	return err == nil && e.Order.Kind == sandbox.KindCard && (how.Notify == sandbox.NotifyNever || how.Notify == sandbox.NotifyWrongAmount)
}

// settled waits until nothing is open that the banks can decide.
func (h *hall) settled(database string, within time.Duration) ledger {
	h.t.Helper()
	var l ledger
	var open []string
	begin := time.Now()
	for deadline := begin.Add(within); ; time.Sleep(250 * time.Millisecond) {
		l, open = h.ledger(database), nil
		for _, a := range l.attempts {
			e, _ := h.tellers[a.bank].entry(a.id)
			if a.state == tolem.AttemptApproved && (a.codePaid || neverNotified(e)) || a.state.Decided() && a.state != tolem.AttemptApproved ||
				a.state == tolem.AttemptRedirected {
				continue
			}
			open = append(open, fmt.Sprintf("%s %s at %s: %s; the bank has %s %q, told %q", a.method, a.id, a.bank, a.steps, e.State, e.Behaviour, e.Told))
		}
		if len(open) == 0 {
			h.t.Logf("settled after %v", time.Since(begin).Round(time.Millisecond))
			return l
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%d attempts hang after %v:\n%s", len(open), within, strings.Join(open, "\n"))
		}
	}
}

func (b *teller) entry(id tolem.AttemptID) (sandbox.Entry, bool) {
	if b == nil {
		return sandbox.Entry{}, false
	}
	return b.Entry(id)
}

// reckon holds the gateway's books against the banks', both ways, and returns
// what each bank has taken.
func (h *hall) reckon(l ledger) map[tolem.ParticipantID]sandbox.Sum {
	h.t.Helper()
	attempts := make(map[tolem.AttemptID]attemptRow)
	for _, a := range l.attempts {
		attempts[a.id] = a
		if e, ok := h.tellers[a.bank].entry(a.id); a.state == tolem.AttemptApproved && (!ok || e.State != sandbox.Approved) {
			h.t.Errorf("the gateway takes %s for approved, %s has it %s", a.id, a.bank, e.State)
		}
	}
	sums, charged := make(map[tolem.ParticipantID]sandbox.Sum), make(map[string]tolem.AttemptID)
	expected := make(map[tolem.CodeNumber]bool) // to be paid
	for bank, b := range h.tellers {
		for _, e := range b.Entries() {
			a := attempts[e.Attempt]
			h.compare(bank, e, a, l)
			if e.State != sandbox.Approved {
				continue
			}
			purpose := fmt.Sprintf("code %d, payment %s", e.Order.Code, e.Order.Payment)
			if other, twice := charged[purpose]; twice {
				h.t.Errorf("charged twice: %s and %s, both for %s", other, e.Attempt, purpose)
			}
			charged[purpose] = e.Attempt
			expected[a.code] = !neverNotified(e)
			s := sums[bank]
			sums[bank] = sandbox.Sum{Count: s.Count + 1, Minor: s.Minor + e.Minor}
		}
	}
	for code, state := range l.states {
		want := tolem.StateIssued
		if expected[code] {
			want = tolem.StatePaid
		}
		if _, paid := l.payments[code]; state != want || paid != expected[code] {
			h.t.Errorf("code %s is %s, want %s; it has a payment: %v", code.Printed(), state, want, paid)
		}
	}
	h.checkSums(l, sums)
	return sums
}

// compare holds an entry of a bank's book against the gateway's attempt.
func (h *hall) compare(bank tolem.ParticipantID, e sandbox.Entry, a attemptRow, l ledger) {
	h.t.Helper()
	switch {
	case a.id == "" || a.bank != bank:
		h.t.Errorf("%s has an attempt that the gateway does not know: %+v", bank, e)
	case e.State == sandbox.Approved:
		if a.state != tolem.AttemptApproved || a.minor != e.Minor || a.ref != e.BankRef {
			h.t.Errorf("lost charge: %s has taken %d for %s (%s), the gateway has it as %+v", bank, e.Minor, e.Attempt, e.Behaviour, a)
		}
		if p := l.payments[a.code]; !neverNotified(e) && (p.bank != bank || p.ref != e.BankRef || p.minor != e.Minor) {
			h.t.Errorf("%s has taken %d for %s (%s), its code has the payment %+v", bank, e.Minor, e.Attempt, e.Behaviour, p)
		}
	case e.State == sandbox.Pending || e.State == sandbox.Reversed:
		h.t.Errorf("%s was never decided at %s: %s", e.Attempt, bank, e.State)
	case e.State == sandbox.Refused, e.State == sandbox.Barred:
		if a.state != tolem.AttemptRefused {
			h.t.Errorf("%s has refused %s (%s), the gateway has it %s", bank, e.Attempt, e.Behaviour, a.state)
		}
	}
}

// checkSums compares sums: what banks have taken, and what the gateway counts
// as paid or waits to be notified of.
func (h *hall) checkSums(l ledger, taken map[tolem.ParticipantID]sandbox.Sum) {
	h.t.Helper()
	ours := make(map[tolem.ParticipantID]sandbox.Sum)
	add := func(bank tolem.ParticipantID, minor int64) {
		s := ours[bank]
		ours[bank] = sandbox.Sum{Count: s.Count + 1, Minor: s.Minor + minor}
	}
	for _, p := range l.payments {
		add(p.bank, p.minor)
	}
	for _, a := range l.attempts {
		if a.state == tolem.AttemptApproved && !a.codePaid {
			add(a.bank, a.minor)
		}
	}
	for bank := range h.tellers {
		if ours[bank] != taken[bank] {
			h.t.Errorf("%s has taken %+v, the gateway counts %+v", bank, taken[bank], ours[bank])
		}
		h.t.Logf("%s has taken %d payments, %s, and so says the gateway", bank, taken[bank].Count, tolem.Money{Minor: taken[bank].Minor, Currency: tolem.KZT})
	}
}

// checkTold looks at what payers and the portal are told in the end: each sees
// the page, and gets the stage, of what is true.
func (h *hall) checkTold(l ledger, visits []*visit) {
	h.t.Helper()
	last := make(map[tolem.PaymentID]attemptRow)
	for _, a := range l.attempts {
		// A refusal may be followed by an approval, never the other way round.
		if was, ok := last[a.payment]; !ok || was.state == tolem.AttemptRefused {
			last[a.payment] = a
		}
	}
	var mu sync.Mutex
	next := 0
	var askers sync.WaitGroup
	for range 8 {
		askers.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(visits) {
					return
				}
				h.checkVisit(visits[i], last[visits[i].payment])
			}
		})
	}
	askers.Wait()
}

// checkVisit compares what is told of one payment with its attempt.
func (h *hall) checkVisit(v *visit, a attemptRow) {
	want, page := tolem.StageStarted, ""
	switch {
	case a.state == tolem.AttemptApproved && a.codePaid:
		want, page = tolem.StagePaid, "paid"
	case a.state == tolem.AttemptApproved:
		want, page = tolem.StageApproved, "approved"
	case a.state == tolem.AttemptRefused:
		want, page = tolem.StageRefused, "refused"
	case a.state == tolem.AttemptRedirected:
		want, page = tolem.StageForm, "form"
	}
	c, err := h.standing(v)
	if err != nil {
		h.t.Errorf("the portal asks about %s: %v", v.payment, err)
		return
	}
	// Another visit of the same code may have paid it.
	elsewhere := v.method == tolem.MethodCard && want != tolem.StagePaid && (c.Stage == tolem.StagePaid || c.Stage == tolem.StageApproved)
	if c.Stage != want && !elsewhere {
		h.t.Errorf("the portal is told that %s is %s, want %s: %+v", v.payment, c.Stage, want, a)
	}
	if v.seen == "paid" && want != tolem.StagePaid {
		h.t.Errorf("a payer was shown a receipt, and the payment is %s: %+v", c.Stage, a)
	}
	if v.seen == "" || page == "" || elsewhere {
		return
	}
	if s, err := h.show(v); err != nil || s.name != page {
		h.t.Errorf("the payer of %s is shown %q, want %q; %v", v.payment, s.name, page, err)
	}
}

// plain is what every bank takes.
func plain(bank tolem.ParticipantID) means {
	return means{name: "plain", card: plainCard, account: plainAccount, bank: bank}
}
