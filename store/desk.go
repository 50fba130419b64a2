package store

import (
	"fmt"

	"tolem"
)

// NextReceipt takes the next receipt number of a bank. If another transaction
// takes it, the closure is run again; if this one fails, it is as if the number
// was never taken.
func (tx *Tx) NextReceipt(bank tolem.ParticipantID) (tolem.ReceiptNo, error) {
	var last int64
	err := tx.db.query(tx.ctx, `SELECT last FROM desk_receipt WHERE bank = $1`, []any{string(bank)}, func(scan func(...any) error) error { return scan(&last) })
	if err != nil {
		return 0, fmt.Errorf("read receipt number: %w", err)
	}
	s := single{text: `UPDATE desk_receipt SET last = last + 1 WHERE bank = $1 AND last = $2`, args: []any{string(bank), last}, want: 1}
	if last == 0 {
		s = single{text: `INSERT INTO desk_receipt (bank, last) VALUES ($1, 1) ON CONFLICT (bank) DO NOTHING`, args: []any{string(bank)}, want: 1}
	}
	return tolem.ReceiptNo(last + 1), tx.exec(s, guardKey{table: "desk_receipt", name: string(bank)})
}

const deskColumns = `bank, receipt, id, code, basket, line, branch, person, asan, organisation, service, unit, asan_unit, advance,
	amount, fee, currency, at, day, status, card_write, cancelled_at, version, data`

// InsertDeskPayment stores a payment that was taken at a desk. If the line of
// the basket was paid by now, the closure is run again.
func (tx *Tx) InsertDeskPayment(p tolem.DeskPayment) error {
	f := newFields()
	for _, s := range []string{
		string(p.Account.Number), p.Invoice, p.Period, string(p.Card), p.Shown.Bank, p.Shown.Branch, p.Shown.Operator, p.Shown.Organisation,
		p.Shown.Unit, p.Shown.ServiceCode, p.Shown.Service, p.Shown.AsanUnit, p.Shown.Holder,
	} {
		f.text(s)
	}
	data, err := tx.seal(f, deskContext(p.ID))
	if err != nil {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO desk_payment (` + deskColumns + `) VALUES
			($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, 1, $23) ON CONFLICT DO NOTHING`,
		args: []any{
			string(p.Bank), int64(p.Receipt), string(p.ID), int64(p.Code), string(p.Basket), int64(p.Line), string(p.Branch), string(p.By), boolean(p.Asan),
			string(p.Account.Organisation), string(p.Service), string(p.Unit), string(p.AsanUnit), boolean(p.Advance), p.Amount.Minor, p.Fee.Minor,
			string(p.Amount.Currency), micros(p.At), int64(p.Day), string(p.Status), string(p.CardWrite), micros(p.CancelledAt), data,
		}, want: 1,
	}, deskKey(p))
}

func deskContext(id tolem.PaymentID) string { return "desk/" + string(id) }

func deskKey(p tolem.DeskPayment) guardKey {
	return guardKey{table: "desk_payment", name: string(p.ID)}
}

// ChangeDeskPayment stores status, card write and moment of cancellation. If the
// payment has changed since it was read, the closure is run again. It returns
// the payment as it is then.
func (tx *Tx) ChangeDeskPayment(p tolem.DeskPayment) (tolem.DeskPayment, error) {
	err := tx.exec(single{
		text: `UPDATE desk_payment SET version = version + 1, status = $1, card_write = $2, cancelled_at = $3 WHERE bank = $4 AND receipt = $5 AND version = $6`,
		args: []any{string(p.Status), string(p.CardWrite), micros(p.CancelledAt), string(p.Bank), int64(p.Receipt), p.Version}, want: 1,
	}, deskKey(p))
	p.Version++
	return p, err
}

// DeskPayment returns a payment by bank and receipt number, or ErrNotFound.
func (tx *Tx) DeskPayment(bank tolem.ParticipantID, n tolem.ReceiptNo) (tolem.DeskPayment, error) {
	return one(tx.listDeskPayments("WHERE bank = $1 AND receipt = $2", string(bank), int64(n)))
}

// DeskPaymentByID returns a payment, or ErrNotFound.
func (tx *Tx) DeskPaymentByID(id tolem.PaymentID) (tolem.DeskPayment, error) {
	return one(tx.listDeskPayments("WHERE id = $1", string(id)))
}

// DeskPaymentByCode returns the payment with this code, or ErrNotFound.
func (tx *Tx) DeskPaymentByCode(n tolem.CodeNumber) (tolem.DeskPayment, error) {
	return one(tx.listDeskPayments("WHERE code = $1", int64(n)))
}

// DeskPaymentsOfBasket returns what was paid of a basket, by line.
func (tx *Tx) DeskPaymentsOfBasket(b tolem.BasketID) ([]tolem.DeskPayment, error) {
	return tx.listDeskPayments("WHERE basket = $1 ORDER BY line", string(b))
}

// DeskPaymentsOfDay returns the payments that a person took on a day, by receipt
// number, behind after, at most limit.
func (tx *Tx) DeskPaymentsOfDay(p tolem.PersonID, day tolem.Day, after tolem.ReceiptNo, limit int) ([]tolem.DeskPayment, error) {
	return tx.listDeskPayments("WHERE person = $1 AND day = $2 AND receipt > $3 ORDER BY receipt LIMIT $4", string(p), int64(day), int64(after), int64(limit))
}

func (tx *Tx) listDeskPayments(where string, args ...any) ([]tolem.DeskPayment, error) {
	var list []tolem.DeskPayment
	err := tx.db.query(tx.ctx, "SELECT "+deskColumns+" FROM desk_payment "+where, args, func(scan func(...any) error) error {
		p, err := tx.db.scanDeskPayment(scan)
		list = append(list, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read payments of desks: %w", err)
	}
	return list, nil
}

func (db *DB) scanDeskPayment(scan func(...any) error) (p tolem.DeskPayment, err error) {
	var asan, advance, at, cancelled int64
	var data []byte
	err = scan(&p.Bank, &p.Receipt, &p.ID, &p.Code, &p.Basket, &p.Line, &p.Branch, &p.By, &asan, &p.Account.Organisation, &p.Service, &p.Unit, &p.AsanUnit,
		&advance, &p.Amount.Minor, &p.Fee.Minor, &p.Amount.Currency, &at, &p.Day, &p.Status, &p.CardWrite, &cancelled, &p.Version, &data)
	if err != nil {
		return p, err
	}
	f, err := db.open(data, deskContext(p.ID))
	if err != nil {
		return p, err
	}
	p.Asan, p.Advance, p.At, p.CancelledAt, p.Fee.Currency = asan != 0, advance != 0, instant(at), instant(cancelled), p.Amount.Currency
	p.Account.Number, p.Invoice, p.Period, p.Card = tolem.AccountNumber(f.text()), f.text(), f.text(), tolem.SmartCardNo(f.text())
	p.Shown = tolem.Shown{
		Bank: f.text(), Branch: f.text(), Operator: f.text(), Organisation: f.text(), Unit: f.text(), ServiceCode: f.text(), Service: f.text(),
		AsanUnit: f.text(), Holder: f.text(),
	}
	return p, f.err
}
