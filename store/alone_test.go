package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Alone commits in the straightforward way. It has connections of its own,
// as many as a store has committers.
type Alone struct {
	db     *DB
	writer *sql.DB
}

// OpenAlone returns a committer of this kind for the same database.
func (db *DB) OpenAlone(connections int) (*Alone, error) {
	writer, reader, err := db.dialect.open(connections, 1)
	if err != nil {
		return nil, err
	}
	return &Alone{db: db, writer: writer}, reader.Close()
}

// Close closes the connections.
func (a *Alone) Close() error { return a.writer.Close() }

// Update is DB.Update done in the straightforward way: each call has a
// database transaction of its own and each row a statement of its own. It is
// the measure that group commit is compared with; nothing else calls it. It
// does not run an overtaken closure again.
func (a *Alone) Update(ctx context.Context, fn func(*Tx) error) error {
	set := newWriteSet()
	if err := a.db.run(ctx, set, 1, fn); err != nil || set.empty() {
		return err
	}
	tx, err := a.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := a.write(ctx, tx, set); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (a *Alone) write(ctx context.Context, tx *sql.Tx, set *writeSet) error {
	for b := range bulks {
		text := rowsStatement(a.db.dialect, bulks[b].cols, 1, bulks[b].text)
		for _, row := range set.rows[b] {
			result, err := tx.ExecContext(ctx, text, a.db.dialect.bind(bulks[b].cols, [][]any{row})...)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n != 1 {
				return fmt.Errorf("%s: %d rows: %w", bulks[b].name, n, ErrConflict)
			}
		}
	}
	return nil
}
