package soap

import (
	"encoding/hex"
	"slices"
	"strconv"

	"tolem"
	"tolem/gateway/registers"
)

// formRows asks for typed rows instead of a file.
const formRows tolem.Form = "ROWS"

// Bounds of the numbers in a request.
const (
	maxLine = 1_000_000_000
	maxPart = 1_000_000
)

// pieceBytes is the most that one element holds of a file: programs that read
// messages as carefully as the gateway does take no more than 128 KiB of text
// in one.
const pieceBytes = 64 << 10

func decodeRegisterQuery(f *fields) registers.Query {
	return registers.Query{
		From:   f.optionalDay("from"),
		To:     f.optionalDay("to"),
		Kind:   f.optionalRegisterKind("kind"),
		Branch: f.OptionalIdentifier("branchId"),
		After:  f.optionalRegisterNumber("after"),
	}
}

func encodeRegisterList(_ *Handler, w *writer, r registers.ListResult) error {
	if r.Result != tolem.OK {
		return nil
	}
	w.Open("registers")
	for _, reg := range r.Registers {
		w.Open("register")
		w.register(reg)
		w.grandTotals(reg.Totals)
		w.Close("register")
	}
	w.Close("registers")
	w.Text("next", string(r.Next))
	return nil
}

func decodeRegisterOrder(f *fields) registers.Order {
	in := registers.Order{
		Number: f.optionalRegisterNumber("number"),
		Kind:   f.optionalRegisterKind("kind"),
		Day:    f.optionalDay("day"),
		Branch: f.OptionalIdentifier("branchId"),
	}
	in.Form = f.formOrRows()
	in.Part = f.optionalNumber("part", maxPart)
	in.FromLine = f.optionalNumber("fromLine", maxLine)
	in.MaxRows = f.optionalNumber("maxRows", registers.MaxRows)
	return in
}

// formOrRows takes a form; ROWS is told as none.
func (f *fields) formOrRows() tolem.Form {
	form := oneOf(f, "form", append([]tolem.Form{formRows}, tolem.Forms...))
	if form == formRows {
		return ""
	}
	return form
}

func encodeRegister(_ *Handler, w *writer, r registers.GetResult) error {
	if r.Result != tolem.OK {
		return nil
	}
	w.Open("register")
	w.register(r.Register)
	w.grandTotals(r.Register.Totals)
	if len(r.Register.Totals.By) <= registers.MaxTotals {
		w.totals(r.Register.Totals)
	}
	w.Close("register")
	if w.file(r.File) {
		return nil
	}
	w.Open("rows")
	for _, row := range r.Rows {
		w.row(row, r.Register.Day)
	}
	w.Close("rows")
	if r.NextLine > 0 {
		w.Text("nextLine", itoa(r.NextLine))
	}
	return nil
}

func decodeOpinion(f *fields) registers.Opinion {
	in := registers.Opinion{
		Number:  f.registerNumber("number"),
		Verdict: oneOf(f, "verdict", []tolem.Verdict{tolem.Acknowledged, tolem.Rejected}),
	}
	f.list("objection", registers.MaxObjections, func(f *fields) {
		in.Objections = append(in.Objections, tolem.Objection{
			Reason: oneOf(f, "reason", tolem.RejectReasons),
			Line:   f.optionalNumber("line", maxLine),
			Text:   f.OptionalText("text", maxReason),
		})
	})
	return in
}

func encodeAcknowledged(_ *Handler, w *writer, r registers.AcknowledgeResult) error {
	w.Text("number", string(r.Number))
	w.Text("standing", string(r.Standing))
	w.Time("at", r.At)
	return nil
}

// file writes a part of a file, if there is one.
func (w *writer) file(p *registers.Part) bool {
	if p == nil {
		return false
	}
	w.Open("file")
	w.Text("fileName", p.Name)
	w.Text("form", string(p.Form))
	w.Text("size", strconv.FormatInt(p.Size, 10))
	w.Text("part", itoa(p.Part))
	w.Text("parts", itoa(p.Parts))
	for piece := range slices.Chunk(p.Content, pieceBytes) {
		w.Base64("content", piece)
	}
	w.Close("file")
	return true
}

// register writes the head of a register.
func (w *writer) register(r registers.Register) {
	w.Text("number", string(r.Number))
	w.Text("kind", string(r.Owner.Kind))
	w.Text("ownerId", r.Owner.ID)
	if r.Owner.Kind == tolem.BranchRegister {
		w.Text("bankId", string(r.Owner.Bank))
	}
	w.Text("day", r.Day.String())
	w.Time("from", r.From)
	w.Time("to", r.To)
	w.Text("revision", itoa(r.Revision))
	w.Text("reason", r.Reason)
	w.Text("hash", hex.EncodeToString(r.Hash[:]))
	w.Time("formedAt", r.FormedAt)
	w.Time("finalAfter", r.FinalAfter)
	w.Text("standing", string(r.Standing))
	w.Text("rowCount", strconv.FormatInt(r.Totals.Rows, 10))
	w.Text("discrepancyCount", strconv.FormatInt(r.Totals.Discrepancies, 10))
}

// grandTotals writes the sums of each currency, totals those of each service
// and channel.
func (w *writer) grandTotals(t tolem.Totals) {
	sums := t.ByCurrency()
	for _, c := range t.Currencies() {
		w.Open("grandTotal")
		w.Text("currency", string(c))
		w.sum(sums[c])
		w.Close("grandTotal")
	}
}

func (w *writer) totals(t tolem.Totals) {
	for _, total := range t.By {
		w.Open("total")
		w.Text("currency", string(total.Currency))
		w.Text("serviceCode", string(total.Service))
		w.Text("channel", string(total.Channel))
		w.sum(total.Sum)
		w.Close("total")
	}
}

func (w *writer) sum(s tolem.Sum) {
	w.Text("count", strconv.FormatInt(s.Count, 10))
	w.Text("amount", tolem.Money{Minor: s.Minor}.Decimal())
	w.Text("refundCount", strconv.FormatInt(s.Back, 10))
	w.Text("refundAmount", tolem.Money{Minor: s.Return}.Decimal())
	w.Text("net", tolem.Money{Minor: s.Net()}.Decimal())
}

// row writes a row as it stands in the signed document.
func (w *writer) row(r tolem.RegisterRow, day tolem.Day) {
	w.Open("row")
	w.Text("line", itoa(r.Line))
	w.Text("kind", string(r.Kind))
	w.Text("paymentCode", r.Code.String())
	w.Text("bankId", string(r.Bank))
	w.Text("branchId", string(r.Branch))
	w.Text("bankRef", string(r.BankRef))
	w.Text("serviceCode", string(r.Service))
	w.Text("providerId", string(r.Provider))
	w.Text("channel", string(r.Channel))
	w.amount(r.Amount)
	if !r.Fee.IsZero() {
		w.Text("fee", r.Fee.Decimal())
	}
	w.Time("paidAt", r.PaidAt)
	w.Time("receivedAt", r.ReceivedAt)
	if r.Kind == tolem.RowRefund {
		w.Time("refundedAt", r.At)
	}
	w.state(r.State)
	w.Time("closedAt", r.ClosedAt)
	w.Text("discrepancy", r.Discrepancy)
	if r.Belongs != day {
		w.Text("belongsTo", r.Belongs.String())
	}
	w.Close("row")
}
