package tolemtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tolem/store"
)

// serverVariable names the PostgreSQL server of the tests; `make test` starts
// one and sets it.
const serverVariable = "TOLEM_TEST_POSTGRES"

// Databases runs the test twice, each time with the address of an empty
// database of its own: on SQLite and on PostgreSQL.
func Databases(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// Stores runs the test twice, each time with an empty open store, its schema
// in place. Without a vault in the options it gets one.
func Stores(t *testing.T, options store.Options, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	Databases(t, func(t *testing.T, dsn string) { test(t, Store(t, dsn, options)) })
}

// Store opens the database, brings its schema up to date and closes it when
// the test ends.
func Store(t testing.TB, dsn string, options store.Options) *store.DB {
	t.Helper()
	if options.Vault == nil {
		options.Vault = Vault(t)
	}
	db, err := store.Open(t.Context(), dsn, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// SQLite returns the address of a database in a folder of the test.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "tolem.db")
}

// Postgres returns the address of an empty schema on the server of the tests;
// it is dropped when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(serverVariable)
	if server == "" {
		lacking(t, "%s is not set, so nothing runs on PostgreSQL (make test starts one)", serverVariable)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s is not an address", serverVariable)
	}
	admin, err := sql.Open("postgres", server)
	if err != nil {
		t.Fatal(err)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
		_ = admin.Close()
	})
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String()
}

// vaultKey is one RSA key for all vaults of a test program: making it is slow.
var vaultKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Vault returns a vault with one fresh data key.
func Vault(t testing.TB) store.Vault {
	t.Helper()
	v, err := newVault()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newVault() (store.Vault, error) {
	private, err := vaultKey()
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	wrapped, err := store.CreateVaultKey(&x509.Certificate{PublicKey: &private.PublicKey})
	if err != nil {
		return nil, err
	}
	return store.OpenVault(private, wrapped)
}
