package bills

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/store"
)

// Limits of a batch.
const (
	MaxBatch    = 500             // accounts
	MaxRejected = 100             // that are told
	maxAhead    = 5 * time.Minute // of asOf
)

// Ways by which a batch comes.
const (
	SourceSOAP = "soap"
	SourceCSV  = "csv"
)

// Batch is what an organisation says about some of its accounts. Each snapshot
// is the whole truth about its account: bills that it does not name are gone. If
// it names neither holder nor address nor details, those stay.
type Batch struct {
	Organisation tolem.ProviderID
	Source, Name string // for the record: how it came, and as what

	// AsOf is the moment of the organisation's books. Of two snapshots of an
	// account the one of the later moment stands, whichever comes first; of two
	// of one moment, the one that came first.
	AsOf time.Time
	// PaidUntil is the moment up to which payments through the gateway are taken
	// off the bills already. Zero means the end of the last day that was closed at
	// AsOf: the books may know of those, and of no later ones.
	PaidUntil time.Time

	Snapshots []tolem.Snapshot // their times and organisation are the batch's
}

// Rejected is an account of a batch that is not in order.
type Rejected struct {
	No      int // of the account in the batch, from 1
	Problem tolem.BillProblem
	What    string
}

// Taken says what became of a batch.
type Taken struct {
	store.BillBatch
	Rejected []Rejected // if there are any, nothing was taken
}

// Feed takes a batch: all of it or, if an account is not in order, nothing.
// Accounts of which something later is known are passed over and counted. With
// dry nothing is stored.
func (d *Desk) Feed(ctx context.Context, b Batch, dry bool) (taken Taken, err error) {
	run := d.db.Update
	if dry {
		run = d.db.View
	}
	err = run(ctx, func(tx *store.Tx) error {
		taken, err = d.feed(tx, b, dry)
		return err
	})
	return taken, err
}

// feed is Feed within a transaction.
func (d *Desk) feed(tx *store.Tx, b Batch, dry bool) (Taken, error) {
	k, err := d.directoryIn(tx)
	if err != nil {
		return Taken{}, err
	}
	if _, ok := k.organisations[b.Organisation]; !ok {
		return Taken{}, fmt.Errorf("%s: %w", b.Organisation, ErrOrganisation)
	}
	if b, err = d.dated(tx, b); err != nil {
		return Taken{}, err
	}
	if rejected := b.rejected(k.of(b.Organisation), d.Currency); len(rejected) > 0 {
		return Taken{Rejected: rejected}, nil
	}
	taken := Taken{BillBatch: store.BillBatch{
		ID: newBatchID(), Organisation: b.Organisation, Source: b.Source, Name: b.Name, AsOf: b.AsOf, PaidUntil: b.PaidUntil, At: tx.Now(),
		Accounts: int64(len(b.Snapshots)),
	}}
	changes, err := d.changes(tx, b, &taken)
	if err != nil || dry {
		return taken, err
	}
	if err := tx.PutAccounts(b.Organisation, taken.ID, changes); err != nil {
		return Taken{}, err
	}
	return taken, tx.InsertBillBatch(taken.BillBatch)
}

// dated sets the times of a batch and of its snapshots.
func (d *Desk) dated(tx *store.Tx, b Batch) (Batch, error) {
	b.AsOf, b.PaidUntil = b.AsOf.UTC().Truncate(time.Microsecond), b.PaidUntil.UTC().Truncate(time.Microsecond)
	if b.PaidUntil.IsZero() {
		last, err := tx.LastSealedDayAt(b.AsOf)
		switch {
		case err == nil:
			b.PaidUntil = d.Calendar.End(last.Day).UTC()
		case !errors.Is(err, store.ErrNotFound):
			return b, err
		}
	}
	if b.AsOf.IsZero() || b.AsOf.After(tx.Now().Add(maxAhead)) || b.PaidUntil.After(b.AsOf) {
		return b, ErrMoment
	}
	if b.PaidUntil.After(tx.Now()) { // by a clock that is ahead; what is paid from now on is in no books
		b.PaidUntil = tx.Now()
	}
	snapshots := make([]tolem.Snapshot, len(b.Snapshots))
	for i, s := range b.Snapshots {
		s.Account.Organisation, s.AsOf, s.PaidUntil = b.Organisation, b.AsOf, b.PaidUntil
		snapshots[i] = s
	}
	b.Snapshots = snapshots
	return b, nil
}

// rejected returns the accounts that are not in order, at most MaxRejected.
func (b Batch) rejected(services func(tolem.ServiceCode) bool, currency tolem.Currency) []Rejected {
	var list []Rejected
	there := make(map[tolem.AccountNumber]bool, len(b.Snapshots))
	for i, s := range b.Snapshots {
		p, what := s.Check(services, currency)
		if p == "" && there[s.Account.Number] {
			p, what = tolem.ProblemTwice, "the batch has the account before"
		}
		there[s.Account.Number] = true
		if p == "" {
			continue
		}
		if list = append(list, Rejected{No: i + 1, Problem: p, What: what}); len(list) == MaxRejected {
			break
		}
	}
	return list
}

// changes compares the snapshots with what is known, and counts.
func (d *Desk) changes(tx *store.Tx, b Batch, taken *Taken) ([]store.AccountChange, error) {
	numbers := make([]tolem.AccountNumber, len(b.Snapshots))
	for i, s := range b.Snapshots {
		numbers[i] = s.Account.Number
	}
	known, err := tx.AccountHeads(b.Organisation, numbers)
	if err != nil {
		return nil, err
	}
	changes := make([]store.AccountChange, 0, len(b.Snapshots))
	for _, s := range b.Snapshots {
		head := known[s.Account.Number]
		change := store.AccountChange{Snapshot: s, Seen: head.Version, Digest: d.digest(s)}
		change.Same = head.Version > 0 && bytes.Equal(head.Digest, change.Digest)
		switch later := s.AsOf.After(head.AsOf); {
		case later && !change.Same:
			taken.Taken++
		case change.Same:
			taken.Same++
		default:
			taken.Older++
		}
		if s.AsOf.After(head.AsOf) {
			changes = append(changes, change)
		}
	}
	return changes, nil
}

// digestSize is how much of a keyed digest is kept.
const digestSize = 16

// digest tells whether a snapshot says what another said; the key keeps it from
// telling anything else.
func (d *Desk) digest(s tolem.Snapshot) []byte {
	b := make([]byte, 0, 256)
	text := func(parts ...string) {
		for _, p := range parts {
			b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
		}
	}
	closed := byte(0)
	if s.Closed {
		closed = 1
	}
	b = append(b, closed)
	text(s.Account.String(), s.Particulars.Holder, s.Particulars.Address)
	b = binary.AppendUvarint(b, uint64(len(s.Particulars.Details)))
	for _, detail := range s.Particulars.Details {
		text(detail.Label, detail.Value)
	}
	for _, bill := range s.Bills {
		text(string(bill.Service), bill.Invoice, bill.Period, string(bill.Amount.Currency))
		b = binary.AppendVarint(b, bill.Amount.Minor)
	}
	index := d.db.Vault().Index("account snapshot", b)
	return index[:min(len(index), digestSize)]
}

// newBatchID draws a UUID.
func newBatchID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
