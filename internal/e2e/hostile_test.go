package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tolem/internal/pki"
	"tolem/internal/tolemtest"
)

// impatient are settings under which slow callers are given up soon.
func impatient() []string {
	return []string{"TOLEM_SOAP_TIMEOUTS_HEADER=400ms", "TOLEM_SOAP_TIMEOUTS_BODY=400ms", "TOLEM_SOAP_TIMEOUTS_IDLE=1s"}
}

// hostile is something a caller may do, and what it is to be told: an HTTP
// status with the code of a signed fault, a status alone, or nothing because
// there is no connection.
type hostile struct {
	name     string
	do       func(w *world) string
	want     string
	archived int64 // messages that are evidence of it
}

// Whatever a caller does, it gets a clear fault or status, nothing of the
// inside, and the next good request is answered.
//
// GW-026 GW-036 GW-039 GW-040 GW-055 GW-P01 GW-P02 GW-P03 GW-P04 GW-P05 GW-P10 GW-P36
func TestHostileCallers(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve(impatient()...)
	good := w.actors[bank1]
	good.issue()
	w.quiet()
	descriptors, routines := w.metric("process_open_fds"), w.metric("go_goroutines")
	stored := w.messages()
	for _, h := range hostiles() {
		t.Run(h.name, func(t *testing.T) {
			if got := h.do(w); got != h.want {
				t.Errorf("got %q, want %q", got, h.want)
			}
			if got := w.messages() - stored; got != h.archived {
				t.Errorf("%d messages more in the archive, want %d", got, h.archived)
			}
			good.issue()
			stored = w.messages()
		})
	}
	w.quiet()
	// What runs in the background comes and goes, and may have opened readers of the
	// database meanwhile. What these callers leave behind stays.
	const readers = 8
	var d, r float64
	defer func() { t.Logf("before: %v descriptors, %v goroutines; after: %v, %v", descriptors, routines, d, r) }()
	eventually(t, 15*time.Second, "descriptors and goroutines are those of before", func() bool {
		d, r = w.metric("process_open_fds"), w.metric("go_goroutines")
		return d <= descriptors+readers && r <= routines+4
	})
	w.checkArchive(stored)
}

// quiet waits until the connections of the actors are closed.
func (w *world) quiet() {
	w.t.Helper()
	for _, a := range w.actors {
		a.http.CloseIdleConnections()
	}
	last := -1.0
	eventually(w.t, 5*time.Second, "the number of connections rests", func() bool {
		n := w.metric("go_goroutines")
		rests := n == last
		last = n
		time.Sleep(100 * time.Millisecond)
		return rests
	})
}

// messages returns how many messages the archive holds.
func (w *world) messages() int64 {
	w.t.Helper()
	return w.archive().Messages
}

func hostiles() []hostile {
	all := append(transportHostiles(), slowHostiles()...)
	return append(append(all, channelHostiles()...), messageHostiles()...)
}

// posting sends a good order with something changed about its transport.
func posting(change func(*http.Request)) func(*world) string {
	return func(w *world) string {
		a := w.actors[bank1]
		return outcome(a.send(a.mustSign(request("IssueCode", newID(), order())), change))
	}
}

// outcome says in a word how a call ended.
func outcome(got answer, err error) string {
	switch {
	case errors.Is(err, errNotSOAP):
		return fmt.Sprint(got.status)
	case err != nil:
		return "refused connection"
	}
	return fmt.Sprintf("%d %s", got.status, got.result())
}

func transportHostiles() []hostile {
	header := func(name, value string) func(*world) string {
		return posting(func(r *http.Request) { r.Header.Set(name, value) })
	}
	method := func(m string) func(*world) string { return posting(func(r *http.Request) { r.Method = m }) }
	return []hostile{
		{"content type of JSON", header("Content-Type", "application/json"), "415", 0},
		{"no content type", posting(func(r *http.Request) { r.Header.Del("Content-Type") }), "415", 0},
		{"multipart", header("Content-Type", `multipart/related; type="text/xml"; boundary=x`), "415", 0},
		{"another charset", header("Content-Type", "text/xml; charset=utf-16"), "415", 0},
		{"gzip", gzipped, "415", 0},
		{"PUT", method(http.MethodPut), "405", 0},
		{"DELETE", method(http.MethodDelete), "405", 0},
		{"another path", posting(func(r *http.Request) { r.URL.Path = "/soap/v2" }), "404", 0},
		{"SOAPAction of another operation", header("SOAPAction", `"urn:tolem:gateway:v1:CloseCode"`), "500 BAD_REQUEST", 2},
		{"2 MiB", large(false), "413 TOO_LARGE", 0},
		{"2 MiB in chunks", large(true), "413 TOO_LARGE", 0},
		{"an empty message", empty, "500 BAD_REQUEST", 0},
		{"chunks", posting(func(r *http.Request) { r.ContentLength, r.Body = -1, io.NopCloser(r.Body) }), "200 OK", 2},
		{"plain HTTP", plainHTTP, "400", 0},
		{"HTTP/1.0", speaking("HTTP/1.0", ""), "200 OK", 2},
		{"garbage behind a good request", speaking("HTTP/1.1", "\x00\xff garbage\r\n\r\n"), "200 OK, then 400", 2},
		{"HTTP/2 offered", overHTTP2, "200 OK", 2},
	}
}

func gzipped(w *world) string {
	a := w.actors[bank1]
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(a.mustSign(request("IssueCode", newID(), order())))
	if err = errors.Join(err, z.Close()); err != nil {
		w.t.Fatal(err)
	}
	return outcome(a.send(packed.Bytes(), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }))
}

func large(chunked bool) func(*world) string {
	return func(w *world) string {
		return outcome(w.actors[bank1].send(bytes.Repeat([]byte("x"), 2<<20), func(r *http.Request) {
			if chunked {
				r.ContentLength, r.Body = -1, io.NopCloser(r.Body)
			}
		}))
	}
}

func empty(w *world) string { return outcome(w.actors[bank1].send(nil, nil)) }

func plainHTTP(w *world) string {
	r, err := http.Post("http"+strings.TrimPrefix(w.address(), "https"), "text/xml", strings.NewReader("<x/>"))
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	return fmt.Sprint(r.StatusCode)
}

// overHTTP2 offers HTTP/2, which the gateway does not take up.
func overHTTP2(w *world) string {
	a := *w.actors[bank1]
	a.http = w.client(a.channel)
	a.http.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	defer a.http.CloseIdleConnections()
	return outcome(a.send(a.mustSign(request("IssueCode", newID(), order())), nil))
}

// dial opens a channel as BANK1, to speak HTTP by hand.
func (w *world) dial() *tls.Conn {
	w.t.Helper()
	config := w.client(w.actors[bank1].channel).Transport.(*http.Transport).TLSClientConfig
	c, err := tls.Dial("tcp", w.hostPort(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() }) // closed by the test, or by the gateway
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) hostPort() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(w.address(), "https://"), "/")
	return host
}

func head(protocol string, length int) string {
	return fmt.Sprintf("POST /soap/v1 %s\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n", protocol, length)
}

// heard reads what the gateway says on a connection: outcomes, until it ends
// the connection or has said as much as is expected.
func (w *world) heard(c net.Conn, most int) string {
	var said []string
	in := bufio.NewReader(c)
	for len(said) < most {
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			break
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			break
		}
		said = append(said, outcome(w.open(r, raw)))
	}
	if len(said) == 0 {
		return "refused connection"
	}
	return strings.Join(said, ", then ")
}

// speaking sends a good request by hand and something behind it.
func speaking(protocol, behind string) func(*world) string {
	return func(w *world) string {
		c := w.dial()
		defer c.Close()
		message := w.actors[bank1].mustSign(request("IssueCode", newID(), order()))
		if _, err := io.WriteString(c, head(protocol, len(message))+string(message)+behind); err != nil {
			return err.Error()
		}
		return w.heard(c, 2-min(1, max(0, 1-len(behind))))
	}
}

func slowHostiles() []hostile {
	return []hostile{
		{"half a message", halfMessage, "400 BAD_REQUEST", 0},
		{"half a message, and gone", goneHalfway, "gone", 0},
		{"a body that does not come", speakingSlowly(head("HTTP/1.1", 5000) + "<soap"), "408 BAD_REQUEST", 0},
		{"headers that do not end", speakingSlowly("POST /soap/v1 HTTP/1.1\r\nHost: lo"), "refused connection", 0},
		{"a handshake that does not begin", silentConnection, "refused connection", 0},
		{"headers of 64 KiB", speakingSlowly("POST /soap/v1 HTTP/1.1\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n"), "431", 0},
	}
}

func halfMessage(w *world) string {
	c := w.dial()
	defer c.Close()
	if _, err := io.WriteString(c, head("HTTP/1.1", 5000)+"<soap:Envelope"); err != nil {
		return err.Error()
	}
	if err := c.CloseWrite(); err != nil {
		return err.Error()
	}
	return w.heard(c, 1)
}

func goneHalfway(w *world) string {
	c := w.dial()
	if _, err := io.WriteString(c, head("HTTP/1.1", 5000)+"<soap:Envelope"); err != nil {
		return err.Error()
	}
	if err := c.NetConn().Close(); err != nil {
		return err.Error()
	}
	return "gone"
}

// speakingSlowly says something and waits for what comes.
func speakingSlowly(text string) func(*world) string {
	return func(w *world) string {
		c := w.dial()
		defer c.Close()
		if _, err := io.WriteString(c, text); err != nil {
			return err.Error()
		}
		return soon(func() string { return w.heard(c, 1) })
	}
}

func silentConnection(w *world) string {
	c, err := net.Dial("tcp", w.hostPort())
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err.Error()
	}
	return soon(func() string { return w.heard(c, 1) })
}

// soon runs what must not take longer than the settings say, with some air.
func soon(do func() string) string {
	begin := time.Now()
	got := do()
	if took := time.Since(begin); took > 5*time.Second {
		return fmt.Sprintf("%s, but only after %v", got, took)
	}
	return got
}

func channelHostiles() []hostile {
	return []hostile{
		{"no client certificate", withChannel(func(w *world) *pki.Identity { return nil }), "500 FORBIDDEN", 0},
		{"a certificate that is not registered", withChannel(func(w *world) *pki.Identity {
			return w.identity(pki.Spec{CommonName: "stranger", Usage: pki.TLSClient, Key: pki.P256})
		}), "500 FORBIDDEN", 0},
		{"an expired certificate", withChannel(func(w *world) *pki.Identity {
			return w.identity(pki.Spec{
				CommonName: "late", Usage: pki.TLSClient, Key: pki.P256,
				NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
			})
		}), "refused connection", 0},
		{"a certificate for another use", withChannel(func(w *world) *pki.Identity {
			return w.identity(pki.Spec{CommonName: "server", Usage: pki.TLSServer, Key: pki.P256})
		}), "refused connection", 0},
		{"a certificate of another authority", withChannel(func(w *world) *pki.Identity {
			return tolemtest.NewPKI(w.t, pki.Options{}).Identity(pki.Spec{CommonName: "foreign", Usage: pki.TLSClient, Key: pki.P256})
		}), "refused connection", 0},
		{"the channel of another participant", withChannel(func(w *world) *pki.Identity { return w.actors[bank2].channel }), "500 FORBIDDEN", 2},
		{"TLS 1.1", oldTLS, "refused connection", 0},
	}
}

// withChannel sends a good order of BANK1 over a channel with another
// certificate.
func withChannel(channel func(*world) *pki.Identity) func(*world) string {
	return func(w *world) string {
		a := *w.actors[bank1]
		a.http = w.client(channel(w))
		defer a.http.CloseIdleConnections()
		return outcome(a.send(a.mustSign(request("IssueCode", newID(), order())), nil))
	}
}

func oldTLS(w *world) string {
	a := *w.actors[bank1]
	a.http = w.client(a.channel)
	config := a.http.Transport.(*http.Transport).TLSClientConfig
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	return outcome(a.send(a.mustSign(request("IssueCode", newID(), order())), nil))
}

func messageHostiles() []hostile {
	return []hostile{
		{"an unknown operation", asking(bank1, "DropTables"), "500 UNKNOWN_OPERATION", 2},
		{"an operation that is not the bank's", asking(bank1, "ValidateCode", el("paymentCode", "1234567890123402"), el("centreId", "1"), el("operatorId", "2")), "500 FORBIDDEN", 2},
		{"in the name of another bank", asking(bank1, "IssueCode", el("onBehalfOf", bank2), order()), "500 FORBIDDEN", 2},
		{"a centre without its bank", asking(kiosk, "IssueCode", order()), "500 FORBIDDEN", 2},
		{"a centre for another bank", asking(kiosk, "IssueCode", el("onBehalfOf", bank1), order()), "500 FORBIDDEN", 2},
		{"a field too many", asking(bank1, "IssueCode", order(), el("more", citizen)), "500 BAD_REQUEST", 2},
		{"a field too few", asking(bank1, "IssueCode", el("serviceCode", fixedFee)), "500 BAD_REQUEST", 2},
		{"no UUID", func(w *world) string {
			a := w.actors[bank1]
			return outcome(a.send(a.mustSign(request("IssueCode", citizen, order())), nil))
		}, "500 BAD_REQUEST", 2},
		{"an id used before", reused, "500 REPLAY", 4},
		{"a changed amount", altered(">1200.00<", ">1.00<"), "500 BAD_SIGNATURE", 2},
		{"no XML", func(w *world) string { return outcome(w.actors[bank1].send([]byte("payment please"), nil)) }, "500 BAD_REQUEST", 2},
		{"a document type", altered("<soap:Envelope", "<!DOCTYPE x><soap:Envelope"), "500 BAD_REQUEST", 2},
		{"an IIN with a slip of the pen", asking(bank1, "IssueCode", strings.Replace(order(), citizen, "850101300125", 1)), "200 INVALID_IIN", 2},
		{"another amount than the price", asking(bank1, "IssueCode", strings.Replace(order(), "1200.00", "1.00", 1)), "200 AMOUNT_NOT_ALLOWED", 2},
	}
}

// reused sends another order under the id of an earlier one.
func reused(w *world) string {
	a, id := w.actors[bank1], newID()
	a.must(a.mustSign(request("IssueCode", id, order())))
	return outcome(a.send(a.mustSign(request("IssueCode", id, order(), el("requestNo", "7"))), nil))
}

func asking(who, operation string, fields ...string) func(*world) string {
	return func(w *world) string {
		a := w.actors[who]
		return outcome(a.send(a.mustSign(request(operation, newID(), fields...)), nil))
	}
}

// altered sends an order that was changed after it was signed.
func altered(old, to string) func(*world) string {
	return func(w *world) string {
		a := w.actors[bank1]
		message := a.mustSign(request("IssueCode", newID(), order()))
		if !bytes.Contains(message, []byte(old)) {
			return "the message does not hold " + old
		}
		return outcome(a.send(bytes.Replace(message, []byte(old), []byte(to), 1), nil))
	}
}
