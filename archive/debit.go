package archive

import (
	"encoding/xml"
	"fmt"
	"time"

	"tolem"
)

// debit is the document by which a payment from an account is kept as evidence.
// No bank notifies it: the bank's signed answer to the debit stands beside it,
// and this says what the gateway made of it.
type debit struct {
	XMLName       xml.Name `xml:"accountPayment"`
	Code          string   `xml:"paymentCode"`
	Payment       string   `xml:"paymentId"`
	Attempt       string   `xml:"attemptId"`
	Bank          string   `xml:"bankId"`
	BankRef       string   `xml:"bankRef"`
	Amount        string   `xml:"amount"`
	Currency      string   `xml:"currency"`
	PaidAt        string   `xml:"paidAt"`
	ReceivedAt    string   `xml:"receivedAt"`
	Channel       string   `xml:"channel"`
	Recipient     string   `xml:"recipientIIN"`
	RecipientName string   `xml:"recipientName,omitempty"`
	Service       string   `xml:"serviceCode"`
	Provider      string   `xml:"providerId"`
	Account       string   `xml:"accountNo"`
}

// DebitPrefix opens the document.
const DebitPrefix = "<accountPayment>"

// DebitDocument writes down a payment from an account (GW-103).
func DebitDocument(p tolem.Payment, id tolem.PaymentID, attempt tolem.AttemptID) ([]byte, error) {
	raw, err := xml.Marshal(debit{
		Code: p.Code.String(), Payment: string(id), Attempt: string(attempt), Bank: string(p.Bank), BankRef: string(p.BankRef),
		Amount: p.Amount.Decimal(), Currency: string(p.Amount.Currency), PaidAt: p.PaidAt.UTC().Format(time.RFC3339Nano),
		ReceivedAt: p.ReceivedAt.UTC().Format(time.RFC3339Nano), Channel: string(p.Channel), Recipient: p.Recipient.Reveal(),
		RecipientName: p.RecipientName, Service: string(p.Service), Provider: string(p.Provider), Account: p.Account,
	})
	if err != nil {
		return nil, fmt.Errorf("write a payment down: %w", err)
	}
	return raw, nil
}

// ReadDebit reads what DebitDocument wrote.
func ReadDebit(raw []byte) (p tolem.Payment, err error) {
	var d debit
	if err := xml.Unmarshal(raw, &d); err != nil {
		return p, fmt.Errorf("payment from an account: %w", err)
	}
	currency, err := tolem.ParseCurrency(d.Currency)
	if err != nil {
		return p, err
	}
	p = tolem.Payment{
		Bank: tolem.ParticipantID(d.Bank), BankRef: tolem.BankRef(d.BankRef), Channel: tolem.Channel(d.Channel), Recipient: tolem.IIN(d.Recipient),
		RecipientName: d.RecipientName, Service: tolem.ServiceCode(d.Service), Provider: tolem.ProviderID(d.Provider), Account: d.Account,
		NotifiedBy: tolem.ParticipantID(d.Bank),
	}
	if p.Code, err = tolem.ReadCodeNumber(d.Code); err != nil {
		return p, err
	}
	if p.Amount, err = tolem.ParseMoney(d.Amount, currency); err != nil {
		return p, err
	}
	if p.PaidAt, err = time.Parse(time.RFC3339Nano, d.PaidAt); err != nil {
		return p, err
	}
	p.ReceivedAt, err = time.Parse(time.RFC3339Nano, d.ReceivedAt)
	return p, err
}
