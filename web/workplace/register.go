package workplace

import (
	"net/url"

	"tolem"
	"tolem/access"
	"tolem/registry/form"
	"tolem/web"
	"tolem/workplace"
)

// whose are the names above a report.
type whose struct{ Bank, Branch string }

func (d *desk) whose(by access.Actor) whose {
	return whose{d.nameOf(by.Person.Bank), d.nameOf(by.Person.Branch)}
}

// registerData is what the register sees (S-32).
type registerData struct {
	Report        report
	Query         workplace.RegisterQuery
	Payments      []tolem.DeskPayment
	Organisations []choice
	Statuses      []choice
	Empty         *notice

	Window, Paper          string // the addresses that what is listed leads to
	SummaryPath, CashOrder string // of the day; the summary's is empty where it is not offered (WP-143)
}

// Write is the key of the link's text, in the row of a payment, that leads to
// its card: a write that has failed is tried again (WP-101, WP-553); of one whose
// page was lost before anybody knew, the ticket is taken up again (WP-551). Other
// rows have none.
func (registerData) Write(p tolem.DeskPayment) string {
	switch {
	case p.Status != tolem.DeskPlanned:
	case p.CardWrite.MayWriteAgain():
		return "register.write_card"
	case p.CardWrite == tolem.CardWritePending:
		return "card.again"
	}
	return ""
}

// queryOf is what a page of the register asks for. It begins with today, and
// with what the operator is (WP-130 to WP-133).
func (d *desk) queryOf(x *web.Exchange, by access.Actor) (workplace.RegisterQuery, error) {
	v := x.Request.URL.Query()
	day, asan, err := d.dayOf(x, by)
	q := workplace.RegisterQuery{Day: day, Asan: asan, Organisation: tolem.ProviderID(v.Get("organisation"))}
	if status, err := tolem.ParseDeskStatus(v.Get("status")); err == nil {
		q.Status = status
	}
	return q, err
}

// dayOf is the day of a report and the option “Asan əməliyyatçı”.
func (d *desk) dayOf(x *web.Exchange, by access.Actor) (day tolem.Day, asan bool, err error) {
	v := x.Request.URL.Query()
	asan = v.Get("asan") != ""
	if !v.Has("day") {
		asan = by.Person.IsAsan()
	}
	if day, err = tolem.ParseDay(v.Get("day")); err != nil {
		day, err = d.Workplace.Today(x.Request.Context())
	}
	return day, asan, err
}

// dayQuery is the part of an address that dayOf reads.
func dayQuery(day tolem.Day, asan bool) url.Values {
	v := url.Values{"day": {day.String()}}
	if asan {
		v.Set("asan", "yes")
	}
	return v
}

// addressOf is the query of an address that queryOf reads.
func addressOf(q workplace.RegisterQuery) string {
	v := dayQuery(q.Day, q.Asan)
	if q.Organisation != "" {
		v.Set("organisation", string(q.Organisation))
	}
	if q.Status != "" {
		v.Set("status", string(q.Status))
	}
	return v.Encode()
}

// registerNow reads the register that is asked for, and writes it as a report.
func (d *desk) registerNow(x *web.Exchange, by access.Actor) (workplace.Register, report, error) {
	q, err := d.queryOf(x, by)
	if err != nil {
		return workplace.Register{}, report{}, err
	}
	r, err := d.Workplace.Register(x.Request.Context(), by, q)
	if err != nil {
		return r, report{}, err
	}
	s := d.scribe(x)
	doc := s.registerOf(r, d.whose(by), x.Now())
	return r, doc, s.err
}

// register shows the payments of a day (WP-129 to WP-137).
func (d *desk) register(x *web.Exchange, by access.Actor) error {
	r, doc, err := d.registerNow(x, by)
	if err != nil {
		return err
	}
	v := registerData{
		Report: doc, Query: r.Query, Payments: r.Rows,
		Window: registerPath + "/report?" + addressOf(r.Query), Paper: printPath + "/register?" + addressOf(r.Query),
		CashOrder: cashOrderPath + "?" + dayQuery(r.Query.Day, r.Query.Asan).Encode(),
	}
	if by.Person.May(tolem.ActAsanSummary) {
		v.SummaryPath = summaryPath + "?" + dayQuery(r.Query.Day, true).Encode()
	}
	for _, o := range r.Organisations {
		v.Organisations = append(v.Organisations, choice{string(o.ID), o.Name})
	}
	s := d.scribe(x)
	for _, status := range tolem.DeskStatuses {
		v.Statuses = append(v.Statuses, choice{string(status), s.status(status)})
	}
	if s.err != nil {
		return s.err
	}
	if len(r.Rows) == 0 {
		v.Empty = &notice{Key: "report.empty", Tone: "wait"}
	}
	return x.Render(200, "register", v)
}

// windowData is what the window of a report sees, from which it is printed
// (S-33 to S-35).
type windowData struct {
	Report report
	Empty  *notice
	Paper  string // the address of what is printed
	Excel  bool   // it is offered as Excel too
	Back   string
}

// window shows a report as it will be printed.
func (d *desk) window(x *web.Exchange, doc report, name string, back string, query string) error {
	v := windowData{Report: doc, Paper: printPath + "/" + name + "?" + query, Excel: name != "cash-order", Back: registerPath + "?" + back}
	if len(doc.rows) == 0 {
		v.Empty = &notice{Key: "report.empty", Tone: "wait"}
	}
	return x.Render(200, "report", v)
}

// registerReport is the window of the register (WP-138).
func (d *desk) registerReport(x *web.Exchange, by access.Actor) error {
	r, doc, err := d.registerNow(x, by)
	if err != nil {
		return err
	}
	return d.window(x, doc, "register", addressOf(r.Query), addressOf(r.Query))
}

// summaryNow reads the summary of the day that is asked for.
func (d *desk) summaryNow(x *web.Exchange, by access.Actor) (tolem.Day, report, error) {
	day, _, err := d.dayOf(x, by)
	if err != nil {
		return day, report{}, err
	}
	r, err := d.Workplace.Summary(x.Request.Context(), by, day)
	if err != nil {
		return day, report{}, err
	}
	s := d.scribe(x)
	doc := s.summaryOf(r, d.whose(by), x.Now())
	return day, doc, s.err
}

// summary is the window of the summary report (WP-143, WP-144).
func (d *desk) summary(x *web.Exchange, by access.Actor) error {
	day, doc, err := d.summaryNow(x, by)
	if err != nil {
		return err
	}
	q := dayQuery(day, true).Encode()
	return d.window(x, doc, "summary", q, q)
}

// cashOrderNow reads the cash order of the day that is asked for.
func (d *desk) cashOrderNow(x *web.Exchange, by access.Actor) (workplace.CashOrder, report, error) {
	day, asan, err := d.dayOf(x, by)
	if err != nil {
		return workplace.CashOrder{}, report{}, err
	}
	o, err := d.Workplace.CashOrder(x.Request.Context(), by, day, asan)
	if err != nil {
		return o, report{}, err
	}
	s := d.scribe(x)
	doc := s.cashOrderOf(o)
	return o, doc, s.err
}

// cashOrder is the window of the cash receipt order (WP-148).
func (d *desk) cashOrder(x *web.Exchange, by access.Actor) error {
	o, doc, err := d.cashOrderNow(x, by)
	if err != nil {
		return err
	}
	q := dayQuery(o.Day, o.Asan).Encode()
	return d.window(x, doc, "cash-order", q, q)
}

// receiptData is what the receipt search sees (S-39, S-40).
type receiptData struct {
	Notice  *notice
	Typed   string
	Payment *tolem.DeskPayment
	Details []form.Field
	Sums    []form.Field
}

// receipts finds a receipt by its number (WP-160 to WP-165).
func (d *desk) receipts(x *web.Exchange, by access.Actor) error {
	v := receiptData{Typed: x.Request.URL.Query().Get("number")}
	if v.Typed == "" {
		return x.Render(200, "receipts", v)
	}
	n, err := tolem.ParseReceiptNo(v.Typed)
	if err != nil {
		err = workplace.ErrReceiptNotFound
	}
	var p tolem.DeskPayment
	if err == nil {
		p, err = d.Workplace.Receipt(x.Request.Context(), by, n)
	}
	if n, ok := refusalOf(err); ok {
		v.Notice = n
		return x.Render(n.status(), "receipts", v)
	}
	if err != nil {
		return err
	}
	s := d.scribe(x)
	v.Payment, v.Details, v.Sums = &p, s.standing(p), s.sums(p)
	if s.err != nil {
		return s.err
	}
	return x.Render(200, "receipts", v)
}

// standing are the details of a payment on a screen: how it stands, too.
func (s *scribe) standing(p tolem.DeskPayment) []form.Field {
	return append(s.rows("col.receipt_number", p.Receipt.String(), "col.status", s.status(p.Status),
		"cancelreceipt.date", s.moment(p.CancelledAt), "col.card_state", s.cardWrite(p.CardWrite)), s.details(p)...)
}
