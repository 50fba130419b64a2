// Package slip shows an e-receipt to people: its rows with their labels in the
// language of the reader, its QR code, and a document of one page to keep. Every
// place that shows a receipt shows these rows, so that none forgets one.
//
// It signs and verifies nothing and keeps nothing. The payment page and the page
// that checks receipts call it, and the commands for the document.
package slip

import (
	"embed"
	"strings"
	"time"

	"tolem"
	"tolem/receipt"
	"tolem/web"
)

//go:embed i18n
var files embed.FS

// Texts are the labels in every language.
type Texts struct{ catalogue web.Catalogue }

// New reads the texts.
func New() (Texts, error) {
	c, err := web.LoadCatalogue(files)
	return Texts{c}, err
}

// Row is one field of a receipt.
type Row struct {
	Label, Value string
	Exact        bool // digits and signs that are compared one by one, not words
}

// moment is how a receipt tells a time: with its zone, for it may be read where
// the clock is another.
const moment = "02.01.2006 15:04:05 (UTC-07:00)"

// Rows returns the fields that the receipt has, in the order in which people
// look for them; times are those of the zone (GW-140 to GW-148).
func (t Texts) Rows(r receipt.Receipt, l web.Language, zone *time.Location) ([]Row, error) {
	s := speaker{t.catalogue, l, nil}
	name := func(n tolem.Names) string { return n.In(string(l)) }
	rows := []Row{
		{s.say("row.code"), r.Code.Printed(), true},
		{s.say("row.paid_at"), r.PaidAt.In(zone).Format(moment), true},
		{s.say("row.payer"), r.Recipient.Reveal(), true},
		{s.say("row.name"), r.RecipientName, false},
		{s.say("row.service"), named(name(r.ServiceNames), r.Service), false},
		{s.say("row.provider"), named(name(r.ProviderNames), r.Provider), false},
		{s.say("row.request"), r.RequestNo, true},
		{s.say("row.account"), r.Account, true},
		{s.say("row.method"), s.say("method." + string(r.Method)), false},
		{s.say("row.masked"), r.Masked, true},
		{s.say("row.bank"), named(r.BankName, r.Bank), false},
		{s.say("row.transaction"), r.BankRef, true},
		{s.say("row.received_at"), r.ReceivedAt.In(zone).Format(moment), true},
	}
	shown := rows[:0]
	for _, row := range rows {
		if row.Value != "" {
			shown = append(shown, row)
		}
	}
	return shown, s.err
}

// longestName is how many letters of a name are shown, so that the identifier
// behind it is never what is cut.
const longestName = 140

// named is a name with the identifier that it stands for.
func named(name, id string) string {
	if letters := []rune(name); len(letters) > longestName {
		name = strings.TrimRight(string(letters[:longestName-1]), " ") + "…"
	}
	if name == "" || id == "" {
		return name + id
	}
	return name + " (" + id + ")"
}

// Amount returns the amount as people write it: 1 200,00 ₸.
func (t Texts) Amount(m tolem.Money, l web.Language) (string, error) {
	symbol, err := t.catalogue.Text(l, "symbol."+string(m.Currency))
	return web.FormatAmount(l, m) + "\u00a0" + symbol, err
}

// speaker says texts in one language and keeps the first error.
type speaker struct {
	catalogue web.Catalogue
	language  web.Language
	err       error
}

func (s *speaker) say(key string, pairs ...any) string {
	text, err := s.catalogue.Text(s.language, key, pairs...)
	if s.err == nil {
		s.err = err
	}
	return text
}

// Guarded returns the receipt as a page shows it that anybody may open who has
// its QR code: enough to compare it with the paper, and not enough for whoever
// looks over a shoulder or at a picture of the screen. Of the IIN, accounts and
// cards the last four signs are left, of a name the first word and initials.
func Guarded(r receipt.Receipt) receipt.Receipt {
	r.Recipient = tolem.IIN(lastFour(r.Recipient.Reveal()))
	r.Account, r.Masked = lastFour(r.Account), lastFour(r.Masked)
	r.RecipientName = initials(r.RecipientName)
	return r
}

const (
	leftSigns = 4
	hidden    = "•••• "
)

func lastFour(s string) string {
	signs := []rune(s)
	switch {
	case s == "":
		return ""
	case len(signs) <= 2*leftSigns:
		return strings.TrimSpace(hidden)
	}
	return hidden + string(signs[len(signs)-leftSigns:])
}

func initials(name string) string {
	words := strings.Fields(name)
	for i := 1; i < len(words); i++ {
		words[i] = string([]rune(words[i])[:1]) + "."
	}
	return strings.Join(words, " ")
}
