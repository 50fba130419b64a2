package store

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"tolem"
)

const attemptColumns = `id, checkout, number, code, method, bank, amount, currency, state, version, reason, bank_ref, paid_at,
	started_at, decided_at, ask_at, asked, data`

// AttemptStep is one line in the history of an attempt.
type AttemptStep struct {
	Version int64
	State   tolem.AttemptState
	At      time.Time
}

// holds names what no other attempt may be for while this one is open.
//
// What a payment from an account holds is the payment, even when it has got its
// code.
func holds(a tolem.Attempt) string {
	switch {
	case !a.State.Open():
		return ""
	case a.Method == tolem.MethodCard:
		return "code/" + strconv.FormatInt(int64(a.Code), 10)
	}
	return "payment/" + string(a.Payment)
}

// InsertPayAttempt stores an attempt that began, in the first of the states it
// came through and then the others. If the payment has one of this number, the
// closure is run again. Update returns ErrHeld if the attempt is open and another
// for the same code or payment is.
func (tx *Tx) InsertPayAttempt(a tolem.Attempt, through ...tolem.AttemptState) error {
	data, err := tx.sealAttempt(a)
	if err != nil {
		return err
	}
	err = tx.exec(single{
		text: `INSERT INTO attempt (` + attemptColumns + `)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING`,
		args: []any{
			string(a.ID), string(a.Payment), int64(a.Number), int64(a.Code), string(a.Method), string(a.Bank), a.Amount.Minor, string(a.Amount.Currency),
			string(a.State), a.Version, string(a.Reason), string(a.BankRef), micros(a.PaidAt), micros(a.StartedAt), micros(a.DecidedAt),
			micros(a.AskAt), int64(a.Asked), data,
		},
		want: 1,
	}, attemptKey(a.ID))
	if err != nil {
		return err
	}
	return cmp.Or(tx.hold("", holds(a), a.ID), tx.attemptSteps(a, through))
}

// hold takes what an attempt is for, or lets it go.
func (tx *Tx) hold(before, now string, id tolem.AttemptID) error {
	switch {
	case before == now:
		return nil
	case now == "":
		return tx.exec(single{text: `DELETE FROM attempt_hold WHERE name = $1 AND attempt = $2`, args: []any{before, string(id)}, want: 1},
			guardKey{table: "attempt_hold", name: before})
	case before == "":
		return tx.exec(single{
			text: `INSERT INTO attempt_hold (name, attempt) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, args: []any{now, string(id)},
			want: 1, otherwise: ErrHeld,
		}, guardKey{table: "attempt_hold", name: now})
	}
	return fmt.Errorf("attempt %s: holds %s and cannot hold %s", id, before, now)
}

// ChangePayAttempt stores what became of an attempt, which came through the
// given states since it was read, none if its state stays. If it has changed
// since, the closure is run again.
//
// Update returns ErrHeld if the attempt is open now, was not, and another is.
func (tx *Tx) ChangePayAttempt(before, a tolem.Attempt, through ...tolem.AttemptState) error {
	if a.Version < before.Version+max(1, int64(len(through))) {
		return fmt.Errorf("change of attempt: version %d does not follow %d by %d steps", a.Version, before.Version, len(through))
	}
	data, err := tx.sealAttempt(a)
	if err != nil {
		return err
	}
	s := single{
		text: `UPDATE attempt SET code = $1, bank = $2, state = $3, version = $4, reason = $5, bank_ref = $6, paid_at = $7, decided_at = $8,
			ask_at = $9, asked = $10, data = $11 WHERE id = $12 AND version = $13`,
		args: []any{
			int64(a.Code), string(a.Bank), string(a.State), a.Version, string(a.Reason), string(a.BankRef), micros(a.PaidAt), micros(a.DecidedAt),
			micros(a.AskAt), int64(a.Asked), data, string(a.ID), before.Version,
		},
		want: 1,
	}
	if err := tx.exec(s, attemptKey(a.ID)); err != nil {
		return err
	}
	return cmp.Or(tx.hold(holds(before), holds(a), a.ID), tx.attemptSteps(a, through))
}

func attemptKey(id tolem.AttemptID) guardKey { return guardKey{table: "attempt", name: string(id)} }

func (tx *Tx) attemptSteps(a tolem.Attempt, through []tolem.AttemptState) error {
	for i, state := range through {
		err := tx.exec(single{
			text: `INSERT INTO attempt_step (attempt, version, state, at) VALUES ($1, $2, $3, $4) ON CONFLICT (attempt, version) DO NOTHING`,
			args: []any{string(a.ID), a.Version - int64(len(through)-1-i), string(state), micros(tx.now)}, want: 1,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) sealAttempt(a tolem.Attempt) ([]byte, error) {
	f := newFields()
	f.text(a.Masked)
	f.text(a.BankCode)
	f.text(a.BankText)
	f.text(a.ReverseBy)
	f.text(a.ReverseWhy)
	return tx.seal(f, attemptContext(a.ID))
}

func attemptContext(id tolem.AttemptID) string { return "attempt/" + string(id) }

// PayAttempt returns one attempt, or ErrNotFound.
func (tx *Tx) PayAttempt(id tolem.AttemptID) (tolem.Attempt, error) {
	return one(tx.listAttempts("WHERE id = $1", string(id)))
}

// AttemptsOfCheckout returns the attempts of a checkout, newest first.
func (tx *Tx) AttemptsOfCheckout(id tolem.PaymentID) ([]tolem.Attempt, error) {
	return tx.listAttempts("WHERE checkout = $1 ORDER BY number DESC", string(id))
}

// AttemptsOfCode returns the attempts for a code, newest first.
func (tx *Tx) AttemptsOfCode(n tolem.CodeNumber) ([]tolem.Attempt, error) {
	return tx.listAttempts("WHERE code = $1 AND code > 0 ORDER BY started_at DESC, id", int64(n))
}

// DueBanks returns the banks that are to be asked about an attempt.
func (tx *Tx) DueBanks() ([]tolem.ParticipantID, error) {
	var list []tolem.ParticipantID
	err := tx.db.query(tx.ctx, `SELECT DISTINCT bank FROM attempt WHERE ask_at > 0 AND ask_at <= $1 ORDER BY bank`, []any{micros(tx.now)},
		func(scan func(...any) error) error {
			var bank tolem.ParticipantID
			err := scan(&bank)
			list = append(list, bank)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return list, nil
}

// DueAttempts returns attempts about which a bank is to be asked, the longest
// due first, at most limit.
func (tx *Tx) DueAttempts(bank tolem.ParticipantID, limit int) ([]tolem.Attempt, error) {
	return tx.listAttempts("WHERE bank = $1 AND ask_at > 0 AND ask_at <= $2 ORDER BY ask_at, id LIMIT $3", string(bank), micros(tx.now), int64(limit))
}

// ClaimAttempt takes a due attempt for one question: nobody else asks before
// until. Update returns ErrLease if somebody was faster.
func (tx *Tx) ClaimAttempt(a tolem.Attempt, until time.Time) error {
	return tx.exec(single{
		text: `UPDATE attempt SET ask_at = $1 WHERE id = $2 AND version = $3 AND ask_at = $4`,
		args: []any{micros(until), string(a.ID), a.Version, micros(a.AskAt)},
		want: 1, otherwise: fmt.Errorf("attempt %s: %w", a.ID, ErrLease),
	}, attemptKey(a.ID))
}

// AttemptSteps returns the history of an attempt, oldest first.
func (tx *Tx) AttemptSteps(id tolem.AttemptID) ([]AttemptStep, error) {
	var list []AttemptStep
	err := tx.db.query(tx.ctx, `SELECT version, state, at FROM attempt_step WHERE attempt = $1 ORDER BY version`, []any{string(id)},
		func(scan func(...any) error) error {
			var s AttemptStep
			var at int64
			err := scan(&s.Version, &s.State, &at)
			s.At = instant(at)
			list = append(list, s)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read history of an attempt: %w", err)
	}
	return list, nil
}

func (tx *Tx) listAttempts(where string, args ...any) ([]tolem.Attempt, error) {
	var list []tolem.Attempt
	err := tx.db.query(tx.ctx, "SELECT "+attemptColumns+" FROM attempt "+where, args, func(scan func(...any) error) error {
		a, err := tx.db.scanAttempt(scan)
		list = append(list, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return list, nil
}

func (db *DB) scanAttempt(scan func(...any) error) (tolem.Attempt, error) {
	var a tolem.Attempt
	var paid, started, decided, ask int64
	var data []byte
	err := scan(&a.ID, &a.Payment, &a.Number, &a.Code, &a.Method, &a.Bank, &a.Amount.Minor, &a.Amount.Currency, &a.State, &a.Version, &a.Reason,
		&a.BankRef, &paid, &started, &decided, &ask, &a.Asked, &data)
	if err != nil {
		return a, err
	}
	f, err := db.open(data, attemptContext(a.ID))
	if err != nil {
		return a, err
	}
	a.Masked, a.BankCode, a.BankText, a.ReverseBy, a.ReverseWhy = f.text(), f.text(), f.text(), f.text(), f.text()
	a.PaidAt, a.StartedAt, a.DecidedAt, a.AskAt = instant(paid), instant(started), instant(decided), instant(ask)
	return a, f.err
}
