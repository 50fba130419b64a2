package access_test

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/access"
	"tolem/internal/pki"
)

// operations are everything that is done to people, as one who is signed in
// does it to somebody of a bank.
func operations(ctx context.Context, w *world, cert *x509.Certificate) map[tolem.Action]func(access.Actor, tolem.ParticipantID, tolem.Person) error {
	in := tolem.Profile{UserName: "new.one", FirstName: "Rauf", Surname: "Quliyev", Role: tolem.RoleBankAdmin}
	return map[tolem.Action]func(access.Actor, tolem.ParticipantID, tolem.Person) error{
		tolem.ActListPeople: func(by access.Actor, bank tolem.ParticipantID, p tolem.Person) error {
			_, err := w.Card(ctx, by, bank, p.ID)
			return err
		},
		tolem.ActAddPerson: func(by access.Actor, bank tolem.ParticipantID, _ tolem.Person) error {
			_, _, err := w.AddPerson(ctx, by, bank, in)
			return err
		},
		tolem.ActChangePerson: func(by access.Actor, bank tolem.ParticipantID, p tolem.Person) error {
			changed := p.Profile
			changed.Surname = "Məmmədova"
			_, err := w.ChangePerson(ctx, by, bank, p.ID, changed)
			return err
		},
		tolem.ActSuspend: func(by access.Actor, bank tolem.ParticipantID, p tolem.Person) error {
			return w.Suspend(ctx, by, bank, p.ID)
		},
		tolem.ActResume: func(by access.Actor, bank tolem.ParticipantID, p tolem.Person) error {
			return w.Resume(ctx, by, bank, p.ID)
		},
		tolem.ActUnlock: func(by access.Actor, bank tolem.ParticipantID, p tolem.Person) error {
			return w.Unlock(ctx, by, bank, p.ID)
		},
		tolem.ActSetPassword: func(by access.Actor, bank tolem.ParticipantID, p tolem.Person) error {
			_, err := w.SetTemporaryPassword(ctx, by, bank, p.ID)
			return err
		},
		tolem.ActRegisterToken: func(by access.Actor, bank tolem.ParticipantID, p tolem.Person) error {
			_, err := w.RegisterToken(ctx, by, bank, p.ID, cert)
			return err
		},
		tolem.ActRevokeToken: func(by access.Actor, bank tolem.ParticipantID, p tolem.Person) error {
			return w.RevokeToken(ctx, by, bank, p.ID, tolem.FingerprintOf(cert.Raw))
		},
		tolem.ActAudit: func(by access.Actor, bank tolem.ParticipantID, p tolem.Person) error {
			_, err := w.AuditOf(ctx, by, bank, 20484, p.ID, access.Mark{}, 10)
			return err
		},
	}
}

// Every operation against every role, of the own bank and of another.
//
// WP-515, WP-516, WP-517, WP-518
func TestWhoAdministersWhom(t *testing.T) {
	worlds(t, func(w *world) {
		target := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		roles := []tolem.Role{tolem.RoleOperator, tolem.RoleAsanOperator, tolem.RoleBankAdmin, tolem.RoleBankSecurityAdmin}
		free := w.certificate("free")
		ops := operations(t.Context(), w, free)
		for action := range ops {
			if !tolem.RoleBankSecurityAdmin.Permits(action) {
				t.Errorf("%s is no action of the table", action)
			}
		}
		order := []tolem.Action{
			tolem.ActListPeople, tolem.ActAddPerson, tolem.ActChangePerson, tolem.ActSuspend, tolem.ActResume, tolem.ActUnlock,
			tolem.ActSetPassword, tolem.ActRegisterToken, tolem.ActRevokeToken, tolem.ActAudit,
		}
		if len(order) != len(ops) {
			t.Fatal("an operation is not tried")
		}
		for _, role := range roles {
			own, foreign := w.employ("KAPITAL", tolem.UserName(role)+".a", role).works(), w.employ("RABITA", tolem.UserName(role)+".b", role).works()
			for _, action := range order {
				want := error(nil)
				if !role.Permits(action) {
					want = access.ErrForbidden
				}
				if err := ops[action](own, "", target.now()); !errors.Is(err, want) {
					t.Errorf("%s, %s: %v, want %v", role, action, err, want)
				}
				if want == nil && action != tolem.ActAddPerson && action != tolem.ActAudit {
					want = access.ErrNoPerson
				}
				for _, bank := range []tolem.ParticipantID{"", "KAPITAL"} { // naming the bank does not help
					if action == tolem.ActAddPerson && bank != "" {
						continue
					}
					if err := ops[action](foreign, bank, target.now()); !errors.Is(err, want) {
						t.Errorf("%s of another bank, %s: %v, want %v", role, action, err, want)
					}
				}
			}
		}
		if list, err := w.People(t.Context(), byHand, "KAPITAL", access.Search{Text: "new.one"}); err != nil || len(list) != 1 {
			t.Errorf("added to the bank: %d, %v", len(list), err)
		}
	})
}

// WP-515
func TestSecurityAdministratorsAreMadeByTheGateway(t *testing.T) {
	worlds(t, func(w *world) {
		first, second := w.employ("KAPITAL", "first", tolem.RoleBankSecurityAdmin), w.employ("KAPITAL", "second", tolem.RoleBankSecurityAdmin)
		by := first.works()
		for action, op := range operations(t.Context(), w, w.certificate("free")) {
			if action == tolem.ActListPeople || action == tolem.ActAddPerson || action == tolem.ActAudit {
				continue
			}
			wants(t, "oneself: "+string(action), op(by, "", first.now()), access.ErrOneself, "access.oneself")
			wants(t, "a colleague: "+string(action), op(by, "", second.now()), access.ErrForbidden, "access.forbidden")
		}
		_, _, err := w.AddPerson(t.Context(), by, "", tolem.Profile{UserName: "third", FirstName: "A", Surname: "B", Role: tolem.RoleBankSecurityAdmin})
		wants(t, "another of the same role", err, access.ErrForbidden, "access.forbidden")
		operator := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		raised := operator.now().Profile
		raised.Role, raised.Branch = tolem.RoleBankSecurityAdmin, ""
		_, err = w.ChangePerson(t.Context(), by, "", operator.person.ID, raised)
		wants(t, "raising somebody", err, access.ErrForbidden, "access.forbidden")

		w.must(w.Suspend(t.Context(), byHand, "KAPITAL", first.person.ID))
		if err := w.Unlock(t.Context(), by, "", operator.person.ID); !errors.Is(err, access.ErrSession) {
			t.Errorf("an administrator who was suspended during the request: %v", err)
		}
	})
}

// WP-518
func TestTemporaryPasswords(t *testing.T) {
	worlds(t, func(w *world) {
		admin, s := w.employ("KAPITAL", "admin", tolem.RoleBankSecurityAdmin), w.hire("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		_, err := s.signIn(s.password.Reveal())
		wants(t, "the first password", err, access.ErrRenewDue, "login.renew_due")
		w.must(s.renew("parol-0001"))
		session := s.works()
		temporary, err := w.SetTemporaryPassword(t.Context(), admin.works(), "", s.person.ID)
		w.must(err)
		if _, err := w.Check(t.Context(), over(s.cert), session.Subject(), ""); !errors.Is(err, access.ErrSession) {
			t.Errorf("a session of whoever knew the old password: %v", err)
		}
		_, err = s.signIn("parol-0001")
		wants(t, "the old password", err, access.ErrWrongPassword, "login.wrong_password")
		_, err = s.signIn(temporary.Reveal())
		wants(t, "the temporary one", err, access.ErrRenewDue, "login.renew_due")
		s.password = temporary
		wants(t, "renewed by itself", s.renew(temporary.Reveal()), access.ErrSame, "password.same")
		w.must(s.renew("parol-0002"))
		s.works()

		lost, err := w.SetTemporaryPassword(t.Context(), admin.works(), "", s.person.ID)
		w.must(err)
		w.clock.Advance(tolem.TemporaryTTL)
		s.password = lost
		wants(t, "a temporary one that was forgotten", s.renew("parol-0003"), access.ErrLocked, "login.locked")
	})
}

// WP-006, WP-515, WP-516
func TestTokens(t *testing.T) {
	worlds(t, func(w *world) {
		admin := w.employ("KAPITAL", "admin", tolem.RoleBankSecurityAdmin).works()
		a, b := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator), w.employ("KAPITAL", "r.quliyev", tolem.RoleOperator)
		register := func(cert *x509.Certificate, p tolem.Person) error {
			_, err := w.RegisterToken(t.Context(), admin, "", p.ID, cert)
			return err
		}
		participants := w.certificate("a bank's channel")
		w.must(w.putCertificate("KAPITAL", participants))
		for what, c := range map[string]struct {
			cert *x509.Certificate
			want error
		}{
			"another's": {a.cert, access.ErrTokenTaken}, "a participant's": {participants, access.ErrTokenUnfit}, "an authority's": {w.pki.Root.Cert, access.ErrTokenUnfit},
			"for servers":             {w.pki.Identity(pki.Spec{CommonName: "s", Usage: pki.TLSServer, Key: pki.P256}).Cert, access.ErrTokenUnfit},
			"expired":                 {w.pki.Identity(pki.Spec{CommonName: "s", Usage: pki.TLSClient, Key: pki.P256, NotBefore: begin.AddDate(-1, 0, 0), NotAfter: begin}).Cert, access.ErrTokenUnfit},
			"of another bank's clerk": {w.employ("RABITA", "x.xxx", tolem.RoleOperator).cert, access.ErrTokenTaken},
		} {
			if err := register(c.cert, b.person); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", what, err, c.want)
			}
		}
		f := tolem.FingerprintOf(a.cert.Raw)
		wants(t, "revoking another's", w.RevokeToken(t.Context(), admin, "", b.person.ID, f), access.ErrNoToken, "token.not_found")
		w.must(w.RevokeToken(t.Context(), admin, "", a.person.ID, f))
		wants(t, "revoking twice", w.RevokeToken(t.Context(), admin, "", a.person.ID, f), access.ErrNoToken, "token.not_found")
		if _, err := w.Verify(t.Context(), over(a.cert)); !errors.Is(err, access.ErrNotRegistered) {
			t.Errorf("revoked: %v", err)
		}
		w.clock.Advance(time.Second)
		w.must(register(a.cert, b.person)) // it had been given to the wrong person
		if r, err := w.Verify(t.Context(), over(a.cert)); err != nil || r.Owner.ID != b.person.ID {
			t.Errorf("registered anew: %v, %v", r.Owner, err)
		}
		card, err := w.CardOf(t.Context(), admin, "", "l.aliyeva")
		if err != nil || len(card.Tokens) != 1 || card.Tokens[0].InUse() || card.Tokens[0].RevokedBy != string(admin.Person.ID) || card.Tokens[0].RegisteredBy != "gateway:root" ||
			card.Tokens[0].Serial != a.cert.SerialNumber.Text(16) || !card.Tokens[0].NotAfter.Equal(a.cert.NotAfter) {
			t.Errorf("the history: %+v, %v", card.Tokens, err)
		}
		for err = error(nil); err == nil; {
			err = register(w.certificate("one more"), b.person)
		}
		wants(t, "too many", err, access.ErrTooManyTokens, "token.too_many")
	})
}

// One certificate is registered once, however many try at the same time.
//
// WP-515
func TestRaceForACertificate(t *testing.T) {
	worlds(t, func(w *world) {
		a, b := w.hire("KAPITAL", "l.aliyeva", tolem.RoleOperator), w.hire("RABITA", "r.quliyev", tolem.RoleOperator)
		cert := w.certificate("one")
		errs := make([]error, 20)
		var group sync.WaitGroup
		for i := range errs {
			p := []*staff{a, b}[i%2].person
			group.Go(func() { _, errs[i] = w.RegisterToken(t.Context(), byHand, p.Bank, p.ID, cert) })
		}
		group.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, access.ErrTokenTaken) {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("registered %d times", won)
		}
	})
}

func TestUserNamesAreUniqueInABank(t *testing.T) {
	worlds(t, func(w *world) {
		in := tolem.Profile{UserName: "l.aliyeva", FirstName: "Lalə", Surname: "Əliyeva", Role: tolem.RoleBankAdmin}
		errs := make([]error, 8)
		var group sync.WaitGroup
		for i := range errs {
			bank := []tolem.ParticipantID{"KAPITAL", "RABITA"}[i%2]
			group.Go(func() { _, _, errs[i] = w.AddPerson(t.Context(), byHand, bank, in) })
		}
		group.Wait()
		added := 0
		for _, err := range errs {
			if err == nil {
				added++
			} else if !errors.Is(err, access.ErrUserNameTaken) {
				t.Error(err)
			}
		}
		if added != 2 {
			t.Errorf("added %d times to two banks", added)
		}
		other := w.hire("KAPITAL", "r.quliyev", tolem.RoleBankAdmin)
		in.FirstName = "Rauf"
		_, err := w.ChangePerson(t.Context(), byHand, "KAPITAL", other.person.ID, in)
		wants(t, "changed to a name that is taken", err, access.ErrUserNameTaken, "person.user_name_taken")
		for what, change := range map[string]func(*tolem.Profile){
			"no name": func(p *tolem.Profile) { p.FirstName = "" }, "another bank's branch": func(p *tolem.Profile) { p.Role, p.Branch = tolem.RoleOperator, "QBA01" },
			"a branch that is none": func(p *tolem.Profile) { p.Branch = "KAPITAL" },
		} {
			bad := tolem.Profile{UserName: "x.xxx", FirstName: "A", Surname: "B", Role: tolem.RoleBankAdmin}
			change(&bad)
			_, _, err := w.AddPerson(t.Context(), byHand, "KAPITAL", bad)
			wants(t, what, err, access.ErrProfile, "person.invalid")
		}
		_, _, err = w.AddPerson(t.Context(), byHand, "GNC01", in)
		wants(t, "a branch for a bank", err, access.ErrProfile, "person.invalid")
	})
}

func TestPeopleAreFoundByTheirNames(t *testing.T) {
	worlds(t, func(w *world) {
		for _, n := range [][3]string{{"i.ibrahimova", "İlahə", "İbrahimova"}, {"q.qizilov", "Qəşəm", "Qızılov"}, {"e.emir", "Əmir", "Ağayev"}, {"a.ahmadova", "Rəna", "Əhmədova"}} {
			_, _, err := w.AddPerson(t.Context(), byHand, "KAPITAL", tolem.Profile{UserName: tolem.UserName(n[0]), FirstName: n[1], Surname: n[2], Role: tolem.RoleOperator, Branch: "GNC01"})
			w.must(err)
		}
		for text, want := range map[string]string{
			"": "a.ahmadova e.emir i.ibrahimova q.qizilov", "IBRAHIM": "i.ibrahimova", "ibrahımova il": "i.ibrahimova", "ilahə İB": "i.ibrahimova", "QIZIL": "q.qizilov", "qizil": "q.qizilov", "əmir": "e.emir", "ƏMİR": "e.emir", "E.em": "e.emir", "zz": "",
		} {
			list, err := w.People(t.Context(), byHand, "KAPITAL", access.Search{Text: text, Branch: "GNC01"})
			w.must(err)
			var names []string
			for _, p := range list {
				names = append(names, string(p.UserName))
			}
			slices.Sort(names)
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
		all, err := w.People(t.Context(), byHand, "KAPITAL", access.Search{Branch: "GNC01"})
		w.must(err)
		var surnames []string
		for _, p := range all {
			surnames = append(surnames, p.Surname)
		}
		if got := strings.Join(surnames, " "); got != "Ağayev Əhmədova İbrahimova Qızılov" {
			t.Errorf("by surname they are %s", got)
		}
		if list, err := w.People(t.Context(), byHand, "KAPITAL", access.Search{Branch: "QBA01"}); err != nil || list != nil {
			t.Errorf("in another branch: %v, %v", list, err)
		}
		if list, err := w.People(t.Context(), byHand, "RABITA", access.Search{}); err != nil || list != nil {
			t.Errorf("in another bank: %v, %v", list, err)
		}
	})
}
