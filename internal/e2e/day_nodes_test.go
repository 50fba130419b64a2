package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// How hard the nodes have it while they catch up.
const (
	dayNodes     = 3
	missedDays   = 8
	dayKills     = 4
	longestCalm  = 3 * time.Second // between two deaths, if no node has anything to do
	paymentsADay = 6

	longestCatchUp = 8 * time.Minute // seals wait for each other, and each that died for its lease
)

// Three nodes catch up days that nobody closed, and are killed at any moment of
// it: each register is there once, none is missing, the doctor finds nothing,
// and every document is in line once and written at most once. What a dead node
// had begun to deliver waits for its lease, longer than this test.
//
// GW-060 GW-P25 GW-P26 GW-P40
func TestNodesDieWhileCatchingUp(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED with -short: nodes killed while they catch up; a job whose node died is free after a minute")
	}
	t.Parallel() // most of it is waiting
	days := tolem.Day(missedDays)
	database := tolemtest.Postgres(t)
	w := newWorld(t, database)
	w.withOwners()
	folder := w.folder(bank1, "xml")
	last := w.lastDue()
	p := w.openPast(database)
	for day := last - days + 1; day <= last; day++ {
		p.play(day, paymentsADay)
	}
	nodes := []*world{w}
	for range dayNodes - 1 {
		other := &world{t: w.t, dir: w.dir, config: w.config}
		other.process = &process{world: other}
		nodes = append(nodes, other)
		t.Cleanup(func() { other.kill(); other.checkLog() })
	}
	for _, n := range nodes {
		n.launch()
	}
	random, begin := rand.New(rand.NewPCG(3, 20)), time.Now()
	for range dayKills {
		time.Sleep(time.Duration(random.Int64N(int64(100 * time.Millisecond))))
		victim := p.atWork(nodes, random)
		victim.kill()
		victim.launch()
	}
	p.close()
	t.Logf("killed for %v", time.Since(begin))
	w.daysAreClosed(last-days+1, last, longestCatchUp)
	w.checkDelivered(folder, 2*int(days), dayKills) // a register and a claim a day
	lost := 0
	for _, j := range list[struct {
		Attempts int
	}](w, "jobs", "--limit", "1000") {
		lost += j.Attempts - 1
	}
	claims := list[struct{ Number string }](w, "claim", "list", "--from", (last - days + 1).String())
	if len(claims) != 2*int(days) {
		t.Errorf("%d claims", len(claims))
	}
	numbers := make([]string, len(claims))
	for i, c := range claims {
		numbers[i] = c.Number
	}
	if slices.Sort(numbers); len(slices.Compact(numbers)) != len(claims) {
		t.Error("a claim was made twice")
	}
	t.Logf("%d days, %d kills, %d attempts at jobs were lost with their node", days, dayKills, lost)
}

// atWork waits for a node that holds a job and returns it; any, if none does
// for a while.
func (p *past) atWork(nodes []*world, random *rand.Rand) *world {
	for deadline := time.Now().Add(longestCalm); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var running []store.Job
		err := p.db.View(p.t.Context(), func(tx *store.Tx) (err error) {
			running, err = tx.Jobs(store.JobFilter{State: store.JobRunning}, 10)
			return err
		})
		if err != nil {
			p.t.Fatal(err)
		}
		for _, j := range running {
			for _, n := range nodes {
				if strings.Contains(j.Node, fmt.Sprintf("-%d-", n.cmd.Process.Pid)) {
					return n
				}
			}
		}
	}
	return nodes[random.IntN(len(nodes))]
}
