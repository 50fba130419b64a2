package gateway_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/gateway"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// The cast.
const (
	bankID   = tolem.ParticipantID("BANK1")
	rivalID  = tolem.ParticipantID("BANK2")
	kioskID  = tolem.ParticipantID("KIOSK") // calls for BANK1
	portalID = tolem.ParticipantID("PORTAL")

	citizen   = "850101300124"
	neighbour = "920715450676"

	ttl     = 24 * time.Hour
	guesses = 5
)

// world is a gateway on a real store with its clock in hand.
type world struct {
	t        *testing.T
	clock    *tolemtest.Clock
	db       *store.DB
	evidence *archive.Archive
	*gateway.Gateway
}

// worlds runs a test on both databases.
func worlds(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	clock := tolemtest.NewClock(time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC))
	tolemtest.Stores(t, store.Options{Clock: clock.Now}, func(t *testing.T, db *store.DB) { test(t, newWorld(t, clock, db)) })
}

func newWorld(t *testing.T, clock *tolemtest.Clock, db *store.DB) *world {
	t.Helper()
	must(t, db.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.PutProvider(tolem.Provider{ID: "JUSTICE", BIN: "990240001237", Account: "KZ1", Active: true, Names: tolem.Names{RU: "Минюст"}}); err != nil {
			return err
		}
		if err := tx.PutProvider(tolem.Provider{ID: "CLOSED", BIN: "990240001237", Account: "KZ2", Names: tolem.Names{RU: "Закрыто"}}); err != nil {
			return err
		}
		for _, s := range []tolem.Service{
			{Code: "BIRTH", Provider: "JUSTICE", Active: true, Price: tolem.Price{Currency: tolem.KZT, Fixed: 120_000}},
			{Code: "FEE", Provider: "JUSTICE", Active: true, Price: tolem.Price{Currency: tolem.KZT}},
			{Code: "OLD", Provider: "JUSTICE", Price: tolem.Price{Currency: tolem.KZT}},
			{Code: "HIDDEN", Provider: "CLOSED", Active: true, Price: tolem.Price{Currency: tolem.KZT}},
		} {
			if err := tx.PutService(s); err != nil {
				return err
			}
		}
		return nil
	}))
	directory, err := banks.Open(t.Context(), db)
	must(t, err)
	evidence, err := archive.New(db, archive.Options{Origin: "test"})
	must(t, err)
	return &world{t: t, clock: clock, db: db, evidence: evidence, Gateway: gateway.New(gateway.Config{
		Currency: tolem.KZT, CodeTTL: ttl, UnknownCodesPerMinute: guesses,
	}, db, evidence, directory)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func participant(id tolem.ParticipantID) tolem.Participant {
	p := tolem.Participant{ID: id, Kind: tolem.KindBank, Name: string(id)}
	switch id {
	case portalID:
		p.Kind = tolem.KindPortal
	case kioskID:
		p.Kind, p.ActsFor = tolem.KindProcessing, []tolem.ParticipantID{bankID}
	}
	return p
}

// message is a new request of a participant; its content is what the fields
// print.
func (w *world) message(op tolem.Operation, by tolem.ParticipantID, content any) gateway.Message {
	id := tolem.RequestID(uuid.NewString())
	raw := fmt.Appendf(nil, "%s of %s by %s: %+v", op, id, by, content)
	return gateway.Message{
		Operation: op, Sender: participant(by), RequestID: id,
		BodyHash: sha256.Sum256(raw), SignedInfo: sha256.Sum256(append(raw, "signed"...)),
		Record: archive.Record{
			ID: archive.NewMessageID(w.clock.Now()), Direction: archive.In, At: w.clock.Now(),
			Participant: by, Operation: op, RequestID: id, Raw: raw,
		},
		Again: func(stored archive.Record) ([]byte, error) { return stored.Raw, nil },
	}
}

// again is the same message arriving once more.
func (w *world) again(m gateway.Message) gateway.Message {
	m.Record.ID, m.Record.At = archive.NewMessageID(w.clock.Now()), w.clock.Now()
	return m
}

// call is an operation with its request, ready to be performed.
type call struct {
	op tolem.Operation
	by tolem.ParticipantID
	in any
}

// done is what a call came to.
type done struct {
	gateway.Reply
	result any // nil if the stored answer was repeated
}

// do performs a call as a new request.
func (w *world) do(c call) done {
	w.t.Helper()
	d, err := w.send(c, w.message(c.op, c.by, c.in))
	must(w.t, err)
	return d
}

// ok performs a call that must succeed.
func (w *world) ok(c call) done {
	w.t.Helper()
	d := w.do(c)
	if d.Outcome.Result != tolem.OK {
		w.t.Fatalf("%s by %s: %s", c.op, c.by, d.Outcome.Result)
	}
	return d
}

// send performs a call as the given request.
func (w *world) send(c call, m gateway.Message) (done, error) {
	ctx := w.t.Context()
	switch in := c.in.(type) {
	case gateway.Issue:
		return perform(ctx, w.IssueCode, m, in)
	case gateway.Notification:
		return perform(ctx, w.NotifyPayment, m, in)
	case gateway.Validation:
		return perform(ctx, w.ValidateCode, m, in)
	case gateway.Closing:
		return perform(ctx, w.CloseCode, m, in)
	case tolem.ProviderID:
		return perform(ctx, w.ListServices, m, in)
	case gateway.Refund:
		r, err := w.RefundCode(ctx, in)
		return done{Reply: gateway.Reply{Outcome: r.Outcome}, result: r}, err
	case tolem.RequestID:
		return perform(ctx, w.GetOutcome, m, in)
	case tolem.CodeNumber:
		switch c.op {
		case tolem.OpCancelCode:
			return perform(ctx, w.CancelCode, m, in)
		case tolem.OpGetPayment:
			return perform(ctx, w.GetPayment, m, in)
		case tolem.OpGetReceipt:
			return perform(ctx, w.GetReceipt, m, in)
		}
	}
	return done{}, fmt.Errorf("no operation takes %T", c.in)
}

// perform calls an operation. Each rendering is another text, so two answers
// with the same bytes are one answer.
func perform[In any, R gateway.Result](ctx context.Context, run func(context.Context, gateway.Message, In, gateway.Render[R]) (gateway.Reply, error), m gateway.Message, in In) (done, error) {
	var d done
	var err error
	d.Reply, err = run(ctx, m, in, func(r R) ([]byte, error) {
		d.result = r
		return fmt.Appendf(nil, "answer %s: %+v", uuid.NewString(), r), nil
	})
	if d.Repeated {
		d.result = nil
	}
	return d, err
}

func order() gateway.Issue {
	return gateway.Issue{
		Service: "BIRTH", Provider: "JUSTICE", Recipient: citizen, RecipientName: "Айгуль",
		Amount: tenge(120_000), Channel: tolem.ChannelATM,
	}
}

func tenge(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.KZT} }

func (w *world) issue() tolem.CodeNumber {
	w.t.Helper()
	return w.ok(call{tolem.OpIssueCode, bankID, order()}).Outcome.Code
}

// payment notifies the payment of such an order.
func (w *world) payment(code tolem.CodeNumber, ref tolem.BankRef) gateway.Notification {
	return gateway.Notification{
		Code: code, Bank: bankID, BankRef: ref, Amount: tenge(120_000), PaidAt: time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC),
		Channel: tolem.ChannelATM, Recipient: citizen, Service: "BIRTH", Provider: "JUSTICE", Account: "KZ86",
	}
}

func shown(code tolem.CodeNumber, no tolem.RequestNo) gateway.Validation {
	return gateway.Validation{Code: code, RequestNo: no, Recipient: citizen, Service: "BIRTH"}
}

// bring makes a code that is in the state; its payment has the reference REF,
// its closing the id C, its order the number R.
func (w *world) bring(state tolem.State) tolem.CodeNumber {
	w.t.Helper()
	if state == tolem.StateUnknown {
		return w.unissued()
	}
	n := w.issue()
	pay := func() {
		w.ok(call{tolem.OpNotifyPayment, bankID, w.payment(n, "REF")})
		w.ok(call{tolem.OpValidateCode, portalID, shown(n, "R")})
	}
	switch state {
	case tolem.StatePaid:
		pay()
	case tolem.StateClosed:
		pay()
		w.ok(call{tolem.OpCloseCode, portalID, gateway.Closing{Code: n, ID: "C", RequestNo: "R"}})
	case tolem.StateRefunded:
		pay()
		w.ok(refunding(n))
	case tolem.StateCancelled:
		w.ok(call{tolem.OpCancelCode, bankID, n})
	case tolem.StateExpired:
		w.clock.Advance(ttl)
	}
	return n
}

// unissued is a number with the right check digits that nobody has.
func (w *world) unissued() tolem.CodeNumber {
	w.t.Helper()
	w.clock.Advance(time.Minute) // whoever asks for it is not taken for one who guesses
	for n := tolem.CodeNumber(1_000_000_000_000_000 + w.clock.Now().UnixMicro()%1_000_000_000_000); ; n++ {
		if n.Valid() {
			return n
		}
	}
}

// refunding is the operator's mark on a code.
func refunding(n tolem.CodeNumber) call {
	return call{"RefundCode", "", gateway.Refund{Code: n, By: "operator", Reason: "claim 7"}}
}

// kept is what the store holds of a code.
type kept struct {
	code          tolem.Code
	payment       *tolem.Payment
	steps         []tolem.Step
	discrepancies []tolem.Discrepancy
}

func (w *world) kept(n tolem.CodeNumber) (k kept) {
	w.t.Helper()
	must(w.t, w.db.View(w.t.Context(), func(tx *store.Tx) (err error) {
		if k.discrepancies, err = tx.Discrepancies(n, 1000); err != nil {
			return err
		}
		if k.code, err = tx.Code(n); err != nil {
			k.code = tolem.Code{}
			return nil // never issued
		}
		if k.steps, err = tx.Steps(n); err != nil {
			return err
		}
		if p, err := tx.Payment(n); err == nil {
			k.payment = &p
		}
		return nil
	}))
	return k
}

// messages returns how many messages are kept with a code.
func (w *world) messages(n tolem.CodeNumber) (count int) {
	w.t.Helper()
	must(w.t, w.db.View(w.t.Context(), func(tx *store.Tx) error {
		all, err := w.evidence.LoadCode(tx, n)
		count = len(all)
		return err
	}))
	return count
}
