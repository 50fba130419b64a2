package channel

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"tolem/signing"
)

// Errors of Service.Open.
var (
	// ErrUnread: no whole message of a size that is taken came.
	ErrUnread = errors.New("cannot be read")
	// ErrSender: the message is signed, but not by whom the contract is with.
	ErrSender = errors.New("not the gateway's signature")
)

// Service is the called side of a contract in which the gateway is the caller.
type Service struct {
	Reader   *signing.Reader
	Signer   *signing.Signer   // of whoever is called
	Verifier *signing.Verifier // of the gateway's messages
	// Gateway says whether the certificate of a verified message is the gateway's.
	Gateway func(*signing.Verified) bool
	Clock   func() time.Time
}

// Open reads a message, verifies it and returns what the gateway has signed.
func (s Service) Open(w http.ResponseWriter, r *http.Request) (operation string, fields []signing.Field, err error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, signing.MaxMessage))
	if err != nil {
		return "", nil, ErrUnread
	}
	v, err := s.Verifier.Verify(raw, s.Clock())
	if err != nil {
		return "", nil, err
	}
	if !s.Gateway(v) {
		return "", nil, ErrSender
	}
	return s.Reader.Read(v.Body)
}

// Answer signs an answer and writes it.
func (s Service) Answer(w http.ResponseWriter, payload []byte) {
	signed, err := s.Signer.Sign(signing.SOAP11, payload, s.Clock())
	if err != nil {
		http.Error(w, "cannot be signed", http.StatusInternalServerError)
		return
	}
	WriteAnswer(w, signed)
}

// WriteAnswer writes a signed answer.
func WriteAnswer(w http.ResponseWriter, signed []byte) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(signed)))
	_, _ = w.Write(signed) // the caller has hung up
}

// WriteContract shows a contract.
func WriteContract(w http.ResponseWriter, wsdl []byte) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write(wsdl) // the reader has hung up
}
