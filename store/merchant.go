package store

import (
	"crypto/sha256"
	"fmt"
	"time"

	"tolem"
)

// PutMerchant registers what a merchant sells, or stores its new particulars.
func (tx *Tx) PutMerchant(m tolem.Merchant) error {
	if err := m.Check(); err != nil {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO merchant (participant, bin, services, active) VALUES ($1, $2, $3, $4)
			ON CONFLICT (participant) DO UPDATE SET bin = excluded.bin, services = excluded.services, active = excluded.active`,
		args: []any{string(m.Participant), m.BIN.Reveal(), joinList(m.Services), boolean(m.Active)}, want: 1,
	}, guardKey{table: "merchant", name: string(m.Participant)})
}

// Merchant returns what a participant sells, or ErrNotFound.
func (tx *Tx) Merchant(id tolem.ParticipantID) (tolem.Merchant, error) {
	return one(tx.listMerchants("WHERE participant = $1", string(id)))
}

// Merchants returns every merchant, by id.
func (tx *Tx) Merchants() ([]tolem.Merchant, error) { return tx.listMerchants("ORDER BY participant") }

func (tx *Tx) listMerchants(where string, args ...any) ([]tolem.Merchant, error) {
	var list []tolem.Merchant
	err := tx.db.query(tx.ctx, "SELECT participant, bin, services, active FROM merchant "+where, args, func(scan func(...any) error) error {
		var m tolem.Merchant
		var services string
		var active int64
		err := scan(&m.Participant, &m.BIN, &services, &active)
		m.Services, m.Active = splitList[tolem.ServiceCode](services), active != 0
		list = append(list, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read merchants: %w", err)
	}
	return list, nil
}

const orderColumns = `merchant, order_no, amount, currency, service, code, version, created_at`

// InsertOrder stores an order with its first code. If there is such an order by
// now, the closure is run again.
func (tx *Tx) InsertOrder(o tolem.MerchantOrder) error {
	err := tx.exec(single{
		text: `INSERT INTO merchant_order (` + orderColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (merchant, order_no) DO NOTHING`,
		args: []any{
			string(o.Merchant), string(o.OrderNo), o.Amount.Minor, string(o.Amount.Currency), string(o.Service), int64(o.Code), o.Version, micros(o.CreatedAt),
		},
		want: 1,
	}, orderKey(o))
	if err != nil {
		return err
	}
	return tx.insertOrderCode(o)
}

// RenewOrder gives an order another code. If the order has changed since it was
// read, the closure is run again.
func (tx *Tx) RenewOrder(o tolem.MerchantOrder) error {
	err := tx.exec(single{
		text: `UPDATE merchant_order SET code = $1, version = version + 1 WHERE merchant = $2 AND order_no = $3 AND version = $4`,
		args: []any{int64(o.Code), string(o.Merchant), string(o.OrderNo), o.Version}, want: 1,
	}, orderKey(o))
	if err != nil {
		return err
	}
	return tx.insertOrderCode(o)
}

func (tx *Tx) insertOrderCode(o tolem.MerchantOrder) error {
	return tx.exec(single{
		text: `INSERT INTO merchant_code (code, merchant, order_no) VALUES ($1, $2, $3)`,
		args: []any{int64(o.Code), string(o.Merchant), string(o.OrderNo)}, want: 1,
	})
}

func orderKey(o tolem.MerchantOrder) guardKey {
	return guardKey{table: "merchant_order", name: string(o.Merchant) + " " + string(o.OrderNo)}
}

// Order returns an order, or ErrNotFound.
func (tx *Tx) Order(merchant tolem.ParticipantID, no tolem.RequestNo) (tolem.MerchantOrder, error) {
	return one(tx.listOrders("WHERE merchant = $1 AND order_no = $2", string(merchant), string(no)))
}

// Orders returns orders of a merchant by number, from behind the given one on,
// at most limit.
func (tx *Tx) Orders(merchant tolem.ParticipantID, after tolem.RequestNo, limit int) ([]tolem.MerchantOrder, error) {
	return tx.listOrders("WHERE merchant = $1 AND order_no > $2 ORDER BY order_no LIMIT $3", string(merchant), string(after), int64(limit))
}

func (tx *Tx) listOrders(where string, args ...any) ([]tolem.MerchantOrder, error) {
	var list []tolem.MerchantOrder
	err := tx.db.query(tx.ctx, "SELECT "+orderColumns+" FROM merchant_order "+where, args, func(scan func(...any) error) error {
		var o tolem.MerchantOrder
		var created int64
		err := scan(&o.Merchant, &o.OrderNo, &o.Amount.Minor, &o.Amount.Currency, &o.Service, &o.Code, &o.Version, &created)
		o.CreatedAt = instant(created)
		list = append(list, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read orders: %w", err)
	}
	return list, nil
}

// OrderCodes returns every code that an order has had, in no particular order.
func (tx *Tx) OrderCodes(merchant tolem.ParticipantID, no tolem.RequestNo) ([]tolem.CodeNumber, error) {
	var list []tolem.CodeNumber
	err := tx.db.query(tx.ctx, `SELECT code FROM merchant_code WHERE merchant = $1 AND order_no = $2 ORDER BY code`,
		[]any{string(merchant), string(no)}, func(scan func(...any) error) error {
			var n tolem.CodeNumber
			err := scan(&n)
			list = append(list, n)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read codes of an order: %w", err)
	}
	return list, nil
}

// MerchantResult is what a merchant is told of an order.
type MerchantResult struct {
	Number   string
	Merchant tolem.ParticipantID
	OrderNo  tolem.RequestNo
	Sequence int64 // of the order's results, from 1
	Attempt  tolem.AttemptID
	Code     tolem.CodeNumber
	State    tolem.OrderState
	MadeAt   time.Time
	Document []byte // signed
}

const resultColumns = `number, merchant, order_no, seq, attempt, code, state, made_at, data`

// InsertResult stores a result. If there is one of this number, or another has
// become the order's next, the closure is run again.
func (tx *Tx) InsertResult(r MerchantResult) error {
	f := newFields()
	f.text(string(r.Document))
	data, err := tx.seal(f, resultContext(r.Number))
	if err != nil {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO merchant_result (` + resultColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		args: []any{
			r.Number, string(r.Merchant), string(r.OrderNo), r.Sequence, string(r.Attempt), int64(r.Code), string(r.State), micros(r.MadeAt), data,
		},
		want: 1,
	}, guardKey{table: "merchant_result", name: string(r.Merchant) + " " + string(r.OrderNo)})
}

func resultContext(number string) string { return "result/" + number }

// Result returns the result with this number, or ErrNotFound.
func (tx *Tx) Result(number string) (MerchantResult, error) {
	return one(tx.listResults("WHERE number = $1", number))
}

// Results returns what a merchant was told of an order, in that order.
func (tx *Tx) Results(merchant tolem.ParticipantID, no tolem.RequestNo) ([]MerchantResult, error) {
	return tx.listResults("WHERE merchant = $1 AND order_no = $2 ORDER BY seq", string(merchant), string(no))
}

func (tx *Tx) listResults(where string, args ...any) ([]MerchantResult, error) {
	var list []MerchantResult
	err := tx.db.query(tx.ctx, "SELECT "+resultColumns+" FROM merchant_result "+where, args, func(scan func(...any) error) error {
		var r MerchantResult
		var made int64
		var data []byte
		if err := scan(&r.Number, &r.Merchant, &r.OrderNo, &r.Sequence, &r.Attempt, &r.Code, &r.State, &made, &data); err != nil {
			return err
		}
		f, err := tx.db.open(data, resultContext(r.Number))
		if err != nil {
			return err
		}
		r.MadeAt, r.Document = instant(made), []byte(f.text())
		list = append(list, r)
		return f.err
	})
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return list, nil
}

// CountResults returns how many results an order has.
func (tx *Tx) CountResults(merchant tolem.ParticipantID, no tolem.RequestNo) (n int64, err error) {
	err = tx.db.query(tx.ctx, `SELECT COUNT(*) FROM merchant_result WHERE merchant = $1 AND order_no = $2`, []any{string(merchant), string(no)},
		func(scan func(...any) error) error { return scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("count results: %w", err)
	}
	return n, nil
}

// InsertRefusal notes that a signed redirect was refused for a reason. Update
// returns ErrExists if it was before.
func (tx *Tx) InsertRefusal(text [sha256.Size]byte, outcome string, o tolem.OrderRedirect) error {
	return tx.exec(single{
		text: `INSERT INTO merchant_refusal (hash, outcome, merchant, order_no, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash, outcome) DO NOTHING`,
		args: []any{text[:], outcome, string(o.Merchant), string(o.OrderNo), micros(tx.now)}, want: 1,
		otherwise: fmt.Errorf("refusal of a redirect: %w", ErrExists),
	})
}
