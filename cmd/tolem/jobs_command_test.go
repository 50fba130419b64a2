package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tolem/store"
)

// jobsDone leaves one job in every state in the database of the shell.
func (s *shell) jobsDone() {
	s.t.Helper()
	err := withDesk(context.Background(), s.config(), func(ctx context.Context, d *desk) error {
		begin := func(slot string) (held store.Job) {
			err := d.db.Update(ctx, func(tx *store.Tx) error { return tx.PlanJob("seal-day", slot, tx.Now()) })
			if err == nil {
				err = d.db.Update(ctx, func(tx *store.Tx) error {
					seen, err := tx.Job("seal-day", slot)
					if err == nil {
						held, err = tx.ClaimJob(seen, "gw-1", time.Hour)
					}
					return err
				})
			}
			if err != nil {
				s.t.Fatal(err)
			}
			return held
		}
		done, failed, dead := begin("2026-11-18"), begin("2026-11-19"), begin("2026-11-20")
		begin("2026-11-21")
		return errors.Join(
			d.db.Update(ctx, func(tx *store.Tx) error { return tx.FinishJob(done, "12 rows") }),
			d.db.Update(ctx, func(tx *store.Tx) error { return tx.FailJob(failed, "no disk\nat all", tx.Now().Add(time.Hour)) }),
			d.db.Update(ctx, func(tx *store.Tx) error { return tx.FailJob(dead, "no key", time.Time{}) }),
			d.db.Update(ctx, func(tx *store.Tx) error {
				return tx.PlanJob("deliver", "2026-11-21/bank/HALYK", tx.Now().Add(-100*time.Hour))
			}),
		)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestJobsAreSeenAndRunAgain(t *testing.T) {
	s := newShell(t)
	s.must("init", "--dir", s.path("gw"), "--test-pki")
	jobs := func(args ...string) []jobView {
		t.Helper()
		return decode[[]jobView](t, s.must(append([]string{"jobs", "--json", "--config", s.config()}, args...)...))
	}
	if all := jobs(); len(all) != 0 {
		t.Errorf("jobs of a fresh gateway: %v", all)
	}
	if out := s.must("jobs", "--config", s.config()); out != "no jobs\n" {
		t.Errorf("fresh: %s", out)
	}
	s.jobsDone()
	if all := jobs(); len(all) != 5 || all[4].Name != "deliver" || all[4].TookMillis != nil {
		t.Errorf("all: %+v", all)
	}
	for args, want := range map[string]int{
		"--name deliver": 1, "--name nothing": 0, "--state dead": 1, "--state WAITING": 1, "--limit 2": 2,
		"--since " + time.Now().AddDate(0, 0, -2).Format(time.DateOnly): 4, "--since 2124-01-01": 0,
	} {
		if got := jobs(strings.Fields(args)...); len(got) != want {
			t.Errorf("%s: %d jobs, want %d", args, len(got), want)
		}
	}
	table := s.must("jobs", "--config", s.config())
	for _, word := range []string{"name", "seal-day", "2026-11-20", "DEAD", "gw-1", "no key", "no disk…"} {
		if !strings.Contains(table, word) {
			t.Errorf("no %q in\n%s", word, table)
		}
	}

	s.must("jobs", "retry", "seal-day", "2026-11-20", "--by", "aigul", "--config", s.config())
	s.must("jobs", "retry", "seal-day", "2026-11-19", "--json", "--config", s.config())
	v := decode[jobView](t, s.must("jobs", "show", "seal-day", "2026-11-20", "--json", "--config", s.config()))
	if v.State != "WAITING" || v.Failures != 0 || len(v.History) != 2 || v.History[0].Outcome != "DEAD" || v.History[0].Error != "no key" ||
		v.History[1].Outcome != "RETRIED" || v.History[1].Node != "aigul" {
		t.Errorf("after retry: %+v", v)
	}
	shown := s.must("jobs", "show", "seal-day", "2026-11-18", "--config", s.config())
	if !strings.Contains(shown, "12 rows") || !strings.Contains(shown, "DONE") {
		t.Errorf("shown:\n%s", shown)
	}
	if shown = s.must("jobs", "show", "seal-day", "2026-11-21", "--config", s.config()); !strings.Contains(shown, "lease      until") {
		t.Errorf("shown:\n%s", shown)
	}

	s.refused(exitFailed, "only FAILED and DEAD", "jobs", "retry", "seal-day", "2026-11-18", "--config", s.config())
	s.refused(exitFailed, "no job", "jobs", "retry", "seal-day", "2026-01-01", "--config", s.config())
	s.refused(exitFailed, "no job", "jobs", "show", "seal-day", "2026-01-01", "--config", s.config())
	s.refused(exitUsage, "--state", "jobs", "--state", "lost", "--config", s.config())
	s.refused(exitUsage, "--limit", "jobs", "--limit", "0", "--config", s.config())
	s.refused(exitUsage, "not a day", "jobs", "--since", "yesterday", "--config", s.config())
	s.refused(exitUsage, "unknown command", "jobs", "rerun", "--config", s.config())
	s.refused(exitUsage, "want 2 argument", "jobs", "retry", "seal-day")
}
