package smartcard_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"tolem"
	"tolem/smartcard"
)

// The documents that docs/card-bridge.md shows are what this package opens.
func TestExampleOfTheDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/card-bridge.md")
	must(t, err)
	var keys []smartcard.PublicKey
	for _, line := range regexp.MustCompile(`(?m)^\{"kty".*$`).FindAll(text, -1) {
		var k smartcard.PublicKey
		must(t, json.Unmarshal(line, &k))
		keys = append(keys, k)
	}
	documents := regexp.MustCompile(`(?m)^eyJ\S+$`).FindAllString(string(text), -1)
	if len(keys) != 2 || len(documents) != 3 {
		t.Fatalf("%d keys and %d documents", len(keys), len(documents))
	}
	gateway, bridge := smartcard.KeysOf(keys[0]), smartcard.KeysOf(keys[1])
	r, _, err := smartcard.OpenRead(bridge, documents[0])
	must(t, err)
	ticket, err := smartcard.OpenTicket(gateway, documents[1])
	must(t, err)
	result, _, err := smartcard.OpenResult(bridge, documents[2])
	must(t, err)
	if r.Challenge != "K2Q6ZJ7MRT4XV5B3NWLHGC2DFA" || r.Card.No != ticket.Card || ticket.Amount != 1250 || ticket.Operation != tolem.TicketWrite ||
		ticket.Bridge != keys[1].ID || result.Ticket != ticket.ID || result.Outcome != smartcard.Written {
		t.Errorf("%+v\n%+v\n%+v", r, ticket, result)
	}
}

// The table of codes in the document is the table of the program.
func TestCodesOfTheDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/card-bridge.md")
	must(t, err)
	rows := regexp.MustCompile("(?m)^\\| (\\d{3}) \\| `(\\w+)` \\| `([\\w.]+)` \\|").FindAllStringSubmatch(string(text), -1)
	if len(rows) != 9 {
		t.Errorf("%d rows", len(rows))
	}
	for _, m := range rows {
		code := smartcard.Code(m[2])
		if status, _ := json.Marshal(code.Status()); string(status) != m[1] || code.Message() != m[3] {
			t.Errorf("%s is %s %s", m[0], status, code.Message())
		}
	}
}
