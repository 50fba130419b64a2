package access_test

import (
	"crypto/tls"
	"errors"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/access"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
)

// wants fails the test unless the error is the refusal with that key.
func wants(t *testing.T, what string, err, want error, key string) {
	t.Helper()
	got, _ := access.KeyOf(err)
	if !errors.Is(err, want) || got != key {
		t.Errorf("%s: %v (%s), want %v (%s)", what, err, got, want, key)
	}
}

// WP-012, WP-014, WP-017, WP-503
func TestSignIn(t *testing.T) {
	worlds(t, func(w *world) {
		s, other := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator), w.employ("KAPITAL", "r.quliyev", tolem.RoleAsanOperator)
		actor, err := w.SignIn(t.Context(), s.visitor(), " L.Aliyeva ", access.NewPassword("parol-0001"))
		if err != nil || actor.Person.ID != s.person.ID || actor.Token.Fingerprint != tolem.FingerprintOf(s.cert.Raw) || actor.Workstation != "10.1.2.3" {
			t.Errorf("signed in as %v: %v", actor, err)
		}
		if actor := other.works(); !actor.Person.IsAsan() {
			t.Error("the ASAN operator is none")
		}
		for what, name := range map[string]string{
			"somebody else's name": "r.quliyev", "nobody's name": "nobody", "no name": "", "a password in the wrong field": "parol-0001", "of another bank": "KAPITAL/l.aliyeva",
		} {
			_, err := w.SignIn(t.Context(), s.visitor(), name, access.NewPassword("parol-0001"))
			wants(t, what, err, access.ErrWrongUser, "login.wrong_user")
		}
		for what, password := range map[string]string{"wrong": "parol-0002", "empty": "", "too long to be looked at": string(make([]byte, 1000))} {
			_, err := s.signIn(password)
			wants(t, what, err, access.ErrWrongPassword, "login.wrong_password")
		}
		if got := s.now().Failures; got != 3 {
			t.Errorf("%d failures, want 3: wrong user names are no wrong passwords", got)
		}
		s.works()
		if got := s.now().Failures; got != 0 {
			t.Errorf("%d failures after a login", got)
		}
	})
}

// WP-006, WP-501, WP-502
func TestCertificatesAreRefused(t *testing.T) {
	worlds(t, func(w *world) {
		s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		verify := func(what string, want error) {
			t.Helper()
			_, err := w.Verify(t.Context(), over(s.cert))
			wants(t, what, err, want, "token.refused")
		}
		_, err := w.Verify(t.Context(), tls.ConnectionState{})
		wants(t, "none", err, access.ErrNoCertificate, "token.refused")

		stranger := tolemtest.NewPKI(t, pki.Options{Now: w.clock.Now})
		_, err = w.Verify(t.Context(), over(stranger.Identity(pki.Spec{CommonName: "x", Usage: pki.TLSClient, Key: pki.P256}).Cert))
		wants(t, "of another authority", err, access.ErrUntrusted, "token.refused")
		_, err = w.Verify(t.Context(), over(w.pki.Identity(pki.Spec{CommonName: "x", Usage: pki.TLSServer, Key: pki.P256}).Cert))
		wants(t, "for servers", err, access.ErrUntrusted, "token.refused")
		_, err = w.Verify(t.Context(), over(w.certificate("unregistered")))
		wants(t, "unregistered", err, access.ErrNotRegistered, "token.refused")

		actor, visitor := s.works(), s.visitor()
		w.must(w.Suspend(t.Context(), byHand, "KAPITAL", s.person.ID))
		verify("suspended person", access.ErrSuspended)
		_, err = w.SignIn(t.Context(), visitor, "l.aliyeva", s.password)
		wants(t, "suspended meanwhile", err, access.ErrSuspended, "token.refused")
		w.must(w.Resume(t.Context(), byHand, "KAPITAL", s.person.ID))
		if _, err := w.Check(t.Context(), over(s.cert), actor.Subject(), ""); !errors.Is(err, access.ErrSession) {
			t.Errorf("a session from before the suspension: %v", err)
		}
		for _, id := range []tolem.ParticipantID{"KAPITAL", "GNC01"} {
			p := tolem.Participant{ID: id, Kind: tolem.KindBank, ContractFrom: begin.AddDate(-1, 0, 0)}
			if id == "GNC01" {
				p.Kind, p.ActsFor = tolem.KindBranch, []tolem.ParticipantID{"KAPITAL"}
			}
			p.Suspended = true
			w.put(p)
			verify(string(id)+" suspended", access.ErrSuspended)
			p.Suspended = false
			w.put(p)
		}
		w.clock.Advance(pki.IdentityLifetime + time.Hour)
		w.must(w.pki.WriteCRLs(w.pki.Dir, w.clock.Now().AddDate(0, 1, 0)))
		w.must(w.trust.Refresh(t.Context()))
		verify("expired", access.ErrExpired)
	})
}

// WP-502
func TestRevokedCertificates(t *testing.T) {
	worlds(t, func(w *world) {
		s := w.hire("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		s.w.must(s.renew("parol-0001"))
		w.must(w.pki.Revoke(s.cert, pki.KeyCompromise))
		w.must(w.pki.WriteCRLs(w.pki.Dir, w.clock.Now().AddDate(0, 1, 0)))
		w.must(w.trust.Refresh(t.Context()))
		_, err := w.Verify(t.Context(), over(s.cert))
		wants(t, "revoked", err, access.ErrRevoked, "token.refused")

		w.clock.Advance(60 * 24 * time.Hour) // no list is usable any more
		_, err = w.Verify(t.Context(), over(w.certificate("new")))
		if _, refused := access.KeyOf(err); !errors.Is(err, access.ErrUnavailable) || refused {
			t.Errorf("without lists: %v", err)
		}
	})
}

// WP-507, WP-517
func TestFiveWrongPasswordsLock(t *testing.T) {
	worlds(t, func(w *world) {
		s, admin := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator), w.employ("KAPITAL", "admin", tolem.RoleBankSecurityAdmin)
		session := s.works()
		for i := range tolem.MaxWrongPasswords {
			_, err := s.signIn("wrong-0001")
			if i < tolem.MaxWrongPasswords-1 {
				wants(t, "wrong", err, access.ErrWrongPassword, "login.wrong_password")
			} else {
				wants(t, "the fifth", err, access.ErrLocked, "login.locked")
			}
		}
		_, err := s.signIn(s.password.Reveal())
		wants(t, "the right one, locked", err, access.ErrLocked, "login.locked")
		wants(t, "renewal, locked", s.renew("parol-0002"), access.ErrLocked, "login.locked")
		if _, err := w.Check(t.Context(), over(s.cert), session.Subject(), ""); !errors.Is(err, access.ErrSession) {
			t.Errorf("the session of a locked person: %v", err)
		}
		w.must(w.Unlock(t.Context(), admin.works(), "", s.person.ID))
		s.works()
	})
}

// Wrong passwords that arrive together are counted one by one: after the fifth
// nothing opens a session, however late its hash was ready.
//
// WP-507
func TestRaceForTheFifthWrongPassword(t *testing.T) {
	worlds(t, func(w *world) {
		s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		for range tolem.MaxWrongPasswords - 1 {
			if _, err := s.signIn("wrong-0001"); err == nil {
				t.Fatal("signed in")
			}
		}
		visitor := s.visitor()
		var mu sync.Mutex
		var group sync.WaitGroup
		outcomes := map[string]int{}
		const together = 10
		for i := range together {
			group.Go(func() {
				password := access.NewPassword("wrong-0001")
				if i == together/2 {
					password = s.password
				}
				_, err := w.SignIn(t.Context(), visitor, "l.aliyeva", password)
				key, _ := access.KeyOf(err)
				if err != nil && key == "" {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				outcomes[key]++
			})
		}
		group.Wait()
		if p := s.now(); p.LockedAt.IsZero() || p.Failures != tolem.MaxWrongPasswords {
			t.Errorf("not locked: %d failures, outcomes %v", p.Failures, outcomes)
		}
		// Either the right password was the first, or it came after the lock.
		if opened := outcomes[""]; outcomes["login.wrong_password"] != opened*(tolem.MaxWrongPasswords-1) || opened > 1 {
			t.Errorf("outcomes %v", outcomes)
		}
		renewal := 1
		if n := len(w.audit("KAPITAL", string(s.person.ID))); n != renewal+tolem.MaxWrongPasswords-1+together {
			t.Errorf("%d attempts are recorded, %v", n, outcomes)
		}
	})
}

// WP-018, WP-019, WP-020, WP-508, WP-509
func TestPasswordsAreDueAfterAMonth(t *testing.T) {
	worlds(t, func(w *world) {
		s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		session := s.works()
		w.clock.Set(time.Date(2026, 2, 28, 7, 59, 59, 0, time.UTC)) // set on 31 January at noon, Baku
		s.works()
		w.clock.Advance(time.Second)
		_, err := s.signIn("wrong-0001")
		wants(t, "wrong and due", err, access.ErrWrongPassword, "login.wrong_password")
		_, err = s.signIn(s.password.Reveal())
		wants(t, "due", err, access.ErrRenewDue, "login.renew_due")
		if got := s.now().Failures; got != 0 {
			t.Errorf("%d failures after the right password", got)
		}
		if _, err := w.Check(t.Context(), over(s.cert), session.Subject(), ""); err != nil {
			t.Errorf("a session that was open when the password became due: %v", err)
		}
		w.must(s.renew("parol-0002"))
		s.works()
	})
}

// WP-173, WP-174, WP-175, WP-510, WP-511, WP-512, WP-513, WP-514
func TestRenewal(t *testing.T) {
	worlds(t, func(w *world) {
		s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		session := s.works()
		renew := func(name, current, next, again string) error {
			return w.Renew(t.Context(), s.visitor(), name, access.NewPassword(current), access.NewPasswords{New: access.NewPassword(next), Again: access.NewPassword(again)})
		}
		right := s.password.Reveal()
		for _, c := range []struct {
			what, name, current, next, again string
			want                             error
			key                              string
		}{
			{"other user", "r.quliyev", right, "parol-0002", "parol-0002", access.ErrWrongUser, "login.wrong_user"},
			{"other user, and more", "r.quliyev", "x", "y", "z", access.ErrWrongUser, "login.wrong_user"},
			{"differ", "l.aliyeva", right, "parol-0002", "parol-0003", access.ErrMismatch, "password.mismatch"},
			{"short", "l.aliyeva", right, "parol-2", "parol-2", access.ErrWeak, "password.weak"},
			{"no digit", "l.aliyeva", right, "parolparol", "parolparol", access.ErrWeak, "password.weak"},
			{"no letter", "l.aliyeva", right, "12345678", "12345678", access.ErrWeak, "password.weak"},
			{"no text", "l.aliyeva", right, "parol-0\xff\xfe", "parol-0\xff\xfe", access.ErrWeak, "password.weak"},
			{"long", "l.aliyeva", right, longPassword(129), longPassword(129), access.ErrTooLong, "password.too_long"},
			{"same", "l.aliyeva", right, right, right, access.ErrSame, "password.same"},
			{"wrong", "l.aliyeva", "wrong-0001", "parol-0002", "parol-0002", access.ErrCurrentWrong, "password.current_wrong"},
			{"wrong and same", "l.aliyeva", "wrong-0001", "wrong-0001", "wrong-0001", access.ErrCurrentWrong, "password.current_wrong"},
		} {
			wants(t, c.what, renew(c.name, c.current, c.next, c.again), c.want, c.key)
		}
		if got := s.now().Failures; got != 2 {
			t.Errorf("%d failures, want 2", got)
		}
		before := s.now().PasswordAt
		w.clock.Advance(time.Hour)
		w.must(renew("L.ALIYEVA", right, longPassword(128), longPassword(128)))
		if p := s.now(); !p.PasswordAt.Equal(before.Add(time.Hour)) || p.Failures != 0 {
			t.Errorf("after the renewal: set at %v, %d failures", p.PasswordAt, p.Failures)
		}
		if _, err := s.signIn(right); !errors.Is(err, access.ErrWrongPassword) {
			t.Errorf("the old password: %v", err)
		}
		if _, err := s.signIn(longPassword(128)); err != nil {
			t.Errorf("the new password: %v", err)
		}
		if _, err := w.Check(t.Context(), over(s.cert), session.Subject(), ""); !errors.Is(err, access.ErrSession) {
			t.Errorf("a session from before the renewal: %v", err)
		}
	})
}

func longPassword(n int) string {
	b := make([]rune, n)
	for i := range b {
		b[i] = 'ə'
	}
	b[0] = '1'
	return string(b)
}

// Of two renewals one sets its password, the other then has the wrong one.
//
// WP-175, WP-510
func TestRaceOfRenewals(t *testing.T) {
	worlds(t, func(w *world) {
		s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		visitor := s.visitor()
		next := []string{"parol-1001", "parol-1002", "parol-1003"}
		errs := make([]error, len(next))
		var group sync.WaitGroup
		for i := range next {
			group.Go(func() {
				p := access.NewPassword(next[i])
				errs[i] = w.Renew(t.Context(), visitor, "l.aliyeva", s.password, access.NewPasswords{New: p, Again: p})
			})
		}
		group.Wait()
		won := -1
		for i, err := range errs {
			switch {
			case err == nil && won < 0:
				won = i
			case !errors.Is(err, access.ErrCurrentWrong):
				t.Errorf("renewal %d: %v", i, err)
			}
		}
		if won < 0 {
			t.Fatal(errs)
		}
		if _, err := s.signIn(next[won]); err != nil {
			t.Errorf("with the password that won: %v", err)
		}
	})
}

// A session goes on when its password is changed, and no other does.
//
// WP-166, WP-167, WP-168, WP-169, WP-170
func TestChangeWithinTheSession(t *testing.T) {
	worlds(t, func(w *world) {
		s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		here := s.works()
		change := func(current, next string) (access.Actor, error) {
			p := access.NewPassword(next)
			return w.ChangePassword(t.Context(), here, access.NewPassword(current), access.NewPasswords{New: p, Again: p})
		}
		_, err := change("wrong-0001", "parol-0002")
		wants(t, "wrong", err, access.ErrCurrentWrong, "password.current_wrong")
		_, err = w.ChangePassword(t.Context(), here, s.password, access.NewPasswords{New: access.NewPassword("parol-0002"), Again: access.NewPassword("parol-0003")})
		wants(t, "differ", err, access.ErrMismatch, "password.mismatch")
		after, err := change("parol-0001", "parol-0002")
		w.must(err)
		if _, err := w.Check(t.Context(), over(s.cert), after.Subject(), ""); err != nil {
			t.Errorf("the session that goes on: %v", err)
		}
		if _, err := w.Check(t.Context(), over(s.cert), here.Subject(), ""); !errors.Is(err, access.ErrSession) {
			t.Errorf("another session: %v", err)
		}
		here = after
		for i := range tolem.MaxWrongPasswords {
			_, err = change("wrong-0001", "parol-0003")
			if (i == tolem.MaxWrongPasswords-1) != errors.Is(err, access.ErrLocked) {
				t.Errorf("wrong password %d in the session: %v", i+1, err)
			}
		}
		if _, err := w.Check(t.Context(), over(s.cert), here.Subject(), ""); !errors.Is(err, access.ErrSession) {
			t.Errorf("the session of somebody who does not know the password: %v", err)
		}
	})
}

// WP-504
func TestSessionsHangOnTheCertificate(t *testing.T) {
	worlds(t, func(w *world) {
		s, other := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator), w.employ("KAPITAL", "r.quliyev", tolem.RoleOperator)
		second := w.certificate("l.aliyeva second")
		_, err := w.RegisterToken(t.Context(), byHand, "KAPITAL", s.person.ID, second)
		w.must(err)
		actor := s.works()
		if again, err := w.Check(t.Context(), over(s.cert), actor.Subject(), "10.9.9.9"); err != nil || again.Person.ID != s.person.ID || again.Workstation != "10.9.9.9" {
			t.Errorf("the session: %v, %v", again, err)
		}
		for what, c := range map[string]struct {
			cert    *staff
			subject access.Subject
		}{
			"another person's e-token": {other, actor.Subject()}, "the person's other e-token": {&staff{cert: second}, actor.Subject()},
			"no subject": {s, ""}, "a subject of something else": {s, "payment/1"},
		} {
			if _, err := w.Check(t.Context(), over(c.cert.cert), c.subject, ""); !errors.Is(err, access.ErrSession) {
				t.Errorf("%s: %v", what, err)
			}
		}
		w.must(w.RevokeToken(t.Context(), byHand, "KAPITAL", s.person.ID, tolem.FingerprintOf(s.cert.Raw)))
		_, err = w.Check(t.Context(), over(s.cert), actor.Subject(), "")
		wants(t, "after the registration was revoked", err, access.ErrNotRegistered, "token.refused")
	})
}

// A session does not come back with the certificate, when that is registered
// again to the same person.
//
// WP-504, WP-516
func TestSessionsEndWithTheRegistration(t *testing.T) {
	worlds(t, func(w *world) {
		s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
		before := s.works()
		w.must(w.RevokeToken(t.Context(), byHand, "KAPITAL", s.person.ID, before.Token.Fingerprint))
		w.clock.Advance(time.Second)
		_, err := w.RegisterToken(t.Context(), byHand, "KAPITAL", s.person.ID, s.cert)
		w.must(err)
		if _, err := w.Check(t.Context(), over(s.cert), before.Subject(), ""); !errors.Is(err, access.ErrSession) {
			t.Errorf("the session of the registration before: %v", err)
		}
		if _, err := w.Check(t.Context(), over(s.cert), s.works().Subject(), ""); err != nil {
			t.Errorf("a new one: %v", err)
		}
	})
}
