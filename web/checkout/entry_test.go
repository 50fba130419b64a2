package checkout_test

import (
	"strings"
	"testing"

	"tolem/web/checkout"
)

// GW-098
func TestAccountNumbers(t *testing.T) {
	for typed, want := range map[string]string{
		"KZ86 125K ZT50 0410 0100":     "KZ86125KZT5004100100",
		"kz86-125k-zt50-0410-0100":     "KZ86125KZT5004100100",
		"AZ21NABZ00000000137010001944": "AZ21NABZ00000000137010001944",
		"20208000900100001010":         "20208000900100001010",
		"KZ87125KZT5004100100":         "", // check digits
		"KZ86125KZT500410010":          "", // length
		"KZ86125KZT5004100100<b>":      "",
		"4111 1111 1111 1111":          "",
		"4111 1111 1111 1111 CVC 737":  "",
		"ҚЗ86125KZT5004100100":         "",
		"":                             "",
	} {
		if got, ok := checkout.ParseAccount(typed); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v", typed, got, ok)
		}
	}
	for typed, want := range map[string]bool{
		"4111 1111 1111 1111": true, "4111-1111-1111-1111 0829 737": true, "card 4111111111111111": true,
		"KZ86 125K": false, "KZ86 125K ZT50 0410 0100": false, "": false,
	} {
		if got := checkout.MayBeCard(typed); got != want {
			t.Errorf("%q may be a card: %v", typed, got)
		}
	}
}

func FuzzAccount(f *testing.F) {
	for _, seed := range []string{"KZ86 125K ZT50 0410 0100", "4111 1111 1111 1111", "20208000900100001010", "ҚЗ\u00a0—", "K", "KZ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		account, ok := checkout.ParseAccount(typed)
		if !ok {
			return
		}
		if again, ok := checkout.ParseAccount(account); !ok || again != account {
			t.Errorf("%q is read as %q and then as %q", typed, account, again)
		}
		if strings.ContainsAny(account, "<>&\"' ") {
			t.Errorf("%q", account)
		}
	})
}
