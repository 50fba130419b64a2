package tolem

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// PaymentID names a payment that was started on the payment page. A payment
// from a bank account has no code until the bank has answered (GW-P33).
type PaymentID string

// AttemptID names one attempt to pay, for ever and for the bank too: asking the
// bank about it is safe as often as needed.
type AttemptID string

// Method is how the money is to move.
type Method string

// The methods of the payment page.
const (
	MethodCard    Method = "CARD"
	MethodAccount Method = "ACCOUNT"
)

// AttemptState is how an attempt stands (card-acquiring.md, section 6).
type AttemptState string

// The states of an attempt.
const (
	AttemptRedirected AttemptState = "REDIRECTED"   // the payer has come, nothing is entered
	AttemptEntered    AttemptState = "CARD_ENTERED" // entered and confirmed, not yet sent
	AttemptSent       AttemptState = "SENT"         // on its way to the bank
	AttemptUnknown    AttemptState = "UNKNOWN"      // the bank did not answer: it is asked until it does
	AttemptApproved   AttemptState = "APPROVED"
	AttemptRefused    AttemptState = "REFUSED"
	AttemptAbandoned  AttemptState = "ABANDONED" // by the payer, or because nothing came for too long
	AttemptReversed   AttemptState = "REVERSED"  // approved, and the money went back
)

// AttemptStates lists every state.
var AttemptStates = []AttemptState{
	AttemptRedirected, AttemptEntered, AttemptSent, AttemptUnknown, AttemptApproved, AttemptRefused, AttemptAbandoned, AttemptReversed,
}

// attemptMoves is the whole table: what may follow a state. Silence of the bank
// is never success, and what is over stays over.
var attemptMoves = map[AttemptState][]AttemptState{
	AttemptRedirected: {AttemptEntered, AttemptAbandoned},
	AttemptEntered:    {AttemptSent, AttemptAbandoned},
	AttemptSent:       {AttemptApproved, AttemptRefused, AttemptUnknown},
	AttemptUnknown:    {AttemptApproved, AttemptRefused},
	AttemptApproved:   {AttemptReversed},
	AttemptRefused:    {},
	AttemptAbandoned:  {},
	AttemptReversed:   {},
}

// MayBecome reports whether an attempt in this state may come into another.
func (s AttemptState) MayBecome(next AttemptState) bool {
	return slices.Contains(attemptMoves[s], next)
}

// Open reports whether money may still move: no other attempt may begin.
func (s AttemptState) Open() bool {
	return s == AttemptEntered || s == AttemptSent || s == AttemptUnknown || s == AttemptApproved
}

// Decided reports whether the bank has spoken, or need not.
func (s AttemptState) Decided() bool {
	return !s.Open() && s != AttemptRedirected || s == AttemptApproved
}

// RefusalReason is why an attempt came to nothing, as the payer is told: a fixed
// list, for the bank's own words may name what the payer must not read or
// cannot understand (ACQ-P10).
type RefusalReason string

// The reasons.
const (
	RefusedInsufficient RefusalReason = "INSUFFICIENT_FUNDS"
	RefusedLimit        RefusalReason = "LIMIT_EXCEEDED"
	RefusedCard         RefusalReason = "CARD_NOT_ACCEPTED" // unknown, blocked, of a kind that cannot pay here
	RefusedExpiredCard  RefusalReason = "CARD_EXPIRED"
	RefusedCVC          RefusalReason = "WRONG_CVC"
	RefusedAccount      RefusalReason = "WRONG_ACCOUNT"
	RefusedHolder       RefusalReason = "WRONG_HOLDER"
	RefusedByRules      RefusalReason = "NOT_PERMITTED" // the bank's rules, without more
	RefusedTechnical    RefusalReason = "BANK_PROBLEM"  // the bank could not do it; no money moved
)

// RefusalReasons lists every reason.
var RefusalReasons = []RefusalReason{
	RefusedInsufficient, RefusedLimit, RefusedCard, RefusedExpiredCard, RefusedCVC, RefusedAccount, RefusedHolder, RefusedByRules, RefusedTechnical,
}

// ParseRefusalReason returns the reason named by s. What is not on the list is
// NOT_PERMITTED to the payer.
func ParseRefusalReason(s string) RefusalReason {
	if r := RefusalReason(s); slices.Contains(RefusalReasons, r) {
		return r
	}
	return RefusedByRules
}

// Attempt is one attempt to pay. It never holds a card number: only what may be
// shown of one (GW-P31).
type Attempt struct {
	ID      AttemptID
	Payment PaymentID
	Number  int        // of the payment's attempts, from 1
	Code    CodeNumber // zero until a payment from an account has succeeded
	Method  Method
	Bank    ParticipantID
	Amount  Money
	Masked  string // first six and last four digits of the card, or the end of the account
	State   AttemptState
	Version int64

	Reason   RefusalReason // of a refusal
	BankCode string        // the bank's own code and words, for log and merchant only
	BankText string
	BankRef  BankRef
	PaidAt   time.Time // as the bank says

	StartedAt, DecidedAt time.Time
	AskAt                time.Time // when the bank is asked next; zero: not at all
	Asked                int       // how many of its answers, or silences, decided nothing

	// ReverseBy is set while the money is to go back: who at the gateway operator
	// wants it, and why. The bank is asked to until it has said yes or no.
	ReverseBy, ReverseWhy string
}

// ErrAttemptMove reports a change that the table does not know.
var ErrAttemptMove = errors.New("an attempt cannot go there")

// Become returns the attempt in its next state. An attempt that is over takes
// nothing any more: the bank's late word on it changes nothing.
func (a Attempt) Become(next AttemptState, now time.Time) (Attempt, error) {
	if !a.State.MayBecome(next) {
		return a, fmt.Errorf("%s from %s to %s: %w", a.ID, a.State, next, ErrAttemptMove)
	}
	a.State = next
	a.Version++
	if next.Decided() {
		a.DecidedAt, a.AskAt = now, time.Time{}
	}
	return a, nil
}
