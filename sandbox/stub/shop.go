package stub

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/web"
	"tolem/wsdl/client/merchant"
)

// ShopConfig joins the stub of the shop.
type ShopConfig struct {
	Merchant tolem.ParticipantID
	Signer   *signing.Signer // of its redirects
	Gateway  signing.Truster // whose results are believed
	Address  string          // as browsers reach it: http://localhost:8081
	Page     string          // the payment page: http://localhost:8082/pay
	PageSite string          // its origin, to which the shop's forms lead
	Kept     string          // file in which orders are kept; "": in memory only
	Trials   []Trial
	Clock    func() time.Time
}

// Where the shop is reached by others: buyers come back below OrderPath, the
// gateway posts results to ResultPath. Both are registered with the gateway.
const (
	OrderPath  = "/order"
	ResultPath = "/results"
)

// goods is something on the shelf.
type goods struct {
	ID    string
	Names tolem.Names
	Price tolem.Money
}

var shelf = []goods{
	{"tea", tolem.Names{KK: "«Алатау» шайы, 250 г", RU: "Чай «Алатау», 250 г", EN: "Alatau tea, 250 g"}, tolem.Money{Minor: 2_450_00, Currency: tolem.KZT}},
	{"bowl", tolem.Names{KK: "Кесе, қыш", RU: "Пиала, керамика", EN: "Tea bowl, ceramic"}, tolem.Money{Minor: 1_800_00, Currency: tolem.KZT}},
	{"book", tolem.Names{KK: "«Абай жолы» кітабы", RU: "Книга «Путь Абая»", EN: "The Path of Abai, a book"}, tolem.Money{Minor: 6_900_00, Currency: tolem.KZT}},
}

// mostOfOne is how many of one kind can be bought at once.
const mostOfOne = 20

// maxResultShown is how much of a posted message is kept, in bytes.
const maxResultShown = 64 << 10

type shop struct {
	ShopConfig
	orders   *ledger[order]
	receiver *merchant.Receiver
}

// errOrder: the shop has no such order.
var errOrder = errors.New("no such order")

// MountShop adds the shop to a shell of its own.
func MountShop(shell *web.Shell, c ShopConfig) error {
	orders, err := openLedger(c.Kept, func(o *order) string { return o.No })
	if err != nil {
		return err
	}
	s := &shop{ShopConfig: c, orders: orders}
	s.receiver = merchant.NewReceiver(merchant.ReceiverConfig{Merchant: c.Merchant, Gateway: c.Gateway, Handle: s.take, Clock: c.Clock})
	m, err := mount(shell, "/", "shop.name", web.Problem{Err: errOrder, Status: http.StatusNotFound, Key: "order"})
	if err != nil {
		return err
	}
	m.Handle("GET /{$}", s.home)
	m.Handle("POST /cart", s.cart)
	m.Handle("GET "+OrderPath+"/{no}", s.show)
	m.Handle("POST "+OrderPath+"/{no}/pay", s.pay)
	m.Handle("POST "+ResultPath, s.results)
	return nil
}

// homeData is what the template of the shelf sees.
type homeData struct {
	Shelf  []goods
	Orders []order
	Most   int
	Empty  bool // nothing was chosen
}

func (s *shop) home(x *web.Exchange) error { return s.shelf(x, http.StatusOK, false) }

func (s *shop) shelf(x *web.Exchange, status int, empty bool) error {
	return x.Render(status, "shop_home", homeData{shelf, s.orders.all(listed), mostOfOne, empty})
}

// cart makes an order of what was chosen.
func (s *shop) cart(x *web.Exchange) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	o := order{At: s.Clock(), Amount: tolem.Money{Currency: tolem.KZT}}
	for _, g := range shelf {
		n, err := strconv.Atoi(f.Get(g.ID))
		if err != nil || n <= 0 {
			continue
		}
		l := line{g.Names, min(n, mostOfOne), g.Price}
		o.Lines = append(o.Lines, l)
		o.Amount.Minor += l.Price.Minor * int64(l.Count)
	}
	if len(o.Lines) == 0 {
		return s.shelf(x, http.StatusUnprocessableEntity, true)
	}
	o.No = s.orders.next("S", o.At)
	if err := s.orders.add(o); err != nil {
		return err
	}
	return x.See(o.path())
}

func (s *shop) find(x *web.Exchange) (order, error) {
	o, ok := s.orders.find(x.Request.PathValue("no"))
	if !ok {
		return o, errOrder
	}
	return o, nil
}

// show tells how an order stands, which only results of the gateway say.
func (s *shop) show(x *web.Exchange) error {
	o, err := s.find(x)
	if err != nil {
		return err
	}
	if o.Waits() {
		x.Header().Set("Refresh", strconv.Itoa(int(askAgain/time.Second)))
	}
	formsMayLeadTo(x, s.PageSite)
	return x.Render(http.StatusOK, "shop_order", struct {
		order
		Trials []Trial
	}{o, s.Trials})
}

// pay signs a redirect and sends the buyer to the payment page with it
// (ACQ-003 to ACQ-006).
func (s *shop) pay(x *web.Exchange) error {
	o, err := s.find(x)
	if err != nil {
		return err
	}
	address, err := merchant.SignRedirect(s.Page, tolem.OrderRedirect{
		Merchant: s.Merchant, OrderNo: tolem.RequestNo(o.No), Amount: o.Amount, Return: s.Address + o.path(),
		Issued: s.Clock(), Language: tolem.Language(x.Language),
	}, s.Signer)
	if err != nil {
		return err
	}
	if err := s.orders.change(o.No, func(o *order) { o.Sent = s.Clock() }); err != nil {
		return err
	}
	return leave(x, address)
}

// results is where the gateway posts. The kit verifies and acknowledges; what
// came and what was answered is shown with the order it is about.
func (s *shop) results(x *web.Exchange) error {
	var came bytes.Buffer
	r := x.Request.Clone(x.Request.Context())
	r.Body = io.NopCloser(io.TeeReader(io.LimitReader(x.Request.Body, maxResultShown), &came))
	answer := &recorder{header: x.Header(), status: http.StatusOK}
	s.receiver.ServeHTTP(answer, r)
	if result, err := merchant.ReadResult(came.Bytes(), s.Gateway, s.Clock()); err == nil {
		note := message{At: s.Clock(), Number: result.Number, Status: answer.status, Answer: answer.body.String(), Document: came.String()}
		if err := s.orders.change(string(result.OrderNo), func(o *order) { o.came(note) }); err != nil {
			return err
		}
	}
	x.WriteHeader(answer.status)
	_, err := x.Write(answer.body.Bytes())
	return err
}

// recorder holds back an answer until it is written down.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// take holds a result with its order. A result of an order that the shop does
// not have is refused, so that the gateway's operator sees it.
func (s *shop) take(_ context.Context, r merchant.Result) error {
	if _, ok := s.orders.find(string(r.OrderNo)); !ok {
		return errOrder
	}
	return s.orders.change(string(r.OrderNo), func(o *order) { o.take(r) })
}

// order is an order of the shop.
type order struct {
	No       string
	At       time.Time
	Lines    []line
	Amount   tolem.Money
	Sent     time.Time // the buyer, to the payment page, for the last time
	Results  []told
	Messages []message
}

// line is a position of an order.
type line struct {
	Names tolem.Names
	Count int
	Price tolem.Money // of one
}

// told is what a result said.
type told struct {
	Number   string
	Sequence int
	State    tolem.OrderState
	Reason   tolem.RefusalReason `json:",omitempty"`
	Code     tolem.CodeNumber
	Bank     tolem.ParticipantID
	BankRef  tolem.BankRef
	Card     string
	MadeAt   time.Time
}

// message is a post of the gateway, and what it was answered.
type message struct {
	At       time.Time
	Number   string
	Status   int
	Answer   string
	Document string
}

// maxMessages is how many posts are kept of one order.
const maxMessages = 40

func (o order) path() string { return OrderPath + "/" + o.No }

// take adds a result, unless it is there.
func (o *order) take(r merchant.Result) {
	if slices.ContainsFunc(o.Results, func(t told) bool { return t.Number == r.Number }) {
		return
	}
	o.Results = append(o.Results, told{r.Number, r.Sequence, r.State, r.Reason, r.Code, r.Bank, r.BankRef, r.Card, r.MadeAt})
}

func (o *order) came(m message) {
	o.Messages = append(o.Messages, m)
	o.Messages = o.Messages[max(0, len(o.Messages)-maxMessages):]
}

// Last is the result that says how the order stands: the one with the highest
// sequence, whichever came last. Nil if none has come.
func (o order) Last() *told {
	var last *told
	for i := range o.Results {
		if last == nil || o.Results[i].Sequence > last.Sequence {
			last = &o.Results[i]
		}
	}
	return last
}

// Stands is how the order is called in the texts.
func (o order) Stands() string {
	switch last := o.Last(); {
	case last != nil && (last.State != tolem.OrderRefused || last.MadeAt.After(o.Sent)):
		return string(last.State)
	case o.Sent.IsZero():
		return "NEW"
	}
	return "SENT"
}

// Waits reports whether a result may come in a few seconds.
func (o order) Waits() bool {
	return o.Stands() == "SENT" || o.Stands() == string(tolem.OrderAuthorised)
}

// MayPay reports whether the buyer may be sent to the payment page: if an
// attempt is under way, he is shown that one there.
func (o order) MayPay() bool {
	switch o.Stands() {
	case "NEW", "SENT", string(tolem.OrderRefused):
		return true
	}
	return false
}

// Tone is the colour of its page.
func (o order) Tone() string {
	switch tolem.OrderState(o.Stands()) {
	case tolem.OrderPaid:
		return "good"
	case tolem.OrderRefused:
		return "bad"
	case tolem.OrderAuthorised, tolem.OrderReversed, tolem.OrderRefunded:
		return "wait"
	}
	return ""
}
