package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tolem"
	"tolem/archive"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/registry/form"
	"tolem/signing"
	"tolem/store"
)

// almaty moved from +06 to +05 on 1 March 2024.
func almaty(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Almaty")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// names are the owners of a test.
type names struct {
	participants []tolem.Participant
	providers    []tolem.Provider
}

func (n *names) Participants() []tolem.Participant { return n.participants }
func (n *names) Providers() []tolem.Provider       { return n.providers }

func (n *names) Participant(id tolem.ParticipantID) (tolem.Participant, bool) {
	for _, p := range n.participants {
		if p.ID == id {
			return p, true
		}
	}
	return tolem.Participant{}, false
}

func (n *names) Provider(id tolem.ProviderID) (tolem.Provider, bool) {
	for _, p := range n.providers {
		if p.ID == id {
			return p, true
		}
	}
	return tolem.Provider{}, false
}

// world is a registry with a clock that the test moves.
type world struct {
	t        testing.TB
	clock    *tolemtest.Clock
	db       *store.DB
	registry *Registry
	names    *names
	signer   *signing.Signer
	trust    *tolemtest.PKI
}

func participant(id tolem.ParticipantID, kind tolem.Kind, banks ...tolem.ParticipantID) tolem.Participant {
	return tolem.Participant{ID: id, Kind: kind, Name: "Name of " + string(id), ActsFor: banks}
}

// newWorld opens a registry on a database.
func newWorld(t testing.TB, dsn string, zone *time.Location, now time.Time) *world {
	t.Helper()
	clock := tolemtest.NewClock(now)
	w := &world{
		t: t, clock: clock, db: tolemtest.Store(t, dsn, store.Options{Clock: clock.Now}),
		names: &names{
			participants: []tolem.Participant{
				participant("BANK-A", tolem.KindBank), participant("BANK-B", tolem.KindBank),
				participant("A-1", tolem.KindBranch, "BANK-A"), participant("A-2", tolem.KindBranch, "BANK-A"),
			},
			providers: []tolem.Provider{{ID: "TAX", Names: tolem.Names{RU: "Налоги"}}, {ID: "JUSTICE", Names: tolem.Names{RU: "Юстиция"}}},
		},
		trust: tolemtest.NewPKI(t, pki.Options{}),
	}
	id := w.trust.Identity(pki.Spec{CommonName: "gateway", Usage: pki.Signing, Key: pki.RSA2048})
	var err error
	if w.signer, err = signing.NewSigner(id.Key, id.Cert); err != nil {
		t.Fatal(err)
	}
	key, _, err := note.GenerateKey(rand.Reader, "test")
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := archive.New(w.db, archive.Options{Origin: "test", CheckpointKey: key})
	if err != nil {
		t.Fatal(err)
	}
	w.registry = New(Config{
		Calendar: tolem.NewCalendar(zone, nil, nil), FinalAfter: 3, Operator: "Operator", OperatorAccount: "KZ86125KZT5004100100", ClaimsDueAfter: 2, Language: form.Russian, Currency: tolem.KZT, Folder: t.TempDir(), Clock: clock.Now,
	}, w.db, evidence, w.names, w.signer)
	return w
}

// update runs a transaction that must succeed.
func (w *world) update(fn func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// pay is a payment to be made; zero fields get what is usual.
type pay struct {
	bank     tolem.ParticipantID
	branch   tolem.ParticipantID
	provider tolem.ProviderID
	amount   int64
	channel  tolem.Channel
}

// issue brings a code into being and returns it.
func (w *world) issue(p pay) tolem.Code {
	w.t.Helper()
	number, err := tolem.DrawCodeNumber(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	if p.bank == "" {
		p.bank = "BANK-A"
	}
	if p.provider == "" {
		p.provider = "TAX"
	}
	if p.amount == 0 {
		p.amount = 1200_00
	}
	if p.channel == "" {
		p.channel = tolem.ChannelATM
	}
	var code tolem.Code
	w.update(func(tx *store.Tx) error {
		d := tolem.Issued(tolem.Code{
			Number: number, Service: tolem.ServiceCode(p.provider) + "-1", Provider: p.provider, Channel: p.channel,
			Amount: tolem.Money{Minor: p.amount, Currency: tolem.KZT}, Recipient: "850101300124", Requester: p.bank, Bank: p.bank,
			ExpiresAt: tx.Now().Add(24 * time.Hour),
		}, tx.Now())
		code = d.Code
		return tx.InsertCode(d)
	})
	return code
}

// notification is what the bank would send of a code now.
func (w *world) notification(c tolem.Code, p pay) tolem.Payment {
	return tolem.Payment{
		Code: c.Number, Bank: c.Bank, BankRef: tolem.BankRef("REF-" + c.Number.String()), Amount: c.Amount, Channel: c.Channel,
		PaidAt: w.clock.Now().Add(-time.Minute), ReceivedAt: w.clock.Now(), Recipient: c.Recipient, Service: c.Service, Provider: c.Provider,
		Account: "KZ1", NotifiedBy: c.Bank, Branch: p.branch,
	}
}

// notify has a notification decided and kept.
func (w *world) notify(payment tolem.Payment) tolem.ResultCode {
	w.t.Helper()
	defer w.clock.Advance(time.Microsecond)
	var result tolem.ResultCode
	w.update(func(tx *store.Tx) error {
		before, err := tx.Code(payment.Code)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		var accepted *tolem.Payment
		if !before.PaidAt.IsZero() {
			p, err := tx.Payment(payment.Code)
			if err != nil {
				return err
			}
			accepted = &p
		}
		d := before.Notify(payment, accepted, tx.Now())
		result = d.Result
		switch {
		case d.Changed():
			return errors.Join(tx.InsertPayment(payment), tx.ChangeCode(before, d))
		case d.Discrepancy:
			return tx.InsertDiscrepancy(tolem.Discrepancy{Reason: d.Result, Payment: payment}, archive.NewMessageID(tx.Now()))
		}
		return nil
	})
	return result
}

// paid is a code that is issued and paid at once.
func (w *world) paid(p pay) tolem.Code {
	w.t.Helper()
	c := w.issue(p)
	if got := w.notify(w.notification(c, p)); got != tolem.OK {
		w.t.Fatalf("notification came to %s", got)
	}
	return c
}

// change has a decision on a code kept.
func (w *world) change(n tolem.CodeNumber, decide func(tolem.Code, time.Time) tolem.Decision) {
	w.t.Helper()
	defer w.clock.Advance(time.Microsecond)
	w.update(func(tx *store.Tx) error {
		before, err := tx.Code(n)
		if err != nil {
			return err
		}
		d := decide(before, tx.Now())
		if !d.Changed() {
			return fmt.Errorf("nothing changed: %s", d.Result)
		}
		return tx.ChangeCode(before, d)
	})
}

func (w *world) close(n tolem.CodeNumber) {
	w.t.Helper()
	w.change(n, func(c tolem.Code, now time.Time) tolem.Decision {
		return c.Close(tolem.Closing{ID: "1", Centre: "27", By: "PORTAL"}, now)
	})
}

func (w *world) refund(n tolem.CodeNumber) {
	w.t.Helper()
	w.change(n, func(c tolem.Code, now time.Time) tolem.Decision { return c.Refund(now) })
}

// sealed moves the clock behind a day and seals it.
func (w *world) sealed(day tolem.Day) store.SealedDay {
	w.t.Helper()
	if after := w.registry.Calendar.End(day).Add(time.Hour); w.clock.Now().Before(after) {
		w.clock.Set(after)
	}
	s, err := w.registry.Seal(w.t.Context(), day, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// built forms a register.
func (w *world) built(kind tolem.RegisterKind, id string, day tolem.Day) store.StoredRegister {
	w.t.Helper()
	owner := tolem.Owner{Kind: kind, ID: id}
	switch kind {
	case tolem.BankRegister:
		owner.Bank = tolem.ParticipantID(id)
	case tolem.BranchRegister:
		p, _ := w.names.Participant(tolem.ParticipantID(id))
		owner = branchOwner(p)
	}
	reg, err := w.registry.Build(w.t.Context(), owner, day, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return reg
}

// rows returns all rows of a register.
func (w *world) rows(reg store.StoredRegister) []tolem.RegisterRow {
	w.t.Helper()
	var list []tolem.RegisterRow
	for row, err := range w.registry.Rows(w.t.Context(), reg) {
		if err != nil {
			w.t.Fatal(err)
		}
		list = append(list, row)
	}
	return list
}
