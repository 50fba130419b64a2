package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem/registry/jobs"
	"tolem/store"
)

func TestTwoRunnersMakeOneRun(t *testing.T) {
	worlds(t, func(w *world) {
		var slots []string
		for i := range 60 {
			slots = append(slots, fmt.Sprintf("2026-11-21/bank/B%02d", i))
		}
		w.plan(slots...)
		var ran log
		var both sync.WaitGroup
		for node, db := range map[string]*store.DB{"a": w.a, "b": w.b} {
			r := w.runner(node, db, jobs.Kind{Run: ran.body})
			both.Go(func() {
				if _, err := r.RunDue(w.t.Context()); err != nil {
					w.t.Error(err)
				}
			})
		}
		both.Wait()
		if !slices.Equal(ran.sorted(), slots) {
			w.t.Errorf("ran %v", ran.sorted())
		}
		for _, slot := range slots {
			if j := w.job(slot); j.State != store.JobDone || j.Attempts != 1 || j.Result != "ran" {
				w.t.Errorf("%+v", j)
			}
		}
	})
}

func TestADeadNodesJobIsTakenOver(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("2026-11-21")
		entered, leave := make(chan bool), make(chan bool)
		var late error
		first := w.runner("a", w.a, jobs.Kind{Run: func(_ context.Context, a jobs.Attempt) (string, error) {
			entered <- true
			<-leave
			late = w.a.Update(w.t.Context(), func(tx *store.Tx) error {
				return errors.Join(a.Hold(tx), tx.PlanJob("effect", "late", tx.Now()))
			})
			return "late", nil
		}})
		w.start(w.t.Context(), first, 1)
		soon(w.t, "body", entered)
		var ran log
		second := w.runner("b", w.b, jobs.Kind{Run: ran.body})
		w.ran(second, 0)
		w.clock.Advance(jobs.DefaultLease - time.Microsecond)
		w.ran(second, 0)
		w.clock.Advance(time.Microsecond)
		w.ran(second, 1)
		close(leave)
		first.Wait()
		if !errors.Is(late, store.ErrJobLost) {
			w.t.Errorf("the late effect: %v", late)
		}
		w.is("bodies", ran.String(), "2026-11-21")
		w.is("history", w.history("2026-11-21"), "LOST@a DONE@b")
		w.is("events", w.told(), "LOST@a DONE@b LOST@a")
		if j := w.job("2026-11-21"); j.Result != "ran" || j.Failures != 1 {
			w.t.Errorf("%+v", j)
		}
	})
}

func TestAFailedJobIsTriedLaterAndLater(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("x")
		boom := true
		kind := jobs.Kind{MaxAttempts: 5, Backoff: jobs.Backoff{First: time.Minute, Max: 4 * time.Minute}, Run: func(context.Context, jobs.Attempt) (string, error) {
			if boom {
				return "", errors.New("no disk")
			}
			return "", nil
		}}
		r := w.runner("a", w.a, kind)
		for _, wait := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 4 * time.Minute} {
			w.ran(r, 1)
			j := w.job("x")
			if j.State != store.JobFailed || j.NextAt.Sub(w.clock.Now()) != wait || j.Error != "no disk" {
				w.t.Errorf("want to wait %v: %+v", wait, j)
			}
			w.clock.Advance(wait - time.Microsecond)
			w.ran(r, 0)
			w.clock.Advance(time.Microsecond)
		}
		w.ran(r, 1)
		w.is("events", w.told(), "FAILED@a FAILED@a FAILED@a FAILED@a DEAD@a")
		if j := w.job("x"); j.State != store.JobDead || j.Failures != 5 {
			w.t.Errorf("%+v", j)
		}
		w.clock.Advance(1000 * time.Hour)
		w.ran(r, 0)

		boom = false
		if err := w.b.Update(w.t.Context(), func(tx *store.Tx) error { return tx.RetryJob("work", "x", "aigul") }); err != nil {
			w.t.Fatal(err)
		}
		w.ran(r, 1)
		w.is("history", w.history("x"), "FAILED@a FAILED@a FAILED@a FAILED@a DEAD@a RETRIED@aigul DONE@a")
		if j := w.job("x"); j.State != store.JobDone || j.Attempts != 6 || j.Error != "" {
			w.t.Errorf("%+v", j)
		}
	})
}

func TestBackoffStaysInItsBounds(t *testing.T) {
	b := jobs.Backoff{First: time.Minute, Max: time.Hour}
	none := func(time.Duration) time.Duration { return 0 }
	all := func(max time.Duration) time.Duration { return max - 1 }
	for failures, want := range map[int]time.Duration{
		0: time.Minute, 1: time.Minute, 2: 2 * time.Minute, 6: 32 * time.Minute, 7: time.Hour, 1 << 40: time.Hour,
	} {
		if got := b.Wait(failures, none); got != want {
			t.Errorf("after %d failures %v, want %v", failures, got, want)
		}
		if got := b.Wait(failures, all); got != want/2+1 {
			t.Errorf("after %d failures %v at least, want %v", failures, got, want/2+1)
		}
	}
}

// A job that takes its node with it each time does not do so for ever.
func TestAJobThatKillsItsNodesDies(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("x")
		for i, wantRun := range []int{1, 1, 1, 0} {
			stop := make(chan bool)
			r := w.runner(fmt.Sprint("n", i), w.a, jobs.Kind{MaxAttempts: 3, Run: func(context.Context, jobs.Attempt) (string, error) {
				<-stop
				return "", errors.New("killed")
			}})
			w.start(w.t.Context(), r, wantRun)
			w.clock.Advance(jobs.DefaultLease)
			defer close(stop)
		}
		w.is("events", w.told(), "LOST@n0 LOST@n1 DEAD@n2")
		w.is("history", w.history("x"), "LOST@n0 LOST@n1 LOST@n2")
		if j := w.job("x"); j.State != store.JobDead || j.Failures != 3 || j.Error == "" {
			w.t.Errorf("%+v", j)
		}
	})
}

func TestAPanicIsAFailure(t *testing.T) {
	worlds(t, func(w *world) {
		for what, body := range map[string]func(){
			"panics": func() { panic("nil map") }, "exits": runtime.Goexit,
		} {
			w.plan(what)
			r := w.runner("a", w.a, jobs.Kind{MaxAttempts: 1, Run: func(context.Context, jobs.Attempt) (string, error) {
				body()
				return "", nil
			}})
			w.ran(r, 1)
			if j := w.job(what); j.State != store.JobDead || !strings.HasPrefix(j.Error, jobs.ErrPanic.Error()) {
				w.t.Errorf("%s: %+v", what, j)
			}
		}
	})
}

func TestALostLeaseEndsTheBody(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("x")
		entered := make(chan bool, 1)
		var cause error
		const lease = 300 * time.Millisecond
		r := w.runner("a", w.a, jobs.Kind{Run: func(ctx context.Context, _ jobs.Attempt) (string, error) {
			entered <- true
			<-ctx.Done()
			cause = context.Cause(ctx)
			return "", ctx.Err()
		}}, func(c *jobs.Config) { c.Lease = lease })
		w.start(w.t.Context(), r, 1)
		soon(w.t, "body", entered)
		var ran log
		other := w.runner("b", w.b, jobs.Kind{Run: ran.body})
		for taken := 0; taken == 0; { // a renewal may come between
			w.clock.Advance(lease)
			var err error
			if taken, err = other.RunDue(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		}
		r.Wait()
		if !errors.Is(cause, jobs.ErrLeaseLost) {
			w.t.Errorf("the body ended for %v", cause)
		}
		w.is("history", w.history("x"), "LOST@a DONE@b")
	})
}

// A node that cannot reach the database stops before others may take over.
func TestWithoutTheDatabaseTheLeaseEnds(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("x")
		entered, ended := make(chan bool, 1), make(chan error, 1)
		r := w.runner("a", w.b, jobs.Kind{Run: func(ctx context.Context, _ jobs.Attempt) (string, error) {
			entered <- true
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return "", ctx.Err()
		}}, func(c *jobs.Config) { c.Lease = 200 * time.Millisecond })
		begin := time.Now()
		w.start(w.t.Context(), r, 1)
		soon(w.t, "body", entered)
		if err := w.b.Close(); err != nil {
			w.t.Fatal(err)
		}
		if cause := soon(w.t, "end", ended); !errors.Is(cause, jobs.ErrLeaseLost) {
			w.t.Errorf("ended for %v", cause)
		}
		if took := time.Since(begin); took > 5*time.Second {
			w.t.Errorf("ended after %v", took)
		}
		r.Wait()
		if j := w.job("x"); j.State != store.JobRunning {
			w.t.Errorf("%+v", j)
		}
	})
}

func TestALeaseIsRenewedWhileTheBodyRuns(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("x")
		r := w.runner("a", w.a, jobs.Kind{Run: func(ctx context.Context, _ jobs.Attempt) (string, error) {
			for end := w.job("x").NextAt.Add(time.Second); w.job("x").NextAt.Before(end); {
				w.clock.Advance(20 * time.Millisecond)
				select {
				case <-ctx.Done():
					return "", ctx.Err()
				case <-time.After(20 * time.Millisecond):
				}
			}
			return "", nil
		}}, func(c *jobs.Config) { c.Lease = 600 * time.Millisecond })
		w.ran(r, 1)
		w.is("history", w.history("x"), "DONE@a")
	})
}

func TestAStoppedNodeGivesItsJobsBack(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("x")
		entered := make(chan bool, 1)
		r := w.runner("a", w.a, jobs.Kind{MaxAttempts: 1, Run: func(ctx context.Context, _ jobs.Attempt) (string, error) {
			entered <- true
			<-ctx.Done()
			return "", ctx.Err()
		}})
		ctx, stop := context.WithCancel(w.t.Context())
		w.start(ctx, r, 1)
		soon(w.t, "body", entered)
		stop()
		r.Wait()
		var ran log
		w.ran(w.runner("b", w.b, jobs.Kind{Run: ran.body}), 1)
		w.is("history", w.history("x"), "STOPPED@a DONE@b")
		w.is("events", w.told(), "STOPPED@a DONE@b")
		if j := w.job("x"); j.Failures != 0 {
			w.t.Errorf("%+v", j)
		}
	})
}

func TestABodyThatTakesTooLong(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("obeys")
		kind := jobs.Kind{Timeout: 20 * time.Millisecond, MaxAttempts: 1, Parallel: 1, Run: func(ctx context.Context, _ jobs.Attempt) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}}
		w.ran(w.runner("a", w.a, kind), 1)
		if j := w.job("obeys"); j.State != store.JobDead || !strings.HasPrefix(j.Error, jobs.ErrTimeout.Error()) {
			w.t.Errorf("%+v", j)
		}

		w.plan("hangs")
		leave, left := make(chan bool), make(chan bool)
		kind.Run = func(context.Context, jobs.Attempt) (string, error) {
			defer close(left)
			<-leave
			return "", nil
		}
		r := w.runner("a", w.a, kind, func(c *jobs.Config) { c.Grace = 20 * time.Millisecond })
		w.ran(r, 1)
		if j := w.job("hangs"); j.State != store.JobDead || !strings.Contains(j.Error, jobs.ErrStuck.Error()) {
			w.t.Errorf("%+v", j)
		}
		w.plan("next") // what hangs keeps its place, so that they do not pile up
		w.ran(r, 0)
		close(leave)
		soon(w.t, "the one that hung", left)
	})
}

func TestJobsInOrderWaitForEachOther(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("2026-11-20", "2026-11-21", "2026-11-22")
		var ran log
		broken := true
		kind := jobs.Kind{InOrder: true, MaxAttempts: 1, Run: func(_ context.Context, a jobs.Attempt) (string, error) {
			ran.add(a.Slot)
			if broken && a.Slot == "2026-11-21" {
				return "", errors.New("broken")
			}
			return "", nil
		}}
		r := w.runner("a", w.a, kind)
		w.ran(r, 2)
		w.ran(r, 0)
		w.is("ran", ran.String(), "2026-11-20 2026-11-21")
		broken = false
		if err := w.a.Update(w.t.Context(), func(tx *store.Tx) error { return tx.RetryJob("work", "2026-11-21", "aigul") }); err != nil {
			w.t.Fatal(err)
		}
		w.ran(r, 2)
		w.is("ran", ran.String(), "2026-11-20 2026-11-21 2026-11-21 2026-11-22")
	})
}

func TestOnlySoManyRunAtATime(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("a", "b", "c", "d", "e")
		entered, leave := make(chan string, 5), make(chan bool)
		body := func(_ context.Context, a jobs.Attempt) (string, error) {
			entered <- a.Slot
			<-leave
			return "", nil
		}
		r := w.runner("a", w.a, jobs.Kind{Run: body, Parallel: 2})
		w.start(w.t.Context(), r, 2)
		w.start(w.t.Context(), r, 0)
		other := w.runner("b", w.b, jobs.Kind{Run: body}, func(c *jobs.Config) { c.Parallel = 1 })
		w.start(w.t.Context(), other, 1)
		close(leave)
		w.ran(r, 2)
		other.Wait()
		if len(entered) != 5 {
			w.t.Errorf("%d ran", len(entered))
		}
	})
}

// Whatever a body wrote together with Finish took place exactly once, also if
// it fails afterwards.
func TestABodyMayFinishItsJobItself(t *testing.T) {
	worlds(t, func(w *world) {
		w.plan("x")
		r := w.runner("a", w.a, jobs.Kind{Run: func(ctx context.Context, a jobs.Attempt) (string, error) {
			err := w.a.Update(ctx, func(tx *store.Tx) error {
				return errors.Join(a.Finish(tx, "3 rows"), tx.PlanJob("effect", a.Slot, tx.Now()))
			})
			return "not looked at", errors.Join(err, errors.New("after the fact"))
		}})
		w.ran(r, 1)
		w.is("events", w.told(), "DONE@a")
		if j := w.job("x"); j.State != store.JobDone || j.Result != "3 rows" || j.Attempts != 1 {
			w.t.Errorf("%+v", j)
		}
	})
}

func TestARunnerThatCannotWorkIsRefused(t *testing.T) {
	run := func(context.Context, jobs.Attempt) (string, error) { return "", nil }
	for what, change := range map[string]func(*jobs.Config){
		"no node":     func(c *jobs.Config) { c.Node = "" },
		"no database": func(c *jobs.Config) { c.DB = nil },
		"no lease":    func(c *jobs.Config) { c.Lease = time.Millisecond },
		"no place":    func(c *jobs.Config) { c.Parallel = -1 },
		"no name":     func(c *jobs.Config) { c.Kinds = map[string]jobs.Kind{"": {Run: run}} },
		"no body":     func(c *jobs.Config) { c.Kinds = map[string]jobs.Kind{"work": {}} },
		"no time":     func(c *jobs.Config) { c.Kinds = map[string]jobs.Kind{"work": {Run: run, Timeout: -1}} },
		"back-off shrink": func(c *jobs.Config) {
			c.Kinds = map[string]jobs.Kind{"work": {Run: run, Backoff: jobs.Backoff{First: 2, Max: 1}}}
		},
	} {
		c := jobs.Config{Node: "a", DB: new(store.DB), Kinds: map[string]jobs.Kind{"work": {Run: run}}}
		change(&c)
		if _, err := jobs.New(c); !errors.Is(err, jobs.ErrConfig) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
