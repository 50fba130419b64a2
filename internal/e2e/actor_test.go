package e2e

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/wsdl"
)

// actor is a participant at its end of the wire.
type actor struct {
	world            *world
	id               string
	signing, channel *pki.Identity
	signer           *signing.Signer
	http             *http.Client
}

// answer is a verified answer or fault.
type answer struct {
	status int
	name   string            // of the Body's child; "Fault" for a fault
	fields map[string]string // of elements that hold text, by their local name
	raw    []byte
	ec     bool
	header http.Header
}

// result is the result code of an answer, or the code of a fault.
func (a answer) result() string {
	if a.name == "Fault" {
		return a.fields["code"]
	}
	return a.fields["resultCode"]
}

const namespace = "urn:tolem:gateway:v1"

func newID() string { return uuid.NewString() }

// el writes an element of the contract.
func el(name, text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return "<" + name + ">" + b.String() + "</" + name + ">"
}

// request writes the Body's child.
func request(operation, requestID string, fields ...string) string {
	return fmt.Sprintf(`<%s xmlns="%s">%s%s</%s>`, operation, namespace, el("requestId", requestID), strings.Join(fields, ""), operation)
}

// order is what the examples pay for.
func order() string {
	return el("serviceCode", fixedFee) + el("providerId", provider) + el("recipientIIN", citizen) + el("recipientName", fullName) +
		el("amount", "1200.00") + el("currency", "KZT") + el("channel", "INTERNET_BANKING")
}

// payment notifies the payment of such an order.
func payment(code, bank, ref string) string {
	return el("paymentCode", code) + el("bankId", bank) + el("bankRef", ref) + el("amount", "1200.00") + el("currency", "KZT") +
		el("paidAt", "2026-01-31T09:30:00+05:00") + el("channel", "INTERNET_BANKING") + el("recipientIIN", citizen) +
		el("serviceCode", fixedFee) + el("providerId", provider) + el("accountNo", account)
}

// sign returns a signed message with the Body's child.
func (a *actor) sign(payload string) ([]byte, error) {
	canonical, err := signing.Canonicalize([]byte(payload))
	if err != nil {
		return nil, err
	}
	return a.signer.Sign(signing.SOAP11, canonical, time.Now())
}

func (a *actor) mustSign(payload string) []byte {
	a.world.t.Helper()
	message, err := a.sign(payload)
	if err != nil {
		a.world.t.Fatal(err)
	}
	return message
}

// do signs a request, sends it and returns the answer; it must be an answer.
func (a *actor) do(operation string, fields ...string) answer {
	a.world.t.Helper()
	return a.must(a.mustSign(request(operation, newID(), fields...)))
}

// must sends a message and returns the answer.
func (a *actor) must(message []byte) answer {
	a.world.t.Helper()
	got, err := a.send(message, nil)
	if err != nil {
		a.world.t.Fatal(err)
	}
	return got
}

// ok calls an operation that must succeed.
func (a *actor) ok(operation string, fields ...string) answer {
	a.world.t.Helper()
	got := a.do(operation, fields...)
	if got.result() != "OK" {
		a.world.t.Fatalf("%s of %s: %s %v", operation, a.id, got.result(), got.fields)
	}
	return got
}

// issue gets a code.
func (a *actor) issue() string {
	a.world.t.Helper()
	return a.ok("IssueCode", order()).fields["paymentCode"]
}

// errNotSOAP is returned with the status for what is no signed message.
var errNotSOAP = errors.New("not a SOAP message")

// send posts a message over the actor's channel and verifies what comes back.
func (a *actor) send(message []byte, change func(*http.Request)) (answer, error) {
	r, err := http.NewRequest(http.MethodPost, a.world.address(), bytes.NewReader(message))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	if change != nil {
		change(r)
	}
	response, err := a.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	raw, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return answer{}, err
	}
	return a.world.open(response, raw)
}

// open verifies an answer: its signature, and that it is the gateway's.
func (w *world) open(r *http.Response, raw []byte) (answer, error) {
	got := answer{status: r.StatusCode, raw: raw, header: r.Header, fields: map[string]string{}}
	kind := r.Header.Get("Content-Type")
	if !strings.HasPrefix(kind, "text/xml") && !strings.HasPrefix(kind, "application/soap+xml") {
		return got, fmt.Errorf("%w: status %d, %s: %s", errNotSOAP, r.StatusCode, kind, raw)
	}
	verified, err := w.verifier.Verify(raw, time.Now())
	if err != nil {
		return got, fmt.Errorf("answer does not verify: %w\n%s", err, raw)
	}
	if name := verified.Certificate.Subject.CommonName; !strings.HasPrefix(name, "Tolem signing") {
		return got, fmt.Errorf("answer is signed by %s", name)
	}
	got.ec = verified.EC
	if err := got.read(verified.Body); err != nil {
		return got, err
	}
	w.keep(got, verified.Body)
	return got, nil
}

// read takes the signed Body apart.
func (a *answer) read(body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	var path []string
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if path = append(path, token.Name.Local); len(path) == 2 {
				a.name = token.Name.Local
			}
			text.Reset()
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			if text.Len() > 0 {
				a.fields[token.Name.Local] = text.String()
			}
			text.Reset()
			path = path[:len(path)-1]
		}
	}
}

// leaks are traces of the inside that no answer may hold.
var leaks = regexp.MustCompile(`(?i)goroutine|panic|sqlite|postgres|\bpq:|\bsql\b|\.go:|/tmp/|tolem/store|certificate is not registered`)

// keep notes an answer to be held against the schema: one of each kind.
func (w *world) keep(a answer, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if leaks.Match(body) {
		w.t.Errorf("an answer shows the inside: %s", body)
	}
	_, content, _ := bytes.Cut(body, []byte(">"))
	content = content[:bytes.LastIndex(content, []byte("</"))]
	if a.name == "Fault" {
		content = regexp.MustCompile(`(?s)<GatewayFault.*</GatewayFault>`).Find(content)
	}
	w.answers[a.name+"-"+a.result()+"-"+fmt.Sprint(len(a.fields))] = content
}

// checkAnswers holds the answers of the test against the published schema with
// libxml2.
func (w *world) checkAnswers() {
	if len(w.answers) == 0 {
		return
	}
	xmllint := tolemtest.RequireTool(w.t, "xmllint")
	dir := w.t.TempDir()
	schema := filepath.Join(dir, "gateway-v1.xsd")
	if err := os.WriteFile(schema, wsdl.Schema(), 0o600); err != nil {
		w.t.Error(err)
	}
	args := []string{"--noout", "--schema", schema}
	for name, content := range w.answers {
		file := filepath.Join(dir, name+".xml")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			w.t.Error(err)
		}
		args = append(args, file)
	}
	if out, err := exec.Command(xmllint, args...).CombinedOutput(); err != nil {
		w.t.Errorf("answers against the schema: %v\n%s", err, out)
	}
	w.t.Logf("%d kinds of answers follow the schema", len(w.answers))
}
