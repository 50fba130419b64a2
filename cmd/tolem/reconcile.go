package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/registry"
	"tolem/registry/form"
	"tolem/registry/match"
	"tolem/store"
)

func reconcileCommand(io streams) *cobra.Command {
	return group("reconcile", "Compare participants' own lists with their registers",
		reconcileSubmitCommand(io), reconcileShowCommand(io), reconcileExportCommand(io))
}

func reconcileSubmitCommand(io streams) *cobra.Command {
	var kind, owner, by string
	c := &cobra.Command{
		Use: "submit FILE.csv", Short: "Compare a list that an owner brought with its register", Args: exactArgs("FILE.csv"),
		Long: `Takes a list in CSV that a provider, bank or branch brought, compares it with its
register of the day and shows what differs. List and signed report are kept.`,
		Example: "  tolem reconcile submit list.csv --kind bank --owner HALYK --day 2026-11-21 --by a.ospanova",
	}
	day := dayFlag(c, "day", "`day` of the register")
	f := c.Flags()
	f.StringVar(&kind, "kind", "", "provider, bank or branch")
	f.StringVar(&owner, "owner", "", "`id` of the owner")
	f.StringVar(&by, "by", "", "who brought the list")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := require(c, "kind", "owner", "day", "by"); err != nil {
			return err
		}
		d, err := day()
		if err != nil {
			return err
		}
		list, err := readLimited(args[0], match.MaxFile)
		if err != nil {
			return err
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			one, err := o.owner(kind, owner)
			if err != nil {
				return err
			}
			s, err := o.registry.SubmitFile(ctx, one, d, list, by)
			if err != nil {
				return err
			}
			rec, err := o.registry.Reconcile(ctx, s.Number)
			if err != nil {
				return err
			}
			return o.printReconciliation(io, s, rec, *asJSON)
		})
	}
	return c
}

// readLimited reads a file that may not be larger than a limit.
func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: larger than %d bytes", name, limit)
	}
	return data, err
}

// anomalyView is an anomaly as it is shown to people and machines.
type anomalyView struct {
	No         int    `json:"no"`
	Anomaly    string `json:"anomaly"`
	Severity   string `json:"severity"`
	OurRow     int    `json:"registerRow,omitempty"`
	TheirRow   int    `json:"listRow,omitempty"`
	Code       string `json:"code,omitempty"`
	BankRef    string `json:"bankRef,omitempty"`
	Ours       string `json:"ours,omitempty"`
	Theirs     string `json:"theirs,omitempty"`
	Difference string `json:"difference,omitempty"`
}

func (o *office) printReconciliation(io streams, s store.Submission, rec store.Reconciliation, asJSON bool) error {
	anomalies, err := registry.Anomalies(rec)
	if err != nil {
		return err
	}
	views := []anomalyView{}
	t := newTable(io, "no", "anomaly", "register", "list", "code", "reference", "ours", "theirs", "difference")
	row := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	for _, a := range anomalies {
		v := anomalyView{
			No: a.No, Anomaly: string(a.Code), Severity: string(a.Code.Severity()), OurRow: a.OurLine, TheirRow: a.TheirLine,
			BankRef: string(a.BankRef), Ours: a.Ours, Theirs: a.Theirs,
		}
		if a.PaymentCode != 0 {
			v.Code = a.PaymentCode.Printed()
		}
		if !a.Difference.IsZero() {
			v.Difference = a.Difference.String()
		}
		views = append(views, v)
		t.row(strconv.Itoa(v.No), v.Anomaly, row(v.OurRow), row(v.TheirRow), v.Code, v.BankRef, v.Ours, v.Theirs, v.Difference)
	}
	if asJSON {
		err = printJSON(io.out, map[string]any{
			"number": rec.Number, "register": s.Register, "madeAt": rec.MadeAt, "matched": rec.Matched, "agreed": rec.Agreed,
			"refusal": rec.Refusal, "anomalies": views,
		})
	} else {
		fmt.Fprintf(io.out, "%s against %s, %s: %d pairs, %d without a difference, %d anomalies\n",
			rec.Number, s.Register, rec.MadeAt.In(o.zone).Format(time.DateTime), rec.Matched, rec.Agreed, rec.Anomalies)
		if rec.Refusal != "" {
			fmt.Fprintf(io.out, "the list could not be read: %s\n", rec.Refusal)
		}
		if len(views) > 0 {
			t.print()
		}
	}
	if err == nil && (rec.Anomalies > 0 || rec.Refusal != "") {
		return errCheck
	}
	return err
}

// reconciliation finds a report by what was typed.
func (o *office) reconciliation(ctx context.Context, text string) (s store.Submission, rec store.Reconciliation, err error) {
	number, err := tolem.ParseReconciliationNumber(text)
	if err != nil {
		return s, rec, fmt.Errorf("%w: %w", errUsage, err)
	}
	err = o.db.View(ctx, func(tx *store.Tx) error {
		s, err = tx.Submission(number)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return s, rec, fmt.Errorf("no list %s was submitted", number)
	}
	if err != nil {
		return s, rec, err
	}
	rec, err = o.registry.Reconciliation(ctx, number)
	return s, rec, err
}

func reconcileShowCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "show NUMBER", Short: "Show what a comparison came to", Args: exactArgs("NUMBER"), Example: "  tolem reconcile show RB-20261121-HALYK-1"}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			s, rec, err := o.reconciliation(ctx, args[0])
			if err != nil {
				return err
			}
			return o.printReconciliation(io, s, rec, *asJSON)
		})
	}
	return c
}

func reconcileExportCommand(io_ streams) *cobra.Command {
	c := &cobra.Command{
		Use: "export NUMBER", Short: "Write a report as signed XML, CSV, XLSX or PDF", Args: exactArgs("NUMBER"),
		Example: "  tolem reconcile export RB-20261121-HALYK-1 --format xlsx",
	}
	r := renderingFlags(c)
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			s, rec, err := o.reconciliation(ctx, args[0])
			if err != nil {
				return err
			}
			return r.write(o, io_, string(rec.Number), func(w io.Writer, f tolem.Form, l form.Language) error {
				return o.registry.RenderReport(w, s, rec, f, l)
			})
		})
	}
	return c
}
