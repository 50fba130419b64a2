package archive_test

import (
	"database/sql"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// play stores the whole life of a code as the gateway does: four operations,
// each with its request record, its effect and two messages.
func (w *world) play(t testing.TB, code tolem.CodeNumber, records []archive.Record) {
	t.Helper()
	ctx := t.Context()
	for i := 0; i < len(records); i += 2 {
		in, out := records[i], records[i+1]
		err := w.db.Update(ctx, func(tx *store.Tx) error {
			if _, err := tx.Request(in.Participant, in.RequestID); !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err := effect(tx, code, in.Operation); err != nil {
				return err
			}
			return errors.Join(w.a.Add(tx, in, out), tx.InsertRequest(store.Request{
				Participant: in.Participant, ID: in.RequestID, Operation: in.Operation, BodyHash: [32]byte(out.Raw[100:]), SignedInfo: [32]byte(out.Raw[200:]),
				Code: code, Result: tolem.OK, Answer: out.ID, At: in.At,
			}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// effect is what an operation does to the code.
func effect(tx *store.Tx, number tolem.CodeNumber, op tolem.Operation) error {
	if op == tolem.OpIssueCode {
		return tx.InsertCode(tolem.Issued(tolem.Code{
			Number: number, Service: "P3.05", Provider: "moj", Amount: tolem.Money{Minor: 120000, Currency: tolem.KZT},
			Channel: tolem.ChannelInternetBanking, Recipient: "850101300005", RecipientName: "Айгүл Сәрсенова", Requester: "bank-a",
			Bank: "bank-a", ExpiresAt: tx.Now().Add(24 * time.Hour),
		}, tx.Now()))
	}
	c, err := tx.Code(number)
	if err != nil {
		return err
	}
	switch op {
	case tolem.OpNotifyPayment:
		p := tolem.Payment{
			Code: number, Bank: "bank-a", BankRef: "ref-83746", Amount: c.Amount, PaidAt: tx.Now(), ReceivedAt: tx.Now(), Channel: c.Channel,
			Recipient: c.Recipient, RecipientName: c.RecipientName, Service: c.Service, Provider: c.Provider, Account: "KZ86125KZT5004100100", NotifiedBy: "bank-a",
		}
		return errors.Join(tx.InsertPayment(p), tx.ChangeCode(c, c.Notify(p, nil, tx.Now())))
	case tolem.OpValidateCode:
		return tx.ChangeCode(c, c.Validate(tolem.Presentation{RequestNo: "2026-83746", Recipient: c.Recipient, Service: c.Service, By: "portal"}, tx.Now()))
	}
	return tx.ChangeCode(c, c.Close(tolem.Closing{ID: "close-83746", RequestNo: "2026-83746", By: "portal"}, tx.Now()))
}

// maxCost is what a message may cost in the database on average, with
// everything that belongs to a code, indexes included.
const maxCost = 0.8 * 1024

// Check of the storage cost: the life of a code is stored in 0.8 KiB a message
// or less.
func TestCostOfALife(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		const (
			lives  = 1000 // enough for half-filled pages not to count
			tidied = 25   // lives, after which PostgreSQL would tidy by itself: at 50 dead rows and a fifth of the table
		)
		w := newWorld(t, tolemtest.Store(t, dsn, store.Options{}))
		before := size(t, dsn)
		var group sync.WaitGroup
		turns := make(chan int, lives)
		for i := range lives {
			turns <- i
		}
		close(turns)
		var mu sync.Mutex
		for range 32 {
			group.Go(func() {
				for i := range turns {
					mu.Lock()
					code, records := w.life(t)
					mu.Unlock()
					w.play(t, code, records)
					if i%tidied == 0 { // as the background jobs do
						if _, err := w.a.Seal(t.Context()); err != nil {
							t.Error(err)
						}
						vacuum(t, dsn)
					}
				}
			})
		}
		group.Wait()
		for {
			n, err := w.a.Seal(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n < archive.SealBatch {
				break
			}
		}
		perMessage := float64(size(t, dsn)-before) / (lives * 8)
		t.Logf("%.0f bytes a message, everything included", perMessage)
		if perMessage > maxCost {
			t.Errorf("a message costs %.0f bytes, more than %.0f", perMessage, maxCost)
		}
	})
}

// vacuum does what autovacuum does when a day does not last ten seconds.
func vacuum(t *testing.T, dsn string) {
	t.Helper()
	if strings.HasPrefix(dsn, "sqlite:") {
		return
	}
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("VACUUM leaf_pending, code"); err != nil {
		t.Error(err)
	}
}

// size is what the database takes on disk once it is at rest.
func size(t *testing.T, dsn string) int64 {
	t.Helper()
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			t.Fatal(err)
		}
		if os.Getenv("TOLEM_TEST_SIZES") != "" {
			logSizes(t, db, "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 12")
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("VACUUM"); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("TOLEM_TEST_SIZES") != "" {
		logSizes(t, db, "SELECT oid::regclass::text, pg_relation_size(oid) FROM pg_class WHERE relnamespace = current_schema()::regnamespace ORDER BY 2 DESC LIMIT 14")
	}
	var n int64
	err = db.QueryRow("SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func logSizes(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		t.Logf("%10d %s", n, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
