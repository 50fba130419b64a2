package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tolem"
)

// StoredRegister is a register with what its document is made of besides the
// rows.
type StoredRegister struct {
	tolem.Register
	Corrections int    // how many of the day's it has seen
	Head        []byte // the document up to its rows
	Signature   []byte // the element, as it stands in the document
}

const registerColumns = `number, day, kind, owner, bank, revision, corrections, totals, head, hash, signature, formed_at, final_after`

// InsertRegister stores a register. If it is there already, Update returns
// ErrExists.
func (tx *Tx) InsertRegister(r StoredRegister) error {
	totals, err := json.Marshal(r.Totals)
	if err != nil {
		return fmt.Errorf("totals of %s: %w", r.Number, err)
	}
	return tx.exec(single{
		text: `INSERT INTO register (` + registerColumns + `, row_count) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
			ON CONFLICT DO NOTHING`,
		args: []any{
			string(r.Number), int64(r.Day), string(r.Owner.Kind), r.Owner.ID, string(r.Owner.Bank), int64(r.Revision), int64(r.Corrections),
			string(totals), r.Head, r.Hash[:], r.Signature, micros(r.FormedAt), micros(r.FinalAfter), r.Totals.Rows,
		},
		want: 1, otherwise: fmt.Errorf("register %s: %w", r.Number, ErrExists),
	}, guardKey{table: "register", name: string(r.Number)})
}

// Register returns a register by its number, or ErrNotFound.
func (tx *Tx) Register(n tolem.RegisterNumber) (StoredRegister, error) {
	return tx.oneRegister(string(n), "WHERE number = $1", string(n))
}

// LatestRegister returns the newest revision of an owner's register of a day,
// or ErrNotFound.
func (tx *Tx) LatestRegister(o tolem.Owner, d tolem.Day) (StoredRegister, error) {
	return tx.oneRegister(o.String()+" of "+d.String(), "WHERE kind = $1 AND owner = $2 AND day = $3 ORDER BY revision DESC LIMIT 1",
		string(o.Kind), o.ID, int64(d))
}

func (tx *Tx) oneRegister(what, where string, args ...any) (StoredRegister, error) {
	list, err := tx.listRegisters(where, args...)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("register %s: %w", what, ErrNotFound)
	}
	if err != nil {
		return StoredRegister{}, err
	}
	return list[0], nil
}

// RegisterFilter says which registers are listed. Zero fields do not narrow.
type RegisterFilter struct {
	Owners   []tolem.Owner // any of them; a bank's include those of its branches only if they are named
	From, To tolem.Day     // both included; To zero: no end
	After    tolem.RegisterNumber
}

// Registers lists registers by number, at most limit.
func (tx *Tx) Registers(f RegisterFilter, limit int) ([]StoredRegister, error) {
	args := []any{int64(f.From), string(f.After)}
	where := "WHERE day >= $1 AND number > $2"
	if f.To != 0 {
		args = append(args, int64(f.To))
		where += fmt.Sprintf(" AND day <= $%d", len(args))
	}
	var any []string
	for _, o := range f.Owners {
		args = append(args, string(o.Kind), o.ID)
		any = append(any, fmt.Sprintf("kind = $%d AND owner = $%d", len(args)-1, len(args)))
	}
	if len(any) > 0 {
		where += " AND (" + strings.Join(any, " OR ") + ")"
	}
	args = append(args, limit)
	return tx.listRegisters(where+fmt.Sprintf(" ORDER BY number LIMIT $%d", len(args)), args...)
}

// RegistersOfDay lists every register of a day, by number.
func (tx *Tx) RegistersOfDay(d tolem.Day) ([]StoredRegister, error) {
	return tx.listRegisters("WHERE day = $1 ORDER BY number", int64(d))
}

func (tx *Tx) listRegisters(where string, args ...any) ([]StoredRegister, error) {
	var list []StoredRegister
	err := tx.db.query(tx.ctx, "SELECT "+registerColumns+" FROM register "+where, args, func(scan func(...any) error) error {
		var r StoredRegister
		var day, formedAt, finalAfter int64
		var totals string
		var hash []byte
		err := scan(&r.Number, &day, &r.Owner.Kind, &r.Owner.ID, &r.Owner.Bank, &r.Revision, &r.Corrections, &totals, &r.Head, &hash,
			&r.Signature, &formedAt, &finalAfter)
		if err != nil {
			return err
		}
		r.Day, r.FormedAt, r.FinalAfter = tolem.Day(day), instant(formedAt), instant(finalAfter)
		copy(r.Hash[:], hash)
		list = append(list, r)
		if err := json.Unmarshal([]byte(totals), &list[len(list)-1].Totals); err != nil {
			return fmt.Errorf("totals of %s: %w: %w", r.Number, ErrSchema, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list registers: %w", err)
	}
	return list, nil
}

// InsertAcknowledgement stores an owner's word under the id that its request
// has in the archive.
func (tx *Tx) InsertAcknowledgement(a tolem.Acknowledgement, id MessageID) error {
	objections, err := json.Marshal(a.Objections)
	if err != nil {
		return fmt.Errorf("objections to %s: %w", a.Number, err)
	}
	return tx.exec(single{
		text: `INSERT INTO acknowledgement (number, id, by_whom, verdict, objections, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		args: []any{string(a.Number), id[:], string(a.By), string(a.Verdict), string(objections), micros(a.At)}, want: 1,
	}, guardKey{table: "register", name: string(a.Number)})
}

// Acknowledgements returns what was said of a register, oldest first.
func (tx *Tx) Acknowledgements(n tolem.RegisterNumber) ([]tolem.Acknowledgement, error) {
	var list []tolem.Acknowledgement
	err := tx.db.query(tx.ctx, `SELECT by_whom, verdict, objections, at FROM acknowledgement WHERE number = $1 ORDER BY at, id`, []any{string(n)},
		func(scan func(...any) error) error {
			a := tolem.Acknowledgement{Number: n}
			var objections string
			var at int64
			if err := scan(&a.By, &a.Verdict, &objections, &at); err != nil {
				return err
			}
			a.At = instant(at)
			if err := json.Unmarshal([]byte(objections), &a.Objections); err != nil {
				return fmt.Errorf("%w: %w", ErrSchema, err)
			}
			list = append(list, a)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("acknowledgements of %s: %w", n, err)
	}
	return list, nil
}

// Correction gives a row of a sealed day to another branch. Registers formed
// after it show the row there.
type Correction struct {
	Day         tolem.Day
	Seq         int // from 1, within the day
	Code        tolem.CodeNumber
	Kind        tolem.RowKind
	ID          [16]byte
	Was, Branch tolem.ParticipantID
	Who, Reason string
	At          time.Time
}

// Corrections returns the corrections of a day in their order.
func (tx *Tx) Corrections(d tolem.Day) ([]Correction, error) {
	var list []Correction
	err := tx.db.query(tx.ctx, `SELECT seq, code, kind, id, was, branch, who, reason, at FROM correction WHERE day = $1 ORDER BY seq`, []any{int64(d)},
		func(scan func(...any) error) error {
			c := Correction{Day: d}
			var code, kind, at int64
			var id []byte
			if err := scan(&c.Seq, &code, &kind, &id, &c.Was, &c.Branch, &c.Who, &c.Reason, &at); err != nil {
				return err
			}
			if kind < 1 || kind >= int64(len(rowKinds)) {
				return ErrSchema
			}
			c.Code, c.Kind, c.At = tolem.CodeNumber(code), rowKinds[kind], instant(at)
			copy(c.ID[:], id)
			list = append(list, c)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("corrections of %s: %w", d, err)
	}
	return list, nil
}

// InsertCorrection stores the next correction of its day. If another has taken
// its place, the closure is run again.
func (tx *Tx) InsertCorrection(c Correction) error {
	return tx.exec(single{
		text: `INSERT INTO correction (day, seq, code, kind, id, was, branch, who, reason, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (day, seq) DO NOTHING`,
		args: []any{
			int64(c.Day), int64(c.Seq), int64(c.Code), kindNumber(c.Kind), rowID(c.ID), string(c.Was), string(c.Branch), c.Who, c.Reason, micros(c.At),
		}, want: 1,
	}, guardKey{table: "correction", number: int64(c.Day)})
}
