// Package store keeps what the gateway knows: payment codes, payments,
// requests with their answers, participants, services, and the evidence that
// the archive seals. It holds the only SQL of the project and runs the same
// statements on SQLite and on PostgreSQL; dialect.go has the whole difference.
//
// It is not the place of rules: what may happen to a code is decided by pure
// methods of the root package, and store only makes sure that a decision is
// written against the state it was made from. It parses no messages and signs
// nothing. Package gateway calls it for the operations, banks for the
// register of participants, archive for evidence, the commands to list and
// show.
//
// # Transactions
//
// DB.Update runs a closure on the caller's goroutine. Reads inside it see
// committed data; writes are collected together with the guards they stand
// under (a key that must not exist yet, a version that must not have moved).
// When the closure returns, its writes are handed to a committer, which
// commits everything that is waiting in one database transaction: one flush
// to disk, each with its own outcome. A closure whose guard failed is run
// again from the start and then sees the state that overtook it. Nothing is
// reported done before COMMIT has returned. No database transaction is open
// while a closure runs, so it may sign an answer; it must be fit to be run
// more than once.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Errors of this package. They are wrapped with what was being done.
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrExists: a row with this key exists already.
	ErrExists = errors.New("exists already")
	// ErrConflict: a closure was overtaken by others maxAttempts times in a row.
	ErrConflict = errors.New("overtaken by concurrent changes too often")
	// ErrUnknownOutcome: the database did not say whether the commit took
	// place, and the writes carry no request key by which it could be found out.
	ErrUnknownOutcome = errors.New("outcome of the commit is unknown")
	// ErrUnavailable: the database could not be reached or refused to work;
	// nothing was stored.
	ErrUnavailable = errors.New("database is not available")
	// ErrNested: Update or View was called from within a closure.
	ErrNested = errors.New("transactions do not nest")
	// ErrReadOnly: a write was tried within View.
	ErrReadOnly = errors.New("write within View")
	// ErrClosed: the store is closed or closing.
	ErrClosed = errors.New("store is closed")
	// ErrSchema: the database's schema is not the one this program needs.
	ErrSchema = errors.New("database schema does not fit")
)

// Limits of the store.
const (
	maxAttempts       = 16               // runs of one closure
	maxRetries        = 5                // of one database transaction after a passing failure
	defaultGroup      = 64               // write sets in one database transaction
	defaultCommitters = 1                // one has larger groups, which costs less than two side by side
	defaultReaders    = 2                // SELECTs of one kind at the same time; fewer read more keys each
	maxQueue          = 16384            // write sets waiting; more are refused
	maxReadKeys       = 64               // keys in one coalesced SELECT
	readTimeout       = 10 * time.Second // of one SELECT
	commitTimeout     = 30 * time.Second // of one database transaction
)

// Options says how a store is opened. The zero value of every field but Vault
// is usable.
type Options struct {
	// Vault seals personal data. Without it nothing that holds personal data
	// can be read or written; migrations and counts work.
	Vault Vault
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
	// Group bounds the write sets of one database transaction.
	Group int
	// Committers is the number of connections that commit. SQLite always has one.
	Committers int
	// Readers is the number of connections that read.
	Readers int
	// OnGroup, if set, is called after every committed group with its size. It
	// must be quick.
	OnGroup func(size int)
}

// DB is an open store. It is safe for concurrent use.
type DB struct {
	dialect dialect
	writer  *sql.DB // the connections of the committers
	reader  *sql.DB
	vault   Vault
	clock   func() time.Time
	onGroup func(int)

	readers    readers
	turns      *turns
	committers []*committer
	running    sync.WaitGroup
	stats      counters
	faults     faults
}

// Open opens the store named by dsn: "sqlite:PATH" or "postgres://…". It
// creates an SQLite file that does not exist, but no tables: see Migrate.
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	d, err := dialectOf(dsn)
	if err != nil {
		return nil, err
	}
	setDefaults(&o, d)
	db := &DB{dialect: d, vault: o.Vault, clock: o.Clock, onGroup: o.OnGroup, turns: newTurns()}
	if db.vault == nil {
		db.vault = noVault{}
	}
	if db.writer, db.reader, err = d.open(o.Committers, o.Readers); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	for _, pool := range []*sql.DB{db.writer, db.reader} {
		if err := pool.PingContext(ctx); err != nil {
			_ = errors.Join(db.writer.Close(), db.reader.Close())
			return nil, fmt.Errorf("open database: %w: %w", ErrUnavailable, err)
		}
	}
	db.readers = newReaders(db, o.Readers)
	for range o.Committers {
		c := newCommitter(db, o.Group)
		db.committers = append(db.committers, c)
		db.running.Go(c.run)
	}
	return db, nil
}

func setDefaults(o *Options, d dialect) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Group <= 0 {
		o.Group = defaultGroup
	}
	if o.Committers <= 0 {
		o.Committers = defaultCommitters
	}
	if o.Readers <= 0 {
		o.Readers = defaultReaders
	}
	if d.singleWriter() {
		o.Committers = 1
	}
}

// Close stops taking writes, commits those that were handed over before, and
// closes the connections.
func (db *DB) Close() error {
	for _, c := range db.committers {
		c.close()
	}
	db.running.Wait()
	return errors.Join(db.reader.Close(), db.writer.Close())
}

// Ping reports whether the database answers, for the readiness probe.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	if err := db.reader.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// Vault returns the vault of the store; the archive seals with it too.
func (db *DB) Vault() Vault { return db.vault }

// now is the time of a transaction. Databases keep microseconds, and a value
// must not change by being stored.
func (db *DB) now() time.Time { return db.clock().UTC().Truncate(time.Microsecond) }
