package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tolem"
	"tolem/signing/trust"
	"tolem/store"
)

// ErrNotSealed reports a message that is stored but not yet in the log.
var ErrNotSealed = errors.New("message is not sealed yet")

// ErrProof reports a proof that does not hold.
var ErrProof = errors.New("proof does not hold")

// bundleFormat is the first thing a reader of a bundle looks at.
const bundleFormat = "tolem-proof/1"

// Bundle is a message, with the answer or request that shares its entry, and
// the proof that the log holds it. It is verified with the public checkpoint
// key alone, without the gateway, its database or its vault.
type Bundle struct {
	Format     string         `json:"format"`
	Leaf       int64          `json:"leaf"`       // index in the log
	Proof      []tlog.Hash    `json:"proof"`      // RFC 6962 audit path
	Checkpoint string         `json:"checkpoint"` // signed head of the log
	Records    []BundleRecord `json:"records"`
}

// BundleRecord is a record with everything it refers to.
type BundleRecord struct {
	ID          string              `json:"id"`
	Direction   Direction           `json:"direction"` // 1 to the gateway, 2 from it, 3 internal
	At          time.Time           `json:"at"`
	Participant tolem.ParticipantID `json:"participant"`
	Operation   tolem.Operation     `json:"operation"`
	Code        string              `json:"code"` // 16 digits; empty: none
	RequestID   tolem.RequestID     `json:"requestId"`
	Class       string              `json:"class"`
	Raw         []byte              `json:"raw"`
	Certificate []byte              `json:"certificate,omitempty"` // DER
	Trust       *BundleTrust        `json:"trust,omitempty"`
}

// BundleTrust is the grounds on which a certificate was trusted.
type BundleTrust struct {
	ID       []byte         `json:"id"`
	Evidence trust.Evidence `json:"evidence"`
}

// record is the record as it was hashed.
func (b *BundleRecord) record() (Record, error) {
	id, err := store.ParseMessageID(b.ID)
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	var code int64
	if b.Code != "" {
		if code, err = strconv.ParseInt(b.Code, 10, 64); err != nil {
			return Record{}, fmt.Errorf("%w: %w", ErrProof, err)
		}
	}
	r := Record{
		ID: id, Direction: b.Direction, At: b.At, Participant: b.Participant, Operation: b.Operation, Code: tolem.CodeNumber(code),
		RequestID: b.RequestID, Class: b.Class, Raw: b.Raw,
	}
	if len(b.Certificate) > 0 {
		r.Fingerprint = tolem.FingerprintOf(b.Certificate)
	}
	r.TrustID = b.trustID()
	return r, nil
}

func (b *BundleRecord) trustID() (id [16]byte) {
	if b.Trust != nil {
		copy(id[:], b.Trust.ID)
	}
	return id
}

// codeText writes a payment code, nothing for none.
func codeText(n tolem.CodeNumber) string {
	if n == 0 {
		return ""
	}
	return n.String()
}

// Export returns a message with its proof. It reads the whole log once.
func (a *Archive) Export(ctx context.Context, code tolem.CodeNumber, id MessageID) (*Bundle, error) {
	var b *Bundle
	err := a.db.View(ctx, func(tx *store.Tx) error {
		entry, records, err := a.entryOf(tx, code, id)
		if err != nil {
			return err
		}
		b = &Bundle{Format: bundleFormat}
		for _, r := range records {
			br, err := a.bundleRecord(tx, r)
			if err != nil {
				return err
			}
			b.Records = append(b.Records, br)
		}
		checkpoint, err := tx.LatestCheckpoint()
		if errors.Is(err, store.ErrNotFound) {
			return ErrNotSealed
		}
		if err != nil {
			return err
		}
		b.Checkpoint = string(checkpoint.Note)
		return a.db.Snapshot(ctx, func(s *store.Snapshot) error { return b.prove(ctx, s, entry, checkpoint.Size) })
	})
	if err != nil {
		return nil, fmt.Errorf("export message %s: %w", id, err)
	}
	return b, nil
}

// entryOf finds the entry that holds a message.
func (a *Archive) entryOf(tx *store.Tx, code tolem.CodeNumber, id MessageID) (store.Message, []Record, error) {
	var entries []store.Message
	m, err := tx.Message(code, id)
	switch {
	case err == nil:
		entries = []store.Message{m}
	case errors.Is(err, store.ErrNotFound) && code != 0:
		if entries, err = tx.Messages(code); err != nil {
			return m, nil, err
		}
	default:
		return m, nil, err
	}
	for _, m := range entries {
		records, err := a.open(m, txDocuments{a, tx})
		if err != nil {
			return m, nil, err
		}
		for _, r := range records {
			if r.ID == id {
				return m, records, nil
			}
		}
	}
	return m, nil, fmt.Errorf("message %s: %w", id, store.ErrNotFound)
}

func (a *Archive) bundleRecord(tx *store.Tx, r Record) (BundleRecord, error) {
	b := BundleRecord{
		ID: r.ID.String(), Direction: r.Direction, At: r.At, Participant: r.Participant, Operation: r.Operation, Code: codeText(r.Code),
		RequestID: r.RequestID, Class: r.Class, Raw: r.Raw,
	}
	if r.Fingerprint != (tolem.Fingerprint{}) {
		d, err := tx.Document(r.Fingerprint[:])
		if err != nil {
			return b, err
		}
		b.Certificate = d.Data
	}
	if r.TrustID == [16]byte{} {
		return b, nil
	}
	evidence, err := a.evidence(tx, r)
	b.Trust = &BundleTrust{ID: r.TrustID[:], Evidence: evidence}
	return b, err
}

// evidence gathers the documents that the grounds of trust name.
func (a *Archive) evidence(tx *store.Tx, r Record) (trust.Evidence, error) {
	var e trust.Evidence
	d, err := tx.Document(r.TrustID[:])
	if err != nil {
		return e, err
	}
	proof, err := decodeProof(d.Data)
	if err != nil {
		return e, err
	}
	for i, f := range proof.Path {
		d, err := tx.Document(f[:])
		if err != nil {
			return e, fmt.Errorf("certificate of an authority: %w", err)
		}
		if i == 0 {
			e.Certificate = d.Data
		} else {
			e.Path = append(e.Path, d.Data)
		}
	}
	for _, c := range proof.CRLs {
		d, err := tx.Document(c.Hash[:])
		if err != nil {
			return e, fmt.Errorf("revocation list %s of %s: %w", c.Number, c.Issuer, err)
		}
		e.CRLs = append(e.CRLs, d.Data)
	}
	return e, nil
}

// prove looks for the leaf of the entry and computes its audit path in a log
// of this size.
func (b *Bundle) prove(ctx context.Context, s *store.Snapshot, entry store.Message, size int64) error {
	b.Leaf = -1
	key := entry.Key()
	err := eachLeaf(ctx, s, size, func(index int64, l store.Leaf) {
		if l.ID == key.ID && l.Key == key.Key {
			b.Leaf = index
		}
	})
	if err != nil {
		return err
	}
	if b.Leaf < 0 {
		return ErrNotSealed
	}
	b.Proof, err = tlog.ProveRecord(size, b.Leaf, hashReader(ctx, s, size))
	return err
}

// eachLeaf streams the leaves of a log of this size.
func eachLeaf(ctx context.Context, s *store.Snapshot, size int64, fn func(int64, store.Leaf)) error {
	for at := int64(0); at < size; {
		batch, found, err := s.NextBatch(ctx, at)
		if err != nil {
			return err
		}
		leaves, err := batch.Leaves()
		if err != nil {
			return err
		}
		if !found || batch.First != at || len(leaves) == 0 {
			return fmt.Errorf("log goes on at leaf %d: %w", at, ErrAltered)
		}
		for i, l := range leaves {
			if index := at + int64(i); index < size {
				fn(index, l)
			}
		}
		at += int64(len(leaves))
	}
	return nil
}

// hashReader computes inner nodes of the tree from the leaves, in one pass for
// all that are asked for together.
func hashReader(ctx context.Context, s *store.Snapshot, size int64) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		c := newCollector(indexes)
		if err := eachLeaf(ctx, s, size, func(i int64, l store.Leaf) { c.add(i, tlog.Hash(l.Hash)) }); err != nil {
			return nil, err
		}
		return c.roots()
	})
}

// OpenBundle verifies a bundle with the public checkpoint key and returns what
// it proves.
func OpenBundle(data []byte, verifier note.Verifier) (*Bundle, error) {
	var b Bundle
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if b.Format != bundleFormat {
		return nil, fmt.Errorf("%w: format %q is not known", ErrProof, b.Format)
	}
	if err := b.check(Check{Verifier: verifier}); err != nil {
		return nil, err
	}
	return &b, nil
}

// check verifies that the log of the checkpoint holds the records.
func (b *Bundle) check(c Check) error {
	head, err := OpenCheckpoint([]byte(b.Checkpoint), c.Verifier)
	if err != nil {
		return err
	}
	records := make([]Record, len(b.Records))
	for i := range b.Records {
		if records[i], err = b.Records[i].record(); err != nil {
			return err
		}
	}
	leaf, _ := entryLeaf(nil, records)
	if err := tlog.CheckRecord(b.Proof, head.Size, head.Root, b.Leaf, tlog.Hash(leaf)); err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	return nil
}

// Consistency proves that one checkpoint extends another.
type Consistency struct {
	Older string      `json:"older"`
	Newer string      `json:"newer"`
	Proof []tlog.Hash `json:"proof"` // RFC 6962 consistency proof
}

// ProveConsistency returns the proof that the latest checkpoint extends an
// older one, which may come from elsewhere. It reads the whole log once.
func (a *Archive) ProveConsistency(ctx context.Context, older []byte, verifier note.Verifier) (*Consistency, error) {
	was, err := OpenCheckpoint(older, verifier)
	if err != nil {
		return nil, err
	}
	c := &Consistency{Older: string(older)}
	err = a.db.Snapshot(ctx, func(s *store.Snapshot) error {
		latest, found, err := s.LatestCheckpoint(ctx)
		if err != nil || !found || latest.Size < was.Size {
			return errors.Join(fmt.Errorf("%w: the log has no %d leaves", ErrProof, was.Size), err)
		}
		c.Newer = string(latest.Note)
		if was.Size == 0 || was.Size == latest.Size {
			return nil
		}
		c.Proof, err = tlog.ProveTree(latest.Size, was.Size, hashReader(ctx, s, latest.Size))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prove consistency: %w", err)
	}
	return c, c.Check(verifier)
}

// Check verifies the proof with the public checkpoint key.
func (c *Consistency) Check(verifier note.Verifier) error {
	was, err := OpenCheckpoint([]byte(c.Older), verifier)
	if err != nil {
		return err
	}
	is, err := OpenCheckpoint([]byte(c.Newer), verifier)
	if err != nil {
		return err
	}
	switch {
	case was.Size == 0:
		return nil
	case was.Size == is.Size && was.Root == is.Root:
		return nil
	case was.Size >= is.Size:
		return fmt.Errorf("%w: a log of %d leaves does not extend one of %d", ErrProof, is.Size, was.Size)
	}
	if err := tlog.CheckTree(c.Proof, is.Size, is.Root, was.Size, was.Root); err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	return nil
}
