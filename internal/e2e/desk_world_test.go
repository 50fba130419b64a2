package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/html"

	"tolem"
)

// bureau is an installation whose banks have desks, as the sandbox sets it up:
// the gateway and the card bridge of the one desk with a reader are processes
// that can be killed alone.
type bureau struct {
	*world
	site      string // address of the workplace
	listen    string // where it is
	reader    *cardReader
	authority *x509.CertPool
	staff     map[string]clerk // by user name
	texts     map[string]string
}

// clerk is somebody who signs in, with an e-token.
type clerk struct {
	User, Password, Cert, Key string
	pair                      tls.Certificate
}

// newBureau sets everything up, with so many operators besides those by name,
// and starts nothing.
func newBureau(t *testing.T, database string, operators int) *bureau {
	t.Helper()
	set := setUp(t, database, operators)
	listen := freeAddress(t)
	_, port, err := net.SplitHostPort(listen)
	check(t, err)
	b := &bureau{
		world: &world{t: t, dir: set.Dir, config: set.Config, answers: make(map[string][]byte)}, site: "https://localhost:" + port, listen: listen,
		authority: x509.NewCertPool(), staff: make(map[string]clerk), texts: make(map[string]string),
	}
	b.process = &process{world: b.world}
	b.reader = &cardReader{t: t, dir: b.path("card-bridge"), listen: freeAddress(t), origin: b.site}
	b.env = []string{"TOLEM_WORKPLACE_LISTEN=" + listen, "TOLEM_WORKPLACE_CARD_BRIDGE=" + b.reader.listen}
	pem, err := os.ReadFile(set.Authority)
	check(t, err)
	b.authority.AppendCertsFromPEM(pem)
	for _, c := range set.People {
		c.pair, err = tls.LoadX509KeyPair(c.Cert, c.Key)
		check(t, err)
		b.staff[c.User] = c
	}
	for _, name := range []string{"../../web/i18n/az.json", "../../web/workplace/i18n/az.json"} {
		text, err := os.ReadFile(name)
		check(t, err)
		check(t, json.Unmarshal(text, &b.texts))
	}
	t.Cleanup(b.leave)
	t.Cleanup(b.reader.kill)
	return b
}

// sandboxSet is what the sandbox says of its workplace.
type sandboxSet struct {
	Dir, Config, Authority string
	People                 []clerk
}

// setUp has the sandbox make a workplace, and ends it.
func setUp(t *testing.T, database string, operators int) sandboxSet {
	t.Helper()
	cmd := exec.Command(program(t), "sandbox", "--json", "--ports", "auto", "--parts", "workplace", "--accounts", "1000",
		"--operators", strconv.Itoa(operators), "--dir", t.TempDir(), "--workplace-db", database)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	var said struct{ Workplace sandboxSet }
	err = json.NewDecoder(out).Decode(&said)
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	_, _ = io.Copy(io.Discard, out)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Fatalf("the sandbox: %v: %s", err, problems.Bytes())
	}
	return said.Workplace
}

// ---- the card bridge ----

// cardReader is `tolem card-bridge` with simulated cards.
type cardReader struct {
	t                   *testing.T
	dir, listen, origin string
	cmd                 *exec.Cmd
}

// start starts the bridge and returns when it serves.
func (r *cardReader) start() {
	r.t.Helper()
	r.cmd = exec.Command(program(r.t), "card-bridge", "--simulator", "--origin", r.origin, "--dir", r.dir, "--listen", r.listen)
	out, err := r.cmd.StdoutPipe()
	check(r.t, err)
	check(r.t, r.cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if bridgeAddress.MatchString(lines.Text()) {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	r.t.Fatal("the card bridge ended")
}

// kill is kill -9.
func (r *cardReader) kill() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill() // it may have ended
		_ = r.cmd.Wait()
		r.cmd = nil
	}
}

// call sends a request as the page does. Without an answer the status is 0.
func (r *cardReader) call(method, path string, body any) (status int, answer []byte) {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil
		}
		in = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, "http://"+r.listen+path, in)
	if err != nil {
		return 0, nil
	}
	request.Header.Set("Origin", r.origin)
	request.Header.Set("Content-Type", "application/json")
	request.Close = true // so that nothing is sent to a bridge that was killed
	got, err := (&http.Client{Timeout: 15 * time.Second}).Do(request)
	if err != nil {
		return 0, nil
	}
	defer got.Body.Close()
	if answer, err = io.ReadAll(got.Body); err != nil {
		return 0, nil
	}
	return got.StatusCode, answer
}

// simulated is a card of the simulator.
type simulated struct {
	Balance int64
	Changes int
	Tickets []tolem.TicketID
}

// scene changes the simulator's scene and returns its cards.
func (r *cardReader) scene(change map[string]any) map[tolem.SmartCardNo]simulated {
	r.t.Helper()
	status, text := r.call("PUT", "/sim/state", change)
	var s struct {
		Cards map[tolem.SmartCardNo]simulated
	}
	if err := json.Unmarshal(text, &s); err != nil || status != http.StatusOK {
		r.t.Fatalf("the scene %v: %d %s", change, status, text)
	}
	return s.Cards
}

// ---- a browser ----

// window is where somebody works in a browser, with an e-token. It does what a
// browser does with a page: it sends the controls of its forms as they are on
// the page, and follows links that are there.
type window struct {
	b    *bureau
	who  clerk
	http *http.Client
	page *sheet // the last that came
}

// newWindow opens a window with somebody's e-token.
func (b *bureau) newWindow(user string) *window {
	who, ok := b.staff[user]
	if !ok {
		panic("nobody is called " + user)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // only its options can be wrong
	}
	return &window{b: b, who: who, http: b.connect(who, jar)}
}

// connect returns a client with connections of its own.
func (b *bureau) connect(who clerk, jar http.CookieJar) *http.Client {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, b.listen)
	}
	transport := &http.Transport{
		DialContext: dial, MaxIdleConnsPerHost: 128,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: b.authority, Certificates: []tls.Certificate{who.pair}},
	}
	b.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Jar: jar, Timeout: 90 * time.Second}
}

// tab is another tab of the same browser, at the same page.
func (w *window) tab() *window {
	other := *w
	return &other
}

// elsewhere is the same session over other connections.
func (w *window) elsewhere() *window {
	other := *w
	other.http = w.b.connect(w.who, w.http.Jar)
	return &other
}

// sheet is a page as it came.
type sheet struct {
	at     *url.URL
	status int
	root   *html.Node
}

// errPage reports a page on which something is not as it should be.
var errPage = errors.New("page")

func (s *sheet) wrong(format string, args ...any) error {
	return fmt.Errorf("%w %s: %s (%d: %s)", errPage, s.at, fmt.Sprintf(format, args...), s.status, strings.Join(s.messages(), "; "))
}

func (s *sheet) path() string { return s.at.Path }

// all returns the elements that fit, in the order of the page.
func all(root *html.Node, fits func(*html.Node) bool) (list []*html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && fits(n) {
			list = append(list, n)
		}
	}
	return list
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// inside is the text of an element as it is read.
func inside(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// messages are what the page tells: its title, boxes, and problems at fields.
func (s *sheet) messages() (list []string) {
	for _, n := range all(s.root, func(n *html.Node) bool {
		class := strings.Fields(attr(n, "class"))
		return n.Data == "h1" || n.Data == "p" && (slices.Contains(class, "problem") || slices.Contains(class, "bad-text")) ||
			n.Parent != nil && slices.Contains(strings.Fields(attr(n.Parent, "class")), "notice") && n.Data == "p"
	}) {
		list = append(list, inside(n))
	}
	return list
}

// says reports whether a page tells the message with this key.
func (w *window) says(key string) bool {
	text, ok := w.b.texts[key]
	if !ok {
		panic("there is no message " + key)
	}
	before, _, _ := strings.Cut(text, "{")
	return slices.ContainsFunc(w.page.messages(), func(m string) bool {
		return m == text || before != text && before != "" && strings.HasPrefix(m, before)
	})
}

// saysOne returns the first of the messages that the page tells; none.
func (w *window) saysOne(keys ...string) string {
	for _, key := range keys {
		if w.says(key) {
			return key
		}
	}
	return ""
}

// link returns the first address on the page that begins so.
func (s *sheet) link(prefix string) (string, bool) {
	for _, n := range all(s.root, func(n *html.Node) bool { return n.Data == "a" && strings.HasPrefix(attr(n, "href"), prefix) }) {
		return attr(n, "href"), true
	}
	return "", false
}

// marked returns the first element with an attribute.
func (s *sheet) marked(attribute string) *html.Node {
	for _, n := range all(s.root, func(n *html.Node) bool { return has(n, attribute) }) {
		return n
	}
	return nil
}

// submission is a form on its way.
type submission struct {
	method, to string
	fields     url.Values
	readsCard  bool // its page reads the card before it is sent
}

// submit presses the button that sends a form to an address, after filling in
// fields. The button may be named with its value: "/payments/view view=list".
func (s *sheet) submit(target string, fill map[string]string) (submission, error) {
	to, button, _ := strings.Cut(target, " ")
	name, value, _ := strings.Cut(button, "=")
	for _, form := range all(s.root, func(n *html.Node) bool { return n.Data == "form" }) {
		action := attr(form, "action")
		buttons := all(form, func(n *html.Node) bool { return n.Data == "button" && attr(n, "type") != "button" })
		i := slices.IndexFunc(buttons, func(n *html.Node) bool {
			leads := attr(n, "formaction")
			if leads == "" {
				leads = action
			}
			return leads == to && (name == "" || attr(n, "name") == name && attr(n, "value") == value)
		})
		var pressed *html.Node
		switch {
		case i >= 0:
			pressed = buttons[i]
		case action != to || len(buttons) > 0: // script sends a form that has no button
			continue
		}
		if pressed != nil && has(pressed, "disabled") {
			return submission{}, s.wrong("the button to %s is disabled", target)
		}
		fields, err := s.controls(form, fill)
		if pressed != nil && attr(pressed, "name") != "" {
			fields.Set(attr(pressed, "name"), attr(pressed, "value"))
		}
		return submission{method: strings.ToUpper(attr(form, "method")), to: to, fields: fields, readsCard: has(form, "data-card-read")}, err
	}
	return submission{}, s.wrong("nothing leads to %s", target)
}

// controls are what a form sends, with fields filled in.
func (s *sheet) controls(form *html.Node, fill map[string]string) (url.Values, error) {
	fields, there := make(url.Values), make(map[string]bool)
	for _, n := range all(form, func(n *html.Node) bool { return n.Data == "input" || n.Data == "select" }) {
		name := attr(n, "name")
		if name == "" || has(n, "disabled") {
			continue
		}
		there[name] = true
		switch {
		case n.Data == "select":
			options := all(n, func(n *html.Node) bool { return n.Data == "option" })
			i := max(0, slices.IndexFunc(options, func(n *html.Node) bool { return has(n, "selected") }))
			if len(options) > 0 {
				fields.Set(name, attr(options[i], "value"))
			}
		case attr(n, "type") != "checkbox" || has(n, "checked"):
			fields.Set(name, attr(n, "value"))
		}
	}
	for name, value := range fill {
		if !there[name] {
			return fields, s.wrong("the form has no field %s", name)
		}
		fields.Set(name, value)
	}
	return fields, nil
}

// open opens an address.
func (w *window) open(address string) error {
	return w.send(submission{method: http.MethodGet, to: address})
}

// press fills in fields and presses the button that leads to an address. What a
// page's script reads off a card is read.
func (w *window) press(target string, fill map[string]string) error {
	s, err := w.page.submit(target, fill)
	if err != nil {
		return err
	}
	if s.readsCard {
		if err := w.readCard(&s); err != nil {
			return err
		}
	}
	return w.send(s)
}

// send sends a form, and shows what it leads to.
func (w *window) send(s submission) error {
	page, err := w.ask(s)
	if err == nil {
		w.page = page
	}
	return err
}

// ask sends a form and returns what it leads to.
func (w *window) ask(s submission) (*sheet, error) {
	r, err := w.roundTrip(s)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	root, err := html.Parse(r.Body)
	if err != nil {
		return nil, err
	}
	page := &sheet{at: r.Request.URL, status: r.StatusCode, root: root}
	if r.StatusCode >= http.StatusInternalServerError {
		return page, page.wrong("the gateway failed")
	}
	return page, nil
}

func (w *window) roundTrip(s submission) (*http.Response, error) {
	address, body := w.b.site+s.to, io.Reader(nil)
	switch {
	case s.method == http.MethodPost:
		body = strings.NewReader(s.fields.Encode())
	case len(s.fields) > 0:
		address += "?" + s.fields.Encode()
	}
	r, err := http.NewRequest(s.method, address, body)
	if err != nil {
		return nil, err
	}
	if s.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", w.b.site)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return w.http.Do(r)
}

// readCard does what static/workplace-cards.js does before it sends a form: the
// card is read for a challenge, and the answer stands in the form.
func (w *window) readCard(s *submission) error {
	r, err := w.roundTrip(submission{method: http.MethodPost, to: "/cards/challenge"})
	if err != nil {
		return err
	}
	defer r.Body.Close()
	var asked struct{ Challenge, Code string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return err
	}
	code := asked.Code
	if asked.Challenge != "" {
		status, answer := w.b.reader.call("POST", "/v1/card/read", map[string]string{"challenge": asked.Challenge})
		if status == http.StatusOK {
			s.fields.Set("read", string(answer))
			return nil
		}
		var refused struct{ Code string }
		_ = json.Unmarshal(answer, &refused) // nobody may be there
		code = refused.Code
	}
	if code == "" {
		code = "reader_not_ready"
	}
	s.fields.Set("not-ready", code)
	return nil
}

// carry does what the script does with the ticket of a page: it has the bridge
// carry it out, after asking what became of it. It returns the bridge's answer;
// nil: nobody knows.
func (w *window) carry() []byte {
	at := w.page.marked("data-ticket")
	decided := func(answer []byte) bool {
		var a struct{ Result, Signature string }
		return json.Unmarshal(answer, &a) == nil && a.Signature != "" && slices.Contains([]string{"written", "failed", "reversed"}, a.Result)
	}
	if _, answer := w.b.reader.call("GET", "/v1/tickets/"+attr(at, "data-ticket-id"), nil); decided(answer) {
		return answer
	}
	_, answer := w.b.reader.call("POST", "/v1/card/"+attr(at, "data-ticket-op"), map[string]string{"ticket": attr(at, "data-ticket")})
	if decided(answer) {
		return answer
	}
	return nil
}

// report hands the bridge's answer about the page's ticket to the gateway.
func (w *window) report(answer []byte) error {
	at := w.page.marked("data-ticket")
	forms := all(at, func(n *html.Node) bool { return n.Data == "form" && !has(n, "data-card-read") })
	if len(forms) == 0 {
		return w.page.wrong("the ticket has no form")
	}
	fields, err := w.page.controls(forms[0], map[string]string{"answer": string(answer)})
	if err != nil {
		return err
	}
	return w.send(submission{method: http.MethodPost, to: attr(forms[0], "action"), fields: fields})
}

// signIn signs in.
func (w *window) signIn() error {
	if err := w.open("/login"); err != nil {
		return err
	}
	if w.page.path() != "/login" {
		return nil
	}
	if err := w.press("/login", map[string]string{"user": w.who.User, "password": w.who.Password}); err != nil {
		return err
	}
	if w.page.path() == "/login" {
		return w.page.wrong("%s cannot sign in", w.who.User)
	}
	return nil
}

// enter signs somebody in who must get in.
func (b *bureau) enter(t testing.TB, user string) *window {
	t.Helper()
	w := b.newWindow(user)
	check(t, w.signIn())
	return w
}

// row is a payment as the operator's register shows it.
type row struct {
	Receipt, Account, Amount, Status, Card string // states by their names
	Write                                  string // where the link leads with which a card is written; empty: none
}

// register reads the register of today.
func (w *window) register() ([]row, error) {
	if err := w.open("/register"); err != nil {
		return nil, err
	}
	if w.page.path() != "/register" {
		return nil, w.page.wrong("no register")
	}
	var rows []row
	for _, line := range all(w.page.root, func(n *html.Node) bool { return n.Data == "tr" && n.Parent.Data == "tbody" }) {
		cells := all(line, func(n *html.Node) bool { return n.Data == "td" || n.Data == "th" })
		if len(cells) < 12 {
			return nil, w.page.wrong("a row of %d cells", len(cells))
		}
		text := func(i int) string { return inside(cells[i]) }
		r := row{Receipt: text(1), Account: text(5), Amount: decimal(text(7)), Status: w.named("status.", text(10)), Card: w.named("card_write.", text(11))}
		for _, a := range all(cells[11], func(n *html.Node) bool { return n.Data == "a" }) {
			r.Write = attr(a, "href")
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// named finds the name of a state by its text, which other things may follow.
func (w *window) named(prefix, text string) string {
	longest, name := 0, ""
	for key, value := range w.b.texts {
		if strings.HasPrefix(key, prefix) && strings.HasPrefix(text, value) && len(value) > longest {
			longest, name = len(value), strings.TrimPrefix(key, prefix)
		}
	}
	return name
}

// decimal is an amount as somebody types it: without currency and groups, with a
// point.
func decimal(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ',':
			return '.'
		case r >= '0' && r <= '9':
			return r
		}
		return -1
	}, text)
}

// ---- what somebody does at a desk ----

// amountFields are the fields of amounts of the basket on the page.
func (w *window) amountFields() (names []string) {
	for _, n := range all(w.page.root, func(n *html.Node) bool { return n.Data == "input" && strings.HasPrefix(attr(n, "name"), "amount-") }) {
		names = append(names, attr(n, "name"))
	}
	return names
}

// addAccount puts an account into the basket: the organisation by its name, the
// account by its number, and of services that can be paid in advance the first.
func (w *window) addAccount(organisation, account string) error {
	if w.page.path() != "/payments" {
		if err := w.open("/payments"); err != nil {
			return err
		}
	}
	if _, err := w.page.submit("/payments/account", nil); err == nil { // an organisation is chosen
		if err := w.press("/payments/view view=organisation", nil); err != nil {
			return err
		}
	}
	if err := w.press("/payments", map[string]string{"find": organisation}); err != nil {
		return err
	}
	if err := w.press("/payments/account", map[string]string{"account": account}); err != nil {
		return err
	}
	for _, n := range all(w.page.root, func(n *html.Node) bool { return n.Data == "input" && strings.HasPrefix(attr(n, "name"), "code-") }) {
		return w.press("/payments/services", map[string]string{attr(n, "name"): "yes"})
	}
	return nil
}

// toConfirm types the amount of every line, none: what stands there, calculates,
// and presses “Ödə”.
func (w *window) toConfirm(amount string) error {
	fill := make(map[string]string)
	if amount != "" {
		for _, name := range w.amountFields() {
			fill[name] = amount
		}
	}
	if err := w.press("/payments/calculate", fill); err != nil {
		return err
	}
	if err := w.press("/payments/pay", nil); err != nil {
		return err
	}
	if w.page.path() != "/payments/confirm" {
		return w.page.wrong("no confirmation")
	}
	return nil
}

// receipts are the numbers of the payments on the completion's page.
func (w *window) receipts() (numbers []string) {
	for _, n := range all(w.page.root, func(n *html.Node) bool {
		return n.Data == "th" && attr(n, "scope") == "row" && n.Parent.Parent.Data == "tbody"
	}) {
		numbers = append(numbers, inside(n))
	}
	return numbers
}

// askCancel finds a payment by its receipt number and goes to the question
// whether to cancel it. Without one that may be cancelled it stays before.
func (w *window) askCancel(receipt string) error {
	if err := w.open("/cancellations"); err != nil {
		return err
	}
	if err := w.press("/cancellations", map[string]string{"number": receipt}); err != nil {
		return err
	}
	question, ok := w.page.link("/cancellations?number=" + receipt + "&ask")
	if !ok {
		return w.page.wrong("no payment %s to cancel", receipt)
	}
	return w.open(question)
}

// copyOf returns the cookies of a browser, as a thief has them.
func copyOf(w *window) http.CookieJar {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // only its options can be wrong
	}
	site, err := url.Parse(w.b.site)
	if err != nil {
		panic(err)
	}
	jar.SetCookies(site, w.http.Jar.Cookies(site))
	return jar
}

// ---- what the books say in the end ----

// checkNoFailure looks for errors in the gateway's log: at a desk nothing that
// people do is one.
func (b *bureau) checkNoFailure() {
	b.t.Helper()
	for line := range strings.Lines(b.written()) {
		var l struct{ Level string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Level == "error" {
			b.t.Errorf("the gateway says: %s", line)
		}
	}
}

// deskRow is a payment of a desk with everything that belongs to it.
type deskRow struct {
	id                    tolem.PaymentID
	bank                  tolem.ParticipantID
	receipt               int64
	code                  tolem.CodeNumber
	status                tolem.DeskStatus
	card                  tolem.CardWrite
	amount, fee           int64
	paid, paidFee         int64  // of the gateway's payment
	ref                   string // of it
	state                 tolem.State
	refunds               int64
	asked, open, approved int64 // cancellations
}

// deskRows reads all payments of desks past the program.
func (b *bureau) deskRows(database string) (rows []deskRow) {
	b.t.Helper()
	db := openRaw(b.t, database)
	defer db.Close()
	each(b.t, db, `SELECT d.id, d.bank, d.receipt, d.code, d.status, d.card_write, d.amount, d.fee, p.amount, p.fee, p.bank_ref, c.state,
			(SELECT COUNT(*) FROM step s WHERE s.code = d.code AND s.became = c.state AND d.status = 'cancelled'),
			(SELECT COUNT(*) FROM desk_cancellation x WHERE x.bank = d.bank AND x.receipt = d.receipt),
			(SELECT COUNT(*) FROM desk_cancellation x WHERE x.bank = d.bank AND x.receipt = d.receipt AND x.decided_at = 0),
			(SELECT COUNT(*) FROM desk_cancellation x WHERE x.bank = d.bank AND x.receipt = d.receipt AND x.approved = 1)
		FROM desk_payment d JOIN payment p ON p.code = d.code JOIN code c ON c.number = d.code ORDER BY d.bank, d.receipt`,
		func(scan func(...any) error) error {
			var r deskRow
			err := scan(&r.id, &r.bank, &r.receipt, &r.code, &r.status, &r.card, &r.amount, &r.fee, &r.paid, &r.paidFee, &r.ref, &r.state,
				&r.refunds, &r.asked, &r.open, &r.approved)
			rows = append(rows, r)
			return err
		})
	return rows
}

// checkLedger looks whether money, payments and receipts agree: every payment of
// a desk is one of the gateway with the same amount, receipt numbers have no
// gap, and what was cancelled was given back once.
func (b *bureau) checkLedger(database string) []deskRow {
	b.t.Helper()
	rows := b.deskRows(database)
	last := make(map[tolem.ParticipantID]int64)
	for _, r := range rows {
		last[r.bank]++
		ref := fmt.Sprintf("%010d", r.receipt)
		cancelled := r.status == tolem.DeskCancelled
		if r.receipt != last[r.bank] || r.paid != r.amount || r.paidFee != r.fee || r.ref != ref {
			b.t.Errorf("receipt %d of %s, the %d. payment: %+v", r.receipt, r.bank, last[r.bank], r)
		}
		if (r.state == tolem.StateRefunded) != cancelled || r.refunds != count(cancelled) || r.approved != count(cancelled) ||
			r.open != count(r.status == tolem.DeskAwaiting) {
			b.t.Errorf("receipt %d is %s: %+v", r.receipt, r.status, r)
		}
	}
	db := openRaw(b.t, database)
	defer db.Close()
	for what, query := range map[string]string{
		"payments": `SELECT COUNT(*), COALESCE(SUM(amount), 0) FROM payment`, "codes": `SELECT COUNT(*), COALESCE(SUM(amount), 0) FROM code`,
	} {
		each(b.t, db, query, func(scan func(...any) error) error {
			var n, sum, want int64
			err := scan(&n, &sum)
			for _, r := range rows {
				want += r.amount
			}
			if n != int64(len(rows)) || sum != want {
				b.t.Errorf("%d %s of %d in all, want %d of %d", n, what, sum, len(rows), want)
			}
			return err
		})
	}
	each(b.t, db, `SELECT bank, last FROM desk_receipt`, func(scan func(...any) error) error {
		var bank tolem.ParticipantID
		var n int64
		err := scan(&bank, &n)
		if n != last[bank] {
			b.t.Errorf("the last receipt of %s is %d, %d are given out", bank, last[bank], n)
		}
		return err
	})
	return rows
}

func count(so bool) int64 {
	if so {
		return 1
	}
	return 0
}
