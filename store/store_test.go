package store

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tolem"
)

// each runs a test on an empty store of both databases.
func each(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	eachDSN(t, func(t *testing.T, dsn string) { test(t, openTest(t, dsn, Options{})) })
}

func eachDSN(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, postgresDSN(t)) })
}

// postgresDSN makes a schema of its own for the test on the server that
// TOLEM_TEST_POSTGRES names.
func postgresDSN(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TOLEM_TEST_POSTGRES")
	if server == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("TOLEM_TEST_POSTGRES is not set: the PostgreSQL half of the suite must run in CI")
		}
		t.Skip("TOLEM_TEST_POSTGRES is not set: NOT tested on PostgreSQL")
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	var random [6]byte
	_, _ = rand.Read(random[:])
	schema := "test_" + hex.EncodeToString(random[:])
	admin, err := sql.Open("postgres", server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func openTest(t testing.TB, dsn string, o Options) *DB {
	t.Helper()
	if o.Vault == nil {
		o.Vault = testVault(t)
	}
	db, err := Open(t.Context(), dsn, o)
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

// testKey is one RSA key for all vaults of the tests: making it is slow.
var testKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func testVault(t testing.TB) Vault {
	t.Helper()
	key, err := testKey()
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := CreateVaultKey(&x509.Certificate{PublicKey: &key.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenVault(key, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const (
	testIIN  tolem.IIN = "850101300005"
	otherIIN tolem.IIN = "900215400017"
)

func drawNumber(t testing.TB) tolem.CodeNumber {
	t.Helper()
	n, err := tolem.DrawCodeNumber(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func newUUID() tolem.RequestID {
	var id MessageID
	_, _ = rand.Read(id[:])
	return tolem.RequestID(id.String())
}

// issued is a fresh code as IssueCode makes it.
func issued(n tolem.CodeNumber, now time.Time) tolem.Decision {
	return tolem.Issued(tolem.Code{
		Number: n, Service: "P3.05", Provider: "moj", Amount: tolem.Money{Minor: 120000, Currency: tolem.KZT},
		Channel: tolem.ChannelATM, Recipient: testIIN, RecipientName: "Айгүл Сәрсенова", Requester: "bank-a", Bank: "bank-a",
		RequestNo: "2026-1", ExpiresAt: now.Add(24 * time.Hour),
	}, now)
}

func paymentFor(c tolem.Code, now time.Time) tolem.Payment {
	return tolem.Payment{
		Code: c.Number, Bank: "bank-a", BankRef: "ref-1", Amount: c.Amount, PaidAt: now.Add(-time.Minute), ReceivedAt: now,
		Channel: c.Channel, Recipient: c.Recipient, RecipientName: c.RecipientName, Service: c.Service, Provider: c.Provider,
		Account: "KZ86125KZT5004100100", NotifiedBy: "bank-a",
	}
}

// issue stores a fresh code.
func issue(t testing.TB, db *DB) tolem.Code {
	t.Helper()
	n := drawNumber(t)
	var c tolem.Code
	err := db.Update(context.Background(), func(tx *Tx) error {
		d := issued(n, tx.Now())
		c = d.Code
		return tx.InsertCode(d)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// GW-135, GW-136: what is stored of codes, payments and requests comes back as
// it was.
func TestLifeOfACode(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		code := issue(t, db)
		request := Request{
			Participant: "bank-a", ID: newUUID(), Operation: tolem.OpNotifyPayment, BodyHash: [32]byte{1}, SignedInfo: [32]byte{2},
			Code: code.Number, Result: tolem.OK, Answer: MessageID{3},
		}
		var payment tolem.Payment
		err := db.Update(ctx, func(tx *Tx) error {
			if _, err := tx.Request("bank-a", request.ID); !errors.Is(err, ErrNotFound) {
				t.Errorf("request before: %v", err)
			}
			c, err := tx.Code(code.Number)
			if err != nil {
				return err
			}
			if c != code {
				t.Errorf("code = %+v, want %+v", c, code)
			}
			payment = paymentFor(c, tx.Now())
			d := c.Notify(payment, nil, tx.Now())
			request.At = tx.Now()
			return errors.Join(tx.InsertRequest(request), tx.ChangeCode(c, d), tx.InsertPayment(payment),
				tx.InsertMessage(Message{ID: MessageID{9}, Code: c.Number, Blob: []byte("sealed"), Leaf: [32]byte{4}}))
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(ctx, func(tx *Tx) error {
			c, err := tx.Code(code.Number)
			if err != nil || c.State != tolem.StatePaid || c.Version != 2 {
				t.Errorf("code after: %+v, %v", c, err)
			}
			p, err := tx.Payment(code.Number)
			if err != nil || p != payment {
				t.Errorf("payment = %+v, %v, want %+v", p, err, payment)
			}
			r, err := tx.Request("bank-a", request.ID)
			if err != nil || r != request {
				t.Errorf("request = %+v, %v, want %+v", r, err, request)
			}
			steps, err := tx.Steps(code.Number)
			if err != nil || len(steps) != 2 || steps[1].Event != tolem.EventNotify || steps[1].By != "bank-a" {
				t.Errorf("steps = %+v, %v", steps, err)
			}
			m, err := tx.Message(code.Number, MessageID{9})
			if err != nil || string(m.Blob) != "sealed" {
				t.Errorf("message = %+v, %v", m, err)
			}
			codes, err := tx.CodesByRecipient(testIIN, 10)
			if err != nil || len(codes) != 1 {
				t.Errorf("codes of the recipient: %d, %v", len(codes), err)
			}
			codes, err = tx.CodesByRecipient(otherIIN, 10)
			if err != nil || len(codes) != 0 {
				t.Errorf("codes of another: %d, %v", len(codes), err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
