package workplace

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"tolem"
	"tolem/access"
	"tolem/bills"
	"tolem/store"
)

// Edit ties a change to the basket that the page showed, and brings what was
// typed into its fields of amounts, so that no change loses it.
type Edit struct {
	Version int64
	Amounts map[tolem.LineID]string
}

// prefilled is an amount as an operator would type it: with a comma (WP-533).
func prefilled(minor int64) string {
	return strings.Replace(tolem.Money{Minor: minor}.Decimal(), ".", ",", 1)
}

// maxTyped bounds what is kept of a field of an amount, in bytes.
const maxTyped = 32

// Entry is what looking an account up, or choosing services, came to.
type Entry struct {
	Basket  tolem.Basket
	Account tolem.Snapshot
	Added   []tolem.LineID
	// Services can be paid in advance: a window lists them (WP-036, WP-039).
	Services []tolem.DeskService
}

// Basket returns the actor's basket; a new and empty one if there is none.
func (w *Workplace) Basket(ctx context.Context, by access.Actor) (b tolem.Basket, err error) {
	if err := access.May(by, tolem.ActPay); err != nil {
		return b, err
	}
	err = w.db.View(ctx, func(tx *store.Tx) error {
		b, err = basketOf(tx, by)
		return err
	})
	return b, err
}

func basketOf(tx *store.Tx, by access.Actor) (tolem.Basket, error) {
	b, err := tx.Basket(by.Person.ID)
	if errors.Is(err, store.ErrNotFound) {
		return tolem.Basket{ID: newBasketID(), Bank: by.Person.Bank, Person: by.Person.ID}, nil
	}
	return b, err
}

func newBasketID() tolem.BasketID { return tolem.BasketID(rand.Text()) }

// edit changes the actor's basket as the page showed it. Of a change that is
// refused the amounts that were typed stay, and nothing else. With ErrStale and
// other refusals comes the basket as it stands.
func (w *Workplace) edit(ctx context.Context, by access.Actor, e Edit, change func(*store.Tx, tolem.Basket) (tolem.Basket, error)) (b tolem.Basket, err error) {
	if err := access.May(by, tolem.ActPay); err != nil {
		return b, err
	}
	var refused error
	err = w.db.Update(ctx, func(tx *store.Tx) error {
		var seen tolem.Basket
		if seen, err = basketOf(tx, by); err != nil {
			return err
		}
		b, refused = seen, nil
		if seen.Version != e.Version {
			refused = ErrStale
			return nil
		}
		typed := e.typed(seen)
		b, refused = change(tx, typed)
		var r *Refusal
		switch {
		case refused == nil:
		case errors.As(refused, &r):
			b = typed
		default:
			return refused
		}
		return put(tx, seen, &b)
	})
	if err != nil {
		return b, err
	}
	return b, refused
}

// put stores a basket unless it is as it was.
func put(tx *store.Tx, seen tolem.Basket, b *tolem.Basket) error {
	same := seen.ID == b.ID && seen.Calculation == b.Calculation && seen.Calculations == b.Calculations && seen.Last == b.Last
	if same && slices.EqualFunc(seen.Lines, b.Lines, sameLine) {
		return nil
	}
	if err := tx.PutBasket(*b); err != nil {
		return err
	}
	b.Version++
	return nil
}

// sameLine compares what a desk can change of a line.
func sameLine(l, m tolem.BasketLine) bool {
	return l.No == m.No && l.Typed == m.Typed && l.Amount == m.Amount && l.Fee == m.Fee && l.Unit == m.Unit && l.AsanUnit == m.AsanUnit &&
		l.Failed == m.Failed && l.Open == m.Open && l.SeenAt.Equal(m.SeenAt)
}

// typed puts what was typed into a basket.
func (e Edit) typed(b tolem.Basket) tolem.Basket {
	for _, l := range b.Lines {
		text, ok := e.Amounts[l.No]
		if !ok || shortened(text) == l.Typed {
			continue
		}
		b, _ = b.Change(l.No, func(l *tolem.BasketLine) { l.Typed, l.Amount = shortened(text), 0 })
	}
	return b
}

// shortened is what is kept of a field. What was cut off is no amount any more.
func shortened(typed string) string {
	if len(typed) > maxTyped {
		return strings.ToValidUTF8(typed[:maxTyped], "") + "…"
	}
	return strings.ToValidUTF8(typed, "")
}

// Search looks an account up by what was typed and adds its debts, or the one
// service that can be paid in advance; if there are several, Services lists them
// and nothing is added (WP-033 to WP-036, WP-524 to WP-528). Debts that the
// basket has are passed over. The refusals are ErrAccountNotFound,
// ErrNothingToPay, ErrLookupFailed, ErrDuplicate, ErrFull, ErrCardTwice; they
// leave the lines as they were.
func (w *Workplace) Search(ctx context.Context, by access.Actor, e Edit, o tolem.ProviderID, typed string) (Entry, error) {
	f, err := w.lookup(ctx, by, o, typed)
	entry := Entry{Account: f.Account}
	if err != nil {
		return w.refused(ctx, by, e, entry, err)
	}
	var lines []tolem.BasketLine
	switch f.Outcome {
	case bills.FoundServices:
		entry.Services = f.Advance
	case bills.FoundService:
		lines = append(lines, f.advance(f.Advance[0]))
	default:
		for _, d := range f.Debts {
			lines = append(lines, f.debt(d))
		}
	}
	return w.add(ctx, by, e, entry, lines, true)
}

// Services lists what can be paid in advance on an account, for the window
// (WP-039), without adding anything.
func (w *Workplace) Services(ctx context.Context, by access.Actor, o tolem.ProviderID, account tolem.AccountNumber) (Entry, error) {
	f, err := w.lookup(ctx, by, o, string(account))
	if err != nil {
		return Entry{}, err
	}
	if len(f.Advance) == 0 {
		return Entry{}, ErrNothingToPay
	}
	b, err := w.Basket(ctx, by)
	return Entry{Basket: b, Account: f.Account, Services: f.Advance}, err
}

// AddServices adds a line for each service code (WP-037, WP-038). If the basket
// has one of them nothing is added.
func (w *Workplace) AddServices(ctx context.Context, by access.Actor, e Edit, o tolem.ProviderID, account tolem.AccountNumber, codes []tolem.ServiceCode) (Entry, error) {
	f, err := w.lookup(ctx, by, o, string(account))
	entry := Entry{Account: f.Account}
	if err != nil {
		return w.refused(ctx, by, e, entry, err)
	}
	var lines []tolem.BasketLine
	for _, code := range codes {
		i := slices.IndexFunc(f.Advance, func(s tolem.DeskService) bool { return s.Code == code })
		if i < 0 {
			return w.refused(ctx, by, e, entry, ErrNothingToPay)
		}
		lines = append(lines, f.advance(f.Advance[i]))
	}
	return w.add(ctx, by, e, entry, lines, false)
}

// AddCard adds the account of the SMART card that was read (WP-091, WP-094).
// Answer is what the bridge said to the challenge of NewChallenge. The amount
// is what was typed in “Məbləğ (AZN)”; it may be empty. What goes to a card is
// paid in advance: if the account can be paid for several services so, it is the
// first in the order of their codes.
func (w *Workplace) AddCard(ctx context.Context, by access.Actor, e Edit, o tolem.ProviderID, answer []byte, amount string) (Entry, error) {
	card, err := w.readCard(ctx, by, tolem.ActReadCard, answer)
	if err == nil && card.Organisation != o {
		err = ErrOtherCard
	}
	if err != nil {
		return w.refused(ctx, by, e, Entry{}, err)
	}
	f, err := w.lookup(ctx, by, o, card.Account)
	entry := Entry{Account: f.Account}
	switch {
	case err != nil:
		return w.refused(ctx, by, e, entry, err)
	case f.organisation.Smart == tolem.SmartNone:
		return w.refused(ctx, by, e, entry, ErrOtherCard)
	case len(f.Advance) == 0:
		return w.refused(ctx, by, e, entry, ErrNothingToPay)
	}
	l := f.advance(f.Advance[0])
	l.Smart, l.Card, l.Typed = true, card.No, shortened(amount)
	return w.add(ctx, by, e, entry, []tolem.BasketLine{l}, false)
}

// looked is an account that was looked up, with its organisation.
type looked struct {
	bills.Found
	organisation tolem.Organisation
	services     []tolem.DeskService
}

// lookup looks an account up. The refusals are those of accounts.
func (w *Workplace) lookup(ctx context.Context, by access.Actor, o tolem.ProviderID, typed string) (f looked, err error) {
	if err := access.May(by, tolem.ActLookup); err != nil {
		return f, err
	}
	if f.organisation, err = w.Bills.Organisation(ctx, by.Person.Bank, o); err != nil {
		return f, organisationRefusal(err)
	}
	if f.services, err = w.Bills.Services(ctx, o); err != nil {
		return f, err
	}
	if f.Found, err = w.Bills.Lookup(ctx, by.Person.Bank, o, typed); err != nil {
		return f, organisationRefusal(err)
	}
	switch f.Outcome {
	case bills.NotFound:
		return f, ErrAccountNotFound
	case bills.NothingToPay:
		return f, ErrNothingToPay
	case bills.Failed:
		return f, because(ErrLookupFailed, f.Cause)
	}
	return f, nil
}

// organisationRefusal tells of an organisation that the bank takes no payments
// for: it has no account to find there.
func organisationRefusal(err error) error {
	if errors.Is(err, bills.ErrOrganisation) {
		return because(ErrAccountNotFound, err)
	}
	return err
}

// line is what debts and services have in common.
func (f looked) line(s tolem.DeskService) tolem.BasketLine {
	return tolem.BasketLine{
		Account: f.Account.Account, Service: s.Code, SeenAt: f.At, Online: f.Online, Organisation: f.organisation.Name,
		ServiceName: s.ShownName(), ServiceCode: s.ShownCode(), Particulars: f.Account.Particulars,
	}
}

// advance is a line that is paid in advance. What is bought in advance for an
// electricity meter goes to its card (WP-072, WP-073); gas goes to the card that
// was read.
func (f looked) advance(s tolem.DeskService) tolem.BasketLine {
	l := f.line(s)
	l.Advance, l.Smart = true, f.organisation.Smart == tolem.SmartElectro
	return l
}

// debt is a line that pays a debt, prefilled with it (WP-533).
func (f looked) debt(d tolem.Debt) tolem.BasketLine {
	s := tolem.DeskService{Service: tolem.Service{Code: d.Service}}
	if i := slices.IndexFunc(f.services, func(s tolem.DeskService) bool { return s.Code == d.Service }); i >= 0 {
		s = f.services[i]
	}
	l := f.line(s)
	l.Invoice, l.Period, l.Open, l.Amount = d.Invoice, d.Period, d.Open, d.Open
	l.Typed = prefilled(d.Open)
	return l
}

// add puts lines into the basket: all of them, or those that it does not have.
func (w *Workplace) add(ctx context.Context, by access.Actor, e Edit, entry Entry, lines []tolem.BasketLine, passOver bool) (Entry, error) {
	b, err := w.edit(ctx, by, e, func(_ *store.Tx, b tolem.Basket) (tolem.Basket, error) {
		entry.Added = nil
		var err error
		for _, l := range lines {
			switch b, err = b.Add(l); {
			case errors.Is(err, tolem.ErrBasketDuplicate) && passOver:
			case err != nil:
				return b, basketRefusal(err)
			default:
				entry.Added = append(entry.Added, b.Last)
			}
		}
		if len(entry.Added) == 0 && len(lines) > 0 {
			return b, ErrDuplicate
		}
		return b, nil
	})
	entry.Basket = b
	if err != nil {
		entry.Added = nil
	}
	return entry, err
}

// refused keeps what was typed although there is nothing to add.
func (w *Workplace) refused(ctx context.Context, by access.Actor, e Edit, entry Entry, why error) (Entry, error) {
	var r *Refusal
	if !errors.As(why, &r) {
		return entry, why
	}
	var err error
	entry.Basket, err = w.edit(ctx, by, e, func(_ *store.Tx, b tolem.Basket) (tolem.Basket, error) { return b, nil })
	if err != nil && !errors.Is(err, ErrStale) {
		return entry, err
	}
	return entry, why
}

// basketRefusal is what people are told of an error of a basket.
func basketRefusal(err error) error {
	switch {
	case errors.Is(err, tolem.ErrBasketDuplicate):
		return ErrDuplicate
	case errors.Is(err, tolem.ErrBasketFull):
		return ErrFull
	case errors.Is(err, tolem.ErrBasketCard):
		return ErrCardTwice
	case errors.Is(err, tolem.ErrNoLine):
		return ErrStale
	}
	return err
}

// Choose stores the unit that receives a line's payment, and its ASAN unit
// (WP-044 to WP-050). A nil leaves what was chosen.
func (w *Workplace) Choose(ctx context.Context, by access.Actor, e Edit, line tolem.LineID, unit, asan *tolem.UnitCode) (tolem.Basket, error) {
	units, err := w.asanUnits(ctx, by)
	if err != nil {
		return tolem.Basket{}, err
	}
	organisations, err := w.organisations(ctx, by)
	if err != nil {
		return tolem.Basket{}, err
	}
	return w.edit(ctx, by, e, func(_ *store.Tx, b tolem.Basket) (tolem.Basket, error) {
		l, err := b.Line(line)
		if err != nil {
			return b, basketRefusal(err)
		}
		if unit != nil {
			u, ok := organisations[l.Account.Organisation].Unit(*unit)
			if !ok && *unit != "" {
				return b, ErrReceiverRequired.of(line)
			}
			l.Unit, l.UnitName = u.Code, u.Name
		}
		if asan != nil {
			u, ok := units[*asan]
			if !ok && *asan != "" {
				return b, ErrAsanRequired.of(line)
			}
			l.AsanUnit, l.AsanUnitName = u.Code, u.Name
		}
		b, err = b.Change(line, func(m *tolem.BasketLine) { *m = l })
		return b, basketRefusal(err)
	})
}

// asanUnits returns what an ASAN operator may choose from; nothing for others.
func (w *Workplace) asanUnits(ctx context.Context, by access.Actor) (map[tolem.UnitCode]tolem.AsanUnit, error) {
	units := make(map[tolem.UnitCode]tolem.AsanUnit)
	if !by.Person.IsAsan() {
		return units, nil
	}
	list, err := w.Bills.AsanUnits(ctx, by.Person.AsanPoint)
	for _, u := range list {
		units[u.Code] = u
	}
	return units, err
}

func (w *Workplace) organisations(ctx context.Context, by access.Actor) (map[tolem.ProviderID]tolem.Organisation, error) {
	list, err := w.Bills.Organisations(ctx, by.Person.Bank)
	all := make(map[tolem.ProviderID]tolem.Organisation, len(list))
	for _, o := range list {
		all[o.ID] = o
	}
	return all, err
}

// Keep stores what was typed into fields of amounts, and changes nothing else.
func (w *Workplace) Keep(ctx context.Context, by access.Actor, e Edit) (tolem.Basket, error) {
	return w.edit(ctx, by, e, func(_ *store.Tx, b tolem.Basket) (tolem.Basket, error) { return b, nil })
}

// Remove takes a line out (WP-051).
func (w *Workplace) Remove(ctx context.Context, by access.Actor, e Edit, line tolem.LineID) (tolem.Basket, error) {
	return w.edit(ctx, by, e, func(_ *store.Tx, b tolem.Basket) (tolem.Basket, error) {
		b, err := b.Remove(line)
		return b, basketRefusal(err)
	})
}

// RemoveOrganisation takes all lines of an organisation out (WP-052).
func (w *Workplace) RemoveOrganisation(ctx context.Context, by access.Actor, e Edit, o tolem.ProviderID) (tolem.Basket, error) {
	return w.edit(ctx, by, e, func(_ *store.Tx, b tolem.Basket) (tolem.Basket, error) {
		b, err := b.RemoveOrganisation(o)
		return b, basketRefusal(err)
	})
}

// Empty takes everything out: at logout (WP-530).
func (w *Workplace) Empty(ctx context.Context, by access.Actor) error {
	return w.db.Update(ctx, func(tx *store.Tx) error {
		b, err := tx.Basket(by.Person.ID)
		if errors.Is(err, store.ErrNotFound) || err == nil && len(b.Lines) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.PutBasket(emptied(b))
	})
}

// emptied is the basket of the next customer.
func emptied(b tolem.Basket) tolem.Basket {
	return tolem.Basket{ID: newBasketID(), Bank: b.Bank, Person: b.Person, Version: b.Version, Calculations: b.Calculations}
}

// Calculate reads the amounts and works out fees and total (WP-055 to WP-058).
// The refusals name the line: ErrAmount, ErrAsanRequired, ErrReceiverRequired;
// what was typed is kept with them. A debt that had changed when it was to be
// paid is looked up again: who was to pay all of it pays what is owed now.
func (w *Workplace) Calculate(ctx context.Context, by access.Actor, e Edit) (tolem.Basket, error) {
	c, err := w.calculation(ctx, by)
	if err != nil {
		return tolem.Basket{}, err
	}
	return w.edit(ctx, by, e, func(_ *store.Tx, b tolem.Basket) (tolem.Basket, error) { return c.calculate(b) })
}

// calculation is what a basket is calculated by, for each of its lines.
type calculation struct {
	*Workplace
	by            access.Actor
	version       int64 // of the basket whose lines these are
	units         map[tolem.UnitCode]tolem.AsanUnit
	organisations map[tolem.ProviderID]tolem.Organisation
	tariffs       map[tolem.LineID]tolem.Tariff
	again         map[tolem.LineID]looked // where the debt had changed
}

func (w *Workplace) calculation(ctx context.Context, by access.Actor) (c calculation, err error) {
	c = calculation{Workplace: w, by: by, tariffs: make(map[tolem.LineID]tolem.Tariff), again: make(map[tolem.LineID]looked)}
	if c.units, err = w.asanUnits(ctx, by); err != nil {
		return c, err
	}
	if c.organisations, err = w.organisations(ctx, by); err != nil {
		return c, err
	}
	var b tolem.Basket
	var now time.Time
	err = w.db.View(ctx, func(tx *store.Tx) error {
		now = tx.Now()
		b, err = basketOf(tx, by)
		return err
	})
	c.version = b.Version
	for _, l := range b.Lines {
		if err == nil {
			c.tariffs[l.No], err = w.Bills.Tariff(ctx, l.Account.Organisation, l.Service, now)
		}
		if err == nil && l.Failed == ErrDebtChanged.key {
			c.again[l.No], err = w.lookup(ctx, by, l.Account.Organisation, string(l.Account.Number))
		}
		if r := (*Refusal)(nil); err != nil && !errors.As(err, &r) {
			return c, err
		}
		err = nil
	}
	return c, err
}

func (c calculation) calculate(b tolem.Basket) (tolem.Basket, error) {
	if len(b.Lines) == 0 || b.Version != c.version {
		return b, ErrStale
	}
	for _, l := range b.Lines {
		if err := c.line(&l); err != nil {
			return b, err
		}
		b, _ = b.Change(l.No, func(m *tolem.BasketLine) { *m = l })
	}
	return b.Calculate(func(l tolem.BasketLine) int64 { return c.tariffs[l.No].Fee(l.Amount) }), nil
}

// line checks one line and reads its amount.
func (c calculation) line(l *tolem.BasketLine) error {
	if !c.by.Person.IsAsan() {
		l.AsanUnit, l.AsanUnitName = "", ""
	} else if _, ok := c.units[l.AsanUnit]; !ok {
		return ErrAsanRequired.of(l.No)
	}
	o := c.organisations[l.Account.Organisation]
	if _, ok := o.Unit(l.Unit); !ok && (l.Unit != "" || o.ReceiverRequired) {
		return ErrReceiverRequired.of(l.No)
	}
	amount, err := c.amount(l.Typed)
	if err != nil {
		return ErrAmount.of(l.No)
	}
	l.Amount = amount.Minor
	for _, d := range c.again[l.No].Debts {
		if d.Service != l.Service || d.Invoice != l.Invoice {
			continue
		}
		if l.Amount == l.Open {
			l.Amount, l.Typed = d.Open, prefilled(d.Open)
		}
		l.Open, l.SeenAt, l.Online = d.Open, c.again[l.No].At, c.again[l.No].Online
	}
	return nil
}

// amount reads an amount as people type it: with a point or a comma, and spaces.
func (w *Workplace) amount(typed string) (tolem.Money, error) {
	plain := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "").Replace(typed)
	return tolem.ParseMoney(strings.Replace(plain, ",", ".", 1), w.Currency)
}
