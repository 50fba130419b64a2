package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/gateway"
	"tolem/gateway/payments"
	"tolem/store"
)

// maxFound bounds what one search for codes shows.
const maxFound = 200

func codeCommand(io streams) *cobra.Command {
	return group("code", "Look at payment codes and mark refunds", codeShowCommand(io), codeFindCommand(io), codeRefundCommand(io))
}

// codeView is a code as it is shown to the operator. It names nobody.
type codeView struct {
	Code      string     `json:"code"`
	State     string     `json:"state"`
	Service   string     `json:"service"`
	Provider  string     `json:"provider"`
	Amount    string     `json:"amount"`
	Channel   string     `json:"channel"`
	Requester string     `json:"requester"`
	Bank      string     `json:"bank,omitempty"`
	Bound     string     `json:"boundRequestNo,omitempty"`
	Late      bool       `json:"late,omitempty"`
	IssuedAt  time.Time  `json:"issuedAt"`
	ExpiresAt time.Time  `json:"expiresAt"`
	History   []stepView `json:"history,omitempty"`
}

type stepView struct {
	At    time.Time `json:"at"`
	Event string    `json:"event"`
	From  string    `json:"from"`
	To    string    `json:"to"`
	By    string    `json:"by,omitempty"`
}

func viewCode(c tolem.Code, steps []tolem.Step) codeView {
	v := codeView{
		Code: c.Number.Printed(), State: c.State.String(), Service: string(c.Service), Provider: string(c.Provider),
		Amount: c.Amount.String(), Channel: string(c.Channel), Requester: string(c.Requester), Bank: string(c.Bank),
		Bound: string(c.Bound), Late: c.Late, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt,
	}
	for _, s := range steps {
		v.History = append(v.History, stepView{At: s.At, Event: s.Event.String(), From: s.From.String(), To: s.To.String(), By: string(s.By)})
	}
	return v
}

func (v codeView) print(io streams) {
	fmt.Fprintf(io.out, "%s  %s  %s  %s of %s, by %s through %s\n", v.Code, v.State, v.Amount, v.Service, v.Provider, v.Requester, v.Channel)
	for _, s := range v.History {
		fmt.Fprintf(io.out, "  %s  %-16s %s → %s  %s\n", s.At.Format(time.RFC3339), s.Event, s.From, s.To, s.By)
	}
}

func codeShowCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "show CODE", Short: "Show a code with its history", Args: exactArgs("CODE")}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		number, err := tolem.ParseCodeNumber(args[0])
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var v codeView
			err := d.db.View(ctx, func(tx *store.Tx) error {
				found, err := codeNumbered(tx, number)
				if err != nil {
					return err
				}
				steps, err := tx.Steps(number)
				v = viewCode(found.At(tx.Now()), steps)
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

func codeFindCommand(io streams) *cobra.Command {
	var iin string
	c := &cobra.Command{
		Use: "find", Short: "Find the codes of a recipient", Args: noArgs,
		Long: `Finds codes by the recipient's IIN or BIN. The number is encrypted in the database
and found by its index; it is read from standard input when --iin is "-", so that
it does not stand in the shell's history.`,
	}
	c.Flags().StringVar(&iin, "iin", "-", "IIN or BIN, or - to read it from standard input")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if iin == "-" {
			if _, err := fmt.Fscanln(io.in, &iin); err != nil {
				return fmt.Errorf("read IIN: %w", err)
			}
		}
		recipient, err := tolem.ParseIIN(iin)
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var codes []tolem.Code
			err := d.db.View(ctx, func(tx *store.Tx) (err error) {
				codes, err = tx.CodesByRecipient(recipient, maxFound)
				return err
			})
			if err != nil {
				return err
			}
			views := make([]codeView, len(codes))
			for i, found := range codes {
				views[i] = viewCode(found.At(time.Now()), nil)
			}
			if *asJSON {
				return printJSON(io.out, views)
			}
			for _, v := range views {
				v.print(io)
			}
			return nil
		})
	}
	return c
}

func codeRefundCommand(io streams) *cobra.Command {
	var by, reason string
	var reverse bool
	c := &cobra.Command{
		Use: "refund CODE", Short: "Mark a paid, unclosed code as refunded", Args: exactArgs("CODE"),
		Long: `Marks that the money of a paid code was returned. The code is not valid any more;
this cannot be undone. Who did it and why is kept in the archive.

With --reverse the bank is asked to give back what it took on the payment page,
until it has said yes or no. Without, the money goes back by other means: a claim.`,
		Example: `  tolem code refund 1234-5678-9012-3456 --by a.ospanova --reason "claim 2026/114"`,
	}
	c.Flags().StringVar(&by, "by", "", "who decides it")
	c.Flags().StringVar(&reason, "reason", "", "why")
	c.Flags().BoolVar(&reverse, "reverse", false, "have the bank give the money back")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := require(c, "by", "reason"); err != nil {
			return err
		}
		number, err := tolem.ParseCodeNumber(args[0])
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			evidence, err := openArchive(d)
			if err != nil {
				return err
			}
			told, err := openResults(ctx, d, evidence)
			if err != nil {
				return err
			}
			g := gateway.New(gateway.Config{Settled: told.Settled}, d.db, evidence, nil)
			in := gateway.Refund{Code: number, By: by, Reason: reason}
			var r gateway.RefundResult
			if reverse {
				// A node that serves asks the bank; here it is only written down.
				r, err = payments.New(payments.Config{}, d.db, g, evidence, nil).Refund(ctx, in)
			} else {
				r, err = g.RefundCode(ctx, in)
			}
			if err != nil {
				return err
			}
			if *asJSON {
				err = printJSON(io.out, map[string]string{"result": string(r.Result), "state": r.State.String()})
			} else {
				_, err = fmt.Fprintf(io.out, "%s: %s, %s\n", number.Printed(), r.State, r.Result.Text())
			}
			if err == nil && r.Result != tolem.OK {
				return errCheck
			}
			return err
		})
	}
	return c
}

func codeNumbered(tx *store.Tx, number tolem.CodeNumber) (tolem.Code, error) {
	c, err := tx.Code(number)
	if errors.Is(err, store.ErrNotFound) {
		return c, fmt.Errorf("no code %s", number.Printed())
	}
	return c, err
}
