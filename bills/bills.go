// Package bills holds what cashiers collect for: organisations as desks know
// them, their tariffs, the accounts of their customers, and what these owe. It
// finds organisations and accounts, takes what organisations feed (over SOAP and
// from files, by one engine), and is told which payment paid what.
//
// It moves no money and makes no payment: whoever does calls Settle and Undo in
// the transaction of the payment. It speaks no SOAP and shows nothing. The core
// of the workplace calls Desk, gateway/soap calls Intake, the commands both Desk
// and Feed.
//
// # What is open
//
// An organisation's word is never edited: its bills stay as it wrote them, and
// payments stand beside them. What is open is worked out when somebody asks
// (tolem.Debts). So a batch and a payment that meet cannot undo each other,
// whichever comes first.
package bills

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tolem"
	"tolem/store"
)

// Errors of this package.
var (
	// ErrOrganisation: there is no such organisation, or not for this bank.
	ErrOrganisation = errors.New("no such organisation")
	// ErrDebtChanged: what is owed is not what was shown.
	ErrDebtChanged = errors.New("the debt has changed")
	// ErrOtherPayment: the payment code has paid something else, or was
	// cancelled.
	ErrOtherPayment = errors.New("the payment code was used for another payment")
	// ErrNotSettled: the payment code has paid no bill.
	ErrNotSettled = errors.New("the payment code has paid no bill")
	// ErrMoment: a batch is dated ahead, or counts payments that it cannot know.
	ErrMoment = errors.New("asOf lies ahead, or paidUntil after asOf")
)

// LookupTimeout bounds a lookup (WP-527).
const LookupTimeout = 10 * time.Second

// Config says how a Desk works.
type Config struct {
	Currency tolem.Currency  // of every bill
	Calendar *tolem.Calendar // whose days tariffs begin on

	// Sources answer for organisations whose accounts are not kept here.
	Sources map[tolem.ProviderID]Source
	// LookupTimeout bounds a lookup; zero means LookupTimeout.
	LookupTimeout time.Duration
	// Clock tells how long organisations are left alone; nil means time.Now.
	Clock func() time.Time
}

// Desk finds what can be paid. It is safe for concurrent use.
type Desk struct {
	Config
	db      *store.DB
	sources map[tolem.ProviderID]*guarded
	known   atomic.Pointer[directory]
}

// New returns a desk over an open database.
func New(c Config, db *store.DB) *Desk {
	if c.LookupTimeout <= 0 {
		c.LookupTimeout = LookupTimeout
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	d := &Desk{Config: c, db: db, sources: make(map[tolem.ProviderID]*guarded)}
	for o, s := range c.Sources {
		d.sources[o] = newGuarded(s)
	}
	return d
}

// Organisation returns an organisation that the bank takes payments for, or
// ErrOrganisation.
func (d *Desk) Organisation(ctx context.Context, bank tolem.ParticipantID, id tolem.ProviderID) (tolem.Organisation, error) {
	k, err := d.directory(ctx)
	if err != nil {
		return tolem.Organisation{}, err
	}
	o, ok := k.organisations[id]
	if !ok || !o.TakenBy(bank) {
		return tolem.Organisation{}, fmt.Errorf("%s for %s: %w", id, bank, ErrOrganisation)
	}
	return o, nil
}

// Organisations lists the organisations that the bank takes payments for, in the
// order of their names (WP-031).
func (d *Desk) Organisations(ctx context.Context, bank tolem.ParticipantID) ([]tolem.Organisation, error) {
	return d.Search(ctx, bank, "", 0)
}

// Services returns the active services of an organisation, in the order of the
// codes that people see.
func (d *Desk) Services(ctx context.Context, o tolem.ProviderID) ([]tolem.DeskService, error) {
	k, err := d.directory(ctx)
	if err != nil {
		return nil, err
	}
	return k.active[o], nil
}

// Tariff returns the tariff in force for a service at a moment; the zero Tariff,
// whose fee is nothing, if there is none.
func (d *Desk) Tariff(ctx context.Context, o tolem.ProviderID, s tolem.ServiceCode, at time.Time) (tolem.Tariff, error) {
	k, err := d.directory(ctx)
	if err != nil {
		return tolem.Tariff{}, err
	}
	return tolem.TariffFor(k.tariffs, o, s, d.Calendar.DayOf(at)), nil
}

// AsanPoints lists the ASAN service points that are in use.
func (d *Desk) AsanPoints(ctx context.Context) ([]tolem.AsanPoint, error) {
	k, err := d.directory(ctx)
	if err != nil {
		return nil, err
	}
	return k.points, nil
}

// AsanUnits lists the ASAN structural units of a service point that are in use
// (WP-044).
func (d *Desk) AsanUnits(ctx context.Context, point tolem.AsanPointID) ([]tolem.AsanUnit, error) {
	k, err := d.directory(ctx)
	if err != nil {
		return nil, err
	}
	return k.units[point], nil
}
