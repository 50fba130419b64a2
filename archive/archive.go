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

// Add stores a message in the transaction of its effect. The first message
// under a certificate, or under new grounds of trust, stores those as well.
func (a *Archive) Add(tx *store.Tx, r Record) error {
	if r.Certificate != nil {
		r.Fingerprint = tolem.FingerprintOf(r.Certificate.Raw)
		if err := a.keepDocument(tx, store.DocumentCertificate, r.Fingerprint[:], r.Certificate.Raw); err != nil {
			return err
		}
	}
	if r.Trust.ID != [16]byte{} {
		r.TrustID = r.Trust.ID
		if err := a.keepProof(tx, r.Trust); err != nil {
			return err
		}
	}
	packed, token, err := a.packer.pack(&r)
	if err != nil {
		return fmt.Errorf("pack message: %w", err)
	}
	defer a.packer.release(packed)
	if token != nil {
		if err := a.keepDocument(tx, store.DocumentCertificate, r.Fingerprint[:], token); err != nil {
			return err
		}
	}
	sealed, err := a.db.Vault().Seal(packed.plain, messageContext(int64(r.Code), r.ID))
	if err != nil {
		return fmt.Errorf("seal message: %w", err)
	}
	return tx.InsertMessage(store.Message{ID: r.ID, Code: r.Code, Blob: sealed, Leaf: r.leaf(&packed.scratch)})
}

// messageContext binds sealed bytes to the row they are stored in.
func messageContext(code int64, id MessageID) []byte {
	b := make([]byte, 0, 32)
	b = append(b, "message/"...)
	b = binary.BigEndian.AppendUint64(b, uint64(code))
	return append(b, id[:]...)
}

// Load returns a stored message, or store.ErrNotFound.
func (a *Archive) Load(tx *store.Tx, code tolem.CodeNumber, id MessageID) (Record, error) {
	m, err := tx.Message(code, id)
	if err != nil {
		return Record{}, err
	}
	return a.open(m, func(f tolem.Fingerprint) ([]byte, error) { return a.certificate(tx, f) })
}

// LoadCode returns the messages of a code in the order they came.
func (a *Archive) LoadCode(tx *store.Tx, code tolem.CodeNumber) ([]Record, error) {
	messages, err := tx.Messages(code)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(messages))
	for i, m := range messages {
		if records[i], err = a.open(m, func(f tolem.Fingerprint) ([]byte, error) { return a.certificate(tx, f) }); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// errAltered reports stored bytes that are not what was stored.
var errAltered = errors.New("altered")

// open reverses what Add does to a message.
func (a *Archive) open(m store.Message, certificate func(tolem.Fingerprint) ([]byte, error)) (Record, error) {
	plain, err := a.db.Vault().Open(m.Blob, messageContext(int64(m.Code), m.ID))
	if err != nil {
		return Record{}, fmt.Errorf("message %s: %w: %w", m.ID, errAltered, err)
	}
	r, err := a.packer.unpack(plain, m.ID, certificate)
	if err != nil {
		return Record{}, fmt.Errorf("message %s: %w", m.ID, err)
	}
	r.Code = m.Code
	return r, nil
}

// known remembers which documents are stored, so that they are not looked up
// for every message, and keeps the certificates.
type known struct {
	mu    sync.RWMutex
	bytes map[string][]byte // by id; nil for documents other than certificates
}

// maxKnown bounds the memory; what is beyond is looked up each time.
const maxKnown = 16384

func (k *known) has(id []byte) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, ok := k.bytes[string(id)]
	return ok
}

func (k *known) get(id []byte) []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.bytes[string(id)]
}

func (k *known) put(id, data []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.bytes == nil {
		k.bytes = make(map[string][]byte)
	}
	if len(k.bytes) < maxKnown {
		k.bytes[string(id)] = data
	}
}

// keepDocument stores a document unless it is stored. It counts as known only
// when it has been read back: an insert may yet fail with its transaction.
func (a *Archive) keepDocument(tx *store.Tx, kind store.DocumentKind, id, data []byte) error {
	if a.known.has(id) {
		return nil
	}
	stored, err := tx.Document(id)
	switch {
	case err == nil:
		if kind != store.DocumentCertificate {
			stored.Data = nil
		}
		a.known.put(id, stored.Data)
		return nil
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	return tx.InsertDocument(store.Document{ID: id, Kind: kind, Data: data, Leaf: documentLeaf(kind, id, data)})
}

// certificate returns the DER of a stored certificate.
func (a *Archive) certificate(tx *store.Tx, f tolem.Fingerprint) ([]byte, error) {
	if der := a.known.get(f[:]); der != nil {
		return der, nil
	}
	d, err := tx.Document(f[:])
	if err != nil {
		return nil, err
	}
	if tolem.FingerprintOf(d.Data) != f {
		return nil, fmt.Errorf("certificate %s: %w", f, errAltered)
	}
	a.known.put(f[:], d.Data)
	return d.Data, nil
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
	if a.known.has(p.ID[:]) {
		return nil
	}
	doc, err := encodeProof(p)
	if err != nil {
		return err
	}
	return a.keepDocument(tx, store.DocumentProof, p.ID[:], doc)
}
