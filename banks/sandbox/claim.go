package sandbox

import (
	"time"

	"tolem"
)

// The states of claims, besides REFUSED and PENDING.
const (
	Accepted State = "ACCEPTED"
	Paid     State = "PAID"
)

// payClaim pays a claim, once, and says how it stands. Of the Table nothing
// applies: what a day comes to is nobody's choice.
func (b *Bank) payClaim(q request) (e Entry, result string, how Behaviour, err error) {
	b.book.mu.Lock()
	defer b.book.mu.Unlock()
	now := b.config.Clock()
	e, known := b.book.claims[q.claim]
	how = b.script.pick(q, !known)
	switch {
	case how.Effect == EffectNothing && !known:
		return e, string(Pending), how, nil
	case !known:
		e = Entry{Claim: q.claim, Minor: q.amount.Minor, Currency: q.amount.Currency, At: now, Behaviour: how.String()}
		e = b.beginClaim(e, how, now)
	case e.Amount() != q.amount:
		return e, resultMismatch, how, nil
	case e.State == Pending, e.State == Accepted:
		e = b.decideClaim(e, now)
	default:
		return e, string(e.State), how, nil
	}
	return e, string(e.State), how, b.book.put(e)
}

func (b *Bank) beginClaim(e Entry, how Behaviour, now time.Time) Entry {
	switch how.Effect {
	case EffectRefuse:
		return e.refused(how.Reason, "R-"+string(how.Reason), "refused by rule of the sandbox")
	case EffectError:
		return e.refused(tolem.RefusedTechnical, how.Code, how.Text)
	case EffectPending, EffectPendingRefuse:
		e.State = Pending
		return e
	case EffectAccept:
		e.State = Accepted
		return e
	}
	return b.pay(e, now)
}

func (b *Bank) decideClaim(e Entry, now time.Time) Entry {
	how, err := ParseBehaviour(e.Behaviour)
	if err == nil && how.Effect == EffectPendingRefuse {
		return e.refused(how.Reason, "R-"+string(how.Reason), "refused after a while")
	}
	return b.pay(e, now)
}

// pay sends the money.
func (b *Bank) pay(e Entry, now time.Time) Entry {
	e.State, e.PaidAt = Paid, now.UTC().Truncate(time.Microsecond)
	e.BankRef, _ = b.reference(string(e.Claim))
	return e
}

// Claim returns one claim.
func (b *Bank) Claim(n tolem.ClaimNumber) (Entry, bool) {
	b.book.mu.Lock()
	defer b.book.mu.Unlock()
	e, ok := b.book.claims[n]
	return e, ok
}
