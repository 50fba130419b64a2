package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"tolem"
	"tolem/archive"
	"tolem/signing/c14n"
	"tolem/store"
)

// ClaimNamespace is the namespace of claims.
const ClaimNamespace = "urn:tolem:claim:v1"

// Errors of claims.
var (
	// ErrClaimState: the claim is in a state from which it cannot get there.
	ErrClaimState = errors.New("the claim is not in a state for that")
	// ErrOverpaid: more came than was claimed.
	ErrOverpaid = errors.New("more than was claimed")
)

// Claim makes the operator's claims to a bank for a day, one a currency, and
// stores them signed (GW-185, GW-P40). They rest on the first revision of the
// bank's register, which lists the payments. A day whose refunds outweigh its
// payments has none: the operator owes then. Claims that are there already are
// returned as they are.
func (r *Registry) Claim(ctx context.Context, bank tolem.ParticipantID, day tolem.Day) ([]store.StoredClaim, error) {
	reg, err := r.Build(ctx, tolem.Owner{Kind: tolem.BankRegister, ID: string(bank), Bank: bank}, day, nil)
	if err != nil {
		return nil, err
	}
	var claims []store.StoredClaim
	sums := reg.Totals.ByCurrency()
	for _, currency := range reg.Totals.Currencies() {
		sum := sums[currency]
		if sum.Net() <= 0 {
			continue
		}
		made := tolem.Claim{
			Number: tolem.NewClaimNumber(bank, day, currency), Day: day, Bank: bank, Register: reg.Number, Count: sum.Count,
			Amount: tolem.Money{Minor: sum.Net(), Currency: currency}, DueAt: r.Calendar.End(r.Calendar.AddWorkdays(day, r.ClaimsDueAfter)),
		}
		c, err := r.claim(ctx, made, r.claimDocument(made, sum, &reg.Hash, ""))
		if err != nil {
			return nil, err
		}
		claims = append(claims, c)
	}
	return claims, nil
}

// ClaimRefund makes the claim for a payment that was refunded and whose money
// the bank has not given back (GW-186). The day of the refund has the amount
// subtracted, so without it nobody would ask the bank for it. A claim that is
// there already is returned as it is.
func (r *Registry) ClaimRefund(ctx context.Context, u store.Unreturned) (store.StoredClaim, error) {
	day := r.Calendar.DayOf(r.Clock())
	c := tolem.Claim{
		Number: tolem.NewRefundClaimNumber(u.Bank, u.Code, u.Amount.Currency), Day: day, Bank: u.Bank, Count: 1, Amount: u.Amount,
		DueAt: r.Calendar.End(r.Calendar.AddWorkdays(day, r.ClaimsDueAfter)),
	}
	sum := tolem.Sum{Count: 1, Minor: u.Amount.Minor}
	return r.claim(ctx, c, r.claimDocument(c, sum, nil, u.BankRef))
}

// maxUnclaimed bounds the refunds that one look claims.
const maxUnclaimed = 100

// Unclaimed lists money of refunded payments that banks keep and that nobody has
// claimed yet.
func (r *Registry) Unclaimed(ctx context.Context) (list []store.Unreturned, err error) {
	err = r.view(ctx, func(tx *store.Tx) error {
		list, err = tx.Unclaimed(maxUnclaimed)
		return err
	})
	return list, err
}

// Errors of claims for refunds.
var (
	// ErrNotRefunded: only the money of a refunded payment can be claimed back.
	ErrNotRefunded = errors.New("the payment is not refunded")
	// ErrReturned: the bank has given the money back, or is being asked to.
	ErrReturned = errors.New("the bank has given the money back, or is asked to")
)

// KeptByBank finds what a bank keeps of a refunded payment: for the operator,
// who knows that the money did not go back by other means.
func (r *Registry) KeptByBank(ctx context.Context, n tolem.CodeNumber) (u store.Unreturned, err error) {
	err = r.db.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Code(n)
		if err != nil {
			return err
		}
		if c.State != tolem.StateRefunded {
			return fmt.Errorf("code %s is %s: %w", n, c.State, ErrNotRefunded)
		}
		attempts, err := tx.AttemptsOfCode(n)
		if err != nil {
			return err
		}
		for _, a := range attempts {
			if a.State == tolem.AttemptReversed || a.ReverseBy != "" {
				return fmt.Errorf("code %s: %w", n, ErrReturned)
			}
		}
		p, err := tx.Payment(n)
		if err != nil {
			return err
		}
		u = store.Unreturned{Code: n, Bank: p.Bank, BankRef: p.BankRef, Amount: p.Amount}
		return tx.AddUnreturned(u)
	})
	return u, err
}

func (r *Registry) claim(ctx context.Context, c tolem.Claim, unsigned []byte) (stored store.StoredClaim, err error) {
	document, err := r.signer.SignEnveloped(unsigned)
	if err != nil {
		return stored, fmt.Errorf("sign claim %s: %w", c.Number, err)
	}
	err = r.db.Update(ctx, func(tx *store.Tx) error {
		if stored, err = tx.Claim(c.Number); err == nil || !errors.Is(err, store.ErrNotFound) {
			return err
		}
		stored = store.StoredClaim{Claim: c, Document: document}
		stored.MadeAt = tx.Now()
		return errors.Join(tx.InsertClaim(stored),
			tx.AddClaimStep(c.Number, 0, tolem.ClaimStep{State: tolem.ClaimSent, Who: r.Operator, At: tx.Now()}),
			r.evidence.Add(tx, archive.Record{
				ID: archive.NewMessageID(tx.Now()), Direction: archive.Out, At: tx.Now(), Participant: c.Bank, Raw: document,
			}))
	})
	return stored, err
}

// claimDocument writes a claim: of a day with the hash of its register, of a
// refund with the bank's number of the payment.
func (r *Registry) claimDocument(c tolem.Claim, sum tolem.Sum, list *[32]byte, ref tolem.BankRef) []byte {
	var b c14n.Builder
	b.Root("claim", ClaimNamespace)
	b.Text("number", string(c.Number))
	b.Text("operator", r.Operator)
	b.Text("operatorAccount", r.OperatorAccount)
	b.Text("bankId", string(c.Bank))
	b.Text("bankName", r.nameOf(tolem.Owner{Kind: tolem.BankRegister, ID: string(c.Bank)}))
	b.Text("day", c.Day.String())
	b.Text("registerNumber", string(c.Register))
	if list != nil {
		b.Base64("registerHash", list[:])
	}
	b.Text("count", strconv.FormatInt(sum.Count, 10))
	b.Text("paid", tolem.Money{Minor: sum.Minor}.Decimal())
	b.Text("refundCount", strconv.FormatInt(sum.Back, 10))
	b.Text("refunded", tolem.Money{Minor: sum.Return}.Decimal())
	b.Text("amount", c.Amount.Decimal())
	b.Text("currency", string(c.Amount.Currency))
	if code := c.Number.Code(); code != 0 {
		b.Text("paymentCode", code.String())
	}
	b.Text("bankRef", string(ref))
	b.Time("dueAt", c.DueAt)
	b.Close("claim")
	return b.Bytes
}

// AnswerClaim stores a bank's word on a claim: it acknowledges or disputes it.
// The claims of other banks are not there for it.
func (r *Registry) AnswerClaim(tx *store.Tx, p tolem.Participant, n tolem.ClaimNumber, state tolem.ClaimState, note string) (tolem.ClaimStanding, error) {
	c, err := tx.Claim(n)
	if err != nil {
		return tolem.ClaimStanding{}, err
	}
	if p.Kind != tolem.KindBank || c.Bank != p.ID {
		return tolem.ClaimStanding{}, fmt.Errorf("%s by %s: %w", n, p.ID, ErrForeign)
	}
	if state != tolem.ClaimAcknowledged && state != tolem.ClaimDisputed {
		return tolem.ClaimStanding{}, fmt.Errorf("%s by a bank: %w", state, ErrClaimState)
	}
	return step(tx, n, tolem.ClaimStep{State: state, Who: string(p.ID), Note: note, At: tx.Now()})
}

// Answered stores what a bank answered when a claim was presented to it: what
// AnswerClaim does when the bank calls. That it has sent the money is its word
// too; the claim is paid when the money has come (Paid). Nothing is stored of a
// word that says nothing new, or of a claim that is settled.
func (r *Registry) Answered(tx *store.Tx, c tolem.Claim, state tolem.ClaimState, note string) (tolem.ClaimStanding, error) {
	steps, err := tx.ClaimSteps(c.Number)
	if err != nil {
		return tolem.ClaimStanding{}, err
	}
	before := tolem.StandingOf(steps)
	said := slices.ContainsFunc(steps, func(s tolem.ClaimStep) bool {
		return s.Who == string(c.Bank) && !s.At.Before(before.Since) && s.State == state && s.Note == note
	})
	if before.Settled() || said || state == before.State && note == "" {
		return before, nil
	}
	s := tolem.ClaimStep{State: state, Who: string(c.Bank), Note: note, At: tx.Now()}
	if state != before.State && !before.State.MayBecome(state) {
		return before, fmt.Errorf("%s is %s: %w", c.Number, before.State, ErrClaimState)
	}
	return tolem.StandingOf(append(steps, s)), errors.Join(tx.AddClaimStep(c.Number, len(steps), s), r.keepStep(tx, c.Number, s))
}

// CallAgain has a bank called with a claim once more, which it has refused or of
// which it has said that it is paid.
func (r *Registry) CallAgain(ctx context.Context, n tolem.ClaimNumber) error {
	return r.db.Update(ctx, func(tx *store.Tx) error {
		steps, err := tx.ClaimSteps(n)
		if err != nil {
			return err
		}
		if standing := tolem.StandingOf(steps); len(steps) == 0 || standing.Settled() {
			return fmt.Errorf("%s is %s: %w", n, standing.State, ErrClaimState)
		}
		before, err := tx.ClaimCall(n)
		if err != nil {
			return err
		}
		now := before
		now.Outcome, now.Tried, now.CallAt = "", 0, tx.Now()
		return tx.ChangeClaimCall(before, now)
	})
}

// Paid stores that money for a claim has come to the operator's account; the
// claim is paid when all of it has.
func (r *Registry) Paid(ctx context.Context, n tolem.ClaimNumber, amount tolem.Money, reference, who string) (standing tolem.ClaimStanding, err error) {
	err = r.db.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Claim(n)
		if err != nil {
			return err
		}
		steps, err := tx.ClaimSteps(n)
		if err != nil {
			return err
		}
		before := tolem.StandingOf(steps)
		state := before.State
		switch paid := before.Paid + amount.Minor; {
		case amount.Minor <= 0 || amount.Currency != c.Amount.Currency || paid > c.Amount.Minor:
			return fmt.Errorf("%s to %s of %s: %w", amount, n, c.Amount, ErrOverpaid)
		case !before.State.MayBecome(tolem.ClaimPaid):
			return fmt.Errorf("%s is %s: %w", n, before.State, ErrClaimState)
		case paid == c.Amount.Minor:
			state = tolem.ClaimPaid
		}
		s := tolem.ClaimStep{State: state, Who: who, Paid: amount.Minor, Note: reference, At: tx.Now()}
		standing = tolem.StandingOf(append(slices.Clone(steps), s))
		return errors.Join(tx.AddClaimStep(n, len(steps), s), r.keepStep(tx, n, s))
	})
	return standing, err
}

// Withdraw takes a claim back.
func (r *Registry) Withdraw(ctx context.Context, n tolem.ClaimNumber, reason, who string) (standing tolem.ClaimStanding, err error) {
	err = r.db.Update(ctx, func(tx *store.Tx) error {
		s := tolem.ClaimStep{State: tolem.ClaimWithdrawn, Who: who, Note: reason, At: tx.Now()}
		if standing, err = step(tx, n, s); err != nil {
			return err
		}
		return r.keepStep(tx, n, s)
	})
	return standing, err
}

// step stores a change of state, if it is one that may happen.
func step(tx *store.Tx, n tolem.ClaimNumber, s tolem.ClaimStep) (tolem.ClaimStanding, error) {
	steps, err := tx.ClaimSteps(n)
	if err != nil {
		return tolem.ClaimStanding{}, err
	}
	before := tolem.StandingOf(steps)
	if len(steps) == 0 || !before.State.MayBecome(s.State) {
		return before, fmt.Errorf("%s is %s: %w", n, before.State, ErrClaimState)
	}
	return tolem.StandingOf(append(steps, s)), tx.AddClaimStep(n, len(steps), s)
}

// keepStep keeps as evidence what the operator did, or a bank answered when it
// was called. What a bank says unasked is in its message.
func (r *Registry) keepStep(tx *store.Tx, n tolem.ClaimNumber, s tolem.ClaimStep) error {
	return r.evidence.Add(tx, archive.Record{
		ID: archive.NewMessageID(tx.Now()), Direction: archive.Internal, At: tx.Now(), Raw: stepDocument(n, s),
	})
}

func stepDocument(n tolem.ClaimNumber, s tolem.ClaimStep) []byte {
	var b c14n.Builder
	b.Root("claimStep", ClaimNamespace)
	b.Text("number", string(n))
	b.Text("state", string(s.State))
	b.Text("by", s.Who)
	if s.Paid != 0 {
		b.Text("paid", tolem.Money{Minor: s.Paid}.Decimal())
	}
	b.Text("note", s.Note)
	b.Time("at", s.At)
	b.Close("claimStep")
	return b.Bytes
}
