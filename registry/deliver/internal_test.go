package deliver

import (
	"fmt"
	"testing"
	"time"

	"tolem/signing"
	"tolem/wsdl"
)

func TestBackoff(t *testing.T) {
	least := func(int64) int64 { return 0 }
	most := func(below int64) int64 { return below - 1 }
	for failures, want := range map[int64]time.Duration{
		0: 10 * time.Second, 1: 10 * time.Second, 2: 20 * time.Second, 3: 40 * time.Second, 8: 1280 * time.Second, 9: 30 * time.Minute,
		10: 30 * time.Minute, 1 << 60: 30 * time.Minute,
	} {
		if got := DefaultBackoff.after(failures, least); got != want {
			t.Errorf("after %d failures: %v, want %v", failures, got, want)
		}
		if got := DefaultBackoff.after(failures, most); got != want*3/4 {
			t.Errorf("after %d failures, shortened: %v, want %v", failures, got, want*3/4)
		}
	}
}

// Whatever a participant signs, reading it ends with a reply or an error.
func FuzzReadReply(f *testing.F) {
	const open, end = `<soap:Body xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">`, `</soap:Body>`
	answer := func(name, fields string) string {
		return open + fmt.Sprintf(`<%s xmlns="%s">%s</%s>`, name, wsdl.ReceiverNamespace, fields, name) + end
	}
	f.Add([]byte(answer(opDelivered, `<requestId>1</requestId><resultCode>OK</resultCode><resultText>stored</resultText>`)))
	f.Add([]byte(answer(opDelivered, `<resultText>stored</resultText>`)))
	f.Add([]byte(answer("Other", ``)))
	f.Add([]byte(open + `<soap:Fault><faultcode>x</faultcode></soap:Fault>` + end))
	reader := signing.NewReader(wsdl.ReceiverNamespace)
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := readReply(reader, body); err == nil && r.code == "" {
			t.Errorf("a reply without a code: %+v", r)
		}
	})
}
