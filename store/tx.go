package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Tx is a transaction inside the closure of Update or View. It is used by the
// closure's goroutine only and is dead when the closure returns.
//
// Reads do not share one snapshot: each sees what was committed when it was
// made. Read the code before its payment, so that what the code says has
// happened is there.
type Tx struct {
	db   *DB
	ctx  context.Context
	now  time.Time
	set  *writeSet // nil within View
	run  int       // 1 is the first
	dead bool

	audited map[auditChain]auditHead // where chains end that this transaction adds to
}

type insideKey struct{}

// Update runs fn and commits what it wrote. If it was overtaken, fn is run
// again; it must have no effect but through the Tx. An error of fn is
// returned as it is and nothing is written.
//
// Update waits for the outcome once its writes are on their way to the
// database, whatever becomes of ctx; before that it returns the context's
// error and nothing is written.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if ctx.Value(insideKey{}) != nil {
		return ErrNested
	}
	var turn func()
	defer func() {
		if turn != nil {
			turn()
		}
	}()
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		set := newWriteSet()
		if err := db.run(ctx, set, attempt, fn); err != nil || set.empty() {
			return err
		}
		err := db.commit(ctx, set)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errOvertaken):
			db.stats.conflicts.Add(1)
		case errors.Is(err, ErrUnknownOutcome) && set.rerunnable:
			db.stats.unknown.Add(1)
		default:
			return err
		}
		db.stats.reruns.Add(1)
		if attempt >= outOfStepAfter {
			if err := fallBehind(ctx, rand.N(time.Duration(attempt)*time.Millisecond)); err != nil {
				return err
			}
		}
		if attempt == turnsAfter {
			if turn, err = db.turns.wait(ctx, set.keys); err != nil {
				return err
			}
		}
	}
	return ErrConflict
}

// outOfStepAfter is how often a closure is overtaken before it pauses for a
// random moment. Two nodes that write one row in step would otherwise have the
// same one win each time.
const outOfStepAfter = 4

// fallBehind waits, or returns the context's error.
func fallBehind(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// View runs fn to read. Writes within it are an error.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if ctx.Value(insideKey{}) != nil {
		return ErrNested
	}
	return db.run(ctx, nil, 1, fn)
}

func (db *DB) run(ctx context.Context, set *writeSet, run int, fn func(*Tx) error) error {
	tx := &Tx{db: db, ctx: ctx, now: db.now(), set: set, run: run}
	defer func() { tx.dead = true }()
	return fn(tx)
}

// Again reports whether the closure is run again, because it was overtaken or
// because nobody knows whether it was committed. Only then need it ask for
// what its own guards would tell it.
func (tx *Tx) Again() bool { return tx.run > 1 }

// Now is the time of the transaction, fixed when the closure began, in UTC to
// the microsecond.
func (tx *Tx) Now() time.Time { return tx.now }

// Context returns the context of the transaction, for what a closure calls.
// Update and View refuse to run under it.
func (tx *Tx) Context() context.Context { return context.WithValue(tx.ctx, insideKey{}, true) }

// writable returns an error where nothing may be written. Every write returns
// the error of its own; what the database makes of it is known when Update
// returns.
func (tx *Tx) writable() error {
	switch {
	case tx.dead:
		panic("store: Tx used after its closure returned")
	case tx.set == nil:
		return ErrReadOnly
	}
	return nil
}

// exec collects a single statement.
func (tx *Tx) exec(s single, keys ...guardKey) error {
	if err := tx.writable(); err != nil {
		return err
	}
	tx.set.singles = append(tx.set.singles, s)
	for _, k := range keys {
		tx.set.guard(k)
	}
	return nil
}

// seal encrypts personal data of a row; context binds it to that row.
func (tx *Tx) seal(f *fields, context string) ([]byte, error) {
	sealed, err := tx.db.vault.Seal(f.b, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", context, err)
	}
	return sealed, nil
}

// open decrypts what seal made.
func (db *DB) open(sealed []byte, context string) (*fieldReader, error) {
	plain, err := db.vault.Open(sealed, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", context, err)
	}
	return readFields(plain), nil
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
