package bankv1_test

import (
	"strings"
	"testing"

	"tolem/banks/sandbox"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
)

// A toolkit that is not ours builds its calls from the published contract alone
// and verifies the bank's answers.
func TestZeepCallsTheBank(t *testing.T) {
	w, offices := newWorld(t)
	o := offices[bank]
	run := func(signer *pki.Identity, args ...string) tolemtest.Called {
		t.Helper()
		args = append(args, "--bank-cert", tolemtest.CertificateFile(t, signer.Cert.Raw))
		return w.pki.Interop("zeep_bank.py", o.server.URL+"/bank/v1", w.gateway, w.channel, args...)
	}
	report := run(o.signing)
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
	report = run(offices["STRANGER"].signing)
	if report.OK || !strings.Contains(report.Error, "not signed by") {
		t.Errorf("zeep believes another's signature: %s", report.Error)
	}
	report = run(o.signing, "--card", sandbox.CaseNamed("card expired").Card())
	if len(report.Steps) == 0 || report.Steps[0]["reason"] != "CARD_EXPIRED" {
		t.Errorf("refusal: %v", report.Steps)
	}
}
