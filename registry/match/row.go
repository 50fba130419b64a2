package match

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tolem"
)

// maxReference is the longest reference of a bank, in characters, as in the
// contract.
const maxReference = 64

// of returns the field of a column, empty if the list has none.
func (p *parser) of(c column) string {
	if at := p.columns.at[c]; at >= 0 && at < len(p.fields) {
		return cell(p.fields[at])
	}
	return ""
}

// row reads one line into an entry or a total.
func (p *parser) row(text []byte, long bool) {
	line := string(text)
	var whole bool
	p.fields, whole = split(p.fields[:0], line, p.columns.separator)
	if !long && !slices.ContainsFunc(p.fields, func(f string) bool { return strings.TrimSpace(f) != "" }) {
		return
	}
	if !long && p.isTotal() {
		p.total(line, whole)
		return
	}
	e := Entry{Line: p.line}
	switch {
	case long:
		e.Unreadable = LongLine
	case !whole:
		e.Unreadable = BadQuotes
	case !p.fits():
		e.Unreadable = BadFields
	}
	if e.Unreadable != "" {
		p.salvage(&e)
	} else {
		p.entry(&e)
	}
	e.Unreadable = e.check()
	if e.Unreadable != "" {
		e.Raw = p.raw(line)
	}
	p.list.Entries = append(p.list.Entries, e)
}

// fits reports whether the line has as many fields as the header. Empty ones at
// its end do no harm, except between commas: there one may come of an amount
// like 1200,50, whose halves stand in two fields.
func (p *parser) fits() bool {
	for p.columns.separator != ',' && len(p.fields) > p.columns.width && strings.TrimSpace(p.fields[len(p.fields)-1]) == "" {
		p.fields = p.fields[:len(p.fields)-1]
	}
	return len(p.fields) == p.columns.width
}

// salvage takes from a line whose fields cannot be trusted what proves itself: a
// payment code with good check digits.
func (p *parser) salvage(e *Entry) {
	if e.Unreadable == LongLine {
		return
	}
	if code, err := tolem.ParseCodeNumber(p.of(columnCode)); err == nil {
		e.Code = code
	}
	if strings.EqualFold(p.of(columnKind), string(tolem.RowRefund)) {
		e.Kind = tolem.RowRefund
	}
}

// entry reads the fields of a line. The first that cannot be read says why the
// row cannot.
func (p *parser) entry(e *Entry) {
	bad := func(why Unreadable) {
		if e.Unreadable == "" {
			e.Unreadable = why
		}
	}
	text := func(c column, length int) string {
		s := p.of(c)
		if !isText(s, length) {
			bad(BadText)
			return ""
		}
		return s
	}
	e.BankRef = tolem.BankRef(strings.Clone(text(columnBankRef, maxReference)))
	e.Service = tolem.ServiceCode(once(p.names, text(columnService, tolem.MaxIdentifierLength)))
	e.Provider = tolem.ProviderID(once(p.names, text(columnProvider, tolem.MaxIdentifierLength)))
	e.Bank = tolem.ParticipantID(once(p.names, text(columnBank, tolem.MaxIdentifierLength)))
	e.Branch = tolem.ParticipantID(once(p.names, text(columnBranch, tolem.MaxIdentifierLength)))
	e.Mark = once(p.names, strings.ToUpper(text(columnMark, tolem.MaxIdentifierLength)))
	e.Kind = tolem.RowKind(once(p.names, strings.ToUpper(text(columnKind, tolem.MaxIdentifierLength))))

	if s := text(columnCode, 4*tolem.CodeDigits); s != "" {
		var err error
		if e.Code, err = tolem.ReadCodeNumber(s); err != nil || e.Code == 0 {
			e.Code, e.CodeText = 0, strings.Clone(s)
		}
	}
	if !slices.Contains(tolem.RowKinds, e.kind()) {
		bad(BadKind)
	}
	p.amount(e, bad)
	if s := p.of(columnPaidAt); s != "" {
		var ok bool
		if e.PaidAt, ok = moment(s, p.options.Zone); !ok {
			bad(BadTime)
		}
	}
	if e.Kind == "" {
		e.Kind = tolem.RowPayment
	}
}

// amount reads the amount, whose sign may tell a refund, and its currency.
func (p *parser) amount(e *Entry, bad func(Unreadable)) {
	minor, ok := decimal(p.of(columnAmount))
	if minor < 0 && e.Kind != tolem.RowPayment {
		minor = -minor
		if e.Kind == "" {
			e.Kind = tolem.RowRefund
		}
	}
	if !ok || minor <= 0 || minor > tolem.MaxAmountMinor {
		minor = 0
		if e.Kind != tolem.RowDiscrepancy {
			bad(BadAmount)
		}
	}
	currency, ok := p.currency()
	if !ok && e.Kind != tolem.RowDiscrepancy {
		bad(BadCurrency)
	}
	if minor > 0 && ok {
		e.Amount = tolem.Money{Minor: minor, Currency: currency}
	}
}

// currency reads that of a line.
func (p *parser) currency() (tolem.Currency, bool) {
	s := strings.ToUpper(p.of(columnCurrency))
	if s == "" {
		s = string(p.options.Currency)
	}
	c, err := tolem.ParseCurrency(s)
	return tolem.Currency(once(p.names, string(c))), err == nil
}

// isText reports whether a field may stand in a report.
func isText(s string, length int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= length && !strings.ContainsFunc(s, unicode.IsControl)
}

// raw keeps the beginning of an unreadable line.
func (p *parser) raw(line string) string {
	if p.raws++; p.raws > MaxRaws {
		return ""
	}
	if len(line) > MaxRaw {
		line = line[:MaxRaw]
	}
	return strings.ToValidUTF8(strings.Clone(line), "?")
}

// totalWords mark a line as a total.
var totalWords = []string{"TOTAL", "ИТОГО", "ВСЕГО", "БАРЛЫҒЫ", "ЖИЫНЫ"}

// isTotal reports whether a line is a total: it says so, and is no payment.
func (p *parser) isTotal() bool {
	if _, err := tolem.ParseCodeNumber(p.of(columnCode)); err == nil {
		return false
	}
	for _, s := range []string{p.of(columnRecord), p.of(columnLine), p.of(columnKind), cell(p.fields[0])} {
		if slices.Contains(totalWords, strings.ToUpper(strings.TrimSuffix(s, ":"))) {
			return true
		}
	}
	return false
}

// total reads what the list comes to. Totals of a part are passed over.
func (p *parser) total(line string, whole bool) {
	if p.of(columnService) != "" || p.of(columnChannel) != "" || !p.ofAll() {
		return
	}
	var d Declared
	sum, count := p.of(columnAmount), p.of(columnCount)
	ok := whole && (sum != "" || count != "")
	if sum != "" {
		var good bool
		d.Net, good = decimal(sum)
		d.HasNet, ok = true, ok && good
	}
	if count != "" {
		n, err := strconv.ParseUint(count, 10, 32)
		d.Count, d.HasCount, ok = int64(n), true, ok && err == nil
	}
	if currency, known := p.currency(); known {
		d.Currency = currency
	} else if p.of(columnCurrency) != "" {
		ok = false
	}
	if !ok {
		p.badTotal(line)
		return
	}
	p.list.Declared = append(p.list.Declared, d)
	p.totals = append(p.totals, total{line: p.line, raw: p.raw(line)})
}

// ofAll reports whether the name of a total means all rows.
func (p *parser) ofAll() bool {
	name := strings.ToUpper(p.of(columnTotal))
	if kind, currency, ok := strings.Cut(name, "_"); ok && (kind == "TOTAL" || kind == "NET") {
		name = currency
	}
	if name == "" || name == "TOTAL" || name == "NET" {
		return true
	}
	_, err := tolem.ParseCurrency(name)
	return err == nil
}

func (p *parser) badTotal(line string) {
	p.list.Entries = append(p.list.Entries, Entry{Line: p.line, Unreadable: BadTotal, Raw: p.raw(line)})
}

// total is where a declared total stands.
type total struct {
	line int
	raw  string
}

// finish gives totals without a currency that of the rows, if they have but one.
func (p *parser) finish() List {
	seen := make(map[tolem.Currency]bool)
	var only tolem.Currency
	for i := range p.list.Entries {
		if c := p.list.Entries[i].Amount.Currency; c != "" {
			seen[c], only = true, c
		}
	}
	declared := p.list.Declared[:0]
	for i, d := range p.list.Declared {
		if d.Currency == "" && d.HasNet {
			if len(seen) != 1 {
				p.list.Entries = append(p.list.Entries, Entry{
					Line: p.totals[i].line, Unreadable: BadTotal, Raw: p.totals[i].raw,
				})
				continue
			}
			d.Currency = only
		}
		declared = append(declared, d)
	}
	p.list.Declared = declared
	inOrder(p.list.Entries, func(e *Entry) int { return e.Line })
	return p.list
}
