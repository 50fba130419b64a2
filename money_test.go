package tolem_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"tolem"
)

// GW-P43
func TestParseMoney(t *testing.T) {
	for text, minor := range map[string]int64{
		"1200.00":                          120000,
		"0.01":                             1,
		"1200":                             120000,
		"1200.5":                           120050,
		"0001.00":                          100,
		"1000000000000.00":                 tolem.MaxAmountMinor,
		"999999999999.99":                  tolem.MaxAmountMinor - 1,
		"00000000000000.010":               -1, // three fraction digits
		"1000000000000.01":                 -1, // above the limit
		"0.00":                             -1, // must be positive
		"0":                                -1,
		"-1.00":                            -1,
		"+1.00":                            -1,
		"1e3":                              -1,
		"1,00":                             -1,
		"1 200.00":                         -1,
		" 1.00":                            -1,
		"1.00 ":                            -1,
		"1.":                               -1,
		".50":                              -1,
		".":                                -1,
		"1.2.3":                            -1,
		"":                                 -1,
		"NaN":                              -1,
		"١٢.00":                            -1, // digits of another script
		"92233720368547758":                -1, // times 100 it would overflow
		"9223372036854775807.00":           -1,
		"99999999999999999999999999999999": -1,
	} {
		m, err := tolem.ParseMoney(text, tolem.KZT)
		switch {
		case minor < 0 && !errors.Is(err, tolem.ErrBadAmount):
			t.Errorf("%q: got %v, %v, want ErrBadAmount", text, m, err)
		case minor >= 0 && (err != nil || m != tolem.Money{Minor: minor, Currency: tolem.KZT}):
			t.Errorf("%q: got %v, %v, want %d", text, m, err, minor)
		}
	}
}

// GW-P43
func TestMoneyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := tolem.Money{
			Minor:    rapid.Int64Range(1, tolem.MaxAmountMinor).Draw(t, "minor"),
			Currency: rapid.SampledFrom([]tolem.Currency{tolem.KZT, tolem.AZN, tolem.UZS}).Draw(t, "currency"),
		}
		got, err := tolem.ParseMoney(want.Decimal(), want.Currency)
		if err != nil || got != want {
			t.Fatalf("%s: got %v, %v", want.Decimal(), got, err)
		}
	})
}

// Whatever is accepted is an amount within the limits that says what it read.
//
// GW-P43
func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"1200.00", "0.01", "1", "1e06", "-1", "1000000000000.00", "0000000000000000.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := tolem.ParseMoney(s, tolem.KZT)
		if err != nil {
			return
		}
		if m.Minor <= 0 || m.Minor > tolem.MaxAmountMinor {
			t.Fatalf("%q: %d is out of limits", s, m.Minor)
		}
		if again, err := tolem.ParseMoney(m.Decimal(), tolem.KZT); err != nil || again != m {
			t.Fatalf("%q: %v becomes %v, %v", s, m, again, err)
		}
	})
}

func TestMoneyForPeople(t *testing.T) {
	for want, m := range map[string]tolem.Money{
		"1200.00 KZT": {Minor: 120000, Currency: tolem.KZT},
		"0.05 AZN":    {Minor: 5, Currency: tolem.AZN},
		"-0.05 UZS":   {Minor: -5, Currency: tolem.UZS},
		"-12.30 UZS":  {Minor: -1230, Currency: tolem.UZS},
	} {
		if m.String() != want {
			t.Errorf("got %q, want %q", m, want)
		}
	}
	if !(tolem.Money{}).IsZero() || (tolem.Money{Currency: tolem.KZT}).IsZero() {
		t.Error("only the zero Money is zero")
	}
}

func TestParseCurrency(t *testing.T) {
	for _, s := range []string{"KZT", "AZN", "UZS"} {
		if c, err := tolem.ParseCurrency(s); err != nil || string(c) != s {
			t.Errorf("%s: got %v, %v", s, c, err)
		}
	}
	for _, s := range []string{"USD", "kzt", "", "KZT "} {
		if _, err := tolem.ParseCurrency(s); !errors.Is(err, tolem.ErrUnknownCurrency) {
			t.Errorf("%q: got %v", s, err)
		}
	}
}
