package tolem

import (
	"strings"
	"unicode"
)

// combined are the letters that two characters may stand for: text from some
// systems writes a letter and its mark apart.
var combined = map[[2]rune]rune{
	{'i', '\u0307'}: 'i', {'ı', '\u0307'}: 'i', {'o', '\u0308'}: 'ö', {'u', '\u0308'}: 'ü', {'g', '\u0306'}: 'ğ', {'s', '\u0327'}: 'ş', {'c', '\u0327'}: 'ç',
}

// Fold returns text as it is compared in a search: small letters by the rules of
// Azerbaijani (I is ı, İ is i), marks joined with their letters, every run of
// spaces, quotes and dashes one space (WP-523).
func Fold(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		switch {
		case r == 'I':
			r = 'ı'
		case r == 'İ':
			r = 'i'
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), unicode.Is(unicode.Pi, r), unicode.Is(unicode.Pf, r),
			r == '"', r == '\'', r == '„', r == 0x2bc:
			if len(out) > 0 && out[len(out)-1] != ' ' {
				out = append(out, ' ')
			}
			continue
		default:
			r = unicode.ToLower(r)
		}
		if n := len(out); n > 0 {
			if joined, ok := combined[[2]rune{out[n-1], r}]; ok {
				out[n-1] = joined
				continue
			}
		}
		out = append(out, r)
	}
	return strings.TrimSuffix(string(out), " ")
}

// plain are the letters that keyboards without Azerbaijani letters write
// otherwise.
var plain = strings.NewReplacer("ə", "e", "ı", "i", "ö", "o", "ü", "u", "ğ", "g", "ş", "s", "ç", "c")

// FoldPlain returns folded text in plain Latin letters: "Azərişıq" as "azerisiq".
func FoldPlain(folded string) string { return plain.Replace(folded) }

// MatchRank says how well a name fits what was typed; smaller is better.
type MatchRank int

// The ranks. Names that fit only in plain letters come behind all others.
const (
	MatchStart  MatchRank = iota // the name begins with it
	MatchWord                    // a word of the name does
	MatchInside                  // it stands somewhere in the name
	MatchWords                   // each of its words does
	matchPlain                   // added where only plain letters fit
	NoMatch     = MatchRank(100)
)

// Searchable is a name made ready for many searches.
type Searchable struct{ folded, plain string }

// NewSearchable folds a name.
func NewSearchable(name string) Searchable {
	f := Fold(name)
	return Searchable{folded: f, plain: FoldPlain(f)}
}

// Match ranks the name for what was typed, which is folded once with
// NewSearchable too.
func (s Searchable) Match(typed Searchable) MatchRank {
	if r := rank(s.folded, typed.folded); r != NoMatch {
		return r
	}
	if r := rank(s.plain, typed.plain); r != NoMatch {
		return r + matchPlain
	}
	return NoMatch
}

func rank(name, typed string) MatchRank {
	switch {
	case strings.HasPrefix(name, typed):
		return MatchStart
	case strings.Contains(name, " "+typed):
		return MatchWord
	case strings.Contains(name, typed):
		return MatchInside
	}
	for word := range strings.FieldsSeq(typed) {
		if !strings.Contains(name, word) {
			return NoMatch
		}
	}
	return MatchWords
}

// alphabet is the order of Azerbaijani letters; w stands at its end.
var alphabet = func() map[rune]rune {
	order := make(map[rune]rune)
	for _, r := range "abcçdeəfgğhxıijkqlmnoöprsştuüvyzw" {
		order[r] = 'a' + rune(len(order))
	}
	return order
}()

// SortKey returns what names are ordered by, so that a list reads as people who
// write Azerbaijani expect it.
func SortKey(name string) string {
	return strings.Map(func(r rune) rune {
		if at, ok := alphabet[r]; ok {
			return at
		}
		return r
	}, Fold(name))
}
