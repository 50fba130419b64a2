package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// refreshed is how soon a page that waits looks again by itself; the page says
// so and its payers keep to it.
const refreshed = 3 * time.Second

// patience is how often a payer looks before giving up.
const patience = 20

// browser is a payer's connection to the page. It costs little beside the
// server: one request at a time, no script, no pictures.
type browser struct {
	conn   *tls.Conn
	in     *bufio.Reader
	host   string
	cookie string
}

var (
	redirectIn = regexp.MustCompile(`<redirectAddress>https://[^/<]+(/pay/[^<]+)</redirectAddress>`)
	markIn     = regexp.MustCompile(`name="payment" value="([0-9a-f]+)"`)
	paidPage   = []byte(`id="receipt-title"`)
)

// pay takes one payment from the portal's request to the receipt.
func (r *pageRun) pay(ctx context.Context) error {
	link, err := r.start(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	b, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer b.conn.Close()
	r.note(kindConnect, began)
	if _, err := r.get(b, "open", link, http.StatusSeeOther); err != nil {
		return err
	}
	form, err := r.get(b, "form", "/pay", http.StatusOK)
	if err != nil {
		return err
	}
	mark := markIn.FindSubmatch(form)
	if mark == nil {
		return fmt.Errorf("no form: %s", form)
	}
	fields := url.Values{
		"payment": {string(mark[1])}, "card-number": {"4929 1234 5678 1236"}, "card-expiry": {"12/39"}, "card-holder": {"AIGUL SERIKOVA"}, "card-cvc": {"831"},
	}
	if _, err := r.do(b, "confirm", http.MethodPost, "/pay", fields.Encode(), http.StatusSeeOther); err != nil {
		return err
	}
	return r.await(ctx, b)
}

// await looks at the page as often as it asks for, until it shows the receipt.
func (r *pageRun) await(ctx context.Context, b *browser) error {
	kind := "waiting"
	for range patience {
		page, err := r.get(b, kind, "/pay", http.StatusOK)
		switch {
		case err != nil:
			return err
		case bytes.Contains(page, paidPage):
			r.mu.Lock()
			defer r.mu.Unlock()
			r.paid++
			return nil
		case !bytes.Contains(page, []byte(`role="status"`)):
			return fmt.Errorf("neither paid nor waiting: %s", page)
		}
		kind = "paid"
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(refreshed):
		}
	}
	return errors.New("a payment did not end")
}

// start has the portal send a payer and returns where to.
func (r *pageRun) start(ctx context.Context) (link string, err error) {
	c := <-r.portals
	defer func() { r.portals <- c }()
	if c == nil {
		if c, err = r.portal.connect(ctx); err != nil {
			return "", err
		}
	}
	s, ok := r.shots.take()
	if !ok {
		return "", errors.New("no request is left")
	}
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return "", err
	}
	began := time.Now()
	if err := c.call(s); err != nil {
		return "", err
	}
	r.note(kindStart, began)
	m := redirectIn.FindSubmatch(c.body)
	if m == nil {
		return "", fmt.Errorf("no address: %s", c.body)
	}
	return string(m[1]), nil
}

func (r *pageRun) connect(ctx context.Context) (*browser, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	dialer := tls.Dialer{NetDialer: &net.Dialer{}, Config: r.payers}
	conn, err := dialer.DialContext(ctx, "tcp", r.address)
	if err != nil {
		return nil, err
	}
	return &browser{conn: conn.(*tls.Conn), in: bufio.NewReaderSize(conn, 8<<10), host: r.address}, nil
}

func (r *pageRun) get(b *browser, kind, path string, want int) ([]byte, error) {
	return r.do(b, kind, http.MethodGet, path, "", want)
}

// do makes a request of the page and notes how long it took.
func (r *pageRun) do(b *browser, kind, method, path, form string, want int) ([]byte, error) {
	var head strings.Builder
	head.WriteString(method + " " + path + " HTTP/1.1\r\nHost: " + b.host + "\r\nAccept-Language: en\r\n")
	if b.cookie != "" {
		head.WriteString("Cookie: " + b.cookie + "\r\n")
	}
	if form != "" {
		head.WriteString("Origin: https://" + b.host + "\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
			strconv.Itoa(len(form)) + "\r\n")
	}
	head.WriteString("\r\n" + form)
	if err := b.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, err
	}
	began := time.Now()
	if _, err := io.WriteString(b.conn, head.String()); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(b.in, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	r.note(kind, began)
	if answer.StatusCode != want {
		return nil, fmt.Errorf("%s: answered with %d: %s", kind, answer.StatusCode, body)
	}
	for _, c := range answer.Cookies() {
		if c.Value != "" && strings.HasPrefix(c.Name, "__Host-pay") {
			b.cookie = c.Name + "=" + c.Value
		}
	}
	return body, nil
}
