package store

import (
	"crypto/sha256"
	"time"
)

// PageSession is a browser that one of the gateway's pages knows. Subject means
// something to that page.
type PageSession struct {
	Subject       string
	Started, Seen time.Time
}

// InsertPageSession stores a session under the SHA-256 of its cookie.
func (tx *Tx) InsertPageSession(hash [sha256.Size]byte, s PageSession, until time.Time) error {
	return tx.exec(single{
		text: `INSERT INTO page_session (hash, subject, started_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		args: []any{hash[:], s.Subject, micros(s.Started), micros(s.Seen), micros(until)}, want: 1,
	})
}

// PageSession returns a session, or ErrNotFound if it is not known or its time
// is over.
func (tx *Tx) PageSession(hash [sha256.Size]byte) (PageSession, error) {
	var list []PageSession
	err := tx.db.query(tx.ctx, `SELECT subject, started_at, seen_at FROM page_session WHERE hash = $1 AND expires_at > $2`,
		[]any{hash[:], micros(tx.now)}, func(scan func(...any) error) error {
			var s PageSession
			var started, seen int64
			err := scan(&s.Subject, &started, &seen)
			s.Started, s.Seen = instant(started), instant(seen)
			list = append(list, s)
			return err
		})
	return one(list, err)
}

// TouchPageSession stores when the browser was seen last. A session that is not
// there any more stays so.
func (tx *Tx) TouchPageSession(hash [sha256.Size]byte, seen time.Time) error {
	return tx.exec(single{
		text: `UPDATE page_session SET seen_at = $1 WHERE hash = $2 AND seen_at < $3`,
		args: []any{micros(seen), hash[:], micros(seen)}, want: anyRows,
	})
}

// RemovePageSession ends a session, if it is there.
func (tx *Tx) RemovePageSession(hash [sha256.Size]byte) error {
	return tx.exec(single{text: `DELETE FROM page_session WHERE hash = $1`, args: []any{hash[:]}, want: anyRows})
}

// sweepBatch bounds the sessions that are deleted in one transaction.
const sweepBatch = 256

// SweepPageSessions deletes sessions whose time is over.
func (tx *Tx) SweepPageSessions() error {
	return tx.exec(single{
		text: `DELETE FROM page_session WHERE hash IN (SELECT hash FROM page_session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		args: []any{micros(tx.now), int64(sweepBatch)}, want: anyRows,
	})
}
