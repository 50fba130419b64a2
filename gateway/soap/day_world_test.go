package soap_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"golang.org/x/mod/sumdb/note"

	"tolem"
	"tolem/archive"
	"tolem/banks"
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
)

// Those who take part in days, besides the members of other tests.
const (
	kioskID   = "KIOSK" // a processing centre that calls for BANK2
	branch3ID = "ALM02"
)

// dayWorld is a gateway whose clock the test moves: messages are signed,
// verified, decided and kept as always, without a network between.
type dayWorld struct {
	t        *testing.T
	clock    *tolemtest.Clock
	lag      time.Duration // between a message's arrival and its decision
	db       *store.DB
	gateway  *gateway.Gateway
	registry *registry.Registry
	evidence *archive.Archive
	handler  http.Handler
	people   map[string]*dayActor
}

type dayActor struct {
	signer  *signing.Signer
	channel *x509.Certificate
}

func newDayWorld(t *testing.T, dsn string, zone *time.Location, begin time.Time) *dayWorld {
	t.Helper()
	clock := tolemtest.NewClock(begin)
	w := &dayWorld{t: t, clock: clock, db: tolemtest.Store(t, dsn, store.Options{Clock: clock.Now}), people: make(map[string]*dayActor)}
	authority := tolemtest.NewPKI(t, pki.Options{Now: func() time.Time { return begin.Add(-time.Hour) }})
	if err := authority.WriteCRLs(authority.Dir, begin.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	trusted := must(trust.Open(t.Context(), trust.Config{
		Anchors: []string{filepath.Join(authority.Dir, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(authority.Dir, pki.IntermediatesDir)},
		CRLs: []string{filepath.Join(authority.Dir, pki.CRLsDir)}, Now: clock.Now,
	}, nil))
	w.enrol(authority, append(slices.Clone(members),
		tolem.Participant{ID: kioskID, Kind: tolem.KindProcessing, ActsFor: []tolem.ParticipantID{bank2ID}},
		tolem.Participant{ID: branch3ID, Kind: tolem.KindBranch, ActsFor: []tolem.ParticipantID{bankID}}))
	directory := must(banks.Open(t.Context(), w.db))
	key, _, err := note.GenerateKey(rand.Reader, "test")
	if err != nil {
		t.Fatal(err)
	}
	w.evidence = must(archive.New(w.db, archive.Options{Origin: "test", CheckpointKey: key}))
	signer := func(key pki.KeyKind) *signing.Signer {
		i := authority.Identity(pki.Spec{CommonName: "gateway", Usage: pki.Signing, Key: key})
		return must(signing.NewSigner(i.Key, i.Cert))
	}
	signers := soap.Signers{RSA: signer(pki.RSA2048), EC: signer(pki.P256)}
	w.registry = registry.New(registry.Config{
		Calendar: tolem.NewCalendar(zone, nil, nil), FinalAfter: 3, ClaimsDueAfter: 2, Operator: "Operator", OperatorAccount: "KZ1",
		Currency: tolem.KZT, Folder: t.TempDir(), Clock: clock.Now,
	}, w.db, w.evidence, directory, signers.RSA)
	w.gateway = gateway.New(gateway.Config{Currency: tolem.KZT, CodeTTL: time.Hour, UnknownCodesPerMinute: 1000}, w.db, w.evidence, directory)
	w.handler = soap.New(soap.Config{
		Gateway: w.gateway, Directory: directory, Registers: registers.New(w.gateway, w.registry, report.NewDesk(w.db)), Verifier: signing.NewVerifier(trusted, directory),
		Signers: signers, Receipts: signers.RSA, Channel: trusted.VerifyConnection, Clock: func() time.Time { return clock.Now().Add(-w.lag) },
		Limits: soap.Limits{PerSecond: 1e6, Burst: 1e6, Concurrent: 1e3}, BodyTimeout: 2 * time.Second, OperationTimeout: 20 * time.Second,
		Log: zerolog.Nop(), Observe: func(soap.Event) {},
	})
	return w
}

// enrol registers participants with their certificates, and what is paid for.
func (w *dayWorld) enrol(authority *tolemtest.PKI, people []tolem.Participant) {
	w.t.Helper()
	now := w.clock.Now()
	err := w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		errs := []error{
			tx.PutProvider(tolem.Provider{ID: justiceID, BIN: "990240001237", Account: "KZ1", Active: true, Names: tolem.Names{RU: "Минюст"}}),
			tx.PutService(tolem.Service{Code: "BIRTH", Provider: justiceID, Active: true, Price: tolem.Price{Currency: tolem.KZT, Fixed: 120_000}}),
		}
		for _, p := range people {
			p.Name, p.Groups, p.ContractFrom = string(p.ID), []tolem.Group{p.Kind.DefaultGroup()}, now.Add(-time.Hour)
			errs = append(errs, tx.PutParticipant(p))
			sign := authority.Identity(pki.Spec{CommonName: string(p.ID), Usage: pki.Signing, Key: pki.P256})
			channel := authority.Identity(pki.Spec{CommonName: string(p.ID), Usage: pki.TLSClient, Key: pki.P256})
			for _, i := range []*pki.Identity{sign, channel} {
				errs = append(errs, tx.PutCertificate(tolem.Certificate{
					Fingerprint: tolem.FingerprintOf(i.Cert.Raw), Participant: p.ID, DER: i.Cert.Raw, NotAfter: i.Cert.NotAfter, AddedAt: now,
				}))
			}
			w.people[string(p.ID)] = &dayActor{must(signing.NewSigner(sign.Key, sign.Cert)), channel.Cert}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// signed is a message of somebody, signed now.
func (w *dayWorld) signed(who, payload string) []byte {
	return must(w.people[who].signer.Sign(signing.SOAP11, must(signing.Canonicalize([]byte(payload))), w.clock.Now().Add(-w.lag)))
}

// send gives a message to the gateway and returns its answer.
func (w *dayWorld) send(who string, message []byte) reply {
	w.t.Helper()
	defer w.clock.Advance(time.Millisecond)
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "/soap/v1", bytes.NewReader(message))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.TLS = &tls.ConnectionState{HandshakeComplete: true, PeerCertificates: []*x509.Certificate{w.people[who].channel}}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return reply{status: answer.Code, header: answer.Header(), raw: answer.Body.Bytes(), body: answer.Body.String()}
}

// says sends a request whose outcome must be the result.
func (w *dayWorld) says(result, who, payload string) reply {
	w.t.Helper()
	got := w.send(who, w.signed(who, payload))
	if got.result() != result {
		w.t.Fatalf("%s is answered %s, want %s:\n%s\n%s", who, got.result(), result, payload, got.raw)
	}
	return got
}

// issue gets a code for BANK1 or, through the processing centre, for BANK2.
func (w *dayWorld) issue(bank string) string {
	w.t.Helper()
	if bank == bank2ID {
		return w.says("OK", kioskID, request("IssueCode", uuid.NewString(), append([]string{"onBehalfOf", bank2ID}, order()...)...)).field("paymentCode")
	}
	return w.says("OK", bank, request("IssueCode", uuid.NewString(), order()...)).field("paymentCode")
}

// notice is a notification of a payment, made now; more elements follow, and
// pairs that begin with "=" replace one.
func (w *dayWorld) notice(code, bank string, more ...string) []string {
	fields := payment(code)
	set := func(name, text string) { fields[slices.Index(fields, name)+1] = text }
	set("bankId", bank)
	set("bankRef", "REF-"+code[len(code)-6:])
	set("paidAt", w.clock.Now().Add(-w.lag-time.Second).Format(time.RFC3339Nano))
	for i := 0; i < len(more); i += 2 {
		if more[i][0] == '=' {
			set(more[i][1:], more[i+1])
			continue
		}
		fields = append(fields, more[i], more[i+1])
	}
	return fields
}

// paid notifies a payment with which all is well.
func (w *dayWorld) paid(bank string, more ...string) string {
	w.t.Helper()
	code := w.issue(bank)
	w.says("OK", bank, request("NotifyPayment", uuid.NewString(), w.notice(code, bank, more...)...))
	return code
}

func (w *dayWorld) close(code string) {
	w.t.Helper()
	w.says("OK", portalID, request("ValidateCode", uuid.NewString(), "paymentCode", code, "requestNo", "R", "recipientIIN", citizen, "serviceCode", "BIRTH"))
	w.says("OK", portalID, request("CloseCode", uuid.NewString(), "paymentCode", code, "closeId", uuid.NewString(), "requestNo", "R"))
}

func (w *dayWorld) refund(code string) {
	w.t.Helper()
	defer w.clock.Advance(time.Millisecond)
	number := must(tolem.ReadCodeNumber(code))
	got, err := w.gateway.RefundCode(w.t.Context(), gateway.Refund{Code: number, By: "operator", Reason: "asked for"})
	if err != nil || got.Result != tolem.OK {
		w.t.Fatalf("%+v, %v", got, err)
	}
}

// sealed seals a day and forms its registers and claims.
func (w *dayWorld) sealed(day tolem.Day) {
	w.t.Helper()
	if _, err := w.registry.Seal(w.t.Context(), day, nil); err != nil {
		w.t.Fatal(err)
	}
	owners, err := w.registry.Owners(w.t.Context(), day)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range owners {
		if _, err = w.registry.Build(w.t.Context(), o, day, nil); err != nil {
			w.t.Fatal(err)
		}
		if o.Kind != tolem.BankRegister {
			continue
		}
		if _, err := w.registry.Claim(w.t.Context(), o.Bank, day); err != nil {
			w.t.Fatal(err)
		}
	}
}
