package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks/exchange"
	"tolem/signing"
	"tolem/wsdl"
	"tolem/wsdl/channel"
)

// exchangeTimeout bounds one message and its answer.
const exchangeTimeout = 60 * time.Second

// SOAPConfig says who pushes and whom to believe.
type SOAPConfig = exchange.Config

// SOAP sends signed messages to the participant's endpoint, as the contract of
// the receiver describes (wsdl/receiver-v1.wsdl). What was sent counts as
// received when the participant has answered OK with its own signature.
type SOAP struct {
	caller *exchange.Caller
	reader *signing.Reader
}

// NewSOAP returns a transport.
func NewSOAP(c SOAPConfig) *SOAP {
	if c.Timeout <= 0 {
		c.Timeout = exchangeTimeout
	}
	return &SOAP{caller: exchange.New(c), reader: signing.NewReader(wsdl.ReceiverNamespace)}
}

// Deliver implements Transport. Parts that the receiver has confirmed are not
// sent again.
func (s *SOAP) Deliver(ctx context.Context, t tolem.DeliveryTarget, p *Parcel, progress Progress) ([]archive.Record, error) {
	client, err := s.caller.Client(t.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	defer client.CloseIdleConnections()
	last := p.parts()
	for part := min(p.Delivery.Parts, last-1) + 1; ; part++ {
		evidence, err := s.send(ctx, client, t, p, part)
		switch {
		case errors.Is(err, errWrongHash):
			return nil, errors.Join(err, progress(ctx, 0, evidence...))
		case err != nil || part == last:
			return evidence, err
		}
		if err := progress(ctx, part, evidence...); err != nil {
			return nil, err
		}
	}
}

// send sends one part. The evidence is the message and its answer, if one came
// whose signature could be verified, or else nothing: what nobody has signed
// proves nothing.
func (s *SOAP) send(ctx context.Context, client *http.Client, t tolem.DeliveryTarget, p *Parcel, part int64) ([]archive.Record, error) {
	payload, err := p.payload(part)
	if err != nil {
		return nil, err
	}
	message, sent, err := s.caller.Sign(payload)
	if err != nil {
		return nil, err
	}
	answer, err := s.caller.Ask(ctx, client, t.Address, wsdl.ReceiverAction, message, t.Participant)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTarget, err)
	}
	about := archive.Record{Participant: t.Participant, Operation: opDeliver, RequestID: p.requestID(part)}
	return archive.Exchange(about, sent, message, answer.At, answer.Raw, answer.Verified), s.judge(answer.Verified, about.RequestID)
}

// errWrongHash: the receiver asks for all parts once more.
var errWrongHash = fmt.Errorf("%w: %s", ErrRefused, resultWrongHash)

// judge reads what a verified answer says.
func (s *SOAP) judge(v *signing.Verified, id tolem.RequestID) error {
	r, err := readReply(s.reader, v.Body)
	switch {
	case err != nil: // a fault too: what is wrong there is not this document
		return fmt.Errorf("%w: %w: %w", ErrTarget, channel.ErrAnswer, err)
	case !strings.EqualFold(r.requestID, string(id)):
		return fmt.Errorf("%w: %w: it is for request %.40q", ErrTarget, channel.ErrAnswer, r.requestID)
	}
	switch r.code {
	case string(tolem.OK):
		return nil
	case resultBusy:
		return fmt.Errorf("%w: %s: %.200q", ErrTarget, r.code, r.text)
	case resultWrongHash:
		return errWrongHash
	case resultOtherContent:
		return fmt.Errorf("%w: %.200q", ErrOtherContent, r.text)
	}
	return fmt.Errorf("%w: %.32s: %.200q", ErrRefused, r.code, r.text)
}
