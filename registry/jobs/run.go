package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tolem/store"
)

// RunDue runs what is due, also what becomes due meanwhile, and returns how
// many attempts there were when nothing is left that there is room for.
func (r *Runner) RunDue(ctx context.Context) (ran int, err error) {
	for waited := false; ; {
		started, left, err := r.startDue(ctx)
		ran += started
		r.Wait()
		if err != nil || ctx.Err() != nil || started == 0 && (left == 0 || waited) {
			return ran, err
		}
		waited = started == 0 // for room
	}
}

// StartDue claims what is due as far as there is room, has it run in the
// background and returns how many attempts it began. The bodies run under ctx:
// when it ends they are told to stop and give their jobs back.
func (r *Runner) StartDue(ctx context.Context) (started int, err error) {
	started, _, err = r.startDue(ctx)
	return started, err
}

// startDue also returns how many jobs there was no room for.
func (r *Runner) startDue(ctx context.Context) (started, left int, err error) {
	r.looking.Lock()
	defer r.looking.Unlock()
	due, err := r.due(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("look for due jobs: %w", err)
	}
	for _, job := range due {
		if ctx.Err() != nil {
			break
		}
		if !r.take(job.Name) {
			left++
			continue
		}
		began, err := r.start(ctx, job)
		if err != nil {
			return started, left, fmt.Errorf("start %s: %w", job, err)
		}
		if began {
			started++
		}
	}
	return started, left, nil
}

// due returns what is due of every kind, the longest due first.
func (r *Runner) due(ctx context.Context) ([]store.Job, error) {
	var due []store.Job
	err := r.c.DB.View(ctx, func(tx *store.Tx) error {
		for name, kind := range r.c.Kinds {
			list, err := dueOf(tx, name, kind)
			if err != nil {
				return err
			}
			due = append(due, list...)
		}
		return nil
	})
	slices.SortFunc(due, func(a, b store.Job) int {
		return cmp.Or(a.NextAt.Compare(b.NextAt), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Slot, b.Slot))
	})
	return due, err
}

func dueOf(tx *store.Tx, name string, kind Kind) ([]store.Job, error) {
	if !kind.InOrder {
		return tx.DueJobs(name, maxDue)
	}
	first, err := tx.FirstOpenJob(name)
	if errors.Is(err, store.ErrNotFound) || err == nil && !first.Due(tx.Now()) {
		return nil, nil
	}
	return []store.Job{first}, err
}

// start claims a job whose place is taken. Began is false if another node was
// faster or the job is beyond its cap; then the place is free again.
func (r *Runner) start(ctx context.Context, seen store.Job) (began bool, err error) {
	defer func() {
		if !began {
			r.free(seen.Name)
		}
	}()
	kind := r.c.Kinds[seen.Name]
	if seen.State == store.JobRunning && seen.Failures+1 >= kind.MaxAttempts {
		return false, r.bury(ctx, seen)
	}
	asked := time.Now()
	var held store.Job
	err = r.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		held, err = tx.ClaimJob(seen, r.c.Node, r.c.Lease)
		return err
	})
	if err != nil {
		return false, notMine(err)
	}
	if seen.State == store.JobRunning {
		r.lost(seen, store.OutcomeLost)
	}
	r.background(func() { r.attempt(ctx, kind, held, asked) })
	return true, nil
}

// bury gives up a job that died with its node once too often.
func (r *Runner) bury(ctx context.Context, seen store.Job) error {
	err := r.c.DB.Update(ctx, func(tx *store.Tx) error { return tx.BuryJob(seen) })
	if err == nil {
		r.lost(seen, store.OutcomeDead)
	}
	return notMine(err)
}

// lost reports the end of an attempt whose node is not there to do it.
func (r *Runner) lost(seen store.Job, outcome store.JobOutcome) {
	r.c.Report(Event{
		Name: seen.Name, Slot: seen.Slot, Node: seen.Node, Attempt: seen.Attempts, Failures: seen.Failures + 1,
		Outcome: outcome, Took: max(0, seen.NextAt.Sub(seen.StartedAt)), Err: ErrLeaseLost,
	})
}

// notMine drops the errors that say that another node has the job. A claim
// whose outcome is not known counts as one: if it took place, its lease ends.
func notMine(err error) error {
	if errors.Is(err, store.ErrJobLost) || errors.Is(err, store.ErrJobState) || errors.Is(err, store.ErrUnknownOutcome) {
		return nil
	}
	return err
}
