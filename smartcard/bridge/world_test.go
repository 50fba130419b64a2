package bridge_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/smartcard"
	"tolem/smartcard/bridge"
	"tolem/smartcard/bridge/simulator"
)

const (
	origin = "https://localhost:8444"
	cardA  = simulator.FirstCard
	cardB  = tolem.SmartCardNo("AZ-2002")
)

var start = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a bridge with a simulated reader on a real listener, and the gateway
// that pairs it.
type world struct {
	t        testing.TB
	dir      string
	clock    *tolemtest.Clock
	gateway  *smartcard.Signer
	code     smartcard.PairingCode
	key      smartcard.PublicKey // of the bridge
	sim      *simulator.Simulator
	reader   bridge.Reader // nil: the simulator
	timeout  time.Duration
	bridge   *bridge.Bridge
	server   *httptest.Server
	tickets  int
	stopping func()
}

func newSigner(t testing.TB) *smartcard.Signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	s, err := smartcard.NewSigner(private)
	must(t, err)
	return s
}

// newWorld starts a bridge and pairs it.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := unpaired(t)
	w.pair()
	return w
}

func unpaired(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, dir: filepath.Join(t.TempDir(), "bridge"), clock: tolemtest.NewClock(start), gateway: newSigner(t),
		code: smartcard.NewPairingCode("WS1"), timeout: 500 * time.Millisecond,
	}
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// start opens what is kept in the folder, as after a restart.
func (w *world) start() {
	w.t.Helper()
	var err error
	w.sim, err = simulator.Open(w.dir)
	must(w.t, err)
	reader := w.reader
	if reader == nil {
		reader = w.sim
	}
	w.bridge, err = bridge.Open(bridge.Config{
		Dir: w.dir, Origins: []string{origin, "http://127.0.0.1:9000"}, Reader: reader, Simulator: w.sim, Version: "test",
		Clock: w.clock.Now, ReaderTimeout: w.timeout, Log: zerolog.Nop(),
	})
	must(w.t, err)
	w.server = httptest.NewUnstartedServer(nil)
	handler, err := w.bridge.Handler(w.server.Listener.Addr())
	must(w.t, err)
	w.server.Config = bridge.Server(handler)
	w.server.Start()
	w.stopping = func() {
		w.server.CloseClientConnections()
		w.server.Close()
		must(w.t, w.bridge.Close())
	}
}

func (w *world) stop() {
	if w.stopping != nil {
		w.stopping()
		w.stopping = nil
	}
}

func (w *world) restart() {
	w.stop()
	w.start()
}

// pair does what a page does between bridge and gateway.
func (w *world) pair() {
	w.t.Helper()
	waiting, err := w.bridge.Pair(w.code)
	must(w.t, err)
	if !waiting {
		w.t.Fatal("nothing waits to be paired")
	}
	var found struct{ Enrolment string }
	must(w.t, json.Unmarshal(w.get("/v1/pairing", 200), &found))
	e, err := smartcard.OpenEnrolment(found.Enrolment, func(tolem.WorkstationID) (smartcard.PairingSecret, error) { return w.code.Secret(), nil })
	must(w.t, err)
	w.key = e.Key
	w.grant(w.gateway, 200)
}

func (w *world) grant(by *smartcard.Signer, status int) {
	w.t.Helper()
	document, err := by.SignGrant(smartcard.Grant{
		Workstation: w.code.Workstation, Bridge: w.key.ID, Keys: []smartcard.PublicKey{by.Public}, At: w.clock.Now().Unix(),
	}, w.code.Secret())
	must(w.t, err)
	w.post("/v1/pairing", map[string]string{"grant": document}, status)
}

// call sends a request as a page does.
func (w *world) call(method, path string, body any, change ...func(*http.Request)) (int, http.Header, []byte) {
	w.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = bytes.NewReader([]byte(b))
	default:
		text, err := json.Marshal(b)
		must(w.t, err)
		in = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, w.server.URL+path, in)
	must(w.t, err)
	r.Header.Set("Origin", origin)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	answer, err := http.DefaultClient.Do(r)
	must(w.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(w.t, err)
	return answer.StatusCode, answer.Header, text
}

func (w *world) get(path string, status int) []byte {
	w.t.Helper()
	got, _, text := w.call(http.MethodGet, path, nil)
	if got != status {
		w.t.Fatalf("GET %s: %d %s, want %d", path, got, text, status)
	}
	return text
}

func (w *world) post(path string, body any, status int) []byte {
	w.t.Helper()
	got, _, text := w.call(http.MethodPost, path, body)
	if got != status {
		w.t.Fatalf("POST %s: %d %s, want %d", path, got, text, status)
	}
	return text
}

// scene sets the scene, over HTTP as tests of pages do.
func (w *world) scene(text string) {
	w.t.Helper()
	if status, _, answer := w.call(http.MethodPut, "/sim/state", text, func(r *http.Request) { r.Header.Del("Origin") }); status != 200 {
		w.t.Fatalf("scene %s: %d %s", text, status, answer)
	}
}

// ticket draws a ticket of the gateway's.
func (w *world) ticket(change ...func(*smartcard.Ticket)) smartcard.Ticket {
	w.tickets++
	now := w.clock.Now()
	t := smartcard.Ticket{
		ID: tolem.TicketID(fmt.Sprintf("T%d", w.tickets)), Operation: tolem.TicketWrite, Workstation: w.code.Workstation, Bridge: w.key.ID,
		Payment: "P1", Card: cardA, Organisation: "AZERIQAZ", Amount: 1250, IssuedAt: now.Unix(), ExpiresAt: now.Add(time.Minute).Unix(),
	}
	for _, c := range change {
		c(&t)
	}
	return t
}

func (w *world) sign(t smartcard.Ticket) map[string]string {
	w.t.Helper()
	document, err := w.gateway.SignTicket(t)
	must(w.t, err)
	return map[string]string{"ticket": document}
}

// result opens what the bridge answered about a ticket.
func (w *world) result(text []byte) smartcard.Result {
	w.t.Helper()
	document, err := smartcard.Signature(text)
	if err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
	r, _, err := smartcard.OpenResult(smartcard.KeysOf(w.key), document)
	must(w.t, err)
	var beside struct {
		Ticket tolem.TicketID    `json:"ticket_id"`
		Result smartcard.Outcome `json:"result"`
	}
	must(w.t, json.Unmarshal(text, &beside))
	if beside.Ticket != r.Ticket || beside.Result != r.Outcome || r.Workstation != w.code.Workstation || !r.Simulated {
		w.t.Errorf("%s beside %+v", text, r)
	}
	return r
}

func (w *world) write(t smartcard.Ticket, status int) smartcard.Result {
	w.t.Helper()
	return w.result(w.post("/v1/card/"+string(t.Operation), w.sign(t), status))
}

func (w *world) about(id tolem.TicketID) smartcard.Result {
	w.t.Helper()
	return w.result(w.get("/v1/tickets/"+string(id), 200))
}

const challenge = "0123456789abcdefghijklmnop"

func (w *world) read() smartcard.Read {
	w.t.Helper()
	document, err := smartcard.Signature(w.post("/v1/card/read", map[string]string{"challenge": challenge}, 200))
	must(w.t, err)
	r, _, err := smartcard.OpenRead(smartcard.KeysOf(w.key), document)
	must(w.t, err)
	if r.Challenge != challenge || !r.Simulated {
		w.t.Errorf("%+v", r)
	}
	return r
}

// code is what an answer without a signature says.
func codeOf(t testing.TB, text []byte) (code smartcard.Code, message string) {
	t.Helper()
	var a struct {
		Code      smartcard.Code
		Message   string
		Signature string
	}
	must(t, json.Unmarshal(text, &a))
	return a.Code, a.Message
}

// card is what the simulator holds.
func (w *world) card(no tolem.SmartCardNo) simulator.Card { return w.sim.Scene().Cards[no] }
