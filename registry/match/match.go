package match

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"tolem"
)

// Errors of Match. Nothing a submitted list holds leads to one.
var (
	ErrTooManyRows = errors.New("more rows than can be compared")
	ErrRegister    = errors.New("the register cannot be compared")
	ErrUnexplained = errors.New("the anomalies do not explain the difference of the totals")
)

// Result is what a comparison comes to.
type Result struct {
	Anomalies []tolem.Anomaly // numbered, in their order
	Matched   int64           // pairs of rows
	Agreed    int64           // pairs without any anomaly
	Noted     int64           // rows of the list that are marked DISCREPANCY
	Balances  []Balance       // by currency
}

// Balance is both sides in one currency.
type Balance struct {
	Currency tolem.Currency
	Ours     tolem.Sum
	Theirs   tolem.Sum // the rows whose amount could be read
	Matched  tolem.Sum // our rows that have a pair
}

// Net is the total of the list less ours: what the anomalies explain.
func (b Balance) Net() int64 { return b.Theirs.Net() - b.Ours.Net() }

// Counts returns how often each anomaly occurs.
func (r Result) Counts() map[tolem.AnomalyCode]int {
	counts := make(map[tolem.AnomalyCode]int)
	for _, a := range r.Anomalies {
		counts[a.Code]++
	}
	return counts
}

// none is the pair of a single row.
const none = -1

// theirs is a row of the list while it is compared.
type theirs struct {
	*Entry
	line    int
	why     Unreadable
	counted bool  // in the total of the list
	at      int32 // its index
	pair    int32
}

// matcher holds one comparison. Rows of both sides stand in order of line.
type matcher struct {
	book    Book
	ours    []ours
	theirs  []theirs
	ourKeys []key
	refused map[refusedKey][]int32 // our refused notifications
	open    []int32                // single rows of the list that only Lookup can explain
	sums    map[tolem.Currency]*Balance
	result  Result
}

// Match compares a list with our register of its day. A nil lookup knows
// nothing: then every single row with a code is MISSING_HERE. The list is not
// changed.
func Match(book Book, list List, lookup Lookup) (Result, error) {
	m := &matcher{
		book: book, sums: make(map[tolem.Currency]*Balance), refused: make(map[refusedKey][]int32),
	}
	if err := m.load(list); err != nil {
		return Result{}, err
	}
	m.byCode()
	m.byReference()
	if err := m.explain(lookup); err != nil {
		return Result{}, err
	}
	m.comparePairs()
	m.ourSingles()
	m.checkDeclared(list.Declared)
	return m.finish()
}

// load takes both sides in and counts them.
func (m *matcher) load(list List) error {
	if len(list.Entries) > MaxRows {
		return fmt.Errorf("list: %w: %d", ErrTooManyRows, MaxRows)
	}
	if err := m.loadOurs(); err != nil {
		return err
	}
	m.theirs = make([]theirs, len(list.Entries))
	for i := range list.Entries {
		e := &list.Entries[i]
		m.theirs[i] = theirs{Entry: e, line: cmp.Or(e.Line, i+1), why: e.check(), pair: none}
	}
	inOrder(m.theirs, func(t *theirs) int { return t.line })
	for i := range m.theirs {
		m.theirs[i].at = int32(i)
		m.countTheirs(&m.theirs[i])
	}
	return nil
}

func (m *matcher) loadOurs() error {
	if m.book.Rows == nil {
		return nil
	}
	names := make(map[string]string)
	for r, err := range m.book.Rows {
		if err != nil {
			return fmt.Errorf("read the register: %w", err)
		}
		if len(m.ours) == MaxRows {
			return fmt.Errorf("register: %w: %d", ErrTooManyRows, MaxRows)
		}
		m.ours = append(m.ours, ours{
			line: cmp.Or(r.Line, len(m.ours)+1), kind: once(names, r.Kind), code: r.Code,
			bank: once(names, r.Bank), branch: once(names, r.Branch), ref: r.BankRef,
			service: once(names, r.Service), provider: once(names, r.Provider),
			amount: tolem.Money{Minor: r.Amount.Minor, Currency: once(names, r.Amount.Currency)},
			paid:   r.PaidAt.Unix(), mark: once(names, r.Discrepancy), pair: none,
		})
		if r.Belongs != m.book.Day {
			m.ours[len(m.ours)-1].belongs = r.Belongs
		}
	}
	inOrder(m.ours, func(o *ours) int { return o.line })
	for i := range m.ours {
		o := &m.ours[i]
		o.at = int32(i)
		if o.kind == tolem.RowDiscrepancy {
			m.noteRefused(o)
			continue
		}
		sum := &m.sum(o.amount.Currency).Ours
		if o.amount.Minor < 0 || !count(sum, o.kind, o.amount.Minor) {
			return fmt.Errorf("row %d: amount %v: %w", o.line, o.amount, ErrRegister)
		}
	}
	return nil
}

// once keeps one copy of a name that stands in many rows.
func once[S ~string](names map[string]string, s S) S {
	name, ok := names[string(s)]
	if !ok {
		name = string(s)
		names[name] = name
	}
	return S(name)
}

// inOrder sorts rows by line, which they mostly are.
func inOrder[R any](rows []R, line func(*R) int) {
	for i := 1; i < len(rows); i++ {
		if line(&rows[i-1]) > line(&rows[i]) {
			slices.SortStableFunc(rows, func(a, b R) int { return cmp.Compare(line(&a), line(&b)) })
			return
		}
	}
}

// countTheirs adds a row of the list to its total.
func (m *matcher) countTheirs(t *theirs) {
	switch {
	case t.why == BadTotal || t.why == "" && t.kind() == tolem.RowDiscrepancy:
		return
	case !t.counts():
		return
	case count(&m.sum(t.Amount.Currency).Theirs, t.kind(), t.Amount.Minor):
		t.counted = true
	case t.why == "":
		t.why = TotalTooBig
	}
}

func (m *matcher) sum(c tolem.Currency) *Balance {
	b := m.sums[c]
	if b == nil {
		b = &Balance{Currency: c}
		m.sums[c] = b
	}
	return b
}

// count adds an amount unless the sum would be beyond MaxTotal.
func count(s *tolem.Sum, kind tolem.RowKind, minor int64) bool {
	if minor > MaxTotal-s.Minor-s.Return {
		return false
	}
	if kind == tolem.RowRefund {
		s.Back++
		s.Return += minor
		return true
	}
	s.Count++
	s.Minor += minor
	return true
}

// finish numbers the anomalies and proves that they explain the difference.
func (m *matcher) finish() (Result, error) {
	r := &m.result
	slices.SortFunc(r.Anomalies, tolem.Anomaly.Compare)
	explained := make(map[tolem.Currency]int64)
	for i := range r.Anomalies {
		a := &r.Anomalies[i]
		a.No = i + 1
		explained[a.Difference.Currency] += a.Difference.Minor
		explained[a.Counter.Currency] += a.Counter.Minor
	}
	for _, b := range m.sums {
		r.Balances = append(r.Balances, *b)
		if explained[b.Currency] != b.Net() {
			return Result{}, fmt.Errorf("%w: %s: %d of %d", ErrUnexplained, b.Currency, explained[b.Currency], b.Net())
		}
	}
	slices.SortFunc(r.Balances, func(a, b Balance) int { return cmp.Compare(a.Currency, b.Currency) })
	return *r, nil
}
