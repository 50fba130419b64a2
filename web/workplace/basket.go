package workplace

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tolem"
	"tolem/access"
	"tolem/web"
	"tolem/workplace"
)

// lines is a basket as it is shown.
type lines struct {
	Basket tolem.Basket
	Groups []group
	Total  tolem.Money
	Wrong  map[tolem.LineID]string // key of the message at a line
}

// group are the lines of one organisation.
type group struct {
	ID    tolem.ProviderID
	Name  string
	Lines []line
}

// line is a line with what may be chosen for it.
type line struct {
	tolem.BasketLine
	Currency       tolem.Currency
	Units          []tolem.OrganisationUnit // that may receive it
	AsanUnits      []tolem.AsanUnit
	Required, Asan bool // a receiver, an ASAN unit must be chosen
}

// Debt, Sum and Charge are the line's amounts.
func (l line) Debt() tolem.Money   { return tolem.Money{Minor: l.Open, Currency: l.Currency} }
func (l line) Sum() tolem.Money    { return tolem.Money{Minor: l.Amount, Currency: l.Currency} }
func (l line) Charge() tolem.Money { return tolem.Money{Minor: l.Fee, Currency: l.Currency} }

// Choosable reports whether the row opens a list (WP-045, WP-049).
func (l line) Choosable() bool { return len(l.Units) > 0 || l.Asan }

// Missing reports whether a choice is still to be made (WP-044, WP-048).
func (l line) Missing() bool { return l.Required && l.Unit == "" || l.Asan && l.AsanUnit == "" }

// firstChoice is the list that the next key goes to.
func (l line) firstChoice() string {
	if len(l.Units) > 0 && (l.Unit == "" || !l.Asan || l.AsanUnit != "") {
		return "unit"
	}
	return "asan-unit"
}

// Calculated reports whether “Ödə” may be pressed (WP-537).
func (l lines) Calculated() bool { return l.Basket.Calculated() }

// Numbers are the lines whose amounts a form brings.
func (l lines) Numbers() string {
	numbers := make([]string, len(l.Basket.Lines))
	for i, m := range l.Basket.Lines {
		numbers[i] = strconv.Itoa(int(m.No))
	}
	return strings.Join(numbers, " ")
}

func (l lines) line(no tolem.LineID) *line {
	for _, g := range l.Groups {
		for i := range g.Lines {
			if g.Lines[i].No == no {
				return &g.Lines[i]
			}
		}
	}
	return nil
}

// Smart reports whether a card is to be written.
func (l lines) Smart() bool {
	return slices.ContainsFunc(l.Basket.Lines, func(m tolem.BasketLine) bool { return m.Smart })
}

// Choosable reports whether any row opens a list.
func (l lines) Choosable() bool {
	return slices.ContainsFunc(l.Groups, func(g group) bool { return slices.ContainsFunc(g.Lines, line.Choosable) })
}

// linesOf groups a basket by organisation, in the order in which these came
// (WP-042).
func (d *desk) linesOf(x *web.Exchange, by access.Actor, b tolem.Basket) (lines, error) {
	currency := d.Workplace.Currency
	shown := lines{Basket: b, Total: tolem.Money{Minor: b.Total(), Currency: currency}}
	if len(b.Lines) == 0 {
		return shown, nil
	}
	organisations, err := d.Bills.Organisations(x.Request.Context(), by.Person.Bank)
	if err != nil {
		return shown, err
	}
	asan := make([]tolem.AsanUnit, 0)
	if by.Person.IsAsan() {
		if asan, err = d.Bills.AsanUnits(x.Request.Context(), by.Person.AsanPoint); err != nil {
			return shown, err
		}
	}
	for _, l := range b.Lines {
		row := line{BasketLine: l, Currency: currency, Asan: by.Person.IsAsan(), AsanUnits: asan}
		if i := slices.IndexFunc(organisations, func(o tolem.Organisation) bool { return o.ID == l.Account.Organisation }); i >= 0 {
			row.Required = organisations[i].ReceiverRequired
			row.Units = slices.DeleteFunc(slices.Clone(organisations[i].Units), func(u tolem.OrganisationUnit) bool { return !u.Active })
			slices.SortFunc(row.Units, func(a, b tolem.OrganisationUnit) int {
				return cmp.Compare(tolem.SortKey(a.Name), tolem.SortKey(b.Name))
			})
		}
		i := slices.IndexFunc(shown.Groups, func(g group) bool { return g.ID == l.Account.Organisation })
		if i < 0 {
			i = len(shown.Groups)
			shown.Groups = append(shown.Groups, group{ID: l.Account.Organisation, Name: l.Organisation})
		}
		shown.Groups[i].Lines = append(shown.Groups[i].Lines, row)
	}
	return shown, nil
}

// editOf is what a form of the screen brings: which basket it showed, and the
// amounts in it.
func editOf(f web.Form) workplace.Edit {
	e := workplace.Edit{Amounts: make(map[tolem.LineID]string)}
	e.Version, _ = strconv.ParseInt(f.Get("version"), 10, 64)
	for _, n := range strings.Fields(f.Get("lines")) {
		if no := lineOf(n); no > 0 && len(e.Amounts) < tolem.MaxLines {
			e.Amounts[no] = f.Get(atAmount + "-" + n)
		}
	}
	return e
}

// search looks an account up: “Axtar”, or “Ödənişi əlavə et” (WP-033 to WP-039).
func (d *desk) search(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	return d.searchOf(x, by, f)
}

func (d *desk) searchOf(x *web.Exchange, by access.Actor, f web.Form) error {
	w := d.formWhere(f)
	typed := f.Get("account")
	if account, err := tolem.ParseAccountNumber(typed); err == nil && account == w.Account {
		return d.keep(x, by, f, w.window(windowServices, 0).address())
	}
	entry, err := d.Workplace.Search(x.Request.Context(), by, editOf(f), w.Organisation, typed)
	if err != nil {
		return d.refuse(x, by, f, entry.Basket, err)
	}
	w.Account = entry.Account.Account.Number
	if len(entry.Services) > 0 {
		return x.See(w.window(windowServices, 0).address())
	}
	return d.added(x, by, w, entry)
}

// added leads to what is to be chosen for the lines that came, or else to the
// amount of the first.
func (d *desk) added(x *web.Exchange, by access.Actor, w where, entry workplace.Entry) error {
	shown, err := d.linesOf(x, by, entry.Basket)
	if err != nil {
		return err
	}
	for _, no := range entry.Added {
		if l := shown.line(no); l != nil && l.Missing() {
			return x.See(w.window(windowUnits, no).address())
		}
	}
	return x.See(w.at(atAmount, entry.Added[0]).address())
}

// addServices adds the service codes that were chosen: “Əlavə edin” (WP-037,
// WP-038).
func (d *desk) addServices(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	return d.addServicesOf(x, by, f)
}

func (d *desk) addServicesOf(x *web.Exchange, by access.Actor, f web.Form) error {
	w := d.formWhere(f)
	services, err := d.Bills.Services(x.Request.Context(), w.Organisation)
	if err != nil {
		return err
	}
	var codes []tolem.ServiceCode
	for _, s := range services {
		if f.Get("code-"+string(s.Code)) != "" {
			codes = append(codes, s.Code)
		}
	}
	if len(codes) == 0 {
		b, err := d.Workplace.Keep(x.Request.Context(), by, editOf(f))
		if err != nil {
			return d.refuse(x, by, f, b, err)
		}
		return d.show(x, by, b, paymentsData{Notice: bad("pay.no_code"), Where: w.window(windowServices, 0)})
	}
	entry, err := d.Workplace.AddServices(x.Request.Context(), by, editOf(f), w.Organisation, w.Account, codes)
	if err != nil {
		return d.refuse(x, by, f, entry.Basket, err)
	}
	return d.added(x, by, w, entry)
}

// chooseUnit stores what was chosen in the row of a line (WP-044 to WP-050).
func (d *desk) chooseUnit(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	w := d.formWhere(f)
	b, err := d.choose(x, by, f)
	if err != nil {
		return d.refuse(x, by, f, b, err)
	}
	shown, err := d.linesOf(x, by, b)
	if err != nil {
		return err
	}
	for _, g := range shown.Groups {
		for _, l := range g.Lines {
			if l.Missing() && l.No > w.Line { // one after the other
				return x.See(w.window(windowUnits, l.No).address())
			}
		}
	}
	return x.See(w.at(atAmount, shown.unpriced(w.Line)).address())
}

// unpriced is the first line whose amount is still to be typed; if there is
// none, the other one.
func (l lines) unpriced(other tolem.LineID) tolem.LineID {
	for _, g := range l.Groups {
		for _, m := range g.Lines {
			if m.Typed == "" {
				return m.No
			}
		}
	}
	return other
}

// choose stores the choices of the open row.
func (d *desk) choose(x *web.Exchange, by access.Actor, f web.Form) (tolem.Basket, error) {
	unit, asan := tolem.UnitCode(f.Get("unit")), tolem.UnitCode(f.Get("asan-unit"))
	units := [2]*tolem.UnitCode{&unit, &asan}
	if f.Get("with-unit") == "" {
		units[0] = nil
	}
	if !by.Person.IsAsan() {
		units[1] = nil
	}
	return d.Workplace.Choose(x.Request.Context(), by, editOf(f), lineOf(f.Get("choosing")), units[0], units[1])
}

// removeLine takes a line out (WP-051).
func (d *desk) removeLine(x *web.Exchange, by access.Actor) error {
	return d.remove(x, by, func(e workplace.Edit) (tolem.Basket, error) {
		return d.Workplace.Remove(x.Request.Context(), by, e, lineOf(x.Request.PathValue("line")))
	})
}

// removeOrganisation takes all lines of an organisation out (WP-052).
func (d *desk) removeOrganisation(x *web.Exchange, by access.Actor) error {
	return d.remove(x, by, func(e workplace.Edit) (tolem.Basket, error) {
		return d.Workplace.RemoveOrganisation(x.Request.Context(), by, e, tolem.ProviderID(x.Request.PathValue("organisation")))
	})
}

func (d *desk) remove(x *web.Exchange, by access.Actor, do func(workplace.Edit) (tolem.Basket, error)) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	b, err := do(editOf(f))
	if err != nil {
		return d.refuse(x, by, f, b, err)
	}
	w := d.formWhere(f).entry()
	if len(b.Lines) > 0 && w.Organisation == "" {
		w = w.at(atAmount, b.Lines[0].No)
	}
	return x.See(w.address())
}

// calculate works out fees and total: “Hesabla” (WP-055 to WP-058).
func (d *desk) calculate(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	return d.calculateOf(x, by, f)
}

func (d *desk) calculateOf(x *web.Exchange, by access.Actor, f web.Form) error {
	w, e := d.formWhere(f), editOf(f)
	if w.Line > 0 { // a row is open: what was chosen in it counts
		b, err := d.choose(x, by, f)
		if err != nil {
			return d.refuse(x, by, f, b, err)
		}
		e.Version = b.Version
	}
	if len(e.Amounts) == 0 {
		return x.See(w.entry().address())
	}
	b, err := d.Workplace.Calculate(x.Request.Context(), by, e)
	if err != nil {
		return d.refuse(x, by, f, b, err)
	}
	return x.See(w.at(atPay, 0).address())
}

// pay asks for confirmation: “Ödə” (WP-059). What was changed since the
// calculation is calculated first (WP-537).
func (d *desk) pay(x *web.Exchange, by access.Actor) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	b, err := d.Workplace.Keep(x.Request.Context(), by, editOf(f))
	switch {
	case err != nil:
		return d.refuse(x, by, f, b, err)
	case !b.Calculated():
		return d.show(x, by, b, paymentsData{Notice: bad("pay.not_calculated"), Where: d.formWhere(f).entry()})
	}
	return x.See(confirmPath)
}

// accountData is what the print of an account's details sees (WP-054).
type accountData struct {
	Line    tolem.BasketLine
	Printed time.Time
	PDF     string // there is none
}

// printAccount is the sheet with an account's details.
func (d *desk) printAccount(x *web.Exchange, by access.Actor) error {
	b, err := d.Workplace.Basket(x.Request.Context(), by)
	if err != nil {
		return err
	}
	l, err := b.Line(lineOf(x.Request.PathValue("line")))
	if err != nil {
		return web.ErrNotFound
	}
	if err := d.record(x, by, l.Account.String()); err != nil {
		return err
	}
	return x.Render(200, "print_account", accountData{Line: l, Printed: x.Now()})
}

// withSaid is an address with a message.
func withSaid(path, key string) string {
	return path + "?" + url.Values{saidField: {key}}.Encode()
}
