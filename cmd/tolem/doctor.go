package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tolem"
)

// doctorDays is how many days the doctor looks at unless it is told others.
const doctorDays = 31

func doctorCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "doctor", Short: "Check that every sealed day adds up", Args: noArgs,
		Long: `Checks the sealed days: their facts are those that were sealed; every payment,
refund and refused notification is a fact of exactly one day; issued = paid +
expired + cancelled + open; payments = registers = claims; every register still
is what was signed; the archive holds the same seals, registers, claims and
acknowledgements. Whatever does not add up is named to the row.`,
		Example: "  tolem doctor --from 2026-11-01 --to 2026-11-30",
	}
	span := spanFlags(c, "first `day`; by default "+strconv.Itoa(doctorDays)+" days back", "last `day`; by default today")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		first, last, err := span()
		if err != nil {
			return err
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			if last == 0 {
				last = o.registry.Calendar.DayOf(time.Now()) + 1
			}
			if first == 0 {
				first = last - tolem.Day(doctorDays)
			}
			if first > last {
				return fmt.Errorf("%w: --from %s lies behind --to %s", errUsage, first, last)
			}
			progress, stop := rowsProgress(io, "checking", *asJSON, 0)
			checkup, err := o.registry.Check(ctx, first, last, progress)
			stop()
			if err != nil {
				return err
			}
			if *asJSON {
				err = printJSON(io.out, checkup)
			} else {
				t := newTable(io, "day", "issued", "paid", "expired", "cancelled", "open")
				for _, b := range checkup.Balances {
					n := func(v int64) string { return strconv.FormatInt(v, 10) }
					t.row(b.Day, n(b.Issued), n(b.Paid), n(b.Expired), n(b.Cancelled), n(b.Open))
				}
				t.print()
				for _, f := range checkup.Findings {
					fmt.Fprintf(io.out, "%s  %-9s  %s: %s\n", f.Day, f.Check, f.Record, f.Detail)
				}
				fmt.Fprintf(io.out, "%d facts of %d sealed days checked, %d findings\n", checkup.Facts, len(checkup.Balances), checkup.Count)
			}
			if err == nil && !checkup.OK() {
				return errCheck
			}
			return err
		})
	}
	return c
}
