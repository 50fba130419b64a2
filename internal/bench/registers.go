package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"tolem"
	"tolem/store"
)

// Limits of the day's work.
const (
	maxDayMemory = 200 // MiB of resident memory, whatever is done with a register
	maxDayGrowth = 1.5 // time a row of a register, against that of one a tenth as long
	maxMatching  = 10  // seconds for matchRows rows on either side

	// judgedRows is from how many rows on growth says something: below, what
	// every register costs weighs more than its rows.
	judgedRows = 1_000_000
)

// tenth is how much smaller the registers are that the long one is compared with.
const tenth = 10

// registers measures the day's work: a register a tenth as long, several
// times, then a long one, each in a process of its own.
func (s *session) registers(ctx context.Context) error {
	s.noteMissing(PartRegisters)
	for _, kind := range s.kinds() {
		if err := s.registersOn(ctx, kind); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return s.reconciliation(ctx)
}

// days are the days that are measured on one database.
type days struct {
	in       *installation
	db       *store.DB
	calendar *tolem.Calendar
	kind     string
}

func (s *session) registersOn(ctx context.Context, kind string) (err error) {
	s.Progress("registers: " + kind)
	in, err := s.install(ctx, kind, "registers-"+kind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.place.drop(ctx)) }()
	db, _, err := s.Open(ctx, in.config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	d := days{in: in, db: db, kind: kind}
	if d.calendar, err = s.Calendar(in.config); err != nil {
		return err
	}
	few, many, paid, err := d.measure(ctx)
	if err != nil {
		return err
	}
	s.dayTables(kind, few, many, paid)
	return s.month(ctx, &d)
}

// measure measures the short days, the long one, and sealing a day whose
// payments happened.
func (d *days) measure(ctx context.Context) (few [][]Step, many, paid []Step, err error) {
	s := d.in.s
	short, day := max(1, s.Rows/tenth), d.calendar.DayOf(time.Now())-tolem.Day(s.Rounds)-3
	for range s.Rounds {
		steps, err := d.day(ctx, newFacts(d.calendar, day, short), seedFacts)
		if err != nil {
			return nil, nil, nil, err
		}
		few = append(few, steps)
		day++
	}
	if many, err = d.day(ctx, newFacts(d.calendar, day, s.Rows), seedFacts); err != nil {
		return nil, nil, nil, err
	}
	paid, err = d.day(ctx, newFacts(d.calendar, day+1, short), seedPayments, "--seal-only")
	return few, many, paid, err
}

// day seeds a day and has its work done in a process of its own.
func (d *days) day(ctx context.Context, f *facts, seed func(context.Context, *store.DB, *facts) error, args ...string) (_ []Step, err error) {
	s := d.in.s
	s.Progress(fmt.Sprintf("registers: %s, %d rows: seeding", d.kind, f.n))
	if err := seed(ctx, d.db, f); err != nil {
		return nil, err
	}
	if err := d.in.place.tidy(ctx); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(d.in.dir, "day-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	args = append([]string{"day", "--config", d.in.config, "--day", f.day.String(), "--folder", folder}, args...)
	steps, err := s.worker(ctx, fmt.Sprintf("registers: %s, %d rows", d.kind, f.n), args...)
	if err == nil && steps[0].Rows != int64(f.n) {
		err = fmt.Errorf("%d rows were sealed, %d seeded", steps[0].Rows, f.n)
	}
	return steps, err
}

// worker runs a hidden command of the benchmark and returns the steps it tells
// of.
func (s *session) worker(ctx context.Context, what string, args ...string) (steps []Step, err error) {
	c := exec.CommandContext(ctx, s.Program, append([]string{"bench"}, args...)...)
	var problems strings.Builder
	c.Stderr = &problems
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	lines := json.NewDecoder(bufio.NewReader(out))
	for {
		var step Step
		if err = lines.Decode(&step); err != nil {
			break
		}
		s.Progress(what + ": " + step.Name)
		steps = append(steps, step)
	}
	if err == io.EOF {
		err = nil
	}
	if err = errors.Join(err, c.Wait()); err == nil && len(steps) == 0 {
		err = errors.New("nothing was measured")
	}
	if err != nil {
		return nil, fmt.Errorf("tolem bench %s: %w: %s", args[0], err, problems.String())
	}
	return steps, nil
}

// tidy has the database take up what was just written, as it would have done
// by itself before long. PostgreSQL counts nothing anew: a day's facts are read
// before it has had time to.
func (d *database) tidy(ctx context.Context) error {
	db, err := d.open(1)
	if err != nil {
		return err
	}
	defer db.Close()
	statement := "PRAGMA wal_checkpoint(TRUNCATE)"
	if d.postgres {
		statement = "VACUUM " + d.schema + ".day_row"
	}
	_, err = db.ExecContext(ctx, statement)
	return err
}

// dayTables tells of the days: every step, and how it grew.
func (s *session) dayTables(kind string, few [][]Step, many, paid []Step) {
	middle := middleSteps(few)
	t := Table{
		Part: PartRegisters, Title: fmt.Sprintf("Registers of %d and of %d rows, %s", middle[0].Rows, many[0].Rows, kind),
		Note: fmt.Sprintf("short registers: medians of %d; memory: resident, of the process that does the work, the database's own not counted.\n", len(few)) +
			"Verified and read back: signature, totals, and each row against the database; PDF: one file of a branch, building its register not counted",
	}
	for _, steps := range [][]Step{middle, many, paid} {
		for _, step := range steps {
			t.Rows = append(t.Rows, stepRow(step))
		}
	}
	s.table(t)
	s.growth(kind, middle, many)
}

// stepRow is a step as a row of a table.
func stepRow(step Step) Row {
	return Row{Case: step.Name, Values: []Value{
		{"rows", "", float64(step.Rows)}, {"seconds", "", step.Seconds}, {"rows/s", "", float64(step.Rows) / step.Seconds},
		{"peak", "MiB", step.PeakMiB}, {"file", "MiB", step.FileMiB},
	}}
}

// growth tells how the long register compares with the short ones.
func (s *session) growth(kind string, few, many []Step) {
	t := Table{
		Part: PartRegisters, Title: fmt.Sprintf("The same, of the long register : of the short ones, %s", kind),
		Note: "1 is linear growth; the PDF is as long in both. Memory that grows with the rows would show as 10",
	}
	var short, long, peak float64
	for i, step := range many {
		t.Rows = append(t.Rows, Row{Case: step.Name, Values: []Value{
			{"time a row", "×", step.perRow() / few[i].perRow()}, {"peak memory", "×", quotient(step.PeakMiB, few[i].PeakMiB)},
		}})
		peak = max(peak, step.PeakMiB)
		if step.Name != stepPDF {
			short, long = short+few[i].perRow(), long+step.perRow()
		}
	}
	t.Rows = append(t.Rows, Row{Case: "all but the PDF", Values: []Value{
		{"time a row", "×", long / short}, {"peak memory", "×", quotient(peak, peakOf(few))},
	}})
	s.table(t)
	s.atMost(PartRegisters, fmt.Sprintf("%s, %d rows: MiB of memory at the highest", kind, many[0].Rows), peak, maxDayMemory)
	if many[0].Rows >= judgedRows {
		s.atMost(PartRegisters, fmt.Sprintf("%s: time a row, %d rows : %d rows", kind, many[0].Rows, few[0].Rows), long/short, maxDayGrowth)
	} else {
		s.leaveOut(fmt.Sprintf("%s on %s: the limit of growth, which is judged from %d rows on", PartRegisters, kind, judgedRows))
	}
}

func (s Step) perRow() float64 { return s.Seconds / float64(max(1, s.Rows)) }

func peakOf(steps []Step) (peak float64) {
	for _, s := range steps {
		peak = max(peak, s.PeakMiB)
	}
	return peak
}

// quotient is a : b, and 0 where the system told neither.
func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// middleSteps are the medians of several days, step by step.
func middleSteps(rounds [][]Step) []Step {
	middle := make([]Step, len(rounds[0]))
	for i := range middle {
		var seconds, peaks []float64
		for _, steps := range rounds {
			seconds, peaks = append(seconds, steps[i].Seconds), append(peaks, steps[i].PeakMiB)
		}
		middle[i] = rounds[0][i]
		middle[i].Seconds, middle[i].PeakMiB = median(seconds), median(peaks)
	}
	return middle
}
