package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem/internal/tolemtest"
)

// readiness is what /readyz says.
func (w *world) readiness() (int, map[string]string) {
	w.t.Helper()
	status, body := w.probe("/readyz")
	var page struct{ Parts map[string]string }
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		w.t.Errorf("/readyz is no JSON: %s", body)
	}
	return status, page.Parts
}

// becomesReady waits until /readyz has the status and returns what it says.
func (w *world) becomesReady(within time.Duration, want int) map[string]string {
	w.t.Helper()
	var parts map[string]string
	eventually(w.t, within+busy, "/readyz is "+http.StatusText(want), func() bool {
		var status int
		status, parts = w.readiness()
		return status == want
	})
	return parts
}

// When the revocation list runs out nothing is accepted and the gateway is not
// ready; a new list mends it.
//
// GW-046 GW-P06
func TestListRunsOut(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.publishLists(time.Now().Add(3 * time.Second))
	w.serve()
	b := w.actors[bank1]
	b.becomes(0, "200 OK")
	if parts := w.becomesReady(0, http.StatusOK); parts["database"] != "ok" || parts["revocation lists"] != "ok" || parts["signing.rsa"] != "ok" || parts["signing.ec"] != "ok" {
		t.Errorf("ready: %v", parts)
	}
	if parts := w.becomesReady(4*time.Second, http.StatusServiceUnavailable); parts["revocation lists"] == "ok" || parts["database"] != "ok" {
		t.Errorf("not ready: %v", parts)
	}
	b.becomes(0, "500 CRL_UNAVAILABLE")
	b.http.CloseIdleConnections()
	b.becomes(0, "refused connection")
	if status, _ := w.probe("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz is %d: a list that ran out is no reason to restart", status)
	}
	w.publishLists(time.Time{})
	w.becomesReady(listsWithin, http.StatusOK)
	b.becomes(0, "200 OK")
}

// While the database is gone nothing is acknowledged and the gateway is not
// ready; when it is back the same request is answered, without a restart.
//
// GW-P36
func TestDatabaseGoesAway(t *testing.T) {
	cable, database := cabled(t)
	w := newWorld(t, database)
	w.serve("TOLEM_SOAP_TIMEOUTS_OPERATION=2s")
	b := w.actors[bank1]
	b.issue()
	message := b.mustSign(request("IssueCode", newID(), order()))

	cable.cut()
	if parts := w.becomesReady(3*time.Second, http.StatusServiceUnavailable); parts["database"] == "ok" {
		t.Errorf("not ready: %v", parts)
	}
	got := b.must(message)
	if got.status != http.StatusInternalServerError || got.result() != "UNAVAILABLE" || got.fields["retry"] == "no" {
		t.Errorf("without a database: %d %v", got.status, got.fields)
	}
	if status, _ := w.probe("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz is %d", status)
	}
	cable.mend()
	w.becomesReady(5*time.Second, http.StatusOK)
	if again := b.must(message); again.result() != "OK" {
		t.Errorf("when the database is back: %v", again.fields)
	}
	w.checkArchive(4)
}

// cable is a connection to a server that can be cut.
type cable struct {
	t        *testing.T
	server   string
	listener net.Listener

	mu    sync.Mutex
	whole bool
	open  map[net.Conn]struct{}
}

// cabled returns a PostgreSQL database behind a cable.
func cabled(t *testing.T) (*cable, string) {
	t.Helper()
	address, err := url.Parse(tolemtest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	c := newCable(t, address.Host)
	address.Host = c.address()
	return c, address.String()
}

func newCable(t *testing.T, server string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{t: t, server: server, listener: l, whole: true, open: make(map[net.Conn]struct{})}
	t.Cleanup(func() { _ = l.Close() })
	go c.run()
	return c
}

func (c *cable) address() string { return c.listener.Addr().String() }

func (c *cable) run() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.server)
		if err != nil || !c.add(near, far) {
			_ = near.Close()
			continue
		}
		for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
			go func() {
				_, _ = io.Copy(way[0], way[1]) // it ends when the cable is cut
				_ = errors.Join(near.Close(), far.Close())
			}()
		}
	}
}

// add takes connections up unless the cable is cut.
func (c *cable) add(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		c.open[conn] = struct{}{}
		if !c.whole {
			_ = conn.Close()
		}
	}
	return c.whole
}

func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.whole = false
	for conn := range c.open {
		_ = conn.Close()
	}
	clear(c.open)
}

func (c *cable) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.whole = true
}

// SIGTERM: the gateway says that it is not ready, answers what it has
// accepted, takes nothing new, and ends with status 0.
func TestShutdownFinishesWhatIsAccepted(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve()
	b := w.actors[bank1]
	message := b.mustSign(request("IssueCode", newID(), order()))
	c := w.dial()
	if _, err := io.WriteString(c, head("HTTP/1.1", len(message))+string(message[:len(message)/2])); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // the gateway is reading it now
	ended := make(chan int)
	go func() { ended <- w.terminate() }()
	if parts := w.becomesReady(2*time.Second, http.StatusServiceUnavailable); !strings.Contains(parts["process"], "shutting down") {
		t.Errorf("while it ends: %v", parts)
	}
	if got := outcome(b.send(message, nil)); got != "refused connection" {
		t.Errorf("a new call while it ends: %s", got)
	}
	if _, err := c.Write(message[len(message)/2:]); err != nil {
		t.Fatal(err)
	}
	if got := w.heard(c, 1); got != "200 OK" {
		t.Errorf("what was accepted is answered %s", got)
	}
	if code := <-ended; code != 0 {
		t.Errorf("ended with %d", code)
	}
	w.checkArchive(2)
	w.serve()
	if got := b.must(message); got.result() != "OK" {
		t.Errorf("after the restart: %v", got.fields)
	}
}

// The metrics tell what happened, and name no person and no code.
func TestMetrics(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve()
	b, p := w.actors[bank1], w.actors[portal]
	code := b.issue()
	message := b.mustSign(request("NotifyPayment", newID(), payment(code, bank1, "REF")))
	b.must(message)
	b.must(message)
	p.do("GetPayment", el("paymentCode", "1000000000000051"))
	altered(">1200.00<", ">1.00<")(w)
	for name, want := range map[string]float64{
		`tolem_requests_total`: 5, `tolem_repeated_requests_total`: 1, `tolem_unknown_codes_total`: 1,
		`tolem_verification_failures_total`: 1, `tolem_crl_usable`: 2,
	} {
		if got := w.metric(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	eventually(t, 3*time.Second, "the archive is sealed", func() bool { return w.metric("tolem_archive_backlog") == 0 })
	_, page := w.probe("/metrics")
	for _, secret := range []string{citizen, fullName, account, code} {
		if strings.Contains(page, secret) {
			t.Errorf("the metrics hold %q", secret)
		}
	}
	for _, name := range []string{"tolem_request_seconds_bucket", "tolem_commit_group_size_bucket", "tolem_crl_age_seconds", "tolem_job_failures_total"} {
		if !strings.Contains(page, name) {
			t.Logf("no %s yet", name)
		}
	}
}

// The contract is read without a certificate; an operation is not called so.
//
// GW-027 GW-P38
func TestContractIsPublic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve()
	client := w.client(nil)
	defer client.CloseIdleConnections()
	for query, want := range map[string]string{
		"wsdl": `soapAction="urn:tolem:gateway:v1:IssueCode"`, "WSDL": w.address(), "wsdl=policy": "AsymmetricBinding", "xsd": "GatewayFault",
	} {
		r, err := client.Get(w.address() + "?" + query)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("?%s: %d, without %q", query, r.StatusCode, want)
		}
	}
}
