package tolem

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Card is what a payer enters on the payment page. It lives in memory for one
// call to the bank and is never stored, logged or printed (GW-P31, ACQ-P04): every way to
// print it shows the mask.
//
// The data stand behind a function. When a verb does not fit, fmt prints fields
// and what they point to, past all methods; it cannot look into a function.
type Card struct{ data func() *cardData }

type cardData struct {
	number, cvc, holder string
	month, year         int
}

// The errors of card data; each is about one field.
var (
	ErrCardNumber = errors.New("card number must have 12 to 19 digits with a correct check digit")
	ErrCardExpiry = errors.New("the card has expired, or the date is none")
	ErrCardHolder = errors.New("the name must be in Latin letters as on the card, 2 to 26 characters")
	ErrCardCVC    = errors.New("the security code has 3 or 4 digits")
)

// NewCard reads what was entered (ACQ-P03); spaces and dashes in numbers do not
// matter. Every field that is wrong is named in the error.
func NewCard(number, expiry, holder, cvc string, now time.Time) (Card, error) {
	c := &cardData{number: digits(number), cvc: strings.TrimSpace(cvc), holder: strings.ToUpper(strings.Join(strings.Fields(holder), " "))}
	var errs []error
	if len(c.number) < 12 || len(c.number) > 19 || !luhn(c.number) {
		errs = append(errs, ErrCardNumber)
	}
	var err error
	if c.month, c.year, err = parseExpiry(expiry); err != nil || c.expired(now) {
		errs = append(errs, ErrCardExpiry)
	}
	if len(c.holder) < 2 || len(c.holder) > 26 || strings.ContainsFunc(c.holder, notOnCard) {
		errs = append(errs, ErrCardHolder)
	}
	if len(c.cvc) < 3 || len(c.cvc) > 4 || digits(c.cvc) != c.cvc {
		errs = append(errs, ErrCardCVC)
	}
	return Card{func() *cardData { return c }}, errors.Join(errs...)
}

// digits removes spaces and dashes; other characters make the result empty.
func digits(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == ' ' || r == '-' || r == '\u00a0':
		default:
			return ""
		}
	}
	return b.String()
}

func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// parseExpiry reads 11/28, 11/2028, 1128 and 11 28.
func parseExpiry(s string) (month, year int, err error) {
	d := digits(strings.ReplaceAll(s, "/", ""))
	switch len(d) {
	case 4:
		_, err = fmt.Sscanf(d, "%2d%2d", &month, &year)
		year += 2000
	case 6:
		_, err = fmt.Sscanf(d, "%2d%4d", &month, &year)
	default:
		return 0, 0, ErrCardExpiry
	}
	if err != nil || month < 1 || month > 12 {
		return 0, 0, ErrCardExpiry
	}
	return month, year, nil
}

// maxCardYears is how far ahead a card's last month may lie.
const maxCardYears = 20

func (c *cardData) expired(now time.Time) bool {
	after := time.Date(c.year, time.Month(c.month)+1, 1, 0, 0, 0, 0, time.UTC)
	return !now.Before(after) || c.year > now.Year()+maxCardYears
}

// notOnCard tells characters that are not embossed on cards.
func notOnCard(r rune) bool {
	return (r < 'A' || r > 'Z') && r != ' ' && r != '-' && r != '.' && r != '\''
}

// Masked is what may be shown and stored: the first six and last four digits.
func (c Card) Masked() string {
	n, _, _, _, _ := c.Reveal()
	if len(n) < 12 {
		return ""
	}
	return n[:6] + strings.Repeat("*", len(n)-10) + n[len(n)-4:]
}

// Reveal hands the card's data to the one who writes the call to the bank, and
// to nobody else.
func (c Card) Reveal() (number, holder, cvc string, month, year int) {
	if c.data == nil {
		return "", "", "", 0, 0
	}
	d := c.data()
	return d.number, d.holder, d.cvc, d.month, d.year
}

// String and the others show the mask, whatever prints the card.
func (c Card) String() string   { return "Card(" + c.Masked() + ")" }
func (c Card) GoString() string { return c.String() }

// Format keeps every verb from the fields.
func (c Card) Format(f fmt.State, _ rune) { fmt.Fprint(f, "Card("+c.Masked()+")") }

// MarshalJSON refuses: card data go into no document of ours.
func (c Card) MarshalJSON() ([]byte, error) { return nil, errors.New("card data are not written down") }

// MarshalText refuses as MarshalJSON does.
func (c Card) MarshalText() ([]byte, error) { return nil, errors.New("card data are not written down") }

// LogValue shows the mask.
func (c Card) LogValue() slog.Value { return slog.StringValue(c.String()) }

// shortestNumber is how many digits in a row may be a card number.
const shortestNumber = 12

// Redact takes out of a text of a bank whatever may be a card number: every run
// of at least 12 digits, spaces and dashes between them or not.
func Redact(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		if n, digits := run(s); digits >= shortestNumber {
			b.WriteString("[…]")
			s = s[n:]
		} else if n > 0 {
			b.WriteString(s[:n])
			s = s[n:]
		} else {
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	return b.String()
}

// run returns the length of the digits that s begins with, single spaces and
// dashes between them counted, and how many digits they are.
func run(s string) (n, count int) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			n, count = i+1, count+1
		case (c == ' ' || c == '-') && i > 0 && i == n:
		default:
			return n, count
		}
	}
	return n, count
}
