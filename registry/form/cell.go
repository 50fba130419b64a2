package form

import (
	"fmt"
	"time"

	"tolem"
)

// Cell is one cell of a row. The zero Cell is empty and fits every column.
type Cell struct {
	holds    holding
	aside    bool
	currency tolem.Currency
	text     string
	number   int64 // an integer, minor units, or a day
	at       time.Time
}

type holding uint8

const (
	nothing holding = iota
	aText
	aNumber
	anAmount
	aTime
	aDay
)

// String returns a cell of a Text or Code column.
func String(s string) Cell { return Cell{holds: aText, text: s} }

// Int returns a cell of an Integer column.
func Int(n int64) Cell { return Cell{holds: aNumber, number: n} }

// Amount returns a cell of a Money column.
func Amount(m tolem.Money) Cell {
	return Cell{holds: anAmount, number: m.Minor, currency: m.Currency}
}

// At returns a cell of a Time column, empty for the zero time.
func At(t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return Cell{holds: aTime, at: t}
}

// On returns a cell of a Date column.
func On(d tolem.Day) Cell { return Cell{holds: aDay, number: int64(d)} }

// Aside returns the cell of an amount that is shown and counts in no total. It
// is marked with an asterisk, and in XLSX it is no number, so that nobody's sum
// takes it in.
func (c Cell) Aside() Cell {
	c.aside = true
	return c
}

func (c Cell) money() tolem.Money { return tolem.Money{Minor: c.number, Currency: c.currency} }

func (c Cell) day() tolem.Day { return tolem.Day(c.number) }

// fits tells why a cell cannot stand in a column.
func (c Cell) fits(column Column) error {
	switch {
	case c.holds == nothing:
		return nil
	case c.holds != heldBy[column.Kind]:
		return fmt.Errorf("column %s: %w", column.Name, ErrCell)
	case c.holds == anAmount && !isCurrency(c.currency):
		return fmt.Errorf("column %s: amount in %q: %w", column.Name, c.currency, ErrCell)
	case c.holds == anAmount && column.Currency != "" && c.currency != column.Currency:
		return fmt.Errorf("column %s is in %s, not %s: %w", column.Name, column.Currency, c.currency, ErrCell)
	}
	return nil
}

// heldBy says what the cells of a kind of column hold.
var heldBy = [...]holding{Text: aText, Integer: aNumber, Money: anAmount, Time: aTime, Date: aDay, Code: aText}

func isCurrency(c tolem.Currency) bool {
	if len(c) != 3 {
		return false
	}
	for i := range len(c) {
		if c[i] < 'A' || c[i] > 'Z' {
			return false
		}
	}
	return true
}
