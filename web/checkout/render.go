package checkout

import (
	"net/http"
	"slices"
	"time"

	"tolem"
	"tolem/web"
	"tolem/web/slip"
)

// formData is what the form's template sees.
type formData struct {
	View
	Mark     string
	Entry    entry
	Mistakes []mistake
	Minutes  int
	Card     bool // the payer may pay by card
	Account  bool
}

// formID is the form that the language switch sends too.
const formID = "pay"

// LanguageForm implements web.Switcher.
func (formData) LanguageForm() (id, action string) { return formID, languagePath }

// Wrong returns the key of what is wrong with a field, if anything is.
func (d formData) Wrong(field string) string {
	if i := slices.IndexFunc(d.Mistakes, func(m mistake) bool { return m.Field == field }); i >= 0 {
		return d.Mistakes[i].Key
	}
	return ""
}

// form shows the form.
func (p *page) form(x *web.Exchange, id tolem.PaymentID, v View, e entry, wrong []mistake) error {
	offered := v.offered()
	if len(offered) == 0 {
		return ErrNoBank
	}
	d := formData{
		View: v, Mark: markOf(id), Entry: e, Mistakes: wrong, Minutes: v.minutesLeft(x.Now()),
		Card: slices.Contains(offered, tolem.MethodCard), Account: slices.Contains(offered, tolem.MethodAccount),
	}
	if d.Entry.Method == "" && d.Card {
		d.Entry.Method = tolem.MethodCard
	}
	status := http.StatusOK
	if len(wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return x.Render(status, "form", d)
}

// outcomeData is what the templates of the other stages see.
type outcomeData struct {
	View
	Stage  stage
	Tone   string // good, bad, wait: shape and colour of the page
	Again  bool   // another attempt may begin
	Return string
}

// tones of the stages; what is not here is neither good nor bad.
var tones = map[stage]string{
	stagePaid: "good", stageBefore: "good", stageReversed: "wait",
	stageWaiting: "wait", stageApproved: "wait", stageUnknown: "wait",
	stageRefused: "bad", stageExpired: "bad", stageWithdrawn: "bad",
}

// Waits reports whether the page asks again by itself.
func (d outcomeData) Waits() bool {
	return d.Stage == stageWaiting || d.Stage == stageApproved || d.Stage == stageUnknown
}

// MayLeave reports whether the payer loses nothing by going back now.
func (d outcomeData) MayLeave() bool { return !d.Waits() || d.Stage == stageUnknown }

// render shows the page of the payment's stage.
func (p *page) render(x *web.Exchange, id tolem.PaymentID, v View) error {
	s := v.stage(x.Now())
	d := outcomeData{View: v, Stage: s, Tone: tones[s], Again: v.payable(x.Now()), Return: v.returnLink()}
	switch s {
	case stageForm:
		return p.form(x, id, v, entry{}, nil)
	case stagePaid:
		return p.paid(x, d)
	case stageWaiting, stageApproved:
		refresh(x, p.Refresh.Waiting)
	case stageUnknown:
		refresh(x, p.Refresh.Unknown)
	}
	return x.Render(http.StatusOK, "outcome", d)
}

// paidData is what the template of a paid payment sees besides.
type paidData struct {
	outcomeData
	Rows  []slip.Row
	Code  slip.Code // what the QR code looks like
	Shown time.Time
}

// paid shows the receipt (GW-149, GW-151).
func (p *page) paid(x *web.Exchange, d outcomeData) error {
	rows, err := p.texts.Rows(d.Receipt.Receipt, x.Language, p.zone)
	if err != nil {
		return err
	}
	var code slip.Code
	if d.Receipt.QR != "" {
		if code, err = slip.NewCode(d.Receipt.QR); err != nil {
			return err
		}
	}
	return x.Render(http.StatusOK, "paid", paidData{d, rows, code, x.Now()})
}
