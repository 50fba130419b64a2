package match_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tolem"
	"tolem/registry/match"
)

// world is a day of a bank with both sides of it, and what must be reported.
type world struct {
	random *rand.Rand
	codes  int64
	book   match.Book
	rows   []*tolem.RegisterRow
	list   []*match.Entry
	facts  map[tolem.CodeNumber][]match.Fact

	declared []match.Declared
	expected []expectation
	payments []pair // rows that no defect has touched
}

// pair is a row as both sides have it.
type pair struct {
	ours   *tolem.RegisterRow
	theirs *match.Entry
}

// expectation is an anomaly by the rows it is about, which get their lines
// later.
type expectation struct {
	code   tolem.AnomalyCode
	ours   *tolem.RegisterRow
	theirs *match.Entry
}

func newWorld(random *rand.Rand, size int) *world {
	w := &world{random: random, facts: make(map[tolem.CodeNumber][]match.Fact)}
	w.book.Owner = tolem.Owner{Kind: tolem.BankRegister, ID: "HALYK"}
	w.book.Day, w.book.From, w.book.To = vectorDay()
	for range size {
		p := w.agreed(tolem.RowPayment)
		switch w.random.IntN(40) {
		case 0: // the money was returned, and both know
			refund := *p.ours
			refund.Kind = tolem.RowRefund
			entry := *p.theirs
			entry.Kind = tolem.RowRefund
			w.rows, w.list = append(w.rows, &refund), append(w.list, &entry)
		case 1: // late, and the list says so
			p.ours.Discrepancy, p.theirs.Mark = tolem.DiscrepancyLate, tolem.DiscrepancyLate
		case 2: // refused, and the list does not have it
			w.rows = append(w.rows, w.row(tolem.RowDiscrepancy, string(tolem.Mismatch)))
		default:
			w.payments = append(w.payments, p)
		}
	}
	return w
}

// code draws one that nobody has.
func (w *world) code() tolem.CodeNumber {
	w.codes++
	payload := (w.codes*7_919 + 10_000_000_000_000) * 100
	return tolem.CodeNumber(payload + 98 - payload%97)
}

func (w *world) row(kind tolem.RowKind, discrepancy string) *tolem.RegisterRow {
	code := w.code()
	return &tolem.RegisterRow{
		Kind: kind, Code: code, Bank: "HALYK", Branch: pick(w, "ALM01", "AST02", tolem.ParticipantID("")),
		BankRef: tolem.BankRef(fmt.Sprintf("R-%d", w.codes)), Service: pick(w, "PASSPORT", tolem.ServiceCode("LICENCE")),
		Provider: "MIA", Amount: tolem.Money{Minor: 1 + w.random.Int64N(10_000_000), Currency: pick(w, tolem.KZT, tolem.KZT, tolem.UZS)},
		PaidAt: w.book.From.Add(time.Duration(w.random.IntN(86_400)) * time.Second), Discrepancy: discrepancy,
	}
}

func pick[T any](w *world, of ...T) T { return of[w.random.IntN(len(of))] }

// agreed adds a row that both sides have.
func (w *world) agreed(kind tolem.RowKind) pair {
	p := pair{ours: w.row(kind, "")}
	p.theirs = entryOf(p.ours)
	w.rows, w.list = append(w.rows, p.ours), append(w.list, p.theirs)
	return p
}

func entryOf(r *tolem.RegisterRow) *match.Entry {
	return &match.Entry{
		Kind: r.Kind, Code: r.Code, BankRef: r.BankRef, Service: r.Service, Provider: r.Provider,
		Bank: r.Bank, Branch: r.Branch, Amount: r.Amount, PaidAt: r.PaidAt,
	}
}

// take returns a pair of payments that no defect has touched.
func (w *world) take() pair {
	i := w.random.IntN(len(w.payments))
	p := w.payments[i]
	w.payments[i] = w.payments[len(w.payments)-1]
	w.payments = w.payments[:len(w.payments)-1]
	return p
}

// alien adds a row of the list that ours has not.
func (w *world) alien() *match.Entry {
	e := entryOf(w.row(tolem.RowPayment, ""))
	w.list = append(w.list, e)
	return e
}

// known adds a fact made of a row of the list.
func (w *world) known(e *match.Entry, change func(*match.Fact)) {
	f := match.Fact{Day: w.book.Day, Row: tolem.RegisterRow{
		Kind: tolem.RowPayment, Code: e.Code, Bank: e.Bank, Branch: e.Branch, BankRef: e.BankRef,
		Service: e.Service, Provider: e.Provider, Amount: e.Amount, State: tolem.StatePaid,
	}}
	change(&f)
	w.facts[e.Code] = append(w.facts[e.Code], f)
}

func (w *world) expect(code tolem.AnomalyCode, p pair) {
	w.expected = append(w.expected, expectation{code, p.ours, p.theirs})
}

// Facts answers as the store would.
func (w *world) Facts(codes []tolem.CodeNumber) (map[tolem.CodeNumber][]match.Fact, error) {
	if len(codes) > match.FactsBatch {
		return nil, fmt.Errorf("%d codes at once", len(codes))
	}
	found := make(map[tolem.CodeNumber][]match.Fact)
	for _, c := range codes {
		if f, ok := w.facts[c]; ok {
			found[c] = f
		}
	}
	return found, nil
}

// defects are the ways in which the sides are made to differ. Each touches rows
// of its own and says what must be reported of them.
var defects = map[string]func(*world){
	"unreadable time": func(w *world) {
		p := w.take()
		p.theirs.Unreadable, p.theirs.PaidAt = match.BadTime, time.Time{}
		w.expect(tolem.UnreadableRow, p)
	},
	"duplicate there": func(w *world) {
		again := *w.take().theirs
		again.BankRef += "-again"
		w.list = append(w.list, &again)
		w.expect(tolem.DuplicateThere, pair{theirs: &again})
	},
	"duplicate there without code": func(w *world) {
		p := w.take()
		again := *p.theirs
		again.Code = 0
		w.list = append(w.list, &again)
		w.expect(tolem.DuplicateThere, pair{p.ours, &again})
	},
	"duplicate here": func(w *world) {
		again := *w.take().ours
		again.BankRef += "-again"
		w.rows = append(w.rows, &again)
		w.expect(tolem.DuplicateHere, pair{ours: &again})
	},
	"wrong bank": func(w *world) {
		e := w.alien()
		w.known(e, func(f *match.Fact) { f.Row.Bank = "KASPI" })
		w.expect(tolem.WrongBankRow, pair{theirs: e})
	},
	"wrong bank named": func(w *world) {
		p := w.take()
		p.theirs.Bank = "KASPI"
		w.expect(tolem.WrongBankRow, p)
	},
	"branch": func(w *world) {
		p := w.take()
		p.ours.Branch, p.theirs.Branch = "ALM01", "ALM02"
		w.expect(tolem.BranchDiffers, p)
	},
	"provider": func(w *world) {
		p := w.take()
		p.theirs.Provider = "MOJ"
		w.expect(tolem.OtherProvider, p)
	},
	"service": func(w *world) {
		p := w.take()
		p.theirs.Service = "VISA"
		w.expect(tolem.OtherService, p)
	},
	"other day": func(w *world) {
		e := w.alien()
		w.known(e, func(f *match.Fact) { f.Day += tolem.Day(1 - 2*w.random.IntN(2)) })
		w.expect(tolem.OtherDay, pair{theirs: e})
	},
	"other day, open": func(w *world) {
		e := w.alien()
		w.known(e, func(f *match.Fact) { f.Open = true })
		w.expect(tolem.OtherDay, pair{theirs: e})
	},
	"other day, returned": func(w *world) {
		e := w.alien()
		w.known(e, func(f *match.Fact) { f.Day-- })
		w.known(e, func(f *match.Fact) { f.Row.Kind = tolem.RowRefund })
		w.expect(tolem.OtherDay, pair{theirs: e})
		w.expect(tolem.RefundedHere, pair{theirs: e})
	},
	"late row of ours": func(w *world) {
		r := w.row(tolem.RowPayment, "")
		r.Belongs = w.book.Day - 1
		w.rows = append(w.rows, r)
		w.expect(tolem.OtherDay, pair{ours: r})
	},
	"refused": func(w *world) {
		r := w.row(tolem.RowDiscrepancy, string(tolem.Mismatch))
		e := entryOf(r)
		e.Kind = tolem.RowPayment
		w.rows, w.list = append(w.rows, r), append(w.list, e)
		w.expect(tolem.RefusedHere, pair{r, e})
	},
	"refused second payment": func(w *world) {
		p := w.take()
		r := *p.ours
		r.Kind, r.BankRef, r.Discrepancy = tolem.RowDiscrepancy, r.BankRef+"-second", string(tolem.DuplicatePayment)
		e := entryOf(&r)
		e.Kind = tolem.RowPayment
		w.rows, w.list = append(w.rows, &r), append(w.list, e)
		w.expect(tolem.RefusedHere, pair{&r, e})
	},
	"code unknown": func(w *world) {
		w.expect(tolem.CodeUnknown, pair{theirs: w.alien()})
	},
	"check digits": func(w *world) {
		e := w.alien()
		e.Code++
		w.expect(tolem.CodeUnknown, pair{theirs: e})
	},
	"not paid": func(w *world) {
		e := w.alien()
		w.known(e, func(f *match.Fact) { f.Row.Kind, f.Row.State = "", tolem.StateIssued })
		w.expect(tolem.NotPaidHere, pair{theirs: e})
	},
	"not refunded": func(w *world) {
		refund := *w.take().theirs
		refund.Kind = tolem.RowRefund
		w.list = append(w.list, &refund)
		w.known(&refund, func(*match.Fact) {})
		w.expect(tolem.NotRefundedHere, pair{theirs: &refund})
	},
	"missing here": func(w *world) {
		e := w.alien()
		e.Code = 0
		w.expect(tolem.MissingHere, pair{theirs: e})
	},
	"missing there": func(w *world) {
		r := w.row(tolem.RowPayment, "")
		w.rows = append(w.rows, r)
		w.expect(tolem.MissingThere, pair{ours: r})
	},
	"refunded": func(w *world) {
		p := w.take()
		r := *p.ours
		r.Kind = tolem.RowRefund
		w.rows = append(w.rows, &r)
		w.expect(tolem.RefundedHere, pair{&r, p.theirs})
	},
	"currency": func(w *world) {
		p := w.take()
		p.theirs.Amount.Currency = tolem.AZN
		w.expect(tolem.CurrencyDiffers, p)
	},
	"amount": func(w *world) {
		p := w.take()
		p.theirs.Amount.Minor += 1 + w.random.Int64N(100)
		w.expect(tolem.AmountDiffers, p)
	},
	"amount and service": func(w *world) {
		p := w.take()
		p.theirs.Amount.Minor += 7
		p.theirs.Service = "VISA"
		w.expect(tolem.AmountDiffers, p)
		w.expect(tolem.OtherService, p)
	},
	"code mistyped": func(w *world) {
		p := w.take()
		p.theirs.Code++
		w.expect(tolem.CodeDiffers, p)
	},
	"reference": func(w *world) {
		p := w.take()
		p.theirs.BankRef += "-x"
		w.expect(tolem.BankRefDiffers, p)
	},
	"late": func(w *world) {
		p := w.take()
		p.ours.Discrepancy = tolem.DiscrepancyLate
		w.expect(tolem.LatePayment, p)
	},
	"time": func(w *world) {
		p := w.take()
		p.theirs.PaidAt = w.book.To.Add(time.Hour)
		w.expect(tolem.PaidOutsideDay, p)
	},
}

// state makes the totals of the list, right or wrong.
func (w *world) state(rightCount, rightTotal bool) {
	var net, count int64
	for _, e := range w.list {
		switch {
		case e.Amount.Currency != tolem.KZT:
			continue
		case e.Kind == tolem.RowRefund:
			net -= e.Amount.Minor
		default:
			net += e.Amount.Minor
		}
		count++
	}
	if !rightCount {
		count++
		w.expect(tolem.WrongCount, pair{})
	}
	if !rightTotal {
		net--
		w.expect(tolem.WrongTotal, pair{})
	}
	w.declared = []match.Declared{{Currency: tolem.KZT, Count: count, HasCount: true, Net: net, HasNet: true}}
}

// shuffle puts both sides in a new order and gives lines; the expectations
// follow, since they know the rows.
func (w *world) shuffle() {
	w.random.Shuffle(len(w.rows), func(i, j int) { w.rows[i], w.rows[j] = w.rows[j], w.rows[i] })
	w.random.Shuffle(len(w.list), func(i, j int) { w.list[i], w.list[j] = w.list[j], w.list[i] })
	for i := range w.rows {
		w.rows[i].Line = i + 1
	}
	for i := range w.list {
		w.list[i].Line = i + 1
	}
}

// sides returns copies of both sides.
func (w *world) sides() (match.Book, match.List) {
	book, list := w.book, match.List{Declared: w.declared}
	rows := make([]tolem.RegisterRow, len(w.rows))
	for i, r := range w.rows {
		rows[i] = *r
	}
	book.Rows = match.Rows(rows)
	for _, e := range w.list {
		list.Entries = append(list.Entries, *e)
	}
	return book, list
}

// expectations are what must be reported, sorted.
func (w *world) expectations() (want []string) {
	for _, x := range w.expected {
		ours, theirs := 0, 0
		if x.ours != nil {
			ours = x.ours.Line
		}
		if x.theirs != nil {
			theirs = x.theirs.Line
		}
		want = append(want, fmt.Sprintf("%s row %d, ours %d", x.code, theirs, ours))
	}
	slices.Sort(want)
	return want
}
