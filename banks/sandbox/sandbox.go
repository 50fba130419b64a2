// Package sandbox is a bank that exists for trying out: it implements the
// contract of banks (wsdl/bank-v1.wsdl) with real signatures, keeps a book of
// what it has done, notifies the gateway of payments by card as a bank does, and
// misbehaves when told to: by the amount, the card or the account of an order,
// by a script, or through its methods. The Table lists what it can do.
//
// Tests, `tolem bank-sim` and the sandbox run it. The gateway does not, and no
// money is behind it. Card numbers do not get into its book.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/wsdl"
	"tolem/wsdl/channel"
)

// How long things take unless Config says otherwise.
const (
	DefaultLate       = 40 * time.Second // longer than the gateway waits
	DefaultHang       = 2 * time.Minute  // until a request that is not answered is given up
	DefaultNotifyLate = 45 * time.Second
)

// Config says which bank is played and how.
type Config struct {
	Bank     tolem.ParticipantID
	Signer   *signing.Signer   // of the bank
	Verifier *signing.Verifier // of the gateway's messages
	// Gateway says whether the certificate of a verified message is the gateway's.
	Gateway func(*signing.Verified) bool

	Book     string           // file of the book; "": in memory only
	Balances map[string]int64 // by account, in minor units; what is not listed has no end
	Notifier Notifier         // nil: nobody is notified

	Revoked  *signing.Signer // signs where a revoked certificate is asked for
	Stranger *signing.Signer // signs where another's certificate is asked for

	Latency    time.Duration // before every answer
	Late       time.Duration // before a late answer
	Hang       time.Duration // of a time-out
	NotifyLate time.Duration // before a late notification

	Clock   func() time.Time // time.Now if nil
	Observe func(Event)      // told of every request and notification
}

// Event is one line of what the bank did, without personal data.
type Event struct {
	Operation string
	Attempt   tolem.AttemptID   // or
	Claim     tolem.ClaimNumber // what it was about
	State     State
	Behaviour Behaviour
	Told      string // of a notification: the gateway's result code
	Err       error
}

// Bank is a simulated bank: an http.Handler. It is safe for concurrent use.
type Bank struct {
	config  Config
	service channel.Service
	book    *book
	script  script
	wake    chan struct{}
}

// New opens the book and returns a bank that behaves by the Table.
func New(c Config) (*Bank, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	for d, def := range map[*time.Duration]time.Duration{&c.Late: DefaultLate, &c.Hang: DefaultHang, &c.NotifyLate: DefaultNotifyLate} {
		if *d <= 0 {
			*d = def
		}
	}
	if c.Signer == nil || c.Verifier == nil || c.Gateway == nil {
		return nil, errIncomplete
	}
	kept, err := openBook(c.Book, c.Balances)
	if err != nil {
		return nil, fmt.Errorf("book of %s: %w", c.Bank, err)
	}
	b := &Bank{config: c, book: kept, wake: make(chan struct{}, 1), service: channel.Service{
		Reader: signing.NewReader(wsdl.BankNamespace), Signer: c.Signer, Verifier: c.Verifier, Gateway: c.Gateway, Clock: c.Clock,
	}}
	b.script.table = index()
	kept.resumeNotices(c.Clock())
	return b, nil
}

var errIncomplete = errors.New("a simulated bank needs a signer, a verifier and a way to know the gateway")

// Close closes the book's file.
func (b *Bank) Close() error { return b.book.close() }

// ServeHTTP takes one message, or shows the contract. What is no message of the
// gateway is told so without a signature: an answer is owed to nobody else.
func (b *Bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.script.isDown() {
		panic(http.ErrAbortHandler)
	}
	if r.Method == http.MethodGet {
		channel.WriteContract(w, wsdl.BankWSDLAt("https://"+r.Host+r.URL.Path))
		return
	}
	operation, fields, err := b.service.Open(w, r)
	var q request
	if err == nil {
		q, err = readRequest(operation, fields)
	}
	if err != nil {
		b.config.Observe(Event{Operation: q.operation, Attempt: q.attempt, Claim: q.claim, Err: err})
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	do := b.carryOut
	if q.operation == wsdl.BankPayClaim {
		do = b.payClaim
	}
	e, result, manner, err := do(q)
	b.config.Observe(Event{Operation: q.operation, Attempt: q.attempt, Claim: q.claim, State: e.State, Behaviour: manner, Err: err})
	if err != nil {
		http.Error(w, "cannot be stored", http.StatusInternalServerError)
		return
	}
	b.answer(r.Context(), w, q, e, result, manner.Manner)
}

// Result codes of the contract that are not states of an entry.
const (
	resultUnknown  = "UNKNOWN_ATTEMPT"
	resultMismatch = "MISMATCH"
)

// carryOut does what is asked for, once, and says how to answer.
func (b *Bank) carryOut(q request) (e Entry, result string, how Behaviour, err error) {
	b.book.mu.Lock()
	defer b.book.mu.Unlock()
	now := b.config.Clock()
	e, known := b.book.entries[q.attempt]
	first := !known && q.order()
	how = b.script.pick(q, first)
	switch {
	case how.Effect == EffectNothing && !known:
		return e, resultUnknown, how, nil
	case first:
		e = b.begin(q, how, now)
	case !known || e.State == Barred && !q.order():
		e = Entry{Attempt: q.attempt, State: Barred, At: now}
		return e, resultUnknown, how, b.book.put(e)
	case e.State == Barred:
		e = q.entry().refused(tolem.RefusedByRules, "BARRED", "the attempt came after it was asked about")
		e.At = now
	case q.order() && !e.same(q):
		return e, resultMismatch, how, nil
	case q.operation == wsdl.BankGetStatus && e.State == Pending:
		e = b.decide(e, now)
	case q.operation == wsdl.BankReversePayment:
		e = e.reversed(now)
	default:
		return e, string(e.State), how, nil
	}
	err = b.book.put(e)
	b.rouse()
	return e, string(e.State), how, err
}

// begin makes the entry of an order that was not seen before.
func (b *Bank) begin(q request, how Behaviour, now time.Time) Entry {
	e := q.entry()
	e.At, e.Behaviour = now, how.String()
	switch how.Effect {
	case EffectRefuse:
		return e.refused(how.Reason, "R-"+string(how.Reason), "refused by rule of the sandbox")
	case EffectError:
		return e.refused(tolem.RefusedTechnical, how.Code, how.Text)
	case EffectPending, EffectPendingRefuse:
		e.State = Pending
		return e
	}
	return b.approve(e, now)
}

// approve takes the money, if the account has it.
func (b *Bank) approve(e Entry, now time.Time) Entry {
	if e.Order.Kind == KindAccount && !b.book.covers(e) {
		return e.refused(tolem.RefusedInsufficient, "R-BALANCE", "balance does not cover the amount")
	}
	e.State, e.PaidAt = Approved, now.UTC().Truncate(time.Microsecond)
	e.BankRef, e.AuthCode = b.reference(string(e.Attempt))
	if e.Order.Kind == KindCard && e.Order.Code != 0 && b.config.Notifier != nil {
		e.Notice = noticeDue
	}
	return e
}

// decide ends a pending entry: the bank has made up its mind by the first time
// it is asked.
func (b *Bank) decide(e Entry, now time.Time) Entry {
	how, err := ParseBehaviour(e.Behaviour)
	if err == nil && how.Effect == EffectPendingRefuse {
		return e.refused(how.Reason, "R-"+string(how.Reason), "refused after a while")
	}
	return b.approve(e, now)
}

// answer writes the answer, in the manner that was asked for.
func (b *Bank) answer(ctx context.Context, w http.ResponseWriter, q request, e Entry, result string, m Manner) {
	wait := map[Manner]time.Duration{MannerTimeOut: b.config.Hang, MannerLate: b.config.Late}[m] + b.config.Latency
	if !pause(ctx, wait) || m == MannerTimeOut || m == MannerLost {
		panic(http.ErrAbortHandler)
	}
	if m == MannerGarbage {
		http.Error(w, "<h1>maintenance</h1>", http.StatusOK)
		return
	}
	signed, err := b.message(q, e, result, m)
	if err != nil {
		http.Error(w, "cannot be signed", http.StatusInternalServerError)
		return
	}
	channel.WriteAnswer(w, signed)
}

// pause waits, and reports whether somebody still listens.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
