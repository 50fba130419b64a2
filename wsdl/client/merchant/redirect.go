// Package merchant is a merchant's side of the payment page, for shops in Go
// and as an example for all others: SignRedirect makes the address that a buyer
// is sent to, Receiver takes the signed results that the gateway posts
// (ACQ-P05, ACQ-P12).
//
// It keeps no orders and shows nothing: a shop calls SignRedirect when its
// buyer chooses to pay, and mounts a Receiver where the gateway posts to. Tests
// and the sandbox do the same.
package merchant

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"tolem"
	"tolem/signing"
)

// redirectPath is where the payment page takes redirects, below its own address.
const redirectPath = "/order"

// SignRedirect returns the address to which a buyer is sent to pay an order.
// Page is the address of the payment page, like https://pay.example.kz/pay. Key
// is the signer's; Issued is now, unless it is set.
func SignRedirect(page string, o tolem.OrderRedirect, s *signing.Signer) (string, error) {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%w: address of the payment page", tolem.ErrRedirect)
	}
	if o.Issued.IsZero() {
		o.Issued = time.Now()
	}
	o.Issued, o.Key = o.Issued.UTC().Truncate(time.Millisecond), s.Fingerprint().String()
	if err := o.Check(); err != nil {
		return "", err
	}
	signature, err := s.SignText(o.Text())
	if err != nil {
		return "", fmt.Errorf("sign redirect: %w", err)
	}
	return strings.TrimSuffix(page, "/") + redirectPath + "?" + o.Query(signature), nil
}
