package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/access"
)

func personCommand(io streams) *cobra.Command {
	c := group("person", "Manage who signs in at the workplaces of banks",
		personAddCommand(io), personListCommand(io), personShowCommand(io), personChangeCommand(io),
		personStateCommand(io, "suspend", "End a person's sessions and let it sign in no more", (*access.Access).Suspend, "suspended"),
		personStateCommand(io, "resume", "Let a suspended person sign in again", (*access.Access).Resume, "active"),
		personStateCommand(io, "unlock", "Lift the lock of five wrong passwords; the password stays", (*access.Access).Unlock, "unlocked"),
		personPasswordCommand(io),
		group("token", "Certificates on a person's e-tokens", personTokenAddCommand(io), personTokenRevokeCommand(io)),
		personAuditCommand(io))
	c.Long = `People sign in with the certificate of an e-token, a user name and a password. The
first security administrator of each bank is made here; those add and help the
others of their bank at the workplace. BANK/USER names somebody in all commands.`
	c.Example = `  tolem person add --bank HALYK --user s.mammadov --first-name Səməd --surname Məmmədov --role bank-security-admin --cert token.pem
  tolem person list --bank HALYK
  tolem person password HALYK/s.mammadov   # a temporary one, for somebody who lost the own`
	return c
}

// withPeople opens what the commands about people need, in the name of who
// works at this terminal.
func withPeople(ctx context.Context, file string, do func(context.Context, *access.Access, access.Actor, *desk) error) error {
	return withDesk(ctx, file, func(ctx context.Context, d *desk) error {
		evidence, err := openArchive(d)
		if err != nil {
			return err
		}
		a, err := access.New(access.Config{Calendar: tolem.NewCalendar(d.zone, nil, nil), Evidence: evidence}, d.db)
		if err != nil {
			return err
		}
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		return do(ctx, a, access.Operator(systemUser(), host), d)
	})
}

// named reads BANK/USER.
func named(arg string) (tolem.ParticipantID, tolem.UserName, error) {
	bank, name, ok := strings.Cut(arg, "/")
	user, err := tolem.ParseUserName(name)
	if !ok || err != nil {
		return "", "", fmt.Errorf("%w: %q is not BANK/USER", errUsage, arg)
	}
	return tolem.ParticipantID(bank), user, nil
}

// findPerson returns whom BANK/USER names.
func findPerson(ctx context.Context, a *access.Access, by access.Actor, arg string) (access.Card, error) {
	bank, user, err := named(arg)
	if err != nil {
		return access.Card{}, err
	}
	card, err := a.CardOf(ctx, by, bank, user)
	if errors.Is(err, access.ErrNoPerson) {
		err = fmt.Errorf("no person %s", arg)
	}
	return card, err
}

// newPerson is what the flags of person add and person change say.
type newPerson struct {
	bank, user, first, surname, role, branch, asan, cert string
}

func (in *newPerson) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&in.first, "first-name", "", "first `name`")
	f.StringVar(&in.surname, "surname", "", "sur`name`")
	f.StringVar(&in.role, "role", "", "operator, bank-admin or bank-security-admin")
	f.StringVar(&in.branch, "branch", "", "`branch` in which an operator works")
	f.StringVar(&in.asan, "asan", "", "ASAN service `point` of an ASAN operator")
}

// onto lays the flags that were given over a profile.
func (in newPerson) onto(c *cobra.Command, p tolem.Profile) tolem.Profile {
	for name, set := range map[string]func(){
		"first-name": func() { p.FirstName = in.first }, "surname": func() { p.Surname = in.surname }, "role": func() { p.Role = tolem.Role(in.role) },
		"branch": func() { p.Branch = tolem.ParticipantID(in.branch) }, "asan": func() { p.AsanPoint = tolem.AsanPointID(in.asan) },
	} {
		if c.Flags().Changed(name) {
			set()
		}
	}
	return p
}

func personAddCommand(io streams) *cobra.Command {
	var in newPerson
	c := &cobra.Command{
		Use: "add", Short: "Add a person; prints a temporary password once", Args: noArgs,
		Example: `  tolem person add --bank HALYK --user s.mammadov --first-name Səməd --surname Məmmədov --role bank-security-admin --cert token.pem
  tolem person add --bank HALYK --branch ALM01 --user l.aliyeva --first-name Lalə --surname Əliyeva --role operator --asan ASAN1`,
	}
	file := configFlag(c)
	c.Flags().StringVar(&in.bank, "bank", "", "`bank` that the person works for")
	c.Flags().StringVar(&in.user, "user", "", "user `name`, unique in the bank")
	c.Flags().StringVar(&in.cert, "cert", "", "certificate of the e-token in `PEM`; may be added later")
	in.flags(c)
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "bank", "user", "first-name", "surname", "role"); err != nil {
			return err
		}
		user, err := tolem.ParseUserName(in.user)
		if err != nil {
			return fmt.Errorf("%w: --user: %w", errUsage, err)
		}
		profile := in.onto(c, tolem.Profile{UserName: user})
		if err := profile.Check(); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		var certs []tolem.Certificate
		if in.cert != "" {
			if certs, err = loadCertificates("", []string{in.cert}); err != nil {
				return err
			}
		}
		return withPeople(c.Context(), *file, func(ctx context.Context, a *access.Access, by access.Actor, _ *desk) error {
			p, temporary, err := a.AddPerson(ctx, by, tolem.ParticipantID(in.bank), profile)
			if err != nil {
				return err
			}
			card := access.Card{Person: p}
			for _, cert := range certs {
				t, err := registerToken(ctx, a, by, p, cert.DER)
				if err != nil {
					return fmt.Errorf("%s was added, but not the e-token: %w; see tolem person password and person token add", personName(p), err)
				}
				card.Tokens = append(card.Tokens, t)
			}
			return printNewPassword(io, *asJSON, card, temporary, "added")
		})
	}
	return c
}

// printNewPassword shows a temporary password: here and never again.
func printNewPassword(io streams, asJSON bool, card access.Card, temporary access.Password, done string) error {
	if asJSON {
		v := viewPerson(card, time.Now())
		v.TemporaryPassword = temporary.Reveal()
		return printJSON(io.out, v)
	}
	fmt.Fprintf(io.out, "%s: %s\ntemporary password: %s\nIt is shown once, and must be renewed on the login page within %d days.\n",
		personName(card.Person), done, temporary.Reveal(), int(tolem.TemporaryTTL.Hours()/24))
	return nil
}

func personName(p tolem.Person) string { return string(p.Bank) + "/" + string(p.UserName) }

func personListCommand(io streams) *cobra.Command {
	var bank, branch, text string
	c := &cobra.Command{Use: "list", Short: "List the people of a bank", Args: noArgs, Example: `  tolem person list --bank HALYK --search məmm`}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.Flags().StringVar(&bank, "bank", "", "whose people")
	c.Flags().StringVar(&branch, "branch", "", "only those of a `branch`")
	c.Flags().StringVar(&text, "search", "", "only those whose user name or name holds the `text`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "bank"); err != nil {
			return err
		}
		return withPeople(c.Context(), *file, func(ctx context.Context, a *access.Access, by access.Actor, _ *desk) error {
			list, err := a.People(ctx, by, tolem.ParticipantID(bank), access.Search{Text: text, Branch: tolem.ParticipantID(branch)})
			if err != nil {
				return err
			}
			views := make([]personView, len(list))
			t := newTable(io, "user", "name", "role", "branch", "asan", "state", "password set")
			for i, p := range list {
				v := viewPerson(access.Card{Person: p}, time.Now())
				views[i] = v
				t.row(v.User, v.FirstName+" "+v.Surname, v.Role, v.Branch, v.AsanPoint, v.State, v.PasswordSet.Format(time.DateOnly))
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

func personShowCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "show BANK/USER", Short: "Show a person with the e-tokens", Args: exactArgs("BANK/USER"), Example: `  tolem person show HALYK/l.aliyeva`}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withPeople(c.Context(), *file, func(ctx context.Context, a *access.Access, by access.Actor, _ *desk) error {
			card, err := findPerson(ctx, a, by, args[0])
			if err != nil {
				return err
			}
			v := viewPerson(card, time.Now())
			if *asJSON {
				return printJSON(io.out, v)
			}
			v.print(io)
			return nil
		})
	}
	return c
}

func personChangeCommand(io streams) *cobra.Command {
	var in newPerson
	c := &cobra.Command{
		Use: "change BANK/USER", Short: "Change name, role or place; what changes rights ends the sessions", Args: exactArgs("BANK/USER"),
		Example: `  tolem person change HALYK/l.aliyeva --branch ALM02 --asan ""`,
	}
	file := configFlag(c)
	c.Flags().StringVar(&in.user, "user", "", "another user `name`")
	in.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withPeople(c.Context(), *file, func(ctx context.Context, a *access.Access, by access.Actor, _ *desk) error {
			card, err := findPerson(ctx, a, by, args[0])
			if err != nil {
				return err
			}
			p := in.onto(c, card.Person.Profile)
			if c.Flags().Changed("user") {
				if p.UserName, err = tolem.ParseUserName(in.user); err != nil {
					return fmt.Errorf("%w: --user: %w", errUsage, err)
				}
			}
			after, err := a.ChangePerson(ctx, by, card.Person.Bank, card.Person.ID, p)
			if err == nil {
				fmt.Fprintf(io.out, "%s: changed\n", personName(after))
			}
			return err
		})
	}
	return c
}

// personStateCommand is one of the commands that change how a person stands.
func personStateCommand(io streams, use, short string, do func(*access.Access, context.Context, access.Actor, tolem.ParticipantID, tolem.PersonID) error, done string) *cobra.Command {
	c := &cobra.Command{Use: use + " BANK/USER", Short: short, Args: exactArgs("BANK/USER"), Example: "  tolem person " + use + " HALYK/l.aliyeva"}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withPeople(c.Context(), *file, func(ctx context.Context, a *access.Access, by access.Actor, _ *desk) error {
			card, err := findPerson(ctx, a, by, args[0])
			if err != nil {
				return err
			}
			if err := do(a, ctx, by, card.Person.Bank, card.Person.ID); err != nil {
				return err
			}
			fmt.Fprintf(io.out, "%s: %s\n", personName(card.Person), done)
			return nil
		})
	}
	return c
}

func personPasswordCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "password BANK/USER", Short: "Set a temporary password and print it once; lifts a lock", Args: exactArgs("BANK/USER"),
		Example: `  tolem person password HALYK/s.mammadov`,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return withPeople(c.Context(), *file, func(ctx context.Context, a *access.Access, by access.Actor, _ *desk) error {
			card, err := findPerson(ctx, a, by, args[0])
			if err != nil {
				return err
			}
			temporary, err := a.SetTemporaryPassword(ctx, by, card.Person.Bank, card.Person.ID)
			if err != nil {
				return err
			}
			if card, err = findPerson(ctx, a, by, args[0]); err != nil {
				return err
			}
			return printNewPassword(io, *asJSON, card, temporary, "the old password and all sessions are over")
		})
	}
	return c
}
