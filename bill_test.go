package tolem

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// exactFee is WP-535 in fractions of any size.
func exactFee(t Tariff, amount int64) int64 {
	fee := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(amount), big.NewInt(t.Percent)), big.NewInt(million))
	fee.Add(fee, new(big.Rat).SetInt64(t.Fixed))
	if least := new(big.Rat).SetInt64(t.Min); fee.Cmp(least) < 0 {
		fee = least
	}
	if most := new(big.Rat).SetInt64(t.Max); t.Max > 0 && fee.Cmp(most) > 0 {
		fee = most
	}
	fee.Add(fee, big.NewRat(1, 2)) // half up
	return new(big.Int).Div(fee.Num(), fee.Denom()).Int64()
}

// WP-535, WP-593
func TestFee(t *testing.T) {
	for _, c := range []struct {
		tariff       Tariff
		amount, want int64
	}{
		{Tariff{}, 1000, 0},
		{Tariff{Percent: 10_000}, 1000, 10},
		{Tariff{Percent: 10_000}, 49, 0},
		{Tariff{Percent: 10_000}, 50, 1}, // half a qəpik is one
		{Tariff{Percent: 10_000}, 149, 1},
		{Tariff{Percent: 12_500, Fixed: 30}, 1000, 43}, // 12.5 and 30
		{Tariff{Percent: 10_000, Min: 50}, 1000, 50},
		{Tariff{Percent: 10_000, Max: 5}, 1000, 5},
		{Tariff{Fixed: 30}, 1, 30},
		{Tariff{Percent: 1_000_000, Fixed: MaxAmountMinor}, MaxAmountMinor, 2 * MaxAmountMinor},
	} {
		if got := c.tariff.Fee(c.amount); got != c.want {
			t.Errorf("%+v of %d: %d, want %d", c.tariff, c.amount, got, c.want)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		size := func(most int64) int64 { return random.Int64N(1 + most>>random.IntN(46)) }
		tariff := Tariff{Percent: size(million), Fixed: size(MaxAmountMinor), Min: size(MaxAmountMinor)}
		if random.IntN(2) == 0 {
			tariff.Max = tariff.Min + size(MaxAmountMinor-tariff.Min)
		}
		amount := size(MaxAmountMinor)
		if err := tariff.Check(); err != nil {
			t.Fatalf("%+v: %v", tariff, err)
		}
		fee := tariff.Fee(amount)
		if want := exactFee(tariff, amount); fee != want {
			t.Fatalf("%+v of %d: %d, want %d", tariff, amount, fee, want)
		}
		if more := tariff.Fee(min(amount+1, MaxAmountMinor)); more < fee {
			t.Fatalf("%+v: the fee of %d is more than that of one more", tariff, amount)
		}
	}
	for _, bad := range []Tariff{{Percent: -1}, {Percent: million + 1}, {Fixed: -1}, {Min: 2, Max: 1}, {Max: math.MaxInt64}} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestPercent(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1": 10_000, "1.25": 12_500, "0.0001": 1, "100": million, "12.5": 125_000} {
		n, err := ParsePercent(text)
		if err != nil || n != want || (Tariff{Percent: n}).PercentText() != text {
			t.Errorf("%q: %d, %v, %q", text, n, err, Tariff{Percent: n}.PercentText())
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "1.00001", "100.1", "-1", "1,5", "1e2", "999999999", "١"} {
		if n, err := ParsePercent(text); err == nil {
			t.Errorf("%q is %d", text, n)
		}
	}
}

func TestTariffFor(t *testing.T) {
	day := DayOf(2026, time.March, 1)
	tariffs := []Tariff{
		{Organisation: "A", From: day, Fixed: 1}, {Organisation: "A", From: day + 10, Fixed: 2},
		{Organisation: "A", Service: "S", From: day + 5, Fixed: 3}, {Organisation: "B", From: day, Fixed: 4},
	}
	for _, c := range []struct {
		service ServiceCode
		on      Day
		want    int64
	}{{"S", day - 1, 0}, {"S", day, 1}, {"S", day + 5, 3}, {"S", day + 10, 3}, {"T", day + 9, 1}, {"T", day + 10, 2}} {
		if got := TariffFor(tariffs, "A", c.service, c.on); got.Fixed != c.want {
			t.Errorf("%s on %s: %d, want %d", c.service, c.on, got.Fixed, c.want)
		}
	}
}

// WP-523
func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"IŞIQ": "ışıq", "İstilik": "istilik", "ƏLİ Öz ÜZÜM Ğ Ç": "əli öz üzüm ğ ç", "I\u0307stilik": "istilik", "S\u0327u\u0308": "şü",
		"  “Azərsu”  —ASC ": "azərsu asc", "": "", "ARDNŞ-in": "ardnş in",
	} {
		if got := Fold(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, c := range []struct {
		name, typed string
		want        MatchRank
	}{
		{"Azərişıq", "AZƏRİŞIQ", MatchStart}, {"Azərişıq", "şıq", MatchInside}, {"Azərişıq", "azerisiq", MatchStart + matchPlain},
		{"ARDNŞ-in Azəriqaz İB", "azəriqaz", MatchWord}, {"ARDNŞ-in Azəriqaz İB", "ib", MatchWord},
		{"ARDNŞ-in Azəriqaz İB", "IB", MatchWord + matchPlain}, // I is ı, which no word has
		{"ARDNŞ-in Azəriqaz İB", "ib ardnş", MatchWords}, {"Azərsu", "su", MatchInside}, {"Azərsu", "xx", NoMatch}, {"Azərsu", "", MatchStart},
	} {
		if got := NewSearchable(c.name).Match(NewSearchable(c.typed)); got != c.want {
			t.Errorf("%q for %q: %d, want %d", c.typed, c.name, got, c.want)
		}
	}
	if !(SortKey("Çay") < SortKey("Dəmir") && SortKey("Elm") < SortKey("Əmlak") && SortKey("Xalq") < SortKey("Işıq") && SortKey("Işıq") < SortKey("İl") &&
		SortKey("Şəhər") < SortKey("Tikinti")) {
		t.Error("not in the order of the alphabet")
	}
}

func FuzzFold(f *testing.F) {
	f.Add("AZƏRİŞIQ", "işıq")
	f.Fuzz(func(t *testing.T, name, typed string) {
		once := Fold(name)
		if again := Fold(once); again != once {
			t.Errorf("%q folds to %q and then %q", name, once, again)
		}
		if n := NewSearchable(name + " " + typed); typed != "" && Fold(typed) != "" && n.Match(NewSearchable(name)) == NoMatch {
			t.Errorf("%q does not begin with %q", name+" "+typed, name)
		}
	})
}

func TestAccountNumber(t *testing.T) {
	for text, want := range map[string]AccountNumber{"123": "123", " ab-1 2/3 ": "AB-12/3", "1.2_3": "1.2_3", strings.Repeat("9", 34): AccountNumber(strings.Repeat("9", 34))} {
		if n, err := ParseAccountNumber(text); err != nil || n != want {
			t.Errorf("%q: %q, %v", text, n, err)
		}
	}
	for _, text := range []string{"", " ", "ə", "1\x00", "1;2", strings.Repeat("9", 35), strings.Repeat(" ", 1000)} {
		if n, err := ParseAccountNumber(text); err == nil {
			t.Errorf("%q is %q", text, n)
		}
	}
}

// Whatever payments are made, cancelled and counted in whatever order: what is
// open is the bill less the payments that hold.
func TestDebtsAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 20_000 {
		truth := int64(1_000_000)
		var payments []Settlement
		counted, paidUntil := truth, start // what the organisation's books say, and until when
		for step := range random.IntN(12) {
			now := start.Add(time.Duration(step+1) * time.Minute)
			switch random.IntN(3) {
			case 0:
				amount := 1 + random.Int64N(1000)
				payments = append(payments, Settlement{Service: "S", Invoice: "1", Amount: Money{Minor: amount}, At: now})
				truth -= amount
			case 1:
				if n := len(payments); n > 0 {
					if p := &payments[random.IntN(n)]; p.UndoneAt.IsZero() {
						p.UndoneAt = now
						truth += p.Amount.Minor
					}
				}
			case 2:
				counted, paidUntil = truth, now
			}
		}
		debts := Debts([]Bill{{Service: "S", Invoice: "1", Amount: Money{Minor: counted}}}, paidUntil, payments)
		if len(debts) != 1 || debts[0].Open != truth {
			t.Fatalf("%+v of %d counted until %s: want %d, payments %+v", debts, counted, paidUntil, truth, payments)
		}
	}
}

func TestOrganisationCheck(t *testing.T) {
	sound := Organisation{Name: "Azərişıq", Smart: SmartElectro, PayWithoutCardWrite: true}
	if err := sound.Check(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*Organisation){
		func(o *Organisation) { o.Name = "" },
		func(o *Organisation) { o.Name = "a\nb" },
		func(o *Organisation) { o.Smart = "other" },
		func(o *Organisation) { o.Smart = SmartNone },
		func(o *Organisation) { o.ReceiverRequired = true },
	} {
		o := sound
		if change(&o); o.Check() == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
