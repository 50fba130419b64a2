package access

import (
	"context"
	"errors"

	"tolem"
	"tolem/store"
)

// Event is what the audit says of an action, besides who and when.
type Event struct {
	Action  tolem.Action
	Subject string // what it was done to: a receipt number, a person, a report. Nothing personal, nothing that was typed
	Outcome string // OutcomeOK, or the key of a refusal
}

// OutcomeOK is the outcome of what was done.
const OutcomeOK = "ok"

// OutcomeOf is how an error is recorded: the key of a refusal, or that it
// failed.
func OutcomeOf(err error) string {
	if err == nil {
		return OutcomeOK
	}
	if key, ok := KeyOf(err); ok {
		return key
	}
	return "failed"
}

// Audit records what an actor does, in the transaction in which it is done
// (WP-521, WP-595): either both are kept or none. What the gateway's operator
// does is recorded with the bank it is done to, by the operations here.
func (a *Access) Audit(tx *store.Tx, by Actor, e Event) error {
	if by.Person.ID == "" {
		return errors.New("audit: nobody did it")
	}
	return a.audit(tx, by.Person.Bank, by, e)
}

func (a *Access) audit(tx *store.Tx, bank tolem.ParticipantID, by Actor, e Event) error {
	return tx.AppendAudit(store.AuditRecord{
		Bank: bank, Day: a.calendar.DayOf(tx.Now()), Actor: by.name(), Serial: by.Token.Serial, Workstation: by.Workstation,
		Action: e.Action, Subject: e.Subject, Outcome: e.Outcome,
	})
}

// Record is Audit for what changes nothing else: a print, an export.
func (a *Access) Record(ctx context.Context, by Actor, e Event) error {
	return a.update(ctx, "record "+string(e.Action), func(tx *store.Tx) error { return a.Audit(tx, by, e) })
}

// Mark is a place in a list of audit records. The zero Mark is before the first.
type Mark struct {
	Actor  string
	Number int64
}

// maxAuditPage bounds the records of one page.
const maxAuditPage = 1000

// AuditOf returns records of the actor's bank on a day after the mark, at most
// limit: those of one person, or of all, person by person. The gateway's
// operator names the bank; it is ignored for others.
func (a *Access) AuditOf(ctx context.Context, by Actor, bank tolem.ParticipantID, day tolem.Day, person tolem.PersonID, after Mark, limit int) (list []store.AuditRecord, err error) {
	if bank, err = a.scope(by, bank, tolem.ActAudit); err != nil {
		return nil, err
	}
	limit = max(1, min(limit, maxAuditPage))
	err = a.view(ctx, "read audit", func(tx *store.Tx) error {
		if person != "" {
			list, err = tx.Audit(bank, day, string(person), after.Number, limit)
		} else {
			list, err = tx.AuditOfBank(bank, day, after.Actor, after.Number, limit)
		}
		return err
	})
	return list, err
}
