package receipt_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"math/big"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"rsc.io/qr"

	"tolem"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/receipt"
	"tolem/signing"
)

const page = "https://pay.egov.example.kz/receipt"

// typical is a receipt as most are.
func typical() receipt.Receipt {
	return receipt.Receipt{
		Code: 1234567890123428, Recipient: "850101400011", RecipientName: "Ахметова Айгүл Серікқызы", RequestNo: "002241198317",
		Account: "KZ86125KZT5004100100", Amount: tolem.Money{Minor: 120_000, Currency: tolem.KZT},
		PaidAt: time.Date(2026, 11, 22, 5, 31, 7, 0, time.UTC), ReceivedAt: time.Date(2026, 11, 22, 5, 31, 9, 0, time.UTC),
		Method: tolem.ChannelAcquiring, Masked: "411111******1111", BankRef: "RRN632600451187", Bank: "HALYK", BankName: "Народный банк Казахстана",
		Service: "EREG-17", ServiceNames: tolem.Names{KK: "Мүлікке құқықты тіркеу", RU: "Государственная регистрация прав на недвижимое имущество", EN: "Registration of rights"},
		Provider: "GOV4C", ProviderNames: tolem.Names{KK: "«Азаматтарға арналған үкімет»", RU: "Госкорпорация «Правительство для граждан»", EN: "Government for Citizens"},
	}
}

// longest is a receipt in which nothing may be longer.
func longest() receipt.Receipt {
	r := typical()
	r.RecipientName = strings.Repeat("Қ", 200)
	r.RequestNo, r.BankRef = strings.Repeat("W", 64), strings.Repeat("8", 64)
	r.Account = strings.Repeat("K", 34)
	r.Amount.Minor = tolem.MaxAmountMinor
	r.Masked = "411111*********1111"
	r.Bank, r.Service, r.Provider = strings.Repeat("B", 32), strings.Repeat("S", 32), strings.Repeat("P", 32)
	r.BankName = strings.Repeat("Банк ", 40)
	r.ServiceNames = tolem.Names{KK: strings.Repeat("қызмет ", 60)}
	r.ProviderNames = tolem.Names{KK: strings.Repeat("мекеме ", 60)}
	return r
}

type issued struct {
	*receipt.Issuer
	certs []*x509.Certificate
}

func newIssuer(t testing.TB, page string) issued {
	t.Helper()
	id := tolemtest.NewPKI(t, pki.Options{}).Identity(pki.Spec{CommonName: "gateway", Usage: pki.Signing, Key: pki.P256})
	signer, err := signing.NewSigner(id.Key, id.Cert)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := receipt.NewIssuer(signer, page)
	if err != nil {
		t.Fatal(err)
	}
	return issued{issuer, []*x509.Certificate{id.Cert}}
}

func (i issued) qr(t testing.TB, r receipt.Receipt, language string) string {
	t.Helper()
	text, err := i.QR(r, language)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What is written is read again, every field of it; a bare text as well as one
// behind an address. GW-140 to GW-148
func TestEveryFieldIsThere(t *testing.T) {
	for _, where := range []string{page, ""} {
		i := newIssuer(t, where)
		want := typical()
		content := i.qr(t, want, "ru")
		if where != "" && !strings.HasPrefix(content, where+"#TOLEM1.") {
			t.Errorf("the code says %s", content)
		}
		got, cert, err := receipt.Verify("\n"+content+" ", i.certs)
		if err != nil || cert != i.certs[0] {
			t.Fatal(err)
		}
		want.ServiceNames, want.ProviderNames = tolem.Names{KK: want.ServiceNames.RU}, tolem.Names{KK: want.ProviderNames.RU}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("read as %+v\nwant    %+v", got, want)
		}
		for v, i := reflect.ValueOf(got), 0; i < v.NumField(); i++ {
			if v.Field(i).IsZero() {
				t.Errorf("the test leaves %s empty", v.Type().Field(i).Name)
			}
		}
	}
}

// What may be absent may be.
func TestOptionalFields(t *testing.T) {
	i := newIssuer(t, page)
	want := typical()
	want.RecipientName, want.RequestNo, want.Account, want.Masked, want.BankName = "", "", "", "", ""
	want.ServiceNames, want.ProviderNames = tolem.Names{}, tolem.Names{}
	if got, _, err := receipt.Verify(i.qr(t, want, "kk"), i.certs); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A byte changed anywhere makes the receipt false; in the address, which is not
// signed, it changes nothing of what is read.
func TestEveryByteCounts(t *testing.T) {
	i := newIssuer(t, page)
	content := i.qr(t, typical(), "kk")
	want, _, err := receipt.Verify(content, i.certs)
	if err != nil {
		t.Fatal(err)
	}
	start := strings.Index(content, "#") + 1
	for at := range len(content) {
		for bit := range 8 {
			altered := []byte(content)
			altered[at] ^= 1 << bit
			got, _, err := receipt.Verify(string(altered), i.certs)
			if at >= start && err == nil {
				t.Errorf("byte %d of the text with bit %d changed is still genuine", at-start, bit)
			}
			if at < start && err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("byte %d of the address changes what is read", at)
			}
		}
	}
	for end := start; end < len(content); end++ {
		if _, _, err := receipt.Verify(content[:end], i.certs); err == nil {
			t.Errorf("cut at %d it is still genuine", end-start)
		}
	}
}

// Each field changed makes another text, and the signature of one does not fit
// the fields of the other.
func TestEveryFieldIsSigned(t *testing.T) {
	i := newIssuer(t, "")
	raw := func(r receipt.Receipt) []byte {
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(i.qr(t, r, "kk"), receipt.Mark))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	genuine := raw(typical())
	signature := genuine[len(genuine)-64:]
	v := reflect.TypeFor[receipt.Receipt]()
	for n := range v.NumField() {
		r := typical()
		switch f := reflect.ValueOf(&r).Elem().Field(n).Addr().Interface().(type) {
		case *tolem.CodeNumber:
			*f = 9876543210987606
		case *tolem.IIN:
			*f = "990240001237"
		case *string:
			*f += "1"
		case *tolem.Money:
			f.Minor++
		case *time.Time:
			*f = f.Add(time.Second)
		case *tolem.Channel:
			*f = tolem.ChannelATM
		case *tolem.Names:
			f.KK = "Басқа"
		default:
			t.Fatalf("how is a %T altered?", f)
		}
		other := raw(r)
		fields := other[:len(other)-64]
		if bytes.Equal(fields, genuine[:len(genuine)-64]) {
			t.Errorf("%s is not in the text", v.Field(n).Name)
		}
		forged := receipt.Mark + base64.RawURLEncoding.EncodeToString(append(fields[:len(fields):len(fields)], signature...))
		if got, _, err := receipt.Verify(forged, i.certs); !errors.Is(err, receipt.ErrSignature) || got.Code != 0 {
			t.Errorf("%s altered: %v", v.Field(n).Name, err)
		}
	}
}

// A receipt of another gateway, one of no gateway, and none at all.
func TestWhatIsNotGenuine(t *testing.T) {
	ours, theirs := newIssuer(t, ""), newIssuer(t, "")
	content := ours.qr(t, typical(), "kk")
	if _, _, err := receipt.Verify(content, theirs.certs); !errors.Is(err, receipt.ErrKey) {
		t.Errorf("another key: %v", err)
	}
	if _, _, err := receipt.Verify(content, nil); !errors.Is(err, receipt.ErrKey) {
		t.Errorf("no key: %v", err)
	}
	if _, _, err := receipt.Verify(content, append(theirs.certs, ours.certs...)); err != nil {
		t.Errorf("among others: %v", err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(content[len(receipt.Mark):])
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(raw[len(raw)-32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(raw[len(raw)-32:])
	if _, _, err := receipt.Verify(receipt.Mark+base64.RawURLEncoding.EncodeToString(raw), ours.certs); !errors.Is(err, receipt.ErrSignature) {
		t.Errorf("the other form of the signature: %v", err)
	}
	for _, text := range []string{
		"", "TOLEM1", "TOLEM1.", "TOLEM2." + content[len(receipt.Mark):], "tolem1." + content[len(receipt.Mark):], content + "=", content + "A",
		content[:40] + "\n" + content[40:], content[:40] + " " + content[40:], "javascript:alert(1)#" + content, "//evil#" + content, "https://a b/receipt#" + content,
		page + "#x#" + content, page + "?" + content, strings.Repeat("A", 5000), "https://u:p@h/receipt#" + content, content + "#" + content,
	} {
		if _, _, err := receipt.Verify(text, ours.certs); !errors.Is(err, receipt.ErrText) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

// What is no whole receipt is not written; a key that is not P-256 signs none.
func TestWhatIsNotWritten(t *testing.T) {
	i := newIssuer(t, page)
	for name, change := range map[string]func(*receipt.Receipt){
		"code": func(r *receipt.Receipt) { r.Code = 7 }, "IIN": func(r *receipt.Receipt) { r.Recipient = "850101400012" },
		"no IIN": func(r *receipt.Receipt) { r.Recipient = "" }, "amount": func(r *receipt.Receipt) { r.Amount.Minor = 0 },
		"negative": func(r *receipt.Receipt) { r.Amount.Minor = -1 }, "currency": func(r *receipt.Receipt) { r.Amount.Currency = "USD" },
		"time": func(r *receipt.Receipt) { r.PaidAt = time.Time{} }, "method": func(r *receipt.Receipt) { r.Method = "CASH" },
		"transaction": func(r *receipt.Receipt) { r.BankRef = "" }, "bank": func(r *receipt.Receipt) { r.Bank = "" },
		"long": func(r *receipt.Receipt) { r.RequestNo = strings.Repeat("x", 65) },
	} {
		r := typical()
		change(&r)
		if _, err := i.QR(r, "kk"); !errors.Is(err, receipt.ErrReceipt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	authority := tolemtest.NewPKI(t, pki.Options{})
	for _, key := range []pki.KeyKind{pki.RSA2048, pki.P384} {
		id := authority.Identity(pki.Spec{CommonName: "gateway", Usage: pki.Signing, Key: key})
		signer, err := signing.NewSigner(id.Key, id.Cert)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := receipt.NewIssuer(signer, page); err == nil {
			t.Errorf("%s signs receipts", key)
		}
	}
	for _, bad := range []string{"pay.kz/receipt", "ftp://pay.kz/receipt", "https://pay.kz/receipt#", "https://pay.kz/қ", "https://" + strings.Repeat("a", 300)} {
		if _, err := receipt.NewIssuer(fixedSigner{i.certs[0]}, bad); err == nil {
			t.Errorf("%s is taken for an address", bad)
		}
	}
}

type fixedSigner struct{ cert *x509.Certificate }

func (f fixedSigner) Certificate() *x509.Certificate              { return f.cert }
func (f fixedSigner) SignDetached(string, []byte) ([]byte, error) { return nil, nil }

// Names are cut by a rule that shows; identifiers never are. What nobody can
// see is made visible.
func TestNamesAreCut(t *testing.T) {
	i := newIssuer(t, "")
	r := longest()
	r.BankName = "A\u202eB\u00a0C\x07D\u200bE漢字 ʻ"
	got, _, err := receipt.Verify(i.qr(t, r, "kk"), i.certs)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("Қ", 39) + "…"; got.RecipientName != want {
		t.Errorf("the name is %q", got.RecipientName)
	}
	if want := "A\ufffdB C\ufffdD\ufffdE漢字 ʻ"; got.BankName != want {
		t.Errorf("the bank is %q", got.BankName)
	}
	if n := len([]rune(got.ServiceNames.KK)); n > 64 || !strings.HasSuffix(got.ServiceNames.KK, "…") {
		t.Errorf("the service is %q", got.ServiceNames.KK)
	}
	if got.RequestNo != r.RequestNo || got.BankRef != r.BankRef || got.Account != r.Account || got.Service != r.Service {
		t.Error("an identifier was cut")
	}
}

// A QR code of a receipt can be read from paper: these are the sizes.
func TestSizeOfTheCode(t *testing.T) {
	i := newIssuer(t, page)
	for _, c := range []struct {
		name    string
		receipt receipt.Receipt
		most    int
	}{{"typical", typical(), 600}, {"longest", longest(), 1000}} {
		content := i.qr(t, c.receipt, "ru")
		for name, level := range map[string]qr.Level{"L": qr.L, "M": qr.M} {
			code, err := qr.Encode(content, level)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d characters, %d modules at level %s", c.name, len(content), code.Size, name)
		}
		if len(content) > c.most {
			t.Errorf("%s: %d characters, at most %d are wanted", c.name, len(content), c.most)
		}
	}
}

// A receipt that was written by the first version stays genuine for ever.
func TestFirstVersionIsReadForEver(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	cert, err := x509.ParseCertificate(read("version1.der"))
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := receipt.Verify(string(read("version1.txt")), []*x509.Certificate{cert})
	if err != nil {
		t.Fatal(err)
	}
	want := typical()
	want.ServiceNames, want.ProviderNames = tolem.Names{KK: want.ServiceNames.KK}, tolem.Names{KK: want.ProviderNames.KK}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v", got)
	}
}

// What is read was written so: reading and writing give the same bytes, whatever
// the bytes are. No signature is in the way.
func FuzzBody(f *testing.F) {
	for _, r := range []receipt.Receipt{typical(), longest()} {
		b, err := receipt.EncodeBody(r, "kk")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := receipt.ReadBody(b)
		if err != nil {
			if !errors.Is(err, receipt.ErrText) {
				t.Errorf("%v", err)
			}
			return
		}
		again, err := receipt.EncodeBody(r, "kk")
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x is read as %+v and written as %x (%v)", b, r, again, err)
		}
	})
}

// Whatever a QR code says, nothing but a genuine receipt comes out.
func FuzzVerify(f *testing.F) {
	i := newIssuer(f, page)
	content := i.qr(f, typical(), "kk")
	f.Add(content)
	f.Add("TOLEM1.AAAA")
	f.Add(page + "#" + receipt.Mark)
	f.Fuzz(func(t *testing.T, text string) {
		r, cert, err := receipt.Verify(text, i.certs)
		if err == nil && !strings.HasSuffix(strings.TrimSpace(text), content[strings.Index(content, "#")+1:]) {
			t.Errorf("%q is taken for a receipt", text)
		}
		if err != nil && (cert != nil || r != receipt.Receipt{}) {
			t.Error("something of a false receipt comes out")
		}
	})
}
