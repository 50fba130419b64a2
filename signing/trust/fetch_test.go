package trust

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tolem/internal/pki"
)

// What has not changed is not sent again; what is due is fetched, and what is
// not is left alone.
func TestFetchSchedule(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.Refresh = 100 * time.Hour
	s := w.open(c, nil)
	due := func() {
		t.Helper()
		if err := s.RefreshDue(t.Context()); err != nil {
			t.Error(err)
		}
	}
	count := func(full, spared int) {
		t.Helper()
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.requests["/intermediate.crl"] != full || w.spared != spared {
			t.Errorf("%d full answers and %d spared, want %d and %d", w.requests["/intermediate.crl"], w.spared, full, spared)
		}
	}
	count(1, 0)
	w.pass(10 * time.Hour) // half of 24 hours, less a tenth at most
	due()
	count(1, 0)
	w.pass(2 * time.Hour)
	due()
	count(1, 1)
	due()
	count(1, 1)
	w.pass(6 * time.Hour) // half of the 12 hours that were left
	w.publish(w.pki.Intermediate, 24*time.Hour)
	due()
	count(2, 1)
	if got := numberOf(s, "Tolem test intermediate CA"); got != "3" {
		t.Errorf("number in use is %s", got)
	}
}

// After a failure it is tried again soon, then less and less often.
func TestRetries(t *testing.T) {
	w := newWorld(t)
	w.setDown(true)
	s := w.open(w.config(), nil)
	for range 60 {
		w.pass(10 * time.Second)
		_ = s.RefreshDue(t.Context()) // it fails, as it should
	}
	tries := w.requests["/intermediate.crl"]
	if tries < 5 || tries > 9 { // 5, 10, 20, 40, 80, 160, 300 … seconds
		t.Errorf("%d tries in ten minutes", tries)
	}
	w.setDown(false)
	w.pass(longestRetry)
	if err := s.RefreshDue(t.Context()); err != nil {
		t.Error(err)
	}
	w.wantCheck(s, w.issue(pki.Spec{}), nil)
}

// A list that was refused is looked at again although its server says that it
// has not changed.
func TestRefusedListIsFetchedAgain(t *testing.T) {
	w := newWorld(t)
	w.pass(time.Hour)
	w.publish(w.pki.Intermediate, 24*time.Hour)
	w.pass(-time.Hour)
	s := w.open(w.config(), nil)
	bank := w.issue(pki.Spec{NotBefore: begin})
	if got := sourceError(s, "/intermediate.crl"); !strings.Contains(got, ErrListNotYetValid.Error()) {
		t.Errorf("source says %q", got)
	}
	w.pass(time.Hour)
	if err := s.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	w.wantCheck(s, bank, nil)

	// The same when another list was taken before.
	w.pass(time.Hour)
	w.publish(w.pki.Intermediate, 24*time.Hour)
	w.pass(-time.Hour)
	if err := s.Refresh(t.Context()); !errors.Is(err, ErrListNotYetValid) {
		t.Errorf("Refresh: %v", err)
	}
	w.pass(time.Hour)
	if err := s.Refresh(t.Context()); err != nil || numberOf(s, "Tolem test intermediate CA") != "4" {
		t.Errorf("number in use is %s; Refresh: %v", numberOf(s, "Tolem test intermediate CA"), err)
	}
}

// A server that keeps saying that nothing has changed does not keep a list
// alive, and is not asked every second.
func TestUnchangedListRunsOut(t *testing.T) {
	w, kept := newWorld(t), newShelf()
	s := w.open(w.config(), kept)
	w.pass(24 * time.Hour)
	if err := s.Refresh(t.Context()); !errors.Is(err, ErrListExpired) {
		t.Errorf("Refresh: %v", err)
	}
	if got := sourceError(s, "/intermediate.crl"); !strings.Contains(got, ErrListExpired.Error()) {
		t.Errorf("source says %q", got)
	}
	w.pass(firstRetry / 2)
	if err := s.RefreshDue(t.Context()); err != nil {
		t.Errorf("asked before its time: %v", err)
	}
	w.pass(firstRetry / 2)
	if err := s.RefreshDue(t.Context()); !errors.Is(err, ErrListExpired) {
		t.Errorf("the same list again: %v", err)
	}

	// What was kept is no trouble any more once there is a newer list.
	s = w.open(w.config(), kept)
	before := len(s.Sources())
	w.publish(w.pki.Intermediate, 24*time.Hour)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := s.Sources(); len(after) != before-1 {
		t.Errorf("sources %+v", after)
	}
}

func TestRedirects(t *testing.T) {
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"http://ca.example/a", "http://ca.example/b", true},
		{"http://ca.example/a", "https://CA.example/a", true},
		{"http://ca.example:8080/a", "https://ca.example/a", true},
		{"http://ca.example/a", "http://ca.example:8080/a", false},
		{"http://ca.example/a", "https://ca.example:8443/a", false},
		{"https://ca.example/a", "http://ca.example/a", false},
		{"http://ca.example/a", "http://169.254.169.254/a", false},
	} {
		from, _ := http.NewRequest(http.MethodGet, c.from, nil)
		to, err := http.NewRequest(http.MethodGet, c.to, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := sameHost(to, []*http.Request{from}); (err == nil) != c.allowed {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
	}
}

func TestFetchIsBounded(t *testing.T) {
	w := newWorld(t)
	good := w.lists["/intermediate.crl"]
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect led to another host")
	}))
	defer elsewhere.Close()
	mux := http.NewServeMux()
	handle := func(path string, h http.HandlerFunc) { mux.HandleFunc(path, h) }
	handle("/away", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, elsewhere.URL, http.StatusFound) })
	handle("/file", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Location", "file:///etc/passwd")
		rw.WriteHeader(http.StatusFound)
	})
	handle("/round", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/round", http.StatusFound) })
	handle("/moved", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/good", http.StatusFound) })
	handle("/good", func(rw http.ResponseWriter, r *http.Request) { rw.Write(good) })
	handle("/large", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Length", "65538")
		rw.Write(append([]byte{0x30, 0x83}, make([]byte, 1<<16)...))
	})
	handle("/largest", func(rw http.ResponseWriter, r *http.Request) {
		block := []byte(strings.Repeat("\x30\x84", 1<<14))
		for range 1000 { // without a stated length, longer than anybody reads
			if _, err := rw.Write(block); err != nil {
				return
			}
		}
	})
	handle("/slow", func(rw http.ResponseWriter, r *http.Request) {
		rw.Write(good[:10])
		rw.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	handle("/page", func(rw http.ResponseWriter, r *http.Request) { rw.Write([]byte("<html>welcome</html>")) })
	handle("/unasked", func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(http.StatusNotModified) })
	server := httptest.NewServer(mux)
	defer server.Close()

	for path, want := range map[string]string{
		"/away": "another host", "/file": "another host", "/round": "too many redirects", "/moved": "", "/good": "",
		"/large": "longer than", "/largest": "longer than", "/slow": "deadline exceeded", "/page": "no list",
		"/unasked": "status 304", "/nowhere": "status 404",
	} {
		t.Run(path[1:], func(t *testing.T) {
			c := w.config()
			c.CRLs, c.Timeout, c.MaxBytes = []string{server.URL + path}, 300*time.Millisecond, 1<<15
			s := w.open(c, nil)
			got := sourceError(s, path)
			if (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("source says %q, want %q", got, want)
			}
			class := ErrCRLUnavailable
			if want == "" {
				class = nil
			}
			w.wantCheck(s, w.issue(pki.Spec{}), class)
		})
	}
}

// Only http leads to distribution points, and only those of the authorities.
func TestDistributionPoints(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.CRLs = nil
	s := w.open(c, nil)
	w.wantCheck(s, w.issue(pki.Spec{}), ErrCRLUnavailable)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.requests["/root.crl"] != 1 || w.requests["/intermediate.crl"] != 0 {
		t.Errorf("requests %v: the root's list is named by the intermediate, the other only by a bank", w.requests)
	}
}

func TestOpenStopsWhenToldTo(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, w.config(), nil); err == nil {
		t.Error("opened although the context had ended")
	}
}
