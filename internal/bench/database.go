package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/lib/pq" // the driver
	_ "modernc.org/sqlite"
)

// The kinds of databases.
const (
	postgresKind = "PostgreSQL"
	sqliteKind   = "SQLite"
)

// database is a place for the tables of one contender. On PostgreSQL it is a
// schema of its own, dropped at the end; on SQLite a file.
type database struct {
	kind string
	dsn  string // as the gateway's configuration names it

	path     string // of the SQLite file
	server   string // address of the PostgreSQL server
	schema   string
	postgres bool
}

// kinds returns the kinds of databases that can be measured.
func (s *session) kinds() []string {
	if s.Postgres == "" {
		return []string{sqliteKind}
	}
	return []string{postgresKind, sqliteKind}
}

// noteMissing says what is not measured because there is no PostgreSQL.
func (s *session) noteMissing(part string) {
	if s.Postgres == "" {
		s.leaveOut(part + " on PostgreSQL: no --postgres was given")
	}
}

// newDatabase makes an empty one.
func (s *session) newDatabase(ctx context.Context, kind, name string) (*database, error) {
	if kind == sqliteKind {
		path := filepath.Join(s.Dir, name+".db")
		return &database{kind: kind, dsn: "sqlite:" + path, path: path}, nil
	}
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	d := &database{kind: kind, server: s.Postgres, schema: "tolem_bench_" + hex.EncodeToString(random[:]), postgres: true}
	u, err := url.Parse(s.Postgres)
	if err != nil {
		return nil, errors.New("--postgres is not an address") // the error would show the password
	}
	q := u.Query()
	q.Set("search_path", d.schema)
	u.RawQuery = q.Encode()
	d.dsn = u.String()
	return d, d.admin(ctx, "CREATE SCHEMA "+d.schema)
}

// admin runs a statement outside the schema.
func (d *database) admin(ctx context.Context, statement string) error {
	db, err := sql.Open("postgres", d.server)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// drop removes it. It is called when the context may have ended.
func (d *database) drop(ctx context.Context) error {
	if d.postgres {
		return d.admin(context.WithoutCancel(ctx), "DROP SCHEMA "+d.schema+" CASCADE")
	}
	var err error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if e := os.Remove(d.path + suffix); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// open opens it the way an application would, with at most so many
// connections, as durable as the gateway: SQLite waits for the disk at every
// commit, PostgreSQL does what its server says.
func (d *database) open(connections int) (*sql.DB, error) { return openPlain(d.dsn, connections) }

// openPlain opens a database by the address that the gateway's configuration
// would name.
func openPlain(dsn string, connections int) (*sql.DB, error) {
	path, isSQLite := strings.CutPrefix(dsn, "sqlite:")
	if !isSQLite {
		u, err := url.Parse(dsn)
		if err != nil {
			return nil, errors.New("the database's address cannot be parsed")
		}
		q := u.Query()
		q.Set("binary_parameters", "yes") // bytes do not travel as hexadecimal
		u.RawQuery = q.Encode()
		db, err := sql.Open("postgres", u.String())
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		return db, nil
	}
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"cache_size(-16000)", "wal_autocheckpoint(16000)", "temp_store(2)",
	}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // one writer is what SQLite has; waiting here is cheaper than in its lock
	return db, nil
}

// bytesType is the name of the type of bytes in a database.
func bytesType(dsn string) string {
	if strings.HasPrefix(dsn, "sqlite:") {
		return "BLOB"
	}
	return "BYTEA"
}

// size returns the bytes the database takes, tables and indexes, after it was
// tidied up: SQLite's file after a full checkpoint of its log and VACUUM,
// PostgreSQL's relations after VACUUM FULL if packed is set, else as plain
// VACUUM leaves them.
func (d *database) size(ctx context.Context, packed bool) (int64, error) {
	db, err := d.open(2)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if !d.postgres {
		return d.sizeSQLite(ctx, db, packed)
	}
	return d.sizePostgres(ctx, db, packed)
}

func (d *database) sizeSQLite(ctx context.Context, db *sql.DB, packed bool) (int64, error) {
	statements := []string{"PRAGMA wal_checkpoint(TRUNCATE)"}
	if packed {
		statements = []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"}
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return 0, err
		}
	}
	info, err := os.Stat(d.path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (d *database) sizePostgres(ctx context.Context, db *sql.DB, packed bool) (total int64, err error) {
	rows, err := db.QueryContext(ctx, `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY 1`, d.schema)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return 0, err
		}
		tables = append(tables, d.schema+"."+name)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	how := "VACUUM "
	if packed {
		how = "VACUUM FULL "
	}
	for _, name := range tables {
		if _, err := db.ExecContext(ctx, how+name); err != nil {
			return 0, fmt.Errorf("%s%s: %w", how, name, err)
		}
		var size int64
		if err := db.QueryRowContext(ctx, "SELECT pg_total_relation_size($1::regclass)", name).Scan(&size); err != nil {
			return 0, err
		}
		total += size
	}
	return total, nil
}
