package store

import (
	"fmt"
	"math"
	"strings"
	"time"

	"tolem"
)

// MaxSlices is how many slices of time one count may have: the hours of a day,
// those of clocks that were put back, and the last of the day before.
const MaxSlices = 32

// Slice is a stretch of time up to where the next begins.
type Slice struct {
	Until   time.Time // not included
	Hour    int       // on the clock
	Carried bool      // it lies before the day that is counted
}

// HourTotal is what was counted in one direction in one hour of a day.
type HourTotal struct {
	Hour    int
	Carried bool
	tolem.Direction
	tolem.Measures
}

// RefusalTotal counts the refused requests of a participant in one hour.
type RefusalTotal struct {
	Hour        int
	Carried     bool
	Participant tolem.ParticipantID
	Operation   tolem.Operation
	Result      tolem.ResultCode
	Requests    int64
}

// sliceOf returns an expression that gives the number of the slice that the
// moment lies in, and len(slices) or more behind the last. Its parameters begin
// with $first and are those of sliceArgs.
func sliceOf(moment string, first int) string {
	var b strings.Builder
	b.WriteString("CASE")
	for i := range MaxSlices {
		fmt.Fprintf(&b, " WHEN %s < $%d THEN %d", moment, first+i, i)
	}
	fmt.Fprintf(&b, " ELSE %d END", MaxSlices)
	return b.String()
}

func sliceArgs(args []any, slices []Slice) ([]any, error) {
	if len(slices) == 0 || len(slices) > MaxSlices {
		return nil, fmt.Errorf("count in %d slices, allowed are 1 to %d", len(slices), MaxSlices)
	}
	for i := range MaxSlices {
		if i < len(slices) {
			args = append(args, micros(slices[i].Until))
		} else {
			args = append(args, int64(math.MaxInt64))
		}
	}
	return args, nil
}

// sumWhen and countWhen are the aggregates of rows that meet a condition. A sum
// of BIGINTs is of a wider type on PostgreSQL.
func sumWhen(value, condition string) string {
	return "CAST(SUM(CASE WHEN " + condition + " THEN " + value + " ELSE 0 END) AS BIGINT)"
}

func countWhen(condition string) string { return sumWhen("1", condition) }

// durations are the aggregates of tolem.Durations.
func durations(took, condition string) []string {
	list := []string{sumWhen(took, condition)}
	from := ""
	for _, step := range tolem.DurationSteps {
		list = append(list, countWhen(fmt.Sprintf("%s%s AND %s < %d", condition, from, took, step.Microseconds())))
		from = fmt.Sprintf(" AND %s >= %d", took, step.Microseconds())
	}
	return list
}

// never stands for a counter that a query does not fill in.
const never = "0"

func nevers(n int) []string { return strings.Split(strings.Repeat(never+" ", n-1)+never, " ") }

// durationCounters is the number of counters of a tolem.Durations.
const durationCounters = 1 + len(tolem.DurationSteps)

// factTally counts the facts of a sealed day in one pass. A refused
// notification may name any service: it counts for that of the code, if the
// code is its bank's.
var factTally = func() string {
	counters := append(nevers(4), // issued, expired, cancelled, closed
		countWhen("r.kind = 1"), sumWhen("r.amount", "r.kind = 1"), sumWhen("r.fee", "r.kind = 1"),
		countWhen("r.kind = 1 AND r.discrepancy = 'LATE'"),
		countWhen("r.kind = 2"), sumWhen("r.amount", "r.kind = 2"), countWhen("r.kind = 3"))
	counters = append(counters, durations("r.received_at - c.issued_at", "r.kind = 1")...)
	counters = append(counters, nevers(durationCounters)...)
	return `SELECT ` + sliceOf("r.at", 2) + `, r.bank, COALESCE(c.provider, ''), COALESCE(c.service, ''), r.channel, r.currency, ` +
		strings.Join(counters, ", ") + `
		FROM day_row r LEFT JOIN code c ON c.number = r.code AND c.bank = r.bank
		WHERE r.day = $1 GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6`
}()

// stepTally counts what else happened to codes in a time, in one pass. Payments
// and refunds are facts and left out.
var stepTally = func() string {
	counters := []string{countWhen("s.became = 1"), countWhen("s.became = 4"), countWhen("s.became = 5"), countWhen("s.became = 3")}
	counters = append(counters, nevers(7+durationCounters)...)
	counters = append(counters, durations("s.at - p.received_at", "s.became = 3")...)
	return `SELECT ` + sliceOf("s.at", 3) + `, c.bank, c.provider, c.service, c.channel, c.currency, ` +
		strings.Join(counters, ", ") + `
		FROM step s JOIN code c ON c.number = s.code LEFT JOIN payment p ON p.code = s.code AND s.became = 3
		WHERE s.at >= $1 AND s.at < $2 AND s.became <> s.was AND s.became <> 2 AND s.became <> 6
		GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6`
}()

// refusalTally counts refused requests in a time.
var refusalTally = `SELECT ` + sliceOf("at", 3) + `, participant, operation, result, COUNT(*)
	FROM request WHERE result <> 'OK' AND at >= $1 AND at < $2
	GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`

// TallyFacts counts the facts of a sealed day: payments, refunds and refused
// notifications, in slices, the last of which ends with the day.
func (tx *Tx) TallyFacts(day tolem.Day, slices []Slice) ([]HourTotal, error) {
	args, err := sliceArgs([]any{int64(day)}, slices)
	if err != nil {
		return nil, err
	}
	return tx.tally(factTally, args, slices)
}

// TallySteps counts the codes that were issued, that expired, and that were
// cancelled or closed, from a moment to the end of the last slice.
func (tx *Tx) TallySteps(from time.Time, slices []Slice) ([]HourTotal, error) {
	args, err := sliceArgs([]any{micros(from), micros(slices[len(slices)-1].Until)}, slices)
	if err != nil {
		return nil, err
	}
	return tx.tally(stepTally, args, slices)
}

func (tx *Tx) tally(text string, args []any, slices []Slice) ([]HourTotal, error) {
	var list []HourTotal
	err := tx.db.query(tx.ctx, text, args, func(scan func(...any) error) error {
		var t HourTotal
		var slice, channel int64
		targets := []any{&slice, &t.Bank, &t.Provider, &t.Service, &channel, &t.Currency}
		if err := scan(append(targets, counterTargets(&t.Measures)...)...); err != nil {
			return err
		}
		if slice >= int64(len(slices)) || channel < 0 || channel >= int64(len(channels)) {
			return fmt.Errorf("slice %d, channel %d: %w", slice, channel, ErrSchema)
		}
		t.Hour, t.Carried, t.Channel = slices[slice].Hour, slices[slice].Carried, channels[channel]
		list = append(list, t)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count a day: %w", err)
	}
	return list, nil
}

// TallyRefusals counts refused requests as TallySteps does.
func (tx *Tx) TallyRefusals(from time.Time, slices []Slice) ([]RefusalTotal, error) {
	args, err := sliceArgs([]any{micros(from), micros(slices[len(slices)-1].Until)}, slices)
	if err != nil {
		return nil, err
	}
	var list []RefusalTotal
	err = tx.db.query(tx.ctx, refusalTally, args, func(scan func(...any) error) error {
		var t RefusalTotal
		var slice int64
		if err := scan(&slice, &t.Participant, &t.Operation, &t.Result, &t.Requests); err != nil {
			return err
		}
		if slice >= int64(len(slices)) {
			return ErrSchema
		}
		t.Hour, t.Carried = slices[slice].Hour, slices[slice].Carried
		list = append(list, t)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count refusals: %w", err)
	}
	return list, nil
}

func counterTargets(m *tolem.Measures) []any {
	counters := m.Counters()
	targets := make([]any, len(counters))
	for i, c := range counters {
		targets[i] = c
	}
	return targets
}
