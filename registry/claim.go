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
		c, err := r.claim(ctx, tolem.Claim{
			Number: tolem.NewClaimNumber(bank, day, currency), Day: day, Bank: bank, Register: reg.Number, Count: sum.Count,
			Amount: tolem.Money{Minor: sum.Net(), Currency: currency}, DueAt: r.Calendar.End(r.Calendar.AddWorkdays(day, r.ClaimsDueAfter)),
		}, sum, reg.Hash)
		if err != nil {
			return nil, err
		}
		claims = append(claims, c)
	}
	return claims, nil
}

func (r *Registry) claim(ctx context.Context, c tolem.Claim, sum tolem.Sum, list [32]byte) (stored store.StoredClaim, err error) {
	document, err := r.signer.SignEnveloped(r.claimDocument(c, sum, list))
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

func (r *Registry) claimDocument(c tolem.Claim, sum tolem.Sum, list [32]byte) []byte {
	var b c14n.Builder
	b.Root("claim", ClaimNamespace)
	b.Text("number", string(c.Number))
	b.Text("operator", r.Operator)
	b.Text("operatorAccount", r.OperatorAccount)
	b.Text("bankId", string(c.Bank))
	b.Text("bankName", r.nameOf(tolem.Owner{Kind: tolem.BankRegister, ID: string(c.Bank)}))
	b.Text("day", c.Day.String())
	b.Text("registerNumber", string(c.Register))
	b.Base64("registerHash", list[:])
	b.Text("count", strconv.FormatInt(sum.Count, 10))
	b.Text("paid", tolem.Money{Minor: sum.Minor}.Decimal())
	b.Text("refundCount", strconv.FormatInt(sum.Back, 10))
	b.Text("refunded", tolem.Money{Minor: sum.Return}.Decimal())
	b.Text("amount", c.Amount.Decimal())
	b.Text("currency", string(c.Amount.Currency))
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

// keepStep keeps what the operator did as evidence; what a bank says is in its
// message.
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
