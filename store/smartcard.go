package store

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tolem"
)

// ErrUsed: the challenge was used before, has ended, or never was.
var ErrUsed = errors.New("the challenge was used before, or has ended")

// BridgeKey is a key that a workstation's bridge has, or had.
type BridgeKey struct {
	ID          tolem.KeyID
	Workstation tolem.WorkstationID
	Point       []byte
	PairedBy    string // who brought the enrolment
	AddedAt     time.Time
}

const workstationColumns = `id, version, bank, branch, name, key_id, simulated, secret, registered_by, registered_at, pair_by, paired_at,
	withdrawn_by, withdrawn_at`

// InsertWorkstation registers a workstation with the secret of its pairing.
// Update returns ErrExists if one has this id.
func (tx *Tx) InsertWorkstation(w tolem.Workstation, secret []byte) error {
	sealed, err := tx.sealSecret(w.ID, secret)
	if err != nil {
		return err
	}
	return tx.exec(single{
		text: `INSERT INTO card_workstation (` + workstationColumns + `)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (id) DO NOTHING`,
		args: []any{
			string(w.ID), w.Version, string(w.Bank), string(w.Branch), w.Name, string(w.Key), boolean(w.Simulated), sealed, w.RegisteredBy,
			micros(w.RegisteredAt), micros(w.PairBy), micros(w.PairedAt), w.WithdrawnBy, micros(w.WithdrawnAt),
		},
		want: 1, otherwise: fmt.Errorf("workstation %s: %w", w.ID, ErrExists),
	}, workstationKey(w.ID))
}

// ChangeWorkstation stores a workstation as it is now, and the secret of its
// pairing, nil if none waits. If it has changed since it was read, the closure
// is run again.
func (tx *Tx) ChangeWorkstation(w tolem.Workstation, secret []byte) error {
	sealed, err := tx.sealSecret(w.ID, secret)
	if err != nil {
		return err
	}
	return tx.exec(single{
		text: `UPDATE card_workstation SET version = version + 1, name = $1, key_id = $2, simulated = $3, secret = $4, pair_by = $5, paired_at = $6,
			withdrawn_by = $7, withdrawn_at = $8 WHERE id = $9 AND bank = $10 AND version = $11`,
		args: []any{
			w.Name, string(w.Key), boolean(w.Simulated), sealed, micros(w.PairBy), micros(w.PairedAt), w.WithdrawnBy, micros(w.WithdrawnAt),
			string(w.ID), string(w.Bank), w.Version,
		},
		want: 1,
	}, workstationKey(w.ID))
}

func workstationKey(id tolem.WorkstationID) guardKey {
	return guardKey{table: "card_workstation", name: string(id)}
}

func (tx *Tx) sealSecret(id tolem.WorkstationID, secret []byte) ([]byte, error) {
	if secret == nil {
		return []byte{}, nil
	}
	sealed, err := tx.db.vault.Seal(secret, secretContext(id))
	if err != nil {
		return nil, fmt.Errorf("seal pairing of %s: %w", id, err)
	}
	return sealed, nil
}

func secretContext(id tolem.WorkstationID) []byte { return []byte("card_workstation/" + string(id)) }

// Workstation returns one workstation of a bank, or ErrNotFound.
func (tx *Tx) Workstation(bank tolem.ParticipantID, id tolem.WorkstationID) (tolem.Workstation, error) {
	w, _, err := tx.workstation(bank, id)
	return w, err
}

// WorkstationSecret returns the secret of a workstation's pairing beside it, nil
// if none waits.
func (tx *Tx) WorkstationSecret(bank tolem.ParticipantID, id tolem.WorkstationID) (tolem.Workstation, []byte, error) {
	w, sealed, err := tx.workstation(bank, id)
	if err != nil || len(sealed) == 0 {
		return w, nil, err
	}
	secret, err := tx.db.vault.Open(sealed, secretContext(id))
	if err != nil {
		return w, nil, fmt.Errorf("open pairing of %s: %w", id, err)
	}
	return w, secret, nil
}

func (tx *Tx) workstation(bank tolem.ParticipantID, id tolem.WorkstationID) (tolem.Workstation, []byte, error) {
	list, secrets, err := tx.listWorkstations("WHERE bank = $1 AND id = $2", string(bank), string(id))
	w, err := one(list, err)
	if err != nil {
		return w, nil, fmt.Errorf("workstation %s: %w", id, err)
	}
	return w, secrets[0], nil
}

// Workstations returns a bank's workstations behind a place, by id, at most
// limit.
func (tx *Tx) Workstations(bank tolem.ParticipantID, after tolem.WorkstationID, limit int) ([]tolem.Workstation, error) {
	list, _, err := tx.listWorkstations("WHERE bank = $1 AND id > $2 ORDER BY id LIMIT $3", string(bank), string(after), int64(limit))
	return list, err
}

func (tx *Tx) listWorkstations(where string, args ...any) (list []tolem.Workstation, secrets [][]byte, err error) {
	err = tx.db.query(tx.ctx, "SELECT "+workstationColumns+" FROM card_workstation "+where, args, func(scan func(...any) error) error {
		var w tolem.Workstation
		var simulated, registered, pairBy, paired, withdrawn int64
		var secret []byte
		err := scan(&w.ID, &w.Version, &w.Bank, &w.Branch, &w.Name, &w.Key, &simulated, &secret, &w.RegisteredBy, &registered, &pairBy, &paired,
			&w.WithdrawnBy, &withdrawn)
		w.Simulated, w.RegisteredAt, w.PairBy = simulated != 0, instant(registered), instant(pairBy)
		w.PairedAt, w.WithdrawnAt = instant(paired), instant(withdrawn)
		list, secrets = append(list, w), append(secrets, secret)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read workstations: %w", err)
	}
	return list, secrets, nil
}

// InsertBridgeKey stores a key. Update returns ErrExists if it is known: a key
// belongs to one workstation for ever.
func (tx *Tx) InsertBridgeKey(k BridgeKey) error {
	return tx.exec(single{
		text: `INSERT INTO card_bridge_key (id, workstation, point, paired_by, added_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`,
		args: []any{string(k.ID), string(k.Workstation), k.Point, k.PairedBy, micros(k.AddedAt)},
		want: 1, otherwise: fmt.Errorf("key of a bridge: %w", ErrExists),
	}, guardKey{table: "card_bridge_key", name: string(k.ID)})
}

// BridgeKey returns a key by its name, or ErrNotFound.
func (tx *Tx) BridgeKey(id tolem.KeyID) (BridgeKey, error) {
	var list []BridgeKey
	err := tx.db.query(tx.ctx, `SELECT id, workstation, point, paired_by, added_at FROM card_bridge_key WHERE id = $1`, []any{string(id)},
		func(scan func(...any) error) error {
			var k BridgeKey
			var added int64
			err := scan(&k.ID, &k.Workstation, &k.Point, &k.PairedBy, &added)
			k.AddedAt = instant(added)
			list = append(list, k)
			return err
		})
	k, err := one(list, err)
	if err != nil {
		return k, fmt.Errorf("key of a bridge: %w", err)
	}
	return k, nil
}

// InsertChallenge stores a challenge that a session of a bank's person was
// given. Challenges whose time is over go.
func (tx *Tx) InsertChallenge(id string, bank tolem.ParticipantID, session string, until time.Time) error {
	return cmp.Or(
		tx.exec(single{text: `DELETE FROM card_challenge WHERE until <= $1`, args: []any{micros(tx.now)}, want: anyRows}),
		tx.exec(single{
			text: `INSERT INTO card_challenge (id, bank, session, until, used_at) VALUES ($1, $2, $3, $4, 0)`,
			args: []any{id, string(bank), session, micros(until)}, want: 1,
		}),
	)
}

// UseChallenge uses a challenge of a session up. Update returns ErrUsed if that
// was done before, or it is not this session's, or its time is over.
func (tx *Tx) UseChallenge(id string, bank tolem.ParticipantID, session string) error {
	return tx.exec(single{
		text: `UPDATE card_challenge SET used_at = $1 WHERE id = $2 AND bank = $3 AND session = $4 AND until > $1 AND used_at = 0`,
		args: []any{micros(tx.now), id, string(bank), session},
		want: 1, otherwise: ErrUsed,
	}, guardKey{table: "card_challenge", name: id})
}

const ticketColumns = `id, version, operation, payment, bank, workstation, key_id, organisation, amount, currency, reverses, state, reason,
	issued_at, expires_at, decided_at, data`

// TicketStep is one line in the history of a ticket.
type TicketStep struct {
	Version  int64
	State    tolem.TicketState
	Basis    string
	Evidence MessageID
	At       time.Time
}

// cardIndex finds a card without telling its number.
func (db *DB) cardIndex(no tolem.SmartCardNo) []byte { return db.vault.Index("smart card", []byte(no)) }

// ticketHolds names what no other ticket may be for while this one is open.
func (db *DB) ticketHolds(t tolem.CardTicket) [2]string {
	return [2]string{"payment/" + string(t.Payment), "card/" + hex.EncodeToString(db.cardIndex(t.Card))}
}

// InsertCardTicket stores an open ticket before it is given out. Update returns
// ErrHeld if another is open for the payment or the card.
func (tx *Tx) InsertCardTicket(t tolem.CardTicket, basis string, evidence MessageID) error {
	f := newFields()
	f.text(string(t.Card))
	f.text(string(t.Signed))
	data, err := tx.seal(f, ticketContext(t.ID))
	if err != nil {
		return err
	}
	for _, name := range tx.db.ticketHolds(t) {
		err := tx.exec(single{
			text: `INSERT INTO card_hold (name, ticket) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, args: []any{name, string(t.ID)},
			want: 1, otherwise: ErrHeld,
		}, guardKey{table: "card_hold", name: name})
		if err != nil {
			return err
		}
	}
	return cmp.Or(tx.exec(single{
		text: `INSERT INTO card_ticket (` + ticketColumns + `)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		args: []any{
			string(t.ID), t.Version, string(t.Op), string(t.Payment), string(t.Bank), string(t.Workstation), string(t.Key),
			string(t.Organisation), t.Amount.Minor, string(t.Amount.Currency), string(t.Reverses), string(t.State), t.Reason, micros(t.IssuedAt),
			micros(t.ExpiresAt), micros(t.DecidedAt), data,
		},
		want: 1,
	}, ticketKey(t.ID)), tx.ticketStep(t, basis, evidence))
}

func ticketKey(id tolem.TicketID) guardKey { return guardKey{table: "card_ticket", name: string(id)} }

func ticketContext(id tolem.TicketID) string { return "card_ticket/" + string(id) }

// DecideCardTicket stores the result of a ticket that was open. If it is not any
// more, the closure is run again.
func (tx *Tx) DecideCardTicket(t tolem.CardTicket, basis string, evidence MessageID) error {
	err := tx.exec(single{
		text: `UPDATE card_ticket SET version = $1, state = $2, reason = $3, decided_at = $4 WHERE id = $5 AND version = $6 AND state = 'open'`,
		args: []any{t.Version, string(t.State), t.Reason, micros(t.DecidedAt), string(t.ID), t.Version - 1},
		want: 1,
	}, ticketKey(t.ID))
	if err != nil {
		return err
	}
	for _, name := range tx.db.ticketHolds(t) {
		err := tx.exec(single{text: `DELETE FROM card_hold WHERE name = $1 AND ticket = $2`, args: []any{name, string(t.ID)}, want: 1},
			guardKey{table: "card_hold", name: name})
		if err != nil {
			return err
		}
	}
	return tx.ticketStep(t, basis, evidence)
}

func (tx *Tx) ticketStep(t tolem.CardTicket, basis string, evidence MessageID) error {
	return tx.exec(single{
		text: `INSERT INTO card_ticket_step (ticket, version, state, basis, evidence, at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (ticket, version) DO NOTHING`,
		args: []any{string(t.ID), t.Version, string(t.State), basis, evidence[:], micros(tx.now)}, want: 1,
	})
}

// CardTicket returns one ticket of whatever bank, or ErrNotFound.
func (tx *Tx) CardTicket(id tolem.TicketID) (tolem.CardTicket, error) {
	t, err := one(tx.listCardTickets("WHERE id = $1", string(id)))
	if err != nil {
		return t, fmt.Errorf("ticket %s: %w", id, err)
	}
	return t, nil
}

// CardTicketsOfPayment returns the tickets of a bank's payment, oldest first.
func (tx *Tx) CardTicketsOfPayment(bank tolem.ParticipantID, p tolem.PaymentID) ([]tolem.CardTicket, error) {
	return tx.listCardTickets("WHERE payment = $1 AND bank = $2 ORDER BY issued_at, id", string(p), string(bank))
}

// OpenCardTickets returns a bank's open tickets that were given out before a
// moment, oldest first, at most limit.
func (tx *Tx) OpenCardTickets(bank tolem.ParticipantID, before time.Time, limit int) ([]tolem.CardTicket, error) {
	return tx.listCardTickets("WHERE state = 'open' AND bank = $1 AND issued_at < $2 ORDER BY issued_at, id LIMIT $3", string(bank), micros(before), int64(limit))
}

// OpenTicketOfCard returns the open ticket for a card, of whatever bank, or
// ErrNotFound. There is at most one.
func (tx *Tx) OpenTicketOfCard(no tolem.SmartCardNo) (tolem.CardTicket, error) {
	name := "card/" + hex.EncodeToString(tx.db.cardIndex(no))
	return one(tx.listCardTickets("WHERE id IN (SELECT ticket FROM card_hold WHERE name = $1)", name))
}

// CardTicketSteps returns the history of a ticket, oldest first.
func (tx *Tx) CardTicketSteps(id tolem.TicketID) ([]TicketStep, error) {
	var list []TicketStep
	err := tx.db.query(tx.ctx, `SELECT version, state, basis, evidence, at FROM card_ticket_step WHERE ticket = $1 ORDER BY version`, []any{string(id)},
		func(scan func(...any) error) error {
			var s TicketStep
			var at int64
			var evidence []byte
			if err := scan(&s.Version, &s.State, &s.Basis, &evidence, &at); err != nil {
				return err
			}
			copy(s.Evidence[:], evidence)
			s.At = instant(at)
			list = append(list, s)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read history of a ticket: %w", err)
	}
	return list, nil
}

func (tx *Tx) listCardTickets(where string, args ...any) ([]tolem.CardTicket, error) {
	var list []tolem.CardTicket
	err := tx.db.query(tx.ctx, "SELECT "+ticketColumns+" FROM card_ticket "+where, args, func(scan func(...any) error) error {
		t, err := tx.db.scanCardTicket(scan)
		list = append(list, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read tickets: %w", err)
	}
	return list, nil
}

func (db *DB) scanCardTicket(scan func(...any) error) (tolem.CardTicket, error) {
	var t tolem.CardTicket
	var issued, expires, decided int64
	var data []byte
	err := scan(&t.ID, &t.Version, &t.Op, &t.Payment, &t.Bank, &t.Workstation, &t.Key, &t.Organisation, &t.Amount.Minor, &t.Amount.Currency,
		&t.Reverses, &t.State, &t.Reason, &issued, &expires, &decided, &data)
	if err != nil {
		return t, err
	}
	f, err := db.open(data, ticketContext(t.ID))
	if err != nil {
		return t, err
	}
	t.Card, t.Signed = tolem.SmartCardNo(f.text()), []byte(f.text())
	t.IssuedAt, t.ExpiresAt, t.DecidedAt = instant(issued), instant(expires), instant(decided)
	return t, f.err
}
