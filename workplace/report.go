package workplace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tolem"
	"tolem/access"
	"tolem/store"
)

// RegisterQuery chooses rows of the operator register. Empty filters restrict
// nothing (WP-582).
type RegisterQuery struct {
	Day          tolem.Day
	Asan         bool // payments taken as ASAN operator (WP-581)
	Organisation tolem.ProviderID
	Status       tolem.DeskStatus
}

// Sum counts payments and adds them up.
type Sum struct {
	Count              int
	Amount, Fee, Total tolem.Money
}

// Register is the list of the payments an operator has taken on a day
// (WP-134 to WP-137, WP-579 to WP-583).
type Register struct {
	Query    RegisterQuery
	Operator string
	Rows     []tolem.DeskPayment // by receipt number
	Sum      Sum                 // of the rows
	// Organisations are those of the day, whatever is filtered: the filter's choice.
	Organisations []OrganisationName
}

// OrganisationName names an organisation for a filter.
type OrganisationName struct {
	ID   tolem.ProviderID
	Name string
}

// SummaryRow is a row of the summary report.
type SummaryRow struct {
	AsanUnit, Organisation string
	Sum
}

// Summary is the ASAN operator's report by unit and organisation (WP-587). What
// is cancelled, or awaits it, is left out of it like of the cash order.
type Summary struct {
	Day      tolem.Day
	Operator string
	Rows     []SummaryRow
	Sum      Sum
}

// CashOrder is the total of an operator's day (WP-148, WP-588).
type CashOrder struct {
	Number                 string // of branch, day and operator: the same whenever it is printed
	Day                    tolem.Day
	Asan                   bool
	Bank, Branch, Operator string
	First, Last            tolem.ReceiptNo // of the counted payments; zero: none
	Rows                   []CashRow       // counted, by organisation
	Sum                    Sum
	Others                 []CashStatus // not in the total
	MadeAt                 time.Time
}

// CashRow is what one organisation received.
type CashRow struct {
	Organisation string
	Sum
}

// CashStatus is what does not count, by status.
type CashStatus struct {
	Status tolem.DeskStatus
	Sum
}

// Limits of reports.
const (
	reportPage = 500 // payments read at a time
	// maxDayRows bounds the payments of an operator's day: nobody takes one every
	// second.
	maxDayRows = 50_000
)

// errDayRows reports a day that is too long to be true.
var errDayRows = errors.New("an operator has more payments in a day than a report holds")

// Today is the day that reports begin with (WP-130, WP-594).
func (w *Workplace) Today(ctx context.Context) (day tolem.Day, err error) {
	err = w.db.View(ctx, func(tx *store.Tx) error {
		day = w.Calendar.DayOf(tx.Now())
		return nil
	})
	return day, err
}

// taken returns the payments the actor took on a day, as ASAN operator or not,
// by receipt number, and when that was read.
func (w *Workplace) taken(ctx context.Context, by access.Actor, action tolem.Action, day tolem.Day, asan bool) (list []tolem.DeskPayment, at time.Time, err error) {
	if err := access.May(by, action); err != nil {
		return nil, at, err
	}
	err = w.db.View(ctx, func(tx *store.Tx) error {
		at = tx.Now()
		for after, rows := tolem.ReceiptNo(0), 0; ; {
			page, err := tx.DeskPaymentsOfDay(by.Person.ID, day, after, reportPage)
			if err != nil {
				return err
			}
			for _, p := range page {
				if after = p.Receipt; p.Bank == by.Person.Bank && p.Asan == asan {
					list = append(list, p)
				}
			}
			if rows += len(page); rows > maxDayRows {
				return errDayRows
			}
			if len(page) < reportPage {
				return nil
			}
		}
	})
	return list, at, err
}

// add counts a payment in.
func (s *Sum) add(p tolem.DeskPayment) {
	s.Count++
	s.Amount.Minor += p.Amount.Minor
	s.Fee.Minor += p.Fee.Minor
	s.Total.Minor += p.Total().Minor
}

// sum returns what nothing comes to.
func (w *Workplace) sum() Sum {
	zero := tolem.Money{Currency: w.Currency}
	return Sum{Amount: zero, Fee: zero, Total: zero}
}

// Register returns the payments the actor has taken on a day.
func (w *Workplace) Register(ctx context.Context, by access.Actor, q RegisterQuery) (Register, error) {
	r := Register{Query: q, Operator: by.Person.FullName(), Sum: w.sum()}
	list, _, err := w.taken(ctx, by, tolem.ActRegister, q.Day, q.Asan)
	if err != nil {
		return Register{}, err
	}
	for _, p := range list {
		name := OrganisationName{ID: p.Account.Organisation, Name: p.Shown.Organisation}
		if !slices.ContainsFunc(r.Organisations, func(o OrganisationName) bool { return o.ID == name.ID }) {
			r.Organisations = append(r.Organisations, name)
		}
		if (q.Organisation == "" || p.Account.Organisation == q.Organisation) && (q.Status == "" || p.Status == q.Status) {
			r.Rows = append(r.Rows, p)
			r.Sum.add(p)
		}
	}
	slices.SortFunc(r.Organisations, func(a, b OrganisationName) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return r, nil
}

// group is what payments are summed up by.
type group struct {
	unit         tolem.UnitCode
	organisation tolem.ProviderID
}

// sums adds payments up, group by group, in the order of their names.
func (w *Workplace) sums(list []tolem.DeskPayment, of func(tolem.DeskPayment) group) []SummaryRow {
	index := make(map[group]int)
	var rows []SummaryRow
	for _, p := range list {
		key := of(p)
		i, ok := index[key]
		if !ok {
			i = len(rows)
			index[key] = i
			row := SummaryRow{Organisation: p.Shown.Organisation, Sum: w.sum()}
			if key.unit != "" {
				row.AsanUnit = p.Shown.AsanUnit
			}
			rows = append(rows, row)
		}
		rows[i].add(p)
	}
	slices.SortStableFunc(rows, func(a, b SummaryRow) int {
		return cmp.Or(cmp.Compare(a.AsanUnit, b.AsanUnit), cmp.Compare(a.Organisation, b.Organisation))
	})
	return rows
}

// counted returns the payments that the cash order counts.
func counted(list []tolem.DeskPayment) []tolem.DeskPayment {
	return slices.DeleteFunc(slices.Clone(list), func(p tolem.DeskPayment) bool { return !p.Status.Counts() })
}

// Summary returns the summary of the actor's day; ASAN operators only (WP-143).
func (w *Workplace) Summary(ctx context.Context, by access.Actor, day tolem.Day) (Summary, error) {
	list, _, err := w.taken(ctx, by, tolem.ActAsanSummary, day, true)
	if err != nil {
		return Summary{}, err
	}
	list = counted(list)
	s := Summary{Day: day, Operator: by.Person.FullName(), Sum: w.sum()}
	s.Rows = w.sums(list, func(p tolem.DeskPayment) group { return group{p.AsanUnit, p.Account.Organisation} })
	for _, p := range list {
		s.Sum.add(p)
	}
	return s, nil
}

// CashOrder returns the cash order of the actor's day: of what was taken as ASAN
// operator, or of the rest.
func (w *Workplace) CashOrder(ctx context.Context, by access.Actor, day tolem.Day, asan bool) (CashOrder, error) {
	list, at, err := w.taken(ctx, by, tolem.ActCashOrder, day, asan)
	if err != nil {
		return CashOrder{}, err
	}
	o := CashOrder{Day: day, Asan: asan, Sum: w.sum(), MadeAt: at}
	w.head(&o, by, list)
	in := counted(list)
	for _, row := range w.sums(in, func(p tolem.DeskPayment) group { return group{organisation: p.Account.Organisation} }) {
		o.Rows = append(o.Rows, CashRow{row.Organisation, row.Sum})
	}
	for _, p := range in {
		o.Sum.add(p)
	}
	if len(in) > 0 {
		o.First, o.Last = in[0].Receipt, in[len(in)-1].Receipt
	}
	for _, status := range tolem.DeskStatuses {
		other := CashStatus{Status: status, Sum: w.sum()}
		for _, p := range list {
			if p.Status == status && !status.Counts() {
				other.add(p)
			}
		}
		if other.Count > 0 {
			o.Others = append(o.Others, other)
		}
	}
	return o, nil
}

// head says whose order it is. Where somebody works may change; what was printed
// of a day stays as it was.
func (w *Workplace) head(o *CashOrder, by access.Actor, list []tolem.DeskPayment) {
	branch := by.Person.Branch
	if len(list) > 0 {
		branch, o.Bank, o.Branch, o.Operator = list[0].Branch, list[0].Shown.Bank, list[0].Shown.Branch, list[0].Shown.Operator
	} else {
		theBank, _ := w.Directory.Participant(by.Person.Bank)
		theBranch, _ := w.Directory.Participant(branch)
		o.Bank, o.Branch, o.Operator = theBank.Name, theBranch.Name, by.Person.FullName()
	}
	o.Number = fmt.Sprintf("%s-%s-%s", branch, strings.ReplaceAll(o.Day.String(), "-", ""), by.Person.ID)
	if o.Asan {
		o.Number += "-ASAN"
	}
}

// Receipt finds a payment of the actor's bank by its receipt number (WP-161,
// WP-589), or ErrReceiptNotFound.
func (w *Workplace) Receipt(ctx context.Context, by access.Actor, n tolem.ReceiptNo) (p tolem.DeskPayment, err error) {
	if err := access.May(by, tolem.ActReceiptSearch); err != nil {
		return p, err
	}
	err = w.db.View(ctx, func(tx *store.Tx) error {
		p, err = ofBank(tx, by, n)
		return err
	})
	return p, err
}

// errNoPrint reports an action that is neither a print nor an export.
var errNoPrint = errors.New("neither printed nor exported")

// Print records that something was printed or saved (WP-521): action is ActPrint
// or ActExport, subject a receipt number, or the name of a report and its day.
func (w *Workplace) Print(ctx context.Context, by access.Actor, action tolem.Action, subject string) error {
	if action != tolem.ActPrint && action != tolem.ActExport {
		return fmt.Errorf("%s: %w", action, errNoPrint)
	}
	if err := access.May(by, action); err != nil {
		return err
	}
	return w.Access.Record(ctx, by, access.Event{Action: action, Subject: subject, Outcome: access.OutcomeOK})
}
