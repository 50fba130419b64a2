package store

import (
	"context"
	"fmt"
	"strconv"

	"tolem"
)

// paymentRow is a row of table payment, or what discrepancy has in common.
type paymentRow struct {
	code               int64
	bank, ref          string
	amount             int64
	currency           string
	paidAt, receivedAt int64
	channel            int64
	service, provider  string
	notifiedBy         string
	branch             string
	fee                int64
	data               []byte
}

const paymentColumns = "code, bank, bank_ref, amount, currency, paid_at, received_at, channel, service, provider, notified_by, branch, fee, data"

func (r *paymentRow) targets() []any {
	return []any{&r.code, &r.bank, &r.ref, &r.amount, &r.currency, &r.paidAt, &r.receivedAt, &r.channel, &r.service, &r.provider, &r.notifiedBy, &r.branch, &r.fee, &r.data}
}

// Payment returns the payment that was accepted for a code, or ErrNotFound.
func (tx *Tx) Payment(n tolem.CodeNumber) (tolem.Payment, error) {
	row, found, err := tx.db.readers.payments.get(tx.ctx, int64(n))
	switch {
	case err != nil:
		return tolem.Payment{}, fmt.Errorf("read payment: %w", err)
	case !found:
		return tolem.Payment{}, fmt.Errorf("payment: %w", ErrNotFound)
	}
	return tx.db.openPayment(&row, paymentContext(row.code))
}

func (db *DB) loadPayments(ctx context.Context, keys []int64, found func(int64, paymentRow)) error {
	args := numbers(padded(keys))
	return db.query(ctx, "SELECT "+paymentColumns+" FROM payment WHERE code IN "+inList(len(args)), args, func(scan func(...any) error) error {
		var r paymentRow
		err := scan(r.targets()...)
		found(r.code, r)
		return err
	})
}

func paymentContext(code int64) string      { return "payment/" + strconv.FormatInt(code, 10) }
func discrepancyContext(id [16]byte) string { return "discrepancy/" + MessageID(id).String() }

func (tx *Tx) sealPayment(p tolem.Payment, context string) ([]byte, error) {
	f := newFields()
	f.text(p.Recipient.Reveal())
	f.text(p.RecipientName)
	f.text(p.Account)
	return tx.seal(f, context)
}

func (db *DB) openPayment(r *paymentRow, context string) (tolem.Payment, error) {
	f, err := db.open(r.data, context)
	if err != nil {
		return tolem.Payment{}, err
	}
	if r.channel < 0 || r.channel >= int64(len(channels)) {
		return tolem.Payment{}, fmt.Errorf("payment: channel %d: %w", r.channel, ErrSchema)
	}
	p := tolem.Payment{
		Code: tolem.CodeNumber(r.code), Bank: tolem.ParticipantID(r.bank), BankRef: tolem.BankRef(r.ref),
		Amount: tolem.Money{Minor: r.amount, Currency: tolem.Currency(r.currency)},
		PaidAt: instant(r.paidAt), ReceivedAt: instant(r.receivedAt), Channel: channels[r.channel],
		Recipient: tolem.IIN(f.text()), RecipientName: f.text(), Account: f.text(),
		Service: tolem.ServiceCode(r.service), Provider: tolem.ProviderID(r.provider), NotifiedBy: tolem.ParticipantID(r.notifiedBy),
		Branch: tolem.ParticipantID(r.branch), Fee: fee(r.fee, r.currency),
	}
	return p, f.err
}

// fee is a commission as a bank told it: none has no currency either.
func fee(minor int64, currency string) tolem.Money {
	if minor == 0 {
		return tolem.Money{}
	}
	return tolem.Money{Minor: minor, Currency: tolem.Currency(currency)}
}

// paymentValues returns the columns behind the key.
func (tx *Tx) paymentValues(p tolem.Payment, context string) ([]any, error) {
	if err := tx.writable(); err != nil {
		return nil, err
	}
	channel, err := channelNumber(p.Channel)
	if err != nil {
		return nil, err
	}
	data, err := tx.sealPayment(p, context)
	if err != nil {
		return nil, err
	}
	return []any{
		string(p.Bank), string(p.BankRef), p.Amount.Minor, string(p.Amount.Currency), micros(p.PaidAt), micros(p.ReceivedAt),
		channel, string(p.Service), string(p.Provider), string(p.NotifiedBy), string(p.Branch), p.Fee.Minor, data,
	}, nil
}

// InsertPayment stores the accepted payment of a code (GW-135, GW-136). If the
// code has one already, the closure is run again.
func (tx *Tx) InsertPayment(p tolem.Payment) error {
	values, err := tx.paymentValues(p, paymentContext(int64(p.Code)))
	if err != nil {
		return err
	}
	tx.set.guard(guardKey{table: tableCode, number: int64(p.Code)})
	tx.set.add(bulkPayment, append([]any{int64(p.Code)}, values...)...)
	return nil
}

// InsertDiscrepancy stores a refused notification for reconciliation (GW-P15,
// GW-P16) under the id that its request has in the archive.
func (tx *Tx) InsertDiscrepancy(d tolem.Discrepancy, id MessageID) error {
	values, err := tx.paymentValues(d.Payment, discrepancyContext(id))
	if err != nil {
		return err
	}
	tx.set.add(bulkDiscrepancy, append([]any{int64(d.Payment.Code), id[:], string(d.Reason)}, values...)...)
	return nil
}

// Discrepancies returns the refused notifications of a code, or of all codes
// if it is zero, in the order they were received, at most limit.
func (tx *Tx) Discrepancies(code tolem.CodeNumber, limit int) ([]tolem.Discrepancy, error) {
	where, args := "WHERE code = $1 ORDER BY received_at, id LIMIT $2", []any{int64(code), limit}
	if code == 0 {
		where, args = "ORDER BY received_at, id LIMIT $1", []any{limit}
	}
	var list []tolem.Discrepancy
	err := tx.db.query(tx.ctx, "SELECT id, reason, "+paymentColumns+" FROM discrepancy "+where, args, func(scan func(...any) error) error {
		var id []byte
		var reason string
		var r paymentRow
		if err := scan(append([]any{&id, &reason}, r.targets()...)...); err != nil {
			return err
		}
		if len(id) != 16 {
			return fmt.Errorf("discrepancy row: %w", ErrSchema)
		}
		p, err := tx.db.openPayment(&r, discrepancyContext([16]byte(id)))
		list = append(list, tolem.Discrepancy{Reason: tolem.ResultCode(reason), Payment: p})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list discrepancies: %w", err)
	}
	return list, nil
}
