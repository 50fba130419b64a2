package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/registry/form"
	"tolem/registry/report"
)

// reportFlags is what the flags of tolem report say.
type reportFlags struct {
	from, to, period                           string
	by                                         []string
	bank, provider, service, channel, currency string
	format, out, language                      string
	chart, measure                             string
	refused                                    bool
}

// answer is a report of either kind.
type answer interface {
	Table(form.Language) (header []string, rows [][]string, err error)
	Sheet(form.Language, *time.Location, time.Time, *form.Chart) (form.Sheet, error)
	WriteJSON(io.Writer) error
}

func reportCommand(io streams) *cobra.Command {
	var in reportFlags
	c := &cobra.Command{
		Use: "report", Short: "Statistics of payments by direction and time", Args: noArgs,
		Long: `Counts what was issued, paid, refunded, refused and closed, from the totals of
sealed days: by channel, bank, provider and service, by hour and weekday, in
summaries of days, weeks (Monday to Sunday) and months. Without days it shows
the month of yesterday.`,
		Example: `  tolem report
  tolem report --from 2026-11-01 --to 2026-11-30 --period week --by bank,service
  tolem report --period whole --by hour --bank HALYK --format svg --chart bars -o hours.svg
  tolem report --refused --period week
  tolem report --from 2026-01-01 --to 2026-12-31 --period month --format pdf --chart lines --lang kk -o year.pdf`,
	}
	file := configFlag(c)
	f := c.Flags()
	f.StringVar(&in.from, "from", "", "first `day`, 2026-11-01; by default the first of the month of --to")
	f.StringVar(&in.to, "to", "", "last `day`, 2026-11-30; by default yesterday")
	f.StringVar(&in.period, "period", string(report.Daily), "what a row sums up: day, week, month or whole")
	f.StringSliceVar(&in.by, "by", nil, "what rows are told apart by: channel, bank, provider, service, hour, weekday; separated by commas")
	f.StringVar(&in.bank, "bank", "", "only payments through this `bank`")
	f.StringVar(&in.provider, "provider", "", "only payments for this `provider`")
	f.StringVar(&in.service, "service", "", "only payments for this `service`")
	f.StringVar(&in.channel, "channel", "", "only payments through this `channel`, ATM")
	f.StringVar(&in.currency, "currency", "", "only payments in this `currency`, KZT")
	f.StringVar(&in.format, "format", "table", "table, csv, json, xlsx, pdf or svg")
	f.StringVarP(&in.out, "out", "o", "", "write to this `file`")
	f.StringVar(&in.language, "lang", string(form.English), "language of what people read: kk, ru or en")
	f.StringVar(&in.chart, "chart", "", "bars or lines: in pdf a chart besides, in svg the kind of chart")
	f.StringVar(&in.measure, "measure", "paid", "what the chart shows: "+strings.Join(report.Measures(), ", "))
	f.BoolVar(&in.refused, "refused", false, "instead, requests that were refused, by participant, operation and result")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := in.check(io); err != nil {
			return err
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			now := time.Now()
			q, err := in.query(tolem.NewCalendar(d.zone, nil, nil).DayOf(now))
			if err != nil {
				return err
			}
			a, span, err := in.make(ctx, report.NewDesk(d.db), q)
			if errors.Is(err, report.ErrQuery) || errors.Is(err, report.ErrTooLarge) {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			if err != nil {
				return err
			}
			if !span.Complete {
				fmt.Fprintf(io.err, "incomplete: days from %s on are not sealed and counted yet\n", span.Open)
			}
			return in.print(io, a, d.zone, now)
		})
	}
	return c
}

// make has the report made.
func (in *reportFlags) make(ctx context.Context, d *report.Desk, q report.Query) (answer, report.Span, error) {
	if in.refused {
		r, err := d.Refusals(ctx, q, "")
		if err != nil {
			return nil, report.Span{}, err
		}
		return r, r.Span, nil
	}
	r, err := d.Make(ctx, q)
	if err != nil {
		return nil, report.Span{}, err
	}
	return r, r.Span, nil
}

// reportWriters say how each format is written. A chart may be nil.
var reportWriters = map[string]func(io.Writer, answer, form.Sheet) error{
	"json": func(w io.Writer, a answer, _ form.Sheet) error { return a.WriteJSON(w) },
	"csv":  func(w io.Writer, _ answer, s form.Sheet) error { return form.WriteCSV(w, s) },
	"xlsx": func(w io.Writer, _ answer, s form.Sheet) error { return form.WriteXLSX(w, s) },
	"pdf":  func(w io.Writer, _ answer, s form.Sheet) error { return form.WritePDF(w, s) },
	"svg":  func(w io.Writer, _ answer, s form.Sheet) error { return form.WriteSVG(w, *s.Chart, s.Language) },
}

// check finds flags that do not go together.
func (in *reportFlags) check(io streams) error {
	if in.format = strings.ToLower(in.format); in.format != "table" && reportWriters[in.format] == nil {
		return fmt.Errorf("%w: --format must be table, csv, json, xlsx, pdf or svg", errUsage)
	}
	if !slices.Contains(report.Languages, form.Language(in.language)) {
		return fmt.Errorf("%w: --lang must be kk, ru or en", errUsage)
	}
	if in.format == "svg" && in.chart == "" {
		in.chart = "bars"
	}
	if in.chart != "" && in.chart != "bars" && in.chart != "lines" {
		return fmt.Errorf("%w: --chart must be bars or lines", errUsage)
	}
	if in.chart != "" && in.format != "svg" && in.format != "pdf" {
		return fmt.Errorf("%w: a chart needs --format svg or pdf", errUsage)
	}
	if in.refused && (in.chart != "" || len(in.by) > 0 || in.bank+in.provider+in.service+in.channel+in.currency != "") {
		return fmt.Errorf("%w: --refused goes with time, period and form alone", errUsage)
	}
	if (in.format == "xlsx" || in.format == "pdf") && in.out == "" && io.isTerminal() {
		return fmt.Errorf("%w: name a file for the %s with -o", errUsage, in.format)
	}
	return nil
}

// query reads days and directions.
func (in *reportFlags) query(today tolem.Day) (report.Query, error) {
	q := report.Query{To: today - 1, Period: report.Period(in.period), Direction: tolem.Direction{
		Bank: tolem.ParticipantID(in.bank), Provider: tolem.ProviderID(in.provider), Service: tolem.ServiceCode(in.service),
	}}
	for _, d := range in.by {
		q.By = append(q.By, report.Dimension(strings.TrimSpace(d)))
	}
	var errs [4]error
	if in.to != "" {
		q.To, errs[0] = tolem.ParseDay(in.to)
	}
	if q.From = q.To.FirstOfMonth(); in.from != "" {
		q.From, errs[1] = tolem.ParseDay(in.from)
	}
	if in.channel != "" {
		q.Channel, errs[2] = tolem.ParseChannel(strings.ToUpper(in.channel))
	}
	if in.currency != "" {
		q.Currency, errs[3] = tolem.ParseCurrency(strings.ToUpper(in.currency))
	}
	if err := errors.Join(errs[:]...); err != nil {
		return q, fmt.Errorf("%w: %w", errUsage, err)
	}
	if err := q.Check(); err != nil {
		return q, fmt.Errorf("%w: %w", errUsage, err)
	}
	return q, nil
}

func (in *reportFlags) print(io streams, a answer, zone *time.Location, now time.Time) error {
	language := form.Language(in.language)
	var b bytes.Buffer // a report has report.MaxRows at most
	if in.format == "table" {
		header, rows, err := a.Table(language)
		if err != nil {
			return err
		}
		t := newTable(streams{out: &b}, header...)
		for _, row := range rows {
			t.row(row...)
		}
		t.print()
		return in.write(io, b.Bytes())
	}
	var chart *form.Chart
	if r, ok := a.(*report.Report); ok && in.chart != "" {
		kind := form.Bars
		if in.chart == "lines" {
			kind = form.Lines
		}
		drawn, err := r.Chart(kind, in.measure, language)
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		chart = &drawn
	}
	s, err := a.Sheet(language, zone, now, chart)
	if err != nil {
		return err
	}
	if err := reportWriters[in.format](&b, a, s); err != nil {
		return err
	}
	return in.write(io, b.Bytes())
}

// write writes the whole report, or nothing.
func (in *reportFlags) write(io streams, content []byte) error {
	if in.out == "" {
		_, err := io.out.Write(content)
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(in.out), ".report-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), in.out)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	fmt.Fprintf(io.err, "wrote %s\n", in.out)
	return nil
}
