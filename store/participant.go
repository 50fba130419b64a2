package store

import (
	"fmt"
	"slices"
	"strings"

	"tolem"
)

// DirectoryVersion returns a number that grows with every change of
// participants, certificates, providers and services. A node that keeps them
// in memory polls it.
func (tx *Tx) DirectoryVersion() (int64, error) {
	var version int64
	err := tx.db.query(tx.ctx, `SELECT version FROM directory WHERE name = 'directory'`, nil, func(scan func(...any) error) error {
		return scan(&version)
	})
	if err != nil {
		return 0, fmt.Errorf("read directory version: %w", err)
	}
	return version, nil
}

// register collects a change of the directory. Changes of it take turns.
func (tx *Tx) register(s single) {
	tx.exec(s, guardKey{table: "directory"})
	tx.exec(single{text: `UPDATE directory SET version = version + 1 WHERE name = 'directory'`, want: 1})
}

const participantColumns = `id, kind, name, member_of, acts_for, suspended, contract_no, contract_from, contract_until, body_only, answer_key`

// Participants returns every participant, by id.
func (tx *Tx) Participants() ([]tolem.Participant, error) {
	return tx.listParticipants("ORDER BY id")
}

// Participant returns one participant, or ErrNotFound.
func (tx *Tx) Participant(id tolem.ParticipantID) (tolem.Participant, error) {
	list, err := tx.listParticipants("WHERE id = $1", string(id))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("participant %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return tolem.Participant{}, err
	}
	return list[0], nil
}

func (tx *Tx) listParticipants(where string, args ...any) ([]tolem.Participant, error) {
	var list []tolem.Participant
	err := tx.db.query(tx.ctx, "SELECT "+participantColumns+" FROM participant "+where, args, func(scan func(...any) error) error {
		var p tolem.Participant
		var groups, actsFor string
		var suspended, bodyOnly, from, until int64
		err := scan(&p.ID, &p.Kind, &p.Name, &groups, &actsFor, &suspended, &p.ContractNo, &from, &until, &bodyOnly, &p.AnswerKey)
		p.Groups, p.ActsFor = splitList[tolem.Group](groups), splitList[tolem.ParticipantID](actsFor)
		p.Suspended, p.BodyOnly = suspended != 0, bodyOnly != 0
		p.ContractFrom, p.ContractUntil = instant(from), instant(until)
		list = append(list, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list participants: %w", err)
	}
	return list, nil
}

// AddParticipant registers a participant. Update returns ErrExists if the id
// is taken.
func (tx *Tx) AddParticipant(p tolem.Participant) {
	tx.register(single{
		text: `INSERT INTO participant (` + participantColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING`,
		args: participantValues(p), want: 1, otherwise: fmt.Errorf("participant %s: %w", p.ID, ErrExists),
	})
}

// ChangeParticipant stores everything that can change of a participant; its
// id and kind stay. Update returns ErrNotFound if there is none.
func (tx *Tx) ChangeParticipant(p tolem.Participant) {
	v := participantValues(p)
	tx.register(single{
		text: `UPDATE participant SET name = $1, member_of = $2, acts_for = $3, suspended = $4, contract_no = $5, contract_from = $6,
			contract_until = $7, body_only = $8, answer_key = $9 WHERE id = $10`,
		args: append(v[2:len(v):len(v)], v[0]), want: 1, otherwise: fmt.Errorf("participant %s: %w", p.ID, ErrNotFound),
	})
}

func participantValues(p tolem.Participant) []any {
	return []any{
		string(p.ID), string(p.Kind), p.Name, joinList(p.Groups), joinList(p.ActsFor), boolean(p.Suspended), p.ContractNo,
		micros(p.ContractFrom), micros(p.ContractUntil), boolean(p.BodyOnly), string(p.AnswerKey),
	}
}

func boolean(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

// joinList and splitList keep a short list of identifiers in one column.
// Identifiers hold no spaces.
func joinList[S ~string](list []S) string {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = string(s)
	}
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), " ")
}

func splitList[S ~string](s string) []S {
	var list []S
	for part := range strings.FieldsSeq(s) {
		list = append(list, S(part))
	}
	return list
}

// Certificates returns every registered certificate, withdrawn ones included,
// oldest first; those of one participant if it is named.
func (tx *Tx) Certificates(of tolem.ParticipantID) ([]tolem.Certificate, error) {
	where, args := "ORDER BY added_at, fingerprint", []any(nil)
	if of != "" {
		where, args = "WHERE participant = $1 "+where, []any{string(of)}
	}
	var list []tolem.Certificate
	err := tx.db.query(tx.ctx, `SELECT fingerprint, participant, der, not_after, added_at, withdrawn FROM certificate `+where, args,
		func(scan func(...any) error) error {
			var c tolem.Certificate
			var fingerprint []byte
			var notAfter, addedAt, withdrawn int64
			err := scan(&fingerprint, &c.Participant, &c.DER, &notAfter, &addedAt, &withdrawn)
			copy(c.Fingerprint[:], fingerprint)
			c.NotAfter, c.AddedAt, c.Withdrawn = instant(notAfter), instant(addedAt), withdrawn != 0
			list = append(list, c)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list certificates: %w", err)
	}
	return list, nil
}

// AddCertificate registers a certificate to a participant. Update returns
// ErrExists if it is registered already, to whomever.
func (tx *Tx) AddCertificate(c tolem.Certificate) {
	added := c.AddedAt
	if added.IsZero() {
		added = tx.now
	}
	tx.register(single{
		text: `INSERT INTO certificate (fingerprint, participant, der, not_after, added_at, withdrawn) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (fingerprint) DO NOTHING`,
		args: []any{c.Fingerprint[:], string(c.Participant), c.DER, micros(c.NotAfter), micros(added), boolean(c.Withdrawn)},
		want: 1, otherwise: fmt.Errorf("certificate %s: %w", c.Fingerprint, ErrExists),
	})
}

// WithdrawCertificate ends the use of a certificate. It stays in the register,
// for it has signed messages.
func (tx *Tx) WithdrawCertificate(p tolem.ParticipantID, f tolem.Fingerprint) {
	tx.register(single{
		text: `UPDATE certificate SET withdrawn = 1 WHERE fingerprint = $1 AND participant = $2`,
		args: []any{f[:], string(p)}, want: 1, otherwise: fmt.Errorf("certificate %s of %s: %w", f, p, ErrNotFound),
	})
}
