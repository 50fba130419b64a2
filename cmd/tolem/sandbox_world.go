package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"tolem"
	"tolem/config"
	"tolem/internal/pki"
	"tolem/sandbox/stub"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
	"tolem/web"
	"tolem/wsdl/client"
	"tolem/wsdl/client/merchant"
)

// The doors of the sandbox, in the order of their ports.
const (
	doorPortal = "portal"
	doorShop   = "shop"
	doorPage   = "page"
	doorSOAP   = "soap"
	doorOps    = "ops"
)

var sandboxDoors = []string{doorPortal, doorShop, doorPage, doorSOAP, doorOps, sandboxAltyn, sandboxKumis}

// Times of the sandbox: short enough to be waited for.
const (
	sandboxCallTimeout = 10 * time.Second
	sandboxLists       = 12 * time.Hour // new revocation lists, long before the old ones end
	sandboxStop        = 5 * time.Second
	siteTimeout        = 20 * time.Second // of one page of a stub, calls to the gateway included
)

// sandboxWorld is everything that runs.
type sandboxWorld struct {
	sandboxOptions
	doors     map[string]net.Listener
	authority *pki.PKI
	config    *config.Config
	node      *node
	started   bool
	trust     *trust.Store // of the stubs

	banks     sync.WaitGroup
	stopBanks context.CancelFunc
	sites     []*http.Server
	logs      []*os.File
	failed    chan error
}

// run starts everything, says so, and waits for the end.
func (w *sandboxWorld) run(ctx context.Context, ready func(sandboxReport) error) (err error) {
	defer func() { err = errors.Join(err, w.close()) }()
	for _, step := range []func(context.Context) error{
		w.openDoors, w.install, w.openNode, w.populate, w.openShop, w.startNode, w.startBanks, w.startStubs,
	} {
		if err := step(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	if err := ready(w.report()); err != nil {
		return err
	}
	lists := time.NewTicker(sandboxLists)
	defer lists.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.failed:
			return err
		case err := <-w.node.failed:
			return err
		case <-lists.C:
			if err := errors.Join(w.writeLists(), w.trust.WatchFiles(ctx)); err != nil {
				return err
			}
		}
	}
}

// openDoors listens everywhere before anything is written: so every address is
// known, and a port that is taken is told at once.
func (w *sandboxWorld) openDoors(context.Context) error {
	w.doors = make(map[string]net.Listener)
	for i, name := range sandboxDoors {
		port := 0
		if w.port != 0 {
			port = w.port + i
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return fmt.Errorf("%s: %w; --ports auto takes ports that are free", name, err)
		}
		w.doors[name] = l
	}
	return nil
}

// address is where a door is reached: browsers trust the name localhost.
func (w *sandboxWorld) address(scheme, host, door string) string {
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(w.doors[door].Addr().(*net.TCPAddr).Port))
}

func (w *sandboxWorld) browser(door string) string { return w.address("http", "localhost", door) }

func (w *sandboxWorld) program(door, path string) string {
	return w.address("https", "127.0.0.1", door) + path
}

// doorAt hands the gateway the listener of an address that it is to listen at.
func (w *sandboxWorld) doorAt(_, address string) (net.Listener, error) {
	for _, l := range w.doors {
		if l.Addr().String() == address {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no door at %s", address)
}

// install makes the folder, or takes the one that is there, and reads its
// configuration.
func (w *sandboxWorld) install(context.Context) (err error) {
	if w.dir, err = filepath.Abs(w.dir); err != nil {
		return err
	}
	file := filepath.Join(w.dir, configName)
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		in := installation{dir: w.dir, database: w.database, testPKI: true, origin: "tolem-sandbox", settings: w.settings}
		if in.database == "" {
			in.database = "sqlite:tolem.db"
		} else if err := in.anchorDatabase(); err != nil {
			return err
		}
		if _, err := in.write(); err != nil {
			return err
		}
	} else if err != nil {
		return err
	} else if w.database != "" {
		return fmt.Errorf("%w: --db is for a new folder; %s has its database", errUsage, w.dir)
	}
	if w.config, err = loadConfig(file); err != nil {
		return err
	}
	w.settings(w.config)
	if w.authority, err = pki.Open(filepath.Join(w.dir, pkiDir), pki.Options{}); err != nil {
		return err
	}
	return w.writeLists()
}

func (w *sandboxWorld) writeLists() error {
	return w.authority.WriteCRLs(filepath.Join(w.dir, pkiDir), time.Time{})
}

// settings says where the gateway listens and whom it calls.
func (w *sandboxWorld) settings(c *config.Config) {
	c.SOAP.Listen, c.Ops.Listen = w.doors[doorSOAP].Addr().String(), w.doors[doorOps].Addr().String()
	page := &c.Checkout
	page.Sandbox, page.TLS, page.CallTimeout = true, config.KeyPair{}, sandboxCallTimeout
	page.Listen, page.PublicAddress = w.doors[doorPage].Addr().String(), w.browser(doorPage)
	page.Banks, page.Acquirers = nil, nil
	for _, bank := range sandboxBanks {
		page.Banks = append(page.Banks, bank+"="+w.program(bank, bankSimPath))
		page.Acquirers = append(page.Acquirers, bank)
	}
}

// log opens a file for what a part of the sandbox has to say.
func (w *sandboxWorld) log(name string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(w.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		w.logs = append(w.logs, f)
	}
	return f, err
}

func (w *sandboxWorld) openNode(ctx context.Context) error {
	f, err := w.log("gateway")
	if err != nil {
		return err
	}
	if w.node, err = openNode(ctx, w.config, newLog(f, w.config.Log)); err != nil {
		return err
	}
	w.node.listen = w.doorAt
	return nil
}

func (w *sandboxWorld) startNode(ctx context.Context) error {
	if err := w.node.directory.Refresh(ctx); err != nil {
		return err
	}
	err := w.node.start(ctx)
	w.started = err == nil
	return err
}

// startStubs serves the portal and the shop.
func (w *sandboxWorld) startStubs(ctx context.Context) (err error) {
	c := w.config.Trust
	w.trust, err = trust.Open(ctx, trust.Config{Anchors: c.Anchors, Intermediates: c.Intermediates, CRLs: c.CRLs}, nil)
	if err != nil {
		return err
	}
	gateway, err := w.client(sandboxPortal)
	if err != nil {
		return err
	}
	keys := w.keysOf(sandboxShop)
	signer, err := signing.LoadSigner(keys.signing.Cert, keys.signing.Key)
	if err != nil {
		return err
	}
	portal := func(shell *web.Shell) error {
		return stub.MountPortal(shell, stub.PortalConfig{
			Gateway: gateway, Provider: sandboxProvider, Trust: w.trust, Address: w.browser(doorPortal), Page: w.browser(doorPage), Citizen: demoCitizen, Name: "Ахметова Айгүл Серікқызы",
			Kept: filepath.Join(w.dir, "portal.json"), Trials: sandboxTrials(), Clock: time.Now,
		})
	}
	shop := func(shell *web.Shell) error {
		return stub.MountShop(shell, stub.ShopConfig{
			Merchant: sandboxShop, Signer: signer, Gateway: merchant.Trust{w.node.signers.RSA.Certificate()}, Address: w.browser(doorShop),
			Page: w.report().Page, PageSite: w.browser(doorPage), Kept: filepath.Join(w.dir, "shop.json"), Trials: sandboxTrials(), Clock: time.Now,
		})
	}
	return errors.Join(w.site(doorPortal, portal), w.site(doorShop, shop))
}

// siteLimits let a document of the gateway in.
func siteLimits() web.Limits {
	l := web.DefaultLimits
	l.BodyBytes = 64 << 10
	return l
}

// site serves a stub in a shell of its own.
func (w *sandboxWorld) site(door string, mount func(*web.Shell) error) error {
	f, err := w.log(door)
	if err != nil {
		return err
	}
	log := newLog(f, w.config.Log)
	shell, err := web.New(web.Config{
		Languages: stub.Languages, Location: w.node.zone, Clock: time.Now, Limits: siteLimits(), Timeout: siteTimeout, Sandbox: true, Log: log,
	})
	if err == nil {
		err = mount(shell)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", door, err)
	}
	server := &http.Server{
		Handler: shell, ReadHeaderTimeout: bankSimHeader, ReadTimeout: bankSimHeader, WriteTimeout: bankSimHeader + siteTimeout, IdleTimeout: bankSimIdle,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: quietLog(log),
	}
	w.sites = append(w.sites, server)
	go func() {
		if err := server.Serve(w.doors[door]); !errors.Is(err, http.ErrServerClosed) {
			w.failed <- fmt.Errorf("%s: %w", door, err)
		}
	}()
	return nil
}

// client makes a participant's client, as an integrator would.
func (w *sandboxWorld) client(id tolem.ParticipantID) (*client.Client, error) {
	keys := w.keysOf(id)
	signer, err := signing.LoadSigner(keys.signing.Cert, keys.signing.Key)
	if err != nil {
		return nil, err
	}
	channel, err := tls.LoadX509KeyPair(keys.channel.Cert, keys.channel.Key)
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{
		Address: w.program(doorSOAP, soapPath), Signer: signer, Trust: w.trust, Timeout: siteTimeout,
		TLS:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: w.trust.Pool(), Certificates: []tls.Certificate{channel}},
		Gateway: client.Identity{Fingerprints: []tolem.Fingerprint{w.node.signers.RSA.Fingerprint(), w.node.signers.EC.Fingerprint()}},
	})
}

// startBanks plays the banks, each as `tolem bank-sim` with the file that is
// written for it. They outlive the gateway, so that it can finish what it has
// begun.
func (w *sandboxWorld) startBanks(ctx context.Context) error {
	ctx, w.stopBanks = context.WithCancel(context.WithoutCancel(ctx))
	for _, bank := range sandboxBanks {
		settings, err := w.bankSettings(bank)
		if err != nil {
			return err
		}
		f, err := w.log(filepath.Join(banksDir, bank, "bank"))
		if err != nil {
			return err
		}
		w.banks.Go(func() {
			if err := playBank(ctx, settings, w.doors[bank], streams{out: f, err: f}); err != nil {
				w.failed <- fmt.Errorf("bank %s: %w", bank, err)
			}
		})
	}
	return nil
}

func (w *sandboxWorld) report() sandboxReport {
	r := sandboxReport{
		Portal: w.browser(doorPortal), Shop: w.browser(doorShop), Page: pageAddress(w.config.Checkout), SOAP: w.program(doorSOAP, soapPath),
		Ops: w.address("http", "127.0.0.1", doorOps), Banks: make(map[string]string), Dir: w.dir, Config: filepath.Join(w.dir, configName),
	}
	for _, bank := range sandboxBanks {
		r.Banks[bank] = w.program(bank, bankSimPath)
	}
	return r
}

// close ends everything: first whoever calls the gateway, then the gateway,
// then the banks.
func (w *sandboxWorld) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), sandboxStop)
	defer cancel()
	var errs []error
	for _, s := range w.sites {
		if s.Shutdown(ctx) != nil {
			errs = append(errs, s.Close())
		}
	}
	switch {
	case w.started:
		errs = append(errs, w.node.stop())
	case w.node != nil:
		errs = append(errs, w.node.db.Close())
	}
	if w.stopBanks != nil {
		w.stopBanks()
	}
	w.banks.Wait()
	for _, l := range w.doors {
		errs = append(errs, ignoreClosed(l.Close()))
	}
	for _, f := range w.logs {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// populate registers who takes part and what can be paid, where it is not
// registered yet.
func (w *sandboxWorld) populate(ctx context.Context) error {
	certificates := make(map[tolem.ParticipantID][]tolem.Certificate)
	for _, member := range sandboxCast {
		keys, err := w.issueKeys(member)
		if err != nil {
			return err
		}
		if certificates[member.ID], err = loadCertificates(member.ID, []string{keys.signing.Cert, keys.channel.Cert}); err != nil {
			return err
		}
	}
	now := time.Now()
	return w.node.db.Update(ctx, func(tx *store.Tx) error {
		for _, member := range sandboxCast {
			p := member.Participant
			p.Groups, p.ContractNo, p.ContractFrom = []tolem.Group{p.Kind.DefaultGroup()}, "sandbox", now.Add(-time.Hour)
			if _, err := tx.Participant(p.ID); err == nil {
				continue
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err := errors.Join(tx.PutParticipant(p), addCertificates(tx, certificates[p.ID])); err != nil {
				return err
			}
		}
		if err := addOffers(tx); err != nil {
			return err
		}
		return tx.AddReturnAddress(sandboxPortal, w.browser(doorPortal)+stub.ReturnPath)
	})
}
