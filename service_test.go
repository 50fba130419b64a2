package tolem_test

import (
	"errors"
	"testing"

	"tolem"
)

func TestPriceAllows(t *testing.T) {
	kzt := func(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.KZT} }
	fixed := tolem.Price{Currency: tolem.KZT, Fixed: 120000}
	between := tolem.Price{Currency: tolem.KZT, Min: 100, Max: 500}
	atLeast := tolem.Price{Currency: tolem.KZT, Min: 100}
	upTo := tolem.Price{Max: 500}
	for _, c := range []struct {
		price tolem.Price
		m     tolem.Money
		want  bool
	}{
		{fixed, kzt(120000), true},
		{fixed, kzt(120001), false},
		{fixed, kzt(119999), false},
		{fixed, tolem.Money{Minor: 120000, Currency: tolem.UZS}, false},
		{between, kzt(99), false},
		{between, kzt(100), true},
		{between, kzt(500), true},
		{between, kzt(501), false},
		{atLeast, kzt(99), false},
		{atLeast, kzt(tolem.MaxAmountMinor), true},
		{upTo, tolem.Money{Minor: 500, Currency: tolem.AZN}, true},
		{upTo, kzt(501), false},
		{tolem.Price{}, kzt(1), true},
	} {
		if got := c.price.Allows(c.m); got != c.want {
			t.Errorf("%s, %s: got %v", c.price, c.m, got)
		}
	}
}

func TestPriceCheck(t *testing.T) {
	for _, p := range []tolem.Price{{}, {Fixed: 1}, {Min: 1}, {Max: 1}, {Min: 1, Max: 1}} {
		if err := p.Check(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []tolem.Price{{Fixed: -1}, {Min: -1}, {Max: -1}, {Fixed: 1, Min: 1}, {Fixed: 1, Max: 2}, {Min: 2, Max: 1}} {
		if err := p.Check(); !errors.Is(err, tolem.ErrBadPrice) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestPriceForPeople(t *testing.T) {
	for want, p := range map[string]tolem.Price{
		"1200.00 KZT":      {Currency: tolem.KZT, Fixed: 120000},
		"1.00 to 5.00 KZT": {Currency: tolem.KZT, Min: 100, Max: 500},
		"from 1.00 KZT":    {Currency: tolem.KZT, Min: 100},
		"up to 5.00 KZT":   {Currency: tolem.KZT, Max: 500},
		"any amount":       {},
	} {
		if p.String() != want {
			t.Errorf("got %q, want %q", p, want)
		}
	}
}

func TestNamesFallBack(t *testing.T) {
	all := tolem.Names{KK: "Төлем", RU: "Оплата", EN: "Payment"}
	for language, want := range map[string]string{"kk": "Төлем", "ru": "Оплата", "en": "Payment", "az": "Төлем", "": "Төлем"} {
		if got := all.In(language); got != want {
			t.Errorf("%s: got %q", language, got)
		}
	}
	for _, c := range []struct {
		names          tolem.Names
		language, want string
	}{
		{tolem.Names{KK: "a"}, "ru", "a"},
		{tolem.Names{KK: "a", RU: "b"}, "en", "b"},
		{tolem.Names{EN: "c"}, "kk", "c"},
		{tolem.Names{}, "kk", ""},
	} {
		if got := c.names.In(c.language); got != c.want {
			t.Errorf("%+v in %s: got %q", c.names, c.language, got)
		}
	}
}
