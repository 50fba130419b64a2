package store

import (
	"encoding/json"
	"fmt"

	"tolem"
)

const basketColumns = `person, bank, id, version, data, changed_at`

// basketData is what is sealed of a basket: accounts and names are personal.
type basketData struct {
	Lines        []tolem.BasketLine
	Last         tolem.LineID
	Calculation  int64
	Calculations int64
}

// PutBasket stores a person's basket. If it has changed since it was read, the
// closure is run again.
func (tx *Tx) PutBasket(b tolem.Basket) error {
	raw, err := json.Marshal(basketData{Lines: b.Lines, Last: b.Last, Calculation: b.Calculation, Calculations: b.Calculations})
	if err != nil {
		return fmt.Errorf("write basket: %w", err)
	}
	f := newFields()
	f.text(string(raw))
	data, err := tx.seal(f, basketContext(b.Person))
	if err != nil {
		return err
	}
	key := guardKey{table: "desk_basket", name: string(b.Person)}
	if b.Version == 0 {
		return tx.exec(single{
			text: `INSERT INTO desk_basket (` + basketColumns + `) VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT (person) DO NOTHING`,
			args: []any{string(b.Person), string(b.Bank), string(b.ID), data, micros(tx.now)}, want: 1,
		}, key)
	}
	return tx.exec(single{
		text: `UPDATE desk_basket SET version = version + 1, bank = $1, id = $2, data = $3, changed_at = $4 WHERE person = $5 AND version = $6`,
		args: []any{string(b.Bank), string(b.ID), data, micros(tx.now), string(b.Person), b.Version}, want: 1,
	}, key)
}

func basketContext(p tolem.PersonID) string { return "basket/" + string(p) }

// Basket returns a person's basket, or ErrNotFound.
func (tx *Tx) Basket(p tolem.PersonID) (tolem.Basket, error) {
	var list []tolem.Basket
	err := tx.db.query(tx.ctx, `SELECT `+basketColumns+` FROM desk_basket WHERE person = $1`, []any{string(p)}, func(scan func(...any) error) error {
		var b tolem.Basket
		var sealed []byte
		var changed int64
		if err := scan(&b.Person, &b.Bank, &b.ID, &b.Version, &sealed, &changed); err != nil {
			return err
		}
		f, err := tx.db.open(sealed, basketContext(b.Person))
		if err != nil {
			return err
		}
		var data basketData
		if err := json.Unmarshal([]byte(f.text()), &data); err != nil {
			return err
		}
		b.Lines, b.Last, b.Calculation, b.Calculations = data.Lines, data.Last, data.Calculation, data.Calculations
		list = append(list, b)
		return f.err
	})
	if err != nil {
		return tolem.Basket{}, fmt.Errorf("read basket: %w", err)
	}
	return one(list, nil)
}
