package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/store"
)

func claimCommand(io streams) *cobra.Command {
	return group("claim", "Claims to banks for the money of a day",
		claimListCommand(io), claimShowCommand(io), claimPaidCommand(io), claimWithdrawCommand(io),
		claimRefundCommand(io), claimCallCommand(io))
}

// claimView is a claim as it is shown to people and machines.
type claimView struct {
	Number   string          `json:"number"`
	Bank     string          `json:"bank"`
	Day      string          `json:"day"`
	Register string          `json:"register"`
	Payments int64           `json:"payments"`
	Amount   string          `json:"amount"`
	Paid     string          `json:"paid"`
	State    string          `json:"state"`
	DueAt    time.Time       `json:"dueAt"`
	Overdue  bool            `json:"overdue,omitempty"`
	Call     *claimCallView  `json:"call,omitempty"`
	Steps    []claimStepView `json:"steps,omitempty"`
}

// claimCallView is how far a claim has been presented to a bank that is called.
type claimCallView struct {
	Outcome string    `json:"outcome,omitempty"` // the bank's last word
	Tried   int       `json:"tried,omitempty"`   // calls in a row without an answer
	CallAt  time.Time `json:"callAt,omitzero"`
}

type claimStepView struct {
	At    time.Time `json:"at"`
	State string    `json:"state"`
	Who   string    `json:"who"`
	Paid  string    `json:"paid,omitempty"`
	Note  string    `json:"note,omitempty"`
}

func viewClaim(c store.StoredClaim, steps []tolem.ClaimStep, now time.Time) claimView {
	standing := tolem.StandingOf(steps)
	v := claimView{
		Number: string(c.Number), Bank: string(c.Bank), Day: c.Day.String(), Register: string(c.Register), Payments: c.Count, Amount: c.Amount.String(),
		Paid: decimal(standing.Paid), State: string(standing.State), DueAt: c.DueAt,
		Overdue: now.After(c.DueAt) && standing.State != tolem.ClaimPaid && standing.State != tolem.ClaimWithdrawn,
	}
	for _, s := range steps {
		step := claimStepView{At: s.At, State: string(s.State), Who: s.Who, Note: s.Note}
		if s.Paid != 0 {
			step.Paid = decimal(s.Paid)
		}
		v.Steps = append(v.Steps, step)
	}
	return v
}

func claimListCommand(io streams) *cobra.Command {
	var bank string
	c := &cobra.Command{
		Use: "list", Short: "List claims and how they stand", Args: noArgs,
		Example: "  tolem claim list --bank HALYK --from 2026-11-01",
	}
	span := spanFlags(c, "first `day`", "last `day`; by default today")
	c.Flags().StringVar(&bank, "bank", "", "`id` of the bank; by default all")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		first, last, err := span()
		if err != nil {
			return err
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			if last == 0 {
				last = tolem.NewCalendar(d.zone, nil, nil).DayOf(time.Now())
			}
			views := []claimView{}
			t := newTable(io, "number", "bank", "day", "payments", "amount", "paid", "state", "due by")
			err := d.db.View(ctx, func(tx *store.Tx) error {
				list, err := tx.Claims(tolem.ParticipantID(bank), first, last, "", maxListed)
				for _, claim := range list {
					steps, err := tx.ClaimSteps(claim.Number)
					if err != nil {
						return err
					}
					v := viewClaim(claim, steps, tx.Now())
					due := lastDay(v.DueAt, d.zone)
					if v.Overdue {
						due += " OVERDUE"
					}
					views = append(views, v)
					t.row(v.Number, v.Bank, v.Day, strconv.FormatInt(v.Payments, 10), v.Amount, v.Paid, v.State, due)
				}
				return err
			})
			switch {
			case err != nil:
				return err
			case *asJSON:
				return printJSON(io.out, views)
			}
			t.print()
			return nil
		})
	}
	return c
}

func claimShowCommand(io streams) *cobra.Command {
	var document bool
	c := &cobra.Command{Use: "show NUMBER", Short: "Show a claim with everything that happened to it", Args: exactArgs("NUMBER"), Example: "  tolem claim show C-20261121-HALYK-KZT --document > claim.xml"}
	c.Flags().BoolVar(&document, "document", false, "print the signed document and nothing else")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		number, err := claimNumber(args[0])
		if err != nil {
			return err
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var claim store.StoredClaim
			var v claimView
			err := d.db.View(ctx, func(tx *store.Tx) error {
				if claim, err = tx.Claim(number); err != nil {
					return noClaim(err, number)
				}
				steps, err := tx.ClaimSteps(number)
				call, err2 := tx.ClaimCall(number)
				v = viewClaim(claim, steps, tx.Now())
				v.Call = &claimCallView{Outcome: call.Outcome, Tried: call.Tried, CallAt: call.CallAt}
				return errors.Join(err, err2)
			})
			switch {
			case err != nil:
				return err
			case document:
				_, err = io.out.Write(claim.Document)
				return err
			case *asJSON:
				return printJSON(io.out, v)
			}
			fmt.Fprintf(io.out, "%s  %s, %d payments of %s by %s, %s paid, due by %s\n",
				v.Number, v.State, v.Payments, v.Amount, v.Register, v.Paid, lastDay(v.DueAt, d.zone))
			for _, s := range v.Steps {
				fmt.Fprintf(io.out, "  %s  %-12s %s  %s  %s\n", s.At.In(d.zone).Format(time.DateTime), s.State, s.Who, s.Paid, s.Note)
			}
			return nil
		})
	}
	return c
}

// lastDay is the last day before a moment: what is due then is due by that day.
func lastDay(t time.Time, zone *time.Location) string {
	return t.Add(-time.Second).In(zone).Format(time.DateOnly)
}

func claimNumber(text string) (tolem.ClaimNumber, error) {
	n, err := tolem.ParseClaimNumber(text)
	if err != nil {
		return n, fmt.Errorf("%w: %w", errUsage, err)
	}
	return n, nil
}

func noClaim(err error, n tolem.ClaimNumber) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("no claim %s", n)
	}
	return err
}

func claimPaidCommand(io streams) *cobra.Command {
	var amount, reference, by string
	c := &cobra.Command{
		Use: "paid NUMBER", Short: "Note that money for a claim has come", Args: exactArgs("NUMBER"),
		Long: `Notes that money for a claim has come to the operator's account, all of it or a
part. The claim is paid when all of it has.`,
		Example: `  tolem claim paid C-20261121-HALYK-KZT --amount 1200.00 --reference "MT103 4711" --by a.ospanova`,
	}
	f := c.Flags()
	f.StringVar(&amount, "amount", "", "amount that came")
	f.StringVar(&reference, "reference", "", "reference of the transfer")
	f.StringVar(&by, "by", "", "who notes it")
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := require(c, "amount", "reference", "by"); err != nil {
			return err
		}
		number, err := claimNumber(args[0])
		if err != nil {
			return err
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			var claim store.StoredClaim
			err := o.db.View(ctx, func(tx *store.Tx) error {
				claim, err = tx.Claim(number)
				return noClaim(err, number)
			})
			if err != nil {
				return err
			}
			money, err := tolem.ParseMoney(amount, claim.Amount.Currency)
			if err != nil {
				return fmt.Errorf("%w: --amount: %w", errUsage, err)
			}
			standing, err := o.registry.Paid(ctx, number, money, reference, by)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(io.out, "%s: %s, %s of %s paid\n", number, standing.State, decimal(standing.Paid), claim.Amount)
			return err
		})
	}
	return c
}

func claimWithdrawCommand(io streams) *cobra.Command {
	var reason, by string
	c := &cobra.Command{
		Use: "withdraw NUMBER", Short: "Take a claim back", Args: exactArgs("NUMBER"),
		Example: `  tolem claim withdraw C-20261121-HALYK-KZT --reason "settled otherwise" --by a.ospanova`,
	}
	c.Flags().StringVar(&reason, "reason", "", "why")
	c.Flags().StringVar(&by, "by", "", "who decides it")
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := require(c, "reason", "by"); err != nil {
			return err
		}
		number, err := claimNumber(args[0])
		if err != nil {
			return err
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			standing, err := o.registry.Withdraw(ctx, number, reason, by)
			if err != nil {
				return noClaim(err, number)
			}
			_, err = fmt.Fprintf(io.out, "%s: %s\n", number, standing.State)
			return err
		})
	}
	return c
}

func claimRefundCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "refund CODE", Short: "Claim the money of a refunded payment from its bank", Args: exactArgs("CODE"),
		Long: `Claims from the bank the money of a payment that was refunded and that the bank has
not given back: the day of the refund has it subtracted, so no other claim asks for
it. When a bank refuses to reverse a payment (code refund --reverse), the gateway
makes this claim by itself.`,
		Example: `  tolem claim refund 1234-5678-9012-3456`,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		number, err := tolem.ParseCodeNumber(args[0])
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			kept, err := o.registry.KeptByBank(ctx, number)
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("no code %s", number.Printed())
			}
			if err != nil {
				return err
			}
			claim, err := o.work().claimRefund(ctx, kept)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(io.out, "%s: %s, due by %s\n", claim.Number, claim.Amount, lastDay(claim.DueAt, o.zone))
			return err
		})
	}
	return c
}

func claimCallCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "call NUMBER", Short: "Have the bank called with a claim once more", Args: exactArgs("NUMBER"),
		Long: `Has a bank that the gateway calls (checkout.banks) asked once more about a claim that
it has refused, or of which it has said that it is paid. A node that serves does it.`,
		Example: `  tolem claim call C-20261121-HALYK-KZT`,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		number, err := claimNumber(args[0])
		if err != nil {
			return err
		}
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) error {
			if err := o.registry.CallAgain(ctx, number); err != nil {
				return noClaim(err, number)
			}
			_, err := fmt.Fprintf(io.out, "%s: the bank is called\n", number)
			return err
		})
	}
	return c
}
