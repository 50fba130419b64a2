package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// errOvertaken is the outcome of a write set whose guard failed.
var errOvertaken = errors.New("overtaken")

// committer takes the write sets that wait and commits them together. It owns
// one connection of the writer pool.
type committer struct {
	db    *DB
	group int

	mu      sync.Mutex
	waiting []*writeSet
	closed  bool
	wake    chan struct{} // holds one token when there may be work

	conn  *sql.Conn
	stmts map[string]*sql.Stmt // prepared on conn
	texts map[statementKey]string

	combinations map[selected]string // texts of combined statements
}

// statementKey names a bulk statement for a number of rows.
type statementKey struct{ bulk, rows int }

func newCommitter(db *DB, group int) *committer {
	return &committer{db: db, group: group, wake: make(chan struct{}, 1), texts: make(map[statementKey]string), combinations: make(map[selected]string)}
}

// commit hands a write set over and waits for its outcome.
func (db *DB) commit(ctx context.Context, set *writeSet) error {
	c := db.committers[set.route(len(db.committers))]
	if err := c.enqueue(set); err != nil {
		return err
	}
	select {
	case err := <-set.done:
		return err
	case <-ctx.Done():
	}
	if set.state.CompareAndSwap(setWaiting, setWithdrawn) {
		return ctx.Err()
	}
	return <-set.done // it is on its way: the caller must know what became of it
}

func (c *committer) enqueue(set *writeSet) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return ErrClosed
	case len(c.waiting) >= maxQueue:
		return fmt.Errorf("%w: too many transactions wait", ErrUnavailable)
	}
	c.waiting = append(c.waiting, set)
	c.signal()
	return nil
}

func (c *committer) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// close lets run return when everything handed over is committed.
func (c *committer) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.signal()
}

// run is the life of a committer. Nobody waits for a group to fill: it takes
// what is there, and while it commits the next group gathers.
func (c *committer) run() {
	defer c.disconnect()
	for range c.wake {
		for {
			sets, last := c.take()
			if len(sets) == 0 {
				if last {
					return
				}
				break
			}
			c.finish(sets)
		}
	}
}

// take returns the next group: no two sets of it guard the same row. Those
// that must wait keep their order.
func (c *committer) take() (sets []*writeSet, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := make(map[guardKey]struct{}, 2*min(len(c.waiting), c.group))
	rest := c.waiting[:0]
	for i, s := range c.waiting {
		if len(sets) == c.group {
			rest = append(rest, c.waiting[i:]...)
			break
		}
		if s.touches(held) {
			rest = append(rest, s)
		} else if s.state.CompareAndSwap(setWaiting, setTaken) {
			sets = append(sets, s)
		} else {
			continue // withdrawn
		}
		for _, k := range s.keys {
			held[k] = struct{}{}
		}
	}
	clear(c.waiting[len(rest):])
	c.waiting = rest
	return sets, c.closed && len(rest) == 0
}

func (s *writeSet) touches(held map[guardKey]struct{}) bool {
	for _, k := range s.keys {
		if _, taken := held[k]; taken {
			return true
		}
	}
	return false
}

// finish commits a group and tells every set its outcome.
func (c *committer) finish(sets []*writeSet) {
	for retries := 0; len(sets) > 0; {
		outcome, err := c.attempt(sets)
		switch {
		case err == nil && outcome == nil: // committed
			c.committed(sets)
			return
		case err == nil: // some were overtaken; the others go on
			sets = c.without(sets, outcome)
		case errors.Is(err, ErrUnknownOutcome):
			c.tell(sets, err)
			return
		case c.db.dialect.passing(err) && retries < maxRetries,
			c.db.dialect.lost(err) && retries < maxRetries:
			retries++
			c.db.stats.retries.Add(1)
			pause(retries)
		case len(sets) > 1 && !c.db.dialect.lost(err): // one of them is bad; find it
			for _, s := range sets {
				c.finish([]*writeSet{s})
			}
			return
		case c.db.dialect.lost(err), c.db.dialect.passing(err):
			c.tell(sets, fmt.Errorf("%w: %w", ErrUnavailable, err))
			return
		default:
			c.tell(sets, err)
			return
		}
	}
}

// pause waits before a retry, longer each time and never the same.
func pause(retry int) {
	const step = 5 * time.Millisecond
	time.Sleep(step<<(retry-1) + rand.N(step<<(retry-1)))
}

func (c *committer) tell(sets []*writeSet, err error) {
	for _, s := range sets {
		s.done <- err
	}
}

func (c *committer) without(sets []*writeSet, outcome map[int]error) []*writeSet {
	rest := sets[:0:0]
	for i, s := range sets {
		if err, failed := outcome[i]; failed {
			s.done <- err
		} else {
			rest = append(rest, s)
		}
	}
	return rest
}

// committed reports success, and sends back at once those that wait behind a
// row that has just changed: their guards can only fail.
func (c *committer) committed(sets []*writeSet) {
	c.db.stats.group(len(sets))
	if c.db.onGroup != nil {
		c.db.onGroup(len(sets))
	}
	changed := make(map[guardKey]struct{})
	for _, s := range sets {
		for _, k := range s.keys {
			if k.table == tableCode || k.table == tableRequest || k.table == tableDocument {
				changed[k] = struct{}{}
			}
		}
	}
	c.tell(sets, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := c.waiting[:0]
	for _, s := range c.waiting {
		switch {
		case s.touches(changed) && s.state.CompareAndSwap(setWaiting, setTaken):
			s.done <- errOvertaken
		default:
			rest = append(rest, s)
		}
	}
	clear(c.waiting[len(rest):])
	c.waiting = rest
}

// attempt runs one database transaction for the group. It returns the sets
// that were overtaken (then nothing is committed), or an error.
func (c *committer) attempt(sets []*writeSet) (failed map[int]error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	if _, err := c.conn.ExecContext(ctx, c.db.dialect.begin()); err != nil {
		c.discard()
		return nil, err
	}
	if failed, err = c.write(ctx, sets); err != nil || len(failed) > 0 {
		if _, rollback := c.conn.ExecContext(ctx, "ROLLBACK"); rollback != nil {
			c.discard()
		}
		return failed, err
	}
	// The point of no return: from here on a failure leaves open what happened.
	err = c.db.faults.around("commit", func() error {
		_, err := c.conn.ExecContext(ctx, "COMMIT")
		return err
	})
	if err != nil {
		c.discard()
		if c.db.dialect.passing(err) {
			return nil, err // the database says it did not take place
		}
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return nil, nil
}
