// Package collect presents the operator's claims to the banks that the gateway
// calls, and asks until a bank has said that it has paid, or that it will not
// (GW-185, GW-186). Each claim has a row that says when its bank is called next;
// whichever node takes the row calls, and one that dies leaves a row that is due
// again. Presenting a claim twice is safe: a bank pays a number once.
//
// It makes no claim and moves no money: package registry makes claims and keeps
// what is said of them, banks.ClaimPayer is the bank. Commands run it.
package collect

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/registry"
	"tolem/store"
)

// Config joins a collector.
type Config struct {
	// Payers are the banks that are called.
	Payers map[tolem.ParticipantID]banks.ClaimPayer
	// CallTimeout bounds a call; 30 s if zero.
	CallTimeout time.Duration
	// Observe, if set, is told what became of every call. It must be quick.
	Observe func(Event)
}

// Event is what may be logged and counted of one call.
type Event struct {
	Claim   tolem.ClaimNumber
	Outcome banks.Outcome // empty with an error
	Tried   int           // calls in a row without an answer
	Err     error
	// Alarm says that somebody has to look.
	Alarm string
}

// Alarms.
const (
	alarmRefused = "the bank refuses a claim"
	alarmContent = "the bank knows the claim with another content or amount"
	alarmOverdue = "the claim is overdue"
)

// Timing.
const (
	defaultCallTimeout = 30 * time.Second
	callGrace          = 10 * time.Second // after which a call that was not settled is taken for lost
	settleTimeout      = 30 * time.Second
	firstAgain         = time.Minute // after silence, doubled each time
	lastAgain          = time.Hour
	pendingAgain       = time.Hour     // while the bank has not decided
	overdueAgain       = 6 * time.Hour // after the day on which an accepted claim was due
	batch              = 16            // claims of a bank in one run
)

// Collector presents claims. It is safe for concurrent use, and any number of
// them may work on one database.
type Collector struct {
	config    Config
	db        *store.DB
	registry  *registry.Registry
	evidence  *archive.Archive
	directory *banks.Directory

	running sync.WaitGroup
	mu      sync.Mutex
	busy    map[tolem.ParticipantID]bool
}

// New returns a collector.
func New(c Config, db *store.DB, r *registry.Registry, evidence *archive.Archive, directory *banks.Directory) *Collector {
	if c.CallTimeout <= 0 {
		c.CallTimeout = defaultCallTimeout
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	return &Collector{config: c, db: db, registry: r, evidence: evidence, directory: directory, busy: make(map[tolem.ParticipantID]bool)}
}

// Run presents the claims that are due. It does not wait for the banks: each has
// its own line, so that none holds up another. A bank that may not take part now
// is not called (GW-P41); its claims wait.
func (c *Collector) Run(ctx context.Context) error {
	var problems error
	for bank, payer := range c.config.Payers {
		var due []store.ClaimCall
		var may bool
		err := c.db.View(ctx, func(tx *store.Tx) (err error) {
			p, known := c.directory.Participant(bank)
			if may = known && p.MayCallAt(tx.Now()); may {
				due, err = tx.DueClaimCalls(bank, batch)
			}
			return err
		})
		problems = errors.Join(problems, err)
		if len(due) == 0 || !c.enter(bank) {
			continue
		}
		c.running.Go(func() {
			defer c.leave(bank)
			for _, call := range due {
				if ctx.Err() != nil {
					return
				}
				c.present(call.Number, payer)
			}
		})
	}
	return problems
}

// Wait waits until no call is under way, or ctx is done.
func (c *Collector) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { c.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Collector) enter(bank tolem.ParticipantID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[bank] {
		return false
	}
	c.busy[bank] = true
	return true
}

func (c *Collector) leave(bank tolem.ParticipantID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, bank)
}

// present makes one call and settles what came of it. A call that has begun is
// brought to its end also when the node is being stopped.
func (c *Collector) present(n tolem.ClaimNumber, payer banks.ClaimPayer) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	o, mine, err := c.take(ctx, n)
	if err != nil || !mine {
		if err != nil {
			c.config.Observe(Event{Claim: n, Err: err})
		}
		return
	}
	answer, callErr := c.call(payer, o)
	ctx, cancel = context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	c.settle(ctx, o, answer, callErr)
}

// take takes a claim for one call. It is due again if this process does not live
// to hear the answer. A claim that is settled is not presented any more.
func (c *Collector) take(ctx context.Context, n tolem.ClaimNumber) (o banks.ClaimOrder, mine bool, err error) {
	err = c.db.Update(ctx, func(tx *store.Tx) error {
		o, mine = banks.ClaimOrder{}, false
		before, err := tx.ClaimCall(n)
		if err != nil || before.CallAt.IsZero() || before.CallAt.After(tx.Now()) {
			return err
		}
		steps, err := tx.ClaimSteps(n)
		if err != nil {
			return err
		}
		now := before
		if tolem.StandingOf(steps).Settled() {
			now.CallAt = time.Time{}
			return tx.ChangeClaimCall(before, now)
		}
		if o, err = c.order(tx, n); err != nil {
			return err
		}
		mine = true
		now.Tried++
		now.CallAt = tx.Now().Add(c.config.CallTimeout + callGrace)
		return tx.ChangeClaimCall(before, now)
	})
	return o, mine, err
}

func (c *Collector) order(tx *store.Tx, n tolem.ClaimNumber) (banks.ClaimOrder, error) {
	stored, err := tx.Claim(n)
	if err != nil {
		return banks.ClaimOrder{}, err
	}
	o := banks.ClaimOrder{Claim: stored.Claim, Account: c.registry.OperatorAccount}
	if n.Kind() == tolem.ClaimOfRefund {
		p, err := tx.Payment(n.Code())
		if err != nil {
			return o, err
		}
		o.BankRef = p.BankRef
	}
	return o, nil
}

// call bounds a call in time. A connector that panics has given no answer.
func (c *Collector) call(payer banks.ClaimPayer, o banks.ClaimOrder) (answer banks.Authorization, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.config.CallTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			answer, err = banks.Authorization{}, fmt.Errorf("%w: connector panicked: %T", banks.ErrNoAnswer, p)
		}
	}()
	return payer.PayClaim(ctx, o)
}

// settle stores what a call came to: the bank's word on the claim, when it is
// called again, and the evidence, in one transaction. If that fails the claim is
// presented again.
func (c *Collector) settle(ctx context.Context, o banks.ClaimOrder, answer banks.Authorization, callErr error) {
	event := Event{Claim: o.Number, Err: callErr}
	if callErr == nil {
		event.Outcome = answer.Outcome
	}
	err := c.db.Update(ctx, func(tx *store.Tx) error {
		before, err := tx.ClaimCall(o.Number)
		if err != nil {
			return err
		}
		now := before
		event.Alarm = next(&now, o, answer.Outcome, callErr, tx.Now())
		event.Tried = now.Tried
		if callErr == nil {
			if err := c.said(tx, o, answer); err != nil {
				return err
			}
		}
		return errors.Join(tx.ChangeClaimCall(before, now), c.keep(tx, o, answer, event))
	})
	event.Err = errors.Join(event.Err, err)
	c.config.Observe(event)
}

// next decides when the bank is called again. Silence decides nothing.
func next(call *store.ClaimCall, o banks.ClaimOrder, outcome banks.Outcome, err error, now time.Time) (alarm string) {
	if settled := call.CallAt.IsZero(); settled && (err != nil || outcome != banks.Paid && outcome != banks.Refused) {
		return "" // another node has heard the bank's last word meanwhile
	}
	if now.After(o.DueAt) && outcome != banks.Paid {
		alarm = alarmOverdue
	}
	if err != nil {
		call.CallAt = now.Add(min(lastAgain, firstAgain<<min(max(call.Tried-1, 0), 10)))
		if errors.Is(err, banks.ErrAmount) || errors.Is(err, banks.ErrOtherContent) {
			alarm = alarmContent
		}
		return alarm
	}
	call.Outcome, call.Tried = string(outcome), 0
	switch outcome {
	case banks.Accepted:
		call.CallAt = now.Add(overdueAgain)
		if due := now.Add(pendingAgain); o.DueAt.After(due) {
			call.CallAt = o.DueAt
		}
	case banks.Paid:
		call.CallAt = time.Time{}
	case banks.Refused:
		call.CallAt = time.Time{}
		alarm = alarmRefused
	default:
		call.CallAt = now.Add(pendingAgain)
	}
	return alarm
}

// said stores the bank's word on the claim.
func (c *Collector) said(tx *store.Tx, o banks.ClaimOrder, answer banks.Authorization) error {
	state, note := tolem.ClaimAcknowledged, tolem.Redact(answer.BankText)
	switch answer.Outcome {
	case banks.Accepted:
	case banks.Paid:
		note = fmt.Sprintf("paid by the bank: %s of %s", answer.BankRef, answer.PaidAt.UTC().Format(time.RFC3339))
	case banks.Refused:
		state = tolem.ClaimDisputed
	default:
		return nil
	}
	_, err := c.registry.Answered(tx, o.Claim, state, note)
	return err
}

// callRecord is what the gateway writes down of a call besides the messages.
type callRecord struct {
	Event       string    `json:"event"`
	Claim       string    `json:"claim"`
	RequestID   string    `json:"requestId,omitempty"`
	Outcome     string    `json:"outcome"` // NO_ANSWER without one
	Alarm       string    `json:"alarm,omitempty"`
	RequestHash string    `json:"requestSHA256,omitempty"`
	AnswerHash  string    `json:"answerSHA256,omitempty"`
	At          time.Time `json:"at"`
}

const (
	eventClaimed = "claim"
	noAnswer     = "NO_ANSWER"
)

// keep adds the evidence: what was sent, the bank's signed answer, and what was
// made of them (GW-P36). Of a claim that was not sent there is none.
func (c *Collector) keep(tx *store.Tx, o banks.ClaimOrder, answer banks.Authorization, e Event) error {
	ev := answer.Evidence
	if ev.Request == nil {
		return nil
	}
	record := callRecord{
		Event: eventClaimed, Claim: string(o.Number), RequestID: string(ev.RequestID), Outcome: string(e.Outcome), Alarm: e.Alarm,
		RequestHash: hex.EncodeToString(ev.RequestHash[:]), At: tx.Now(),
	}
	if e.Outcome == "" {
		record.Outcome = noAnswer
	}
	code := o.Number.Code() // of a refund; its payment's evidence has it too
	messages := []archive.Record{{
		ID: archive.NewMessageID(tx.Now()), Direction: archive.Out, At: ev.SentAt.UTC().Truncate(time.Microsecond), Participant: o.Bank,
		Operation: ev.Operation, Code: code, RequestID: ev.RequestID, Raw: ev.Request,
	}}
	if ev.Answer != nil {
		record.AnswerHash = hex.EncodeToString(ev.AnswerHash[:])
		messages = append(messages, archive.Record{
			ID: archive.NewMessageID(tx.Now()), Direction: archive.In, At: ev.AnsweredAt.UTC().Truncate(time.Microsecond), Participant: o.Bank,
			Operation: ev.Operation, Code: code, RequestID: ev.RequestID, Raw: ev.Answer, Certificate: ev.Certificate, Trust: ev.Trust,
		})
	}
	raw, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("record of a claim: %w", err)
	}
	return errors.Join(c.evidence.Add(tx, messages...), c.evidence.Add(tx, archive.Record{
		ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Code: code, Raw: raw,
	}))
}
