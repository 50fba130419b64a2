package main

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"tolem/internal/pki"
)

// The page is served over TLS 1.2 and later only; over plain HTTP, and to those
// who speak nothing newer than TLS 1.1, it says nothing.
//
// GW-032, ACQ-007, ACQ-011, ACQ-P01
func TestPageSpeaksTLS(t *testing.T) {
	ctx, w := stage(t)
	host, err := w.authority.Issue(pki.Spec{CommonName: "localhost", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	c := &w.node.config.Checkout
	if c.TLS.Cert, c.TLS.Key, err = host.WriteTo(t.TempDir(), "page"); err != nil {
		t.Fatal(err)
	}
	c.Listen = "127.0.0.1:0"
	_ = w.node.closePage() // of whatever was served before
	if err := w.node.openPage(); err != nil {
		t.Fatal(err)
	}
	w.node.servePage()
	address := w.node.pageListener.Addr().String()
	get := func(url string, from, to uint16) (status int, version uint16, err error) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: w.node.trust.Pool(), MinVersion: from, MaxVersion: to},
		}}
		a, err := client.Do(r)
		if err != nil {
			return 0, 0, err
		}
		if a.TLS != nil {
			version = a.TLS.Version
		}
		return a.StatusCode, version, a.Body.Close()
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if status, got, err := get("https://"+address+"/pay", version, version); err != nil || got != version || status != http.StatusForbidden {
			t.Errorf("%s: %d, %v", tls.VersionName(version), status, err)
		}
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if status, _, err := get("https://"+address+"/pay", version, version); err == nil {
			t.Errorf("%s is answered with %d", tls.VersionName(version), status)
		}
	}
	if status, _, err := get("http://"+address+"/pay", 0, 0); err == nil && status != http.StatusBadRequest {
		t.Errorf("plain HTTP is answered with %d", status)
	}
}
