package wsdl_test

import (
	"strings"
	"testing"

	"tolem/internal/tolemtest"
	"tolem/wsdl"
)

const soundDelivery = `<DeliverDocument xmlns="urn:tolem:receiver:v1"><requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId>` +
	`<kind>register</kind><number>B-20261121-HALYK-1</number><owner>HALYK</owner><day>2026-11-21</day><revision>1</revision><form>xml</form>` +
	`<name>B-20261121-HALYK-1.xml</name><size>3</size><hash>ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad</hash>` +
	`<part>1</part><parts>1</parts><content>YWI=</content><content>Yw==</content></DeliverDocument>`

func TestReceiverSchemaRefuses(t *testing.T) {
	tolemtest.RequireTool(t, "xmllint")
	schema := write(t, "receiver-v1.xsd", string(wsdl.ReceiverSchema()))
	if out, err := lint(t, schema, soundDelivery); err != nil {
		t.Fatalf("the sound message is refused: %s", out)
	}
	for _, c := range []struct{ name, old, new, mention string }{
		{"path as a name", "<name>B-", "<name>../B-", "name"},
		{"part 0", "<part>1", "<part>0", "part"},
		{"hash in capitals", ">ba78", ">BA78", "hash"},
		{"unknown form", ">xml<", ">exe<", "form"},
		{"content that is no base64", "YWI=", "YWI*", "content"},
		{"day that does not exist", "2026-11-21<", "2026-11-31<", "day"},
		{"field out of order", "<part>1</part><parts>1</parts>", "<parts>1</parts><part>1</part>", "parts"},
	} {
		message := strings.Replace(soundDelivery, c.old, c.new, 1)
		if out, err := lint(t, schema, message); message == soundDelivery || err == nil || !strings.Contains(out, c.mention) {
			t.Errorf("%s: %v, %s", c.name, err, out)
		}
	}
}

// A participant builds its service from one file: a toolkit that is not ours
// reads it.
func TestReceiverContractIsUsable(t *testing.T) {
	builds(t, wsdl.ReceiverWSDL(), "requestId", "content")
}
