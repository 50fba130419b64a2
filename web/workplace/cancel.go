package workplace

import (
	"errors"
	"fmt"
	"strings"

	"tolem"
	"tolem/access"
	"tolem/registry/form"
	"tolem/smartcard"
	"tolem/web"
	"tolem/workplace"
)

// errCancel is a technical fault during a cancellation (WP-121).
var errCancel = errors.New("cancellation")

// cancelData is what the screen of cancellations sees (S-28, S-29, S-31).
type cancelData struct {
	Notice  *notice
	Typed   string
	Payment *tolem.DeskPayment // found; nil: none
	Details []form.Field
	Sums    []form.Field
	Asked   bool // it is asked whether to cancel really
	Bridge  string
}

// OnCard reports whether the payment has to be taken off its card first
// (WP-112, WP-113, WP-565).
func (c cancelData) OnCard() bool { return c.Payment != nil && c.Payment.CardWrite.OnCard() }

// toCancel searches the payment (WP-104 to WP-106, WP-114, WP-115), and asks
// whether to cancel it.
func (d *desk) toCancel(x *web.Exchange, by access.Actor) error {
	q := x.Request.URL.Query()
	return d.showCancel(x, by, q.Get("number"), q.Has("ask"), arrived(x))
}

// showCancel shows the screen with a payment, if its number is one.
func (d *desk) showCancel(x *web.Exchange, by access.Actor, typed string, asked bool, n *notice) error {
	v := cancelData{Notice: n, Typed: typed, Bridge: d.bridge()}
	if typed == "" {
		return x.Render(n.status(), "cancel", v)
	}
	no, err := tolem.ParseReceiptNo(typed)
	if err != nil {
		err = workplace.ErrReceiptNotFound
	}
	var p tolem.DeskPayment
	if err == nil {
		p, err = d.Workplace.ToCancel(x.Request.Context(), by, no)
	}
	if refused, ok := refusalOf(err); ok {
		v.Notice = refused
		return x.Render(refused.status(), "cancel", v)
	}
	if err != nil {
		return err
	}
	s := d.scribe(x)
	v.Payment, v.Details, v.Sums, v.Asked = &p, s.standing(p), s.sums(p), asked
	if s.err != nil {
		return s.err
	}
	return x.Render(n.status(), "cancel", v)
}

// cancel asks the core for the cancellation (WP-107, WP-116). A refusal is shown
// above the payment it is about (WP-119, WP-120, WP-122).
func (d *desk) cancel(x *web.Exchange, by access.Actor) error {
	no, f, err := numbered(x)
	if err != nil {
		return err
	}
	_, err = d.Workplace.Cancel(anyway(x), by, no, readOf(f))
	if n, ok := refusalOf(notReady(f, err)); ok {
		return d.showCancel(x, by, no.String(), false, n)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errCancel, err)
	}
	return x.See(cancelPath + "/" + no.String())
}

// numbered reads the receipt number in the address, and the form that came with
// it.
func numbered(x *web.Exchange) (no tolem.ReceiptNo, f web.Form, err error) {
	if no, err = number(x); err == nil {
		f, err = x.FormOf(maxAnswer)
	}
	return no, f, err
}

// readOf is what a card bridge has read; nil: nothing.
func readOf(f web.Form) []byte {
	if read := f.Get("read"); read != "" {
		return []byte(read)
	}
	return nil
}

// notReady is the refusal with what the bridge found missing, if a card was
// missing (WP-557).
func notReady(f web.Form, err error) error {
	code := f.Get("not-ready")
	var r *workplace.Refusal
	if readOf(f) == nil && code != "" && len(code) <= maxCode && errors.As(err, &r) && strings.HasPrefix(r.Key(), "card.") {
		return workplace.CardRefusal(smartcard.Code(code))
	}
	return err
}

// reversed takes what the bridge said about a reversal (WP-123, WP-565). One
// that failed leaves the payment as it was (WP-566).
func (d *desk) reversed(x *web.Exchange, by access.Actor) error {
	return d.decidedByCard(x, func(f web.Form) error {
		_, err := d.Workplace.Written(anyway(x), by, []byte(f.Get("answer")))
		return err
	}, by)
}

// reversalRead takes what the card holds, if nobody knows what became of the
// reversal (WP-551).
func (d *desk) reversalRead(x *web.Exchange, by access.Actor) error {
	return d.decidedByCard(x, func(f web.Form) error { return d.readAgain(x, by, f) }, by)
}

// readAgain has the card decide what nobody knows.
func (d *desk) readAgain(x *web.Exchange, by access.Actor, f web.Form) error {
	if readOf(f) == nil {
		return workplace.CardRefusal(smartcard.Code(f.Get("not-ready")))
	}
	_, err := d.Workplace.ReadCard(anyway(x), by, readOf(f))
	return err
}

// decidedByCard shows how a cancellation stands after the card was heard: what
// awaits it still, on its page; what was refused, above the payment.
func (d *desk) decidedByCard(x *web.Exchange, hear func(web.Form) error, by access.Actor) error {
	no, f, err := numbered(x)
	if err != nil {
		return err
	}
	err = hear(f)
	n, refused := refusalOf(err)
	if err != nil && !refused {
		return fmt.Errorf("%w: %w", errCancel, err)
	}
	if !refused {
		return x.See(cancelPath + "/" + no.String())
	}
	c, err := d.Workplace.Cancellation(x.Request.Context(), by, no)
	if err != nil {
		return err
	}
	if c.Ticket != nil {
		return d.showCancelled(x, c, n)
	}
	return d.showCancel(x, by, no.String(), false, n)
}

// cancelledData is what the completion of a cancellation sees (S-30).
type cancelledData struct {
	workplace.Cancelled
	Notice  *notice
	Details []form.Field
	Sums    []form.Field
	Bridge  string
}

// cancelled shows what became of a cancellation (WP-108, WP-117).
func (d *desk) cancelled(x *web.Exchange, by access.Actor) error {
	no, err := number(x)
	if err != nil {
		return err
	}
	c, err := d.Workplace.Cancellation(x.Request.Context(), by, no)
	if err != nil {
		return err
	}
	return d.showCancelled(x, c, outcome(c))
}

func (d *desk) showCancelled(x *web.Exchange, c workplace.Cancelled, n *notice) error {
	s := d.scribe(x)
	v := cancelledData{Cancelled: c, Notice: n, Details: s.standing(c.Payment), Sums: s.sums(c.Payment), Bridge: d.bridge()}
	v.Details = append(v.Details, s.rows("cancelreceipt.requested", s.moment(c.Cancellation.RequestedAt), "cancelreceipt.reason", c.Cancellation.Reason)...)
	if s.err != nil {
		return s.err
	}
	return x.Render(200, "cancelled", v)
}

// outcome says how a cancellation stands.
func outcome(c workplace.Cancelled) *notice {
	switch {
	case c.Ticket != nil:
		return nil // the page says that the card is being written
	case c.Payment.Status == tolem.DeskCancelled:
		return good("cancel.done")
	case c.Payment.Status == tolem.DeskAwaiting:
		return &notice{Key: "cancel.awaits", Tone: "wait"}
	}
	return bad("cancel.rejected")
}
