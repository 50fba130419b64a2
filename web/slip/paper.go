package slip

import (
	"crypto/x509"
	"encoding/hex"
	"io"
	"strings"
	"time"

	"tolem/receipt"
	"tolem/registry/form"
	"tolem/web"
)

// Paper is what a receipt on paper says besides the receipt.
type Paper struct {
	Language web.Language
	Zone     *time.Location
	Operator string            // of the gateway
	QR       string            // what the QR code says
	Page     string            // address of the page that checks receipts; may be empty
	Signer   *x509.Certificate // of the QR code
	Document [32]byte          // SHA-256 of the signed XML
	Number   int               // 1: the original; 2: the first copy
	Made     time.Time
	Sandbox  bool
}

// WritePDF writes the receipt as a document of one page (GW-150, GW-151).
func (t Texts) WritePDF(w io.Writer, r receipt.Receipt, p Paper) error {
	paper, err := t.paper(r, p)
	if err != nil {
		return err
	}
	return form.WritePaper(w, paper)
}

func (t Texts) paper(r receipt.Receipt, p Paper) (form.Paper, error) {
	s := &speaker{t.catalogue, p.Language, nil}
	code, err := NewCode(p.QR)
	if err != nil {
		return form.Paper{}, err
	}
	rows, err := t.Rows(r, p.Language, p.Zone)
	if err != nil {
		return form.Paper{}, err
	}
	sum, err := t.Amount(r.Amount, p.Language)
	if err != nil {
		return form.Paper{}, err
	}
	made := p.Made.In(p.Zone).Format(moment)
	paper := form.Paper{
		Language: form.Language(p.Language), Brand: s.say("brand.name"), About: s.say("brand.what"),
		Operator: form.Field{Label: s.say("slip.operator"), Value: p.Operator}, Title: s.say("slip.title"), Number: r.Code.Printed(),
		Mark: s.say("slip.original"), Sum: form.Field{Label: s.say("slip.paid"), Value: sum}, QR: code.Dark,
		QRTitle: s.say("slip.check"), QRTexts: []string{s.howToCheck(p.Page), s.say("slip.compare")},
		QRFields: []form.Field{
			{Label: s.say("slip.signer"), Value: signerName(p.Signer)},
			{Label: s.say("slip.certificate"), Value: strings.ToUpper(p.Signer.SerialNumber.Text(16))},
			{Label: s.say("slip.key"), Value: receipt.KeyOf(p.Signer).String()},
		},
		Notes:   []string{s.say("slip.document", "hash", hex.EncodeToString(p.Document[:])), s.say("slip.formed", "moment", made)},
		Printed: p.Made,
	}
	for _, row := range rows {
		paper.Fields = append(paper.Fields, form.Field{Label: row.Label, Value: row.Value})
	}
	if p.Number > 1 {
		paper.Mark = s.say("slip.copy", "n", p.Number-1, "date", p.Made.In(p.Zone).Format("02.01.2006 15:04"))
	}
	if p.Sandbox {
		paper.Warning = s.say("slip.sandbox")
	}
	return paper, s.err
}

// howToCheck says what anybody can do to be sure of the receipt.
func (s *speaker) howToCheck(page string) string {
	if page == "" {
		return s.say("slip.check_tool")
	}
	_, address, _ := strings.Cut(page, "://")
	return s.say("slip.check_page", "address", address)
}

// signerName is the name of a certificate's owner as people know it.
func signerName(cert *x509.Certificate) string {
	name := cert.Subject.CommonName
	if len(cert.Subject.Organization) > 0 {
		name += ", " + cert.Subject.Organization[0]
	}
	return name
}
