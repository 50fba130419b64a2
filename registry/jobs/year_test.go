package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/registry/jobs"
	"tolem/store"
)

// The jobs of the simulated year. A seal plans the builds of its day in one
// transaction; a build finishes itself in the transaction of its effect; a
// report makes its effect first and is marked as done after.
const (
	sealDay = "seal-day"
	build   = "build-register"
	report  = "report"
)

var owners = []string{"provider/JUSTICE", "bank/HALYK", "branch/ALM01"}

// How often what goes wrong.
const (
	killBefore  = 0.02 // the node dies as a body begins
	killAfter   = 0.02 // the node dies between the effect and its being marked as done
	killAnytime = 0.03 // of a step, at any moment of it
	fails       = 0.02 // the body returns an error
	outage      = 0.01 // of a step: all nodes are down for days
)

// maxCalm is how long the nodes may take to finish once nothing goes wrong.
const maxCalm = 30 * 24 * time.Hour

// simulation is a year on one database.
type simulation struct {
	t        *testing.T
	dsn      string
	clock    *tolemtest.Clock
	planners map[string]jobs.Planner
	calm     atomic.Bool // nothing goes wrong any more
	now      time.Time   // of the latest step

	mu       sync.Mutex
	sealed   []string             // days, as their seal took effect
	bodies   map[string]int       // that began
	at       map[string]*gateNode // where a body runs
	outcomes map[store.JobOutcome]int
	kills    int
}

// gateNode is one life of a node. It dies by losing its database, like a process
// that is killed: nothing it does afterwards has an effect.
type gateNode struct {
	s      *simulation
	db     *store.DB
	runner *jobs.Runner
	once   sync.Once
	dead   chan struct{}
}

func (s *simulation) newNode(name string) *gateNode {
	db, err := store.Open(s.t.Context(), s.dsn, store.Options{Clock: s.clock.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	n := &gateNode{s: s, db: db, dead: make(chan struct{})}
	backoff := jobs.Backoff{First: 5 * time.Minute, Max: time.Hour}
	n.runner, err = jobs.New(jobs.Config{
		Node: name, DB: db, Lease: 10 * time.Minute, Report: s.count,
		Kinds: map[string]jobs.Kind{
			sealDay: {Run: n.body(n.seal), InOrder: true, MaxAttempts: 50, Backoff: backoff},
			build:   {Run: n.body(n.build), MaxAttempts: 50, Backoff: backoff},
			report:  {Run: n.body(n.report), MaxAttempts: 50, Backoff: backoff},
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (n *gateNode) kill() {
	n.once.Do(func() {
		close(n.dead)
		n.s.mu.Lock()
		n.s.kills++
		n.s.mu.Unlock()
		_ = n.db.Close()
	})
}

func (n *gateNode) alive() bool {
	select {
	case <-n.dead:
		return false
	default:
		return true
	}
}

// step plans and runs what is due, until that is done or the node is dead.
func (n *gateNode) step() {
	done := make(chan error, 1)
	go func() {
		for name, p := range n.s.planners {
			if _, err := p.Plan(n.s.t.Context(), n.db, name); err != nil {
				done <- err
				return
			}
		}
		_, err := n.runner.RunDue(n.s.t.Context())
		done <- err
	}()
	select {
	case <-n.dead:
	case err := <-done:
		if err != nil && n.alive() {
			n.s.t.Errorf("node %p: %v", n, err)
		}
	}
}

var errKilled = errors.New("killed")

// body is what all bodies have in common: no two of one job run on nodes that
// live, none runs too early, and things go wrong.
func (n *gateNode) body(effect func(context.Context, jobs.Attempt) error) func(context.Context, jobs.Attempt) (string, error) {
	return func(ctx context.Context, a jobs.Attempt) (string, error) {
		key := a.Name + " " + a.Slot
		n.s.enter(key, a, n)
		defer n.s.leave(key, n)
		switch {
		case n.s.chance(killBefore):
			n.kill()
			return "", errKilled
		case n.s.chance(fails):
			return "", errors.New("no disk")
		}
		if err := effect(ctx, a); err != nil {
			return "", err
		}
		if n.s.chance(killAfter) {
			n.kill()
			return "", errKilled
		}
		return "", nil
	}
}

// seal takes effect once by its key.
func (n *gateNode) seal(ctx context.Context, a jobs.Attempt) error {
	err := n.db.Update(ctx, func(tx *store.Tx) error {
		for _, owner := range owners {
			if err := tx.PlanJob(build, a.Slot+"/"+owner, tx.Now()); err != nil {
				return err
			}
		}
		return errors.Join(a.Hold(tx), tx.PlanJob("effect-"+sealDay, a.Slot, tx.Now()))
	})
	if err == nil {
		n.s.mu.Lock()
		n.s.sealed = append(n.s.sealed, a.Slot)
		n.s.mu.Unlock()
	}
	return err
}

// build has an effect that a second attempt would make again.
func (n *gateNode) build(ctx context.Context, a jobs.Attempt) error {
	return n.db.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(a.Finish(tx, ""), tx.PlanJob("effect-"+build, fmt.Sprintf("%s:%d", a.Slot, a.Number), tx.Now()))
	})
}

// report takes effect once by its key.
func (n *gateNode) report(ctx context.Context, a jobs.Attempt) error {
	return n.db.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(a.Hold(tx), tx.PlanJob("effect-"+report, a.Slot, tx.Now()))
	})
}

func (s *simulation) chance(p float64) bool { return !s.calm.Load() && rand.Float64() < p }

func (s *simulation) count(e jobs.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes[e.Outcome]++
}

func (s *simulation) enter(key string, a jobs.Attempt, n *gateNode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.at[key]; other != nil && other.alive() && n.alive() {
		s.t.Errorf("%s runs twice at the same time", key)
	}
	s.at[key] = n
	s.bodies[key]++
	date, _, _ := strings.Cut(a.Slot, "/")
	if p, ok := s.planners[a.Name]; ok && s.clock.Now().Before(p.DueAt(day(s.t, date))) {
		s.t.Errorf("%s runs at %v, too early", key, s.clock.Now())
	}
}

func (s *simulation) leave(key string, n *gateNode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at[key] == n {
		delete(s.at, key)
	}
}

// run lets three nodes work from one moment to another, and returns when
// nothing is left to do.
func (s *simulation) run(until time.Time) {
	steps := []time.Duration{11 * time.Minute, 2 * time.Hour, 8 * time.Hour, 12 * time.Hour}
	var nodes [3]*gateNode
	var back [3]time.Time
	lives := 0
	for quiet := 0; quiet < 3; s.clock.Advance(steps[rand.N(len(steps))]) {
		now := s.clock.Now()
		s.now = now
		s.calm.Store(!now.Before(until))
		down := s.chance(outage)
		for i := range nodes {
			switch {
			case nodes[i] != nil && down:
				nodes[i].kill()
				back[i] = now.Add(rand.N(5 * 24 * time.Hour))
			case nodes[i] != nil && !nodes[i].alive():
				back[i] = now.Add(rand.N(36 * time.Hour))
			case nodes[i] == nil && !now.Before(back[i]):
				lives++
				nodes[i] = s.newNode(fmt.Sprintf("node-%d-%d", i, lives))
			}
			if nodes[i] != nil && !nodes[i].alive() {
				defer nodes[i].runner.Wait() // what is left of a dead process
				nodes[i] = nil
			}
		}
		s.step(nodes[:])
		if s.calm.Load() && s.open(nodes[:]) == 0 {
			quiet++
		}
		if now.After(until.Add(maxCalm)) {
			s.t.Fatal("jobs are left that nobody finishes")
		}
	}
	for _, n := range nodes {
		if n != nil {
			n.runner.Wait()
			n.kill()
		}
	}
}

// step lets the nodes that are up work side by side; one may die meanwhile.
func (s *simulation) step(nodes []*gateNode) {
	var all sync.WaitGroup
	for _, n := range nodes {
		if n != nil {
			all.Go(n.step)
		}
	}
	if n := nodes[rand.N(len(nodes))]; n != nil && s.chance(killAnytime) {
		time.Sleep(rand.N(4 * time.Millisecond))
		n.kill()
	}
	all.Wait()
}

// open counts the jobs that are not done yet, as one of the nodes sees it.
func (s *simulation) open(nodes []*gateNode) int {
	open := 0
	for _, n := range nodes {
		if n == nil {
			return 1 // it comes back
		}
		for name := range s.planners {
			err := n.db.View(s.t.Context(), func(tx *store.Tx) error {
				counts, err := tx.OpenJobs()
				for _, c := range counts {
					if !strings.HasPrefix(c.Name, "effect-") {
						open += int(c.Count)
					}
				}
				return err
			})
			if err != nil {
				s.t.Fatal(name, err)
			}
		}
	}
	return open
}

// read returns every job of a name by its slot.
func read(t *testing.T, db *store.DB, name string) map[string]store.Job {
	t.Helper()
	found := make(map[string]store.Job)
	err := db.View(t.Context(), func(tx *store.Tx) error {
		list, err := tx.Jobs(store.JobFilter{Name: name}, 1_000_000)
		for _, j := range list {
			found[j.Slot] = j
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// check looks for what is missing, too much or done twice.
func (s *simulation) check(db *store.DB, wanted map[string][]string) {
	for name, slots := range wanted {
		found, effects := read(s.t, db, name), read(s.t, db, "effect-"+name)
		if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, slices.Sorted(slices.Values(slots))) {
			s.t.Errorf("%s: %d slots, want %d", name, len(got), len(slots))
		}
		made := make(map[string]int)
		for slot := range effects {
			slot, _, _ = strings.Cut(slot, ":")
			made[slot]++
		}
		for _, slot := range slots {
			if found[slot].State != store.JobDone || made[slot] != 1 || s.bodies[name+" "+slot] == 0 {
				s.t.Errorf("%s %s: %v, %d effects, %d bodies", name, slot, found[slot].State, made[slot], s.bodies[name+" "+slot])
			}
			s.checkHistory(db, found[slot])
		}
		if len(made) != len(slots) {
			s.t.Errorf("%s: effects in %d slots, want %d", name, len(made), len(slots))
		}
	}
	if seals := slices.Compact(s.sealed); !slices.IsSorted(seals) {
		s.t.Error("days were not sealed in their order")
	}
}

// checkHistory: every attempt has one line, the last and no other is done.
func (s *simulation) checkHistory(db *store.DB, j store.Job) {
	err := db.View(s.t.Context(), func(tx *store.Tx) error {
		lines, err := tx.JobAttempts(j.Name, j.Slot, 1000)
		for i, l := range lines {
			if l.Attempt != int64(i+1) || (l.Outcome == store.OutcomeDone) != (i == len(lines)-1) {
				s.t.Errorf("%s: line %d is attempt %d, %s", j, i+1, l.Attempt, l.Outcome)
			}
		}
		if int64(len(lines)) != j.Attempts || int64(s.bodies[j.String()]) > j.Attempts {
			s.t.Errorf("%s: %d attempts, %d lines, %d bodies", j, j.Attempts, len(lines), s.bodies[j.String()])
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// GW-P25
//
// Three nodes on one database, killed at random through a leap year with
// holidays and a change of the zone: each job of each day is done exactly once,
// none is missing.
func TestAYearOfThreeNodesKilledAtRandom(t *testing.T) {
	first, last := day(t, "2024-01-01"), day(t, "2024-12-31")
	if testing.Short() {
		first, last = day(t, "2024-02-10"), day(t, "2024-04-09") // the leap day, the change of the zone, holidays
	}
	calendar := tolem.NewCalendar(zone(t, "Asia/Almaty"),
		days(t, "2024-01-01", "2024-01-02", "2024-01-07", "2024-03-08", "2024-03-21", "2024-03-22", "2024-03-25", "2024-05-01",
			"2024-05-07", "2024-05-09", "2024-07-08", "2024-08-30", "2024-10-25", "2024-12-16"),
		days(t, "2024-05-04"))
	wanted := make(map[string][]string)
	for d := first; d <= last; d++ {
		wanted[sealDay] = append(wanted[sealDay], d.String())
		wanted[report] = append(wanted[report], d.String())
		for _, owner := range owners {
			wanted[build] = append(wanted[build], d.String()+"/"+owner)
		}
	}
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		clock := tolemtest.NewClock(calendar.Start(first))
		db := tolemtest.Store(t, dsn, store.Options{Clock: clock.Now})
		s := &simulation{
			t: t, dsn: dsn, clock: clock, bodies: make(map[string]int), at: make(map[string]*gateNode), outcomes: make(map[store.JobOutcome]int),
			planners: map[string]jobs.Planner{
				sealDay: {Calendar: calendar, At: jobs.DefaultAt, First: first},
				report:  {Calendar: calendar, At: jobs.DefaultAt, First: first, Days: jobs.Workdays},
			},
		}
		s.run(calendar.Start(last + 1).Add(36 * time.Hour))
		end := calendar.DayOf(s.now)
		s.check(db, extended(wanted, last+1, end, s.planners, s.now))
		t.Logf("%d days, %d bodies of %d jobs, %d kills, outcomes %v", end-first, sum(s.bodies), len(s.bodies), s.kills, s.outcomes)
		if s.kills < 5 {
			t.Errorf("only %d kills", s.kills)
		}
	})
}

// extended adds the days that passed until the last job was done.
func extended(wanted map[string][]string, from, until tolem.Day, planners map[string]jobs.Planner, now time.Time) map[string][]string {
	all := maps.Clone(wanted)
	for d := from; d < until; d++ {
		for name, p := range planners {
			if p.DueAt(d).After(now) {
				continue
			}
			all[name] = append(slices.Clip(all[name]), d.String())
			if name == sealDay {
				for _, owner := range owners {
					all[build] = append(slices.Clip(all[build]), d.String()+"/"+owner)
				}
			}
		}
	}
	return all
}

func sum(counts map[string]int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}
