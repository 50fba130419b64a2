package tolem

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// CheckoutKind says what is paid on the payment page.
type CheckoutKind string

// The kinds. A card payment is for a code that was issued before; a payment
// from an account gets its code when the bank has taken the money (GW-P33).
const (
	CheckoutCard    CheckoutKind = "CARD"
	CheckoutAccount CheckoutKind = "ACCOUNT"
)

// Language is one of those that the payment page speaks.
type Language string

// Languages lists them; the first is taken where none is asked for.
var Languages = []Language{"kk", "ru", "en", "az", "uz"}

// ParseLanguage returns the language named by s.
func ParseLanguage(s string) (Language, error) {
	if l := Language(s); slices.Contains(Languages, l) {
		return l, nil
	}
	return "", fmt.Errorf("unknown language %.8q", s)
}

// CheckoutState is how far a payer has come.
type CheckoutState uint8

// The states of a checkout. What became of the money is said by its attempts
// and by the code, not here.
const (
	CheckoutStarted   CheckoutState = iota + 1 // the portal has the address, nobody has come
	CheckoutOpen                               // the payer has come
	CheckoutAbandoned                          // by the payer, or because nothing came for too long
)

// Checkout is one visit to the payment page: what is to be paid, for whom, and
// where the payer goes afterwards (GW-078).
type Checkout struct {
	ID          PaymentID
	Kind        CheckoutKind
	Version     int64
	State       CheckoutState
	Participant ParticipantID // that sent the payer

	Code          CodeNumber // zero: a payment from an account that has not succeeded
	Service       ServiceCode
	Provider      ProviderID
	Amount        Money
	Recipient     IIN
	RecipientName string
	RequestNo     RequestNo
	Details       string // of the payment, as the portal words them; optional

	Language  Language
	ReturnURL string

	CreatedAt  time.Time
	ExpiresAt  time.Time // of the token; afterwards nobody can come
	RedeemedAt time.Time // zero: nobody has come
	InputBy    time.Time // until when the payer may enter something; zero: nothing is waited for
}

// Limits of what a checkout waits for.
const (
	TokenTTL = 15 * time.Minute // GW-P32
	InputTTL = 15 * time.Minute // ACQ-P11
)

// Stage is how a payment stands as its payer is told.
type Stage string

// The stages.
const (
	StageStarted   Stage = "STARTED"   // nobody has come to the page
	StageForm      Stage = "FORM"      // something is to be entered
	StageWaiting   Stage = "WAITING"   // on its way to the bank
	StageUnknown   Stage = "UNKNOWN"   // the bank is being asked; nobody must pay again
	StageApproved  Stage = "APPROVED"  // the bank has agreed, its notification is awaited (ACQ-P14)
	StagePaid      Stage = "PAID"      // and there is a receipt
	StageRefused   Stage = "REFUSED"   // by the bank; another attempt may be made
	StageAbandoned Stage = "ABANDONED" // by the payer, or because nothing came
	StageExpired   Stage = "EXPIRED"   // the code
	StageCancelled Stage = "CANCELLED" // the code
	StageRefunded  Stage = "REFUNDED"  // the money went back
)

// Stages lists every stage.
var Stages = []Stage{
	StageStarted, StageForm, StageWaiting, StageUnknown, StageApproved, StagePaid, StageRefused, StageAbandoned,
	StageExpired, StageCancelled, StageRefunded,
}

// Over reports whether nothing will change any more by waiting.
func (s Stage) Over() bool {
	switch s {
	case StagePaid, StageAbandoned, StageExpired, StageCancelled, StageRefunded:
		return true
	}
	return false
}

// StageAt says how a checkout stands. The last attempt is that of the code if
// one of another checkout is open, else of this checkout; nil if there is none.
// The code is zero while there is none, and as Code.At shows it.
func (c Checkout) StageAt(last *Attempt, code Code, now time.Time) Stage {
	switch code.State {
	case StatePaid, StateClosed:
		return StagePaid
	case StateRefunded:
		return StageRefunded
	}
	if last != nil && last.State.Open() {
		switch last.State {
		case AttemptUnknown:
			return StageUnknown
		case AttemptApproved:
			return StageApproved
		}
		return StageWaiting
	}
	switch {
	case code.State == StateExpired:
		return StageExpired
	case code.State == StateCancelled:
		return StageCancelled
	case last != nil && last.State == AttemptReversed:
		return StageRefunded
	case c.State == CheckoutAbandoned, c.State == CheckoutStarted && !now.Before(c.ExpiresAt),
		!c.InputBy.IsZero() && !now.Before(c.InputBy):
		return StageAbandoned
	case last != nil && last.State == AttemptRefused:
		return StageRefused
	case c.State == CheckoutStarted:
		return StageStarted
	}
	return StageForm
}

// ErrReturnAddress reports an address that payers cannot be sent to.
var ErrReturnAddress = errors.New("return address must be https://host[:port]/path, without user, fragment and dot segments")

// maxReturnAddress bounds the length of a return address, in bytes.
const maxReturnAddress = 1024

// ParseReturnAddress checks an address that payers are sent back to. Without
// encryption only this machine itself is allowed, for trying things out.
func ParseReturnAddress(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxReturnAddress || strings.ContainsFunc(s, notInAddress) {
		return nil, ErrReturnAddress
	}
	path := strings.ToLower(u.EscapedPath())
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())),
		u.Hostname() == "", u.User != nil, u.Opaque != "", strings.Contains(s, "#"),
		strings.Contains(path, "%2f"), strings.Contains(path, "%5c"), strings.Contains(path, "%2e"), strings.Contains(path, "//"),
		slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool { return part == "." || part == ".." }):
		return nil, ErrReturnAddress
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

func notInAddress(r rune) bool {
	return r <= ' ' || r >= 0x7f || r == '\\' || r == '"' || r == '<' || r == '>'
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// ReturnsTo reports whether a return address lies under a registered one: the
// same scheme, host and port, and a path that is the registered one or goes on
// behind its slash. /pay covers /pay and /pay/done, not /payments. A query may
// follow; the registered address has none.
func ReturnsTo(registered, address string) bool {
	r, err := ParseReturnAddress(registered)
	if err != nil || r.RawQuery != "" {
		return false
	}
	a, err := ParseReturnAddress(address)
	if err != nil || a.Scheme != r.Scheme || origin(a) != origin(r) {
		return false
	}
	prefix, path := r.EscapedPath(), a.EscapedPath()
	return path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
}

func origin(u *url.URL) string {
	port := u.Port()
	switch {
	case port == "" && u.Scheme == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}
