package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/access"
	"tolem/smartcard"
	carddesk "tolem/smartcard/desk"
	"tolem/store"
)

func workstationCommand(io streams) *cobra.Command {
	c := group("workstation", "Computers of banks' desks that write SMART cards",
		workstationAddCommand(io), workstationListCommand(io), workstationCodeCommand(io), workstationWithdrawCommand(io))
	c.Long = `A card bridge runs on the computer of a desk. It is made known here and paired with
the code that is printed; see docs/card-bridge.md. The key of workplace.ticket_key
signs what it carries out.`
	return c
}

// workstationView is a workstation as it is shown to people and machines.
type workstationView struct {
	ID          string     `json:"id"`
	Bank        string     `json:"bank"`
	Branch      string     `json:"branch"`
	Name        string     `json:"name"`
	State       string     `json:"state"`
	Simulated   bool       `json:"simulated,omitempty"`
	PairedAt    *time.Time `json:"pairedAt,omitempty"`
	PairBy      *time.Time `json:"pairBy,omitempty"`
	PairingCode string     `json:"pairingCode,omitempty"`
}

func viewWorkstation(w tolem.Workstation, now time.Time) workstationView {
	v := workstationView{ID: string(w.ID), Bank: string(w.Bank), Branch: string(w.Branch), Name: w.Name, Simulated: w.Simulated}
	if !w.PairedAt.IsZero() {
		v.PairedAt = &w.PairedAt
	}
	if now.Before(w.PairBy) {
		v.PairBy = &w.PairBy
	}
	switch {
	case !w.WithdrawnAt.IsZero():
		v.State = "withdrawn"
	case w.Usable() && v.PairBy != nil:
		v.State = "paired, waits for a new pairing"
	case w.Usable():
		v.State = "paired"
	case v.PairBy != nil:
		v.State = "waits to be paired"
	default:
		v.State = "not paired"
	}
	return v
}

// withCards opens the gateway's side of SMART cards.
func withCards(ctx context.Context, file string, do func(context.Context, *desk, *carddesk.Desk) error) error {
	return withDesk(ctx, file, func(ctx context.Context, d *desk) error {
		evidence, err := openArchive(d)
		if err != nil {
			return err
		}
		cards, err := newCardDesk(d.config.Workplace, evidence)
		if err != nil {
			return err
		}
		if cards == nil {
			return errors.New("workplace.ticket_key is not set: no SMART card is written here")
		}
		return do(ctx, d, cards)
	})
}

// changeWorkstation runs a change and shows what became of the workstation, and
// the pairing code if there is one.
func changeWorkstation(c *cobra.Command, io streams, file string, asJSON bool,
	do func(*carddesk.Desk, *store.Tx, string) (tolem.Workstation, smartcard.PairingCode, error),
) error {
	return withCards(c.Context(), file, func(ctx context.Context, d *desk, cards *carddesk.Desk) error {
		var w tolem.Workstation
		var code smartcard.PairingCode
		by := access.Operator(systemUser(), "").String()
		err := d.db.Update(ctx, func(tx *store.Tx) (err error) {
			w, code, err = do(cards, tx, by)
			return err
		})
		if errors.Is(err, carddesk.ErrWorkstation) {
			return errors.New("the bank has no such workstation in use")
		}
		if err != nil {
			return err
		}
		v := viewWorkstation(w, time.Now())
		if code.Workstation != "" {
			v.PairingCode = code.Reveal()
		}
		if asJSON {
			return printJSON(io.out, v)
		}
		fmt.Fprintf(io.out, "%s of %s (%s): %s\n", v.ID, v.Bank, v.Name, v.State)
		if v.PairingCode != "" {
			fmt.Fprintf(io.out, "pairing code, good until %s: %s\n", v.PairBy.Format(time.RFC3339), v.PairingCode)
		}
		return nil
	})
}

// branchOf returns the branch, if it is one of the bank.
func branchOf(tx *store.Tx, bank, branch tolem.ParticipantID) error {
	p, err := tx.Participant(branch)
	if errors.Is(err, store.ErrNotFound) || err == nil && (p.Kind != tolem.KindBranch || !slices.Contains(p.ActsFor, bank)) {
		return fmt.Errorf("%s has no branch %q", bank, branch)
	}
	return err
}

func workstationAddCommand(io streams) *cobra.Command {
	var bank, branch, name string
	c := &cobra.Command{
		Use: "add", Short: "Make a computer known; prints the code for its card bridge once", Args: noArgs,
		Example: `  tolem workstation add --bank KAPITAL --branch GNC01 --name "Kassa 3"`,
	}
	f := c.Flags()
	f.StringVar(&bank, "bank", "", "`bank` whose desk it is")
	f.StringVar(&branch, "branch", "", "`branch` it stands in")
	f.StringVar(&name, "name", "", "`name` by which the bank knows it")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "bank", "branch", "name"); err != nil {
			return err
		}
		return changeWorkstation(c, io, *file, *asJSON, func(cards *carddesk.Desk, tx *store.Tx, by string) (tolem.Workstation, smartcard.PairingCode, error) {
			if err := branchOf(tx, tolem.ParticipantID(bank), tolem.ParticipantID(branch)); err != nil {
				return tolem.Workstation{}, smartcard.PairingCode{}, err
			}
			return cards.Register(tx, tolem.ParticipantID(bank), tolem.ParticipantID(branch), name, by)
		})
	}
	return c
}

func workstationCodeCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "pair-code BANK WORKSTATION", Short: "Print another code to pair a card bridge with; the old bridge works until then", Args: exactArgs("BANK", "WORKSTATION"),
		Example: `  tolem workstation pair-code KAPITAL WSUZJGDJAJG7`,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return changeWorkstation(c, io, *file, *asJSON, func(cards *carddesk.Desk, tx *store.Tx, _ string) (tolem.Workstation, smartcard.PairingCode, error) {
			return cards.NewCode(tx, tolem.ParticipantID(args[0]), tolem.WorkstationID(args[1]))
		})
	}
	return c
}

func workstationWithdrawCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "withdraw BANK WORKSTATION", Short: "Take a workstation out of use, for ever", Args: exactArgs("BANK", "WORKSTATION"),
		Example: `  tolem workstation withdraw KAPITAL WSUZJGDJAJG7`,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return changeWorkstation(c, io, *file, *asJSON, func(cards *carddesk.Desk, tx *store.Tx, by string) (tolem.Workstation, smartcard.PairingCode, error) {
			w, err := cards.Withdraw(tx, tolem.ParticipantID(args[0]), tolem.WorkstationID(args[1]), by)
			return w, smartcard.PairingCode{}, err
		})
	}
	return c
}

// workstationPage is how many workstations are read at once.
const workstationPage = 500

func workstationListCommand(io streams) *cobra.Command {
	var bank string
	c := &cobra.Command{Use: "list", Short: "List the workstations of a bank", Args: noArgs, Example: `  tolem workstation list --bank KAPITAL`}
	c.Flags().StringVar(&bank, "bank", "", "`bank` whose workstations are listed")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "bank"); err != nil {
			return err
		}
		return withCards(c.Context(), *file, func(ctx context.Context, d *desk, cards *carddesk.Desk) error {
			views := []workstationView{}
			for after := tolem.WorkstationID(""); ; {
				var page []tolem.Workstation
				err := d.db.View(ctx, func(tx *store.Tx) (err error) {
					page, err = cards.Workstations(tx, tolem.ParticipantID(bank), after, workstationPage)
					return err
				})
				if err != nil {
					return err
				}
				for _, w := range page {
					views = append(views, viewWorkstation(w, time.Now()))
				}
				if len(page) < workstationPage {
					break
				}
				after = page[len(page)-1].ID
			}
			if *asJSON {
				return printJSON(io.out, views)
			}
			t := newTable(io, "workstation", "branch", "name", "state")
			for _, v := range views {
				t.row(v.ID, v.Branch, v.Name, v.State)
			}
			t.print()
			return nil
		})
	}
	return c
}
