// Package archive keeps the evidence: every signed message in and out, byte
// for byte, with the time it arrived, its signer's certificate and the grounds
// on which that was trusted (GW-135 to GW-137, GW-P36). Messages are packed,
// sealed by the vault and stored in the transaction of their effect; in the
// background their hashes are sealed into an RFC 6962 Merkle log with signed
// checkpoints, so that nobody can alter, drop or add one unnoticed, not even
// with the keys of the database. Verification needs no running gateway.
//
// It decides nothing and answers nobody. Package gateway adds and loads
// messages, gateway/soap hands them over, the commands seal, verify and
// export.
//
// What stands in a leaf of the log is the hash of the plain record (see
// Record), so that a single message with its inclusion proof convinces a third
// party who has the checkpoint key and nothing else of ours.
package archive

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tolem"
	"tolem/signing/trust"
	"tolem/store"
)

// MessageID names a stored message: a UUID of version 7.
type MessageID = store.MessageID

// NewMessageID draws an id. Ids sort by the millisecond of their time.
func NewMessageID(at time.Time) MessageID {
	var id MessageID
	_, _ = rand.Read(id[:]) // never fails
	ms := uint64(at.UnixMilli())
	binary.BigEndian.PutUint16(id[0:], uint16(ms>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(ms))
	id[6] = 0x70 | id[6]&0x0f
	id[8] = 0x80 | id[8]&0x3f
	return id
}

// idTime is the time in a message id.
func idTime(id MessageID) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:]) >> 16)).UTC()
}

// Options says how an archive is opened.
type Options struct {
	// Origin names the log in its checkpoints. It must be the name in CheckpointKey.
	Origin string
	// CheckpointKey is the Ed25519 key that signs checkpoints, as
	// golang.org/x/mod/sumdb/note writes it. Empty: this archive cannot seal.
	CheckpointKey string
}

// ErrKey reports a checkpoint key that cannot be used.
var ErrKey = errors.New("checkpoint key cannot be used")

// Archive adds, loads and seals evidence. It is safe for concurrent use.
type Archive struct {
	db     *store.DB
	origin string
	signer note.Signer // nil: cannot seal
	packer *packer
	known  known
}

// New returns the archive in a store.
func New(db *store.DB, o Options) (*Archive, error) {
	a := &Archive{db: db, origin: o.Origin}
	if o.CheckpointKey != "" {
		signer, err := note.NewSigner(o.CheckpointKey)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		if signer.Name() != o.Origin {
			return nil, fmt.Errorf("%w: it is the key of %q, the archive is %q", ErrKey, signer.Name(), o.Origin)
		}
		a.signer = signer
	}
	var err error
	if a.packer, err = newPacker(); err != nil {
		return nil, err
	}
	return a, nil
}

// Add stores a message, or a request with its answer, in the transaction of
// their effect. Together they are one entry of the archive: they concern one
// code, take half the space, and prove each other. The first message under a
// certificate, or under new grounds of trust, stores those as well.
func (a *Archive) Add(tx *store.Tx, records ...Record) error {
	entry := append(make([]Record, 0, maxRecords), records...)
	for i := range entry {
		if err := a.keepGrounds(tx, &entry[i]); err != nil {
			return err
		}
	}
	x, tokens, err := a.packer.pack(entry)
	if err != nil {
		return fmt.Errorf("pack message: %w", err)
	}
	defer a.packer.release(x)
	for i, token := range tokens {
		if token == nil {
			continue
		}
		if err := a.keepDocument(tx, store.DocumentCertificate, entry[i].Fingerprint[:], token); err != nil {
			return err
		}
	}
	last := &entry[len(entry)-1]
	sealed, err := a.db.Vault().Seal(x.plain, messageContext(int64(last.Code), last.ID))
	if err != nil {
		return fmt.Errorf("seal message: %w", err)
	}
	m := store.Message{ID: last.ID, Code: last.Code, Blob: sealed}
	m.Leaf, x.scratch = entryLeaf(x.scratch, entry)
	return tx.InsertMessage(m)
}

// keepGrounds stores certificate and grounds of trust of a record and puts
// their ids in their place.
func (a *Archive) keepGrounds(tx *store.Tx, r *Record) error {
	r.Fingerprint, r.TrustID = tolem.Fingerprint{}, r.Trust.ID
	if r.Certificate != nil {
		r.Fingerprint = tolem.FingerprintOf(r.Certificate.Raw)
		if err := a.keepDocument(tx, store.DocumentCertificate, r.Fingerprint[:], r.Certificate.Raw); err != nil {
			return err
		}
	}
	if r.TrustID != [16]byte{} {
		return a.keepProof(tx, r.Trust)
	}
	return nil
}

// messageContext binds sealed bytes to the row they are stored in.
func messageContext(code int64, id MessageID) []byte {
	b := make([]byte, 0, 32)
	b = append(b, "message/"...)
	b = binary.BigEndian.AppendUint64(b, uint64(code))
	return append(b, id[:]...)
}

// Load returns a stored message, or store.ErrNotFound. It is found at once by
// the id of its entry, which is that of the answer; a request among the few
// entries of its code.
func (a *Archive) Load(tx *store.Tx, code tolem.CodeNumber, id MessageID) (Record, error) {
	_, records, err := a.entryOf(tx, code, id)
	for _, r := range records {
		if r.ID == id {
			return r, nil
		}
	}
	return Record{}, err
}

// LoadCode returns the messages of a code in the order they came.
func (a *Archive) LoadCode(tx *store.Tx, code tolem.CodeNumber) ([]Record, error) {
	entries, err := tx.Messages(code)
	if err != nil {
		return nil, err
	}
	var all []Record
	for _, m := range entries {
		records, err := a.open(m, txDocuments{a, tx})
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
	}
	return all, nil
}

// ErrAltered reports stored bytes that are not what was stored.
var ErrAltered = errors.New("altered")

// open reverses what Add does to an entry.
func (a *Archive) open(m store.Message, docs documents) ([]Record, error) {
	plain, err := a.db.Vault().Open(m.Blob, messageContext(int64(m.Code), m.ID))
	if err != nil {
		return nil, fmt.Errorf("message %s: %w: %w", m.ID, ErrAltered, err)
	}
	records, err := a.packer.unpack(plain, m.Code, m.ID, docs)
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", m.ID, err)
	}
	return records, nil
}

// known remembers which documents are stored, so that they are not looked up
// for every message, and keeps the small ones.
type known struct {
	mu   sync.RWMutex
	docs map[[refSize]byte]knownDocument
}

type knownDocument struct{ id, data []byte }

// maxKnown bounds the memory; what is beyond is looked up each time.
const (
	maxKnown      = 8192
	maxKnownBytes = 8192 // of a document; revocation lists can have megabytes
)

func (k *known) get(ref [refSize]byte) (knownDocument, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	d, ok := k.docs[ref]
	return d, ok
}

func (k *known) put(id, data []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.docs == nil {
		k.docs = make(map[[refSize]byte]knownDocument)
	}
	if len(k.docs) < maxKnown && len(data) <= maxKnownBytes {
		k.docs[[refSize]byte(id)] = knownDocument{id, data}
	}
}

// txDocuments finds documents in memory or in the store.
type txDocuments struct {
	a  *Archive
	tx *store.Tx
}

func (t txDocuments) named(ref [refSize]byte) (id, data []byte, err error) {
	if d, ok := t.a.known.get(ref); ok {
		return d.id, d.data, nil
	}
	d, err := t.tx.DocumentNamed(ref[:])
	if err != nil {
		return nil, nil, err
	}
	t.a.known.put(d.ID, d.Data)
	return d.ID, d.Data, nil
}

// keepDocument stores a document unless it is stored. It counts as known only
// when it has been read back: an insert may yet fail with its transaction.
func (a *Archive) keepDocument(tx *store.Tx, kind store.DocumentKind, id, data []byte) error {
	if d, ok := a.known.get([refSize]byte(id)); ok && bytes.Equal(d.id, id) {
		return nil
	}
	stored, err := tx.Document(id)
	if errors.Is(err, store.ErrNotFound) {
		return tx.InsertDocument(store.Document{ID: id, Kind: kind, Data: data, Leaf: documentLeaf(kind, id, data)})
	}
	if err == nil {
		a.known.put(stored.ID, stored.Data)
	}
	return err
}

// KeepAuthorities stores the certificates of authorities, which the grounds of
// trust name by fingerprint. Call it with what trust.Store.Authorities
// returns, at start and when that changes.
func (a *Archive) KeepAuthorities(ctx context.Context, certs []*x509.Certificate) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		for _, c := range certs {
			f := tolem.FingerprintOf(c.Raw)
			if err := a.keepDocument(tx, store.DocumentCertificate, f[:], c.Raw); err != nil {
				return err
			}
		}
		return nil
	})
}

// Backlog returns how many messages are stored and not yet in the log.
func (a *Archive) Backlog(ctx context.Context) (int64, error) {
	var b store.Backlog
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		b, err = tx.Backlog()
		return err
	})
	return b.Leaves, err
}

// keepProof stores the grounds of trust.
func (a *Archive) keepProof(tx *store.Tx, p trust.Proof) error {
	if d, ok := a.known.get([refSize]byte(p.ID[:])); ok && bytes.Equal(d.id, p.ID[:]) {
		return nil
	}
	doc, err := encodeProof(p)
	if err != nil {
		return err
	}
	return a.keepDocument(tx, store.DocumentProof, p.ID[:], doc)
}
