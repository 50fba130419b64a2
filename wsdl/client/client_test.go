package client_test

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/wsdl/client"
)

func TestIssueCode(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = func(w http.ResponseWriter, r request) {
		gw.answer(w, r, codeField()+"<issuedAt>2026-11-22T04:05:06.123456Z</issuedAt><expiresAt>2026-11-23T09:05:06+05:00</expiresAt>")
	}
	got, err := gw.client(nil).IssueCode(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	if got.Code != code || !got.IssuedAt.Equal(time.Date(2026, 11, 22, 4, 5, 6, 123456000, time.UTC)) ||
		!got.ExpiresAt.Equal(time.Date(2026, 11, 23, 4, 5, 6, 0, time.UTC)) {
		t.Errorf("answer is %+v", got)
	}
	r := gw.seen()[0]
	if r.Operation != "IssueCode" || r.ID != string(got.RequestID) || r.Signer != "Bank One" || r.Action != `"urn:tolem:gateway:v1:IssueCode"` {
		t.Errorf("request is %+v", r)
	}
	want := `<IssueCode xmlns="urn:tolem:gateway:v1"><requestId>` + r.ID + `</requestId><serviceCode>PASSPORT</serviceCode><providerId>MIA</providerId>` +
		`<recipientIIN>850101300005</recipientIIN><recipientName>Әлия &amp; &lt;Co&gt; ` + "\U0001F600" + `</recipientName>` +
		`<amount>1000000.00</amount><currency>KZT</currency><channel>ATM</channel></IssueCode>`
	if !strings.Contains(r.Body, ">"+want+"<") {
		t.Errorf("body is\n%s\nwant in it\n%s", r.Body, want)
	}
}

// Every operation: what is sent and what is made of the answer.
func TestEveryOperation(t *testing.T) {
	gw := newCounterpart(t)
	cl := gw.client(nil)
	at := time.Date(2026, 11, 22, 9, 5, 6, 0, time.FixedZone("", 5*3600))
	paid := client.Payment{
		Code: code, Bank: "BANK1", BankRef: "r/1", Amount: wanted.Amount, PaidAt: at, Channel: tolem.ChannelATM,
		Recipient: wanted.Recipient, Service: "PASSPORT", Provider: "MIA", Account: "KZ86",
		Branch: "ALM01", Fee: tolem.Money{Minor: 12_50, Currency: tolem.KZT},
	}
	cases := []struct {
		name         string
		answer, sent string
		call         func() (any, error)
		want         func(any) bool
	}{
		{
			"NotifyPayment", codeField() + "<receivedAt>2026-11-22T04:05:07Z</receivedAt><state>PAID</state><late>true</late><branchId>ALM01</branchId>",
			"<paymentCode>" + code.String() + "</paymentCode><bankId>BANK1</bankId><bankRef>r/1</bankRef><amount>1000000.00</amount><currency>KZT</currency>" +
				"<paidAt>2026-11-22T04:05:06Z</paidAt><channel>ATM</channel><recipientIIN>850101300005</recipientIIN><serviceCode>PASSPORT</serviceCode>" +
				"<providerId>MIA</providerId><accountNo>KZ86</accountNo><branchId>ALM01</branchId><fee>12.50</fee>",
			func() (any, error) { return cl.NotifyPayment(t.Context(), paid) },
			func(v any) bool {
				r := v.(client.RecordedPayment)
				return r.Code == code && r.State == tolem.StatePaid && r.Late && r.Branch == "ALM01" && r.ReceivedAt.Unix() == at.Unix()+1
			},
		},
		{
			"ValidateCode", codeField() + "<state>PAID</state><recipientIIN>850101300005</recipientIIN><recipientName>A &amp; B</recipientName>" +
				"<serviceCode>PASSPORT</serviceCode><amount>0.5</amount><currency>KZT</currency><paidAt>2026-11-22T04:05:06Z</paidAt><boundRequestNo>n1</boundRequestNo>",
			"<requestNo>n1</requestNo><recipientIIN>850101300005</recipientIIN><serviceCode>PASSPORT</serviceCode>",
			func() (any, error) {
				return cl.ValidateCode(t.Context(), client.Validation{Code: code, RequestNo: "n1", Recipient: "850101300005", Service: "PASSPORT"})
			},
			func(v any) bool {
				r := v.(client.ValidCode)
				return r.Recipient == "850101300005" && r.RecipientName == "A & B" && r.Amount == tolem.Money{Minor: 50, Currency: tolem.KZT} && r.BoundTo == "n1"
			},
		},
		{
			"CloseCode", codeField() + "<state>CLOSED</state><closedAt>2026-11-22T04:05:06Z</closedAt>",
			"<closeId>c1</closeId><centreId>7</centreId><operatorId>op</operatorId>",
			func() (any, error) {
				return cl.CloseCode(t.Context(), client.Closing{Code: code, ID: "c1", Centre: "7", Operator: "op"})
			},
			func(v any) bool {
				r := v.(client.ClosedCode)
				return r.State == tolem.StateClosed && r.ClosedAt.Equal(at)
			},
		},
		{
			"CancelCode", codeField() + "<state>CANCELLED</state><cancelledAt>2026-11-22T04:05:06Z</cancelledAt>",
			"<reason>changed &amp; left</reason>",
			func() (any, error) { return cl.CancelCode(t.Context(), code, "changed & left") },
			func(v any) bool {
				r := v.(client.CancelledCode)
				return r.State == tolem.StateCancelled && r.CancelledAt.Equal(at)
			},
		},
		{
			"GetPayment", codeField() + "<state>PAID</state><serviceCode>PASSPORT</serviceCode><providerId>MIA</providerId><amount>1000000000000.00</amount><currency>UZS</currency>" +
				"<channel>CARRIER_PIGEON</channel><issuedAt>2026-11-22T04:05:06Z</issuedAt><bankId>BANK1</bankId><bankRef>r/1</bankRef>",
			codeField(),
			func() (any, error) { return cl.GetPayment(t.Context(), code) },
			func(v any) bool {
				r := v.(client.PaymentState)
				return r.Amount.Minor == tolem.MaxAmountMinor && r.Channel == "CARRIER_PIGEON" && r.Bank == "BANK1" && r.PaidAt.IsZero() && r.IssuedAt.Equal(at)
			},
		},
		{
			"GetReceipt", codeField() + "<receipt>PHIvPg==</receipt>", codeField(),
			func() (any, error) { return cl.GetReceipt(t.Context(), code) },
			func(v any) bool { return string(v.(client.Receipt).Document) == "<r/>" },
		},
		{
			"StartCardPayment", codeField() + redirectFields,
			codeField() + "<recipientIIN>850101300005</recipientIIN><serviceCode>PASSPORT</serviceCode><amount>1200.00</amount><currency>KZT</currency>" +
				"<details>a &amp; b</details><returnAddress>https://portal.kz/back?a=1&amp;b=2</returnAddress><language>ru</language>",
			func() (any, error) {
				return cl.StartCardPayment(t.Context(), client.CardCheckout{
					Code: code, Recipient: "850101300005", Service: "PASSPORT", Amount: tolem.Money{Minor: 120_000, Currency: tolem.KZT},
					Details: "a & b", ReturnAddress: "https://portal.kz/back?a=1&b=2", Language: "ru",
				})
			},
			func(v any) bool {
				r := v.(client.StartedPayment)
				return r.Code == code && r.Payment == paymentID && r.Address == "https://pay.kz/pay/abc" && r.ExpiresAt.Equal(at)
			},
		},
		{
			"StartAccountPayment", redirectFields,
			"<serviceCode>PASSPORT</serviceCode><providerId>MIA</providerId><recipientIIN>850101300005</recipientIIN><amount>1200.00</amount><currency>KZT</currency>" +
				"<requestNo>R-1</requestNo><returnAddress>https://portal.kz/back</returnAddress>",
			func() (any, error) {
				return cl.StartAccountPayment(t.Context(), client.AccountCheckout{
					Service: "PASSPORT", Provider: "MIA", Recipient: "850101300005", Amount: tolem.Money{Minor: 120_000, Currency: tolem.KZT},
					RequestNo: "R-1", ReturnAddress: "https://portal.kz/back",
				})
			},
			func(v any) bool {
				r := v.(client.StartedPayment)
				return r.Code == 0 && r.Payment == paymentID && r.Address == "https://pay.kz/pay/abc"
			},
		},
		{
			"GetCheckout", "<paymentId>" + paymentID + "</paymentId><stage>PAID</stage><method>ACCOUNT</method>" + codeField() +
				"<bankId>BANK1</bankId><bankRef>r/1</bankRef><paidAt>2026-11-22T04:05:06Z</paidAt>",
			"<paymentId>" + paymentID + "</paymentId>",
			func() (any, error) { return cl.GetCheckout(t.Context(), paymentID) },
			func(v any) bool {
				r := v.(client.Checkout)
				return r.Stage == tolem.StagePaid && r.Method == tolem.MethodAccount && r.Code == code && r.Bank == "BANK1" && r.PaidAt.Equal(at) && r.Refusal == ""
			},
		},
		{
			"ListServices", "<services><service><serviceCode>A</serviceCode><providerId>MIA</providerId><name><kk>Қызмет</kk></name><fixedAmount>12.00</fixedAmount><currency>KZT</currency></service>" +
				"<service><serviceCode>B</serviceCode><providerId>MIA</providerId><name><en>B</en></name><providerName><ru>МВД</ru></providerName><minAmount>1.00</minAmount><maxAmount>9.99</maxAmount><currency>KZT</currency></service></services>",
			"<providerId>MIA</providerId>",
			func() (any, error) { return cl.ListServices(t.Context(), "MIA") },
			func(v any) bool {
				s := v.(client.Services).Services
				return len(s) == 2 && s[0].Names.KK == "Қызмет" && s[0].Price.Fixed == 1200 && s[1].Price == tolem.Price{Currency: "KZT", Min: 100, Max: 999} &&
					s[1].ProviderNames.RU == "МВД"
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			gw.respond = func(w http.ResponseWriter, r request) { gw.answer(w, r, c.answer) }
			got, err := c.call()
			if err != nil {
				t.Fatal(err)
			}
			if !c.want(got) {
				t.Errorf("answer is %+v", got)
			}
			all := gw.seen()
			if r := all[len(all)-1]; r.Operation != c.name || !strings.Contains(r.Body, c.sent) {
				t.Errorf("sent %s\nwant in it %s", r.Body, c.sent)
			}
		})
	}
}

func TestGetOutcomeVerifiesTheStoredAnswer(t *testing.T) {
	gw := newCounterpart(t)
	earlier := request{Operation: "CloseCode", ID: string(client.NewRequestID())}
	yesterday := time.Now().Add(-20 * time.Hour)
	sound := gw.signed(earlier, yesterday, payload(earlier, "NOT_PAID", ""))
	other := gw.signed(request{}, yesterday, payload(request{Operation: "CloseCode", ID: string(client.NewRequestID())}, "NOT_PAID", ""))
	gw.revoke(gw.rsa) // which signed both; the gateway has another key by now
	cases := map[string]struct {
		stored []byte
		result string
		fails  bool
	}{
		"as it was":          {sound, "NOT_PAID", false},
		"altered":            {[]byte(strings.Replace(string(sound), "NOT_PAID", "CANCELED", 1)), "CANCELED", true},
		"another result":     {sound, "OK", true},
		"of another request": {other, "NOT_PAID", true},
		"nothing":            {nil, "NOT_PAID", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			gw.respond = func(w http.ResponseWriter, r request) {
				gw.answer(w, r, "<operation>CloseCode</operation><ofResultCode>"+c.result+"</ofResultCode><answeredAt>2026-11-21T04:05:06Z</answeredAt><answer>"+
					base64.StdEncoding.EncodeToString(c.stored)+"</answer>")
			}
			got, err := gw.client(nil).GetOutcome(t.Context(), tolem.RequestID(earlier.ID))
			if c.fails {
				if !errors.Is(err, client.ErrAnswer) {
					t.Errorf("error is %v, want ErrAnswer", err)
				}
				return
			}
			if err != nil || got.Operation != tolem.OpCloseCode || got.Result != tolem.NotPaid || string(got.Signed) != string(sound) {
				t.Errorf("outcome is %+v, %v", got, err)
			}
		})
	}
}

func TestRSAAndSOAP12(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = func(w http.ResponseWriter, r request) { gw.answer(w, r, codeField()) }
	for _, soap12 := range []bool{false, true} {
		for _, kind := range []pki.KeyKind{pki.RSA2048, pki.P256, pki.P384} {
			cl := gw.client(func(c *client.Config) { c.SOAP12, c.Signer = soap12, gw.signer("Bank", kind) })
			if _, err := cl.IssueCode(t.Context(), wanted); err != nil {
				t.Errorf("SOAP 1.2 %t, key %v: %v", soap12, kind, err)
			}
			all := gw.seen()
			r := all[len(all)-1]
			if (r.Version == signing.SOAP12) != soap12 || r.EC == (kind == pki.RSA2048) || strings.Contains(r.Type, "soap+xml") != soap12 {
				t.Errorf("SOAP 1.2 %t, key %v: %+v", soap12, kind, r)
			}
		}
	}
}

func TestOnBehalfOf(t *testing.T) {
	gw := newCounterpart(t)
	gw.respond = func(w http.ResponseWriter, r request) { gw.answer(w, r, "") }
	cl := gw.client(func(c *client.Config) { c.OnBehalfOf = "BANK1" })
	for want, options := range map[string][]client.Option{"BANK1": nil, "BANK2": {client.OnBehalfOf("BANK2")}} {
		if _, err := cl.ListServices(t.Context(), "", options...); err != nil {
			t.Fatal(err)
		}
		all := gw.seen()
		if r := all[len(all)-1]; !strings.Contains(r.Body, "</requestId><onBehalfOf>"+want+"</onBehalfOf>") {
			t.Errorf("body is %s, want %s in it", r.Body, want)
		}
	}
}

// A slip of the caller's is found before anything is signed or sent.
func TestMissingFieldsAreNotSent(t *testing.T) {
	gw := newCounterpart(t)
	cl := gw.client(nil)
	calls := map[string]func() error{
		"serviceCode": func() error { _, err := cl.IssueCode(t.Context(), client.CodeRequest{}); return err },
		"paymentCode": func() error { _, err := cl.NotifyPayment(t.Context(), client.Payment{}); return err },
		"paidAt": func() error {
			_, err := cl.NotifyPayment(t.Context(), client.Payment{Code: code, Bank: "B", BankRef: "1", Amount: wanted.Amount})
			return err
		},
		"closeId":     func() error { _, err := cl.CloseCode(t.Context(), client.Closing{Code: code}); return err },
		"ofRequestId": func() error { _, err := cl.GetOutcome(t.Context(), ""); return err },
	}
	for field, call := range calls {
		if err := call(); !errors.Is(err, client.ErrMissing) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if n := len(gw.seen()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestNewRefusesConfigurationsThatAreNotSafe(t *testing.T) {
	gw := newCounterpart(t)
	cases := []struct {
		change func(*client.Config)
		want   error
	}{
		{func(c *client.Config) { c.Address = "http://gateway.example/soap/v1" }, client.ErrAddress},
		{func(c *client.Config) { c.Address = "https://gateway.example/soap/v1?wsdl" }, client.ErrAddress},
		{func(c *client.Config) { c.Signer = nil }, client.ErrNoSigner},
		{func(c *client.Config) { c.Trust = nil }, client.ErrNoTrust},
		{func(c *client.Config) { c.Gateway = client.Identity{} }, client.ErrIdentity},
		{func(c *client.Config) { c.TLS = &tls.Config{InsecureSkipVerify: true} }, client.ErrTLS},
		{func(c *client.Config) { c.Attempts = client.MaxAttempts + 1 }, client.ErrAttempts},
	}
	for _, c := range cases {
		config := gw.config()
		c.change(&config)
		if _, err := client.New(config); !errors.Is(err, c.want) {
			t.Errorf("New: %v, want %v", err, c.want)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	a, b := client.NewRequestID(), client.NewRequestID()
	if a == b || !tolem.CheckRequestID(string(a)) || a[14] != '4' {
		t.Errorf("ids %s, %s", a, b)
	}
}
