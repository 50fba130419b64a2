package billsv1

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/bills"
	"tolem/signing"
	"tolem/wsdl"
)

// The messages that docs/lookup.md shows are those that are sent and taken.
//
// WP-033
func TestExamplesInTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/lookup.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, block := range regexp.MustCompile("(?s)```xml\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		shown = append(shown, block[1])
	}
	if len(shown) != 3 {
		t.Fatalf("it shows %d messages", len(shown))
	}
	c := &Connector{config: Config{Organisation: "AZERSU", Random: strings.NewReader(strings.Repeat("x", 16))}, reader: signing.NewReader(wsdl.ProviderNamespace)}
	q, err := c.question("A-100")
	if err != nil {
		t.Fatal(err)
	}
	const id = "0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001"
	if asked := strings.Replace(string(q.payload), string(q.id), id, 1); asked != regexp.MustCompile(`>\s+<`).ReplaceAllString(strings.TrimSpace(shown[0]), "><") {
		t.Errorf("the gateway asks %s", asked)
	}
	q.id = id
	body := func(content string) []byte {
		return []byte(`<soap:Body xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">` + strings.TrimSpace(content) + `</soap:Body>`)
	}
	s, err := c.read(q, body(shown[1]))
	if err != nil || len(s.Bills) != 1 || s.Bills[0].Amount.Minor != 12_50 || !s.PaidUntil.Equal(time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)) {
		t.Errorf("the answer is read as %+v, %v", s, err)
	}
	if problem, what := s.Check(func(tolem.ServiceCode) bool { return true }, tolem.AZN); problem != "" {
		t.Errorf("%s, %s", problem, what)
	}
	if _, err := c.read(q, body(shown[2])); !errors.Is(err, bills.ErrNoAccount) {
		t.Errorf("the answer about no account is read as %v", err)
	}
}
