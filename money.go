package tolem

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Currency is an ISO 4217 alphabetic code. All supported currencies have two
// fraction digits.
type Currency string

// The currencies of the countries the gateway serves.
const (
	KZT Currency = "KZT"
	AZN Currency = "AZN"
	UZS Currency = "UZS"
)

// ErrUnknownCurrency reports a currency the gateway does not serve.
var ErrUnknownCurrency = errors.New("currency must be KZT, AZN or UZS")

// ParseCurrency returns the currency named by s, or ErrUnknownCurrency.
func ParseCurrency(s string) (Currency, error) {
	switch c := Currency(s); c {
	case KZT, AZN, UZS:
		return c, nil
	}
	return "", fmt.Errorf("%q: %w", s, ErrUnknownCurrency)
}

// Money is an amount in minor units (tiyn, qəpik, tiyin) of one currency. No
// floating-point number ever holds an amount.
type Money struct {
	Minor    int64
	Currency Currency
}

// MaxAmountMinor is the largest amount of one payment, in minor units: a
// million millions of the major unit, far below overflow in any sum.
const MaxAmountMinor = 1_000_000_000_000_00

// ErrBadAmount reports text that is not an amount: digits, a point, two
// fraction digits, positive, not above MaxAmountMinor (GW-P43).
var ErrBadAmount = errors.New("amount must be positive with two decimals, like 1200.00")

// ParseMoney reads the wire form of an amount, "1200.00", in the given
// currency. One or no fraction digit is accepted too, as xs:decimal allows
// dropping trailing zeros; signs, exponents and spaces are not.
func ParseMoney(s string, currency Currency) (Money, error) {
	var minor int64
	digits, fraction := 0, -1
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.' && fraction < 0 && digits > 0:
			fraction = 0
			continue
		case c < '0' || c > '9' || fraction == 2 || digits > 17:
			return Money{}, ErrBadAmount
		}
		minor = minor*10 + int64(c-'0')
		digits++
		if fraction >= 0 {
			fraction++
		}
	}
	if digits == 0 || fraction == 0 {
		return Money{}, ErrBadAmount
	}
	for ; fraction < 2; fraction++ {
		if fraction < 0 {
			fraction = 0
		}
		if minor > math.MaxInt64/10 {
			return Money{}, ErrBadAmount
		}
		minor *= 10
	}
	if minor <= 0 || minor > MaxAmountMinor {
		return Money{}, ErrBadAmount
	}
	return Money{Minor: minor, Currency: currency}, nil
}

// Decimal returns the amount as it stands on the wire: "1200.00".
func (m Money) Decimal() string {
	sign := ""
	minor := m.Minor
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return sign + strconv.FormatInt(minor/100, 10) + "." + strconv.FormatInt(100+minor%100, 10)[1:]
}

// String returns the amount with its currency: "1200.00 KZT".
func (m Money) String() string { return m.Decimal() + " " + string(m.Currency) }

// IsZero reports whether no amount is given.
func (m Money) IsZero() bool { return m == Money{} }
