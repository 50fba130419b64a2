package bench

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"

	"tolem"
	"tolem/signing"
	"tolem/wsdl"
)

// soapPath is where the operations are called.
const soapPath = "/soap/v1"

// wireTime is how times are written in requests.
const wireTime = "2006-01-02T15:04:05.000000Z"

// payload writes a request in canonical form: name and value in turn.
func payload(op tolem.Operation, fields ...string) []byte {
	b := fmt.Appendf(nil, `<%s xmlns="urn:tolem:gateway:v1">`, op)
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] != "" {
			b = fmt.Appendf(b, "<%s>%s</%s>", fields[i], fields[i+1], fields[i])
		}
	}
	return fmt.Appendf(b, "</%s>", op)
}

// addressing is what stacks with WS-Addressing put into the Header. The blocks are not signed; with them a notification has
// the five kilobytes that such stacks send.
func addressing(op tolem.Operation) string {
	const anonymous = "http://www.w3.org/2005/08/addressing/anonymous"
	var b []byte
	for _, block := range [][2]string{
		{"Action", wsdl.SOAPAction(string(op))},
		{"MessageID", "urn:uuid:" + uuid.NewString()},
		{"To", "https://gateway.example.kz:8443" + soapPath},
	} {
		b = fmt.Appendf(b, "\n    <wsa:%[1]s xmlns:wsa=\"http://www.w3.org/2005/08/addressing\">%[2]s</wsa:%[1]s>", block[0], block[1])
	}
	for _, party := range []string{"From", "ReplyTo", "FaultTo"} {
		b = fmt.Appendf(b, "\n    <wsa:%[1]s xmlns:wsa=\"http://www.w3.org/2005/08/addressing\">\n      <wsa:Address>%[2]s</wsa:Address>\n"+
			"      <wsa:ReferenceParameters>\n        <branch xmlns=\"urn:bank\">0042</branch>\n        <session xmlns=\"urn:bank\">%[3]s</session>\n"+
			"      </wsa:ReferenceParameters>\n    </wsa:%[1]s>", party, anonymous, uuid.NewString())
	}
	return string(append(b, "\n    "...))
}

// envelop signs a request, puts blocks into its Header, and the HTTP head
// before it.
func (c *caller) envelop(op tolem.Operation, body []byte, blocks string) (http, message []byte, err error) {
	if message, err = c.signer.Sign(signing.SOAP11, body, time.Now()); err != nil {
		return nil, nil, err
	}
	message = bytes.Replace(message, []byte("<soap:Header>"), []byte("<soap:Header>"+blocks), 1)
	http = fmt.Appendf(make([]byte, 0, len(message)+256),
		"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: \"%s\"\r\nContent-Length: %d\r\n\r\n",
		soapPath, wsdl.SOAPAction(string(op)), len(message))
	return append(http, message...), message, nil
}

// notification is the request by which the bank tells that a seeded code was
// paid.
func (c *caller) notification(number tolem.CodeNumber) (shot, error) {
	id := uuid.NewString()
	now := time.Now().UTC().Format(wireTime)
	http, _, err := c.envelop(tolem.OpNotifyPayment, payload(tolem.OpNotifyPayment,
		"requestId", id, "sentAt", now, "paymentCode", number.String(), "bankId", string(c.id), "bankRef", "REF-"+number.String(),
		"amount", tolem.Money{Minor: benchAmount}.Decimal(), "currency", string(tolem.KZT), "paidAt", now,
		"channel", string(tolem.ChannelInternetBanking), "recipientIIN", benchRecipient.Reveal(), "recipientName", benchName,
		"serviceCode", string(benchService), "providerId", string(benchProvider), "accountNo", benchAccount), addressing(tolem.OpNotifyPayment))
	return shot{http: http, want: []byte(id)}, err
}

// notifications signs a notification for each code, on all processors.
func (c *caller) notifications(numbers []tolem.CodeNumber) ([]shot, error) {
	shots := make([]shot, len(numbers))
	errs := make([]error, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for worker := range errs {
		wg.Go(func() {
			for i := worker; i < len(numbers); i += len(errs) {
				if shots[i], errs[worker] = c.notification(numbers[i]); errs[worker] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return shots, nil
}

// bodyLength is the length of what follows the head of an HTTP request.
func bodyLength(http []byte) int {
	_, body, _ := bytes.Cut(http, []byte("\r\n\r\n"))
	return len(body)
}
