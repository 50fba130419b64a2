package soap

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"tolem/signing"
	"tolem/wsdl/contract"
)

// These are no content: requestId is what the request is known by, whatever the
// case of its letters, and sentAt has to be set anew for every repetition by a
// sender without a Timestamp.
const (
	requestID = "requestId"
	sentAt    = "sentAt"
)

// contentOf returns the hash by which a repetition of a request is told from
// another use of its id: of what it asks for, field by field. Prefixes, white
// space between elements and the Body's own id are not in it, since many
// stacks choose the id by chance whenever they sign.
func contentOf(operation string, list []signing.Field) [32]byte {
	b := appendText(make([]byte, 0, 1024), operation)
	for _, f := range list {
		if f.Name != sentAt && f.Name != requestID {
			b = appendField(b, f)
		}
	}
	return sha256.Sum256(b)
}

// inside stands between the name of a field and the fields in it, where the
// length of a text cannot be so great.
const inside = math.MaxUint32

func appendField(b []byte, f signing.Field) []byte {
	b = appendText(b, f.Name)
	if f.Fields == nil {
		return appendText(b, contract.Trim(f.Value))
	}
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, inside), uint32(len(f.Fields)))
	for _, in := range f.Fields {
		b = appendField(b, in)
	}
	return b
}

// appendText appends a text behind its length, so that no two lists of texts
// give the same bytes.
func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
