package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"tolem"
)

const targetColumns = `participant, name, method, address, forms, settings, active`

// PutDeliveryTarget registers a target or stores its new particulars. Targets
// are never deleted, for deliveries name them; they are made inactive.
func (tx *Tx) PutDeliveryTarget(t tolem.DeliveryTarget) error {
	if err := t.Check(); err != nil {
		return err
	}
	settings, err := json.Marshal(t.Settings) // sorts the names
	if err != nil {
		return fmt.Errorf("settings of %s: %w", t, err)
	}
	return tx.exec(single{
		text: `INSERT INTO delivery_target (` + targetColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (participant, name) DO UPDATE SET method = excluded.method, address = excluded.address,
			forms = excluded.forms, settings = excluded.settings, active = excluded.active`,
		args: []any{
			string(t.Participant), t.Name, string(t.Method), t.Address, joinList(t.Forms), string(settings), boolean(t.Active),
		},
		want: 1,
	}, guardKey{table: "delivery_target", name: t.String()})
}

// DeliveryTarget returns one target, or ErrNotFound.
func (tx *Tx) DeliveryTarget(participant tolem.ParticipantID, name string) (tolem.DeliveryTarget, error) {
	list, err := tx.listTargets("WHERE participant = $1 AND name = $2", string(participant), name)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("delivery target %s/%s: %w", participant, name, ErrNotFound)
	}
	if err != nil {
		return tolem.DeliveryTarget{}, err
	}
	return list[0], nil
}

// DeliveryTargets returns every target, inactive ones included, by participant
// and name.
func (tx *Tx) DeliveryTargets() ([]tolem.DeliveryTarget, error) {
	return tx.listTargets("ORDER BY participant, name")
}

// DeliveryTargetsOf returns the targets of a participant, inactive ones
// included, by name.
func (tx *Tx) DeliveryTargetsOf(participant tolem.ParticipantID) ([]tolem.DeliveryTarget, error) {
	return tx.listTargets("WHERE participant = $1 ORDER BY name", string(participant))
}

func (tx *Tx) listTargets(where string, args ...any) ([]tolem.DeliveryTarget, error) {
	var list []tolem.DeliveryTarget
	err := tx.db.query(tx.ctx, "SELECT "+targetColumns+" FROM delivery_target "+where, args, func(scan func(...any) error) error {
		var t tolem.DeliveryTarget
		var forms, settings string
		var active int64
		err := scan(&t.Participant, &t.Name, &t.Method, &t.Address, &forms, &settings, &active)
		t.Forms, t.Active = splitList[string](forms), active != 0
		list = append(list, t)
		return errors.Join(err, json.Unmarshal([]byte(settings), &list[len(list)-1].Settings))
	})
	if err != nil {
		return nil, fmt.Errorf("list delivery targets: %w", err)
	}
	return list, nil
}
