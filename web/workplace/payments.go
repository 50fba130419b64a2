package workplace

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tolem"
	"tolem/access"
	"tolem/bills"
	"tolem/web"
	"tolem/workplace"
)

// Windows of the payments screen.
const (
	windowList     = "list"     // organisations (S-12)
	windowServices = "services" // service codes (S-15)
	windowUnits    = "units"    // ASAN unit and receiver, inside the row of a line (S-16)
	windowDetails  = "details"  // of a line's account (S-17)
)

// Where the next key goes, if not to the first field.
const (
	atAccount = "account"
	atAmount  = "amount" // of Line
	atPay     = "pay"
)

// where is what the payments screen shows of itself. It stands in the address of
// the page, so that reload and back show the same.
type where struct {
	Organisation tolem.ProviderID
	Account      tolem.AccountNumber // was found: “Axtar” has become “Ödənişi əlavə et” (WP-035)
	Window       string
	Line         tolem.LineID // of window or amount
	At           string
}

func whereOf(q url.Values) where {
	w := where{Organisation: tolem.ProviderID(q.Get("organisation")), Window: q.Get("window"), Line: lineOf(q.Get("line")), At: q.Get("at")}
	w.Account, _ = tolem.ParseAccountNumber(q.Get("account"))
	return w
}

// address of the page that shows it.
func (w where) address() string {
	q := make(url.Values)
	for name, value := range map[string]string{
		"organisation": string(w.Organisation), "account": string(w.Account), "window": w.Window, "at": w.At,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if w.Line > 0 {
		q.Set("line", strconv.Itoa(int(w.Line)))
	}
	if len(q) == 0 {
		return paymentsPath
	}
	return paymentsPath + "?" + q.Encode()
}

// entry is the screen where an account is entered (S-13), without a window.
func (w where) entry() where { return where{Organisation: w.Organisation, Account: w.Account} }

func (w where) window(name string, line tolem.LineID) where {
	w = w.entry()
	w.Window, w.Line = name, line
	return w
}

func (w where) at(what string, line tolem.LineID) where {
	w = w.entry()
	w.At, w.Line = what, line
	return w
}

// lineOf reads the number of a line; 0 is none.
func lineOf(s string) tolem.LineID {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return tolem.LineID(n)
}

// paymentsData is what the payments screen sees (S-11 to S-18).
type paymentsData struct {
	lines
	Notice       *notice
	Where        where
	Organisation *tolem.Organisation // chosen; nil: none
	Typed        string              // into the field of the organisation or the account, when it was refused
	WrongField   string              // key of the message at that field
	Listed       []tolem.Organisation
	Services     []tolem.DeskService // to choose from
	Details      *line
	Focus        string // id of the element that the next key goes to
}

// LanguageForm implements web.Switcher: what was typed outlives the switch.
func (paymentsData) LanguageForm() (id, action string) { return "desk", speakPath }

// ByCard reports whether the organisation's accounts are read from cards (WP-089).
func (p paymentsData) ByCard() bool {
	return p.Organisation != nil && p.Organisation.Smart == tolem.SmartGas
}

// Key is the digit that chooses a service of the window, from 0 on.
func (paymentsData) Key(i int) string { return strconv.Itoa(i + 1) }

// payments shows the screen (WP-028, WP-029).
func (d *desk) payments(x *web.Exchange, by access.Actor) error {
	b, err := d.Workplace.Basket(x.Request.Context(), by)
	if err != nil {
		return err
	}
	return d.show(x, by, b, paymentsData{Where: whereOf(x.Request.URL.Query()), Notice: arrived(x)})
}

// show fills in what the screen needs, and answers with it.
func (d *desk) show(x *web.Exchange, by access.Actor, b tolem.Basket, p paymentsData) (err error) {
	if b.ID == "" {
		if b, err = d.Workplace.Basket(x.Request.Context(), by); err != nil {
			return err
		}
	}
	wrong := p.Wrong
	if p.lines, err = d.linesOf(x, by, b); err != nil {
		return err
	}
	p.Wrong = wrong
	if p.Where.Organisation != "" {
		o, err := d.Bills.Organisation(x.Request.Context(), by.Person.Bank, p.Where.Organisation)
		switch {
		case errors.Is(err, bills.ErrOrganisation):
			p.Where = where{}
		case err != nil:
			return err
		default:
			p.Organisation = &o
		}
	}
	if err := d.open(x, by, &p); err != nil {
		return err
	}
	p.Focus = p.focus()
	return x.Render(p.Notice.status(), "payments", p)
}

// open fills in what the window shows; one that cannot be shown is closed.
func (d *desk) open(x *web.Exchange, by access.Actor, p *paymentsData) error {
	switch p.Where.Window {
	case windowList:
		if p.Listed != nil {
			return nil
		}
		var err error
		p.Listed, err = d.Bills.Organisations(x.Request.Context(), by.Person.Bank)
		return err
	case windowServices:
		if p.Organisation != nil && p.Where.Account != "" {
			return d.openServices(x, by, p)
		}
	case windowUnits:
		if l := p.line(p.Where.Line); l != nil && l.Choosable() {
			return nil
		}
	case windowDetails:
		if p.Details = p.line(p.Where.Line); p.Details != nil {
			return nil
		}
	}
	p.Where.Window = ""
	return nil
}

// openServices looks up what can be paid in advance (WP-039).
func (d *desk) openServices(x *web.Exchange, by access.Actor, p *paymentsData) error {
	found, err := d.Workplace.Services(x.Request.Context(), by, p.Where.Organisation, p.Where.Account)
	if n, ok := refusalOf(err); ok {
		p.Notice, p.Where.Window = n, ""
		return nil
	}
	p.Services = found.Services
	return err
}

// focus is where the next key goes.
func (p paymentsData) focus() string {
	l := p.Where.Line
	switch {
	case p.Where.Window == windowUnits:
		return p.line(l).firstChoice()
	case p.Where.Window != "":
		return p.Where.Window
	case p.Where.At == atPay && p.Calculated():
		return atPay
	case p.Where.At == atAmount && p.line(l) != nil:
		return atAmount + "-" + strconv.Itoa(int(l))
	case p.Organisation == nil:
		return "organisation"
	}
	return atAccount
}

// organisations answers the search as somebody types, with at most mostHits
// organisations (WP-030, WP-523).
func (d *desk) organisations(x *web.Exchange, by access.Actor) error {
	found, err := d.Bills.Search(x.Request.Context(), by.Person.Bank, x.Request.URL.Query().Get("q"), mostHits)
	if err != nil {
		return err
	}
	type hit struct {
		ID   tolem.ProviderID `json:"id"`
		Name string           `json:"name"`
	}
	hits := make([]hit, len(found))
	for i, o := range found {
		hits[i] = hit{o.ID, o.Name}
	}
	return answerJSON(x, http.StatusOK, hits)
}

// mostHits are shown while somebody types.
const mostHits = 8

// answerJSON answers a program of ours.
func answerJSON(x *web.Exchange, status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	x.Header().Set("Content-Type", "application/json")
	x.WriteHeader(status)
	_, err = x.Write(text)
	return err
}

// goOn is what the Enter key does where no button has the focus: it goes on
// with what was typed, and if nothing was, calculates.
func (d *desk) goOn(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	w := d.formWhere(f)
	account, _ := tolem.ParseAccountNumber(f.Get("account"))
	switch {
	case w.Window == windowServices:
		return d.addServicesOf(x, by, f)
	case f.Get("find") != "":
		return d.find(x, by, f)
	case f.Get("account") != "" && (account == "" || account != w.Account):
		return d.searchOf(x, by, f)
	}
	return d.calculateOf(x, by, f)
}

// formWhere is where a form was.
func (d *desk) formWhere(f web.Form) where {
	w := where{Organisation: tolem.ProviderID(f.Get("organisation")), Window: f.Get("window"), Line: lineOf(f.Get("choosing"))}
	w.Account, _ = tolem.ParseAccountNumber(f.Get("known"))
	return w
}

// view opens or closes a window, and keeps the amounts that were typed.
func (d *desk) view(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	w := d.formWhere(f)
	name, number, _ := strings.Cut(f.Get("view"), "-")
	switch name {
	case windowList:
		w = w.window(windowList, 0)
	case windowUnits, windowDetails:
		w = w.window(name, lineOf(number))
	case "organisation": // another one
		w = where{}
	default:
		w = w.entry()
	}
	address := w.address()
	if name == "card" {
		address = payByCardPath + "?" + url.Values{"organisation": {string(w.Organisation)}}.Encode()
	}
	return d.keep(x, by, f, address)
}

// keep stores what was typed, and leads on.
func (d *desk) keep(x *web.Exchange, by access.Actor, f web.Form, to string) error {
	b, err := d.Workplace.Keep(x.Request.Context(), by, editOf(f))
	if err != nil {
		return d.refuse(x, by, f, b, err)
	}
	return x.See(to)
}

// speak switches the language.
func (d *desk) speak(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	x.Choose(web.Language(f.Get("language")))
	w := d.formWhere(f)
	if w.Window == "" {
		w = w.entry()
	}
	return d.keep(x, by, f, w.address())
}

// chooseOrganisation takes one of the list (WP-031), or goes by what was typed.
func (d *desk) chooseOrganisation(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	if id := tolem.ProviderID(f.Get("choose")); id != "" {
		return d.keep(x, by, f, where{Organisation: id}.address())
	}
	return d.find(x, by, f)
}

// find chooses the organisation whose name was typed (WP-030): one that is
// found leads on to its account (WP-032), of several the list is shown.
func (d *desk) find(x *web.Exchange, by access.Actor, f web.Form) error {
	typed := f.Get("find")
	found, err := d.Bills.Search(x.Request.Context(), by.Person.Bank, typed, 0)
	if err != nil {
		return err
	}
	if len(found) == 1 {
		return d.keep(x, by, f, where{Organisation: found[0].ID}.address())
	}
	b, err := d.Workplace.Keep(x.Request.Context(), by, editOf(f))
	if err != nil {
		return d.refuse(x, by, f, b, err)
	}
	p := paymentsData{Typed: typed}
	if len(found) == 0 || typed == "" {
		p.Notice, p.WrongField = bad("pay.no_organisation"), "pay.no_organisation"
	} else {
		p.Where, p.Listed = where{Window: windowList}, found
	}
	return d.show(x, by, b, p)
}

// refuse shows the screen with what the core refused: at its line, at the field
// it was about, and in the message box.
func (d *desk) refuse(x *web.Exchange, by access.Actor, f web.Form, b tolem.Basket, err error) error {
	n, ok := refusalOf(err)
	if !ok {
		return err
	}
	w := d.formWhere(f)
	p := paymentsData{Notice: n, Where: w.entry()}
	var r *workplace.Refusal
	switch errors.As(err, &r); {
	case r == nil:
	case r.Line > 0:
		p.Wrong = map[tolem.LineID]string{r.Line: r.Key()}
		p.Where = w.at(atAmount, r.Line)
		if errors.Is(r, workplace.ErrAsanRequired) || errors.Is(r, workplace.ErrReceiverRequired) {
			p.Where = w.window(windowUnits, r.Line)
		}
	case slices.Contains(ofAccounts, r.Key()):
		p.Typed, p.WrongField, p.Where.Account = f.Get("account"), r.Key(), ""
	}
	return d.show(x, by, b, p)
}

// ofAccounts are the refusals that are about an account number.
var ofAccounts = []string{workplace.ErrAccountNotFound.Key(), workplace.ErrNothingToPay.Key(), workplace.ErrLookupFailed.Key()}
