package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"tolem"
	"tolem/smartcard"
)

// Handler serves the bridge at the address it listens on, which must be
// loopback: requests for another host are refused, whatever name led them here.
func (b *Bridge) Handler(listen net.Addr) (http.Handler, error) {
	tcp, ok := listen.(*net.TCPAddr)
	if !ok || !tcp.IP.IsLoopback() {
		return nil, errors.Join(ErrConfig, errors.New("a card bridge listens on this machine alone, like 127.0.0.1:47123"))
	}
	_, port, err := net.SplitHostPort(listen.String())
	if err != nil {
		return nil, errors.Join(ErrConfig, err)
	}
	hosts := []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("localhost", port)}
	if tcp.IP.To4() == nil {
		hosts = append(hosts, net.JoinHostPort("::1", port))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", b.getStatus)
	mux.HandleFunc("GET /v1/events", b.getEvents)
	mux.HandleFunc("POST /v1/card/read", b.postRead)
	mux.HandleFunc("POST /v1/card/write", b.postTicket(tolem.TicketWrite))
	mux.HandleFunc("POST /v1/card/reverse", b.postTicket(tolem.TicketReverse))
	mux.HandleFunc("GET /v1/tickets/{id}", b.getTicket)
	mux.HandleFunc("GET /v1/pairing", b.getPairing)
	mux.HandleFunc("POST /v1/pairing", b.postPairing)
	if b.config.Simulator != nil {
		mux.Handle("/sim/", b.config.Simulator)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { answerCode(w, smartcard.NotFound) })
	return b.guard(hosts, mux), nil
}

// guard lets only pages of the configured origins in, and only by the names of
// this machine: a name of somebody else's that was made to point here (DNS
// rebinding) is refused before anything is looked at.
func (b *Bridge) guard(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Add("Vary", "Origin")
		if !slices.Contains(hosts, r.Host) {
			b.turnAway(w, r, smartcard.HostRefused)
			return
		}
		origins := r.Header.Values("Origin")
		// Tools on this machine set the scene of a simulator; no page can be without
		// an origin where it matters.
		tool := len(origins) == 0 && b.config.Simulator != nil && isScene(r.URL.Path)
		if !tool && (len(origins) != 1 || !slices.Contains(b.config.Origins, origins[0])) {
			b.turnAway(w, r, smartcard.OriginRefused)
			return
		}
		if !tool {
			h.Set("Access-Control-Allow-Origin", origins[0])
		}
		if r.Method == http.MethodOptions {
			preflight(h, r)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		select {
		case b.requests <- struct{}{}:
			defer func() { <-b.requests }()
		default:
			answerCode(w, smartcard.Busy)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

func isScene(path string) bool { return path == "/sim/state" }

// preflight answers what a browser asks before it lets a page call: which
// methods, and whether a page from elsewhere may reach this machine (Private
// Network Access).
func preflight(h http.Header, r *http.Request) {
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT")
	h.Set("Access-Control-Allow-Headers", "Content-Type")
	h.Set("Access-Control-Max-Age", "600")
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
}

func (b *Bridge) turnAway(w http.ResponseWriter, r *http.Request, code smartcard.Code) {
	b.config.Log.Warn().Str("code", string(code)).Str("host", shorten(r.Host)).Str("origin", shorten(r.Header.Get("Origin"))).Msg("refused")
	answerCode(w, code)
}

// shorten bounds what strangers can write into the log.
func shorten(s string) string { return s[:min(len(s), 100)] }

// status is the answer of GET /v1/status.
type status struct {
	Version string `json:"version"`
	smartcard.Presence
	Paired      bool                `json:"paired"`
	Pairing     bool                `json:"pairing"` // GET /v1/pairing has something
	Workstation tolem.WorkstationID `json:"workstation,omitempty"`
	Key         tolem.KeyID         `json:"key,omitempty"`
	Simulated   bool                `json:"simulated"`
	Time        int64               `json:"time"`
}

func (b *Bridge) getStatus(w http.ResponseWriter, r *http.Request) {
	s := status{Version: b.config.Version, Presence: b.presence(r.Context()), Simulated: b.config.Simulator != nil, Time: b.clock()}
	s.Pairing = b.identity.waiting() != nil
	if me := b.identity.now(); me != nil {
		s.Paired, s.Workstation, s.Key = true, me.Workstation, me.signer.Public.ID
	}
	answer(w, http.StatusOK, s)
}

// lastStatus is what the reader said last, for the time it is busy.
type lastStatus struct {
	mu       sync.Mutex
	presence smartcard.Presence
}

// look asks the reader what stands ready. It needs the reader in hand.
func (b *Bridge) look(ctx context.Context) (smartcard.Presence, error) {
	p, err := b.config.Reader.Status(ctx)
	if err != nil || !p.Reader {
		p = smartcard.Presence{} // without a reader nothing is in it
	}
	b.last.mu.Lock()
	defer b.last.mu.Unlock()
	b.last.presence = p
	return p, err
}

// presence returns what stands ready; if the reader is busy, what did last.
func (b *Bridge) presence(ctx context.Context) smartcard.Presence {
	waiting, cancel := context.WithTimeout(ctx, statusWait)
	defer cancel()
	if b.take(waiting) {
		defer b.release()
		looking, cancel := context.WithTimeout(ctx, b.config.ReaderTimeout)
		defer cancel()
		p, _ := b.look(looking)
		return p
	}
	b.last.mu.Lock()
	defer b.last.mu.Unlock()
	return b.last.presence
}

func (b *Bridge) postRead(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Challenge string `json:"challenge"`
	}
	if !decode(w, r, &request) {
		return
	}
	read, document, err := b.read(r.Context(), request.Challenge)
	if err != nil {
		b.answerError(w, err)
		return
	}
	answer(w, http.StatusOK, struct {
		smartcard.Card
		Signature string `json:"signature"`
	}{read.Card, document})
}

// ticketAnswer is what is said of a ticket, to the page; what counts for the
// gateway stands in the signature.
type ticketAnswer struct {
	Ticket    tolem.TicketID    `json:"ticket_id"`
	Result    smartcard.Outcome `json:"result"`
	Code      smartcard.Code    `json:"code,omitempty"`
	Message   string            `json:"message,omitempty"`
	Signature string            `json:"signature"`
}

// postTicket carries a ticket out. Every ticket of the gateway's for this
// workstation is answered with a signed result, failures and expired ones too.
func (b *Bridge) postTicket(op tolem.TicketOp) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Ticket string `json:"ticket"`
		}
		if !decode(w, r, &request) {
			return
		}
		e, err := b.run(r.Context(), op, request.Ticket)
		if err != nil {
			b.answerError(w, err)
			return
		}
		b.answerTicket(w, e, true)
	}
}

func (b *Bridge) getTicket(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if len(id) > maxTicketID {
		answerCode(w, smartcard.RequestInvalid)
		return
	}
	b.answerTicket(w, b.about(r.Context(), tolem.TicketID(id)), false)
}

const maxTicketID = 64

// answerTicket answers with a ticket's result: with a status that says what it
// is, if the result is of this request.
func (b *Bridge) answerTicket(w http.ResponseWriter, e entry, ofThisRequest bool) {
	r, document, err := b.result(e)
	if err != nil {
		b.answerError(w, err)
		return
	}
	a := ticketAnswer{Ticket: r.Ticket, Result: r.Outcome, Code: r.Code, Signature: document}
	code := http.StatusOK
	switch {
	case r.Outcome == smartcard.Failed:
		a.Message = r.Code.Message()
		code = r.Code.Status()
	case r.Outcome == smartcard.Unknown:
		a.Code, a.Message = smartcard.NoAnswer, smartcard.NoAnswer.Message()
		code = smartcard.NoAnswer.Status()
	}
	if !ofThisRequest {
		code = http.StatusOK
	}
	answer(w, code, a)
}

func (b *Bridge) getPairing(w http.ResponseWriter, _ *http.Request) {
	p := b.identity.waiting()
	if p == nil {
		answerCode(w, smartcard.NotFound)
		return
	}
	document, err := p.signer.SignEnrolment(p.Workstation, b.config.Simulator != nil, p.Secret)
	if err != nil {
		b.answerError(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]string{"workstation": string(p.Workstation), "enrolment": document})
}

func (b *Bridge) postPairing(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Grant string `json:"grant"`
	}
	if !decode(w, r, &request) {
		return
	}
	switch err := b.identity.grant(request.Grant); {
	case errors.Is(err, smartcard.ErrSignature) || errors.Is(err, smartcard.ErrDocument):
		answerCode(w, smartcard.RequestInvalid)
		return
	case err != nil:
		b.answerError(w, err)
		return
	}
	me := b.identity.now()
	b.config.Log.Info().Str("workstation", string(me.Workstation)).Str("key", string(me.signer.Public.ID)).Msg("paired")
	answer(w, http.StatusOK, map[string]string{"workstation": string(me.Workstation), "key": string(me.signer.Public.ID)})
}

// decode reads the body of a request: JSON, one value, no field that is not
// known. It answers itself if it cannot.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	// Another type could be sent without the browser asking first.
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		answerCode(w, smartcard.RequestInvalid)
		return false
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		answerCode(w, smartcard.RequestInvalid)
		return false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		answerCode(w, smartcard.RequestInvalid)
		return false
	}
	return true
}

// answerError answers with the code of a refusal; what is none is not told.
func (b *Bridge) answerError(w http.ResponseWriter, err error) {
	var r *refused
	switch {
	case errors.As(err, &r):
		answerCode(w, r.code)
		return
	case errors.Is(err, smartcard.ErrDocument): // a name that no ticket has
		answerCode(w, smartcard.RequestInvalid)
		return
	}
	b.config.Log.Error().Err(err).Msg("request")
	answerCode(w, smartcard.Broken)
}

func answerCode(w http.ResponseWriter, code smartcard.Code) {
	answer(w, code.Status(), map[string]string{"code": string(code), "message": code.Message()})
}

func answer(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"code":"broken"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// Server returns an HTTP server with the limits of a bridge.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: smartcard.AnswerWithin + 5*time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
}
