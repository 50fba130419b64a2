package store

import (
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect is the whole difference between the databases. Statements are
// written once, with $1 placeholders; those that take many rows at once name
// them as a table "rows", and the dialect says where that table comes from.
type dialect interface {
	goose() goose.Dialect
	migrations() string // folder of its migrations
	singleWriter() bool
	open(committers, readers int) (writer, reader *sql.DB, err error)

	begin() string // opens a transaction that writes

	// rows returns the body of the common table expression "rows" for n rows of
	// these columns; its parameters are numbered from first.
	rows(cols []column, n, first int) string
	// combines reports whether one statement can write several tables.
	combines() bool
	// bind returns the parameters of rows.
	bind(cols []column, rows [][]any) []any
	// chunk returns how many of n waiting rows the next statement takes.
	chunk(n int) int
	// oneSize reports whether the text of rows is the same for every n.
	oneSize() bool

	// passing reports whether the database asks to try again: a serialization
	// failure, a deadlock, a lock that could not be had.
	passing(err error) bool
	// lost reports whether the connection broke, so that the fate of what was
	// under way is not known.
	lost(err error) bool
	// snapshot returns how to begin a transaction that reads one state.
	snapshot() *sql.TxOptions
}

// dialectOf reads a data source name.
func dialectOf(dsn string) (dialect, error) {
	switch {
	case strings.HasPrefix(dsn, "sqlite:"):
		path := strings.TrimPrefix(dsn, "sqlite:")
		if path == "" || strings.Contains(path, "?") {
			return nil, errors.New("database: want sqlite:PATH, a path without '?'")
		}
		return sqliteDialect{path: path}, nil
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		full, err := completePostgres(dsn)
		if err != nil {
			return nil, err
		}
		return postgresDialect{dsn: full}, nil
	}
	return nil, errors.New("database: want sqlite:PATH or postgres://…")
}

// column is a column of a "rows" table.
type column struct {
	name string
	kind columnKind
}

// columnKind is one of the three types that mean the same in both databases.
type columnKind uint8

const (
	bigint  columnKind = iota // int64
	text                      // string
	binary_                   // []byte
)

// ---- SQLite ----

type sqliteDialect struct{ path string }

func (sqliteDialect) goose() goose.Dialect     { return goose.DialectSQLite3 }
func (sqliteDialect) migrations() string       { return "migrations/sqlite" }
func (sqliteDialect) singleWriter() bool       { return true }
func (sqliteDialect) oneSize() bool            { return false }
func (sqliteDialect) combines() bool           { return false }
func (sqliteDialect) begin() string            { return "BEGIN IMMEDIATE" }
func (sqliteDialect) snapshot() *sql.TxOptions { return &sql.TxOptions{ReadOnly: true} }

// open gives the writer the one connection SQLite can use. FULL makes COMMIT
// wait for the disk; the write-ahead log lets readers go on meanwhile.
func (d sqliteDialect) open(_, readers int) (*sql.DB, *sql.DB, error) {
	common := url.Values{"_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"cache_size(-16000)", "wal_autocheckpoint(16000)", "temp_store(2)",
	}}
	if err := d.create(); err != nil {
		return nil, nil, err
	}
	file := "file:" + (&url.URL{Path: d.path}).EscapedPath()
	writer, err := sql.Open("sqlite", file+"?"+common.Encode())
	if err != nil {
		return nil, nil, err
	}
	writer.SetMaxOpenConns(1)
	common.Add("_pragma", "query_only(1)")
	reader, err := sql.Open("sqlite", file+"?"+common.Encode())
	if err != nil {
		return nil, nil, errors.Join(err, writer.Close())
	}
	reader.SetMaxOpenConns(readers + 1) // one beside the coalesced reads, for lists
	reader.SetMaxIdleConns(readers + 1)
	return writer, reader, nil
}

// create makes a file that only its owner can read; SQLite gives the files
// beside it the same mode.
func (d sqliteDialect) create() error {
	f, err := os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// rows numbers no parameters: SQLite keeps $1 as a name, and the driver looks
// the name of each parameter up in a list of all.
func (sqliteDialect) rows(cols []column, n, _ int) string {
	row := "(?" + strings.Repeat(",?", len(cols)-1) + ")"
	return "VALUES " + row + strings.Repeat(","+row, n-1)
}

func (sqliteDialect) bind(cols []column, rows [][]any) []any {
	params := make([]any, 0, len(cols)*len(rows))
	for _, r := range rows {
		params = append(params, r...)
	}
	return params
}

// chunk keeps the number of different statements small, for each is prepared
// once and kept.
func (sqliteDialect) chunk(n int) int {
	switch {
	case n >= 32:
		return 32
	case n >= 8:
		return 8
	}
	return min(n, 1+n/2)
}

func (sqliteDialect) passing(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	primary := e.Code() & 0xff
	return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
}

// lost: an I/O error while the log is written or flushed leaves open whether
// the transaction will be there after a restart.
func (sqliteDialect) lost(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()&0xff == sqlite3.SQLITE_IOERR
	}
	return lostConnection(err)
}

// ---- PostgreSQL ----

type postgresDialect struct{ dsn string }

// completePostgres adds what the driver needs to an operator's address:
// parameters in binary, and TLS stated, never left to a default.
func completePostgres(dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("database: the postgres address cannot be parsed") // the error would show the password
	}
	q := u.Query()
	q.Set("binary_parameters", "yes")
	setIfMissing(q, "sslmode", "verify-full")
	setIfMissing(q, "application_name", "tolem")
	setIfMissing(q, "connect_timeout", "10")
	// Every hot statement finds its rows by key. While the tables are small the
	// planner thinks that reading one whole is cheaper, and it would keep that
	// plan for a prepared statement while the table grows.
	setIfMissing(q, "enable_seqscan", "off")
	setIfMissing(q, "enable_hashjoin", "off")
	setIfMissing(q, "enable_mergejoin", "off")
	setIfMissing(q, "plan_cache_mode", "force_generic_plan") // planned once, not at every read
	// A sequential scan that cannot be avoided then looks so dear that the server
	// would compile it first: 15 to 50 ms of its processor for reading ten rows.
	setIfMissing(q, "jit", "off")
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func setIfMissing(q url.Values, name, value string) {
	if !q.Has(name) {
		q.Set(name, value)
	}
}

func (postgresDialect) goose() goose.Dialect { return goose.DialectPostgres }
func (postgresDialect) migrations() string   { return "migrations/postgres" }
func (postgresDialect) singleWriter() bool   { return false }
func (postgresDialect) oneSize() bool        { return true }
func (postgresDialect) combines() bool       { return true }
func (postgresDialect) begin() string        { return "BEGIN ISOLATION LEVEL READ COMMITTED" }
func (postgresDialect) snapshot() *sql.TxOptions {
	return &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
}

func (d postgresDialect) open(committers, readers int) (*sql.DB, *sql.DB, error) {
	connector, err := pq.NewConnector(d.dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("postgres address: %w", err)
	}
	writer, reader := sql.OpenDB(connector), sql.OpenDB(connector)
	writer.SetMaxOpenConns(committers + 1) // one beside the committers, for migrations
	writer.SetMaxIdleConns(committers + 1)
	reader.SetMaxOpenConns(readers + 4) // beside the coalesced reads, for lists and snapshots
	reader.SetMaxIdleConns(readers + 4)
	return writer, reader, nil
}

// rows takes one array a column, so that one prepared statement serves every
// number of rows.
func (postgresDialect) rows(cols []column, _, first int) string {
	var b strings.Builder
	b.WriteString("SELECT * FROM unnest(")
	for i, c := range cols {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d::%s[]", first+i, [...]string{bigint: "bigint", text: "text", binary_: "bytea"}[c.kind])
	}
	b.WriteByte(')')
	return b.String()
}

func (postgresDialect) bind(cols []column, rows [][]any) []any {
	params := make([]any, len(cols))
	for i, c := range cols {
		params[i] = binaryArray(c.kind, rows, i)
	}
	return params
}

func (postgresDialect) chunk(n int) int { return n }

// The types of array elements, as PostgreSQL numbers them.
const (
	oidBytea  = 17
	oidBigint = 20
	oidText   = 25
)

// binaryArray encodes one column of the rows as PostgreSQL's binary array. The
// driver passes []byte on as it is; its own arrays would go as text, with
// bytes in hexadecimal, at twice the cost.
func binaryArray(kind columnKind, rows [][]any, col int) []byte {
	oid := [...]uint32{bigint: oidBigint, text: oidText, binary_: oidBytea}[kind]
	size := 20
	for _, r := range rows {
		size += 12
		switch v := r[col].(type) {
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		}
	}
	b := make([]byte, 0, size)
	if len(rows) == 0 {
		b = binary.BigEndian.AppendUint32(b, 0) // dimensions
		b = binary.BigEndian.AppendUint32(b, 0) // no nulls
		return binary.BigEndian.AppendUint32(b, oid)
	}
	for _, v := range []uint32{1, 0, oid, uint32(len(rows)), 1} { // dimensions, no nulls, type, length, lower bound
		b = binary.BigEndian.AppendUint32(b, v)
	}
	for _, r := range rows {
		switch v := r[col].(type) {
		case int64:
			b = binary.BigEndian.AppendUint32(b, 8)
			b = binary.BigEndian.AppendUint64(b, uint64(v))
		case string:
			b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
			b = append(b, v...)
		case []byte:
			b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
			b = append(b, v...)
		default:
			panic(fmt.Sprintf("store: %T in a column of rows", v))
		}
	}
	return b
}

// passing names serialization_failure, deadlock_detected, lock_not_available
// and query_canceled by a statement timeout of the server.
func (postgresDialect) passing(err error) bool {
	var e *pq.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "40001", "40P01", "55P03":
		return true
	}
	return false
}

// lost names the connection exceptions (class 08), the server going down or
// starting (57P01 to 57P03), statement_completion_unknown (40003).
func (postgresDialect) lost(err error) bool {
	var e *pq.Error
	if errors.As(err, &e) {
		return strings.HasPrefix(string(e.Code), "08") || strings.HasPrefix(string(e.Code), "57P0") || e.Code == "40003"
	}
	return lostConnection(err)
}

// lostConnection takes every error that does not come from the server for a
// broken connection: to call an outcome unknown is always safe.
func lostConnection(err error) bool {
	var netErr net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &netErr) || isContextError(err)
}
