package checkout

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tolem"
	"tolem/web"
)

const (
	againPath    = home + "/again"
	cancelPath   = home + "/cancel"
	languagePath = home + "/language"
	orderPath    = home + "/order"
)

// maxToken is the longest token that is looked at.
const maxToken = 512

// open spends the token and leaves it behind: from here on the cookie says
// whose browser it is, and no address holds anything worth stealing.
func (p *page) open(x *web.Exchange) error {
	token := x.Request.PathValue("token")
	if len(token) > maxToken {
		return ErrLinkUnknown
	}
	return p.arrive(x, func() (tolem.PaymentID, error) { return p.Payments.Open(x.Request.Context(), token) })
}

// maxRedirect bounds the parameters of a merchant's redirect, in bytes.
const maxRedirect = 4 << 10

// order takes a buyer whom a merchant has sent (ACQ-003). What cannot be read is
// not guessed at: every byte of it was signed.
func (p *page) order(x *web.Exchange) error {
	raw := x.Request.URL.RawQuery
	redirect, err := url.ParseQuery(raw)
	if err != nil || len(raw) > maxRedirect {
		return ErrOrderAltered
	}
	return p.arrive(x, func() (tolem.PaymentID, error) { return p.Orders.OpenOrder(x.Request.Context(), redirect) })
}

// arrive begins the session of whoever comes by a link that is good once.
func (p *page) arrive(x *web.Exchange, open func() (tolem.PaymentID, error)) error {
	if preview(x) {
		return web.ErrBusy
	}
	id, err := open()
	if errors.Is(err, ErrLinkUsed) && p.owns(x, id) {
		return x.See(home)
	}
	if err != nil {
		return err
	}
	if err := p.Sessions.Start(x, string(id)); err != nil {
		return err
	}
	// The link is spent and the browser has its cookie: what fails from here on
	// fails on the next page, where it can be tried again.
	if v, err := p.Payments.View(x.Request.Context(), id); err == nil {
		x.Choose(web.Language(v.Language))
	}
	return x.See(home)
}

// preview reports whether a program looks at the link before anybody has
// clicked on it: it must not use it up.
func preview(x *web.Exchange) bool {
	h := x.Request.Header
	return x.Request.Method != "GET" || strings.Contains(h.Get("Sec-Purpose"), "prefetch") || h.Get("Purpose") == "prefetch"
}

// owns reports whether this browser's session is that of the payment.
func (p *page) owns(x *web.Exchange, id tolem.PaymentID) bool {
	s, err := p.Sessions.Find(x)
	return err == nil && id != "" && s.Subject == string(id)
}

// find returns the payment of the browser's session and how it stands.
func (p *page) find(x *web.Exchange) (tolem.PaymentID, View, error) {
	s, err := p.Sessions.Find(x)
	if err != nil {
		return "", View{}, err
	}
	id := tolem.PaymentID(s.Subject)
	v, err := p.Payments.View(x.Request.Context(), id)
	return id, v, err
}

// markField ties a form to the payment it shows.
const markField = "payment"

// markOf names a payment on its form. It is no secret and opens nothing.
func markOf(id tolem.PaymentID) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}

// posted returns the form that was sent, and the payment it is about: the
// session's, and the same that the form showed.
func (p *page) posted(x *web.Exchange) (web.Form, tolem.PaymentID, View, error) {
	f, err := x.Form()
	if err != nil {
		return f, "", View{}, err
	}
	id, v, err := p.find(x)
	if err == nil && f.Get(markField) != markOf(id) {
		err = errOther
	}
	return f, id, v, err
}

// show is the page: whatever stage the payment is in.
func (p *page) show(x *web.Exchange) error {
	id, v, err := p.find(x)
	if err != nil {
		return err
	}
	return p.render(x, id, v)
}

// again shows the form once more after a refusal.
func (p *page) again(x *web.Exchange) error {
	id, v, err := p.find(x)
	if err != nil {
		return err
	}
	if !v.payable(x.Now()) {
		return x.See(home)
	}
	return p.form(x, id, v, entry{}, nil)
}

// submit is the confirmation (GW-081). It answers with the address of the page
// in any case but a mistake, so that nothing is sent twice by reload or back; a
// second click finds an attempt under way and begins none.
func (p *page) submit(x *web.Exchange) error {
	f, id, v, err := p.posted(x)
	if err != nil {
		return err
	}
	if !v.payable(x.Now()) {
		return x.See(home)
	}
	wrong, err := p.pay(x, id, v, f)
	switch {
	case len(wrong) > 0:
		return p.form(x, id, v, readEntry(f, v), wrong)
	case err != nil && !errors.Is(err, ErrNotNow):
		return err
	}
	return x.See(home)
}

// pay begins the attempt, or says what is wrong with what was typed.
func (p *page) pay(x *web.Exchange, id tolem.PaymentID, v View, f web.Form) ([]mistake, error) {
	switch e := readEntry(f, v); {
	case e.Method == tolem.MethodCard:
		card, wrong := readCard(f, x.Now())
		if len(wrong) > 0 {
			return wrong, nil
		}
		return nil, p.Payments.PayCard(x.Request.Context(), id, card)
	case e.Method == tolem.MethodAccount:
		bank, account, wrong := readAccount(f, v)
		if len(wrong) > 0 {
			return wrong, nil
		}
		return nil, p.Payments.PayAccount(x.Request.Context(), id, bank, account)
	}
	return []mistake{{fieldMethod, "error.method"}}, nil
}

// language shows the form in another language, with what was typed.
func (p *page) language(x *web.Exchange) error {
	f, id, v, err := p.posted(x)
	x.Choose(web.Language(f.Get("language")))
	if err != nil {
		return err
	}
	if !v.payable(x.Now()) {
		return x.See(home)
	}
	return p.form(x, id, v, readEntry(f, v), nil)
}

// cancel gives the payment up (ACQ-P11). If that is too late the page says how
// things stand.
func (p *page) cancel(x *web.Exchange) error {
	_, id, v, err := p.posted(x)
	if err != nil {
		return err
	}
	if v.payable(x.Now()) {
		if err := p.Payments.Cancel(x.Request.Context(), id); err != nil && !errors.Is(err, ErrNotNow) {
			return err
		}
	}
	return x.See(home)
}

// receipt saves the receipt as a file (GW-150). A program that only looks at the
// link does not make the payer's own file a copy.
func (p *page) receipt(form ReceiptForm) web.Handler {
	return func(x *web.Exchange) error {
		if preview(x) {
			return web.ErrBusy
		}
		id, _, err := p.find(x)
		if err != nil {
			return err
		}
		file, err := p.Payments.Receipt(x.Request.Context(), id, form, x.Language)
		if errors.Is(err, ErrNotNow) {
			return x.See(home)
		}
		if err != nil {
			return err
		}
		return x.Download(file.Name, file.ContentType, file.Content)
	}
}

// refresh makes the browser ask again by itself, without a script.
func refresh(x *web.Exchange, after time.Duration) {
	x.Header().Set("Refresh", strconv.Itoa(int(after/time.Second))+"; url="+home)
}
