package workplace

import (
	"context"

	"tolem"
	"tolem/access"
)

// Edit ties a change to the basket that the page showed, and brings what was
// typed into its fields of amounts, so that no change loses it.
type Edit struct {
	Version int64
	Amounts map[tolem.LineID]string
}

// Entry is what looking an account up, or choosing services, came to.
type Entry struct {
	Basket  tolem.Basket
	Account tolem.Snapshot
	Added   []tolem.LineID
	// Services can be paid in advance: a window lists them (WP-036, WP-039).
	Services []tolem.DeskService
}

// Basket returns the actor's basket; a new and empty one if there is none.
func (w *Workplace) Basket(ctx context.Context, by access.Actor) (tolem.Basket, error) { panic("not built") }

// Search looks an account up by what was typed and adds its debts, or the one
// service that can be paid in advance; if there are several, Services lists them
// and nothing is added (WP-033 to WP-036, WP-524 to WP-528). The refusals are
// ErrAccountNotFound, ErrNothingToPay, ErrLookupFailed, ErrDuplicate, ErrFull,
// ErrCardTwice; they leave the basket as it was.
func (w *Workplace) Search(ctx context.Context, by access.Actor, e Edit, o tolem.ProviderID, typed string) (Entry, error) { panic("not built") }

// Services lists what can be paid in advance on an account, for the window
// (WP-039), without adding anything.
func (w *Workplace) Services(ctx context.Context, by access.Actor, o tolem.ProviderID, account tolem.AccountNumber) (Entry, error) { panic("not built") }

// AddServices adds a line for each service code (WP-037, WP-038).
func (w *Workplace) AddServices(ctx context.Context, by access.Actor, e Edit, o tolem.ProviderID, account tolem.AccountNumber, codes []tolem.ServiceCode) (Entry, error) { panic("not built") }

// AddCard adds the account of the SMART card that was read (WP-091, WP-094).
// Answer is what the bridge said to the challenge of NewChallenge. The amount
// is what was typed in “Məbləğ (AZN)”; it may be empty.
func (w *Workplace) AddCard(ctx context.Context, by access.Actor, e Edit, o tolem.ProviderID, answer []byte, amount string) (Entry, error) { panic("not built") }

// Choose stores the unit that receives a line's payment, and its ASAN unit
// (WP-044 to WP-050). A nil leaves what was chosen.
func (w *Workplace) Choose(ctx context.Context, by access.Actor, e Edit, line tolem.LineID, unit, asan *tolem.UnitCode) (tolem.Basket, error) { panic("not built") }

// Remove takes a line out (WP-051).
func (w *Workplace) Remove(ctx context.Context, by access.Actor, e Edit, line tolem.LineID) (tolem.Basket, error) { panic("not built") }

// RemoveOrganisation takes all lines of an organisation out (WP-052).
func (w *Workplace) RemoveOrganisation(ctx context.Context, by access.Actor, e Edit, o tolem.ProviderID) (tolem.Basket, error) { panic("not built") }

// Empty takes everything out: at logout (WP-530).
func (w *Workplace) Empty(ctx context.Context, by access.Actor) error { panic("not built") }

// Calculate reads the amounts and works out fees and total (WP-055 to WP-058).
// The refusals name the line: ErrAmount, ErrAsanRequired, ErrReceiverRequired;
// what was typed is kept with them.
func (w *Workplace) Calculate(ctx context.Context, by access.Actor, e Edit) (tolem.Basket, error) { panic("not built") }
