package wsdl_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tolem/internal/tolemtest"
	"tolem/wsdl"
)

const sound = `<NotifyPayment xmlns="urn:tolem:gateway:v1"><requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId>` +
	`<paymentCode>1234-5678 90123456</paymentCode><bankId>BANK1</bankId><bankRef>a/1 № 7</bankRef><amount>1000000.5</amount><currency>KZT</currency>` +
	`<paidAt>2026-11-22T09:05:06.123456+05:00</paidAt><channel>ATM</channel><recipientIIN>850101300005</recipientIIN>` +
	`<recipientName>Әлия &amp; &lt;Co&gt;</recipientName><serviceCode>S</serviceCode><providerId>P</providerId><accountNo>KZ86</accountNo></NotifyPayment>`

// The schema itself says what is refused: libxml2 reads it as integrators'
// tools do. Each case changes one thing of a sound message.
func TestSchemaRefuses(t *testing.T) {
	refuses(t, wsdl.Schema(),
		spoilt{"amount with exponent", sound, "1000000.5", "1e+06", "amount"},
		spoilt{"amount with three decimals", sound, "1000000.5", "1.001", "amount"},
		spoilt{"amount of nothing", sound, "1000000.5", "0.00", "amount"},
		spoilt{"negative amount", sound, "1000000.5", "-1.00", "amount"},
		spoilt{"time without zone", sound, "+05:00", "", "paidAt"},
		spoilt{"date that does not exist", sound, "2026-11-22T", "2026-02-30T", "paidAt"},
		spoilt{"unknown channel", sound, ">ATM<", ">PIGEON<", "channel"},
		spoilt{"short code", sound, "1234-5678 90123456", "1234-5678 9012345", "paymentCode"},
		spoilt{"code with letters", sound, "1234-5678 90123456", "1234-5678 9012345x", "paymentCode"},
		spoilt{"no UUID", sound, "0b6c1e0a-5f0e-4d5e", "0b6c1e0a-5f0e-4d5", "requestId"},
		spoilt{"IIN too short", sound, "850101300005", "85010130000", "recipientIIN"},
		spoilt{"line end in a name", sound, "&lt;Co", "&#10;Co", "recipientName"},
		spoilt{"empty reference", sound, "a/1 № 7", "", "bankRef"},
		spoilt{"reference too long", sound, "a/1 № 7", strings.Repeat("x", 65), "bankRef"},
		spoilt{"identifier with a space", sound, "BANK1", "BANK 1", "bankId"},
		spoilt{"field missing", sound, "<accountNo>KZ86</accountNo>", "", "accountNo"},
		spoilt{"field out of order", sound, "<bankId>BANK1</bankId><bankRef>a/1 № 7</bankRef>", "<bankRef>a/1 № 7</bankRef><bankId>BANK1</bankId>", "bankRef"},
		spoilt{"field twice", sound, "<bankId>BANK1</bankId>", "<bankId>BANK1</bankId><bankId>BANK1</bankId>", "bankId"},
		spoilt{"foreign field", sound, "<bankId>", "<x xmlns=''/><bankId>", "x"},
		spoilt{"attribute", sound, "<bankId>", "<bankId kind='a'>", "kind"},
	)
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

// spoilt is a sound message with something else in one place.
type spoilt struct{ name, message, old, new, mention string }

// refuses wants a schema to take sound messages and to refuse the spoilt ones,
// each with a word about the element.
func refuses(t *testing.T, schema []byte, cases ...spoilt) {
	t.Helper()
	tolemtest.RequireTool(t, "xmllint")
	file := write(t, "schema.xsd", string(schema))
	taken := make(map[string]bool)
	for _, c := range cases {
		if !taken[c.message] {
			if out, err := lint(t, file, c.message); err != nil {
				t.Fatalf("the sound message is refused: %s", out)
			}
			taken[c.message] = true
		}
		message := strings.Replace(c.message, c.old, c.new, 1)
		if out, err := lint(t, file, message); message == c.message || err == nil || !strings.Contains(out, c.mention) {
			t.Errorf("%s: %v, %s", c.name, err, out)
		}
	}
}

func lint(t *testing.T, schema, message string) (string, error) {
	t.Helper()
	out, err := exec.Command("xmllint", "--noout", "--schema", schema, write(t, "message.xml", message)).CombinedOutput()
	return string(out), err
}
