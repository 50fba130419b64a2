// Package billsv1 asks organisations' own systems about accounts by the contract
// wsdl/provider-v1.wsdl: signed SOAP over mutual TLS, an answer that counts only
// with the organisation's own signature and in the form of the contract.
//
// It decides nothing about what can be paid and repeats nothing: package bills
// asks it through bills.Source, waits for it as long as a customer is let wait,
// and leaves an organisation alone that fails. What was asked and answered is
// evidence: it is stored before anybody sees the answer.
package billsv1

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/banks/exchange"
	"tolem/bills"
	"tolem/signing"
	"tolem/signing/c14n"
	"tolem/store"
	"tolem/wsdl"
)

// Config says which organisation is asked and how.
type Config struct {
	Organisation tolem.ProviderID // and the id of the participant that signs its answers
	Address      string           // https://HOST:PORT/provider/v1

	exchange.Config // the gateway's keys, whom to believe, the timeout of a call

	// DB and Evidence keep what was asked and answered.
	DB       *store.DB
	Evidence *archive.Archive

	// Observe, if set, is told of every call after it has ended, on the caller's
	// goroutine.
	Observe func(Call)

	// Random is where request ids come from; crypto/rand if nil.
	Random io.Reader
}

// Call is what may be logged and counted of one call. It names no account.
type Call struct {
	Organisation tolem.ProviderID
	RequestID    tolem.RequestID
	Outcome      Outcome
	Err          error // of NoAnswer
	Took         time.Duration
}

// Outcome says what became of a call.
type Outcome string

// The outcomes.
const (
	Found          Outcome = "FOUND"
	UnknownAccount Outcome = "UNKNOWN_ACCOUNT"
	NoAnswer       Outcome = "NO_ANSWER"
)

// Connector asks one organisation. It is safe for concurrent use; make one for
// each organisation and keep it.
type Connector struct {
	config Config
	caller *exchange.Caller
	client *http.Client
	reader *signing.Reader
}

var _ bills.Source = (*Connector)(nil)

// ErrConfig: New lacks something. Its other errors are those of
// exchange.Config.Check.
var ErrConfig = errors.New("organisation, database and archive are required")

// New checks the configuration and returns a connector. It opens no connection.
func New(c Config) (*Connector, error) {
	if err := c.Check(c.Address); err != nil {
		return nil, err
	}
	if c.Organisation == "" || c.DB == nil || c.Evidence == nil {
		return nil, ErrConfig
	}
	if c.Observe == nil {
		c.Observe = func(Call) {}
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	s := &Connector{config: c, caller: exchange.New(c.Config), reader: signing.NewReader(wsdl.ProviderNamespace)}
	var err error
	s.client, err = s.caller.Client(c.Address)
	return s, err
}

// Close closes connections that are idle.
func (c *Connector) Close() { c.client.CloseIdleConnections() }

// Account implements bills.Source (WP-033). Whatever is wrong with an answer
// makes it none: bills.ErrNoAnswer.
func (c *Connector) Account(ctx context.Context, number tolem.AccountNumber) (tolem.Snapshot, error) {
	began := time.Now()
	q, err := c.question(number)
	var s tolem.Snapshot
	if err == nil {
		err = c.stands()
	}
	if err == nil {
		s, err = c.ask(ctx, q)
	}
	call := Call{Organisation: c.config.Organisation, RequestID: q.id, Outcome: Found, Took: time.Since(began)}
	switch {
	case errors.Is(err, bills.ErrNoAccount):
		call.Outcome = UnknownAccount
	case err != nil:
		err = fmt.Errorf("%w: %s: %w", bills.ErrNoAnswer, c.config.Organisation, err)
		call.Outcome, call.Err = NoAnswer, err
	}
	c.config.Observe(call)
	return s, err
}

// question is what is asked, before it is signed.
type question struct {
	id      tolem.RequestID
	account tolem.AccountNumber
	payload []byte
}

func (c *Connector) question(number tolem.AccountNumber) (q question, err error) {
	q.account = number
	if q.id, err = exchange.NewRequestID(c.config.Random); err != nil {
		return q, err
	}
	var w c14n.Builder
	w.Root(wsdl.ProviderLookup, wsdl.ProviderNamespace)
	w.Text("requestId", string(q.id))
	w.Text("providerId", string(c.config.Organisation))
	w.Text("accountNo", string(number))
	w.Close(wsdl.ProviderLookup)
	q.payload = w.Bytes
	return q, nil
}

// stands reports whether the organisation's participant is one whose word counts
// now: registered, not suspended, with a contract in force.
func (c *Connector) stands() error {
	p, ok := c.config.Directory.Participant(tolem.ParticipantID(c.config.Organisation))
	switch {
	case !ok:
		return banks.ErrNotRegistered
	case !p.MayCallAt(c.caller.Now()):
		return banks.ErrInactive
	}
	return nil
}

// ask signs, sends, verifies, keeps and reads. What the organisation has signed
// is kept also if it cannot be read; what nobody has signed proves nothing.
func (c *Connector) ask(ctx context.Context, q question) (tolem.Snapshot, error) {
	message, sent, err := c.caller.Sign(q.payload)
	if err != nil {
		return tolem.Snapshot{}, fmt.Errorf("sign: %w", err)
	}
	whom := tolem.ParticipantID(c.config.Organisation)
	answer, err := c.caller.Ask(ctx, c.client, c.config.Address, wsdl.ProviderAction, message, whom)
	if err != nil {
		return tolem.Snapshot{}, err
	}
	about := archive.Record{Participant: whom, Operation: wsdl.ProviderLookup, RequestID: q.id}
	records := archive.Exchange(about, sent, message, answer.At, answer.Raw, answer.Verified)
	err = c.config.DB.Update(ctx, func(tx *store.Tx) error { return c.config.Evidence.Add(tx, records...) })
	if err != nil {
		return tolem.Snapshot{}, fmt.Errorf("keep the evidence: %w", err)
	}
	return c.read(q, answer.Body)
}
