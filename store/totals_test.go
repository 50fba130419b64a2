package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"tolem"
)

// Of two drafts of a day the first that is kept holds, and the other goes.
func TestDrafts(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		day := tolem.DayOf(2026, time.November, 20)
		total := func(paid int64) []HourTotal {
			return []HourTotal{{Hour: 7, Direction: tolem.Direction{Bank: "A", Channel: tolem.ChannelATM, Currency: tolem.KZT}, Measures: tolem.Measures{Paid: paid}}}
		}
		refusals := []RefusalTotal{{Hour: 7, Participant: "A", Operation: tolem.OpCloseCode, Result: tolem.NotPaid, Requests: 3}}
		for draft, paid := range map[Draft]int64{1: 10, 2: 20} {
			update(t, db, func(tx *Tx) error {
				return errors.Join(tx.AddDayTotals(day, draft, total(paid)), tx.AddHourTotals(day, draft, total(paid)), tx.AddRefusalTotals(day, draft, refusals))
			})
		}
		sum := func() (list []DayTotal) {
			t.Helper()
			view(t, db, func(tx *Tx) (err error) {
				list, err = tx.SumTotals(TotalFilter{To: day}, Grouping{Day: true}, 10)
				return err
			})
			return list
		}
		if got := sum(); len(got) != 0 {
			t.Errorf("drafts count: %+v", got)
		}
		update(t, db, func(tx *Tx) error { return tx.DropDrafts(day) }) // no draft holds yet: none goes
		update(t, db, func(tx *Tx) error { return tx.KeepCount(CountedDay{Day: day, Draft: 2, CountedAt: tx.Now()}) })
		if err := db.Update(t.Context(), func(tx *Tx) error { return tx.KeepCount(CountedDay{Day: day, Draft: 1}) }); !errors.Is(err, ErrExists) {
			t.Errorf("a second draft: %v", err)
		}
		if got := sum(); len(got) != 1 || got[0].Paid != 20 {
			t.Errorf("a draft that does not hold counts: %+v", got)
		}
		update(t, db, func(tx *Tx) error { return tx.DropDrafts(day) })
		for _, table := range totalTables {
			if rows := count(t, db, table); rows != 1 {
				t.Errorf("%d rows in %s", rows, table)
			}
		}
		if got := sum(); len(got) != 1 || got[0].Paid != 20 || got[0].Day != day {
			t.Errorf("%+v", got)
		}
	})
}

// Filters and groupings of totals, alone and together.
func TestSumTotals(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		var totals []HourTotal
		for i, bank := range []tolem.ParticipantID{"A", "B"} {
			for j, channel := range []tolem.Channel{tolem.ChannelATM, tolem.ChannelAccount} {
				for k, currency := range []tolem.Currency{tolem.KZT, tolem.AZN} {
					totals = append(totals, HourTotal{
						Hour: i, Direction: tolem.Direction{Bank: bank, Provider: "P", Service: "S", Channel: channel, Currency: currency},
						Measures: tolem.Measures{Paid: int64(1 + i + 2*j + 4*k), PaidMinor: 1 << 40},
					})
				}
			}
		}
		update(t, db, func(tx *Tx) error {
			return errors.Join(tx.AddDayTotals(5, 1, totals), tx.AddHourTotals(5, 1, totals), tx.KeepCount(CountedDay{Day: 5, Draft: 1}))
		})
		for name, c := range map[string]struct {
			filter TotalFilter
			by     Grouping
			want   []int64 // payments
		}{
			"whole":             {TotalFilter{From: 5, To: 5}, Grouping{}, []int64{26, 10}}, // AZN before KZT
			"by bank":           {TotalFilter{To: 9}, Grouping{Bank: true}, []int64{12, 14, 4, 6}},
			"a bank by channel": {TotalFilter{To: 9, Direction: tolem.Direction{Bank: "B", Currency: tolem.KZT}}, Grouping{Channel: true}, []int64{4, 2}},
			"by hour":           {TotalFilter{To: 9, Direction: tolem.Direction{Channel: tolem.ChannelATM}}, Grouping{Hour: true}, []int64{5, 1, 6, 2}},
			"other days":        {TotalFilter{From: 6, To: 9}, Grouping{}, nil},
			"other bank":        {TotalFilter{To: 9, Direction: tolem.Direction{Bank: "C"}}, Grouping{}, nil},
		} {
			view(t, db, func(tx *Tx) error {
				list, err := tx.SumTotals(c.filter, c.by, 100)
				var got []int64
				for _, row := range list {
					got = append(got, row.Paid)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%s: %v, want %v: %+v", name, got, c.want, list)
				}
				return err
			})
		}
	})
}
