package trust

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"math/big"
	"slices"
	"testing"
	"time"
)

// tlv encodes one element of DER.
func tlv(tag byte, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	n := len(content)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	case n < 0x10000:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
	}
	return append([]byte{tag, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, content...)
}

// craft describes a list that OpenSSL would not make.
type craft struct {
	version    []byte // whole element; version 2 if nil, none if empty
	algorithm  []byte // whole identifier as signed; as stated if nil
	stated     []byte // whole identifier beside the signature; ecdsa-with-SHA256 if nil
	this, next time.Time
	entries    []byte // contents; the element is left out if nil
	extensions []byte // contents of Extensions; left out if nil
	trailing   []byte // after the list
}

var ecdsaSHA256 = tlv(tagSequence, tlv(tagOID, []byte("\x2a\x86\x48\xce\x3d\x04\x03\x02")))

// sign encodes the list and signs it with the EC key of the authority.
func (c craft) sign(t testing.TB, issuer *x509.Certificate, key crypto.Signer) []byte {
	t.Helper()
	if c.version == nil {
		c.version = tlv(tagInteger, []byte{1})
	}
	if c.stated == nil {
		c.stated = ecdsaSHA256
	}
	if c.algorithm == nil {
		c.algorithm = c.stated
	}
	body := [][]byte{c.version, c.algorithm, issuer.RawSubject, derTime(c.this)}
	if !c.next.IsZero() {
		body = append(body, derTime(c.next))
	}
	if c.entries != nil {
		body = append(body, tlv(tagSequence, c.entries))
	}
	if c.extensions != nil {
		body = append(body, tlv(0xa0, tlv(tagSequence, c.extensions)))
	}
	tbs := tlv(tagSequence, body...)
	digest := sha256.Sum256(tbs)
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return append(tlv(tagSequence, tbs, c.stated, tlv(tagBitString, []byte{0}, signature)), c.trailing...)
}

func derTime(t time.Time) []byte { return tlv(tagUTCTime, []byte(t.UTC().Format("060102150405Z"))) }

func extension(oid string, critical bool, value []byte) []byte {
	parts := [][]byte{tlv(tagOID, []byte(oid))}
	if critical {
		parts = append(parts, tlv(tagBoolean, []byte{0xff}))
	}
	return tlv(tagSequence, append(parts, tlv(tagOctetString, value))...)
}

func numberExtension(n int64) []byte {
	b, err := asn1.Marshal(n)
	if err != nil {
		panic(err) // an int64 can always be encoded
	}
	return extension(oidCRLNumber, false, b)
}

func listEntry(serial *big.Int, when time.Time, extensions ...[]byte) []byte {
	b, err := asn1.Marshal(serial)
	if err != nil {
		panic(err)
	}
	if len(extensions) == 0 {
		return tlv(tagSequence, b, derTime(when))
	}
	return tlv(tagSequence, b, derTime(when), tlv(tagSequence, extensions...))
}

// manyEntries encodes n entries with serial numbers of 20 bytes, in no order,
// each with a reason, and returns the serial number of number i.
func manyEntries(n int, when time.Time) (entries []byte, serial func(i int) *big.Int) {
	number := func(i int) []byte {
		var b [20]byte
		binary.BigEndian.PutUint64(b[:], uint64(i)*0x9e3779b97f4a7c15>>1|1<<62)
		binary.BigEndian.PutUint64(b[12:], uint64(i))
		return b[:]
	}
	reason := tlv(tagSequence, extension(oidReasonCode, false, []byte{tagEnumerated, 1, 1}))
	date := derTime(when)
	entries = make([]byte, 0, n*(2+22+len(date)+len(reason)))
	for i := range n {
		entries = append(entries, tagSequence, byte(22+len(date)+len(reason)), tagInteger, 20)
		entries = append(append(append(entries, number(i)...), date...), reason...)
	}
	return entries, func(i int) *big.Int { return new(big.Int).SetBytes(number(i)) }
}

var (
	big1   = big.NewInt(1)
	minus1 = big.NewInt(-1)
	huge   = new(big.Int).Lsh(big1, 161)
)
