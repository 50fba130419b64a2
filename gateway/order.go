package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// OpOpenOrder is what a merchant's signed redirect is called in the evidence.
// No participant calls it: a browser brings it.
const OpOpenOrder tolem.Operation = "OpenOrder"

// SignedOrder is a verified redirect: what the merchant signed, and the bytes
// that prove it.
type SignedOrder struct {
	tolem.OrderRedirect
	Record archive.Record
}

// Errors of OpenOrder, besides those of Open.
var (
	// ErrOrderPaid: the bank has agreed to a payment of the order (ACQ-P06).
	ErrOrderPaid = errors.New("the order is paid")
	// ErrOrderDiffers: the order number came before with another amount or
	// service (ACQ-P07).
	ErrOrderDiffers = errors.New("the order has another amount or service")
	// ErrOrderTerms: the merchant does not sell this, not at this price, or does
	// not send buyers back there.
	ErrOrderTerms = errors.New("the merchant cannot have this paid")
)

// OpenOrder brings a merchant's buyer to the payment page (ACQ-003). The first
// redirect of an order issues its code. A later one, after a refusal or a
// payer's change of mind, opens another visit for the same code; if an attempt
// is under way the payer is shown that one. A redirect is good once: with
// ErrTokenUsed comes the payment that it led to.
//
// The redirect is kept as evidence with what became of it; of a refused one
// each reason once.
func (g *Gateway) OpenOrder(ctx context.Context, in SignedOrder) (id tolem.PaymentID, err error) {
	if g.config.PageAddress == "" {
		return "", ErrNoPage
	}
	token := sha256.Sum256(in.Text())
	err = g.db.Update(ctx, func(tx *store.Tx) error {
		id = ""
		used, err := tx.CheckoutByToken(token)
		switch {
		case err == nil:
			id = used.ID
			return ErrTokenUsed
		case !errors.Is(err, store.ErrNotFound):
			return err
		case !in.FreshAt(tx.Now()):
			return ErrTokenExpired
		}
		m, service, err := g.terms(tx, in.OrderRedirect)
		if err != nil {
			return err
		}
		c, err := g.codeOfOrder(tx, in.OrderRedirect, m, service)
		if err != nil {
			return err
		}
		id, err = g.visit(tx, in, c, token)
		return err
	})
	if err == nil || errors.Is(err, ErrTokenUsed) {
		return id, err
	}
	return "", errors.Join(err, g.refuseOrder(ctx, in, token, err))
}

// terms checks what the merchant may have paid, and where its buyers go.
func (g *Gateway) terms(tx *store.Tx, in tolem.OrderRedirect) (tolem.Merchant, tolem.ServiceCode, error) {
	m, err := tx.Merchant(in.Merchant)
	if errors.Is(err, store.ErrNotFound) {
		return m, "", fmt.Errorf("%w: %s sells nothing", ErrOrderTerms, in.Merchant)
	}
	if err != nil {
		return m, "", err
	}
	service, sold := m.Sells(in.Service)
	if !m.Active || !sold {
		return m, "", fmt.Errorf("%w: %s does not sell %s", ErrOrderTerms, in.Merchant, service)
	}
	refusal, err := g.checkReturn(tx, in.Merchant, in.Return)
	if err == nil && refusal != tolem.OK {
		err = fmt.Errorf("%w: %s", ErrOrderTerms, refusal)
	}
	return m, service, err
}

// codeOfOrder returns the code by which an order is paid, or why it is not paid
// any more. An order whose code ran out unpaid gets another.
func (g *Gateway) codeOfOrder(tx *store.Tx, in tolem.OrderRedirect, m tolem.Merchant, service tolem.ServiceCode) (tolem.Code, error) {
	o, err := tx.Order(in.Merchant, in.OrderNo)
	if errors.Is(err, store.ErrNotFound) {
		o = tolem.MerchantOrder{
			Merchant: in.Merchant, OrderNo: in.OrderNo, Amount: in.Amount, Service: service, Version: 1, CreatedAt: tx.Now(),
		}
		return g.issueForOrder(tx, o, m, (*store.Tx).InsertOrder)
	}
	if err != nil {
		return tolem.Code{}, err
	}
	if o.Amount != in.Amount || o.Service != service {
		return tolem.Code{}, fmt.Errorf("%w: %s for %s, not %s for %s", ErrOrderDiffers, o.Amount, o.Service, in.Amount, service)
	}
	c, err := standingCode(tx, o)
	if err != nil || c.Number != 0 {
		return c, err
	}
	return g.issueForOrder(tx, o, m, (*store.Tx).RenewOrder)
}

// standingCode returns the code of an order that can be paid or is being paid,
// none if all have run out, and ErrOrderPaid if money has come for one.
func standingCode(tx *store.Tx, o tolem.MerchantOrder) (standing tolem.Code, err error) {
	numbers, err := tx.OrderCodes(o.Merchant, o.OrderNo)
	if err != nil {
		return standing, err
	}
	for _, n := range numbers {
		// Attempts are read before the code: what one has brought about is then there.
		attempts, err := tx.AttemptsOfCode(n)
		if err != nil {
			return standing, err
		}
		c, err := code(tx, n)
		if err != nil {
			return standing, err
		}
		c = c.At(tx.Now())
		open := false
		for _, a := range attempts {
			if a.State == tolem.AttemptApproved {
				return standing, ErrOrderPaid
			}
			open = open || a.State.Open()
		}
		switch {
		case !c.PaidAt.IsZero():
			return standing, ErrOrderPaid
		case open, c.State == tolem.StateIssued && standing.Number == 0:
			standing = c
		}
	}
	return standing, nil
}

// issueForOrder issues a code for an order and stores both.
func (g *Gateway) issueForOrder(tx *store.Tx, o tolem.MerchantOrder, m tolem.Merchant, put func(*store.Tx, tolem.MerchantOrder) error) (tolem.Code, error) {
	service, _ := g.directory.Service(o.Service)
	recipient, refusal := g.checkIssue(Issue{
		Service: o.Service, Provider: service.Provider, Recipient: m.BIN.Reveal(), Amount: o.Amount, Channel: tolem.ChannelAcquiring,
	})
	if refusal != "" {
		return tolem.Code{}, fmt.Errorf("%w: %s", ErrOrderTerms, refusal)
	}
	number, err := drawCode()
	if err != nil {
		return tolem.Code{}, err
	}
	seller, _ := g.directory.Participant(o.Merchant)
	d := tolem.Issued(tolem.Code{
		Number: number, Service: o.Service, Provider: service.Provider, Amount: o.Amount, Channel: tolem.ChannelAcquiring, Recipient: recipient,
		RecipientName: seller.Name, Requester: o.Merchant, RequestNo: o.OrderNo, ExpiresAt: tx.Now().Add(g.config.CodeTTL),
	}, tx.Now())
	o.Code = number
	return d.Code, errors.Join(tx.InsertCode(d), put(tx, o))
}

// visit opens a visit to the page: the payer is here already.
func (g *Gateway) visit(tx *store.Tx, in SignedOrder, code tolem.Code, token [sha256.Size]byte) (tolem.PaymentID, error) {
	now := tx.Now()
	c := tolem.Checkout{
		ID: newPaymentID(), Kind: tolem.CheckoutCard, Version: 1, State: tolem.CheckoutOpen, Participant: in.Merchant,
		Code: code.Number, Service: code.Service, Provider: code.Provider, Amount: code.Amount,
		Recipient: code.Recipient, RecipientName: code.RecipientName, RequestNo: code.RequestNo,
		Language: in.Language, ReturnURL: in.Return, CreatedAt: now, ExpiresAt: now.Add(tolem.TokenTTL), RedeemedAt: now, InputBy: now.Add(tolem.InputTTL),
	}
	if c.Language == "" {
		c.Language = tolem.Languages[0]
	}
	a := tolem.Attempt{
		ID: tolem.AttemptID(NewUUID()), Payment: c.ID, Number: 1, Code: c.Code, Method: tolem.MethodCard, Amount: c.Amount,
		State: tolem.AttemptRedirected, Version: 1, StartedAt: now,
	}
	err := errors.Join(tx.InsertCheckout(c, token), tx.InsertPayAttempt(a, tolem.AttemptRedirected))
	if err != nil {
		return "", err
	}
	return c.ID, g.keepOrder(tx, in, orderRecord{Code: c.Code.String(), Payment: string(c.ID), Result: string(tolem.OK)}, c.Code)
}

// orderRecord is what the gateway writes down of a merchant's redirect.
type orderRecord struct {
	Event    string    `json:"event"`
	Merchant string    `json:"merchant"`
	Order    string    `json:"order"`
	Code     string    `json:"code,omitempty"`
	Payment  string    `json:"payment,omitempty"`
	Result   string    `json:"result"`
	At       time.Time `json:"at"`
}

// eventOrder is the event of an orderRecord.
const eventOrder = "order"

// keepOrder adds the redirect to the evidence, with what became of it.
func (g *Gateway) keepOrder(tx *store.Tx, in SignedOrder, r orderRecord, code tolem.CodeNumber) error {
	r.Event, r.Merchant, r.Order, r.At = eventOrder, string(in.Merchant), string(in.OrderNo), tx.Now()
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("record of an order: %w", err)
	}
	came := in.Record
	came.Code = code
	return g.evidence.Add(tx, came, archive.Record{
		ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Code: code, Raw: raw,
	})
}

// orderRefusals are the reasons for which a redirect is refused, as they stand
// in the evidence. What is not here is a failure, which binds nothing.
var orderRefusals = []struct {
	err  error
	name string
}{
	{ErrTokenExpired, "REDIRECT_EXPIRED"}, {ErrOrderPaid, "ORDER_PAID"}, {ErrOrderDiffers, "ORDER_DIFFERS"}, {ErrOrderTerms, "NOT_SOLD"},
}

// refuseOrder keeps a refused redirect, each reason once.
func (g *Gateway) refuseOrder(ctx context.Context, in SignedOrder, token [sha256.Size]byte, why error) error {
	for _, r := range orderRefusals {
		if !errors.Is(why, r.err) {
			continue
		}
		in.Record.Class = r.name
		err := g.db.Update(ctx, func(tx *store.Tx) error {
			return errors.Join(tx.InsertRefusal(token, r.name, in.OrderRedirect), g.keepOrder(tx, in, orderRecord{Result: r.name}, NoCode))
		})
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		return err
	}
	return nil
}
