// Package payments carries attempts to pay from the payer's confirmation to the
// bank's last word. Every step is a transaction that leaves a row from which any
// node goes on: the intent is stored before the bank is called, what the bank
// said is stored with its evidence and effect, and an attempt whose fate is not
// known is asked about until it is. A bank is called once for an attempt and
// never again; asking is safe as often as needed (GW-P34).
//
// Card data live in the memory of one call and are stored nowhere (GW-P31).
//
// It shows nothing and speaks no protocol: the payment page calls it, banks are
// behind banks.Connector, and the commands run AskDue and Abandon.
package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/gateway"
	"tolem/store"
)

// ErrNotNow: the payment takes no attempt, or cannot be given up, as it stands.
// View tells how that is.
var ErrNotNow = errors.New("the payment is not in a state for this")

// ErrBank: the bank takes no such payments here.
var ErrBank = errors.New("payments through this bank are not possible")

// Config joins the engine.
type Config struct {
	// Connectors are the banks that are called.
	Connectors map[tolem.ParticipantID]banks.Connector
	// Acquirers are the banks that take cards, the preferred one first. Others
	// follow when the first is left alone for a while.
	Acquirers []tolem.ParticipantID
	// CallTimeout bounds a call to a bank (GW-P34); 30 s if zero.
	CallTimeout time.Duration
	// Decided, if set, takes part in the transaction in which an attempt becomes
	// APPROVED, REFUSED or REVERSED: it is handed the attempt as it is then. It
	// may be called more than once for one change and has no effect but through
	// the transaction.
	Decided func(*store.Tx, tolem.Attempt) error
	// Observe, if set, is told what became of every call. It must be quick.
	Observe func(Event)
}

// Event is what may be logged and counted of one call to a bank.
type Event struct {
	Attempt   tolem.Attempt // as it stands afterwards
	Operation tolem.Operation
	Err       error
	// Alarm says that somebody has to look: the bank contradicts itself or us.
	Alarm string
}

// Timing.
const (
	defaultCallTimeout = 30 * time.Second
	callGrace          = 10 * time.Second // after which a call that was not settled is taken for lost
	settleTimeout      = 30 * time.Second
	firstAsk           = 5 * time.Second
	lastAsk            = 5 * time.Minute
	asksAtOnce         = 16  // of one bank; one that does not answer holds up no other
	idleBatch          = 256 // checkouts in one run
)

// Engine carries attempts. It is safe for concurrent use, and any number of
// them may work on one database.
type Engine struct {
	config    Config
	db        *store.DB
	gateway   *gateway.Gateway
	evidence  *archive.Archive
	directory *banks.Directory

	running sync.WaitGroup
	mu      sync.Mutex
	asking  map[tolem.ParticipantID]int
}

// New returns an engine. What was under way when another stopped is taken up by
// AskDue.
func New(c Config, db *store.DB, g *gateway.Gateway, evidence *archive.Archive, directory *banks.Directory) *Engine {
	if c.CallTimeout <= 0 {
		c.CallTimeout = defaultCallTimeout
	}
	if c.Decided == nil {
		c.Decided = func(*store.Tx, tolem.Attempt) error { return nil }
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	return &Engine{config: c, db: db, gateway: g, evidence: evidence, directory: directory, asking: make(map[tolem.ParticipantID]int)}
}

// Wait waits until no call is under way, or ctx is done.
func (e *Engine) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { e.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Open spends the token that brought a payer: see gateway.Open.
func (e *Engine) Open(ctx context.Context, token string) (tolem.PaymentID, error) {
	return e.gateway.Open(ctx, token)
}

// View is how a payment stands, with the names that its payer is shown.
type View struct {
	gateway.Standing
	// PaidHere: the payment came of this page's own attempt.
	PaidHere  bool
	Service   tolem.Names
	Provider  tolem.Names
	Requester string // that sent the payer
	Bank      string // that was called last
	Banks     []Bank // from whose accounts can be paid
	Cards     bool   // some bank takes cards now
}

// Bank is a bank that a payer may choose.
type Bank struct {
	ID   tolem.ParticipantID
	Name string
}

// View tells how a payment stands now, or store.ErrNotFound.
func (e *Engine) View(ctx context.Context, id tolem.PaymentID) (v View, err error) {
	err = e.db.View(ctx, func(tx *store.Tx) error {
		v.Standing, err = e.gateway.Standing(tx, id)
		return err
	})
	if err != nil {
		return View{}, err
	}
	c, last := v.Checkout, v.Last
	v.PaidHere = v.Stage == tolem.StagePaid && last != nil && last.Payment == c.ID && v.Payment != nil && brought(*last, *v.Payment)
	if s, ok := e.directory.Service(c.Service); ok {
		v.Service = s.Names
	}
	if p, ok := e.directory.Provider(c.Provider); ok {
		v.Provider = p.Names
	}
	v.Requester = e.name(c.Participant)
	if last != nil {
		v.Bank = e.name(last.Bank)
	}
	switch {
	case c.Kind == tolem.CheckoutAccount:
		v.Banks, err = e.Banks(ctx)
	default:
		_, _, err = e.acquirer(ctx)
		v.Cards = err == nil
		if errors.Is(err, ErrBank) {
			err = nil
		}
	}
	return v, err
}

// brought reports whether a payment came of an attempt. The bank's signed
// notification may be faster than its answer, or come in place of one.
func brought(a tolem.Attempt, p tolem.Payment) bool {
	return a.State == tolem.AttemptApproved || a.State.Open() && a.Bank == p.Bank
}

func (e *Engine) name(id tolem.ParticipantID) string {
	p, _ := e.directory.Participant(id)
	return p.Name
}

// takesPart reports whether a bank is called for new payments: it is configured,
// not suspended, and has a contract in force (GW-P41). Attempts under way are
// asked about all the same.
func (e *Engine) takesPart(id tolem.ParticipantID, now time.Time) bool {
	p, known := e.directory.Participant(id)
	_, called := e.config.Connectors[id]
	return known && called && p.MayCallAt(now)
}

// now is the database's time.
func (e *Engine) now(ctx context.Context) (now time.Time, err error) {
	err = e.db.View(ctx, func(tx *store.Tx) error {
		now = tx.Now()
		return nil
	})
	return now, err
}

// Banks lists the banks from whose accounts can be paid, by name (GW-097).
func (e *Engine) Banks(ctx context.Context) ([]Bank, error) {
	now, err := e.now(ctx)
	if err != nil {
		return nil, err
	}
	var list []Bank
	for id := range e.config.Connectors {
		if e.takesPart(id, now) {
			p, _ := e.directory.Participant(id)
			list = append(list, Bank{ID: id, Name: p.Name})
		}
	}
	slices.SortFunc(list, func(a, b Bank) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return list, nil
}

// PayCard stores the payer's intent and begins to call the bank; it does not
// wait for the bank (GW-081 to GW-083). Of all attempts for a code one is open
// at a time: ErrNotNow if this one cannot begin (ACQ-P06).
func (e *Engine) PayCard(ctx context.Context, id tolem.PaymentID, card tolem.Card) error {
	bank, connector, err := e.acquirer(ctx)
	if err != nil {
		return err
	}
	c, a, err := e.begin(ctx, id, tolem.CheckoutCard, bank, card.Masked())
	if err != nil {
		return err
	}
	o := banks.CardOrder{Attempt: a.ID, Code: c.Code, Amount: c.Amount, Card: card, Purchase: e.purchase(c)}
	e.running.Go(func() {
		e.carry(a, opAuthorize, func(ctx context.Context) (banks.Authorization, error) { return connector.AuthorizeCard(ctx, o) })
	})
	return nil
}

// PayAccount does the same for a payment from an account (GW-098, GW-099).
func (e *Engine) PayAccount(ctx context.Context, id tolem.PaymentID, bank tolem.ParticipantID, account string) error {
	now, err := e.now(ctx)
	if err != nil {
		return err
	}
	if !e.takesPart(bank, now) {
		return fmt.Errorf("%s: %w", bank, ErrBank)
	}
	connector := e.config.Connectors[bank]
	c, a, err := e.begin(ctx, id, tolem.CheckoutAccount, bank, banks.MaskAccount(account))
	if err != nil {
		return err
	}
	o := banks.AccountOrder{Attempt: a.ID, Payment: c.ID, Amount: c.Amount, From: account, Purchase: e.purchase(c)}
	e.running.Go(func() {
		e.carry(a, opDebit, func(ctx context.Context) (banks.Authorization, error) { return connector.DebitAccount(ctx, o) })
	})
	return nil
}

// acquirer chooses the bank that takes the card.
func (e *Engine) acquirer(ctx context.Context) (tolem.ParticipantID, banks.Connector, error) {
	now, err := e.now(ctx)
	if err != nil {
		return "", nil, err
	}
	var first tolem.ParticipantID
	for _, id := range e.config.Acquirers {
		if !e.takesPart(id, now) {
			continue
		}
		connector := e.config.Connectors[id]
		if first == "" {
			first = id
		}
		if r, ok := connector.(interface{ Resting() bool }); !ok || !r.Resting() {
			return id, connector, nil
		}
	}
	if first == "" {
		return "", nil, ErrBank
	}
	return first, e.config.Connectors[first], nil
}

// purchase is what the bank is told of a payment besides its amount.
func (e *Engine) purchase(c tolem.Checkout) banks.Purchase {
	provider, _ := e.directory.Provider(c.Provider)
	p := banks.Purchase{
		Recipient: c.Recipient, Service: c.Service, Provider: c.Provider, Account: provider.Account,
		OrderNo: string(c.RequestNo), Description: c.Details,
	}
	if sender, ok := e.directory.Participant(c.Participant); ok && sender.Kind == tolem.KindMerchant {
		p.Merchant = sender.ID // the bank checks that it knows the merchant (ACQ-015)
	}
	return p
}

// begin stores the intent to pay: from here on the attempt is asked about until
// it is decided, whatever becomes of this process.
func (e *Engine) begin(ctx context.Context, id tolem.PaymentID, kind tolem.CheckoutKind, bank tolem.ParticipantID, masked string) (c tolem.Checkout, a tolem.Attempt, err error) {
	err = e.db.Update(ctx, func(tx *store.Tx) error {
		s, err := e.gateway.Standing(tx, id)
		if err != nil {
			return err
		}
		c = s.Checkout
		if c.Kind != kind || s.Last == nil || s.Stage != tolem.StageForm && s.Stage != tolem.StageRefused {
			return fmt.Errorf("payment %s is %s: %w", id, s.Stage, ErrNotNow)
		}
		if err := e.callFor(tx, c, bank); err != nil {
			return err
		}
		if a, err = e.send(tx, *s.Last, bank, masked); err != nil {
			return err
		}
		c.InputBy = time.Time{}
		return tx.ChangeCheckout(c)
	})
	if errors.Is(err, store.ErrHeld) {
		err = fmt.Errorf("payment %s: %w: %w", id, ErrNotNow, err)
	}
	return c, a, err
}

// callFor binds the code to the bank that will be called for it (GW-P14).
func (e *Engine) callFor(tx *store.Tx, c tolem.Checkout, bank tolem.ParticipantID) error {
	if c.Code == 0 {
		return nil
	}
	before, err := tx.Code(c.Code)
	if err != nil {
		return err
	}
	d := before.Call(bank, tx.Now())
	if d.Result != tolem.OK {
		return fmt.Errorf("code of payment %s: %s: %w", c.ID, d.Result, ErrNotNow)
	}
	return tx.ChangeCode(before, d)
}

// send brings the attempt of the payer who has just come, or another one after
// a refusal, into SENT.
func (e *Engine) send(tx *store.Tx, last tolem.Attempt, bank tolem.ParticipantID, masked string) (tolem.Attempt, error) {
	a := last
	again := last.State != tolem.AttemptRedirected
	if again {
		a = tolem.Attempt{
			ID: tolem.AttemptID(gateway.NewUUID()), Payment: last.Payment, Number: last.Number + 1, Code: last.Code, Method: last.Method,
			Amount: last.Amount, State: tolem.AttemptRedirected, Version: 1, StartedAt: tx.Now(),
		}
	}
	a.Bank, a.Masked = bank, masked
	for _, next := range []tolem.AttemptState{tolem.AttemptEntered, tolem.AttemptSent} {
		var err error
		if a, err = a.Become(next, tx.Now()); err != nil {
			return a, err
		}
	}
	a.AskAt = tx.Now().Add(e.config.CallTimeout + callGrace)
	if again {
		return a, tx.InsertPayAttempt(a, tolem.AttemptRedirected, tolem.AttemptEntered, tolem.AttemptSent)
	}
	return a, tx.ChangePayAttempt(last, a, tolem.AttemptEntered, tolem.AttemptSent)
}

// Cancel gives a payment up before anything was sent (ACQ-P11), else ErrNotNow.
func (e *Engine) Cancel(ctx context.Context, id tolem.PaymentID) error {
	return e.db.Update(ctx, func(tx *store.Tx) error {
		s, err := e.gateway.Standing(tx, id)
		if err != nil {
			return err
		}
		switch {
		case s.Checkout.State == tolem.CheckoutAbandoned && s.Stage == tolem.StageAbandoned:
			return nil
		case s.Stage != tolem.StageForm && s.Stage != tolem.StageRefused && s.Stage != tolem.StageAbandoned:
			return fmt.Errorf("payment %s is %s: %w", id, s.Stage, ErrNotNow)
		}
		return abandon(tx, s.Checkout)
	})
}

// abandon ends a visit during which nothing was sent, or nothing is open any more.
func abandon(tx *store.Tx, c tolem.Checkout) error {
	own, err := tx.AttemptsOfCheckout(c.ID)
	if err != nil {
		return err
	}
	if len(own) > 0 && own[0].State.MayBecome(tolem.AttemptAbandoned) {
		a, err := own[0].Become(tolem.AttemptAbandoned, tx.Now())
		if err != nil {
			return err
		}
		if err := tx.ChangePayAttempt(own[0], a, tolem.AttemptAbandoned); err != nil {
			return err
		}
	}
	c.State, c.InputBy = tolem.CheckoutAbandoned, time.Time{}
	return tx.ChangeCheckout(c)
}

// Abandon ends visits whose payer has entered nothing in time (ACQ-P11), and
// deletes sessions of pages whose time is over.
func (e *Engine) Abandon(ctx context.Context) error {
	var idle []tolem.Checkout
	err := e.db.View(ctx, func(tx *store.Tx) (err error) {
		idle, err = tx.IdleCheckouts(idleBatch)
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range idle {
		err := e.db.Update(ctx, func(tx *store.Tx) error {
			now, err := tx.Checkout(c.ID)
			if err != nil || now.InputBy.IsZero() || tx.Now().Before(now.InputBy) {
				return err
			}
			return abandon(tx, now)
		})
		if err != nil {
			return err
		}
	}
	return e.db.Update(ctx, (*store.Tx).SweepPageSessions)
}
