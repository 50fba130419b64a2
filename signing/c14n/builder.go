package c14n

import (
	"encoding/base64"
	"time"
)

// Builder writes elements without attributes in canonical form, which is what
// is signed: no second spelling exists, so nothing has to be canonicalized
// afterwards. The zero value is empty.
type Builder struct{ Bytes []byte }

// Root opens an element whose default namespace is that of everything in it.
func (b *Builder) Root(name, namespace string) {
	b.Bytes = append(append(append(append(append(b.Bytes, '<'), name...), ` xmlns="`...), namespace...), `">`...)
}

// Open writes a start tag.
func (b *Builder) Open(name string) { b.Bytes = append(append(append(b.Bytes, '<'), name...), '>') }

// Close writes an end tag.
func (b *Builder) Close(name string) {
	b.Bytes = append(append(append(b.Bytes, '<', '/'), name...), '>')
}

// Text writes an element unless its content is empty: absent is how our
// contracts spell "not known".
func (b *Builder) Text(name, content string) {
	if content == "" {
		return
	}
	b.Open(name)
	b.Bytes = AppendText(b.Bytes, content)
	b.Close(name)
}

// Time writes a moment in UTC with as much of its fraction as it has, down to
// the microsecond, unless it is zero.
func (b *Builder) Time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	b.Open(name)
	b.Bytes = t.UTC().AppendFormat(b.Bytes, "2006-01-02T15:04:05.999999Z07:00")
	b.Close(name)
}

// Base64 writes bytes unless there are none.
func (b *Builder) Base64(name string, content []byte) {
	if len(content) == 0 {
		return
	}
	b.Open(name)
	b.Bytes = base64.StdEncoding.AppendEncode(b.Bytes, content)
	b.Close(name)
}

// AppendText appends character data as canonical XML spells it. The characters
// must be such as XML can hold.
func AppendText(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '\r':
			dst = append(dst, "&#xD;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
