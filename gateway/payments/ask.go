package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/gateway"
	"tolem/store"
)

// The operations of a bank, as they stand in what is reported.
const (
	opAuthorize tolem.Operation = "AuthorizeCard"
	opDebit     tolem.Operation = "DebitAccount"
	opStatus    tolem.Operation = "GetStatus"
	opReverse   tolem.Operation = "ReversePayment"
)

// carry makes a call to a bank and settles what came of it. It runs on its own
// goroutine; the process may end at any point of it.
func (e *Engine) carry(a tolem.Attempt, op tolem.Operation, call func(context.Context) (banks.Authorization, error)) {
	auth, err := e.call(call)
	ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	e.settle(ctx, a.ID, op, auth, err)
}

// call bounds a call in time. A connector that panics has given no answer.
func (e *Engine) call(call func(context.Context) (banks.Authorization, error)) (auth banks.Authorization, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), e.config.CallTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			// What it panics with may hold what it was called with.
			auth, err = banks.Authorization{}, fmt.Errorf("%w: connector panicked: %T", banks.ErrNoAnswer, p)
		}
	}()
	return call(ctx)
}

// AskDue asks banks about attempts whose time has come (GW-P34, ACQ-P09). It
// does not wait for the answers. No bank holds up another: each is asked so many
// questions at once.
func (e *Engine) AskDue(ctx context.Context) error {
	var due []tolem.ParticipantID
	err := e.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.DueBanks()
		return err
	})
	for _, bank := range due {
		if connector, ok := e.config.Connectors[bank]; ok {
			err = errors.Join(err, e.askBank(ctx, bank, connector))
		} else {
			err = errors.Join(err, fmt.Errorf("attempts wait for %s: %w", bank, ErrBank))
		}
	}
	return err
}

func (e *Engine) askBank(ctx context.Context, bank tolem.ParticipantID, connector banks.Connector) error {
	e.mu.Lock()
	room := asksAtOnce - e.asking[bank]
	e.mu.Unlock()
	if room <= 0 {
		return nil
	}
	var due []tolem.Attempt
	err := e.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.DueAttempts(bank, room)
		return err
	})
	for _, a := range due {
		mine, claimErr := e.claim(ctx, a)
		if claimErr != nil {
			return errors.Join(err, claimErr)
		}
		if !mine {
			continue
		}
		e.note(bank, 1)
		e.running.Go(func() {
			defer e.note(bank, -1)
			e.ask(a, connector)
		})
	}
	return err
}

func (e *Engine) note(bank tolem.ParticipantID, change int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asking[bank] += change
}

// claim takes a due attempt for one question. It is due again if this process
// does not live to hear the answer.
func (e *Engine) claim(ctx context.Context, a tolem.Attempt) (bool, error) {
	err := e.db.Update(ctx, func(tx *store.Tx) error {
		return tx.ClaimAttempt(a, tx.Now().Add(e.config.CallTimeout+callGrace))
	})
	if errors.Is(err, store.ErrLease) {
		return false, nil
	}
	return err == nil, err
}

// ask puts one question: what became of the attempt, or that its money go back.
func (e *Engine) ask(a tolem.Attempt, connector banks.Connector) {
	switch {
	case a.ReverseBy != "":
		e.carry(a, opReverse, func(ctx context.Context) (banks.Authorization, error) {
			return connector.Reverse(ctx, a.ID, a.ReverseWhy)
		})
	case a.State == tolem.AttemptApproved && e.notified(a):
		// The notification has come: there is nothing to ask.
	default:
		e.carry(a, opStatus, func(ctx context.Context) (banks.Authorization, error) { return connector.Status(ctx, a.ID) })
	}
}

// notified ends the wait for the notification of an approved attempt if it has
// come.
func (e *Engine) notified(a tolem.Attempt) bool {
	came := false
	ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	err := e.db.Update(ctx, func(tx *store.Tx) error {
		came = false
		seen, err := tx.PayAttempt(a.ID)
		if err != nil {
			return err
		}
		if came, err = paid(tx, seen); err != nil || !came || seen.ReverseBy != "" {
			return err
		}
		next := seen
		next.AskAt = time.Time{}
		next.Version++
		return tx.ChangePayAttempt(seen, next)
	})
	if err != nil {
		e.config.Observe(Event{Attempt: a, Err: err})
	}
	return err != nil || came // with an error it is due again when the claim ends
}

// paid reports whether the code of an attempt has been paid.
func paid(tx *store.Tx, a tolem.Attempt) (bool, error) {
	if a.Code == 0 {
		return false, nil
	}
	c, err := tx.Code(a.Code)
	return !c.PaidAt.IsZero(), err
}

// backOff is how long to wait before a bank is asked again.
func backOff(asked int) time.Duration { return min(lastAsk, firstAsk<<min(max(asked, 0), 10)) }

// ErrNothingToReverse: no attempt of the payment has been approved.
var ErrNothingToReverse = errors.New("no money of this payment was taken through the payment page")

// Refund marks a paid code REFUNDED, so that nobody gets the service any more,
// and has the bank give back what it took here (GW-P39). The bank is asked until
// it has said yes or no; Observe tells which. If no money of the code was taken
// through the page nothing is changed: ErrNothingToReverse.
func (e *Engine) Refund(ctx context.Context, in gateway.Refund) (result gateway.RefundResult, err error) {
	err = e.db.Update(ctx, func(tx *store.Tx) error {
		taken, err := taken(tx, in.Code)
		if err != nil {
			return err
		}
		if result, err = e.gateway.Refund(tx, in); err != nil || result.Result != tolem.OK || taken.State == tolem.AttemptReversed {
			return err
		}
		return reverse(tx, taken, in.By, in.Reason)
	})
	return result, err
}

// taken returns the attempt that brought the money of a code.
func taken(tx *store.Tx, n tolem.CodeNumber) (tolem.Attempt, error) {
	all, err := tx.AttemptsOfCode(n)
	if err != nil {
		return tolem.Attempt{}, err
	}
	for _, state := range []tolem.AttemptState{tolem.AttemptApproved, tolem.AttemptReversed} {
		for _, a := range all {
			if a.State == state {
				return a, nil
			}
		}
	}
	return tolem.Attempt{}, ErrNothingToReverse
}

// Reverse has the bank give back what it approved although its notification did
// not come: the code is free again when the bank has done so. A code that is
// paid is refunded instead: see Refund.
func (e *Engine) Reverse(ctx context.Context, id tolem.AttemptID, by, why string) error {
	return e.db.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.PayAttempt(id)
		if err != nil {
			return err
		}
		if a.State != tolem.AttemptApproved {
			return fmt.Errorf("attempt %s is %s: %w", id, a.State, ErrNothingToReverse)
		}
		if done, err := paid(tx, a); err != nil || done {
			return errors.Join(err, fmt.Errorf("attempt %s: its code is paid: %w", id, ErrNotNow))
		}
		return reverse(tx, a, by, why)
	})
}

// reverse stores that the money is to go back. AskDue does the rest.
func reverse(tx *store.Tx, a tolem.Attempt, by, why string) error {
	next := a
	next.ReverseBy, next.ReverseWhy, next.AskAt, next.Asked = by, why, tx.Now(), 0
	next.Version++
	return tx.ChangePayAttempt(a, next)
}
