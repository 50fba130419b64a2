package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tolem"
	"tolem/banks/sandbox"
	"tolem/config"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/wsdl/client"
)

// demoPayer is whoever sits in front of the payment page.
const demoPayer = tolem.ParticipantID("PAYER")

// demoReturn is where the portal has its payers sent back.
const demoReturn = "https://portal.example.kz/payments"

// demoPageScript is use cases 1 and 2: the payment page, by card and from an
// account, with a simulated bank behind it.
var demoPageScript = []demoStep{
	{"uc1-issue", "code for a birth certificate, to be paid by card", demoPortal, "OK", issue("card", demoService, 120_000, tolem.ChannelAcquiring)},
	{"uc1-start", "where to send the payer?", demoPortal, "OK", startCard},
	{"uc1-refused", "types a card without money on it", demoPayer, "REFUSED", payOnPage("card", typedCard(sandbox.CaseNamed("insufficient funds").Card()))},
	{"uc1-pay", "types another card; the bank approves and notifies", demoPayer, "OK", payOnPage("card", typedCard(sandboxCard))},
	{"uc1-checkout", "what became of it?", demoPortal, "OK", getCheckout("card")},
	{"uc1-receipt", "signed e-receipt, verified", demoPortal, "OK", demoReceipt("card")},
	{"uc2-start", "a state fee, to be paid from an account", demoPortal, "OK", startAccount},
	{"uc2-pay", "chooses the bank and types the account", demoPayer, "OK", payOnPage("account", typedAccount(demoBankA, sandboxAccount))},
	{"uc2-checkout", "what became of it, and which code was made?", demoPortal, "OK", getCheckout("account")},
	{"uc2-validate", "is the fee paid, for order 2002?", demoPortal, "OK", validateFee},
}

// demoPage is the payment page of the demonstration, the bank behind it, and
// the payer's browser.
type demoPage struct {
	page     net.Listener
	bank     net.Listener
	server   *http.Server
	stop     context.CancelFunc
	notified sync.WaitGroup
	browser  *webPayer
	payments map[string]client.StartedPayment // by the name of the step
}

// openDemoPage listens for the page and for the bank, so that both addresses
// are known before the gateway is configured.
func openDemoPage() (p *demoPage, err error) {
	p = &demoPage{payments: make(map[string]client.StartedPayment)}
	for _, l := range []*net.Listener{&p.page, &p.bank} {
		if *l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// configure has the gateway serve the page and call bank A.
func (p *demoPage) configure(c *config.Checkout) {
	c.Listen, c.PublicAddress = p.page.Addr().String(), "https://"+p.page.Addr().String()
	c.Sandbox, c.Banks, c.Acquirers = true, []string{demoBankA + "=https://" + p.bank.Addr().String() + bankSimPath}, []string{demoBankA}
}

// listen hands the gateway the page's listener.
func (p *demoPage) listen(network, address string) (net.Listener, error) {
	if address == p.page.Addr().String() {
		return p.page, nil
	}
	return net.Listen(network, address)
}

// open plays bank A, and opens the payer's browser.
func (p *demoPage) open(ctx context.Context, w *demoWorld) error {
	a := w.actors[demoBankA]
	signer, err := signing.NewSigner(a.signing.Key, a.signing.Cert)
	if err != nil {
		return err
	}
	notifier, err := client.New(w.clientConfig(a, signer))
	if err != nil {
		return err
	}
	bank, err := sandbox.New(sandbox.Config{
		Bank: demoBankA, Signer: signer, Verifier: signing.NewVerifier(w.node.trust, nil), Notifier: notifier,
		Gateway: func(v *signing.Verified) bool {
			return v.Fingerprint == w.node.signers.RSA.Fingerprint() || v.Fingerprint == w.node.signers.EC.Fingerprint()
		},
	})
	if err != nil {
		return err
	}
	host, err := w.authority.Issue(pki.Spec{CommonName: "bank-a", Usage: pki.TLSServer, Key: pki.P256})
	if err != nil {
		return err
	}
	p.server = &http.Server{Handler: bank, ReadHeaderTimeout: bankSimHeader, ErrorLog: quietLog(w.node.log), TLSConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{host.TLS()}, ClientAuth: tls.RequireAnyClientCert, VerifyConnection: w.node.trust.VerifyConnection,
	}}
	go func() { _ = p.server.ServeTLS(p.bank, "", "") }() // what goes wrong here shows in the steps
	ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	p.notified.Go(func() { bank.Run(ctx) })
	p.browser, err = newWebPayer(&http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: w.node.trust.Pool()}})
	return err
}

// close ends the bank.
func (p *demoPage) close() error {
	if p.stop != nil {
		p.stop()
		p.notified.Wait()
		p.browser.http.CloseIdleConnections()
	}
	var err error
	if p.server != nil {
		err = p.server.Close()
	}
	return errors.Join(err, ignoreClosed(p.page.Close()), ignoreClosed(p.bank.Close()))
}

func startCard(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	r, err := a.client.StartCardPayment(ctx, client.CardCheckout{
		Code: w.codes["card"], Recipient: demoCitizen, Service: demoService, Amount: demoAmount(120_000), ReturnAddress: demoReturn + "/1", Language: "en",
	})
	w.page.payments["card"] = r
	return hideToken(r.Address), err
}

func startAccount(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	r, err := a.client.StartAccountPayment(ctx, client.AccountCheckout{
		Service: demoFee, Provider: demoProvider, Recipient: demoCitizen, Amount: demoAmount(3_400_00), RequestNo: "2002", ReturnAddress: demoReturn + "/2", Language: "en",
	})
	w.page.payments["account"] = r
	return hideToken(r.Address), err
}

// hideToken shows an address of the payment page without what opens it.
func hideToken(address string) string {
	return address[:strings.LastIndexByte(address, '/')+1] + "…"
}

// payOnPage opens the address that the portal was given, or after a refusal
// the form once more, types, and waits for the outcome.
func payOnPage(name string, typed url.Values) func(context.Context, *demoWorld, *demoActor) (string, error) {
	return func(ctx context.Context, w *demoWorld, _ *demoActor) (string, error) {
		address := w.page.payments[name].Address
		if address == "" {
			return "", fmt.Errorf("%w: the portal was given no address", errWebPage)
		}
		form, err := w.page.browser.get(ctx, address)
		if err == nil && webOutcomePattern.MatchString(form.body) {
			form, err = w.page.browser.get(ctx, pageAddress(w.node.config.Checkout)+"/again")
		}
		if err != nil {
			return "", err
		}
		form.address.Path = pagePath
		outcome, err := w.page.browser.pay(ctx, form, typed)
		switch {
		case err != nil:
			return "", err
		case outcome != "good":
			return "", codeError("REFUSED")
		}
		return "the page says: paid", nil
	}
}

// getCheckout asks how a payment stands, and remembers its code.
func getCheckout(name string) func(context.Context, *demoWorld, *demoActor) (string, error) {
	return func(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
		r, err := a.client.GetCheckout(ctx, w.page.payments[name].Payment)
		if err == nil && r.Stage != tolem.StagePaid {
			err = codeError(r.Stage)
		}
		if err != nil {
			return "", err
		}
		w.codes[name] = r.Code
		return fmt.Sprintf("%s, code %s, through %s", r.Stage, r.Code.Printed(), r.Bank), nil
	}
}

// demoReceipt fetches the receipt of a code and verifies it.
func demoReceipt(code string) func(context.Context, *demoWorld, *demoActor) (string, error) {
	return func(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
		r, err := a.client.GetReceipt(ctx, w.codes[code])
		if err != nil {
			return "", err
		}
		if _, err := signing.VerifyEnveloped(r.Document, w.node.trust, time.Now()); err != nil {
			return "", fmt.Errorf("receipt does not verify: %w", err)
		}
		return fmt.Sprintf("%d bytes of XML", len(r.Document)), nil
	}
}

func validateFee(ctx context.Context, w *demoWorld, a *demoActor) (string, error) {
	r, err := a.client.ValidateCode(ctx, client.Validation{Code: w.codes["account"], RequestNo: "2002", Recipient: demoCitizen, Service: demoFee})
	return fmt.Sprintf("%s, %s", r.State, r.Amount), err
}
