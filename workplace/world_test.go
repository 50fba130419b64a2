package workplace_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tolem"
	"tolem/access"
	"tolem/archive"
	"tolem/banks"
	"tolem/bills"
	"tolem/gateway"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
	"tolem/signing/trust"
	"tolem/smartcard"
	"tolem/smartcard/bridge"
	"tolem/smartcard/bridge/simulator"
	"tolem/smartcard/desk"
	"tolem/store"
	"tolem/workplace"
)

// The cast.
const (
	kapital = tolem.ParticipantID("KAPITAL")
	rabita  = tolem.ParticipantID("RABITA")
	electro = tolem.ProviderID("AZERISHIQ")
	gas     = tolem.ProviderID("AZERIQAZ")
	water   = tolem.ProviderID("AZERSU")
	taxes   = tolem.ProviderID("TAXES")
	light   = tolem.ServiceCode("LIGHT")
	fine    = tolem.ServiceCode("FINE")
	fuel    = tolem.ServiceCode("GAS")
	supply  = tolem.ServiceCode("SUPPLY")
	drain   = tolem.ServiceCode("DRAIN")
	taxOnly = tolem.ServiceCode("TAX")
	origin  = "https://localhost:8446"
)

// branches are where people work.
var branches = map[tolem.ParticipantID]tolem.ParticipantID{kapital: "GNC01", rabita: "QBA01"}

var begin = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// authority is made once: keys are dear.
var authority = sync.OnceValues(func() (*pki.PKI, error) { return pki.New(pki.Options{Now: func() time.Time { return begin }}) })

// world is two banks with their people, four organisations with accounts, and a
// workplace on a real store.
type world struct {
	*workplace.Workplace
	t        testing.TB
	db       *store.DB
	clock    *tolemtest.Clock
	pki      *pki.PKI
	calendar *tolem.Calendar
	evidence *archive.Archive
	cards    *desk.Desk
}

// worlds runs the test on both databases.
func worlds(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	tolemtest.Databases(t, func(t *testing.T, dsn string) { test(t, newWorld(t, dsn)) })
}

func newWorld(t testing.TB, dsn string) *world {
	t.Helper()
	w := &world{t: t, clock: tolemtest.NewClock(begin)}
	var err error
	w.pki, err = authority()
	w.must(err)
	w.db = tolemtest.Store(t, dsn, store.Options{Clock: w.clock.Now})
	baku, err := time.LoadLocation("Asia/Baku")
	w.must(err)
	w.calendar = tolem.NewCalendar(baku, nil, nil)
	w.evidence, err = archive.New(w.db, archive.Options{})
	w.must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	w.cards, err = desk.New(desk.Config{Signer: key, Sandbox: true}, w.evidence)
	w.must(err)
	w.furnish()
	w.Workplace = w.open()
	return w
}

// open is a program over the same database: what another before it left is all
// it has.
func (w *world) open() *workplace.Workplace {
	w.t.Helper()
	dir := w.t.TempDir()
	w.must(w.pki.WriteTo(dir))
	w.must(w.pki.WriteCRLs(dir, begin.AddDate(1, 0, 0)))
	anchors, err := trust.Open(w.t.Context(), trust.Config{
		Anchors: []string{filepath.Join(dir, pki.AnchorsDir)}, Intermediates: []string{filepath.Join(dir, pki.IntermediatesDir)},
		CRLs: []string{filepath.Join(dir, pki.CRLsDir)}, Now: w.clock.Now,
	}, nil)
	w.must(err)
	people, err := access.New(access.Config{
		Trust: anchors, Calendar: w.calendar, Hash: access.HashParams{Memory: 8 << 10, Time: 1, Threads: 1},
	}, w.db)
	w.must(err)
	directory, err := banks.Open(w.t.Context(), w.db)
	w.must(err)
	return workplace.New(workplace.Config{
		Access: people, Bills: bills.New(bills.Config{Currency: tolem.AZN, Calendar: w.calendar, Clock: w.clock.Now}, w.db), Cards: w.cards,
		Gateway: gateway.New(gateway.Config{}, w.db, w.evidence, directory), Evidence: w.evidence, Directory: directory, Calendar: w.calendar,
		Currency: tolem.AZN, Observe: func(err error) { w.t.Log(err) },
	}, w.db)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) update(do func(*store.Tx) error) {
	w.t.Helper()
	w.must(w.db.Update(w.t.Context(), do))
}

func (w *world) view(do func(*store.Tx) error) {
	w.t.Helper()
	w.must(w.db.View(w.t.Context(), do))
}

// furnish registers banks, organisations, services, tariffs and ASAN units.
func (w *world) furnish() {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		var errs []error
		for bank, branch := range branches {
			for _, p := range []tolem.Participant{
				{ID: bank, Kind: tolem.KindBank, Name: "Bank " + string(bank)},
				{ID: branch, Kind: tolem.KindBranch, Name: "Filial " + string(branch), ActsFor: []tolem.ParticipantID{bank}},
			} {
				p.ContractFrom = begin.AddDate(-1, 0, 0)
				errs = append(errs, tx.PutParticipant(p))
			}
		}
		for _, o := range []tolem.Organisation{
			{Provider: tolem.Provider{ID: electro}, Name: "Azərişıq ASC", Smart: tolem.SmartElectro, PayWithoutCardWrite: true, Cancellable: true},
			{Provider: tolem.Provider{ID: gas}, Name: "ARDNŞ-in Azəriqaz İB", Smart: tolem.SmartGas, Cancellable: true},
			{Provider: tolem.Provider{ID: water}, Name: "Azərsu İdarəsi", Smart: tolem.SmartNone, Cancellable: true},
			{Provider: tolem.Provider{ID: taxes}, Name: "Vergilər Nazirliyi", Smart: tolem.SmartNone, ReceiverRequired: true},
		} {
			o.Active, o.BIN, o.Account = true, "990240001237", "AZ1"
			errs = append(errs, tx.PutProvider(o.Provider), tx.PutOrganisation(o))
		}
		for _, s := range []tolem.DeskService{
			{Service: tolem.Service{Code: light, Provider: electro, Active: true}, Shown: "01", Name: "İşıq", Advance: true},
			{Service: tolem.Service{Code: fine, Provider: electro, Active: true}, Name: "Cərimə"},
			{Service: tolem.Service{Code: fuel, Provider: gas, Active: true}, Name: "Qaz", Advance: true},
			{Service: tolem.Service{Code: supply, Provider: water, Active: true}, Name: "Su", Advance: true},
			{Service: tolem.Service{Code: drain, Provider: water, Active: true}, Name: "Kanalizasiya", Advance: true},
			{Service: tolem.Service{Code: taxOnly, Provider: taxes, Active: true}, Name: "Vergi"},
		} {
			s.Price = tolem.Price{Currency: tolem.AZN}
			errs = append(errs, tx.PutService(s.Service), tx.PutDeskService(s))
		}
		return errors.Join(append(errs,
			tx.PutOrganisationUnit(tolem.OrganisationUnit{Organisation: taxes, Code: "01", Name: "Bakı", Active: true}),
			tx.PutTariff(tolem.Tariff{Organisation: water, Percent: 10_000, Min: 20}),
			tx.PutAsanPoint(tolem.AsanPoint{ID: "ASAN1", Name: "ASAN xidmət 1", Active: true}),
			tx.PutAsanUnit(tolem.AsanUnit{Code: "A1-1", Point: "ASAN1", Name: "Bölmə 1", Active: true}),
		)...)
	})
}

// feed says what accounts owe; none of them is open beyond it.
func (w *world) feed(o tolem.ProviderID, number tolem.AccountNumber, owed ...tolem.Bill) {
	w.t.Helper()
	_, err := w.Bills.Feed(w.t.Context(), bills.Batch{
		Organisation: o, Source: bills.SourceCSV, Name: "test", AsOf: w.clock.Now(), PaidUntil: w.clock.Now(),
		Snapshots: []tolem.Snapshot{{Account: tolem.AccountID{Number: number}, Bills: owed, Particulars: tolem.Particulars{Holder: "Əli Vəliyev"}}},
	}, false)
	w.must(err)
}

func azn(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: tolem.AZN} }

func owed(s tolem.ServiceCode, invoice string, minor int64) tolem.Bill {
	return tolem.Bill{Service: s, Invoice: invoice, Period: "2026-10", Amount: azn(minor)}
}

// signedIn hires somebody with an e-token, who signs in.
func (w *world) signedIn(bank tolem.ParticipantID, name tolem.UserName, role tolem.Role) access.Actor {
	w.t.Helper()
	byHand := access.Operator("root", "node-1")
	in := tolem.Profile{UserName: name, FirstName: "Lalə", Surname: "Əliyeva", Role: role}
	switch role {
	case tolem.RoleAsanOperator:
		in.Role, in.Branch, in.AsanPoint = tolem.RoleOperator, branches[bank], "ASAN1"
	case tolem.RoleOperator:
		in.Branch = branches[bank]
	}
	p, temporary, err := w.Access.AddPerson(w.t.Context(), byHand, bank, in)
	w.must(err)
	id, err := w.pki.Issue(pki.Spec{CommonName: string(name), Usage: pki.TLSClient, Key: pki.P256})
	w.must(err)
	_, err = w.Access.RegisterToken(w.t.Context(), byHand, bank, p.ID, id.Cert)
	w.must(err)
	found, err := w.Access.Verify(w.t.Context(), tls.ConnectionState{PeerCertificates: []*x509.Certificate{id.Cert}})
	w.must(err)
	v := access.Visitor{Certificate: found, Workstation: "10.1.2.3"}
	next := access.NewPassword("parol-0001")
	w.must(w.Access.Renew(w.t.Context(), v, string(name), temporary, access.NewPasswords{New: next, Again: next}))
	actor, err := w.Access.SignIn(w.t.Context(), v, string(name), next)
	w.must(err)
	return actor
}

// till is an operator before a page that shows a basket.
type till struct {
	*world
	access.Actor
	at     *workplace.Workplace
	basket tolem.Basket
}

func (w *world) till(actor access.Actor) *till {
	return &till{world: w, Actor: actor, at: w.Workplace}
}

func (p *till) edit(amounts ...string) workplace.Edit {
	e := workplace.Edit{Version: p.basket.Version, Amounts: map[tolem.LineID]string{}}
	for i, text := range amounts {
		e.Amounts[p.basket.Lines[i].No] = text
	}
	return e
}

// search looks an account up and returns the refusal, if there is one.
func (p *till) search(o tolem.ProviderID, typed string) (workplace.Entry, error) {
	p.t.Helper()
	entry, err := p.at.Search(p.t.Context(), p.Actor, p.edit(), o, typed)
	if entry.Basket.ID != "" {
		p.basket = entry.Basket
	}
	return entry, err
}

// add looks an account up and adds services of it, or whatever is owed.
func (p *till) add(o tolem.ProviderID, typed string, codes ...tolem.ServiceCode) {
	p.t.Helper()
	entry, err := p.search(o, typed)
	p.must(err)
	if len(codes) > 0 {
		entry, err = p.at.AddServices(p.t.Context(), p.Actor, p.edit(), o, entry.Account.Account.Number, codes)
		p.must(err)
		p.basket = entry.Basket
	}
}

func (p *till) calculate(amounts ...string) error {
	p.t.Helper()
	b, err := p.at.Calculate(p.t.Context(), p.Actor, p.edit(amounts...))
	if b.ID != "" {
		p.basket = b
	}
	return err
}

// confirm is “Davam et” of what the page shows.
func (p *till) confirm(change ...func(*workplace.Confirmation)) (workplace.Completion, error) {
	p.t.Helper()
	c := workplace.Confirmation{Basket: p.basket.ID, Calculation: p.basket.Calculation}
	for _, f := range change {
		f(&c)
	}
	return p.at.Pay(p.t.Context(), p.Actor, c)
}

// reload is what the page shows when it is opened again.
func (p *till) reload() {
	p.t.Helper()
	var err error
	p.basket, err = p.at.Basket(p.t.Context(), p.Actor)
	p.must(err)
}

// pays takes the whole way for one account.
func (p *till) pays(o tolem.ProviderID, number string, amount string, codes ...tolem.ServiceCode) tolem.DeskPayment {
	p.t.Helper()
	p.reload()
	p.add(o, number, codes...)
	p.must(p.calculate(amount))
	done, err := p.confirm()
	p.must(err)
	if len(done.Payments) != 1 || len(done.Left) != 0 {
		p.t.Fatalf("paid %+v, left %+v", done.Payments, done.Left)
	}
	p.reload()
	return done.Payments[0]
}

// reader is a bridge with a simulated reader at a bank's workstation.
type reader struct {
	w      *world
	sim    *simulator.Simulator
	server *httptest.Server
}

// reader pairs a bridge of the bank, as its page does.
func (w *world) reader(bank tolem.ParticipantID) *reader {
	w.t.Helper()
	var code smartcard.PairingCode
	w.update(func(tx *store.Tx) (err error) {
		_, code, err = w.cards.Register(tx, bank, branches[bank], "Kassa 1", "security")
		return err
	})
	dir := w.t.TempDir()
	sim, err := simulator.Open(dir)
	w.must(err)
	b, err := bridge.Open(bridge.Config{
		Dir: dir, Origins: []string{origin}, Reader: sim, Simulator: sim, Version: "test", Clock: w.clock.Now, ReaderTimeout: 200 * time.Millisecond, Log: zerolog.Nop(),
	})
	w.must(err)
	r := &reader{w: w, sim: sim, server: httptest.NewUnstartedServer(nil)}
	handler, err := b.Handler(r.server.Listener.Addr())
	w.must(err)
	r.server.Config = bridge.Server(handler)
	r.server.Start()
	w.t.Cleanup(func() {
		r.server.CloseClientConnections()
		r.server.Close()
		w.must(b.Close())
	})
	_, err = b.Pair(code)
	w.must(err)
	var enrolment struct{ Enrolment string }
	_, text := r.call(http.MethodGet, "/v1/pairing", nil)
	w.must(json.Unmarshal(text, &enrolment))
	var grant string
	w.update(func(tx *store.Tx) (err error) {
		_, grant, err = w.cards.Pair(tx, bank, enrolment.Enrolment, "security")
		return err
	})
	if status, text := r.call(http.MethodPost, "/v1/pairing", map[string]string{"grant": grant}); status != http.StatusOK {
		w.t.Fatalf("pairing: %d %s", status, text)
	}
	return r
}

// call sends a request as a page does.
func (r *reader) call(method, path string, body any) (int, []byte) {
	r.w.t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		r.w.must(err)
		in = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(r.w.t.Context(), method, r.server.URL+path, in)
	r.w.must(err)
	request.Header.Set("Origin", origin)
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(request)
	r.w.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	r.w.must(err)
	return answer.StatusCode, text
}

// insert puts a card into the reader, as the last left it.
func (r *reader) insert(no tolem.SmartCardNo, o tolem.ProviderID, account string) {
	r.w.t.Helper()
	if _, ok := r.sim.Scene().Cards[no]; !ok {
		r.w.must(r.sim.Set(simulator.Change{Cards: []smartcard.Card{{No: no, Organisation: o, Account: account}}}))
	}
	r.w.must(r.sim.Set(simulator.Change{Inserted: &no}))
}

// scene sets what is there and what fails.
func (r *reader) scene(c simulator.Change) {
	r.w.t.Helper()
	r.w.must(r.sim.Set(c))
}

// read reads the card for a session's challenge: the answer, or the code of what
// stands in the way.
func (r *reader) read(by access.Actor) (answer []byte, code smartcard.Code) {
	r.w.t.Helper()
	c, err := r.w.NewChallenge(r.w.t.Context(), by)
	r.w.must(err)
	status, text := r.call(http.MethodPost, "/v1/card/read", map[string]string{"challenge": c.Value})
	if status != http.StatusOK {
		var failed struct{ Code smartcard.Code }
		r.w.must(json.Unmarshal(text, &failed))
		return nil, failed.Code
	}
	return text, ""
}

// with hands what the reader says over to a confirmation.
func (r *reader) with(by access.Actor) func(*workplace.Confirmation) {
	r.w.t.Helper()
	answer, code := r.read(by)
	return func(c *workplace.Confirmation) { c.Read, c.NotReady = answer, code }
}

// carryOut hands a ticket to the bridge and returns its answer, whatever it is.
func (r *reader) carryOut(t tolem.CardTicket) []byte {
	r.w.t.Helper()
	_, text := r.call(http.MethodPost, "/v1/card/"+string(t.Op), map[string]string{"ticket": string(t.Signed)})
	return text
}

func is[T any](v T) *T { return &v }
