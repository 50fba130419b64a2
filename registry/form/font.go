package form

import (
	_ "embed" // the letters of print
	"strings"
	"unicode"
	"unicode/utf8"
)

// The letters of print, embedded so that a document looks the same on every
// machine. How they were made stands in fonts/README.md.
var (
	//go:embed fonts/NotoSans-Regular.ttf
	fontRegular []byte
	//go:embed fonts/NotoSans-Bold.ttf
	fontBold []byte
)

// printable are the characters the fonts have.
var printable = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x20, Hi: 0x7e, Stride: 1},
	{Lo: 0xa0, Hi: 0x17f, Stride: 1}, // Latin: Azerbaijani, Turkish, European names
	{Lo: 0x18f, Hi: 0x18f, Stride: 1},
	{Lo: 0x259, Hi: 0x259, Stride: 1},   // Azerbaijani Əə
	{Lo: 0x2bb, Hi: 0x2bc, Stride: 1},   // Uzbek oʻ gʻ ʼ
	{Lo: 0x400, Hi: 0x52f, Stride: 1},   // Cyrillic: Kazakh too
	{Lo: 0x2010, Hi: 0x2015, Stride: 1}, // dashes
	{Lo: 0x2018, Hi: 0x201e, Stride: 1}, // quotation marks
	{Lo: 0x2020, Hi: 0x2022, Stride: 1}, // † ‡ •
	{Lo: 0x2026, Hi: 0x2026, Stride: 1}, // …
	{Lo: 0x202f, Hi: 0x202f, Stride: 1}, // narrow space
	{Lo: 0x2030, Hi: 0x2030, Stride: 1}, // ‰
	{Lo: 0x2032, Hi: 0x2033, Stride: 1}, // ′ ″
	{Lo: 0x2039, Hi: 0x203a, Stride: 1}, // ‹ ›
	{Lo: 0x20a0, Hi: 0x20bf, Stride: 1}, // currencies: ₸ ₼ ₽ €
	{Lo: 0x2116, Hi: 0x2116, Stride: 1}, // №
	{Lo: 0x2122, Hi: 0x2122, Stride: 1}, // ™
	{Lo: 0xfffd, Hi: 0xfffd, Stride: 1}, // a letter that cannot be shown
}}

// inPrint returns text as it can be printed: a letter the fonts lack becomes
// U+FFFD, which is seen.
func inPrint(text string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf || unicode.Is(printable, r) {
			return r
		}
		return utf8.RuneError
	}, clean(text))
}
