package tolem

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Names of baskets and their lines.
type (
	// BasketID names a basket: what one customer pays at once.
	BasketID string
	// LineID numbers the lines of a basket from 1 on. It is never given to
	// another line of the same basket, so that basket and line name a payment.
	LineID int
)

// MaxLines bounds a basket.
const MaxLines = 50

// Basket is what an operator has put together and has not been paid yet. Every
// operator has one; it is kept in the database (WP-529).
type Basket struct {
	ID      BasketID
	Bank    ParticipantID
	Person  PersonID
	Version int64 // counts changes; a page names the one it shows

	Lines []BasketLine
	Last  LineID // the last that was given
	// Calculation numbers the calculation that stands; zero after any change
	// (WP-537). Calculations is how many there were.
	Calculation  int64
	Calculations int64
}

// BasketLine is a payment to be made.
type BasketLine struct {
	No      LineID
	Account AccountID
	Service ServiceCode
	Advance bool   // nothing is owed
	Invoice string // of the debt
	Period  string
	Open    int64     // of the debt when it was looked up; zero: in advance
	SeenAt  time.Time // when it was looked up
	Online  bool      // the organisation's own system was asked

	Unit     UnitCode // that receives it
	AsanUnit UnitCode

	Typed  string // the amount as it was typed
	Amount int64  // minor units; zero: Typed is no amount, or nothing
	Fee    int64  // of the calculation

	Smart bool        // to be written to a SMART card
	Card  SmartCardNo // if the account was read from it; empty: any of the account's

	Failed string // key of the message of the last try to pay it; empty: none

	Organisation, ServiceName, ServiceCode, UnitName, AsanUnitName string // as they are shown
	Particulars                                                    Particulars
}

// Errors of baskets.
var (
	ErrBasketDuplicate = errors.New("the basket has a line of this account and service")
	ErrBasketFull      = fmt.Errorf("the basket has %d lines", MaxLines)
	ErrBasketCard      = errors.New("the basket has a line for this SMART card")
	ErrNoLine          = errors.New("the basket has no such line")
)

// same reports whether two lines would pay the same thing (WP-528). Debts of one
// service differ by their invoices.
func (l BasketLine) same(m BasketLine) bool {
	return l.Account == m.Account && l.Service == m.Service && l.Advance == m.Advance && l.Invoice == m.Invoice
}

// sameCard reports whether two lines would be written to one card (WP-549).
func (l BasketLine) sameCard(m BasketLine) bool {
	return l.Smart && m.Smart && (l.Account == m.Account || l.Card != "" && l.Card == m.Card)
}

// Add returns the basket with another line, numbered; or ErrBasketDuplicate,
// ErrBasketCard, ErrBasketFull.
func (b Basket) Add(l BasketLine) (Basket, error) {
	for _, m := range b.Lines {
		switch {
		case l.same(m):
			return b, ErrBasketDuplicate
		case l.sameCard(m):
			return b, ErrBasketCard
		}
	}
	if len(b.Lines) >= MaxLines {
		return b, ErrBasketFull
	}
	b.Last++
	l.No = b.Last
	b.Lines = append(slices.Clone(b.Lines), l)
	return b.changed(), nil
}

// Remove returns the basket without a line (WP-051), or ErrNoLine.
func (b Basket) Remove(no LineID) (Basket, error) {
	return b.without(func(l BasketLine) bool { return l.No == no })
}

// RemoveOrganisation returns the basket without the lines of an organisation
// (WP-052), or ErrNoLine.
func (b Basket) RemoveOrganisation(o ProviderID) (Basket, error) {
	return b.without(func(l BasketLine) bool { return l.Account.Organisation == o })
}

func (b Basket) without(gone func(BasketLine) bool) (Basket, error) {
	kept := slices.DeleteFunc(slices.Clone(b.Lines), gone)
	if len(kept) == len(b.Lines) {
		return b, ErrNoLine
	}
	b.Lines = kept
	return b.changed(), nil
}

// Change returns the basket with a line changed by fn, or ErrNoLine.
func (b Basket) Change(no LineID, fn func(*BasketLine)) (Basket, error) {
	i := slices.IndexFunc(b.Lines, func(l BasketLine) bool { return l.No == no })
	if i < 0 {
		return b, ErrNoLine
	}
	b.Lines = slices.Clone(b.Lines)
	fn(&b.Lines[i])
	b.Lines[i].No = no
	return b.changed(), nil
}

// Paid returns the basket without a line that was paid. The calculation of the
// others stands.
func (b Basket) Paid(no LineID) (Basket, error) {
	calculation := b.Calculation
	b, err := b.Remove(no)
	b.Calculation = calculation
	return b, err
}

// Fail returns the basket with a line that could not be paid, and why. It is not
// tried again before it is calculated again.
func (b Basket) Fail(no LineID, key string) (Basket, error) {
	calculation := b.Calculation
	b, err := b.Change(no, func(l *BasketLine) { l.Failed = key })
	b.Calculation = calculation
	return b, err
}

// changed takes the calculation back.
func (b Basket) changed() Basket {
	b.Calculation = 0
	return b
}

// Calculate returns the basket with the fee of every line, and numbers the
// calculation. Every line has an amount.
func (b Basket) Calculate(fee func(BasketLine) int64) Basket {
	b.Lines = slices.Clone(b.Lines)
	for i := range b.Lines {
		b.Lines[i].Fee = fee(b.Lines[i])
		b.Lines[i].Failed = ""
	}
	b.Calculations++
	b.Calculation = b.Calculations
	return b
}

// Calculated reports whether the sums stand (WP-537): nothing was changed since,
// and no line has failed.
func (b Basket) Calculated() bool {
	failed := func(l BasketLine) bool { return l.Failed != "" }
	return b.Calculation > 0 && len(b.Lines) > 0 && !slices.ContainsFunc(b.Lines, failed)
}

// Total is the sum of all amounts and fees, in minor units (WP-536).
func (b Basket) Total() int64 {
	var sum int64
	for _, l := range b.Lines {
		sum += l.Amount + l.Fee
	}
	return sum
}

// Line returns a line, or ErrNoLine.
func (b Basket) Line(no LineID) (BasketLine, error) {
	for _, l := range b.Lines {
		if l.No == no {
			return l, nil
		}
	}
	return BasketLine{}, ErrNoLine
}
