package sandbox

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"tolem"
)

// Effect is what the bank does with an order.
type Effect string

// The effects. Those with a reason are written refuse:REASON, error:CODE:TEXT
// and pending-refuse:REASON.
const (
	EffectApprove       Effect = "approve"
	EffectFinal         Effect = "approve-final" // and will not undo it
	EffectRefuse        Effect = "refuse"
	EffectError         Effect = "error"          // of the bank itself, with a code and words of its own
	EffectPending       Effect = "pending"        // approves when it is asked
	EffectPendingRefuse Effect = "pending-refuse" // refuses when it is asked
	EffectNothing       Effect = "nothing"        // as if the message had never come
	EffectAccept        Effect = "accept"         // of a claim: will pay, and has when it is asked again
)

// Manner is how it answers, to whatever operation.
type Manner string

// The manners.
const (
	MannerWell         Manner = "well"
	MannerTimeOut      Manner = "time-out"      // never
	MannerLost         Manner = "lost"          // the connection breaks
	MannerLate         Manner = "late"          // after Config.Late
	MannerDuplicate    Manner = "duplicate"     // the same answer twice in one
	MannerWrongAmount  Manner = "wrong-amount"  // one minor unit more
	MannerBadSignature Manner = "bad-signature" // altered after it was signed
	MannerRevoked      Manner = "revoked"       // signed with Config.Revoked
	MannerStranger     Manner = "stranger"      // signed with Config.Stranger
	MannerOtherRequest Manner = "other-request" // for another request
	MannerGarbage      Manner = "garbage"       // a page for people
)

// Notify is how it notifies the gateway of a payment by card.
type Notify string

// The ways to notify.
const (
	NotifyWell        Notify = "notify"
	NotifyNever       Notify = "notify-never"
	NotifyLate        Notify = "notify-late" // after Config.NotifyLate
	NotifyTwice       Notify = "notify-twice"
	NotifyWrongAmount Notify = "notify-wrong-amount" // one minor unit more
)

var (
	effects = []Effect{EffectApprove, EffectFinal, EffectRefuse, EffectError, EffectPending, EffectPendingRefuse, EffectNothing, EffectAccept}
	manners = []Manner{MannerWell, MannerTimeOut, MannerLost, MannerLate, MannerDuplicate, MannerWrongAmount, MannerBadSignature,
		MannerRevoked, MannerStranger, MannerOtherRequest, MannerGarbage}
	notifies = []Notify{NotifyWell, NotifyNever, NotifyLate, NotifyTwice, NotifyWrongAmount}
)

// Behaviour is what the bank does with one request: parts joined by "; ", each
// optional, such as "refuse:CARD_EXPIRED; lost".
type Behaviour struct {
	Effect Effect
	Manner Manner
	Notify Notify

	Reason     tolem.RefusalReason // of refuse and pending-refuse
	Code, Text string              // of error
}

// ErrBehaviour reports a behaviour that is none.
var ErrBehaviour = errors.New("unknown behaviour")

// ParseBehaviour reads what String writes.
func ParseBehaviour(s string) (Behaviour, error) {
	b := Behaviour{Effect: EffectApprove, Manner: MannerWell, Notify: NotifyWell}
	for part := range strings.SplitSeq(s, ";") {
		part = strings.TrimSpace(part)
		name, argument, _ := strings.Cut(part, ":")
		switch {
		case slices.Contains(manners, Manner(part)):
			b.Manner = Manner(part)
		case slices.Contains(notifies, Notify(part)):
			b.Notify = Notify(part)
		case slices.Contains(effects, Effect(name)):
			b.Effect = Effect(name)
			if err := b.argument(argument); err != nil {
				return b, fmt.Errorf("%w: %q", ErrBehaviour, part)
			}
		default:
			return b, fmt.Errorf("%w: %q", ErrBehaviour, part)
		}
	}
	return b, nil
}

func (b *Behaviour) argument(s string) error {
	switch b.Effect {
	case EffectRefuse, EffectPendingRefuse:
		b.Reason = tolem.RefusalReason(s)
		if !slices.Contains(tolem.RefusalReasons, b.Reason) {
			return ErrBehaviour
		}
	case EffectError:
		b.Code, b.Text, _ = strings.Cut(s, ":")
		if b.Code == "" {
			return ErrBehaviour
		}
	default:
		if s != "" {
			return ErrBehaviour
		}
	}
	return nil
}

// String returns the behaviour as ParseBehaviour reads it.
func (b Behaviour) String() string {
	s := string(b.Effect)
	switch b.Effect {
	case EffectRefuse, EffectPendingRefuse:
		s += ":" + string(b.Reason)
	case EffectError:
		s += ":" + b.Code + ":" + b.Text
	}
	if b.Manner != MannerWell {
		s += "; " + string(b.Manner)
	}
	if b.Notify != NotifyWell {
		s += "; " + string(b.Notify)
	}
	return s
}

// Case is a row of the Table: an order with this number in its amount, its card
// or its account is treated like this, when it comes for the first time.
type Case struct {
	Number    int // 51 to 99
	Name      string
	Behaviour string
}

// Table is what orders ask for by themselves. Every other card, account and
// amount is approved and the payment notified at once.
var Table = []Case{
	{51, "insufficient funds", "refuse:INSUFFICIENT_FUNDS"},
	{52, "limit exceeded", "refuse:LIMIT_EXCEEDED"},
	{53, "card not accepted", "refuse:CARD_NOT_ACCEPTED"},
	{54, "card expired", "refuse:CARD_EXPIRED"},
	{55, "wrong security code", "refuse:WRONG_CVC"},
	{56, "wrong account", "refuse:WRONG_ACCOUNT"},
	{57, "wrong holder", "refuse:WRONG_HOLDER"},
	{58, "not permitted", "refuse:NOT_PERMITTED"},
	{59, "problem of the bank", "refuse:BANK_PROBLEM"},
	{60, "error code with description", "error:E-4711:core system is closed for the day"},
	{61, "time-out, nothing done", "nothing; time-out"},
	{62, "done, answer lost", "approve; lost"},
	{63, "not done, connection lost", "nothing; lost"},
	{64, "late answer", "approve; late"},
	{65, "duplicate answer", "approve; duplicate"},
	{66, "wrong amount in the answer", "approve; wrong-amount"},
	{67, "bad signature", "approve; bad-signature"},
	{68, "signed with a revoked certificate", "approve; revoked"},
	{69, "signed by another participant", "approve; stranger"},
	{70, "answer to another request", "approve; other-request"},
	{71, "page for people in place of an answer", "approve; garbage"},
	{72, "pending, then approved", "pending"},
	{73, "pending, then refused", "pending-refuse:INSUFFICIENT_FUNDS"},
	{74, "refused, answer lost", "refuse:INSUFFICIENT_FUNDS; lost"},
	{75, "done, time-out", "approve; time-out"},
	{76, "approved, cannot be reversed", "approve-final"},
	{81, "approved, never notified", "approve; notify-never"},
	{82, "approved, notified late", "approve; notify-late"},
	{83, "approved, notified twice", "approve; notify-twice"},
	{84, "approved, notified with another amount", "approve; notify-wrong-amount"},
	{85, "answer lost, never notified", "approve; lost; notify-never"},
}

// What cards and accounts of the Table begin with; the number and check digits
// follow.
const (
	cardPrefix    = "4000000000000"
	accountPrefix = "00000000000000" // after KZ and two check digits
)

// CaseNamed returns the row of that name. A name that is none is a mistake of
// the program that asks.
func CaseNamed(name string) Case {
	i := slices.IndexFunc(Table, func(c Case) bool { return c.Name == name })
	if i < 0 {
		panic("sandbox: no case " + name)
	}
	return Table[i]
}

// Card returns the card number that asks for the case.
func (c Case) Card() string {
	body := fmt.Sprintf("%s%02d", cardPrefix, c.Number)
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return fmt.Sprintf("%s%d", body, (10-sum%10)%10)
}

// Account returns the account that asks for the case: an IBAN of Kazakhstan
// with correct check digits.
func (c Case) Account() string {
	body := fmt.Sprintf("%s%02d", accountPrefix, c.Number)
	n, _ := new(big.Int).SetString(body+"203500", 10) // K is 20, Z is 35
	check := 98 - new(big.Int).Mod(n, big.NewInt(97)).Int64()
	return fmt.Sprintf("KZ%02d%s", check, body)
}

// Amount returns an amount that asks for the case, about as large as the one
// given.
func (c Case) Amount(about tolem.Money) tolem.Money {
	about.Minor = about.Minor/100*100 + int64(c.Number)
	return about
}

// index returns the Table by cards and accounts, and by the last digits of
// amounts.
func index() map[string]Behaviour {
	m := make(map[string]Behaviour)
	for _, c := range Table {
		how, err := ParseBehaviour(c.Behaviour)
		if err != nil {
			panic(err) // a mistake in the Table, which every test would find
		}
		m[c.Card()], m[c.Account()], m[digits(int64(c.Number))] = how, how, how
	}
	return m
}

// digits returns the last two digits of an amount.
func digits(minor int64) string { return fmt.Sprintf(".%02d", minor%100) }
