package tolem

import (
	"errors"
	"fmt"
	"math/bits"
)

// MillionthsPerPercent turns percent into the unit of Tariff.Percent.
const MillionthsPerPercent = 10_000

const million = 1_000_000

// Tariff is the service fee of an organisation from a day on. Amounts are minor
// units.
type Tariff struct {
	Organisation ProviderID
	Service      ServiceCode // empty: every service that has none of its own
	From         Day         // the first day it is in force

	Percent  int64 // of the amount, in millionths: 1.25 % is 12500
	Fixed    int64
	Min, Max int64 // of the fee; a Max of zero is none
}

// ErrBadTariff reports a tariff that cannot be meant.
var ErrBadTariff = errors.New("tariff: percent is from 0 to 100, amounts are not negative, and min is not above max")

// Check returns ErrBadTariff if the tariff cannot be meant.
func (t Tariff) Check() error {
	switch {
	case t.Percent < 0, t.Percent > 100*MillionthsPerPercent,
		t.Fixed < 0, t.Min < 0, t.Max < 0, t.Fixed > MaxAmountMinor, t.Min > MaxAmountMinor, t.Max > MaxAmountMinor,
		t.Max > 0 && t.Min > t.Max:
		return ErrBadTariff
	}
	return nil
}

// Fee returns the service fee of an amount, both in minor units: percent of the
// amount and the fixed part, rounded half up, held between minimum and maximum
// (WP-535). Limits are whole minor units, so it does not matter that they are
// applied after rounding. The amount is from 0 to MaxAmountMinor and the tariff
// passes Check; no intermediate result overflows.
func (t Tariff) Fee(amount int64) int64 {
	hi, lo := bits.Mul64(uint64(amount), uint64(t.Percent))
	lo, carry := bits.Add64(lo, million/2, 0)
	share, _ := bits.Div64(hi+carry, lo, million) // amount and percent are far too small for it to overflow
	fee := max(int64(share)+t.Fixed, t.Min)
	if t.Max > 0 {
		fee = min(fee, t.Max)
	}
	return fee
}

// PercentText returns the percentage as people write it: "1.25".
func (t Tariff) PercentText() string {
	s := fmt.Sprintf("%d.%04d", t.Percent/MillionthsPerPercent, t.Percent%MillionthsPerPercent)
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

// ParsePercent reads "1.25" as millionths. At most four decimals are taken.
func ParsePercent(s string) (int64, error) {
	var n int64
	decimals, digits := -1, 0
	for _, r := range s {
		switch {
		case r == '.' && decimals < 0 && digits > 0:
			decimals = 0
			continue
		case r < '0' || r > '9' || decimals == 4 || digits == 8:
			return 0, fmt.Errorf("percent %.20q: want a number like 1.25", s)
		}
		n = n*10 + int64(r-'0')
		digits++
		if decimals >= 0 {
			decimals++
		}
	}
	if digits == 0 || decimals == 0 {
		return 0, fmt.Errorf("percent %.20q: want a number like 1.25", s)
	}
	for range 4 - max(decimals, 0) {
		n *= 10
	}
	if n > 100*MillionthsPerPercent {
		return 0, fmt.Errorf("percent %.20q: more than 100", s)
	}
	return n, nil
}

// TariffFor returns the tariff in force on a day for a service: that of the
// service if there is one, otherwise that of the organisation, the latest that
// has begun. Without any the fee is nothing.
func TariffFor(tariffs []Tariff, o ProviderID, s ServiceCode, on Day) Tariff {
	var found Tariff
	ok := false
	for _, t := range tariffs {
		if t.Organisation != o || t.From > on || t.Service != "" && t.Service != s {
			continue
		}
		own, has := t.Service != "", found.Service != ""
		if !ok || own && !has || own == has && t.From > found.From {
			found, ok = t, true
		}
	}
	return found
}
