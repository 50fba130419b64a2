package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"tolem"
)

var errBroken = errors.New("broken on purpose")

// notify is the closure of a notification: it writes to every hot table.
func notify(t testing.TB, db *DB, code tolem.Code, id tolem.RequestID) error {
	t.Helper()
	return db.Update(context.Background(), func(tx *Tx) error {
		_, err := tx.Request("bank-a", id)
		if err == nil || !errors.Is(err, ErrNotFound) {
			return err // answered before
		}
		c, err := tx.Code(code.Number)
		if err != nil {
			return err
		}
		p := paymentFor(c, tx.Now())
		r := requestOf(id, c.Number, tolem.OK)
		return errors.Join(tx.InsertRequest(r), tx.ChangeCode(c, c.Notify(p, nil, tx.Now())), tx.InsertPayment(p),
			tx.InsertDiscrepancy(tolem.Discrepancy{Reason: tolem.Mismatch, Payment: p}, MessageID{1}),
			tx.InsertMessage(Message{ID: MessageID(idBytes(t, id)), Code: c.Number, Blob: []byte("sealed"), Leaf: [32]byte{4}}))
	})
}

func idBytes(t testing.TB, id tolem.RequestID) [16]byte {
	t.Helper()
	b, err := parseUUID(string(id))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hotTables is what notify writes, one row each.
var hotTables = []string{"request", "payment", "discrepancy", "message", "leaf_pending"}

func rowsOf(t testing.TB, db *DB, code tolem.Code) (n int64) {
	t.Helper()
	for _, table := range hotTables {
		column := "code"
		var rows int64
		if err := db.reader.QueryRow("SELECT count(*) FROM "+table+" WHERE "+column+" = $1", int64(code.Number)).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		n += rows
	}
	return n
}

// Every write of the commit path is broken twice: refused, and done but
// reported as failed. Nothing is stored by halves, nothing twice, and an error
// at COMMIT ends in the truth.
func TestEveryWriteBrokenTwice(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		points := faultPoints(t, db)
		if len(points) < 7 {
			t.Fatalf("only the fault points %v", points)
		}
		for _, point := range points {
			for _, persisted := range []bool{false, true} {
				code, id := issue(t, db), newUUID()
				breakOnce(db, point, persisted, errBroken)
				err := notify(t, db, code, id)
				db.faults.inject.Store(nil)
				want := int64(0)
				if point == "commit" { // found out by running the closure again
					want = int64(len(hotTables))
				}
				if (err != nil) != (want == 0) {
					t.Errorf("%s, persisted %v: error %v", point, persisted, err)
				}
				if n := rowsOf(t, db, code); n != want {
					t.Errorf("%s, persisted %v: %d rows, want %d", point, persisted, n, want)
				}
				if err := notify(t, db, code, id); err != nil { // the caller repeats
					t.Errorf("%s, persisted %v: repetition: %v", point, persisted, err)
				}
				if n := rowsOf(t, db, code); n != int64(len(hotTables)) {
					t.Errorf("%s, persisted %v: %d rows after the repetition", point, persisted, n)
				}
			}
		}
	})
}

// faultPoints returns the points a notification passes.
func faultPoints(t *testing.T, db *DB) (points []string) {
	t.Helper()
	inject := func(point string) (error, error) { points = append(points, point); return nil, nil }
	db.faults.inject.Store(&inject)
	defer db.faults.inject.Store(nil)
	code := issued(drawNumber(t), time.Now())
	if err := db.Update(t.Context(), func(tx *Tx) error { return tx.InsertCode(code) }); err != nil {
		t.Fatal(err)
	}
	points = nil
	if err := notify(t, db, code.Code, newUUID()); err != nil {
		t.Fatal(err)
	}
	return points
}

// breakOnce breaks the next write at the point.
func breakOnce(db *DB, point string, persisted bool, err error) {
	var done atomic.Bool
	inject := func(at string) (refuse, report error) {
		switch {
		case at != point || !done.CompareAndSwap(false, true):
			return nil, nil
		case persisted:
			return nil, err
		}
		return err, nil
	}
	db.faults.inject.Store(&inject)
}

// A broken connection or a passing refusal before COMMIT is tried again
// without anybody noticing.
func TestPassingFailuresAreRetried(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		failures := []error{driver.ErrBadConn}
		if !db.dialect.singleWriter() {
			failures = append(failures, &pq.Error{Code: "40001"}, &pq.Error{Code: "40P01"}, &pq.Error{Code: "57P01"})
		}
		for _, failure := range failures {
			for _, point := range []string{"request", "message"} {
				code, id := issue(t, db), newUUID()
				breakOnce(db, point, false, failure)
				if err := notify(t, db, code, id); err != nil {
					t.Errorf("%v at %s: %v", failure, point, err)
				}
				if n := rowsOf(t, db, code); n != int64(len(hotTables)) {
					t.Errorf("%v at %s: %d rows", failure, point, n)
				}
			}
		}
		db.faults.inject.Store(nil)
	})
}

// Without a request key the outcome of a commit cannot be found out, and is
// told as unknown; nothing is tried again.
func TestUnknownOutcomeWithoutRequest(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		runs := 0
		n := drawNumber(t)
		breakOnce(db, "commit", true, errBroken)
		err := db.Update(t.Context(), func(tx *Tx) error {
			runs++
			return tx.InsertCode(issued(n, tx.Now()))
		})
		db.faults.inject.Store(nil)
		if !errors.Is(err, ErrUnknownOutcome) || runs != 1 {
			t.Errorf("%d runs, %v", runs, err)
		}
	})
}

// One write set that the database refuses does not take its group with it.
func TestOneBadSetDoesNotHarmItsGroup(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		db := openTest(t, dsn, Options{Committers: 1})
		release := hold(t, db)
		results := make(chan error, 10)
		for i := range 10 {
			if i == 1 {
				time.Sleep(50 * time.Millisecond) // the first is taken and held; the others wait
			}
			go func() {
				results <- db.Update(context.Background(), func(tx *Tx) error {
					if i == 3 {
						return tx.exec(single{text: "INSERT INTO no_such_table (x) VALUES ($1)", args: []any{int64(1)}, want: 1})
					}
					return tx.InsertCode(issued(drawNumber(t), tx.Now()))
				})
			}()
		}
		waitFor(t, func() bool { return db.Stats().Waiting >= 2 })
		release()
		failed := 0
		for range 10 {
			if err := <-results; err != nil {
				failed++
			}
		}
		if n := count(t, db, "code"); failed != 1 || n != 9 {
			t.Errorf("%d failed, %d codes; want 1 and 9", failed, n)
		}
	})
}

// The server's end of every connection is cut under load: what was
// acknowledged is there exactly once.
func TestConnectionsCutUnderLoad(t *testing.T) {
	dsn := postgresDSN(t)
	name := "cut-" + rand.Text() // other tests run on the same server
	db := openTest(t, dsn+"&application_name="+name, Options{})
	admin, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(40 * time.Millisecond):
				_, _ = admin.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
					WHERE application_name = $1 AND state <> 'idle'`, name)
			}
		}
	}()
	var acknowledged, refused atomic.Int64
	together(16, func(int) {
		for range 40 {
			n, id := drawNumber(t), newUUID()
			err := db.Update(context.Background(), func(tx *Tx) error {
				if _, err := tx.Request("bank-a", id); !errors.Is(err, ErrNotFound) {
					return err
				}
				return errors.Join(tx.InsertCode(issued(n, tx.Now())), tx.InsertRequest(requestOf(id, n, tolem.OK)))
			})
			if err == nil {
				acknowledged.Add(1)
			} else {
				refused.Add(1)
			}
		}
	})
	close(stop)
	codes, requests := count(t, db, "code"), count(t, db, "request")
	if codes != requests || codes < acknowledged.Load() || acknowledged.Load() == 0 {
		t.Errorf("%d acknowledged, %d refused, %d codes, %d requests", acknowledged.Load(), refused.Load(), codes, requests)
	}
	t.Logf("%d acknowledged, %d refused, %d unknown outcomes found out", acknowledged.Load(), refused.Load(), db.Stats().Unknown)
}

// C2: statements that some engine of the family refuses do not come in.
func TestPortableSQL(t *testing.T) {
	forbidden := []string{
		"skip locked", "for update", "trigger", "serial", "identity", "nextval", "sequence", "advisory", "listen ", "notify ", "now()",
		"random()", "clock_timestamp", "current_timestamp", "domain ", "recursive", "generated always", "exclude using", "deferrable",
		"float", "real", "double precision", "xml", " / ", "tsrange", "int4range",
	}
	for name, text := range sourceSQL(t) {
		text = strings.ToLower(text)
		for _, word := range forbidden {
			if strings.Contains(text, word) {
				t.Errorf("%s: %q does not run on every engine", name, word)
			}
		}
	}
}
