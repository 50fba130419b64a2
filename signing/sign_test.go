package signing

import (
	"bytes"
	"testing"
	"time"
)

// GW-038, GW-161: what we sign verifies, with every kind of key and in both
// versions of SOAP.
func TestSignedMessageVerifies(t *testing.T) {
	for kind := range testKeys {
		id := testIdentity(t, kind)
		v := NewVerifier(rosterOf(id), nil)
		for _, version := range []Version{SOAP11, SOAP12} {
			raw, err := testSigner(t, id).Sign(version, []byte(paymentPayload), testTime)
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.Verify(raw, testTime.Add(time.Second))
			if err != nil {
				t.Fatalf("%s %s: %v\n%s", kind, version, err, raw)
			}
			if !bytes.Contains(got.Body, []byte(paymentPayload)) {
				t.Fatalf("Body is %s", got.Body)
			}
			if got.Version != version || got.EC != (kind[0] == 'p') || !got.Certificate.Equal(id.cert) {
				t.Fatalf("%s %s: wrong facts about the message: %+v", kind, version, got)
			}
			if !got.Created.Equal(testTime) || !got.Expires.Equal(testTime.Add(AnswerLifetime)) {
				t.Fatalf("Timestamp is %v to %v", got.Created, got.Expires)
			}
		}
	}
}

// A fault has the shape of its version, its detail, and a code whose prefix is
// declared where the code stands, although canonical form drops it there.
func TestFaultShapes(t *testing.T) {
	f := Fault{Code: faultCheck, Reason: "a < b\x01", Detail: []byte(`<d xmlns="urn:d"></d>`)}
	for v, want := range map[Version]string{
		SOAP11: `<soap:Fault><faultcode>wsse:FailedCheck</faultcode><faultstring>a &lt; b </faultstring><detail><d xmlns="urn:d"></d></detail></soap:Fault>`,
		SOAP12: `<soap:Fault><soap:Code><soap:Value>soap:Sender</soap:Value><soap:Subcode><soap:Value>wsse:FailedCheck</soap:Value></soap:Subcode></soap:Code>` +
			`<soap:Reason><soap:Text xml:lang="en">a &lt; b </soap:Text></soap:Reason><soap:Detail><d xmlns="urn:d"></d></soap:Detail></soap:Fault>`,
	} {
		got := AppendFault(nil, v, f)
		if string(got) != want {
			t.Errorf("%s: got %s", v, got)
		}
		raw, err := testSigner(t, testIdentity(t, "p256")).Sign(v, got, testTime)
		if err != nil {
			t.Fatal(err)
		}
		root, _, _ := bytes.Cut(raw, []byte(">"))
		for _, declared := range []string{`xmlns:soap="` + v.uri(), `xmlns:wsse="` + wsseURI, `xmlns:wsu="` + wsuURI} {
			if !bytes.Contains(root, []byte(declared)) {
				t.Errorf("%s: no %s in %s", v, declared, root)
			}
		}
		if bytes.Contains(raw, []byte("mustUnderstand")) {
			t.Errorf("%s: mustUnderstand, which JAX-WS refuses in an answer", v)
		}
	}
	for code, want := range map[string]string{
		faultClient: "soap:Sender", faultServer: "soap:Receiver", faultMustUnderstand: faultMustUnderstand, faultVersionMismatch: faultVersionMismatch,
	} {
		got := AppendFault(nil, SOAP12, Fault{Code: code})
		if !bytes.Contains(got, []byte("<soap:Code><soap:Value>"+want+"</soap:Value></soap:Code>")) {
			t.Errorf("%s: %s", code, got)
		}
	}
}

// A detached signature is of its context too, and verifies with every kind of
// key; no context reads like XML.
func TestDetachedSignature(t *testing.T) {
	for kind := range testKeys {
		id := testIdentity(t, kind)
		s := testSigner(t, id)
		value, err := s.SignDetached("a receipt", []byte("data"))
		if err != nil {
			t.Fatal(err)
		}
		for signed, want := range map[string]bool{"a receipt\x00data": true, "a receipt\x00date": false, "another\x00data": false, "data": false} {
			digest := s.method.digest.sum(nil, []byte(signed))
			if got := s.method.verify(&certificate{x509: id.cert}, s.method.digest.hash, digest, value); got != want {
				t.Errorf("%s: verifies as %q: %v", kind, signed, got)
			}
		}
		for _, bad := range []string{"", "<ds:SignedInfo", "a\x00b"} {
			if _, err := s.SignDetached(bad, nil); err == nil {
				t.Errorf("%q is a context", bad)
			}
		}
	}
}
