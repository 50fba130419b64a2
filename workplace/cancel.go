package workplace

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"tolem"
	"tolem/access"
	"tolem/archive"
	"tolem/smartcard"
	"tolem/smartcard/desk"
	"tolem/store"
)

// Limits of cancellations.
const (
	// MaxReason bounds the reason of a rejection, in characters.
	MaxReason = 300
	// maxPending bounds the list of what awaits a decision; the oldest are first.
	maxPending = 500
)

// Cancelled is what a request to cancel came to.
type Cancelled struct {
	Payment      tolem.DeskPayment
	Cancellation tolem.DeskCancellation // the last request
	// Ticket takes the payment off the card first (WP-565): the page hands it to
	// the bridge, and the answer to Written, which cancels. Nil: no card. Until
	// then the payment awaits its cancellation, which the card decides and nobody
	// else.
	Ticket *tolem.CardTicket
}

// ToCancel finds a payment of the actor's branch by its receipt number
// (WP-105, WP-560, WP-561), or ErrReceiptNotFound.
func (w *Workplace) ToCancel(ctx context.Context, by access.Actor, n tolem.ReceiptNo) (p tolem.DeskPayment, err error) {
	if err := access.May(by, tolem.ActRequestCancellation); err != nil {
		return p, err
	}
	err = w.db.View(ctx, func(tx *store.Tx) error {
		p, err = ofBranch(tx, by, n)
		return err
	})
	return p, err
}

// Cancel asks for the cancellation of a payment (WP-107, WP-119 to WP-128). One
// that is on a SMART card needs the bridge's answer to a challenge in read;
// without it the refusal is that of a missing card. While a reversal is under
// way whoever asked for it gets its ticket again.
//
// An error that is no Refusal left everything as it was; the page shows the text
// of ErrCancelFault for it (WP-121).
func (w *Workplace) Cancel(ctx context.Context, by access.Actor, n tolem.ReceiptNo, read []byte) (done Cancelled, err error) {
	if err := access.May(by, tolem.ActRequestCancellation); err != nil {
		return done, err
	}
	ctx, end, err := w.inTurn(ctx, by)
	if err != nil {
		return done, err
	}
	defer end()
	card, err := w.readToCancel(ctx, by, n, read)
	if err == nil {
		err = w.update(ctx, func(tx *store.Tx) error {
			done, err = w.cancel(tx, by, n, card)
			return err
		})
	}
	if desk.Held(err) {
		err = because(ErrNotAllowed, err)
	}
	return done, w.refusedTo(ctx, by, tolem.ActRequestCancellation, n, err)
}

// readToCancel verifies what was read off the card of a payment, in a
// transaction of its own: what the reading decides is decided before the
// cancellation is judged. It returns nil where no card matters, or none was
// read.
func (w *Workplace) readToCancel(ctx context.Context, by access.Actor, n tolem.ReceiptNo, read []byte) (*desk.CardState, error) {
	if read == nil {
		return nil, nil
	}
	p, err := w.ToCancel(ctx, by, n)
	if err != nil || !p.CardWrite.OnCard() || p.Status != tolem.DeskPlanned && p.Status != tolem.DeskAwaiting {
		return nil, err
	}
	s, err := w.verifyRead(ctx, by, tolem.ActReverseCard, read)
	if errors.Is(err, desk.ErrReplayed) || errors.Is(err, store.ErrUsed) { // sent twice, or too old
		if p, again := w.ToCancel(ctx, by, n); again == nil && reversing(p) {
			return nil, nil
		}
	}
	return &s, err
}

// cancel asks for a cancellation, in one transaction.
func (w *Workplace) cancel(tx *store.Tx, by access.Actor, n tolem.ReceiptNo, card *desk.CardState) (Cancelled, error) {
	p, err := ofBranch(tx, by, n)
	if err != nil {
		return Cancelled{}, err
	}
	last, err := tx.LastCancellation(p.Bank, n)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Cancelled{}, err
	}
	switch {
	case card != nil && p.Status == tolem.DeskCancelled:
		return Cancelled{Payment: p, Cancellation: last}, nil // the reading showed that it is off the card
	case reversing(p) && last.RequestedBy == by.Person.ID && w.Cards != nil:
		t, err := w.Cards.OpenOf(tx, p.Bank, p.ID)
		if errors.Is(err, store.ErrNotFound) {
			err = ErrNotPlanned // decided in this moment
		}
		return Cancelled{Payment: p, Cancellation: last, Ticket: &t}, err
	}
	if err := w.mayCancel(tx, p, card); err != nil {
		return Cancelled{}, err
	}
	done := Cancelled{Cancellation: tolem.DeskCancellation{
		Bank: p.Bank, Receipt: n, Seq: last.Seq + 1, Code: p.Code, RequestedBy: by.Person.ID, RequestedAt: tx.Now(),
	}}
	if p.CardWrite.OnCard() {
		t, err := w.Cards.IssueTicket(tx, desk.Order{Op: tolem.TicketReverse, Payment: p.ID, Bank: p.Bank, Workstation: card.Workstation.ID})
		if err != nil {
			return Cancelled{}, err
		}
		done.Ticket = &t
	}
	if p.Status, err = p.Status.On(tolem.DeskRequest); err != nil {
		return Cancelled{}, err
	}
	if done.Payment, err = tx.ChangeDeskPayment(p); err != nil {
		return Cancelled{}, err
	}
	return done, errors.Join(
		tx.InsertCancellation(done.Cancellation), w.keepCancellation(tx, done.Cancellation),
		w.Access.Audit(tx, by, access.Event{Action: tolem.ActRequestCancellation, Subject: n.String(), Outcome: access.OutcomeOK}),
	)
}

// reversing reports whether a payment is being taken off its SMART card.
func reversing(p tolem.DeskPayment) bool {
	return p.Status == tolem.DeskAwaiting && p.CardWrite.OnCard()
}

// mayCancel returns the first of what stands against it, in their order
// (WP-562).
func (w *Workplace) mayCancel(tx *store.Tx, p tolem.DeskPayment, card *desk.CardState) error {
	if p.Status != tolem.DeskPlanned {
		return ErrNotPlanned
	}
	all, err := tx.Organisations()
	if err != nil {
		return err
	}
	permitted := slices.ContainsFunc(all, func(o tolem.Organisation) bool { return o.ID == p.Account.Organisation && o.Cancellable })
	if !permitted || !p.CardWrite.MayCancel() {
		return ErrNotAllowed
	}
	if p.CardWrite.OnCard() && card != nil {
		if err := onTop(p, card); err != nil {
			return err
		}
	}
	code, err := tx.Code(p.Code)
	switch {
	case err != nil:
		return err
	case code.State == tolem.StateClosed:
		return ErrServiceUsed
	case p.CardWrite.OnCard() && w.Cards == nil:
		return CardRefusal(smartcard.ReaderNotReady)
	case p.CardWrite.OnCard() && card == nil:
		return CardRefusal(smartcard.CustomerCardMissing)
	}
	return nil
}

// onTop returns what stands against taking a payment off a card that was read:
// it is another card, or the payment was loaded into the meter (WP-567). What
// another payment was written over had been loaded before that.
func onTop(p tolem.DeskPayment, card *desk.CardState) error {
	switch {
	case card.Check(p.Account.Organisation, string(p.Account.Number), p.Card) != "":
		return ErrOtherCard
	case card.LastLoaded || card.LastPayment != p.ID || card.LastOp != tolem.TicketWrite:
		return ErrNotAllowed
	}
	return nil
}

// reversed ends the cancellation of a payment whose reversal is decided: taken
// off the card it is cancelled (T4), and who asked for it has decided it;
// otherwise it is planned again (WP-566). If its service was used while the card
// was being written, what the card says is stored all the same, and somebody has
// to look into it.
func (w *Workplace) reversed(tx *store.Tx, p tolem.DeskPayment, t tolem.CardTicket) (tolem.DeskPayment, error) {
	c, err := tx.LastCancellation(p.Bank, p.Receipt)
	if err != nil {
		return p, err
	}
	c.DecidedBy, c.DecidedAt, c.Approved, c.Reason = c.RequestedBy, tx.Now(), t.State == tolem.TicketReversed, t.Reason
	after := p
	if c.Approved {
		after, err = w.cancelled(tx, p, c.DecidedBy)
		if errors.Is(err, ErrServiceUsed) {
			c.Approved, c.Reason, err = false, ErrServiceUsed.key, nil
		}
	}
	if !c.Approved && err == nil {
		after, err = rejected(tx, p)
	}
	if err != nil {
		return p, err
	}
	return after, errors.Join(tx.DecideCancellation(c), w.keepCancellation(tx, c))
}

// rejected makes a payment planned again.
func rejected(tx *store.Tx, p tolem.DeskPayment) (_ tolem.DeskPayment, err error) {
	if p.Status, err = p.Status.On(tolem.DeskReject); err != nil {
		return p, err
	}
	return tx.ChangeDeskPayment(p)
}

// keepCancellation keeps a request, or what was decided of it, as evidence.
func (w *Workplace) keepCancellation(tx *store.Tx, c tolem.DeskCancellation) error {
	raw, err := archive.CancellationDocument(c)
	if err != nil {
		return err
	}
	return w.Evidence.Add(tx, archive.Record{ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Code: c.Code, Raw: raw})
}

// refusedTo records what somebody was refused (WP-521) and returns the refusal.
// What failed is recorded by nobody: nothing has happened.
func (w *Workplace) refusedTo(ctx context.Context, by access.Actor, action tolem.Action, n tolem.ReceiptNo, err error) error {
	var r *Refusal
	if !errors.As(err, &r) {
		return err
	}
	recorded := w.Access.Record(ctx, by, access.Event{Action: action, Subject: n.String(), Outcome: r.key})
	if recorded != nil {
		return recorded
	}
	return err
}

// Pending is a cancellation that awaits the bank administrator.
type Pending struct {
	Payment      tolem.DeskPayment
	Cancellation tolem.DeskCancellation
	RequestedBy  string // full name
}

// Awaiting lists the cancellations of the actor's bank that await a decision,
// the oldest first (WP-568, WP-573). There are at most 500: decided ones make
// room for others.
func (w *Workplace) Awaiting(ctx context.Context, by access.Actor) ([]Pending, error) {
	if err := access.May(by, tolem.ActListCancellations); err != nil {
		return nil, err
	}
	var list []Pending
	err := w.db.View(ctx, func(tx *store.Tx) error {
		requests, err := tx.AwaitingCancellations(by.Person.Bank, maxPending)
		if err != nil || len(requests) == 0 {
			return err
		}
		payments := make(map[tolem.ReceiptNo]tolem.DeskPayment)
		numbers := make([]tolem.ReceiptNo, len(requests))
		for i, c := range requests {
			numbers[i] = c.Receipt
		}
		found, err := tx.DeskPaymentsNumbered(by.Person.Bank, numbers)
		if err != nil {
			return err
		}
		for _, p := range found {
			payments[p.Receipt] = p
		}
		names := make(map[tolem.PersonID]string)
		for _, c := range requests {
			p := payments[c.Receipt]
			if p.Status != tolem.DeskAwaiting || reversing(p) {
				continue // decided in this moment, or by the card
			}
			name, err := nameOf(tx, names, p.Bank, c.RequestedBy)
			if err != nil {
				return err
			}
			list = append(list, Pending{Payment: p, Cancellation: c, RequestedBy: name})
		}
		return nil
	})
	return list, err
}

// nameOf returns the full name of a person of the bank, and remembers it.
func nameOf(tx *store.Tx, names map[tolem.PersonID]string, bank tolem.ParticipantID, id tolem.PersonID) (string, error) {
	if name, ok := names[id]; ok {
		return name, nil
	}
	p, err := tx.Person(bank, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if err == nil {
		names[id] = p.FullName()
	}
	return names[id], nil
}

// Decide approves or rejects a cancellation (WP-570 to WP-574), whether or not
// the operating day has begun. Seq is that of the request which the page showed.
// A rejection has a reason of at most MaxReason characters: ErrReasonRequired.
// ErrNotPlanned is returned for a request that is decided, ErrOwn for the own
// one, ErrServiceUsed for an approval that comes too late.
func (w *Workplace) Decide(ctx context.Context, by access.Actor, n tolem.ReceiptNo, seq int, approve bool, reason string) (p tolem.DeskPayment, err error) {
	action := tolem.ActRejectCancellation
	if approve {
		action, reason = tolem.ActApproveCancellation, ""
	}
	if err := access.May(by, action); err != nil {
		return p, err
	}
	reason = strings.TrimSpace(reason)
	if !approve && (reason == "" || utf8.RuneCountInString(reason) > MaxReason || !tolem.Printable(reason)) {
		return p, w.refusedTo(ctx, by, action, n, ErrReasonRequired)
	}
	err = w.update(ctx, func(tx *store.Tx) error {
		c, err := w.toDecide(tx, by, n, seq, &p)
		if err != nil {
			return err
		}
		c.DecidedBy, c.DecidedAt, c.Approved, c.Reason = by.Person.ID, tx.Now(), approve, reason
		if approve {
			p, err = w.cancelled(tx, p, by.Person.ID)
		} else {
			p, err = rejected(tx, p)
		}
		if err != nil {
			return err
		}
		return errors.Join(
			tx.DecideCancellation(c), w.keepCancellation(tx, c),
			w.Access.Audit(tx, by, access.Event{Action: action, Subject: n.String(), Outcome: access.OutcomeOK}),
		)
	})
	return p, w.refusedTo(ctx, by, action, n, err)
}

// toDecide returns the request that awaits a decision of the actor's, and its
// payment.
func (w *Workplace) toDecide(tx *store.Tx, by access.Actor, n tolem.ReceiptNo, seq int, p *tolem.DeskPayment) (c tolem.DeskCancellation, err error) {
	if *p, err = ofBank(tx, by, n); err != nil {
		return c, err
	}
	c, err = tx.LastCancellation(by.Person.Bank, n)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return c, err
	case err != nil || p.Status != tolem.DeskAwaiting || c.Seq != seq || reversing(*p):
		return c, ErrNotPlanned
	case !tolem.FourEyes(c.RequestedBy, by.Person.ID):
		return c, ErrOwn
	}
	return c, nil
}

// ofBank returns a payment of the actor's bank, or ErrReceiptNotFound.
func ofBank(tx *store.Tx, by access.Actor, n tolem.ReceiptNo) (tolem.DeskPayment, error) {
	p, err := tx.DeskPayment(by.Person.Bank, n)
	if errors.Is(err, store.ErrNotFound) {
		err = ErrReceiptNotFound
	}
	return p, err
}

// Cancellation returns the last request to cancel a payment of the actor's
// branch, for its receipt (WP-127, WP-578), or ErrReceiptNotFound.
func (w *Workplace) Cancellation(ctx context.Context, by access.Actor, n tolem.ReceiptNo) (done Cancelled, err error) {
	if err := access.May(by, tolem.ActRequestCancellation); err != nil {
		return done, err
	}
	err = w.db.View(ctx, func(tx *store.Tx) error {
		if done.Payment, err = ofBranch(tx, by, n); err != nil {
			return err
		}
		if done.Cancellation, err = tx.LastCancellation(by.Person.Bank, n); errors.Is(err, store.ErrNotFound) {
			return ErrReceiptNotFound
		}
		if err != nil || !reversing(done.Payment) || w.Cards == nil {
			return err
		}
		t, err := w.Cards.OpenOf(tx, done.Payment.Bank, done.Payment.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil // decided in this moment
		}
		done.Ticket = &t
		return err
	})
	return done, err
}
