package workplace_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"tolem"
	"tolem/web"
	pages "tolem/web/workplace"
)

// catalogueRow is a row of section 9 of the specification.
var catalogueRow = regexp.MustCompile("(?m)^\\| `([a-z0-9_.]+)` \\| [^|]+ \\| ([^|]+) \\|")

// Every page in every language has all its texts, and says in which language it
// is. WP-592
func TestEveryPageInEveryLanguage(t *testing.T) {
	w := newWorld(t)
	site, err := url.Parse(w.URL)
	w.must(err)
	for _, role := range tolem.Roles {
		s := w.employ("KAPITAL", tolem.UserName("u."+string(role)), role).works()
		for _, l := range pages.Languages {
			s.browser.Jar.SetCookies(site, []*http.Cookie{{Name: "__Host-language", Value: string(l), Path: "/", Secure: true}})
			own := texts(t, l)
			for _, r := range pages.Routes() {
				path, get := strings.CutPrefix(r.Pattern, "GET ")
				if !get || r.Pattern == "GET /{$}" || !r.Public && !role.Permits(r.Action) {
					continue
				}
				if strings.HasPrefix(path, "/payments/") || strings.HasPrefix(path, "/print/") {
					continue // a page of a basket: see TestPaymentsInEveryLanguage
				}
				path = strings.NewReplacer("{person}", string(s.person.ID)).Replace(path)
				if strings.Contains(path, "{") {
					continue // what is about a payment has tests of its own
				}
				a := s.get(path)
				if strings.HasPrefix(path, "/payments/") && (a.status == http.StatusSeeOther || a.header.Get("Content-Type") == "application/json") {
					continue // nothing is in the basket yet; or a script asks
				}
				if r.Pattern == "GET /login" {
					a.leads(first[role])
					continue
				}
				if strings.HasPrefix(path, "/print/") {
					a.says(http.StatusOK, `<html lang="`+string(l)+`">`, own["paper.sandbox"])
					continue
				}
				a.says(http.StatusOK, `<html lang="`+string(l)+`">`, own["app.title"], own["site.sandbox"])
			}
		}
	}
}

// The language is Azerbaijani whatever a browser asks for, until somebody
// chooses; and then the page is the same as before, with its search. WP-592
func TestLanguage(t *testing.T) {
	w := newWorld(t)
	chief := w.employ("KAPITAL", "s.memmedov", tolem.RoleBankSecurityAdmin).works()
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/user", nil)
	w.must(err)
	r.Header.Set("Accept-Language", "ru,en;q=0.8")
	got, err := chief.browser.Do(r)
	w.must(err)
	got.Body.Close()
	if l := got.Header.Get("Content-Language"); l != "az" {
		t.Errorf("%s", l)
	}
	chief.get("/people?text=memm").says(200, `name="back" value="/people?text=memm"`)
	chief.post("/language", "language", "ru", "back", "/people?text=memm").leads("/people?text=memm")
	chief.get("/people?text=memm").says(200, "Пользователи и e-token", "s.memmedov")
}

// The texts are those of the specification. WP-592
func TestCatalogueOfTheSpecification(t *testing.T) {
	spec, err := os.ReadFile("testdata/catalogue.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := catalogueRow.FindAllStringSubmatch(string(spec), -1)
	az := texts(t, web.Azerbaijani)
	if len(rows) < 100 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		if want := strings.Replace(row[2], "XXX", "{amount}", 1); az[row[1]] != want {
			t.Errorf("%s is %q, want %q", row[1], az[row[1]], want)
		}
	}
}
