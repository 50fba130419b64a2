package match

import (
	"slices"

	"tolem"
)

// reference finds rows by what the bank calls them.
type reference struct {
	ref    tolem.BankRef
	refund bool
}

// byReference pairs the rows without a valid code, and tells what becomes of
// those that find nothing.
func (m *matcher) byReference() {
	var readable, unreadable []*theirs
	for i := range m.theirs {
		t := &m.theirs[i]
		switch {
		case t.why != "" && (t.why == BadTotal || t.kind() == tolem.RowDiscrepancy):
			m.unreadable(t, nil)
		case t.Code.Valid() || t.why == "" && t.kind() == tolem.RowDiscrepancy:
		case t.why != "":
			unreadable = append(unreadable, t)
		default:
			readable = append(readable, t)
		}
	}
	if len(readable)+len(unreadable) == 0 {
		return
	}
	rows := m.references()
	seen := make(map[likeness]bool)
	for _, t := range append(readable, unreadable...) {
		m.findReference(t, rows, seen)
	}
}

// references sorts our payments and refunds by their references.
func (m *matcher) references() map[reference][]int32 {
	rows := make(map[reference][]int32)
	for i, o := range m.ours {
		if o.ref != "" && o.kind != tolem.RowDiscrepancy {
			r := reference{o.ref, o.kind == tolem.RowRefund}
			rows[r] = append(rows[r], int32(i))
		}
	}
	return rows
}

// likeness is what two single rows without valid codes share if they are one
// payment told twice.
type likeness struct {
	code   tolem.CodeNumber
	text   string
	bank   tolem.ParticipantID
	ref    tolem.BankRef
	amount tolem.Money
	refund bool
}

func (t *theirs) likeness() likeness {
	return likeness{t.Code, t.CodeText, t.Bank, t.BankRef, t.Amount, t.kind() == tolem.RowRefund}
}

// findReference looks for the pair of one row.
func (m *matcher) findReference(t *theirs, rows map[reference][]int32, seen map[likeness]bool) {
	our, taken := m.candidate(t, rows)
	switch {
	case our != nil:
		m.pair(our.at, t.at)
		return
	case t.why != "":
		m.unreadable(t, nil)
		return
	case taken != nil:
		m.surplus(tolem.DuplicateThere, t, taken, "")
		return
	case m.refusedReference(t), t.BankRef == "" && m.refusedCode(t):
	case seen[t.likeness()]:
		m.surplus(tolem.DuplicateThere, t, nil, "")
	case t.mistyped():
		m.surplus(tolem.CodeUnknown, t, nil, "")
	default:
		m.missingHere(t)
	}
	seen[t.likeness()] = true
}

// candidate returns our row with the reference of a row of the list: one that is
// single, with the same amount if there is one, or else one that has its pair.
func (m *matcher) candidate(t *theirs, rows map[reference][]int32) (single, taken *ours) {
	if t.BankRef == "" {
		return nil, nil
	}
	for _, row := range rows[reference{t.BankRef, t.kind() == tolem.RowRefund}] {
		o := &m.ours[row]
		switch {
		case t.Bank != "" && t.Bank != o.bank:
		case o.amount != t.Amount && !m.knowsBank(t):
		case o.pair != none:
			if taken == nil {
				taken = o
			}
		case o.amount == t.Amount:
			return o, nil
		case single == nil:
			single = o
		}
	}
	return single, taken
}

// knowsBank reports whether a row says within which bank its reference is
// unique.
func (m *matcher) knowsBank(t *theirs) bool {
	return t.Bank != "" || m.book.Owner.Kind != tolem.ProviderRegister
}

// refusedReference reports a row whose notification we refused that day, as its
// reference tells.
func (m *matcher) refusedReference(t *theirs) bool {
	if t.BankRef == "" || t.kind() == tolem.RowRefund {
		return false
	}
	return m.firstRefusal(t, refusedKey{t.Code, t.BankRef})
}

// refusedCode does so for a row without a reference.
func (m *matcher) refusedCode(t *theirs) bool {
	if t.Code == 0 || t.kind() == tolem.RowRefund {
		return false
	}
	return m.firstRefusal(t, refusedKey{code: t.Code})
}

// refusedKey finds refused notifications by code and reference, or by one of
// them.
type refusedKey struct {
	code tolem.CodeNumber
	ref  tolem.BankRef
}

// noteRefused makes a refused notification of ours one that is found.
func (m *matcher) noteRefused(o *ours) {
	for _, k := range []refusedKey{{o.code, o.ref}, {code: o.code}, {ref: o.ref}} {
		if rows := m.refused[k]; len(rows) == 0 || rows[len(rows)-1] != o.at {
			m.refused[k] = append(rows, o.at)
		}
	}
}

// firstRefusal takes the first notification that no row of the list was about.
func (m *matcher) firstRefusal(t *theirs, k refusedKey) bool {
	rows := m.refused[k]
	for len(rows) > 0 && m.ours[rows[0]].used {
		rows = rows[1:]
	}
	m.refused[k] = rows
	return slices.ContainsFunc(rows, func(row int32) bool { return m.refusal(t, &m.ours[row]) })
}

// refusal reports that a row of the list is the payment whose notification we
// refused, once a notification.
func (m *matcher) refusal(t *theirs, o *ours) bool {
	if o.used || t.Bank != "" && t.Bank != o.bank {
		return false
	}
	o.used = true
	code, reason := refusalCode(o.mark)
	m.surplus(code, t, o, reason)
	return true
}

// refusalCode returns the anomaly that a refused notification explains.
func refusalCode(reason string) (code tolem.AnomalyCode, ours string) {
	switch tolem.ResultCode(reason) {
	case tolem.UnknownCode:
		return tolem.CodeUnknown, ""
	case tolem.WrongBank:
		return tolem.WrongBankRow, ""
	}
	return tolem.RefusedHere, reason
}
