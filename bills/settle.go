package bills

import (
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/store"
)

// Line is a payment that pays a bill, or in advance.
type Line struct {
	Code    tolem.CodeNumber // of the payment
	Account tolem.AccountID
	Service tolem.ServiceCode
	Amount  tolem.Money

	Advance bool   // nothing is owed; Invoice and Period are empty
	Invoice string // of the bill
	Period  string // of the bill

	// Shown is what was open when the line was made, in minor units, at the
	// moment ShownAt (Found.At). If something else is open when it is paid,
	// Settle returns ErrDebtChanged. Zero asks for no such check.
	Shown   int64
	ShownAt time.Time
	// Online: it was the organisation's own system that said so (Found.Online).
	// What was fed of the account before that does not count then.
	Online bool
}

// commitSkew is how much later than its own time a payment may have been
// committed, and so been missed by a lookup.
const commitSkew = 2 * time.Second

// Settle notes, in the transaction of the payments, which bills they pay. All
// lines of a transaction stand in one call, and no two are of one bill. An
// amount may be less or more than what is open (WP-533). The same line again
// changes nothing; ErrOtherPayment is returned for a code that has paid
// something else or was undone, ErrDebtChanged for a bill that others have paid
// meanwhile.
func Settle(tx *store.Tx, lines ...Line) error {
	seen := make(map[tolem.AccountID]bool)
	codes := make(map[tolem.CodeNumber]bool)
	for _, l := range lines {
		switch before, err := tx.Settlement(l.Code); {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case !before.UndoneAt.IsZero() || !l.is(before):
			return fmt.Errorf("payment %s: %w", l.Code, ErrOtherPayment)
		default:
			continue
		}
		if l.Amount.Minor <= 0 || codes[l.Code] {
			return fmt.Errorf("payment %s: %w", l.Code, ErrOtherPayment)
		}
		codes[l.Code] = true
		if err := settle(tx, l, !seen[l.Account]); err != nil {
			return err
		}
		seen[l.Account] = true
	}
	return nil
}

// is reports whether the settlement is that of the line.
func (l Line) is(s tolem.Settlement) bool {
	return s.Account == l.Account && s.Service == l.Service && s.Invoice == l.Invoice && s.Advance == l.Advance && s.Amount == l.Amount
}

// settle stores one line. The version is read before what it is decided by, and
// counted on: whatever changes the account meanwhile has it decided again.
func settle(tx *store.Tx, l Line, first bool) error {
	if first {
		version, err := tx.AccountVersion(l.Account)
		if err != nil {
			return err
		}
		if err := tx.AdvanceAccount(l.Account, version); err != nil {
			return err
		}
	}
	if err := l.stands(tx); err != nil {
		return err
	}
	return tx.InsertSettlement(tolem.Settlement{
		Code: l.Code, Account: l.Account, Service: l.Service, Invoice: l.Invoice, Period: l.Period, Advance: l.Advance, Amount: l.Amount, At: tx.Now(),
	})
}

// stands returns ErrDebtChanged if what is open is not what was shown.
func (l Line) stands(tx *store.Tx) error {
	if l.Shown == 0 || l.Advance {
		return nil
	}
	key := tolem.BillKey{Service: l.Service, Invoice: l.Invoice}
	a, err := tx.Account(l.Account)
	unknown := errors.Is(err, store.ErrNotFound)
	if err != nil && !unknown {
		return err
	}
	if l.Online || unknown {
		paid, err := tx.SettlementsSince(l.Account, l.ShownAt.Add(-commitSkew))
		if err != nil {
			return err
		}
		for _, s := range paid {
			if (tolem.BillKey{Service: s.Service, Invoice: s.Invoice}) == key && !s.Advance {
				return fmt.Errorf("payment %s: %w", l.Code, ErrDebtChanged)
			}
		}
		return nil
	}
	paid, err := tx.SettlementsSince(l.Account, a.PaidUntil)
	if err != nil {
		return err
	}
	open := int64(0)
	for _, d := range tolem.Debts(a.Bills, a.PaidUntil, paid) {
		if d.Key() == key {
			open = d.Open
		}
	}
	if open != l.Shown || a.Closed {
		return fmt.Errorf("payment %s: %w", l.Code, ErrDebtChanged)
	}
	return nil
}

// Undo notes, in the transaction of the cancellation, that a payment holds no
// more: what it paid is owed again. Undoing it again changes nothing; a code
// that has paid no bill is ErrNotSettled.
func Undo(tx *store.Tx, code tolem.CodeNumber) error {
	s, err := tx.Settlement(code)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("payment %s: %w", code, ErrNotSettled)
	case err != nil:
		return err
	case !s.UndoneAt.IsZero():
		return nil
	}
	version, err := tx.AccountVersion(s.Account)
	if err != nil {
		return err
	}
	if err := tx.AdvanceAccount(s.Account, version); err != nil {
		return err
	}
	return tx.UndoSettlement(s)
}
