package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"tolem/store"
)

// cut is a piece taken out of a message.
type cut struct {
	kind       byte
	start, end int    // where in the message
	data       []byte // what Base64 stands for; the very text of a request id or code
	wrap       wrapping
	time       time.Time
	digits     int // of the fraction of a second in the text of a time
}

// The kinds of cuts.
const (
	cutBase64      = 1 // data: the bytes
	cutWrapped     = 2 // Base64 in lines; data: the bytes
	cutCertificate = 3 // Base64 of the record's certificate
	cutRequestID   = 4 // the record's request id
	cutTime        = 5 // a time near the record's; data: its distance
	cutCode        = 6 // the record's payment code
	cutUUID        = 7 // another UUID; data: its 16 bytes
	cutURN         = 8 // the same behind urn:uuid:
)

// wrapping says how Base64 is broken into lines.
type wrapping struct {
	line        int // characters in a line; 0: not broken
	lead, trail bool
}

// What is worth cutting.
const (
	minCut         = 16  // characters: a payment code
	minTime        = 20  // 2026-11-22T05:00:00Z
	maxTime        = 27  // with six digits of fraction
	minBase64      = 40  // a digest of 32 bytes has 44
	minCertificate = 256 // bytes
	maxBase64      = 64 << 10
)

// findCuts looks for what does not compress among the texts of elements.
func (x *packed) findCuts(r *Record) {
	x.cuts = x.cuts[:0]
	x.code = x.code[:0]
	if r.Code != 0 {
		x.code = append(x.code, r.Code.String()...)
	}
	x.request = x.request[:0]
	if _, isUUID := parseUUID(string(r.RequestID)); isUUID {
		x.request = append(x.request, r.RequestID...)
	}
	raw := r.Raw
	for at := 0; len(x.cuts) < maxCuts; {
		open := bytes.IndexByte(raw[at:], '>')
		if open < 0 {
			return
		}
		start := at + open + 1
		length := bytes.IndexByte(raw[start:], '<')
		if length < 0 {
			return
		}
		at = start + length
		x.cutText(raw[start:at], start)
	}
}

// cutText cuts the text of an element if it is one of the known kinds.
func (x *packed) cutText(text []byte, start int) {
	c := cut{start: start, end: start + len(text)}
	switch n := len(text); {
	case n < minCut || n > maxBase64:
		return
	case bytes.Equal(text, x.code):
		c.kind, c.data = cutCode, x.code
	case bytes.Equal(text, x.request):
		c.kind, c.data = cutRequestID, x.request
	case n == lengthUUID || n == len(urnUUID)+lengthUUID && bytes.HasPrefix(text, urnUUID):
		if !c.readUUID(text) {
			return
		}
	case n >= minTime && n <= maxTime && text[n-1] == 'Z':
		if !c.readTime(text) {
			return
		}
	case n >= minBase64:
		if !c.readBase64(text) {
			return
		}
	default:
		return
	}
	if x.scratch = c.appendText(x.scratch[:0]); bytes.Equal(x.scratch, text) {
		x.cuts = append(x.cuts, c)
	}
}

// readTime reads an xs:dateTime in UTC with at most six digits of fraction.
func (c *cut) readTime(text []byte) bool {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil || t.Year() < 1970 {
		return false
	}
	c.kind, c.time = cutTime, t
	c.digits = max(0, len(text)-minTime-1) // behind the point
	return true
}

// timeLayouts writes a time with 0 to 6 digits of fraction.
const timeLayout = "2006-01-02T15:04:05.000000Z"

func (c *cut) appendTime(b []byte) []byte {
	layout := timeLayout[:minTime-1]
	if c.digits > 0 {
		layout = timeLayout[:minTime+c.digits]
	}
	return append(c.time.AppendFormat(b, layout), 'Z')
}

// readBase64 reads Base64, in lines or not.
func (c *cut) readBase64(text []byte) bool {
	c.kind = cutBase64
	if bytes.IndexByte(text, '\n') >= 0 {
		c.kind = cutWrapped
		c.wrap = wrappingOf(text)
	} else if len(text)%4 != 0 {
		return false
	}
	data := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(data, text) // skips line ends
	c.data = data[:n]
	return err == nil
}

// wrappingOf guesses how a text is broken into lines from its first one.
func wrappingOf(text []byte) wrapping {
	w := wrapping{lead: text[0] == '\n', trail: text[len(text)-1] == '\n'}
	first := text
	if w.lead {
		first = text[1:]
	}
	if w.line = bytes.IndexByte(first, '\n'); w.line < 0 || w.line > 255 {
		w.line = 0
	}
	return w
}

// appendText appends the characters that were cut out.
func (c *cut) appendText(b []byte) []byte {
	switch c.kind {
	case cutRequestID, cutCode:
		return append(b, c.data...)
	case cutTime:
		return c.appendTime(b)
	case cutURN:
		return append(append(b, urnUUID...), MessageID(c.data).String()...)
	case cutUUID:
		return append(b, MessageID(c.data).String()...)
	}
	if c.wrap.lead {
		b = append(b, '\n')
	}
	at := len(b)
	b = base64.StdEncoding.AppendEncode(b, c.data)
	if line := c.wrap.line; line > 0 {
		for at += line; at < len(b); at += line + 1 {
			b = slices.Insert(b, at, '\n')
		}
	}
	if c.wrap.trail {
		b = append(b, '\n')
	}
	return b
}

// certificateCut returns the first cut that looks like a certificate, or -1.
func (x *packed) certificateCut() int {
	return slices.IndexFunc(x.cuts, func(c cut) bool {
		return len(c.data) >= minCertificate && c.data[0] == 0x30 && c.data[1] == 0x82 && // SEQUENCE of two length bytes
			int(binary.BigEndian.Uint16(c.data[2:]))+4 == len(c.data)
	})
}

// appendCuts appends the table of cuts: the distance from the one before, the
// kind and what belongs to it.
func (x *packed) appendCuts(r *Record) {
	b := x.plain
	b = binary.AppendUvarint(b, uint64(len(x.cuts)))
	last := 0
	for _, c := range x.cuts {
		b = binary.AppendUvarint(b, uint64(c.start-last))
		last = c.end
		b = append(b, c.kind|flagIf(c.wrap.lead, wrapLead)|flagIf(c.wrap.trail, wrapTrail)|flagIf(c.wrap.line > 0, wrapLine))
		if c.wrap.line > 0 {
			b = append(b, byte(c.wrap.line))
		}
		switch c.kind {
		case cutBase64, cutWrapped:
			b = binary.AppendUvarint(b, uint64(len(c.data)))
			b = append(b, c.data...)
		case cutUUID, cutURN:
			b = append(b, c.data...)
		case cutTime:
			b = append(b, byte(c.digits))
			b = binary.AppendVarint(b, inUnits(c.time, c.digits)-inUnits(r.At, c.digits))
		}
	}
	x.plain = b
}

// maxDigits is the finest fraction of a second that is cut.
const maxDigits = 6

var powers = [maxDigits + 1]int64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000}

// inUnits counts the time in units of the last digit of its fraction, which
// keeps distances short.
func inUnits(t time.Time, digits int) int64 {
	return t.Unix()*powers[digits] + int64(t.Nanosecond())/(1_000_000_000/powers[digits])
}

func fromUnits(n int64, digits int) time.Time {
	return time.Unix(n/powers[digits], n%powers[digits]*(1_000_000_000/powers[digits])).UTC()
}

// Bits beside the kind.
const (
	cutKind   = 0x0f
	wrapLead  = 0x10
	wrapTrail = 0x20
	wrapLine  = 0x40
)

// cuts reads the table; start is the distance from the end of the cut before.
func (d *decoder) cuts(r *Record) []cut {
	n := d.uvarint()
	if n > maxCuts {
		d.err = errPacked
		return nil
	}
	cuts := make([]cut, n)
	for i := range cuts {
		c := &cuts[i]
		c.start = d.uvarint()
		bits := d.take(1)[0]
		c.kind, c.wrap.lead, c.wrap.trail = bits&cutKind, bits&wrapLead != 0, bits&wrapTrail != 0
		if bits&wrapLine != 0 {
			c.wrap.line = int(d.take(1)[0])
		}
		switch c.kind {
		case cutBase64, cutWrapped:
			c.data = d.take(d.uvarint())
		case cutUUID, cutURN:
			c.data = d.take(len(MessageID{}))
		case cutRequestID:
			c.data = []byte(r.RequestID)
		case cutCode:
			c.data = []byte(r.Code.String())
		case cutTime:
			if c.digits = int(d.take(1)[0]); c.digits > maxDigits {
				d.err = errPacked
				return nil
			}
			c.time = fromUnits(inUnits(r.At, c.digits)+d.varint(), c.digits)
		case cutCertificate:
			c.data = d.der
		default:
			d.err = errPacked
		}
	}
	return cuts
}

// appendRest appends the message without its cuts.
func (x *packed) appendRest(raw []byte) {
	last := 0
	for _, c := range x.cuts {
		x.rest = append(x.rest, raw[last:c.start]...)
		last = c.end
	}
	x.rest = append(x.rest, raw[last:]...)
}

// restore puts the cuts back.
func restore(rest []byte, cuts []cut) ([]byte, error) {
	raw := make([]byte, 0, len(rest)+4096)
	for i := range cuts {
		gap := cuts[i].start
		if gap > len(rest) || len(raw) > maxMessage {
			return nil, errPacked
		}
		raw = append(raw, rest[:gap]...)
		raw = cuts[i].appendText(raw)
		rest = rest[gap:]
	}
	return append(raw, rest...), nil
}

// urnUUID stands before the UUID of a WS-Addressing MessageID (RFC 9562).
var urnUUID = []byte("urn:uuid:")

const lengthUUID = 36 // characters

// readUUID reads a UUID, alone or as a URN.
func (c *cut) readUUID(text []byte) bool {
	c.kind = cutUUID
	if len(text) > lengthUUID {
		c.kind, text = cutURN, text[len(urnUUID):]
	}
	id, ok := parseUUID(string(text))
	c.data = id[:]
	return ok
}

// parseUUID reads a UUID that String would write the same way.
func parseUUID(s string) (MessageID, bool) {
	id, err := store.ParseMessageID(s)
	return id, err == nil && id.String() == s
}
