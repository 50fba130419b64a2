package workplace

import (
	"fmt"

	"tolem"
	"tolem/bills"
	"tolem/gateway"
	"tolem/store"
)

// cancelled makes a payment cancelled, in the transaction of the decision: its
// code is refunded, what it paid is owed again, and the date of the cancellation
// stands (WP-123, WP-570). The payment is as the transaction has left it; it
// becomes cancelled from planned by a reversal, from awaiting by an approval.
// ErrServiceUsed is returned for a code that was closed meanwhile (WP-122).
func (w *Workplace) cancelled(tx *store.Tx, p tolem.DeskPayment, decidedBy tolem.PersonID) (tolem.DeskPayment, error) {
	event := tolem.DeskApprove
	if p.Status == tolem.DeskPlanned {
		event = tolem.DeskReverse
	}
	status, err := p.Status.On(event)
	if err != nil {
		return p, err
	}
	refund, err := w.Gateway.Refund(tx, gateway.Refund{Code: p.Code, By: string(decidedBy), Reason: "cancelled at the desk, receipt " + p.Receipt.String()})
	switch {
	case err != nil:
		return p, err
	case refund.Result == tolem.AlreadyUsed:
		return p, ErrServiceUsed
	case refund.Result != tolem.OK:
		return p, fmt.Errorf("refund of %s: %s", p.Code, refund.Result)
	}
	if err := bills.Undo(tx, p.Code); err != nil {
		return p, err
	}
	p.Status, p.CancelledAt = status, tx.Now()
	return tx.ChangeDeskPayment(p)
}
