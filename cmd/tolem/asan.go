package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/store"
)

func asanCommand(io streams) *cobra.Command {
	return group("asan", "ASAN service points and their structural units", asanAddCommand(io), asanListCommand(io))
}

// asanView is a service point, or a unit of one, as it is shown to people and
// machines.
type asanView struct {
	Point  string `json:"point"`
	Unit   string `json:"unit,omitempty"`
	Name   string `json:"name"`
	Active bool   `json:"active"`
}

func asanAddCommand(io streams) *cobra.Command {
	var v asanView
	var closed bool
	c := &cobra.Command{
		Use: "add", Short: "Add or change a service point, or with --unit a structural unit of one", Args: noArgs,
		Long: `Operators are attached to a service point; for each payment that they take there
they choose one of its structural units.`,
		Example: `  tolem asan add --point ASAN1 --name "ASAN xidmət 1"
  tolem asan add --point ASAN1 --unit ASAN1-1 --name "Notariat"`,
	}
	f := c.Flags()
	f.StringVar(&v.Point, "point", "", "id of the service point")
	f.StringVar(&v.Unit, "unit", "", "code of the unit, unique among all")
	f.StringVar(&v.Name, "name", "", "name")
	f.BoolVar(&closed, "closed", false, "it is not in use any more")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "point", "name"); err != nil {
			return err
		}
		err := errors.Join(tolem.CheckIdentifier(v.Point), tolem.CheckShownName(v.Name))
		if v.Unit != "" {
			err = errors.Join(err, tolem.CheckIdentifier(v.Unit))
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		v.Active = !closed
		return save(c, io, *file, *asJSON, func() any { return v }, "kept: "+v.Name, func(_ *desk, tx *store.Tx) error { return putAsan(tx, v) })
	}
	return c
}

func putAsan(tx *store.Tx, v asanView) error {
	if v.Unit == "" {
		return tx.PutAsanPoint(tolem.AsanPoint{ID: tolem.AsanPointID(v.Point), Name: v.Name, Active: v.Active})
	}
	points, err := tx.AsanPoints()
	if err != nil {
		return err
	}
	for _, p := range points {
		if string(p.ID) == v.Point {
			return tx.PutAsanUnit(tolem.AsanUnit{Code: tolem.UnitCode(v.Unit), Point: p.ID, Name: v.Name, Active: v.Active})
		}
	}
	return fmt.Errorf("no service point %q; add it first", v.Point)
}

func asanListCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the service points and their structural units", Args: noArgs}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			views := []asanView{}
			err := d.db.View(ctx, func(tx *store.Tx) error {
				points, err := tx.AsanPoints()
				if err != nil {
					return err
				}
				units, err := tx.AsanUnits()
				for _, p := range points {
					views = append(views, asanView{Point: string(p.ID), Name: p.Name, Active: p.Active})
					for _, u := range units {
						if u.Point == p.ID {
							views = append(views, asanView{Point: string(p.ID), Unit: string(u.Code), Name: u.Name, Active: u.Active})
						}
					}
				}
				return err
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, views)
			}
			t := newTable(io, "point", "unit", "name", "in use")
			for _, v := range views {
				t.row(v.Point, v.Unit, v.Name, map[bool]string{true: "yes", false: "no"}[v.Active])
			}
			t.print()
			return nil
		})
	}
	return c
}
