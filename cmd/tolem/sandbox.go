package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tolem/banks/sandbox"
	"tolem/sandbox/stub"
)

// sandboxPort is the first of the ports that the sandbox takes, one after the
// other in the order of sandboxDoors.
const sandboxPort = 8080

// autoPorts lets the machine choose the ports.
const autoPorts = "auto"

func sandboxCommand(io streams) *cobra.Command {
	var o sandboxOptions
	c := &cobra.Command{
		Use: "sandbox", Short: "Start everything to try payment page and workplace out in a browser", Args: noArgs,
		Long: `Starts on this machine, in one process, two gateways that know nothing of each other.

pay        the payment page in tenge, two simulated banks, the stub of a portal and the
           stub of a shop; it prints the cards and accounts that make the banks do
           everything that can happen. What a bank does can be changed while it runs, in
           DIR/banks/BANK/script.txt (tolem bank-sim --help says how).
workplace  the workplace of bank operators in manat, in the folder DIR/workplace: a bank
           with two branches and another bank, people with e-tokens to import into a
           browser, 30 organisations, 10,000 accounts, a card bridge with simulated cards.
           One organisation keeps its accounts in a system of its own, which is asked.

Each has a certification authority and a database of its own, because a gateway has one
currency. No money is behind it and nothing has to be prepared. Ctrl-C ends it.

Twelve ports are taken one after the other, from --ports on: portal, shop, payment page,
gateway, health, bank ALTYN, bank KUMIS; workplace, its gateway, its health, card bridge,
the organisation's system.`,
		Example: `  tolem sandbox
  tolem sandbox --dir sandbox
  tolem sandbox --parts workplace --ports 9000
  tolem sandbox --json --ports auto --parts workplace --operators 200`,
	}
	f := c.Flags()
	f.StringVar(&o.dir, "dir", "", "folder to work in and keep, used again when it is there; by default a temporary one")
	f.StringVar(&o.database, "db", "", "sqlite:PATH or postgres://… of the payment page, for a new --dir; by default an SQLite file in it")
	f.StringVar(&o.workplace.database, "workplace-db", "", "the same of the workplace")
	f.StringSliceVar(&o.parts, "parts", sandboxParts, "what is started: `pay`, workplace, or both")
	f.IntVar(&o.workplace.accounts, "accounts", deskAccounts, "how many accounts a new workplace has")
	f.IntVar(&o.workplace.operators, "operators", 0, "how many `operators` it has besides those by name")
	ports := f.String("ports", strconv.Itoa(sandboxPort), "first of twelve `ports`, or auto")
	asJSON := f.Bool("json", false, "print the addresses as one line of JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := errors.Join(o.readPorts(*ports), o.check()); err != nil {
			return err
		}
		if o.dir == "" {
			dir, err := os.MkdirTemp("", "tolem-sandbox-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			o.dir = dir
		}
		return runSandbox(c.Context(), o, func(r sandboxReport) error {
			if *asJSON {
				return json.NewEncoder(io.out).Encode(r)
			}
			return r.print(io)
		})
	}
	return c
}

// sandboxOptions are the flags of sandbox.
type sandboxOptions struct {
	dir, database string
	port          int // the first one; 0: any that are free
	parts         []string
	workplace     deskOptions
}

// The parts of the sandbox.
const (
	partPay       = "pay"
	partWorkplace = "workplace"
)

var sandboxParts = []string{partPay, partWorkplace}

func (o sandboxOptions) has(part string) bool { return slices.Contains(o.parts, part) }

func (o sandboxOptions) check() error {
	for _, part := range o.parts {
		if !slices.Contains(sandboxParts, part) {
			return fmt.Errorf("%w: --parts are %s", errUsage, strings.Join(sandboxParts, " and "))
		}
	}
	switch w := o.workplace; {
	case len(o.parts) == 0:
		return fmt.Errorf("%w: --parts names nothing", errUsage)
	case (o.database != "" || w.database != "") && o.dir == "":
		return fmt.Errorf("%w: --db and --workplace-db go with --dir, whose keys encrypt what is in the database", errUsage)
	case o.database != "" && !o.has(partPay), w.database != "" && !o.has(partWorkplace):
		return fmt.Errorf("%w: a database is named for a part that is not started", errUsage)
	case o.database != "" && o.database == w.database:
		return fmt.Errorf("%w: --db and --workplace-db are two databases", errUsage)
	case w.accounts < minDeskAccounts || w.accounts > maxDeskAccounts || w.operators < 0 || w.operators > maxDeskOperators:
		return fmt.Errorf("%w: --accounts is from %d to %d, --operators up to %d", errUsage, minDeskAccounts, maxDeskAccounts, maxDeskOperators)
	}
	return nil
}

func (o *sandboxOptions) readPorts(text string) error {
	if text == autoPorts {
		return nil
	}
	const highest = 1<<16 - 1
	n, err := strconv.Atoi(text)
	if last := n + len(sandboxDoors) - 1; err != nil || n < 0 || last > highest {
		return fmt.Errorf("%w: --ports must be auto or a number up to %d", errUsage, highest-len(sandboxDoors)+1)
	}
	o.port = n
	return nil
}

// sandboxReport is where everything is. What belongs to a part that was not
// started is empty.
type sandboxReport struct {
	Portal string            `json:"portal,omitempty"`
	Shop   string            `json:"shop,omitempty"`
	Page   string            `json:"page,omitempty"`
	SOAP   string            `json:"soap,omitempty"`
	Ops    string            `json:"ops,omitempty"`
	Banks  map[string]string `json:"banks,omitempty"`
	Dir    string            `json:"dir"`
	Config string            `json:"config,omitempty"`

	Workplace *deskReport `json:"workplace,omitempty"`
}

// print shows it to a person.
func (r sandboxReport) print(io streams) error {
	_, err := fmt.Fprintln(io.out, "The sandbox is running. No real money moves.")
	if err == nil && r.Portal != "" {
		err = r.printPay(io)
	}
	if err == nil && r.Workplace != nil {
		err = r.Workplace.print(io)
	}
	if err == nil {
		_, err = fmt.Fprintln(io.out, "\nCtrl-C ends the sandbox.")
	}
	return err
}

// printPay shows what belongs to the payment page.
func (r sandboxReport) printPay(io streams) error {
	places := table.NewWriter()
	places.SetStyle(table.StyleLight)
	places.AppendRows([]table.Row{
		{"Portal", r.Portal, "order a service, pay by card or from an account"},
		{"Shop", r.Shop, "buy something"},
		{"Payment page", r.Page, "portal and shop lead there"},
		{"Gateway", r.SOAP, "signed SOAP; its contract: " + r.SOAP + "?wsdl"},
		{"Health", r.Ops, "/healthz, /readyz, /metrics"},
		{"Bank ALTYN", r.Banks[sandboxAltyn], "takes cards first"},
		{"Bank KUMIS", r.Banks[sandboxKumis], "takes cards when ALTYN cannot be reached"},
		{"Folder", r.Dir, "keys, database, logs, the banks' books and scripts"},
	})
	trials := table.NewWriter()
	trials.SetStyle(table.StyleLight)
	trials.AppendHeader(table.Row{"what happens", "card", "account"})
	for _, t := range sandboxTrials() {
		trials.AppendRow(table.Row{t.Happens, t.Card, t.Account})
	}
	_, err := fmt.Fprintf(io.out, `
The payment page, in tenge. Begin at %s

%s

On the payment page: any expiry in the future, any name, any three digits as
security code; the number says what the bank does.

%s

More of them: tolem bank-sim table. Other commands work beside it: tolem code show
CODE --config %s
`, r.Portal, places.Render(), trials.Render(), r.Config)
	return err
}

// Numbers that are approved, as every one is that asks for nothing else.
const (
	sandboxCard    = "4111111111111111"
	sandboxAccount = "KZ86125KZT5004100100"
)

// sandboxShown are the cases of simulated banks that a person tries first, by
// their numbers in sandbox.Table.
var sandboxShown = []int{51, 54, 55, 59, 60, 62, 63, 64, 68, 72, 73, 82}

// sandboxTrials is what to type on the payment page.
func sandboxTrials() []stub.Trial {
	trials := []stub.Trial{{Card: inGroups(sandboxCard), Account: sandboxAccount, Happens: "approved"}}
	for _, c := range sandbox.Table {
		if slices.Contains(sandboxShown, c.Number) {
			trials = append(trials, stub.Trial{Card: inGroups(c.Card()), Account: c.Account(), Happens: c.Name})
		}
	}
	return trials
}

// inGroups writes a card number as it stands on a card.
func inGroups(card string) string {
	var b strings.Builder
	for i, digit := range card {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// sandboxPart is a part of the sandbox that runs.
type sandboxPart interface {
	steps() []func(context.Context) error // that start it
	report(*sandboxReport)
	renew(context.Context) error // of revocation lists
	close() error
}

// runSandbox starts everything, says so, and waits for the end. Every door is
// open before anything is written: so every address is known, and a port that is
// taken is told at once.
func runSandbox(ctx context.Context, o sandboxOptions, ready func(sandboxReport) error) (err error) {
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	d, failed := make(doors), make(chan error, 2*len(sandboxDoors))
	defer func() {
		for _, l := range d {
			err = errors.Join(err, ignoreClosed(l.Close()))
		}
	}()
	var parts []sandboxPart
	if o.has(partPay) {
		if err := d.open(o.port, payDoors); err != nil {
			return err
		}
		parts = append(parts, newSandboxWorld(o, d, failed))
	}
	if o.has(partWorkplace) {
		if err := d.open(o.port, workplaceDoors); err != nil {
			return err
		}
		parts = append(parts, newDeskWorld(o, d, failed))
	}
	defer func() {
		for _, p := range parts {
			err = errors.Join(err, p.close())
		}
	}()
	if err := startParts(ctx, parts); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	r := sandboxReport{Dir: o.dir}
	for _, p := range parts {
		p.report(&r)
	}
	if err := ready(r); err != nil {
		return err
	}
	return watchSandbox(ctx, parts, failed)
}

// startParts starts all parts at the same time.
func startParts(ctx context.Context, parts []sandboxPart) error {
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() {
			for _, step := range p.steps() {
				if errs[i] = step(ctx); errs[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// watchSandbox waits for the end and renews revocation lists meanwhile.
func watchSandbox(ctx context.Context, parts []sandboxPart, failed chan error) error {
	lists := time.NewTicker(sandboxLists)
	defer lists.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-lists.C:
			for _, p := range parts {
				if err := p.renew(ctx); err != nil {
					return err
				}
			}
		}
	}
}
