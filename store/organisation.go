package store

import (
	"fmt"

	"tolem"
)

// Organisations returns the providers that desks know, with their units, by id.
func (tx *Tx) Organisations() ([]tolem.Organisation, error) {
	providers, err := tx.Providers()
	if err != nil {
		return nil, err
	}
	units, err := tx.organisationUnits()
	if err != nil {
		return nil, err
	}
	settings := make(map[tolem.ProviderID]tolem.Organisation)
	err = tx.db.query(tx.ctx, `SELECT provider, name, smart, without_write, cancellable, receiver_required, banks FROM organisation`, nil,
		func(scan func(...any) error) error {
			var o tolem.Organisation
			var without, cancellable, receiver int64
			var banks string
			err := scan(&o.ID, &o.Name, &o.Smart, &without, &cancellable, &receiver, &banks)
			o.PayWithoutCardWrite, o.Cancellable, o.ReceiverRequired = without != 0, cancellable != 0, receiver != 0
			o.Banks = splitList[tolem.ParticipantID](banks)
			settings[o.ID] = o
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read organisations: %w", err)
	}
	var list []tolem.Organisation
	for _, p := range providers {
		if o, ok := settings[p.ID]; ok {
			o.Provider, o.Units = p, units[p.ID]
			list = append(list, o)
		}
	}
	return list, nil
}

func (tx *Tx) organisationUnits() (map[tolem.ProviderID][]tolem.OrganisationUnit, error) {
	units := make(map[tolem.ProviderID][]tolem.OrganisationUnit)
	err := tx.db.query(tx.ctx, `SELECT provider, code, name, active FROM organisation_unit ORDER BY provider, code`, nil,
		func(scan func(...any) error) error {
			var u tolem.OrganisationUnit
			var active int64
			err := scan(&u.Organisation, &u.Code, &u.Name, &active)
			u.Active = active != 0
			units[u.Organisation] = append(units[u.Organisation], u)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read units: %w", err)
	}
	return units, nil
}

// PutOrganisation stores what desks know of a provider, which is there, without
// its units. Nodes notice it as a change of the directory.
func (tx *Tx) PutOrganisation(o tolem.Organisation) error {
	return tx.register(single{
		text: `INSERT INTO organisation (provider, name, smart, without_write, cancellable, receiver_required, banks)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (provider) DO UPDATE SET name = excluded.name, smart = excluded.smart,
			without_write = excluded.without_write, cancellable = excluded.cancellable, receiver_required = excluded.receiver_required,
			banks = excluded.banks`,
		args: []any{
			string(o.ID), o.Name, string(o.Smart), boolean(o.PayWithoutCardWrite), boolean(o.Cancellable), boolean(o.ReceiverRequired),
			joinList(o.Banks),
		}, want: 1,
	})
}

// PutOrganisationUnit stores a unit. Units are never deleted, for payments name
// them.
func (tx *Tx) PutOrganisationUnit(u tolem.OrganisationUnit) error {
	return tx.register(single{
		text: `INSERT INTO organisation_unit (provider, code, name, active) VALUES ($1, $2, $3, $4)
			ON CONFLICT (provider, code) DO UPDATE SET name = excluded.name, active = excluded.active`,
		args: []any{string(u.Organisation), string(u.Code), u.Name, boolean(u.Active)}, want: 1,
	})
}

// DeskServices returns every service with what desks know of it, by code.
func (tx *Tx) DeskServices() ([]tolem.DeskService, error) {
	services, err := tx.Services()
	if err != nil {
		return nil, err
	}
	known := make(map[tolem.ServiceCode]tolem.DeskService)
	err = tx.db.query(tx.ctx, `SELECT service, shown, name, advance FROM desk_service`, nil, func(scan func(...any) error) error {
		var s tolem.DeskService
		var advance int64
		err := scan(&s.Code, &s.Shown, &s.Name, &advance)
		s.Advance = advance != 0
		known[s.Code] = s
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read services of desks: %w", err)
	}
	list := make([]tolem.DeskService, len(services))
	for i, s := range services {
		list[i] = known[s.Code]
		list[i].Service = s
	}
	return list, nil
}

// PutDeskService stores what desks know of a service, which is there.
func (tx *Tx) PutDeskService(s tolem.DeskService) error {
	return tx.register(single{
		text: `INSERT INTO desk_service (service, shown, name, advance) VALUES ($1, $2, $3, $4)
			ON CONFLICT (service) DO UPDATE SET shown = excluded.shown, name = excluded.name, advance = excluded.advance`,
		args: []any{string(s.Code), s.Shown, s.Name, boolean(s.Advance)}, want: 1,
	})
}

// Tariffs returns every tariff, by organisation, service and day.
func (tx *Tx) Tariffs() ([]tolem.Tariff, error) {
	var list []tolem.Tariff
	err := tx.db.query(tx.ctx, `SELECT provider, service, valid_from, percent, fixed, minimum, maximum FROM tariff ORDER BY provider, service, valid_from`, nil,
		func(scan func(...any) error) error {
			var t tolem.Tariff
			err := scan(&t.Organisation, &t.Service, &t.From, &t.Percent, &t.Fixed, &t.Min, &t.Max)
			list = append(list, t)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read tariffs: %w", err)
	}
	return list, nil
}

// PutTariff stores a tariff. Update returns ErrExists if there is one from that
// day on already: fees that were taken stay explained.
func (tx *Tx) PutTariff(t tolem.Tariff) error {
	return tx.register(single{
		text: `INSERT INTO tariff (provider, service, valid_from, percent, fixed, minimum, maximum) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (provider, service, valid_from) DO NOTHING`,
		args: []any{string(t.Organisation), string(t.Service), int64(t.From), t.Percent, t.Fixed, t.Min, t.Max},
		want: 1, otherwise: fmt.Errorf("tariff of %s from %s: %w", t.Organisation, t.From, ErrExists),
	})
}

// AsanPoints returns the ASAN service points, by id.
func (tx *Tx) AsanPoints() ([]tolem.AsanPoint, error) {
	var list []tolem.AsanPoint
	err := tx.db.query(tx.ctx, `SELECT id, name, active FROM asan_point ORDER BY id`, nil, func(scan func(...any) error) error {
		var p tolem.AsanPoint
		var active int64
		err := scan(&p.ID, &p.Name, &active)
		p.Active = active != 0
		list = append(list, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read ASAN service points: %w", err)
	}
	return list, nil
}

// PutAsanPoint stores an ASAN service point.
func (tx *Tx) PutAsanPoint(p tolem.AsanPoint) error {
	return tx.register(single{
		text: `INSERT INTO asan_point (id, name, active) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET name = excluded.name, active = excluded.active`,
		args: []any{string(p.ID), p.Name, boolean(p.Active)}, want: 1,
	})
}

// AsanUnits returns the ASAN structural units, by code.
func (tx *Tx) AsanUnits() ([]tolem.AsanUnit, error) {
	var list []tolem.AsanUnit
	err := tx.db.query(tx.ctx, `SELECT code, point, name, active FROM asan_unit ORDER BY code`, nil, func(scan func(...any) error) error {
		var u tolem.AsanUnit
		var active int64
		err := scan(&u.Code, &u.Point, &u.Name, &active)
		u.Active = active != 0
		list = append(list, u)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read ASAN structural units: %w", err)
	}
	return list, nil
}

// PutAsanUnit stores an ASAN structural unit. It stays with its service point:
// Update returns ErrExists if the code belongs to another.
func (tx *Tx) PutAsanUnit(u tolem.AsanUnit) error {
	return tx.register(single{
		text: `INSERT INTO asan_unit (code, point, name, active) VALUES ($1, $2, $3, $4)
			ON CONFLICT (code) DO UPDATE SET name = excluded.name, active = excluded.active WHERE asan_unit.point = excluded.point`,
		args: []any{string(u.Code), string(u.Point), u.Name, boolean(u.Active)},
		want: 1, otherwise: fmt.Errorf("ASAN unit %s of another service point: %w", u.Code, ErrExists),
	})
}
