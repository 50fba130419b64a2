package checkout_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tolem"
	"tolem/web"
	"tolem/web/checkout"
)

func copyAll(w io.Writer, r io.Reader) (int64, error) { return io.Copy(w, r) }

// The link is spent, the address forgets it, and the cookie is a safe one.
// GW-032, ACQ-003, ACQ-007
func TestLinkOpensThePageOnce(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, false)
	a := p.see(p.get("/pay/"+token), http.StatusSeeOther)
	if a.Header.Get("Location") != "/pay" {
		t.Errorf("sent to %q", a.Header.Get("Location"))
	}
	cookie := a.Header.Get("Set-Cookie")
	for _, want := range []string{"__Host-pay=", "Path=/", "Secure", "HttpOnly", "SameSite=Lax"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie without %s: %s", want, cookie)
		}
	}
	p.see(p.get("/pay"), http.StatusOK, "1\u00a0200,00\u00a0₸", "EG-2026-0117733")

	p.see(p.get("/pay/"+token), http.StatusSeeOther) // its own browser finds the page again
	other := s.visit(t, false)
	other.see(other.get("/pay/"+token, "Accept-Language", "en"), http.StatusGone, "already used", "do not pay again")
	other.see(other.get("/pay/expired", "Accept-Language", "en"), http.StatusGone, "expired", "No money has been taken")
	other.see(other.get("/pay/nonsense", "Accept-Language", "ru"), http.StatusNotFound, "Деньги не списаны")
	other.see(other.get("/pay/"+strings.Repeat("x", 600)), http.StatusNotFound)
	other.see(other.get("/pay"), http.StatusForbidden)
	if strings.Contains(s.log.String(), token) {
		t.Error("the token is in the log")
	}
}

// A program that looks at the link before the payer does not use it up.
func TestPreviewDoesNotSpendTheLink(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, false)
	p.do(http.MethodHead, "/pay/"+token, nil)
	p.get("/pay/"+token, "Sec-Purpose", "prefetch;prerender")
	p.see(p.get("/pay/"+token), http.StatusSeeOther)
}

// GW-079 to GW-082, ACQ-008 to ACQ-012, ACQ-P02
func TestCardIsPaidOnce(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, true)
	p.see(p.post("/pay", card()...), http.StatusSeeOther)
	if want := rawPAN + "|AIGERIM SERIKKYZY|737"; len(s.core.cards) != 1 || s.core.cards[0] != want {
		t.Fatalf("the bank was given %q", s.core.cards)
	}
	p.see(p.get("/pay", "Accept-Language", "en"), http.StatusOK, "Do not pay again", "411111******1111")

	var all sync.WaitGroup
	for range 8 { // double click, reload, back and forward
		all.Go(func() { p.see(p.post("/pay", card()...), http.StatusSeeOther) })
	}
	all.Wait()
	p.see(p.get("/pay/again"), http.StatusSeeOther)
	p.see(p.post("/pay/cancel"), http.StatusSeeOther)
	p.see(p.post("/pay/language", "language", "ru"), http.StatusSeeOther)
	if len(s.core.cards) != 1 || s.core.cancelled != 0 {
		t.Errorf("%d attempts, %d cancelled", len(s.core.cards), s.core.cancelled)
	}
}

// GW-097, GW-098
func TestAccountIsPaid(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, true)
	p.see(p.post("/pay", "method", "ACCOUNT", "bank", "KASPI", "account", "kz86-125k zt50 0410 0100"), http.StatusSeeOther)
	if len(s.core.accounts) != 1 || s.core.accounts[0] != "KASPI|KZ86125KZT5004100100" {
		t.Errorf("the bank was given %q", s.core.accounts)
	}
}

// ACQ-P03: what is wrong is told at the field, in the order of the page.
func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		fields []string
		marked []string
	}{
		"nothing":           {[]string{"method", "CARD"}, []string{"card-number", "card-expiry", "card-cvc", "card-holder"}},
		"check digit":       {card("card-number", "4111111111111112"), []string{"card-number"}},
		"expired":           {card("card-expiry", "10/26"), []string{"card-expiry"}},
		"cyrillic name":     {card("card-holder", "АЙГЕРІМ"), []string{"card-holder"}},
		"long code":         {card("card-cvc", "73737"), []string{"card-cvc"}},
		"no method":         {[]string{"method", "CASH"}, []string{"method"}},
		"no bank":           {[]string{"method", "ACCOUNT", "account", goodIBN}, []string{"bank"}},
		"foreign bank":      {[]string{"method", "ACCOUNT", "bank", "EVIL", "account", goodIBN}, []string{"bank"}},
		"IBAN check digits": {[]string{"method", "ACCOUNT", "bank", "KASPI", "account", "KZ87125KZT5004100100"}, []string{"account"}},
		"short IBAN":        {[]string{"method", "ACCOUNT", "bank", "KASPI", "account", "KZ86125KZT50"}, []string{"account"}},
		"card as account":   {[]string{"method", "ACCOUNT", "bank", "KASPI", "account", goodPAN}, []string{"account"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, due())
			p := s.visit(t, true)
			a := p.see(p.post("/pay", c.fields...), http.StatusUnprocessableEntity)
			at := -1
			for _, field := range c.marked {
				link := `<li><a href="#` + strings.Replace(field, "method", "method-card", 1) + `">`
				next := strings.Index(a.body, link)
				if next <= at {
					t.Errorf("%s is not told, or not in its order", field)
				}
				at = next
			}
			if n := strings.Count(a.body, "<li><a href=\"#"); n != len(c.marked) {
				t.Errorf("%d mistakes are told", n)
			}
			if len(s.core.cards)+len(s.core.accounts) != 0 {
				t.Error("the bank was called")
			}
		})
	}
}

// Card data that were typed are nowhere afterwards, whatever field they went
// into and however the request ended. ACQ-011, ACQ-013
func TestCardDataAreNotShownAgain(t *testing.T) {
	fields := []string{"card-number", "card-expiry", "card-holder", "card-cvc", "account", "bank", "method", "language", "unknown-field"}
	for _, secret := range []string{rawPAN, goodPAN, "4111 1111 1111 1111 737", "9137"} {
		s := open(t, due())
		p := s.visit(t, true)
		look := func(a answer) {
			t.Helper()
			for _, text := range []string{a.body, a.Header.Get("Location"), s.log.String()} {
				if strings.Contains(text, secret) {
					t.Errorf("%q is shown again by %s", secret, a.Request.URL.Path)
				}
			}
		}
		for _, field := range fields {
			for _, method := range []string{"CARD", "ACCOUNT"} {
				form := []string{"method", method, "card-number", "1", field, secret}
				if secret == "9137" && field == "account" {
					continue // four digits may begin an account
				}
				look(p.post("/pay", form...))
				look(p.post("/pay/language", form...))
				look(p.post("/language", form...))
			}
		}
		look(p.get("/pay?card-number=" + url.QueryEscape(secret)))
		look(p.post("/pay?card-number="+url.QueryEscape(secret), "method", "CARD"))
		look(p.get("/" + url.PathEscape(secret)))
		s.core.fail = errors.New("the database is away")
		look(p.post("/pay", card("card-number", secret)...))
	}
}

// Two payments in two tabs: the form that was opened first pays neither its own
// payment nor, unseen, the other. GW-081
func TestFormPaysWhatItShows(t *testing.T) {
	s := open(t, due())
	other := due()
	other.Amount.Minor = 99_000_000
	s.core.views["P-2"], s.core.links["second"] = &other, "P-2"
	p := s.visit(t, true)
	p.see(p.get("/pay/second"), http.StatusSeeOther)
	for _, path := range []string{"/pay", "/pay/cancel", "/pay/language"} {
		p.see(p.post(path, append(card(), "language", "en")...), http.StatusConflict)
	}
	p.see(p.post("/pay", append(card(), "payment", "")...), http.StatusConflict, "No money has been taken")
	if len(s.core.cards)+s.core.cancelled != 0 {
		t.Error("something was done")
	}
	p.see(p.post("/pay", append(card(), "payment", checkout.MarkOf("P-2"))...), http.StatusSeeOther)
	if s.core.views["P-2"].State != tolem.AttemptSent || s.core.views[payment].State != tolem.AttemptRedirected {
		t.Error("the wrong payment")
	}
}

// The switch keeps what was typed, save card data.
func TestLanguageKeepsWhatWasTyped(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, true)
	a := p.see(p.post("/pay/language", "language", "ru", "method", "ACCOUNT", "card-number", goodPAN, "card-cvc", "737", "card-holder", "AIGERIM", "bank", "KASPI", "account", "KZ86 125K"),
		http.StatusOK, `<html lang="ru">`, `value="AIGERIM"`, `value="KZ86 125K"`, `value="KASPI" selected`, `value="ACCOUNT" checked`)
	if strings.Contains(a.body, "4111") || strings.Contains(a.body, "737") {
		t.Error("card data are kept")
	}
	p.see(p.get("/pay"), http.StatusOK, `<html lang="ru">`)
	p.see(p.post("/language", "language", "en", "back", "/pay"), http.StatusSeeOther)
	p.see(p.get("/pay"), http.StatusOK, `<html lang="en">`)
	p.see(p.post("/language", "language", "xx", "back", "/pay"), http.StatusSeeOther)
	p.see(p.get("/pay"), http.StatusOK, `<html lang="en">`)
}

// ACQ-019, ACQ-P10: each reason in each language; and that no money was taken.
func TestRefusalIsTold(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, true)
	seen := make(map[string]bool)
	for _, reason := range tolem.RefusalReasons {
		s.core.change(func(v *checkout.View) { v.State, v.Reason = tolem.AttemptRefused, reason })
		for language, nothing := range map[string]string{"kk": "Ақша алынған жоқ", "ru": "Деньги не списаны", "en": "No money has been taken"} {
			p.post("/language", "language", language, "back", "/pay")
			a := p.see(p.get("/pay"), http.StatusOK, nothing, `href="/pay/again"`, `href="https://egov.example.kz/cabinet/payments?from=gateway"`)
			_, lead, _ := strings.Cut(a.body, `class="lead">`)
			lead, _, _ = strings.Cut(lead, "<")
			if lead == "" || seen[lead] {
				t.Errorf("%s in %s: %q", reason, language, lead)
			}
			seen[lead] = true
		}
	}
	p.see(p.get("/pay/again"), http.StatusOK, `id="pay"`)
	p.see(p.post("/pay", card()...), http.StatusSeeOther)
	if len(s.core.cards) != 1 {
		t.Error("no second attempt after a refusal")
	}
}

// GW-087, GW-088, GW-149 to GW-152, ACQ-023
func TestReceiptIsShownAndSaved(t *testing.T) {
	for _, m := range []tolem.Method{tolem.MethodCard, tolem.MethodAccount} {
		v := due()
		v.State, v.Receipt = tolem.AttemptApproved, receipt(m)
		s := open(t, v)
		p := s.visit(t, true)
		a := p.see(p.get("/pay", "Accept-Language", "en"), http.StatusOK, "860412300136", "002241198317", "INV-77/2026", "1\u00a0200,00\u00a0₸",
			"22.11.2026 10:31:00 (UTC&#43;05:00)", "22.11.2026 10:31:02", "1234-5678-9012-3494", "RRN632600451187", "Halyk Bank (HALYK)", v.Receipt.Masked,
			"Ахметова Айгүл", "State registration of rights to real estate (EREG-17)", "(GOV4C)", "A printout of the page, 22.11.2026 10:30", "NITEC JSC", "payment gateway, Tolem",
			map[tolem.Method]string{tolem.MethodCard: "Payment card", tolem.MethodAccount: "Bank account"}[m], `href="https://egov.example.kz/`, `class="qr"`)
		if strings.Contains(a.body, "TOLEM1.") {
			t.Error("the text of the code is on the page")
		}
		for _, form := range []string{"pdf", "xml"} {
			f := p.see(p.get("/pay/receipt."+form), http.StatusOK, "the receipt")
			if got := f.Header.Get("Content-Disposition"); got != `attachment; filename="receipt.`+form+`"` {
				t.Errorf("%s is saved as %s", form, got)
			}
		}
		s.core.change(func(v *checkout.View) { v.Receipt.QR = "" }) // the key is out of reach
		if a := p.see(p.get("/pay"), http.StatusOK, "860412300136"); strings.Contains(a.body, `class="qr"`) {
			t.Error("a code of nothing")
		}
		p.see(p.do(http.MethodHead, "/pay/receipt.pdf", nil), http.StatusServiceUnavailable)
		p.see(p.get("/pay/receipt.pdf", "Sec-Purpose", "prefetch"), http.StatusServiceUnavailable)
		if n := s.core.saved; n != 2 {
			t.Errorf("saved %d times: a look at the link counts", n)
		}
	}
	s := open(t, due())
	p := s.visit(t, true)
	p.see(p.get("/pay/receipt.pdf"), http.StatusSeeOther) // there is none yet
}

// ACQ-P11: before anything is sent the payer may leave; 15 minutes are enough.
func TestCancelAndDeadline(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, true)
	p.see(p.get("/pay", "Accept-Language", "en"), http.StatusOK, "Pay before 10:44: 15 min left")
	p.see(p.post("/pay/cancel"), http.StatusSeeOther)
	p.see(p.get("/pay", "Accept-Language", "en"), http.StatusOK, "You have cancelled", "No money has been taken")
	p.see(p.post("/pay", card()...), http.StatusSeeOther)

	late := open(t, due())
	q := late.visit(t, true)
	late.later(15 * time.Minute)
	q.see(q.post("/pay", card()...), http.StatusSeeOther)
	q.see(q.get("/pay", "Accept-Language", "en"), http.StatusOK, "time to pay has run out", "No money has been taken")
	if len(s.core.cards)+len(late.core.cards) != 0 {
		t.Error("the bank was called")
	}
	late.later(31 * time.Minute)
	q.see(q.get("/pay", "Accept-Language", "en"), http.StatusForbidden, "timed out")
}

// Every state tells the truth about the money, and asks again while it waits.
func TestEveryStageIsAPage(t *testing.T) {
	for name, c := range stages() {
		t.Run(name, func(t *testing.T) {
			s := openWith(t, c.view, options{languages: web.Languages})
			p := s.visit(t, true)
			for _, l := range web.Languages {
				p.see(p.get("/pay", "Accept-Language", string(l)), http.StatusOK, `<html lang="`+string(l)+`">`)
			}
			a := p.see(p.get("/pay", "Accept-Language", "en"), http.StatusOK, c.says)
			if waits := a.Header.Get("Refresh") != ""; waits != c.waits {
				t.Errorf("Refresh: %q", a.Header.Get("Refresh"))
			}
		})
	}
}

// Where no bank offers accounts the card is the only way and needs no choice;
// where nothing is offered nobody is led into a form that cannot work.
func TestOnlyWhatIsOffered(t *testing.T) {
	v := due()
	v.Banks = nil
	s := open(t, v)
	p := s.visit(t, true)
	if a := p.see(p.get("/pay"), http.StatusOK, `id="card-number"`); strings.Contains(a.body, `name="method"`) || strings.Contains(a.body, `id="account"`) {
		t.Error("an account is offered")
	}
	fields := card("method", "ACCOUNT")
	p.see(p.post("/pay", fields...), http.StatusSeeOther)
	if len(s.core.cards) != 1 {
		t.Error("the card was not taken")
	}
	v.Methods = v.Methods[1:]
	q := open(t, v).visit(t, true)
	q.see(q.get("/pay"), http.StatusServiceUnavailable)
}

type stageCase struct {
	view  checkout.View
	says  string
	waits bool
}

// stages are a payment in each of its stages.
func stages() map[string]stageCase {
	with := func(change func(*checkout.View)) checkout.View {
		v := due()
		v.Method, v.Masked = tolem.MethodCard, "411111******1111"
		change(&v)
		return v
	}
	state := func(s tolem.AttemptState) checkout.View {
		return with(func(v *checkout.View) { v.State = s })
	}
	return map[string]stageCase{
		"form":         {due(), "Confirm and pay 1\u00a0200,00\u00a0₸", false},
		"form-card":    {with(func(v *checkout.View) { v.Methods = v.Methods[:1] }), "Card number", false},
		"form-account": {with(func(v *checkout.View) { v.Methods = v.Methods[1:] }), "Account number", false},
		"waiting":      {state(tolem.AttemptSent), "Do not pay again", true},
		"approved":     {state(tolem.AttemptApproved), "Do not pay again", true},
		"unknown":      {state(tolem.AttemptUnknown), "Do not pay again. We are asking the bank", true},
		"refused": {with(func(v *checkout.View) { v.State, v.Reason = tolem.AttemptRefused, tolem.RefusedInsufficient }),
			"No money has been taken", false},
		"paid":         {with(func(v *checkout.View) { v.State, v.Receipt = tolem.AttemptApproved, receipt(tolem.MethodCard) }), "has been paid", false},
		"already-paid": {with(func(v *checkout.View) { v.PaidBefore = true }), "Do not pay again", false},
		"cancelled":    {with(func(v *checkout.View) { v.State, v.GivenUp = tolem.AttemptAbandoned, true }), "You have cancelled", false},
		"left":         {with(func(v *checkout.View) { v.State, v.Deadline = tolem.AttemptAbandoned, time.Time{} }), "The time to pay has run out", false},
		"reversed":     {state(tolem.AttemptReversed), "goes back", false},
		"withdrawn":    {with(func(v *checkout.View) { v.Withdrawn = true }), "No money has been taken", false},
		"expired":      {with(func(v *checkout.View) { v.Deadline = began }), "No money has been taken", false},
	}
}

// The way back is the registered address or none. What is no address of the web
// is no link; and no switch or redirect of ours leaves the origin.
func TestNoOpenRedirect(t *testing.T) {
	for _, bad := range []string{"javascript:alert(1)", "data:text/html,x", "//evil.example", "http://evil.example/", "https://user@evil.example/",
		"https:evil.example", "https://evil.example\\@egov.kz", " https://evil.example", ""} {
		v := due()
		v.State, v.Reason, v.ReturnURL = tolem.AttemptRefused, tolem.RefusedLimit, bad
		s := open(t, v)
		p := s.visit(t, true)
		a := p.see(p.get("/pay?return=https://evil.example/&returnUrl=https://evil.example/"), http.StatusOK)
		if strings.Contains(a.body, "evil.example") || strings.Contains(a.body, "javascript:") {
			t.Errorf("%q became a link", bad)
		}
	}
	s := open(t, due())
	p := s.visit(t, true)
	for _, back := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "\\/evil.example", "/%0d%0aSet-Cookie:x", "/\t/evil.example", "javascript:alert(1)", "/..//evil.example\\", ""} {
		a := p.see(p.post("/language", "language", "ru", "back", back), http.StatusSeeOther)
		u, err := url.Parse(a.Header.Get("Location"))
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") {
			t.Errorf("%q leads to %q", back, a.Header.Get("Location"))
		}
	}
	a := p.get("//evil.example/..")
	if u, err := url.Parse(a.Header.Get("Location")); err == nil && u.Host != "" {
		t.Errorf("a path leads to %s", u)
	}
}

// Another site can neither pay nor cancel nor switch: every combination of what
// browsers say about the origin, on every route that changes something.
func TestCrossOriginMatrix(t *testing.T) {
	for _, c := range []struct {
		site, origin string
		refused      bool
	}{
		{"same-origin", "", false}, {"none", "", false}, {"", "", false}, {"same-origin", "null", false},
		{"cross-site", "", true}, {"same-site", "", true}, {"cross-site", "null", true}, {"cross-site", "self", true},
		{"", "https://evil.example", true}, {"", "null", true}, {"", "self", false},
	} {
		for _, route := range []string{"/pay", "/pay/cancel", "/pay/language", "/language"} {
			s := open(t, due())
			p := s.visit(t, true)
			origin := c.origin
			if origin == "self" {
				origin = s.URL
			}
			form := url.Values{"back": {"/pay"}, "payment": {checkout.MarkOf(payment)}}
			for fields := card(); len(fields) > 0; fields = fields[2:] {
				form.Set(fields[0], fields[1])
			}
			a := p.do(http.MethodPost, route, form, "Sec-Fetch-Site", c.site, "Origin", origin)
			if (a.StatusCode == http.StatusForbidden) != c.refused {
				t.Errorf("POST %s, site %q, origin %q: %d", route, c.site, c.origin, a.StatusCode)
			}
			if moved := len(s.core.cards) + s.core.cancelled; c.refused && moved != 0 {
				t.Errorf("POST %s did something", route)
			}
		}
	}
}

var payloads = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><script>alert(1)</script>`,
	`javascript:alert(1)`, `{{.}}`, `${7*7}`, `<svg/onload=alert(1)>`, "\u2028<script>", `<!--<script>`, `]]><script>`, `&lt;script&gt;`,
}

// Whatever is typed or named comes out as text.
func TestMarkupIsText(t *testing.T) {
	harmless := func(t *testing.T, a answer, payload string) {
		t.Helper()
		for _, tag := range []string{"<script", "<img src=x", "<svg/onload", "onmouseover='", "<!--<"} {
			if strings.Contains(a.body, tag) {
				t.Errorf("%q came out as markup: %s", payload, tag)
			}
		}
	}
	for _, payload := range payloads {
		v := due()
		name := tolem.Names{KK: payload, RU: payload, EN: payload}
		v.Service, v.Provider, v.Description, v.Order, v.Masked, v.Requester = name, name, payload, payload, payload, name
		v.Banks[0].Names, v.Banks[0].ID = name, tolem.ParticipantID(payload)
		s := open(t, v)
		p := s.visit(t, true)
		for _, field := range []string{"method", "card-number", "card-expiry", "card-holder", "card-cvc", "bank", "account", "language", "back"} {
			harmless(t, p.post("/pay", "method", "CARD", field, payload), payload)
			harmless(t, p.post("/pay/language", "method", "ACCOUNT", field, payload), payload)
			harmless(t, p.post("/language", field, payload), payload)
		}
		harmless(t, p.get("/pay/"+url.PathEscape(payload)), payload)
		harmless(t, p.get("/"+url.PathEscape(payload)), payload)
		s.core.change(func(v *checkout.View) {
			v.State, v.Receipt = tolem.AttemptApproved, receipt(tolem.MethodCard)
			r := &v.Receipt.Receipt
			r.ServiceNames, r.ProviderNames, r.Bank, r.BankName, r.RecipientName = name, name, payload, payload, payload
			r.RequestNo, r.Account, r.BankRef, r.Masked = payload, payload, payload, payload
		})
		harmless(t, p.get("/pay"), payload)
	}
}

// Every route, found by walking the mux, and every kind of refusal carries the
// headers that protect it. GW-032, ACQ-011
func TestHeadersOnEveryRoute(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, true)
	routes := append(s.shell.Routes(), "GET /nowhere", "PUT /pay", "DELETE /static/x", "POST /nowhere")
	for _, pattern := range routes {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{token}", "nonsense", "{name}", "app.css").Replace(path)
		forms := []url.Values{nil}
		if method == http.MethodPost {
			forms = []url.Values{{}, {"a": {strings.Repeat("x", 40_000)}}, nil}
		}
		for _, form := range forms {
			checkHeaders(t, p.do(method, path, form))
		}
		checkHeaders(t, p.do(method, path, url.Values{}, "Sec-Fetch-Site", "cross-site"))
	}
	if len(routes) < 12 {
		t.Errorf("only %d routes", len(routes))
	}
}

func checkHeaders(t *testing.T, a answer) {
	t.Helper()
	at := a.Request.Method + " " + a.Request.URL.Path
	want := map[string]string{
		"Content-Security-Policy":      "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; report-uri /csp-report",
		"Strict-Transport-Security":    "max-age=63072000; includeSubDomains",
		"Referrer-Policy":              "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	}
	for name, value := range want {
		if got := a.Header.Values(name); len(got) != 1 || got[0] != value {
			t.Errorf("%s: %s is %q", at, name, got)
		}
	}
	if len(a.Header.Get("X-Request-Id")) != 14 {
		t.Errorf("%s: request id %q", at, a.Header.Get("X-Request-Id"))
	}
	if a.StatusCode >= 400 && !strings.Contains(a.body, a.Header.Get("X-Request-Id")) && a.Request.Method != http.MethodHead {
		t.Errorf("%s: the page does not show its id", at)
	}
	if strings.Contains(a.body, "<script") || strings.Contains(a.body, "style=") || strings.Contains(a.body, " on") && strings.Contains(a.body, " onclick=") {
		t.Errorf("%s: script or inline style", at)
	}
}

// A failure of ours is told as that, with the id that is in the log.
func TestFailureOfOurs(t *testing.T) {
	s := open(t, due())
	p := s.visit(t, true)
	s.core.fail = errors.New("secret of the database")
	a := p.see(p.get("/pay", "Accept-Language", "en"), http.StatusInternalServerError, "do not pay again", `href="/pay"`)
	if strings.Contains(a.body, "secret") {
		t.Error("the page tells what is inside")
	}
	if !strings.Contains(s.log.String(), a.Header.Get("X-Request-Id")) || !strings.Contains(s.log.String(), "secret of the database") {
		t.Error("the log does not tell it")
	}
	if _, err := web.New(web.Config{}); err == nil {
		t.Error("a shell without languages")
	}
}
