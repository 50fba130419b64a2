package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"tolem"
	"tolem/signing"
	"tolem/wsdl/channel"
)

// exchange is one attempt to call an operation. It stands between gowsdl's
// SOAP client and the network: the envelope that goes in leaves signed, and
// what comes out is a Body whose signature has been verified and whose result
// is OK. Everything else comes out as an error.
type exchange struct {
	client    *Client
	operation tolem.Operation
	requestID tolem.RequestID

	request, answer []byte
	connected       bool // something may have reached the gateway
}

// Do implements the HTTPClient interface of gowsdl's runtime.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	envelope, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if x.request, err = x.sign(envelope); err != nil {
		return nil, err
	}
	if x.answer, err = x.send(req.Context(), req.Header.Get("SOAPAction")); err != nil {
		return nil, err
	}
	body, err := x.open(x.answer)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"text/xml; charset=utf-8"}},
		Body:       io.NopCloser(io.MultiReader(strings.NewReader(openEnvelope), bytes.NewReader(body), strings.NewReader(closeEnvelope))),
		Request:    req,
	}, nil
}

// gowsdl reads SOAP 1.1 envelopes only, but takes a Body of either version.
const (
	openEnvelope  = `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/">`
	closeEnvelope = `</Envelope>`
)

// sign makes the envelope that is sent from the one that gowsdl's runtime
// wrote.
func (x *exchange) sign(envelope []byte) ([]byte, error) {
	canonical, _, err := signing.Payload(envelope)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.operation, err)
	}
	signed, err := x.client.config.Signer.Sign(x.version(), canonical, x.client.config.Now())
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", x.operation, err)
	}
	return signed, nil
}

func (x *exchange) version() signing.Version {
	if x.client.config.SOAP12 {
		return signing.SOAP12
	}
	return signing.SOAP11
}

// send posts the signed request and returns what came back, if it may be an
// answer at all.
func (x *exchange) send(ctx context.Context, action string) (answer []byte, err error) {
	answer, x.connected, err = channel.Post(ctx, x.client.http, x.client.config.Address, x.version(), action, x.request)
	return answer, err
}

// open verifies an answer and returns its Body if the result is OK.
func (x *exchange) open(raw []byte) ([]byte, error) {
	verified, err := x.client.verify(raw)
	stored := expired(err)
	if stored {
		verified, err = x.client.verifyStored(raw)
	}
	if err != nil {
		return nil, err
	}
	body, err := readBody(verified.Body)
	if err != nil {
		return nil, err
	}
	switch fault := body.fault(); {
	case fault != nil && stored:
		return nil, fmt.Errorf("%w: a fault of an earlier time", ErrAnswer)
	case fault != nil:
		return nil, x.fault(fault)
	}
	return verified.Body, x.accept(body.Content)
}

// expired reports whether a message was in order but for its age.
func expired(err error) bool {
	var refused *signing.Error
	return errors.As(err, &refused) && refused.Class == signing.ClassExpired
}

// accept checks that this is the answer to our request, and that it says OK.
func (x *exchange) accept(answer answerHead) error {
	switch {
	case answer.XMLName.Local != string(x.operation)+"Response":
		return fmt.Errorf("%w: %s answers %s", ErrAnswer, answer.XMLName.Local, x.operation)
	case !strings.EqualFold(answer.RequestID, string(x.requestID)):
		return fmt.Errorf("%w: it is for request %q", ErrAnswer, answer.RequestID)
	case answer.ResultCode == "":
		return fmt.Errorf("%w: no result code", ErrAnswer)
	case answer.ResultCode != string(tolem.OK):
		return &Refusal{
			Operation: x.operation, RequestID: x.requestID,
			Code: tolem.ResultCode(answer.ResultCode), Text: answer.ResultText, Rejected: answer.Rejected,
		}
	}
	return nil
}

// fault checks that the fault is about our request, as far as it says.
func (x *exchange) fault(f *Fault) error {
	if f.RequestID != "" && !strings.EqualFold(string(f.RequestID), string(x.requestID)) {
		return fmt.Errorf("%w: a fault of request %q", ErrAnswer, f.RequestID)
	}
	f.Operation, f.RequestID = x.operation, x.requestID
	return f
}

func (x *exchange) seen(attempt int, err error) Exchange {
	return Exchange{
		Operation: x.operation, RequestID: x.requestID, Attempt: attempt,
		Request: x.request, Answer: x.answer, Err: unusable(err),
	}
}
