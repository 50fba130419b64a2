package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

// demoTimeout bounds the whole demonstration.
const demoTimeout = 2 * time.Minute

// demoReport is what the demonstration came to, as --json prints it.
type demoReport struct {
	OK      bool          `json:"ok"`
	Steps   []stepReport  `json:"steps"`
	Archive archiveReport `json:"archive"`
	MS      int64         `json:"ms"`
	Dir     string        `json:"dir,omitempty"`
}

// stepReport is one step: what must come out and what came out.
type stepReport struct {
	Name     string  `json:"name"`
	Who      string  `json:"who"`
	What     string  `json:"what"`
	Expected string  `json:"expected"`
	Outcome  string  `json:"outcome"`
	Detail   string  `json:"detail,omitempty"`
	OK       bool    `json:"ok"`
	MS       float64 `json:"ms"`
}

func demoCommand(io streams) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "demo", Short: "Play payments from code to closing, over the wire", Args: noArgs,
		Long: `Sets up a throw-away gateway with its own certification authority, three banks, a
processing centre and a portal; starts it on loopback with mutual TLS; and drives
it with signed SOAP: a payer pays on the payment page by card and from an account;
then internet banking, ATM and infokiosk payments, the portal, a service centre,
and every refusal a bank would ask about. Then the day
is sealed: its registers are fetched by their owners, rebuilt from the evidence
alone, and compared with a bank's list that has a defect of each kind. In the end
the archive is verified. Needs no network and no other service.`,
		Example: "  tolem demo\n  tolem demo --json\n  tolem demo --dir /tmp/tolem-demo",
	}
	c.Flags().StringVar(&dir, "dir", "", "folder to work in and keep; by default a temporary one, removed at the end")
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(c.Context(), demoTimeout)
		defer cancel()
		kept := dir != ""
		if !kept {
			var err error
			if dir, err = os.MkdirTemp("", "tolem-demo-"); err != nil {
				return err
			}
			defer os.RemoveAll(dir)
		}
		show := demoPrinter{io: io, color: io.isTerminal()}
		if *asJSON {
			show.silent = true
		}
		report, err := playDemo(ctx, dir, show)
		if err != nil {
			return err
		}
		if kept {
			report.Dir = dir
		}
		if *asJSON {
			if err := printJSON(io.out, report); err != nil {
				return err
			}
		} else {
			show.summary(report)
		}
		if !report.OK {
			return errCheck
		}
		return nil
	}
	return c
}

// playDemo sets the stage, plays every step and verifies the archive.
func playDemo(ctx context.Context, dir string, show demoPrinter) (demoReport, error) {
	began := time.Now()
	show.line("setting up", "certification authority, keys, participants")
	w, err := newDemoWorld(ctx, dir)
	if err != nil {
		return demoReport{}, err
	}
	show.line("gateway", w.node.address()+", mutual TLS, SQLite in "+dir)
	report := demoReport{OK: true}
	for _, s := range slices.Concat(demoPageScript, demoScript, demoDayScript) {
		step := w.play(ctx, s)
		report.OK = report.OK && step.OK
		report.Steps = append(report.Steps, step)
		show.step(step)
	}
	if !show.silent {
		if err := w.printDay(ctx, show.io); err != nil {
			return demoReport{}, errors.Join(err, w.close())
		}
	}
	report.Archive, err = w.verifyArchive(ctx)
	if err = errors.Join(err, w.close()); err != nil {
		return demoReport{}, err
	}
	report.OK = report.OK && report.Archive.OK
	report.MS = time.Since(began).Milliseconds()
	return report, nil
}

// demoPrinter shows the demonstration to a person: in colour on a terminal,
// plain elsewhere, not at all for machines.
type demoPrinter struct {
	io            streams
	color, silent bool
}

func (p demoPrinter) paint(c text.Color, s string) string {
	if !p.color {
		return s
	}
	return c.Sprint(s)
}

func (p demoPrinter) line(what, detail string) {
	if !p.silent {
		fmt.Fprintf(p.io.out, "%s  %s\n", p.paint(text.Faint, fmt.Sprintf("%-12s", what)), detail)
	}
}

func (p demoPrinter) step(s stepReport) {
	if p.silent {
		return
	}
	mark, outcome := p.paint(text.FgGreen, "✓"), p.paint(text.FgGreen, s.Outcome)
	if s.Expected != "OK" {
		outcome = p.paint(text.FgYellow, s.Outcome)
	}
	if !s.OK {
		mark, outcome = p.paint(text.FgRed, "✗"), p.paint(text.FgRed, s.Outcome+" (expected "+s.Expected+")")
	}
	detail := s.Detail
	if detail != "" {
		detail = ": " + detail
	}
	fmt.Fprintf(p.io.out, "%s %s → %s → %s%s → %s\n", mark, p.paint(text.Bold, s.Who), s.What, outcome, detail,
		p.paint(text.Faint, fmt.Sprintf("%.1f ms", s.MS)))
}

func (p demoPrinter) summary(r demoReport) {
	right := 0
	for _, s := range r.Steps {
		if s.OK {
			right++
		}
	}
	a := r.Archive
	fmt.Fprintf(p.io.out, "\narchive: %d messages, %d sealed, %d checkpoints, %d altered\n", a.Messages, a.Sealed, a.Checkpoints, a.AlteredCount)
	verdict := p.paint(text.FgGreen, "as it must be")
	if !r.OK {
		verdict = p.paint(text.FgRed, "NOT as it must be")
	}
	fmt.Fprintf(p.io.out, "%d of %d steps came out right, %.1f s: %s\n", right, len(r.Steps), float64(r.MS)/1000, verdict)
}
