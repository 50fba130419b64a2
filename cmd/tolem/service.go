package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/store"
)

// maxImportRows bounds one CSV import; a catalogue has hundreds of services.
const maxImportRows = 100_000

func serviceCommand(io streams) *cobra.Command {
	return group("service", "Register what can be paid", serviceAddCommand(io), serviceListCommand(io), serviceImportCommand(io))
}

func serviceAddCommand(io streams) *cobra.Command {
	var code, provider, amount, least, most string
	c := &cobra.Command{
		Use: "add", Short: "Register a service", Args: noArgs,
		Example: `  tolem service add --code S1 --provider PROV1 --name "Certificate" --amount 1200.00
  tolem service add --code S2 --provider PROV1 --name "Fee" --min 100.00 --max 50000.00`,
	}
	file := configFlag(c)
	f := c.Flags()
	f.StringVar(&code, "code", "", "service code in messages")
	f.StringVar(&provider, "provider", "", "provider of the service")
	f.StringVar(&amount, "amount", "", "fixed price, 1200.00; by default any amount is accepted")
	f.StringVar(&least, "min", "", "smallest amount")
	f.StringVar(&most, "max", "", "largest amount")
	names := namesFlags(c)
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "code", "provider", "name"); err != nil {
			return err
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			s, err := newService(d.config.Currency, code, provider, names(), amount, least, most)
			if err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			if err := d.db.Update(ctx, func(tx *store.Tx) error { return addService(tx, s) }); err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, viewService(s))
			}
			fmt.Fprintf(io.out, "registered service %s: %s\n", s.Code, s.Price)
			return nil
		})
	}
	return c
}

// newService checks and joins what a command line or a row of a file says.
func newService(currency tolem.Currency, code, provider string, names tolem.Names, fixed, least, most string) (tolem.Service, error) {
	if err := errors.Join(tolem.CheckIdentifier(code), tolem.CheckIdentifier(provider)); err != nil {
		return tolem.Service{}, err
	}
	price := tolem.Price{Currency: currency}
	for _, limit := range []struct {
		text string
		to   *int64
	}{{fixed, &price.Fixed}, {least, &price.Min}, {most, &price.Max}} {
		if limit.text == "" {
			continue
		}
		m, err := tolem.ParseMoney(limit.text, currency)
		if err != nil {
			return tolem.Service{}, fmt.Errorf("%q: %w", limit.text, err)
		}
		*limit.to = m.Minor
	}
	if err := price.Check(); err != nil {
		return tolem.Service{}, err
	}
	if names == (tolem.Names{}) {
		return tolem.Service{}, errors.New("a service needs a name")
	}
	return tolem.Service{
		Code: tolem.ServiceCode(code), Provider: tolem.ProviderID(provider), Names: names, Price: price, Active: true,
	}, nil
}

func addService(tx *store.Tx, s tolem.Service) error {
	if err := checkProvider(tx, s.Provider); err != nil {
		return err
	}
	if _, err := tx.Service(s.Code); err == nil {
		return fmt.Errorf("service %s exists already", s.Code)
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return tx.PutService(s)
}

func checkProvider(tx *store.Tx, id tolem.ProviderID) error {
	_, err := tx.Provider(id)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("no provider %q; add it first", id)
	}
	return err
}

func serviceListCommand(io streams) *cobra.Command {
	return listCommand(io, "List the services", (*store.Tx).Services, viewService,
		[]string{"code", "provider", "name", "price"},
		func(v serviceView) []string { return []string{v.Code, v.Provider, v.Name, v.Price} })
}

// serviceView is a service as it is shown to people and machines.
type serviceView struct {
	Code     string `json:"code"`
	Provider string `json:"provider"`
	Name     string `json:"name"`
	Price    string `json:"price"`
}

func viewService(s tolem.Service) serviceView {
	return serviceView{Code: string(s.Code), Provider: string(s.Provider), Name: s.Names.In("en"), Price: s.Price.String()}
}

// importColumns are the columns of a catalogue file; the first three must be
// there.
var importColumns = []string{"code", "provider", "name", "name_kk", "name_ru", "name_en", "amount", "min", "max"}

func serviceImportCommand(io streams) *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use: "import FILE.csv", Short: "Add or change services from a CSV file", Args: exactArgs("FILE.csv"),
		Long: `Reads a CSV file in UTF-8 whose first row names the columns: ` + strings.Join(importColumns, ", ") + `.
Services that exist are changed, others are added: all of them, or none if a row
is wrong.`,
		Example: "  tolem service import --dry-run services.csv",
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "check the file and change nothing")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			services, err := readServices(args[0], d.config.Currency)
			if err != nil {
				return err
			}
			put := d.db.Update
			if dryRun {
				put = d.db.View
			}
			err = put(ctx, func(tx *store.Tx) error {
				for _, s := range services {
					if err := checkProvider(tx, s.Provider); err != nil {
						return fmt.Errorf("service %s: %w", s.Code, err)
					}
					if dryRun {
						continue
					}
					if err := tx.PutService(s); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, map[string]any{"services": len(services), "dryRun": dryRun})
			}
			fmt.Fprintf(io.out, "%d services%s\n", len(services), map[bool]string{true: " would be added or changed", false: " added or changed"}[dryRun])
			return nil
		})
	}
	return c
}

// readServices reads a catalogue and reports every wrong row by its number.
func readServices(file string, currency tolem.Currency) ([]tolem.Service, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	for _, name := range header {
		if !slices.Contains(importColumns, name) {
			return nil, fmt.Errorf("%s: unknown column %q; known are %s", file, name, strings.Join(importColumns, ", "))
		}
	}
	var services []tolem.Service
	var wrong []error
	for row := 2; ; row++ {
		record, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return services, errors.Join(wrong...)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", file, err)
		case row > maxImportRows:
			return nil, fmt.Errorf("%s: more than %d rows", file, maxImportRows)
		}
		cell := func(name string) string {
			if i := slices.Index(header, name); i >= 0 {
				return record[i]
			}
			return ""
		}
		s, err := newService(currency, cell("code"), cell("provider"), rowNames(cell), cell("amount"), cell("min"), cell("max"))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("row %d: %w", row, err))
		}
		services = append(services, s)
	}
}

func rowNames(cell func(string) string) tolem.Names {
	or := func(name string) string {
		if s := cell(name); s != "" {
			return s
		}
		return cell("name")
	}
	return tolem.Names{KK: or("name_kk"), RU: or("name_ru"), EN: or("name_en")}
}
