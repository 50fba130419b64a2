package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tolem"
)

// together runs n goroutines that start at the same time.
func together(n int, do func(i int)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	group.Wait()
}

// GW-P20: of a hundred concurrent closings of one code exactly one succeeds;
// all others see that it was used.
func TestOneOfHundredClosersWins(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		code := paid(t, db)
		var closed, used atomic.Int64
		together(100, func(i int) {
			var result tolem.ResultCode
			err := db.Update(context.Background(), func(tx *Tx) error {
				c, err := tx.Code(code.Number)
				if err != nil {
					return err
				}
				d := c.Close(tolem.Closing{ID: tolem.CloseID(fmt.Sprint(i)), By: "portal"}, tx.Now())
				result = d.Result
				return errors.Join(tx.ChangeCode(c, d), tx.InsertRequest(requestOf(newUUID(), code.Number, d.Result)))
			})
			switch {
			case err != nil:
				t.Error(err)
			case result == tolem.OK:
				closed.Add(1)
			case result == tolem.AlreadyUsed:
				used.Add(1)
			}
		})
		if closed.Load() != 1 || used.Load() != 99 {
			t.Errorf("%d closed, %d found it used; want 1 and 99", closed.Load(), used.Load())
		}
		if n := count(t, db, "request"); n != 100 {
			t.Errorf("%d requests stored, want 100", n)
		}
		if n := count(t, db, "step"); n != 3 {
			t.Errorf("%d steps stored, want issue, notify and close", n)
		}
	})
}

// paid stores a code with its payment.
func paid(t testing.TB, db *DB) tolem.Code {
	t.Helper()
	code := issue(t, db)
	err := db.Update(context.Background(), func(tx *Tx) error {
		c, err := tx.Code(code.Number)
		if err != nil {
			return err
		}
		p := paymentFor(c, tx.Now())
		d := c.Notify(p, nil, tx.Now())
		code = d.Code
		return errors.Join(tx.ChangeCode(c, d), tx.InsertPayment(p))
	})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func requestOf(id tolem.RequestID, code tolem.CodeNumber, result tolem.ResultCode) Request {
	return Request{
		Participant: "bank-a", ID: id, Operation: tolem.OpCloseCode, BodyHash: [32]byte{1}, SignedInfo: [32]byte{2},
		Code: code, Result: result, Answer: MessageID{1, 2, 3}, At: time.Now(),
	}
}

func count(t testing.TB, db *DB, table string) (n int64) {
	t.Helper()
	if err := db.reader.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// GW-P08: the same request a hundred times in parallel has one effect, and
// everybody gets the one stored answer.
func TestSameRequestHundredTimes(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		id := newUUID()
		answers := make([]MessageID, 100)
		together(len(answers), func(i int) {
			err := db.Update(context.Background(), func(tx *Tx) error {
				stored, err := tx.Request("bank-a", id)
				if err == nil {
					answers[i] = stored.Answer
					return nil
				}
				if !errors.Is(err, ErrNotFound) {
					return err
				}
				r := requestOf(id, 0, tolem.OK)
				r.Answer = MessageID{byte(i + 1)}
				d := issued(drawNumber(t), tx.Now())
				r.Code = d.Code.Number
				answers[i] = r.Answer
				return errors.Join(tx.InsertRequest(r), tx.InsertCode(d), tx.InsertMessage(Message{ID: r.Answer, Code: r.Code, Blob: []byte{1}}))
			})
			if err != nil {
				t.Error(err)
			}
		})
		for _, a := range answers {
			if a != answers[0] || a.IsZero() {
				t.Fatalf("different answers: %v and %v", a, answers[0])
			}
		}
		for _, table := range []string{"request", "code", "step", "message", "leaf_pending"} {
			if n := count(t, db, table); n != 1 {
				t.Errorf("%d rows in %s, want 1", n, table)
			}
		}
	})
}

// A hundred changes of one code that all succeed: none is lost, none is given
// up.
func TestHundredChangesOfOneCode(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		code := paid(t, db)
		together(100, func(i int) {
			err := db.Update(context.Background(), func(tx *Tx) error {
				c, err := tx.Code(code.Number)
				if err != nil {
					return err
				}
				return tx.ChangeCode(c, c.Validate(tolem.Presentation{RequestNo: tolem.RequestNo(fmt.Sprint("order-", i)), By: "portal"}, tx.Now()))
			})
			if err != nil {
				t.Error(err)
			}
		})
		err := db.View(t.Context(), func(tx *Tx) error {
			c, err := tx.Code(code.Number)
			if err == nil && c.Version != 102 {
				t.Errorf("version %d, want 102", c.Version)
			}
			steps, err2 := tx.Steps(code.Number)
			if len(steps) != 102 {
				t.Errorf("%d steps, want 102", len(steps))
			}
			return errors.Join(err, err2)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// GW-P09: a number that is taken is drawn anew.
func TestCollidingNumberIsDrawnAnew(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		taken := issue(t, db).Number
		fresh := drawNumber(t)
		runs := 0
		err := db.Update(t.Context(), func(tx *Tx) error {
			runs++
			n := taken
			if runs > 1 {
				n = fresh
			}
			return tx.InsertCode(issued(n, tx.Now()))
		})
		if err != nil || runs != 2 {
			t.Errorf("%d runs, %v", runs, err)
		}
	})
}

// Independent writers are committed together, each with its own outcome.
func TestGroupsHaveSeparateOutcomes(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		taken := issue(t, db).Number
		time.Sleep(50 * time.Millisecond) // so that the committer is done with it, and sends nobody back early
		release := hold(t, db)
		results := make([]error, 20)
		var group sync.WaitGroup
		for i := range results {
			group.Go(func() {
				runs := 0
				results[i] = db.Update(context.Background(), func(tx *Tx) error {
					if runs++; runs > 1 {
						return errGivenUp
					}
					n := drawNumber(t)
					if i%2 == 1 {
						n = taken
					}
					return tx.InsertCode(issued(n, tx.Now()))
				})
			})
		}
		waitFor(t, func() bool { return db.Stats().Waiting >= 5 })
		release()
		group.Wait()
		for i, err := range results {
			if want := i%2 == 1; errors.Is(err, errGivenUp) != want {
				t.Errorf("%d: %v", i, err)
			}
		}
		if n := count(t, db, "code"); n != 11 {
			t.Errorf("%d codes, want 11", n)
		}
	})
}

var errGivenUp = errors.New("given up")

// hold makes the committers wait before their next write until release is
// called, at the latest when the test ends.
func hold(t testing.TB, db *DB) (release func()) {
	gate := make(chan struct{})
	inject := func(string) (error, error) { <-gate; return nil, nil }
	db.faults.inject.Store(&inject)
	release = sync.OnceFunc(func() {
		close(gate)
		db.faults.inject.Store(nil)
	})
	t.Cleanup(release)
	return release
}

func waitFor(t *testing.T, what func() bool) {
	t.Helper()
	for range 10000 {
		if what() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("did not happen in time")
}

// Who gives up while waiting is told so only if nothing was written.
func TestCancelledWhileWaiting(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		release := hold(t, db)
		first := make(chan error, 1)
		n := drawNumber(t)
		go func() {
			first <- db.Update(context.Background(), func(tx *Tx) error { return tx.InsertCode(issued(n, tx.Now())) })
		}()
		time.Sleep(20 * time.Millisecond) // on its way, held before a write
		ctx, cancel := context.WithCancel(t.Context())
		second := make(chan error, 1)
		go func() {
			second <- db.Update(ctx, func(tx *Tx) error {
				return tx.ChangeCode(tolem.Code{Number: n, Version: 1, Channel: tolem.ChannelATM}, tolem.Decision{
					Code: tolem.Code{Number: n, Version: 2, Channel: tolem.ChannelATM}, Steps: []tolem.Step{{}},
				})
			})
		}()
		waitFor(t, func() bool { return db.Stats().Waiting == 1 })
		cancel()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("waiting caller: %v, want cancelled", err)
		}
		release()
		if err := <-first; err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
		err := db.View(t.Context(), func(tx *Tx) error {
			c, err := tx.Code(n)
			if err == nil && c.Version != 1 {
				t.Error("the withdrawn change was written")
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Close commits what was handed over before it and refuses what comes after.
func TestCloseDrains(t *testing.T) {
	eachDSN(t, func(t *testing.T, dsn string) {
		vault := testVault(t)
		db, err := Open(t.Context(), dsn, Options{Vault: vault})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		release := hold(t, db)
		var stored atomic.Int64
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				err := db.Update(context.Background(), func(tx *Tx) error { return tx.InsertCode(issued(drawNumber(t), tx.Now())) })
				if err == nil {
					stored.Add(1)
				} else if !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			})
		}
		waitFor(t, func() bool { return db.Stats().Waiting > 0 })
		closed := make(chan error, 1)
		go func() { closed <- db.Close() }()
		time.Sleep(10 * time.Millisecond)
		release()
		group.Wait()
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		again := openTest(t, dsn, Options{Vault: vault})
		if n := count(t, again, "code"); n != stored.Load() || n == 0 {
			t.Errorf("%d codes stored, %d acknowledged", n, stored.Load())
		}
	})
}

func TestMisuse(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		err := db.Update(ctx, func(tx *Tx) error {
			return db.Update(tx.Context(), func(*Tx) error { return nil })
		})
		if !errors.Is(err, ErrNested) {
			t.Errorf("nested: %v", err)
		}
		err = db.View(ctx, func(tx *Tx) error { return tx.InsertCode(issued(drawNumber(t), tx.Now())) })
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("write in View: %v", err)
		}
		err = db.Update(ctx, func(tx *Tx) error {
			return errors.Join(tx.InsertCode(issued(drawNumber(t), tx.Now())), errGivenUp)
		})
		if !errors.Is(err, errGivenUp) || count(t, db, "code") != 0 {
			t.Errorf("a closure that failed wrote: %v", err)
		}
		var kept *Tx
		if err := db.View(ctx, func(tx *Tx) error { kept = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if recover() == nil {
				t.Error("a dead Tx could be used")
			}
		}()
		_ = kept.InsertCode(issued(drawNumber(t), time.Now()))
	})
}
