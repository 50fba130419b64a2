package store

import (
	"context"
	"fmt"
)

// Leaf is an entry of the Merkle log: the message (or document) it stands for
// and its leaf hash.
type Leaf struct {
	Key  int64 // payment code; negative for a message that concerns none; DocumentKey for a document
	ID   MessageID
	Hash [32]byte
}

// LogState is where the log ends.
type LogState struct {
	Size     int64
	Frontier []byte // roots of the complete subtrees, largest first, 32 bytes each
}

// LogState returns where the log ends.
func (tx *Tx) LogState() (LogState, error) {
	var s LogState
	found := false
	err := tx.db.query(tx.ctx, `SELECT size, frontier FROM log_state WHERE name = 'archive'`, nil, func(scan func(...any) error) error {
		found = true
		return scan(&s.Size, &s.Frontier)
	})
	switch {
	case err != nil:
		return s, fmt.Errorf("read log state: %w", err)
	case !found:
		return s, fmt.Errorf("log state: %w", ErrSchema)
	}
	return s, nil
}

// PendingLeaves returns leaves that are not in the log yet, by id, at most
// limit.
func (tx *Tx) PendingLeaves(limit int) ([]Leaf, error) {
	var list []Leaf
	err := tx.db.query(tx.ctx, `SELECT code, id, leaf FROM leaf_pending ORDER BY id, code LIMIT $1`, []any{limit}, func(scan func(...any) error) error {
		l, err := scanLeaf(scan)
		list = append(list, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read pending leaves: %w", err)
	}
	return list, nil
}

func scanLeaf(scan func(...any) error) (Leaf, error) {
	var code int64
	var id, hash []byte
	if err := scan(&code, &id, &hash); err != nil {
		return Leaf{}, err
	}
	if len(id) != 16 || len(hash) != 32 {
		return Leaf{}, fmt.Errorf("pending leaf: %w", ErrSchema)
	}
	return Leaf{Key: code, ID: MessageID(id), Hash: [32]byte(hash)}, nil
}

// AppendLog moves pending leaves into the log: one batch row, the signed
// checkpoint and the new end, against the end that was read. If another node
// was faster, the closure is run again.
func (tx *Tx) AppendLog(seen, next LogState, leaves []Leaf, checkpoint []byte) error {
	for _, s := range []single{
		{
			text: `UPDATE log_state SET size = $1, frontier = $2 WHERE name = 'archive' AND size = $3`,
			args: []any{next.Size, next.Frontier, seen.Size}, want: 1,
		},
		{text: `INSERT INTO leaf_batch (first, entries) VALUES ($1, $2)`, args: []any{seen.Size, packLeaves(leaves)}, want: 1},
		{text: `INSERT INTO checkpoint (size, note) VALUES ($1, $2)`, args: []any{next.Size, checkpoint}, want: 1},
	} {
		if err := tx.exec(s, guardKey{table: "log_state"}); err != nil {
			return err
		}
	}
	for _, l := range leaves {
		tx.set.add(bulkUnqueue, l.ID[:], l.Key)
	}
	return nil
}

// leafSize is the length of an entry of a batch row.
const leafSize = 8 + 16 + 32

func packLeaves(leaves []Leaf) []byte {
	b := make([]byte, 0, leafSize*len(leaves))
	for _, l := range leaves {
		b = appendBigEndian(b, l.Key)
		b = append(b, l.ID[:]...)
		b = append(b, l.Hash[:]...)
	}
	return b
}

// unpackLeaves reads a batch row; whole entries only.
func unpackLeaves(b []byte) ([]Leaf, error) {
	if len(b)%leafSize != 0 {
		return nil, fmt.Errorf("log batch of %d bytes: %w", len(b), ErrSchema)
	}
	leaves := make([]Leaf, len(b)/leafSize)
	for i := range leaves {
		e := b[i*leafSize:]
		leaves[i] = Leaf{Key: bigEndian(e), ID: MessageID(e[8:24]), Hash: [32]byte(e[24:56])}
	}
	return leaves, nil
}

// Backlog is how much of the archive is not in the log yet.
type Backlog struct {
	Leaves int64
	Oldest MessageID // zero when there are none; a UUIDv7 tells its time
}

// Backlog counts the leaves that wait for the log.
func (tx *Tx) Backlog() (Backlog, error) {
	var b Backlog
	err := tx.db.query(tx.ctx, `SELECT count(*) FROM leaf_pending`, nil, func(scan func(...any) error) error { return scan(&b.Leaves) })
	if err != nil {
		return b, fmt.Errorf("count pending leaves: %w", err)
	}
	oldest, err := tx.PendingLeaves(1)
	if len(oldest) > 0 {
		b.Oldest = oldest[0].ID
	}
	return b, err
}

// Checkpoint is a signed head of the log.
type Checkpoint struct {
	Size int64
	Note []byte
}

// LatestCheckpoint returns the newest signed head, or ErrNotFound.
func (tx *Tx) LatestCheckpoint() (Checkpoint, error) {
	return tx.db.oneCheckpoint(tx.ctx, "ORDER BY size DESC LIMIT 1")
}

// CheckpointAt returns the first signed head of a log with at least size
// leaves, or ErrNotFound.
func (tx *Tx) CheckpointAt(size int64) (Checkpoint, error) {
	return tx.db.oneCheckpoint(tx.ctx, "WHERE size >= $1 ORDER BY size LIMIT 1", size)
}

func (db *DB) oneCheckpoint(ctx context.Context, where string, args ...any) (Checkpoint, error) {
	var c Checkpoint
	found := false
	err := db.query(ctx, "SELECT size, note FROM checkpoint "+where, args, func(scan func(...any) error) error {
		found = true
		return scan(&c.Size, &c.Note)
	})
	switch {
	case err != nil:
		return c, fmt.Errorf("read checkpoint: %w", err)
	case !found:
		return c, fmt.Errorf("checkpoint: %w", ErrNotFound)
	}
	return c, nil
}
