package match

import "tolem"

// reference finds rows of ours by what the bank calls them.
type reference struct {
	ref    tolem.BankRef
	refund bool
	bank   tolem.ParticipantID // empty: of any bank
	amount tolem.Money         // zero: of any amount
}

// bucket holds our rows of a reference in order. Those before next have their
// pair.
type bucket struct {
	rows []int32
	next int
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
	asked := append(readable, unreadable...)
	rows := m.references(asked)
	seen := make(map[likeness]bool)
	for _, t := range asked {
		m.findReference(t, rows, seen)
	}
}

// wanted returns how our rows are looked up for a row of the list: with its
// amount, and without if the bank is known.
func (m *matcher) wanted(t *theirs) []reference {
	exact := reference{t.BankRef, t.kind() == tolem.RowRefund, t.Bank, t.Amount}
	switch {
	case t.BankRef == "", t.Amount.IsZero() && !m.knowsBank(t):
		return nil
	case !m.knowsBank(t):
		return []reference{exact}
	}
	loose := exact
	loose.amount = tolem.Money{}
	return []reference{exact, loose}
}

// references sorts our payments and refunds into the buckets that are asked for.
func (m *matcher) references(asked []*theirs) map[reference]*bucket {
	buckets := make(map[reference]*bucket)
	for _, t := range asked {
		for _, r := range m.wanted(t) {
			if buckets[r] == nil {
				buckets[r] = new(bucket)
			}
		}
	}
	for i := range m.ours {
		o := &m.ours[i]
		if o.ref == "" || o.kind == tolem.RowDiscrepancy {
			continue
		}
		refund := o.kind == tolem.RowRefund
		for _, r := range [...]reference{
			{o.ref, refund, o.bank, o.amount}, {o.ref, refund, o.bank, tolem.Money{}},
			{o.ref, refund, "", o.amount}, {o.ref, refund, "", tolem.Money{}},
		} {
			if b := buckets[r]; b != nil {
				b.rows = append(b.rows, int32(i))
			}
		}
	}
	return buckets
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
func (m *matcher) findReference(t *theirs, rows map[reference]*bucket, seen map[likeness]bool) {
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
func (m *matcher) candidate(t *theirs, buckets map[reference]*bucket) (single, taken *ours) {
	for _, r := range m.wanted(t) {
		b := buckets[r]
		for b.next < len(b.rows) && m.ours[b.rows[b.next]].pair != none {
			b.next++
		}
		switch {
		case b.next < len(b.rows):
			return &m.ours[b.rows[b.next]], nil
		case taken == nil && len(b.rows) > 0:
			taken = &m.ours[b.rows[0]]
		}
	}
	return nil, taken
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
	return m.refusal(t, refusedKey{t.Code, t.BankRef, t.Bank})
}

// refusedCode does so for a row without a reference.
func (m *matcher) refusedCode(t *theirs) bool {
	if t.Code == 0 || t.kind() == tolem.RowRefund {
		return false
	}
	return m.refusal(t, refusedKey{code: t.Code, bank: t.Bank})
}

// refusedKey finds refused notifications by code and reference, or by one of
// them, of a bank or, without one, of any.
type refusedKey struct {
	code tolem.CodeNumber
	ref  tolem.BankRef
	bank tolem.ParticipantID
}

// noteRefused makes a refused notification of ours one that is found.
func (m *matcher) noteRefused(o *ours) {
	for _, bank := range []tolem.ParticipantID{o.bank, ""} {
		for _, k := range []refusedKey{{o.code, o.ref, bank}, {o.code, "", bank}, {0, o.ref, bank}} {
			if rows := m.refused[k]; len(rows) == 0 || rows[len(rows)-1] != o.at {
				m.refused[k] = append(rows, o.at)
			}
		}
	}
}

// refusal reports that a row of the list is the payment whose notification we
// refused: the first one that no other row is about.
func (m *matcher) refusal(t *theirs, k refusedKey) bool {
	rows := m.refused[k]
	for len(rows) > 0 && m.ours[rows[0]].used {
		rows = rows[1:]
	}
	m.refused[k] = rows
	if len(rows) == 0 {
		return false
	}
	o := &m.ours[rows[0]]
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
