package soap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tolem"
	"tolem/banks"
	"tolem/gateway"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
	"tolem/wsdl/contract"
)

// What is told of every error: the code, who is to blame, what to do, and
// nothing else. The cause, which may hold anything, never leaves.
//
// GW-P21
func TestFaults(t *testing.T) {
	const cause = "850101300124 in SELECT"
	for _, c := range []struct {
		err              error
		code             tolem.ResultCode
		faultCode, retry string
		status           int
	}{
		{errNoCertificate, tolem.Forbidden, "soap:Client", retryNo, 500},
		{banks.ErrNotRegistered, tolem.Forbidden, "soap:Client", retryNo, 500},
		{banks.ErrInactive, tolem.Forbidden, "soap:Client", retryNo, 500},
		{banks.ErrNotPermitted, tolem.Forbidden, "soap:Client", retryNo, 500},
		{banks.ErrOtherChannel, tolem.Forbidden, "soap:Client", retryNo, 500},
		{gateway.ErrForbidden, tolem.Forbidden, "soap:Client", retryNo, 500},
		{gateway.ErrReplay, tolem.Replay, "soap:Client", retryNo, 500},
		{gateway.ErrTooManyUnknown, tolem.TooManyUnknown, "soap:Client", retryLater, 500},
		{errTooMany, tolem.TooManyRequests, "soap:Client", retryLater, 500},
		{errUnknownOperation, tolem.UnknownOperation, "soap:Client", retryNo, 500},
		{errTooLarge, tolem.TooLarge, "soap:Client", retryNo, http.StatusRequestEntityTooLarge},
		{errHalfMessage, tolem.BadRequest, "soap:Client", retrySame, http.StatusBadRequest},
		{errSlowMessage, tolem.BadRequest, "soap:Client", retrySame, http.StatusRequestTimeout},
		{fmt.Errorf("%w: %w", errChannel, trust.ErrRevoked), tolem.CertRevoked, "soap:Client", retryNo, 500},
		{fmt.Errorf("%w: %w", errChannel, trust.ErrExpired), tolem.CertExpired, "soap:Client", retryNo, 500},
		{fmt.Errorf("%w: %w", errChannel, trust.ErrCRLUnavailable), tolem.CRLUnavailable, "soap:Client", retryLater, 500},
		{errChannel, tolem.CertUntrusted, "soap:Client", retryNo, 500},
		{store.ErrUnavailable, tolem.Unavailable, "soap:Server", retryLater, 500},
		{store.ErrClosed, tolem.Unavailable, "soap:Server", retryLater, 500},
		{store.ErrConflict, tolem.Unavailable, "soap:Server", retrySame, 500},
		{context.DeadlineExceeded, tolem.Unavailable, "soap:Server", retrySame, 500},
		{store.ErrUnknownOutcome, tolem.Internal, "soap:Server", retryStatus, 500},
		{errors.New("anything"), tolem.Internal, "soap:Server", retryStatus, 500},
		{&signing.Error{Class: signing.ClassDigest}, tolem.BadSignature, "wsse:FailedCheck", retryNo, 500},
		{&signing.Error{Class: signing.ClassExpired}, tolem.MessageExpired, "wsu:MessageExpired", retrySame, 500},
		{&signing.Error{Class: signing.ClassCRL}, tolem.CRLUnavailable, "wsse:InvalidSecurityToken", retryLater, 500},
		{&signing.Error{Class: signing.ClassRevoked}, tolem.CertRevoked, "wsse:InvalidSecurityToken", retryNo, 500},
	} {
		f := faultOf(fmt.Errorf("%s: %w", cause, c.err))
		if f.code != c.code || f.faultCode != c.faultCode || f.retry != c.retry || f.status != c.status {
			t.Errorf("%v: %s %s, retry %s, status %d", c.err, f.code, f.faultCode, f.retry, f.status)
		}
		for _, v := range []signing.Version{signing.SOAP11, signing.SOAP12} {
			told := string(f.payload(v, "", "incident-1"))
			if strings.Contains(told, cause) || strings.Contains(told, "SELECT") {
				t.Errorf("%v: the fault tells the cause: %s", c.err, told)
			}
			if !strings.Contains(told, "<code>"+string(c.code)+"</code>") || !strings.Contains(told, "<incidentId>incident-1</incidentId>") {
				t.Errorf("%v: %s", c.err, told)
			}
		}
	}
}

// Errors of the contract tell which element, for whoever builds a client.
func TestContractErrorsAreTold(t *testing.T) {
	f := faultOf(ofRequest(fmt.Errorf("%w: amount must be positive", contract.ErrForm)))
	if told := string(f.payload(signing.SOAP11, "7", "i")); !strings.Contains(told, "amount must be positive") || !strings.Contains(told, "<requestId>7</requestId>") {
		t.Errorf("told %s", told)
	}
}
