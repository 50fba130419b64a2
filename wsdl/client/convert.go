package client

import (
	"fmt"
	"time"

	"tolem"
	"tolem/wsdl/gatewayv1"
)

// form collects what is missing from a request while it is filled in, so that
// a slip shows here and not as a fault from the gateway.
type form struct{ err error }

func (f *form) missing(name string) {
	if f.err == nil {
		f.err = fmt.Errorf("%s: %w", name, ErrMissing)
	}
}

func required[T, S ~string](f *form, name string, s S) *T {
	if s == "" {
		f.missing(name)
	}
	return pointer[T](s)
}

func (f *form) code(n tolem.CodeNumber) *gatewayv1.PaymentCodeInput {
	if n == 0 {
		f.missing("paymentCode")
	}
	return pointer[gatewayv1.PaymentCodeInput](n.String())
}

func (f *form) amount(m tolem.Money) *gatewayv1.Amount {
	if m.Minor == 0 {
		f.missing("amount")
	}
	return pointer[gatewayv1.Amount](m.Decimal())
}

func (f *form) time(name string, t time.Time) *gatewayv1.Timestamp {
	if t.IsZero() {
		f.missing(name)
	}
	return &gatewayv1.Timestamp{Time: t}
}

func pointer[T, S ~string](s S) *T {
	t := T(s)
	return &t
}

func optional[T, S ~string](s S) *T {
	if s == "" {
		return nil
	}
	return pointer[T](s)
}

func deref[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}

// reader turns the fields of a verified answer into values and keeps the first
// error. What the contract makes optional and is absent becomes zero.
type reader struct{ err error }

func (r *reader) fail(name string, err error) {
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("%w: %s: %w", ErrAnswer, name, err)
	}
}

func (r *reader) code(p *gatewayv1.PaymentCode) tolem.CodeNumber {
	if p == nil {
		r.fail("paymentCode", ErrMissing)
		return 0
	}
	n, err := tolem.ParseCodeNumber(string(*p))
	r.fail("paymentCode", err)
	return n
}

func (r *reader) money(amount *gatewayv1.Amount, currency *gatewayv1.Currency) tolem.Money {
	if amount == nil {
		return tolem.Money{}
	}
	if currency == nil {
		r.fail("currency", ErrMissing)
	}
	m, err := tolem.ParseMoney(string(*amount), tolem.Currency(deref(currency)))
	r.fail("amount", err)
	return m
}

func (r *reader) state(p *gatewayv1.State) tolem.State {
	if p == nil {
		return tolem.StateUnknown
	}
	for s := tolem.StateIssued; s <= tolem.StateRefunded; s++ {
		if s.String() == string(*p) {
			return s
		}
	}
	r.fail("state", fmt.Errorf("unknown value %q", *p))
	return tolem.StateUnknown
}

func (r *reader) iin(p *gatewayv1.IIN) tolem.IIN {
	if p == nil {
		return ""
	}
	iin, err := tolem.ParseIIN(string(*p))
	r.fail("recipientIIN", err)
	return iin
}

func (r *reader) names(p *gatewayv1.LocalizedName) tolem.Names {
	n := deref(p)
	return tolem.Names{KK: string(deref(n.Kk)), RU: string(deref(n.Ru)), EN: string(deref(n.En))}
}

func timeOf(p *gatewayv1.Timestamp) time.Time { return deref(p).Time }

func answer(id *gatewayv1.RequestId, text *gatewayv1.Text) Answer {
	return Answer{RequestID: tolem.RequestID(deref(id)), Text: string(deref(text))}
}
