package payments_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/gateway"
	"tolem/gateway/payments"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// The cast.
const (
	bankID   = tolem.ParticipantID("HALYK")
	otherID  = tolem.ParticipantID("KASPI")
	portalID = tolem.ParticipantID("PORTAL")
	shopID   = tolem.ParticipantID("SHOP")
	citizen  = "850101300124"

	// No other number of these tests holds them.
	pan     = "4929123456781236"
	cvc     = "8316"
	account = "KZ75125KZT2069100100"

	page = "https://pay.example.kz/pay"
	back = "https://portal.kz/back"
)

// world is an engine on a real store, a clock in hand, and two banks of which
// every whim is known.
type world struct {
	t         *testing.T
	clock     *tolemtest.Clock
	db        *store.DB
	evidence  *archive.Archive
	directory *banks.Directory
	gateway   *gateway.Gateway
	*payments.Engine
	bank, other *bank

	mu     sync.Mutex
	events []payments.Event
	nextID int
}

// worlds runs a test on both databases.
func worlds(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorld(t, dsn)
		test(t, w)
		must(t, w.Wait(t.Context()))
		if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
			noCardIn(t, path)
		}
		w.noCardInEvidence()
	})
}

func newWorld(t *testing.T, dsn string) *world {
	t.Helper()
	clock := tolemtest.NewClock(time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC))
	db := tolemtest.Store(t, dsn, store.Options{Clock: clock.Now})
	must(t, db.Update(t.Context(), func(tx *store.Tx) error {
		for _, p := range []tolem.Participant{
			{ID: bankID, Kind: tolem.KindBank, Name: "Halyk Bank", ContractFrom: clock.Now()},
			{ID: otherID, Kind: tolem.KindBank, Name: "Kaspi Bank", ContractFrom: clock.Now()},
			{ID: portalID, Kind: tolem.KindPortal, Name: "eGov"},
		} {
			if err := tx.PutParticipant(p); err != nil {
				return err
			}
		}
		if err := tx.PutProvider(tolem.Provider{ID: "JUSTICE", BIN: "990240001237", Account: "KZ1", Active: true, Names: tolem.Names{RU: "Минюст"}}); err != nil {
			return err
		}
		if err := tx.AddReturnAddress(portalID, back); err != nil {
			return err
		}
		return tx.PutService(tolem.Service{Code: "BIRTH", Provider: "JUSTICE", Active: true, Price: tolem.Price{Currency: tolem.KZT, Fixed: 120_000}})
	}))
	directory, err := banks.Open(t.Context(), db)
	must(t, err)
	evidence, err := archive.New(db, archive.Options{Origin: "test"})
	must(t, err)
	w := &world{t: t, clock: clock, db: db, evidence: evidence, directory: directory, bank: newBank(clock), other: newBank(clock)}
	w.gateway = gateway.New(gateway.Config{Currency: tolem.KZT, CodeTTL: 24 * time.Hour, UnknownCodesPerMinute: 100, PageAddress: page}, db, evidence, directory)
	w.restart()
	return w
}

// restart is what a process that was killed finds: the database, and nothing else.
func (w *world) restart() {
	w.Engine = payments.New(payments.Config{
		Connectors: map[tolem.ParticipantID]banks.Connector{bankID: w.bank, otherID: w.other},
		Acquirers:  []tolem.ParticipantID{bankID, otherID},
		Observe: func(e payments.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	}, w.db, w.gateway, w.evidence, w.directory)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// message is a new request of a participant.
func (w *world) message(op tolem.Operation, by tolem.ParticipantID, kind tolem.Kind) gateway.Message {
	w.nextID++
	id := tolem.RequestID(gateway.NewUUID())
	raw := fmt.Appendf(nil, "%s %d by %s", op, w.nextID, by)
	return gateway.Message{
		Operation: op, Sender: tolem.Participant{ID: by, Kind: kind}, RequestID: id, BodyHash: sha256.Sum256(raw), SignedInfo: sha256.Sum256(raw),
		Record: archive.Record{
			ID: archive.NewMessageID(w.clock.Now()), Direction: archive.In, At: w.clock.Now(), Participant: by, Operation: op, RequestID: id, Raw: raw,
		},
		Again: func(stored archive.Record) ([]byte, error) { return stored.Raw, nil },
	}
}

func render[R gateway.Result](into *R) gateway.Render[R] {
	return func(r R) ([]byte, error) {
		*into = r
		return fmt.Appendf(nil, "answer to %s", r.Summary().Code), nil
	}
}

func tenge(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.KZT} }

// issue is a code of the portal, to be paid by card.
func (w *world) issue() tolem.CodeNumber {
	w.t.Helper()
	var r gateway.IssueResult
	_, err := w.gateway.IssueCode(w.t.Context(), w.message(tolem.OpIssueCode, portalID, tolem.KindPortal), gateway.Issue{
		Service: "BIRTH", Provider: "JUSTICE", Recipient: citizen, RecipientName: "Айгуль", Amount: tenge(120_000),
		Channel: tolem.ChannelAcquiring, RequestNo: "R-1",
	}, render(&r))
	must(w.t, err)
	return r.Code
}

func cardOrder(code tolem.CodeNumber) gateway.CardOrder {
	return gateway.CardOrder{Code: code, Recipient: citizen, Service: "BIRTH", Amount: tenge(120_000), Details: "повторное", ReturnURL: back + "?o=1", Language: "ru"}
}

func (w *world) startCard(in gateway.CardOrder) (r gateway.Redirect) {
	w.t.Helper()
	_, err := w.gateway.StartCardPayment(w.t.Context(), w.message(tolem.OpStartCardPayment, portalID, tolem.KindPortal), in, render(&r))
	must(w.t, err)
	return r
}

func accountOrder() gateway.AccountOrder {
	return gateway.AccountOrder{
		Service: "BIRTH", Provider: "JUSTICE", Recipient: citizen, RecipientName: "Айгуль", Amount: tenge(120_000), RequestNo: "R-2", ReturnURL: back,
	}
}

func (w *world) startAccount(in gateway.AccountOrder) (r gateway.Redirect) {
	w.t.Helper()
	_, err := w.gateway.StartAccountPayment(w.t.Context(), w.message(tolem.OpStartAccountPayment, portalID, tolem.KindPortal), in, render(&r))
	must(w.t, err)
	return r
}

func token(r gateway.Redirect) string { return strings.TrimPrefix(r.Address, page+"/") }

// atCard brings a payer with a card to the page.
func (w *world) atCard() (tolem.PaymentID, tolem.CodeNumber) {
	w.t.Helper()
	code := w.issue()
	id, err := w.Open(w.t.Context(), token(w.startCard(cardOrder(code))))
	must(w.t, err)
	return id, code
}

func (w *world) atAccount() tolem.PaymentID {
	w.t.Helper()
	id, err := w.Open(w.t.Context(), token(w.startAccount(accountOrder())))
	must(w.t, err)
	return id
}

func (w *world) card() tolem.Card {
	c, err := tolem.NewCard(pan, "12/29", "AIGUL SERIKOVA", cvc, w.clock.Now())
	must(w.t, err)
	return c
}

// pay pays by either method and waits for what came of the call.
func (w *world) pay(id tolem.PaymentID, method tolem.Method) error {
	w.t.Helper()
	var err error
	if method == tolem.MethodCard {
		err = w.PayCard(w.t.Context(), id, w.card())
	} else {
		err = w.PayAccount(w.t.Context(), id, bankID, account)
	}
	must(w.t, w.Wait(w.t.Context()))
	return err
}

// poll lets time pass and asks what is due, until nothing is.
func (w *world) poll(rounds int) {
	w.t.Helper()
	for range rounds {
		w.clock.Advance(6 * time.Minute)
		must(w.t, w.AskDue(w.t.Context()))
		must(w.t, w.Wait(w.t.Context()))
	}
}

func (w *world) view(id tolem.PaymentID) payments.View {
	w.t.Helper()
	v, err := w.View(w.t.Context(), id)
	must(w.t, err)
	return v
}

func (w *world) stage(id tolem.PaymentID, want tolem.Stage) payments.View {
	w.t.Helper()
	v := w.view(id)
	if v.Stage != want {
		w.t.Fatalf("payment is %s, want %s; last attempt %+v", v.Stage, want, v.Last)
	}
	return v
}

// notify is the bank's signed word that a code was paid.
func (w *world) notify(code tolem.CodeNumber, by tolem.ParticipantID, ref tolem.BankRef, at time.Time) tolem.ResultCode {
	w.t.Helper()
	var r gateway.NotifyResult
	_, err := w.gateway.NotifyPayment(w.t.Context(), w.message(tolem.OpNotifyPayment, by, tolem.KindBank), gateway.Notification{
		Code: code, Bank: by, BankRef: ref, Amount: tenge(120_000), PaidAt: at, Channel: tolem.ChannelAcquiring, Recipient: citizen,
		Service: "BIRTH", Provider: "JUSTICE", Account: "KZ1",
	}, render(&r))
	must(w.t, err)
	return r.Result
}

// notifyBooked has the bank notify what it has booked for an attempt.
func (w *world) notifyBooked(code tolem.CodeNumber, a tolem.AttemptID) tolem.ResultCode {
	e := w.bank.entry(a)
	return w.notify(code, bankID, e.ref, e.at)
}

func (w *world) history(id tolem.AttemptID) string {
	var names []string
	must(w.t, w.db.View(w.t.Context(), func(tx *store.Tx) error {
		steps, err := tx.AttemptSteps(id)
		for _, s := range steps {
			names = append(names, string(s.State))
		}
		return err
	}))
	return strings.Join(names, " ")
}

// ---- the bank ----

// whim is what a bank does with the next call.
type whim struct {
	name    string
	books   bool          // it takes the money
	outcome banks.Outcome // it answers
	reason  tolem.RefusalReason
	err     error       // it does not
	dies    bool        // this process does: the call never returns
	amount  tolem.Money // it has another amount
	panics  bool
}

type entry struct {
	ref      tolem.BankRef
	at       time.Time
	amount   tolem.Money
	reversed bool
}

// bank is a bank with a book. It does as its contract says: an attempt is done
// once, one that it was asked about and did not know is never done.
type bank struct {
	clock *tolemtest.Clock

	mu      sync.Mutex
	book    map[tolem.AttemptID]*entry
	refused map[tolem.AttemptID]tolem.RefusalReason
	calls   map[tolem.AttemptID]int
	asked   int
	next    whim
	status  whim          // what it does when asked; zero: it tells what is in its book
	gate    chan struct{} // closed when it may answer a call

	gateStatus chan struct{} // and a question
}

func newBank(clock *tolemtest.Clock) *bank {
	return &bank{
		clock: clock, book: make(map[tolem.AttemptID]*entry), refused: make(map[tolem.AttemptID]tolem.RefusalReason),
		calls: make(map[tolem.AttemptID]int), next: whim{books: true, outcome: banks.Approved},
	}
}

func (b *bank) set(w whim)       { b.mu.Lock(); b.next = w; b.mu.Unlock() }
func (b *bank) setStatus(w whim) { b.mu.Lock(); b.status = w; b.mu.Unlock() }
func (b *bank) entry(a tolem.AttemptID) entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.book[a]; e != nil {
		return *e
	}
	return entry{}
}

// sum is what the bank has taken and not given back, and how often.
func (b *bank) sum() (minor int64, count int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.book {
		if !e.reversed {
			minor, count = minor+e.amount.Minor, count+1
		}
	}
	return minor, count
}

func (b *bank) AuthorizeCard(ctx context.Context, o banks.CardOrder) (banks.Authorization, error) {
	number, _, code, _, _ := o.Card.Reveal()
	if number != pan || code != cvc {
		panic("the bank was sent another card")
	}
	return b.do(ctx, o.Attempt, o.Amount, "AuthorizeCard")
}

func (b *bank) DebitAccount(ctx context.Context, o banks.AccountOrder) (banks.Authorization, error) {
	return b.do(ctx, o.Attempt, o.Amount, "DebitAccount")
}

func (b *bank) do(ctx context.Context, a tolem.AttemptID, amount tolem.Money, op tolem.Operation) (banks.Authorization, error) {
	b.mu.Lock()
	w, gate := b.next, b.gate
	b.calls[a]++
	if _, over := b.refused[a]; over {
		w = whim{outcome: banks.Refused, reason: tolem.RefusedTechnical}
	}
	if w.books && b.book[a] == nil {
		b.book[a] = &entry{ref: tolem.BankRef("REF-" + string(a)[:8]), at: b.clock.Now(), amount: amount}
	}
	if w.outcome == banks.Refused {
		b.refused[a] = w.reason
	}
	b.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
	return b.answer(a, w, op)
}

func (b *bank) answer(a tolem.AttemptID, w whim, op tolem.Operation) (banks.Authorization, error) {
	switch {
	case w.dies:
		runtime.Goexit()
	case w.panics:
		panic("card " + pan)
	}
	auth := banks.Authorization{Outcome: w.outcome, Reason: w.reason, Evidence: banks.Evidence{
		Operation: op, RequestID: tolem.RequestID(gateway.NewUUID()), Request: []byte("<request>card 492912******1236 of " + a + "</request>"),
		RequestHash: sha256.Sum256([]byte(a)), Redacted: op == "AuthorizeCard", SentAt: b.clock.Now(),
	}}
	if errors.Is(w.err, banks.ErrNotSent) {
		auth.Evidence = banks.Evidence{}
	}
	if w.err != nil {
		return auth, w.err
	}
	auth.Evidence.Answer, auth.Evidence.AnsweredAt = []byte("<answer>"+string(w.outcome)+"</answer>"), b.clock.Now()
	auth.BankCode, auth.BankText = "51", "card "+pan+" of the client"
	if e := b.entry(a); e.ref != "" {
		auth.BankRef, auth.PaidAt, auth.Amount, auth.AuthCode = e.ref, e.at, e.amount, "A1"
	}
	if w.amount != (tolem.Money{}) {
		auth.Amount = w.amount
	}
	return auth, nil
}

func (b *bank) Status(_ context.Context, a tolem.AttemptID) (banks.Authorization, error) {
	b.mu.Lock()
	b.asked++
	w := b.status
	if w.outcome == "" && w.err == nil && !w.dies {
		w.outcome = banks.UnknownAttempt
		if e := b.book[a]; e != nil && e.reversed {
			w.outcome = banks.Reversed
		} else if e != nil {
			w.outcome = banks.Approved
		} else if reason, ok := b.refused[a]; ok {
			w.outcome, w.reason = banks.Refused, reason
		} else {
			b.refused[a] = tolem.RefusedTechnical // never to be done
		}
	}
	gate := b.gateStatus
	b.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return b.answer(a, w, "GetStatus")
}

func (b *bank) Reverse(_ context.Context, a tolem.AttemptID, _ string) (banks.Authorization, error) {
	b.mu.Lock()
	w := b.status
	if w.outcome == "" && w.err == nil && !w.dies {
		w.outcome = banks.Reversed
	}
	if e := b.book[a]; e != nil && (w.outcome == banks.Reversed || w.books) {
		e.reversed = true
	}
	b.mu.Unlock()
	return b.answer(a, w, "ReversePayment")
}

// ---- where no card may be ----

// cvcAlone finds the security code as a value, not as a part of a UUID.
var cvcAlone = regexp.MustCompile(`(^|[^0-9A-Za-z-])` + cvc + `($|[^0-9A-Za-z-])`)

func noCardIn(t *testing.T, path string) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no file to look into")
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		must(t, err)
		for _, secret := range []string{pan, pan[6:], "SERIKOVA", account} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %q", filepath.Base(file), secret)
			}
		}
		if cvcAlone.Match(b) {
			t.Errorf("%s holds the security code", filepath.Base(file))
		}
	}
}
