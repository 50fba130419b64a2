package tolem

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// AccountNumber names an account within its organisation: 1 to 34 capital
// letters A to Z, digits and -./_ signs. Nothing in it is personal by itself, so
// it can be searched.
type AccountNumber string

// MaxAccountNumber bounds an account number, in bytes.
const MaxAccountNumber = 34

// ErrBadAccountNumber reports text that is no account number.
var ErrBadAccountNumber = errors.New("an account number has 1 to 34 letters A to Z, digits and signs -./_ ")

// ParseAccountNumber reads an account number as a person typed it: spaces are
// dropped, small letters become capitals.
func ParseAccountNumber(s string) (AccountNumber, error) {
	if len(s) > 4*MaxAccountNumber {
		return "", ErrBadAccountNumber
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == ' ', r == '\t', r == '\u00a0':
			continue
		case 'a' <= r && r <= 'z':
			r -= 'a' - 'A'
		case '0' <= r && r <= '9', 'A' <= r && r <= 'Z', strings.ContainsRune("-./_", r):
		default:
			return "", ErrBadAccountNumber
		}
		b.WriteRune(r)
	}
	if b.Len() == 0 || b.Len() > MaxAccountNumber {
		return "", ErrBadAccountNumber
	}
	return AccountNumber(b.String()), nil
}

// AccountID names an account among all.
type AccountID struct {
	Organisation ProviderID
	Number       AccountNumber
}

// String returns organisation and number.
func (id AccountID) String() string { return string(id.Organisation) + "/" + string(id.Number) }

// Particulars say whose an account is. All of it is personal.
type Particulars struct {
	Holder  string
	Address string
	Details []Detail // what else people at the desk are shown (WP-053)
}

// Detail is a line of an account's details.
type Detail struct{ Label, Value string }

// IsZero reports whether nothing is known.
func (p Particulars) IsZero() bool { return p.Holder == "" && p.Address == "" && len(p.Details) == 0 }

// Bill is what an account owes for one service by one invoice, as its
// organisation says. Service and invoice name it within the account.
type Bill struct {
	Service ServiceCode
	Invoice string // number of the invoice; may be empty
	Period  string // what it is for, like 2026-10; may be empty
	Amount  Money
}

// Snapshot is everything an organisation says about an account at a moment.
type Snapshot struct {
	Account AccountID

	// AsOf is the moment of the organisation's books; it orders snapshots.
	AsOf time.Time
	// PaidUntil is the moment up to which payments made through the gateway are
	// taken off the bills already; never after AsOf.
	PaidUntil time.Time

	Closed      bool        // the account takes no payments any more
	Particulars Particulars // none: what was said before holds
	Bills       []Bill
}

// Limits of a snapshot. Texts are in characters.
const (
	MaxBills   = 200 // of an account
	MaxDetails = 30
	MaxHolder  = 200
	MaxAddress = 300
	MaxLabel   = 100 // of a detail
	MaxValue   = 300
	MaxInvoice = 64
	MaxPeriod  = 32
)

// BillProblem says why a snapshot is not taken. Its codes are stable: they stand
// in answers over the wire and beside lines of files.
type BillProblem string

// The problems.
const (
	ProblemAccount   BillProblem = "BAD_ACCOUNT"       // no account number
	ProblemTwice     BillProblem = "ACCOUNT_TWICE"     // the batch has the account twice
	ProblemService   BillProblem = "UNKNOWN_SERVICE"   // no service of the organisation
	ProblemAmount    BillProblem = "BAD_AMOUNT"        // not positive, or not two decimals
	ProblemCurrency  BillProblem = "BAD_CURRENCY"      // not that of the gateway
	ProblemInvoice   BillProblem = "BAD_INVOICE"       // invoice number or period
	ProblemDuplicate BillProblem = "DUPLICATE_INVOICE" // service and invoice twice in one account
	ProblemTooMany   BillProblem = "TOO_MANY_BILLS"
	ProblemText      BillProblem = "BAD_TEXT"    // holder, address or a detail
	ProblemClosed    BillProblem = "CLOSED_OWES" // a closed account with bills
)

// Check returns the first problem of a snapshot whose bills are for these
// services and in this currency, and which part of it; empty if it is in order.
func (s Snapshot) Check(services func(ServiceCode) bool, currency Currency) (BillProblem, string) {
	if n, err := ParseAccountNumber(string(s.Account.Number)); err != nil || n != s.Account.Number {
		return ProblemAccount, ErrBadAccountNumber.Error()
	}
	switch {
	case len(s.Bills) > MaxBills:
		return ProblemTooMany, fmt.Sprintf("more than %d bills", MaxBills)
	case s.Closed && len(s.Bills) > 0:
		return ProblemClosed, "a closed account has no bills"
	}
	if what := s.Particulars.problem(); what != "" {
		return ProblemText, what
	}
	for i, b := range s.Bills {
		if p, what := b.problem(services, currency); p != "" {
			return p, what
		}
		same := func(other Bill) bool { return other.Key() == b.Key() }
		if slices.ContainsFunc(s.Bills[:i], same) {
			return ProblemDuplicate, fmt.Sprintf("service %s, invoice %q", b.Service, b.Invoice)
		}
	}
	return "", ""
}

func (p Particulars) problem() string {
	fits := func(s string, most int) bool { return utf8.RuneCountInString(s) <= most && Printable(s) }
	switch {
	case !fits(p.Holder, MaxHolder):
		return "holder"
	case !fits(p.Address, MaxAddress):
		return "address"
	case len(p.Details) > MaxDetails:
		return fmt.Sprintf("more than %d details", MaxDetails)
	}
	for _, d := range p.Details {
		if d.Label == "" || !fits(d.Label, MaxLabel) || !fits(d.Value, MaxValue) {
			return "detail"
		}
	}
	return ""
}

func (b Bill) problem(services func(ServiceCode) bool, currency Currency) (BillProblem, string) {
	switch {
	case !services(b.Service):
		return ProblemService, fmt.Sprintf("%.40q is no service of the organisation", b.Service)
	case b.Amount.Minor <= 0 || b.Amount.Minor > MaxAmountMinor:
		return ProblemAmount, ErrBadAmount.Error()
	case b.Amount.Currency != currency:
		return ProblemCurrency, "want " + string(currency)
	case utf8.RuneCountInString(b.Invoice) > MaxInvoice || !Printable(b.Invoice):
		return ProblemInvoice, fmt.Sprintf("invoice: at most %d printable characters", MaxInvoice)
	case utf8.RuneCountInString(b.Period) > MaxPeriod || !Printable(b.Period):
		return ProblemInvoice, fmt.Sprintf("period: at most %d printable characters", MaxPeriod)
	}
	return "", ""
}

// BillKey names a bill within its account.
type BillKey struct {
	Service ServiceCode
	Invoice string
}

// Key returns what names the bill.
func (b Bill) Key() BillKey { return BillKey{b.Service, b.Invoice} }

// Settlement is a payment through the gateway to an account: of a bill, which it
// names by service and invoice, or in advance, which changes no bill.
type Settlement struct {
	Code     CodeNumber
	Account  AccountID
	Service  ServiceCode
	Invoice  string
	Period   string // of the bill, so that it can stand again
	Advance  bool
	Amount   Money
	At       time.Time
	UndoneAt time.Time // when the payment was cancelled; zero: it holds
}

// Debt is a bill and what of it is still to be paid.
type Debt struct {
	Bill
	Open int64 // minor units
}

// Debts returns what is to be paid on a snapshot after these payments, which come
// in the order of their time; debts in that of service, period and invoice
// (WP-034). What an organisation has counted
// already (before PaidUntil) is not taken off twice, and a payment that it has
// counted and that was cancelled since is owed again.
func Debts(bills []Bill, paidUntil time.Time, settlements []Settlement) []Debt {
	owed := make(map[BillKey]*Debt, len(bills))
	for _, b := range bills {
		owed[b.Key()] = &Debt{Bill: b, Open: b.Amount.Minor}
	}
	for _, s := range settlements {
		counted := s.At.Before(paidUntil) && (s.UndoneAt.IsZero() || !s.UndoneAt.Before(paidUntil))
		holds := s.UndoneAt.IsZero()
		key := BillKey{s.Service, s.Invoice}
		switch d := owed[key]; {
		case s.Advance, holds == counted:
		case holds && d != nil:
			d.Open -= s.Amount.Minor
		case counted && d != nil:
			d.Open += s.Amount.Minor
		case counted:
			bill := Bill{Service: s.Service, Invoice: s.Invoice, Period: s.Period, Amount: s.Amount}
			owed[key] = &Debt{Bill: bill, Open: s.Amount.Minor}
		}
	}
	var debts []Debt
	for _, d := range owed {
		if d.Open > 0 {
			debts = append(debts, *d)
		}
	}
	slices.SortFunc(debts, func(a, b Debt) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Period, b.Period), cmp.Compare(a.Invoice, b.Invoice))
	})
	return debts
}
