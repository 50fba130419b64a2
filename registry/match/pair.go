package match

import (
	"cmp"
	"slices"

	"tolem"
)

// key sorts rows into groups of one code and kind.
type key struct {
	code   tolem.CodeNumber
	refund bool
	row    int32
}

func (k key) compare(q key) int {
	return cmp.Or(k.compareGroup(q), cmp.Compare(k.row, q.row))
}

func (k key) compareGroup(q key) int {
	if c := cmp.Compare(k.code, q.code); c != 0 || k.refund == q.refund {
		return c
	}
	if q.refund {
		return -1
	}
	return 1
}

// groupEnd returns where the group that begins at i ends.
func groupEnd(keys []key, i int) int {
	end := i
	for end < len(keys) && keys[i].compareGroup(keys[end]) == 0 {
		end++
	}
	return end
}

// byCode pairs the rows that have valid codes.
func (m *matcher) byCode() {
	m.ourKeys = make([]key, 0, len(m.ours))
	for i, o := range m.ours {
		if o.kind != tolem.RowDiscrepancy {
			m.ourKeys = append(m.ourKeys, key{o.code, o.kind == tolem.RowRefund, int32(i)})
		}
	}
	keys := make([]key, 0, len(m.theirs))
	for i := range m.theirs {
		t := &m.theirs[i]
		switch {
		case t.why == "" && t.kind() == tolem.RowDiscrepancy:
			m.result.Noted++
		case t.Code.Valid() && t.why != BadTotal && t.kind() != tolem.RowDiscrepancy:
			keys = append(keys, key{t.Code, t.kind() == tolem.RowRefund, int32(i)})
		}
	}
	slices.SortFunc(m.ourKeys, key.compare)
	slices.SortFunc(keys, key.compare)

	for i, j := 0, 0; j < len(keys); {
		for i < len(m.ourKeys) && m.ourKeys[i].compareGroup(keys[j]) < 0 {
			i++
		}
		var our []key
		if i < len(m.ourKeys) && m.ourKeys[i].compareGroup(keys[j]) == 0 {
			our = m.ourKeys[i:groupEnd(m.ourKeys, i)]
		}
		end := groupEnd(keys, j)
		m.group(our, keys[j:end])
		j = end
	}
}

// group pairs the rows of one code and kind and sorts out what is left of
// theirs. The first one that is left stands for the payment, unless another
// row of the list does.
func (m *matcher) group(our, their []key) {
	if len(our) == 1 && len(their) == 1 {
		m.pair(our[0].row, their[0].row)
		return
	}
	if len(our) > 0 {
		for _, p := range passes {
			m.pass(p, our, their)
		}
	}
	stands := len(our) > 0
	var left []int32
	for _, k := range their {
		t := &m.theirs[k.row]
		switch {
		case t.pair != none:
		case t.why != "":
			m.unreadable(t, nil)
		case m.refusedReference(t):
			stands = true
		default:
			left = append(left, k.row)
		}
	}
	for _, row := range left {
		t := &m.theirs[row]
		switch {
		case stands:
			m.surplus(tolem.DuplicateThere, t, nil, "")
		case t.BankRef == "" && m.refusedCode(t):
		default:
			m.open = append(m.open, row)
		}
		stands = true
	}
}

func (m *matcher) pair(our, their int32) {
	m.ours[our].pair, m.theirs[their].pair = their, our
}

// pass is one way to tell which of several rows of a code belong together.
type pass struct{ reference, amount, unreadable bool }

// passes from the surest to the last resort; rows that cannot be read take what
// is left.
var passes = []pass{
	{reference: true, amount: true}, {reference: true}, {amount: true}, {},
	{reference: true, amount: true, unreadable: true}, {reference: true, unreadable: true},
	{amount: true, unreadable: true}, {unreadable: true},
}

// sameness is what rows must have in common in a pass.
type sameness struct {
	ref    tolem.BankRef
	amount tolem.Money
}

func (p pass) of(ref tolem.BankRef, amount tolem.Money) (s sameness) {
	if p.reference {
		s.ref = ref
	}
	if p.amount {
		s.amount = amount
	}
	return s
}

// pass pairs the rows of a group that have in common what the pass asks for.
func (m *matcher) pass(p pass, our, their []key) {
	free := make(map[sameness][]int32)
	for _, k := range our {
		if o := &m.ours[k.row]; o.pair == none {
			same := p.of(o.ref, o.amount)
			free[same] = append(free[same], k.row)
		}
	}
	if len(free) == 0 {
		return
	}
	for _, k := range their {
		t := &m.theirs[k.row]
		if t.pair != none || (t.why != "") != p.unreadable || p.reference && t.BankRef == "" || p.amount && !t.counted {
			continue
		}
		same := p.of(t.BankRef, t.Amount)
		if rows := free[same]; len(rows) > 0 {
			m.pair(rows[0], k.row)
			free[same] = rows[1:]
		}
	}
}
