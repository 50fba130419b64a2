package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"tolem"
	"tolem/wsdl/client"
)

// Notifier tells the gateway of payments; *client.Client is one.
type Notifier interface {
	NotifyPayment(ctx context.Context, p client.Payment, options ...client.Option) (client.RecordedPayment, error)
}

// How notifications are sent.
const (
	notifiers   = 16 // at once
	retryFirst  = 250 * time.Millisecond
	retryLast   = 30 * time.Second
	lookAtLeast = 50 * time.Millisecond
)

// appointment says when a notification is sent.
type appointment struct {
	at    time.Time // zero: by its behaviour
	tries int
}

// resumeNotices puts what was due when the bank was stopped in line again.
func (b *book) resumeNotices(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		if e.Notice == noticeDue {
			b.due[e.Attempt] = appointment{at: now}
		}
	}
}

// rouse lets Run look for work.
func (b *Bank) rouse() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Run sends notifications until the context ends.
func (b *Bank) Run(ctx context.Context) {
	if b.config.Notifier == nil {
		return
	}
	tick := time.NewTicker(lookAtLeast)
	defer tick.Stop()
	for ctx.Err() == nil {
		if b.notifySome(ctx) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-b.wake:
		case <-tick.C:
		}
	}
}

// notifySome sends what is due, a few at once, and returns how many.
func (b *Bank) notifySome(ctx context.Context) int {
	list := b.dueNow()
	var all sync.WaitGroup
	for _, e := range list {
		all.Go(func() { b.notify(ctx, e) })
	}
	all.Wait()
	return len(list)
}

func (b *Bank) dueNow() (list []Entry) {
	b.book.mu.Lock()
	defer b.book.mu.Unlock()
	now := b.config.Clock()
	for attempt, a := range b.book.due {
		e := b.book.entries[attempt]
		if e.Notice != noticeDue {
			delete(b.book.due, attempt)
			continue
		}
		if a.at.IsZero() {
			a.at = e.PaidAt
			if how, err := ParseBehaviour(e.Behaviour); err == nil && how.Notify == NotifyLate {
				a.at = e.PaidAt.Add(b.config.NotifyLate)
			}
			b.book.due[attempt] = a
		}
		if !now.Before(a.at) && len(list) < notifiers {
			list = append(list, e)
		}
	}
	return list
}

// notify sends the notification of one payment and writes down what came of it.
// What would fail again is not tried again.
func (b *Bank) notify(ctx context.Context, e Entry) {
	how, err := ParseBehaviour(e.Behaviour)
	told := ""
	if err == nil && how.Notify != NotifyNever {
		told, err = b.tell(ctx, e, how)
	}
	b.config.Observe(Event{Operation: string(tolem.OpNotifyPayment), Attempt: e.Attempt, State: e.State, Behaviour: how, Told: told, Err: err})
	b.book.mu.Lock()
	defer b.book.mu.Unlock()
	now := b.book.entries[e.Attempt]
	switch {
	case err != nil:
		a := b.book.due[e.Attempt]
		a.at = b.config.Clock().Add(min(retryFirst<<min(a.tries, 10), retryLast))
		a.tries++
		b.book.due[e.Attempt] = a
		return
	case how.Notify == NotifyNever:
		now.Notice = noticeDropped
	default:
		now.Notice, now.Told = noticeSent, told
	}
	delete(b.book.due, e.Attempt)
	if err := b.book.put(now); err != nil {
		b.config.Observe(Event{Operation: string(tolem.OpNotifyPayment), Attempt: e.Attempt, Err: err})
	}
}

// tell sends it, as often as it is asked for, and returns the result code.
func (b *Bank) tell(ctx context.Context, e Entry, how Behaviour) (string, error) {
	p := client.Payment{
		Code: e.Order.Code, Bank: b.config.Bank, BankRef: e.BankRef, Amount: e.Amount(), PaidAt: e.PaidAt, Channel: tolem.ChannelAcquiring,
		Recipient: tolem.IIN(e.Order.Recipient), Service: e.Order.Service, Provider: e.Order.Provider, Account: e.Order.Account,
	}
	if how.Notify == NotifyWrongAmount {
		p.Amount.Minor++
	}
	times := 1
	if how.Notify == NotifyTwice {
		times = 2
	}
	told := string(tolem.OK)
	for i := range times {
		_, err := b.config.Notifier.NotifyPayment(ctx, p, client.WithRequestID(noticeID(b.config.Bank, e.Attempt, i)))
		var refusal *client.Refusal
		var fault *client.Fault
		switch {
		case errors.As(err, &refusal):
			told = string(refusal.Code)
		case errors.As(err, &fault) && fault.Retry == client.RetryNo:
			told = string(fault.Code)
		case errors.Is(err, client.ErrMissing):
			told = "order lacks what a notification needs"
		case err != nil:
			return "", err
		}
	}
	return told, nil
}

// noticeID is the same whenever this notification is sent, so that it has one
// effect however often that is.
func noticeID(bank tolem.ParticipantID, attempt tolem.AttemptID, i int) tolem.RequestID {
	hash := sha256.Sum256([]byte("notice\x00" + string(bank) + "\x00" + string(attempt) + "\x00" + string(rune('0'+i))))
	id := hash[:16]
	id[6] = 0x80 | id[6]&0x0f // version 8: made in our own way
	id[8] = 0x80 | id[8]&0x3f
	h := hex.EncodeToString(id)
	return tolem.RequestID(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}
