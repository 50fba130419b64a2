package workplace

import (
	"context"
	"errors"
	"time"

	"tolem"
	"tolem/access"
	"tolem/store"
)

// RegisterQuery chooses rows of the operator register. Empty filters restrict
// nothing (WP-582).
type RegisterQuery struct {
	Day          tolem.Day
	Asan         bool // payments taken as ASAN operator (WP-581)
	Organisation tolem.ProviderID
	Status       tolem.DeskStatus
}

// Sum counts payments and adds them up.
type Sum struct {
	Count              int
	Amount, Fee, Total tolem.Money
}

// Register is the list of the payments an operator has taken on a day
// (WP-134 to WP-137, WP-579 to WP-583).
type Register struct {
	Query    RegisterQuery
	Operator string
	Rows     []tolem.DeskPayment // by receipt number
	Sum      Sum                 // of the rows
	// Organisations are those of the day, whatever is filtered: the filter's choice.
	Organisations []OrganisationName
}

// OrganisationName names an organisation for a filter.
type OrganisationName struct {
	ID   tolem.ProviderID
	Name string
}

// SummaryRow is a row of the summary report.
type SummaryRow struct {
	AsanUnit, Organisation string
	Sum
}

// Summary is the ASAN operator's report by unit and organisation (WP-587). What
// is cancelled, or awaits it, is left out of it like of the cash order.
type Summary struct {
	Day      tolem.Day
	Operator string
	Rows     []SummaryRow
	Sum      Sum
}

// CashOrder is the total of an operator's day (WP-148, WP-588).
type CashOrder struct {
	Number                 string // branch, day, operator: the same whenever it is printed
	Day                    tolem.Day
	Asan                   bool
	Bank, Branch, Operator string
	First, Last            tolem.ReceiptNo // of the counted payments; zero: none
	Rows                   []CashRow       // counted, by organisation
	Sum                    Sum
	Others                 []CashStatus // not in the total
	MadeAt                 time.Time
}

// CashRow is what one organisation received.
type CashRow struct {
	Organisation string
	Sum
}

// CashStatus is what does not count, by status.
type CashStatus struct {
	Status tolem.DeskStatus
	Sum
}

// Today is the day that reports begin with (WP-130, WP-594).
func (w *Workplace) Today(ctx context.Context) (day tolem.Day, err error) {
	err = w.db.View(ctx, func(tx *store.Tx) error {
		day = w.Calendar.DayOf(tx.Now())
		return nil
	})
	return day, err
}

// Register returns the payments the actor has taken on a day.
func (w *Workplace) Register(ctx context.Context, by access.Actor, q RegisterQuery) (Register, error) {
	panic("not built")
}

// Summary returns the summary of the actor's day; ASAN operators only (WP-143).
func (w *Workplace) Summary(ctx context.Context, by access.Actor, day tolem.Day) (Summary, error) {
	panic("not built")
}

// CashOrder returns the cash order of the actor's day.
func (w *Workplace) CashOrder(ctx context.Context, by access.Actor, day tolem.Day, asan bool) (CashOrder, error) {
	panic("not built")
}

// Receipt finds a payment of the actor's bank by its receipt number (WP-161,
// WP-589), or ErrReceiptNotFound.
func (w *Workplace) Receipt(ctx context.Context, by access.Actor, n tolem.ReceiptNo) (p tolem.DeskPayment, err error) {
	if err := access.May(by, tolem.ActReceiptSearch); err != nil {
		return p, err
	}
	err = w.db.View(ctx, func(tx *store.Tx) error {
		p, err = tx.DeskPayment(by.Person.Bank, n)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return p, ErrReceiptNotFound
	}
	return p, err
}

// Print records that something was printed or saved (WP-521): a receipt number,
// or the name of a report and its day.
func (w *Workplace) Print(ctx context.Context, by access.Actor, action tolem.Action, subject string) error {
	if err := access.May(by, action); err != nil {
		return err
	}
	return w.Access.Record(ctx, by, access.Event{Action: action, Subject: subject, Outcome: access.OutcomeOK})
}
