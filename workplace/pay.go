package workplace

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"tolem"
	"tolem/access"
	"tolem/archive"
	"tolem/bills"
	"tolem/smartcard"
	"tolem/smartcard/desk"
	"tolem/store"
)

// payTimeout bounds a confirmation, and what else waits for a person's turn. It is carried out whether or not the browser
// waits for it.
const payTimeout = 60 * time.Second

// maxOvertaken is how often a payment begins again that other nodes have
// overtaken.
const maxOvertaken = 5

// Confirmation is “Davam et”: of which calculation, and what a card bridge said
// if there is a SMART line.
type Confirmation struct {
	Basket      tolem.BasketID
	Calculation int64

	// Read is the bridge's answer to a challenge; nil if there was none. NotReady
	// is its code then: what was missing, or NoAnswer.
	Read     []byte
	NotReady smartcard.Code
	// WithoutWrite is “Bəli”: SMART lines are paid without writing (WP-083).
	WithoutWrite bool
}

// Completion is what a confirmation came to.
type Completion struct {
	Basket   tolem.BasketID
	Payments []tolem.DeskPayment // all that were paid of this basket, by receipt number
	// Left are lines that are still in the basket: they failed (Failed has the key
	// of the message), or wait for another card to be read.
	Left []tolem.BasketLine
	// Tickets are open: the page hands each to the bridge, and the bridge's answer
	// to Written.
	Tickets []tolem.CardTicket
}

// errMoved: the calculation does not stand any more.
var errMoved = errors.New("the basket is not what was confirmed")

// Pay makes a payment of every line (WP-060, WP-538 to WP-541), each in one
// transaction with its receipt number, its code, its evidence and its audit
// record. A line that fails stays in the basket; the others are paid. The same
// confirmation again returns what it came to and pays nothing twice; a line that
// has failed is calculated again before it is tried again.
//
// With a SMART line the card is judged first (WP-542): ErrNotLoaded, ErrOtherCard,
// ErrCardPending, ErrWithoutWrite, or the refusal of what is missing pay nothing
// at all. ErrStale is returned for a calculation that does not stand any more.
func (w *Workplace) Pay(ctx context.Context, by access.Actor, c Confirmation) (Completion, error) {
	if err := access.May(by, tolem.ActPay); err != nil {
		return Completion{}, err
	}
	// Who confirms twice at once waits for what the first comes to.
	ctx, end, err := w.inTurn(ctx, by)
	if err != nil {
		return Completion{}, err
	}
	defer end()
	p := payer{Workplace: w, ctx: ctx, by: by, confirmed: c}
	err = p.pay()
	done, readErr := w.Completed(ctx, by, c.Basket)
	switch {
	case readErr != nil:
		return done, readErr
	case errors.Is(err, errMoved) && len(done.Payments) > 0 && len(done.Left) == 0:
		return done, nil
	case errors.Is(err, errMoved):
		return done, because(ErrStale, err)
	}
	return done, err
}

// payer is one run of Pay.
type payer struct {
	*Workplace
	ctx           context.Context
	by            access.Actor
	confirmed     Confirmation
	organisations map[tolem.ProviderID]tolem.Organisation
}

func (p *payer) pay() error {
	var b tolem.Basket
	err := p.db.View(p.ctx, func(tx *store.Tx) (err error) {
		b, err = p.basket(tx)
		return err
	})
	if err != nil {
		return err
	}
	if p.organisations, err = p.Workplace.organisations(p.ctx, p.by); err != nil {
		return err
	}
	due := slices.DeleteFunc(slices.Clone(b.Lines), func(l tolem.BasketLine) bool { return l.Failed != "" })
	smart := slices.DeleteFunc(slices.Clone(due), func(l tolem.BasketLine) bool { return !l.Smart })
	written := false
	if len(smart) > 0 {
		if written, err = p.withCard(smart); err != nil {
			return err
		}
	}
	for _, l := range due {
		event := tolem.CardEventOrdinary
		switch {
		case l.Smart && written:
			continue
		case l.Smart:
			event = tolem.CardEventSkip
		}
		if err := p.line(l.No, event); err != nil {
			return err
		}
	}
	return nil
}

// basket returns the basket as it was confirmed, or errMoved.
func (p *payer) basket(tx *store.Tx) (tolem.Basket, error) {
	b, err := basketOf(tx, p.by)
	if err == nil && (b.ID != p.confirmed.Basket || b.Calculation != p.confirmed.Calculation || b.Calculation == 0) {
		err = errMoved
	}
	return b, err
}

// line pays a line in one transaction, and marks it if that fails.
func (p *payer) line(no tolem.LineID, event tolem.CardEvent) error {
	err := p.update(func(tx *store.Tx) error {
		b, err := p.basket(tx)
		if err != nil {
			return err
		}
		l, err := b.Line(no)
		if err != nil { // by another run of the same confirmation
			return nil
		}
		return p.take(tx, b, l, event, nil)
	})
	if err == nil || errors.Is(err, errMoved) {
		return err
	}
	return p.fail(no, err)
}

// update runs a transaction of this bank's payments. Nothing of one that was
// overtaken too often was done: it begins again.
func (p *payer) update(do func(*store.Tx) error) error {
	end, err := p.turns.wait(p.ctx, turnBank, string(p.by.Person.Bank))
	if err != nil {
		return err
	}
	defer end()
	for range maxOvertaken {
		if err = p.db.Update(p.ctx, do); !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	return err
}

// fail marks a line that could not be paid (WP-540).
func (p *payer) fail(no tolem.LineID, cause error) error {
	refusal := ErrPaymentFailed
	var r *Refusal
	switch {
	case errors.As(cause, &r):
		refusal = r
	case errors.Is(cause, bills.ErrDebtChanged):
		refusal = ErrDebtChanged
	}
	err := p.db.Update(p.ctx, func(tx *store.Tx) error {
		b, err := p.basket(tx)
		if err != nil {
			return err
		}
		b, err = b.Fail(no, refusal.key)
		if errors.Is(err, tolem.ErrNoLine) {
			return nil // it was paid after all
		}
		if err != nil {
			return err
		}
		return errors.Join(tx.PutBasket(b), p.Access.Audit(tx, p.by, access.Event{Action: tolem.ActPay, Subject: string(b.ID), Outcome: refusal.key}))
	})
	if err != nil {
		return errors.Join(err, cause)
	}
	if p.Observe != nil && refusal == ErrPaymentFailed {
		p.Observe(fmt.Errorf("line %d of basket %s: %w", no, p.confirmed.Basket, cause))
	}
	return nil
}

// take makes a payment of a line: code, payment, bill, receipt number, evidence,
// audit, and the basket without it. With a card that was read its ticket too.
func (p *payer) take(tx *store.Tx, b tolem.Basket, l tolem.BasketLine, event tolem.CardEvent, card *desk.CardState) error {
	o, ok := p.organisations[l.Account.Organisation]
	switch {
	case !ok:
		return ErrPaymentFailed.of(l.No)
	case p.by.Person.IsAsan() && l.AsanUnit == "":
		return ErrAsanRequired.of(l.No)
	}
	number, err := tolem.DrawCodeNumber(rand.Reader)
	if err != nil {
		return err
	}
	write, err := tolem.CardWriteNew.On(event)
	if err != nil {
		return err
	}
	amount := tolem.Money{Minor: l.Amount, Currency: p.Currency}
	err = bills.Settle(tx, bills.Line{
		Code: number, Account: l.Account, Service: l.Service, Amount: amount, Advance: l.Advance, Invoice: l.Invoice, Period: l.Period,
		Shown: l.Open, ShownAt: l.SeenAt, Online: l.Online,
	})
	if err != nil {
		return err
	}
	receipt, err := tx.NextReceipt(b.Bank)
	if err != nil {
		return err
	}
	who := p.by.Person
	d := tolem.DeskPayment{
		ID: tolem.PaymentID(archive.NewMessageID(tx.Now()).String()), Bank: b.Bank, Receipt: receipt, Code: number, Basket: b.ID, Line: l.No,
		Branch: who.Branch, By: who.ID, Asan: who.IsAsan(), Account: l.Account, Service: l.Service, Unit: l.Unit, AsanUnit: l.AsanUnit,
		Advance: l.Advance, Invoice: l.Invoice, Period: l.Period, Amount: amount, Fee: tolem.Money{Minor: l.Fee, Currency: p.Currency},
		At: tx.Now(), Day: p.Calendar.DayOf(tx.Now()), Status: tolem.DeskPlanned, CardWrite: write, Version: 1, Shown: p.shown(l),
	}
	if card != nil {
		d.Card = card.No
	}
	if err := p.book(tx, d, o); err != nil {
		return err
	}
	if card != nil {
		_, err = p.Cards.IssueTicket(tx, desk.Order{
			Op: tolem.TicketWrite, Payment: d.ID, Bank: d.Bank, Workstation: card.Workstation.ID, Card: card.No, Organisation: o.ID, Amount: amount,
		})
		if err != nil {
			return err
		}
	}
	if b, err = b.Paid(l.No); err != nil {
		return err
	}
	if len(b.Lines) == 0 {
		b = emptied(b)
	}
	return tx.PutBasket(b)
}

// book stores a payment with its code, its evidence and its record.
func (p *payer) book(tx *store.Tx, d tolem.DeskPayment, o tolem.Organisation) error {
	paid := tolem.Payment{
		Code: d.Code, Bank: d.Bank, BankRef: tolem.BankRef(d.Receipt.String()), Amount: d.Amount, PaidAt: d.At, ReceivedAt: d.At,
		Channel: tolem.ChannelDesk, Recipient: o.BIN, RecipientName: o.Name, Service: d.Service, Provider: o.ID, Account: string(d.Account.Number),
		NotifiedBy: d.Bank, Branch: d.Branch,
	}
	if d.Fee.Minor > 0 {
		paid.Fee = d.Fee
	}
	decision := tolem.Debited(tolem.Code{
		Number: d.Code, Service: d.Service, Provider: o.ID, Amount: d.Amount, Channel: tolem.ChannelDesk, Recipient: o.BIN, RecipientName: o.Name,
		Requester: d.Bank,
	}, paid, tx.Now())
	raw, err := archive.DeskDocument(paid, d)
	if err != nil {
		return err
	}
	return errors.Join(
		tx.InsertCode(decision), tx.InsertPayment(paid), tx.InsertDeskPayment(d),
		p.Evidence.Add(tx, archive.Record{ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Code: d.Code, Raw: raw}),
		p.Access.Audit(tx, p.by, access.Event{Action: tolem.ActPay, Subject: d.Receipt.String(), Outcome: access.OutcomeOK}),
	)
}

// shown are the names for the receipt.
func (p *payer) shown(l tolem.BasketLine) tolem.Shown {
	bank, _ := p.Directory.Participant(p.by.Person.Bank)
	branch, _ := p.Directory.Participant(p.by.Person.Branch)
	return tolem.Shown{
		Bank: bank.Name, Branch: branch.Name, Operator: p.by.Person.FullName(), Organisation: l.Organisation, Unit: l.UnitName,
		ServiceCode: l.ServiceCode, Service: l.ServiceName, AsanUnit: l.AsanUnitName, Holder: l.Particulars.Holder,
	}
}

// Completed returns what was paid of a basket of the actor's, after a reload.
func (w *Workplace) Completed(ctx context.Context, by access.Actor, id tolem.BasketID) (Completion, error) {
	done := Completion{Basket: id}
	if err := access.May(by, tolem.ActPay); err != nil {
		return done, err
	}
	err := w.db.View(ctx, func(tx *store.Tx) error {
		done = Completion{Basket: id}
		b, err := basketOf(tx, by)
		if err != nil {
			return err
		}
		if b.ID == id {
			done.Left = b.Lines
		}
		list, err := tx.DeskPaymentsOfBasket(id)
		if err != nil {
			return err
		}
		for _, p := range list {
			if p.By != by.Person.ID || p.Bank != by.Person.Bank {
				continue
			}
			done.Payments = append(done.Payments, p)
			done.Left = slices.DeleteFunc(slices.Clone(done.Left), func(l tolem.BasketLine) bool { return l.No == p.Line })
			if p.CardWrite != tolem.CardWritePending || w.Cards == nil {
				continue
			}
			t, err := w.Cards.OpenOf(tx, p.Bank, p.ID)
			switch {
			case errors.Is(err, store.ErrNotFound): // decided in this moment
			case err != nil:
				return err
			default:
				done.Tickets = append(done.Tickets, t)
			}
		}
		slices.SortFunc(done.Payments, func(a, b tolem.DeskPayment) int { return int(a.Receipt - b.Receipt) })
		return nil
	})
	return done, err
}
