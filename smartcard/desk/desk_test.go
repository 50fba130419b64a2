package desk_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tolem"
	"tolem/archive"
	"tolem/smartcard"
	"tolem/smartcard/desk"
	"tolem/store"
)

// sqliteFiles returns the files of the test's database, if that is SQLite.
func sqliteFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(t.TempDir()), "*", "tolem.db*"))
	must(t, err)
	if len(files) == 0 && strings.HasSuffix(t.Name(), "sqlite") {
		t.Fatal("the database has no file")
	}
	return files
}

func (w *world) verify(bank tolem.ParticipantID, session string, text []byte) error {
	return w.update(func(tx *store.Tx) error {
		_, err := w.VerifyRead(tx, bank, session, text)
		return err
	})
}

// A reading is for one challenge of one session, and counts once.
//
// WP-551
func TestReplayedReading(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		text := w.bridge.read(w.challenge(bank).Value, smartcard.Card{})
		if err := w.verify(bank, "session-2", text); !errors.Is(err, store.ErrUsed) {
			t.Errorf("another session: %v", err)
		}
		if err := w.verify(other, session, text); !errors.Is(err, desk.ErrWorkstation) {
			t.Errorf("another bank: %v", err)
		}
		must(t, w.verify(bank, session, text))
		if err := w.verify(bank, session, text); !errors.Is(err, store.ErrUsed) {
			t.Errorf("once more: %v", err)
		}
		if kept := w.records("CardRead"); len(kept) != 1 {
			t.Errorf("%d readings in the evidence, want 1", len(kept))
		}
		if err := w.verify(bank, session, w.bridge.read(strings.Repeat("A", 26), smartcard.Card{})); !errors.Is(err, store.ErrUsed) {
			t.Errorf("a challenge that was never given: %v", err)
		}
		old := w.bridge.read(w.challenge(bank).Value, smartcard.Card{})
		w.clock.Advance(2 * time.Minute)
		if err := w.verify(bank, session, old); !errors.Is(err, store.ErrUsed) {
			t.Errorf("after its end: %v", err)
		}
		w.challenge(bank) // sweeps
		if err := w.verify(bank, session, text); !errors.Is(err, store.ErrUsed) {
			t.Errorf("after it was swept away: %v", err)
		}
	})
}

func TestRaceOfReadings(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		text := w.bridge.read(w.challenge(bank).Value, smartcard.Card{})
		var mu sync.Mutex
		var taken, used int
		var wait sync.WaitGroup
		for range 10 {
			wait.Go(func() {
				err := w.verify(bank, session, text)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					taken++
				case errors.Is(err, store.ErrUsed):
					used++
				default:
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if taken != 1 || used != 9 {
			t.Errorf("%d taken, %d refused", taken, used)
		}
	})
}

func TestPairing(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		register := func() (*bridge, smartcard.PairingCode) {
			b := &bridge{w: w, signer: newSigner(t)}
			var code smartcard.PairingCode
			must(t, w.update(func(tx *store.Tx) (err error) {
				var ws tolem.Workstation
				ws, code, err = w.Register(tx, bank, branch, " Kassa 3 ", admin)
				b.id = ws.ID
				return err
			}))
			return b, code
		}
		b, code := register()
		// Not paired yet: no ticket.
		if _, err := w.tryIssue(order(b, "P1")); !errors.Is(err, desk.ErrWorkstation) {
			t.Errorf("ticket: %v", err)
		}
		// The wrong secret, another bank's page, a simulator in earnest.
		if err := b.enrol(smartcard.NewPairingCode(b.id)); !errors.Is(err, smartcard.ErrSignature) {
			t.Errorf("wrong secret: %v", err)
		}
		enrolment, err := b.signer.SignEnrolment(b.id, false, code.Secret())
		must(t, err)
		err = w.update(func(tx *store.Tx) error {
			_, _, err := w.Pair(tx, other, enrolment, admin)
			return err
		})
		if !errors.Is(err, desk.ErrWorkstation) {
			t.Errorf("another bank: %v", err)
		}
		b.sim = true
		if err := b.enrol(code); !errors.Is(err, desk.ErrSimulated) {
			t.Errorf("simulator: %v", err)
		}
		b.sim = false
		must(t, b.enrol(code))
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			ws, err := tx.Workstation(bank, b.id)
			if ws.Name != "Kassa 3" || ws.Branch != branch || ws.RegisteredBy != admin || ws.Key != b.signer.Public.ID || !ws.PairedAt.Equal(w.clock.Now()) {
				t.Errorf("%+v", ws)
			}
			if _, err := tx.Workstation(other, b.id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("to another bank: %v", err)
			}
			list, err2 := w.Workstations(tx, bank, "", 10)
			if len(list) != 2 {
				t.Errorf("%d workstations", len(list))
			}
			return errors.Join(err, err2)
		}))
		// The code is good once, and not for ever.
		if err := b.enrol(code); !errors.Is(err, desk.ErrPairing) {
			t.Errorf("once more: %v", err)
		}
		slow, late := register()
		w.clock.Advance(24 * time.Hour)
		if err := slow.enrol(late); !errors.Is(err, desk.ErrPairing) {
			t.Errorf("a day later: %v", err)
		}
		must(t, w.update(func(tx *store.Tx) (err error) {
			_, late, err = w.NewCode(tx, bank, slow.id)
			return err
		}))
		// A key belongs to one workstation.
		mine := slow.signer
		slow.signer = b.signer
		if err := slow.enrol(late); !errors.Is(err, store.ErrExists) {
			t.Errorf("another workstation's key: %v", err)
		}
		slow.signer = mine
		must(t, slow.enrol(late))

		// Withdrawn it says nothing, and is not paired again.
		ticket := w.issue(order(b, "P1"))
		for range 2 {
			must(t, w.update(func(tx *store.Tx) error {
				ws, err := w.Withdraw(tx, bank, b.id, admin)
				if ws.WithdrawnBy != admin {
					t.Errorf("%+v", ws)
				}
				return err
			}))
		}
		if _, err := w.tryTell(b.result(ticket, smartcard.Written, "", true)); !errors.Is(err, desk.ErrWorkstation) {
			t.Errorf("result of a withdrawn workstation: %v", err)
		}
		if err := w.verify(bank, session, b.read(w.challenge(bank).Value, smartcard.Card{})); !errors.Is(err, desk.ErrWorkstation) {
			t.Errorf("reading of a withdrawn workstation: %v", err)
		}
		err = w.update(func(tx *store.Tx) error {
			_, _, err := w.NewCode(tx, bank, b.id)
			return err
		})
		if !errors.Is(err, desk.ErrWorkstation) {
			t.Errorf("a code for it: %v", err)
		}
		if kept := w.records("CardPairing"); len(kept) != 6 {
			t.Errorf("%d documents of pairings in the evidence, want 6", len(kept))
		}
	})
}

// Two pages bring two bridges with the same code: one is paired.
func TestRaceOfPairings(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		var id tolem.WorkstationID
		var code smartcard.PairingCode
		must(t, w.update(func(tx *store.Tx) (err error) {
			var ws tolem.Workstation
			ws, code, err = w.Register(tx, bank, branch, "Kassa", admin)
			id = ws.ID
			return err
		}))
		var mu sync.Mutex
		var paired []tolem.KeyID
		var wait sync.WaitGroup
		for range 6 {
			b := &bridge{w: w, id: id, signer: newSigner(t)}
			wait.Go(func() {
				err := b.enrol(code)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					paired = append(paired, b.signer.Public.ID)
				} else if !errors.Is(err, desk.ErrPairing) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		must(t, w.db.View(t.Context(), func(tx *store.Tx) error {
			ws, err := tx.Workstation(bank, id)
			if len(paired) != 1 || ws.Key != paired[0] {
				t.Errorf("%d paired; the key is %s", len(paired), ws.Key)
			}
			return err
		}))
	})
}

// In a sandbox simulators count; tickets are signed with the key that is
// configured, and bridges are told of the others.
func TestSandboxAndKeys(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		earnest := w.Desk
		next := newKey(t)
		w.Desk = w.newDesk(desk.Config{Sandbox: true, Others: []crypto.PublicKey{next.Public()}, TicketLife: 5 * time.Minute})
		sim := &bridge{w: w, signer: newSigner(t), sim: true}
		var code smartcard.PairingCode
		must(t, w.update(func(tx *store.Tx) (err error) {
			var ws tolem.Workstation
			ws, code, err = w.Register(tx, bank, branch, "Kassa", admin)
			sim.id = ws.ID
			return err
		}))
		enrolment, err := sim.signer.SignEnrolment(sim.id, true, code.Secret())
		must(t, err)
		var document, keys string
		must(t, w.update(func(tx *store.Tx) (err error) {
			_, document, err = w.Pair(tx, bank, enrolment, admin)
			return err
		}))
		must(t, w.db.View(t.Context(), func(tx *store.Tx) (err error) {
			keys, err = w.Keys(tx, bank, sim.id)
			return err
		}))
		grant, err := smartcard.OpenGrant(document, code.Secret())
		must(t, err)
		if len(grant.Keys) != 2 || grant.Workstation != sim.id || grant.Bridge != sim.signer.Public.ID {
			t.Errorf("%+v", grant)
		}
		if _, err := smartcard.OpenKeys(smartcard.KeysOf(grant.Keys...), keys); err != nil {
			t.Errorf("keys: %v", err)
		}
		ticket := w.issue(order(sim, "P1"))
		opened, err := smartcard.OpenTicket(smartcard.KeysOf(grant.Keys...), string(ticket.Signed))
		must(t, err)
		if opened.ID != ticket.ID || opened.Workstation != sim.id || opened.Bridge != sim.signer.Public.ID || opened.Amount != 1250 || opened.Card != cardNo ||
			opened.Expires().Sub(opened.Issued()) != 5*time.Minute || !opened.Expires().Equal(ticket.ExpiresAt) {
			t.Errorf("%+v", opened)
		}
		if r := w.tell(sim.result(ticket, smartcard.Written, "", true)); !r.First {
			t.Errorf("%+v", r)
		}
		// The same workstation gets no ticket from a gateway that is no sandbox.
		w.Desk = earnest
		if _, err := w.tryIssue(order(sim, "P2")); !errors.Is(err, desk.ErrSimulated) {
			t.Errorf("in earnest: %v", err)
		}
	})
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	good := newKey(t)
	for name, c := range map[string]desk.Config{
		"no key": {}, "P-384": {Signer: p384}, "other of P-384": {Signer: good, Others: []crypto.PublicKey{p384.Public()}},
		"long tickets": {Signer: good, TicketLife: time.Hour}, "no time": {Signer: good, ChallengeLife: -1},
	} {
		if _, err := desk.New(c, nil); !errors.Is(err, desk.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesOfWorkstations(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for _, name := range []string{"", "  ", strings.Repeat("ə", 61), "a\xff"} {
			err := w.update(func(tx *store.Tx) error {
				_, _, err := w.Register(tx, bank, branch, name, admin)
				return err
			})
			if !errors.Is(err, desk.ErrName) {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
}

// What is kept is proved like every other message, and the documents from the
// archive alone: the pairing has the keys of both sides.
//
// WP-551, WP-595
func TestEvidenceOfATicket(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.look(w.bridge, smartcard.Card{})
		ticket := w.issue(order(w.bridge, "P1"))
		w.tell(w.bridge.result(ticket, smartcard.Written, "", true))
		for {
			n, err := w.evidence.Seal(t.Context())
			must(t, err)
			if n == 0 {
				break
			}
		}
		verifier, err := note.NewVerifier(w.checkpoints)
		must(t, err)
		all, err := w.evidence.VerifyAll(t.Context(), archive.Check{Verifier: verifier})
		must(t, err)
		if !all.OK() || all.Messages != 5 || all.Pending != 0 {
			t.Errorf("%+v", all)
		}
		keys := make(smartcard.Keys)
		for _, r := range w.records("CardPairing") {
			var k struct {
				Key  *smartcard.PublicKey
				Keys []smartcard.PublicKey
			}
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(string(r.Raw), ".")[1])
			must(t, err)
			must(t, json.Unmarshal(payload, &k))
			if k.Key != nil {
				k.Keys = append(k.Keys, *k.Key)
			}
			for _, key := range k.Keys {
				keys[key.ID] = key
			}
		}
		opens := map[tolem.Operation]func(document string) error{
			"CardTicket": func(document string) error { _, err := smartcard.OpenTicket(keys, document); return err },
			"CardRead":   func(document string) error { _, _, err := smartcard.OpenRead(keys, document); return err },
			"CardResult": func(document string) error { _, _, err := smartcard.OpenResult(keys, document); return err },
		}
		for op, open := range opens {
			kept := w.records(op)
			if len(kept) != 1 {
				t.Fatalf("%d of %s", len(kept), op)
			}
			must(t, open(string(kept[0].Raw)))
			report, err := w.evidence.VerifyMessage(t.Context(), 0, kept[0].ID, archive.Check{Verifier: verifier})
			must(t, err)
			if !report.OK() || !report.Sealed || report.Signer == "" {
				t.Errorf("%s: %+v", op, report)
			}
		}
	})
}
