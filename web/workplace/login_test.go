package workplace_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"tolem"
	"tolem/internal/pki"
)

// Without a certificate that may come in there is no page, only the message;
// without any there is not even a connection. WP-006, WP-501, WP-502
func TestCertificates(t *testing.T) {
	w := newWorld(t)
	lale := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
	refused := func(why string, s *staff, id *pki.Identity) {
		t.Helper()
		browser := s.browser
		if id != nil {
			browser = w.browser(id)
		}
		for _, path := range []string{"/", "/login", "/renew", "/help", "/user", "/people", "/nowhere", "/print/receipts/1"} {
			a := w.ask(browser, "GET", path).says(http.StatusForbidden, "Sertifikat qeydiyyatdan keçirilməmişdir")
			a.lacks("Daxil olun", "Əsas menyu", "Səhifə")
			if strings.Contains(a.main(), "<a ") {
				t.Errorf("%s: the page leads on", why)
			}
		}
		w.ask(browser, "POST", "/login", "user", "l.aliyeva", "password", password).says(http.StatusForbidden, "Sertifikat qeydiyyatdan keçirilməmişdir")
	}
	if _, err := w.browser(nil).Get(w.URL + "/login"); err == nil {
		t.Error("a connection without a certificate")
	}
	refused("unregistered", new(staff), w.token("stranger"))

	foreign := foreignToken(t, w)
	refused("of another authority", new(staff), foreign)

	lale.works().get("/user").says(200, "Əliyeva")
	w.pki.Withdraw(lale.token, pki.KeyCompromise, begin.AddDate(1, 0, 0))
	w.reopenTrust()
	refused("revoked", lale, nil)

	orxan := w.employ("KAPITAL", "o.quliyev", tolem.RoleOperator)
	orxan.works()
	card, err := w.Card(t.Context(), byHand, "KAPITAL", orxan.person.ID)
	w.must(err)
	w.must(w.RevokeToken(t.Context(), byHand, "KAPITAL", orxan.person.ID, card.Tokens[0].Fingerprint))
	refused("the registration has ended", orxan, nil)

	nigar := w.employ("KAPITAL", "n.hesenova", tolem.RoleOperator)
	w.must(w.Suspend(t.Context(), byHand, "KAPITAL", nigar.person.ID))
	refused("suspended", nigar, nil)

	elcin := w.employ("KAPITAL", "e.babayev", tolem.RoleOperator)
	w.clock.Set(elcin.token.Cert.NotAfter.Add(time.Minute))
	w.must(w.pki.WriteCRLs(w.pki.Dir, w.clock.Now().AddDate(1, 0, 0)))
	w.reopenTrust()
	refused("expired", elcin, nil)
}

// foreignToken is a certificate of an authority that nobody here trusts.
func foreignToken(t *testing.T, w *world) *pki.Identity {
	t.Helper()
	other, err := pki.New(pki.Options{Now: w.clock.Now})
	w.must(err)
	id, err := other.Issue(pki.Spec{CommonName: "l.aliyeva", Usage: pki.TLSClient, Key: pki.P256})
	w.must(err)
	return id
}

// While no revocation list can be used nothing is told of the certificate.
func TestRevocationListsAreNeeded(t *testing.T) {
	w := newWorld(t)
	lale := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
	w.must(w.pki.WriteCRLs(w.pki.Dir, begin.Add(time.Hour)))
	w.reopenTrust()
	w.clock.Advance(2 * time.Hour)
	lale.get("/login").says(http.StatusServiceUnavailable, "yoxlanıla bilmir").lacks("Daxil olun")
}

// WP-011 to WP-017, WP-019, WP-172, WP-503, WP-506, WP-509
func TestLogin(t *testing.T) {
	w := newWorld(t)
	lale, orxan := w.hire("KAPITAL", "l.aliyeva", tolem.RoleOperator), w.employ("KAPITAL", "o.quliyev", tolem.RoleOperator)
	lale.get("/").leads("/login")
	empty := func(a answer) {
		t.Helper()
		if strings.Contains(a.main(), "value=") {
			t.Errorf("a field is not empty: %s", a.main())
		}
		if len(a.header.Values("Set-Cookie")) > 0 {
			t.Error("a session")
		}
	}
	a := lale.get("/login").says(200, `name="user"`, `name="password"`, "İstifadəçi adı", "Şifrə", "Daxil olun", "Şifrəni yenilə", "Sizə kömək lazımdır?", `href="/renew"`, `href="/help"`)
	empty(a)
	empty(lale.post("/login", "user", "nobody", "password", lale.password).says(422, "İstifadəçi adı yanlışdır", `role="alert"`, "Daxil olun"))
	empty(lale.post("/login", "user", "o.quliyev", "password", password).says(422, "İstifadəçi adı yanlışdır"))
	empty(lale.signIn("parol-0002").says(422, "Şifrə yanlışdır"))
	// the temporary password is right and due: no session (WP-518)
	empty(lale.signIn(lale.password).says(422, "Şifrə yenilənməlidir", `href="/renew"`))
	lale.get("/user").leads("/login")

	orxan.signIn(password).leads("/payments")
	orxan.get("/login").leads("/payments")
	orxan.get("/").leads("/payments")
	orxan.get("/user").says(200, "Lalə Əliyeva", "Çıxış")
}

// WP-507, WP-517
func TestFiveWrongPasswordsLock(t *testing.T) {
	w := newWorld(t)
	lale, chief := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator), w.employ("KAPITAL", "s.memmedov", tolem.RoleBankSecurityAdmin)
	for range 4 {
		lale.signIn("parol-0002").says(422, "Şifrə yanlışdır")
	}
	lale.signIn("parol-0002").says(422, "İstifadəçi bloklanmışdır")
	lale.signIn(password).says(422, "İstifadəçi bloklanmışdır")
	page := "/people/" + string(lale.person.ID)
	chief.works().get(page).says(200, "Bloklanıb", page+"/unlock")
	chief.post(page + "/unlock").leads(page + "?said=people.unlocked")
	chief.get(page+"?said=people.unlocked").says(200, "Blok açıldı").lacks("/unlock\"")
	lale.signIn(password).leads("/payments")
}

// WP-018, WP-019, WP-020, WP-173 to WP-175, WP-508 to WP-514
func TestRenewal(t *testing.T) {
	w := newWorld(t)
	lale := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
	w.clock.Advance(31 * 24 * time.Hour)
	w.must(w.pki.WriteCRLs(w.pki.Dir, w.clock.Now().AddDate(1, 0, 0)))
	w.reopenTrust()
	lale.signIn(password).says(422, "Şifrə yenilənməlidir")
	lale.get("/renew").says(200, "İstifadəçi adı", "Şifrə", "Yeni şifrə", "Yeni şifrənin təkrarı", "Şifrəni yenilə")
	renew := func(user, current, next, again string) answer {
		t.Helper()
		return lale.post("/renew", "user", user, "password", current, "new", next, "again", again)
	}
	renew("nobody", password, "parol-0002", "parol-0002").says(422, "İstifadəçi adı yanlışdır")
	renew("l.aliyeva", "wrong-0001", "parol-0002", "parol-0002").says(422, "Əvvəlki şifrə yanlışdır")
	renew("l.aliyeva", password, "parol-0002", "parol-0003").says(422, "Yeni şifrə və onun təkrarı üst-üstə düşmür").lacks("parol-")
	renew("l.aliyeva", password, password, password).says(422, "Yeni şifrə əvvəlki şifrədən fərqli olmalıdır")
	renew("l.aliyeva", password, "parol", "parol").says(422, "ən azı 8 simvol")
	renew("l.aliyeva", password, strings.Repeat("a1", 65), strings.Repeat("a1", 65)).says(422, "128 simvoldan")
	renew("l.aliyeva", password, "parol-0002", "parol-0002").leads("/login?said=password.changed")
	lale.get("/login?said=password.changed").says(200, "Şifrə müvəffəqiyyətlə dəyişdirildi", "Daxil olun")
	lale.signIn("parol-0002").leads("/payments")
}

// WP-023, WP-176
func TestHelp(t *testing.T) {
	w := newWorld(t)
	lale := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
	lale.get("/help").says(200, "bankınızın təhlükəsizlik inzibatçısına müraciət edin", "HÖP Bank əməliyyatçısının iş yeri", "PİN:", `href="/login"`)
}

// WP-504: the cookie of a session opens nothing over a connection with another
// certificate, not even one of the same person.
func TestSessionIsBoundToTheCertificate(t *testing.T) {
	w := newWorld(t)
	lale, orxan := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator), w.employ("KAPITAL", "o.quliyev", tolem.RoleOperator)
	second := w.token("l.aliyeva")
	_, err := w.RegisterToken(t.Context(), byHand, "KAPITAL", lale.person.ID, second.Cert)
	w.must(err)
	for _, other := range []*pki.Identity{orxan.token, second} {
		lale.works().get("/user").says(200)
		thief := w.browser(other)
		thief.Jar = lale.browser.Jar
		w.ask(thief, "GET", "/user").leads("/login?said=session.over")
		// and it is over for the owner too: the cookie has been elsewhere
		lale.get("/user").leads("/login")
	}
}

// WP-519
func TestSessionEndsWhenNobodyWorks(t *testing.T) {
	w := newWorld(t)
	lale := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator).works()
	for range 3 {
		w.clock.Advance(15*time.Minute - time.Second)
		lale.get("/user").says(200)
	}
	w.clock.Advance(15*time.Minute + time.Second)
	lale.get("/user").leads("/login?said=session.over")
	lale.get("/login?said=session.over").says(200, "Sessiya başa çatmışdır")
	lale.get("/user").leads("/login")

	lale.works()
	for range 12 * 6 {
		w.clock.Advance(10 * time.Minute)
		lale.get("/user")
	}
	w.clock.Advance(time.Minute)
	lale.get("/user").leads("/login?said=session.over")
}

// WP-022, WP-520: who has the cookie of a session that was closed has nothing.
func TestLogout(t *testing.T) {
	w := newWorld(t)
	chief := w.employ("KAPITAL", "s.memmedov", tolem.RoleBankSecurityAdmin).works()
	thief := w.browser(chief.token)
	at, err := http.NewRequest("GET", w.URL, nil)
	w.must(err)
	thief.Jar.SetCookies(at.URL, chief.browser.Jar.Cookies(at.URL))
	w.ask(thief, "GET", "/user").says(200)
	chief.get("/user").says(200, `action="/logout"`)
	chief.post("/logout").leads("/login?said=session.closed")
	chief.get("/login?said=session.closed").says(200, "Moduldan çıxdınız", "Daxil olun")
	chief.get("/user").leads("/login")
	w.ask(thief, "GET", "/user").leads("/login?said=session.over")
	chief.get("/logout").says(http.StatusNotFound)
}

// WP-166 to WP-170, WP-510 to WP-513
func TestChangeOfPassword(t *testing.T) {
	w := newWorld(t)
	lale := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator).works()
	elsewhere := w.browser(lale.token)
	w.ask(elsewhere, "POST", "/login", "user", "l.aliyeva", "password", password).leads("/payments")
	lale.get("/password").says(200, "Şifrənin dəyişdirilməsi", "Əvvəlki şifrə", "Yeni şifrə", "Yeni şifrənin təkrarı", "Şifrəni yenilə")
	change := func(current, next, again string) answer {
		t.Helper()
		return lale.post("/password", "password", current, "new", next, "again", again)
	}
	change("wrong-0001", "parol-0002", "parol-0002").says(422, "Əvvəlki şifrə yanlışdır")
	change(password, "parol-0002", "parol-0003").says(422, "üst-üstə düşmür")
	change(password, password, password).says(422, "fərqli olmalıdır")
	change(password, "12345678", "12345678").says(422, "ən azı 8 simvol")
	change(password, "parol-0002", "parol-0002").leads("/password?said=password.changed")
	lale.get("/password?said=password.changed").says(200, "Şifrə müvəffəqiyyətlə dəyişdirildi")
	w.ask(elsewhere, "GET", "/user").leads("/login?said=session.over")
	for range 4 {
		change("wrong-0001", "parol-0003", "parol-0003").says(422, "Əvvəlki şifrə yanlışdır")
	}
	change("wrong-0001", "parol-0003", "parol-0003").leads("/login?said=session.over")
	lale.signIn("parol-0002").says(422, "İstifadəçi bloklanmışdır")
}

// WP-021, WP-171, WP-591
func TestUserInfo(t *testing.T) {
	w := newWorld(t)
	lale := w.employ("KAPITAL", "l.aliyeva", tolem.RoleAsanOperator).works()
	lale.get("/user").says(200, "İstifadəçi haqqında", "Lalə Əliyeva", "ASAN-əməliyyatçı", "Lalə", "Əliyeva", "l.aliyeva", "Kapital Bank", "Gəncə filialı",
		"ASAN xidmət №1", "Sertifikatın bitmə tarixi", lale.token.Cert.NotAfter.In(w.shell.Location).Format("02.01.2006 15:04"), "02.11.2026 12:00")
	w.employ("KAPITAL", "o.quliyev", tolem.RoleOperator).works().get("/user").says(200, "ASAN-əməliyyatçı deyil").lacks("ASAN xidmət №1")
}

// What is typed and who it is stays out of the log.
func TestLogKnowsNobody(t *testing.T) {
	w := newWorld(t)
	lale := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator).works()
	lale.get("/user")
	for _, secret := range []string{"aliyeva", "Əliyeva", "parol", string(lale.person.ID)} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log knows %s", secret)
		}
	}
	if v := w.Server.TLS.ClientAuth; v != tls.RequireAnyClientCert {
		t.Error(v)
	}
}
