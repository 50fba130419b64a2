package checkout_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tolem/web"
)

// A merchant's redirect brings its buyer to the page as a link does: once, with
// a session, and with nothing of it in the address. ACQ-003
func TestMerchantsRedirect(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, false)
	redirect := "/pay/order?merchant=SHOP&order=" + url.QueryEscape(token)
	for range 2 { // the browser that came finds its page again
		if a := p.see(p.get(redirect), http.StatusSeeOther); a.Header.Get("Location") != "/pay" {
			t.Errorf("it leads to %q", a.Header.Get("Location"))
		}
	}
	p.see(p.get("/pay"), http.StatusOK, `id="pay"`)
	other := s.visit(t, false)
	other.see(other.get(redirect, "Accept-Language", "en"), http.StatusGone, "already used")
	other.see(other.get("/pay"), http.StatusForbidden)
	if strings.Contains(s.log.String(), "SHOP") {
		t.Error("the log holds the redirect")
	}
}

// A program that looks ahead uses nothing up; what cannot be read is not handed
// on.
func TestRedirectThatIsNone(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, false)
	good := "/pay/order?order=" + url.QueryEscape(token)
	p.see(p.get(good, "Sec-Purpose", "prefetch"), http.StatusServiceUnavailable)
	p.see(p.do(http.MethodHead, good, nil), http.StatusServiceUnavailable)
	for _, bad := range []string{"order=%zz", "order=a;b", "order=" + strings.Repeat("a", 4096)} {
		p.see(p.get("/pay/order?"+bad, "Accept-Language", "en"), http.StatusBadRequest, "not what the shop signed")
	}
	p.see(p.get("/pay/order", "Accept-Language", "en"), http.StatusNotFound)
	p.see(p.get(good), http.StatusSeeOther)
}

// Each refusal has a page that says in each language what is with the money, and
// no way on that does not exist. ACQ-P05 to ACQ-P07
func TestRefusedRedirectIsTold(t *testing.T) {
	status := map[string]int{
		"altered": http.StatusBadRequest, "paid": http.StatusConflict, "differs": http.StatusConflict, "terms": http.StatusUnprocessableEntity,
		"merchant": http.StatusNotFound, "unverifiable": http.StatusServiceUnavailable, "expired": http.StatusGone,
	}
	nothing := map[web.Language]string{"kk": "алынған жоқ", "ru": "не списаны", "en": "No money has been taken", "az": "Pul tutulmayıb", "uz": "Pul yechilmadi"}
	s := openWith(t, due(), options{languages: web.Languages})
	p := s.visit(t, false)
	for name, want := range status {
		seen := make(map[string]bool)
		for _, l := range web.Languages {
			a := p.see(p.get("/pay/order?order="+name, "Accept-Language", string(l)), want, `<html lang="`+string(l)+`">`)
			if text := nothing[l]; name != "unverifiable" && name != "paid" && !strings.Contains(a.body, text) {
				t.Errorf("%s in %s does not say %q", name, l, text)
			}
			if strings.Contains(a.body, `href="/pay"`) && want != http.StatusServiceUnavailable {
				t.Errorf("%s in %s leads to a page that is not there", name, l)
			}
			seen[a.body] = true
		}
		if len(seen) != len(web.Languages) {
			t.Errorf("%s is told in %d ways", name, len(seen))
		}
	}
}
