package trust

import (
	"bytes"
	"fmt"
	"math/big"
	"time"
)

// parsedList is the outside of a revocation list, read without looking at its
// entries: those are worth the time only once the signature is known to be
// good. Its slices alias the DER it was read from.
type parsedList struct {
	tbs       []byte // what is signed
	algorithm []byte // whole AlgorithmIdentifier
	signature []byte
	issuer    []byte // whole Name

	thisUpdate time.Time
	nextUpdate time.Time // zero when the list has none

	entries    der // contents of revokedCertificates
	extensions listExtensions
}

// Versions of a list as they are encoded. Version 1 has no extensions.
const versionTwo = 1

// parseList reads a CertificateList (RFC 5280, 5.1).
func parseList(raw []byte) (*parsedList, error) {
	whole := der(raw)
	outer, ok := whole.read(tagSequence)
	if !ok || len(whole) != 0 {
		return nil, malformed("not one SEQUENCE")
	}
	rest := der(outer)
	tag, content, tbs, ok := rest.element()
	if !ok || tag != tagSequence {
		return nil, malformed("no tbsCertList")
	}
	tag, _, algorithm, ok := rest.element()
	if !ok || tag != tagSequence {
		return nil, malformed("no signatureAlgorithm")
	}
	signature, ok := rest.read(tagBitString)
	if !ok || len(signature) < 2 || signature[0] != 0 || len(rest) != 0 {
		return nil, malformed("signatureValue")
	}
	list := &parsedList{tbs: tbs, algorithm: algorithm, signature: signature[1:]}
	if err := list.readBody(content); err != nil {
		return nil, err
	}
	return list, nil
}

// readBody reads the contents of tbsCertList.
func (l *parsedList) readBody(body der) error {
	version, hasVersion, ok := body.optional(tagInteger)
	if !ok || hasVersion && !bytes.Equal(version, []byte{versionTwo}) {
		return malformed("version")
	}
	tag, _, algorithm, ok := body.element()
	if !ok || tag != tagSequence || !bytes.Equal(algorithm, l.algorithm) {
		return malformed("the signed algorithm is not the stated one")
	}
	if tag, _, l.issuer, ok = body.element(); !ok || tag != tagSequence {
		return malformed("issuer")
	}
	if l.thisUpdate, ok = body.time(); !ok {
		return malformed("thisUpdate")
	}
	if len(body) > 0 && (body[0] == tagUTCTime || body[0] == tagGeneralizedTime) {
		if l.nextUpdate, ok = body.time(); !ok {
			return malformed("nextUpdate")
		}
	}
	if l.entries, _, ok = body.optional(tagSequence); !ok {
		return malformed("revokedCertificates")
	}
	const tagExtensions = 0xa0
	explicit, hasExtensions, ok := body.optional(tagExtensions)
	if !ok || len(body) != 0 || hasExtensions && !hasVersion {
		return malformed("what follows the entries")
	}
	if hasExtensions {
		return l.extensions.read(explicit)
	}
	return nil
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrListMalformed, what) }

// entry is one revoked certificate.
type entry struct {
	serial []byte // magnitude, big-endian, without leading zeros
	when   time.Time
	reason byte
}

// Reason codes (RFC 5280, 5.3.1) that need a word. A certificate on hold is
// refused like any other that is listed; removal from a list has its place in
// deltas alone, which are refused.
const (
	reasonRemove = 8
	reasonUnused = 7
	reasonLast   = 10
)

// nextEntry takes the next entry off the contents of revokedCertificates.
func nextEntry(entries *der) (entry, error) {
	content, ok := entries.read(tagSequence)
	if !ok {
		return entry{}, malformed("entry")
	}
	rest := der(content)
	serial, ok := rest.unsigned(tagInteger)
	if !ok || len(serial) > maxSerialBytes {
		return entry{}, malformed("serial number of an entry")
	}
	when, ok := rest.time()
	if !ok {
		return entry{}, malformed("date of an entry")
	}
	e := entry{serial: serial, when: when}
	if len(rest) == 0 {
		return e, nil
	}
	extensions, ok := rest.read(tagSequence)
	if !ok || len(rest) != 0 {
		return entry{}, malformed("extensions of an entry")
	}
	err := e.readExtensions(extensions)
	return e, err
}

// maxNumberBytes bounds a CRL number (RFC 5280, 5.2.3).
const maxNumberBytes = 20

func readNumber(value der) (*big.Int, error) {
	magnitude, ok := value.unsigned(tagInteger)
	if !ok || len(value) != 0 || len(magnitude) > maxNumberBytes {
		return nil, malformed("CRL number")
	}
	return new(big.Int).SetBytes(magnitude), nil
}
