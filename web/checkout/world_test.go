package checkout_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tolem"
	receipts "tolem/receipt"
	"tolem/web"
	"tolem/web/checkout"
)

// core is Payments as far as the page can see it: what stands is in a View, and
// a test says what becomes of an attempt.
type core struct {
	mu     sync.Mutex
	views  map[tolem.PaymentID]*checkout.View
	links  map[string]tolem.PaymentID
	used   map[string]bool
	became func(*checkout.View) // what an attempt leads to; nil: it is under way
	fail   error                // of every call

	cards     []string // as a bank would see them
	accounts  []string
	cancelled int
	saved     int // receipts
}

func (c *core) Open(_ context.Context, token string) (tolem.PaymentID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, ok := c.links[token]
	switch {
	case c.fail != nil:
		return "", c.fail
	case token == "expired":
		return "", checkout.ErrLinkExpired
	case !ok:
		return "", checkout.ErrLinkUnknown
	case c.used[token]:
		return id, checkout.ErrLinkUsed
	}
	c.used[token] = true
	return id, nil
}

// OpenOrder takes the order number for a link and knows errors by name.
func (c *core) OpenOrder(ctx context.Context, redirect url.Values) (tolem.PaymentID, error) {
	if err, ok := orderErrors[redirect.Get("order")]; ok {
		return "", err
	}
	return c.Open(ctx, redirect.Get("order"))
}

var orderErrors = map[string]error{
	"altered": checkout.ErrOrderAltered, "paid": checkout.ErrOrderPaid, "differs": checkout.ErrOrderDiffers, "terms": checkout.ErrOrderTerms,
	"merchant": checkout.ErrMerchant, "unverifiable": web.ErrBusy,
}

func (c *core) View(_ context.Context, id tolem.PaymentID) (checkout.View, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return checkout.View{}, c.fail
	}
	return *c.views[id], nil
}

func (c *core) begin(id tolem.PaymentID, m tolem.Method, masked string) error {
	v := c.views[id]
	if c.fail != nil {
		return c.fail
	}
	if v.State.Open() {
		return checkout.ErrNotNow
	}
	v.State, v.Method, v.Masked = tolem.AttemptSent, m, masked
	if c.became != nil {
		c.became(v)
	}
	return nil
}

func (c *core) PayCard(_ context.Context, id tolem.PaymentID, card tolem.Card) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.begin(id, tolem.MethodCard, card.Masked())
	if err == nil {
		number, holder, cvc, _, _ := card.Reveal()
		c.cards = append(c.cards, number+"|"+holder+"|"+cvc)
	}
	return err
}

func (c *core) PayAccount(_ context.Context, id tolem.PaymentID, bank tolem.ParticipantID, account string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.begin(id, tolem.MethodAccount, "KZ…"+account[len(account)-4:])
	if err == nil {
		c.accounts = append(c.accounts, string(bank)+"|"+account)
	}
	return err
}

func (c *core) Cancel(_ context.Context, id tolem.PaymentID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.views[id].State.MayBecome(tolem.AttemptAbandoned) {
		return checkout.ErrNotNow
	}
	c.cancelled++
	c.views[id].State, c.views[id].GivenUp = tolem.AttemptAbandoned, true
	return nil
}

func (c *core) Receipt(_ context.Context, id tolem.PaymentID, form checkout.ReceiptForm, _ web.Language) (checkout.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.views[id].Receipt == nil {
		return checkout.File{}, checkout.ErrNotNow
	}
	c.saved++
	return checkout.File{Name: "receipt." + string(form), ContentType: "application/" + string(form), Content: []byte("the receipt")}, nil
}

// change changes what stands, as the core does when the bank speaks.
func (c *core) change(f func(*checkout.View)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.views[payment])
}

// memory keeps sessions for the length of a test.
type memory struct {
	mu   sync.Mutex
	kept map[web.SessionHash]web.Session
}

func (m *memory) Create(_ context.Context, h web.SessionHash, s web.Session, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[h] = s
	return nil
}

func (m *memory) Find(_ context.Context, h web.SessionHash) (web.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.kept[h]; ok {
		return s, nil
	}
	return web.Session{}, web.ErrNoSession
}

func (m *memory) Touch(_ context.Context, h web.SessionHash, seen time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.kept[h]
	s.Seen = seen
	m.kept[h] = s
	return nil
}

func (m *memory) Remove(_ context.Context, h web.SessionHash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, h)
	return nil
}

const (
	payment = tolem.PaymentID("P-1")
	token   = "k7Q0.a-token_of.the-core"
	goodPAN = "4111 1111-1111 1111"
	rawPAN  = "4111111111111111"
	goodIBN = "KZ86 125K ZT50 0410 0100"
)

var began = time.Date(2026, 11, 22, 5, 30, 0, 0, time.UTC)

// due is a payment that waits for its payer.
func due() checkout.View {
	return checkout.View{
		State:    tolem.AttemptRedirected,
		Deadline: began.Add(14*time.Minute + 20*time.Second),
		Amount:   tolem.Money{Minor: 120_000, Currency: tolem.KZT},
		Service: tolem.Names{
			KK: "Жылжымайтын мүлікке құқықты мемлекеттік тіркеу", RU: "Государственная регистрация прав на недвижимое имущество",
			EN: "State registration of rights to real estate",
		},
		Provider: tolem.Names{
			KK: "«Азаматтарға арналған үкімет» мемлекеттік корпорациясы", RU: "Госкорпорация «Правительство для граждан»",
			EN: "Government for Citizens State Corporation",
		},
		Description: "Алматы қ., Абай даңғ. 10, 25-пәтер",
		Order:       "EG-2026-0117733",
		Code:        mustCode("1234567890123494"),
		Methods:     []tolem.Method{tolem.MethodCard, tolem.MethodAccount},
		Banks: []checkout.Bank{
			{ID: "HALYK", Names: tolem.Names{KK: "Қазақстан Халық банкі", RU: "Народный банк Казахстана", EN: "Halyk Bank of Kazakhstan"}},
			{ID: "KASPI", Names: tolem.Names{KK: "Kaspi Bank"}},
		},
		Requester: tolem.Names{KK: "eGov.kz порталы", RU: "портал eGov.kz", EN: "the eGov.kz portal"},
		ReturnURL: "https://egov.example.kz/cabinet/payments?from=gateway",
	}
}

func mustCode(s string) tolem.CodeNumber {
	n, err := tolem.ReadCodeNumber(s)
	if err != nil {
		panic(err)
	}
	return n
}

// receipt of the payment of due.
func receipt(m tolem.Method) *checkout.Receipt {
	v := due()
	r := &checkout.Receipt{
		Receipt: receipts.Receipt{
			Recipient: "860412300136", RecipientName: "Ахметова Айгүл", RequestNo: "002241198317", Account: "INV-77/2026", Amount: v.Amount,
			PaidAt: began.Add(time.Minute), ReceivedAt: began.Add(time.Minute + 2*time.Second), Method: tolem.ChannelAcquiring,
			Masked: "411111******1111", Code: v.Code, BankRef: "RRN632600451187", Service: "EREG-17", ServiceNames: v.Service,
			Provider: "GOV4C", ProviderNames: v.Provider, Bank: "HALYK", BankName: "Halyk Bank",
		},
		QR: "https://pay.egov.example.kz/receipt#TOLEM1." + strings.Repeat("Zm9v-YmFy_", 45), Operator: "NITEC JSC", Signer: "payment gateway, Tolem",
	}
	if m == tolem.MethodAccount {
		r.Method, r.Masked = tolem.ChannelAccount, "****0100"
	}
	return r
}

// site is the page on a server with TLS.
type site struct {
	*httptest.Server
	core  *core
	shell *web.Shell
	log   *strings.Builder
	now   time.Time
	mu    sync.Mutex
}

// open starts a site with one payment and a shell that offers three languages.
// Pages that wait stand still.
func open(t *testing.T, v checkout.View) *site {
	t.Helper()
	return openWith(t, v, options{})
}

// options of a site that is not like the others.
type options struct {
	refresh   checkout.Refresh
	languages []web.Language
	sandbox   bool
}

func openWith(t *testing.T, v checkout.View, o options) *site {
	t.Helper()
	if o.languages == nil {
		o.languages = []web.Language{web.Kazakh, web.Russian, web.English}
	}
	if o.refresh == (checkout.Refresh{}) {
		o.refresh = checkout.Refresh{Waiting: time.Hour, Unknown: time.Hour}
	}
	s := &site{now: began, log: new(strings.Builder)}
	s.core = &core{
		views: map[tolem.PaymentID]*checkout.View{payment: &v}, links: map[string]tolem.PaymentID{token: payment}, used: make(map[string]bool),
	}
	c := web.Config{
		Languages: o.languages, Sandbox: o.sandbox, Location: time.FixedZone("Almaty", 5*60*60),
		Clock: s.clock, Limits: web.DefaultLimits, Timeout: 10 * time.Second, Support: "1414", Log: zerolog.New(s),
	}
	c.Limits.PerSecond, c.Limits.Burst = 10_000, 10_000
	var err error
	if s.shell, err = web.New(c); err != nil {
		t.Fatal(err)
	}
	err = checkout.Mount(s.shell, checkout.Config{
		Payments: s.core, Orders: s.core, Refresh: o.refresh,
		Sessions: web.Sessions{Store: &memory{kept: make(map[web.SessionHash]web.Session)}, Cookie: "__Host-pay", Idle: 30 * time.Minute, Absolute: 24 * time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewUnstartedServer(s.shell)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that a browser gave up
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) later(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// Write takes the log.
func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// payer is a browser as far as HTTP goes.
type payer struct {
	t    *testing.T
	site *site
	http *http.Client
}

// visit returns a payer; with a session if it has followed the link.
func (s *site) visit(t *testing.T, followed bool) *payer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := s.Client()
	p := &payer{t: t, site: s, http: &http.Client{Transport: c.Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
	if followed {
		p.see(p.get("/pay/"+token), http.StatusSeeOther)
	}
	return p
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

func (p *payer) do(method, path string, form url.Values, header ...string) answer {
	p.t.Helper()
	r, err := http.NewRequest(method, p.site.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := p.http.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	var b strings.Builder
	if _, err := copyAll(&b, response.Body); err != nil {
		p.t.Fatal(err)
	}
	return answer{response, b.String()}
}

func (p *payer) get(path string, header ...string) answer {
	p.t.Helper()
	return p.do(http.MethodGet, path, nil, header...)
}

func (p *payer) post(path string, fields ...string) answer {
	p.t.Helper()
	form := url.Values{"payment": {checkout.MarkOf(payment)}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return p.do(http.MethodPost, path, form)
}

// see checks the status and that the page says each text.
func (p *payer) see(a answer, status int, texts ...string) answer {
	p.t.Helper()
	if a.StatusCode != status {
		p.t.Errorf("%s %s: status %d, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, status)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			p.t.Errorf("%s %s does not say %q:\n%s", a.Request.Method, a.Request.URL.Path, text, a.body)
		}
	}
	return a
}

// card is a whole form with a good card, changed by pairs.
func card(change ...string) []string {
	fields := []string{"method", "CARD", "card-number", goodPAN, "card-expiry", "08 / 29", "card-holder", "aigerim  serikkyzy", "card-cvc", "737", "bank", "", "account", ""}
	for i := 0; i+1 < len(change); i += 2 {
		fields[slices.Index(fields, change[i])+1] = change[i+1]
	}
	return fields
}
