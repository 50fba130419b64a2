// Package receipt is the e-receipt as one short line of text that proves itself:
// all fields of UC1.28 and UC2.17 in a canonical encoding, the name of a key, and
// that key's signature. It fits a QR code on paper, and whoever has the gateway's
// certificate can check it with no network at all.
//
// It keeps nothing, draws nothing and decides nothing about money: what has
// become of a payment since its receipt was written, the text cannot know. The
// signed XML document of GetReceipt is the gateway's other form of a receipt; it
// is written elsewhere, and read here.
package receipt

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"tolem"
)

// Receipt is what a receipt says (GW-140 to GW-148). One that was read from a
// QR code has each name once, in the language it was written in and shortened to
// the limits below, and its times to the second.
type Receipt struct {
	Code          tolem.CodeNumber
	Recipient     tolem.IIN // who pays, and for whom the service is (reading note N31)
	RecipientName string    // optional
	RequestNo     string    // the portal's; optional
	Account       string    // of the payment's details
	Amount        tolem.Money
	PaidAt        time.Time // as the bank says
	ReceivedAt    time.Time // when the gateway learnt it
	Method        tolem.Channel
	Masked        string // the card or account that paid, as far as it may be shown; optional
	BankRef       string // the transaction
	Bank          string // identifier
	BankName      string
	Service       string // code
	ServiceNames  tolem.Names
	Provider      string // identifier
	ProviderNames tolem.Names
}

// Limits of the text. Identifiers are written whole; they are never longer than
// MaxIdentifier. A name with more letters than its limit is cut, and ends with an
// ellipsis: what names stand for is told by the identifiers beside them.
const (
	MaxIdentifier = 64

	maxMasked        = 40
	maxRecipientName = 40
	maxBankName      = 32
	maxServiceName   = 64
	maxProviderName  = 48

	// MaxText is the longest text that is read, the address of the page included.
	MaxText = 2048
	// maxPage is the longest address of the page.
	maxPage = 200
)

// Errors of reading.
var (
	// ErrText: the text is no receipt, or not as a gateway writes it.
	ErrText = errors.New("this is not the text of a receipt")
	// ErrKey: it names a key that is none of the given certificates'.
	ErrKey = errors.New("the receipt is signed with an unknown key")
	// ErrSignature: it was not signed by the key that it names, or altered since.
	ErrSignature = errors.New("the signature of the receipt does not fit")
)

// ErrReceipt reports a receipt that cannot be written: a field that must be
// there is not, or is none of its kind.
var ErrReceipt = errors.New("not a whole receipt")

// Mark begins every text: the format and its version.
const Mark = "TOLEM1."

// context goes before what is signed, so that the signature is of nothing else.
const context = "tolem receipt 1"

// Signer signs receipts; see signing.Signer.
type Signer interface {
	Certificate() *x509.Certificate
	SignDetached(context string, data []byte) ([]byte, error)
}

// Issuer writes receipts with one key. It is safe for concurrent use if its
// signer is.
type Issuer struct {
	signer Signer
	key    KeyID
	page   string
}

// NewIssuer returns an issuer. The key must be of curve P-256. Page is the
// address of the page that checks receipts, https://HOST/receipt; without one
// (empty) a QR code holds the bare text.
func NewIssuer(s Signer, page string) (*Issuer, error) {
	key, err := keyOf(s.Certificate())
	if err != nil {
		return nil, err
	}
	if page != "" && !isPage(page) {
		return nil, fmt.Errorf("%q cannot be the address of the page in a QR code", page)
	}
	return &Issuer{signer: s, key: key, page: page}, nil
}

// QR returns what the QR code of a receipt says, its names in the language: the
// address of the page, and behind its # the text. Browsers keep what follows #
// to themselves, so no server's log ever has it.
func (i *Issuer) QR(r Receipt, language string) (string, error) {
	body, err := r.encode(language)
	if err != nil {
		return "", err
	}
	signed := append(i.key[:len(i.key):len(i.key)], body...)
	value, err := i.signer.SignDetached(context, signed)
	if err != nil {
		return "", err
	}
	if value, err = lowForm(value); err != nil {
		return "", err
	}
	text := Mark + alphabet.EncodeToString(append(signed, value...))
	if i.page != "" {
		text = i.page + "#" + text
	}
	return text, nil
}

// isPage reports whether the text may stand before the #.
func isPage(page string) bool {
	u, err := url.Parse(page)
	if err != nil || len(page) > maxPage || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return false
	}
	return !strings.ContainsFunc(page, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' })
}

// Text returns the part of a QR code's content that is signed: what follows #,
// if an address stands before it. The address is not signed and not believed.
func Text(content string) (string, error) {
	content = strings.TrimSpace(content)
	if len(content) > MaxText {
		return "", fmt.Errorf("%w: longer than %d characters", ErrText, MaxText)
	}
	if page, text, found := strings.Cut(content, "#"); found {
		if !isPage(page) {
			return "", fmt.Errorf("%w: what stands before # is no address", ErrText)
		}
		content = text
	}
	if !strings.HasPrefix(content, Mark) {
		return "", fmt.Errorf("%w: it does not begin with %s", ErrText, Mark)
	}
	return content, nil
}

// Verify reads what a QR code says and verifies its signature with the given
// certificates, whose keys the caller believes. It returns the certificate that
// fits. Without an error nothing of the receipt was altered since the gateway
// signed it; with one nothing of it is returned.
func Verify(content string, certs []*x509.Certificate) (Receipt, *x509.Certificate, error) {
	text, err := Text(content)
	if err != nil {
		return Receipt{}, nil, err
	}
	raw, err := decode(text[len(Mark):])
	if err != nil {
		return Receipt{}, nil, err
	}
	signed, value := raw[:len(raw)-signatureSize], raw[len(raw)-signatureSize:]
	cert, err := verify(KeyID(signed[:keySize]), signed, value, certs)
	if err != nil {
		return Receipt{}, nil, err
	}
	r, err := readBody(signed[keySize:])
	if err != nil {
		return Receipt{}, nil, err
	}
	return r, cert, nil
}
