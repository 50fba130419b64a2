// Package client calls the payment gateway. It is what a bank's or the
// portal's program in Go uses: plain structs in, typed results out, and between
// them everything the contract asks for — a request id, the signature, mutual
// TLS, repetition after a lost answer, and the verification of every answer and
// every fault before a single field of it is believed.
//
//	gateway, err := client.New(client.Config{
//		Address: "https://gateway.example/soap/v1",
//		TLS:     tlsConfig,                          // with the TLS client certificate
//		Signer:  signer,                             // signing.LoadSigner(certificate, key)
//		Trust:   trustStore,                         // trust.Open: anchors and revocation lists
//		Gateway: client.Identity{CommonName: "gateway.example"},
//	})
//	code, err := gateway.IssueCode(ctx, client.CodeRequest{…})
//
// It keeps nothing: Config.Observe receives every signed message for callers
// that keep evidence. The gateway itself does not use this package; its demo,
// its benchmark and its tests do.
package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/wsdl/channel"
)

// What holds unless Config says otherwise.
const (
	DefaultTimeout  = 30 * time.Second // of one attempt
	DefaultAttempts = 3
	DefaultBackoff  = 250 * time.Millisecond // before the second attempt; doubled before each further one
)

// Limits of the client.
const (
	MaxAnswerBytes = channel.MaxAnswer // of one answer, envelope included
	MaxAttempts    = 10

	maxBackoff = 10 * time.Second
)

// Identity says which of all trusted certificates are the gateway's. The same
// authority certifies every participant, so a trusted signature alone does not
// make an answer the gateway's. At least one field must be given; if both are,
// both must fit.
type Identity struct {
	CommonName   string              // of the subject of the signing certificates
	Fingerprints []tolem.Fingerprint // SHA-256 of the signing certificates
}

// Config says whom to call and how.
type Config struct {
	Address string      // https://HOST:PORT/soap/v1
	TLS     *tls.Config // with the client certificate and the roots of the server's
	Signer  *signing.Signer
	Trust   signing.Truster // *trust.Store is one
	Gateway Identity

	OnBehalfOf tolem.ParticipantID // the bank for which a processing centre calls
	SOAP12     bool                // SOAP 1.2 instead of 1.1

	Timeout  time.Duration // of one attempt
	Attempts int           // how often a request is sent at most while its answers get lost
	Backoff  time.Duration

	// Observe, if set, is told of every attempt before its outcome is acted
	// on. It is called on the caller's goroutine.
	Observe func(Exchange)

	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Exchange is one attempt to call an operation, with the bytes as they
// travelled. Request and Answer are signed evidence; keep them as they are.
type Exchange struct {
	Operation tolem.Operation
	RequestID tolem.RequestID
	Attempt   int // 1 is the first
	Request   []byte
	Answer    []byte // nil if none came
	Err       error  // why the answer cannot be used; nil for every verified answer, refusals included
}

// Errors of New.
var (
	ErrAddress  = errors.New("address must be an https URL without query")
	ErrNoSigner = errors.New("a signer is required: the gateway takes signed requests only")
	ErrNoTrust  = errors.New("a truster is required: answers must be verified")
	ErrIdentity = errors.New("say which certificates are the gateway's: common name or fingerprints")
	ErrTLS      = errors.New("TLS configuration must verify the server")
	ErrAttempts = fmt.Errorf("attempts must be at most %d", MaxAttempts)
)

// Client calls one gateway. It is safe for concurrent use; make one and keep
// it, it keeps connections.
type Client struct {
	config   Config
	http     *http.Client
	verifier *signing.Verifier // of answers
	vouched  *signing.Verifier // of stored answers that a verified answer contains
}

// New checks the configuration and returns a client. It opens no connection.
func New(c Config) (*Client, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("gateway client: %w", err)
	}
	c.setDefaults()
	return &Client{
		config:   c,
		http:     channel.NewHTTPClient(c.TLS, c.Timeout),
		verifier: signing.NewVerifier(&currentTrust{truster: c.Trust, now: c.Now}, nil),
		vouched:  signing.NewVerifier(anyCertificate{}, nil),
	}, nil
}

// Close closes connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Config) check() error {
	address, err := url.Parse(c.Address)
	switch {
	case err != nil, address.Scheme != "https", address.Host == "", address.RawQuery != "", address.User != nil:
		return ErrAddress
	case c.Signer == nil:
		return ErrNoSigner
	case c.Trust == nil:
		return ErrNoTrust
	case c.Gateway.CommonName == "" && len(c.Gateway.Fingerprints) == 0:
		return ErrIdentity
	case c.TLS != nil && c.TLS.InsecureSkipVerify:
		return ErrTLS
	case c.Attempts > MaxAttempts:
		return ErrAttempts
	}
	return nil
}

func (c *Config) setDefaults() {
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Attempts <= 0 {
		c.Attempts = DefaultAttempts
	}
	if c.Backoff <= 0 {
		c.Backoff = DefaultBackoff
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Observe == nil {
		c.Observe = func(Exchange) {}
	}
}
