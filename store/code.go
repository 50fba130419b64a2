package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"tolem"
)

// codeRow is a row of table code as it is stored.
type codeRow struct {
	number, version, state             int64
	service, provider, requester, bank string
	amount                             int64
	currency                           string
	channel                            int64
	issuedAt, expiresAt                int64
	paidAt, closedAt                   int64
	data                               []byte
}

const codeColumns = `number, version, state, service, provider, requester, bank, amount, currency, channel,
	issued_at, expires_at, paid_at, closed_at, data`

func (r *codeRow) scan(scan func(...any) error) error {
	return scan(&r.number, &r.version, &r.state, &r.service, &r.provider, &r.requester, &r.bank, &r.amount, &r.currency,
		&r.channel, &r.issuedAt, &r.expiresAt, &r.paidAt, &r.closedAt, &r.data)
}

// Code returns a payment code, or ErrNotFound.
func (tx *Tx) Code(n tolem.CodeNumber) (tolem.Code, error) {
	row, found, err := tx.db.readers.codes.get(tx.ctx, int64(n))
	switch {
	case err != nil:
		return tolem.Code{}, fmt.Errorf("read code: %w", err)
	case !found:
		return tolem.Code{}, fmt.Errorf("payment code: %w", ErrNotFound)
	}
	return tx.db.openCode(&row)
}

func (db *DB) loadCodes(ctx context.Context, keys []int64, found func(int64, codeRow)) error {
	args := numbers(padded(keys))
	return db.query(ctx, "SELECT "+codeColumns+" FROM code WHERE number IN "+inList(len(args)), args, func(scan func(...any) error) error {
		var r codeRow
		err := r.scan(scan)
		found(r.number, r)
		return err
	})
}

func numbers(keys []int64) []any {
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = k
	}
	return args
}

// sealCode packs what is confidential of a code, and what nobody searches for.
func (tx *Tx) sealCode(c tolem.Code) ([]byte, error) {
	f := newFields()
	f.text(c.Recipient.Reveal())
	f.text(c.RecipientName)
	f.text(string(c.RequestNo))
	f.text(string(c.Bound))
	f.flag(c.Late)
	f.time(c.CancelledAt)
	f.text(string(c.ClosedBy))
	f.text(string(c.CloseID))
	f.text(c.ClosedCentre)
	f.text(c.ClosedByWho)
	return tx.seal(f, codeContext(int64(c.Number)))
}

func codeContext(n int64) string { return "code/" + strconv.FormatInt(n, 10) }

func (db *DB) openCode(r *codeRow) (tolem.Code, error) {
	f, err := db.open(r.data, codeContext(r.number))
	if err != nil {
		return tolem.Code{}, err
	}
	if r.channel < 0 || r.channel >= int64(len(channels)) || r.state < 0 || r.state > int64(tolem.StateRefunded) {
		return tolem.Code{}, fmt.Errorf("code: channel %d, state %d: %w", r.channel, r.state, ErrSchema)
	}
	c := tolem.Code{
		Number: tolem.CodeNumber(r.number), Version: r.version, State: tolem.State(r.state),
		Service: tolem.ServiceCode(r.service), Provider: tolem.ProviderID(r.provider),
		Amount: tolem.Money{Minor: r.amount, Currency: tolem.Currency(r.currency)}, Channel: channels[r.channel],
		Recipient: tolem.IIN(f.text()), RecipientName: f.text(),
		Requester: tolem.ParticipantID(r.requester), Bank: tolem.ParticipantID(r.bank),
		RequestNo: tolem.RequestNo(f.text()), Bound: tolem.RequestNo(f.text()), Late: f.flag(),
		IssuedAt: instant(r.issuedAt), ExpiresAt: instant(r.expiresAt), PaidAt: instant(r.paidAt), ClosedAt: instant(r.closedAt),
		CancelledAt: f.time(), ClosedBy: tolem.ParticipantID(f.text()), CloseID: tolem.CloseID(f.text()),
		ClosedCentre: f.text(), ClosedByWho: f.text(),
	}
	return c, f.err
}

// InsertCode stores a code that came into being. If its number is taken, the
// closure is run again and draws another.
func (tx *Tx) InsertCode(d tolem.Decision) error {
	c := d.Code
	if err := tx.writable(); err != nil {
		return err
	}
	channel, err := channelNumber(c.Channel)
	if err != nil {
		return err
	}
	data, err := tx.sealCode(c)
	if err != nil {
		return err
	}
	tx.set.guard(guardKey{table: tableCode, number: int64(c.Number)})
	tx.set.add(bulkNewCode, int64(c.Number), c.Version, int64(c.State), string(c.Service), string(c.Provider), string(c.Requester),
		string(c.Bank), c.Amount.Minor, string(c.Amount.Currency), channel, micros(c.IssuedAt), micros(c.ExpiresAt),
		micros(c.PaidAt), micros(c.ClosedAt), tx.db.recipientIndex(c.Recipient), data)
	return tx.addSteps(d)
}

// ChangeCode stores what a decision made of a code. If the code has changed
// since before was read, the closure is run again. A decision without steps
// stores nothing.
func (tx *Tx) ChangeCode(before tolem.Code, d tolem.Decision) error {
	c := d.Code
	if err := tx.writable(); err != nil || !d.Changed() {
		return err
	}
	if c.Number != before.Number || c.Version <= before.Version {
		return fmt.Errorf("change of code: version %d does not follow %d", c.Version, before.Version)
	}
	for _, row := range tx.set.rows[bulkChangeCode] {
		if row[0] == int64(c.Number) { // all changes are one statement, which would do the first and lose this one
			return fmt.Errorf("code %s is changed twice in one transaction", c.Number)
		}
	}
	data, err := tx.sealCode(c)
	if err != nil {
		return err
	}
	tx.set.guard(guardKey{table: tableCode, number: int64(c.Number)})
	tx.set.add(bulkChangeCode, int64(c.Number), before.Version, c.Version, int64(c.State), string(c.Bank),
		micros(c.PaidAt), micros(c.ClosedAt), data)
	return tx.addSteps(d)
}

// maxSteps bounds the steps of one change; it is part of how steps are numbered.
const maxSteps = 16

func (tx *Tx) addSteps(d tolem.Decision) error {
	if len(d.Steps) > maxSteps {
		return fmt.Errorf("change of code: %d steps at once", len(d.Steps))
	}
	for i, s := range d.Steps {
		tx.set.add(bulkStep, int64(d.Code.Number), d.Code.Version*maxSteps+int64(i), int64(s.Event), int64(s.From), int64(s.To),
			micros(s.At), string(s.By))
	}
	return nil
}

// channelNumber returns the number of a channel.
func channelNumber(c tolem.Channel) (int64, error) {
	i := slices.Index(channels[:], c)
	if i < 0 {
		return 0, fmt.Errorf("channel %q cannot be stored", c)
	}
	return int64(i), nil
}

// recipientIndex is the blind index of an IIN: equal numbers have equal
// indexes, and nobody without the vault can tell which.
func (db *DB) recipientIndex(n tolem.IIN) int64 {
	mac := db.vault.Index("recipient", []byte(n.Reveal()))
	return int64(binary.BigEndian.Uint64(mac[:8]))
}

// Steps returns the history of a code, oldest first.
func (tx *Tx) Steps(n tolem.CodeNumber) ([]tolem.Step, error) {
	var steps []tolem.Step
	err := tx.db.query(tx.ctx, `SELECT event, was, became, at, participant FROM step WHERE code = $1 ORDER BY line`, []any{int64(n)},
		func(scan func(...any) error) error {
			var event, was, became, at int64
			var by string
			err := scan(&event, &was, &became, &at, &by)
			steps = append(steps, tolem.Step{
				Event: tolem.Event(event), From: tolem.State(was), To: tolem.State(became), At: instant(at), By: tolem.ParticipantID(by),
			})
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return steps, nil
}

// CodesByRecipient returns the codes issued for a person, newest first, at
// most limit.
func (tx *Tx) CodesByRecipient(n tolem.IIN, limit int) ([]tolem.Code, error) {
	codes, err := tx.db.listCodes(tx.ctx, `WHERE recipient = $1 ORDER BY issued_at DESC, number LIMIT $2`, tx.db.recipientIndex(n), limit)
	return slices.DeleteFunc(codes, func(c tolem.Code) bool { return c.Recipient != n }), err
}

// DueCodes returns codes whose term has run out and which still stand as
// ISSUED, at most limit, the longest overdue first.
func (tx *Tx) DueCodes(limit int) ([]tolem.Code, error) {
	return tx.db.listCodes(tx.ctx, `WHERE state = 1 AND expires_at <= $1 ORDER BY expires_at LIMIT $2`, micros(tx.now), limit)
}

func (db *DB) listCodes(ctx context.Context, where string, args ...any) ([]tolem.Code, error) {
	var codes []tolem.Code
	err := db.query(ctx, "SELECT "+codeColumns+" FROM code "+where, args, func(scan func(...any) error) error {
		var r codeRow
		if err := r.scan(scan); err != nil {
			return err
		}
		c, err := db.openCode(&r)
		codes = append(codes, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list codes: %w", err)
	}
	return codes, nil
}

// expireBatch bounds the codes that expire in one transaction.
const expireBatch = 256

// ExpireDue moves codes whose term has run out to EXPIRED (GW-P12), at most
// limit, and returns how many. Several nodes may run it at once. A code that
// is EXPIRED by the clock alone is treated as such everywhere; this brings
// the stored state and the history after.
func (db *DB) ExpireDue(ctx context.Context, limit int) (int, error) {
	total := 0
	for total < limit {
		n := 0
		err := db.Update(ctx, func(tx *Tx) error {
			n = 0
			due, err := tx.DueCodes(min(expireBatch, limit-total))
			for _, c := range due {
				if d := c.Expire(tx.Now()); d.Changed() {
					if err := tx.ChangeCode(c, d); err != nil {
						return err
					}
					n++
				}
			}
			return err
		})
		if err != nil {
			return total, fmt.Errorf("expire codes: %w", err)
		}
		if total += n; n < expireBatch {
			break
		}
	}
	return total, nil
}
