package web

import (
	"strings"

	"tolem"
)

// nbsp keeps the parts of an amount on one line.
const nbsp = "\u00a0"

// FormatAmount writes an amount without its currency: groups of three digits,
// a comma before the fraction. In Azerbaijani the groups are parted by points.
func FormatAmount(l Language, m tolem.Money) string {
	group := nbsp
	if l == Azerbaijani {
		group = "."
	}
	whole, fraction, _ := strings.Cut(m.Decimal(), ".")
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		sign, whole = "−", rest
	}
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteRune(digit)
	}
	return sign + b.String() + "," + fraction
}
