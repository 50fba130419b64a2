package trust

import "errors"

// Why a revocation list is not taken. Sources report these; the list in use
// before stays in use until its nextUpdate.
var (
	// ErrListMalformed: not a revocation list in DER within the limits.
	ErrListMalformed = errors.New("revocation list is malformed")
	// ErrListIssuer: no configured authority has exactly this name.
	ErrListIssuer = errors.New("revocation list is of an unknown issuer")
	// ErrListKeyID: the authority key identifier is that of another key.
	ErrListKeyID = errors.New("revocation list names another key of its issuer")
	// ErrListAlgorithm: signed with an algorithm that is not allowed.
	ErrListAlgorithm = errors.New("revocation list is signed with a refused algorithm")
	// ErrListSignature: the signature is not the issuer's.
	ErrListSignature = errors.New("revocation list has a wrong signature")
	// ErrListNotYetValid: thisUpdate lies more than MaxSkew ahead.
	ErrListNotYetValid = errors.New("revocation list is from the future")
	// ErrListNoNextUpdate: it does not say how long it may be relied upon.
	ErrListNoNextUpdate = errors.New("revocation list has no nextUpdate")
	// ErrListExpired: nextUpdate has passed.
	ErrListExpired = errors.New("revocation list has run out")
	// ErrListDelta: only complete lists are taken.
	ErrListDelta = errors.New("revocation list is a delta")
	// ErrListScope: indirect, or for some certificates or reasons only.
	ErrListScope = errors.New("revocation list is indirect or partial")
	// ErrListExtension: a critical extension whose meaning is not known.
	ErrListExtension = errors.New("revocation list has an unknown critical extension")
	// ErrListRollback: older than a list that was taken before.
	ErrListRollback = errors.New("revocation list is older than one already seen")
)
