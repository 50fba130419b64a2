// Package c14n reads an XML document in one pass over its bytes and writes any
// element of it in exclusive canonical form (Exclusive XML Canonicalization
// 1.0, without comments).
//
// It is built for messages from strangers. There is no tree of nodes: a
// Document is a few flat arrays of offsets into the input, reused from message
// to message, so that reading allocates nothing. It reads the part of XML 1.0
// that signed messages need and refuses the rest by a named Kind: document
// types, processing instructions, encodings other than UTF-8, anything above
// the limits. What it accepts is well-formed and namespace-well-formed.
//
// It knows nothing of SOAP, signatures or trust: that is package signing,
// which is its only caller on the message path.
package c14n

import "bytes"

// Elem is an element of a Document, numbered in document order.
type Elem int32

// None is no element.
const None Elem = -1

// NS is a namespace of a Document. Two elements of one Document are in the
// same namespace if and only if their NS are equal.
type NS uint16

// The namespaces every Document knows. Those given to NewDocument follow from
// FirstKnown on, in the order given.
const (
	NoNS NS = iota
	XMLNS
	FirstKnown
)

const (
	xmlURI   = "http://www.w3.org/XML/1998/namespace"
	xmlnsURI = "http://www.w3.org/2000/xmlns/"
)

// span is a part of the input.
type span struct{ from, to uint32 }

// element is a start tag with what the scan found out about it.
type element struct {
	name                      span
	prefix                    uint16 // bytes of the name before the colon
	ns                        NS
	stray                     bool // has text of its own that is not white space
	nattr, ndecl              uint8
	attr, decl                uint32 // first of its attributes and declarations
	parent, child, next, last Elem   // last: of its descendants, itself if none
	open, close               int32  // events of its start and end tag
}

// attribute is an attribute that is not a namespace declaration.
type attribute struct {
	name, value span
	local       key // of the local name
	prefix      uint16
	ns          NS
	class       uint8 // of the value's bytes
}

// binding is a prefix bound to a namespace.
type binding struct {
	prefix span
	key    key // of the prefix
	ns     NS
}

// namespace is a namespace name after attribute value normalisation.
type namespace struct {
	uri   []byte
	plain bool // needs no escaping in canonical form
}

type eventKind uint8

const (
	startEvent eventKind = iota
	endEvent
	textEvent
	cdataEvent
)

// event is a start tag or end tag (of the element from) or a piece of text.
type event struct {
	kind     eventKind
	class    uint8 // of the text's bytes
	from, to uint32
}

// Document is a parsed document. The zero value is not ready: use NewDocument.
// A Document is not safe for concurrent use.
type Document struct {
	raw        []byte
	elements   []element
	attributes []attribute
	bindings   []binding // declarations, element by element
	events     []event
	namespaces []namespace
	known      int
	arena      []byte // values that differ from their bytes in the input

	// State of the scan.
	scope  []binding // declarations in scope, innermost last
	open   [MaxDepth]frame
	depth  int
	pieces int
	run    int // bytes of text since the last tag

	// State of canonicalization.
	rendered []binding
	wanted   []binding
	marks    [MaxDepth]int
	order    [MaxAttributes]uint32
}

// frame is an element that is not closed yet.
type frame struct {
	elem  Elem
	last  Elem // its last child so far
	scope int  // declarations in scope before its own
}

// NewDocument returns an empty document that knows the given namespaces.
func NewDocument(known ...string) *Document {
	d := &Document{known: int(FirstKnown) + len(known)}
	d.namespaces = append(d.namespaces, namespace{plain: true}, namespace{[]byte(xmlURI), true})
	for _, uri := range known {
		d.namespaces = append(d.namespaces, namespace{[]byte(uri), true})
	}
	return d
}

// Release forgets the input, so that a pooled Document does not keep it alive.
// Arrays that an unusually large document made grow are given back too.
func (d *Document) Release() {
	const ordinary = 4096
	if cap(d.events) > ordinary || cap(d.attributes) > ordinary || cap(d.arena) > MaxValue {
		d.elements, d.attributes, d.bindings, d.events, d.arena = nil, nil, nil, nil, nil
	}
	d.reset(nil)
}

func (d *Document) reset(raw []byte) {
	d.raw = raw
	d.elements, d.attributes, d.bindings = d.elements[:0], d.attributes[:0], d.bindings[:0]
	d.events, d.arena, d.scope = d.events[:0], d.arena[:0], d.scope[:0]
	clear(d.namespaces[d.known:]) // their names are parts of the input
	d.namespaces = d.namespaces[:d.known]
	d.depth, d.pieces, d.run = 0, 0, 0
}

func (d *Document) bytes(s span) []byte { return d.raw[s.from:s.to] }

// Len returns the number of elements.
func (d *Document) Len() int { return len(d.elements) }

// Root returns the root element, None if the document is empty.
func (d *Document) Root() Elem {
	if len(d.elements) == 0 {
		return None
	}
	return 0
}

// Parent, FirstChild and Next lead through the tree; None says there is none.
func (d *Document) Parent(e Elem) Elem { return d.elements[e].parent }

// FirstChild returns the first child element.
func (d *Document) FirstChild(e Elem) Elem { return d.elements[e].child }

// Next returns the next sibling element.
func (d *Document) Next(e Elem) Elem { return d.elements[e].next }

// Last returns the last descendant of e in document order, e itself if it has
// no child. The elements from e to Last(e) are e with all that is inside it.
func (d *Document) Last(e Elem) Elem { return d.elements[e].last }

// Stray reports whether e itself, not an element inside it, holds text other
// than white space.
func (d *Document) Stray(e Elem) bool { return d.elements[e].stray }

// NS returns the namespace of e.
func (d *Document) NS(e Elem) NS { return d.elements[e].ns }

// Local returns the local name of e.
func (d *Document) Local(e Elem) []byte {
	el := &d.elements[e]
	return localName(d.bytes(el.name), el.prefix)
}

// Is reports whether e has the given expanded name.
func (d *Document) Is(e Elem, ns NS, local string) bool {
	return d.elements[e].ns == ns && string(d.Local(e)) == local
}

// Source returns the bytes of e in the input, from its start tag to its end
// tag.
func (d *Document) Source(e Elem) []byte {
	el := &d.elements[e]
	end := &d.events[el.close]
	return d.raw[el.name.from-1 : end.to]
}

// Attr returns the value of an attribute of e after normalisation. The bytes
// are valid until the next Parse and must not be changed.
func (d *Document) Attr(e Elem, ns NS, local string) (value []byte, ok bool) {
	el := &d.elements[e]
	for i := el.attr; i < el.attr+uint32(el.nattr); i++ {
		a := &d.attributes[i]
		if a.ns == ns && string(localName(d.bytes(a.name), a.prefix)) == local {
			return d.normalized(a.value, a.class), true
		}
	}
	return nil, false
}

// Attrs returns how many attributes e has, namespace declarations not counted.
func (d *Document) Attrs(e Elem) int { return int(d.elements[e].nattr) }

// AttrName returns the name of attribute i of e.
func (d *Document) AttrName(e Elem, i int) (ns NS, local []byte) {
	a := &d.attributes[d.elements[e].attr+uint32(i)]
	return a.ns, localName(d.bytes(a.name), a.prefix)
}

// AttrValue returns the value of attribute i of e, as Attr does.
func (d *Document) AttrValue(e Elem, i int) []byte {
	a := &d.attributes[d.elements[e].attr+uint32(i)]
	return d.normalized(a.value, a.class)
}

// Text returns the text that e itself holds, references resolved and line
// ends normalised, comments dropped. The bytes are valid until the next Parse
// and must not be changed.
func (d *Document) Text(e Elem) []byte {
	el := &d.elements[e]
	if el.close == el.open+2 {
		ev := &d.events[el.open+1]
		if ev.kind == textEvent && ev.class&(hasRef|hasCR) == 0 {
			return d.raw[ev.from:ev.to]
		}
	}
	start := len(d.arena)
	for i := el.open + 1; i < el.close; i++ {
		switch ev := &d.events[i]; ev.kind {
		case startEvent:
			i = d.elements[ev.from].close
		case textEvent:
			d.arena = appendText(d.arena, d.raw[ev.from:ev.to], true)
		case cdataEvent:
			d.arena = appendText(d.arena, d.raw[ev.from:ev.to], false)
		}
	}
	return d.arena[start:len(d.arena):len(d.arena)]
}

// appendText appends text with its line ends normalised and, if refs is set,
// its references resolved.
func appendText(dst, text []byte, refs bool) []byte {
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '&' && refs:
			r, n := reference(text[i:])
			dst = appendRune(dst, r)
			i += n
		case c == '\r':
			dst = append(dst, '\n')
			i++
			if i < len(text) && text[i] == '\n' {
				i++
			}
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

// normalized returns an attribute's value after attribute value normalisation
// (XML 1.0, 3.3.3, for CDATA: without a DTD there is no other type).
func (d *Document) normalized(s span, class uint8) []byte {
	value := d.bytes(s)
	if class&(hasRef|hasCR|hasTabLF) == 0 {
		return value
	}
	start := len(d.arena)
	for i := 0; i < len(value); {
		switch c := value[i]; c {
		case '&':
			r, n := reference(value[i:])
			d.arena = appendRune(d.arena, r)
			i += n
		case '\r', '\n', '\t':
			d.arena = append(d.arena, ' ')
			i++
			if c == '\r' && i < len(value) && value[i] == '\n' {
				i++
			}
		default:
			d.arena = append(d.arena, c)
			i++
		}
	}
	return d.arena[start:len(d.arena):len(d.arena)]
}

// localName returns what follows the prefix and its colon.
func localName(name []byte, prefix uint16) []byte {
	if prefix == 0 {
		return name
	}
	return name[prefix+1:]
}

// prefixOf returns the part of a name before the colon as a span.
func prefixOf(name span, prefix uint16) span { return span{name.from, name.from + uint32(prefix)} }

// bind makes a binding of a prefix.
func (d *Document) bind(prefix span, ns NS) binding {
	return binding{prefix, keyOf(d.bytes(prefix)), ns}
}

// samePrefix compares the prefixes of two bindings.
func (d *Document) samePrefix(a, b binding) bool {
	return a.key == b.key && (a.key.exact() || bytes.Equal(d.bytes(a.prefix), d.bytes(b.prefix)))
}
