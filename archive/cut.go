package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"tolem/store"
)

// cut is a piece taken out of a message.
type cut struct {
	kind       byte
	start, end int    // where in the message
	data       []byte // what Base64 stands for
	wrap       wrapping
}

// The kinds of cuts.
const (
	cutBase64      = 1 // data: the bytes
	cutWrapped     = 2 // Base64 in lines; data: the bytes
	cutCertificate = 3 // Base64 of the record's certificate
	cutRequestID   = 4 // the record's request id
)

// wrapping says how Base64 is broken into lines.
type wrapping struct {
	line        int // characters in a line; 0: not broken
	lead, trail bool
}

// What is worth cutting.
const (
	minBase64      = 40  // characters: a digest of 32 bytes has 44
	minCertificate = 256 // bytes
	maxBase64      = 64 << 10
)

func (c *cut) isCertificate() { c.kind = cutCertificate }

// findCuts looks for what does not compress: texts of elements that are Base64,
// and the request id.
func (x *packed) findCuts(r *Record) {
	x.cuts, x.scratch = x.cuts[:0], x.scratch[:0]
	raw := r.Raw
	for at := 0; len(x.cuts) < maxCuts-1; {
		open := bytes.IndexByte(raw[at:], '>')
		if open < 0 {
			break
		}
		start := at + open + 1
		length := bytes.IndexByte(raw[start:], '<')
		if length < 0 {
			break
		}
		at = start + length
		if length >= minBase64 && length <= maxBase64 {
			x.cutBase64(raw, start, at)
		}
	}
	if _, isUUID := parseUUID(string(r.RequestID)); isUUID {
		x.cutText(raw, string(r.RequestID), cutRequestID)
	}
}

// cutBase64 cuts a text that is Base64 in the one form we would write.
func (x *packed) cutBase64(raw []byte, start, end int) {
	text := raw[start:end]
	c := cut{kind: cutBase64, start: start, end: end}
	if bytes.IndexByte(text, '\n') >= 0 {
		c.kind = cutWrapped
		c.wrap = wrappingOf(text)
	} else if len(text)%4 != 0 {
		return
	}
	data := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(data, text) // skips line ends
	if err != nil {
		return
	}
	c.data = data[:n]
	if x.scratch = c.appendText(x.scratch[:0]); bytes.Equal(x.scratch, text) {
		x.cuts = append(x.cuts, c)
	}
}

// cutText cuts the first occurrence of a text that is not in another cut.
func (x *packed) cutText(raw []byte, s string, kind byte) {
	start := bytes.LastIndex(raw, []byte(s))
	if start < 0 {
		return
	}
	c := cut{kind: kind, start: start, end: start + len(s)}
	i, _ := slices.BinarySearchFunc(x.cuts, c, func(a, b cut) int { return a.start - b.start })
	if i > 0 && x.cuts[i-1].end > c.start || i < len(x.cuts) && x.cuts[i].start < c.end {
		return
	}
	x.cuts = slices.Insert(x.cuts, i, c)
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
	if c.kind == cutRequestID {
		return append(b, c.data...)
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
func (x *packed) appendCuts(b, raw []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(x.cuts)))
	last := 0
	for _, c := range x.cuts {
		b = binary.AppendUvarint(b, uint64(c.start-last))
		last = c.end
		b = append(b, c.kind|flagIf(c.wrap.lead, wrapLead)|flagIf(c.wrap.trail, wrapTrail)|flagIf(c.wrap.line > 0, wrapLine))
		if c.wrap.line > 0 {
			b = append(b, byte(c.wrap.line))
		}
		if c.kind == cutBase64 || c.kind == cutWrapped {
			b = binary.AppendUvarint(b, uint64(len(c.data)))
			b = append(b, c.data...)
		}
	}
	return b
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
		case cutRequestID:
			c.data = []byte(r.RequestID)
		case cutCertificate:
		default:
			d.err = errPacked
		}
	}
	return cuts
}

// appendRest appends the message without its cuts.
func (x *packed) appendRest(b, raw []byte) []byte {
	last := 0
	for _, c := range x.cuts {
		b = append(b, raw[last:c.start]...)
		last = c.end
	}
	return append(b, raw[last:]...)
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

func tolemUUID(s string) (MessageID, error) { return store.ParseMessageID(s) }
