package workplace

import (
	"context"
	"errors"
	"slices"

	"tolem"
	"tolem/access"
	"tolem/smartcard"
	"tolem/smartcard/desk"
	"tolem/store"
)

// begun is the outcome, in the audit, of a ticket that was given out again.
const begun = "begun"

// session is what challenges are bound to.
func session(by access.Actor) string { return string(by.Subject()) }

// NewChallenge returns what a card is to be read for, in the actor's session.
func (w *Workplace) NewChallenge(ctx context.Context, by access.Actor) (c desk.Challenge, err error) {
	if err := w.mayCards(by, tolem.ActReadCard); err != nil {
		return c, err
	}
	err = w.db.Update(ctx, func(tx *store.Tx) error {
		c, err = w.Cards.NewChallenge(tx, by.Person.Bank, session(by))
		return err
	})
	return c, err
}

// mayCards also refuses where no cards are written at all.
func (w *Workplace) mayCards(by access.Actor, action tolem.Action) error {
	if err := access.May(by, action); err != nil {
		return err
	}
	if w.Cards == nil {
		return CardRefusal(smartcard.ReaderNotReady)
	}
	return nil
}

// CardRefusal is the refusal that goes with a code of a bridge, wherever a card
// is written (WP-557). Where a card was to be read to make an account,
// smartcard.Code.ReadMessages says what comes before it (WP-558).
func CardRefusal(code smartcard.Code) *Refusal {
	return &Refusal{key: code.Message(), why: "card bridge: " + string(code)}
}

// readRefusal is what people are told if a card was not read as it should be.
// Errors of the store stay what they are.
func readRefusal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, desk.ErrWorkstation), errors.Is(err, desk.ErrSimulated):
		return because(CardRefusal(smartcard.NotPaired), err)
	case replayed(err), errors.Is(err, smartcard.ErrDocument), errors.Is(err, smartcard.ErrSignature):
		return because(CardRefusal(smartcard.ChallengeInvalid), err)
	}
	return err
}

// replayed reports whether a challenge was used before, by this answer or another.
func replayed(err error) bool {
	return errors.Is(err, desk.ErrReplayed) || errors.Is(err, store.ErrUsed)
}

// ReadCard returns what stands on the card that was read (WP-154). Payments that
// the reading decided are decided.
func (w *Workplace) ReadCard(ctx context.Context, by access.Actor, answer []byte) (smartcard.Card, error) {
	return w.readCard(ctx, by, tolem.ActCardDetails, answer)
}

func (w *Workplace) readCard(ctx context.Context, by access.Actor, action tolem.Action, answer []byte) (smartcard.Card, error) {
	s, err := w.verifyRead(ctx, by, action, answer)
	return s.Card, err
}

// verifyRead verifies what was read, and decides the payments that it decides.
// It is a transaction of its own: a ticket that the reading decides is open until
// then, and no other is given out for its card.
func (w *Workplace) verifyRead(ctx context.Context, by access.Actor, action tolem.Action, answer []byte) (s desk.CardState, err error) {
	if err := w.mayCards(by, action); err != nil {
		return s, err
	}
	err = w.update(ctx, func(tx *store.Tx) error {
		if s, err = w.Cards.VerifyRead(tx, by.Person.Bank, session(by), answer); err != nil {
			return err
		}
		for _, t := range s.Decided {
			if _, err := w.decided(tx, by, t); err != nil {
				return err
			}
		}
		return nil
	})
	return s, readRefusal(err)
}

// decided changes the payment of a ticket whose result is known now, in the same
// transaction (7.2).
func (w *Workplace) decided(tx *store.Tx, by access.Actor, t tolem.CardTicket) (tolem.DeskPayment, error) {
	p, err := tx.DeskPaymentByID(t.Payment)
	if err != nil {
		return p, err
	}
	event, _ := t.Event()
	if p.CardWrite, err = p.CardWrite.On(event); err != nil {
		return p, err
	}
	action, outcome := tolem.ActWriteCard, access.OutcomeOK
	if t.Op == tolem.TicketReverse {
		action = tolem.ActReverseCard
	}
	if t.State == tolem.TicketFailed {
		outcome = smartcard.Code(t.Reason).Message()
	}
	subject := p.Receipt.String()
	if p.Bank != by.Person.Bank { // the number would be that of an own receipt
		subject = string(t.ID)
	}
	if err := w.Access.Audit(tx, by, access.Event{Action: action, Subject: subject, Outcome: outcome}); err != nil {
		return p, err
	}
	if t.Op == tolem.TicketReverse {
		return w.reversed(tx, p, t)
	}
	return tx.ChangeDeskPayment(p)
}

// outstanding reports whether the last payment on the card was neither loaded
// into the meter nor cancelled (WP-079, WP-544).
func outstanding(tx *store.Tx, s desk.CardState) (bool, error) {
	var last tolem.DeskPayment
	if s.LastPayment != "" {
		var err error
		if last, err = tx.DeskPaymentByID(s.LastPayment); err != nil && !errors.Is(err, store.ErrNotFound) {
			return false, err
		}
	}
	return s.Outstanding(last.Status == tolem.DeskCancelled), nil
}

// Written takes what a bridge said about a ticket, and returns the payment as it
// stands then: written, failed, cancelled after a reversal, or pending still.
// With the payment comes the refusal that says why, if the write failed
// (CardRefusal of the bridge's code) or the reversal did (the same for another
// card or a missing one, otherwise ErrCancelFault: WP-566).
func (w *Workplace) Written(ctx context.Context, by access.Actor, answer []byte) (p tolem.DeskPayment, err error) {
	if err := w.mayCards(by, tolem.ActWriteCard); err != nil {
		return p, err
	}
	var r desk.CardResult
	err = w.update(ctx, func(tx *store.Tx) error {
		if r, err = w.Cards.VerifyResult(tx, by.Person.Bank, answer); err != nil {
			return err
		}
		if r.First {
			p, err = w.decided(tx, by, r.Ticket)
		} else {
			p, err = tx.DeskPaymentByID(r.Ticket.Payment)
		}
		return err
	})
	if err != nil {
		return p, resultRefusal(err)
	}
	return p, failure(p, r)
}

// resultRefusal is what people are told if an answer about a ticket is none.
func resultRefusal(err error) error {
	switch {
	case errors.Is(err, desk.ErrWorkstation), errors.Is(err, desk.ErrSimulated):
		return because(CardRefusal(smartcard.NotPaired), err)
	case errors.Is(err, smartcard.ErrDocument), errors.Is(err, smartcard.ErrSignature), errors.Is(err, store.ErrNotFound):
		return because(CardRefusal(smartcard.TicketInvalid), err)
	}
	return err
}

// failure is the refusal of a ticket that failed, if that is still how its
// payment stands.
func failure(p tolem.DeskPayment, r desk.CardResult) error {
	switch {
	case r.Ticket.State == tolem.TicketReversed && p.Status != tolem.DeskCancelled:
		return ErrCancelFault
	case r.Ticket.State != tolem.TicketFailed:
	case r.Ticket.Op == tolem.TicketWrite && p.CardWrite == tolem.CardWriteFailed:
		return CardRefusal(r.Code)
	case r.Ticket.Op == tolem.TicketReverse && p.Status == tolem.DeskPlanned && (r.Code == smartcard.CardMismatch || r.Code.NotReady()):
		return CardRefusal(r.Code)
	case r.Ticket.Op == tolem.TicketReverse && p.Status == tolem.DeskPlanned:
		return ErrCancelFault
	}
	return nil
}

// WriteAgain gives out another ticket for a payment of the actor's branch whose
// write has failed (WP-101, WP-553). Read is the bridge's answer to a challenge.
// The ticket is empty if the reading shows that the payment is on the card
// (WP-551).
func (w *Workplace) WriteAgain(ctx context.Context, by access.Actor, n tolem.ReceiptNo, read []byte) (t tolem.CardTicket, err error) {
	if err := w.mayCards(by, tolem.ActWriteCard); err != nil {
		return t, err
	}
	ctx, end, err := w.inTurn(ctx, by)
	if err != nil {
		return t, err
	}
	defer end()
	err = w.db.View(ctx, func(tx *store.Tx) error {
		_, err := ofBranch(tx, by, n)
		return err
	})
	if err != nil {
		return t, err
	}
	s, err := w.verifyRead(ctx, by, tolem.ActWriteCard, read)
	if replayed(err) { // sent twice
		if open, again := w.OpenTicket(ctx, by, n); again == nil {
			return open, nil
		}
	}
	if err != nil {
		return t, err
	}
	err = w.update(ctx, func(tx *store.Tx) error {
		t = tolem.CardTicket{}
		p, err := ofBranch(tx, by, n)
		if err != nil || p.CardWrite == tolem.CardWriteWritten && s.LastPayment == p.ID {
			return err
		}
		if err := mayWriteAgain(tx, p, s); err != nil {
			return err
		}
		if t, err = w.Cards.IssueTicket(tx, desk.Order{
			Op: tolem.TicketWrite, Payment: p.ID, Bank: p.Bank, Workstation: s.Workstation.ID, Card: s.No, Organisation: p.Account.Organisation, Amount: p.Amount,
		}); err != nil {
			return err
		}
		if p.CardWrite, err = p.CardWrite.On(tolem.CardEventBeginAgain); err != nil {
			return err
		}
		if _, err = tx.ChangeDeskPayment(p); err != nil {
			return err
		}
		return w.Access.Audit(tx, by, access.Event{Action: tolem.ActWriteCard, Subject: p.Receipt.String(), Outcome: begun})
	})
	if err != nil {
		return tolem.CardTicket{}, ticketRefusal(err)
	}
	return t, nil
}

// ticketRefusal is what people are told if there can be no ticket now.
func ticketRefusal(err error) error {
	if desk.Held(err) {
		return because(ErrCardPending, err)
	}
	return err
}

// mayWriteAgain returns what stands against it.
func mayWriteAgain(tx *store.Tx, p tolem.DeskPayment, s desk.CardState) error {
	switch {
	case p.Status != tolem.DeskPlanned:
		return ErrNotPlanned
	case p.CardWrite == tolem.CardWritePending:
		return ErrCardPending
	case !p.CardWrite.MayWriteAgain():
		return CardRefusal(smartcard.WriteFailed)
	case s.Check(p.Account.Organisation, string(p.Account.Number), p.Card) != "":
		return ErrOtherCard
	}
	last, err := outstanding(tx, s)
	if last {
		return ErrNotLoaded
	}
	return err
}

// ofBranch returns a payment of the actor's branch, or ErrReceiptNotFound.
func ofBranch(tx *store.Tx, by access.Actor, n tolem.ReceiptNo) (tolem.DeskPayment, error) {
	p, err := tx.DeskPayment(by.Person.Bank, n)
	if errors.Is(err, store.ErrNotFound) || err == nil && p.Branch != by.Person.Branch {
		return tolem.DeskPayment{}, ErrReceiptNotFound
	}
	return p, err
}

// OpenTicket returns the ticket that is open for a payment of the actor's
// branch, so that a page that was reloaded can ask the bridge; or
// store.ErrNotFound.
func (w *Workplace) OpenTicket(ctx context.Context, by access.Actor, n tolem.ReceiptNo) (t tolem.CardTicket, err error) {
	if err := w.mayCards(by, tolem.ActWriteCard); err != nil {
		return t, err
	}
	err = w.db.View(ctx, func(tx *store.Tx) error {
		p, err := ofBranch(tx, by, n)
		if err != nil {
			return err
		}
		t, err = w.Cards.OpenOf(tx, p.Bank, p.ID)
		return err
	})
	return t, err
}

// withCard judges the card and pays the SMART line that is to be written to it,
// with its ticket (WP-542). It reports whether SMART lines are written at all:
// otherwise they are paid without (WP-083).
func (p *payer) withCard(smart []tolem.BasketLine) (written bool, err error) {
	c := p.confirmed
	if c.Read == nil || c.WithoutWrite {
		return false, p.withoutCard(smart)
	}
	s, err := p.verifyRead(p.ctx, p.by, tolem.ActWriteCard, c.Read)
	switch {
	case replayed(err) && p.paidSmart():
		return true, nil // the same confirmation, sent again
	case err != nil:
		return true, p.recorded(err)
	}
	var no tolem.LineID
	err = p.update(func(tx *store.Tx) error {
		no = 0
		b, err := p.basket(tx)
		if err != nil {
			return err
		}
		l, err := lineOf(tx, b, s)
		if err != nil {
			return err
		}
		no = l.No
		return p.take(tx, b, l, tolem.CardEventBegin, &s)
	})
	switch {
	case err == nil, errors.Is(err, errMoved):
		return true, err
	case no == 0 || desk.Held(err):
		return true, p.recorded(ticketRefusal(err))
	}
	return true, p.fail(no, err)
}

// paidSmart reports whether a SMART line of the basket was paid.
func (p *payer) paidSmart() bool {
	done, err := p.Completed(p.ctx, p.by, p.confirmed.Basket)
	return err == nil && slices.ContainsFunc(done.Payments, tolem.DeskPayment.Smart)
}

// lineOf returns the SMART line that the card is for, or what stands against
// writing it.
func lineOf(tx *store.Tx, b tolem.Basket, s desk.CardState) (l tolem.BasketLine, err error) {
	i := slices.IndexFunc(b.Lines, func(l tolem.BasketLine) bool {
		return l.Smart && l.Failed == "" && s.Check(l.Account.Organisation, string(l.Account.Number), l.Card) == ""
	})
	if i < 0 {
		return l, ErrOtherCard
	}
	last, err := outstanding(tx, s)
	if last {
		return l, ErrNotLoaded.of(b.Lines[i].No)
	}
	return b.Lines[i], err
}

// recorded records that nothing was paid, and why.
func (p *payer) recorded(why error) error {
	var r *Refusal
	if !errors.As(why, &r) {
		return why
	}
	err := p.Access.Record(p.ctx, p.by, access.Event{Action: tolem.ActPay, Subject: string(p.confirmed.Basket), Outcome: r.key})
	if err != nil {
		return errors.Join(err, why)
	}
	return why
}

// withoutCard decides whether SMART lines may be paid though no card can be
// written (WP-545 to WP-547).
func (p *payer) withoutCard(smart []tolem.BasketLine) error {
	code := p.confirmed.NotReady
	if code == "" {
		code = smartcard.ReaderNotReady
	}
	for _, l := range smart {
		if !p.organisations[l.Account.Organisation].PayWithoutCardWrite {
			return CardRefusal(code).of(l.No)
		}
	}
	switch {
	case p.confirmed.WithoutWrite:
		return nil
	case code.NotReady(), code == smartcard.NoAnswer, code.Message() == smartcard.ReaderNotReady.Message():
		return ErrWithoutWrite
	}
	return CardRefusal(code)
}
