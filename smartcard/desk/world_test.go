package desk_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tolem"
	"tolem/archive"
	"tolem/internal/tolemtest"
	"tolem/smartcard"
	"tolem/smartcard/desk"
	"tolem/store"
)

// The cast.
const (
	bank    = tolem.ParticipantID("HALYK")
	other   = tolem.ParticipantID("KASPI")
	branch  = tolem.ParticipantID("BAKU01")
	admin   = "security.admin"
	session = "session-1"
	cardNo  = tolem.SmartCardNo("AZ-1001")
	gas     = tolem.ProviderID("AZERIQAZ")
)

var start = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// world is a desk on a real store, a clock in hand, and a paired workstation.
type world struct {
	t        *testing.T
	clock    *tolemtest.Clock
	db       *store.DB
	evidence *archive.Archive
	*desk.Desk
	bridge      *bridge
	checkpoints string // the public key
}

func worlds(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		clock := tolemtest.NewClock(start)
		db := tolemtest.Store(t, dsn, store.Options{Clock: clock.Now})
		key, public, err := note.GenerateKey(rand.Reader, "test")
		must(t, err)
		evidence, err := archive.New(db, archive.Options{Origin: "test", CheckpointKey: key})
		must(t, err)
		w := &world{t: t, clock: clock, db: db, evidence: evidence, checkpoints: public}
		w.Desk = w.newDesk(desk.Config{})
		w.bridge = w.pair(bank, "Kassa 1")
		test(t, w)
	})
}

func (w *world) newDesk(c desk.Config) *desk.Desk {
	if c.Signer == nil {
		c.Signer = newKey(w.t)
	}
	d, err := desk.New(c, w.evidence)
	must(w.t, err)
	return d
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return private
}

func newSigner(t testing.TB) *smartcard.Signer {
	t.Helper()
	s, err := smartcard.NewSigner(newKey(t))
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// update runs one transaction and returns its error.
func (w *world) update(do func(tx *store.Tx) error) error { return w.db.Update(w.t.Context(), do) }

// bridge is a workstation's key and what its clock says.
type bridge struct {
	w      *world
	id     tolem.WorkstationID
	signer *smartcard.Signer
	behind time.Duration
	sim    bool
}

func (b *bridge) now() int64 { return b.w.clock.Now().Add(-b.behind).Unix() }

// pair registers a workstation and pairs a bridge with it.
func (w *world) pair(bank tolem.ParticipantID, name string) *bridge {
	w.t.Helper()
	b := &bridge{w: w, signer: newSigner(w.t)}
	var code smartcard.PairingCode
	must(w.t, w.update(func(tx *store.Tx) (err error) {
		var ws tolem.Workstation
		ws, code, err = w.Register(tx, bank, branch, name, admin)
		b.id = ws.ID
		return err
	}))
	must(w.t, b.enrol(code))
	return b
}

func (b *bridge) enrol(code smartcard.PairingCode) error {
	enrolment, err := b.signer.SignEnrolment(b.id, b.sim, code.Secret())
	must(b.w.t, err)
	return b.w.update(func(tx *store.Tx) error {
		_, _, err := b.w.Pair(tx, bankOf(b.w, b.id), enrolment, admin)
		return err
	})
}

func bankOf(w *world, id tolem.WorkstationID) (found tolem.ParticipantID) {
	must(w.t, w.db.View(w.t.Context(), func(tx *store.Tx) error {
		for _, p := range []tolem.ParticipantID{bank, other} {
			if _, err := tx.Workstation(p, id); err == nil {
				found = p
			}
		}
		return nil
	}))
	return found
}

// answer is what the page gets from a bridge: the document, and words beside it
// that nobody must believe.
func answer(document string) []byte {
	text, _ := json.Marshal(map[string]any{"ticket_id": "believe me", "result": "written", "card_no": "AZ-9999", "signature": document})
	return text
}

func (b *bridge) read(challenge string, card smartcard.Card) []byte {
	b.w.t.Helper()
	if card.No == "" {
		card.No = cardNo
	}
	if card.Organisation == "" {
		card.Organisation, card.Account = gas, "400123"
	}
	document, err := b.signer.SignRead(smartcard.Read{Challenge: challenge, Workstation: b.id, Card: card, At: b.now(), Simulated: b.sim})
	must(b.w.t, err)
	return answer(document)
}

func (b *bridge) result(t tolem.CardTicket, outcome smartcard.Outcome, code smartcard.Code, begun bool) []byte {
	b.w.t.Helper()
	document, err := b.signer.SignResult(smartcard.Result{
		Ticket: t.ID, Workstation: b.id, Outcome: outcome, Code: code, Begun: begun, At: b.now(), Simulated: b.sim,
	})
	must(b.w.t, err)
	return answer(document)
}

// challenge draws a challenge for the session of a bank.
func (w *world) challenge(bank tolem.ParticipantID) (c desk.Challenge) {
	w.t.Helper()
	must(w.t, w.update(func(tx *store.Tx) (err error) {
		c, err = w.NewChallenge(tx, bank, session)
		return err
	}))
	return c
}

// look reads a card with the bridge and has it verified.
func (w *world) look(b *bridge, card smartcard.Card) (s desk.CardState) {
	w.t.Helper()
	at := bankOf(w, b.id)
	text := b.read(w.challenge(at).Value, card)
	must(w.t, w.update(func(tx *store.Tx) (err error) {
		s, err = w.VerifyRead(tx, at, session, text)
		return err
	}))
	return s
}

func order(b *bridge, payment string) desk.Order {
	return desk.Order{
		Op: tolem.TicketWrite, Payment: tolem.PaymentID(payment), Bank: bank, Workstation: b.id, Card: cardNo, Organisation: gas,
		Amount: tolem.Money{Minor: 1250, Currency: tolem.AZN},
	}
}

func (w *world) tryIssue(o desk.Order) (t tolem.CardTicket, err error) {
	err = w.update(func(tx *store.Tx) (err error) {
		t, err = w.IssueTicket(tx, o)
		return err
	})
	return t, err
}

func (w *world) issue(o desk.Order) tolem.CardTicket {
	w.t.Helper()
	t, err := w.tryIssue(o)
	must(w.t, err)
	return t
}

func (w *world) tryTell(text []byte) (r desk.CardResult, err error) {
	err = w.update(func(tx *store.Tx) (err error) {
		r, err = w.VerifyResult(tx, bank, text)
		return err
	})
	return r, err
}

func (w *world) tell(text []byte) desk.CardResult {
	w.t.Helper()
	r, err := w.tryTell(text)
	must(w.t, err)
	return r
}

func (w *world) state(t tolem.CardTicket) (state tolem.TicketState) {
	w.t.Helper()
	must(w.t, w.db.View(w.t.Context(), func(tx *store.Tx) error {
		got, err := tx.CardTicket(t.ID)
		state = got.State
		return err
	}))
	return state
}

// records returns what is kept of an operation.
func (w *world) records(op tolem.Operation) (all []archive.Record) {
	w.t.Helper()
	must(w.t, w.evidence.Walk(w.t.Context(), func(time.Time, bool) bool { return true }, func(entry []archive.Record) error {
		for _, r := range entry {
			if r.Operation == op {
				all = append(all, r)
			}
		}
		return nil
	}))
	return all
}
