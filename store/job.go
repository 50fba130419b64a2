package store

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Errors of jobs.
var (
	// ErrJobLost: the attempt does not hold the job, or not any more. Another
	// may have begun meanwhile, so nothing of this one may be written.
	ErrJobLost = errors.New("job is not held by this attempt")
	// ErrJobState: what was asked does not fit the state of the job.
	ErrJobState = errors.New("job is in another state")
	// ErrJobName: a name or a slot that jobs cannot have.
	ErrJobName = errors.New("not a name of a job")
)

// Limits of jobs. Longer texts are cut.
const (
	maxJobName = 64   // bytes of a name
	maxJobSlot = 200  // bytes of a slot
	maxJobText = 2000 // bytes of an error or a result
)

// JobState says where a job stands.
type JobState int8

// The states of jobs, numbered as they are stored.
const (
	JobWaiting JobState = 1 + iota // planned, or given back by a node that stopped
	JobRunning                     // an attempt holds it, until its lease ends
	JobFailed                      // is tried again
	JobDone                        // for ever
	JobDead                        // failed too often: a person must look at it
)

var jobStates = [...]string{
	JobWaiting: "WAITING", JobRunning: "RUNNING", JobFailed: "FAILED", JobDone: "DONE", JobDead: "DEAD",
}

// JobStates lists every state.
var JobStates = []JobState{JobWaiting, JobRunning, JobFailed, JobDone, JobDead}

// String returns the name of the state.
func (s JobState) String() string {
	if s < JobWaiting || s > JobDead {
		return fmt.Sprintf("JobState(%d)", int8(s))
	}
	return jobStates[s]
}

// ParseJobState reads a state by its name, in letters of either case.
func ParseJobState(name string) (JobState, error) {
	for _, s := range JobStates {
		if strings.EqualFold(name, s.String()) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is no state of a job", name)
}

// JobOutcome says what became of an attempt.
type JobOutcome string

// The outcomes of attempts.
const (
	OutcomeDone    JobOutcome = "DONE"
	OutcomeFailed  JobOutcome = "FAILED"  // is tried again
	OutcomeDead    JobOutcome = "DEAD"    // failed, and was the last one
	OutcomeLost    JobOutcome = "LOST"    // its lease ended before it did: the node died or was cut off
	OutcomeStopped JobOutcome = "STOPPED" // its node was stopped and gave the job back
	OutcomeRetried JobOutcome = "RETRIED" // no attempt: a person had the job run again
)

// Job is one piece of work that is done once: name says what, slot for what.
type Job struct {
	Name string // seal-day
	Slot string // 2026-11-21, 2026-11-21/bank/HALYK

	State    JobState
	Attempts int64  // begun so far; the number of the latest one
	Failures int    // since it was planned or last retried by hand
	Node     string // of the latest attempt

	DueAt      time.Time // as planned
	NextAt     time.Time // waiting, failed: runs from here on; running: the lease ends; zero otherwise
	StartedAt  time.Time // of the latest attempt
	FinishedAt time.Time
	Error      string // of the latest attempt that failed
	Result     string // of the one that is done
}

// Due reports whether the job is to be run, or taken over, at a time.
func (j Job) Due(now time.Time) bool {
	return (j.State == JobWaiting || j.State == JobRunning || j.State == JobFailed) && !j.NextAt.After(now)
}

func (j Job) String() string { return j.Name + " " + j.Slot }

// JobAttempt is a line of a job's history.
type JobAttempt struct {
	Attempt    int64
	Outcome    JobOutcome
	Node       string // of RETRIED: who had it run again
	StartedAt  time.Time
	FinishedAt time.Time
	Error      string
}

var jobNamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]*$`)

func checkJobName(name, slot string) error {
	if len(name) > maxJobName || len(slot) > maxJobSlot || !jobNamePattern.MatchString(name) || !jobNamePattern.MatchString(slot) {
		return fmt.Errorf("%w: %.80q, %.220q", ErrJobName, name, slot)
	}
	return nil
}

// jobText makes a text of any origin one that both databases keep.
func jobText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?")
	if len(s) <= maxJobText {
		return s
	}
	cut := maxJobText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

const jobColumns = `name, slot, state, attempts, failures, node, due_at, next_at, started_at, finished_at, error, result`

func (tx *Tx) listJobs(where string, args ...any) ([]Job, error) {
	var list []Job
	err := tx.db.query(tx.ctx, "SELECT "+jobColumns+" FROM job_run "+where, args, func(scan func(...any) error) error {
		var j Job
		var state, due, next, started, finished int64
		err := scan(&j.Name, &j.Slot, &state, &j.Attempts, &j.Failures, &j.Node, &due, &next, &started, &finished, &j.Error, &j.Result)
		if err == nil && (state < int64(JobWaiting) || state > int64(JobDead)) {
			err = fmt.Errorf("state %d: %w", state, ErrSchema)
		}
		j.State, j.DueAt, j.NextAt = JobState(state), instant(due), instant(next)
		j.StartedAt, j.FinishedAt = instant(started), instant(finished)
		list = append(list, j)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return list, nil
}

func (tx *Tx) oneJob(what, where string, args ...any) (Job, error) {
	list, err := tx.listJobs(where, args...)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("job %s: %w", what, ErrNotFound)
	}
	if err != nil {
		return Job{}, err
	}
	return list[0], nil
}

// Job returns one job, or ErrNotFound.
func (tx *Tx) Job(name, slot string) (Job, error) {
	return tx.oneJob(name+" "+slot, `WHERE name = $1 AND slot = $2`, name, slot)
}

// DueJobs returns jobs of a name that are to be run or taken over, at most
// limit, the longest due first.
func (tx *Tx) DueJobs(name string, limit int) ([]Job, error) {
	return tx.listJobs(`WHERE name = $1 AND state IN (1, 2, 3) AND next_at <= $2 ORDER BY next_at, slot LIMIT $3`, name, micros(tx.now), limit)
}

// FirstOpenJob returns the job of a name with the lowest slot that is not
// done, or ErrNotFound.
func (tx *Tx) FirstOpenJob(name string) (Job, error) {
	return tx.oneJob(name, `WHERE name = $1 AND state <> 4 ORDER BY slot LIMIT 1`, name)
}

// LastJob returns the job of a name with the highest slot, or ErrNotFound.
func (tx *Tx) LastJob(name string) (Job, error) {
	return tx.oneJob(name, `WHERE name = $1 ORDER BY slot DESC LIMIT 1`, name)
}

// JobFilter selects jobs; a zero field selects all.
type JobFilter struct {
	Name  string
	State JobState
	Since time.Time // due then or later
}

// Jobs returns jobs, the latest due first, at most limit.
func (tx *Tx) Jobs(f JobFilter, limit int) ([]Job, error) {
	return tx.listJobs(`WHERE ($1 = '' OR name = $1) AND ($2 = 0 OR state = $2) AND due_at >= $3
		ORDER BY due_at DESC, name, slot LIMIT $4`, f.Name, int64(f.State), micros(f.Since), limit)
}

// JobAttempts returns the history of a job, oldest first, at most the latest
// limit lines. An attempt that runs has no line yet.
func (tx *Tx) JobAttempts(name, slot string, limit int) ([]JobAttempt, error) {
	var list []JobAttempt
	err := tx.db.query(tx.ctx, `SELECT attempt, outcome, node, started_at, finished_at, error FROM job_attempt
		WHERE name = $1 AND slot = $2 ORDER BY attempt DESC, finished_at DESC LIMIT $3`, []any{name, slot, limit},
		func(scan func(...any) error) error {
			var a JobAttempt
			var started, finished int64
			err := scan(&a.Attempt, &a.Outcome, &a.Node, &started, &finished, &a.Error)
			a.StartedAt, a.FinishedAt = instant(started), instant(finished)
			list = append([]JobAttempt{a}, list...)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return list, nil
}

// JobCount is how many jobs of a name are in a state.
type JobCount struct {
	Name  string
	State JobState
	Count int64
}

// OpenJobs counts the jobs that are not done, for metrics and alarms.
func (tx *Tx) OpenJobs() ([]JobCount, error) {
	var list []JobCount
	err := tx.db.query(tx.ctx, `SELECT name, state, count(*) FROM job_run WHERE state <> 4 GROUP BY name, state ORDER BY name, state`, nil,
		func(scan func(...any) error) error {
			var c JobCount
			err := scan(&c.Name, &c.State, &c.Count)
			list = append(list, c)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return list, nil
}
