package receipt

import (
	"encoding/xml"
	"fmt"
	"time"

	"tolem"
)

// documentNamespace is the namespace of the signed XML receipt.
const documentNamespace = "urn:tolem:receipt:v1"

// document is the XML receipt as its schema has it.
type document struct {
	XMLName       xml.Name
	Code          string    `xml:"paymentCode"`
	BankRef       string    `xml:"transactionNo"`
	Bank          string    `xml:"bankId"`
	BankName      string    `xml:"bankName"`
	Recipient     string    `xml:"recipientIIN"`
	RecipientName string    `xml:"recipientName"`
	RequestNo     string    `xml:"requestNo"`
	Account       string    `xml:"accountNo"`
	Amount        string    `xml:"amount"`
	Currency      string    `xml:"currency"`
	PaidAt        time.Time `xml:"paidAt"`
	ReceivedAt    time.Time `xml:"receivedAt"`
	Method        string    `xml:"paymentMethod"`
	Service       string    `xml:"serviceCode"`
	ServiceNames  names     `xml:"serviceName"`
	Provider      string    `xml:"providerId"`
	ProviderNames names     `xml:"providerName"`
}

type names struct {
	KK string `xml:"kk"`
	RU string `xml:"ru"`
	EN string `xml:"en"`
}

// ReadDocument reads the content of a signed XML receipt whose signature was
// verified before. It does not verify anything itself.
func ReadDocument(content []byte) (Receipt, error) {
	var d document
	if err := xml.Unmarshal(content, &d); err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrText, err)
	}
	if d.XMLName.Space != documentNamespace || d.XMLName.Local != "receipt" {
		return Receipt{}, fmt.Errorf("%w: the document is a %s", ErrText, d.XMLName.Local)
	}
	r := Receipt{
		RecipientName: d.RecipientName, RequestNo: d.RequestNo, Account: d.Account, PaidAt: d.PaidAt.UTC(), ReceivedAt: d.ReceivedAt.UTC(),
		BankRef: d.BankRef, Bank: d.Bank, BankName: d.BankName, Service: d.Service, ServiceNames: tolem.Names(d.ServiceNames),
		Provider: d.Provider, ProviderNames: tolem.Names(d.ProviderNames),
	}
	var err error
	if r.Code, err = tolem.ParseCodeNumber(d.Code); err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrText, err)
	}
	if r.Recipient, err = tolem.ParseIIN(d.Recipient); err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrText, err)
	}
	if r.Method, err = tolem.ParseChannel(d.Method); err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrText, err)
	}
	currency, err := tolem.ParseCurrency(d.Currency)
	if err == nil {
		r.Amount, err = tolem.ParseMoney(d.Amount, currency)
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrText, err)
	}
	return r, nil
}
