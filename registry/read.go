package registry

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"time"

	"tolem"
	"tolem/store"
)

// ErrDocument reports a document that is not what it should be.
var ErrDocument = errors.New("not a document of this kind")

// rowXML is a row as it stands in the document.
type rowXML struct {
	Line        int                 `xml:"line"`
	Kind        tolem.RowKind       `xml:"kind"`
	Code        string              `xml:"paymentCode"`
	Bank        tolem.ParticipantID `xml:"bankId"`
	Branch      tolem.ParticipantID `xml:"branchId"`
	BankRef     tolem.BankRef       `xml:"bankRef"`
	Service     tolem.ServiceCode   `xml:"serviceCode"`
	Provider    tolem.ProviderID    `xml:"providerId"`
	Channel     tolem.Channel       `xml:"channel"`
	Amount      string              `xml:"amount"`
	Currency    tolem.Currency      `xml:"currency"`
	Fee         string              `xml:"fee"`
	PaidAt      time.Time           `xml:"paidAt"`
	ReceivedAt  time.Time           `xml:"receivedAt"`
	RefundedAt  time.Time           `xml:"refundedAt"`
	State       string              `xml:"state"`
	ClosedAt    time.Time           `xml:"closedAt"`
	Discrepancy string              `xml:"discrepancy"`
	BelongsTo   string              `xml:"belongsTo"`
}

// ReadRegister reads a register's document as a stream: fn gets each row. It
// verifies no signature; signing.VerifyStreamed does. What it returns has
// number, owner, day, revision and the totals that the rows come to, which must
// be those that the document states.
func ReadRegister(r io.Reader, fn func(tolem.RegisterRow) error) (reg tolem.Register, err error) {
	source := bufio.NewReaderSize(r, 64<<10)
	d := xml.NewDecoder(source) // takes byte by byte, so that both stand at the same place
	stated := int64(-1)
	take := func(x rowXML) error {
		row, err := x.row(reg.Day)
		if err != nil {
			return err
		}
		reg.Totals.Add(row)
		return fn(row)
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return reg, fmt.Errorf("register: %w: %w", ErrDocument, err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "rows":
			if err := plainRows(source, take); err != nil {
				return reg, err
			}
		case "row":
			var x rowXML
			if err := d.DecodeElement(&x, &start); err != nil {
				return reg, fmt.Errorf("row of a register: %w: %w", ErrDocument, err)
			}
			if err := take(x); err != nil {
				return reg, err
			}
			if err := plainRows(source, take); err != nil {
				return reg, err
			}
		case "totals":
			var totals struct {
				Rows int64 `xml:"rowCount"`
			}
			if err := d.DecodeElement(&totals, &start); err != nil {
				return reg, fmt.Errorf("totals of a register: %w: %w", ErrDocument, err)
			}
			stated = totals.Rows
		case "number", "kind", "ownerId", "bankId", "day", "revision":
			if err := readField(d, start, &reg); err != nil {
				return reg, err
			}
		}
	}
	if reg.Number == "" || stated != reg.Totals.Rows {
		return reg, fmt.Errorf("register %q states %d rows and has %d: %w", reg.Number, stated, reg.Totals.Rows, ErrDocument)
	}
	return reg, nil
}

func readField(d *xml.Decoder, start xml.StartElement, reg *tolem.Register) (err error) {
	var text string
	if err := d.DecodeElement(&text, &start); err != nil {
		return fmt.Errorf("head of a register: %w: %w", ErrDocument, err)
	}
	switch start.Name.Local {
	case "number":
		reg.Number, err = tolem.ParseRegisterNumber(text)
	case "kind":
		reg.Owner.Kind = tolem.RegisterKind(text)
	case "ownerId":
		reg.Owner.ID = text
		if reg.Owner.Kind == tolem.BankRegister {
			reg.Owner.Bank = tolem.ParticipantID(text)
		}
	case "bankId":
		reg.Owner.Bank = tolem.ParticipantID(text)
	case "day":
		reg.Day, err = tolem.ParseDay(text)
	case "revision":
		_, err = fmt.Sscan(text, &reg.Revision)
	}
	return err
}

// row makes a row of what was read.
func (x rowXML) row(day tolem.Day) (row tolem.RegisterRow, err error) {
	row = tolem.RegisterRow{
		Line: x.Line, Kind: x.Kind, Bank: x.Bank, Branch: x.Branch, BankRef: x.BankRef, Service: x.Service, Provider: x.Provider, Channel: x.Channel,
		PaidAt: x.PaidAt, ReceivedAt: x.ReceivedAt, At: x.ReceivedAt, ClosedAt: x.ClosedAt, Discrepancy: x.Discrepancy, Belongs: day,
	}
	if x.Kind == tolem.RowRefund {
		row.At = x.RefundedAt
	}
	var errs [5]error
	row.Code, errs[0] = tolem.ReadCodeNumber(x.Code)
	row.Amount, errs[1] = tolem.ParseMoney(x.Amount, x.Currency)
	if x.Fee != "" {
		row.Fee, errs[2] = tolem.ParseMoney(x.Fee, x.Currency)
	}
	if x.State != "" {
		row.State, errs[3] = tolem.ParseState(x.State)
	}
	if x.BelongsTo != "" {
		row.Belongs, errs[4] = tolem.ParseDay(x.BelongsTo)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return row, fmt.Errorf("row %d of a register: %w: %w", x.Line, ErrDocument, err)
	}
	return row, nil
}

// readAnomalies reads the anomalies of a report on a comparison.
func readAnomalies(document []byte) ([]tolem.Anomaly, error) {
	type money struct {
		Amount   string         `xml:"amount"`
		Currency tolem.Currency `xml:"currency"`
	}
	var x struct {
		Anomalies []struct {
			No          int               `xml:"no"`
			Code        tolem.AnomalyCode `xml:"code"`
			OurLine     int               `xml:"registerLine"`
			TheirLine   int               `xml:"listLine"`
			PaymentCode string            `xml:"paymentCode"`
			BankRef     tolem.BankRef     `xml:"bankRef"`
			Ours        string            `xml:"ours"`
			Theirs      string            `xml:"theirs"`
			Difference  money             `xml:"difference"`
			Counter     money             `xml:"counter"`
		} `xml:"anomalies>anomaly"`
	}
	if err := xml.Unmarshal(document, &x); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	list := make([]tolem.Anomaly, len(x.Anomalies))
	for i, a := range x.Anomalies {
		list[i] = tolem.Anomaly{
			No: a.No, Code: a.Code, OurLine: a.OurLine, TheirLine: a.TheirLine, BankRef: a.BankRef, Ours: a.Ours, Theirs: a.Theirs,
		}
		var err error
		if a.PaymentCode != "" {
			if list[i].PaymentCode, err = tolem.ReadCodeNumber(a.PaymentCode); err != nil {
				return nil, fmt.Errorf("anomaly %d: %w: %w", a.No, ErrDocument, err)
			}
		}
		for _, m := range []struct {
			from money
			to   *tolem.Money
		}{{a.Difference, &list[i].Difference}, {a.Counter, &list[i].Counter}} {
			if m.from.Amount == "" {
				continue
			}
			if *m.to, err = signedMoney(m.from.Amount, m.from.Currency); err != nil {
				return nil, fmt.Errorf("anomaly %d: %w: %w", a.No, ErrDocument, err)
			}
		}
	}
	return list, nil
}

// signedMoney reads an amount that may be negative.
func signedMoney(text string, c tolem.Currency) (tolem.Money, error) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	m, err := tolem.ParseMoney(text, c)
	if negative {
		m.Minor = -m.Minor
	}
	return m, err
}

// Anomalies returns what a comparison found.
func Anomalies(rec store.Reconciliation) ([]tolem.Anomaly, error) {
	document, err := ReportXML(rec)
	if err != nil {
		return nil, err
	}
	return readAnomalies(document)
}
