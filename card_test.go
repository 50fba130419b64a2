package tolem_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"tolem"
)

// The card of these tests: no other number in them holds its digits.
const (
	pan = "4111111111111111"
	cvc = "739"
)

func card(t *testing.T) tolem.Card {
	t.Helper()
	c, err := tolem.NewCard("4111 1111-1111 1111", "11/28", "Aigul  Serikova", cvc, start())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Whatever prints or writes a card, alone or inside something else, shows no
// more than the mask.
//
// GW-P31, GW-P37
func TestNothingPrintsACard(t *testing.T) {
	c := card(t)
	type order struct {
		Card tolem.Card
		card tolem.Card
		More []tolem.Card
		By   map[string]tolem.Card
		Any  any
	}
	shapes := []any{c, &c, []tolem.Card{c}, order{c, c, []tolem.Card{c}, map[string]tolem.Card{"a": c}, c}, &order{Card: c, card: c, Any: &c}, map[string]any{"card": c}}
	var printed strings.Builder
	for _, shape := range shapes {
		for verb := ' ' + 1; verb < 0x7f; verb++ {
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "20.3", "+#"} {
				fmt.Fprintf(&printed, "%"+flags+string(verb)+"\n", shape)
			}
		}
		fmt.Fprintln(&printed, shape, errors.New(fmt.Sprint(shape)))
		if b, err := json.Marshal(shape); err == nil {
			printed.Write(b)
		}
		if b, err := xml.Marshal(shape); err == nil {
			printed.Write(b)
		}
		var stream bytes.Buffer
		_ = gob.NewEncoder(&stream).Encode(shape)
		printed.Write(stream.Bytes())
		for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
			slog.New(handler).Info("card", "card", shape, slog.Any("group", slog.GroupValue(slog.Any("card", shape))))
		}
	}
	text := printed.String()
	for _, secret := range []string{pan, pan[6:], "11111111", "SERIKOVA", fmt.Sprintf("%x", pan)} {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%q is printed: %q", secret, text[max(0, at-60):min(len(text), at+60)])
		}
	}
	// Three digits are in some address of memory by chance: alone they are the code.
	alone := regexp.MustCompile(`\b(` + cvc + `|` + fmt.Sprintf("%X", cvc) + `)\b`)
	if at := alone.FindStringIndex(text); at != nil {
		t.Errorf("the code is printed: %q", text[max(0, at[0]-60):min(len(text), at[1]+60)])
	}
	if !strings.Contains(text, "Card(411111******1111)") {
		t.Error("the mask is not printed either")
	}
	if number, holder, code, month, year := c.Reveal(); number != pan || holder != "AIGUL SERIKOVA" || code != cvc || month != 11 || year != 2028 {
		t.Error("the card is not what was entered")
	}
	if zero := (tolem.Card{}); fmt.Sprint(zero) != "Card()" {
		t.Errorf("no card prints as %s", zero)
	}
}

// What is refused before anything goes to a bank, and why (ACQ-P03).
func TestCardIsChecked(t *testing.T) {
	now := time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)
	type entry struct{ number, expiry, holder, cvc string }
	good := entry{pan, "11/26", "A SERIKOVA", "123"}
	for name, c := range map[string]struct {
		change func(*entry)
		want   error
	}{
		"as it is":                   {func(*entry) {}, nil},
		"12 digits":                  {func(e *entry) { e.number = "400000000002" }, nil},
		"19 digits":                  {func(e *entry) { e.number = "4000000000000000006" }, nil},
		"11 digits":                  {func(e *entry) { e.number = "40000000008" }, tolem.ErrCardNumber},
		"20 digits":                  {func(e *entry) { e.number = "40000000000000000002" }, tolem.ErrCardNumber},
		"wrong check digit":          {func(e *entry) { e.number = "4111111111111112" }, tolem.ErrCardNumber},
		"neighbours swapped":         {func(e *entry) { e.number = "1411111111111111" }, tolem.ErrCardNumber},
		"a letter in it":             {func(e *entry) { e.number = "4111111l11111111" }, tolem.ErrCardNumber},
		"arabic digits":              {func(e *entry) { e.number = "٤١١١١١١١١١١١١١١١" }, tolem.ErrCardNumber},
		"no number":                  {func(e *entry) { e.number = "" }, tolem.ErrCardNumber},
		"its last month":             {func(e *entry) { e.expiry = "11/26" }, nil},
		"a month ago":                {func(e *entry) { e.expiry = "10/26" }, tolem.ErrCardExpiry},
		"four digits":                {func(e *entry) { e.expiry = "1126" }, nil},
		"six digits":                 {func(e *entry) { e.expiry = "11 / 2026" }, nil},
		"month 13":                   {func(e *entry) { e.expiry = "13/28" }, tolem.ErrCardExpiry},
		"month 0":                    {func(e *entry) { e.expiry = "00/28" }, tolem.ErrCardExpiry},
		"December":                   {func(e *entry) { e.expiry = "12/26" }, nil},
		"twenty years ahead":         {func(e *entry) { e.expiry = "11/46" }, nil},
		"further ahead than any is":  {func(e *entry) { e.expiry = "01/47" }, tolem.ErrCardExpiry},
		"no date":                    {func(e *entry) { e.expiry = "soon" }, tolem.ErrCardExpiry},
		"two letters":                {func(e *entry) { e.holder = "LI" }, nil},
		"one letter":                 {func(e *entry) { e.holder = "L" }, tolem.ErrCardHolder},
		"26 letters":                 {func(e *entry) { e.holder = strings.Repeat("A", 26) }, nil},
		"27 letters":                 {func(e *entry) { e.holder = strings.Repeat("A", 27) }, tolem.ErrCardHolder},
		"Cyrillic":                   {func(e *entry) { e.holder = "АЙГУЛЬ" }, tolem.ErrCardHolder},
		"a digit in the name":        {func(e *entry) { e.holder = "A5EL" }, tolem.ErrCardHolder},
		"what stands on cards":       {func(e *entry) { e.holder = "o'Neil-Li jr." }, nil},
		"three digits behind":        {func(e *entry) { e.cvc = " 123 " }, nil},
		"four digits on the front":   {func(e *entry) { e.cvc = "1234" }, nil},
		"two digits":                 {func(e *entry) { e.cvc = "12" }, tolem.ErrCardCVC},
		"five digits":                {func(e *entry) { e.cvc = "12345" }, tolem.ErrCardCVC},
		"a letter in place of digit": {func(e *entry) { e.cvc = "12x" }, tolem.ErrCardCVC},
	} {
		e := good
		c.change(&e)
		_, err := tolem.NewCard(e.number, e.expiry, e.holder, e.cvc, now)
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		for _, value := range []string{e.number, e.holder, e.cvc} {
			if err != nil && len(value) > 2 && strings.Contains(err.Error(), value) {
				t.Errorf("%s: the error names what was entered: %v", name, err)
			}
		}
	}
	_, err := tolem.NewCard("1", "2", "3", "x", now)
	for _, want := range []error{tolem.ErrCardNumber, tolem.ErrCardExpiry, tolem.ErrCardHolder, tolem.ErrCardCVC} {
		if !errors.Is(err, want) {
			t.Errorf("of four wrong fields %v is not named", want)
		}
	}
	if _, err := tolem.NewCard(pan, "11/26", "A SERIKOVA", "123", now.Add(time.Second)); !errors.Is(err, tolem.ErrCardExpiry) {
		t.Errorf("on the first of December: %v", err)
	}
}

// A bank's words may repeat the card (GW-P31).
func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"limit 120000.00":                   "limit 120000.00",
		"card 4111111111111111 refused":     "card […] refused",
		"card 4111-1111 1111 1111, refused": "card […], refused",
		"4111111111111111":                  "[…]",
		"12345678901":                       "12345678901",
		"123456789012":                      "[…]",
		"Қате 51":                           "Қате 51",
		"a 1 2 3":                           "a 1 2 3",
	} {
		if got := tolem.Redact(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
