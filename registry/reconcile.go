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
	"strconv"

	"tolem"
	"tolem/archive"
	"tolem/registry/match"
	"tolem/signing/c14n"
	"tolem/store"
)

// ReconciliationNamespace is the namespace of reports on a comparison.
const ReconciliationNamespace = "urn:tolem:reconciliation:v1"

// Limits of a submitted list.
const (
	MaxParts     = 1000
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
	c.register = c.complete(c.register)
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

// head writes what stands before the anomalies.
func (c *comparison) head(b *c14n.Builder) {
	s := c.submission
	hash := sha256.Sum256(c.file)
	b.Root("reconciliation", ReconciliationNamespace)
	b.Text("number", string(s.Number))
	b.Text("operator", c.Operator)
	b.Text("kind", string(s.Owner.Kind))
	b.Text("ownerId", s.Owner.ID)
	b.Text("day", s.Day.String())
	b.Text("submissionId", s.ID)
	b.Text("submittedBy", string(s.By))
	b.Time("submittedAt", s.CreatedAt)
	b.Base64("listHash", hash[:])
	b.Text("registerNumber", string(s.Register))
	b.Base64("registerHash", c.register.Hash[:])
	b.Text("refusal", c.refusal)
	b.Text("matched", strconv.FormatInt(c.result.Matched, 10))
	b.Text("agreed", strconv.FormatInt(c.result.Agreed, 10))
	b.Text("noted", strconv.FormatInt(c.result.Noted, 10))
	for _, balance := range c.result.Balances {
		b.Open("balance")
		b.Text("currency", string(balance.Currency))
		for _, side := range []struct {
			name string
			sum  tolem.Sum
		}{{"ours", balance.Ours}, {"theirs", balance.Theirs}, {"matched", balance.Matched}} {
			b.Open(side.name)
			appendSum(b, side.sum)
			b.Close(side.name)
		}
		b.Text("difference", tolem.Money{Minor: balance.Net()}.Decimal())
		b.Close("balance")
	}
	counts := c.result.Counts()
	for _, code := range tolem.AnomalyCodes {
		if counts[code] > 0 {
			b.Open("count")
			b.Text("code", string(code))
			b.Text("severity", string(code.Severity()))
			b.Text("rows", strconv.Itoa(counts[code]))
			b.Close("count")
		}
	}
}

// document writes the report up to its signature.
func (c *comparison) document(w io.Writer) {
	var b c14n.Builder
	c.head(&b)
	b.Open("anomalies")
	for _, a := range c.result.Anomalies {
		appendAnomaly(&b, a)
	}
	b.Close("anomalies")
	_, _ = w.Write(b.Bytes) // to memory
}

func appendAnomaly(b *c14n.Builder, a tolem.Anomaly) {
	b.Open("anomaly")
	b.Text("no", strconv.Itoa(a.No))
	b.Text("code", string(a.Code))
	if a.OurLine > 0 {
		b.Text("registerLine", strconv.Itoa(a.OurLine))
	}
	if a.TheirLine > 0 {
		b.Text("listLine", strconv.Itoa(a.TheirLine))
	}
	if a.PaymentCode != 0 {
		b.Text("paymentCode", a.PaymentCode.String())
	}
	b.Text("bankRef", string(a.BankRef))
	b.Text("ours", a.Ours)
	b.Text("theirs", a.Theirs)
	for _, m := range []struct {
		name  string
		money tolem.Money
	}{{"difference", a.Difference}, {"counter", a.Counter}} {
		if !m.money.IsZero() {
			b.Open(m.name)
			b.Text("amount", m.money.Decimal())
			b.Text("currency", string(m.money.Currency))
			b.Close(m.name)
		}
	}
	b.Close("anomaly")
}

// evidence is what the archive keeps of a report: all but the anomalies, which
// follow from the list and the register, and the signature over the whole.
func (c *comparison) evidence(signature []byte) []byte {
	var b c14n.Builder
	c.head(&b)
	return slices.Concat(b.Bytes, signature, []byte(reconciliationEnd))
}
