package match

import (
	"iter"
	"time"

	"tolem"
)

// Book is our side: what the register of the day shows its owner.
type Book struct {
	Owner    tolem.Owner
	Day      tolem.Day
	From, To time.Time // the moments of the day; zero: times are not compared

	// Rows are those of the register, each line once; line 0 lets Match count.
	// They are read once, in any order.
	Rows iter.Seq2[tolem.RegisterRow, error]
}

// Rows makes the rows of a book of a slice.
func Rows(rows []tolem.RegisterRow) iter.Seq2[tolem.RegisterRow, error] {
	return func(yield func(tolem.RegisterRow, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Fact is something we know of a code besides the register that is compared.
type Fact struct {
	// Row is a row of any day and owner: the payment that was accepted, its
	// refund, a notification that was refused. With an empty Kind it says that
	// the code was issued and is not paid; then Code, Bank (who may notify it,
	// empty: none yet), Service, Provider, Amount and State are given.
	Row tolem.RegisterRow

	// Day is the day whose register has the row; meaningless while Open.
	Day tolem.Day

	// Open says that no day that holds the row is sealed yet.
	Open bool
}

// FactsBatch is the largest number of codes of one call of Lookup.
const FactsBatch = 1000

// Lookup tells everything that is known of codes which the day's register does
// not explain: rows of all days and owners, the day's own included, those no day
// is sealed for yet, and of an unpaid code that it was issued. A code without
// facts, or with refused notifications only, was never issued.
//
// The facts may belong to others than the owner of the list: Match uses them
// to classify and lets nothing of them into the report.
type Lookup interface {
	Facts(codes []tolem.CodeNumber) (map[tolem.CodeNumber][]Fact, error)
}

// LookupFunc is a function as Lookup.
type LookupFunc func(codes []tolem.CodeNumber) (map[tolem.CodeNumber][]Fact, error)

// Facts calls the function.
func (f LookupFunc) Facts(codes []tolem.CodeNumber) (map[tolem.CodeNumber][]Fact, error) {
	return f(codes)
}

// ours is a row of the register as far as it is compared: smaller, and with each
// name kept once.
type ours struct {
	line         int
	kind         tolem.RowKind
	code         tolem.CodeNumber
	bank, branch tolem.ParticipantID
	ref          tolem.BankRef
	service      tolem.ServiceCode
	provider     tolem.ProviderID
	amount       tolem.Money
	paid         int64 // Unix seconds
	mark         string
	belongs      tolem.Day
	at           int32 // its index
	pair         int32 // the row of the list it is paired with, or none
	used         bool  // a refused notification that a row of the list is about
}
