// Package receiver is the other side of the contract by which documents are
// pushed (wsdl/receiver-v1.wsdl): a participant's endpoint that verifies what
// comes, puts the parts together in a folder and answers signed. It shows
// participants how it is done, and it misbehaves when told to: it is down,
// slow, refuses, loses its answers, or signs with a key that is not its own.
//
// Tests and the sandbox run it. The gateway does not.
package receiver

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"tolem/signing"
	"tolem/wsdl"
	"tolem/wsdl/channel"
)

// Result codes of the contract.
const (
	resultOK           = "OK"
	resultBusy         = "BUSY"
	resultRefused      = "REFUSED"
	resultWrongHash    = "WRONG_HASH"
	resultOtherContent = "OTHER_CONTENT"
)

// Behaviour is what the receiver does with one request.
type Behaviour int

// The behaviours.
const (
	Well         Behaviour = iota // as the contract says
	Down                          // the connection breaks before anything is read
	Slow                          // answers after Config.Delay
	Busy                          // answers BUSY
	Refuse                        // answers REFUSED
	LoseAnswer                    // stores the part, then the connection breaks
	WrongSigner                   // answers with Config.Stranger's signature
	OtherRequest                  // answers for another request
	Garbage                       // answers with a page for people
)

// Config says who receives and how.
type Config struct {
	Dir      string            // complete documents; parts below it
	Signer   *signing.Signer   // of the participant
	Verifier *signing.Verifier // of the gateway's messages
	// Gateway says whether the certificate of a verified message is the gateway's.
	Gateway func(*signing.Verified) bool
	Clock   func() time.Time // time.Now if nil

	Stranger *signing.Signer // for WrongSigner
	Delay    time.Duration   // for Slow
}

// Receiver implements the contract over HTTP. It is safe for concurrent use.
type Receiver struct {
	config  Config
	service channel.Service
	shelf   shelf

	mu      sync.Mutex
	always  Behaviour
	next    []Behaviour
	counted Counts
}

// Counts is what the receiver has seen.
type Counts struct {
	Requests   int // that were verified
	Parts      int // stored
	Effects    int // documents that became complete
	Duplicates int // parts of documents that were complete already
}

// New returns a receiver that behaves well.
func New(c Config) *Receiver {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &Receiver{config: c, shelf: shelf{dir: c.Dir}, service: channel.Service{
		Reader: signing.NewReader(wsdl.ReceiverNamespace), Signer: c.Signer, Verifier: c.Verifier, Gateway: c.Gateway, Clock: c.Clock,
	}}
}

// Always sets how it behaves to requests for which nothing else was said.
func (r *Receiver) Always(b Behaviour) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.always = b
}

// Next says how it behaves to the next requests, one each.
func (r *Receiver) Next(b ...Behaviour) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = append(r.next, b...)
}

// Counts returns what it has seen.
func (r *Receiver) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counted
}

func (r *Receiver) count(change func(*Counts)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.counted)
}

func (r *Receiver) behaviour() Behaviour {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.next) == 0 {
		return r.always
	}
	b := r.next[0]
	r.next = r.next[1:]
	return b
}

// ServeHTTP takes one message. What is no message of the gateway is told so
// without a signature: an answer is owed to nobody else.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b := r.behaviour()
	if b == Down {
		panic(http.ErrAbortHandler)
	}
	operation, fields, err := r.service.Open(w, req)
	var d delivery
	if err == nil {
		d, err = readDelivery(operation, fields)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.count(func(c *Counts) { c.Requests++ })
	switch b {
	case Garbage:
		http.Error(w, "<h1>maintenance</h1>", http.StatusOK)
	case Busy:
		r.answer(w, d.requestID, resultBusy, "come back later", r.config.Signer)
	case Refuse:
		r.answer(w, d.requestID, resultRefused, "not wanted", r.config.Signer)
	default:
		r.take(w, req, d, b)
	}
}

// take stores the part and answers as it is told to.
func (r *Receiver) take(w http.ResponseWriter, req *http.Request, d delivery, b Behaviour) {
	if b == Slow {
		select {
		case <-req.Context().Done():
			return
		case <-time.After(r.config.Delay):
		}
	}
	code, text := r.store(d)
	signer, id := r.config.Signer, d.requestID
	switch b {
	case LoseAnswer:
		panic(http.ErrAbortHandler)
	case WrongSigner:
		signer = r.config.Stranger
	case OtherRequest:
		id = "00000000-0000-8000-8000-000000000000"
	}
	r.answer(w, id, code, text, signer)
}

// store puts the part on the shelf and says what to answer.
func (r *Receiver) store(d delivery) (code, text string) {
	what, err := r.shelf.put(d)
	switch {
	case errors.Is(err, errOtherContent):
		return resultOtherContent, "another document was accepted under this name"
	case errors.Is(err, errWrongHash):
		return resultWrongHash, "the parts together have another hash"
	case err != nil:
		return resultBusy, "cannot be stored now"
	}
	r.count(func(c *Counts) {
		switch what {
		case duplicate:
			c.Duplicates++
		case completed:
			c.Effects++
			c.Parts++
		case stored:
			c.Parts++
		}
	})
	return resultOK, "stored"
}

func (r *Receiver) answer(w http.ResponseWriter, id, code, text string, signer *signing.Signer) {
	payload := `<DeliverDocumentResponse xmlns="` + wsdl.ReceiverNamespace + `"><requestId>` + id + `</requestId><resultCode>` + code +
		`</resultCode><resultText>` + text + `</resultText></DeliverDocumentResponse>`
	service := r.service
	service.Signer = signer
	service.Answer(w, []byte(payload))
}
