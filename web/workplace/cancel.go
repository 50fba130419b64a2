package workplace

import (
	"errors"
	"fmt"

	"tolem"
	"tolem/access"
	"tolem/registry/form"
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
	v := cancelData{Notice: n, Typed: typed, Bridge: d.Bridge}
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
	no, err := number(x)
	if err != nil {
		return err
	}
	f, err := x.Form()
	if err != nil {
		return err
	}
	_ = f
	_, err = d.Workplace.Cancel(anyway(x), by, no, nil)
	if n, ok := refusalOf(err); ok {
		return d.showCancel(x, by, no.String(), false, n)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errCancel, err)
	}
	return x.See(cancelPath + "/" + no.String())
}

// cancelledData is what the completion of a cancellation sees (S-30).
type cancelledData struct {
	workplace.Cancelled
	Notice  *notice
	Details []form.Field
	Sums    []form.Field
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
	s := d.scribe(x)
	v := cancelledData{Cancelled: c, Notice: outcome(c), Details: s.standing(c.Payment), Sums: s.sums(c.Payment)}
	v.Details = append(v.Details, s.rows("cancelreceipt.requested", s.moment(c.Cancellation.RequestedAt), "cancelreceipt.reason", c.Cancellation.Reason)...)
	if s.err != nil {
		return s.err
	}
	return x.Render(200, "cancelled", v)
}

// outcome says how a cancellation stands.
func outcome(c workplace.Cancelled) *notice {
	switch {
	case c.Payment.Status == tolem.DeskCancelled:
		return good("cancel.done")
	case c.Payment.Status == tolem.DeskAwaiting:
		return &notice{Key: "cancel.awaits", Tone: "wait"}
	}
	return bad("cancel.rejected")
}
