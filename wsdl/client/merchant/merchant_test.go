package merchant_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/wsdl/client/merchant"
)

const page = "https://pay.example.kz/pay"

var now = time.Now().UTC().Truncate(time.Second)

func signer(t *testing.T, authority *tolemtest.PKI, key pki.KeyKind) *signing.Signer {
	t.Helper()
	id := authority.Identity(pki.Spec{CommonName: "someone", Usage: pki.Signing, Key: key})
	s, err := signing.NewSigner(id.Key, id.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func order() tolem.OrderRedirect {
	return tolem.OrderRedirect{
		Merchant: "SHOP", OrderNo: "A-1001", Amount: tolem.Money{Minor: 120_000, Currency: tolem.KZT}, Return: "https://shop.kz/orders?no=A-1001",
		Language: "ru", Issued: now,
	}
}

// Every field survives the way through the browser, and the signature verifies
// with each kind of key. ACQ-003 to ACQ-006, ACQ-P05
func TestRedirectIsReadAsItWasSigned(t *testing.T) {
	authority := tolemtest.NewPKI(t, pki.Options{})
	for _, key := range []pki.KeyKind{pki.RSA2048, pki.P256, pki.P384} {
		s := signer(t, authority, key)
		address, err := merchant.SignRedirect(page, order(), s)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil || !strings.HasPrefix(address, page+"/order?") {
			t.Fatalf("%s: %v", address, err)
		}
		o, signature, err := tolem.ParseOrderRedirect(u.Query())
		if err != nil {
			t.Fatal(err)
		}
		want := order()
		want.Key = s.Fingerprint().String()
		if o != want {
			t.Errorf("read %+v, want %+v", o, want)
		}
		trusted := merchant.Trust{s.Certificate()}
		if _, _, err := signing.VerifyText(s.Certificate().Raw, o.Text(), signature, trusted, now); err != nil {
			t.Error(err)
		}
		o.Amount.Minor--
		var refused *signing.Error
		if _, _, err := signing.VerifyText(s.Certificate().Raw, o.Text(), signature, trusted, now); !errors.As(err, &refused) || refused.Class != signing.ClassSignature {
			t.Errorf("altered: %v", err)
		}
	}
	bad := order()
	bad.OrderNo = "Иванов"
	if _, err := merchant.SignRedirect(page, bad, signer(t, authority, pki.P256)); !errors.Is(err, tolem.ErrRedirect) {
		t.Errorf("free text in an order number: %v", err)
	}
}

const number = "R-0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001-PAID"

const result = `<result xmlns="urn:tolem:result:v1"><number>` + number + `</number><merchantId>SHOP</merchantId><orderNo>A-1001</orderNo>` +
	`<sequence>2</sequence><attemptId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</attemptId><paymentCode>1234567890123494</paymentCode>` +
	`<serviceCode>BIRTH</serviceCode><amount>1200.00</amount><currency>KZT</currency><authorisation>APPROVED</authorisation><state>PAID</state>` +
	`<bankId>HALYK</bankId><bankRef>REF</bankRef><startedAt>2026-11-22T09:30:00Z</startedAt><madeAt>2026-11-22T09:30:01.5Z</madeAt></result>`

func post(t *testing.T, address, document string) (int, string) {
	t.Helper()
	res, err := http.Post(address, "application/xml", strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// A shop takes a result once, acknowledges it as often as it comes, and
// believes nobody but the gateway. ACQ-P12
func TestReceiverTakesAResultOnce(t *testing.T) {
	authority := tolemtest.NewPKI(t, pki.Options{})
	gateway, stranger := signer(t, authority, pki.RSA2048), signer(t, authority, pki.RSA2048)
	var taken []merchant.Result
	fail := true
	receiver := httptest.NewServer(merchant.NewReceiver(merchant.ReceiverConfig{
		Merchant: "SHOP", Gateway: merchant.Trust{gateway.Certificate()},
		Handle: func(_ context.Context, r merchant.Result) error {
			if fail {
				return errors.New("the shop's database is away")
			}
			taken = append(taken, r)
			return nil
		},
	}))
	defer receiver.Close()
	sign := func(s *signing.Signer, document string) string {
		signed, err := s.SignEnveloped([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	good := sign(gateway, result)
	if status, _ := post(t, receiver.URL, good); status != http.StatusServiceUnavailable {
		t.Errorf("a shop that cannot take a result answers %d", status)
	}
	fail = false
	for range 3 {
		if status, body := post(t, receiver.URL, good); status != http.StatusOK || body != number {
			t.Errorf("%d %q", status, body)
		}
	}
	if len(taken) != 1 || taken[0].State != tolem.OrderPaid || taken[0].OrderNo != "A-1001" || taken[0].Amount.Minor != 120_000 || taken[0].Sequence != 2 {
		t.Errorf("taken: %+v", taken)
	}
	for name, document := range map[string]string{
		"unsigned":              result,
		"signed by a stranger":  sign(stranger, result),
		"altered":               strings.Replace(good, "1200.00", "1.00", 1),
		"of another merchant":   sign(gateway, strings.Replace(result, "SHOP", "OTHER", 1)),
		"with another number":   sign(gateway, strings.Replace(result, number, "B-1", 1)),
		"in no known state":     sign(gateway, strings.Replace(result, "<state>PAID", "<state>FINE", 1)),
		"of another namespace":  sign(gateway, strings.Replace(result, "result:v1", "receipt:v1", 1)),
		"larger than they are":  good + strings.Repeat(" ", 64<<10),
		"nothing of the sort":   "hello",
		"of a day without time": sign(gateway, strings.Replace(result, "2026-11-22T09:30:00Z", "2026-11-22", 1)),
	} {
		if status, body := post(t, receiver.URL, document); status != http.StatusBadRequest || strings.Contains(body, number) {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
	if len(taken) != 1 {
		t.Error("something else was taken")
	}
	var none x509.Certificate
	if _, err := (merchant.Trust{}).Check(&none, now); err == nil {
		t.Error("nobody is believed by an empty list")
	}
}
