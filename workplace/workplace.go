// Package workplace is what a bank's desk does: it puts together what a customer
// pays at once, takes the money as payments of the gateway, has SMART cards
// written, cancels, and tells a day's work in reports that agree with the cash.
//
// It shows nothing and speaks no HTTP: web/workplace calls it, with an actor whom
// access has checked for this very request. Each method asks whether the actor's
// position permits its action, acts within the actor's bank alone, and records
// what was done in the transaction that does it (WP-521, WP-595).
//
// # A payment
//
// Each line of a basket becomes a payment of the gateway with a payment code
// that is PAID from the beginning, so that validation, registers, evidence and
// reports know it like every other. What the desk knows besides stands beside it
// under the receipt number. Basket and line name the payment: whoever confirms
// twice finds what was paid the first time.
package workplace

import (
	"errors"
	"fmt"

	"tolem"
	"tolem/access"
	"tolem/archive"
	"tolem/banks"
	"tolem/bills"
	"tolem/gateway"
	"tolem/smartcard/desk"
	"tolem/store"
)

// Config joins a Workplace.
type Config struct {
	Access    *access.Access
	Bills     *bills.Desk
	Cards     *desk.Desk // nil: no SMART card is written here
	Gateway   *gateway.Gateway
	Evidence  *archive.Archive
	Directory *banks.Directory // the names of banks and branches
	Calendar  *tolem.Calendar
	Currency  tolem.Currency
	// Observe, if set, hears why a line could not be paid, where that is a fault
	// and no refusal: to be logged.
	Observe func(error)
}

// Workplace is safe for concurrent use, and any number of them may work on one
// database.
type Workplace struct {
	Config
	db    *store.DB
	turns turns
}

// New returns a Workplace over an open store with a vault.
func New(c Config, db *store.DB) *Workplace { return &Workplace{Config: c, db: db} }

// Refusal is an outcome that people at the desk are told about: the key of its
// text in the catalogue of messages, and the line of the basket it is about.
type Refusal struct {
	Line tolem.LineID // zero: all of it
	key  string
	why  string
}

// Error says what was refused, for logs.
func (r *Refusal) Error() string { return r.why }

// Key returns the key of the text that people see.
func (r *Refusal) Key() string { return r.key }

// Is makes a refusal of a line the same as that of the whole.
func (r *Refusal) Is(other error) bool {
	var o *Refusal
	return errors.As(other, &o) && o.key == r.key
}

// because is a refusal with what led to it, for logs.
func because(r *Refusal, cause error) error {
	if cause == nil {
		return r
	}
	return fmt.Errorf("%w: %w", r, cause)
}

// of returns the refusal about a line.
func (r *Refusal) of(line tolem.LineID) *Refusal {
	return &Refusal{Line: line, key: r.key, why: r.why}
}

// The refusals (operator-workplace.md, 9).
var (
	ErrAccountNotFound  = &Refusal{key: "account.not_found", why: "the organisation has no such account"}
	ErrNothingToPay     = &Refusal{key: "account.nothing_to_pay", why: "no debt and no advance service"}
	ErrLookupFailed     = &Refusal{key: "lookup.failed", why: "the organisation's system does not answer"}
	ErrDuplicate        = &Refusal{key: "basket.duplicate", why: "the basket has this line"}
	ErrFull             = &Refusal{key: "basket.full", why: "the basket is full"}
	ErrCardTwice        = &Refusal{key: "basket.card_twice", why: "the basket has a line for this SMART card"}
	ErrStale            = &Refusal{key: "basket.stale", why: "the basket was changed meanwhile, in another window"}
	ErrAsanRequired     = &Refusal{key: "basket.asan_required", why: "no ASAN structural unit was chosen"}
	ErrReceiverRequired = &Refusal{key: "basket.receiver_required", why: "no receiving unit was chosen"}
	ErrAmount           = &Refusal{key: "amount.invalid", why: "not an amount"}
	ErrPaymentFailed    = &Refusal{key: "payment.failed", why: "the payment was not made"}
	ErrDebtChanged      = &Refusal{key: "payment.debt_changed", why: "the debt is not what was shown"}

	ErrNotLoaded   = &Refusal{key: "card.not_loaded", why: "the last payment on the card was neither loaded nor cancelled"}
	ErrOtherCard   = &Refusal{key: "card.other_card", why: "another card"}
	ErrCardPending = &Refusal{key: "card.pending", why: "nobody knows yet whether the card was written"}

	ErrNotPlanned     = &Refusal{key: "cancel.not_planned", why: "the payment is not planned"}
	ErrNotAllowed     = &Refusal{key: "cancel.not_allowed", why: "the payment may not be cancelled"}
	ErrCancelFault    = &Refusal{key: "cancel.error", why: "the cancellation broke off"}
	ErrServiceUsed    = &Refusal{key: "cancel.service_used", why: "the service has been used"}
	ErrReasonRequired = &Refusal{key: "cancel.reason_required", why: "a rejection needs a reason"}
	ErrOwn            = &Refusal{key: "cancel.own", why: "nobody decides on the own request"}

	ErrReceiptNotFound = &Refusal{key: "receipt.not_found", why: "the bank has no such receipt"}
)

// ErrWithoutWrite is no refusal: the payment can be made only without writing
// the card, which the operator confirms once more (WP-082, WP-545).
var ErrWithoutWrite = errors.New("the card cannot be written: the payment without it must be confirmed")
