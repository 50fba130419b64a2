package client

import (
	"context"

	"tolem"
	"tolem/wsdl/gatewayv1"
)

// IssueCode asks for a payment code. Like every method of a Client it returns
// a *Refusal if the gateway said no, a *Fault if it could not take the request,
// and *Undecided if no answer came that can be believed.
func (c *Client) IssueCode(ctx context.Context, r CodeRequest, options ...Option) (IssuedCode, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.IssueCode{
		RequestId:     h.id(),
		OnBehalfOf:    h.bank(),
		ServiceCode:   required[gatewayv1.Identifier](&f, "serviceCode", r.Service),
		ProviderId:    required[gatewayv1.Identifier](&f, "providerId", r.Provider),
		RecipientIIN:  required[gatewayv1.IIN](&f, "recipientIIN", r.Recipient.Reveal()),
		RecipientName: optional[gatewayv1.PersonName](r.RecipientName),
		Amount:        f.amount(r.Amount),
		Currency:      required[gatewayv1.Currency](&f, "currency", r.Amount.Currency),
		Channel:       required[gatewayv1.Channel](&f, "channel", r.Channel),
		RequestNo:     optional[gatewayv1.Reference](r.RequestNo),
	}
	if f.err != nil {
		return IssuedCode{}, f.err
	}
	var out IssuedCode
	err := c.call(ctx, tolem.OpIssueCode, h, func(g gatewayv1.Gateway) error {
		a, err := g.IssueCodeContext(ctx, q)
		if err != nil {
			return err
		}
		var read reader
		out = IssuedCode{
			Answer: answer(a.RequestId, a.ResultText),
			Code:   read.code(a.PaymentCode), IssuedAt: timeOf(a.IssuedAt), ExpiresAt: timeOf(a.ExpiresAt),
		}
		return read.err
	})
	return out, err
}

// NotifyPayment tells the gateway that a code was paid. Once it returns
// without error the payment is recorded durably.
func (c *Client) NotifyPayment(ctx context.Context, p Payment, options ...Option) (RecordedPayment, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.NotifyPayment{
		RequestId:     h.id(),
		OnBehalfOf:    h.bank(),
		PaymentCode:   f.code(p.Code),
		BankId:        required[gatewayv1.Identifier](&f, "bankId", p.Bank),
		BankRef:       required[gatewayv1.Reference](&f, "bankRef", p.BankRef),
		Amount:        f.amount(p.Amount),
		Currency:      required[gatewayv1.Currency](&f, "currency", p.Amount.Currency),
		PaidAt:        f.time("paidAt", p.PaidAt),
		Channel:       required[gatewayv1.Channel](&f, "channel", p.Channel),
		RecipientIIN:  required[gatewayv1.IIN](&f, "recipientIIN", p.Recipient.Reveal()),
		RecipientName: optional[gatewayv1.PersonName](p.RecipientName),
		ServiceCode:   required[gatewayv1.Identifier](&f, "serviceCode", p.Service),
		ProviderId:    required[gatewayv1.Identifier](&f, "providerId", p.Provider),
		AccountNo:     required[gatewayv1.AccountNumber](&f, "accountNo", p.Account),
		BranchId:      optional[gatewayv1.Identifier](p.Branch),
	}
	if !p.Fee.IsZero() {
		q.Fee = pointer[gatewayv1.Amount](p.Fee.Decimal())
	}
	if f.err != nil {
		return RecordedPayment{}, f.err
	}
	var out RecordedPayment
	err := c.call(ctx, tolem.OpNotifyPayment, h, func(g gatewayv1.Gateway) error {
		a, err := g.NotifyPaymentContext(ctx, q)
		if err != nil {
			return err
		}
		var read reader
		out = RecordedPayment{
			Answer: answer(a.RequestId, a.ResultText),
			Code:   read.code(a.PaymentCode), ReceivedAt: timeOf(a.ReceivedAt), State: read.state(a.State), Late: a.Late,
			Branch: tolem.ParticipantID(deref(a.BranchId)),
		}
		return read.err
	})
	return out, err
}

// ValidateCode asks whether a code is paid and not used. A code that is not
// comes back as a *Refusal.
func (c *Client) ValidateCode(ctx context.Context, v Validation, options ...Option) (ValidCode, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.ValidateCode{
		RequestId:    h.id(),
		OnBehalfOf:   h.bank(),
		PaymentCode:  f.code(v.Code),
		RequestNo:    optional[gatewayv1.Reference](v.RequestNo),
		RecipientIIN: optional[gatewayv1.IIN](v.Recipient.Reveal()),
		ServiceCode:  optional[gatewayv1.Identifier](v.Service),
		CentreId:     optional[gatewayv1.Reference](v.Centre),
		OperatorId:   optional[gatewayv1.Reference](v.Operator),
	}
	if f.err != nil {
		return ValidCode{}, f.err
	}
	var out ValidCode
	err := c.call(ctx, tolem.OpValidateCode, h, func(g gatewayv1.Gateway) error {
		a, err := g.ValidateCodeContext(ctx, q)
		if err != nil {
			return err
		}
		var read reader
		out = ValidCode{
			Answer: answer(a.RequestId, a.ResultText),
			Code:   read.code(a.PaymentCode), State: read.state(a.State),
			Recipient: read.iin(a.RecipientIIN), RecipientName: string(deref(a.RecipientName)),
			Service: tolem.ServiceCode(deref(a.ServiceCode)), Amount: read.money(a.Amount, a.Currency),
			PaidAt: timeOf(a.PaidAt), BoundTo: tolem.RequestNo(deref(a.BoundRequestNo)),
		}
		return read.err
	})
	return out, err
}

// CloseCode records that the service of a code was obtained. Of all that close
// one code, one succeeds.
func (c *Client) CloseCode(ctx context.Context, cl Closing, options ...Option) (ClosedCode, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.CloseCode{
		RequestId:   h.id(),
		OnBehalfOf:  h.bank(),
		PaymentCode: f.code(cl.Code),
		CloseId:     required[gatewayv1.Reference](&f, "closeId", cl.ID),
		RequestNo:   optional[gatewayv1.Reference](cl.RequestNo),
		CentreId:    optional[gatewayv1.Reference](cl.Centre),
		OperatorId:  optional[gatewayv1.Reference](cl.Operator),
	}
	if f.err != nil {
		return ClosedCode{}, f.err
	}
	var out ClosedCode
	err := c.call(ctx, tolem.OpCloseCode, h, func(g gatewayv1.Gateway) error {
		a, err := g.CloseCodeContext(ctx, q)
		if err != nil {
			return err
		}
		var read reader
		out = ClosedCode{
			Answer: answer(a.RequestId, a.ResultText),
			Code:   read.code(a.PaymentCode), State: read.state(a.State), ClosedAt: timeOf(a.ClosedAt),
		}
		return read.err
	})
	return out, err
}

// CancelCode cancels an unpaid code that the caller requested. The reason may
// be empty.
func (c *Client) CancelCode(ctx context.Context, code tolem.CodeNumber, reason string, options ...Option) (CancelledCode, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.CancelCode{
		RequestId: h.id(), OnBehalfOf: h.bank(),
		PaymentCode: f.code(code), Reason: optional[gatewayv1.Reason](reason),
	}
	if f.err != nil {
		return CancelledCode{}, f.err
	}
	var out CancelledCode
	err := c.call(ctx, tolem.OpCancelCode, h, func(g gatewayv1.Gateway) error {
		a, err := g.CancelCodeContext(ctx, q)
		if err != nil {
			return err
		}
		var read reader
		out = CancelledCode{
			Answer: answer(a.RequestId, a.ResultText),
			Code:   read.code(a.PaymentCode), State: read.state(a.State), CancelledAt: timeOf(a.CancelledAt),
		}
		return read.err
	})
	return out, err
}
