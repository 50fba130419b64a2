package archive

import (
	"encoding/xml"
	"fmt"
	"time"

	"tolem"
)

// deskPayment is the document by which a payment that was taken at a bank's desk
// is kept as evidence. No bank notifies it: its operator made it at the gateway.
type deskPayment struct {
	XMLName    xml.Name `xml:"deskPayment"`
	Code       string   `xml:"paymentCode"`
	Payment    string   `xml:"paymentId"`
	Bank       string   `xml:"bankId"`
	Branch     string   `xml:"branchId"`
	Receipt    string   `xml:"receiptNo"`
	Operator   string   `xml:"operatorId"`
	Asan       bool     `xml:"asanOperator"`
	Amount     string   `xml:"amount"`
	Fee        string   `xml:"fee"`
	Currency   string   `xml:"currency"`
	PaidAt     string   `xml:"paidAt"`
	ReceivedAt string   `xml:"receivedAt"`
	Channel    string   `xml:"channel"`
	Recipient  string   `xml:"recipientIIN"`
	Name       string   `xml:"recipientName,omitempty"`
	Service    string   `xml:"serviceCode"`
	Provider   string   `xml:"providerId"`
	Account    string   `xml:"accountNo"`
	Unit       string   `xml:"unit,omitempty"`
	AsanUnit   string   `xml:"asanUnit,omitempty"`
	Invoice    string   `xml:"invoice,omitempty"`
	Period     string   `xml:"period,omitempty"`
	Advance    bool     `xml:"advance"`
	CardWrite  string   `xml:"cardWrite"`
}

// DeskPrefix opens the document.
const DeskPrefix = "<deskPayment>"

// DeskDocument writes down a payment that was taken at a desk: the payment of
// the code, and what the desk knows of it besides (WP-595).
func DeskDocument(p tolem.Payment, d tolem.DeskPayment) ([]byte, error) {
	raw, err := xml.Marshal(deskPayment{
		Code: p.Code.String(), Payment: string(d.ID), Bank: string(p.Bank), Branch: string(p.Branch), Receipt: string(p.BankRef),
		Operator: string(d.By), Asan: d.Asan, Amount: p.Amount.Decimal(), Fee: d.Fee.Decimal(), Currency: string(p.Amount.Currency),
		PaidAt: p.PaidAt.UTC().Format(time.RFC3339Nano), ReceivedAt: p.ReceivedAt.UTC().Format(time.RFC3339Nano), Channel: string(p.Channel),
		Recipient: p.Recipient.Reveal(), Name: p.RecipientName, Service: string(p.Service), Provider: string(p.Provider), Account: p.Account,
		Unit: string(d.Unit), AsanUnit: string(d.AsanUnit), Invoice: d.Invoice, Period: d.Period, Advance: d.Advance, CardWrite: string(d.CardWrite),
	})
	if err != nil {
		return nil, fmt.Errorf("write a payment down: %w", err)
	}
	return raw, nil
}

// ReadDesk reads the payment of the code from what DeskDocument wrote.
func ReadDesk(raw []byte) (p tolem.Payment, err error) {
	var d deskPayment
	if err := xml.Unmarshal(raw, &d); err != nil {
		return p, fmt.Errorf("payment at a desk: %w", err)
	}
	currency, err := tolem.ParseCurrency(d.Currency)
	if err != nil {
		return p, err
	}
	p = tolem.Payment{
		Bank: tolem.ParticipantID(d.Bank), BankRef: tolem.BankRef(d.Receipt), Channel: tolem.Channel(d.Channel), Recipient: tolem.IIN(d.Recipient),
		RecipientName: d.Name, Service: tolem.ServiceCode(d.Service), Provider: tolem.ProviderID(d.Provider), Account: d.Account,
		NotifiedBy: tolem.ParticipantID(d.Bank), Branch: tolem.ParticipantID(d.Branch),
	}
	if p.Code, err = tolem.ReadCodeNumber(d.Code); err != nil {
		return p, err
	}
	if p.Amount, err = tolem.ParseMoney(d.Amount, currency); err != nil {
		return p, err
	}
	if d.Fee != noFee {
		if p.Fee, err = tolem.ParseMoney(d.Fee, currency); err != nil {
			return p, err
		}
	}
	if p.PaidAt, err = time.Parse(time.RFC3339Nano, d.PaidAt); err != nil {
		return p, err
	}
	p.ReceivedAt, err = time.Parse(time.RFC3339Nano, d.ReceivedAt)
	return p, err
}

// noFee is how no fee is written.
const noFee = "0.00"
