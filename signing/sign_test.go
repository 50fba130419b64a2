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
