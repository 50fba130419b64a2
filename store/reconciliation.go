package store

import (
	"fmt"
	"time"

	"tolem"
)

// Submission is a list that a participant submits for a day, in parts.
type Submission struct {
	Number    tolem.ReconciliationNumber
	By        tolem.ParticipantID
	ID        string // the submitter's own, unique for it
	Day       tolem.Day
	Owner     tolem.Owner
	Seq       int
	Register  tolem.RegisterNumber
	Parts     int
	CreatedAt time.Time
}

const submissionColumns = `number, by_whom, id, day, kind, owner, bank, seq, register, parts, created_at`

// InsertSubmission stores a list before its parts. If its place is taken, the
// closure is run again.
func (tx *Tx) InsertSubmission(s Submission) error {
	return tx.exec(single{
		text: `INSERT INTO submission (` + submissionColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		args: []any{
			string(s.Number), string(s.By), s.ID, int64(s.Day), string(s.Owner.Kind), s.Owner.ID, string(s.Owner.Bank), int64(s.Seq),
			string(s.Register), int64(s.Parts), micros(s.CreatedAt),
		}, want: 1,
	}, guardKey{table: "submission", name: string(s.Owner.Kind) + s.Owner.ID})
}

// Submission returns a list by its number, or ErrNotFound.
func (tx *Tx) Submission(n tolem.ReconciliationNumber) (Submission, error) {
	return tx.oneSubmission("WHERE number = $1", string(n))
}

// SubmissionBy returns a list by its submitter's id, or ErrNotFound.
func (tx *Tx) SubmissionBy(p tolem.ParticipantID, id string) (Submission, error) {
	return tx.oneSubmission("WHERE by_whom = $1 AND id = $2", string(p), id)
}

// LastSubmission returns the latest list for an owner and day, or ErrNotFound.
func (tx *Tx) LastSubmission(o tolem.Owner, d tolem.Day) (Submission, error) {
	return tx.oneSubmission("WHERE day = $1 AND kind = $2 AND owner = $3 ORDER BY seq DESC LIMIT 1", int64(d), string(o.Kind), o.ID)
}

func (tx *Tx) oneSubmission(where string, args ...any) (Submission, error) {
	list, err := tx.listSubmissions(where, args...)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("submitted list: %w", ErrNotFound)
	}
	if err != nil {
		return Submission{}, err
	}
	return list[0], nil
}

// WaitingSubmissions returns lists that have all their parts and were not
// compared yet, oldest first, at most limit.
func (tx *Tx) WaitingSubmissions(limit int) ([]Submission, error) {
	return tx.listSubmissions(`WHERE NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.number = submission.number)
		AND parts = (SELECT count(*) FROM submission_part p WHERE p.number = submission.number) ORDER BY created_at, number LIMIT $1`, limit)
}

func (tx *Tx) listSubmissions(where string, args ...any) ([]Submission, error) {
	var list []Submission
	err := tx.db.query(tx.ctx, "SELECT "+submissionColumns+" FROM submission "+where, args, func(scan func(...any) error) error {
		var s Submission
		var day, createdAt int64
		err := scan(&s.Number, &s.By, &s.ID, &day, &s.Owner.Kind, &s.Owner.ID, &s.Owner.Bank, &s.Seq, &s.Register, &s.Parts, &createdAt)
		s.Day, s.CreatedAt = tolem.Day(day), instant(createdAt)
		list = append(list, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read submitted lists: %w", err)
	}
	return list, nil
}

// SubmissionPart returns a part of a list, counted from 1, or ErrNotFound.
func (tx *Tx) SubmissionPart(n tolem.ReconciliationNumber, part int) ([]byte, error) {
	var data []byte
	found := false
	err := tx.db.query(tx.ctx, `SELECT data FROM submission_part WHERE number = $1 AND part = $2`, []any{string(n), int64(part)},
		func(scan func(...any) error) error {
			found = true
			return scan(&data)
		})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read part %d of %s: %w", part, n, err)
	case !found:
		return nil, fmt.Errorf("part %d of %s: %w", part, n, ErrNotFound)
	}
	return data, nil
}

// SubmissionParts counts the parts that have come.
func (tx *Tx) SubmissionParts(n tolem.ReconciliationNumber) (int, error) {
	var count int
	err := tx.db.query(tx.ctx, `SELECT count(*) FROM submission_part WHERE number = $1`, []any{string(n)}, func(scan func(...any) error) error {
		return scan(&count)
	})
	if err != nil {
		return 0, fmt.Errorf("count parts of %s: %w", n, err)
	}
	return count, nil
}

// InsertSubmissionPart stores a part. If it is there already, the closure is
// run again.
func (tx *Tx) InsertSubmissionPart(n tolem.ReconciliationNumber, part int, data []byte) error {
	return tx.exec(single{
		text: `INSERT INTO submission_part (number, part, data, at) VALUES ($1, $2, $3, $4) ON CONFLICT (number, part) DO NOTHING`,
		args: []any{string(n), int64(part), data, micros(tx.now)}, want: 1,
	}, guardKey{table: "submission", name: string(n)})
}

// Reconciliation is what a comparison came to.
type Reconciliation struct {
	Number    tolem.ReconciliationNumber
	MadeAt    time.Time
	Matched   int64
	Agreed    int64
	Anomalies int64
	Refusal   string // why the list could not be read as one
	Hash      [32]byte
	Document  []byte // signed, compressed with gzip
}

// InsertReconciliation stores the outcome of a comparison. If it is there
// already, the closure is run again.
func (tx *Tx) InsertReconciliation(r Reconciliation) error {
	return tx.exec(single{
		text: `INSERT INTO reconciliation (number, made_at, matched, agreed, anomalies, refusal, hash, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (number) DO NOTHING`,
		args: []any{string(r.Number), micros(r.MadeAt), r.Matched, r.Agreed, r.Anomalies, r.Refusal, r.Hash[:], r.Document}, want: 1,
	}, guardKey{table: "submission", name: string(r.Number)})
}

// Reconciliation returns the outcome of a comparison, or ErrNotFound.
func (tx *Tx) Reconciliation(n tolem.ReconciliationNumber) (r Reconciliation, err error) {
	found := false
	err = tx.db.query(tx.ctx, `SELECT number, made_at, matched, agreed, anomalies, refusal, hash, document FROM reconciliation WHERE number = $1`,
		[]any{string(n)}, func(scan func(...any) error) error {
			var madeAt int64
			var hash []byte
			found = true
			err := scan(&r.Number, &madeAt, &r.Matched, &r.Agreed, &r.Anomalies, &r.Refusal, &hash, &r.Document)
			r.MadeAt = instant(madeAt)
			copy(r.Hash[:], hash)
			return err
		})
	switch {
	case err != nil:
		return r, fmt.Errorf("read reconciliation %s: %w", n, err)
	case !found:
		return r, fmt.Errorf("reconciliation %s: %w", n, ErrNotFound)
	}
	return r, nil
}
