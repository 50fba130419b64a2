package workplace

import (
	"strconv"

	"tolem"
	"tolem/access"
	"tolem/registry/form"
	"tolem/web"
	"tolem/workplace"
)

// approvalsData is what the list of cancellations sees that await a decision
// (S-43).
type approvalsData struct {
	Notice  *notice
	Pending []workplace.Pending
}

// approvals lists them, the oldest first (WP-568, WP-573).
func (d *desk) approvals(x *web.Exchange, by access.Actor) error {
	list, err := d.Workplace.Awaiting(x.Request.Context(), by)
	if err != nil {
		return err
	}
	return x.Render(200, "approvals", approvalsData{arrived(x), list})
}

// approvalData is what a decision sees: the payment whole, so that who decides
// sees what about.
type approvalData struct {
	Notice  *notice
	Pending workplace.Pending
	Details []form.Field
	Sums    []form.Field
	Reject  bool // it is about to be rejected; otherwise approved
	Typed   string
	Max     int
}

// approval asks for a decision.
func (d *desk) approval(x *web.Exchange, by access.Actor) error {
	no, err := number(x)
	if err != nil {
		return err
	}
	return d.decision(x, by, no, approvalData{Reject: x.Request.URL.Query().Has("reject")})
}

// decision shows a request that awaits one; of one that is decided, the list
// with what happened.
func (d *desk) decision(x *web.Exchange, by access.Actor, no tolem.ReceiptNo, v approvalData) error {
	list, err := d.Workplace.Awaiting(x.Request.Context(), by)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Payment.Receipt != no {
			continue
		}
		s := d.scribe(x)
		v.Pending, v.Details, v.Sums, v.Max = p, s.standing(p.Payment), s.sums(p.Payment), workplace.MaxReason
		v.Details = append(v.Details, s.rows("admin.requested_by", p.RequestedBy, "cancelreceipt.requested", s.moment(p.Cancellation.RequestedAt))...)
		if s.err != nil {
			return s.err
		}
		return x.Render(v.Notice.status(), "approval", v)
	}
	n := v.Notice
	if n == nil {
		n = bad(workplace.ErrNotPlanned.Key())
	}
	return x.Render(n.status(), "approvals", approvalsData{n, list})
}

// approve and reject decide (WP-570 to WP-572).
func (d *desk) approve(x *web.Exchange, by access.Actor) error { return d.decide(x, by, true) }
func (d *desk) reject(x *web.Exchange, by access.Actor) error  { return d.decide(x, by, false) }

func (d *desk) decide(x *web.Exchange, by access.Actor, approved bool) error {
	no, err := number(x)
	if err != nil {
		return err
	}
	f, err := x.FormOf(reasonBytes)
	if err != nil {
		return err
	}
	seq, err := strconv.Atoi(f.Get("seq"))
	if err != nil {
		return web.ErrForm
	}
	_, err = d.Workplace.Decide(anyway(x), by, no, seq, approved, f.Get("reason"))
	if n, ok := refusalOf(err); ok {
		return d.decision(x, by, no, approvalData{Notice: n, Reject: !approved, Typed: f.Get("reason")})
	}
	if err != nil {
		return err
	}
	if approved {
		return x.See(saying(approvalsPath, "admin.approved"))
	}
	return x.See(saying(approvalsPath, "admin.rejected"))
}

// reasonBytes is the longest reason that is read: letters have up to four bytes.
const reasonBytes = 4 * workplace.MaxReason
