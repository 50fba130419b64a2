package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

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
	CheckEvidence  = "evidence"  // seals, registers, claims and what was said of them = archive
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

	// Of the day at hand: its facts, and whether they are those that were sealed.
	dayFacts int64
	intact   bool
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
	evidence, err := r.readKept(ctx, from, c)
	if err != nil {
		return nil, err
	}
	for i, d := range days {
		if i > 0 && days[i-1].Day+1 != d.Day {
			c.find(d.Day, CheckSeal, "day", "the days before are not sealed: the last one is %s", days[i-1].Day)
		}
		for _, check := range []func(context.Context, store.SealedDay, *Checkup) error{r.checkSeal, r.checkFacts, r.checkBalance, r.checkRegisters, r.checkClaims, r.checkTotals} {
			if err := check(ctx, d, c); errors.Is(err, store.ErrSchema) {
				c.find(d.Day, CheckSeal, "day", "a row cannot be read: %v", err)
			} else if err != nil {
				return nil, fmt.Errorf("check %s: %w", d.Day, err)
			}
			progress.report(c.Facts)
		}
		if evidence == nil {
			continue
		}
		if err := r.checkKept(ctx, d, evidence, c); err != nil {
			return nil, fmt.Errorf("check %s: %w", d.Day, err)
		}
	}
	evidence.unsealed(days, from, to, c)
	return c, nil
}

func (r *Registry) checkSeal(ctx context.Context, d store.SealedDay, c *Checkup) error {
	s, err := r.sum(ctx, d.Day)
	if err != nil {
		return err
	}
	c.Facts += s.facts
	c.dayFacts, c.intact = s.facts, s.facts == d.Facts && s.hash == d.Hash
	if !c.intact {
		c.find(d.Day, CheckSeal, "day", "%d facts with hash %x were sealed; there are %d with %x", d.Facts, d.Hash, s.facts, s.hash)
	}
	return nil
}

// checkFacts looks for what was decided in a day and is a fact of none, for
// facts that are not as they were decided, and for facts behind which nothing
// stands. What the next day has carried over is a fact as well.
func (r *Registry) checkFacts(ctx context.Context, d store.SealedDay, c *Checkup) error {
	from := r.Calendar.Start(d.Day)
	backed := int64(0)
	err := r.decided(ctx, d.Day, func(rows []dueRow) error {
		facts, err := r.factsOf(ctx, rows)
		for _, due := range rows {
			row := due.RegisterRow
			f, found := facts[keyOf(row)]
			if found && f.Day == d.Day {
				backed++
			}
			switch {
			case due.due.Before(from) && (!found || f.Day != d.Day): // the day before looks at it
			case !found:
				c.find(d.Day, CheckFacts, row.Code.String(), "%s of %s at %s is in no day", row.Kind, row.Amount, row.At.Format(timeForPeople))
			case f.Day != d.Day && f.Day != d.Day+1:
				c.find(d.Day, CheckFacts, row.Code.String(), "%s at %s stands in %s", row.Kind, row.At.Format(timeForPeople), f.Day)
			case !sameFact(f.RegisterRow, row, f.Day == d.Day && !c.intact):
				c.find(d.Day, CheckFacts, row.Code.String(), "%s was decided as %s, %s has %s", row.Kind, describeRow(row), f.Day, describeRow(f.RegisterRow))
			}
		}
		return err
	})
	if err != nil || backed == c.dayFacts {
		return err
	}
	return r.checkBacked(ctx, d.Day, c)
}

// factsOf returns the facts of sealed days that these rows are.
func (r *Registry) factsOf(ctx context.Context, rows []dueRow) (map[rowKey]store.DayFact, error) {
	codes := make([]tolem.CodeNumber, len(rows))
	for i, row := range rows {
		codes[i] = row.Code
	}
	var facts []store.DayFact
	err := r.view(ctx, func(tx *store.Tx) (err error) {
		facts, err = tx.FactsOf(codes)
		return err
	})
	byKey := make(map[rowKey]store.DayFact, len(facts))
	for _, f := range facts {
		byKey[keyOf(f.RegisterRow)] = f
	}
	return byKey, err
}

// checkBacked names the facts of a day behind which no payment, refund or
// refused notification stands.
func (r *Registry) checkBacked(ctx context.Context, day tolem.Day, c *Checkup) error {
	backed := make(map[rowKey]bool)
	err := r.decided(ctx, day, func(rows []dueRow) error {
		for _, row := range rows {
			backed[keyOf(row.RegisterRow)] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	owners, err := r.db.DayOwners(ctx, day)
	if err != nil {
		return err
	}
	for _, o := range owners {
		if o.Kind != tolem.BankRegister {
			continue
		}
		for row, err := range r.rows(ctx, day, o, tolem.RegisterRow{}) {
			if err != nil {
				return err
			}
			if !backed[keyOf(row)] {
				c.find(day, CheckFacts, row.Code.String(), "%s of %s at %s was not decided so: nothing stands behind it", row.Kind, row.Amount, row.At.Format(timeForPeople))
			}
		}
	}
	return nil
}

const timeForPeople = "2006-01-02 15:04:05.000000Z07:00"

// sameFact compares a fact with what was decided. How the code stood at the
// day's end is compared to the letter only if asked; a code that is closed
// stays so.
func sameFact(fact, row tolem.RegisterRow, state bool) bool {
	if !state && (fact.State != tolem.StateClosed || fact.ClosedAt.Equal(row.ClosedAt)) {
		row.State, row.ClosedAt = fact.State, fact.ClosedAt
	}
	return fact == row
}

func describeRow(r tolem.RegisterRow) string {
	text := fmt.Sprintf("%s %s/%s %s %s/%s %s fee %s paid %s, received %s, %s %s", r.Amount, r.Bank, r.Branch, r.BankRef, r.Provider, r.Service, r.Channel, r.Fee,
		r.PaidAt.Format(timeForPeople), r.ReceivedAt.Format(timeForPeople), r.State, r.Discrepancy)
	if !r.ClosedAt.IsZero() {
		text += " closed " + r.ClosedAt.Format(timeForPeople)
	}
	return text
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
		if err := r.checkRegister(ctx, reg, c); err != nil {
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

// checkRegister makes sure that a revision is what was signed, and that its
// totals are those of its rows.
func (r *Registry) checkRegister(ctx context.Context, reg store.StoredRegister, c *Checkup) error {
	again, digest := r.Complete(reg), sha256.New()
	if err := r.write(ctx, digest, &again, nil); err != nil {
		return err
	}
	io.WriteString(digest, registerEnd)
	if [32]byte(digest.Sum(nil)) != reg.Hash {
		c.find(reg.Day, CheckRegisters, string(reg.Number), "%v", ErrAltered)
	}
	if again.Totals.Rows != reg.Totals.Rows || again.Totals.Discrepancies != reg.Totals.Discrepancies || !slices.Equal(again.Totals.By, reg.Totals.By) {
		c.find(reg.Day, CheckRegisters, string(reg.Number), "totals of the rows are %+v, kept are %+v", again.Totals, reg.Totals)
	}
	if !bytes.Contains(reg.Signature, []byte(base64.StdEncoding.EncodeToString(reg.Hash[:]))) {
		c.find(reg.Day, CheckRegisters, string(reg.Number), "the signature is not one of this register")
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
				if claim.Number.Kind() == tolem.ClaimOfRefund {
					if err := checkRefundClaim(tx, d.Day, claim, c); err != nil {
						return err
					}
					continue
				}
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

// checkRefundClaim compares the claim for a refund with the payment.
func checkRefundClaim(tx *store.Tx, day tolem.Day, claim store.StoredClaim, c *Checkup) error {
	code, err := tx.Code(claim.Number.Code())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	p, err := tx.Payment(claim.Number.Code())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if code.State != tolem.StateRefunded || p.Amount != claim.Amount || p.Bank != claim.Bank {
		c.find(day, CheckClaims, string(claim.Number), "%s claimed from %s for a code that is %s, of which %s was paid through %s",
			claim.Amount, claim.Bank, code.State, p.Amount, p.Bank)
	}
	return nil
}
