package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tolem"
	"tolem/archive"
	"tolem/internal/bench"
	"tolem/signing/trust"
	"tolem/store"
)

// benchTimeout bounds the whole benchmark.
const benchTimeout = 15 * time.Minute

// postgresVariable names a PostgreSQL for the benchmark; scripts/with-postgres.sh
// sets it.
const postgresVariable = "TOLEM_TEST_POSTGRES"

// errLimits reports a benchmark that ran and stayed below a limit.
var errLimits = errors.New("a limit was not met")

func benchCommand(io streams) *cobra.Command {
	var o bench.Options
	var seconds float64
	var only []string
	var strict bool
	c := &cobra.Command{
		Use: "bench", Short: "Measure signing, storage, whole calls, the cost of evidence, registers and the payment page", Args: noArgs,
		Long: `Measures the gateway against yardsticks in the same run: the bare cryptographic
operation, and the straightforward way with goxmldsig, etree and one database
transaction a call. The cases take turns; medians and ratios of neighbours are
shown, so that a busy machine changes little. Takes about two minutes, two more for
registers on each database, and five for desks; --rows and --desk-for make those quicker.

Part registers builds, signs, renders and reads back registers of --rows and of a
tenth as many rows, each in a process of its own, and tells time, memory and how
both grew; it also reconciles 100,000 with 100,000 rows and reports on a month.

Part page lets --page-rate payers a second pay by card for --page-for, through the
portal's signed request, the page, a simulated bank that takes its time, and the
bank's notification. All of that shares the machine with the gateway.

Part desk lets --desk-operators sign in to the workplace with e-tokens and take a
payment from a customer every --desk-customer for --desk-for, looking at register
and cash order between.

Needs a PostgreSQL in which it may create a schema (it drops it again): --postgres,
or ` + postgresVariable + `, or simply make bench. Without one, only SQLite is measured.`,
		Example: "  make bench\n  tolem bench --only signing\n  tolem bench --only page\n  tolem bench --json --postgres 'postgres://tolem@127.0.0.1/bench?sslmode=disable'",
	}
	f := c.Flags()
	f.Float64Var(&seconds, "seconds", 4, "how long each server is measured, all rounds together; the rest goes with it")
	f.IntVar(&o.Rounds, "rounds", 3, "how often the cases take turns")
	f.IntVar(&o.Connections, "connections", 64, "clients that call the gateway at once")
	f.IntVar(&o.Lives, "lives", 2000, "codes whose whole life is stored to weigh it")
	f.IntVar(&o.Rows, "rows", 1_000_000, "rows of the long register; growth is judged from a million on")
	f.Float64Var(&o.PageRate, "page-rate", 200, "payments that begin on the payment page every second")
	f.DurationVar(&o.PageFor, "page-for", 30*time.Second, "how long they do")
	f.IntVar(&o.DeskOperators, "desk-operators", 200, "operators at the workplace")
	f.IntVar(&o.DeskAccounts, "desk-accounts", 100_000, "accounts that are paid for there")
	f.DurationVar(&o.DeskFor, "desk-for", 2*time.Minute, "how long they work")
	f.DurationVar(&o.DeskCustomer, "desk-customer", 30*time.Second, "time of a customer, in which the operator thinks and types")
	f.StringVar(&o.Postgres, "postgres", "", "`address` of a PostgreSQL; by default "+postgresVariable)
	f.StringSliceVar(&only, "only", nil, "parts to run: "+strings.Join(bench.Parts[:], ", "))
	f.BoolVar(&strict, "strict", false, "exit with 1 if a limit is not met")
	asJSON := jsonFlag(c)
	c.AddCommand(plainGatewayCommand(io), benchDayCommand(io), benchMatchCommand(io))
	c.RunE = func(c *cobra.Command, _ []string) error {
		for _, part := range only {
			if !slices.Contains(bench.Parts[:], part) {
				return fmt.Errorf("%w: --only %s: want %s", errUsage, part, strings.Join(bench.Parts[:], ", "))
			}
		}
		if seconds <= 0 || o.Rounds <= 0 || o.Connections <= 0 || o.Lives <= 0 || o.Rows <= 0 || o.PageRate <= 0 || o.PageFor <= 0 ||
			o.DeskOperators <= 0 || o.DeskAccounts < minDeskAccounts || o.DeskFor <= 0 || o.DeskCustomer <= 0 {
			return fmt.Errorf("%w: --seconds, --rounds, --connections, --lives, --rows, --page-rate, --page-for, --desk-operators, --desk-for and --desk-customer must be above zero, --desk-accounts from %d on", errUsage, minDeskAccounts)
		}
		if o.Postgres == "" {
			o.Postgres = os.Getenv(postgresVariable)
		}
		o.Only, o.Each, o.Open = only, time.Duration(seconds*float64(time.Second)), openEvidence
		o.Calendar = openCalendar
		report, err := runBench(c.Context(), io, o)
		if err != nil {
			return err
		}
		if *asJSON {
			err = printJSON(io.out, report)
		} else {
			printBench(io, report)
		}
		if err == nil && strict && !report.OK {
			return errors.Join(errCheck, errLimits)
		}
		return err
	}
	return c
}

// runBench runs the benchmark in a throw-away folder, with its progress on the
// error stream if a person looks.
func runBench(ctx context.Context, io streams, o bench.Options) (report bench.Report, err error) {
	ctx, cancel := context.WithTimeout(ctx, benchTimeout)
	defer cancel()
	if o.Dir, err = os.MkdirTemp("", "tolem-bench-"); err != nil {
		return report, err
	}
	defer os.RemoveAll(o.Dir)
	if o.Program, err = os.Executable(); err != nil {
		return report, err
	}
	if f, ok := io.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		began := time.Now()
		o.Progress = func(what string) { fmt.Fprintf(io.err, "\r\x1b[K%5.0f s  %s", time.Since(began).Seconds(), what) }
		defer fmt.Fprint(io.err, "\r\x1b[K")
	}
	return bench.Run(ctx, o)
}

// openEvidence opens the database and the archive of a configuration.
func openEvidence(ctx context.Context, file string) (*store.DB, *archive.Archive, error) {
	c, err := loadConfig(file)
	if err != nil {
		return nil, nil, err
	}
	d, err := openDesk(ctx, c, store.Options{})
	if err != nil {
		return nil, nil, err
	}
	evidence, err := openArchive(d)
	if err != nil {
		return nil, nil, errors.Join(err, d.db.Close())
	}
	return d.db, evidence, nil
}

// openCalendar reads the business calendar of a configuration.
func openCalendar(file string) (*tolem.Calendar, error) {
	c, err := loadConfig(file)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, err
	}
	return c.Registers.Calendar(zone)
}

// benchDayCommand does the work of a seeded day, in a process of its own whose
// memory is that of a serving node doing it.
func benchDayCommand(io streams) *cobra.Command {
	w := bench.DayWork{Out: io.out}
	c := &cobra.Command{Use: "day", Short: "Do the work of a seeded day and measure it", Args: noArgs, Hidden: true}
	file, day := configFlag(c), dayFlag(c, "day", "the day")
	c.Flags().StringVar(&w.Folder, "folder", "", "`folder` for files")
	c.Flags().BoolVar(&w.SealOnly, "seal-only", false, "seal the day and stop")
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		if w.Day, err = day(); err != nil {
			return err
		}
		tuneCollector()
		return withOffice(c.Context(), *file, func(ctx context.Context, o *office) (err error) {
			w.Registry = o.registry
			t := o.config.Trust
			if w.Trust, err = trust.Open(ctx, trust.Config{Anchors: t.Anchors, Intermediates: t.Intermediates, CRLs: t.CRLs}, nil); err != nil {
				return err
			}
			return w.Run(ctx)
		})
	}
	return c
}

// benchMatchCommand reconciles made-up lists, in a process of its own.
func benchMatchCommand(io streams) *cobra.Command {
	c := &cobra.Command{Use: "match", Short: "Reconcile made-up lists and measure it", Args: noArgs, Hidden: true}
	rows := c.Flags().Int("rows", 0, "rows on either side")
	c.RunE = func(*cobra.Command, []string) error {
		tuneCollector()
		return bench.Match(*rows, io.out)
	}
	return c
}

// plainGatewayCommand serves the yardstick of the benchmark, in a process of
// its own like the gateway.
func plainGatewayCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "plain-gateway", Short: "Serve the straightforward gateway the benchmark compares with", Args: noArgs, Hidden: true,
	}
	file := configFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		return bench.ServePlain(c.Context(), bench.Plain{
			Listen: cfg.SOAP.Listen, TLSCert: cfg.SOAP.TLS.Cert, TLSKey: cfg.SOAP.TLS.Key, Database: cfg.Database,
			SigningCert: cfg.Signing.EC.Cert, SigningKey: cfg.Signing.EC.Key, Authority: filepath.Join(filepath.Dir(*file), pkiDir),
		})
	}
	return c
}
