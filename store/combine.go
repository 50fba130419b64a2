package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// combined writes the rows of a group with one statement, where the database
// can: one round trip instead of one a table. It reports done if every guard
// held. If one did not, the transaction must be rolled back, and the rows
// written table by table to find out whose it was.
func (c *committer) combined(ctx context.Context, sets []*writeSet) (done bool, err error) {
	rows := collect(sets)
	which := selection(rows)
	if which == 0 {
		return true, nil
	}
	stmt, err := c.prepare(ctx, c.combinedText(which))
	if err != nil {
		return false, err
	}
	var params []any
	write := func() (err error) {
		done, err = scanCounts(rows, stmt.QueryRowContext(ctx, params...).Scan)
		return err
	}
	for b := range bulks { // each table is a fault point of its own
		if len(rows[b]) > 0 {
			params = append(params, c.db.dialect.bind(bulks[b].cols, rows[b])...)
			inner := write
			write = func() error { return c.db.faults.around(bulks[b].name, inner) }
		}
	}
	if err := write(); err != nil {
		return false, fmt.Errorf("write group: %w", err)
	}
	return done, nil
}

// counted writes table by table and only counts what the guarded statements
// wrote: to have each row told costs a third more on SQLite. Done means the
// same as for combined.
func (c *committer) counted(ctx context.Context, sets []*writeSet) (done bool, err error) {
	rows := collect(sets)
	for b := range bulks {
		written := int64(0)
		for at := 0; at < len(rows[b]); {
			n := c.db.dialect.chunk(len(rows[b]) - at)
			err := c.db.faults.around(bulks[b].name, func() error {
				affected, err := c.exec(ctx, b, rows[b][at:at+n])
				written += affected
				return err
			})
			if err != nil {
				return false, fmt.Errorf("write %s: %w", bulks[b].name, err)
			}
			at += n
		}
		if bulks[b].guard != nil && written != int64(len(rows[b])) {
			return false, nil
		}
	}
	return true, nil
}

// exec runs a bulk statement without having its rows told.
func (c *committer) exec(ctx context.Context, b int, rows [][]any) (affected int64, err error) {
	text, _, _ := strings.Cut(c.text(b, len(rows)), " RETURNING ")
	stmt, err := c.prepare(ctx, text)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, c.db.dialect.bind(bulks[b].cols, rows)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// collect puts the rows of all sets together, by table.
func collect(sets []*writeSet) (rows [bulkCount][][]any) {
	for b := range bulks {
		n := 0
		for _, s := range sets {
			n += len(s.rows[b])
		}
		if n == 0 {
			continue
		}
		rows[b] = make([][]any, 0, n)
		for _, s := range sets {
			rows[b] = append(rows[b], s.rows[b]...)
		}
	}
	return rows
}

// scanCounts reads how many rows of each guarded table were written and
// reports whether it was all of them.
func scanCounts(rows [bulkCount][][]any, scan func(...any) error) (all bool, err error) {
	var written [bulkCount]int
	targets := []any{new(int)} // the constant that opens the list
	for b := range bulks {
		if bulks[b].guard != nil && len(rows[b]) > 0 {
			targets = append(targets, &written[b])
		}
	}
	if err := scan(targets...); err != nil {
		return false, err
	}
	for b := range bulks {
		if bulks[b].guard != nil && written[b] != len(rows[b]) {
			return false, nil
		}
	}
	return true, nil
}

// combinedText returns the statement for a selection; made once for each.
func (c *committer) combinedText(which selected) string {
	text, ok := c.combinations[which]
	if !ok {
		text = combine(c.db.dialect, which)
		c.combinations[which] = text
	}
	return text
}

// selected is a set of the bulk statements.
type selected uint

// selection returns the statements that have rows to write.
func selection(rows [bulkCount][][]any) (which selected) {
	for b := range rows {
		if len(rows[b]) > 0 {
			which |= 1 << b
		}
	}
	return which
}

// combine makes one statement of several. The outer SELECT counts what the
// guarded ones wrote.
func combine(d dialect, which selected) string {
	var with, counts strings.Builder
	first := 1
	for b := range bulks {
		if which&(1<<b) == 0 {
			continue
		}
		name := "w" + strconv.Itoa(b)
		if first > 1 {
			with.WriteString(", ")
		}
		with.WriteString(name + " AS (" + rowsFrom(d, bulks[b].cols, 1, first, bulks[b].text) + ")")
		first += len(bulks[b].cols)
		if bulks[b].guard != nil {
			counts.WriteString(", (SELECT count(*) FROM " + name + ")")
		}
	}
	return "WITH " + with.String() + " SELECT 1" + counts.String()
}
