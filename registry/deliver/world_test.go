package deliver_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/registry/deliver"
	"tolem/registry/deliver/receiver"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
)

const owner = tolem.ParticipantID("HALYK")

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// library renders documents: the same bytes for the same number, unless it is
// told to fail.
type library struct {
	mu     sync.Mutex
	size   int
	poison map[string]func() error // by number
	opened int
}

func (l *library) content(ref, form string) []byte {
	random := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32.32s", ref+form))))
	b := make([]byte, l.size)
	_, _ = random.Read(b)
	return append([]byte(ref+"."+form+"\n"), b...)
}

func (l *library) Open(_ context.Context, _, ref, form string) (*deliver.Document, error) {
	l.mu.Lock()
	l.opened++
	fails := l.poison[ref]
	l.mu.Unlock()
	if fails != nil {
		if err := fails(); err != nil {
			return nil, err
		}
	}
	return &deliver.Document{
		Name: ref + "." + form, Owner: string(owner), Day: tolem.DayOf(2026, 11, 21), Revision: 1,
		Content: io.NopCloser(bytes.NewReader(l.content(ref, form))),
	}, nil
}

// world is an outbox with couriers around it; the clock is moved by hand.
type world struct {
	t        *testing.T
	db       *store.DB
	clock    *tolemtest.Clock
	archive  *archive.Archive
	library  *library
	mu       sync.Mutex
	events   []deliver.Event
	settings deliver.Config
}

// worlds runs a test on both databases.
func worlds(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		clock := tolemtest.NewClock(time.Now())
		test(t, newWorld(t, tolemtest.Store(t, dsn, store.Options{Clock: clock.Now}), clock))
	})
}

func newWorld(t *testing.T, db *store.DB, clock *tolemtest.Clock) *world {
	w := &world{t: t, db: db, clock: clock, archive: must(archive.New(db, archive.Options{Origin: "test"}))}
	w.library = &library{size: 100, poison: make(map[string]func() error)}
	w.settings = deliver.Config{
		DB: db, Archive: w.archive, Documents: w.library, Node: "node-1", Clock: clock.Now, Spool: t.TempDir(), Report: w.report,
		Transports: map[tolem.DeliveryMethod]deliver.Transport{tolem.ByFolder: deliver.Folder{}, tolem.BySFTP: deliver.SFTP{}},
	}
	return w
}

func (w *world) report(e deliver.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// last returns the newest event, which must be there.
func (w *world) last() deliver.Event {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.events) == 0 {
		w.t.Fatal("nothing was tried")
	}
	return w.events[len(w.events)-1]
}

func (w *world) update(fn func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) view(fn func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.View(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// folder registers a folder as a target and returns its path.
func (w *world) folder(name string) string {
	w.t.Helper()
	dir := must(filepath.EvalSymlinks(w.t.TempDir()))
	w.target(tolem.DeliveryTarget{Name: name, Method: tolem.ByFolder, Address: dir})
	return dir
}

func (w *world) target(t tolem.DeliveryTarget) {
	w.t.Helper()
	t.Participant, t.Active = owner, true
	if t.Forms == nil {
		t.Forms = []string{"xml"}
	}
	w.update(func(tx *store.Tx) error { return tx.PutDeliveryTarget(t) })
}

// enqueue puts documents in line.
func (w *world) enqueue(refs ...string) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		for _, ref := range refs {
			if n, err := deliver.Enqueue(tx, owner, tolem.DeliverRegister, ref); err != nil || n == 0 {
				return errors.Join(err, fmt.Errorf("%d deliveries of %s", n, ref))
			}
		}
		return nil
	})
}

func number(i int) string { return fmt.Sprintf("B-20261121-HALYK-%d", i) }

func (w *world) courier(change func(*deliver.Config)) *deliver.Courier {
	c := w.settings
	if change != nil {
		change(&c)
	}
	return deliver.New(c)
}

func (w *world) run(c *deliver.Courier) {
	w.t.Helper()
	if err := c.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// only returns the one delivery of a document.
func (w *world) only(ref string) (d store.Delivery) {
	w.t.Helper()
	w.view(func(tx *store.Tx) error {
		list, err := tx.DeliveriesOf(ref)
		if err == nil && len(list) != 1 {
			err = fmt.Errorf("%d deliveries of %s", len(list), ref)
		}
		if err == nil {
			d = list[0]
		}
		return err
	})
	return d
}

func (w *world) attempts(d store.Delivery) (list []store.Attempt) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) {
		list, err = tx.Attempts(d.ID)
		return err
	})
	return list
}

func (w *world) resend(ref string) {
	w.t.Helper()
	d := w.only(ref)
	w.update(func(tx *store.Tx) error { return tx.ResendDelivery(d, "a.ospanova") })
}

// office is a participant with an endpoint of its own behind mutual TLS.
type office struct {
	*receiver.Receiver
	dir       string
	address   string
	pki       *tolemtest.PKI
	trust     *trust.Store
	directory *banks.Directory
	settings  deliver.SOAPConfig
	transport *deliver.SOAP
}

// office sets up the participant's endpoint, the gateway's keys, and the target.
func (w *world) office(change func(*receiver.Config)) *office {
	w.t.Helper()
	o := &office{dir: w.t.TempDir(), pki: tolemtest.NewPKI(w.t, pki.Options{Now: w.clock.Now})}
	o.trust = must(trust.Open(w.t.Context(), trust.Config{
		Anchors: []string{filepath.Join(o.pki.Dir, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(o.pki.Dir, pki.IntermediatesDir)},
		CRLs: []string{filepath.Join(o.pki.Dir, pki.CRLsDir)}, Now: w.clock.Now,
	}, nil))
	gateway := o.pki.Identity(pki.Spec{CommonName: "gateway", Usage: pki.Signing, Key: pki.P256})
	client := o.pki.Identity(pki.Spec{CommonName: "gateway", Usage: pki.TLSClient, Key: pki.P256})
	bank := o.pki.Identity(pki.Spec{CommonName: "HALYK", Usage: pki.Signing, Key: pki.P256})
	other := o.pki.Identity(pki.Spec{CommonName: "KASPI", Usage: pki.Signing, Key: pki.P256})
	w.participant(owner, bank)
	w.participant("KASPI", other)
	o.directory = must(banks.Open(w.t.Context(), w.db))
	c := receiver.Config{
		Dir: o.dir, Signer: must(signing.NewSigner(bank.Key, bank.Cert)), Verifier: signing.NewVerifier(o.trust, nil), Clock: w.clock.Now,
		Gateway:  func(v *signing.Verified) bool { return v.Fingerprint == tolem.FingerprintOf(gateway.Cert.Raw) },
		Stranger: must(signing.NewSigner(other.Key, other.Cert)), Delay: time.Second,
	}
	if change != nil {
		change(&c)
	}
	o.Receiver = receiver.New(c)
	server := httptest.NewUnstartedServer(o.Receiver)
	host := o.pki.Identity(pki.Spec{CommonName: "localhost", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"127.0.0.1"}})
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{host.TLS()}, ClientAuth: tls.RequireAnyClientCert, VerifyConnection: o.trust.VerifyConnection,
	}
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	w.t.Cleanup(server.Close)
	o.address = server.URL + "/receiver/v1"
	o.settings = deliver.SOAPConfig{
		Signer: must(signing.NewSigner(gateway.Key, gateway.Cert)), Certificate: client.TLS(), Trust: o.trust, Directory: o.directory,
		Clock: w.clock.Now, Timeout: 5 * time.Second,
	}
	o.transport = deliver.NewSOAP(o.settings)
	w.settings.Transports[tolem.BySOAP] = o.transport
	w.target(tolem.DeliveryTarget{Name: "main", Method: tolem.BySOAP, Address: o.address})
	return o
}

func (w *world) participant(id tolem.ParticipantID, i *pki.Identity) {
	w.t.Helper()
	now := w.clock.Now()
	w.update(func(tx *store.Tx) error {
		return errors.Join(
			tx.PutParticipant(tolem.Participant{ID: id, Kind: tolem.KindBank, Name: string(id), Groups: []tolem.Group{tolem.GroupBank}, ContractFrom: now}),
			tx.PutCertificate(tolem.Certificate{Fingerprint: tolem.FingerprintOf(i.Cert.Raw), Participant: id, DER: i.Cert.Raw, NotAfter: i.Cert.NotAfter, AddedAt: now}))
	})
}

// expect checks the last attempt by the class of its failure, "" for none.
func (w *world) expect(class string) {
	w.t.Helper()
	e := w.last()
	if got := classOf(e.Err); got != class {
		w.t.Errorf("attempt ended with %q (%v), want %q", got, e.Err, class)
	}
}

func classOf(err error) string {
	if err == nil {
		return ""
	}
	return deliver.Class(err)
}

// outcomes returns the history of a delivery in one line.
func outcomes(list []store.Attempt) string {
	var words []string
	for _, a := range list {
		words = append(words, string(a.Outcome))
	}
	return strings.Join(words, " ")
}
