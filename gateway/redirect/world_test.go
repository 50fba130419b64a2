package redirect_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/gateway"
	"tolem/gateway/payments"
	"tolem/gateway/redirect"
	"tolem/gateway/results"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/registry/deliver"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
	"tolem/wsdl/client/merchant"
)

// The cast.
const (
	shopID  = tolem.ParticipantID("SHOP")
	otherID = tolem.ParticipantID("OTHER")
	bankID  = tolem.ParticipantID("HALYK")
	shopBIN = "990240001237"

	page = "https://pay.example.kz/pay"
	back = "https://shop.kz/orders"
)

// world is a gateway with a gate for merchants, a bank that does as it is told,
// and a shop that takes results.
type world struct {
	t         *testing.T
	clock     *tolemtest.Clock
	db        *store.DB
	pki       *tolemtest.PKI
	trust     *trust.Store
	evidence  *archive.Archive
	directory *banks.Directory
	gateway   *gateway.Gateway
	*payments.Engine
	gate    *redirect.Gate
	courier *deliver.Courier
	bank    *bank
	signer  *signing.Signer // the gateway's
	shop    *signing.Signer // RSA
	shopEC  *signing.Signer
	other   *signing.Signer // of another merchant
	server  *httptest.Server

	mu       sync.Mutex
	taken    []merchant.Result
	outcomes []string
	away     bool // the shop's database
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// worlds runs a test on both databases.
func worlds(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	tolemtest.Databases(t, func(t *testing.T, dsn string) { test(t, newWorld(t, dsn)) })
}

func newWorld(t *testing.T, dsn string) *world {
	t.Helper()
	clock := tolemtest.NewClock(time.Now().UTC().Truncate(time.Second))
	w := &world{t: t, clock: clock, db: tolemtest.Store(t, dsn, store.Options{Clock: clock.Now}), pki: tolemtest.NewPKI(t, pki.Options{}), bank: &bank{clock: clock}}
	var err error
	w.trust, err = trust.Open(t.Context(), trust.Config{
		Anchors: []string{filepath.Join(w.pki.Dir, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(w.pki.Dir, pki.IntermediatesDir)},
		CRLs: []string{filepath.Join(w.pki.Dir, pki.CRLsDir)}, Now: clock.Now,
	}, archive.CRLKeeper(w.db))
	must(t, err)
	w.signer, w.shop, w.shopEC, w.other = w.newSigner(pki.RSA2048), w.newSigner(pki.RSA2048), w.newSigner(pki.P384), w.newSigner(pki.P256)
	w.server = httptest.NewServer(merchant.NewReceiver(merchant.ReceiverConfig{
		Merchant: shopID, Gateway: merchant.Trust{w.signer.Certificate()}, Handle: w.take, Clock: clock.Now,
	}))
	t.Cleanup(w.server.Close)
	w.register()
	w.directory, err = banks.Open(t.Context(), w.db)
	must(t, err)
	w.evidence, err = archive.New(w.db, archive.Options{Origin: "test"})
	must(t, err)
	must(t, w.evidence.KeepAuthorities(t.Context(), w.trust.Authorities()))
	w.join()
	return w
}

func (w *world) newSigner(key pki.KeyKind) *signing.Signer {
	w.t.Helper()
	id := w.pki.Identity(pki.Spec{CommonName: "someone", Usage: pki.Signing, Key: key})
	s, err := signing.NewSigner(id.Key, id.Cert)
	must(w.t, err)
	return s
}

// register fills the register of participants and what they sell.
func (w *world) register() {
	w.t.Helper()
	now := w.clock.Now()
	certificate := func(p tolem.ParticipantID, s *signing.Signer) tolem.Certificate {
		c := s.Certificate()
		return tolem.Certificate{Fingerprint: s.Fingerprint(), Participant: p, DER: c.Raw, NotAfter: c.NotAfter, AddedAt: now}
	}
	must(w.t, w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		var errs []error
		for _, p := range []tolem.Participant{
			{ID: shopID, Kind: tolem.KindMerchant, Name: "Book shop"}, {ID: otherID, Kind: tolem.KindMerchant, Name: "Another"}, {ID: bankID, Kind: tolem.KindBank, Name: "Halyk"},
		} {
			p.ContractFrom = now.Add(-time.Hour)
			errs = append(errs, tx.PutParticipant(p))
		}
		for _, c := range []tolem.Certificate{certificate(shopID, w.shop), certificate(shopID, w.shopEC), certificate(otherID, w.other)} {
			errs = append(errs, tx.PutCertificate(c))
		}
		for _, m := range []tolem.Merchant{
			{Participant: shopID, BIN: shopBIN, Services: []tolem.ServiceCode{"BOOKS", "CARDS"}, Active: true},
			{Participant: otherID, BIN: shopBIN, Services: []tolem.ServiceCode{"BOOKS"}, Active: true},
		} {
			errs = append(errs, tx.PutMerchant(m), tx.AddReturnAddress(m.Participant, back))
		}
		return errors.Join(append(errs,
			tx.PutProvider(tolem.Provider{ID: "PRINT", BIN: shopBIN, Account: "KZ1", Active: true, Names: tolem.Names{RU: "Печать"}}),
			tx.PutService(tolem.Service{Code: "BOOKS", Provider: "PRINT", Active: true, Price: tolem.Price{Currency: tolem.KZT, Max: 10_000_000}}),
			tx.PutService(tolem.Service{Code: "CARDS", Provider: "PRINT", Active: true, Price: tolem.Price{Currency: tolem.KZT, Fixed: 500_000}}),
			tx.PutService(tolem.Service{Code: "BIRTH", Provider: "PRINT", Active: true, Price: tolem.Price{Currency: tolem.KZT}}),
			tx.PutDeliveryTarget(tolem.DeliveryTarget{
				Participant: shopID, Name: "results", Method: tolem.ByPost, Address: w.server.URL + "/results", Forms: []string{"xml"}, Active: true,
			}))...)
	}))
}

// join is what cmd does.
func (w *world) join() {
	told := results.New(results.Config{
		Directory: w.directory, Evidence: w.evidence, Signer: w.signer,
		Enqueue: func(tx *store.Tx, m tolem.ParticipantID, number string) error {
			_, err := deliver.Enqueue(tx, m, tolem.DeliverResult, number, "xml")
			return err
		},
	})
	w.gateway = gateway.New(gateway.Config{
		Currency: tolem.KZT, CodeTTL: 24 * time.Hour, UnknownCodesPerMinute: 100, PageAddress: page, Settled: told.Settled,
	}, w.db, w.evidence, w.directory)
	w.Engine = payments.New(payments.Config{
		Connectors: map[tolem.ParticipantID]banks.Connector{bankID: w.bank}, Acquirers: []tolem.ParticipantID{bankID}, Decided: told.Decided,
		Observe: func(e payments.Event) {
			if e.Err != nil && !errors.Is(e.Err, banks.ErrNoAnswer) {
				w.t.Error(e.Err)
			}
		},
	}, w.db, w.gateway, w.evidence, w.directory)
	w.gate = redirect.New(redirect.Config{
		Gateway: w.gateway, Directory: w.directory, Trust: w.trust, Clock: w.clock.Now,
		Observe: func(o string) { w.mu.Lock(); w.outcomes = append(w.outcomes, o); w.mu.Unlock() },
	})
	w.courier = deliver.New(deliver.Config{
		DB: w.db, Archive: w.evidence, Documents: library{w.db}, Node: "test", Clock: w.clock.Now, Spool: w.t.TempDir(),
		Transports: map[tolem.DeliveryMethod]deliver.Transport{tolem.ByPost: deliver.NewPost(deliver.PostConfig{Trust: w.trust, Clock: w.clock.Now})},
	})
}

// library renders results for the courier.
type library struct{ db *store.DB }

func (l library) Open(ctx context.Context, _, number, form string) (*deliver.Document, error) {
	var r store.MerchantResult
	err := l.db.View(ctx, func(tx *store.Tx) (err error) {
		r, err = tx.Result(number)
		return err
	})
	return &deliver.Document{
		Name: number + "." + form, Owner: string(r.Merchant), Day: tolem.DayOf(2026, 11, 22), Revision: int(r.Sequence), Content: io.NopCloser(bytes.NewReader(r.Document)),
	}, err
}

// take is the shop.
func (w *world) take(_ context.Context, r merchant.Result) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return errors.New("the shop's database is away")
	}
	w.taken = append(w.taken, r)
	return nil
}

// carry lets time pass and the courier run, and returns what the shop has taken
// so far, in words.
func (w *world) carry() string {
	w.t.Helper()
	w.clock.Advance(31 * time.Minute)
	must(w.t, w.courier.Run(w.t.Context()))
	w.mu.Lock()
	defer w.mu.Unlock()
	var states []string
	for _, r := range w.taken {
		states = append(states, string(r.State))
	}
	return strings.Join(states, " ")
}

// order is what a shop asks for.
func (w *world) order(no string) tolem.OrderRedirect {
	return tolem.OrderRedirect{
		Merchant: shopID, OrderNo: tolem.RequestNo(no), Amount: tolem.Money{Minor: 120_000, Currency: tolem.KZT}, Return: back + "/" + no,
		Language: "ru", Issued: w.clock.Now(),
	}
}

// sign returns the parameters of a redirect.
func (w *world) sign(o tolem.OrderRedirect, s *signing.Signer) url.Values {
	w.t.Helper()
	address, err := merchant.SignRedirect(page, o, s)
	must(w.t, err)
	u, err := url.Parse(address)
	must(w.t, err)
	return u.Query()
}

// come brings a buyer to the page, a second after whoever came before.
func (w *world) come(o tolem.OrderRedirect) (tolem.PaymentID, error) {
	w.t.Helper()
	w.clock.Advance(time.Second)
	o.Issued = w.clock.Now()
	return w.gate.Open(w.t.Context(), w.sign(o, w.shop))
}

func (w *world) mustCome(o tolem.OrderRedirect) tolem.PaymentID {
	w.t.Helper()
	id, err := w.come(o)
	must(w.t, err)
	return id
}

func (w *world) view(id tolem.PaymentID) payments.View {
	w.t.Helper()
	v, err := w.View(w.t.Context(), id)
	must(w.t, err)
	return v
}

func (w *world) card() tolem.Card {
	c, err := tolem.NewCard("4929123456781236", "12/29", "AIGUL SERIKOVA", "831", w.clock.Now())
	must(w.t, err)
	return c
}

// pay pays with a card and waits for what came of the call.
func (w *world) pay(id tolem.PaymentID) error {
	w.t.Helper()
	err := w.PayCard(w.t.Context(), id, w.card())
	must(w.t, w.Wait(w.t.Context()))
	return err
}

// notify is the bank's word that a code was paid.
func (w *world) notify(id tolem.PaymentID) {
	w.t.Helper()
	v := w.view(id)
	request := tolem.RequestID(gateway.NewUUID())
	raw := []byte("notification " + request)
	_, err := w.gateway.NotifyPayment(w.t.Context(), gateway.Message{
		Operation: tolem.OpNotifyPayment, Sender: tolem.Participant{ID: bankID, Kind: tolem.KindBank}, RequestID: request,
		BodyHash: sha256.Sum256(raw), SignedInfo: sha256.Sum256(raw),
		Record: archive.Record{
			ID: archive.NewMessageID(w.clock.Now()), Direction: archive.In, At: w.clock.Now(), Participant: bankID, Operation: tolem.OpNotifyPayment,
			RequestID: request, Raw: raw,
		},
	}, gateway.Notification{
		Code: v.Code.Number, Bank: bankID, BankRef: "RRN-1", Amount: v.Code.Amount, PaidAt: w.clock.Now(), Channel: tolem.ChannelAcquiring,
		Recipient: v.Code.Recipient.Reveal(), Service: v.Code.Service, Provider: v.Code.Provider, Account: "KZ1",
	}, func(r gateway.NotifyResult) ([]byte, error) {
		if r.Result != tolem.OK {
			return nil, fmt.Errorf("notification is answered %s", r.Result)
		}
		return []byte("OK"), nil
	})
	must(w.t, err)
}

// kept returns what the archive has of redirects with this order number.
func (w *world) kept(no string) (list []archive.Record) {
	w.t.Helper()
	must(w.t, w.evidence.Walk(w.t.Context(), func(time.Time, bool) bool { return true }, func(records []archive.Record) error {
		for _, r := range records {
			if r.Operation == gateway.OpOpenOrder && bytes.Contains(r.Raw, []byte("order="+no+"\n")) {
				list = append(list, r)
			}
		}
		return nil
	}))
	return list
}

// bank does with the next call as it is told.
type bank struct {
	clock *tolemtest.Clock

	mu   sync.Mutex
	next banks.Authorization
	err  error
}

func (b *bank) set(outcome banks.Outcome, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next, b.err = banks.Authorization{Outcome: outcome}, err
	switch outcome {
	case banks.Refused:
		b.next.Reason, b.next.BankCode, b.next.BankText = tolem.RefusedInsufficient, "51", "card 4929123456781236: no <funds>\x01"
	case banks.Approved, banks.Reversed:
		b.next.BankRef, b.next.PaidAt, b.next.Amount = "RRN-1", b.clock.Now(), tolem.Money{Minor: 120_000, Currency: tolem.KZT}
	}
}

func (b *bank) answer() (banks.Authorization, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next, b.err
}

func (b *bank) AuthorizeCard(_ context.Context, o banks.CardOrder) (banks.Authorization, error) {
	if o.Merchant != shopID {
		panic("the bank is not told the merchant")
	}
	return b.answer()
}
func (b *bank) DebitAccount(context.Context, banks.AccountOrder) (banks.Authorization, error) {
	return b.answer()
}
func (b *bank) Status(context.Context, tolem.AttemptID) (banks.Authorization, error) {
	return b.answer()
}
func (b *bank) Reverse(context.Context, tolem.AttemptID, string) (banks.Authorization, error) {
	return b.answer()
}
