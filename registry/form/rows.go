package form

import (
	"fmt"
	"math"

	"tolem"
)

// walk passes the rows on in order and sees to it that they are what the Sheet
// says: each cell of its column's kind, as many rows as announced, and sums
// that are of all rows really of them.
func (s *Sheet) walk(each func(row []Cell) error) error {
	var all tally
	var count int64
	for row, err := range s.Rows {
		if err != nil {
			return err
		}
		count++
		if err := s.fits(row); err != nil {
			return fmt.Errorf("row %d: %w", count, err)
		}
		if err := all.add(row); err != nil {
			return fmt.Errorf("row %d: %w", count, err)
		}
		if err := each(row); err != nil {
			return err
		}
	}
	if s.RowCount != UnknownRows && s.RowCount != count {
		return fmt.Errorf("%w: %d, not %d", ErrRows, count, s.RowCount)
	}
	return s.balance(&all)
}

func (s *Sheet) fits(row []Cell) error {
	if len(row) != len(s.Columns) {
		return fmt.Errorf("%d cells for %d columns: %w", len(row), len(s.Columns), ErrCell)
	}
	for i := range row {
		if err := row[i].fits(s.Columns[i]); err != nil {
			return err
		}
	}
	return nil
}

// balance compares the totals that are of all rows with the rows.
func (s *Sheet) balance(all *tally) error {
	for _, t := range s.Totals {
		for _, sum := range t.Sums {
			if !t.All {
				continue
			}
			if got := all.of(sum.Column, sum.Amount.Currency); got != sum.Amount.Minor {
				m := tolem.Money{Minor: got, Currency: sum.Amount.Currency}
				return fmt.Errorf("%w %s: %s, not %s", ErrTotals, t.Name, m, sum.Amount)
			}
		}
	}
	return nil
}

// tally adds up the counted amounts of rows by column and currency.
type tally struct {
	rows int64
	sums []Sum // few: columns of money by the currencies that occur
}

// add counts a row.
func (t *tally) add(row []Cell) error {
	t.rows++
	for i := range row {
		c := &row[i]
		if c.holds != anAmount || c.aside {
			continue
		}
		minor := t.at(i, c.currency)
		if c.number > 0 && *minor > math.MaxInt64-c.number || c.number < 0 && *minor < math.MinInt64-c.number {
			return fmt.Errorf("sum too large: %w", ErrTotals)
		}
		*minor += c.number
	}
	return nil
}

// at returns the place of a sum, making one where there is none.
func (t *tally) at(column int, currency tolem.Currency) *int64 {
	for i := range t.sums {
		if s := &t.sums[i]; s.Column == column && s.Amount.Currency == currency {
			return &s.Amount.Minor
		}
	}
	t.sums = append(t.sums, Sum{Column: column, Amount: tolem.Money{Currency: currency}})
	return &t.sums[len(t.sums)-1].Amount.Minor
}

// of returns a sum.
func (t *tally) of(column int, currency tolem.Currency) int64 {
	for _, s := range t.sums {
		if s.Column == column && s.Amount.Currency == currency {
			return s.Amount.Minor
		}
	}
	return 0
}
