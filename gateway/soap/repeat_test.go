package soap_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tolem/gateway/soap"
	"tolem/internal/tolemtest"
	"tolem/signing"
)

// A stored answer whose Timestamp has run out would be refused by a strict
// caller, so it comes signed anew; the original stays to be asked for.
//
// GW-P08
func TestLateRepetitionIsSignedAnew(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		var ahead atomic.Int64
		clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		w := newWorld(t, dsn, func(c *soap.Config) { c.Clock = clock })
		a, id := w.actors[bankID], uuid.NewString()
		payload := request("IssueCode", id, order()...)
		send := func(v signing.Version) reply {
			message, err := a.signer.Sign(v, must(signing.Canonicalize([]byte(payload))), clock())
			if err != nil {
				t.Fatal(err)
			}
			got, err := a.send(t.Context(), message, func(r *http.Request) {
				if v == signing.SOAP12 {
					r.Header.Set("Content-Type", "application/soap+xml; charset=utf-8")
				}
			})
			if err != nil && ahead.Load() == 0 { // a later answer is not for the clock of this process
				t.Fatal(err)
			}
			got.body = string(got.raw)
			return got
		}
		first := send(signing.SOAP11)
		if soon := send(signing.SOAP11); !bytes.Equal(soon.raw, first.raw) {
			t.Errorf("a prompt repetition is answered\n%s\nnot\n%s", soon.raw, first.raw)
		}
		ahead.Store(int64(6 * time.Minute))
		late := send(signing.SOAP11)
		if bytes.Equal(late.raw, first.raw) || late.field("paymentCode") == "" || !strings.Contains(string(first.raw), late.field("paymentCode")) {
			t.Errorf("a late repetition is answered\n%s\nnot as\n%s", late.raw, first.raw)
		}
		if other := send(signing.SOAP12); !strings.Contains(string(other.raw), "http://www.w3.org/2003/05/soap-envelope") || other.field("paymentCode") != late.field("paymentCode") {
			t.Errorf("a repetition in SOAP 1.2 is answered\n%s", other.raw)
		}
		ahead.Store(0)
		stored, err := base64.StdEncoding.DecodeString(a.do("GetOutcome", "ofRequestId", id).field("answer"))
		if err != nil || !bytes.Equal(stored, first.raw) {
			t.Errorf("GetOutcome gives\n%s\nnot\n%s (%v)", stored, first.raw, err)
		}
	})
}
