package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"tolem/store"
)

// Attempt is what a body knows about its attempt. It stays good for as long as
// nobody else took the job over.
type Attempt struct {
	Name, Slot string
	Number     int64 // 1 is the first

	held store.Job
}

// Hold makes what the closure writes hang on the attempt: Update returns
// store.ErrJobLost and writes nothing if the job was taken over.
func (a Attempt) Hold(tx *store.Tx) error { return tx.HoldJob(a.held) }

// Finish marks the job as done in the transaction that writes its effects. The
// result the body returns is then not looked at.
func (a Attempt) Finish(tx *store.Tx, result string) error { return tx.FinishJob(a.held, result) }

// ended is what a body came to.
type ended struct {
	result string
	err    error
}

// attempt runs the body of a claimed job, keeps the lease meanwhile and writes
// down what came of it. Asked is when the claim was sent.
func (r *Runner) attempt(parent context.Context, kind Kind, held store.Job, asked time.Time) {
	begin := time.Now()
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	timed, stop := context.WithTimeoutCause(ctx, kind.Timeout, ErrTimeout)
	defer stop()

	letGo := r.keep(parent, held, asked, func() { cancel(ErrLeaseLost) })
	end := r.body(timed, kind, held)
	letGo()

	e := Event{Name: held.Name, Slot: held.Slot, Node: held.Node, Attempt: held.Attempts, Failures: held.Failures, Took: time.Since(begin)}
	switch {
	case end.err == nil:
		e.Outcome, e.Result = store.OutcomeDone, end.result
	case errors.Is(context.Cause(timed), ErrLeaseLost):
		e.Outcome, e.Err = store.OutcomeLost, fmt.Errorf("%w: %w", ErrLeaseLost, end.err)
	case parent.Err() != nil && !errors.Is(end.err, ErrPanic) && !errors.Is(end.err, ErrStuck):
		e.Outcome, e.Err = store.OutcomeStopped, end.err
	default:
		e.Failures++
		e.Outcome, e.Err = store.OutcomeFailed, end.err
		if e.Failures >= kind.MaxAttempts {
			e.Outcome = store.OutcomeDead
		}
	}
	r.c.Report(r.settle(parent, kind, held, e))
}

// body runs a body until it returns, or until it was told to stop and has not
// done so within the grace. Its place is free when it returns.
func (r *Runner) body(ctx context.Context, kind Kind, held store.Job) ended {
	done := make(chan ended, 1)
	go func() {
		end := ended{err: fmt.Errorf("%w: it ended its goroutine", ErrPanic)}
		defer func() {
			if p := recover(); p != nil {
				end = ended{err: fmt.Errorf("%w: %v\n%s", ErrPanic, p, debug.Stack())}
			}
			r.free(held.Name)
			done <- end
		}()
		end.result, end.err = kind.Run(ctx, Attempt{Name: held.Name, Slot: held.Slot, Number: held.Attempts, held: held})
	}()
	select {
	case end := <-done:
		return because(ctx, end)
	case <-ctx.Done():
	}
	grace := time.NewTimer(r.c.Grace)
	defer grace.Stop()
	select {
	case end := <-done:
		return because(ctx, end)
	case <-grace.C:
		return because(ctx, ended{err: ErrStuck})
	}
}

// because adds to an error why the body was told to stop, if it was.
func because(ctx context.Context, end ended) ended {
	if cause := context.Cause(ctx); end.err != nil && cause != nil && !errors.Is(end.err, cause) {
		end.err = fmt.Errorf("%w: %w", cause, end.err)
	}
	return end
}

// settle writes down what came of an attempt and returns the event as it is
// then known. If the database cannot be reached the lease ends by itself.
func (r *Runner) settle(parent context.Context, kind Kind, held store.Job, e Event) Event {
	if e.Outcome == store.OutcomeLost {
		return e
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), settleTimeout)
	defer cancel()
	var err error
	for try := 1; try <= settleTries; try++ {
		settled := e
		err = r.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
			settled, err = r.write(tx, kind, held, e)
			return err
		})
		switch {
		case err == nil:
			return settled
		case errors.Is(err, store.ErrJobLost), errors.Is(err, store.ErrClosed):
			try = settleTries
		default:
			select {
			case <-ctx.Done():
			case <-time.After(settlePause << try):
			}
		}
	}
	e.Outcome, e.Next = store.OutcomeLost, time.Time{}
	e.Err = errors.Join(err, e.Err)
	return e
}

// write collects what settle writes. A body may have finished its job itself,
// and an earlier try whose outcome was unknown may have taken place.
func (r *Runner) write(tx *store.Tx, kind Kind, held store.Job, e Event) (Event, error) {
	job, err := tx.Job(held.Name, held.Slot)
	switch {
	case err != nil:
		return e, err
	case job.Attempts == held.Attempts && job.State == store.JobDone:
		e.Outcome, e.Result, e.Err, e.Failures = store.OutcomeDone, job.Result, nil, held.Failures
		return e, nil
	case job.Attempts == held.Attempts && job.State != store.JobRunning:
		e.Next = job.NextAt
		return e, nil
	}
	switch e.Outcome {
	case store.OutcomeDone:
		return e, tx.FinishJob(held, e.Result)
	case store.OutcomeStopped:
		return e, tx.ReleaseJob(held)
	case store.OutcomeFailed:
		e.Next = tx.Now().Add(kind.Backoff.Wait(e.Failures, r.c.Jitter))
	}
	return e, tx.FailJob(held, e.Err.Error(), e.Next)
}
