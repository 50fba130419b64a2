package receiptcheck

import (
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"tolem"
	"tolem/receipt"
	"tolem/web"
	"tolem/web/slip"
)

// verdict is what there is to say of a receipt; its texts are verdict.NAME.
type verdict string

const (
	stands   verdict = "stands"   // genuine, and the payment is what it says
	refunded verdict = "refunded" // genuine, and the money was returned since
	unasked  verdict = "unasked"  // genuine; what became of it since is not known now
	missing  verdict = "missing"  // the signature fits, but there is no such payment
	altered  verdict = "altered"
	stranger verdict = "stranger" // signed with a key that is not ours
)

// tones of the page: shape and colour.
var tones = map[verdict]string{stands: "good", refunded: "bad", unasked: "wait", missing: "bad", altered: "bad", stranger: "bad"}

// verdictData is what the verdict's template sees.
type verdictData struct {
	Verdict verdict
	Tone    string
	Text    string // what was checked, for the language switch
	Amount  string
	Rows    []slip.Row
	Signer  *x509.Certificate
	At      time.Time
}

// LanguageForm implements web.Switcher.
func (verdictData) LanguageForm() (id, action string) { return formID, languagePath }

// answer verifies the text and says what it is.
func (p *page) answer(x *web.Exchange, text string) error {
	r, cert, err := receipt.Verify(text, p.Certificates)
	d := verdictData{Text: text, At: x.Now()}
	switch {
	case text == "":
		return x.Render(http.StatusUnprocessableEntity, "form", formData{Mistake: "check.empty"})
	case errors.Is(err, receipt.ErrKey):
		d.Verdict = stranger
	case errors.Is(err, receipt.ErrSignature):
		d.Verdict = altered
	case err != nil:
		return x.Render(http.StatusUnprocessableEntity, "form", formData{Text: text, Mistake: "check.unread"})
	default:
		d.Verdict, d.Signer = p.since(x, r.Code), cert
		if err := p.fill(x, &d, r); err != nil {
			return err
		}
	}
	d.Tone = tones[d.Verdict]
	return x.Render(http.StatusOK, "verdict", d)
}

// since tells what has become of the payment. That its service was given is
// nobody's business here.
func (p *page) since(x *web.Exchange, code tolem.CodeNumber) verdict {
	state, err := p.State(x.Request.Context(), code)
	switch {
	case err != nil:
		return unasked
	case state == tolem.StatePaid || state == tolem.StateClosed:
		return stands
	case state == tolem.StateRefunded:
		return refunded
	}
	return missing
}

// fill shows the fields, what is personal in part.
func (p *page) fill(x *web.Exchange, d *verdictData, r receipt.Receipt) (err error) {
	if d.Amount, err = p.texts.Amount(r.Amount, x.Language); err != nil {
		return err
	}
	d.Rows, err = p.texts.Rows(slip.Guarded(r), x.Language, p.zone)
	return err
}
