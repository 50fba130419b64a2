package workplace

import (
	"fmt"
	"strings"
	"time"

	"tolem"
	"tolem/registry/form"
	"tolem/web"
	"tolem/workplace"
)

// scribe writes what is printed, in the language of the reader. Its first error
// stays, and ends the printing.
type scribe struct {
	page *web.Page
	zone *time.Location
	err  error
}

func (d *desk) scribe(x *web.Exchange) *scribe { return &scribe{page: x.Page(nil), zone: d.zone} }

func (s *scribe) say(key string, pairs ...any) string {
	text, err := s.page.T(key, pairs...)
	if s.err == nil {
		s.err = err
	}
	return text
}

func (s *scribe) money(m tolem.Money) string {
	text, err := s.page.Money(m)
	if s.err == nil {
		s.err = err
	}
	return text
}

// moment is to the second, as reports have it.
func (s *scribe) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.zone).Format("02.01.2006 15:04:05")
}

// date is a day as people read it.
func date(d tolem.Day) string {
	year, month, day := d.Date()
	return fmt.Sprintf("%02d.%02d.%04d", day, month, year)
}

func (s *scribe) language() form.Language { return form.Language(s.page.Language) }

// rows are lines of a label and a value; those without value are left out.
func (s *scribe) rows(pairs ...string) []form.Field {
	var rows []form.Field
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			rows = append(rows, form.Field{Label: s.say(pairs[i]), Value: pairs[i+1]})
		}
	}
	return rows
}

// joined puts what there is of two names together.
func joined(a, b string) string { return strings.Trim(a+" – "+b, " –") }

// operator is who took a payment, as the receipt names them.
func (s *scribe) operator(name string, asan bool) string {
	if asan {
		return name + ", " + s.say("operator.asan")
	}
	return name
}

// details are what a receipt says of a payment, on screens and on paper.
func (s *scribe) details(p tolem.DeskPayment) []form.Field {
	return s.rows(
		"col.organisation", p.Shown.Organisation,
		"col.unit", p.Shown.Unit,
		"paper.service", joined(p.Shown.ServiceCode, p.Shown.Service),
		"col.account", string(p.Account.Number),
		"paper.holder", p.Shown.Holder,
		"paper.invoice", p.Invoice,
		"paper.period", p.Period,
		"col.asan_unit", p.Shown.AsanUnit,
		"paper.at", s.moment(p.At),
		"paper.operator", s.operator(p.Shown.Operator, p.Asan),
		"paper.code", p.Code.Printed(),
	)
}

// sums are what was paid.
func (s *scribe) sums(p tolem.DeskPayment) []form.Field {
	return []form.Field{
		{Label: s.say("paper.amount"), Value: s.money(p.Amount)},
		{Label: s.say("pay.fee"), Value: s.money(p.Fee)},
		{Label: s.say("paper.total"), Value: s.money(p.Total())},
	}
}

// slip is what receipts and cancellation receipts have in common.
func (s *scribe) slip(p tolem.DeskPayment, title string) form.Block {
	b := form.Block{
		Brand: p.Shown.Bank, Office: p.Shown.Branch, Title: s.say(title), Number: "№ " + p.Receipt.String(), Bars: p.Receipt.String(),
		Sums: s.sums(p),
	}
	if s.page.Sandbox {
		b.Warning = s.say("paper.sandbox")
	}
	return b
}

// receipt is a payment's receipt. That it was written to a SMART card it says
// only while it is on it (WP-077, WP-085, WP-086, WP-556); one of a cancelled
// payment says that.
func (s *scribe) receipt(p tolem.DeskPayment) form.Block {
	b := s.slip(p, "receipt.title")
	b.Fields = s.details(p)
	b.Hands = []form.Field{{Label: s.say("paper.cashier"), Value: p.Shown.Operator}, {Label: s.say("paper.payer")}}
	switch {
	case p.Status == tolem.DeskCancelled:
		b.Remark = s.say("status.cancelled") + ": " + s.moment(p.CancelledAt)
	case p.CardWrite.OnCard():
		b.Remark = s.say("receipt.line_card")
	}
	return b
}

// cancellation is the receipt of a cancellation. “Ləğv tarixi” is filled in only
// when the payment is cancelled (WP-124, WP-127, WP-578).
func (s *scribe) cancellation(c workplace.Cancelled) form.Block {
	p := c.Payment
	b := s.slip(p, "cancelreceipt.title")
	b.Fields = append(s.details(p), s.rows("cancelreceipt.requested", s.moment(c.Cancellation.RequestedAt), "col.status", s.say("status."+string(p.Status)))...)
	b.Fields = append(b.Fields, form.Field{Label: s.say("cancelreceipt.date"), Value: s.moment(p.CancelledAt)})
	b.Hands = []form.Field{{Label: s.say("paper.cashier")}, {Label: s.say("paper.customer")}}
	return b
}

// copies is a page of a receipt: one slip, or three to be cut apart.
func (s *scribe) copies(b form.Block, copies int) []form.Block {
	if copies == 1 {
		return []form.Block{b}
	}
	page := make([]form.Block, copies)
	for i := range page {
		page[i] = b
		page[i].Mark = s.say("paper.copy", "number", i+1, "copies", copies)
	}
	return page
}
