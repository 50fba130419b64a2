package tolem

import (
	"errors"
	"testing"
)

func lineOf(o ProviderID, number AccountNumber, s ServiceCode, change ...func(*BasketLine)) BasketLine {
	l := BasketLine{Account: AccountID{o, number}, Service: s, Amount: 100}
	for _, f := range change {
		f(&l)
	}
	return l
}

func smart(l *BasketLine)                  { l.Smart = true }
func advance(l *BasketLine)                { l.Advance = true }
func card(n SmartCardNo) func(*BasketLine) { return func(l *BasketLine) { l.Smart, l.Card = true, n } }
func invoice(s string) func(*BasketLine)   { return func(l *BasketLine) { l.Invoice = s } }

// WP-528, WP-549
func TestBasketAdd(t *testing.T) {
	for name, c := range map[string]struct {
		first, second BasketLine
		want          error
	}{
		"the same debt":           {lineOf("W", "1", "A", invoice("7")), lineOf("W", "1", "A", invoice("7")), ErrBasketDuplicate},
		"another invoice":         {lineOf("W", "1", "A", invoice("7")), lineOf("W", "1", "A", invoice("8")), nil},
		"another service":         {lineOf("W", "1", "A"), lineOf("W", "1", "B"), nil},
		"another account":         {lineOf("W", "1", "A"), lineOf("W", "2", "A"), nil},
		"another organisation":    {lineOf("W", "1", "A"), lineOf("G", "1", "A"), nil},
		"debt and advance":        {lineOf("W", "1", "A"), lineOf("W", "1", "A", advance), nil},
		"in advance twice":        {lineOf("W", "1", "A", advance), lineOf("W", "1", "A", advance), ErrBasketDuplicate},
		"two services of a card":  {lineOf("E", "1", "A", smart), lineOf("E", "1", "B", smart), ErrBasketCard},
		"one card, two accounts":  {lineOf("G", "1", "A", card("C")), lineOf("G", "2", "A", card("C")), ErrBasketCard},
		"two cards":               {lineOf("G", "1", "A", card("C")), lineOf("G", "2", "A", card("D")), nil},
		"ordinary beside a card":  {lineOf("E", "1", "A", smart), lineOf("E", "1", "B"), nil},
		"two cards, numbers open": {lineOf("E", "1", "A", smart), lineOf("E", "2", "A", smart), nil},
	} {
		b, err := Basket{}.Add(c.first)
		if err != nil {
			t.Fatal(err)
		}
		after, err := b.Add(c.second)
		if !errors.Is(err, c.want) || err == nil && len(after.Lines) != 2 || err != nil && len(after.Lines) != 1 || len(b.Lines) != 1 {
			t.Errorf("%s: %v, %d lines", name, err, len(after.Lines))
		}
	}
	var b Basket
	for i := range MaxLines + 1 {
		next, err := b.Add(lineOf("W", AccountNumber(rune('A'+i)), "A"))
		if full := i == MaxLines; full != errors.Is(err, ErrBasketFull) {
			t.Fatalf("line %d: %v", i, err)
		}
		b = next
	}
}

// 7.3: what takes a calculation back, and what does not. WP-057, WP-058,
// WP-536, WP-537, WP-540
func TestBasketIsCalculated(t *testing.T) {
	calculated := func() Basket {
		var b Basket
		for _, n := range []AccountNumber{"1", "2", "3"} {
			b, _ = b.Add(lineOf("W", n, "A"))
		}
		return b.Calculate(func(l BasketLine) int64 { return int64(l.No) })
	}
	if b := calculated(); !b.Calculated() || b.Calculation != 1 || b.Total() != 306 || b.Lines[2].Fee != 3 {
		t.Errorf("%+v", b)
	}
	for name, c := range map[string]struct {
		change     func(Basket) (Basket, error)
		calculated bool
		lines      int
	}{
		"add":                 {func(b Basket) (Basket, error) { return b.Add(lineOf("W", "4", "A")) }, false, 4},
		"remove":              {func(b Basket) (Basket, error) { return b.Remove(2) }, false, 2},
		"remove organisation": {func(b Basket) (Basket, error) { return b.RemoveOrganisation("W") }, false, 0},
		"change":              {func(b Basket) (Basket, error) { return b.Change(2, func(l *BasketLine) { l.No, l.Unit = 9, "1" }) }, false, 3},
		"paid":                {func(b Basket) (Basket, error) { return b.Paid(2) }, true, 2},
		"failed":              {func(b Basket) (Basket, error) { return b.Fail(2, "payment.failed") }, false, 3},
	} {
		before := calculated()
		b, err := c.change(before)
		if err != nil || b.Calculated() != c.calculated || len(b.Lines) != c.lines || !before.Calculated() || len(before.Lines) != 3 {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
		if c.lines > 0 {
			again := b.Calculate(func(BasketLine) int64 { return 0 })
			if !again.Calculated() || again.Calculation != 2 {
				t.Errorf("%s, calculated again: %+v", name, again)
			}
		}
	}
	if b, _ := calculated().Fail(2, "payment.failed"); b.Calculation != 1 || b.Lines[1].Failed == "" {
		t.Errorf("a line failed: %+v", b)
	}
	for name, change := range map[string]func(Basket) (Basket, error){
		"remove": func(b Basket) (Basket, error) { return b.Remove(9) },
		"paid":   func(b Basket) (Basket, error) { return b.Paid(9) },
		"fail":   func(b Basket) (Basket, error) { return b.Fail(9, "") },
		"change": func(b Basket) (Basket, error) { return b.Change(9, func(*BasketLine) {}) },
	} {
		if _, err := change(calculated()); !errors.Is(err, ErrNoLine) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A number is never given twice.
	b, _ := calculated().Remove(3)
	b, _ = b.Add(lineOf("W", "3", "A"))
	if b.Lines[2].No != 4 {
		t.Errorf("line %d", b.Lines[2].No)
	}
	if _, err := b.Line(3); !errors.Is(err, ErrNoLine) {
		t.Error(err)
	}
}
