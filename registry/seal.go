package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"iter"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/signing/c14n"
	"tolem/store"
)

// SealNamespace is the namespace of the seal of a day.
const SealNamespace = "urn:tolem:seal:v1"

// Seal completes a day and returns its seal. A day that is sealed already is
// returned as it is. Days are sealed in their order.
func (r *Registry) Seal(ctx context.Context, day tolem.Day, progress Progress) (store.SealedDay, error) {
	sealed, err := r.sealed(ctx, day)
	if err == nil || !errors.Is(err, ErrNotSealed) {
		return sealed, err
	}
	now := r.Clock()
	if end := r.Calendar.End(day); now.Before(end.Add(Settle)) {
		return sealed, fmt.Errorf("%s until %s: %w", day, end.Add(Settle).In(r.Calendar.Zone()).Format(time.DateTime), ErrTooEarly)
	}
	for range maxSums {
		if err := r.collect(ctx, day, progress); err != nil && !errors.Is(err, store.ErrDaySealed) {
			return sealed, fmt.Errorf("collect %s: %w", day, err)
		}
		if sealed, err = r.close(ctx, day); !errors.Is(err, errMoved) {
			return sealed, err
		}
	}
	return sealed, fmt.Errorf("%s: %w", day, errMoved)
}

// maxSums bounds how often a day is summed up because another node has added
// to it meanwhile. What is collected twice is there already, so that the second
// sum holds.
const maxSums = 5

// errMoved: facts came to the day while it was summed up.
var errMoved = errors.New("facts keep coming to the day")

// close sums a day up and seals it. This is the point of no return.
func (r *Registry) close(ctx context.Context, day tolem.Day) (sealed store.SealedDay, err error) {
	var batches int64
	err = r.view(ctx, func(tx *store.Tx) error {
		batches, err = tx.DayBatches(day)
		return err
	})
	if err != nil {
		return sealed, err
	}
	seal, err := r.sum(ctx, day)
	if err == nil {
		err = r.leaveOut(ctx, seal)
	}
	if err != nil {
		return sealed, fmt.Errorf("sum up %s: %w", day, err)
	}
	document, err := r.signer.SignEnveloped(seal.document())
	if err != nil {
		return sealed, fmt.Errorf("sign the seal of %s: %w", day, err)
	}
	err = r.db.Update(ctx, func(tx *store.Tx) error {
		if tx.Again() {
			if sealed, err = tx.SealedDay(day); err == nil || !errors.Is(err, store.ErrNotFound) {
				return err // another node was first
			}
			if now, err := tx.DayBatches(day); err != nil || now != batches {
				return errors.Join(err, errMoved)
			}
		}
		id := archive.NewMessageID(tx.Now())
		sealed = store.SealedDay{Day: day, SealedAt: tx.Now(), Facts: seal.facts, Hash: seal.hash, Evidence: id}
		return errors.Join(tx.SealDay(sealed, batches), r.evidence.Add(tx, archive.Record{
			ID: id, Direction: archive.Internal, At: tx.Now(), Raw: document,
		}))
	})
	return sealed, err
}

// sealed returns the seal of a day, or ErrNotSealed.
func (r *Registry) sealed(ctx context.Context, day tolem.Day) (sealed store.SealedDay, err error) {
	err = r.view(ctx, func(tx *store.Tx) error {
		sealed, err = tx.SealedDay(day)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%s: %w", day, ErrNotSealed)
	}
	return sealed, err
}

// FirstOpen returns the first day that is not sealed; found is false while
// nothing has happened that a day could hold.
func (r *Registry) FirstOpen(ctx context.Context) (day tolem.Day, found bool, err error) {
	err = r.view(ctx, func(tx *store.Tx) error {
		last, err := tx.LastSealedDay()
		if err == nil {
			day, found = last.Day+1, true
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		first, err := tx.FirstMoment()
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		day, found = r.Calendar.DayOf(first), err == nil
		return err
	})
	return day, found, err
}

// collect adds to a day what belongs into it. The payments of desks are settled
// first: from then on nobody can ask to cancel them, and who did before is seen.
func (r *Registry) collect(ctx context.Context, day tolem.Day, progress Progress) error {
	if err := r.settle(ctx, day); err != nil {
		return err
	}
	done := int64(0)
	return r.decided(ctx, day, func(facts []dueRow) error {
		if len(facts) == 0 {
			return nil
		}
		done += int64(len(facts))
		progress.report(done)
		rows := make([]tolem.RegisterRow, len(facts))
		for i, f := range facts {
			rows[i] = f.RegisterRow
		}
		return r.db.Update(ctx, func(tx *store.Tx) error { return tx.AddDayRows(day, rows) })
	})
}

// settlePage is how many payments of desks are settled in one transaction: what
// others write meanwhile waits no longer than for that.
const settlePage = 2000

// settle marks what desks took until a day's end, and nobody wants to cancel, as
// settled (WP-119). What commits later is settled with the next day, and joins
// that.
func (r *Registry) settle(ctx context.Context, day tolem.Day) error {
	for {
		var planned bool
		err := r.view(ctx, func(tx *store.Tx) (err error) {
			planned, err = tx.PlannedUntil(day)
			return err
		})
		if err != nil || !planned {
			return err
		}
		if err := r.db.Update(ctx, func(tx *store.Tx) error { return tx.SettleDeskPayments(day, settlePage) }); err != nil {
			return err
		}
	}
}

// dueRow is a fact with the moment by which it belongs to a day: its own, or
// the decision until which it was held.
type dueRow struct {
	tolem.RegisterRow
	due time.Time
}

// decided goes through everything that a day's seal looks at.
//
// A payment taken at a desk belongs to the day of the payment, unless a
// cancellation of it was decided later than that day: then to the day of that
// decision (WP-575). While it may be cancelled, or a decision is awaited, it
// belongs to none (WP-576).
func (r *Registry) decided(ctx context.Context, day tolem.Day, look func([]dueRow) error) error {
	start, end := r.Calendar.Start(day), r.Calendar.End(day)
	for _, s := range []factSource{
		{(*store.Tx).PaidFacts, collectSpan, func(f store.PaymentFact) (time.Time, bool) { return f.Row.At, !f.Open && !r.heldPast(f) }},
		{(*store.Tx).RefundFacts, collectSpan, func(f store.PaymentFact) (time.Time, bool) { return f.Row.At, true }},
		{(*store.Tx).HeldFacts, wholeDay, func(f store.PaymentFact) (time.Time, bool) { return f.DecidedAt, !f.Open && f.Row.At.Before(start) }},
	} {
		if err := r.collectPayments(ctx, s, start.Add(-Stragglers), end, look); err != nil {
			return err
		}
	}
	return r.collectRefused(ctx, start.Add(-Stragglers), end, look)
}

// heldPast reports whether a cancellation of the payment was decided after the
// end of its day.
func (r *Registry) heldPast(f store.PaymentFact) bool {
	return !f.DecidedAt.IsZero() && !f.DecidedAt.Before(r.Calendar.End(r.Calendar.DayOf(f.Row.At)))
}

// factSource reads payments or refunds and says when each is due, if at all.
type factSource struct {
	read func(*store.Tx, time.Time, time.Time, store.FactCursor, int) ([]store.PaymentFact, error)
	span time.Duration // that is paged through at a time
	due  func(store.PaymentFact) (time.Time, bool)
}

// collectSpan is how much of a day is paged through at a time. A database that
// finds and sorts everything up to the end of what is asked before it returns
// one page, as PostgreSQL does without fresh statistics, then sorts a quarter
// of an hour, not a day, for each.
const collectSpan = 15 * time.Minute

// wholeDay is longer than any day: decisions on cancellations are so few that
// nothing is cut.
const wholeDay = 48 * time.Hour

func (r *Registry) collectPayments(ctx context.Context, s factSource, from, end time.Time, add func([]dueRow) error) error {
	last := end.Add(Stragglers)
	for start := from; start.Before(last); start = start.Add(s.span) {
		to := start.Add(s.span)
		if to.After(last) {
			to = last
		}
		if err := r.collectSpan(ctx, s, start, to, end, add); err != nil {
			return err
		}
	}
	return nil
}

// collectSpan adds what was decided between two moments and belongs before end.
func (r *Registry) collectSpan(ctx context.Context, s factSource, from, to, end time.Time, add func([]dueRow) error) error {
	for after := (store.FactCursor{}); ; {
		var page []store.PaymentFact
		err := r.view(ctx, func(tx *store.Tx) (err error) {
			page, err = s.read(tx, from, to, after, pageRows)
			return err
		})
		if err != nil {
			return err
		}
		rows := make([]dueRow, 0, len(page))
		for _, f := range page {
			if due, ok := s.due(f); ok && due.Before(end) {
				row := f.StateAt(end)
				row.Belongs = r.Calendar.DayOf(row.ReceivedAt)
				rows = append(rows, dueRow{row, due})
			}
		}
		if err := add(rows); err != nil || len(page) < pageRows {
			return err
		}
		last := page[len(page)-1]
		after = store.FactCursor{At: last.StepAt, Code: last.Row.Code}
	}
}

func (r *Registry) collectRefused(ctx context.Context, from, end time.Time, add func([]dueRow) error) error {
	for after := (store.FactCursor{}); ; {
		var page []tolem.RegisterRow
		err := r.view(ctx, func(tx *store.Tx) (err error) {
			page, err = tx.RefusedFacts(from, end, after, pageRows)
			return err
		})
		if err != nil {
			return err
		}
		rows := make([]dueRow, len(page))
		for i, row := range page {
			row.Belongs = r.Calendar.DayOf(row.ReceivedAt)
			rows[i] = dueRow{row, row.At}
		}
		if err := add(rows); err != nil || len(page) < pageRows {
			return err
		}
		after = store.CursorOf(page[len(page)-1])
	}
}

// rows goes through the facts of a day that concern an owner, in their order,
// as they were sealed: corrections are not applied. They begin behind a row;
// the zero row stands before the first.
func (r *Registry) rows(ctx context.Context, day tolem.Day, owner tolem.Owner, last tolem.RegisterRow) iter.Seq2[tolem.RegisterRow, error] {
	return func(yield func(tolem.RegisterRow, error) bool) {
		for after := store.CursorOf(last); ; {
			var page []tolem.RegisterRow
			err := r.view(ctx, func(tx *store.Tx) (err error) {
				page, err = tx.DayRows(day, owner, after, pageRows)
				return err
			})
			if err != nil {
				yield(tolem.RegisterRow{}, err)
				return
			}
			for _, row := range page {
				if !yield(row, nil) {
					return
				}
			}
			if len(page) < pageRows {
				return
			}
			after = store.CursorOf(page[len(page)-1])
		}
	}
}

// seal is what the document of a sealed day says.
type seal struct {
	day      tolem.Day
	from, to time.Time
	facts    int64
	hash     [32]byte
	totals   tolem.Totals
	carried  []tolem.RegisterRow // facts that came too late for their own day, or were held past it
	heldBack []tolem.CodeNumber  // payments of the day that it leaves out
}

// maxCarried bounds the facts that a seal names one by one. They are those
// that took longer than Settle to commit, a handful in a bad year, and payments
// of desks whose cancellation was decided on a later day.
const maxCarried = 100_000

// errCarried reports a day with so many late facts that something is broken.
var errCarried = errors.New("too many facts that belong to earlier days")

// sum goes through all facts of a day, bank by bank.
func (r *Registry) sum(ctx context.Context, day tolem.Day) (*seal, error) {
	owners, err := r.db.DayOwners(ctx, day)
	if err != nil {
		return nil, err
	}
	s := &seal{day: day, from: r.Calendar.Start(day), to: r.Calendar.End(day)}
	digest := sha256.New()
	var b c14n.Builder
	for _, o := range owners {
		if o.Kind != tolem.BankRegister {
			continue
		}
		for row, err := range r.rows(ctx, day, o, tolem.RegisterRow{}) {
			if err != nil {
				return nil, err
			}
			s.add(digest, &b, row)
			if len(s.carried) > maxCarried {
				return nil, fmt.Errorf("%s: %w", day, errCarried)
			}
		}
	}
	digest.Sum(s.hash[:0])
	return s, nil
}

// leaveOut notes which payments of the day it leaves out.
func (r *Registry) leaveOut(ctx context.Context, s *seal) error {
	err := r.view(ctx, func(tx *store.Tx) (err error) {
		s.heldBack, err = tx.HeldBack(s.day, s.to, maxCarried+1)
		return err
	})
	if err == nil && len(s.heldBack) > maxCarried {
		err = fmt.Errorf("%s: %w", s.day, errCarried)
	}
	return err
}

func (s *seal) add(digest hash.Hash, b *c14n.Builder, row tolem.RegisterRow) {
	b.Bytes = b.Bytes[:0]
	appendRow(b, row, s.day)
	digest.Write(b.Bytes)
	s.facts++
	s.totals.Add(row)
	if s.wasCarried(row) {
		s.carried = append(s.carried, row)
	}
}

// wasCarried reports whether the row's moment lies before the day: it was
// committed after its own day was sealed.
func (s *seal) wasCarried(row tolem.RegisterRow) bool { return row.At.Before(s.from) }

// document writes the seal in canonical form.
func (s *seal) document() []byte {
	var b c14n.Builder
	b.Root("daySeal", SealNamespace)
	b.Text("day", s.day.String())
	b.Time("from", s.from)
	b.Time("to", s.to)
	b.Text("facts", fmt.Sprint(s.facts))
	b.Base64("hash", s.hash[:])
	appendTotals(&b, s.totals)
	b.Open("carriedOver")
	for _, row := range s.carried {
		b.Open("fact")
		b.Text("kind", string(row.Kind))
		b.Text("paymentCode", row.Code.String())
		if row.ID != ([16]byte{}) {
			b.Base64("id", row.ID[:])
		}
		b.Close("fact")
	}
	b.Close("carriedOver")
	if len(s.heldBack) > 0 {
		b.Open("heldBack")
		for _, code := range s.heldBack {
			b.Text("paymentCode", code.String())
		}
		b.Close("heldBack")
	}
	b.Close("daySeal")
	return b.Bytes
}
