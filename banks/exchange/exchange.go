// Package exchange is one signed exchange of the gateway with the endpoint of a
// participant: who the gateway is there, whom it believes, and that an answer
// is that participant's own. The transport of messages is wsdl/channel's.
//
// It knows no contract and repeats nothing. registry/deliver calls it to push
// documents, banks/bankv1 to call banks, bills/billsv1 to ask organisations.
package exchange

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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

// Errors of Config.Check.
var (
	ErrAddress = errors.New("address must be an https URL without query")
	ErrConfig  = errors.New("signer, trust and directory are required")
)

// Config says who calls and whom to believe.
type Config struct {
	Signer      *signing.Signer
	Certificate tls.Certificate // of the gateway, for TLS clients
	Trust       *trust.Store
	Directory   *banks.Directory // says whose a certificate is
	Clock       func() time.Time // time.Now if nil
	Timeout     time.Duration    // of one exchange; DefaultTimeout if zero
}

// Check reports what keeps exchanges with an address from being made: ErrAddress
// or ErrConfig.
func (c Config) Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Scheme != "https", u.Host == "", u.RawQuery != "", u.User != nil:
		return fmt.Errorf("%w: %q", ErrAddress, address)
	case c.Signer == nil || c.Trust == nil || c.Directory == nil:
		return ErrConfig
	}
	return nil
}

// NewRequestID draws a UUID of version 4.
func NewRequestID(random io.Reader) (tolem.RequestID, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("random numbers: %w", err)
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return tolem.RequestID(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]), nil
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

// Answer is one that the participant asked has signed just now.
type Answer struct {
	*signing.Verified
	Raw []byte    // as it came
	At  time.Time // when
}

// Ask sends a message and returns the answer of this participant. What it has
// not signed is no answer.
func (c *Caller) Ask(ctx context.Context, client *http.Client, address, action string, message []byte, of tolem.ParticipantID) (a Answer, err error) {
	if a.Raw, a.At, err = c.Post(ctx, client, address, action, message); err != nil {
		return Answer{}, err
	}
	if a.Verified, err = c.Verify(a.Raw, of, a.At); err != nil {
		return Answer{}, err
	}
	return a, nil
}
