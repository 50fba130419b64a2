package e2e

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tolem/internal/pki"
	"tolem/signing"
	"tolem/signing/trust"
)

// The cast. BANK1 signs with RSA, all others with EC.
const (
	bank1  = "BANK1"
	bank2  = "BANK2"
	kiosk  = "KIOSK" // calls for BANK2
	portal = "PORTAL"

	provider = "JUSTICE"
	fixedFee = "BIRTH"     // 1200.00
	anyFee   = "STATE-FEE" // any amount

	// Personal data that must never be seen outside the messages.
	citizen   = "850101300124"
	neighbour = "920715450676"
	fullName  = "Сериккызы Айгуль"
	account   = "KZ86125KZT5004100100"
)

// world is an installation of the gateway with participants around it.
type world struct {
	t         *testing.T
	dir       string // of the installation
	config    string // file
	authority *pki.PKI
	trust     *trust.Store      // what the participants believe
	verifier  *signing.Verifier // of answers
	actors    map[string]*actor
	*process

	mu      sync.Mutex
	answers map[string][]byte // one of each kind, for the schema
}

// newWorld installs a gateway on the database with the commands an operator
// has, and does not start it.
func newWorld(t *testing.T, database string) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "gateway"), actors: make(map[string]*actor), answers: make(map[string][]byte)}
	w.config = filepath.Join(w.dir, "tolem.yaml")
	command(t, "init", "--dir", w.dir, "--db", database, "--test-pki")
	var err error
	if w.authority, err = pki.Open(w.path("pki"), pki.Options{}); err != nil {
		t.Fatal(err)
	}
	w.trust = w.openTrust()
	w.verifier = signing.NewVerifier(w.trust, nil)
	w.process = &process{world: w}
	w.populate()
	t.Cleanup(w.leave)
	return w
}

func (w *world) path(name ...string) string {
	return filepath.Join(append([]string{w.dir}, name...)...)
}

// openTrust reads the anchors and lists as they are now.
func (w *world) openTrust() *trust.Store {
	w.t.Helper()
	s, err := trust.Open(w.t.Context(), trust.Config{
		Anchors:       []string{w.path("pki", pki.AnchorsDir)},
		Intermediates: []string{w.path("pki", pki.IntermediatesDir)},
		CRLs:          []string{w.path("pki", pki.CRLsDir)},
	}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) populate() {
	w.t.Helper()
	w.join(bank1, "bank", pki.RSA2048)
	w.join(bank2, "bank", pki.P256)
	w.join(kiosk, "processing", pki.P256, "--for", bank2)
	w.join(portal, "portal", pki.P256)
	w.command("provider", "add", "--id", provider, "--bin", "990240001237", "--name", "Ministry of Justice", "--account", account)
	w.command("service", "add", "--code", fixedFee, "--provider", provider, "--name", "Birth certificate", "--amount", "1200.00")
	w.command("service", "add", "--code", anyFee, "--provider", provider, "--name", "State fee")
}

// command runs a command on the installation: its first two words, the
// configuration, and the rest.
func (w *world) command(args ...string) []byte {
	w.t.Helper()
	return command(w.t, append([]string{args[0], args[1], "--config", w.config}, args[2:]...)...)
}

// join registers a participant with one signing and one channel certificate.
func (w *world) join(id, kind string, key pki.KeyKind, more ...string) *actor {
	w.t.Helper()
	a := w.stranger(id, key)
	args := []string{"participant", "add", "--id", id, "--kind", kind, "--name", id}
	for _, c := range []*pki.Identity{a.signing, a.channel} {
		args = append(args, "--cert", w.certFile(c))
	}
	w.command(append(args, more...)...)
	w.actors[id] = a
	return a
}

// certFile writes a certificate and returns the file's name.
func (w *world) certFile(id *pki.Identity) string {
	w.t.Helper()
	cert, _, err := id.WriteTo(w.t.TempDir(), "certificate")
	if err != nil {
		w.t.Fatal(err)
	}
	return cert
}

// stranger returns somebody whom the authority knows and the gateway does not.
func (w *world) stranger(id string, key pki.KeyKind) *actor {
	w.t.Helper()
	return w.actor(id,
		w.identity(pki.Spec{CommonName: id + " signing", Usage: pki.Signing, Key: key}),
		w.identity(pki.Spec{CommonName: id + " channel", Usage: pki.TLSClient, Key: pki.P256}))
}

// rsaKey serves every RSA certificate of the tests: making one takes long.
var rsaKey = sync.OnceValues(func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func (w *world) identity(spec pki.Spec) *pki.Identity {
	w.t.Helper()
	id, err := w.certify(spec)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) certify(spec pki.Spec) (*pki.Identity, error) {
	if spec.Key != pki.RSA2048 {
		return w.authority.Issue(spec)
	}
	key, err := rsaKey()
	if err != nil {
		return nil, err
	}
	return w.authority.Intermediate.Certify(key, spec)
}

// actor makes a participant's end of the wire.
func (w *world) actor(id string, sign, channel *pki.Identity) *actor {
	w.t.Helper()
	signer, err := signing.NewSigner(sign.Key, sign.Cert)
	if err != nil {
		w.t.Fatal(err)
	}
	a := &actor{world: w, id: id, signing: sign, channel: channel, signer: signer}
	a.http = w.client(channel)
	w.t.Cleanup(a.http.CloseIdleConnections)
	return a
}

// client returns an HTTP client that opens its channel with the certificate,
// or without any.
func (w *world) client(channel *pki.Identity) *http.Client {
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: w.trust.Pool()}
	if channel != nil {
		config.Certificates = []tls.Certificate{channel.TLS()}
	}
	return &http.Client{
		Transport: &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: 64, DisableCompression: true},
		Timeout:   20 * time.Second,
	}
}

// revoke puts certificates on the list.
func (w *world) revoke(ids ...*pki.Identity) {
	w.t.Helper()
	for _, id := range ids {
		if err := w.authority.Revoke(id.Cert, pki.KeyCompromise); err != nil {
			w.t.Fatal(err)
		}
	}
	w.publishLists(time.Time{})
}

// publishLists writes new lists into the folder the gateway watches.
func (w *world) publishLists(nextUpdate time.Time) {
	w.t.Helper()
	if err := w.authority.WriteCRLs(w.path("pki"), nextUpdate); err != nil {
		w.t.Fatal(err)
	}
}

// leave is what holds at the end of every test: nothing leaked, and every
// answer followed the contract.
func (w *world) leave() {
	w.kill()
	w.checkLog()
	w.checkAnswers()
}

// eventually waits until something is so, which it must be within the time.
func eventually(t testing.TB, within time.Duration, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if so() {
			return
		}
	}
	if !so() {
		t.Fatalf("not within %v: %s", within, what)
	}
}
