package trust

import (
	"time"

	"tolem"
)

// Proof says on what grounds a certificate was accepted: the path to an
// anchor and the revocation lists that were asked. It is part of the evidence
// kept with every message (GW-P36).
type Proof struct {
	Path []tolem.Fingerprint // from the accepted certificate to the anchor, both included
	CRLs []CRLRef            // every list that was asked, in the order of the path

	// ID stands for Path and CRLs together: two messages checked with the same
	// chain and the same lists carry the same ID, so that the archive stores
	// the proof once.
	ID [16]byte
}

// CRLRef names one revocation list.
type CRLRef struct {
	Issuer     string // distinguished name (RFC 2253)
	Number     string // CRL number in decimal, empty when the list has none
	ThisUpdate time.Time
	NextUpdate time.Time
	Hash       [32]byte // SHA-256 of the list's DER encoding, under which a Keeper has it
}
