package bills_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"tolem"
	"tolem/bills"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// fileOf is a file of n accounts with one bill each.
func fileOf(n int) []byte {
	var b bytes.Buffer
	b.WriteString("account,holder,address,service,amount,invoice,period,detail: Sayğac\n")
	for i := range n {
		fmt.Fprintf(&b, "%08d,Əliyev İlham %d,\"Bakı, Nizami küç. %d\",LIGHT,%d.%02d,2026-10/%d,2026-10,%d\n", i*37%n+10_000_000, i, i, 1+i%90, i%100, i, 7_000_000+i)
	}
	return b.Bytes()
}

// TestManyAccounts imports a large file, by default 5,000 accounts, and looks
// accounts up in it. TOLEM_BENCH_ACCOUNTS=100000 makes it the measurement that
// README.md tells of.
func TestManyAccounts(t *testing.T) {
	n := 5000
	if text := os.Getenv("TOLEM_BENCH_ACCOUNTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	clock := tolemtest.NewClock(time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC))
	tolemtest.Stores(t, store.Options{Clock: clock.Now}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, clock, db, nil)
		file := bills.File{Organisation: electro, Name: "many.csv", Data: fileOf(n), AsOf: clock.Now()}
		imported := func(what string) {
			began := time.Now()
			done, err := w.Import(t.Context(), file, nil)
			if err != nil || done.Wrong > 0 || done.Accounts != int64(n) {
				t.Fatalf("%+v, %v", done, err)
			}
			t.Logf("%s: %d accounts (%d taken, %d as they were) in %s", what, n, done.Taken, done.Same, time.Since(began).Round(time.Millisecond))
		}
		imported("import")
		imported("the same file again")
		file.AsOf = clock.Now().Add(time.Second)
		imported("the same, later")
		file.AsOf, file.Data = clock.Now().Add(2*time.Second), bytes.ReplaceAll(file.Data, []byte(",2026-10,"), []byte(",2026-11,"))
		imported("other bills")

		measure := func(what string, do func(i int)) {
			times := make([]time.Duration, 300)
			for i := range times {
				began := time.Now()
				do(i)
				times[i] = time.Since(began)
			}
			slices.Sort(times)
			t.Logf("%s: median %s, 95 %% %s, worst %s", what, times[len(times)/2], times[len(times)*95/100], times[len(times)-1])
			if p95 := times[len(times)*95/100]; p95 > 250*time.Millisecond {
				t.Errorf("%s takes %s", what, p95)
			}
		}
		measure("lookup", func(i int) {
			if f := w.find(electro, fmt.Sprintf("%08d", 10_000_000+i*13%n)); len(f.Debts) != 1 {
				t.Fatalf("%+v", f)
			}
		})
		measure("accounts by prefix", func(i int) {
			list, err := w.Accounts(t.Context(), kapital, electro, fmt.Sprintf("1000%d", i%10), "", 20)
			if err != nil || i%10 < min(n/1000, 10) && len(list) != 20 {
				t.Fatalf("%d, %v", len(list), err)
			}
		})
		measure("organisations by name", func(int) {
			if _, err := w.Search(t.Context(), kapital, "şıq", 10); err != nil {
				t.Fatal(err)
			}
		})
		measure("payment of a bill", func(i int) {
			line := bills.Line{
				Code: w.code(), Account: tolem.AccountID{Organisation: electro, Number: tolem.AccountNumber(fmt.Sprintf("%08d", 10_000_000+i))},
				Service: light, Invoice: "none", Amount: azn(1),
			}
			w.update(func(tx *store.Tx) error { return bills.Settle(tx, line) })
		})
	})
}
