package soap

import (
	"strconv"

	"tolem"
	"tolem/signing/c14n"
	"tolem/wsdl"
)

// writer builds an element of the contract in the form that is signed.
type writer struct{ c14n.Builder }

// document opens the Body's child with the contract's namespace as default.
func document(name string) *writer {
	w := &writer{c14n.Builder{Bytes: make([]byte, 0, 1024)}}
	w.Root(name, wsdl.Namespace)
	return w
}

// end closes the Body's child and returns the whole element.
func (w *writer) end(name string) []byte {
	w.Close(name)
	return w.Bytes
}

func (w *writer) amount(m tolem.Money) {
	if m.IsZero() {
		return
	}
	w.Text("amount", m.Decimal())
	w.Text("currency", string(m.Currency))
}

// limit writes a bound of a price in minor units; zero means there is none.
func (w *writer) limit(name string, minor int64) {
	if minor > 0 {
		w.Text(name, tolem.Money{Minor: minor}.Decimal())
	}
}

func (w *writer) code(n tolem.CodeNumber) {
	if n != 0 {
		w.Text("paymentCode", n.String())
	}
}

func (w *writer) state(s tolem.State) {
	if s != tolem.StateUnknown {
		w.Text("state", s.String())
	}
}

func (w *writer) flag(name string, set bool) {
	if set {
		w.Text(name, "true")
	}
}

func (w *writer) names(name string, n tolem.Names) {
	w.Open(name)
	w.Text("kk", n.KK)
	w.Text("ru", n.RU)
	w.Text("en", n.EN)
	w.Close(name)
}

func itoa(n int) string { return strconv.Itoa(n) }
