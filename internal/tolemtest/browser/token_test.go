package browser_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"tolem/internal/pki"
	"tolem/internal/tolemtest/browser"
)

// Chromium presents the certificate it was started with.
func TestStartWith(t *testing.T) {
	authority, err := pki.New(pki.Options{})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := authority.Issue(pki.Spec{CommonName: "Leyla", Usage: pki.TLSClient, Key: pki.P256})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s is here", r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	token := issued.TLS()
	tab := browser.Open(t, browser.StartWith(t, token), server.URL)
	tab.Go("/")
	tab.Says("Leyla is here")
}
