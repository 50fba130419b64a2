package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"tolem"
	"tolem/access"
	"tolem/internal/pki"
	"tolem/store"
)

// The banks of the workplace. The second is there so that one can see that
// neither sees anything of the other.
const (
	deskBank      = tolem.ParticipantID("DENIZ")
	deskOtherBank = tolem.ParticipantID("QAYA")

	deskBranch      = tolem.ParticipantID("DENIZ-NIZAMI")
	deskFarBranch   = tolem.ParticipantID("DENIZ-GENCE")
	deskOtherBranch = tolem.ParticipantID("QAYA-SUMQAYIT")

	deskAsanPoint = tolem.AsanPointID("ASAN1")
)

var deskParticipants = []tolem.Participant{
	{ID: deskBank, Kind: tolem.KindBank, Name: "Dəniz Bank"},
	{ID: deskBranch, Kind: tolem.KindBranch, Name: "Nizami filialı", ActsFor: []tolem.ParticipantID{deskBank}},
	{ID: deskFarBranch, Kind: tolem.KindBranch, Name: "Gəncə filialı", ActsFor: []tolem.ParticipantID{deskBank}},
	{ID: deskOtherBank, Kind: tolem.KindBank, Name: "Qaya Bank"},
	{ID: deskOtherBranch, Kind: tolem.KindBranch, Name: "Sumqayıt filialı", ActsFor: []tolem.ParticipantID{deskOtherBank}},
}

var deskAsanUnits = []tolem.AsanUnit{
	{Code: "ASAN1-1", Name: "Notariat"},
	{Code: "ASAN1-2", Name: "Vətəndaşlıq vəziyyəti aktlarının qeydiyyatı"},
	{Code: "ASAN1-3", Name: "Daşınmaz əmlakın dövlət reyestri"},
	{Code: "ASAN1-4", Name: "Dövlət Miqrasiya Xidməti"},
	{Code: "ASAN1-5", Name: "Dövlət Gömrük Komitəsi"},
	{Code: "ASAN1-6", Name: "Sürücülük vəsiqələrinin dəyişdirilməsi"},
}

// deskPerson is somebody of a bank who can sign in at once.
type deskPerson struct {
	Bank      tolem.ParticipantID `json:"bank"`
	Branch    tolem.ParticipantID `json:"branch,omitempty"`
	User      tolem.UserName      `json:"user"`
	FirstName string              `json:"firstName"`
	Surname   string              `json:"surname"`
	Role      tolem.Role          `json:"role"` // the position: asan-operator for one of an ASAN service point
	Password  string              `json:"password"`
	Token     string              `json:"token"` // PKCS #12, for browsers
	Cert      string              `json:"cert"`  // the same in PEM, for programs
	Key       string              `json:"key"`

	id tolem.PersonID
}

// may says in a few words what the person does.
func (p deskPerson) may() string {
	return map[tolem.Role]string{
		tolem.RoleOperator: "takes payments", tolem.RoleAsanOperator: "takes payments at " + string(deskAsanPoint),
		tolem.RoleBankAdmin: "decides on cancellations", tolem.RoleBankSecurityAdmin: "looks after people and e-tokens",
	}[p.Role]
}

func (p deskPerson) profile() tolem.Profile {
	in := tolem.Profile{UserName: p.User, FirstName: p.FirstName, Surname: p.Surname, Role: p.Role, Branch: p.Branch}
	if p.Role == tolem.RoleAsanOperator {
		in.Role, in.AsanPoint = tolem.RoleOperator, deskAsanPoint
	}
	return in
}

var deskCast = []deskPerson{
	{Bank: deskBank, Branch: deskBranch, User: "l.aliyeva", FirstName: "Lalə", Surname: "Əliyeva", Role: tolem.RoleOperator},
	{Bank: deskBank, Branch: deskBranch, User: "r.huseynov", FirstName: "Rəşad", Surname: "Hüseynov", Role: tolem.RoleOperator},
	{Bank: deskBank, Branch: deskBranch, User: "s.ibrahimova", FirstName: "Səbinə", Surname: "İbrahimova", Role: tolem.RoleAsanOperator},
	{Bank: deskBank, Branch: deskFarBranch, User: "n.guliyeva", FirstName: "Nərgiz", Surname: "Quliyeva", Role: tolem.RoleOperator},
	{Bank: deskBank, Branch: deskFarBranch, User: "i.mammadov", FirstName: "İlqar", Surname: "Məmmədov", Role: tolem.RoleOperator},
	{Bank: deskBank, User: "f.karimov", FirstName: "Fərid", Surname: "Kərimov", Role: tolem.RoleBankAdmin},
	{Bank: deskBank, User: "v.hasanov", FirstName: "Vüsal", Surname: "Həsənov", Role: tolem.RoleBankSecurityAdmin},
	{Bank: deskOtherBank, Branch: deskOtherBranch, User: "g.abbasova", FirstName: "Günel", Surname: "Abbasova", Role: tolem.RoleOperator},
	{Bank: deskOtherBank, User: "t.rzayev", FirstName: "Tural", Surname: "Rzayev", Role: tolem.RoleBankAdmin},
	{Bank: deskOtherBank, User: "a.jafarova", FirstName: "Aytən", Surname: "Cəfərova", Role: tolem.RoleBankSecurityAdmin},
}

// deskPeople are the cast and as many operators besides, by turns of both
// branches.
func deskPeople(operators int) []deskPerson {
	people := append([]deskPerson(nil), deskCast...)
	for i := range operators {
		given, family := givenNames[i%len(givenNames)], familyNames[i/len(givenNames)%len(familyNames)]
		p := deskPerson{
			Bank: deskBank, Branch: deskBranch, User: tolem.UserName(fmt.Sprintf("operator%03d", i+1)),
			FirstName: given, Surname: surnameOf(family, given), Role: tolem.RoleOperator,
		}
		if i%2 == 1 {
			p.Branch = deskFarBranch
		}
		people = append(people, p)
	}
	return people
}

// What is the same for everybody in the sandbox, and printed.
const (
	deskPassword  = "sandbox-2026"
	tokenPIN      = "1234"
	tokensDir     = "tokens"
	authorityName = "authority.pem"
)

func (w *deskWorld) tokens() string { return filepath.Join(w.dir, tokensDir) }

// registerBanks registers banks, branches and the ASAN service point.
func (w *deskWorld) registerBanks(ctx context.Context) error {
	from := time.Now().Add(-time.Hour)
	return w.node.db.Update(ctx, func(tx *store.Tx) error {
		for _, p := range deskParticipants {
			if _, err := tx.Participant(p.ID); err == nil {
				continue
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
			p.Groups, p.ContractNo, p.ContractFrom = []tolem.Group{p.Kind.DefaultGroup()}, "sandbox", from
			if err := tx.PutParticipant(p); err != nil {
				return err
			}
		}
		if err := tx.PutAsanPoint(tolem.AsanPoint{ID: deskAsanPoint, Name: "1 saylı ASAN xidmət mərkəzi", Active: true}); err != nil {
			return err
		}
		for _, u := range deskAsanUnits {
			u.Point, u.Active = deskAsanPoint, true
			if err := tx.PutAsanUnit(u); err != nil {
				return err
			}
		}
		return nil
	})
}

// equipPeople makes people, their e-tokens and their passwords, where they are
// not there yet.
func (w *deskWorld) equipPeople(ctx context.Context) error {
	a, err := w.newAccess()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(w.tokens(), 0o700); err != nil {
		return err
	}
	authority, err := os.ReadFile(filepath.Join(w.dir, pkiDir, pki.AnchorsDir, "root.pem"))
	if err == nil {
		err = os.WriteFile(filepath.Join(w.tokens(), authorityName), authority, 0o600)
	}
	if err != nil {
		return err
	}
	w.people = deskPeople(w.operators)
	errs := make([]error, len(w.people))
	var all sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := range next {
				errs[i] = w.findOrEquip(ctx, a, &w.people[i])
			}
		})
	}
	for i := range w.people {
		next <- i
	}
	close(next)
	all.Wait()
	return errors.Join(errs...)
}

// findOrEquip says what a person signs in with, and equips one who is not there.
func (w *deskWorld) findOrEquip(ctx context.Context, a *access.Access, p *deskPerson) error {
	by := access.Operator("sandbox", "localhost")
	name := filepath.Join(w.tokens(), string(p.User))
	p.Password, p.Token, p.Cert, p.Key = deskPassword, name+".p12", name+".pem", name+".key"
	card, err := a.CardOf(ctx, by, p.Bank, p.User)
	p.id = card.Person.ID
	if errors.Is(err, access.ErrNoPerson) {
		p.id, err = w.equip(ctx, a, by, *p)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.User, err)
	}
	return nil
}

// equip does what is done for somebody new: the gateway's operator adds the
// person and registers the e-token, and the person, with the e-token in hand,
// renews the temporary password.
func (w *deskWorld) equip(ctx context.Context, a *access.Access, by access.Actor, p deskPerson) (tolem.PersonID, error) {
	cert, err := w.issueToken(p)
	if err != nil {
		return "", err
	}
	person, temporary, err := a.AddPerson(ctx, by, p.Bank, p.profile())
	if err != nil {
		return "", err
	}
	if _, err := a.RegisterToken(ctx, by, p.Bank, person.ID, cert); err != nil {
		return "", err
	}
	registered, err := a.Verify(ctx, tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}})
	if err != nil {
		return "", err
	}
	own := access.NewPassword(p.Password)
	return person.ID, a.Renew(ctx, access.Visitor{Certificate: registered, Workstation: "localhost"}, string(p.User), temporary, access.NewPasswords{New: own, Again: own})
}

// issueToken writes a person's e-token: a file instead of a thing at the USB
// port.
func (w *deskWorld) issueToken(p deskPerson) (*x509.Certificate, error) {
	bank := string(p.Bank)
	for _, b := range deskParticipants {
		if b.ID == p.Bank {
			bank = b.Name
		}
	}
	id, err := w.authority.Issue(pki.Spec{CommonName: p.FirstName + " " + p.Surname, Org: bank, Usage: pki.TLSClient, Key: pki.P256})
	if err != nil {
		return nil, err
	}
	file, err := pkcs12.Modern2023.Encode(id.Key, id.Cert, id.Chain, tokenPIN)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.Token, file, 0o600); err != nil {
		return nil, err
	}
	_, _, err = id.WriteTo(w.tokens(), string(p.User))
	return id.Cert, err
}
