package gatewayv1

import (
	"testing"

	"tolem"
)

// Whatever is read as a time is written so that it is read as the same time.
func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"2026-11-22T04:05:06.123456Z", "2026-11-22T04:05:06+05:00", "0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59.999999999-14:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var first, second Timestamp
		if first.UnmarshalText([]byte(s)) != nil {
			return
		}
		text, err := first.MarshalText()
		if err != nil {
			return // beyond the years of the wire
		}
		if err := second.UnmarshalText(text); err != nil {
			t.Fatalf("%q was written as %q: %v", s, text, err)
		}
		if d := first.Sub(second.Time); d < 0 || d >= 1000 {
			t.Errorf("%q came back %v off", s, d)
		}
	})
}

// What the contract takes for an amount, the gateway's own reader takes for
// the same amount, or refuses as too large or as nothing.
func FuzzAmount(f *testing.F) {
	for _, s := range []string{"0.01", "1000000.00", "12", "1.5", "1e6", "00012.30", "9999999999999.99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var a Amount
		if a.UnmarshalText([]byte(s)) != nil {
			return
		}
		m, err := tolem.ParseMoney(s, tolem.KZT)
		if err != nil {
			return
		}
		var back Amount
		if err := back.UnmarshalText([]byte(m.Decimal())); err != nil {
			t.Errorf("%q is %s: %v", s, m.Decimal(), err)
		}
		if again, err := tolem.ParseMoney(string(back), tolem.KZT); err != nil || again != m {
			t.Errorf("%q is %v, then %v", s, m, again)
		}
	})
}
