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
	Branch        tolem.ParticipantID // optional: the branch that took the money
	Fee           tolem.Money         // optional: the bank's commission, in the currency of Amount
}

// RecordedPayment says that a payment is recorded durably.
type RecordedPayment struct {
	Answer
	Code       tolem.CodeNumber
	ReceivedAt time.Time
	State      tolem.State
	Late       bool                // the code had expired or been cancelled; the payment counts
	Branch     tolem.ParticipantID // in whose register it will stand; "" if in none
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
	Signed     []byte // the signed answer to the earlier request, byte for byte; its signature is whole; nil if it has more than 64 KiB
}

// Answer is common to all results.
type Answer struct {
	RequestID tolem.RequestID
	Text      string // the gateway's sentence
}

// RegisterQuery says which registers are listed. Zero fields do not narrow.
type RegisterQuery struct {
	From, To tolem.Day // both included
	Kind     tolem.RegisterKind
	Branch   tolem.ParticipantID
	After    tolem.RegisterNumber // Next of an earlier list
}

// Register is a register without its rows. Totals holds the totals by service
// and channel of a single register, unless it has more than 500 of them; those
// of a listed register have counts only.
type Register struct {
	tolem.Register
	Standing string // OPEN, ACKNOWLEDGED, REJECTED, FINAL, SUPERSEDED, or one that is newer than this package
	Sums     map[tolem.Currency]tolem.Sum
}

// RegisterList is a page of registers.
type RegisterList struct {
	Answer
	Registers []Register
	Next      tolem.RegisterNumber // "" if there are no more
}

// RegisterChoice names a register: by its number, or the newest revision of a
// kind and day; a bank that asks for one of a branch names the branch.
type RegisterChoice struct {
	Number tolem.RegisterNumber
	Kind   tolem.RegisterKind
	Day    tolem.Day
	Branch tolem.ParticipantID
}

// RegisterRows is a page of a register's rows.
type RegisterRows struct {
	Answer
	Register Register
	Rows     []tolem.RegisterRow
	NextLine int // 0 if there are no more
}

// RegisterPart is a part of a register's file.
type RegisterPart struct {
	Answer
	Register    Register
	FileName    string
	Size        int64 // of the whole file
	Part, Parts int
	Content     []byte
}

// AcknowledgedRegister says how a register stands after its owner's word.
type AcknowledgedRegister struct {
	Answer
	Number   tolem.RegisterNumber
	Standing string
	At       time.Time
}

// SubmittedList says what has come of a list.
type SubmittedList struct {
	Answer
	Number   tolem.ReconciliationNumber
	Register tolem.RegisterNumber // with which it is compared
	Received int                  // parts
	Parts    int
}

// Reconciliation is what the comparison of a list came to.
type Reconciliation struct {
	Number      tolem.ReconciliationNumber
	List        string // its id
	SubmittedBy tolem.ParticipantID
	SubmittedAt time.Time
	Day         tolem.Day
	Register    tolem.RegisterNumber
	MadeAt      time.Time
	Hash        [32]byte // of the report that was signed
	Refusal     string   // why the list could not be read; "" if it could
	Matched     int64    // rows that found each other
	Agreed      int64    // of those, without any anomaly
	Anomalies   int64
}

// Anomalies is a page of what a comparison found.
type Anomalies struct {
	Answer
	Reconciliation Reconciliation
	Anomalies      []tolem.Anomaly
	NextNo         int // 0 if there are no more
}

// ClaimQuery says which claims are listed. Zero fields do not narrow.
type ClaimQuery struct {
	From, To tolem.Day         // both included
	After    tolem.ClaimNumber // Next of an earlier list
}

// Claim is a claim of the operator, as it stands now.
type Claim struct {
	tolem.Claim
	tolem.ClaimStanding
	Document []byte // XML with the gateway's enveloped signature
}

// ClaimList is a page of claims.
type ClaimList struct {
	Answer
	Claims []Claim
	Next   tolem.ClaimNumber // "" if there are no more
}

// AnsweredClaim says how a claim stands after the bank's word.
type AnsweredClaim struct {
	Answer
	Number tolem.ClaimNumber
	State  tolem.ClaimState
	At     time.Time
}

// ReportQuery asks for statistics. Zero fields of the direction do not narrow.
type ReportQuery struct {
	From, To tolem.Day // both included
	Period   string    // day, week, month or whole
	By       []string  // channel, bank, provider, service, hour, weekday
	tolem.Direction
	Form     string // CSV, XLSX, PDF or JSON
	Language string // kk, ru or en; "" is English
}

// Report is a report as a file.
type Report struct {
	Answer
	Complete bool      // every day of it is counted
	Open     tolem.Day // otherwise: the first that is not
	FileName string
	Content  []byte
}
