package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/banks/bankv1"
	"tolem/banks/exchange"
	"tolem/config"
	"tolem/gateway"
	"tolem/gateway/payments"
	"tolem/gateway/redirect"
	"tolem/signing"
	"tolem/store"
	"tolem/web"
	"tolem/web/checkout"
)

// Times of the payment page.
const (
	pageIdle     = 30 * time.Minute
	pageAbsolute = 24 * time.Hour
	pageTimeout  = 15 * time.Second // of one request: the bank is not waited for
	pagePath     = "/pay"
)

// newConnectors opens a connector to every bank that is called.
func newConnectors(n *node) (map[tolem.ParticipantID]banks.Connector, error) {
	c := n.config.Checkout
	addresses, err := c.BankAddresses()
	if err != nil || len(addresses) == 0 {
		return nil, err
	}
	channel, err := n.clientCertificate()
	if err != nil {
		return nil, err
	}
	connectors := make(map[tolem.ParticipantID]banks.Connector, len(addresses))
	for id, address := range addresses {
		connectors[id], err = bankv1.New(bankv1.Config{
			Bank: id, Address: address, Observe: n.bankCalled,
			Config: n.exchangeWith(id, channel, c.CallTimeout),
		})
		if err != nil {
			return nil, fmt.Errorf("bank %s: %w", id, err)
		}
	}
	return connectors, nil
}

// exchangeWith is how a participant's system is called.
func (n *node) exchangeWith(id tolem.ParticipantID, channel tls.Certificate, timeout time.Duration) exchange.Config {
	return exchange.Config{Signer: n.signerFor(id), Certificate: channel, Trust: n.trust, Directory: n.directory, Timeout: timeout}
}

// signerFor returns the key with which a participant is called: that with which it
// wants its own requests to be answered, RSA if it has said nothing.
func (n *node) signerFor(id tolem.ParticipantID) *signing.Signer {
	if p, _ := n.directory.Participant(id); p.AnswerKey == tolem.AnswerEC {
		return n.signers.EC
	}
	return n.signers.RSA
}

// bankCalled counts a call to a bank.
func (n *node) bankCalled(c bankv1.Call) {
	outcome := string(c.Outcome)
	switch {
	case errors.Is(c.Err, banks.ErrNotSent):
		outcome = "NOT_SENT"
	case c.Err != nil:
		outcome = "NO_ANSWER"
	}
	n.metrics.bankCalls.WithLabelValues(string(c.Bank), c.Operation, outcome).Observe(c.Took.Seconds())
}

// pageAddress is where payers are sent, empty without a payment page.
func pageAddress(c config.Checkout) string {
	if c.Listen == "" {
		return ""
	}
	return strings.TrimSuffix(c.PublicAddress, "/") + pagePath
}

// openPage makes the server of the payment page and listens, if there is to be
// one.
func (n *node) openPage() (err error) {
	c := n.config.Checkout
	if c.Listen == "" {
		return nil
	}
	shell, err := n.newShell()
	if err != nil {
		return err
	}
	t := n.config.SOAP.Timeouts
	server := &http.Server{
		Handler: shell, ReadHeaderTimeout: t.Header, ReadTimeout: t.Header + t.Body, WriteTimeout: t.Header + t.Body + pageTimeout, IdleTimeout: t.Idle,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: quietLog(n.log),
	}
	if c.TLS.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
		if err != nil {
			return fmt.Errorf("checkout.tls: %w", err)
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	}
	if n.pageListener, err = n.listen("tcp", c.Listen); err != nil {
		return fmt.Errorf("checkout.listen: %w", err)
	}
	n.pageServer = server
	return nil
}

// newShell mounts what payers see.
func (n *node) newShell() (*web.Shell, error) {
	c := shellConfig(n.config.Checkout, n.zone)
	c.Log, c.Observe = n.log, n.metrics.page
	shell, err := web.New(c)
	if err != nil {
		return nil, err
	}
	receipts, err := newReceipts(n)
	if err != nil {
		return nil, err
	}
	err = checkout.Mount(shell, checkout.Config{
		Payments: payer{n, receipts}, Orders: payer{n, receipts}, Refresh: checkout.DefaultRefresh,
		Sessions: web.Sessions{Store: pageSessions{n.db}, Cookie: "__Host-pay", Idle: pageIdle, Absolute: pageAbsolute},
	})
	if err != nil {
		return nil, err
	}
	return shell, receipts.mount(shell)
}

// servePage begins to serve payers, not more of them at once than callers.
func (n *node) servePage() {
	limited := limitConnections(n.pageListener, n.config.SOAP.MaxConnections)
	go func() {
		if n.pageServer.TLSConfig == nil {
			n.failed <- n.pageServer.Serve(limited)
			return
		}
		n.failed <- n.pageServer.ServeTLS(limited, "", "")
	}()
}

func (n *node) closePage() error {
	if n.pageListener == nil {
		return nil
	}
	return n.pageListener.Close()
}

func (n *node) stopPage(ctx context.Context) error {
	if n.pageServer == nil {
		return nil
	}
	return n.pageServer.Shutdown(ctx)
}

// payer is what the payment page asks of the core.
type payer struct {
	n        *node
	receipts *receipts
}

// toPage tells the page's errors from the core's.
func toPage(err error) error {
	for _, e := range []struct{ core, page error }{
		{gateway.ErrTokenUsed, checkout.ErrLinkUsed}, {gateway.ErrTokenExpired, checkout.ErrLinkExpired}, {gateway.ErrToken, checkout.ErrLinkUnknown},
		{payments.ErrNotNow, checkout.ErrNotNow}, {payments.ErrBank, checkout.ErrNoBank},
		{gateway.ErrOrderPaid, checkout.ErrOrderPaid}, {gateway.ErrOrderDiffers, checkout.ErrOrderDiffers}, {gateway.ErrOrderTerms, checkout.ErrOrderTerms},
		{redirect.ErrMerchant, checkout.ErrMerchant}, {redirect.ErrSignature, checkout.ErrOrderAltered}, {redirect.ErrForm, checkout.ErrOrderAltered},
		{redirect.ErrUnavailable, web.ErrBusy},
	} {
		if errors.Is(err, e.core) {
			return fmt.Errorf("%w: %w", e.page, err)
		}
	}
	return err
}

func (p payer) Open(ctx context.Context, token string) (tolem.PaymentID, error) {
	id, err := p.n.payments.Open(ctx, token)
	return id, toPage(err)
}

// OpenOrder opens the order that a merchant's redirect names.
func (p payer) OpenOrder(ctx context.Context, query url.Values) (tolem.PaymentID, error) {
	id, err := p.n.redirects.Open(ctx, query)
	return id, toPage(err)
}

func (p payer) PayCard(ctx context.Context, id tolem.PaymentID, card tolem.Card) error {
	return toPage(p.n.payments.PayCard(ctx, id, card))
}

func (p payer) PayAccount(ctx context.Context, id tolem.PaymentID, bank tolem.ParticipantID, account string) error {
	return toPage(p.n.payments.PayAccount(ctx, id, bank, account))
}

func (p payer) Cancel(ctx context.Context, id tolem.PaymentID) error {
	return toPage(p.n.payments.Cancel(ctx, id))
}

// View tells how a payment stands.
func (p payer) View(ctx context.Context, id tolem.PaymentID) (checkout.View, error) {
	v, err := p.n.payments.View(ctx, id)
	if err != nil {
		return checkout.View{}, err
	}
	c := v.Checkout
	view := checkout.View{
		Deadline: c.InputBy, Amount: c.Amount, Service: v.Service, Provider: v.Provider, Description: c.Details, Order: string(c.RequestNo),
		Code: c.Code, Requester: tolem.Names{RU: v.Requester}, ReturnURL: c.ReturnURL, Language: string(c.Language),
		PaidBefore: v.Stage == tolem.StagePaid && !v.PaidHere, Withdrawn: v.Stage == tolem.StageCancelled || v.Stage == tolem.StageExpired,
	}
	if c.Kind == tolem.CheckoutAccount {
		view.Methods = []tolem.Method{tolem.MethodAccount}
	} else if v.Cards {
		view.Methods = []tolem.Method{tolem.MethodCard}
	}
	for _, b := range v.Banks {
		view.Banks = append(view.Banks, checkout.Bank{ID: b.ID, Names: tolem.Names{RU: b.Name}})
	}
	if a := v.Last; a != nil {
		view.State, view.Reason, view.Method, view.Masked = a.State, a.Reason, a.Method, a.Masked
		// Nothing has ended the visit before its time but the payer.
		view.GivenUp = a.State == tolem.AttemptAbandoned && a.DecidedAt.Before(c.RedeemedAt.Add(tolem.InputTTL))
	}
	if v.PaidHere && v.Payment != nil {
		view.Code, view.Receipt = v.Code.Number, p.receipts.shown(v)
		view.State = tolem.AttemptApproved // whether or not the bank has answered us
	}
	return view, nil
}

// pageSessions keeps the sessions of pages.
type pageSessions struct{ db *store.DB }

func (s pageSessions) Create(ctx context.Context, h web.SessionHash, session web.Session, until time.Time) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return tx.InsertPageSession(h, store.PageSession(session), until) })
}

func (s pageSessions) Find(ctx context.Context, h web.SessionHash) (session web.Session, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		found, err := tx.PageSession(h)
		session = web.Session(found)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = web.ErrNoSession
	}
	return session, err
}

func (s pageSessions) Touch(ctx context.Context, h web.SessionHash, seen time.Time) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return tx.TouchPageSession(h, seen) })
}

func (s pageSessions) Remove(ctx context.Context, h web.SessionHash) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return tx.RemovePageSession(h) })
}
