package client

import (
	"crypto/rand"
	"encoding/hex"

	"tolem"
)

// NewRequestID returns a random UUID (version 4). Calls make their own unless
// given one; a caller that must survive its own crash makes one first, stores
// it beside its transaction and passes it with WithRequestID.
func NewRequestID() tolem.RequestID {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program where it would
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return tolem.RequestID(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}
