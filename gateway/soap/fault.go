package soap

import (
	"context"
	"errors"
	"net/http"

	"tolem"
	"tolem/banks"
	"tolem/gateway"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
	"tolem/wsdl/contract"
)

// What a caller may do after a fault.
const (
	retryNo     = "no"     // the request will never be accepted as it is
	retrySame   = "same"   // send the same request again: the requestId makes that safe
	retryLater  = "later"  // wait, then send the same request again
	retryStatus = "status" // ask with GetOutcome what became of it
)

// fault is what a caller is told when its request was not accepted. The texts
// are generic; the cause stands in the log under the incident's id.
type fault struct {
	code      tolem.ResultCode
	faultCode string // qualified name, with the prefixes of our envelopes
	retry     string
	status    int
	detail    string // what the caller can put right; it tells nothing that the caller does not know
	class     string // for the log and metrics: class of a verification failure
}

// faultOf is the one table from errors to what is told of them. Whatever it
// does not know is an internal error and says nothing else.
func faultOf(err error) fault {
	client := func(code tolem.ResultCode, retry string) fault {
		return fault{code: code, faultCode: "soap:Client", retry: retry, status: http.StatusInternalServerError}
	}
	server := func(code tolem.ResultCode, retry string) fault {
		return fault{code: code, faultCode: "soap:Server", retry: retry, status: http.StatusInternalServerError}
	}
	var refused *signing.Error
	switch {
	case errors.As(err, &refused):
		f := client(refused.Result(), retryOf(refused.Result()))
		f.faultCode, f.class = refused.FaultCode(), string(refused.Class)
		return f
	case errors.Is(err, contract.ErrForm), errors.Is(err, gateway.ErrForm):
		f := client(tolem.BadRequest, retryNo)
		f.detail = err.Error()
		return f
	case errors.Is(err, errUnknownOperation):
		return client(tolem.UnknownOperation, retryNo)
	case errors.Is(err, errAction):
		f := client(tolem.BadRequest, retryNo)
		f.detail = err.Error()
		return f
	case errors.Is(err, errTooLarge):
		f := client(tolem.TooLarge, retryNo)
		f.status = http.StatusRequestEntityTooLarge
		return f
	case errors.Is(err, errHalfMessage):
		f := client(tolem.BadRequest, retrySame)
		f.status, f.detail = http.StatusBadRequest, errHalfMessage.Error()
		return f
	case errors.Is(err, errSlowMessage):
		f := client(tolem.BadRequest, retrySame)
		f.status, f.detail = http.StatusRequestTimeout, errSlowMessage.Error()
		return f
	case errors.Is(err, errTooMany):
		return client(tolem.TooManyRequests, retryLater)
	case errors.Is(err, gateway.ErrTooManyUnknown):
		return client(tolem.TooManyUnknown, retryLater)
	case errors.Is(err, gateway.ErrReplay):
		return client(tolem.Replay, retryNo)
	case errors.Is(err, gateway.ErrForbidden), errors.Is(err, banks.ErrNotRegistered), errors.Is(err, banks.ErrInactive),
		errors.Is(err, banks.ErrNotPermitted), errors.Is(err, banks.ErrOtherChannel):
		return client(tolem.Forbidden, retryNo)
	case errors.Is(err, errNoCertificate):
		f := client(tolem.Forbidden, retryNo)
		f.detail = "open the channel with a client certificate: operations are for registered participants"
		return f
	case errors.Is(err, errChannel):
		code := channelResult(err)
		return client(code, retryOf(code))
	case errors.Is(err, gateway.ErrNoPage):
		return client(tolem.Forbidden, retryNo)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrClosed):
		return server(tolem.Unavailable, retryLater)
	case errors.Is(err, store.ErrConflict), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return server(tolem.Unavailable, retrySame)
	}
	return server(tolem.Internal, retryStatus)
}

// channelResult says why a channel's certificate is refused, in the words used
// of a signer's.
func channelResult(err error) tolem.ResultCode {
	switch {
	case errors.Is(err, trust.ErrRevoked):
		return tolem.CertRevoked
	case errors.Is(err, trust.ErrExpired):
		return tolem.CertExpired
	case errors.Is(err, trust.ErrCRLUnavailable):
		return tolem.CRLUnavailable
	}
	return tolem.CertUntrusted
}

// retryOf says what to do about a request that could not be verified.
func retryOf(code tolem.ResultCode) string {
	switch code {
	case tolem.CRLUnavailable:
		return retryLater
	case tolem.MessageExpired:
		return retrySame // signed anew
	}
	return retryNo
}

// payload builds the Body's child for the fault.
func (f fault) payload(version signing.Version, requestID tolem.RequestID, incident string) []byte {
	message := f.code.Text()
	if f.detail != "" {
		message = f.detail
	}
	w := document("GatewayFault")
	w.Text("code", string(f.code))
	w.Text("message", message)
	w.Text("requestId", string(requestID))
	w.Text("incidentId", incident)
	w.Text("retry", f.retry)
	return signing.AppendFault(nil, version, signing.Fault{Code: f.faultCode, Reason: message, Detail: w.end("GatewayFault")})
}
