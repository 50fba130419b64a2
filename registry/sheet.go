package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"tolem"
	"tolem/registry/form"
	"tolem/store"
)

// Sheet is a register as people read it: the same rows and totals as the
// signed document. Refunds are negative amounts; refused notifications are
// shown and counted in no total.
func (r *Registry) Sheet(ctx context.Context, reg store.StoredRegister, l form.Language) form.Sheet {
	s := form.Sheet{
		Language: l, Title: say(l, word("register."+string(reg.Owner.Kind))), Number: string(reg.Number), Head: r.headFields(reg, l),
		Columns: registerColumns(l), RowCount: reg.Totals.Rows, Totals: totalRows(reg.Totals, l),
		Zone: r.Calendar.Zone(), Printed: reg.FormedAt,
		Signature: r.signature(reg.Signature, reg.Hash, reg.FormedAt, "tolem:register?n="+string(reg.Number)+"&h="+hex.EncodeToString(reg.Hash[:]), l),
	}
	if list := reg.Totals.Currencies(); len(list) == 1 {
		s.Columns[amountColumn].Sum = true
	}
	s.Rows = cells(r.Rows(ctx, reg), reg.Day, func(word string) string { return word })
	return s
}

// signature tells people of the signature of a document.
func (r *Registry) signature(document []byte, hash [32]byte, at time.Time, qr string, l form.Language) *form.Signature {
	s := &form.Signature{At: at, Hash: hex.EncodeToString(hash[:]), Note: say(l, "signed"), QR: qr}
	if cert := signerIn(document); cert != nil {
		s.Signer, s.Serial = cert.Subject.String(), cert.SerialNumber.Text(16)
	}
	return s
}

// signerIn returns the certificate in a signature, which is the last element of
// a document; nil if there is none. It proves nothing: it is shown.
func signerIn(document []byte) *x509.Certificate {
	_, rest, _ := bytes.Cut(document[max(0, bytes.LastIndex(document, []byte("<ds:Signature "))):], []byte("<ds:X509Certificate>"))
	text, _, _ := bytes.Cut(rest, []byte("</ds:X509Certificate>"))
	der, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return cert
}

func (r *Registry) headFields(reg store.StoredRegister, l form.Language) []form.Field {
	zone := r.Calendar.Zone()
	local := func(t time.Time) string { return t.In(zone).Format("02.01.2006 15:04 -07:00") }
	fields := []form.Field{
		{Label: say(l, "owner"), Value: owned(r.nameOf(reg.Owner), reg.Owner.ID)},
		{Label: say(l, "operator"), Value: r.Operator},
		{Label: say(l, "day"), Value: forPeople(reg.Day)},
		{Label: say(l, "period"), Value: local(reg.From) + " — " + local(reg.To)},
		{Label: say(l, "revision"), Value: strconv.Itoa(reg.Revision)},
		{Label: say(l, "final"), Value: local(reg.FinalAfter)},
		{Label: say(l, "rows"), Value: strconv.FormatInt(reg.Totals.Rows, 10)},
	}
	if reg.Owner.Kind == tolem.BranchRegister {
		fields = append(fields, form.Field{Label: say(l, "bank"), Value: owned(r.nameOf(tolem.Owner{Kind: tolem.BankRegister, ID: string(reg.Owner.Bank)}), string(reg.Owner.Bank))})
	}
	if reg.Totals.Discrepancies > 0 {
		fields = append(fields, form.Field{Label: say(l, "discrepancies"), Value: strconv.FormatInt(reg.Totals.Discrepancies, 10)})
	}
	if reg.Reason != "" {
		fields = append(fields, form.Field{Label: say(l, "reason"), Value: reg.Reason})
	}
	return fields
}

// forPeople writes a day as the other times of a document are written.
func forPeople(d tolem.Day) string {
	y, m, day := d.Date()
	return fmt.Sprintf("%02d.%02d.%d", day, int(m), y)
}

// owned is a name with the identifier behind it.
func owned(name, id string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}

// printed leaves out the columns that say the same in every row of the owner's
// register: paper is narrow, and the head says it.
func (r *Registry) printed(ctx context.Context, reg store.StoredRegister, l form.Language) form.Sheet {
	s := r.Sheet(ctx, reg, l)
	same := map[tolem.RegisterKind][]string{
		tolem.ProviderRegister: {"provider_id"}, tolem.BankRegister: {"bank_id"}, tolem.BranchRegister: {"bank_id", "branch_id"},
	}[reg.Owner.Kind]
	var keep []int
	columns := s.Columns
	s.Columns = nil
	for i, c := range columns {
		if !slices.Contains(same, c.Name) {
			keep, s.Columns = append(keep, i), append(s.Columns, c)
		}
	}
	for i := range s.Totals {
		s.Totals[i].Sums[0].Column = slices.Index(keep, amountColumn)
	}
	// Words of several are broken at the gaps.
	rows := cells(r.Rows(ctx, reg), reg.Day, func(word string) string { return strings.ReplaceAll(word, "_", " ") })
	s.Rows = func(yield func([]form.Cell, error) bool) {
		line := make([]form.Cell, len(keep))
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			for to, from := range keep {
				line[to] = row[from]
			}
			if !yield(line, nil) {
				return
			}
		}
	}
	return s
}

// amountColumn is the place of the amount among the columns of a register.
const amountColumn = 9

// registerCells is how many cells a row of a register has.
const registerCells = 17

func registerColumns(l form.Language) []form.Column {
	return []form.Column{
		{Name: "line", Label: say(l, "line"), Kind: form.Integer, Width: 5},
		{Name: "kind", Label: say(l, "kind"), Kind: form.Code, Width: 18},
		{Name: "payment_code", Label: say(l, "code"), Kind: form.Code, Width: 27},
		{Name: "bank_id", Label: say(l, "bank"), Kind: form.Text, Width: 10},
		{Name: "branch_id", Label: say(l, "branch"), Kind: form.Text, Width: 13},
		{Name: "bank_ref", Label: say(l, "bankRef"), Kind: form.Text, Width: 17},
		{Name: "service_code", Label: say(l, "service"), Kind: form.Text, Width: 13},
		{Name: "provider_id", Label: say(l, "provider"), Kind: form.Text, Width: 18},
		{Name: "channel", Label: say(l, "channel"), Kind: form.Text, Width: 16},
		{Name: "amount", Label: say(l, "amount"), Kind: form.Money, Width: 19},
		{Name: "fee", Label: say(l, "fee"), Kind: form.Money, Width: 16},
		{Name: "paid_at", Label: say(l, "paidAt"), Kind: form.Time, Width: 15},
		{Name: "received_at", Label: say(l, "receivedAt"), Kind: form.Time, Width: 15},
		{Name: "state", Label: say(l, "state"), Kind: form.Code, Width: 16},
		{Name: "closed_at", Label: say(l, "closedAt"), Kind: form.Time, Width: 15},
		{Name: "discrepancy", Label: say(l, "discrepancy"), Kind: form.Text, Width: 15},
		{Name: "belongs_to", Label: say(l, "belongsTo"), Kind: form.Date, Width: 13},
	}
}

func cells(rows iter.Seq2[tolem.RegisterRow, error], day tolem.Day, word func(string) string) iter.Seq2[[]form.Cell, error] {
	return func(yield func([]form.Cell, error) bool) {
		line := make([]form.Cell, registerCells)
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			fillCells(line, row, day, word)
			if !yield(line, nil) {
				return
			}
		}
	}
}

func fillCells(line []form.Cell, r tolem.RegisterRow, day tolem.Day, word func(string) string) {
	amount, state, belongs := form.Amount(r.Amount), "", form.Cell{}
	switch r.Kind {
	case tolem.RowRefund:
		amount = form.Amount(tolem.Money{Minor: -r.Amount.Minor, Currency: r.Amount.Currency})
	case tolem.RowDiscrepancy:
		amount = amount.Aside()
	}
	if r.State != tolem.StateUnknown {
		state = r.State.String()
	}
	if r.Belongs != day {
		belongs = form.On(r.Belongs)
	}
	fee := form.Cell{}
	if !r.Fee.IsZero() {
		fee = form.Amount(r.Fee)
	}
	copy(line, []form.Cell{
		form.Int(int64(r.Line)), form.String(string(r.Kind)), form.String(r.Code.String()), form.String(string(r.Bank)), form.String(string(r.Branch)),
		form.String(string(r.BankRef)), form.String(string(r.Service)), form.String(string(r.Provider)), form.String(word(string(r.Channel))),
		amount, fee, form.At(r.PaidAt), form.At(r.ReceivedAt), form.String(state), form.At(r.ClosedAt), form.String(word(r.Discrepancy)), belongs,
	})
}

// totalRows are the totals by service and channel, and of each currency.
func totalRows(t tolem.Totals, l form.Language) []form.TotalRow {
	var rows []form.TotalRow
	sum := func(name, label string, c tolem.Currency, s tolem.Sum, all bool) {
		rows = append(rows, form.TotalRow{
			Name: name, Label: label, Count: s.Count + s.Back, Strong: all, All: all,
			Sums: []form.Sum{{Column: amountColumn, Amount: tolem.Money{Minor: s.Net(), Currency: c}}},
		})
	}
	for _, b := range t.By {
		sum(fmt.Sprintf("%s/%s/%s", b.Currency, b.Service, b.Channel), string(b.Service)+", "+string(b.Channel), b.Currency, b.Sum, false)
	}
	for _, c := range t.Currencies() {
		sum(string(c), say(l, "total")+", "+string(c), c, t.ByCurrency()[c], true)
	}
	return rows
}

// ReconciliationSheet is a report on a comparison as people read it.
func (r *Registry) ReconciliationSheet(s store.Submission, rec store.Reconciliation, l form.Language) (form.Sheet, error) {
	document, err := ReportXML(rec)
	if err != nil {
		return form.Sheet{}, err
	}
	anomalies, err := readAnomalies(document)
	if err != nil {
		return form.Sheet{}, fmt.Errorf("report %s: %w", rec.Number, err)
	}
	sheet := form.Sheet{
		Language: l, Title: say(l, "reconciliation"), Number: string(rec.Number), RowCount: int64(len(anomalies)),
		Zone: r.Calendar.Zone(), Printed: rec.MadeAt,
		Head: []form.Field{
			{Label: say(l, "owner"), Value: owned(r.nameOf(s.Owner), s.Owner.ID)},
			{Label: say(l, "operator"), Value: r.Operator},
			{Label: say(l, "day"), Value: forPeople(s.Day)},
			{Label: say(l, "register"), Value: string(s.Register)},
			{Label: say(l, "list"), Value: s.ID},
			{Label: say(l, "submittedBy"), Value: string(s.By)},
			{Label: say(l, "matched"), Value: strconv.FormatInt(rec.Matched, 10)},
			{Label: say(l, "agreed"), Value: strconv.FormatInt(rec.Agreed, 10)},
		},
		Columns: []form.Column{
			{Name: "no", Label: say(l, "line"), Kind: form.Integer},
			{Name: "anomaly", Label: say(l, "anomaly"), Kind: form.Text, Width: 15},
			{Name: "meaning", Label: say(l, "meaning"), Kind: form.Text, Width: 24},
			{Name: "register_line", Label: say(l, "ourLine"), Kind: form.Integer},
			{Name: "list_line", Label: say(l, "theirLine"), Kind: form.Integer},
			{Name: "payment_code", Label: say(l, "code"), Kind: form.Code},
			{Name: "bank_ref", Label: say(l, "bankRef"), Kind: form.Text, Width: 14},
			{Name: "ours", Label: say(l, "ours"), Kind: form.Text, Width: 14},
			{Name: "theirs", Label: say(l, "theirs"), Kind: form.Text, Width: 14},
			{Name: "difference", Label: say(l, "difference"), Kind: form.Money},
		},
		Signature: r.signature(document, rec.Hash, rec.MadeAt, "tolem:reconciliation?n="+string(rec.Number)+"&h="+hex.EncodeToString(rec.Hash[:]), l),
	}
	if rec.Refusal != "" {
		sheet.Head = append(sheet.Head, form.Field{Label: say(l, "refusal"), Value: rec.Refusal})
	}
	sheet.Rows = func(yield func([]form.Cell, error) bool) {
		for _, a := range anomalies {
			if !yield(anomalyCells(a, l), nil) {
				return
			}
		}
	}
	return sheet, nil
}

func anomalyCells(a tolem.Anomaly, l form.Language) []form.Cell {
	line := func(n int) form.Cell {
		if n == 0 {
			return form.Cell{}
		}
		return form.Int(int64(n))
	}
	code, difference := form.Cell{}, form.Cell{}
	if a.PaymentCode != 0 {
		code = form.String(a.PaymentCode.String())
	}
	if !a.Difference.IsZero() {
		difference = form.Amount(a.Difference)
	}
	return []form.Cell{
		form.Int(int64(a.No)), form.String(string(a.Code)), form.String(a.Code.Texts().In(string(l))), line(a.OurLine), line(a.TheirLine), code,
		form.String(string(a.BankRef)), form.String(a.Ours), form.String(a.Theirs), difference,
	}
}

// writeSheet writes a sheet in a form for people or spreadsheets. A PDF of more
// rows than one file holds is a ZIP archive of several.
func writeSheet(w io.Writer, s form.Sheet, f tolem.Form) error {
	switch {
	case f == tolem.FormCSV:
		return form.WriteCSV(w, s)
	case f == tolem.FormXLSX:
		return form.WriteXLSX(w, s)
	case f == tolem.FormPDF && s.RowCount > form.MaxPDFRows:
		return form.WritePDFZip(w, s, s.Number)
	case f == tolem.FormPDF:
		return form.WritePDF(w, s)
	}
	return fmt.Errorf("%s cannot be rendered as %q", s.Number, f)
}

// ClaimSheet is a claim as people read it: what it comes to by service and
// channel. The payments one by one stand in the register it rests on.
func (r *Registry) ClaimSheet(c store.StoredClaim, reg store.StoredRegister, l form.Language) form.Sheet {
	s := form.Sheet{
		Language: l, Title: say(l, "claim"), Number: string(c.Number), Zone: r.Calendar.Zone(), Printed: c.MadeAt,
		Head: []form.Field{
			{Label: say(l, "bank"), Value: owned(r.nameOf(tolem.Owner{Kind: tolem.BankRegister, ID: string(c.Bank)}), string(c.Bank))},
			{Label: say(l, "operator"), Value: r.Operator},
			{Label: say(l, "account"), Value: r.OperatorAccount},
			{Label: say(l, "day"), Value: forPeople(c.Day)},
			{Label: say(l, "register"), Value: string(c.Register)},
			{Label: say(l, "due"), Value: c.DueAt.In(r.Calendar.Zone()).Format("02.01.2006 15:04 -07:00")},
		},
		Columns: []form.Column{
			{Name: "service_code", Label: say(l, "service"), Kind: form.Text, Width: 20},
			{Name: "channel", Label: say(l, "channel"), Kind: form.Text, Width: 20},
			{Name: "payments", Label: say(l, "payments"), Kind: form.Integer, Width: 10},
			{Name: "paid", Label: say(l, "paid"), Kind: form.Money, Currency: c.Amount.Currency, Width: 18},
			{Name: "refunds", Label: say(l, "refunds"), Kind: form.Integer, Width: 10},
			{Name: "refunded", Label: say(l, "refunded"), Kind: form.Money, Currency: c.Amount.Currency, Width: 18},
			{Name: "claimed", Label: say(l, "claimed"), Kind: form.Money, Currency: c.Amount.Currency, Width: 18, Sum: true},
		},
		RowCount:  form.UnknownRows,
		Signature: r.signature(c.Document, sha256.Sum256(c.Document), c.MadeAt, "tolem:claim?n="+string(c.Number), l),
	}
	amount := func(minor int64) form.Cell {
		return form.Amount(tolem.Money{Minor: minor, Currency: c.Amount.Currency})
	}
	s.Rows = func(yield func([]form.Cell, error) bool) {
		for _, t := range reg.Totals.By {
			if t.Currency != c.Amount.Currency {
				continue
			}
			line := []form.Cell{
				form.String(string(t.Service)), form.String(string(t.Channel)), form.Int(t.Count), amount(t.Minor), form.Int(t.Back), amount(t.Return), amount(t.Net()),
			}
			if !yield(line, nil) {
				return
			}
		}
		if c.Number.Kind() == tolem.ClaimOfRefund {
			// One payment: what of it was refunded is what is claimed.
			yield([]form.Cell{
				form.String(c.Number.Code().Printed()), form.String(""), form.Int(1), amount(c.Amount.Minor), form.Int(0), amount(0), amount(c.Amount.Minor),
			}, nil)
		}
	}
	s.Totals = []form.TotalRow{{
		Name: string(c.Amount.Currency), Label: say(l, "total"), Count: c.Count, Strong: true,
		Sums: []form.Sum{{Column: 6, Amount: c.Amount}},
	}}
	return s
}
