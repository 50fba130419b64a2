package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"tolem/archive"
)

func verifyCommand(io streams) *cobra.Command {
	return group("verify", "Prove the evidence, with no gateway running",
		verifyArchiveCommand(io), verifyMessageCommand(io), verifyReceiptCommand(io), verifyBundleCommand(io), verifyExtensionCommand(io))
}

// archiveReport is the outcome of a verification as it is shown and printed.
type archiveReport struct {
	OK bool `json:"ok"`
	*archive.Report
}

// verifyWhole verifies everything the archive holds.
func verifyWhole(ctx context.Context, d *desk, verifier note.Verifier, known [][]byte, show func(done, all int64)) (archiveReport, error) {
	evidence, err := openArchive(d)
	if err != nil {
		return archiveReport{}, err
	}
	report, err := evidence.VerifyAll(ctx, archive.Check{Verifier: verifier, Known: known, Progress: show})
	if err != nil {
		return archiveReport{}, err
	}
	return archiveReport{OK: report.OK(), Report: report}, nil
}

func verifyArchiveCommand(io streams) *cobra.Command {
	var public string
	var known []string
	c := &cobra.Command{
		Use: "archive", Short: "Verify every stored message and the log that seals them", Args: noArgs,
		Long: `Opens every stored message, computes its place in the sealed log again and compares
it with the signed checkpoints. The first altered record is named, and others after
it. Checkpoints kept elsewhere can be given: the log must extend them.`,
		Example: "  tolem verify archive --config tolem.yaml\n  tolem verify archive --checkpoint 2026-01.checkpoint",
	}
	publicKeyFlag(c, &public)
	c.Flags().StringArrayVar(&known, "checkpoint", nil, "`file` with a checkpoint from elsewhere; may be repeated")
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		var report archiveReport
		err := withDesk(c.Context(), *file, func(ctx context.Context, d *desk) error {
			verifier, err := checkpointVerifier(d, public)
			if err != nil {
				return err
			}
			checkpoints, err := readFiles(known)
			if err != nil {
				return err
			}
			show, done := progressBar(io, "verifying", *asJSON)
			defer done()
			report, err = verifyWhole(ctx, d, verifier, checkpoints, show)
			return err
		})
		if err != nil {
			return err
		}
		if *asJSON {
			if err := printJSON(io.out, report); err != nil {
				return err
			}
		} else {
			report.print(io)
		}
		if !report.OK {
			return errCheck
		}
		return nil
	}
	return c
}

func (r archiveReport) print(io streams) {
	fmt.Fprintf(io.out, "%d messages and %d documents, %d of them sealed under %d checkpoints, %d waiting\nroot %s\n",
		r.Messages, r.Documents, r.Sealed, r.Checkpoints, r.Pending, r.Root)
	for _, a := range r.Altered {
		fmt.Fprintln(io.out, "ALTERED", a)
	}
	if r.OK {
		fmt.Fprintln(io.out, "nothing is altered")
	} else {
		fmt.Fprintf(io.out, "%d records are not what was stored\n", r.AlteredCount)
	}
}

// checkpointVerifier reads the public checkpoint key; if none is named, the one
// that init wrote beside archive.checkpoint_key.
func checkpointVerifier(d *desk, file string) (note.Verifier, error) {
	if file == "" {
		file = strings.TrimSuffix(d.config.Archive.CheckpointKey, ".key") + ".pub"
	}
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("public checkpoint key: %w", err)
	}
	return archive.NewVerifier(strings.TrimSpace(string(key)))
}

func readFiles(names []string) ([][]byte, error) {
	var contents [][]byte
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, nil
}

// progressBar shows long work to a person: nothing where no person looks.
func progressBar(io streams, what string, silent bool) (show func(done, all int64), stop func()) {
	if silent || !io.isTerminal() {
		return nil, func() {}
	}
	w := progress.NewWriter()
	w.SetOutputWriter(io.err)
	w.SetUpdateFrequency(100 * time.Millisecond)
	tracker := &progress.Tracker{Message: what}
	w.AppendTracker(tracker)
	go w.Render()
	return func(done, all int64) {
			tracker.UpdateTotal(all)
			tracker.SetValue(done)
		}, func() {
			tracker.MarkAsDone()
			w.Stop()
		}
}
