package naive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Committer writes the rows that the gateway's store writes for a notification,
// into the same tables with the same indexes, one database transaction a call.
// Statements are given as texts, as database/sql's documentation has it, or are
// prepared beforehand.
type Committer struct {
	db       *sql.DB
	prepared [stmtCount]*sql.Stmt // nil: by text
}

const (
	stmtRequest = iota
	stmtCode
	stmtChange
	stmtPayment
	stmtStep
	stmtEntry
	stmtLeaf
	stmtRecord
	stmtCount
)

var commitStatements = [stmtCount]string{
	stmtRequest: `SELECT code FROM request WHERE participant = $1 AND id = $2`,
	stmtCode: `SELECT version, state, service, provider, requester, bank, amount, currency, channel, issued_at, expires_at, paid_at, closed_at, data
		FROM code WHERE number = $1`,
	stmtChange: `UPDATE code SET version = $1, state = $2, bank = $3, paid_at = $4, closed_at = $5, data = $6 WHERE number = $7 AND version = $8`,
	stmtPayment: `INSERT INTO payment (code, bank, bank_ref, amount, currency, paid_at, received_at, channel, service, provider, notified_by, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
	stmtStep:  `INSERT INTO step (code, line, event, was, became, at, participant) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
	stmtEntry: `INSERT INTO message (code, id, data) VALUES ($1, $2, $3)`,
	stmtLeaf:  `INSERT INTO leaf_pending (id, code, leaf) VALUES ($1, $2, $3)`,
	stmtRecord: `INSERT INTO request (participant, id, operation, body_hash, signed_info, code, result, answer, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
}

// NewCommitter returns a committer that gives its statements as texts.
func NewCommitter(db *sql.DB) *Committer { return &Committer{db: db} }

// NewPreparedCommitter returns a committer with its statements prepared.
func NewPreparedCommitter(ctx context.Context, db *sql.DB) (*Committer, error) {
	c := NewCommitter(db)
	for i, text := range commitStatements {
		var err error
		if c.prepared[i], err = db.PrepareContext(ctx, text); err != nil {
			return nil, fmt.Errorf("prepare %q: %w", text, err)
		}
	}
	return c, nil
}

func (c *Committer) query(ctx context.Context, tx *sql.Tx, i int, args ...any) *sql.Row {
	if c.prepared[i] == nil {
		return tx.QueryRowContext(ctx, commitStatements[i], args...)
	}
	return tx.StmtContext(ctx, c.prepared[i]).QueryRowContext(ctx, args...)
}

func (c *Committer) exec(ctx context.Context, tx *sql.Tx, i int, args ...any) (sql.Result, error) {
	if c.prepared[i] == nil {
		return tx.ExecContext(ctx, commitStatements[i], args...)
	}
	return tx.StmtContext(ctx, c.prepared[i]).ExecContext(ctx, args...)
}

// Writes is what a notification leaves behind: sealed columns and packed
// messages as bytes.
type Writes struct {
	Code                                       int64
	Bank, Currency, Service, Provider, BankRef string
	Amount, At                                 int64
	RequestID, BodyHash, SignedInfo            []byte
	CodeData, PaymentData                      []byte
	Entry, Packed, Leaf                        []byte // id, packed messages and leaf of the entry in the archive
}

// What stands in the columns that do not differ.
const (
	statePaid    = 2
	stateIssued  = 1
	eventNotify  = 1
	channelCard  = 1
	secondChange = 2 * 16 // line of the first step of the second version
)

// Notify writes one notification.
func (c *Committer) Notify(ctx context.Context, w Writes) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := c.write(ctx, tx, w); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (c *Committer) write(ctx context.Context, tx *sql.Tx, w Writes) error {
	var n int64
	if err := c.query(ctx, tx, stmtRequest, w.Bank, w.RequestID).Scan(&n); !errors.Is(err, sql.ErrNoRows) {
		return errors.Join(errSeen, err)
	}
	version, err := readCode(c.query(ctx, tx, stmtCode, w.Code))
	if err != nil {
		return err
	}
	changed, err := c.exec(ctx, tx, stmtChange, version+1, statePaid, w.Bank, w.At, 0, w.CodeData, w.Code, version)
	if err != nil {
		return err
	}
	if rows, err := changed.RowsAffected(); err != nil || rows != 1 {
		return errors.Join(fmt.Errorf("code %d was changed meanwhile", w.Code), err)
	}
	for _, insert := range []struct {
		stmt int
		args []any
	}{
		{stmtPayment, []any{w.Code, w.Bank, w.BankRef, w.Amount, w.Currency, w.At, w.At, channelCard, w.Service, w.Provider, w.Bank, w.PaymentData}},
		{stmtStep, []any{w.Code, secondChange, eventNotify, stateIssued, statePaid, w.At, w.Bank}},
		{stmtEntry, []any{w.Code, w.Entry, w.Packed}},
		{stmtLeaf, []any{w.Entry, w.Code, w.Leaf}},
		{stmtRecord, []any{w.Bank, w.RequestID, "NotifyPayment", w.BodyHash, w.SignedInfo, w.Code, "OK", w.Entry, w.At}},
	} {
		if _, err := c.exec(ctx, tx, insert.stmt, insert.args...); err != nil {
			return err
		}
	}
	return nil
}

// readCode reads a row of table code as a decision would need it.
func readCode(row *sql.Row) (version int64, err error) {
	var state, amount, channel, issued, expires, paid, closed int64
	var service, provider, requester, bank, currency string
	var data []byte
	err = row.Scan(&version, &state, &service, &provider, &requester, &bank, &amount, &currency, &channel, &issued, &expires, &paid, &closed, &data)
	if err == nil && state != stateIssued {
		err = fmt.Errorf("code is in state %d", state)
	}
	return version, err
}
