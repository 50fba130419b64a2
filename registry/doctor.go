package registry

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tolem"
	"tolem/store"
)

// maxFindings bounds what a check names one by one; the rest is counted.
const maxFindings = 1000

// Finding is something that does not add up.
type Finding struct {
	Day    string `json:"day"`
	Check  string `json:"check"`
	Record string `json:"record"` // what it is about: a code, a register, a claim
	Detail string `json:"detail"`
}

// The checks.
const (
	CheckSeal      = "seal"      // the facts of a day are those that were sealed
	CheckFacts     = "facts"     // each payment, refund and refused notification is a fact of a day, as it was decided
	CheckBalance   = "balance"   // issued = paid + expired + cancelled + open
	CheckRegisters = "registers" // payments = registers: each is there, is what was signed, and their sums agree
	CheckClaims    = "claims"    // registers = claims
	CheckTotals    = "totals"    // totals of counted days = facts and steps
)

// Balance is the daily balance of codes: Issued is the sum of the others.
type Balance struct {
	Day       string `json:"day"`
	Issued    int64  `json:"issued"`
	Paid      int64  `json:"paid"` // closed and refunded ones included
	Expired   int64  `json:"expired"`
	Cancelled int64  `json:"cancelled"`
	Open      int64  `json:"open"`
}

// Adds reports whether the balance adds up.
func (b Balance) Adds() bool { return b.Issued == b.Paid+b.Expired+b.Cancelled+b.Open }

// Checkup is what the doctor found.
type Checkup struct {
	Balances []Balance `json:"balances"`
	Findings []Finding `json:"findings"`
	Count    int64     `json:"count"` // of findings, named or not
	Facts    int64     `json:"facts"` // that were checked
}

// OK reports whether everything adds up.
func (c *Checkup) OK() bool { return c.Count == 0 }

func (c *Checkup) find(day tolem.Day, check, record, format string, args ...any) {
	c.Count++
	if len(c.Findings) < maxFindings {
		c.Findings = append(c.Findings, Finding{Day: day.String(), Check: check, Record: record, Detail: fmt.Sprintf(format, args...)})
	}
}

// Check looks at the sealed days from one to another, both included: seals,
// facts, balance of codes, registers, claims, totals of reports. Whatever does not add up is named
// to the row.
func (r *Registry) Check(ctx context.Context, from, to tolem.Day, progress Progress) (*Checkup, error) {
	var days []store.SealedDay
	err := r.view(ctx, func(tx *store.Tx) (err error) {
		days, err = tx.SealedDays(from, to)
		return err
	})
	if err != nil {
		return nil, err
	}
	c := &Checkup{Balances: []Balance{}, Findings: []Finding{}}
	for i, d := range days {
		if i > 0 && days[i-1].Day+1 != d.Day {
			c.find(d.Day, CheckSeal, "day", "the days before are not sealed: the last one is %s", days[i-1].Day)
		}
		for _, check := range []func(context.Context, store.SealedDay, *Checkup) error{r.checkSeal, r.checkFacts, r.checkBalance, r.checkRegisters, r.checkClaims, r.checkTotals} {
			if err := check(ctx, d, c); err != nil {
				return nil, fmt.Errorf("check %s: %w", d.Day, err)
			}
			progress.report(c.Facts)
		}
	}
	return c, nil
}

func (r *Registry) checkSeal(ctx context.Context, d store.SealedDay, c *Checkup) error {
	s, err := r.sum(ctx, d.Day)
	if err != nil {
		return err
	}
	c.Facts += s.facts
	if s.facts != d.Facts || s.hash != d.Hash {
		c.find(d.Day, CheckSeal, "day", "%d facts with hash %x were sealed; there are %d with %x", d.Facts, d.Hash, s.facts, s.hash)
	}
	return nil
}

// checkFacts looks for what was decided in a day and is a fact of none.
func (r *Registry) checkFacts(ctx context.Context, d store.SealedDay, c *Checkup) error {
	from, end := r.Calendar.Start(d.Day), r.Calendar.End(d.Day)
	look := func(rows []tolem.RegisterRow) error {
		codes := make([]tolem.CodeNumber, len(rows))
		for i, row := range rows {
			codes[i] = row.Code
		}
		var facts []store.DayFact
		err := r.view(ctx, func(tx *store.Tx) (err error) {
			facts, err = tx.FactsOf(codes)
			return err
		})
		kept := make(map[rowKey]store.DayFact, len(facts))
		for _, f := range facts {
			kept[keyOf(f.RegisterRow)] = f
		}
		for _, row := range rows {
			f, found := kept[keyOf(row)]
			switch {
			case !found:
				c.find(d.Day, CheckFacts, row.Code.String(), "%s of %s at %s is in no day", row.Kind, row.Amount, row.At.Format(timeForPeople))
			case !sameMoney(f.RegisterRow, row):
				c.find(d.Day, CheckFacts, row.Code.String(), "%s differs from what %s has: %s of %s against %s of %s",
					row.Kind, f.Day, row.Amount, row.Bank, f.Amount, f.Bank)
			}
		}
		return err
	}
	for _, read := range []paymentReader{(*store.Tx).PaidFacts, (*store.Tx).RefundFacts} {
		// What the next day has carried over is a fact as well, so the check looks
		// at days whose stragglers are sealed or still may come.
		if err := r.collectPayments(ctx, read, from, end, look); err != nil {
			return err
		}
	}
	return r.collectRefused(ctx, from, end, look)
}

const timeForPeople = "2006-01-02 15:04:05.000000Z07:00"

func sameMoney(a, b tolem.RegisterRow) bool {
	return a.Amount == b.Amount && a.Bank == b.Bank && a.BankRef == b.BankRef && a.Service == b.Service && a.Provider == b.Provider &&
		a.Channel == b.Channel && a.PaidAt.Equal(b.PaidAt) && a.At.Equal(b.At)
}

func (r *Registry) checkBalance(ctx context.Context, d store.SealedDay, c *Checkup) error {
	b := Balance{Day: d.Day.String()}
	for after := (store.FactCursor{}); ; {
		var page []store.IssuedCode
		err := r.view(ctx, func(tx *store.Tx) (err error) {
			page, err = tx.IssuedCodes(r.Calendar.Start(d.Day), r.Calendar.End(d.Day), after, pageRows)
			return err
		})
		if err != nil {
			return err
		}
		for _, code := range page {
			b.add(code)
			if code.State != code.History {
				c.find(d.Day, CheckBalance, code.Code.String(), "the code is %s, its history leads to %s", code.State, code.History)
			}
		}
		if len(page) < pageRows {
			break
		}
		last := page[len(page)-1]
		after = store.FactCursor{At: last.At, Code: last.Code}
	}
	c.Balances = append(c.Balances, b)
	if !b.Adds() {
		c.find(d.Day, CheckBalance, "day", "issued %d, paid %d + expired %d + cancelled %d + open %d", b.Issued, b.Paid, b.Expired, b.Cancelled, b.Open)
	}
	return nil
}

func (b *Balance) add(code store.IssuedCode) {
	b.Issued++
	switch code.State {
	case tolem.StatePaid, tolem.StateClosed, tolem.StateRefunded:
		b.Paid++
	case tolem.StateExpired:
		b.Expired++
	case tolem.StateCancelled:
		b.Cancelled++
	case tolem.StateIssued:
		b.Open++
	}
}

// checkRegisters looks at the first revisions, which are made of the day as it
// was sealed, and makes sure that every revision is what was signed.
func (r *Registry) checkRegisters(ctx context.Context, d store.SealedDay, c *Checkup) error {
	owners, err := r.db.DayOwners(ctx, d.Day)
	if err != nil {
		return err
	}
	var regs []store.StoredRegister
	err = r.view(ctx, func(tx *store.Tx) (err error) {
		regs, err = tx.RegistersOfDay(d.Day)
		return err
	})
	if err != nil {
		return err
	}
	have := make(map[tolem.RegisterNumber]bool, len(regs))
	sums := map[tolem.RegisterKind]map[tolem.Currency]tolem.Sum{tolem.ProviderRegister: {}, tolem.BankRegister: {}}
	for _, reg := range regs {
		have[reg.Number] = true
		if err := r.WriteXML(ctx, io.Discard, r.Complete(reg), nil); errors.Is(err, ErrAltered) {
			c.find(d.Day, CheckRegisters, string(reg.Number), "%v", err)
		} else if err != nil {
			return err
		}
		if by := sums[reg.Owner.Kind]; by != nil && reg.Revision == 1 {
			for currency, sum := range reg.Totals.ByCurrency() {
				by[currency] = by[currency].Plus(sum)
			}
		}
	}
	for _, o := range owners {
		if n := tolem.NewRegisterNumber(o, d.Day, 1); !have[n] {
			c.find(d.Day, CheckRegisters, string(n), "the register was not formed")
		}
	}
	s, err := r.sum(ctx, d.Day)
	if err != nil {
		return err
	}
	for currency, sum := range s.totals.ByCurrency() {
		for kind, by := range sums {
			if by[currency] != sum {
				c.find(d.Day, CheckRegisters, string(kind), "registers come to %+v %s, payments to %+v", by[currency], currency, sum)
			}
		}
	}
	return nil
}

// checkClaims compares the claims that were made with the registers they rest
// on. A day without claims has none to compare.
func (r *Registry) checkClaims(ctx context.Context, d store.SealedDay, c *Checkup) error {
	return r.view(ctx, func(tx *store.Tx) error {
		for after := tolem.ClaimNumber(""); ; {
			page, err := tx.Claims("", d.Day, d.Day, after, pageRows)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, claim := range page {
				after = claim.Number
				reg, err := tx.Register(claim.Register)
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				}
				sum := reg.Totals.ByCurrency()[claim.Amount.Currency]
				if claim.Amount.Minor != sum.Net() || claim.Count != sum.Count {
					c.find(d.Day, CheckClaims, string(claim.Number), "%d payments, %s claimed; the register has %d, %s",
						claim.Count, claim.Amount, sum.Count, tolem.Money{Minor: sum.Net(), Currency: claim.Amount.Currency})
				}
			}
		}
	})
}
