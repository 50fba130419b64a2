package soap

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"tolem/wsdl"
)

// maxFields bounds the children of a request, well above the longest one.
const maxFields = 64

// A field is one child element of a request, in the order of the message.
type field struct {
	name, text string
}

// payload is the Body's child taken apart: a wrapper named as the operation
// and its children, each holding text only. That is the shape of every
// request of the contract.
type payload struct {
	name   string
	fields []field
}

// errContract reports a Body that does not have the shape of the contract.
var errContract = errors.New("request does not follow the contract")

func contractError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errContract, fmt.Sprintf(format, args...))
}

// parsePayload reads the canonical bytes of a soap:Body. Canonical XML has one
// spelling for everything (no CDATA, no comments, double quotes, five
// references), so a reader of a page does what a parser would, and anything
// that is not spelled so was not produced by the canonicalizer.
func parsePayload(body []byte) (payload, error) {
	r := reader{rest: body}
	if _, err := r.open(); err != nil { // soap:Body; its name was verified with the signature
		return payload{}, err
	}
	r.space()
	wrapper, err := r.openContract()
	if err != nil {
		return payload{}, err
	}
	p := payload{name: wrapper}
	for {
		r.space()
		if r.closes() {
			break
		}
		name, err := r.openContract()
		if err != nil {
			return payload{name: wrapper}, err
		}
		text, err := r.text()
		if err != nil {
			return payload{name: wrapper}, contractError("%s: %v", name, err)
		}
		if len(p.fields) == maxFields {
			return payload{name: wrapper}, contractError("more than %d elements", maxFields)
		}
		p.fields = append(p.fields, field{name, text})
		if err := r.close(); err != nil {
			return payload{name: wrapper}, err
		}
	}
	return p, r.close()
}

// binding is a namespace declaration in scope.
type binding struct {
	prefix, uri string
	depth       int
}

type reader struct {
	rest     []byte
	depth    int
	bindings []binding
}

// space skips white space between elements; it means nothing there.
func (r *reader) space() {
	r.rest = bytes.TrimLeft(r.rest, " \t\r\n")
}

func (r *reader) closes() bool { return bytes.HasPrefix(r.rest, []byte("</")) }

// openContract reads a start tag and returns its local name if the element is
// in the contract's namespace and carries no attribute.
func (r *reader) openContract() (string, error) {
	tag, err := r.open()
	if err != nil {
		return "", err
	}
	if tag.attributes {
		return "", contractError("%s has an attribute; the contract has none", tag.local)
	}
	if uri := r.lookup(tag.prefix); uri != wsdl.Namespace {
		return "", contractError("%s is in namespace %q instead of %q", tag.local, clip(uri), wsdl.Namespace)
	}
	return tag.local, nil
}

type startTag struct {
	prefix, local string
	attributes    bool
}

// open reads a start tag and brings its namespace declarations into scope.
func (r *reader) open() (startTag, error) {
	nameEnd := bytes.IndexAny(r.rest, " >")
	if nameEnd < 2 || r.rest[0] != '<' || r.rest[1] == '/' {
		return startTag{}, contractError("expected an element")
	}
	r.depth++
	var tag startTag
	tag.prefix, tag.local = splitName(string(r.rest[1:nameEnd]))
	r.rest = r.rest[nameEnd:]
	for len(r.rest) > 0 && r.rest[0] == ' ' {
		name, value, err := r.attribute()
		if err != nil {
			return startTag{}, err
		}
		switch {
		case name == "xmlns":
			r.bindings = append(r.bindings, binding{"", value, r.depth})
		case strings.HasPrefix(name, "xmlns:"):
			r.bindings = append(r.bindings, binding{name[len("xmlns:"):], value, r.depth})
		default:
			tag.attributes = true
		}
	}
	if len(r.rest) == 0 || r.rest[0] != '>' {
		return startTag{}, contractError("expected an element")
	}
	r.rest = r.rest[1:]
	return tag, nil
}

// attribute reads one ` name="value"`.
func (r *reader) attribute() (name, value string, err error) {
	head, tail, ok := bytes.Cut(r.rest[1:], []byte(`="`))
	if !ok {
		return "", "", contractError("malformed attribute")
	}
	quoted, rest, ok := bytes.Cut(tail, []byte(`"`))
	if !ok {
		return "", "", contractError("malformed attribute")
	}
	value, err = unescape(quoted)
	r.rest = rest
	return string(head), value, err
}

// close reads an end tag. Canonical bytes are balanced, so its name is not
// compared once more.
func (r *reader) close() error {
	end := bytes.IndexByte(r.rest, '>')
	if !r.closes() || end < 0 {
		return contractError("an element that should hold only text holds elements, or text stands between elements")
	}
	r.rest = r.rest[end+1:]
	for n := len(r.bindings); n > 0 && r.bindings[n-1].depth == r.depth; n-- {
		r.bindings = r.bindings[:n-1]
	}
	r.depth--
	return nil
}

// text reads character data up to the next tag.
func (r *reader) text() (string, error) {
	end := bytes.IndexByte(r.rest, '<')
	if end < 0 {
		return "", contractError("text without end")
	}
	text, err := unescape(r.rest[:end])
	r.rest = r.rest[end:]
	return text, err
}

func (r *reader) lookup(prefix string) string {
	for i := len(r.bindings) - 1; i >= 0; i-- {
		if r.bindings[i].prefix == prefix {
			return r.bindings[i].uri
		}
	}
	return ""
}

func splitName(qname string) (prefix, local string) {
	if prefix, local, ok := strings.Cut(qname, ":"); ok {
		return prefix, local
	}
	return "", qname
}

// references are those that canonical XML writes, and no others.
var references = map[string]string{
	"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "#x9": "\t", "#xA": "\n", "#xD": "\r",
}

func unescape(b []byte) (string, error) {
	if bytes.IndexByte(b, '&') < 0 {
		return string(b), nil
	}
	var out strings.Builder
	for {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			out.Write(b)
			return out.String(), nil
		}
		out.Write(b[:i])
		name, rest, ok := bytes.Cut(b[i+1:], []byte(";"))
		char, known := references[string(name)]
		if !ok || !known {
			return "", contractError("unknown reference")
		}
		out.WriteString(char)
		b = rest
	}
}

// clip shortens what a sender wrote before it is shown to anyone.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
