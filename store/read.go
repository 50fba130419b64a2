package store

import (
	"context"
	"fmt"
	"sync"
)

// batcher makes one SELECT of the reads that arrive while others are under
// way. It never waits for more to come: a lone read goes at once.
type batcher[K comparable, V any] struct {
	load func(ctx context.Context, keys []K, found func(K, V)) error
	max  int // SELECTs at the same time

	mu      sync.Mutex
	waiting []*pendingRead[K, V]
	running int
}

type pendingRead[K comparable, V any] struct {
	key   K
	value V
	found bool
	err   error
	done  chan struct{}
}

// get reads one value; found reports whether there is one.
func (b *batcher[K, V]) get(ctx context.Context, key K) (value V, found bool, err error) {
	r := b.ask(key)
	select {
	case <-r.done:
		return r.value, r.found, r.err
	case <-ctx.Done():
		return value, false, ctx.Err()
	}
}

func (b *batcher[K, V]) ask(key K) *pendingRead[K, V] {
	r := &pendingRead[K, V]{key: key, done: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, r)
	start := b.running < b.max
	if start {
		b.running++
	}
	b.mu.Unlock()
	if start {
		go b.run()
	}
	return r
}

// run serves what waits until nothing does.
func (b *batcher[K, V]) run() {
	for {
		b.mu.Lock()
		n := min(len(b.waiting), maxReadKeys)
		if n == 0 {
			b.running--
			b.mu.Unlock()
			return
		}
		batch := b.waiting[:n:n]
		if b.waiting = b.waiting[n:]; len(b.waiting) == 0 {
			b.waiting = nil
		}
		b.mu.Unlock()
		b.serve(batch)
	}
}

func (b *batcher[K, V]) serve(batch []*pendingRead[K, V]) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	byKey := make(map[K][]*pendingRead[K, V], len(batch))
	keys := make([]K, 0, maxReadKeys)
	for _, r := range batch {
		if byKey[r.key] == nil {
			keys = append(keys, r.key)
		}
		byKey[r.key] = append(byKey[r.key], r)
	}
	err := b.load(ctx, keys, func(k K, v V) {
		for _, r := range byKey[k] {
			r.value, r.found = v, true
		}
	})
	for _, r := range batch {
		r.err = err
		close(r.done)
	}
}

// padded repeats the last key until the number of keys is a power of two, so
// that few different statements serve every number.
func padded[K any](keys []K) []K {
	for n := len(keys); n&(n-1) != 0; n++ {
		keys = append(keys, keys[len(keys)-1])
	}
	return keys
}

// readers are the coalesced reads of the hot path.
type readers struct {
	codes    *batcher[int64, codeRow]
	payments *batcher[int64, paymentRow]
	requests *batcher[requestKey, Request]
	stmts    *statements
}

func newReaders(db *DB, max int) readers {
	r := readers{stmts: &statements{db: db}}
	r.codes = &batcher[int64, codeRow]{load: db.loadCodes, max: max}
	r.payments = &batcher[int64, paymentRow]{load: db.loadPayments, max: max}
	r.requests = &batcher[requestKey, Request]{load: db.loadRequests, max: max}
	return r
}

// query runs a prepared statement of the read pool and gives each row to scan.
func (db *DB) query(ctx context.Context, text string, args []any, scan func(func(...any) error) error) error {
	stmt, err := db.readers.stmts.get(ctx, text)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// keyed reads rows by many keys at once: the table "rows" holds the keys, and
// the statement goes through it one by one. The order of CROSS JOIN is binding
// on SQLite; on PostgreSQL see completePostgres.
func (db *DB) keyed(ctx context.Context, cols []column, keys [][]any, statement string, scan func(func(...any) error) error) error {
	text := rowsStatement(db.dialect, cols, len(keys), statement)
	return db.query(ctx, text, db.dialect.bind(cols, keys), scan)
}
