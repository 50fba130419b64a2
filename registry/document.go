package registry

import (
	"strconv"

	"tolem"
	"tolem/signing/c14n"
	"tolem/store"
)

// RegisterNamespace is the namespace of registers.
const RegisterNamespace = "urn:tolem:register:v1"

// The parts of a register's document. It is written in canonical form from
// first to last byte: head, rows, tail, signature, end.
const (
	registerRows    = "<rows>"
	registerRowsEnd = "</rows>"
	registerEnd     = "</register>"
)

// appendHead writes everything before the rows.
func appendHead(b *c14n.Builder, reg store.StoredRegister, owner, operator string) {
	b.Root("register", RegisterNamespace)
	b.Text("number", string(reg.Number))
	b.Text("operator", operator)
	b.Text("kind", string(reg.Owner.Kind))
	b.Text("ownerId", reg.Owner.ID)
	b.Text("ownerName", owner)
	if reg.Owner.Kind == tolem.BranchRegister {
		b.Text("bankId", string(reg.Owner.Bank))
	}
	b.Text("day", reg.Day.String())
	b.Time("from", reg.From)
	b.Time("to", reg.To)
	b.Text("revision", strconv.Itoa(reg.Revision))
	b.Text("reason", reg.Reason)
	if reg.Corrections > 0 {
		b.Text("corrections", strconv.Itoa(reg.Corrections))
	}
	b.Time("finalAfter", reg.FinalAfter)
	b.Bytes = append(b.Bytes, registerRows...)
}

// appendTail writes what stands between the rows and the signature.
func appendTail(b *c14n.Builder, t tolem.Totals) {
	b.Bytes = append(b.Bytes, registerRowsEnd...)
	appendTotals(b, t)
}

// appendRow writes a row as it stands in the register of a day.
func appendRow(b *c14n.Builder, r tolem.RegisterRow, day tolem.Day) {
	b.Open("row")
	if r.Line > 0 {
		b.Text("line", strconv.Itoa(r.Line))
	}
	b.Text("kind", string(r.Kind))
	b.Text("paymentCode", r.Code.String())
	b.Text("bankId", string(r.Bank))
	b.Text("branchId", string(r.Branch))
	b.Text("bankRef", string(r.BankRef))
	b.Text("serviceCode", string(r.Service))
	b.Text("providerId", string(r.Provider))
	b.Text("channel", string(r.Channel))
	b.Text("amount", r.Amount.Decimal())
	b.Text("currency", string(r.Amount.Currency))
	if !r.Fee.IsZero() {
		b.Text("fee", r.Fee.Decimal())
	}
	b.Time("paidAt", r.PaidAt)
	b.Time("receivedAt", r.ReceivedAt)
	if r.Kind == tolem.RowRefund {
		b.Time("refundedAt", r.At)
	}
	if r.State != tolem.StateUnknown {
		b.Text("state", r.State.String())
	}
	b.Time("closedAt", r.ClosedAt)
	b.Text("discrepancy", r.Discrepancy)
	if r.Belongs != day {
		b.Text("belongsTo", r.Belongs.String())
	}
	b.Close("row")
}

func appendTotals(b *c14n.Builder, t tolem.Totals) {
	b.Open("totals")
	b.Text("rowCount", strconv.FormatInt(t.Rows, 10))
	b.Text("discrepancyCount", strconv.FormatInt(t.Discrepancies, 10))
	for _, total := range t.By {
		b.Open("total")
		b.Text("currency", string(total.Currency))
		b.Text("serviceCode", string(total.Service))
		b.Text("channel", string(total.Channel))
		appendSum(b, total.Sum)
		b.Close("total")
	}
	for _, c := range t.Currencies() {
		b.Open("grandTotal")
		b.Text("currency", string(c))
		appendSum(b, t.ByCurrency()[c])
		b.Close("grandTotal")
	}
	b.Close("totals")
}

func appendSum(b *c14n.Builder, s tolem.Sum) {
	b.Text("count", strconv.FormatInt(s.Count, 10))
	b.Text("amount", tolem.Money{Minor: s.Minor}.Decimal())
	b.Text("refundCount", strconv.FormatInt(s.Back, 10))
	b.Text("refundAmount", tolem.Money{Minor: s.Return}.Decimal())
	b.Text("net", tolem.Money{Minor: s.Net()}.Decimal())
}
