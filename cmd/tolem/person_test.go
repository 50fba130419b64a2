package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"tolem/internal/tolemtest"
)

// The gateway's operator makes the first security administrator of a bank, and
// helps where nobody of the bank can.
//
// WP-515, WP-516, WP-517, WP-518, WP-521
func TestPeople(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Almaty")
	if err != nil {
		t.Fatal(err)
	}
	tolemtest.WithinOneDay(t, zone, 10*time.Second)
	s := installed(t)
	s.addBank("HALYK")
	s.must("pki", "issue", "--dir", s.path("gw", "pki"), "--name", "almaty", "--key", "ec", "--out", s.path("bank"))
	s.must("participant", "add", "--id", "ALM01", "--kind", "branch", "--name", "Almaty", "--cert", s.path("bank", "almaty.pem"), "--for", "HALYK", "--config", s.config())
	for _, name := range []string{"token1", "token2"} {
		s.must("pki", "issue", "--dir", s.path("gw", "pki"), "--name", name, "--usage", "tls-client", "--key", "ec", "--out", s.path("bank"))
	}
	person := func(args ...string) []string {
		return append(append([]string{"person"}, args...), "--config", s.config())
	}
	add := func(user, role string, more ...string) []string {
		return append(person("add", "--bank", "HALYK", "--user", user, "--first-name", "Səməd", "--surname", "Məmmədov", "--role", role), more...)
	}
	admin := decode[personView](t, s.must(add("s.mammadov", "bank-security-admin", "--json", "--cert", s.path("bank", "token1.pem"))...))
	if len(admin.TemporaryPassword) != 14 || admin.State != "temporary password" || len(admin.Tokens) != 1 || admin.Bank != "HALYK" {
		t.Errorf("added as %+v", admin)
	}
	out := s.must(add("l.aliyeva", "operator", "--branch", "ALM01", "--asan", "ASAN1")...)
	if !strings.Contains(out, "temporary password: ") || !strings.Contains(out, "HALYK/l.aliyeva: added") {
		t.Errorf("added:\n%s", out)
	}
	s.refused(exitFailed, "user name", add("s.mammadov", "bank-admin")...)
	s.refused(exitUsage, "user name", add("ə", "bank-admin")...)
	s.refused(exitUsage, "branch", add("x.xxx", "operator")...)
	s.refused(exitUsage, "unknown role", add("x.xxx", "boss")...)
	s.refused(exitFailed, "no branch", add("x.xxx", "operator", "--branch", "HALYK")...)
	s.refused(exitFailed, "no bank", person("add", "--bank", "NOBODY", "--user", "x.xxx", "--first-name", "A", "--surname", "B", "--role", "bank-admin")...)
	s.refused(exitFailed, "registered already", add("x.xxx", "bank-admin", "--cert", s.path("bank", "token1.pem"))...)
	s.refused(exitFailed, "e-token", add("y.yyy", "bank-admin", "--cert", s.path("bank", "tls.pem"))...)

	show := func(user string) personView {
		return decode[personView](t, s.must(person("show", "HALYK/"+user, "--json")...))
	}
	if v := show("L.Aliyeva"); v.Role != "asan-operator" || v.TemporaryPassword != "" || v.Branch != "ALM01" || !strings.HasPrefix(v.AddedBy, "gateway:") {
		t.Errorf("shown as %+v", v)
	}
	s.must(person("change", "HALYK/l.aliyeva", "--asan", "", "--surname", "Əliyeva")...)
	if v := show("l.aliyeva"); v.Role != "operator" || v.Surname != "Əliyeva" {
		t.Errorf("changed to %+v", v)
	}
	s.must(person("suspend", "HALYK/l.aliyeva")...)
	if out := s.must(person("list", "--bank", "HALYK", "--search", "əLİY")...); !strings.Contains(out, "suspended") || strings.Contains(out, "s.mammadov") {
		t.Errorf("listed as\n%s", out)
	}
	s.must(person("resume", "HALYK/l.aliyeva")...)
	s.must(person("unlock", "HALYK/l.aliyeva")...)
	if again := decode[personView](t, s.must(person("password", "HALYK/s.mammadov", "--json")...)); again.TemporaryPassword == admin.TemporaryPassword || len(again.TemporaryPassword) != 14 {
		t.Errorf("another password: %+v", again)
	}
	s.must(person("token", "add", "HALYK/l.aliyeva", s.path("bank", "token2.pem"))...)
	fingerprint := show("l.aliyeva").Tokens[0].Fingerprint
	s.must(person("token", "revoke", "HALYK/l.aliyeva", strings.ToUpper(fingerprint))...)
	if out := s.must(person("show", "HALYK/l.aliyeva")...); !strings.Contains(out, "revoked") {
		t.Errorf("shown as\n%s", out)
	}
	s.refused(exitFailed, "no e-token", person("token", "revoke", "HALYK/l.aliyeva", fingerprint)...)
	s.refused(exitFailed, "no person", person("show", "HALYK/nobody")...)
	s.refused(exitUsage, "BANK/USER", person("show", "l.aliyeva")...)

	audit := decode[[]auditView](t, s.must(person("audit", "--bank", "HALYK", "--json")...))
	var actions []string
	for _, r := range audit {
		actions = append(actions, r.Action)
	}
	const want = "people.add token.register people.add people.add people.add people.change people.suspend people.resume people.unlock people.password token.register token.revoke"
	if got := strings.Join(actions, " "); got != want {
		t.Errorf("recorded %s\nwant %s", got, want)
	}
	rest := decode[[]auditView](t, s.must(person("audit", "--bank", "HALYK", "--json", "--after", audit[3].Mark)...))
	if len(rest) != len(audit)-4 {
		t.Errorf("after a mark: %d of %d", len(rest), len(audit))
	}
	if out := s.must(person("audit", "--bank", "HALYK", "--verify")...); !strings.Contains(out, "12 record(s), none altered; not sealed yet") {
		t.Errorf("verified:\n%s", out)
	}
	err = withOffice(t.Context(), s.config(), func(ctx context.Context, o *office) error {
		return o.work().sealAudit(ctx, o.registry.Calendar.DayOf(time.Now()))
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := s.must(person("audit", "--bank", "HALYK", "--verify")...); !strings.Contains(out, "sealed in the archive") {
		t.Errorf("verified after the day:\n%s", out)
	}
	s.must("verify", "archive", "--config", s.config())
	if out := s.must(person("audit", "--bank", "HALYK", "--user", "l.aliyeva")...); strings.Contains(out, "people.add") {
		t.Errorf("another's records:\n%s", out)
	}
	for _, flag := range [][]string{{"--day", "yesterday"}, {"--after", "x"}} {
		s.refused(exitUsage, flag[0], person(append([]string{"audit", "--bank", "HALYK"}, flag...)...)...)
	}
	for _, r := range audit {
		if strings.Contains(r.Subject+r.Outcome, admin.TemporaryPassword) {
			t.Error("the password is recorded")
		}
	}
}
