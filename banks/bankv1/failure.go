package bankv1

import (
	"context"
	"errors"

	"tolem/banks"
	"tolem/banks/exchange"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/wsdl/channel"
)

// failure is an error that may be printed: its text had the card cut out, and it
// wraps sentinels only, never an error with a text of its own.
type failure struct {
	text string
	is   []error
}

// Error returns the text.
func (f *failure) Error() string { return f.text }

// Unwrap returns the sentinels.
func (f *failure) Unwrap() []error { return f.is }

// told are the sentinels that survive in a failure.
var told = []error{
	banks.ErrNotSent, banks.ErrNoAnswer, banks.ErrResting, banks.ErrBusy, banks.ErrOrder, banks.ErrAmount, banks.ErrOtherContent,
	channel.ErrUnreachable, channel.ErrLost, channel.ErrAnswer, context.Canceled, context.DeadlineExceeded,
	trust.ErrUntrusted, trust.ErrExpired, trust.ErrNotYetValid, trust.ErrRevoked, trust.ErrCRLUnavailable, trust.ErrUsage,
}

func newFailure(kind, err error, clean func(string) string) error {
	f := &failure{is: []error{kind}}
	for _, s := range told {
		if s != kind && errors.Is(err, s) {
			f.is = append(f.is, s)
		}
	}
	if errors.Is(err, exchange.ErrSigner) {
		f.is = append(f.is, banks.ErrSigner)
	}
	text := err.Error()
	// What a verification says about a message may quote it.
	if refused := (*signing.Error)(nil); errors.As(err, &refused) {
		text = channel.ErrAnswer.Error() + ": " + string(refused.Class)
	}
	f.text = kind.Error() + ": " + clean(text)
	return f
}

// notSent is a failure before anything of a card was in reach.
func notSent(err error) error {
	return newFailure(banks.ErrNotSent, err, func(s string) string { return s })
}

// unreached reports an error of the transport after which nothing was sent.
func unreached(err error) bool { return errors.Is(err, channel.ErrUnreachable) }

// failure makes of an error what the caller may see.
func (r *request) failure(err error) error {
	if unreached(err) {
		return newFailure(banks.ErrNotSent, err, r.cut)
	}
	return newFailure(banks.ErrNoAnswer, err, r.cut)
}
