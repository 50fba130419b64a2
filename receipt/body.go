package receipt

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tolem"
)

// The numbers of methods and currencies in the text. New ones are added at the
// end.
var (
	methods = []tolem.Channel{
		tolem.ChannelAcquiring, tolem.ChannelAccount, tolem.ChannelInternetBanking, tolem.ChannelMobileBanking, tolem.ChannelATM, tolem.ChannelInfokiosk,
		tolem.ChannelDesk,
	}
	currencies = []tolem.Currency{tolem.KZT, tolem.AZN, tolem.UZS}
)

// lastSecond is the end of the year 9999: no receipt is of a later time.
const lastSecond = 253402300799

// body writes or reads the fields in their one order. Numbers are varints in
// their shortest form, texts are their length in bytes and their letters. Both
// directions walk the same list, in fields, so that they cannot differ.
type body struct {
	b     []byte
	write bool
	err   error
}

// encode returns the fields with names in the language.
func (r Receipt) encode(language string) ([]byte, error) {
	w := body{write: true}
	r.ServiceNames = tolem.Names{KK: r.ServiceNames.In(language)}
	r.ProviderNames = tolem.Names{KK: r.ProviderNames.In(language)}
	w.fields(&r)
	return w.b, w.err
}

// readBody reads the fields. Nothing may follow them, and they must be written
// as encode writes them.
func readBody(b []byte) (Receipt, error) {
	var r Receipt
	rd := body{b: b}
	rd.fields(&r)
	if rd.err == nil && len(rd.b) > 0 {
		rd.fail("something follows its last field")
	}
	if rd.err != nil {
		return Receipt{}, rd.err
	}
	return r, nil
}

func (b *body) fields(r *Receipt) {
	b.code(&r.Code)
	b.iin(&r.Recipient)
	b.name(&r.RecipientName, maxRecipientName)
	b.text(&r.RequestNo, MaxIdentifier, false)
	b.text(&r.Account, MaxIdentifier, false)
	b.amount(&r.Amount)
	b.time(&r.PaidAt)
	b.time(&r.ReceivedAt)
	choose(b, &r.Method, methods, "method")
	b.text(&r.Masked, maxMasked, false)
	b.text(&r.BankRef, MaxIdentifier, true)
	b.text(&r.Bank, MaxIdentifier, true)
	b.name(&r.BankName, maxBankName)
	b.text(&r.Service, MaxIdentifier, true)
	b.name(&r.ServiceNames.KK, maxServiceName)
	b.text(&r.Provider, MaxIdentifier, true)
	b.name(&r.ProviderNames.KK, maxProviderName)
}

// fail keeps the first thing that is wrong.
func (b *body) fail(format string, args ...any) {
	if b.err != nil {
		return
	}
	kind := ErrText
	if b.write {
		kind = ErrReceipt
	}
	b.err = fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...))
}

func (b *body) number(n *uint64) {
	switch {
	case b.err != nil:
	case b.write:
		b.b = binary.AppendUvarint(b.b, *n)
	default:
		value, size := binary.Uvarint(b.b)
		if size <= 0 || size > 1 && b.b[size-1] == 0 {
			b.fail("a number that is not in its shortest form")
			return
		}
		*n, b.b = value, b.b[size:]
	}
}

func (b *body) code(c *tolem.CodeNumber) {
	n := uint64(*c)
	b.number(&n)
	*c = tolem.CodeNumber(n)
	if b.err == nil && !c.Valid() {
		b.fail("no payment code")
	}
}

func (b *body) iin(i *tolem.IIN) {
	var n uint64
	if b.write {
		n, _ = strconv.ParseUint(i.Reveal(), 10, 64)
	}
	b.number(&n)
	number, err := tolem.ParseIIN(fmt.Sprintf("%0*d", tolem.IINDigits, n))
	if err != nil || b.write && number != *i {
		b.fail("no IIN or BIN")
		return
	}
	*i = number
}

func (b *body) amount(m *tolem.Money) {
	n := uint64(m.Minor)
	b.number(&n)
	m.Minor = int64(n)
	choose(b, &m.Currency, currencies, "currency")
	if n == 0 || n > tolem.MaxAmountMinor {
		b.fail("no amount")
	}
}

func (b *body) time(t *time.Time) {
	var n uint64
	if b.write {
		n = uint64(t.Unix())
	}
	b.number(&n)
	if n == 0 || n > lastSecond {
		b.fail("no time")
		return
	}
	*t = time.Unix(int64(n), 0).UTC()
}

// choose writes the place of the value in the list.
func choose[T comparable](b *body, value *T, list []T, what string) {
	n := uint64(slices.Index(list, *value))
	if !b.write {
		n = 0
	}
	if n >= uint64(len(list)) {
		b.fail("no %s", what)
		return
	}
	b.number(&n)
	if n >= uint64(len(list)) {
		b.fail("a %s that is not known", what)
		return
	}
	*value = list[n]
}

// text is an identifier, written whole.
func (b *body) text(s *string, most int, must bool) {
	if b.write {
		*s = legible(*s)
	}
	b.letters(s, most)
	if must && *s == "" {
		b.fail("an identifier is missing")
	}
}

// name is cut to its limit.
func (b *body) name(s *string, most int) {
	if b.write {
		*s = shorten(legible(*s), most)
	}
	b.letters(s, most)
}

func (b *body) letters(s *string, most int) {
	if b.write {
		packed := pack(*s)
		if len([]rune(*s)) > most {
			b.fail("%d letters where %d are allowed", len([]rune(*s)), most)
		}
		n := uint64(len(packed))
		b.number(&n)
		b.b = append(b.b, packed...)
		return
	}
	var n uint64
	b.number(&n)
	if n > uint64(len(b.b)) {
		b.fail("it ends too early")
	}
	if b.err != nil {
		return
	}
	text, ok := unpack(b.b[:n])
	if !ok || len([]rune(text)) > most {
		b.fail("letters that cannot be there")
		return
	}
	*s, b.b = text, b.b[n:]
}
