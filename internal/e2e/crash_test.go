package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// How hard the gateway is tried.
const (
	crashes      = 50 // on each database
	breaks       = 20 // of the connections to the database
	crashClients = 16
	calmest      = 120 * time.Millisecond // longest time between a start and its crash
	giveUp       = 60 * time.Second       // of one request over all its repetitions
)

// Whenever the gateway is killed, what it has answered is there when it comes
// back, exactly once: the same request gets the same bytes again, the code is
// in the state the answers say, nothing has happened that no client was told
// in the end, and the archive verifies.
//
// GW-135 GW-176 GW-P08 GW-P20 GW-P36
func TestNothingIsLostInACrash(t *testing.T) {
	t.Parallel()
	tolemtest.Databases(t, func(t *testing.T, database string) {
		t.Parallel() // half of it is waiting
		w := newWorld(t, database)
		w.env = []string{"TOLEM_SOAP_LISTEN=" + freeAddress(t)}
		w.serve()
		c := &crashTest{world: w, random: rand.New(rand.NewPCG(7, uint64(len(database))))}
		var starting time.Duration
		c.play(times(crashes), func() {
			c.kill()
			begin := time.Now()
			c.serve()
			starting += time.Since(begin)
		})
		t.Logf("a start took %v on average", starting/time.Duration(times(crashes)))
		c.checkStore(database)
		w.checkArchive(2 * c.calls.Load())
	})
}

// The same when the connections to the database break, at any moment of a
// transaction: an answer that was given is true, a commit whose outcome nobody
// told is found out, and nothing is done twice.
//
// GW-135 GW-P08 GW-P20 GW-P36
func TestNothingIsLostWithTheDatabase(t *testing.T) {
	t.Parallel()
	cable, database := cabled(t)
	w := newWorld(t, database)
	w.serve("TOLEM_SOAP_TIMEOUTS_OPERATION=3s")
	c := &crashTest{world: w, random: rand.New(rand.NewPCG(11, 11))}
	c.play(times(breaks), func() {
		cable.cut()
		time.Sleep(time.Duration(c.random.Int64N(int64(50 * time.Millisecond))))
		cable.mend()
		c.becomesReady(5*time.Second, http.StatusOK)
	})
	c.checkStore(database)
	w.checkArchive(2 * c.calls.Load())
}

// freeAddress returns an address that nobody listens on, so that a gateway
// comes back where it was. Its port is none of those that the system gives away
// by itself: while the gateway is down nobody else gets it.
func freeAddress(t *testing.T) string {
	t.Helper()
	const first, ports, tries = 20_000, 12_000, 100
	for range tries {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(ports)))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

type crashTest struct {
	*world
	random *rand.Rand

	calls, repeated atomic.Int64
	working         sync.RWMutex // held to read by whoever sends, to write while answers are checked

	mu    sync.Mutex
	acked []acknowledged // since the last start
	lives []life
}

// acknowledged is a request with the answer its sender got.
type acknowledged struct {
	by              *actor
	request, answer []byte
}

// life is how far a client knows a code to have come.
type life struct {
	code  string
	state tolem.State
	steps int
}

// play lets clients work and something break at random moments.
func (c *crashTest) play(rounds int, broken func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var clients sync.WaitGroup
	for n := range crashClients {
		clients.Go(func() { c.client(ctx, n) })
	}
	for range rounds {
		time.Sleep(time.Duration(c.random.Int64N(int64(calmest))))
		broken()
		c.checkAcknowledged()
	}
	time.Sleep(calmest)
	cancel()
	clients.Wait()
	c.checkAcknowledged()
	c.t.Logf("broken %d times, %d calls acknowledged, %d requests sent again, %d codes", rounds, c.calls.Load(), c.repeated.Load(), len(c.lives))
}

// times returns how often something is to break: fewer times with -short.
func times(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// wholeTests names the variable by which the tests of desks are played whole.
// Without it they play a part, so that all tests end within a quarter of an hour
// on two processors.
const wholeTests = "TOLEM_TEST_WHOLE"

// part is how much of a test of desks is played, and says so.
func part(t testing.TB, all, some int) int {
	t.Helper()
	if os.Getenv(wholeTests) != "" {
		return all
	}
	t.Logf("a part is played, %d of %d: %s=1 plays the whole", some, all, wholeTests)
	return some
}

// client takes codes through their lives until it is told to stop; what it has
// begun to ask it asks until it is answered.
func (c *crashTest) client(ctx context.Context, n int) {
	bank, portal := c.actors[[]string{bank1, bank2}[n%2]], c.actors[portal]
	for i := 0; ctx.Err() == nil; i++ {
		got, ok := c.ask(bank, "IssueCode", order())
		if !ok {
			return
		}
		l := life{code: got.fields["paymentCode"], state: tolem.StateIssued, steps: 1}
		stages := []struct {
			by        *actor
			operation string
			fields    string
			state     tolem.State
		}{
			{bank, "NotifyPayment", payment(l.code, bank.id, fmt.Sprintf("REF-%d-%d", n, i)), tolem.StatePaid},
			{portal, "ValidateCode", el("paymentCode", l.code) + el("requestNo", "R") + el("recipientIIN", citizen) + el("serviceCode", fixedFee), tolem.StatePaid},
			{portal, "CloseCode", el("paymentCode", l.code) + el("closeId", "C") + el("requestNo", "R"), tolem.StateClosed},
		}
		for _, s := range stages {
			if ctx.Err() != nil {
				break
			}
			if _, ok := c.ask(s.by, s.operation, s.fields); !ok {
				return
			}
			l.state = s.state
			l.steps++
		}
		c.mu.Lock()
		c.lives = append(c.lives, l)
		c.mu.Unlock()
	}
}

// ask sends one request again and again until it is answered with OK.
func (c *crashTest) ask(by *actor, operation, fields string) (answer, bool) {
	message, err := by.sign(request(operation, newID(), fields))
	if err != nil {
		c.t.Error(err)
		return answer{}, false
	}
	for deadline := time.Now().Add(giveUp); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		got, err := c.try(by, message)
		switch {
		case err != nil, got.name == "Fault" && got.fields["retry"] != "no":
			// It is down, or went down before it answered, or has no database.
			c.repeated.Add(1)
			continue
		case got.result() != "OK":
			c.t.Errorf("%s of %s: %v", operation, by.id, got.fields)
			return got, false
		}
		c.calls.Add(1)
		c.mu.Lock()
		c.acked = append(c.acked, acknowledged{by, message, got.raw})
		c.mu.Unlock()
		return got, true
	}
	c.t.Errorf("%s of %s was not answered in %v", operation, by.id, giveUp)
	return answer{}, false
}

// try sends a request once, unless answers are being checked.
func (c *crashTest) try(by *actor, message []byte) (answer, error) {
	c.working.RLock()
	defer c.working.RUnlock()
	return by.send(message, nil)
}

// checkAcknowledged repeats what was answered since the last crash.
func (c *crashTest) checkAcknowledged() {
	c.working.Lock()
	defer c.working.Unlock()
	c.mu.Lock()
	acked := c.acked
	c.acked = nil
	c.mu.Unlock()
	var checkers sync.WaitGroup
	const parallel = 8
	for n := range parallel {
		checkers.Go(func() {
			for i := n; i < len(acked); i += parallel {
				a := acked[i]
				got, err := a.by.send(a.request, nil)
				if err != nil || !bytes.Equal(got.raw, a.answer) {
					c.t.Errorf("what was acknowledged is not there: %v\n got %s\nwant %s", err, got.raw, a.answer)
				}
			}
		})
	}
	checkers.Wait()
}

// checkStore looks at what the database holds in the end: every code that was
// acknowledged, with the history its client knows, and not one more.
func (c *crashTest) checkStore(database string) {
	if code := c.terminate(); code != 0 {
		c.t.Errorf("tolem serve ended with %d: %s", code, c.tail())
	}
	db, err := store.Open(c.t.Context(), database, store.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	want := make(map[tolem.State]int64)
	err = db.View(c.t.Context(), func(tx *store.Tx) error {
		for _, l := range c.lives {
			want[l.state]++
			number, err := tolem.ParseCodeNumber(l.code)
			if err != nil {
				return err
			}
			steps, err := tx.Steps(number)
			if err != nil {
				return err
			}
			if len(steps) != l.steps || steps[len(steps)-1].To != l.state {
				c.t.Errorf("history of a code is %v, want %d steps to %s", steps, l.steps, l.state)
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	got, err := db.CodeCounts(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for state, n := range want {
		if got[state] != n {
			c.t.Errorf("%d codes are %s, want %d", got[state], state, n)
		}
		delete(got, state)
	}
	if len(got) > 0 {
		c.t.Errorf("codes nobody was told of: %v", got)
	}
}
