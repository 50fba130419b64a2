package tolem

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ClaimNumber names a claim for ever: of a day, C-20261121-HALYK-KZT, or of one
// refunded payment, R-0000000000000195-HALYK-KZT.
type ClaimNumber string

// NewClaimNumber returns the number of a bank's claim of a day.
func NewClaimNumber(bank ParticipantID, d Day, c Currency) ClaimNumber {
	return ClaimNumber(fmt.Sprintf("C-%s-%s-%s", strings.ReplaceAll(d.String(), "-", ""), bank, c))
}

// NewRefundClaimNumber returns the number of the claim for a refunded payment.
func NewRefundClaimNumber(bank ParticipantID, n CodeNumber, c Currency) ClaimNumber {
	return ClaimNumber(fmt.Sprintf("R-%s-%s-%s", n, bank, c))
}

// claimNumberPattern: 1 the code of a refund, 2 the bank.
var claimNumberPattern = regexp.MustCompile(`^(?:C-\d{8}|R-(\d{16}))-([A-Za-z0-9][A-Za-z0-9._-]{0,31})-[A-Z]{3}$`)

// ParseClaimNumber checks the form of a number.
func ParseClaimNumber(s string) (ClaimNumber, error) {
	m := claimNumberPattern.FindStringSubmatch(s)
	if m == nil {
		return "", fmt.Errorf("%.64q is not a claim number like C-20261121-HALYK-KZT", s)
	}
	if m[1] != "" {
		if _, err := ParseCodeNumber(m[1]); err != nil {
			return "", fmt.Errorf("%q is not a claim number: %w", s, err)
		}
	}
	return ClaimNumber(s), nil
}

// Bank returns whose claim the number is of; empty if it is no number.
func (n ClaimNumber) Bank() ParticipantID {
	if m := claimNumberPattern.FindStringSubmatch(string(n)); m != nil {
		return ParticipantID(m[2])
	}
	return ""
}

// Code returns the code of the refunded payment that is claimed; 0 if the claim
// is for a day.
func (n ClaimNumber) Code() CodeNumber {
	if m := claimNumberPattern.FindStringSubmatch(string(n)); m != nil && m[1] != "" {
		if code, err := ParseCodeNumber(m[1]); err == nil {
			return code
		}
	}
	return 0
}

// ClaimKind says what is claimed.
type ClaimKind string

// The kinds of claims.
const (
	ClaimOfDay    ClaimKind = "DAY"    // payments of a day less its refunds
	ClaimOfRefund ClaimKind = "REFUND" // one refunded payment whose money the bank has not given back
)

// Kind returns what the claim of this number is for.
func (n ClaimNumber) Kind() ClaimKind {
	if strings.HasPrefix(string(n), "R-") {
		return ClaimOfRefund
	}
	return ClaimOfDay
}

// Claim is the operator's claim to a bank for the money of a day's payments
// (GW-185, GW-P40), or of one payment that was refunded and that the bank did
// not reverse (GW-186): the day of its refund has it subtracted. What becomes of
// a claim is told by its steps.
type Claim struct {
	Number   ClaimNumber
	Day      Day // of a refund: on which it was made
	Bank     ParticipantID
	Register RegisterNumber // whose rows are the list of payments; none of a refund
	Count    int64          // payments
	Amount   Money          // payments less refunds
	MadeAt   time.Time
	DueAt    time.Time
}

// ClaimState is how a claim stands.
type ClaimState string

// The states of a claim.
const (
	ClaimSent         ClaimState = "SENT"
	ClaimAcknowledged ClaimState = "ACKNOWLEDGED"
	ClaimDisputed     ClaimState = "DISPUTED"
	ClaimPaid         ClaimState = "PAID"
	ClaimWithdrawn    ClaimState = "WITHDRAWN"
)

// claimMoves says which state may follow which. A part of the money may come
// at a time; the claim stays as it is until all of it has.
var claimMoves = map[ClaimState][]ClaimState{
	ClaimSent:         {ClaimAcknowledged, ClaimDisputed, ClaimPaid, ClaimWithdrawn},
	ClaimAcknowledged: {ClaimDisputed, ClaimPaid, ClaimWithdrawn},
	ClaimDisputed:     {ClaimAcknowledged, ClaimPaid, ClaimWithdrawn},
}

// MayBecome reports whether a claim in this state may come into another.
func (s ClaimState) MayBecome(next ClaimState) bool { return slices.Contains(claimMoves[s], next) }

// ClaimStep is one thing that happened to a claim.
type ClaimStep struct {
	State ClaimState
	Who   string // a participant, or who at the operator
	Paid  int64  // minor units that came with this step
	Note  string // the bank's words, or the reference of the transfer
	At    time.Time
}

// ClaimStanding is what the steps of a claim come to.
type ClaimStanding struct {
	State ClaimState
	Paid  int64 // minor units
	Since time.Time
}

// Settled reports whether nothing is to be done about the claim any more.
func (s ClaimStanding) Settled() bool { return s.State == ClaimPaid || s.State == ClaimWithdrawn }

// StandingOf sums up the steps of a claim, oldest first.
func StandingOf(steps []ClaimStep) (s ClaimStanding) {
	for _, step := range steps {
		s.Paid += step.Paid
		if step.State != s.State {
			s.State, s.Since = step.State, step.At
		}
	}
	return s
}
