package workplace

import (
	"context"
	"errors"
	"fmt"

	"tolem"
	"tolem/bills"
	"tolem/gateway"
	"tolem/store"
)

// errRefund: the gateway does not refund the payment's code.
var errRefund = errors.New("the code cannot be refunded")

// halfway is how often a transaction looks again.
const halfway = 3

// update runs a transaction, and runs it again if it came upon something that
// cannot be. Its reads share no snapshot: when another transaction decides a
// ticket or a cancellation meanwhile, it may have seen the one before that and
// the other after. The next time it sees both after, and says what there is to
// say.
func (w *Workplace) update(ctx context.Context, do func(*store.Tx) error) (err error) {
	for range halfway {
		err = w.db.Update(ctx, do)
		if !errors.Is(err, tolem.ErrCardMove) && !errors.Is(err, tolem.ErrDeskMove) && !errors.Is(err, errRefund) {
			return err
		}
	}
	return err
}

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
		return p, fmt.Errorf("%w: %s: %s", errRefund, p.Code, refund.Result)
	}
	if err := bills.Undo(tx, p.Code); err != nil {
		return p, err
	}
	p.Status, p.CancelledAt = status, tx.Now()
	return tx.ChangeDeskPayment(p)
}
