package match

import (
	"time"

	"tolem"
)

// Entry is one row of a submitted list.
type Entry struct {
	// Line is the place of the row, from 1, each line once; 0 lets Match count.
	Line int

	Kind     tolem.RowKind    // empty means a payment
	Code     tolem.CodeNumber // 0: none; it may have wrong check digits
	CodeText string           // what stands there if it is no 16 digits
	BankRef  tolem.BankRef
	Service  tolem.ServiceCode
	Provider tolem.ProviderID
	Bank     tolem.ParticipantID
	Branch   tolem.ParticipantID
	Amount   tolem.Money // zero only in a row that cannot be read
	PaidAt   time.Time   // zero: not given
	Mark     string      // DiscrepancyLate, if the list says so

	Unreadable Unreadable // why the row cannot be read; empty: it can
	Raw        string     // the text of an unreadable row, at most MaxRaw bytes; it may hold anything: never log it
}

// Unreadable says why a row of a list cannot be read.
type Unreadable string

// The reasons.
const (
	BadKey      Unreadable = "BAD_KEY"      // neither a payment code nor a bank reference
	BadAmount   Unreadable = "BAD_AMOUNT"   // no positive amount with two decimals
	BadCurrency Unreadable = "BAD_CURRENCY" // not a currency the gateway serves
	BadKind     Unreadable = "BAD_KIND"     // neither payment nor refund nor discrepancy
	BadTime     Unreadable = "BAD_TIME"
	BadText     Unreadable = "BAD_TEXT"   // too long, not UTF-8, or with control characters
	BadQuotes   Unreadable = "BAD_QUOTES" // a quote that does not close on its line
	BadFields   Unreadable = "BAD_FIELDS" // more or fewer fields than the header
	BadTotal    Unreadable = "BAD_TOTAL"  // a TOTAL row without sense; it counts as no row
	LongLine    Unreadable = "LONG_LINE"  // longer than MaxLine
	TotalTooBig Unreadable = "TOTAL_TOO_BIG"
)

// MaxTotal bounds the sum of all amounts of a list or register in one currency,
// in minor units: no difference of two such sums overflows.
const MaxTotal = 1_000_000_000_000_000_000

// Declared is what the submitter says the list comes to.
type Declared struct {
	Currency tolem.Currency // empty: the count of all rows
	Count    int64          // payments and refunds
	HasCount bool
	Net      int64 // payments less refunds, in minor units; only with a currency
	HasNet   bool
}

// List is what a participant submits for a day.
type List struct {
	Entries  []Entry
	Declared []Declared
}

// kind is the kind of the row with its default.
func (e *Entry) kind() tolem.RowKind {
	if e.Kind == "" {
		return tolem.RowPayment
	}
	return e.Kind
}

// mistyped reports whether the row has a code that is none.
func (e *Entry) mistyped() bool { return e.CodeText != "" || e.Code != 0 && !e.Code.Valid() }

// counts reports whether the amount is one.
func (e *Entry) counts() bool {
	_, err := tolem.ParseCurrency(string(e.Amount.Currency))
	return err == nil && 0 < e.Amount.Minor && e.Amount.Minor <= tolem.MaxAmountMinor &&
		(e.kind() == tolem.RowPayment || e.kind() == tolem.RowRefund)
}

// check returns why the row cannot be read, whoever read it.
func (e *Entry) check() Unreadable {
	switch kind := e.kind(); {
	case e.Unreadable != "":
		return e.Unreadable
	case kind == tolem.RowDiscrepancy:
		return ""
	case kind != tolem.RowPayment && kind != tolem.RowRefund:
		return BadKind
	case e.Code == 0 && e.BankRef == "":
		return BadKey
	case e.Amount.Minor <= 0 || e.Amount.Minor > tolem.MaxAmountMinor:
		return BadAmount
	case !e.counts():
		return BadCurrency
	}
	return ""
}
