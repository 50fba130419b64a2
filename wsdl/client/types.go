package client

import (
	"time"

	"tolem"
)

// CodeRequest asks for a payment code.
type CodeRequest struct {
	Service       tolem.ServiceCode
	Provider      tolem.ProviderID
	Recipient     tolem.IIN
	RecipientName string // optional
	Amount        tolem.Money
	Channel       tolem.Channel
	RequestNo     tolem.RequestNo // optional
}

// IssuedCode is a new payment code.
type IssuedCode struct {
	Answer
	Code                tolem.CodeNumber
	IssuedAt, ExpiresAt time.Time
}

// Payment notifies that a code was paid.
type Payment struct {
	Code          tolem.CodeNumber
	Bank          tolem.ParticipantID
	BankRef       tolem.BankRef
	Amount        tolem.Money
	PaidAt        time.Time
	Channel       tolem.Channel
	Recipient     tolem.IIN
	RecipientName string // optional
	Service       tolem.ServiceCode
	Provider      tolem.ProviderID
	Account       string
}

// RecordedPayment says that a payment is recorded durably.
type RecordedPayment struct {
	Answer
	Code       tolem.CodeNumber
	ReceivedAt time.Time
	State      tolem.State
	Late       bool // the code had expired or been cancelled; the payment counts
}

// Validation shows a code for a service: on the portal with RequestNo,
// Recipient and Service, for a service centre with Centre and Operator.
type Validation struct {
	Code      tolem.CodeNumber
	RequestNo tolem.RequestNo
	Recipient tolem.IIN
	Service   tolem.ServiceCode
	Centre    string
	Operator  string
}

// ValidCode is a code that is paid and not used.
type ValidCode struct {
	Answer
	Code          tolem.CodeNumber
	State         tolem.State
	Recipient     tolem.IIN
	RecipientName string // "" if not known
	Service       tolem.ServiceCode
	Amount        tolem.Money
	PaidAt        time.Time
	BoundTo       tolem.RequestNo // "" if bound to none
}

// Closing confirms that the service of a code was obtained.
type Closing struct {
	Code      tolem.CodeNumber
	ID        tolem.CloseID
	RequestNo tolem.RequestNo // the order the code is bound to; "" at a service centre
	Centre    string
	Operator  string
}

// ClosedCode is a code whose use is recorded.
type ClosedCode struct {
	Answer
	Code     tolem.CodeNumber
	State    tolem.State
	ClosedAt time.Time
}

// CancelledCode is a code that can no longer be paid in the ordinary way.
type CancelledCode struct {
	Answer
	Code        tolem.CodeNumber
	State       tolem.State
	CancelledAt time.Time
}

// PaymentState is what the gateway knows of a code and its payment. Times and
// texts that do not apply are zero.
type PaymentState struct {
	Answer
	Code                                              tolem.CodeNumber
	State                                             tolem.State
	Service                                           tolem.ServiceCode
	Provider                                          tolem.ProviderID
	Amount                                            tolem.Money
	Channel                                           tolem.Channel // may be one that is newer than this package
	IssuedAt, ExpiresAt, PaidAt, ReceivedAt, ClosedAt time.Time
	Bank                                              tolem.ParticipantID
	BankRef                                           tolem.BankRef
	Late                                              bool
	BoundTo                                           tolem.RequestNo
}

// Receipt is the e-receipt of a payment: an XML document with the gateway's
// enveloped signature.
type Receipt struct {
	Answer
	Code     tolem.CodeNumber
	Document []byte
}

// Service is a service that can be prepaid.
type Service struct {
	tolem.Service
	ProviderNames tolem.Names
}

// Services is what can be prepaid.
type Services struct {
	Answer
	Services []Service
}

// Outcome is what became of an earlier request.
type Outcome struct {
	Answer
	Operation  tolem.Operation
	Result     tolem.ResultCode // of the earlier request
	AnsweredAt time.Time
	Signed     []byte // the signed answer to the earlier request, byte for byte; its signature is whole
}

// Answer is common to all results.
type Answer struct {
	RequestID tolem.RequestID
	Text      string // the gateway's sentence
}
