package access_test

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"testing"
	"time"

	"tolem"
	"tolem/access"
	"tolem/archive"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/signing/trust"
	"tolem/store"
)

// begin is a moment of the last day of January in Baku.
var begin = time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)

// cheap makes tests quick.
var cheap = access.HashParams{Memory: 8 << 10, Time: 1, Threads: 1}

var byHand = access.Operator("root", "node-1")

// world is two banks with a branch each, an authority for e-tokens, and a clock.
type world struct {
	*access.Access

	t     *testing.T
	db    *store.DB
	clock *tolemtest.Clock
	pki   *tolemtest.PKI
	trust *trust.Store
}

// worlds runs the test on both databases.
func worlds(t *testing.T, test func(*world)) {
	t.Helper()
	tolemtest.Databases(t, func(t *testing.T, dsn string) { test(newWorld(t, dsn)) })
}

func newWorld(t *testing.T, dsn string) *world {
	t.Helper()
	clock := tolemtest.NewClock(begin)
	w := &world{t: t, clock: clock, pki: tolemtest.NewPKI(t, pki.Options{Now: clock.Now})}
	if err := w.pki.WriteCRLs(w.pki.Dir, begin.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	var err error
	w.trust, err = trust.Open(t.Context(), trust.Config{
		Anchors: []string{w.path(pki.AnchorsDir)}, Intermediates: []string{w.path(pki.IntermediatesDir)}, CRLs: []string{w.path(pki.CRLsDir)}, Now: clock.Now,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.db = tolemtest.Store(t, dsn, store.Options{Clock: clock.Now})
	for _, p := range []tolem.Participant{
		{ID: "KAPITAL", Kind: tolem.KindBank, Name: "Kapital"}, {ID: "GNC01", Kind: tolem.KindBranch, Name: "Gəncə", ActsFor: []tolem.ParticipantID{"KAPITAL"}},
		{ID: "RABITA", Kind: tolem.KindBank, Name: "Rabitə"}, {ID: "QBA01", Kind: tolem.KindBranch, Name: "Quba", ActsFor: []tolem.ParticipantID{"RABITA"}},
	} {
		p.ContractFrom = begin.AddDate(-1, 0, 0)
		w.put(p)
	}
	w.Access = w.open(cheap)
	return w
}

func (w *world) path(folder string) string { return filepath.Join(w.pki.Dir, folder) }

func (w *world) open(h access.HashParams) *access.Access {
	w.t.Helper()
	baku, err := time.LoadLocation("Asia/Baku")
	w.must(err)
	evidence, err := archive.New(w.db, archive.Options{})
	w.must(err)
	a, err := access.New(access.Config{Trust: w.trust, Evidence: evidence, Calendar: tolem.NewCalendar(baku, nil, nil), Hash: h}, w.db)
	w.must(err)
	return a
}

func (w *world) put(p tolem.Participant) {
	w.t.Helper()
	w.must(w.db.Update(w.t.Context(), func(tx *store.Tx) error { return tx.PutParticipant(p) }))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// certificate issues what lies on an e-token.
func (w *world) certificate(name string) *x509.Certificate {
	w.t.Helper()
	return w.pki.Identity(pki.Spec{CommonName: name, Usage: pki.TLSClient, Key: pki.P256}).Cert
}

// over is a connection that was opened with a certificate.
func over(cert *x509.Certificate) tls.ConnectionState {
	return tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
}

// staff is somebody with an e-token.
type staff struct {
	w         *world
	person    tolem.Person
	password  access.Password // that is right now
	cert      *x509.Certificate
	temporary bool
}

// hire adds somebody with an e-token and a temporary password.
func (w *world) hire(bank tolem.ParticipantID, name tolem.UserName, role tolem.Role) *staff {
	w.t.Helper()
	in := tolem.Profile{UserName: name, FirstName: "Lalə", Surname: "Əliyeva", Role: role}
	if role == tolem.RoleOperator || role == tolem.RoleAsanOperator {
		in.Branch = map[tolem.ParticipantID]tolem.ParticipantID{"KAPITAL": "GNC01", "RABITA": "QBA01"}[bank]
	}
	if role == tolem.RoleAsanOperator {
		in.Role, in.AsanPoint = tolem.RoleOperator, "ASAN1"
	}
	p, temporary, err := w.AddPerson(w.t.Context(), byHand, bank, in)
	w.must(err)
	s := &staff{w: w, person: p, password: temporary, cert: w.certificate(string(name)), temporary: true}
	_, err = w.RegisterToken(w.t.Context(), byHand, bank, p.ID, s.cert)
	w.must(err)
	return s
}

// employ is hire, and the temporary password is renewed.
func (w *world) employ(bank tolem.ParticipantID, name tolem.UserName, role tolem.Role) *staff {
	w.t.Helper()
	s := w.hire(bank, name, role)
	w.must(s.renew("parol-0001"))
	return s
}

func (s *staff) visitor() access.Visitor {
	s.w.t.Helper()
	r, err := s.w.Verify(s.w.t.Context(), over(s.cert))
	s.w.must(err)
	return access.Visitor{Certificate: r, Workstation: "10.1.2.3"}
}

func (s *staff) signIn(password string) (access.Actor, error) {
	return s.w.SignIn(s.w.t.Context(), s.visitor(), string(s.person.UserName), access.NewPassword(password))
}

// works signs in with the right password.
func (s *staff) works() access.Actor {
	s.w.t.Helper()
	actor, err := s.signIn(s.password.Reveal())
	s.w.must(err)
	return actor
}

// renew sets another password on the login page.
func (s *staff) renew(next string) error {
	p := access.NewPassword(next)
	err := s.w.Renew(s.w.t.Context(), s.visitor(), string(s.person.UserName), s.password, access.NewPasswords{New: p, Again: p})
	if err == nil {
		s.password = p
	}
	return err
}

// now is the person as it stands in the database.
func (s *staff) now() tolem.Person {
	s.w.t.Helper()
	c, err := s.w.Card(s.w.t.Context(), byHand, s.person.Bank, s.person.ID)
	s.w.must(err)
	return c.Person
}

// audit returns what is recorded of an actor today.
func (w *world) audit(bank tolem.ParticipantID, actor string) []store.AuditRecord {
	w.t.Helper()
	var list []store.AuditRecord
	w.must(w.db.View(w.t.Context(), func(tx *store.Tx) (err error) {
		baku, err := time.LoadLocation("Asia/Baku")
		w.must(err)
		list, err = tx.Audit(bank, tolem.NewCalendar(baku, nil, nil).DayOf(w.clock.Now()), actor, 0, 1000)
		return err
	}))
	return list
}

// putCertificate registers a certificate to a participant.
func (w *world) putCertificate(id tolem.ParticipantID, cert *x509.Certificate) error {
	return w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		return tx.PutCertificate(tolem.Certificate{Fingerprint: tolem.FingerprintOf(cert.Raw), Participant: id, DER: cert.Raw, NotAfter: cert.NotAfter, AddedAt: tx.Now()})
	})
}
