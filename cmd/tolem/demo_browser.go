package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// webPayer is a payer with a browser that has cookies and no script: it opens
// pages, fills in their forms and looks again while they wait.
type webPayer struct{ http *http.Client }

const (
	webPayerTimeout = 20 * time.Second
	webPayerLooks   = 75 * time.Millisecond // a page lets one address in 20 times a second
	maxWebPage      = 1 << 20
)

func newWebPayer(transport http.RoundTripper) (*webPayer, error) {
	jar, err := cookiejar.New(nil)
	return &webPayer{&http.Client{Transport: transport, Jar: localJar{jar}, Timeout: webPayerTimeout}}, err
}

// localJar gives cookies that are for protected connections to this machine
// itself too, as browsers do.
type localJar struct{ http.CookieJar }

// Cookies implements http.CookieJar.
func (j localJar) Cookies(u *url.URL) []*http.Cookie { return j.CookieJar.Cookies(protected(u)) }

// SetCookies implements http.CookieJar.
func (j localJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.CookieJar.SetCookies(protected(u), cookies)
}

func protected(u *url.URL) *url.URL {
	p := *u
	p.Scheme = "https"
	return &p
}

// webPage is what came: where it led, and its text.
type webPage struct {
	status  int
	address *url.URL
	body    string
}

// get opens an address, post sends a form; both follow redirects.
func (p *webPayer) get(ctx context.Context, address string) (webPage, error) {
	return p.send(ctx, http.MethodGet, address, nil)
}

func (p *webPayer) post(ctx context.Context, address string, form url.Values) (webPage, error) {
	return p.send(ctx, http.MethodPost, address, form)
}

func (p *webPayer) send(ctx context.Context, method, address string, form url.Values) (webPage, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return webPage{}, err
	}
	r.Header.Set("Accept-Language", "en")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := p.http.Do(r)
	if err != nil {
		return webPage{}, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxWebPage))
	return webPage{answer.StatusCode, answer.Request.URL, string(body)}, errors.Join(err, answer.Body.Close())
}

var (
	webPaymentPattern = regexp.MustCompile(`name="payment" value="([0-9a-f]+)"`)
	webOutcomePattern = regexp.MustCompile(`class="card outcome (good|bad|wait)?[ "]`)
)

// errWebPage: the page is not the one that was expected.
var errWebPage = errors.New("unexpected page")

// pay sends the form of the payment page with what was typed, and returns the
// outcome that the page shows in the end: good or bad.
func (p *webPayer) pay(ctx context.Context, form webPage, typed url.Values) (string, error) {
	mark := webPaymentPattern.FindStringSubmatch(form.body)
	if form.status != http.StatusOK || mark == nil {
		return "", fmt.Errorf("%w: %d, no form at %s", errWebPage, form.status, form.address.Path)
	}
	typed.Set("payment", mark[1])
	page, err := p.post(ctx, form.address.String(), typed)
	for {
		if err != nil {
			return "", err
		}
		outcome := webOutcomePattern.FindStringSubmatch(page.body)
		if page.status != http.StatusOK || outcome == nil {
			return "", fmt.Errorf("%w: %d, no outcome at %s", errWebPage, page.status, page.address.Path)
		}
		if outcome[1] != "wait" {
			return outcome[1], nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(webPayerLooks):
		}
		page, err = p.get(ctx, page.address.String())
	}
}

// typedCard is a card as it is typed, typedAccount an account.
func typedCard(number string) url.Values {
	return url.Values{
		"card-number": {number}, "card-expiry": {"12/30"}, "card-cvc": {"123"}, "card-holder": {"AIGUL AKHMETOVA"},
	}
}

func typedAccount(bank, account string) url.Values {
	return url.Values{"bank": {bank}, "account": {account}}
}
