package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// desk is a payment at a desk of branch A-1, kept as package workplace does.
func (w *world) desk(amount, fee int64) tolem.DeskPayment {
	w.t.Helper()
	defer w.clock.Advance(time.Microsecond)
	var d tolem.DeskPayment
	w.update(func(tx *store.Tx) error {
		number, err := tolem.DrawCodeNumber(rand.Reader)
		if err != nil {
			return err
		}
		receipt, err := tx.NextReceipt("BANK-A")
		if err != nil {
			return err
		}
		p := tolem.Payment{
			Code: number, Bank: "BANK-A", BankRef: tolem.BankRef(receipt.String()), Amount: tolem.Money{Minor: amount, Currency: tolem.KZT},
			PaidAt: tx.Now(), ReceivedAt: tx.Now(), Channel: tolem.ChannelDesk, Recipient: "850101300124", Service: "TAX-1", Provider: "TAX",
			Account: "1", NotifiedBy: "BANK-A", Branch: "A-1",
		}
		if fee > 0 {
			p.Fee = tolem.Money{Minor: fee, Currency: tolem.KZT}
		}
		d = tolem.DeskPayment{
			ID: tolem.PaymentID(number.String()), Bank: "BANK-A", Receipt: receipt, Code: number, Basket: tolem.BasketID(number.String()), Line: 1,
			Branch: "A-1", By: "cashier", Account: tolem.AccountID{Organisation: "TAX", Number: "1"}, Service: "TAX-1", Amount: p.Amount,
			Fee: tolem.Money{Minor: fee, Currency: tolem.KZT}, At: tx.Now(), Day: w.registry.Calendar.DayOf(tx.Now()), Status: tolem.DeskPlanned,
			CardWrite: tolem.CardWriteNone,
		}
		raw, err := archive.DeskDocument(p, d)
		if err != nil {
			return err
		}
		code := tolem.Debited(tolem.Code{
			Number: number, Service: p.Service, Provider: p.Provider, Amount: p.Amount, Channel: p.Channel, Recipient: p.Recipient, Requester: "BANK-A",
		}, p, tx.Now())
		return errors.Join(tx.InsertCode(code), tx.InsertPayment(p), tx.InsertDeskPayment(d), w.internal(tx, number, raw))
	})
	return d
}

// moved has something happen to a payment, as it stands now.
func (w *world) moved(n tolem.ReceiptNo, e tolem.DeskEvent, with func(*store.Tx, tolem.DeskPayment) error) error {
	defer w.clock.Advance(time.Microsecond)
	return w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		p, err := tx.DeskPayment("BANK-A", n)
		if err != nil {
			return err
		}
		if p.Status, err = p.Status.On(e); err != nil {
			return err
		}
		if _, err := tx.ChangeDeskPayment(p); err != nil {
			return err
		}
		return with(tx, p)
	})
}

// request asks for the cancellation of a payment.
func (w *world) request(n tolem.ReceiptNo) error {
	return w.moved(n, tolem.DeskRequest, func(tx *store.Tx, p tolem.DeskPayment) error {
		last, err := tx.LastCancellation(p.Bank, n)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.InsertCancellation(tolem.DeskCancellation{
			Bank: p.Bank, Receipt: n, Seq: last.Seq + 1, Code: p.Code, RequestedBy: "cashier", RequestedAt: tx.Now(),
		})
	})
}

// decide decides the last request to cancel a payment.
func (w *world) decide(n tolem.ReceiptNo, approve bool) {
	w.t.Helper()
	event := tolem.DeskReject
	if approve {
		event = tolem.DeskApprove
	}
	err := w.moved(n, event, func(tx *store.Tx, p tolem.DeskPayment) error {
		c, err := tx.LastCancellation(p.Bank, n)
		if err != nil {
			return err
		}
		c.DecidedBy, c.DecidedAt, c.Approved = "administrator", tx.Now(), approve
		if err := tx.DecideCancellation(c); err != nil || !approve {
			return err
		}
		before, err := tx.Code(p.Code)
		if err != nil {
			return err
		}
		raw := fmt.Appendf(nil, `{"event":"refund","code":%q,"result":"OK","at":%q}`, p.Code.String(), tx.Now().Format(time.RFC3339Nano))
		return errors.Join(tx.ChangeCode(before, before.Refund(tx.Now())), w.internal(tx, p.Code, raw))
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// closed has a code closed, with the message and its answer in the evidence.
func (w *world) closed(n tolem.CodeNumber) {
	w.t.Helper()
	w.close(n)
	w.update(func(tx *store.Tx) error {
		c, err := tx.Code(n)
		if err != nil {
			return err
		}
		answer := fmt.Sprintf("<Envelope><Body><CloseCodeResponse><resultCode>OK</resultCode><paymentCode>%s</paymentCode><closedAt>%s</closedAt></CloseCodeResponse></Body></Envelope>",
			n, c.ClosedAt.Format(time.RFC3339Nano))
		id := archive.NewMessageID(tx.Now())
		return w.registry.evidence.Add(tx,
			archive.Record{ID: id, Direction: archive.In, At: tx.Now(), Operation: tolem.OpCloseCode, Code: n, Raw: []byte("<Envelope/>")},
			archive.Record{ID: archive.NewMessageID(tx.Now()), Direction: archive.Out, At: tx.Now(), Operation: tolem.OpCloseCode, Code: n, Raw: []byte(answer)})
	})
}

// facts returns the payments and refunds of a day's register, which is rebuilt
// from the evidence besides.
func (w *world) facts(kind tolem.RegisterKind, id string, day tolem.Day) map[tolem.CodeNumber][]string {
	w.t.Helper()
	reg := w.built(kind, id, day)
	list := make(map[tolem.CodeNumber][]string)
	for _, row := range w.rows(reg) {
		list[row.Code] = append(list[row.Code], fmt.Sprintf("%s %s %s", row.Kind, row.State, row.Belongs))
	}
	replayed, err := w.registry.Replay(w.t.Context(), io.Discard, reg.Number)
	if err != nil || !replayed.OK() {
		w.t.Errorf("replay of %s: %s, %v", reg.Number, replayed, err)
	}
	return list
}

// Whatever is decided of the cancellations of a day, before its end, before its
// seal and after it: each payment stands in one register, those that are
// cancelled are refunded there, and what awaits a decision stands in none.
//
// WP-119, WP-574, WP-575, WP-576, GW-P35
func TestCancellationsAroundTheSeal(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		zone := almaty(t)
		w := newWorld(t, dsn, zone, time.Date(2026, 11, 21, 12, 0, 0, 0, zone))
		d0 := tolem.DayOf(2026, time.November, 21)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		names := []string{"plain", "approved", "rejected", "rejected late", "approved late", "never decided", "between", "asked twice", "used", "asked again the same day"}
		p := make(map[string]tolem.DeskPayment)
		for i, name := range names {
			p[name] = w.desk(int64(1000+i), int64(i))
		}
		for _, name := range []string{"approved", "rejected", "rejected late", "approved late", "never decided", "asked twice", "used", "asked again the same day"} {
			must(w.request(p[name].Receipt))
		}
		w.decide(p["approved"].Receipt, true)
		w.decide(p["rejected"].Receipt, false)
		w.decide(p["asked again the same day"].Receipt, false)
		must(w.request(p["asked again the same day"].Receipt))
		w.clock.Set(w.registry.Calendar.End(d0).Add(time.Minute))
		must(w.request(p["between"].Receipt))
		w.decide(p["between"].Receipt, false)

		w.sealed(d0)
		if err := w.request(p["plain"].Receipt); !errors.Is(err, tolem.ErrDeskMove) {
			t.Errorf("cancellation of what is settled: %v", err)
		}
		w.clock.Set(w.registry.Calendar.Start(d0 + 1).Add(10 * time.Hour))
		for _, name := range []string{"rejected late", "asked twice", "used"} {
			w.decide(p[name].Receipt, false)
		}
		w.closed(p["used"].Code)
		w.decide(p["approved late"].Receipt, true)
		must(w.request(p["asked twice"].Receipt))
		fresh := w.desk(77, 0)
		w.sealed(d0 + 1)
		w.clock.Set(w.registry.Calendar.Start(d0 + 2).Add(10 * time.Hour))
		w.decide(p["asked twice"].Receipt, true)
		w.decide(p["asked again the same day"].Receipt, false)
		w.sealed(d0 + 2)

		paid, closed, refunded := "PAYMENT PAID 2026-11-21", "PAYMENT CLOSED 2026-11-21", []string{"PAYMENT REFUNDED 2026-11-21", "REFUND REFUNDED 2026-11-21"}
		want := []map[tolem.CodeNumber][]string{
			{p["plain"].Code: {paid}, p["approved"].Code: refunded, p["rejected"].Code: {paid}},
			{
				p["rejected late"].Code: {paid}, p["used"].Code: {closed}, p["approved late"].Code: refunded, p["between"].Code: {paid},
				fresh.Code: {"PAYMENT PAID 2026-11-22"},
			},
			{p["asked twice"].Code: refunded, p["asked again the same day"].Code: {paid}},
		}
		for i, want := range want {
			day := d0 + tolem.Day(i)
			for kind, id := range map[tolem.RegisterKind]string{tolem.BankRegister: "BANK-A", tolem.BranchRegister: "A-1", tolem.ProviderRegister: "TAX"} {
				got := w.facts(kind, id, day)
				for code, facts := range want {
					if !slices.Equal(got[code], facts) {
						t.Errorf("%s of %s: %s is %q, want %q", kind, day, code, got[code], facts)
					}
				}
				if len(got) != len(want) {
					t.Errorf("%s of %s: %d codes, want %d", kind, day, len(got), len(want))
				}
			}
		}
		if _, err := w.registry.CountSealed(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkup, err := w.registry.Check(t.Context(), d0, d0+2, nil)
		must(err)
		for _, f := range checkup.Findings {
			t.Errorf("doctor: %+v", f)
		}
		w.missesHeld(d0+1, p["rejected late"].Code)
	})
}

// missesHeld makes sure that the doctor notices when a payment that was held is
// in no day.
func (w *world) missesHeld(day tolem.Day, code tolem.CodeNumber) {
	w.t.Helper()
	found := false
	err := w.registry.decided(w.t.Context(), day, func(rows []dueRow) error {
		for _, row := range rows {
			found = found || row.Code == code && row.Kind == tolem.RowPayment && w.registry.Calendar.DayOf(row.due) == day
		}
		return nil
	})
	if err != nil || !found {
		w.t.Errorf("the check of %s does not look at %s: %v", day, code, err)
	}
}

// Of a request to cancel and the seal of the day one wins: the payment is
// refused as settled and stands in the day, or awaits and does not.
//
// WP-119, WP-576
func TestCancellationAgainstTheSeal(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		zone := almaty(t)
		w := newWorld(t, dsn, zone, time.Date(2026, 11, 21, 12, 0, 0, 0, zone))
		day := tolem.DayOf(2026, time.November, 21)
		var payments []tolem.DeskPayment
		for range 16 {
			payments = append(payments, w.desk(100, 0))
		}
		w.clock.Set(w.registry.Calendar.End(day).Add(time.Hour))
		refused := make([]error, len(payments))
		var wait sync.WaitGroup
		for i, p := range payments {
			wait.Go(func() { refused[i] = w.request(p.Receipt) })
		}
		wait.Go(func() {
			if _, err := w.registry.Seal(t.Context(), day, nil); err != nil {
				t.Error(err)
			}
		})
		wait.Wait()
		var in map[tolem.CodeNumber][]string
		if slices.ContainsFunc(refused, func(err error) bool { return err != nil }) {
			in = w.facts(tolem.BankRegister, "BANK-A", day)
		}
		left := 0
		for i, p := range payments {
			if refused[i] != nil && !errors.Is(refused[i], tolem.ErrDeskMove) {
				t.Fatal(refused[i])
			}
			if refused[i] == nil {
				left++
			}
			if inDay := len(in[p.Code]) > 0; inDay == (refused[i] == nil) {
				t.Errorf("request of %s: %v, in the day: %t", p.Receipt, refused[i], inDay)
			}
		}
		t.Logf("%d of %d left out", left, len(payments))
	})
}
