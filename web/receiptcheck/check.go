// Package receiptcheck is the page on which anybody learns whether a receipt is
// genuine. It takes what the receipt's QR code says, verifies it with the
// gateway's certificates, and tells what was signed and whether the money has
// been returned since.
//
// It believes the signature alone and keeps nothing. It tells no more than the
// code holds, but for a refund: whoever has no genuine code learns nothing of any
// payment. cmd joins it with the core.
package receiptcheck

import (
	"bytes"
	"context"
	"crypto/x509"
	"embed"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"time"

	"tolem"
	"tolem/receipt"
	"tolem/web"
	"tolem/web/slip"
)

//go:embed i18n templates
var files embed.FS

// Config joins the page.
type Config struct {
	// Certificates sign, or have signed, the QR codes of receipts.
	Certificates []*x509.Certificate
	// Published are offered to whoever wants to check offline.
	Published []*x509.Certificate
	// State tells what a code is now; StateUnknown if there is none. The page
	// does without an answer: an error is for the caller's own log.
	State func(context.Context, tolem.CodeNumber) (tolem.State, error)
}

// Home is the path of the page; what a QR code says comes behind its #.
const Home = "/receipt"

const (
	languagePath     = Home + "/language"
	certificatesPath = Home + "/certificates.pem"
)

// formID and field name the form that is sent, by a person, the language switch,
// or static/receipt.js.
const (
	formID = "check"
	field  = "receipt"
)

// page is the module: its handlers share these.
type page struct {
	Config
	texts  slip.Texts
	zone   *time.Location
	bundle []byte // Published as PEM
}

// Mount adds the page to the shell.
func Mount(shell *web.Shell, c Config) error {
	if len(c.Certificates) == 0 || c.State == nil {
		return errors.New("the page that checks receipts needs certificates, and to know what has become of codes")
	}
	texts, err := slip.New()
	if err != nil {
		return err
	}
	m, err := shell.Mount(web.Module{Files: files, Home: Home, HomeText: "check.home"})
	if err != nil {
		return err
	}
	p := &page{Config: c, texts: texts, zone: shell.Location, bundle: bundleOf(c.Published)}
	m.HandleScripted("GET "+Home, p.ask)
	m.Handle("POST "+Home, p.check)
	m.Handle("POST "+languagePath, p.language)
	m.Handle("GET "+certificatesPath, p.certificates)
	return nil
}

func bundleOf(certs []*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a buffer cannot fail
	}
	return b.Bytes()
}

// formData is what the form's template sees.
type formData struct {
	Text    string
	Mistake string // key of what is wrong
}

// LanguageForm implements web.Switcher.
func (formData) LanguageForm() (id, action string) { return formID, languagePath }

// ask shows the form. Where scripts run, static/receipt.js fills and sends it
// with what stands behind the # of the address, which no server ever sees.
func (p *page) ask(x *web.Exchange) error { return x.Render(http.StatusOK, "form", formData{}) }

// read returns the form and what was sent to be checked. Programs and people
// break long lines: spaces, which a code never holds, are left out.
func read(x *web.Exchange) (f web.Form, text string, err error) {
	if f, err = x.FormOf(2 * receipt.MaxText); err != nil {
		return f, "", err
	}
	return f, strings.Join(strings.Fields(f.Get(field)), ""), nil
}

func (p *page) check(x *web.Exchange) error {
	_, text, err := read(x)
	if err != nil {
		return err
	}
	return p.answer(x, text)
}

// language shows the same in another language.
func (p *page) language(x *web.Exchange) error {
	f, text, err := read(x)
	if err != nil {
		return err
	}
	x.Choose(web.Language(f.Get("language")))
	if text == "" {
		return x.See(Home)
	}
	return p.answer(x, text)
}

// certificates saves the certificates for those who check offline.
func (p *page) certificates(x *web.Exchange) error {
	return x.Download("tolem-receipts.pem", "application/x-pem-file", p.bundle)
}
