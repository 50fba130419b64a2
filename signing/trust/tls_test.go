package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem/internal/pki"
)

// shake does a TLS handshake and returns what each side says of it.
func shake(t *testing.T, server, client *tls.Config) (serverErr, clientErr error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		tc := tls.Server(conn, server)
		if err = tc.Handshake(); err == nil {
			_, err = tc.Write([]byte("salem"))
		}
		done <- err
	}()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", listener.Addr().String(), client)
	if err == nil {
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		_, err = conn.Read(make([]byte, 5))
		conn.Close()
	}
	return <-done, err
}

// GW-029 GW-030 GW-P02 GW-P07: the handshake refuses whom messages would be
// refused from, and certificates that are not for clients.
func TestHandshake(t *testing.T) {
	w := newWorld(t)
	w.mu.Lock()
	w.now = time.Now().Truncate(time.Second) // crypto/tls looks at its own clock
	w.mu.Unlock()
	w.publish(w.pki.Root, 24*time.Hour)
	identity := func(s pki.Spec) *pki.Identity {
		id, err := w.pki.Issue(s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	at := w.clock()
	gateway := identity(pki.Spec{CommonName: "gateway", Usage: pki.TLSServer})
	revoked := identity(pki.Spec{CommonName: "revoked", Usage: pki.TLSClient})
	if err := w.pki.Revoke(revoked.Cert, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	w.publish(w.pki.Intermediate, 24*time.Hour)
	s := w.open(w.config(), nil)
	server := &tls.Config{
		Certificates: []tls.Certificate{gateway.TLS()}, ClientAuth: tls.RequireAnyClientCert, ClientCAs: s.Pool(),
		VerifyConnection: s.VerifyConnection,
	}
	for _, c := range []struct {
		why  string
		id   *pki.Identity
		want error
	}{
		{"a client", identity(pki.Spec{CommonName: "bank", Usage: pki.TLSClient}), nil},
		{"a client with RSA", identity(pki.Spec{CommonName: "bank", Usage: pki.TLSClient, Key: pki.RSA2048}), nil},
		{"a certificate without extended usage", identity(pki.Spec{CommonName: "bank"}), nil},
		{"a server", identity(pki.Spec{CommonName: "shop", Usage: pki.TLSServer}), ErrUsage},
		{"revoked", revoked, ErrRevoked},
		{"expired", identity(pki.Spec{CommonName: "old", Usage: pki.TLSClient, NotBefore: at.Add(-2 * time.Hour), NotAfter: at.Add(-time.Hour)}), ErrExpired},
	} {
		client := &tls.Config{Certificates: []tls.Certificate{c.id.TLS()}, RootCAs: s.Pool(), ServerName: "localhost"}
		serverErr, clientErr := shake(t, server, client)
		if !isCheckClass(serverErr, c.want) || (clientErr == nil) != (c.want == nil) {
			t.Errorf("%s: server says %v, client says %v; want %v", c.why, serverErr, clientErr, c.want)
		}
	}
	if err := s.VerifyConnection(tls.ConnectionState{}); !errors.Is(err, ErrUntrusted) {
		t.Errorf("without a certificate: %v", err)
	}
	if err := s.VerifyIfGiven(tls.ConnectionState{}); err != nil {
		t.Errorf("without a certificate where none is needed: %v", err)
	}
}

func TestVerifyServer(t *testing.T) {
	w := newWorld(t)
	revoked := w.issue(pki.Spec{CommonName: "gateway", Usage: pki.TLSServer})
	if err := w.pki.Revoke(revoked, pki.Superseded); err != nil {
		t.Fatal(err)
	}
	w.publish(w.pki.Intermediate, 24*time.Hour)
	s := w.open(w.config(), nil)
	good := w.issue(pki.Spec{CommonName: "gateway", Usage: pki.TLSServer, Hosts: []string{"pay.example", "127.0.0.1"}})
	client := w.issue(pki.Spec{CommonName: "bank", Usage: pki.TLSClient})
	state := func(certs ...*x509.Certificate) tls.ConnectionState {
		return tls.ConnectionState{PeerCertificates: certs}
	}
	for _, c := range []struct {
		why, host string
		state     tls.ConnectionState
		want      error
	}{
		{"the gateway", "pay.example", state(good), nil},
		{"by its address", "127.0.0.1", state(good), nil},
		{"another host", "shop.example", state(good), ErrUntrusted},
		{"revoked", "localhost", state(revoked), ErrRevoked},
		{"a client", "localhost", state(client), ErrUsage},
		{"nobody", "localhost", state(), ErrUntrusted},
	} {
		if err := s.VerifyServer(c.state, c.host); !isCheckClass(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.why, err, c.want)
		}
	}
}

// What a peer sends beside its certificate builds no path.
func TestIntermediatesOfPeersAreIgnored(t *testing.T) {
	w := newWorld(t)
	root := w.make(nil, asCA)
	unknown := w.make(root, asCA)
	leaf := w.make(unknown, plain)
	path := filepath.Join(w.dir, "lonely-root.der")
	writeFile(t, path, root.cert.Raw)
	s := w.open(Config{Anchors: []string{path}, Now: w.clock}, nil)
	w.emptyList(s, root)
	err := s.VerifyConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf.cert, unknown.cert}})
	if !isCheckClass(err, ErrUntrusted) || !strings.Contains(err.Error(), "no path") {
		t.Errorf("got %v", err)
	}
}
