package signing

import (
	"context"
	"crypto/x509"
	"path/filepath"
	"testing"
	"time"

	"tolem/internal/bench/naive"
	"tolem/internal/pki"
	"tolem/signing/trust"
)

// authority is a PKI on disk with a trust store that reads it.
type authority struct {
	pki   *pki.PKI
	dir   string
	store *trust.Store
	now   time.Time
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	a := &authority{dir: tb.TempDir(), now: testTime.Add(-time.Minute)}
	clock := func() time.Time { return a.now }
	var err error
	if a.pki, err = pki.New(pki.Options{Now: clock, CAKey: pki.RSA2048}); err != nil {
		tb.Fatal(err)
	}
	if err := a.pki.WriteTo(a.dir); err != nil {
		tb.Fatal(err)
	}
	a.store, err = trust.Open(context.Background(), trust.Config{
		Anchors:       []string{filepath.Join(a.dir, pki.AnchorsDir)},
		Intermediates: []string{filepath.Join(a.dir, pki.IntermediatesDir)},
		CRLs:          []string{filepath.Join(a.dir, pki.CRLsDir)},
		Now:           clock,
	}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	a.now = testTime
	return a
}

func (a *authority) issue(tb testing.TB, kind string) *identity {
	tb.Helper()
	key := map[string]pki.KeyKind{"rsa": pki.RSA2048, "p256": pki.P256}[kind]
	id, err := a.pki.Issue(pki.Spec{CommonName: "bank-" + kind, Usage: pki.Signing, Key: key})
	if err != nil {
		tb.Fatal(err)
	}
	return &identity{id.Key, id.Cert}
}

// realTrust returns a trust store with an identity it trusts, and the same for
// the straightforward way.
func realTrust(tb testing.TB, kind string) (*trust.Store, *identity, naive.Chains) {
	tb.Helper()
	a := newAuthority(tb)
	chains := naive.Chains{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	chains.Roots.AddCert(a.pki.Root.Cert)
	chains.Intermediates.AddCert(a.pki.Intermediate.Cert)
	return a.store, a.issue(tb, kind), chains
}

// GW-039, GW-P07: a message is accepted with the proof of its certificate, and
// refused from the refresh on that brings the revocation, although the Verifier
// has kept the certificate.
func TestRevocationReachesMessages(t *testing.T) {
	a := newAuthority(t)
	id := a.issue(t, "p256")
	raw := request(t, id)
	v := NewVerifier(a.store, nil)
	for range 2 {
		got, err := v.Verify(raw, testTime)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Trust.Path) != 3 || len(got.Trust.CRLs) != 2 || got.Trust.Path[0] != got.Fingerprint {
			t.Fatalf("proof is %+v", got.Trust)
		}
	}
	if err := a.pki.Revoke(id.cert, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	if err := a.pki.WriteCRLs(a.dir, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := a.store.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, err := v.Verify(raw, testTime)
	wantClass(t, err, ClassRevoked)
	_, err = v.Verify(raw, testTime.Add(pki.CRLLifetime+time.Hour))
	wantClass(t, err, ClassExpired) // the message, before its certificate is looked at
}
