package soap_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tolem"
	"tolem/gateway/soap"
	"tolem/internal/tolemtest"
	"tolem/signing"
)

// The same signed message from many connections at once, through the whole
// message path: one effect, the same bytes for all.
//
// GW-135 GW-P08
func TestSameMessageAtOnce(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, dsn, nil)
		a := w.actors[bankID]
		code := a.do("IssueCode", order()...).field("paymentCode")
		for _, payload := range []string{
			request("IssueCode", uuid.NewString(), order()...),
			request("NotifyPayment", uuid.NewString(), payment(code)...),
		} {
			message := a.sign(signing.SOAP11, payload)
			var group sync.WaitGroup
			answers := make([]reply, 100)
			for i := range answers {
				group.Go(func() {
					got, err := a.send(t.Context(), message, nil)
					if err != nil {
						t.Error(err)
					}
					answers[i] = got
				})
			}
			group.Wait()
			for _, got := range answers {
				if got.result() != "OK" || !bytes.Equal(got.raw, answers[0].raw) {
					t.Fatalf("answered\n%s\nand\n%s", got.raw, answers[0].raw)
				}
			}
		}
	})
}

// Every form of the contract that the reader takes, and what it is told
// otherwise. What the sender wrote is not repeated to it, nor to the log.
//
// GW-134 GW-P11 GW-P21 GW-P24 GW-P43
func TestFields(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t), nil)
	a, p := w.actors[bankID], w.actors[portalID]
	code := a.do("IssueCode", order()...).field("paymentCode")
	replaced := func(fields []string, name, text string) []string {
		for i := 0; i < len(fields); i += 2 {
			if fields[i] == name {
				fields[i+1] = text
			}
		}
		return fields
	}
	grouped := code[:4] + "-" + code[4:8] + " " + code[8:12] + "-" + code[12:]
	for _, c := range []struct {
		operation   string
		fields      []string
		want, tells string
	}{
		{"IssueCode", order("requestNo", "a b/c № 7"), "OK", ""},
		{"IssueCode", append([]string{"sentAt", "2026-01-31T09:30:00.123456789Z"}, order()...), "OK", ""},
		{"IssueCode", append([]string{"sentAt", "2026-01-31T09:30:00Z", "onBehalfOf", bankID}, order()...), "OK", ""},
		{"IssueCode", replaced(order(), "amount", " 1200.00\n"), "OK", ""},
		{"IssueCode", replaced(order(), "recipientName", strings.Repeat("Ж", 200)), "OK", ""},
		{"IssueCode", append([]string{"onBehalfOf", bankID, "sentAt", "2026-01-31T09:30:00Z"}, order()...), "BAD_REQUEST", "serviceCode"},
		{"IssueCode", append([]string{"sentAt", "2026-01-31T09:30:00"}, order()...), "BAD_REQUEST", "sentAt"},
		{"IssueCode", replaced(order(), "recipientName", strings.Repeat("Ж", 201)), "BAD_REQUEST", "recipientName"},
		{"IssueCode", replaced(order(), "recipientName", "&#x85;"), "BAD_REQUEST", "recipientName"},
		{"IssueCode", replaced(order(), "recipientIIN", "8501013001244"), "INVALID_IIN", ""},
		{"IssueCode", replaced(order(), "recipientIIN", ""), "BAD_REQUEST", "recipientIIN"},
		{"IssueCode", replaced(order(), "amount", "1200"), "OK", ""},
		{"IssueCode", replaced(order(), "amount", "1200.001"), "BAD_REQUEST", "amount"},
		{"IssueCode", replaced(order(), "amount", "1.2e3"), "BAD_REQUEST", "amount"},
		{"IssueCode", replaced(order(), "amount", "-1200.00"), "BAD_REQUEST", "amount"},
		{"IssueCode", replaced(order(), "amount", "0.00"), "BAD_REQUEST", "amount"},
		{"IssueCode", replaced(order(), "amount", "99999999999999999999.00"), "BAD_REQUEST", "amount"},
		{"IssueCode", replaced(order(), "currency", "USD"), "BAD_REQUEST", "currency"},
		{"IssueCode", replaced(order(), "channel", "atm"), "BAD_REQUEST", "channel"},
		{"IssueCode", replaced(order(), "channel", "BANK_DESK"), "BAD_REQUEST", "channel"},
		{"NotifyPayment", replaced(payment(code), "channel", "BANK_DESK"), "BAD_REQUEST", "channel"},
		{"IssueCode", replaced(order(), "serviceCode", "../BIRTH"), "BAD_REQUEST", "serviceCode"},
		{"IssueCode", replaced(order(), "serviceCode", strings.Repeat("B", 33)), "BAD_REQUEST", "serviceCode"},
		{"IssueCode", order("requestNo", strings.Repeat("7", 65)), "BAD_REQUEST", "requestNo"},
		{"IssueCode", order("requestNo", "7", "requestNo", "8"), "BAD_REQUEST", "requestNo"},
		{"NotifyPayment", replaced(payment(code), "paymentCode", grouped), "OK", ""},
		{"NotifyPayment", replaced(payment(code), "paymentCode", code[:15]), "BAD_REQUEST", "paymentCode"},
		{"NotifyPayment", replaced(payment(code), "paymentCode", code[:15]+"x"), "BAD_REQUEST", "paymentCode"},
		{"NotifyPayment", replaced(payment(code), "paidAt", "31.01.2026 09:30"), "BAD_REQUEST", "paidAt"},
		{"NotifyPayment", replaced(payment(code), "paidAt", "1970-01-01T00:00:00Z"), "BAD_REQUEST", "paidAt"},
		{"NotifyPayment", replaced(payment(code), "accountNo", strings.Repeat("K", 35)), "BAD_REQUEST", "accountNo"},
		{"NotifyPayment", payment(code)[2:], "BAD_REQUEST", "paymentCode"},
		{"CancelCode", []string{"paymentCode", code, "reason", strings.Repeat("r", 201)}, "BAD_REQUEST", "reason"},
		{"ListServices", []string{"providerId", "NOBODY"}, "OK", ""},
		{"GetOutcome", []string{"ofRequestId", "1"}, "BAD_REQUEST", "ofRequestId"},
	} {
		got := a.do(c.operation, c.fields...)
		if got.result() != c.want || !strings.Contains(got.field("message"), c.tells) {
			t.Errorf("%s %q: %s", c.operation, c.fields, got.body)
		}
	}
	for _, fields := range [][]string{{"paymentCode", code}, {"paymentCode", code, "requestNo", "R", "recipientIIN", citizen, "serviceCode", "BIRTH", "centreId", "7"}} {
		if got := p.do("ValidateCode", fields...); got.result() != "BAD_REQUEST" {
			t.Errorf("ValidateCode %q: %s", fields, got.body)
		}
	}
	if log, _ := w.logged(); strings.Contains(log, citizen) || strings.Contains(log, "ЖЖ") {
		t.Errorf("the log holds personal data: %s", log)
	}
}

// SOAP 1.2 is answered in SOAP 1.2, faults too.
func TestSOAP12(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t), nil)
	a := w.actors[bankID]
	as12 := func(action string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Content-Type", `application/soap+xml; charset=utf-8; action="`+action+`"`)
		}
	}
	const ns12 = "http://www.w3.org/2003/05/soap-envelope"
	message := a.sign(signing.SOAP12, request("IssueCode", uuid.NewString(), order()...))
	for _, c := range []struct {
		message      []byte
		action, want string
		status       int
	}{
		{message, "urn:tolem:gateway:v1:IssueCode", "OK", 200},
		{message, "", "OK", 200},
		{message, "urn:tolem:gateway:v1:CloseCode", "BAD_REQUEST", 500},
		{bytes.Replace(message, []byte("1200.00"), []byte("1.00"), 1), "", "BAD_SIGNATURE", 500},
	} {
		got := a.post(c.message, as12(c.action))
		kind := got.header.Get("Content-Type")
		if got.status != c.status || got.result() != c.want || !strings.HasPrefix(kind, "application/soap+xml") || !bytes.Contains(got.raw, []byte(ns12)) {
			t.Errorf("action %q: %d %s %s", c.action, got.status, kind, got.raw)
		}
	}
}

// A participant that asks for too much is told to wait, and the others are not
// in its way.
func TestLimits(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t), func(c *soap.Config) { c.Limits = soap.Limits{PerSecond: 0.001, Burst: 3, Concurrent: 10} })
	a, p := w.actors[bankID], w.actors[portalID]
	for range 3 {
		if got := a.do("ListServices"); got.result() != "OK" {
			t.Fatal(got.body)
		}
	}
	got := a.do("ListServices")
	if got.status != http.StatusInternalServerError || got.result() != "TOO_MANY_REQUESTS" || got.field("retry") != "later" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := p.do("ListServices"); got.result() != "OK" {
		t.Errorf("the others: %s", got.body)
	}
	if _, e := w.logged(); e.Result != tolem.OK {
		t.Errorf("event %+v", e)
	}
}

// What fails inside is told as a fault that says nothing of the inside, and
// whose cause stands in the log under the incident's id.
func TestInside(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t), func(c *soap.Config) { c.OperationTimeout = 5 * time.Second })
	a := w.actors[bankID]
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	got := a.do("IssueCode", order()...)
	if got.status != http.StatusInternalServerError || got.result() != "UNAVAILABLE" || got.field("retry") != "later" {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, word := range []string{"sql", "store", "closed", "database"} {
		if strings.Contains(strings.ToLower(got.body), word) {
			t.Errorf("the fault speaks of %q: %s", word, got.body)
		}
	}
	log, e := w.logged()
	if incident := got.field("incidentId"); !strings.Contains(log, incident) || got.header.Get("X-Request-Id") != incident || !strings.Contains(log, `"level":"error"`) {
		t.Errorf("incident %s, log %s", incident, log)
	}
	if e.Result != tolem.Unavailable || e.Operation != tolem.OpIssueCode || e.Participant != bankID {
		t.Errorf("event %+v", e)
	}
}

// Answers are written in canonical form, which is what is signed: every text
// that is allowed in comes out as it went in.
func TestTextsSurvive(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t), nil)
	a, p := w.actors[bankID], w.actors[portalID]
	const name = `Әлия &lt;"Ұлы" 'дала'&gt; &amp;amp; 😀 ]]&gt;`
	fields := order()
	fields[7] = name
	code := a.do("IssueCode", fields...).field("paymentCode")
	if got := a.do("NotifyPayment", payment(code)...); got.result() != "OK" {
		t.Fatal(got.body)
	}
	got := p.do("ValidateCode", "paymentCode", code, "requestNo", "&lt;R&gt;", "recipientIIN", citizen, "serviceCode", "BIRTH")
	if got.field("recipientName") != name || got.field("boundRequestNo") != "&lt;R&gt;" || got.field("paidAt") != "2026-01-31T04:30:00Z" {
		t.Errorf("answered %s", got.body)
	}
	if got := p.do("ListServices"); got.field("kk") != "&lt;Туу&gt;" || got.field("fixedAmount") != "1200.00" {
		t.Errorf("listed %s", got.body)
	}
}
