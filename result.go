package tolem

// Operation names an operation of the gateway as its element stands in a
// request.
type Operation string

// The operations (spec section 7.1).
const (
	OpIssueCode     Operation = "IssueCode"
	OpNotifyPayment Operation = "NotifyPayment"
	OpValidateCode  Operation = "ValidateCode"
	OpCloseCode     Operation = "CloseCode"
	OpCancelCode    Operation = "CancelCode"
	OpGetPayment    Operation = "GetPayment"
	OpGetReceipt    Operation = "GetReceipt"
	OpListServices  Operation = "ListServices"
	OpGetOutcome    Operation = "GetOutcome"

	OpListRegisters       Operation = "ListRegisters"
	OpGetRegister         Operation = "GetRegister"
	OpAcknowledgeRegister Operation = "AcknowledgeRegister"
	OpSubmitRegister      Operation = "SubmitRegister"
	OpGetReconciliation   Operation = "GetReconciliation"
	OpListClaims          Operation = "ListClaims"
	OpAnswerClaim         Operation = "AnswerClaim"
	OpGetReport           Operation = "GetReport"

	OpStartCardPayment    Operation = "StartCardPayment"
	OpStartAccountPayment Operation = "StartAccountPayment"
	OpGetCheckout         Operation = "GetCheckout"

	OpSubmitBills Operation = "SubmitBills"
)

// Operations lists every operation in the order of the contract.
var Operations = []Operation{
	OpIssueCode, OpNotifyPayment, OpValidateCode, OpCloseCode, OpCancelCode,
	OpGetPayment, OpGetReceipt, OpListServices, OpGetOutcome,
	OpListRegisters, OpGetRegister, OpAcknowledgeRegister, OpSubmitRegister, OpGetReconciliation,
	OpListClaims, OpAnswerClaim, OpGetReport,
	OpStartCardPayment, OpStartAccountPayment, OpGetCheckout,
	OpSubmitBills,
}

// ResultCode is the outcome of an operation, or the stable code of a fault
// (spec section 7.2). It never changes its meaning.
type ResultCode string

// Outcomes that stand in a signed answer. All but OK are refusals: recorded,
// signed and repeated as they are when the request is repeated.
const (
	OK                  ResultCode = "OK"
	UnknownCode         ResultCode = "UNKNOWN_CODE"
	NotPaid             ResultCode = "NOT_PAID"
	AlreadyPaid         ResultCode = "ALREADY_PAID"
	AlreadyUsed         ResultCode = "ALREADY_USED"
	Expired             ResultCode = "EXPIRED"
	Cancelled           ResultCode = "CANCELLED"
	Refunded            ResultCode = "REFUNDED"
	IINMismatch         ResultCode = "IIN_MISMATCH"
	ServiceMismatch     ResultCode = "SERVICE_MISMATCH"
	BoundToOtherRequest ResultCode = "BOUND_TO_OTHER_REQUEST"
	Mismatch            ResultCode = "MISMATCH"
	DuplicatePayment    ResultCode = "DUPLICATE_PAYMENT"
	WrongBank           ResultCode = "WRONG_BANK"
	InvalidIIN          ResultCode = "INVALID_IIN"
	UnknownService      ResultCode = "UNKNOWN_SERVICE"
	AmountNotAllowed    ResultCode = "AMOUNT_NOT_ALLOWED"
	NotOwner            ResultCode = "NOT_OWNER"
	UnknownRequest      ResultCode = "UNKNOWN_REQUEST"
	UnknownRegister     ResultCode = "UNKNOWN_REGISTER"
	RegisterFinal       ResultCode = "REGISTER_FINAL"
	NotSealed           ResultCode = "NOT_SEALED"
	BadRow              ResultCode = "BAD_ROW"
	BadPart             ResultCode = "BAD_PART"
	UnknownList         ResultCode = "UNKNOWN_LIST"
	NotReady            ResultCode = "NOT_READY"
	TooManyLists        ResultCode = "TOO_MANY_LISTS"
	UnknownClaim        ResultCode = "UNKNOWN_CLAIM"
	ClaimStateRefused   ResultCode = "CLAIM_STATE"
	ReportTooLarge      ResultCode = "REPORT_TOO_LARGE"
	ReturnAddress       ResultCode = "RETURN_ADDRESS"
	UnknownCheckout     ResultCode = "UNKNOWN_CHECKOUT"
	BillsRefused        ResultCode = "BILLS_REFUSED"
)

// Codes that stand in a fault: the request could not be accepted as one.
const (
	BadRequest       ResultCode = "BAD_REQUEST"
	BadSignature     ResultCode = "BAD_SIGNATURE"
	CertUntrusted    ResultCode = "CERT_UNTRUSTED"
	CertExpired      ResultCode = "CERT_EXPIRED"
	CertRevoked      ResultCode = "CERT_REVOKED"
	CRLUnavailable   ResultCode = "CRL_UNAVAILABLE"
	MessageExpired   ResultCode = "MESSAGE_EXPIRED"
	Replay           ResultCode = "REPLAY"
	Forbidden        ResultCode = "FORBIDDEN"
	UnknownOperation ResultCode = "UNKNOWN_OPERATION"
	TooLarge         ResultCode = "TOO_LARGE"
	TooManyRequests  ResultCode = "TOO_MANY_REQUESTS"
	TooManyUnknown   ResultCode = "TOO_MANY_UNKNOWN_CODES"
	Unavailable      ResultCode = "UNAVAILABLE"
	Internal         ResultCode = "INTERNAL"
)

// resultTexts are generic on purpose: the true cause of a fault stands in the
// log under the incident's id, never in the answer.
var resultTexts = map[ResultCode]string{
	OK:                  "accepted",
	UnknownCode:         "no such payment code",
	NotPaid:             "the payment code is not paid",
	AlreadyPaid:         "the payment code is paid already",
	AlreadyUsed:         "the payment code has been used",
	Expired:             "the payment code has expired",
	Cancelled:           "the payment code was cancelled",
	Refunded:            "the payment was refunded",
	IINMismatch:         "the code was not prepaid for this recipient",
	ServiceMismatch:     "the code was not prepaid for this service, or the service belongs to another provider",
	BoundToOtherRequest: "the code is not bound to this request number",
	Mismatch:            "amount, recipient, service or provider differs from the issued code",
	DuplicatePayment:    "another payment for this code was accepted before",
	WrongBank:           "this bank did not request the code",
	InvalidIIN:          "the IIN or BIN is not valid",
	UnknownService:      "no such service, or it is not active",
	AmountNotAllowed:    "the amount does not fit the price of the service",
	NotOwner:            "it belongs to another participant",
	UnknownRequest:      "no request with this id was accepted from the caller",
	UnknownRegister:     "there is no such register",
	RegisterFinal:       "the register can no longer be rejected",
	NotSealed:           "the day is not closed yet; its registers are formed afterwards",
	BadRow:              "the register has no such row, or the file no such part",
	BadPart:             "the part does not go with the parts of the list that came before",
	UnknownList:         "no such list was submitted",
	NotReady:            "the list is not compared yet; ask again later",
	TooManyLists:        "too many lists were submitted for the day",
	UnknownClaim:        "there is no such claim",
	ClaimStateRefused:   "the claim is in a state that does not allow it",
	ReportTooLarge:      "the report is too large; ask for less time, longer periods or fewer directions",
	ReturnAddress:       "the return address is not registered for the caller",
	UnknownCheckout:     "the caller has started no such payment",
	BillsRefused:        "accounts of the batch are not in order; nothing was taken",
	TooManyUnknown:      "too many unknown payment codes; try again later",
	BadRequest:          "the request does not follow the contract",
	BadSignature:        "the signature of the request cannot be accepted",
	CertUntrusted:       "the certificate cannot be accepted",
	CertExpired:         "the certificate is not valid at this time",
	CertRevoked:         "the certificate is revoked",
	CRLUnavailable:      "revocation cannot be checked now; try again later",
	MessageExpired:      "the message is too old, or its time lies in the future",
	Replay:              "this requestId was used before with other content",
	Forbidden:           "the caller has no right to this",
	UnknownOperation:    "no such operation",
	TooLarge:            "the request is larger than allowed",
	TooManyRequests:     "too many requests; slow down",
	Unavailable:         "the service cannot answer now; try again later",
	Internal:            "the request failed inside the gateway; ask with GetOutcome before repeating",
}

// Text returns the sentence that goes with the code.
func (c ResultCode) Text() string { return resultTexts[c] }

// IsDiscrepancy reports whether a notification with this outcome is kept for
// reconciliation: it was refused although money may have moved (GW-P15, GW-P16).
func IsDiscrepancy(r ResultCode) bool {
	switch r {
	case UnknownCode, Mismatch, DuplicatePayment, WrongBank:
		return true
	}
	return false
}
