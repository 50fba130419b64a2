package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"tolem"
	"tolem/registry/form"
	"tolem/store"
)

// paperBranch has as many rows in every day as one PDF holds, or all of them.
const paperBranch = tolem.ParticipantID("BRANCH-00")

// seedRows is how many facts are stored in one transaction.
const seedRows = 4000

// facts makes the rows of a made-up day of one bank: all channels, several
// providers and branches, a refund or a refused notification now and then. The
// same day is the same again.
type facts struct {
	day      tolem.Day
	from     time.Time
	apart    time.Duration // of two facts
	paper    int           // every so many rows one of paperBranch
	n        int
	numbers  *rand.ChaCha8
	made     int
	payments bool // nothing else
}

func newFacts(c *tolem.Calendar, day tolem.Day, n int) *facts {
	from := c.Start(day)
	return &facts{
		day: day, from: from, apart: c.End(day).Sub(from) / time.Duration(n+1), n: n,
		paper: (n + form.MaxPDFRows - 1) / form.MaxPDFRows, numbers: rand.NewChaCha8([32]byte{byte(day), byte(day >> 8)}),
	}
}

// next makes at most so many rows more.
func (f *facts) next(most int) ([]tolem.RegisterRow, error) {
	rows := make([]tolem.RegisterRow, min(most, f.n-f.made))
	for i := range rows {
		number, err := tolem.DrawCodeNumber(f.numbers)
		if err != nil {
			return nil, err
		}
		rows[i] = f.row(f.made, number)
		f.made++
	}
	return rows, nil
}

func (f *facts) row(i int, number tolem.CodeNumber) tolem.RegisterRow {
	provider := i % 7
	at := f.from.Add(time.Duration(i) * f.apart).Truncate(time.Microsecond)
	r := tolem.RegisterRow{
		Kind: tolem.RowPayment, Code: number, Bank: benchBank, BankRef: tolem.BankRef(fmt.Sprintf("ABS%010dKZ", i)), Branch: f.branch(i),
		Service: tolem.ServiceCode(fmt.Sprintf("SERVICE-%d-%d", provider, i%3)), Provider: tolem.ProviderID(fmt.Sprintf("PROVIDER-%d", provider)),
		Channel: tolem.Channels[i%len(tolem.Channels)], Amount: tolem.Money{Minor: int64(500_00 + i%977*100), Currency: tolem.KZT},
		PaidAt: at.Add(-41 * time.Second), ReceivedAt: at, At: at, State: tolem.StatePaid, Belongs: f.day,
	}
	switch {
	case f.payments:
	case i%101 == 100:
		r.Kind, r.State, r.ReceivedAt, r.PaidAt = tolem.RowRefund, tolem.StateRefunded, at.Add(-time.Hour), at.Add(-time.Hour)
	case i%499 == 498:
		r.Kind, r.State, r.Discrepancy, r.ID = tolem.RowDiscrepancy, tolem.StateUnknown, string(tolem.Mismatch), [16]byte{1}
	case i%3 == 0:
		r.State, r.ClosedAt = tolem.StateClosed, at.Add(time.Minute)
	}
	if i%5 == 0 {
		r.Fee = tolem.Money{Minor: 150_00, Currency: tolem.KZT}
	}
	return r
}

// branch spreads the rows over branches; every eleventh names none.
func (f *facts) branch(i int) tolem.ParticipantID {
	switch {
	case i%f.paper == 0:
		return paperBranch
	case i%11 == 0:
		return ""
	}
	return tolem.ParticipantID(fmt.Sprintf("BRANCH-%02d", 1+i%40))
}

// seedFacts stores the facts of a day as sealing would have found them.
func seedFacts(ctx context.Context, db *store.DB, f *facts) error {
	for {
		rows, err := f.next(seedRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := db.Update(ctx, func(tx *store.Tx) error { return tx.AddDayRows(f.day, rows) }); err != nil {
			return fmt.Errorf("seed facts: %w", err)
		}
	}
}

// seedPayments has the facts of a day happen: a code is issued and paid for
// each.
func seedPayments(ctx context.Context, db *store.DB, f *facts) error {
	f.payments = true
	for {
		rows, err := f.next(seedRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		issues := make([]tolem.Decision, len(rows))
		err = db.Update(ctx, func(tx *store.Tx) error {
			for i, r := range rows {
				issues[i] = tolem.Issued(tolem.Code{
					Number: r.Code, Service: r.Service, Provider: r.Provider, Channel: r.Channel, Amount: r.Amount, Recipient: benchRecipient,
					RecipientName: benchName, Requester: benchPortal, Bank: r.Bank, ExpiresAt: r.At.Add(24 * time.Hour),
				}, r.At.Add(-time.Minute))
				if err := tx.InsertCode(issues[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			err = db.Update(ctx, func(tx *store.Tx) error { return pay(tx, rows, issues) })
		}
		if err != nil {
			return fmt.Errorf("seed payments: %w", err)
		}
	}
}

// pay stores the payments of codes that were just issued.
func pay(tx *store.Tx, rows []tolem.RegisterRow, issues []tolem.Decision) error {
	for i, r := range rows {
		payment := tolem.Payment{
			Code: r.Code, Bank: r.Bank, BankRef: r.BankRef, Amount: r.Amount, Fee: r.Fee, PaidAt: r.PaidAt, ReceivedAt: r.ReceivedAt, Channel: r.Channel,
			Recipient: benchRecipient, RecipientName: benchName, Service: r.Service, Provider: r.Provider, Account: benchAccount, NotifiedBy: r.Bank, Branch: r.Branch,
		}
		before := issues[i].Code
		d := before.Notify(payment, nil, r.At)
		if !d.Changed() {
			return fmt.Errorf("notification came to %s", d.Result)
		}
		if err := errors.Join(tx.InsertPayment(payment), tx.ChangeCode(before, d)); err != nil {
			return err
		}
	}
	return nil
}
