package tolem

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Merchant is what a participant of kind merchant sells through the payment
// page. An order names no person: where a code needs a recipient, the
// merchant's own BIN stands.
type Merchant struct {
	Participant ParticipantID
	BIN         IIN
	Services    []ServiceCode // its orders are paid for; the first where a redirect names none
	Active      bool
}

// ErrMerchant reports a merchant that cannot sell anything.
var ErrMerchant = errors.New("merchant needs an identifier, a BIN and 1 to 16 services, each once")

// maxMerchantServices bounds what one merchant sells.
const maxMerchantServices = 16

// Check returns ErrMerchant with what is wrong.
func (m Merchant) Check() error {
	if err := CheckIdentifier(string(m.Participant)); err != nil {
		return fmt.Errorf("%w: %w", ErrMerchant, err)
	}
	if _, err := ParseIIN(m.BIN.Reveal()); err != nil {
		return fmt.Errorf("%w: BIN: %w", ErrMerchant, err)
	}
	if n := len(m.Services); n == 0 || n > maxMerchantServices {
		return fmt.Errorf("%w: it has %d", ErrMerchant, n)
	}
	for i, s := range m.Services {
		if err := CheckIdentifier(string(s)); err != nil || slices.Contains(m.Services[:i], s) {
			return fmt.Errorf("%w: service %q", ErrMerchant, s)
		}
	}
	return nil
}

// Sells returns the service that an order is paid for: the one it names, if the
// merchant sells that, or the merchant's first.
func (m Merchant) Sells(named ServiceCode) (ServiceCode, bool) {
	if named == "" && len(m.Services) > 0 {
		return m.Services[0], true
	}
	return named, slices.Contains(m.Services, named)
}

// OrderRedirect is what a merchant signs when it sends its buyer to the payment
// page: merchant code, order number and amount (ACQ-004 to ACQ-006), and what
// else must not be altered on the way through the buyer's browser. It holds no
// free text and nothing personal.
type OrderRedirect struct {
	Merchant ParticipantID
	OrderNo  RequestNo
	Amount   Money
	Service  ServiceCode // optional; the merchant's first if empty
	Return   string      // where the buyer goes afterwards; registered beforehand
	Issued   time.Time   // to the second or the millisecond
	Language Language    // optional
	Key      string      // names the certificate: at least the first 16 digits of its fingerprint

	zeros bool // Issued was spelled with milliseconds although there are none
}

// RedirectVersion opens the text that is signed.
const RedirectVersion = "tolem-redirect-v1"

// The limits of a redirect's age.
const (
	RedirectTTL  = 15 * time.Minute
	RedirectSkew = 2 * time.Minute // by which the merchant's clock may be ahead
)

// Limits of a redirect's parts.
const (
	minRedirectKey       = 16
	maxRedirectSignature = 1024 // bytes; RSA of 8192 bits
	redirectTime         = "2006-01-02T15:04:05Z"
	redirectMillis       = "2006-01-02T15:04:05.000Z"
)

var (
	orderNoPattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$`)
	redirectKeyPattern = regexp.MustCompile(`^[0-9a-f]{16,64}$`)
)

// ErrRedirect reports a redirect that does not have the form.
var ErrRedirect = errors.New("redirect of a merchant is malformed")

// The parameters, in the order of the signed text; the signature itself is the
// last and not a part of it.
var redirectFields = []string{"merchant", "order", "amount", "currency", "service", "return", "issued", "language", "key"}

const redirectSignature = "signature"

// issued is the moment as it is spelled: two redirects of one second are two, if
// they tell milliseconds.
func (o OrderRedirect) issued() string {
	if o.zeros || o.Issued.Nanosecond() != 0 {
		return o.Issued.UTC().Format(redirectMillis)
	}
	return o.Issued.UTC().Format(redirectTime)
}

// values returns the fields as they are spelled, in the order of redirectFields.
func (o OrderRedirect) values() []string {
	return []string{
		string(o.Merchant), string(o.OrderNo), o.Amount.Decimal(), string(o.Amount.Currency), string(o.Service), o.Return,
		o.issued(), string(o.Language), o.Key,
	}
}

// Text returns what the merchant signs: a line with the version, then name and
// value of each field in fixed order, empty ones too, each line ended by a line
// feed.
func (o OrderRedirect) Text() []byte {
	text := RedirectVersion + "\n"
	for i, value := range o.values() {
		text += redirectFields[i] + "=" + value + "\n"
	}
	return []byte(text)
}

// Query returns the parameters of the redirect with its signature.
func (o OrderRedirect) Query(signature []byte) string {
	q := make(url.Values)
	for i, value := range o.values() {
		if value != "" {
			q.Set(redirectFields[i], value)
		}
	}
	q.Set(redirectSignature, base64.RawURLEncoding.EncodeToString(signature))
	return q.Encode()
}

// Check returns ErrRedirect with what is wrong. Every value has one spelling,
// and that is the one which is signed.
func (o OrderRedirect) Check() error {
	bad := func(field string) error { return fmt.Errorf("%w: %s", ErrRedirect, field) }
	if CheckIdentifier(string(o.Merchant)) != nil {
		return bad("merchant")
	}
	if !orderNoPattern.MatchString(string(o.OrderNo)) {
		return bad("order")
	}
	if _, err := ParseCurrency(string(o.Amount.Currency)); err != nil {
		return bad("currency")
	}
	if o.Amount.Minor <= 0 || o.Amount.Minor > MaxAmountMinor {
		return bad("amount")
	}
	if o.Service != "" && CheckIdentifier(string(o.Service)) != nil {
		return bad("service")
	}
	if _, err := ParseReturnAddress(o.Return); err != nil {
		return bad("return")
	}
	if o.Issued.IsZero() || !o.Issued.Equal(o.Issued.Truncate(time.Millisecond)) {
		return bad("issued")
	}
	if o.Language != "" && !slices.Contains(Languages, o.Language) {
		return bad("language")
	}
	if !redirectKeyPattern.MatchString(o.Key) {
		return bad("key")
	}
	return nil
}

// ParseOrderRedirect reads the parameters of a redirect and its signature. What
// is missing, there twice, unknown, or spelled in another way than Query spells
// it, is ErrRedirect.
func ParseOrderRedirect(query url.Values) (o OrderRedirect, signature []byte, err error) {
	for name, values := range query {
		if len(values) != 1 || values[0] == "" || name != redirectSignature && !slices.Contains(redirectFields, name) {
			return o, nil, fmt.Errorf("%w: parameter %.32q", ErrRedirect, name)
		}
	}
	o = OrderRedirect{
		Merchant: ParticipantID(query.Get("merchant")), OrderNo: RequestNo(query.Get("order")), Service: ServiceCode(query.Get("service")),
		Return: query.Get("return"), Language: Language(query.Get("language")), Key: query.Get("key"),
	}
	if o.Amount, err = ParseMoney(query.Get("amount"), Currency(query.Get("currency"))); err != nil {
		return o, nil, fmt.Errorf("%w: %w", ErrRedirect, err)
	}
	if o.Issued, err = time.Parse(redirectTime, query.Get("issued")); err != nil {
		return o, nil, fmt.Errorf("%w: issued", ErrRedirect)
	}
	o.zeros = o.Issued.Nanosecond() == 0 && strings.Contains(query.Get("issued"), ".")
	if err = o.Check(); err != nil {
		return o, nil, err
	}
	for i, value := range o.values() {
		if query.Get(redirectFields[i]) != value {
			return o, nil, fmt.Errorf("%w: %s is not in its one spelling", ErrRedirect, redirectFields[i])
		}
	}
	text := query.Get(redirectSignature)
	signature, err = base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(signature) == 0 || len(signature) > maxRedirectSignature || base64.RawURLEncoding.EncodeToString(signature) != text {
		return o, nil, fmt.Errorf("%w: signature", ErrRedirect)
	}
	return o, signature, nil
}

// SignedRedirect is a redirect as it is kept: the text that was signed, and one
// more line with the signature.
func SignedRedirect(text, signature []byte) []byte {
	return []byte(string(text) + redirectSignature + "=" + base64.RawURLEncoding.EncodeToString(signature) + "\n")
}

// SplitSignedRedirect undoes SignedRedirect; ok is false of anything else.
func SplitSignedRedirect(kept []byte) (text, signature []byte, ok bool) {
	at := bytes.LastIndex(kept, []byte("\n"+redirectSignature+"="))
	if at < 0 || !bytes.HasPrefix(kept, []byte(RedirectVersion+"\n")) {
		return nil, nil, false
	}
	text = kept[:at+1]
	line := strings.TrimSuffix(string(kept[at+1+len(redirectSignature)+1:]), "\n")
	signature, err := base64.RawURLEncoding.DecodeString(line)
	return text, signature, err == nil
}

// Names reports whether the redirect names the certificate with this
// fingerprint.
func (o OrderRedirect) Names(f Fingerprint) bool {
	return len(o.Key) >= minRedirectKey && strings.HasPrefix(f.String(), o.Key)
}

// FreshAt reports whether the redirect was made just now.
func (o OrderRedirect) FreshAt(now time.Time) bool {
	return !now.After(o.Issued.Add(RedirectTTL)) && !o.Issued.After(now.Add(RedirectSkew))
}

// MerchantOrder is an order of a merchant: merchant and number name it for ever
// (ACQ-P06). Its code may be replaced by another when it has expired unpaid.
type MerchantOrder struct {
	Merchant  ParticipantID
	OrderNo   RequestNo
	Amount    Money
	Service   ServiceCode
	Code      CodeNumber // the newest
	Version   int64
	CreatedAt time.Time
}

// OrderState is how an order stands, as its merchant is told.
type OrderState string

// The states of an order in a result.
const (
	OrderAuthorised OrderState = "AUTHORISED" // the bank has agreed; not paid before its notification (ACQ-P14)
	OrderPaid       OrderState = "PAID"
	OrderRefused    OrderState = "REFUSED"  // by the bank; the buyer may try again
	OrderReversed   OrderState = "REVERSED" // the bank has given the money back
	OrderRefunded   OrderState = "REFUNDED" // the payment does not count any more; the money goes back
)

// OrderStates lists every state.
var OrderStates = []OrderState{OrderAuthorised, OrderPaid, OrderRefused, OrderReversed, OrderRefunded}

// Authorisation returns what the bank has said of the attempt.
func (s OrderState) Authorisation() string {
	if s == OrderRefused {
		return "REFUSED"
	}
	return "APPROVED"
}

// StandingOfOrder says in one word how an order stands, for people: by its code
// as Code.At shows it, and by the attempts to pay that code, newest first.
func StandingOfOrder(c Code, attempts []Attempt) string {
	switch c.State {
	case StatePaid, StateClosed:
		return string(OrderPaid)
	case StateRefunded:
		return string(OrderRefunded)
	}
	for _, a := range attempts {
		switch {
		case a.State == AttemptApproved:
			return string(OrderAuthorised)
		case a.State.Open():
			return string(a.State)
		}
	}
	switch {
	case c.State != StateIssued:
		return c.State.String()
	case len(attempts) == 0 || attempts[0].State == AttemptRedirected:
		return "OPEN"
	}
	return string(attempts[0].State)
}

// ResultNumber names a result for ever: an attempt comes into each state once.
func ResultNumber(a AttemptID, s OrderState) string { return "R-" + string(a) + "-" + string(s) }

var resultNumberPattern = regexp.MustCompile(`^R-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[A-Z]{4,16}$`)

// CheckResultNumber reports whether s may be the number of a result.
func CheckResultNumber(s string) bool { return resultNumberPattern.MatchString(s) }
