package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/bills"
	"tolem/store"
)

// newBills opens what cashiers collect for. Without sources no organisation's own
// system is asked.
func newBills(d *desk, calendar *tolem.Calendar, sources map[tolem.ProviderID]bills.Source) *bills.Desk {
	return bills.New(bills.Config{Currency: d.config.Currency, Calendar: calendar, Sources: sources, LookupTimeout: d.config.Workplace.LookupTimeout}, d.db)
}

func billsCommand(io streams) *cobra.Command {
	return group("bills", "Accounts of organisations and what they owe", billsImportCommand(io), billsShowCommand(io), billsBatchesCommand(io))
}

// withBills opens what cashiers collect for, runs do, and closes it.
func withBills(ctx context.Context, file string, do func(context.Context, *desk, *bills.Desk) error) error {
	return withDesk(ctx, file, func(ctx context.Context, d *desk) error {
		calendar, err := d.config.Registers.Calendar(d.zone)
		if err != nil {
			return err
		}
		return do(ctx, d, newBills(d, calendar, nil))
	})
}

// maxShownProblems bounds the problems that people are shown; --json has more.
const maxShownProblems = 20

func billsImportCommand(io streams) *cobra.Command {
	var organisation, asOf, paidUntil string
	var dryRun bool
	c := &cobra.Command{
		Use: "import FILE.csv", Short: "Take accounts and bills of an organisation from a CSV file", Args: exactArgs("FILE.csv"),
		Long: `Reads a CSV file in UTF-8 whose first line names the columns: account (required),
closed, holder, address, service, amount, currency, invoice, period, and any
number of "detail: LABEL". A line for each bill; one without service and amount
for an account that owes nothing; lines of one account stand together.

Each account is taken as it stands in the file: bills that are not there are not
owed any more. Accounts that are not in the file stay as they are. Nothing is
stored unless the whole file is in order.`,
		Example: `  tolem bills import accounts.csv --organisation AZERISHIQ --dry-run
  tolem bills import accounts.csv --organisation AZERISHIQ --as-of 2026-11-22T06:00:00+04:00`,
	}
	f := c.Flags()
	f.StringVar(&organisation, "organisation", "", "id of the organisation")
	f.StringVar(&asOf, "as-of", "", "`moment` of the organisation's books, like 2026-11-22T06:00:00+04:00; by default now")
	f.StringVar(&paidUntil, "paid-until", "", "`moment` up to which payments here are taken off already; by default the end of the last day that was closed then")
	f.BoolVar(&dryRun, "dry-run", false, "check the file, say what would come of it, and change nothing")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := require(c, "organisation"); err != nil {
			return err
		}
		in := bills.File{Organisation: tolem.ProviderID(organisation), Name: args[0], Dry: dryRun, AsOf: time.Now()}
		for _, one := range []struct {
			flag, text string
			to         *time.Time
		}{{"as-of", asOf, &in.AsOf}, {"paid-until", paidUntil, &in.PaidUntil}} {
			if one.text == "" {
				continue
			}
			t, err := time.Parse(time.RFC3339, one.text)
			if err != nil {
				return fmt.Errorf("%w: --%s: want a moment like 2026-11-22T06:00:00+04:00", errUsage, one.flag)
			}
			*one.to = t
		}
		var err error
		if in.Data, err = readLimited(args[0], bills.MaxFile); err != nil {
			return err
		}
		return withBills(c.Context(), *file, func(ctx context.Context, _ *desk, b *bills.Desk) error {
			progress, stop := progressBar(io, "importing", *asJSON)
			began := time.Now()
			done, err := b.Import(ctx, in, progress)
			stop()
			if err != nil {
				return err
			}
			return printImported(io, done, dryRun, *asJSON, time.Since(began))
		})
	}
	return c
}

func printImported(io streams, done bills.Imported, dryRun, asJSON bool, took time.Duration) error {
	switch {
	case asJSON:
		if done.Problems == nil {
			done.Problems = []bills.LineProblem{}
		}
		if err := printJSON(io.out, done); err != nil {
			return err
		}
	case done.Wrong > 0:
		t := newTable(io, "line", "problem", "")
		for _, p := range done.Problems[:min(len(done.Problems), maxShownProblems)] {
			t.row(strconv.Itoa(p.Line), string(p.Problem), p.What)
		}
		t.print()
		fmt.Fprintf(io.out, "%d problem(s) in %d line(s); nothing was taken\n", done.Wrong, done.Lines)
	default:
		verb := "taken"
		if dryRun {
			verb = "would be taken"
		}
		fmt.Fprintf(io.out, "%d lines, %d accounts, %d bills in %s: %d accounts %s, %d are as they were, %d older than what is known\n",
			done.Lines, done.Accounts, done.Bills, took.Round(time.Millisecond), done.Taken, verb, done.Same, done.Older)
	}
	if done.Wrong > 0 {
		return errCheck
	}
	return nil
}

// accountView is an account as it is shown to people and machines.
type accountView struct {
	Organisation string     `json:"organisation"`
	Account      string     `json:"account"`
	Holder       string     `json:"holder,omitempty"`
	Address      string     `json:"address,omitempty"`
	Details      []string   `json:"details,omitempty"`
	Closed       bool       `json:"closed,omitempty"`
	AsOf         time.Time  `json:"asOf"`
	PaidUntil    time.Time  `json:"paidUntil"`
	Batch        string     `json:"batch"`
	Debts        []debtView `json:"debts"`
	Payments     []paidView `json:"payments"` // that the organisation has not counted
}

type debtView struct {
	Service string `json:"service"`
	Invoice string `json:"invoice,omitempty"`
	Period  string `json:"period,omitempty"`
	Billed  string `json:"billed"`
	Open    string `json:"open"`
}

type paidView struct {
	Code     string     `json:"code"`
	Service  string     `json:"service"`
	Invoice  string     `json:"invoice,omitempty"`
	Amount   string     `json:"amount"`
	At       time.Time  `json:"at"`
	UndoneAt *time.Time `json:"undoneAt,omitempty"`
}

func billsShowCommand(io streams) *cobra.Command {
	var organisation string
	c := &cobra.Command{
		Use: "show ACCOUNT", Short: "Show what is known of an account and what is open on it", Args: exactArgs("ACCOUNT"),
		Example: "  tolem bills show A-100 --organisation AZERISHIQ",
	}
	c.Flags().StringVar(&organisation, "organisation", "", "id of the organisation")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := require(c, "organisation"); err != nil {
			return err
		}
		number, err := tolem.ParseAccountNumber(args[0])
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var v accountView
			err := d.db.View(ctx, func(tx *store.Tx) (err error) {
				v, err = viewAccount(tx, tolem.AccountID{Organisation: tolem.ProviderID(organisation), Number: number})
				return err
			})
			switch {
			case errors.Is(err, store.ErrNotFound):
				return fmt.Errorf("%s has no account %s here", organisation, number)
			case err != nil:
				return err
			case *asJSON:
				return printJSON(io.out, v)
			}
			v.print(io, d.zone)
			return nil
		})
	}
	return c
}

func viewAccount(tx *store.Tx, id tolem.AccountID) (accountView, error) {
	a, err := tx.Account(id)
	if err != nil {
		return accountView{}, err
	}
	paid, err := tx.SettlementsSince(id, a.PaidUntil)
	if err != nil {
		return accountView{}, err
	}
	v := accountView{
		Organisation: string(id.Organisation), Account: string(id.Number), Holder: a.Particulars.Holder, Address: a.Particulars.Address,
		Closed: a.Closed, AsOf: a.AsOf, PaidUntil: a.PaidUntil, Batch: a.Batch, Debts: []debtView{}, Payments: []paidView{},
	}
	for _, d := range a.Particulars.Details {
		v.Details = append(v.Details, d.Label+": "+d.Value)
	}
	for _, d := range tolem.Debts(a.Bills, a.PaidUntil, paid) {
		v.Debts = append(v.Debts, debtView{
			Service: string(d.Service), Invoice: d.Invoice, Period: d.Period, Billed: d.Amount.String(), Open: tolem.Money{Minor: d.Open}.Decimal(),
		})
	}
	for _, s := range paid {
		p := paidView{Code: s.Code.Printed(), Service: string(s.Service), Invoice: s.Invoice, Amount: s.Amount.String(), At: s.At}
		if !s.UndoneAt.IsZero() {
			p.UndoneAt = &s.UndoneAt
		}
		v.Payments = append(v.Payments, p)
	}
	return v, nil
}

func (v accountView) print(io streams, zone *time.Location) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(io.out, "%-12s %s\n", name, value)
		}
	}
	line("account", v.Organisation+" "+v.Account)
	line("holder", v.Holder)
	line("address", v.Address)
	for _, d := range v.Details {
		line("", d)
	}
	if v.Closed {
		line("state", "closed")
	}
	line("as of", v.AsOf.In(zone).Format(time.RFC3339))
	if !v.PaidUntil.IsZero() { // before the first day was closed
		line("paid until", v.PaidUntil.In(zone).Format(time.RFC3339))
	}
	line("batch", v.Batch)
	if len(v.Debts) > 0 {
		t := newTable(io, "service", "invoice", "period", "billed", "open")
		for _, d := range v.Debts {
			t.row(d.Service, d.Invoice, d.Period, d.Billed, d.Open)
		}
		t.print()
	}
	if len(v.Payments) > 0 {
		t := newTable(io, "paid", "code", "service", "invoice", "amount", "cancelled")
		for _, p := range v.Payments {
			undone := ""
			if p.UndoneAt != nil {
				undone = p.UndoneAt.In(zone).Format(time.DateTime)
			}
			t.row(p.At.In(zone).Format(time.DateTime), p.Code, p.Service, p.Invoice, p.Amount, undone)
		}
		t.print()
	}
}

// batchView is a batch as it is shown to people and machines.
type batchView struct {
	ID       string    `json:"id"`
	Source   string    `json:"source"`
	Name     string    `json:"name"`
	AsOf     time.Time `json:"asOf"`
	At       time.Time `json:"at"`
	Accounts int64     `json:"accounts"`
	Taken    int64     `json:"taken"`
	Same     int64     `json:"same"`
	Older    int64     `json:"older"`
}

// maxShownBatches bounds a list of batches.
const maxShownBatches = 1000

func billsBatchesCommand(io streams) *cobra.Command {
	var organisation string
	var limit int
	c := &cobra.Command{
		Use: "batches", Short: "List the batches that an organisation has fed, the newest first", Args: noArgs,
		Example: "  tolem bills batches --organisation AZERISHIQ",
	}
	c.Flags().StringVar(&organisation, "organisation", "", "id of the organisation")
	c.Flags().IntVar(&limit, "limit", 20, "how many")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "organisation"); err != nil {
			return err
		}
		if limit < 1 || limit > maxShownBatches {
			return fmt.Errorf("%w: --limit is from 1 to %d", errUsage, maxShownBatches)
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			views := []batchView{}
			t := newTable(io, "at", "as of", "by", "accounts", "taken", "same", "older", "name")
			err := d.db.View(ctx, func(tx *store.Tx) error {
				list, err := tx.BillBatches(tolem.ProviderID(organisation), limit)
				for _, b := range list {
					views = append(views, batchView{b.ID, b.Source, b.Name, b.AsOf, b.At, b.Accounts, b.Taken, b.Same, b.Older})
					count := func(n int64) string { return strconv.FormatInt(n, 10) }
					t.row(b.At.In(d.zone).Format(time.DateTime), b.AsOf.In(d.zone).Format(time.DateTime), b.Source,
						count(b.Accounts), count(b.Taken), count(b.Same), count(b.Older), b.Name)
				}
				return err
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, views)
			}
			t.print()
			return nil
		})
	}
	return c
}
