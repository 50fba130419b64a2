package signing

import (
	"time"

	"tolem/signing/c14n"
)

// readTimestamp reads the Timestamp from its canonical bytes in m.canon.
func (m *message) readTimestamp() *Error {
	d := m.excerpt
	if err := d.Parse(m.canon); err != nil {
		return fromScan(err)
	}
	created := d.FirstChild(d.Root())
	if created == c14n.None || !d.Is(created, wsu, "Created") {
		return fail(ClassTimestamp, "Timestamp does not start with Created")
	}
	expires := d.Next(created)
	if expires == c14n.None || !d.Is(expires, wsu, "Expires") || d.Next(expires) != c14n.None || d.Stray(d.Root()) {
		return fail(ClassTimestamp, "Timestamp is not Created and Expires")
	}
	var ok1, ok2 bool
	m.created, ok1 = instantOf(d, created)
	m.expires, ok2 = instantOf(d, expires)
	if !ok1 || !ok2 {
		return fail(ClassTimestamp, "malformed time")
	}
	return nil
}

func instantOf(d *c14n.Document, e c14n.Elem) (time.Time, bool) {
	if d.FirstChild(e) != c14n.None {
		return time.Time{}, false
	}
	return parseInstant(d.Text(e))
}

// checkFreshness applies the rules of time. A sender registered as signing the
// Body only may leave the Timestamp out; then the signed sentAt stands in for
// Created.
func (m *message) checkFreshness(now time.Time, bodyOnly bool) *Error {
	if m.timestamp != c14n.None {
		if err := checkCreated(m.created, now); err != nil {
			return err
		}
		if !m.expires.After(now.Add(-MaxSkew)) {
			return fail(ClassExpired, "Expires has passed")
		}
		return nil
	}
	if !bodyOnly {
		return fail(ClassTimestamp, "no Timestamp")
	}
	sentAt, err := m.sentAt()
	if err != nil {
		return err
	}
	return checkCreated(sentAt, now)
}

func checkCreated(created, now time.Time) *Error {
	if created.After(now.Add(MaxSkew)) {
		return fail(ClassFuture, "created in the future")
	}
	if now.Sub(created) > MaxAge {
		return fail(ClassExpired, "created too long ago")
	}
	return nil
}

// sentAt reads the second element of the request from the canonical Body.
func (m *message) sentAt() (time.Time, *Error) {
	d := m.excerpt
	if err := d.Parse(m.body); err != nil {
		return time.Time{}, fromScan(err)
	}
	request := d.FirstChild(d.Root())
	requestID := d.FirstChild(request)
	if requestID == c14n.None {
		return time.Time{}, fail(ClassTimestamp, "neither Timestamp nor sentAt")
	}
	sentAt := d.Next(requestID)
	if sentAt == c14n.None || !d.Is(sentAt, d.NS(request), "sentAt") {
		return time.Time{}, fail(ClassTimestamp, "neither Timestamp nor sentAt")
	}
	t, ok := instantOf(d, sentAt)
	if !ok {
		return time.Time{}, fail(ClassTimestamp, "malformed sentAt")
	}
	return t, nil
}

// maxFraction bounds the digits of a fraction of a second.
const maxFraction = 18

// parseInstant reads an xs:dateTime with a zone. Digits beyond nanoseconds are
// dropped.
func parseInstant(b []byte) (time.Time, bool) {
	const shape = "dddd-dd-ddTdd:dd:dd"
	if len(b) <= len(shape) || !matches(b[:len(shape)], shape) {
		return time.Time{}, false
	}
	year, month, day := number(b[0:4]), number(b[5:7]), number(b[8:10])
	hour, minute, second := number(b[11:13]), number(b[14:16]), number(b[17:19])
	nanos, rest, ok := fraction(b[len(shape):])
	if !ok || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	offset, ok := zone(rest)
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if !ok || year == 0 || t.Month() != time.Month(month) || t.Day() != day {
		return time.Time{}, false
	}
	return t.Add(-offset), true
}

// fraction reads an optional fraction of a second.
func fraction(b []byte) (nanos int, rest []byte, ok bool) {
	if b[0] != '.' {
		return 0, b, true
	}
	i, unit := 1, 100_000_000
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		nanos += int(b[i]-'0') * unit
		unit /= 10
	}
	return nanos, b[i:], 1 < i && i <= 1+maxFraction
}

// zone reads Z or ±hh:mm.
func zone(b []byte) (time.Duration, bool) {
	if len(b) == 1 && b[0] == 'Z' {
		return 0, true
	}
	if len(b) != 6 || b[0] != '+' && b[0] != '-' || !matches(b[1:], "dd:dd") {
		return 0, false
	}
	hours, minutes := number(b[1:3]), number(b[4:6])
	if hours > 14 || minutes > 59 {
		return 0, false
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// matches compares b with a shape in which d stands for a digit.
func matches(b []byte, shape string) bool {
	if len(b) != len(shape) {
		return false
	}
	for i, c := range b {
		if shape[i] == 'd' {
			if c < '0' || c > '9' {
				return false
			}
		} else if c != shape[i] {
			return false
		}
	}
	return true
}

func number(digits []byte) (n int) {
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}
