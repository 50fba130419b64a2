package store

import (
	"fmt"
	"time"

	"tolem"
)

// ClaimCall says how far a claim has been presented to its bank. Every claim has
// one from the start.
type ClaimCall struct {
	Number  tolem.ClaimNumber
	Bank    tolem.ParticipantID
	Version int64
	Outcome string    // the bank's last word, empty if there is none
	Tried   int       // calls in a row that were not answered
	CallAt  time.Time // when the bank is called next; zero: not any more
}

func callKey(n tolem.ClaimNumber) guardKey { return guardKey{table: "claim_call", name: string(n)} }

func (tx *Tx) insertClaimCall(c StoredClaim) error {
	return tx.exec(single{
		text: `INSERT INTO claim_call (number, bank, version, outcome, tried, call_at) VALUES ($1, $2, 1, '', 0, $3) ON CONFLICT DO NOTHING`,
		args: []any{string(c.Number), string(c.Bank), micros(c.MadeAt)}, want: 1,
	}, callKey(c.Number))
}

// ChangeClaimCall stores how far a claim is. If it has changed since it was
// read, the closure is run again.
func (tx *Tx) ChangeClaimCall(before, now ClaimCall) error {
	return tx.exec(single{
		text: `UPDATE claim_call SET version = version + 1, outcome = $1, tried = $2, call_at = $3 WHERE number = $4 AND version = $5`,
		args: []any{now.Outcome, int64(now.Tried), micros(now.CallAt), string(before.Number), before.Version}, want: 1,
	}, callKey(before.Number))
}

// ClaimCall returns how far a claim is, or ErrNotFound.
func (tx *Tx) ClaimCall(n tolem.ClaimNumber) (ClaimCall, error) {
	return one(tx.listClaimCalls("WHERE number = $1", string(n)))
}

// DueClaimCalls returns the claims with which a bank is to be called, the
// longest due first, at most limit.
func (tx *Tx) DueClaimCalls(bank tolem.ParticipantID, limit int) ([]ClaimCall, error) {
	return tx.listClaimCalls("WHERE bank = $1 AND call_at > 0 AND call_at <= $2 ORDER BY call_at, number LIMIT $3", string(bank), micros(tx.now), int64(limit))
}

func (tx *Tx) listClaimCalls(where string, args ...any) ([]ClaimCall, error) {
	var list []ClaimCall
	err := tx.db.query(tx.ctx, "SELECT number, bank, version, outcome, tried, call_at FROM claim_call "+where, args, func(scan func(...any) error) error {
		var c ClaimCall
		var at int64
		err := scan(&c.Number, &c.Bank, &c.Version, &c.Outcome, &c.Tried, &at)
		c.CallAt = instant(at)
		list = append(list, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read calls about claims: %w", err)
	}
	return list, nil
}

// Unreturned is a refunded payment whose money the bank has not given back.
type Unreturned struct {
	Code    tolem.CodeNumber
	Bank    tolem.ParticipantID
	BankRef tolem.BankRef // of the payment
	Amount  tolem.Money
	At      time.Time
	Claim   tolem.ClaimNumber // empty: not claimed yet
}

func unreturnedKey(n tolem.CodeNumber) guardKey {
	return guardKey{table: "unreturned", name: n.String()}
}

// AddUnreturned stores that a bank keeps the money of a refunded payment. What
// is known already stays as it is.
func (tx *Tx) AddUnreturned(u Unreturned) error {
	known, err := tx.listUnreturned("WHERE code = $1", int64(u.Code))
	if err != nil || len(known) > 0 {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO unreturned (code, bank, bank_ref, amount, currency, at, claim) VALUES ($1, $2, $3, $4, $5, $6, '') ON CONFLICT DO NOTHING`,
		args: []any{int64(u.Code), string(u.Bank), string(u.BankRef), u.Amount.Minor, string(u.Amount.Currency), micros(tx.now)}, want: 1,
	}, unreturnedKey(u.Code))
}

// Unreturned returns what a bank keeps of a refunded payment, or ErrNotFound.
func (tx *Tx) Unreturned(n tolem.CodeNumber) (Unreturned, error) {
	return one(tx.listUnreturned("WHERE code = $1", int64(n)))
}

// Unclaimed returns what banks keep and nobody has claimed yet, the oldest first,
// at most limit.
func (tx *Tx) Unclaimed(limit int) ([]Unreturned, error) {
	return tx.listUnreturned("WHERE claim = '' ORDER BY at, code LIMIT $1", int64(limit))
}

// SetClaimed stores by which claim the money is claimed.
func (tx *Tx) SetClaimed(n tolem.CodeNumber, claim tolem.ClaimNumber) error {
	return tx.exec(single{
		text: `UPDATE unreturned SET claim = $1 WHERE code = $2 AND (claim = '' OR claim = $3)`, args: []any{string(claim), int64(n), string(claim)}, want: 1,
	}, unreturnedKey(n))
}

func (tx *Tx) listUnreturned(where string, args ...any) ([]Unreturned, error) {
	var list []Unreturned
	err := tx.db.query(tx.ctx, "SELECT code, bank, bank_ref, amount, currency, at, claim FROM unreturned "+where, args, func(scan func(...any) error) error {
		var u Unreturned
		var at int64
		err := scan(&u.Code, &u.Bank, &u.BankRef, &u.Amount.Minor, &u.Amount.Currency, &at, &u.Claim)
		u.At = instant(at)
		list = append(list, u)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read money that was not returned: %w", err)
	}
	return list, nil
}
