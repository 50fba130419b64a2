// Package exchange is one signed exchange of the gateway with the endpoint of a
// participant: who the gateway is there, whom it believes, and that an answer
// is that participant's own. The transport of messages is wsdl/channel's.
//
// It knows no contract and repeats nothing. registry/deliver calls it to push
// documents, banks/bankv1 to call banks.
package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/wsdl/channel"
)

// DefaultTimeout bounds one message and its answer.
const DefaultTimeout = 30 * time.Second

// ErrSigner: the answer is signed by somebody else. It comes with
// channel.ErrAnswer.
var ErrSigner = errors.New("not the participant's signature")

// Config says who calls and whom to believe.
type Config struct {
	Signer      *signing.Signer
	Certificate tls.Certificate // of the gateway, for TLS clients
	Trust       *trust.Store
	Directory   *banks.Directory // says whose a certificate is
	Clock       func() time.Time // time.Now if nil
	Timeout     time.Duration    // of one exchange; DefaultTimeout if zero
}

// Caller makes exchanges. It is safe for concurrent use.
type Caller struct {
	config   Config
	verifier *signing.Verifier
}

// New returns a caller.
func New(c Config) *Caller {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	// No register: a participant signs its Timestamp and sends its certificate.
	return &Caller{config: c, verifier: signing.NewVerifier(c.Trust, nil)}
}

// Now is the caller's clock.
func (c *Caller) Now() time.Time { return c.config.Clock() }

// Client returns an HTTP client for the address. It verifies the server as
// strictly as the gateway's server verifies its callers.
func (c *Caller) Client(address string) (*http.Client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return channel.NewHTTPClient(&tls.Config{
		Certificates: []tls.Certificate{c.config.Certificate},
		RootCAs:      c.config.Trust.Pool(),
		Time:         c.config.Clock,
		VerifyConnection: func(cs tls.ConnectionState) error {
			return c.config.Trust.VerifyServer(cs, u.Hostname())
		},
	}, c.config.Timeout), nil
}

// Sign returns the signed message around a payload, and when it was signed.
func (c *Caller) Sign(payload []byte) (message []byte, at time.Time, err error) {
	at = c.config.Clock()
	message, err = c.config.Signer.Sign(signing.SOAP11, payload, at)
	return message, at, err
}

// Post sends a message and returns what came back, not verified yet, and when.
func (c *Caller) Post(ctx context.Context, client *http.Client, address, action string, message []byte) (answer []byte, at time.Time, err error) {
	answer, _, err = channel.Post(ctx, client, address, signing.SOAP11, action, message)
	return answer, c.config.Clock(), err
}

// Verify returns an answer that this participant has signed just now.
func (c *Caller) Verify(answer []byte, by tolem.ParticipantID, now time.Time) (*signing.Verified, error) {
	verified, err := c.verifier.Verify(answer, now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", channel.ErrAnswer, err)
	}
	signer, err := c.config.Directory.Holder(verified.Fingerprint)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w: signed by %q: %w", channel.ErrAnswer, ErrSigner, verified.Certificate.Subject.CommonName, err)
	case signer.ID != by:
		return nil, fmt.Errorf("%w: %w: signed by %s in place of %s", channel.ErrAnswer, ErrSigner, signer.ID, by)
	}
	return verified, nil
}
