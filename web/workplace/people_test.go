package workplace_test

import (
	"encoding/base64"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tolem"
	"tolem/access"
	"tolem/internal/pki"
	"tolem/internal/tolemtest"
)

var shownSecret = regexp.MustCompile(`class="sum secret">([^<]+)<`)

// The security administrator adds an operator, who gets to work: temporary
// password, e-token, renewal, login; and is changed, suspended, taken back, and
// helped. WP-515 to WP-518
func TestSecurityAdministrator(t *testing.T) {
	w := newWorld(t)
	chief := w.employ("KAPITAL", "s.memmedov", tolem.RoleBankSecurityAdmin).works()
	chief.get("/people/new").says(200, "Gəncə filialı", "ASAN xidmət №1", "Əməliyyatçı", "Bankın administratoru").lacks("Quba", `value="bank-security-admin"`)
	profile := []string{"user", "N.Hesenova", "first-name", "Nigar", "surname", "Həsənova", "role", "operator", "branch", "GNC01", "asan-point", "ASAN1"}
	with := func(field, value string) []string {
		changed := append([]string(nil), profile...)
		for i := 0; i < len(changed); i += 2 {
			if changed[i] == field {
				changed[i+1] = value
			}
		}
		return changed
	}
	for _, wrong := range [][]string{with("user", "n"), with("first-name", ""), with("branch", ""), with("branch", "QBA01"), with("role", "king")} {
		chief.post("/people/new", wrong...).says(422, "Məlumatlar düzgün deyil", "Həsənova")
	}
	chief.post("/people/new", with("role", "bank-security-admin")...).says(http.StatusForbidden)
	chief.post("/people/new", with("user", "s.memmedov")...).says(422, "artıq mövcuddur")
	a := chief.post("/people/new", profile...).says(200, "Nigar Həsənova", "n.hesenova", "Müvəqqəti şifrə")
	found := shownSecret.FindStringSubmatch(a.body)
	if found == nil {
		t.Fatal(a.main())
	}
	_, rest, _ := strings.Cut(a.main(), `href="/people/`)
	id, _, _ := strings.Cut(rest, `"`)
	page := "/people/" + id
	chief.get(page).says(200, "Müvəqqəti şifrə", "Qeydiyyata alınmış sertifikat yoxdur").lacks(found[1])

	nigar := &staff{w: w, token: w.token("n.hesenova"), password: found[1]}
	nigar.person.UserName = "n.hesenova"
	nigar.browser = w.browser(nigar.token)
	for _, wrong := range []string{"", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"} {
		chief.post(page+"/tokens", "certificate", wrong).says(422, "Sertifikat oxunmur", html.EscapeString(wrong))
	}
	chief.post(page+"/tokens", "certificate", string(w.foreignCert())).says(422, "e-token üçün yararsızdır")
	chief.post(page+"/tokens", "certificate", string(chief.token.CertPEM())).says(422, "artıq qeydiyyatdan keçmişdir")
	chief.post(page+"/tokens", "certificate", base64.StdEncoding.EncodeToString(nigar.token.Cert.Raw)).leads(page + "?said=people.token_registered")
	nigar.signIn(nigar.password).says(422, "Şifrə yenilənməlidir")
	nigar.post("/renew", "user", "n.hesenova", "password", nigar.password, "new", password, "again", password).leads("/login?said=password.changed")
	nigar.signIn(password).leads("/payments")
	nigar.get("/user").says(200, "ASAN-əməliyyatçı")

	// another place ends the session
	chief.post(page+"/profile", with("asan-point", "")...).leads(page + "?said=people.changed")
	nigar.get("/user").leads("/login?said=session.over")
	chief.post(page+"/profile", with("surname", "")...).says(422, "Məlumatlar düzgün deyil")
	chief.get("/people?text=H%C6%8FS%C6%8FNOVA").says(200, "Həsənova Nigar").lacks("s.memmedov")
	chief.get("/people?branch=GNC01").says(200, "Həsənova Nigar").lacks("s.memmedov")
	chief.get("/people?text=nobody").says(200, "Heç kim tapılmadı")

	chief.post(page + "/suspend").leads(page + "?said=people.suspended")
	nigar.get("/login").says(http.StatusForbidden)
	chief.get(page).says(200, "Dayandırılıb", page+"/resume")
	chief.post(page + "/resume").leads(page + "?said=people.resumed")
	nigar.signIn(password).leads("/payments")

	a = chief.post(page+"/password").says(200, "Müvəqqəti şifrə")
	nigar.get("/user").leads("/login?said=session.over")
	nigar.signIn(shownSecret.FindStringSubmatch(a.body)[1]).says(422, "Şifrə yenilənməlidir")

	revoke := regexp.MustCompile(page + `/tokens/[0-9a-f]+/revoke`).FindString(chief.get(page).body)
	chief.post(revoke).leads(page + "?said=people.token_revoked")
	chief.post(revoke).says(422, "belə e-tokeni yoxdur")
	chief.post(page + "/tokens/xyz/revoke").says(http.StatusNotFound)
	nigar.get("/login").says(http.StatusForbidden, "Sertifikat qeydiyyatdan keçirilməmişdir")

	chief.get("/audit").says(200, "Sertifikatın ləğvi", "Nigar Həsənova", "Şifrə yenilənməlidir", "Yerinə yetirilib", "127.0.0.1")
	chief.get("/audit?person="+id).says(200, "Şifrənin yenilənməsi").lacks("Sertifikatın ləğvi")
	chief.get("/audit?day=2026-11-01").says(200, "qeyd yoxdur")
	chief.get("/audit?day=nonsense&number=x").says(200, "Daxil olma")
}

func (w *world) foreignCert() []byte {
	return w.pki.Identity(pki.Spec{CommonName: "server", Usage: pki.TLSServer, Key: pki.P256, Hosts: []string{"localhost"}}).CertPEM()
}

// Another bank's people are not there, and nobody helps the own person.
func TestSecurityAdministratorOfOneBank(t *testing.T) {
	w := newWorld(t)
	chief, other := w.employ("KAPITAL", "s.memmedov", tolem.RoleBankSecurityAdmin).works(), w.employ("RABITA", "l.aliyeva", tolem.RoleOperator)
	own := "/people/" + string(chief.person.ID)
	chief.get("/people").says(200, "s.memmedov").lacks("l.aliyeva", "Quba")
	theirs := "/people/" + string(other.person.ID)
	chief.get(theirs).says(http.StatusNotFound, "İstifadəçi tapılmadı")
	for _, what := range []string{"/suspend", "/resume", "/unlock", "/password", "/profile", "/tokens"} {
		fields := []string{"user", "l.aliyeva", "first-name", "Lalə", "surname", "Əliyeva", "role", "bank-admin"}
		if what == "/tokens" {
			fields = []string{"certificate", string(w.token("x").CertPEM())}
		}
		chief.post(theirs+what, fields...).says(http.StatusNotFound)
		chief.post(own+what, fields...).says(422, "Öz məlumatlarınızı dəyişdirə bilməzsiniz")
	}
	chief.get(own).says(200).lacks("/suspend", "/tokens\"")
}

// A list that was audited is paged.
func TestAuditIsPaged(t *testing.T) {
	w := newWorld(t)
	chief := w.employ("KAPITAL", "s.memmedov", tolem.RoleBankSecurityAdmin).works()
	by := access.Actor{Person: chief.person, Workstation: "10.1.2.3"}
	for range 101 {
		w.must(w.Record(t.Context(), by, access.Event{Action: tolem.ActPrint, Outcome: access.OutcomeOK}))
	}
	a := chief.get("/audit").says(200, "Növbəti səhifə")
	next := regexp.MustCompile(`href="(/audit\?[^"]+)"`).FindStringSubmatch(a.main())
	chief.get(html.UnescapeString(next[1])).says(200).lacks("Növbəti səhifə")
}

// An address that is no text is no page, whichever database is asked.
func TestAddressesThatAreNoText(t *testing.T) {
	tolemtest.Databases(t, func(t *testing.T, dsn string) {
		w := newWorldOn(t, dsn)
		chief := w.employ("KAPITAL", "s.memmedov", tolem.RoleBankSecurityAdmin).works()
		for _, path := range []string{"/people/%00", "/people/%ff", "/audit?person=%00", "/audit?actor=%ff"} {
			chief.get(path).says(http.StatusNotFound)
		}
	})
}
