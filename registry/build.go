package registry

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/signing/c14n"
	"tolem/store"
)

// Owners returns whose registers a sealed day has: every provider, bank and
// branch that is registered, and those that its facts name (GW-P25).
func (r *Registry) Owners(ctx context.Context, day tolem.Day) ([]tolem.Owner, error) {
	if _, err := r.sealed(ctx, day); err != nil {
		return nil, err
	}
	owners, err := r.db.DayOwners(ctx, day)
	if err != nil {
		return nil, err
	}
	for _, p := range r.names.Providers() {
		owners = append(owners, tolem.Owner{Kind: tolem.ProviderRegister, ID: string(p.ID)})
	}
	for _, p := range r.names.Participants() {
		switch p.Kind {
		case tolem.KindBank:
			owners = append(owners, tolem.Owner{Kind: tolem.BankRegister, ID: string(p.ID), Bank: p.ID})
		case tolem.KindBranch:
			owners = append(owners, branchOwner(p))
		}
	}
	slices.SortFunc(owners, compareOwners)
	return slices.Compact(owners), nil
}

// branchOwner is the owner of a branch's registers.
func branchOwner(p tolem.Participant) tolem.Owner {
	o := tolem.Owner{Kind: tolem.BranchRegister, ID: string(p.ID)}
	if len(p.ActsFor) > 0 {
		o.Bank = p.ActsFor[0]
	}
	return o
}

func compareOwners(a, b tolem.Owner) int {
	return slices.Compare([]string{string(a.Kind), string(a.Bank), a.ID}, []string{string(b.Kind), string(b.Bank), b.ID})
}

// Build forms the first register of an owner and day and stores it, signed. If
// it is there already, it is returned as it is.
func (r *Registry) Build(ctx context.Context, owner tolem.Owner, day tolem.Day, progress Progress) (store.StoredRegister, error) {
	reg, err := r.Find(ctx, tolem.NewRegisterNumber(owner, day, 1))
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return reg, err
	}
	return r.form(ctx, owner, day, 1, "", progress)
}

// Find returns a register by its number, or store.ErrNotFound.
func (r *Registry) Find(ctx context.Context, n tolem.RegisterNumber) (reg store.StoredRegister, err error) {
	err = r.view(ctx, func(tx *store.Tx) error {
		reg, err = tx.Register(n)
		reg = r.Complete(reg)
		return err
	})
	return reg, err
}

// Complete fills in what a register has no column for and what stands in its
// head: the moments of its day, as they were when it was formed, and why it was
// issued anew.
func (r *Registry) Complete(reg store.StoredRegister) store.StoredRegister {
	if len(reg.Head) == 0 {
		reg.From, reg.To = r.Calendar.Start(reg.Day), r.Calendar.End(reg.Day)
		return reg
	}
	reg.From, reg.To, reg.Reason = timeInHead(reg.Head, "from"), timeInHead(reg.Head, "to"), inHead(reg.Head, "reason")
	return reg
}

func timeInHead(head []byte, name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, inHead(head, name))
	if err != nil {
		return time.Time{} // we wrote it
	}
	return t
}

// inHead returns the text of an element of a head, empty if it is not there.
func inHead(head []byte, name string) string {
	start, end := []byte("<"+name+">"), []byte("</"+name+">")
	_, rest, begins := bytes.Cut(head, start)
	text, _, ends := bytes.Cut(rest, end)
	if !begins || !ends {
		return ""
	}
	var content string
	if err := xml.Unmarshal(slices.Concat(start, text, end), &content); err != nil {
		return "" // we wrote it
	}
	return content
}

// form makes a revision and stores it.
func (r *Registry) form(ctx context.Context, owner tolem.Owner, day tolem.Day, revision int, reason string, progress Progress) (store.StoredRegister, error) {
	reg, err := r.prepare(ctx, owner, day, revision, reason)
	if err != nil {
		return reg, err
	}
	digest := sha256.New()
	if err := r.write(ctx, digest, &reg, progress); err != nil {
		return reg, fmt.Errorf("form %s: %w", reg.Number, err)
	}
	io.WriteString(digest, registerEnd)
	digest.Sum(reg.Hash[:0])
	if reg.Signature, err = r.signer.SignDigest(reg.Hash); err != nil {
		return reg, fmt.Errorf("sign %s: %w", reg.Number, err)
	}
	err = r.keep(ctx, &reg)
	if errors.Is(err, store.ErrExists) { // another node was first, with the same document
		return r.Find(ctx, reg.Number)
	}
	return reg, err
}

// prepare writes the head of a revision.
func (r *Registry) prepare(ctx context.Context, owner tolem.Owner, day tolem.Day, revision int, reason string) (reg store.StoredRegister, err error) {
	if _, err := r.sealed(ctx, day); err != nil {
		return reg, err
	}
	reg.Register = tolem.Register{
		Number: tolem.NewRegisterNumber(owner, day, revision), Owner: owner, Day: day, Revision: revision, Reason: reason,
		FinalAfter: r.Calendar.End(r.Calendar.AddWorkdays(day, r.FinalAfter)),
	}
	reg = r.Complete(reg)
	err = r.view(ctx, func(tx *store.Tx) error {
		corrections, err := tx.Corrections(day)
		reg.Corrections = len(corrections)
		return err
	})
	if err != nil {
		return reg, err
	}
	var b c14n.Builder
	appendHead(&b, reg, r.nameOf(owner), r.Operator)
	reg.Head = b.Bytes
	return reg, nil
}

// nameOf is how an owner is called; empty if it is not registered.
func (r *Registry) nameOf(o tolem.Owner) string {
	if o.Kind == tolem.ProviderRegister {
		p, _ := r.names.Provider(tolem.ProviderID(o.ID))
		return p.Names.RU
	}
	p, _ := r.names.Participant(tolem.ParticipantID(o.ID))
	return p.Name
}

// write writes a document up to its signature and fills in the totals.
func (r *Registry) write(ctx context.Context, w io.Writer, reg *store.StoredRegister, progress Progress) error {
	reg.Totals = tolem.Totals{}
	return writeDocument(w, reg, r.Rows(ctx, *reg), progress)
}

// writeDocument writes head, rows and tail; the totals are those of the rows.
func writeDocument(w io.Writer, reg *store.StoredRegister, rows iter.Seq2[tolem.RegisterRow, error], progress Progress) error {
	out := bufio.NewWriterSize(w, 64<<10)
	out.Write(reg.Head) // errors stick to out and show in Flush
	var b c14n.Builder
	for row, err := range rows {
		if err != nil {
			return err
		}
		b.Bytes = b.Bytes[:0]
		appendRow(&b, row, reg.Day)
		out.Write(b.Bytes)
		if reg.Totals.Add(row); reg.Totals.Rows%pageRows == 0 {
			progress.report(reg.Totals.Rows)
		}
	}
	progress.report(reg.Totals.Rows)
	b.Bytes = b.Bytes[:0]
	appendTail(&b, reg.Totals)
	out.Write(b.Bytes)
	return out.Flush()
}

// keep stores a register with its evidence: head, hash and signature. The
// rows are in the evidence as the messages they come from.
func (r *Registry) keep(ctx context.Context, reg *store.StoredRegister) error {
	return r.db.Update(ctx, func(tx *store.Tx) error {
		reg.FormedAt = tx.Now()
		err := tx.InsertRegister(*reg)
		return errors.Join(err, r.evidence.Add(tx, archive.Record{
			ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Raw: evidence(*reg),
		}))
	})
}

// Rows goes through the rows of a register in their order, numbered from 1,
// with the corrections that the register has seen.
func (r *Registry) Rows(ctx context.Context, reg store.StoredRegister) iter.Seq2[tolem.RegisterRow, error] {
	return r.rowsBehind(ctx, reg, tolem.RegisterRow{})
}

// rowsBehind goes through the rows behind one of them; the zero row stands
// before the first.
func (r *Registry) rowsBehind(ctx context.Context, reg store.StoredRegister, last tolem.RegisterRow) iter.Seq2[tolem.RegisterRow, error] {
	return func(yield func(tolem.RegisterRow, error) bool) {
		moved, err := r.moved(ctx, reg)
		if err != nil {
			yield(tolem.RegisterRow{}, err)
			return
		}
		line := last.Line
		for row, err := range moved.behind(last).apply(reg.Owner, r.rows(ctx, reg.Day, reg.Owner, last)) {
			if err != nil {
				yield(row, err)
				return
			}
			line++
			row.Line = line
			if !yield(row, nil) {
				return
			}
		}
	}
}

// WriteXML writes the whole signed document, and makes sure that it is the one
// that was signed.
func (r *Registry) WriteXML(ctx context.Context, w io.Writer, reg store.StoredRegister, progress Progress) error {
	digest := sha256.New()
	again := reg
	if err := r.write(ctx, io.MultiWriter(w, digest), &again, progress); err != nil {
		return fmt.Errorf("write %s: %w", reg.Number, err)
	}
	io.WriteString(digest, registerEnd)
	if [32]byte(digest.Sum(nil)) != reg.Hash {
		return fmt.Errorf("%s: %w", reg.Number, ErrAltered)
	}
	_, err := w.Write(append(slices.Clone(reg.Signature), registerEnd...))
	return err
}

// evidence is what is kept of a register: its document without the rows.
func evidence(reg store.StoredRegister) []byte {
	var b c14n.Builder
	b.Bytes = slices.Concat(b.Bytes, reg.Head)
	appendTail(&b, reg.Totals)
	return slices.Concat(b.Bytes, reg.Signature, []byte(registerEnd))
}
