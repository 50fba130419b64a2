package collect_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/registry"
	"tolem/registry/collect"
	"tolem/signing"
	"tolem/store"
)

const (
	bankID  = tolem.ParticipantID("HALYK")
	otherID = tolem.ParticipantID("KASPI")
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a collector on a real store and registry, with two banks whose words
// the test chooses.
type world struct {
	t         *testing.T
	clock     *tolemtest.Clock
	db        *store.DB
	registry  *registry.Registry
	evidence  *archive.Archive
	directory *banks.Directory
	*collect.Collector
	bank, other *payer
	mu          sync.Mutex
	events      []collect.Event
}

// payer is a bank. It pays a claim of one number once.
type payer struct {
	clock *tolemtest.Clock
	mu    sync.Mutex
	calls []banks.ClaimOrder
	paid  map[tolem.ClaimNumber]time.Time
	next  func(banks.ClaimOrder) (banks.Outcome, error)
	gate  chan struct{}
}

func (p *payer) say(o banks.Outcome, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = func(banks.ClaimOrder) (banks.Outcome, error) { return o, err }
}

func (p *payer) called() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

func (p *payer) PayClaim(ctx context.Context, o banks.ClaimOrder) (a banks.Authorization, err error) {
	p.mu.Lock()
	gate, next := p.gate, p.next
	p.calls = append(p.calls, o)
	p.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return a, fmt.Errorf("%w: %w", banks.ErrNoAnswer, ctx.Err())
		}
	}
	outcome, err := next(o)
	if errors.Is(err, banks.ErrNotSent) {
		return a, err
	}
	a.Evidence = banks.Evidence{Operation: "PayClaim", RequestID: "1", Request: []byte("<PayClaim>" + o.Number + "</PayClaim>"), SentAt: p.clock.Now()}
	a.Evidence.RequestHash = sha256.Sum256(a.Evidence.Request)
	if err != nil {
		return a, err
	}
	a.Evidence.Answer, a.Evidence.AnsweredAt = []byte("<answer>"+string(outcome)+"</answer>"), p.clock.Now()
	a.Outcome, a.BankText = outcome, "words"
	if outcome == banks.Paid {
		p.mu.Lock()
		if p.paid[o.Number].IsZero() {
			p.paid[o.Number] = p.clock.Now()
		}
		a.BankRef, a.PaidAt, a.Amount, a.BankText = "T1", p.paid[o.Number], o.Amount, ""
		p.mu.Unlock()
	}
	return a, nil
}

func newPayer(clock *tolemtest.Clock) *payer {
	p := &payer{clock: clock, paid: make(map[tolem.ClaimNumber]time.Time)}
	p.say(banks.Paid, nil)
	return p
}

func worlds(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	tolemtest.Databases(t, func(t *testing.T, dsn string) { test(t, newWorld(t, dsn)) })
}

func newWorld(t *testing.T, dsn string) *world {
	t.Helper()
	clock := tolemtest.NewClock(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)) // a Friday
	w := &world{t: t, clock: clock, db: tolemtest.Store(t, dsn, store.Options{Clock: clock.Now}), bank: newPayer(clock), other: newPayer(clock)}
	must(t, w.db.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(
			tx.PutParticipant(tolem.Participant{ID: bankID, Kind: tolem.KindBank, Name: "Halyk", ContractFrom: clock.Now()}),
			tx.PutParticipant(tolem.Participant{ID: otherID, Kind: tolem.KindBank, Name: "Kaspi", ContractFrom: clock.Now()}))
	}))
	var err error
	w.directory, err = banks.Open(t.Context(), w.db)
	must(t, err)
	key, _, err := note.GenerateKey(rand.Reader, "test")
	must(t, err)
	w.evidence, err = archive.New(w.db, archive.Options{Origin: "test", CheckpointKey: key})
	must(t, err)
	id := tolemtest.NewPKI(t, pki.Options{}).Identity(pki.Spec{CommonName: "gateway", Usage: pki.Signing, Key: pki.RSA2048})
	signer, err := signing.NewSigner(id.Key, id.Cert)
	must(t, err)
	zone, err := time.LoadLocation("Asia/Almaty")
	must(t, err)
	w.registry = registry.New(registry.Config{
		Calendar: tolem.NewCalendar(zone, nil, nil), FinalAfter: 3, Operator: "Operator", OperatorAccount: "KZ86125KZT5004100100",
		ClaimsDueAfter: 2, Currency: tolem.KZT, Folder: t.TempDir(), Clock: clock.Now,
	}, w.db, w.evidence, w.directory, signer)
	w.restart()
	return w
}

// restart is what a process that was killed finds: the database, and nothing else.
func (w *world) restart() {
	w.Collector = collect.New(collect.Config{
		Payers: map[tolem.ParticipantID]banks.ClaimPayer{bankID: w.bank, otherID: w.other},
		Observe: func(e collect.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	}, w.db, w.registry, w.evidence, w.directory)
}

// run presents what is due and waits for what came of it.
func (w *world) run() {
	w.t.Helper()
	must(w.t, w.Run(w.t.Context()))
	must(w.t, w.Wait(w.t.Context()))
}

func (w *world) after(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	w.run()
}

// refunded is a payment that was refunded and that its bank keeps; the claim for
// it is made.
func (w *world) refunded(bank tolem.ParticipantID) tolem.ClaimNumber {
	w.t.Helper()
	number, err := tolem.DrawCodeNumber(rand.Reader)
	must(w.t, err)
	p := tolem.Payment{
		Code: number, Bank: bank, BankRef: "REF-" + tolem.BankRef(number.String()), Amount: tolem.Money{Minor: 1200_00, Currency: tolem.KZT},
		PaidAt: w.clock.Now(), ReceivedAt: w.clock.Now(), Channel: tolem.ChannelAccount, Recipient: "850101300124", Service: "BIRTH", Provider: "JUSTICE",
		Account: "KZ1", NotifiedBy: bank,
	}
	must(w.t, w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		d := tolem.Debited(tolem.Code{
			Number: number, Service: "BIRTH", Provider: "JUSTICE", Amount: p.Amount, Channel: p.Channel, Recipient: p.Recipient, Requester: "PORTAL", RequestNo: "R",
		}, p, tx.Now())
		return errors.Join(tx.InsertCode(d), tx.InsertPayment(p))
	}))
	must(w.t, w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		before, err := tx.Code(number)
		if err != nil {
			return err
		}
		return tx.ChangeCode(before, before.Refund(tx.Now()))
	}))
	kept, err := w.registry.KeptByBank(w.t.Context(), number)
	must(w.t, err)
	c, err := w.registry.ClaimRefund(w.t.Context(), kept)
	must(w.t, err)
	return c.Number
}

// stands says how a claim stands, and when its bank is called next.
func (w *world) stands(n tolem.ClaimNumber) (standing tolem.ClaimStanding, steps []tolem.ClaimStep, call store.ClaimCall) {
	w.t.Helper()
	must(w.t, w.db.View(w.t.Context(), func(tx *store.Tx) (err error) {
		if steps, err = tx.ClaimSteps(n); err != nil {
			return err
		}
		call, err = tx.ClaimCall(n)
		return err
	}))
	return tolem.StandingOf(steps), steps, call
}

// A bank is called with a claim until it has said that it has paid; that it has is
// its word, and the claim is paid when the money has come.
//
// GW-185, GW-186, GW-P36
func TestClaimIsPaid(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		n := w.refunded(bankID)
		w.bank.say("", banks.ErrNotSent)
		w.run()
		w.bank.say("", banks.ErrNoAnswer)
		w.run() // not due yet
		w.after(time.Minute)
		w.after(time.Minute) // not due yet
		w.after(time.Minute)
		if standing, _, call := w.stands(n); standing.State != tolem.ClaimSent || call.Tried != 3 || w.bank.called() != 3 {
			t.Fatalf("silence: %+v, %+v, %d calls", standing, call, w.bank.called())
		}
		w.restart()
		w.bank.say(banks.Pending, nil)
		w.after(4 * time.Minute)
		if standing, _, call := w.stands(n); standing.State != tolem.ClaimSent || call.Outcome != "PENDING" || call.Tried != 0 {
			t.Errorf("pending: %+v, %+v", standing, call)
		}
		w.bank.say(banks.Accepted, nil)
		w.after(time.Hour)
		standing, steps, call := w.stands(n)
		if standing.State != tolem.ClaimAcknowledged || len(steps) != 2 || steps[1].Who != string(bankID) || steps[1].Note != "words" {
			t.Fatalf("accepted: %+v", steps)
		}
		if due := call.CallAt; due.Sub(w.clock.Now()) < 24*time.Hour { // when it is due
			t.Errorf("called again %s", due)
		}
		w.clock.Advance(call.CallAt.Sub(w.clock.Now()))
		w.run()
		if _, steps, call = w.stands(n); len(steps) != 2 || call.CallAt.IsZero() {
			t.Errorf("accepted again: %+v, %+v", steps, call)
		}
		w.after(6 * time.Hour)
		if last := w.events[len(w.events)-1]; last.Alarm == "" {
			t.Errorf("overdue without an alarm: %+v", last)
		}
		w.bank.say(banks.Paid, nil)
		w.after(6 * time.Hour)
		standing, steps, call = w.stands(n)
		if standing.State != tolem.ClaimAcknowledged || len(steps) != 3 || !strings.Contains(steps[2].Note, "T1") || !call.CallAt.IsZero() || call.Outcome != "PAID" {
			t.Fatalf("paid: %+v, %+v", steps, call)
		}
		calls := w.bank.called()
		w.after(30 * 24 * time.Hour)
		if w.bank.called() != calls {
			t.Error("called after it has paid")
		}
		if o := w.bank.calls[0]; o.BankRef == "" || o.Account == "" || o.Amount.Minor != 1200_00 || o.Count != 1 || o.DueAt.IsZero() {
			t.Errorf("asked for %+v", o)
		}
		if _, err := w.registry.Paid(t.Context(), n, tolem.Money{Minor: 1200_00, Currency: tolem.KZT}, "T1", "clerk"); err != nil {
			t.Error(err)
		}
		if standing, _, _ = w.stands(n); standing.State != tolem.ClaimPaid {
			t.Errorf("%+v", standing)
		}
		if err := w.registry.CallAgain(t.Context(), n); !errors.Is(err, registry.ErrClaimState) {
			t.Errorf("called again: %v", err)
		}
		asked, answered := w.kept(n)
		if asked != calls-1 || answered != 5 { // one was not sent, two were not answered
			t.Errorf("evidence of %d questions and %d answers, %d calls", asked, answered, calls)
		}
	})
}

// kept counts the messages about a claim in the archive.
func (w *world) kept(n tolem.ClaimNumber) (asked, answered int) {
	w.t.Helper()
	must(w.t, w.evidence.Walk(w.t.Context(), func(time.Time, bool) bool { return true }, func(records []archive.Record) error {
		for _, r := range records {
			if r.Operation != "PayClaim" {
				continue
			}
			if r.Direction == archive.Out && strings.Contains(string(r.Raw), string(n)) {
				asked++
			} else if r.Direction == archive.In {
				answered++
			}
		}
		return nil
	}))
	return asked, answered
}

// A bank that refuses a claim disputes it, and is not called again until the
// operator wants it. A claim that was taken back is not presented.
//
// GW-185
func TestClaimIsRefused(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		n, withdrawn := w.refunded(bankID), w.refunded(bankID)
		_, err := w.registry.Withdraw(t.Context(), withdrawn, "settled otherwise", "clerk")
		must(t, err)
		w.bank.say(banks.Refused, nil)
		w.run()
		standing, steps, call := w.stands(n)
		if standing.State != tolem.ClaimDisputed || steps[1].Note != "words" || !call.CallAt.IsZero() || w.bank.called() != 1 {
			t.Fatalf("%+v, %+v, %d calls", steps, call, w.bank.called())
		}
		if last := w.events[len(w.events)-1]; last.Alarm == "" {
			t.Error("nobody is told")
		}
		w.bank.say(banks.Accepted, nil)
		w.after(24 * time.Hour)
		if w.bank.called() != 1 {
			t.Error("called although it has refused")
		}
		must(t, w.registry.CallAgain(t.Context(), n))
		w.run()
		if standing, _, _ = w.stands(n); standing.State != tolem.ClaimAcknowledged {
			t.Errorf("%+v", standing)
		}
		// Another amount is no answer.
		must(t, w.registry.CallAgain(t.Context(), n))
		w.bank.say("", fmt.Errorf("%w: %w", banks.ErrNoAnswer, banks.ErrAmount))
		w.run()
		if last := w.events[len(w.events)-1]; last.Alarm == "" {
			t.Error("another amount raises no alarm")
		}
		w.bank.mu.Lock()
		w.bank.next = func(banks.ClaimOrder) (banks.Outcome, error) { panic("out of order") }
		w.bank.mu.Unlock()
		w.after(time.Hour)
		if last := w.events[len(w.events)-1]; !errors.Is(last.Err, banks.ErrNoAnswer) {
			t.Errorf("after a panic: %+v", last)
		}
	})
}

// A bank that hangs holds up no other, one that takes no part is not called, and
// however many nodes run, a claim is presented by one at a time. A node that dies
// in the middle of a call leaves a claim that is presented again.
//
// GW-185, GW-P41
func TestClaimsAreNeverLost(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		hanging, well := w.refunded(bankID), w.refunded(otherID)
		gate := make(chan struct{})
		w.bank.mu.Lock()
		w.bank.gate = gate
		w.bank.mu.Unlock()
		must(t, w.Run(t.Context()))
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if standing, _, _ := w.stands(well); standing.State == tolem.ClaimAcknowledged && w.bank.called() == 1 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("one bank holds up the other")
			}
		}
		dead := w.Collector
		w.restart()
		w.run()
		if w.bank.called() != 1 {
			t.Error("presented by two nodes at once")
		}
		// As if the first node had died: its time is over, another presents the claim.
		w.bank.mu.Lock()
		w.bank.gate = nil
		w.bank.mu.Unlock()
		w.after(41 * time.Second)
		standing, steps, call := w.stands(hanging)
		if standing.State != tolem.ClaimAcknowledged || call.Outcome != "PAID" || w.bank.called() != 2 {
			t.Fatalf("%+v, %+v, %d calls", standing, call, w.bank.called())
		}
		// It was only slow: what it hears says nothing new.
		close(gate)
		must(t, dead.Wait(t.Context()))
		if _, now, _ := w.stands(hanging); len(now) != len(steps) {
			t.Errorf("said twice: %+v", now)
		}

		suspended := w.refunded(otherID)
		p, _ := w.directory.Participant(otherID)
		p.Suspended = true
		must(t, w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.PutParticipant(p) }))
		must(t, w.directory.Refresh(t.Context()))
		w.after(time.Hour)
		if w.other.called() != 1 {
			t.Error("a suspended bank was called")
		}
		p.Suspended = false
		must(t, w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.PutParticipant(p) }))
		must(t, w.directory.Refresh(t.Context()))
		w.run()
		if standing, _, _ := w.stands(suspended); standing.State != tolem.ClaimAcknowledged {
			t.Errorf("%+v", standing)
		}
	})
}

// What cannot be claimed as a refund is told.
//
// GW-186
func TestWhatCannotBeClaimed(t *testing.T) {
	w := newWorld(t, tolemtest.SQLite(t))
	n := w.refunded(bankID)
	again, err := w.registry.KeptByBank(t.Context(), n.Code())
	must(t, err)
	first, err := w.registry.ClaimRefund(t.Context(), again)
	if err != nil || first.Number != n {
		t.Errorf("claimed twice: %s, %v", first.Number, err)
	}
	unknown, err := tolem.DrawCodeNumber(rand.Reader)
	must(t, err)
	if _, err := w.registry.KeptByBank(t.Context(), unknown); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a code that nobody has issued: %v", err)
	}
}
