package c14n

import (
	"bytes"
	"unicode/utf8"
)

// maxReference bounds a character reference: leading zeros could go on for ever.
const maxReference = 16

// reference reads the character or predefined entity reference that b starts
// with and returns the character and the length of the reference. A length of
// zero says that b starts with none that is allowed.
func reference(b []byte) (r rune, n int) {
	end := bytes.IndexByte(b[:min(len(b), maxReference)], ';')
	if end < 2 {
		return 0, 0
	}
	name := b[1:end]
	if name[0] != '#' {
		r = predefined(name)
	} else {
		r = numeric(name[1:])
	}
	if r < 0 {
		return 0, 0
	}
	return r, end + 1
}

func predefined(name []byte) rune {
	switch string(name) {
	case "amp":
		return '&'
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	return -1
}

// numeric reads the digits of a character reference, "65" or "x41".
func numeric(digits []byte) rune {
	base := rune(10)
	if len(digits) > 0 && digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	if len(digits) == 0 {
		return -1
	}
	var r rune
	for _, c := range digits {
		v := digit(c)
		if v < 0 || v >= base {
			return -1
		}
		if r = r*base + v; r > utf8.MaxRune {
			return -1
		}
	}
	if !isChar(r) {
		return -1
	}
	return r
}

func digit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// badReference returns the offset in b of the first reference that is not
// allowed, or -1.
func badReference(b []byte) int {
	for i := 0; ; {
		next := bytes.IndexByte(b[i:], '&')
		if next < 0 {
			return -1
		}
		i += next
		_, n := reference(b[i:])
		if n == 0 {
			return i
		}
		i += n
	}
}

// badReferenceKind tells a reference to an undefined entity from a malformed one.
func badReferenceKind(b []byte) Kind {
	if len(b) > 1 && nameClass[b[1]]&(nameStart|nameWide) != 0 {
		return Entity
	}
	return Character
}
