package deliver_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/registry/deliver"
	"tolem/signing/trust"
	"tolem/store"
)

// web is a participant's web server that answers as it is told.
type web struct {
	server *httptest.Server

	mu     sync.Mutex
	answer http.HandlerFunc
	came   [][]byte
}

// answers has it answer so from now on.
func (s *web) answers(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = h
}

// bodies are those that came so far.
func (s *web) bodies() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.came)
}

func newWeb(t *testing.T) *web {
	t.Helper()
	s := &web{}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/xml") || r.ContentLength != int64(len(body)) {
			t.Errorf("%s of %d bytes, %s: %v", r.Method, r.ContentLength, r.Header.Get("Content-Type"), err)
		}
		s.mu.Lock()
		s.came = append(s.came, body)
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.server.Close)
	return s
}

// acknowledge answers as the contract says.
func acknowledge(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, r.Header.Get("Tolem-Document"))
}

// posting sets the world up to post to an address and returns a document's number.
func (w *world) posting(address string, c deliver.PostConfig) {
	w.t.Helper()
	c.Clock = w.clock.Now
	w.settings.Transports = map[tolem.DeliveryMethod]deliver.Transport{tolem.ByPost: deliver.NewPost(c)}
	w.target(tolem.DeliveryTarget{Name: "web", Method: tolem.ByPost, Address: address})
}

// Only the number, as text/plain with 200, is an acknowledgement; after anything
// else the same bytes come again. ACQ-P12
func TestPostIsRepeatedUntilAcknowledged(t *testing.T) {
	text := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const number = "R-1"
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { elsewhere++; acknowledge(w, r) }))
	t.Cleanup(other.Close)
	worlds(t, func(t *testing.T, w *world) {
		s := newWeb(t)
		w.posting(s.server.URL+"/results", deliver.PostConfig{})
		w.enqueue(number)
		for _, c := range []struct {
			name   string
			answer http.HandlerFunc
			class  string
		}{
			{"nothing", text(200, "text/plain", ""), "target"},
			{"another number", text(200, "text/plain", "R-2"), "target"},
			{"a line end", text(200, "text/plain", number+"\n"), "target"},
			{"a page for people", text(200, "text/html", "<h1>"+number+"</h1>"), "target"},
			{"the number as a page", text(200, "text/html", number), "target"},
			{"accepted is not taken", text(202, "text/plain", number), "target"},
			{"not found", text(404, "text/plain", number), "target"},
			{"busy", text(503, "text/plain", number), "target"},
			{"refused", text(400, "text/plain", "who are you?"), "refused"},
			{"very long", text(200, "text/plain", strings.Repeat("x", 1<<20)), "target"},
			{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			}, "target"},
			{"the connection breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "target"},
		} {
			s.answers(c.answer)
			w.clock.Advance(time.Hour)
			before := len(s.bodies())
			if err := deliver.New(w.settings).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if e := w.last(); e.Outcome != store.AttemptFailed || deliver.Class(e.Err) != c.class || len(s.bodies()) != before+1 {
				t.Errorf("%s: %s, %v, %d posts", c.name, e.Outcome, e.Err, len(s.bodies())-before)
			}
		}
		s.answers(acknowledge)
		w.clock.Advance(time.Hour)
		if err := deliver.New(w.settings).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e := w.last(); e.Outcome != store.AttemptDelivered {
			t.Fatalf("%s: %v", e.Outcome, e.Err)
		}
		for _, body := range s.bodies() {
			if !bytes.Equal(body, w.library.content(number, "xml")) {
				t.Error("other bytes were posted")
			}
		}
		if elsewhere != 0 {
			t.Error("a redirect was followed")
		}
		w.answersAreKept(len(s.bodies()) - 1) // of the connection that broke nothing came
	})
}

// answersAreKept counts what is kept of answers.
func (w *world) answersAreKept(want int) {
	w.t.Helper()
	kept := 0
	err := w.archive.Walk(w.t.Context(), func(time.Time, bool) bool { return true }, func(records []archive.Record) error {
		if r := records[0]; r.Operation == "PostDocument" && r.Participant == owner && bytes.Contains(r.Raw, []byte(`"number":"R-1"`)) {
			kept++
			if len(r.Raw) > 4096 {
				w.t.Errorf("%d bytes are kept of one answer", len(r.Raw))
			}
		}
		return nil
	})
	if err != nil || kept != want {
		w.t.Errorf("%d answers are kept, want %d; %v", kept, want, err)
	}
}

// A server that is down is left alone and tried again; one that does not answer
// is given up in time. ACQ-P12
func TestPostToAServerThatIsDown(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		down := httptest.NewServer(http.NotFoundHandler())
		address := down.URL
		down.Close()
		w.posting(address, deliver.PostConfig{})
		w.enqueue("R-1")
		courier := deliver.New(w.settings)
		for range 2 {
			w.clock.Advance(time.Hour)
			if err := courier.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if e := w.last(); !errors.Is(e.Err, deliver.ErrTarget) {
				t.Errorf("down: %v", e.Err)
			}
		}
		hang := make(chan struct{})
		s := newWeb(t)
		s.answers(func(http.ResponseWriter, *http.Request) { <-hang })
		t.Cleanup(func() { close(hang) })
		w.posting(s.server.URL, deliver.PostConfig{Timeout: 50 * time.Millisecond})
		w.clock.Advance(time.Hour)
		if err := deliver.New(w.settings).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e := w.last(); !errors.Is(e.Err, deliver.ErrTarget) {
			t.Errorf("silent: %v", e.Err)
		}
		w.answersAreKept(0)
	})
}

// A server with a certificate of ours is asked for revocation too; one that
// nobody has certified, or that is somebody else, gets nothing.
func TestPostTellsServersApart(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		authority := tolemtest.NewPKI(t, pki.Options{})
		trusted := must(trust.Open(t.Context(), trust.Config{
			Anchors: []string{filepath.Join(authority.Dir, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(authority.Dir, pki.IntermediatesDir)},
			CRLs: []string{filepath.Join(authority.Dir, pki.CRLsDir)}, Now: w.clock.Now,
		}, nil))
		server := func(id *pki.Identity) *httptest.Server {
			s := httptest.NewUnstartedServer(http.HandlerFunc(acknowledge))
			s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that must fail
			if id != nil {
				s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{id.Cert.Raw}, PrivateKey: id.Key}}}
			}
			s.StartTLS()
			t.Cleanup(s.Close)
			return s
		}
		good, revoked := authority.Identity(pki.Spec{CommonName: "shop", Usage: pki.TLSServer, Key: pki.P256}), authority.Identity(pki.Spec{CommonName: "gone", Usage: pki.TLSServer, Key: pki.P256})
		elsewhere := authority.Identity(pki.Spec{CommonName: "else", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"shop.example"}})
		authority.Withdraw(revoked, 1, time.Time{})
		if err := trusted.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, c := range []struct {
			name string
			id   *pki.Identity
			good bool
		}{{"ours", good, true}, {"revoked", revoked, false}, {"of another name", elsewhere, false}, {"of nobody", nil, false}} {
			u := must(url.Parse(server(c.id).URL))
			w.posting("https://"+u.Host+"/x", deliver.PostConfig{Trust: trusted})
			w.enqueue(fmt.Sprintf("R-%d", i+10))
			w.clock.Advance(time.Minute)
			if err := deliver.New(w.settings).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if d := w.only(fmt.Sprintf("R-%d", i+10)); (d.State == tolem.DeliveryDelivered) != c.good || c.good != (d.LastError == "") {
				t.Errorf("%s: %s, %s", c.name, d.State, d.LastError)
			}
		}
	})
}
