package soap_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/bills"
	"tolem/gateway"
	"tolem/gateway/registers"
	"tolem/gateway/soap"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/registry"
	"tolem/registry/report"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
	"tolem/wsdl"
)

const (
	bankID   = "BANK1"
	portalID = "PORTAL"
	citizen  = "850101300124"
)

// Those who get registers: two banks with a branch each, and two providers.
const (
	bank2ID   = "BANK2"
	branchID  = "ALM01"
	branch2ID = "AST01"
	justiceID = "JUSTICE"
	taxID     = "TAX"
)

// members are all participants.
var members = []tolem.Participant{
	{ID: bankID, Kind: tolem.KindBank}, {ID: portalID, Kind: tolem.KindPortal}, {ID: bank2ID, Kind: tolem.KindBank},
	{ID: branchID, Kind: tolem.KindBranch, ActsFor: []tolem.ParticipantID{bankID}},
	{ID: branch2ID, Kind: tolem.KindBranch, ActsFor: []tolem.ParticipantID{bank2ID}},
	{ID: justiceID, Kind: tolem.KindProvider}, {ID: taxID, Kind: tolem.KindProvider},
}

// world is a handler behind mutual TLS, everything below it real.
type world struct {
	t         *testing.T
	db        *store.DB
	directory *banks.Directory
	pki       *tolemtest.PKI
	trust     *trust.Store
	verifier  *signing.Verifier // of answers
	registry  *registry.Registry
	server    *httptest.Server
	actors    map[string]*actor

	mu     sync.Mutex
	log    bytes.Buffer
	events []soap.Event
}

type actor struct {
	world  *world
	signer *signing.Signer
	http   *http.Client
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// newWorld starts a handler over the database; change may alter how it is
// joined.
func newWorld(t *testing.T, dsn string, change func(*soap.Config)) *world {
	t.Helper()
	w := &world{t: t, db: tolemtest.Store(t, dsn, store.Options{}), pki: tolemtest.NewPKI(t, pki.Options{}), actors: make(map[string]*actor)}
	w.trust = must(trust.Open(t.Context(), trust.Config{
		Anchors: []string{filepath.Join(w.pki.Dir, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(w.pki.Dir, pki.IntermediatesDir)},
		CRLs: []string{filepath.Join(w.pki.Dir, pki.CRLsDir)},
	}, nil))
	w.verifier = signing.NewVerifier(w.trust, nil)
	identities := make(map[string][2]*pki.Identity)
	for _, m := range members {
		identities[string(m.ID)] = w.identities(string(m.ID))
	}
	w.register(identities)
	w.directory = must(banks.Open(t.Context(), w.db))
	w.serve(change)
	for id, i := range identities {
		w.actors[id] = w.actor(i)
	}
	return w
}

func (w *world) identities(id string) [2]*pki.Identity {
	return [2]*pki.Identity{
		w.pki.Identity(pki.Spec{CommonName: id, Usage: pki.Signing, Key: pki.P256}),
		w.pki.Identity(pki.Spec{CommonName: id, Usage: pki.TLSClient, Key: pki.P256}),
	}
}

func (w *world) register(identities map[string][2]*pki.Identity) {
	w.t.Helper()
	now := time.Now()
	err := w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		var errs []error
		for _, p := range members {
			p.Name, p.Groups, p.ContractFrom = string(p.ID), []tolem.Group{p.Kind.DefaultGroup()}, now.Add(-time.Hour)
			errs = append(errs, tx.PutParticipant(p))
			for _, i := range identities[string(p.ID)] {
				errs = append(errs, tx.PutCertificate(tolem.Certificate{
					Fingerprint: tolem.FingerprintOf(i.Cert.Raw), Participant: p.ID, DER: i.Cert.Raw, NotAfter: i.Cert.NotAfter, AddedAt: now,
				}))
			}
		}
		return errors.Join(append(errs,
			tx.PutProvider(tolem.Provider{ID: "JUSTICE", BIN: "990240001237", Account: "KZ1", Active: true, Names: tolem.Names{RU: "Минюст"}}),
			tx.PutProvider(tolem.Provider{ID: taxID, BIN: "990240001237", Account: "KZ2", Active: true}),
			tx.PutService(tolem.Service{Code: "BIRTH", Provider: "JUSTICE", Active: true, Price: tolem.Price{Currency: tolem.KZT, Fixed: 120_000}, Names: tolem.Names{KK: "<Туу>"}}),
		)...)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// longestTest is how long a test that speaks of today may take.
const longestTest = 20 * time.Second

func (w *world) serve(change func(*soap.Config)) {
	w.t.Helper()
	signer := func(key pki.KeyKind) *signing.Signer {
		i := w.pki.Identity(pki.Spec{CommonName: "gateway", Usage: pki.Signing, Key: key})
		return must(signing.NewSigner(i.Key, i.Cert))
	}
	tolemtest.WithinOneDay(w.t, time.UTC, longestTest)
	evidence := must(archive.New(w.db, archive.Options{Origin: "test"}))
	rsa := signer(pki.RSA2048)
	w.registry = registry.New(registry.Config{
		Calendar: tolem.NewCalendar(time.UTC, nil, nil), FinalAfter: 3, Operator: "Operator", Folder: w.t.TempDir(),
		Clock: func() time.Time { return time.Now().Add(48 * time.Hour) }, // today is over
	}, w.db, evidence, w.directory, rsa)
	c := soap.Config{
		Gateway: gateway.New(gateway.Config{Currency: tolem.KZT, CodeTTL: time.Hour, UnknownCodesPerMinute: 30, PageAddress: "https://pay.kz/pay"}, w.db, evidence, w.directory), Directory: w.directory,
		Verifier: signing.NewVerifier(w.trust, w.directory), Signers: soap.Signers{RSA: rsa, EC: signer(pki.P256)},
		Channel: w.trust.VerifyConnection, Clock: time.Now, Limits: soap.Limits{PerSecond: 1e6, Burst: 1e6, Concurrent: 1e3},
		BodyTimeout: 2 * time.Second, OperationTimeout: 20 * time.Second, Log: zerolog.New(w), Observe: w.observe,
	}
	c.Receipts, c.Registers = c.Signers.RSA, registers.New(c.Gateway, w.registry, report.NewDesk(w.db))
	c.Bills = bills.NewIntake(c.Gateway, bills.New(bills.Config{Currency: tolem.KZT, Calendar: w.registry.Calendar}, w.db))
	if change != nil {
		change(&c)
	}
	w.server = httptest.NewUnstartedServer(soap.New(c))
	i := w.pki.Identity(pki.Spec{CommonName: "localhost", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"127.0.0.1"}})
	w.server.TLS = &tls.Config{
		Certificates: []tls.Certificate{i.TLS()}, ClientAuth: tls.RequestClientCert, ClientCAs: w.trust.Pool(), VerifyConnection: w.trust.VerifyIfGiven,
	}
	w.server.StartTLS()
	w.t.Cleanup(w.server.Close)
}

// Write implements io.Writer for the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) observe(e soap.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// logged returns the log and the last event.
func (w *world) logged() (string, soap.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var last soap.Event
	if n := len(w.events); n > 0 {
		last = w.events[n-1]
	}
	return w.log.String(), last
}

func (w *world) actor(i [2]*pki.Identity) *actor {
	a := &actor{world: w, signer: must(signing.NewSigner(i[0].Key, i[0].Cert))}
	a.http = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: w.trust.Pool(), Certificates: []tls.Certificate{i[1].TLS()}}, MaxIdleConnsPerHost: 128,
	}}
	w.t.Cleanup(a.http.CloseIdleConnections)
	return a
}

// reply is a verified answer or fault.
type reply struct {
	status int
	header http.Header
	body   string // the signed Body
	raw    []byte
}

var codes = regexp.MustCompile(`<(?:resultCode|code)>([A-Z_]+)<`)

func (r reply) result() string {
	if m := codes.FindStringSubmatch(r.body); m != nil {
		return m[1]
	}
	return ""
}

// field returns the text of an element, as it stands in the message.
func (r reply) field(name string) string {
	_, rest, _ := strings.Cut(r.body, "<"+name+">")
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return text
}

// request is the Body's child; fields alternate between names and texts.
func request(operation, id string, fields ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<%s xmlns="%s"><requestId>%s</requestId>`, operation, wsdl.Namespace, id)
	for i := 0; i < len(fields); i += 2 {
		fmt.Fprintf(&b, "<%s>%s</%s>", fields[i], fields[i+1], fields[i])
	}
	fmt.Fprintf(&b, "</%s>", operation)
	return b.String()
}

func order(more ...string) []string {
	return append([]string{
		"serviceCode", "BIRTH", "providerId", "JUSTICE", "recipientIIN", citizen, "recipientName", "A &amp; B",
		"amount", "1200.00", "currency", "KZT", "channel", "ATM",
	}, more...)
}

func payment(code string) []string {
	return []string{
		"paymentCode", code, "bankId", bankID, "bankRef", "REF", "amount", "1200.00", "currency", "KZT", "paidAt", "2026-01-31T09:30:00+05:00",
		"channel", "ATM", "recipientIIN", citizen, "serviceCode", "BIRTH", "providerId", "JUSTICE", "accountNo", "KZ86",
	}
}

// sign returns a signed message with the Body's child.
func (a *actor) sign(v signing.Version, payload string) []byte {
	return must(a.signer.Sign(v, must(signing.Canonicalize([]byte(payload))), time.Now()))
}

// do calls an operation.
func (a *actor) do(operation string, fields ...string) reply {
	a.world.t.Helper()
	return a.post(a.sign(signing.SOAP11, request(operation, uuid.NewString(), fields...)), nil)
}

// post sends a message and verifies the answer.
func (a *actor) post(message []byte, change func(*http.Request)) reply {
	a.world.t.Helper()
	got, err := a.send(a.world.t.Context(), message, change)
	if err != nil {
		a.world.t.Fatal(err)
	}
	return got
}

func (a *actor) send(ctx context.Context, message []byte, change func(*http.Request)) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.world.server.URL+"/soap/v1", bytes.NewReader(message))
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	if change != nil {
		change(r)
	}
	response, err := a.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, err
	}
	got := reply{status: response.StatusCode, header: response.Header, raw: raw}
	verified, err := a.world.verifier.Verify(raw, time.Now())
	if err != nil {
		return got, fmt.Errorf("status %d: %w: %s", got.status, err, raw)
	}
	got.body = string(verified.Body)
	return got, nil
}
