package tolem

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind says what a participant is, and so which group it joins by default.
type Kind string

// The kinds of participants (spec section 1).
const (
	KindBank          Kind = "bank"
	KindBranch        Kind = "branch"
	KindProcessing    Kind = "processing"
	KindPortal        Kind = "portal"
	KindServiceCentre Kind = "service-centre"
	KindProvider      Kind = "provider"
	KindMerchant      Kind = "merchant"
)

// Kinds lists every kind in the order they are shown to people.
var Kinds = []Kind{KindBank, KindBranch, KindProcessing, KindPortal, KindServiceCentre, KindProvider, KindMerchant}

// ParseKind returns the kind named by s.
func ParseKind(s string) (Kind, error) {
	if k := Kind(s); slices.Contains(Kinds, k) {
		return k, nil
	}
	return "", fmt.Errorf("unknown kind %q: want one of %s", s, joinKinds())
}

func joinKinds() string {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// AnswerKey says with which of its keys the gateway answers a participant.
type AnswerKey string

// The choices of answer key (wire profile, section 3).
const (
	AnswerAuto AnswerKey = ""    // EC to a request signed with EC, RSA to all others
	AnswerRSA  AnswerKey = "rsa" // always RSA
	AnswerEC   AnswerKey = "ec"  // always EC P-256
)

// Participant is an organisation that takes part in the exchange. Its
// certificates say who it is; its groups say what it may do.
type Participant struct {
	ID     ParticipantID
	Kind   Kind
	Name   string
	Groups []Group

	// ActsFor lists the banks in whose name a processing centre may call, or
	// the one bank that a branch belongs to.
	ActsFor []ParticipantID

	// Suspended participants are refused until resumed.
	Suspended bool

	// The contract with the gateway operator; a participant may call from
	// ContractFrom on and, if ContractUntil is set, before it (GW-P41).
	ContractNo                  string
	ContractFrom, ContractUntil time.Time

	// BodyOnly participants sign the Body alone and put the signed sentAt in
	// the place of the Timestamp (SmartBridge senders).
	BodyOnly bool

	AnswerKey AnswerKey
}

// MayCallAt reports whether the participant is active at the given time.
func (p Participant) MayCallAt(now time.Time) bool {
	return !p.Suspended && !p.ContractFrom.IsZero() && !now.Before(p.ContractFrom) &&
		(p.ContractUntil.IsZero() || now.Before(p.ContractUntil))
}

// May reports whether one of the participant's groups permits the operation.
func (p Participant) May(op Operation) bool {
	return slices.ContainsFunc(p.Groups, func(g Group) bool { return g.Permits(op) })
}

// Group is a set of rights. Access is granted to groups, never to participants
// directly (GW-052 to GW-054).
type Group string

// The groups whose members call the gateway (spec section 7.3).
const (
	GroupPortal        Group = "portal"
	GroupBank          Group = "bank"
	GroupBranch        Group = "branch"
	GroupProcessing    Group = "processing"
	GroupServiceCentre Group = "service-centre"
	GroupProvider      Group = "provider"
	GroupMerchant      Group = "merchant"
)

// permitted is the whole of section 7.3 that concerns calls: what is not
// listed is refused. Service centres work through the portal and call nothing
// themselves (reading note N34).
var permitted = map[Group][]Operation{
	GroupPortal: {OpIssueCode, OpValidateCode, OpCloseCode, OpGetPayment, OpGetReceipt, OpCancelCode, OpListServices, OpGetOutcome,
		OpStartCardPayment, OpStartAccountPayment, OpGetCheckout},
	GroupBank: {OpIssueCode, OpNotifyPayment, OpCancelCode, OpListServices, OpGetOutcome,
		OpListRegisters, OpGetRegister, OpAcknowledgeRegister, OpSubmitRegister, OpGetReconciliation,
		OpListClaims, OpAnswerClaim, OpGetReport},
	GroupBranch:        {OpListServices, OpGetOutcome, OpListRegisters, OpGetRegister, OpAcknowledgeRegister, OpSubmitRegister, OpGetReconciliation},
	GroupProcessing:    {OpIssueCode, OpNotifyPayment, OpCancelCode, OpListServices, OpGetOutcome},
	GroupServiceCentre: {},
	GroupProvider: {OpListServices, OpGetOutcome, OpListRegisters, OpGetRegister, OpAcknowledgeRegister, OpSubmitRegister, OpGetReconciliation, OpGetReport,
		OpSubmitBills},
	GroupMerchant: {OpListServices, OpGetOutcome},
}

// Groups lists every group in alphabetical order.
func Groups() []Group {
	groups := make([]Group, 0, len(permitted))
	for g := range permitted {
		groups = append(groups, g)
	}
	slices.Sort(groups)
	return groups
}

// ParseGroup returns the group named by s.
func ParseGroup(s string) (Group, error) {
	if _, ok := permitted[Group(s)]; !ok {
		return "", fmt.Errorf("unknown group %q", s)
	}
	return Group(s), nil
}

// Permits reports whether members of the group may call the operation.
func (g Group) Permits(op Operation) bool { return slices.Contains(permitted[g], op) }

// Permitted returns the operations that members of the group may call.
func (g Group) Permitted() []Operation { return slices.Clone(permitted[g]) }

// DefaultGroup returns the group a participant of this kind joins when it is
// registered.
func (k Kind) DefaultGroup() Group { return Group(k) }

// Fingerprint is the SHA-256 of a certificate's DER encoding.
type Fingerprint [sha256.Size]byte

// FingerprintOf returns the fingerprint of a certificate in DER.
func FingerprintOf(der []byte) Fingerprint { return sha256.Sum256(der) }

// String returns the fingerprint in hexadecimal.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Certificate is a certificate registered to a participant. It may sign
// messages and open channels while it is not Withdrawn and its own validity,
// chain and revocation lists allow.
type Certificate struct {
	Fingerprint Fingerprint
	Participant ParticipantID
	DER         []byte
	NotAfter    time.Time
	AddedAt     time.Time
	Withdrawn   bool
}
