// Package checkout is the payment page: a payer who was sent here sees what is
// to be paid, enters a card or an account, confirms, and is told the truth about
// the money until it is decided.
//
// It decides nothing about money: what stands is asked of Payments before every
// page, and what is shown follows from View alone, so that reload, back, a second
// tab and a second click are all the same page. Card data pass through it in one
// request and are never shown again. cmd joins it with the core.
package checkout

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"time"

	"tolem"
	"tolem/web"
	"tolem/web/slip"
)

//go:embed i18n all:templates
var files embed.FS

// Payments is what the page asks of the core. A payment is named by its id,
// which the session keeps; no method trusts the browser.
type Payments interface {
	// Open spends the token of a link: ErrLinkUnknown, ErrLinkExpired, or
	// ErrLinkUsed, with which the payment's id is returned all the same, so
	// that the browser that had opened it finds its page again.
	Open(ctx context.Context, token string) (tolem.PaymentID, error)

	// View tells how the payment stands now.
	View(ctx context.Context, id tolem.PaymentID) (View, error)

	// PayCard and PayAccount keep the intent and begin the attempt; they do not
	// wait for the bank. ErrNotNow if the payment takes no attempt, whatever
	// the reason: View tells it. ErrNoBank if no bank, or not that one, is called.
	PayCard(ctx context.Context, id tolem.PaymentID, card tolem.Card) error
	PayAccount(ctx context.Context, id tolem.PaymentID, bank tolem.ParticipantID, account string) error

	// Cancel gives the payment up before anything was sent, else ErrNotNow.
	Cancel(ctx context.Context, id tolem.PaymentID) error

	// Receipt returns the receipt of a paid payment as a file, else ErrNotNow.
	// Whoever asks for it saves it: after the first time it is a copy.
	Receipt(ctx context.Context, id tolem.PaymentID, form ReceiptForm, l web.Language) (File, error)
}

// Orders is what the page asks of the core about buyers whom merchants send.
type Orders interface {
	// OpenOrder opens the order that a merchant's signed redirect names, whose
	// parameters these are: one of the errors of links or of orders below. With
	// ErrLinkUsed the payment's id is returned all the same.
	OpenOrder(ctx context.Context, redirect url.Values) (tolem.PaymentID, error)
}

// ReceiptForm is a form in which a receipt is saved.
type ReceiptForm string

// The forms.
const (
	ReceiptPDF ReceiptForm = "pdf"
	ReceiptXML ReceiptForm = "xml" // signed
)

// File is a document to save.
type File struct {
	Name, ContentType string
	Content           []byte
}

// The errors of Payments that a payer is told about.
var (
	ErrLinkUnknown = errors.New("no such payment link")
	ErrLinkExpired = errors.New("the payment link is too old")
	ErrLinkUsed    = errors.New("the payment link was used")
	ErrNotNow      = errors.New("the payment is not in a state for this")
	ErrNoBank      = errors.New("no bank takes this payment now")
)

// The errors of Orders that a buyer is told about.
var (
	ErrOrderAltered = errors.New("the redirect is not what a merchant has signed")
	ErrOrderPaid    = errors.New("the order is paid")
	ErrOrderDiffers = errors.New("the order had another amount before")
	ErrOrderTerms   = errors.New("the merchant cannot have this paid")
	ErrMerchant     = errors.New("there is no such merchant")
)

// errOther reports a form of another payment than the session's: one that was
// opened later in another tab. Who confirms must have seen what is paid.
var errOther = errors.New("the form belongs to another payment")

var problems = []web.Problem{
	{Err: ErrLinkUnknown, Status: http.StatusNotFound, Key: "link_unknown", Dead: true},
	{Err: ErrLinkExpired, Status: http.StatusGone, Key: "link_expired", Dead: true},
	{Err: ErrLinkUsed, Status: http.StatusGone, Key: "link_used", Dead: true},
	{Err: ErrNoBank, Status: http.StatusServiceUnavailable, Key: "no_bank"},
	{Err: ErrOrderAltered, Status: http.StatusBadRequest, Key: "order_altered", Dead: true},
	{Err: ErrOrderPaid, Status: http.StatusConflict, Key: "order_paid", Dead: true},
	{Err: ErrOrderDiffers, Status: http.StatusConflict, Key: "order_differs", Dead: true},
	{Err: ErrOrderTerms, Status: http.StatusUnprocessableEntity, Key: "order_terms", Dead: true},
	{Err: ErrMerchant, Status: http.StatusNotFound, Key: "merchant", Dead: true},
	{Err: errOther, Status: http.StatusConflict, Key: "other"},
}

// Refresh says how often a page that waits asks again by itself.
type Refresh struct {
	Waiting time.Duration // while the bank is at work
	Unknown time.Duration // while the bank is asked what became of it
}

// DefaultRefresh shows a result soon and asks calmly when it takes longer.
var DefaultRefresh = Refresh{Waiting: 3 * time.Second, Unknown: 15 * time.Second}

// Config joins the page.
type Config struct {
	Payments Payments
	Orders   Orders // nil: no merchant sends buyers here
	Sessions web.Sessions
	Refresh  Refresh
}

// page is the module: its handlers share these.
type page struct {
	Config
	mounted *web.Mounted
	texts   slip.Texts // of receipts
	zone    *time.Location
}

// home is the address of the page; links to it are home/TOKEN.
const home = "/pay"

// Mount adds the payment page to the shell.
func Mount(shell *web.Shell, c Config) error {
	if err := c.Sessions.Check(); err != nil {
		return err
	}
	m, err := shell.Mount(web.Module{Files: files, Home: home, HomeText: "problem.home", Problems: problems})
	if err != nil {
		return err
	}
	texts, err := slip.New()
	if err != nil {
		return err
	}
	p := &page{Config: c, mounted: m, texts: texts, zone: shell.Location}
	m.Handle("GET "+home+"/{token}", p.open)
	if c.Orders != nil {
		m.Handle("GET "+orderPath, p.order)
	}
	m.Handle("GET "+home, p.show)
	m.Handle("GET "+againPath, p.again)
	m.Handle("POST "+home, p.submit)
	m.Handle("POST "+languagePath, p.language)
	m.Handle("POST "+cancelPath, p.cancel)
	m.Handle("GET "+home+"/receipt.pdf", p.receipt(ReceiptPDF))
	m.Handle("GET "+home+"/receipt.xml", p.receipt(ReceiptXML))
	return nil
}
