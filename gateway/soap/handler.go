// Package soap is the face of the gateway towards banks, the portal and
// providers: signed SOAP over HTTPS. It translates and nothing more: bytes are
// verified by signing, callers are known by banks, operations are performed by
// gateway. What reaches an operation was read from the signed Body and from
// nowhere else.
package soap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"tolem"
	"tolem/archive"
	"tolem/banks"
	"tolem/bills"
	"tolem/gateway"
	"tolem/gateway/registers"
	"tolem/signing"
	"tolem/wsdl"
	"tolem/wsdl/contract"
)

// MaxMessageBytes is the largest request that is read.
const MaxMessageBytes = 1 << 20

// refuseTimeout bounds the time it takes to keep a refused request.
const refuseTimeout = 5 * time.Second

// Errors of the transport, before a message can be verified.
var (
	errNoCertificate    = errors.New("no client certificate")
	errChannel          = errors.New("the channel's certificate is not accepted any more")
	errTooLarge         = errors.New("request is larger than allowed")
	errHalfMessage      = errors.New("the request ended before its announced length")
	errSlowMessage      = errors.New("the request did not arrive in time")
	errTooMany          = errors.New("too many requests at once or in a second")
	errUnknownOperation = errors.New("no such operation")
	errAction           = errors.New("SOAPAction names another operation than the Body")
)

// Signers are the keys with which answers are signed.
type Signers struct {
	RSA, EC *signing.Signer
}

// Event is what happened to one request, for metrics. It holds no personal
// data.
type Event struct {
	Operation   tolem.Operation // empty if the request never got that far
	Result      tolem.ResultCode
	Class       string // class of a verification failure
	Participant tolem.ParticipantID
	Repeated    bool
	Took        time.Duration
}

// Config joins a Handler.
type Config struct {
	Gateway   *gateway.Gateway
	Registers *registers.Desk
	Bills     *bills.Intake
	Directory *banks.Directory
	Verifier  *signing.Verifier
	Signers   Signers
	Receipts  *signing.Signer // RSA: receipts are verified by programs that know nothing else
	Address   string          // as it stands in the WSDL; empty: as the caller addressed the gateway

	// Channel judges the certificate a channel was opened with once more for
	// every request: a channel may stay open for longer than its certificate is
	// good.
	Channel func(tls.ConnectionState) error

	Clock            func() time.Time
	Limits           Limits
	BodyTimeout      time.Duration // for the arrival of a request
	OperationTimeout time.Duration // from arrival to answer

	Log     zerolog.Logger
	Observe func(Event)
}

// Handler serves one address: POST performs an operation, GET tells the
// contract. It is safe for concurrent use.
type Handler struct {
	Config
	gateway   *gateway.Gateway
	directory *banks.Directory
	receipts  *signing.Signer
	requests  *signing.Reader
	limits    *limiter
}

// New returns a handler.
func New(c Config) *Handler {
	return &Handler{
		Config: c, gateway: c.Gateway, directory: c.Directory, receipts: c.Receipts,
		requests: signing.NewReader(wsdl.Namespace), limits: newLimiter(c.Limits),
	}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.contract(w, r)
	case http.MethodPost:
		if status, problem := checkTransport(r); problem != "" {
			http.Error(w, problem, status)
			h.Log.Info().Str("problem", problem).Int("status", status).Str("remote", r.RemoteAddr).Msg("not a SOAP request")
			return
		}
		h.perform(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "POST a SOAP message here, or GET ?wsdl", http.StatusMethodNotAllowed)
	}
}

// exchange is one request on its way: what is known of it so far.
type exchange struct {
	incident  string
	arrived   time.Time
	channel   tolem.Fingerprint
	peer      tolem.Participant // holder of the channel's certificate
	raw       []byte
	verified  *signing.Verified
	version   signing.Version
	sender    tolem.Participant
	operation tolem.Operation
	requestID tolem.RequestID
}

// perform takes a request through the message path and writes the answer, or
// the fault that says why there is none.
func (h *Handler) perform(w http.ResponseWriter, r *http.Request) {
	x := &exchange{incident: uuid.NewString(), arrived: h.Clock()}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), h.OperationTimeout)
	defer cancel()
	reply, err := h.answer(ctx, w, r, x)
	status, signed := http.StatusOK, reply.Signed
	var f fault
	if err != nil {
		f = faultOf(err)
		status = f.status
		signed = h.refuse(ctx, x, f)
	}
	h.send(w, x, status, signed)
	h.note(x, reply, f, err)
}

// answer is the message path, one step a line.
func (h *Handler) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, x *exchange) (gateway.Reply, error) {
	denied := h.identify(r, x)
	release, ok := h.limits.admit(x.peer.ID, x.arrived) // all strangers share one allowance
	if !ok {
		return gateway.Reply{}, errTooMany
	}
	defer release()
	if denied != nil {
		w.Header().Set("Connection", "close") // nothing better will come over it
		return gateway.Reply{}, denied
	}
	if err := h.read(w, r, x); err != nil {
		return gateway.Reply{}, err
	}
	x.arrived = h.Clock() // the moment the data reached the gateway (GW-136)
	if err := h.verify(x); err != nil {
		return gateway.Reply{}, err
	}
	return h.dispatch(ctx, r, x)
}

// identify finds out who opened the channel.
func (h *Handler) identify(r *http.Request, x *exchange) (err error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return errNoCertificate
	}
	x.channel = tolem.FingerprintOf(r.TLS.PeerCertificates[0].Raw)
	if err := h.Channel(*r.TLS); err != nil {
		return fmt.Errorf("%w: %w", errChannel, err)
	}
	x.peer, err = h.directory.Holder(x.channel)
	return err
}

// verify checks the signature and keeps what came out of it.
func (h *Handler) verify(x *exchange) error {
	verified, err := h.Verifier.Verify(x.raw, x.arrived)
	if err != nil {
		var refused *signing.Error
		if errors.As(err, &refused) {
			x.version = refused.Version
		}
		return err
	}
	x.verified, x.version = verified, verified.Version
	return nil
}

// dispatch reads the signed Body, asks the register whether the sender may do
// this, and runs the operation.
func (h *Handler) dispatch(ctx context.Context, r *http.Request, x *exchange) (gateway.Reply, error) {
	name, list, err := h.requests.Read(x.verified.Body)
	if err != nil {
		return gateway.Reply{}, ofRequest(fmt.Errorf("%w: %s", contract.ErrForm, contract.Clip(err.Error())))
	}
	x.operation = known(name)
	sender, denied := h.directory.Authorise(x.verified.Fingerprint, x.channel, x.operation, x.arrived)
	x.sender = sender
	run, exists := operations[x.operation]
	f := &fields{contract.NewFields(list)}
	head := decodeHeader(f)
	x.requestID = head.requestID
	switch {
	case !exists:
		return gateway.Reply{}, errUnknownOperation
	case denied != nil:
		return gateway.Reply{}, denied
	case f.Err() != nil:
		return gateway.Reply{}, ofRequest(f.Err())
	}
	if err := checkAction(r, x.version, x.operation); err != nil {
		return gateway.Reply{}, err
	}
	m := gateway.Message{
		Operation: x.operation, Sender: sender, OnBehalfOf: head.onBehalfOf, RequestID: head.requestID,
		BodyHash: contentOf(name, list), SignedInfo: x.verified.SignedInfo,
		Record: h.requestRecord(x),
		Again:  func(stored archive.Record) ([]byte, error) { return h.again(x, stored) },
	}
	return run(h, ctx, m, f, func(payload []byte) ([]byte, error) {
		return h.signer(x).Sign(x.version, payload, h.Clock())
	})
}

// repeatMargin is how long a stored answer must still be valid to be sent once
// more as it is.
const repeatMargin = 30 * time.Second

// again returns a stored answer for a repetition, byte for byte, while its
// Timestamp lets the sender accept it. Afterwards, or when the repetition came
// in another version of SOAP or is to be answered with another key, the same
// answer is signed anew.
func (h *Handler) again(x *exchange, stored archive.Record) ([]byte, error) {
	payload, version, err := signing.Payload(stored.Raw)
	if err != nil {
		return nil, err
	}
	now, signer := h.Clock(), h.signer(x)
	if version == x.version && stored.Fingerprint == signer.Fingerprint() && now.Before(stored.At.Add(signing.AnswerLifetime-repeatMargin)) {
		return stored.Raw, nil
	}
	return signer.Sign(x.version, payload, now)
}

// known returns the operation of that name, or nothing: names that come from
// outside do not travel on into logs and metrics.
func known(name string) tolem.Operation {
	if _, ok := operations[tolem.Operation(name)]; ok {
		return tolem.Operation(name)
	}
	return ""
}

// signer chooses the key of the answer: the one the participant's record
// fixes, else EC to a request signed with EC and RSA to all others.
func (h *Handler) signer(x *exchange) *signing.Signer {
	holder := x.sender
	if holder.ID == "" {
		holder = x.peer
	}
	switch {
	case holder.AnswerKey == tolem.AnswerEC:
		return h.Signers.EC
	case holder.AnswerKey == tolem.AnswerRSA || x.verified == nil || !x.verified.EC:
		return h.Signers.RSA
	}
	return h.Signers.EC
}

// requestRecord is the request as evidence.
func (h *Handler) requestRecord(x *exchange) archive.Record {
	record := archive.Record{
		ID: archive.NewMessageID(x.arrived), Direction: archive.In, At: x.arrived,
		Participant: x.peer.ID, Operation: x.operation, RequestID: x.requestID, Raw: x.raw,
	}
	if v := x.verified; v != nil {
		record.Certificate, record.Trust = v.Certificate, v.Trust
	}
	return record
}

// refuse makes the signed fault and keeps it with the request, if a registered
// participant sent one. A fault that cannot be kept is still told: it promises
// nothing.
func (h *Handler) refuse(ctx context.Context, x *exchange, f fault) []byte {
	signed, err := h.signer(x).Sign(x.version, f.payload(x.version, x.requestID, x.incident), h.Clock())
	if err != nil {
		h.Log.Error().Err(err).Str("incident", x.incident).Msg("fault could not be signed")
		return nil
	}
	if x.peer.ID == "" || len(x.raw) == 0 {
		return signed
	}
	request, answer := h.requestRecord(x), archive.Record{
		ID: archive.NewMessageID(h.Clock()), Direction: archive.Out, At: h.Clock(),
		Participant: x.peer.ID, Operation: x.operation, RequestID: x.requestID, Raw: signed,
	}
	request.Class = string(f.code)
	if f.class != "" {
		request.Class = f.class
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refuseTimeout) // the operation may have used its time up
	defer cancel()
	if err := h.gateway.Refuse(ctx, request, answer); err != nil {
		h.Log.Error().Err(err).Str("incident", x.incident).Msg("refused request could not be archived")
	}
	return signed
}

// send writes the answer.
func (h *Handler) send(w http.ResponseWriter, x *exchange, status int, signed []byte) {
	w.Header().Set("X-Request-Id", x.incident)
	if signed == nil {
		http.Error(w, "the gateway cannot answer now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", contentType(x.version))
	w.Header().Set("Content-Length", itoa(len(signed))) // else it would go out in chunks
	w.WriteHeader(status)
	if _, err := w.Write(signed); err != nil {
		h.Log.Info().Err(err).Str("incident", x.incident).Msg("answer could not be delivered; it is kept and can be asked for")
	}
}

// note writes the one line in the log that every request has, and tells the
// metrics.
func (h *Handler) note(x *exchange, reply gateway.Reply, f fault, err error) {
	e := Event{
		Operation: x.operation, Result: reply.Outcome.Result, Class: f.class,
		Participant: x.peer.ID, Repeated: reply.Repeated, Took: h.Clock().Sub(x.arrived),
	}
	line := h.Log.Info()
	if err != nil {
		e.Result = f.code
		switch f.code {
		case tolem.Internal, tolem.Unavailable:
			line = h.Log.Error()
		case tolem.TooManyUnknown: // somebody guesses payment codes: the operator must know
			line = h.Log.Warn()
		}
		line = line.Err(err).Str("class", f.class)
	}
	h.Observe(e)
	line.Str("incident", x.incident).Str("operation", string(x.operation)).Str("participant", string(x.peer.ID)).
		Str("request", string(x.requestID)).Str("result", string(e.Result)).Bool("repeated", e.Repeated).
		Int("bytes", len(x.raw)).Dur("took", e.Took).Msg("request")
}
