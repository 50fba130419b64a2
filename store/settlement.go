package store

import (
	"fmt"
	"time"

	"tolem"
)

const settlementColumns = `code, provider, number, service, invoice, period, advance, amount, currency, at, undone_at`

// Settlement returns the payment of a bill by its payment code, or ErrNotFound.
func (tx *Tx) Settlement(n tolem.CodeNumber) (tolem.Settlement, error) {
	return one(tx.listSettlements("WHERE code = $1", int64(n)))
}

// SettlementsSince returns the payments to an account that a snapshot may not
// have counted: made, or cancelled, from a moment on; in the order of their
// time.
func (tx *Tx) SettlementsSince(id tolem.AccountID, from time.Time) ([]tolem.Settlement, error) {
	return tx.listSettlements("WHERE provider = $1 AND number = $2 AND (at >= $3 OR undone_at >= $3 AND undone_at > 0) ORDER BY at, code",
		string(id.Organisation), string(id.Number), micros(from))
}

func (tx *Tx) listSettlements(where string, args ...any) ([]tolem.Settlement, error) {
	var list []tolem.Settlement
	err := tx.db.query(tx.ctx, "SELECT "+settlementColumns+" FROM settlement "+where, args, func(scan func(...any) error) error {
		var s tolem.Settlement
		var advance, at, undone int64
		err := scan(&s.Code, &s.Account.Organisation, &s.Account.Number, &s.Service, &s.Invoice, &s.Period, &advance,
			&s.Amount.Minor, &s.Amount.Currency, &at, &undone)
		s.Advance, s.At, s.UndoneAt = advance != 0, instant(at), instant(undone)
		list = append(list, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read payments of bills: %w", err)
	}
	return list, nil
}

// InsertSettlement stores a payment of a bill. If the code has paid one already,
// the closure is run again.
func (tx *Tx) InsertSettlement(s tolem.Settlement) error {
	return tx.exec(single{
		text: `INSERT INTO settlement (` + settlementColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (code) DO NOTHING`,
		args: []any{
			int64(s.Code), string(s.Account.Organisation), string(s.Account.Number), string(s.Service), s.Invoice, s.Period, boolean(s.Advance),
			s.Amount.Minor, string(s.Amount.Currency), micros(s.At), micros(s.UndoneAt),
		}, want: 1,
	}, accountKey(s.Account))
}

// UndoSettlement marks a payment as cancelled now. If it was before, the closure
// is run again.
func (tx *Tx) UndoSettlement(s tolem.Settlement) error {
	return tx.exec(single{
		text: `UPDATE settlement SET undone_at = $1 WHERE code = $2 AND undone_at = 0`, args: []any{micros(tx.now), int64(s.Code)}, want: 1,
	}, accountKey(s.Account))
}

func accountKey(id tolem.AccountID) guardKey {
	return guardKey{table: "account", name: id.String()}
}

// AccountVersion returns what counts the changes of an account, 0 if nothing was
// ever kept of it.
func (tx *Tx) AccountVersion(id tolem.AccountID) (version int64, err error) {
	err = tx.db.query(tx.ctx, `SELECT version FROM account WHERE provider = $1 AND number = $2`, []any{string(id.Organisation), string(id.Number)},
		func(scan func(...any) error) error { return scan(&version) })
	if err != nil {
		return 0, fmt.Errorf("read account: %w", err)
	}
	return version, nil
}

// AdvanceAccount counts a change of an account that was decided at a version. If
// it has another by then, the closure is run again. An account that is not kept
// here gets a row that only counts.
func (tx *Tx) AdvanceAccount(id tolem.AccountID, seen int64) error {
	if seen > 0 {
		return tx.exec(single{
			text: `UPDATE account SET version = version + 1 WHERE provider = $1 AND number = $2 AND version = $3`,
			args: []any{string(id.Organisation), string(id.Number), seen}, want: 1,
		}, accountKey(id))
	}
	data, err := tx.sealParticulars(id, tolem.Particulars{})
	if err != nil {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO account (provider, number, version, as_of, paid_until, closed, digest, batch, data)
			VALUES ($1, $2, 1, 0, 0, 0, $3, '', $4) ON CONFLICT (provider, number) DO NOTHING`,
		args: []any{string(id.Organisation), string(id.Number), []byte{}, data}, want: 1,
	}, accountKey(id))
}
