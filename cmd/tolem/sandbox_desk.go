package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/jedib0t/go-pretty/v6/table"

	"tolem"
	"tolem/access"
	"tolem/config"
	"tolem/signing/trust"
	"tolem/smartcard/bridge"
)

// The workplace of the sandbox.
const (
	deskFolder   = "workplace" // below the sandbox's
	deskZone     = "Asia/Baku"
	deskCurrency = tolem.AZN
	deskRate     = 10_000 // requests a second: all operators are at one address
)

// deskOptions are the flags of sandbox that are about the workplace.
type deskOptions struct {
	database  string
	accounts  int
	operators int // besides those by name
}

// Limits of deskOptions.
const (
	deskAccounts     = 10_000
	minDeskAccounts  = 1_000
	maxDeskAccounts  = 1_000_000
	maxDeskOperators = 1_000
)

// deskWorld is the workplace: a gateway in manat, whose days are Baku's, with
// banks, people, organisations, accounts, and a card bridge whose cards are
// simulated.
type deskWorld struct {
	sandboxGateway
	deskOptions
	people []deskPerson

	bridge       *bridge.Bridge
	bridgeServer *http.Server

	organisation *http.Server // of deskOnline
	trust        *trust.Store // its own
}

func newDeskWorld(o sandboxOptions, d doors, failed chan error) *deskWorld {
	w := &deskWorld{deskOptions: o.workplace, sandboxGateway: sandboxGateway{
		dir: filepath.Join(o.dir, deskFolder), database: o.workplace.database, origin: "tolem-sandbox-workplace", country: "AZ", doors: d, failed: failed,
	}}
	w.settings = w.set
	return w
}

func (w *deskWorld) steps() []func(context.Context) error {
	return []func(context.Context) error{
		w.install, w.openNode, w.registerBanks, w.registerOrganisations, w.feedAccounts, w.equipPeople, w.startBridge, w.startOrganisation, w.startNode,
	}
}

func (w *deskWorld) renew(ctx context.Context) error {
	return errors.Join(w.writeLists(), w.node.trust.WatchFiles(ctx), w.trust.WatchFiles(ctx))
}

// set says where the gateway listens, and that it is one of Azerbaijan.
func (w *deskWorld) set(c *config.Config) {
	c.Zone, c.Currency, c.Registers.Language = deskZone, deskCurrency, "en"
	c.SOAP.Listen, c.Ops.Listen = w.doors[doorWorkplaceSOAP].Addr().String(), w.doors[doorWorkplaceOps].Addr().String()
	page := &c.Workplace
	page.Sandbox, page.Listen, page.CardBridge = true, w.doors[doorWorkplace].Addr().String(), w.doors[doorBridge].Addr().String()
	page.RatePerSecond, page.Burst = deskRate, 2*deskRate
	page.Organisations = []string{string(deskOnline) + "=" + w.program(doorOrganisation, providerPath)}
}

// close ends the bridge and the organisation's system when no page is left to call
// them.
func (w *deskWorld) close() error {
	errs := []error{w.closeNode()}
	if w.bridgeServer != nil {
		errs = append(errs, stopServer(w.bridgeServer))
	}
	if w.bridge != nil {
		errs = append(errs, w.bridge.Close())
	}
	if w.organisation != nil {
		errs = append(errs, stopServer(w.organisation))
	}
	return errors.Join(append(errs, w.closeLogs())...)
}

// page is where people sign in.
func (w *deskWorld) page() string { return w.address("https", "localhost", doorWorkplace) }

// deskReport is where everything of the workplace is, and with what people sign
// in.
type deskReport struct {
	Page      string       `json:"page"`
	SOAP      string       `json:"soap"`
	Ops       string       `json:"ops"`
	Bridge    string       `json:"cardBridge"`
	Online    string       `json:"organisation"` // the system of the one that has its own
	Dir       string       `json:"dir"`
	Config    string       `json:"config"`
	Tokens    string       `json:"tokens"`    // folder of the e-tokens
	PIN       string       `json:"pin"`       // of every e-token file
	Authority string       `json:"authority"` // certificate that browsers trust the workplace by
	People    []deskPerson `json:"people"`
	Trials    []deskTrial  `json:"trials"`
	Cards     []deskCard   `json:"cards"`
}

func (w *deskWorld) report(r *sandboxReport) {
	r.Workplace = &deskReport{
		Page: w.page(), SOAP: w.program(doorWorkplaceSOAP, soapPath), Ops: w.address("http", "127.0.0.1", doorWorkplaceOps),
		Bridge: w.address("http", "127.0.0.1", doorBridge), Online: w.program(doorOrganisation, providerPath), Dir: w.dir, Config: w.file(), Tokens: w.tokens(), PIN: tokenPIN,
		Authority: filepath.Join(w.tokens(), authorityName), People: w.people, Trials: deskTrials(), Cards: deskCards(),
	}
}

// maxShownPeople bounds the people that are printed; --json has all.
const maxShownPeople = 20

// print shows it to a person.
func (r deskReport) print(io streams) error {
	newRows := func() table.Writer {
		t := table.NewWriter()
		t.SetStyle(table.StyleLight)
		return t
	}
	places := newRows()
	places.AppendRows([]table.Row{
		{"Workplace", r.Page, "of a bank's operators; asks for an e-token"},
		{"Card bridge", r.Bridge, "simulated cards; /sim/state shows and changes the scene"},
		{"Gateway", r.SOAP, "signed SOAP in manat: SubmitBills and all the others"},
		{"Health", r.Ops, "/healthz, /readyz, /metrics"},
		{"Organisation", r.Online, "the system of " + organisationNamed(deskOnline).name + ", which is asked about its accounts"},
		{"E-tokens", r.Tokens, "USER.p12, the PIN is " + r.PIN},
		{"Authority", r.Authority, "have the browser trust it for websites"},
		{"Folder", r.Dir, "keys, database, log"},
	})
	people := newRows()
	people.AppendHeader(table.Row{"user", "password", "name", "bank, branch", "may"})
	for i, p := range r.People {
		if i == maxShownPeople {
			people.AppendRow(table.Row{fmt.Sprintf("and %d more", len(r.People)-i)})
			break
		}
		place := string(p.Bank)
		if p.Branch != "" {
			place += ", " + string(p.Branch)
		}
		people.AppendRow(table.Row{p.User, p.Password, p.FirstName + " " + p.Surname, place, p.may()})
	}
	trials := newRows()
	trials.AppendHeader(table.Row{"organisation", "account", "what is tried"})
	for _, t := range r.Trials {
		trials.AppendRow(table.Row{t.Name, t.Account, t.Happens})
	}
	cards := newRows()
	cards.AppendHeader(table.Row{"card", "organisation", "account", ""})
	for _, c := range r.Cards {
		cards.AppendRow(table.Row{c.No, c.Organisation, c.Account, c.Happens})
	}
	_, err := fmt.Fprintf(io.out, `
The workplace of bank operators, in manat. Begin at %s

%s

Import an e-token into the browser with its PIN, and the authority's certificate;
then sign in as the person whose e-token it is.

%s

%s

%s

Put another card into the reader: curl -X PUT %s/sim/state -d '{"inserted":"%s"}'
Other commands work beside it: tolem person list --bank %s --config %s
`, r.Page, places.Render(), people.Render(), trials.Render(), cards.Render(), r.Bridge, r.Cards[len(r.Cards)-1].No, deskBank, r.Config)
	return err
}

// newAccess is how people are equipped: with passwords hashed as cheaply as is
// allowed, since they are printed. Each first login hashes them as usual.
func (w *deskWorld) newAccess() (*access.Access, error) {
	return access.New(access.Config{
		Trust: w.node.trust, Calendar: w.node.registry.Calendar, Evidence: w.node.evidence, Hash: access.HashParams{Memory: 8 << 10, Time: 1, Threads: 1},
	}, w.node.db)
}
