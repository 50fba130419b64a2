package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/store"
)

// Replayed is what a register comes to when it is rebuilt from the evidence.
type Replayed struct {
	Register store.StoredRegister // head and signature as they stand in the evidence
	Rows     int64
	Hash     [32]byte // of the rebuilt document
	Signed   [32]byte // that the signature in the evidence is of
}

// OK reports whether the rebuilt document is the one that was signed.
func (p Replayed) OK() bool { return p.Hash == p.Signed }

// ErrNoEvidence: the archive holds no such register.
var ErrNoEvidence = errors.New("the archive has no evidence of the register")

// Replay rebuilds a register from the evidence archive alone: its head from
// what was kept when it was signed, its rows from the banks' notifications and
// the gateway's answers, closings and refunds, its day from the seals. No table
// of payments is read. The document before its signature is written to w.
func (r *Registry) Replay(ctx context.Context, w io.Writer, n tolem.RegisterNumber) (Replayed, error) {
	p := newReplay(r, n)
	var result Replayed
	if err := p.gather(ctx); err != nil {
		return result, fmt.Errorf("replay %s: %w", n, err)
	}
	rows, err := p.rows(ctx)
	if err != nil {
		return result, fmt.Errorf("replay %s: %w", n, err)
	}
	digest := sha256.New()
	err = writeDocument(io.MultiWriter(w, digest), &p.register, func(yield func(tolem.RegisterRow, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}, nil)
	if err != nil {
		return result, err
	}
	if _, err := io.MultiWriter(w, digest).Write([]byte(registerEnd)); err != nil {
		return result, err
	}
	result = Replayed{Register: p.register, Rows: int64(len(rows)), Signed: p.register.Hash}
	digest.Sum(result.Hash[:0])
	return result, nil
}

// replay gathers what the evidence tells of a day.
type replay struct {
	*Registry
	number   tolem.RegisterNumber
	register store.StoredRegister
	found    bool
	from, to time.Time

	payments  map[tolem.CodeNumber]tolem.RegisterRow
	refused   []tolem.RegisterRow
	closed    map[tolem.CodeNumber]time.Time
	refunds   map[tolem.CodeNumber]time.Time
	moves     []store.Correction
	elsewhere map[rowKey]bool           // facts of this day that a later seal took
	carried   map[rowKey]bool           // facts of earlier days that this day's seal took
	heldBack  map[tolem.CodeNumber]bool // payments of this day that its seal left out
}

func newReplay(r *Registry, n tolem.RegisterNumber) *replay {
	return &replay{
		Registry: r, number: n, payments: make(map[tolem.CodeNumber]tolem.RegisterRow),
		closed: make(map[tolem.CodeNumber]time.Time), refunds: make(map[tolem.CodeNumber]time.Time),
		elsewhere: make(map[rowKey]bool), carried: make(map[rowKey]bool),
		heldBack: make(map[tolem.CodeNumber]bool),
	}
}

// gather goes through the archive twice: for the register's head and the
// seals, which say what to look for, and for the messages of its day.
func (p *replay) gather(ctx context.Context) error {
	err := p.evidence.Walk(ctx, func(_ time.Time, concernsCode bool) bool { return !concernsCode }, func(records []archive.Record) error {
		for _, rec := range records {
			if rec.Direction == archive.Internal && bytes.HasPrefix(rec.Raw, []byte("<register ")) {
				if err := p.readHead(rec.Raw); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !p.found {
		return fmt.Errorf("%s: %w", p.number, ErrNoEvidence)
	}
	p.from, p.to = p.Calendar.Start(p.register.Day), p.Calendar.End(p.register.Day)
	window := func(at time.Time, concernsCode bool) bool {
		// Seals and corrections may come long after the day.
		return !at.Before(p.from.Add(-Stragglers-time.Second)) && (!concernsCode || at.Before(p.to.Add(Stragglers+time.Second))) ||
			!at.Before(p.to) && !concernsCode
	}
	if p.register.Corrections > 0 {
		window = func(at time.Time, _ bool) bool { return !at.Before(p.from.Add(-Stragglers - time.Second)) }
	}
	return p.evidence.Walk(ctx, window, p.read)
}

// readHead takes the head of the register out of its evidence.
func (p *replay) readHead(raw []byte) error {
	var doc struct {
		Number      tolem.RegisterNumber `xml:"number"`
		Kind        tolem.RegisterKind   `xml:"kind"`
		Owner       string               `xml:"ownerId"`
		Bank        tolem.ParticipantID  `xml:"bankId"`
		Day         string               `xml:"day"`
		Revision    int                  `xml:"revision"`
		Corrections int                  `xml:"corrections"`
		Digest      string               `xml:"Signature>SignedInfo>Reference>DigestValue"`
	}
	if err := xml.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("evidence of a register: %w", err)
	}
	if doc.Number != p.number {
		return nil
	}
	head, _, ok := bytes.Cut(raw, []byte(registerRows))
	digest, err := base64.StdEncoding.DecodeString(doc.Digest)
	day, errDay := tolem.ParseDay(doc.Day)
	if err = errors.Join(err, errDay); err != nil || !ok || len(digest) != sha256.Size {
		return fmt.Errorf("evidence of %s is malformed: %w", p.number, err)
	}
	p.found = true
	p.register = store.StoredRegister{
		Register: tolem.Register{
			Number: doc.Number, Owner: tolem.Owner{Kind: doc.Kind, ID: doc.Owner, Bank: doc.Bank}, Day: day, Revision: doc.Revision,
			Hash: [32]byte(digest),
		},
		Corrections: doc.Corrections, Head: append(bytes.Clone(head), registerRows...),
	}
	if doc.Kind == tolem.BankRegister {
		p.register.Owner.Bank = tolem.ParticipantID(doc.Owner)
	}
	if at := bytes.Index(raw, []byte("<ds:Signature ")); at >= 0 {
		p.register.Signature = bytes.TrimSuffix(bytes.Clone(raw[at:]), []byte(registerEnd))
	}
	return nil
}

// read takes what concerns the day out of an entry of the archive.
func (p *replay) read(records []archive.Record) error {
	if rec := records[0]; rec.Direction == archive.Internal {
		return p.readInternal(rec)
	}
	if len(records) != 2 || records[0].Class != "" || records[1].Direction != archive.Out {
		return nil // a repetition, which is kept apart from its answer, or a fault
	}
	in, out := records[0], records[1]
	switch in.Operation {
	case tolem.OpNotifyPayment:
		return p.readNotification(in, out)
	case tolem.OpCloseCode:
		answer, err := bodyFields(out.Raw)
		if err != nil || answer["resultCode"] != string(tolem.OK) {
			return err
		}
		number, closedAt, err := codeAndTime(answer["paymentCode"], answer["closedAt"])
		if _, seen := p.closed[number]; err == nil && !seen {
			p.closed[number] = closedAt
		}
		return err
	}
	return nil
}

func codeAndTime(code, at string) (tolem.CodeNumber, time.Time, error) {
	number, err := tolem.ReadCodeNumber(code)
	t, errTime := time.Parse(time.RFC3339Nano, at)
	return number, t, errors.Join(err, errTime)
}

// readInternal reads what the gateway wrote down itself.
func (p *replay) readInternal(rec archive.Record) error {
	switch {
	case bytes.HasPrefix(rec.Raw, []byte("<daySeal ")):
		return p.readSeal(rec.Raw)
	case bytes.HasPrefix(rec.Raw, []byte("<correction ")):
		return p.readCorrection(rec.Raw)
	case bytes.HasPrefix(rec.Raw, []byte(archive.DebitPrefix)):
		return p.readPaid(archive.ReadDebit(rec.Raw))
	case bytes.HasPrefix(rec.Raw, []byte(archive.DeskPrefix)):
		return p.readPaid(archive.ReadDesk(rec.Raw))
	case len(rec.Raw) > 0 && rec.Raw[0] == '{':
		var refund struct {
			Event, Code, Result string
			At                  time.Time
		}
		if err := json.Unmarshal(rec.Raw, &refund); err != nil || refund.Event != tolem.EventRefund.String() || refund.Result != string(tolem.OK) {
			return err
		}
		number, err := tolem.ReadCodeNumber(refund.Code)
		if _, seen := p.refunds[number]; err == nil && !seen {
			p.refunds[number] = refund.At.UTC()
		}
		return err
	}
	return nil
}

// readPaid makes a row of a payment that no bank notifies: from an account, which
// the gateway wrote down when the bank had answered (GW-103), or at a desk.
func (p *replay) readPaid(paid tolem.Payment, err error) error {
	if err != nil {
		return err
	}
	if _, seen := p.payments[paid.Code]; !seen {
		p.payments[paid.Code] = tolem.RegisterRow{
			Kind: tolem.RowPayment, Code: paid.Code, At: paid.ReceivedAt, Bank: paid.Bank, BankRef: paid.BankRef, Service: paid.Service,
			Provider: paid.Provider, Amount: paid.Amount, Channel: paid.Channel, PaidAt: paid.PaidAt, ReceivedAt: paid.ReceivedAt,
			Branch: paid.Branch, Fee: paid.Fee,
		}
	}
	return nil
}

func (p *replay) readSeal(raw []byte) error {
	var doc struct {
		Day   string `xml:"day"`
		Facts []struct {
			Kind tolem.RowKind `xml:"kind"`
			Code string        `xml:"paymentCode"`
			ID   string        `xml:"id"`
		} `xml:"carriedOver>fact"`
		HeldBack []string `xml:"heldBack>paymentCode"`
	}
	if err := xml.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("seal of a day: %w", err)
	}
	day, err := tolem.ParseDay(doc.Day)
	if err != nil {
		return err
	}
	if day == p.register.Day {
		for _, code := range doc.HeldBack {
			number, err := tolem.ReadCodeNumber(code)
			if err != nil {
				return err
			}
			p.heldBack[number] = true
		}
	}
	for _, f := range doc.Facts {
		number, err := tolem.ReadCodeNumber(f.Code)
		if err != nil {
			return err
		}
		id, err := base64.StdEncoding.DecodeString(f.ID)
		if err != nil {
			return err
		}
		key := rowKey{code: number, kind: f.Kind}
		copy(key.id[:], id)
		switch {
		case day == p.register.Day:
			p.carried[key] = true
		case day > p.register.Day:
			p.elsewhere[key] = true
		}
	}
	return nil
}

func (p *replay) readCorrection(raw []byte) error {
	var doc struct {
		Day    string              `xml:"day"`
		Seq    int                 `xml:"seq"`
		Kind   tolem.RowKind       `xml:"kind"`
		Code   string              `xml:"paymentCode"`
		Branch tolem.ParticipantID `xml:"branchId"`
	}
	if err := xml.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("correction: %w", err)
	}
	number, err := tolem.ReadCodeNumber(doc.Code)
	if err == nil && doc.Day == p.register.Day.String() && doc.Seq <= p.register.Corrections {
		p.moves = append(p.moves, store.Correction{Seq: doc.Seq, Code: number, Kind: doc.Kind, Branch: doc.Branch})
	}
	return err
}

// readNotification makes a row of a bank's notification and what was answered.
func (p *replay) readNotification(in, out archive.Record) error {
	answer, err := bodyFields(out.Raw)
	if err != nil {
		return err
	}
	result := tolem.ResultCode(answer["resultCode"])
	if result != tolem.OK && !tolem.IsDiscrepancy(result) {
		return nil
	}
	request, err := bodyFields(in.Raw)
	if err != nil {
		return err
	}
	row, err := notifiedRow(request)
	if err != nil {
		return fmt.Errorf("notification %s: %w", in.ID, err)
	}
	// The branch is the one that the gateway took it for: a bank may name any.
	row.Branch, row.ReceivedAt, row.At = tolem.ParticipantID(answer["branchId"]), in.At.UTC(), in.At.UTC()
	if result != tolem.OK {
		row.Kind, row.Discrepancy, row.ID = tolem.RowDiscrepancy, string(result), in.ID
		p.refused = append(p.refused, row)
		return nil
	}
	first, err := time.Parse(time.RFC3339Nano, answer["receivedAt"])
	if err != nil || !first.Equal(row.ReceivedAt) {
		return err // the same payment notified again, under another request id
	}
	row.Kind = tolem.RowPayment
	if answer["late"] == "true" {
		row.Discrepancy = tolem.DiscrepancyLate
	}
	p.payments[row.Code] = row
	return nil
}

// notifiedRow reads what a notification says of a payment.
func notifiedRow(f map[string]string) (row tolem.RegisterRow, err error) {
	currency, err := tolem.ParseCurrency(f["currency"])
	if err != nil {
		return row, err
	}
	if row.Code, row.PaidAt, err = codeAndTime(f["paymentCode"], f["paidAt"]); err != nil {
		return row, err
	}
	row.PaidAt = row.PaidAt.UTC().Truncate(time.Microsecond)
	if row.Amount, err = tolem.ParseMoney(f["amount"], currency); err != nil {
		return row, err
	}
	if f["fee"] != "" {
		if row.Fee, err = tolem.ParseMoney(f["fee"], currency); err != nil {
			return row, err
		}
	}
	row.Bank, row.BankRef = tolem.ParticipantID(f["bankId"]), tolem.BankRef(f["bankRef"])
	row.Service, row.Provider, row.Channel = tolem.ServiceCode(f["serviceCode"]), tolem.ProviderID(f["providerId"]), tolem.Channel(f["channel"])
	return row, nil
}

// rows puts the register together.
func (p *replay) rows(ctx context.Context) ([]tolem.RegisterRow, error) {
	var all []tolem.RegisterRow
	if err := p.fetchCarried(ctx); err != nil {
		return nil, err
	}
	for _, row := range p.payments {
		row.State = tolem.StatePaid
		if at, ok := p.closed[row.Code]; ok && at.Before(p.to) {
			row.State, row.ClosedAt = tolem.StateClosed, at
		} else if at, ok := p.refunds[row.Code]; ok && at.Before(p.to) {
			row.State = tolem.StateRefunded
		}
		all = append(all, row)
	}
	for number, at := range p.refunds {
		row, err := p.refundRow(ctx, number, at)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	all = append(all, p.refused...)
	all = slices.DeleteFunc(all, func(row tolem.RegisterRow) bool {
		inDay := !row.At.Before(p.from) && row.At.Before(p.to) && !p.elsewhere[keyOf(row)] &&
			(row.Kind != tolem.RowPayment || !p.heldBack[row.Code])
		return !inDay && !p.carried[keyOf(row)]
	})
	all = p.ofOwner(all)
	slices.SortFunc(all, tolem.RegisterRow.Compare)
	for i := range all {
		all[i].Line, all[i].Belongs = i+1, p.Calendar.DayOf(all[i].ReceivedAt)
	}
	return all, nil
}

// fetchCarried looks for the payments that the day's seal took from days far
// back: cancellations of them were decided on this one.
func (p *replay) fetchCarried(ctx context.Context) error {
	for key := range p.carried {
		if _, found := p.payments[key.code]; key.kind != tolem.RowPayment || found {
			continue
		}
		row, closed, err := p.earlier(ctx, key.code)
		if err != nil {
			return err
		}
		p.payments[key.code] = row
		if _, seen := p.closed[key.code]; !seen && !closed.IsZero() {
			p.closed[key.code] = closed
		}
	}
	return nil
}

// refundRow makes a row of a refund; the payment may lie far back.
func (p *replay) refundRow(ctx context.Context, number tolem.CodeNumber, at time.Time) (row tolem.RegisterRow, err error) {
	row, found := p.payments[number]
	if !found {
		if row, _, err = p.earlier(ctx, number); err != nil {
			return row, err
		}
	}
	row.Kind, row.At, row.State, row.Discrepancy, row.ClosedAt = tolem.RowRefund, at, tolem.StateRefunded, "", time.Time{}
	return row, nil
}

// earlier makes a row of a payment from what the archive holds of its code, and
// tells when the code was closed; zero if it was not.
func (p *replay) earlier(ctx context.Context, number tolem.CodeNumber) (row tolem.RegisterRow, closed time.Time, err error) {
	records, err := p.evidence.CodeRecords(ctx, number)
	if err != nil {
		return row, closed, err
	}
	then := newReplay(p.Registry, p.number)
	for i, rec := range records {
		switch {
		case rec.Direction == archive.Internal:
			err = then.readInternal(rec)
		case rec.Direction == archive.Out && i > 0:
			err = then.read(records[i-1 : i+1])
		}
		if err != nil {
			return row, closed, err
		}
	}
	row, found := then.payments[number]
	if !found {
		return row, closed, fmt.Errorf("%s, whose payment is not in the archive", number)
	}
	return row, then.closed[number], nil
}

// ofOwner applies the corrections and leaves the owner's rows.
func (p *replay) ofOwner(all []tolem.RegisterRow) []tolem.RegisterRow {
	slices.SortFunc(p.moves, func(a, b store.Correction) int { return a.Seq - b.Seq })
	for _, c := range p.moves {
		for i := range all {
			if all[i].Code == c.Code && all[i].Kind == c.Kind {
				all[i].Branch = c.Branch
			}
		}
	}
	o := p.register.Owner
	return slices.DeleteFunc(all, func(row tolem.RegisterRow) bool {
		switch o.Kind {
		case tolem.ProviderRegister:
			return string(row.Provider) != o.ID || row.Kind == tolem.RowDiscrepancy
		case tolem.BankRegister:
			return string(row.Bank) != o.ID
		}
		return row.Bank != o.Bank || string(row.Branch) != o.ID
	})
}

// bodyFields returns the children of the Body's one element by name. The
// message was verified when it came; its bytes are those of the archive.
func bodyFields(raw []byte) (map[string]string, error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	fields := make(map[string]string)
	depth, inBody := 0, 0
	name := ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			return fields, nil
		}
		if err != nil {
			return nil, fmt.Errorf("message in the archive: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth == 2 && t.Name.Local == "Body" {
				inBody = depth
			}
			name = t.Name.Local
		case xml.CharData:
			if inBody > 0 && depth == inBody+2 {
				fields[name] += string(t)
			}
		case xml.EndElement:
			switch {
			case depth == inBody:
				inBody = 0
			case inBody > 0 && depth == inBody+2: // white space at the ends says nothing
				fields[name] = strings.Trim(fields[name], " \t\r\n")
			}
			depth--
		}
	}
}

// String says what a replay came to, for people.
func (p Replayed) String() string {
	verdict := "the same bytes as were signed"
	if !p.OK() {
		verdict = "NOT the bytes that were signed"
	}
	return string(p.Register.Number) + ": " + strconv.FormatInt(p.Rows, 10) + " rows, " + verdict
}
