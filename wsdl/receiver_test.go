package wsdl_test

import (
	"testing"

	"tolem/wsdl"
)

const soundDelivery = `<DeliverDocument xmlns="urn:tolem:receiver:v1"><requestId>0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001</requestId>` +
	`<kind>register</kind><number>B-20261121-HALYK-1</number><owner>HALYK</owner><day>2026-11-21</day><revision>1</revision><form>xml</form>` +
	`<name>B-20261121-HALYK-1.xml</name><size>3</size><hash>ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad</hash>` +
	`<part>1</part><parts>1</parts><content>YWI=</content><content>Yw==</content></DeliverDocument>`

func TestReceiverSchemaRefuses(t *testing.T) {
	refuses(t, wsdl.ReceiverSchema(),
		spoilt{"path as a name", soundDelivery, "<name>B-", "<name>../B-", "name"},
		spoilt{"part 0", soundDelivery, "<part>1", "<part>0", "part"},
		spoilt{"hash in capitals", soundDelivery, ">ba78", ">BA78", "hash"},
		spoilt{"unknown form", soundDelivery, ">xml<", ">exe<", "form"},
		spoilt{"content that is no base64", soundDelivery, "YWI=", "YWI*", "content"},
		spoilt{"day that does not exist", soundDelivery, "2026-11-21<", "2026-11-31<", "day"},
		spoilt{"field out of order", soundDelivery, "<part>1</part><parts>1</parts>", "<parts>1</parts><part>1</part>", "parts"},
	)
}

// A participant builds its service from one file: a toolkit that is not ours
// reads it.
func TestReceiverContractIsUsable(t *testing.T) {
	builds(t, wsdl.ReceiverWSDL(), "requestId", "content")
}
