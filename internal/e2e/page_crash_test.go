package e2e

import (
	"context"
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
	"tolem/banks/sandbox"
	"tolem/internal/tolemtest"
)

// How hard the payment page is tried.
const (
	pageCrashes = 52  // on each database, and more
	mostCrashes = 156 // until one has come at every stage of a payment
	payers      = 24
	longestRun  = 600 * time.Millisecond // between a start and its crash
	patience    = 4 * time.Second        // of a payer who is told to wait
	settleLimit = time.Minute
)

// The gateway is killed at any moment of payments, again and again, while banks
// approve, refuse, answer late, wrongly or not at all, and are down at times.
// When it is back and has asked the banks, no attempt hangs, no money was taken
// twice and none is lost, payers and the portal are told what is true, and card
// data are nowhere.
//
// GW-P31 GW-P33 GW-P34 GW-P36 GW-135 ACQ-P06 ACQ-P09 ACQ-P14
func TestKilledWhilePaying(t *testing.T) {
	t.Parallel()
	tolemtest.Databases(t, func(t *testing.T, database string) {
		t.Parallel() // half of it is waiting
		c := &payCrash{hall: newHall(t, database), database: database, random: rand.New(rand.NewPCG(4, uint64(len(database)))), found: make(map[tolem.AttemptState]map[tolem.AttemptID]bool)}
		begin := time.Now()
		c.serve()
		c.play()
		l := c.settled(database, settleLimit)
		c.reckon(l)
		c.checkTold(l, c.visits)
		c.checkReached(l)
		metrics := c.metrics()
		c.kill()
		c.checkArchive(int64(len(l.attempts)))
		c.checkDays(database)
		c.checkNoCards(database, begin, metrics)
	})
}

type payCrash struct {
	*hall
	database string
	random   *rand.Rand // of the one who kills

	mu     sync.Mutex
	visits []*visit
	lost   atomic.Int64                                    // answers
	found  map[tolem.AttemptState]map[tolem.AttemptID]bool // attempts that were on their way when the gateway was killed
}

// play lets payers pay and kills the gateway at random moments.
func (c *payCrash) play() {
	ctx, cancel := context.WithCancel(c.t.Context())
	var crowd sync.WaitGroup
	for n := range payers {
		crowd.Go(func() { c.payer(ctx, rand.New(rand.NewPCG(uint64(n), 1))) })
	}
	crowd.Go(func() { c.weather(ctx) })
	begin, starting := time.Now(), time.Duration(0)
	kills, run := 0, longestRun
	for wanted := times(pageCrashes); kills < wanted || kills < mostCrashes && !testing.Short() && len(c.missed()) > 0; kills++ {
		time.Sleep(time.Duration(c.random.Int64N(int64(run))))
		c.kill()
		c.lookAround()
		again := time.Now()
		c.serve()
		starting += time.Since(again)
		run = max(longestRun, time.Since(again)) // a busy machine gets more time to begin payments
	}
	time.Sleep(longestRun)
	cancel()
	crowd.Wait()
	c.t.Logf("killed %d times in %v, a start took %v; %d payments, %d answers lost", kills, time.Since(begin).Round(time.Second),
		(starting / time.Duration(kills)).Round(time.Millisecond), len(c.visits), c.lost.Load())
}

// stages are those that a kill has to come at.
var stages = []tolem.AttemptState{tolem.AttemptRedirected, tolem.AttemptSent, tolem.AttemptUnknown, tolem.AttemptApproved}

// missed are the stages that no kill has come at yet.
func (c *payCrash) missed() []tolem.AttemptState {
	return slices.DeleteFunc(slices.Clone(stages), func(s tolem.AttemptState) bool { return len(c.found[s]) > 0 })
}

// lookAround notes the attempts that were not over when the gateway was killed.
func (c *payCrash) lookAround() {
	db := openRaw(c.t, c.database)
	defer db.Close()
	each(c.t, db, `SELECT a.state, a.id FROM attempt a LEFT JOIN code c ON c.number = a.code
		WHERE a.state IN ('REDIRECTED', 'CARD_ENTERED', 'SENT', 'UNKNOWN') OR a.state = 'APPROVED' AND c.state = 1`,
		func(scan func(...any) error) error {
			var s tolem.AttemptState
			var id tolem.AttemptID
			err := scan(&s, &id)
			if c.found[s] == nil {
				c.found[s] = make(map[tolem.AttemptID]bool)
			}
			c.found[s][id] = true
			return err
		})
}

// checkReached looks whether kills came at every stage of a payment.
func (c *payCrash) checkReached(l ledger) {
	histories := make(map[string]int)
	for _, a := range l.attempts {
		histories[a.steps]++
	}
	for _, h := range slices.Sorted(maps.Keys(histories)) {
		c.t.Logf("%4d × %s", histories[h], h)
	}
	var line []string
	for _, s := range stages {
		line = append(line, fmt.Sprintf("%s %d", s, len(c.found[s])))
	}
	if missed := c.missed(); len(missed) > 0 && !testing.Short() {
		c.t.Errorf("no kill came while an attempt was %v", missed)
	}
	c.t.Logf("attempts under way when killed: %s", strings.Join(line, ", "))
}

// weather takes one bank after the other down for a while.
func (c *payCrash) weather(ctx context.Context) {
	for i := 0; ; i++ {
		b := c.tellers[tolem.ParticipantID([]string{bank1, bank2}[i%2])]
		for _, down := range []bool{false, true} {
			b.Down(down)
			select {
			case <-ctx.Done():
				b.Down(false)
				return
			case <-time.After(map[bool]time.Duration{false: 3 * time.Second, true: 300 * time.Millisecond}[down]):
			}
		}
		b.Down(false)
	}
}

// payer pays one thing after the other.
func (c *payCrash) payer(ctx context.Context, random *rand.Rand) {
	for ctx.Err() == nil {
		method := []tolem.Method{tolem.MethodCard, tolem.MethodCard, tolem.MethodAccount}[random.IntN(3)]
		bank := tolem.ParticipantID([]string{bank1, bank2}[random.IntN(2)])
		m := plain(bank)
		switch random.IntN(10) {
		case 0: // which is approved for a while, and no more
			m = meansOf(sandbox.CaseNamed("approved, notified late"), bank)
		case 1, 2, 3, 4:
			m = meansOf(sandbox.Table[random.IntN(len(sandbox.Table))], bank)
		}
		// No amount asks for a behaviour by itself.
		amount := tolem.Money{Minor: 100_00 + random.Int64N(10_000)*100 + random.Int64N(50), Currency: tolem.KZT}
		var code tolem.CodeNumber
		for ctx.Err() == nil {
			v, err := c.start(method, amount, code)
			if err != nil {
				c.t.Errorf("the portal starts a payment: %v", err)
				return
			}
			c.mu.Lock()
			c.visits = append(c.visits, v)
			c.mu.Unlock()
			if c.pay(ctx, v, m) {
				break
			}
			code = v.code // the link was spent on an answer that did not come: back to the portal
		}
	}
}

// pay does what a payer does on the page until it is over, or patience is. It
// returns false if the payer could not get in.
func (c *payCrash) pay(ctx context.Context, v *visit, m means) bool {
	s, err := c.enter(v)
	for ; err != nil; s, err = c.look(v.browser.Get(v.address)) {
		c.lost.Add(1)
		if ctx.Err() != nil {
			return true
		}
		time.Sleep(comeBack)
	}
	if s.name == "link_used" {
		v.browser = nil
		return false
	}
	tries := 0
	for end := time.Now().Add(patience); ctx.Err() == nil && time.Now().Before(end); s, err = c.show(v) {
		if err != nil {
			c.lost.Add(1)
			time.Sleep(comeBack)
			continue
		}
		switch v.seen = s.name; {
		case s.name == "form" && tries < 3:
			tries++
			if _, err = c.submit(v, s, m); err != nil {
				c.lost.Add(1)
			}
		case s.name == "refused" && tries < 2: // once more, with what every bank takes
			if s, err = c.look(v.browser.Get(c.site + "/pay/again")); err == nil && s.name == "form" {
				tries = 2
				if _, err = c.submit(v, s, plain(m.bank)); err != nil {
					c.lost.Add(1)
				}
			}
		case s.name == "waiting", s.name == "approved", s.name == "unknown":
			time.Sleep(80 * time.Millisecond)
		default:
			return true
		}
	}
	return true
}
