package workplace

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"tolem"
	"tolem/access"
	"tolem/smartcard"
	"tolem/web"
	"tolem/workplace"
)

// maxAnswer bounds what the answer of a card bridge may be, in bytes.
const maxAnswer = 32 << 10

// maxCode is the longest code of a bridge that is looked at.
const maxCode = 32

// confirmData is what the confirmation sees (S-19, S-22).
type confirmData struct {
	lines
	// Without is why no card can be written: the code of a bridge. It is then asked
	// whether to pay without (S-22); empty: the first confirmation.
	Without smartcard.Code
	Bridge  string // where the page finds the card bridge
}

// showConfirmation asks whether to pay what was calculated (S-19).
func (d *desk) showConfirmation(x *web.Exchange, by access.Actor) error {
	b, err := d.Workplace.Basket(x.Request.Context(), by)
	if err != nil {
		return err
	}
	if b.Calculation == 0 || len(b.Lines) == 0 {
		return x.See(paymentsPath)
	}
	return d.ask(x, by, b, "")
}

// bridge is the address that pages call the card bridge at.
func (d *desk) bridge() string { return "http://" + d.Bridge }

func (d *desk) ask(x *web.Exchange, by access.Actor, b tolem.Basket, without smartcard.Code) (err error) {
	c := confirmData{Without: without, Bridge: d.bridge()}
	if c.lines, err = d.linesOf(x, by, b); err != nil {
		return err
	}
	return x.Render(200, "confirm", c)
}

// confirm pays: “Davam et” (WP-060), or “Bəli” (WP-083). The same form sent twice
// leads to the same completion (WP-539).
func (d *desk) confirm(x *web.Exchange, by access.Actor) error {
	f, err := x.FormOf(maxAnswer)
	if err != nil {
		return err
	}
	c := workplace.Confirmation{Basket: tolem.BasketID(f.Get("basket")), WithoutWrite: f.Get("without") == "yes"}
	c.Calculation, _ = strconv.ParseInt(f.Get("calculation"), 10, 64)
	if read := f.Get("read"); read != "" {
		c.Read = []byte(read)
	}
	if code := f.Get("not-ready"); len(code) <= maxCode {
		c.NotReady = smartcard.Code(code)
	}
	done, err := d.Workplace.Pay(anyway(x), by, c)
	if errors.Is(err, workplace.ErrWithoutWrite) {
		b, err := d.Workplace.Basket(x.Request.Context(), by)
		if err != nil {
			return err
		}
		if c.NotReady == "" {
			c.NotReady = smartcard.ReaderNotReady
		}
		return d.ask(x, by, b, c.NotReady)
	}
	if n, ok := refusalOf(err); ok {
		return d.show(x, by, tolem.Basket{}, paymentsData{Notice: n, Where: where{At: atPay}})
	}
	switch {
	case err != nil:
		return err
	case len(done.Payments) == 0:
		return x.See(withSaid(paymentsPath, workplace.ErrPaymentFailed.Key()))
	}
	return x.See(completedPath + "/" + url.PathEscape(string(c.Basket)))
}

// completedData is what the completion sees (S-20, S-21, S-23, S-27).
type completedData struct {
	workplace.Completion
	Notice *notice
	Bridge string
	Failed []tolem.BasketLine // stay in the basket (WP-540)
	Cards  []tolem.BasketLine // wait for their card
	Total  tolem.Money
}

// Ticket is the open ticket of a payment; nil if there is none.
func (c completedData) Ticket(id tolem.PaymentID) *tolem.CardTicket {
	for i := range c.Tickets {
		if c.Tickets[i].Payment == id {
			return &c.Tickets[i]
		}
	}
	return nil
}

// Signed is a ticket as the bridge takes it.
func (c completedData) Signed(t *tolem.CardTicket) string { return string(t.Signed) }

// Amount is an amount without its currency, for messages that name it.
func (c completedData) Amount(l web.Language, m tolem.Money) string { return web.FormatAmount(l, m) }

// completed shows what was paid of a basket (WP-062).
func (d *desk) completed(x *web.Exchange, by access.Actor) error {
	done, err := d.Workplace.Completed(x.Request.Context(), by, tolem.BasketID(x.Request.PathValue("basket")))
	if err != nil {
		return err
	}
	if len(done.Payments) == 0 {
		return web.ErrNotFound
	}
	c := completedData{Completion: done, Notice: arrived(x), Bridge: d.bridge(), Total: tolem.Money{Currency: d.Workplace.Currency}}
	for _, p := range done.Payments {
		c.Total.Minor += p.Total().Minor
		if p.CardWrite == tolem.CardWriteFailed && c.Notice != nil && c.Notice.Key == smartcard.WriteFailed.Message() {
			c.Notice = nil // it stands with the payment
		}
	}
	for _, l := range done.Left {
		if l.Failed != "" {
			c.Failed = append(c.Failed, l)
		} else {
			c.Cards = append(c.Cards, l)
		}
	}
	return x.Render(200, "completed", c)
}

// cardEntryData is what the entry by card sees (S-24, S-26).
type cardEntryData struct {
	lines
	Notice       *notice
	Organisation tolem.Organisation
	Bridge       string
}

// showCardEntry asks for the card (WP-090, WP-091).
func (d *desk) showCardEntry(x *web.Exchange, by access.Actor) error {
	b, err := d.Workplace.Basket(x.Request.Context(), by)
	if err != nil {
		return err
	}
	return d.cardEntry(x, by, b, tolem.ProviderID(x.Request.URL.Query().Get("organisation")), arrived(x))
}

func (d *desk) cardEntry(x *web.Exchange, by access.Actor, b tolem.Basket, id tolem.ProviderID, n *notice) error {
	o, err := d.Bills.Organisation(x.Request.Context(), by.Person.Bank, id)
	if err != nil || o.Smart != tolem.SmartGas {
		return x.See(paymentsPath)
	}
	return x.Render(n.status(), "card_entry", cardEntryData{lines: lines{Basket: b}, Notice: n, Organisation: o, Bridge: d.bridge()})
}

// addCard takes what the bridge said: the card's account comes into the basket
// (WP-094), or the message says why not (WP-092, WP-093, WP-558).
func (d *desk) addCard(x *web.Exchange, by access.Actor) error {
	f, err := x.FormOf(maxAnswer)
	if err != nil {
		return err
	}
	w := d.formWhere(f)
	read := f.Get("read")
	if read == "" {
		b, err := d.Workplace.Basket(x.Request.Context(), by)
		if err != nil {
			return err
		}
		code := smartcard.Code(f.Get("not-ready"))
		if code == "" || len(code) > maxCode {
			code = smartcard.ReaderNotReady
		}
		return d.cardEntry(x, by, b, w.Organisation, unread(code))
	}
	entry, err := d.Workplace.AddCard(x.Request.Context(), by, editOf(f), w.Organisation, []byte(read), "")
	if n, ok := refusalOf(err); ok {
		return d.cardEntry(x, by, entry.Basket, w.Organisation, n)
	}
	if err != nil {
		return err
	}
	return x.See(payByCardPath + "/" + strconv.Itoa(int(entry.Added[0])))
}

// unread says that a card could not be read, and why if the operator can put it
// right.
func unread(code smartcard.Code) *notice {
	texts := code.ReadMessages()
	n := bad(texts[0])
	if len(texts) > 1 {
		n.Cause = texts[1]
	}
	return n
}

// cardLineData is what the entry of the amount sees (S-25).
type cardLineData struct {
	lines
	Line line
}

// showCardLine shows the account of the card and asks for the amount (WP-094,
// WP-095).
func (d *desk) showCardLine(x *web.Exchange, by access.Actor) error {
	b, err := d.Workplace.Basket(x.Request.Context(), by)
	if err != nil {
		return err
	}
	shown, err := d.linesOf(x, by, b)
	if err != nil {
		return err
	}
	l := shown.line(lineOf(x.Request.PathValue("line")))
	if l == nil {
		return x.See(paymentsPath)
	}
	return x.Render(200, "card_line", cardLineData{shown, *l})
}

// challenge gives a page what the card is to be read for.
func (d *desk) challenge(x *web.Exchange, by access.Actor) error {
	c, err := d.Workplace.NewChallenge(x.Request.Context(), by)
	var r *workplace.Refusal
	if errors.As(err, &r) {
		return answerJSON(x, http.StatusConflict, map[string]string{"code": string(smartcard.ReaderNotReady), "message": r.Key()})
	}
	if err != nil {
		return err
	}
	return answerJSON(x, http.StatusOK, map[string]string{"challenge": c.Value})
}

// written takes what the bridge said about a ticket, and shows the completion as
// it stands then.
func (d *desk) written(x *web.Exchange, by access.Actor) error {
	f, err := x.FormOf(maxAnswer)
	if err != nil {
		return err
	}
	_, err = d.Workplace.Written(anyway(x), by, []byte(f.Get("answer")))
	return d.decided(x, f, err)
}

// cardRead takes what the bridge has read: it decides payments of which nobody
// knew whether the card was written (WP-551).
func (d *desk) cardRead(x *web.Exchange, by access.Actor) error {
	f, err := x.FormOf(maxAnswer)
	if err != nil {
		return err
	}
	read := f.Get("read")
	if read == "" {
		return d.decided(x, f, workplace.CardRefusal(smartcard.Code(f.Get("not-ready"))))
	}
	_, err = d.Workplace.ReadCard(anyway(x), by, []byte(read))
	return d.decided(x, f, err)
}

// decided leads back to the completion, with the message of a refusal.
func (d *desk) decided(x *web.Exchange, f web.Form, err error) error {
	to := completedPath + "/" + url.PathEscape(f.Get("basket"))
	if n, ok := refusalOf(err); ok {
		if slices.ContainsFunc(said, func(m notice) bool { return m.Key == n.Key }) {
			to = withSaid(to, n.Key)
		}
		return x.See(to)
	}
	if err != nil {
		return err
	}
	return x.See(to)
}
