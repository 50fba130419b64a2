package archive

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"time"

	"tolem"
	"tolem/signing"
	"tolem/signing/trust"
	"tolem/store"
)

// Direction says which way a message went.
type Direction uint8

// The directions.
const (
	In       Direction = 1 // to the gateway
	Out      Direction = 2 // from the gateway
	Internal Direction = 3 // made and kept by the gateway itself
)

// String returns the direction in words.
func (d Direction) String() string {
	switch d {
	case In:
		return "in"
	case Out:
		return "out"
	case Internal:
		return "internal"
	}
	return fmt.Sprintf("Direction(%d)", uint8(d))
}

// ClassRedacted is the class of a message of which card data were cut out before
// it was kept: its signature is of the original, whose SHA-256 is in the record
// of the attempt beside it (GW-P31).
const ClassRedacted = "redacted"

// Record is a message as evidence.
type Record struct {
	ID          MessageID
	Direction   Direction
	At          time.Time // when it arrived or was signed, to the microsecond
	Participant tolem.ParticipantID
	Operation   tolem.Operation
	Code        tolem.CodeNumber // 0: it concerns no code
	RequestID   tolem.RequestID
	Class       string // empty: verified; ClassRedacted; else why it was refused
	Raw         []byte // every byte of it

	// The certificate that signed the message and the grounds on which it was
	// trusted, for Add. An answer need not name its certificate: it is found in
	// the message.
	Certificate *x509.Certificate
	Trust       trust.Proof

	// What Load returns in their place; zero if there are none.
	Fingerprint tolem.Fingerprint
	TrustID     [16]byte
}

// Exchange returns what is kept of a call that was answered: what was sent, and
// the answer as it came and was verified. About says whom they were exchanged
// with and what they concern.
func Exchange(about Record, sent time.Time, message []byte, came time.Time, answer []byte, v *signing.Verified) []Record {
	out, in := about, about
	out.ID, out.Direction, out.At, out.Raw = NewMessageID(sent), Out, sent, message
	in.ID, in.Direction, in.At, in.Raw = NewMessageID(came), In, came, answer
	in.Certificate, in.Trust = v.Certificate, v.Trust
	return []Record{out, in}
}

// appendLeafData appends the record as it stands in the log: every field
// behind its length or of fixed length.
func (r *Record) appendLeafData(b []byte) []byte {
	b = append(b, byte(r.Direction))
	b = append(b, r.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Code))
	b = append(b, r.Fingerprint[:]...)
	b = append(b, r.TrustID[:]...)
	for _, s := range [...]string{string(r.Participant), string(r.Operation), string(r.RequestID), r.Class} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Raw)))
	return append(b, r.Raw...)
}

// What the hash of a leaf begins with: the prefix that separates leaves from
// inner nodes (RFC 6962, section 2.1), and what the leaf is of.
const (
	leafPrefix   = 0x00
	leafEntry    = 1
	leafDocument = 2
)

// entryLeaf returns the RFC 6962 leaf hash of the records of an entry.
func entryLeaf(scratch []byte, records []Record) (leaf [32]byte, used []byte) {
	b := append(scratch[:0], leafPrefix, leafEntry, byte(len(records)))
	for i := range records {
		b = records[i].appendLeafData(b)
	}
	return sha256.Sum256(b), b
}

// documentLeaf returns the RFC 6962 leaf hash of a shared document.
func documentLeaf(kind store.DocumentKind, id, data []byte) [32]byte {
	b := make([]byte, 0, 8+len(id)+len(data))
	b = append(b, leafPrefix, leafDocument, byte(kind))
	b = binary.BigEndian.AppendUint16(b, uint16(len(id)))
	b = append(b, id...)
	b = append(b, data...)
	return sha256.Sum256(b)
}
