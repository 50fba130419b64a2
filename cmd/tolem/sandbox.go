package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

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
		Use: "sandbox", Short: "Start everything to try the payment page out in a browser", Args: noArgs,
		Long: `Starts on this machine, in one process: the gateway with its payment page, two
simulated banks, the stub of a portal and the stub of a shop, with a certification
authority, participants and services of their own. It prints the addresses, and
the cards and accounts that make the banks do everything that can happen. No money
is behind it and nothing has to be prepared. Ctrl-C ends it.

Seven ports are taken one after the other, from --ports on: portal, shop, payment
page, gateway, health, bank ALTYN, bank KUMIS. What a bank does can be changed while
it runs, in DIR/banks/BANK/script.txt (tolem bank-sim --help says how).`,
		Example: `  tolem sandbox
  tolem sandbox --dir sandbox
  tolem sandbox --ports 9000
  tolem sandbox --json --ports auto`,
	}
	f := c.Flags()
	f.StringVar(&o.dir, "dir", "", "folder to work in and keep, used again when it is there; by default a temporary one")
	f.StringVar(&o.database, "db", "", "sqlite:PATH or postgres://…, for a new --dir; by default an SQLite file in it")
	ports := f.String("ports", strconv.Itoa(sandboxPort), "first of seven `ports`, or auto")
	asJSON := f.Bool("json", false, "print the addresses as one line of JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.readPorts(*ports); err != nil {
			return err
		}
		if o.database != "" && o.dir == "" {
			return fmt.Errorf("%w: --db goes with --dir, whose keys encrypt what is in the database", errUsage)
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

// sandboxReport is where everything is.
type sandboxReport struct {
	Portal string            `json:"portal"`
	Shop   string            `json:"shop"`
	Page   string            `json:"page"`
	SOAP   string            `json:"soap"`
	Ops    string            `json:"ops"`
	Banks  map[string]string `json:"banks"`
	Dir    string            `json:"dir"`
	Config string            `json:"config"`
}

// print shows it to a person.
func (r sandboxReport) print(io streams) error {
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
	_, err := fmt.Fprintf(io.out, `The sandbox is running. No real money moves. Begin at %s

%s

On the payment page: any expiry in the future, any name, any three digits as
security code; the number says what the bank does.

%s

More of them: tolem bank-sim table. Other commands work beside it: tolem code show
CODE --config %s. Ctrl-C ends the sandbox.
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

func runSandbox(ctx context.Context, o sandboxOptions, ready func(sandboxReport) error) error {
	w := &sandboxWorld{sandboxOptions: o, failed: make(chan error, len(sandboxDoors))}
	return w.run(ctx, ready)
}
