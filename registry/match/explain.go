package match

import (
	"fmt"
	"slices"
	"time"

	"tolem"
)

// open is what a register shows as the day of a row that no sealed day holds.
const open = "OPEN"

// explain asks what is known of the rows of the list that are still single.
func (m *matcher) explain(lookup Lookup) error {
	for batch := range slices.Chunk(m.open, FactsBatch) {
		facts := make(map[tolem.CodeNumber][]Fact)
		if lookup != nil {
			codes := make([]tolem.CodeNumber, len(batch))
			for i, row := range batch {
				codes[i] = m.theirs[row].Code
			}
			slices.Sort(codes)
			var err error
			if facts, err = lookup.Facts(slices.Compact(codes)); err != nil {
				return fmt.Errorf("look up codes: %w", err)
			}
		}
		for _, row := range batch {
			t := &m.theirs[row]
			if lookup == nil {
				m.missingHere(t)
				continue
			}
			m.classify(t, m.known(t.Code, facts[t.Code]))
		}
	}
	return nil
}

// knowledge is what the facts of a code come to.
type knowledge struct {
	payment, refund *Fact
	issued          *Fact
	refused         []*Fact // the owner's notifications
	issuedEver      bool    // there is such a code; a refused notification does not say so
}

func (m *matcher) known(code tolem.CodeNumber, facts []Fact) knowledge {
	var k knowledge
	for i := range facts {
		f := &facts[i]
		k.issuedEver = k.issuedEver || f.Row.Kind != tolem.RowDiscrepancy
		switch f.Row.Kind {
		case tolem.RowPayment:
			k.payment = f
		case tolem.RowRefund:
			k.refund = f
		case tolem.RowDiscrepancy:
			if m.owned(f) {
				k.refused = append(k.refused, f)
			}
		default:
			k.issued = f
		}
	}
	return k
}

// classify gives a single row of the list the first anomaly that holds.
func (m *matcher) classify(t *theirs, k knowledge) {
	refund := t.kind() == tolem.RowRefund
	held := k.payment
	if refund && k.refund != nil {
		held = k.refund
	}
	switch {
	case held == nil && !refund && m.refusedBefore(t, k.refused):
	case !k.issuedEver:
		m.surplus(tolem.CodeUnknown, t, nil, "")
	case held != nil && m.foreign(held) != "":
		m.surplus(m.foreign(held), t, nil, "")
	case held != nil && held.Row.Kind == t.kind() && (held.Open || held.Day != m.book.Day):
		m.otherDay(t, held)
		if k.refund != nil && !refund {
			m.add(tolem.RefundedHere, nil, t, tolem.Anomaly{Ours: dayOf(k.refund)})
		}
	case held != nil && held.Row.Kind != t.kind():
		m.surplus(tolem.NotRefundedHere, t, nil, "")
	case held == nil && k.issued != nil && m.foreign(k.issued) != "":
		m.surplus(m.foreign(k.issued), t, nil, "")
	case held == nil && k.issued != nil:
		m.surplus(tolem.NotPaidHere, t, nil, k.issued.Row.State.String())
	default:
		m.missingHere(t)
	}
}

// refusedBefore reports a row whose notification was refused on another day.
func (m *matcher) refusedBefore(t *theirs, refused []*Fact) bool {
	for _, f := range refused {
		if t.BankRef == "" || t.BankRef == f.Row.BankRef {
			code, reason := refusalCode(f.Row.Discrepancy)
			m.surplus(code, t, nil, reason)
			return true
		}
	}
	return false
}

// foreign returns the anomaly of a row that belongs to another than the owner of
// the list, and nothing for the owner's.
func (m *matcher) foreign(f *Fact) tolem.AnomalyCode {
	switch o := m.book.Owner; {
	case o.Kind == tolem.ProviderRegister && f.Row.Provider != tolem.ProviderID(o.ID):
		return tolem.OtherProvider
	case o.Kind == tolem.BankRegister && f.Row.Bank != tolem.ParticipantID(o.ID),
		o.Kind == tolem.BranchRegister && f.Row.Bank != o.Bank:
		if f.Row.Kind == "" && f.Row.Bank == "" {
			return "" // no bank was called yet
		}
		return tolem.WrongBankRow
	case o.Kind == tolem.BranchRegister && f.Row.Kind != "" && f.Row.Branch != tolem.ParticipantID(o.ID):
		return tolem.BranchDiffers
	}
	return ""
}

func (m *matcher) owned(f *Fact) bool { return m.foreign(f) == "" }

func dayOf(f *Fact) string {
	if f.Open {
		return open
	}
	return f.Day.String()
}

func (m *matcher) otherDay(t *theirs, f *Fact) {
	m.surplus(tolem.OtherDay, t, nil, dayOf(f))
}

// missingHere reports a row of the list that nothing explains.
func (m *matcher) missingHere(t *theirs) {
	m.surplus(tolem.MissingHere, t, nil, "")
	if m.outside(t) {
		m.outsideDay(nil, t)
	}
}

// ourSingles reports the rows of ours that the list has not.
func (m *matcher) ourSingles() {
	for i := 0; i < len(m.ourKeys); {
		end := groupEnd(m.ourKeys, i)
		group := m.ourKeys[i:end]
		stands := slices.ContainsFunc(group, func(k key) bool { return m.ours[k.row].pair != none })
		for _, k := range group {
			o := &m.ours[k.row]
			switch {
			case o.pair != none:
				continue
			case stands:
				m.lacking(tolem.DuplicateHere, o, nil)
			case o.kind == tolem.RowRefund:
				m.lacking(tolem.RefundedHere, o, m.paymentThere(o.code))
			case o.belongs != 0:
				m.lacking(tolem.OtherDay, o, nil)
			default:
				m.lacking(tolem.MissingThere, o, nil)
			}
			stands = true
		}
		i = end
	}
}

// paymentThere returns the row of the list that is paired with our payment of a
// code.
func (m *matcher) paymentThere(code tolem.CodeNumber) *theirs {
	at, found := slices.BinarySearchFunc(m.ourKeys, key{code: code}, key.compareGroup) // the first of them
	if !found {
		return nil
	}
	for _, k := range m.ourKeys[at:groupEnd(m.ourKeys, at)] {
		if pair := m.ours[k.row].pair; pair != none {
			return &m.theirs[pair]
		}
	}
	return nil
}

// minute is how exactly lists give times.
const minute = 60

// outside reports whether the list puts a row outside the day.
func (m *matcher) outside(t *theirs) bool {
	return !t.PaidAt.IsZero() && !m.book.To.IsZero() && (t.PaidAt.Before(m.book.From) || !t.PaidAt.Before(m.book.To))
}

// outsideDay reports it, with the time of ours if there is one.
func (m *matcher) outsideDay(o *ours, t *theirs) {
	a := tolem.Anomaly{Theirs: stamp(t.PaidAt)}
	if o != nil {
		a.Ours = stamp(time.Unix(o.paid, 0))
	}
	m.add(tolem.PaidOutsideDay, o, t, a)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
