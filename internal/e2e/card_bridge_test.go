package e2e

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/internal/tolemtest"
	"tolem/smartcard"
	"tolem/smartcard/desk"
	"tolem/store"
)

const (
	cardBank    = tolem.ParticipantID("HALYK")
	cardSession = "session"
	cardNo      = tolem.SmartCardNo("AZ-1001")
	cardOrigin  = "https://localhost:8444"
)

// cardWorld is `tolem card-bridge` on a folder, and the gateway's desk on a
// database.
type cardWorld struct {
	t       *testing.T
	dir     string
	cmd     *exec.Cmd
	address string
	db      *store.DB
	desk    *desk.Desk
	ws      tolem.WorkstationID
}

func newCardWorld(t *testing.T) *cardWorld {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	w := &cardWorld{t: t, dir: t.TempDir(), db: tolemtest.Store(t, tolemtest.SQLite(t), store.Options{})}
	evidence, err := archive.New(w.db, archive.Options{Origin: "test"})
	check(t, err)
	w.desk, err = desk.New(desk.Config{Signer: key, Sandbox: true}, evidence)
	check(t, err)
	var code smartcard.PairingCode
	w.update(func(tx *store.Tx) error {
		ws, c, err := w.desk.Register(tx, cardBank, "BAKU01", "Kassa 1", "admin")
		w.ws, code = ws.ID, c
		return err
	})
	w.start("--pair", code.Reveal())
	var found struct{ Enrolment, Grant string }
	check(t, json.Unmarshal(w.must("GET", "/v1/pairing", nil), &found))
	w.update(func(tx *store.Tx) (err error) {
		_, found.Grant, err = w.desk.Pair(tx, cardBank, found.Enrolment, "admin")
		return err
	})
	w.must("POST", "/v1/pairing", map[string]string{"grant": found.Grant})
	t.Cleanup(w.kill)
	return w
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *cardWorld) update(do func(*store.Tx) error) {
	w.t.Helper()
	check(w.t, w.db.Update(w.t.Context(), do))
}

var bridgeAddress = regexp.MustCompile(`card bridge at (http://\S+) for`)

// start starts the program and waits until it says where it is.
func (w *cardWorld) start(args ...string) {
	w.t.Helper()
	args = append([]string{"card-bridge", "--simulator", "--origin", cardOrigin, "--dir", w.dir, "--listen", "127.0.0.1:0"}, args...)
	w.cmd = exec.Command(program(w.t), args...)
	w.cmd.Stderr = os.Stderr
	out, err := w.cmd.StdoutPipe()
	check(w.t, err)
	check(w.t, w.cmd.Start())
	var said strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if m := bridgeAddress.FindStringSubmatch(lines.Text()); m != nil {
			w.address = m[1]
			if !strings.Contains(said.String(), "SIMULATED CARDS") {
				w.t.Error("a simulator starts without saying so")
			}
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	w.t.Fatalf("the bridge ended: %s", said.String())
}

// kill is kill -9.
func (w *cardWorld) kill() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
}

// call sends a request as the page does. An error is a connection that broke.
func (w *cardWorld) call(method, path string, body any) ([]byte, error) {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		check(w.t, err)
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.address+path, in)
	check(w.t, err)
	r.Header.Set("Origin", cardOrigin)
	r.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Timeout: 20 * time.Second}).Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

func (w *cardWorld) must(method, path string, body any) []byte {
	w.t.Helper()
	text, err := w.call(method, path, body)
	check(w.t, err)
	return text
}

// scene is what the simulator says of the card.
func (w *cardWorld) scene(change any) (changes int, tickets []tolem.TicketID) {
	w.t.Helper()
	var s struct {
		Cards map[tolem.SmartCardNo]struct {
			Changes int
			Tickets []tolem.TicketID
		}
	}
	method := "PUT"
	if change == nil {
		method = "GET"
	}
	check(w.t, json.Unmarshal(w.must(method, "/sim/state", change), &s))
	return s.Cards[cardNo].Changes, s.Cards[cardNo].Tickets
}

func (w *cardWorld) issue(payment string) (t tolem.CardTicket) {
	w.t.Helper()
	w.update(func(tx *store.Tx) (err error) {
		t, err = w.desk.IssueTicket(tx, desk.Order{
			Op: tolem.TicketWrite, Payment: tolem.PaymentID(payment), Bank: cardBank, Workstation: w.ws, Card: cardNo, Organisation: "AZERIQAZ",
			Amount: tolem.Money{Minor: 1250, Currency: tolem.AZN},
		})
		return err
	})
	return t
}

func (w *cardWorld) tell(answer []byte) (r desk.CardResult) {
	w.t.Helper()
	w.update(func(tx *store.Tx) (err error) {
		r, err = w.desk.VerifyResult(tx, cardBank, answer)
		return err
	})
	return r
}

// The bridge is killed before, between and after the write and its answer.
// Started again it knows the ticket, the gateway decides it as the card says, and
// the card has changed at most once.
//
// WP-551, WP-552
func TestCardBridgeIsKilled(t *testing.T) {
	w := newCardWorld(t)
	seed := mathrand.Uint64()
	random := mathrand.New(mathrand.NewPCG(seed, 1))
	states := make(map[tolem.TicketState]int)
	for round := range 24 {
		hold := []string{"before", "after", ""}[round%3]
		before, _ := w.scene(map[string]string{"hold": hold})
		ticket := w.issue(fmt.Sprintf("P%d", round))
		request := map[string]string{"ticket": string(ticket.Signed)}
		gone := make(chan error, 1)
		go func() {
			_, err := w.call("POST", "/v1/card/write", request)
			gone <- err
		}()
		wait := 300 * time.Millisecond
		if hold == "" {
			wait = time.Duration(random.IntN(12_000)) * time.Microsecond
		}
		time.Sleep(wait)
		w.kill()
		if err := <-gone; hold != "" && err == nil {
			t.Fatalf("round %d: an answer came before the kill", round)
		}
		w.start()
		_, _ = w.scene(map[string]string{"hold": ""})
		r := w.tell(w.must("GET", "/v1/tickets/"+string(ticket.ID), nil))
		if hold != "" && r.Ticket.State == tolem.TicketOpen {
			t.Errorf("round %d: killed %q, the ticket is not known", round, hold)
		}
		// Handed over again it is carried out if it never was begun, and not twice.
		again := w.tell(w.must("POST", "/v1/card/write", request))
		if again.Contradicts || r.First && again.First || !r.First && !again.First {
			t.Errorf("round %d: first %+v, then %+v", round, r, again)
		}
		after, tickets := w.scene(nil)
		written := again.Ticket.State == tolem.TicketWritten
		if after-before > 1 || written != (after-before == 1) || written && tickets[len(tickets)-1] != ticket.ID {
			t.Errorf("round %d, seed %d: %s, and the card changed %d times", round, seed, again.Ticket.State, after-before)
		}
		want := map[string]tolem.TicketState{"before": tolem.TicketFailed, "after": tolem.TicketWritten}
		if s, ok := want[hold]; ok && again.Ticket.State != s {
			t.Errorf("round %d: killed %q it is %s", round, hold, again.Ticket.State)
		}
		states[again.Ticket.State]++
	}
	t.Logf("24 kills: %v", states)
}

// The bridge dies after the write and its computer with it: the card that is read
// at another desk says that it is written.
//
// WP-551
func TestCardIsReadAtAnotherDesk(t *testing.T) {
	w := newCardWorld(t)
	w.scene(map[string]string{"hold": "after"})
	ticket := w.issue("P1")
	go func() { _, _ = w.call("POST", "/v1/card/write", map[string]string{"ticket": string(ticket.Signed)}) }()
	time.Sleep(300 * time.Millisecond)
	w.kill()

	// The other desk has the card, with what stands on it.
	scene, err := os.ReadFile(w.dir + "/simulator.json")
	check(t, err)
	first := w.dir
	w.dir = t.TempDir()
	check(t, os.WriteFile(w.dir+"/simulator.json", bytes.Replace(scene, []byte(`"hold": "after"`), []byte(`"hold": ""`), 1), 0o600))
	var code smartcard.PairingCode
	w.update(func(tx *store.Tx) (err error) {
		_, code, err = w.desk.Register(tx, cardBank, "BAKU01", "Kassa 2", "admin")
		return err
	})
	w.start("--pair", code.Reveal())
	var found struct{ Enrolment, Grant string }
	check(t, json.Unmarshal(w.must("GET", "/v1/pairing", nil), &found))
	w.update(func(tx *store.Tx) (err error) {
		_, found.Grant, err = w.desk.Pair(tx, cardBank, found.Enrolment, "admin")
		return err
	})
	w.must("POST", "/v1/pairing", map[string]string{"grant": found.Grant})

	var c desk.Challenge
	w.update(func(tx *store.Tx) (err error) {
		c, err = w.desk.NewChallenge(tx, cardBank, cardSession)
		return err
	})
	answer := w.must("POST", "/v1/card/read", map[string]string{"challenge": c.Value})
	w.update(func(tx *store.Tx) error {
		s, err := w.desk.VerifyRead(tx, cardBank, cardSession, answer)
		if err == nil && (len(s.Decided) != 1 || s.Decided[0].ID != ticket.ID || s.Decided[0].State != tolem.TicketWritten) {
			t.Errorf("%+v", s)
		}
		return err
	})
	if first == w.dir {
		t.Error("it is the same desk")
	}
}

// A production bridge cannot be made to simulate by accident, and starts with no driver that is missing.
func TestCardBridgeSimulatesOnlyWhenTold(t *testing.T) {
	for name, args := range map[string][]string{
		"without the flag":                {"--origin", cardOrigin},
		"for a page that is not here":     {"--origin", "https://workplace.bank.az", "--simulator"},
		"beside a driver":                 {"--origin", cardOrigin, "--simulator", "--driver", "/bin/true"},
		"with a driver that is not there": {"--origin", "https://workplace.bank.az", "--driver", "/nowhere/cards"},
		"without an origin":               {"--simulator"},
		"for everybody on the network":    {"--origin", cardOrigin, "--simulator", "--listen", "0.0.0.0:0"},
		"with a code that is none":        {"--origin", cardOrigin, "--simulator", "--pair", "1234"},
		"for a page whose name is a star": {"--origin", "*", "--simulator"},
	} {
		out, code := commandExit(t, append([]string{"card-bridge", "--dir", t.TempDir()}, args...)...)
		if code != 2 {
			t.Errorf("%s: exit status %d: %s", name, code, out)
		}
	}
}
