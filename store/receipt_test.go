package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// However many save a receipt at once, on however many nodes, one of them has
// the original and every copy has its own number. GW-150
func TestReceiptsAreCounted(t *testing.T) {
	const code = tolem.CodeNumber(1234567890123428)
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		nodes := []*store.DB{tolemtest.Store(t, dsn, store.Options{})}
		nodes = append(nodes, tolemtest.Store(t, dsn, store.Options{}))
		save := func(db *store.DB, code tolem.CodeNumber, form string) (number int) {
			err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
				number, err = tx.CountReceipt(code, form)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			return number
		}
		const each = 12
		numbers := make([]int, len(nodes)*each)
		var all sync.WaitGroup
		for i := range numbers {
			all.Go(func() { numbers[i] = save(nodes[i%len(nodes)], code, "pdf") })
		}
		all.Wait()
		slices.Sort(numbers)
		for i, n := range numbers {
			if n != i+1 {
				t.Fatalf("numbers are %v", numbers)
			}
		}
		if n := save(nodes[0], code, "xml"); n != 1 {
			t.Errorf("the first XML is number %d", n)
		}
		if n := save(nodes[0], code+97, "pdf"); n != 1 {
			t.Errorf("another receipt is number %d", n)
		}
		err := nodes[1].View(context.Background(), func(tx *store.Tx) error {
			n, err := tx.SavedReceipts(code, "pdf")
			if n != len(numbers) {
				t.Errorf("%d were saved", n)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
