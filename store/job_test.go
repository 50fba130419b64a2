package store

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// jobClock is where the clock of these tests begins.
var jobClock = time.Date(2024, 3, 1, 1, 0, 0, 0, time.UTC)

// eachJobs runs a test with two nodes on one database, whose clock it moves.
func eachJobs(t *testing.T, test func(t *testing.T, a, b *DB, move func(time.Duration))) {
	eachDSN(t, func(t *testing.T, dsn string) {
		var now atomic.Int64
		now.Store(jobClock.UnixMicro())
		clock := Options{Clock: func() time.Time { return time.UnixMicro(now.Load()) }}
		a, b := openTest(t, dsn, clock), openTest(t, dsn, clock)
		test(t, a, b, func(d time.Duration) { now.Add(d.Microseconds()) })
	})
}

const jobLease = time.Minute

func planned(t *testing.T, db *DB, slot string) Job {
	t.Helper()
	change(t, db, nil, func(tx *Tx) error { return tx.PlanJob("seal-day", slot, tx.Now()) })
	return jobAt(t, db, slot)
}

// change runs an update that has to end with an error of a kind, nil for none.
func change(t *testing.T, db *DB, want error, fn func(*Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func jobAt(t *testing.T, db *DB, slot string) (j Job) {
	t.Helper()
	if err := db.View(t.Context(), func(tx *Tx) (err error) { j, err = tx.Job("seal-day", slot); return err }); err != nil {
		t.Fatal(err)
	}
	return j
}

func claimed(t *testing.T, db *DB, seen Job, node string) (held Job) {
	t.Helper()
	change(t, db, nil, func(tx *Tx) (err error) { held, err = tx.ClaimJob(seen, node, jobLease); return err })
	if now := jobAt(t, db, seen.Slot); now != held {
		t.Fatalf("claimed %+v\nstored  %+v", held, now)
	}
	return held
}

// history writes the outcomes of a job in a line.
func history(t *testing.T, db *DB, slot string) string {
	t.Helper()
	var words []string
	err := db.View(t.Context(), func(tx *Tx) error {
		lines, err := tx.JobAttempts("seal-day", slot, 100)
		for _, l := range lines {
			words = append(words, string(l.Outcome)+"@"+l.Node)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(words, " ")
}

func TestAJobIsClaimedByOne(t *testing.T) {
	eachJobs(t, func(t *testing.T, a, b *DB, move func(time.Duration)) {
		seen := planned(t, a, "2024-02-29")
		held := claimed(t, a, seen, "a")
		if held.State != JobRunning || held.Attempts != 1 || held.Node != "a" || !held.NextAt.Equal(jobClock.Add(jobLease)) {
			t.Errorf("claimed %+v", held)
		}
		change(t, b, ErrJobLost, func(tx *Tx) error { _, err := tx.ClaimJob(seen, "b", jobLease); return err })
		change(t, b, ErrJobState, func(tx *Tx) error { _, err := tx.ClaimJob(held, "b", jobLease); return err })
		change(t, a, nil, func(tx *Tx) error { return tx.FinishJob(held, "12 rows") })
		done := jobAt(t, b, seen.Slot)
		if done.State != JobDone || done.Result != "12 rows" || done.Due(jobClock.Add(time.Hour)) || !done.NextAt.IsZero() {
			t.Errorf("done as %+v", done)
		}
		change(t, a, ErrJobLost, func(tx *Tx) error { return tx.FinishJob(held, "again") })
		change(t, a, nil, func(tx *Tx) error { return tx.PlanJob("seal-day", seen.Slot, tx.Now()) })
		if again := jobAt(t, a, seen.Slot); again != done {
			t.Errorf("planned again it is %+v", again)
		}
		if got := history(t, a, seen.Slot); got != "DONE@a" {
			t.Errorf("history: %s", got)
		}
	})
}

func TestALeaseThatEndedIsTakenOver(t *testing.T) {
	eachJobs(t, func(t *testing.T, a, b *DB, move func(time.Duration)) {
		first := claimed(t, a, planned(t, a, "2024-02-29"), "a")
		move(jobLease - time.Second)
		change(t, a, nil, func(tx *Tx) error { return tx.RenewLease(first, jobLease) })
		seen := jobAt(t, b, first.Slot)
		move(time.Second)
		change(t, b, ErrJobState, func(tx *Tx) error { _, err := tx.ClaimJob(seen, "b", jobLease); return err })
		change(t, b, ErrJobState, func(tx *Tx) error { return tx.BuryJob(seen) })
		move(jobLease)
		// Renewed at the last moment: what b saw is not there any more.
		change(t, a, nil, func(tx *Tx) error { return tx.RenewLease(first, jobLease) })
		change(t, b, ErrJobLost, func(tx *Tx) error { _, err := tx.ClaimJob(seen, "b", jobLease); return err })
		change(t, b, ErrJobLost, func(tx *Tx) error { return tx.BuryJob(seen) })

		move(jobLease)
		second := claimed(t, b, jobAt(t, b, first.Slot), "b")
		if second.Attempts != 2 || second.Failures != 1 {
			t.Errorf("taken over as %+v", second)
		}
		for what, write := range map[string]func(*Tx) error{
			"hold":    func(tx *Tx) error { return tx.HoldJob(first) },
			"renew":   func(tx *Tx) error { return tx.RenewLease(first, jobLease) },
			"finish":  func(tx *Tx) error { return tx.FinishJob(first, "") },
			"fail":    func(tx *Tx) error { return tx.FailJob(first, "", tx.Now()) },
			"release": func(tx *Tx) error { return tx.ReleaseJob(first) },
		} {
			t.Log(what)
			change(t, a, ErrJobLost, func(tx *Tx) error {
				return errors.Join(tx.PlanJob("effect", "of-the-first", tx.Now()), write(tx))
			})
		}
		change(t, b, nil, func(tx *Tx) error {
			return errors.Join(tx.HoldJob(second), tx.PlanJob("effect", "of-the-second", tx.Now()), tx.FinishJob(second, ""))
		})
		var effects []Job
		if err := a.View(t.Context(), func(tx *Tx) (err error) { effects, err = tx.Jobs(JobFilter{Name: "effect"}, 10); return err }); err != nil {
			t.Fatal(err)
		}
		if len(effects) != 1 || effects[0].Slot != "of-the-second" {
			t.Errorf("effects: %v", effects)
		}
		if got := history(t, a, first.Slot); got != "LOST@a DONE@b" {
			t.Errorf("history: %s", got)
		}
	})
}

func TestAJobFailsDiesAndIsRetriedByHand(t *testing.T) {
	eachJobs(t, func(t *testing.T, a, b *DB, move func(time.Duration)) {
		change(t, a, ErrNotFound, func(tx *Tx) error { return tx.RetryJob("seal-day", "2024-02-29", "aigul") })
		job := planned(t, a, "2024-02-29")
		change(t, a, ErrJobState, func(tx *Tx) error { return tx.RetryJob(job.Name, job.Slot, "aigul") })
		held := claimed(t, a, job, "a")
		change(t, a, ErrJobState, func(tx *Tx) error { return tx.RetryJob(job.Name, job.Slot, "aigul") })
		change(t, a, nil, func(tx *Tx) error { return tx.FailJob(held, "no disk", tx.Now().Add(time.Hour)) })
		failed := jobAt(t, b, job.Slot)
		if failed.State != JobFailed || failed.Failures != 1 || failed.Error != "no disk" || failed.Due(jobClock.Add(time.Hour-1)) || !failed.Due(jobClock.Add(time.Hour)) {
			t.Errorf("failed as %+v", failed)
		}
		move(time.Hour)
		held = claimed(t, b, failed, "b")
		change(t, b, nil, func(tx *Tx) error { return tx.FailJob(held, strings.Repeat("ж", maxJobText)+"\x00\xff", time.Time{}) })
		dead := jobAt(t, b, job.Slot)
		if dead.State != JobDead || dead.Failures != 2 || len(dead.Error) != maxJobText || dead.Due(jobClock.Add(1000*time.Hour)) {
			t.Errorf("dead as %+v", dead)
		}
		change(t, a, nil, func(tx *Tx) error { return tx.RetryJob(job.Name, job.Slot, "aigul") })
		held = claimed(t, a, jobAt(t, a, job.Slot), "a")
		if held.Failures != 0 || held.Attempts != 3 {
			t.Errorf("retried as %+v", held)
		}
		change(t, a, nil, func(tx *Tx) error { return tx.ReleaseJob(held) })
		held = claimed(t, b, jobAt(t, b, job.Slot), "b")
		move(jobLease)
		change(t, a, nil, func(tx *Tx) error { return tx.BuryJob(held) })
		change(t, b, ErrJobLost, func(tx *Tx) error { return tx.FinishJob(held, "") })
		change(t, b, nil, func(tx *Tx) error { return tx.RetryJob(job.Name, job.Slot, "bolat") })
		held = claimed(t, b, jobAt(t, b, job.Slot), "b")
		change(t, b, nil, func(tx *Tx) error { return tx.FinishJob(held, "") })
		change(t, a, ErrJobState, func(tx *Tx) error { return tx.RetryJob(job.Name, job.Slot, "aigul") })
		const want = "FAILED@a DEAD@b RETRIED@aigul STOPPED@a LOST@b RETRIED@bolat DONE@b"
		if got := history(t, a, job.Slot); got != want {
			t.Errorf("history: %s\n   want: %s", got, want)
		}
	})
}

func TestJobsAreFound(t *testing.T) {
	eachJobs(t, func(t *testing.T, a, b *DB, move func(time.Duration)) {
		for day := range 3 {
			move(time.Hour)
			planned(t, a, []string{"2024-03-03", "2024-03-01", "2024-03-02"}[day])
		}
		change(t, a, nil, func(tx *Tx) error { return tx.PlanJob("deliver", "later", tx.Now().Add(time.Hour)) })
		held := claimed(t, a, jobAt(t, a, "2024-03-01"), "a")
		change(t, a, nil, func(tx *Tx) error { return tx.FinishJob(held, "") })
		slots := func(list []Job, err error) string {
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			for _, j := range list {
				words = append(words, j.Slot)
			}
			return strings.Join(words, " ")
		}
		one := func(j Job, err error) string { return slots([]Job{j}, err) }
		err := b.View(t.Context(), func(tx *Tx) error {
			open, err := tx.OpenJobs()
			if err != nil || len(open) != 2 || open[0] != (JobCount{"deliver", JobWaiting, 1}) || open[1] != (JobCount{"seal-day", JobWaiting, 2}) {
				t.Errorf("open: %v, %v", open, err)
			}
			if _, err := tx.FirstOpenJob("nothing"); !errors.Is(err, ErrNotFound) {
				t.Errorf("no job: %v", err)
			}
			for want, got := range map[string]string{
				"2024-03-03 2024-03-02":                  slots(tx.DueJobs("seal-day", 10)),
				"2024-03-03":                             one(tx.LastJob("seal-day")),
				"2024-03-02":                             one(tx.FirstOpenJob("seal-day")),
				"later 2024-03-02 2024-03-01 2024-03-03": slots(tx.Jobs(JobFilter{}, 10)),
				"later 2024-03-02":                       slots(tx.Jobs(JobFilter{}, 2)),
				"later 2024-03-02 ":                      slots(tx.Jobs(JobFilter{Since: tx.Now()}, 10)) + " ",
				"2024-03-01":                             slots(tx.Jobs(JobFilter{Name: "seal-day", State: JobDone}, 10)),
				"":                                       slots(tx.DueJobs("deliver", 10)),
			} {
				if got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][2]string{{"", "x"}, {"x", ""}, {"a b", "x"}, {"x", "день"}, {"x", strings.Repeat("x", maxJobSlot+1)}, {"x", "a\nb"}} {
			change(t, a, ErrJobName, func(tx *Tx) error { return tx.PlanJob(bad[0], bad[1], tx.Now()) })
		}
	})
}

func TestJobStatesHaveNames(t *testing.T) {
	for _, s := range JobStates {
		if got, err := ParseJobState(strings.ToLower(s.String())); err != nil || got != s {
			t.Errorf("%v: %v, %v", s, got, err)
		}
	}
	if _, err := ParseJobState("lost"); err == nil {
		t.Error("an outcome passes for a state")
	}
	if got := JobState(9).String(); got != "JobState(9)" {
		t.Error(got)
	}
}
