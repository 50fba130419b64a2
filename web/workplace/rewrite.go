package workplace

import (
	"errors"

	"tolem"
	"tolem/access"
	"tolem/registry/form"
	"tolem/web"
	"tolem/workplace"
)

// rewriteData is what the page sees on which a payment is written to its card
// once more (WP-101).
type rewriteData struct {
	Notice  *notice
	Payment tolem.DeskPayment
	Details []form.Field
	Sums    []form.Field
	Ticket  *tolem.CardTicket // is being carried out
	Bridge  string
	May     bool // the write may be tried again (WP-553)
}

// showRewrite shows the payment, and the ticket that is open for it.
func (d *desk) showRewrite(x *web.Exchange, by access.Actor) error { return d.rewritePage(x, by, nil) }

// rewritePage shows the payment as it stands, with a message.
func (d *desk) rewritePage(x *web.Exchange, by access.Actor, n *notice) error {
	no, err := number(x)
	if err != nil {
		return err
	}
	p, err := d.Workplace.Receipt(x.Request.Context(), by, no)
	if err != nil {
		return err
	}
	s := d.scribe(x)
	v := rewriteData{
		Notice: n, Payment: p, Details: s.standing(p), Sums: s.sums(p), Bridge: d.bridge(),
		May: p.Status == tolem.DeskPlanned && p.CardWrite.MayWriteAgain() && p.Branch == by.Person.Branch,
	}
	switch {
	case s.err != nil:
		return s.err
	case p.CardWrite == tolem.CardWritePending:
		t, err := d.Workplace.OpenTicket(x.Request.Context(), by, no)
		if err == nil {
			v.Ticket = &t
		}
	case n == nil && p.CardWrite == tolem.CardWriteWritten:
		v.Notice = good("card.rewritten")
	}
	return x.Render(v.Notice.status(), "rewrite", v)
}

// rewrite gives out another ticket for the card that was read.
func (d *desk) rewrite(x *web.Exchange, by access.Actor) error {
	return d.rewriting(x, by, func(no tolem.ReceiptNo, f web.Form) error {
		if readOf(f) == nil {
			return workplace.CardRefusal(codeOf(f))
		}
		_, err := d.Workplace.WriteAgain(anyway(x), by, no, readOf(f))
		return err
	})
}

// rewritten takes what the bridge said (WP-102, WP-103).
func (d *desk) rewritten(x *web.Exchange, by access.Actor) error {
	return d.rewriting(x, by, func(_ tolem.ReceiptNo, f web.Form) error {
		_, err := d.Workplace.Written(anyway(x), by, []byte(f.Get("answer")))
		return err
	})
}

// rewriteRead takes what the card holds, if nobody knows what became of the
// write (WP-551).
func (d *desk) rewriteRead(x *web.Exchange, by access.Actor) error {
	return d.rewriting(x, by, func(_ tolem.ReceiptNo, f web.Form) error { return d.readAgain(x, by, f) })
}

// rewriting does a step and shows what came of it. That a write failed is said
// in the words of the register (WP-103), before the cause.
func (d *desk) rewriting(x *web.Exchange, by access.Actor, step func(tolem.ReceiptNo, web.Form) error) error {
	no, f, err := numbered(x)
	if err != nil {
		return err
	}
	err = step(no, f)
	if errors.Is(err, workplace.ErrReceiptNotFound) {
		return err
	}
	if n, ok := refusalOf(err); ok {
		return d.rewritePage(x, by, unwritten(n))
	}
	if err != nil {
		return err
	}
	return x.See(rewritePath + "/" + no.String())
}

// unwritten says that the payment could not be written, and why.
func unwritten(n *notice) *notice {
	const failed = "card.write_failed"
	if n.Key == failed {
		return n
	}
	return &notice{Key: failed, Tone: "bad", Cause: n.Key}
}
