package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tolem"
	"tolem/store"
)

// participantView is a participant as it is shown to people and machines.
type participantView struct {
	ID            string            `json:"id"`
	Kind          string            `json:"kind"`
	Name          string            `json:"name"`
	State         string            `json:"state"`
	Groups        []string          `json:"groups"`
	Operations    []string          `json:"operations"`
	ActsFor       []string          `json:"actsFor,omitempty"`
	BranchOf      string            `json:"branchOf,omitempty"`
	Contract      string            `json:"contract,omitempty"`
	ContractFrom  time.Time         `json:"contractFrom"`
	ContractUntil *time.Time        `json:"contractUntil,omitempty"`
	BodyOnly      bool              `json:"bodyOnly,omitempty"`
	AnswerKey     string            `json:"answerKey,omitempty"`
	Certificates  []certificateView `json:"certificates"`
}

type certificateView struct {
	Fingerprint string    `json:"fingerprint"`
	Subject     string    `json:"subject"`
	NotAfter    time.Time `json:"notAfter"`
	Withdrawn   bool      `json:"withdrawn,omitempty"`
}

func viewParticipant(p tolem.Participant, certs []tolem.Certificate) participantView {
	v := participantView{
		ID: string(p.ID), Kind: string(p.Kind), Name: p.Name, State: "active", Contract: p.ContractNo,
		ContractFrom: p.ContractFrom.UTC(), BodyOnly: p.BodyOnly, AnswerKey: string(p.AnswerKey),
	}
	if !p.ContractUntil.IsZero() {
		until := p.ContractUntil.UTC()
		v.ContractUntil = &until
	}
	switch {
	case p.Suspended:
		v.State = "suspended"
	case !p.MayCallAt(time.Now()):
		v.State = "no contract in force"
	}
	for _, g := range p.Groups {
		v.Groups = append(v.Groups, string(g))
	}
	for _, op := range tolem.Operations {
		if p.May(op) {
			v.Operations = append(v.Operations, string(op))
		}
	}
	for _, bank := range p.ActsFor {
		if p.Kind == tolem.KindBranch {
			v.BranchOf = string(bank)
			continue
		}
		v.ActsFor = append(v.ActsFor, string(bank))
	}
	for _, c := range certs {
		cv := certificateView{Fingerprint: c.Fingerprint.String(), NotAfter: c.NotAfter.UTC(), Withdrawn: c.Withdrawn}
		if parsed, err := x509.ParseCertificate(c.DER); err == nil {
			cv.Subject = parsed.Subject.String()
		}
		v.Certificates = append(v.Certificates, cv)
	}
	return v
}

func (v participantView) print(io streams) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(io.out, "%-14s %s\n", name, value)
		}
	}
	line("id", v.ID)
	line("kind", v.Kind)
	line("name", v.Name)
	line("state", v.State)
	line("groups", strings.Join(v.Groups, " "))
	line("may call", strings.Join(v.Operations, " "))
	line("branch of", v.BranchOf)
	line("acts for", strings.Join(v.ActsFor, " "))
	line("contract", v.Contract)
	line("from", v.ContractFrom.Format(time.RFC3339))
	if v.ContractUntil != nil {
		line("until", v.ContractUntil.Format(time.RFC3339))
	}
	line("answered with", v.AnswerKey)
	for _, c := range v.Certificates {
		state := "until " + c.NotAfter.Format(time.DateOnly)
		if c.Withdrawn {
			state = "withdrawn"
		}
		line("certificate", c.Fingerprint+"  "+state+"  "+c.Subject)
	}
}

// listCommand lists everything of a kind, as a table or as JSON.
func listCommand[T, V any](io streams, short string, read func(*store.Tx) ([]T, error), view func(T) V, columns []string, cells func(V) []string) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: short, Args: noArgs}
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			var all []T
			err := d.db.View(ctx, func(tx *store.Tx) (err error) {
				all, err = read(tx)
				return err
			})
			if err != nil {
				return err
			}
			views := make([]V, len(all))
			t := newTable(io, columns...)
			for i, one := range all {
				views[i] = view(one)
				t.row(cells(views[i])...)
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

// textTable is a table for people: plain where no person looks.
type textTable struct {
	t  table.Writer
	io streams
}

func newTable(io streams, columns ...string) *textTable {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatDefault
	header := make(table.Row, len(columns))
	for i, c := range columns {
		header[i] = c
	}
	t.AppendHeader(header)
	return &textTable{t: t, io: io}
}

func (t *textTable) row(cells ...string) {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = c
	}
	t.t.AppendRow(row)
}

func (t *textTable) print() { fmt.Fprintln(t.io.out, t.t.Render()) }
