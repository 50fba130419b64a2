package tolem

import "errors"

// IIN is the individual identification number of a person or, for a legal
// entity, the business identification number (GW-P23): 12 digits of which the
// last is a check digit. It is confidential: see String.
type IIN string

// ErrBadIIN reports a number that is not 12 digits with a correct check digit
// (GW-P24).
var ErrBadIIN = errors.New("IIN or BIN must be 12 digits with a valid check digit")

// IINDigits is the number of digits in an IIN or BIN.
const IINDigits = 12

// The weights of the check digit: the second row serves when the first gives
// ten. A number whose second sum gives ten as well is never assigned.
var iinWeights = [2][IINDigits - 1]int{
	{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
	{3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2},
}

// ParseIIN returns the number in s if its check digit fits, else ErrBadIIN.
// The check needs no external system and replaces none.
func ParseIIN(s string) (IIN, error) {
	if len(s) != IINDigits {
		return "", ErrBadIIN
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return "", ErrBadIIN
		}
	}
	for _, weights := range iinWeights {
		sum := 0
		for i, w := range weights {
			sum += w * int(s[i]-'0')
		}
		if check := sum % 11; check < 10 {
			if check == int(s[IINDigits-1]-'0') {
				return IIN(s), nil
			}
			return "", ErrBadIIN
		}
	}
	return "", ErrBadIIN
}

// String masks the number, so that it cannot reach a log by accident.
func (n IIN) String() string {
	if n == "" {
		return ""
	}
	return "IIN(…)"
}

// Reveal returns the digits. Call it where the number belongs: in a signed
// answer, in a receipt, in front of the vault that encrypts it.
func (n IIN) Reveal() string { return string(n) }
