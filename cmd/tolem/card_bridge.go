package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"tolem/smartcard"
	"tolem/smartcard/bridge"
	"tolem/smartcard/bridge/driver"
	"tolem/smartcard/bridge/simulator"
)

// cardBridgeListen is where pages look for the card bridge.
const cardBridgeListen = "127.0.0.1:47123"

// simulatorBanner is printed where nobody can overlook it.
const simulatorBanner = `
  ************************************************************************
  *  SIMULATED CARDS. No card reader is used and no meter's card changes. *
  *  Only a sandbox believes this bridge.                                 *
  ************************************************************************
`

// cardBridge is what the command was called with.
type cardBridge struct {
	listen, dir, pair string
	origins, driver   []string
	simulator         bool
}

func cardBridgeCommand(io streams) *cobra.Command {
	var o cardBridge
	c := &cobra.Command{
		Use: "card-bridge", Short: "Connect the workplace's page with the card reader of this computer", Args: noArgs,
		Long: `Runs on the computer of a bank's desk and lets the workplace's page, and no other,
reach the reader for meters' SMART cards. It listens on this computer alone, carries
out tickets that the gateway has signed, each at most once, and signs what it answers.

A new bridge is paired: the gateway's operator makes the workstation known (tolem
workstation add), which prints a pairing code, and the bridge is started with it once.
The next page of the workplace on this computer that reads cards finishes the pairing.
"--pair -" reads the code from the keyboard, so that it stands in no list of processes.

What is on a meter's card only its maker knows, so a reader is driven by the maker's
program, which --driver names. With --simulator the bridge plays reader and cards, for
pages of this computer only; a gateway that is no sandbox refuses its answers.`,
		Example: `  tolem card-bridge --origin https://workplace.bank.az --driver /opt/azeriqaz/cards --pair -
  tolem card-bridge --simulator --origin https://localhost:8444
  tolem card-bridge --simulator --origin https://localhost:8444 --pair -
  curl -X PUT http://127.0.0.1:47123/sim/state -d '{"customer_card": false}'
  curl -X PUT http://127.0.0.1:47123/sim/state -d '{"customer_card": true, "fail": "write"}'`,
	}
	f := c.Flags()
	f.StringSliceVar(&o.origins, "origin", nil, "`address` of a page that may call, like https://workplace.bank.az; may be repeated")
	f.StringVar(&o.listen, "listen", cardBridgeListen, "`address`, of this computer alone")
	f.StringVar(&o.dir, "dir", "", "`folder` for key and journal (default: tolem-card-bridge in the user's configuration)")
	f.StringVar(&o.pair, "pair", "", "pairing `code`; - reads it from the keyboard")
	f.StringArrayVar(&o.driver, "driver", nil, "`program` that drives the reader; repeated: its arguments")
	f.BoolVar(&o.simulator, "simulator", false, "play a reader and cards")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := require(c, "origin"); err != nil {
			return err
		}
		if o.simulator == (len(o.driver) > 0) {
			return fmt.Errorf("%w: name the reader's --driver, or play one with --simulator", errUsage)
		}
		return o.run(c.Context(), io)
	}
	return c
}

// run serves until the context ends.
func (o *cardBridge) run(ctx context.Context, io streams) (err error) {
	log := zerolog.New(zerolog.ConsoleWriter{Out: io.err, NoColor: true}).With().Timestamp().Logger()
	if o.dir == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return fmt.Errorf("%w: --dir is missing: %w", errUsage, err)
		}
		o.dir = filepath.Join(base, "tolem-card-bridge")
	}
	config := bridge.Config{Dir: o.dir, Origins: o.origins, Version: buildVersion()["version"], Log: log}
	end, err := o.reader(&config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	b, err := bridge.Open(config)
	if errors.Is(err, bridge.ErrConfig) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := o.begin(b, io); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	handler, err := b.Handler(listener.Addr())
	if err != nil {
		return errors.Join(errUsage, err, listener.Close())
	}
	if o.simulator {
		fmt.Fprint(io.out, simulatorBanner)
	}
	fmt.Fprintf(io.out, "card bridge at http://%s for %s, kept in %s\n", listener.Addr(), strings.Join(o.origins, ", "), o.dir)
	server := bridge.Server(handler)
	server.ErrorLog = quietLog(log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, stopServer(server))
}

// reader puts the reader into the configuration and returns what ends it.
func (o *cardBridge) reader(c *bridge.Config) (end func() error, err error) {
	if !o.simulator {
		if _, err := exec.LookPath(o.driver[0]); err != nil { // now, and not when a customer stands there
			return nil, fmt.Errorf("%w: --driver: %w", errUsage, err)
		}
		p := driver.New(c.Log, o.driver[0], o.driver[1:]...)
		c.Reader = p
		return p.Close, nil
	}
	s, err := simulator.Open(o.dir)
	if err != nil {
		return nil, err
	}
	c.Reader, c.Simulator = s, s
	return func() error { return nil }, nil
}

// begin begins the pairing that was asked for.
func (o *cardBridge) begin(b *bridge.Bridge, io streams) error {
	text := o.pair
	if text == "" {
		return nil
	}
	if text == "-" {
		fmt.Fprint(io.out, "pairing code: ")
		line, err := readCode(io.in)
		if err != nil {
			return err
		}
		text = line
	}
	code, err := smartcard.ParsePairingCode(text)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	waiting, err := b.Pair(code)
	switch {
	case err != nil:
		return err
	case waiting:
		fmt.Fprintf(io.out, "%s waits to be paired: open the workplace's page on this computer\n", code.Workstation)
	default:
		fmt.Fprintf(io.out, "%s is paired\n", code.Workstation)
	}
	return nil
}

// maxCodeLine bounds what is read of a pairing code.
const maxCodeLine = 200

func readCode(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxCodeLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("pairing code: %w", err)
	}
	return line, nil
}
