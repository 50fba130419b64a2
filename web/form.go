package web

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Form is what was typed. Fields that are not there are empty.
type Form struct{ values url.Values }

// Get returns a field without the spaces around it.
func (f Form) Get(name string) string { return strings.TrimSpace(f.values.Get(name)) }

// Exactly returns a field as it was typed: a password may begin with a space.
func (f Form) Exactly(name string) string { return f.values.Get(name) }

// Form reads the form that was sent: at most Limits.Fields fields, each once
// and not longer than Limits.FieldBytes. The query of the address is not part
// of it.
func (x *Exchange) Form() (Form, error) { return x.FormOf(x.shell.Limits.FieldBytes) }

// FormOf is Form with fields that may be longer, as far as Limits.BodyBytes goes.
func (x *Exchange) FormOf(fieldBytes int) (Form, error) {
	kind, _, err := mime.ParseMediaType(x.Request.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return Form{}, ErrForm
	}
	if err := x.Request.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return Form{}, ErrTooLarge
		}
		return Form{}, ErrForm // the error itself may quote what was typed
	}
	f := Form{values: x.Request.PostForm}
	x.Request.Form, x.Request.PostForm = nil, nil // one place less that holds it
	if len(f.values) > x.shell.Limits.Fields {
		return Form{}, ErrTooLarge
	}
	for name, values := range f.values {
		switch {
		case len(values) != 1, !utf8.ValidString(values[0]), strings.ContainsRune(values[0], 0):
			return Form{}, ErrForm
		case len(name) > fieldBytes, len(values[0]) > fieldBytes:
			return Form{}, ErrTooLarge
		}
	}
	return f, nil
}
