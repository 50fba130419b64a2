package tolem

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ClaimNumber names a claim for ever: of its day, bank and currency.
type ClaimNumber string

// NewClaimNumber returns the number of a bank's claim of a day.
func NewClaimNumber(bank ParticipantID, d Day, c Currency) ClaimNumber {
	return ClaimNumber(fmt.Sprintf("C-%s-%s-%s", strings.ReplaceAll(d.String(), "-", ""), bank, c))
}

var claimNumberPattern = regexp.MustCompile(`^C-\d{8}-[A-Za-z0-9][A-Za-z0-9._-]{0,31}-[A-Z]{3}$`)

// ParseClaimNumber checks the form of a number.
func ParseClaimNumber(s string) (ClaimNumber, error) {
	if !claimNumberPattern.MatchString(s) {
		return "", fmt.Errorf("%.64q is not a claim number like C-20261121-HALYK-KZT", s)
	}
	return ClaimNumber(s), nil
}

// Bank returns whose claim the number is of; empty if it is no number.
func (n ClaimNumber) Bank() ParticipantID {
	const before, behind = len("C-20261121-"), len("-KZT")
	if !claimNumberPattern.MatchString(string(n)) {
		return ""
	}
	return ParticipantID(n[before : len(n)-behind])
}

// Claim is the operator's claim to a bank for the money of a day's payments
// (GW-185, GW-P40). What becomes of it is told by its steps.
type Claim struct {
	Number   ClaimNumber
	Day      Day
	Bank     ParticipantID
	Register RegisterNumber // whose rows are the list of payments
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
