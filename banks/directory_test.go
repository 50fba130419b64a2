package banks_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/banks"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/store"
)

// world is a register on a real store.
type world struct {
	t   *testing.T
	db  *store.DB
	pki *tolemtest.PKI
	*banks.Directory
}

func worlds(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	authority := tolemtest.NewPKI(t, pki.Options{})
	tolemtest.Stores(t, store.Options{}, func(t *testing.T, db *store.DB) {
		d, err := banks.Open(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		test(t, &world{t, db, authority, d})
	})
}

// change writes to the register and reads it anew.
func (w *world) change(write func(*store.Tx) error) {
	w.t.Helper()
	if err := errors.Join(w.db.Update(w.t.Context(), write), w.Refresh(w.t.Context())); err != nil {
		w.t.Fatal(err)
	}
}

func bank(id tolem.ParticipantID, changes ...func(*tolem.Participant)) tolem.Participant {
	p := tolem.Participant{ID: id, Kind: tolem.KindBank, Name: string(id), Groups: []tolem.Group{tolem.GroupBank}, ContractFrom: time.Now().Add(-time.Hour)}
	for _, change := range changes {
		change(&p)
	}
	return p
}

// join registers a participant with a certificate of its own.
func (w *world) join(p tolem.Participant) tolem.Certificate {
	w.t.Helper()
	c := w.certificate(p.ID)
	w.change(func(tx *store.Tx) error { return errors.Join(tx.PutParticipant(p), tx.PutCertificate(c)) })
	return c
}

func (w *world) certificate(of tolem.ParticipantID) tolem.Certificate {
	w.t.Helper()
	id := w.pki.Identity(pki.Spec{CommonName: string(of), Usage: pki.Signing, Key: pki.P256})
	return tolem.Certificate{
		Fingerprint: tolem.FingerprintOf(id.Cert.Raw), Participant: of, DER: id.Cert.Raw, NotAfter: id.Cert.NotAfter, AddedAt: time.Now(),
	}
}

// Who may call what, when, and over whose channel. There is no way around.
//
// GW-052 GW-053 GW-054 GW-055 GW-P05 GW-P10 GW-P41 GW-P42
func TestAuthorise(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		now := time.Now()
		one, two := w.join(bank("ONE")), w.join(bank("TWO"))
		second := w.certificate("ONE")
		withdrawn := w.certificate("ONE")
		withdrawn.Withdrawn = true
		w.change(func(tx *store.Tx) error { return errors.Join(tx.PutCertificate(second), tx.PutCertificate(withdrawn)) })
		suspended := w.join(bank("SUSPENDED", func(p *tolem.Participant) { p.Suspended = true }))
		without := w.join(bank("WITHOUT", func(p *tolem.Participant) { p.ContractFrom = time.Time{} }))
		early := w.join(bank("EARLY", func(p *tolem.Participant) { p.ContractFrom = now.Add(time.Hour) }))
		ended := w.join(bank("ENDED", func(p *tolem.Participant) { p.ContractUntil = now.Add(-time.Minute) }))
		merchant := w.join(bank("MERCHANT", func(p *tolem.Participant) { p.Kind, p.Groups = tolem.KindMerchant, []tolem.Group{tolem.GroupMerchant} }))
		stranger := w.certificate("STRANGER")
		for _, c := range []struct {
			name            string
			signer, channel tolem.Certificate
			op              tolem.Operation
			want            error
		}{
			{"a bank", one, one, tolem.OpIssueCode, nil},
			{"with two certificates", one, second, tolem.OpIssueCode, nil},
			{"an operation of the portal", one, one, tolem.OpValidateCode, banks.ErrNotPermitted},
			{"an operation there is not", one, one, "DropTables", banks.ErrNotPermitted},
			{"no operation", one, one, "", banks.ErrNotPermitted},
			{"over another's channel", one, two, tolem.OpIssueCode, banks.ErrOtherChannel},
			{"over a stranger's channel", one, stranger, tolem.OpIssueCode, banks.ErrNotRegistered},
			{"a stranger", stranger, stranger, tolem.OpIssueCode, banks.ErrNotRegistered},
			{"a withdrawn certificate", withdrawn, one, tolem.OpIssueCode, banks.ErrNotRegistered},
			{"a channel of a withdrawn one", one, withdrawn, tolem.OpIssueCode, banks.ErrNotRegistered},
			{"suspended", suspended, suspended, tolem.OpIssueCode, banks.ErrInactive},
			{"without a contract", without, without, tolem.OpIssueCode, banks.ErrInactive},
			{"before its contract", early, early, tolem.OpIssueCode, banks.ErrInactive},
			{"after its contract", ended, ended, tolem.OpIssueCode, banks.ErrInactive},
			{"a merchant that issues", merchant, merchant, tolem.OpIssueCode, banks.ErrNotPermitted},
			{"a merchant that asks", merchant, merchant, tolem.OpListServices, nil},
		} {
			got, err := w.Authorise(c.signer.Fingerprint, c.channel.Fingerprint, c.op, now)
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
			if err == nil && got.ID != c.signer.Participant {
				t.Errorf("%s: taken for %s", c.name, got.ID)
			}
		}
	})
}

// Messages may name their certificate; only registered ones are found, and
// nothing ambiguous is.
func TestReferences(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		id := w.pki.Identity(pki.Spec{CommonName: "ONE", Usage: pki.Signing, Key: pki.P256})
		renewed, err := w.pki.Intermediate.Certify(id.Key, pki.Spec{CommonName: "ONE", Usage: pki.Signing, Key: pki.P256}) // the same key, so the same identifier
		if err != nil {
			t.Fatal(err)
		}
		put := func(i *pki.Identity, withdrawn bool) {
			w.change(func(tx *store.Tx) error {
				return errors.Join(tx.PutParticipant(bank("ONE", func(p *tolem.Participant) { p.BodyOnly = true })), tx.PutCertificate(tolem.Certificate{
					Fingerprint: tolem.FingerprintOf(i.Cert.Raw), Participant: "ONE", DER: i.Cert.Raw, NotAfter: i.Cert.NotAfter, AddedAt: time.Now(), Withdrawn: withdrawn,
				}))
			})
		}
		found := func() (serial, key int) {
			if w.BySubjectKeyID(id.Cert.SubjectKeyId) != nil {
				key = 1
			}
			return len(w.BySerial(id.Cert.SerialNumber)), key
		}
		if s, k := found(); s != 0 || k != 0 {
			t.Errorf("not registered: %d by serial number, %d by key", s, k)
		}
		put(id, false)
		if s, k := found(); s != 1 || len(id.Cert.SubjectKeyId) > 0 && k != 1 {
			t.Errorf("registered: %d by serial number, %d by key", s, k)
		}
		if f := tolem.FingerprintOf(id.Cert.Raw); !w.BodyOnly(f) || w.BodyOnly(tolem.FingerprintOf(renewed.Cert.Raw)) {
			t.Error("Body alone: for the registered certificate, and for it alone")
		}
		put(renewed, false)
		if s, k := found(); s != 1 || k != 0 {
			t.Errorf("two of one key: %d by serial number, %d by key", s, k)
		}
		put(id, true)
		if s, _ := found(); s != 0 || w.BodyOnly(tolem.FingerprintOf(id.Cert.Raw)) {
			t.Errorf("withdrawn: %d by serial number", s)
		}
	})
}

// A change is seen after the next look, whoever made it; a look that finds
// nothing new changes nothing; readers never wait and never see half of it.
//
// GW-P41
func TestRefresh(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		c := w.join(bank("ONE"))
		other, err := banks.Open(t.Context(), w.db)
		if err != nil {
			t.Fatal(err)
		}
		w.change(func(tx *store.Tx) error {
			return tx.PutParticipant(bank("ONE", func(p *tolem.Participant) { p.Suspended = true }))
		})
		if _, err := w.Authorise(c.Fingerprint, c.Fingerprint, tolem.OpIssueCode, time.Now()); !errors.Is(err, banks.ErrInactive) {
			t.Errorf("this node: %v", err)
		}
		if _, err := other.Authorise(c.Fingerprint, c.Fingerprint, tolem.OpIssueCode, time.Now()); err != nil {
			t.Errorf("another node, before it looks: %v", err)
		}
		if err := other.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Authorise(c.Fingerprint, c.Fingerprint, tolem.OpIssueCode, time.Now()); !errors.Is(err, banks.ErrInactive) {
			t.Errorf("another node, when it has looked: %v", err)
		}
	})
}

// The register is read while it is replaced: a participant and its certificate
// come together or not at all.
func TestReadersDuringRefresh(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		stop := make(chan struct{})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					for _, c := range w.Certificates() {
						if _, err := w.Holder(c.Fingerprint); err != nil {
							t.Errorf("a certificate without its holder: %v", err)
							return
						}
					}
				}
			})
		}
		for i := range 10 {
			w.join(bank(tolem.ParticipantID("B" + string(rune('0'+i)))))
		}
		close(stop)
		readers.Wait()
		if n := len(w.Participants()); n != 10 {
			t.Errorf("%d participants", n)
		}
	})
}
