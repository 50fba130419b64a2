package trust

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/internal/pki"
)

// world is a PKI, a clock and a web server that publishes revocation lists.
type world struct {
	t   testing.TB
	dir string
	pki *pki.PKI

	mu       sync.Mutex
	now      time.Time
	lists    map[string][]byte // by path
	down     bool              // the server answers 503
	requests map[string]int    // full answers and refusals, by path
	spared   int               // answers "not modified"

	server *httptest.Server
}

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: begin, lists: map[string][]byte{}, requests: map[string]int{}}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	p, err := pki.New(pki.Options{Now: w.clock, CRLBase: w.server.URL})
	if err != nil {
		t.Fatal(err)
	}
	w.pki = p
	if err := p.WriteTo(w.dir); err != nil {
		t.Fatal(err)
	}
	w.publish(p.Root, time.Hour*24*30)
	w.publish(p.Intermediate, time.Hour*24)
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) setDown(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// publish has an authority issue a list and puts it on the server.
func (w *world) publish(a *pki.Authority, validity time.Duration) []byte {
	w.t.Helper()
	der, err := a.CRL(w.clock().Add(validity))
	if err != nil {
		w.t.Fatal(err)
	}
	w.put("/"+a.Name+".crl", der)
	return der
}

func (w *world) put(path string, der []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lists[path] = der
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	list, found := w.lists[r.URL.Path]
	down := w.down
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(list))
	if found && !down && r.Header.Get("If-None-Match") == etag {
		w.spared++
		w.mu.Unlock()
		rw.WriteHeader(http.StatusNotModified)
		return
	}
	w.requests[r.URL.Path]++
	w.mu.Unlock()
	switch {
	case down:
		http.Error(rw, "down", http.StatusServiceUnavailable)
	case !found:
		http.NotFound(rw, r)
	default:
		rw.Header().Set("ETag", etag)
		rw.Write(list)
	}
}

// config trusts the world's PKI and fetches the intermediate's list; the
// root's is found through the distribution point of the intermediate.
func (w *world) config() Config {
	return Config{
		Anchors:       []string{filepath.Join(w.dir, pki.AnchorsDir)},
		Intermediates: []string{filepath.Join(w.dir, pki.IntermediatesDir)},
		CRLs:          []string{w.server.URL + "/intermediate.crl"},
		Now:           w.clock,
	}
}

// filesOnly is config without the network.
func (w *world) filesOnly() Config {
	c := w.config()
	c.CRLs = []string{filepath.Join(w.dir, pki.CRLsDir)}
	c.Transport = noNetwork{}
	return c
}

type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network here")
}

func (w *world) open(c Config, k Keeper) *Store {
	w.t.Helper()
	s, err := Open(context.Background(), c, k)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) issue(spec pki.Spec) *x509.Certificate {
	w.t.Helper()
	if spec.CommonName == "" {
		spec.CommonName = "bank"
	}
	id, err := w.pki.Issue(spec)
	if err != nil {
		w.t.Fatal(err)
	}
	return id.Cert
}

func (w *world) wantCheck(s *Store, cert *x509.Certificate, want error) {
	w.t.Helper()
	if _, err := s.Check(cert, w.clock()); !errors.Is(err, want) {
		w.t.Errorf("Check: got %v, want %v", err, want)
	}
}

// shelf is a Keeper in memory, which keeps the newest of each as it must.
type shelf struct {
	mu    sync.Mutex
	kept  map[[32]byte]KeptCRL
	all   map[[32]byte][]byte
	fails error
}

func newShelf() *shelf {
	return &shelf{kept: map[[32]byte]KeptCRL{}, all: map[[32]byte][]byte{}}
}

func (s *shelf) LoadCRLs(context.Context) ([]KeptCRL, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.kept)), s.fails
}

func (s *shelf) KeepCRL(_ context.Context, l KeptCRL) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	s.all[l.Hash] = l.DER
	have, _ := new(big.Int).SetString(s.kept[l.IssuerKey].Number, 10)
	number, _ := new(big.Int).SetString(l.Number, 10)
	if have == nil || number != nil && number.Cmp(have) >= 0 {
		s.kept[l.IssuerKey] = l
	}
	return nil
}

func fingerprintOf(cert *x509.Certificate) tolem.Fingerprint { return tolem.FingerprintOf(cert.Raw) }

func sourceError(s *Store, source string) string {
	for _, st := range s.Sources() {
		if strings.HasSuffix(st.Source, source) {
			return st.LastError
		}
	}
	return "no such source"
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
