package c14n

import (
	"bytes"
	"unicode/utf8"
)

// MaxPrefixes bounds an InclusiveNamespaces PrefixList.
const MaxPrefixes = 32

// AppendExclusive appends the exclusive canonical form of e, without comments,
// to dst. The prefixes are those of an InclusiveNamespaces PrefixList: they are
// treated as inclusive canonicalization treats them. An empty prefix stands for
// the default namespace.
func (d *Document) AppendExclusive(dst []byte, e Elem, prefixes [][]byte) []byte {
	d.rendered = d.rendered[:0]
	depth := 0
	apex := &d.elements[e]
	for i := apex.open; i <= apex.close; i++ {
		switch ev := &d.events[i]; ev.kind {
		case startEvent:
			el := &d.elements[ev.from]
			d.marks[depth] = len(d.rendered)
			depth++
			dst = d.appendStart(dst, Elem(ev.from), el, prefixes, i == apex.open)
		case endEvent:
			dst = append(dst, '<', '/')
			dst = append(dst, d.bytes(d.elements[ev.from].name)...)
			dst = append(dst, '>')
			depth--
			d.rendered = d.rendered[:d.marks[depth]]
		case textEvent:
			text := d.raw[ev.from:ev.to]
			if ev.class&(hasRef|hasGreater|hasCR) == 0 {
				dst = append(dst, text...)
			} else {
				dst = appendEscapedText(dst, text, true)
			}
		case cdataEvent:
			text := d.raw[ev.from:ev.to]
			if ev.class&(hasRef|hasLess|hasGreater|hasCR) == 0 {
				dst = append(dst, text...)
			} else {
				dst = appendEscapedText(dst, text, false)
			}
		}
	}
	return dst
}

func (d *Document) appendStart(dst []byte, e Elem, el *element, prefixes [][]byte, apex bool) []byte {
	dst = append(dst, '<')
	dst = append(dst, d.bytes(el.name)...)
	d.wanted = d.wanted[:0]
	d.want(d.bind(prefixOf(el.name, el.prefix), el.ns))
	for i := el.attr; i < el.attr+uint32(el.nattr); i++ {
		if a := &d.attributes[i]; a.prefix > 0 {
			d.want(d.bind(prefixOf(a.name, a.prefix), a.ns))
		}
	}
	if len(prefixes) > 0 && (apex || el.ndecl > 0) {
		d.wantInclusive(e, el, prefixes, apex)
	}
	for _, b := range d.wanted {
		dst = d.appendDeclaration(dst, b)
	}
	d.rendered = append(d.rendered, d.wanted...)
	if el.nattr > 0 {
		dst = d.appendAttributes(dst, el)
	}
	return append(dst, '>')
}

// wantInclusive adds the namespaces of the prefix list that come into scope
// here: at the apex all that are in scope, further down those declared anew.
func (d *Document) wantInclusive(e Elem, el *element, prefixes [][]byte, apex bool) {
	for _, p := range prefixes {
		if apex {
			if b, ok := d.inScope(e, p); ok {
				d.want(b)
			}
			continue
		}
		for _, b := range d.bindings[el.decl : el.decl+uint32(el.ndecl)] {
			if bytes.Equal(d.bytes(b.prefix), p) {
				d.want(b)
			}
		}
	}
}

// want adds a binding to those the current start tag must declare, in the order
// of prefixes, unless the output has it in scope already.
func (d *Document) want(b binding) {
	if b.ns == XMLNS || d.isRendered(b) {
		return
	}
	prefix := d.bytes(b.prefix)
	at := len(d.wanted)
	for i := range d.wanted {
		c := bytes.Compare(d.bytes(d.wanted[i].prefix), prefix)
		if c == 0 {
			return
		}
		if c > 0 {
			at = i
			break
		}
	}
	d.wanted = append(d.wanted, binding{})
	copy(d.wanted[at+1:], d.wanted[at:])
	d.wanted[at] = b
}

// isRendered reports whether the nearest declaration of the prefix in the
// output binds it to the same namespace. Outside any declaration the default
// namespace is none.
func (d *Document) isRendered(b binding) bool {
	for i := len(d.rendered) - 1; i >= 0; i-- {
		if d.samePrefix(d.rendered[i], b) {
			return d.rendered[i].ns == b.ns
		}
	}
	return b.ns == NoNS
}

func (d *Document) appendDeclaration(dst []byte, b binding) []byte {
	dst = append(dst, " xmlns"...)
	if b.prefix.from != b.prefix.to {
		dst = append(dst, ':')
		dst = append(dst, d.bytes(b.prefix)...)
	}
	dst = append(dst, '=', '"')
	if ns := &d.namespaces[b.ns]; ns.plain {
		dst = append(dst, ns.uri...)
	} else {
		for _, c := range ns.uri {
			dst = appendEscapedInValue(dst, c)
		}
	}
	return append(dst, '"')
}

// appendAttributes appends the attributes of el ordered by namespace name,
// then by local name.
func (d *Document) appendAttributes(dst []byte, el *element) []byte {
	n := int(el.nattr)
	for i := range n {
		a := el.attr + uint32(i)
		j := i
		for ; j > 0 && d.precedes(a, d.order[j-1]); j-- {
			d.order[j] = d.order[j-1]
		}
		d.order[j] = a
	}
	for _, i := range d.order[:n] {
		a := &d.attributes[i]
		dst = append(dst, ' ')
		dst = append(dst, d.bytes(a.name)...)
		dst = append(dst, '=', '"')
		if value := d.bytes(a.value); a.class&(hasRef|hasCR|hasTabLF|hasQuote) == 0 {
			dst = append(dst, value...)
		} else {
			dst = appendEscapedValue(dst, value)
		}
		dst = append(dst, '"')
	}
	return dst
}

func (d *Document) precedes(i, j uint32) bool {
	a, b := &d.attributes[i], &d.attributes[j]
	if a.ns != b.ns {
		return bytes.Compare(d.namespaces[a.ns].uri, d.namespaces[b.ns].uri) < 0
	}
	return bytes.Compare(localName(d.bytes(a.name), a.prefix), localName(d.bytes(b.name), b.prefix)) < 0
}

// appendEscapedText appends text in canonical form. In a CDATA section (refs
// not set) an ampersand is an ampersand.
func appendEscapedText(dst, text []byte, refs bool) []byte {
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '&' && refs:
			r, n := reference(text[i:])
			dst = appendEscapedRune(dst, r)
			i += n
		case c == '\r': // a literal line end, not a reference
			dst = append(dst, '\n')
			i++
			if i < len(text) && text[i] == '\n' {
				i++
			}
		default:
			dst = appendEscapedInText(dst, c)
			i++
		}
	}
	return dst
}

func appendEscapedRune(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		return appendEscapedInText(dst, byte(r))
	}
	return utf8.AppendRune(dst, r)
}

func appendEscapedInText(dst []byte, c byte) []byte {
	switch c {
	case '&':
		return append(dst, "&amp;"...)
	case '<':
		return append(dst, "&lt;"...)
	case '>':
		return append(dst, "&gt;"...)
	case '\r':
		return append(dst, "&#xD;"...)
	}
	return append(dst, c)
}

// appendEscapedValue appends an attribute's value, normalised and escaped.
func appendEscapedValue(dst, value []byte) []byte {
	for i := 0; i < len(value); {
		switch c := value[i]; c {
		case '&':
			r, n := reference(value[i:])
			if r < utf8.RuneSelf {
				dst = appendEscapedInValue(dst, byte(r))
			} else {
				dst = utf8.AppendRune(dst, r)
			}
			i += n
		case '\r', '\n', '\t': // literal white space is a space
			dst = append(dst, ' ')
			i++
			if c == '\r' && i < len(value) && value[i] == '\n' {
				i++
			}
		default:
			dst = appendEscapedInValue(dst, c)
			i++
		}
	}
	return dst
}

func appendEscapedInValue(dst []byte, c byte) []byte {
	switch c {
	case '&':
		return append(dst, "&amp;"...)
	case '<':
		return append(dst, "&lt;"...)
	case '"':
		return append(dst, "&quot;"...)
	case '\t':
		return append(dst, "&#x9;"...)
	case '\n':
		return append(dst, "&#xA;"...)
	case '\r':
		return append(dst, "&#xD;"...)
	}
	return append(dst, c)
}

func appendRune(dst []byte, r rune) []byte { return utf8.AppendRune(dst, r) }
