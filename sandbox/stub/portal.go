package stub

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/web"
	"tolem/wsdl/client"
)

// PortalConfig joins the stub of the portal.
type PortalConfig struct {
	Gateway  *client.Client   // signs as the portal
	Provider tolem.ProviderID // whose services it offers
	Trust    signing.Truster  // of receipts
	Address  string           // as browsers reach it: http://localhost:8080
	Page     string           // origin of the payment page, to which its forms lead
	Citizen  tolem.IIN        // stands in the form to begin with
	Name     string           // of that citizen
	Kept     string           // file in which requests are kept; "": in memory only
	Trials   []Trial
	Clock    func() time.Time
}

// ReturnPath is the path below which payers come back to the portal: it is
// registered with the gateway.
const ReturnPath = "/request"

// listed is how many requests the first page shows.
const listed = 50

// portal is the module.
type portal struct {
	PortalConfig
	requests *ledger[request]
}

// errRequest: the portal has no such request.
var errRequest = errors.New("no such request")

// MountPortal adds the portal to a shell of its own.
func MountPortal(shell *web.Shell, c PortalConfig) error {
	requests, err := openLedger(c.Kept, func(r *request) string { return r.No })
	if err != nil {
		return err
	}
	p := &portal{PortalConfig: c, requests: requests}
	m, err := mount(shell, "/", "portal.name",
		web.Problem{Err: errRequest, Status: http.StatusNotFound, Key: "request"},
		web.Problem{Err: client.ErrUnreachable, Status: http.StatusServiceUnavailable, Key: "gateway"})
	if err != nil {
		return err
	}
	m.Handle("GET /{$}", p.home)
	m.Handle("GET /order/{service}", p.orderForm)
	m.Handle("POST /order/{service}", p.order)
	m.Handle("GET "+ReturnPath+"/{no}", p.show)
	m.Handle("POST "+ReturnPath+"/{no}/pay", p.payAgain)
	m.Handle("POST "+ReturnPath+"/{no}/cancel", p.cancel)
	m.Handle("POST "+ReturnPath+"/{no}/close", p.closeCode)
	m.Handle("GET "+ReturnPath+"/{no}/receipt", p.receipt)
	m.Handle("GET "+ReturnPath+"/{no}/receipt.xml", p.receiptFile)
	return nil
}

// home lists services and requests.
func (p *portal) home(x *web.Exchange) error {
	services, err := p.Gateway.ListServices(x.Request.Context(), p.Provider)
	if err != nil {
		return err
	}
	offers := make([]offer, len(services.Services))
	for i, s := range services.Services {
		offers[i] = offerOf(s)
	}
	return x.Render(http.StatusOK, "portal_home", struct {
		Services []offer
		Requests []request
		Trials   []Trial
	}{offers, p.requests.all(listed), p.Trials})
}

// offer is a service and what it costs: exactly Fixed, or From and more.
type offer struct {
	client.Service
	Fixed, From tolem.Money
}

func offerOf(s client.Service) offer {
	amount := func(minor int64) tolem.Money { return tolem.Money{Minor: minor, Currency: s.Price.Currency} }
	return offer{s, amount(s.Price.Fixed), amount(s.Price.Min)}
}

// orderData is what the form's template sees.
type orderData struct {
	offer
	Trials            []Trial
	IIN, Name, Amount string
	Wrong             map[string]string // key of the text, by field
}

func (p *portal) service(ctx context.Context, code string) (client.Service, error) {
	services, err := p.Gateway.ListServices(ctx, p.Provider)
	if err != nil {
		return client.Service{}, err
	}
	i := slices.IndexFunc(services.Services, func(s client.Service) bool { return string(s.Code) == code })
	if i < 0 {
		return client.Service{}, web.ErrNotFound
	}
	return services.Services[i], nil
}

func (p *portal) orderForm(x *web.Exchange) error {
	s, err := p.service(x.Request.Context(), x.Request.PathValue("service"))
	if err != nil {
		return err
	}
	return p.form(x, orderData{offer: offerOf(s), IIN: p.Citizen.Reveal(), Name: p.Name})
}

func (p *portal) form(x *web.Exchange, d orderData) error {
	d.Trials = p.Trials
	if d.Amount == "" {
		d.Amount = d.From.Decimal()
	}
	status := http.StatusOK
	if len(d.Wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	formsMayLeadTo(x, p.Page)
	return x.Render(status, "portal_order", d)
}

// order takes the form, asks the gateway to have it paid and sends the citizen
// to the payment page.
func (p *portal) order(x *web.Exchange) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	s, err := p.service(x.Request.Context(), x.Request.PathValue("service"))
	if err != nil {
		return err
	}
	d := orderData{offer: offerOf(s), IIN: f.Get("iin"), Name: f.Get("name"), Amount: f.Get("amount"), Wrong: make(map[string]string)}
	amount := d.Fixed
	if amount.Minor == 0 {
		if amount, err = tolem.ParseMoney(d.Amount, s.Price.Currency); err != nil || !s.Price.Allows(amount) {
			d.Wrong["amount"] = "portal.wrong.amount"
		}
	}
	iin, err := tolem.ParseIIN(d.IIN)
	if err != nil {
		d.Wrong["iin"] = "portal.wrong.iin"
	}
	if len(d.Wrong) > 0 {
		return p.form(x, d)
	}
	now := p.Clock()
	r := request{
		No: p.requests.next("P", now), At: now, Method: tolem.Method(f.Get("method")), Service: s.Code, Provider: s.Provider, Names: s.Names,
		Amount: amount, IIN: iin.Reveal(), Name: d.Name,
	}
	if r.Method != tolem.MethodAccount {
		r.Method = tolem.MethodCard
	}
	if err := p.requests.add(r); err != nil {
		return err
	}
	return p.pay(x, r)
}

// pay begins a payment and leaves for the payment page. If the gateway refuses,
// the page of the request says so.
func (p *portal) pay(x *web.Exchange, r request) error {
	err := p.start(x.Request.Context(), &r, tolem.Language(x.Language))
	if err := errors.Join(err, p.keep(r)); err != nil {
		return err
	}
	if r.Page == "" {
		return x.See(r.path())
	}
	return leave(x, r.Page)
}

// keep writes down how a request stands now.
func (p *portal) keep(r request) error {
	return p.requests.change(r.No, func(kept *request) { *kept = r })
}

// find returns the request that the path names.
func (p *portal) find(x *web.Exchange) (request, error) {
	r, ok := p.requests.find(x.Request.PathValue("no"))
	if !ok {
		return r, errRequest
	}
	return r, nil
}

// show tells how a request stands: the return address of the payment page.
func (p *portal) show(x *web.Exchange) error {
	r, err := p.find(x)
	if err != nil {
		return err
	}
	if r.Payment != "" {
		if err := errors.Join(p.ask(x.Request.Context(), &r), p.keep(r)); err != nil {
			return err
		}
	}
	if r.waits() {
		x.Header().Set("Refresh", strconv.Itoa(int(askAgain/time.Second)))
	}
	formsMayLeadTo(x, p.Page)
	return x.Render(http.StatusOK, "portal_request", r)
}

// act serves a button of a request's page.
func (p *portal) act(x *web.Exchange, do func(context.Context, *request) error) error {
	r, err := p.find(x)
	if err != nil {
		return err
	}
	err = do(x.Request.Context(), &r)
	if err := errors.Join(err, p.keep(r)); err != nil {
		return err
	}
	return x.See(r.path())
}

func (p *portal) payAgain(x *web.Exchange) error {
	r, err := p.find(x)
	if err != nil {
		return err
	}
	return p.pay(x, r)
}

func (p *portal) cancel(x *web.Exchange) error    { return p.act(x, p.cancelCode) }
func (p *portal) closeCode(x *web.Exchange) error { return p.act(x, p.serve) }

// receipt shows the receipt that the gateway has signed.
func (p *portal) receipt(x *web.Exchange) error {
	r, document, err := p.fetchReceipt(x)
	if err != nil {
		return err
	}
	d := receiptData{request: r}
	if len(document) > 0 {
		if d.Fields, d.Signer, err = p.readReceipt(document); err != nil {
			return err
		}
	}
	return x.Render(http.StatusOK, "portal_receipt", d)
}

func (p *portal) receiptFile(x *web.Exchange) error {
	r, document, err := p.fetchReceipt(x)
	if err != nil {
		return err
	}
	if len(document) == 0 {
		return x.See(r.path())
	}
	return x.Download("receipt-"+r.No+".xml", "application/xml", document)
}
