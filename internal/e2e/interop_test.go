package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tolem/internal/pki"
	"tolem/internal/tolemtest"
)

// interop is where the programs that others wrote the engine of lie.
const interop = "../../wsdl/interop"

// zeepReport is what zeep_client.py prints. It records a step only when the
// signature of its answer or fault was verified.
type zeepReport struct {
	OK    bool
	Error string
	Steps []struct {
		Operation, RequestID, Result string
		Echoed                       bool
		Answer, Fault                map[string]any
	}
}

// summary lists the steps with their results or fault codes.
func (r zeepReport) summary() string {
	var all []string
	for _, s := range r.Steps {
		result := s.Result
		if s.Fault != nil {
			result, _ = s.Fault["code"].(string)
		} else if !s.Echoed {
			result += " without its id"
		}
		all = append(all, s.Operation+"="+result)
	}
	return strings.Join(all, " ")
}

// python runs a program of the folder as a participant.
func (w *world) python(a *actor, name string, args ...string) ([]byte, error) {
	w.t.Helper()
	python := tolemtest.RequirePython(w.t, "zeep", "xmlsec")
	dir := w.t.TempDir()
	cert, key, err := a.signing.WriteTo(dir, "signing")
	if err != nil {
		w.t.Fatal(err)
	}
	channel, channelKey, err := a.channel.WriteTo(dir, "channel")
	if err != nil {
		w.t.Fatal(err)
	}
	all := []string{
		filepath.Join(interop, name), "--address", w.address(), "--ca", w.path("pki", pki.AnchorsDir, "root.pem"),
		"--tls-cert", channel, "--tls-key", channelKey, "--cert", cert, "--key", key,
		"--gateway-cert", w.path("keys", "signing-rsa.pem"), "--gateway-cert", w.path("keys", "signing-ec.pem"),
		"--bank", a.id, "--service", fixedFee, "--provider", provider, "--iin", citizen,
	}
	if a.id != bank1 {
		all = append(all, "--ec")
	}
	cmd := exec.Command(python, append(all, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if stderr.Len() > 0 {
		w.t.Logf("%s: %s", name, stderr.Bytes())
	}
	return out, err
}

// zeep runs a scenario and returns the report.
func (w *world) zeep(a *actor, scenario string, args ...string) zeepReport {
	w.t.Helper()
	out, err := w.python(a, "zeep_client.py", append([]string{"--scenario", scenario}, args...)...)
	var r zeepReport
	if jsonErr := json.Unmarshal(out, &r); jsonErr != nil || err != nil || !r.OK {
		w.t.Fatalf("%s as %s: %v\n%s", scenario, a.id, errors.Join(err, jsonErr), out)
	}
	return r
}

// A client made by others from the WSDL alone calls every operation of the
// running gateway, with RSA and with EC, in both versions of SOAP, and verifies
// every answer and every fault.
//
// GW-023 GW-024 GW-025 GW-026 GW-027 GW-036 GW-P03 GW-P38
func TestZeep(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve()
	b1, b2, k, p := w.actors[bank1], w.actors[bank2], w.actors[kiosk], w.actors[portal]
	const ofBank = "ListServices=OK IssueCode=OK NotifyPayment=OK NotifyPayment=OK GetOutcome=OK IssueCode=OK CancelCode=OK"
	const ofFaults = "IssueCode=BAD_SIGNATURE IssueCode=BAD_SIGNATURE IssueCode=BAD_SIGNATURE IssueCode=BAD_REQUEST"
	for _, c := range []struct {
		by       *actor
		scenario string
		args     []string
		want     string
	}{
		{b1, "bank", nil, ofBank},
		{b2, "bank", []string{"--soap12"}, ofBank},
		{k, "bank", []string{"--bank", bank2, "--on-behalf-of", bank2, "--channel", "INFOKIOSK"}, ofBank},
		{p, "portal", []string{"--code", w.payable(b1)}, "GetPayment=OK ValidateCode=OK CloseCode=OK CloseCode=ALREADY_USED GetReceipt=OK"},
		{p, "centre", []string{"--code", w.payable(b2), "--soap12"}, "ValidateCode=OK CloseCode=OK"},
		{b1, "faults", nil, ofFaults},
		{b2, "faults", []string{"--soap12"}, ofFaults},
	} {
		t.Run(c.scenario+" as "+c.by.id, func(t *testing.T) {
			w.t = t
			r := w.zeep(c.by, c.scenario, c.args...)
			if r.summary() != c.want {
				t.Errorf("steps are %s", r.summary())
			}
			w.checkZeep(c.scenario, r)
		})
	}
	w.t = t
	w.checkArchive(70)
}

// payable returns a code that a bank has notified as paid.
func (w *world) payable(b *actor) string {
	w.t.Helper()
	code := b.issue()
	b.ok("NotifyPayment", payment(code, b.id, "REF"))
	return code
}

// checkZeep looks at what zeep read from the answers.
func (w *world) checkZeep(scenario string, r zeepReport) {
	w.t.Helper()
	switch scenario {
	case "bank":
		paid, again := r.Steps[2].Answer, r.Steps[3].Answer
		if paid["receivedAt"] != again["receivedAt"] || paid["state"] != "PAID" {
			w.t.Errorf("notified %v, again %v", paid, again)
		}
		if r.Steps[4].Answer["ofResultCode"] != "OK" || r.Steps[4].Answer["operation"] != "NotifyPayment" {
			w.t.Errorf("outcome %v", r.Steps[4].Answer)
		}
	case "portal":
		if v := r.Steps[1].Answer; v["amount"] != "1200.00" || v["recipientIIN"] != citizen || v["recipientName"] != fullName {
			w.t.Errorf("validated %v", v)
		}
		receipt, _ := r.Steps[4].Answer["receipt"].(string)
		if xml, err := base64.StdEncoding.DecodeString(receipt); err != nil || !bytes.Contains(xml, []byte(citizen)) {
			w.t.Errorf("receipt %s, %v", xml, err)
		}
	case "faults":
		for _, s := range r.Steps {
			if s.Fault["incidentId"] == nil || s.Fault["retry"] != "no" || !strings.Contains(w.written(), s.Fault["incidentId"].(string)) {
				w.t.Errorf("fault %v", s.Fault)
			}
		}
	}
}

// The example of the documentation runs as it stands there.
func TestZeepExample(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve()
	for _, id := range []string{bank1, bank2} {
		out, err := w.python(w.actors[id], "example_zeep.py")
		if err != nil || !strings.Contains(string(out), "payment recorded at") || !strings.Contains(string(out), "result OK") {
			t.Errorf("%s: %v, %s", id, err, out)
		}
	}
}

// The receipt is a document that xmlsec1, which knows nothing of us, verifies.
//
// GW-139 GW-140 GW-141 GW-P44
func TestReceiptIsVerifiedByOthers(t *testing.T) {
	xmlsec := tolemtest.RequireTool(t, "xmlsec1")
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve()
	got := w.actors[portal].ok("GetReceipt", el("paymentCode", w.payable(w.actors[bank1])))
	receipt, err := base64.StdEncoding.DecodeString(got.fields["receipt"])
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "receipt.xml")
	verify := func(content []byte) error {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(xmlsec, "--verify", "--trusted-pem", w.path("pki", pki.AnchorsDir, "root.pem"),
			"--untrusted-pem", w.path("pki", pki.IntermediatesDir, "intermediate.pem"), file).CombinedOutput()
		if err != nil {
			return errors.New(string(out))
		}
		return nil
	}
	if err := verify(receipt); err != nil {
		t.Errorf("xmlsec1: %v\n%s", err, receipt)
	}
	command(t, "verify", "receipt", "--config", w.config, file)
	if err := verify(bytes.Replace(receipt, []byte("1200.00"), []byte("9200.00"), 1)); err == nil {
		t.Error("xmlsec1 takes a receipt of another amount")
	}
	if out, code := commandExit(t, "verify", "receipt", "--config", w.config, file); code == 0 {
		t.Errorf("tolem takes a receipt of another amount: %s", out)
	}
}

// The WSDL as it is served makes clients: gowsdl writes one that compiles.
func TestGowsdl(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/tolem.db")
	w.serve()
	client := w.client(nil)
	defer client.CloseIdleConnections()
	r, err := client.Get(w.address() + "?wsdl")
	if err != nil {
		t.Fatal(err)
	}
	wsdl, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(".", "gowsdl-") // inside the module, whose dependencies it needs
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "gateway.wsdl"), wsdl, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"run", "-trimpath", "github.com/hooklift/gowsdl/cmd/gowsdl", "-d", dir, "-p", "made", "-o", "made.go", filepath.Join(dir, "gateway.wsdl")},
		{"build", "-trimpath", "./" + filepath.Join(dir, "made")},
	} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
}
