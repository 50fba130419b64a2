package signing

import (
	"bytes"
	"testing"
)

// FuzzVerify looks for panics, for bodies that nobody signed, and for signed
// bodies that are not canonical.
func FuzzVerify(f *testing.F) {
	id := testIdentity(f, "p256")
	v := NewVerifier(rosterOf(id), rosterOf(id))
	base := []byte(forge(f, baseMessage(f, id), id))
	f.Add(base)
	for _, version := range []Version{SOAP11, SOAP12} {
		raw, err := testSigner(f, id).Sign(version, []byte(paymentPayload), testTime)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(baseMessage(f, id)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := v.Verify(raw, testTime)
		if err != nil {
			if _, ok := err.(*Error); !ok {
				t.Fatalf("not an *Error: %v", err)
			}
			return
		}
		// Only what stands in the seeds was ever signed with this key.
		again, err := Canonicalize(got.Body)
		if err != nil || !bytes.Equal(again, got.Body) {
			t.Fatalf("handed on what is not canonical: %q (%v)", got.Body, err)
		}
		if !bytes.Contains(got.Body, []byte("1234567890123456")) {
			t.Fatalf("handed on what nobody signed: %q", got.Body)
		}
	})
}

func FuzzInstant(f *testing.F) {
	for _, s := range []string{"2026-03-14T09:26:53Z", "2026-03-14T09:26:53.5+05:00", "2026-02-29T00:00:00Z", "0000-01-01T00:00:00Z", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { parseInstant(b) })
}

func FuzzName(f *testing.F) {
	f.Add(`CN=Bank \"A\"\, B,O="x+y",C=KZ`)
	f.Add(`2.5.4.3=#0c0141,OID.2.5.4.10=\D0\96`)
	f.Fuzz(func(t *testing.T, s string) { parseName(s) })
}
