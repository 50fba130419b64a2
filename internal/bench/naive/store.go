package naive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Store keeps codes, payments, messages and requests in plain tables, one
// database transaction a call.
type Store struct{ db *sql.DB }

// Code is a payment code that can be paid.
type Code struct {
	Number              int64
	Bank, Service       string
	Provider, Recipient string
	Amount              int64
	Currency            string
}

// Notification is a payment with the messages that tell of it.
type Notification struct {
	Code
	RequestID, BankRef, Channel, Account string
	PaidAt, ReceivedAt                   time.Time
	Request, Answer                      []byte
}

// schema is the same for both databases; BYTES stands for the type of bytes.
const schema = `
CREATE TABLE plain_code (number BIGINT PRIMARY KEY, state TEXT NOT NULL, bank TEXT NOT NULL, service TEXT NOT NULL,
	provider TEXT NOT NULL, recipient TEXT NOT NULL, amount BIGINT NOT NULL, currency TEXT NOT NULL, paid_at BIGINT NOT NULL);
CREATE INDEX plain_code_recipient ON plain_code (recipient);
CREATE TABLE plain_payment (code BIGINT PRIMARY KEY, bank TEXT NOT NULL, bank_ref TEXT NOT NULL, amount BIGINT NOT NULL,
	currency TEXT NOT NULL, channel TEXT NOT NULL, account TEXT NOT NULL, recipient TEXT NOT NULL, paid_at BIGINT NOT NULL, received_at BIGINT NOT NULL);
CREATE TABLE plain_message (code BIGINT NOT NULL, request TEXT NOT NULL, direction TEXT NOT NULL, at BIGINT NOT NULL, raw BYTES NOT NULL,
	PRIMARY KEY (code, request, direction));
CREATE TABLE plain_request (bank TEXT NOT NULL, id TEXT NOT NULL, code BIGINT NOT NULL, result TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (bank, id));`

// Opened returns the store in an open database, making its tables if they are
// not there.
func Opened(ctx context.Context, db *sql.DB, bytesType string) (*Store, error) {
	if _, err := db.ExecContext(ctx, "SELECT 1 FROM plain_code"); err != nil {
		for statement := range strings.SplitSeq(strings.ReplaceAll(schema, "BYTES", bytesType), ";") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return nil, err
			}
		}
	}
	return &Store{db: db}, nil
}

const (
	findRequest = `SELECT code FROM plain_request WHERE bank = $1 AND id = $2`
	payCode     = `UPDATE plain_code SET state = 'PAID', paid_at = $1 WHERE number = $2 AND state = 'ISSUED'
		AND bank = $3 AND service = $4 AND provider = $5 AND recipient = $6 AND amount = $7 AND currency = $8`
	addPayment = `INSERT INTO plain_payment (code, bank, bank_ref, amount, currency, channel, account, recipient, paid_at, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	addMessage = `INSERT INTO plain_message (code, request, direction, at, raw) VALUES ($1, $2, $3, $4, $5)`
	addRequest = `INSERT INTO plain_request (bank, id, code, result, at) VALUES ($1, $2, $3, $4, $5)`
)

// AddCodes stores codes that wait for payment.
func (s *Store) AddCodes(ctx context.Context, codes []Code) error {
	return s.transaction(ctx, func(tx *sql.Tx) error {
		add, err := tx.PrepareContext(ctx, `INSERT INTO plain_code (number, state, bank, service, provider, recipient, amount, currency, paid_at)
			VALUES ($1, 'ISSUED', $2, $3, $4, $5, $6, $7, 0)`)
		if err != nil {
			return err
		}
		defer add.Close()
		for _, c := range codes {
			if _, err := add.ExecContext(ctx, c.Number, c.Bank, c.Service, c.Provider, c.Recipient, c.Amount, c.Currency); err != nil {
				return err
			}
		}
		return nil
	})
}

// errSeen reports a request that was answered before.
var errSeen = errors.New("request was answered before")

// Pay records a payment with both messages, all or nothing.
func (s *Store) Pay(ctx context.Context, n Notification) error {
	return s.transaction(ctx, func(tx *sql.Tx) error {
		var earlier int64
		if err := tx.QueryRowContext(ctx, findRequest, n.Bank, n.RequestID).Scan(&earlier); !errors.Is(err, sql.ErrNoRows) {
			return errors.Join(errSeen, err)
		}
		changed, err := tx.ExecContext(ctx, payCode, n.PaidAt.UnixMicro(), n.Number, n.Bank, n.Service, n.Provider,
			n.Recipient, n.Amount, n.Currency)
		if err != nil {
			return err
		}
		if rows, err := changed.RowsAffected(); err != nil || rows != 1 {
			return errors.Join(fmt.Errorf("code %d cannot be paid", n.Number), err)
		}
		if _, err := tx.ExecContext(ctx, addPayment, n.Number, n.Bank, n.BankRef, n.Amount, n.Currency, n.Channel,
			n.Account, n.Recipient, n.PaidAt.UnixMicro(), n.ReceivedAt.UnixMicro()); err != nil {
			return err
		}
		return s.keep(ctx, tx, n)
	})
}

// keep stores both messages and the record of the request.
func (s *Store) keep(ctx context.Context, tx *sql.Tx, n Notification) error {
	at := n.ReceivedAt.UnixMicro()
	for _, m := range []struct {
		direction string
		raw       []byte
	}{{"in", n.Request}, {"out", n.Answer}} {
		if _, err := tx.ExecContext(ctx, addMessage, n.Number, n.RequestID, m.direction, at, m.raw); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, addRequest, n.Bank, n.RequestID, n.Number, "OK", at)
	return err
}

func (s *Store) transaction(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
