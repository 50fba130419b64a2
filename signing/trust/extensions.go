package trust

import (
	"bytes"
	"fmt"
	"math/big"
)

// The contents of the object identifiers of the extensions that are known.
const (
	oidCRLNumber         = "\x55\x1d\x14" // 2.5.29.20
	oidReasonCode        = "\x55\x1d\x15" // 2.5.29.21
	oidInvalidityDate    = "\x55\x1d\x18" // 2.5.29.24
	oidDeltaIndicator    = "\x55\x1d\x1b" // 2.5.29.27
	oidDistributionPoint = "\x55\x1d\x1c" // 2.5.29.28, issuingDistributionPoint
	oidCertificateIssuer = "\x55\x1d\x1d" // 2.5.29.29
	oidAuthorityKeyID    = "\x55\x1d\x23" // 2.5.29.35
)

// Limits on extensions: far above what any authority sends, far below what
// would cost time.
const (
	maxListExtensions  = 32
	maxEntryExtensions = 8
	maxPoints          = 16
)

// walkExtensions calls known for each extension of a SEQUENCE OF Extension. An
// extension that known does not recognise must not be critical.
func walkExtensions(contents der, limit int, known func(oid []byte, value der) (bool, error)) error {
	var seen [maxListExtensions][]byte
	for n := 0; len(contents) > 0; n++ {
		if n == limit {
			return malformed("too many extensions")
		}
		oid, critical, value, err := nextExtension(&contents)
		if err != nil {
			return err
		}
		for _, earlier := range seen[:n] {
			if bytes.Equal(earlier, oid) {
				return malformed("an extension twice")
			}
		}
		seen[n] = oid
		recognised, err := known(oid, value)
		if err != nil {
			return err
		}
		if critical && !recognised {
			return fmt.Errorf("%w: OID contents %x", ErrListExtension, oid)
		}
	}
	return nil
}

func nextExtension(contents *der) (oid []byte, critical bool, value der, err error) {
	content, ok := contents.read(tagSequence)
	if !ok {
		return nil, false, nil, malformed("extension")
	}
	rest := der(content)
	if oid, ok = rest.read(tagOID); !ok || len(oid) == 0 {
		return nil, false, nil, malformed("extension's identifier")
	}
	flag, present, ok := rest.optional(tagBoolean)
	if ok && present {
		critical, ok = boolean(flag)
	}
	if !ok {
		return nil, false, nil, malformed("extension's critical flag")
	}
	if value, ok = rest.read(tagOctetString); !ok || len(rest) != 0 {
		return nil, false, nil, malformed("extension's value")
	}
	return oid, critical, value, nil
}

// listExtensions is what the extensions of a list say.
type listExtensions struct {
	number *big.Int // nil when absent
	keyID  authorityKeyID
	delta  bool
	scope  scope
}

func (x *listExtensions) read(explicit der) error {
	contents, ok := explicit.read(tagSequence)
	if !ok || len(explicit) != 0 {
		return malformed("crlExtensions")
	}
	return walkExtensions(contents, maxListExtensions, func(oid []byte, value der) (known bool, err error) {
		switch string(oid) {
		case oidCRLNumber:
			x.number, err = readNumber(value)
		case oidAuthorityKeyID:
			err = x.keyID.read(value)
		case oidDeltaIndicator:
			x.delta = true
		case oidDistributionPoint:
			err = x.scope.read(value)
		default:
			return false, nil
		}
		return true, err
	})
}

func (e *entry) readExtensions(contents der) error {
	return walkExtensions(contents, maxEntryExtensions, func(oid []byte, value der) (bool, error) {
		switch string(oid) {
		case oidReasonCode:
			code, ok := value.unsigned(tagEnumerated)
			if !ok || len(value) != 0 || len(code) > 1 {
				return true, malformed("reason code")
			}
			if len(code) == 1 {
				e.reason = code[0]
			}
			if e.reason == reasonUnused || e.reason > reasonLast {
				return true, malformed("reason code")
			}
			if e.reason == reasonRemove {
				return true, fmt.Errorf("%w: an entry is a removal", ErrListDelta)
			}
			return true, nil
		case oidInvalidityDate:
			return true, nil // the certificate is refused whatever the date
		case oidCertificateIssuer:
			return true, fmt.Errorf("%w: an entry is of another issuer", ErrListScope)
		}
		return false, nil
	})
}

// authorityKeyID says with which of its issuer's keys a list is signed, by the
// key's identifier, by a certificate of it, or both.
type authorityKeyID struct {
	key    []byte
	issuer der // GeneralNames of the certificate's issuer
	serial []byte
}

func (k *authorityKeyID) read(value der) error {
	contents, ok := value.read(tagSequence)
	rest := der(contents)
	if !ok || len(value) != 0 {
		return malformed("authority key identifier")
	}
	const tagKey, tagIssuer, tagSerial = 0x80, 0xa1, 0x82
	var okKey, okIssuer, okSerial bool
	k.key, _, okKey = rest.optional(tagKey)
	k.issuer, _, okIssuer = rest.optional(tagIssuer)
	if okSerial = true; len(rest) > 0 {
		k.serial, okSerial = rest.unsigned(tagSerial)
	}
	if !okKey || !okIssuer || !okSerial || len(rest) != 0 {
		return malformed("authority key identifier")
	}
	return nil
}

// scope is what an issuing distribution point says: which of the issuer's
// certificates the list is about.
type scope struct {
	raw     []byte   // the extension's value; nil when there is none
	points  []string // addresses; the list is about certificates that name one of them
	partial bool     // indirect, for some kinds or reasons only, or for none we can tell
}

func (s *scope) read(value der) error {
	s.raw = value
	contents, ok := value.read(tagSequence)
	rest := der(contents)
	if !ok || len(value) != 0 {
		return malformed("issuing distribution point")
	}
	const tagPoint, tagReasons = 0xa0, 0x83
	if len(rest) > 0 && rest[0] == tagPoint {
		point, ok := rest.read(tagPoint)
		if !ok || !s.readPoint(point) {
			return malformed("name of the distribution point")
		}
	}
	for len(rest) > 0 {
		tag, content, _, ok := rest.element()
		if !ok || tag < 0x81 || tag > 0x85 {
			return malformed("issuing distribution point")
		}
		limited := true // by the presence of onlySomeReasons
		if tag != tagReasons {
			if limited, ok = boolean(content); !ok {
				return malformed("issuing distribution point")
			}
		}
		s.partial = s.partial || limited
	}
	return nil
}

// readPoint reads a DistributionPointName. Only full names that are addresses
// can be compared with what a certificate says; a list that has none of these
// is as good as partial.
func (s *scope) readPoint(point der) bool {
	const tagFullName, tagURI = 0xa0, 0x86
	tag, names, _, ok := point.element()
	if !ok || len(point) != 0 {
		return false
	}
	if tag != tagFullName {
		s.partial = true
		return true
	}
	for rest := der(names); len(rest) > 0; {
		tag, name, _, ok := rest.element()
		if !ok || len(s.points) == maxPoints {
			return false
		}
		if tag == tagURI {
			s.points = append(s.points, string(name))
		}
	}
	s.partial = s.partial || len(s.points) == 0
	return true
}
