package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tolem"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/wsdl/client"
)

func TestRefusalIsAnError(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = func(w http.ResponseWriter, r request) {
		gw.send(w, http.StatusOK, r, gw.signed(r, time.Now(), payload(r, "A_CODE_OF_TOMORROW", "")))
	}
	_, err := gw.client(nil).IssueCode(t.Context(), wanted)
	var refusal *client.Refusal
	if !errors.As(err, &refusal) || refusal.Text != "as asked" || refusal.Operation != tolem.OpIssueCode || client.RefusalOf(err) != "A_CODE_OF_TOMORROW" {
		t.Errorf("error is %v", err)
	}
	if n := len(gw.seen()); n != 1 {
		t.Errorf("sent %d times: a refusal is final", n)
	}
}

func TestFaults(t *testing.T) {
	cases := []struct {
		name, code, retry, id string
		sent                  int
		undecided             bool
	}{
		{"not to be repeated", "FORBIDDEN", "no", "same", 1, false},
		{"same at once", "UNAVAILABLE", "same", "same", 3, false},
		{"later", "CRL_UNAVAILABLE", "later", "", 3, false},
		{"ask for the outcome", "INTERNAL", "status", "same", 1, true},
		{"advice we do not know", "INTERNAL", "dance", "", 1, true},
	}
	for _, c := range cases {
		for _, soap12 := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				gw := newCounterpart(t)
				gw.respond = func(w http.ResponseWriter, r request) {
					id := c.id
					if id == "same" {
						id = strings.ToUpper(r.ID)
					}
					gw.fault(w, r, "wsse:InvalidSecurityToken", detail(id, c.code, c.retry))
				}
				_, err := gw.client(func(c *client.Config) { c.SOAP12 = soap12 }).IssueCode(t.Context(), wanted)
				var fault *client.Fault
				if !errors.As(err, &fault) {
					t.Fatalf("error is %v, want a fault", err)
				}
				if string(fault.Code) != c.code || fault.IncidentID != "inc-1" || fault.Message != "generic & safe" || fault.FaultCode != "wsse:InvalidSecurityToken" {
					t.Errorf("fault is %+v", fault)
				}
				var undecided *client.Undecided
				if errors.As(err, &undecided) != c.undecided {
					t.Errorf("undecided is %t: %v", !c.undecided, err)
				}
				if n := len(gw.seen()); n != c.sent {
					t.Errorf("sent %d times, want %d", n, c.sent)
				}
			})
		}
	}
}

// GW-P08: every repetition carries the id and the content of the first.
func TestLostAnswersAreAskedForAgain(t *testing.T) {
	losses := map[string]func(http.ResponseWriter){
		"connection cut": cut,
		"proxy's page":   func(w http.ResponseWriter) { http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway) },
		"half an answer": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/xml")
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("<soap"))
		},
	}
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			gw := newCounterpart(t)
			var n atomic.Int32
			gw.respond = func(w http.ResponseWriter, r request) {
				if n.Add(1) < 3 {
					lose(w)
					return
				}
				gw.answer(w, r, codeField())
			}
			got, err := gw.client(nil).IssueCode(t.Context(), wanted)
			if err != nil || got.Code != code {
				t.Fatalf("%+v, %v", got, err)
			}
			seen := gw.seen()
			if len(seen) != 3 {
				t.Fatalf("sent %d times", len(seen))
			}
			for _, r := range seen[1:] {
				if r.Body != seen[0].Body {
					t.Errorf("repetition differs:\n%s\n%s", r.Body, seen[0].Body)
				}
			}
		})
	}
}

// When the first answer is lost, a later fault does not tell that the first
// request had no effect.
func TestFaultAfterALostAnswerIsUndecided(t *testing.T) {
	gw := newCounterpart(t)
	var n atomic.Int32
	gw.respond = func(w http.ResponseWriter, r request) {
		if n.Add(1) == 1 {
			cut(w)
			return
		}
		gw.fault(w, r, "soap:Client", detail(r.ID, "TOO_MANY_REQUESTS", "no"))
	}
	_, err := gw.client(nil).IssueCode(t.Context(), wanted)
	var undecided *client.Undecided
	var fault *client.Fault
	if !errors.As(err, &undecided) || !errors.As(err, &fault) || undecided.Attempts != 2 {
		t.Errorf("error is %v", err)
	}
}

func TestUndecidedCanBeRepeated(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = func(w http.ResponseWriter, _ request) { cut(w) }
	cl := gw.client(func(c *client.Config) { c.Attempts = 2 })
	_, err := cl.IssueCode(t.Context(), wanted)
	var undecided *client.Undecided
	if !errors.As(err, &undecided) || !errors.Is(err, client.ErrLost) || undecided.Attempts != 2 {
		t.Fatalf("error is %v", err)
	}
	gw.respond = func(w http.ResponseWriter, r request) { gw.answer(w, r, codeField()) }
	if _, err := cl.IssueCode(t.Context(), wanted, client.WithRequestID(undecided.RequestID)); err != nil {
		t.Fatal(err)
	}
	for _, r := range gw.seen() {
		if r.ID != string(undecided.RequestID) {
			t.Errorf("id %s, want %s", r.ID, undecided.RequestID)
		}
	}
}

// The gateway answers a repetition with its first answer, byte for byte, which
// may be hours old by then.
func TestStoredAnswerIsAccepted(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = func(w http.ResponseWriter, r request) {
		gw.send(w, http.StatusOK, r, gw.signed(r, time.Now().Add(-3*time.Hour), payload(r, "OK", codeField())))
	}
	if got, err := gw.client(nil).IssueCode(t.Context(), wanted); err != nil || got.Code != code {
		t.Errorf("%+v, %v", got, err)
	}
}

// What cannot be believed is an error, says so, is not asked for again and
// leaves the outcome open.
func TestAnswersThatCannotBeBelieved(t *testing.T) {
	sound := func(gw *counterpart, r request) []byte {
		return gw.signed(r, time.Now(), payload(r, "OK", codeField()))
	}
	cases := map[string]struct {
		answer func(*counterpart, request) []byte
		want   error
	}{
		"altered": {func(gw *counterpart, r request) []byte {
			return []byte(strings.Replace(string(sound(gw, r)), "as asked", "as axed!", 1))
		}, client.ErrAnswer},
		"not signed": {func(_ *counterpart, r request) []byte {
			return []byte(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + payload(r, "OK", codeField()) + `</s:Body></s:Envelope>`)
		}, client.ErrAnswer},
		"signed by another participant": {func(gw *counterpart, r request) []byte {
			return must(gw.signer("Bank Two", pki.P256).Sign(r.Version, []byte(payload(r, "OK", codeField())), time.Now()))
		}, client.ErrNotGateway},
		"of another authority": {func(_ *counterpart, r request) []byte {
			forger := &counterpart{pki: must(pki.New(pki.Options{}))}
			return must(forger.signer("gateway.example", pki.P256).Sign(r.Version, []byte(payload(r, "OK", codeField())), time.Now()))
		}, trust.ErrUntrusted},
		"for another request": {func(gw *counterpart, r request) []byte {
			r.ID = string(client.NewRequestID())
			return sound(gw, r)
		}, client.ErrAnswer},
		"of another operation": {func(gw *counterpart, r request) []byte {
			r.Operation = "CloseCode"
			return sound(gw, r)
		}, client.ErrAnswer},
		"from the future": {func(gw *counterpart, r request) []byte {
			return gw.signed(r, time.Now().Add(time.Hour), payload(r, "OK", codeField()))
		}, client.ErrAnswer},
		"our own request": {func(_ *counterpart, r request) []byte { return []byte(r.Body) }, client.ErrAnswer},
		"no result code": {func(gw *counterpart, r request) []byte {
			return gw.signed(r, time.Now(), `<IssueCodeResponse xmlns="urn:tolem:gateway:v1"><requestId>`+r.ID+`</requestId></IssueCodeResponse>`)
		}, client.ErrAnswer},
		"a code with wrong check digits": {func(gw *counterpart, r request) []byte {
			return gw.signed(r, time.Now(), payload(r, "OK", "<paymentCode>1234567890123456</paymentCode>"))
		}, tolem.ErrBadCodeNumber},
		"no code": {func(gw *counterpart, r request) []byte { return gw.signed(r, time.Now(), payload(r, "OK", "")) }, client.ErrAnswer},
		"a date that does not exist": {func(gw *counterpart, r request) []byte {
			return gw.signed(r, time.Now(), payload(r, "OK", codeField()+"<issuedAt>2026-02-30T00:00:00Z</issuedAt>"))
		}, nil},
		"too large": {func(*counterpart, request) []byte { return make([]byte, client.MaxAnswerBytes+1) }, client.ErrAnswer},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			gw := newCounterpart(t)
			gw.respond = func(w http.ResponseWriter, r request) { gw.send(w, http.StatusOK, r, c.answer(gw, r)) }
			var exchanges []client.Exchange
			cl := gw.client(func(config *client.Config) {
				config.Observe = func(x client.Exchange) { exchanges = append(exchanges, x) }
			})
			_, err := cl.IssueCode(t.Context(), wanted)
			var undecided *client.Undecided
			if !errors.As(err, &undecided) || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error is %v, want %v in *Undecided", err, c.want)
			}
			if n := len(gw.seen()); n != 1 {
				t.Errorf("sent %d times", n)
			}
			if len(exchanges) != 1 || exchanges[0].Err == nil || len(exchanges[0].Request) == 0 {
				t.Errorf("observed %+v", exchanges)
			}
		})
	}
}

// A fault is not accepted from the past, nor for another request.
func TestFaultsThatCannotBeBelieved(t *testing.T) {
	cases := map[string]func(*counterpart, http.ResponseWriter, request){
		"old": func(gw *counterpart, w http.ResponseWriter, r request) {
			fault := `<f:Fault xmlns:f="http://schemas.xmlsoap.org/soap/envelope/"><faultcode>f:Client</faultcode><faultstring>x</faultstring><detail>` +
				detail(r.ID, "FORBIDDEN", "no") + `</detail></f:Fault>`
			gw.send(w, http.StatusInternalServerError, r, gw.signed(r, time.Now().Add(-time.Hour), fault))
		},
		"for another request": func(gw *counterpart, w http.ResponseWriter, r request) {
			gw.fault(w, r, "soap:Client", detail(string(client.NewRequestID()), "FORBIDDEN", "no"))
		},
	}
	for name, respond := range cases {
		t.Run(name, func(t *testing.T) {
			gw := newCounterpart(t)
			gw.respond = func(w http.ResponseWriter, r request) { respond(gw, w, r) }
			_, err := gw.client(nil).IssueCode(t.Context(), wanted)
			var fault *client.Fault
			if !errors.Is(err, client.ErrAnswer) || errors.As(err, &fault) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// GW-039 on the caller's side: a revoked gateway is not believed, whatever the
// time an answer bears.
func TestRevokedGatewayIsNotBelieved(t *testing.T) {
	for name, age := range map[string]time.Duration{"fresh": 0, "stored": 3 * time.Hour} {
		gw := newCounterpart(t)
		gw.respond = func(w http.ResponseWriter, r request) {
			gw.send(w, http.StatusOK, r, gw.signed(r, time.Now().Add(-age), payload(r, "OK", codeField())))
		}
		gw.revoke(gw.ec)
		_, err := gw.client(nil).IssueCode(t.Context(), wanted)
		if !errors.Is(err, trust.ErrRevoked) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGatewayPinnedByFingerprint(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = func(w http.ResponseWriter, r request) { gw.answer(w, r, codeField()) }
	for want, pins := range map[error][]tolem.Fingerprint{
		nil:                  {gw.rsa.Fingerprint(), gw.ec.Fingerprint()},
		client.ErrNotGateway: {gw.rsa.Fingerprint()}, // the request is signed with EC, and so is the answer
	} {
		cl := gw.client(func(c *client.Config) { c.Gateway = client.Identity{Fingerprints: pins} })
		if _, err := cl.IssueCode(t.Context(), wanted); !errors.Is(err, want) {
			t.Errorf("%d pins: %v, want %v", len(pins), err, want)
		}
	}
}

func TestNothingSentIsNotUndecided(t *testing.T) {
	gw := newCounterpart(t)
	cases := map[string]func(*client.Config){
		"nobody listens":    func(c *client.Config) { c.Address = "https://127.0.0.1:1/soap/v1" },
		"server of another": func(c *client.Config) { c.TLS = &tls.Config{} },
	}
	for name, change := range cases {
		_, err := gw.client(change).IssueCode(t.Context(), wanted)
		var undecided *client.Undecided
		if !errors.Is(err, client.ErrUnreachable) || errors.As(err, &undecided) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHTTPErrorsAreNotRepeated(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = func(w http.ResponseWriter, _ request) {
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
	_, err := gw.client(nil).IssueCode(t.Context(), wanted)
	if !errors.Is(err, client.ErrAnswer) || !strings.Contains(err.Error(), "307") || len(gw.seen()) != 1 {
		t.Errorf("error is %v", err)
	}
}

func TestContextEndsTheCall(t *testing.T) {
	gw := newCounterpart(t)
	ctx, cancel := context.WithCancel(t.Context())
	gw.respond = func(w http.ResponseWriter, _ request) { cancel(); cut(w) }
	_, err := gw.client(func(c *client.Config) { c.Backoff = time.Hour }).IssueCode(ctx, wanted)
	var undecided *client.Undecided
	if !errors.As(err, &undecided) || undecided.Attempts != 1 {
		t.Errorf("error is %v", err)
	}
}

func TestSlowAnswerTimesOut(t *testing.T) {
	gw := newCounterpart(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	gw.respond = func(http.ResponseWriter, request) { <-release }
	cl := gw.client(func(c *client.Config) { c.Timeout, c.Attempts = 100*time.Millisecond, 1 })
	started := time.Now()
	_, err := cl.IssueCode(t.Context(), wanted)
	if !errors.Is(err, client.ErrLost) || time.Since(started) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(started), err)
	}
}

// GW-135 on the caller's side: what a bank keeps as evidence is what travelled.
func TestObserverGetsTheSignedBytes(t *testing.T) {
	gw := newCounterpart(t)
	var sent []byte
	gw.respond = func(w http.ResponseWriter, r request) {
		sent = gw.signed(r, time.Now(), payload(r, "NOT_PAID", ""))
		gw.send(w, http.StatusOK, r, sent)
	}
	var seen []client.Exchange
	cl := gw.client(func(c *client.Config) { c.Observe = func(x client.Exchange) { seen = append(seen, x) } })
	_, _ = cl.GetPayment(t.Context(), code)
	if len(seen) != 1 || string(seen[0].Answer) != string(sent) || seen[0].Err != nil || seen[0].Operation != tolem.OpGetPayment || seen[0].Attempt != 1 {
		t.Fatalf("observed %+v", seen)
	}
	if _, err := gw.verify.Verify(seen[0].Request, time.Now()); err != nil {
		t.Errorf("the request kept does not verify: %v", err)
	}
}

// A signed fault is one whatever the HTTP status it comes with: faults about
// the transport have statuses of their own.
func TestFaultsWithOtherStatus(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge} {
		gw := newCounterpart(t)
		gw.respond = func(w http.ResponseWriter, r request) {
			fault := signing.AppendFault(nil, r.Version, signing.Fault{Code: "soap:Client", Reason: "x", Detail: []byte(detail("", "TOO_LARGE", "no"))})
			gw.send(w, status, r, must(gw.ec.Sign(r.Version, fault, time.Now())))
		}
		_, err := gw.client(nil).IssueCode(t.Context(), wanted)
		var fault *client.Fault
		if !errors.As(err, &fault) || fault.Code != tolem.TooLarge {
			t.Errorf("status %d: %v", status, err)
		}
	}
}
