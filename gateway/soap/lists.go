package soap

import (
	"encoding/hex"
	"strconv"

	"tolem"
	"tolem/gateway/registers"
)

func decodePiece(f *fields) registers.Piece {
	return registers.Piece{
		List:    f.Text("listId", maxLabel),
		Day:     f.day("day"),
		Part:    f.number("part", registers.MaxParts),
		Parts:   f.number("parts", registers.MaxParts),
		Content: f.content("content", registers.MaxPartBytes),
	}
}

func encodeSubmitted(_ *Handler, w *writer, r registers.SubmitResult) error {
	if r.Result != tolem.OK {
		return nil
	}
	w.Text("number", string(r.Number))
	w.Text("registerNumber", string(r.Register))
	w.Text("received", itoa(r.Received))
	w.Text("parts", itoa(r.Parts))
	return nil
}

func decodeReportOrder(f *fields) registers.ReportOrder {
	var in registers.ReportOrder
	if f.Has("number") {
		n, err := tolem.ParseReconciliationNumber(f.Token("number"))
		f.Check("number", err == nil, "a number like RB-20261121-HALYK-1")
		in.Number = n
	}
	in.List = f.OptionalText("listId", maxLabel)
	in.Form = f.formOrRows()
	in.Part = f.optionalNumber("part", maxPart)
	in.FromNo = f.optionalNumber("fromNo", maxLine)
	in.MaxRows = f.optionalNumber("maxRows", registers.MaxAnomalies)
	return in
}

func encodeReport(_ *Handler, w *writer, r registers.ReportResult) error {
	if r.Result != tolem.OK {
		return nil
	}
	w.Open("reconciliation")
	w.Text("number", string(r.List.Number))
	w.Text("listId", r.List.ID)
	w.Text("submittedBy", string(r.List.By))
	w.Time("submittedAt", r.List.CreatedAt)
	w.Text("kind", string(r.List.Owner.Kind))
	w.Text("ownerId", r.List.Owner.ID)
	w.Text("day", r.List.Day.String())
	w.Text("registerNumber", string(r.List.Register))
	w.Time("madeAt", r.Report.MadeAt)
	w.Text("hash", hex.EncodeToString(r.Report.Hash[:]))
	w.Text("refusal", r.Report.Refusal)
	w.Text("matched", strconv.FormatInt(r.Report.Matched, 10))
	w.Text("agreed", strconv.FormatInt(r.Report.Agreed, 10))
	w.Text("anomalies", strconv.FormatInt(r.Report.Anomalies, 10))
	w.Close("reconciliation")
	if w.file(r.File) {
		return nil
	}
	w.Open("anomalyList")
	for _, a := range r.Anomalies {
		w.anomaly(a)
	}
	w.Close("anomalyList")
	if r.NextNo > 0 {
		w.Text("nextNo", itoa(r.NextNo))
	}
	return nil
}

func (w *writer) anomaly(a tolem.Anomaly) {
	w.Open("anomaly")
	w.Text("no", itoa(a.No))
	w.Text("code", string(a.Code))
	w.Text("severity", string(a.Code.Severity()))
	if a.OurLine > 0 {
		w.Text("registerLine", itoa(a.OurLine))
	}
	if a.TheirLine > 0 {
		w.Text("listLine", itoa(a.TheirLine))
	}
	w.code(a.PaymentCode)
	w.Text("bankRef", string(a.BankRef))
	w.Text("ours", a.Ours)
	w.Text("theirs", a.Theirs)
	w.difference("difference", a.Difference)
	w.difference("counter", a.Counter)
	w.Close("anomaly")
}

func (w *writer) difference(name string, m tolem.Money) {
	if m.IsZero() {
		return
	}
	w.Open(name)
	w.Text("amount", m.Decimal())
	w.Text("currency", string(m.Currency))
	w.Close(name)
}

func decodeClaimQuery(f *fields) registers.ClaimQuery {
	in := registers.ClaimQuery{From: f.optionalDay("from"), To: f.optionalDay("to")}
	if f.Has("after") {
		in.After = f.claimNumber("after")
	}
	return in
}

func (f *fields) claimNumber(name string) tolem.ClaimNumber {
	n, err := tolem.ParseClaimNumber(f.Token(name))
	f.Check(name, err == nil, "a number like C-20261121-HALYK-KZT")
	return n
}

func encodeClaims(_ *Handler, w *writer, r registers.ClaimsResult) error {
	if r.Result != tolem.OK {
		return nil
	}
	w.Open("claims")
	for _, c := range r.Claims {
		w.Open("claim")
		w.Text("number", string(c.Number))
		w.Text("day", c.Day.String())
		w.Text("registerNumber", string(c.Register))
		w.Text("count", strconv.FormatInt(c.Count, 10))
		w.amount(c.Amount)
		w.Time("madeAt", c.MadeAt)
		w.Time("dueAt", c.DueAt)
		w.Text("state", string(c.State))
		w.Time("since", c.Since)
		w.Text("paid", tolem.Money{Minor: c.Paid}.Decimal())
		w.Base64("document", c.Document)
		w.Close("claim")
	}
	w.Close("claims")
	w.Text("next", string(r.Next))
	return nil
}

func decodeClaimAnswer(f *fields) registers.ClaimAnswer {
	return registers.ClaimAnswer{
		Number: f.claimNumber("number"),
		State:  oneOf(f, "answer", []tolem.ClaimState{tolem.ClaimAcknowledged, tolem.ClaimDisputed}),
		Note:   f.OptionalText("note", maxReason),
	}
}

func encodeClaimAnswered(_ *Handler, w *writer, r registers.ClaimResult) error {
	w.Text("number", string(r.Number))
	w.Text("state", string(r.State))
	w.Time("at", r.At)
	return nil
}

func decodeStatistics(f *fields) registers.Statistics {
	in := registers.Statistics{
		From:   f.day("from"),
		To:     f.day("to"),
		Period: oneOf(f, "period", registers.Periods),
	}
	for n := 0; f.Has("by"); n++ {
		in.By = append(in.By, oneOf(f, "by", registers.Dimensions))
		f.Check("by", n < len(registers.Dimensions), "there once for each word")
	}
	in.Bank = tolem.ParticipantID(f.OptionalIdentifier("bankId"))
	in.Provider = tolem.ProviderID(f.OptionalIdentifier("providerId"))
	in.Service = tolem.ServiceCode(f.OptionalIdentifier("serviceCode"))
	if f.Has("channel") {
		in.Channel = f.anyChannel()
	}
	if f.Has("currency") {
		c, err := tolem.ParseCurrency(f.Token("currency"))
		f.Check("currency", err == nil, "KZT, AZN or UZS")
		in.Currency = c
	}
	in.Form = oneOf(f, "form", registers.ReportForms)
	if f.Has("language") {
		in.Language = oneOf(f, "language", []string{"kk", "ru", "en"})
	}
	return in
}

func encodeStatistics(_ *Handler, w *writer, r registers.StatisticsResult) error {
	if r.Result != tolem.OK {
		return nil
	}
	w.Text("complete", strconv.FormatBool(r.Complete))
	if r.Open != 0 {
		w.Text("openDay", r.Open.String())
	}
	w.file(r.File)
	return nil
}
