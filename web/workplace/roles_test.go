package workplace_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"tolem"
	pages "tolem/web/workplace"
)

// address fills the places of a pattern with what nobody has.
var address = strings.NewReplacer("{$}", "", "{path...}", "nowhere", "{person}", "nobody", "{token}", strings.Repeat("00", 32),
	"{number}", "1", "{basket}", "NOBASKET", "{line}", "1", "{organisation}", "NOBODY")

// Every route against every role: whom the table of rights permits it gets there,
// everybody else a page that says no. WP-024 to WP-027, WP-569
func TestEveryRouteAgainstEveryRole(t *testing.T) {
	w := newWorld(t)
	served := w.shell.Routes()
	for _, role := range tolem.Roles {
		s := w.employ("KAPITAL", tolem.UserName("u."+string(role)), role).works()
		for _, r := range pages.Routes() {
			if !slices.Contains(served, r.Pattern) {
				t.Errorf("%s is not served", r.Pattern)
			}
			if r.Public == (r.Action != "") {
				t.Errorf("%s: public is %v and the action %q", r.Pattern, r.Public, r.Action)
			}
			method, path, ok := strings.Cut(r.Pattern, " ")
			if !ok || r.Public || r.Action == tolem.ActSignOut {
				continue
			}
			a := w.ask(s.browser, method, address.Replace(path))
			if forbidden := a.status == http.StatusForbidden && strings.Contains(a.body, "İcazə yoxdur"); forbidden == role.Permits(r.Action) {
				t.Errorf("%s on %s: %d", role, r.Pattern, a.status)
			}
			if a.status == http.StatusOK && !role.Permits(r.Action) {
				t.Errorf("%s gets %s", role, r.Pattern)
			}
		}
		s.post("/logout").leads("/login?said=session.closed")
	}
	for _, pattern := range served {
		known := slices.ContainsFunc(pages.Routes(), func(r pages.Route) bool { return r.Pattern == pattern })
		if own := strings.Contains(pattern, "/static/") || pattern == "POST /language" || pattern == "POST /csp-report"; known == own {
			t.Errorf("%s is served past the table", pattern)
		}
	}
}

// Without a session every page leads to the login page. WP-022
func TestNoPageWithoutSession(t *testing.T) {
	w := newWorld(t)
	s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleOperator)
	for _, r := range pages.Routes() {
		if method, path, ok := strings.Cut(r.Pattern, " "); ok && !r.Public {
			w.ask(s.browser, method, address.Replace(path)).leads("/login")
		}
	}
	s.get("/nowhere").says(http.StatusNotFound)
}

// Everybody sees the menu of the own role. WP-024 to WP-027
func TestMenus(t *testing.T) {
	w := newWorld(t)
	shown := map[tolem.Role][]string{
		tolem.RoleOperator: {"Ödəniş əməliyyatları", "Ödənişlər", "Ödənişlərin ləğvi", "Hesabatlar", "Əməliyyatçının reyestri", "Smart kartın təfərrüatı",
			"Mədaxil qəbzi üzrə axtarış", "İdarəetmə alətləri", "Şifrənin dəyişdirilməsi", "İstifadəçi haqqında"},
		tolem.RoleBankAdmin: {"Ödəniş əməliyyatları", "Ləğvlərin təsdiqi", "İdarəetmə alətləri", "Şifrənin dəyişdirilməsi", "İstifadəçi haqqında"},
		tolem.RoleBankSecurityAdmin: {"İstifadəçilər və e-tokenlər", "Əməliyyatlar jurnalı", "İdarəetmə alətləri", "Şifrənin dəyişdirilməsi",
			"İstifadəçi haqqında"},
	}
	paths := make(map[string]bool)
	pages.Menus(func(_, path string) { paths[path] = true })
	for role, texts := range shown {
		s := w.employ("KAPITAL", tolem.UserName("u."+string(role)), role)
		s.signIn(password).leads(first[role])
		a := s.get("/user").says(200, texts...)
		_, menu, _ := strings.Cut(a.body, `<nav class="menus"`)
		menu, _, _ = strings.Cut(menu, "</nav>")
		for other, texts := range shown {
			for _, text := range texts {
				if other != role && !slices.Contains(shown[role], text) && strings.Contains(menu, ">"+text+"<") {
					t.Errorf("%s sees %s", role, text)
				}
			}
		}
		for _, path := range strings.Split(menu, `href="`)[1:] {
			path, _, _ = strings.Cut(path, `"`)
			if !paths[path] {
				t.Errorf("%s: the menu leads to %s", role, path)
			}
		}
	}
}

// Pages that read cards may call the bridge of the computer, papers may stand in
// a frame of ours, and nothing else may do either.
func TestWhatPagesMayDo(t *testing.T) {
	w := newWorld(t)
	s := w.employ("KAPITAL", "l.aliyeva", tolem.RoleAsanOperator).works()
	const bridge = "connect-src 'self' http://127.0.0.1:47123 ws://127.0.0.1:47123"
	for path, want := range map[string]struct{ bridge, framed bool }{
		"/user": {}, "/login": {}, "/password": {}, "/payments": {bridge: true}, "/cancellations": {bridge: true}, "/print/register": {framed: true},
	} {
		h := s.get(path).header
		policy := h.Get("Content-Security-Policy")
		if strings.Contains(policy, bridge) != want.bridge || strings.Contains(policy, "127.0.0.1") != want.bridge {
			t.Errorf("%s calls: %s", path, policy)
		}
		if strings.Contains(policy, "frame-ancestors 'self'") != want.framed || (h.Get("X-Frame-Options") == "SAMEORIGIN") != want.framed {
			t.Errorf("%s in a frame: %s", path, policy)
		}
		if h.Get("Cache-Control") != "no-store" || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: %v", path, h)
		}
	}
}
