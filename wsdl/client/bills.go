package client

import (
	"context"
	"time"

	"tolem"
	"tolem/wsdl/gatewayv1"
)

// MaxAccounts bounds a batch of accounts.
const MaxAccounts = 500

// BillBatch is what a provider says about some of its accounts. Each is the
// whole truth about itself: bills that it does not name are not owed. Of two
// words about an account the one of the later AsOf stands. The organisation and
// the times of the accounts are not sent: they are the batch's.
type BillBatch struct {
	AsOf      time.Time // the moment of the provider's books
	PaidUntil time.Time // payments before it are taken off already; zero: those of the days whose registers were formed at AsOf
	Currency  tolem.Currency
	Accounts  []tolem.Snapshot // at most MaxAccounts
}

// SubmittedBills says what became of a batch.
type SubmittedBills struct {
	Answer
	Batch    string
	Accounts int64
	Taken    int64
	Same     int64 // said what was known
	Older    int64 // were passed over: something later was known
}

// RejectedAccount is an account of a batch that is not in order.
type RejectedAccount struct {
	No      int               `xml:"no"` // from 1
	Problem tolem.BillProblem `xml:"code"`
	Text    string            `xml:"text"`
}

// SubmitBills says what is owed on accounts of the provider that calls. A
// *Refusal with BILLS_REFUSED means that nothing was taken, and names the
// accounts that are not in order.
func (c *Client) SubmitBills(ctx context.Context, b BillBatch, options ...Option) (SubmittedBills, error) {
	var f form
	h := c.head(options)
	request := &gatewayv1.SubmitBills{
		RequestId: h.id(), OnBehalfOf: h.bank(), AsOf: f.time("asOf", b.AsOf), Currency: required[gatewayv1.Currency](&f, "currency", b.Currency),
	}
	if !b.PaidUntil.IsZero() {
		request.PaidUntil = &gatewayv1.Timestamp{Time: b.PaidUntil}
	}
	if len(b.Accounts) == 0 {
		f.missing("account")
	}
	for _, s := range b.Accounts {
		request.Account = append(request.Account, f.account(s))
	}
	if f.err != nil {
		return SubmittedBills{}, f.err
	}
	var out SubmittedBills
	err := c.call(ctx, tolem.OpSubmitBills, h, func(g gatewayv1.Gateway) error {
		a, err := g.SubmitBillsContext(ctx, request)
		if err != nil {
			return err
		}
		out = SubmittedBills{
			Answer: answer(a.RequestId, a.ResultText), Batch: string(deref(a.BatchId)), Accounts: int64(deref(a.Accounts)),
			Taken: int64(deref(a.Taken)), Same: int64(deref(a.Same)), Older: int64(deref(a.Older)),
		}
		return nil
	})
	return out, err
}

func (f *form) account(s tolem.Snapshot) *gatewayv1.BillAccount {
	a := &gatewayv1.BillAccount{
		Number: required[gatewayv1.BillAccountNumber](f, "account number", s.Account.Number), Closed: s.Closed,
		Holder: optional[gatewayv1.PersonName](s.Particulars.Holder), Address: optional[gatewayv1.PostalAddress](s.Particulars.Address),
	}
	for _, d := range s.Particulars.Details {
		a.Detail = append(a.Detail, &gatewayv1.AccountDetail{
			Label: required[gatewayv1.DetailLabel](f, "detail label", d.Label), Value: optional[gatewayv1.DetailValue](d.Value),
		})
	}
	for _, b := range s.Bills {
		a.Bill = append(a.Bill, &gatewayv1.Bill{
			ServiceCode: required[gatewayv1.Identifier](f, "bill service", b.Service), Amount: f.amount(b.Amount),
			InvoiceNo: optional[gatewayv1.Reference](b.Invoice), Period: optional[gatewayv1.BillPeriod](b.Period),
		})
	}
	return a
}
