package e2e

import (
	"crypto"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/store"
)

// branch is one of BANK1's.
const branch = "ALM01"

// zone is that of the installation.
var zone = func() *time.Location {
	z, err := time.LoadLocation("Asia/Almaty")
	if err != nil {
		panic(err)
	}
	return z
}()

// lastDue sets the time of day at which days are closed to the one farthest from
// now, so that none becomes due during the test, and returns the last that is.
func (w *world) lastDue() tolem.Day {
	w.t.Helper()
	content, err := os.ReadFile(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	half := time.Now().In(zone).Add(-12 * time.Hour)
	changed := strings.Replace(string(content), `at: "01:00"`, half.Format(`at: "15:04"`), 1)
	if changed == string(content) {
		w.t.Fatalf("the configuration does not say when days are closed:\n%s", content)
	}
	if err := os.WriteFile(w.config, []byte(changed), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return tolem.NewCalendar(zone, nil, nil).DayOf(half) - 1
}

// past is an installation's database under a clock of earlier days.
type past struct {
	t        *testing.T
	db       *store.DB
	evidence *archive.Archive
	now      atomic.Int64 // microseconds
	calendar *tolem.Calendar
	payments int
}

// openPast opens the database with the keys of the installation.
func (w *world) openPast(database string) *past {
	w.t.Helper()
	key, err := signing.LoadKey(w.path("keys", "vault.key"))
	if err != nil {
		w.t.Fatal(err)
	}
	wrapped, err := signing.ReadSecret(w.path("keys", "vault-1.wrapped"))
	if err != nil {
		w.t.Fatal(err)
	}
	vault, err := store.OpenVault(key.(crypto.Decrypter), wrapped)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &past{t: w.t, calendar: tolem.NewCalendar(zone, nil, nil)}
	if p.db, err = store.Open(w.t.Context(), database, store.Options{Vault: vault, Clock: p.time}); err != nil {
		w.t.Fatal(err)
	}
	if p.evidence, err = archive.New(p.db, archive.Options{Origin: "test"}); err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (p *past) time() time.Time { return time.UnixMicro(p.now.Load()).UTC() }

func (p *past) close() {
	p.t.Helper()
	if err := p.db.Close(); err != nil {
		p.t.Fatal(err)
	}
}

// play fills a day with payments at both banks, through the branch and not;
// every fifth of them is refunded, every seventh closed.
func (p *past) play(day tolem.Day, payments int) {
	p.t.Helper()
	begin := p.calendar.Start(day).Add(9 * time.Hour)
	for i := range payments {
		p.now.Store(begin.Add(time.Duration(i) * time.Minute).UnixMicro())
		code := p.paid(i)
		p.now.Add(int64(time.Second / time.Microsecond))
		switch {
		case i%5 == 4:
			p.refund(code)
		case i%7 == 6:
			p.finish(code)
		}
		p.payments++
	}
}

func (p *past) update(do func(*store.Tx) error) {
	p.t.Helper()
	if err := p.db.Update(p.t.Context(), do); err != nil {
		p.t.Fatal(err)
	}
}

// paid makes a code, has it paid, and keeps request and answer as the gateway
// would.
func (p *past) paid(i int) (code tolem.Code) {
	p.t.Helper()
	number, err := tolem.DrawCodeNumber(rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	bank := tolem.ParticipantID([]string{bank1, bank2}[i%2])
	var issued tolem.Decision
	p.update(func(tx *store.Tx) error {
		issued = tolem.Issued(tolem.Code{
			Number: number, Service: fixedFee, Provider: provider, Channel: tolem.ChannelATM, Amount: tolem.Money{Minor: 1200_00, Currency: tolem.KZT},
			Recipient: citizen, Requester: bank, Bank: bank, ExpiresAt: tx.Now().Add(time.Hour),
		}, tx.Now())
		return tx.InsertCode(issued)
	})
	p.update(func(tx *store.Tx) error {
		now := tx.Now()
		payment := tolem.Payment{
			Code: number, Bank: bank, BankRef: tolem.BankRef("REF-" + number.String()), Amount: issued.Code.Amount, Channel: tolem.ChannelATM,
			PaidAt: now.Add(-time.Second), ReceivedAt: now, Recipient: citizen, Service: fixedFee, Provider: provider, Account: account, NotifiedBy: bank,
		}
		if bank == bank1 && i%4 == 0 {
			payment.Branch = branch
		}
		paid := issued.Code.Notify(payment, nil, now)
		code = paid.Code
		return errors.Join(tx.InsertPayment(payment), tx.ChangeCode(issued.Code, paid), p.keep(tx, payment))
	})
	return code
}

func (p *past) refund(code tolem.Code) {
	p.t.Helper()
	p.update(func(tx *store.Tx) error {
		return errors.Join(tx.ChangeCode(code, code.Refund(tx.Now())), p.keepRefund(tx, code.Number, tx.Now()))
	})
}

func (p *past) finish(code tolem.Code) {
	p.t.Helper()
	p.update(func(tx *store.Tx) error {
		closed := code.Close(tolem.Closing{ID: "C", Centre: "27", By: portal}, tx.Now())
		return errors.Join(tx.ChangeCode(code, closed), p.keepClosing(tx, closed.Code))
	})
}

func envelope(body string) []byte {
	return []byte(`<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>` + body + `</S:Body></S:Envelope>`)
}

// exchange keeps a request and its answer.
func (p *past) exchange(tx *store.Tx, op tolem.Operation, who tolem.ParticipantID, code tolem.CodeNumber, request, answer string) error {
	rec := archive.Record{
		ID: archive.NewMessageID(tx.Now()), Direction: archive.In, At: tx.Now(), Participant: who, Operation: op, Code: code,
		RequestID: tolem.RequestID(newID()), Raw: envelope("<" + string(op) + ">" + request + "</" + string(op) + ">"),
	}
	out := rec
	out.ID, out.Direction = archive.NewMessageID(tx.Now()), archive.Out
	out.Raw = envelope("<" + string(op) + "Response>" + el("resultCode", "OK") + el("paymentCode", code.String()) + answer + "</" + string(op) + "Response>")
	return p.evidence.Add(tx, rec, out)
}

func (p *past) keep(tx *store.Tx, x tolem.Payment) error {
	answer := el("receivedAt", x.ReceivedAt.Format(time.RFC3339Nano))
	if x.Branch != "" {
		answer += el("branchId", string(x.Branch))
	}
	return p.exchange(tx, tolem.OpNotifyPayment, x.Bank, x.Code,
		el("paymentCode", x.Code.String())+el("bankId", string(x.Bank))+el("bankRef", string(x.BankRef))+el("amount", x.Amount.Decimal())+
			el("currency", "KZT")+el("paidAt", x.PaidAt.Format(time.RFC3339Nano))+el("channel", string(x.Channel))+
			el("serviceCode", string(x.Service))+el("providerId", string(x.Provider)), answer)
}

func (p *past) keepClosing(tx *store.Tx, c tolem.Code) error {
	return p.exchange(tx, tolem.OpCloseCode, portal, c.Number, "", el("closedAt", c.ClosedAt.UTC().Format(time.RFC3339Nano)))
}

func (p *past) keepRefund(tx *store.Tx, n tolem.CodeNumber, at time.Time) error {
	raw, err := json.Marshal(map[string]any{"event": tolem.EventRefund.String(), "code": n.String(), "result": "OK", "at": at})
	if err != nil {
		return err
	}
	return p.evidence.Add(tx, archive.Record{ID: archive.NewMessageID(at), Direction: archive.Internal, At: at, Code: n, Raw: raw})
}

// withOwners registers who gets registers besides the banks: a branch, and the
// provider itself.
func (w *world) withOwners() {
	w.t.Helper()
	w.join(branch, "branch", pki.P256, "--for", bank1)
	w.join(provider, "provider", pki.P256)
}

// try runs a command on the installation and returns its output, without what
// it says on the side, and its exit status.
func (w *world) try(args ...string) (string, int) {
	w.t.Helper()
	out, code := commandExit(w.t, append(args, "--config", w.config)...)
	return string(out), code
}

// list runs a command that prints JSON.
func list[T any](w *world, args ...string) []T {
	w.t.Helper()
	var v []T
	if out := command(w.t, append(args, "--json", "--config", w.config)...); json.Unmarshal(out, &v) != nil {
		w.t.Fatalf("tolem %v prints\n%s", args, out)
	}
	return v
}

// folder makes a folder to which documents of a participant are pushed.
func (w *world) folder(participant, forms string) string {
	w.t.Helper()
	dir := w.t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	command(w.t, "delivery", "target", "add", "--config", w.config, "--participant", participant, "--method", "folder", "--address", dir, "--form", forms)
	return dir
}

// number of an owner's first register of a day.
func number(kind tolem.RegisterKind, id string, day tolem.Day) string {
	return fmt.Sprint(tolem.NewRegisterNumber(tolem.Owner{Kind: kind, ID: id}, day, 1))
}
