// Package bankv1 calls banks by the contract wsdl/bank-v1.wsdl: signed SOAP over
// mutual TLS, an answer that counts only with the bank's own signature, and in
// between a breaker, so that a bank that is down costs payers no waiting.
//
// It decides nothing about money and keeps nothing: it tells what was certainly
// not sent from what may have been done, and hands the evidence on. Card data
// pass through it and stay in no error, no evidence and nothing it reports. The
// payment page's core calls it through banks.Connector.
package bankv1

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/banks/exchange"
	"tolem/signing"
	"tolem/wsdl"
)

// Limits of a connector, where Config says nothing.
const (
	DefaultTimeout    = exchange.DefaultTimeout // of one call (GW-P34)
	DefaultInFlight   = 512                     // calls that wait for one bank
	DefaultBreakAfter = 5                       // failures in a row after which a bank is left alone
	DefaultRest       = 5 * time.Second         // for how long, at first
	MaxRest           = time.Minute             // and at most
)

// Config says which bank is called and how.
type Config struct {
	Bank    tolem.ParticipantID
	Address string // https://HOST:PORT/bank/v1

	exchange.Config // the gateway's keys, whom to believe, the timeout of a call

	InFlight   int
	BreakAfter int
	Rest       time.Duration

	// Observe, if set, is told of every call after it has ended, on the caller's
	// goroutine.
	Observe func(Call)

	// Random is where request ids and salts come from; crypto/rand if nil.
	Random io.Reader
}

// Call is what may be logged and counted of one call.
type Call struct {
	Bank      tolem.ParticipantID
	Operation string
	Attempt   tolem.AttemptID   // or
	Claim     tolem.ClaimNumber // what it was about
	RequestID tolem.RequestID
	Outcome   banks.Outcome // "" with an error
	Err       error
	Took      time.Duration
	Resting   bool // the bank is left alone from now on, or still
}

// Connector calls one bank. It is safe for concurrent use; make one for each
// bank and keep it.
type Connector struct {
	config  Config
	caller  *exchange.Caller
	client  *http.Client
	reader  *signing.Reader
	breaker breaker
}

var (
	_ banks.Connector  = (*Connector)(nil)
	_ banks.ClaimPayer = (*Connector)(nil)
)

// ErrNoBank: New was not told which bank is called. Its other errors are those of
// exchange.Config.Check.
var ErrNoBank = errors.New("the bank is required")

// New checks the configuration and returns a connector. It opens no connection.
func New(c Config) (*Connector, error) {
	if err := c.Check(c.Address); err != nil {
		return nil, err
	}
	if c.Bank == "" {
		return nil, ErrNoBank
	}
	if c.InFlight <= 0 {
		c.InFlight = DefaultInFlight
	}
	if c.BreakAfter <= 0 {
		c.BreakAfter = DefaultBreakAfter
	}
	if c.Rest <= 0 {
		c.Rest = DefaultRest
	}
	if c.Observe == nil {
		c.Observe = func(Call) {}
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	b := &Connector{config: c, caller: exchange.New(c.Config), reader: signing.NewReader(wsdl.BankNamespace)}
	b.breaker = breaker{most: c.InFlight, after: c.BreakAfter, rest: c.Rest}
	var err error
	b.client, err = b.caller.Client(c.Address)
	return b, err
}

// Close closes connections that are idle.
func (c *Connector) Close() { c.client.CloseIdleConnections() }

// Resting reports whether the bank is left alone now.
func (c *Connector) Resting() bool { return c.breaker.resting(c.caller.Now()) }

// AuthorizeCard implements banks.Connector.
func (c *Connector) AuthorizeCard(ctx context.Context, o banks.CardOrder) (banks.Authorization, error) {
	r, err := c.cardRequest(o)
	return c.call(ctx, r, err)
}

// DebitAccount implements banks.Connector.
func (c *Connector) DebitAccount(ctx context.Context, o banks.AccountOrder) (banks.Authorization, error) {
	r, err := c.accountRequest(o)
	return c.call(ctx, r, err)
}

// Status implements banks.Connector.
func (c *Connector) Status(ctx context.Context, attempt tolem.AttemptID) (banks.Authorization, error) {
	r, err := c.statusRequest(attempt)
	return c.call(ctx, r, err)
}

// Reverse implements banks.Connector.
func (c *Connector) Reverse(ctx context.Context, attempt tolem.AttemptID, reason string) (banks.Authorization, error) {
	r, err := c.reversalRequest(attempt, reason)
	return c.call(ctx, r, err)
}

// PayClaim implements banks.ClaimPayer.
func (c *Connector) PayClaim(ctx context.Context, o banks.ClaimOrder) (banks.Authorization, error) {
	r, err := c.claimRequest(o)
	return c.call(ctx, r, err)
}

// call makes one call and reports it. The error so far is of the request.
func (c *Connector) call(ctx context.Context, r request, err error) (banks.Authorization, error) {
	defer r.forget()
	began := time.Now()
	a, h := banks.Authorization{}, notSpoken
	var probe bool
	if err == nil {
		probe, err = c.breaker.enter(c.caller.Now())
	}
	if err == nil {
		a, h, err = c.exchange(ctx, r)
		c.breaker.leave(probe, h, c.caller.Now())
	} else {
		err = notSent(err)
	}
	c.config.Observe(Call{
		Bank: c.config.Bank, Operation: r.operation, Attempt: r.attempt, Claim: r.claim, RequestID: r.id,
		Outcome: a.Outcome, Err: err, Took: time.Since(began), Resting: c.Resting(),
	})
	return a, err
}

// exchange signs, sends, verifies and reads.
func (c *Connector) exchange(ctx context.Context, r request) (a banks.Authorization, h health, err error) {
	message, at, err := c.caller.Sign(r.payload)
	if err != nil {
		return a, notSpoken, notSent(fmt.Errorf("sign: %w", err))
	}
	e := &a.Evidence
	e.Operation, e.RequestID, e.SentAt = tolem.Operation(r.operation), r.id, at
	if err := r.keep(e, message); err != nil {
		return banks.Authorization{}, notSpoken, notSent(err)
	}
	answer, came, err := c.caller.Post(ctx, c.client, c.config.Address, wsdl.BankAction(r.operation), message)
	if err != nil {
		if unreached(err) {
			a = banks.Authorization{}
		}
		return a, blame(ctx), r.failure(err)
	}
	verified, err := c.caller.Verify(answer, c.config.Bank, came)
	if err != nil {
		return a, failing, r.failure(err)
	}
	e.AnsweredAt, e.Certificate, e.Trust = came, verified.Certificate, verified.Trust
	read, err := c.read(r, verified.Body)
	r.keepAnswer(e, answer, verified.Body, read.BankText)
	if err != nil {
		return banks.Authorization{Evidence: *e}, well, r.failure(err)
	}
	read.Evidence = *e
	r.clean(&read)
	return read, well, nil
}

// blame says what a lost answer says about the bank: nothing if it was the
// caller who did not wait.
func blame(ctx context.Context) health {
	if ctx.Err() != nil {
		return notSpoken
	}
	return failing
}
