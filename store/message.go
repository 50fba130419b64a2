package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"tolem"
)

// Message is a piece of evidence as it is stored: packed and sealed by the
// archive, which alone can read Blob.
type Message struct {
	ID   MessageID
	Code tolem.CodeNumber // 0: the message concerns no code
	Blob []byte
	Leaf [32]byte // RFC 6962 leaf hash of what Blob holds
}

// InsertMessage stores a message and puts its leaf in line for the log.
func (tx *Tx) InsertMessage(m Message) error {
	if err := tx.writable(); err != nil {
		return err
	}
	key := messageKey(m.Code, m.ID)
	tx.set.add(bulkMessage, key, m.ID[:], m.Blob)
	tx.set.add(bulkPending, m.ID[:], key, m.Leaf[:])
	return nil
}

// messageKey is what a message is stored and found under: its payment code,
// or, if it concerns none, a negative number from the random half of its id.
// So few messages share a key, and those without a code spread over all nodes
// of a cluster.
func messageKey(code tolem.CodeNumber, id MessageID) int64 {
	if code != 0 {
		return int64(code)
	}
	return -1 - int64(binary.BigEndian.Uint64(id[8:])&math.MaxInt64)
}

// codeOf is the payment code in a key, 0 for none.
func codeOf(key int64) tolem.CodeNumber { return tolem.CodeNumber(max(0, key)) }

// Message returns a stored message without its leaf, or ErrNotFound.
func (tx *Tx) Message(code tolem.CodeNumber, id MessageID) (Message, error) {
	list, err := tx.db.listMessages(tx.ctx, "WHERE code = $1 AND id = $2", messageKey(code, id), id[:])
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("message %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Message{}, err
	}
	return list[0], nil
}

// Messages returns the messages of a code in the order they came.
func (tx *Tx) Messages(code tolem.CodeNumber) ([]Message, error) {
	return tx.db.listMessages(tx.ctx, "WHERE code = $1 ORDER BY id", int64(code))
}

// FindMessage returns a message of which only the id is known. It reads the
// whole table: for people, not for the payment path.
func (tx *Tx) FindMessage(id MessageID) (Message, error) {
	list, err := tx.db.listMessages(tx.ctx, "WHERE id = $1", id[:])
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("message %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Message{}, err
	}
	return list[0], nil
}

func (db *DB) listMessages(ctx context.Context, where string, args ...any) ([]Message, error) {
	var list []Message
	err := db.query(ctx, "SELECT code, id, data FROM message "+where, args, func(scan func(...any) error) error {
		m, err := scanMessage(scan)
		list = append(list, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return list, nil
}

func scanMessage(scan func(...any) error) (Message, error) {
	var code int64
	var id, data []byte
	if err := scan(&code, &id, &data); err != nil {
		return Message{}, err
	}
	if len(id) != len(MessageID{}) {
		return Message{}, fmt.Errorf("message row: %w", ErrSchema)
	}
	return Message{ID: MessageID(id), Code: codeOf(code), Blob: data}, nil
}

// DocumentKind says what a shared document of the evidence is.
type DocumentKind uint8

// The kinds of shared documents.
const (
	DocumentCertificate DocumentKind = 1 // DER; ID is its SHA-256
	DocumentCRL         DocumentKind = 2 // DER; ID is its SHA-256
	DocumentProof       DocumentKind = 3 // of trust; ID is the proof's
)

// Document is evidence that many messages share and that is kept once.
type Document struct {
	ID   []byte
	Kind DocumentKind
	Data []byte
	Leaf [32]byte // RFC 6962 leaf hash of Data; not read back
}

// DocumentKey stands in the place of the payment code in the leaf of a
// document, whose id there is the first 16 bytes of its own.
const DocumentKey = 0

// InsertDocument stores a document and puts its leaf in line for the log. If
// there is one with this id already, the closure is run again; the same
// document twice in one transaction is stored once.
func (tx *Tx) InsertDocument(d Document) error {
	key := guardKey{table: tableDocument, name: string(d.ID)}
	if tx.set != nil && slices.Contains(tx.set.keys, key) {
		return nil
	}
	err := tx.exec(single{
		text: `INSERT INTO document (id, kind, data) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
		args: []any{d.ID, int64(d.Kind), d.Data}, want: 1,
	}, key)
	if err != nil {
		return err
	}
	tx.set.add(bulkPending, padID(d.ID), int64(DocumentKey), d.Leaf[:])
	return nil
}

// padID makes the 16 bytes by which a leaf names its document.
func padID(id []byte) []byte {
	var key MessageID
	copy(key[:], id)
	return key[:]
}

// Document returns a shared document, or ErrNotFound.
func (tx *Tx) Document(id []byte) (Document, error) {
	return tx.oneDocument(`SELECT id, kind, data FROM document WHERE id = $1`, id)
}

// documentNamed finds the first document at or behind a prefix of its id.
const documentNamed = `SELECT id, kind, data FROM document WHERE id >= $1 ORDER BY id LIMIT 1`

// DocumentNamed returns the shared document whose id begins with ref, or
// ErrNotFound.
func (tx *Tx) DocumentNamed(ref []byte) (Document, error) { return tx.oneDocument(documentNamed, ref) }

func (tx *Tx) oneDocument(text string, id []byte) (Document, error) {
	var d Document
	err := tx.db.query(tx.ctx, text, []any{id}, d.scan)
	switch {
	case err != nil:
		return Document{}, fmt.Errorf("read document: %w", err)
	case !bytes.HasPrefix(d.ID, id):
		return Document{}, fmt.Errorf("document %x: %w", id, ErrNotFound)
	}
	return d, nil
}

func (d *Document) scan(scan func(...any) error) error {
	var kind int64
	err := scan(&d.ID, &kind, &d.Data)
	d.Kind = DocumentKind(kind)
	return err
}
