package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"tolem"
)

// AuditRecord says who did what. Number and Hash are given by AppendAudit.
type AuditRecord struct {
	Bank        tolem.ParticipantID
	Day         tolem.Day
	Actor       string // a tolem.PersonID, or the gateway's operator
	Number      int64  // of the actor's records of that day, from 1
	At          time.Time
	Serial      string // of the certificate, in hexadecimal
	Workstation string
	Action      tolem.Action
	Subject     string // what it was done to
	Outcome     string
	Hash        []byte // keyed: over this record and the hash of the one before
}

// ErrAuditAltered: an audit record is not what was written, or one is missing.
var ErrAuditAltered = errors.New("audit records were altered")

// Limits of an audit record, in bytes. Longer texts are cut.
const (
	maxAuditText    = 200
	maxAuditOutcome = 64
)

// auditChain names the records of one actor on one day.
type auditChain struct {
	bank  tolem.ParticipantID
	day   tolem.Day
	actor string
}

// auditHead is the end of a chain.
type auditHead struct {
	number int64
	hash   []byte
}

// AppendAudit adds a record to the audit, in this transaction. Of two
// transactions that add to one chain at the same time one is run again.
func (tx *Tx) AppendAudit(r AuditRecord) error {
	if _, none := tx.db.vault.(noVault); none {
		return errNoVault // the chain would not be keyed
	}
	chain := auditChain{r.Bank, r.Day, r.Actor}
	head, err := tx.auditHead(chain)
	if err != nil {
		return err
	}
	r.At = tx.now
	r.Number = head.number + 1
	r.Serial, r.Workstation, r.Subject = auditText(r.Serial, maxAuditText), auditText(r.Workstation, maxAuditText), auditText(r.Subject, maxAuditText)
	r.Outcome = auditText(r.Outcome, maxAuditOutcome)
	r.Hash = tx.db.auditHash(head.hash, r)
	err = tx.exec(single{
		text: `INSERT INTO audit (` + auditColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (bank, day, actor, number) DO NOTHING`,
		args: []any{
			string(r.Bank), int64(r.Day), r.Actor, r.Number, micros(r.At), r.Serial, r.Workstation, string(r.Action), r.Subject, r.Outcome, r.Hash,
		},
		want: 1,
	}, guardKey{table: "audit", name: string(r.Bank) + "/" + r.Actor})
	if err != nil {
		return err
	}
	if tx.audited == nil {
		tx.audited = make(map[auditChain]auditHead)
	}
	tx.audited[chain] = auditHead{r.Number, r.Hash}
	return nil
}

const auditColumns = `bank, day, actor, number, at, certificate, workstation, action, subject, outcome, hash`

// auditText makes a text fit to be kept.
func auditText(s string, limit int) string {
	s = shortened(s)
	return shortened(s[:min(len(s), limit)])
}

// auditHead returns where a chain ends, this transaction's own records included.
func (tx *Tx) auditHead(c auditChain) (head auditHead, err error) {
	if head, ok := tx.audited[c]; ok {
		return head, nil
	}
	err = tx.db.query(tx.ctx, `SELECT number, hash FROM audit WHERE bank = $1 AND day = $2 AND actor = $3 ORDER BY number DESC LIMIT 1`,
		[]any{string(c.bank), int64(c.day), c.actor}, func(scan func(...any) error) error { return scan(&head.number, &head.hash) })
	if err != nil {
		return head, fmt.Errorf("read audit: %w", err)
	}
	return head, nil
}

// auditHash is what the vault's key makes of a record and the hash before it.
// The first of a chain has none before it: its place stands in the record.
func (db *DB) auditHash(before []byte, r AuditRecord) []byte {
	f := newFields()
	f.text(string(before))
	f.text(string(r.Bank))
	f.number(int64(r.Day))
	f.text(r.Actor)
	f.number(r.Number)
	f.time(r.At)
	for _, s := range []string{r.Serial, r.Workstation, string(r.Action), r.Subject, r.Outcome} {
		f.text(s)
	}
	return db.vault.Index("audit", f.b)
}

// Audit returns up to limit records of an actor on a day after the number.
func (tx *Tx) Audit(bank tolem.ParticipantID, day tolem.Day, actor string, after int64, limit int) ([]AuditRecord, error) {
	return tx.listAudit(`WHERE bank = $1 AND day = $2 AND actor = $3 AND number > $4 ORDER BY number LIMIT $5`,
		string(bank), int64(day), actor, after, int64(limit))
}

// AuditOfBank returns up to limit records of a bank on a day, actor by actor,
// after the one named by actor and number.
func (tx *Tx) AuditOfBank(bank tolem.ParticipantID, day tolem.Day, actor string, number int64, limit int) ([]AuditRecord, error) {
	return tx.listAudit(`WHERE bank = $1 AND day = $2 AND (actor, number) > ($3, $4) ORDER BY actor, number LIMIT $5`,
		string(bank), int64(day), actor, number, int64(limit))
}

func (tx *Tx) listAudit(where string, args ...any) ([]AuditRecord, error) {
	var list []AuditRecord
	err := tx.db.query(tx.ctx, "SELECT "+auditColumns+" FROM audit "+where, args, func(scan func(...any) error) error {
		var r AuditRecord
		var day, at int64
		err := scan(&r.Bank, &day, &r.Actor, &r.Number, &at, &r.Serial, &r.Workstation, &r.Action, &r.Subject, &r.Outcome, &r.Hash)
		r.Day, r.At = tolem.Day(day), instant(at)
		list = append(list, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	return list, nil
}

// CheckAudit returns ErrAuditAltered unless the record follows the one before
// it: the one of the same actor and day with the number below, or none.
func (tx *Tx) CheckAudit(before *AuditRecord, r AuditRecord) error {
	number, hash := int64(0), []byte(nil)
	if before != nil {
		number, hash = before.Number, before.Hash
	}
	if r.Number != number+1 || !bytes.Equal(r.Hash, tx.db.auditHash(hash, r)) {
		return fmt.Errorf("%s, %s, record %d of %s: %w", r.Bank, r.Day, r.Number, r.Actor, ErrAuditAltered)
	}
	return nil
}

// InsertAuditSeal says where the seal of a bank's day stands in the archive.
// Update returns ErrExists if the day has one.
func (tx *Tx) InsertAuditSeal(bank tolem.ParticipantID, day tolem.Day, evidence MessageID) error {
	return tx.exec(single{
		text: `INSERT INTO audit_seal (bank, day, evidence) VALUES ($1, $2, $3) ON CONFLICT (bank, day) DO NOTHING`,
		args: []any{string(bank), int64(day), evidence[:]}, want: 1, otherwise: fmt.Errorf("seal of the audit: %w", ErrExists),
	})
}

// AuditSeal returns the id of the seal of a bank's day in the archive, or
// ErrNotFound.
func (tx *Tx) AuditSeal(bank tolem.ParticipantID, day tolem.Day) (MessageID, error) {
	var list []MessageID
	err := tx.db.query(tx.ctx, `SELECT evidence FROM audit_seal WHERE bank = $1 AND day = $2`, []any{string(bank), int64(day)},
		func(scan func(...any) error) error {
			var id []byte
			err := scan(&id)
			if err == nil && len(id) != len(MessageID{}) {
				err = fmt.Errorf("audit_seal row: %w", ErrSchema)
			}
			if err == nil {
				list = append(list, MessageID(id))
			}
			return err
		})
	return one(list, err)
}
