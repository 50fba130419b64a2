package store

import (
	"fmt"

	"tolem"
)

// CountReceipt stores that the receipt of a code is saved in a form, and returns
// the how manieth time it is, from 1. Of two that are saved at once, wherever,
// one is the earlier: the closure of the other is run again.
func (tx *Tx) CountReceipt(code tolem.CodeNumber, form string) (number int, err error) {
	before, err := tx.SavedReceipts(code, form)
	if err != nil {
		return 0, err
	}
	number = before + 1
	return number, tx.exec(single{
		text: `INSERT INTO receipt_saved (code, form, number, at) VALUES ($1, $2, $3, $4) ON CONFLICT (code, form, number) DO NOTHING`,
		args: []any{int64(code), form, int64(number), micros(tx.now)}, want: 1,
	}, guardKey{table: "receipt_saved", number: int64(code), name: form})
}

// SavedReceipts returns how often the receipt of a code was saved in a form.
func (tx *Tx) SavedReceipts(code tolem.CodeNumber, form string) (int, error) {
	var number int64
	err := tx.db.query(tx.ctx, `SELECT COALESCE(MAX(number), 0) FROM receipt_saved WHERE code = $1 AND form = $2`, []any{int64(code), form},
		func(scan func(...any) error) error { return scan(&number) })
	if err != nil {
		return 0, fmt.Errorf("read saved receipts: %w", err)
	}
	return int(number), nil
}
