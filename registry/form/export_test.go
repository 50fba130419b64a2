package form

import "io"

// Limits that tests may lower, and what they look into.
var (
	Printable = printable
	Fonts     = [][]byte{fontRegular, fontBold}
	Palette   = palette
)

func WriteXLSXOf(w io.Writer, s Sheet, most int) error { return writeXLSX(w, s, most) }

func WritePDFOf(s Sheet, most int, create func(int) (io.Writer, error)) (int, error) {
	return writePDF(s, most, false, create)
}

// Words returns the catalogue by its keys' numbers.
func Words(l Language) []string {
	words := catalogue[l]
	return words[:]
}

// Ticks returns the ends and the step of a chart's axis.
func (c *Chart) Ticks(l Language) (low, high, step int64) {
	a := c.axis(l)
	return a.low, a.high, a.step
}
