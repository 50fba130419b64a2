package billsv1

import (
	"errors"
	"testing"

	"tolem"
	"tolem/bills"
	"tolem/signing"
	"tolem/wsdl"
)

// Whatever an organisation signs, what is taken from it is of the account and
// the request that were asked for, and within the limits of an account.
func FuzzAnswer(f *testing.F) {
	const (
		head = `<soap:Body xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><LookupAccountResponse xmlns="urn:tolem:provider:v1">` +
			`<requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId><accountNo>A-1</accountNo>`
		tail = `</LookupAccountResponse></soap:Body>`
	)
	f.Add(`<resultCode>OK</resultCode><asOf>2026-11-22T09:05:06Z</asOf><paidUntil>2026-11-22T00:00:00Z</paidUntil><currency>AZN</currency><account><number>A-1</number><bill><serviceCode>SU</serviceCode><amount>12.50</amount></bill></account>`)
	f.Add(`<resultCode>OK</resultCode><paidUntil>2026-11-22T00:00:00Z</paidUntil><currency>AZN</currency><account><number>a-1</number><detail><label>x</label></detail></account><account/>`)
	f.Add(`<resultCode>UNKNOWN_ACCOUNT</resultCode><resultText>none &amp; nothing</resultText>`)
	f.Add(`<resultCode>BUSY</resultCode>`)
	f.Add(`<resultCode><x>OK</x></resultCode>`)
	c := &Connector{config: Config{Organisation: "AZERSU"}, reader: signing.NewReader(wsdl.ProviderNamespace)}
	q := question{id: "0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001", account: "A-1"}
	all := func(tolem.ServiceCode) bool { return true }
	f.Fuzz(func(t *testing.T, content string) {
		s, err := c.read(q, []byte(head+content+tail))
		switch {
		case err != nil && s.Account.Number != "":
			t.Errorf("%+v beside %v", s, err)
		case errors.Is(err, bills.ErrNoAccount), err != nil:
			return
		}
		if s.Account != (tolem.AccountID{Organisation: "AZERSU", Number: "A-1"}) {
			t.Errorf("account %s", s.Account)
		}
		p, what := s.Check(all, tolem.AZN)
		if p != "" && p != tolem.ProblemCurrency && p != tolem.ProblemDuplicate && p != tolem.ProblemClosed {
			t.Errorf("%s, %s: %+v", p, what, s)
		}
	})
}
