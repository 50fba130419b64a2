package store

import (
	"bytes"
	"context"
	"testing"
	"time"

	"tolem"
)

// snapshotOf is an account with a holder and two bills.
func snapshotOf(number tolem.AccountNumber, holder string) AccountChange {
	azn := func(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.AZN} }
	return AccountChange{Digest: []byte{1}, Snapshot: tolem.Snapshot{
		Account: tolem.AccountID{Organisation: "O", Number: number}, AsOf: time.UnixMicro(1000).UTC(), PaidUntil: time.UnixMicro(500).UTC(),
		Particulars: tolem.Particulars{Holder: holder, Address: "Bakı, Nizami", Details: []tolem.Detail{{Label: "Sayğac", Value: "771200"}}},
		Bills:       []tolem.Bill{{Service: "S", Invoice: "1", Period: "2026-10", Amount: azn(5)}, {Service: "S", Invoice: "2", Amount: azn(7)}},
	}}
}

// Holder, address and details are sealed, each to its own account.
//
// GW-P37
func TestParticularsAreSealed(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		err := db.Update(context.Background(), func(tx *Tx) error {
			return tx.PutAccounts("O", "b", []AccountChange{snapshotOf("1", "Əliyev İlham"), snapshotOf("2", "Quliyeva Nərgiz")})
		})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := db.reader.Query("SELECT data, digest FROM account")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var data, digest []byte
			if err := rows.Scan(&data, &digest); err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"liyev", "Quliyeva", "Nizami", "771200"} {
				if bytes.Contains(append(data, digest...), []byte(secret)) {
					t.Errorf("%q can be read in the database", secret)
				}
			}
		}
		read := func() (a Account, err error) {
			err = db.View(context.Background(), func(tx *Tx) error {
				a, err = tx.Account(tolem.AccountID{Organisation: "O", Number: "1"})
				return err
			})
			return a, err
		}
		a, err := read()
		if err != nil || a.Particulars.Holder != "Əliyev İlham" || len(a.Bills) != 2 || a.Bills[1].Amount.Minor != 7 || a.Version != 1 {
			t.Errorf("%+v, %v", a, err)
		}
		err = db.Update(context.Background(), func(tx *Tx) error {
			return tx.exec(single{text: "UPDATE account SET data = (SELECT b.data FROM account b WHERE b.number = '2') WHERE number = '1'", want: 1})
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(); err == nil {
			t.Error("the particulars of another account were taken for these")
		}
	})
}

// Whoever decided on an account that has changed since decides again.
func TestStaleAccountsAreDecidedAgain(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		id := tolem.AccountID{Organisation: "O", Number: "1"}
		put := func(seen int64, beside tolem.AccountNumber) int {
			runs := 0
			err := db.Update(context.Background(), func(tx *Tx) error {
				if runs++; runs > 1 {
					return nil
				}
				c := snapshotOf("1", "x")
				c.Seen = seen
				return tx.PutAccounts("O", "b", []AccountChange{snapshotOf(beside, "x"), c})
			})
			if err != nil {
				t.Fatal(err)
			}
			return runs
		}
		if n := put(0, "8"); n != 1 {
			t.Errorf("a new account took %d runs", n)
		}
		if n := put(7, "9"); n != 2 {
			t.Errorf("a stale one took %d runs", n)
		}
		advance := func(seen int64) (runs int) {
			err := db.Update(context.Background(), func(tx *Tx) error {
				if runs++; runs > 1 {
					return nil
				}
				return tx.AdvanceAccount(id, seen)
			})
			if err != nil {
				t.Fatal(err)
			}
			return runs
		}
		if a, b, c := advance(1), advance(1), advance(0); a != 1 || b != 2 || c != 2 {
			t.Errorf("runs: %d for a fresh version, %d for a stale one, %d for an account that is there", a, b, c)
		}
	})
}
