package smartcard

import "net/http"

// Code says what went wrong at a bridge.
type Code string

// The codes of the specification: what the operator can put right, or see.
const (
	ReaderNotReady      Code = "reader_not_ready"
	OperatorCardMissing Code = "operator_card_missing"
	CustomerCardMissing Code = "customer_card_missing"
	CardUnreadable      Code = "card_unreadable"
	CardMismatch        Code = "card_mismatch" // another card, or the write to take back is not the card's last
	WriteFailed         Code = "write_failed"
)

// Codes of the protocol: a page, a clock or an installation is not in order.
const (
	TicketExpired    Code = "ticket_expired"
	TicketInvalid    Code = "ticket_invalid" // not the gateway's, or not for this workstation
	ClockWrong       Code = "clock_wrong"    // the computer's clock is behind the gateway's
	ChallengeInvalid Code = "challenge_invalid"
	RequestInvalid   Code = "request_invalid"
	NotPaired        Code = "not_paired"
	Busy             Code = "busy"
	NoAnswer         Code = "no_answer" // of the reader; the result is unknown
	OriginRefused    Code = "origin_refused"
	HostRefused      Code = "host_refused"
	NotFound         Code = "not_found"
	Broken           Code = "broken" // the bridge itself: its disk, its memory
)

// Messages of the catalogue of the workplace.
const (
	messageReader   = "card.reader_not_ready"
	messageOperator = "card.operator_missing"
	messageCustomer = "card.customer_missing"
	messageRead     = "card.read_failed"
	messageOther    = "card.other_card"
	messageWrite    = "card.write_failed"
)

// codes is the whole table: status of HTTP, and key of the message.
var codes = map[Code]struct {
	status  int
	message string
}{
	ReaderNotReady:      {http.StatusConflict, messageReader},
	OperatorCardMissing: {http.StatusConflict, messageOperator},
	CustomerCardMissing: {http.StatusConflict, messageCustomer},
	CardUnreadable:      {http.StatusConflict, messageRead},
	CardMismatch:        {http.StatusConflict, messageOther},
	WriteFailed:         {http.StatusConflict, messageWrite},

	TicketExpired:    {http.StatusGone, messageWrite},
	TicketInvalid:    {http.StatusBadRequest, messageWrite},
	ClockWrong:       {http.StatusConflict, messageWrite},
	ChallengeInvalid: {http.StatusBadRequest, messageRead},
	RequestInvalid:   {http.StatusBadRequest, messageRead},
	NotPaired:        {http.StatusConflict, messageReader},
	Busy:             {http.StatusServiceUnavailable, messageReader},
	NoAnswer:         {http.StatusGatewayTimeout, messageWrite},
	OriginRefused:    {http.StatusForbidden, messageReader},
	HostRefused:      {http.StatusMisdirectedRequest, messageReader},
	NotFound:         {http.StatusNotFound, messageReader},
	Broken:           {http.StatusInternalServerError, messageReader},
}

// Status returns the status of HTTP that goes with a code.
func (c Code) Status() int {
	if row, ok := codes[c]; ok {
		return row.status
	}
	return http.StatusInternalServerError
}

// Message returns the key of the message that an operator is shown. A code that
// a later bridge may know and this program does not is a write that failed.
func (c Code) Message() string {
	if row, ok := codes[c]; ok {
		return row.message
	}
	return messageWrite
}

// OfCard reports whether a code is one that a reader's driver may give.
func (c Code) OfCard() bool {
	switch c {
	case ReaderNotReady, OperatorCardMissing, CustomerCardMissing, CardUnreadable, CardMismatch, WriteFailed:
		return true
	}
	return false
}

// ReadMessages returns the keys of what is shown where a card was to be read to
// create an account: that it could not be read, and behind it the cause, if it
// is one the operator can put right (WP-558).
func (c Code) ReadMessages() []string {
	switch c {
	case ReaderNotReady, OperatorCardMissing, CustomerCardMissing:
		return []string{messageRead, c.Message()}
	}
	return []string{messageRead}
}

// NotReady reports whether reader or a card is missing: at confirmation that
// leads to payment without writing, where the organisation permits it (WP-545).
func (c Code) NotReady() bool {
	return c == ReaderNotReady || c == OperatorCardMissing || c == CustomerCardMissing
}

// Failure is an error that leaves the card as it was.
type Failure struct{ Code Code }

// Error names the code.
func (f *Failure) Error() string { return "card: " + string(f.Code) }
