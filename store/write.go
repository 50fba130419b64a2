package store

import (
	"context"
	"errors"
	"fmt"
)

// write executes the statements of the group, guards first.
func (c *committer) write(ctx context.Context, sets []*writeSet) (map[int]error, error) {
	if failed, err := c.singles(ctx, sets); err != nil || len(failed) > 0 {
		return failed, err
	}
	quick := c.counted
	if c.db.dialect.combines() {
		quick = c.combined
	}
	if done, err := quick(ctx, sets); err != nil || done {
		return nil, err
	}
	// Somebody was overtaken. Once more from the beginning, to find out who.
	for _, statement := range []string{"ROLLBACK", c.db.dialect.begin()} {
		if _, err := c.conn.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	if failed, err := c.singles(ctx, sets); err != nil || len(failed) > 0 {
		return failed, err
	}
	return c.tables(ctx, sets)
}

// singles executes the statements that stand alone.
func (c *committer) singles(ctx context.Context, sets []*writeSet) (map[int]error, error) {
	failed := make(map[int]error)
	for i := range sets {
		for _, s := range sets[i].singles {
			if err := c.single(ctx, s); err != nil {
				var miss *missError
				if !errors.As(err, &miss) {
					return nil, err
				}
				failed[i] = miss.outcome
				break // what stands behind a guard that failed is not tried: it could only fail as well
			}
		}
	}
	return failed, nil
}

// tables writes table by table.
func (c *committer) tables(ctx context.Context, sets []*writeSet) (map[int]error, error) {
	failed := make(map[int]error)
	for b := range bulks {
		if err := c.bulk(ctx, b, sets, failed); err != nil {
			return nil, fmt.Errorf("write %s: %w", bulks[b].name, err)
		}
		if len(failed) > 0 && b == lastGuarded {
			return failed, nil
		}
	}
	return failed, nil
}

// missError says that a single touched another number of rows than it had to.
type missError struct{ outcome error }

func (e *missError) Error() string { return e.outcome.Error() }

func (c *committer) single(ctx context.Context, s single) error {
	stmt, err := c.prepare(ctx, s.text)
	if err != nil {
		return err
	}
	var n int64
	err = c.db.faults.around("single", func() error {
		result, err := stmt.ExecContext(ctx, s.args...)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	switch {
	case err != nil:
		return err
	case s.want == anyRows || n == s.want:
		return nil
	case s.otherwise != nil:
		return &missError{outcome: s.otherwise}
	}
	return &missError{outcome: errOvertaken}
}

// bulk writes the rows of one kind of all sets.
func (c *committer) bulk(ctx context.Context, b int, sets []*writeSet, failed map[int]error) error {
	var rows [][]any
	for _, s := range sets {
		rows = append(rows, s.rows[b]...)
	}
	written := make(map[string]struct{})
	for at := 0; at < len(rows); {
		n := c.db.dialect.chunk(len(rows) - at)
		err := c.db.faults.around(bulks[b].name, func() error { return c.bulkChunk(ctx, b, rows[at:at+n], written) })
		if err != nil {
			return err
		}
		at += n
	}
	if bulks[b].guard == nil {
		return nil
	}
	for i, s := range sets {
		for _, r := range s.rows[b] {
			if _, ok := written[bulks[b].guard(r)]; !ok {
				failed[i] = errOvertaken
			}
		}
	}
	return nil
}

func (c *committer) bulkChunk(ctx context.Context, b int, rows [][]any, written map[string]struct{}) error {
	stmt, err := c.prepare(ctx, c.text(b, len(rows)))
	if err != nil {
		return err
	}
	params := c.db.dialect.bind(bulks[b].cols, rows)
	if bulks[b].guard == nil {
		_, err := stmt.ExecContext(ctx, params...)
		return err
	}
	result, err := stmt.QueryContext(ctx, params...)
	if err != nil {
		return err
	}
	defer result.Close()
	for result.Next() {
		key, err := bulks[b].returned(result.Scan)
		if err != nil {
			return err
		}
		written[key] = struct{}{}
	}
	return result.Err()
}

// text returns a bulk statement for n rows; made once for each n.
func (c *committer) text(b, n int) string {
	if c.db.dialect.oneSize() {
		n = 1
	}
	key := statementKey{b, n}
	t, ok := c.texts[key]
	if !ok {
		t = rowsStatement(c.db.dialect, bulks[b].cols, n, bulks[b].text)
		c.texts[key] = t
	}
	return t
}

// rowsStatement puts the table "rows" in front of a statement.
func rowsStatement(d dialect, cols []column, n int, statement string) string {
	return rowsFrom(d, cols, n, 1, statement)
}

// rowsFrom is rowsStatement with parameters that are numbered from first.
func rowsFrom(d dialect, cols []column, n, first int, statement string) string {
	names := ""
	for i, c := range cols {
		if i > 0 {
			names += ","
		}
		names += c.name
	}
	return "WITH rows(" + names + ") AS (" + d.rows(cols, n, first) + ") " + statement
}
