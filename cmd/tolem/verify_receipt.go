package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tolem/receipt"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/web"
	"tolem/web/slip"
)

// receiptCheck is what a person asks of a receipt.
type receiptCheck struct {
	qr, qrFile                           string
	certs, anchors, intermediates, lists []string
	config                               *string
}

// verifiedReceipt is the outcome as it is printed.
type verifiedReceipt struct {
	Genuine bool         `json:"genuine"`
	Reason  string       `json:"reason,omitempty"` // why it is not
	Signer  string       `json:"signer,omitempty"`
	Key     string       `json:"key,omitempty"`
	Receipt *receiptView `json:"receipt,omitempty"`

	facts receipt.Receipt
}

// receiptView is a receipt for machines.
type receiptView struct {
	Code          string    `json:"paymentCode"`
	TransactionNo string    `json:"transactionNo"`
	Bank          string    `json:"bankId"`
	BankName      string    `json:"bankName,omitempty"`
	Recipient     string    `json:"recipientIIN"`
	RecipientName string    `json:"recipientName,omitempty"`
	RequestNo     string    `json:"requestNo,omitempty"`
	Account       string    `json:"accountNo,omitempty"`
	Amount        string    `json:"amount"`
	Currency      string    `json:"currency"`
	PaidAt        time.Time `json:"paidAt"`
	ReceivedAt    time.Time `json:"receivedAt"`
	Method        string    `json:"paymentMethod"`
	Masked        string    `json:"paidWith,omitempty"`
	Service       string    `json:"serviceCode"`
	ServiceName   string    `json:"serviceName,omitempty"`
	Provider      string    `json:"providerId"`
	ProviderName  string    `json:"providerName,omitempty"`
}

func viewReceipt(r receipt.Receipt) *receiptView {
	return &receiptView{
		Code: r.Code.String(), TransactionNo: r.BankRef, Bank: r.Bank, BankName: r.BankName, Recipient: r.Recipient.Reveal(), RecipientName: r.RecipientName,
		RequestNo: r.RequestNo, Account: r.Account, Amount: r.Amount.Decimal(), Currency: string(r.Amount.Currency), PaidAt: r.PaidAt, ReceivedAt: r.ReceivedAt,
		Method: string(r.Method), Masked: r.Masked, Service: r.Service, ServiceName: r.ServiceNames.In("en"), Provider: r.Provider, ProviderName: r.ProviderNames.In("en"),
	}
}

func verifyReceiptCommand(s streams) *cobra.Command {
	var check receiptCheck
	var language string
	c := &cobra.Command{
		Use: "receipt [FILE.xml]", Short: "Verify an e-receipt: its signed XML, or what its QR code says",
		Long: `Verifies a receipt with no gateway and no network, and prints what was signed.

The certificates of the gateway that sign receipts can be had from its page,
https://PAGE/receipt/certificates.pem; compare their fingerprints with the
operator's. With --cert these, and no others, are believed, also when they have
expired. With --anchor they must lead to an anchor as well. Without either the
configuration of the gateway says whom to believe.

What has become of the payment since, no receipt can tell: the page can.`,
		Example: `  tolem verify receipt receipt.xml --cert certificates.pem
  tolem verify receipt --qr 'https://PAGE/receipt#TOLEM1....' --cert certificates.pem
  zbarimg -q --raw scan.png | tolem verify receipt --qr - --cert certificates.pem`,
		Args: cobra.MaximumNArgs(1),
	}
	f := c.Flags()
	f.StringVar(&check.qr, "qr", "", "what the QR code says; - reads it from the input")
	f.StringVar(&check.qrFile, "qr-file", "", "`file` with what the QR code says")
	f.StringArrayVar(&check.certs, "cert", nil, "PEM `file` with certificates of the gateway; may be repeated")
	f.StringArrayVar(&check.anchors, "anchor", nil, "`file or folder` of anchors; by default those of the configuration")
	f.StringArrayVar(&check.intermediates, "intermediate", nil, "`file or folder` of intermediates")
	f.StringArrayVar(&check.lists, "crl", nil, "`file or folder` of revocation lists")
	f.StringVar(&language, "language", "en", "of what is printed: kk, ru, en, az or uz")
	check.config = configFlag(c)
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		l := web.Language(language)
		if !slices.Contains(web.Languages, l) {
			return fmt.Errorf("%w: --language %s", errUsage, language)
		}
		result, err := check.run(c.Context(), s.in, args)
		if err != nil {
			return err
		}
		if *asJSON {
			err = printJSON(s.out, result)
		} else {
			err = result.print(s, l)
		}
		if err == nil && !result.Genuine {
			err = errCheck
		}
		return err
	}
	return c
}

// run verifies what was named: a file, or the text of a QR code. An error says
// that nothing could be verified.
func (check receiptCheck) run(ctx context.Context, in io.Reader, args []string) (verifiedReceipt, error) {
	named := len(args)
	for _, flag := range []string{check.qr, check.qrFile} {
		if flag != "" {
			named++
		}
	}
	if named != 1 {
		return verifiedReceipt{}, fmt.Errorf("%w: name one receipt: FILE.xml, --qr or --qr-file", errUsage)
	}
	if len(args) == 1 {
		document, err := os.ReadFile(args[0])
		if err != nil {
			return verifiedReceipt{}, fmt.Errorf("%w (what a QR code says goes behind --qr)", err)
		}
		return check.document(ctx, document)
	}
	text, err := check.text(in)
	if err != nil {
		return verifiedReceipt{}, err
	}
	return check.code(ctx, text)
}

// text returns what the QR code says.
func (check receiptCheck) text(in io.Reader) (string, error) {
	switch {
	case check.qr == "-":
		text, err := io.ReadAll(io.LimitReader(in, 2*receipt.MaxText))
		return string(text), err
	case check.qrFile != "":
		text, err := os.ReadFile(check.qrFile)
		return string(text), err
	}
	return check.qr, nil
}

// code verifies the text of a QR code.
func (check receiptCheck) code(ctx context.Context, text string) (verifiedReceipt, error) {
	certs, err := check.believed()
	if err != nil {
		return verifiedReceipt{}, err
	}
	if len(certs) == 0 {
		return verifiedReceipt{}, fmt.Errorf("%w: --cert is missing: a QR code has no room for a certificate", errUsage)
	}
	r, cert, err := receipt.Verify(text, certs)
	if err != nil {
		return verifiedReceipt{Reason: err.Error()}, nil
	}
	if len(check.anchors) > 0 {
		trusted, err := check.trust(ctx)
		if err != nil {
			return verifiedReceipt{}, err
		}
		if _, err := trusted.Check(cert, time.Now()); err != nil {
			return verifiedReceipt{Reason: err.Error()}, nil
		}
	}
	return genuine(r, cert), nil
}

// document verifies a signed XML receipt.
func (check receiptCheck) document(ctx context.Context, document []byte) (verifiedReceipt, error) {
	truster, err := check.truster(ctx)
	if err != nil {
		return verifiedReceipt{}, err
	}
	signed, err := signing.VerifyEnveloped(document, truster, time.Now())
	if err != nil {
		return verifiedReceipt{Reason: err.Error()}, nil
	}
	r, err := receipt.ReadDocument(signed.Content)
	if err != nil {
		return verifiedReceipt{Reason: err.Error()}, nil
	}
	return genuine(r, signed.Certificate), nil
}

func genuine(r receipt.Receipt, cert *x509.Certificate) verifiedReceipt {
	return verifiedReceipt{Genuine: true, Signer: cert.Subject.String(), Key: receipt.KeyOf(cert).String(), Receipt: viewReceipt(r), facts: r}
}

// believed returns the certificates of --cert, or without any flag those of the
// configuration.
func (check receiptCheck) believed() ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for _, file := range check.certs {
		more, err := readCertificates(file)
		if err != nil {
			return nil, err
		}
		certs = append(certs, more...)
	}
	if len(certs) > 0 || len(check.anchors) > 0 {
		return certs, nil
	}
	c, err := loadConfig(*check.config)
	if err != nil {
		return nil, err
	}
	return receiptCertificates(c)
}

// trust opens the anchors that were named, or those of the configuration.
func (check receiptCheck) trust(ctx context.Context) (*trust.Store, error) {
	t := trust.Config{Anchors: check.anchors, Intermediates: check.intermediates, CRLs: check.lists}
	if len(check.anchors) == 0 {
		c, err := loadConfig(*check.config)
		if err != nil {
			return nil, err
		}
		t = trust.Config{Anchors: c.Trust.Anchors, Intermediates: c.Trust.Intermediates, CRLs: c.Trust.CRLs}
	}
	return trust.Open(ctx, t, nil)
}

// truster says whose certificate in a document is believed.
func (check receiptCheck) truster(ctx context.Context) (signing.Truster, error) {
	if len(check.certs) == 0 {
		return check.trust(ctx)
	}
	certs, err := check.believed()
	if err != nil {
		return nil, err
	}
	only := onlyThese{certs: certs}
	if len(check.anchors) > 0 {
		only.trusted, err = check.trust(ctx)
	}
	return only, err
}

// onlyThese believes certificates that were handed over, and an authority only
// if one is named besides.
type onlyThese struct {
	certs   []*x509.Certificate
	trusted *trust.Store
}

var errOtherCertificate = errors.New("the certificate in it is none of those that were given")

// Check implements signing.Truster.
func (o onlyThese) Check(cert *x509.Certificate, now time.Time) (trust.Proof, error) {
	if !slices.ContainsFunc(o.certs, cert.Equal) {
		return trust.Proof{}, errOtherCertificate
	}
	if o.trusted == nil {
		return trust.Proof{}, nil
	}
	return o.trusted.Check(cert, now)
}

// print shows the receipt as a person reads it; times are those of this
// machine's clock, with their zone.
func (v verifiedReceipt) print(out streams, l web.Language) error {
	if !v.Genuine {
		_, err := fmt.Fprintf(out.out, "NOT GENUINE: %s\n", v.Reason)
		return err
	}
	texts, err := slip.New()
	if err != nil {
		return err
	}
	rows, err := texts.Rows(v.facts, l, time.Local)
	if err != nil {
		return err
	}
	amount, err := texts.Amount(v.facts.Amount, l)
	if err != nil {
		return err
	}
	fmt.Fprintf(out.out, "genuine, signed by %s (key %s)\n\n%s\n\n", v.Signer, v.Key, amount)
	widest := 0
	for _, r := range rows {
		widest = max(widest, len([]rune(r.Label)))
	}
	for _, r := range rows {
		fmt.Fprintf(out.out, "%s%s  %s\n", r.Label, strings.Repeat(" ", widest-len([]rune(r.Label))), r.Value)
	}
	return nil
}
