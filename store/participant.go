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
func (tx *Tx) register(s single) error {
	if err := tx.exec(s, guardKey{table: "directory"}); err != nil {
		return err
	}
	return tx.exec(single{text: `UPDATE directory SET version = version + 1 WHERE name = 'directory'`, want: 1})
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

// PutParticipant registers a participant or stores its new particulars. Its
// kind stays: Update returns ErrExists if it is registered as another.
func (tx *Tx) PutParticipant(p tolem.Participant) error {
	return tx.register(single{
		text: `INSERT INTO participant (` + participantColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, member_of = excluded.member_of, acts_for = excluded.acts_for,
			suspended = excluded.suspended, contract_no = excluded.contract_no, contract_from = excluded.contract_from,
			contract_until = excluded.contract_until, body_only = excluded.body_only, answer_key = excluded.answer_key
			WHERE participant.kind = excluded.kind`,
		args: []any{
			string(p.ID), string(p.Kind), p.Name, joinList(p.Groups), joinList(p.ActsFor), boolean(p.Suspended), p.ContractNo,
			micros(p.ContractFrom), micros(p.ContractUntil), boolean(p.BodyOnly), string(p.AnswerKey),
		},
		want: 1, otherwise: fmt.Errorf("participant %s of another kind: %w", p.ID, ErrExists),
	})
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
// oldest first.
func (tx *Tx) Certificates() ([]tolem.Certificate, error) {
	return tx.listCertificates("ORDER BY added_at, fingerprint")
}

// Certificate returns one registered certificate, or ErrNotFound.
func (tx *Tx) Certificate(f tolem.Fingerprint) (tolem.Certificate, error) {
	list, err := tx.listCertificates("WHERE fingerprint = $1", f[:])
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("certificate %s: %w", f, ErrNotFound)
	}
	if err != nil {
		return tolem.Certificate{}, err
	}
	return list[0], nil
}

func (tx *Tx) listCertificates(where string, args ...any) ([]tolem.Certificate, error) {
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

// PutCertificate registers a certificate, or withdraws it, or takes it back
// into use; it is never deleted, for it has signed messages. It stays with its
// participant: Update returns ErrExists if it is registered to another.
func (tx *Tx) PutCertificate(c tolem.Certificate) error {
	return tx.register(single{
		text: `INSERT INTO certificate (fingerprint, participant, der, not_after, added_at, withdrawn) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (fingerprint) DO UPDATE SET withdrawn = excluded.withdrawn WHERE certificate.participant = excluded.participant`,
		args: []any{c.Fingerprint[:], string(c.Participant), c.DER, micros(c.NotAfter), micros(c.AddedAt), boolean(c.Withdrawn)},
		want: 1, otherwise: fmt.Errorf("certificate %s of another participant: %w", c.Fingerprint, ErrExists),
	})
}
