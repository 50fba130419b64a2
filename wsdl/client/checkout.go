package client

import (
	"context"
	"time"

	"tolem"
	"tolem/wsdl/gatewayv1"
)

// CardCheckout sends the payer of an issued code to the payment page. What the
// code is bound to is named once more and must agree.
type CardCheckout struct {
	Code          tolem.CodeNumber
	Recipient     tolem.IIN
	Service       tolem.ServiceCode
	Amount        tolem.Money
	Details       string // optional
	ReturnAddress string // under one registered for the caller
	Language      tolem.Language
}

// AccountCheckout sends a payer to the payment page to pay from an account.
type AccountCheckout struct {
	Service       tolem.ServiceCode
	Provider      tolem.ProviderID
	Recipient     tolem.IIN
	RecipientName string // optional
	Amount        tolem.Money
	RequestNo     tolem.RequestNo // optional
	Details       string          // optional
	ReturnAddress string
	Language      tolem.Language // optional
}

// StartedPayment is where to send the payer. The address opens the page once.
type StartedPayment struct {
	Answer
	Code      tolem.CodeNumber // 0: it has none yet
	Payment   tolem.PaymentID
	Address   string
	ExpiresAt time.Time
}

// Checkout is how a payment on the page stands. Only StagePaid means that it is
// paid; a stage that is not known means that nothing is decided.
type Checkout struct {
	Answer
	Payment              tolem.PaymentID
	Stage                tolem.Stage
	Method               tolem.Method
	Code                 tolem.CodeNumber // 0: it has none yet
	Bank                 tolem.ParticipantID
	BankRef              tolem.BankRef
	PaidAt               time.Time
	Refusal              tolem.RefusalReason // of the last attempt
	ErrorCode, ErrorText string              // the bank's own; not for the payer
}

// StartCardPayment opens the payment page for a code that the caller requested.
func (c *Client) StartCardPayment(ctx context.Context, in CardCheckout, options ...Option) (StartedPayment, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.StartCardPayment{
		RequestId: h.id(), OnBehalfOf: h.bank(), PaymentCode: f.code(in.Code),
		RecipientIIN: required[gatewayv1.IIN](&f, "recipientIIN", in.Recipient.Reveal()), ServiceCode: required[gatewayv1.Identifier](&f, "serviceCode", in.Service),
		Amount: f.amount(in.Amount), Currency: pointer[gatewayv1.Currency](in.Amount.Currency), Details: optional[gatewayv1.Details](in.Details),
		ReturnAddress: required[gatewayv1.WebAddress](&f, "returnAddress", in.ReturnAddress), Language: optional[gatewayv1.PageLanguage](in.Language),
	}
	if f.err != nil {
		return StartedPayment{}, f.err
	}
	var out StartedPayment
	err := c.call(ctx, tolem.OpStartCardPayment, h, func(g gatewayv1.Gateway) error {
		a, err := g.StartCardPaymentContext(ctx, q)
		if err != nil {
			return err
		}
		var read reader
		out = started(a.RequestId, a.ResultText, a.PaymentId, a.RedirectAddress, a.ExpiresAt)
		out.Code = read.code(a.PaymentCode)
		return read.err
	})
	return out, err
}

// StartAccountPayment opens the payment page to pay from an account. Ask with
// GetCheckout for the code: it is made when the bank has taken the money.
func (c *Client) StartAccountPayment(ctx context.Context, in AccountCheckout, options ...Option) (StartedPayment, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.StartAccountPayment{
		RequestId: h.id(), OnBehalfOf: h.bank(),
		ServiceCode: required[gatewayv1.Identifier](&f, "serviceCode", in.Service), ProviderId: required[gatewayv1.Identifier](&f, "providerId", in.Provider),
		RecipientIIN: required[gatewayv1.IIN](&f, "recipientIIN", in.Recipient.Reveal()), RecipientName: optional[gatewayv1.PersonName](in.RecipientName),
		Amount: f.amount(in.Amount), Currency: pointer[gatewayv1.Currency](in.Amount.Currency),
		RequestNo: optional[gatewayv1.Reference](in.RequestNo), Details: optional[gatewayv1.Details](in.Details),
		ReturnAddress: required[gatewayv1.WebAddress](&f, "returnAddress", in.ReturnAddress), Language: optional[gatewayv1.PageLanguage](in.Language),
	}
	if f.err != nil {
		return StartedPayment{}, f.err
	}
	var out StartedPayment
	err := c.call(ctx, tolem.OpStartAccountPayment, h, func(g gatewayv1.Gateway) error {
		a, err := g.StartAccountPaymentContext(ctx, q)
		if err != nil {
			return err
		}
		out = started(a.RequestId, a.ResultText, a.PaymentId, a.RedirectAddress, a.ExpiresAt)
		return nil
	})
	return out, err
}

func started(id *gatewayv1.RequestId, text *gatewayv1.Text, payment *gatewayv1.PaymentId, address *gatewayv1.WebAddress, expires *gatewayv1.Timestamp) StartedPayment {
	return StartedPayment{
		Answer: answer(id, text), Payment: tolem.PaymentID(deref(payment)), Address: string(deref(address)), ExpiresAt: timeOf(expires),
	}
}

// GetCheckout returns how a payment stands that the caller started.
func (c *Client) GetCheckout(ctx context.Context, payment tolem.PaymentID, options ...Option) (Checkout, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.GetCheckout{RequestId: h.id(), OnBehalfOf: h.bank(), PaymentId: required[gatewayv1.PaymentId](&f, "paymentId", payment)}
	if f.err != nil {
		return Checkout{}, f.err
	}
	var out Checkout
	err := c.call(ctx, tolem.OpGetCheckout, h, func(g gatewayv1.Gateway) error {
		a, err := g.GetCheckoutContext(ctx, q)
		if err != nil {
			return err
		}
		var read reader
		out = Checkout{
			Answer: answer(a.RequestId, a.ResultText), Payment: tolem.PaymentID(deref(a.PaymentId)), Stage: tolem.Stage(deref(a.Stage)),
			Method: tolem.Method(deref(a.Method)), Bank: tolem.ParticipantID(deref(a.BankId)), BankRef: tolem.BankRef(deref(a.BankRef)),
			PaidAt: timeOf(a.PaidAt), Refusal: tolem.RefusalReason(deref(a.Refusal)),
			ErrorCode: string(deref(a.BankErrorCode)), ErrorText: string(deref(a.BankErrorText)),
		}
		if a.PaymentCode != nil {
			out.Code = read.code(a.PaymentCode)
		}
		return read.err
	})
	return out, err
}
