package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"tolem/archive"
	"tolem/banks"
	"tolem/bills"
	"tolem/config"
	"tolem/gateway"
	"tolem/gateway/payments"
	"tolem/gateway/redirect"
	"tolem/gateway/registers"
	"tolem/gateway/results"
	"tolem/gateway/soap"
	"tolem/registry"
	"tolem/registry/collect"
	"tolem/registry/form"
	"tolem/registry/report"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
	"tolem/wsdl/uddi"
)

// Where things are served.
const (
	soapPath = "/soap/v1"
	uddiPath = "/uddi/inquiry"
)

// node is a running gateway: everything opened, joined and listening.
type node struct {
	*desk
	log       zerolog.Logger
	trust     *trust.Store
	directory *banks.Directory
	evidence  *archive.Archive
	signers   soap.Signers
	registry  *registry.Registry
	day       *dayRun
	gateway   *gateway.Gateway
	payments  *payments.Engine
	collector *collect.Collector
	results   *results.Desk  // what merchants are told
	redirects *redirect.Gate // for buyers whom merchants send
	bills     *bills.Desk
	workplace workplaceSite
	metrics   *metrics
	jobs      *background

	soapServer, opsServer, pageServer       *http.Server // pageServer is nil without a payment page
	soapListener, opsListener, pageListener net.Listener
	listen                                  func(network, address string) (net.Listener, error)
	draining                                atomic.Bool
	failed                                  chan error // of a listener
}

// openNode opens everything a gateway works with. Nothing is served yet.
func openNode(ctx context.Context, c *config.Config, log zerolog.Logger) (_ *node, err error) {
	n := &node{log: log, metrics: newMetrics(), listen: net.Listen, failed: make(chan error, 4)}
	if n.desk, err = openDesk(ctx, c, store.Options{OnGroup: n.metrics.group}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.db.Close())
		}
	}()
	if n.signers.RSA, err = signing.LoadSigner(c.Signing.RSA.Cert, c.Signing.RSA.Key); err != nil {
		return nil, fmt.Errorf("signing.rsa: %w", err)
	}
	if n.signers.EC, err = signing.LoadSigner(c.Signing.EC.Cert, c.Signing.EC.Key); err != nil {
		return nil, fmt.Errorf("signing.ec: %w", err)
	}
	n.trust, err = trust.Open(ctx, trust.Config{
		Anchors: c.Trust.Anchors, Intermediates: c.Trust.Intermediates, CRLs: c.Trust.CRLs, Refresh: c.Trust.Refresh,
	}, archive.CRLKeeper(n.db))
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	if n.directory, err = banks.Open(ctx, n.db); err != nil {
		return nil, err
	}
	if n.evidence, err = openArchive(n.desk); err != nil {
		return nil, err
	}
	if err = n.evidence.KeepAuthorities(ctx, n.trust.Authorities()); err != nil {
		return nil, err
	}
	if n.registry, err = openRegistry(n.desk, n.evidence, n.directory, n.signers.RSA); err != nil {
		return nil, err
	}
	if n.day, err = newDayRun(n); err != nil {
		return nil, err
	}
	n.results = newResults(n.evidence, n.directory, n.signers.RSA)
	n.gateway = gateway.New(gateway.Config{
		Currency: c.Currency, CodeTTL: c.Codes.TTL, UnknownCodesPerMinute: c.Limits.UnknownCodesPerMinute, PageAddress: pageAddress(c.Checkout),
		Settled: n.results.Settled,
	}, n.db, n.evidence, n.directory)
	n.redirects = redirect.New(redirect.Config{
		Gateway: n.gateway, Directory: n.directory, Trust: n.trust, Clock: time.Now, Observe: n.metrics.redirect,
	})
	sources, err := newSources(n)
	if err != nil {
		return nil, err
	}
	n.bills = newBills(n.desk, n.registry.Calendar, sources)
	connectors, err := newConnectors(n)
	if err != nil {
		return nil, err
	}
	n.payments, n.collector = newPayments(n, connectors), newCollector(n, connectors)
	n.metrics.watch(n)
	return n, nil
}

// openRegistry opens the registers of the day, which RSA signs.
func openRegistry(d *desk, evidence *archive.Archive, directory *banks.Directory, signer *signing.Signer) (*registry.Registry, error) {
	c := d.config.Registers
	calendar, err := c.Calendar(d.zone)
	if err != nil {
		return nil, err
	}
	return registry.New(registry.Config{
		Calendar: calendar, FinalAfter: c.FinalAfter, Operator: c.Operator, OperatorAccount: c.OperatorAccount,
		ClaimsDueAfter: c.ClaimsDueAfter, Folder: c.Folder, Language: form.Language(c.Language), Currency: d.config.Currency,
	}, d.db, evidence, directory, signer), nil
}

// openArchive opens the evidence with the key that signs its checkpoints.
func openArchive(d *desk) (*archive.Archive, error) {
	key, err := signing.ReadSecret(d.config.Archive.CheckpointKey)
	if err != nil {
		return nil, fmt.Errorf("archive.checkpoint_key: %w", err)
	}
	return archive.New(d.db, archive.Options{Origin: d.config.Archive.Origin, CheckpointKey: strings.TrimSpace(string(key))})
}

// handler joins the message path.
func (n *node) handler() *soap.Handler {
	c := n.config
	return soap.New(soap.Config{
		Gateway:   n.gateway,
		Registers: registers.New(n.gateway, n.registry, report.NewDesk(n.db)),
		Bills:     bills.NewIntake(n.gateway, n.bills),
		Directory: n.directory,
		Verifier:  signing.NewVerifier(n.trust, n.directory),
		Signers:   n.signers,
		Receipts:  n.signers.RSA,
		Address:   c.SOAP.PublicAddress,
		Channel:   n.trust.VerifyConnection,
		Clock:     time.Now,
		Limits: soap.Limits{
			PerSecond: float64(c.Limits.RatePerSecond), Burst: c.Limits.Burst, Concurrent: c.Limits.Concurrent,
		},
		BodyTimeout:      c.SOAP.Timeouts.Body,
		OperationTimeout: c.SOAP.Timeouts.Operation,
		Log:              n.log,
		Observe:          n.metrics.request,
	})
}

// start begins to serve and to work in the background.
func (n *node) start(ctx context.Context) (err error) {
	pair, err := tls.LoadX509KeyPair(n.config.SOAP.TLS.Cert, n.config.SOAP.TLS.Key)
	if err != nil {
		return fmt.Errorf("soap.tls: %w", err)
	}
	if n.soapListener, err = n.listen("tcp", n.config.SOAP.Listen); err != nil {
		return fmt.Errorf("soap.listen: %w", err)
	}
	if n.opsListener, err = n.listen("tcp", n.config.Ops.Listen); err != nil {
		return errors.Join(fmt.Errorf("ops.listen: %w", err), n.soapListener.Close())
	}
	if err := n.openPage(); err != nil {
		return errors.Join(err, n.soapListener.Close(), n.opsListener.Close())
	}
	if err := n.openWorkplace(); err != nil {
		return errors.Join(err, n.soapListener.Close(), n.opsListener.Close(), n.closePage())
	}
	if n.jobs, err = startJobs(ctx, n); err != nil {
		return errors.Join(err, n.soapListener.Close(), n.opsListener.Close(), n.closePage(), n.workplace.close())
	}
	n.soapServer = n.newSOAPServer(pair)
	n.opsServer = n.newOpsServer()
	limited := limitConnections(n.soapListener, n.config.SOAP.MaxConnections)
	go func() { n.failed <- n.soapServer.ServeTLS(limited, "", "") }()
	go func() { n.failed <- n.opsServer.Serve(n.opsListener) }()
	line := n.log.Info().Str("soap", n.address()).Str("ops", n.opsListener.Addr().String())
	if n.pageServer != nil {
		n.servePage()
		line.Str("page", n.pageListener.Addr().String())
	}
	if n.workplace.server != nil {
		n.workplace.serve(n.config.SOAP.MaxConnections, n.failed)
		line.Str("workplace", n.workplace.listener.Addr().String())
	}
	line.Msg("serving")
	n.warnOfStrangers()
	return nil
}

// address is where the operations are called.
func (n *node) address() string { return "https://" + n.soapListener.Addr().String() + soapPath }

func (n *node) newSOAPServer(pair tls.Certificate) *http.Server {
	mux := http.NewServeMux()
	mux.Handle(soapPath, n.handler())
	mux.Handle(uddiPath, uddi.Handler(n.published))
	t := n.config.SOAP.Timeouts
	var protocols http.Protocols
	protocols.SetHTTP1(true) // all that SOAP stacks speak
	return &http.Server{
		Handler:           mux,
		Protocols:         &protocols,
		ReadHeaderTimeout: t.Header, // bounds the handshake too
		WriteTimeout:      t.Header + t.Body + t.Operation + t.Write,
		IdleTimeout:       t.Idle,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          quietLog(n.log),
		TLSConfig: &tls.Config{
			MinVersion:       tls.VersionTLS12,
			Certificates:     []tls.Certificate{pair},
			ClientAuth:       tls.RequestClientCert, // the contract is read without one; the handler refuses calls
			ClientCAs:        n.trust.Pool(),
			VerifyConnection: n.trust.VerifyIfGiven,
		},
	}
}

// published is what the register tells everybody (GW-028).
func (n *node) published() uddi.Snapshot { return publish(n.directory, n.config, n.address()) }

// stop ends the node: it says that it is not ready, finishes what it has
// accepted, and closes the database last.
func (n *node) stop() error {
	n.draining.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), n.config.Shutdown.Grace)
	defer cancel()
	err := errors.Join(n.soapServer.Shutdown(ctx), n.stopPage(ctx), n.workplace.stop(ctx), n.jobs.stop(), n.day.stop(ctx), n.payments.Wait(ctx), n.collector.Wait(ctx), n.opsServer.Shutdown(ctx), n.db.Close())
	n.log.Info().Err(err).Msg("stopped")
	return err
}
