package naive

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"

	"tolem/internal/pki"
	"tolem/signing"
	"tolem/signing/trust"
)

// anyone trusts every certificate: here only the form of messages matters.
type anyone struct{}

func (anyone) Check(*x509.Certificate, time.Time) (trust.Proof, error) { return trust.Proof{}, nil }

// The baseline does the same work as package signing: each verifies what the
// other signs, and refuses it once it is changed or old.
func TestBothWaysAgree(t *testing.T) {
	ca, err := pki.New(pki.Options{})
	if err != nil {
		t.Fatal(err)
	}
	chains := Chains{x509.NewCertPool(), x509.NewCertPool()}
	chains.Roots.AddCert(ca.Root.Cert)
	chains.Intermediates.AddCert(ca.Intermediate.Cert)
	payload := []byte(`<x xmlns="urn:x"><amount>1200.00</amount></x>`)
	now := time.Now()
	for _, key := range []pki.KeyKind{pki.RSA2048, pki.P256} {
		id, err := ca.Issue(pki.Spec{CommonName: "bank", Usage: pki.Signing, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		signer, err := signing.NewSigner(id.Key, id.Cert)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := Sign(payload, id.Key, id.Cert, now)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := signer.Sign(signing.SOAP11, payload, now)
		if err != nil {
			t.Fatal(err)
		}
		verifier := signing.NewVerifier(anyone{}, nil)
		for name, raw := range map[string][]byte{"naive": theirs, "ours": ours} {
			if _, cert, err := Verify(raw, chains, now); err != nil || !cert.Equal(id.Cert) {
				t.Errorf("%s, %s: the naive way: %v", key, name, err)
			}
			if _, err := verifier.Verify(raw, now); err != nil {
				t.Errorf("%s, %s: package signing: %v", key, name, err)
			}
			changed := bytes.Replace(raw, []byte("1200.00"), []byte("1200.01"), 1)
			if _, _, err := Verify(changed, chains, now); err == nil {
				t.Errorf("%s, %s: verified although changed", key, name)
			}
			if _, _, err := Verify(raw, chains, now.Add(time.Hour)); err == nil {
				t.Errorf("%s, %s: verified although old", key, name)
			}
		}
	}
	if _, _, err := Verify([]byte(" "), chains, now); err == nil {
		t.Error("verified nothing")
	}
}
