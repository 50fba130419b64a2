package bills_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/bills"
	"tolem/store"
)

// Of two snapshots the later one stands, whichever comes first.
func TestTheLaterWordStands(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		now := w.clock.Now()
		at := func(minutes int, list ...tolem.Snapshot) [3]int64 {
			moment := now.Add(time.Duration(minutes) * time.Minute)
			return w.counts(w.feedAsOf(electro, moment, now.Add(-time.Hour), list...))
		}
		for _, c := range []struct {
			minutes int
			minor   int64
			want    [3]int64 // taken, same, older
			open    int64
		}{
			{-10, 100, [3]int64{1, 0, 0}, 100},
			{-20, 200, [3]int64{0, 0, 1}, 100}, // older
			{-10, 300, [3]int64{0, 0, 1}, 100}, // of the same moment: the first stands
			{-10, 100, [3]int64{0, 1, 0}, 100},
			{-5, 100, [3]int64{0, 1, 0}, 100}, // the same, later
			{-7, 400, [3]int64{0, 0, 1}, 100}, // older than that
			{-1, 500, [3]int64{1, 0, 0}, 500},
		} {
			if got := at(c.minutes, account("1", bill(light, "1", c.minor))); got != c.want {
				t.Errorf("%d at %d: %v, want %v", c.minor, c.minutes, got, c.want)
			}
			if open := w.open(electro, "1", "1"); open != c.open {
				t.Errorf("%d at %d: %d open, want %d", c.minor, c.minutes, open, c.open)
			}
		}
		// Bills that are not named any more are gone.
		at(0, account("1", bill(fine, "7", 1)))
		if f := w.find(electro, "1"); len(f.Debts) != 1 || f.Debts[0].Invoice != "7" {
			t.Errorf("%+v", f.Debts)
		}
	})
}

// A snapshot that names nobody leaves holder, address and details as they are.
func TestParticularsStay(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		full := account("1", bill(light, "1", 100))
		full.Particulars = tolem.Particulars{Holder: "Ə. Quliyev", Address: "Gəncə"}
		w.feed(electro, full)
		w.clock.Advance(time.Second)
		w.feed(electro, account("1", bill(light, "2", 200)))
		f := w.find(electro, "1")
		if f.Account.Particulars.Holder != "Ə. Quliyev" || len(f.Debts) != 1 || f.Debts[0].Invoice != "2" {
			t.Errorf("%+v", f)
		}
		w.clock.Advance(time.Second)
		full.Particulars = tolem.Particulars{Holder: "N. Quliyeva"}
		w.feed(electro, full)
		if p := w.find(electro, "1").Account.Particulars; p.Holder != "N. Quliyeva" || p.Address != "" {
			t.Errorf("%+v", p)
		}
	})
}

// If one account is not in order nothing is taken, and each is told.
func TestBatchIsTakenWhole(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		long := account("7")
		for i := range tolem.MaxBills + 1 {
			long.Bills = append(long.Bills, bill(light, fmt.Sprint(i), 1))
		}
		dollars := bill(light, "1", 1)
		dollars.Amount.Currency = "USD"
		closed := account("9", bill(light, "1", 1))
		closed.Closed = true
		odd := account("10")
		odd.Particulars.Holder = "a\x00b"
		taken := w.feed(electro, account("1", bill(light, "1", 100)), account("bad number"), account("1"),
			account("4", bill(supply, "1", 1)), account("5", bill(light, "1", 0)), account("6", bill(light, "1", 1), bill(light, "1", 2)),
			long, account("8", dollars), closed, odd, account("11", bill(light, "\n", 1)))
		want := []tolem.BillProblem{
			tolem.ProblemAccount, tolem.ProblemTwice, tolem.ProblemService, tolem.ProblemAmount, tolem.ProblemDuplicate, tolem.ProblemTooMany,
			tolem.ProblemCurrency, tolem.ProblemClosed, tolem.ProblemText, tolem.ProblemInvoice,
		}
		if len(taken.Rejected) != len(want) {
			t.Fatalf("%+v", taken.Rejected)
		}
		for i, r := range taken.Rejected {
			if r.Problem != want[i] || r.No != i+2 || r.What == "" {
				t.Errorf("%d: %+v, want %s", i, r, want[i])
			}
		}
		if f := w.find(electro, "1"); f.Outcome != bills.NotFound {
			t.Errorf("something was taken: %+v", f)
		}
		many := make([]tolem.Snapshot, bills.MaxRejected+50)
		if taken = w.feed(electro, many...); len(taken.Rejected) != bills.MaxRejected {
			t.Errorf("%d told", len(taken.Rejected))
		}
		var batches []store.BillBatch
		w.update(func(tx *store.Tx) (err error) { batches, err = tx.BillBatches(electro, 10); return err })
		if len(batches) != 0 {
			t.Errorf("%+v", batches)
		}
		for name, b := range map[string]bills.Batch{
			"ahead":             {Organisation: electro, AsOf: w.clock.Now().Add(time.Hour)},
			"counts the future": {Organisation: electro, AsOf: w.clock.Now(), PaidUntil: w.clock.Now().Add(time.Second)},
			"undated":           {Organisation: electro},
		} {
			if _, err := w.Feed(t.Context(), b, false); !errors.Is(err, bills.ErrMoment) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Feed(t.Context(), bills.Batch{Organisation: "NOBODY", AsOf: w.clock.Now()}, false); !errors.Is(err, bills.ErrOrganisation) {
			t.Error(err)
		}
	})
}

// Without a word about payments, those of closed days are taken as counted, and
// no others: what was paid today is not asked for again.
func TestPaidUntilIsTheLastClosedDay(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		yesterday := w.clock.Now().Add(-24 * time.Hour)
		w.feedAsOf(electro, yesterday, yesterday, account("1", bill(light, "1", 100)))
		w.pay("1", "1", 60)
		w.clock.Advance(time.Minute)
		w.feedAsOf(electro, w.clock.Now(), time.Time{}, account("1", bill(light, "1", 100)))
		if open := w.open(electro, "1", "1"); open != 40 {
			t.Errorf("%d open before the day was closed", open)
		}
		day := w.Calendar.DayOf(w.clock.Now())
		w.clock.Advance(24 * time.Hour)
		w.update(func(tx *store.Tx) error { return tx.SealDay(store.SealedDay{Day: day, SealedAt: tx.Now()}, 0) })
		taken := w.feedAsOf(electro, w.clock.Now(), time.Time{}, account("1", bill(light, "1", 40)))
		if want := w.Calendar.End(day); !taken.PaidUntil.Equal(want) {
			t.Errorf("paid until %s, want %s", taken.PaidUntil, want)
		}
		if open := w.open(electro, "1", "1"); open != 40 {
			t.Errorf("%d open after it was", open)
		}
	})
}

// Books that were closed before a day's registers were formed have not counted
// the payments of that day, however late they are fed.
//
// WP-034
func TestBooksFromBeforeTheRegisters(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		before := w.clock.Now().Add(-24 * time.Hour)
		w.feedAsOf(electro, before, before, account("1", bill(light, "1", 100)))
		day := w.Calendar.DayOf(w.clock.Now())
		w.pay("1", "1", 60)
		books := w.Calendar.End(day).Add(-time.Hour)
		w.clock.Set(w.Calendar.End(day).Add(10 * time.Minute))
		w.update(func(tx *store.Tx) error { return tx.SealDay(store.SealedDay{Day: day, SealedAt: tx.Now()}, 0) })
		w.clock.Advance(time.Hour)
		w.feedAsOf(electro, books, time.Time{}, account("1", bill(light, "1", 100)))
		if open := w.open(electro, "1", "1"); open != 40 {
			t.Errorf("%d open, of 100 of which 60 were paid", open)
		}
	})
}

// An organisation whose clock is ahead has not counted what is paid after its
// word came.
//
// WP-034
func TestBooksOfAClockThatIsAhead(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ahead := w.clock.Now().Add(4 * time.Minute)
		taken := w.feedAsOf(electro, ahead, ahead, account("1", bill(light, "1", 100)))
		if !taken.AsOf.Equal(ahead) || !taken.PaidUntil.Equal(w.clock.Now()) {
			t.Errorf("as of %s, paid until %s", taken.AsOf, taken.PaidUntil)
		}
		w.clock.Advance(time.Minute)
		w.pay("1", "1", 60)
		if open := w.open(electro, "1", "1"); open != 40 {
			t.Errorf("%d open, of 100 of which 60 were paid", open)
		}
	})
}

// A trial run says what would come of a batch, and stores nothing.
func TestDryFeed(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		taken, err := w.Feed(t.Context(), bills.Batch{Organisation: electro, AsOf: w.clock.Now(), Snapshots: []tolem.Snapshot{account("1")}}, true)
		if err != nil || taken.Taken != 1 {
			t.Errorf("%+v, %v", taken, err)
		}
		if f := w.find(electro, "1"); f.Outcome != bills.NotFound {
			t.Errorf("%+v", f)
		}
	})
}

// pay pays a bill of electro's.
func (w *world) pay(number tolem.AccountNumber, invoice string, minor int64) tolem.CodeNumber {
	w.t.Helper()
	code := w.code()
	w.update(func(tx *store.Tx) error {
		return bills.Settle(tx, bills.Line{
			Code: code, Account: tolem.AccountID{Organisation: electro, Number: number}, Service: light, Invoice: invoice, Period: "2026-10", Amount: azn(minor),
		})
	})
	return code
}

func (w *world) undo(code tolem.CodeNumber) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error { return bills.Undo(tx, code) })
}

// A payment reduces what is open, once; its cancellation brings it back, once;
// whatever the organisation has counted meanwhile.
//
// WP-533
func TestSettleAndUndo(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(electro, account("1", bill(light, "1", 1000), bill(light, "2", 500)))
		w.clock.Advance(time.Minute)
		first := w.pay("1", "1", 400)
		again := bills.Line{Code: first, Account: tolem.AccountID{Organisation: electro, Number: "1"}, Service: light, Invoice: "1", Amount: azn(400)}
		w.update(func(tx *store.Tx) error { return bills.Settle(tx, again) })
		expect := func(what string, one, two int64) {
			t.Helper()
			if a, b := w.open(electro, "1", "1"), w.open(electro, "1", "2"); a != one || b != two {
				t.Errorf("%s: %d and %d open, want %d and %d", what, a, b, one, two)
			}
		}
		expect("paid in part", 600, 500)
		other := again
		other.Amount = azn(401)
		if err := w.db.Update(t.Context(), func(tx *store.Tx) error { return bills.Settle(tx, other) }); !errors.Is(err, bills.ErrOtherPayment) {
			t.Errorf("another payment by the same code: %v", err)
		}
		stale := again
		stale.Code, stale.Shown = w.code(), 1000
		if err := w.db.Update(t.Context(), func(tx *store.Tx) error { return bills.Settle(tx, stale) }); !errors.Is(err, bills.ErrDebtChanged) {
			t.Errorf("what was shown is not owed any more: %v", err)
		}
		stale.Shown = 600
		w.update(func(tx *store.Tx) error { return bills.Settle(tx, stale) })
		expect("paid once more", 200, 500)
		w.undo(stale.Code)
		w.undo(stale.Code)
		expect("cancelled", 600, 500)
		if err := w.db.Update(t.Context(), func(tx *store.Tx) error { return bills.Settle(tx, stale) }); !errors.Is(err, bills.ErrOtherPayment) {
			t.Errorf("a cancelled payment pays again: %v", err)
		}
		if err := w.db.Update(t.Context(), func(tx *store.Tx) error { return bills.Undo(tx, w.code()) }); !errors.Is(err, bills.ErrNotSettled) {
			t.Errorf("undone, though it paid nothing: %v", err)
		}
		// The organisation has counted the first payment.
		w.clock.Advance(time.Minute)
		w.feed(electro, account("1", bill(light, "1", 600), bill(light, "2", 500)))
		expect("counted", 600, 500)
		w.clock.Advance(time.Minute)
		second := w.pay("1", "2", 900) // more than is owed
		expect("paid too much", 600, 0)
		// A batch that has not counted the second.
		w.feedAsOf(electro, w.clock.Now(), w.clock.Now().Add(-30*time.Second), account("1", bill(light, "1", 600), bill(light, "2", 500)))
		expect("not counted", 600, 0)
		w.undo(first)
		expect("the first is cancelled after it was counted", 1000, 0)
		w.clock.Advance(time.Minute)
		w.feed(electro, account("1", bill(light, "1", 1000)))
		expect("all is counted", 1000, 0)
		w.undo(second)
		expect("a bill that was paid and gone stands again", 1000, 900)
		w.clock.Advance(time.Minute)
		w.feed(electro, account("1", bill(light, "1", 1000), bill(light, "2", 500)))
		expect("that is counted too", 1000, 500)
	})
}

// An advance changes no bill, of whatever moment.
func TestAdvanceChangesNoBill(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.feed(electro, account("1"))
		line := bills.Line{Code: w.code(), Account: tolem.AccountID{Organisation: electro, Number: "1"}, Service: light, Amount: azn(400), Advance: true}
		w.update(func(tx *store.Tx) error { return bills.Settle(tx, line) })
		w.feedAsOf(electro, w.clock.Now().Add(time.Second), time.Time{}, account("1", bill(light, "", 300)))
		if open := w.open(electro, "1", ""); open != 300 {
			t.Errorf("%d open", open)
		}
		w.undo(line.Code)
		w.feedAsOf(electro, w.clock.Now().Add(2*time.Second), w.clock.Now().Add(time.Second), account("1"))
		if f := w.find(electro, "1"); f.Outcome != bills.FoundService {
			t.Errorf("%+v", f)
		}
	})
}

// Batches that meet: each is taken whole, and in the end the latest stands.
func TestBatchesAtOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		const batches, accounts = 8, 60
		now := w.clock.Now()
		var group sync.WaitGroup
		for n := range batches {
			group.Go(func() {
				list := make([]tolem.Snapshot, accounts)
				for i := range list {
					list[i] = account(tolem.AccountNumber(fmt.Sprint(i)), bill(light, fmt.Sprint("of ", n), int64(n+1)))
				}
				_, err := w.Feed(t.Context(), bills.Batch{Organisation: electro, AsOf: now.Add(time.Duration(n) * time.Second), PaidUntil: now, Snapshots: list}, false)
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		for i := range accounts {
			f := w.find(electro, fmt.Sprint(i))
			if len(f.Debts) != 1 || f.Debts[0].Open != batches {
				t.Fatalf("account %d: %+v", i, f.Debts)
			}
		}
	})
}

// Payments and batches that meet: whatever the order, what is open is what the
// latest batch says less what it has not counted. Of those who saw the same debt
// one pays it.
func TestSettleAgainstBatches(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		const payers = 8
		now := w.clock.Now()
		w.feedAsOf(electro, now.Add(-time.Minute), now.Add(-time.Minute), account("1", bill(light, "1", 10_000), bill(light, "2", 700)))
		var group sync.WaitGroup
		var mu sync.Mutex
		paid := 0
		for n := range payers {
			code, rivalCode := w.code(), w.code()
			group.Go(func() {
				err := w.db.Update(t.Context(), func(tx *store.Tx) error {
					return bills.Settle(tx, bills.Line{Code: code, Account: tolem.AccountID{Organisation: electro, Number: "1"}, Service: light, Invoice: "1", Amount: azn(100)})
				})
				if err != nil {
					t.Error(err)
				}
			})
			group.Go(func() {
				err := w.db.Update(t.Context(), func(tx *store.Tx) error {
					return bills.Settle(tx, bills.Line{Code: rivalCode, Account: tolem.AccountID{Organisation: electro, Number: "1"}, Service: light, Invoice: "2", Amount: azn(700), Shown: 700})
				})
				if err == nil {
					mu.Lock()
					paid++
					mu.Unlock()
				} else if !errors.Is(err, bills.ErrDebtChanged) {
					t.Error(err)
				}
			})
			group.Go(func() {
				w.feedAsOf(electro, now.Add(-time.Duration(n)*time.Second), now.Add(-time.Minute), account("1", bill(light, "1", 10_000), bill(light, "2", 700)))
			})
		}
		group.Wait()
		if open := w.open(electro, "1", "1"); open != 10_000-payers*100 {
			t.Errorf("%d open", open)
		}
		if open := w.open(electro, "1", "2"); open != 0 || paid != 1 {
			t.Errorf("paid %d times, %d open", paid, open)
		}
	})
}
