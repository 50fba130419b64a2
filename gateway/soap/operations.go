package soap

import (
	"context"
	"fmt"

	"tolem"
	"tolem/bills"
	"tolem/gateway"
	"tolem/gateway/registers"
)

// header opens every request: who asks under which id, and in whose name.
type header struct {
	requestID  tolem.RequestID
	onBehalfOf tolem.ParticipantID
}

func decodeHeader(f *fields) header {
	h := header{requestID: f.RequestID("requestId")}
	if f.Has(sentAt) {
		f.Time(sentAt)
	}
	h.onBehalfOf = tolem.ParticipantID(f.OptionalIdentifier("onBehalfOf"))
	return h
}

// seal signs an element in canonical form and returns the whole message.
type seal func(payload []byte) ([]byte, error)

// operation runs one operation of the contract: it decodes what follows the
// header, calls the gateway and encodes the result.
type operation func(h *Handler, ctx context.Context, m gateway.Message, f *fields, sign seal) (gateway.Reply, error)

// operations is the table of the message path: element name to operation.
var operations = map[tolem.Operation]operation{
	tolem.OpIssueCode:     serve((*gateway.Gateway).IssueCode, decodeIssue, encodeIssue),
	tolem.OpNotifyPayment: serve((*gateway.Gateway).NotifyPayment, decodeNotification, encodeNotify),
	tolem.OpValidateCode:  serve((*gateway.Gateway).ValidateCode, decodeValidation, encodeValidate),
	tolem.OpCloseCode:     serve((*gateway.Gateway).CloseCode, decodeClosing, encodeClose),
	tolem.OpCancelCode:    serve((*gateway.Gateway).CancelCode, decodeCancel, encodeCancel),
	tolem.OpGetPayment:    serve((*gateway.Gateway).GetPayment, (*fields).code, encodePayment),
	tolem.OpGetReceipt:    serve((*gateway.Gateway).GetReceipt, (*fields).code, encodeReceipt),
	tolem.OpListServices:  serve((*gateway.Gateway).ListServices, decodeList, encodeServices),
	tolem.OpGetOutcome:    serve((*gateway.Gateway).GetOutcome, decodeOutcome, encodeOutcome),

	tolem.OpListRegisters:       serveRegisters((*registers.Desk).List, decodeRegisterQuery, encodeRegisterList),
	tolem.OpGetRegister:         serveRegisters((*registers.Desk).Get, decodeRegisterOrder, encodeRegister),
	tolem.OpAcknowledgeRegister: serveRegisters((*registers.Desk).Acknowledge, decodeOpinion, encodeAcknowledged),
	tolem.OpSubmitRegister:      serveRegisters((*registers.Desk).Submit, decodePiece, encodeSubmitted),
	tolem.OpGetReconciliation:   serveRegisters((*registers.Desk).Report, decodeReportOrder, encodeReport),
	tolem.OpListClaims:          serveRegisters((*registers.Desk).Claims, decodeClaimQuery, encodeClaims),
	tolem.OpAnswerClaim:         serveRegisters((*registers.Desk).AnswerClaim, decodeClaimAnswer, encodeClaimAnswered),
	tolem.OpGetReport:           serveRegisters((*registers.Desk).Statistics, decodeStatistics, encodeStatistics),

	tolem.OpStartCardPayment:    serve((*gateway.Gateway).StartCardPayment, decodeCardOrder, encodeRedirect),
	tolem.OpStartAccountPayment: serve((*gateway.Gateway).StartAccountPayment, decodeAccountOrder, encodeRedirect),
	tolem.OpGetCheckout:         serve((*gateway.Gateway).GetCheckout, decodeCheckout, encodeCheckout),

	tolem.OpSubmitBills: join(func(h *Handler) *bills.Intake { return h.Bills }, (*bills.Intake).Submit, decodeBatch, encodeTaken),
}

// call is a method of what performs operations.
type call[P, In any, R gateway.Result] func(P, context.Context, gateway.Message, In, gateway.Render[R]) (gateway.Reply, error)

// serve makes an operation of a method of the gateway, serveRegisters of one
// about registers.
func serve[In any, R gateway.Result](run call[*gateway.Gateway, In, R], decode func(*fields) In, encode func(*Handler, *writer, R) error) operation {
	return join(func(h *Handler) *gateway.Gateway { return h.gateway }, run, decode, encode)
}

func serveRegisters[In any, R gateway.Result](run call[*registers.Desk, In, R], decode func(*fields) In, encode func(*Handler, *writer, R) error) operation {
	return join(func(h *Handler) *registers.Desk { return h.Registers }, run, decode, encode)
}

// join joins the parts of an operation.
func join[P, In any, R gateway.Result](by func(*Handler) P, run call[P, In, R], decode func(*fields) In, encode func(*Handler, *writer, R) error) operation {
	return func(h *Handler, ctx context.Context, m gateway.Message, f *fields, sign seal) (gateway.Reply, error) {
		in := decode(f)
		if err := ofRequest(f.End()); err != nil {
			return gateway.Reply{}, err
		}
		return run(by(h), ctx, m, in, func(r R) ([]byte, error) {
			w := answer(m, r.Summary().Result)
			if err := encode(h, w, r); err != nil {
				return nil, err
			}
			return sign(w.end(answerName(m.Operation)))
		})
	}
}

func answerName(op tolem.Operation) string { return string(op) + "Response" }

// answer opens an answer with the three elements that all of them have.
func answer(m gateway.Message, result tolem.ResultCode) *writer {
	w := document(answerName(m.Operation))
	w.Text("requestId", string(m.RequestID))
	w.Text("resultCode", string(result))
	w.Text("resultText", result.Text())
	return w
}

func decodeIssue(f *fields) gateway.Issue {
	return gateway.Issue{
		Service:       tolem.ServiceCode(f.Identifier("serviceCode")),
		Provider:      tolem.ProviderID(f.Identifier("providerId")),
		Recipient:     f.iin("recipientIIN"),
		RecipientName: f.OptionalText("recipientName", maxName),
		Amount:        f.amount(),
		Channel:       f.channel(),
		RequestNo:     tolem.RequestNo(f.OptionalText("requestNo", maxLabel)),
	}
}

func encodeIssue(_ *Handler, w *writer, r gateway.IssueResult) error {
	w.code(r.Code)
	w.Time("issuedAt", r.IssuedAt)
	w.Time("expiresAt", r.ExpiresAt)
	return nil
}

func decodeNotification(f *fields) gateway.Notification {
	in := gateway.Notification{
		Code:          f.code(),
		Bank:          tolem.ParticipantID(f.Identifier("bankId")),
		BankRef:       tolem.BankRef(f.Text("bankRef", maxLabel)),
		Amount:        f.amount(),
		PaidAt:        f.Time("paidAt"),
		Channel:       f.channel(),
		Recipient:     f.iin("recipientIIN"),
		RecipientName: f.OptionalText("recipientName", maxName),
		Service:       tolem.ServiceCode(f.Identifier("serviceCode")),
		Provider:      tolem.ProviderID(f.Identifier("providerId")),
		Account:       f.Text("accountNo", maxAccount),
	}
	in.Branch = tolem.ParticipantID(f.OptionalIdentifier("branchId"))
	if f.Has("fee") {
		in.Fee = f.Money("fee", in.Amount.Currency)
	}
	return in
}

func encodeNotify(_ *Handler, w *writer, r gateway.NotifyResult) error {
	w.code(r.Code)
	w.Time("receivedAt", r.ReceivedAt)
	w.state(r.State)
	w.flag("late", r.Late)
	w.Text("branchId", string(r.Branch))
	return nil
}

func decodeValidation(f *fields) gateway.Validation {
	return gateway.Validation{
		Code:      f.code(),
		RequestNo: tolem.RequestNo(f.OptionalText("requestNo", maxLabel)),
		Recipient: f.optionalIIN("recipientIIN"),
		Service:   tolem.ServiceCode(f.OptionalIdentifier("serviceCode")),
		Centre:    f.OptionalText("centreId", maxLabel),
		Operator:  f.OptionalText("operatorId", maxLabel),
	}
}

func encodeValidate(_ *Handler, w *writer, r gateway.ValidateResult) error {
	w.code(r.Code)
	w.state(r.State)
	w.Text("recipientIIN", r.Recipient.Reveal())
	w.Text("recipientName", r.RecipientName)
	w.Text("serviceCode", string(r.Service))
	w.amount(r.Amount)
	w.Time("paidAt", r.PaidAt)
	w.Text("boundRequestNo", string(r.Bound))
	return nil
}

func decodeClosing(f *fields) gateway.Closing {
	return gateway.Closing{
		Code:      f.code(),
		ID:        tolem.CloseID(f.Text("closeId", maxLabel)),
		RequestNo: tolem.RequestNo(f.OptionalText("requestNo", maxLabel)),
		Centre:    f.OptionalText("centreId", maxLabel),
		Operator:  f.OptionalText("operatorId", maxLabel),
	}
}

func encodeClose(_ *Handler, w *writer, r gateway.CloseResult) error {
	w.code(r.Code)
	w.state(r.State)
	w.Time("closedAt", r.ClosedAt)
	return nil
}

func decodeCancel(f *fields) tolem.CodeNumber {
	n := f.code()
	f.OptionalText("reason", maxReason) // kept with the message, which is the evidence
	return n
}

func encodeCancel(_ *Handler, w *writer, r gateway.CancelResult) error {
	w.code(r.Code)
	w.state(r.State)
	w.Time("cancelledAt", r.CancelledAt)
	return nil
}

func encodePayment(_ *Handler, w *writer, r gateway.PaymentResult) error {
	c := r.Issued
	w.code(r.Code)
	w.state(c.State)
	w.Text("serviceCode", string(c.Service))
	w.Text("providerId", string(c.Provider))
	w.amount(c.Amount)
	w.Text("channel", string(c.Channel))
	w.Time("issuedAt", c.IssuedAt)
	w.Time("expiresAt", c.ExpiresAt)
	if p := r.Payment; p != nil {
		w.Time("paidAt", p.PaidAt)
		w.Time("receivedAt", p.ReceivedAt)
		w.Text("bankId", string(p.Bank))
		w.Text("bankRef", string(p.BankRef))
	}
	w.flag("late", c.Late)
	w.Text("boundRequestNo", string(c.Bound))
	w.Time("closedAt", c.ClosedAt)
	return nil
}

func encodeReceipt(h *Handler, w *writer, r gateway.PaymentResult) error {
	w.code(r.Code)
	if r.Payment == nil {
		return nil
	}
	document, err := h.receipts.SignEnveloped(Receipt(h.directory, r.Issued, r.Payment))
	if err != nil {
		return fmt.Errorf("sign receipt: %w", err)
	}
	w.Base64("receipt", document)
	return nil
}

func decodeList(f *fields) tolem.ProviderID {
	return tolem.ProviderID(f.OptionalIdentifier("providerId"))
}

func encodeServices(_ *Handler, w *writer, r gateway.ServicesResult) error {
	w.Open("services")
	for _, s := range r.Services {
		price := s.Service.Price
		w.Open("service")
		w.Text("serviceCode", string(s.Service.Code))
		w.Text("providerId", string(s.Provider.ID))
		w.names("name", s.Service.Names)
		w.names("providerName", s.Provider.Names)
		w.limit("fixedAmount", price.Fixed)
		w.limit("minAmount", price.Min)
		w.limit("maxAmount", price.Max)
		w.Text("currency", string(price.Currency))
		w.Close("service")
	}
	w.Close("services")
	return nil
}

func decodeOutcome(f *fields) tolem.RequestID { return f.RequestID("ofRequestId") }

func encodeOutcome(_ *Handler, w *writer, r gateway.EarlierOutcome) error {
	w.Text("operation", string(r.Operation))
	w.Text("ofResultCode", string(r.Earlier))
	w.Time("answeredAt", r.AnsweredAt)
	if len(r.Answer) <= pieceBytes { // a larger one comes to whoever repeats the request
		w.Base64("answer", r.Answer)
	}
	return nil
}
