package banks

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"tolem"
	"tolem/signing/trust"
)

// Connector calls a bank's system. The bank does what an attempt asks for once,
// so that every method may be repeated with the same attempt; what is repeated
// after ErrNoAnswer is Status, and nothing else. A Connector is safe for
// concurrent use.
//
// With every error, too, an Authorization comes back: its Evidence holds what
// was sent, if anything was, and everything else of it is to be ignored.
type Connector interface {
	// AuthorizeCard asks to take the money from a card (GW-083). The card lives
	// in the call only: nothing that comes back holds more of it than the mask.
	AuthorizeCard(ctx context.Context, o CardOrder) (Authorization, error)

	// DebitAccount asks to take the money from the payer's account (GW-099).
	DebitAccount(ctx context.Context, o AccountOrder) (Authorization, error)

	// Status asks how an attempt stands (GW-P34). UNKNOWN_ATTEMPT decides it: a
	// bank that has said so does not carry the attempt out afterwards. An
	// approval must still be compared with what was asked for: see Check.
	Status(ctx context.Context, attempt tolem.AttemptID) (Authorization, error)

	// Reverse undoes an attempt: what was approved goes back, what is pending or
	// unknown is never carried out. APPROVED as the outcome means that the bank
	// did not undo it.
	Reverse(ctx context.Context, attempt tolem.AttemptID, reason string) (Authorization, error)
}

// ClaimPayer is the part of a bank's system that pays the operator's claims
// (GW-185, GW-186). What implements Connector implements it too.
type ClaimPayer interface {
	// PayClaim presents a claim and asks how it stands: ACCEPTED, PAID, REFUSED or
	// PENDING. The bank pays a claim of one number once, so the call is repeated
	// after ErrNoAnswer as after ErrNotSent.
	PayClaim(ctx context.Context, o ClaimOrder) (Authorization, error)
}

// Errors of a Connector. Each error wraps exactly one of the first two.
var (
	// ErrNotSent: certainly nothing reached the bank, so no money moved by this
	// call, and the payer may try again at once.
	ErrNotSent = errors.New("bank was not reached")
	// ErrNoAnswer: no answer came that can be believed. The bank may have done
	// it or not: ask Status, repeat nothing.
	ErrNoAnswer = errors.New("no answer of the bank")

	// ErrResting: the bank failed too often just now and is left alone for a
	// while. It comes with ErrNotSent.
	ErrResting = errors.New("bank is left alone for a while")
	// ErrBusy: too many calls wait for the bank. It comes with ErrNotSent.
	ErrBusy = errors.New("too many calls wait for the bank")
	// ErrOrder: a field that the contract requires is missing or cannot be
	// written. It comes with ErrNotSent.
	ErrOrder = errors.New("order cannot be sent")
	// ErrAmount: the bank names another amount than was asked for. It comes with
	// ErrNoAnswer, as do the following.
	ErrAmount = errors.New("bank names another amount")
	// ErrOtherContent: the bank knows the attempt with another content.
	ErrOtherContent = errors.New("bank knows the attempt with another content")
	// ErrSigner: the answer is signed, but not by this bank.
	ErrSigner = errors.New("answer is not signed by the bank")
)

// Purchase is what both ways of paying have in common. Fields that are not
// known stay empty.
type Purchase struct {
	Recipient   tolem.IIN // who receives the service
	Service     tolem.ServiceCode
	Provider    tolem.ProviderID
	Account     string              // to which the money goes
	Merchant    tolem.ParticipantID // that sent the payer, with its order
	OrderNo     string
	Description string // for the payer's statement of account
}

// CardOrder asks to pay by card.
type CardOrder struct {
	Attempt tolem.AttemptID
	Code    tolem.CodeNumber // with it, recipient, service, provider and account are required; 0: a merchant's order without one
	Amount  tolem.Money
	Card    tolem.Card
	Purchase
}

// AccountOrder asks to pay from an account. It has no code yet (GW-P33).
type AccountOrder struct {
	Attempt tolem.AttemptID
	Payment tolem.PaymentID
	Amount  tolem.Money
	From    string // the payer's account
	Purchase
}

// ClaimOrder asks to pay a claim.
type ClaimOrder struct {
	tolem.Claim
	Account string        // of the operator, to which it is paid
	BankRef tolem.BankRef // of the payment, if the claim is for one
}

// String keeps the account and the recipient out of what is printed.
func (o AccountOrder) String() string {
	return fmt.Sprintf("AccountOrder(%s, %s, %s)", o.Attempt, o.Amount, MaskAccount(o.From))
}

// Format does as String does for every verb.
func (o AccountOrder) Format(f fmt.State, _ rune) { fmt.Fprint(f, o.String()) }

// String keeps the card out of what is printed.
func (o CardOrder) String() string {
	return fmt.Sprintf("CardOrder(%s, %s, %s)", o.Attempt, o.Amount, o.Card)
}

// Format does as String does for every verb.
func (o CardOrder) Format(f fmt.State, _ rune) { fmt.Fprint(f, o.String()) }

// MaskAccount is what may be shown of an account: its end.
func MaskAccount(account string) string {
	if len(account) < 8 {
		return "****"
	}
	return "****" + account[len(account)-4:]
}

// Outcome is how an attempt, or a claim, stands at the bank.
type Outcome string

// The outcomes.
const (
	Approved       Outcome = "APPROVED"
	Refused        Outcome = "REFUSED"
	Pending        Outcome = "PENDING" // not decided yet: ask again
	UnknownAttempt Outcome = "UNKNOWN_ATTEMPT"
	Reversed       Outcome = "REVERSED"

	// Of claims, besides REFUSED and PENDING.
	Accepted Outcome = "ACCEPTED" // the bank will pay
	Paid     Outcome = "PAID"     // the bank has sent the money, with BankRef, PaidAt and Amount
)

// Decided reports whether the outcome will not change by waiting.
func (o Outcome) Decided() bool { return o != "" && o != Pending }

// Authorization is a bank's signed answer.
type Authorization struct {
	Outcome  Outcome
	Reason   tolem.RefusalReason // of a refusal; never empty then
	BankCode string              // the bank's own code and words: for log and merchant, not for the payer (ACQ-P10)
	BankText string
	BankRef  tolem.BankRef // of an approval, with PaidAt and Amount (GW-102)
	AuthCode string
	PaidAt   time.Time
	Amount   tolem.Money // as the bank has it; zero if it says none

	Evidence Evidence
}

// Check reports ErrAmount if the bank approved or paid another amount than was
// asked for. AuthorizeCard, DebitAccount and PayClaim have checked it; who asks Status knows
// the amount himself.
func (a Authorization) Check(asked tolem.Money) error {
	if (a.Outcome == Approved || a.Outcome == Reversed || a.Outcome == Paid) && a.Amount != asked {
		return fmt.Errorf("%w: %w: %s, not %s", ErrNoAnswer, ErrAmount, a.Amount, asked)
	}
	return nil
}

// Evidence is what is kept of one call.
//
// Of a call with card data, Request is the message with the content of its card
// element cut down to the mask, and RequestHash is of the message as it was
// sent. Neither the hash nor the digests inside the signature give the card
// away: the element that was cut out held 32 random bytes too. Whoever has the
// original, which is the bank, can show that it is the one.
type Evidence struct {
	Operation   tolem.Operation
	RequestID   tolem.RequestID
	Request     []byte // nil: nothing was sent
	RequestHash [sha256.Size]byte
	Redacted    bool // Request is not what was sent, byte for byte
	SentAt      time.Time

	// Answer is nil if none came that the bank had signed: what nobody has
	// signed proves nothing. A bank that repeats card data in its answer has
	// them cut out there too; AnswerRedacted says so and AnswerHash is of the
	// answer as it came.
	Answer         []byte
	AnswerHash     [sha256.Size]byte
	AnswerRedacted bool
	AnsweredAt     time.Time
	Certificate    *x509.Certificate // that signed the answer
	Trust          trust.Proof
}
