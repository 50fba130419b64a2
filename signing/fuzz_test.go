package signing

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tolem/signing/trust"
)

// The corpus of FuzzVerify holds messages that verify, which is where a fuzzer
// gets deepest. They are signed with a key that is the same in every process,
// and the certificate in them is trusted for that key.
var updateCorpus = flag.Bool("update-corpus", false, "write the seeds of FuzzVerify again")

func fuzzIdentity(tb testing.TB) *identity {
	tb.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		tb.Fatal(err)
	}
	return makeIdentity(tb, "fuzz", key, x509.KeyUsageDigitalSignature)
}

// keyTruster trusts every certificate of one key.
type keyTruster struct{ key *ecdsa.PublicKey }

func (k keyTruster) Check(cert *x509.Certificate, _ time.Time) (trust.Proof, error) {
	if k.key.Equal(cert.PublicKey) {
		return trust.Proof{}, nil
	}
	return trust.Proof{}, trust.ErrUntrusted
}

func TestFuzzCorpusVerifies(t *testing.T) {
	id := fuzzIdentity(t)
	dir := filepath.Join("testdata", "fuzz", "FuzzVerify")
	if *updateCorpus {
		writeCorpus(t, dir, id)
	}
	v := NewVerifier(keyTruster{id.key.Public().(*ecdsa.PublicKey)}, nil)
	files, err := filepath.Glob(filepath.Join(dir, "seed-*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d seeds, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var raw string
		if _, err := fmt.Sscanf(string(data), "go test fuzz v1\n[]byte(%q)\n", &raw); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if _, err := v.Verify([]byte(raw), testTime); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func writeCorpus(t *testing.T, dir string, id *identity) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := testSigner(t, id)
	ours, err := s.Sign(SOAP11, []byte(paymentPayload), testTime)
	if err != nil {
		t.Fatal(err)
	}
	fault, err := s.Sign(SOAP12, AppendFault(nil, SOAP12, Fault{Code: faultCheck, Reason: "refused"}), testTime)
	if err != nil {
		t.Fatal(err)
	}
	base := baseMessage(t, id)
	list := `Algorithm="` + excC14NURI + `"><ec:InclusiveNamespaces xmlns:ec="` + excC14NURI + `" PrefixList="soap t #default"/></ds:Transform></ds:Transforms>`
	seeds := map[string]string{
		"ours": string(ours), "fault": string(fault), "base": forge(t, base, id),
		"soap12":      forge(t, strings.ReplaceAll(base, soap11URI, soap12URI), id),
		"prefix-list": forge(t, strings.ReplaceAll(base, `Algorithm="`+excC14NURI+`"/></ds:Transforms>`, list), id),
		"odd":         forge(t, strings.Replace(base, "<t:amount>", "<x xmlns='' a='\t&#9;&quot;'><![CDATA[<&]]>\r\n&#13;<!-- c --></x><t:amount>", 1), id),
	}
	for name, raw := range seeds {
		writeFile(t, filepath.Join(dir, "seed-"+name), []byte(fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", raw)))
	}
}

// FuzzVerify looks for panics, for bodies that nobody signed, and for signed
// bodies that are not canonical.
func FuzzVerify(f *testing.F) {
	id := fuzzIdentity(f)
	v := NewVerifier(keyTruster{id.key.Public().(*ecdsa.PublicKey)}, nil)
	f.Add([]byte(baseMessage(f, id)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := v.Verify(raw, testTime)
		if err != nil {
			if _, ok := err.(*Error); !ok {
				t.Fatalf("not an *Error: %v", err)
			}
			return
		}
		again, err := Canonicalize(got.Body)
		if err != nil || !bytes.Equal(again, got.Body) && !bytes.Contains(raw, []byte("PrefixList")) {
			t.Fatalf("handed on what is not canonical: %q (%v)", got.Body, err)
		}
		// Only what stands in the seeds was ever signed with this key.
		if !bytes.Contains(got.Body, []byte("1234567890123456")) && !bytes.Contains(got.Body, []byte("wsse:FailedCheck")) {
			t.Fatalf("handed on what nobody signed: %q", got.Body)
		}
	})
}

func FuzzVerifyEnveloped(f *testing.F) {
	id := testIdentity(f, "rsa")
	signed, err := testSigner(f, id).SignEnveloped([]byte(receipt))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	r := rosterOf(id)
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := VerifyEnveloped(raw, r, testTime)
		if err == nil && !bytes.Contains(got.Content, []byte("1234567890123456")) {
			t.Fatalf("handed on what nobody signed: %q", got.Content)
		}
	})
}

func FuzzInstant(f *testing.F) {
	for _, s := range []string{"2026-03-14T09:26:53Z", "2026-03-14T09:26:53.5+05:00", "2026-02-29T00:00:00Z", "0000-01-01T00:00:00Z", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := parseInstant(b)
		if want, err := time.Parse(time.RFC3339Nano, string(b)); ok && len(b) <= len("2026-03-14T09:26:53.123456789+05:00") && (err != nil || !want.Equal(got)) {
			t.Fatalf("%q: %v, and the library says %v, %v", b, got, want, err)
		}
	})
}

func FuzzName(f *testing.F) {
	f.Add(`CN=Bank \"A\"\, B,O="x+y",C=KZ`)
	f.Add(`2.5.4.3=#0c0141,OID.2.5.4.10=\D0\96`)
	f.Fuzz(func(t *testing.T, s string) { parseName(s) })
}
