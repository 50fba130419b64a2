package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"tolem"
	"tolem/config"
	"tolem/sandbox/stub"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
	"tolem/web"
	"tolem/wsdl/client"
	"tolem/wsdl/client/merchant"
)

// Times of the sandbox: short enough to be waited for.
const (
	sandboxCallTimeout = 10 * time.Second
	sandboxLists       = 12 * time.Hour // new revocation lists, long before the old ones end
	sandboxStop        = 5 * time.Second
	siteTimeout        = 20 * time.Second // of one page of a stub, calls to the gateway included
)

// sandboxWorld is the payment page of the sandbox: gateway, banks, portal and
// shop.
type sandboxWorld struct {
	sandboxGateway
	trust *trust.Store // of the stubs

	banks     sync.WaitGroup
	stopBanks context.CancelFunc
	sites     []*http.Server
}

func newSandboxWorld(o sandboxOptions, d doors, failed chan error) *sandboxWorld {
	w := &sandboxWorld{sandboxGateway: sandboxGateway{dir: o.dir, database: o.database, origin: "tolem-sandbox", doors: d, failed: failed}}
	w.settings = w.set
	return w
}

func (w *sandboxWorld) steps() []func(context.Context) error {
	return []func(context.Context) error{
		w.install, w.openNode, w.populate, w.openShop, w.startNode, w.startBanks, w.startStubs,
	}
}

// renew makes new revocation lists known to gateway and stubs.
func (w *sandboxWorld) renew(ctx context.Context) error {
	return errors.Join(w.writeLists(), w.trust.WatchFiles(ctx))
}

// set says where the gateway listens and whom it calls.
func (w *sandboxWorld) set(c *config.Config) {
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

// startStubs serves the portal and the shop.
func (w *sandboxWorld) startStubs(ctx context.Context) (err error) {
	if w.trust, err = w.openTrust(ctx); err != nil {
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
	samples, err := w.samples(ctx)
	if err != nil {
		return err
	}
	portal := func(shell *web.Shell) error {
		return stub.MountPortal(shell, stub.PortalConfig{
			Gateway: gateway, Provider: sandboxProvider, Trust: w.trust, Address: w.browser(doorPortal), Page: w.browser(doorPage), Citizen: demoCitizen, Name: sandboxCitizen,
			Kept: filepath.Join(w.dir, "portal.json"), Samples: samples, Trials: sandboxTrials(), Clock: time.Now,
		})
	}
	shop := func(shell *web.Shell) error {
		return stub.MountShop(shell, stub.ShopConfig{
			Merchant: sandboxShop, Signer: signer, Gateway: merchant.Trust{w.node.signers.RSA.Certificate()}, Address: w.browser(doorShop),
			Page: pageAddress(w.config.Checkout), PageSite: w.browser(doorPage), Kept: filepath.Join(w.dir, "shop.json"), Trials: sandboxTrials(), Clock: time.Now,
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

func (w *sandboxWorld) report(r *sandboxReport) {
	r.Portal, r.Shop, r.Page, r.SOAP = w.browser(doorPortal), w.browser(doorShop), pageAddress(w.config.Checkout), w.program(doorSOAP, soapPath)
	r.Ops, r.Banks, r.Config = w.address("http", "127.0.0.1", doorOps), make(map[string]string), w.file()
	for _, bank := range sandboxBanks {
		r.Banks[bank] = w.program(bank, bankSimPath)
	}
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
	errs = append(errs, w.closeNode())
	if w.stopBanks != nil {
		w.stopBanks()
	}
	w.banks.Wait()
	return errors.Join(append(errs, w.closeLogs())...)
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
		if certificates[member.ID], err = loadCertificates(member.ID, []string{keys.signing.Cert, keys.channel.Cert, keys.revoked.Cert}); err != nil {
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
