package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/config"
	"tolem/gateway/payments"
	"tolem/gateway/soap"
	"tolem/receipt"
	"tolem/store"
	"tolem/web"
	"tolem/web/checkout"
	"tolem/web/receiptcheck"
	"tolem/web/slip"
)

// receipts makes the receipts of payments and serves the page that checks them.
type receipts struct {
	n      *node
	issuer *receipt.Issuer
	texts  slip.Texts
	page   string // its address, as the QR code has it
}

func newReceipts(n *node) (*receipts, error) {
	page := receiptPage(n.config.Checkout)
	issuer, err := receipt.NewIssuer(n.signers.EC, page)
	if err != nil {
		return nil, fmt.Errorf("signing.ec, checkout.public_address: %w", err)
	}
	texts, err := slip.New()
	return &receipts{n: n, issuer: issuer, texts: texts, page: page}, err
}

// receiptPage is the address of the page that checks receipts, empty without
// one.
func receiptPage(c config.Checkout) string {
	if c.PublicAddress == "" {
		return ""
	}
	return strings.TrimSuffix(c.PublicAddress, "/") + receiptcheck.Home
}

// receiptCertificates are those whose keys sign receipts, or have done so.
func receiptCertificates(c *config.Config) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, pair := range []config.KeyPair{c.Signing.EC, c.Signing.RSA} {
		certs, err := readCertificates(pair.Cert)
		if err != nil {
			return nil, err
		}
		all = append(all, certs[0]) // below it stands its chain
	}
	for _, file := range c.Signing.Former {
		certs, err := readCertificates(file)
		if err != nil {
			return nil, fmt.Errorf("signing.former: %w", err)
		}
		all = append(all, certs...)
	}
	return all, nil
}

// mount adds the page that checks receipts.
func (r *receipts) mount(shell *web.Shell) error {
	certs, err := receiptCertificates(r.n.config)
	if err != nil {
		return err
	}
	return receiptcheck.Mount(shell, receiptcheck.Config{Certificates: certs, Published: certs, State: r.state})
}

// state tells what a code is now.
func (r *receipts) state(ctx context.Context, number tolem.CodeNumber) (state tolem.State, err error) {
	err = r.n.db.View(ctx, func(tx *store.Tx) error {
		c, err := tx.Code(number)
		state = c.State
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return tolem.StateUnknown, nil
	}
	if err != nil {
		r.n.log.Error().Err(err).Msg("a receipt was checked without knowing what its code is now")
	}
	return state, err
}

// receiptOf gathers what the receipt of a payment says.
func receiptOf(directory *banks.Directory, v payments.View) receipt.Receipt {
	c, p := v.Code, v.Payment
	bank, _ := directory.Participant(p.Bank)
	return receipt.Receipt{
		Code: c.Number, Recipient: c.Recipient, RecipientName: c.RecipientName, RequestNo: string(c.RequestNo), Account: p.Account,
		Amount: p.Amount, PaidAt: p.PaidAt, ReceivedAt: p.ReceivedAt, Method: p.Channel, Masked: v.Last.Masked, BankRef: string(p.BankRef),
		Bank: string(p.Bank), BankName: bank.Name, Service: string(c.Service), ServiceNames: v.Service,
		Provider: string(c.Provider), ProviderNames: v.Provider,
	}
}

// shown is what the page shows. A receipt without its QR code is better than
// none.
func (r *receipts) shown(v payments.View) *checkout.Receipt {
	facts := receiptOf(r.n.directory, v)
	qr, err := r.issuer.QR(facts, string(v.Checkout.Language))
	if err != nil {
		r.n.log.Error().Err(err).Str("payment", string(v.Checkout.ID)).Msg("a receipt has no QR code")
	}
	return &checkout.Receipt{Receipt: facts, QR: qr}
}

// save makes the file that a payer saves, and counts it. The signed XML is the
// same bytes every time; on the PDF stands which copy it is.
func (r *receipts) save(ctx context.Context, v payments.View, as checkout.ReceiptForm, l web.Language) (checkout.File, error) {
	document, err := r.n.signers.RSA.SignEnveloped(soap.Receipt(r.n.directory, v.Code, v.Payment))
	if err != nil {
		return checkout.File{}, fmt.Errorf("sign receipt: %w", err)
	}
	number, made, err := r.count(ctx, v.Code.Number, as)
	if err != nil {
		return checkout.File{}, err
	}
	name := "receipt-" + v.Code.Number.String()
	if as == checkout.ReceiptXML {
		return checkout.File{Name: name + ".xml", ContentType: "application/xml", Content: document}, nil
	}
	facts := receiptOf(r.n.directory, v)
	qr, err := r.issuer.QR(facts, string(l))
	if err != nil {
		return checkout.File{}, err
	}
	c := r.n.config
	var pdf bytes.Buffer
	err = r.texts.WritePDF(&pdf, facts, slip.Paper{
		Language: l, Zone: r.n.zone, Operator: c.Registers.Operator, QR: qr, Page: r.page, Signer: r.n.signers.EC.Certificate(),
		Document: sha256.Sum256(document), Number: number, Made: made, Sandbox: c.Checkout.Sandbox,
	})
	return checkout.File{Name: name + ".pdf", ContentType: "application/pdf", Content: pdf.Bytes()}, err
}

// count counts a receipt that is saved; the first is the original.
func (r *receipts) count(ctx context.Context, code tolem.CodeNumber, as checkout.ReceiptForm) (number int, at time.Time, err error) {
	err = r.n.db.Update(ctx, func(tx *store.Tx) error {
		at = tx.Now()
		number, err = tx.CountReceipt(code, string(as))
		return err
	})
	return number, at, err
}

// Receipt returns the receipt of a payment as a file.
func (p payer) Receipt(ctx context.Context, id tolem.PaymentID, as checkout.ReceiptForm, l web.Language) (checkout.File, error) {
	v, err := p.n.payments.View(ctx, id)
	if err != nil {
		return checkout.File{}, err
	}
	if !v.PaidHere || v.Payment == nil {
		return checkout.File{}, checkout.ErrNotNow
	}
	return p.receipts.save(ctx, v, as, l)
}
