package naive

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Server answers NotifyPayment the straightforward way: a tree of the request,
// encoding/xml for its fields, one transaction, a tree of the answer.
type Server struct {
	Store *Store
	Trust *Trust
	Key   crypto.Signer
	Cert  *x509.Certificate
}

const maxRequest = 1 << 20

type notifyRequest struct {
	RequestID string    `xml:"requestId"`
	Code      string    `xml:"paymentCode"`
	Bank      string    `xml:"bankId"`
	BankRef   string    `xml:"bankRef"`
	Amount    string    `xml:"amount"`
	Currency  string    `xml:"currency"`
	PaidAt    time.Time `xml:"paidAt"`
	Channel   string    `xml:"channel"`
	Recipient string    `xml:"recipientIIN"`
	Service   string    `xml:"serviceCode"`
	Provider  string    `xml:"providerId"`
	Account   string    `xml:"accountNo"`
}

type notifyAnswer struct {
	XMLName    xml.Name `xml:"urn:tolem:gateway:v1 NotifyPaymentResponse"`
	RequestID  string   `xml:"requestId"`
	ResultCode string   `xml:"resultCode"`
	ResultText string   `xml:"resultText"`
	Code       string   `xml:"paymentCode"`
	ReceivedAt string   `xml:"receivedAt"`
	State      string   `xml:"state"`
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.notify(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer) // a client that has gone away is no concern here
}

func (s *Server) notify(r *http.Request) ([]byte, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, errors.New("no client certificate")
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	body, _, err := s.Trust.Verify(raw, now)
	if err != nil {
		return nil, err
	}
	n, err := readNotification(body)
	if err != nil {
		return nil, err
	}
	n.Request, n.ReceivedAt = raw, now
	// Signed before the transaction begins, so that no connection waits for it.
	if n.Answer, err = s.sign(n, now); err != nil {
		return nil, err
	}
	return n.Answer, s.Store.Pay(r.Context(), n)
}

// readNotification reads the fields of the verified Body.
func readNotification(body *etree.Element) (Notification, error) {
	payload := body.ChildElements()
	if len(payload) != 1 {
		return Notification{}, refused("Body")
	}
	doc := etree.NewDocument()
	doc.AddChild(payload[0].Copy())
	content, err := doc.WriteToBytes()
	if err != nil {
		return Notification{}, err
	}
	var in notifyRequest
	if err := xml.Unmarshal(content, &in); err != nil {
		return Notification{}, err
	}
	number, err := strconv.ParseInt(in.Code, 10, 64)
	if err != nil {
		return Notification{}, err
	}
	amount, err := strconv.ParseInt(strings.Replace(in.Amount, ".", "", 1), 10, 64)
	return Notification{
		Code: Code{Number: number, Bank: in.Bank, Service: in.Service, Provider: in.Provider, Recipient: in.Recipient,
			Amount: amount, Currency: in.Currency},
		RequestID: in.RequestID, BankRef: in.BankRef, Channel: in.Channel, Account: in.Account, PaidAt: in.PaidAt,
	}, err
}

func (s *Server) sign(n Notification, now time.Time) ([]byte, error) {
	var b bytes.Buffer
	err := xml.NewEncoder(&b).Encode(notifyAnswer{
		RequestID: n.RequestID, ResultCode: "OK", ResultText: "Accepted", Code: strconv.FormatInt(n.Number, 10),
		ReceivedAt: now.UTC().Format(time.RFC3339Nano), State: "PAID",
	})
	if err != nil {
		return nil, err
	}
	return Sign(b.Bytes(), s.Key, s.Cert, now)
}
