package soap_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/gateway"
	"tolem/gateway/payments"
	"tolem/gateway/soap"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// answering is a bank that answers as it was told to.
type answering struct {
	banks.Connector
	answer banks.Authorization
	err    error
}

func (b *answering) AuthorizeCard(context.Context, banks.CardOrder) (banks.Authorization, error) {
	return b.answer, b.err
}

func (b *answering) Status(context.Context, tolem.AttemptID) (banks.Authorization, error) {
	return b.answer, b.err
}

// After a refused authorisation the portal cancels the code; nobody can pay it any
// more, and no register has ever heard of it. A code that was cancelled while
// the bank kept silent is paid all the same if the bank has taken the money: the
// registers show it, marked late.
//
// GW-P13, GW-P17, GW-P34, ACQ-018, ACQ-019, ACQ-021, ACQ-P06
func TestCancelAfterRefusal(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		var core *gateway.Gateway
		w := newWorld(t, dsn, func(c *soap.Config) { core = c.Gateway })
		if err := w.db.Update(t.Context(), func(tx *store.Tx) error { return tx.AddReturnAddress(portalID, "https://portal.kz/back") }); err != nil {
			t.Fatal(err)
		}
		bank := &answering{}
		page := payments.New(payments.Config{
			Connectors: map[tolem.ParticipantID]banks.Connector{bankID: bank}, Acquirers: []tolem.ParticipantID{bankID}, CallTimeout: time.Second,
		}, w.db, core, must(archive.New(w.db, archive.Options{Origin: "test"})), w.directory)
		portal := w.actors[portalID]
		visit := func() (tolem.PaymentID, string) {
			t.Helper()
			code := portal.do("IssueCode", "serviceCode", "BIRTH", "providerId", "JUSTICE", "recipientIIN", citizen, "amount", "1200.00",
				"currency", "KZT", "channel", "ACQUIRING").field("paymentCode")
			started := portal.do("StartCardPayment", "paymentCode", code, "recipientIIN", citizen, "serviceCode", "BIRTH",
				"amount", "1200.00", "currency", "KZT", "returnAddress", "https://portal.kz/back")
			return must(page.Open(t.Context(), strings.TrimPrefix(started.field("redirectAddress"), "https://pay.kz/pay/"))), code
		}
		pay := func(id tolem.PaymentID) error {
			err := page.PayCard(t.Context(), id, must(tolem.NewCard("4111111111111111", "12/39", "A B", "123", time.Now())))
			if err := page.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			return err
		}
		stage := func(id tolem.PaymentID, want tolem.Stage) {
			t.Helper()
			if v := must(page.View(t.Context(), id)); v.Stage != want {
				t.Fatalf("payment is %s, want %s: %+v", v.Stage, want, v.Last)
			}
		}

		refused, code := visit()
		bank.answer = banks.Authorization{Outcome: banks.Refused, Reason: tolem.RefusedInsufficient}
		if err := pay(refused); err != nil {
			t.Fatal(err)
		}
		stage(refused, tolem.StageRefused)
		if r := portal.do("CancelCode", "paymentCode", code, "reason", "the bank refused"); r.result() != "OK" {
			t.Fatalf("cancelled: %s", r.body)
		}
		stage(refused, tolem.StageCancelled)
		if err := pay(refused); err == nil {
			t.Error("a cancelled code can be paid")
		}
		if r := portal.do("GetPayment", "paymentCode", code); r.field("state") != "CANCELLED" {
			t.Errorf("the portal sees %s", r.body)
		}
		started := portal.do("StartCardPayment", "paymentCode", code, "recipientIIN", citizen, "serviceCode", "BIRTH",
			"amount", "1200.00", "currency", "KZT", "returnAddress", "https://portal.kz/back")
		if started.result() == "OK" {
			t.Error("a payment begins for a cancelled code")
		}

		silent, late := visit()
		bank.answer, bank.err = banks.Authorization{}, banks.ErrNoAnswer
		if err := pay(silent); err != nil {
			t.Fatal(err)
		}
		stage(silent, tolem.StageUnknown)
		if r := portal.do("CancelCode", "paymentCode", late, "reason", "the payer has gone"); r.result() != "OK" {
			t.Fatalf("cancelled: %s", r.body)
		}
		notice := payment(late)
		for i := range notice {
			if notice[i] == "ATM" {
				notice[i] = "ACQUIRING"
			}
		}
		if r := w.actors[bankID].do("NotifyPayment", notice...); r.result() != "OK" {
			t.Fatalf("notified: %s", r.body)
		}

		day := w.closeDay()
		for _, owner := range []tolem.Owner{{Kind: tolem.BankRegister, ID: bankID, Bank: bankID}, {Kind: tolem.ProviderRegister, ID: justiceID}} {
			reg := must(w.registry.Build(t.Context(), owner, day, nil))
			var rows []tolem.RegisterRow
			for row, err := range w.registry.Rows(t.Context(), reg) {
				if err != nil {
					t.Fatal(err)
				}
				rows = append(rows, row)
			}
			if len(rows) != 1 || rows[0].Code.String() != late || rows[0].Discrepancy != tolem.DiscrepancyLate {
				t.Errorf("%s %s: %+v", owner.Kind, owner.ID, rows)
			}
		}
	})
}
