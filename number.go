package tolem

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// CodeNumber is the number of a payment code: 16 decimal digits, 14 random
// and two check digits by ISO/IEC 7064 MOD 97-10 (GW-001, GW-P09). It is kept
// as an integer, which is what the database keys on; zero means "no code".
type CodeNumber int64

// CodeDigits is the number of digits in a payment code.
const CodeDigits = 16

const (
	payloadLimit = 100_000_000_000_000 // 10^14 different payloads
	numberLimit  = payloadLimit * 100
)

// ErrBadCodeNumber reports text that cannot be a payment code: wrong length,
// wrong characters or wrong check digits.
var ErrBadCodeNumber = errors.New("payment code must be 16 digits with valid check digits")

// DrawCodeNumber makes a new number from a cryptographic random source. Every
// payload is equally likely; uniqueness is the store's to enforce.
func DrawCodeNumber(random io.Reader) (CodeNumber, error) {
	const fair = (1 << 62) / payloadLimit * payloadLimit // above it the modulus would favour small payloads
	for {
		var b [8]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return 0, fmt.Errorf("draw payment code: %w", err)
		}
		v := binary.BigEndian.Uint64(b[:]) >> 2
		if v < fair && v%payloadLimit != 0 {
			return withCheckDigits(int64(v % payloadLimit)), nil
		}
	}
}

// withCheckDigits appends the two digits that make the number 1 modulo 97.
func withCheckDigits(payload int64) CodeNumber {
	return CodeNumber(payload*100 + 98 - payload*100%97)
}

// ParseCodeNumber reads a payment code as people type it: 16 digits, spaces
// and dashes between them ignored, check digits verified.
func ParseCodeNumber(s string) (CodeNumber, error) {
	n, err := ReadCodeNumber(s)
	if err == nil && !n.Valid() {
		return 0, ErrBadCodeNumber
	}
	return n, err
}

// ReadCodeNumber is ParseCodeNumber without the check digits: what it returns
// may not be Valid. The gateway tells a caller that such a code is unknown,
// since that is what a code with a slip of the pen is.
func ReadCodeNumber(s string) (CodeNumber, error) {
	if len(s) > 2*CodeDigits {
		return 0, ErrBadCodeNumber
	}
	var n int64
	digits := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			if digits++; digits > CodeDigits {
				return 0, ErrBadCodeNumber
			}
			n = n*10 + int64(c-'0')
		case c == ' ' || c == '-':
		default:
			return 0, ErrBadCodeNumber
		}
	}
	if digits != CodeDigits {
		return 0, ErrBadCodeNumber
	}
	return CodeNumber(n), nil
}

// Valid reports whether the number is in range and its check digits fit.
func (n CodeNumber) Valid() bool {
	check := n % 100
	return n >= 100 && n < numberLimit && n%97 == 1 && 2 <= check && check <= 98
}

// String returns the wire form, 16 digits.
func (n CodeNumber) String() string { return fmt.Sprintf("%0*d", CodeDigits, int64(n)) }

// Printed returns the form for receipts and screens, 1234-5678-9012-3456.
func (n CodeNumber) Printed() string {
	s := n.String()
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
}
