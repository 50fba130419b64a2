package workplace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tolem"
	"tolem/bills"
	"tolem/smartcard"
	"tolem/smartcard/bridge"
	"tolem/smartcard/bridge/simulator"
	"tolem/store"
)

// The organisations.
const (
	electro = tolem.ProviderID("AZERISHIQ")
	gas     = tolem.ProviderID("AZERIQAZ")
	water   = tolem.ProviderID("AZERSU")
	taxes   = tolem.ProviderID("TAXES")
	remote  = tolem.ProviderID("REMOTE") // its own system knows its accounts
)

// silent is an organisation's system that does not answer.
type silent struct{}

func (silent) Account(ctx context.Context, _ tolem.AccountNumber) (tolem.Snapshot, error) {
	<-ctx.Done()
	return tolem.Snapshot{}, ctx.Err()
}

// newTill is a world whose banks take payments for five organisations.
func newTill(t *testing.T, dsn string, options ...func(*world)) *world {
	t.Helper()
	w := newWorldOn(t, dsn, append(options, func(w *world) { w.sources = map[tolem.ProviderID]bills.Source{remote: silent{}} })...)
	w.update(func(tx *store.Tx) error {
		var errs []error
		for _, o := range []tolem.Organisation{
			{Provider: tolem.Provider{ID: electro}, Name: "Azərişıq ASC", Smart: tolem.SmartElectro, PayWithoutCardWrite: true, Cancellable: true},
			{Provider: tolem.Provider{ID: gas}, Name: "ARDNŞ-in Azəriqaz İB", Smart: tolem.SmartGas, Cancellable: true},
			{Provider: tolem.Provider{ID: water}, Name: "Azərsu ASC", Smart: tolem.SmartNone, Cancellable: true},
			{Provider: tolem.Provider{ID: taxes}, Name: "Vergilər Nazirliyi", Smart: tolem.SmartNone, ReceiverRequired: true},
			{Provider: tolem.Provider{ID: remote}, Name: "İşıq Telekom", Smart: tolem.SmartNone},
		} {
			o.Active, o.BIN, o.Account = true, "990240001237", "AZ1"
			errs = append(errs, tx.PutProvider(o.Provider), tx.PutOrganisation(o))
		}
		for _, s := range []tolem.DeskService{
			{Service: tolem.Service{Code: "LIGHT", Provider: electro}, Shown: "01", Name: "Elektrik enerjisi", Advance: true},
			{Service: tolem.Service{Code: "GAS", Provider: gas}, Shown: "11", Name: "Qaz", Advance: true},
			{Service: tolem.Service{Code: "SUPPLY", Provider: water}, Shown: "21", Name: "Su", Advance: true},
			{Service: tolem.Service{Code: "DRAIN", Provider: water}, Shown: "22", Name: "Kanalizasiya", Advance: true},
			{Service: tolem.Service{Code: "FINE", Provider: water}, Shown: "23", Name: "Cərimə"},
			{Service: tolem.Service{Code: "TAX", Provider: taxes}, Shown: "31", Name: "Torpaq vergisi"},
			{Service: tolem.Service{Code: "NET", Provider: remote}, Shown: "41", Name: "İnternet", Advance: true},
		} {
			s.Active, s.Price = true, tolem.Price{Currency: tolem.AZN}
			errs = append(errs, tx.PutService(s.Service), tx.PutDeskService(s))
		}
		return errors.Join(append(errs,
			tx.PutOrganisationUnit(tolem.OrganisationUnit{Organisation: taxes, Code: "01", Name: "Bakı Vergi İdarəsi", Active: true}),
			tx.PutOrganisationUnit(tolem.OrganisationUnit{Organisation: taxes, Code: "02", Name: "Gəncə Vergi İdarəsi", Active: true}),
			tx.PutTariff(tolem.Tariff{Organisation: water, Percent: 10_000, Min: 20}),
			tx.PutAsanUnit(tolem.AsanUnit{Code: "A1-1", Point: "ASAN1", Name: "ASAN bölmə 1", Active: true}),
		)...)
	})
	w.feed(electro, "7001")
	w.feed(gas, "400123")
	w.feed(gas, "400200", owed("GAS", "G-1", 810))
	w.feed(water, "1001", owed("SUPPLY", "INV-1", 1234))
	w.feed(water, "1002")
	w.feed(taxes, "500", owed("TAX", "T-1", 10000))
	w.feed(taxes, "501")
	return w
}

func (w *world) update(do func(*store.Tx) error) {
	w.t.Helper()
	w.must(w.db.Update(w.t.Context(), do))
}

func owed(s tolem.ServiceCode, invoice string, minor int64) tolem.Bill {
	return tolem.Bill{Service: s, Invoice: invoice, Period: "2026-10", Amount: tolem.Money{Minor: minor, Currency: tolem.AZN}}
}

// feed says what an account owes.
func (w *world) feed(o tolem.ProviderID, number tolem.AccountNumber, bill ...tolem.Bill) {
	w.t.Helper()
	w.clock.Advance(time.Second)
	_, err := w.bills.Feed(w.t.Context(), bills.Batch{
		Organisation: o, Source: bills.SourceCSV, Name: "test", AsOf: w.clock.Now(), PaidUntil: w.clock.Now(),
		Snapshots: []tolem.Snapshot{{Account: tolem.AccountID{Number: number}, Bills: bill, Particulars: tolem.Particulars{
			Holder: "Əli Vəliyev", Address: "Gəncə, Nizami küç. 5", Details: []tolem.Detail{{Label: "Sayğac", Value: "№ 778"}},
		}}},
	}, false)
	w.must(err)
}

// cashier is an operator before the page that was answered last.
type cashier struct {
	*staff
	page answer
}

func (w *world) cashier(name tolem.UserName, role tolem.Role) *cashier {
	w.t.Helper()
	return &cashier{staff: w.employ("KAPITAL", name, role).works()}
}

// open opens a page, and follows where it leads.
func (c *cashier) open(path string) *cashier {
	c.w.t.Helper()
	c.page = c.follow(c.get(path))
	return c
}

// follow goes where an answer leads.
func (c *cashier) follow(a answer) answer {
	c.w.t.Helper()
	for a.status == http.StatusSeeOther {
		a = c.get(a.header.Get("Location"))
	}
	return a
}

var (
	inputTag  = regexp.MustCompile(`<input [^>]*>`)
	attribute = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
	selected  = regexp.MustCompile(`<select id="([^"]+)"[^>]*>(?s:.*?)</select>`)
	option    = regexp.MustCompile(`value="([^"]*)" selected`)
)

// fields are those of the main part of the page, as a browser would send them.
func (a answer) fields() url.Values {
	f := make(url.Values)
	for _, tag := range inputTag.FindAllString(a.main(), -1) {
		at := make(map[string]string)
		for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
			at[m[1]] = html.UnescapeString(m[2])
		}
		if at["name"] != "" && at["type"] != "checkbox" {
			f.Set(at["name"], at["value"])
		}
	}
	for _, m := range selected.FindAllStringSubmatch(a.main(), -1) {
		f.Set(m[1], "")
		if o := option.FindStringSubmatch(m[0]); o != nil {
			f.Set(m[1], o[1])
		}
	}
	return f
}

// send sends the form of the page to an address, with what is typed or pressed,
// and follows where it leads.
func (c *cashier) send(to string, fields ...string) *cashier {
	c.w.t.Helper()
	c.page = c.follow(c.sent(to, fields...))
	return c
}

// sent is send without following.
func (c *cashier) sent(to string, fields ...string) answer {
	c.w.t.Helper()
	f := c.page.fields()
	for i := 0; i+1 < len(fields); i += 2 {
		f.Set(fields[i], fields[i+1])
	}
	var all []string
	for name, values := range f {
		all = append(all, name, values[0])
	}
	return c.post(to, all...)
}

// account chooses an organisation and looks an account up.
func (c *cashier) account(o tolem.ProviderID, number string, codes ...string) *cashier {
	c.w.t.Helper()
	c.open("/payments?organisation="+string(o)).send("/payments/account", "account", number)
	if len(codes) > 0 {
		var fields []string
		for _, code := range codes {
			fields = append(fields, "code-"+code, "yes")
		}
		c.send("/payments/services", fields...)
	}
	return c
}

// calculate types amounts into the lines, in their order.
func (c *cashier) calculate(amounts ...string) *cashier {
	c.w.t.Helper()
	var fields []string
	for i, no := range strings.Fields(c.page.fields().Get("lines")) {
		if i < len(amounts) {
			fields = append(fields, "amount-"+no, amounts[i])
		}
	}
	return c.send("/payments/calculate", fields...)
}

func (c *cashier) says(status int, texts ...string) *cashier {
	c.w.t.Helper()
	c.page.says(status, texts...)
	return c
}

func (c *cashier) lacks(texts ...string) *cashier {
	c.w.t.Helper()
	c.page.lacks(texts...)
	return c
}

// payments are what was taken, by receipt number.
func (w *world) payments() (all []tolem.DeskPayment) {
	w.t.Helper()
	w.must(w.db.View(w.t.Context(), func(tx *store.Tx) error {
		for n := tolem.ReceiptNo(1); ; n++ {
			p, err := tx.DeskPayment("KAPITAL", n)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			all = append(all, p)
		}
	}))
	return all
}

// reader is a card bridge with simulated cards at a desk of KAPITAL.
type reader struct {
	w      *world
	sim    *simulator.Simulator
	server *httptest.Server
	origin string
}

// newReader starts a bridge for pages of an origin. Its address must be known
// before the pages are; pair joins it to the bank.
func newReader(t *testing.T, w *world, server *httptest.Server, origin string) *reader {
	t.Helper()
	dir := t.TempDir()
	sim, err := simulator.Open(dir)
	w.must(err)
	b, err := bridge.Open(bridge.Config{
		Dir: dir, Origins: []string{origin}, Reader: sim, Simulator: sim, Version: "test", Clock: w.clock.Now, ReaderTimeout: time.Second, Log: zerolog.Nop(),
	})
	w.must(err)
	r := &reader{w: w, sim: sim, server: server, origin: origin}
	handler, err := b.Handler(server.Listener.Addr())
	w.must(err)
	server.Config = bridge.Server(handler)
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		w.must(b.Close())
	})
	var code smartcard.PairingCode
	w.update(func(tx *store.Tx) (err error) {
		_, code, err = w.cards.Register(tx, "KAPITAL", "GNC01", "Kassa 1", "security")
		return err
	})
	_, err = b.Pair(code)
	w.must(err)
	var enrolment struct{ Enrolment string }
	_, text := r.call(http.MethodGet, "/v1/pairing", nil)
	w.must(json.Unmarshal(text, &enrolment))
	var grant string
	w.update(func(tx *store.Tx) (err error) {
		_, grant, err = w.cards.Pair(tx, "KAPITAL", enrolment.Enrolment, "security")
		return err
	})
	if status, text := r.call(http.MethodPost, "/v1/pairing", map[string]string{"grant": grant}); status != http.StatusOK {
		t.Fatalf("pairing: %d %s", status, text)
	}
	return r
}

// reader is a bridge for tests without a browser.
func (w *world) reader() *reader {
	return newReader(w.t, w, httptest.NewUnstartedServer(nil), "https://localhost:8446")
}

// call sends a request as a page does.
func (r *reader) call(method, path string, body any) (int, []byte) {
	r.w.t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		r.w.must(err)
		in = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(r.w.t.Context(), method, r.server.URL+path, in)
	r.w.must(err)
	request.Header.Set("Origin", r.origin)
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(request)
	r.w.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	r.w.must(err)
	return answer.StatusCode, text
}

// insert puts a card into the reader.
func (r *reader) insert(no tolem.SmartCardNo, o tolem.ProviderID, account string) {
	r.w.t.Helper()
	if _, ok := r.sim.Scene().Cards[no]; !ok {
		r.scene(simulator.Change{Cards: []smartcard.Card{{No: no, Organisation: o, Account: account}}})
	}
	r.scene(simulator.Change{Inserted: &no})
}

// scene sets what is there and what fails.
func (r *reader) scene(c simulator.Change) {
	r.w.t.Helper()
	r.w.must(r.sim.Set(c))
}

// read reads the card for a cashier's challenge, as the script does: the fields
// of the form.
func (r *reader) read(c *cashier) []string {
	r.w.t.Helper()
	var asked struct{ Challenge string }
	r.w.must(json.Unmarshal([]byte(c.post("/cards/challenge").says(200).body), &asked))
	status, text := r.call(http.MethodPost, "/v1/card/read", map[string]string{"challenge": asked.Challenge})
	if status != http.StatusOK {
		var failed struct{ Code string }
		r.w.must(json.Unmarshal(text, &failed))
		return []string{"not-ready", failed.Code}
	}
	return []string{"read", string(text)}
}

var ticketTag = regexp.MustCompile(`data-ticket="([^"]+)" data-ticket-id="([^"]+)" data-ticket-op="([^"]+)"`)

// carry has the ticket of the page carried out, and tells the server.
func (r *reader) carry(c *cashier) *cashier {
	r.w.t.Helper()
	m := ticketTag.FindStringSubmatch(c.page.body)
	if m == nil {
		r.w.t.Fatalf("the page has no ticket: %s", c.page.main())
	}
	_, text := r.call(http.MethodPost, "/v1/card/"+m[3], map[string]string{"ticket": html.UnescapeString(m[1])})
	return c.send("/cards/written", "answer", string(text))
}

func is[T any](v T) *T { return &v }
