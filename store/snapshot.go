package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strconv"
)

// Snapshot reads one state of the evidence tables, whatever is committed
// meanwhile. The verification of the archive streams through it.
type Snapshot struct {
	tx *sql.Tx
	d  dialect
}

// Snapshot runs fn over one state of the database. Nothing is written.
func (db *DB) Snapshot(ctx context.Context, fn func(*Snapshot) error) error {
	tx, err := db.reader.BeginTx(ctx, db.dialect.snapshot())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer func() { _ = tx.Rollback() }() // it only read
	return fn(&Snapshot{tx: tx, d: db.dialect})
}

func (s *Snapshot) each(ctx context.Context, text string, args []any, scan func(func(...any) error) error) error {
	rows, err := s.tx.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// LogRow is a batch of the log with the checkpoint that closes it, as stored.
type LogRow struct {
	First   int64
	Entries []byte
}

// LeafCount returns the number of whole entries.
func (r LogRow) LeafCount() int64 { return int64(len(r.Entries) / leafSize) }

// Leaves decodes the entries.
func (r LogRow) Leaves() ([]Leaf, error) { return unpackLeaves(r.Entries) }

// NextBatch returns the first batch row at or behind the index.
func (s *Snapshot) NextBatch(ctx context.Context, from int64) (row LogRow, found bool, err error) {
	err = s.each(ctx, `SELECT first, entries FROM leaf_batch WHERE first >= $1 ORDER BY first LIMIT 1`, []any{from}, func(scan func(...any) error) error {
		found = true
		return scan(&row.First, &row.Entries)
	})
	if err != nil {
		return row, false, fmt.Errorf("read log: %w", err)
	}
	return row, found, nil
}

// NextCheckpoint returns the first checkpoint of at least this size.
func (s *Snapshot) NextCheckpoint(ctx context.Context, size int64) (c Checkpoint, found bool, err error) {
	err = s.each(ctx, `SELECT size, note FROM checkpoint WHERE size >= $1 ORDER BY size LIMIT 1`, []any{size}, func(scan func(...any) error) error {
		found = true
		return scan(&c.Size, &c.Note)
	})
	if err != nil {
		return c, false, fmt.Errorf("read checkpoint: %w", err)
	}
	return c, found, nil
}

// LatestCheckpoint returns the newest checkpoint.
func (s *Snapshot) LatestCheckpoint(ctx context.Context) (c Checkpoint, found bool, err error) {
	err = s.each(ctx, `SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1`, nil, func(scan func(...any) error) error {
		found = true
		return scan(&c.Size, &c.Note)
	})
	if err != nil {
		return c, false, fmt.Errorf("read checkpoint: %w", err)
	}
	return c, found, nil
}

// LogState returns where the log says it ends; found is false when its row is
// gone.
func (s *Snapshot) LogState(ctx context.Context) (state LogState, found bool, err error) {
	err = s.each(ctx, `SELECT size, frontier FROM log_state WHERE name = 'archive'`, nil, func(scan func(...any) error) error {
		found = true
		return scan(&state.Size, &state.Frontier)
	})
	if err != nil {
		return state, false, fmt.Errorf("read log state: %w", err)
	}
	return state, found, nil
}

// MessageKey names a message.
type MessageKey struct {
	Key int64 // payment code; negative for a message that concerns none
	ID  MessageID
}

// Key returns what the message is stored under.
func (m Message) Key() MessageKey { return MessageKey{Key: messageKey(m.Code, m.ID), ID: m.ID} }

// Messages reads the messages with these keys, as many as there are, in no
// particular order.
func (s *Snapshot) Messages(ctx context.Context, keys []MessageKey, fn func(Message) error) error {
	cols := []column{{"c", bigint}, {"i", binary_}}
	for len(keys) > 0 {
		n := min(s.d.chunk(len(keys)), maxReadKeys)
		rows := make([][]any, n)
		for j, k := range keys[:n] {
			rows[j] = []any{k.Key, k.ID[:]}
		}
		text := rowsStatement(s.d, cols, n, `SELECT code, id, data FROM rows JOIN message ON code = c AND id = i`)
		err := s.each(ctx, text, s.d.bind(cols, rows), func(scan func(...any) error) error {
			m, err := scanMessage(scan)
			if err != nil {
				return err
			}
			return fn(m)
		})
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		keys = keys[n:]
	}
	return nil
}

// Pending streams the leaves that are not in the log yet, in pages.
func (s *Snapshot) Pending(ctx context.Context, after MessageKey, limit int) ([]Leaf, error) {
	var list []Leaf
	err := s.each(ctx, `SELECT code, id, leaf FROM leaf_pending WHERE id > $1 OR id = $1 AND code > $2 ORDER BY id, code LIMIT `+strconv.Itoa(limit),
		[]any{after.ID[:], after.Key}, func(scan func(...any) error) error {
			l, err := scanLeaf(scan)
			list = append(list, l)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read pending leaves: %w", err)
	}
	return list, nil
}

// Counts is the number of rows of the evidence tables.
type Counts struct{ Messages, Documents, Pending, Checkpoints int64 }

// Counts counts the evidence.
func (s *Snapshot) Counts(ctx context.Context) (c Counts, err error) {
	for _, q := range []struct {
		text string
		n    *int64
	}{
		{`SELECT count(*) FROM message`, &c.Messages},
		{`SELECT count(*) FROM document`, &c.Documents},
		{`SELECT count(*) FROM leaf_pending`, &c.Pending},
		{`SELECT count(*) FROM checkpoint`, &c.Checkpoints},
	} {
		if err := s.each(ctx, q.text, nil, func(scan func(...any) error) error { return scan(q.n) }); err != nil {
			return c, fmt.Errorf("count evidence: %w", err)
		}
	}
	return c, nil
}

// MessageKeys returns a page of the keys of stored messages, in their order.
func (s *Snapshot) MessageKeys(ctx context.Context, after MessageKey, limit int) ([]MessageKey, error) {
	var keys []MessageKey
	err := s.each(ctx, `SELECT code, id FROM message WHERE code > $1 OR code = $1 AND id > $2 ORDER BY code, id LIMIT `+strconv.Itoa(limit),
		[]any{after.Key, after.ID[:]}, func(scan func(...any) error) error {
			var k MessageKey
			var id []byte
			if err := scan(&k.Key, &id); err != nil {
				return err
			}
			copy(k.ID[:], id)
			keys = append(keys, k)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	return keys, nil
}

// DocumentNamed returns the shared document whose id begins with ref.
func (s *Snapshot) DocumentNamed(ctx context.Context, ref []byte) (d Document, found bool, err error) {
	err = s.each(ctx, documentNamed, []any{ref}, func(scan func(...any) error) error {
		err := d.scan(scan)
		found = bytes.HasPrefix(d.ID, ref)
		return err
	})
	if err != nil {
		return d, false, fmt.Errorf("read document: %w", err)
	}
	return d, found, nil
}

// LostAnswers returns requests whose stored answer is not there, at most limit.
func (s *Snapshot) LostAnswers(ctx context.Context, limit int) ([]Request, error) {
	var list []Request
	err := s.each(ctx, `SELECT `+requestColumns+` FROM request WHERE NOT EXISTS
		(SELECT 1 FROM message WHERE message.code = request.code AND message.id = request.answer)
		ORDER BY at LIMIT `+strconv.Itoa(limit), nil, func(scan func(...any) error) error {
		r, _, err := scanRequest(scan)
		list = append(list, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for answers: %w", err)
	}
	return list, nil
}
