package match

import (
	"strconv"

	"tolem"
)

// comparePairs reports what differs in the rows that found each other.
func (m *matcher) comparePairs() {
	for i := range m.theirs {
		t := &m.theirs[i]
		if t.pair == none {
			continue
		}
		o := &m.ours[t.pair]
		before := len(m.result.Anomalies)
		if t.why != "" {
			m.unreadable(t, o)
		} else {
			m.compareAmounts(t, o)
			m.compareFields(t, o)
		}
		m.result.Matched++
		count(&m.sum(o.amount.Currency).Matched, o.kind, o.amount.Minor)
		if len(m.result.Anomalies) == before {
			m.result.Agreed++
		}
	}
}

func (m *matcher) compareAmounts(t *theirs, o *ours) {
	code := tolem.AmountDiffers
	switch {
	case t.Amount == o.amount:
		return
	case t.Amount.Currency != o.amount.Currency:
		code = tolem.CurrencyDiffers
	}
	a := tolem.Anomaly{Ours: o.amount.String(), Theirs: t.Amount.String()}
	a.Difference, a.Counter = difference(t.worth(), o.worth())
	m.add(code, o, t, a)
}

func (m *matcher) compareFields(t *theirs, o *ours) {
	if t.mistyped() {
		text := t.CodeText
		if t.Code != 0 {
			text = t.Code.String()
		}
		m.differs(tolem.CodeDiffers, t, o, text, o.code.String(), true)
	}
	m.differs(tolem.BankRefDiffers, t, o, string(t.BankRef), string(o.ref), o.ref != "")
	m.differs(tolem.OtherService, t, o, string(t.Service), string(o.service), true)
	m.differs(tolem.OtherProvider, t, o, string(t.Provider), string(o.provider), true)
	m.differs(tolem.WrongBankRow, t, o, string(t.Bank), string(o.bank), true)
	m.differs(tolem.BranchDiffers, t, o, string(t.Branch), string(o.branch), o.branch != "")
	if o.mark == tolem.DiscrepancyLate && t.Mark != tolem.DiscrepancyLate {
		m.add(tolem.LatePayment, o, t, tolem.Anomaly{Ours: tolem.DiscrepancyLate, Theirs: t.Mark})
	}
	if apart := t.PaidAt.Unix() - o.paid; o.belongs == 0 && m.outside(t) && (apart <= -minute || apart >= minute) {
		m.outsideDay(o, t)
	}
}

// differs reports a field in which a pair differs, if both sides have it.
func (m *matcher) differs(code tolem.AnomalyCode, t *theirs, o *ours, theirs, ours string, given bool) {
	if given && theirs != "" && theirs != ours {
		m.add(code, o, t, tolem.Anomaly{Ours: ours, Theirs: theirs})
	}
}

// unreadable reports a row that cannot be read, with what it adds to the total.
func (m *matcher) unreadable(t *theirs, o *ours) {
	a := tolem.Anomaly{Theirs: string(t.why)}
	var have, want tolem.Money
	if t.counted {
		have = t.worth()
	}
	if o != nil {
		want = o.worth()
		a.Ours = o.amount.String()
	}
	a.Difference, a.Counter = difference(have, want)
	m.add(tolem.UnreadableRow, o, t, a)
}

// surplus reports a row of the list that has no pair. Our row is one it has to do
// with.
func (m *matcher) surplus(code tolem.AnomalyCode, t *theirs, o *ours, ours string) {
	m.add(code, o, t, tolem.Anomaly{Ours: ours, Theirs: t.Amount.String(), Difference: t.worth()})
}

// lacking reports a row of ours that has no pair.
func (m *matcher) lacking(code tolem.AnomalyCode, o *ours, t *theirs) {
	a := tolem.Anomaly{Ours: o.amount.String(), Difference: negative(o.worth())}
	if code == tolem.OtherDay {
		a.Ours = o.belongs.String()
	}
	m.add(code, o, t, a)
}

func (m *matcher) add(code tolem.AnomalyCode, o *ours, t *theirs, a tolem.Anomaly) {
	a.Code = code
	if o != nil {
		a.OurLine, a.PaymentCode, a.BankRef = o.line, o.code, o.ref
	}
	if t != nil {
		a.TheirLine = t.line
		if o == nil {
			a.PaymentCode, a.BankRef = t.Code, t.BankRef
		}
	}
	m.result.Anomalies = append(m.result.Anomalies, a)
}

// worth is what a row adds to the total of its side.
func (t *theirs) worth() tolem.Money { return worth(t.kind(), t.Amount) }

func (o *ours) worth() tolem.Money { return worth(o.kind, o.amount) }

func worth(kind tolem.RowKind, amount tolem.Money) tolem.Money {
	if kind == tolem.RowRefund {
		return negative(amount)
	}
	return amount
}

func negative(m tolem.Money) tolem.Money { return tolem.Money{Minor: -m.Minor, Currency: m.Currency} }

// difference takes what we have from what they have. In one currency, or where
// one side has nothing, one amount says it.
func difference(theirs, ours tolem.Money) (difference, counter tolem.Money) {
	switch {
	case ours.Minor == 0:
		return nothing(theirs), tolem.Money{}
	case theirs.Minor == 0:
		return negative(ours), tolem.Money{}
	case theirs.Currency == ours.Currency:
		theirs.Minor -= ours.Minor
		return nothing(theirs), tolem.Money{}
	}
	return theirs, negative(ours)
}

// nothing makes an amount of zero one without a currency.
func nothing(m tolem.Money) tolem.Money {
	if m.Minor == 0 {
		return tolem.Money{}
	}
	return m
}

// checkDeclared compares what the submitter says the list comes to with its
// rows.
func (m *matcher) checkDeclared(declared []Declared) {
	counted, uncounted := m.rowsThere()
	for _, d := range declared {
		if d.HasCount && (d.Count < counted[d.Currency] || d.Count > counted[d.Currency]+uncounted) {
			m.add(tolem.WrongCount, nil, nil, tolem.Anomaly{
				Ours: strconv.FormatInt(counted[d.Currency], 10), Theirs: strconv.FormatInt(d.Count, 10),
			})
		}
		if !d.HasNet || d.Currency == "" || uncounted > 0 {
			continue
		}
		var net int64
		if b := m.sums[d.Currency]; b != nil {
			net = b.Theirs.Net()
		}
		if net != d.Net {
			m.add(tolem.WrongTotal, nil, nil, tolem.Anomaly{
				Ours:   tolem.Money{Minor: net, Currency: d.Currency}.String(),
				Theirs: tolem.Money{Minor: d.Net, Currency: d.Currency}.String(),
			})
		}
	}
}

// rowsThere returns the rows of the list by currency, all of them under no
// currency, and how many could not be counted in one.
func (m *matcher) rowsThere() (counted map[tolem.Currency]int64, uncounted int64) {
	counted = make(map[tolem.Currency]int64)
	for currency, b := range m.sums {
		counted[currency] = b.Theirs.Count + b.Theirs.Back
		counted[""] += counted[currency]
	}
	for i := range m.theirs {
		if t := &m.theirs[i]; t.why != "" && t.why != BadTotal && t.kind() != tolem.RowDiscrepancy && !t.counted {
			uncounted++
		}
	}
	return counted, uncounted
}
