package main

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/access"
	"tolem/internal/pki"
)

// The workplace is served over TLS 1.2 and later to connections with a
// certificate, a session of TLS is not taken up again, and who is registered
// signs in.
//
// GW-032, WP-006, WP-501, WP-502, WP-010, WP-017
func TestWorkplaceIsServed(t *testing.T) {
	ctx, w := stage(t)
	issue := func(name string, usage pki.Usage) *pki.Identity {
		t.Helper()
		id, err := w.authority.Issue(pki.Spec{CommonName: name, Usage: usage, Key: pki.P256, Hosts: []string{"127.0.0.1"}})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	c := &w.node.config.Workplace
	var err error
	if c.TLS.Cert, c.TLS.Key, err = issue("localhost", pki.TLSServer).WriteTo(t.TempDir(), "workplace"); err != nil {
		t.Fatal(err)
	}
	c.Listen = "127.0.0.1:0"
	if err := w.node.openWorkplace(); err != nil {
		t.Fatal(err)
	}
	w.node.workplace.serve(10, w.node.failed)
	if ready, parts := w.node.ready(); !ready || parts["workplace.tls"] != "ok" {
		t.Errorf("ready: %v", parts)
	}

	token := issue("l.aliyeva", pki.TLSClient)
	people, err := access.New(access.Config{Calendar: w.node.registry.Calendar, Hash: access.HashParams{Memory: 8 << 10, Time: 1, Threads: 1}}, w.node.db)
	if err != nil {
		t.Fatal(err)
	}
	by := access.Operator("root", "here")
	p, temporary, err := people.AddPerson(ctx, by, demoBankA, tolem.Profile{UserName: "l.aliyeva", FirstName: "Lalə", Surname: "Əliyeva", Role: tolem.RoleBankAdmin})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := people.RegisterToken(ctx, by, demoBankA, p.ID, token.Cert); err != nil {
		t.Fatal(err)
	}

	browser := func(from, to uint16, certs ...tls.Certificate) *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{
			Timeout: 5 * time.Second, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
				RootCAs: w.node.trust.Pool(), MinVersion: from, MaxVersion: to, Certificates: certs, ClientSessionCache: tls.NewLRUClientSessionCache(8),
			}},
		}
	}
	ask := func(b *http.Client, path string, fields ...string) (status int, resumed bool, body string, err error) {
		t.Helper()
		method, form := http.MethodGet, make(url.Values)
		for i := 0; i+1 < len(fields); i += 2 {
			method = http.MethodPost
			form.Set(fields[i], fields[i+1])
		}
		r, err := http.NewRequestWithContext(ctx, method, "https://"+w.node.workplace.listener.Addr().String()+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a, err := b.Do(r)
		if err != nil {
			return 0, false, "", err
		}
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		return a.StatusCode, a.TLS.DidResume, a.Header.Get("Location") + string(text), err
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		name := tls.VersionName(version)
		if status, _, _, err := ask(browser(version, version), "/login"); err == nil {
			t.Errorf("%s without a certificate: %d", name, status)
		}
		known := browser(version, version, token.TLS())
		for range 2 {
			if status, resumed, body, err := ask(known, "/login"); err != nil || status != http.StatusOK || resumed || !strings.Contains(body, "Daxil olun") {
				t.Errorf("%s: %d, taken up again: %v, %v", name, status, resumed, err)
			}
		}
		stranger := browser(version, version, issue("stranger", pki.TLSClient).TLS())
		if status, _, body, err := ask(stranger, "/login"); err != nil || status != http.StatusForbidden || !strings.Contains(body, "Sertifikat qeydiyyatdan keçirilməmişdir") {
			t.Errorf("%s, a stranger: %d, %v", name, status, err)
		}
	}
	if _, _, _, err := ask(browser(tls.VersionTLS10, tls.VersionTLS11, token.TLS()), "/login"); err == nil {
		t.Error("TLS 1.1 is spoken")
	}

	lale := browser(tls.VersionTLS13, tls.VersionTLS13, token.TLS())
	_, _, to, _ := ask(lale, "/renew", "user", "l.aliyeva", "password", temporary.Reveal(), "new", "parol-0001", "again", "parol-0001")
	if to != "/login?said=password.changed" {
		t.Errorf("renewed: %s", to)
	}
	if _, _, to, _ := ask(lale, "/login", "user", "l.aliyeva", "password", "parol-0001"); to != "/approvals" {
		t.Errorf("signed in: %s", to)
	}
	if status, _, body, _ := ask(lale, "/user"); status != http.StatusOK || !strings.Contains(body, "Lalə Əliyeva") {
		t.Errorf("user: %d", status)
	}
	if err := w.node.workplace.stop(ctx); err != nil {
		t.Error(err)
	}
}
