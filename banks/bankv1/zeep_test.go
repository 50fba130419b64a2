package bankv1_test

import (
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tolem/banks/sandbox"
	"tolem/internal/tolemtest"
)

// A toolkit that is not ours builds its calls from the published contract alone
// and verifies the bank's answers.
func TestZeepCallsTheBank(t *testing.T) {
	python := tolemtest.RequirePython(t, "zeep", "xmlsec")
	w, offices := newWorld(t)
	o := offices[bank]
	dir := t.TempDir()
	certificate := func(name string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	signingCert, signingKey, err := w.gateway.WriteTo(dir, "signing")
	if err != nil {
		t.Fatal(err)
	}
	tlsCert, tlsKey, err := w.channel.WriteTo(dir, "tls")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (report struct {
		OK    bool
		Error string
		Steps []map[string]any
	}) {
		t.Helper()
		cmd := exec.Command(python, append([]string{
			filepath.Join("..", "..", "wsdl", "interop", "zeep_bank.py"), "--address", o.server.URL + "/bank/v1", "--ec",
			"--ca", certificate("root.pem", w.pki.Root.Cert.Raw), "--tls-cert", tlsCert, "--tls-key", tlsKey, "--cert", signingCert, "--key", signingKey,
		}, args...)...)
		cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
		out, err := cmd.Output()
		if json.Unmarshal(out, &report) != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return report
	}
	report := run("--bank-cert", certificate("bank.pem", o.signing.Cert.Raw))
	var got []string
	for _, s := range report.Steps {
		got = append(got, s["operation"].(string)+"="+s["resultCode"].(string))
		if s["echoed"] != true {
			t.Errorf("%s: the id was not echoed", s["operation"])
		}
	}
	const want = "AuthorizeCard=APPROVED GetStatus=APPROVED ReversePayment=REVERSED DebitAccount=APPROVED GetStatus=UNKNOWN_ATTEMPT PayClaim=PAID"
	if strings.Join(got, " ") != want {
		t.Fatalf("%s\n%s, want %s", report.Error, got, want)
	}
	if s := report.Steps[0]; s["amount"] != "1200.00" || s["bankRef"] == "" || s["paidAt"] == nil {
		t.Errorf("zeep read %v", s)
	}
	report = run("--bank-cert", certificate("other.pem", offices["STRANGER"].signing.Cert.Raw))
	if report.OK || !strings.Contains(report.Error, "not signed by") {
		t.Errorf("zeep believes another's signature: %s", report.Error)
	}
	report = run("--bank-cert", certificate("bank.pem", o.signing.Cert.Raw), "--card", sandbox.CaseNamed("card expired").Card())
	if len(report.Steps) == 0 || report.Steps[0]["reason"] != "CARD_EXPIRED" {
		t.Errorf("refusal: %v", report.Steps)
	}
}
