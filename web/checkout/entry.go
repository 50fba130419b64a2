package checkout

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"tolem"
	"tolem/web"
)

// entry is what a payer typed, as far as it is shown again: a card's number,
// date and code are not, nor is anything that looks like them.
type entry struct {
	Method        tolem.Method
	Holder        string
	Bank, Account string
}

// mistake is a field that cannot be accepted; Field is its id on the page.
type mistake struct{ Field, Key string }

// The ids of the fields on the page, which are their names in the form too.
const (
	fieldMethod  = "method"
	fieldNumber  = "card-number"
	fieldExpiry  = "card-expiry"
	fieldHolder  = "card-holder"
	fieldCVC     = "card-cvc"
	fieldBank    = "bank"
	fieldAccount = "account"
)

// readEntry reads what may be kept of a form. Everything else of it is
// forgotten with the form.
func readEntry(f web.Form, v View) entry {
	e := entry{Method: tolem.Method(f.Get(fieldMethod)), Holder: f.Get(fieldHolder), Bank: f.Get(fieldBank), Account: f.Get(fieldAccount)}
	switch offered := v.offered(); {
	case len(offered) == 1:
		e.Method = offered[0]
	case !slices.Contains(offered, e.Method):
		e.Method = ""
	}
	if hasDigit(e.Holder) || len(e.Holder) > maxHolderShown {
		e.Holder = ""
	}
	if len(e.Account) > maxAccountShown || mayBeCard(e.Account) {
		e.Account = ""
	}
	if _, ok := v.bank(e.Bank); !ok {
		e.Bank = ""
	}
	return e
}

// What is longer is not shown again.
const (
	maxHolderShown  = 60
	maxAccountShown = 60
)

// cardErrors says which field an error of tolem.NewCard is about, in the order
// of the page.
var cardErrors = []struct {
	err error
	mistake
}{
	{tolem.ErrCardNumber, mistake{fieldNumber, "error.number"}},
	{tolem.ErrCardExpiry, mistake{fieldExpiry, "error.expiry"}},
	{tolem.ErrCardCVC, mistake{fieldCVC, "error.cvc"}},
	{tolem.ErrCardHolder, mistake{fieldHolder, "error.holder"}},
}

// readCard reads the card (ACQ-P03), or every mistake in the order of the page.
// A number or code that was put into the name is told as that: people paste
// into any field.
func readCard(f web.Form, now time.Time) (tolem.Card, []mistake) {
	card, err := tolem.NewCard(f.Get(fieldNumber), f.Get(fieldExpiry), f.Get(fieldHolder), f.Get(fieldCVC), now)
	var wrong []mistake
	for _, row := range cardErrors {
		switch {
		case !errors.Is(err, row.err):
		case row.Field == fieldHolder && hasDigit(f.Get(fieldHolder)):
			wrong = append(wrong, mistake{fieldHolder, "error.holder_digits"})
		default:
			wrong = append(wrong, row.mistake)
		}
	}
	return card, wrong
}

// readAccount reads bank and account, or every mistake.
func readAccount(f web.Form, v View) (bank tolem.ParticipantID, account string, wrong []mistake) {
	bank, ok := v.bank(f.Get(fieldBank))
	if !ok {
		wrong = append(wrong, mistake{fieldBank, "error.bank"})
	}
	typed := f.Get(fieldAccount)
	account, ok = parseAccount(typed)
	switch {
	case !ok && !hasLetter(typed) && mayBeCard(typed):
		wrong = append(wrong, mistake{fieldAccount, "error.account_card"})
	case !ok:
		wrong = append(wrong, mistake{fieldAccount, "error.account"})
	}
	return bank, account, wrong
}

// maxAccount is the longest account number there is. A number without letters
// has at least minDigits (20 in Uzbekistan), which is more than a card has; one
// with letters is an IBAN.
const (
	minAccount = 8
	maxAccount = 34
	minDigits  = 20
)

// ibanLengths of the countries whose banks take part.
var ibanLengths = map[string]int{"KZ": 20, "AZ": 28}

// parseAccount returns the account number without spaces and dashes, in
// capitals. An IBAN must have the length of its country, if that is known, and
// right check digits; whether the account exists the bank says (GW-100).
func parseAccount(typed string) (string, bool) {
	account := strings.ToUpper(squeeze(typed))
	if len(account) < minAccount || len(account) > maxAccount || strings.ContainsFunc(account, notInAccount) {
		return "", false
	}
	if !hasLetter(account) {
		return account, len(account) >= minDigits
	}
	if n, known := ibanLengths[account[:2]]; known && len(account) != n {
		return "", false
	}
	return account, ibanCheck(account)
}

func notInAccount(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }

// ibanCheck looks at the form of an IBAN, country and check digits first, and
// computes ISO 7064 MOD 97-10 over the number with its head moved to the end.
func ibanCheck(iban string) bool {
	if iban[0] < 'A' || iban[1] < 'A' || iban[2] > '9' || iban[3] > '9' {
		return false
	}
	rest := 0
	for _, c := range iban[4:] + iban[:4] {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest == 1
}

// squeeze drops what people put between groups.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return r
	}, s)
}

func hasDigit(s string) bool  { return strings.ContainsFunc(s, unicode.IsDigit) }
func hasLetter(s string) bool { return strings.ContainsFunc(s, unicode.IsLetter) }

// minCard is how many digits the shortest card number has.
const minCard = 12

// mayBeCard reports whether a card number may be in what stands where an account
// should: as many digits on end, however spaced, in what is no IBAN.
func mayBeCard(s string) bool {
	if _, ok := parseAccount(s); ok && hasLetter(s) {
		return false
	}
	run := 0
	for _, r := range squeeze(s) {
		if !unicode.IsDigit(r) {
			run = 0
		} else if run++; run == minCard {
			return true
		}
	}
	return false
}
