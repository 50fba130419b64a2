// Package jobs runs work that is done exactly once however many nodes fire:
// sealing a day, building a register, delivering it. A job has a name and a
// slot (seal-day 2026-11-21; build-register 2026-11-21/bank/HALYK) and a row in
// the database that nodes claim by compare-and-swap, under a lease that is
// renewed while the work goes on. The package keeps the history of attempts,
// tries again what failed, later each time, and gives up at a cap, which is an
// alarm: a person looks at it and has it run again (tolem jobs retry).
//
// It is no timer: cmd/tolem calls Planner.Plan and Runner.StartDue every few
// seconds, a test calls them with a clock of its own. It does not know what the
// work is, and it does not log: what happened is given to Config.Report.
//
// # Exactly once
//
// A node may die between what a body did and the line that says so. The body
// then runs again on another node, so it must be fit for that. There are two
// ways, and a body uses one of them:
//
//   - Attempt.Finish within the transaction that writes the effects: both are
//     committed, or neither.
//   - Effects that are the same when they are made again (a row by its key, a
//     document with a number made of day and owner), each written in a
//     transaction with Attempt.Hold, so that a node that was cut off for longer
//     than its lease cannot write beside its successor.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"tolem/store"
)

// Defaults and limits.
const (
	DefaultLease       = time.Minute
	DefaultParallel    = 4
	DefaultGrace       = 10 * time.Second
	DefaultTimeout     = 30 * time.Minute
	DefaultMaxAttempts = 8

	minLease      = 10 * time.Millisecond
	maxDue        = 64               // jobs of a kind that one look takes notice of
	settleTimeout = 40 * time.Second // longer than the store waits for a commit
	settleTries   = 3
	settlePause   = 100 * time.Millisecond
)

// Errors of this package.
var (
	// ErrConfig reports a runner that cannot work as it is configured.
	ErrConfig = errors.New("jobs are configured wrongly")
	// ErrLeaseLost is the cause why the context of a body ends when the node
	// could not renew the lease: another may have taken the job over.
	ErrLeaseLost = errors.New("the lease of the job is lost")
	// ErrTimeout is the cause why the context of a body ends that runs longer
	// than its kind allows.
	ErrTimeout = errors.New("the job ran longer than it may")
	// ErrPanic marks the failure of a body that panicked.
	ErrPanic = errors.New("the job panicked")
	// ErrStuck marks the failure of a body that went on after its context had
	// ended.
	ErrStuck = errors.New("the job did not stop when it was told to")
)

// Kind is what a runner knows about the jobs of a name.
type Kind struct {
	// Run does the work and returns a line about it for people. Neither it nor
	// the text of an error may name persons or hold secrets: they are shown and
	// logged. It ends soon when ctx ends. See "Exactly once" above.
	Run func(ctx context.Context, a Attempt) (result string, err error)
	// Timeout bounds an attempt; 0 means DefaultTimeout.
	Timeout time.Duration
	// MaxAttempts is how often a job may fail before it is dead; 0 means
	// DefaultMaxAttempts. Attempts that die with their node count.
	MaxAttempts int
	// Backoff says how long a job waits that failed.
	Backoff Backoff
	// InOrder keeps a job waiting while one of the same name with a lower slot
	// is not done: days are sealed one after the other, and a dead one holds up
	// all behind it.
	InOrder bool
	// Parallel bounds the jobs of this name that a node runs at the same time;
	// 0 leaves it to the runner's own bound.
	Parallel int
}

// Event is the end of an attempt, for metrics, log and alarm.
type Event struct {
	Name, Slot string
	Node       string // that ran the attempt
	Attempt    int64
	Failures   int // since it was planned or last retried by hand, this one counted
	Outcome    store.JobOutcome
	Took       time.Duration
	Result     string
	Err        error     // nil if it is done
	Next       time.Time // when it is tried again; zero if it is not, or at once
}

// Alarm reports whether a person must look at it.
func (e Event) Alarm() bool { return e.Outcome == store.OutcomeDead }

// Config is what a Runner needs. Node, DB and Kinds must be given.
type Config struct {
	Node  string // shown in the history
	DB    *store.DB
	Kinds map[string]Kind // by name

	// Lease is how long a node may be silent before others take its jobs over.
	// It must be longer than the clocks of the nodes are apart.
	Lease    time.Duration
	Parallel int           // jobs at the same time
	Grace    time.Duration // for a body to stop when it is told to

	// Report, if set, is told about every attempt that ended. It is called by
	// several goroutines and must be quick.
	Report func(Event)
	// Jitter returns a duration in [0, max), max being positive; nil draws one.
	Jitter func(max time.Duration) time.Duration
}

// Runner runs the jobs of one node. It is safe for concurrent use.
type Runner struct {
	c Config // complete

	looking sync.Mutex // one look for due jobs at a time

	mu       sync.Mutex
	held     map[string]int // bodies at work, by name
	all      int
	attempts int        // under way; a body that hangs may outlive its own
	ended    *sync.Cond // an attempt ended
}

// New returns a runner. ErrConfig: it could not work.
func New(c Config) (*Runner, error) {
	setDefault(&c.Lease, DefaultLease)
	setDefault(&c.Parallel, DefaultParallel)
	setDefault(&c.Grace, DefaultGrace)
	if c.Report == nil {
		c.Report = func(Event) {}
	}
	if c.Jitter == nil {
		c.Jitter = rand.N[time.Duration]
	}
	kinds := make(map[string]Kind, len(c.Kinds))
	for name, k := range c.Kinds {
		setDefault(&k.Timeout, DefaultTimeout)
		setDefault(&k.MaxAttempts, DefaultMaxAttempts)
		setDefault(&k.Parallel, c.Parallel)
		setDefault(&k.Backoff, DefaultBackoff)
		if name == "" || k.Run == nil || k.Timeout < 0 || k.MaxAttempts < 0 || k.Parallel < 0 || !k.Backoff.valid() {
			return nil, fmt.Errorf("%w: kind %q", ErrConfig, name)
		}
		kinds[name] = k
	}
	c.Kinds = kinds
	if c.Node == "" || c.DB == nil || c.Lease < minLease || c.Parallel < 0 || c.Grace < 0 {
		return nil, fmt.Errorf("%w: node, database, lease, parallel or grace", ErrConfig)
	}
	r := &Runner{c: c, held: make(map[string]int)}
	r.ended = sync.NewCond(&r.mu)
	return r, nil
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// take reserves a place for a body; free gives it back.
func (r *Runner) take(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all >= r.c.Parallel || r.held[name] >= r.c.Kinds[name].Parallel {
		return false
	}
	r.all++
	r.held[name]++
	return true
}

func (r *Runner) free(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all--
	r.held[name]--
}

// background runs an attempt that Wait waits for.
func (r *Runner) background(attempt func()) {
	r.mu.Lock()
	r.attempts++
	r.mu.Unlock()
	go func() {
		defer func() {
			r.mu.Lock()
			r.attempts--
			r.mu.Unlock()
			r.ended.Broadcast()
		}()
		attempt()
	}()
}

// Wait returns when no attempt is under way. To stop a node, end the context
// that was given to StartDue, then wait: bodies have the grace to stop.
func (r *Runner) Wait() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.attempts > 0 {
		r.ended.Wait()
	}
}
