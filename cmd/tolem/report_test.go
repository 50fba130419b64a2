package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/registry/report"
	"tolem/store"
)

// counted stores totals of three days, from 2026-11-01 on, as the night's work
// does.
func (s *shell) counted() {
	s.t.Helper()
	err := withDesk(context.Background(), s.config(), func(ctx context.Context, d *desk) error {
		first := tolem.DayOf(2026, time.November, 1) // a Sunday
		for day := first; day < first+3; day++ {
			var totals []store.HourTotal
			for i, bank := range []tolem.ParticipantID{"BANK1", "BANK2"} {
				totals = append(totals, store.HourTotal{
					Hour:      9 + i,
					Direction: tolem.Direction{Bank: bank, Provider: "TAX", Service: "TAX-1", Channel: tolem.ChannelATM, Currency: tolem.KZT},
					Measures:  tolem.Measures{Issued: 5, Paid: 3, PaidMinor: 1234567_89, ToPay: tolem.Durations{Micros: 270_000_000}},
				})
			}
			err := d.db.Update(ctx, func(tx *store.Tx) error {
				return errors.Join(tx.AddDayTotals(day, 1, totals), tx.AddHourTotals(day, 1, totals),
					tx.AddRefusalTotals(day, 1, []store.RefusalTotal{{Participant: "BANK1", Operation: tolem.OpCloseCode, Result: tolem.NotPaid, Requests: 2}}),
					tx.KeepCount(store.CountedDay{Day: day, Draft: 1, CountedAt: tx.Now()}))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// GW-064 to GW-066: summaries of days, weeks and months are there on request,
// in every form.
func TestReportCommand(t *testing.T) {
	s := installed(t)
	ask := func(args ...string) []string {
		return append([]string{"report", "--config", s.config(), "--from", "2026-11-01", "--to", "2026-11-03"}, args...)
	}
	if code, _, errs := s.run(ask()...); code != exitOK || !strings.Contains(errs, "incomplete: days from 2026-11-01") {
		t.Errorf("nothing is counted: %d %s", code, errs)
	}
	s.counted()
	out := s.must(ask("--by", "bank", "--period", "week")...)
	for _, want := range []string{"2026-W44", "2026-11-02", "BANK2", "Total", "7,407,407.34"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	v := decode[report.View](t, s.must(ask("--period", "month", "--format", "json", "--bank", "BANK1")...))
	if len(v.Rows) != 1 || v.Rows[0].Period != "2026-11" || v.Rows[0].Paid != 9 || v.Rows[0].PaidAmount != "3703703.67" || v.Rows[0].IssueToPayment.MeanSeconds != 90 || !v.Complete {
		t.Errorf("%+v", v)
	}
	refused := decode[report.RefusalsView](t, s.must(ask("--refused", "--period", "week", "--format", "json")...))
	if len(refused.Rows) != 2 || refused.Rows[1].Requests != 4 || refused.Rows[1].Result != "NOT_PAID" || refused.Total != 6 {
		t.Errorf("%+v", refused)
	}
	if out := s.must(ask("--refused")...); !strings.Contains(out, "NOT_PAID") {
		t.Errorf("refusals:\n%s", out)
	}
	for format, begin := range map[string]string{"csv": "\ufeffrecord,", "xlsx": "PK", "pdf": "%PDF", "svg": "<svg"} {
		file := s.path("report." + format)
		args := ask("--format", format, "--lang", "kk", "-o", file, "--by", "hour")
		if format == "svg" || format == "pdf" {
			args = append(args, "--chart", "lines", "--measure", "paid_amount")
		}
		s.must(args...)
		content, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(strings.TrimPrefix(string(content), `<?xml version="1.0" encoding="UTF-8"?>`+"\n"), begin) {
			t.Errorf("%s: %.60q, %v", format, content, err)
		}
	}
	for word, args := range map[string][]string{
		"--format": {"--format", "doc"}, "--lang": {"--lang", "de"}, "--chart": {"--chart", "pie"}, "a chart needs": {"--chart", "bars"},
		"period": {"--period", "year"}, "iin": {"--by", "iin"}, "channel": {"--channel", "POST"}, "currency": {"--currency", "USD"},
		"not a day": {"--from", "1.11.2026"}, "measure": {"--format", "svg", "--measure", "measure"}, "--refused goes": {"--refused", "--by", "bank"}, "at most": {"--from", "2026-11-04"},
	} {
		s.refused(exitUsage, word, ask(args...)...)
	}
}
