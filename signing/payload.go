package signing

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"tolem/signing/c14n"
)

// ErrPayload reports a Body whose content does not have the form of a request.
var ErrPayload = errors.New("malformed request")

const xsiURI = "http://www.w3.org/2001/XMLSchema-instance"

// Field is a child element of a request: its local name and its text, or the
// fields inside it.
type Field struct {
	Name, Value string
	Fields      []Field // nil: it holds text
}

// Reader reads requests of one contract. It is safe for concurrent use.
type Reader struct {
	namespace string
	pool      sync.Pool
}

// NewReader returns a Reader for requests whose elements are in the namespace.
func NewReader(namespace string) *Reader {
	return &Reader{namespace: namespace, pool: sync.Pool{New: func() any { return c14n.NewDocument(namespace, xsiURI) }}}
}

// Read reads a request from a Body that Verify handed on: the name of the one
// element in it and its children in their order. A request is nearly flat:
// everything is in one namespace, a child holds text or plain elements, never
// both, these stand at most maxFieldDepth deep, and there are no attributes but those any schema allows, xsi:type
// and xsi:schemaLocation. What the names and
// values must be is the caller's business. Errors wrap ErrPayload.
//
// It reads with the scanner that verified the message, so that there is one
// opinion on what the bytes say, and a fast one.
func (r *Reader) Read(body []byte) (name string, fields []Field, err error) {
	d := r.pool.Get().(*c14n.Document)
	defer func() {
		d.Release()
		r.pool.Put(d)
	}()
	if err := d.Parse(body); err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrPayload, err)
	}
	request := d.FirstChild(d.Root())
	if request == c14n.None || d.Next(request) != c14n.None || !isField(d, request) || d.Stray(request) {
		return "", nil, fmt.Errorf("%w: want one element of %s, without text", ErrPayload, r.namespace)
	}
	fields = make([]Field, 0, d.Len()-int(request)-1)
	for e := d.FirstChild(request); e != c14n.None; e = d.Next(e) {
		f, ok := field(d, e, maxFieldDepth)
		if !ok {
			return "", nil, fmt.Errorf("%w: %s is not a plain element of %s", ErrPayload, d.Local(e), r.namespace)
		}
		fields = append(fields, f)
	}
	return string(d.Local(request)), fields, nil
}

// maxFieldDepth is how deep fields stand in a request: a list, what is in a part
// of it, and what is in that.
const maxFieldDepth = 3

// field reads a child of a request, and what stands in it, at most so deep.
func field(d *c14n.Document, e c14n.Elem, deep int) (f Field, ok bool) {
	f.Name = string(d.Local(e))
	inside := d.FirstChild(e)
	if inside == c14n.None {
		f.Value = string(d.Text(e))
		return f, isField(d, e)
	}
	if deep == 1 || !isField(d, e) || d.Stray(e) {
		return f, false
	}
	for ; inside != c14n.None; inside = d.Next(inside) {
		in, ok := field(d, inside, deep-1)
		if !ok {
			return f, false
		}
		f.Fields = append(f.Fields, in)
	}
	return f, true
}

// isField reports whether e is in the contract's namespace and has no
// attributes of its own.
func isField(d *c14n.Document, e c14n.Elem) bool {
	const contract, xsi = c14n.FirstKnown, c14n.FirstKnown + 1
	if d.NS(e) != contract {
		return false
	}
	for i := range d.Attrs(e) {
		ns, local := d.AttrName(e, i)
		if ns != xsi || !slices.Contains([]string{"type", "schemaLocation"}, string(local)) {
			return false
		}
	}
	return true
}

// Payload takes the one element out of the Body of an envelope that is not
// signed yet, in the form Sign wants, and tells the envelope's version. It lets
// a SOAP library write the envelope before Sign writes the one that is sent.
func Payload(envelope []byte) ([]byte, Version, error) {
	m := newMessage()
	if err := m.doc.Parse(envelope); err != nil {
		return nil, SOAP11, fromScan(err)
	}
	d := m.doc
	root := d.Root()
	version := SOAP11
	if d.NS(root) == soap12 {
		version = SOAP12
	}
	for e := d.FirstChild(root); e != c14n.None; e = d.Next(e) {
		if !d.Is(e, version.ns(), "Body") {
			continue
		}
		if child := m.onlyChild(e); child != c14n.None {
			return d.AppendExclusive(nil, child, nil), version, nil
		}
	}
	return nil, version, fmt.Errorf("%w: want an envelope with one element in its Body", ErrPayload)
}
