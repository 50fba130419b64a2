package bankv1

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
)

// What a message with a card was signed from is overwritten when the call is
// over (GW-P31).
func TestBuffersAreOverwritten(t *testing.T) {
	c := &Connector{config: Config{Bank: "HALYK", Random: rand.Reader}}
	card, err := tolem.NewCard("4111111111111111", "12/39", "A B", "7391", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.cardRequest(banks.CardOrder{Attempt: "A-1", Amount: tolem.Money{Minor: 100, Currency: tolem.KZT}, Card: card})
	if err != nil || !bytes.Contains(r.payload, []byte("4111111111111111")) || !bytes.Contains(r.element, []byte("7391")) {
		t.Fatalf("%s, %v", r.payload, err)
	}
	r.forget()
	for _, b := range [][]byte{r.payload, r.element} {
		if len(b) == 0 || len(bytes.Trim(b, "\x00")) != 0 {
			t.Errorf("left: %q", b)
		}
	}
}
