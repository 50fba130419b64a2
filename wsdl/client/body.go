package client

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"time"

	"tolem"
	"tolem/wsdl/gatewayv1"
)

// answerBody is a verified soap:Body, as far as it is the same for all
// operations: a fault of either version of SOAP, or an answer.
type answerBody struct {
	Fault11 *fault11   `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault"`
	Fault12 *fault12   `xml:"http://www.w3.org/2003/05/soap-envelope Fault"`
	Content answerHead `xml:",any"`
}

type answerHead struct {
	XMLName    xml.Name
	RequestID  string `xml:"urn:tolem:gateway:v1 requestId"`
	ResultCode string `xml:"urn:tolem:gateway:v1 resultCode"`
	ResultText string `xml:"urn:tolem:gateway:v1 resultText"`

	Rejected []RejectedAccount `xml:"urn:tolem:gateway:v1 rejected"` // of SubmitBills
}

type fault11 struct {
	Code   string                  `xml:"faultcode"`
	Text   string                  `xml:"faultstring"`
	Detail *gatewayv1.GatewayFault `xml:"detail>GatewayFault"`
}

type fault12 struct {
	Code    string                  `xml:"Code>Value"`
	Subcode string                  `xml:"Code>Subcode>Value"`
	Text    string                  `xml:"Reason>Text"`
	Detail  *gatewayv1.GatewayFault `xml:"Detail>GatewayFault"`
}

func readBody(canonical []byte) (answerBody, error) {
	var b answerBody
	if err := xml.Unmarshal(canonical, &b); err != nil {
		return b, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return b, nil
}

// fault returns the fault in the Body, or nil.
func (b answerBody) fault() *Fault {
	switch {
	case b.Fault11 != nil:
		return newFault(b.Fault11.Code, b.Fault11.Text, b.Fault11.Detail)
	case b.Fault12 != nil && b.Fault12.Subcode != "":
		return newFault(b.Fault12.Subcode, b.Fault12.Text, b.Fault12.Detail)
	case b.Fault12 != nil:
		return newFault(b.Fault12.Code, b.Fault12.Text, b.Fault12.Detail)
	}
	return nil
}

// newFault advises asking for the outcome where the gateway does not say what
// to do: that is never wrong.
func newFault(code, text string, detail *gatewayv1.GatewayFault) *Fault {
	f := &Fault{FaultCode: code, Message: text, Code: tolem.Internal, Retry: RetryStatus}
	if detail == nil {
		return f
	}
	f.Code = tolem.ResultCode(deref(detail.Code))
	f.Message = string(deref(detail.Message))
	f.RequestID = tolem.RequestID(deref(detail.RequestId))
	f.IncidentID = string(deref(detail.IncidentId))
	switch r := Retry(deref(detail.Retry)); r {
	case RetryNo, RetrySame, RetryLater:
		f.Retry = r
	}
	return f
}

// createdIn returns the time at which an answer says it was made, before
// anything of it is verified. What is returned only chooses the time to verify
// for: verification then finds this very time signed, or fails.
func createdIn(raw []byte) (time.Time, error) {
	const open, end = "Created>", "</"
	_, rest, found := bytes.Cut(raw, []byte(open))
	text, _, closed := bytes.Cut(rest, []byte(end))
	var created gatewayv1.Timestamp
	if !found || !closed {
		return time.Time{}, fmt.Errorf("%w: no Timestamp", ErrAnswer)
	}
	if err := created.UnmarshalText(text); err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return created.Time, nil
}
