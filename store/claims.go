package store

import (
	"fmt"

	"tolem"
)

// StoredClaim is a claim with its signed document.
type StoredClaim struct {
	tolem.Claim
	Document []byte
}

const claimColumns = `number, day, bank, register, currency, row_count, amount, document, made_at, due_at`

// InsertClaim stores a claim, to be presented to its bank at once. If it is there
// already, the closure is run again.
func (tx *Tx) InsertClaim(c StoredClaim) error {
	err := tx.exec(single{
		text: `INSERT INTO claim (` + claimColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		args: []any{
			string(c.Number), int64(c.Day), string(c.Bank), string(c.Register), string(c.Amount.Currency), c.Count, c.Amount.Minor,
			c.Document, micros(c.MadeAt), micros(c.DueAt),
		},
		want: 1,
	}, claimKey(c.Number))
	if err != nil {
		return err
	}
	return tx.insertClaimCall(c)
}

func claimKey(n tolem.ClaimNumber) guardKey { return guardKey{table: "claim", name: string(n)} }

// Claim returns a claim, or ErrNotFound.
func (tx *Tx) Claim(n tolem.ClaimNumber) (StoredClaim, error) {
	list, err := tx.listClaims("WHERE number = $1", string(n))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("claim %s: %w", n, ErrNotFound)
	}
	if err != nil {
		return StoredClaim{}, err
	}
	return list[0], nil
}

// Claims lists claims of days, both included, by number behind a place, at
// most limit; all banks' if bank is empty.
func (tx *Tx) Claims(bank tolem.ParticipantID, from, to tolem.Day, after tolem.ClaimNumber, limit int) ([]StoredClaim, error) {
	where := "WHERE day >= $1 AND day <= $2 AND number > $3"
	args := []any{int64(from), int64(to), string(after)}
	if bank != "" {
		where, args = where+" AND bank = $4", append(args, string(bank))
	}
	args = append(args, limit)
	return tx.listClaims(fmt.Sprintf("%s ORDER BY number LIMIT $%d", where, len(args)), args...)
}

func (tx *Tx) listClaims(where string, args ...any) ([]StoredClaim, error) {
	var list []StoredClaim
	err := tx.db.query(tx.ctx, "SELECT "+claimColumns+" FROM claim "+where, args, func(scan func(...any) error) error {
		var c StoredClaim
		var day, madeAt, dueAt int64
		err := scan(&c.Number, &day, &c.Bank, &c.Register, &c.Amount.Currency, &c.Count, &c.Amount.Minor, &c.Document, &madeAt, &dueAt)
		c.Day, c.MadeAt, c.DueAt = tolem.Day(day), instant(madeAt), instant(dueAt)
		list = append(list, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list claims: %w", err)
	}
	return list, nil
}

// ClaimSteps returns what happened to a claim, oldest first.
func (tx *Tx) ClaimSteps(n tolem.ClaimNumber) ([]tolem.ClaimStep, error) {
	var steps []tolem.ClaimStep
	err := tx.db.query(tx.ctx, `SELECT state, who, amount, note, at FROM claim_step WHERE number = $1 ORDER BY line`, []any{string(n)},
		func(scan func(...any) error) error {
			var s tolem.ClaimStep
			var at int64
			err := scan(&s.State, &s.Who, &s.Paid, &s.Note, &at)
			s.At = instant(at)
			steps = append(steps, s)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("steps of claim %s: %w", n, err)
	}
	return steps, nil
}

// AddClaimStep stores what happened next to a claim. Line is the number of
// steps it has; if another step was stored meanwhile, the closure is run again.
func (tx *Tx) AddClaimStep(n tolem.ClaimNumber, line int, s tolem.ClaimStep) error {
	return tx.exec(single{
		text: `INSERT INTO claim_step (number, line, state, who, amount, note, at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (number, line) DO NOTHING`,
		args: []any{string(n), int64(line), string(s.State), s.Who, s.Paid, s.Note, micros(s.At)}, want: 1,
	}, claimKey(n))
}
