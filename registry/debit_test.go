package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// debited is a payment from an account, kept as package gateway/payments does.
func (w *world) debited(amount int64) tolem.Payment {
	w.t.Helper()
	defer w.clock.Advance(time.Microsecond)
	var p tolem.Payment
	w.update(func(tx *store.Tx) error {
		number, err := tolem.DrawCodeNumber(rand.Reader)
		if err != nil {
			return err
		}
		p = tolem.Payment{
			Code: number, Bank: "BANK-A", BankRef: "DEBIT & <1>", Amount: tolem.Money{Minor: amount, Currency: tolem.KZT},
			PaidAt: tx.Now().Add(-time.Second), ReceivedAt: tx.Now(), Channel: tolem.ChannelAccount, Recipient: "850101300124",
			RecipientName: "Әлия", Service: "TAX-1", Provider: "TAX", Account: "KZ1", NotifiedBy: "BANK-A",
		}
		d := tolem.Debited(tolem.Code{
			Number: number, Service: p.Service, Provider: p.Provider, Amount: p.Amount, Channel: p.Channel, Recipient: p.Recipient, Requester: "PORTAL",
		}, p, tx.Now())
		raw, err := archive.DebitDocument(p, "payment", "attempt")
		if err != nil {
			return err
		}
		if back, err := archive.ReadDebit(raw); err != nil || back != p {
			return fmt.Errorf("read back as %+v, %w", back, err)
		}
		return errors.Join(tx.InsertCode(d), tx.InsertPayment(p), w.internal(tx, number, raw))
	})
	return p
}

func (w *world) internal(tx *store.Tx, number tolem.CodeNumber, raw []byte) error {
	return w.registry.evidence.Add(tx, archive.Record{
		ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Code: number, Raw: raw,
	})
}

// Payments from accounts stand in the registers like all others, and registers
// with them are rebuilt from the evidence, which no bank's notification holds.
//
// GW-103, GW-P35
func TestPaymentsFromAccountsInRegisters(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		zone := almaty(t)
		w := newWorld(t, dsn, zone, time.Date(2026, 11, 21, 12, 0, 0, 0, zone))
		kept, back := w.debited(120_000), w.debited(5_000)
		w.refund(back.Code)
		w.update(func(tx *store.Tx) error {
			raw := fmt.Appendf(nil, `{"event":"refund","code":%q,"result":"OK","at":%q}`, back.Code.String(),
				w.clock.Now().Add(-time.Microsecond).UTC().Format(time.RFC3339Nano))
			return w.internal(tx, back.Code, raw)
		})
		day := tolem.DayOf(2026, time.November, 21)
		w.sealed(day)
		for kind, id := range map[tolem.RegisterKind]string{tolem.BankRegister: "BANK-A", tolem.ProviderRegister: "TAX"} {
			reg := w.built(kind, id, day)
			rows := w.rows(reg)
			if len(rows) != 3 || rows[0].Code != kept.Code || rows[0].Channel != tolem.ChannelAccount || rows[0].BankRef != kept.BankRef ||
				rows[0].State != tolem.StatePaid || rows[1].State != tolem.StateRefunded || rows[2].Kind != tolem.RowRefund {
				t.Fatalf("%s: %+v", kind, rows)
			}
			replayed, err := w.registry.Replay(t.Context(), io.Discard, reg.Number)
			if err != nil || !replayed.OK() || replayed.Rows != 3 {
				t.Errorf("replay of %s: %s, %v", reg.Number, replayed, err)
			}
		}
	})
}
