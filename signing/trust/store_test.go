package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem/internal/pki"
)

// GW-P07: once the authority has published it, one refresh is enough.
func TestRevokedIsRefusedWithinOneRefresh(t *testing.T) {
	w := newWorld(t)
	s := w.open(w.config(), nil)
	bank, other := w.issue(pki.Spec{}), w.issue(pki.Spec{})
	w.wantCheck(s, bank, nil)
	if err := w.pki.Revoke(bank, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	w.publish(w.pki.Intermediate, 24*time.Hour)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantCheck(s, bank, ErrRevoked)
	w.wantCheck(s, other, nil)
}

func TestHoldAndItsRelease(t *testing.T) {
	w := newWorld(t)
	s := w.open(w.config(), nil)
	bank := w.issue(pki.Spec{})
	for _, step := range []struct {
		reason pki.Reason
		want   error
	}{{pki.Hold, ErrRevoked}, {pki.HoldReleased, nil}, {pki.Hold, ErrRevoked}} {
		if err := w.pki.Revoke(bank, step.reason); err != nil {
			t.Fatal(err)
		}
		w.publish(w.pki.Intermediate, 24*time.Hour)
		if err := s.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.wantCheck(s, bank, step.want)
	}
}

// That a certificate was revoked is the graver news when it has expired too.
func TestRevokedAndExpired(t *testing.T) {
	w := newWorld(t)
	bank := w.issue(pki.Spec{NotAfter: begin.Add(time.Minute)})
	if err := w.pki.Revoke(bank, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	w.publish(w.pki.Intermediate, 24*time.Hour)
	s := w.open(w.config(), nil)
	w.pass(time.Hour)
	w.wantCheck(s, bank, ErrRevoked)
}

// Every certificate of a path is checked, not only the last.
func TestRevokedIntermediate(t *testing.T) {
	w := newWorld(t)
	bank := w.issue(pki.Spec{})
	if err := w.pki.Revoke(w.pki.Intermediate.Cert, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	w.publish(w.pki.Root, 24*time.Hour)
	w.wantCheck(w.open(w.config(), nil), bank, ErrRevoked)
}

// An anchor that its own list names is not to be trusted either, and a list
// that is missing must not hide that.
func TestRevokedRoot(t *testing.T) {
	w := newWorld(t)
	bank := w.issue(pki.Spec{})
	if err := w.pki.Revoke(w.pki.Root.Cert, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	w.publish(w.pki.Root, 24*time.Hour)
	c := w.config()
	c.CRLs = nil // the intermediate's list is nowhere
	w.wantCheck(w.open(c, nil), bank, ErrRevoked)
}

// GW-P06: the server is down; the last good list serves until its nextUpdate
// and not a second longer.
func TestServerDown(t *testing.T) {
	w := newWorld(t)
	s := w.open(w.config(), nil)
	bank := w.issue(pki.Spec{})
	w.wantCheck(s, bank, nil)
	w.setDown(true)
	w.pass(24*time.Hour - time.Second)
	if err := s.Refresh(t.Context()); err == nil {
		t.Error("Refresh does not tell that the server is down")
	}
	w.wantCheck(s, bank, nil)
	if err := s.Ready(w.clock()); err != nil {
		t.Errorf("not ready although the list is in force: %v", err)
	}
	if got := sourceError(s, "/intermediate.crl"); !strings.Contains(got, "503") {
		t.Errorf("source says %q", got)
	}
	w.pass(time.Second)
	w.wantCheck(s, bank, ErrCRLUnavailable)
	if err := s.Ready(w.clock()); !errors.Is(err, ErrCRLUnavailable) {
		t.Errorf("ready without a list in force: %v", err)
	}
	w.setDown(false)
	w.publish(w.pki.Intermediate, 24*time.Hour)
	w.pass(time.Hour) // the next try is due by then
	if err := s.RefreshDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantCheck(s, bank, nil)
	if err := s.Ready(w.clock()); err != nil {
		t.Error(err)
	}
}

// GW-P06: a start without network works with what was kept, until nextUpdate.
func TestRestartWithoutNetwork(t *testing.T) {
	w, kept := newWorld(t), newShelf()
	bank, gone := w.issue(pki.Spec{}), w.issue(pki.Spec{})
	if err := w.pki.Revoke(gone, pki.Superseded); err != nil {
		t.Fatal(err)
	}
	w.publish(w.pki.Intermediate, 24*time.Hour)
	w.wantCheck(w.open(w.config(), kept), bank, nil)
	w.setDown(true)
	s := w.open(w.config(), kept)
	w.wantCheck(s, bank, nil)
	w.wantCheck(s, gone, ErrRevoked)
	w.pass(25 * time.Hour)
	w.wantCheck(s, bank, ErrCRLUnavailable)
	w.wantCheck(w.open(w.config(), kept), bank, ErrCRLUnavailable)
	w.wantCheck(w.open(w.config(), nil), bank, ErrCRLUnavailable)
}

// A list that is older than one seen before a restart is refused after it,
// even when the newer one has run out meanwhile.
func TestRollbackOverRestart(t *testing.T) {
	for _, runOut := range []bool{false, true} {
		t.Run(fmt.Sprintf("run-out=%v", runOut), func(t *testing.T) {
			w, kept := newWorld(t), newShelf()
			bank := w.issue(pki.Spec{})
			old := w.publish(w.pki.Intermediate, 240*time.Hour)
			if err := w.pki.Revoke(bank, pki.KeyCompromise); err != nil {
				t.Fatal(err)
			}
			w.publish(w.pki.Intermediate, 24*time.Hour)
			w.wantCheck(w.open(w.config(), kept), bank, ErrRevoked)
			want := ErrRevoked
			if runOut {
				w.pass(48 * time.Hour)
				want = ErrCRLUnavailable
			}
			w.put("/intermediate.crl", old)
			s := w.open(w.config(), kept)
			w.wantCheck(s, bank, want)
			if got := sourceError(s, "/intermediate.crl"); !strings.Contains(got, ErrListRollback.Error()) {
				t.Errorf("source says %q", got)
			}
		})
	}
}

// The keeper failing must not bring revoked certificates back; it is told, and
// tried again.
func TestKeeperFails(t *testing.T) {
	w, kept := newWorld(t), newShelf()
	s := w.open(w.config(), kept)
	bank := w.issue(pki.Spec{})
	if err := w.pki.Revoke(bank, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	list := w.publish(w.pki.Intermediate, 24*time.Hour)
	kept.fails = errors.New("disk is full")
	if err := s.Refresh(t.Context()); !errors.Is(err, kept.fails) {
		t.Errorf("Refresh: %v", err)
	}
	w.wantCheck(s, bank, ErrRevoked)
	if got := sourceError(s, "/intermediate.crl"); !strings.Contains(got, "not kept") {
		t.Errorf("source says %q", got)
	}
	newer := w.publish(w.pki.Intermediate, 24*time.Hour)
	if err := s.Refresh(t.Context()); !errors.Is(err, kept.fails) {
		t.Errorf("Refresh: %v", err)
	}
	kept.fails = nil
	if err := s.RefreshDue(t.Context()); err != nil {
		t.Error(err)
	}
	for _, l := range [][]byte{list, newer} {
		if string(kept.all[sha256.Sum256(l)]) != string(l) {
			t.Error("a list was not kept when the keeper had recovered")
		}
	}
	kept.fails = errors.New("gone")
	if _, err := Open(t.Context(), w.config(), kept); !errors.Is(err, kept.fails) {
		t.Errorf("Open although the keeper cannot tell the highest numbers: %v", err)
	}
}

// GW-P36: everything a proof names can be had again.
func TestProofNamesWhatWasAsked(t *testing.T) {
	w, kept := newWorld(t), newShelf()
	s := w.open(w.config(), kept)
	bank, other := w.issue(pki.Spec{}), w.issue(pki.Spec{})
	first, err := s.Check(bank, w.clock())
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Path) != 3 || len(first.CRLs) != 2 {
		t.Fatalf("path of %d, %d lists", len(first.Path), len(first.CRLs))
	}
	for _, ref := range first.CRLs {
		if sha256.Sum256(kept.all[ref.Hash]) != ref.Hash {
			t.Errorf("list %s of %s was not kept", ref.Number, ref.Issuer)
		}
	}
	again, _ := s.Check(bank, w.clock().Add(time.Minute))
	another, _ := s.Check(other, w.clock())
	if again.ID != first.ID || another.ID == first.ID {
		t.Error("the ID must be that of path and lists")
	}
	w.publish(w.pki.Intermediate, 24*time.Hour)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if next, _ := s.Check(bank, w.clock()); next.ID == first.ID || next.CRLs[0].Number == first.CRLs[0].Number {
		t.Error("another list, but the same proof")
	}
}

// A list dropped into a watched folder counts from the next look on.
func TestWatchedFolder(t *testing.T) {
	w := newWorld(t)
	s := w.open(w.filesOnly(), nil)
	bank, folder := w.issue(pki.Spec{}), filepath.Join(w.dir, pki.CRLsDir)
	w.wantCheck(s, bank, nil)
	if err := w.pki.Revoke(bank, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	list, err := w.pki.Intermediate.CRL(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	look := func() { t.Helper(); _ = s.WatchFiles(t.Context()) } // outcomes are read from Sources
	writeFile(t, filepath.Join(folder, ".new.crl"), list)
	writeFile(t, filepath.Join(folder, "README"), []byte("lists go here"))
	look()
	w.wantCheck(s, bank, nil)
	writeFile(t, filepath.Join(folder, "new.crl"), list[:100])
	look()
	w.wantCheck(s, bank, nil)
	if got := sourceError(s, "new.crl"); !strings.Contains(got, ErrListMalformed.Error()) {
		t.Errorf("half a file: source says %q", got)
	}
	writeFile(t, filepath.Join(folder, "new.crl"), list)
	look()
	w.wantCheck(s, bank, ErrRevoked)
	if got := sourceError(s, "new.crl"); got != "" {
		t.Errorf("source says %q", got)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	look()
	w.wantCheck(s, bank, ErrRevoked)
	if got := sourceError(s, pki.CRLsDir); !strings.Contains(got, "no such file") {
		t.Errorf("without its folder: source says %q", got)
	}
}

// A file that was refused because its time had not come is taken later.
func TestRefusedFileIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.dir, pki.CRLsDir, "intermediate.crl")
	w.pass(time.Hour)
	if err := w.pki.WriteCRLs(w.dir, time.Time{}); err != nil {
		t.Fatal(err)
	}
	w.pass(-time.Hour)
	old := time.Now().Add(-time.Hour) // long settled: nothing but the refusal makes it be read again
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	s := w.open(w.filesOnly(), nil)
	bank := w.issue(pki.Spec{NotBefore: begin})
	w.wantCheck(s, bank, ErrCRLUnavailable)
	if got := sourceError(s, path); !strings.Contains(got, ErrListNotYetValid.Error()) {
		t.Errorf("source says %q", got)
	}
	w.pass(time.Hour)
	_ = s.WatchFiles(t.Context()) // looks at what has changed alone
	w.wantCheck(s, bank, ErrCRLUnavailable)
	_ = s.Refresh(t.Context()) // the distribution points cannot be reached
	w.wantCheck(s, bank, nil)
}

// One PEM file may hold several lists; a bad one does not spoil the others.
func TestSeveralListsInOneFile(t *testing.T) {
	w := newWorld(t)
	var file []byte
	for _, der := range [][]byte{w.lists["/root.crl"], {0x30, 0x03, 1, 2, 3}, w.lists["/intermediate.crl"]} {
		file = append(file, "some text\n"...)
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})...)
	}
	c := w.filesOnly()
	c.CRLs = []string{filepath.Join(w.dir, "all.pem")}
	writeFile(t, c.CRLs[0], file)
	s := w.open(c, nil)
	w.wantCheck(s, w.issue(pki.Spec{}), nil)
	if got := sourceError(s, "all.pem"); !strings.Contains(got, ErrListMalformed.Error()) {
		t.Errorf("source says %q", got)
	}
}

// Authorities are reloaded too; rubbish leaves those in use alone.
func TestCertificatesAreWatched(t *testing.T) {
	w, elsewhere := newWorld(t), newWorld(t)
	s := w.open(w.filesOnly(), nil)
	bank, stranger := w.issue(pki.Spec{}), elsewhere.issue(pki.Spec{})
	w.wantCheck(s, stranger, ErrUntrusted)
	writeFile(t, filepath.Join(w.dir, pki.AnchorsDir, "rubbish.pem"), []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	if err := s.WatchFiles(t.Context()); err == nil {
		t.Error("rubbish among the anchors is not told")
	}
	w.wantCheck(s, bank, nil)
	if err := os.Remove(filepath.Join(w.dir, pki.AnchorsDir, "rubbish.pem")); err != nil {
		t.Fatal(err)
	}
	copyInto(t, elsewhere.dir, w.dir, pki.AnchorsDir, "root.pem")
	copyInto(t, elsewhere.dir, w.dir, pki.IntermediatesDir, "intermediate.pem")
	copyInto(t, elsewhere.dir, w.dir, pki.CRLsDir, "root.crl")
	copyInto(t, elsewhere.dir, w.dir, pki.CRLsDir, "intermediate.crl")
	if err := s.WatchFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantCheck(s, stranger, nil)
	w.wantCheck(s, bank, nil)
	if err := os.Remove(filepath.Join(w.dir, pki.IntermediatesDir, "intermediate.pem")); err != nil {
		t.Fatal(err)
	}
	if err := s.WatchFiles(t.Context()); !errors.Is(err, ErrListKeyID) {
		t.Errorf("the list of an authority that has gone: %v", err)
	}
	w.wantCheck(s, bank, ErrUntrusted)
	w.wantCheck(s, stranger, nil)
	if len(s.Authorities()) != 3 {
		t.Errorf("%d authorities", len(s.Authorities()))
	}
}

func copyInto(t *testing.T, from, to, folder, name string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(from, folder, name))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(to, folder, "other-"+name), content)
}

func TestOpenRefusesWhatCannotBeMeant(t *testing.T) {
	w := newWorld(t)
	leaf := w.issue(pki.Spec{})
	leafFile := filepath.Join(w.dir, "leaf.pem")
	writeFile(t, leafFile, leaf.Raw)
	halfFile := filepath.Join(w.dir, "half.der")
	writeFile(t, halfFile, w.make(nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }).cert.Raw)
	for name, change := range map[string]func(*Config){
		"no anchors":                   func(c *Config) { c.Anchors = nil },
		"missing anchor":               func(c *Config) { c.Anchors = []string{"nowhere.pem"} },
		"empty folder":                 func(c *Config) { c.Anchors = []string{t.TempDir()} },
		"anchor is no CA":              func(c *Config) { c.Anchors = []string{leafFile} },
		"intermediate is no CA":        func(c *Config) { c.Intermediates = append(c.Intermediates, leafFile) },
		"anchor may sign but is no CA": func(c *Config) { c.Anchors = append(c.Anchors, halfFile) },
		"ldap":                         func(c *Config) { c.CRLs = []string{"ldap://ca.example/cn=list"} },
		"hectic refresh":               func(c *Config) { c.Refresh = time.Millisecond },
	} {
		c := w.filesOnly()
		change(&c)
		if _, err := Open(t.Context(), c, nil); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestStatus(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.CRLs = nil
	s := w.open(c, nil) // the root's list is found, the intermediate's is not
	w.pass(time.Hour)
	lists := s.Lists(w.clock())
	if len(lists) != 2 || !lists[0].Usable || lists[0].Age != time.Hour || lists[0].Number != "2" ||
		lists[0].Source != w.server.URL+"/root.crl" || lists[1].Usable || lists[1].LastError == "" {
		t.Errorf("lists %+v", lists)
	}
	if err := s.Ready(w.clock()); err == nil || !strings.Contains(err.Error(), "intermediate CA") {
		t.Errorf("ready: %v", err)
	}
	w.pass(9 * 365 * 24 * time.Hour)
	soon := s.Expiring(w.clock(), 400*24*time.Hour)
	if len(soon) != 2 || soon[0].Anchor || !soon[1].Anchor {
		t.Errorf("expiring: %+v", soon)
	}
	if soon := s.Expiring(begin, 30*24*time.Hour); len(soon) != 0 {
		t.Errorf("expiring: %+v", soon)
	}
}

// Lists change under load: every answer is that of one whole list.
func TestHotSwap(t *testing.T) {
	w := newWorld(t)
	s := w.open(w.config(), nil)
	good, bad := w.issue(pki.Spec{}), w.issue(pki.Spec{})
	if err := w.pki.Revoke(bad, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	w.publish(w.pki.Intermediate, 24*time.Hour)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := s.Check(good, begin); err != nil {
					t.Errorf("good: %v", err)
					return
				}
				if _, err := s.Check(bad, begin); !errors.Is(err, ErrRevoked) {
					t.Errorf("bad: %v", err)
					return
				}
				s.Lists(begin)
				s.Sources()
			}
		})
	}
	for range 50 {
		w.publish(w.pki.Intermediate, 24*time.Hour)
		if err := s.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	all.Wait()
	if got := numberOf(s, "Tolem test intermediate CA"); got != "53" {
		t.Errorf("number in use is %s", got)
	}
}
