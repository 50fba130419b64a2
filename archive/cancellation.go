package archive

import (
	"encoding/xml"
	"fmt"
	"time"

	"tolem"
)

// cancellation is the document by which a request to cancel a payment at a desk,
// and what was decided of it, are kept as evidence. No message proves them:
// people of the bank said so at the gateway.
type cancellation struct {
	XMLName     xml.Name `xml:"deskCancellation"`
	Code        string   `xml:"paymentCode"`
	Bank        string   `xml:"bankId"`
	Receipt     string   `xml:"receiptNo"`
	Seq         int      `xml:"seq"`
	RequestedBy string   `xml:"requestedBy"`
	RequestedAt string   `xml:"requestedAt"`
	DecidedBy   string   `xml:"decidedBy,omitempty"` // absent: it awaits a decision
	DecidedAt   string   `xml:"decidedAt,omitempty"`
	Approved    bool     `xml:"approved"`
	Reason      string   `xml:"reason,omitempty"`
}

// CancellationDocument writes down a request to cancel a payment as it stands.
func CancellationDocument(c tolem.DeskCancellation) ([]byte, error) {
	d := cancellation{
		Code: c.Code.String(), Bank: string(c.Bank), Receipt: c.Receipt.String(), Seq: c.Seq, RequestedBy: string(c.RequestedBy),
		RequestedAt: c.RequestedAt.UTC().Format(time.RFC3339Nano), DecidedBy: string(c.DecidedBy), Approved: c.Approved, Reason: c.Reason,
	}
	if !c.DecidedAt.IsZero() {
		d.DecidedAt = c.DecidedAt.UTC().Format(time.RFC3339Nano)
	}
	raw, err := xml.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write a cancellation down: %w", err)
	}
	return raw, nil
}
