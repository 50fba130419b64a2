package billsv1_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/banks/exchange"
	"tolem/bills/billsv1"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/sandbox/provider"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
)

// The organisation that is asked, another one, and accounts of the former.
const (
	water    = tolem.ProviderID("AZERSU")
	stranger = tolem.ParticipantID("AZERIQAZ")

	owes    = tolem.AccountNumber("A-1/2")
	settled = tolem.AccountNumber("A-2")
	silent  = tolem.AccountNumber("A-3")
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// world is the gateway's side of the contract and one organisation's own system
// behind mutual TLS.
type world struct {
	t         testing.TB
	pki       *tolemtest.PKI
	db        *store.DB
	evidence  *archive.Archive
	trust     *trust.Store
	directory *banks.Directory

	gateway, channel, host *pki.Identity // of the gateway: messages, connections; of the organisation's server
	water, old, stranger   *pki.Identity // that sign: the organisation's, its revoked one, another participant's
	nobody                 *pki.Identity // of no participant

	mu      sync.Mutex
	calls   []billsv1.Call
	handler http.Handler // of the organisation's system
	server  *httptest.Server
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, pki: tolemtest.NewPKI(t, pki.Options{}), db: tolemtest.Store(t, tolemtest.SQLite(t), store.Options{})}
	for name, to := range map[string]**pki.Identity{"gateway": &w.gateway, "water": &w.water, "old": &w.old, "stranger": &w.stranger, "nobody": &w.nobody} {
		*to = w.pki.Identity(pki.Spec{CommonName: name, Usage: pki.Signing, Key: pki.P256})
	}
	w.channel = w.pki.Identity(pki.Spec{CommonName: "gateway", Usage: pki.TLSClient, Key: pki.P256})
	w.host = w.pki.Identity(pki.Spec{CommonName: "localhost", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"127.0.0.1"}})
	w.pki.Withdraw(w.old, pki.KeyCompromise, time.Time{})
	err := w.db.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(participant(tx, tolem.ParticipantID(water), w.water, w.old), participant(tx, stranger, w.stranger))
	})
	if err != nil {
		t.Fatal(err)
	}
	in := func(folder string) []string { return []string{filepath.Join(w.pki.Dir, folder)} }
	w.trust = must(trust.Open(t.Context(), trust.Config{Anchors: in(pki.AnchorsDir), Intermediates: in(pki.IntermediatesDir), CRLs: in(pki.CRLsDir)}, nil))
	w.directory = must(banks.Open(t.Context(), w.db))
	w.evidence = must(archive.New(w.db, archive.Options{Origin: "test"}))
	w.handler = w.system()
	w.server = tolemtest.Peer(t, w.host, w.trust.VerifyConnection, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		handler := w.handler
		w.mu.Unlock()
		handler.ServeHTTP(rw, r)
	}))
	return w
}

// answers changes how the organisation's system answers.
func (w *world) answers(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handler = h
}

func participant(tx *store.Tx, id tolem.ParticipantID, certificates ...*pki.Identity) error {
	now := time.Now()
	err := tx.PutParticipant(tolem.Participant{ID: id, Kind: tolem.KindProvider, Name: string(id), Groups: []tolem.Group{tolem.GroupProvider}, ContractFrom: now})
	for _, c := range certificates {
		err = errors.Join(err, tx.PutCertificate(tolem.Certificate{
			Fingerprint: tolem.FingerprintOf(c.Cert.Raw), Participant: id, DER: c.Cert.Raw, NotAfter: c.Cert.NotAfter, AddedAt: now,
		}))
	}
	return err
}

func signer(i *pki.Identity) *signing.Signer { return must(signing.NewSigner(i.Key, i.Cert)) }

func azn(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.AZN} }

// snapshot is what the organisation says of the account that owes.
func snapshot() tolem.Snapshot {
	return tolem.Snapshot{
		Account: tolem.AccountID{Organisation: water, Number: owes},
		Particulars: tolem.Particulars{
			Holder: "Əliyev Orxan & <oğlu>", Address: "Bakı, Nizami küç. 1",
			Details: []tolem.Detail{{Label: "Sayğac", Value: "00012345"}, {Label: "Tarif qrupu"}},
		},
		Bills: []tolem.Bill{{Service: "SU", Amount: azn(12_50), Invoice: "7", Period: "2026-10"}, {Service: "KANAL", Amount: azn(3_00)}},
	}
}

// counted is up to when it has counted payments.
var counted = time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC)

// system is one that behaves.
func (w *world) system() *provider.Provider {
	return provider.New(provider.Config{
		Organisation: water, Currency: tolem.AZN, Signer: signer(w.water), Verifier: signing.NewVerifier(w.trust, nil),
		Gateway:  func(v *signing.Verified) bool { return v.Fingerprint == tolem.FingerprintOf(w.gateway.Cert.Raw) },
		Accounts: []tolem.Snapshot{snapshot(), {Account: tolem.AccountID{Number: settled}}}, Silent: []tolem.AccountNumber{silent}, PaidUntil: counted,
	})
}

// config is that of a connector to the system.
func (w *world) config() billsv1.Config {
	return billsv1.Config{
		Organisation: water, Address: w.server.URL + "/provider/v1", DB: w.db, Evidence: w.evidence, Observe: w.observe,
		Config: exchange.Config{Signer: signer(w.gateway), Certificate: w.channel.TLS(), Trust: w.trust, Directory: w.directory, Timeout: 5 * time.Second},
	}
}

func (w *world) connector() *billsv1.Connector {
	w.t.Helper()
	c := must(billsv1.New(w.config()))
	w.t.Cleanup(c.Close)
	return c
}

func (w *world) observe(c billsv1.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
}

// last is the call that was reported last.
func (w *world) last() billsv1.Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[len(w.calls)-1]
}

// kept is the evidence: every entry of the archive in its order.
func (w *world) kept() (entries [][]archive.Record) {
	w.t.Helper()
	err := w.evidence.Walk(w.t.Context(), func(time.Time, bool) bool { return true }, func(e []archive.Record) error {
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}
