package smartcard

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep values nest.
const maxDepth = 8

// decode reads one JSON value strictly: valid UTF-8, no name twice, no unknown
// name, no name in other letters, nothing behind it. What two programs could
// read differently is not read.
func decode(text []byte, into any) error {
	if !utf8.Valid(text) {
		return malformed("not UTF-8")
	}
	tokens := json.NewDecoder(bytes.NewReader(text))
	tokens.UseNumber()
	if err := walk(tokens, 0); err != nil {
		return err
	}
	if _, err := tokens.Token(); !errors.Is(err, io.EOF) {
		return malformed("something stands behind the value")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if errors.Is(err, ErrDocument) {
			return err
		}
		return malformed("not the fields it must have")
	}
	return nil
}

// walk reads a value and refuses names that stand twice in an object, or that
// encoding/json would take for another.
func walk(tokens *json.Decoder, depth int) error {
	t, err := tokens.Token()
	if err != nil {
		return malformed("not JSON")
	}
	open, ok := t.(json.Delim)
	switch {
	case !ok:
		return nil
	case depth >= maxDepth:
		return malformed("nested deeper than %d", maxDepth)
	}
	names := make(map[string]bool)
	for tokens.More() {
		if open == '{' {
			name, err := tokens.Token()
			if err != nil {
				return malformed("not JSON")
			}
			s, _ := name.(string)
			if names[s] || strings.ContainsFunc(s, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
				return malformed("a name stands twice, or has other letters than a to z")
			}
			names[s] = true
		}
		if err := walk(tokens, depth+1); err != nil {
			return err
		}
	}
	if _, err := tokens.Token(); err != nil {
		return malformed("not JSON")
	}
	return nil
}
