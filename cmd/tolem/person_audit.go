package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tolem"
	"tolem/access"
	"tolem/store"
)

// maxAuditLines bounds what one list shows.
const maxAuditLines = 1000

// auditView is a record of the audit as it is shown to people and machines.
type auditView struct {
	Actor       string    `json:"actor"` // a person's id, or gateway:ACCOUNT
	User        string    `json:"user,omitempty"`
	Number      int64     `json:"number"`
	At          time.Time `json:"at"`
	Certificate string    `json:"certificate,omitempty"` // its serial number
	Workstation string    `json:"workstation"`
	Action      string    `json:"action"`
	Subject     string    `json:"subject,omitempty"`
	Outcome     string    `json:"outcome"`
	Mark        string    `json:"mark"` // for --after
}

func personAuditCommand(io streams) *cobra.Command {
	var bank, user, day, after string
	var verify bool
	c := &cobra.Command{
		Use: "audit", Short: "Show who did what at a bank on a day", Args: noArgs,
		Example: `  tolem person audit --bank HALYK --day 2026-11-21
  tolem person audit --bank HALYK --user l.aliyeva --json
  tolem person audit --bank HALYK --day 2026-11-21 --verify  # that no record was changed or taken away`,
	}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.Flags().StringVar(&bank, "bank", "", "whose audit")
	c.Flags().StringVar(&user, "user", "", "only what this user `name` did")
	c.Flags().StringVar(&day, "day", "", "`day`, 2026-01-31; by default today")
	c.Flags().StringVar(&after, "after", "", "go on after this `mark` of an earlier list")
	c.Flags().BoolVar(&verify, "verify", false, "check the chains of records instead of showing them")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "bank"); err != nil {
			return err
		}
		mark, err := parseMark(after)
		if err != nil {
			return err
		}
		return withPeople(c.Context(), *file, func(ctx context.Context, a *access.Access, by access.Actor, d *desk) error {
			on := tolem.NewCalendar(d.zone, nil, nil).DayOf(time.Now())
			if day != "" {
				if on, err = tolem.ParseDay(day); err != nil {
					return fmt.Errorf("%w: --day: %w", errUsage, err)
				}
			}
			if verify {
				return verifyAudit(ctx, io, a, by, tolem.ParticipantID(bank), on)
			}
			return showAudit(ctx, io, a, by, auditQuery{tolem.ParticipantID(bank), on, user, mark}, d.zone, *asJSON)
		})
	}
	return c
}

// auditQuery is what the flags of person audit ask for.
type auditQuery struct {
	bank tolem.ParticipantID
	day  tolem.Day
	user string
	mark access.Mark
}

func parseMark(s string) (access.Mark, error) {
	if s == "" {
		return access.Mark{}, nil
	}
	at := strings.LastIndexByte(s, '/')
	number, err := strconv.ParseInt(s[at+1:], 10, 64)
	if at < 0 || err != nil {
		return access.Mark{}, fmt.Errorf("%w: --after: %q is no mark", errUsage, s)
	}
	return access.Mark{Actor: s[:at], Number: number}, nil
}

func verifyAudit(ctx context.Context, io streams, a *access.Access, by access.Actor, bank tolem.ParticipantID, day tolem.Day) error {
	report, err := a.VerifyAudit(ctx, by, bank, day)
	if errors.Is(err, store.ErrAuditAltered) {
		fmt.Fprintf(io.out, "ALTERED: %v\n", err)
		return errCheck
	}
	if err == nil {
		sealed := "not sealed yet"
		if report.Sealed {
			sealed = "sealed in the archive"
		}
		fmt.Fprintf(io.out, "%s, %s: %d record(s), none altered; %s\n", bank, day, report.Records, sealed)
	}
	return err
}

func showAudit(ctx context.Context, io streams, a *access.Access, by access.Actor, q auditQuery, zone *time.Location, asJSON bool) error {
	people, err := a.People(ctx, by, q.bank, access.Search{})
	if err != nil {
		return err
	}
	users := make(map[string]string, len(people))
	var only tolem.PersonID
	for _, p := range people {
		users[string(p.ID)] = string(p.UserName)
		if strings.EqualFold(string(p.UserName), q.user) {
			only = p.ID
		}
	}
	if q.user != "" && only == "" {
		return fmt.Errorf("no person %s/%s", q.bank, q.user)
	}
	records, err := a.AuditOf(ctx, by, q.bank, q.day, only, q.mark, maxAuditLines)
	if err != nil {
		return err
	}
	views := make([]auditView, len(records))
	t := newTable(io, "time", "who", "certificate", "from", "action", "subject", "outcome")
	for i, r := range records {
		views[i] = auditView{
			Actor: r.Actor, User: users[r.Actor], Number: r.Number, At: r.At, Certificate: r.Serial, Workstation: r.Workstation,
			Action: string(r.Action), Subject: r.Subject, Outcome: r.Outcome, Mark: fmt.Sprintf("%s/%d", r.Actor, r.Number),
		}
		who := r.Actor
		if name := users[r.Actor]; name != "" {
			who = name
		}
		t.row(r.At.In(zone).Format(time.TimeOnly), who, r.Serial, r.Workstation, string(r.Action), r.Subject, r.Outcome)
	}
	if asJSON {
		return printJSON(io.out, views)
	}
	t.print()
	if len(views) == maxAuditLines {
		fmt.Fprintf(io.out, "more: --after %s\n", views[len(views)-1].Mark)
	}
	return nil
}
