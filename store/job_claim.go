package store

import (
	"fmt"
	"time"
)

// An attempt holds its job by number: a claim makes Attempts one more, and
// whatever an attempt writes names its number. So one whose job was taken over
// writes nothing any more, however late it wakes up and whatever its clock
// says.

// PlanJob adds a job that runs from due on. One that is there already stays as
// it is.
func (tx *Tx) PlanJob(name, slot string, due time.Time) error {
	if err := checkJobName(name, slot); err != nil {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO job_run (` + jobColumns + `) VALUES ($1, $2, $3, 0, 0, '', $4, $4, 0, 0, '', '')
			ON CONFLICT (name, slot) DO NOTHING`,
		args: []any{name, slot, int64(JobWaiting), micros(due)}, want: anyRows,
	})
}

// changeJob collects a change of a job's row, which Update refuses with
// ErrJobLost if the row is not the one that was seen.
func (tx *Tx) changeJob(j Job, text string, args ...any) error {
	return tx.exec(single{
		text: text, args: append([]any{j.Name, j.Slot, j.Attempts}, args...),
		want: 1, otherwise: fmt.Errorf("%s, attempt %d: %w", j, j.Attempts, ErrJobLost),
	}, guardKey{table: "job", name: j.String()})
}

// addAttempt adds a line to the history of a job. Whoever may not write it
// fails as with the job's row.
func (tx *Tx) addAttempt(j Job, outcome JobOutcome, node, problem string) error {
	return tx.exec(single{
		text: `INSERT INTO job_attempt (name, slot, attempt, outcome, node, started_at, finished_at, error)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name, slot, attempt, outcome) DO NOTHING`,
		args: []any{j.Name, j.Slot, j.Attempts, string(outcome), node, micros(j.StartedAt), micros(tx.now), jobText(problem)},
		want: 1, otherwise: fmt.Errorf("%s, attempt %d: %w", j, j.Attempts, ErrJobLost),
	})
}

// lostLease is the error of an attempt whose job was taken over.
const lostLease = "the lease ended before the attempt did"

// ClaimJob begins an attempt of a job that is due, and takes one over whose
// lease has ended: that counts as a failure. It returns the job as it stands
// then. Update returns ErrJobLost if another was faster.
func (tx *Tx) ClaimJob(seen Job, node string, lease time.Duration) (Job, error) {
	held := seen
	if !seen.Due(tx.now) {
		return held, fmt.Errorf("claim %s: not due: %w", seen, ErrJobState)
	}
	if seen.State == JobRunning {
		held.Failures++
		if err := tx.addAttempt(seen, OutcomeLost, seen.Node, lostLease); err != nil {
			return held, err
		}
	}
	held.State, held.Node, held.NextAt = JobRunning, node, tx.now.Add(lease)
	held.Attempts++
	held.StartedAt, held.FinishedAt = tx.now, time.Time{}
	return held, tx.changeJob(seen, `UPDATE job_run SET state = $6, attempts = attempts + 1, failures = $7, node = $8, next_at = $9,
		started_at = $10, finished_at = 0 WHERE name = $1 AND slot = $2 AND attempts = $3 AND state = $4 AND next_at = $5`,
		int64(seen.State), micros(seen.NextAt), int64(JobRunning), held.Failures, node, micros(held.NextAt), micros(tx.now))
}

// BuryJob gives a job up whose lease has ended once too often.
func (tx *Tx) BuryJob(seen Job) error {
	if seen.State != JobRunning || !seen.Due(tx.now) {
		return fmt.Errorf("bury %s: not overdue: %w", seen, ErrJobState)
	}
	if err := tx.addAttempt(seen, OutcomeLost, seen.Node, lostLease); err != nil {
		return err
	}
	return tx.changeJob(seen, `UPDATE job_run SET state = $5, failures = failures + 1, next_at = 0, finished_at = $6, error = $7
		WHERE name = $1 AND slot = $2 AND attempts = $3 AND state = 2 AND next_at = $4`,
		micros(seen.NextAt), int64(JobDead), micros(tx.now), lostLease)
}

// RenewLease holds the job for the length of a lease from now on.
func (tx *Tx) RenewLease(held Job, lease time.Duration) error {
	return tx.changeJob(held, `UPDATE job_run SET next_at = $4 WHERE name = $1 AND slot = $2 AND attempts = $3 AND state = 2`,
		micros(tx.now.Add(lease)))
}

// HoldJob makes everything the closure writes hang on the attempt: if it does
// not hold its job any more, Update returns ErrJobLost and nothing is written.
func (tx *Tx) HoldJob(held Job) error {
	return tx.changeJob(held, `UPDATE job_run SET attempts = attempts WHERE name = $1 AND slot = $2 AND attempts = $3 AND state = 2`)
}

// FinishJob marks a job as done. Written in one closure with the effects of
// the job, those take place exactly once.
func (tx *Tx) FinishJob(held Job, result string) error {
	if err := tx.addAttempt(held, OutcomeDone, held.Node, ""); err != nil {
		return err
	}
	return tx.changeJob(held, `UPDATE job_run SET state = $4, next_at = 0, finished_at = $5, error = '', result = $6
		WHERE name = $1 AND slot = $2 AND attempts = $3 AND state = 2`,
		int64(JobDone), micros(tx.now), jobText(result))
}

// FailJob marks the attempt as failed. The job is tried again from next on; if
// next is zero it is dead until a person has it run again.
func (tx *Tx) FailJob(held Job, problem string, next time.Time) error {
	state, outcome := JobFailed, OutcomeFailed
	if next.IsZero() {
		state, outcome = JobDead, OutcomeDead
	}
	if err := tx.addAttempt(held, outcome, held.Node, problem); err != nil {
		return err
	}
	return tx.changeJob(held, `UPDATE job_run SET state = $4, failures = failures + 1, next_at = $5, finished_at = $6, error = $7
		WHERE name = $1 AND slot = $2 AND attempts = $3 AND state = 2`,
		int64(state), micros(next), micros(tx.now), jobText(problem))
}

// ReleaseJob gives a job back that could not be finished because its node
// stops. It is no failure of the job, which another node may run at once.
func (tx *Tx) ReleaseJob(held Job) error {
	if err := tx.addAttempt(held, OutcomeStopped, held.Node, ""); err != nil {
		return err
	}
	return tx.changeJob(held, `UPDATE job_run SET state = $4, next_at = $5, finished_at = $5
		WHERE name = $1 AND slot = $2 AND attempts = $3 AND state = 2`,
		int64(JobWaiting), micros(tx.now))
}

// RetryJob has a job that failed or is dead run again at once, with all its
// attempts before it; by says who decided so. ErrNotFound: there is no such
// job. ErrJobState: it did not fail. ErrJobLost: it has just changed.
func (tx *Tx) RetryJob(name, slot, by string) error {
	j, err := tx.Job(name, slot)
	if err != nil {
		return err
	}
	if j.State != JobFailed && j.State != JobDead {
		return fmt.Errorf("%s is %s: %w", j, j.State, ErrJobState)
	}
	retried := j
	retried.StartedAt = tx.now
	if err := tx.addAttempt(retried, OutcomeRetried, jobText(by), ""); err != nil {
		return err
	}
	return tx.changeJob(j, `UPDATE job_run SET state = $5, failures = 0, next_at = $6
		WHERE name = $1 AND slot = $2 AND attempts = $3 AND state = $4`,
		int64(j.State), int64(JobWaiting), micros(tx.now))
}
