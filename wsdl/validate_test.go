package wsdl_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tolem/wsdl"
)

const sound = `<NotifyPayment xmlns="urn:tolem:gateway:v1"><requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId>` +
	`<paymentCode>1234-5678 90123456</paymentCode><bankId>BANK1</bankId><bankRef>a/1 № 7</bankRef><amount>1000000.5</amount><currency>KZT</currency>` +
	`<paidAt>2026-11-22T09:05:06.123456+05:00</paidAt><channel>ATM</channel><recipientIIN>850101300005</recipientIIN>` +
	`<recipientName>Әлия &amp; &lt;Co&gt;</recipientName><serviceCode>S</serviceCode><providerId>P</providerId><accountNo>KZ86</accountNo></NotifyPayment>`

// The schema itself says what is refused: libxml2 reads it as integrators'
// tools do. Each case changes one thing of a sound message.
func TestSchemaRefuses(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED, xmllint is not installed")
	}
	schema := write(t, "gateway-v1.xsd", string(wsdl.Schema()))
	if out, err := lint(t, schema, sound); err != nil {
		t.Fatalf("the sound message is refused: %s", out)
	}
	cases := []struct{ name, old, new, mention string }{
		{"amount with exponent", "1000000.5", "1e+06", "amount"},
		{"amount with three decimals", "1000000.5", "1.001", "amount"},
		{"amount of nothing", "1000000.5", "0.00", "amount"},
		{"negative amount", "1000000.5", "-1.00", "amount"},
		{"time without zone", "+05:00", "", "paidAt"},
		{"date that does not exist", "2026-11-22T", "2026-02-30T", "paidAt"},
		{"unknown channel", ">ATM<", ">PIGEON<", "channel"},
		{"short code", "1234-5678 90123456", "1234-5678 9012345", "paymentCode"},
		{"code with letters", "1234-5678 90123456", "1234-5678 9012345x", "paymentCode"},
		{"no UUID", "0b6c1e0a-5f0e-4d5e", "0b6c1e0a-5f0e-4d5", "requestId"},
		{"IIN too short", "850101300005", "85010130000", "recipientIIN"},
		{"line end in a name", "&lt;Co", "&#10;Co", "recipientName"},
		{"empty reference", "a/1 № 7", "", "bankRef"},
		{"reference too long", "a/1 № 7", strings.Repeat("x", 65), "bankRef"},
		{"identifier with a space", "BANK1", "BANK 1", "bankId"},
		{"field missing", "<accountNo>KZ86</accountNo>", "", "accountNo"},
		{"field out of order", "<bankId>BANK1</bankId><bankRef>a/1 № 7</bankRef>", "<bankRef>a/1 № 7</bankRef><bankId>BANK1</bankId>", "bankRef"},
		{"field twice", "<bankId>BANK1</bankId>", "<bankId>BANK1</bankId><bankId>BANK1</bankId>", "bankId"},
		{"foreign field", "<bankId>", "<x xmlns=''/><bankId>", "x"},
		{"attribute", "<bankId>", "<bankId kind='a'>", "kind"},
	}
	for _, c := range cases {
		message := strings.Replace(sound, c.old, c.new, 1)
		if message == sound {
			t.Errorf("%s: nothing was changed", c.name)
		}
		out, err := lint(t, schema, message)
		if err == nil || !strings.Contains(out, c.mention) {
			t.Errorf("%s: %v, %s", c.name, err, out)
		}
	}
}

// Both renderings of the contract hold a schema that libxml2 takes.
func TestInlinedSchemaIsTheSchema(t *testing.T) {
	for name, doc := range map[string][]byte{"WSDL": wsdl.WSDL(address), "PolicyWSDL": wsdl.PolicyWSDL(address)} {
		_, rest, _ := strings.Cut(string(doc), "<xs:schema")
		inlined, _, _ := strings.Cut(rest, "</xs:schema>")
		_, rest, _ = strings.Cut(string(wsdl.Schema()), "<xs:schema")
		original, _, _ := strings.Cut(rest, "</xs:schema>")
		if strings.Join(strings.Fields(inlined), " ") != strings.Join(strings.Fields(original), " ") {
			t.Errorf("%s holds another schema", name)
		}
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func lint(t *testing.T, schema, message string) (string, error) {
	t.Helper()
	out, err := exec.Command("xmllint", "--noout", "--schema", schema, write(t, "message.xml", message)).CombinedOutput()
	return string(out), err
}
