package registry

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"tolem"
	"tolem/archive"
	"tolem/registry/match"
	"tolem/store"
)

// ReconciliationNamespace is the namespace of reports on a comparison.
const ReconciliationNamespace = "urn:tolem:reconciliation:v1"

// Reconcile compares a submitted list with the register it was submitted for
// and stores the signed report. A list that was compared is not compared again.
func (r *Registry) Reconcile(ctx context.Context, n tolem.ReconciliationNumber) (rec store.Reconciliation, err error) {
	if rec, err = r.Reconciliation(ctx, n); err == nil || !errors.Is(err, ErrPending) {
		return rec, err
	}
	c := comparison{Registry: r}
	if err := c.load(ctx, n); err != nil {
		return rec, fmt.Errorf("reconcile %s: %w", n, err)
	}
	if err := c.match(ctx); err != nil {
		return rec, fmt.Errorf("reconcile %s: %w", n, err)
	}
	var plain bytes.Buffer
	c.document(&plain)
	rec = store.Reconciliation{
		Number: n, Matched: c.result.Matched, Agreed: c.result.Agreed, Anomalies: int64(len(c.result.Anomalies)), Refusal: c.refusal,
	}
	digest := sha256.New()
	digest.Write(plain.Bytes())
	io.WriteString(digest, reconciliationEnd)
	digest.Sum(rec.Hash[:0])
	signature, err := r.signer.SignDigest(rec.Hash)
	if err != nil {
		return rec, fmt.Errorf("sign %s: %w", n, err)
	}
	plain.Write(signature)
	plain.WriteString(reconciliationEnd)
	if rec.Document, err = compress(plain.Bytes()); err != nil {
		return rec, err
	}
	err = r.db.Update(ctx, func(tx *store.Tx) error {
		if tx.Again() { // another node was first
			if rec, err = tx.Reconciliation(n); err == nil || !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		rec.MadeAt = tx.Now()
		return errors.Join(tx.InsertReconciliation(rec), r.evidence.Add(tx, archive.Record{
			ID: archive.NewMessageID(tx.Now()), Direction: archive.Out, At: tx.Now(), Participant: c.submission.By, Raw: c.evidence(signature),
		}))
	})
	return rec, err
}

// Reconciliation returns the outcome of a comparison: store.ErrNotFound if no
// such list was submitted, ErrPending while it waits.
func (r *Registry) Reconciliation(ctx context.Context, n tolem.ReconciliationNumber) (rec store.Reconciliation, err error) {
	err = r.view(ctx, func(tx *store.Tx) error {
		if rec, err = tx.Reconciliation(n); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if _, err := tx.Submission(n); err != nil {
			return err
		}
		return fmt.Errorf("%s: %w", n, ErrPending)
	})
	return rec, err
}

// ReportOf returns the outcome of a comparison that a participant may see.
// Another's is ErrForeign, whether it is there or not.
func (r *Registry) ReportOf(tx *store.Tx, p tolem.Participant, n tolem.ReconciliationNumber) (store.Submission, store.Reconciliation, error) {
	s, err := tx.Submission(n)
	if errors.Is(err, store.ErrNotFound) && !r.named(p, n) {
		err = fmt.Errorf("%s for %s: %w", n, p.ID, ErrForeign)
	}
	if err != nil {
		return s, store.Reconciliation{}, err
	}
	if !r.MaySee(p, s.Owner) {
		return store.Submission{}, store.Reconciliation{}, fmt.Errorf("%s for %s: %w", n, p.ID, ErrForeign)
	}
	rec, err := tx.Reconciliation(n)
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%s: %w", n, ErrPending)
	}
	return s, rec, err
}

// SeeReport returns what ReportOf does, outside a transaction. A list without
// a number is the one that the participant submitted under this id.
func (r *Registry) SeeReport(ctx context.Context, p tolem.Participant, n tolem.ReconciliationNumber, id string) (s store.Submission, rec store.Reconciliation, err error) {
	err = r.view(ctx, func(tx *store.Tx) error {
		if n == "" {
			if s, err = tx.SubmissionBy(p.ID, id); err != nil {
				return err
			}
			n = s.Number
		}
		s, rec, err = r.ReportOf(tx, p, n)
		return err
	})
	return s, rec, err
}

// ReportXML returns the signed report of a comparison.
func ReportXML(rec store.Reconciliation) ([]byte, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(rec.Document))
	if err != nil {
		return nil, fmt.Errorf("report %s: %w", rec.Number, err)
	}
	document, err := io.ReadAll(zipped)
	if err = errors.Join(err, zipped.Close()); err != nil {
		return nil, fmt.Errorf("report %s: %w", rec.Number, err)
	}
	return document, nil
}

func compress(document []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(document)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

const reconciliationEnd = "</reconciliation>"

// comparison is the work on one submitted list.
type comparison struct {
	*Registry
	submission store.Submission
	register   store.StoredRegister
	file       []byte
	list       match.List
	refusal    string
	result     match.Result
}

// load reads the list. One that cannot be read as a list at all is refused as
// a whole; bad rows are anomalies.
func (c *comparison) load(ctx context.Context, n tolem.ReconciliationNumber) error {
	err := c.view(ctx, func(tx *store.Tx) (err error) {
		if c.submission, err = tx.Submission(n); err != nil {
			return err
		}
		if c.register, err = tx.Register(c.submission.Register); err != nil {
			return err
		}
		for part := range c.submission.Parts {
			data, err := tx.SubmissionPart(n, part+1)
			if err != nil {
				return err
			}
			c.file = append(c.file, data...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.register = c.Complete(c.register)
	options := match.Options{Zone: c.Calendar.Zone(), Currency: c.Currency, MaxRows: MaxListRows}
	c.list, err = match.ParseCSV(bytes.NewReader(c.file), options)
	var unreadable *match.FileError
	if errors.As(err, &unreadable) {
		c.refusal = string(unreadable.Code)
		return nil
	}
	return err
}

func (c *comparison) match(ctx context.Context) (err error) {
	if c.refusal != "" {
		return nil
	}
	c.result, err = match.Match(match.Book{
		Owner: c.register.Owner, Day: c.register.Day, From: c.register.From, To: c.register.To, Rows: c.Rows(ctx, c.register),
	}, c.list, match.LookupFunc(func(codes []tolem.CodeNumber) (map[tolem.CodeNumber][]match.Fact, error) { return c.facts(ctx, codes) }))
	if err == nil && c.result.Counts()[tolem.CodeUnknown] > MaxUnknown {
		c.refusal, c.result = "TOO_MANY_UNKNOWN_CODES", match.Result{}
	}
	return err
}

// facts tells what is known of codes besides the register.
func (c *comparison) facts(ctx context.Context, codes []tolem.CodeNumber) (map[tolem.CodeNumber][]match.Fact, error) {
	known := make(map[tolem.CodeNumber][]match.Fact)
	err := c.view(ctx, func(tx *store.Tx) error {
		facts, err := tx.FactsOf(codes)
		if err != nil {
			return err
		}
		for _, f := range facts {
			known[f.Code] = append(known[f.Code], match.Fact{Row: f.RegisterRow, Day: f.Day})
		}
		for _, n := range codes {
			more, err := openFacts(tx, n, known[n])
			if err != nil {
				return err
			}
			known[n] = append(known[n], more...)
			if len(known[n]) == 0 {
				delete(known, n)
			}
		}
		return nil
	})
	return known, err
}

// openFacts tells of a code what no sealed day does: that it was paid or
// refunded since, or that it was issued and is not paid.
func openFacts(tx *store.Tx, n tolem.CodeNumber, sealed []match.Fact) ([]match.Fact, error) {
	code, err := tx.Code(n)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	has := func(kind tolem.RowKind) bool {
		return slices.ContainsFunc(sealed, func(f match.Fact) bool { return f.Row.Kind == kind })
	}
	row := tolem.RegisterRow{
		Code: n, Bank: code.Bank, Service: code.Service, Provider: code.Provider, Channel: code.Channel, Amount: code.Amount, State: code.State,
	}
	if code.PaidAt.IsZero() {
		return []match.Fact{{Row: row}}, nil
	}
	p, err := tx.Payment(n)
	if err != nil {
		return nil, err
	}
	row.Bank, row.Branch, row.BankRef = p.Bank, p.Branch, p.BankRef
	row.PaidAt, row.ReceivedAt, row.At = p.PaidAt, p.ReceivedAt, p.ReceivedAt
	var facts []match.Fact
	if row.Kind = tolem.RowPayment; !has(row.Kind) {
		facts = append(facts, match.Fact{Row: row, Open: true})
	}
	if row.Kind = tolem.RowRefund; code.State == tolem.StateRefunded && !has(row.Kind) {
		facts = append(facts, match.Fact{Row: row, Open: true})
	}
	return facts, nil
}
