package receipt

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Letters are written as one byte where there is one for them: ASCII as it is,
// the letters of the languages of the pages from 0x80 on. Any other letter is
// its UTF-8 behind an escape. So a letter has one spelling, and names in Cyrillic
// are half as long as in UTF-8. The list is part of the format and never changes.
const pageLetters = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюяЁё" +
	"ӘәҒғҚқҢңӨөҰұҮүҺһІі" + "ƏəĞğİıÖöŞşÜüÇç" + "ЎўҲҳ" + "ʻʼ" + "«»–—“”’№…"

const (
	escape    = 0x01
	firstByte = 0x80
)

var (
	letterOf = []rune(pageLetters)
	byteOf   = bytesOf(letterOf)
)

func bytesOf(letters []rune) map[rune]byte {
	of := make(map[rune]byte, len(letters))
	for i, r := range letters {
		of[r] = byte(firstByte + i)
	}
	return of
}

// isLegible reports whether a person sees the letter. Controls, spaces that are
// not the space, and what turns the direction of text are not.
func isLegible(r rune) bool { return unicode.IsPrint(r) }

// legible returns text in which every letter can be seen: a hard space becomes a
// space, what cannot be shown becomes U+FFFD.
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Zs, r):
			return ' '
		case !isLegible(r):
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

// shorten cuts text to so many letters, the last of which is an ellipsis then.
func shorten(text string, most int) string {
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	return strings.TrimRight(string(letters[:most-1]), " ") + "…"
}

func pack(text string) []byte {
	var packed []byte
	for _, r := range text {
		switch b, ok := byteOf[r]; {
		case r < utf8.RuneSelf:
			packed = append(packed, byte(r))
		case ok:
			packed = append(packed, b)
		default:
			packed = utf8.AppendRune(append(packed, escape), r)
		}
	}
	return packed
}

// unpack reads what pack writes and nothing else.
func unpack(packed []byte) (string, bool) {
	var text strings.Builder
	for len(packed) > 0 {
		r, size := unpackOne(packed)
		if size == 0 || !isLegible(r) {
			return "", false
		}
		text.WriteRune(r)
		packed = packed[size:]
	}
	return text.String(), true
}

// unpackOne returns a letter and its bytes; none if it is not one.
func unpackOne(packed []byte) (rune, int) {
	switch b := packed[0]; {
	case b == escape:
		r, size := utf8.DecodeRune(packed[1:])
		if _, other := byteOf[r]; other || size <= 1 {
			return 0, 0 // it has a shorter spelling, or is no letter
		}
		return r, 1 + size
	case b < utf8.RuneSelf:
		return rune(b), 1
	case int(b-firstByte) < len(letterOf):
		return letterOf[b-firstByte], 1
	}
	return 0, 0
}
