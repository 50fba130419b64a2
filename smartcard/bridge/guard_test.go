package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"

	"tolem"
	"tolem/smartcard"
	"tolem/smartcard/bridge"
	"tolem/smartcard/bridge/simulator"
)

// Whoever is not a page of a configured origin, or comes by another name of this
// machine, learns nothing and changes nothing, on every route.
func TestWhoMayCall(t *testing.T) {
	w := newWorld(t)
	ticket := w.sign(w.ticket())
	routes := []struct {
		method, path string
		body         any
	}{
		{"GET", "/v1/status", nil}, {"GET", "/v1/events", nil}, {"GET", "/v1/tickets/T1", nil}, {"GET", "/v1/pairing", nil},
		{"POST", "/v1/card/read", map[string]string{"challenge": challenge}}, {"POST", "/v1/card/write", ticket},
		{"POST", "/v1/card/reverse", ticket}, {"POST", "/v1/pairing", map[string]string{"grant": "x"}}, {"GET", "/sim/state", nil},
		{"PUT", "/sim/state", `{"reader":false}`}, {"GET", "/", nil}, {"OPTIONS", "/v1/card/write", nil}, {"OPTIONS", "/sim/state", nil},
	}
	strangers := map[string]struct {
		change func(*http.Request)
		status int
		code   smartcard.Code
	}{
		"another site":       {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, smartcard.OriginRefused},
		"a site below":       {func(r *http.Request) { r.Header.Set("Origin", "https://x.localhost:8444") }, 403, smartcard.OriginRefused},
		"another port":       {func(r *http.Request) { r.Header.Set("Origin", "https://localhost:8445") }, 403, smartcard.OriginRefused},
		"without TLS":        {func(r *http.Request) { r.Header.Set("Origin", "http://localhost:8444") }, 403, smartcard.OriginRefused},
		"null":               {func(r *http.Request) { r.Header.Set("Origin", "null") }, 403, smartcard.OriginRefused},
		"two origins":        {func(r *http.Request) { r.Header.Add("Origin", "https://evil.example") }, 403, smartcard.OriginRefused},
		"another name":       {func(r *http.Request) { r.Host = "bridge.evil.example:47123" }, 421, smartcard.HostRefused},
		"no port":            {func(r *http.Request) { r.Host = "127.0.0.1" }, 421, smartcard.HostRefused},
		"an address of ours": {func(r *http.Request) { r.Host = "192.168.1.7:" + port(w) }, 421, smartcard.HostRefused},
		"a name with a dot":  {func(r *http.Request) { r.Host = "localhost.:" + port(w) }, 421, smartcard.HostRefused},
	}
	before, _ := json.Marshal(w.sim.Scene())
	for _, route := range routes {
		for name, s := range strangers {
			status, header, text := w.call(route.method, route.path, route.body, s.change)
			if code, _ := codeOf(t, text); status != s.status || code != s.code {
				t.Errorf("%s %s by %s: %d %s", route.method, route.path, name, status, text)
			}
			if header.Get("Access-Control-Allow-Origin") != "" || header.Get("Access-Control-Allow-Private-Network") != "" {
				t.Errorf("%s %s permits %s", route.method, route.path, name)
			}
		}
		// A program of this machine without an origin sets scenes, nothing else.
		status, _, _ := w.call(route.method, route.path, route.body, func(r *http.Request) { r.Header.Del("Origin") })
		if scene := route.path == "/sim/state"; scene == (status == 403) {
			t.Errorf("%s %s without an origin: %d", route.method, route.path, status)
		}
	}
	w.scene(`{"reader":true}`)
	if after, _ := json.Marshal(w.sim.Scene()); string(after) != string(before) {
		t.Errorf("the scene is %s", after)
	}
}

func port(w *world) string {
	_, p, _ := net.SplitHostPort(w.server.Listener.Addr().String())
	return p
}

// What browsers ask before a page may call, and what they must find in every
// answer.
func TestBrowsersMayCall(t *testing.T) {
	w := newWorld(t)
	status, header, _ := w.call("OPTIONS", "/v1/card/write", nil, func(r *http.Request) {
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Private-Network", "true")
	})
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Private-Network": "true", "Access-Control-Allow-Headers": "Content-Type",
		"Access-Control-Allow-Methods": "GET, POST, PUT", "Vary": "Origin",
	} {
		if header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, header.Get(name), want)
		}
	}
	if status != http.StatusNoContent || header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", status, header)
	}
	for _, host := range []string{"127.0.0.1:" + port(w), "localhost:" + port(w)} {
		status, header, _ := w.call("GET", "/v1/status", nil, func(r *http.Request) { r.Host = host })
		if status != 200 || header.Get("Access-Control-Allow-Origin") != origin || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", host, status, header)
		}
	}
	if status, header, _ := w.call("GET", "/v1/status", nil, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:9000") }); status != 200 ||
		header.Get("Access-Control-Allow-Origin") != "http://127.0.0.1:9000" {
		t.Errorf("the second origin: %d %v", status, header)
	}
}

func TestStatus(t *testing.T) {
	w := unpaired(t)
	read := func() (s struct {
		Version                            string
		Reader, Paired, Pairing, Simulated bool
		OperatorCard                       bool `json:"operator_card"`
		CustomerCard                       bool `json:"customer_card"`
		Workstation                        string
		Time                               int64
	}) {
		must(t, json.Unmarshal(w.get("/v1/status", 200), &s))
		return s
	}
	if s := read(); s.Paired || s.Pairing || !s.Reader || !s.OperatorCard || !s.CustomerCard || !s.Simulated || s.Version != "test" || s.Time != start.Unix() {
		t.Errorf("%+v", s)
	}
	w.pair()
	w.scene(`{"operator_card":false}`)
	if s := read(); !s.Paired || s.Pairing || s.Workstation != "WS1" || s.OperatorCard || !s.Reader {
		t.Errorf("%+v", s)
	}
	w.scene(`{"reader":false}`)
	if s := read(); s.Reader || s.OperatorCard || s.CustomerCard {
		t.Errorf("without a reader: %+v", s)
	}
}

// Requests that are none.
func TestMalformedRequests(t *testing.T) {
	w := newWorld(t)
	good := w.sign(w.ticket())["ticket"]
	for name, c := range map[string]struct {
		path, body, kind string
		status           int
		code             smartcard.Code
	}{
		"no JSON":         {"/v1/card/write", "ticket", "application/json", 400, smartcard.RequestInvalid},
		"unknown field":   {"/v1/card/write", `{"ticket":"a","x":1}`, "application/json", 400, smartcard.RequestInvalid},
		"two values":      {"/v1/card/write", `{"ticket":"` + good + `"}{}`, "application/json", 400, smartcard.RequestInvalid},
		"too much":        {"/v1/card/write", `{"ticket":"` + strings.Repeat("a", 40_000) + `"}`, "application/json", 400, smartcard.RequestInvalid},
		"a form's type":   {"/v1/card/write", `{"ticket":"` + good + `"}`, "text/plain", 400, smartcard.RequestInvalid},
		"no type":         {"/v1/card/write", `{"ticket":"` + good + `"}`, "", 400, smartcard.RequestInvalid},
		"no ticket":       {"/v1/card/write", `{}`, "application/json", 400, smartcard.TicketInvalid},
		"short challenge": {"/v1/card/read", `{"challenge":"abc"}`, "application/json", 400, smartcard.ChallengeInvalid},
		"odd challenge":   {"/v1/card/read", `{"challenge":"` + strings.Repeat("ə", 30) + `"}`, "application/json", 400, smartcard.ChallengeInvalid},
		"no grant":        {"/v1/pairing", `{"grant":""}`, "application/json", 400, smartcard.RequestInvalid},
	} {
		status, _, text := w.call("POST", c.path, c.body, func(r *http.Request) { r.Header.Set("Content-Type", c.kind) })
		if code, _ := codeOf(t, text); status != c.status || code != c.code {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	for path, want := range map[string]int{
		"/v1/tickets/" + strings.Repeat("T", 65): 400, "/v1/tickets/a%20b": 400, "/v1/tickets/": 404, "/v2/status": 404, "/sim/other": 404,
	} {
		if status, _, text := w.call("GET", path, nil); status != want {
			t.Errorf("GET %s: %d %s", path, status, text)
		}
	}
	if w.card(cardA).Changes != 0 {
		t.Error("the card was changed")
	}
	for _, scene := range []string{`{"fail":"all"}`, `{"hold":"x"}`, `{"inserted":"AZ-0"}`, `{"cards":[{"card_no":""}]}`, `{"x":1}`, `[`} {
		if status, _, _ := w.call("PUT", "/sim/state", scene); status != 400 {
			t.Errorf("scene %s: %d", scene, status)
		}
	}
	if status, _, _ := w.call("DELETE", "/sim/state", nil); status != 405 {
		t.Errorf("DELETE of the scene: %d", status)
	}
}

// Tickets that are not the gateway's for this bridge are refused, and remembered
// by nobody; those that have expired are answered 410 and signed.
//
// WP-552
func TestTicketsThatDoNotCount(t *testing.T) {
	w := newWorld(t)
	stranger := newSigner(t)
	foreign, err := stranger.SignTicket(w.ticket())
	must(t, err)
	for name, body := range map[string]map[string]string{
		"a stranger's":         {"ticket": foreign},
		"another workstation":  w.sign(w.ticket(func(x *smartcard.Ticket) { x.Workstation = "WS2" })),
		"another bridge's key": w.sign(w.ticket(func(x *smartcard.Ticket) { x.Bridge = stranger.Public.ID })),
		"a reversal":           w.sign(w.ticket(func(x *smartcard.Ticket) { x.Operation, x.Reverses = tolem.TicketReverse, "T0" })),
	} {
		if code, _ := codeOf(t, w.post("/v1/card/write", body, 400)); code != smartcard.TicketInvalid {
			t.Errorf("%s: %s", name, code)
		}
	}
	early := w.ticket(func(x *smartcard.Ticket) { x.IssuedAt += 180; x.ExpiresAt += 180 })
	if code, _ := codeOf(t, w.post("/v1/card/write", w.sign(early), 409)); code != smartcard.ClockWrong {
		t.Errorf("of the future: %s", code)
	}
	expired := w.ticket()
	w.clock.Advance(time.Minute)
	if got := w.write(expired, 410); got.Outcome != smartcard.Failed || got.Code != smartcard.TicketExpired || got.Begun {
		t.Errorf("expired: %+v", got)
	}
	// The same name for something else.
	first := w.ticket()
	w.write(first, 200)
	first.Amount = 99
	if code, _ := codeOf(t, w.post("/v1/card/write", w.sign(first), 400)); code != smartcard.TicketInvalid {
		t.Errorf("another ticket of this name: %s", code)
	}
	if w.card(cardA).Changes != 1 {
		t.Errorf("%d changes", w.card(cardA).Changes)
	}
}

// The clock of a bridge never runs backwards in what it says: a ticket that it
// called unknown after its end is never carried out, whatever becomes of the clock.
//
// WP-551, WP-552
func TestClockThatIsSetBack(t *testing.T) {
	w := newWorld(t)
	ticket := w.ticket()
	w.clock.Advance(time.Minute)
	if got := w.about(ticket.ID); got.Outcome != smartcard.Unknown || got.Begun || got.At != ticket.ExpiresAt {
		t.Fatalf("%+v", got)
	}
	w.clock.Set(start)
	w.restart()
	if got := w.write(ticket, 410); got.Outcome != smartcard.Failed || got.Code != smartcard.TicketExpired || w.card(cardA).Changes != 0 {
		t.Errorf("after the clock was set back: %+v", got)
	}
}

// Of many requests with one ticket one changes the card; all learn of it.
//
// WP-552
func TestRaceOfOneTicket(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		before := w.card(cardA).Changes
		ticket := w.ticket()
		body := w.sign(ticket)
		var wait sync.WaitGroup
		for i := range 16 {
			wait.Go(func() {
				if i%4 == 3 {
					if got := w.about(ticket.ID); got.Outcome != smartcard.Written && got.Outcome != smartcard.Unknown {
						t.Errorf("asked: %+v", got)
					}
					return
				}
				if got := w.result(w.post("/v1/card/write", body, 200)); got.Outcome != smartcard.Written {
					t.Errorf("%+v", got)
				}
			})
		}
		wait.Wait()
		if got := w.card(cardA).Changes - before; got != 1 {
			t.Errorf("%d changes by one ticket", got)
		}
	}
}

func TestPairingOfABridge(t *testing.T) {
	w := unpaired(t)
	for path, body := range map[string]any{"/v1/card/read": map[string]string{"challenge": challenge}, "/v1/card/write": w.sign(w.ticket(func(x *smartcard.Ticket) { x.Bridge = "K" }))} {
		if code, message := codeOf(t, w.post(path, body, 409)); code != smartcard.NotPaired || message != "card.reader_not_ready" {
			t.Errorf("%s: %s", path, code)
		}
	}
	w.get("/v1/pairing", 404)
	w.post("/v1/pairing", map[string]string{"grant": "a.b.c"}, 400)
	w.pair()
	w.get("/v1/pairing", 404)
	firstKey := w.key
	// Started again with the same code it is paired already.
	w.restart()
	if waiting, err := w.bridge.Pair(w.code); err != nil || waiting {
		t.Errorf("the same code: %v, %v", waiting, err)
	}
	ticket := w.ticket()
	w.write(ticket, 200)

	// A new code: the old identity serves until the grant has come, and a grant
	// that somebody else made does not.
	w.code = smartcard.NewPairingCode("WS9")
	must(t, ignore(w.bridge.Pair(w.code)))
	w.restart()
	must(t, ignore(w.bridge.Pair(w.code)))
	w.code = smartcard.NewPairingCode("WS1")
	if got := w.about(ticket.ID); got.Outcome != smartcard.Written {
		t.Errorf("while it waits: %+v", got)
	}
	w.grant(newSigner(t), 400)
	w.pair()
	if w.key.ID == firstKey.ID {
		t.Error("the new pairing has the old key")
	}
	// A ticket for the old key is not this bridge's any more.
	old := w.ticket(func(x *smartcard.Ticket) { x.Bridge = firstKey.ID })
	if code, _ := codeOf(t, w.post("/v1/card/write", w.sign(old), 400)); code != smartcard.TicketInvalid {
		t.Errorf("for the old key: %s", code)
	}
	w.write(w.ticket(), 200)

	// New keys of the gateway come by its old one, and older news are no news.
	next := newSigner(t)
	keys := func(by *smartcard.Signer, at time.Time, keys ...smartcard.PublicKey) string {
		document, err := by.SignKeys(smartcard.Grant{Workstation: "WS1", Bridge: w.key.ID, Keys: keys, At: at.Unix()})
		must(t, err)
		return document
	}
	w.post("/v1/pairing", map[string]string{"grant": keys(next, start, next.Public)}, 400)
	w.post("/v1/pairing", map[string]string{"grant": keys(w.gateway, start.Add(time.Hour), w.gateway.Public, next.Public)}, 200)
	w.post("/v1/pairing", map[string]string{"grant": keys(w.gateway, start, w.gateway.Public)}, 400)
	w.gateway = next
	w.restart()
	w.write(w.ticket(), 200)
}

func ignore(_ bool, err error) error { return err }

// Events: all three devices at once, and then what changes.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	dial := func(origin string) (*websocket.Conn, *http.Response, error) {
		return websocket.Dial(ctx, w.server.URL+"/v1/events", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
	}
	if conn, answer, err := dial("https://evil.example"); err == nil || answer.StatusCode != 403 {
		t.Errorf("a stranger listens: %v %v", conn, err)
	}
	conn, _, err := dial(origin)
	must(t, err)
	defer conn.CloseNow()
	next := func() string {
		t.Helper()
		_, text, err := conn.Read(ctx)
		must(t, err)
		return string(text)
	}
	for _, want := range []string{
		`{"device":"reader","present":true}`, `{"device":"operator_card","present":true}`, `{"device":"customer_card","present":true}`,
	} {
		if got := next(); got != want {
			t.Errorf("first: %s, want %s", got, want)
		}
	}
	w.scene(`{"customer_card":false}`)
	if got := next(); got != `{"device":"customer_card","present":false}` {
		t.Error(got)
	}
	w.scene(`{"customer_card":true}`)
	if got := next(); got != `{"device":"customer_card","present":true}` {
		t.Error(got)
	}
	w.scene(`{"reader":false}`)
	for _, device := range []string{"reader", "operator_card", "customer_card"} {
		if got := next(); got != `{"device":"`+device+`","present":false}` {
			t.Error(got)
		}
	}
	// Too many listeners are turned away, and places come free again.
	var all []*websocket.Conn
	for {
		c, answer, err := dial(origin)
		if err != nil {
			if answer == nil || answer.StatusCode != 503 {
				t.Errorf("listener %d: %v", len(all), err)
			}
			break
		}
		if all = append(all, c); len(all) > 20 {
			t.Fatal("no end of listeners")
		}
	}
	for _, c := range all {
		_ = c.CloseNow()
	}
	for free := false; !free && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if c, _, err := dial(origin); err == nil {
			free = true
			_ = c.CloseNow()
		}
	}
	must(t, ctx.Err())
}

// driver is a reader whose every whim is known.
type driver struct {
	*simulator.Simulator
	change func(t smartcard.Ticket) error
	read   func() (smartcard.Card, error)
}

func (d *driver) Change(ctx context.Context, t smartcard.Ticket) error {
	if d.change != nil {
		return d.change(t)
	}
	return d.Simulator.Change(ctx, t)
}

func (d *driver) Read(ctx context.Context) (smartcard.Card, error) {
	if d.read != nil {
		return d.read()
	}
	return d.Simulator.Read(ctx)
}

// A driver that breaks, lies about codes or hands out what no card holds costs
// an answer, never the bridge.
func TestDriversThatMisbehave(t *testing.T) {
	w := newWorld(t)
	d := &driver{Simulator: w.sim}
	w.stop()
	w.reader = d
	w.start()
	d.Simulator = w.sim
	d.change = func(smartcard.Ticket) error { panic("driver") }
	if got := w.write(w.ticket(), 409); got.Code != smartcard.WriteFailed || !got.Begun {
		t.Errorf("panic: %+v", got)
	}
	d.change = func(x smartcard.Ticket) error {
		must(t, d.Simulator.Change(t.Context(), x))
		return errors.New("cable")
	}
	if got := w.write(w.ticket(), 200); got.Outcome != smartcard.Written {
		t.Errorf("written, but it does not say so: %+v", got)
	}
	d.change = func(smartcard.Ticket) error { return &smartcard.Failure{Code: "card is fine, pay out 1000"} }
	if got := w.write(w.ticket(), 409); got.Code != smartcard.WriteFailed {
		t.Errorf("a code of its own: %+v", got)
	}
	d.change = nil
	d.read = func() (smartcard.Card, error) { panic("driver") }
	if code, _ := codeOf(t, w.post("/v1/card/write", w.sign(w.ticket()), 500)); code != smartcard.Broken {
		t.Errorf("panic while reading: %s", code)
	}
	d.read = func() (smartcard.Card, error) { return smartcard.Card{No: "A\x00"}, nil }
	if code, _ := codeOf(t, w.post("/v1/card/read", map[string]string{"challenge": challenge}, 409)); code != smartcard.CardUnreadable {
		t.Errorf("no card: %s", code)
	}
	d.read = func() (smartcard.Card, error) { return smartcard.Card{}, errors.New("cable") }
	if got := w.write(w.ticket(), 409); got.Code != smartcard.CardUnreadable || got.Begun {
		t.Errorf("cable: %+v", got)
	}
	d.read = nil
	// A ticket that the card holds and the journal does not know is done.
	known := w.ticket()
	must(t, w.sim.Change(t.Context(), known))
	before := w.card(cardA).Changes
	if got := w.write(known, 200); got.Outcome != smartcard.Written || w.card(cardA).Changes != before {
		t.Errorf("on the card already: %+v", got)
	}
}

// Bridges that must not start.
func TestBridgesThatMustNotStart(t *testing.T) {
	sim, err := simulator.Open(filepath.Join(t.TempDir(), "sim"))
	must(t, err)
	open := func(dir string, simulated bool, origins ...string) error {
		c := bridge.Config{Dir: dir, Origins: origins, Reader: sim, Log: zerolog.Nop()}
		if simulated {
			c.Simulator = sim
		}
		b, err := bridge.Open(c)
		if err == nil {
			must(t, b.Close())
		}
		return err
	}
	for name, origins := range map[string][]string{
		"none": nil, "a path": {"https://a.az/x"}, "capitals": {"https://A.az"}, "a star": {"*"}, "http": {"http://a.az"}, "null": {"null"},
		"somebody in it": {"https://x@a.az"}, "empty": {""}, "a slash": {"https://a.az/"}, "many": make([]string, 17),
	} {
		if err := open(t.TempDir(), false, origins...); !errors.Is(err, bridge.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, open(t.TempDir(), false, "https://workplace.bank.az", "http://localhost:8080"))
	// Cards are simulated for this machine's pages only.
	for _, o := range []string{"https://workplace.bank.az", "https://localhost.bank.az", "https://127.0.0.1.nip.io"} {
		if err := open(t.TempDir(), true, o); !errors.Is(err, bridge.ErrConfig) {
			t.Errorf("simulator for %s: %v", o, err)
		}
	}
	must(t, open(t.TempDir(), true, "https://localhost:8444", "https://bank.localhost", "http://127.0.0.1:1"))

	w := newWorld(t)
	if err := open(w.dir, true, origin); !errors.Is(err, bridge.ErrInUse) {
		t.Errorf("two in a folder: %v", err)
	}
	for _, address := range []string{"0.0.0.0:0", "[::]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		if _, err := w.bridge.Handler(l.Addr()); !errors.Is(err, bridge.ErrConfig) {
			t.Errorf("%s: %v", address, err)
		}
		must(t, l.Close())
	}
	w.stop()
	// What was paired with simulated cards is not used for real ones.
	if err := open(w.dir, false, origin); !errors.Is(err, bridge.ErrConfig) {
		t.Errorf("real cards in a simulator's folder: %v", err)
	}
	identity := filepath.Join(w.dir, "identity.json")
	info, err := os.Stat(identity)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %s", info.Mode())
	}
	must(t, os.Chmod(identity, 0o644))
	if err := open(w.dir, true, origin); !errors.Is(err, bridge.ErrConfig) {
		t.Errorf("a key that others may read: %v", err)
	}
	must(t, os.Chmod(identity, 0o600))
	must(t, open(w.dir, true, origin))
	// Without its journal a bridge would not know what it has done.
	must(t, os.Rename(filepath.Join(w.dir, "tickets.journal"), filepath.Join(w.dir, "gone")))
	if err := open(w.dir, true, origin); !errors.Is(err, bridge.ErrJournal) {
		t.Errorf("without its journal: %v", err)
	}
}

// A journal whose last line was not finished is good; one that is damaged is
// not guessed at.
func TestJournal(t *testing.T) {
	w := newWorld(t)
	done, failed := w.ticket(), w.ticket()
	w.write(done, 200)
	w.scene(`{"fail":"write"}`)
	w.write(failed, 409)
	w.stop()
	name := filepath.Join(w.dir, "tickets.journal")
	text, err := os.ReadFile(name)
	must(t, err)
	if !strings.Contains(string(text), `"state":"begun"`) || strings.Index(string(text), `"state":"begun"`) > strings.Index(string(text), `"state":"written"`) {
		t.Errorf("not begun before it is written:\n%s", text)
	}
	must(t, os.WriteFile(name, append(text, `{"ticket":{"ticket_id":"T9","oper`...), 0o600))
	w.start()
	if got := w.about(done.ID); got.Outcome != smartcard.Written {
		t.Errorf("%+v", got)
	}
	if got := w.about(failed.ID); got.Outcome != smartcard.Failed {
		t.Errorf("%+v", got)
	}
	if got := w.about("T9"); got.Outcome != smartcard.Unknown || got.Begun {
		t.Errorf("%+v", got)
	}
	w.stop()
	must(t, os.WriteFile(name, append([]byte("{\"broken\n"), text...), 0o600))
	sim, err := simulator.Open(w.dir)
	must(t, err)
	if _, err := bridge.Open(bridge.Config{Dir: w.dir, Origins: []string{origin}, Reader: sim, Simulator: sim, Log: zerolog.Nop()}); !errors.Is(err, bridge.ErrJournal) {
		t.Errorf("damaged: %v", err)
	}
}

// A journal is swept when it is opened, and forgets no ticket.
func TestJournalIsSwept(t *testing.T) {
	w := newWorld(t)
	tickets := []smartcard.Ticket{w.ticket(), w.ticket()}
	for _, x := range tickets {
		w.write(x, 200)
	}
	for range 1100 {
		w.clock.Advance(time.Second)
		w.about("none")
	}
	at := w.about("none").At
	name := filepath.Join(w.dir, "tickets.journal")
	before, err := os.Stat(name)
	must(t, err)
	w.clock.Set(start)
	w.restart()
	after, err := os.Stat(name)
	must(t, err)
	if after.Size() > 2000 || before.Size() < 10*after.Size() {
		t.Errorf("%d bytes before, %d after", before.Size(), after.Size())
	}
	for _, x := range tickets {
		if got := w.about(x.ID); got.Outcome != smartcard.Written || got.At < at {
			t.Errorf("%+v", got)
		}
	}
}

// Whatever a page sends, the bridge answers with a code or a signed result, and
// changes no card without a ticket of the gateway's.
func FuzzRequests(f *testing.F) {
	w := newWorld(f)
	f.Add("/v1/card/write", `{"ticket":"a.b.c"}`)
	f.Add("/v1/card/read", `{"challenge":"0123456789abcdefghijklmnop"}`)
	f.Add("/v1/pairing", `{"grant":"e30.e30.AA"}`)
	f.Add("/v1/card/reverse", `{"ticket":"`+w.sign(w.ticket(func(x *smartcard.Ticket) { x.Workstation = "WS2" }))["ticket"]+`"}`)
	paths := []string{"/v1/card/write", "/v1/card/reverse", "/v1/card/read", "/v1/pairing"}
	f.Fuzz(func(t *testing.T, path, body string) {
		target := paths[len(path)%len(paths)]
		for _, p := range paths {
			if p == path {
				target = p
			}
		}
		here := *w
		here.t = t
		status, _, text := here.call("POST", target, body)
		var a struct{ Code, Signature string }
		if err := json.Unmarshal(text, &a); err != nil || status == 500 || a.Code == "" == (a.Signature == "") {
			t.Errorf("%s %q: %d %s", target, body, status, text)
		}
		if w.card(cardA).Changes != 0 {
			t.Fatalf("%s %q changed the card", target, body)
		}
	})
}
