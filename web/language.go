package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Language is a language of the pages, by its code in ISO 639-1.
type Language string

// The languages there are texts in.
const (
	Kazakh      Language = "kk"
	Russian     Language = "ru"
	English     Language = "en"
	Azerbaijani Language = "az"
	Uzbek       Language = "uz"
)

// Languages lists every language there are texts in.
var Languages = []Language{Kazakh, Russian, English, Azerbaijani, Uzbek}

// Name is the language's name in itself.
func (l Language) Name() string {
	switch l {
	case Kazakh:
		return "Қазақша"
	case Russian:
		return "Русский"
	case Azerbaijani:
		return "Azərbaycanca"
	case Uzbek:
		return "Oʻzbekcha"
	}
	return "English"
}

const (
	languagePath   = "/language"
	languageCookie = hostPrefix + "language"
	languageField  = "language" // of a form
	backField      = "back"
	languageAge    = 365 * 24 * 60 * 60 // seconds
)

// language is what the reader chose before, else what the browser asks for,
// else the default.
func (s *Shell) language(r *http.Request) Language {
	if c, err := r.Cookie(languageCookie); err == nil && s.offers(Language(c.Value)) {
		return Language(c.Value)
	}
	if s.Unasked {
		return s.Languages[0]
	}
	for _, l := range accepted(r.Header.Get("Accept-Language")) {
		if s.offers(l) {
			return l
		}
	}
	return s.Languages[0]
}

func (s *Shell) offers(l Language) bool { return slices.Contains(s.Languages, l) }

// maxAccepted is how many languages of a header are looked at.
const maxAccepted = 16

// accepted reads Accept-Language: the languages by falling weight.
func accepted(header string) []Language {
	type wish struct {
		l Language
		q float64
	}
	var wishes []wish
	for _, part := range strings.SplitN(header, ",", maxAccepted) {
		tag, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		base, _, _ := strings.Cut(tag, "-")
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(weight), "q="); ok {
			q, _ = strconv.ParseFloat(value, 64)
		}
		if q > 0 {
			wishes = append(wishes, wish{Language(strings.ToLower(base)), q})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.q, a.q) })
	languages := make([]Language, len(wishes))
	for i, w := range wishes {
		languages[i] = w.l
	}
	return languages
}

// Choose sets the reader's language, from this page on. One that is not
// offered changes nothing.
func (x *Exchange) Choose(l Language) {
	if x.shell.offers(l) {
		x.Language = l
		setCookie(x, languageCookie, string(l), languageAge)
	}
}

// switchLanguage serves the switch of pages that have no form of their own.
func switchLanguage(x *Exchange) error {
	f, err := x.Form()
	if err != nil {
		return err
	}
	x.Choose(Language(f.Get(languageField)))
	return x.See(f.Get(backField))
}
