package store

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func assertSealed(t *testing.T, table string, values []any) {
	t.Helper()
	for _, secret := range []string{testIIN.Reveal(), "Айгүл", "KZ86125KZT5004100100"} {
		for _, v := range values {
			text := fmt.Sprint(v)
			if b, ok := v.([]byte); ok {
				text = string(b)
			}
			if strings.Contains(text, secret) {
				t.Errorf("%s: %q can be read", table, secret)
			}
		}
	}
}

func wrapKey(t *testing.T) []byte {
	t.Helper()
	key, err := testKey()
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := CreateVaultKey(&x509.Certificate{PublicKey: &key.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

// GW-050: after a rotation old rows open, new rows are sealed under the new
// key, and the index still finds old rows.
func TestVaultRotation(t *testing.T) {
	key, err := testKey()
	if err != nil {
		t.Fatal(err)
	}
	one, two := wrapKey(t), wrapKey(t)
	before, err := OpenVault(key, one)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := before.Seal([]byte("secret"), []byte("row 1"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := OpenVault(key, one, two)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := after.Open(sealed, []byte("row 1")); err != nil || string(plain) != "secret" {
		t.Errorf("old row: %q, %v", plain, err)
	}
	fresh, err := after.Seal([]byte("secret"), []byte("row 2"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.Open(fresh, []byte("row 2")); !errors.Is(err, ErrVault) {
		t.Error("a new row is not sealed under the new key")
	}
	if !bytes.Equal(before.Index("recipient", []byte("x")), after.Index("recipient", []byte("x"))) {
		t.Error("rotation changed the index")
	}
	if bytes.Equal(after.Index("recipient", []byte("x")), after.Index("account", []byte("x"))) {
		t.Error("indexes for different purposes are the same")
	}
}

// Every bit of what is sealed counts, and so does its place.
func TestVaultRefusesWhatWasChanged(t *testing.T) {
	v := testVault(t)
	sealed, err := v.Seal([]byte("secret"), []byte("row 1"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			if _, err := v.Open(changed, []byte("row 1")); !errors.Is(err, ErrVault) {
				t.Fatalf("bit %d of byte %d changed: %v", bit, i, err)
			}
		}
	}
	if _, err := v.Open(sealed, []byte("row 2")); !errors.Is(err, ErrVault) {
		t.Errorf("moved to another row: %v", err)
	}
	for n := range sealed {
		if _, err := v.Open(sealed[:n], []byte("row 1")); !errors.Is(err, ErrVault) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

func TestVaultKeysMustFit(t *testing.T) {
	key, err := testKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenVault(key); !errors.Is(err, ErrVault) {
		t.Errorf("no keys: %v", err)
	}
	wrapped := wrapKey(t)
	wrapped[7] ^= 1
	if _, err := OpenVault(key, wrapped); !errors.Is(err, ErrVault) {
		t.Errorf("changed key: %v", err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CreateVaultKey(&x509.Certificate{PublicKey: &ec.PublicKey}); err == nil {
		t.Error("a key was wrapped to a certificate that cannot unwrap it")
	}
}

const rolePassword = "only-for-this-test"

// openAs opens the store as another role.
func openAs(t *testing.T, dsn, role string, vault Vault) *DB {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, rolePassword)
	db, err := Open(t.Context(), u.String(), Options{Vault: vault})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// The serving role has rights on every table that the migrations make.
func TestAppendOnlyRoleKnowsEveryTable(t *testing.T) {
	files, err := filepath.Glob("migrations/postgres/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	created := regexp.MustCompile(`(?m)^CREATE TABLE (\w+)`)
	known := strings.Split(evidenceTables+", "+changingTables+", "+passingTables, ", ")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range created.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(known, m[1]) {
				t.Errorf("%s makes %s, on which the role has no right", file, m[1])
			}
		}
	}
}

// The serving role of PostgreSQL can do everything the gateway does, and can
// change or delete no evidence.
func TestAppendOnlyRole(t *testing.T) {
	dsn := postgresDSN(t)
	owner := openTest(t, dsn, Options{})
	admin, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	var schema string
	if err := admin.QueryRow("SELECT current_schema()").Scan(&schema); err != nil {
		t.Fatal(err)
	}
	role := "role_" + schema
	script := strings.ReplaceAll(strings.ReplaceAll(AppendOnlyRole(), "tolem_serve", role), "SCHEMA public", "SCHEMA "+schema)
	script = strings.Replace(script, "LOGIN", "LOGIN PASSWORD '"+rolePassword+"'", 1)
	if _, err := admin.Exec(script); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, q := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
			if _, err := owner.writer.Exec(q); err != nil {
				t.Error(err)
			}
		}
	})
	serving := openAs(t, dsn, role, owner.vault)
	if err := serving.CheckSchema(t.Context()); err != nil {
		t.Errorf("the role cannot check the schema: %v", err)
	}
	code := issue(t, serving)
	if err := notify(t, serving, code, newUUID()); err != nil {
		t.Errorf("the role cannot serve: %v", err)
	}
	for table := range strings.FieldsFuncSeq(evidenceTables, func(r rune) bool { return r == ',' || r == ' ' }) {
		for _, q := range []string{"DELETE FROM " + table, "TRUNCATE " + table} {
			if _, err := serving.writer.Exec(q); err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("%s: %v, want permission denied", q, err)
			}
		}
	}
	for _, q := range []string{
		"UPDATE message SET data = data", "UPDATE leaf_batch SET entries = entries", "UPDATE checkpoint SET note = note",
		"UPDATE request SET answer = answer", "UPDATE step SET at = at", "UPDATE document SET data = data", "UPDATE payment SET amount = 1",
	} {
		if _, err := serving.writer.Exec(q); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v, want permission denied", q, err)
		}
	}
}
