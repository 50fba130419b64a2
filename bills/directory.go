package bills

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tolem"
	"tolem/store"
)

// directory is everything about organisations but their accounts, as it stood at
// a version of the store's directory. It is never changed.
type directory struct {
	version       int64
	organisations map[tolem.ProviderID]tolem.Organisation
	names         []named // in the order of names
	services      map[tolem.ServiceCode]tolem.DeskService
	active        map[tolem.ProviderID][]tolem.DeskService
	tariffs       []tolem.Tariff
	points        []tolem.AsanPoint
	units         map[tolem.AsanPointID][]tolem.AsanUnit
}

// named is an organisation ready to be searched.
type named struct {
	id   tolem.ProviderID
	text tolem.Searchable
}

// directory returns what holds now: the version is asked for each time, what it
// names is read once.
func (d *Desk) directory(ctx context.Context) (*directory, error) {
	var now *directory
	err := d.db.View(ctx, func(tx *store.Tx) (err error) {
		now, err = d.directoryIn(tx)
		return err
	})
	return now, err
}

// directoryIn is directory within a transaction.
func (d *Desk) directoryIn(tx *store.Tx) (*directory, error) {
	version, err := tx.DirectoryVersion()
	if err != nil {
		return nil, err
	}
	if k := d.known.Load(); k != nil && k.version == version {
		return k, nil
	}
	k, err := readDirectory(tx, version)
	if err != nil {
		return nil, err
	}
	d.known.Store(k)
	return k, nil
}

func readDirectory(tx *store.Tx, version int64) (*directory, error) {
	k := &directory{
		version: version, organisations: make(map[tolem.ProviderID]tolem.Organisation), services: make(map[tolem.ServiceCode]tolem.DeskService),
		active: make(map[tolem.ProviderID][]tolem.DeskService), units: make(map[tolem.AsanPointID][]tolem.AsanUnit),
	}
	organisations, err := tx.Organisations()
	if err != nil {
		return nil, err
	}
	k.takeOrganisations(organisations)
	services, err := tx.DeskServices()
	if err != nil {
		return nil, err
	}
	k.takeServices(services)
	if k.tariffs, err = tx.Tariffs(); err != nil {
		return nil, err
	}
	points, err := tx.AsanPoints()
	if err != nil {
		return nil, err
	}
	k.points = slices.DeleteFunc(points, func(p tolem.AsanPoint) bool { return !p.Active })
	units, err := tx.AsanUnits()
	if err != nil {
		return nil, err
	}
	for _, u := range units {
		if u.Active {
			k.units[u.Point] = append(k.units[u.Point], u)
		}
	}
	return k, nil
}

func (k *directory) takeOrganisations(list []tolem.Organisation) {
	slices.SortFunc(list, func(a, b tolem.Organisation) int {
		return cmp.Or(strings.Compare(tolem.SortKey(a.Name), tolem.SortKey(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	for _, o := range list {
		o.Units = slices.DeleteFunc(o.Units, func(u tolem.OrganisationUnit) bool { return !u.Active })
		k.organisations[o.ID] = o
		k.names = append(k.names, named{id: o.ID, text: tolem.NewSearchable(o.Name)})
	}
}

func (k *directory) takeServices(list []tolem.DeskService) {
	slices.SortFunc(list, func(a, b tolem.DeskService) int {
		return cmp.Or(cmp.Compare(a.ShownCode(), b.ShownCode()), cmp.Compare(a.Code, b.Code))
	})
	for _, s := range list {
		k.services[s.Code] = s
		if s.Active {
			k.active[s.Provider] = append(k.active[s.Provider], s)
		}
	}
}

// of returns what tells whether an organisation has a service.
func (k *directory) of(o tolem.ProviderID) func(tolem.ServiceCode) bool {
	return func(code tolem.ServiceCode) bool {
		s, ok := k.services[code]
		return ok && s.Provider == o
	}
}
