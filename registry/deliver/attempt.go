package deliver

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// serve pushes what was due for a target at a time, until there is no more or
// the target is to be left alone.
func (c *Courier) serve(ctx context.Context, due store.DueTarget, start time.Time) error {
	if !c.breakers.enter(due, c.Clock()) {
		return nil
	}
	defer c.breakers.leave(due)
	for {
		var target tolem.DeliveryTarget
		var list []store.Delivery
		err := c.DB.View(ctx, func(tx *store.Tx) (err error) {
			target, err = tx.DeliveryTarget(due.Participant, due.Name)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			list, err = tx.DueDeliveries(due, start, batch)
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for _, d := range list {
			if goOn, err := c.next(ctx, due, target, d); err != nil || !goOn {
				return err
			}
		}
	}
}

// next tries one delivery and tells the target's breaker.
func (c *Courier) next(ctx context.Context, due store.DueTarget, t tolem.DeliveryTarget, d store.Delivery) (goOn bool, err error) {
	seen, err := c.attempt(ctx, t, d)
	if err != nil {
		return false, err
	}
	goOn, back := c.breakers.note(due, seen, c.Clock(), func(failures int64) time.Duration { return c.Backoff.after(failures, c.Random) })
	if back {
		// What failed because the target did waits no longer.
		err = c.DB.Update(ctx, func(tx *store.Tx) error { return tx.WakeDeliveries(due) })
	}
	return goOn, err
}

// attempt is one attempt to push one delivery: claim, push, book. It returns
// what it says about the target; the error is of the database or of ctx.
//
// Before the claim is committed nothing is sent. Before the booking is
// committed the delivery counts as not made, whatever the receiver has: after a
// crash here it is repeated when the lease ends, and the receiver recognises
// it.
func (c *Courier) attempt(ctx context.Context, t tolem.DeliveryTarget, d store.Delivery) (health, error) {
	if err := ctx.Err(); err != nil {
		return notSeen, err
	}
	began := c.Clock()
	err := c.DB.Update(ctx, func(tx *store.Tx) error { return tx.ClaimDelivery(d, c.Node, renderTimeout+leaseMargin) })
	switch {
	case errors.Is(err, store.ErrLease):
		return notSeen, nil // another courier was faster
	case err != nil:
		return notSeen, err
	}
	d.Attempts, d.Tries, d.Node = d.Attempts+1, d.Tries+1, c.Node
	evidence, pushed := c.push(ctx, t, &d)
	if pushed != nil && ctx.Err() != nil {
		pushed = fmt.Errorf("%w: %w", ErrInterrupted, pushed)
	}
	return healthOf(pushed), c.book(ctx, &d, pushed, c.Clock().Sub(began), evidence)
}

// healthOf tells a target that fails from a document that does: whoever refuses
// a document is well.
func healthOf(pushed error) health {
	switch {
	case pushed == nil:
		return well
	case errors.Is(pushed, ErrInterrupted), errors.Is(pushed, ErrDocument), errors.Is(pushed, ErrRemoved):
		return notSeen
	case errors.Is(pushed, ErrRefused), errors.Is(pushed, ErrOtherContent):
		return well
	}
	return failing
}

// push renders a document and hands it over. A panic of a renderer is the end
// of this attempt and of nothing else.
func (c *Courier) push(ctx context.Context, t tolem.DeliveryTarget, d *store.Delivery) (evidence []archive.Record, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: panic: %v at %.200s", ErrDocument, p, debug.Stack())
		}
	}()
	transport := c.Transports[t.Method]
	switch {
	case !t.Active:
		return nil, ErrRemoved
	case transport == nil:
		return nil, fmt.Errorf("%w: method %s is not available here", ErrSettings, t.Method)
	}
	parcel, err := c.render(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	defer parcel.close()
	limit := carryTimeout + time.Duration(parcel.Size/slowestRate)*time.Second
	progress := func(ctx context.Context, parts int64, evidence ...archive.Record) error {
		d.Parts = parts
		return c.keep(ctx, *d, evidence, func(tx *store.Tx) error { return tx.ContinueDelivery(*d, limit+leaseMargin) })
	}
	if err := progress(ctx, d.Parts); err != nil {
		return nil, err
	}
	parcel.Delivery = *d
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return transport.Deliver(ctx, t, &parcel.Parcel, progress)
}

// book notes the outcome of an attempt with its evidence in one transaction. It
// is done even if the courier is being stopped.
func (c *Courier) book(ctx context.Context, d *store.Delivery, pushed error, took time.Duration, evidence []archive.Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookTimeout)
	defer cancel()
	e := Event{Err: pushed, Took: took}
	if errors.Is(pushed, ErrInterrupted) {
		d.Attempts-- // that was not the delivery's fault
	}
	err := c.keep(ctx, *d, evidence, func(tx *store.Tx) error {
		switch {
		case pushed == nil:
			e.Outcome, d.State, d.DeliveredAt, d.LastError = store.AttemptDelivered, tolem.DeliveryDelivered, tx.Now(), ""
			return tx.FinishDelivery(*d, took)
		case errors.Is(pushed, ErrRemoved), d.Attempts >= c.MaxAttempts && !errors.Is(pushed, ErrInterrupted):
			e.Outcome, d.State, d.LastError = store.AttemptDead, tolem.DeliveryDead, pushed.Error()
			return tx.BuryDelivery(*d, took, pushed.Error())
		}
		e.Outcome, d.LastError, d.Due = store.AttemptFailed, pushed.Error(), tx.Now()
		if !errors.Is(pushed, ErrInterrupted) {
			d.Due = d.Due.Add(c.Backoff.after(d.Attempts, c.Random))
		}
		return tx.PostponeDelivery(*d, d.Due, took, pushed.Error())
	})
	if errors.Is(err, store.ErrLease) {
		// The lease ran out and another courier has it: its word counts.
		e.Outcome, e.Err, err = store.AttemptFailed, errors.Join(err, pushed), nil
	}
	if err == nil {
		e.Delivery = *d
		c.Report(e)
	}
	return err
}

// keep stores evidence in the transaction of its effect.
func (c *Courier) keep(ctx context.Context, d store.Delivery, evidence []archive.Record, effect func(*store.Tx) error) error {
	return c.DB.Update(ctx, func(tx *store.Tx) error {
		if len(evidence) > 0 {
			entry := evidence[len(evidence)-1].ID // of an entry that is its last record's
			if err := errors.Join(c.Archive.Add(tx, evidence...), tx.InsertDeliveryEvidence(d, entry)); err != nil {
				return err
			}
		}
		return effect(tx)
	})
}
