package wsdl_test

import (
	"encoding/xml"
	"regexp"
	"testing"

	"tolem/wsdl"
)

const soundLookup = `<LookupAccount xmlns="urn:tolem:provider:v1"><requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId>` +
	`<providerId>AZERSU</providerId><accountNo>A-1/2</accountNo></LookupAccount>`

const soundLookedUp = `<LookupAccountResponse xmlns="urn:tolem:provider:v1"><requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId>` +
	`<accountNo>A-1/2</accountNo><resultCode>OK</resultCode><asOf>2026-11-22T09:05:06+04:00</asOf><paidUntil>2026-11-22T00:00:00+04:00</paidUntil>` +
	`<currency>AZN</currency><account><number>A-1/2</number><closed>false</closed><holder>Əliyev Orxan</holder><address>Bakı, Nizami küç. 1</address>` +
	`<detail><label>Sayğac</label><value>00012345</value></detail><bill><serviceCode>SU</serviceCode><amount>12.50</amount><invoiceNo>7</invoiceNo>` +
	`<period>2026-10</period></bill></account></LookupAccountResponse>`

// WP-033
func TestProviderSchemaRefuses(t *testing.T) {
	refuses(t, wsdl.ProviderSchema(),
		spoilt{"account with a space", soundLookup, "A-1/2", "A 1", "accountNo"},
		spoilt{"no organisation", soundLookup, "<providerId>AZERSU</providerId>", "", "accountNo"},
		spoilt{"time without zone", soundLookedUp, "06+04:00", "06", "asOf"},
		spoilt{"amount of nothing", soundLookedUp, "12.50", "0.00", "amount"},
		spoilt{"label without words", soundLookedUp, "Sayğac", "", "label"},
		spoilt{"field out of order", soundLookedUp, "<serviceCode>SU</serviceCode><amount>12.50</amount>", "<amount>12.50</amount><serviceCode>SU</serviceCode>", "amount"},
		spoilt{"result in words", soundLookedUp, ">OK<", ">fine<", "resultCode"},
	)
}

// Types that have the name of one of the gateway's contract are that type, so
// that an organisation says of an account here what it says with SubmitBills.
func TestProviderSpeaksOfAccountsAsSubmitBillsDoes(t *testing.T) {
	types := regexp.MustCompile(`(?s)  <xs:(simple|complex)Type name="([A-Za-z]+)">.*?</xs:(simple|complex)Type>`)
	documentation := regexp.MustCompile(`(?s)\s*<xs:annotation>.*?</xs:annotation>\s*`)
	gateway := make(map[string]string)
	for _, m := range types.FindAllStringSubmatch(string(wsdl.Schema()), -1) {
		gateway[m[2]] = documentation.ReplaceAllString(m[0], "")
	}
	same := 0
	for _, m := range types.FindAllStringSubmatch(string(wsdl.ProviderSchema()), -1) {
		there, shared := gateway[m[2]]
		if !shared {
			continue
		}
		same++
		if here := documentation.ReplaceAllString(m[0], ""); here != there {
			t.Errorf("%s is\n%s\nand with SubmitBills\n%s", m[2], here, there)
		}
	}
	if same < 15 {
		t.Errorf("%d types are shared", same)
	}
}

// An organisation builds its service from one file, in which everything is
// explained.
func TestProviderContractIsUsable(t *testing.T) {
	var s schema
	if err := xml.Unmarshal(wsdl.ProviderSchema(), &s); err != nil {
		t.Fatal(err)
	}
	s.documented(t)
	doc := wsdl.ProviderWSDLAt("https://su.example/v1?a&b")
	d := readWSDL(t, doc)
	if d.Ports[0].Address.Location != "https://su.example/v1?a&b" {
		t.Errorf("address %s", d.Ports[0].Address.Location)
	}
	if op := d.PortType.Operations[0]; op.Name != wsdl.ProviderLookup || op.Doc == "" || d.Bindings[0].Operations[0].SOAP.Action != wsdl.ProviderAction {
		t.Errorf("operation %+v", op)
	}
	builds(t, doc, "LookupAccount(", "account: ns0:BillAccount")
}
