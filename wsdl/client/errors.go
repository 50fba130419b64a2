package client

import (
	"errors"
	"fmt"

	"tolem"
	"tolem/wsdl/channel"
)

// Refusal is the gateway's signed, recorded answer that it did not do what it
// was asked. It is an error, and not a field of the result, because a caller
// that overlooks it hands out a service nobody paid.
type Refusal struct {
	Operation tolem.Operation
	RequestID tolem.RequestID
	Code      tolem.ResultCode
	Text      string

	Rejected []RejectedAccount // of SubmitBills: the first 100 that are not in order
}

// Error returns operation, code and text.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s refused: %s (%s)", r.Operation, r.Code, r.Text)
}

// RefusalOf returns the code of the refusal in err, or "" if err is none.
func RefusalOf(err error) tolem.ResultCode {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// Retry says what to do about a fault.
type Retry string

// What the gateway advises.
const (
	RetryNo     Retry = "no"     // correct the request first
	RetrySame   Retry = "same"   // repeat now, with the same request id
	RetryLater  Retry = "later"  // repeat later, with the same request id
	RetryStatus Retry = "status" // ask with GetOutcome
)

// Fault is the gateway's signed word that it could not take the request as
// one. By the time a caller sees RetrySame or RetryLater, the client has
// repeated the request as often as Config.Attempts allows.
type Fault struct {
	Operation  tolem.Operation
	RequestID  tolem.RequestID
	FaultCode  string // of SOAP and WS-Security: "wsse:FailedCheck", "soap:Client"
	Code       tolem.ResultCode
	Message    string
	IncidentID string // the gateway operator finds the true cause by it
	Retry      Retry
}

// Error returns operation, code, message and incident.
func (f *Fault) Error() string {
	return fmt.Sprintf("%s failed: %s (%s), incident %s", f.Operation, f.Code, f.Message, f.IncidentID)
}

// Undecided says that a request was sent and no answer that can be believed
// came back, so the operation may have taken place or not. Ask with GetOutcome,
// or call the operation again with the same content and WithRequestID.
type Undecided struct {
	Operation tolem.Operation
	RequestID tolem.RequestID
	Attempts  int
	Err       error // of the last attempt
}

// Error says what to do.
func (u *Undecided) Error() string {
	return fmt.Sprintf("outcome of %s %s is not known after %d attempts, ask with GetOutcome: %v", u.Operation, u.RequestID, u.Attempts, u.Err)
}

// Unwrap returns the error of the last attempt.
func (u *Undecided) Unwrap() error { return u.Err }

// Errors that the types above may wrap.
var (
	// ErrUnreachable: no connection came about, so nothing was sent.
	ErrUnreachable = channel.ErrUnreachable
	// ErrAnswer: what came back is not an answer that can be believed.
	ErrAnswer = channel.ErrAnswer
	// ErrNotGateway: the answer is signed, but by somebody else.
	ErrNotGateway = fmt.Errorf("%w: not the gateway's signature", ErrAnswer)
	// ErrLost: the connection broke, or something between us and the gateway
	// answered in its place.
	ErrLost = channel.ErrLost
	// ErrMissing: a field that the contract requires was not given.
	ErrMissing = errors.New("required field is not given")
)
