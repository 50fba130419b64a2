package merchant

import (
	"context"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/wsdl"
)

// Result is what became of an order.
type Result struct {
	Number        string
	Merchant      tolem.ParticipantID
	OrderNo       tolem.RequestNo
	Sequence      int // of the order's results; the highest says how the order stands
	Attempt       tolem.AttemptID
	Code          tolem.CodeNumber
	Service       tolem.ServiceCode
	Amount        tolem.Money
	Authorisation string
	State         tolem.OrderState
	Reason        tolem.RefusalReason // of a refusal
	Bank          tolem.ParticipantID
	BankCode      string // the bank's own words, not for the buyer
	BankText      string
	BankRef       tolem.BankRef
	Card          string // masked

	StartedAt, DecidedAt, PaidAt, MadeAt time.Time

	Document []byte // as it came, with its signature: keep it
}

// ErrResult reports a document that is no result of the gateway's.
var ErrResult = errors.New("not a result of the gateway")

// Trust says whose results are believed: those that one of these certificates
// has signed. A gateway that changes its key says so beforehand, and its new
// certificate is put beside the old one.
type Trust []*x509.Certificate

// Check implements signing.Truster.
func (t Trust) Check(cert *x509.Certificate, now time.Time) (trust.Proof, error) {
	switch {
	case !slices.ContainsFunc(t, cert.Equal):
		return trust.Proof{}, trust.ErrUntrusted
	case now.After(cert.NotAfter):
		return trust.Proof{}, trust.ErrExpired
	case now.Before(cert.NotBefore):
		return trust.Proof{}, trust.ErrNotYetValid
	}
	return trust.Proof{}, nil
}

// ReadResult verifies a document and returns what it says.
func ReadResult(document []byte, t signing.Truster, now time.Time) (Result, error) {
	verified, err := signing.VerifyEnveloped(document, t, now)
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrResult, err)
	}
	var d struct {
		XMLName       xml.Name            `xml:"urn:tolem:result:v1 result"`
		Number        string              `xml:"number"`
		Merchant      tolem.ParticipantID `xml:"merchantId"`
		OrderNo       tolem.RequestNo     `xml:"orderNo"`
		Sequence      int                 `xml:"sequence"`
		Attempt       tolem.AttemptID     `xml:"attemptId"`
		Code          string              `xml:"paymentCode"`
		Service       tolem.ServiceCode   `xml:"serviceCode"`
		Amount        string              `xml:"amount"`
		Currency      string              `xml:"currency"`
		Authorisation string              `xml:"authorisation"`
		State         tolem.OrderState    `xml:"state"`
		Reason        tolem.RefusalReason `xml:"reason"`
		Bank          tolem.ParticipantID `xml:"bankId"`
		BankCode      string              `xml:"bankCode"`
		BankText      string              `xml:"bankText"`
		BankRef       tolem.BankRef       `xml:"bankRef"`
		Card          string              `xml:"card"`
		StartedAt     time.Time           `xml:"startedAt"`
		DecidedAt     time.Time           `xml:"decidedAt"`
		PaidAt        time.Time           `xml:"paidAt"`
		MadeAt        time.Time           `xml:"madeAt"`
	}
	if err := xml.Unmarshal(verified.Content, &d); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrResult, err)
	}
	r := Result{
		Number: d.Number, Merchant: d.Merchant, OrderNo: d.OrderNo, Sequence: d.Sequence, Attempt: d.Attempt, Service: d.Service,
		Authorisation: d.Authorisation, State: d.State, Reason: d.Reason, Bank: d.Bank, BankCode: d.BankCode, BankText: d.BankText,
		BankRef: d.BankRef, Card: d.Card, StartedAt: d.StartedAt, DecidedAt: d.DecidedAt, PaidAt: d.PaidAt, MadeAt: d.MadeAt, Document: document,
	}
	currency, err := tolem.ParseCurrency(d.Currency)
	if err == nil {
		r.Amount, err = tolem.ParseMoney(d.Amount, currency)
	}
	if err == nil {
		r.Code, err = tolem.ReadCodeNumber(d.Code)
	}
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrResult, err)
	}
	if !tolem.CheckResultNumber(r.Number) || r.Sequence < 1 || !slices.Contains(tolem.OrderStates, r.State) {
		return Result{}, fmt.Errorf("%w: it does not follow %s", ErrResult, wsdl.ResultNamespace)
	}
	return r, nil
}

// ReceiverConfig says how results are taken.
type ReceiverConfig struct {
	Merchant tolem.ParticipantID // this shop; results of others are refused
	Gateway  signing.Truster     // whose results are believed, as a rule a Trust

	// Handle is told of a result, normally once. It returns nil when the shop
	// holds the result durably; else the gateway posts it again, and Handle is
	// told again. A shop that may restart recognises a repetition by Number
	// itself.
	Handle func(context.Context, Result) error

	Clock func() time.Time // time.Now if nil
}

// Limits of a receiver.
const (
	maxResult = 64 << 10 // bytes of a posted document
	maxSeen   = 100_000  // numbers that are remembered
)

// Receiver is where the gateway posts results. It is safe for concurrent use.
type Receiver struct {
	config ReceiverConfig

	mu          sync.Mutex
	seen, older map[string]bool
}

// NewReceiver returns a receiver.
func NewReceiver(c ReceiverConfig) *Receiver {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &Receiver{config: c, seen: make(map[string]bool)}
}

// ServeHTTP takes one result. It acknowledges with the number when the shop has
// taken it, now or before; everything else is an error, and the result comes
// again.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST a result", http.StatusMethodNotAllowed)
		return
	}
	document, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxResult))
	if err != nil {
		http.Error(w, "cannot be read", http.StatusBadRequest)
		return
	}
	result, err := ReadResult(document, r.config.Gateway, r.config.Clock())
	if err != nil || result.Merchant != r.config.Merchant {
		http.Error(w, ErrResult.Error(), http.StatusBadRequest)
		return
	}
	if err := r.take(req.Context(), result); err != nil {
		http.Error(w, "cannot be taken now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, result.Number) // if that gets lost the result comes again
}

// take tells the shop of a result that it does not have yet. One is taken at a
// time, so that of two posts of one result the second finds the first taken.
func (r *Receiver) take(ctx context.Context, result Result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[result.Number] || r.older[result.Number] {
		return nil
	}
	if err := r.config.Handle(ctx, result); err != nil {
		return err
	}
	if len(r.seen) >= maxSeen/2 {
		r.older, r.seen = r.seen, make(map[string]bool)
	}
	r.seen[result.Number] = true
	return nil
}
