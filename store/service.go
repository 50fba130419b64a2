package store

import (
	"fmt"

	"tolem"
)

// Providers returns every provider, by id.
func (tx *Tx) Providers() ([]tolem.Provider, error) { return tx.listProviders("ORDER BY id") }

// Provider returns one provider, or ErrNotFound.
func (tx *Tx) Provider(id tolem.ProviderID) (tolem.Provider, error) {
	list, err := tx.listProviders("WHERE id = $1", string(id))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("provider %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return tolem.Provider{}, err
	}
	return list[0], nil
}

func (tx *Tx) listProviders(where string, args ...any) ([]tolem.Provider, error) {
	var list []tolem.Provider
	err := tx.db.query(tx.ctx, `SELECT id, bin, name_kk, name_ru, name_en, active, data FROM provider `+where, args, func(scan func(...any) error) error {
		var p tolem.Provider
		var active int64
		var data []byte
		if err := scan(&p.ID, &p.BIN, &p.Names.KK, &p.Names.RU, &p.Names.EN, &active, &data); err != nil {
			return err
		}
		p.Active = active != 0
		f, err := tx.db.open(data, providerContext(p.ID))
		if err != nil {
			return err
		}
		p.Account = f.text()
		list = append(list, p)
		return f.err
	})
	if err != nil {
		return nil, fmt.Errorf("list providers: %w", err)
	}
	return list, nil
}

func providerContext(id tolem.ProviderID) string { return "provider/" + string(id) }

// PutProvider registers a provider or stores its new particulars. The BIN of
// an organisation is public; its account is sealed.
func (tx *Tx) PutProvider(p tolem.Provider) error {
	f := newFields()
	f.text(p.Account)
	data, err := tx.seal(f, providerContext(p.ID))
	if err != nil {
		return err
	}
	return tx.register(single{
		text: `INSERT INTO provider (id, bin, name_kk, name_ru, name_en, active, data) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (id) DO UPDATE SET bin = excluded.bin, name_kk = excluded.name_kk, name_ru = excluded.name_ru,
			name_en = excluded.name_en, active = excluded.active, data = excluded.data`,
		args: []any{string(p.ID), p.BIN.Reveal(), p.Names.KK, p.Names.RU, p.Names.EN, boolean(p.Active), data}, want: 1,
	})
}

const serviceColumns = `code, provider, name_kk, name_ru, name_en, currency, fixed_amount, min_amount, max_amount, active`

// Services returns every service, by code.
func (tx *Tx) Services() ([]tolem.Service, error) { return tx.listServices("ORDER BY code") }

// Service returns one service, or ErrNotFound.
func (tx *Tx) Service(code tolem.ServiceCode) (tolem.Service, error) {
	list, err := tx.listServices("WHERE code = $1", string(code))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("service %s: %w", code, ErrNotFound)
	}
	if err != nil {
		return tolem.Service{}, err
	}
	return list[0], nil
}

func (tx *Tx) listServices(where string, args ...any) ([]tolem.Service, error) {
	var list []tolem.Service
	err := tx.db.query(tx.ctx, "SELECT "+serviceColumns+" FROM service "+where, args, func(scan func(...any) error) error {
		var s tolem.Service
		var active int64
		err := scan(&s.Code, &s.Provider, &s.Names.KK, &s.Names.RU, &s.Names.EN, &s.Price.Currency, &s.Price.Fixed, &s.Price.Min, &s.Price.Max, &active)
		s.Active = active != 0
		list = append(list, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	return list, nil
}

// PutService registers a service or stores its new particulars. A service
// keeps its provider for ever: Update returns ErrExists if the code belongs
// to another.
func (tx *Tx) PutService(s tolem.Service) error {
	return tx.register(single{
		text: `INSERT INTO service (` + serviceColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (code) DO UPDATE SET name_kk = excluded.name_kk, name_ru = excluded.name_ru, name_en = excluded.name_en,
			currency = excluded.currency, fixed_amount = excluded.fixed_amount, min_amount = excluded.min_amount,
			max_amount = excluded.max_amount, active = excluded.active
			WHERE service.provider = excluded.provider`,
		args: []any{
			string(s.Code), string(s.Provider), s.Names.KK, s.Names.RU, s.Names.EN, string(s.Price.Currency), s.Price.Fixed, s.Price.Min,
			s.Price.Max, boolean(s.Active),
		},
		want: 1, otherwise: fmt.Errorf("service %s of another provider: %w", s.Code, ErrExists),
	})
}
