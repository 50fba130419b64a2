package archive_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"tolem/archive"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// evidence is every column that holds evidence, with what its finding must
// name.
var evidence = []struct {
	table, column string
	names         []string
}{
	{"message", "data", []string{"message "}},
	{"message", "id", []string{"message "}},
	{"message", "code", []string{"message "}},
	{"leaf_batch", "entries", []string{"message ", "document ", "log batch "}},
	{"leaf_batch", "first", []string{"log batch ", "checkpoint "}},
	{"checkpoint", "note", []string{"checkpoint "}},
	{"checkpoint", "size", []string{"checkpoint "}},
	{"document", "data", []string{"document ", "message "}},
	{"document", "id", []string{"document ", "message "}},
	{"document", "kind", []string{"document "}},
	{"leaf_pending", "leaf", []string{"message "}},
	{"leaf_pending", "id", []string{"message "}},
	{"log_state", "size", []string{"log state"}},
	{"log_state", "frontier", []string{"log state"}},
	{"request", "answer", []string{"request "}},
}

// GW-P36: whoever flips one byte of what is stored is found out, and the first
// altered record is named.
func TestEveryFlippedByteIsNamed(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, tolemtest.Store(t, dsn, store.Options{}))
		w.fill(t)
		raw := openRaw(t, dsn)
		if r := w.verify(t); !r.OK() {
			t.Fatalf("before: %v", r.Altered)
		}
		for _, e := range evidence {
			t.Run(e.table+"."+e.column, func(t *testing.T) {
				for _, v := range raw.values(t, e.table, e.column) {
					for _, changed := range v.flips() {
						raw.set(t, v, changed)
						report := w.verify(t)
						raw.set(t, v, v.value)
						if report.OK() || !named(report.Altered[0].Record, e.names) {
							t.Fatalf("%v -> %v: found %v", v.value, changed, report.Altered)
						}
					}
				}
			})
		}
		if r := w.verify(t); !r.OK() {
			t.Fatalf("after: %v", r.Altered)
		}
	})
}

// A row that was deleted, and one that was added, are found as well.
func TestMissingAndAddedRowsAreNamed(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, tolemtest.Store(t, dsn, store.Options{}))
		w.fill(t)
		raw := openRaw(t, dsn)
		for _, table := range []string{"checkpoint", "leaf_batch", "document", "message"} {
			raw.exec(t, "CREATE TABLE aside AS SELECT * FROM "+table)
			key := map[string]string{"checkpoint": "size", "leaf_batch": "first", "document": "id", "message": "data"}[table]
			raw.exec(t, "DELETE FROM "+table+" WHERE "+key+" IN (SELECT "+key+" FROM aside ORDER BY "+key+" LIMIT 1)")
			if r := w.verify(t); r.OK() {
				t.Errorf("deleted row of %s was not missed", table)
			}
			raw.exec(t, "DELETE FROM "+table)
			raw.exec(t, "INSERT INTO "+table+" SELECT * FROM aside")
			raw.exec(t, "DROP TABLE aside")
			if r := w.verify(t); !r.OK() {
				t.Fatalf("%s restored: %v", table, r.Altered)
			}
		}
		raw.exec(t, "INSERT INTO message (code, id, data) SELECT code + 97, id, data FROM message WHERE id IN (SELECT id FROM message ORDER BY id LIMIT 1)")
		if r := w.verify(t); r.OK() || !strings.Contains(r.Altered[0].Reason, "does not know") {
			t.Errorf("added row: %v", r.Altered)
		}
	})
}

// The end of the log cannot be cut off behind the back of whoever has a later
// checkpoint.
func TestTruncationAgainstAKnownCheckpoint(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, tolemtest.Store(t, dsn, store.Options{}))
		code, records := w.life(t)
		w.play(t, code, records)
		w.seal(t)
		raw := openRaw(t, dsn)
		raw.exec(t, "CREATE TABLE aside AS SELECT * FROM log_state")
		code, records = w.life(t)
		w.play(t, code, records)
		w.seal(t)
		var known []byte
		if err := raw.db.QueryRow("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1").Scan(&known); err != nil {
			t.Fatal(err)
		}
		raw.exec(t, fmt.Sprintf("DELETE FROM message WHERE code = %d", int64(code)))
		raw.exec(t, fmt.Sprintf("DELETE FROM request WHERE code = %d", int64(code)))
		raw.exec(t, "DELETE FROM leaf_batch WHERE first = (SELECT size FROM aside)")
		raw.exec(t, "DELETE FROM checkpoint WHERE size > (SELECT size FROM aside)")
		raw.exec(t, "DELETE FROM log_state")
		raw.exec(t, "INSERT INTO log_state SELECT * FROM aside")
		if r := w.verify(t); !r.OK() {
			t.Fatalf("a consistent cut shows without a checkpoint: %v", r.Altered)
		}
		r, err := w.a.VerifyAll(t.Context(), archive.Check{Verifier: w.verifier, Known: [][]byte{known}})
		if err != nil || r.OK() {
			t.Errorf("cut log passes against a later checkpoint: %v", err)
		}
	})
}

// fill stores two lives in two batches and one that waits.
func (w *world) fill(t *testing.T) {
	t.Helper()
	for i := range 3 {
		code, records := w.life(t)
		w.play(t, code, records)
		if i < 2 {
			w.seal(t)
		}
	}
}

func (w *world) seal(t *testing.T) {
	t.Helper()
	if _, err := w.a.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) verify(t *testing.T) *archive.Report {
	t.Helper()
	r, err := w.a.VerifyAll(t.Context(), archive.Check{Verifier: w.verifier})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func named(record string, names []string) bool {
	for _, n := range names {
		if strings.HasPrefix(record, n) {
			return true
		}
	}
	return false
}

// rawDB is the database as somebody sees it who goes around the gateway.
type rawDB struct {
	db       *sql.DB
	current  map[string]any
	postgres bool
}

func openRaw(t *testing.T, dsn string) *rawDB {
	t.Helper()
	r := &rawDB{postgres: true}
	driver := "postgres"
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, dsn, r.postgres = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)", false
	}
	var err error
	if r.db, err = sql.Open(driver, dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.db.Close() })
	return r
}

func (r *rawDB) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := r.db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// rawValue is a value and the whole row it stands in, by which it is found.
type rawValue struct {
	table, column string
	at            int // position in the order of all values of the column
	value         any
}

// sampled bounds the rows whose bytes are flipped.
const sampled = 2

func (r *rawDB) values(t *testing.T, table, column string) (list []rawValue) {
	t.Helper()
	rows, err := r.db.Query("SELECT " + column + " FROM " + table + " ORDER BY " + column)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	most := sampled
	if r.postgres {
		most = 1 // the same code, only slower
	}
	for at := 0; rows.Next() && at < most; at++ {
		v := rawValue{table: table, column: column, at: at}
		if err := rows.Scan(&v.value); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil || len(list) == 0 {
		t.Fatalf("%d rows in %s: %v", len(list), table, err)
	}
	return list
}

// set writes another value in the place of this one.
func (r *rawDB) set(t *testing.T, v rawValue, value any) {
	t.Helper()
	old := r.current[v.key()]
	if old == nil {
		old = v.value
	}
	r.exec(t, "UPDATE "+v.table+" SET "+v.column+" = $1 WHERE "+v.column+" = $2", value, old)
	if r.current == nil {
		r.current = make(map[string]any)
	}
	r.current[v.key()] = value
}

func (v rawValue) key() string { return fmt.Sprint(v.table, v.column, v.at) }

// stride samples the positions of long values: all of the first bytes, and
// every so many behind.
const stride = 37

// flips returns the value with one bit of one byte changed, at sampled
// positions.
func (v rawValue) flips() (list []any) {
	b, isBytes := v.value.([]byte)
	if !isBytes {
		return []any{v.value.(int64) + 1}
	}
	for i := 0; i < len(b); i++ {
		if i > 12 && i < len(b)-12 && i%stride != 0 {
			continue
		}
		c := append([]byte{}, b...)
		c[i] ^= 1 << (i % 8)
		list = append(list, c)
	}
	return list
}
