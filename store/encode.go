package store

import (
	"encoding/binary"
	"errors"
	"time"
)

// micros is how a time is stored: microseconds since 1970 in UTC, 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant is the reverse of micros.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// fields writes the values that are sealed together in one column: lengths as
// varints, no names. The first byte is the version of the layout, so that a
// later program can add fields and still read old rows.
type fields struct{ b []byte }

const fieldsVersion = 1

func newFields() *fields { return &fields{b: append(make([]byte, 0, 128), fieldsVersion)} }

func (f *fields) text(s string) {
	f.b = binary.AppendUvarint(f.b, uint64(len(s)))
	f.b = append(f.b, s...)
}

func (f *fields) number(n int64)   { f.b = binary.AppendVarint(f.b, n) }
func (f *fields) time(t time.Time) { f.number(micros(t)) }
func (f *fields) flag(v bool) {
	if v {
		f.b = append(f.b, 1)
	} else {
		f.b = append(f.b, 0)
	}
}

// errFields reports a sealed column that does not hold what this program writes.
var errFields = errors.New("sealed fields are malformed")

// fieldReader reads what fields wrote. After the first malformed value all
// others are zero and err is set.
type fieldReader struct {
	b   []byte
	err error
}

func readFields(b []byte) *fieldReader {
	r := &fieldReader{b: b}
	if len(b) == 0 || b[0] != fieldsVersion {
		r.err = errFields
		return r
	}
	r.b = b[1:]
	return r
}

func (r *fieldReader) text() string {
	n, size := binary.Uvarint(r.b)
	if r.err != nil || size <= 0 || n > uint64(len(r.b)-size) {
		r.err = errFields
		return ""
	}
	s := string(r.b[size : size+int(n)])
	r.b = r.b[size+int(n):]
	return s
}

func (r *fieldReader) number() int64 {
	n, size := binary.Varint(r.b)
	if r.err != nil || size <= 0 {
		r.err = errFields
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *fieldReader) time() time.Time { return instant(r.number()) }

func (r *fieldReader) flag() bool {
	if r.err != nil || len(r.b) == 0 {
		r.err = errFields
		return false
	}
	v := r.b[0] != 0
	r.b = r.b[1:]
	return v
}

func appendBigEndian(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

func bigEndian(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }
