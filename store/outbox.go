package store

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"tolem"
)

// Delivery is a rendering of a document on its way to a target.
type Delivery struct {
	ID          MessageID
	Participant tolem.ParticipantID
	Target      string // name of the participant's target
	Kind        string // tolem.DeliverRegister and so on
	Ref         string // number of the document
	Form        string

	State       tolem.DeliveryState
	Attempts    int64 // since it was put in line
	Tries       int64 // ever; the number of the attempt under way or last made
	Parts       int64 // that the receiver has confirmed
	Resent      int64
	Due         time.Time
	LeaseUntil  time.Time
	Node        string
	CreatedAt   time.Time
	DeliveredAt time.Time
	LastError   string
	Size        int64
	SHA256      []byte // nil before the first attempt
}

// DeliveryOutcome is what came of an attempt.
type DeliveryOutcome string

// The outcomes in the history of a delivery.
const (
	AttemptDelivered DeliveryOutcome = "DELIVERED"
	AttemptFailed    DeliveryOutcome = "FAILED" // is tried again
	AttemptDead      DeliveryOutcome = "DEAD"   // failed, and was the last
	AttemptResent    DeliveryOutcome = "RESENT" // somebody put it in line again; error says who
)

// Attempt is a line of a delivery's history.
type Attempt struct {
	Number  int64
	At      time.Time
	Took    time.Duration
	Node    string
	Outcome DeliveryOutcome
	Error   string

	Evidence []MessageID // entries of the archive: messages with their answers
}

// ErrLease: another courier holds the delivery, or it is not waiting any more.
var ErrLease = errors.New("delivery is held by another courier")

// maxDeliveryError bounds the text of an error that is kept, in bytes.
const maxDeliveryError = 500

const outboxColumns = `id, participant, target, kind, ref, form, state, attempts, tries, parts, resent, due_at, lease_until, node,
	created_at, delivered_at, last_error, size, sha256`

// Enqueue puts a delivery in line, due at once. What stands in the outbox
// already, in whatever state, stays as it is: each rendering is queued once for
// each target.
func (tx *Tx) Enqueue(d Delivery) error {
	now := micros(tx.now)
	return tx.exec(single{
		text: `INSERT INTO outbox (` + outboxColumns + `) VALUES ($1, $2, $3, $4, $5, $6, 1, 0, 0, 0, 0, $7, 0, '', $8, 0, '', 0, $9)
			ON CONFLICT (participant, target, kind, ref, form) DO NOTHING`,
		args: []any{d.ID[:], string(d.Participant), d.Target, d.Kind, d.Ref, d.Form, now, now, []byte{}},
		want: anyRows,
	})
}

// DueTarget names a target that something waits for.
type DueTarget struct {
	Participant tolem.ParticipantID
	Name        string
}

// DueTargets returns the targets for which a delivery is due and not held.
func (tx *Tx) DueTargets() ([]DueTarget, error) {
	var list []DueTarget
	now := micros(tx.now)
	err := tx.db.query(tx.ctx, `SELECT DISTINCT participant, target FROM outbox WHERE state = 1 AND due_at <= $1 AND lease_until <= $2
		ORDER BY participant, target`, []any{now, now}, func(scan func(...any) error) error {
		var t DueTarget
		err := scan(&t.Participant, &t.Name)
		list = append(list, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return list, nil
}

// DueDeliveries returns what is due for a target and was due by a time, the
// longest due first.
func (tx *Tx) DueDeliveries(t DueTarget, by time.Time, limit int) ([]Delivery, error) {
	return tx.listDeliveries(`WHERE state = 1 AND participant = $1 AND target = $2 AND due_at <= $3 AND lease_until <= $4
		ORDER BY due_at, id LIMIT $5`, string(t.Participant), t.Name, micros(by), micros(tx.now), int64(limit))
}

// ClaimDelivery takes a delivery that was read as due for an attempt: nobody
// else will touch it before the lease ends. Update returns ErrLease if somebody
// was faster.
func (tx *Tx) ClaimDelivery(d Delivery, node string, lease time.Duration) error {
	now := micros(tx.now)
	return tx.exec(single{
		text: `UPDATE outbox SET lease_until = $1, node = $2, attempts = attempts + 1, tries = tries + 1
			WHERE id = $3 AND state = 1 AND tries = $4 AND due_at <= $5 AND lease_until <= $6`,
		args: []any{micros(tx.now.Add(lease)), node, d.ID[:], d.Tries, now, now},
		want: 1, otherwise: fmt.Errorf("delivery %s: %w", d.ID, ErrLease),
	}, outboxKey(d.ID))
}

func outboxKey(id MessageID) guardKey { return guardKey{table: "outbox", name: string(id[:])} }

// held changes a delivery that the caller has claimed. The number of the
// attempt fences off a courier whose lease ran out.
func (tx *Tx) held(d Delivery, set string, args ...any) error {
	return tx.exec(single{
		text: set, args: append([]any{d.ID[:], d.Tries}, args...),
		want: 1, otherwise: fmt.Errorf("delivery %s: %w", d.ID, ErrLease),
	}, outboxKey(d.ID))
}

// ContinueDelivery notes what is being pushed and how much of it the receiver
// has confirmed, and prolongs the lease.
func (tx *Tx) ContinueDelivery(d Delivery, lease time.Duration) error {
	return tx.held(d, `UPDATE outbox SET lease_until = $3, size = $4, sha256 = $5, parts = $6 WHERE id = $1 AND tries = $2 AND state = 1`,
		micros(tx.now.Add(lease)), d.Size, d.SHA256, d.Parts)
}

// FinishDelivery marks a delivery as confirmed by its receiver.
func (tx *Tx) FinishDelivery(d Delivery, took time.Duration) error {
	err := tx.held(d, `UPDATE outbox SET state = 2, delivered_at = $3, lease_until = 0, last_error = '', parts = $4 WHERE id = $1 AND tries = $2 AND state = 1`,
		micros(tx.now), d.Parts)
	return cmp.Or(err, tx.insertAttempt(d, AttemptDelivered, took, ""))
}

// PostponeDelivery notes why an attempt failed, how many now count, and when the
// next one is due.
func (tx *Tx) PostponeDelivery(d Delivery, due time.Time, took time.Duration, reason string) error {
	reason = shortened(reason)
	err := tx.held(d, `UPDATE outbox SET due_at = $3, lease_until = 0, last_error = $4, attempts = $5 WHERE id = $1 AND tries = $2 AND state = 1`,
		micros(due), reason, d.Attempts)
	return cmp.Or(err, tx.insertAttempt(d, AttemptFailed, took, reason))
}

// BuryDelivery gives up on a delivery until somebody resends it.
func (tx *Tx) BuryDelivery(d Delivery, took time.Duration, reason string) error {
	reason = shortened(reason)
	err := tx.held(d, `UPDATE outbox SET state = 3, lease_until = 0, last_error = $3 WHERE id = $1 AND tries = $2 AND state = 1`, reason)
	return cmp.Or(err, tx.insertAttempt(d, AttemptDead, took, reason))
}

// WakeDeliveries makes everything due that waits for a target and is not held.
func (tx *Tx) WakeDeliveries(t DueTarget) error {
	now := micros(tx.now)
	return tx.exec(single{
		text: `UPDATE outbox SET due_at = $1 WHERE state = 1 AND participant = $2 AND target = $3 AND due_at > $4 AND lease_until <= $5`,
		args: []any{now, string(t.Participant), t.Name, now, now}, want: anyRows,
	})
}

// ResendDelivery puts a delivery that is dead or delivered in line again. By
// says who wants it. Update returns ErrConflict if it is waiting.
func (tx *Tx) ResendDelivery(d Delivery, by string) error {
	resent := d
	resent.Tries, resent.Node = d.Tries+1, ""
	err := tx.exec(single{
		text: `UPDATE outbox SET state = 1, attempts = 0, tries = $1, parts = 0, resent = resent + 1, due_at = $2, lease_until = 0
			WHERE id = $3 AND tries = $4 AND state <> 1`,
		args: []any{resent.Tries, micros(tx.now), d.ID[:], d.Tries},
		want: 1, otherwise: fmt.Errorf("delivery %s is waiting already: %w", d.ID, ErrConflict),
	}, outboxKey(d.ID))
	return cmp.Or(err, tx.insertAttempt(resent, AttemptResent, 0, shortened(by)))
}

func (tx *Tx) insertAttempt(d Delivery, outcome DeliveryOutcome, took time.Duration, reason string) error {
	return tx.exec(single{
		text: `INSERT INTO delivery_attempt (id, attempt, at, took, node, outcome, error) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		args: []any{d.ID[:], d.Tries, micros(tx.now), took.Microseconds(), d.Node, string(outcome), reason}, want: 1,
	})
}

// shortened makes a text that came from outside fit to be kept: of bounded
// length, and of characters that every database takes.
func shortened(s string) string {
	s = strings.ReplaceAll(s[:min(len(s), maxDeliveryError)], "\x00", " ")
	return strings.ToValidUTF8(s, "")
}

// Delivery returns one delivery, or ErrNotFound.
func (tx *Tx) Delivery(id MessageID) (Delivery, error) {
	list, err := tx.listDeliveries("WHERE id = $1", id[:])
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("delivery %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Delivery{}, err
	}
	return list[0], nil
}

// DeliveriesOf returns the deliveries of the document with this number, oldest
// first.
func (tx *Tx) DeliveriesOf(ref string) ([]Delivery, error) {
	return tx.listDeliveries("WHERE ref = $1 ORDER BY id", ref)
}

// Deliveries returns up to limit deliveries in a state, or in any if it is 0,
// after the one named, oldest first.
func (tx *Tx) Deliveries(state tolem.DeliveryState, after MessageID, limit int) ([]Delivery, error) {
	if state == 0 {
		return tx.listDeliveries("WHERE id > $1 ORDER BY id LIMIT $2", after[:], int64(limit))
	}
	return tx.listDeliveries("WHERE state = $1 AND id > $2 ORDER BY id LIMIT $3", int64(state), after[:], int64(limit))
}

func (tx *Tx) listDeliveries(where string, args ...any) ([]Delivery, error) {
	var list []Delivery
	err := tx.db.query(tx.ctx, "SELECT "+outboxColumns+" FROM outbox "+where, args, func(scan func(...any) error) error {
		d, err := scanDelivery(scan)
		list = append(list, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return list, nil
}

func scanDelivery(scan func(...any) error) (Delivery, error) {
	var d Delivery
	var id []byte
	var due, lease, created, delivered int64
	err := scan(&id, &d.Participant, &d.Target, &d.Kind, &d.Ref, &d.Form, &d.State, &d.Attempts, &d.Tries, &d.Parts, &d.Resent,
		&due, &lease, &d.Node, &created, &delivered, &d.LastError, &d.Size, &d.SHA256)
	if err == nil && len(id) != len(d.ID) {
		err = fmt.Errorf("outbox row: %w", ErrSchema)
	}
	if err != nil {
		return Delivery{}, err
	}
	d.ID = MessageID(id)
	d.Due, d.LeaseUntil, d.CreatedAt, d.DeliveredAt = instant(due), instant(lease), instant(created), instant(delivered)
	return d, nil
}

// InsertDeliveryEvidence says which entry of the archive holds a message of the
// attempt under way.
func (tx *Tx) InsertDeliveryEvidence(d Delivery, entry MessageID) error {
	return tx.exec(single{
		text: `INSERT INTO delivery_evidence (id, message, attempt) VALUES ($1, $2, $3)`,
		args: []any{d.ID[:], entry[:], d.Tries}, want: 1,
	})
}

func (tx *Tx) deliveryEvidence(id MessageID) (map[int64][]MessageID, error) {
	found := make(map[int64][]MessageID)
	err := tx.db.query(tx.ctx, `SELECT attempt, message FROM delivery_evidence WHERE id = $1 ORDER BY message`, []any{id[:]},
		func(scan func(...any) error) error {
			var attempt int64
			var message []byte
			err := scan(&attempt, &message)
			if err == nil && len(message) != len(id) {
				err = fmt.Errorf("delivery_evidence row: %w", ErrSchema)
			}
			if err == nil {
				found[attempt] = append(found[attempt], MessageID(message))
			}
			return err
		})
	return found, err
}

// Attempts returns the history of a delivery, oldest first.
func (tx *Tx) Attempts(id MessageID) ([]Attempt, error) {
	evidence, err := tx.deliveryEvidence(id)
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	var list []Attempt
	err = tx.db.query(tx.ctx, `SELECT attempt, at, took, node, outcome, error FROM delivery_attempt WHERE id = $1 ORDER BY attempt`, []any{id[:]},
		func(scan func(...any) error) error {
			var a Attempt
			var at, took int64
			err := scan(&a.Number, &at, &took, &a.Node, &a.Outcome, &a.Error)
			a.At, a.Took, a.Evidence = instant(at), time.Duration(took)*time.Microsecond, evidence[a.Number]
			list = append(list, a)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return list, nil
}

// OutboxBacklog is what an operator watches.
type OutboxBacklog struct {
	Waiting, Dead int64
	Oldest        time.Time // when the oldest waiting delivery was put in line; zero if none waits
}

// OutboxBacklog counts what waits and what is dead.
func (tx *Tx) OutboxBacklog() (OutboxBacklog, error) {
	var b OutboxBacklog
	err := tx.db.query(tx.ctx, `SELECT state, COUNT(*), MIN(created_at) FROM outbox WHERE state IN (1, 3) GROUP BY state`, nil, func(scan func(...any) error) error {
		var state, n, oldest int64
		if err := scan(&state, &n, &oldest); err != nil {
			return err
		}
		if tolem.DeliveryState(state) == tolem.DeliveryDead {
			b.Dead = n
			return nil
		}
		b.Waiting, b.Oldest = n, instant(oldest)
		return nil
	})
	if err != nil {
		return b, fmt.Errorf("count outbox: %w", err)
	}
	return b, nil
}
