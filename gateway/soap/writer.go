package soap

import (
	"encoding/base64"
	"strconv"
	"time"

	"tolem"
	"tolem/wsdl"
)

// writer builds an element in canonical form, which is what the signer signs:
// no second spelling exists, so no canonicalization is needed afterwards.
type writer struct{ buf []byte }

// document opens the Body's child with the contract's namespace as default.
func document(name string) *writer {
	w := &writer{buf: make([]byte, 0, 1024)}
	w.buf = append(append(append(w.buf, '<'), name...), ` xmlns="`+wsdl.Namespace+`">`...)
	return w
}

// end closes the Body's child and returns the whole element.
func (w *writer) end(name string) []byte {
	w.close(name)
	return w.buf
}

func (w *writer) open(name string)  { w.buf = append(append(append(w.buf, '<'), name...), '>') }
func (w *writer) close(name string) { w.buf = append(append(append(w.buf, '<', '/'), name...), '>') }

// text writes an element unless its content is empty: absent is how the
// contract spells "not known".
func (w *writer) text(name, content string) {
	if content == "" {
		return
	}
	w.open(name)
	w.buf = appendEscaped(w.buf, content)
	w.close(name)
}

func (w *writer) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	w.text(name, t.UTC().Format("2006-01-02T15:04:05.999999Z07:00"))
}

func (w *writer) amount(m tolem.Money) {
	if m.IsZero() {
		return
	}
	w.text("amount", m.Decimal())
	w.text("currency", string(m.Currency))
}

// limit writes a bound of a price in minor units; zero means there is none.
func (w *writer) limit(name string, minor int64) {
	if minor > 0 {
		w.text(name, tolem.Money{Minor: minor}.Decimal())
	}
}

func (w *writer) code(n tolem.CodeNumber) {
	if n != 0 {
		w.text("paymentCode", n.String())
	}
}

func (w *writer) state(s tolem.State) {
	if s != tolem.StateUnknown {
		w.text("state", s.String())
	}
}

func (w *writer) flag(name string, set bool) {
	if set {
		w.text(name, "true")
	}
}

func (w *writer) base64(name string, content []byte) {
	if len(content) > 0 {
		w.text(name, base64.StdEncoding.EncodeToString(content))
	}
}

func (w *writer) names(name string, n tolem.Names) {
	w.open(name)
	w.text("kk", n.KK)
	w.text("ru", n.RU)
	w.text("en", n.EN)
	w.close(name)
}

// appendEscaped appends character data as canonical XML spells it. Characters
// that XML cannot hold were refused on their way in.
func appendEscaped(dst []byte, s string) []byte {
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

func itoa(n int) string { return strconv.Itoa(n) }
