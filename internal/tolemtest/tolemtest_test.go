package tolemtest_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/store"
)

func TestStoresAreEmptyAndApart(t *testing.T) {
	tolemtest.Stores(t, store.Options{}, func(t *testing.T, db *store.DB) {
		if err := db.CheckSchema(t.Context()); err != nil {
			t.Errorf("schema: %v", err)
		}
		counts, err := db.CodeCounts(t.Context())
		if err != nil || len(counts) != 0 {
			t.Errorf("codes in an empty store: %v, %v", counts, err)
		}
	})
	var seen []string
	tolemtest.Databases(t, func(_ *testing.T, dsn string) { seen = append(seen, dsn) })
	tolemtest.Databases(t, func(_ *testing.T, dsn string) { seen = append(seen, dsn) })
	for i, a := range seen {
		for _, b := range seen[:i] {
			if a == b {
				t.Error("two tests share a database")
			}
		}
	}
}

func TestClock(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := tolemtest.NewClock(begin)
	c.Advance(time.Hour)
	if got := c.Now(); !got.Equal(begin.Add(time.Hour)) {
		t.Error(got)
	}
	c.Set(begin)
	if got := c.Now(); !got.Equal(begin) {
		t.Error(got)
	}
}

func TestPKI(t *testing.T) {
	p := tolemtest.NewPKI(t, pki.Options{})
	id := p.Identity(pki.Spec{CommonName: "bank", Usage: pki.Signing, Key: pki.P256})
	p.Withdraw(id, pki.KeyCompromise, time.Now().Add(time.Hour))
	text, err := os.ReadFile(filepath.Join(p.Dir, pki.CRLsDir, "intermediate.crl"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("the list is not PEM")
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil || len(list.RevokedCertificateEntries) != 1 || list.RevokedCertificateEntries[0].SerialNumber.Cmp(id.Cert.SerialNumber) != 0 {
		t.Errorf("got %+v, %v", list, err)
	}
}

// recorder takes down what a helper says about a test.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper()                           {}
func (r *recorder) Errorf(format string, args ...any) { r.failed = format }

func TestGoldenSeesADifference(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/x.txt", []byte("a\nb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tolemtest.Golden(t, "x.txt", []byte("a\nb\n"))
	for _, other := range []string{"a\nc\n", "a\nb", "a\nb\n\n", ""} {
		r := &recorder{TB: t}
		tolemtest.Golden(r, "x.txt", []byte(other))
		if !strings.Contains(r.failed, "differs") {
			t.Errorf("%q passes", other)
		}
	}
}

func TestRequiredProgramsAreFound(t *testing.T) {
	if path := tolemtest.RequireTool(t, "go"); !filepath.IsAbs(path) {
		t.Errorf("got %s", path)
	}
}

// A folder goes although something is written there while it goes.
func TestFolderGoes(t *testing.T) {
	var dir string
	t.Run("program", func(t *testing.T) {
		dir = tolemtest.Folder(t)
		done := time.After(300 * time.Millisecond)
		go func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
					_ = os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600) // until the folder is gone
				}
			}
		}()
	})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}
