package workplace

import (
	"encoding/json"
	"time"

	"tolem"
	"tolem/access"
	"tolem/registry/form"
	"tolem/smartcard"
	"tolem/web"
)

// cardData is what the screen of card details sees, its window and its paper
// (S-36 to S-38).
type cardData struct {
	Notice   *notice
	Bridge   string
	Details  []form.Field // of a card that was read
	Card     string       // the same for the window, as JSON
	Bank     string
	Branch   string
	Operator string
	At       time.Time
}

func (d *desk) showCard(x *web.Exchange, _ access.Actor) error {
	return x.Render(200, "card", cardData{Bridge: d.bridge()})
}

// codeOf is what a bridge found missing.
func codeOf(f web.Form) smartcard.Code {
	code := smartcard.Code(f.Get("not-ready"))
	if code == "" || len(code) > maxCode {
		return smartcard.ReaderNotReady
	}
	return code
}

// cardWarning is what is shown if no card was read: the one of the three
// warnings that it is, or that the card cannot be read (WP-157 to WP-159,
// WP-559).
func cardWarning(code smartcard.Code) *notice {
	if code.NotReady() || code == smartcard.NotPaired || code == smartcard.Busy {
		return bad(code.Message())
	}
	return bad(smartcard.CardUnreadable.Message())
}

// queryCard shows what stands on the card that was read (WP-154).
func (d *desk) queryCard(x *web.Exchange, by access.Actor) error {
	f, err := x.FormOf(maxAnswer)
	if err != nil {
		return err
	}
	v := cardData{Bridge: d.bridge()}
	if readOf(f) == nil {
		v.Notice = cardWarning(codeOf(f))
		return x.Render(v.Notice.status(), "card", v)
	}
	card, err := d.Workplace.ReadCard(anyway(x), by, readOf(f))
	if n, ok := refusalOf(err); ok {
		v.Notice = n
		return x.Render(n.status(), "card", v)
	}
	if err != nil {
		return err
	}
	if v, err = d.cardOf(x, by, card); err != nil {
		return err
	}
	v.Bridge = d.bridge()
	return x.Render(200, "card", v)
}

// cardOf writes what stands on a card.
func (d *desk) cardOf(x *web.Exchange, by access.Actor, card smartcard.Card) (cardData, error) {
	s := d.scribe(x)
	name := string(card.Organisation)
	if o, err := d.Bills.Organisation(x.Request.Context(), by.Person.Bank, card.Organisation); err == nil {
		name = o.Name
	}
	loaded := s.say("card.not_in_meter")
	if card.LastLoaded {
		loaded = s.say("card.in_meter")
	}
	if card.LastTicket == "" {
		loaded = ""
	}
	text, err := json.Marshal(card)
	if err != nil {
		return cardData{}, err
	}
	v := cardData{Card: string(text), Bank: d.nameOf(by.Person.Bank), Branch: d.nameOf(by.Person.Branch), Operator: by.Person.FullName(), At: x.Now()}
	v.Details = s.rows("card.number", string(card.No), "col.organisation", name, "col.account", card.Account,
		"card.balance", s.money(tolem.Money{Minor: card.Balance, Currency: d.Workplace.Currency}), "card.last_payment", loaded)
	for _, detail := range card.Details {
		v.Details = append(v.Details, form.Field{Label: detail.Label, Value: detail.Value})
	}
	return v, s.err
}

// shownCard is the card whose details a page of ours has shown. They are not
// kept, and are read from the form again: what somebody prints of a card is
// no proof of anything.
func shownCard(x *web.Exchange) (card smartcard.Card, err error) {
	f, err := x.FormOf(maxAnswer)
	if err != nil {
		return card, err
	}
	if json.Unmarshal([]byte(f.Get("card")), &card) != nil || card.No == "" {
		return card, web.ErrForm
	}
	return card, nil
}

// cardReport is the window from which the details are printed (WP-155).
func (d *desk) cardReport(x *web.Exchange, by access.Actor) error {
	card, err := shownCard(x)
	if err != nil {
		return err
	}
	v, err := d.cardOf(x, by, card)
	if err != nil {
		return err
	}
	return x.Render(200, "card_report", v)
}

// cardPaper names the paper in the audit: no card's number stands there.
const cardPaper = "card"

// printCard prints the details (WP-156).
func (d *desk) printCard(x *web.Exchange, by access.Actor) error {
	card, err := shownCard(x)
	if err != nil {
		return err
	}
	v, err := d.cardOf(x, by, card)
	if err != nil {
		return err
	}
	if err := d.record(x, by, cardPaper); err != nil {
		return err
	}
	return x.Render(200, "print_card", v)
}
