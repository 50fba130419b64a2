package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/store"
)

const maxAccountLength = 34 // an IBAN has at most 34 characters

func providerCommand(io streams) *cobra.Command {
	return group("provider", "Register the providers of services", providerAddCommand(io), providerListCommand(io), providerContractCommand(io))
}

func providerAddCommand(io streams) *cobra.Command {
	var id, bin, account string
	c := &cobra.Command{
		Use: "add", Short: "Register a provider", Args: noArgs,
		Example: `  tolem provider add --id PROV1 --bin 990240001237 --name "Provider" --account KZ000000000000000000`,
	}
	file := configFlag(c)
	f := c.Flags()
	f.StringVar(&id, "id", "", "identifier in messages")
	f.StringVar(&bin, "bin", "", "business identification number, 12 digits")
	f.StringVar(&account, "account", "", "account that receives the money")
	names := namesFlags(c)
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "id", "bin", "name", "account"); err != nil {
			return err
		}
		if err := tolem.CheckIdentifier(id); err != nil {
			return fmt.Errorf("%w: --id: %w", errUsage, err)
		}
		number, err := tolem.ParseIIN(bin)
		if err != nil {
			return fmt.Errorf("%w: --bin: %w", errUsage, err)
		}
		if len(account) > maxAccountLength {
			return fmt.Errorf("%w: --account is longer than %d characters", errUsage, maxAccountLength)
		}
		p := tolem.Provider{ID: tolem.ProviderID(id), BIN: number, Names: names(), Account: account, Active: true}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			if err := d.db.Update(ctx, func(tx *store.Tx) error { return addProvider(tx, p) }); err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, viewProvider(p))
			}
			fmt.Fprintf(io.out, "registered provider %s\n", p.ID)
			return nil
		})
	}
	return c
}

func addProvider(tx *store.Tx, p tolem.Provider) error {
	if _, err := tx.Provider(p.ID); err == nil {
		return fmt.Errorf("provider %s exists already", p.ID)
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return tx.PutProvider(p)
}

func providerListCommand(io streams) *cobra.Command {
	return listCommand(io, "List the providers", (*store.Tx).Providers, viewProvider,
		[]string{"id", "BIN", "name", "account"},
		func(v providerView) []string { return []string{v.ID, v.BIN, v.Name, v.Account} })
}

// providerView is a provider as it is shown to people and machines.
type providerView struct {
	ID      string `json:"id"`
	BIN     string `json:"bin"`
	Name    string `json:"name"`
	Account string `json:"account"`
}

func viewProvider(p tolem.Provider) providerView {
	return providerView{ID: string(p.ID), BIN: p.BIN.Reveal(), Name: p.Names.In("en"), Account: p.Account}
}

// namesFlags adds --name and its languages. Without a language the name serves
// for all.
func namesFlags(c *cobra.Command) func() tolem.Names {
	var name, kk, ru, en string
	f := c.Flags()
	f.StringVar(&name, "name", "", "name, for languages that have none of their own")
	f.StringVar(&kk, "name-kk", "", "name in Kazakh")
	f.StringVar(&ru, "name-ru", "", "name in Russian")
	f.StringVar(&en, "name-en", "", "name in English")
	or := func(s string) string {
		if s == "" {
			return name
		}
		return s
	}
	return func() tolem.Names { return tolem.Names{KK: or(kk), RU: or(ru), EN: or(en)} }
}
