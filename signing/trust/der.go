package trust

import "time"

// The ASN.1 tags a revocation list is made of.
const (
	tagBoolean         = 0x01
	tagInteger         = 0x02
	tagBitString       = 0x03
	tagOctetString     = 0x04
	tagOID             = 0x06
	tagEnumerated      = 0x0a
	tagUTCTime         = 0x17
	tagGeneralizedTime = 0x18
	tagSequence        = 0x30
)

// der is what is left to read of some DER. Reading never copies and never goes
// beyond the end; every form that DER forbids is an error, so that one list
// has one reading.
type der []byte

// element takes the next element off d: its tag, its content, and both with
// the length between them.
func (d *der) element() (tag byte, content, whole []byte, ok bool) {
	b := *d
	if len(b) < 2 || b[0]&0x1f == 0x1f { // tags above 30 do not occur in lists
		return 0, nil, nil, false
	}
	header, length := 2, int(b[1])
	if length >= 0x80 {
		octets := length & 0x7f
		if octets == 0 || octets > 4 || len(b) < 2+octets || b[2] == 0 { // indefinite, absurd, cut off, not minimal
			return 0, nil, nil, false
		}
		length = 0
		for _, o := range b[2 : 2+octets] {
			length = length<<8 | int(o)
		}
		header += octets
		if length < 0x80 {
			return 0, nil, nil, false
		}
	}
	if length < 0 || length > len(b)-header {
		return 0, nil, nil, false
	}
	*d = b[header+length:]
	return b[0], b[header : header+length], b[:header+length], true
}

// read takes the next element off d if it has the given tag.
func (d *der) read(tag byte) (content []byte, ok bool) {
	got, content, _, ok := d.element()
	return content, ok && got == tag
}

// optional takes the next element off d if it has the given tag, and leaves d
// alone otherwise. It fails only on what is not DER.
func (d *der) optional(tag byte) (content []byte, present, ok bool) {
	if len(*d) == 0 || (*d)[0] != tag {
		return nil, false, true
	}
	content, ok = d.read(tag)
	return content, true, ok
}

// unsigned takes an INTEGER that is not negative off d and returns its
// magnitude without leading zeros.
func (d *der) unsigned(tag byte) (magnitude []byte, ok bool) {
	b, ok := d.read(tag)
	if !ok || len(b) == 0 || b[0] >= 0x80 {
		return nil, false
	}
	if b[0] != 0 {
		return b, true
	}
	if len(b) > 1 && b[1] < 0x80 { // a zero that is not needed
		return nil, false
	}
	return b[1:], true
}

// boolean reads the content of a BOOLEAN.
func boolean(content []byte) (value, ok bool) {
	if len(content) != 1 || content[0] != 0 && content[0] != 0xff {
		return false, false
	}
	return content[0] != 0, true
}

// time takes a UTCTime or GeneralizedTime off d, in the one form RFC 5280
// permits: to the second, in UTC.
func (d *der) time() (time.Time, bool) {
	tag, b, _, ok := d.element()
	if !ok {
		return time.Time{}, false
	}
	var year int
	switch {
	case tag == tagUTCTime && len(b) == 13:
		if year, ok = decimal(b[:2]); year < 50 {
			year += 100
		}
		year, b = year+1900, b[2:]
	case tag == tagGeneralizedTime && len(b) == 15:
		year, ok = decimal(b[:4])
		b = b[4:]
	default:
		return time.Time{}, false
	}
	if !ok || b[10] != 'Z' {
		return time.Time{}, false
	}
	var part [5]int
	for i := range part {
		if part[i], ok = decimal(b[2*i : 2*i+2]); !ok {
			return time.Time{}, false
		}
	}
	t := time.Date(year, time.Month(part[0]), part[1], part[2], part[3], part[4], 0, time.UTC)
	// time.Date makes the 30th of February the 1st or 2nd of March.
	same := t.Year() == year && int(t.Month()) == part[0] && t.Day() == part[1] &&
		t.Hour() == part[2] && t.Minute() == part[3] && t.Second() == part[4]
	return t, same
}

func decimal(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
