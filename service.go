package tolem

import (
	"errors"
	"fmt"
)

// Names holds the name of a thing in the languages of the exchange. Kazakh is
// the fallback of Russian, Russian of English.
type Names struct {
	KK, RU, EN string
}

// In returns the name in the language ("kk", "ru", "en"), or the nearest one
// that is given.
func (n Names) In(language string) string {
	order := [3]string{n.KK, n.RU, n.EN}
	switch language {
	case "ru":
		order = [3]string{n.RU, n.KK, n.EN}
	case "en":
		order = [3]string{n.EN, n.RU, n.KK}
	}
	for _, name := range order {
		if name != "" {
			return name
		}
	}
	return ""
}

// Provider is an organisation whose services are paid through the gateway.
type Provider struct {
	ID      ProviderID
	BIN     IIN
	Names   Names
	Account string // the account the money goes to; confidential
	Active  bool
}

// Service is a public service or e-service that can be prepaid.
type Service struct {
	Code     ServiceCode
	Provider ProviderID
	Names    Names
	Price    Price
	Active   bool
}

// Price is what may be paid for a service: exactly Fixed, or any amount from
// Min to Max. The zero Price accepts every amount.
type Price struct {
	Currency        Currency
	Fixed, Min, Max int64 // minor units; zero means not set
}

// ErrBadPrice reports a price rule that nothing could satisfy.
var ErrBadPrice = errors.New("price must be a fixed amount or a range with min not above max")

// Check returns ErrBadPrice if no amount could satisfy the rule.
func (p Price) Check() error {
	switch {
	case p.Fixed < 0, p.Min < 0, p.Max < 0,
		p.Fixed > 0 && (p.Min > 0 || p.Max > 0),
		p.Max > 0 && p.Min > p.Max:
		return ErrBadPrice
	}
	return nil
}

// Allows reports whether the amount may be paid.
func (p Price) Allows(m Money) bool {
	switch {
	case p.Currency != "" && m.Currency != p.Currency:
		return false
	case p.Fixed > 0:
		return m.Minor == p.Fixed
	case p.Max > 0 && m.Minor > p.Max:
		return false
	}
	return m.Minor >= p.Min
}

// String describes the rule for people: "1200.00 KZT", "100.00 to 500.00 KZT".
func (p Price) String() string {
	in := func(minor int64) string { return Money{Minor: minor}.Decimal() }
	switch {
	case p.Fixed > 0:
		return fmt.Sprintf("%s %s", in(p.Fixed), p.Currency)
	case p.Min > 0 && p.Max > 0:
		return fmt.Sprintf("%s to %s %s", in(p.Min), in(p.Max), p.Currency)
	case p.Min > 0:
		return fmt.Sprintf("from %s %s", in(p.Min), p.Currency)
	case p.Max > 0:
		return fmt.Sprintf("up to %s %s", in(p.Max), p.Currency)
	}
	return "any amount"
}
