package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"tolem"
	"tolem/archive"
	"tolem/signing/c14n"
	"tolem/store"
)

// Limits of a submitted list.
const (
	MaxParts     = 800
	MaxPartBytes = 640 << 10
	// MaxLists is how many lists may be submitted for one register's day: each
	// is kept, and costs a comparison.
	MaxLists    = 100
	MaxListRows = 1_000_000
	// MaxUnknown bounds the codes of a list that were never issued. A list with
	// more is no list of payments, and telling which of them exist would help
	// somebody who guesses codes.
	MaxUnknown = 1000
)

// Errors of submitted lists.
var (
	// ErrPart: the part contradicts what came before: other content, another
	// number of parts, another day.
	ErrPart = errors.New("the part does not go with those that came before")
	// ErrTooManyLists: MaxLists were submitted for the day already.
	ErrTooManyLists = errors.New("too many lists for the day")
	// ErrEmptyList: the file has no bytes.
	ErrEmptyList = errors.New("the list is empty")
	// ErrPending: the list was not compared yet.
	ErrPending = errors.New("the list is not compared yet")
)

// Part is a part of a list, as its owner submits it.
type Part struct {
	ID    string // of the list, chosen by the submitter
	Owner tolem.Owner
	Day   tolem.Day
	No    int // from 1
	Of    int
	Data  []byte // of a CSV file: see match.ParseCSV
}

// Submit takes a part of a list (GW-P28). The list is compared in the
// background once all parts are there. Whoever may speak for a register may
// submit a list for it.
func (r *Registry) Submit(tx *store.Tx, p tolem.Participant, in Part) (s store.Submission, have int, err error) {
	if !r.own(p, in.Owner) {
		return s, 0, fmt.Errorf("list for %s by %s: %w", in.Owner, p.ID, ErrForeign)
	}
	return r.submit(tx, p.ID, in)
}

func (r *Registry) submit(tx *store.Tx, by tolem.ParticipantID, in Part) (s store.Submission, have int, err error) {
	if in.No < 1 || in.Of < in.No || in.Of > MaxParts || len(in.Data) == 0 || len(in.Data) > MaxPartBytes {
		return s, 0, fmt.Errorf("part %d of %d with %d bytes: %w", in.No, in.Of, len(in.Data), ErrPart)
	}
	s, err = tx.SubmissionBy(by, in.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if s, err = r.newSubmission(tx, by, in); err != nil {
			return s, 0, err
		}
	case err != nil:
		return s, 0, err
	case s.Owner != in.Owner || s.Day != in.Day || s.Parts != in.Of:
		return s, 0, fmt.Errorf("list %q: %w", in.ID, ErrPart)
	}
	have, err = tx.SubmissionParts(s.Number)
	if err != nil {
		return s, 0, err
	}
	earlier, err := tx.SubmissionPart(s.Number, in.No)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return s, have + 1, tx.InsertSubmissionPart(s.Number, in.No, in.Data)
	case err != nil:
		return s, 0, err
	case !bytes.Equal(earlier, in.Data):
		return s, 0, fmt.Errorf("part %d of list %q: %w", in.No, in.ID, ErrPart)
	}
	return s, have, nil
}

func (r *Registry) newSubmission(tx *store.Tx, by tolem.ParticipantID, in Part) (s store.Submission, err error) {
	reg, err := tx.LatestRegister(in.Owner, in.Day)
	if errors.Is(err, store.ErrNotFound) {
		return s, fmt.Errorf("%s of %s: %w", in.Owner, in.Day, ErrNotSealed)
	}
	if err != nil {
		return s, err
	}
	last, err := tx.LastSubmission(in.Owner, in.Day)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return s, err
	}
	if last.Seq >= MaxLists {
		return s, fmt.Errorf("%s of %s: %w", in.Owner, in.Day, ErrTooManyLists)
	}
	s = store.Submission{
		Number: tolem.NewReconciliationNumber(in.Owner, in.Day, last.Seq+1), By: by, ID: in.ID, Day: in.Day, Owner: in.Owner, Seq: last.Seq + 1,
		Register: reg.Number, Parts: in.Of, CreatedAt: tx.Now(),
	}
	return s, tx.InsertSubmission(s)
}

// SubmitFile takes a whole list that its owner gave to the operator, and keeps
// who brought it as evidence.
func (r *Registry) SubmitFile(ctx context.Context, owner tolem.Owner, day tolem.Day, file []byte, who string) (s store.Submission, err error) {
	if len(file) == 0 {
		return s, ErrEmptyList
	}
	hash := sha256.Sum256(file)
	parts := slices.Collect(slices.Chunk(file, MaxPartBytes))
	for i, data := range parts {
		err := r.db.Update(ctx, func(tx *store.Tx) error {
			s, _, err = r.submit(tx, tolem.ParticipantID(owner.ID), Part{
				ID: fmt.Sprintf("%x", hash[:16]), Owner: owner, Day: day, No: i + 1, Of: len(parts), Data: data,
			})
			if err != nil || i > 0 {
				return err
			}
			var b c14n.Builder
			b.Root("submission", ReconciliationNamespace)
			b.Text("number", string(s.Number))
			b.Text("by", who)
			b.Base64("listHash", hash[:])
			b.Time("at", tx.Now())
			b.Close("submission")
			return r.evidence.Add(tx, archive.Record{ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Raw: b.Bytes})
		})
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// Waiting returns lists that wait to be compared, at most limit.
func (r *Registry) Waiting(ctx context.Context, limit int) (list []store.Submission, err error) {
	err = r.view(ctx, func(tx *store.Tx) error {
		list, err = tx.WaitingSubmissions(limit)
		return err
	})
	return list, err
}
