package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/registry"
	"tolem/registry/form"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
)

// maxListed bounds what a list of registers or claims shows.
const maxListed = 10_000

func registerCommand(io streams) *cobra.Command {
	return group("register", "Registers of providers, banks and branches",
		registerListCommand(io), registerShowCommand(io), registerExportCommand(io), registerBuildCommand(io),
		registerCorrectCommand(io), registerReissueCommand(io), registerDiffCommand(io),
		registerVerifyCommand(io), registerReplayCommand(io))
}

// registerView is a register as it is shown to people and machines.
type registerView struct {
	Number        string      `json:"number"`
	Kind          string      `json:"kind"`
	Owner         string      `json:"owner"`
	Bank          string      `json:"bank,omitempty"`
	Day           string      `json:"day"`
	Revision      int         `json:"revision"`
	Reason        string      `json:"reason,omitempty"`
	Rows          int64       `json:"rows"`
	Discrepancies int64       `json:"discrepancies"`
	Totals        []totalView `json:"totals"`
	Hash          string      `json:"hash"`
	FormedAt      time.Time   `json:"formedAt"`
	FinalAfter    time.Time   `json:"finalAfter"`
	Standing      string      `json:"standing,omitempty"`
	Said          []ackView   `json:"said,omitempty"`
}

type totalView struct {
	Currency string `json:"currency"`
	Service  string `json:"service,omitempty"`
	Channel  string `json:"channel,omitempty"`
	Payments int64  `json:"payments"`
	Amount   string `json:"amount"`
	Refunds  int64  `json:"refunds"`
	Refunded string `json:"refunded"`
	Net      string `json:"net"`
}

type ackView struct {
	By         string   `json:"by"`
	Verdict    string   `json:"verdict"`
	At         string   `json:"at"`
	Objections []string `json:"objections,omitempty"`
}

func viewRegister(reg store.StoredRegister) registerView {
	v := registerView{
		Number: string(reg.Number), Kind: string(reg.Owner.Kind), Owner: reg.Owner.ID, Bank: string(reg.Owner.Bank), Day: reg.Day.String(),
		Revision: reg.Revision, Reason: reg.Reason, Rows: reg.Totals.Rows, Discrepancies: reg.Totals.Discrepancies, Totals: []totalView{},
		Hash: fmt.Sprintf("%x", reg.Hash), FormedAt: reg.FormedAt, FinalAfter: reg.FinalAfter,
	}
	for _, t := range reg.Totals.By {
		v.Totals = append(v.Totals, viewTotal(t.Currency, string(t.Service), string(t.Channel), t.Sum))
	}
	return v
}

func viewTotal(c tolem.Currency, service, channel string, s tolem.Sum) totalView {
	return totalView{
		Currency: string(c), Service: service, Channel: channel, Payments: s.Count, Amount: decimal(s.Minor),
		Refunds: s.Back, Refunded: decimal(s.Return), Net: decimal(s.Net()),
	}
}

func decimal(minor int64) string { return tolem.Money{Minor: minor}.Decimal() }

// netOf is what a register comes to, for a line of a list.
func netOf(t tolem.Totals) string {
	var parts []string
	for c, s := range t.ByCurrency() {
		parts = append(parts, tolem.Money{Minor: s.Net(), Currency: c}.String())
	}
	return strings.Join(parts, ", ")
}

func registerListCommand(io streams) *cobra.Command {
	var kind, owner string
	c := &cobra.Command{
		Use: "list", Short: "List registers", Args: noArgs,
		Example: "  tolem register list --from 2026-11-01 --to 2026-11-30 --kind bank --owner HALYK",
	}
	span := spanFlags(c, "first `day`, 2026-11-01", "last `day`")
	c.Flags().StringVar(&kind, "kind", "", "provider, bank or branch; with --owner")
	c.Flags().StringVar(&owner, "owner", "", "`id` of the owner; with --kind")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if (kind == "") != (owner == "") {
			return fmt.Errorf("%w: --kind and --owner go together", errUsage)
		}
		first, last, err := span()
		if err != nil {
			return err
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			filter := store.RegisterFilter{From: first, To: last}
			if owner != "" {
				one, err := o.owner(kind, owner)
				if err != nil {
					return err
				}
				filter.Owners = []tolem.Owner{one}
			}
			return o.listRegisters(ctx, io, filter, *asJSON)
		})
	}
	return c
}

func (o *office) listRegisters(ctx context.Context, io streams, filter store.RegisterFilter, asJSON bool) error {
	views := []registerView{}
	t := newTable(io, "number", "owner", "day", "rows", "net", "standing", "to reject by")
	err := o.db.View(ctx, func(tx *store.Tx) error {
		list, err := tx.Registers(filter, maxListed)
		for _, reg := range list {
			standing, err := o.registry.Standing(tx, reg)
			if err != nil {
				return err
			}
			v := viewRegister(reg)
			v.Standing = string(standing)
			views = append(views, v)
			t.row(v.Number, reg.Owner.String(), v.Day, strconv.FormatInt(v.Rows, 10), netOf(reg.Totals), v.Standing, lastDay(reg.FinalAfter, o.zone))
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case asJSON:
		return printJSON(io.out, views)
	}
	t.print()
	return nil
}

func registerShowCommand(io streams) *cobra.Command {
	var rows int
	c := &cobra.Command{
		Use: "show NUMBER", Short: "Show a register, its totals and what its owner said", Args: exactArgs("NUMBER"),
		Example: "  tolem register show B-20261121-HALYK-1 --rows 20",
	}
	c.Flags().IntVar(&rows, "rows", 0, "how many rows to show")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			reg, err := o.register(ctx, args[0])
			if err != nil {
				return err
			}
			v, err := o.viewStanding(ctx, reg)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(io.out, v)
			}
			v.print(io)
			return o.printRows(ctx, io, reg, rows)
		})
	}
	return c
}

// viewStanding is a register with what was said of it.
func (o *office) viewStanding(ctx context.Context, reg store.StoredRegister) (registerView, error) {
	v := viewRegister(reg)
	return v, o.db.View(ctx, func(tx *store.Tx) error {
		standing, err := o.registry.Standing(tx, reg)
		if err != nil {
			return err
		}
		v.Standing = string(standing)
		said, err := tx.Acknowledgements(reg.Number)
		for _, a := range said {
			v.Said = append(v.Said, viewAck(a))
		}
		return err
	})
}

// printRegister shows a register with its first rows.
func (o *office) printRegister(ctx context.Context, io streams, reg store.StoredRegister, rows int) error {
	v, err := o.viewStanding(ctx, reg)
	if err != nil {
		return err
	}
	v.print(io)
	return o.printRows(ctx, io, reg, rows)
}

func viewAck(a tolem.Acknowledgement) ackView {
	v := ackView{By: string(a.By), Verdict: string(a.Verdict), At: a.At.Format(time.RFC3339)}
	for _, o := range a.Objections {
		where := "register"
		if o.Line > 0 {
			where = "row " + strconv.Itoa(o.Line)
		}
		v.Objections = append(v.Objections, strings.TrimSpace(where+": "+string(o.Reason)+" "+o.Text))
	}
	return v
}

func (v registerView) print(io streams) {
	fmt.Fprintf(io.out, "%s  %s %s, %s, revision %d, %s\n%d rows, %d of them refused notifications\n",
		v.Number, v.Kind, v.Owner, v.Day, v.Revision, v.Standing, v.Rows, v.Discrepancies)
	if len(v.Totals) > 0 {
		t := newTable(io, "service", "channel", "payments", "amount", "refunds", "refunded", "net", "currency")
		for _, x := range v.Totals {
			t.row(x.Service, x.Channel, strconv.FormatInt(x.Payments, 10), x.Amount, strconv.FormatInt(x.Refunds, 10), x.Refunded, x.Net, x.Currency)
		}
		t.print()
	}
	for _, a := range v.Said {
		fmt.Fprintf(io.out, "%s  %s by %s\n", a.At, a.Verdict, a.By)
		for _, objection := range a.Objections {
			fmt.Fprintf(io.out, "    %s\n", objection)
		}
	}
	fmt.Fprintf(io.out, "SHA-256 %s\n", v.Hash)
}

// printRows shows the first rows of a register.
func (o *office) printRows(ctx context.Context, io streams, reg store.StoredRegister, most int) error {
	if most <= 0 || reg.Totals.Rows == 0 {
		return nil
	}
	t := newTable(io, "row", "kind", "code", "bank", "branch", "reference", "service", "channel", "amount", "paid", "state", "mark")
	for row, err := range o.registry.Rows(ctx, reg) {
		if err != nil {
			return err
		}
		if row.Line > most {
			break
		}
		state := ""
		if row.State != tolem.StateUnknown {
			state = row.State.String()
		}
		t.row(strconv.Itoa(row.Line), string(row.Kind), row.Code.Printed(), string(row.Bank), string(row.Branch), string(row.BankRef), string(row.Service),
			string(row.Channel), row.Amount.String(), row.PaidAt.In(o.zone).Format(time.DateTime), state, row.Discrepancy)
	}
	t.print()
	return nil
}

func registerExportCommand(io_ streams) *cobra.Command {
	c := &cobra.Command{
		Use: "export NUMBER", Short: "Write a register as signed XML, CSV, XLSX or PDF", Args: exactArgs("NUMBER"),
		Example: "  tolem register export P-20261121-TAX-1 --format pdf --lang kk",
	}
	r := renderingFlags(c)
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			reg, err := o.register(ctx, args[0])
			if err != nil {
				return err
			}
			progress, stop := rowsProgress(io_, "writing", r.out == "-", reg.Totals.Rows)
			defer stop()
			return r.write(o, io_, string(reg.Number), func(w io.Writer, f tolem.Form, l form.Language) error {
				return o.registry.Render(ctx, w, reg, f, l, progress)
			})
		})
	}
	return c
}

func registerBuildCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "build", Short: "Seal a day and form its registers now", Args: noArgs,
		Long: `Seals a day that is over and forms the register of every provider, bank and
branch. The gateway does so by itself every morning; what is there already is
left as it is.`,
		Example: "  tolem register build --day 2026-11-21",
	}
	day := dayFlag(c, "day", "`day` to seal; by default the first one that is open")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := day()
		if err != nil {
			return err
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			if d == 0 {
				found := false
				if d, found, err = o.registry.FirstOpen(ctx); err != nil || !found {
					return errors.Join(err, errors.New("there is no day to seal: nothing has happened yet"))
				}
			}
			progress, stop := rowsProgress(io, "sealing "+d.String(), *asJSON, 0)
			err := o.work().closeDay(ctx, d, progress)
			stop()
			if err != nil {
				return err
			}
			return o.listRegisters(ctx, io, store.RegisterFilter{From: d, To: d}, *asJSON)
		})
	}
	return c
}

func registerCorrectCommand(io streams) *cobra.Command {
	var code, branch, by, reason string
	c := &cobra.Command{
		Use: "correct", Short: "Give a payment of a sealed day to another branch", Args: noArgs,
		Long: `Gives a payment to another branch of its bank. Registers that were formed stay as
they are; those that are issued anew show the payment at its new place. Who did
it and why is kept as evidence.`,
		Example: `  tolem register correct --day 2026-11-21 --code 1234-5678-9012-3456 --branch ALM02 --by a.ospanova --reason "cashier's slip"`,
	}
	day := dayFlag(c, "day", "`day` of the register that shows the payment")
	f := c.Flags()
	f.StringVar(&code, "code", "", "payment code")
	f.StringVar(&branch, "branch", "", "`id` of the branch it belongs to; empty: to none")
	f.StringVar(&by, "by", "", "who decides it")
	f.StringVar(&reason, "reason", "", "why")
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "day", "code", "branch", "by", "reason"); err != nil {
			return err
		}
		d, err := day()
		if err != nil {
			return err
		}
		number, err := tolem.ParseCodeNumber(code)
		if err != nil {
			return fmt.Errorf("%w: --code: %w", errUsage, err)
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			if branch != "" {
				if _, err := o.owner(string(tolem.BranchRegister), branch); err != nil {
					return err
				}
			}
			done, err := o.registry.Correct(ctx, d, number, tolem.ParticipantID(branch), by, reason)
			if err != nil {
				return err
			}
			for _, c := range done {
				fmt.Fprintf(io.out, "correction %d of %s: %s of %s from %q to %q\n", c.Seq, d, c.Kind, number.Printed(), c.Was, c.Branch)
			}
			_, err = fmt.Fprintln(io.out, "Issue their registers anew: tolem register reissue")
			return err
		})
	}
	return c
}

func registerReissueCommand(io streams) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "reissue NUMBER", Short: "Issue a register anew, with all corrections", Args: exactArgs("NUMBER"),
		Long: `Forms the next revision of a register and shows what it changes. Earlier revisions
stay as they are and can be read.`,
		Example: `  tolem register reissue F-20261121-ALM01-1 --reason "payment moved to ALM02"`,
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it stands in the register")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := require(c, "reason"); err != nil {
			return err
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			old, err := o.register(ctx, args[0])
			if err != nil {
				return err
			}
			again, err := o.registry.Reissue(ctx, old.Owner, old.Day, reason, nil)
			if err != nil {
				return err
			}
			if err := o.work().sendOut(ctx, again); err != nil {
				return err
			}
			return o.printDiff(ctx, io, old, again, *asJSON)
		})
	}
	return c
}

func registerDiffCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "diff OLDER NEWER", Short: "Show what one revision of a register changed against another", Args: exactArgs("OLDER", "NEWER"),
		Example: "  tolem register diff F-20261121-ALM01-1 F-20261121-ALM01-2 --json",
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			old, err := o.register(ctx, args[0])
			if err != nil {
				return err
			}
			again, err := o.register(ctx, args[1])
			if err != nil {
				return err
			}
			return o.printDiff(ctx, io, old, again, *asJSON)
		})
	}
	return c
}

// changeView is a difference between revisions, for people and machines.
type changeView struct {
	Change string   `json:"change"`
	Code   string   `json:"code"`
	Kind   string   `json:"kind"`
	Amount string   `json:"amount"`
	Old    *rowView `json:"old,omitempty"`
	New    *rowView `json:"new,omitempty"`
}

type rowView struct {
	Line   int    `json:"line"`
	Branch string `json:"branch"`
	State  string `json:"state"`
}

func (o *office) printDiff(ctx context.Context, io streams, old, again store.StoredRegister, asJSON bool) error {
	changes := []changeView{}
	t := newTable(io, "change", "code", "kind", "amount", "old row", "new row")
	for change, err := range o.registry.Diff(ctx, old, again) {
		if err != nil {
			return err
		}
		v := changeView{Change: change.What}
		describe := func(row tolem.RegisterRow) *rowView {
			v.Code, v.Kind, v.Amount = row.Code.Printed(), string(row.Kind), row.Amount.String()
			return &rowView{Line: row.Line, Branch: string(row.Branch), State: row.State.String()}
		}
		oldRow, newRow := "", ""
		if change.What != registry.Added {
			v.Old = describe(change.Old)
			oldRow = strconv.Itoa(v.Old.Line)
		}
		if change.What != registry.Removed {
			v.New = describe(change.New)
			newRow = strconv.Itoa(v.New.Line)
		}
		changes = append(changes, v)
		t.row(v.Change, v.Code, v.Kind, v.Amount, oldRow, newRow)
	}
	if asJSON {
		return printJSON(io.out, map[string]any{"older": old.Number, "newer": again.Number, "changes": changes})
	}
	fmt.Fprintf(io.out, "%s: %d changes against %s\n", again.Number, len(changes), old.Number)
	if len(changes) > 0 {
		t.print()
	}
	return nil
}

func registerVerifyCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "verify FILE.xml", Short: "Verify a register's document as its owner would", Args: exactArgs("FILE.xml"),
		Long: `Verifies the signature of a register's document against the trust configuration,
reads every row and adds them up. Needs no database.`,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		trusted, err := trust.Open(c.Context(), trust.Config{
			Anchors: cfg.Trust.Anchors, Intermediates: cfg.Trust.Intermediates, CRLs: cfg.Trust.CRLs,
		}, nil)
		if err != nil {
			return err
		}
		document, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer document.Close()
		info, err := document.Stat()
		if err != nil {
			return err
		}
		signed, err := signing.VerifyStreamed(document, info.Size(), trusted, time.Now())
		if err != nil {
			fmt.Fprintf(io.out, "NOT GENUINE: %v\n", err)
			return errCheck
		}
		reg, err := registry.ReadRegister(document, func(tolem.RegisterRow) error { return nil })
		if err != nil {
			fmt.Fprintf(io.out, "NOT IN ORDER: %v\n", err)
			return errCheck
		}
		_, err = fmt.Fprintf(io.out, "genuine, signed by %s\n%s of %s, %s: %d rows, %s\n",
			signed.Certificate.Subject, reg.Number, reg.Owner, reg.Day, reg.Totals.Rows, netOf(reg.Totals))
		return err
	}
	return c
}

func registerReplayCommand(io_ streams) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "replay NUMBER", Short: "Rebuild a register from the evidence archive alone", Args: exactArgs("NUMBER"),
		Long: `Rebuilds a register from the signed messages, closings, refunds and seals in the
archive, reading no table of payments, and compares the document with the one
that was signed.`,
		Example: "  tolem register replay B-20261121-HALYK-1 -o rebuilt.xml",
	}
	c.Flags().StringVarP(&out, "out", "o", "", "`file` for the rebuilt document, without its signature")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		number, err := tolem.ParseRegisterNumber(args[0])
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			var result registry.Replayed
			rebuild := func(w io.Writer) (err error) {
				result, err = o.registry.Replay(ctx, w, number)
				return err
			}
			if out == "" {
				err = rebuild(io.Discard)
			} else {
				err = writeFile(out, rebuild)
			}
			if err != nil {
				return err
			}
			if *asJSON {
				err = printJSON(io_.out, map[string]any{
					"number": number, "rows": result.Rows, "same": result.OK(),
					"rebuilt": fmt.Sprintf("%x", result.Hash), "signed": fmt.Sprintf("%x", result.Signed),
				})
			} else {
				_, err = fmt.Fprintln(io_.out, result)
			}
			if err == nil && !result.OK() {
				return errCheck
			}
			return err
		})
	}
	return c
}
