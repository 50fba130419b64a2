package store

import (
	"fmt"
	"strings"
	"time"

	"tolem"
)

// measureColumns are the columns of tolem.Measures, in the order of Counters.
var measureColumns = []string{
	"issued", "expired", "cancelled", "closed", "paid", "paid_minor", "fees_minor", "late", "refunds", "refunds_minor", "refused",
	"pay_us", "pay_m1", "pay_m10", "pay_h1", "pay_d1", "close_us", "close_m1", "close_m10", "close_h1", "close_d1",
}

// totalBulk writes rows of a table of totals.
func totalBulk(name, table string, keys ...string) bulk {
	b := bulk{name: name}
	var names []string
	add := func(kind columnKind, columns ...string) {
		names = append(names, columns...)
		for _, c := range columns {
			b.cols = append(b.cols, column{c, kind})
		}
	}
	add(bigint, keys...)
	add(text, "bank", "provider", "service")
	add(bigint, "channel")
	add(text, "currency")
	add(bigint, measureColumns...)
	list := strings.Join(names, ", ")
	b.text = "INSERT INTO " + table + " (" + list + ") SELECT " + list + " FROM rows"
	return b
}

// Draft names one attempt to count a day.
type Draft int64

// CountedDay is a day whose totals hold.
type CountedDay struct {
	Day       tolem.Day
	Draft     Draft
	CountedAt time.Time
}

// AddDayTotals adds totals of a whole day to a draft; their Hour says nothing.
func (tx *Tx) AddDayTotals(day tolem.Day, draft Draft, totals []HourTotal) error {
	return tx.addTotals(bulkDayTotal, totals, func(HourTotal) []any { return []any{int64(day), int64(draft)} })
}

// AddHourTotals adds totals by hour to a draft.
func (tx *Tx) AddHourTotals(day tolem.Day, draft Draft, totals []HourTotal) error {
	return tx.addTotals(bulkHourTotal, totals, func(t HourTotal) []any {
		return []any{int64(day), int64(draft), int64(t.Hour), boolean(t.Carried)}
	})
}

func (tx *Tx) addTotals(bulk int, totals []HourTotal, key func(HourTotal) []any) error {
	if err := tx.writable(); err != nil {
		return err
	}
	for _, t := range totals {
		channel, err := channelNumber(t.Channel)
		if err != nil {
			return err
		}
		row := append(key(t), string(t.Bank), string(t.Provider), string(t.Service), channel, string(t.Currency))
		for _, c := range t.Counters() {
			row = append(row, *c)
		}
		tx.set.add(bulk, row...)
	}
	return nil
}

// AddRefusalTotals adds refusals to a draft.
func (tx *Tx) AddRefusalTotals(day tolem.Day, draft Draft, totals []RefusalTotal) error {
	if err := tx.writable(); err != nil {
		return err
	}
	for _, t := range totals {
		tx.set.add(bulkRefusalTotal, int64(day), int64(draft), int64(t.Hour), boolean(t.Carried), string(t.Participant), string(t.Operation),
			string(t.Result), t.Requests)
	}
	return nil
}

// KeepCount makes a draft the totals of its day. If another draft is already,
// Update returns ErrExists.
func (tx *Tx) KeepCount(d CountedDay) error {
	return tx.exec(single{
		text: `INSERT INTO day_count (day, draft, counted_at) VALUES ($1, $2, $3) ON CONFLICT (day) DO NOTHING`,
		args: []any{int64(d.Day), int64(d.Draft), micros(d.CountedAt)}, want: 1,
		otherwise: fmt.Errorf("totals of %s: %w", d.Day, ErrExists),
	}, guardKey{table: "day_count", number: int64(d.Day)})
}

// totalTables are the tables of drafts.
var totalTables = [...]string{"day_total", "hour_total", "refusal_total"}

// DropDrafts removes every draft of a day but the one that holds.
func (tx *Tx) DropDrafts(day tolem.Day) error {
	for _, table := range totalTables {
		err := tx.exec(single{
			text: "DELETE FROM " + table + " WHERE day = $1 AND draft <> (SELECT draft FROM day_count WHERE day = $1)",
			args: []any{int64(day)}, want: anyRows,
		}, guardKey{table: "day_count", number: int64(day)})
		if err != nil {
			return err
		}
	}
	return nil
}

// CountedDays returns the counted days from one to another, both included.
func (tx *Tx) CountedDays(from, to tolem.Day) ([]CountedDay, error) {
	var list []CountedDay
	err := tx.db.query(tx.ctx, `SELECT day, draft, counted_at FROM day_count WHERE day >= $1 AND day <= $2 ORDER BY day`,
		[]any{int64(from), int64(to)}, func(scan func(...any) error) error {
			var day, draft, at int64
			err := scan(&day, &draft, &at)
			list = append(list, CountedDay{Day: tolem.Day(day), Draft: Draft(draft), CountedAt: instant(at)})
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read counted days: %w", err)
	}
	return list, nil
}

// FirstCountedDay returns the first day that has totals, or ErrNotFound.
func (tx *Tx) FirstCountedDay() (day tolem.Day, err error) {
	found := false
	err = tx.db.query(tx.ctx, `SELECT day FROM day_count ORDER BY day LIMIT 1`, nil, func(scan func(...any) error) error {
		var d int64
		err := scan(&d)
		day, found = tolem.Day(d), true
		return err
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return 0, fmt.Errorf("read first counted day: %w", err)
	}
	return day, nil
}

// UncountedDays returns sealed days without totals, the oldest first, at most
// limit.
func (tx *Tx) UncountedDays(limit int) ([]tolem.Day, error) {
	var list []tolem.Day
	err := tx.db.query(tx.ctx, `SELECT b.day FROM business_day b LEFT JOIN day_count c ON c.day = b.day WHERE c.day IS NULL ORDER BY b.day LIMIT $1`,
		[]any{limit}, func(scan func(...any) error) error {
			var day int64
			err := scan(&day)
			list = append(list, tolem.Day(day))
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read uncounted days: %w", err)
	}
	return list, nil
}

// Grouping says by what totals are told apart.
type Grouping struct {
	Day, Hour, Carried               bool // Hour and Carried: of the table by hours
	Bank, Provider, Service, Channel bool
}

// TotalFilter says which totals are summed up. Zero fields do not narrow.
type TotalFilter struct {
	From, To tolem.Day // both included
	tolem.Direction
}

// DayTotal is a sum of totals. What it was not grouped by is zero.
type DayTotal struct {
	Day tolem.Day
	HourTotal
}

// SumTotals sums up the totals of counted days by currency and grouping, in the
// order of day, hour, currency, bank, provider, service and channel, at most
// limit.
func (tx *Tx) SumTotals(f TotalFilter, g Grouping, limit int) ([]DayTotal, error) {
	text, args, err := sumStatement(f, g, limit)
	if err != nil {
		return nil, err
	}
	var list []DayTotal
	err = tx.db.query(tx.ctx, text, args, func(scan func(...any) error) error {
		var t DayTotal
		var day, hour, carried, channel int64
		targets := []any{&day, &hour, &carried, &t.Currency, &t.Bank, &t.Provider, &t.Service, &channel}
		if err := scan(append(targets, counterTargets(&t.Measures)...)...); err != nil {
			return err
		}
		if channel < 0 || channel >= int64(len(channels)) {
			return fmt.Errorf("channel %d: %w", channel, ErrSchema)
		}
		t.Day, t.Hour, t.Carried, t.Channel = tolem.Day(day), int(hour), carried != 0, channels[channel]
		list = append(list, t)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sum up totals: %w", err)
	}
	return list, nil
}

// sumStatement writes the query. Its parts are fixed, so there are not many of
// them. The order of CROSS JOIN is binding on SQLite: by day to its draft.
func sumStatement(f TotalFilter, g Grouping, limit int) (string, []any, error) {
	table := "day_total"
	if g.Hour || g.Carried {
		table = "hour_total"
	}
	var columns, groups []string
	add := func(grouped bool, name, otherwise string) {
		if !grouped {
			columns = append(columns, otherwise)
			return
		}
		columns, groups = append(columns, name), append(groups, name)
	}
	add(g.Day, "d.day", "0")
	add(g.Hour, "t.hour", "0")
	add(g.Carried, "t.carried", "0")
	add(true, "t.currency", "")
	add(g.Bank, "t.bank", "''")
	add(g.Provider, "t.provider", "''")
	add(g.Service, "t.service", "''")
	add(g.Channel, "t.channel", "0")
	for _, m := range measureColumns {
		columns = append(columns, "CAST(SUM(t."+m+") AS BIGINT)")
	}
	text := "SELECT " + strings.Join(columns, ", ") + " FROM day_count d CROSS JOIN " + table +
		" t WHERE d.day >= $1 AND d.day <= $2 AND t.day = d.day AND t.draft = d.draft"
	args := []any{int64(f.From), int64(f.To)}
	narrow := func(column string, value any) {
		args = append(args, value)
		text += fmt.Sprintf(" AND t.%s = $%d", column, len(args))
	}
	for _, n := range []struct{ column, value string }{
		{"bank", string(f.Bank)}, {"provider", string(f.Provider)}, {"service", string(f.Service)}, {"currency", string(f.Currency)},
	} {
		if n.value != "" {
			narrow(n.column, n.value)
		}
	}
	if f.Channel != "" {
		channel, err := channelNumber(f.Channel)
		if err != nil {
			return "", nil, err
		}
		narrow("channel", channel)
	}
	list := strings.Join(groups, ", ")
	args = append(args, limit)
	return text + " GROUP BY " + list + " ORDER BY " + list + fmt.Sprintf(" LIMIT $%d", len(args)), args, nil
}

// RefusalFilter says which refusals are summed up. Zero fields do not narrow.
type RefusalFilter struct {
	From, To    tolem.Day // both included
	Participant tolem.ParticipantID
}

// DayRefusals is a number of refused requests of a day.
type DayRefusals struct {
	Day tolem.Day
	RefusalTotal
}

// SumRefusals returns the refusals of counted days by day, participant,
// operation and result; by hour, and carried or not, too if asked for; at most
// limit.
func (tx *Tx) SumRefusals(f RefusalFilter, byHour bool, limit int) ([]DayRefusals, error) {
	hour, group := "0, 0", ""
	if byHour {
		hour, group = "t.hour, t.carried", ", t.hour, t.carried"
	}
	group = "d.day, t.participant, t.operation, t.result" + group
	text := "SELECT d.day, " + hour + `, t.participant, t.operation, t.result, CAST(SUM(t.requests) AS BIGINT)
		FROM day_count d CROSS JOIN refusal_total t
		WHERE d.day >= $1 AND d.day <= $2 AND t.day = d.day AND t.draft = d.draft`
	args := []any{int64(f.From), int64(f.To), limit}
	if f.Participant != "" {
		text += " AND t.participant = $4"
		args = append(args, string(f.Participant))
	}
	var list []DayRefusals
	err := tx.db.query(tx.ctx, text+" GROUP BY "+group+" ORDER BY "+group+" LIMIT $3", args, func(scan func(...any) error) error {
		var t DayRefusals
		var day, hour, carried int64
		err := scan(&day, &hour, &carried, &t.Participant, &t.Operation, &t.Result, &t.Requests)
		t.Day, t.Hour, t.Carried = tolem.Day(day), int(hour), carried != 0
		list = append(list, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sum up refusals: %w", err)
	}
	return list, nil
}
