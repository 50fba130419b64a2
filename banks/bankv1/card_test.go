package bankv1_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/banks/bankv1"
	"tolem/banks/sandbox"
	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/wsdl"
)

// tap records what travels between the gateway and a bank.
type tap struct {
	next http.Handler

	mu       sync.Mutex
	requests [][]byte
	answers  [][]byte
}

func (x *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	x.next.ServeHTTP(rec, r)
	x.mu.Lock()
	x.requests, x.answers = append(x.requests, body), append(x.answers, rec.Body.Bytes())
	x.mu.Unlock()
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// shows reports whether a text holds card data: the number, also with spaces or
// dashes, or the security code standing alone.
func shows(text string) bool {
	bare := strings.NewReplacer(" ", "", "-", "").Replace(text)
	for _, c := range sandbox.Table {
		if strings.Contains(bare, c.Card()) {
			return true
		}
	}
	return strings.Contains(bare, goodCard) || cvcAlone.MatchString(text)
}

var cvcAlone = regexp.MustCompile(`(^|[^0-9A-Za-z+/=])` + cvc + `($|[^0-9A-Za-z+/=])`)

// GW-P31 ACQ-P04: after every behaviour, no card number and no security code in
// what the connector returns, says, reports or hands on as evidence, in
// whatever way it is printed, nor in the book of the simulated bank.
func TestCardDataStayInTheCall(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	book := filepath.Join(t.TempDir(), "book.jsonl")
	w.open(o, offices["STRANGER"], func(c *sandbox.Config) { c.Book = book })
	b := w.connector(o, nil)
	dead := w.connector(o, func(c *bankv1.Config) { c.Address = deadAddress(t) })
	for _, c := range sandbox.Table {
		t.Run(c.Name, func(t *testing.T) {
			for _, to := range []banks.Connector{b, dead} {
				order := banks.CardOrder{Attempt: attempts(), Code: code, Amount: amount, Card: card(t, c.Card()), Purchase: purchase}
				a, err := to.AuthorizeCard(t.Context(), order)
				scan(t, "order", order)
				scan(t, "authorization", a)
				scan(t, "error", err)
				scan(t, "request", string(a.Evidence.Request))
				scan(t, "answer", string(a.Evidence.Answer))
				if a.Evidence.Request != nil && !bytes.Contains(a.Evidence.Request, []byte("<card><number>400000******")) {
					t.Error("the request that is kept has no mask")
				}
			}
		})
	}
	for _, c := range w.calls {
		scan(t, "call", c)
	}
	scan(t, "book", string(must(os.ReadFile(book))))
	scan(t, "entries", o.Entries())
	if !shows("x 4000-0000 0000-0513 y "+sandbox.CaseNamed("insufficient funds").Card()) || !shows("cvc "+cvc+",") {
		t.Error("the scan finds nothing where there is something")
	}
}

func scan(t *testing.T, what string, v any) {
	t.Helper()
	texts := []string{fmt.Sprint(v), fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v)}
	if j, err := json.Marshal(v); err == nil {
		texts = append(texts, string(j))
	}
	if err, ok := v.(error); ok {
		for _, wrapped := range chain(err) {
			texts = append(texts, fmt.Sprintf("%v %+v %#v", wrapped, wrapped, wrapped))
		}
	}
	for _, s := range texts {
		if shows(s) {
			t.Errorf("%s shows card data: %.300s", what, s)
			return
		}
	}
}

// chain returns every error inside an error.
func chain(err error) (list []error) {
	list = append(list, err)
	if one := errors.Unwrap(err); one != nil {
		list = append(list, chain(one)...)
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			list = append(list, chain(e)...)
		}
	}
	return list
}

// The evidence of a call by card: the hash is of the bytes that were sent, and
// with the element put back they are those bytes. The digests give nothing
// away: two calls with the same card have nothing in common to compare.
func TestEvidenceOfACard(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	wire := &tap{next: o.Bank}
	w.listen(o, wire)
	b := w.connector(o, nil)
	salts := make(map[string]bool)
	element := regexp.MustCompile(`<card>.*</card>`)
	for range 2 {
		a, err := pay(t, b, sandbox.KindCard, attempts(), goodCard, "", amount)
		if err != nil {
			t.Fatal(err)
		}
		sent, e := wire.requests[len(wire.requests)-1], a.Evidence
		if sha256.Sum256(sent) != e.RequestHash || !e.Redacted || e.AnswerRedacted || !bytes.Equal(e.Answer, wire.answers[len(wire.answers)-1]) {
			t.Error("the evidence is of something else")
		}
		original := element.Find(sent)
		if !bytes.Equal(element.ReplaceAll(e.Request, original), sent) {
			t.Error("more than the card was cut out")
		}
		if got := string(element.Find(e.Request)); got != "<card><number>411111******1111</number></card>" {
			t.Errorf("kept is %s", got)
		}
		salt := regexp.MustCompile(`<salt>([0-9a-f]{64})</salt>`).FindSubmatch(original)
		if salt == nil || bytes.Contains(e.Request, salt[1]) || salts[string(salt[1])] {
			t.Error("the salt is missing, kept or not new")
		}
		salts[string(salt[1])] = true
		if _, err := signing.NewVerifier(w.trust, nil).Verify(sent, time.Now()); err != nil {
			t.Error(err)
		}
	}
	// A call without a card is kept as it is.
	a, err := pay(t, b, sandbox.KindAccount, attempts(), "", payer, amount)
	if err != nil || a.Evidence.Redacted || !bytes.Equal(a.Evidence.Request, wire.requests[len(wire.requests)-1]) {
		t.Errorf("account: %v", err)
	}
}

// A bank that repeats card data has them cut out, however it spells them.
func TestBankThatRepeatsTheCard(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	signer := must(signing.NewSigner(o.signing.Key, o.signing.Cert))
	var text string
	reader, verifier := signing.NewReader(wsdl.BankNamespace), signing.NewVerifier(w.trust, nil)
	w.listen(o, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		v := must(verifier.Verify(must(io.ReadAll(r.Body)), time.Now()))
		_, fields, _ := reader.Read(v.Body)
		payload := `<AuthorizeCardResponse xmlns="` + wsdl.BankNamespace + `"><requestId>` + fields[0].Value + `</requestId><attemptId>` + fields[1].Value +
			`</attemptId><resultCode>REFUSED</resultCode><reason>WRONG_CVC</reason><bankCode>` + goodCard + `</bankCode><bankText>` + text +
			`</bankText></AuthorizeCardResponse>`
		signed := must(signer.Sign(signing.SOAP11, []byte(payload), time.Now()))
		rw.Header().Set("Content-Type", "text/xml")
		_, _ = rw.Write(bytes.Replace(signed, []byte("card "+goodCard[:4]), []byte("card &#52;"+goodCard[1:4]), 1))
	}))
	b := w.connector(o, nil)
	for _, text = range []string{
		"code " + cvc + " is wrong", "card " + goodCard, "no. 4111 1111 1111 1111, cvc:" + cvc + "!", "&amp; " + cvc + " &lt; 4111-1111-1111-1111",
	} {
		a, err := pay(t, b, sandbox.KindCard, attempts(), goodCard, "", amount)
		if err != nil || a.Outcome != banks.Refused || a.Reason != tolem.RefusedCVC {
			t.Fatalf("%q: %s, %v", text, a.Outcome, err)
		}
		scan(t, "authorization", a)
		scan(t, "answer", string(a.Evidence.Answer))
		if !a.Evidence.AnswerRedacted || a.Evidence.AnswerHash == ([32]byte{}) || !strings.Contains(a.BankCode, "411111******1111") {
			t.Errorf("%q: not marked", text)
		}
	}
}

// Every message on the wire, of both sides, follows the contract: libxml2 says
// so, and so does a toolkit that is not ours.
func TestMessagesFollowTheContract(t *testing.T) {
	xmllint := tolemtest.RequireTool(t, "xmllint")
	w, offices := newWorld(t)
	o := offices[bank]
	wire := &tap{next: o.Bank}
	w.listen(o, wire)
	b := w.connector(o, nil)
	for _, kind := range []sandbox.Kind{sandbox.KindCard, sandbox.KindAccount} {
		for _, name := range []string{"insufficient funds", "error code with description", "pending, then approved", "approved, never notified"} {
			id, c := attempts(), sandbox.CaseNamed(name)
			if _, err := pay(t, b, kind, id, c.Card(), c.Account(), amount); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Status(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Reverse(t.Context(), id, "a < b & c\r\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	bare := banks.AccountOrder{Attempt: attempts(), Payment: "P", Amount: tolem.Money{Minor: 1, Currency: tolem.UZS}, From: "1"}
	if _, err := b.DebitAccount(t.Context(), bare); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Status(t.Context(), "NEVER-SEEN"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	schema, file := filepath.Join(dir, "bank.xsd"), filepath.Join(dir, "message.xml")
	if err := os.WriteFile(schema, wsdl.BankSchema(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, envelope := range append(wire.requests, wire.answers...) {
		message, _, err := signing.Payload(envelope)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, message, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(xmllint, "--noout", "--schema", schema, file).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\n%s", err, out, message)
		}
	}
}
