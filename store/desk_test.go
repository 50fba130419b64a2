package store

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"tolem"
)

func deskBasket() tolem.Basket {
	b := tolem.Basket{ID: "B1", Bank: "KAPITAL", Person: "P1"}
	for _, number := range []tolem.AccountNumber{"ACC-1", "ACC-2"} {
		b, _ = b.Add(tolem.BasketLine{
			Account: tolem.AccountID{Organisation: "AZERSU", Number: number}, Service: "SUPPLY", Typed: "1,5", SeenAt: time.UnixMicro(1_800_000_000_000_000).UTC(),
			Particulars: tolem.Particulars{Holder: "Əli Vəliyev", Details: []tolem.Detail{{Label: "Sayğac", Value: "7"}}},
		})
	}
	return b.Calculate(func(tolem.BasketLine) int64 { return 20 })
}

func takenAtDesk(receipt tolem.ReceiptNo) tolem.DeskPayment {
	money := func(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.AZN} }
	return tolem.DeskPayment{
		ID: tolem.PaymentID("ID-" + receipt.String()), Bank: "KAPITAL", Receipt: receipt, Code: tolem.CodeNumber(1000 + receipt), Basket: "B1", Line: tolem.LineID(receipt),
		Branch: "GNC01", By: "P1", Asan: true, Account: tolem.AccountID{Organisation: "AZERSU", Number: "ACC-1"}, Service: "SUPPLY", Unit: "U1", AsanUnit: "A1",
		Advance: true, Invoice: "F-7", Period: "2026-10", Amount: money(12_50), Fee: money(20), At: time.UnixMicro(1_800_000_000_000_001).UTC(), Day: 20_800,
		Status: tolem.DeskPlanned, Card: "CARD-9", CardWrite: tolem.CardWritePending, Version: 1,
		Shown: tolem.Shown{
			Bank: "Bank", Branch: "Filial", Operator: "Lalə Əliyeva", Organisation: "Azərsu", Unit: "Bakı", ServiceCode: "01", Service: "Su",
			AsanUnit: "Bölmə", Holder: "Əli Vəliyev",
		},
	}
}

// plain reports whether one of the texts stands in a column that is to be sealed.
func plain(t *testing.T, db *DB, table string, texts ...string) bool {
	t.Helper()
	var data []byte
	if err := db.reader.QueryRow("SELECT data FROM " + table).Scan(&data); err != nil {
		t.Fatal(err)
	}
	for _, s := range texts {
		if bytes.Contains(data, []byte(s)) {
			return true
		}
	}
	return false
}

// WP-529: a basket is read as it was stored, sealed, and of two changes of the
// same version the second begins again.
func TestDeskBasket(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		migrated(t, db)
		want := deskBasket()
		put := func(b tolem.Basket) (runs int, err error) {
			err = db.Update(t.Context(), func(tx *Tx) error {
				if runs++; runs > 1 {
					return ErrConflict
				}
				return tx.PutBasket(b)
			})
			return runs, err
		}
		if _, err := put(want); err != nil {
			t.Fatal(err)
		}
		read := func() (b tolem.Basket) {
			if err := db.View(t.Context(), func(tx *Tx) (err error) { b, err = tx.Basket("P1"); return err }); err != nil {
				t.Fatal(err)
			}
			return b
		}
		if want.Version = 1; !reflect.DeepEqual(read(), want) {
			t.Errorf("read %+v", read())
		}
		if plain(t, db, "desk_basket", "ACC-1", "Vəliyev", "Say") {
			t.Error("a basket lies open in the database")
		}
		want.Lines = nil
		if _, err := put(want); err != nil || read().Version != 2 || len(read().Lines) != 0 {
			t.Errorf("%+v, %v", read(), err)
		}
		for _, version := range []int64{0, 1} {
			want.Version = version
			if runs, err := put(want); runs != 2 || !errors.Is(err, ErrConflict) {
				t.Errorf("version %d: %d runs, %v", version, runs, err)
			}
		}
		err := db.View(t.Context(), func(tx *Tx) error { _, err := tx.Basket("P2"); return err })
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
}

// WP-538: payments are found by all their names, sealed, changed once for each
// version, and no line is paid twice.
func TestDeskPayment(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		migrated(t, db)
		var taken []tolem.DeskPayment
		for range 2 {
			err := db.Update(t.Context(), func(tx *Tx) error {
				n, err := tx.NextReceipt("KAPITAL")
				p := takenAtDesk(n)
				taken = append(taken, p)
				return errors.Join(err, tx.InsertDeskPayment(p))
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(taken) == 1 && plain(t, db, "desk_payment", "ACC-1", "Vəliyev", "CARD-9") {
				t.Error("a payment lies open in the database")
			}
		}
		first := taken[0]
		err := db.View(t.Context(), func(tx *Tx) error {
			byNumber, err1 := tx.DeskPayment("KAPITAL", 1)
			byID, err2 := tx.DeskPaymentByID(first.ID)
			byCode, err3 := tx.DeskPaymentByCode(first.Code)
			of, err4 := tx.DeskPaymentsOfBasket("B1")
			on, err5 := tx.DeskPaymentsOfDay("P1", first.Day, 0, 10)
			after, err6 := tx.DeskPaymentsOfDay("P1", first.Day, 1, 10)
			if byNumber != first || byID != first || byCode != first || !reflect.DeepEqual(of, taken) || !reflect.DeepEqual(on, taken) || len(after) != 1 {
				t.Errorf("%+v, %+v, %+v, %+v, %+v, %+v", byNumber, byID, byCode, of, on, after)
			}
			if _, err := tx.DeskPayment("OTHER", 1); !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
			return errors.Join(err1, err2, err3, err4, err5, err6)
		})
		if err != nil {
			t.Fatal(err)
		}
		once := func(do func(tx *Tx) error) error {
			run := false
			return db.Update(t.Context(), func(tx *Tx) error {
				if run {
					return ErrConflict
				}
				run = true
				return do(tx)
			})
		}
		change := func(tx *Tx) error {
			p := first
			p.Status, p.CardWrite, p.CancelledAt = tolem.DeskCancelled, tolem.CardWriteReversed, time.UnixMicro(1_800_000_000_000_002).UTC()
			p, err := tx.ChangeDeskPayment(p)
			if p.Version != 2 {
				t.Errorf("version %d", p.Version)
			}
			return err
		}
		if err := once(change); err != nil {
			t.Error(err)
		}
		if err := once(change); !errors.Is(err, ErrConflict) {
			t.Errorf("changed twice: %v", err)
		}
		again := takenAtDesk(3)
		again.Line = first.Line
		if err := once(func(tx *Tx) error { return tx.InsertDeskPayment(again) }); !errors.Is(err, ErrConflict) {
			t.Errorf("one line, two payments: %v", err)
		}
	})
}
