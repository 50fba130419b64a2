package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tolem"
	"tolem/store"
)

// Limits of a verification.
const (
	maxAltered = 100 // altered records that are named; the rest is counted
	verifyPage = 256 // messages in memory at the same time
)

// Report is what a verification of the whole archive found.
type Report struct {
	Messages    int64  `json:"messages"`    // verified, whether sealed or not
	Documents   int64  `json:"documents"`   // certificates, revocation lists, grounds of trust
	Sealed      int64  `json:"sealed"`      // leaves in the log
	Pending     int64  `json:"pending"`     // leaves that wait for the log
	Checkpoints int64  `json:"checkpoints"` // verified
	Root        string `json:"root"`        // of the log, in Base64

	// What is not as it was stored; the first is the first in the order of the
	// log. At most 100 are named.
	Altered      []Altered `json:"altered"`
	AlteredCount int64     `json:"alteredCount"`
}

// OK reports whether nothing is altered.
func (r *Report) OK() bool { return r.AlteredCount == 0 }

// Altered names a record that is not what was stored.
type Altered struct {
	Record string `json:"record"` // what it is and its key
	Leaf   int64  `json:"leaf"`   // its place in the log, -1 if it has none
	Reason string `json:"reason"`
}

// String returns the finding as a line for people.
func (a Altered) String() string { return a.Record + ": " + a.Reason }

func (r *Report) altered(leaf int64, reason string, record string, args ...any) {
	r.AlteredCount++
	if len(r.Altered) < maxAltered {
		r.Altered = append(r.Altered, Altered{Record: fmt.Sprintf(record, args...), Leaf: leaf, Reason: reason})
	}
}

// Check is what a verification of the whole archive is asked to do.
type Check struct {
	Verifier note.Verifier // of the checkpoints
	Known    [][]byte      // checkpoints from elsewhere, which the log must extend
	// Progress, if set, is called now and then with leaves done and leaves in all.
	Progress func(done, all int64)
}

// VerifyAll verifies the whole archive against its checkpoints, in one
// streaming pass over one state of the database. What is altered stands in the
// report; an error means that the verification could not be carried out.
func (a *Archive) VerifyAll(ctx context.Context, c Check) (*Report, error) {
	v := &verification{a: a, check: c, report: &Report{Altered: []Altered{}}, edge: &frontier{}}
	err := a.db.Snapshot(ctx, func(s *store.Snapshot) error {
		v.s = s
		for _, step := range []func(context.Context) error{v.start, v.log, v.end, v.pending, v.surplus, v.answers} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("verify archive: %w", err)
	}
	return v.report, nil
}

// verification is the state of one pass.
type verification struct {
	a       *Archive
	s       *store.Snapshot
	check   Check
	report  *Report
	edge    *frontier
	state   store.LogState
	known   []Head
	counts  store.Counts
	docs    known
	scratch []byte

	seen struct{ messages, documents int64 } // rows the log or the queue accounts for
}

func (v *verification) start(ctx context.Context) error {
	for _, signed := range v.check.Known {
		h, err := OpenCheckpoint(signed, v.check.Verifier)
		if err != nil {
			return err
		}
		v.known = append(v.known, h)
	}
	var found bool
	var err error
	if v.state, found, err = v.s.LogState(ctx); err != nil {
		return err
	}
	if !found {
		v.report.altered(-1, "missing", "log state")
	}
	v.counts, err = v.s.Counts(ctx)
	return err
}

// log walks the batches. After each the root must be the one its checkpoint
// was signed over.
func (v *verification) log(ctx context.Context) error {
	for {
		batch, found, err := v.s.NextBatch(ctx, v.edge.size)
		if err != nil || !found {
			return err
		}
		if batch.First != v.edge.size {
			v.report.altered(v.edge.size, fmt.Sprintf("the log goes on at leaf %d", batch.First), "log batch at leaf %d", v.edge.size)
			v.edge = &frontier{size: batch.First} // the roots behind it cannot be right; each leaf still is checked
			v.edge.roots = make([]tlog.Hash, onesCount(batch.First))
		}
		leaves, err := batch.Leaves()
		if err != nil || len(leaves) == 0 {
			v.report.altered(batch.First, "not a whole number of leaves", "log batch at leaf %d", batch.First)
			return nil
		}
		for page := leaves; len(page) > 0; {
			n := min(len(page), verifyPage)
			if err := v.leaves(ctx, page[:n], true); err != nil {
				return err
			}
			page = page[n:]
		}
		if err := v.checkpoint(ctx, batch.First); err != nil {
			return err
		}
		if v.check.Progress != nil {
			v.check.Progress(v.edge.size, v.state.Size)
		}
	}
}

// leaves checks a page of leaves against what they stand for, and appends them
// to the tree if they are in the log.
func (v *verification) leaves(ctx context.Context, page []store.Leaf, sealed bool) error {
	keys := make([]store.MessageKey, 0, len(page))
	for _, l := range page {
		if l.Key != store.DocumentKey {
			keys = append(keys, store.MessageKey{Key: l.Key, ID: l.ID})
		}
	}
	stored := make(map[store.MessageKey]store.Message, len(keys))
	err := v.s.Messages(ctx, keys, func(m store.Message) error {
		stored[m.Key()] = m
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range page {
		index := int64(-1)
		if sealed {
			index = v.edge.size
			v.edge.append(tlog.Hash(l.Hash))
			v.knownRoots()
			v.report.Sealed++
		} else {
			v.report.Pending++
		}
		if l.Key == store.DocumentKey {
			err = v.document(ctx, l, index)
		} else {
			m, found := stored[store.MessageKey{Key: l.Key, ID: l.ID}]
			delete(stored, store.MessageKey{Key: l.Key, ID: l.ID})
			err = v.message(ctx, l, m, found, index)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// message checks that a message opens and has the hash of its leaf.
func (v *verification) message(ctx context.Context, l store.Leaf, m store.Message, found bool, index int64) error {
	if !found {
		v.report.altered(index, "missing, or named twice", "%s", nameOf(l.Key, l.ID))
		return nil
	}
	v.seen.messages++
	records, err := v.a.open(m, snapshotDocuments{v, ctx})
	switch {
	case err != nil && isEnvironment(err):
		return err
	case err != nil:
		v.report.altered(index, err.Error(), "%s", nameOf(l.Key, l.ID))
	default:
		var leaf [32]byte
		if leaf, v.scratch = entryLeaf(v.scratch, records); leaf != l.Hash {
			v.report.altered(index, "its leaf in the log is of other content", "%s", nameOf(l.Key, l.ID))
			return nil
		}
		v.report.Messages += int64(len(records))
	}
	return nil
}

// nameOf names a message for people.
func nameOf(key int64, id MessageID) string {
	if key < 0 {
		return "message " + id.String()
	}
	return fmt.Sprintf("message %s of code %s", id, tolem.CodeNumber(key))
}

// isEnvironment tells failures of the database from findings.
func isEnvironment(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// document checks a shared document.
func (v *verification) document(ctx context.Context, l store.Leaf, index int64) error {
	d, found, err := v.s.DocumentNamed(ctx, l.ID[:])
	if err != nil {
		return err
	}
	if !found {
		v.report.altered(index, "missing, or named twice", "document %x", l.ID[:])
		return nil
	}
	v.seen.documents++
	if documentLeaf(d.Kind, d.ID, d.Data) != l.Hash {
		v.report.altered(index, "its leaf in the log is of other content", "document %x", d.ID)
		return nil
	}
	v.report.Documents++
	return nil
}

// snapshotDocuments finds documents in the state that is verified, and makes
// sure that certificates are what their id says.
type snapshotDocuments struct {
	v   *verification
	ctx context.Context
}

func (s snapshotDocuments) named(ref [refSize]byte) (id, data []byte, err error) {
	if d, ok := s.v.docs.get(ref); ok {
		return d.id, d.data, nil
	}
	d, found, err := s.v.s.DocumentNamed(s.ctx, ref[:])
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case !found:
		return nil, nil, fmt.Errorf("document %x of the message is missing: %w", ref, ErrAltered)
	case d.Kind == store.DocumentCertificate && [32]byte(sha256.Sum256(d.Data)) != [32]byte(padded32(d.ID)):
		return nil, nil, fmt.Errorf("certificate %x of the message: %w", d.ID, ErrAltered)
	}
	s.v.docs.put(d.ID, d.Data)
	return d.ID, d.Data, nil
}

func padded32(id []byte) []byte { return append(bytes.Clone(id), make([]byte, 32)...)[:32] }

// checkpoint verifies the head that was signed after the batch.
func (v *verification) checkpoint(ctx context.Context, first int64) error {
	c, found, err := v.s.NextCheckpoint(ctx, first+1)
	if err != nil {
		return err
	}
	if !found || c.Size != v.edge.size {
		v.report.altered(v.edge.size-1, "missing", "checkpoint of %d leaves", v.edge.size)
		return nil
	}
	h, err := OpenCheckpoint(c.Note, v.check.Verifier)
	if err == nil && h.Size != c.Size {
		err = fmt.Errorf("it speaks of %d leaves", h.Size)
	}
	if err != nil {
		v.report.altered(v.edge.size-1, err.Error(), "checkpoint of %d leaves", c.Size)
		return nil
	}
	if root, err := v.edge.root(); err != nil || root != h.Root {
		v.report.altered(first, "its leaves do not have the root of the signed checkpoint", "log batch at leaf %d", first)
		return nil
	}
	v.report.Checkpoints++
	return nil
}

// knownRoots compares with checkpoints from elsewhere when their size is
// reached.
func (v *verification) knownRoots() {
	for _, h := range v.known {
		if h.Size != v.edge.size {
			continue
		}
		if root, err := v.edge.root(); err != nil || root != h.Root {
			v.report.altered(h.Size-1, "the log is not the one this checkpoint was signed over", "given checkpoint of %d leaves", h.Size)
		}
	}
}

// end compares the end of the log with what is recorded of it.
func (v *verification) end(ctx context.Context) error {
	root, err := v.edge.root()
	if err != nil {
		return err
	}
	v.report.Root = root.String()
	if v.state.Size != v.edge.size || !bytes.Equal(v.state.Frontier, v.edge.bytes()) {
		v.report.altered(-1, fmt.Sprintf("it records %d leaves, the log has %d, or other roots", v.state.Size, v.edge.size), "log state")
	}
	if n := v.counts.Checkpoints; n != v.report.Checkpoints && v.report.OK() {
		v.report.altered(-1, fmt.Sprintf("%d checkpoints belong to no batch of the log", n-v.report.Checkpoints), "checkpoints")
	}
	for _, h := range v.known {
		if h.Size > v.edge.size {
			v.report.altered(-1, fmt.Sprintf("the log has only %d", v.edge.size), "given checkpoint of %d leaves", h.Size)
		}
	}
	return nil
}

// pending checks what waits for the log in the same way.
func (v *verification) pending(ctx context.Context) error {
	after := store.MessageKey{Key: math.MinInt64}
	for {
		page, err := v.s.Pending(ctx, after, verifyPage)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := v.leaves(ctx, page, false); err != nil {
			return err
		}
		last := page[len(page)-1]
		after = store.MessageKey{Key: last.Key, ID: last.ID}
	}
}

// surplus looks for rows that neither the log nor the queue accounts for.
func (v *verification) surplus(ctx context.Context) error {
	if v.seen.messages == v.counts.Messages && v.seen.documents == v.counts.Documents {
		return nil
	}
	accounted, err := v.accounted(ctx)
	if err != nil {
		return err
	}
	after := store.MessageKey{Key: math.MinInt64}
	for {
		page, err := v.s.MessageKeys(ctx, after, verifyPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, k := range page {
			if _, ok := accounted[k]; !ok {
				v.report.altered(-1, "the log does not know it", "%s", nameOf(k.Key, k.ID))
			}
		}
		after = page[len(page)-1]
	}
	if n := v.counts.Documents - v.seen.documents; n > 0 {
		v.report.altered(-1, fmt.Sprintf("the log does not know %d of them", n), "documents")
	}
	return nil
}

// accounted reads the keys of the log once more. It takes memory for all of
// them, and only runs when something is wrong already.
func (v *verification) accounted(ctx context.Context) (map[store.MessageKey]struct{}, error) {
	keys := make(map[store.MessageKey]struct{})
	add := func(leaves []store.Leaf) {
		for _, l := range leaves {
			keys[store.MessageKey{Key: l.Key, ID: l.ID}] = struct{}{}
		}
	}
	for at := int64(0); ; {
		batch, found, err := v.s.NextBatch(ctx, at)
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		leaves, err := batch.Leaves()
		if err != nil {
			at = batch.First + 1
			continue
		}
		add(leaves)
		at = batch.First + max(1, int64(len(leaves)))
	}
	after := store.MessageKey{Key: math.MinInt64}
	for {
		page, err := v.s.Pending(ctx, after, verifyPage)
		if err != nil || len(page) == 0 {
			return keys, err
		}
		add(page)
		after = store.MessageKey{Key: page[len(page)-1].Key, ID: page[len(page)-1].ID}
	}
}

// answers checks that every accepted request has its stored answer.
func (v *verification) answers(ctx context.Context) error {
	lost, err := v.s.LostAnswers(ctx, maxAltered)
	for _, r := range lost {
		v.report.altered(-1, fmt.Sprintf("its answer %s of code %s is missing", r.Answer, r.Code), "request %s of %s", r.ID, r.Participant)
	}
	return err
}
