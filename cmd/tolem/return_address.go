package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/store"
)

// returnAddressCommand keeps the addresses to which payers of a participant may
// be sent back.
func returnAddressCommand(io streams) *cobra.Command {
	return group("return-address", "Addresses to which payers are sent back after the payment page",
		returnAddressAddCommand(io), returnAddressListCommand(io), returnAddressRemoveCommand(io))
}

func returnAddressAddCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "add ID ADDRESS", Short: "Register an address; it covers itself and what lies below its path", Args: exactArgs("ID", "ADDRESS"),
		Example: `  tolem participant return-address add PORTAL https://portal.kz/payments`,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		u, err := tolem.ParseReturnAddress(args[1])
		if err != nil || u.RawQuery != "" || u.ForceQuery {
			return fmt.Errorf("%w: %w, and without a query", errUsage, tolem.ErrReturnAddress)
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			err := d.db.Update(ctx, func(tx *store.Tx) error {
				p, err := participantNamed(tx, args[0])
				if err != nil {
					return err
				}
				return tx.AddReturnAddress(p.ID, u.String())
			})
			if err == nil {
				fmt.Fprintf(io.out, "%s: payers may be sent to %s\n", args[0], u)
			}
			return err
		})
	}
	return c
}

func returnAddressListCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "list ID", Short: "List the addresses of a participant", Args: exactArgs("ID")}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			list := []string{}
			err := d.db.View(ctx, func(tx *store.Tx) error {
				p, err := participantNamed(tx, args[0])
				if err != nil {
					return err
				}
				found, err := tx.ReturnAddresses(p.ID)
				list = append(list, found...)
				return err
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, list)
			}
			for _, address := range list {
				fmt.Fprintln(io.out, address)
			}
			return nil
		})
	}
	return c
}

func returnAddressRemoveCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "remove ID ADDRESS", Short: "Remove an address; payments that were started keep theirs", Args: exactArgs("ID", "ADDRESS")}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			err := d.db.Update(ctx, func(tx *store.Tx) error {
				return tx.RemoveReturnAddress(tolem.ParticipantID(args[0]), args[1])
			})
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("%s has no return address %s", args[0], args[1])
			}
			if err == nil {
				fmt.Fprintf(io.out, "%s: payers are not sent to %s any more\n", args[0], args[1])
			}
			return err
		})
	}
	return c
}
