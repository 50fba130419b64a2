package wsdl_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"tolem"
	"tolem/wsdl"
)

const soundAuthorization = `<AuthorizeCard xmlns="urn:tolem:bank:v1"><requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId>` +
	`<attemptId>A-1</attemptId><amount>1200.00</amount><currency>KZT</currency><paymentCode>0000000000000195</paymentCode>` +
	`<recipientIIN>850101300124</recipientIIN><serviceCode>PASSPORT</serviceCode><providerId>MIA</providerId><accountNo>KZ86</accountNo>` +
	`<orderNo>o/1</orderNo><card><number>4111111111111111</number><expiryMonth>12</expiryMonth><expiryYear>2030</expiryYear>` +
	`<holderName>ALIYA S</holderName><cvc>123</cvc><salt>ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad</salt></card></AuthorizeCard>`

const soundAuthorized = `<GetStatusResponse xmlns="urn:tolem:bank:v1"><requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId>` +
	`<attemptId>A-1</attemptId><resultCode>APPROVED</resultCode><bankRef>S1</bankRef><paidAt>2026-11-22T09:05:06Z</paidAt>` +
	`<amount>1200.00</amount><currency>KZT</currency></GetStatusResponse>`

const soundClaim = `<PayClaim xmlns="urn:tolem:bank:v1"><requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId>` +
	`<claimNumber>C-20261121-HALYK-KZT</claimNumber><kind>DAY</kind><day>2026-11-21</day><dueAt>2026-11-25T19:00:00Z</dueAt><count>2</count>` +
	`<amount>1200.00</amount><currency>KZT</currency><accountNo>KZ86</accountNo><registerNumber>B-20261121-HALYK-1</registerNumber></PayClaim>`

// GW-083 GW-086 GW-102
func TestBankSchemaRefuses(t *testing.T) {
	refuses(t, wsdl.BankSchema(),
		spoilt{"card number with spaces", soundAuthorization, "41111111", "4111 1111", "number"},
		spoilt{"month 13", soundAuthorization, ">12<", ">13<", "expiryMonth"},
		spoilt{"year of two digits", soundAuthorization, ">2030<", ">30<", "expiryYear"},
		spoilt{"small letters in a name", soundAuthorization, "ALIYA", "Aliya", "holderName"},
		spoilt{"no salt", soundAuthorization, "<salt>ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad</salt>", "", "card"},
		spoilt{"no card", soundAuthorization, soundAuthorization[strings.Index(soundAuthorization, "<card>"):strings.Index(soundAuthorization, "</AuthorizeCard>")], "", "card"},
		spoilt{"amount of nothing", soundAuthorization, "1200.00", "0.00", "amount"},
		spoilt{"field out of order", soundAuthorization, "<amount>1200.00</amount><currency>KZT</currency>", "<currency>KZT</currency><amount>1200.00</amount>", "currency"},
		spoilt{"attempt with a slash", soundAuthorization, "A-1", "A/1", "attemptId"},
		spoilt{"time without zone", soundAuthorized, "06Z", "06", "paidAt"},
		spoilt{"empty reference", soundAuthorized, "S1", "", "bankRef"},
		spoilt{"claim of no day", soundClaim, "C-20261121", "C-2026", "claimNumber"},
		spoilt{"claim of a refund without its code", soundClaim, "C-20261121", "R-20261121", "claimNumber"},
		spoilt{"claim due on no day", soundClaim, "2026-11-25T19", "2026-11-31T19", "dueAt"},
		spoilt{"claim for nothing", soundClaim, "1200.00", "0.00", "amount"},
		spoilt{"result in words", soundAuthorized, "APPROVED", "ok!", "resultCode"},
	)
}

// Every type, message and field says what it is; every reason of the fixed list
// is named (GW-101).
func TestBankContractIsDocumented(t *testing.T) {
	var s schema
	if err := xml.Unmarshal(wsdl.BankSchema(), &s); err != nil {
		t.Fatal(err)
	}
	s.documented(t)
	for _, e := range s.Elements {
		about := "attemptId"
		if strings.HasPrefix(e.Name, wsdl.BankPayClaim) {
			about = "claimNumber"
		}
		for i, want := range []string{"requestId", about} {
			if name := e.Inline.Fields[i].Name; name != want {
				t.Errorf("field %d of %s is %s", i, e.Name, name)
			}
		}
	}
	reasons := section(string(wsdl.BankSchema()), "Reason")
	for _, r := range tolem.RefusalReasons {
		if !strings.Contains(reasons, string(r)) {
			t.Errorf("reason %s is not documented", r)
		}
	}
	d := readWSDL(t, wsdl.BankWSDL())
	for i, op := range wsdl.BankOperations {
		if got := d.PortType.Operations[i]; got.Name != op || got.Doc == "" || d.Bindings[0].Operations[i].SOAP.Action != wsdl.BankAction(op) {
			t.Errorf("operation %d is %+v, want %s", i, got, op)
		}
	}
	if len(s.Elements) != 2*len(wsdl.BankOperations) || len(d.PortType.Operations) != len(wsdl.BankOperations) {
		t.Errorf("%d messages, %d operations", len(s.Elements), len(d.PortType.Operations))
	}
}

// A bank builds its service from one file: a toolkit that is not ours reads it.
func TestBankContractIsUsable(t *testing.T) {
	doc := wsdl.BankWSDLAt("https://bank.example/v1?a&b")
	if d := readWSDL(t, doc); d.Ports[0].Address.Location != "https://bank.example/v1?a&b" {
		t.Errorf("address %s", d.Ports[0].Address.Location)
	}
	builds(t, doc, "AuthorizeCard(", "DebitAccount(", "GetStatus(", "ReversePayment(", "PayClaim(", "card: ns0:Card")
}
