package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"tolem"
	"tolem/access"
	"tolem/archive"
	"tolem/registry"
	"tolem/registry/deliver"
	"tolem/registry/jobs"
	"tolem/store"
)

// The jobs of the day.
const (
	jobSeal      = "seal-day"       // slot: the day
	jobRegister  = "build-register" // slot: day/kind/owner, of a branch day/branch/owner/bank
	jobReconcile = "reconcile"      // slot: the number of the list
	jobAudit     = "seal-audit"     // slot: the day
)

// maxWaitingLists bounds the submitted lists that one look plans.
const maxWaitingLists = 100

// dayWork is what happens to a day, whoever asks for it: the schedule or a
// person. Every part of it may be done again.
type dayWork struct {
	db       *store.DB
	registry *registry.Registry
	evidence *archive.Archive
}

func (o *office) work() dayWork { return dayWork{o.db, o.registry, o.evidence} }

// kinds are the bodies of the day's jobs.
func (w dayWork) kinds() map[string]jobs.Kind {
	return map[string]jobs.Kind{
		jobSeal:      {Run: w.runSeal, InOrder: true},
		jobRegister:  {Run: w.runRegister},
		jobReconcile: {Run: w.runReconcile},
		jobAudit:     {Run: w.runAudit},
	}
}

// runSeal seals a day, counts it and plans its registers.
func (w dayWork) runSeal(ctx context.Context, a jobs.Attempt) (string, error) {
	day, err := tolem.ParseDay(a.Slot)
	if err != nil {
		return "", err
	}
	owners, facts, err := w.seal(ctx, day, nil)
	if err != nil {
		return "", err
	}
	result := fmt.Sprintf("%d facts, %d registers", facts, len(owners))
	return result, w.db.Update(ctx, func(tx *store.Tx) error {
		for _, o := range owners {
			if err := tx.PlanJob(jobRegister, registerSlot(day, o), tx.Now()); err != nil {
				return err
			}
		}
		if err := tx.PlanJob(jobAudit, day.String(), tx.Now()); err != nil {
			return err
		}
		return a.Finish(tx, result)
	})
}

// runAudit seals what the people of banks did on a day. It is a job of its own:
// an audit that somebody has altered is an alarm, but holds up no register.
func (w dayWork) runAudit(ctx context.Context, a jobs.Attempt) (string, error) {
	day, err := tolem.ParseDay(a.Slot)
	if err != nil {
		return "", err
	}
	if err := w.sealAudit(ctx, day); err != nil {
		return "", err
	}
	return "sealed", w.db.Update(ctx, func(tx *store.Tx) error { return a.Finish(tx, "sealed") })
}

// seal seals and counts a day and returns whose registers it has.
func (w dayWork) seal(ctx context.Context, day tolem.Day, progress registry.Progress) ([]tolem.Owner, int64, error) {
	sealed, err := w.registry.Seal(ctx, day, progress)
	if err != nil {
		return nil, 0, err
	}
	// Days before it, too, whose count had failed: days are counted in order.
	if _, err := w.registry.CountSealed(ctx); err != nil {
		return nil, 0, err
	}
	owners, err := w.registry.Owners(ctx, day)
	return owners, sealed.Facts, err
}

// sealAudit seals what the people of each bank did that day.
func (w dayWork) sealAudit(ctx context.Context, day tolem.Day) error {
	people, err := access.New(access.Config{Calendar: w.registry.Calendar, Evidence: w.evidence}, w.db)
	if err != nil {
		return err
	}
	var all []tolem.Participant
	err = w.db.View(ctx, func(tx *store.Tx) error {
		all, err = tx.Participants()
		return err
	})
	if err != nil {
		return err
	}
	var failed []error // one bank's does not hold up another's
	for _, p := range all {
		if p.Kind == tolem.KindBank {
			failed = append(failed, people.SealAudit(ctx, p.ID, day))
		}
	}
	return errors.Join(failed...)
}

func registerSlot(day tolem.Day, o tolem.Owner) string {
	slot := day.String() + "/" + string(o.Kind) + "/" + o.ID
	if o.Kind == tolem.BranchRegister {
		slot += "/" + string(o.Bank)
	}
	return slot
}

func parseRegisterSlot(slot string) (tolem.Day, tolem.Owner, error) {
	parts := strings.Split(slot, "/")
	if len(parts) < 3 {
		return 0, tolem.Owner{}, fmt.Errorf("%q names no register", slot)
	}
	day, err := tolem.ParseDay(parts[0])
	o := tolem.Owner{Kind: tolem.RegisterKind(parts[1]), ID: parts[2]}
	switch {
	case o.Kind == tolem.BankRegister:
		o.Bank = tolem.ParticipantID(o.ID)
	case o.Kind == tolem.BranchRegister && len(parts) == 4:
		o.Bank = tolem.ParticipantID(parts[3])
	}
	return day, o, err
}

// runRegister forms a register, makes the bank's claims, and puts both in line
// to their owner.
func (w dayWork) runRegister(ctx context.Context, a jobs.Attempt) (string, error) {
	day, owner, err := parseRegisterSlot(a.Slot)
	if err != nil {
		return "", err
	}
	reg, err := w.build(ctx, owner, day)
	return fmt.Sprintf("%s, %d rows", reg.Number, reg.Totals.Rows), err
}

func (w dayWork) build(ctx context.Context, owner tolem.Owner, day tolem.Day) (store.StoredRegister, error) {
	reg, err := w.registry.Build(ctx, owner, day, nil)
	if err != nil {
		return reg, err
	}
	if err := w.sendOut(ctx, reg); err != nil || owner.Kind != tolem.BankRegister {
		return reg, err
	}
	claims, err := w.registry.Claim(ctx, owner.Bank, day)
	if err != nil {
		return reg, err
	}
	return reg, w.db.Update(ctx, func(tx *store.Tx) error {
		for _, c := range claims {
			if _, err := deliver.Enqueue(tx, c.Bank, tolem.DeliverClaim, string(c.Number)); err != nil {
				return err
			}
		}
		return nil
	})
}

// sendOut puts a register in line to its owner. What is in line already is not
// put there again.
func (w dayWork) sendOut(ctx context.Context, reg store.StoredRegister) error {
	return w.db.Update(ctx, func(tx *store.Tx) error {
		_, err := deliver.Enqueue(tx, tolem.ParticipantID(reg.Owner.ID), tolem.DeliverRegister, string(reg.Number))
		return err
	})
}

// closeDay does all of a day's work at once, for a person who waits for it.
func (w dayWork) closeDay(ctx context.Context, day tolem.Day, progress registry.Progress) error {
	owners, _, err := w.seal(ctx, day, progress)
	if err != nil {
		return err
	}
	for _, o := range owners {
		if _, err := w.build(ctx, o, day); err != nil {
			return err
		}
	}
	return w.sealAudit(ctx, day)
}

// planLists plans the comparison of lists that have all their parts.
func (w dayWork) planLists(ctx context.Context) error {
	waiting, err := w.registry.Waiting(ctx, maxWaitingLists)
	if err != nil || len(waiting) == 0 {
		return err
	}
	return w.db.Update(ctx, func(tx *store.Tx) error {
		for _, s := range waiting {
			if err := tx.PlanJob(jobReconcile, string(s.Number), tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// runReconcile compares a submitted list and puts the report in line to its
// submitter.
func (w dayWork) runReconcile(ctx context.Context, a jobs.Attempt) (string, error) {
	number, err := tolem.ParseReconciliationNumber(a.Slot)
	if err != nil {
		return "", err
	}
	rec, err := w.registry.Reconcile(ctx, number)
	if err != nil {
		return "", err
	}
	result := fmt.Sprintf("%d pairs, %d anomalies", rec.Matched, rec.Anomalies)
	return result, w.db.Update(ctx, func(tx *store.Tx) error {
		s, err := tx.Submission(number)
		if err != nil {
			return err
		}
		if _, err := deliver.Enqueue(tx, s.By, tolem.DeliverReport, string(number)); err != nil {
			return err
		}
		return a.Finish(tx, result)
	})
}

// Open renders a document of the day for a courier.
func (w dayWork) Open(ctx context.Context, kind, ref, asked string) (*deliver.Document, error) {
	f, err := tolem.ParseForm(asked)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", deliver.ErrDocument, err)
	}
	switch kind {
	case tolem.DeliverRegister:
		return w.openRegister(ctx, tolem.RegisterNumber(ref), f)
	case tolem.DeliverReport:
		return w.openReport(ctx, tolem.ReconciliationNumber(ref), f)
	case tolem.DeliverClaim:
		return w.openClaim(ctx, tolem.ClaimNumber(ref), f)
	case tolem.DeliverResult:
		return w.openResult(ctx, ref, f)
	}
	return nil, fmt.Errorf("%w: kind %q", deliver.ErrDocument, kind)
}

func (w dayWork) openRegister(ctx context.Context, n tolem.RegisterNumber, f tolem.Form) (*deliver.Document, error) {
	reg, err := w.registry.Find(ctx, n)
	if err != nil {
		return nil, err
	}
	file, err := w.registry.Document(ctx, reg, f)
	if err != nil {
		return nil, err
	}
	return &deliver.Document{Name: file.Name, Owner: reg.Owner.ID, Day: reg.Day, Revision: reg.Revision, Content: content(file)}, nil
}

func (w dayWork) openReport(ctx context.Context, n tolem.ReconciliationNumber, f tolem.Form) (*deliver.Document, error) {
	rec, err := w.registry.Reconciliation(ctx, n)
	if err != nil {
		return nil, err
	}
	var s store.Submission
	err = w.db.View(ctx, func(tx *store.Tx) error {
		s, err = tx.Submission(n)
		return err
	})
	if err != nil {
		return nil, err
	}
	file, err := w.registry.ReportDocument(ctx, s, rec, f)
	if err != nil {
		return nil, err
	}
	return &deliver.Document{Name: file.Name, Owner: s.Owner.ID, Day: s.Day, Revision: s.Seq, Content: content(file)}, nil
}

func (w dayWork) openClaim(ctx context.Context, n tolem.ClaimNumber, f tolem.Form) (*deliver.Document, error) {
	var c store.StoredClaim
	err := w.db.View(ctx, func(tx *store.Tx) (err error) {
		c, err = tx.Claim(n)
		return err
	})
	if err != nil {
		return nil, err
	}
	file, err := w.registry.ClaimDocument(ctx, c, f)
	if err != nil {
		return nil, err
	}
	return &deliver.Document{Name: file.Name, Owner: string(c.Bank), Day: c.Day, Revision: 1, Content: content(file)}, nil
}

// openResult returns what a merchant is told of an order: the bytes that were
// signed when it was decided.
func (w dayWork) openResult(ctx context.Context, number string, f tolem.Form) (*deliver.Document, error) {
	if f != tolem.FormXML {
		return nil, fmt.Errorf("%w: a result has no form %s", deliver.ErrDocument, f)
	}
	var r store.MerchantResult
	err := w.db.View(ctx, func(tx *store.Tx) (err error) {
		r, err = tx.Result(number)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &deliver.Document{
		Name: r.Number + f.Extension(), Owner: string(r.Merchant), Day: w.registry.Calendar.DayOf(r.MadeAt), Revision: int(r.Sequence),
		Content: io.NopCloser(bytes.NewReader(r.Document)),
	}, nil
}

// fileContent reads a file from its beginning.
type fileContent struct {
	io.Reader
	io.Closer
}

func content(f *registry.File) io.ReadCloser {
	return fileContent{io.NewSectionReader(f, 0, f.Size), f}
}
