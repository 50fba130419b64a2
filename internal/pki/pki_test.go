package pki

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newPKI(t *testing.T) *PKI {
	t.Helper()
	p, err := New(Options{Now: func() time.Time { return start }, CRLBase: "http://127.0.0.1:1/crl"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestIdentitiesChainToTheRoot(t *testing.T) {
	p := newPKI(t)
	roots, middle := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(p.Root.Cert)
	middle.AddCert(p.Intermediate.Cert)
	for _, key := range []KeyKind{P256, P384, RSA2048, RSA3072} {
		for _, usage := range []Usage{Signing, TLSClient, TLSServer} {
			if key == RSA3072 && usage != Signing {
				continue // one key of the slow kind shows enough
			}
			id, err := p.Issue(Spec{CommonName: "Bank A", Org: "Bank A JSC", Usage: usage, Key: key})
			if err != nil {
				t.Fatal(err)
			}
			want := x509.ExtKeyUsageAny
			if ext := usage.extKeyUsage(); ext != nil {
				want = ext[0]
			}
			_, err = id.Cert.Verify(x509.VerifyOptions{
				Roots: roots, Intermediates: middle, CurrentTime: start, KeyUsages: []x509.ExtKeyUsage{want},
			})
			if err != nil {
				t.Errorf("%v, usage %d: %v", key, usage, err)
			}
			if got := id.Cert.CRLDistributionPoints; len(got) != 1 || got[0] != "http://127.0.0.1:1/crl/intermediate.crl" {
				t.Errorf("distribution points %q", got)
			}
		}
	}
}

func TestRevocationLists(t *testing.T) {
	p := newPKI(t)
	id, err := p.Issue(Spec{CommonName: "Bank A"})
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		reason  Reason
		fails   bool
		entries int
	}{
		{HoldReleased, true, 0}, {Hold, false, 1}, {HoldReleased, false, 0},
		{Hold, false, 1}, {KeyCompromise, false, 1}, {HoldReleased, true, 1}, {Superseded, true, 1},
	}
	for i, s := range steps {
		if err := p.Revoke(id.Cert, s.reason); (err != nil) != s.fails {
			t.Fatalf("step %d: %v", i, err)
		}
		der, err := p.Intermediate.CRL(time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := list.CheckSignatureFrom(p.Intermediate.Cert); err != nil {
			t.Error(err)
		}
		if len(list.RevokedCertificateEntries) != s.entries || list.Number.Int64() != int64(i+1) {
			t.Errorf("step %d: %d entries, number %v", i, len(list.RevokedCertificateEntries), list.Number)
		}
	}
	if err := p.Revoke(p.Intermediate.Cert, KeyCompromise); err != nil {
		t.Error(err)
	}
	other := newPKI(t)
	stranger, err := other.Intermediate.pki.NewAuthority(other.Root, "elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := stranger.Issue(Spec{CommonName: "X"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Revoke(foreign.Cert, KeyCompromise); err == nil {
		t.Error("a certificate of another authority was revoked")
	}
}

func TestFilesCanBeOpenedAgain(t *testing.T) {
	p, dir := newPKI(t), t.TempDir()
	id, err := p.Issue(Spec{CommonName: "Bank A"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Revoke(id.Cert, KeyCompromise); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteTo(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"root.key", "intermediate.key"} {
		info, err := os.Stat(filepath.Join(dir, "ca", name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	q, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(q.Intermediate.revoked) != 1 || q.Intermediate.number != 1 || !q.Root.Cert.Equal(p.Root.Cert) {
		t.Error("what was written is not what was read")
	}
	if _, err := q.Issue(Spec{CommonName: "Bank B"}); err != nil {
		t.Error(err)
	}
	if _, err := Open(t.TempDir(), Options{}); err == nil {
		t.Error("an empty folder was opened")
	}
}

func TestIdentitiesSpeakTLS(t *testing.T) {
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	load := func(usage Usage, name string) tls.Certificate {
		id, err := p.Issue(Spec{CommonName: name, Usage: usage})
		if err != nil {
			t.Fatal(err)
		}
		certFile, keyFile, err := id.WriteTo(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	roots := x509.NewCertPool()
	roots.AddCert(p.Root.Cert)
	clientEnd, serverEnd := net.Pipe()
	server := tls.Server(serverEnd, &tls.Config{
		Certificates: []tls.Certificate{load(TLSServer, "gateway")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
	})
	client := tls.Client(clientEnd, &tls.Config{
		Certificates: []tls.Certificate{load(TLSClient, "bank")}, RootCAs: roots, ServerName: "localhost",
	})
	done := make(chan error, 1)
	go func() {
		_, err := server.Write([]byte("salem"))
		done <- err
		server.Close()
	}()
	got, err := io.ReadAll(client)
	if err != nil || string(got) != "salem" {
		t.Errorf("%q, %v", got, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
