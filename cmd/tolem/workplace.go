package main

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"tolem/access"
	"tolem/archive"
	"tolem/config"
	"tolem/signing"
	carddesk "tolem/smartcard/desk"
	"tolem/web"
	pages "tolem/web/workplace"
	"tolem/workplace"
)

// workplaceSite is the workplace of banks' operators as it is served; the zero
// workplaceSite is not there.
type workplaceSite struct {
	server   *http.Server
	listener net.Listener
}

// newCardDesk opens the gateway's side of SMART cards; nil without a key for
// tickets.
func newCardDesk(c config.Workplace, evidence *archive.Archive) (*carddesk.Desk, error) {
	if c.TicketKey == "" {
		return nil, nil
	}
	key, err := signing.LoadKey(c.TicketKey)
	if err != nil {
		return nil, fmt.Errorf("workplace.ticket_key: %w", err)
	}
	others := make([]crypto.PublicKey, len(c.OtherTickets))
	for i, file := range c.OtherTickets {
		if others[i], err = readPublicKey(file); err != nil {
			return nil, fmt.Errorf("workplace.other_ticket_keys: %w", err)
		}
	}
	d, err := carddesk.New(carddesk.Config{Signer: key, Others: others, Sandbox: c.Sandbox}, evidence)
	if err != nil {
		return nil, fmt.Errorf("workplace.ticket_key: %w", err)
	}
	return d, nil
}

// maxPublicKey bounds a file with a public key.
const maxPublicKey = 64 << 10

// readPublicKey reads a public key, or that of a certificate, in PEM.
func readPublicKey(file string) (crypto.PublicKey, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxPublicKey {
		return nil, fmt.Errorf("%s is no public key: it has %d bytes", file, info.Size())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM", file)
	}
	if block.Type == "CERTIFICATE" {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return cert.PublicKey, nil
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// openWorkplace makes the server of the workplace and listens, if there is to be
// one. TLS ends here: the connection's certificate is who asks. It is demanded in
// the handshake and judged by the pages at every request, so that a refusal is a
// page (WP-502); a session of TLS is never taken up again, so that each
// connection shows its certificate anew.
func (n *node) openWorkplace() error {
	c := n.config.Workplace
	if c.Listen == "" {
		return nil
	}
	shell, err := n.newWorkplace()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
	if err != nil {
		return fmt.Errorf("workplace.tls: %w", err)
	}
	t := n.config.SOAP.Timeouts
	n.workplace.server = &http.Server{
		Handler: shell, ReadHeaderTimeout: t.Header, ReadTimeout: t.Header + t.Body, WriteTimeout: t.Header + t.Body + pageTimeout, IdleTimeout: t.Idle,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: quietLog(n.log),
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
			ClientAuth: tls.RequireAnyClientCert, ClientCAs: n.trust.Pool(), SessionTicketsDisabled: true,
		},
	}
	if n.workplace.listener, err = n.listen("tcp", c.Listen); err != nil {
		return fmt.Errorf("workplace.listen: %w", err)
	}
	return nil
}

// newWorkplace joins the core of the workplace with its pages.
func (n *node) newWorkplace() (*web.Shell, error) {
	c := n.config.Workplace
	people, err := access.New(access.Config{Trust: n.trust, Calendar: n.registry.Calendar, Evidence: n.evidence}, n.db)
	if err != nil {
		return nil, err
	}
	cards, err := newCardDesk(c, n.evidence)
	if err != nil {
		return nil, err
	}
	core := workplace.New(workplace.Config{
		Access: people, Bills: n.bills, Cards: cards, Gateway: n.gateway, Evidence: n.evidence, Directory: n.directory,
		Calendar: n.registry.Calendar, Currency: n.config.Currency,
	}, n.db)
	limits := web.DefaultLimits
	limits.PerSecond, limits.Burst = float64(c.RatePerSecond), c.Burst
	shell, err := web.New(pages.Shell(web.Config{
		Location: n.zone, Clock: time.Now, Limits: limits, Timeout: pageTimeout, Sandbox: c.Sandbox, Support: c.Support, Log: n.log, Observe: n.metrics.page,
	}))
	if err != nil {
		return nil, err
	}
	return shell, pages.Mount(shell, pages.Config{
		Access: people, Workplace: core, Bills: n.bills, Calendar: n.registry.Calendar, Names: n.directory,
		Sessions: pages.NewSessions(pageSessions{n.db}), Bridge: c.CardBridge,
	})
}

// serve begins to serve operators, not more connections at once than most.
func (s *workplaceSite) serve(most int, failed chan<- error) {
	limited := limitConnections(s.listener, most)
	go func() { failed <- s.server.ServeTLS(limited, "", "") }()
}

func (s *workplaceSite) close() error {
	if s.listener == nil {
		return nil
	}
	return s.listener.Close()
}

func (s *workplaceSite) stop(ctx context.Context) error {
	if s.server == nil {
		return nil
	}
	return s.server.Shutdown(ctx)
}

// certificateReady tells whether browsers still take the workplace's own
// certificate.
func (s *workplaceSite) certificateReady(now time.Time) error {
	cert := s.server.TLSConfig.Certificates[0].Leaf
	if cert == nil || now.After(cert.NotAfter) {
		return errors.New("the certificate has expired")
	}
	return nil
}
