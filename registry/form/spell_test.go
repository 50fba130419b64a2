package form_test

import (
	"testing"

	"tolem"
	"tolem/registry/form"
)

// Amounts stand on cash orders in words.
//
// WP-148
func TestSpell(t *testing.T) {
	for _, c := range []struct {
		language form.Language
		currency tolem.Currency
		minor    int64
		want     string
	}{
		{form.Azerbaijani, tolem.AZN, 0, "Sıfır manat 00 qəpik"},
		{form.Azerbaijani, tolem.AZN, 2_05, "İki manat 05 qəpik"},
		{form.Azerbaijani, tolem.AZN, 1_184_50, "Min yüz səksən dörd manat 50 qəpik"},
		{form.Azerbaijani, tolem.AZN, 1_001_021_00, "Bir milyon min iyirmi bir manat 00 qəpik"},
		{form.Azerbaijani, tolem.AZN, 311_99, "Üç yüz on bir manat 99 qəpik"},
		{form.Russian, tolem.AZN, 1_01, "Один манат 01 гяпик"},
		{form.Russian, tolem.AZN, 22_012_03, "Двадцать две тысячи двенадцать манатов 03 гяпика"},
		{form.Russian, tolem.KZT, 1_000_000_512_11, "Один миллиард пятьсот двенадцать тенге 11 тиынов"},
		{form.Russian, tolem.UZS, 4_021_004_21, "Четыре миллиона двадцать одна тысяча четыре сума 21 тийин"},
		{form.Kazakh, tolem.KZT, 1_100_00, "Бір мың бір жүз теңге 00 тиын"},
		{form.Uzbek, tolem.UZS, 919_00, "To‘qqiz yuz o‘n to‘qqiz so‘m 00 tiyin"},
		{form.English, tolem.AZN, 15_340_12, "Fifteen thousand three hundred forty manat 12 qapik"},
		{form.English, tolem.AZN, tolem.MaxAmountMinor, "One trillion manat 00 qapik"},
		{form.English, tolem.AZN, 1000 * tolem.MaxAmountMinor, "1000000000000000.00 AZN"},
		{"xx", tolem.AZN, 1_00, "1.00 AZN"},
	} {
		if got := form.Spell(c.language, tolem.Money{Minor: c.minor, Currency: c.currency}); got != c.want {
			t.Errorf("%s %d: %q, want %q", c.language, c.minor, got, c.want)
		}
	}
}
