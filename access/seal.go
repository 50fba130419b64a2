package access

import (
	"context"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// A chain shows what was changed within it, not that its end was cut off. So
// the ends of all chains of a bank's day go into the archive when the day is
// over, and from there into its log.

// auditSeal is the document.
type auditSeal struct {
	XMLName xml.Name  `xml:"auditSeal"`
	Bank    string    `xml:"bank,attr"`
	Day     string    `xml:"day,attr"`
	Ends    []sealEnd `xml:"end"`
}

type sealEnd struct {
	Actor  string `xml:"actor,attr"`
	Number int64  `xml:"number,attr"`
	Hash   string `xml:"hash,attr"` // hexadecimal
}

// AuditReport is what a look through the audit has found.
type AuditReport struct {
	Records int64
	Sealed  bool // the ends of the day's chains are in the archive, and were found again
}

// SealAudit checks a bank's chains of a day that is over and puts their ends
// into the archive. A day without records is not sealed, one that is sealed
// stays as it is. What is recorded for the day afterwards is in its chain, but
// under no seal.
func (a *Access) SealAudit(ctx context.Context, bank tolem.ParticipantID, day tolem.Day) error {
	if a.evidence == nil {
		return errors.New("seal audit: no archive is configured")
	}
	if _, err := a.sealOf(ctx, bank, day); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	seal := auditSeal{Bank: string(bank), Day: day.String()}
	if _, err := a.walkAudit(ctx, bank, day, func(end store.AuditRecord) {
		seal.Ends = append(seal.Ends, sealEnd{end.Actor, end.Number, hex.EncodeToString(end.Hash)})
	}); err != nil || len(seal.Ends) == 0 {
		return err
	}
	raw, err := xml.Marshal(seal)
	if err != nil {
		return fmt.Errorf("seal audit: %w", err)
	}
	err = a.update(ctx, "seal audit", func(tx *store.Tx) error {
		id := archive.NewMessageID(tx.Now())
		return errors.Join(tx.InsertAuditSeal(bank, day, id), a.evidence.Add(tx, archive.Record{ID: id, Direction: archive.Internal, At: tx.Now(), Raw: raw}))
	})
	if errors.Is(err, store.ErrExists) {
		return nil // another node was first
	}
	return err
}

// sealOf returns the seal of a bank's day, or store.ErrNotFound.
func (a *Access) sealOf(ctx context.Context, bank tolem.ParticipantID, day tolem.Day) (seal auditSeal, err error) {
	err = a.view(ctx, "read seal of audit", func(tx *store.Tx) error {
		id, err := tx.AuditSeal(bank, day)
		if err != nil {
			return err
		}
		rec, err := a.evidence.Load(tx, 0, id)
		if err != nil {
			return err
		}
		return xml.Unmarshal(rec.Raw, &seal)
	})
	if err == nil && (seal.Bank != string(bank) || seal.Day != day.String()) {
		err = fmt.Errorf("seal of %s, %s: %w", bank, day, store.ErrAuditAltered)
	}
	return seal, err
}

// VerifyAudit goes through a bank's records of a day. The error wraps
// store.ErrAuditAltered at the first that was altered or moved, whose
// predecessor is missing, or, if the day is sealed, where an end is missing.
func (a *Access) VerifyAudit(ctx context.Context, by Actor, bank tolem.ParticipantID, day tolem.Day) (report AuditReport, err error) {
	if bank, err = a.scope(by, bank, tolem.ActAudit); err != nil {
		return report, err
	}
	ends := make(map[string]int64)
	report.Records, err = a.walkAudit(ctx, bank, day, func(end store.AuditRecord) { ends[end.Actor] = end.Number })
	if err != nil || a.evidence == nil {
		return report, err
	}
	seal, err := a.sealOf(ctx, bank, day)
	if errors.Is(err, store.ErrNotFound) {
		return report, nil
	}
	if err != nil {
		return report, err
	}
	for _, end := range seal.Ends {
		if err := a.checkEnd(ctx, bank, day, end, ends[end.Actor]); err != nil {
			return report, err
		}
	}
	report.Sealed = true
	return report, nil
}

// checkEnd returns store.ErrAuditAltered unless the record that was the end of
// a chain is still in it.
func (a *Access) checkEnd(ctx context.Context, bank tolem.ParticipantID, day tolem.Day, end sealEnd, last int64) error {
	return a.view(ctx, "verify seal of audit", func(tx *store.Tx) error {
		list, err := tx.Audit(bank, day, end.Actor, end.Number-1, 1)
		if err != nil {
			return err
		}
		if last < end.Number || len(list) == 0 || list[0].Number != end.Number || hex.EncodeToString(list[0].Hash) != end.Hash {
			return fmt.Errorf("%s, %s, record %d of %s stood under the seal: %w", bank, day, end.Number, end.Actor, store.ErrAuditAltered)
		}
		return nil
	})
}

// walkAudit goes through a bank's records of a day, chain by chain, checks each
// against the one before, and shows the last of each chain.
func (a *Access) walkAudit(ctx context.Context, bank tolem.ParticipantID, day tolem.Day, ended func(store.AuditRecord)) (records int64, err error) {
	var before *store.AuditRecord
	check := func(tx *store.Tx, r store.AuditRecord) error {
		if before != nil && before.Actor != r.Actor {
			ended(*before)
			before = nil
		}
		err := tx.CheckAudit(before, r)
		before = &r
		records++
		return err
	}
	for more := true; more; {
		var mark Mark
		if before != nil {
			mark = Mark{before.Actor, before.Number}
		}
		err = a.view(ctx, "verify audit", func(tx *store.Tx) error {
			list, err := tx.AuditOfBank(bank, day, mark.Actor, mark.Number, maxAuditPage)
			for _, r := range list {
				if err := check(tx, r); err != nil {
					return err
				}
			}
			more = len(list) == maxAuditPage
			return err
		})
		if err != nil {
			return records, err
		}
	}
	if before != nil {
		ended(*before)
	}
	return records, nil
}
