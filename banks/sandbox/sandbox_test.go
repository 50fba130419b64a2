package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/signing"
	"tolem/wsdl"
	"tolem/wsdl/client"
)

// gateway takes notifications as told.
type gateway struct {
	mu     sync.Mutex
	told   []client.Payment
	answer func(client.Payment) error
}

func (g *gateway) NotifyPayment(_ context.Context, p client.Payment, _ ...client.Option) (client.RecordedPayment, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = append(g.told, p)
	if g.answer == nil {
		return client.RecordedPayment{}, nil
	}
	return client.RecordedPayment{}, g.answer(p)
}

func open(t *testing.T, c Config) *Bank {
	t.Helper()
	c.Bank = "HALYK"
	c.Signer, c.Verifier = new(signing.Signer), new(signing.Verifier) // no message comes over the wire here
	c.Gateway = func(*signing.Verified) bool { return false }
	b, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

const plain = tolem.CodeNumber(195)

func order(attempt tolem.AttemptID, minor int64, card string) request {
	return request{
		operation: wsdl.BankAuthorizeCard, attempt: attempt, amount: tolem.Money{Minor: minor, Currency: tolem.KZT}, cardNo: card,
		what: Order{Kind: KindCard, Code: plain, Masked: "400000******0000", Recipient: "850101300124", Service: "S", Provider: "P", Account: "KZ"},
	}
}

func do(t *testing.T, b *Bank, q request) (Entry, string) {
	t.Helper()
	e, result, _, err := b.carryOut(q)
	if err != nil {
		t.Fatal(err)
	}
	return e, result
}

// GW-130: after an approval the bank notifies, as the script says; a payment
// that was reversed before is not notified, nor one from an account.
func TestNotifications(t *testing.T) {
	clock := tolemtest.NewClock(time.Now())
	g := &gateway{}
	b := open(t, Config{Notifier: g, Clock: clock.Now, NotifyLate: time.Minute})
	step := func(want int) []client.Payment {
		t.Helper()
		for b.notifySome(t.Context()) > 0 {
		}
		told := g.told
		g.told = nil
		if len(told) != want {
			t.Fatalf("%d notifications, want %d", len(told), want)
		}
		return told
	}
	e, _ := do(t, b, order("A-1", 1200_00, ""))
	p := step(1)[0]
	if p.Amount != e.Amount() || p.BankRef != e.BankRef || !p.PaidAt.Equal(e.PaidAt) || p.Code != plain || p.Bank != "HALYK" ||
		p.Channel != tolem.ChannelAcquiring || p.Recipient != "850101300124" || p.Account != "KZ" {
		t.Errorf("notified %+v of %+v", p, e)
	}
	do(t, b, order("A-1", 1200_00, "")) // a repetition is notified no more
	step(0)
	do(t, b, order("A-2", 1200_00, CaseNamed("approved, never notified").Card()))
	step(0)
	do(t, b, order("A-3", 1200_00, CaseNamed("approved, notified late").Card()))
	step(0)
	clock.Advance(time.Minute)
	step(1)
	do(t, b, order("A-4", 1200_00, CaseNamed("approved, notified twice").Card()))
	step(2)
	do(t, b, order("A-5", 1200_00, CaseNamed("approved, notified with another amount").Card()))
	if p := step(1)[0]; p.Amount.Minor != 1200_01 {
		t.Errorf("notified %s", p.Amount)
	}
	do(t, b, order("A-6", 1200_00, CaseNamed("approved, notified late").Card()))
	do(t, b, request{operation: wsdl.BankReversePayment, attempt: "A-6"})
	clock.Advance(time.Hour)
	step(0)
	do(t, b, order("A-7", 1200_00, CaseNamed("pending, then approved").Card()))
	step(0)
	do(t, b, request{operation: wsdl.BankGetStatus, attempt: "A-7"})
	step(1)
	debit := order("A-8", 1200_00, "")
	debit.operation, debit.what.Kind, debit.what.Code = wsdl.BankDebitAccount, KindAccount, 0
	do(t, b, debit)
	step(0)
}

// A notification that was not answered is sent again; one that was refused is
// not, and what the gateway said stands in the book.
func TestNotificationsAreRepeated(t *testing.T) {
	clock := tolemtest.NewClock(time.Now())
	g := &gateway{answer: func(client.Payment) error { return client.ErrUnreachable }}
	b := open(t, Config{Notifier: g, Clock: clock.Now})
	do(t, b, order("A-1", 1200_00, ""))
	for range 3 {
		b.notifySome(t.Context())
		clock.Advance(time.Minute)
	}
	if e, _ := b.Entry("A-1"); len(g.told) != 3 || e.Notified() {
		t.Errorf("sent %d times, %+v", len(g.told), e)
	}
	for i, c := range []struct {
		answer error
		told   string
	}{
		{&client.Refusal{Code: tolem.Mismatch}, "MISMATCH"},
		{&client.Fault{Code: tolem.Forbidden, Retry: client.RetryNo}, "FORBIDDEN"},
		{client.ErrMissing, "order lacks what a notification needs"},
	} {
		g.told, g.answer = nil, func(client.Payment) error { return c.answer }
		id := tolem.AttemptID(fmt.Sprintf("A-%d", i+1))
		do(t, b, order(id, 1200_00, ""))
		for range 3 {
			b.notifySome(t.Context())
			clock.Advance(time.Minute)
		}
		if e, _ := b.Entry(id); len(g.told) != 1 || !e.Notified() || e.Told != c.told {
			t.Errorf("sent %d times, %+v", len(g.told), e)
		}
	}
}

// The book outlives the process, also one that died in the middle of a line;
// what was due is notified by the next.
func TestBookOutlivesTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.jsonl")
	g := &gateway{}
	b := open(t, Config{Book: path, Notifier: g})
	do(t, b, order("A-1", 1200_00, ""))
	do(t, b, order("A-2", 500_00, CaseNamed("card expired").Card()))
	do(t, b, order("A-3", 700_00, CaseNamed("pending, then approved").Card()))
	do(t, b, request{operation: wsdl.BankGetStatus, attempt: "A-4"})
	before := b.Entries()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"Attempt":"A-5","Sta`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, Config{Book: path, Notifier: g})
	after := again.Entries()
	if len(after) != 4 || len(before) != 4 {
		t.Fatalf("%d entries became %d", len(before), len(after))
	}
	for i := range after {
		x, y := before[i], after[i]
		if !x.At.Equal(y.At) || !x.PaidAt.Equal(y.PaidAt) {
			t.Errorf("times of %s", x.Attempt)
		}
		x.At, y.At, x.PaidAt, y.PaidAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if x != y {
			t.Errorf("%+v became %+v", x, y)
		}
	}
	again.notifySome(t.Context())
	if len(g.told) != 1 {
		t.Errorf("%d notifications after the restart", len(g.told))
	}
	if _, result := do(t, again, order("A-4", 1200_00, "")); result != string(Refused) {
		t.Errorf("asked about before the restart, then %s", result)
	}
	if e, result := do(t, again, order("A-1", 1200_00, "")); result != string(Approved) || e.BankRef != before[0].BankRef {
		t.Errorf("repeated: %s %s", result, e.BankRef)
	}
	read, err := ReadBook(path)
	if err != nil || len(read) != 4 || Sums(read)[Approved][tolem.KZT] != (Sum{1, 1200_00}) {
		t.Errorf("%d entries, %+v, %v", len(read), Sums(read), err)
	}
}

func TestTable(t *testing.T) {
	names, numbers := make(map[string]bool), make(map[int]bool)
	for _, c := range Table {
		how, err := ParseBehaviour(c.Behaviour)
		if err != nil || names[c.Name] || numbers[c.Number] || c.Number < 51 || c.Number > 99 {
			t.Errorf("%+v: %v", c, err)
		}
		names[c.Name], numbers[c.Number] = true, true
		if again, err := ParseBehaviour(how.String()); err != nil || again != how {
			t.Errorf("%s reads as %s, %v", c.Behaviour, again, err)
		}
		if _, err := tolem.NewCard(c.Card(), "12/40", "ALIYA S", "123", time.Now()); err != nil {
			t.Errorf("%s: %v", c.Card(), err)
		}
		if n := c.Account(); len(n) != 20 || !iban(n) {
			t.Errorf("account %s", n)
		}
	}
}

// iban reports whether the check digits of an account in Kazakhstan fit.
func iban(account string) bool {
	number, ok := new(big.Int).SetString(account[4:]+"2035"+account[2:4], 10)
	return ok && strings.HasPrefix(account, "KZ") && new(big.Int).Mod(number, big.NewInt(97)).Int64() == 1
}

func TestScript(t *testing.T) {
	b := open(t, Config{})
	const text = `
# a morning at the bank
next AuthorizeCard refuse:CARD_EXPIRED
next * error:E-1:out of order   # whatever comes
always GetStatus pending; lost
for 4111111111111111 approve; late; notify-never
for KZ86125KZT5004100100 nothing; time-out
`
	if err := b.LoadScript(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	pick := func(q request) string { return b.script.pick(q, true).String() }
	for _, want := range []string{"refuse:CARD_EXPIRED", "error:E-1:out of order", "approve; late; notify-never", "approve; late; notify-never"} {
		if got := pick(order("A", 100, "4111111111111111")); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := pick(request{operation: wsdl.BankGetStatus}); got != "pending; lost" {
		t.Error(got)
	}
	if got := pick(request{operation: wsdl.BankDebitAccount, what: Order{Payer: "KZ86125KZT5004100100"}}); got != "nothing; time-out" {
		t.Error(got)
	}
	for _, wrong := range []string{
		"next Pay approve", "next AuthorizeCard", "for X refuse:NOTHING", "sometimes * approve", "always * error:", "always * approve:x", "down now", "next * well; sick",
	} {
		if err := b.LoadScript(strings.NewReader("down\n" + wrong)); !errors.Is(err, ErrScript) {
			t.Errorf("%q: %v", wrong, err)
		}
		if b.script.isDown() {
			t.Fatalf("%q: half of a script was taken", wrong)
		}
	}
	if err := b.LoadScript(strings.NewReader("down")); err != nil || !b.script.isDown() {
		t.Error(err)
	}
}

// Whatever stands in a script, what is understood is written the same way again.
func FuzzParseBehaviour(f *testing.F) {
	for _, c := range Table {
		f.Add(c.Behaviour)
	}
	f.Add("refuse:;;:error::x")
	f.Fuzz(func(t *testing.T, s string) {
		how, err := ParseBehaviour(s)
		if err != nil || strings.TrimSpace(how.Text) != how.Text {
			return
		}
		if again, err := ParseBehaviour(how.String()); err != nil || again != how {
			t.Errorf("%q is %+v, then %+v, %v", s, how, again, err)
		}
	})
}

// Whatever is signed towards the bank, what is carried out has an attempt and an
// amount, and no card number goes on.
func FuzzReadRequest(f *testing.F) {
	f.Add("amount", "1200.00", "currency", "KZT", "payerAccount", "KZ1", "paymentId", "P-1")
	f.Add("amount", "0", "currency", "USD", "paymentCode", "1", "orderNo", "x")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, n3, v3, n4, v4 string) {
		fields := []signing.Field{
			{Name: "requestId", Value: "0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001"}, {Name: "attemptId", Value: "A-1"},
			{Name: n1, Value: v1}, {Name: n2, Value: v2}, {Name: n3, Value: v3}, {Name: n4, Value: v4},
			{Name: "card", Fields: []signing.Field{
				{Name: "number", Value: "4111111111111111"}, {Name: "expiryMonth", Value: "12"}, {Name: "expiryYear", Value: "2030"},
				{Name: "holderName", Value: "A B"}, {Name: "cvc", Value: "123"}, {Name: "salt", Value: strings.Repeat("0a", 32)},
			}},
		}
		for _, operation := range wsdl.BankOperations {
			q, err := readRequest(operation, fields)
			if err != nil {
				continue
			}
			e := q.entry()
			if q.attempt == "" || q.order() && (e.Minor <= 0 || e.Currency == "") || strings.Contains(fmt.Sprint(e), "4111111111111111") {
				t.Errorf("%s: %+v", operation, e)
			}
		}
	})
}
