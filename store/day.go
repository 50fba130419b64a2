package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tolem"
)

// SealedDay is a business day whose facts are complete: no row of it will be
// added or changed.
type SealedDay struct {
	Day      tolem.Day
	SealedAt time.Time
	Facts    int64
	Hash     [32]byte  // over the facts in their order
	Evidence MessageID // the seal in the archive
}

// SealedDay returns a sealed day, or ErrNotFound while it is open.
func (tx *Tx) SealedDay(d tolem.Day) (SealedDay, error) {
	list, err := tx.listDays("WHERE day = $1", int64(d))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("seal of %s: %w", d, ErrNotFound)
	}
	if err != nil {
		return SealedDay{}, err
	}
	return list[0], nil
}

// LastSealedDay returns the latest sealed day, or ErrNotFound.
func (tx *Tx) LastSealedDay() (SealedDay, error) {
	return tx.lastDay("ORDER BY day DESC LIMIT 1")
}

// LastSealedDayAt returns the latest day that was sealed at a moment, or
// ErrNotFound.
func (tx *Tx) LastSealedDayAt(at time.Time) (SealedDay, error) {
	return tx.lastDay("WHERE sealed_at <= $1 ORDER BY day DESC LIMIT 1", micros(at))
}

func (tx *Tx) lastDay(where string, args ...any) (SealedDay, error) {
	list, err := tx.listDays(where, args...)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("sealed day: %w", ErrNotFound)
	}
	if err != nil {
		return SealedDay{}, err
	}
	return list[0], nil
}

// SealedDays returns the sealed days from one to another, both included.
func (tx *Tx) SealedDays(from, to tolem.Day) ([]SealedDay, error) {
	return tx.listDays("WHERE day >= $1 AND day <= $2 ORDER BY day", int64(from), int64(to))
}

func (tx *Tx) listDays(where string, args ...any) ([]SealedDay, error) {
	var list []SealedDay
	err := tx.db.query(tx.ctx, `SELECT day, sealed_at, facts, hash, evidence FROM business_day `+where, args, func(scan func(...any) error) error {
		var d SealedDay
		var day, sealedAt int64
		var hash, evidence []byte
		err := scan(&day, &sealedAt, &d.Facts, &hash, &evidence)
		d.Day, d.SealedAt = tolem.Day(day), instant(sealedAt)
		copy(d.Hash[:], hash)
		copy(d.Evidence[:], evidence)
		list = append(list, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read sealed days: %w", err)
	}
	return list, nil
}

// ErrDaySealed: a sealed day takes no facts.
var ErrDaySealed = errors.New("the day is sealed")

// DayBatches returns how many batches of facts have come to a day.
func (tx *Tx) DayBatches(d tolem.Day) (batches int64, err error) {
	err = tx.db.query(tx.ctx, `SELECT batches FROM open_day WHERE day = $1`, []any{int64(d)}, func(scan func(...any) error) error {
		return scan(&batches)
	})
	if err != nil {
		return 0, fmt.Errorf("read batches of %s: %w", d, err)
	}
	return batches, nil
}

// addBatch counts a batch of facts. Whoever seals the day waits for it, and
// then finds another count than it has summed up.
func (tx *Tx) addBatch(d tolem.Day) error {
	return tx.exec(single{
		text: `INSERT INTO open_day (day, batches, sealed) VALUES ($1, 1, 0)
			ON CONFLICT (day) DO UPDATE SET batches = open_day.batches + 1 WHERE open_day.sealed = 0`,
		args: []any{int64(d)}, want: 1, otherwise: fmt.Errorf("%s: %w", d, ErrDaySealed),
	})
}

// SealDay closes a day whose facts were summed up when it had this many
// batches. If another has come since, or another node has closed the day, the
// closure is run again.
func (tx *Tx) SealDay(d SealedDay, batches int64) error {
	key := guardKey{table: "business_day", number: int64(d.Day)}
	if err := tx.exec(single{
		text: `INSERT INTO open_day (day, batches, sealed) VALUES ($1, 0, 1)
			ON CONFLICT (day) DO UPDATE SET sealed = 1 WHERE open_day.sealed = 0 AND open_day.batches = $2`,
		args: []any{int64(d.Day), batches}, want: 1,
	}, key); err != nil {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO business_day (day, sealed_at, facts, hash, evidence) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (day) DO NOTHING`,
		args: []any{int64(d.Day), micros(d.SealedAt), d.Facts, d.Hash[:], d.Evidence[:]}, want: 1,
	}, key)
}

// FirstMoment returns when the first code was issued, or ErrNotFound.
func (tx *Tx) FirstMoment() (time.Time, error) {
	var at int64
	err := tx.db.query(tx.ctx, `SELECT at FROM step ORDER BY at LIMIT 1`, nil, func(scan func(...any) error) error { return scan(&at) })
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("read first step: %w", err)
	case at == 0:
		return time.Time{}, fmt.Errorf("first step: %w", ErrNotFound)
	}
	return instant(at), nil
}

// rowKinds numbers the kinds of rows as they are stored. Numbers are never
// reused; their order is that of rows of one moment.
var rowKinds = [...]tolem.RowKind{0: "", 1: tolem.RowPayment, 2: tolem.RowRefund, 3: tolem.RowDiscrepancy}

func kindNumber(k tolem.RowKind) int64 { return int64(slices.Index(rowKinds[:], k)) }

// rowID is the id of a row as it is stored: payments and refunds have none.
func rowID(id [16]byte) []byte {
	if id == ([16]byte{}) {
		return []byte{}
	}
	return id[:]
}

// FactCursor is a place among the facts of a time, or of a day. The zero value
// stands before the first.
type FactCursor struct {
	At   time.Time
	Code tolem.CodeNumber
	Kind tolem.RowKind
	ID   [16]byte
}

// CursorOf returns the place of a row.
func CursorOf(r tolem.RegisterRow) FactCursor {
	return FactCursor{At: r.At, Code: r.Code, Kind: r.Kind, ID: r.ID}
}

// since is where a page behind the place begins to read an index of moments.
// The place alone does not tell the database: given an earlier moment too, it
// would start there and pass over all pages before this one.
func (c FactCursor) since(from time.Time) int64 { return max(micros(from), micros(c.At)) }

// paidFacts and the others find what came to be between two moments, in order
// of moment and code, behind a place. The state of a payment's code is that of
// the moment $5.
const (
	paidFacts = `SELECT s.at, s.code, 1, p.bank, p.branch, p.bank_ref, p.service, p.provider, p.channel, p.amount, p.currency, p.fee,
			p.paid_at, p.received_at, c.closed_at, s.was,
			COALESCE((SELECT MIN(r.at) FROM step r WHERE r.code = s.code AND r.became = 6 AND r.was = 2), 0),
			` + deskDecision + `
		FROM step s JOIN payment p ON p.code = s.code JOIN code c ON c.number = s.code
		WHERE s.at >= $1 AND s.at < $2 AND (s.at, s.code) > ($3, $4) AND s.became = 2 AND s.was <> 2
		ORDER BY s.at, s.code LIMIT $5`
	refundFacts = `SELECT s.at, s.code, 2, p.bank, p.branch, p.bank_ref, p.service, p.provider, p.channel, p.amount, p.currency, p.fee,
			p.paid_at, p.received_at, 0, 0, 0, 0
		FROM step s JOIN payment p ON p.code = s.code
		WHERE s.at >= $1 AND s.at < $2 AND (s.at, s.code) > ($3, $4) AND s.became = 6 AND s.was = 2
		ORDER BY s.at, s.code LIMIT $5`
	heldFacts = `SELECT h.decided_at, h.code, 1, p.bank, p.branch, p.bank_ref, p.service, p.provider, p.channel, p.amount, p.currency, p.fee,
			p.paid_at, p.received_at, c.closed_at, 0,
			COALESCE((SELECT MIN(r.at) FROM step r WHERE r.code = h.code AND r.became = 6 AND r.was = 2), 0),
			` + deskDecision + `
		FROM desk_cancellation h JOIN payment p ON p.code = h.code JOIN code c ON c.number = h.code
		WHERE h.decided_at >= $1 AND h.decided_at < $2 AND (h.decided_at, h.code) > ($3, $4)
			AND NOT EXISTS (SELECT 1 FROM desk_cancellation l WHERE l.bank = h.bank AND l.receipt = h.receipt AND l.seq > h.seq)
		ORDER BY h.decided_at, h.code LIMIT $5`
	refusedFacts = `SELECT received_at, code, id, reason, bank, branch, bank_ref, service, provider, channel, amount, currency, fee, paid_at
		FROM discrepancy
		WHERE received_at >= $1 AND received_at < $2 AND (received_at, code, id) > ($3, $4, $5)
		ORDER BY received_at, code, id LIMIT $6`
)

// deskDecision tells of payment p, if it was taken at a desk, when a cancellation
// of it was last decided: 0 none was, -1 it may be cancelled still, or awaits a
// decision. 7 is the channel of desks.
const deskDecision = `CASE WHEN p.channel = 7 THEN COALESCE((SELECT
				CASE WHEN d.status IN ('settled', 'cancelled') THEN
					COALESCE((SELECT MAX(x.decided_at) FROM desk_cancellation x WHERE x.bank = d.bank AND x.receipt = d.receipt), 0)
				ELSE -1 END
			FROM desk_payment d WHERE d.code = p.code), 0) ELSE 0 END`

// PaymentFact is a payment or a refund as it stands now, with what it takes to
// tell how it stood at an earlier moment.
type PaymentFact struct {
	Row        tolem.RegisterRow // State and ClosedAt are not filled in
	StepAt     time.Time         // when the gateway decided; of HeldFacts, the bank's administrator
	ClosedAt   time.Time
	RefundedAt time.Time

	// Of a payment taken at a desk: Open says that it may be cancelled still, or
	// that its cancellation awaits a decision; DecidedAt is when one was last
	// decided.
	Open      bool
	DecidedAt time.Time
}

// StateAt fills in how the code stood at a moment.
func (f PaymentFact) StateAt(end time.Time) tolem.RegisterRow {
	r := f.Row
	switch {
	case r.Kind == tolem.RowRefund:
		r.State = tolem.StateRefunded
	case !f.ClosedAt.IsZero() && f.ClosedAt.Before(end):
		r.State, r.ClosedAt = tolem.StateClosed, f.ClosedAt
	case !f.RefundedAt.IsZero() && f.RefundedAt.Before(end):
		r.State = tolem.StateRefunded
	default:
		r.State = tolem.StatePaid
	}
	return r
}

// PaidFacts returns payments that were accepted between two moments, behind a
// place (its At is the StepAt of the last one seen), at most limit.
func (tx *Tx) PaidFacts(from, to time.Time, after FactCursor, limit int) ([]PaymentFact, error) {
	return tx.paymentFacts(paidFacts, from, to, after, limit)
}

// RefundFacts returns refunds between two moments, as PaidFacts does.
func (tx *Tx) RefundFacts(from, to time.Time, after FactCursor, limit int) ([]PaymentFact, error) {
	return tx.paymentFacts(refundFacts, from, to, after, limit)
}

// HeldFacts returns payments taken at desks whose last cancellation was decided
// between two moments, whenever they were made, as PaidFacts does (WP-574).
func (tx *Tx) HeldFacts(from, to time.Time, after FactCursor, limit int) ([]PaymentFact, error) {
	return tx.paymentFacts(heldFacts, from, to, after, limit)
}

// HeldBack returns the codes of payments that desks took on a day and that its
// seal leaves out: a cancellation awaits a decision, or it was decided after the
// day's end (WP-576). They are in order, and at most limit.
func (tx *Tx) HeldBack(day tolem.Day, end time.Time, limit int) ([]tolem.CodeNumber, error) {
	var list []tolem.CodeNumber
	err := tx.db.query(tx.ctx, `SELECT code FROM desk_payment WHERE status = 'awaiting_cancellation' AND day = $1
		UNION SELECT d.code FROM desk_cancellation c JOIN desk_payment d ON d.bank = c.bank AND d.receipt = c.receipt
			WHERE c.decided_at >= $2 AND d.day = $1
		ORDER BY 1 LIMIT $3`, []any{int64(day), micros(end), limit}, func(scan func(...any) error) error {
		var code tolem.CodeNumber
		err := scan(&code)
		list = append(list, code)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what %s leaves out: %w", day, err)
	}
	return list, nil
}

func (tx *Tx) paymentFacts(text string, from, to time.Time, after FactCursor, limit int) ([]PaymentFact, error) {
	var list []PaymentFact
	err := tx.db.query(tx.ctx, text, []any{after.since(from), micros(to), micros(after.At), int64(after.Code), limit}, func(scan func(...any) error) error {
		var f PaymentFact
		var r rawRow
		var stepAt, was, refundedAt, decidedAt int64
		err := scan(&stepAt, &r.code, &r.kind, &r.bank, &r.branch, &r.ref, &r.service, &r.provider, &r.channel, &r.amount, &r.currency, &r.fee,
			&r.paidAt, &r.receivedAt, &r.closedAt, &was, &refundedAt, &decidedAt)
		if err != nil {
			return err
		}
		if r.at = r.receivedAt; rowKinds[r.kind] == tolem.RowRefund {
			r.at = stepAt
		}
		f.StepAt, f.ClosedAt, f.RefundedAt = instant(stepAt), instant(r.closedAt), instant(refundedAt)
		if f.Open = decidedAt < 0; !f.Open {
			f.DecidedAt = instant(decidedAt)
		}
		r.closedAt = 0
		if s := tolem.State(was); s == tolem.StateExpired || s == tolem.StateCancelled {
			r.discrepancy = tolem.DiscrepancyLate
		}
		f.Row, err = r.row()
		list = append(list, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	return list, nil
}

// RefusedFacts returns refused notifications that were received between two
// moments, behind a place, at most limit (GW-P28).
func (tx *Tx) RefusedFacts(from, to time.Time, after FactCursor, limit int) ([]tolem.RegisterRow, error) {
	var list []tolem.RegisterRow
	args := []any{after.since(from), micros(to), micros(after.At), int64(after.Code), after.ID[:], limit}
	err := tx.db.query(tx.ctx, refusedFacts, args, func(scan func(...any) error) error {
		r := rawRow{kind: kindNumber(tolem.RowDiscrepancy)}
		err := scan(&r.at, &r.code, &r.id, &r.discrepancy, &r.bank, &r.branch, &r.ref, &r.service, &r.provider, &r.channel, &r.amount, &r.currency, &r.fee, &r.paidAt)
		if err != nil {
			return err
		}
		r.receivedAt = r.at
		row, err := r.row()
		list = append(list, row)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read refused notifications: %w", err)
	}
	return list, nil
}

// AddDayRows adds facts to an open day. Those that a sealed day, or this one,
// has already are left where they are. Update returns ErrDaySealed if the day
// is sealed.
func (tx *Tx) AddDayRows(day tolem.Day, rows []tolem.RegisterRow) error {
	if err := tx.addBatch(day); err != nil {
		return err
	}
	for _, r := range rows {
		channel, err := channelNumber(r.Channel)
		if err != nil {
			return err
		}
		tx.set.add(bulkDayRow, int64(r.Code), kindNumber(r.Kind), rowID(r.ID), int64(day), micros(r.At), string(r.Bank), string(r.Branch),
			string(r.BankRef), string(r.Service), string(r.Provider), channel, r.Amount.Minor, string(r.Amount.Currency), r.Fee.Minor,
			micros(r.PaidAt), micros(r.ReceivedAt), int64(r.State), micros(r.ClosedAt), r.Discrepancy, int64(r.Belongs))
	}
	return nil
}

const dayRowColumns = `code, kind, id, day, at, bank, branch, bank_ref, service, provider, channel, amount, currency, fee,
	paid_at, received_at, state, closed_at, discrepancy, belongs`

// rawRow is a row of table day_row as it is stored.
type rawRow struct {
	code, kind              int64
	id                      []byte
	day, at                 int64
	bank, branch, ref       string
	service, provider       string
	channel, amount         int64
	currency                string
	fee, paidAt, receivedAt int64
	state, closedAt         int64
	discrepancy             string
	belongs                 int64
}

func (r *rawRow) scan(scan func(...any) error) error {
	return scan(&r.code, &r.kind, &r.id, &r.day, &r.at, &r.bank, &r.branch, &r.ref, &r.service, &r.provider, &r.channel, &r.amount, &r.currency, &r.fee,
		&r.paidAt, &r.receivedAt, &r.state, &r.closedAt, &r.discrepancy, &r.belongs)
}

func (r *rawRow) row() (tolem.RegisterRow, error) {
	if r.channel < 0 || r.channel >= int64(len(channels)) || r.kind < 1 || r.kind >= int64(len(rowKinds)) ||
		r.state < 0 || r.state > int64(tolem.StateRefunded) || len(r.id) > 16 {
		return tolem.RegisterRow{}, fmt.Errorf("fact of a day: channel %d, kind %d, state %d: %w", r.channel, r.kind, r.state, ErrSchema)
	}
	currency := tolem.Currency(r.currency)
	row := tolem.RegisterRow{
		Kind: rowKinds[r.kind], Code: tolem.CodeNumber(r.code), Bank: tolem.ParticipantID(r.bank), Branch: tolem.ParticipantID(r.branch),
		BankRef: tolem.BankRef(r.ref), Service: tolem.ServiceCode(r.service), Provider: tolem.ProviderID(r.provider), Channel: channels[r.channel],
		Amount: tolem.Money{Minor: r.amount, Currency: currency}, Fee: fee(r.fee, r.currency),
		PaidAt: instant(r.paidAt), ReceivedAt: instant(r.receivedAt), At: instant(r.at),
		State: tolem.State(r.state), ClosedAt: instant(r.closedAt), Discrepancy: r.discrepancy, Belongs: tolem.Day(r.belongs),
	}
	copy(row.ID[:], r.id)
	return row, nil
}

// behind is the place after which a page begins; $1 is the day.
const behind = `(at, code, kind, id) > ($2, $3, $4, $5)`

// DayRows returns the facts of a day that concern an owner, behind a place, in
// the order of registers, at most limit.
func (tx *Tx) DayRows(day tolem.Day, owner tolem.Owner, after FactCursor, limit int) ([]tolem.RegisterRow, error) {
	kind := kindNumber(after.Kind)
	args := []any{int64(day), micros(after.At), int64(after.Code), kind, rowID(after.ID)}
	where := "WHERE day = $1 AND " + behind
	switch owner.Kind {
	case tolem.ProviderRegister: // refused notifications concern the bank alone
		where, args = where+" AND provider = $6 AND kind < 3", append(args, owner.ID)
	case tolem.BankRegister:
		where, args = where+" AND bank = $6", append(args, owner.ID)
	default:
		where, args = where+" AND bank = $6 AND branch = $7 AND branch <> ''", append(args, string(owner.Bank), owner.ID)
	}
	list, err := tx.dayRows(where+" ORDER BY at, code, kind, id LIMIT $"+fmt.Sprint(len(args)+1), append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("read facts of %s: %w", day, err)
	}
	return list, nil
}

// FactsOf returns what sealed days tell of these codes, each with its day, by
// code and moment.
func (tx *Tx) FactsOf(codes []tolem.CodeNumber) ([]DayFact, error) {
	var list []DayFact
	for part := range slices.Chunk(codes, maxReadKeys) {
		keys := make([]int64, len(part))
		for i, c := range part {
			keys[i] = int64(c)
		}
		args := numbers(padded(keys))
		err := tx.db.query(tx.ctx, `SELECT `+dayRowColumns+` FROM day_row WHERE code IN `+inList(len(args))+` ORDER BY code, at, kind, id`, args,
			func(scan func(...any) error) error {
				var r rawRow
				if err := r.scan(scan); err != nil {
					return err
				}
				row, err := r.row()
				list = append(list, DayFact{Day: tolem.Day(r.day), RegisterRow: row})
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("read facts of codes: %w", err)
		}
	}
	return list, nil
}

// DayFact is a fact with the day whose registers it stands in.
type DayFact struct {
	Day tolem.Day
	tolem.RegisterRow
}

func (tx *Tx) dayRows(where string, args ...any) ([]tolem.RegisterRow, error) {
	var list []tolem.RegisterRow
	err := tx.db.query(tx.ctx, "SELECT "+dayRowColumns+" FROM day_row "+where, args, func(scan func(...any) error) error {
		var r rawRow
		if err := r.scan(scan); err != nil {
			return err
		}
		row, err := r.row()
		list = append(list, row)
		return err
	})
	return list, err
}

// DayOwners returns the banks, branches and providers that facts of a day name.
func (db *DB) DayOwners(ctx context.Context, day tolem.Day) ([]tolem.Owner, error) {
	var owners []tolem.Owner
	for _, q := range []struct {
		kind tolem.RegisterKind
		text string
	}{
		{tolem.ProviderRegister, `SELECT DISTINCT provider, '' FROM day_row WHERE day = $1 AND kind < 3 ORDER BY provider`},
		{tolem.BankRegister, `SELECT DISTINCT bank, '' FROM day_row WHERE day = $1 ORDER BY bank`},
		{tolem.BranchRegister, `SELECT DISTINCT branch, bank FROM day_row WHERE day = $1 AND branch <> '' ORDER BY bank, branch`},
	} {
		err := db.query(ctx, q.text, []any{int64(day)}, func(scan func(...any) error) error {
			o := tolem.Owner{Kind: q.kind}
			err := scan(&o.ID, &o.Bank)
			if o.Kind == tolem.BankRegister {
				o.Bank = tolem.ParticipantID(o.ID)
			}
			owners = append(owners, o)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("owners of %s: %w", day, err)
		}
	}
	return owners, nil
}

// IssuedCode is a code that came into being, with its state as table code has
// it and as its history has it.
type IssuedCode struct {
	At      time.Time
	Code    tolem.CodeNumber
	State   tolem.State // UNKNOWN: table code has no such row
	History tolem.State // that the last step led to
}

// IssuedCodes returns codes that were issued between two moments, behind a
// place, at most limit: what the daily balance is made of.
func (tx *Tx) IssuedCodes(from, to time.Time, after FactCursor, limit int) ([]IssuedCode, error) {
	var list []IssuedCode
	err := tx.db.query(tx.ctx, `SELECT s.at, s.code, COALESCE((SELECT c.state FROM code c WHERE c.number = s.code), 0),
			(SELECT l.became FROM step l WHERE l.code = s.code ORDER BY l.line DESC LIMIT 1)
		FROM step s WHERE s.at >= $1 AND s.at < $2 AND (s.at, s.code) > ($3, $4) AND s.was = 0 ORDER BY s.at, s.code LIMIT $5`,
		[]any{after.since(from), micros(to), micros(after.At), int64(after.Code), limit}, func(scan func(...any) error) error {
			var at, code, state, history int64
			err := scan(&at, &code, &state, &history)
			list = append(list, IssuedCode{At: instant(at), Code: tolem.CodeNumber(code), State: tolem.State(state), History: tolem.State(history)})
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read issued codes: %w", err)
	}
	return list, nil
}
