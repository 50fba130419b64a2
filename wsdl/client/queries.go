package client

import (
	"context"
	"fmt"
	"strings"

	"tolem"
	"tolem/wsdl/gatewayv1"
)

// GetPayment returns the state of a code and its payment.
func (c *Client) GetPayment(ctx context.Context, code tolem.CodeNumber, options ...Option) (PaymentState, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.GetPayment{RequestId: h.id(), OnBehalfOf: h.bank(), PaymentCode: f.code(code)}
	if f.err != nil {
		return PaymentState{}, f.err
	}
	var out PaymentState
	err := c.call(ctx, tolem.OpGetPayment, h, func(g gatewayv1.Gateway) error {
		a, err := g.GetPaymentContext(ctx, q)
		if err != nil {
			return err
		}
		var read reader
		out = PaymentState{
			Answer: answer(a.RequestId, a.ResultText),
			Code:   read.code(a.PaymentCode), State: read.state(a.State),
			Service: tolem.ServiceCode(deref(a.ServiceCode)), Provider: tolem.ProviderID(deref(a.ProviderId)),
			Amount: read.money(a.Amount, a.Currency), Channel: tolem.Channel(deref(a.Channel)),
			IssuedAt: timeOf(a.IssuedAt), ExpiresAt: timeOf(a.ExpiresAt), PaidAt: timeOf(a.PaidAt),
			ReceivedAt: timeOf(a.ReceivedAt), ClosedAt: timeOf(a.ClosedAt),
			Bank: tolem.ParticipantID(deref(a.BankId)), BankRef: tolem.BankRef(deref(a.BankRef)),
			Late: a.Late, BoundTo: tolem.RequestNo(deref(a.BoundRequestNo)),
		}
		return read.err
	})
	return out, err
}

// GetReceipt returns the e-receipt of a paid code.
func (c *Client) GetReceipt(ctx context.Context, code tolem.CodeNumber, options ...Option) (Receipt, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.GetReceipt{RequestId: h.id(), OnBehalfOf: h.bank(), PaymentCode: f.code(code)}
	if f.err != nil {
		return Receipt{}, f.err
	}
	var out Receipt
	err := c.call(ctx, tolem.OpGetReceipt, h, func(g gatewayv1.Gateway) error {
		a, err := g.GetReceiptContext(ctx, q)
		if err != nil {
			return err
		}
		var read reader
		if len(a.Receipt) == 0 {
			read.fail("receipt", ErrMissing)
		}
		out = Receipt{Answer: answer(a.RequestId, a.ResultText), Code: read.code(a.PaymentCode), Document: a.Receipt}
		return read.err
	})
	return out, err
}

// ListServices returns what can be prepaid, of one provider or, if provider is
// empty, of all.
func (c *Client) ListServices(ctx context.Context, provider tolem.ProviderID, options ...Option) (Services, error) {
	h := c.head(options)
	q := &gatewayv1.ListServices{RequestId: h.id(), OnBehalfOf: h.bank(), ProviderId: optional[gatewayv1.Identifier](provider)}
	var out Services
	err := c.call(ctx, tolem.OpListServices, h, func(g gatewayv1.Gateway) error {
		a, err := g.ListServicesContext(ctx, q)
		if err != nil {
			return err
		}
		var read reader
		out = Services{Answer: answer(a.RequestId, a.ResultText)}
		for _, s := range deref(a.Services).Service {
			out.Services = append(out.Services, read.service(s))
		}
		return read.err
	})
	return out, err
}

func (r *reader) service(s *gatewayv1.Service) Service {
	minor := func(a *gatewayv1.Amount) int64 { return r.money(a, s.Currency).Minor }
	return Service{
		Service: tolem.Service{
			Code: tolem.ServiceCode(deref(s.ServiceCode)), Provider: tolem.ProviderID(deref(s.ProviderId)),
			Names: r.names(s.Name),
			Price: tolem.Price{
				Currency: tolem.Currency(deref(s.Currency)),
				Fixed:    minor(s.FixedAmount), Min: minor(s.MinAmount), Max: minor(s.MaxAmount),
			},
			Active: true, // others are not listed
		},
		ProviderNames: r.names(s.ProviderName),
	}
}

// GetOutcome returns what became of an earlier request of the caller, with the
// signed answer, whose signature is checked too. A *Refusal
// with UNKNOWN_REQUEST means that the earlier request had no effect.
func (c *Client) GetOutcome(ctx context.Context, of tolem.RequestID, options ...Option) (Outcome, error) {
	var f form
	h := c.head(options)
	q := &gatewayv1.GetOutcome{RequestId: h.id(), OnBehalfOf: h.bank(), OfRequestId: required[gatewayv1.RequestId](&f, "ofRequestId", of)}
	if f.err != nil {
		return Outcome{}, f.err
	}
	var out Outcome
	err := c.call(ctx, tolem.OpGetOutcome, h, func(g gatewayv1.Gateway) error {
		a, err := g.GetOutcomeContext(ctx, q)
		if err != nil {
			return err
		}
		out = Outcome{
			Answer:    answer(a.RequestId, a.ResultText),
			Operation: tolem.Operation(deref(a.Operation)), Result: tolem.ResultCode(deref(a.OfResultCode)),
			AnsweredAt: timeOf(a.AnsweredAt), Signed: a.Answer,
		}
		return c.checkStored(out, of)
	})
	return out, err
}

// large are the operations whose answers may be too large to stand in an
// outcome.
var large = map[tolem.Operation]bool{tolem.OpGetRegister: true, tolem.OpListRegisters: true, tolem.OpListServices: true}

// checkStored verifies the signed answer inside an outcome and that it says
// what the outcome says.
func (c *Client) checkStored(o Outcome, of tolem.RequestID) error {
	if len(o.Signed) == 0 && large[o.Operation] {
		return nil
	}
	body, err := c.openVouched(o.Signed)
	if err != nil {
		return err
	}
	stored := body.Content
	if !strings.EqualFold(stored.RequestID, string(of)) || stored.ResultCode != string(o.Result) ||
		stored.XMLName.Local != string(o.Operation)+"Response" {
		return fmt.Errorf("%w: the stored answer is another one", ErrAnswer)
	}
	return nil
}
