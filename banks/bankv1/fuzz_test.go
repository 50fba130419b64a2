package bankv1

import (
	"slices"
	"strings"
	"testing"

	"tolem"
	"tolem/banks"
	"tolem/signing"
	"tolem/wsdl"
)

// Whatever a bank signs, an approval is whole and is of the attempt, the request
// and the amount that were asked for, and no card data come out of it.
func FuzzAnswer(f *testing.F) {
	const (
		head = `<soap:Body xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><AuthorizeCardResponse xmlns="urn:tolem:bank:v1">` +
			`<requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId><attemptId>A-1</attemptId>`
		tail = `</AuthorizeCardResponse></soap:Body>`
	)
	f.Add(`<resultCode>APPROVED</resultCode><bankRef>S1</bankRef><paidAt>2026-11-22T09:05:06Z</paidAt><amount>1200.00</amount><currency>KZT</currency>`)
	f.Add(`<resultCode>APPROVED</resultCode><bankRef>S1</bankRef><paidAt>2026-11-22T09:05:06Z</paidAt><amount>1200.01</amount><currency>KZT</currency>`)
	f.Add(`<resultCode>REFUSED</resultCode><reason>NO</reason><bankText>4111 1111-11111111 7391</bankText>`)
	f.Add(`<resultCode>PENDING</resultCode><resultCode>APPROVED</resultCode>`)
	f.Add(`<resultCode><x>APPROVED</x></resultCode>`)
	asked := tolem.Money{Minor: 1200_00, Currency: tolem.KZT}
	c := &Connector{reader: signing.NewReader(wsdl.BankNamespace)}
	r := request{
		operation: wsdl.BankAuthorizeCard, id: "0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001", attempt: "A-1", amount: asked,
		number: "4111111111111111", cvc: "7391", mask: "411111******1111",
	}
	f.Fuzz(func(t *testing.T, content string) {
		body := []byte(head + content + tail)
		a, err := c.read(r, body)
		var e banks.Evidence
		r.keepAnswer(&e, body, body, a.BankText)
		if strings.Contains(strings.NewReplacer(" ", "", "-", "").Replace(string(e.Answer)), r.number) && r.seen(string(body)) {
			t.Errorf("kept: %s", e.Answer)
		}
		if err != nil {
			if strings.Contains(r.failure(err).Error(), r.number) {
				t.Errorf("said: %v", r.failure(err))
			}
			return
		}
		r.clean(&a)
		if r.seen(a.BankText + "|" + a.BankCode + "|" + a.AuthCode + "|" + string(a.BankRef)) {
			t.Errorf("card data in %+v", a)
		}
		taken := a.Outcome == banks.Approved || a.Outcome == banks.Reversed
		if taken && (a.Amount != asked || a.BankRef == "" || a.PaidAt.IsZero()) {
			t.Errorf("approved: %+v", a)
		}
		if a.Outcome == banks.Refused && !slices.Contains(tolem.RefusalReasons, a.Reason) {
			t.Errorf("refused for %q", a.Reason)
		}
	})
}
