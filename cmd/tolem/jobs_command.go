package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"tolem/store"
)

// Limits of what the job commands show.
const (
	defaultJobs    = 50
	maxJobs        = 10_000
	maxJobAttempts = 1000
	shortError     = 60 // characters of an error in a list
)

func jobsCommand(io streams) *cobra.Command {
	c := jobsListCommand(io)
	c.AddCommand(jobsShowCommand(io), jobsRetryCommand(io))
	return c
}

// jobView is a job as it is shown to people and machines.
type jobView struct {
	Name       string        `json:"name"`
	Slot       string        `json:"slot"`
	State      string        `json:"state"`
	Attempts   int64         `json:"attempts"`
	Failures   int           `json:"failures"`
	Node       string        `json:"node,omitempty"`
	DueAt      time.Time     `json:"dueAt"`
	NextAt     *time.Time    `json:"nextAt,omitempty"`
	StartedAt  *time.Time    `json:"startedAt,omitempty"`
	FinishedAt *time.Time    `json:"finishedAt,omitempty"`
	TookMillis *int64        `json:"tookMillis,omitempty"`
	Error      string        `json:"error,omitempty"`
	Result     string        `json:"result,omitempty"`
	History    []attemptView `json:"history,omitempty"`

	took string
}

// attemptView is a line of a job's history.
type attemptView struct {
	Attempt    int64     `json:"attempt"`
	Outcome    string    `json:"outcome"`
	Node       string    `json:"node"`
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	Error      string    `json:"error,omitempty"`
}

// viewJob shows times in the gateway's zone. A job that runs has taken the time
// until now.
func viewJob(j store.Job, history []store.JobAttempt, zone *time.Location, now time.Time) jobView {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.In(zone)
		return &t
	}
	v := jobView{
		Name: j.Name, Slot: j.Slot, State: j.State.String(), Attempts: j.Attempts, Failures: j.Failures, Node: j.Node,
		DueAt: j.DueAt.In(zone), NextAt: at(j.NextAt), StartedAt: at(j.StartedAt), FinishedAt: at(j.FinishedAt), Error: j.Error, Result: j.Result,
	}
	if end := j.FinishedAt; !j.StartedAt.IsZero() {
		if end.IsZero() {
			end = now
		}
		took := max(0, end.Sub(j.StartedAt))
		ms := took.Milliseconds()
		v.TookMillis, v.took = &ms, took.Round(time.Millisecond).String()
	}
	for _, a := range history {
		v.History = append(v.History, attemptView{
			Attempt: a.Attempt, Outcome: string(a.Outcome), Node: a.Node, StartedAt: a.StartedAt.In(zone), FinishedAt: a.FinishedAt.In(zone), Error: a.Error,
		})
	}
	return v
}

// clockTime prints a time for people; nothing for none.
func clockTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.DateTime)
}

// firstLine cuts a text for a cell of a table.
func firstLine(s string) string {
	for i, r := range []rune(s) {
		if r == '\n' || i == shortError {
			return string([]rune(s)[:i]) + "…"
		}
	}
	return s
}

func jobsListCommand(io streams) *cobra.Command {
	var name, state, since string
	var limit int
	c := &cobra.Command{
		Use: "jobs", Short: "See the jobs of the day, and have one run again",
		Long: `Lists the jobs that the nodes did, do and will do, the latest due first: sealing
days, building registers, delivering them. Each is done exactly once.

WAITING is planned. RUNNING is held by a node; if that dies, another takes over.
FAILED is tried again, later each time. DEAD failed too often: find out why, then
have it run again with tolem jobs retry. DONE is done for ever.`,
		Example: `  tolem jobs
  tolem jobs --state dead
  tolem jobs --name seal-day --since 2026-11-01 --json
  tolem jobs show build-register 2026-11-21/bank/HALYK
  tolem jobs retry build-register 2026-11-21/bank/HALYK`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%w: unknown command %q\nTry: %s --help", errUsage, args[0], c.CommandPath())
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&name, "name", "", "only jobs of this `name`")
	f.StringVar(&state, "state", "", "only jobs in this `state`: waiting, running, failed, done or dead")
	f.StringVar(&since, "since", "", "only jobs due on this `day`, 2026-11-21, or later")
	f.IntVar(&limit, "limit", defaultJobs, "at most so many")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		filter := store.JobFilter{Name: name}
		if limit < 1 || limit > maxJobs {
			return fmt.Errorf("%w: --limit: want 1 to %d", errUsage, maxJobs)
		}
		if state != "" {
			var err error
			if filter.State, err = store.ParseJobState(state); err != nil {
				return fmt.Errorf("%w: --state: %w", errUsage, err)
			}
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) (err error) {
			if since != "" {
				if filter.Since, err = parseDay(since, d.zone); err != nil {
					return err
				}
			}
			views := []jobView{}
			err = d.db.View(ctx, func(tx *store.Tx) error {
				list, err := tx.Jobs(filter, limit)
				for _, j := range list {
					views = append(views, viewJob(j, nil, d.zone, tx.Now()))
				}
				return err
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, views)
			}
			printJobs(io, views)
			return nil
		})
	}
	return c
}

func printJobs(io streams, views []jobView) {
	if len(views) == 0 {
		fmt.Fprintln(io.out, "no jobs")
		return
	}
	t := newTable(io, "name", "slot", "state", "attempts", "node", "started", "took", "error")
	for _, v := range views {
		t.row(v.Name, v.Slot, v.State, fmt.Sprint(v.Attempts), v.Node, clockTime(v.StartedAt), v.took, firstLine(v.Error))
	}
	t.print()
}

func jobsShowCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "show NAME SLOT", Short: "Show a job with all its attempts", Args: exactArgs("NAME", "SLOT"),
		Example: `  tolem jobs show seal-day 2026-11-21`,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var v jobView
			err := d.db.View(ctx, func(tx *store.Tx) error {
				j, err := tx.Job(args[0], args[1])
				if err != nil {
					return noSuchJob(err, args)
				}
				history, err := tx.JobAttempts(j.Name, j.Slot, maxJobAttempts)
				v = viewJob(j, history, d.zone, tx.Now())
				return err
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, v)
			}
			v.print(io)
			return nil
		})
	}
	return c
}

func (v jobView) print(io streams) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(io.out, "%-10s %s\n", name, value)
		}
	}
	line("job", v.Name+" "+v.Slot)
	line("state", v.State)
	line("due", clockTime(&v.DueAt))
	switch v.State {
	case store.JobRunning.String():
		line("node", v.Node)
		line("started", clockTime(v.StartedAt))
		line("lease", "until "+clockTime(v.NextAt))
	case store.JobFailed.String():
		line("next", clockTime(v.NextAt))
	}
	line("error", v.Error)
	line("result", v.Result)
	if len(v.History) == 0 {
		return
	}
	fmt.Fprintln(io.out)
	t := newTable(io, "attempt", "outcome", "node", "started", "took", "error")
	for _, a := range v.History {
		t.row(fmt.Sprint(a.Attempt), a.Outcome, a.Node, clockTime(&a.StartedAt),
			a.FinishedAt.Sub(a.StartedAt).Round(time.Millisecond).String(), firstLine(a.Error))
	}
	t.print()
}

func jobsRetryCommand(io streams) *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "retry NAME SLOT", Short: "Have a job run again that failed or is dead", Args: exactArgs("NAME", "SLOT"),
		Long: `Has a job run again at once, by whatever node sees it first, with all its attempts
before it. Only a job that is FAILED or DEAD is run again: what is done is done
once. Who decided it stands in the history of the job.`,
		Example: `  tolem jobs retry build-register 2026-11-21/bank/HALYK --by a.ospanova`,
	}
	c.Flags().StringVar(&by, "by", "", "`who` decides it; by default the user of this machine")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		who, err := decider(by)
		if err != nil {
			return err
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			err := d.db.Update(ctx, func(tx *store.Tx) error { return tx.RetryJob(args[0], args[1], who) })
			if err != nil {
				return noSuchJob(err, args)
			}
			if *asJSON {
				return printJSON(io.out, map[string]string{"name": args[0], "slot": args[1], "state": store.JobWaiting.String(), "by": who})
			}
			fmt.Fprintf(io.out, "%s %s: runs again at once\n", args[0], args[1])
			return nil
		})
	}
	return c
}

// decider returns who has a job run again.
func decider(by string) (string, error) {
	if by != "" {
		return by, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("%w: --by is missing, and the user of this machine is not known", errUsage)
	}
	return u.Username, nil
}

// noSuchJob says in a person's words why a job cannot be shown or run again.
func noSuchJob(err error, args []string) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("no job %s %s", args[0], args[1])
	case errors.Is(err, store.ErrJobLost):
		return fmt.Errorf("job %s %s has just changed; look at it again", args[0], args[1])
	case errors.Is(err, store.ErrJobState):
		return fmt.Errorf("%w; only FAILED and DEAD jobs are run again", err)
	}
	return err
}
