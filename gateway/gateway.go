// Package gateway holds the operations: issue, notify, validate, close and
// cancel a payment code, look a payment up, ask for an earlier outcome. Each
// runs as one transaction that is visible as one closure: idempotency, then the
// decision of the state machine, then the change, then the evidence.
//
// It knows neither XML nor HTTP nor SQL. Its callers hand in a verified Message
// and a function that renders and signs the answer; what they get back are the
// bytes to send, already durable together with their effect.
package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/store"
)

// Errors that make the caller answer with a fault instead of a result. They
// bind nothing to the requestId: the same request may succeed later.
var (
	// ErrReplay: the requestId was used before with other content (GW-P08).
	ErrReplay = errors.New("requestId was used with other content")
	// ErrForbidden: the sender may not act in this name.
	ErrForbidden = errors.New("the sender may not act in this name")
	// ErrTooManyUnknown: the sender has asked for too many codes that do not
	// exist and must wait.
	ErrTooManyUnknown = errors.New("too many unknown payment codes")
	// ErrForm: fields contradict each other in a way the contract excludes.
	ErrForm = errors.New("fields do not go together")
)

// Config holds what an operator may choose.
type Config struct {
	Currency              tolem.Currency // of every amount
	CodeTTL               time.Duration  // how long an unpaid code lives (GW-P12)
	UnknownCodesPerMinute int            // per participant; more are taken for guessing
	PageAddress           string         // of the payment page, to which tokens are added; empty: there is none

	// Settled, if set, takes part in the transaction that makes a code PAID or
	// REFUNDED: it is handed the code as it is then, and its payment. It may be
	// called more than once for one change and has no effect but through the
	// transaction.
	Settled func(*store.Tx, tolem.Code, tolem.Payment) error
}

// Gateway performs the operations. It is safe for concurrent use.
type Gateway struct {
	config    Config
	db        *store.DB
	evidence  *archive.Archive
	directory *banks.Directory
	guesses   *guessLimit
}

// New returns a gateway over an open database, its archive and the register
// of participants and services.
func New(config Config, db *store.DB, evidence *archive.Archive, directory *banks.Directory) *Gateway {
	return &Gateway{
		config: config, db: db, evidence: evidence, directory: directory,
		guesses: newGuessLimit(config.UnknownCodesPerMinute),
	}
}

// Message is a verified request: what it asks for, who signed it, and the
// bytes that prove it.
type Message struct {
	Operation  tolem.Operation
	Sender     tolem.Participant
	OnBehalfOf tolem.ParticipantID // empty: in its own name
	RequestID  tolem.RequestID
	BodyHash   [32]byte // of what the signed Body asks for
	SignedInfo [32]byte // SHA-256 of the canonical SignedInfo
	Record     archive.Record

	// Again returns the stored answer for a repetition: the same bytes, or the
	// same answer signed anew if its sender could not accept those any more.
	Again func(stored archive.Record) ([]byte, error)
}

// Alone returns the sender, who must act in its own name.
func (m Message) Alone() (tolem.Participant, error) {
	if m.OnBehalfOf != "" && m.OnBehalfOf != m.Sender.ID {
		return tolem.Participant{}, fmt.Errorf("%w: %s for %s", ErrForbidden, m.Sender.ID, m.OnBehalfOf)
	}
	return m.Sender, nil
}

// bank returns the bank in whose name the message acts. A bank acts for
// itself; a processing centre for a bank it is registered for; the portal for
// none (GW-P14).
func (m Message) bank() (tolem.ParticipantID, error) {
	switch m.Sender.Kind {
	case tolem.KindBank:
		if m.OnBehalfOf != "" && m.OnBehalfOf != m.Sender.ID {
			return "", fmt.Errorf("%w: %s for %s", ErrForbidden, m.Sender.ID, m.OnBehalfOf)
		}
		return m.Sender.ID, nil
	case tolem.KindProcessing:
		for _, bank := range m.Sender.ActsFor {
			if bank == m.OnBehalfOf {
				return bank, nil
			}
		}
		return "", fmt.Errorf("%w: %s for %q", ErrForbidden, m.Sender.ID, m.OnBehalfOf)
	}
	if m.OnBehalfOf != "" {
		return "", fmt.Errorf("%w: %s for %s", ErrForbidden, m.Sender.ID, m.OnBehalfOf)
	}
	return "", nil
}

// Outcome is what every operation comes to: a result code and the payment code
// it concerns, if any.
type Outcome struct {
	Result tolem.ResultCode
	Code   tolem.CodeNumber // zero: none
}

// Summary returns the outcome itself; results embed it.
func (o Outcome) Summary() Outcome { return o }

// Result is any operation's result; each embeds Outcome.
type Result interface{ Summary() Outcome }

// Reply is an answer that is durable: it may be sent.
type Reply struct {
	Outcome  Outcome
	Repeated bool   // the stored answer of the same request, byte for byte
	Signed   []byte // what to send
}

// Render turns a result into the signed answer. It may be called more than
// once for one request, when a decision has to be made again; only the answer
// of the last call is stored and sent.
type Render[R Result] func(R) ([]byte, error)

// NoCode stands where a request names no payment code.
const NoCode tolem.CodeNumber = 0

// Perform runs an operation as one transaction: a request seen before gets its
// stored answer; a new one is decided, answered, and kept with its evidence.
// Nothing of it happens unless all of it does. Operations that are not about
// payment codes stand in other packages and are performed by it too. Asked is the code the request
// names, for those who guess codes: they are refused what names one.
func Perform[R Result](ctx context.Context, g *Gateway, m Message, asked tolem.CodeNumber, render Render[R], decide func(*store.Tx) (R, error)) (Reply, error) {
	if asked != NoCode && g.guesses.exhausted(m.Sender.ID, m.Record.At) {
		return Reply{}, ErrTooManyUnknown
	}
	var reply Reply
	err := g.db.Update(ctx, func(tx *store.Tx) error {
		// A request is taken for a new one until its key turns out to be taken:
		// that spares every request a look-up that only repetitions need.
		if tx.Again() {
			earlier, err := tx.Request(m.Sender.ID, m.RequestID)
			if err == nil {
				reply, err = g.repeat(tx, m, earlier)
				return err
			}
			if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		decided, err := decide(tx)
		if err != nil {
			return err
		}
		reply = Reply{Outcome: decided.Summary()}
		if reply.Signed, err = render(decided); err != nil {
			return fmt.Errorf("render answer: %w", err)
		}
		return g.keep(tx, m, reply)
	})
	if err != nil {
		return Reply{}, err
	}
	if reply.Outcome.Result == tolem.UnknownCode && !reply.Repeated {
		g.guesses.count(m.Sender.ID, asked, m.Record.At)
	}
	return reply, nil
}

// keep stores the request, its answer and the record by which a repetition is
// recognised.
func (g *Gateway) keep(tx *store.Tx, m Message, reply Reply) error {
	in, out := m.Record, m.answerRecord(tx, reply)
	in.Code = reply.Outcome.Code
	if err := g.evidence.Add(tx, in, out); err != nil {
		return err
	}
	return tx.InsertRequest(store.Request{
		Participant: m.Sender.ID, ID: m.RequestID, Operation: m.Operation,
		BodyHash: m.BodyHash, SignedInfo: m.SignedInfo,
		Code: reply.Outcome.Code, Result: reply.Outcome.Result, Answer: out.ID, At: m.Record.At,
	})
}

// answerRecord is the answer as evidence.
func (m Message) answerRecord(tx *store.Tx, reply Reply) archive.Record {
	return archive.Record{
		ID: archive.NewMessageID(tx.Now()), Direction: archive.Out, At: tx.Now(),
		Participant: m.Sender.ID, Operation: m.Operation, Code: reply.Outcome.Code, RequestID: m.RequestID, Raw: reply.Signed,
	}
}

// repeat answers a request that was answered before. The repetition itself is
// kept as evidence too, for it arrived signed, and so is an answer that had to
// be signed anew. They are entries of their own: a request and its answer in
// one entry are those that had an effect.
func (g *Gateway) repeat(tx *store.Tx, m Message, earlier store.Request) (Reply, error) {
	if earlier.Operation != m.Operation || earlier.BodyHash != m.BodyHash {
		return Reply{}, ErrReplay
	}
	stored, err := g.evidence.Load(tx, earlier.Code, earlier.Answer)
	if err != nil {
		return Reply{}, fmt.Errorf("stored answer of %s: %w", earlier.ID, err)
	}
	reply := Reply{Outcome: Outcome{Result: earlier.Result, Code: earlier.Code}, Repeated: true}
	if reply.Signed, err = m.Again(stored); err != nil {
		return Reply{}, fmt.Errorf("stored answer of %s: %w", earlier.ID, err)
	}
	in := m.Record
	in.Code = earlier.Code
	if err := g.evidence.Add(tx, in); err != nil || bytes.Equal(reply.Signed, stored.Raw) {
		return reply, err
	}
	return reply, g.evidence.Add(tx, m.answerRecord(tx, reply))
}

// Refuse keeps a request that was answered with a fault, and the fault.
// Neither has any effect on a code.
func (g *Gateway) Refuse(ctx context.Context, request, fault archive.Record) error {
	return g.db.Update(ctx, func(tx *store.Tx) error {
		return g.evidence.Add(tx, request, fault)
	})
}

// code loads a code, or the zero Code if no such code was issued. A number
// whose check digits do not fit is not looked up: it was never issued.
func code(tx *store.Tx, n tolem.CodeNumber) (tolem.Code, error) {
	if !n.Valid() {
		return tolem.Code{}, nil
	}
	c, err := tx.Code(n)
	if errors.Is(err, store.ErrNotFound) {
		return tolem.Code{}, nil
	}
	return c, err
}

// settled tells whoever wants to know that a code became PAID or REFUNDED.
func (g *Gateway) settled(tx *store.Tx, d tolem.Decision, p *tolem.Payment) error {
	if g.config.Settled == nil || !d.Changed() || p == nil {
		return nil
	}
	return g.config.Settled(tx, d.Code, *p)
}

// apply stores what a decision changed.
func apply(tx *store.Tx, before tolem.Code, d tolem.Decision) error {
	if !d.Changed() {
		return nil
	}
	return tx.ChangeCode(before, d)
}

func drawCode() (tolem.CodeNumber, error) { return tolem.DrawCodeNumber(rand.Reader) }
