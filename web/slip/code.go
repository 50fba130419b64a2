package slip

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the number of light modules that a reader wants around a QR code.
const quiet = 4

// mostAtM is the widest code, in modules, that is made with error correction M,
// which stands 15 % of damage. A longer text gets L, 7 %, and modules as large
// as they can be: a module that a camera cannot resolve is damage too.
const mostAtM = 89

// Code is a QR code.
type Code struct{ Dark [][]bool } // lines of modules, without the quiet zone

// NewCode makes the code of a text.
func NewCode(text string) (Code, error) {
	code, err := qr.Encode(text, qr.M)
	if err == nil && code.Size > mostAtM {
		code, err = qr.Encode(text, qr.L)
	}
	if err != nil {
		return Code{}, fmt.Errorf("QR code: %w", err)
	}
	dark := make([][]bool, code.Size)
	for y := range dark {
		dark[y] = make([]bool, code.Size)
		for x := range dark[y] {
			dark[y][x] = code.Black(x, y)
		}
	}
	return Code{dark}, nil
}

// Side is the width of the code in modules, its quiet zone included.
func (c Code) Side() int { return len(c.Dark) + 2*quiet }

// Path draws the dark modules as the strokes of an SVG path, one a run, each as
// thick as a module.
func (c Code) Path() string {
	var b strings.Builder
	for y, line := range c.Dark {
		at := -1 // where the pen is in this line
		for x := 0; x < len(line); x++ {
			from := x
			for x < len(line) && line[x] {
				x++
			}
			switch {
			case x == from:
				continue
			case at < 0:
				fmt.Fprintf(&b, "M%d %d.5", from+quiet, y+quiet)
			default:
				fmt.Fprintf(&b, "m%d 0", from-at)
			}
			fmt.Fprintf(&b, "h%d", x-from)
			at = x
		}
	}
	return b.String()
}
