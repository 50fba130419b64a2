package store

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"tolem"
)

// Errors of the payment page.
var (
	// ErrTaken: the token has brought somebody to the page before.
	ErrTaken = errors.New("the token was used before")
	// ErrHeld: another attempt for the same code or payment is open.
	ErrHeld = errors.New("another attempt is open")
)

const checkoutColumns = `id, version, kind, state, participant, code, service, provider, amount, currency, language,
	created_at, expires_at, redeemed_at, input_by, data`

// InsertCheckout stores a checkout that was started, and the hash of the token
// that leads to it. If that leads to another by now, the closure is run again.
func (tx *Tx) InsertCheckout(c tolem.Checkout, token [sha256.Size]byte) error {
	data, err := tx.sealCheckout(c)
	if err != nil {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO checkout (` + checkoutColumns + `, token_hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
			ON CONFLICT (token_hash) DO NOTHING`,
		args: []any{
			string(c.ID), c.Version, string(c.Kind), int64(c.State), string(c.Participant), int64(c.Code), string(c.Service), string(c.Provider),
			c.Amount.Minor, string(c.Amount.Currency), string(c.Language), micros(c.CreatedAt), micros(c.ExpiresAt), micros(c.RedeemedAt),
			micros(c.InputBy), data, token[:],
		},
		want: 1,
	}, checkoutKey(c.ID))
}

func checkoutKey(id tolem.PaymentID) guardKey { return guardKey{table: "checkout", name: string(id)} }

func (tx *Tx) sealCheckout(c tolem.Checkout) ([]byte, error) {
	f := newFields()
	f.text(c.Recipient.Reveal())
	f.text(c.RecipientName)
	f.text(string(c.RequestNo))
	f.text(c.Details)
	f.text(c.ReturnURL)
	return tx.seal(f, checkoutContext(c.ID))
}

func checkoutContext(id tolem.PaymentID) string { return "checkout/" + string(id) }

// ChangeCheckout stores how far the payer has come. If the checkout has changed
// since it was read, the closure is run again.
func (tx *Tx) ChangeCheckout(c tolem.Checkout) error {
	return tx.exec(single{
		text: `UPDATE checkout SET version = version + 1, state = $1, code = $2, redeemed_at = $3, input_by = $4 WHERE id = $5 AND version = $6`,
		args: []any{int64(c.State), int64(c.Code), micros(c.RedeemedAt), micros(c.InputBy), string(c.ID), c.Version},
		want: 1,
	}, checkoutKey(c.ID))
}

// Checkout returns one checkout, or ErrNotFound.
func (tx *Tx) Checkout(id tolem.PaymentID) (tolem.Checkout, error) {
	return one(tx.listCheckouts("WHERE id = $1", string(id)))
}

// CheckoutByToken returns the checkout that a token leads to, or ErrNotFound.
func (tx *Tx) CheckoutByToken(token [sha256.Size]byte) (tolem.Checkout, error) {
	return one(tx.listCheckouts("WHERE token_hash = $1", token[:]))
}

func one[T any](list []T, err error) (T, error) {
	var none T
	switch {
	case err != nil:
		return none, err
	case len(list) == 0:
		return none, ErrNotFound
	}
	return list[0], nil
}

// IdleCheckouts returns checkouts whose payer has entered nothing in time, at
// most limit.
func (tx *Tx) IdleCheckouts(limit int) ([]tolem.Checkout, error) {
	return tx.listCheckouts("WHERE input_by > 0 AND input_by <= $1 ORDER BY input_by LIMIT $2", micros(tx.now), int64(limit))
}

func (tx *Tx) listCheckouts(where string, args ...any) ([]tolem.Checkout, error) {
	var list []tolem.Checkout
	err := tx.db.query(tx.ctx, "SELECT "+checkoutColumns+" FROM checkout "+where, args, func(scan func(...any) error) error {
		c, err := tx.db.scanCheckout(scan)
		list = append(list, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read checkout: %w", err)
	}
	return list, nil
}

func (db *DB) scanCheckout(scan func(...any) error) (tolem.Checkout, error) {
	var c tolem.Checkout
	var created, expires, redeemed, input int64
	var data []byte
	err := scan(&c.ID, &c.Version, &c.Kind, &c.State, &c.Participant, &c.Code, &c.Service, &c.Provider, &c.Amount.Minor,
		&c.Amount.Currency, &c.Language, &created, &expires, &redeemed, &input, &data)
	if err != nil {
		return c, err
	}
	f, err := db.open(data, checkoutContext(c.ID))
	if err != nil {
		return c, err
	}
	c.Recipient, c.RecipientName, c.RequestNo = tolem.IIN(f.text()), f.text(), tolem.RequestNo(f.text())
	c.Details, c.ReturnURL = f.text(), f.text()
	c.CreatedAt, c.ExpiresAt, c.RedeemedAt, c.InputBy = instant(created), instant(expires), instant(redeemed), instant(input)
	return c, f.err
}

// RedeemCheckout stores that the payer has come. A token brings one browser to
// the page: Update returns ErrTaken if it has done so before.
func (tx *Tx) RedeemCheckout(c tolem.Checkout) error {
	return tx.exec(single{
		text: `UPDATE checkout SET version = version + 1, state = $1, redeemed_at = $2, input_by = $3
			WHERE id = $4 AND version = $5 AND redeemed_at = 0`,
		args: []any{int64(c.State), micros(c.RedeemedAt), micros(c.InputBy), string(c.ID), c.Version},
		want: 1, otherwise: ErrTaken,
	}, checkoutKey(c.ID))
}

// AddReturnAddress registers an address under which payers may be sent back.
func (tx *Tx) AddReturnAddress(p tolem.ParticipantID, address string) error {
	return tx.exec(single{
		text: `INSERT INTO return_address (participant, address) VALUES ($1, $2) ON CONFLICT (participant, address) DO NOTHING`,
		args: []any{string(p), address}, want: anyRows,
	})
}

// RemoveReturnAddress removes one; Update returns ErrNotFound if there is none.
func (tx *Tx) RemoveReturnAddress(p tolem.ParticipantID, address string) error {
	return tx.exec(single{
		text: `DELETE FROM return_address WHERE participant = $1 AND address = $2`,
		args: []any{string(p), address}, want: 1, otherwise: fmt.Errorf("return address: %w", ErrNotFound),
	})
}

// ReturnAddresses returns the registered addresses of a participant.
func (tx *Tx) ReturnAddresses(p tolem.ParticipantID) ([]string, error) {
	var list []string
	err := tx.db.query(tx.ctx, `SELECT address FROM return_address WHERE participant = $1 ORDER BY address`, []any{string(p)},
		func(scan func(...any) error) error {
			var address string
			err := scan(&address)
			list = append(list, address)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read return addresses: %w", err)
	}
	return list, nil
}
