package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Catalogue holds the texts by language and key. A text may have places to be
// filled, like {amount}. It needs no plural forms: what is counted is written
// with abbreviations that have none.
type Catalogue map[Language]map[string]string

// LoadCatalogue reads i18n/LANGUAGE.json of each file system. Every language
// has every key with the same places, and no key stands in two systems;
// otherwise an error names them all.
func LoadCatalogue(from ...fs.FS) (Catalogue, error) {
	c := make(Catalogue)
	var errs []error
	for _, l := range Languages {
		c[l] = make(map[string]string)
		for _, files := range from {
			if files != nil {
				errs = append(errs, c.read(files, l))
			}
		}
	}
	return c, errors.Join(append(errs, c.complete())...)
}

func (c Catalogue) read(files fs.FS, l Language) error {
	name := "i18n/" + string(l) + ".json"
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	var texts map[string]string
	if err := json.Unmarshal(content, &texts); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for key, text := range texts {
		if _, twice := c[l][key]; twice {
			return fmt.Errorf("%s: the key %s is taken", name, key)
		}
		c[l][key] = text
	}
	return nil
}

var place = regexp.MustCompile(`\{[a-z_]+\}`)

// complete compares every language with the first one.
func (c Catalogue) complete() error {
	var errs []error
	first := c[Languages[0]]
	for _, l := range Languages[1:] {
		for _, key := range slices.Sorted(maps.Keys(first)) {
			switch text, ok := c[l][key]; {
			case !ok || text == "":
				errs = append(errs, fmt.Errorf("%s has no text for %s", l, key))
			case !slices.Equal(places(text), places(first[key])):
				errs = append(errs, fmt.Errorf("%s has other places in %s", l, key))
			}
		}
		for _, key := range slices.Sorted(maps.Keys(c[l])) {
			if _, ok := first[key]; !ok {
				errs = append(errs, fmt.Errorf("%s has the key %s, which %s has not", l, key, Languages[0]))
			}
		}
	}
	return errors.Join(errs...)
}

func places(text string) []string {
	found := place.FindAllString(text, -1)
	slices.Sort(found)
	return found
}

// Text returns the text with its places filled from pairs of name and value.
func (c Catalogue) Text(l Language, key string, pairs ...any) (string, error) {
	text, ok := c[l][key]
	if !ok {
		return "", fmt.Errorf("no text for %q in %s", key, l)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, fmt.Sprint("{", pairs[i], "}"), fmt.Sprint(pairs[i+1]))
	}
	return text, nil
}
