package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tolem/config"
)

// Exit codes. A script can tell a wrong call from a failure, and a failure from
// a check that came out wrong.
const (
	exitOK     = 0
	exitFailed = 1 // the command could not do its work, or what it checked is not in order
	exitUsage  = 2 // wrong flags, arguments or configuration
)

// errCheck marks an outcome that was found, reported and is not in order: a
// demo step that came out wrong, an altered record. Its report is already
// printed.
var errCheck = errors.New("check failed")

// errUsage marks a call that cannot be carried out as it was written.
var errUsage = errors.New("wrong usage")

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// isTerminal reports whether a person looks at the output.
func (s streams) isTerminal() bool {
	f, ok := s.out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, io streams) int {
	root := rootCommand(io)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errCheck):
		return exitFailed
	}
	fmt.Fprintf(io.err, "tolem: %v\n", err)
	if errors.Is(err, errUsage) || errors.Is(err, config.ErrInvalid) || errors.Is(err, config.ErrUnknownKey) {
		return exitUsage
	}
	return exitFailed
}

func rootCommand(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "tolem",
		Short: "A government payment gateway",
		Long: `Tolem connects an e-government portal with banks: it issues payment codes, takes
the banks' signed notifications of payment, validates and closes codes, and keeps
the evidence.

See it work:       tolem demo
Click through it:  tolem sandbox
Set one up:        tolem init --dir gateway --test-pki
Then follow the steps that init prints.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "; did you mean " + strings.Join(near, " or ") + "?"
		}
		return fmt.Errorf("%w: unknown command %q%s\nTry: tolem --help", errUsage, args[0], hint)
	}
	root.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	root.SuggestionsMinimumDistance = 2
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w\nTry: %s --help", errUsage, err, c.CommandPath())
	})
	root.AddCommand(
		initCommand(io), pkiCommand(io), serveCommand(io), migrateCommand(io),
		participantCommand(io), personCommand(io), providerCommand(io), serviceCommand(io), merchantCommand(io), codeCommand(io),
		organisationCommand(io), asanCommand(io), billsCommand(io), workstationCommand(io),
		registerCommand(io), reconcileCommand(io), claimCommand(io), reportCommand(io), deliveryCommand(io), jobsCommand(io), doctorCommand(io), pageCommand(io),
		verifyCommand(io), archiveCommand(io), demoCommand(io), sandboxCommand(io), benchCommand(io), bankSimCommand(io), cardBridgeCommand(io), configCommand(io), versionCommand(io),
	)
	return root
}

// noArgs refuses arguments with the usage exit code.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%w: %q is not expected\nTry: %s --help", errUsage, args[0], c.CommandPath())
	}
	return nil
}

// exactArgs asks for arguments by name.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return fmt.Errorf("%w: want %d argument(s): %v\nTry: %s --help", errUsage, len(names), names, c.CommandPath())
		}
		return nil
	}
}

// require reports flags that must be given and are not.
func require(c *cobra.Command, names ...string) error {
	for _, name := range names {
		if !c.Flags().Changed(name) {
			return fmt.Errorf("%w: --%s is missing\nTry: %s --help", errUsage, name, c.CommandPath())
		}
	}
	return nil
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%w: unknown command %q\nTry: %s --help", errUsage, args[0], c.CommandPath())
			}
			return c.Help()
		},
	}
	c.AddCommand(commands...)
	return c
}

// configFlag adds --config and returns where its value will stand.
func configFlag(c *cobra.Command) *string {
	return c.Flags().String("config", "tolem.yaml", "configuration `file`")
}

// jsonFlag adds --json and returns where its value will stand.
func jsonFlag(c *cobra.Command) *bool {
	return c.Flags().Bool("json", false, "print one JSON value instead of text")
}

// loadConfig reads and validates the configuration.
func loadConfig(file string) (*config.Config, error) {
	c, err := config.Load(file, os.Environ(), nil)
	if _, missing := os.Stat(file); err != nil && errors.Is(missing, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; --config says where it is", err)
	}
	if err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// printJSON writes one JSON value.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
