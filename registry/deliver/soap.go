package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/wsdl"
	"tolem/wsdl/channel"
)

// exchangeTimeout bounds one message and its answer.
const exchangeTimeout = 60 * time.Second

// SOAPConfig says who pushes and whom to believe.
type SOAPConfig struct {
	Signer      *signing.Signer
	Certificate tls.Certificate // of the gateway, for TLS clients
	Trust       *trust.Store
	Directory   *banks.Directory // says whose a certificate is
	Clock       func() time.Time // time.Now if nil
	Timeout     time.Duration    // of one exchange; exchangeTimeout if zero
}

// SOAP sends signed messages to the participant's endpoint, as the contract of
// the receiver describes (wsdl/receiver-v1.wsdl). What was sent counts as
// received when the participant has answered OK with its own signature.
type SOAP struct {
	config   SOAPConfig
	verifier *signing.Verifier
	reader   *signing.Reader
}

// NewSOAP returns a transport.
func NewSOAP(c SOAPConfig) *SOAP {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Timeout <= 0 {
		c.Timeout = exchangeTimeout
	}
	// No register: a receiver signs its Timestamp and sends its certificate.
	return &SOAP{config: c, verifier: signing.NewVerifier(c.Trust, nil), reader: signing.NewReader(wsdl.ReceiverNamespace)}
}

// Deliver implements Transport. Parts that the receiver has confirmed are not
// sent again.
func (s *SOAP) Deliver(ctx context.Context, t tolem.DeliveryTarget, p *Parcel, progress Progress) ([]archive.Record, error) {
	client, err := s.client(t.Address)
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

// client verifies the server as strictly as the server verifies us.
func (s *SOAP) client(address string) (*http.Client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return channel.NewHTTPClient(&tls.Config{
		Certificates: []tls.Certificate{s.config.Certificate},
		RootCAs:      s.config.Trust.Pool(),
		Time:         s.config.Clock,
		VerifyConnection: func(cs tls.ConnectionState) error {
			return s.config.Trust.VerifyServer(cs, u.Hostname())
		},
	}, s.config.Timeout), nil
}

// send sends one part. The evidence is the message and its answer, if one came
// whose signature could be verified, or else nothing: what nobody has signed
// proves nothing.
func (s *SOAP) send(ctx context.Context, client *http.Client, t tolem.DeliveryTarget, p *Parcel, part int64) ([]archive.Record, error) {
	payload, err := p.payload(part)
	if err != nil {
		return nil, err
	}
	sent := s.config.Clock()
	message, err := s.config.Signer.Sign(signing.SOAP11, payload, sent)
	if err != nil {
		return nil, err
	}
	answer, _, err := channel.Post(ctx, client, t.Address, signing.SOAP11, wsdl.ReceiverAction, message)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTarget, err)
	}
	came := s.config.Clock()
	verified, err := s.verify(answer, t.Participant, came)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTarget, err)
	}
	record := archive.Record{Participant: t.Participant, Operation: opDeliver, RequestID: p.requestID(part)}
	out, in := record, record
	out.ID, out.Direction, out.At, out.Raw = archive.NewMessageID(sent), archive.Out, sent, message
	in.ID, in.Direction, in.At, in.Raw = archive.NewMessageID(came), archive.In, came, answer
	in.Certificate, in.Trust = verified.Certificate, verified.Trust
	return []archive.Record{out, in}, s.judge(verified, p.requestID(part))
}

// verify returns an answer that this participant has signed just now.
func (s *SOAP) verify(answer []byte, by tolem.ParticipantID, now time.Time) (*signing.Verified, error) {
	verified, err := s.verifier.Verify(answer, now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", channel.ErrAnswer, err)
	}
	signer, err := s.config.Directory.Holder(verified.Fingerprint)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: signed by %q: %w", channel.ErrAnswer, verified.Certificate.Subject.CommonName, err)
	case signer.ID != by:
		return nil, fmt.Errorf("%w: signed by %s in place of %s", channel.ErrAnswer, signer.ID, by)
	}
	return verified, nil
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
