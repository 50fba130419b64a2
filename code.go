package tolem

import (
	"fmt"
	"slices"
	"time"
)

// State is the state of a payment code (spec section 6).
type State uint8

// The states. StateUnknown is the column of the state table for a number that
// was never issued; no stored code is in it.
const (
	StateUnknown State = iota
	StateIssued
	StatePaid
	StateClosed
	StateExpired
	StateCancelled
	StateRefunded

	stateCount
)

var stateNames = [stateCount]string{"UNKNOWN", "ISSUED", "PAID", "CLOSED", "EXPIRED", "CANCELLED", "REFUNDED"}

// String returns the name of the state as it stands on the wire.
func (s State) String() string {
	if s < stateCount {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// ParseState returns the state named by s.
func ParseState(s string) (State, error) {
	if i := slices.Index(stateNames[:], s); i > 0 {
		return State(i), nil
	}
	return StateUnknown, fmt.Errorf("unknown state %.32q", s)
}

// Event is something that happens to a payment code.
type Event uint8

// The events. Their numbers are stored: new ones are added at the end. Those with a qualified name are told apart before the table is
// asked: by comparing a notification with the code and with the payment that
// was accepted for it, a validation with the code.
const (
	EventIssue           Event = iota
	EventNotify                // a notification that fits the code
	EventNotifyAgain           // the accepted notification once more
	EventNotifyDiffering       // other amount, recipient, service or provider than issued
	EventNotifyForeign         // from a bank that has nothing to do with the code
	EventValidate              // for the recipient and service of the code
	EventValidateIIN           // for another recipient
	EventValidateService       // for another service
	EventClose                 // by the bound request number, or at a service centre
	EventCloseUnbound          // by a request number the code is not bound to
	EventCloseAgain            // the accepted closing once more
	EventCancel                // by the requester
	EventCancelForeign         // by another participant
	EventRefund                // by the gateway operator
	EventExpire                // by the clock
	EventCall                  // the gateway calls a bank for the code (GW-P14)
	EventDebit                 // a bank took the money from an account (T2)

	eventCount
)

var eventNames = [eventCount]string{
	"issue", "notify", "notify-again", "notify-differing", "notify-foreign", "validate", "validate-iin", "validate-service",
	"close", "close-unbound", "close-again", "cancel", "cancel-foreign", "refund", "expire", "call", "debit",
}

// String returns the name of the event as it stands in a code's history.
func (e Event) String() string {
	if e < eventCount {
		return eventNames[e]
	}
	return fmt.Sprintf("Event(%d)", uint8(e))
}

// Cell is one cell of the state table: the state after the event, the result
// to answer, and whether the event is listed as a discrepancy for
// reconciliation.
type Cell struct {
	To          State
	Result      ResultCode
	Discrepancy bool
}

func stay(result ResultCode) Cell { return Cell{Result: result} }
func list(result ResultCode) Cell { return Cell{Result: result, Discrepancy: true} }
func to(state State) Cell         { return Cell{To: state, Result: OK} }

// table is section 6 of the spec, every pair of event and state. A cell
// without To leaves the state as it is.
var table = [eventCount][stateCount]Cell{
	//                     unknown            ISSUED               PAID                     CLOSED                  EXPIRED            CANCELLED             REFUNDED
	EventIssue:           {to(StateIssued), stay(Internal), stay(Internal), stay(Internal), stay(Internal), stay(Internal), stay(Internal)},
	EventNotify:          {list(UnknownCode), to(StatePaid), list(DuplicatePayment), list(DuplicatePayment), to(StatePaid), to(StatePaid), list(DuplicatePayment)},
	EventNotifyAgain:     {list(UnknownCode), stay(Internal), stay(OK), stay(OK), stay(Internal), stay(Internal), stay(OK)},
	EventNotifyDiffering: {list(UnknownCode), list(Mismatch), list(DuplicatePayment), list(DuplicatePayment), list(Mismatch), list(Mismatch), list(DuplicatePayment)},
	EventNotifyForeign:   {list(UnknownCode), list(WrongBank), list(WrongBank), list(WrongBank), list(WrongBank), list(WrongBank), list(WrongBank)},
	EventValidate:        {stay(UnknownCode), stay(NotPaid), stay(OK), stay(AlreadyUsed), stay(Expired), stay(Cancelled), stay(Refunded)},
	EventValidateIIN:     {stay(UnknownCode), stay(NotPaid), stay(IINMismatch), stay(AlreadyUsed), stay(Expired), stay(Cancelled), stay(Refunded)},
	EventValidateService: {stay(UnknownCode), stay(NotPaid), stay(ServiceMismatch), stay(AlreadyUsed), stay(Expired), stay(Cancelled), stay(Refunded)},
	EventClose:           {stay(UnknownCode), stay(NotPaid), to(StateClosed), stay(AlreadyUsed), stay(Expired), stay(Cancelled), stay(Refunded)},
	EventCloseUnbound:    {stay(UnknownCode), stay(NotPaid), stay(BoundToOtherRequest), stay(AlreadyUsed), stay(Expired), stay(Cancelled), stay(Refunded)},
	EventCloseAgain:      {stay(UnknownCode), stay(Internal), stay(Internal), stay(OK), stay(Internal), stay(Internal), stay(Internal)},
	EventCancel:          {stay(UnknownCode), to(StateCancelled), stay(AlreadyPaid), stay(AlreadyUsed), stay(OK), stay(OK), stay(Refunded)},
	EventCancelForeign:   {stay(UnknownCode), stay(NotOwner), stay(NotOwner), stay(NotOwner), stay(NotOwner), stay(NotOwner), stay(NotOwner)},
	EventRefund:          {stay(UnknownCode), stay(NotPaid), to(StateRefunded), stay(AlreadyUsed), stay(Expired), stay(Cancelled), stay(OK)},
	EventExpire:          {stay(UnknownCode), to(StateExpired), stay(OK), stay(OK), stay(OK), stay(OK), stay(OK)},
	EventCall:            {stay(UnknownCode), to(StateIssued), stay(AlreadyPaid), stay(AlreadyUsed), stay(Expired), stay(Cancelled), stay(Refunded)},
	EventDebit:           {to(StatePaid), stay(Internal), stay(Internal), stay(Internal), stay(Internal), stay(Internal), stay(Internal)},
}

// CellOf returns the cell of the state table for an event in a state. Internal
// as a result marks a pair that cannot come about.
func CellOf(event Event, state State) Cell {
	cell := table[event][state]
	if cell.To == StateUnknown {
		cell.To = state
	}
	return cell
}

// Code is a payment code: one operation, bound at issue to one recipient, one
// service, one amount and one channel (GW-P11).
type Code struct {
	Number  CodeNumber
	Version int64 // counts the changes; a change names the version it saw
	State   State

	Service       ServiceCode
	Provider      ProviderID
	Amount        Money
	Channel       Channel
	Recipient     IIN
	RecipientName string // optional (GW-P22)

	Requester ParticipantID // who asked for the code and may cancel it (GW-P13)
	Bank      ParticipantID // who may notify its payment (GW-P14); empty: no bank was called yet
	RequestNo RequestNo     // the portal's, given at issue; optional
	Bound     RequestNo     // the order the code is bound to by its last validation (GW-P18)
	Late      bool          // paid after it had expired or was cancelled (GW-P17)

	IssuedAt, ExpiresAt       time.Time
	PaidAt                    time.Time // as the bank says
	ClosedAt, CancelledAt     time.Time
	ClosedBy                  ParticipantID
	CloseID                   CloseID
	ClosedCentre, ClosedByWho string // service centre and its operator, as the portal names them (N34)
}

// Step is one line in the history of a code.
type Step struct {
	Event    Event
	From, To State
	At       time.Time
	By       ParticipantID // empty: the gateway itself
}

// Decision is what the state machine makes of an event: the result to answer,
// the code afterwards and the steps that led there. Without steps nothing is
// to be stored of the code.
type Decision struct {
	Result      ResultCode
	Discrepancy bool
	Code        Code
	Steps       []Step
}

// Changed reports whether the code is to be stored.
func (d Decision) Changed() bool { return len(d.Steps) > 0 }

// decide looks the event up in the table for the code as it stands at the
// given time. A code whose term has run out is EXPIRED whether or not the
// timer has come by; a change made then records both steps.
func (c Code) decide(event Event, by ParticipantID, now time.Time) Decision {
	var steps []Step
	if c.due(now) {
		steps = append(steps, Step{Event: EventExpire, From: c.State, To: StateExpired, At: c.ExpiresAt})
		c.State = StateExpired
	}
	cell := CellOf(event, c.State)
	d := Decision{Result: cell.Result, Discrepancy: cell.Discrepancy, Code: c}
	if cell.To != c.State {
		d.Steps = append(steps, Step{Event: event, From: c.State, To: cell.To, At: now, By: by})
		d.Code.State = cell.To
		d.Code.Version++
	}
	return d
}

func (c Code) due(now time.Time) bool { return c.State == StateIssued && !now.Before(c.ExpiresAt) }

// At returns the code as it is to be shown at the given time: ISSUED becomes
// EXPIRED when the term has run out.
func (c Code) At(now time.Time) Code {
	if c.due(now) {
		c.State = StateExpired
	}
	return c
}

// Notify decides on a bank's notification of payment. Accepted is the payment
// that was accepted for the code before, nil if none was (GW-P14 to GW-P17).
func (c Code) Notify(p Payment, accepted *Payment, now time.Time) Decision {
	event := EventNotify
	switch {
	case c.Bank != p.Bank:
		event = EventNotifyForeign
	case accepted != nil && p.SameAs(*accepted):
		event = EventNotifyAgain
	case !p.Fits(c):
		event = EventNotifyDiffering
	}
	d := c.decide(event, p.NotifiedBy, now)
	if d.Changed() {
		d.Code.PaidAt = p.PaidAt
		d.Code.Late = d.Steps[len(d.Steps)-1].From != StateIssued
		if d.Code.RecipientName == "" {
			d.Code.RecipientName = p.RecipientName
		}
	}
	return d
}

// Presentation is a code shown for a service: on the portal with the number of
// an order, the recipient and the service, or at a service centre with what
// the operator knows (reading note N32).
type Presentation struct {
	RequestNo RequestNo   // empty at a service centre
	Recipient IIN         // empty if not sent
	Service   ServiceCode // empty if not sent
	By        ParticipantID
}

// Validate decides whether the service is prepaid. It never closes a code;
// with a request number it binds the code to it (GW-P18).
func (c Code) Validate(p Presentation, now time.Time) Decision {
	event := EventValidate
	switch {
	case p.Recipient != "" && p.Recipient != c.Recipient:
		event = EventValidateIIN
	case p.Service != "" && p.Service != c.Service:
		event = EventValidateService
	}
	d := c.decide(event, p.By, now)
	if d.Result == OK && p.RequestNo != "" && p.RequestNo != c.Bound {
		d.Code.Bound = p.RequestNo
		d.Code.Version++
		d.Steps = append(d.Steps, Step{Event: event, From: c.State, To: c.State, At: now, By: p.By})
	}
	return d
}

// Closing is the confirmation that the service of a code was given.
type Closing struct {
	ID        CloseID
	RequestNo RequestNo // empty at a service centre
	Centre    string    // empty on the portal
	Operator  string
	By        ParticipantID
}

// Close decides on the closing of a code (GW-P19, GW-P20).
func (c Code) Close(cl Closing, now time.Time) Decision {
	event := EventClose
	switch {
	case c.State == StateClosed && c.CloseID == cl.ID && c.ClosedBy == cl.By:
		event = EventCloseAgain
	case cl.RequestNo != "" && cl.RequestNo != c.Bound:
		event = EventCloseUnbound
	}
	d := c.decide(event, cl.By, now)
	if d.Changed() {
		d.Code.ClosedAt, d.Code.CloseID, d.Code.ClosedBy = now, cl.ID, cl.By
		d.Code.ClosedCentre, d.Code.ClosedByWho = cl.Centre, cl.Operator
	}
	return d
}

// Cancel decides on the cancellation of an unpaid code by its requester
// (GW-P13).
func (c Code) Cancel(by ParticipantID, now time.Time) Decision {
	event := EventCancel
	if by != c.Requester {
		event = EventCancelForeign
	}
	d := c.decide(event, by, now)
	if d.Changed() {
		d.Code.CancelledAt = now
	}
	return d
}

// Refund decides on the operator's mark that the money of a paid code was
// returned (GW-P39).
func (c Code) Refund(now time.Time) Decision { return c.decide(EventRefund, "", now) }

// Expire decides whether the term of an unpaid code has run out (GW-P12).
func (c Code) Expire(now time.Time) Decision {
	if !c.due(now) {
		return Decision{Result: OK, Code: c}
	}
	at := c.ExpiresAt
	step := Step{Event: EventExpire, From: c.State, To: StateExpired, At: at}
	c.State = StateExpired
	c.Version++
	return Decision{Result: OK, Code: c, Steps: []Step{step}}
}

// Issued is the decision that brings a code into being.
func Issued(c Code, now time.Time) Decision {
	c.State, c.Version, c.IssuedAt = StateIssued, 1, now
	return Decision{
		Result: OK, Code: c,
		Steps: []Step{{Event: EventIssue, From: StateUnknown, To: StateIssued, At: now, By: c.Requester}},
	}
}

// Call decides whether a bank may be called to pay the code by card. From then
// on this bank, and no other, may notify its payment (GW-P14).
func (c Code) Call(bank ParticipantID, now time.Time) Decision {
	d := c.decide(EventCall, "", now)
	if d.Result == OK && c.Bank != bank {
		d.Code.Bank = bank
		d.Code.Version++
		d.Steps = append(d.Steps, Step{Event: EventCall, From: c.State, To: c.State, At: now, By: bank})
	}
	return d
}

// Debited is the decision that brings a code into being which is paid already:
// of a payment from a bank account, once the bank has reported success (GW-072,
// GW-P33). The payment is the one that the bank reported.
func Debited(c Code, p Payment, now time.Time) Decision {
	c.State, c.Version, c.IssuedAt, c.ExpiresAt, c.PaidAt, c.Bank = StatePaid, 1, now, now, p.PaidAt, p.Bank
	return Decision{
		Result: OK, Code: c,
		Steps: []Step{{Event: EventDebit, From: StateUnknown, To: StatePaid, At: now, By: p.Bank}},
	}
}
