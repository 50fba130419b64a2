package tolem

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ReceiptNo numbers the receipts of a bank's desks from 1 on, without a gap. It
// names a payment within its bank.
type ReceiptNo int64

// maxReceiptNo bounds a receipt number to what fits on a receipt.
const maxReceiptNo = 9_999_999_999

// ErrBadReceiptNo reports text that is no receipt number.
var ErrBadReceiptNo = errors.New("a receipt number is 1 to 10 digits")

// ParseReceiptNo reads a number as it is typed or scanned: spaces and leading
// zeros do not matter.
func ParseReceiptNo(s string) (ReceiptNo, error) {
	s = strings.Join(strings.Fields(s), "")
	if s == "" || len(s) > 10 || strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, ErrBadReceiptNo
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n == 0 || n > maxReceiptNo {
		return 0, ErrBadReceiptNo
	}
	return ReceiptNo(n), nil
}

// String returns the number as it stands on receipts: ten digits.
func (n ReceiptNo) String() string { return fmt.Sprintf("%010d", int64(n)) }

// DeskStatus is how a payment taken at a bank's desk stands (operator-workplace.md, 7.1).
type DeskStatus string

// The states.
const (
	DeskPlanned   DeskStatus = "planned"
	DeskAwaiting  DeskStatus = "awaiting_cancellation"
	DeskCancelled DeskStatus = "cancelled"
	DeskSettled   DeskStatus = "settled" // it stands in the register of a sealed day
)

// DeskStatuses lists every state, in the order of a payment's life.
var DeskStatuses = []DeskStatus{DeskPlanned, DeskAwaiting, DeskCancelled, DeskSettled}

// ParseDeskStatus returns the state named by s.
func ParseDeskStatus(s string) (DeskStatus, error) {
	for _, status := range DeskStatuses {
		if string(status) == s {
			return status, nil
		}
	}
	return "", fmt.Errorf("unknown status %.32q", s)
}

// DeskEvent is what happens to a payment after it was taken.
type DeskEvent string

// The events, with their transitions in the specification.
const (
	DeskRequest DeskEvent = "request" // an operator asks for the cancellation (T2, T3)
	DeskReverse DeskEvent = "reverse" // it was taken off the SMART card (T4)
	DeskApprove DeskEvent = "approve" // the bank administrator approves (T5)
	DeskReject  DeskEvent = "reject"  // and does not (T6)
	DeskSettle  DeskEvent = "settle"  // its day is sealed (T7)
)

// DeskEvents lists every event.
var DeskEvents = []DeskEvent{DeskRequest, DeskReverse, DeskApprove, DeskReject, DeskSettle}

// deskTable is the whole of 7.1; what does not stand in it is refused.
var deskTable = map[DeskStatus]map[DeskEvent]DeskStatus{
	DeskPlanned:  {DeskRequest: DeskAwaiting, DeskReverse: DeskCancelled, DeskSettle: DeskSettled},
	DeskAwaiting: {DeskApprove: DeskCancelled, DeskReject: DeskPlanned},
}

// ErrDeskMove reports an event that cannot happen to a payment as it stands.
var ErrDeskMove = errors.New("that cannot happen to the payment as it stands")

// On returns the state after an event, or ErrDeskMove.
func (s DeskStatus) On(e DeskEvent) (DeskStatus, error) {
	next, ok := deskTable[s][e]
	if !ok {
		return s, fmt.Errorf("%s on %q: %w", e, s, ErrDeskMove)
	}
	return next, nil
}

// Counts reports whether the cash order counts the payment (WP-588).
func (s DeskStatus) Counts() bool { return s == DeskPlanned || s == DeskSettled }

// DeskPayment is a payment that an operator took at a bank's desk: a payment of
// the gateway with a payment code, and what the desk knows of it besides.
type DeskPayment struct {
	ID      PaymentID
	Bank    ParticipantID
	Receipt ReceiptNo
	Code    CodeNumber
	Basket  BasketID
	Line    LineID

	Branch ParticipantID
	By     PersonID
	Asan   bool // taken as ASAN operator (WP-581)

	Account  AccountID
	Service  ServiceCode
	Unit     UnitCode // of the organisation that receives it; empty: none
	AsanUnit UnitCode // empty: none
	Advance  bool
	Invoice  string
	Period   string
	Amount   Money
	Fee      Money
	At       time.Time
	Day      Day // in the calendar of the gateway

	Status      DeskStatus
	CancelledAt time.Time // “Ləğv tarixi”; zero: not cancelled
	Card        SmartCardNo
	CardWrite   CardWrite
	Version     int64

	Shown Shown
}

// Shown are the names that stand on a receipt, as they were when the payment was
// taken. Holder and Operator are personal.
type Shown struct {
	Bank, Branch       string
	Operator           string
	Organisation, Unit string
	ServiceCode        string
	Service            string
	AsanUnit           string
	Holder             string
}

// Total is what the customer paid: amount and fee.
func (p DeskPayment) Total() Money {
	return Money{Minor: p.Amount.Minor + p.Fee.Minor, Currency: p.Amount.Currency}
}

// Smart reports whether it is a SMART payment.
func (p DeskPayment) Smart() bool { return p.CardWrite != CardWriteNone }

// DeskCancellation is a request to cancel a payment and what became of it. A
// payment whose request was rejected may have another.
type DeskCancellation struct {
	Bank        ParticipantID
	Receipt     ReceiptNo
	Seq         int        // of the payment's requests, from 1
	Code        CodeNumber // of the payment
	RequestedBy PersonID
	RequestedAt time.Time
	DecidedBy   PersonID  // who took it off a card decided it too
	DecidedAt   time.Time // zero: it awaits a decision
	Approved    bool
	Reason      string // of a rejection
}
