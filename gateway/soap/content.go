package soap

import (
	"crypto/sha256"
	"encoding/binary"

	"tolem/signing"
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
			b = appendText(appendText(b, f.Name), trim(f.Value))
		}
	}
	return sha256.Sum256(b)
}

// appendText appends a text behind its length, so that no two lists of texts
// give the same bytes.
func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
