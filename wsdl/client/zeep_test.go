package client_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/wsdl"
	"tolem/wsdl/client"
)

// python is the interpreter that Debian's python3-zeep belongs to.
const python = "/usr/bin/python3"

// needs skips a test whose independent program is missing, except where all of
// them must be there.
func needs(t *testing.T, program string, args ...string) {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is required: %v\n%s", program, err, out)
	}
	t.Skipf("SKIPPED, %s is not installed: %v", program, err)
}

// zeepRun is what zeep_client.py reports.
type zeepRun struct {
	OK    bool   `json:"ok"`
	Error string `json:"error"`
	Steps []struct {
		Operation string         `json:"operation"`
		Result    string         `json:"result"`
		Echoed    bool           `json:"echoed"`
		Answer    map[string]any `json:"answer"`
		Fault     map[string]any `json:"fault"`
	} `json:"steps"`
}

// zeep runs one of the Python programs as a participant with a signing key of
// the given kind.
func zeep(t *testing.T, gw *counterpart, kind pki.KeyKind, program string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write := func(id *pki.Identity, name string) []string {
		cert, key, err := id.WriteTo(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		return []string{cert, key}
	}
	certificate := func(s *signing.Signer) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: gw.pki.Root.Cert.Raw})
	ours := write(gw.identity("Zeep Bank", kind), "signing")
	channel := write(gw.tls, "tls")
	all := []string{
		filepath.Join("..", "interop", program), "--address", gw.address(), "--ca", file("root.pem", root),
		"--tls-cert", channel[0], "--tls-key", channel[1], "--cert", ours[0], "--key", ours[1],
		"--gateway-cert", file("rsa.pem", certificate(gw.rsa)), "--gateway-cert", file("ec.pem", certificate(gw.ec)),
		"--amount", "1000000.00",
	}
	if kind != pki.RSA2048 && kind != pki.RSA3072 {
		all = append(all, "--ec")
	}
	cmd := exec.Command(python, append(all, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if stderr.Len() > 0 {
		t.Logf("%s: %s", program, stderr.Bytes())
	}
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	return out
}

func zeepScenario(t *testing.T, gw *counterpart, kind pki.KeyKind, args ...string) zeepRun {
	t.Helper()
	out := zeep(t, gw, kind, "zeep_client.py", args...)
	var run zeepRun
	if err := json.Unmarshal(out, &run); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if !run.OK {
		t.Fatalf("zeep: %s\n%s", run.Error, out)
	}
	return run
}

// What the gateway answers about a payment on the page.
const (
	paymentID      = "0b9a2f6e-8f0a-4d0e-9a55-27d1a3a9d001"
	redirectFields = "<paymentId>" + paymentID + "</paymentId><redirectAddress>https://pay.kz/pay/abc</redirectAddress><expiresAt>2026-11-22T04:05:06Z</expiresAt>"
)

// canned answers every operation as the gateway would in the scenarios.
func canned(gw *counterpart) func(http.ResponseWriter, request) {
	const at = "2026-11-22T04:05:06.123456Z"
	var notified []byte
	closed := false
	fields := map[string]string{
		"IssueCode":     codeField() + "<issuedAt>" + at + "</issuedAt><expiresAt>" + at + "</expiresAt>",
		"NotifyPayment": codeField() + "<receivedAt>" + at + "</receivedAt><state>PAID</state>",
		"ValidateCode": codeField() + "<state>PAID</state><recipientIIN>850101300005</recipientIIN><recipientName>Әлия &lt;&amp;&gt; \U0001F600</recipientName>" +
			"<serviceCode>PASSPORT</serviceCode><amount>1000000.00</amount><currency>KZT</currency><paidAt>" + at + "</paidAt>",
		"CloseCode":           codeField() + "<state>CLOSED</state><closedAt>" + at + "</closedAt>",
		"CancelCode":          codeField() + "<state>CANCELLED</state><cancelledAt>" + at + "</cancelledAt>",
		"GetPayment":          codeField() + "<state>PAID</state><amount>1000000.00</amount><currency>KZT</currency><channel>ATM</channel><late>true</late>",
		"GetReceipt":          codeField() + "<receipt>PHIvPg==</receipt>",
		"ListRegisters":       "<registers><register>" + registerFields + "</register></registers>",
		"SubmitRegister":      "<number>RB-20261121-BANK1-1</number><registerNumber>B-20261121-BANK1-1</registerNumber><received>1</received><parts>1</parts>",
		"GetReconciliation":   reconciliationFields,
		"ListClaims":          "<claims>" + claimFields + "</claims><next>C-20261121-BANK1-KZT</next>",
		"AnswerClaim":         "<number>C-20261121-BANK1-KZT</number><state>DISPUTED</state><at>" + at + "</at>",
		"GetReport":           "<complete>false</complete><openDay>2026-11-22</openDay>" + filePart(1, 1, 4, "a;b\n"),
		"StartCardPayment":    codeField() + redirectFields,
		"StartAccountPayment": redirectFields,
		"GetCheckout":         "<paymentId>" + paymentID + "</paymentId><stage>REFUSED</stage><method>CARD</method><refusal>WRONG_CVC</refusal><bankErrorCode>N7</bankErrorCode>",
		"SubmitBills":         billsTaken,
		"AcknowledgeRegister": "<number>B-20261121-BANK1-1</number><standing>REJECTED</standing><at>" + at + "</at>",
		"ListServices":        "<services><service><serviceCode>A</serviceCode><providerId>MIA</providerId><name><kk>Қызмет</kk></name><fixedAmount>12.00</fixedAmount><currency>KZT</currency></service></services>",
	}
	return func(w http.ResponseWriter, r request) {
		result, content := "OK", fields[r.Operation]
		switch {
		case strings.Contains(r.Body, "PIGEON"):
			gw.fault(w, r, "soap:Client", detail(r.ID, "BAD_REQUEST", "no"))
			return
		case r.Operation == "GetOutcome":
			content = "<operation>NotifyPayment</operation><ofResultCode>OK</ofResultCode><answeredAt>" + at + "</answeredAt><answer>" +
				base64.StdEncoding.EncodeToString(notified) + "</answer>"
		case r.Operation == "GetRegister":
			content = registerAnswer(r.Body)
		case r.Operation == "CloseCode" && closed:
			result, content = "ALREADY_USED", ""
		}
		answer := gw.signed(r, time.Now(), payload(r, result, content))
		closed = closed || r.Operation == "CloseCode"
		if r.Operation == "NotifyPayment" {
			notified = answer
		}
		gw.send(w, http.StatusOK, r, answer)
	}
}

// GW-023 GW-024 GW-025: a client made by others calls every operation from the
// WSDL alone, with RSA and EC, over both versions of SOAP; each side verifies
// the other's signatures.
func TestZeep(t *testing.T) {
	needs(t, python, "-c", "import zeep, xmlsec")
	scenarios := []struct {
		args []string
		want string
	}{
		{[]string{"--scenario", "bank"}, "ListServices=OK IssueCode=OK NotifyPayment=OK NotifyPayment=OK GetOutcome=OK IssueCode=OK CancelCode=OK"},
		{[]string{"--scenario", "portal", "--code", code.String()}, "GetPayment=OK ValidateCode=OK CloseCode=OK CloseCode=ALREADY_USED GetReceipt=OK"},
		{[]string{"--scenario", "page", "--code", code.String()}, "StartCardPayment=OK StartAccountPayment=OK GetCheckout=OK"},
		{[]string{"--scenario", "registers"}, "ListRegisters=OK GetRegister=OK GetRegister=OK GetRegister=OK AcknowledgeRegister=OK AcknowledgeRegister=OK SubmitRegister=OK GetReconciliation=OK ListClaims=OK AnswerClaim=OK GetReport=OK"},
		{[]string{"--scenario", "bills"}, "SubmitBills=OK"},
		{[]string{"--scenario", "centre", "--code", code.Printed()}, "ValidateCode=OK CloseCode=OK"},
		{[]string{"--scenario", "centre", "--x509data", "--code", code.String()}, "ValidateCode=OK CloseCode=OK"},
		{[]string{"--scenario", "bank", "--soap12", "--on-behalf-of", "BANK2"}, "ListServices=OK IssueCode=OK NotifyPayment=OK NotifyPayment=OK GetOutcome=OK IssueCode=OK CancelCode=OK"},
	}
	for _, kind := range []pki.KeyKind{pki.RSA2048, pki.P256} {
		for _, s := range scenarios {
			t.Run(strings.Join(s.args[1:], " ")+" "+kind.String(), func(t *testing.T) {
				t.Parallel()
				gw := newCounterpart(t)
				gw.respond = canned(gw)
				run := zeepScenario(t, gw, kind, s.args...)
				var got []string
				for _, step := range run.Steps {
					got = append(got, step.Operation+"="+step.Result)
					if !step.Echoed {
						t.Errorf("%s: the id was not echoed", step.Operation)
					}
				}
				if strings.Join(got, " ") != s.want {
					t.Errorf("steps are %s, want %s", strings.Join(got, " "), s.want)
				}
				for _, r := range gw.seen() {
					if r.EC != (kind == pki.P256) || r.Signer != "Zeep Bank" {
						t.Errorf("%s was signed by %s, EC %t", r.Operation, r.Signer, r.EC)
					}
				}
				conforms(t, gw.seen())
			})
		}
	}
}

func TestZeepValuesSurvive(t *testing.T) {
	needs(t, python, "-c", "import zeep, xmlsec")
	gw := newCounterpart(t)
	gw.respond = canned(gw)
	zeepScenario(t, gw, pki.P256, "--scenario", "bank")
	run := zeepScenario(t, gw, pki.P256, "--scenario", "portal", "--code", code.String())
	issued := gw.seen()[1].Body
	for _, want := range []string{
		"<ns0:amount>1000000.00</ns0:amount>", "Әлия «Ұлы дала» &amp; &lt;Co&gt; O'Neil \U0001F600</ns0:recipientName>",
	} {
		if !strings.Contains(issued, want) {
			t.Errorf("no %s in %s", want, issued)
		}
	}
	if paid := gw.seen()[2].Body; !strings.Contains(paid, "+05:00</ns0:paidAt>") {
		t.Errorf("no zone in %s", paid)
	}
	if v := run.Steps[1].Answer; v["amount"] != "1000000.00" || v["recipientName"] != "Әлия <&> \U0001F600" || v["paidAt"] != "2026-11-22T04:05:06.123456+00:00" {
		t.Errorf("zeep read %v", v)
	}
}

// zeep reads rows and the parts of a file, and writes objections, with the types
// of the WSDL alone.
func TestZeepReadsRegisters(t *testing.T) {
	needs(t, python, "-c", "import zeep, xmlsec")
	gw := newCounterpart(t)
	gw.respond = canned(gw)
	run := zeepScenario(t, gw, pki.P256, "--scenario", "registers")
	got := fmt.Sprint(run.Steps[1].Answer["rows"])
	for _, want := range []string{"line:1", "paymentCode:" + code.String(), "amount:1200.00", "paidAt:2026-11-21T04:05:06+00:00"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	var content []byte
	for _, step := range run.Steps[2:4] {
		file := step.Answer["file"].(map[string]any)
		for _, piece := range file["content"].([]any) {
			content = append(content, must(base64.StdEncoding.DecodeString(piece.(string)))...)
		}
	}
	if string(content) != registerFile {
		t.Errorf("the file is %q", content)
	}
	const objection = "<ns0:objection><ns0:reason>AMOUNT</ns0:reason><ns0:line>1</ns0:line><ns0:text>1200 &lt; 1300</ns0:text></ns0:objection>"
	if body := gw.seen()[4].Body; !strings.Contains(body, objection) {
		t.Errorf("no %s in %s", objection, body)
	}
}

func TestZeepVerifiesFaults(t *testing.T) {
	needs(t, python, "-c", "import zeep, xmlsec")
	for _, kind := range []pki.KeyKind{pki.RSA2048, pki.P256} {
		gw := newCounterpart(t)
		gw.respond = canned(gw)
		run := zeepScenario(t, gw, kind, "--scenario", "faults")
		var got []string
		for _, s := range run.Steps {
			code, _ := s.Fault["code"].(string)
			faultCode, _ := s.Fault["faultcode"].(string)
			got = append(got, faultCode+" "+code)
			if s.Fault["incidentId"] != "inc-1" || s.Fault["message"] != "generic & safe" {
				t.Errorf("fault is %v", s.Fault)
			}
		}
		const want = "wsse:FailedCheck BAD_SIGNATURE, wsse:UnsupportedAlgorithm BAD_SIGNATURE, wsse:InvalidSecurity BAD_SIGNATURE, soap:Client BAD_REQUEST"
		if strings.Join(got, ", ") != want {
			t.Errorf("faults are %q, want %q", strings.Join(got, ", "), want)
		}
	}
}

// What zeep must not accept: the test proves that the example really verifies.
func TestZeepRefusesForgedAnswers(t *testing.T) {
	needs(t, python, "-c", "import zeep, xmlsec")
	forgeries := map[string]func(*counterpart, request) []byte{
		"altered": func(gw *counterpart, r request) []byte {
			return bytes.Replace(gw.signed(r, time.Now(), payload(r, "OK", codeField())), []byte("as asked"), []byte("as axed!"), 1)
		},
		"signed by another": func(gw *counterpart, r request) []byte {
			return must(gw.signer("gateway.example", pki.P256).Sign(r.Version, []byte(payload(r, "OK", codeField())), time.Now()))
		},
		"expired": func(gw *counterpart, r request) []byte {
			return gw.signed(r, time.Now().Add(-time.Hour), payload(r, "OK", codeField()))
		},
	}
	for name, forge := range forgeries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gw := newCounterpart(t)
			gw.respond = func(w http.ResponseWriter, r request) { gw.send(w, http.StatusOK, r, forge(gw, r)) }
			out := string(zeep(t, gw, pki.P256, "zeep_client.py", "--scenario", "bank"))
			if !strings.Contains(out, "SignatureVerificationFailed") || strings.Contains(out, `"result"`) {
				t.Errorf("zeep said %s", out)
			}
		})
	}
}

// The example of the documentation runs as it stands there.
func TestZeepExample(t *testing.T) {
	needs(t, python, "-c", "import zeep, xmlsec")
	gw := newCounterpart(t)
	gw.respond = canned(gw)
	out := string(zeep(t, gw, pki.RSA2048, "example_zeep.py", "--bank", "BANK7"))
	if !strings.Contains(out, "payment code "+code.String()) || !strings.Contains(out, "payment recorded at") || !strings.Contains(out, "result OK") {
		t.Errorf("the example printed %q", out)
	}
}

// GW-027: what the client sends is what the schema describes.
func TestRequestsConformToTheSchema(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = canned(gw)
	cl, ctx := gw.client(func(c *client.Config) { c.OnBehalfOf = "BANK1" }), t.Context()
	_, _ = cl.IssueCode(ctx, wanted)
	_, _ = cl.NotifyPayment(ctx, client.Payment{
		Code: code, Bank: "BANK1", BankRef: "a & <b>", Amount: tolem.Money{Minor: 1, Currency: tolem.AZN}, PaidAt: time.Now(),
		Channel: tolem.ChannelInfokiosk, Recipient: wanted.Recipient, RecipientName: "Ә", Service: "S", Provider: "P", Account: "KZ86 1",
	})
	_, _ = cl.ValidateCode(ctx, client.Validation{Code: code, RequestNo: "n", Recipient: wanted.Recipient, Service: "S"})
	_, _ = cl.ValidateCode(ctx, client.Validation{Code: code, Centre: "c", Operator: "o"})
	_, _ = cl.CloseCode(ctx, client.Closing{Code: code, ID: "x", RequestNo: "n", Centre: "c", Operator: "o"})
	_, _ = cl.CancelCode(ctx, code, "why")
	_, _ = cl.GetPayment(ctx, code)
	_, _ = cl.GetReceipt(ctx, code)
	_, _ = cl.ListServices(ctx, "P")
	_, _ = cl.GetOutcome(ctx, client.NewRequestID())
	_, _ = cl.StartCardPayment(ctx, client.CardCheckout{
		Code: code, Recipient: wanted.Recipient, Service: "S", Amount: wanted.Amount, Details: "Ә & B", ReturnAddress: "https://p.kz/?a=1&b=2", Language: "kk",
	})
	_, _ = cl.StartAccountPayment(ctx, client.AccountCheckout{
		Service: "S", Provider: "P", Recipient: wanted.Recipient, RecipientName: "Ә", Amount: wanted.Amount, RequestNo: "n", Details: "d",
		ReturnAddress: "https://p.kz/", Language: "en",
	})
	_, _ = cl.GetCheckout(ctx, paymentID)
	_, _ = cl.SubmitBills(ctx, billBatch())
	if n := len(gw.seen()); n != 14 {
		t.Fatalf("%d requests arrived, want 14", n)
	}
	conforms(t, gw.seen())
}

// conforms checks requests against the published schema with libxml2.
func conforms(t *testing.T, requests []request) {
	t.Helper()
	needs(t, "xmllint", "--version")
	dir := t.TempDir()
	schema := filepath.Join(dir, "gateway-v1.xsd")
	if err := os.WriteFile(schema, wsdl.Schema(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--noout", "--schema", schema}
	for i, r := range requests {
		_, content, _ := strings.Cut(r.Body, ">")
		content = content[:strings.LastIndex(content, "</")]
		file := filepath.Join(dir, fmt.Sprintf("%d-%s.xml", i, r.Operation))
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	if out, err := exec.Command("xmllint", args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
