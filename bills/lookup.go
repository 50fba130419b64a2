package bills

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/store"
)

// Outcome says what a lookup came to, and so what the desk does next.
type Outcome string

// The outcomes.
const (
	FoundDebts    Outcome = "debts"    // they are added (WP-034)
	FoundServices Outcome = "services" // a window lists the service codes (WP-036)
	FoundService  Outcome = "service"  // its line is added without a window (WP-525)
	NothingToPay  Outcome = "nothing"  // WP-526
	NotFound      Outcome = "unknown"  // WP-524
	Failed        Outcome = "failed"   // WP-527
)

// messages are the keys of what people are told.
var messages = map[Outcome]string{
	NothingToPay: "account.nothing_to_pay",
	NotFound:     "account.not_found",
	Failed:       "lookup.failed",
}

// Message returns the key of what people are told; empty if there is nothing to
// tell.
func (o Outcome) Message() string { return messages[o] }

// Found is what a lookup came to.
type Found struct {
	Outcome Outcome
	Account tolem.Snapshot
	Debts   []tolem.Debt        // open, of active services
	Advance []tolem.DeskService // that can be paid without a debt (WP-036, WP-039)
	At      time.Time           // of the answer
	Online  bool                // the organisation's own system has said it
	Cause   error               // of Failed, for the log
}

// Lookup finds an account of an organisation by what was typed and says what can
// be paid on it (WP-033 to WP-036). It fails only for an organisation that the
// bank does not take payments for, or where our own database does; an
// organisation that does not answer in time is the outcome Failed.
func (d *Desk) Lookup(ctx context.Context, bank tolem.ParticipantID, o tolem.ProviderID, typed string) (Found, error) {
	if _, err := d.Organisation(ctx, bank, o); err != nil {
		return Found{}, err
	}
	number, err := tolem.ParseAccountNumber(typed)
	if err != nil {
		return Found{Outcome: NotFound}, nil
	}
	limited, cancel := context.WithTimeout(ctx, d.LookupTimeout)
	defer cancel()
	id := tolem.AccountID{Organisation: o, Number: number}
	found, err := d.ask(limited, id)
	switch {
	case errors.Is(err, ErrNoAccount), errors.Is(err, store.ErrNotFound):
		return Found{Outcome: NotFound}, nil
	case ctx.Err() != nil:
		return Found{}, ctx.Err()
	case errors.Is(err, ErrNoAnswer), limited.Err() != nil && err != nil:
		return Found{Outcome: Failed, Cause: err}, nil
	case err != nil:
		return Found{}, err
	}
	return found, nil
}

// ask asks whoever knows the account, and takes off what was paid here.
func (d *Desk) ask(ctx context.Context, id tolem.AccountID) (found Found, err error) {
	var online tolem.Snapshot
	source := d.sources[id.Organisation]
	if source != nil {
		if online, err = d.online(ctx, source, id); err != nil {
			return Found{}, err
		}
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		k, err := d.directoryIn(tx)
		if err != nil {
			return err
		}
		said := online
		if source == nil {
			a, err := tx.Account(id)
			if err != nil {
				return err
			}
			said = a.Snapshot
		} else if p, what := said.Check(k.of(id.Organisation), d.Currency); p != "" {
			return fmt.Errorf("%w: its answer is not in order: %s, %s", ErrNoAnswer, p, what)
		}
		if said.Closed {
			return ErrNoAccount
		}
		paid, err := tx.SettlementsSince(id, said.PaidUntil)
		if err != nil {
			return err
		}
		found = k.found(said, tolem.Debts(said.Bills, said.PaidUntil, paid))
		found.At, found.Online = tx.Now(), source != nil
		return nil
	})
	return found, err
}

// online asks the organisation's system.
func (d *Desk) online(ctx context.Context, source *guarded, id tolem.AccountID) (tolem.Snapshot, error) {
	began := d.Clock().UTC()
	s, err := source.account(ctx, id.Number, d.Clock)
	switch {
	case errors.Is(err, ErrNoAccount), errors.Is(err, ErrNoAnswer):
		return s, err
	case err != nil:
		return s, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	s.Account = id
	if s.AsOf.IsZero() {
		s.AsOf = began
	}
	if s.PaidUntil.IsZero() {
		s.PaidUntil = s.AsOf
	}
	if s.AsOf.After(d.Clock().Add(maxAhead)) || s.PaidUntil.After(s.AsOf) {
		return s, fmt.Errorf("%w: %w", ErrNoAnswer, ErrMoment)
	}
	return s, nil
}

// found decides what can be paid.
func (k *directory) found(said tolem.Snapshot, debts []tolem.Debt) Found {
	f := Found{Account: said}
	for _, debt := range debts {
		if s := k.services[debt.Service]; s.Active && s.Provider == said.Account.Organisation {
			f.Debts = append(f.Debts, debt)
		}
	}
	for _, s := range k.active[said.Account.Organisation] {
		if s.Advance {
			f.Advance = append(f.Advance, s)
		}
	}
	switch {
	case len(f.Debts) > 0:
		f.Outcome = FoundDebts
	case len(f.Advance) > 1:
		f.Outcome = FoundServices
	case len(f.Advance) == 1:
		f.Outcome = FoundService
	default:
		f.Outcome = NothingToPay
	}
	return f
}
