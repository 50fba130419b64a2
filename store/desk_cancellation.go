package store

import (
	"fmt"
	"slices"
	"strings"

	"tolem"
)

const cancellationColumns = `bank, receipt, seq, code, requested_by, requested_at, decided_by, decided_at, approved, data`

// InsertCancellation stores a request to cancel a payment, and its decision if
// it has one already. It goes with the change of the payment, which guards it;
// if there is such a request by now, the closure is run again.
func (tx *Tx) InsertCancellation(c tolem.DeskCancellation) error {
	data, err := tx.sealReason(c)
	if err != nil {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO desk_cancellation (` + cancellationColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (bank, receipt, seq) DO NOTHING`,
		args: []any{
			string(c.Bank), int64(c.Receipt), int64(c.Seq), int64(c.Code), string(c.RequestedBy), micros(c.RequestedAt), string(c.DecidedBy),
			micros(c.DecidedAt), boolean(c.Approved), data,
		},
		want: 1,
	}, cancellationKey(c))
}

// DecideCancellation stores what was decided of a request. If it is decided by
// now, the closure is run again.
func (tx *Tx) DecideCancellation(c tolem.DeskCancellation) error {
	data, err := tx.sealReason(c)
	if err != nil {
		return err
	}
	return tx.exec(single{
		text: `UPDATE desk_cancellation SET decided_by = $1, decided_at = $2, approved = $3, data = $4
			WHERE bank = $5 AND receipt = $6 AND seq = $7 AND decided_at = 0`,
		args: []any{string(c.DecidedBy), micros(c.DecidedAt), boolean(c.Approved), data, string(c.Bank), int64(c.Receipt), int64(c.Seq)},
		want: 1,
	}, cancellationKey(c))
}

func cancellationKey(c tolem.DeskCancellation) guardKey {
	return guardKey{table: "desk_cancellation", number: int64(c.Receipt), name: string(c.Bank)}
}

func cancellationContext(c tolem.DeskCancellation) string {
	return fmt.Sprintf("desk_cancellation/%s/%d/%d", c.Bank, c.Receipt, c.Seq)
}

func (tx *Tx) sealReason(c tolem.DeskCancellation) ([]byte, error) {
	f := newFields()
	f.text(c.Reason)
	return tx.seal(f, cancellationContext(c))
}

// LastCancellation returns the last request to cancel a payment, or ErrNotFound.
func (tx *Tx) LastCancellation(bank tolem.ParticipantID, n tolem.ReceiptNo) (tolem.DeskCancellation, error) {
	return one(tx.listCancellations("WHERE bank = $1 AND receipt = $2 ORDER BY seq DESC LIMIT 1", string(bank), int64(n)))
}

// AwaitingCancellations returns the requests of a bank that await somebody's
// decision, the oldest first, at most limit. What is being taken off a card is
// not among them.
func (tx *Tx) AwaitingCancellations(bank tolem.ParticipantID, limit int) ([]tolem.DeskCancellation, error) {
	return tx.listCancellations(`WHERE decided_at = 0 AND bank = $1 AND NOT EXISTS (SELECT 1 FROM desk_payment p
			WHERE p.bank = desk_cancellation.bank AND p.receipt = desk_cancellation.receipt AND p.card_write = 'written')
		ORDER BY requested_at, receipt LIMIT $2`, string(bank), int64(limit))
}

// DeskPaymentsNumbered returns the payments of a bank with these receipt
// numbers, in no particular order.
func (tx *Tx) DeskPaymentsNumbered(bank tolem.ParticipantID, numbers []tolem.ReceiptNo) ([]tolem.DeskPayment, error) {
	var list []tolem.DeskPayment
	for part := range slices.Chunk(numbers, maxReadKeys) {
		args := []any{string(bank)}
		for _, n := range padded(slices.Clone(part)) {
			args = append(args, int64(n))
		}
		in := strings.TrimPrefix(inList(len(args)), "($1,")
		found, err := tx.listDeskPayments("WHERE bank = $1 AND receipt IN ("+in, args...)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

func (tx *Tx) listCancellations(where string, args ...any) ([]tolem.DeskCancellation, error) {
	var list []tolem.DeskCancellation
	err := tx.db.query(tx.ctx, "SELECT "+cancellationColumns+" FROM desk_cancellation "+where, args, func(scan func(...any) error) error {
		var c tolem.DeskCancellation
		var requested, decided, approved int64
		var data []byte
		err := scan(&c.Bank, &c.Receipt, &c.Seq, &c.Code, &c.RequestedBy, &requested, &c.DecidedBy, &decided, &approved, &data)
		if err != nil {
			return err
		}
		f, err := tx.db.open(data, cancellationContext(c))
		if err != nil {
			return err
		}
		c.RequestedAt, c.DecidedAt, c.Approved, c.Reason = instant(requested), instant(decided), approved != 0, f.text()
		list = append(list, c)
		return f.err
	})
	if err != nil {
		return nil, fmt.Errorf("read cancellations: %w", err)
	}
	return list, nil
}

// SettleDeskPayments marks up to limit planned payments of a day, or of one
// before, as settled (WP-119). From then on no cancellation of them can be
// asked for. Those that change meanwhile are left as they are.
func (tx *Tx) SettleDeskPayments(day tolem.Day, limit int) error {
	return tx.exec(single{
		text: `UPDATE desk_payment SET status = 'settled', version = version + 1 WHERE status = 'planned' AND day <= $1
			AND id IN (SELECT p.id FROM desk_payment p WHERE p.status = 'planned' AND p.day <= $1 LIMIT $2)`,
		args: []any{int64(day), int64(limit)}, want: anyRows,
	})
}

// PlannedUntil reports whether a payment of a day, or of one before, is planned.
func (tx *Tx) PlannedUntil(day tolem.Day) (planned bool, err error) {
	err = tx.db.query(tx.ctx, `SELECT 1 FROM desk_payment WHERE status = 'planned' AND day <= $1 LIMIT 1`, []any{int64(day)},
		func(scan func(...any) error) error {
			planned = true
			return scan(new(int64))
		})
	if err != nil {
		return false, fmt.Errorf("look for planned payments until %s: %w", day, err)
	}
	return planned, nil
}
