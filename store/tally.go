package store

import (
	"fmt"
	"strings"
	"time"

	"tolem"
)

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

// factTally counts facts of a sealed day. A refused notification may name any
// service: it counts for that of the code, if the code is its bank's.
var factTally = func() string {
	counters := append(nevers(4), // issued, expired, cancelled, closed
		countWhen("r.kind = 1"), sumWhen("r.amount", "r.kind = 1"), sumWhen("r.fee", "r.kind = 1"),
		countWhen("r.kind = 1 AND r.discrepancy = 'LATE'"),
		countWhen("r.kind = 2"), sumWhen("r.amount", "r.kind = 2"), countWhen("r.kind = 3"))
	counters = append(counters, durations("r.received_at - c.issued_at", "r.kind = 1")...)
	counters = append(counters, nevers(durationCounters)...)
	return `SELECT r.bank, COALESCE(c.provider, ''), COALESCE(c.service, ''), r.channel, r.currency, ` + strings.Join(counters, ", ") + `
		FROM day_row r LEFT JOIN code c ON c.number = r.code AND c.bank = r.bank
		WHERE r.day = $1 AND r.bank = $2 AND r.at >= $3 AND r.at < $4 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5`
}()

// stepTally counts what else happened to codes in a time, by way of the steps: the
// order of CROSS JOIN is binding on SQLite. Payments and refunds
// are facts and left out.
var stepTally = func() string {
	counters := []string{countWhen("s.became = 1"), countWhen("s.became = 4"), countWhen("s.became = 5"), countWhen("s.became = 3")}
	counters = append(counters, nevers(7+durationCounters)...)
	counters = append(counters, durations("s.at - p.received_at", "s.became = 3")...)
	return `SELECT c.bank, c.provider, c.service, c.channel, c.currency, ` + strings.Join(counters, ", ") + `
		FROM step s CROSS JOIN code c LEFT JOIN payment p ON p.code = s.code AND s.became = 3
		WHERE s.at >= $1 AND s.at < $2 AND c.number = s.code AND s.became <> s.was AND s.became <> 2 AND s.became <> 6
		GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5`
}()

// TallyFacts counts the facts of a bank in a sealed day from one moment to
// another: payments, refunds and refused notifications.
func (tx *Tx) TallyFacts(day tolem.Day, bank tolem.ParticipantID, from, to time.Time) ([]HourTotal, error) {
	return tx.tally(factTally, int64(day), string(bank), micros(from), micros(to))
}

// TallySteps counts the codes that were issued, that expired, and that were
// cancelled or closed, from one moment to another.
func (tx *Tx) TallySteps(from, to time.Time) ([]HourTotal, error) {
	return tx.tally(stepTally, micros(from), micros(to))
}

// tally counts in every direction; the hour is the caller's.
func (tx *Tx) tally(text string, args ...any) ([]HourTotal, error) {
	var list []HourTotal
	err := tx.db.query(tx.ctx, text, args, func(scan func(...any) error) error {
		var t HourTotal
		var channel int64
		targets := []any{&t.Bank, &t.Provider, &t.Service, &channel, &t.Currency}
		if err := scan(append(targets, counterTargets(&t.Measures)...)...); err != nil {
			return err
		}
		if channel < 0 || channel >= int64(len(channels)) {
			return fmt.Errorf("channel %d: %w", channel, ErrSchema)
		}
		t.Channel = channels[channel]
		list = append(list, t)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count an hour: %w", err)
	}
	return list, nil
}

// TallyRefusals counts refused requests from one moment to another.
func (tx *Tx) TallyRefusals(from, to time.Time) ([]RefusalTotal, error) {
	var list []RefusalTotal
	err := tx.db.query(tx.ctx, `SELECT participant, operation, result, COUNT(*) FROM request
		WHERE result <> 'OK' AND at >= $1 AND at < $2 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`, []any{micros(from), micros(to)},
		func(scan func(...any) error) error {
			var t RefusalTotal
			err := scan(&t.Participant, &t.Operation, &t.Result, &t.Requests)
			list = append(list, t)
			return err
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
