package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// selection says which messages a command is about.
type selection struct {
	code, id             string
	participant, request string
}

func (s *selection) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.code, "code", "", "the messages of this payment `code`")
	f.StringVar(&s.id, "id", "", "the message with this `id`; beside --code if it concerns one")
	f.StringVar(&s.participant, "participant", "", "the answer to a request of this participant")
	f.StringVar(&s.request, "request", "", "`requestId` of that request")
}

// messageKey is where a message is stored.
type messageKey struct {
	code tolem.CodeNumber
	id   archive.MessageID
}

// find returns the messages selected.
func (s *selection) find(ctx context.Context, d *desk, evidence *archive.Archive) (keys []messageKey, err error) {
	var code tolem.CodeNumber
	if s.code != "" {
		if code, err = tolem.ParseCodeNumber(s.code); err != nil {
			return nil, fmt.Errorf("%w: --code: %w", errUsage, err)
		}
	}
	switch {
	case s.id != "":
		id, err := store.ParseMessageID(s.id)
		if err != nil {
			return nil, fmt.Errorf("%w: --id: %w", errUsage, err)
		}
		return []messageKey{{code, id}}, nil
	case code != 0:
		err = d.db.View(ctx, func(tx *store.Tx) error {
			records, err := evidence.LoadCode(tx, code)
			for _, r := range records {
				keys = append(keys, messageKey{code, r.ID})
			}
			return err
		})
		if err == nil && len(keys) == 0 {
			err = fmt.Errorf("no message concerns code %s", code.Printed())
		}
		return keys, err
	case s.participant != "" && s.request != "":
		err = d.db.View(ctx, func(tx *store.Tx) error {
			r, err := tx.Request(tolem.ParticipantID(s.participant), tolem.RequestID(s.request))
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("no request %s of %s was accepted", s.request, s.participant)
			}
			keys = append(keys, messageKey{r.Code, r.Answer})
			return err
		})
		return keys, err
	}
	return nil, fmt.Errorf("%w: say which message: --code, --id, or --participant with --request", errUsage)
}

// withEvidence opens the archive and the public checkpoint key.
func withEvidence(ctx context.Context, file, public string, do func(context.Context, *desk, *archive.Archive, note.Verifier) error) error {
	return withDesk(ctx, file, func(ctx context.Context, d *desk) error {
		evidence, err := openArchive(d)
		if err != nil {
			return err
		}
		verifier, err := checkpointVerifier(d, public)
		if err != nil {
			return err
		}
		return do(ctx, d, evidence, verifier)
	})
}

func verifyMessageCommand(io streams) *cobra.Command {
	var which selection
	var public string
	c := &cobra.Command{
		Use: "message", Short: "Verify stored messages: the log, and the signature as of its arrival", Args: noArgs,
		Long: `Verifies that the log holds the message as it is stored, that its signature holds,
and, with the certificates and revocation lists kept since, that its certificate was
to be trusted when it arrived.`,
		Example: `  tolem verify message --code 1234-5678-9012-3456
  tolem verify message --participant BANK1 --request 6b1f4d2e-8c1a-4f7e-9d55-0d5a3f1b7a10`,
	}
	which.flags(c)
	publicKeyFlag(c, &public)
	file, asJSON := configFlag(c), jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		var reports []*archive.MessageReport
		err := withEvidence(c.Context(), *file, public, func(ctx context.Context, d *desk, evidence *archive.Archive, verifier note.Verifier) error {
			keys, err := which.find(ctx, d, evidence)
			if err != nil {
				return err
			}
			for _, k := range keys {
				report, err := evidence.VerifyMessage(ctx, k.code, k.id, archive.Check{Verifier: verifier})
				if err != nil {
					return err
				}
				reports = append(reports, report)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return showReports(io, reports, *asJSON)
	}
	return c
}

// showReports prints what was found of messages, and fails if something was.
func showReports(io streams, reports []*archive.MessageReport, asJSON bool) error {
	sound := true
	for _, r := range reports {
		sound = sound && r.OK()
		if !asJSON {
			printReport(io, r)
		}
	}
	if asJSON {
		if err := printJSON(io.out, map[string]any{"ok": sound, "messages": reports}); err != nil {
			return err
		}
	}
	if !sound {
		return errCheck
	}
	return nil
}

func printReport(io streams, r *archive.MessageReport) {
	state := "sealed"
	if !r.Sealed {
		state = "not sealed yet"
	}
	if r.Refused != "" {
		state += ", refused: " + r.Refused
	}
	if r.Redacted {
		state += ", card data cut out: the signature is of the original"
	}
	fmt.Fprintf(io.out, "%s  %-3s  %s  %s  %s  %s\n", r.ID, r.Direction, r.At.Format(time.RFC3339), r.Participant, r.Operation, state)
	if r.Signer != "" {
		fmt.Fprintf(io.out, "    signed by %s\n", r.Signer)
	}
	for _, finding := range r.Findings {
		fmt.Fprintf(io.out, "    DOES NOT HOLD: %s\n", finding)
	}
}

func archiveExportCommand(io streams) *cobra.Command {
	var which selection
	var out string
	c := &cobra.Command{
		Use: "export", Short: "Export a message with the proof that the log holds it", Args: noArgs,
		Long: `Writes a message with its certificate, the grounds on which that was trusted and the
proof that the sealed log holds it. Whoever has the public checkpoint key can verify
the file: tolem verify bundle. It holds personal data if the message does.`,
		Example: "  tolem archive export --participant BANK1 --request 6b1f4d2e-8c1a-4f7e-9d55-0d5a3f1b7a10 --out proof.json",
	}
	which.flags(c)
	c.Flags().StringVar(&out, "out", "", "`file` to write; by default standard output")
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return withEvidence(c.Context(), *file, "", func(ctx context.Context, d *desk, evidence *archive.Archive, _ note.Verifier) error {
			keys, err := which.find(ctx, d, evidence)
			if err != nil {
				return err
			}
			if len(keys) != 1 {
				return fmt.Errorf("%w: %d messages concern this code; name one of them with --id (tolem verify message --code lists them)", errUsage, len(keys))
			}
			bundle, err := evidence.Export(ctx, keys[0].code, keys[0].id)
			if err != nil {
				return err
			}
			return writeJSON(io, out, bundle)
		})
	}
	return c
}

// writeJSON writes one JSON value to a file for its owner alone, or to standard
// output.
func writeJSON(io streams, file string, v any) error {
	if file == "" {
		return printJSON(io.out, v)
	}
	content, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(content, '\n'), 0o600)
}

func verifyBundleCommand(io streams) *cobra.Command {
	var public string
	c := &cobra.Command{
		Use: "bundle FILE.json", Short: "Verify an exported message, without gateway and database", Args: exactArgs("FILE.json"),
		Example: "  tolem verify bundle proof.json --key checkpoint.pub",
	}
	publicKeyFlag(c, &public)
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		verifier, data, err := openOffline(c, public, args[0])
		if err != nil {
			return err
		}
		bundle, err := archive.OpenBundle(data, verifier)
		if err != nil {
			fmt.Fprintf(io.out, "DOES NOT HOLD: %v\n", err)
			return errCheck
		}
		return showReports(io, bundle.CheckRecords(), *asJSON)
	}
	return c
}

func archiveExtendCommand(io streams) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "extend OLDER.checkpoint", Short: "Prove that the log extends a checkpoint kept elsewhere", Args: exactArgs("OLDER.checkpoint"),
		Example: "  tolem archive extend 2026-01-31.checkpoint --out extends.json",
	}
	c.Flags().StringVar(&out, "out", "", "`file` to write; by default standard output")
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		older, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		return withEvidence(c.Context(), *file, "", func(ctx context.Context, _ *desk, evidence *archive.Archive, verifier note.Verifier) error {
			proof, err := evidence.ProveConsistency(ctx, older, verifier)
			if err != nil {
				return err
			}
			return writeJSON(io, out, proof)
		})
	}
	return c
}

func verifyExtensionCommand(io streams) *cobra.Command {
	var public string
	c := &cobra.Command{
		Use: "extension FILE.json", Short: "Verify that one checkpoint extends another", Args: exactArgs("FILE.json"),
		Long:    "Verifies what tolem archive extend wrote: nothing the older checkpoint holds was altered or taken away since.",
		Example: "  tolem verify extension extends.json --key checkpoint.pub",
	}
	publicKeyFlag(c, &public)
	c.RunE = func(c *cobra.Command, args []string) error {
		verifier, data, err := openOffline(c, public, args[0])
		if err != nil {
			return err
		}
		var proof archive.Consistency
		if err := json.Unmarshal(data, &proof); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		if err := proof.Check(verifier); err != nil {
			fmt.Fprintf(io.out, "DOES NOT HOLD: %v\n", err)
			return errCheck
		}
		fmt.Fprintf(io.out, "holds: the newer checkpoint extends the older one\n\n%s\n%s", proof.Older, proof.Newer)
		return nil
	}
	return c
}

func publicKeyFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "key", "", "`file` with the public checkpoint key")
}

// openOffline reads the public checkpoint key, which must be named, and a file.
func openOffline(c *cobra.Command, public, file string) (note.Verifier, []byte, error) {
	if err := require(c, "key"); err != nil {
		return nil, nil, err
	}
	key, err := os.ReadFile(public)
	if err != nil {
		return nil, nil, err
	}
	verifier, err := archive.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(file)
	return verifier, data, err
}
