package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tolem"
	"tolem/registry/match"
)

// matchRows is how many rows either side of the comparison has.
const matchRows = 100_000

// wrongEvery is how far apart the defects of the submitted list are: an amount
// that differs, a row that lacks, a row that is there twice.
const wrongEvery = 300

// reconciliation compares a list with a register, in a process of its own.
func (s *session) reconciliation(ctx context.Context) error {
	n := min(matchRows, s.Rows)
	steps, err := s.worker(ctx, "registers: reconciliation", "match", "--rows", fmt.Sprint(n))
	if err != nil {
		return err
	}
	t := Table{
		Part: PartRegisters, Title: fmt.Sprintf("Reconciliation of %d with %d rows", n, n),
		Note: "a submitted CSV, one row in a hundred wrong, is read and compared with the register's rows in memory",
	}
	seconds := 0.0
	for _, step := range steps {
		t.Rows = append(t.Rows, stepRow(step))
		seconds += step.Seconds
	}
	s.table(t)
	s.atMost(PartRegisters, fmt.Sprintf("reconciliation of %d with %d rows, s", n, n), seconds, maxMatching)
	return nil
}

// Match makes a register and a list with defects, compares them, and tells of
// both steps.
func Match(rows int, out io.Writer) error {
	calendar := tolem.NewCalendar(time.UTC, nil, nil)
	day := tolem.DayOf(2026, time.November, 21)
	f := newFacts(calendar, day, rows)
	f.payments = true
	ours, err := f.next(rows)
	if err != nil {
		return err
	}
	text, wrong := listOf(ours)
	var list match.List
	tell := json.NewEncoder(out)
	read, err := measured(Step{Name: "list read"}, func() (int64, error) {
		list, err = match.ParseCSV(bytes.NewReader(text), match.Options{})
		return int64(len(list.Entries)), err
	})
	if err != nil {
		return err
	}
	book := match.Book{
		Owner: tolem.Owner{Kind: tolem.BankRegister, ID: string(benchBank), Bank: benchBank}, Day: day,
		From: calendar.Start(day), To: calendar.End(day), Rows: match.Rows(ours),
	}
	var result match.Result
	compared, err := measured(Step{Name: "compared"}, func() (int64, error) {
		result, err = match.Match(book, list, nil)
		return int64(len(ours)), err
	})
	if err != nil {
		return err
	}
	if len(result.Anomalies) != wrong {
		return fmt.Errorf("%d anomalies were found, %d made", len(result.Anomalies), wrong)
	}
	if err := tell.Encode(read); err != nil {
		return err
	}
	return tell.Encode(compared)
}

// listOf writes rows as a bank would, and how many defects are in them.
func listOf(rows []tolem.RegisterRow) (text []byte, wrong int) {
	var b bytes.Buffer
	b.WriteString("code;bankRef;amount;currency;paidAt;service;provider\r\n")
	for i, r := range rows {
		times := 1
		switch i % wrongEvery {
		case wrongEvery - 1:
			r.Amount.Minor += 1_00
			wrong++
		case wrongEvery - 101:
			times = 0
			wrong++
		case wrongEvery - 201:
			times = 2
			wrong++
		}
		for range times {
			fmt.Fprintf(&b, "%s;%s;%s;%s;%s;%s;%s\r\n", r.Code, r.BankRef, r.Amount.Decimal(), r.Amount.Currency,
				r.PaidAt.Format(time.RFC3339), r.Service, r.Provider)
		}
	}
	return b.Bytes(), wrong
}
