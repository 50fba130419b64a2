package jobs

import (
	"context"
	"errors"
	"time"

	"tolem/store"
)

// renewals is how often a lease is renewed in its own length: two may fail.
const renewals = 3

// keep renews the lease of a job until the returned function is called. It
// calls lost when another has the job, or when no renewal succeeded for the
// length of the lease as this process measures it. Asked is when the claim was
// sent.
func (r *Runner) keep(parent context.Context, held store.Job, asked time.Time, lost func()) (letGo func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	gone := time.AfterFunc(r.c.Lease-time.Since(asked), lost)
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(r.c.Lease / renewals)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			sent := time.Now()
			switch err := r.renew(ctx, held); {
			case err == nil:
				gone.Reset(r.c.Lease - time.Since(sent))
			case errors.Is(err, store.ErrJobLost):
				lost()
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
		gone.Stop()
	}
}

// renew asks for the lease once more. A body that has finished its job itself
// has nothing to lose.
func (r *Runner) renew(ctx context.Context, held store.Job) error {
	ctx, cancel := context.WithTimeout(ctx, r.c.Lease/renewals)
	defer cancel()
	err := r.c.DB.Update(ctx, func(tx *store.Tx) error { return tx.RenewLease(held, r.c.Lease) })
	if !errors.Is(err, store.ErrJobLost) {
		return err
	}
	var job store.Job
	look := r.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		job, err = tx.Job(held.Name, held.Slot)
		return err
	})
	if look == nil && job.Attempts == held.Attempts && job.State == store.JobDone {
		return nil
	}
	return err
}
