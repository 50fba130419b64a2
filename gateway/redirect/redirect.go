// Package redirect is the gate for buyers whom a merchant sends to the payment
// page: from what a browser brings to a redirect that the merchant has certainly
// signed, and on to gateway.OpenOrder (ACQ-003 to ACQ-006, ACQ-P05). A
// certificate is believed as in messages: registered to that merchant, under an
// anchor, not revoked; where that cannot be found out, nothing is believed.
//
// It decides nothing about orders and shows nothing. The payment page calls it,
// joined by cmd.
package redirect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/gateway"
	"tolem/signing"
)

// The errors of Open, besides those of gateway.OpenOrder.
var (
	// ErrForm: parameters are missing, unknown or malformed.
	ErrForm = tolem.ErrRedirect
	// ErrMerchant: there is no such merchant, or it may not sell now.
	ErrMerchant = errors.New("no such merchant")
	// ErrSignature: the merchant has not signed this.
	ErrSignature = errors.New("redirect is not signed by the merchant")
	// ErrUnavailable: whether the signature is good cannot be found out now.
	ErrUnavailable = errors.New("redirect cannot be verified now")
)

// Config joins a Gate.
type Config struct {
	Gateway   *gateway.Gateway
	Directory *banks.Directory
	Trust     signing.Truster
	Clock     func() time.Time
	Observe   func(outcome string) // told of every redirect; "opened" if it led to the page
}

// Gate verifies redirects. It is safe for concurrent use.
type Gate struct{ Config }

// New returns a gate.
func New(c Config) *Gate {
	if c.Observe == nil {
		c.Observe = func(string) {}
	}
	return &Gate{c}
}

// Open verifies what the browser brought and opens the merchant's order.
func (g *Gate) Open(ctx context.Context, query url.Values) (tolem.PaymentID, error) {
	in, err := g.verify(query)
	if err != nil {
		g.Observe(outcomeOf(err))
		return "", err
	}
	id, err := g.Gateway.OpenOrder(ctx, in)
	g.Observe(outcomeOf(err))
	return id, err
}

// outcomes are the names of errors in metrics.
var outcomes = []struct {
	err  error
	name string
}{
	{gateway.ErrTokenUsed, "used"}, {gateway.ErrTokenExpired, "expired"}, {gateway.ErrOrderPaid, "paid"}, {gateway.ErrOrderDiffers, "differs"},
	{gateway.ErrOrderTerms, "terms"}, {ErrUnavailable, "unverifiable"}, {ErrSignature, "signature"}, {ErrMerchant, "merchant"}, {ErrForm, "form"},
}

func outcomeOf(err error) string {
	if err == nil {
		return "opened"
	}
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			return o.name
		}
	}
	return "failed"
}

// verify returns a redirect that its merchant has signed.
func (g *Gate) verify(query url.Values) (gateway.SignedOrder, error) {
	o, signature, err := tolem.ParseOrderRedirect(query)
	if err != nil {
		return gateway.SignedOrder{}, err
	}
	now := g.Clock()
	p, known := g.Directory.Participant(o.Merchant)
	if !known || p.Kind != tolem.KindMerchant || !p.MayCallAt(now) {
		return gateway.SignedOrder{}, fmt.Errorf("%w: %s", ErrMerchant, o.Merchant)
	}
	text := o.Text()
	err = errors.New("no certificate of the merchant's has this key")
	for _, c := range g.Directory.CertificatesOf(o.Merchant) {
		if !o.Names(c.Fingerprint) {
			continue
		}
		cert, proof, refused := signing.VerifyText(c.DER, text, signature, g.Trust, now)
		if refused != nil {
			err = refused
			continue
		}
		return gateway.SignedOrder{OrderRedirect: o, Record: archive.Record{
			ID: archive.NewMessageID(now), Direction: archive.In, At: now.UTC().Truncate(time.Microsecond), Participant: o.Merchant,
			Operation: gateway.OpOpenOrder, Raw: tolem.SignedRedirect(text, signature), Certificate: cert, Trust: proof,
		}}, nil
	}
	return gateway.SignedOrder{}, fmt.Errorf("%w: %s: %w", kindOf(err), o.Merchant, err)
}

// kindOf tells a signature that is wrong from one that cannot be judged.
func kindOf(err error) error {
	var refused *signing.Error
	if errors.As(err, &refused) && (refused.Class == signing.ClassCRL || refused.Class == signing.ClassInternal) {
		return ErrUnavailable
	}
	return ErrSignature
}
