package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/store"
)

func organisationCommand(io streams) *cobra.Command {
	return group("organisation", "What cashiers know of providers: names, units, services, tariffs",
		organisationAddCommand(io), organisationUnitCommand(io), organisationServiceCommand(io), organisationTariffCommand(io),
		organisationListCommand(io), organisationShowCommand(io))
}

// save runs a change of the directory and says what was done.
func save(c *cobra.Command, io streams, file string, asJSON bool, view func() any, done string, do func(*desk, *store.Tx) error) error {
	return withDesk(c.Context(), file, func(ctx context.Context, d *desk) error {
		if err := d.db.Update(ctx, func(tx *store.Tx) error { return do(d, tx) }); err != nil {
			return err
		}
		if asJSON {
			return printJSON(io.out, view())
		}
		fmt.Fprintln(io.out, done)
		return nil
	})
}

// organisationOf finds an organisation, or says what is to be done first.
func organisationOf(tx *store.Tx, id tolem.ProviderID) (tolem.Organisation, error) {
	list, err := tx.Organisations()
	if err != nil {
		return tolem.Organisation{}, err
	}
	for _, o := range list {
		if o.ID == id {
			return o, nil
		}
	}
	return tolem.Organisation{}, fmt.Errorf("no organisation %q; add it first", id)
}

func organisationAddCommand(io streams) *cobra.Command {
	var o tolem.Organisation
	var id, smart string
	var banks []string
	c := &cobra.Command{
		Use: "add", Short: "Make a provider known to cashiers, or change what they know", Args: noArgs,
		Long: `Makes a registered provider an organisation that cashiers find by its name. Called
again, it replaces the settings; units, services and tariffs stay.`,
		Example: `  tolem organisation add --id AZERISHIQ --name "Azərişıq ASC" --smart azerishiq --without-card-write --cancellable
  tolem organisation add --id TAXES --name "Dövlət Vergi Xidməti" --receiver-required --bank KAPITAL`,
	}
	f := c.Flags()
	f.StringVar(&id, "id", "", "id of the provider")
	f.StringVar(&o.Name, "name", "", "name that cashiers see and search")
	f.StringVar(&smart, "smart", string(tolem.SmartNone), "whose prepayment cards its meters take: none, azerishiq, azerigaz")
	f.BoolVar(&o.PayWithoutCardWrite, "without-card-write", false, "a SMART payment may be made without writing the card")
	f.BoolVar(&o.Cancellable, "cancellable", false, "operators may cancel its payments")
	f.BoolVar(&o.ReceiverRequired, "receiver-required", false, "a unit must be chosen for each payment")
	f.StringArrayVar(&banks, "bank", nil, "`id` of a bank that takes payments for it; by default all do")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "id", "name"); err != nil {
			return err
		}
		o.ID, o.Smart = tolem.ProviderID(id), tolem.SmartProvider(smart)
		for _, b := range banks {
			o.Banks = append(o.Banks, tolem.ParticipantID(b))
		}
		return save(c, io, *file, *asJSON, func() any { return viewOrganisation(o) }, "organisation "+id+" is known to cashiers", func(_ *desk, tx *store.Tx) error {
			if err := checkProvider(tx, o.ID); err != nil {
				return err
			}
			var err error
			if o.Provider, err = tx.Provider(o.ID); err != nil {
				return err
			}
			if known, err := organisationOf(tx, o.ID); err == nil {
				o.Units = known.Units
			}
			for _, b := range o.Banks {
				if p, err := tx.Participant(b); errors.Is(err, store.ErrNotFound) || err == nil && p.Kind != tolem.KindBank {
					return fmt.Errorf("no bank %q", b)
				} else if err != nil {
					return err
				}
			}
			if err := o.Check(); err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			return tx.PutOrganisation(o)
		})
	}
	return c
}

func organisationUnitCommand(io streams) *cobra.Command {
	var of, code string
	var u tolem.OrganisationUnit
	var closed bool
	c := &cobra.Command{
		Use: "unit", Short: "Add or change a structural unit that receives payments", Args: noArgs,
		Example: `  tolem organisation unit --of TAXES --code 01 --name "Bakı şəhəri"`,
	}
	f := c.Flags()
	f.StringVar(&of, "of", "", "id of the organisation")
	f.StringVar(&code, "code", "", "code of the unit within it")
	f.StringVar(&u.Name, "name", "", "name")
	f.BoolVar(&closed, "closed", false, "it receives no payments any more")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "of", "code", "name"); err != nil {
			return err
		}
		if err := errors.Join(tolem.CheckIdentifier(code), tolem.CheckShownName(u.Name)); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		u.Organisation, u.Code, u.Active = tolem.ProviderID(of), tolem.UnitCode(code), !closed
		return save(c, io, *file, *asJSON, func() any { return viewUnit(u) }, "unit "+code+" of "+of, func(_ *desk, tx *store.Tx) error {
			if _, err := organisationOf(tx, u.Organisation); err != nil {
				return err
			}
			return tx.PutOrganisationUnit(u)
		})
	}
	return c
}

func organisationServiceCommand(io streams) *cobra.Command {
	var code string
	var s tolem.DeskService
	c := &cobra.Command{
		Use: "service", Short: "Say how cashiers see a service, and whether it is paid in advance", Args: noArgs,
		Example: `  tolem organisation service --code LIGHT --shown 01 --name "Elektrik enerjisi" --advance`,
	}
	f := c.Flags()
	f.StringVar(&code, "code", "", "code of the registered service")
	f.StringVar(&s.Shown, "shown", "", "code that cashiers see; by default that of the service")
	f.StringVar(&s.Name, "name", "", "name that cashiers see; by default that of the service")
	f.BoolVar(&s.Advance, "advance", false, "it may be paid without a debt")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "code"); err != nil {
			return err
		}
		s.Code = tolem.ServiceCode(code)
		for _, text := range []string{s.Shown, s.Name} {
			if text != "" && tolem.CheckShownName(text) != nil {
				return fmt.Errorf("%w: %w", errUsage, tolem.CheckShownName(text))
			}
		}
		return save(c, io, *file, *asJSON, func() any { return viewDeskService(s) }, "service "+code, func(_ *desk, tx *store.Tx) error {
			registered, err := tx.Service(s.Code)
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("no service %q; add it first", code)
			} else if err != nil {
				return err
			}
			s.Service = registered
			return tx.PutDeskService(s)
		})
	}
	return c
}

func organisationTariffCommand(io streams) *cobra.Command {
	var of, service, percent, fixed, least, most string
	c := &cobra.Command{
		Use: "tariff", Short: "Set the service fee from a day on", Args: noArgs,
		Long: `The fee is percent of the amount and the fixed part, rounded half up, held between
minimum and maximum. A tariff holds until the next one begins and is never
changed: fees that were taken stay explained.`,
		Example: `  tolem organisation tariff --of AZERISHIQ --from 2026-12-01 --percent 1 --min 0.20 --max 5.00
  tolem organisation tariff --of TAXES --service FINE --from 2026-12-01 --fixed 0.50`,
	}
	from := dayFlag(c, "from", "first `day` it is in force")
	f := c.Flags()
	f.StringVar(&of, "of", "", "id of the organisation")
	f.StringVar(&service, "service", "", "code of a service; by default all that have none of their own")
	f.StringVar(&percent, "percent", "0", "percent of the amount, like 1.25")
	f.StringVar(&fixed, "fixed", "", "fixed part")
	f.StringVar(&least, "min", "", "smallest fee")
	f.StringVar(&most, "max", "", "largest fee")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "of", "from"); err != nil {
			return err
		}
		day, err := from()
		if err != nil {
			return err
		}
		t := tolem.Tariff{Organisation: tolem.ProviderID(of), Service: tolem.ServiceCode(service), From: day}
		if err := readTariff(&t, percent, fixed, least, most); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return save(c, io, *file, *asJSON, func() any { return viewTariff(t) }, "tariff of "+of+" from "+day.String(), func(_ *desk, tx *store.Tx) error {
			if _, err := organisationOf(tx, t.Organisation); err != nil {
				return err
			}
			if service != "" {
				if s, err := tx.Service(t.Service); err != nil || s.Provider != t.Organisation {
					return fmt.Errorf("%s has no service %q", of, service)
				}
			}
			return tx.PutTariff(t)
		})
	}
	return c
}

// readTariff reads what a command line says of a tariff.
func readTariff(t *tolem.Tariff, percent, fixed, least, most string) (err error) {
	if t.Percent, err = tolem.ParsePercent(percent); err != nil {
		return err
	}
	for _, one := range []struct {
		text string
		to   *int64
	}{{fixed, &t.Fixed}, {least, &t.Min}, {most, &t.Max}} {
		if one.text == "" {
			continue
		}
		m, err := tolem.ParseMoney(one.text, "")
		if err != nil {
			return fmt.Errorf("%q: %w", one.text, err)
		}
		*one.to = m.Minor
	}
	return t.Check()
}

// organisationView is an organisation as it is shown to people and machines.
type organisationView struct {
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	Active           bool              `json:"active"`
	Smart            string            `json:"smart"`
	WithoutCardWrite bool              `json:"withoutCardWrite"`
	Cancellable      bool              `json:"cancellable"`
	ReceiverRequired bool              `json:"receiverRequired"`
	Banks            []string          `json:"banks"` // empty: all
	Units            []unitView        `json:"units,omitempty"`
	Services         []deskServiceView `json:"services,omitempty"`
	Tariffs          []tariffView      `json:"tariffs,omitempty"`
}

type unitView struct {
	Code   string `json:"code"`
	Name   string `json:"name"`
	Active bool   `json:"active"`
}

type deskServiceView struct {
	Code    string `json:"code"`
	Shown   string `json:"shown"`
	Name    string `json:"name"`
	Advance bool   `json:"advance"`
	Active  bool   `json:"active"`
}

type tariffView struct {
	Service string `json:"service,omitempty"`
	From    string `json:"from"`
	Percent string `json:"percent"`
	Fixed   string `json:"fixed"`
	Min     string `json:"min"`
	Max     string `json:"max,omitempty"`
}

func viewOrganisation(o tolem.Organisation) organisationView {
	v := organisationView{
		ID: string(o.ID), Name: o.Name, Active: o.Active, Smart: string(o.Smart), WithoutCardWrite: o.PayWithoutCardWrite, Cancellable: o.Cancellable,
		ReceiverRequired: o.ReceiverRequired, Banks: []string{},
	}
	for _, b := range o.Banks {
		v.Banks = append(v.Banks, string(b))
	}
	for _, u := range o.Units {
		v.Units = append(v.Units, viewUnit(u))
	}
	return v
}

func viewUnit(u tolem.OrganisationUnit) unitView {
	return unitView{Code: string(u.Code), Name: u.Name, Active: u.Active}
}

func viewDeskService(s tolem.DeskService) deskServiceView {
	return deskServiceView{Code: string(s.Code), Shown: s.ShownCode(), Name: s.ShownName(), Advance: s.Advance, Active: s.Active}
}

func viewTariff(t tolem.Tariff) tariffView {
	in := func(minor int64) string { return tolem.Money{Minor: minor}.Decimal() }
	v := tariffView{Service: string(t.Service), From: t.From.String(), Percent: t.PercentText(), Fixed: in(t.Fixed), Min: in(t.Min)}
	if t.Max > 0 {
		v.Max = in(t.Max)
	}
	return v
}

func organisationListCommand(io streams) *cobra.Command {
	return listCommand(io, "List the organisations that cashiers know", (*store.Tx).Organisations, viewOrganisation,
		[]string{"id", "name", "SMART", "units", "banks"},
		func(v organisationView) []string {
			banks := strings.Join(v.Banks, " ")
			if banks == "" {
				banks = "all"
			}
			return []string{v.ID, v.Name, v.Smart, strconv.Itoa(len(v.Units)), banks}
		})
}

func organisationShowCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: "Show what cashiers know of an organisation", Args: exactArgs("ID"), Example: "  tolem organisation show AZERISHIQ",
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var v organisationView
			err := d.db.View(ctx, func(tx *store.Tx) (err error) {
				v, err = wholeOrganisation(tx, tolem.ProviderID(args[0]))
				return err
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, v)
			}
			v.print(io)
			return nil
		})
	}
	return c
}

// wholeOrganisation reads an organisation with its services and tariffs.
func wholeOrganisation(tx *store.Tx, id tolem.ProviderID) (v organisationView, err error) {
	o, err := organisationOf(tx, id)
	if err != nil {
		return v, err
	}
	v = viewOrganisation(o)
	services, err := tx.DeskServices()
	if err != nil {
		return v, err
	}
	for _, s := range services {
		if s.Provider == id {
			v.Services = append(v.Services, viewDeskService(s))
		}
	}
	tariffs, err := tx.Tariffs()
	if err != nil {
		return v, err
	}
	for _, t := range tariffs {
		if t.Organisation == id {
			v.Tariffs = append(v.Tariffs, viewTariff(t))
		}
	}
	return v, nil
}

func (v organisationView) print(io streams) {
	var marks []string
	for mark, set := range map[string]bool{
		"cancellable": v.Cancellable, "receiver required": v.ReceiverRequired, "SMART without card write": v.WithoutCardWrite, "inactive": !v.Active,
	} {
		if set {
			marks = append(marks, mark)
		}
	}
	slices.Sort(marks)
	fmt.Fprintf(io.out, "%s  %s\nSMART %s; %s\n", v.ID, v.Name, v.Smart, strings.Join(marks, ", "))
	state := func(active bool) string {
		if active {
			return ""
		}
		return "inactive"
	}
	if len(v.Units) > 0 {
		t := newTable(io, "unit", "name", "")
		for _, u := range v.Units {
			t.row(u.Code, u.Name, state(u.Active))
		}
		t.print()
	}
	if len(v.Services) > 0 {
		t := newTable(io, "service", "shown as", "name", "advance", "")
		for _, s := range v.Services {
			t.row(s.Code, s.Shown, s.Name, map[bool]string{true: "yes"}[s.Advance], state(s.Active))
		}
		t.print()
	}
	if len(v.Tariffs) > 0 {
		t := newTable(io, "tariff from", "service", "percent", "fixed", "min", "max")
		for _, one := range v.Tariffs {
			t.row(one.From, one.Service, one.Percent, one.Fixed, one.Min, one.Max)
		}
		t.print()
	}
}
