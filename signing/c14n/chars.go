package c14n

import (
	"bytes"
	"unicode/utf8"
)

// What a byte of text or of an attribute's value can mean. One pass over a
// value ORs the classes of its bytes together; a value whose sum is zero is
// its own canonical form.
const (
	hasControl uint8 = 1 << iota // a control character XML does not allow
	hasRef                       // &
	hasLess                      // <
	hasGreater                   // >
	hasCR                        // carriage return
	hasTabLF                     // tab or line feed
	hasQuote                     // "
	hasEF                        // first byte of U+F000 to U+FFFF, where U+FFFE and U+FFFF lie
)

// What a byte of a name can be.
const (
	nameStart uint8 = 1 << iota
	nameChar
	nameWide // first byte of a character outside ASCII
)

var (
	valueClass = valueClasses()
	nameClass  = nameClasses()
)

func valueClasses() (t [256]uint8) {
	for c := range 0x20 {
		t[c] = hasControl
	}
	t['\t'], t['\n'], t['\r'] = hasTabLF, hasTabLF, hasCR
	t['&'], t['<'], t['>'], t['"'], t[0xEF] = hasRef, hasLess, hasGreater, hasQuote, hasEF
	return t
}

func nameClasses() (t [256]uint8) {
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = nameStart|nameChar, nameStart|nameChar
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = nameChar
	}
	t['_'], t['-'], t['.'] = nameStart|nameChar, nameChar, nameChar
	for c := utf8.RuneSelf; c < 256; c++ {
		t[c] = nameWide
	}
	return t
}

// classify ORs the classes of all bytes of b.
func classify(b []byte) (f uint8) {
	for len(b) >= 8 {
		f |= valueClass[b[0]] | valueClass[b[1]] | valueClass[b[2]] | valueClass[b[3]] |
			valueClass[b[4]] | valueClass[b[5]] | valueClass[b[6]] | valueClass[b[7]]
		b = b[8:]
	}
	for _, c := range b {
		f |= valueClass[c]
	}
	return f
}

// wellFormed reports whether a value of class f, which is valid UTF-8, holds
// only characters of XML 1.0.
func wellFormed(b []byte, f uint8) bool {
	if f&hasControl != 0 {
		return false
	}
	return f&hasEF == 0 || !bytes.Contains(b, []byte("\uFFFE")) && !bytes.Contains(b, []byte("\uFFFF"))
}

// isChar is the Char production of XML 1.0.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || 0x20 <= r && r <= 0xD7FF ||
		0xE000 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0x10FFFF
}

// isWideNameChar is the part of NameStartChar and NameChar (XML 1.0, fifth
// edition) that lies outside ASCII.
func isWideNameChar(r rune, first bool) bool {
	switch {
	case 0xC0 <= r && r <= 0x2FF:
		return r != 0xD7 && r != 0xF7
	case 0x370 <= r && r <= 0x1FFF:
		return r != 0x37E
	case 0x200C <= r && r <= 0x200D, 0x2070 <= r && r <= 0x218F, 0x2C00 <= r && r <= 0x2FEF,
		0x3001 <= r && r <= 0xD7FF, 0xF900 <= r && r <= 0xFDCF, 0xFDF0 <= r && r <= 0xFFFD,
		0x10000 <= r && r <= 0xEFFFF:
		return true
	}
	return !first && (r == 0xB7 || 0x300 <= r && r <= 0x36F || 0x203F <= r && r <= 0x2040)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// isBlank reports whether b is white space only.
func isBlank(b []byte) bool {
	for _, c := range b {
		if !isSpace(c) {
			return false
		}
	}
	return true
}
