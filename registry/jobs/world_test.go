package jobs_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem/internal/tolemtest"
	"tolem/registry/jobs"
	"tolem/store"
)

// world is a database with two nodes and the clock they share.
type world struct {
	t     *testing.T
	clock *tolemtest.Clock
	a, b  *store.DB

	mu     sync.Mutex
	events []jobs.Event
}

var begin = time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)

// worlds runs a test on both databases.
func worlds(t *testing.T, test func(w *world)) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		clock := tolemtest.NewClock(begin)
		w := &world{t: t, clock: clock}
		w.a = tolemtest.Store(t, dsn, store.Options{Clock: clock.Now})
		w.b = tolemtest.Store(t, dsn, store.Options{Clock: clock.Now})
		test(w)
	})
}

// runner returns a runner of one kind, "work", on a node.
func (w *world) runner(node string, db *store.DB, kind jobs.Kind, options ...func(*jobs.Config)) *jobs.Runner {
	w.t.Helper()
	c := jobs.Config{
		Node: node, DB: db, Kinds: map[string]jobs.Kind{"work": kind}, Report: w.report,
		Jitter: func(time.Duration) time.Duration { return 0 },
	}
	for _, set := range options {
		set(&c)
	}
	r, err := jobs.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(r.Wait)
	return r
}

func (w *world) report(e jobs.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// told returns the outcomes that were reported, and forgets them.
func (w *world) told() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var words []string
	for _, e := range w.events {
		words = append(words, string(e.Outcome)+"@"+e.Node)
	}
	w.events = nil
	return strings.Join(words, " ")
}

func (w *world) plan(slots ...string) {
	w.t.Helper()
	err := w.a.Update(w.t.Context(), func(tx *store.Tx) error {
		for _, slot := range slots {
			if err := tx.PlanJob("work", slot, tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) job(slot string) (j store.Job) {
	w.t.Helper()
	if err := w.a.View(w.t.Context(), func(tx *store.Tx) (err error) { j, err = tx.Job("work", slot); return err }); err != nil {
		w.t.Fatal(err)
	}
	return j
}

func (w *world) history(slot string) string {
	w.t.Helper()
	var words []string
	err := w.a.View(w.t.Context(), func(tx *store.Tx) error {
		lines, err := tx.JobAttempts("work", slot, 100)
		for _, l := range lines {
			words = append(words, string(l.Outcome)+"@"+l.Node)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(words, " ")
}

// ran runs what is due and checks how many attempts that made.
func (w *world) ran(r *jobs.Runner, want int) {
	w.t.Helper()
	if got, err := r.RunDue(w.t.Context()); err != nil || got != want {
		w.t.Fatalf("%d attempts, want %d: %v", got, want, err)
	}
}

// start begins what is due in the background.
func (w *world) start(ctx context.Context, r *jobs.Runner, want int) {
	w.t.Helper()
	if got, err := r.StartDue(ctx); err != nil || got != want {
		w.t.Fatalf("%d started, want %d: %v", got, want, err)
	}
}

func (w *world) is(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// log takes down which bodies ran.
type log struct {
	mu    sync.Mutex
	slots []string
}

func (l *log) add(slot string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slots = append(l.slots, slot)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.slots, " ")
}

func (l *log) sorted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(slices.Values(l.slots))
}

// body returns a body that only notes that it ran.
func (l *log) body(_ context.Context, a jobs.Attempt) (string, error) {
	l.add(a.Slot)
	return "ran", nil
}

// soon fails the test if a channel does not deliver in time.
func soon[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: nothing in time", what)
	}
	return v
}
