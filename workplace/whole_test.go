package workplace_test

import (
	"cmp"
	"context"
	"database/sql"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/workplace"
)

// beside opens the same database beside the store.
func beside(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	driver, address := "postgres", dsn
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, address = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// taken are the tables that a payment writes. Each is taken away in turn: nothing
// of the payment is in any other then, no receipt number is used up, and the line
// is still there to be paid.
//
// WP-538, WP-540, WP-595
func TestPaymentIsWhole(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, dsn)
		raw := beside(t, dsn)
		w.feed(electro, "E1")
		p, r := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator)), w.reader(kapital)
		r.insert("E-1", electro, "E1")
		p.add(electro, "E1")
		tables := []string{"code", "payment", "step", "settlement", "desk_receipt", "desk_payment", "card_ticket", "message", "leaf_pending"}
		count := func() (n []int) {
			for _, table := range tables {
				var rows int
				w.must(raw.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&rows))
				n = append(n, rows)
			}
			return n
		}
		var before []int
		for _, table := range tables {
			w.must(p.calculate("5"))
			answer := r.with(p.Actor)
			if before == nil {
				before = count()
			}
			_, err := raw.ExecContext(t.Context(), "ALTER TABLE "+table+" RENAME TO away")
			w.must(err)
			done, err := p.confirm(answer)
			_, back := raw.ExecContext(context.WithoutCancel(t.Context()), "ALTER TABLE away RENAME TO "+table)
			w.must(back)
			if len(done.Payments) != 0 || err == nil && (len(done.Left) != 1 || done.Left[0].Failed != workplace.ErrPaymentFailed.Key()) {
				t.Errorf("without %s: %+v, %v", table, done, err)
			}
			// What was read of the card is kept, and is no part of the payment.
			if now := count(); !slices.Equal(now[:7], before[:7]) {
				t.Errorf("without %s there are %v, before %v", table, now, before)
			}
			p.reload()
		}
		w.must(p.calculate("5"))
		done, err := p.confirm(r.with(p.Actor))
		if err != nil || len(done.Payments) != 1 || done.Payments[0].Receipt != 1 || len(done.Tickets) != 1 {
			t.Errorf("%+v, %v", done, err)
		}
	})
}

// Prints what a payment costs: milliseconds one after the other, and bytes.
// TOLEM_BENCH_PAYMENTS=1000 makes the figures worth something.
func TestCostOfPayment(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("TOLEM_BENCH_PAYMENTS"))
	n = cmp.Or(n, 3)
	dsn := tolemtest.Postgres(t)
	w := newWorld(t, dsn)
	w.feed(water, "A1")
	p := w.till(w.signedIn(kapital, "ali", tolem.RoleOperator))
	raw := beside(t, dsn)
	size := func() (bytes int64) {
		w.must(raw.QueryRowContext(t.Context(), `SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0)
			FROM pg_class c WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`).Scan(&bytes))
		return bytes
	}
	before := size()
	var look, sum, pay []time.Duration
	for range n {
		p.reload()
		began := time.Now()
		p.add(water, "A1", supply)
		added := time.Now()
		w.must(p.calculate("12.50"))
		calculated := time.Now()
		done, err := p.confirm()
		if err != nil || len(done.Payments) != 1 {
			t.Fatal(done, err)
		}
		look, sum, pay = append(look, added.Sub(began)/2), append(sum, calculated.Sub(added)), append(pay, time.Since(calculated))
		w.clock.Advance(time.Millisecond)
	}
	for _, list := range [][]time.Duration{look, sum, pay} {
		slices.Sort(list)
	}
	t.Logf("%d payments: lookup %s, calculation %s, confirmation %s (median), %s (p95); %d bytes each", n,
		look[n/2].Round(10*time.Microsecond), sum[n/2].Round(10*time.Microsecond), pay[n/2].Round(10*time.Microsecond),
		pay[n*95/100].Round(10*time.Microsecond), (size()-before)/int64(n))
}
