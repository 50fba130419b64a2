package tolemtest

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tolem/internal/pki"
)

// PKI is a throw-away PKI whose files lie in a folder of the test.
type PKI struct {
	*pki.PKI

	// Dir is laid out as pki.WriteTo does: certificates of the authorities and
	// their revocation lists, which are what a gateway is given to trust.
	Dir string

	t testing.TB
}

// NewPKI makes a PKI and writes it, with lists that hold for a week.
func NewPKI(t testing.TB, options pki.Options) *PKI {
	t.Helper()
	made, err := pki.New(options)
	if err != nil {
		t.Fatal(err)
	}
	p := &PKI{PKI: made, Dir: t.TempDir(), t: t}
	if err := p.WriteTo(p.Dir); err != nil {
		t.Fatal(err)
	}
	return p
}

// Identity issues a certificate or fails the test.
func (p *PKI) Identity(spec pki.Spec) *pki.Identity {
	p.t.Helper()
	id, err := p.Issue(spec)
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// Files issues a certificate and writes it with its key into Dir.
func (p *PKI) Files(spec pki.Spec, name string) (certFile, keyFile string) {
	p.t.Helper()
	certFile, keyFile, err := p.Identity(spec).WriteTo(p.Dir, name)
	if err != nil {
		p.t.Fatal(err)
	}
	return certFile, keyFile
}

// Withdraw revokes a certificate and writes the new lists.
func (p *PKI) Withdraw(id *pki.Identity, reason pki.Reason, nextUpdate time.Time) {
	p.t.Helper()
	if err := p.Revoke(id.Cert, reason); err != nil {
		p.t.Fatal(err)
	}
	if err := p.WriteCRLs(p.Dir, nextUpdate); err != nil {
		p.t.Fatal(err)
	}
}

// Peer serves the system of a participant that the gateway calls: over TLS, for
// callers whose certificates verify takes. It is closed with the test.
func Peer(t testing.TB, host *pki.Identity, verify func(tls.ConnectionState) error, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{host.TLS()}, ClientAuth: tls.RequireAnyClientCert, VerifyConnection: verify}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}
