package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shell runs commands as a person would and keeps what they print.
type shell struct {
	t   *testing.T
	dir string
}

func newShell(t *testing.T) *shell { return &shell{t: t, dir: t.TempDir()} }

// run executes a command line and returns exit code, output and errors.
func (s *shell) run(args ...string) (code int, out, errs string) {
	s.t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), args, streams{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

// must executes a command line that has to succeed.
func (s *shell) must(args ...string) string {
	s.t.Helper()
	code, out, errs := s.run(args...)
	if code != exitOK {
		s.t.Fatalf("tolem %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// refused executes a command line that has to fail with a code and a word.
func (s *shell) refused(code int, word string, args ...string) {
	s.t.Helper()
	got, out, errs := s.run(args...)
	if got != code || !strings.Contains(errs+out, word) {
		s.t.Errorf("tolem %s: exit %d, want %d and %q:\n%s%s", strings.Join(args, " "), got, code, word, out, errs)
	}
}

func (s *shell) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

func (s *shell) config() string { return s.path("gw", "tolem.yaml") }

// installed is a shell beside a fresh test installation with one bank's
// certificates.
func installed(t *testing.T) *shell {
	s := newShell(t)
	s.must("init", "--dir", s.path("gw"), "--test-pki")
	s.must("pki", "issue", "--dir", s.path("gw", "pki"), "--name", "sign", "--usage", "signing", "--key", "ec", "--out", s.path("bank"))
	s.must("pki", "issue", "--dir", s.path("gw", "pki"), "--name", "tls", "--usage", "tls-client", "--key", "ec", "--out", s.path("bank"))
	return s
}

func (s *shell) addBank(id string) {
	s.t.Helper()
	s.must("participant", "add", "--config", s.config(), "--id", id, "--kind", "bank", "--name", "First Bank",
		"--cert", s.path("bank", "sign.pem"), "--cert", s.path("bank", "tls.pem"))
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}

// GW-012 GW-015
func TestDemoPlaysEveryUseCase(t *testing.T) {
	s := newShell(t)
	report := decode[demoReport](t, s.must("demo", "--json", "--dir", s.path("demo")))
	if !report.OK || len(report.Steps) <= len(demoScript) || !report.Archive.OK { // the day follows the script
		t.Errorf("ok %v, %d steps, %d of them of the script, archive ok %v", report.OK, len(report.Steps), len(demoScript), report.Archive.OK)
	}
	for _, step := range report.Steps {
		if !step.OK || step.Outcome != step.Expected {
			t.Errorf("%s: %s, expected %s: %s", step.Name, step.Outcome, step.Expected, step.Detail)
		}
	}
	if report.Archive.Sealed == 0 || report.Archive.Messages < int64(2*len(demoScript)) {
		t.Errorf("archive: %d messages, %d sealed", report.Archive.Messages, report.Archive.Sealed)
	}
	s.must("verify", "archive", "--config", s.path("demo", "tolem.yaml"))
}

func TestDemoIsPlainWithoutATerminal(t *testing.T) {
	out := newShell(t).must("demo")
	if strings.Contains(out, "\x1b[") {
		t.Error("escape sequences in the output of a pipe")
	}
	if !strings.Contains(out, ": as it must be") {
		t.Errorf("no verdict in\n%s", out)
	}
}

func TestInitWritesAUsableInstallation(t *testing.T) {
	s := newShell(t)
	out := s.must("init", "--dir", s.path("gw"), "--test-pki")
	for _, step := range []string{"participant add", "provider add", "service add", "serve --config"} {
		if !strings.Contains(out, step) {
			t.Errorf("the next steps do not name %q:\n%s", step, out)
		}
	}
	s.must("config", "check", "--config", s.config())
	for _, secret := range []string{"vault.key", "vault-1.wrapped", "checkpoint.key", "signing-rsa.key", "signing-ec.key", "tls.key"} {
		info, err := os.Stat(s.path("gw", "keys", secret))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", secret, info.Mode().Perm())
		}
	}
	s.refused(exitFailed, "exists already", "init", "--dir", s.path("gw"), "--test-pki")
}

// GW-046
func TestInitWithoutTestPKIWritesRequests(t *testing.T) {
	s := newShell(t)
	out := s.must("init", "--dir", s.path("gw"), "--db", "postgres://tolem@db.example/tolem?sslmode=verify-full")
	for _, name := range []string{"signing-rsa.csr", "signing-ec.csr", "tls.csr"} {
		if _, err := os.Stat(s.path("gw", "keys", name)); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(out, "GRANT SELECT, INSERT ON") || !strings.Contains(out, "certification authority certify") {
		t.Errorf("neither role nor requests in\n%s", out)
	}
}

// GW-048 GW-051 GW-052
func TestParticipantsAreRegistered(t *testing.T) {
	s := installed(t)
	s.addBank("BANK1")
	bank := decode[participantView](t, s.must("participant", "show", "BANK1", "--json", "--config", s.config()))
	if bank.State != "active" || len(bank.Certificates) != 2 || strings.Join(bank.Operations, " ") != "IssueCode NotifyPayment CancelCode ListServices GetOutcome ListRegisters GetRegister AcknowledgeRegister SubmitRegister GetReconciliation ListClaims AnswerClaim GetReport" {
		t.Errorf("registered as %+v", bank)
	}
	s.must("pki", "issue", "--dir", s.path("gw", "pki"), "--name", "almaty", "--key", "ec", "--out", s.path("bank"))
	s.must("participant", "add", "--id", "ALM01", "--kind", "branch", "--name", "Almaty", "--cert", s.path("bank", "almaty.pem"), "--for", "BANK1", "--config", s.config())
	branch := decode[participantView](t, s.must("participant", "show", "ALM01", "--json", "--config", s.config()))
	if branch.BranchOf != "BANK1" || branch.ActsFor != nil || !slices.Contains(branch.Operations, "GetRegister") || slices.Contains(branch.Operations, "NotifyPayment") {
		t.Errorf("registered as %+v", branch)
	}
	if out := s.must("participant", "list", "--config", s.config()); !strings.Contains(out, "BANK1") || !strings.Contains(out, "branch") {
		t.Errorf("listed as\n%s", out)
	}
	s.must("participant", "suspend", "BANK1", "--config", s.config())
	if all := decode[[]participantView](t, s.must("participant", "list", "--json", "--config", s.config())); len(all) != 2 || all[1].State != "suspended" {
		t.Errorf("after suspend: %+v", all)
	}
	s.must("participant", "resume", "BANK1", "--config", s.config())
	s.must("participant", "cert", "withdraw", "BANK1", bank.Certificates[0].Fingerprint, "--config", s.config())
	bank = decode[participantView](t, s.must("participant", "show", "BANK1", "--json", "--config", s.config()))
	if bank.State != "active" || bank.Certificates[0].Withdrawn == bank.Certificates[1].Withdrawn {
		t.Errorf("after resume and withdrawal: %+v", bank)
	}
}

// GW-P32: payers are sent back to registered addresses only.
func TestReturnAddresses(t *testing.T) {
	s := installed(t)
	s.addBank("BANK1")
	address := func(args ...string) []string {
		return append(append([]string{"participant", "return-address"}, args...), "--config", s.config())
	}
	list := func() string {
		return strings.Join(decode[[]string](t, s.must(append(address("list", "BANK1"), "--json")...)), " ")
	}
	if got := list(); got != "" {
		t.Errorf("before: %s", got)
	}
	s.must(address("add", "BANK1", "https://portal.kz/back")...)
	s.must(address("add", "BANK1", "https://portal.kz/back")...)
	s.must(address("add", "BANK1", "https://portal.kz")...)
	if got := list(); got != "https://portal.kz/ https://portal.kz/back" {
		t.Errorf("added: %s", got)
	}
	s.must(address("remove", "BANK1", "https://portal.kz/")...)
	if got := list(); got != "https://portal.kz/back" {
		t.Errorf("removed: %s", got)
	}
	s.refused(exitFailed, "no return address", address("remove", "BANK1", "https://portal.kz/")...)
	s.refused(exitFailed, "no participant", address("add", "NOBODY", "https://portal.kz/")...)
	for _, bad := range []string{"http://portal.kz/", "portal.kz", "https://portal.kz/?a=b", "https://portal.kz/#x", "https://u@portal.kz/", "javascript:1"} {
		s.refused(exitUsage, "return address", address("add", "BANK1", bad)...)
	}
}

func TestParticipantsThatCannotBeRegistered(t *testing.T) {
	s := installed(t)
	s.addBank("BANK1")
	cert := s.path("bank", "sign.pem")
	s.must("pki", "issue", "--dir", s.path("gw", "pki"), "--name", "old", "--days", "-1", "--key", "ec", "--out", s.path("bank"))
	add := func(args ...string) []string {
		return append([]string{"participant", "add", "--config", s.config()}, args...)
	}
	s.refused(exitFailed, "exists already", add("--id", "BANK1", "--kind", "bank", "--name", "x", "--cert", s.path("bank", "tls.pem"))...)
	s.refused(exitFailed, "belongs to BANK1", add("--id", "BANK2", "--kind", "bank", "--name", "x", "--cert", cert)...)
	s.refused(exitUsage, "unknown kind", add("--id", "X", "--kind", "shop", "--name", "x", "--cert", cert)...)
	s.refused(exitUsage, "--cert is missing", add("--id", "X", "--kind", "bank", "--name", "x")...)
	s.refused(exitUsage, "identifier", add("--id", "a b", "--kind", "bank", "--name", "x", "--cert", cert)...)
	s.refused(exitUsage, "--for", add("--id", "K", "--kind", "processing", "--name", "x", "--cert", cert)...)
	s.refused(exitUsage, "--for", add("--id", "K", "--kind", "branch", "--name", "x", "--cert", cert)...)
	s.refused(exitUsage, "--for", add("--id", "K", "--kind", "branch", "--name", "x", "--cert", cert, "--for", "A", "--for", "B")...)
	s.refused(exitUsage, "--for", add("--id", "K", "--kind", "portal", "--name", "x", "--cert", cert, "--for", "A")...)
	s.refused(exitFailed, "no such bank", add("--id", "K", "--kind", "branch", "--name", "x", "--cert", cert, "--for", "NOBODY")...)
	s.refused(exitFailed, "no such bank", add("--id", "K", "--kind", "processing", "--name", "x", "--cert", cert, "--for", "NOBODY")...)
	s.refused(exitFailed, "expired", add("--id", "X", "--kind", "bank", "--name", "x", "--cert", s.path("bank", "old.pem"))...)
	s.refused(exitFailed, "authority", add("--id", "X", "--kind", "bank", "--name", "x", "--cert", s.path("gw", "pki", "anchors", "root.pem"))...)
	if all := decode[[]participantView](t, s.must("participant", "list", "--json", "--config", s.config())); len(all) != 1 {
		t.Errorf("a refused participant is registered: %+v", all)
	}
}

func TestServicesAreImported(t *testing.T) {
	s := installed(t)
	s.must("provider", "add", "--config", s.config(), "--id", "JUSTICE", "--bin", "990240001237", "--name", "Justice", "--account", "KZ1")
	file := s.path("services.csv")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	services := func() []serviceView {
		return decode[[]serviceView](t, s.must("service", "list", "--json", "--config", s.config()))
	}
	write("\ufeffcode,provider,name,name_kk,amount,min,max\nS1,JUSTICE,Certificate,Куәлік,1200.00,,\nS2,JUSTICE,Fee,,,100.00,500.00\n")
	s.must("service", "import", "--dry-run", file, "--config", s.config())
	if len(services()) != 0 {
		t.Error("a dry run added services")
	}
	s.must("service", "import", file, "--config", s.config())
	if all := services(); len(all) != 2 || all[0].Price != "1200.00 KZT" || all[1].Price != "100.00 to 500.00 KZT" {
		t.Errorf("imported %+v", all)
	}
	write("code,provider,name,amount\nS1,JUSTICE,Certificate,1300.00\nS3,JUSTICE,Broken,12.345\nS4,JUSTICE,Broken,free\n")
	s.refused(exitFailed, "row 3", "service", "import", file, "--config", s.config())
	s.refused(exitFailed, "row 4", "service", "import", file, "--config", s.config())
	if all := services(); len(all) != 2 || all[0].Price != "1200.00 KZT" {
		t.Errorf("a refused file changed something: %+v", all)
	}
	write("code,provider,name\nS9,NOBODY,x\n")
	s.refused(exitFailed, "no provider", "service", "import", file, "--config", s.config())
	write("code,provider,title\n")
	s.refused(exitFailed, "unknown column", "service", "import", file, "--config", s.config())
	s.refused(exitUsage, "amount", "service", "add", "--config", s.config(), "--code", "S5", "--provider", "JUSTICE", "--name", "x", "--amount", "-1")
	s.refused(exitFailed, "exists already", "service", "add", "--config", s.config(), "--code", "S1", "--provider", "JUSTICE", "--name", "x")
}

func TestExitCodesTellWrongCallsFromFailures(t *testing.T) {
	s := newShell(t)
	s.refused(exitUsage, "did you mean participant", "partcipant")
	s.refused(exitUsage, "unknown command", "participant", "ad")
	s.refused(exitUsage, "unknown flag", "serve", "--port", "1")
	s.refused(exitUsage, "is not expected", "serve", "now")
	s.refused(exitUsage, "want 1 argument", "participant", "show")
	s.refused(exitFailed, "no such file or directory; --config says where it is", "serve", "--config", s.path("nowhere.yaml"))
	bad := s.path("bad.yaml")
	if err := os.WriteFile(bad, []byte("soap:\n  lisen: \":1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(exitUsage, "soap.listen", "config", "check", "--config", bad)
	if out := s.must("version", "--json"); !strings.Contains(out, `"go"`) {
		t.Errorf("version: %s", out)
	}
	if out := s.must(); !strings.Contains(out, "tolem demo") {
		t.Errorf("help does not say where to begin:\n%s", out)
	}
}
