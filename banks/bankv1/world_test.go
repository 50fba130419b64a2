package bankv1_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/banks/bankv1"
	"tolem/banks/exchange"
	"tolem/banks/sandbox"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
)

const bank = tolem.ParticipantID("HALYK")

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// world is the gateway's side of the contract and simulated banks behind mutual
// TLS.
type world struct {
	t         testing.TB
	pki       *tolemtest.PKI
	trust     *trust.Store
	directory *banks.Directory
	gateway   *pki.Identity
	channel   *pki.Identity
	host      *pki.Identity

	mu    sync.Mutex
	calls []bankv1.Call
}

// office is one bank.
type office struct {
	*sandbox.Bank
	id      tolem.ParticipantID
	signing *pki.Identity
	revoked *pki.Identity
	server  *httptest.Server
}

func newWorld(t testing.TB, names ...tolem.ParticipantID) (*world, map[tolem.ParticipantID]*office) {
	t.Helper()
	w := &world{t: t, pki: tolemtest.NewPKI(t, pki.Options{})}
	db := tolemtest.Store(t, tolemtest.SQLite(t), store.Options{})
	w.gateway = w.pki.Identity(pki.Spec{CommonName: "gateway", Usage: pki.Signing, Key: pki.P256})
	w.channel = w.pki.Identity(pki.Spec{CommonName: "gateway", Usage: pki.TLSClient, Key: pki.P256})
	w.host = w.pki.Identity(pki.Spec{CommonName: "localhost", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"127.0.0.1"}})
	offices := make(map[tolem.ParticipantID]*office)
	for _, id := range append(names, bank, "STRANGER") {
		o := &office{id: id}
		o.signing = w.pki.Identity(pki.Spec{CommonName: string(id), Usage: pki.Signing, Key: pki.P256})
		o.revoked = w.pki.Identity(pki.Spec{CommonName: string(id) + " old", Usage: pki.Signing, Key: pki.P256})
		w.pki.Withdraw(o.revoked, pki.KeyCompromise, time.Time{})
		w.register(db, id, o.signing, o.revoked)
		offices[id] = o
	}
	w.trust = must(trust.Open(t.Context(), trust.Config{
		Anchors: []string{filepath.Join(w.pki.Dir, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(w.pki.Dir, pki.IntermediatesDir)},
		CRLs: []string{filepath.Join(w.pki.Dir, pki.CRLsDir)},
	}, nil))
	w.directory = must(banks.Open(t.Context(), db))
	for _, o := range offices {
		w.open(o, offices["STRANGER"], nil)
	}
	return w, offices
}

func (w *world) register(db *store.DB, id tolem.ParticipantID, certificates ...*pki.Identity) {
	w.t.Helper()
	now := time.Now()
	err := db.Update(w.t.Context(), func(tx *store.Tx) error {
		err := tx.PutParticipant(tolem.Participant{ID: id, Kind: tolem.KindBank, Name: string(id), Groups: []tolem.Group{tolem.GroupBank}, ContractFrom: now})
		for _, i := range certificates {
			err = errors.Join(err, tx.PutCertificate(tolem.Certificate{
				Fingerprint: tolem.FingerprintOf(i.Cert.Raw), Participant: id, DER: i.Cert.Raw, NotAfter: i.Cert.NotAfter, AddedAt: now,
			}))
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// open starts a bank, or starts it again with other settings.
func (w *world) open(o, stranger *office, change func(*sandbox.Config)) {
	w.t.Helper()
	c := sandbox.Config{
		Bank: o.id, Signer: must(signing.NewSigner(o.signing.Key, o.signing.Cert)), Verifier: signing.NewVerifier(w.trust, nil),
		Gateway:  func(v *signing.Verified) bool { return v.Fingerprint == tolem.FingerprintOf(w.gateway.Cert.Raw) },
		Revoked:  must(signing.NewSigner(o.revoked.Key, o.revoked.Cert)),
		Stranger: must(signing.NewSigner(stranger.signing.Key, stranger.signing.Cert)),
		Late:     time.Second, Hang: 3 * time.Second,
	}
	if change != nil {
		change(&c)
	}
	o.Bank = must(sandbox.New(c))
	w.t.Cleanup(func() {
		if err := o.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.listen(o, o.Bank)
}

func (w *world) listen(o *office, h http.Handler) {
	w.t.Helper()
	o.server = tolemtest.Peer(w.t, w.host, w.trust.VerifyConnection, h)
}

// connector returns the gateway's connector to a bank. It waits a third of a
// second for an answer.
func (w *world) connector(o *office, change func(*bankv1.Config)) *bankv1.Connector {
	w.t.Helper()
	c := bankv1.Config{
		Bank: o.id, Address: o.server.URL + "/bank/v1", BreakAfter: 1 << 20, Observe: w.observe,
		Config: exchange.Config{
			Signer: must(signing.NewSigner(w.gateway.Key, w.gateway.Cert)), Certificate: w.channel.TLS(), Trust: w.trust, Directory: w.directory,
			Timeout: 350 * time.Millisecond,
		},
	}
	if change != nil {
		change(&c)
	}
	b := must(bankv1.New(c))
	w.t.Cleanup(b.Close)
	return b
}

func (w *world) observe(c bankv1.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
}

const (
	goodCard = "4111111111111111"
	cvc      = "7391"
	payer    = "KZ86125KZT5004100100"
)

var amount = tolem.Money{Minor: 1_200_00, Currency: tolem.KZT}

func card(t testing.TB, number string) tolem.Card {
	t.Helper()
	c, err := tolem.NewCard(number, "12/30", "ALIYA SERIKKYZY", cvc, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var purchase = banks.Purchase{
	Recipient: "850101300124", Service: "PASSPORT", Provider: "MIA", Account: "KZ86125KZT5004100100",
	OrderNo: "order/1 & <2>", Description: "Паспорт, мемлекеттік баж",
}

// pay makes an attempt by card or from an account, as the case asks for.
func pay(t testing.TB, b banks.Connector, kind sandbox.Kind, id tolem.AttemptID, number, account string, m tolem.Money) (banks.Authorization, error) {
	t.Helper()
	if kind == sandbox.KindCard {
		return b.AuthorizeCard(t.Context(), banks.CardOrder{Attempt: id, Code: code, Amount: m, Card: card(t, number), Purchase: purchase})
	}
	return b.DebitAccount(t.Context(), banks.AccountOrder{Attempt: id, Payment: tolem.PaymentID("P-" + id), Amount: m, From: account, Purchase: purchase})
}

var code = must(tolem.ParseCodeNumber("0000000000000195"))

var attempts = func() func() tolem.AttemptID {
	var mu sync.Mutex
	n := 0
	return func() tolem.AttemptID {
		mu.Lock()
		defer mu.Unlock()
		n++
		return tolem.AttemptID(fmt.Sprintf("A-%06d", n))
	}
}()
