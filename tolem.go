// Package tolem holds the nouns of a government payment gateway and the pure
// rules that govern them: money, payment codes and their check digits, IIN and
// BIN, the state machine of a code, participants and their rights, services.
//
// It imports the standard library only, opens nothing and logs nothing. Every
// other package speaks in its types: store keeps them, gateway does things to
// them, gateway/soap translates them to and from the wire.
//
// Identifiers such as GW-131 in comments name the requirement a rule comes from.
package tolem

import (
	"errors"
	"fmt"
	"regexp"
)

// ParticipantID names a participant of the exchange in messages and in the
// register: a bank, a processing centre, the portal, a provider. It is chosen
// by the operator and never reused.
type ParticipantID string

// ServiceCode names a public service or e-service (GW, reading note N35).
type ServiceCode string

// ProviderID names a provider of public services.
type ProviderID string

// RequestID is the UUID that opens every request. It is unique per sender for
// ever and is the idempotency key (GW-P08).
type RequestID string

// BankRef is a bank's transaction reference, unique within the bank.
type BankRef string

// RequestNo is the portal's number of an order for a service (GW-158).
type RequestNo string

// CloseID identifies one act of closing for its caller (GW-P20).
type CloseID string

// MaxIdentifierLength bounds participant, provider and service identifiers, in
// bytes.
const MaxIdentifierLength = 32

// ErrBadIdentifier reports an identifier that cannot stand in a message.
var ErrBadIdentifier = errors.New("identifier must be 1 to 32 letters, digits, '.', '_' or '-', starting with a letter or digit")

var identifierPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

// CheckIdentifier returns ErrBadIdentifier unless s may name a participant, a
// provider or a service.
func CheckIdentifier(s string) error {
	if !identifierPattern.MatchString(s) {
		return fmt.Errorf("%q: %w", s, ErrBadIdentifier)
	}
	return nil
}

// CheckRequestID reports whether s is a UUID in its textual form of 36
// characters, which is what every request opens with.
func CheckRequestID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
				return false
			}
		}
	}
	return true
}
