package billsv1_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/banks/exchange"
	"tolem/bills"
	"tolem/bills/billsv1"
	"tolem/internal/pki"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
	"tolem/wsdl"
	"tolem/wsdl/channel"
	"tolem/wsdl/contract"
)

// What the organisation's own system says of an account comes through whole, and
// question and answer are kept as they were signed. "No such account" is an
// answer like any other.
//
// WP-033 WP-034 WP-053
func TestAccount(t *testing.T) {
	w := newWorld(t)
	c := w.connector()
	began := time.Now()
	s, err := c.Account(t.Context(), owes)
	if err != nil || s.AsOf.Before(began.Truncate(time.Microsecond)) || time.Since(s.AsOf) < 0 || !s.PaidUntil.Equal(counted) {
		t.Fatalf("%+v, %v", s, err)
	}
	s.AsOf, s.PaidUntil = time.Time{}, time.Time{}
	if want := snapshot(); !reflect.DeepEqual(s, want) {
		t.Errorf("%+v\nwant %+v", s, want)
	}
	if call := w.last(); call.Outcome != billsv1.Found || call.Organisation != water || call.Err != nil || call.Took <= 0 || !tolem.CheckRequestID(string(call.RequestID)) {
		t.Errorf("reported %+v", call)
	}
	if s, err := c.Account(t.Context(), settled); err != nil || len(s.Bills) != 0 || s.Account.Number != settled {
		t.Errorf("an account without debts: %+v, %v", s, err)
	}
	if _, err := c.Account(t.Context(), "B-1"); !errors.Is(err, bills.ErrNoAccount) || errors.Is(err, bills.ErrNoAnswer) || w.last().Outcome != billsv1.UnknownAccount {
		t.Errorf("an unknown account: %v, %+v", err, w.last())
	}
	kept := w.kept()
	if len(kept) != 3 {
		t.Fatalf("%d entries of the archive", len(kept))
	}
	verifier := signing.NewVerifier(w.trust, nil)
	for i, entry := range kept {
		if len(entry) != 2 {
			t.Fatalf("%d records", len(entry))
		}
		for j, r := range entry {
			signer := []*pki.Identity{w.gateway, w.water}[j]
			v, err := verifier.Verify(r.Raw, r.At)
			if err != nil || v.Fingerprint != tolem.FingerprintOf(signer.Cert.Raw) {
				t.Errorf("record %d of %d: %v", j, i, err)
			}
			if want := []archive.Direction{archive.Out, archive.In}[j]; r.Direction != want || r.Participant != tolem.ParticipantID(water) || r.Operation != wsdl.ProviderLookup {
				t.Errorf("record %d of %d is %s %s %s", j, i, r.Direction, r.Participant, r.Operation)
			}
			if id := w.calls[i].RequestID; r.RequestID != id || !bytes.Contains(v.Body, []byte("<requestId>"+id+"</requestId>")) {
				t.Errorf("record %d of %d is of %s, want %s", j, i, r.RequestID, id)
			}
		}
		if answer := entry[1]; answer.TrustID == [16]byte{} || answer.Fingerprint == (tolem.Fingerprint{}) {
			t.Errorf("the grounds of trust of answer %d were not kept", i)
		}
	}
}

// reply is a system that gives one signed answer, made of the question.
type reply struct {
	w      *world
	signer *pki.Identity
	at     time.Duration // of signing, from now
	make   func(id, account string) string
	spoil  func(signed []byte) []byte
}

func (r reply) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	service := channel.Service{
		Reader: signing.NewReader(wsdl.ProviderNamespace), Verifier: signing.NewVerifier(r.w.trust, nil),
		Gateway: func(*signing.Verified) bool { return true }, Clock: time.Now,
	}
	_, list, err := service.Open(rw, req)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	f := contract.NewFields(list)
	id := string(f.RequestID("requestId"))
	f.Identifier("providerId")
	content := r.make(id, string(f.AccountNumber("accountNo")))
	signed := must(signer(r.signer).Sign(signing.SOAP11, []byte(content), time.Now().Add(r.at)))
	if r.spoil != nil {
		signed = r.spoil(signed)
	}
	channel.WriteAnswer(rw, signed)
}

// sound is an answer in order.
func sound(id, account string) string {
	return `<LookupAccountResponse xmlns="urn:tolem:provider:v1"><requestId>` + id + `</requestId><accountNo>` + account + `</accountNo>` +
		`<resultCode>OK</resultCode><resultText></resultText><asOf>2026-11-22T09:05:06+04:00</asOf><paidUntil>2026-11-22T00:00:00Z</paidUntil><currency>AZN</currency>` +
		`<account><number>` + strings.ToLower(account) + `</number><closed>true</closed><holder>Orxan</holder><bill><serviceCode>SU</serviceCode><amount>12.5</amount></bill></account></LookupAccountResponse>`
}

// with is the answer with something else in a place.
func with(old, new string) func(id, account string) string {
	return func(id, account string) string {
		changed := strings.Replace(sound(id, account), old, new, 1)
		if changed == sound(id, account) {
			panic("nothing was changed: " + old)
		}
		return changed
	}
}

// What is not in the form of the contract, is not signed by this organisation
// just now, or answers something else is no answer, whoever sends it.
//
// WP-527
func TestHostileAnswers(t *testing.T) {
	w := newWorld(t)
	c := w.connector()
	tell := func(r reply) (tolem.Snapshot, error) {
		r.w = w
		if r.signer == nil {
			r.signer = w.water
		}
		if r.make == nil {
			r.make = sound
		}
		w.answers(r.ServeHTTP)
		return c.Account(t.Context(), owes)
	}
	if s, err := tell(reply{}); err != nil || !s.Closed || s.Account.Number != owes || s.Bills[0].Amount != azn(12_50) || s.PaidUntil.IsZero() {
		t.Fatalf("the sound answer: %+v, %v", s, err)
	}
	const open, closing = `<account>`, `</account>`
	number := `<number>` + strings.ToLower(string(owes)) + `</number>`
	for _, r := range []struct {
		name string
		reply
		want error
		says string // of the error
		kept bool   // it was signed by the organisation
	}{
		{"signed by another participant", reply{signer: w.stranger}, exchange.ErrSigner, "in place of AZERSU", false},
		{"signed by nobody who is registered", reply{signer: w.nobody}, exchange.ErrSigner, "", false},
		{"signed with a revoked certificate", reply{signer: w.old}, trust.ErrRevoked, "", false},
		{"signed an hour ago", reply{at: -time.Hour}, channel.ErrAnswer, "", false},
		{"signed in an hour", reply{at: time.Hour}, channel.ErrAnswer, "", false},
		{"changed after it was signed", reply{spoil: func(b []byte) []byte { return bytes.Replace(b, []byte("12.5<"), []byte("1.25<"), 1) }}, channel.ErrAnswer, "", false},
		{"not signed", reply{spoil: func(b []byte) []byte {
			i, j := bytes.Index(b, []byte("<ds:Signature")), bytes.Index(b, []byte("</ds:Signature>"))
			return append(bytes.Clone(b[:i]), b[j+len("</ds:Signature>"):]...)
		}}, channel.ErrAnswer, "", false},
		{"twice", reply{spoil: func(b []byte) []byte { return append(bytes.Clone(b), b...) }}, channel.ErrAnswer, "", false},
		{"larger than a message", reply{spoil: func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), channel.MaxAnswer)...) }}, channel.ErrAnswer, "larger", false},
		{"a page for people", reply{spoil: func([]byte) []byte { return []byte("<h1>maintenance</h1>") }}, channel.ErrAnswer, "", false},
		{"nothing", reply{spoil: func([]byte) []byte { return nil }}, channel.ErrAnswer, "", false},

		{"another request", reply{make: func(_, account string) string { return sound("0b6c1e0a-5f0e-4d5e-9a51-0d5a60a6a001", account) }}, channel.ErrAnswer, "another request", true},
		{"another account", reply{make: func(id, _ string) string { return sound(id, "A-9") }}, channel.ErrAnswer, "another account", true},
		{"describes another account", reply{make: with(number, `<number>a-9</number>`)}, channel.ErrAnswer, "describes another account", true},
		{"busy", reply{make: func(id, account string) string {
			s := with(">OK<", ">BUSY<")(id, account)
			return s[:strings.Index(s, "<asOf>")] + "</LookupAccountResponse>"
		}}, channel.ErrAnswer, "BUSY", true},
		{"a code that is not known", reply{make: with(">OK<", ">MAYBE<")}, channel.ErrAnswer, "MAYBE", true},
		{"a code in small letters", reply{make: with(">OK<", ">ok<")}, channel.ErrAnswer, "resultCode", true},
		{"unknown, and described", reply{make: with(">OK<", ">UNKNOWN_ACCOUNT<")}, channel.ErrAnswer, "do not go with", true},
		{"known, and not described", reply{make: func(id, account string) string {
			s := sound(id, account)
			return s[:strings.Index(s, open)] + s[strings.Index(s, closing)+len(closing):]
		}}, channel.ErrAnswer, "do not go with", true},
		{"two accounts", reply{make: with(closing, closing+open+number+closing)}, channel.ErrAnswer, "account must be", true},
		{"no currency", reply{make: with("<currency>AZN</currency>", "")}, channel.ErrAnswer, "do not go with", true},
		{"no word on which payments it has counted", reply{make: with("<paidUntil>2026-11-22T00:00:00Z</paidUntil>", "")}, channel.ErrAnswer, "do not go with", true},
		{"a currency of no country", reply{make: with(">AZN<", ">XYZ<")}, channel.ErrAnswer, "currency", true},
		{"another message", reply{make: func(id, account string) string {
			return strings.ReplaceAll(sound(id, account), "LookupAccountResponse", "LookupAccount")
		}}, channel.ErrAnswer, "another message", true},
		{"another contract", reply{make: with("urn:tolem:provider:v1", "urn:tolem:gateway:v1")}, channel.ErrAnswer, "another message", true},
		{"a field too many", reply{make: with("</LookupAccountResponse>", "<note>x</note></LookupAccountResponse>")}, channel.ErrAnswer, "note is not expected", true},
		{"fields out of order", reply{make: with("<serviceCode>SU</serviceCode><amount>12.5</amount>", "<amount>12.5</amount><serviceCode>SU</serviceCode>")}, channel.ErrAnswer, "serviceCode", true},
		{"a field twice", reply{make: with(">OK<", ">OK</resultCode><resultCode>OK<")}, channel.ErrAnswer, "resultCode is not expected", true},
		{"an amount below zero", reply{make: with("12.5", "-12.5")}, channel.ErrAnswer, "amount", true},
		{"an amount of three decimals", reply{make: with("12.5", "12.505")}, channel.ErrAnswer, "amount", true},
		{"a moment without a zone", reply{make: with("06+04:00", "06")}, channel.ErrAnswer, "asOf", true},
		{"a name with a line break", reply{make: with("Orxan", "Or\nxan")}, channel.ErrAnswer, "holder", true},
		{"a name of a page", reply{make: with("Orxan", strings.Repeat("ə", tolem.MaxHolder+1))}, channel.ErrAnswer, "holder", true},
		{"words of a page", reply{make: with("<resultText>", "<resultText>"+strings.Repeat("x", 501))}, channel.ErrAnswer, "resultText", true},
		{"more bills than an account has", reply{make: with("<bill>", strings.Repeat("<bill><serviceCode>SU</serviceCode><amount>1.00</amount></bill>", tolem.MaxBills)+"<bill>")}, channel.ErrAnswer, "bill", true},
	} {
		before := len(w.kept())
		s, err := tell(r.reply)
		if !errors.Is(err, bills.ErrNoAnswer) || !errors.Is(err, r.want) || errors.Is(err, bills.ErrNoAccount) || !strings.Contains(err.Error(), r.says) {
			t.Errorf("%s: %v", r.name, err)
		}
		if !reflect.DeepEqual(s, tolem.Snapshot{}) {
			t.Errorf("%s: with the error came %+v", r.name, s)
		}
		if err != nil && strings.Contains(err.Error(), "Orxan") {
			t.Errorf("%s: the error quotes the answer: %v", r.name, err)
		}
		if call := w.last(); call.Outcome != billsv1.NoAnswer || call.Err == nil {
			t.Errorf("%s was reported as %+v", r.name, call)
		}
		if kept := len(w.kept()) > before; kept != r.kept {
			t.Errorf("%s: kept as evidence: %v", r.name, kept)
		}
	}
}

// Silence, a server that is not the one named or whose certificate is revoked,
// and nobody there are no answer either, and the gateway waits no longer than it
// is let.
//
// WP-527
func TestSilence(t *testing.T) {
	w := newWorld(t)
	limited, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := w.connector().Account(limited, silent); !errors.Is(err, bills.ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence: %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("silence took %s", took)
	}
	quick := w.config()
	quick.Timeout = 50 * time.Millisecond
	if _, err := must(billsv1.New(quick)).Account(t.Context(), silent); !errors.Is(err, bills.ErrNoAnswer) {
		t.Errorf("silence beyond the timeout of a call: %v", err)
	}
	var asked atomic.Bool
	w.answers(func(http.ResponseWriter, *http.Request) { asked.Store(true) })
	elsewhere := w.config()
	elsewhere.Address = strings.Replace(elsewhere.Address, "127.0.0.1", "localhost", 1)
	if _, err := must(billsv1.New(elsewhere)).Account(t.Context(), owes); !errors.Is(err, bills.ErrNoAnswer) || !errors.Is(err, channel.ErrUnreachable) {
		t.Errorf("another server: %v", err)
	}
	w.pki.Withdraw(w.host, pki.KeyCompromise, time.Time{})
	if err := w.trust.WatchFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.connector().Account(t.Context(), owes); !errors.Is(err, bills.ErrNoAnswer) || !errors.Is(err, channel.ErrUnreachable) {
		t.Errorf("a revoked server: %v", err)
	}
	if asked.Load() {
		t.Error("a server that is not believed was asked")
	}
	w.server.Close()
	if _, err := w.connector().Account(t.Context(), owes); !errors.Is(err, bills.ErrNoAnswer) {
		t.Errorf("nobody there: %v", err)
	}
	if n := len(w.kept()); n != 0 {
		t.Errorf("%d entries of what nobody has signed", n)
	}
}

// An organisation whose participant is suspended, or is none, is not asked.
//
// WP-527
func TestStanding(t *testing.T) {
	w := newWorld(t)
	w.answers(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	unknown := w.config()
	unknown.Organisation = "NOBODY"
	if _, err := must(billsv1.New(unknown)).Account(t.Context(), owes); !errors.Is(err, bills.ErrNoAnswer) || !errors.Is(err, banks.ErrNotRegistered) {
		t.Errorf("no participant: %v", err)
	}
	err := w.db.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.Participant(tolem.ParticipantID(water))
		p.Suspended = true
		return errors.Join(err, tx.PutParticipant(p))
	})
	if err := errors.Join(err, w.directory.Refresh(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := w.connector().Account(t.Context(), owes); !errors.Is(err, bills.ErrNoAnswer) || !errors.Is(err, banks.ErrInactive) {
		t.Errorf("suspended: %v", err)
	}
}

// An answer that cannot be kept is not shown to anybody.
func TestAnswerThatCannotBeKept(t *testing.T) {
	w := newWorld(t)
	c := w.connector()
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := c.Account(t.Context(), owes); !errors.Is(err, bills.ErrNoAnswer) || !strings.Contains(err.Error(), "evidence") || s.Account.Number != "" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		spoil func(*billsv1.Config)
		want  error
	}{
		"http":            {func(c *billsv1.Config) { c.Address = "http://127.0.0.1/provider/v1" }, exchange.ErrAddress},
		"query":           {func(c *billsv1.Config) { c.Address += "?a=b" }, exchange.ErrAddress},
		"no signer":       {func(c *billsv1.Config) { c.Signer = nil }, exchange.ErrConfig},
		"no organisation": {func(c *billsv1.Config) { c.Organisation = "" }, billsv1.ErrConfig},
		"no database":     {func(c *billsv1.Config) { c.DB = nil }, billsv1.ErrConfig},
		"no archive":      {func(c *billsv1.Config) { c.Evidence = nil }, billsv1.ErrConfig},
	} {
		config := w.config()
		c.spoil(&config)
		if _, err := billsv1.New(config); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := w.config()
	broken.Random = iotest.ErrReader(errors.New("none left"))
	if _, err := must(billsv1.New(broken)).Account(t.Context(), owes); !errors.Is(err, bills.ErrNoAnswer) {
		t.Errorf("without random numbers: %v", err)
	}
}
