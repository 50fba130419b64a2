package store

import (
	"fmt"
	"time"

	"tolem"
)

// Account is what an organisation said last about an account.
type Account struct {
	tolem.Snapshot
	Version int64
	Batch   string // with which it came
}

// AccountHead is as much of an account as decides whether a snapshot is taken.
type AccountHead struct {
	Number  tolem.AccountNumber
	Version int64
	AsOf    time.Time
	Digest  []byte
}

// Account returns an account with its bills, all of one moment, or ErrNotFound.
func (tx *Tx) Account(id tolem.AccountID) (a Account, err error) {
	found := false
	err = tx.db.query(tx.ctx, `SELECT a.version, a.as_of, a.paid_until, a.closed, a.batch, a.data,
			COALESCE(b.service, ''), COALESCE(b.invoice, ''), COALESCE(b.period, ''), COALESCE(b.amount, 0), COALESCE(b.currency, '')
		FROM account a LEFT JOIN bill b ON b.provider = a.provider AND b.number = a.number
		WHERE a.provider = $1 AND a.number = $2 AND a.as_of > 0 ORDER BY b.service, b.invoice`,
		[]any{string(id.Organisation), string(id.Number)}, func(scan func(...any) error) error {
			var asOf, paidUntil, closed int64
			var data []byte
			var b tolem.Bill
			err := scan(&a.Version, &asOf, &paidUntil, &closed, &a.Batch, &data, &b.Service, &b.Invoice, &b.Period, &b.Amount.Minor, &b.Amount.Currency)
			if err != nil {
				return err
			}
			if b.Service != "" {
				a.Bills = append(a.Bills, b)
			}
			if found {
				return nil
			}
			found = true
			a.Snapshot.Account, a.AsOf, a.PaidUntil, a.Closed = id, instant(asOf), instant(paidUntil), closed != 0
			a.Particulars, err = tx.db.openParticulars(id, data)
			return err
		})
	switch {
	case err != nil:
		return Account{}, fmt.Errorf("read account: %w", err)
	case !found:
		return Account{}, fmt.Errorf("account: %w", ErrNotFound)
	}
	return a, nil
}

func (tx *Tx) sealParticulars(id tolem.AccountID, p tolem.Particulars) ([]byte, error) {
	f := newFields()
	f.text(p.Holder)
	f.text(p.Address)
	f.number(int64(len(p.Details)))
	for _, d := range p.Details {
		f.text(d.Label)
		f.text(d.Value)
	}
	return tx.seal(f, accountContext(id))
}

func (db *DB) openParticulars(id tolem.AccountID, data []byte) (p tolem.Particulars, err error) {
	f, err := db.open(data, accountContext(id))
	if err != nil {
		return p, err
	}
	p.Holder, p.Address = f.text(), f.text()
	for n := f.number(); n > 0 && f.err == nil; n-- {
		p.Details = append(p.Details, tolem.Detail{Label: f.text(), Value: f.text()})
	}
	return p, f.err
}

func accountContext(id tolem.AccountID) string { return "account/" + id.String() }

// maxAccountKeys bounds the accounts in one SELECT; a power of two.
const maxAccountKeys = 256

// AccountHeads returns those of the accounts that are known, by number.
func (tx *Tx) AccountHeads(o tolem.ProviderID, numbers []tolem.AccountNumber) (map[tolem.AccountNumber]AccountHead, error) {
	heads := make(map[tolem.AccountNumber]AccountHead, len(numbers))
	cols := []column{{"p", text}, {"n", text}}
	for len(numbers) > 0 {
		n := min(len(numbers), maxAccountKeys)
		keys := make([][]any, n, maxAccountKeys)
		for i, number := range numbers[:n] {
			keys[i] = []any{string(o), string(number)}
		}
		err := tx.db.keyed(tx.ctx, cols, padded(keys), `SELECT account.number, version, as_of, digest FROM rows CROSS JOIN account
			WHERE account.provider = rows.p AND account.number = rows.n`,
			func(scan func(...any) error) error {
				var h AccountHead
				var asOf int64
				err := scan(&h.Number, &h.Version, &asOf, &h.Digest)
				h.AsOf = instant(asOf)
				heads[h.Number] = h
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("read accounts: %w", err)
		}
		numbers = numbers[n:]
	}
	return heads, nil
}

// SearchAccounts returns the accounts of an organisation whose numbers begin
// with a prefix, in their order, behind one of them, at most limit; without
// their bills.
func (tx *Tx) SearchAccounts(o tolem.ProviderID, prefix, after tolem.AccountNumber, limit int) ([]Account, error) {
	var list []Account
	err := tx.db.query(tx.ctx, `SELECT number, version, as_of, paid_until, closed, batch, data FROM account
		WHERE provider = $1 AND number >= $2 AND number < $3 AND number > $4 AND as_of > 0 ORDER BY number LIMIT $5`,
		[]any{string(o), string(prefix), string(prefix) + "\x7f", string(after), int64(limit)},
		func(scan func(...any) error) error {
			var a Account
			var asOf, paidUntil, closed int64
			var data []byte
			id := tolem.AccountID{Organisation: o}
			if err := scan(&id.Number, &a.Version, &asOf, &paidUntil, &closed, &a.Batch, &data); err != nil {
				return err
			}
			var err error
			a.Snapshot.Account, a.AsOf, a.PaidUntil, a.Closed = id, instant(asOf), instant(paidUntil), closed != 0
			a.Particulars, err = tx.db.openParticulars(id, data)
			list = append(list, a)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("search accounts: %w", err)
	}
	return list, nil
}

// AccountChange is a snapshot that is to be stored over what was seen.
type AccountChange struct {
	tolem.Snapshot
	Seen   int64 // version; 0: the account was not there
	Digest []byte
	// Same content as before: only its times change.
	Same bool
}

// The columns of the rows that change accounts.
var (
	accountKeyColumns  = []column{{"p", text}, {"n", text}}
	accountTimeColumns = append(accountKeyColumns[:2:2], column{"seen", bigint}, column{"a", bigint}, column{"u", bigint}, column{"b", text})
	accountSaidColumns = append(accountTimeColumns[:6:6], column{"c", bigint}, column{"d", binary_})
	accountAllColumns  = append(accountSaidColumns[:8:8], column{"x", binary_})
	billColumns        = append(accountKeyColumns[:2:2],
		column{"service", text}, column{"invoice", text}, column{"period", text}, column{"amount", bigint}, column{"currency", text})
)

const ofSeenAccount = ` FROM rows WHERE account.provider = rows.p AND account.number = rows.n AND account.version = rows.seen`

// PutAccounts stores snapshots of accounts of one organisation. If one of them
// has changed since it was seen, the closure is run again.
func (tx *Tx) PutAccounts(o tolem.ProviderID, batch string, changes []AccountChange) error {
	var added, whole, said, times, keys, bills [][]any
	for _, c := range changes {
		id := c.Account
		row := []any{string(o), string(id.Number), c.Seen, micros(c.AsOf), micros(c.PaidUntil), batch}
		if c.Same {
			times = append(times, row)
			continue
		}
		row = append(row, boolean(c.Closed), c.Digest)
		if c.Seen > 0 {
			keys = append(keys, []any{string(o), string(id.Number)})
		}
		if c.Seen > 0 && c.Particulars.IsZero() {
			said = append(said, row)
		} else {
			data, err := tx.sealParticulars(id, c.Particulars)
			if err != nil {
				return err
			}
			if row = append(row, data); c.Seen > 0 {
				whole = append(whole, row)
			} else {
				added = append(added, row)
			}
		}
		for _, b := range c.Bills {
			bills = append(bills, []any{string(o), string(id.Number), string(b.Service), b.Invoice, b.Period, b.Amount.Minor, string(b.Amount.Currency)})
		}
	}
	turn := guardKey{table: "account", name: string(o)} // batches of one organisation take turns
	for _, w := range []struct {
		cols      []column
		rows      [][]any
		statement string
	}{
		{accountAllColumns, added, `INSERT INTO account (provider, number, version, as_of, paid_until, batch, closed, digest, data)
			SELECT p, n, 1, a, u, b, c, d, x FROM rows WHERE true ON CONFLICT (provider, number) DO NOTHING`},
		{accountAllColumns, whole, `UPDATE account SET version = account.version + 1, as_of = rows.a, paid_until = rows.u, batch = rows.b,
			closed = rows.c, digest = rows.d, data = rows.x` + ofSeenAccount},
		{accountSaidColumns, said, `UPDATE account SET version = account.version + 1, as_of = rows.a, paid_until = rows.u, batch = rows.b,
			closed = rows.c, digest = rows.d` + ofSeenAccount},
		{accountTimeColumns, times, `UPDATE account SET version = account.version + 1, as_of = rows.a, paid_until = rows.u, batch = rows.b` + ofSeenAccount},
	} {
		if err := tx.many(w.cols, w.rows, w.statement, turn); err != nil {
			return err
		}
	}
	if err := tx.sweep(accountKeyColumns, keys, `DELETE FROM bill WHERE (provider, number) IN (SELECT p, n FROM rows)`); err != nil {
		return err
	}
	return tx.many(billColumns, bills, `INSERT INTO bill (provider, number, service, invoice, period, amount, currency)
		SELECT p, n, service, invoice, period, amount, currency FROM rows`)
}

// BillBatch says what became of a batch of snapshots.
type BillBatch struct {
	ID           string // UUID
	Organisation tolem.ProviderID
	Source       string // soap, csv
	Name         string // request id, or file and hash
	AsOf         time.Time
	PaidUntil    time.Time
	At           time.Time

	Accounts, Taken, Same, Older int64
}

const batchColumns = `id, provider, source, name, as_of, paid_until, at, accounts, taken, same, older`

// InsertBillBatch stores what became of a batch.
func (tx *Tx) InsertBillBatch(b BillBatch) error {
	return tx.exec(single{
		text: `INSERT INTO bill_batch (` + batchColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		args: []any{
			b.ID, string(b.Organisation), b.Source, b.Name, micros(b.AsOf), micros(b.PaidUntil), micros(b.At), b.Accounts, b.Taken, b.Same, b.Older,
		}, want: 1,
	})
}

// BillBatches returns the newest batches of an organisation, at most limit.
func (tx *Tx) BillBatches(o tolem.ProviderID, limit int) ([]BillBatch, error) {
	return tx.listBatches("WHERE provider = $1 ORDER BY at DESC, id DESC LIMIT $2", string(o), int64(limit))
}

// BillBatch returns one batch, or ErrNotFound.
func (tx *Tx) BillBatch(id string) (BillBatch, error) {
	return one(tx.listBatches("WHERE id = $1", id))
}

func (tx *Tx) listBatches(where string, args ...any) ([]BillBatch, error) {
	var list []BillBatch
	err := tx.db.query(tx.ctx, "SELECT "+batchColumns+" FROM bill_batch "+where, args, func(scan func(...any) error) error {
		var b BillBatch
		var asOf, until, at int64
		err := scan(&b.ID, &b.Organisation, &b.Source, &b.Name, &asOf, &until, &at, &b.Accounts, &b.Taken, &b.Same, &b.Older)
		b.AsOf, b.PaidUntil, b.At = instant(asOf), instant(until), instant(at)
		list = append(list, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read batches of bills: %w", err)
	}
	return list, nil
}
